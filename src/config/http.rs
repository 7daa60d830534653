//! The table `[http]`: how every request for a document is made. Comes out: [`fetch::Settings`].

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::explain::Mistake;
use super::section::{self, Section, Value, Wrong};
use crate::fetch;
use crate::units::{ByteSize, Interval};

/// The keys of `[http]`.
pub(super) const KEYS: &[&str] =
    &["user_agent", "timeout", "connect_timeout", "concurrency", "per_host", "host_delay", "max_body", "allow_addresses"];

/// How requests are made where the configuration says nothing.
pub(super) fn defaults() -> fetch::Settings {
    fetch::Settings {
        user_agent: user_agent(env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")),
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(10),
        concurrency: 64,
        per_host: 1,
        host_delay: Duration::from_secs(1),
        max_body: 16 << 20,
        allow_addresses: Vec::new(),
    }
}

/// The program, its version, and a page where a publisher can read what it is, where there is one.
fn user_agent(version: &str, homepage: &str, repository: &str) -> String {
    match [homepage, repository].into_iter().find(|page| !page.is_empty()) {
        Some(page) => format!("feeds/{version} (+{page})"),
        None => format!("feeds/{version}"),
    }
}

/// Reads the table.
pub(super) fn read(mut section: Section<'_>, mistakes: &mut Vec<Mistake>) -> fetch::Settings {
    let mut settings = defaults();
    if let Some(agent) = section.read("user_agent", mistakes, agent) {
        settings.user_agent = agent.into_inner();
    }
    for (key, slot) in [("timeout", &mut settings.timeout), ("connect_timeout", &mut settings.connect_timeout)] {
        if let Some(limit) = section.read(key, mistakes, positive) {
            *slot = limit.get_ref().duration();
        }
    }
    for (key, slot) in [("concurrency", &mut settings.concurrency), ("per_host", &mut settings.per_host)] {
        if let Some(number) = section.read(key, mistakes, |value| section::number(value, 1..=1024)) {
            *slot = usize::try_from(number.into_inner()).unwrap_or(*slot);
        }
    }
    if let Some(delay) = section.read("host_delay", mistakes, section::interval) {
        settings.host_delay = delay.get_ref().duration();
    }
    if let Some(size) = section.read("max_body", mistakes, not_empty) {
        settings.max_body = size.get_ref().bytes();
    }
    if let Some(networks) = section.read("allow_addresses", mistakes, networks) {
        settings.allow_addresses = networks.into_inner();
    }
    section.finish(KEYS, mistakes);
    settings
}

fn agent(value: &Value<'_>) -> Result<String, Wrong> {
    let agent = section::text(value)?.trim();
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    if agent.is_empty() || !agent.chars().all(fits) {
        return Err(Wrong::value("a User-Agent is one line of printable ASCII, and not empty"));
    }
    Ok(agent.to_owned())
}

fn positive(value: &Value<'_>) -> Result<Interval, Wrong> {
    let limit = section::interval(value)?;
    if limit.duration().is_zero() { Err(Wrong::value("a limit of 0 ends everything at once")) } else { Ok(limit) }
}

fn not_empty(value: &Value<'_>) -> Result<ByteSize, Wrong> {
    let size = section::size(value)?;
    if size.bytes() == 0 { Err(Wrong::value("no document is that small")) } else { Ok(size) }
}

fn networks(value: &Value<'_>) -> Result<Vec<IpNet>, Wrong> {
    let network = |text: &toml::Spanned<String>| {
        let text_of = text.get_ref().as_str();
        let alone = || text_of.parse::<IpAddr>().ok().map(IpNet::from);
        text_of.parse().ok().or_else(alone).ok_or_else(|| {
            let message = format!("`{text_of}` is no address and no network");
            Wrong::Within(text.span(), message, Some("write it as \"127.0.0.0/8\" or \"::1\"".to_owned()))
        })
    };
    section::texts(value)?.iter().map(network).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_publisher_can_look_up_who_asks() {
        assert_eq!(user_agent("1.2.3", "", ""), "feeds/1.2.3");
        assert_eq!(user_agent("1.2.3", "", "https://git.example/feeds"), "feeds/1.2.3 (+https://git.example/feeds)");
        assert!(defaults().user_agent.starts_with("feeds/"));
    }
}
