//! PURE. Code as it was written: highlighters put it into tables with line numbers, wrap its lines, and end them with elements.

use super::{Go, Pass};
use crate::article::dom::{Id, Tree};

/// What highlighters call the number of a line.
const NUMBERS: &[&str] = &[
    "lineno",
    "linenos",
    "linenumber",
    "line-number",
    "line-numbers",
    "ln",
    "lnt",
    "lno",
    "gutter",
    "gl",
    "hljs-ln-n",
    "blob-num",
];
/// What they call the cell of a line.
const LINES: &[&str] = &["code", "blob-code", "line", "hljs-ln-code", "rouge-code", "crayon-code"];

impl Pass<'_> {
    /// A table of a highlighter becomes code; others stay.
    pub(super) fn table(&mut self, id: Id) -> Go {
        if let Some(code) = block_beside_numbers(&self.tree, id) {
            self.tree.detach(code);
            self.tree.insert_before(id, code);
            self.tree.detach(id);
            return Go::To(Some(code));
        }
        if let Some(lines) = numbered_lines(&self.tree, id) {
            let pre = self.tree.add_element("pre", &[]);
            for line in lines {
                self.tree.move_children(line, pre);
                let end = self.tree.add_text("\n");
                self.tree.append(pre, end);
            }
            self.tree.replace(id, pre);
            return Go::To(Some(pre));
        }
        Go::Into
    }

    pub(super) fn line_break(&mut self, id: Id) -> Go {
        if self.pre == 0 {
            return Go::Into;
        }
        self.replace_by_text(id, "\n")
    }

    pub(super) fn is_line_number(&self, id: Id) -> bool {
        self.tree.has_class(id, NUMBERS) && is_numbers(&self.tree, id)
    }

    /// Code without the line's end before it, which a parser leaves out. What its blocks were are its lines.
    pub(super) fn end_pre(&mut self, id: Id) {
        let blocks: Vec<Id> =
            self.tree.children(id).filter(|child| matches!(self.tree.name(*child), "div" | "p" | "li")).collect();
        for block in blocks {
            let ended = self.tree.last(block).and_then(|last| self.tree.text(last)).is_some_and(|text| text.ends_with('\n'));
            if !ended && self.tree.after(block).is_some() {
                let end = self.tree.add_text("\n");
                self.tree.append(block, end);
            }
            self.tree.unwrap(block);
        }
        while let Some((first, text)) = self.tree.first(id).and_then(|first| Some((first, self.tree.text(first)?))) {
            let rest = text.trim_start_matches('\n').to_owned();
            if rest.len() == text.len() {
                break;
            }
            if rest.is_empty() {
                self.tree.detach(first);
            } else {
                self.tree.set_text(first, &rest);
                break;
            }
        }
    }
}

/// Whether there is nothing but numbers, and one at least.
fn is_numbers(tree: &Tree, id: Id) -> bool {
    let mut some = false;
    for text in tree.below(id).filter_map(|inner| tree.text(inner)) {
        if !text.chars().all(|c| c.is_ascii_digit() || c.is_whitespace()) {
            return false;
        }
        some |= text.contains(|c: char| c.is_ascii_digit());
    }
    some
}

/// The rows of a table, as far as they stand where rows do.
pub(super) fn rows(tree: &Tree, table: Id) -> Vec<Id> {
    let mut rows = Vec::new();
    for part in tree.children(table) {
        match tree.name(part) {
            "tr" => rows.push(part),
            "tbody" | "thead" | "tfoot" => rows.extend(tree.children(part).filter(|row| tree.name(*row) == "tr")),
            _ => {}
        }
    }
    rows
}

pub(super) fn cells(tree: &Tree, row: Id) -> impl Iterator<Item = Id> + '_ {
    tree.children(row).filter(|cell| matches!(tree.name(*cell), "td" | "th"))
}

/// The code of a table that has its line numbers in one cell and all of the code in the next.
fn block_beside_numbers(tree: &Tree, table: Id) -> Option<Id> {
    let [row] = rows(tree, table)[..] else { return None };
    let mut cells = cells(tree, row);
    let (numbers, code) = (cells.next()?, cells.next()?);
    if cells.next().is_some() || !is_numbers(tree, numbers) {
        return None;
    }
    tree.below(code).take(16).find(|inner| tree.name(*inner) == "pre")
}

/// The cells of a table that has each line of code in a row of its own, beside its number.
fn numbered_lines(tree: &Tree, table: Id) -> Option<Vec<Id>> {
    let rows = rows(tree, table);
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        let mut cells = cells(tree, row);
        let (number, line) = (cells.next()?, cells.next()?);
        let is_number = tree.has_class(number, NUMBERS) || tree.attribute(number, "data-line-number").is_some();
        let is_line = tree.has_class(line, LINES) || tree.has_class(line, &["hljs-ln-line", "blob-code-inner"]);
        let empty = || tree.below(number).all(|inner| tree.text(inner).is_none_or(|text| text.trim().is_empty()));
        if cells.next().is_some() || !is_number || !is_line || !(empty() || is_numbers(tree, number)) {
            return None;
        }
        lines.push(line);
    }
    (!lines.is_empty()).then_some(lines)
}
