//! PURE. Films, sounds and frames: no mail plays them, so each becomes a link that says what it is.

use url::Url;

use super::trackers::counts_readers;
use super::{Go, Pass};
use crate::article::dom::Id;
use crate::feed::text::{cut, one_line};

/// The longest name of an embedded thing, in characters.
const LONGEST_NAME: usize = 120;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sort {
    Video,
    Audio,
    Page,
}

/// Who plays what.
const PLAYERS: &[(&str, Sort, &str)] = &[
    ("youtube.com", Sort::Video, "YouTube"),
    ("youtube-nocookie.com", Sort::Video, "YouTube"),
    ("youtu.be", Sort::Video, "YouTube"),
    ("vimeo.com", Sort::Video, "Vimeo"),
    ("dailymotion.com", Sort::Video, "Dailymotion"),
    ("ted.com", Sort::Video, "TED"),
    ("twitch.tv", Sort::Video, "Twitch"),
    ("rumble.com", Sort::Video, "Rumble"),
    ("wistia.net", Sort::Video, "Wistia"),
    ("brightcove.net", Sort::Video, "Brightcove"),
    ("soundcloud.com", Sort::Audio, "SoundCloud"),
    ("spotify.com", Sort::Audio, "Spotify"),
    ("bandcamp.com", Sort::Audio, "Bandcamp"),
    ("podcasts.apple.com", Sort::Audio, "Apple Podcasts"),
    ("simplecast.com", Sort::Audio, "Simplecast"),
    ("megaphone.fm", Sort::Audio, "Megaphone"),
    ("buzzsprout.com", Sort::Audio, "Buzzsprout"),
    ("libsyn.com", Sort::Audio, "Libsyn"),
    ("google.com", Sort::Page, "Google"),
    ("codepen.io", Sort::Page, "CodePen"),
    ("x.com", Sort::Page, "X"),
    ("twitter.com", Sort::Page, "X"),
    ("instagram.com", Sort::Page, "Instagram"),
];

/// What is embedded: where it leads, what it is called, and a picture of it.
struct Embedded {
    url: Url,
    label: String,
    picture: Option<String>,
}

impl Pass<'_> {
    pub(super) fn embed(&mut self, id: Id) -> Go {
        if self.is_hidden(id) && self.tree.name(id) == "iframe" {
            return self.drop(id);
        }
        let Some(embedded) = self.embedded(id) else {
            // What a page shows where it cannot embed.
            return if matches!(self.tree.name(id), "object") { self.unwrap(id) } else { self.drop(id) };
        };
        let next = self.tree.after(id);
        let parent = self.tree.parent(id).map(|parent| self.tree.name(parent).to_owned()).unwrap_or_default();
        let stands_alone = matches!(parent.as_str(), "div" | "html" | "li" | "td" | "dd" | "blockquote" | "figure");
        let new = self.shown_embed(id, &embedded);
        if stands_alone {
            let paragraph = self.tree.add_element("p", &[]);
            self.tree.append(paragraph, new);
            self.tree.replace(id, paragraph);
        } else {
            self.tree.replace(id, new);
        }
        Go::To(next)
    }

    /// The link that stands for it; within another link its name alone.
    fn shown_embed(&mut self, id: Id, embedded: &Embedded) -> Id {
        let label = self.tree.add_text(&embedded.label);
        if self.within(id, "a") {
            return label;
        }
        let link = self.tree.add_element("a", &[("href", embedded.url.as_str())]);
        if let Some(picture) = embedded.picture.as_deref().filter(|_| self.context.options.images) {
            let picture = self.tree.add_element("img", &[("src", picture), ("alt", "")]);
            let end = self.tree.add_element("br", &[]);
            self.tree.append(link, picture);
            self.tree.append(link, end);
        }
        self.tree.append(link, label);
        link
    }

    fn embedded(&mut self, id: Id) -> Option<Embedded> {
        let element = self.tree.name(id).to_owned();
        let get = |name: &str| self.tree.attribute(id, name).map(str::to_owned).filter(|value| !value.trim().is_empty());
        let title = get("title")
            .or(get("aria-label"))
            .or(get("playlabel"))
            .map(|title| one_line(&title))
            .filter(|title| !title.is_empty());
        if element == "lite-youtube" {
            return youtube(&get("videoid")?, title.as_deref());
        }
        let sources = ["src", "data-src", "data-lazy-src", "data-original", "data"];
        let written: Vec<String> = sources.iter().filter_map(|name| get(name)).collect();
        let poster = get("poster");
        let url = written.iter().find_map(|address| self.web(address)).or_else(|| self.source_within(id))?;
        if counts_readers(&url) {
            return None;
        }
        let picture = poster.and_then(|poster| self.web(&poster)).map(String::from);
        match element.as_str() {
            "video" => Some(Embedded { label: label(Sort::Video, title.as_deref(), file(&url)), url, picture }),
            "audio" => Some(Embedded { label: label(Sort::Audio, title.as_deref(), file(&url)), url, picture: None }),
            _ => Some(framed(url, title.as_deref())),
        }
    }

    /// The address that a film, a sound or an object has within.
    fn source_within(&mut self, id: Id) -> Option<Url> {
        let mut addresses = Vec::new();
        for inner in self.tree.children(id).take(64) {
            let address = match self.tree.name(inner) {
                "source" | "embed" | "iframe" => self.tree.attribute(inner, "src").or(self.tree.attribute(inner, "data-src")),
                "param" if matches!(self.tree.attribute(inner, "name"), Some("movie" | "src")) => {
                    self.tree.attribute(inner, "value")
                }
                _ => None,
            };
            addresses.extend(address.map(str::to_owned));
        }
        // Of many formats the one that everything plays.
        let plain = addresses.iter().position(|address| address.contains(".mp4") || address.contains(".mp3")).unwrap_or(0);
        addresses.get(plain).cloned().and_then(|address| self.web(&address))
    }
}

