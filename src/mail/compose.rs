//! PURE. Puts a mail together: headers, parts, encoding. lettre builds the message; everything that would make two builds
//! of it differ (boundary, Message-ID, date) is given.

use jiff::Timestamp;
use lettre::Message;
use lettre::message::Mailbox;

use super::parts::{Attachment, Inline, Readable};
use super::{FROM_NAME, Format, Look, Mail, SUBJECT, body, encoded, headers, parts};
use crate::article::Article;
use crate::delivery::MessageId;
use crate::expression::{Template, TemplateError};
use crate::feed::{Entry, Facts};

/// What a mail is made from.
#[derive(Debug, Clone, Copy)]
pub struct Letter<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// The entry, made ready to read.
    pub article: &'a Article,
    /// What templates may say.
    pub facts: &'a Facts,
    /// The id it was queued under.
    pub message_id: &'a MessageId,
    /// The mail that this one answers: the first version of an entry that was edited.
    pub in_reply_to: Option<&'a MessageId>,
    /// When the entry was first seen: the latest its date may be.
    pub first_seen: Timestamp,
    /// Images that its HTML shows and that travel with it.
    pub inline: &'a [Inline],
    /// Files that travel with it.
    pub attachments: &'a [Attachment],
}

/// Why an entry could not be made into a mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ComposeError {
    /// A template of the configuration failed.
    #[error("the template for `{key}` failed: {cause}")]
    Template {
        /// The key it stands under.
        key: &'static str,
        /// What is wrong with it.
        cause: TemplateError,
    },
    /// What a template made is no address.
    #[error("`{0}` is not an address, or more addresses than `to` names")]
    Address(String),
    /// A mail that is a link, of an entry that has none.
    #[error("the entry has no link to send")]
    NoLink,
    /// The message could not be built.
    #[error("the message could not be built: {0}")]
    Build(String),
}

/// A mail as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Whom it comes from: name and address.
    pub from: String,
    /// Whom it goes to.
    pub to: Vec<String>,
    /// Its subject.
    pub subject: String,
    /// Its text, broken at the width of the look.
    pub text: String,
    /// Its HTML.
    pub html: String,
    /// What a person should know of how it was made.
    pub remarks: Vec<String>,
}

/// What a mail's templates came to.
struct Filled {
    sender: Mailbox,
    recipients: Vec<Mailbox>,
    subject: String,
}

/// The mail as it is read, whatever parts of it travel.
///
/// # Errors
/// When a recipient is no address.
pub fn reading(letter: Letter<'_>, look: &Look) -> Result<Reading, ComposeError> {
    let mut remarks = Vec::new();
    let Filled { sender, recipients, subject } = fill(letter, look, &mut remarks)?;
    let text = match (look.format, letter.entry.link()) {
        (Format::Url, Some(link)) => body::url(letter, look, link, &subject, &mut remarks),
        (Format::Url, None) => return Err(ComposeError::NoLink),
        (Format::Both | Format::Html | Format::Text, _) => body::shown(letter, look, &subject, &mut remarks),
    };
    let html = body::html(letter, look, &subject, &mut remarks);
    let to = recipients.iter().map(ToString::to_string).collect();
    Ok(Reading { from: sender.to_string(), to, subject, text, html, remarks })
}

/// Fills the templates of the headers in. One that fails on this entry is left for what is built in; but for whom it goes to.
fn fill(letter: Letter<'_>, look: &Look, remarks: &mut Vec<String>) -> Result<Filled, ComposeError> {
    let facts = letter.facts;
    let mut fill = |key: &'static str, template: &Template, builtin: &'static str| {
        template.render(facts).unwrap_or_else(|error| {
            remarks.push(body::failed(key, &error.to_string()));
            Template::builtin(builtin).render(facts).unwrap_or_default()
        })
    };
    let subject = headers::subject(&fill("subject", &look.subject, SUBJECT), facts, &letter.article.summary);
    let name = headers::phrase(&fill("from_name", &look.from_name, FROM_NAME));
    let sender = Mailbox::new(name, address(&look.from)?);
    let to = look.to.render(facts).map_err(|cause| ComposeError::Template { key: "to", cause })?;
    // A value that holds a comma adds no recipient.
    let meant = 1 + look.to.source().matches(',').count();
    let recipients = headers::recipients(&to, meant)?;
    Ok(Filled { sender, recipients, subject })
}

/// Composes the mail of one entry. The same letter and look always give the same bytes.
///
/// # Errors
/// When a recipient is no address, or a mail of format `url` has no link.
pub fn compose(letter: Letter<'_>, look: &Look) -> Result<Mail, ComposeError> {
    let Letter { entry, facts, message_id, first_seen, inline, attachments, .. } = letter;
    let mut remarks = Vec::new();
    let Filled { sender, recipients, subject } = fill(letter, look, &mut remarks)?;
    let mut builder = Message::builder()
        .raw_header(headers::from(&sender))
        .raw_header(headers::raw("Subject", &subject, encoded::unstructured(&subject, "Subject: ".len())))
        .date(headers::date(entry.dated(), first_seen))
        .message_id(Some(format!("<{message_id}>")));
    for recipient in &recipients {
        builder = builder.to(recipient.clone());
    }
    if let Some(first) = letter.in_reply_to {
        builder = builder.in_reply_to(format!("<{first}>")).references(format!("<{first}>"));
    }
    builder = headers::labels(builder, entry, facts, message_id);

    let html = |remarks: &mut Vec<String>| body::html(letter, look, &subject, remarks);
    let text = |remarks: &mut Vec<String>| body::sent(letter, look, &subject, remarks);
    let (text, html) = match look.format {
        Format::Both => (Some(text(&mut remarks)), Some(html(&mut remarks))),
        Format::Html => (None, Some(html(&mut remarks))),
        Format::Text => (Some(text(&mut remarks)), None),
        Format::Url => {
            let link = entry.link().ok_or(ComposeError::NoLink)?;
            // A service that looks for the link in it may know nothing of joined lines.
            (Some((body::url(letter, look, link, &subject, &mut remarks), false)), None)
        }
    };
    let (text, flowed) = text.map_or((None, false), |(text, flowed)| (Some(text), flowed));
    let (inline, attachments) = if look.format == Format::Url { (&[][..], &[][..]) } else { (inline, attachments) };
    let message = parts::message(builder, Readable { text, flowed, html }, inline, attachments, message_id)?;
    Ok(Mail {
        from: sender.email.to_string(),
        to: recipients.iter().map(|recipient| recipient.email.to_string()).collect(),
        message_id: message_id.as_str().to_owned(),
        bytes: message.formatted(),
        facts: facts.clone(),
        remarks,
    })
}

fn address(configured: &lettre::Address) -> Result<lettre::Address, ComposeError> {
    headers::ascii(configured).ok_or_else(|| ComposeError::Address(configured.to_string()))
}

#[cfg(test)]
mod tests;
