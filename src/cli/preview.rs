//! `feeds preview`: how an entry would be delivered. Made by the same function as a delivery; nothing is sent or remembered.

use std::borrow::Cow;
use std::sync::Arc;

use clap::ValueEnum;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::session::{Place, facts, id_domain, needs};
use super::source::{self, Named};
use crate::config::{Config, Feed};
use crate::deliver::{Addressed, MakeError, NothingMade, Order, Pantry, Shelf, draft};
use crate::delivery::MessageId;
use crate::expression::Template;
use crate::feed::identity::uid;
use crate::feed::{Document, Entry, EntryFacts, FeedFacts, Keys};
use crate::fetch::{Fetch, Fetcher, Source};
use crate::mail::{self, ComposeError, Look};
use crate::resource::Resources;
use crate::sink::{Sink, Wants};
use crate::work::Pool;

/// What `feeds preview` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A feed's name, a URL, or a file
    source: String,
    /// Which entry, counted from the document's first
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    entry: u32,
    /// To which sink; else the feed's first
    #[arg(long, value_name = "NAME")]
    sink: Option<String>,
    /// What is shown of it
    #[arg(long = "as", value_name = "FORM", value_enum, default_value_t = Form::Text)]
    form: Form,
    /// Also say where it would go, and why
    #[arg(long)]
    explain: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Form {
    /// The mail's headers and its text
    Text,
    /// The mail's page
    Html,
    /// The whole mail as it would be sent
    Eml,
    /// The link alone
    Url,
}

/// A delivery that is not made, as scripts see it.
#[derive(Debug, Serialize)]
struct Preview {
    feed: String,
    sinks: Vec<String>,
    sink: Option<String>,
    title: Option<String>,
    url: Option<String>,
    message_id: String,
    from: Option<String>,
    to: Vec<String>,
    subject: Option<String>,
    text: String,
    html: String,
    content_from: Option<String>,
    carried: Vec<String>,
    notes: Vec<String>,
}

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    let config = place.config_if_any()?;
    let named = source::find(&arguments.source, config.as_ref())?;
    let caller = source::caller(place, config.as_ref())?;
    let answer = source::fetch_by(&caller, place, config.as_ref(), &named).await?;
    let parsed = source::read(&answer, None, None).await?;
    let parsed =
        parsed.map_err(|error| Failure::needs_person(format!("cannot read {}", named.shown)).because(error.to_string()))?;
    let document = parsed.document;
    let place_of = usize::try_from(arguments.entry - 1).unwrap_or(usize::MAX);
    let entry = document.entries.get(place_of).ok_or_else(|| {
        let holds = crate::words::count(document.entries.len() as u64, "entry");
        Failure::usage(format!("there is no entry {}", arguments.entry)).because(format!("{} holds {holds}", named.shown))
    })?;
    let target = target(place, config.as_ref(), &named, arguments.sink.as_deref(), &document)?;
    show(place, &arguments, &named, &target, entry, caller.fetcher()).await?;
    Ok(Exit::Done)
}

/// The sink that is previewed, and how things look there.
struct Target {
    sink: Option<String>,
    sinks: Vec<String>,
    wants: Wants,
    addressed: Addressed,
    feed_url: String,
    /// It is a subscription already.
    subscribed: bool,
}

