//! PURE. Puts a mail together: headers, parts, encoding. lettre builds the message; everything that would make two builds
//! of it differ (boundary, Message-ID, date) is given.

use jiff::Timestamp;
use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Body, Mailbox, MultiPart, MultiPartKind, SinglePart};

use super::parts::{Attachment, Inline};
use super::{Format, Look, Mail, encoded, headers, page, parts};
use crate::article::Article;
use crate::delivery::MessageId;
use crate::expression::{Template, TemplateError};
use crate::feed::{Entry, Facts};

/// What a mail is made from.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The entry, made ready to read.
    pub article: &'a Article,
    /// What templates may say.
    pub facts: &'a Facts,
    /// The id it was queued under.
    pub message_id: &'a MessageId,
    /// The mail that this one answers: the first version of an entry that was edited.
    pub in_reply_to: Option<&'a MessageId>,
    /// When the entry was first seen: the latest its date may be.
    pub first_seen: Timestamp,
    /// Images of the article that the mail carries itself.
    pub inline: &'a [Inline],
    /// Files that come with it.
    pub attachments: &'a [Attachment],
}

/// Why an entry could not be made into a mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A template of the configuration failed.
    #[error("the template for `{key}` failed: {cause}")]
    Template {
        /// The key it stands under.
        key: &'static str,
        /// What is wrong with it.
        cause: TemplateError,
    },
    /// What a template made is no address.
    #[error("`{0}` is not an address, or more addresses than `to` names")]
    Address(String),
    /// A mail that is a link, of an entry that has none.
    #[error("the entry has no link to send")]
    NoLink,
    /// The message could not be built.
    #[error("the message could not be built: {0}")]
    Build(String),
}

/// What a mail's templates came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// Whom it comes from: name and address.
    pub from: String,
    /// Whom it goes to.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
}

/// The same before it is written out.
struct Filled {
    sender: Mailbox,
    recipients: Vec<Mailbox>,
    subject: String,
}

/// Fills the templates in.
///
/// # Errors
/// When a template fails, or a recipient is no address.
pub fn head(letter: Letter<'_>, look: &Look) -> Result<Head, ComposeError> {
    let Filled { sender, recipients, subject } = fill(letter, look)?;
    Ok(Head { from: sender.to_string(), to: recipients.iter().map(ToString::to_string).collect(), subject })
}

fn fill(letter: Letter<'_>, look: &Look) -> Result<Filled, ComposeError> {
    let facts = letter.facts;
    let fill =
        |key: &'static str, template: &Template| template.render(facts).map_err(|cause| ComposeError::Template { key, cause });
    let subject = headers::subject(&fill("subject", &look.subject)?, facts, &letter.article.summary);
    let sender = Mailbox::new(headers::phrase(&fill("from_name", &look.from_name)?), address(&look.from)?);
    // A value that holds a comma adds no recipient.
    let meant = 1 + look.to.source().matches(',').count();
    let recipients = headers::recipients(&fill("to", &look.to)?, meant)?;
    Ok(Filled { sender, recipients, subject })
}

/// The text part.
#[must_use]
pub fn text(letter: Letter<'_>) -> String {
    page::text(letter.entry, letter.article, letter.facts)
}

/// The HTML part, under this subject.
#[must_use]
pub fn html(letter: Letter<'_>, subject: &str) -> String {
    page::html(subject, letter.entry, letter.article, letter.facts)
}

