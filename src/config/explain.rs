//! Mistakes in the configuration, all of them, each with its line, a caret, and the next step. Goes in: messages with
//! byte spans, and the text they are about. Comes out: what a person reads. The value of a secret is never shown.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use super::literal;
use super::shown::Hidden;

/// How bad a mistake is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The configuration cannot be used.
    Error,
    /// It can, but not as it was meant, perhaps.
    Warning,
    /// It can, and others can read a secret in it: `feeds check` fails.
    Exposed,
}

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong: a fragment in lower case, names in backticks.
    pub message: String,
    /// Where in the file, in bytes.
    pub span: Option<Range<usize>>,
    /// The next step.
    pub help: Option<String>,
    /// Where it is, if that is a file which the place above names.
    pub elsewhere: Option<Elsewhere>,
    /// Which part of the text at that place, in bytes of what it reads as.
    pub within: Option<Range<usize>>,
}

/// A place in another file than the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elsewhere {
    /// The file.
    pub path: PathBuf,
    /// What it holds.
    pub text: String,
    /// Where in it, in bytes.
    pub span: Range<usize>,
}

impl Mistake {
    /// A mistake that makes the configuration unusable.
    pub(super) fn error(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, message: message.into(), span: Some(span), help: None, elsewhere: None, within: None }
    }

    /// Something odd that a person should know.
    pub(super) fn warning(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(span, message) }
    }

    /// The same with a next step.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// All mistakes in one configuration, in the order of the file. Displays itself as rustc would.
#[derive(Clone, PartialEq, Eq)]
pub struct Mistakes {
    /// The file, as it was named.
    pub path: PathBuf,
    /// The mistakes, in the order of the file.
    pub list: Vec<Mistake>,
    text: String,
}

impl Mistakes {
    /// Puts the mistakes in the order of the file; what was said twice about one place is said once.
    pub(super) fn new(path: &Path, text: &str, mut list: Vec<Mistake>) -> Self {
        for mistake in &mut list {
            if let (Some(span), Some(part)) = (&mut mistake.span, mistake.within.take()) {
                *span = literal::place(text, span, &part);
            }
        }
        list.sort_by_key(|mistake| mistake.span.as_ref().map_or(0, |span| span.start));
        list.dedup();
        Self { path: path.to_owned(), list, text: text.to_owned() }
    }

    /// The one mistake that the file cannot be read at all.
    pub(super) fn unreadable(path: &Path, message: String, help: Option<String>) -> Self {
        let mistake = Mistake { severity: Severity::Error, message, span: None, help, elsewhere: None, within: None };
        Self { path: path.to_owned(), list: vec![mistake], text: String::new() }
    }

    /// There is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The line and column of a mistake, both from 1; the column counts characters.
    #[must_use]
    pub fn place(&self, mistake: &Mistake) -> Option<(usize, usize)> {
        line_and_column(&self.text, mistake.span.as_ref()?)
    }

    fn show(&self, mistake: &Mistake, hidden: &Hidden, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match mistake.severity {
            Severity::Error => "error",
            Severity::Warning | Severity::Exposed => "warning",
        };
        writeln!(f, "{word}: {}", mistake.message)?;
        let path = self.path.display();
        match (&mistake.elsewhere, &mistake.span) {
            (Some(Elsewhere { path, text, span }), _) => {
                show_line(path, text, span, &Hidden::find(text), f)?;
                if let Some((line, column)) = self.place(mistake) {
                    writeln!(f, " ::: {}:{line}:{column}", self.path.display())?;
                }
            }
            (None, Some(span)) => show_line(&self.path, &self.text, span, hidden, f)?,
            (None, None) => writeln!(f, " --> {path}")?,
        }
        match &mistake.help {
            Some(help) => writeln!(f, "help: {help}"),
            None => Ok(()),
        }
    }
}

fn line_and_column(text: &str, span: &Range<usize>) -> Option<(usize, usize)> {
    let before = text.get(..span.start.min(text.len()))?;
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    Some((before.matches('\n').count() + 1, before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1))
}

/// A line of a file with carets below a place in it.
fn show_line(path: &Path, text: &str, span: &Range<usize>, hidden: &Hidden, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let path = path.display();
    let Some((line, column)) = line_and_column(text, span) else { return writeln!(f, " --> {path}") };
    let gutter = line.to_string().len();
    let (source, carets) = hidden.line(text, span);
    writeln!(f, "{:gutter$}--> {path}:{line}:{column}", "")?;
    writeln!(f, "{:gutter$} |", "")?;
    writeln!(f, "{line} | {source}")?;
    writeln!(f, "{:gutter$} | {carets}", "")
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = Hidden::find(&self.text);
        for (number, mistake) in self.list.iter().enumerate() {
            if number > 0 {
                writeln!(f)?;
            }
            self.show(mistake, &hidden, f)?;
        }
        Ok(())
    }
}

/// The text may hold secrets, so it stays out.
impl fmt::Debug for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mistakes").field("path", &self.path).field("list", &self.list).finish_non_exhaustive()
    }
}

impl std::error::Error for Mistakes {}

#[cfg(test)]
mod tests {
    use super::*;

    fn display(text: &str, word: &str, message: &str) -> String {
        let start = text.find(word).unwrap();
        let mistake = Mistake::error(start..start + word.len(), message).help("did you mean `interval`?");
        Mistakes::new(Path::new("config.toml"), text, vec![mistake]).to_string()
    }

    #[test]
    fn a_mistake_is_shown_with_its_line_a_caret_and_help() {
        let text = "[feeds.lwn]\nurl = \"https://lwn.net/rss\"\nintervall = \"1h\"\n";
        let expected = "error: unknown key `intervall` in `[feeds.lwn]`\n \
             --> config.toml:3:1\n  |\n3 | intervall = \"1h\"\n  | ^^^^^^^^^\nhelp: did you mean `interval`?\n";
        assert_eq!(display(text, "intervall", "unknown key `intervall` in `[feeds.lwn]`"), expected);
    }

    #[test]
    fn columns_count_characters() {
        assert!(display("ä = \"ö\" # ü\tx", "x", "m").contains("config.toml:1:13\n"));
        assert!(display("\u{feff}abc = 1", "abc", "m").contains("config.toml:1:1\n"));
    }

    #[test]
    fn all_mistakes_are_shown_in_the_order_of_the_file() {
        let list = vec![Mistake::error(4..5, "second"), Mistake::warning(0..1, "first"), Mistake::error(4..5, "second")];
        let shown = Mistakes::new(Path::new("c"), "ab\n\nc\n", list).to_string();
        assert_eq!(shown, "warning: first\n --> c:1:1\n  |\n1 | ab\n  | ^\n\nerror: second\n --> c:3:1\n  |\n3 | c\n  | ^\n");
    }

    #[test]
    fn a_file_that_cannot_be_read_has_no_line() {
        let mistakes = Mistakes::unreadable(Path::new("c"), "cannot read it".to_owned(), Some("run `feeds init`".to_owned()));
        assert_eq!(mistakes.to_string(), "error: cannot read it\n --> c\nhelp: run `feeds init`\n");
    }
}
