//! A second request in place of one that had no answer: at most one, only where the first certainly did nothing or the
//! request changes nothing, and only where the connection is to blame. Goes in: a request, made ready. Comes out: its answer.

use std::io::ErrorKind;

use reqwest::{Method, RequestBuilder, Response};
use url::Host;

use crate::net::error::causes;
use crate::net::{Target, names};

/// Whether a request may go out twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnceMore {
    /// Where the server says that it did not look at it (RFC 9113 section 8.7), and where a connection that was used before
    /// broke before the answer began (RFC 9112 section 9.3.1).
    Either,
    /// Only in the first case: whether a connection is a used one cannot be seen.
    Refused,
    /// Never: it changes something.
    Never,
}

/// What may be done for a request. A new connection to a name is seen by its asking for addresses; behind a proxy, and where an
/// address stands in the URL, nothing is seen.
pub(super) fn may_be_seen(method: &Method, target: &Target, by_proxy: bool) -> OnceMore {
    match (method.is_safe(), by_proxy, target.url().host()) {
        (false, _, _) => OnceMore::Never,
        (true, false, Some(Host::Domain(_))) => OnceMore::Either,
        (true, _, _) => OnceMore::Refused,
    }
}

/// Sends a request; once more where that is safe.
pub(super) async fn send(asked: RequestBuilder, once_more: OnceMore) -> reqwest::Result<Response> {
    let again = if once_more == OnceMore::Never { None } else { asked.try_clone() };
    let (answer, is_new) = names::watched(asked.send()).await;
    match (answer, again) {
        (Err(error), Some(again)) if is_refused(&error) || (once_more == OnceMore::Either && !is_new && is_broken(&error)) => {
            tracing::debug!("the connection ended before the answer began; asking once more");
            again.send().await
        }
        (answer, _) => answer,
    }
}

/// The server said that it took no notice of the request.
fn is_refused(error: &reqwest::Error) -> bool {
    causes(error).iter().filter_map(|cause| cause.downcast_ref::<h2::Error>()).any(|error| {
        let reason = error.reason();
        let goes_away = error.is_go_away() && reason == Some(h2::Reason::NO_ERROR);
        let refuses = error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM);
        error.is_remote() && (goes_away || refuses)
    })
}

/// The connection ended, and no answer had begun.
fn is_broken(error: &reqwest::Error) -> bool {
    use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    let is_end = |kind| matches!(kind, BrokenPipe | ConnectionAborted | ConnectionReset | UnexpectedEof);
    !error.is_connect()
        && causes(error).iter().any(|cause| {
            cause.downcast_ref::<std::io::Error>().is_some_and(|error| is_end(error.kind()))
                || cause.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_incomplete_message)
                || cause.downcast_ref::<h2::Error>().is_some_and(h2::Error::is_io)
        })
}
