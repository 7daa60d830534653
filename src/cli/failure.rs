//! What went wrong, for a person and for a script: one table from error to text, help and exit status.

use crate::store::StoreError;

/// How a command ended. The numbers are the contract with scripts; see docs/exit-codes.md.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// Done; what failed is scheduled again.
    Done,
    /// Something needs a person.
    NeedsPerson,
    /// The command line or the configuration is wrong.
    Usage,
    /// The database or the disk failed.
    Storage,
}

impl Exit {
    /// The exit status.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::NeedsPerson => 1,
            Self::Usage => 2,
            Self::Storage => 3,
        }
    }
}

/// A command that could not do what it was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What could not be done, and to what.
    pub(crate) error: String,
    /// Why, where that is not said already.
    pub(crate) cause: Option<String>,
    /// The next step.
    pub(crate) help: Option<String>,
    /// How the command ends.
    pub(crate) exit: Exit,
}

impl Failure {
    /// The command line or the configuration is wrong.
    pub(crate) fn usage(error: impl Into<String>) -> Self {
        Self { error: error.into(), cause: None, help: None, exit: Exit::Usage }
    }

    /// Something needs a person.
    pub(crate) fn needs_person(error: impl Into<String>) -> Self {
        Self { error: error.into(), cause: None, help: None, exit: Exit::NeedsPerson }
    }

    /// The database or the disk failed.
    pub(crate) fn storage(error: impl Into<String>) -> Self {
        Self { error: error.into(), cause: None, help: None, exit: Exit::Storage }
    }

    /// Adds why.
    pub(crate) fn because(mut self, cause: impl Into<String>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Adds the next step, where there is one.
    pub(crate) fn with_help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// The lines a person reads; `label` is the first word.
    pub(crate) fn lines(&self, label: &str) -> String {
        // A text of several lines (the mistakes in a configuration) begins with its own labels.
        let mut text = if self.error.contains("\nerror: ") || self.error.starts_with("error: ") {
            self.error.clone()
        } else {
            format!("{label}: {}", self.error)
        };
        for (word, line) in [("cause", &self.cause), ("help", &self.help)] {
            if let Some(line) = line {
                text.extend(["\n", word, ": ", line]);
            }
        }
        text
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let help = error.help();
        Self::storage(error.to_string()).with_help(help)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_way_to_end_has_its_own_status() {
        let all = [Exit::Done, Exit::NeedsPerson, Exit::Usage, Exit::Storage];
        assert_eq!(all.map(Exit::code), [0, 1, 2, 3]);
        assert_eq!(Failure::usage("x").exit, Exit::Usage);
        assert_eq!(Failure::needs_person("x").exit, Exit::NeedsPerson);
        assert_eq!(Failure::from(StoreError::Full).exit, Exit::Storage);
    }

    #[test]
    fn a_failure_says_what_why_and_what_to_do() {
        let failure =
            Failure::usage("cannot add `x`").because("the server answered 404 Not Found").with_help("see the address".to_owned());
        assert_eq!(
            failure.lines("error"),
            "error: cannot add `x`\ncause: the server answered 404 Not Found\nhelp: see the address"
        );
    }
}
