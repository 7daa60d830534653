//! The elements within an element that was read as a whole.

use super::inner::{Inner, Outer, Unclosed, inner};
use super::names::Name;
use super::reader::Context;
use super::soup::{Soup, Tag, Token};

/// Nothing is around a piece that is read by itself.
struct Nothing;

impl Outer for Nothing {
    fn ends(&self, _: &str) -> bool {
        false
    }

    fn begins_entry(&self, _: &str) -> bool {
        false
    }
}

/// What is done for an element; where it gives an inside, the elements in that are next.
pub(crate) type Each<'e, 'a> = &'e mut dyn FnMut(&mut Context<'a>, &Name<'a>, &Tag<'a>, Inner<'a>, u8) -> Option<Inner<'a>>;

impl<'a> Context<'a> {
    /// Calls `each` for each element in `inside`; where that gives an inside, for those in it.
    pub(crate) fn children(&mut self, inside: Inner<'a>, depth: u8, each: Each<'_, 'a>) {
        let (mut soup, mut unclosed) = (Soup::new(inside.raw), Unclosed::default());
        while let Some(token) = soup.next() {
            let Token::Start(tag) = token else { continue };
            let mark = self.names.enter(&tag);
            let name = self.names.read(tag.name);
            let inner = inner(&mut soup, &tag, &Nothing, &mut unclosed);
            if let Some(within) = each(self, &name, &tag, inner, depth) {
                self.children(within, depth + 1, each);
            }
            self.names.leave(mark);
        }
    }
}
