//! PURE. Where well-known sites keep their feeds, and the paths at which others mostly do. Goes in: the URL that a person typed,
//! or what a site answered. Comes out: URLs that may be feeds, which the caller asks.

use url::Url;

use super::Found;

/// What the URL of a page says about its feeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Site {
    /// These are its feeds: the only one, or a choice.
    Feeds(Vec<Found>),
    /// This address says where the feed is: [`podcast`] reads its answer.
    Podcast(Url),
}

/// The paths at which a site that names no feed mostly has one, the likeliest first. This many requests it costs at most.
const WELL_KNOWN: &[&str] = &["/feed", "/rss", "/rss.xml", "/atom.xml", "/feed.xml", "/index.xml", "/feed.json"];

/// The URLs to try where a page names no feed: on its own host.
#[must_use]
pub fn well_known(page: &Url) -> Vec<Url> {
    let mut found = Vec::with_capacity(WELL_KNOWN.len());
    for path in WELL_KNOWN {
        let mut url = page.clone();
        url.set_path(path);
        url.set_query(None);
        url.set_fragment(None);
        if url != *page {
            found.push(url);
        }
    }
    found
}

/// What is known of a site by the URL of one of its pages alone; `None` for all others, and for what is a feed already.
#[must_use]
pub fn site(page: &Url) -> Option<Site> {
    if !matches!(page.scheme(), "http" | "https") || page.port().is_some() {
        return None;
    }
    let host = page.host_str()?.trim_end_matches('.').to_ascii_lowercase();
    let bare = host.strip_prefix("www.").unwrap_or(&host);
    let parts: Vec<&str> = page.path_segments()?.filter(|part| !part.is_empty()).collect();
    let last = parts.last().copied().unwrap_or_default();
    // Of these, the last part is mostly a name.
    let is_name = matches!(bare, "github.com" | "gitlab.com" | "codeberg.org" | "pypi.org" | "crates.io");
    let is_feed =
        [".rss", ".atom", ".xml", ".json"].iter().any(|end| last.ends_with(end)) || (!is_name && matches!(last, "rss" | "feed"));
    if is_feed {
        return None;
    }
    let found = match bare {
        "youtube.com" | "m.youtube.com" => youtube(page, &parts)?,
        "reddit.com" | "old.reddit.com" | "new.reddit.com" => reddit(&parts)?,
        "github.com" => github(&parts)?,
        "gitlab.com" => gitlab(&parts)?,
        "codeberg.org" | "pypi.org" | "crates.io" => super::code::feeds(bare, &parts)?,
        "bsky.app" => match parts.as_slice() {
            ["profile", who] => one(&format!("https://bsky.app/profile/{who}/rss"), "posts")?,
            _ => return None,
        },
        "podcasts.apple.com" | "itunes.apple.com" => return podcast_of(last),
        "medium.com" => match parts.as_slice() {
            [who, ..] if !matches!(*who, "tag" | "m" | "p" | "feed") => {
                one(&format!("https://medium.com/feed/{who}"), "stories")?
            }
            ["tag", tag, ..] => one(&format!("https://medium.com/feed/tag/{tag}"), "stories")?,
            _ => return None,
        },
        "tumblr.com" => match parts.as_slice() {
            ["tagged" | "explore" | "search" | "dashboard" | "blog", ..] | [] => return None,
            [who, ..] => one(&format!("https://{}.tumblr.com/rss", label(who)?), "posts")?,
        },
        "news.ycombinator.com" => match parts.as_slice() {
            [] | ["news"] => one("https://news.ycombinator.com/rss", "front page")?,
            _ => return None,
        },
        _ => by_landlord(&host, bare, &parts)?,
    };
    Some(Site::Feeds(found))
}

