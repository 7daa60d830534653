//! How feeds are asked: the keys that may stand in `[defaults]`, in a tag and in a feed, the nearest wins. Goes in: a
//! section. Comes out: a [`RawAccess`], in which absent is absent; and layers of them, resolved into an [`Access`].

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::time::Duration;

use toml::Spanned;
use toml::de::DeValue;
use url::Url;

use super::explain::Mistake;
use super::http;
use super::section::{self, Section, Value, Wrong};
use crate::env::Env;
use crate::fetch::{Access, Login, PROGRAM_LIMIT, is_secret_header};
use crate::net::{ClientCertificate, HeaderName, HeaderValue, Proxies, Proxy};
use crate::secret::Origin;
use crate::sink::{Shared, secret_of};

/// The keys, secrets in their first form.
pub(super) const KEYS: &[&str] = &[
    "user_agent",
    "headers",
    "username",
    "password",
    "bearer_token",
    "proxy",
    "timeout",
    "connect_timeout",
    "max_body",
    "ca_file",
    "client_cert",
    "client_key",
    "insecure",
];
/// The other forms of those that are secrets.
pub(super) const FORMS: &[&str] =
    &["password_file", "password_command", "bearer_token_file", "bearer_token_command", "client_key_file", "client_key_command"];
/// What every request has anyway, or what the program alone can know. The second is the next step.
const NOT_OURS: &[(&str, &str)] = &[
    ("user-agent", "write `user_agent` instead"),
    ("host", "it follows from the URL"),
    ("accept-encoding", "it names what can be unpacked"),
    ("if-none-match", "it is sent where the publisher gave an ETag"),
    ("if-modified-since", "it is sent where the publisher gave a date"),
    ("range", "a part of a document is no document"),
    ("proxy-authorization", "write the proxy's login into `proxy`"),
    ("content-length", "a request has no body"),
    ("transfer-encoding", "a request has no body"),
    ("content-type", "a request has no body"),
    ("connection", "connections are kept by themselves"),
    ("keep-alive", "connections are kept by themselves"),
    ("te", "connections are kept by themselves"),
    ("trailer", "a request has no body"),
    ("upgrade", "connections are kept by themselves"),
    ("expect", "a request has no body"),
];

