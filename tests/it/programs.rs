//! Sources that are no address: programs that give a document, programs that change one, and files.

use std::os::unix::fs::PermissionsExt as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::kit::{Page, Sandbox, Server, fixture, wait};

fn reader() -> Sandbox {
    Sandbox::local().sink_maildir()
}

/// Writes a program into the configuration's folder.
fn program(reader: &Sandbox, name: &str, script: &str) {
    let path = reader.file(&format!(".config/feeds/{name}"), &format!("#!/bin/sh\n{script}\n"));
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn what_a_program_prints_is_a_feed_like_any_other() {
    let reader = reader();
    reader.file(".config/feeds/doc.xml", &fixture("two_entries.xml"));
    program(&reader, "news", "echo \"$FEEDS_NAME from $1\" >&2; cat doc.xml");
    reader.append("\n[feeds.news]\ncommand = [\"./news\", \"$HOME; exit 1\"]\n");
    reader.poll().succeeds().quietly();
    assert_eq!(reader.inbox().len(), 2);
    let events = reader.run(&["run", "--once", "--force", "--json"]).succeeds().events();
    assert_eq!(events[0]["event"], "unchanged", "an equal document is not parsed again");
    reader.run(&["status", "news"]).succeeds().shows("standard error:").shows("news from $HOME; exit 1").shows("command:news#");
    reader.run(&["show", "news"]).succeeds().shows("The second entry");
    reader.run(&["preview", "news"]).succeeds().shows("Subject:");
    reader.run(&["check", "--offline"]).succeeds();
}

#[test]
fn a_program_that_fails_says_why_and_one_that_asks_for_patience_is_no_error() {
    let reader = reader();
    program(&reader, "broken", "echo first >&2; echo no such table >&2; exit 2");
    program(&reader, "busy", "echo the site sleeps >&2; exit 75");
    reader.append("\n[feeds.broken]\ncommand = [\"./broken\"]\n[feeds.busy]\ncommand = [\"./busy\"]\n");
    let ran = reader.poll().succeeds().complains_of("`broken` ended with status 2: first; no such table");
    assert!(!ran.stderr.contains("busy"), "{ran:#?}");
    let busy = reader.status_of("busy");
    assert_eq!((busy["trouble"].as_str(), busy["said"].as_str()), (Some("later"), Some("the site sleeps")));
    assert_eq!(busy["error"], "`busy` asks to be tried later: the site sleeps");
    reader.run(&["status", "broken"]).succeeds().shows("first").shows("no such table");
}

#[test]
fn a_document_passes_through_a_filter_and_a_filter_that_fails_loses_nothing() {
    let publisher = Server::start();
    publisher.serve("/rss", Page::feed(fixture("two_entries.xml")).etag("\"a\""));
    let reader = reader();
    program(&reader, "tidy", "test -f broken && { echo out of order >&2; exit 1; }; sed 's/The second entry/Made tidy/'");
    reader.file(".config/feeds/broken", "");
    reader.append(&format!("\n[feeds.winds]\nurl = \"{}\"\nfilter = [\"./tidy\"]\n", publisher.url("/rss")));
    reader.poll().succeeds().complains_of("`tidy` ended with status 1: out of order");
    assert_eq!(reader.inbox().len(), 0);
    std::fs::remove_file(reader.home().join(".config/feeds/broken")).unwrap();
    reader.poll_again().succeeds();
    assert_eq!(publisher.requests()[1].header("If-None-Match"), None, "what was lost to the filter is asked for again");
    let subjects: Vec<String> = reader.inbox().iter().map(|mail| mail.subject().to_owned()).collect();
    assert!(subjects.len() == 2 && subjects.contains(&"Made tidy".to_owned()), "{subjects:?}");
    reader.run(&["show", "winds"]).succeeds().shows("Made tidy");
    reader.poll_again().succeeds();
    assert!(publisher.requests().last().unwrap().is_conditional());
    assert_eq!(reader.inbox().len(), 2);
}

#[test]
fn a_program_ends_with_the_run_that_started_it() {
    let reader = reader();
    program(&reader, "endless", "sleep 600 & echo $! > pid; wait");
    reader.append("\n[feeds.endless]\ncommand = [\"./endless\"]\n");
    let running = reader.spawn(&["run", "--once"]);
    let path = reader.home().join(".config/feeds/pid");
    let pid = wait::until("the program's child", Duration::from_secs(30), || {
        std::fs::read_to_string(&path).ok().filter(|text| text.ends_with('\n'))
    });
    let started = Instant::now();
    running.signal(Signal::TERM);
    running.ends().succeeds();
    assert!(started.elapsed() < Duration::from_secs(20));
    let stat = format!("/proc/{}/stat", pid.trim());
    let is_gone =
        || std::fs::read_to_string(&stat).map_or(true, |stat| stat.rsplit(')').next().unwrap().trim_start().starts_with('Z'));
    wait::until("the end of the program's child", Duration::from_secs(10), || is_gone().then_some(()));
}

#[test]
fn a_program_that_is_not_there_is_found_by_check() {
    let reader = reader();
    reader.append("\n[feeds.a]\ncommand = [\"./missing\"]\n[feeds.b]\nurl = \"doc.xml\"\nfilter = [\"no-such-program\"]\n");
    let ran = reader.run(&["check", "--offline"]).fails_with(1);
    assert!(ran.stderr.contains("feed `a`") && ran.stderr.contains("`no-such-program`"), "{ran:#?}");
    reader.run(&["run", "--once", "--only", "a"]).succeeds().complains_of("there is no such program");
}

#[test]
fn a_file_is_added_by_its_path_or_its_url() {
    let reader = reader();
    let path = reader.file("docs/winds.xml", &fixture("two_entries.xml"));
    reader.run(&["add", "docs/winds.xml"]).succeeds().shows("Two Winds");
    reader.run(&["add", &format!("file://{}", path.display())]).fails_with(2).complains_of("winds");
    reader.run(&["add", "./docs/missing.xml"]).fails().complains_of("there is no such file");
    reader.poll().succeeds();
    assert_eq!(reader.inbox().len(), 2);
    assert!(reader.config_text().contains("url = \"file:///"), "{}", reader.config_text());
}
