//! PURE. Tables that are only there to lay a page out: one cell in each row. A narrow screen shows what is in them better
//! without.

use super::Pass;
use super::code::{cells, rows};
use super::names::is_block;
use crate::article::dom::Id;

impl Pass<'_> {
    /// Takes a table apart that has no more than one cell in each row. It was tidied within.
    pub(super) fn flatten(&mut self, table: Id) -> bool {
        let parts: Vec<Id> = self.tree.children(table).filter(|part| !self.tree.name(*part).is_empty()).collect();
        if parts.iter().any(|part| self.tree.name(*part) == "caption") {
            return false;
        }
        let mut single = Vec::new();
        for row in rows(&self.tree, table) {
            let mut cells = cells(&self.tree, row);
            let first = cells.next();
            if cells.next().is_some() || first.is_some_and(|cell| self.tree.name(cell) == "th") {
                return false;
            }
            single.extend(first);
        }
        let is_alone = single.len() == 1;
        for cell in single {
            let has_text =
                self.tree.children(cell).any(|child| !self.tree.name(child).is_empty() || !self.tree.is_blank_text(child));
            if !has_text {
                continue;
            }
            let only_blocks =
                self.tree.children(cell).all(|child| is_block(self.tree.name(child)) || self.tree.is_blank_text(child));
            if only_blocks {
                while let Some(child) = self.tree.first(cell) {
                    self.tree.detach(child);
                    self.tree.insert_before(table, child);
                }
            } else {
                // A table around a few words sets them apart.
                let holds_blocks = self.tree.children(cell).any(|child| is_block(self.tree.name(child)));
                let block = self.tree.add_element(if is_alone && !holds_blocks { "p" } else { "div" }, &[]);
                self.tree.move_children(cell, block);
                self.tree.insert_before(table, block);
            }
        }
        self.tree.detach(table);
        true
    }
}