/// One layer's settings; absent is absent.
#[derive(Debug, Default)]
pub(super) struct RawAccess {
    user_agent: Option<String>,
    /// By their names in small letters; `None` takes away what a farther layer has.
    headers: BTreeMap<String, Option<(String, Origin)>>,
    login: Option<Login>,
    proxy: Option<Way>,
    timeout: Option<Duration>,
    connect_timeout: Option<Duration>,
    max_body: Option<u64>,
    ca_file: Option<PathBuf>,
    client: Option<ClientCertificate>,
    insecure: Option<bool>,
    /// Where its keys stand.
    places: Vec<(&'static str, Range<usize>)>,
    /// Where a secret stands in the file itself.
    pub(super) inline: Vec<Spanned<String>>,
}

/// What `proxy` says.
#[derive(Debug, Clone)]
enum Way {
    /// `""`: as the environment says.
    Environment,
    /// `"none"`.
    Direct,
    Proxy(Proxy),
}

/// Reads what every layer may have.
pub(super) fn read(section: &mut Section<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) -> RawAccess {
    let mut raw = RawAccess::default();
    let before = section.places.len();
    raw.user_agent = section.read("user_agent", mistakes, http::agent).map(Spanned::into_inner);
    let limit = |interval: Spanned<crate::units::Interval>| interval.get_ref().duration();
    raw.timeout = section.read("timeout", mistakes, http::positive).map(limit);
    raw.connect_timeout = section.read("connect_timeout", mistakes, http::positive).map(limit);
    raw.max_body = section.read("max_body", mistakes, http::not_empty).map(|size| size.get_ref().bytes());
    raw.proxy = section.read("proxy", mistakes, way).map(|way| raw.noting_password(way));
    raw.insecure = section.read("insecure", mistakes, section::flag).map(Spanned::into_inner);
    let mut path = |key| section.read(key, mistakes, |value| Ok(shared.env.path(section::text(value)?, &shared.folder)?));
    let (ca_file, certificate) = (path("ca_file"), path("client_cert"));
    raw.ca_file = ca_file.map(Spanned::into_inner);
    if let Some(headers) = section.take("headers") {
        raw.read_headers(&headers, shared, mistakes);
    }
    raw.read_login(section, shared, mistakes);
    let key = raw.secret(section, CLIENT_KEY, shared, mistakes);
    match (certificate, key) {
        (Some(file), key) => {
            raw.client = Some(ClientCertificate { file: file.into_inner(), key: key.map(Spanned::into_inner) });
        }
        (None, Some(key)) if !section.wrong.contains(&"client_cert") => mistakes.push(
            Mistake::error(key.span(), "a client's key without its certificate")
                .help("add `client_cert`, the path of a PEM file with the certificate"),
        ),
        (None, _) => {}
    }
    raw.places = section.places.split_off(before.min(section.places.len()));
    section.places.extend(raw.places.iter().cloned());
    if let (Some(true), Some(_), Some(place)) = (raw.insecure, &raw.ca_file, raw.place("ca_file")) {
        let message = "`ca_file` has no meaning beside `insecure = true`, which checks no certificate";
        mistakes.push(Mistake::error(place, message).help("keep `ca_file` and remove `insecure`"));
    }
    if let (Some(true), Some(place)) = (raw.insecure, raw.place("insecure")) {
        let message = format!(
            "no certificate is checked for `{}`: whoever sits between this machine and the publisher can read and change \
             everything, logins too",
            section.title
        );
        mistakes.push(Mistake::warning(place, message).help("`ca_file` with the certificate of the server's authority is safe"));
    }
    raw
}

const PASSWORD: [&str; 3] = ["password", "password_file", "password_command"];
const BEARER_TOKEN: [&str; 3] = ["bearer_token", "bearer_token_file", "bearer_token_command"];
const CLIENT_KEY: [&str; 3] = ["client_key", "client_key_file", "client_key_command"];

impl RawAccess {
    /// Where a key stands.
    fn place(&self, key: &str) -> Option<Range<usize>> {
        self.places.iter().find(|(taken, _)| *taken == key).map(|(_, place)| place.clone())
    }

    /// Where the first of its keys stands that is none of these, if it has any.
    pub(super) fn first_but(&self, allowed: &[&str]) -> Option<(&'static str, Range<usize>)> {
        self.places.iter().find(|(key, _)| !allowed.contains(key)).cloned()
    }

    /// Where its own login stands, if it has one.
    pub(super) fn login_place(&self) -> Option<Range<usize>> {
        self.login.as_ref()?;
        ["username"].iter().chain(&BEARER_TOKEN).find_map(|key| self.place(key))
    }

    fn noting_password(&mut self, way: Spanned<Way>) -> Way {
        if matches!(way.get_ref(), Way::Proxy(proxy) if proxy.has_password()) {
            self.inline.push(Spanned::new(way.span(), "proxy".to_owned()));
        }
        way.into_inner()
    }

