//! The corpus: each document of `fixtures/feeds/corpus` is shown by the built program and held against the expectation beside
//! it, `NAME.expected.json`: what `feeds show NAME --json --base https://example.org/feed.xml` prints, without the keys that are
//! null or empty. A document whose server names an encoding has it in its name: `NAME.charset=koi8-r.xml`. An expected `error` is
//! a part of what is said. `FEEDS_CORPUS_WRITE=1` writes the expectations that are not met anew, for a
//! person to read the difference.

#[cfg(test)]
mod corpus {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::path::{Path, PathBuf};
    use std::process::Command;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use feeds::feed::parse;
    use serde_json::Value;
    use url::Url;

    const BASE: &str = "https://example.org/feed.xml";
    const EXPECTED: &str = ".expected.json";
    /// How many documents are shown at a time.
    const AT_A_TIME: usize = 4;
    /// The stack of a thread that reads documents, in bytes; those of the program's own pool are large as well.
    const STACK: usize = 16 << 20;
    /// The longest part of a value that a difference quotes, in characters.
    const LONGEST_QUOTE: usize = 100;

    /// The keys, in the order in which an expectation has them.
    const ORDER: &str = "ok error format id title link links authors subtitle published updated language summary content tags \
                         enclosures image comments entries href url name email uri rel type length duration";

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/feeds/corpus")
    }

    /// Every file of the corpus, by its path inside of it.
    fn files() -> Vec<String> {
        let (root, mut found) = (folder(), Vec::new());
        for group in std::fs::read_dir(&root).unwrap().map(|item| item.unwrap().path()).filter(|path| path.is_dir()) {
            for file in std::fs::read_dir(group).unwrap().map(|item| item.unwrap().path()) {
                found.push(file.strip_prefix(&root).unwrap().to_str().unwrap().to_owned());
            }
        }
        found.sort();
        found
    }

    fn documents() -> Vec<String> {
        files().into_iter().filter(|name| !name.ends_with(EXPECTED)).collect()
    }

    /// What its server calls a document, where its name says so.
    fn content_type(name: &str) -> Option<String> {
        let (_, charset) = name.split_once(".charset=")?;
        let charset = charset.rsplit_once('.').map_or(charset, |(charset, _)| charset);
        Some(format!("application/xml; charset={charset}"))
    }

    /// What the program prints of a document, and how it exits.
    fn show(name: &str) -> (Option<i32>, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_feeds"));
        command.arg("show").arg(folder().join(name)).args(["--json", "--base", BASE]);
        command.args(content_type(name).map(|given| format!("--content-type={given}")));
        // No configuration of the person who runs the tests is to be found.
        command.env_clear().env("HOME", env!("CARGO_TARGET_TMPDIR"));
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    }

    /// Does something with each document, several at a time, and answers in the documents' order.
    fn with_each<T: Send>(names: &[String], work: impl Fn(&str) -> T + Sync) -> Vec<T> {
        let (next, work) = (AtomicUsize::new(0), &work);
        let worker = || {
            let mut done = Vec::new();
            while let Some((at, name)) = Some(next.fetch_add(1, Ordering::Relaxed)).and_then(|at| Some((at, names.get(at)?))) {
                done.push((at, work(name)));
            }
            done
        };
        let mut all: Vec<(usize, T)> = std::thread::scope(|scope| {
            let start = |_| std::thread::Builder::new().stack_size(STACK).spawn_scoped(scope, worker).unwrap();
            let workers: Vec<_> = (0..AT_A_TIME).map(start).collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        all.sort_by_key(|(at, _)| *at);
        all.into_iter().map(|(_, answer)| answer).collect()
    }

    /// A value without the keys that hold nothing.
    fn bare(value: Value) -> Value {
        match value {
            Value::Object(keys) => {
                let kept = keys.into_iter().map(|(key, value)| (key, bare(value)));
                Value::Object(kept.filter(|(_, value)| !value.is_null() && *value != Value::Array(Vec::new())).collect())
            }
            Value::Array(values) => Value::Array(values.into_iter().map(bare).collect()),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value,
        }
    }

    fn quote(value: Option<&Value>) -> String {
        let Some(value) = value else { return "nothing".to_owned() };
        let text = value.to_string();
        match text.char_indices().nth(LONGEST_QUOTE) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }

    /// Notes where two values differ, as a pointer, what was expected, and what there is.
    fn compare(at: &str, expected: Option<&Value>, got: Option<&Value>, differences: &mut Vec<String>) {
        match (expected, got) {
            (Some(Value::Object(wanted)), Some(Value::Object(given))) => {
                let keys: BTreeSet<&String> = wanted.keys().chain(given.keys()).collect();
                for key in keys {
                    compare(&format!("{at}/{key}"), wanted.get(key), given.get(key), differences);
                }
            }
            (Some(Value::Array(wanted)), Some(Value::Array(given))) => {
                for index in 0..wanted.len().max(given.len()) {
                    compare(&format!("{at}/{index}"), wanted.get(index), given.get(index), differences);
                }
            }
            // The words around it may change, and the file's path stands in it.
            (Some(Value::String(part)), Some(Value::String(said))) if at == "/error" => {
                if !said.to_lowercase().contains(&part.to_lowercase()) {
                    differences.push(format!("{at}: expected `{part}` in `{said}`"));
                }
            }
            (None, Some(Value::String(_))) if at == "/error" => {}
            // A link that is called nothing is the entry's own page (RFC 4287 section 4.2.7.2).
            (None, Some(Value::String(rel))) | (Some(Value::String(rel)), None) if at.ends_with("/rel") && rel == "alternate" => {
            }
            _ if expected == got => {}
            _ => differences.push(format!("{at}: expected {}, got {}", quote(expected), quote(got))),
        }
    }

    /// In what a document differs from its expectation; nothing where it does not.
    fn differences(name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(folder().join(format!("{name}{EXPECTED}"))).unwrap();
        let expected = bare(serde_json::from_str(&text).unwrap());
        let (status, printed) = show(name);
        let Ok(got) = serde_json::from_str(&printed) else { return vec![format!("nothing is printed, exit status {status:?}")] };
        let (mut found, got) = (Vec::new(), bare(got));
        compare("", Some(&expected), Some(&got), &mut found);
        let right = i32::from(got["ok"] != Value::Bool(true));
        if status != Some(right) {
            found.push(format!("exit status: expected {right}, got {status:?}"));
        }
        // Where nothing could be read, a line for each missing fact would only hide that.
        match &got["error"] {
            Value::String(error) if expected["ok"] == Value::Bool(true) => vec![format!("is not read: {error}")],
            _ => found,
        }
    }

    /// Writes a value as it is written by hand: indented, keys in the order a reader wants them.
    fn write(value: &Value, indent: usize, text: &mut String) {
        let (inner, outer) = ("  ".repeat(indent + 1), "  ".repeat(indent));
        match value {
            Value::Object(keys) => {
                let mut keys: Vec<(&String, &Value)> = keys.iter().collect();
                keys.sort_by_key(|(key, _)| ORDER.split(' ').position(|known| known == key.as_str()));
                text.push('{');
                for (at, (key, value)) in keys.into_iter().enumerate() {
                    write!(text, "{}\n{inner}\"{key}\": ", if at == 0 { "" } else { "," }).unwrap();
                    write(value, indent + 1, text);
                }
                write!(text, "\n{outer}}}").unwrap();
            }
            Value::Array(values) => {
                text.push('[');
                for (at, value) in values.iter().enumerate() {
                    write!(text, "{}\n{inner}", if at == 0 { "" } else { "," }).unwrap();
                    write(value, indent + 1, text);
                }
                write!(text, "\n{outer}]").unwrap();
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => write!(text, "{value}").unwrap(),
        }
    }

    /// Writes the expectation of a document that has none, or reads otherwise.
    fn write_expectation(name: &str) {
        let path = folder().join(format!("{name}{EXPECTED}"));
        if path.exists() && differences(name).is_empty() {
            return;
        }
        let (_, printed) = show(name);
        let mut got: Value = bare(serde_json::from_str(&printed).unwrap());
        if let Some((_, error)) = got["error"].as_str().and_then(|error| error.split_once("`: ")) {
            got["error"] = Value::from(error);
        }
        let mut text = String::new();
        write(&got, 0, &mut text);
        std::fs::write(path, text + "\n").unwrap();
    }

    #[test]
    fn every_document_reads_as_a_person_expects() {
        let names = documents();
        if std::env::var_os("FEEDS_CORPUS_WRITE").is_some() {
            with_each(&names, write_expectation);
            return;
        }
        let found = with_each(&names, differences);
        let mut report = String::new();
        for (name, difference) in names.iter().zip(&found).flat_map(|(name, found)| found.iter().map(move |it| (name, it))) {
            writeln!(report, "  {name} {difference}").unwrap();
        }
        let wrong = found.iter().filter(|found| !found.is_empty()).count();
        assert!(wrong == 0, "{wrong} of {} documents read otherwise than expected:\n{report}", names.len());
    }

    #[test]
    fn a_document_read_twice_says_the_same() {
        let names = documents();
        let base = Url::parse(BASE).unwrap();
        let same = |name: &str| {
            let (bytes, called) = (std::fs::read(folder().join(name)).unwrap(), content_type(name));
            let read = || std::panic::catch_unwind(|| parse(&bytes, called.as_deref(), Some(&base))).ok();
            read() == read()
        };
        let same = with_each(&names, same);
        let changing: Vec<&String> = names.iter().zip(same).filter(|(_, same)| !same).map(|(name, _)| name).collect();
        assert!(changing.is_empty(), "these change from one reading to the next: {changing:?}");
    }

    #[test]
    fn every_document_has_an_expectation_and_every_expectation_a_document() {
        let files: BTreeSet<String> = files().into_iter().collect();
        let alone = |name: &&String| match name.strip_suffix(EXPECTED) {
            Some(document) => !files.contains(document),
            None => !files.contains(&format!("{name}{EXPECTED}")),
        };
        let found: Vec<&String> = files.iter().filter(alone).collect();
        assert!(found.is_empty(), "these stand alone: {found:?}");
        assert!(files.len() > 1_000, "the corpus has lost documents: {} files", files.len());
    }
}
