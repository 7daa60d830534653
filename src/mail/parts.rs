//! PURE. What a mail carries beside its text: images that it shows, and files.

use std::sync::Arc;

use lettre::message::header::ContentType;
use lettre::message::{Attachment as Part, Body, MultiPart, MultiPartKind, SinglePart};

use super::compose::boundary;
use crate::delivery::MessageId;
use crate::feed::text::to_html;

/// An image that the HTML shows, carried in the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inline {
    /// Where the HTML says that it is.
    pub url: String,
    /// What it is.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// A file that comes with the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub media_type: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

/// The name of an image within the mail, by its content: two that are equal are carried once.
fn content_id(image: &Inline, id: &MessageId) -> String {
    let domain = id.as_str().split_once('@').map_or("localhost", |(_, domain)| domain);
    format!("{}@{domain}", &blake3::hash(&image.bytes).to_hex()[..32])
}

/// The HTML, with its images taken from the mail.
pub(super) fn pointed(html: &str, images: &[Inline], id: &MessageId) -> String {
    images.iter().fold(html.to_owned(), |html, image| {
        let here = format!("src=\"cid:{}\"", content_id(image, id));
        html.replace(&format!("src=\"{}\"", to_html(&image.url)), &here)
    })
}

/// The HTML part with the images that it shows.
pub(super) fn related(page: SinglePart, images: &[Inline], id: &MessageId) -> MultiPart {
    let related = MultiPart::builder().kind(MultiPartKind::Related).boundary(format!("{}_r", boundary(id)));
    let mut related = related.build().singlepart(page);
    let mut carried: Vec<String> = Vec::new();
    for image in images {
        let name = content_id(image, id);
        if !carried.contains(&name) {
            related = related.singlepart(Part::new_inline(name.clone()).body(body(&image.bytes), media_type(&image.media_type)));
            carried.push(name);
        }
    }
    related
}

/// A part with the files that come with it.
pub(super) fn mixed(files: &[Attachment], id: &MessageId) -> (MultiPart, Vec<SinglePart>) {
    let mixed = MultiPart::builder().kind(MultiPartKind::Mixed).boundary(format!("{}_m", boundary(id))).build();
    let part = |file: &Attachment| Part::new(file.name.clone()).body(body(&file.bytes), media_type(&file.media_type));
    (mixed, files.iter().map(part).collect())
}

fn body(bytes: &[u8]) -> Body {
    use lettre::message::header::ContentTransferEncoding::Base64;
    Body::new_with_encoding(bytes.to_vec(), Base64).unwrap_or_else(|_| Body::new(bytes.to_vec()))
}

fn media_type(word: &str) -> ContentType {
    ContentType::parse(word).unwrap_or(ContentType::TEXT_PLAIN)
}
