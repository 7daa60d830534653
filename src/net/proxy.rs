//! PURE. Proxies: which one a request goes through, if any. Goes in: what the user wrote, or the environment. Comes out:
//! [`Proxies`], asked for each URL. Opens nothing; a proxy's password is in its URL and never shown.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use url::{Host, Url};

use crate::env::Env;

/// A proxy, with its login where it wants one.
#[derive(Clone, PartialEq, Eq)]
pub struct Proxy(Url);

/// Why a text is no proxy. Shows no part of it that may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProxyError {
    /// Not a URL.
    #[error("this is no address of a proxy")]
    NoUrl,
    /// A kind that cannot be used.
    #[error("`{0}` is no kind of proxy; there are http, https, socks5 and socks5h")]
    Kind(String),
    /// More than a place and a login.
    #[error("a proxy's address ends after its port")]
    Path,
}

/// Which requests go through which proxy. Cheap to compare: clients are shared by those who have the same.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    except: Vec<Exception>,
}

/// One entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Exception {
    Everything,
    /// A name and all below it; with a port, only there.
    Name(String, Option<u16>),
    Network(IpNet),
}

impl Proxy {
    /// Reads `http://`, `https://`, `socks5://` or `socks5h://`, with a login or without; `host:port` alone is an http proxy.
    ///
    /// # Errors
    /// For what is no address of a proxy.
    pub fn parse(text: &str) -> Result<Self, ProxyError> {
        let text = text.trim();
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let mut url = Url::parse(&whole).map_err(|_| ProxyError::NoUrl)?;
        let port = match url.scheme() {
            "http" | "https" => None,
            "socks5" | "socks5h" => Some(1080),
            other => return Err(ProxyError::Kind(other.to_owned())),
        };
        if url.host_str().is_none_or(str::is_empty) {
            return Err(ProxyError::NoUrl);
        }
        if !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some() {
            return Err(ProxyError::Path);
        }
        if url.port().is_none() && port.is_some() {
            url.set_port(port).map_err(|()| ProxyError::NoUrl)?;
        }
        Ok(Self(url))
    }

    /// Whether its address holds a password.
    #[must_use]
    pub fn has_password(&self) -> bool {
        self.0.password().is_some()
    }

    /// How messages name it: without the login.
    pub(super) fn place(&self) -> String {
        let port = self.0.port_or_known_default().unwrap_or_default();
        format!("{}://{}:{port}", self.0.scheme(), self.0.host_str().unwrap_or_default())
    }

    /// Whether the proxy, not this machine, finds the addresses of names.
    pub(super) fn resolves_names(&self) -> bool {
        self.0.scheme() != "socks5"
    }

    /// Whether the way to the proxy is itself encrypted.
    pub(super) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Its host's name or address, as the resolver would be asked for it.
    pub(super) fn host(&self) -> &str {
        self.0.host_str().unwrap_or_default()
    }

    pub(super) fn url(&self) -> &Url {
        &self.0
    }
}

impl Proxies {
    /// No proxy, whatever the environment says.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One proxy for everything.
    #[must_use]
    pub fn all(proxy: Proxy) -> Self {
        Self { http: Some(proxy.clone()), https: Some(proxy), except: Vec::new() }
    }

    /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say, in small letters or capitals.
    ///
    /// # Errors
    /// Names the variable that holds no proxy: going without one could show more than the user wants.
    pub fn of_environment(env: &Env) -> Result<Self, String> {
        let value = |name: &str| {
            let names = [name.to_owned(), name.to_uppercase()];
            names.into_iter().find_map(|name| env.get(&name).map(|value| (name, value)))
        };
        let proxy = |name: &str| {
            let Some((name, text)) = value(name).or_else(|| value("all_proxy")) else { return Ok(None) };
            Proxy::parse(&text).map(Some).map_err(|error| format!("the variable {name}: {error}"))
        };
        let (http, https) = (proxy("http_proxy")?, proxy("https_proxy")?);
        let except = match value("no_proxy") {
            Some((_, text)) if http.is_some() || https.is_some() => exceptions(&text),
            Some(_) | None => Vec::new(),
        };
        Ok(Self { http, https, except })
    }

    /// The proxy for a URL.
    #[must_use]
    pub fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = if url.scheme() == "https" { self.https.as_ref() } else { self.http.as_ref() }?;
        (!self.except.iter().any(|exception| exception.holds_for(url))).then_some(proxy)
    }
}

fn exceptions(text: &str) -> Vec<Exception> {
    let one = |entry: &str| {
        if entry == "*" {
            return Exception::Everything;
        }
        let address = || entry.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(IpNet::from);
        if let Some(network) = entry.parse().ok().or_else(address) {
            return Exception::Network(network);
        }
        let (name, port) = match entry.rsplit_once(':').map(|(name, port)| (name, port.parse())) {
            Some((name, Ok(port))) => (name, Some(port)),
            Some(_) | None => (entry, None),
        };
        Exception::Name(name.trim_start_matches('*').trim_matches('.').to_ascii_lowercase(), port)
    };
    text.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()).map(one).collect()
}

