//! `type = "linkding"`: entries become bookmarks of a linkding, by its REST API. To save a URL that is there already
//! overwrites it with the same values and makes no second one, so an answer that was lost may be asked for again.

use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Map, Value};
use toml::Spanned;
use url::Url;

use super::answer::{self, Patience, Verdict};
use super::{Kind, Link, Made, Parcel, Reports, Settings, SettingsError, SettingsMistake, Shared, Sink, SinkError, Wants};
use crate::clock::Clock;
use crate::delivery::{Outcome, Pause};
use crate::expression::Template;
use crate::feed::Facts;
use crate::net::{Client, HeaderMap, HeaderValue, HttpOptions, Limits, Method, Reply, Request};
use crate::secret::{SecretSource, redact};
use crate::units::Interval;

pub(super) const KIND: Kind = Kind { name: "linkding", summary: "links, saved as bookmarks in a linkding", local: false, build };

/// The keys of its table.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    url: Spanned<String>,
    #[serde(default)]
    tags: Vec<Spanned<String>>,
    #[serde(default = "minute")]
    timeout: Interval,
}

fn minute() -> Interval {
    Interval::from_secs(60)
}

const CONNECT: Duration = Duration::from_secs(10);
const MAX_ANSWER: u64 = 64 * 1024;
/// linkding's own limits: a longer URL or title is an error.
const MAX_URL: usize = 2048;
const MAX_TITLE: usize = 512;
/// Long enough to know the article by.
const MAX_DESCRIPTION: usize = 1000;
/// So many answers of "not now" in a row, and the service is in trouble, not the entries.
const UNANSWERED: u32 = 3;

fn build(mut settings: Settings<'_>, shared: &Shared) -> Result<Box<dyn Sink>, SettingsError> {
    let table = settings.span();
    let secret = settings.secret("token", shared);
    let keys = match settings.read::<Keys>() {
        Ok(keys) => keys,
        Err(SettingsError(others)) => return Err(SettingsError(secret.err().into_iter().chain(others).collect())),
    };
    let mut mistakes = Vec::new();
    let token = match secret {
        Ok(Some(token)) => Some(token),
        Ok(None) => {
            let help = "add `token_file`, `token_command` or `token`; linkding shows it under Settings, Integrations";
            mistakes.push(SettingsMistake::at(table, "`token` is missing").help(help));
            None
        }
        Err(mistake) => {
            mistakes.push(mistake);
            None
        }
    };
    let base = parse_base(keys.url.get_ref()).map_err(|what| mistakes.push(SettingsMistake::at(keys.url.span(), what))).ok();
    let mut tags = Vec::new();
    for tag in &keys.tags {
        match Template::parse(tag.get_ref()).and_then(|template| template.try_on(&Facts::specimen()).map(|_| template)) {
            Ok(template) => tags.push(template),
            Err(error) => mistakes.push(SettingsMistake::at(tag.span(), format!("`tags`: {error}")).help_if(error.help)),
        }
    }
    let (Some(base), Some(token), []) = (base, token, mistakes.as_slice()) else { return Err(SettingsError(mistakes)) };
    Ok(Box::new(Linkding {
        base,
        token,
        tags,
        timeout: keys.timeout.duration(),
        clock: Clock::system(),
        client: Client::open(&HttpOptions::new(shared.user_agent.clone(), CONNECT)),
    }))
}

/// The address of the linkding itself, its path ended by a slash.
fn parse_base(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|e| format!("`url` is not a URL: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("`url` must begin with https:// or http://".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("`url` must end with the path of the linkding, without `?` or `#`".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("`url` must not carry a login; linkding takes the token alone".to_owned());
    }
    let path = format!("{}/", url.path().trim_end_matches('/'));
    url.set_path(&path);
    Ok(url)
}

#[derive(Debug)]
struct Linkding {
    base: Url,
    token: SecretSource,
    tags: Vec<Template>,
    timeout: Duration,
    clock: Clock,
    client: Client,
}

impl Linkding {
    /// An address of its API. Django insists on the slash at the end: without it a redirect, which loses the bookmark.
    fn api(&self, path: &str, query: Option<&str>) -> Url {
        let mut url = self.base.clone();
        url.set_path(&format!("{}api/{path}/", self.base.path()));
        url.set_query(query);
        url
    }

