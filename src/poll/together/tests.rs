//! Feeds that share a document.

use super::*;
use crate::fetch::{Answer, FetchErrorKind, Room};
use crate::poll::Backlog;
use crate::store;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn subscription(text: &str) -> Subscription {
    Subscription { source: Source::Http(url(text)), ..Subscription::specimen("news", Backlog::All) }
}

fn due(subscription: &Subscription, number: i64, moved_to: Option<&str>, etag: Option<&str>) -> Due<'static> {
    let subscription: &'static Subscription = Box::leak(Box::new(subscription.clone()));
    let validators = etag.map(|etag| store::Validators {
        etag: Some(etag.into()),
        last_modified: None,
        url: "https://a.example/feed".into(),
        asked_as: None,
    });
    let history = History {
        habits: crate::schedule::Habits::default(),
        status: None,
        trouble: None,
        feed: FeedId(number),
        validators,
        document_hash: etag.map(|etag| etag.as_bytes().to_vec()),
        moved_to: moved_to.map(str::to_owned),
        ever_read: etag.is_some(),
        last_success: None,
        remembered: 0,
        newest: None,
        holds: false,
        failures: 0,
        failing_since: None,
        last_attempt: None,
        polls: 0,
    };
    Due { subscription, history, moved_to: moved_to.map(url) }
}

fn groups(feeds: &[(&str, Option<&str>)]) -> Vec<Vec<i64>> {
    let feeds = (0..).zip(feeds).map(|(number, (source, moved))| due(&subscription(source), number, *moved, None)).collect();
    together(feeds).iter().map(|group| group.iter().map(|feed| feed.history.feed.0).collect()).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "an answer as it comes from the fetcher")]
fn document(at: &str, moved_to: Option<&str>) -> Result<Fetched, FetchError> {
    Ok(Fetched::Document(Box::new(Answer {
        said: None,
        bytes: Vec::new(),
        content_type: None,
        url: url(at),
        moved_to: moved_to.map(url),
        validators: Validators::default(),
        fresh_for: None,
        room: Room::default(),
    })))
}

fn moved(answer: Option<Result<Fetched, FetchError>>) -> Option<String> {
    let Some(Ok(Fetched::Document(answer))) = answer else { panic!("it was told nothing") };
    answer.moved_to.map(String::from)
}

#[test]
fn p37_one_request_answers_all_whose_request_it_would_be() {
    assert_eq!(groups(&[("https://a.example/feed", None), ("https://a.example/feed#two", None)]), [[0, 1]]);
    let moved = [("https://old.example/", Some("https://a.example/feed")), ("https://a.example/feed", None)];
    assert_eq!(groups(&moved), [[1, 0]], "the one that was not moved asks");
    for other in ["https://a.example/feed?", "http://a.example/feed", "https://me:word@a.example/feed", "https://a.example/feed/"]
    {
        assert_eq!(groups(&[("https://a.example/feed", None), (other, None)]).len(), 2, "{other}");
    }
}

#[test]
fn p37_validators_go_out_only_where_all_have_recorded_that_document() {
    let feed = subscription("https://a.example/feed");
    let sent = |etags: &[Option<&str>]| {
        let group: Vec<Due<'_>> = (0..).zip(etags).map(|(number, etag)| due(&feed, number, None, *etag)).collect();
        validators(&group).map(|sent| String::from_utf8(sent.etag.unwrap()).unwrap())
    };
    assert_eq!(sent(&[Some("1"), Some("1")]).as_deref(), Some("1"));
    assert_eq!(sent(&[Some("1"), Some("2")]), None);
    assert_eq!(sent(&[Some("1"), None]), None);
    assert_eq!(sent(&[None, Some("1")]), None);
}

#[test]
fn each_feed_is_told_of_moves_by_its_own_address() {
    let here = due(&subscription("https://a.example/feed"), 0, None, None);
    let two = due(&subscription("https://a.example/feed#two"), 1, None, None);
    let old = due(&subscription("https://old.example/"), 2, Some("https://a.example/feed"), None);
    let older = due(&subscription("https://older.example/"), 3, Some("https://a.example/feed"), None);
    let some = |text: &str| Some(text.to_owned());
    let stays = document("https://a.example/feed", None);
    assert_eq!(moved(told(&here, &two, &stays)), None);
    assert_eq!(moved(told(&here, &old, &stays)), some("https://a.example/feed"));
    let goes_on = document("https://b.example/feed", Some("https://b.example/feed"));
    assert_eq!(moved(told(&here, &old, &goes_on)), some("https://b.example/feed"));
    let for_now = document("https://b.example/feed", None);
    assert_eq!(moved(told(&here, &old, &for_now)), some("https://a.example/feed"));
    assert_eq!(
        moved(told(&old, &older, &document("https://a.example/feed", Some("https://a.example/feed")))),
        some("https://a.example/feed")
    );
    assert!(told(&old, &older, &document("https://old.example/", None)).is_none(), "found again at an address of its own");
}

#[test]
fn where_the_place_is_gone_each_looks_at_its_own_old_one() {
    let here = due(&subscription("https://a.example/feed"), 0, None, None);
    let two = due(&subscription("https://a.example/feed#two"), 1, None, None);
    let old = due(&subscription("https://old.example/"), 2, Some("https://a.example/feed"), None);
    let failed = |status| Err(FetchErrorKind::Status(status).into());
    assert!(told(&here, &old, &failed(404)).is_none());
    assert!(told(&here, &two, &failed(404)).is_some_and(|answer| answer.is_err()));
    assert!(told(&here, &old, &failed(503)).is_some_and(|answer| answer.is_err()));
}
