//! What splicing leaves as it is, and what it refuses.

use super::*;

const FILE: &str = "\
# Top
[http]
timeout = \"10s\" # slow line

# My first feed.
# It is good.
[feeds.a]
url = 'https://a.example/'   # single quotes stay
tags = [
  \"x\", # why x
]

[feeds.b]
  url = \"b.xml\"
  headers.accept = \"x\"
# interval = \"1h\"

# Rules come last.
[[rules]]
drop = true
";

fn feed(name: &str) -> NewFeed {
    let url = "https://c.example/\"q\"".to_owned();
    NewFeed { name: name.to_owned(), url, tags: Vec::new(), sinks: Vec::new(), interval: None, backlog: None }
}

fn full(name: &str) -> NewFeed {
    NewFeed {
        tags: vec!["x".to_owned(), "y".to_owned()],
        sinks: vec!["inbox".to_owned()],
        interval: "2h".parse().ok(),
        backlog: Some(Backlog::All),
        ..feed(name)
    }
}

#[test]
fn a_new_feed_goes_below_the_last_one() {
    let added = append(FILE, &full("c.d")).unwrap();
    let (before, after) = FILE.split_at(FILE.find("\n# Rules").unwrap());
    let table = "\n[feeds.\"c.d\"]\nurl = 'https://c.example/\"q\"'\ntags = [\"x\", \"y\"]\nsinks = [\"inbox\"]\n\
                 interval = \"2h\"\nbacklog = \"all\"\n";
    assert_eq!(added, format!("{before}{table}{after}"));
    assert_eq!(remove(&added, "c.d").unwrap(), FILE);
}

#[test]
fn the_first_feed_goes_to_the_end() {
    let added = |text: &str| append(text, &feed("c")).unwrap();
    let table = "[feeds.c]\nurl = 'https://c.example/\"q\"'\n";
    assert_eq!(added(""), table);
    assert_eq!(added("a = 1"), format!("a = 1\n\n{table}"));
    assert_eq!(added("a = 1\n\n"), format!("a = 1\n\n{table}"));
    assert_eq!(added("a = 1\r\n"), format!("a = 1\r\n\r\n{}", table.replace('\n', "\r\n")));
    assert_eq!(added("[feeds]\n[x]\ny = 1\n"), format!("[feeds]\n[x]\ny = 1\n\n{table}"));
    assert_eq!(added("[feeds.b]\nurl='b'\n[x]\n"), format!("[feeds.b]\nurl='b'\n\n{table}\n[x]\n"));
}

#[test]
fn a_feed_is_not_added_twice_nor_to_what_is_no_table() {
    assert!(matches!(append(FILE, &feed("a")), Err(EditError::Exists(_))));
    assert!(matches!(append("x = 1\nfeeds = { a = { url = 'x' } }\n", &feed("c")), Err(EditError::Form { line: 2, .. })));
    assert!(append("feeds.a.url = 'x'\n", &feed("c")).is_ok_and(|text| text.contains("[feeds.c]")));
}

#[test]
fn a_feed_is_removed_with_the_comment_above_it_and_nothing_else() {
    let without_a = remove(FILE, "a").unwrap();
    assert!(without_a.starts_with("# Top\n[http]\ntimeout = \"10s\" # slow line\n\n[feeds.b]\n"), "{without_a}");
    let without_b = remove(FILE, "b").unwrap();
    assert!(without_b.contains("]\n\n# interval = \"1h\"\n\n# Rules come last.\n[[rules]]"), "{without_b}");
    assert_eq!(remove("[feeds.a]\nurl = 'x'\n\n[feeds.b]\nurl = 'y'", "a").unwrap(), "[feeds.b]\nurl = 'y'");
    assert_eq!(remove("[feeds.a]\nurl = 'x'\n", "a").unwrap(), "");
    assert!(matches!(remove(FILE, "c"), Err(EditError::Missing(_))));
}

#[test]
fn the_tables_below_a_feed_go_with_it() {
    let text = "[feeds.a]\nurl = 'x'\n[feeds.b]\nurl = 'y'\n[feeds.a.headers]\nq = 1\n[z]\n";
    assert_eq!(remove(text, "a").unwrap(), "[feeds.b]\nurl = 'y'\n[z]\n");
}

#[test]
fn pausing_and_resuming_leaves_no_trace() {
    for name in ["a", "b"] {
        let paused = set_paused(FILE, name, true).unwrap();
        assert_eq!(paused.len() - FILE.len(), if name == "a" { 14 } else { 16 });
        assert_eq!(set_paused(&paused, name, true).unwrap(), paused);
        assert_eq!(set_paused(&paused, name, false).unwrap(), FILE);
    }
    assert_eq!(set_paused(FILE, "a", false).unwrap(), FILE);
    assert_eq!(set_paused("[feeds.a]\npaused = false # off\n", "a", true).unwrap(), "[feeds.a]\npaused = true # off\n");
    assert_eq!(set_paused("[feeds.a]\nurl = 'x'", "a", true).unwrap(), "[feeds.a]\nurl = 'x'\npaused = true\n");
    assert_eq!(set_paused("[feeds.a] # c", "a", true).unwrap(), "[feeds.a] # c\npaused = true\n");
}

#[test]
fn what_is_written_in_one_line_is_refused() {
    for text in ["\nfeeds.a.url = 'x'\n", "feeds = { b = {},\na = { url = 'x' } }\n", "[feeds]\na = { url = 'x' }\n"] {
        for result in [remove(text, "a"), set_paused(text, "a", true)] {
            assert!(matches!(result, Err(EditError::Form { line: 2, .. })), "{text}");
        }
    }
}
