//! PURE. The pass over a tree that makes a feed's HTML an article: each element is looked at where it begins, by its name, and
//! tidied where it ends. One file for each idea; the walk is here. What goes in: any tree. What comes out: elements that
//! every mail program shows, with nothing that acts.

mod code;
mod embeds;
mod formulas;
mod images;
mod links;
mod names;
mod srcset;
mod tables;
mod tidy;
mod trackers;
mod urls;

use url::Url;

pub(super) use self::links::is_own_page;
use self::names::Role;
pub(super) use self::names::is_block;
use super::Options;
use super::dom::{Id, Tree};
use crate::feed::text::is_unseen;

/// How many bytes the base of addresses may add, beside so many for each byte of the HTML: each relative address becomes as
/// long as its base.
const MOST_ADDED: usize = 1024 * 1024;
const MOST_ADDED_EACH: usize = 16;

/// What a pass goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    /// What relative addresses are relative to.
    pub(super) base: Option<&'a Url>,
    /// The page that the HTML stands on: where its own anchors are.
    pub(super) page: Option<&'a Url>,
    pub(super) options: Options,
}

/// The pass, under way.
struct Pass<'a> {
    tree: Tree,
    context: Context<'a>,
    /// How many bytes addresses may still add.
    left: usize,
    /// The innermost elements of these sorts that it is in.
    pre: usize,
    /// The image that was kept last, or what was put in its place.
    image: Option<Id>,
    /// Its address held it whole.
    is_held: bool,
}

/// Where the walk goes on.
enum Go {
    /// Into the element.
    Into,
    /// At this sibling, or where there is none at the end of the parent.
    To(Option<Id>),
}

/// Makes a tree an article's; `length` is that of its HTML. `None` where its addresses would become too long.
pub(super) fn pass(tree: Tree, length: usize, context: Context<'_>) -> Option<Tree> {
    let left = may_be_added(length);
    let mut pass = Pass { tree, context, left, pre: 0, image: None, is_held: false };
    pass.walk();
    (pass.left > 0).then_some(pass.tree)
}

/// How many bytes the base of addresses may add to so many bytes of HTML.
pub(super) fn may_be_added(length: usize) -> usize {
    MOST_ADDED.saturating_add(length.saturating_mul(MOST_ADDED_EACH))
}

