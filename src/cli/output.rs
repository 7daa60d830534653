//! The only place that prints. Facts go to standard output, everything else to standard error; whoever prints says which.

#![expect(clippy::print_stderr, reason = "the one place that may")]

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;

/// What may be printed, and where.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the outputs")]
pub(crate) struct Printer {
    /// Facts are one JSON document.
    pub(crate) json: bool,
    /// Standard error is a person's terminal.
    pub(crate) terminal: bool,
    /// A person is there to read: on a terminal, or trying the program out by `cargo run`.
    pub(crate) attended: bool,
    /// Colour may be used on standard error.
    colour: bool,
    /// The progress line that stands there now, in characters.
    progress: Mutex<usize>,
}

impl Printer {
    /// A printer for this process's outputs. `NO_COLOR` is obeyed.
    pub(crate) fn new(json: bool, quiet: bool) -> Self {
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let colour = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let tried_out = std::env::var_os("CARGO_MANIFEST_DIR").is_some() && !quiet;
        Self { json, terminal, attended: terminal || tried_out, colour, progress: Mutex::new(0) }
    }

    /// A line of facts. A reader who has gone away (`feeds list | head`) ends the output, not the program.
    #[expect(clippy::unused_self, reason = "every print goes through the printer")]
    pub(crate) fn fact(&self, line: &str) {
        writeln!(std::io::stdout(), "{line}").ok();
    }

    /// Lines of facts.
    pub(crate) fn facts(&self, lines: impl IntoIterator<Item = String>) {
        for line in lines {
            self.fact(&line);
        }
    }

    /// Facts as one JSON document on a line.
    pub(crate) fn json(&self, value: &impl Serialize) {
        match serde_json::to_string(value) {
            Ok(text) => self.fact(&text),
            Err(error) => self.note(&format!("error: cannot write JSON: {error}")),
        }
    }

    /// Bytes as they are: a mail, a page.
    #[expect(clippy::unused_self, reason = "every print goes through the printer")]
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut out = std::io::stdout();
        out.write_all(bytes).and_then(|()| out.flush()).ok();
    }

    /// A line that is no fact: progress, hints, warnings.
    pub(crate) fn note(&self, line: &str) {
        self.clear();
        eprintln!("{line}");
    }

    /// The progress line; it replaces the one before. Nothing where nobody watches.
    pub(crate) fn progress(&self, line: &str) {
        if self.terminal {
            let mut shown = self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            let padding = " ".repeat(shown.saturating_sub(line.chars().count()));
            eprint!("\r{line}{padding}");
            *shown = line.chars().count();
        }
    }

    /// Takes the progress line away.
    pub(crate) fn clear(&self) {
        let mut shown = self.progress.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *shown > 0 {
            eprint!("\r{}\r", " ".repeat(*shown));
            *shown = 0;
        }
    }

    /// An error's first word, in colour where there is some.
    pub(crate) fn label(&self, word: &str) -> String {
        if self.colour { format!("\x1b[1;31m{word}\x1b[0m") } else { word.to_owned() }
    }

    /// Asks a person a question and reads the answer. `None` where nobody is there to ask.
    pub(crate) fn ask(&self, question: &str) -> Option<String> {
        if !self.terminal || !std::io::stdin().is_terminal() {
            return None;
        }
        self.clear();
        eprint!("{question} ");
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).ok().filter(|read| *read > 0).map(|_| answer.trim().to_owned())
    }
}

/// When a thing is tried that waits for no time, or only for one of our own guess.
pub(crate) const NEXT_RUN: &str = "next run";

/// A time for people: in their own zone, with its name.
pub(crate) fn local(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// Rows of text in columns, each as wide as its widest cell; the last is not padded.
pub(crate) fn table(rows: &[Vec<String>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
    let width =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::table;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        assert_eq!(table(&[row(["a", "bb", "c"]), row(["größe", "b", ""])]), ["a      bb  c", "größe  b"]);
    }
}
