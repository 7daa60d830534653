//! A short name for a new feed. Goes in: its URL, its title, the names that are taken. Comes out: a name that is free:
//! `lwn` for lwn.net, `devblogs-microsoft` where `microsoft` is taken.

use url::{Host, Url};

use super::section::is_name;

/// First labels of a host that say only that feeds or posts are there.
const PLAIN_LABELS: &[&str] = &["www", "feeds", "feed", "rss", "atom", "blog", "blogs", "news", "m", "web"];
/// Second labels that belong to the top-level domain, as in `co.uk`.
const SECOND_LEVEL: &[&str] = &["co", "com", "org", "net", "ac", "gov", "edu", "or", "ne"];
/// Hosts that give each of their users a name below their own.
const LANDLORDS: &[&str] = &[
    "github.io",
    "gitlab.io",
    "codeberg.page",
    "blogspot.com",
    "wordpress.com",
    "substack.com",
    "tumblr.com",
    "medium.com",
    "livejournal.com",
    "dreamwidth.org",
    "neocities.org",
    "bearblog.dev",
    "ghost.io",
    "netlify.app",
    "vercel.app",
    "pages.dev",
];
/// Hosts on which the path or the title tells the feeds apart, not the host.
const CROWDED: &[&str] =
    &["youtube", "reddit", "github", "gitlab", "codeberg", "feedburner", "medium", "vimeo", "kill-the-newsletter"];
/// Parts of a path that every site has.
const PLAIN_SEGMENTS: &[&str] = &[
    "feed",
    "feeds",
    "rss",
    "rss2",
    "atom",
    "index",
    "xml",
    "json",
    "headlines",
    "blog",
    "blogs",
    "posts",
    "post",
    "all",
    "full",
    "default",
    "main",
    "latest",
    "en",
    "r",
    "user",
    "users",
    "u",
    "channel",
    "videos",
    "tag",
    "category",
    "home",
    "api",
    "v1",
];
/// A derived name is typed by hand: it stays short.
const LONGEST: usize = 30;

/// A short name for the feed at `url`, not among those that are `taken`.
#[must_use]
pub fn derive_name(url: &Url, title: Option<&str>, taken: &dyn Fn(&str) -> bool) -> String {
    let title = title.map(slug).filter(|slug| !slug.is_empty());
    let segment = telling_segment(url);
    let host = host_labels(url);
    let mut candidates: Vec<String> = Vec::new();
    if let Some(core) = host.last() {
        let with_segment = segment.as_ref().map(|segment| slug(&format!("{core}-{segment}")));
        if CROWDED.contains(&core.as_str()) {
            candidates.extend(with_segment);
            candidates.extend(title.clone());
            candidates.push(slug(core));
        } else {
            candidates.push(slug(core));
            candidates.push(slug(&host.join("-")));
            candidates.extend(with_segment);
            candidates.extend(title.clone());
        }
    } else if url.scheme() == "file" {
        candidates.extend(segment.map(|segment| slug(&segment)));
        candidates.extend(title);
    } else {
        candidates.extend(title);
        candidates.extend(segment.map(|segment| slug(&segment)));
        candidates.extend(url.host_str().map(slug));
    }
    candidates.retain(|name| is_name(name));
    if let Some(free) = candidates.iter().find(|name| !taken(name)) {
        return free.clone();
    }
    let base = candidates.first().map_or("feed", String::as_str);
    if candidates.is_empty() && !taken(base) {
        return base.to_owned();
    }
    (2..u32::MAX).map(|number| format!("{base}-{number}")).find(|name| !taken(name)).unwrap_or_default()
}

/// The host's telling labels, the most telling last; none for an address or a host of one label.
fn host_labels(url: &Url) -> Vec<String> {
    let Some(Host::Domain(host)) = url.host() else { return Vec::new() };
    let host = host.trim_end_matches('.');
    let user = LANDLORDS.iter().find_map(|landlord| host.strip_suffix(landlord)?.strip_suffix('.'));
    let mut labels: Vec<&str> = user.unwrap_or(host).split('.').collect();
    if user.is_none() {
        let short_top = labels.last().is_some_and(|top| top.len() == 2);
        labels.pop();
        if short_top && labels.len() > 1 && labels.last().is_some_and(|label| SECOND_LEVEL.contains(label)) {
            labels.pop();
        }
    }
    while labels.len() > 1 && PLAIN_LABELS.contains(&labels[0]) {
        labels.remove(0);
    }
    labels.into_iter().map(str::to_owned).collect()
}

