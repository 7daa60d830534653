//! PURE. From an entry to what a sink takes. The same for a delivery and for `feeds preview`.

use jiff::Timestamp;

use crate::article::{article, summary};
use crate::delivery::MessageId;
use crate::feed::text::{cut, one_line, to_html};
use crate::feed::{Entry, Facts, FeedFacts, visible};
use crate::mail::{ComposeError, Letter, Look, compose, marked};
use crate::sink::{Link, Made, Wants};

/// How a feed's entries are delivered to one sink.
#[derive(Debug, Clone, PartialEq)]
pub struct Addressed {
    /// The feed, as it is shown.
    pub feed: FeedFacts,
    /// How a mail looks; `None` for a sink that takes none.
    pub look: Option<Look>,
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
    /// The names of other feeds that carry the same story.
    pub also_in: &'a [String],
}

/// An earlier version of an entry, to which a new one is threaded.
#[derive(Debug, Clone, Copy)]
pub struct Follows<'a> {
    /// The id that the first version travelled under.
    pub first: &'a MessageId,
    /// What a reader saw of the version before, where that is kept: then what changed is marked.
    pub before: Option<&'a str>,
}

/// Why nothing could be made of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
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
            Self::NoLink | Self::NoLook | Self::Compose(ComposeError::NoLink | ComposeError::Address(_)) => false,
            // Whom it goes to is needed for the short form too.
            Self::Compose(ComposeError::Template { key, .. }) => *key != "to",
            Self::Compose(ComposeError::Build(_)) => true,
        }
    }
}

/// Makes what the sink takes. The same order always makes the same.
///
/// # Errors
/// When the entry lacks what the sink takes, or a template fails on it.
pub fn make(order: Order<'_>) -> Result<Made, MakeError> {
    let Some(why) = order.small else { return whole(order) };
    let entry = short(order.entry, why);
    let order = Order { entry: &entry, ..order };
    match &order.addressed.look {
        Some(look) => whole(order).or_else(|error| {
            if !error.may_shrink() {
                return Err(error);
            }
            // Where the configured words fail on this entry, those that are built in do not.
            let look = Some(look.without_words());
            whole(Order { addressed: &Addressed { look, ..order.addressed.clone() }, ..order })
        }),
        None => whole(order),
    }
}

fn whole(order: Order<'_>) -> Result<Made, MakeError> {
    let Order { entry, addressed, wants, message_id, follows, first_seen, also_in, small: _ } = order;
    let told = |summary: &str| {
        let mut facts = Facts::new(&addressed.feed, entry, summary);
        facts.entry.also_in = also_in.to_vec();
        facts
    };
    match wants {
        Wants::Mail => {
            let look = addressed.look.as_ref().ok_or(MakeError::NoLook)?;
            let article = article(entry, Some(addressed.feed.link.as_str()));
            let facts = told(&article.summary);
            let before = follows.and_then(|follows| follows.before);
            let article = before.and_then(|before| marked(&article, before, &visible::text(entry))).unwrap_or(article);
            let in_reply_to = follows.map(|follows| follows.first);
            let letter = Letter {
                entry,
                article: &article,
                facts: &facts,
                message_id,
                in_reply_to,
                first_seen,
                inline: &[],
                attachments: &[],
            };
            Ok(Made::Mail(compose(letter, look)?))
        }
        Wants::Link => {
            let url = entry.link().ok_or(MakeError::NoLink)?.to_owned();
            let title = entry.title.clone().unwrap_or_else(|| url.clone());
            let facts = told(&summary(entry));
            Ok(Made::Link(Link { url, title, facts }))
        }
    }
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
        let addressed = Addressed { feed: FeedFacts::default(), look };
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
            also_in: &also_in,
        })
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
