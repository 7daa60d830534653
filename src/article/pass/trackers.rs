//! PURE. Pictures that show nothing: they count readers, or keep others apart.

use url::Url;

use super::Pass;
use crate::article::dom::Id;

/// What is at most so many pixels wide or high is not to be seen.
const SMALLEST: u32 = 2;

/// Hosts, with all below them, that serve nothing else.
const HOSTS: &[&str] = &[
    "pixel.wp.com",
    "stats.wordpress.com",
    "feedsportal.com",
    "scorecardresearch.com",
    "quantserve.com",
    "doubleclick.net",
    "google-analytics.com",
    "googletagmanager.com",
    "pixel.parsely.com",
    "counter.theconversation.com",
    "track.hubspot.com",
    "pheedo.com",
    "feedads.g.doubleclick.net",
    "api.follow.it",
    "eotrx.substackcdn.com",
    "imrworldwide.com",
    "statcounter.com",
    "a8.net",
];

/// Hosts with other things too: what of them counts.
const PLACES: &[(&str, &str)] = &[
    ("feeds.feedburner.com", "/~"),
    ("feeds.wordpress.com", "/1.0/"),
    ("blogger.googleusercontent.com", "/tracker/"),
    ("medium.com", "/_/stat"),
    ("www.facebook.com", "/tr"),
    ("list-manage.com", "/track/"),
    ("substack.com", "/api/v1/email/open"),
];

/// The names of files that are never a picture of anything.
const NAMES: &[&str] = &["pixel", "1x1", "spacer", "blank", "transparent", "clear", "tracking-pixel", "rss-pixel", "count"];

impl Pass<'_> {
    /// Whether an element is too small to be seen, or hidden.
    pub(super) fn is_hidden(&self, id: Id) -> bool {
        let small = |name| self.tree.attribute(id, name).and_then(pixels).is_some_and(|pixels| pixels <= SMALLEST);
        small("width") || small("height") || self.tree.attribute(id, "hidden").is_some() || self.is_hidden_by_style(id)
    }

    /// Whether an element that holds text is not to be seen: what newsletters put in front for the lists of mail programs.
    pub(super) fn is_out_of_sight(&self, id: Id) -> bool {
        let Some(style) = self.tree.attribute(id, "style") else { return self.tree.attribute(id, "hidden").is_some() };
        let is_nothing = |value: &str| value.trim_end_matches(|c: char| c.is_ascii_alphabetic()).trim() == "0";
        style.split(';').filter_map(|rule| rule.split_once(':')).any(|(name, value)| {
            let value = value.trim().to_ascii_lowercase();
            match name.trim().to_ascii_lowercase().as_str() {
                "display" => value.starts_with("none"),
                "visibility" => value.starts_with("hidden"),
                "font-size" | "max-height" => is_nothing(&value),
                _ => false,
            }
        }) || self.tree.attribute(id, "hidden").is_some()
    }

    fn is_hidden_by_style(&self, id: Id) -> bool {
        let Some(style) = self.tree.attribute(id, "style") else { return false };
        style.split(';').filter_map(|rule| rule.split_once(':')).any(|(name, value)| {
            let value = value.trim().to_ascii_lowercase();
            match name.trim().to_ascii_lowercase().as_str() {
                "display" => value.starts_with("none"),
                "visibility" => value.starts_with("hidden"),
                "width" | "height" | "max-width" | "max-height" => {
                    !value.ends_with('%') && pixels(&value).is_some_and(|pixels| pixels <= SMALLEST && is_in_pixels(&value))
                }
                _ => false,
            }
        })
    }
}

/// The whole number that a size begins with.
fn pixels(size: &str) -> Option<u32> {
    let size = size.trim();
    let end = size.find(|c: char| !c.is_ascii_digit()).unwrap_or(size.len());
    if size[end..].trim_start().starts_with('%') { None } else { size[..end].parse().ok() }
}

fn is_in_pixels(size: &str) -> bool {
    let unit = size.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    unit.trim().is_empty() || unit.trim().starts_with("px")
}

/// Whether a picture's address is one that counts readers.
pub(super) fn counts_readers(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_of = |of: &str| host.strip_suffix(of).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    let path = url.path();
    let file = path.rsplit('/').next().unwrap_or_default();
    let (name, kind) = file.rsplit_once('.').unwrap_or((file, ""));
    HOSTS.iter().any(|of| is_of(of))
        || PLACES.iter().any(|(of, begins)| is_of(of) && path.starts_with(begins))
        || (matches!(kind, "gif" | "png")
            && NAMES.iter().any(|bad| name.eq_ignore_ascii_case(bad) || name.ends_with("-rss-pixel")))
}
