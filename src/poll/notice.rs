//! What `feeds` has to tell its user about feeds that cannot be read, gathered into one notice after all of them were asked: once
//! when it has lasted, and once when it is over.

use jiff::Timestamp;

use super::Destination;
use super::ready::deliveries_to;
use crate::feed::identity::{raw_hash, text_hash};
use crate::feed::text::to_html;
use crate::feed::{Entry, Uid};
use crate::secret::redact_text;
use crate::store::{FeedId, NewEntry, Notice, Store, StoreError, Told, Unwell};
use crate::trouble::{Trouble, needs_person};
use crate::words::count;

/// More feeds than this are counted, not listed.
const LISTED: usize = 100;

/// Tells of the feeds that need it, through these sinks. Answers whether something was queued.
///
/// # Errors
/// When the database failed: then they are told of by the next run.
pub async fn tell(store: &Store, to: &[Destination], notices: FeedId, now: Timestamp) -> Result<bool, StoreError> {
    if to.is_empty() {
        return Ok(false);
    }
    let mut unwell = store.unwell().await?;
    unwell.retain(|one| match &one.told {
        Told::Failing { trouble, failures, since, .. } => needs_person(*trouble, *failures, *since, now),
        Told::Recovered { .. } => true,
    });
    if unwell.is_empty() {
        return Ok(false);
    }
    unwell.sort_by_key(|one| match one.told {
        Told::Failing { trouble, .. } => Some(trouble),
        Told::Recovered { .. } => None,
    });
    let (failing, recovered): (Vec<&Unwell>, Vec<&Unwell>) =
        unwell.iter().partition(|one| matches!(one.told, Told::Failing { .. }));
    let entry = entry(&failing, &recovered, now);
    let ids = |feeds: &[&Unwell]| feeds.iter().map(|one| one.feed).collect();
    let uid = uid(&entry);
    let entry = NewEntry {
        uid,
        keys: Vec::new(),
        raw_hash: raw_hash(&entry),
        text_hash: text_hash(&entry),
        text: None,
        entry,
        deliveries: deliveries_to(&uid, to),
        story: None,
        held: None,
    };
    store.tell(notices, Notice { failing: ids(&failing), recovered: ids(&recovered), entry }, now).await?;
    Ok(true)
}

/// Two notices are the same only where they say the same at the same time.
fn uid(entry: &Entry) -> Uid {
    let mut hasher = blake3::Hasher::new();
    for part in [&entry.title, &entry.content] {
        hasher.update(part.as_deref().unwrap_or_default().as_bytes());
        hasher.update(b"\0");
    }
    hasher.update(&entry.published.unwrap_or(Timestamp::UNIX_EPOCH).as_second().to_le_bytes());
    let mut uid = Uid::default();
    hasher.finalize_xof().fill(&mut uid);
    uid
}

/// The notice as an entry like any other.
fn entry(failing: &[&Unwell], recovered: &[&Unwell], now: Timestamp) -> Entry {
    let listed: Vec<String> = failing.iter().chain(recovered).take(LISTED).map(|one| told(one, now)).collect();
    let more = (failing.len() + recovered.len()).saturating_sub(LISTED);
    let more = if more > 0 {
        format!("<p>And {} more: <code>feeds status</code> lists them.</p>", count(more as u64, "feed"))
    } else {
        String::new()
    };
    let ended = |one: &&Unwell| matches!(one.told, Told::Failing { trouble: Trouble::Gone, .. });
    let end = if failing.iter().all(ended) {
        String::new()
    } else {
        "<p>Nothing was lost: what these feeds still show when they can be read again is delivered then. This is not told again \
         before they can; <code>feeds status</code> shows them as long as it lasts.</p>"
            .to_owned()
    };
    Entry {
        title: Some(title(failing, recovered)),
        published: Some(now),
        content: Some(format!("{}{more}{end}", listed.concat())),
        ..Entry::default()
    }
}

fn title(failing: &[&Unwell], recovered: &[&Unwell]) -> String {
    let ended = |one: &Unwell| matches!(one.told, Told::Failing { trouble: Trouble::Gone, .. });
    match (failing, recovered) {
        ([one], []) if ended(one) => format!("The feed {} is gone", one.name),
        ([one], []) => format!("The feed {} cannot be read", one.name),
        ([], [one]) => format!("The feed {} can be read again", one.name),
        ([], [..]) => format!("{} can be read again", count(recovered.len() as u64, "feed")),
        ([..], []) => format!("{} cannot be read", count(failing.len() as u64, "feed")),
        ([..], [..]) => {
            format!("{} cannot be read, {} can again", count(failing.len() as u64, "feed"), recovered.len())
        }
    }
}

