//! Stories of whole configurations.

use super::testing::{check, check_in_the_open, env};
use super::*;
use crate::mail::Format;

const SINKS: &str = r#"
[sinks.inbox]
type = "maildir"
path = "Mail"
[sinks.mail]
type = "smtp"
host = "smtp.example.net"
from = "feeds@example.net"
to = "me+{{ feed.name }}@example.net"
subject = "from the sink"
[sinks.later]
type = "linkding"
url = "https://links.example.net"
token = "t"
"#;

fn good(text: &str) -> Config {
    check(text).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The mistakes of a text, each as `line: message`.
fn mistakes(text: &str) -> Vec<String> {
    let mistakes = check(text).expect_err("there are mistakes");
    let line = |mistake: &Mistake| mistakes.place(mistake).map_or(0, |(line, _)| line);
    mistakes.list.iter().map(|mistake| format!("{}: {}", line(mistake), mistake.message)).collect()
}

#[test]
fn the_nearest_layer_wins() {
    let config = good(&format!(
        r#"{SINKS}
[defaults]
sinks = ["inbox"]
interval = "2h"
backlog = "all"
format = "text"
subject = "from the defaults"
[tags.slow]
interval = "1d"
from_name = "slow"
[tags.links]
sinks = ["later", "mail"]
from_name = "links"
[feeds.plain]
url = "https://a.example/"
[feeds.tagged]
url = "https://b.example/"
tags = ["slow", "links", "unknown"]
[feeds.own]
url = "https://c.example/"
tags = ["slow", "links"]
interval = "3h"
backlog = 7
sinks = ["mail"]
subject = "own"
to = "own@example.net"
paused = true
"#
    ));
    let [plain, tagged, own] = config.feeds.as_slice() else { panic!("three feeds") };
    let times = |feed: &Feed| (feed.interval.to_string(), feed.backlog, feed.paused);
    assert_eq!(times(plain), ("2h".to_owned(), Backlog::All, false));
    assert_eq!(times(tagged), ("1d".to_owned(), Backlog::All, false));
    assert_eq!(times(own), ("3h".to_owned(), Backlog::Newest(7), true));
    assert_eq!((plain.sinks.concat(), tagged.sinks.join(" ")), ("inbox".to_owned(), "later mail".to_owned()));

    let look = |feed: &Feed, sink| {
        let look: &Look = &feed.looks[sink];
        let words = [&look.to, &look.from_name, &look.subject].map(|template| template.source().to_owned());
        (words, look.format)
    };
    let inbox = ["reader@localhost", mail_from_name(), "from the defaults"].map(str::to_owned);
    assert_eq!(look(plain, "inbox"), (inbox, Format::Text));
    let mail = ["me+{{ feed.name }}@example.net", "links", "from the sink"].map(str::to_owned);
    assert_eq!(look(tagged, "mail"), (mail, Format::Text));
    assert_eq!(look(own, "mail"), (["own@example.net", "links", "own"].map(str::to_owned), Format::Text));
    assert_eq!(plain.looks["inbox"].from.to_string(), "feeds@localhost");
    assert!(!tagged.looks.contains_key("later"));
    assert_eq!(config.looks.keys().collect::<Vec<_>>(), ["inbox", "mail"]);
}

fn mail_from_name() -> &'static str {
    crate::mail::FROM_NAME
}

#[test]
fn what_is_not_said_has_its_default() {
    let config = good("[sinks.inbox]\ntype = 'maildir'\npath = 'x'\n[feeds.a]\nurl = 'https://a.example/feed'\n");
    assert_eq!(config.http, Config::default_http(&env()).unwrap());
    assert_eq!(config.database, None);
    let feed = config.feed("a").unwrap();
    assert_eq!(feed.sinks, ["inbox"]);
    assert_eq!((feed.interval.to_string(), feed.backlog), ("1h".to_owned(), Backlog::Newest(1)));
    assert!(config.sink("inbox").is_some() && config.sink("mail").is_none());
}

