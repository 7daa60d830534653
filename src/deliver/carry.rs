//! PURE. What a mail carries beside its text: the images of its article and the files of its entry, as far as they are among
//! the resources and within bounds; what is not stays a link.

use std::collections::HashSet;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::make::Want;
use super::prepare::is_web;
use crate::article::Article;
use crate::feed::text::{cut, is_unseen};
use crate::feed::{Enclosure, Entry};
use crate::mail::{Attachment, Format, Inline, Look, picture};
use crate::resource::{Resource, Resources};

/// How many images a mail carries that are fetched for it.
const MOST_IMAGES: usize = 10;
/// How many that the entry itself holds.
const MOST_HELD: usize = 50;
/// How large one may be when it is fetched.
pub(super) const LARGEST_IMAGE: u64 = 5 << 20;
/// How much they take together.
const ALL_IMAGES: usize = 15 << 20;
/// How many files a mail carries.
const MOST_FILES: usize = 10;
/// How much they take together, and how large one may be at most.
const ALL_FILES: usize = 20 << 20;
/// The longest name of a file, in characters.
const LONGEST_NAME: usize = 100;

/// What a mail carries.
#[derive(Debug, Default)]
pub(super) struct Carried {
    pub(super) inline: Vec<Inline>,
    pub(super) attachments: Vec<Attachment>,
    /// What is not there yet.
    pub(super) missing: Vec<Want>,
}

/// What the mail of an entry that looks like this carries.
pub(super) fn carried(entry: &Entry, article: &Article, look: &Look, resources: &Resources) -> Carried {
    let mut carried = Carried::default();
    if look.shows_held_images() {
        let web = if look.shows_images_inline() { MOST_IMAGES } else { 0 };
        carried.take_images(article, web, resources);
    }
    if let Some(most) = look.attach.filter(|_| look.format != Format::Url) {
        carried.take_files(entry, most, resources);
    }
    carried
}

impl Carried {
    /// Whether the article shows an image out of its address that the mail does not carry.
    pub(super) fn leaves_held(&self, article: &Article) -> bool {
        let carried: HashSet<&str> = self.inline.iter().map(|image| image.url.as_str()).collect();
        article.images.iter().any(|url| is_data(url) && !carried.contains(url.as_str()))
    }

    fn take_images(&mut self, article: &Article, web: usize, resources: &Resources) {
        let (mut total, mut seen) = (0, HashSet::new());
        let (mut web, mut held_ones) = (web, MOST_HELD);
        let mut counts = |url: &&String| {
            let left = if is_data(url) { &mut held_ones } else { &mut web };
            let counts = *left > 0 && (is_data(url) || is_web(url));
            *left -= usize::from(counts);
            counts
        };
        for url in article.images.iter().filter(|url| counts(url)) {
            let want = Want::Image { url: url.clone() };
            let (media_type, bytes) = match resources.get(&want.key()) {
                _ if is_data(url) => match held(url) {
                    Some(held) => held,
                    None => continue,
                },
                None => {
                    self.missing.push(want);
                    continue;
                }
                Some(Resource::Kept { media_type, bytes }) => (media_type.clone(), bytes.clone()),
                Some(Resource::Failed(_)) => continue,
            };
            let added = if seen.insert(blake3::hash(&bytes)) { bytes.len() } else { 0 };
            if total + added <= ALL_IMAGES {
                total += added;
                self.inline.push(Inline { url: url.clone(), media_type, bytes });
            }
        }
    }

