//! PURE. Tables: columns side by side where they fit, else each row as a few lines that name their column.

use super::surface::{Surface, first_paragraph};
use super::wrap::{width, wrap};
use super::{Line, NARROWEST};

/// What stands between two columns.
const BETWEEN: usize = 2;
/// With more columns, a table is never laid out side by side.
const MOST_COLUMNS: usize = 24;
/// The width of a table where lines are not wrapped.
const WIDEST: usize = 100;
/// The longest head that is repeated before each value.
const LONGEST_HEAD: usize = 40;

#[derive(Debug)]
struct Cell {
    lines: Vec<Line>,
    is_head: bool,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Cell {
    /// Its one line.
    fn text(&self) -> &str {
        self.lines.first().map_or("", |line| line.text.as_str())
    }

    fn is_simple(&self) -> bool {
        let plain = |line: &Line| line.quote == 0 && line.lead.is_empty() && !line.verbatim;
        self.lines.len() <= 1 && self.lines.iter().all(plain)
    }
}

impl Table {
    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::new());
    }

    pub(super) fn add_cell(&mut self, lines: Vec<Line>, is_head: bool) {
        if let Some(row) = self.rows.last_mut() {
            row.push(Cell { lines, is_head });
        }
    }

    /// Whether the first row names the columns.
    fn has_head(&self) -> bool {
        self.rows.len() > 1 && self.rows.first().is_some_and(|row| row.len() > 1 && row.iter().all(|cell| cell.is_head))
    }

    pub(super) fn lay_out(self, on: &mut Surface) {
        match self.columns(on.room()) {
            Some(columns) => self.side_by_side(&columns, on),
            None => self.row_by_row(on),
        }
    }

    /// How wide each column is, where all fit.
    fn columns(&self, room: usize) -> Option<Vec<usize>> {
        let count = self.rows.iter().map(Vec::len).max().filter(|count| (2..=MOST_COLUMNS).contains(count))?;
        let mut columns = vec![0; count];
        for row in &self.rows {
            for (column, cell) in columns.iter_mut().zip(row) {
                if !cell.is_simple() {
                    return None;
                }
                *column = width(cell.text()).max(*column);
            }
        }
        let all = columns.iter().sum::<usize>() + BETWEEN * (count - 1);
        (all <= room.min(WIDEST)).then_some(columns)
    }

    fn side_by_side(self, columns: &[usize], on: &mut Surface) {
        let has_head = self.has_head();
        for (at, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (cell, column) in row.iter().zip(columns) {
                line.push_str(cell.text());
                line.push_str(&" ".repeat(column - width(cell.text()) + BETWEEN));
            }
            on.line(Line::of(line.trim_end().to_owned()));
            if at == 0 && has_head {
                let rules: Vec<String> = columns.iter().map(|column| "-".repeat(*column)).collect();
                on.line(Line::of(rules.join("  ").trim_end().to_owned()));
            }
        }
    }

    fn row_by_row(self, on: &mut Surface) {
        let has_head = self.has_head();
        let heads: Vec<String> = match self.rows.first() {
            Some(row) if has_head => row.iter().map(|cell| first_paragraph(&cell.lines).0).collect(),
            _ => Vec::new(),
        };
        let apart = self.rows.iter().any(|row| row.len() > 1);
        for row in self.rows.into_iter().skip(usize::from(has_head)) {
            // A row whose first cell alone is a head names what the others say.
            let own_head = row.len() == 2 && row[0].is_head && !row[1].is_head;
            let own = own_head.then(|| first_paragraph(&row[0].lines).0);
            for (at, cell) in row.into_iter().enumerate() {
                match &own {
                    Some(head) if at == 1 => put(cell.lines, head, on),
                    Some(head) if is_short(head) => {}
                    Some(_) | None => put(cell.lines, heads.get(at).map_or("", String::as_str), on),
                }
            }
            if apart {
                on.apart();
            }
        }
    }
}

fn is_short(head: &str) -> bool {
    !head.is_empty() && width(head) <= LONGEST_HEAD
}

/// Puts the lines of a cell there, the first with the name of its column.
fn put(lines: Vec<Line>, head: &str, on: &mut Surface) {
    let begins_plainly = lines.first().is_some_and(|line| line.lead.is_empty() && line.quote == 0 && !line.verbatim);
    let mut rest = lines;
    if is_short(head) && !rest.is_empty() {
        if begins_plainly {
            let (paragraph, count) = first_paragraph(&rest);
            for (text, end) in wrap(&format!("{head}: {paragraph}"), on.room().max(NARROWEST)) {
                on.line(Line { end, ..Line::of(text) });
            }
            rest.drain(..count);
        } else {
            on.line(Line::of(format!("{head}:")));
        }
    }
    for line in rest {
        on.line(line);
    }
}
