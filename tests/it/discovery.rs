//! `feeds add` of pages that name no feed, and of sites whose feeds are known.

use crate::kit::{Page, Sandbox, Server, fixture};

fn targets(publisher: &Server) -> Vec<String> {
    publisher.requests().into_iter().map(|request| request.target).collect()
}

#[test]
fn where_a_page_names_no_feed_the_usual_places_are_tried_until_one_holds_a_feed() {
    let publisher = Server::start();
    publisher.serve("/blog/", Page::html(fixture("page_without_feeds.html")));
    publisher.serve("/feed", Page::html(fixture("page_without_feeds.html")));
    publisher.serve("/rss.xml", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/blog/")]).succeeds().shows("Two Winds");
    assert_eq!(targets(&publisher), ["/blog/", "/feed", "/rss", "/rss.xml"]);
    assert!(reader.config_text().contains(&publisher.url("/rss.xml")));
}

#[test]
fn the_usual_places_are_few_and_a_host_that_is_tired_is_left_alone() {
    let publisher = Server::start();
    publisher.serve("/", Page::html(fixture("page_without_feeds.html")));
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/")]).fails_with(1).complains_of("names no feed, and none is at the usual places");
    assert_eq!(publisher.requests().len(), 8);
    publisher.answer("/feed", 429, &[], "");
    reader.run(&["add", &publisher.url("/")]).fails_with(1);
    assert_eq!(publisher.requests().len(), 10);
}

#[test]
fn a_login_that_was_typed_goes_with_the_feeds_of_its_origin() {
    let publisher = Server::start();
    publisher.serve("/", Page::html("<!doctype html><link rel=alternate type=application/rss+xml href=/feed>"));
    publisher.serve("/feed", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir();
    let with_login = |path: &str| publisher.url(path).replace("//", "//me:hunter2@");
    let ran = reader.run(&["add", &with_login("/")]).succeeds();
    assert!(!ran.stdout.contains("hunter2") && !ran.stderr.contains("hunter2"), "{ran:#?}");
    assert_eq!(publisher.requests_to("/feed")[0].header("Authorization"), Some("Basic bWU6aHVudGVyMg=="));
    assert!(reader.config_text().contains(&with_login("/feed")));
}

#[test]
fn a_profile_leads_to_its_feed() {
    let publisher = Server::start();
    publisher.serve("/@someone", Page::html(fixture("page_without_feeds.html")));
    publisher.serve("/@someone.rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/@someone")]).succeeds();
    assert_eq!(targets(&publisher), ["/@someone", "/@someone.rss"]);
}

#[test]
fn a_handle_whose_page_names_its_channel_is_a_choice() {
    let publisher = Server::start();
    let channel = "https://www.youtube.com/feeds/videos.xml?channel_id=UCabcdefghijklmnopqrst12";
    publisher.serve(
        "/@someone",
        Page::html(format!("<!doctype html><link rel=alternate type=application/rss+xml title=RSS href=\"{channel}\">")),
    );
    let reader = Sandbox::local().sink_maildir();
    let ran = reader.run(&["add", &publisher.url("/@someone")]).fails_with(2);
    for words in [channel, "without shorts", "playlist_id=UULFabcdefghijklmnopqrst12", "feeds add https://www.youtube.com"] {
        assert!(ran.stderr.contains(words), "no `{words}` in {ran:#?}");
    }
    assert_eq!(publisher.requests().len(), 1);
}

#[test]
fn a_repository_and_a_channel_are_a_choice_without_a_request() {
    let reader = Sandbox::local().sink_maildir();
    let before = reader.config_text();
    reader
        .run(&["add", "https://github.com/someone/something"])
        .fails_with(2)
        .complains_of("https://github.com/someone/something/releases.atom  releases")
        .complains_of("tags.atom")
        .complains_of("commits.atom");
    reader.run(&["add", "https://www.youtube.com/channel/UCabcdefghijklmnopqrst12"]).fails_with(2).complains_of("UULF");
    assert_eq!(reader.config_text(), before);
}
