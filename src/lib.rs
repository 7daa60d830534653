//! `feeds` polls RSS, Atom and JSON feeds and delivers each new entry once: as mail, or as a URL to a read-later service.
//!
//! | step | module | what it yields |
//! |---|---|---|
//! | when is a feed due | [`schedule`] | [`schedule::NextPoll`] |
//! | ask its source | [`fetch`] | [`fetch::Fetched`] |
//! | read the document | [`feed::parse`] | [`feed::Document`] |
//! | which entries are new | [`feed::diff`] | [`feed::diff::Diff`] |
//! | record them with their deliveries | [`store`] | [`store::Recorded`] |
//! | claim what is due for a sink | [`store`] | [`store::Claimed`] |
//! | make it ready to read | [`mod@article`] | [`article::Article`] |
//! | compose the mail | [`mail`] | [`mail::Mail`] |
//! | hand it over | [`sink`] | [`delivery::Outcome`] |
//! | write down what became of it | [`store`] | [`store::Settled`] |
//!
//! [`poll`] joins the first five steps, [`deliver`] the others; both run side by side. `docs/architecture.md` draws the flow and
//! says who may know whom.

pub mod article;
pub mod cli;
pub mod clock;
pub mod config;
pub mod deliver;
pub mod delivery;
pub mod env;
pub mod expression;
pub mod failpoint;
pub mod feed;
pub mod fetch;
pub mod mail;
pub mod net;
pub mod pace;
pub mod poll;
pub mod resource;
pub mod schedule;
pub mod secret;
pub mod sink;
pub mod store;
pub mod trouble;
pub mod units;
pub mod words;
pub mod work;
