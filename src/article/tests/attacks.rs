//! What is written to harm a reader: none of it survives, and what is clean is clean for good.

use proptest::prelude::*;

use super::{html, made};
use crate::article::Options;

/// Payloads by what they try.
const ATTACKS: &[&str] = &[
    // Scripts and handlers.
    "<script>alert(1)</script>",
    "<SCRIPT SRC=//e.example/x.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    "<img src=x:x onerror\n=\n'alert(1)'>",
    "<img/src='x'/onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<p onmouseover=\"alert(1)\" OnClick=alert(1)>a</p>",
    "<video><source onerror='alert(1)'></video>",
    "<details open ontoggle=alert(1)><summary>a</summary></details>",
    "<input autofocus onfocus=alert(1)>",
    "<marquee onstart=alert(1)>a</marquee>",
    "<a href=x tabindex=1 onfocus=alert(1) autofocus>a</a>",
    // Schemes.
    "<a href='javascript:alert(1)'>a</a>",
    "<a href='JaVaScRiPt:alert(1)'>a</a>",
    "<a href='&#106;avascript&colon;alert(1)'>a</a>",
    "<a href='java\tscript:alert(1)'>a</a>",
    "<a href='java&NewLine;script:alert(1)'>a</a>",
    "<a href=' \u{1}javascript:alert(1)'>a</a>",
    "<a href='vbscript:x'>a</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD4='>a</a>",
    "<a href='file:///etc/passwd'>a</a>",
    "<img src='javascript:alert(1)'>",
    "<img src='data:image/svg+xml,<svg onload=alert(1)>'>",
    "<iframe src='javascript:alert(1)'></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<object data='javascript:alert(1)'></object>",
    "<embed src='data:text/html,<script>alert(1)</script>'>",
    "<form action='javascript:alert(1)'><button formaction='javascript:alert(1)'>a</button></form>",
    "<blockquote cite='javascript:alert(1)'>a</blockquote>",
    "<video poster='javascript:alert(1)' src='javascript:alert(1)'></video>",
    // Styles and overlays.
    "<style>@import 'javascript:alert(1)';</style>",
    "<div style='position:fixed;top:0;left:0;width:100%;height:100%;background:url(javascript:alert(1))'>a</div>",
    "<p style='width:expression(alert(1))'>a</p>",
    "<link rel=stylesheet href='//e.example/x.css'>",
    "<table background='javascript:alert(1)'><tr><td background='//e.example/x'>a<td>b</table>",
    "<font style='behavior:url(x.htc)'>a</font>",
    // What changes the page.
    "<base href='https://e.example/'><a href='x'>a</a>",
    "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
    "<form action='//e.example'><input name=password></form>",
    "<isindex type=image src=1 onerror=alert(1)>",
    "<frameset onload=alert(1)><frame src='javascript:alert(1)'></frameset>",
    // What is read one way by one parser, and another way by the next.
    "<svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>a</text></a></svg>",
    "<svg><animate attributeName=href values='javascript:alert(1)'/></svg>",
    "<svg></p><style><a title='</style><img src=x onerror=alert(1)>'>",
    "<svg><foreignObject><iframe onload=alert(1)></iframe></foreignObject></svg>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror=alert(1)&gt;'>",
    "<math><annotation-xml encoding='text/html'><p><style><!--</style><img src onerror=alert(1)>--></p></annotation-xml></math>",
    "<math><mi><mglyph></mi></math><form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<template><script>alert(1)</script></template>",
    "<xmp><p title='</xmp><img src=x onerror=alert(1)>'></xmp>",
    "<plaintext><script>alert(1)</script>",
    "<noembed><img title='</noembed><img src onerror=alert(1)>'></noembed>",
    "<noframes><script>alert(1)</script></noframes>",
    "<textarea><img title='</textarea><img src onerror=alert(1)>'></textarea>",
    "<title><img title='</title><img src onerror=alert(1)>'></title>",
    "<select><template><style><!--</style><a rel='--></style></template></select><img id=x src onerror=alert(1)>'>",
    "<iframe><img title='</iframe><img src onerror=alert(1)>'></iframe>",
    "<!--><img src=x onerror=alert(1)>-->",
    "<!--!><img src=x onerror=alert(1)>",
    "<![CDATA[<img src=x onerror=alert(1)>]]>",
    "<?xml-stylesheet href='javascript:alert(1)'?>",
    "<p title='\"><img src=x onerror=alert(1)>'>a</p>",
    "<img alt='`><script>alert(1)</script>' src=x.png>",
    "<a title='</a><script>alert(1)</script>' href=x>a</a>",
    "<table><td><a href=x><table><tr><td><a href=y onclick=alert(1)>z</a></table></table>",
    "<p><marquee><div>a</div></marquee><button><div>b</div></button>",
    "<li><section><li><section><li>a",
    "<dl><dt><article><dt>a</article><dd><main><dd>b",
    "<b><p><i></b></p><table><b><tr><td></b>c</table>",
    "<a href=x><object><a href=y>b</a></object></a>",
    "<ruby>a<rt><rt><rp><p>b</rt></ruby>",
    "<h1><h2>a</h1><h3></h2>",
    "<pre>\n\n a</pre><listing>\n\n b</listing>",
    "<nobr><p><nobr>a</nobr>",
];

