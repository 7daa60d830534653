//! PURE. The last guard over what is written: ammonia, with a list of exactly what the pass lets through. It finds nothing to
//! do on what the pass made right; where it does, its word counts.

use std::collections::HashSet;
use std::sync::LazyLock;

use ammonia::{Builder, UrlRelative};

use super::dom::{Id, Tree};

/// The styles of a mail, which has no place for them but the elements themselves. No colours but greys.
const STYLES: &[(&str, &str)] = &[
    ("img", "max-width:100%;height:auto"),
    (
        "pre",
        "white-space:pre-wrap;overflow-wrap:anywhere;font-family:monospace;font-size:14px;line-height:1.45;padding:12px;\
         border:1px solid #999;border-radius:4px",
    ),
    ("code", "font-family:monospace;font-size:0.92em"),
    ("blockquote", "margin:1em 0;padding:0 0 0 1em;border-left:3px solid #999"),
    ("table", "border-collapse:collapse"),
    ("td", "border:1px solid #999;padding:4px 8px"),
    ("th", "border:1px solid #999;padding:4px 8px;text-align:left"),
    ("figure", "margin:1em 0"),
    ("hr", "border:0;border-top:1px solid #999"),
    // Smaller than the title of the mail.
    ("h1", "font-size:22px;line-height:1.3;margin:1.3em 0 0.5em"),
    ("h2", "font-size:21px;line-height:1.3;margin:1.3em 0 0.5em"),
    ("h3", "font-size:19px;line-height:1.3;margin:1.3em 0 0.5em"),
    ("h4", "font-size:17px;line-height:1.4;margin:1.3em 0 0.5em"),
];

/// Code in a block of code is as large as that.
const CODE_IN_BLOCK: &str = "font-family:monospace;font-size:inherit";

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "del",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "time",
    "tr",
    "u",
    "ul",
    "var",
    "wbr",
];

const ATTRIBUTES: &[(&str, &[&str])] = &[
    ("a", &["href", "title"]),
    ("abbr", &["title"]),
    ("img", &["src", "alt", "title", "width"]),
    ("ol", &["start", "reversed", "type"]),
    ("li", &["value"]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan"]),
];

/// What an element is dressed in: words of our own, put on when the guard has nothing more to say.
pub(super) fn style(tree: &Tree, id: Id) -> Option<&'static str> {
    let element = tree.name(id);
    if element == "code" && tree.ancestors(id).any(|up| tree.name(up) == "pre") {
        return Some(CODE_IN_BLOCK);
    }
    STYLES.iter().find(|(own, _)| *own == element).map(|(_, style)| *style)
}

fn allowed(data: bool) -> Builder<'static> {
    let mut builder = Builder::empty();
    let attributes = ATTRIBUTES.iter().map(|(element, names)| (*element, names.iter().copied().collect::<HashSet<_>>()));
    let mut schemes = HashSet::from(["http", "https", "mailto"]);
    if data {
        schemes.insert("data");
    }
    builder
        .tags(ELEMENTS.iter().copied().collect())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .generic_attributes(HashSet::from(["lang", "dir"]))
        .tag_attributes(attributes.collect())
        .url_schemes(schemes)
        .url_relative(UrlRelative::Deny)
        .link_rel(None)
        .attribute_filter(|_, attribute, value| {
            let is_data = value.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"));
            (attribute != "href" || !is_data).then(|| value.into())
        });
    builder
}

static STRICT: LazyLock<Builder<'static>> = LazyLock::new(|| allowed(false));
static WITH_DATA: LazyLock<Builder<'static>> = LazyLock::new(|| allowed(true));

/// The HTML as far as it is allowed. `data`: pictures may be within their addresses.
pub(super) fn guarded(html: &str, data: bool) -> String {
    if data { WITH_DATA.clean(html).to_string() } else { STRICT.clean(html).to_string() }
}
