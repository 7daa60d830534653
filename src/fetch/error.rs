//! Why a source gave no document, in variants of what the caller can do differently.

use std::time::Duration;

use super::{FileError, NotNow, ProgramError, RedirectError};
use crate::net::{HttpError, StatusCode};
use crate::trouble::Trouble;
use crate::units::ByteSize;

/// Why a source gave no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}{}", quoted(said.as_deref()))]
pub struct FetchError {
    /// What happened.
    pub kind: FetchErrorKind,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
    /// What was said beside it, where anything was.
    pub said: Option<Box<Said>>,
}

/// What was said beside a failure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// The server's own first words, made short and harmless.
    Server(String),
    /// What a program wrote to its standard error, bounded.
    Program(String),
}

/// What happened instead of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchErrorKind {
    /// The server answered something that is no document.
    #[error("the server answered {}", with_words(*.0))]
    Status(u16),
    /// A page that keeps programs out.
    #[error("the server keeps this program out: {}, with the page of {by}", with_words(*status))]
    Blocked {
        /// The status.
        status: u16,
        /// Whose page it is.
        by: &'static str,
    },
    /// What the feed is asked with could not be had.
    #[error("it was not asked: {0}")]
    Access(String),
    /// A 304, though nothing was asked to compare with.
    #[error("the server answered 304 Not Modified though it was not asked whether anything changed")]
    UnaskedNotModified,
    /// A redirect that is not followed.
    #[error(transparent)]
    Redirect(#[from] RedirectError),
    /// The document does not fit.
    #[error("the document is larger than {}", ByteSize::from_bytes(*.0))]
    TooLarge(u64),
    /// There was no answer, or none that can be used.
    #[error(transparent)]
    Http(HttpError),
    /// The file could not be read.
    #[error(transparent)]
    File(FileError),
    /// The program gave none.
    #[error(transparent)]
    Program(ProgramError),
    /// Nothing was asked: a host on the way is not to be asked now.
    #[error(transparent)]
    NotNow(#[from] NotNow),
    /// It redirects to a host that is not to be asked now.
    #[error("it redirects to a host that is not asked now: {0}")]
    Onward(NotNow),
}

impl FetchError {
    /// The status of the answer, where there was one.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// Whether the publisher says that the feed is gone for good (410).
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.kind == FetchErrorKind::Status(410)
    }

    /// What a program wrote to its standard error.
    #[must_use]
    pub fn of_program(&self) -> Option<&str> {
        match self.said.as_deref() {
            Some(Said::Program(said)) => Some(said),
            Some(Said::Server(_)) | None => None,
        }
    }

    /// What sort of failure it is.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        match &self.kind {
            FetchErrorKind::Status(status) | FetchErrorKind::Blocked { status, .. } => Trouble::of_status(*status),
            FetchErrorKind::TooLarge(_) => Trouble::TooLarge,
            FetchErrorKind::Http(HttpError::Tls { expired: true, .. }) => Trouble::Certificate,
            FetchErrorKind::Http(HttpError::Tls { expired: false, .. }) => Trouble::Untrusted,
            FetchErrorKind::Http(HttpError::Timeout { .. }) => Trouble::Slow,
            FetchErrorKind::Http(HttpError::Refused { .. }) => Trouble::Guarded,
            FetchErrorKind::Http(HttpError::Cut { .. }) | FetchErrorKind::Onward(_) => Trouble::Server,
            FetchErrorKind::Http(HttpError::Coding { .. }) => Trouble::Unreadable,
            FetchErrorKind::File(_) => Trouble::File,
            FetchErrorKind::Program(ProgramError::Later { .. }) => Trouble::Later,
            FetchErrorKind::Program(_) => Trouble::Program,
            FetchErrorKind::UnaskedNotModified
            | FetchErrorKind::Redirect(_)
            | FetchErrorKind::Access(_)
            | FetchErrorKind::NotNow(_)
            | FetchErrorKind::Http(HttpError::Unfit { .. }) => Trouble::Other,
            FetchErrorKind::Http(_) => Trouble::Unreachable,
        }
    }

    /// The next step, where there is one.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let words = match &self.kind {
            FetchErrorKind::Status(401) => {
                "it wants a login: `username` with `password_file`, or `bearer_token_file`, of this feed"
            }
            FetchErrorKind::Status(407) => "the proxy wants a login: write `proxy = \"http://NAME:PASSWORD@HOST:PORT\"`",
            FetchErrorKind::Blocked { .. } => {
                "see whether the feed opens in a browser; ask its publisher to let feed readers in, look for another address of \
                 the feed, give it a `user_agent` or `headers` that the publisher accepts, or a longer `interval`"
            }
            FetchErrorKind::Status(404) => "look for the feed's new address on its site, and `feeds add` that",
            FetchErrorKind::Status(410) => "the publisher has ended it: `feeds remove` it",
            FetchErrorKind::TooLarge(_) => {
                "raise `max_body`, for this feed or under `[http]`, if the document is meant to be that large"
            }
            FetchErrorKind::Http(HttpError::Timeout { .. }) => {
                "if it is always slow, raise `timeout`, for this feed or under `[http]`"
            }
            FetchErrorKind::Http(error) => return error.help(),
            FetchErrorKind::Status(_)
            | FetchErrorKind::UnaskedNotModified
            | FetchErrorKind::Redirect(_)
            | FetchErrorKind::Access(_)
            | FetchErrorKind::Program(_)
            | FetchErrorKind::File(_)
            | FetchErrorKind::NotNow(_)
            | FetchErrorKind::Onward(_) => return None,
        };
        Some(words.to_owned())
    }

    /// Whether a URL that a feed had moved to no longer leads to it, so that its old one is worth a request.
    #[must_use]
    pub fn is_of_the_place(&self) -> bool {
        match &self.kind {
            // Too slow, too early, too many and too busy pass; 407 is the proxy's own.
            FetchErrorKind::Status(status) | FetchErrorKind::Blocked { status, .. } => {
                matches!(status, 400..=599) && !matches!(status, 407 | 408 | 425 | 429 | 503)
            }
            FetchErrorKind::Http(error) => {
                matches!(error, HttpError::Dns { .. } | HttpError::Connect { .. } | HttpError::Tls { .. })
            }
            FetchErrorKind::UnaskedNotModified
            | FetchErrorKind::Access(_)
            | FetchErrorKind::Redirect(_)
            | FetchErrorKind::TooLarge(_)
            | FetchErrorKind::Program(_)
            | FetchErrorKind::File(_)
            | FetchErrorKind::NotNow(_)
            | FetchErrorKind::Onward(_) => false,
        }
    }
}