/// What must not be in clean HTML, as markup.
fn assert_harmless(html: &str) {
    let lower = html.to_lowercase();
    for tag in lower.split('<').skip(1) {
        let end = tag.find(|c: char| !c.is_ascii_alphanumeric() && c != '/').unwrap_or(tag.len());
        let name = tag[..end].trim_start_matches('/');
        let bad = [
            "script", "style", "iframe", "object", "embed", "form", "input", "button", "meta", "base", "link", "svg", "math",
            "template", "textarea", "noscript", "xmp", "video",
        ];
        assert!(!bad.contains(&name), "<{name}> in {html}");
        // Attributes as our own writer writes them: ` name="value"`, without a quotation mark in the value.
        let attributes = tag.split('>').next().unwrap_or_default();
        for attribute in attributes.split("=\"").filter_map(|before| before.rsplit(['"', ' ']).next()) {
            assert!(!attribute.starts_with("on"), "{attribute} in {html}");
        }
        for value in attributes.split("=\"").skip(1).filter_map(|after| after.split('"').next()) {
            let value: String = value.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
            assert!(
                !value.starts_with("javascript:") && !value.starts_with("vbscript:") && !value.starts_with("data:"),
                "{value} in {html}"
            );
        }
    }
}

/// Holds a piece of HTML against all that is promised of what is made of it.
fn check(body: &str) {
    let clean = html(body);
    assert_harmless(&clean);
    assert_eq!(html(&clean), clean, "clean twice, of {body}");
    assert!(!clean.contains(['\u{202E}', '\u{202A}', '\u{2066}', '\u{200B}', '\u{FEFF}', '\0']), "{clean:?}");
    let article = made(body);
    assert_harmless(&article.html);
    assert!(!article.text.contains(['\u{202E}', '\u{200B}', '\0', '\r']), "{:?}", article.text);
}

#[test]
fn no_attack_survives_and_clean_is_clean_for_good() {
    for attack in ATTACKS {
        check(attack);
        check(&format!("<p>before {attack} after</p>"));
        check(&format!("<table><tr><td>{attack}<td>x</table>"));
        check(&format!("<a href=/x><b>{attack}</b></a>"));
        check(&format!("<pre>{attack}</pre>"));
        check(&format!("<svg>{attack}</svg><math><mi>{attack}</math>"));
    }
}

#[test]
fn signs_that_turn_or_hide_text_go() {
    assert_eq!(html("<p>a\u{202E}b\u{200B}c\u{2066}d\u{FEFF}e\u{7}f&#x202E;g</p>"), "<p>abcdefg</p>");
    assert_eq!(made("<img src=a.png alt='x\u{202E}y'>").html.matches("xy").count(), 1);
    assert_eq!(html("<p>\u{5d0}\u{200F}! می‌خواهم 👩‍👧</p>"), "<p>\u{5d0}\u{200F}! می‌خواهم 👩‍👧</p>");
}

#[test]
fn the_guard_finds_nothing_to_do_on_what_the_pass_made() {
    let bodies = [
        "<h1>A</h1><p>b &amp; c &lt; d\u{a0}e \"f\"</p><ul><li>a<ul><li>b</ul></ul><ol start=3 reversed><li value=2>x</ol>",
        "<table><thead><tr><th colspan=2>a<tbody><tr><td>1<td>2</table><dl><dt>a<dd>b</dl><hr><p>a<br>b</p>",
        "<figure><img src=a.png alt='&quot;x&quot;'><figcaption>c</figcaption></figure><pre>\n\n  a &lt;b></pre>",
        "<p><ruby>漢<rp>(</rp><rt>kan</rt><rp>)</rp></ruby> <q>a</q> <a href='mailto:a@b.example' title=t>m</a></p>",
        "<div>a<p>b</p>c</div><blockquote>q<blockquote>r</blockquote></blockquote>",
    ];
    for body in bodies {
        let context = crate::article::pass::Context { base: None, page: None, options: Options::default() };
        let tree = crate::article::pass::pass(crate::article::dom::Tree::parse(body).unwrap(), body.len(), context).unwrap();
        let written = tree.write(|_, _| None);
        assert_eq!(crate::article::guard::guarded(&written, false), written, "of {body}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn whatever_is_written_is_made_clean_for_good(pieces in proptest::collection::vec(piece(), 0..14)) {
        check(&pieces.concat());
    }
}

/// A piece of HTML, right or wrong.
fn piece() -> impl Strategy<Value = String> {
    let names = [
        "p",
        "div",
        "a href=/x",
        "b",
        "i",
        "table",
        "tr",
        "td",
        "th",
        "ul",
        "li",
        "ol",
        "dl",
        "dd",
        "dt",
        "pre",
        "code",
        "br",
        "img src=a.png",
        "svg",
        "math",
        "mi",
        "style",
        "script",
        "span dir=rtl",
        "blockquote",
        "h2",
        "section",
        "details",
        "summary",
        "form",
        "button",
        "select",
        "option",
        "template",
        "noscript",
        "iframe src=//a.example",
        "figure",
        "marquee",
        "object",
        "ruby",
        "rt",
        "rp",
        "caption",
        "tbody",
        "nobr",
        "font",
        "center",
        "foreignObject",
        "textarea",
        "title",
        "input type=checkbox",
    ];
    prop_oneof![
        proptest::sample::select(names.to_vec()).prop_map(|name| format!("<{name}>")),
        proptest::sample::select(names.to_vec()).prop_map(|name| format!("</{}>", name.split(' ').next().unwrap())),
        proptest::sample::select(ATTACKS.to_vec()).prop_map(str::to_owned),
        proptest::sample::select(vec!["word", " ", "\n", "&amp;", "\u{a0}", "&#10;", "<!--", "-->", "1"]).prop_map(str::to_owned),
    ]
}
