//! `feeds preview`: how an entry would be delivered. Made by the same function as a delivery; nothing is sent or remembered.

use clap::ValueEnum;
use serde::Serialize;

use super::failure::{Exit, Failure};
use super::session::{Place, facts};
use super::source::{self, Named};
use crate::article::article;
use crate::config::Config;
use crate::deliver::{Addressed, Order, make};
use crate::delivery::MessageId;
use crate::expression::Template;
use crate::feed::identity::uid;
use crate::feed::{Document, Entry, Facts, FeedFacts, Keys};
use crate::mail::{self, Letter, Look, Mail};
use crate::sink::{Made, Sink, Wants};

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
}

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    let config = place.config_if_any()?;
    let named = source::find(&arguments.source, config.as_ref())?;
    let answer = source::fetch(place, config.as_ref(), &named).await?;
    let parsed = source::read(&answer, None, None).await?;
    let parsed =
        parsed.map_err(|error| Failure::needs_person(format!("cannot read {}", named.shown)).because(error.to_string()))?;
    let document = parsed.document;
    let place_of = usize::try_from(arguments.entry - 1).unwrap_or(usize::MAX);
    let entry = document.entries.get(place_of).ok_or_else(|| {
        let holds = crate::words::count(document.entries.len() as u64, "entry");
        Failure::usage(format!("there is no entry {}", arguments.entry)).because(format!("{} holds {holds}", named.shown))
    })?;
    let target = target(config.as_ref(), &named, arguments.sink.as_deref(), &document)?;
    show(place, &arguments, &named, &target, entry)?;
    Ok(Exit::Done)
}

/// The sink that is previewed, and how things look there.
struct Target {
    sink: Option<String>,
    sinks: Vec<String>,
    wants: Wants,
    addressed: Addressed,
    feed_url: String,
}

fn target(config: Option<&Config>, named: &Named<'_>, sink: Option<&str>, document: &Document) -> Result<Target, Failure> {
    let sinks = named.feed.map(|feed| feed.sinks.clone()).unwrap_or_default();
    let chosen = match (sink, config) {
        (None, _) => sinks.first().cloned(),
        (Some(name), Some(config)) if config.sink(name).is_some() => Some(name.to_owned()),
        (Some(name), _) => {
            let known: Vec<String> =
                config.into_iter().flat_map(|config| &config.sinks).map(|(name, _)| format!("`{name}`")).collect();
            let help =
                if known.is_empty() { "no sinks are configured".to_owned() } else { format!("there are {}", known.join(", ")) };
            return Err(Failure::usage(format!("there is no sink `{name}`")).with_help(help));
        }
    };
    let wants = chosen.as_ref().and_then(|name| config?.sink(name)).map_or(Wants::Mail, Sink::wants);
    let of_feed = |name: &String| named.feed.and_then(|feed| feed.looks.get(name)).or_else(|| config?.looks.get(name)).cloned();
    let look = chosen.as_ref().and_then(of_feed).map_or_else(plain_look, Ok)?;
    let shown = named.shown.trim_matches('`').to_owned();
    let mut feed =
        named.feed.map_or_else(|| FeedFacts { name: "preview".to_owned(), url: shown.clone(), ..FeedFacts::default() }, facts);
    feed.title = document.title.clone().unwrap_or_else(|| feed.name.clone());
    feed.link = document.link.clone().unwrap_or_default();
    feed.language = document.language.clone().unwrap_or_default();
    let feed_url = named.feed.map_or(shown, |feed| feed.url.clone());
    Ok(Target { sink: chosen, sinks, wants, addressed: Addressed { feed, look: Some(look) }, feed_url })
}

/// How a mail looks where no configuration says so.
fn plain_look() -> Result<Look, Failure> {
    let internal = |error: String| Failure::needs_person(format!("cannot make a plain mail: {error}"));
    let from = "feeds@localhost".parse().map_err(|_| internal("the address is none".to_owned()))?;
    Ok(Look::plain(from, Template::builtin("reader@localhost")))
}

