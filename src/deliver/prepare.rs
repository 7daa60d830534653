//! PURE. What is done to an entry before anything is made of it: its body taken from its page, and a program of the user's. What
//! it needs for that is among the resources, or is missing. Never the entry's identity, which depends on the feed alone.

use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use super::change::{self, Change};
use super::make::{MakeError, Want};
use crate::article::{Cut, Lesser, compared};
use crate::feed::{Entry, FeedFacts};
use crate::fetch::{Access, Program};
use crate::resource::{Resource, Resources};

/// What is done to a feed's entries before they go, and how what that needs is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Needs {
    /// Their bodies are taken from their pages, cut out like this.
    pub fulltext: Option<Cut>,
    /// The program that they pass through.
    pub transform: Option<Program>,
    /// How the feed is asked.
    pub access: Option<Arc<Access>>,
    /// Where the feed is, if on the web.
    pub origin: Option<Url>,
}

/// An entry that is ready to be made into something.
pub(super) struct Prepared<'a> {
    pub(super) entry: Cow<'a, Entry>,
    /// `page` or `feed`, where pages are fetched.
    pub(super) content_from: &'static str,
    /// Why the body is not from its page, where it was to be.
    pub(super) without_page: Option<String>,
    /// What went otherwise than the configuration asks for.
    pub(super) notes: Vec<String>,
}

/// Prepares an entry; `shows_body` where its body is shown to a reader.
pub(super) fn prepared<'a>(
    entry: &'a Entry,
    feed: &FeedFacts,
    needs: &Needs,
    shows_body: bool,
    resources: &Resources,
) -> Result<Prepared<'a>, MakeError> {
    let mut prepared = Prepared { entry: entry.untracked(), content_from: "", without_page: None, notes: Vec::new() };
    if let Some(cut) = needs.fulltext.as_ref().filter(|_| shows_body || needs.transform.is_some()) {
        take_page(&mut prepared, cut, resources)?;
    }
    if let Some(program) = &needs.transform {
        pass(&mut prepared, feed, program, resources)?;
    }
    Ok(prepared)
}

fn take_page(prepared: &mut Prepared<'_>, cut: &Cut, resources: &Resources) -> Result<(), MakeError> {
    let page = prepared.entry.link().filter(|link| is_web(link)).map(str::to_owned);
    prepared.content_from = "feed";
    let Some(url) = page else {
        prepared.without_page = Some("the entry has no page".to_owned());
        return Ok(());
    };
    let want = Want::Page { url, cut: cut.clone() };
    let (why, is_odd) = match resources.get(&want.key()) {
        None if !resources.is_closed() => return Err(MakeError::Missing(vec![want])),
        None => ("its page was not fetched in time".to_owned(), true),
        Some(Resource::Failed(why)) => (format!("its page is of no use ({why})"), true),
        Some(Resource::Kept { bytes, .. }) => {
            let article = String::from_utf8_lossy(bytes);
            let entry = &prepared.entry;
            let (own, title) = (entry.body().unwrap_or_default(), entry.title.as_deref().unwrap_or_default());
            match compared(&article, own, title, cut) {
                Ok(()) => {
                    let entry = prepared.entry.to_mut();
                    // Of two bodies the richest goes: a long summary would win over a short article.
                    let wins = |entry: &Entry| entry.body() == entry.content.as_deref();
                    entry.content = Some(article.into_owned());
                    if !wins(entry) {
                        entry.summary = None;
                    }
                    prepared.content_from = "page";
                    return Ok(());
                }
                // The feed gives the whole already: nothing that its readers are to be told with each mail.
                Err(lesser) => (lesser.to_string(), lesser != Lesser::Shorter),
            }
        }
    };
    if is_odd {
        prepared.notes.push(format!("{why}; this is what the feed says"));
    }
    prepared.without_page = Some(why);
    Ok(())
}

fn pass(prepared: &mut Prepared<'_>, feed: &FeedFacts, program: &Program, resources: &Resources) -> Result<(), MakeError> {
    let input = change::input(&prepared.entry, feed, prepared.content_from);
    let want = Want::Change { input: input.to_string(), program: program.clone() };
    let name = program.name();
    let changed = match resources.get(&want.key()) {
        None if !resources.is_closed() => return Err(MakeError::Missing(vec![want])),
        None => Err("it was not run".to_owned()),
        Some(Resource::Failed(why)) => Err(why.clone()),
        Some(Resource::Kept { bytes, .. }) => change::changed(&prepared.entry, &input, bytes),
    };
    match changed {
        Ok(Change { entry: Some(entry), remark }) => {
            prepared.entry = Cow::Owned(entry);
            prepared.notes.extend(remark.map(|remark| format!("`transform`: {remark}")));
        }
        Ok(Change { entry: None, .. }) => return Err(MakeError::Dropped(format!("dropped by `{name}`"))),
        Err(why) => prepared.notes.push(format!("`transform` left it as it is: {why}")),
    }
    Ok(())
}

/// Whether an address is one of the web.
pub(super) fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
