//! A mail as its reader sees it: parsed by a program that is not the one that composed it.

use mail_parser::{Address, HeaderName, MessageParser};

/// A mail that arrived.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    raw: Vec<u8>,
    parsed: mail_parser::Message<'static>,
}

impl Message {
    /// Parses what arrived; anything that is not a mail fails the test.
    pub(crate) fn parse(raw: Vec<u8>) -> Self {
        let parsed = MessageParser::default().parse(&raw).unwrap_or_else(|| panic!("not a mail: {raw:?}")).into_owned();
        Self { raw, parsed }
    }

    /// The bytes, as they arrived.
    pub(crate) fn raw(&self) -> &[u8] {
        &self.raw
    }

    /// The decoded value of a header, as text.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let named = |header: &&mail_parser::Header<'_>| header.name().eq_ignore_ascii_case(name);
        let header = self.parsed.headers().iter().find(named)?;
        let raw = self.raw.get(header.offset_start as usize..header.offset_end as usize)?;
        Some(String::from_utf8_lossy(raw).replace("\r\n", "\n").replace("\n ", " ").replace("\n\t", " ").trim().to_owned())
    }

    /// The names of the headers, in order and in lower case.
    pub(crate) fn header_names(&self) -> Vec<String> {
        self.parsed.headers().iter().map(|header| header.name().to_ascii_lowercase()).collect()
    }

    /// The subject, decoded.
    pub(crate) fn subject(&self) -> &str {
        self.parsed.subject().unwrap_or_default()
    }

    /// Name and address of the author.
    pub(crate) fn from(&self) -> (String, String) {
        first(self.parsed.from())
    }

    /// Name and address of the recipient.
    pub(crate) fn to(&self) -> (String, String) {
        first(self.parsed.to())
    }

    /// The date, in unix seconds.
    pub(crate) fn sent_at(&self) -> Option<i64> {
        self.parsed.date().map(mail_parser::DateTime::to_timestamp)
    }

    /// The date, as RFC 3339.
    pub(crate) fn date(&self) -> String {
        self.parsed.date().map(mail_parser::DateTime::to_rfc3339).unwrap_or_default()
    }

    /// The `Message-ID`, without angle brackets.
    pub(crate) fn message_id(&self) -> &str {
        self.parsed.message_id().unwrap_or_default()
    }

    /// The media type of the whole.
    pub(crate) fn content_type(&self) -> String {
        let Some(of) = self.parsed.header(HeaderName::ContentType).and_then(|value| value.as_content_type()) else {
            return String::new();
        };
        format!("{}/{}", of.ctype(), of.subtype().unwrap_or_default())
    }

    /// The text part as it was written; nothing where there is none.
    pub(crate) fn text(&self) -> Option<String> {
        self.part("text/plain")
    }

    /// The HTML part as it was written; nothing where there is none.
    pub(crate) fn html(&self) -> Option<String> {
        self.part("text/html")
    }

    /// The media types, names and contents of what it carries beside its text.
    pub(crate) fn carried(&self) -> Vec<(String, String, Vec<u8>)> {
        use mail_parser::MimeHeaders as _;
        let part = |part: &mail_parser::MessagePart<'_>| {
            let of = part.content_type()?;
            let media_type = format!("{}/{}", of.ctype(), of.subtype()?);
            let name = part.attachment_name().unwrap_or_default().to_owned();
            (!media_type.starts_with("text/") && !media_type.starts_with("multipart/"))
                .then(|| (media_type, name, part.contents().to_vec()))
        };
        self.parsed.parts.iter().filter_map(part).collect()
    }

    // `body_text` and `body_html` would make one from the other where it is missing.
    fn part(&self, media_type: &str) -> Option<String> {
        use mail_parser::MimeHeaders as _;
        let of_type = |part: &&mail_parser::MessagePart<'_>| match part.content_type() {
            Some(of) => format!("{}/{}", of.ctype(), of.subtype().unwrap_or_default()).eq_ignore_ascii_case(media_type),
            None => media_type == "text/plain",
        };
        self.parsed.parts.iter().find(of_type)?.text_contents().map(str::to_owned)
    }
}

fn first(address: Option<&Address<'_>>) -> (String, String) {
    let Some(first) = address.and_then(Address::first) else { return (String::new(), String::new()) };
    (first.name().unwrap_or_default().to_owned(), first.address().unwrap_or_default().to_owned())
}

mod tests {
    use super::Message;

    #[test]
    fn the_kit_sees_a_mail_as_its_reader_does() {
        let mail = Message::parse(
            b"From: =?utf-8?q?M=C3=BCller?= <feeds@example.net>\r\nTo: me@example.net\r\nSubject: =?utf-8?q?=C3=9Cber?=\r\n\
              Date: Fri, 02 Jan 2026 03:04:05 +0000\r\nMessage-ID: <a.0@example.net>\r\nX-RSS-URL:\r\n https://example.org/\r\n\
              Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello\r\n\
              --b\r\nContent-Type: text/html\r\n\r\n<p>Hello</p>\r\n--b--\r\n"
                .to_vec(),
        );
        assert_eq!(mail.from(), ("Müller".to_owned(), "feeds@example.net".to_owned()));
        assert_eq!(mail.to().1, "me@example.net");
        assert_eq!((mail.subject(), mail.message_id()), ("Über", "a.0@example.net"));
        assert_eq!(mail.date(), "2026-01-02T03:04:05Z");
        assert_eq!(mail.header("x-rss-url").as_deref(), Some("https://example.org/"));
        assert_eq!(mail.content_type(), "multipart/alternative");
        assert_eq!(mail.text().as_deref().map(str::trim), Some("Hello"));
        assert_eq!(mail.html().as_deref().map(str::trim), Some("<p>Hello</p>"));
        assert_eq!(mail.header_names().len(), 7);
    }
}