impl Exception {
    fn holds_for(&self, url: &Url) -> bool {
        match (self, url.host()) {
            (Self::Everything, _) => true,
            (Self::Network(network), Some(Host::Ipv4(v4))) => network.contains(&IpAddr::from(v4)),
            (Self::Network(network), Some(Host::Ipv6(v6))) => network.contains(&IpAddr::from(v6)),
            (Self::Name(name, port), Some(host)) => {
                let host = host.to_string();
                let host = host.trim_end_matches('.');
                let below = || host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
                !name.is_empty() && (host == name || below()) && port.is_none_or(|port| url.port_or_known_default() == Some(port))
            }
            (Self::Network(_), Some(Host::Domain(_)) | None) | (Self::Name(..), None) => false,
        }
    }
}

/// Without the login.
impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("http", &self.http).field("https", &self.https).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Result<String, ProxyError> {
        Proxy::parse(text).map(|proxy| proxy.place())
    }

    #[test]
    fn each_kind_of_proxy_is_read_and_named_without_its_login() {
        assert_eq!(place("http://p.example:3128").unwrap(), "http://p.example:3128");
        assert_eq!(place("p.example:3128").unwrap(), "http://p.example:3128");
        assert_eq!(place("https://me:hunter2@p.example/").unwrap(), "https://p.example:443");
        assert_eq!(place("socks5://127.0.0.1").unwrap(), "socks5://127.0.0.1:1080");
        assert_eq!(place("socks5h://me:hunter2@[::1]:9050").unwrap(), "socks5h://[::1]:9050");
        assert!(!format!("{:?}", Proxy::parse("http://me:hunter2@p.example").unwrap()).contains("hunter2"));
        assert_eq!(place("socks4://p.example"), Err(ProxyError::Kind("socks4".to_owned())));
        assert_eq!(place("http://p.example/path"), Err(ProxyError::Path));
        for nothing in ["", "http://", "http://:80", "no proxy"] {
            assert_eq!(place(nothing), Err(ProxyError::NoUrl), "{nothing}");
        }
    }

    fn chosen(env: &'static [(&'static str, &'static str)], url: &str) -> Option<String> {
        let look_up = |name: &str| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        let proxies = Proxies::of_environment(&Env::from_fn(look_up)).unwrap();
        proxies.for_url(&Url::parse(url).unwrap()).map(Proxy::place)
    }

    #[test]
    fn the_environment_chooses_by_scheme() {
        const ENV: &[(&str, &str)] =
            &[("http_proxy", "http://a:1"), ("HTTP_PROXY", "http://b:2"), ("ALL_PROXY", "socks5h://c:3")];
        assert_eq!(chosen(ENV, "http://h.example/").as_deref(), Some("http://a:1"));
        assert_eq!(chosen(ENV, "https://h.example/").as_deref(), Some("socks5h://c:3"));
        assert_eq!(chosen(&[("HTTPS_PROXY", "p:4")], "https://h.example/").as_deref(), Some("http://p:4"));
        assert_eq!(chosen(&[("HTTPS_PROXY", "p:4")], "http://h.example/"), None);
        assert_eq!(chosen(&[], "https://h.example/"), None);
    }

    #[test]
    fn a_broken_variable_is_named_and_never_passed_over() {
        let env = Env::from_fn(|name| (name == "HTTPS_PROXY").then(|| "ftp://me:hunter2@p".to_owned()));
        let error = Proxies::of_environment(&env).unwrap_err();
        assert_eq!(error, "the variable HTTPS_PROXY: `ftp` is no kind of proxy; there are http, https, socks5 and socks5h");
    }

    #[test]
    fn no_proxy_names_hosts_domains_networks_and_everything() {
        const ENV: &[(&str, &str)] =
            &[("ALL_PROXY", "http://p:1"), ("NO_PROXY", "localhost, .intern.example,*.lan,h.example:8080 10.0.0.0/8,[::1]")];
        for direct in [
            "http://localhost/",
            "http://intern.example/",
            "https://a.b.Intern.Example./",
            "http://nas.lan/",
            "http://h.example:8080/",
            "http://10.1.2.3/",
            "http://[::1]:8080/",
        ] {
            assert_eq!(chosen(ENV, direct), None, "{direct}");
        }
        for proxied in ["http://h.example/", "http://notintern.example/", "http://11.0.0.1/", "http://mylocalhost/"] {
            assert_eq!(chosen(ENV, proxied).as_deref(), Some("http://p:1"), "{proxied}");
        }
        assert_eq!(chosen(&[("ALL_PROXY", "http://p:1"), ("no_proxy", "*")], "http://h.example/"), None);
    }
}