/// The last part of the path that is not what every site has.
fn telling_segment(url: &Url) -> Option<String> {
    let segments = url.path_segments()?.rev();
    segments.map(|segment| segment.rsplit_once('.').map_or(segment, |(stem, _)| stem).to_lowercase()).find(|stem| {
        let word = stem.trim_start_matches('@');
        !word.is_empty() && !PLAIN_SEGMENTS.contains(&word) && word.chars().any(|c| c.is_ascii_alphabetic())
    })
}

/// A text as a name: small letters, digits, and single dashes; cut at a word.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if matches!(c, '\'' | '\u{2019}') {
            // "Fefe's" is one word.
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    if slug.len() > LONGEST {
        let cut = slug[..=LONGEST].rfind('-').filter(|at| *at > 0).unwrap_or(LONGEST);
        slug.truncate(cut);
    }
    slug.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(url: &str, title: &str, taken: &[&str]) -> String {
        let title = Some(title).filter(|title| !title.is_empty());
        derive_name(&Url::parse(url).unwrap(), title, &|name| taken.contains(&name))
    }

    #[test]
    fn a_name_is_the_telling_part_of_the_host() {
        assert_eq!(name("https://lwn.net/headlines/rss", "LWN.net", &[]), "lwn");
        assert_eq!(name("https://feeds.arstechnica.com/arstechnica/index", "", &[]), "arstechnica");
        assert_eq!(name("https://www.bbc.co.uk/news/rss.xml", "", &[]), "bbc");
        assert_eq!(name("https://blog.rust-lang.org/feed.xml", "Rust Blog", &[]), "rust-lang");
        assert_eq!(name("https://someone.substack.com/feed", "", &[]), "someone");
        assert_eq!(name("https://blog.com/feed", "", &[]), "blog");
    }

    #[test]
    fn where_many_share_a_host_the_path_or_the_title_is_the_name() {
        assert_eq!(name("https://www.reddit.com/r/rust/.rss", "", &[]), "reddit-rust");
        let channel = "https://www.youtube.com/feeds/videos.xml?channel_id=x";
        assert_eq!(name(channel, "The Coding Train & Friends: a Very Long Title", &[]), "the-coding-train-friends-a");
        assert_eq!(name(channel, "日本", &[]), "youtube");
    }

    #[test]
    fn a_name_that_is_taken_gets_more_of_the_host_the_path_or_the_title_or_a_number() {
        let url = "https://devblogs.microsoft.com/oldnewthing/feed";
        assert_eq!(name(url, "", &[]), "microsoft");
        assert_eq!(name(url, "", &["microsoft"]), "devblogs-microsoft");
        assert_eq!(name(url, "", &["microsoft", "devblogs-microsoft"]), "microsoft-oldnewthing");
        assert_eq!(name("https://lwn.net/rss", "LWN Weekly", &["lwn"]), "lwn-weekly");
        assert_eq!(name("https://lwn.net/rss", "", &["lwn", "lwn-2"]), "lwn-3");
    }

    #[test]
    fn a_file_and_an_address_have_names_too() {
        assert_eq!(name("file:///srv/fixtures/Demo%20feed.xml", "", &[]), "demo-20feed");
        assert_eq!(name("http://127.0.0.1:8080/rss", "Fefe\u{2019}s Blog", &[]), "fefes-blog");
        assert_eq!(name("http://127.0.0.1:8080/rss", "", &[]), "127-0-0-1");
        assert_eq!(name("http://[::1]/", "", &["1"]), "1-2");
        assert_eq!(name("file:///rss", "", &[]), "feed");
        assert_eq!(name("file:///rss", "", &["feed"]), "feed-2");
    }
}