#[test]
fn the_http_table_is_read() {
    let config = good(
        "[http]\nuser_agent = 'me'\ntimeout = '1m'\nconnect_timeout = '5s'\nconcurrency = 8\nper_host = 2\n\
         host_delay = '0s'\nmax_body = '1KiB'\nallow_addresses = ['127.0.0.0/8', '::1']\n",
    );
    let http = config.http;
    let access = &http.access;
    assert_eq!((access.user_agent.as_str(), access.timeout.as_secs(), access.connect_timeout.as_secs()), ("me", 60, 5));
    assert_eq!((http.concurrency, http.per_host, http.host_delay.as_secs(), access.max_body), (8, 2, 0, 1024));
    assert_eq!(http.allow_addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.0/8", "::1/128"]);
}

#[test]
fn feeds_and_sinks_keep_the_order_of_the_file() {
    let config =
        good(&format!("{SINKS}[defaults]\nsinks=['inbox']\n[feeds]\nz.url='https://z.example'\n[feeds.a]\nurl='x.xml'\n"));
    assert_eq!(config.feeds.iter().map(|feed| feed.name.as_str()).collect::<Vec<_>>(), ["z", "a"]);
    assert_eq!(config.sinks.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["inbox", "mail", "later"]);
}

#[test]
fn all_mistakes_are_found_at_once() {
    let text = r#"databse = "x"
[http]
timeout = 30
per_host = 0
[defaults]
sinks = ["inbox", "nial"]
[sinks.inbox]
type = "maildir"
pth = "Mail"
[sinks.mail]
type = "smtpp"
[sinks.relay]
type = "smtp"
host = 5
from = "Me <me@example.net>"
port = "x"
[sinks.later]
type = "linkding"
url = "https://links.example.net"
subject = "x"
token = "a"
token_file = "b"
[tags.linux]
interval = "often"
format = "htm"
[feeds.Lwn]
url = "ftp://lwn.net/rss"
[feeds.b]
intervall = "1h"
paused = "no"
[feeds.c]
url = "https://c.example"
sinks = []
[feeds.d]
url = "https://c.example/"
sinks = ["relya"]
subject = "{{ entry.titel }}"
to = "nobody"
"#;
    insta::assert_snapshot!(mistakes(text).join("\n"), @r#"
    1: unknown key `databse`
    3: `timeout` must be an interval in quotes, such as "30s" or "1h", not a number
    4: `per_host`: the number must be between 1 and 1024
    6: there is no sink `nial`
    9: unknown key `pth` in `[sinks.inbox]`
    11: `type`: `smtpp` is not a type of sink
    14: `host` in `[sinks.relay]`: invalid type: integer `5`, expected a string
    15: `from`: `Me <me@example.net>` is not an address
    16: `port` in `[sinks.relay]`: invalid type: string "x", expected u16
    22: both `token` and `token_file` are given for `[sinks.later]`
    24: `interval`: `often` is not an interval; write a number and s, m, h, d or w, such as "30s" or "1h", or "auto"
    25: `format`: `htm` is not a format
    26: `Lwn` cannot be the name of a feed
    27: `url`: feeds cannot be fetched by `ftp:`
    28: `[feeds.b]` has no `url` and no `command`
    29: unknown key `intervall` in `[feeds.b]`
    30: `paused` must be true or false, not a text
    33: feed `c` has no sink: the list is empty
    35: feeds `c` and `d` have the same `url`
    36: there is no sink `relya`
    37: `subject`: there is no `entry.titel`
    38: `to`: `nobody` is not an address
    "#);
}

#[test]
fn syntax_errors_are_found_at_once() {
    let found = mistakes("a = \n[x]\nb = tru\nb = 1\n[y\nc = 1\n");
    assert!(found.len() >= 4, "{found:?}");
    assert!(found[0].starts_with("1: ") && found[1].starts_with("3: "), "{found:?}");
}

#[test]
fn a_mail_sink_needs_addresses_unless_it_is_local() {
    let found = mistakes(
        "[sinks.mail]\ntype = 'smtp'\nhost = 'h'\n[feeds.a]\nurl = 'https://a.example'\n[feeds.b]\nurl = 'https://b.example'\n",
    );
    assert_eq!(
        found,
        [
            "1: `[sinks.mail]` has no `from`: a mail that goes by `smtp` needs a sender's address",
            "1: `[sinks.mail]` has no `to`, and feed `a` and 1 other has none either",
        ]
    );
}

#[test]
fn a_recipient_is_tried_with_each_feed() {
    let found = mistakes(&format!(
        "{SINKS}[feeds.'a.']\nurl = 'https://a.example'\nsinks = ['mail']\nto = '{{{{ feed.name }}}}@b.example'\n"
    ));
    assert_eq!(found, ["18: `to` does not work for feed `a.`: `a.@b.example` is not an address"]);
}

#[test]
fn a_feed_needs_a_sink_unless_it_is_paused() {
    assert_eq!(mistakes("[feeds.a]\nurl = 'x'\n")[0], "1: feed `a` has no sink");
    assert!(mistakes(&format!("{SINKS}[feeds.a]\nurl = 'x'\n")).contains(&"15: feed `a` has no sink".to_owned()));
    good("[feeds.a]\nurl = 'x'\nsinks = []\npaused = true\n");
}

#[test]
fn a_short_interval_and_a_secret_in_the_open_are_warnings() {
    let config = check_in_the_open(&format!("[defaults]\ninterval = '5m'\n{SINKS}")).unwrap();
    let lines: Vec<String> = config.warnings.list.iter().map(|mistake| mistake.message.clone()).collect();
    assert_eq!(
        lines,
        ["an interval of 5m is short: publishers notice", "`token` stands in a file that other users of this machine can read"]
    );
    assert!(config.warnings.to_string().contains("chmod 600 config.toml"));
    assert!(config.warnings.to_string().contains("token = \"[secret]\""));
    assert!(good(SINKS).warnings.is_empty());
}

#[test]
fn a_configuration_is_loaded_from_its_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    let missing = Config::load(&path, &env()).unwrap_err();
    assert!(missing.to_string().contains("help: run `feeds init`"), "{missing}");
    std::fs::write(&path, b"a = 1\nb = '\xff'\n").unwrap();
    assert!(Config::load(&path, &env()).unwrap_err().to_string().contains("line 2"));
    std::fs::write(&path, "database = 'x/feeds.db'\n").unwrap();
    let config = Config::load(&path, &env()).unwrap();
    assert_eq!(config.database, Some(folder.path().join("x/feeds.db")));
    assert_eq!((config.path, config.folder), (path, folder.path().to_owned()));
}

#[test]
fn a_sink_may_have_a_rate_and_a_story_go_once_per_sink() {
    let config = good(&format!(
        "{SINKS}rate = \"60/min\"\n[defaults]\nsinks = [\"inbox\"]\n[tags.news]\nonce_per = \"sink\"\n\
         [feeds.a]\nurl = \"https://a.example/\"\ntags = [\"news\"]\n[feeds.b]\nurl = \"https://b.example/\"\n"
    ));
    assert_eq!(config.rates.values().map(ToString::to_string).collect::<Vec<_>>(), ["60/min"]);
    assert_eq!([config.feeds[0].once_per, config.feeds[1].once_per], [OncePer::Sink, OncePer::Feed]);
    let told = mistakes(&format!("{SINKS}rate = 60\n[defaults]\nsinks = [\"inbox\"]\nonce_per = \"reader\"\n")).concat();
    assert!(told.contains("`rate`") && told.contains("60/min") && told.contains("neither \"feed\" nor \"sink\""), "{told}");
}