/// Sites whose users have a host of their own, and the Stack Exchange sites.
fn by_landlord(host: &str, bare: &str, parts: &[&str]) -> Option<Vec<Found>> {
    const STACKS: &[&str] =
        &["stackoverflow.com", "serverfault.com", "superuser.com", "askubuntu.com", "mathoverflow.net", "stackapps.com"];
    if STACKS.contains(&bare) || bare.ends_with(".stackexchange.com") {
        return match parts {
            ["questions", "tagged", tag, ..] => one(&format!("https://{host}/feeds/tag/{tag}"), "questions"),
            ["questions", number, ..] if number.bytes().all(|c| c.is_ascii_digit()) => {
                one(&format!("https://{host}/feeds/question/{number}"), "answers")
            }
            [] | ["questions"] => one(&format!("https://{host}/feeds"), "questions"),
            _ => None,
        };
    }
    for (landlord, path) in [
        ("substack.com", "feed"),
        ("tumblr.com", "rss"),
        ("medium.com", "feed"),
        ("wordpress.com", "feed/"),
        ("blogspot.com", "feeds/posts/default"),
    ] {
        let who = host.strip_suffix(landlord).and_then(|rest| rest.strip_suffix('.'));
        if who.is_some_and(|who| !who.is_empty() && !matches!(who, "www" | "open")) {
            return one(&format!("https://{host}/{path}"), "posts");
        }
    }
    None
}

/// Where a page that names no feed of its own may have one by the look of its address: a profile as Mastodon has them, a community
/// or a user as Lemmy has them.
#[must_use]
pub fn by_shape(page: &Url) -> Vec<Url> {
    let parts: Vec<&str> = page.path_segments().into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let (path, query) = match parts.as_slice() {
        [who] if who.len() > 1 && who.starts_with('@') && !who.contains('.') => (format!("/{who}.rss"), None),
        // Else it is sorted by what is talked of most, where old posts come up again.
        [kind @ ("c" | "u"), name] => (format!("/feeds/{kind}/{name}.xml"), Some("sort=New")),
        _ => return Vec::new(),
    };
    let mut url = page.clone();
    url.set_path(&path);
    url.set_query(query);
    vec![url]
}

/// The feeds of a channel of YouTube, whose own page or feed names it by this id.
fn channel(id: &str) -> Option<Vec<Found>> {
    let rest = id.strip_prefix("UC").filter(|rest| rest.len() == 22 && is_id(rest))?;
    let feed = |key: &str, value: &str, title: &str| found(&format!("{YOUTUBE}?{key}={value}"), title);
    Some(vec![
        feed("channel_id", id, "all videos")?,
        feed("playlist_id", &format!("UULF{rest}"), "videos without shorts and live streams")?,
        feed("playlist_id", &format!("UUSH{rest}"), "shorts")?,
    ])
}

const YOUTUBE: &str = "https://www.youtube.com/feeds/videos.xml";

fn youtube(page: &Url, parts: &[&str]) -> Option<Vec<Found>> {
    match parts {
        ["channel", id, ..] => channel(id),
        ["playlist"] => {
            let list = page.query_pairs().find(|(key, _)| key == "list").map(|(_, list)| list.into_owned())?;
            is_id(&list).then(|| one(&format!("{YOUTUBE}?playlist_id={list}"), "playlist")).flatten()
        }
        _ => None,
    }
}

/// The choices that the feed of a channel, as its page names it, stands for: a page of a handle names the channel's feed alone.
#[must_use]
pub fn choices(feeds: Vec<Found>) -> Vec<Found> {
    let [only] = feeds.as_slice() else { return feeds };
    let of_youtube = only.url.host_str().is_some_and(|host| host.trim_start_matches("www.") == "youtube.com");
    let id = only.url.query_pairs().find(|(key, _)| of_youtube && key == "channel_id").map(|(_, id)| id.into_owned());
    id.and_then(|id| channel(&id)).unwrap_or(feeds)
}

fn reddit(parts: &[&str]) -> Option<Vec<Found>> {
    match parts {
        [] => one("https://www.reddit.com/.rss", "front page"),
        ["r", name] | ["r", name, "hot"] => one(&format!("https://www.reddit.com/r/{name}/.rss"), "posts"),
        ["r", name, sort @ ("new" | "top" | "rising")] => one(&format!("https://www.reddit.com/r/{name}/{sort}/.rss"), "posts"),
        ["user" | "u", name, ..] => one(&format!("https://www.reddit.com/user/{name}/.rss"), "posts and comments"),
        ["r", name, "comments", id, ..] => one(&format!("https://www.reddit.com/r/{name}/comments/{id}/.rss"), "comments"),
        _ => None,
    }
}

