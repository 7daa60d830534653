//! PURE. What stands in a mail's headers, made harmless: one line, no control characters, bounded. Encoding (RFC 2047)
//! and folding are lettre's.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use lettre::Address;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use url::Url;

use super::compose::ComposeError;
use super::direction::language;
use super::encoded;
use crate::delivery::MessageId;
use crate::feed::text::{cut, one_line};
use crate::feed::{Entry, Facts};
use crate::secret::{redact, redact_text};

/// The longest subject, in characters: what programs show, and far below the 998 octets of a line (RFC 5322 section 2.1.1).
const SUBJECT: usize = 200;
/// The longest name beside an address, in characters.
const NAME: usize = 80;
/// The longest list of tags, in characters.
const KEYWORDS: usize = 500;
/// The longest value of a header that cannot be folded, in octets; a longer one is left out.
const UNFOLDABLE: usize = 900;

/// A subject: one line, cut at a word. An entry without a title is named by its text, else by where it stands.
pub(super) fn subject(rendered: &str, facts: &Facts, summary: &str) -> String {
    let host = || Url::parse(&facts.entry.link).ok().and_then(|url| url.host_str().map(str::to_owned));
    let line = one_line(rendered);
    let line = if line.is_empty() { cut(&one_line(summary), 60) } else { line };
    let line = if line.is_empty() { host().unwrap_or_else(|| facts.feed.title.clone()) } else { line };
    cut(&line, SUBJECT)
}

/// The name beside the sender's address. It cannot imitate an address: no `@`, no brackets, no quotes.
pub(super) fn phrase(rendered: &str) -> Option<String> {
    // The small and the wide forms of these signs look the same.
    let brackets = ['<', '>', '"', '\\', '\u{FE64}', '\u{FE65}', '\u{FF1C}', '\u{FF1E}', '\u{2039}', '\u{203A}'];
    let plain = rendered.replace(brackets, "").replace(['@', '\u{FE6B}', '\u{FF20}'], " at ");
    let plain = one_line(&plain);
    Some(cut(&plain, NAME)).filter(|name| !name.is_empty())
}

/// Addresses separated by commas, each with or without a name; at most `most` of them.
///
/// # Errors
/// Names the text that is no address.
pub(super) fn recipients(text: &str, most: usize) -> Result<Vec<Mailbox>, ComposeError> {
    let text = one_line(text);
    let wrong = || ComposeError::Address(text.clone());
    let mailbox = |part: &str| -> Result<Mailbox, ComposeError> {
        let mailbox: Mailbox = part.parse().map_err(|_| wrong())?;
        Ok(Mailbox::new(mailbox.name, ascii(&mailbox.email).ok_or_else(wrong)?))
    };
    let found: Vec<Mailbox> =
        text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(mailbox).collect::<Result<_, _>>()?;
    if found.is_empty() || found.len() > most { Err(wrong()) } else { Ok(found) }
}

/// The address with its domain in ASCII (RFC 5891), which every server knows. The part before the `@` stays as it is: it is
/// for the sink to see whether its server knows letters beyond ASCII there (RFC 6531). `None` where the domain is none.
#[must_use]
pub(super) fn ascii(address: &Address) -> Option<Address> {
    if address.domain().is_ascii() {
        return Some(address.clone());
    }
    let host = url::Host::parse(address.domain()).ok()?;
    Address::new(address.user(), host.to_string()).ok()
}

/// The mail's date: the entry's, at most when it was first seen, and not before 1970.
pub(super) fn date(dated: Option<Timestamp>, first_seen: Timestamp) -> SystemTime {
    let at = dated.unwrap_or(first_seen).min(first_seen).max(Timestamp::UNIX_EPOCH);
    SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(at.as_second()).unwrap_or_default())
}

/// A header that is written out already.
pub(super) fn raw(name: &'static str, text: &str, written: String) -> HeaderValue {
    HeaderValue::dangerous_new_pre_encoded(HeaderName::new_from_ascii_str(name), text.to_owned(), written)
}

/// Whom the mail comes from.
pub(super) fn from(sender: &Mailbox) -> HeaderValue {
    let address = &sender.email;
    let written = match &sender.name {
        None => format!("{address}"),
        Some(name) => {
            let name = encoded::phrase(name, "From: ".len());
            let last = name.rsplit("\r\n").next().unwrap_or_default().len();
            let fold = if last + address.to_string().len() + 9 > 76 { "\r\n" } else { "" };
            format!("{name}{fold} <{address}>")
        }
    };
    raw("From", &sender.to_string(), written)
}