    async fn ask(&self, method: Method, url: Url, body: Option<Value>) -> Result<Reply, Verdict> {
        let token = self.token.reveal().await.map_err(|e| Verdict::rest(e.to_string()))?;
        let mut authorization = HeaderValue::from_str(&format!("Token {}", token.reveal()))
            .map_err(|_| Verdict::rest("the token has characters that a header cannot carry"))?;
        authorization.set_sensitive(true);
        let json = HeaderValue::from_static("application/json");
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization);
        headers.insert("accept", json.clone());
        if body.is_some() {
            headers.insert("content-type", json);
        }
        let body = body.map(|body| body.to_string().into_bytes());
        let target = self.client.target(url).map_err(|error| answer::of_error(&error))?;
        let request = Request { method, target, headers, body, max_body: MAX_ANSWER, limits: Limits::whole(self.timeout) };
        let mut reply = self.client.send(request).await.map_err(|error| answer::of_error(&error))?;
        // An answer that quotes the token is shown to nobody.
        let quoted = |window: &[u8]| window == token.reveal().as_bytes();
        if reply.body.windows(token.reveal().len().max(1)).any(quoted) {
            reply.body.clear();
        }
        Ok(reply)
    }

    async fn save(&self, link: &Link) -> Verdict {
        let body = match self.bookmark(link) {
            Ok(body) => body,
            Err(reason) => return Verdict::rejected(reason, false),
        };
        // Without this it fetches the page while we wait.
        let url = self.api("bookmarks", Some("disable_scraping"));
        let reply = match self.ask(Method::POST, url, Some(body)).await {
            Ok(reply) => reply,
            Err(verdict) => return verdict,
        };
        match reply.status {
            200 | 201 => match number(&reply) {
                Some(id) => Verdict::This(Outcome::Accepted { receipt: format!("bookmark {id}"), was_there: false }),
                // "Created" is only said by what has created something.
                None if reply.status == 201 => {
                    Verdict::This(Outcome::Accepted { receipt: "created".to_owned(), was_there: false })
                }
                // A login page or a captive portal says 200 to everything.
                None => Verdict::rest(format!("{}, and no bookmark: is that a linkding?", answer::said(&reply))),
            },
            _ => answer::of_reply(&reply, self.clock.now()),
        }
    }

    /// What is posted. What is empty is left out: sent, it would overwrite what is there.
    fn bookmark(&self, link: &Link) -> Result<Value, String> {
        match Url::parse(&link.url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => {}
            Ok(_) | Err(_) => return Err(format!("`{}` is not a web address", cut(&link.url, 200))),
        }
        let length = link.url.chars().count();
        if length > MAX_URL {
            return Err(format!("the link has {length} characters, and linkding takes {MAX_URL}: `{}`", cut(&link.url, 200)));
        }
        let mut tags: Vec<Value> = Vec::new();
        for template in &self.tags {
            let tag = template.render(&link.facts).map_err(|e| format!("`tags`: {e}"))?;
            let tag = Value::from(as_tag(&tag));
            if tag != "" && !tags.contains(&tag) {
                tags.push(tag);
            }
        }
        let mut body = Map::new();
        body.insert("url".to_owned(), link.url.clone().into());
        for (key, text) in
            [("title", cut(link.title.trim(), MAX_TITLE)), ("description", cut(link.facts.entry.summary.trim(), MAX_DESCRIPTION))]
        {
            if !text.is_empty() {
                body.insert(key.to_owned(), text.into());
            }
        }
        if !tags.is_empty() {
            body.insert("tag_names".to_owned(), tags.into());
        }
        body.insert("unread".to_owned(), true.into());
        Ok(Value::Object(body))
    }

    async fn deliver_all(&self, parcels: &[Parcel], report: &Reports) -> Result<(), Pause> {
        let mut patience = Patience::new(UNANSWERED);
        for parcel in parcels {
            let verdict = match &parcel.made {
                Made::Link(link) => self.save(link).await,
                Made::Mail(_) => Verdict::rejected("a mail was made where a link is wanted", false),
            };
            match verdict {
                Verdict::This(outcome) => {
                    report.send(parcel, outcome.clone()).await;
                    patience.bear(&outcome)?;
                }
                Verdict::Rest(pause) => return Err(pause),
            }
        }
        Ok(())
    }

    async fn check_login(&self) -> Result<String, SinkError> {
        let failed = |verdict: Verdict| match verdict {
            Verdict::Rest(Pause { reason, .. })
            | Verdict::This(
                Outcome::Retry { reason, .. }
                | Outcome::Misaddressed { reason }
                | Outcome::Unknown { reason }
                | Outcome::Rejected { reason, .. },
            ) => SinkError { reason, help: None },
            Verdict::This(Outcome::Accepted { receipt, .. }) => SinkError { reason: receipt, help: None },
        };
        let reply = self.ask(Method::GET, self.api("user/profile", None), None).await.map_err(failed)?;
        let help = |text: &str| Some(text.to_owned());
        match reply.status {
            200 if matches!(serde_json::from_slice(&reply.body), Ok(Value::Object(_))) => {
                Ok(format!("linkding at {} answered, the token is good", self.place()))
            }
            200 => Err(SinkError { reason: answer::said(&reply), help: help("is `url` the address of a linkding?") }),
            404 => Err(SinkError { reason: answer::said(&reply), help: help("`url` must be where linkding's start page is") }),
            401 | 403 => {
                let reason = format!("the token was refused: {}", answer::said(&reply));
                Err(SinkError { reason, help: help("linkding shows the token under Settings, Integrations") })
            }
            _ => Err(failed(answer::of_reply(&reply, self.clock.now()))),
        }
    }
}

impl Sink for Linkding {
    fn check(&self) -> BoxFuture<'_, Result<String, SinkError>> {
        Box::pin(self.check_login())
    }

    fn wants(&self) -> Wants {
        Wants::Link
    }

    fn deliver<'a>(&'a self, parcels: &'a [Parcel], report: &'a Reports) -> BoxFuture<'a, Result<(), Pause>> {
        Box::pin(self.deliver_all(parcels, report))
    }

    fn place(&self) -> String {
        redact(&self.base).trim_end_matches('/').to_owned()
    }
}

/// The bookmark's number in a reply.
fn number(reply: &Reply) -> Option<u64> {
    serde_json::from_slice::<Value>(&reply.body).ok()?.get("id")?.as_u64()
}

/// A tag as linkding would write it: it divides tags at spaces and commas.
fn as_tag(text: &str) -> String {
    let words: Vec<&str> =
        text.split(|c: char| c == ',' || c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
    words.join("-")
}

/// At most `most` characters, an ellipsis at the end where some are left out.
fn cut(text: &str, most: usize) -> String {
    if text.chars().nth(most).is_none() {
        return text.to_owned();
    }
    let kept: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

#[cfg(test)]
#[path = "linkding_tests.rs"]
mod tests;
