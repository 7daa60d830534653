//! PURE. Links: their addresses, and those that lead to a place on the page itself, as footnotes do. In a mail such a place is
//! not there; so a note leads to the web page, and the way back from it goes.

use url::Url;

use super::{Go, Pass};
use crate::article::dom::Id;
use crate::feed::untracked;

/// The signs and words by which a footnote leads back.
const BACK: &[&str] = &["↩", "↩︎", "↩️", "⏎", "↑", "^", "⤴", "⮌", "↵", "[↩]", "back", "return"];
/// The longest text that is looked at for such a sign.
const LONGEST_SIGN: usize = 16;

/// Whether an address leads to a place on this page.
pub(in crate::article) fn is_own_page(url: &str, page: &Url) -> bool {
    let bare = |url: &str| url.split('#').next().unwrap_or_default().trim_end_matches('/').to_owned();
    url.contains('#') && bare(url) == bare(page.as_str())
}

impl Pass<'_> {
    pub(super) fn link(&mut self, id: Id) -> Go {
        let Some(written) = self.tree.attribute(id, "href").map(|href| href.trim().to_owned()) else { return self.unwrap(id) };
        // A link within a link is none: no reader knows where a click goes.
        if self.within(id, "a") {
            return self.unwrap(id);
        }
        if let Some(fragment) = written.strip_prefix('#') {
            return self.anchor(id, fragment);
        }
        match self.absolute(&written) {
            Some(url) => {
                self.tree.set_attribute(id, "href", Some(&untracked(url.as_str())));
                Go::Into
            }
            None => self.unwrap(id),
        }
    }

    /// A link to a place on the same page.
    fn anchor(&mut self, id: Id, fragment: &str) -> Go {
        if self.leads_back(id) {
            return self.drop(id);
        }
        let page = self.context.page.or(self.context.base).cloned();
        match page.filter(|_| !fragment.is_empty()) {
            Some(mut url) => {
                url.set_fragment(Some(fragment));
                self.left = self.left.saturating_sub(url.as_str().len());
                self.tree.set_attribute(id, "href", Some(url.as_str()));
                Go::Into
            }
            None => self.unwrap(id),
        }
    }

    fn leads_back(&self, id: Id) -> bool {
        let mut text = String::new();
        for piece in self.tree.below(id).filter_map(|inner| self.tree.text(inner)) {
            text.push_str(piece);
            if text.len() > LONGEST_SIGN {
                return false;
            }
        }
        BACK.contains(&text.trim().to_lowercase().as_str())
    }
}
