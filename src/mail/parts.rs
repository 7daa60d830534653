//! PURE. The parts of a message and how they are nested: text and HTML to choose from, images that the HTML shows, and files
//! around both. Boundaries and the ids of images come from what is in the mail.

use std::collections::HashMap;
use std::sync::Arc;

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType};
use lettre::message::{Attachment as Disposed, Body, MessageBuilder, MultiPart, MultiPartKind, SinglePart};

use super::compose::ComposeError;
use crate::delivery::MessageId;
use crate::feed::text::{one_line, to_html};

/// An image that travels with the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// The address that the HTML shows it under.
    pub url: String,
    /// Its media type.
    pub media_type: String,
    /// The image.
    pub bytes: Arc<[u8]>,
}

/// A file that travels with the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// Where it is.
    pub url: String,
    /// What it is called.
    pub name: String,
    /// Its media type.
    pub media_type: String,
    /// The file.
    pub bytes: Arc<[u8]>,
}

/// What is to be read.
pub(super) struct Readable {
    /// As text.
    pub(super) text: Option<String>,
    /// The text may be joined again (RFC 3676).
    pub(super) flowed: bool,
    /// As HTML.
    pub(super) html: Option<String>,
}

/// The longest name of a file, in characters.
const NAME: usize = 100;
/// The longest media type.
const MEDIA_TYPE: usize = 100;

/// A part, or several that belong together.
enum Part {
    One(SinglePart),
    Many(MultiPart),
}

/// The message of all parts under the headers of `builder`.
pub(super) fn message(
    builder: MessageBuilder,
    readable: Readable,
    inline: &[Inline],
    attachments: &[Attachment],
    id: &MessageId,
) -> Result<Message, ComposeError> {
    let Readable { text, flowed, html } = readable;
    let text = text.map(|text| Part::One(part(plain(flowed), &text)));
    let html = html.map(|html| shown(&html, inline, id));
    let both = match (text, html) {
        (Some(text), Some(html)) => nested(MultiPartKind::Alternative, "", id, [text, html]),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => return Err(ComposeError::Build("it has nothing to read".to_owned())),
    };
    let all = if attachments.is_empty() {
        both
    } else {
        nested(
            MultiPartKind::Mixed,
            "m_",
            id,
            std::iter::once(both).chain(attachments.iter().map(|file| Part::One(attached(file)))),
        )
    };
    let built = match all {
        Part::One(part) => builder.singlepart(part),
        Part::Many(parts) => builder.multipart(parts),
    };
    built.map_err(|error| ComposeError::Build(error.to_string()))
}

/// Parts that belong together. The boundary is none that a part can hold: the parts' lines are encoded, and an encoded line
/// never begins with `--=_`.
fn nested(kind: MultiPartKind, mark: &str, id: &MessageId, parts: impl IntoIterator<Item = Part>) -> Part {
    let boundary = format!("=_{mark}{}", id.key().0.replace('.', "_"));
    let mut whole = MultiPart::builder().kind(kind).boundary(boundary).build();
    for part in parts {
        whole = match part {
            Part::One(part) => whole.singlepart(part),
            Part::Many(parts) => whole.multipart(parts),
        };
    }
    Part::Many(whole)
}

/// The HTML, with the images that it shows.
fn shown(html: &str, inline: &[Inline], id: &MessageId) -> Part {
    let domain = id.as_str().rsplit('@').next().unwrap_or("localhost");
    let cids: HashMap<&str, (usize, String)> =
        inline.iter().enumerate().map(|(number, image)| (image.url.as_str(), (number, cid(image, domain)))).collect();
    let (html, used) = with_cids(html, &cids);
    let html = Part::One(part(ContentType::TEXT_HTML, &html));
    // The same image under two addresses travels once.
    let mut sent: Vec<&str> = Vec::new();
    let mut images = Vec::new();
    for image in used.iter().filter_map(|number| inline.get(*number)) {
        let Some((_, cid)) = cids.get(image.url.as_str()) else { continue };
        if !sent.contains(&cid.as_str()) {
            sent.push(cid);
            let body = Disposed::new_inline(cid.clone()).body(in_base64(&image.bytes), media_type(&image.media_type));
            images.push(Part::One(body));
        }
    }
    if images.is_empty() { html } else { nested(MultiPartKind::Related, "r_", id, std::iter::once(html).chain(images)) }
}