/// Composes the mail of one entry. The same letter and look always give the same bytes.
///
/// # Errors
/// When a template fails, a recipient is no address, or a mail of format `url` has no link.
pub fn compose(letter: Letter<'_>, look: &Look) -> Result<Mail, ComposeError> {
    let Letter { entry, facts, message_id, first_seen, .. } = letter;
    let Filled { sender, recipients, subject } = fill(letter, look)?;
    let mut builder = Message::builder()
        .raw_header(headers::from(&sender))
        .raw_header(headers::raw("Subject", &subject, encoded::unstructured(&subject, "Subject: ".len())))
        .date(headers::date(entry.dated(), first_seen))
        .message_id(Some(format!("<{message_id}>")));
    for recipient in &recipients {
        builder = builder.to(recipient.clone());
    }
    if let Some(first) = letter.in_reply_to {
        builder = builder.in_reply_to(format!("<{first}>")).references(format!("<{first}>"));
    }
    builder = headers::labels(builder, entry, facts, message_id);

    let plain = || part(ContentType::TEXT_PLAIN, &text(letter));
    let inline = letter.inline;
    let page = || part(ContentType::TEXT_HTML, &parts::pointed(&html(letter, &subject), inline, message_id));
    let both =
        || MultiPart::builder().kind(MultiPartKind::Alternative).boundary(boundary(message_id)).build().singlepart(plain());
    let whole = match look.format {
        Format::Both if inline.is_empty() => Whole::Many(both().singlepart(page())),
        Format::Both => Whole::Many(both().multipart(parts::related(page(), inline, message_id))),
        Format::Html if inline.is_empty() => Whole::One(page()),
        Format::Html => Whole::Many(parts::related(page(), inline, message_id)),
        Format::Text => Whole::One(plain()),
        Format::Url => {
            let link = entry.link().ok_or(ComposeError::NoLink)?;
            Whole::One(part(ContentType::TEXT_PLAIN, link))
        }
    };
    let built = match whole {
        Whole::One(part) if letter.attachments.is_empty() => builder.singlepart(part),
        Whole::Many(parts) if letter.attachments.is_empty() => builder.multipart(parts),
        whole => {
            let (mixed, files) = parts::mixed(letter.attachments, message_id);
            let mixed = match whole {
                Whole::One(part) => mixed.singlepart(part),
                Whole::Many(parts) => mixed.multipart(parts),
            };
            builder.multipart(files.into_iter().fold(mixed, MultiPart::singlepart))
        }
    };
    let message = built.map_err(|error| ComposeError::Build(error.to_string()))?;
    Ok(Mail {
        from: sender.email.to_string(),
        to: recipients.iter().map(|recipient| recipient.email.to_string()).collect(),
        message_id: message_id.as_str().to_owned(),
        bytes: message.formatted(),
        facts: facts.clone(),
    })
}

/// A mail's text, in one part or in several.
enum Whole {
    One(SinglePart),
    Many(MultiPart),
}

fn address(configured: &lettre::Address) -> Result<lettre::Address, ComposeError> {
    headers::ascii(configured).ok_or_else(|| ComposeError::Address(configured.to_string()))
}

/// A boundary that no part can hold: the parts' lines are encoded, and an encoded line never begins with `--=_`.
pub(super) fn boundary(id: &MessageId) -> String {
    format!("=_{}", id.key().0.replace('.', "_"))
}

