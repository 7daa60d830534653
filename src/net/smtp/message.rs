//! A mail's text made ready for the wire. Pure: bytes in, bytes out.

use memchr::memchr;

use super::SmtpError;

/// The text of a mail as DATA wants it: a dot before every line that begins with one, and the final dot.
///
/// # Errors
/// When a CR or LF stands alone: one server's "no line end" is the next one's end of mail, and what follows it a command. And
/// where it has bytes over 127 that the server has not said it takes.
pub(super) fn stuffed(bytes: &[u8], eight_bit: bool) -> Result<Vec<u8>, SmtpError> {
    if memchr(0, bytes).is_some() {
        return Err(SmtpError::Unsendable("a NUL"));
    }
    if !eight_bit && !bytes.is_ascii() {
        return Err(SmtpError::Unsendable("bytes over 127"));
    }
    let mut text = Vec::with_capacity(bytes.len() + bytes.len() / 64 + 8);
    let mut rest = bytes;
    while !rest.is_empty() {
        let (line, after) = match memchr(b'\n', rest) {
            None => (rest, &rest[rest.len()..]),
            Some(end) => {
                let line = rest[..end].strip_suffix(b"\r").ok_or(SmtpError::Unsendable("an LF without CR"))?;
                (line, &rest[end + 1..])
            }
        };
        if memchr(b'\r', line).is_some() {
            return Err(SmtpError::Unsendable("a CR without LF"));
        }
        if line.first() == Some(&b'.') {
            text.push(b'.');
        }
        text.extend_from_slice(line);
        text.extend_from_slice(b"\r\n");
        rest = after;
    }
    text.extend_from_slice(b".\r\n");
    Ok(text)
}

/// Whether an address can stand between the angle brackets of MAIL and RCPT without ending them.
pub(super) fn is_address(text: &str) -> bool {
    // RFC 5321 section 4.5.3.1: 64 octets before the at sign, 255 after it.
    let fits = |c: char| {
        if c.is_ascii() { c.is_ascii_graphic() && !matches!(c, '<' | '>') } else { !c.is_control() && !c.is_whitespace() }
    };
    text.len() <= 320 && text.contains('@') && text.chars().all(fits)
}

/// Whether a mail's headers have letters beyond ASCII (RFC 6532).
pub(super) fn has_utf8_headers(bytes: &[u8]) -> bool {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or(bytes.len());
    !bytes[..end].is_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(text: &str) -> String {
        String::from_utf8(stuffed(text.as_bytes(), false).unwrap()).unwrap()
    }

    #[test]
    fn a_dot_at_the_start_of_a_line_is_doubled() {
        assert_eq!(sent(".\r\n.a\r\n a.\r\n..\r\n"), "..\r\n..a\r\n a.\r\n...\r\n.\r\n");
        assert_eq!(sent("no end"), "no end\r\n.\r\n");
        assert_eq!(sent(""), ".\r\n");
    }

    #[test]
    fn a_lone_cr_or_lf_is_refused() {
        for text in ["a\n.\nMAIL FROM:<x@y>", "a\r.\r", "a\r\n.\n", "a\r\r\n", "a\r", "a\0"] {
            assert!(matches!(stuffed(text.as_bytes(), true), Err(SmtpError::Unsendable(_))), "{text:?}");
        }
    }

    #[test]
    fn bytes_over_127_go_only_where_the_server_takes_them() {
        assert!(matches!(stuffed("ä\r\n".as_bytes(), false), Err(SmtpError::Unsendable("bytes over 127"))));
        assert_eq!(stuffed("ä\r\n".as_bytes(), true).unwrap(), "ä\r\n.\r\n".as_bytes());
        assert!(has_utf8_headers("To: ä@b\r\n\r\n".as_bytes()) && !has_utf8_headers("To: a@b\r\n\r\nä".as_bytes()));
    }

    #[test]
    fn an_address_cannot_smuggle_a_command() {
        assert!(is_address("me+lwn@example.net") && is_address("jürgen@example.net"));
        for text in ["", "me", "a@b>\r\nRCPT TO:<c@d", "a b@c", "a\u{a0}b@c", "a\u{85}b@c", "<a@b>"] {
            assert!(!is_address(text), "{text:?}");
        }
    }
}
