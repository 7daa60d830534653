//! `feeds show`: what a document holds, as a sink would be given it.

use jiff::Timestamp;
use serde::Serialize;
use url::Url;

use super::failure::{Exit, Failure};
use super::output::local;
use super::session::Place;
use super::source;
use crate::article::ShownEntry;
use crate::feed::{Document, Person};
use crate::words::count;

/// What `feeds show` takes.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A feed's name, a URL, or a file
    source: String,
    /// What relative URLs are relative to; else where the document came from
    #[arg(long, value_name = "URL")]
    base: Option<Url>,
    /// What the document is taken for; else what its server said
    #[arg(long, value_name = "CT")]
    content_type: Option<String>,
}

/// A document, as scripts see it.
#[derive(Debug, Default, Serialize)]
struct Shown {
    ok: bool,
    error: Option<String>,
    format: Option<&'static str>,
    title: Option<String>,
    link: Option<String>,
    id: Option<String>,
    subtitle: Option<String>,
    updated: Option<Timestamp>,
    language: Option<String>,
    entries: Vec<ShownEntry>,
}

pub(super) async fn run(place: &Place, arguments: Arguments) -> Result<Exit, Failure> {
    match document(place, &arguments).await {
        Ok(document) if place.printer.json => {
            place.printer.json(&source::on_pool(move || shown(document)).await?);
            Ok(Exit::Done)
        }
        Ok(document) => {
            people(place, &document);
            Ok(Exit::Done)
        }
        Err(failure) if place.printer.json => {
            let cause = failure.cause.clone().map(|cause| format!(": {cause}")).unwrap_or_default();
            place.printer.json(&Shown { error: Some(format!("{}{cause}", failure.error)), ..Shown::default() });
            Ok(failure.exit)
        }
        Err(failure) => Err(failure),
    }
}

async fn document(place: &Place, arguments: &Arguments) -> Result<Document, Failure> {
    let config = place.config_if_any()?;
    let named = source::find(&arguments.source, config.as_ref())?;
    let answer = source::fetch(place, config.as_ref(), &named).await?;
    let parsed = source::read(&answer, arguments.base.clone(), arguments.content_type.clone()).await?;
    let parsed =
        parsed.map_err(|error| Failure::needs_person(format!("cannot read {}", named.shown)).because(error.to_string()))?;
    parsed.remarks.iter().for_each(|remark| tracing::warn!("{}: {remark}", named.shown));
    Ok(parsed.document)
}

fn shown(document: Document) -> Shown {
    let feed_link = document.link.clone();
    Shown {
        ok: true,
        error: None,
        format: Some(document.format),
        title: document.title,
        link: document.link,
        id: document.id,
        subtitle: document.subtitle,
        updated: document.updated,
        language: document.language,
        entries: document.entries.into_iter().map(|entry| ShownEntry::new(entry, feed_link.as_deref())).collect(),
    }
}

fn people(place: &Place, document: &Document) {
    let printer = &place.printer;
    printer.fact(&format!("{} ({}, {})", document.title.as_deref().unwrap_or("(no title)"), document.format, entries(document)));
    document.link.iter().for_each(|link| printer.fact(link));
    for (number, entry) in (1..).zip(&document.entries) {
        printer.fact("");
        printer.fact(&format!("{number:>3}  {}", entry.title.as_deref().unwrap_or("(no title)")));
        let authors: Vec<&str> = entry.authors.iter().filter_map(Person::shown).collect();
        let about = [entry.dated().map(local), Some(authors.join(", ")).filter(|names| !names.is_empty())];
        let about: Vec<String> = about.into_iter().flatten().collect();
        if !about.is_empty() {
            printer.fact(&format!("     {}", about.join(", ")));
        }
        entry.link().iter().for_each(|link| printer.fact(&format!("     {link}")));
        for enclosure in &entry.enclosures {
            printer.fact(
                format!("     enclosure: {} {}", enclosure.url, enclosure.r#type.as_deref().unwrap_or_default()).trim_end(),
            );
        }
    }
}

fn entries(document: &Document) -> String {
    count(document.entries.len() as u64, "entry")
}
