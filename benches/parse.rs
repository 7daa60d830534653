//! What reading a document costs beside plain feed-rs on the same clean bytes, which is the floor: time as a ratio of medians,
//! measured by turns in the same run, and peak memory as a multiple of the input, measured in a process of its own for each.
//! `cargo bench --bench parse`
#![expect(clippy::print_stdout, reason = "a bench tells what it measured")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use url::Url;

type Failure = Box<dyn std::error::Error>;

const MEGABYTE: usize = 1_000_000;
/// The documents: what they are written in, and how large they are.
const DOCUMENTS: &[(&str, usize)] = &[
    ("rss", MEGABYTE),
    ("rss", 10 * MEGABYTE),
    ("atom", MEGABYTE),
    ("atom", 10 * MEGABYTE),
    ("json", MEGABYTE),
    ("json", 10 * MEGABYTE),
];

fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if let [who, kind, size] = &arguments[..] {
        return alone(who, kind, size.parse()?);
    }
    println!(
        "{:>6}{:>7}{:>14}{:>14}{:>8}{:>16}{:>16}",
        "", "MB", "feed-rs (ms)", "feeds (ms)", "ratio", "feed-rs memory", "feeds memory"
    );
    for (kind, size) in DOCUMENTS {
        let text = document(kind, *size);
        let (floor, ours) = timed(text.as_bytes());
        let memory = |who| peak(who, kind, *size, text.len());
        println!(
            "{kind:>6}{:>7}{:>14.2}{:>14.2}{:>8.2}{:>16}{:>16}",
            size / MEGABYTE,
            floor.as_secs_f64() * 1e3,
            ours.as_secs_f64() * 1e3,
            ours.as_secs_f64() / floor.as_secs_f64(),
            memory("feed-rs")?,
            memory("feeds")?,
        );
    }
    Ok(())
}

/// The median time of each, taken by turns.
fn timed(bytes: &[u8]) -> (Duration, Duration) {
    let rounds = if bytes.len() > 5 * MEGABYTE { 9 } else { 31 };
    let (mut floor, mut ours) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        for (who, times) in [("feed-rs", &mut floor), ("feeds", &mut ours)] {
            let started = Instant::now();
            read(who, bytes);
            times.push(started.elapsed());
        }
    }
    floor.sort_unstable();
    ours.sort_unstable();
    (floor[rounds / 2], ours[rounds / 2])
}

fn read(who: &str, bytes: &[u8]) {
    if who == "feed-rs" {
        let _ = black_box(feed_rs::parser::Builder::new().sanitize_content(false).build().parse(bytes));
    } else {
        let base = Url::parse("https://example.org/feed.xml").ok();
        let _ = black_box(feeds::feed::parse(bytes, None, base.as_ref()));
    }
}

/// Reads one document in a process of its own, or none, and tells the peak of its memory.
fn alone(who: &str, kind: &str, size: usize) -> Result<(), Failure> {
    let text = document(kind, size);
    if who != "nobody" {
        read(who, text.as_bytes());
    }
    black_box(&text);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no peak of memory is told here")?;
    println!("{}", line.trim().trim_end_matches(" kB"));
    Ok(())
}

/// The peak of memory as a multiple of the input, the input itself included.
fn peak(who: &str, kind: &str, size: usize, input: usize) -> Result<String, Failure> {
    let kilobytes = |who: &str| -> Result<f64, Failure> {
        let out = Command::new(std::env::current_exe()?).args([who, kind, &size.to_string()]).output()?;
        Ok(String::from_utf8(out.stdout)?.trim().parse()?)
    };
    let input = f64::from(u32::try_from(input)?);
    Ok(format!("{:.1} ×", (kilobytes(who)? - kilobytes("nobody")?) * 1024.0 / input + 1.0))
}

/// A clean document of about so many bytes, in the shape of a blog's: three kilobytes of HTML an entry.
fn document(kind: &str, size: usize) -> String {
    let (head, foot) = match kind {
        "rss" => (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
             xmlns:dc=\"http://purl.org/dc/elements/1.1/\"><channel><title>A blog</title><link>https://example.org/</link>\
             <description>What it is about</description>",
            "</channel></rss>",
        ),
        "atom" => (
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><feed xmlns=\"http://www.w3.org/2005/Atom\"><title>A blog</title>\
             <id>https://example.org/</id><link href=\"https://example.org/\"/><updated>2026-01-02T03:04:05Z</updated>",
            "</feed>",
        ),
        _ => (
            "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"A blog\",\"home_page_url\":\"https://example.org/\",\"items\":[",
            "]}",
        ),
    };
    let mut text = String::from(head);
    let paragraph = "<p>Some <b>words</b> with <a href=\"https://example.org/a?b=c&amp;d=e\">a link</a>, and a good many more of them — as people write.</p>\n";
    let body = paragraph.repeat(22);
    let escaped = body.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let quoted = body.replace('"', "\\\"").replace('\n', "\\n");
    for number in 0.. {
        if text.len() + foot.len() >= size {
            break;
        }
        let _ = match kind {
            "rss" => write!(
                text,
                "<item>\n<title>Post number {number}</title>\n<link>https://example.org/posts/{number}</link>\n<guid isPermaLink=\"false\">tag:{number}</guid>\n\
                 <pubDate>Fri, 02 Jan 2026 03:04:05 GMT</pubDate>\n<dc:creator>Jane Roe</dc:creator>\n<category>one</category><category>two</category>\n\
                 <description>Some words with a link</description>\n<content:encoded><![CDATA[{body}]]></content:encoded>\n</item>\n"
            ),
            "atom" => write!(
                text,
                "<entry>\n<title>Post number {number}</title>\n<link href=\"https://example.org/posts/{number}\"/>\n<id>tag:{number}</id>\n\
                 <published>2026-01-02T03:04:05Z</published><updated>2026-01-02T03:04:05Z</updated>\n<author><name>Jane Roe</name></author>\n\
                 <summary>Some words with a link</summary>\n<content type=\"html\">{escaped}</content>\n</entry>\n"
            ),
            _ => write!(
                text,
                "{}{{\"id\":\"tag:{number}\",\"url\":\"https://example.org/posts/{number}\",\"title\":\"Post number {number}\",\
                 \"date_published\":\"2026-01-02T03:04:05Z\",\"content_html\":\"{quoted}\",\"tags\":[\"one\",\"two\"]}}",
                if number == 0 { "" } else { "," }
            ),
        };
    }
    text + foot
}