/// The headers by which programs and filters know the mail: its list (RFC 2919), its origin, its language.
pub(super) fn labels(mut builder: MessageBuilder, entry: &Entry, facts: &Facts, id: &MessageId) -> MessageBuilder {
    let domain = id.as_str().rsplit('@').next().unwrap_or("localhost");
    let title = phrase(&facts.feed.title).unwrap_or_default();
    let list = format!("<{}.{domain}>", facts.feed.name);
    let named =
        if title.is_empty() { list.clone() } else { format!("{}\r\n {list}", encoded::phrase(&title, "List-Id: ".len())) };
    builder = builder.raw_header(raw("List-Id", &list, named));
    let address = |url: &str| whole_address(url).map(|url| format!("<{url}>")).unwrap_or_default();
    let tags = cut(&one_line(&entry.tags.join(", ")), KEYWORDS);
    let labels = [
        ("List-Post", "NO".to_owned()),
        ("Auto-Submitted", "auto-generated".to_owned()),
        ("Archived-At", address(&facts.entry.link)),
        ("Content-Base", whole_address(&facts.entry.link).unwrap_or_default()),
        ("Content-Language", language(entry, facts).unwrap_or_default().to_owned()),
        ("Keywords", tags.clone()),
        ("X-RSS-Feed", shown(&facts.feed.url)),
        ("X-RSS-ID", entry.id.as_deref().map(shown).unwrap_or_default()),
        ("X-RSS-URL", shown(&facts.entry.link)),
        ("X-RSS-TAGS", tags),
        ("X-Feeds-Content", facts.entry.content_from.clone()),
    ];
    for (name, value) in labels {
        if !value.is_empty() {
            let written = encoded::unstructured(&value, name.len() + ": ".len());
            builder = builder.raw_header(raw(name, &value, written));
        }
    }
    builder
}

/// A page's address that programs may open; nothing where it holds a secret, or is too long for a header.
fn whole_address(url: &str) -> Option<String> {
    let url = Url::parse(url).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    (url.username().is_empty() && redact(&url) == url.as_str()).then(|| unfoldable(url.as_str())).flatten()
}

/// An address or an id as it may be shown; nothing where it is too long for a header.
fn shown(text: &str) -> String {
    unfoldable(&redact_text(text)).unwrap_or_default()
}

/// Text for a header that programs read whole: one line; nothing where it would be too long for one.
fn unfoldable(text: &str) -> Option<String> {
    let line = one_line(text);
    (!line.is_empty() && line.len() <= UNFOLDABLE).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_imitate_an_address() {
        assert_eq!(phrase("\"Bank\" <service@bank.example>\r\nBcc: x").as_deref(), Some("Bank service at bank.example Bcc: x"));
        assert_eq!(phrase(" \u{202E} "), None);
    }

    #[test]
    fn a_subject_is_one_bounded_line() {
        let mut facts = Facts::specimen();
        assert_eq!(subject("a\r\nBcc: b", &facts, ""), "a Bcc: b");
        assert!((190..=200).contains(&subject(&"word ".repeat(100), &facts, "").chars().count()));
        assert!(subject(&"word ".repeat(100), &facts, "").ends_with("word…"));
        assert_eq!(subject(" ", &facts, "It began like this"), "It began like this");
        assert_eq!(subject("", &facts, ""), "example.org");
        facts.entry.link.clear();
        assert_eq!(subject("", &facts, ""), "specimen");
    }

    #[test]
    fn recipients_are_addresses_and_no_more_than_were_meant() {
        let all =
            |text: &str, most| recipients(text, most).map(|found| found.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(all("me@example.net", 1).unwrap(), ["me@example.net"]);
        assert_eq!(all("Me <me@bücher.example>, b@example.net", 2).unwrap(), ["Me <me@xn--bcher-kva.example>", "b@example.net"]);
        assert_eq!(all("jürgen@bücher.example", 1).unwrap(), ["jürgen@xn--bcher-kva.example"]);
        for wrong in ["", "nobody", "a@example.net, b@example.net"] {
            assert!(all(wrong, 1).is_err(), "{wrong}");
        }
    }
}
