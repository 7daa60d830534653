//! PURE. What is left of an element where it ends: empty ones go, and wrappers that hold nothing but blocks.

use super::Pass;
use super::names::is_block;
use crate::article::dom::{Id, Tree};

impl Tree {
    /// Whether a node is text without a word.
    pub(super) fn is_blank_text(&self, id: Id) -> bool {
        self.text(id).is_some_and(|text| text.trim().is_empty())
    }
}

impl Pass<'_> {
    /// Tidies an element whose content is tidy.
    pub(super) fn tidy(&mut self, id: Id) {
        self.join_texts(id);
        self.unwrap_sole_block(id);
        let name = self.tree.name(id).to_owned();
        match name.as_str() {
            "td" | "th" | "br" | "hr" | "wbr" | "img" | "html" => {}
            "table" => {
                if !self.flatten(id) && self.tree.first(id).is_none() {
                    self.tree.detach(id);
                }
            }
            "thead" | "tbody" | "tfoot" | "tr" => {
                self.drop_blanks(id);
                if self.tree.first(id).is_none() {
                    self.tree.detach(id);
                }
            }
            "pre" => {
                if self.is_empty(id) {
                    self.tree.detach(id);
                }
            }
            _ if is_block(&name) => self.tidy_block(id, &name),
            _ => {
                if self.is_empty(id) {
                    self.tree.unwrap(id);
                }
            }
        }
    }

    fn tidy_block(&mut self, id: Id, name: &str) {
        if self.is_empty(id) {
            self.tree.detach(id);
            return;
        }
        // A parser ends a paragraph where a block begins.
        let holds_blocks = self.tree.children(id).any(|child| is_block(self.tree.name(child)));
        if name == "p" && holds_blocks {
            self.tree.rename(id, "div");
        }
        let is_wrapper = matches!(name, "div" | "p") && holds_blocks && !self.tree.has_attributes(id);
        if is_wrapper && self.tree.children(id).all(|child| is_block(self.tree.name(child)) || self.tree.is_blank_text(child)) {
            self.tree.unwrap(id);
        }
    }

    /// Whether an element has neither words nor anything to be seen. What is in it is tidy: no element of that is empty.
    fn is_empty(&self, id: Id) -> bool {
        self.tree.children(id).all(|child| self.tree.is_blank_text(child) || matches!(self.tree.name(child), "br" | "wbr"))
    }

    /// The only block in another needs no wrapper of its own.
    fn unwrap_sole_block(&mut self, id: Id) {
        if !matches!(self.tree.name(id), "div" | "li" | "td" | "th" | "blockquote" | "dd" | "figure" | "html") {
            return;
        }
        let only = {
            let mut seen = self.tree.children(id).filter(|child| !self.tree.is_blank_text(*child));
            let (Some(only), None) = (seen.next(), seen.next()) else { return };
            only
        };
        if self.tree.name(only) == "div" && !self.tree.has_attributes(only) {
            self.tree.unwrap(only);
            self.join_texts(id);
        }
    }

    /// Makes one text of those that came to stand beside each other.
    fn join_texts(&mut self, id: Id) {
        let mut at = self.tree.first(id);
        while let Some(text) = at {
            at = self.tree.after(text);
            if self.tree.text(text).is_none() {
                continue;
            }
            while let Some((next, more)) = at.and_then(|next| Some((next, self.tree.text(next)?))) {
                let mut more = more.to_owned();
                let blank_before = self.tree.text(text).is_some_and(|text| text.ends_with([' ', '\n']));
                if self.pre == 0 && blank_before {
                    more = more.trim_start_matches([' ', '\n']).to_owned();
                }
                self.tree.push_text(text, &more);
                at = self.tree.after(next);
                self.tree.detach(next);
            }
            if self.tree.text(text) == Some("") {
                self.tree.detach(text);
            }
        }
    }

    /// Takes away the blanks that the whole begins and ends with.
    pub(super) fn trim(&mut self, root: Id) {
        for (end, is_first) in [(self.tree.first(root), true), (self.tree.last(root), false)] {
            let Some((id, text)) = end.and_then(|id| Some((id, self.tree.text(id)?))) else { continue };
            let trimmed = if is_first { text.trim_start_matches([' ', '\n']) } else { text.trim_end_matches([' ', '\n']) };
            let trimmed = trimmed.to_owned();
            if trimmed.is_empty() {
                self.tree.detach(id);
            } else {
                self.tree.set_text(id, &trimmed);
            }
        }
    }

    fn drop_blanks(&mut self, id: Id) {
        let blanks: Vec<Id> = self.tree.children(id).filter(|child| self.tree.is_blank_text(*child)).collect();
        for blank in blanks {
            self.tree.detach(blank);
        }
    }
}