    fn take_files(&mut self, entry: &Entry, most: u64, resources: &Resources) {
        let most = most.min(ALL_FILES as u64);
        let mut total = 0;
        let small = entry.enclosures.iter().filter(|file| is_web(&file.url) && file.length.is_none_or(|length| length <= most));
        // A picture that the text shows is not carried once more as a file.
        let shown: HashSet<String> = self.inline.iter().map(|image| image.url.clone()).collect();
        for file in small.filter(|file| !shown.contains(&file.url)).take(MOST_FILES) {
            let want = Want::File { url: file.url.clone(), most, media_type: file.r#type.clone() };
            match resources.get(&want.key()) {
                None => self.missing.push(want),
                Some(Resource::Kept { media_type, bytes }) => {
                    let size = bytes.len();
                    if size as u64 <= most && total + size <= ALL_FILES {
                        total += size;
                        let (name, media_type) = (name(file), media_type.clone());
                        self.attachments.push(Attachment { url: file.url.clone(), name, media_type, bytes: bytes.clone() });
                    }
                }
                Some(Resource::Failed(_)) => {}
            }
        }
    }
}

fn is_data(url: &str) -> bool {
    url.starts_with("data:")
}

/// The image that an address holds whole.
fn held(url: &str) -> Option<(String, Arc<[u8]>)> {
    let (said, text) = url.split_once(',')?;
    let bytes = if said.ends_with(";base64") { STANDARD.decode(text).ok()? } else { return None };
    picture(bytes).map(|(media_type, bytes)| (media_type.to_owned(), bytes.into()))
}

/// What a file is called: the end of its address.
fn name(file: &Enclosure) -> String {
    let url = Url::parse(&file.url).ok();
    let last = url.as_ref().and_then(|url| url.path_segments()?.rfind(|part| !part.is_empty())).unwrap_or_default();
    let decoded = percent_decoded(last);
    let harmless: String =
        decoded.chars().map(|c| if c.is_control() || is_unseen(c) || "/\\:\"<>|?*".contains(c) { '_' } else { c }).collect();
    let name = cut(harmless.trim_start_matches('.').trim(), LONGEST_NAME);
    if name.is_empty() { "file".to_owned() } else { name }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let escaped = after.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = escaped.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What a file is said to be in a mail: by the feed, else by its server; nothing that a mail program would run.
pub(super) fn media_type(feed: Option<&str>, server: Option<&str>) -> String {
    let kept = [feed, server].into_iter().flatten().filter_map(|said| {
        let word = said.split(';').next()?.trim().to_ascii_lowercase();
        let is_token =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b));
        let (kind, sort) = word.split_once('/')?;
        (word.len() <= 100 && is_token(kind) && is_token(sort)).then(|| word.clone())
    });
    let safe = |word: &String| {
        let active = ["html", "xml", "svg", "script", "message/", "multipart/"];
        !active.iter().any(|part| word.contains(part))
    };
    kept.into_iter()
        .find(|word| word != "application/octet-stream")
        .filter(safe)
        .unwrap_or_else(|| "application/octet-stream".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(url: &str) -> String {
        name(&Enclosure { url: url.to_owned(), ..Enclosure::default() })
    }

    #[test]
    fn a_file_is_called_as_its_address_ends() {
        assert_eq!(named("https://h.example/a/Folge%20%C3%BC.mp3?x=1"), "Folge ü.mp3");
        assert_eq!(named("https://h.example/"), "file");
        assert_eq!(named("https://h.example/..%2F..%2Fetc%2Fpasswd%0d%0aX:"), "_.._etc_passwd__X_");
        assert_eq!(named("https://h.example/100%"), "100%");
    }

    #[test]
    fn an_image_that_its_address_holds_is_carried() {
        let gif = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7";
        let (media_type, bytes) = held(gif).unwrap();
        assert_eq!((media_type.as_str(), &bytes[..6]), ("image/gif", &b"GIF89a"[..]));
        for none in ["data:image/gif;base64,!", "data:image/png,abc", "data:text/html;base64,PGI+", "data:"] {
            assert_eq!(held(none), None);
        }
    }

    #[test]
    fn a_file_is_nothing_that_acts() {
        assert_eq!(media_type(Some("audio/mpeg"), Some("text/plain")), "audio/mpeg");
        assert_eq!(media_type(None, Some("Application/PDF; charset=x")), "application/pdf");
        for acts in ["text/html", "image/svg+xml", "a/b\r\nX: y", "text/javascript", "x"] {
            assert_eq!(media_type(Some(acts), None), "application/octet-stream");
        }
    }
}
