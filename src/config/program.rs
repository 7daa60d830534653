//! The keys `command` and `filter` of a feed: a program and its arguments, as a list that no shell reads. Comes out: a
//! [`Program`], and the address that a feed is known by whose document a program gives.

use std::path::Path;

use super::section::{self, Value, Wrong};
use crate::env::Env;
use crate::fetch::{PROGRAM_LIMIT, Program, Source};

/// Reads the list. A program with a `/` in it is a file, relative to `folder`; any other is looked for in PATH.
pub(super) fn read(value: &Value<'_>, feed: &str, folder: &Path, env: &Env) -> Result<Program, Wrong> {
    let help =
        || Some("write the program and each of its arguments, such as [\"prog\", \"--all\"]; no shell reads them".to_owned());
    if value.get_ref().as_str().is_some() {
        return Err(Wrong::Value("a program is a list of texts, not one text".to_owned(), help()));
    }
    let mut words: Vec<String> = section::texts(value)?.into_iter().map(toml::Spanned::into_inner).collect();
    let Some(program) = words.first_mut() else { return Err(Wrong::Value("the list is empty".to_owned(), help())) };
    if program.trim().is_empty() {
        return Err(Wrong::Value("the program has no name".to_owned(), help()));
    }
    if program.contains('/') || program.starts_with('~') {
        *program = env.path(program, folder)?.to_string_lossy().into_owned();
    }
    if words.iter().any(|word| word.contains('\0')) {
        return Err(Wrong::value("no argument can hold a NUL"));
    }
    Ok(Program { words, folder: folder.to_owned(), feed: feed.to_owned(), limit: PROGRAM_LIMIT, most: 16 << 20 })
}

/// The source, and the address that it is known by: its arguments may hold secrets and are only told apart by it.
pub(super) fn source(program: Program) -> (Source, String) {
    let mut hasher = blake3::Hasher::new();
    for word in &program.words {
        hasher.update(word.as_bytes());
        hasher.update(b"\0");
    }
    let known_by = format!("command:{}#{}", program.name(), &hasher.finalize().to_hex()[..8]);
    (Source::Command(program), known_by)
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    const SINK: &str = "[sinks.inbox]\ntype = \"maildir\"\npath = \"~/Mail\"\n";

    fn feed(lines: &str) -> Result<super::super::Feed, String> {
        let config = check(&format!("{SINK}[feeds.news]\n{lines}\n")).map_err(|mistakes| mistakes.to_string())?;
        config.feeds.into_iter().next().ok_or_else(String::new)
    }

    #[test]
    fn a_feed_may_come_from_a_program_and_pass_through_another() {
        let one = feed("command = [\"./news.py\", \"--token\", \"abc123\"]\nfilter = [\"tidy\"]").unwrap();
        let Source::Command(program) = &one.source else { panic!("{one:?}") };
        assert_eq!(program.words, ["/home/me/feeds/./news.py", "--token", "abc123"]);
        assert_eq!((program.folder.to_str(), program.feed.as_str()), (Some("/home/me/feeds"), "news"));
        assert!(one.url.starts_with("command:news.py#") && !one.url.contains("abc123"), "{}", one.url);
        assert_eq!(one.filter.unwrap().words, ["tidy"]);
        let other = feed("command = [\"./news.py\", \"--token\", \"xyz\"]").unwrap();
        assert_ne!(one.url, other.url);
        assert!(feed("url = \"https://h.example/\"\nfilter = [\"tidy\"]").unwrap().filter.is_some());
    }

    #[test]
    fn a_program_has_a_minute_or_what_the_feed_its_tag_or_the_defaults_say() {
        let limit = |before: &str, lines: &str| {
            let text = format!("{before}\n{SINK}[feeds.news]\n{lines}\n");
            let feed = check(&text).unwrap_or_else(|mistakes| panic!("{mistakes}")).feeds.remove(0);
            feed.programs().map(|program| program.limit.as_secs()).collect::<Vec<_>>()
        };
        let both = "command = [\"a\"]\nfilter = [\"b\"]";
        assert_eq!(limit("", both), [60, 60]);
        assert_eq!(limit("[http]\ntimeout = \"5s\"", both), [60, 60], "a program is no request");
        assert_eq!(limit("", &format!("{both}\ntimeout = \"5m\"")), [300, 300]);
        let tagged = format!("{both}\ntags = [\"slow\"]");
        assert_eq!(limit("[defaults]\ntimeout = \"10s\"\n[tags.slow]\ntimeout = \"2m\"", &tagged), [120, 120]);
        assert_eq!(limit("[defaults]\ntimeout = \"10s\"", "url = \"x.xml\"\nfilter = [\"b\"]\ntimeout = \"3m\""), [180]);
        let told = feed("url = \"x.xml\"\nmax_body = \"1MiB\"\ntimeout = \"3m\"").unwrap_err();
        assert!(told.contains("`timeout` has no meaning for a feed that is not fetched"), "{told}");
    }

    #[test]
    fn each_mistake_about_a_program_is_explained() {
        for (lines, words) in [
            ("url = \"https://h.example/\"\ncommand = [\"a\"]", "has both `url` and `command`"),
            ("command = []", "the list is empty"),
            ("command = [\"\"]", "the program has no name"),
            ("command = \"a b\"", "a list of texts, not one text"),
            ("command = [1]", "must be a list of texts"),
            ("filter = [\"a\"]", "has no `url` and no `command`"),
            ("url = \"https://h.example/\"\nfilter = []", "the list is empty"),
        ] {
            let told = feed(lines).unwrap_err();
            assert!(told.contains(words), "no `{words}` in {told}");
        }
    }
}
