//! Why a source gave no document, in variants of what the caller can do differently.

use std::time::Duration;

use super::{FileError, NotNow, RedirectError};
use crate::net::{HttpError, StatusCode};
use crate::units::ByteSize;

/// Why a source gave no document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{kind}")]
pub struct FetchError {
    /// What happened.
    pub kind: FetchErrorKind,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
    /// How long the server asks to be left alone.
    pub retry_after: Option<Duration>,
}

/// What happened instead of a document.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchErrorKind {
    /// The server answered something that is no document.
    #[error("the server answered {}", with_words(*.0))]
    Status(u16),
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
    /// Nothing was asked: a host on the way is not to be asked now.
    #[error(transparent)]
    NotNow(#[from] NotNow),
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

    /// The next step, where there is one.
    #[must_use]
    pub fn help(&self) -> Option<String> {
        let words = match &self.kind {
            FetchErrorKind::Status(401) => {
                "write user name and password into the URL (https://NAME:PASSWORD@host/…), in a configuration that only you can read"
            }
            FetchErrorKind::Status(404) => "look for the feed's new address on its site, and `feeds add` that",
            FetchErrorKind::Status(410) => "the publisher has ended it: `feeds remove` it",
            FetchErrorKind::TooLarge(_) => "raise `max_body` under `[http]` if the document is meant to be that large",
            FetchErrorKind::Http(HttpError::Timeout { .. }) => "if it is always slow, raise `timeout` under `[http]`",
            FetchErrorKind::Http(error) => return error.help(),
            FetchErrorKind::Status(_)
            | FetchErrorKind::UnaskedNotModified
            | FetchErrorKind::Redirect(_)
            | FetchErrorKind::File(_)
            | FetchErrorKind::NotNow(_) => return None,
        };
        Some(words.to_owned())
    }

    /// Whether a URL that a feed had moved to no longer leads to it, so that its old one is worth a request.
    #[must_use]
    pub fn is_of_the_place(&self) -> bool {
        match &self.kind {
            FetchErrorKind::Status(status) => matches!(status, 404 | 410),
            FetchErrorKind::Http(error) => {
                matches!(error, HttpError::Dns { .. } | HttpError::Connect { .. } | HttpError::Tls { .. })
            }
            FetchErrorKind::UnaskedNotModified
            | FetchErrorKind::Redirect(_)
            | FetchErrorKind::TooLarge(_)
            | FetchErrorKind::File(_)
            | FetchErrorKind::NotNow(_) => false,
        }
    }
}

impl From<FetchErrorKind> for FetchError {
    fn from(kind: FetchErrorKind) -> Self {
        let status = match &kind {
            FetchErrorKind::Status(status) => Some(*status),
            FetchErrorKind::UnaskedNotModified => Some(304),
            FetchErrorKind::Http(error) => error.status(),
            FetchErrorKind::Redirect(_) | FetchErrorKind::TooLarge(_) | FetchErrorKind::File(_) | FetchErrorKind::NotNow(_) => {
                None
            }
        };
        Self { kind, status, retry_after: None }
    }
}

impl From<HttpError> for FetchError {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::TooLarge { limit, status, .. } => {
                Self { kind: FetchErrorKind::TooLarge(limit), status: Some(status), retry_after: None }
            }
            other => FetchErrorKind::Http(other).into(),
        }
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
    fn a_document_that_does_not_fit_says_what_to_raise() {
        let http = HttpError::TooLarge { host: "h.example".into(), limit: 16 << 20, status: 200 };
        let error = FetchError::from(http);
        assert_eq!(error.to_string(), "the document is larger than 16MiB");
        assert!(error.help().unwrap().contains("`max_body`"));
    }
}
