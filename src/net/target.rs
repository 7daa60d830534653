//! A [`Target`]: a URL that a request may be sent to. Goes in: a URL and the guard. Comes out: the URL without its
//! user name, password and fragment, and the `Authorization` that these make. Opens nothing.

use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::HeaderValue;
use url::{Host, Url};

use super::{Guard, HttpError};
use crate::secret::redact;

/// A checked URL. There is no other way to name what is asked.
#[derive(Debug, Clone)]
pub struct Target {
    url: Url,
    authorization: Option<HeaderValue>,
}

/// Longer than any URL that a server would take (RFC 9110 section 4.1 asks for 8000).
const LONGEST: usize = 8 * 1024;

/// Ports of other protocols, whose servers could take a request for commands: the list of the Fetch standard.
const BAD_PORTS: &[u16] = &[
    1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113,
    115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556,
    563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049, 3659, 4045, 4190, 5060, 5061, 6000, 6379, 6566, 6665, 6666,
    6667, 6668, 6669, 6679, 6697, 10080,
];

impl Target {
    /// Checks a URL: `http` or `https`, no port of another protocol, and no address that the guard refuses. A name is
    /// checked again when it is resolved.
    ///
    /// # Errors
    /// [`HttpError::Unfit`] or [`HttpError::Refused`].
    pub fn check(mut url: Url, guard: &Guard) -> Result<Self, HttpError> {
        let unfit = |url: &Url, why: &str| HttpError::Unfit { url: redact(url), why: why.to_owned() };
        if !matches!(url.scheme(), "http" | "https") {
            return Err(unfit(&url, "only http and https are fetched"));
        }
        if url.as_str().len() > LONGEST {
            return Err(HttpError::Unfit {
                url: url.host_str().unwrap_or_default().to_owned(),
                why: format!("it is {} characters long", url.as_str().len()),
            });
        }
        if let Some(port) = url.port().filter(|port| !guard.is_open() && BAD_PORTS.contains(port)) {
            return Err(unfit(&url, &format!("port {port} belongs to another protocol")));
        }
        check_literal(&url, guard)?;
        let authorization = basic_authorization(&url);
        // These fail only for URLs without a host, and http URLs have one.
        url.set_username("").and_then(|()| url.set_password(None)).map_err(|()| unfit(&url, "it has no host"))?;
        url.set_fragment(None);
        Ok(Self { url, authorization })
    }

    /// The URL as it is asked for: without user name, password and fragment.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    pub(super) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(super) fn host(&self) -> String {
        self.url.host_str().unwrap_or_default().to_owned()
    }

    /// `host:port`, for messages.
    pub(super) fn place(&self) -> String {
        format!("{}:{}", self.host(), self.url.port_or_known_default().unwrap_or_default())
    }
}