fn show(place: &Place, arguments: &Arguments, named: &Named<'_>, target: &Target, entry: &Entry) -> Result<(), Failure> {
    let cannot = |error: String| {
        Failure::needs_person(format!("entry {} of {} cannot be delivered", arguments.entry, named.shown)).because(error)
    };
    let keys = Keys::of(entry);
    let domain = target.addressed.look.as_ref().map_or("localhost", |look| look.from.domain());
    let message_id = MessageId::derive(&uid(&target.feed_url, keys), target.sink.as_deref().unwrap_or("preview"), 0, domain);
    let first_seen = place.clock.now();
    let addressed = &target.addressed;
    let article = article(entry, Some(addressed.feed.link.as_str()));
    let facts = Facts::new(&addressed.feed, entry, &article.summary);
    let letter = Letter {
        entry,
        article: &article,
        facts: &facts,
        message_id: &message_id,
        in_reply_to: None,
        first_seen,
        inline: &[],
        attachments: &[],
    };
    let order =
        |wants| Order { entry, addressed, wants, message_id: &message_id, follows: None, first_seen, small: None, also_in: &[] };
    let mail = || -> Result<Mail, Failure> {
        match make(order(Wants::Mail)).map_err(|error| cannot(error.to_string()))? {
            Made::Mail(mail) => Ok(mail),
            Made::Link(_) => Err(cannot("the sink takes no mail".to_owned())),
        }
    };
    let look = addressed.look.as_ref().ok_or_else(|| cannot("the sink takes no mail".to_owned()))?;
    let reading = mail::reading(letter, look).map_err(|error| cannot(error.to_string()))?;
    let printer = &place.printer;
    if printer.json {
        printer.json(&Preview {
            feed: addressed.feed.name.clone(),
            sinks: target.sinks.clone(),
            sink: target.sink.clone(),
            title: entry.title.clone(),
            url: entry.link().map(str::to_owned),
            message_id: message_id.as_str().to_owned(),
            from: Some(reading.from),
            to: reading.to,
            subject: Some(reading.subject),
            text: reading.text,
            html: reading.html,
        });
        return Ok(());
    }
    if arguments.explain {
        explain(place, target);
    }
    for remark in &reading.remarks {
        tracing::warn!("{remark}");
    }
    match (arguments.form, target.wants) {
        (Form::Eml, _) => printer.bytes(&mail()?.bytes),
        (Form::Html, _) => printer.fact(&reading.html),
        (Form::Url, _) => printer.fact(entry.link().ok_or_else(|| cannot("it has no link".to_owned()))?),
        (Form::Text, Wants::Link) => {
            printer.fact(entry.title.as_deref().unwrap_or("(no title)"));
            printer.fact(entry.link().unwrap_or("(no link)"));
        }
        (Form::Text, Wants::Mail) => {
            printer.fact(&format!("From: {}\nTo: {}\nSubject: {}\n", reading.from, reading.to.join(", "), reading.subject));
            printer.fact(reading.text.trim_end());
        }
    }
    Ok(())
}

/// Where the entry would go, and why.
fn explain(place: &Place, target: &Target) {
    let printer = &place.printer;
    let tags = if target.addressed.feed.tags.is_empty() { "none".to_owned() } else { target.addressed.feed.tags.join(", ") };
    printer.note(&format!("feed: {} (tags: {tags})", target.addressed.feed.name));
    let sinks = if target.sinks.is_empty() { "none: it is no subscription".to_owned() } else { target.sinks.join(", ") };
    printer.note(&format!("goes to: {sinks}"));
    printer.note(&format!("shown for: {}", target.sink.as_deref().unwrap_or("no sink; as a plain mail")));
    if let (Wants::Mail, Some(look)) = (target.wants, &target.addressed.look) {
        printer.note(&format!(
            "to: {}; from_name: {}; subject: {}",
            look.to.source(),
            look.from_name.source(),
            look.subject.source()
        ));
    }
    printer.note("");
}
