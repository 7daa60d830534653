//! PURE. Clean HTML to text that reads well in a terminal, by html2text with quiet marks of our own.

use html2text::config;
use html2text::render::{TaggedLine, TextDecorator};

use crate::feed::text::from_html;

/// The width text is wrapped at.
const WIDTH: usize = 72;

/// Marks that do not shout: bold and italic are plain words, images their description, links numbered notes.
#[derive(Debug, Clone)]
struct Quiet;

impl TextDecorator for Quiet {
    type Annotation = ();

    fn decorate_link_start(&mut self, _url: &str) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_link_end(&mut self) -> String {
        String::new()
    }
    fn decorate_em_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_em_end(&self) -> String {
        String::new()
    }
    fn decorate_strong_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strong_end(&self) -> String {
        String::new()
    }
    fn decorate_strikeout_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_strikeout_end(&self) -> String {
        String::new()
    }
    fn decorate_code_start(&self) -> (String, ()) {
        (String::new(), ())
    }
    fn decorate_code_end(&self) -> String {
        String::new()
    }
    fn decorate_preformat_first(&self) {}
    fn decorate_preformat_cont(&self) {}
    fn decorate_image(&mut self, _src: &str, title: &str) -> (String, ()) {
        (format!("[image: {title}]"), ())
    }
    fn header_prefix(&self, _level: usize) -> String {
        String::new()
    }
    fn quote_prefix(&self) -> String {
        "> ".to_owned()
    }
    fn unordered_item_prefix(&self) -> String {
        "- ".to_owned()
    }
    fn ordered_item_prefix(&self, number: i64) -> String {
        format!("{number}. ")
    }
    fn make_subblock_decorator(&self) -> Self {
        Self
    }
    fn decorate_superscript_start(&self) -> (String, ()) {
        ("^".to_owned(), ())
    }
    fn decorate_superscript_end(&self) -> String {
        String::new()
    }
    fn finalise(&mut self, urls: Vec<String>) -> Vec<TaggedLine<()>> {
        let note = |(number, url): (usize, String)| TaggedLine::from_string(format!("[{number}] {url}"), &());
        (1..).zip(urls).map(note).collect()
    }
}

/// The text of clean HTML, wrapped; what cannot be laid out is given as it stands, on one line.
pub(super) fn readable(html: &str) -> String {
    if html.is_empty() {
        return String::new();
    }
    let laid_out = config::with_decorator(Quiet).link_footnotes(true).no_link_wrapping().string_from_read(html.as_bytes(), WIDTH);
    let text = laid_out.unwrap_or_else(|_| from_html(html));
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim_matches('\n').to_owned()
}
