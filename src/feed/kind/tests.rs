//! Documents that are no feed, and what they are called.

use url::Url;

use super::*;

fn what(text: &str) -> String {
    not_a_feed(text, Some(&Url::parse("https://example.org/blog/").unwrap()))
}

#[test]
fn the_first_significant_bytes_tell_what_reads_a_text() {
    let table = [
        ("<?xml version='1.0'?><rss>", Kind::Xml),
        ("\n\n <!-- x --> <RSS>", Kind::Xml),
        ("<b>Warning</b>: foo() in {main} [x]\n<rdf:RDF xmlns='x'>", Kind::Xml),
        ("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n<atom:feed>", Kind::Xml),
        ("<html><body>Fatal error</body></html><rss version=\"2.0\"><channel>", Kind::Xml),
        ("<!DOCTYPE rss SYSTEM 'x'><rss>", Kind::Xml),
        ("<title>x</title><item><title>y</title>", Kind::Xml),
        (" {\"version\": \"x\", \"content_html\": \"<rss>\"}", Kind::Json),
        ("callback({\"items\": []})", Kind::Json),
        ("<br />\n<b>Notice</b>: x\n{\"items\": []}", Kind::Json),
        ("<!doctype html><html><script>{\"items\": []}</script><item>", Kind::Other),
        ("<html><pre><rss></pre>", Kind::Other),
        ("<svg><path/></svg>", Kind::Other),
        ("hello", Kind::Other),
        ("", Kind::Other),
    ];
    for (text, kind) in table {
        assert_eq!(super::kind(text, None), kind, "{text}");
    }
}

#[test]
fn a_page_says_which_feeds_it_names() {
    let link = |href: &str| format!("<link rel=alternate type=application/rss+xml href={href}>");
    let two = format!("<!DOCTYPE html><html><head>{}{}</head>", link("/a"), link("b"));
    assert_eq!(what(&two), "an HTML page; it names 2 feeds: https://example.org/a, https://example.org/blog/b");
    assert_eq!(not_a_feed(&two, None), "an HTML page; it names 2 feeds: /a, /b");
    let one = format!("<html>{}<form><input type=password></form>", link("https://u:secret@example.org/x"));
    assert!(what(&one).starts_with("an HTML page; it names 1 feed: ") && !what(&one).contains("secret"), "{}", what(&one));
    let many: String = (0..7).map(|n| link(&format!("/{n}"))).collect();
    assert!(what(&format!("<html>{many}")).ends_with("https://example.org/4 and 2 more"));
}

#[test]
fn what_is_no_feed_is_called_by_its_name() {
    let table = [
        ("<html><head><title>Home &amp; garden</title></head><body>x", "an HTML page that names no feed: Home & garden"),
        ("<!-- x --><!DOCTYPE HTML><p>x", "an HTML page that names no feed"),
        ("<html><body><form><input name=p type=\"password\"></form>", "a login page"),
        ("<html><title>Sign in – Example</title>", "a login page"),
        ("<!doctype html><html><title>Just a moment...</title>", "a challenge page of Cloudflare, for people with a browser"),
        ("<html><title>Making sure you&#39;re not a bot!</title>", "a challenge page of Anubis, for people with a browser"),
        ("<html><body><div class=\"g-recaptcha\"></div>", "a page with a captcha, for people with a browser"),
        ("<html>\n<head><title>404 Not Found</title></head>", "an HTML page that says: 404 Not Found"),
        ("<html><title>\n Account suspended </title>", "an HTML page that says: Account suspended"),
        ("<?xml version='1.0'?><opml version='2.0'><body><outline/></body></opml>", "an OPML list of subscriptions"),
        ("<?xml version='1.0'?><!-- a --><urlset xmlns='x'><url/></urlset>", "a sitemap"),
        ("<svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG image"),
        (
            "<?xml version='1.0'?><Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>",
            "an error message of a server: Access Denied",
        ),
        ("<?xml version='1.0'?><a:foo>x</a:foo>", "an XML document with the root `a:foo`"),
        ("<?xml version='1.0'?>", "an XML document without a root"),
        ("{\"error\": \"not allowed\"}", "an error message of a server: not allowed"),
        (
            "{\"code\": \"rest_no_route\", \"message\": \"No route\", \"data\": {\"status\": 404}}",
            "an error message of a server: No route",
        ),
        ("{\"error\": {\"code\": 3}}", "an error message of a server"),
        ("{\"id\": 1, \"name\": \"x\"}", "JSON that is no JSON Feed (its keys are id, name)"),
        ("[{\"id\": 1, \"userId\": 2}]", "JSON that is no JSON Feed (its keys are id, userId)"),
        ("{}", "JSON without any keys"),
        ("\nUnknown feed.\nBye", "plain text: Unknown feed."),
    ];
    for (text, words) in table {
        assert_eq!(what(text), words, "{text}");
    }
}

#[test]
fn files_are_known_by_their_first_bytes() {
    assert_eq!(binary(b"\x89PNG\r\n\x1a\n\0\0"), Some("a PNG image"));
    assert_eq!(binary(b"%PDF-1.7 <rss>"), Some("a PDF document"));
    assert_eq!(binary(b"\x1f\x8b\x08\0"), Some("a gzip file"));
    assert_eq!(binary(b"<rss>"), None);
    assert!(is_empty(" \u{feff}\r\n\0"));
}

#[test]
fn a_long_page_of_open_tags_costs_no_more_than_its_length() {
    for hostile in ["<html><", "<rss", "<html><rss ", "{", "<title>", "<a <b <c ", "[{["] {
        let text = hostile.repeat(300_000);
        let _ = (super::kind(&text, None), what(&text));
    }
}