/// What is told of one feed: what, since when, how often, what comes next.
fn told(one: &Unwell, now: Timestamp) -> String {
    let title = one.title.as_deref().filter(|title| *title != one.name).map(|title| format!(" – {title}")).unwrap_or_default();
    let url = redact_text(&one.url);
    let shown = if url.starts_with("http") { format!("<a href=\"{0}\">{0}</a>", to_html(&url)) } else { to_html(&url) };
    let read = one.last_success.map_or_else(|| "It was never read.".to_owned(), |at| format!("It was last read on {}.", day(at)));
    let lines = match &one.told {
        Told::Failing { trouble, error, failures, since, next_poll } => {
            let tries = match (failures, since) {
                (2.., Some(since)) => format!("So it went {failures} times in a row, first on {}. ", day(*since)),
                (_, Some(since)) => format!("That was on {}. ", day(*since)),
                (_, None) => String::new(),
            };
            let next = match trouble {
                Trouble::Gone => "It is asked no more.".to_owned(),
                _ if *next_poll <= now => "It is asked again in the next run.".to_owned(),
                _ => format!("It is asked again on {}.", day(*next_poll)),
            };
            let advice = trouble.advice(&one.name);
            format!("<p>{}.</p><p>{tries}{read} {next}</p><p>What to do: {}.</p>", code(&sentence(error)), code(&advice))
        }
        Told::Recovered { at } => format!("<p>It can be read again. On {} it was told that it could not.</p>", day(*at)),
    };
    format!("<h2>{}{}</h2><p>{shown}</p>{lines}", to_html(&one.name), to_html(&title))
}

/// A sentence that begins with a capital.
fn sentence(words: &str) -> String {
    let mut letters = words.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

/// Plain words as HTML, what stands between backticks as code.
fn code(words: &str) -> String {
    let parts = words.split('`').enumerate();
    parts.map(|(number, part)| if number % 2 == 1 { format!("<code>{}</code>", to_html(part)) } else { to_html(part) }).collect()
}

/// A time for people. UTC, as in every mail.
fn day(at: Timestamp) -> String {
    at.strftime("%-d %B %Y, %H:%M UTC").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(day: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + day * 86_400).unwrap()
    }

    fn unwell(name: &str, told: Told) -> Unwell {
        let url = format!("https://me:hunter2@{name}.example/feed?token=abc123");
        Unwell { feed: FeedId(1), name: name.into(), title: Some("News & more".into()), url, last_success: Some(at(-4)), told }
    }

    fn failing(name: &str, trouble: Trouble, error: &str) -> Unwell {
        unwell(name, Told::Failing { trouble, error: error.into(), failures: 7, since: Some(at(-3)), next_poll: at(1) })
    }

    #[test]
    fn a_notice_says_what_happened_since_when_how_often_and_what_comes_next() {
        let one = failing("lwn", Trouble::Missing, "the server answered 404 Not Found: “no <such> page”");
        let entry = entry(&[&one], &[], at(0));
        assert_eq!(entry.title.as_deref(), Some("The feed lwn cannot be read"));
        let content = entry.content.unwrap();
        for words in [
            "<h2>lwn – News &amp; more</h2>",
            "The server answered 404 Not Found: “no &lt;such&gt; page”.",
            "7 times in a row, first on 12 January 2027",
            "last read on 11 January 2027",
            "asked again on 16 January 2027",
            "What to do: it may have moved",
            "Nothing was lost",
        ] {
            assert!(content.contains(words), "no `{words}` in {content}");
        }
        assert!(!content.contains("hunter2") && !content.contains("abc123"), "{content}");
    }

    #[test]
    fn many_feeds_make_one_notice() {
        let ill: Vec<Unwell> = (0..150).map(|number| failing(&format!("f{number}"), Trouble::Server, "x")).collect();
        let well = unwell("lwn", Told::Recovered { at: at(-9) });
        let (ill, well): (Vec<&Unwell>, _) = (ill.iter().collect(), [&well]);
        let both = entry(&ill, &well, at(0));
        assert_eq!(both.title.as_deref(), Some("150 feeds cannot be read, 1 can again"));
        let content = both.content.unwrap();
        assert_eq!(content.matches("<h2>").count(), LISTED);
        assert!(content.contains("And 51 feeds more"), "{content}");
        assert_eq!(title(&[], &well), "The feed lwn can be read again");
        let gone = failing("old", Trouble::Gone, "the server answered 410 Gone");
        assert_eq!(title(&[&gone], &[]), "The feed old is gone");
        assert!(told(&gone, at(0)).contains("asked no more") && told(&gone, at(0)).contains("<code>feeds remove old</code>"));
    }
}
