//! PURE. Pictures: the real source of those that a page loads late, the best size of those that it offers in many, and none that
//! are not to be seen.

use url::Url;

use super::srcset::best;
use super::trackers::counts_readers;
use super::{Go, Pass};
use crate::article::dom::Id;

/// The widest column: a picture that says to be wider is as wide as there is room.
pub(super) const WIDEST: u32 = 680;
/// Where pages keep the address of a picture until it is scrolled to.
const LAZY: &[&str] = &["data-src", "data-original", "data-lazy-src", "data-orig-file", "data-hi-res-src", "data-url"];
const LAZY_SETS: &[&str] = &["data-srcset", "data-lazy-srcset"];
/// The longest `data:` picture that is kept, where such are wanted.
const LONGEST_DATA: usize = 1024 * 1024 / 3 * 4;
/// Up to this length a `data:` picture holds a place for another.
const PLACEHOLDER: usize = 400;
/// Up to this length one that nothing describes may hold a place, and is not missed.
const UNMISSED: usize = 2_000;
/// What the names of files that hold a place end in.
const PLACEHOLDERS: &[&str] =
    &["placeholder.png", "placeholder.gif", "placeholder.jpg", "placeholder.svg", "lazy.png", "loading.gif"];
/// Kinds that few mail programs show.
const UNSHOWN: &[&str] = &["image/avif", "image/jxl", "image/heic", "image/svg+xml"];
/// Signs that a page shows as pictures.
const SIGNS: &[&str] = &["emoji", "wp-smiley", "emojione", "twemoji", "custom-emoji"];
const LONGEST_SIGN: usize = 40;

