//! From an entry to what is read of it.

use super::*;
use crate::feed::Link;

mod attacks;
mod oracle;
mod shapes;

fn entry(body: &str) -> Entry {
    let link = Link { href: "https://example.org/posts/1".to_owned(), ..Link::default() };
    Entry { links: vec![link], content: Some(body.to_owned()), ..Entry::default() }
}

fn made(body: &str) -> Article {
    article(&entry(body), None)
}

/// The HTML without a mail's styles.
fn html(body: &str) -> String {
    let page = Url::parse("https://example.org/posts/1").unwrap();
    clean(body, Some(&page))
}

#[test]
fn relative_addresses_become_absolute() {
    let article = made("<a href='../about'>x</a><img src='a.png' alt='A'>");
    assert!(article.html.contains("https://example.org/about"), "{}", article.html);
    assert!(article.html.contains("https://example.org/posts/a.png"), "{}", article.html);
}

#[test]
fn an_entry_nested_without_end_is_read_as_text() {
    let article = made(&format!("{}deep{}", "<div>".repeat(20_000), "</div>".repeat(20_000)));
    assert_eq!(article.html, "<p>deep</p>");
    assert_eq!(article.text.trim(), "deep");
}

#[test]
fn an_entry_without_a_body_makes_an_empty_article() {
    assert_eq!(article(&Entry::default(), None), Article::default());
    assert_eq!(made(" <p> </p><div><span></span></div>"), Article::default());
}

#[test]
fn the_mail_is_dressed_and_what_is_shown_is_not() {
    let body = "<blockquote><p>a</p></blockquote>";
    assert_eq!(html(body), "<blockquote><p>a</p></blockquote>");
    let styled = made(body).html;
    assert!(styled.starts_with("<blockquote style=\"margin:"), "{styled}");
    let code = made("<p><code>a</code></p><pre><code>b</code></pre>").html;
    assert!(code.contains("0.92em\">a</code>") && code.contains("inherit\">b</code>"), "{code}");
}

#[test]
fn an_entrys_own_picture_stands_above_a_body_that_shows_none() {
    let of = |body: &str, options| {
        article_with(&Entry { image: Some("https://h.example/a.jpg?b&c".to_owned()), ..entry(body) }, None, options)
    };
    let shown = of("<p>a</p>", Options::default());
    assert!(shown.html.starts_with("<p><img src=\"https://h.example/a.jpg?b&amp;c\" alt=\"\""), "{}", shown.html);
    assert_eq!((shown.text.as_str(), shown.images.as_slice()), ("a", &["https://h.example/a.jpg?b&c".to_owned()][..]));
    assert_eq!(of("<p>a <img src=b.png></p>", Options::default()).images, ["https://example.org/posts/b.png"]);
    assert_eq!(of("<p>a</p>", Options { images: false, ..Options::default() }).html, "<p>a</p>");
}

#[test]
fn pictures_are_listed_once_in_their_order() {
    let article = made("<p>x<img src=b.png><img src=a.png><img src=b.png></p>");
    assert_eq!(article.images, ["https://example.org/posts/b.png", "https://example.org/posts/a.png"]);
}

#[test]
fn a_picture_within_its_address_stays_where_that_is_wanted() {
    let picture = format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(50));
    let body = format!("<p>x <img src='{picture}' alt='a dot'> <img src='data:image/svg+xml,{}'></p>", "x".repeat(1_000));
    assert_eq!(html(&body), "<p>x [image: a dot] </p>");
    let options = Options { data_images: true, ..Options::default() };
    let kept = article_with(&entry(&body), None, options);
    assert_eq!(kept.images, std::slice::from_ref(&picture));
    assert!(kept.html.contains(&picture));
    let harm = article_with(&entry("<a href='data:text/html,x'>y</a>"), None, options);
    assert_eq!(harm.html, "y");
}

#[test]
fn a_picture_within_its_address_that_is_not_shown_is_missed_only_where_it_is_more_than_a_sketch() {
    let picture = |bytes: usize| format!("data:image/png;base64,{}", "iVBORw0KGgo".repeat(bytes / 11));
    let none = Options { images: false, ..Options::default() };
    for options in [none, Options::default(), Options { data_images: true, ..Options::default() }] {
        let shown = |body: &str| article_with(&entry(body), None, options).html;
        let too_long = format!("<p>a <img src='{}'> b <img src='{}' alt='a plot'></p>", picture(2_000_000), picture(2_000_000));
        assert_eq!(shown(&too_long), "<p>a [image] b [image: a plot]</p>");
        let sketch = format!("<p><img src='{}'><noscript><img src=a.png alt=A></noscript></p>", picture(3_000));
        assert!(!shown(&sketch).contains("data:") && !shown(&sketch).contains("[image]"), "{}", shown(&sketch));
    }
    assert_eq!(
        article_with(&entry(&format!("<p>a <img src='{}'></p>", picture(1_000))), None, Options::default()).html,
        "<p>a </p>"
    );
}

#[test]
fn without_pictures_there_is_what_describes_them() {
    let options = Options { images: false, ..Options::default() };
    let article = article_with(&entry("<p>See <img src=a.png alt='a cat'> <a href=b><img src=b.png></a></p>"), None, options);
    let shown = "<p>See <a href=\"https://example.org/posts/a.png\">[image: a cat]</a> \
                 <a href=\"https://example.org/posts/b\">[image]</a></p>";
    assert_eq!((article.html.as_str(), article.images.len()), (shown, 0));
}

#[test]
fn a_picture_that_loads_late_is_described_once() {
    let options = Options { images: false, ..Options::default() };
    for around in ["{}", "<a href=b>{}</a>", "<figure>{}</figure>"] {
        let lazy = "<img data-src=a.png alt='a cat'><noscript><img src=a.png alt='a cat'></noscript>";
        let article = article_with(&entry(&around.replace("{}", lazy)), None, options);
        assert_eq!(article.html.matches("[image: a cat]").count(), 1, "{}", article.html);
    }
}

#[test]
fn what_a_newsletter_hides_for_the_lists_of_mail_programs_is_not_read() {
    for hidden in ["style='display:none;max-height:0'", "hidden", "style='font-size:0px'", "style='VISIBILITY: hidden'"] {
        for element in ["div", "span", "p"] {
            let article = made(&format!("<{element} {hidden}>Preheader</{element}><p style='font-size:0.9em'>The post.</p>"));
            assert_eq!(article.text, "The post.", "{element} {hidden}");
        }
    }
}

#[test]
fn the_summary_is_the_beginning_of_what_is_read() {
    let article = made("<h1>A</h1><p>b <b>c</b></p><ul><li>d</li></ul><script>e</script>");
    assert_eq!(article.summary, "A b c d");
}
