//! What the stories are told with: a home for the program, publishers, services and mail servers on loopback, and a
//! reader's eyes. Plain threads and sockets; knows the program only as a binary and by its documented contracts.

pub(crate) mod http;
pub(crate) mod imap;
pub(crate) mod linkding;
pub(crate) mod listener;
pub(crate) mod mail;
pub(crate) mod mailserver;
pub(crate) mod proxy;
pub(crate) mod sandbox;
pub(crate) mod smtp;
pub(crate) mod tls;
pub(crate) mod wait;

pub(crate) use http::{Page, Request, Response, Server};
pub(crate) use linkding::Linkding;
pub(crate) use mail::Message;
pub(crate) use mailserver::mail_server;
pub(crate) use sandbox::Sandbox;
pub(crate) use smtp::{Fault, SmtpServer};

use std::path::PathBuf;

/// The text of a document in `fixtures/feeds`.
pub(crate) fn fixture(name: &str) -> String {
    let path = project().join("fixtures/feeds").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The project's own folder.
pub(crate) fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