impl Pass<'_> {
    fn walk(&mut self) {
        let root = self.tree.root();
        let Some(mut at) = self.tree.first(root) else { return };
        let mut entering = true;
        while at != root && self.left > 0 {
            // What is done to a node leaves its parent, and what comes after it, where they are.
            let parent = self.tree.parent(at).unwrap_or(root);
            let next = if entering {
                match (self.enter(at), self.tree.first(at)) {
                    (Go::To(next), _) => next,
                    (Go::Into, Some(child)) => {
                        at = child;
                        continue;
                    }
                    (Go::Into, None) if self.tree.name(at).is_empty() => self.tree.after(at),
                    (Go::Into, None) => {
                        entering = false;
                        continue;
                    }
                }
            } else {
                let next = self.tree.after(at);
                self.leave(at);
                next
            };
            entering = next.is_some();
            at = next.unwrap_or(parent);
        }
        self.tidy(root);
        self.trim(root);
    }

    fn enter(&mut self, id: Id) -> Go {
        if self.tree.text(id).is_some() {
            self.words(id);
            return Go::Into;
        }
        if self.tree.is_foreign(id) {
            return self.foreign(id);
        }
        let role = names::role(self.tree.name(id));
        if matches!(role, Role::Keep | Role::Unwrap | Role::Span | Role::Rename(_)) && self.is_out_of_sight(id) {
            return self.drop(id);
        }
        match role {
            Role::Keep => Go::Into,
            Role::Rename(name) => {
                self.tree.rename(id, name);
                Go::Into
            }
            Role::Unwrap => self.unwrap(id),
            Role::Drop => self.drop(id),
            Role::Paragraph => self.summary(id),
            Role::Pre => {
                self.pre += 1;
                self.tree.rename(id, "pre");
                Go::Into
            }
            Role::Break => self.line_break(id),
            Role::Link => self.link(id),
            Role::Span => self.span(id),
            Role::Image => self.image(id),
            Role::Picture => self.picture(id),
            Role::NoScript => self.no_script(id),
            Role::Embed => self.embed(id),
            Role::Table => self.table(id),
            Role::Input => self.input(id),
            Role::Script => self.script(id),
        }
    }

    fn leave(&mut self, id: Id) {
        let is_pre = self.tree.name(id) == "pre";
        if is_pre {
            self.end_pre(id);
        }
        self.keep_attributes(id);
        self.tidy(id);
        self.pre -= usize::from(is_pre);
    }

    fn drop(&mut self, id: Id) -> Go {
        let next = self.tree.after(id);
        self.tree.detach(id);
        Go::To(next)
    }

    fn unwrap(&mut self, id: Id) -> Go {
        let next = self.tree.first(id).or(self.tree.after(id));
        self.tree.unwrap(id);
        Go::To(next)
    }

    /// Puts text in the place of an element.
    fn replace_by_text(&mut self, id: Id, text: &str) -> Go {
        let next = self.tree.after(id);
        let text = self.tree.add_text(text);
        self.tree.replace(id, text);
        Go::To(next)
    }

    /// Text as it is seen: without what turns or hides it, and outside of code its white space folded.
    fn words(&mut self, id: Id) {
        let Some(text) = self.tree.text(id) else { return };
        if let Some(seen) = if self.pre > 0 { seen(text) } else { folded(text) } {
            self.tree.set_text(id, &seen);
        }
    }

    /// A summary of what is opened here: its first paragraph, in bold.
    fn summary(&mut self, id: Id) -> Go {
        self.tree.rename(id, "p");
        let strong = self.tree.add_element("strong", &[]);
        self.tree.move_children(id, strong);
        self.tree.append(id, strong);
        Go::Into
    }

    /// The box of a task is a sign; other fields of a form are nothing.
    fn input(&mut self, id: Id) -> Go {
        if !self.tree.attribute(id, "type").is_some_and(|sort| sort.eq_ignore_ascii_case("checkbox")) {
            return self.drop(id);
        }
        let sign = if self.tree.attribute(id, "checked").is_some() { "[x] " } else { "[ ] " };
        self.replace_by_text(id, sign)
    }

    fn within(&self, id: Id, name: &str) -> bool {
        self.tree.ancestors(id).any(|up| self.tree.name(up) == name)
    }
}

/// Whether a character of a body is left out. The marks of direction stay: they move their neighbours alone, and texts that are
/// written from right to left need them.
fn is_left_out(c: char) -> bool {
    is_unseen(c) && !matches!(c, '\n' | '\t' | '\u{200E}' | '\u{200F}')
}

/// Text without what is not seen; nothing where it has none.
fn seen(text: &str) -> Option<String> {
    text.contains(is_left_out).then(|| text.replace(is_left_out, ""))
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\n' | '\t' | '\r' | '\u{c}')
}

/// Text without what is not seen, each run of white space one blank, or one line's end where it has one; nothing where it is
/// that already.
fn folded(text: &str) -> Option<String> {
    let bytes = text.as_bytes();
    let unfolded = |pair: &[u8]| is_blank(pair[0].into()) && is_blank(pair[1].into());
    let odd = |byte: &u8| matches!(byte, b'\t' | b'\r' | 0xc);
    if !bytes.windows(2).any(unfolded) && !bytes.iter().any(odd) && !text.contains(is_left_out) {
        return None;
    }
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if is_blank(c) {
            match folded.pop() {
                Some(last @ (' ' | '\n')) => folded.push(if c == '\n' { c } else { last }),
                Some(last) => folded.extend([last, if c == '\n' { c } else { ' ' }]),
                None => folded.push(if c == '\n' { c } else { ' ' }),
            }
        } else if !is_left_out(c) {
            folded.push(c);
        }
    }
    Some(folded)
}