fn github(parts: &[&str]) -> Option<Vec<Found>> {
    /// First parts of paths that are no user's.
    const OWN: &[&str] =
        &["about", "explore", "features", "marketplace", "orgs", "settings", "sponsors", "topics", "trending", "login", "search"];
    let at = |path: &str, title: &str| found(&format!("https://github.com/{path}"), title);
    match parts {
        [own, ..] if OWN.contains(own) => None,
        [who] => Some(vec![at(&format!("{who}.atom"), "public activity")?]),
        [who, name, "releases", ..] => Some(vec![at(&format!("{who}/{name}/releases.atom"), "releases")?]),
        [who, name, "tags"] => Some(vec![at(&format!("{who}/{name}/tags.atom"), "tags")?]),
        [who, name, "commits" | "tree", branch] => Some(vec![at(&format!("{who}/{name}/commits/{branch}.atom"), "commits")?]),
        [who, name, "commits"] => Some(vec![at(&format!("{who}/{name}/commits.atom"), "commits")?]),
        [who, name] => {
            let name = name.strip_suffix(".git").unwrap_or(name);
            Some(vec![
                at(&format!("{who}/{name}/releases.atom"), "releases")?,
                at(&format!("{who}/{name}/tags.atom"), "tags")?,
                at(&format!("{who}/{name}/commits.atom"), "commits")?,
            ])
        }
        _ => None,
    }
}

fn gitlab(parts: &[&str]) -> Option<Vec<Found>> {
    if matches!(parts.first(), None | Some(&("explore" | "users" | "help" | "dashboard" | "groups" | "search"))) {
        return None;
    }
    let project: Vec<&str> = parts.iter().take_while(|part| **part != "-").copied().collect();
    let at = |path: &str, title: &str| found(&format!("https://gitlab.com/{path}"), title);
    let name = project.join("/");
    match (project.len(), parts.get(project.len() + 1)) {
        (1, None) => Some(vec![at(&format!("{name}.atom"), "public activity")?]),
        (2.., Some(&"releases")) => Some(vec![at(&format!("{name}/-/releases.atom"), "releases")?]),
        (2.., Some(&"tags")) => Some(vec![at(&format!("{name}/-/tags?format=atom"), "tags")?]),
        (2.., Some(&"commits" | &"tree")) => {
            let branch = parts.get(project.len() + 2..).filter(|rest| !rest.is_empty())?.join("/");
            Some(vec![at(&format!("{name}/-/commits/{branch}?format=atom"), "commits")?])
        }
        (2.., None) => Some(vec![
            at(&format!("{name}/-/releases.atom"), "releases")?,
            at(&format!("{name}/-/tags?format=atom"), "tags")?,
            at(&format!("{name}/-/commits/HEAD?format=atom"), "commits")?,
            at(&format!("{name}.atom"), "activity")?,
        ]),
        _ => None,
    }
}

fn podcast_of(last: &str) -> Option<Site> {
    let id = last.strip_prefix("id").filter(|id| !id.is_empty() && id.bytes().all(|c| c.is_ascii_digit()))?;
    Url::parse(&format!("https://itunes.apple.com/lookup?id={id}&entity=podcast")).ok().map(Site::Podcast)
}

/// The feed of a podcast, in the answer of Apple's directory.
#[must_use]
pub fn podcast(answer: &[u8]) -> Option<Found> {
    let answer: serde_json::Value = serde_json::from_slice(answer).ok()?;
    let show = answer.get("results")?.get(0)?;
    let title = show.get("collectionName").and_then(|name| name.as_str()).map(crate::feed::text::one_line);
    let url = Url::parse(show.get("feedUrl")?.as_str()?).ok().filter(super::is_web)?;
    Some(Found { url, title: title.filter(|title| !title.is_empty()), kind: String::new() })
}

