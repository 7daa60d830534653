//! `feeds` polls RSS, Atom and JSON feeds and delivers each new entry once: as mail, or as a URL to a read-later service.

pub mod article;
pub mod clock;
pub mod deliver;
pub mod delivery;
pub mod env;
pub mod expression;
pub mod feed;
pub mod fetch;
pub mod mail;
pub mod net;
pub mod poll;
pub mod schedule;
pub mod secret;
pub mod sink;
pub mod store;
pub mod units;
pub mod words;
pub mod work;
