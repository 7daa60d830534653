//! PURE. Which feeds one request answers: those whose first request would be the same. Goes in: the due feeds of a host. Comes out:
//! groups, and what an answer to one says to the others.

use std::collections::HashMap;

use jiff::Timestamp;
use url::Url;

use super::Subscription;
use crate::fetch::{Access, FetchError, Fetched, Source, Validators, plain, start};
use crate::schedule;
use crate::store::{FeedId, History};

/// A feed that is due, with where it is asked.
#[derive(Debug, Clone)]
pub(super) struct Due<'a> {
    /// What is wanted of it.
    pub(super) subscription: &'a Subscription,
    /// What is known of it.
    pub(super) history: History,
    /// Where it is remembered to have moved for good.
    pub(super) moved_to: Option<Url>,
}

impl<'a> Due<'a> {
    /// A feed as it is due; `None` where nobody wants it any more.
    pub(super) fn new(history: History, subscriptions: &'a HashMap<FeedId, Subscription>) -> Option<Self> {
        let subscription = subscriptions.get(&history.feed)?;
        let moved_to = history.moved_to.as_deref().and_then(|url| Url::parse(url).ok());
        Some(Self { subscription, history, moved_to })
    }

    /// The first request: its URL as it goes over the wire and the login that goes with it.
    fn request(&self) -> Option<Url> {
        match &self.subscription.source {
            Source::Http(url) => Some(start(url, self.moved_to.as_ref())),
            Source::File(_) | Source::Command(_) => None,
        }
    }

    /// How it is asked beside that; feeds are asked together only where it is equal in all.
    fn access(&self) -> Option<&Access> {
        self.subscription.access.as_deref()
    }

    /// Whether it is time to ask for the document as if nothing were known.
    pub(super) fn is_to_be_rechecked(&self, asked_at: Timestamp) -> bool {
        schedule::is_to_be_rechecked(self.subscription.schedule, &self.history.habits, asked_at)
    }

    /// What is known of the feed, now that it was asked.
    pub(super) fn as_asked(&self, asked_at: Timestamp) -> History {
        let mut history = self.history.clone();
        if self.is_to_be_rechecked(asked_at) {
            history.habits.whole_at = history.habits.whole_at.map(|_| asked_at);
        }
        history
    }

    fn source(&self) -> Option<Url> {
        match &self.subscription.source {
            Source::Http(url) => Some(start(url, None)),
            Source::File(_) | Source::Command(_) => None,
        }
    }
}

/// Puts feeds together that one request can answer, each group at the place of its first. In a group those come first that were not
/// moved: what is answered to them, they were told at their own address.
pub(super) fn together(feeds: Vec<Due<'_>>) -> Vec<Vec<Due<'_>>> {
    let mut groups: Vec<Vec<Due<'_>>> = Vec::new();
    let mut places: HashMap<Url, Vec<usize>> = HashMap::new();
    for feed in feeds {
        if let Some(url) = feed.request() {
            let known = places.entry(url).or_default();
            let is_equal = |place: &&usize| {
                groups.get(**place).and_then(|group| group.first()).is_some_and(|first| first.access() == feed.access())
            };
            if let Some(group) = known.iter().find(is_equal).and_then(|place| groups.get_mut(*place)) {
                group.push(feed);
                continue;
            }
            known.push(groups.len());
        }
        groups.push(vec![feed]);
    }
    for group in &mut groups {
        group.sort_by_key(|feed| feed.moved_to.is_some());
    }
    groups
}

/// What to compare with: only what all of them have recorded, and with the same document. A feed that is new, or that missed
/// the last one, would otherwise never see it.
pub(super) fn validators(group: &[Due<'_>]) -> Option<Validators> {
    let (first, others) = group.split_first()?;
    let known = first.history.validators.as_ref()?;
    let same = |feed: &Due<'_>| {
        feed.history.validators.as_ref() == Some(known) && feed.history.document_hash == first.history.document_hash
    };
    let kept = others.iter().all(same).then(|| known.clone())?;
    Some(Validators { etag: kept.etag, last_modified: kept.last_modified, url: kept.url, asked_as: kept.asked_as })
}

/// What the answer to `asked` says to `other`; `None` where `other` must ask by itself.
pub(super) fn told(
    asked: &Due<'_>,
    other: &Due<'_>,
    answer: &Result<Fetched, FetchError>,
) -> Option<Result<Fetched, FetchError>> {
    let (source, others) = (asked.source()?, other.source()?);
    if source == others && asked.moved_to == other.moved_to {
        return Some(answer.clone());
    }
    let fetched = match answer {
        // Its old address may still lead to it.
        Err(error) if error.is_of_the_place() => return None,
        Err(error) => return Some(Err(error.clone())),
        Ok(fetched) => fetched,
    };
    let start = other.request()?;
    let (end, moved_to) = match fetched {
        Fetched::Document(answer) => (plain(&answer.url), answer.moved_to.as_ref()),
        Fetched::Unchanged { validators, moved_to, .. } => (Url::parse(&validators.url).ok()?, moved_to.as_ref()),
    };
    let is_at_the_start = end == plain(&start);
    if !is_at_the_start && asked.moved_to.is_some() {
        // It may have been found at an address that is not the other's.
        return None;
    }
    let for_good = is_at_the_start || moved_to.is_some_and(|moved| plain(moved) == end);
    let own = if for_good { Some(end) } else { other.moved_to.clone() };
    let own = own.filter(|own| plain(own) != plain(&others));
    let mut told = fetched.clone();
    match &mut told {
        Fetched::Document(answer) => answer.moved_to = own,
        Fetched::Unchanged { moved_to, .. } => *moved_to = own,
    }
    Some(Ok(told))
}

#[cfg(test)]
mod tests;
