//! PURE. Clean HTML by ammonia with a list of our own: what mail programs show, and nothing that acts.

use ammonia::{Builder, UrlRelative};
use url::Url;

/// What is allowed. Scripts, forms, frames, SVG and formulas are not; nor is any style of the feed's.
fn allowed() -> Builder<'static> {
    let mut builder = Builder::default();
    builder
        .url_schemes(["http", "https", "mailto"].into())
        .link_rel(None)
        .rm_tags(["map", "area", "center"])
        .rm_tag_attributes("img", ["srcset", "sizes", "align"]);
    builder
}

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
];

/// Clean HTML; relative URLs are joined to `base`, or dropped where there is none. `dressed` gives it the styles of a mail.
pub(super) fn sanitise(html: &str, base: Option<&Url>, dressed: bool) -> String {
    let relative = base.map_or(UrlRelative::Deny, |base| UrlRelative::RewriteWithBase(base.clone()));
    let mut builder = allowed();
    builder.url_relative(relative);
    for (tag, style) in STYLES.iter().filter(|_| dressed) {
        builder.set_tag_attribute_value(*tag, "style", *style);
    }
    builder.clean(html).to_string()
}
