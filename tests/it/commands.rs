//! The small commands, their help, and what the README promises.

use crate::kit::{Page, Sandbox, Server, fixture, project};

const COMMANDS: &[&str] = &[
    "init", "add", "remove", "pause", "resume", "list", "run", "status", "queue", "show", "preview", "catchup", "resend", "check",
];

fn reader_of(publisher: &Server) -> Sandbox {
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    Sandbox::local().sink_maildir().feed_with("winds", publisher.url("/rss"), "tags = [\"air\"]")
}

#[test]
fn every_command_has_a_help_with_an_example() {
    let reader = Sandbox::new();
    for command in COMMANDS {
        let help = reader.run(&[command, "--help"]).succeeds().stdout;
        let last = help.trim_end().lines().last().unwrap().trim().to_owned();
        assert!(last.contains("feeds ") && last.contains(command), "`{command}` ends its help with: {last}");
    }
    let all = reader.run(&["--help"]).succeeds().stdout;
    assert!(COMMANDS.iter().all(|command| all.contains(command)), "{all}");
}

#[test]
fn a_command_line_that_is_wrong_ends_with_2() {
    let reader = Sandbox::new();
    reader.run(&["pol"]).fails_with(2);
    reader.run(&["run", "--onec"]).fails_with(2).complains_of("--once");
    reader.run(&["--version"]).succeeds().shows("feeds 0.");
}

#[test]
fn a_run_without_a_configuration_says_how_to_make_one() {
    let reader = Sandbox::new();
    reader.poll().fails_with(2).complains_of("feeds init");
    assert!(!reader.database().exists());
}

#[test]
fn init_writes_a_configuration_that_works_and_never_overwrites() {
    let reader = Sandbox::new();
    reader.run(&["init"]).succeeds();
    let written = reader.config_text();
    assert!(written.contains("[sinks.inbox]") && written.contains('#'), "{written}");
    reader.run(&["check", "--offline"]).succeeds();
    reader.poll().succeeds();
    reader.run(&["init"]).fails().complains_of("config.toml");
    assert_eq!(reader.config_text(), written);
}

#[test]
fn a_database_that_cannot_be_had_ends_with_3() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    let text = "this is a long text and no database".repeat(100);
    let damaged = reader.file("damaged.db", &text);
    reader.run(&["--database", damaged.to_str().unwrap(), "run", "--once"]).fails_with(3).complains_of("damaged.db");
    assert_eq!(std::fs::read_to_string(&damaged).unwrap(), text, "a damaged database is never replaced");
    assert!(publisher.requests().is_empty());
}

#[test]
fn a_configuration_can_be_named_before_and_after_the_command() {
    let reader = Sandbox::new();
    reader.file("other/config.toml", "[feeds.winds]\nurl = \"winds.xml\"\n[sinks.inbox]\ntype = \"maildir\"\npath = \"mail\"\n[defaults]\nsinks = [\"inbox\"]\n");
    reader.run(&["--config", "other/config.toml", "list"]).succeeds().shows("winds");
    reader.run(&["list", "--config", "other/config.toml"]).succeeds().shows("winds");
}

#[test]
fn list_shows_what_is_subscribed() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    reader.run(&["list"]).succeeds().shows("winds");
    let feed = &reader.facts(&["list"])[0];
    assert_eq!((&feed["name"], &feed["url"]), (&"winds".into(), &publisher.url("/rss").into()));
    assert_eq!((feed["tags"][0].as_str(), feed["sinks"][0].as_str()), (Some("air"), Some("inbox")));
    assert_eq!((feed["interval"].as_str(), feed["paused"].as_bool()), (Some("1h"), Some(false)));
    assert!(publisher.requests().is_empty());
}

