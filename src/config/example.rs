//! The commented configuration, from one source: what `feeds init` writes, and `config.example.toml` of the repository,
//! which is the same text with three values of its own.

use super::http;

const TEMPLATE: &str = include_str!("template.toml");

/// What `feeds init` writes: every key with its default, a Maildir, and no feed.
#[must_use]
pub fn initial() -> String {
    TEMPLATE.replace("@user_agent@", &http::defaults().access.user_agent)
}

/// What `config.example.toml` holds: it takes a feed from the repository into a Maildir in the folder `demo`.
#[must_use]
pub fn example() -> String {
    let text = OWN_VALUES.iter().fold(initial(), |text, (initial, own)| text.replace(initial, own));
    format!("{text}\n[feeds.demo]\nurl = \"fixtures/feeds/demo.xml\"\n")
}

/// The lines of the example that differ.
const OWN_VALUES: &[(&str, &str)] = &[
    ("\n# database = \"~/.local/state/feeds/feeds.db\"\n", "\ndatabase = \"demo/feeds.db\"\n"),
    ("\npath = \"~/Mail/feeds\"\n", "\npath = \"demo/Maildir\"\n"),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::testing::{check, env};
    use super::super::{Config, Mistakes, access, http, layers, locate, sinks};
    use super::*;

    /// What is built in for these keys has no form of a template.
    const NO_TEMPLATES: [&str; 2] = ["body_text", "body_html"];

    /// A line `# key = value` with what continues it, and the header it stands below; as it is, and un-commented.
    struct Commented {
        header: String,
        key: String,
        lines: String,
        bare: String,
    }

    /// Every commented key of a text.
    fn commented(text: &str) -> Vec<Commented> {
        let (mut found, mut header) = (Vec::new(), String::new());
        let mut lines = text.split_inclusive('\n');
        while let Some(line) = lines.next() {
            if line.trim_start_matches("# ").starts_with('[') {
                line.trim().clone_into(&mut header);
            }
            let Some((key, _)) = line.strip_prefix("# ").and_then(|line| line.split_once(" = ")) else { continue };
            if key.is_empty() || !key.bytes().all(|c| c.is_ascii_lowercase() || c == b'_') {
                continue;
            }
            let mut whole = line.to_owned();
            while toml_edit::Document::parse(bare(&whole)).is_err() {
                whole.push_str(lines.next().expect("a value ends"));
            }
            found.push(Commented { header: header.clone(), key: key.to_owned(), bare: bare(&whole), lines: whole });
        }
        found
    }

    fn bare(lines: &str) -> String {
        lines.split_inclusive('\n').map(|line| line.strip_prefix("# ").unwrap_or(line)).collect()
    }

    /// What a configuration comes to.
    fn meaning(config: &Result<Config, Mistakes>) -> String {
        let config = config.as_ref().unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let database = locate::database(None, &env(), config.database.as_deref()).unwrap();
        format!("{database:?} {:#?} {:#?} {:#?}", config.http, config.feeds, config.looks)
    }

    #[test]
    fn what_init_writes_has_no_mistakes() {
        let config = check(&initial()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert!(config.warnings.is_empty(), "{}", config.warnings);
        assert!(config.feeds.is_empty());
        assert_eq!(config.http, http::defaults());
        assert_eq!(config.sinks.len(), 1);
    }

    #[test]
    fn the_example_is_the_same_text_with_values_of_its_own() {
        assert_eq!(example(), include_str!("../../config.example.toml"));
        for (written, _) in OWN_VALUES {
            assert_eq!(initial().matches(written).count(), 1, "{written}");
        }
        let config = check(&example()).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!(config.database.as_deref(), Some(Path::new("/home/me/feeds/demo/feeds.db")));
        assert_eq!(config.feeds[0].url, "file:///home/me/feeds/fixtures/feeds/demo.xml");
    }

    #[test]
    fn every_commented_default_is_the_default() {
        let text = format!("{}\n[feeds.demo]\nurl = \"https://example.org/feed\"\n", initial());
        let plain = meaning(&check(&text));
        let mut tried = 0;
        for key in commented(&text).iter().filter(|key| !key.header.starts_with('#')) {
            let with_key = text.replacen(&key.lines, &key.bare, 1);
            assert_ne!(with_key, text);
            let meaning = meaning(&check(&with_key));
            if key.key == "interval" {
                // Whoever writes the time down means it: it no longer grows by itself.
                assert!(meaning.contains("interval: Set("), "{meaning}");
            } else {
                assert_eq!(meaning, plain, "{}", key.key);
            }
            tried += 1;
        }
        assert_eq!(
            tried,
            2 + http::KEYS.len() + (layers::LAYER_KEYS.len() - 1) + layers::LOOK_KEYS.len() + 1 - NO_TEMPLATES.len()
        );
    }

    #[test]
    fn the_commented_sinks_tags_and_feeds_can_be_used_as_they_stand() {
        let mut text = initial();
        let shown: Vec<Commented> = commented(&text).into_iter().filter(|key| key.header.starts_with('#')).collect();
        assert!(shown.len() > 20);
        for key in &shown {
            text = text.replacen(&key.lines, &key.bare, 1);
        }
        let headers = text.lines().filter(|line| line.starts_with("# [")).map(|line| format!("{line}\n"));
        let text = headers.collect::<Vec<_>>().iter().fold(text.clone(), |text, header| text.replacen(header, &header[2..], 1));
        let config = check(&text).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        assert_eq!((config.sinks.len(), config.feeds.len()), (3, 4));
    }

    #[test]
    fn every_key_is_in_the_template() {
        let text = initial();
        let written: Vec<&str> =
            text.lines().filter_map(|line| line.trim_start_matches("# ").split_once(" = ").map(|(key, _)| key)).collect();
        let tables = ["http", "hosts", "defaults", "tags", "sinks", "feeds"];
        let keys = [
            super::super::KEYS,
            http::KEYS,
            http::HOST_KEYS,
            layers::LAYER_KEYS,
            layers::LOOK_KEYS,
            super::super::feeds::KEYS,
            sinks::KEYS,
        ];
        for key in access::KEYS {
            let forms = [key.to_string(), format!("{key}_file"), format!("{key}_command")];
            assert!(forms.iter().any(|form| written.contains(&form.as_str())), "`{key}` is missing from the template");
        }
        for key in keys.concat() {
            let there = if tables.contains(&key) {
                text.contains(&format!("[{key}]")) || text.contains(&format!("[{key}."))
            } else {
                written.contains(&key)
            };
            assert!(there, "`{key}` is missing from the template");
        }
    }

    #[test]
    fn its_lines_fit_on_a_screen() {
        for line in initial().lines() {
            assert!(line.chars().count() <= 100, "{line}");
        }
    }
}