/// One part, in an encoding whose lines stay short whatever the text: quoted-printable, or base64 where that is smaller.
fn part(kind: ContentType, text: &str) -> SinglePart {
    // A lone CR would travel as it is; every line ends alike.
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let beyond = text.bytes().filter(|byte| !byte.is_ascii()).count();
    let encoding =
        if beyond * 6 > text.len() { ContentTransferEncoding::Base64 } else { ContentTransferEncoding::QuotedPrintable };
    let body = Body::new_with_encoding(text.clone(), encoding).unwrap_or_else(|_| Body::new(text));
    SinglePart::builder().content_type(kind).body(body)
}

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;

    use super::*;
    use crate::feed::{FeedFacts, Link, Person};
    use crate::mail::{FROM_NAME, Images, SUBJECT};

    fn look(format: Format) -> Look {
        let template = |source| Template::parse(source).unwrap();
        Look {
            from: "feeds@example.net".parse().unwrap(),
            from_name: template(FROM_NAME),
            to: template("me+{{ feed.name }}@example.net"),
            subject: template(SUBJECT),
            format,
            images: Images::Remote,
            attach: None,
        }
    }

    fn entry() -> Entry {
        Entry {
            id: Some("urn:example:1".to_owned()),
            title: Some("Größe & \"Maß\": a <title>".to_owned()),
            links: vec![Link { href: "https://example.org/1?a=1&b=2".to_owned(), ..Link::default() }],
            authors: vec![Person { name: Some("Ada".to_owned()), email: Some("ada@publisher.example".to_owned()), uri: None }],
            published: Some("2026-01-02T03:04:05Z".parse().unwrap()),
            content: Some("<p>Hello <b>there</b>, <a href=\"/x\">a link</a>.</p><pre>code\n.\n</pre>".to_owned()),
            tags: vec!["one".to_owned(), "two".to_owned()],
            enclosures: vec![crate::feed::Enclosure {
                url: "https://example.org/a.mp3".to_owned(),
                r#type: Some("audio/mpeg".to_owned()),
                length: Some(12_345_678),
            }],
            ..Entry::default()
        }
    }

    fn composed(entry: &Entry, format: Format) -> Result<Mail, ComposeError> {
        let feed = FeedFacts {
            name: "news".to_owned(),
            title: "The News".to_owned(),
            url: "https://example.org/feed".to_owned(),
            link: "https://example.org/".to_owned(),
            language: "en".to_owned(),
            ..FeedFacts::default()
        };
        let article = crate::article::article(entry, Some(&feed.link));
        let facts = Facts::new(&feed, entry, &article.summary);
        let message_id = MessageId::derive(&[7; 16], "mail", 0, "example.net");
        let first_seen = "2026-02-01T00:00:00Z".parse().unwrap();
        let (article, facts, message_id) = (&article, &facts, &message_id);
        let letter = Letter { entry, article, facts, message_id, in_reply_to: None, first_seen, inline: &[], attachments: &[] };
        compose(letter, &look(format))
    }

    #[test]
    fn a_whole_mail_reads_like_this() {
        let mail = composed(&entry(), Format::Both).unwrap();
        insta::assert_snapshot!(String::from_utf8(mail.bytes).unwrap().replace("\r\n", "\n"));
    }

    #[test]
    fn the_same_entry_always_makes_the_same_bytes() {
        assert_eq!(composed(&entry(), Format::Both).unwrap(), composed(&entry(), Format::Both).unwrap());
    }

    #[test]
    fn another_program_reads_back_what_was_written() {
        let mail = composed(&entry(), Format::Both).unwrap();
        let message = MessageParser::default().parse(&mail.bytes).unwrap();
        assert_eq!(message.subject(), Some("Größe & \"Maß\": a <title>"));
        let from = message.from().and_then(|from| from.first()).unwrap();
        assert_eq!((from.name(), from.address()), (Some("The News (Ada)"), Some("feeds@example.net")));
        assert_eq!(message.message_id(), Some(mail.message_id.as_str()));
        assert_eq!(mail.to, ["me+news@example.net"]);
        assert!(message.body_html(0).unwrap().contains("<b>there</b>"));
        assert!(message.body_text(0).unwrap().contains("Hello there"));
    }

    #[test]
    fn a_mail_of_format_url_is_the_link_and_nothing_else() {
        let mail = composed(&entry(), Format::Url).unwrap();
        let message = MessageParser::default().parse(&mail.bytes).unwrap();
        assert_eq!(message.body_text(0).unwrap().trim_end(), "https://example.org/1?a=1&b=2");
        assert_eq!(message.html_body_count(), 1, "text alone");
        let without = Entry { links: Vec::new(), ..entry() };
        assert_eq!(composed(&without, Format::Url).unwrap_err(), ComposeError::NoLink);
    }

    #[test]
    fn nothing_in_a_feed_adds_a_header_or_a_long_line() {
        let hostile = Entry {
            id: Some("x\r\nBcc: a@example.org".to_owned()),
            title: Some(format!("t\r\nBcc: b@example.org\r\n\r\n{}", "x".repeat(5_000))),
            links: vec![Link { href: format!("https://example.org/\r\nBcc:c/{}", "y".repeat(5_000)), ..Link::default() }],
            authors: vec![Person { name: Some("n\nBcc: d@example.org <e@example.org>".to_owned()), ..Person::default() }],
            tags: vec!["k\r\nBcc: f".to_owned()],
            language: Some("en\r\nBcc: g".to_owned()),
            content: Some(format!("a\r.\r\n.\n.\r\n{}", "z".repeat(50_000))),
            ..entry()
        };
        for format in [Format::Both, Format::Html, Format::Text] {
            let mail = composed(&hostile, format).unwrap();
            let text = String::from_utf8(mail.bytes).unwrap();
            assert!(text.split("\r\n").all(|line| line.len() <= 998 && !line.contains(['\r', '\n'])), "one line is too long");
            let (head, _) = text.split_once("\r\n\r\n").unwrap();
            assert!(!head.to_ascii_lowercase().contains("\r\nbcc:"), "{head}");
        }
    }
}