fn target(
    place: &Place,
    config: Option<&Config>,
    named: &Named<'_>,
    sink: Option<&str>,
    document: &Document,
) -> Result<Target, Failure> {
    if let Some(name) = sink
        && config.is_none_or(|config| config.sink(name).is_none())
    {
        let known: Vec<String> =
            config.into_iter().flat_map(|config| &config.sinks).map(|(name, _)| format!("`{name}`")).collect();
        let help =
            if known.is_empty() { "no sinks are configured".to_owned() } else { format!("there are {}", known.join(", ")) };
        return Err(Failure::usage(format!("there is no sink `{name}`")).with_help(help));
    }
    let feed = match (named.feed, config) {
        (Some(feed), _) => Some(Cow::Borrowed(feed)),
        (None, Some(config)) => trial(place, config, named, sink, document).map(Cow::Owned),
        (None, None) => None,
    };
    let feed = feed.as_deref();
    let sinks = feed.map(|feed| feed.sinks.clone()).unwrap_or_default();
    let chosen = sink.map(str::to_owned).or_else(|| sinks.first().cloned());
    let wants = chosen.as_ref().and_then(|name| config?.sink(name)).map_or(Wants::Mail, Sink::wants);
    let of_feed = |name: &String| feed.and_then(|feed| feed.looks.get(name)).or_else(|| config?.looks.get(name)).cloned();
    let look = chosen.as_ref().and_then(of_feed).map_or_else(plain_look, Ok)?;
    let shown = named.shown.trim_matches('`').to_owned();
    let mut told =
        feed.map_or_else(|| FeedFacts { name: "preview".to_owned(), url: shown.clone(), ..FeedFacts::default() }, facts);
    told.title = document.title.clone().unwrap_or_else(|| told.name.clone());
    told.link = document.link.clone().unwrap_or_default();
    told.language = document.language.clone().unwrap_or_default();
    Ok(Target {
        sink: chosen,
        sinks,
        wants,
        subscribed: feed.is_some_and(|feed| config.is_some_and(|config| config.feed(&feed.name).is_some())),
        addressed: Addressed { feed: told, look: Some(look), needs: feed.map(needs).unwrap_or_default() },
        feed_url: feed.map_or(shown, |feed| feed.url.clone()),
    })
}

/// What is no feed's name, as `feeds add` would subscribe to it.
fn trial(place: &Place, config: &Config, named: &Named<'_>, sink: Option<&str>, document: &Document) -> Option<Feed> {
    let url = match &named.source {
        Source::Http(url) => Some(url.clone()),
        Source::File(path) => url::Url::from_file_path(path).ok(),
        Source::Command(_) => None,
    };
    let sinks: Vec<String> = sink.map(str::to_owned).into_iter().collect();
    config.trial(&url?, document.title.as_deref(), &sinks, &place.env)
}

/// How a mail looks where no configuration says so.
fn plain_look() -> Result<Look, Failure> {
    let internal = |error: String| Failure::needs_person(format!("cannot make a plain mail: {error}"));
    let from = "feeds@localhost".parse().map_err(|_| internal("the address is none".to_owned()))?;
    Ok(Look::plain(from, Template::builtin("reader@localhost")))
}

/// What was made of the entry.
struct Made {
    title: Option<String>,
    url: Option<String>,
    reading: mail::Reading,
    /// The whole mail; a link may be missing for one that is nothing else.
    bytes: Result<Vec<u8>, ComposeError>,
    facts: EntryFacts,
    without_page: Option<String>,
    carried: Vec<String>,
}

fn make(order: Order<'_>) -> Result<Made, MakeError> {
    let draft = draft(order)?;
    let letter = draft.letter();
    let look = order.addressed.look.as_ref().ok_or(MakeError::NoLook)?;
    let reading = mail::reading(letter, look)?;
    let size = |bytes: &[u8]| crate::expression::size(bytes.len() as u64);
    let named = |url: &str| if url.starts_with("data:") { "an image that the post holds".to_owned() } else { url.to_owned() };
    let images =
        letter.inline.iter().map(|image| format!("{} ({}, {})", named(&image.url), image.media_type, size(&image.bytes)));
    let files = letter.attachments.iter().map(|file| format!("{} ({}, {})", file.name, file.media_type, size(&file.bytes)));
    Ok(Made {
        title: draft.entry().title.clone(),
        url: draft.entry().link().map(str::to_owned),
        reading,
        bytes: mail::compose(letter, look).map(|mail| mail.bytes),
        facts: letter.facts.entry.clone(),
        without_page: draft.without_page().map(str::to_owned),
        carried: images.chain(files).collect(),
    })
}

