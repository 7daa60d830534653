//! PURE. From an entry to what a sink takes. The same for a delivery and for `feeds preview`. Making may need a page, images, files
//! or a program's answer: what is not among the resources is named as missing, and making is tried again.

use std::borrow::Cow;

use jiff::Timestamp;

use super::carry::{Carried, carried};
use super::prepare::{Needs, Prepared, prepared};
use crate::article::{Article, Cut, Options, article_with, summary};
use crate::delivery::MessageId;
use crate::feed::text::{cut, one_line, to_html};
use crate::feed::{Entry, Facts, FeedFacts, visible};
use crate::fetch::Program;
use crate::mail::{Attachment, ComposeError, Format, Images, Inline, Letter, Look, compose, marked};
use crate::resource::Resources;
use crate::sink::{Link, Made, Wants};

/// How a feed's entries are delivered to one sink.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Addressed {
    /// The feed, as it is shown.
    pub feed: FeedFacts,
    /// How a mail looks; `None` for a sink that takes none.
    pub look: Option<Look>,
    /// What is done to its entries before they go.
    pub needs: Needs,
}

impl Addressed {
    /// Whether making something of an entry may take more than the entry.
    #[must_use]
    pub fn needs_more(&self, wants: Wants) -> bool {
        let shows_body = self.shows_body(wants);
        let carries = self.look.as_ref().is_some_and(|look| look.images == Images::Inline || look.attach.is_some());
        self.needs.transform.is_some() || (shows_body && (self.needs.fulltext.is_some() || carries))
    }

    fn shows_body(&self, wants: Wants) -> bool {
        wants == Wants::Mail && self.look.as_ref().is_some_and(|look| look.format != Format::Url)
    }
}

/// What is to be made.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a> {
    /// The entry.
    pub entry: &'a Entry,
    /// How it is delivered.
    pub addressed: &'a Addressed,
    /// What the sink takes.
    pub wants: Wants,
    /// The id it travels under.
    pub message_id: &'a MessageId,
    /// The version before, where this is a new one that is to be threaded to it.
    pub follows: Option<Follows<'a>>,
    /// When the entry was first seen.
    pub first_seen: Timestamp,
    /// Why only a short form of it is made; `None`: the whole.
    pub small: Option<&'a str>,
    /// Why it goes without files and images of its own; `None`: with them.
    pub light: Option<&'a str>,
    /// The names of other feeds that carry the same story.
    pub also_in: &'a [String],
    /// What was fetched or made for it.
    pub resources: &'a Resources,
}

/// An earlier version of an entry, to which a new one is threaded.
#[derive(Debug, Clone, Copy)]
pub struct Follows<'a> {
    /// The id that the first version travelled under.
    pub first: &'a MessageId,
    /// What a reader saw of the version before, where that is kept: then what changed is marked.
    pub before: Option<&'a str>,
}

/// What making lacks.
#[derive(Debug, Clone, PartialEq)]
pub enum Want {
    /// The article of a page.
    Page {
        /// Where the page is.
        url: String,
        /// Where the article stands in it.
        cut: Cut,
    },
    /// What a program makes of the entry.
    Change {
        /// The entry, as JSON.
        input: String,
        /// The program.
        program: Program,
    },
    /// An image.
    Image {
        /// Where it is.
        url: String,
    },
    /// A file.
    File {
        /// Where it is.
        url: String,
        /// How large it may be, in bytes.
        most: u64,
        /// What the feed says that it is.
        media_type: Option<String>,
    },
}

impl Want {
    /// Under which it is kept with the entry.
    #[must_use]
    pub fn key(&self) -> String {
        let digest = |parts: &mut dyn Iterator<Item = &str>| {
            let mut hasher = blake3::Hasher::new();
            parts.for_each(|part| {
                hasher.update(&(part.len() as u64).to_le_bytes()).update(part.as_bytes());
            });
            hasher.finalize().to_hex()[..16].to_owned()
        };
        match self {
            // Who cuts otherwise wants another article.
            Self::Page { url, cut } if *cut == Cut::default() => format!("page::{url}"),
            Self::Page { url, cut } => {
                let parts = &mut cut.remove.iter().map(String::as_str).chain(cut.select.as_deref());
                format!("page:{}{}:{url}", if cut.select.is_some() { "+" } else { "" }, digest(parts))
            }
            Self::Change { input, program } => {
                format!("transform:{}", digest(&mut program.words.iter().map(String::as_str).chain([input.as_str()])))
            }
            Self::Image { url } => format!("image:{url}"),
            Self::File { url, .. } => format!("file:{url}"),
        }
    }
}

/// Why nothing could be made of an entry.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MakeError {
    /// A sink that takes links, and an entry without one.
    #[error("the entry has no link to send")]
    NoLink,
    /// A sink that takes mails, and nothing that says whom they go to.
    #[error("the configuration names no recipient")]
    NoLook,
    /// A mail that could not be composed.
    #[error("the mail cannot be composed: {0}")]
    Compose(#[from] ComposeError),
    /// Something is to be fetched first.
    #[error("something that belongs to the entry was not fetched")]
    Missing(Vec<Want>),
    /// A program of the user's wants it to go nowhere.
    #[error("{0}")]
    Dropped(String),
}