/// The resolver is never asked for an address that stands in the URL itself; every spelling of one is `Host::Ipv4` here.
pub(super) fn check_literal(url: &Url, guard: &Guard) -> Result<(), HttpError> {
    let address: IpAddr = match url.host() {
        Some(Host::Ipv4(v4)) => v4.into(),
        Some(Host::Ipv6(v6)) => v6.into(),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    guard
        .check(address)
        .map_err(|refused| HttpError::Refused { host: url.host_str().unwrap_or_default().to_owned(), refused: vec![refused] })
}

/// RFC 7617, from the URL's user name and password.
fn basic_authorization(url: &Url) -> Option<HeaderValue> {
    if url.username().is_empty() && url.password().is_none() {
        return None;
    }
    let mut word = percent_decoded(url.username());
    word.push(b':');
    word.extend(percent_decoded(url.password().unwrap_or_default()));
    let mut value = HeaderValue::try_from(format!("Basic {}", BASE64.encode(word))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let escaped = match tail {
            [high, low, after @ ..] if *first == b'%' => hex(*high).zip(hex(*low)).map(|(h, l)| (h * 16 + l, after)),
            _ => None,
        };
        let (byte, after) = escaped.unwrap_or((*first, tail));
        bytes.push(byte);
        rest = after;
    }
    bytes
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Spellings of addresses that are nobody's business: how a browser would read them, and so how this program does.
    const SPELLINGS: &[&str] = &[
        // Whole, short, decimal, octal, hexadecimal, mixed, with leading zeros and with a dot at the end.
        "http://127.0.0.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0X7F000001/",
        "http://0x7f.0.0.1/",
        "http://0x7f.1/",
        "http://0x7f.0x0.0x0.0x1/",
        "http://017700000001/",
        "http://0177.0.0.01/",
        "http://0177.1/",
        "http://0177.0x0.1/",
        "http://0000177.0.0.1/",
        "http://127.0.0.1./",
        "http://2130706433./",
        "http://0x7f.1./",
        "http://127.65530/",
        "http://127.255.255.254:8080/",
        // Percent-encoded, full-width, other digits, other dots, soft hyphens.
        "http://%31%32%37.0.0.1/",
        "http://127%2e0%2e0%2e1/",
        "http://%30x7f000001/",
        "http://\u{ff11}\u{ff12}\u{ff17}.0.0.1/",
        "http://\u{ff12}\u{ff11}\u{ff13}\u{ff10}\u{ff17}\u{ff10}\u{ff16}\u{ff14}\u{ff13}\u{ff13}/",
        "http://\u{2460}\u{2461}\u{2466}.0.0.1/",
        "http://\u{b9}\u{b2}\u{2077}.0.0.1/",
        "http://127\u{3002}0\u{3002}0\u{3002}1/",
        "http://127\u{ff0e}0\u{ff0e}0\u{ff0e}1/",
        "http://127\u{ff61}0\u{ff61}0\u{ff61}1/",
        "http://12\u{ad}7.0.0.1/",
        // Hidden behind a user name, a backslash or blanks.
        "http://public.example@127.0.0.1/",
        "http://public.example:80@127.1:8080/",
        "http://127.0.0.1\\@public.example/",
        "http:\\\\127.0.0.1\\",
        "http:127.0.0.1/",
        "http:////127.0.0.1/",
        "http://12\t7.0.0\n.1/",
        // Other networks of one's own.
        "http://10.0.0.1/",
        "http://167772161/",
        "http://192.168.0.1/",
        "http://0xc0a80001/",
        "http://172.16.1.1/",
        "http://0254.020.1.1/",
        "http://169.254.169.254/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0251.0376.0251.0376/",
        "http://100.64.0.1/",
        "http://0.0.0.0/",
        "http://0/",
        "http://0x/",
        "http://00/",
        "http://255.255.255.255/",
        "http://0xffffffff/",
        "http://224.0.0.1/",
        "http://203.0.113.9/",
        "http://198.51.100.1/",
        // IPv6: loopback, unspecified, mapped, compatible, translated, tunnelled.
        "http://[::1]/",
        "http://[0:0:0:0:0:0:0:1]/",
        "http://[0000::0001]:8080/",
        "http://[::]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[0:0:0:0:0:FFFF:7F00:0001]/",
        "http://[::127.0.0.1]/",
        "http://[::ffff:0:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[64:ff9b:1::a00:1]/",
        "http://[2002:7f00:1::]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[2001:0:7f00:1::]/",
        "http://[2001::f5ff:fffe]/",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[fec0::1]/",
        "http://[ff02::1]/",
        "http://[2001:db8::1]/",
    ];

    fn check(url: &str) -> Result<Target, HttpError> {
        Target::check(Url::parse(url).unwrap(), &Guard::new(Vec::new()))
    }

    #[test]
    fn what_is_not_public_is_refused_in_sixty_spellings_of_a_url() {
        for url in SPELLINGS {
            for guarded in [check(url), check(&url.replacen("http:", "https:", 1))] {
                assert!(matches!(guarded, Err(HttpError::Refused { .. })), "{url}");
            }
        }
        assert!(SPELLINGS.len() >= 60);
    }

    #[test]
    fn what_is_no_spelling_of_an_address_is_no_url() {
        for url in
            ["http://[fe80::1%25eth0]/", "http://[::1%lo]/", "http://127.0.0.256/", "http://0x7f.0.0.0x100/", "http://[::1"]
        {
            assert!(Url::parse(url).is_err(), "{url}");
        }
    }

    #[test]
    fn only_web_addresses_on_web_ports_are_fetched() {
        for url in ["ftp://h.example/", "file:///etc/passwd", "gopher://h.example/", "data:,x", "javascript:1"] {
            assert!(matches!(check(url), Err(HttpError::Unfit { .. })), "{url}");
        }
        for port in [22, 25, 465, 587, 6379] {
            let error = check(&format!("http://h.example:{port}/")).unwrap_err();
            assert!(error.to_string().contains(&format!("port {port} belongs to another protocol")), "{error}");
        }
        assert!(check("http://h.example:8080/").is_ok());
        assert!(check(&format!("http://h.example/{}", "a".repeat(9000))).is_err());
    }

    #[test]
    fn a_user_name_and_password_leave_the_url_and_become_a_header() {
        let target = check("https://me:p%40ss%3a%zz%+5@h.example/feed?a=1#top").unwrap();
        assert_eq!(target.url().as_str(), "https://h.example/feed?a=1");
        let word = BASE64.encode("me:p@ss:%zz%+5");
        assert_eq!(target.authorization().unwrap().to_str().unwrap(), format!("Basic {word}"));
        assert!(target.authorization().unwrap().is_sensitive());
        assert!(!format!("{target:?}").contains(&word));
        assert!(check("https://h.example/").unwrap().authorization().is_none());
    }
}