async fn show(
    place: &Place,
    arguments: &Arguments,
    named: &Named<'_>,
    target: &Target,
    entry: &Entry,
    fetcher: Arc<Fetcher>,
) -> Result<(), Failure> {
    let cannot = |error: String| {
        Failure::needs_person(format!("entry {} of {} cannot be delivered", arguments.entry, named.shown)).because(error)
    };
    let keys = Keys::of(entry);
    let domain = target.addressed.look.as_ref().map_or_else(|| "localhost".to_owned(), |look| id_domain(look.from.domain()));
    let message_id = MessageId::derive(&uid(&target.feed_url, keys), target.sink.as_deref().unwrap_or("preview"), 0, &domain);
    let first_seen = place.clock.now();
    let pool = Pool::start().map_err(|error| Failure::storage(format!("cannot start a thread: {error}")))?;
    let pantry = Pantry::new(fetcher as Arc<dyn Fetch>, pool, place.clock.clone());
    let making = {
        let (entry, addressed, message_id, wants) = (entry.clone(), target.addressed.clone(), message_id.clone(), target.wants);
        move |resources: &Resources| {
            let (entry, addressed, message_id) = (&entry, &addressed, &message_id);
            let (follows, small, light, also_in) = (None, None, None, &[][..]);
            make(Order { entry, addressed, wants, message_id, follows, first_seen, small, light, also_in, resources })
        }
    };
    let made = match pantry.make(&Shelf::Memory, &target.addressed, making).await {
        Ok(made) => made.map_err(|error| cannot(error.to_string()))?,
        Err(NothingMade::Panicked(panicked)) => return Err(cannot(panicked.to_string())),
        Err(NothingMade::Later(why)) => return Err(cannot(why)),
        Err(NothingMade::Store(error)) => return Err(error.into()),
    };
    let printer = &place.printer;
    for note in &made.facts.notes {
        tracing::warn!("entry {} of {}: {note}", arguments.entry, named.shown);
    }
    if printer.json {
        printer.json(&Preview {
            feed: target.addressed.feed.name.clone(),
            sinks: target.sinks.clone(),
            sink: target.sink.clone(),
            title: made.title,
            url: made.url,
            message_id: message_id.as_str().to_owned(),
            from: Some(made.reading.from),
            to: made.reading.to,
            subject: Some(made.reading.subject),
            text: made.reading.text,
            html: made.reading.html,
            content_from: Some(made.facts.content_from).filter(|from| !from.is_empty()),
            carried: made.carried,
            notes: made.facts.notes,
        });
        return Ok(());
    }
    if arguments.explain {
        explain(place, target, &made);
    }
    for remark in &made.reading.remarks {
        tracing::warn!("{remark}");
    }
    match (arguments.form, target.wants) {
        (Form::Eml, _) => printer.bytes(&made.bytes.map_err(|error| cannot(error.to_string()))?),
        (Form::Html, _) => printer.fact(&made.reading.html),
        (Form::Url, _) => printer.fact(made.url.as_deref().ok_or_else(|| cannot("it has no link".to_owned()))?),
        (Form::Text, Wants::Link) => {
            printer.fact(made.title.as_deref().unwrap_or("(no title)"));
            printer.fact(made.url.as_deref().unwrap_or("(no link)"));
        }
        (Form::Text, Wants::Mail) => {
            let reading = &made.reading;
            printer.fact(&format!("From: {}\nTo: {}\nSubject: {}\n", reading.from, reading.to.join(", "), reading.subject));
            printer.fact(reading.text.trim_end());
        }
    }
    Ok(())
}

/// Where the entry would go, and why.
fn explain(place: &Place, target: &Target, made: &Made) {
    let printer = &place.printer;
    let tags = if target.addressed.feed.tags.is_empty() { "none".to_owned() } else { target.addressed.feed.tags.join(", ") };
    printer.note(&format!("feed: {} (tags: {tags})", target.addressed.feed.name));
    let goes_to = match (target.sinks.join(", "), target.subscribed) {
        (sinks, _) if sinks.is_empty() => "none: it is no subscription".to_owned(),
        (sinks, true) => sinks,
        (sinks, false) => format!("{sinks}, once `feeds add` has subscribed to it"),
    };
    printer.note(&format!("goes to: {goes_to}"));
    printer.note(&format!("shown for: {}", target.sink.as_deref().unwrap_or("no sink; as a plain mail")));
    if let (Wants::Mail, Some(look)) = (target.wants, &target.addressed.look) {
        printer.note(&format!(
            "to: {}; from_name: {}; subject: {}",
            look.to.source(),
            look.from_name.source(),
            look.subject.source()
        ));
    }
    match made.facts.content_from.as_str() {
        "" => {}
        "page" => printer.note("its body: from its page"),
        _ => printer.note(&format!("its body: what the feed says; {}", made.without_page.as_deref().unwrap_or("nothing else"))),
    }
    for carried in &made.carried {
        printer.note(&format!("carries: {carried}"));
    }
    printer.note("");
}
