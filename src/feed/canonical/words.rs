//! Texts: what a construct of Atom is written as, by its type and mode, and HTML in RSS.

use base64::Engine as _;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::GeneralPurposeConfig;
use base64::{alphabet, engine::DecodePaddingMode};

use super::super::text::holds_markup;
use super::draft::Words;
use super::inner::{Inner, rebased_html};
use super::reader::Context;
use super::soup::Tag;

/// Base64 as it is met: with or without padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent).with_decode_allow_trailing_bits(true),
);

/// How a construct is written.
enum Form {
    Plain,
    Html,
    Xhtml,
    Base64 {
        html: bool,
    },
    /// Nothing that could be read.
    Other,
}

impl<'a> Context<'a> {
    /// A text and whether it is HTML. `None` where it is empty, or nothing to read.
    pub(crate) fn words(&mut self, tag: &Tag<'a>, inner: &Inner<'a>) -> Option<Words> {
        let form = if self.names.is_atom { self.form(tag, inner) } else { self.rss_form(tag, inner) };
        let words = match form {
            Form::Plain => Words::plain(inner.value(&self.entities)),
            Form::Html => {
                let html = inner.html(&self.names, &self.entities, self.base.as_ref());
                Words::html(match self.base.as_ref().filter(|_| self.own_base && !inner.markup) {
                    Some(base) => rebased_html(&html, base),
                    None => html.into_owned(),
                })
            }
            Form::Xhtml => Words::html(inner.xhtml(&self.names, &self.entities, self.base.as_ref())),
            Form::Base64 { html } => {
                let text: String = inner.value(&self.entities).split_ascii_whitespace().collect();
                let text = LENIENT.decode(&text).ok()?;
                Words { text: String::from_utf8(text).ok()?, html }
            }
            Form::Other => return None,
        };
        (!words.text.trim().is_empty()).then_some(words)
    }

    fn rss_form(&self, tag: &Tag<'a>, inner: &Inner<'a>) -> Form {
        match self.attribute(tag, "type").map(|kind| kind.to_ascii_lowercase()).as_deref() {
            Some("text" | "text/plain") if !inner.markup => Form::Plain,
            Some("xhtml" | "application/xhtml+xml") if inner.markup => Form::Xhtml,
            _ => Form::Html,
        }
    }

    /// RFC 4287, sections 3.1.1 and 4.1.3.3; of Atom 0.3 the mode comes first.
    fn form(&self, tag: &Tag<'a>, inner: &Inner<'a>) -> Form {
        let kind = self.attribute(tag, "type").map(|kind| kind.to_ascii_lowercase()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let html = matches!(kind, "html" | "text/html" | "xhtml" | "application/xhtml+xml");
        let mode = self.attribute(tag, "mode").map(|mode| mode.to_ascii_lowercase());
        match mode.as_deref() {
            Some("base64") => return Form::Base64 { html },
            Some("escaped") if html && !inner.markup => return Form::Html,
            Some("xml") if inner.markup => return Form::Xhtml,
            _ => {}
        }
        match kind {
            "html" | "text/html" if inner.markup && self.old_atom => Form::Xhtml,
            "xhtml" | "application/xhtml+xml" | "text/xhtml" if inner.markup => Form::Xhtml,
            // XHTML may be escaped all the same.
            "html" | "text/html" | "xhtml" | "application/xhtml+xml" | "text/xhtml" => Form::Html,
            kind if kind.starts_with("image/") || kind.starts_with("audio/") || kind.starts_with("video/") => Form::Other,
            // Elements where text should be: they were meant.
            _ if inner.markup => Form::Xhtml,
            "" | "text" | "text/plain" | "plain" => Form::Plain,
            kind if kind.starts_with("text/") || !kind.contains('/') => {
                if holds_markup(&inner.value(&self.entities)) {
                    Form::Html
                } else {
                    Form::Plain
                }
            }
            kind if kind.ends_with("xml") => Form::Html,
            _ => Form::Base64 { html: false },
        }
    }
}