impl From<FetchErrorKind> for FetchError {
    fn from(kind: FetchErrorKind) -> Self {
        let status = match &kind {
            FetchErrorKind::Status(status) | FetchErrorKind::Blocked { status, .. } => Some(*status),
            FetchErrorKind::UnaskedNotModified => Some(304),
            FetchErrorKind::Http(error) => error.status(),
            FetchErrorKind::Access(_)
            | FetchErrorKind::Redirect(_)
            | FetchErrorKind::TooLarge(_)
            | FetchErrorKind::File(_)
            | FetchErrorKind::Program(_)
            | FetchErrorKind::NotNow(_)
            | FetchErrorKind::Onward(_) => None,
        };
        Self { kind, status, retry_after: None, said: None }
    }
}

impl From<HttpError> for FetchError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge { limit, status, .. } => Self { status: Some(status), ..FetchErrorKind::TooLarge(limit).into() },
            other => FetchErrorKind::Http(other).into(),
        }
    }
}

/// `: “…”`, or nothing; what a program said is in the error itself.
fn quoted(said: Option<&Said>) -> String {
    match said {
        Some(Said::Server(words)) => format!(": “{words}”"),
        Some(Said::Program(_)) | None => String::new(),
    }
}

/// `404 Not Found`; the words are the standard's, never the server's.
fn with_words(status: u16) -> String {
    match StatusCode::from_u16(status).ok().and_then(|code| code.canonical_reason()) {
        Some(words) => format!("{status} {words}"),
        None => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_with_its_words() {
        let error = FetchError::from(FetchErrorKind::Status(404));
        assert_eq!(error.to_string(), "the server answered 404 Not Found");
        assert_eq!((error.status(), error.is_gone()), (Some(404), false));
        assert_eq!(FetchError::from(FetchErrorKind::Status(599)).to_string(), "the server answered 599");
        assert!(FetchError::from(FetchErrorKind::Status(410)).is_gone());
    }

    #[test]
    fn p21_what_refuses_for_good_is_of_the_place_and_what_passes_is_not() {
        let of_the_place = |status| FetchError::from(FetchErrorKind::Status(status)).is_of_the_place();
        assert!([400, 401, 403, 404, 410, 451, 500, 502, 504].into_iter().all(of_the_place));
        assert!(![304, 407, 408, 425, 429, 503].into_iter().any(of_the_place));
    }

    #[test]
    fn a_document_that_does_not_fit_says_what_to_raise() {
        let http = HttpError::TooLarge { host: "h.example".into(), limit: 16 << 20, status: 200 };
        let error = FetchError::from(http);
        assert_eq!(error.to_string(), "the document is larger than 16MiB");
        assert!(error.help().unwrap().contains("`max_body`"));
    }
}
