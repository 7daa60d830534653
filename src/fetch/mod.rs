//! From a source to a document: one request, its redirects, its validators; or one file, or a program. Always with the address guard
//! on. Decides nothing about content and writes nothing down.

mod access;
mod address;
mod asked_as;
mod blocked;
mod clocks;
mod command;
mod complaint;
mod errand;
mod error;
mod fetcher;
mod file;
mod freshness;
mod gate;
mod redirect;
mod validators;
mod words;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

pub use access::{Access, Login, is_secret_header};
pub use address::{AddressError, normalise_url};
pub use command::{PROGRAM_LIMIT, Program, ProgramError, end_programs, filtered};
pub use errand::{Errand, Sort};
pub use error::{FetchError, FetchErrorKind, Said};
pub use fetcher::{Ask, Fetch, Fetcher};
pub use file::FileError;
pub use gate::{Gates, Known, NotNow, PATIENCE, Turn};
pub use redirect::{RedirectError, plain, start, with_login_of};

pub use crate::net::Room;

/// How every request for a document, a page or an image is made: the table `[http]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// How a source is asked that has no settings of its own.
    pub access: Access,
    /// How many hosts are asked at the same time.
    pub concurrency: usize,
    /// How many requests one host sees at the same time.
    pub per_host: usize,
    /// The pause between two requests to one host.
    pub host_delay: Duration,
    /// The same for a host or a domain and all hosts below it: `[hosts.NAME]`.
    pub hosts: BTreeMap<String, Duration>,
    /// What all bodies under way may hold together, in bytes.
    pub memory: u64,
    /// Networks that the address guard lets pass although they are not public.
    pub allow_addresses: Vec<IpNet>,
}

/// Where a feed's document comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `http` or `https`.
    Http(Url),
    /// A file, by its absolute path.
    File(PathBuf),
    /// A program, by what it prints.
    Command(Program),
}

impl Source {
    /// The host that a pace is kept for: in lower case, without port. `None` for what is on this machine.
    #[must_use]
    pub fn host(&self) -> Option<String> {
        match self {
            Self::Http(url) => Some(host_of(url)),
            Self::File(_) | Self::Command(_) => None,
        }
    }
}

/// A URL's host: in lower case, without port.
fn host_of(url: &Url) -> String {
    url.host_str().unwrap_or_default().trim_end_matches('.').to_ascii_lowercase()
}

/// What a publisher gave to ask again with, byte for byte (RFC 9110 section 13.1), and for which URL.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Validators {
    /// `ETag`.
    pub etag: Option<Vec<u8>>,
    /// `Last-Modified`.
    pub last_modified: Option<Vec<u8>>,
    /// The URL whose answer gave them; they go to no other.
    pub url: String,
    /// As whom it was asked; `None` where with nothing of the feed's own. Asked as somebody else, it may give something else.
    pub asked_as: Option<u32>,
}

/// What a source answered.
#[derive(Debug, Clone)]
pub enum Fetched {
    /// A document.
    Document(Box<Answer>),
    /// The document is the one we have (304).
    Unchanged {
        /// What to ask with next time: as before, unless the answer carried new ones (RFC 9110 section 15.4.5).
        validators: Validators,
        /// How long the answer is fresh.
        fresh_for: Option<Duration>,
        /// Where the feed has moved for good, as in [`Answer`].
        moved_to: Option<Url>,
    },
}

/// A document as it came.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Its bytes, decoded from any content coding.
    pub bytes: Vec<u8>,
    /// The `Content-Type`, as sent.
    pub content_type: Option<String>,
    /// The URL that gave it, after all redirects. For a file its `file:` URL.
    pub url: Url,
    /// Where the feed has moved for good, to be remembered in place of what was remembered before: set when every
    /// redirect from the source on was a permanent one, the remembered ones included. Worth remembering only once the
    /// document has been parsed as a feed.
    pub moved_to: Option<Url>,
    /// What to ask with next time.
    pub validators: Validators,
    /// How long the answer is fresh: `max-age` less `Age`, else `Expires` less `Date`.
    pub fresh_for: Option<Duration>,
    /// What a program that gave or filtered it wrote to its standard error, bounded.
    pub said: Option<String>,
    /// Its share of the memory for bodies under way, given back when the last copy is dropped.
    pub room: Room,
}