fn label(sort: Sort, title: Option<&str>, place: &str) -> String {
    let sort = match sort {
        Sort::Video => "▶ Video",
        Sort::Audio => "▶ Audio",
        Sort::Page => "Embedded",
    };
    match title {
        Some(title) if !place.is_empty() && title != place => format!("{sort}: {} ({place})", cut(title, LONGEST_NAME)),
        Some(title) => format!("{sort}: {}", cut(title, LONGEST_NAME)),
        None => format!("{sort}: {}", cut(place, LONGEST_NAME)),
    }
}

/// The name of the file at an address, else its host.
fn file(url: &Url) -> &str {
    let last = url.path_segments().and_then(|mut segments| segments.next_back()).unwrap_or_default();
    if last.is_empty() || last.contains('%') { url.host_str().unwrap_or_default() } else { last }
}

/// What a frame shows, by who serves it.
fn framed(url: Url, title: Option<&str>) -> Embedded {
    let host = url.host_str().unwrap_or_default();
    let host = host.strip_prefix("www.").unwrap_or(host).to_owned();
    let is_of = |of: &str| host.strip_suffix(of).is_some_and(|before| before.is_empty() || before.ends_with('.'));
    let segments: Vec<&str> = url.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let Some((_, sort, name)) = PLAYERS.iter().find(|(of, _, _)| is_of(of)) else {
        return Embedded { label: label(Sort::Page, title, &host), url, picture: None };
    };
    let page = match (*name, &segments[..]) {
        ("YouTube", ["embed" | "v" | "shorts" | "live", id, ..]) if *id != "videoseries" => {
            return youtube(id, title).unwrap_or_else(|| plain(&url, title, *sort, name));
        }
        ("YouTube", ["watch"]) => url.query_pairs().find(|(key, _)| key == "v").and_then(|(_, id)| return_page(&id)),
        ("YouTube", ["embed", "videoseries"]) => {
            let list = url.query_pairs().find(|(key, _)| key == "list");
            list.and_then(|(_, id)| is_id(&id).then(|| format!("https://www.youtube.com/playlist?list={id}")))
        }
        ("Vimeo", ["video", id, ..]) if is_id(id) => Some(format!("https://vimeo.com/{id}")),
        ("Dailymotion", ["embed", "video", id, ..]) if is_id(id) => Some(format!("https://www.dailymotion.com/video/{id}")),
        ("Spotify", ["embed", sort, id, ..]) if is_id(id) && is_id(sort) => Some(format!("https://open.spotify.com/{sort}/{id}")),
        ("SoundCloud", ["player", ..]) => {
            let shown = url.query_pairs().find(|(key, _)| key == "url").map(|(_, shown)| shown.into_owned());
            shown.filter(|shown| {
                Url::parse(shown).is_ok_and(|shown| {
                    shown.scheme() == "https" && shown.host_str().is_some_and(|host| host.ends_with("soundcloud.com"))
                })
            })
        }
        _ => None,
    };
    match page.and_then(|page| Url::parse(&page).ok()) {
        Some(page) => plain(&page, title, *sort, name),
        None => plain(&url, title, *sort, name),
    }
}

fn plain(url: &Url, title: Option<&str>, sort: Sort, name: &str) -> Embedded {
    Embedded { url: url.clone(), label: label(sort, title, name), picture: None }
}

fn return_page(id: &str) -> Option<String> {
    is_id(id).then(|| format!("https://www.youtube.com/watch?v={id}"))
}

fn is_id(id: &str) -> bool {
    !id.is_empty() && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
}

/// A film on YouTube, with its picture.
fn youtube(id: &str, title: Option<&str>) -> Option<Embedded> {
    let title = title.filter(|title| !title.eq_ignore_ascii_case("YouTube video player") && *title != "YouTube video");
    let url = Url::parse(&return_page(id)?).ok()?;
    let picture = Some(format!("https://i.ytimg.com/vi/{id}/hqdefault.jpg"));
    Some(Embedded { url, label: label(Sort::Video, title, "YouTube"), picture })
}