impl MakeError {
    /// Whether a link is wanted of an entry that has none.
    #[must_use]
    pub fn lacks_link(&self) -> bool {
        matches!(self, Self::NoLink | Self::Compose(ComposeError::NoLink))
    }

    /// Whether a short form of the entry may be made all the same.
    #[must_use]
    pub fn may_shrink(&self) -> bool {
        match self {
            Self::NoLink
            | Self::NoLook
            | Self::Missing(_)
            | Self::Dropped(_)
            | Self::Compose(ComposeError::NoLink | ComposeError::Address(_)) => false,
            // Whom it goes to is needed for the short form too.
            Self::Compose(ComposeError::Template { key, .. }) => *key != "to",
            Self::Compose(ComposeError::Build(_)) => true,
        }
    }
}

/// What was made.
#[derive(Debug, Clone)]
pub struct Ready {
    /// What is handed over.
    pub made: Made,
    /// It carries images or files, without which it would be smaller.
    pub carries: bool,
    /// Why its body is not from its page, where it was to be.
    pub without_page: Option<String>,
}

impl Ready {
    /// What was said of the entry.
    #[must_use]
    pub(super) fn facts_of(made: &Made) -> &Facts {
        match made {
            Made::Mail(mail) => &mail.facts,
            Made::Link(link) => &link.facts,
        }
    }
}

/// Makes what the sink takes. The same order always makes the same.
///
/// # Errors
/// When the entry lacks what the sink takes, something is to be fetched first, or a template fails on it.
pub fn make(order: Order<'_>) -> Result<Ready, MakeError> {
    let Some(why) = order.small else { return whole(order) };
    let entry = short(order.entry, why);
    let look = order.addressed.look.clone().map(|look| Look { images: Images::Remote, attach: None, ..look });
    let addressed = Addressed { look, needs: Needs::default(), ..order.addressed.clone() };
    let order = Order { entry: &entry, addressed: &addressed, ..order };
    match &addressed.look {
        Some(look) => whole(order).or_else(|error| {
            if !error.may_shrink() {
                return Err(error);
            }
            // Where the configured words fail on this entry, those that are built in do not.
            let look = Some(look.without_words());
            whole(Order { addressed: &Addressed { look, ..addressed.clone() }, ..order })
        }),
        None => whole(order),
    }
}

fn whole(order: Order<'_>) -> Result<Ready, MakeError> {
    match order.wants {
        Wants::Mail => {
            let look = order.addressed.look.as_ref().ok_or(MakeError::NoLook)?;
            let draft = draft(order)?;
            let carries = !draft.inline.is_empty() || !draft.attachments.is_empty();
            let made = Made::Mail(compose(draft.letter(), look)?);
            Ok(Ready { made, carries, without_page: draft.without_page })
        }
        Wants::Link => {
            let prepared = prepare(order)?;
            let entry = &prepared.entry;
            let url = entry.link().ok_or(MakeError::NoLink)?.to_owned();
            let title = entry.title.clone().unwrap_or_else(|| url.clone());
            let facts = told(order, &prepared, &summary(entry));
            Ok(Ready { made: Made::Link(Link { url, title, facts }), carries: false, without_page: None })
        }
    }
}

/// All that a mail is composed from.
#[derive(Debug)]
pub struct Draft<'a> {
    order: Order<'a>,
    entry: Cow<'a, Entry>,
    article: Article,
    facts: Facts,
    inline: Vec<Inline>,
    attachments: Vec<Attachment>,
    without_page: Option<String>,
}

impl Draft<'_> {
    /// The letter to be composed.
    #[must_use]
    pub fn letter(&self) -> Letter<'_> {
        Letter {
            entry: &self.entry,
            article: &self.article,
            facts: &self.facts,
            message_id: self.order.message_id,
            in_reply_to: self.order.follows.map(|follows| follows.first),
            first_seen: self.order.first_seen,
            inline: &self.inline,
            attachments: &self.attachments,
        }
    }

    /// Why its body is not from its page, where it was to be.
    #[must_use]
    pub fn without_page(&self) -> Option<&str> {
        self.without_page.as_deref()
    }

    /// The entry, as it goes.
    #[must_use]
    pub fn entry(&self) -> &Entry {
        &self.entry
    }
}

