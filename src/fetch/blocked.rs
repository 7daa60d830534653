//! PURE. Refusals that are meant for robots: an answer that is a challenge for a browser, or the page of a firewall. Goes
//! in: what was answered. Comes out: whose page it is. Nothing is solved and nothing forged: the user is told.

use crate::net::HeaderMap;

/// Header fields that only such a page has: name, what its value begins with, whose it is.
const HEADERS: &[(&str, &str, &str)] = &[
    ("cf-mitigated", "challenge", "Cloudflare"),
    ("x-amzn-waf-action", "", "AWS WAF"),
    ("x-vercel-mitigated", "", "Vercel"),
    ("x-datadome", "", "DataDome"),
    ("x-sucuri-block", "", "Sucuri"),
];

/// What stands in such pages, in small letters, and whose they are. The first that fits is named.
const WORDS: &[(&str, &str)] = &[
    ("/.within.website/x/cmd/anubis", "Anubis"),
    ("making sure you&#39;re not a bot", "Anubis"),
    ("making sure you're not a bot", "Anubis"),
    ("/cdn-cgi/challenge-platform/", "Cloudflare"),
    ("_cf_chl_opt", "Cloudflare"),
    ("cf-error-details", "Cloudflare"),
    ("attention required! | cloudflare", "Cloudflare"),
    ("captcha-delivery.com", "DataDome"),
    ("_incapsula_resource", "Imperva"),
    ("errors.edgesuite.net", "Akamai"),
    ("ddos-guard", "DDoS-Guard"),
    ("sucuri website firewall", "Sucuri"),
    ("px-captcha", "HUMAN"),
    ("awswafintegration", "AWS WAF"),
    ("/.well-known/vercel/security/", "Vercel"),
    ("go-away", "go-away"),
    ("hcaptcha.com/1/api.js", "hCaptcha"),
    ("google.com/recaptcha/", "reCAPTCHA"),
    ("captcha", "a captcha"),
    ("are you a robot", "a question whether you are a robot"),
    ("checking your browser", "a check of the browser"),
    ("enable javascript and cookies to continue", "a check of the browser"),
];

/// Those that no article about the subject holds: they tell a challenge that comes with 200.
const SURE: usize = 5;

/// So much of a page is looked at: these words stand at its beginning.
const LOOKED_AT: usize = 32 * 1024;

/// Whose page keeps this client out; `None` where the answer is no such page.
pub(super) fn blocker(status: u16, headers: &HeaderMap, body: &[u8]) -> Option<&'static str> {
    let refused = matches!(status, 202 | 401 | 403 | 405 | 429 | 503);
    if !refused && status != 200 {
        return None;
    }
    let by_header = HEADERS.iter().find(|(name, value, _)| {
        headers.get(*name).is_some_and(|is| is.as_bytes().to_ascii_lowercase().starts_with(value.as_bytes()))
    });
    if let Some((.., whose)) = by_header.filter(|_| refused) {
        return Some(whose);
    }
    let is_page = headers.get("content-type").is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/html"));
    if !is_page {
        return None;
    }
    let beginning = String::from_utf8_lossy(&body[..body.len().min(LOOKED_AT)]).to_lowercase();
    let known = if refused { WORDS } else { &WORDS[..SURE] };
    known.iter().find(|(words, _)| beginning.contains(words)).map(|(_, whose)| *whose)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{HeaderName, HeaderValue};

    fn blocked(status: u16, headers: &[(&'static str, &'static str)], body: &str) -> Option<&'static str> {
        let pair =
            |(name, value): &(&'static str, &'static str)| (HeaderName::from_static(name), HeaderValue::from_static(value));
        blocker(status, &headers.iter().map(pair).collect(), body.as_bytes())
    }

    const PAGE: (&str, &str) = ("content-type", "text/html; charset=utf-8");

    #[test]
    fn a_challenge_is_known_by_whose_it_is() {
        assert_eq!(blocked(403, &[PAGE, ("cf-mitigated", "challenge")], ""), Some("Cloudflare"));
        let page = "<title>Just a moment...</title><script src=\"/cdn-cgi/challenge-platform/h/b/orchestrate\">";
        assert_eq!(blocked(403, &[PAGE], page), Some("Cloudflare"));
        assert_eq!(blocked(503, &[PAGE], page), Some("Cloudflare"));
        let page =
            "<title>Making sure you&#39;re not a bot!</title><script src=\"/.within.website/x/cmd/anubis/static/js/main.mjs\">";
        assert_eq!(blocked(200, &[PAGE], page), Some("Anubis"));
        assert_eq!(blocked(401, &[PAGE], page), Some("Anubis"));
        assert_eq!(blocked(429, &[PAGE], "<p>Please solve this CAPTCHA"), Some("a captcha"));
        assert_eq!(blocked(405, &[("x-amzn-waf-action", "captcha")], ""), Some("AWS WAF"));
        assert_eq!(blocked(202, &[PAGE, ("x-amzn-waf-action", "challenge")], ""), Some("AWS WAF"));
        assert_eq!(blocked(403, &[PAGE], "Reference #18 https://errors.edgesuite.net/18"), Some("Akamai"));
    }

    #[test]
    fn other_refusals_and_other_pages_are_none() {
        assert_eq!(blocked(403, &[PAGE], "<h1>Forbidden</h1>"), None);
        assert_eq!(blocked(503, &[PAGE, ("server", "cloudflare")], "<h1>Back soon</h1>"), None);
        assert_eq!(blocked(403, &[("content-type", "application/json")], "{\"captcha\":1}"), None);
        assert_eq!(blocked(404, &[PAGE], "captcha"), None);
        assert_eq!(blocked(200, &[PAGE], "<p>How a captcha works, and go-away"), None);
        assert_eq!(blocked(200, &[("content-type", "application/rss+xml")], "<rss>Making sure you're not a bot"), None);
    }
}