#[test]
fn status_tells_the_health_of_each_feed() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    reader.poll().succeeds();
    let feed = reader.status_of("winds");
    assert_eq!((&feed["state"], &feed["failures"], &feed["error"]), (&"ok".into(), &0.into(), &serde_json::Value::Null));
    for time in ["last_attempt", "last_success", "next_poll"] {
        assert!(feed[time].as_str().unwrap().ends_with('Z'), "{time} in {feed}");
    }
    assert!(feed["because"].as_str().unwrap().contains("once a day"));
    reader.run(&["status", "winds"]).succeeds().shows("winds");
    reader.run(&["status", "nobody"]).fails_with(2).complains_of("nobody");
}

#[test]
fn a_paused_feed_is_not_asked_until_it_is_resumed() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    reader.run(&["pause", "winds"]).succeeds();
    assert_eq!(reader.facts(&["list"])[0]["paused"], true);
    reader.poll_again().succeeds();
    assert!(publisher.requests().is_empty());
    reader.run(&["resume", "winds"]).succeeds();
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 2);
    reader.run(&["pause", "nobody"]).fails_with(2).complains_of("nobody");
}

#[test]
fn a_removed_feed_leaves_the_rest_of_the_file_alone() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    let before = reader.config_text();
    reader.append("\n# a second one\n[feeds.second]\nurl = \"https://example.org/second\"\n");
    reader.run(&["remove", "second"]).succeeds();
    let text = reader.config_text();
    assert!(text.starts_with(before.trim_end()) && !text.contains("feeds.second"), "{text}");
    reader.run(&["remove", "second"]).fails_with(2).complains_of("second");
}

#[test]
fn show_tells_what_a_document_holds_without_a_configuration() {
    let reader = Sandbox::new();
    let path = project().join("fixtures/feeds/demo.xml");
    let path = path.to_str().unwrap();
    let shown = reader.facts(&["show", path]);
    assert_eq!((&shown["ok"], &shown["title"]), (&true.into(), &"The Lighthouse & the Loom".into()));
    assert_eq!(shown["entries"].as_array().unwrap().len(), 3);
    let entry = &shown["entries"][0];
    assert_eq!(entry["link"], "https://example.org/log/three-storms");
    assert_eq!(entry["published"], "2026-11-14T06:30:00Z");
    assert_eq!(entry["enclosures"][0]["type"], "audio/mpeg");
    assert_eq!(entry["comments"], "https://example.org/log/three-storms#comments");
    assert!(entry["content"].as_str().unwrap().contains("<table>"));
    reader.run(&["show", path]).succeeds().shows("The Lighthouse & the Loom").shows("Counting waves");
}

#[test]
fn show_says_why_a_document_is_none() {
    let reader = Sandbox::new();
    let path = project().join("fixtures/feeds/malformed.xml");
    reader.run(&["show", "/no/such/file.xml"]).fails().complains_of("/no/such/file.xml");
    let ran = reader.run(&["show", path.to_str().unwrap(), "--json"]);
    // Whether half a document is repaired or refused, it is said.
    assert!(ran.json()["ok"].is_boolean(), "{ran:#?}");
}

#[test]
fn show_says_what_a_document_is_that_is_no_feed() {
    let reader = Sandbox::new();
    let page = project().join("fixtures/feeds/page_two_feeds.html");
    let ran = reader.run(&["show", page.to_str().unwrap(), "--base", "https://example.org/", "--json"]);
    assert_eq!((ran.code, &ran.json()["ok"]), (Some(1), &false.into()));
    assert!(ran.json()["error"].as_str().unwrap().contains("an HTML page; it names 2 feeds: http"), "{ran:#?}");
    let torn = reader.file("torn.json", "{\"version\": \"https://jsonfeed.org/version/1.1\", \"items\": [{\"id\": 1");
    reader.run(&["show", torn.to_str().unwrap()]).fails().complains_of("truncated before the first entry");
}

#[test]
fn preview_shows_the_mail_that_would_be_sent() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    reader.run(&["preview", "winds"]).succeeds().shows("The second entry");
    let mail = reader.run(&["preview", "winds", "--as", "eml", "--entry", "2"]).succeeds().stdout;
    assert_eq!(crate::kit::Message::parse(mail.into_bytes()).subject(), "The first entry");
    reader.run(&["preview", "winds", "--as", "url"]).succeeds().shows("https://example.org/posts/two");
    assert!(!reader.database().exists() && reader.inbox().is_empty());
}

