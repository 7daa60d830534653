//! The table `[http]`: how every request for a document is made. Comes out: [`fetch::Settings`].

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use toml::Spanned;

use super::explain::Mistake;
use super::section::{self, Section, Value, Wrong};
use crate::fetch::{self, Access};
use crate::net::Proxies;
use crate::pace;
use crate::units::{ByteSize, Interval};

/// The keys of `[http]`.
pub(super) const KEYS: &[&str] = &[
    "user_agent",
    "contact",
    "timeout",
    "connect_timeout",
    "concurrency",
    "per_host",
    "host_delay",
    "max_body",
    "memory",
    "proxy",
    "allow_addresses",
];

/// The keys of a `[hosts.NAME]`.
pub(super) const HOST_KEYS: &[&str] = &["delay"];

/// How requests are made where the configuration says nothing.
pub(super) fn defaults() -> fetch::Settings {
    fetch::Settings {
        access: Access::plain(own_user_agent(None), Duration::from_secs(30), Duration::from_secs(10), 16 << 20),
        concurrency: 64,
        per_host: 1,
        host_delay: Duration::from_secs(1),
        hosts: BTreeMap::new(),
        memory: 64 << 20,
        allow_addresses: Vec::new(),
    }
}

fn own_user_agent(contact: Option<&str>) -> String {
    user_agent(env!("CARGO_PKG_VERSION"), [env!("CARGO_PKG_HOMEPAGE"), env!("CARGO_PKG_REPOSITORY")], contact)
}

/// The program, its version, a page where a publisher can read what it is, where there is one, and how to reach who runs it.
fn user_agent(version: &str, pages: [&str; 2], contact: Option<&str>) -> String {
    let page = pages.into_iter().find(|page| !page.is_empty()).map(|page| format!("+{page}"));
    let comment: Vec<String> = page.into_iter().chain(contact.map(str::to_owned)).collect();
    if comment.is_empty() { format!("feeds/{version}") } else { format!("feeds/{version} ({})", comment.join("; ")) }
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
    let contact = section.read("contact", mistakes, contact).filter(|contact| !contact.get_ref().is_empty());
    if let Some(contact) = &contact {
        access.user_agent = own_user_agent(Some(contact.get_ref()));
    }
    if let Some(agent) = section.read("user_agent", mistakes, agent) {
        access.user_agent = agent.into_inner();
        if let Some(contact) = contact {
            let message = "`contact` goes into the default `user_agent`, and there is another one".to_owned();
            mistakes.push(Mistake::warning(contact.span(), message).help("write the contact into `user_agent`"));
        }
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
    if let Some(size) = section.read("memory", mistakes, not_empty) {
        settings.memory = size.get_ref().bytes();
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

/// A comment of the User-Agent ends at a parenthesis (RFC 9110 section 5.6.5).
fn contact(value: &Value<'_>) -> Result<String, Wrong> {
    let contact = section::text(value)?.trim();
    let fits = |c: char| (c.is_ascii_graphic() || c == ' ') && !matches!(c, '(' | ')' | '\\' | ';');
    if !contact.chars().all(fits) {
        return Err(Wrong::value("a contact is an address or a page: one line of ASCII without parentheses"));
    }
    Ok(contact.to_owned())
}

/// Reads the tables `[hosts.NAME]`: the pause between two requests to a host and all hosts below it.
pub(super) fn hosts(tables: Vec<(Spanned<String>, Section<'_>)>, mistakes: &mut Vec<Mistake>) -> BTreeMap<String, Duration> {
    let mut delays = BTreeMap::new();
    for (name, mut section) in tables {
        let delay = section.read("delay", mistakes, section::interval);
        if delay.is_none() && section.wrong.is_empty() {
            let message = format!("`{}` has no `delay`", section.title);
            mistakes.push(Mistake::error(section.span.clone(), message).help("add `delay = \"61s\"`"));
        }
        section.finish(HOST_KEYS, mistakes);
        let host = url::Host::parse(name.get_ref().trim_end_matches('.')).ok();
        let (Some(host), Some(delay)) = (&host, delay) else {
            if host.is_none() {
                let message = format!("`{}` is not a host", name.get_ref());
                let help = "write its name alone and in quotes, such as `[hosts.\"reddit.com\"]`";
                mistakes.push(Mistake::error(name.span(), message).help(help));
            }
            continue;
        };
        let host = host.to_string();
        if delays.insert(pace::key(&host).to_owned(), delay.get_ref().duration()).is_some() {
            let message = format!("the pace of `{}` is set twice: with and without `www.` it is one", pace::key(&host));
            mistakes.push(Mistake::error(name.span(), message).help("remove one of them"));
        }
    }
    delays
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
    use super::super::testing::check;
    use super::*;

    #[test]
    fn p24_a_publisher_can_look_up_who_asks_and_reach_him() {
        let page = "https://git.example/feeds";
        assert_eq!(user_agent("1.2.3", ["", ""], None), "feeds/1.2.3");
        assert_eq!(user_agent("1.2.3", ["", page], None), "feeds/1.2.3 (+https://git.example/feeds)");
        let whole = "feeds/1.2.3 (+https://git.example/feeds; me@example.net)";
        assert_eq!(user_agent("1.2.3", ["", page], Some("me@example.net")), whole);
        assert!(defaults().access.user_agent.starts_with("feeds/"));
        let agent = |lines: &str| check(&format!("[http]\n{lines}\n")).unwrap().http.access.user_agent;
        assert_eq!(agent("contact = \"me@example.net\""), own_user_agent(Some("me@example.net")));
        assert_eq!(agent("user_agent = \"mine/1 (me@example.net)\""), "mine/1 (me@example.net)");
        assert!(check("[http]\ncontact = \"a) b\"\n").is_err());
        assert!(!check("[http]\ncontact = \"a\"\nuser_agent = \"b\"\n").unwrap().warnings.is_empty());
    }

    #[test]
    fn a_pace_is_set_for_a_host_and_what_is_below_it() {
        let hosts = |lines: &str| check(lines).map(|config| config.http.hosts);
        let set = hosts("[hosts.\"www.Reddit.com\"]\ndelay = \"61s\"\n[hosts.\"127.0.0.1\"]\ndelay = \"0s\"\n").unwrap();
        let wanted = [("127.0.0.1", 0), ("reddit.com", 61)].map(|(host, s)| (host.to_owned(), Duration::from_secs(s)));
        assert_eq!(set, BTreeMap::from(wanted));
        for wrong in [
            "[hosts.reddit]\n",
            "[hosts.\"https://reddit.com/\"]\ndelay = \"1s\"\n",
            "[hosts.a]\npace = \"1s\"\ndelay = \"1s\"\n",
        ] {
            assert!(hosts(wrong).is_err(), "{wrong}");
        }
    }
}