/// The id of an image (RFC 2392): the same image always has the same.
fn cid(image: &Inline, domain: &str) -> String {
    let hash = blake3::hash(&image.bytes).to_hex();
    format!("{}@{domain}", &hash[..32])
}

/// The HTML with the addresses of images replaced by those of the parts that travel with it, and which of them it shows.
fn with_cids(html: &str, cids: &HashMap<&str, (usize, String)>) -> (String, Vec<usize>) {
    let (mut out, mut used) = (String::with_capacity(html.len()), Vec::new());
    if cids.is_empty() {
        return (html.to_owned(), used);
    }
    let mut rest = html;
    while let Some(start) = rest.find("<img ") {
        let (before, tag) = rest.split_at(start);
        out.push_str(before);
        let mut quoted = false;
        let end = tag.bytes().position(|byte| {
            quoted ^= byte == b'"';
            byte == b'>' && !quoted
        });
        let (tag, after) = tag.split_at(end.map_or(tag.len(), |end| end + 1));
        let source = tag.split_once(" src=\"").and_then(|(before, value)| Some((before, value.split_once('"')?)));
        match source.and_then(|(before, (url, after))| Some((before, cids.get(unescaped(url).as_str())?, after))) {
            Some((before, (number, cid), after)) => {
                out.extend([before, " src=\"cid:", &to_html(cid), "\"", after]);
                if !used.contains(number) {
                    used.push(*number);
                }
            }
            None => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    (out, used)
}

/// What an attribute of clean HTML says.
fn unescaped(value: &str) -> String {
    value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&nbsp;", "\u{a0}").replace("&amp;", "&")
}

fn attached(file: &Attachment) -> SinglePart {
    let name: String =
        one_line(&file.name).chars().map(|c| if matches!(c, '/' | '\\' | '"') { '_' } else { c }).take(NAME).collect();
    let name = if name.is_empty() { "attachment".to_owned() } else { name };
    Disposed::new(name).body(in_base64(&file.bytes), media_type(&file.media_type))
}

fn in_base64(bytes: &[u8]) -> Body {
    let encoding = ContentTransferEncoding::Base64;
    Body::new_with_encoding(bytes.to_vec(), encoding).unwrap_or_else(Body::new)
}

/// A media type as a publisher names it, without its parameters; what is none is bytes.
fn media_type(named: &str) -> ContentType {
    const BYTES: &str = "application/octet-stream";
    let bare = named.split(';').next().unwrap_or_default().trim();
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
    let is_type = bare.len() <= MEDIA_TYPE
        && bare.split_once('/').is_some_and(|(kind, sub)| {
            !kind.is_empty() && !sub.is_empty() && kind.chars().all(token) && sub.chars().all(token) && kind != "multipart"
        });
    let parsed = if is_type { ContentType::parse(bare) } else { ContentType::parse(BYTES) };
    parsed.or_else(|_| ContentType::parse(BYTES)).unwrap_or(ContentType::TEXT_PLAIN)
}

fn plain(flowed: bool) -> ContentType {
    if !flowed {
        return ContentType::TEXT_PLAIN;
    }
    ContentType::parse("text/plain; charset=utf-8; format=flowed; delsp=no").unwrap_or(ContentType::TEXT_PLAIN)
}

/// One part, in an encoding whose lines stay short whatever the text: quoted-printable, or base64 where that is smaller.
fn part(kind: ContentType, text: &str) -> SinglePart {
    SinglePart::builder().content_type(kind).body(encoded(text))
}

/// How long a text is as a part.
pub(super) fn encoded_length(text: &str) -> usize {
    encoded(text).as_ref().len()
}

fn encoded(text: &str) -> Body {
    // A lone CR would travel as it is; every line ends alike.
    let text = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
    let beyond = text.bytes().filter(|byte| !byte.is_ascii()).count();
    let encoding =
        if beyond * 6 > text.len() { ContentTransferEncoding::Base64 } else { ContentTransferEncoding::QuotedPrintable };
    Body::new_with_encoding(text, encoding).unwrap_or_else(Body::new)
}

#[cfg(test)]
mod tests {
    use mail_parser::{MessageParser, MimeHeaders};

    use super::*;

    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0";

    fn built(html: &str, inline: &[Inline], attachments: &[Attachment]) -> String {
        let id = MessageId::derive(&[7; 16], "mail", 0, "example.net");
        let builder = Message::builder()
            .from("feeds@example.net".parse().unwrap())
            .to("me@example.net".parse().unwrap())
            .date(std::time::SystemTime::UNIX_EPOCH);
        let readable = Readable { text: Some("text\n".to_owned()), flowed: true, html: Some(html.to_owned()) };
        let message = message(builder, readable, inline, attachments, &id).unwrap();
        String::from_utf8(message.formatted()).unwrap()
    }

    fn image(url: &str) -> Inline {
        Inline { url: url.to_owned(), media_type: "image/png".to_owned(), bytes: PNG.into() }
    }

    fn file(name: &str, media_type: &str) -> Attachment {
        let (url, name, media_type) = (String::new(), name.to_owned(), media_type.to_owned());
        Attachment { url, name, media_type, bytes: b"a\nb\r.\r\n.\r\n"[..].into() }
    }

    #[test]
    fn a_mail_with_images_and_files_is_nested_like_this() {
        let html =
            "<p>x</p><img alt=\"a > b\" src=\"https://example.org/a.png?a=1&amp;b=2\"><img src=\"https://example.org/b.png\">";
        let mail = built(html, &[image("https://example.org/a.png?a=1&b=2")], &[file("a.mp3", "audio/mpeg")]);
        insta::assert_snapshot!(mail.replace("\r\n", "\n"));
        let message = MessageParser::default().parse(&mail).unwrap();
        let files: Vec<_> = message.attachments().map(|part| part.contents().to_vec()).collect();
        assert_eq!(files, [PNG.to_vec(), b"a\nb\r.\r\n.\r\n".to_vec()]);
    }

    #[test]
    fn an_image_that_is_not_shown_does_not_travel_and_one_with_two_addresses_travels_once() {
        let (a, b) = (image("https://example.org/a"), image("https://example.org/b"));
        let mail = built("<p>https://example.org/a src=\"https://example.org/a\"</p>", std::slice::from_ref(&a), &[]);
        assert!(!mail.contains("multipart/related"), "{mail}");
        let mail = built("<img src=\"https://example.org/a\"><img src=\"https://example.org/b\">", &[a, b], &[]);
        assert_eq!(mail.matches("Content-ID:").count(), 1, "{mail}");
        assert_eq!(mail.matches("Content-Type: image/png").count(), 1, "{mail}");
    }

    #[test]
    fn what_a_file_is_called_adds_no_header() {
        let mail =
            built("x", &[], &[file("../a\"\r\nBcc: x@example.org\r\n\r\ny", "text/plain\r\nBcc: y"), file("größe.txt", "x")]);
        assert!(!mail.to_lowercase().contains("\r\nbcc"), "{mail}");
        let message = MessageParser::default().parse(&mail).unwrap();
        let names: Vec<_> = message.attachments().map(|part| part.attachment_name().unwrap_or_default().to_owned()).collect();
        assert_eq!(names, [".._a_ Bcc: x@example.org y", "größe.txt"], "{mail}");
        assert!(mail.contains("Content-Type: application/octet-stream"), "{mail}");
    }
}
