//! PURE. Links as numbered notes: one number for each address, and a list of them at the end.

use std::collections::HashMap;

use super::Line;

#[derive(Debug, Default)]
pub(super) struct Notes {
    numbers: HashMap<String, usize>,
    urls: Vec<String>,
}

impl Notes {
    /// What stands behind a link's text, where that does not say already where it leads.
    pub(super) fn mark(&mut self, url: &str, text: &str) -> Option<String> {
        if let Some(address) = url.strip_prefix("mailto:") {
            let address = address.split('?').next().unwrap_or_default();
            return (!text.contains(address)).then(|| format!(" <{address}>"));
        }
        (bare(url) != bare(text)).then(|| self.number(url))
    }

    /// The mark of an address.
    pub(super) fn number(&mut self, url: &str) -> String {
        if !self.numbers.contains_key(url) {
            self.urls.push(url.to_owned());
            self.numbers.insert(url.to_owned(), self.urls.len());
        }
        let number = self.numbers.get(url).copied().unwrap_or_default();
        format!("[{number}]")
    }

    pub(super) fn lines(self) -> Vec<Line> {
        (1..).zip(self.urls).map(|(number, url)| Line::of(format!("[{number}] {url}"))).collect()
    }
}

/// An address as people write it.
fn bare(url: &str) -> &str {
    let url = url.strip_prefix("https://").or(url.strip_prefix("http://")).unwrap_or(url);
    url.strip_prefix("www.").unwrap_or(url).trim_end_matches('/')
}
