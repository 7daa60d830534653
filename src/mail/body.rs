//! PURE. The two readable parts of a mail: as built in, or as the user's templates have them. A template that fails on an entry
//! is left for what is built in, and a remark says so: no entry is lost for it.

use std::cell::RefCell;

use serde::Serialize;

use super::compose::Letter;
use super::page::{self, Around};
use super::plain::Lines;
use super::{Look, clip, flow, plain};
use crate::expression::{Safe, Template};
use crate::feed::{EntryFacts, Facts, FeedFacts};

/// What the templates of bodies may say: what all templates may, the entry's body, and the mail's own parts.
#[derive(Debug, Serialize)]
struct BodyFacts<'a> {
    feed: &'a FeedFacts,
    entry: EntryBody<'a>,
    mail: MailFacts<'a>,
}

#[derive(Debug, Serialize)]
struct EntryBody<'a> {
    #[serde(flatten)]
    facts: &'a EntryFacts,
    html: Safe<'a>,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct MailFacts<'a> {
    subject: &'a str,
    byline: Safe<'a>,
    foot: Safe<'a>,
    attributes: Safe<'a>,
    preheader: Safe<'a>,
}

fn text(letter: Letter<'_>, look: &Look, subject: &str, lines: Lines, remarks: &mut Vec<String>) -> String {
    match templated(letter, look, subject, remarks) {
        Some(text) => lines.of(&text),
        None => plain::text(letter, lines),
    }
}

/// The text part as it travels, and whether it may be joined again.
pub(super) fn sent(letter: Letter<'_>, look: &Look, subject: &str, remarks: &mut Vec<String>) -> (String, bool) {
    let flows = look.wrap > 0;
    let lines = if flows { Lines::Flowed(usize::from(look.wrap)) } else { Lines::Shown(0) };
    (text(letter, look, subject, lines, remarks), flows)
}

/// The text part as a person sees it.
pub(super) fn shown(letter: Letter<'_>, look: &Look, subject: &str, remarks: &mut Vec<String>) -> String {
    text(letter, look, subject, Lines::Shown(usize::from(look.wrap)), remarks)
}

/// What the user's template makes, where there is one and it does not fail.
fn templated(letter: Letter<'_>, look: &Look, subject: &str, remarks: &mut Vec<String>) -> Option<String> {
    let template = look.body_text.as_ref()?;
    let (byline, foot) = (plain::byline(letter), plain::foot(letter));
    let mail = MailFacts { subject, byline: Safe(&byline), foot: Safe(&foot), attributes: Safe(""), preheader: Safe("") };
    let text = flow::unflowed(&letter.article.flowed);
    let facts = body_facts(letter.facts, &letter.article.html, text.trim_end(), mail);
    template.render(&facts).map_err(|error| remarks.push(failed("body_text", &error.to_string()))).ok()
}

/// The HTML part.
pub(super) fn html(letter: Letter<'_>, look: &Look, subject: &str, remarks: &mut Vec<String>) -> String {
    let around = Around::of(letter, subject);
    let failure = RefCell::new(None);
    let page = |body: &str| {
        let builtin = || page::html(letter, subject, &around, body);
        let Some(template) = &look.body_html else { return builtin() };
        let text = flow::unflowed(&letter.article.flowed);
        let mail = MailFacts {
            subject,
            byline: Safe(&around.byline),
            foot: Safe(&around.foot),
            attributes: Safe(&around.attributes),
            preheader: Safe(&around.preheader),
        };
        template.render(&body_facts(letter.facts, body, text.trim_end(), mail)).unwrap_or_else(|error| {
            *failure.borrow_mut() = Some(failed("body_html", &error.to_string()));
            builtin()
        })
    };
    let fitted = clip::fitted(&letter.article.html, letter.entry.link(), look.clip, page);
    remarks.extend(failure.into_inner());
    fitted
}

/// What is said of a template that failed.
pub(super) fn failed(key: &str, cause: &str) -> String {
    format!("the template for `{key}` failed: {cause}; what is built in was used in its place")
}

fn body_facts<'a>(facts: &'a Facts, html: &'a str, text: &'a str, mail: MailFacts<'a>) -> BodyFacts<'a> {
    BodyFacts { feed: &facts.feed, entry: EntryBody { facts: &facts.entry, html: Safe(html), text }, mail }
}

/// Tries a template of a body on an invented entry.
///
/// # Errors
/// When it names what there is not, or fails.
pub fn try_body(template: &Template) -> Result<String, crate::expression::TemplateError> {
    let facts = Facts::specimen();
    let safe = Safe("specimen");
    let mail = MailFacts { subject: "specimen", byline: safe, foot: safe, attributes: safe, preheader: safe };
    template.try_on(&body_facts(&facts, "<p>specimen</p>", "specimen", mail))
}

/// The link of an entry on a line, or what a template makes in its place.
pub(super) fn url(letter: Letter<'_>, look: &Look, link: &str, subject: &str, remarks: &mut Vec<String>) -> String {
    templated(letter, look, subject, remarks).unwrap_or_else(|| link.to_owned())
}
