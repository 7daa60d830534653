//! The walls between the rooms: who may use whom is a table in `docs/architecture.md`, and the sources are held against it.

#[cfg(test)]
mod walls {
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::{Path, PathBuf};

    /// Longer than this, and a file holds more than one idea.
    const MOST_LINES: usize = 450;
    const SQL: &[&str] = &["SELECT ", "INSERT INTO"];
    const SOCKETS: &[&str] = &["TcpStream", "TcpListener", "reqwest"];

    /// A file of `src`, as far as the walls are concerned.
    struct Source {
        /// From the project's folder.
        path: String,
        /// The first folder or file below `src`; nothing for `main.rs` and `lib.rs`, which are above all rooms.
        room: Option<String>,
        text: String,
    }

    impl Source {
        /// The lines that are no comments, with their numbers.
        fn code(&self) -> impl Iterator<Item = (usize, &str)> {
            self.text.lines().enumerate().map(|(i, line)| (i + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
        }
    }

    /// Each room with its step in the table.
    type Table = BTreeMap<String, usize>;

    fn project(path: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
    }

    /// The line of the table, as it stands in the documentation.
    fn sentence() -> String {
        let page = std::fs::read_to_string(project("docs/architecture.md")).unwrap();
        let block = page.split("```rooms\n").nth(1).expect("a block ```rooms in docs/architecture.md");
        block.split("\n```").next().unwrap().replace('\n', " ")
    }

    fn table(sentence: &str) -> Table {
        let steps = sentence.split('→').enumerate();
        steps.flat_map(|(step, rooms)| rooms.split(',').map(move |room| (room.trim().to_owned(), step))).collect()
    }

    fn sources() -> Vec<Source> {
        let mut found = Vec::new();
        let mut folders = vec![project("src")];
        while let Some(folder) = folders.pop() {
            for path in std::fs::read_dir(folder).unwrap().map(|item| item.unwrap().path()) {
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    found.push(source(&path));
                }
            }
        }
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found
    }

    fn source(path: &Path) -> Source {
        let text = std::fs::read_to_string(path).unwrap();
        let path = path.strip_prefix(project("")).unwrap().to_str().unwrap().to_owned();
        let first = path.split('/').nth(1).unwrap().trim_end_matches(".rs");
        let room = (!matches!(first, "main" | "lib")).then(|| first.to_owned());
        Source { path, room, text }
    }

    /// The rooms that a piece of code names after `root`, such as `crate::`: each word that begins a path.
    fn named_after(root: &str, code: &str) -> BTreeSet<String> {
        let word = |text: &str| text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
        let mut rooms = BTreeSet::new();
        for (at, _) in code.match_indices(root) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let rest = &code[at + root.len()..];
            match rest.strip_prefix('{') {
                Some(group) => rooms.extend(members(group).iter().map(|member| word(member))),
                None => drop(rooms.insert(word(rest))),
            }
        }
        rooms.remove("");
        rooms
    }

