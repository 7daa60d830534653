//! PURE. Who is named in one line of text, as RSS and Dublin Core name people: `jane@example.org (Jane Roe)` and all that is
//! written instead. Goes in: the line, with or without markup. Comes out: one [`Person`], or nothing if nobody is named.
//!
//! A line of several names is one person with that line for a name: `Roe, Jane` and `Jane Roe, John Doe` cannot be told apart,
//! and as written both are right. Of several people with an address each, the first is read.

use super::entry::Person;
use super::text;

/// The longest line that is read, in characters; a longer one is cut off.
const LONGEST: usize = 200;
/// The longest address, in bytes (RFC 5321, section 4.5.3.1).
const LONGEST_ADDRESS: usize = 254;
/// As many characters of markup are looked at.
const MOST_MARKUP: usize = 4000;
/// What stands around a whole name or address and belongs to neither.
const PAIRS: &[(char, char)] = &[
    ('(', ')'),
    ('<', '>'),
    ('[', ']'),
    ('"', '"'),
    ('\'', '\''),
    ('“', '”'),
    ('„', '“'),
    ('«', '»'),
    ('「', '」'),
    ('『', '』'),
    ('【', '】'),
    ('（', '）'),
];
/// What stands between a name and an address.
const BETWEEN: &[char] = &[',', ';', ':', '|', '/', '-', '–', '—', '·', '•', '=', '~', '、', '，', '：', '；'];

/// Reads an author line.
pub(super) fn person(text: &str) -> Option<Person> {
    let mut name = plain(text);
    let (mut uri, mut email) = (None, None);
    if let Some((found, rest)) = page(&name) {
        (uri, name) = (Some(found), rest);
    }
    if let Some((found, rest)) = address(&name) {
        (email, name) = (Some(found), rest);
    }
    let alone = uri.is_none() && email.is_none();
    let name = if alone { unwrapped(&name) } else { bare(&name) };
    let repeats = |address: &Option<String>| address.as_deref().is_some_and(|address| address.eq_ignore_ascii_case(name));
    // A form that was sent as it came.
    let untouched = matches!(name, "http://" | "https://");
    let tells = name.chars().any(char::is_alphanumeric) && !untouched && !repeats(&email) && !repeats(&uri);
    let person = Person { name: tells.then(|| name.to_owned()), email, uri };
    person.shown().is_some().then_some(person)
}

/// The line as plain text, no longer than a line may be: publishers escape up to twice.
fn plain(text: &str) -> String {
    let start: String = text.chars().take(MOST_MARKUP).collect();
    let mut line = text::one_line(&start);
    for _ in 0..2 {
        line = without_angles(&line);
        if !text::holds_markup(&line) && !text::holds_references(&line) {
            break;
        }
        line = text::from_html(&line);
    }
    text::cut(&line, LONGEST)
}

/// `Jane <jane@example.org>` with round brackets, lest the address be taken for an element.
fn without_angles(line: &str) -> String {
    let mut pieces = line.split('<');
    let mut plain = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        match piece.split_once('>') {
            Some((inside, rest)) if is_address_or_page(inside) => plain.extend(["(", inside, ")", rest]),
            _ => plain.extend(["<", piece]),
        }
    }
    plain
}

fn is_address_or_page(text: &str) -> bool {
    let text = text.trim();
    !text.contains(char::is_whitespace) && (is_page(text) || text.contains('@'))
}

/// The first e-mail address of a line, and the line without it.
fn address(line: &str) -> Option<(String, String)> {
    let (head, found, tail) = find_address(line)?;
    // What a `mailto:` may say besides.
    let tail = if tail.starts_with('?') {
        tail.trim_start_matches(|c: char| !c.is_whitespace() && !matches!(c, ')' | '>'))
    } else {
        tail
    };
    let tail = match find_address(tail) {
        Some((between, _, _)) => between.rsplit_once([',', ';']).map_or(between, |(own, _)| own),
        None => tail,
    };
    Some((found.to_owned(), without_hole(without_scheme(head), tail)))
}