    /// A secret in one of its forms; a mistake where there are two.
    fn secret(
        &mut self,
        section: &mut Section<'_>,
        forms: [&'static str; 3],
        shared: &Shared,
        mistakes: &mut Vec<Mistake>,
    ) -> Option<Spanned<Origin>> {
        let mut found: Vec<_> = forms.iter().filter_map(|form| Some((*form, section.take(form)?))).collect();
        found.sort_by_key(|(_, value)| value.span().start);
        let (form, value) = match found.as_slice() {
            [] => return None,
            [(form, value)] => (*form, value),
            [(first, _), (second, _), ..] => {
                let message = format!("both `{first}` and `{second}` are given for `{}`", section.title);
                let place = section.place(second).unwrap_or_else(|| section.span.clone());
                mistakes.push(Mistake::error(place, message).help("keep one of them"));
                return None;
            }
        };
        let key = section.place(form).unwrap_or_else(|| value.span());
        match secret_of(form, value, shared) {
            Ok(origin) => {
                if matches!(origin, Origin::Inline(_)) {
                    self.inline.push(Spanned::new(key.clone(), form.to_owned()));
                }
                Some(Spanned::new(key, origin))
            }
            Err(wrong) => {
                section.wrong.push(forms[0]);
                let mistake = Mistake::error(wrong.span.unwrap_or(key), wrong.message);
                mistakes.push(Mistake { help: wrong.help, ..mistake });
                None
            }
        }
    }

    fn read_login(&mut self, section: &mut Section<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) {
        let username = section.read("username", mistakes, |value| {
            let name = section::text(value)?;
            if name.is_empty() || name.contains(':') || name.contains(char::is_control) {
                return Err(Wrong::value("a user name is not empty, and has no `:` and no control character"));
            }
            Ok(name.to_owned())
        });
        let password = self.secret(section, PASSWORD, shared, mistakes);
        let token = self.secret(section, BEARER_TOKEN, shared, mistakes);
        let own = self.headers.contains_key("authorization");
        let login = match (username, password, token) {
            (None, None, None) => return,
            (Some(name), _, Some(token)) => {
                let place = name.span().start.max(token.span().start);
                let place = if place == name.span().start { name.span() } else { token.span() };
                let message = format!("both a user name and a bearer token are given for `{}`", section.title);
                mistakes.push(Mistake::error(place, message).help("keep one of them"));
                return;
            }
            (None, Some(password), _) => {
                if !section.wrong.contains(&"username") {
                    let message = format!("a password without a `username` in `{}`", section.title);
                    mistakes.push(Mistake::error(password.span(), message).help("add `username = \"…\"` beside it"));
                }
                return;
            }
            (Some(name), password, None) => {
                let place = name.span();
                let password = password.map(Spanned::into_inner);
                Spanned::new(place, Login::Basic { username: name.into_inner(), password })
            }
            (None, None, Some(token)) => Spanned::new(token.span(), Login::Bearer(token.into_inner())),
        };
        if own {
            let message = format!("both a login and the header `Authorization` are given for `{}`", section.title);
            mistakes.push(Mistake::error(login.span(), message).help("keep one of them"));
        }
        self.login = Some(login.into_inner());
    }

    fn read_headers(&mut self, value: &Value<'_>, shared: &Shared, mistakes: &mut Vec<Mistake>) {
        let DeValue::Table(table) = value.get_ref() else {
            let message = "`headers` must be a table, such as { Accept-Language = \"de\", Cookie_file = \"~/cookie\" }";
            mistakes.push(Mistake::error(value.span(), message));
            return;
        };
        for (key, value) in table {
            let written = key.get_ref().as_ref();
            let name = written.strip_suffix("_file").or_else(|| written.strip_suffix("_command")).unwrap_or(written);
            let lower = name.to_ascii_lowercase();
            let wrong = |message: String| Mistake::error(key.span(), message);
            if HeaderName::from_bytes(name.as_bytes()).is_err() {
                mistakes.push(wrong(format!("`{name}` cannot be the name of a header")));
                continue;
            }
            if let Some((_, step)) = NOT_OURS.iter().find(|(other, _)| *other == lower) {
                mistakes.push(wrong(format!("the header `{name}` is not for you to set")).help(*step));
                continue;
            }
            if self.headers.contains_key(&lower) {
                mistakes.push(wrong(format!("the header `{name}` is given twice")).help("keep one of them"));
                continue;
            }
            if value.get_ref().as_str() == Some("") && name == written {
                self.headers.insert(lower, None);
                continue;
            }
            match secret_of(written, value, shared) {
                Ok(Origin::Inline(text)) if HeaderValue::from_bytes(text.reveal().as_bytes()).is_err() => {
                    let message = format!("the value of the header `{name}` is one line without control characters");
                    mistakes.push(Mistake::error(value.span(), message));
                }
                Ok(origin) => {
                    if matches!(origin, Origin::Inline(_)) && is_secret_header(name) {
                        self.inline.push(Spanned::new(key.span(), name.to_owned()));
                    }
                    self.headers.insert(lower, Some((name.to_owned(), origin)));
                }
                Err(error) => mistakes.push(Mistake {
                    help: error.help,
                    ..Mistake::error(error.span.unwrap_or_else(|| value.span()), error.message)
                }),
            }
        }
    }
}

/// `[http]` and what the environment says: what stands where no layer says anything.
pub(super) struct Base {
    /// The settings.
    pub(super) access: Access,
    /// The environment's proxies.
    pub(super) environment: Proxies,
}

/// The proxies of the environment; a mistake where a variable holds none.
pub(super) fn environment(env: &Env, mistakes: &mut Vec<Mistake>) -> Proxies {
    Proxies::of_environment(env).unwrap_or_else(|message| {
        let help = "correct the variable, or write `proxy = \"none\"` under `[http]`".to_owned();
        mistakes.push(Mistake { span: None, ..Mistake::error(0..0, message).help(help) });
        Proxies::none()
    })
}

/// What `proxy` in `[http]` comes to.
pub(super) fn proxies(value: &Value<'_>, environment: &Proxies) -> Result<Proxies, Wrong> {
    way(value).map(|way| way.proxies(environment))
}

impl Way {
    fn proxies(&self, environment: &Proxies) -> Proxies {
        match self {
            Self::Environment => environment.clone(),
            Self::Direct => Proxies::none(),
            Self::Proxy(proxy) => Proxies::all(proxy.clone()),
        }
    }
}

/// The layers of a feed, the nearest first, over what holds for everything. A login in the feed's URL is the nearest.
pub(super) fn resolve(layers: &[&RawAccess], base: &Base, url: Option<&Url>) -> Access {
    fn nearest<'a, T: Clone + 'a>(layers: &[&'a RawAccess], of: impl Fn(&'a RawAccess) -> &'a Option<T>) -> Option<T> {
        layers.iter().find_map(|layer| of(layer).clone())
    }
    let outer = &base.access;
    let mut headers: BTreeMap<String, Option<(String, Origin)>> = BTreeMap::new();
    for (name, header) in layers.iter().flat_map(|layer| &layer.headers) {
        headers.entry(name.clone()).or_insert_with(|| header.clone());
    }
    // The nearest layer that says as whom, in one way or another, says it alone.
    let authorised = |layer: &&RawAccess| layer.login.is_some() || layer.headers.contains_key("authorization");
    let who = layers.iter().copied().find(authorised);
    let in_url = url.is_some_and(|url| !url.username().is_empty() || url.password().is_some());
    if in_url || who.is_some_and(|layer| layer.login.is_some()) {
        headers.remove("authorization");
    }
    let login = if in_url { None } else { who.and_then(|layer| layer.login.clone()) };
    // Of trusting nobody in particular and trusting somebody more, the nearer holds.
    let trust = layers.iter().copied().find(|layer| layer.ca_file.is_some() || layer.insecure.is_some());
    Access {
        user_agent: nearest(layers, |layer| &layer.user_agent).unwrap_or_else(|| outer.user_agent.clone()),
        headers: headers.into_values().flatten().collect(),
        login: login.unwrap_or_default(),
        proxies: nearest(layers, |layer| &layer.proxy)
            .map_or_else(|| outer.proxies.clone(), |way| way.proxies(&base.environment)),
        timeout: nearest(layers, |layer| &layer.timeout).unwrap_or(outer.timeout),
        connect_timeout: nearest(layers, |layer| &layer.connect_timeout).unwrap_or(outer.connect_timeout),
        max_body: nearest(layers, |layer| &layer.max_body).unwrap_or(outer.max_body),
        ca_file: trust.filter(|layer| layer.insecure != Some(true)).and_then(|_| nearest(layers, |layer| &layer.ca_file)),
        client: nearest(layers, |layer| &layer.client),
        insecure: trust.is_some_and(|layer| layer.insecure == Some(true)),
    }
}

/// How long a feed's programs may take, each: as long as the nearest layer says, whatever holds for requests at large.
pub(super) fn program_limit(layers: &[&RawAccess]) -> Duration {
    layers.iter().find_map(|layer| layer.timeout).unwrap_or(PROGRAM_LIMIT)
}

fn way(value: &Value<'_>) -> Result<Way, Wrong> {
    let help = "write \"http://HOST:PORT\", \"https://…\", \"socks5://…\", \"socks5h://…\", or \"none\"";
    match section::text(value)?.trim() {
        "" => Ok(Way::Environment),
        "none" => Ok(Way::Direct),
        text => Proxy::parse(text).map(Way::Proxy).map_err(|error| Wrong::Value(error.to_string(), Some(help.to_owned()))),
    }
}

#[cfg(test)]
mod tests;
