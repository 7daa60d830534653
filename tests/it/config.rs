//! The configuration: its layers, and how its mistakes are told.

use crate::kit::{Page, Sandbox, Server, fixture};

#[test]
fn all_mistakes_are_told_at_once_each_with_its_line_and_the_nearest_key() {
    let text = "\
[defaults]
sinks = [\"inbox\"]
intervall = \"1h\"
backlog = \"most\"

[sinks.inbox]
type = \"maildir\"
path = \"~/Mail\"

[sinks.mail]
type = \"smtpp\"

[feeds.winds]
url = \"https://example.org/rss\"
sinks = [\"inbx\"]
";
    let reader = Sandbox::new().config(text);
    let told = reader.run(&["check", "--offline"]).fails_with(2).stderr;
    let numbers: Vec<&str> = told.split(|c: char| !c.is_ascii_digit()).collect();
    let mistakes = [(3, "intervall", "interval"), (4, "`most`", "most"), (11, "smtpp", "smtp"), (15, "inbx", "inbox")];
    for (line, wrong, right) in mistakes {
        assert!(numbers.contains(&line.to_string().as_str()), "no line {line} in {told}");
        assert!(told.contains(wrong) && told.contains(&format!("`{right}`")), "no `{right}` for `{wrong}` in {told}");
    }
    assert!(told.matches('^').count() >= 4, "a caret for each: {told}");
    reader.poll().fails_with(2);
    assert!(!reader.database().exists());
}

#[test]
fn a_file_that_does_not_parse_is_shown_with_its_line() {
    let reader = Sandbox::new().config("[defaults]\nsinks = [\"inbox\"\n\n[feeds.winds]\nurl = 1\n");
    reader.run(&["check"]).fails_with(2).complains_of("config.toml").complains_of("^");
}

#[test]
fn the_nearest_setting_wins() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let reader = Sandbox::local()
        .sink_maildir()
        .sink("other", "type = \"maildir\"\npath = \"~/Other\"")
        .feed_with("tagged", publisher.url("/rss"), "tags = [\"first\", \"second\"]")
        .feed_with("own", publisher.url("/rss?own"), "tags = [\"second\"]\nbacklog = 1\nsinks = [\"inbox\"]");
    reader.append("\n[tags.first]\nsinks = [\"inbox\"]\nsubject = \"first\"\n[tags.second]\nsinks = [\"other\"]\nsubject = \"second: {{ entry.title }}\"\n");
    reader.poll().succeeds();
    let subjects = |path: &str| reader.maildir(path).iter().map(|mail| mail.subject().to_owned()).collect::<Vec<_>>();
    assert_eq!(subjects("Mail"), ["second: The second entry"]);
    let mut other = subjects("Other");
    other.sort();
    assert_eq!(other, ["second: The first entry", "second: The second entry"]);
}

#[test]
fn the_folder_of_a_maildir_is_a_template() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let sink = "type = \"maildir\"\npath = \"~/Mail/{{ feed.name }}\"";
    let reader = Sandbox::local().sink("inbox", sink).feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    assert_eq!(reader.maildir("Mail/winds").len(), 2);
}

#[test]
fn two_ways_to_one_secret_are_a_mistake() {
    let sink = "type = \"smtp\"\nhost = \"smtp.example.net\"\nfrom = \"a@example.net\"\nto = \"b@example.net\"\npassword = \"hunter2\"\npassword_file = \"x\"";
    let reader = Sandbox::new().sink("mail", sink);
    let told = reader.run(&["check", "--offline"]).fails_with(2).complains_of("password_file").stderr;
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_secret_that_others_can_read_is_a_failed_check() {
    use std::os::unix::fs::PermissionsExt as _;
    let sink = "type = \"smtp\"\nhost = \"smtp.example.net\"\nfrom = \"a@example.net\"\nto = \"b@example.net\"\nusername = \"a\"\npassword = \"hunter2\"";
    let reader = Sandbox::new().sink("mail", sink);
    std::fs::set_permissions(reader.config_path(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let told = reader.run(&["check", "--offline"]).fails_with(1).complains_of("chmod 600").stderr;
    assert!(!told.contains("hunter2"), "{told}");
}

#[test]
fn a_name_that_cannot_stand_in_an_address_is_refused() {
    let reader = Sandbox::new().sink_maildir().feed("\"Not A Name\"", "https://example.org/rss");
    reader.run(&["check", "--offline"]).fails_with(2).complains_of("Not A Name");
}

#[test]
fn renaming_a_feed_loses_nothing() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"a\""));
    let reader = Sandbox::local().sink_maildir().feed("winds", publisher.url("/rss"));
    reader.poll().succeeds();
    let reader = {
        let text = reader.config_text().replace("[feeds.winds]", "[feeds.breezes]");
        reader.config(&text)
    };
    reader.poll_again().succeeds();
    assert_eq!(reader.inbox().len(), 2);
    assert_eq!(publisher.requests()[1].header("If-None-Match"), Some("\"a\""));
}

#[test]
fn a_check_tells_of_what_is_unwise_wherever_it_is_read() {
    let reader = Sandbox::local().sink_maildir().defaults("interval = \"1m\"").feed("a", "https://example.org/feed");
    reader.run(&["check", "--offline"]).succeeds().complains_of("an interval of 1m is short").complains_of("\"15m\" or more");
}