/// The first e-mail address with what stands before and behind it.
fn find_address(line: &str) -> Option<(&str, &str, &str)> {
    line.match_indices('@').find_map(|(at, _)| {
        let (before, after) = (line.get(..at)?, line.get(at + 1..)?);
        let head = before.trim_end_matches(is_local);
        let local = before.strip_prefix(head)?;
        let kept = local.trim_start_matches(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        let host = after.split(|c: char| !is_host(c)).next()?.trim_end_matches(['.', '-']);
        // `@jane@example.social` is a name.
        let is_handle = head.ends_with('@') && kept.len() == local.len();
        let length = kept.len() + 1 + host.len();
        if kept.is_empty() || is_handle || !is_host_name(host) || length > LONGEST_ADDRESS {
            return None;
        }
        let (head, rest) = line.split_at_checked(at - kept.len())?;
        let (found, tail) = rest.split_at_checked(length)?;
        Some((head, found, tail))
    })
}

/// What may stand before the `@` (RFC 5322, section 3.2.3), but for what stands between words more often.
fn is_local(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-?^_`{}~.".contains(c)
}

fn is_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '-')
}

fn is_host_name(host: &str) -> bool {
    host.contains('.') && host.split('.').all(|label| !label.is_empty())
}

fn without_scheme(head: &str) -> &str {
    let schemes = ["mailto:", "MAILTO:", "Mailto:", "mailto://"];
    schemes.iter().find_map(|scheme| head.strip_suffix(scheme)).unwrap_or(head)
}

/// The first address of a page, and the line without it.
fn page(line: &str) -> Option<(String, String)> {
    let start = ["http://", "https://"].iter().filter_map(|scheme| line.find(scheme)).min()?;
    let (head, rest) = line.split_at_checked(start)?;
    let ends = |c: char| c.is_whitespace() || matches!(c, '<' | '>' | '"' | ')' | ']' | '」' | '）');
    let found = rest.split(ends).next()?.trim_end_matches([',', ';']);
    let tail = rest.strip_prefix(found)?;
    is_page(found).then(|| (found.to_owned(), without_hole(head, tail)))
}

fn is_page(text: &str) -> bool {
    let host = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    host.is_some_and(|host| host.starts_with(|c: char| c.is_alphanumeric() || c == '['))
}

/// What stood around an address, without the brackets that only it was in.
fn without_hole(head: &str, tail: &str) -> String {
    let (mut head, mut tail) = (head.trim_end(), tail.trim_start());
    while let Some((shorter, rest)) =
        PAIRS.iter().find_map(|(open, close)| head.strip_suffix(*open).zip(tail.strip_prefix(*close)))
    {
        (head, tail) = (shorter.trim_end(), rest.trim_start());
    }
    format!("{head} {tail}")
}

/// A name without what stood between it and an address.
fn bare(name: &str) -> &str {
    let mut name = name;
    loop {
        let trimmed = name.trim_matches(|c: char| c.is_whitespace() || BETWEEN.contains(&c));
        let shorter = unwrapped(without_torn_bracket(trimmed));
        if shorter.len() == name.len() {
            return name;
        }
        name = shorter;
    }
}

/// A name without the brackets or quotes around all of it.
fn unwrapped(name: &str) -> &str {
    let mut name = name.trim();
    let inside = |name, (open, close): &(char, char)| -> Option<&str> {
        let inside = str::strip_prefix(name, *open)?.strip_suffix(*close)?;
        // `(Jane) and (John)` is not in brackets.
        let first = |mark: char| inside.find(mark).unwrap_or(inside.len());
        (first(*close) == inside.len() || first(*open) < first(*close)).then_some(inside)
    };
    while let Some(inside) = PAIRS.iter().find_map(|pair| inside(name, pair)) {
        name = inside.trim();
    }
    name
}

/// A name without a bracket at its edge that has no other half.
fn without_torn_bracket(name: &str) -> &str {
    let torn = |(open, close): &(char, char)| {
        let begins = name.strip_prefix(*open).filter(|rest| !rest.contains(*close));
        begins.or_else(|| name.strip_suffix(*close).filter(|rest| !rest.contains(*open)))
    };
    PAIRS.iter().filter(|(open, close)| open != close).find_map(torn).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `name <email> uri`, with a `-` for what is not there.
    fn shown(line: &str) -> String {
        let or_dash = |part: Option<String>| part.unwrap_or_else(|| "-".to_owned());
        person(line).map_or("nobody".to_owned(), |person| {
            format!("{} <{}> {}", or_dash(person.name), or_dash(person.email), or_dash(person.uri))
        })
    }

    #[test]
    fn a_person_is_read_however_the_line_is_written() {
        let jane = "Jane Roe <jane@example.org> -";
        for line in [
            "jane@example.org (Jane Roe)",
            "Jane Roe <jane@example.org>",
            "Jane Roe (jane@example.org)",
            "Jane Roe [jane@example.org]",
            "\"Jane Roe\" <jane@example.org>",
            "'Jane Roe' <jane@example.org>",
            "jane@example.org Jane Roe",
            "jane@example.org, Jane Roe",
            "jane@example.org - Jane Roe",
            "Jane Roe, jane@example.org",
            "Jane Roe: jane@example.org",
            "Jane Roe jane@example.org",
            "Jane Roe「jane@example.org」",
            "jane@example.org—Jane Roe",
            "jane@example.org\u{A0}(Jane Roe)",
            "  jane@example.org\n\t(Jane\r\n Roe)  ",
            "jane@example.org (Jane Roe",
            "jane@example.org Jane Roe)",
            "jane@example.org ((Jane Roe))",
            "mailto:jane@example.org (Jane Roe)",
            "Jane Roe <mailto:jane@example.org>",
            "Jane Roe <mailto:jane@example.org?subject=Your%20feed>",
            "Jane Roe &lt;jane@example.org&gt;",
            "Jane Roe &amp;lt;jane@example.org&amp;gt;",
            "<b>Jane&nbsp;Roe</b> <jane@example.org>",
            "<p>jane@example.org (Jane Roe)</p>",
            "jane@example.org (Jane\u{0} Roe\u{202E})",
            "Jane Roe <jane@example.org>, John Doe <john@example.org>",
            "jane@example.org (Jane Roe), john@example.org (John Doe)",
        ] {
            assert_eq!(shown(line), jane, "{line:?}");
        }
    }

    #[test]
    fn what_is_missing_stays_away() {
        for (line, expected) in [
            ("Jane Roe", "Jane Roe <-> -"),
            ("(Jane)", "Jane <-> -"),
            ("\"Jane Roe\"", "Jane Roe <-> -"),
            ("jane@example.org", "- <jane@example.org> -"),
            ("<jane@example.org>", "- <jane@example.org> -"),
            ("jane@example.org ()", "- <jane@example.org> -"),
            ("jane@example.org (jane@example.org)", "- <jane@example.org> -"),
            ("mailto:jane@example.org", "- <jane@example.org> -"),
            ("MAILTO:jane.roe+feed@mail.example.org", "- <jane.roe+feed@mail.example.org> -"),
            ("nospam@nospam.com (Jane)", "Jane <nospam@nospam.com> -"),
            ("Jane「a@b.cc」", "Jane <a@b.cc> -"),
            ("a@b.cc—Jane", "Jane <a@b.cc> -"),
            ("田中「tanaka@example.jp」", "田中 <tanaka@example.jp> -"),
            ("https://example.org/jane", "- <-> https://example.org/jane"),
            ("http://example.org/ (Jane)", "Jane <-> http://example.org/"),
            ("Jane <https://social.example/@jane@example.org>", "Jane <-> https://social.example/@jane@example.org"),
            ("Jane <jane@example.org> https://example.org/", "Jane <jane@example.org> https://example.org/"),
            ("<a href=\"https://example.org/\">Jane Roe</a>", "Jane Roe <-> -"),
        ] {
            assert_eq!(shown(line), expected, "{line:?}");
        }
    }

    #[test]
    fn a_name_stays_as_it_is_written() {
        for name in [
            "Jane Roe, John Doe",
            "Roe, Jane",
            "Jane Roe and John Doe",
            "Jane Roe (Editor)",
            "(Jane) and (John)",
            "jane at example dot org",
            "jane [at] example [dot] org",
            "jane@localhost",
            "@jane@example.social",
            "Jane @ Work",
            "O'Brien",
            "Dr. Jane Roe, Ph.D.",
            "-=jane=-",
            "AT&T",
        ] {
            assert_eq!(shown(name), format!("{name} <-> -"));
        }
        assert_eq!(shown("jane@example.org (Jane Roe (Editor))"), "Jane Roe (Editor) <jane@example.org> -");
        assert_eq!(shown("Jane Roe (Editor) <jane@example.org>"), "Jane Roe (Editor) <jane@example.org> -");
        assert_eq!(shown("Roe &amp; Doe <jane@example.org>"), "Roe & Doe <jane@example.org> -");
    }

    #[test]
    fn nobody_is_named_by_nothing() {
        for line in ["", " \n", "()", "<>", "-", "\u{0}", "<br/>", "&nbsp;", "( )", "@", "http://", "<script>x</script>"] {
            assert_eq!(person(line), None, "{line:?}");
        }
    }

    #[test]
    fn a_name_is_bounded() {
        let name = person(&"x".repeat(1_000_000)).and_then(|person| person.name).expect("a name");
        assert!(name.chars().count() <= LONGEST);
        assert_eq!(person(&format!("{}@example.org", "x".repeat(190))).and_then(|person| person.email), None);
    }

    proptest! {
        #[test]
        fn no_line_makes_it_panic(
            line in any::<String>(),
            nearly in "[a-z@.<>()「」—\u{A0}: \"'&;/é-]{0,40}(mailto:|https://|&lt;|@b\\.cc)?[a-z@.<>()「」—\u{A0}: \"'&;/é-]{0,40}",
        ) {
            for line in [line, nearly] {
                for part in person(&line).into_iter().flat_map(|person| [person.name, person.email, person.uri]).flatten() {
                    prop_assert!(!part.is_empty() && part.chars().count() <= LONGEST && !part.contains(text::is_unseen), "{:?}", part);
                }
            }
        }
    }
}
