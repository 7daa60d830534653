//! PURE. What becomes of an element, by its name; which attributes stay.

use super::{Pass, seen};
use crate::article::dom::Id;

/// What becomes of an element where it begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Keep,
    Rename(&'static str),
    /// What is in it stays.
    Unwrap,
    /// It goes with all that is in it.
    Drop,
    Paragraph,
    Pre,
    Break,
    Link,
    Span,
    Image,
    Picture,
    NoScript,
    Embed,
    Table,
    Input,
    Script,
}

/// By its name. What nobody knows is unwrapped.
pub(super) fn role(name: &str) -> Role {
    match name {
        "p" | "b" | "strong" | "i" | "em" | "u" | "s" | "small" | "sub" | "sup" | "code" | "kbd" | "samp" | "var" | "mark"
        | "cite" | "q" | "abbr" | "dfn" | "del" | "ins" | "bdi" | "bdo" | "time" | "div" | "ul" | "ol" | "li" | "dl" | "dt"
        | "dd" | "blockquote" | "figure" | "figcaption" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "hr" | "tbody" | "thead"
        | "tfoot" | "tr" | "td" | "th" | "caption" | "ruby" | "rt" | "rp" | "wbr" => Role::Keep,
        "a" => Role::Link,
        "span" => Role::Span,
        "img" => Role::Image,
        "br" => Role::Break,
        "pre" | "listing" | "xmp" | "plaintext" => Role::Pre,
        "table" => Role::Table,
        "article" | "section" | "main" | "header" | "footer" | "nav" | "aside" | "hgroup" | "address" | "center" | "details"
        | "form" | "fieldset" | "dialog" | "search" => Role::Rename("div"),
        "summary" => Role::Paragraph,
        "strike" => Role::Rename("s"),
        "tt" => Role::Rename("code"),
        "acronym" => Role::Rename("abbr"),
        "dir" | "menu" => Role::Rename("ul"),
        "picture" => Role::Picture,
        "noscript" => Role::NoScript,
        "iframe" | "video" | "audio" | "embed" | "object" | "lite-youtube" => Role::Embed,
        "input" => Role::Input,
        "script" => Role::Script,
        "style" | "template" | "title" | "meta" | "link" | "base" | "param" | "source" | "track" | "button" | "select"
        | "datalist" | "noembed" | "noframes" | "frame" | "frameset" | "applet" | "area" | "col" | "colgroup" | "head" => {
            Role::Drop
        }
        _ => Role::Unwrap,
    }
}

/// Whether an element stands on lines of its own.
pub(in crate::article) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "p" | "div"
            | "ul"
            | "ol"
            | "li"
            | "dl"
            | "dt"
            | "dd"
            | "blockquote"
            | "figure"
            | "figcaption"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "hr"
            | "pre"
            | "table"
    )
}

/// The attributes of an element that stay; each address among them was looked at before.
fn is_kept(element: &str, attribute: &str, value: &str) -> bool {
    let is_number = |most: u32| value.parse().is_ok_and(|number: u32| (1..=most).contains(&number));
    match (element, attribute) {
        (_, "dir") => matches!(value, "ltr" | "rtl" | "auto"),
        (_, "lang") => !value.is_empty() && value.len() <= 35 && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-'),
        ("a", "href") | ("img", "src" | "alt") | ("ol", "reversed") => true,
        ("a" | "img" | "abbr", "title") => !value.is_empty(),
        ("img", "width") => is_number(super::images::WIDEST),
        ("ol", "start") | ("li", "value") => value.parse::<i32>().is_ok(),
        ("ol", "type") => matches!(value, "1" | "a" | "A" | "i" | "I"),
        ("td" | "th", "colspan" | "rowspan") => is_number(1_000),
        _ => false,
    }
}

impl Pass<'_> {
    pub(super) fn keep_attributes(&mut self, id: Id) {
        let element = self.tree.name(id).to_owned();
        self.tree.keep_attributes(id, |attribute, value| {
            let value =
                if attribute == "dir" { value.to_ascii_lowercase() } else { seen(value).unwrap_or_else(|| value.to_owned()) };
            is_kept(&element, attribute, &value).then_some(value)
        });
    }
}
