//! PURE. Addresses: absolute, of schemes that mail programs open.

use url::Url;

use super::{Pass, is_left_out};

impl Pass<'_> {
    /// An address as it is written, absolute; nothing for what leads nowhere or must not be followed. What the base adds to it
    /// is counted.
    pub(super) fn absolute(&mut self, written: &str) -> Option<Url> {
        let written = written.trim_matches(|c: char| c.is_whitespace() || c.is_control());
        if written.is_empty() || written.contains(is_left_out) && !written.contains(['\t', '\n', '\r']) {
            return None;
        }
        let url = match (Url::parse(written), self.context.base) {
            (Ok(url), _) => url,
            (Err(_), Some(base)) => base.join(written).ok()?,
            (Err(_), None) if written.starts_with("//") => Url::parse(&format!("https:{written}")).ok()?,
            (Err(_), None) => return None,
        };
        self.left = self.left.saturating_sub(url.as_str().len().saturating_sub(written.len()));
        let with_host = matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty());
        (with_host || url.scheme() == "mailto").then_some(url)
    }

    /// The same, of a page, a picture or a film.
    pub(super) fn web(&mut self, written: &str) -> Option<Url> {
        self.absolute(written).filter(|url| url.scheme() != "mailto")
    }
}