/// Makes all that a mail is composed from.
///
/// # Errors
/// When something is to be fetched first, or nothing says how the mail looks.
pub fn draft(order: Order<'_>) -> Result<Draft<'_>, MakeError> {
    let look = order.addressed.look.as_ref().ok_or(MakeError::NoLook)?;
    let mut prepared = prepare(order)?;
    let options = Options {
        wrap: usize::from(look.wrap),
        images: look.images != Images::None,
        data_images: look.shows_held_images() && order.light.is_none(),
    };
    let feed_link = Some(order.addressed.feed.link.as_str());
    let mut article = article_with(&prepared.entry, feed_link, options);
    let mut carries = Carried::default();
    if let Some(why) = order.light {
        let why = cut(&one_line(why), WHY);
        prepared.notes.push(format!("the mail was too large with its images and files: {why}"));
    } else {
        carries = carried(&prepared.entry, &article, look, order.resources);
        if carries.leaves_held(&article) {
            // What the mail does not carry no mail program shows: its description does better.
            article = article_with(&prepared.entry, feed_link, Options { data_images: false, ..options });
        }
    }
    if !carries.missing.is_empty() && !order.resources.is_closed() {
        return Err(MakeError::Missing(carries.missing));
    }
    let facts = told(order, &prepared, &article.summary);
    let before = order.follows.and_then(|follows| follows.before);
    let article = before.and_then(|before| marked(&article, before, &visible::text(order.entry))).unwrap_or(article);
    let Carried { inline, attachments, .. } = carries;
    Ok(Draft { order, entry: prepared.entry, article, facts, inline, attachments, without_page: prepared.without_page })
}

fn prepare(order: Order<'_>) -> Result<Prepared<'_>, MakeError> {
    let Addressed { feed, needs, .. } = order.addressed;
    prepared(order.entry, feed, needs, order.addressed.shows_body(order.wants), order.resources)
}

fn told(order: Order<'_>, prepared: &Prepared<'_>, summary: &str) -> Facts {
    let mut facts = Facts::new(&order.addressed.feed, &prepared.entry, summary);
    facts.entry.also_in = order.also_in.to_vec();
    prepared.content_from.clone_into(&mut facts.entry.content_from);
    facts.entry.notes.clone_from(&prepared.notes);
    facts
}

/// What a short form keeps of the words that say why.
const WHY: usize = 500;

/// What is left of an entry that cannot go as it is: who, when and where, and why there is no more.
fn short(entry: &Entry, why: &str) -> Entry {
    // The link stands above and below the text of every mail; here it need not.
    let link = entry.link().map(|href| crate::feed::Link { href: href.to_owned(), ..crate::feed::Link::default() });
    let content = format!("<p>This post could not be delivered whole: {}</p>", to_html(&cut(&one_line(why), WHY)));
    Entry {
        id: entry.id.clone(),
        title: entry.title.clone(),
        links: link.into_iter().collect(),
        authors: entry.authors.clone(),
        published: entry.published,
        updated: entry.updated,
        language: entry.language.clone(),
        content: Some(content),
        ..Entry::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::Template;

    fn made(look: Option<Look>, small: Option<&str>) -> Result<Made, MakeError> {
        let link = crate::feed::Link { href: "https://example.org/1".to_owned(), ..crate::feed::Link::default() };
        let (title, content) = (Some("One".to_owned()), Some("the whole of it".to_owned()));
        let entry = Entry { title, content, links: vec![link], ..Entry::default() };
        let wants = if look.is_some() { Wants::Mail } else { Wants::Link };
        let addressed = Addressed { look, ..Addressed::default() };
        let message_id = MessageId::derive(&[7; 16], "mail", 0, "example.net");
        let (first_seen, also_in) = (Timestamp::UNIX_EPOCH, ["other".to_owned()]);
        make(Order {
            entry: &entry,
            addressed: &addressed,
            wants,
            message_id: &message_id,
            follows: None,
            first_seen,
            small,
            light: None,
            also_in: &also_in,
            resources: &Resources::default(),
        })
        .map(|ready| ready.made)
    }

    fn look(subject: &str) -> Look {
        let template = |text| Template::parse(text).unwrap();
        let plain = Look::plain("feeds@example.net".parse().unwrap(), template("me@example.net"));
        Look { subject: template(subject), format: crate::mail::Format::Text, ..plain }
    }

    #[test]
    fn words_that_fail_on_an_entry_are_left_for_those_that_are_built_in() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}";
        let Made::Mail(mail) = made(Some(look(endless)), None).unwrap() else { panic!() };
        assert!(String::from_utf8(mail.bytes).unwrap().contains("the whole of it"));
        assert!(mail.remarks[0].starts_with("the template for `subject` failed: "), "{:?}", mail.remarks);
    }

    #[test]
    fn a_short_form_says_why() {
        let Made::Mail(mail) = made(Some(look("{{ entry.title }}")), Some("552 <too> big")).unwrap() else { panic!() };
        let text = String::from_utf8(mail.bytes).unwrap();
        assert!(text.contains("Subject: One\r\n") && text.contains("552 <too> big"), "{text}");
        assert!(text.contains("https://example.org/1") && text.contains("Also in: other"), "{text}");
        assert!(!text.contains("the whole of it"), "{text}");
        let Made::Link(link) = made(None, Some("why")).unwrap() else { panic!() };
        assert_eq!((link.url.as_str(), link.title.as_str()), ("https://example.org/1", "One"));
    }
}