    /// The members of a group of imports, split at the commas that are not inside a smaller group.
    fn members(group: &str) -> Vec<&str> {
        let (mut depth, mut from, mut found) = (0_u32, 0, Vec::new());
        for (at, c) in group.char_indices() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => {
                    found.push(&group[from..at]);
                    break;
                }
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    found.push(&group[from..at]);
                    from = at + 1;
                }
                _ => {}
            }
        }
        found
    }

    /// The uses that the table does not allow, in words.
    fn breaches(source: &Source, table: &Table) -> Vec<String> {
        let Some(room) = &source.room else { return Vec::new() };
        let Some(own) = table.get(room) else { return vec![format!("{}: `{room}` is not in the table", source.path)] };
        let code = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        let used = named_after("crate::", &code);
        let allowed = |other: &String| other == room || table.get(other).is_some_and(|step| step > own);
        used.iter().filter(|other| !allowed(other)).map(|other| format!("{}: {room} → {other}", source.path)).collect()
    }

    /// The lines of code outside `room` that have one of these words; files of tests may play the other side.
    fn outside(room: &str, words: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        let shipped = |source: &&Source| source.room.as_deref() != Some(room) && !source.path.ends_with("tests.rs");
        for source in sources().iter().filter(shipped) {
            let with = source.code().filter(|(_, line)| words.iter().any(|word| line.contains(word)));
            found.extend(with.map(|(number, line)| format!("{}:{number}: {}", source.path, line.trim())));
        }
        found
    }

    fn assert_none(found: &[String], law: &str) {
        assert!(found.is_empty(), "{law}\n  {}\n", found.join("\n  "));
    }

    #[test]
    fn imports_point_down_the_table() {
        let (sentence, sources) = (sentence(), sources());
        let table = table(&sentence);
        let found: Vec<String> = sources.iter().flat_map(|source| breaches(source, &table)).collect();
        assert_none(&found, &format!("docs/architecture.md says:\n  {sentence}\nand these do not follow:"));
    }

    #[test]
    fn the_table_names_the_rooms_that_exist_and_no_others() {
        let listed: BTreeSet<String> = table(&sentence()).into_keys().collect();
        let built: BTreeSet<String> = sources().into_iter().filter_map(|source| source.room).collect();
        assert_eq!(listed, built, "left: the table of docs/architecture.md; right: src");
    }

    #[test]
    fn the_page_describes_each_room_of_the_table() {
        let page = std::fs::read_to_string(project("docs/architecture.md")).unwrap();
        let undescribed = |room: &String| !page.contains(&format!("| `{room}` |"));
        let found: Vec<String> = table(&sentence()).into_keys().filter(undescribed).collect();
        assert_none(&found, "docs/architecture.md does not describe these rooms:");
    }

    #[test]
    fn every_file_says_what_it_is_for() {
        let silent = |source: &&Source| !source.text.starts_with("//!");
        let found: Vec<String> = sources().iter().filter(silent).map(|source| source.path.clone()).collect();
        assert_none(&found, "a file begins with `//!`: what it is for, what goes in and out, what it must not know");
    }

    #[test]
    fn every_file_holds_one_idea() {
        let long = |source: &&Source| source.text.lines().count() > MOST_LINES;
        let found: Vec<String> = sources().iter().filter(long).map(|source| source.path.clone()).collect();
        assert_none(&found, &format!("these files have more than {MOST_LINES} lines:"));
    }

    #[test]
    fn sql_stays_in_the_store() {
        assert_none(&outside("store", SQL), "SQL is written in src/store alone:");
    }

    #[test]
    fn sockets_are_opened_in_net_alone() {
        assert_none(&outside("net", SOCKETS), "sockets and HTTP clients stay in src/net, where the address guard is:");
    }

    #[test]
    fn no_room_is_reached_by_way_of_super() {
        let mut found = Vec::new();
        for source in sources().iter().filter(|source| source.room.is_some()) {
            // How many steps lead out of the room: one from its front page, one more from each folder below.
            let below = source.path.split('/').count() - 2;
            let steps = if source.path.ends_with("/mod.rs") { below } else { below + 1 };
            let way_out = format!("use {}", "super::".repeat(steps));
            let leads_out = |(_, line): &(usize, &str)| line.starts_with(&way_out) || line.starts_with(&format!("pub {way_out}"));
            found.extend(source.code().filter(leads_out).map(|(number, line)| format!("{}:{number}: {line}", source.path)));
        }
        assert_none(&found, "another room is named from the top, with `crate::`:");
    }

    #[test]
    fn the_reading_of_imports_sees_groups_and_ignores_comments() {
        let code = "use crate::{\n    delivery::{Outcome, Pause},\n    feed::Facts, words,\n};\nlet x = crate::mail::FROM;\nmy_crate::no::f();\n";
        let rooms: Vec<String> = named_after("crate::", code).into_iter().collect();
        assert_eq!(rooms, ["delivery", "feed", "mail", "words"]);
        let source = Source { path: "src/mail/x.rs".into(), room: Some("mail".into()), text: format!("// crate::cli\n{code}") };
        let table = table("cli → poll, deliver → mail → delivery → feed, words");
        assert!(breaches(&source, &table).is_empty());
        let upwards = Source { room: Some("delivery".into()), ..source };
        assert_eq!(breaches(&upwards, &table), ["src/mail/x.rs: delivery → mail"]);
    }
}