#[test]
fn preview_shows_an_address_as_add_would_subscribe_to_it() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")));
    let url = publisher.url("/rss");
    let layers = "subject = \"[{{ feed.name }}] {{ entry.title }}\"\ntransform = [\"sed\", \"s/second/other/g\"]";
    let maildir = |name: &str| format!("type = \"maildir\"\npath = \"~/{name}\"");
    let reader = Sandbox::local().defaults(layers).sink("two", &maildir("Two")).sink("one", &maildir("One"));
    let before = std::fs::read_to_string(reader.config_path()).unwrap();
    let shown = reader.facts(&["preview", &url]);
    assert_eq!((&shown["sink"], &shown["sinks"]), (&"two".into(), &serde_json::json!(["two", "one"])));
    let subject = format!("[{}] The other entry", shown["feed"].as_str().unwrap());
    assert_eq!(shown["subject"], subject);
    reader
        .run(&["preview", &url, "--explain"])
        .succeeds()
        .complains_of("goes to: two, one, once `feeds add` has subscribed to it");
    assert_eq!(reader.facts(&["preview", &url, "--sink", "one"])["sink"], "one");
    assert_eq!(std::fs::read_to_string(reader.config_path()).unwrap(), before);
    // Without a configuration, and once it is a subscription.
    let file = project().join("fixtures/feeds/two_entries.xml");
    Sandbox::new().run(&["preview", file.to_str().unwrap()]).succeeds().shows("The second entry");
    reader.run(&["add", &url, "--name", "mine"]).succeeds();
    assert_eq!(reader.facts(&["preview", &url])["feed"], "mine");
}

#[test]
fn check_explains_a_configuration_that_is_well() {
    let publisher = Server::start();
    let reader = reader_of(&publisher);
    reader.run(&["check", "--offline"]).succeeds();
    assert!(publisher.requests().is_empty() && !reader.database().exists());
}

#[test]
fn the_readme_has_its_two_commands_each_in_a_block_of_its_own() {
    let readme = std::fs::read_to_string(project().join("README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("\n```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1.trim()).collect();
    for command in ["cargo run --release -- --config config.example.toml run --once", "cargo test --locked"] {
        assert!(blocks.contains(&command), "no block with only `{command}`");
    }
}

#[test]
fn the_example_configuration_delivers_the_demonstration_feed_and_writes_only_beside_itself() {
    let reader = Sandbox::new();
    let example = std::fs::read_to_string(project().join("config.example.toml")).unwrap();
    let path = reader.file("clone/config.example.toml", &example);
    reader.file("clone/fixtures/feeds/demo.xml", &fixture("demo.xml"));
    let arguments = ["--config", path.to_str().unwrap(), "run", "--once"];
    reader.run(&arguments).succeeds();
    let beside: Vec<_> = std::fs::read_dir(reader.home()).unwrap().map(|item| item.unwrap().file_name()).collect();
    assert_eq!(beside, ["clone"], "nothing outside the clone");
    assert!(reader.home().join("clone/demo").is_dir());
    reader.run(&arguments).succeeds();
}

#[test]
fn check_names_the_files_of_feeds_that_are_not_there() {
    let reader = Sandbox::new().sink_maildir().feed_with(
        "winds",
        "https://h.example/feed",
        "ca_file = \"ca.pem\"\nclient_cert = \"me.pem\"\nusername = \"me\"\npassword_file = \"word\"",
    );
    reader.file(".config/feeds/me.pem", "");
    let ran = reader.run(&["check", "--offline"]).fails_with(1);
    let ran = ran.complains_of("feed `winds`: cannot read `ca_file`").complains_of("cannot read `password_file`");
    assert!(!ran.stderr.contains("`client_cert`"), "{ran:#?}");
}
