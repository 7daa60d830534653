//! PURE. Tables: columns side by side where they fit, else each row as a few lines that name their column.

use std::collections::HashMap;

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
    /// The first of its columns, and how many it has.
    column: usize,
    span: usize,
    /// It goes on in the next row.
    goes_on: bool,
}

#[derive(Debug, Default)]
pub(super) struct Table {
    rows: Vec<Vec<Cell>>,
    /// For how many more rows each column is taken by a cell above.
    taken: Vec<usize>,
    /// The column that the next cell begins in.
    column: usize,
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

    /// The column after its last.
    fn end(&self) -> usize {
        self.column.saturating_add(self.span)
    }
}

impl Table {
    pub(super) fn begin_row(&mut self) {
        self.taken.iter_mut().for_each(|rows| *rows = rows.saturating_sub(1));
        self.column = 0;
        self.rows.push(Vec::new());
    }

    /// Adds a cell, and for how many columns and rows it stands.
    pub(super) fn add_cell(&mut self, lines: Vec<Line>, is_head: bool, (columns, rows): (usize, usize)) {
        let Some(row) = self.rows.last_mut() else { return };
        while self.taken.get(self.column).is_some_and(|rows| *rows > 0) {
            self.column += 1;
        }
        let cell = Cell { lines, is_head, column: self.column, span: columns, goes_on: rows > 1 };
        self.column = cell.end();
        if rows > 1 {
            let end = self.column.min(MOST_COLUMNS);
            self.taken.resize(self.taken.len().max(end), 0);
            self.taken.iter_mut().take(end).skip(cell.column).for_each(|taken| *taken = rows);
        }
        row.push(cell);
    }

    /// How many rows name the columns: the first, and those below it that name parts of what it names.
    fn heads(&self) -> usize {
        let is_head = |row: &&Vec<Cell>| row.len() > 1 && row.iter().all(|cell| cell.is_head);
        let is_divided = |row: &Vec<Cell>| row.iter().any(|cell| cell.span > 1 || cell.goes_on);
        let first = self.rows.iter().take_while(is_head).take_while(|row| is_divided(row)).count();
        let heads = first + usize::from(self.rows.get(first).is_some_and(|row| is_head(&row)));
        if heads < self.rows.len() { heads } else { 0 }
    }

    pub(super) fn lay_out(self, on: &mut Surface) {
        match self.columns(on.room()) {
            Some(columns) => self.side_by_side(&columns, on),
            None => self.row_by_row(on),
        }
    }

    /// How wide each column is, where all fit.
    fn columns(&self, room: usize) -> Option<Vec<usize>> {
        let cells = || self.rows.iter().flatten();
        let count = cells().map(Cell::end).max().filter(|count| (2..=MOST_COLUMNS).contains(count))?;
        let mut columns = vec![0; count];
        for cell in cells() {
            if !cell.is_simple() {
                return None;
            }
            if cell.span == 1 {
                columns[cell.column] = width(cell.text()).max(columns[cell.column]);
            }
        }
        // What stands over several columns widens the last of them where they have no room for it.
        for cell in cells().filter(|cell| cell.span > 1) {
            let lacks = width(cell.text()).saturating_sub(room_of(&columns[cell.column..cell.end()]));
            columns[cell.end() - 1] += lacks;
        }
        (room_of(&columns) <= room.min(WIDEST)).then_some(columns)
    }

    fn side_by_side(self, columns: &[usize], on: &mut Surface) {
        let heads = self.heads();
        for (at, row) in self.rows.iter().enumerate() {
            let (mut line, mut taken) = (String::new(), 0);
            for cell in row.iter().filter(|cell| !cell.text().is_empty()) {
                let before: usize = columns[..cell.column].iter().map(|column| column + BETWEEN).sum();
                line.push_str(&" ".repeat(before.saturating_sub(taken)));
                line.push_str(cell.text());
                taken = before + width(cell.text());
            }
            on.line(Line::of(line.trim_end().to_owned()));
            if at + 1 == heads {
                let rules: Vec<String> = columns.iter().map(|column| "-".repeat(*column)).collect();
                on.line(Line::of(rules.join("  ").trim_end().to_owned()));
            }
        }
    }

    fn row_by_row(self, on: &mut Surface) {
        let heads = self.heads();
        let mut names: HashMap<usize, String> = HashMap::new();
        for cell in self.rows.iter().take(heads).flatten() {
            let name = first_paragraph(&cell.lines).0;
            if !is_short(&name) {
                continue;
            }
            (cell.column..cell.end().min(cell.column + MOST_COLUMNS)).for_each(|column| drop(names.insert(column, name.clone())));
        }
        let apart = self.rows.iter().any(|row| row.len() > 1);
        for row in self.rows.into_iter().skip(heads) {
            // A row whose first cell alone is a head names what the others say.
            let own_head = row.len() == 2 && row[0].is_head && !row[1].is_head;
            let own = own_head.then(|| first_paragraph(&row[0].lines).0);
            for (at, cell) in row.into_iter().enumerate() {
                match &own {
                    Some(head) if at == 1 => put(cell.lines, head, on),
                    Some(head) if is_short(head) => {}
                    Some(_) | None => put(cell.lines, names.get(&cell.column).map_or("", String::as_str), on),
                }
            }
            if apart {
                on.apart();
            }
        }
    }
}

/// How much room some columns have together.
fn room_of(columns: &[usize]) -> usize {
    columns.iter().sum::<usize>() + BETWEEN * columns.len().saturating_sub(1)
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
