//! A server's answers. Pure: lines in, [`Reply`] and [`Offers`] out.

use std::fmt;

/// "Service not available, closing transmission channel" (RFC 5321 section 3.8): possible at any moment.
pub(super) const CLOSING: u16 = 421;
/// An answer has at most so many lines; the longest real ones (EHLO) have about 20.
const MAX_LINES: usize = 64;
/// So much of an answer's text is shown.
const MAX_SHOWN: usize = 300;

/// A server's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// Its code, from 200 to 599.
    pub code: u16,
    /// Its enhanced status code (RFC 3463), where it has one.
    pub enhanced: Option<(u16, u16, u16)>,
    lines: Vec<String>,
}

impl Reply {
    /// An answer's first line, and whether it is the last.
    pub(super) fn begin(line: &[u8]) -> Result<(Self, bool), &'static str> {
        let (code, last, text) = parts(line)?;
        Ok((Self { code, enhanced: enhanced(code, &text), lines: vec![text] }, last))
    }

    /// An answer's next line; whether it is the last.
    pub(super) fn go_on(&mut self, line: &[u8]) -> Result<bool, &'static str> {
        let (code, last, text) = parts(line)?;
        if code != self.code {
            return Err("lines with different codes");
        }
        if self.lines.len() >= MAX_LINES {
            return Err("too many lines");
        }
        self.lines.push(text);
        Ok(last)
    }

    /// Its first digit: 2 is yes, 3 is "go on", 4 is "not now", 5 is no.
    #[must_use]
    pub fn class(&self) -> u16 {
        self.code / 100
    }

    /// Whether its enhanced code is of this subject and detail, whatever its class (RFC 3463 section 3).
    #[must_use]
    pub fn is_about(&self, subject: u16, detail: u16) -> bool {
        self.enhanced.is_some_and(|(_, s, d)| (s, d) == (subject, detail))
    }

    /// Its text on one line, without the code.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for line in &self.lines {
            // The enhanced code stands on each line of an answer; once is enough.
            let line = match (self.enhanced, text.is_empty()) {
                (Some(code), false) => line.strip_prefix(&shown(code)).unwrap_or(line),
                (Some(_) | None, _) => line,
            };
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(line.trim());
        }
        match text.char_indices().nth(MAX_SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// The same answer with its text left out.
    pub(super) fn without_text(self) -> Self {
        Self { lines: Vec::new(), ..self }
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(format!("{} {}", self.code, self.text()).trim_end())
    }
}

/// A line's code, whether it is the last, and its text.
fn parts(line: &[u8]) -> Result<(u16, bool, String), &'static str> {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let Some((digits, rest)) = line.split_at_checked(3).filter(|(digits, _)| digits.iter().all(u8::is_ascii_digit)) else {
        return Err("a line without a code");
    };
    let code = digits.iter().fold(0, |code, digit| code * 10 + u16::from(digit - b'0'));
    if !(200..600).contains(&code) {
        return Err("a code that does not exist");
    }
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return Err("a line without a code"),
    };
    let text = String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    Ok((code, last, text))
}

fn shown((class, subject, detail): (u16, u16, u16)) -> String {
    format!("{class}.{subject}.{detail}")
}

/// The enhanced code that `text` begins with; one that contradicts the answer's code is none.
fn enhanced(code: u16, text: &str) -> Option<(u16, u16, u16)> {
    let word = text.split(' ').next()?;
    let mut numbers = word.split('.').map(|part| if part.len() <= 3 { part.parse::<u16>().ok() } else { None });
    let found = (numbers.next()??, numbers.next()??, numbers.next()??);
    (numbers.next().is_none() && found.0 == code / 100).then_some(found)
}

/// What a server offers in its answer to EHLO.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a line that is there or not")]
pub(super) struct Offers {
    /// Commands may be sent without waiting for each answer (RFC 2920).
    pub(super) pipelining: bool,
    /// A mail's size may be told with its sender (RFC 1870).
    pub(super) size: bool,
    /// The largest mail, where the server has a limit and names it.
    pub(super) size_limit: Option<u64>,
    /// A mail's text may have bytes over 127 (RFC 6152).
    pub(super) eight_bit: bool,
    /// Addresses and headers may have letters beyond ASCII (RFC 6531).
    pub(super) utf8: bool,
    /// TLS may be begun (RFC 3207).
    pub(super) starttls: bool,
    /// The mechanisms for a login (RFC 4954), in capitals.
    pub(super) auth: Vec<String>,
}

impl Offers {
    /// What an answer to EHLO offers. Odd lines are passed over.
    pub(super) fn of(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines.iter().skip(1) {
            let line = line.to_ascii_uppercase();
            let mut words = line.split([' ', '\t', '=']).filter(|word| !word.is_empty());
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.utf8 = true,
                Some("STARTTLS") => offers.starttls = true,
                Some("SIZE") => {
                    offers.size = true;
                    offers.size_limit = words.next().and_then(|word| word.parse().ok()).filter(|limit| *limit > 0);
                }
                // `AUTH=LOGIN` is how servers wrote it before RFC 2554, and some still do, beside the proper line.
                Some("AUTH") => offers.auth.extend(words.map(str::to_owned)),
                Some(_) | None => {}
            }
        }
        offers
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Reply, &'static str> {
        let mut lines = text.split_inclusive('\n');
        let (mut reply, mut last) = Reply::begin(lines.next().unwrap().as_bytes())?;
        while !last {
            last = reply.go_on(lines.next().ok_or("no last line")?.as_bytes())?;
        }
        Ok(reply)
    }

    #[test]
    fn an_answer_is_shown_on_one_line_with_its_code_once() {
        let reply = read("550-5.7.1 Our system\r\n550-5.7.1 is tired\r\n550 5.7.1 of you\r\n").unwrap();
        assert_eq!((reply.code, reply.enhanced, reply.class()), (550, Some((5, 7, 1)), 5));
        assert_eq!(reply.to_string(), "550 5.7.1 Our system is tired of you");
        assert!(reply.is_about(7, 1));
        assert_eq!(read("250\r\n").unwrap().to_string(), "250");
        assert_eq!(read("250 4.1.1 \x1b[31mred\n").unwrap().enhanced, None);
        assert!(!read("554 \x1b[31mred\n").unwrap().to_string().contains('\x1b'));
        assert!(read(&format!("554 {}\n", "ä".repeat(1000))).unwrap().text().ends_with("ää…"));
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in ["\r\n", "25", "abc\r\n", "2500 x\n", "250_x\n", "999 x\n", "100 x\n", "250-a\r\n251 b\r\n", "25\u{0661} x\n"]
        {
            assert!(read(text).is_err(), "{text:?}");
        }
        let long = format!("{}250 end\n", "250-x\n".repeat(100));
        assert_eq!(read(&long), Err("too many lines"));
    }

    #[test]
    fn offers_are_read_and_odd_lines_passed_over() {
        let text =
            "250-mx at your service\n250-PIPELINING\n250-   \n250-size 1000\n250-\n250-AUTH PLAIN login\n250-AUTH=LOGIN\n250 \n";
        let offers = Offers::of(&read(text).unwrap());
        assert!(offers.pipelining && !offers.starttls);
        assert_eq!((offers.size, offers.size_limit), (true, Some(1000)));
        assert_eq!(offers.auth, ["PLAIN", "LOGIN", "LOGIN"]);
        assert_eq!(Offers::of(&read("250-a\n250 SIZE 0\n").unwrap()).size_limit, None);
        assert_eq!(Offers::of(&read("250 STARTTLS is my name\n").unwrap()), Offers::default());
    }
}