impl Pass<'_> {
    pub(super) fn image(&mut self, id: Id) -> Go {
        let alt = self.tree.attribute(id, "alt").unwrap_or_default().trim().to_owned();
        let is_sign = self.tree.has_class(id, SIGNS) || self.tree.attribute(id, "src").is_some_and(|src| src.contains("/emoji/"));
        if is_sign && !alt.is_empty() && alt.len() <= LONGEST_SIGN {
            return self.replace_by_text(id, &alt);
        }
        let source = if self.is_hidden(id) { None } else { self.source(id) };
        let Some(source) = source else {
            // A picture that cannot be shown says what it shows.
            let counts = self.is_hidden(id)
                || self.tree.attribute(id, "src").and_then(|src| Url::parse(src).ok()).is_some_and(|url| counts_readers(&url));
            if !counts && self.holds_picture(id, &alt) {
                return self.stand_in(id, &alt);
            }
            return if alt.is_empty() || counts { self.drop(id) } else { self.replace_by_text(id, &alt) };
        };
        self.is_held = source.starts_with("data:");
        if self.is_held && !self.context.options.images {
            return self.stand_in(id, &alt);
        }
        if !self.context.options.images {
            return self.replace_by_link(id, &source, &alt);
        }
        self.tree.set_attribute(id, "src", Some(&source));
        self.image = Some(id);
        Go::Into
    }

    /// Whether an image has a picture in its address, which is not to be shown and would be missed.
    fn holds_picture(&self, id: Id, alt: &str) -> bool {
        let source = self.tree.attribute(id, "src").unwrap_or_default().trim();
        let is_picture = source.get(..11).is_some_and(|head| head.eq_ignore_ascii_case("data:image/"));
        is_picture && source.len() >= if alt.is_empty() { UNMISSED } else { PLACEHOLDER }
    }

    /// What describes a picture that nothing can lead to.
    fn stand_in(&mut self, id: Id, alt: &str) -> Go {
        let next = self.tree.after(id);
        let words = self.tree.add_text(&described(alt));
        self.tree.replace(id, words);
        (self.image, self.is_held) = (Some(words), true);
        Go::To(next)
    }

    /// What describes a picture, as a link to it; within another link its words alone.
    fn replace_by_link(&mut self, id: Id, source: &str, alt: &str) -> Go {
        let next = self.tree.after(id);
        let words = self.tree.add_text(&described(alt));
        let shown = if self.within(id, "a") {
            words
        } else {
            let link = self.tree.add_element("a", &[("href", source)]);
            self.tree.append(link, words);
            link
        };
        self.tree.replace(id, shown);
        self.image = Some(shown);
        Go::To(next)
    }

    /// The address of what an image shows.
    fn source(&mut self, id: Id) -> Option<String> {
        let get = |name: &&str| self.tree.attribute(id, name).map(str::to_owned);
        let src = get(&"src").unwrap_or_default();
        let set = get(&"srcset").as_deref().and_then(best).map(str::to_owned);
        let lazy_set = LAZY_SETS.iter().find_map(get).as_deref().and_then(best).map(str::to_owned);
        let lazy = LAZY.iter().filter_map(get).find(|address| !address.trim().starts_with(['{', '[']));
        // What waits to be loaded is the picture itself, whatever stands in its place.
        let candidates = [lazy_set, lazy, set, Some(src)];
        candidates.into_iter().flatten().find_map(|address| self.shown(&address))
    }

    /// An address of a picture that is one.
    fn shown(&mut self, address: &str) -> Option<String> {
        let address = address.trim();
        if address.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:")) {
            return (self.context.options.data_images && is_small_picture(address)).then(|| address.to_owned());
        }
        let url = self.web(address)?;
        let holds_a_place = PLACEHOLDERS.iter().any(|name| url.path().ends_with(name));
        (!holds_a_place && !counts_readers(&url)).then(|| url.into())
    }

    /// A picture in several forms: what its image lacks, a source gives; the first whose kind is shown everywhere.
    pub(super) fn picture(&mut self, id: Id) -> Go {
        let Some(image) = self.tree.find(id, "img") else { return self.unwrap(id) };
        let has = |name: &&str| self.tree.attribute(image, name).is_some_and(|value| !value.trim().is_empty());
        let has_set = has(&"srcset") || LAZY_SETS.iter().any(has) || LAZY.iter().any(has);
        let src = self.tree.attribute(image, "src").unwrap_or_default();
        let bare = src.is_empty() || src.starts_with("data:");
        if !has_set && bare {
            let shown = |source: &Id| self.tree.attribute(*source, "type").is_none_or(|kind| !UNSHOWN.contains(&kind));
            let sources: Vec<Id> = self.tree.children(id).filter(|child| self.tree.name(*child) == "source").collect();
            let source = sources.iter().copied().find(shown).or(sources.first().copied());
            let get = |source: Id| ["srcset", "data-srcset"].iter().find_map(|name| self.tree.attribute(source, name));
            if let Some(set) = source.and_then(get).map(str::to_owned) {
                self.tree.set_attribute(image, "srcset", Some(&set));
            }
        }
        self.unwrap(id)
    }

    /// What is shown where no script runs. Mostly a picture again, beside the same one that a script would load.
    pub(super) fn no_script(&mut self, id: Id) -> Go {
        let shows_pictures_alone = self.tree.find(id, "img").is_some() && self.tree.is_blank(id);
        let comes_after = shows_pictures_alone && self.comes_after_image(id);
        if let Some(image) = self.image.filter(|_| comes_after && self.is_held) {
            // What the page itself holds is a sketch of this.
            self.tree.detach(image);
        } else if comes_after || (shows_pictures_alone && self.comes_before_lazy(id)) {
            return self.drop(id);
        }
        self.unwrap(id)
    }

    /// Whether the image that was kept last, or what was put in its place, stands right before.
    fn comes_after_image(&self, id: Id) -> bool {
        let blank = |sibling: &Id| self.tree.text(*sibling).is_some_and(|text| text.trim().is_empty());
        let mut siblings = std::iter::successors(self.tree.before(id), |sibling| self.tree.before(*sibling));
        let Some(mut last) = siblings.find(|sibling| !blank(sibling)) else { return false };
        while self.image != Some(last)
            && let Some(inner) = self.tree.last(last)
        {
            last = inner;
        }
        self.image == Some(last)
    }

    fn comes_before_lazy(&self, id: Id) -> bool {
        let blank = |sibling: &Id| self.tree.text(*sibling).is_some_and(|text| text.trim().is_empty());
        let mut siblings = std::iter::successors(self.tree.after(id), |sibling| self.tree.after(*sibling));
        let next = siblings.find(|sibling| !blank(sibling));
        next.is_some_and(|next| {
            self.tree.name(next) == "img" && LAZY.iter().chain(LAZY_SETS).any(|name| self.tree.attribute(next, name).is_some())
        })
    }
}

/// What stands for a picture.
fn described(alt: &str) -> String {
    if alt.is_empty() { "[image]".to_owned() } else { format!("[image: {alt}]") }
}

/// Whether a `data:` address holds a picture of a kind that is shown, not too long, and more than a place for another.
fn is_small_picture(address: &str) -> bool {
    let kinds = ["image/png", "image/jpeg", "image/gif", "image/webp"];
    let kind = address.split([';', ',']).next().unwrap_or_default().get(5..).unwrap_or_default();
    let is_plain = address.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'"' | b'\'' | b'<' | b'>' | b'&'));
    kinds.iter().any(|known| known.eq_ignore_ascii_case(kind))
        && is_plain
        && (PLACEHOLDER..=LONGEST_DATA).contains(&address.len())
}
