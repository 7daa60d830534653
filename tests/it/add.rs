//! `feeds add`: a page or a feed becomes a subscription, and its one request is the feed's first poll.

use std::os::unix::fs::PermissionsExt as _;

use crate::kit::{Page, Sandbox, Server, fixture};

fn publisher() -> Server {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"a\""));
    publisher.serve("/comments.atom", Page::of(fixture("atom.xml"), "application/atom+xml"));
    publisher.serve("/one", Page::html(fixture("page_one_feed.html")));
    publisher.serve("/two", Page::html(fixture("page_two_feeds.html")));
    publisher.serve("/none", Page::html(fixture("page_without_feeds.html")));
    publisher
}

/// The names of the subscriptions.
fn names(reader: &Sandbox) -> Vec<String> {
    let feeds = reader.facts(&["list"]);
    feeds.as_array().unwrap().iter().map(|feed| feed["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn adding_a_feed_is_its_first_poll() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/rss")]).succeeds().shows("Two Winds").shows("The second entry");
    reader.poll().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 2, "the run after it delivers the backlog");
    assert_eq!(publisher.requests().len(), 1, "without asking again");
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests()[1].header("If-None-Match"), Some("\"a\""));
}

#[test]
fn a_page_with_one_feed_leads_to_it() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/one")]).succeeds();
    assert!(reader.config_text().contains(&publisher.url("/rss")));
    let asked: Vec<String> = publisher.requests().into_iter().map(|request| request.target).collect();
    assert_eq!(asked, ["/one", "/rss"]);
}

#[test]
fn a_page_with_several_feeds_lists_them_and_asks_for_one() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir();
    let before = reader.config_text();
    let ran = reader.run(&["add", &publisher.url("/two")]).fails_with(2);
    for words in ["Posts", "Comments & replies", "/rss", "/comments.atom"] {
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(words), "no `{words}` in {ran:#?}");
    }
    assert_eq!(reader.config_text(), before);
    assert!(!reader.database().exists());
    assert_eq!(publisher.requests().len(), 1);
}

#[test]
fn a_feed_that_is_not_there_changes_nothing() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir();
    let before = reader.config_text();
    reader.run(&["add", &publisher.url("/nowhere")]).fails().complains_of("404");
    assert_eq!(reader.config_text(), before);
    assert!(!reader.database().exists());
}

#[test]
fn what_is_no_feed_and_names_none_changes_nothing() {
    let publisher = Server::start();
    publisher.serve("/none", Page::html(fixture("page_without_feeds.html")));
    publisher.serve("/broken", Page::feed(fixture("malformed.xml")));
    let reader = Sandbox::local().sink_maildir();
    let before = reader.config_text();
    reader.run(&["add", &publisher.url("/none")]).fails().complains_of("/none");
    reader.run(&["add", "not a url"]).fails_with(2);
    assert_eq!(reader.config_text(), before);
    assert!(!reader.database().exists());
}

#[test]
fn a_feed_is_added_once() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/rss"), "--name", "winds"]).succeeds();
    let before = reader.config_text();
    reader.run(&["add", &publisher.url("/rss")]).fails().complains_of("winds");
    reader.run(&["add", &publisher.url("/one")]).fails().complains_of("winds");
    reader.run(&["add", &publisher.url("/comments.atom"), "--name", "winds"]).fails().complains_of("winds");
    assert_eq!(reader.config_text(), before);
}

#[test]
fn two_feeds_with_one_title_get_two_names() {
    let publisher = publisher();
    publisher.serve("/again", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local().sink_maildir();
    reader.run(&["add", &publisher.url("/rss"), &publisher.url("/again")]).succeeds();
    let names = names(&reader);
    assert_eq!(names.len(), 2);
    assert_ne!(names[0], names[1]);
}

#[test]
fn options_become_settings_of_the_feed() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir().sink("other", "type = \"maildir\"\npath = \"~/Other\"");
    let options = ["--name", "winds", "--tag", "sea", "--tag", "air", "--sink", "other", "--interval", "2h", "--backlog", "1"];
    reader.run(&[&["add", &publisher.url("/rss")], &options[..]].concat()).succeeds();
    let config: toml::Table = reader.config_text().parse().unwrap();
    let feed = &config["feeds"]["winds"];
    assert_eq!(feed["url"].as_str(), Some(publisher.url("/rss").as_str()));
    assert_eq!(feed["tags"].as_array().unwrap().len(), 2);
    assert_eq!((feed["interval"].as_str(), feed["backlog"].as_integer()), (Some("2h"), Some(1)));
    reader.poll().succeeds();
    assert_eq!((reader.inbox().len(), reader.maildir("Other").len()), (0, 1));
}

#[test]
fn the_rest_of_the_file_stays_as_its_owner_wrote_it() {
    let publisher = publisher();
    let reader = Sandbox::local().sink_maildir();
    let text = format!("# my feeds\n\n{}\n[feeds.old] # the oldest\nurl   =  'https://example.org/old'\n", reader.config_text());
    reader.file("dotfiles/feeds.toml", &text);
    std::fs::remove_file(reader.config_path()).unwrap();
    std::os::unix::fs::symlink(reader.home().join("dotfiles/feeds.toml"), reader.config_path()).unwrap();
    let real = reader.home().join("dotfiles/feeds.toml");
    std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
    reader.run(&["add", &publisher.url("/rss"), "--name", "winds"]).succeeds();
    assert!(std::fs::read_to_string(&real).unwrap().starts_with(&text), "{}", reader.config_text());
    assert!(reader.config_path().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}

#[test]
fn a_file_that_does_not_parse_is_never_touched() {
    let publisher = publisher();
    let reader = Sandbox::new().config("[defaults]\nsinks = [\"inbox\"\n");
    let before = reader.config_text();
    reader.run(&["add", &publisher.url("/rss")]).fails_with(2);
    assert_eq!(reader.config_text(), before);
    assert!(publisher.requests().is_empty());
}

#[test]
fn this_machine_is_not_asked_unless_the_configuration_lets_it() {
    let publisher = publisher();
    let reader = Sandbox::new().sink_maildir();
    reader.run(&["add", &publisher.url("/rss")]).fails().complains_of("127.0.0.1");
    assert!(publisher.requests().is_empty());
}