pub(super) fn one(url: &str, title: &str) -> Option<Vec<Found>> {
    found(url, title).map(|found| vec![found])
}

pub(super) fn found(url: &str, title: &str) -> Option<Found> {
    Some(Found { url: Url::parse(url).ok()?, title: Some(title.to_owned()), kind: String::new() })
}

fn is_id(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_'))
}

/// A word that may be a label of a host's name.
fn label(text: &str) -> Option<&str> {
    let text = text.trim_start_matches('@');
    (!text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(page: &str) -> Vec<String> {
        match site(&Url::parse(page).unwrap()) {
            Some(Site::Feeds(feeds)) => feeds.into_iter().map(|feed| feed.url.to_string()).collect(),
            Some(Site::Podcast(url)) => vec![format!("lookup {url}")],
            None => Vec::new(),
        }
    }

    #[test]
    fn a_page_of_a_known_site_leads_to_its_feed() {
        for (page, feed) in [
            (
                "https://www.youtube.com/playlist?list=PLabc_1-2&si=x",
                "https://www.youtube.com/feeds/videos.xml?playlist_id=PLabc_1-2",
            ),
            ("https://www.reddit.com/r/rust", "https://www.reddit.com/r/rust/.rss"),
            ("https://old.reddit.com/r/rust/new/", "https://www.reddit.com/r/rust/new/.rss"),
            ("https://www.reddit.com/user/someone/submitted", "https://www.reddit.com/user/someone/.rss"),
            ("https://github.com/someone", "https://github.com/someone.atom"),
            ("https://github.com/a/b/releases/latest", "https://github.com/a/b/releases.atom"),
            ("https://github.com/a/b/tags", "https://github.com/a/b/tags.atom"),
            ("https://github.com/a/b/tree/main", "https://github.com/a/b/commits/main.atom"),
            ("https://gitlab.com/someone", "https://gitlab.com/someone.atom"),
            ("https://gitlab.com/a/b/-/releases/v1.0", "https://gitlab.com/a/b/-/releases.atom"),
            ("https://gitlab.com/a/b/c/-/commits/main", "https://gitlab.com/a/b/c/-/commits/main?format=atom"),
            ("https://bsky.app/profile/bsky.app", "https://bsky.app/profile/bsky.app/rss"),
            (
                "https://podcasts.apple.com/us/podcast/a-show/id123456?i=1",
                "lookup https://itunes.apple.com/lookup?id=123456&entity=podcast",
            ),
            ("https://medium.com/@someone", "https://medium.com/feed/@someone"),
            ("https://medium.com/netflix-techblog/a-story-1a2b", "https://medium.com/feed/netflix-techblog"),
            ("https://medium.com/tag/rust/latest", "https://medium.com/feed/tag/rust"),
            ("https://someone.medium.com/about", "https://someone.medium.com/feed"),
            ("https://someone.substack.com/p/a-post", "https://someone.substack.com/feed"),
            ("https://someone.tumblr.com/", "https://someone.tumblr.com/rss"),
            ("https://www.tumblr.com/someone/123/a-post", "https://someone.tumblr.com/rss"),
            ("https://someone.wordpress.com/2026/01/a-post/", "https://someone.wordpress.com/feed/"),
            ("https://someone.blogspot.com/", "https://someone.blogspot.com/feeds/posts/default"),
            ("https://stackoverflow.com/questions/tagged/rust", "https://stackoverflow.com/feeds/tag/rust"),
            ("https://unix.stackexchange.com/questions/123/a-title", "https://unix.stackexchange.com/feeds/question/123"),
            ("https://news.ycombinator.com/", "https://news.ycombinator.com/rss"),
        ] {
            assert_eq!(urls(page), [feed], "{page}");
        }
    }

    #[test]
    fn a_channel_and_a_repository_are_a_choice() {
        let rest = "abcdefghijklmnopqrstuv";
        assert_eq!(
            urls(&format!("https://www.youtube.com/channel/UC{rest}/videos")),
            [
                format!("https://www.youtube.com/feeds/videos.xml?channel_id=UC{rest}"),
                format!("https://www.youtube.com/feeds/videos.xml?playlist_id=UULF{rest}"),
                format!("https://www.youtube.com/feeds/videos.xml?playlist_id=UUSH{rest}"),
            ]
        );
        assert_eq!(
            urls("https://github.com/a/b.git"),
            ["https://github.com/a/b/releases.atom", "https://github.com/a/b/tags.atom", "https://github.com/a/b/commits.atom"]
        );
        assert_eq!(
            urls("https://gitlab.com/g/sub/p"),
            [
                "https://gitlab.com/g/sub/p/-/releases.atom",
                "https://gitlab.com/g/sub/p/-/tags?format=atom",
                "https://gitlab.com/g/sub/p/-/commits/HEAD?format=atom",
                "https://gitlab.com/g/sub/p.atom"
            ]
        );
        // The page of a handle names one feed, by the channel's id: it stands for the same choice.
        let named = found(&format!("https://www.youtube.com/feeds/videos.xml?channel_id=UC{rest}"), "RSS").unwrap();
        assert_eq!(choices(vec![named]).len(), 3);
        let other = found("https://h.example/feed?channel_id=UCabcdefghijklmnopqrstuv", "RSS").unwrap();
        assert_eq!(choices(vec![other.clone()]), [other]);
    }

    #[test]
    fn all_other_pages_and_feeds_themselves_are_left_to_what_they_say() {
        for page in [
            "https://example.org/r/rust",
            "https://www.youtube.com/@someone",
            "https://www.youtube.com/channel/UCshort",
            "https://www.youtube.com/feeds/videos.xml?channel_id=x",
            "https://www.reddit.com/r/rust/.rss",
            "https://github.com/a/b/releases.atom",
            "https://github.com/a/b/issues/1",
            "https://github.com/features/actions",
            "https://gitlab.com/explore",
            "https://someone.tumblr.com/rss",
            "https://www.tumblr.com/tagged/rust",
            "https://medium.com/feed/@someone",
            "https://github.com:8443/a/b",
            "https://substack.com/",
            "https://news.ycombinator.com/item?id=1",
            "ftp://github.com/a/b",
        ] {
            assert_eq!(urls(page), [""; 0], "{page}");
        }
    }

    #[test]
    fn a_profile_is_told_by_its_shape() {
        let shapes = |page: &str| by_shape(&Url::parse(page).unwrap()).into_iter().map(String::from).collect::<Vec<_>>();
        assert_eq!(shapes("https://mastodon.example/@someone?x"), ["https://mastodon.example/@someone.rss"]);
        assert_eq!(shapes("https://lemmy.example/c/linux?x"), ["https://lemmy.example/feeds/c/linux.xml?sort=New"]);
        assert_eq!(
            shapes("https://lemmy.example/u/me@far.example"),
            ["https://lemmy.example/feeds/u/me@far.example.xml?sort=New"]
        );
        assert!(shapes("https://mastodon.example/@someone/123").is_empty() && shapes("https://h.example/@a.rss").is_empty());
    }

    #[test]
    fn the_usual_paths_are_on_the_same_host() {
        let page = Url::parse("https://me:pw@h.example:8443/blog/?page=2#x").unwrap();
        let found: Vec<String> = well_known(&page).into_iter().map(String::from).collect();
        assert_eq!(found.len(), 7);
        assert_eq!(found[0], "https://me:pw@h.example:8443/feed");
        assert_eq!(well_known(&Url::parse("https://h.example/feed").unwrap()).len(), 6, "what was asked is not asked again");
    }

    #[test]
    fn the_directory_of_podcasts_says_where_a_feed_is() {
        let answer = br#"{"resultCount":1,"results":[{"collectionName":"A Show","feedUrl":"https://h.example/show.xml"}]}"#;
        let show = podcast(answer).unwrap();
        assert_eq!((show.url.as_str(), show.title.as_deref()), ("https://h.example/show.xml", Some("A Show")));
        for none in ["", "{}", r#"{"results":[]}"#, r#"{"results":[{"feedUrl":"file:///etc/passwd"}]}"#] {
            assert_eq!(podcast(none.as_bytes()), None, "{none}");
        }
    }
}
