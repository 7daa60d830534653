//! The table `[http]`: how every request for a document is made. Comes out: [`fetch::Settings`].

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::explain::Mistake;
use super::section::{self, Section, Value, Wrong};
use crate::fetch::{self, Access};
use crate::net::Proxies;
use crate::units::{ByteSize, Interval};

/// The keys of `[http]`.
pub(super) const KEYS: &[&str] = &[
    "user_agent",
    "timeout",
    "connect_timeout",
    "concurrency",
    "per_host",
    "host_delay",
    "max_body",
    "proxy",
    "allow_addresses",
];

/// How requests are made where the configuration says nothing.
pub(super) fn defaults() -> fetch::Settings {
    fetch::Settings {
        access: Access::plain(
            user_agent(env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")),
            Duration::from_secs(30),
            Duration::from_secs(10),
            16 << 20,
        ),
        concurrency: 64,
        per_host: 1,
        host_delay: Duration::from_secs(1),
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

/// Reads the table, where there is one.
pub(super) fn read(section: Option<Section<'_>>, environment: &Proxies, mistakes: &mut Vec<Mistake>) -> fetch::Settings {
    let mut settings = defaults();
    let access = &mut settings.access;
    access.proxies = environment.clone();
    let Some(mut section) = section else { return settings };
    if let Some(proxies) = section.read("proxy", mistakes, |value| super::access::proxies(value, environment)) {
        access.proxies = proxies.into_inner();
    }
    if let Some(agent) = section.read("user_agent", mistakes, agent) {
        access.user_agent = agent.into_inner();
    }
    for (key, slot) in [("timeout", &mut access.timeout), ("connect_timeout", &mut access.connect_timeout)] {
        if let Some(limit) = section.read(key, mistakes, positive) {
            *slot = limit.get_ref().duration();
        }
    }
    if let Some(size) = section.read("max_body", mistakes, not_empty) {
        access.max_body = size.get_ref().bytes();
    }
    for (key, slot) in [("concurrency", &mut settings.concurrency), ("per_host", &mut settings.per_host)] {
        if let Some(number) = section.read(key, mistakes, |value| section::number(value, 1..=1024)) {
            *slot = usize::try_from(number.into_inner()).unwrap_or(*slot);
        }
    }
    if let Some(delay) = section.read("host_delay", mistakes, section::interval) {
        settings.host_delay = delay.get_ref().duration();
    }
    if let Some(networks) = section.read("allow_addresses", mistakes, networks) {
        settings.allow_addresses = networks.into_inner();
    }
    section.finish(KEYS, mistakes);
    settings
}

/// A `User-Agent`.
pub(super) fn agent(value: &Value<'_>) -> Result<String, Wrong> {
    let agent = section::text(value)?.trim();
    let fits = |c: char| c.is_ascii_graphic() || c == ' ';
    if agent.is_empty() || !agent.chars().all(fits) {
        return Err(Wrong::value("a User-Agent is one line of printable ASCII, and not empty"));
    }
    Ok(agent.to_owned())
}

/// A limit that leaves some time.
pub(super) fn positive(value: &Value<'_>) -> Result<Interval, Wrong> {
    let limit = section::interval(value)?;
    if limit.duration().is_zero() { Err(Wrong::value("a limit of 0 ends everything at once")) } else { Ok(limit) }
}

/// A size that something fits into.
pub(super) fn not_empty(value: &Value<'_>) -> Result<ByteSize, Wrong> {
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
        assert!(defaults().access.user_agent.starts_with("feeds/"));
    }
}
