//! What making an entry ready to read costs: HTML and text, beside bare ammonia and then html2text on the same body, measured by
//! turns in the same run; whether it grows as the body does; and what the worst bodies cost that are known.
//! `cargo bench --bench article`
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use feeds::article::article;
use feeds::feed::{Entry, Link};

const KILOBYTE: usize = 1_000;
/// How long the posts are, and how often each is made.
const POSTS: &[(usize, usize)] = &[(4 * KILOBYTE, 400), (100 * KILOBYTE, 40), (1_000 * KILOBYTE, 6)];
/// How long a hostile body is.
const HOSTILE: usize = 4_000 * KILOBYTE;

fn main() {
    println!("{:>8}{:>16}{:>24}{:>8}{:>12}", "kB", "article (µs)", "ammonia, html2text (µs)", "ratio", "MB/s");
    for (size, rounds) in POSTS {
        let entry = entry(post(*size));
        let body = entry.content.clone().unwrap_or_default();
        let (mut ours, mut floor) = (Vec::new(), Vec::new());
        for _ in 0..*rounds {
            ours.push(timed(|| drop(black_box(article(&entry, None)))));
            floor.push(timed(|| bare(&body)));
        }
        let (ours, floor) = (median(ours), median(floor));
        let (kilobytes, microseconds) = (body.len() / KILOBYTE, ours.as_secs_f64() * 1e6);
        println!(
            "{kilobytes:>8}{microseconds:>16.0}{:>24.0}{:>8.2}{:>12.1}",
            floor.as_secs_f64() * 1e6,
            ours.as_secs_f64() / floor.as_secs_f64(),
            f64::from(u32::try_from(body.len()).unwrap_or(u32::MAX)) / microseconds,
        );
    }
    println!("\n{:>32}{:>8}{:>12}{:>14}", "hostile", "kB", "ms", "text (kB)");
    for (name, body) in hostile() {
        let length = body.len();
        let entry = entry(body);
        let mut text = 0;
        let took = timed(|| text = article(&entry, None).text.len());
        println!("{name:>32}{:>8}{:>12.0}{:>14}", length / KILOBYTE, took.as_secs_f64() * 1e3, text / KILOBYTE);
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// What others do: made clean, parsed again, laid out.
fn bare(body: &str) {
    let clean = ammonia::clean(body);
    let _ = black_box(html2text::from_read(clean.as_bytes(), 72));
}

fn entry(body: String) -> Entry {
    let link = Link { href: "https://example.org/posts/1".to_owned(), ..Link::default() };
    Entry { links: vec![link], content: Some(body), ..Entry::default() }
}

/// A post of about so many bytes, in the shape of a blog's.
fn post(size: usize) -> String {
    let mut post = String::from("<div class=\"entry\"><h2>A heading</h2>\n");
    let mut number = 0;
    while post.len() < size {
        number += 1;
        let _ = writeln!(
            post,
            "<p class=\"x\">Some <b>words</b> with <a href=\"/posts/{number}?utm_source=rss\">a link</a>, and a good many more of \
             them — as people write, who say <em>this &amp; that</em> of what they have seen and thought.</p>"
        );
        match number % 6 {
            1 => post.push_str("<ul><li>one</li><li>two <code>three()</code></li></ul>\n"),
            2 => post.push_str("<figure><img src=\"/i/a.jpg\" srcset=\"/i/s.jpg 300w, /i/l.jpg 1200w\" width=\"1200\" alt=\"What it shows\"><figcaption>Below</figcaption></figure>\n"),
            3 => post.push_str("<pre><code class=\"language-rust\">fn main() {\n    println!(&quot;hello&quot;);\n}\n</code></pre>\n"),
            4 => post.push_str("<blockquote><p>What somebody else has said about it, word for word.</p></blockquote>\n"),
            5 => post.push_str("<table><tr><th>Name</th><th>Size</th></tr><tr><td>a</td><td>1</td></tr></table>\n"),
            _ => {}
        }
    }
    post.push_str("</div>");
    post
}

/// Bodies that are built to cost much.
fn hostile() -> Vec<(&'static str, String)> {
    let repeated = |piece: &str| piece.repeat(HOSTILE / piece.len());
    let rows = "<tr><td>a<td>b";
    let nested = |open: &str, depth: usize| format!("{}{}", open.repeat(depth), repeated("a <br> "));
    let mut fonts: String = (0..200).fold(String::new(), |mut text, number| {
        let _ = write!(text, "<font size={number}>");
        text
    });
    fonts.push_str(&repeated("x<p>"));
    vec![
        ("words", repeated("word ")),
        ("a word", "x".repeat(HOSTILE)),
        ("ideographs", repeated("漢")),
        ("blocks in blocks", repeated("<div>")),
        ("bold without end", repeated("<b>")),
        ("bold, ended in the wrong order", repeated("<b><p></b>")),
        ("fonts in every paragraph", fonts),
        ("paragraphs", repeated("<p>a")),
        ("cells", format!("<table>{}", repeated("<td>a"))),
        ("rows", format!("<table>{}", repeated(rows))),
        ("tables in cells", repeated("<table><tr><td>a<td>")),
        ("tables in 60 cells", nested("<table><tr><td>a<td>", 60)),
        ("between cells", format!("<table>{}", repeated("<img src=a>"))),
        ("text between rows", repeated("<table><tr>a</tr></table>")),
        ("lists in lists", repeated("<ul><li>a")),
        ("items 100 lists deep", nested("<ul><li>", 100)),
        ("lines 200 quotations deep", nested("<blockquote>", 200)),
        ("signs", repeated("&")),
        ("quotation marks", repeated("«a»")),
        ("attributes", format!("<p {}>", repeated("a=b "))),
        ("pictures", repeated("<img src=a alt=b>")),
        (
            "links",
            (0..HOSTILE / 24).fold(String::new(), |mut text, number| {
                let _ = write!(text, "<a href=/{number}>a</a> ");
                text
            }),
        ),
        ("pictures of many sizes", format!("<img srcset='{}'>", repeated("a 1w, "))),
        ("hidden pictures", repeated("<noscript><img src=a></noscript>")),
        ("formulas", repeated("<math><mi>x</mi></math>")),
        ("drawings in drawings", repeated("<svg><g>")),
        ("blanks", repeated(" ")),
        ("blanks in 200 blocks", format!("{}{}", "<div><i>".repeat(100), repeated(" \n"))),
        ("code in lines", format!("<pre>{}", repeated("<div>a</div>"))),
        ("raised signs", repeated("<sup>a</sup>")),
        ("comments", repeated("<!-- a -->")),
        ("templates", repeated("<template><p>")),
        ("forms", repeated("<select><option>")),
    ]
}
