//! Templates in the configuration: in a line, or in a file beside it. Goes in: a value. Comes out: a template that was tried on
//! an invented entry; or what is wrong with it, at its very place.

use std::io::Read as _;
use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::explain::Elsewhere;
use super::section::{self, Value, Wrong};
use crate::expression::{Makes, Template, TemplateError};
use crate::feed::Facts;
use crate::mail;
use crate::sink::Shared;

/// The longest template in a file, in bytes; see docs/limits.md.
const LONGEST: u64 = 1 << 20;

/// A template of a header, and what it makes of an invented entry.
pub(super) fn line(value: &Value<'_>) -> Result<(Template, String), Wrong> {
    let source = section::text(value)?;
    let tried = Template::parse(source).and_then(|template| template.try_on(&Facts::specimen()).map(|tried| (template, tried)));
    tried.map_err(|error| inline(source, error))
}

/// A template of a mail's body: a text, or `{ file = "…" }`.
pub(super) fn body(value: &Value<'_>, makes: Makes, shared: &Shared) -> Result<Template, Wrong> {
    let parse = |source: &str| {
        if source.trim().is_empty() {
            let message = "the template is empty, and so would be that part of each mail".to_owned();
            let help = Some("without the key mails look as they are built in; `format` chooses their parts".to_owned());
            return Err(TemplateError { message, line: None, range: None, help });
        }
        let template = Template::parse_as(source, makes)?;
        mail::try_body(&template).map(|_| template)
    };
    match value.get_ref() {
        DeValue::String(source) => parse(source).map_err(|error| inline(source, error)),
        DeValue::Table(table) => {
            let (path, text) = read_file(value, table, shared)?;
            parse(&text).map_err(|error| {
                let span = place_of(&text, &error).unwrap_or(0..0);
                Wrong::Elsewhere(Box::new(Elsewhere { path, text, span }), error.message, error.help)
            })
        }
        _ => Err(Wrong::Type("a template in quotes, or `{ file = \"…\" }`")),
    }
}

/// The file that `{ file = "…" }` names.
fn read_file(value: &Value<'_>, table: &DeTable<'_>, shared: &Shared) -> Result<(std::path::PathBuf, String), Wrong> {
    let mut named = None;
    for (key, value) in table {
        match (key.get_ref().as_ref(), value.get_ref().as_str()) {
            ("file", Some(path)) => named = Some((value.span(), path)),
            ("file", None) => return Err(Wrong::Within(value.span(), "`file` must be a path in quotes".to_owned(), None)),
            (other, _) => {
                let help = Some("the only key is `file`".to_owned());
                return Err(Wrong::Within(key.span(), format!("unknown key `{other}`"), help));
            }
        }
    }
    let Some((place, path)) = named else {
        return Err(Wrong::Within(value.span(), "it names no file".to_owned(), Some("write `{ file = \"…\" }`".to_owned())));
    };
    let wrong = |message: String| Wrong::Within(place.clone(), message, None);
    let path = shared.env.path(path, &shared.folder).map_err(|error| wrong(error.to_string()))?;
    let failed = |error: std::io::Error| {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => {
                format!("a path is looked for from the configuration's folder, `{}`", shared.folder.display())
            }
            _ => format!("`feeds` must be able to read it: `ls -l {}` shows who may", path.display()),
        };
        Wrong::Within(place.clone(), format!("cannot read `{}`: {error}", path.display()), Some(help))
    };
    let mut text = String::new();
    std::fs::File::open(&path).and_then(|file| file.take(LONGEST + 1).read_to_string(&mut text)).map_err(failed)?;
    if text.len() as u64 > LONGEST {
        return Err(wrong(format!("`{}` is longer than 1 MiB", path.display())));
    }
    Ok((path, text))
}

/// A template's mistake at its place in the configuration, as far as that can be known.
fn inline(source: &str, error: TemplateError) -> Wrong {
    match place_of(source, &error) {
        Some(part) => Wrong::Part(part, error.message, error.help),
        None => Wrong::Value(error.message, error.help),
    }
}

/// Where in a template its mistake is.
fn place_of(source: &str, error: &TemplateError) -> Option<Range<usize>> {
    error.range.clone().or_else(|| error.line.map(|line| line_of(source, line)))
}

/// Where a line stands, counted from 1.
fn line_of(text: &str, line: usize) -> Range<usize> {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    start..start + length
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    fn told(look: &str) -> String {
        let text = format!("[sinks.inbox]\ntype = 'maildir'\npath = 'x'\n{look}\n[feeds.a]\nurl = 'https://a.example/feed'\n");
        check(&text).err().map(|mistakes| mistakes.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_mistake_in_a_template_is_shown_where_it_is() {
        assert_eq!(
            told("subject = \"[{{ feed.nam }}] {{ entry.title }}\""),
            "error: `subject`: there is no `feed.nam`\n --> /home/me/feeds/config.toml:4:16\n  |\n4 | subject = \"[{{ feed.nam }}] {{ entry.title }}\"\n  \
             |                ^^^^^^^^\nhelp: did you mean `feed.name`?\n"
        );
        let several = told("body_text = '''\n{{ entry.text }}\n{{ mail.foot | uper }}\n'''");
        assert!(several.contains("there is no filter `uper`\n --> /home/me/feeds/config.toml:6:"), "{several}");
        assert!(several.contains("6 | {{ mail.foot | uper }}") && several.contains("did you mean `upper`?"), "{several}");
        let escaped = told("body_text = \"{{ entry.text }}\\n{{ entry.txt }}\"");
        let under = "4 | body_text = \"{{ entry.text }}\\n{{ entry.txt }}\"\n  |                                   ^^^^^^^^^\n";
        assert!(escaped.contains("there is no `entry.txt`\n") && escaped.contains(under), "{escaped}");
        assert!(told("subject = '{{ entry.title'").contains("config.toml:4:"));
    }

    #[test]
    fn a_template_in_a_file_is_told_about_with_both_places() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mail.html.j2");
        let key = format!("body_html = {{ file = '{}' }}", path.display());
        assert!(told(&key).contains("cannot read"), "{}", told(&key));
        std::fs::write(&path, "<p>{{ entry.html }}\n  {{ entry.htlm }}</p>\n").unwrap();
        let message = told(&key).replace(&folder.path().display().to_string(), "FOLDER");
        assert_eq!(
            message,
            "error: `body_html`: there is no `entry.htlm`\n --> FOLDER/mail.html.j2:2:6\n  |\n2 |   {{ entry.htlm }}</p>\n  \
             |      ^^^^^^^^^^\n ::: /home/me/feeds/config.toml:4:13\nhelp: did you mean `entry.html`?\n"
        );
        std::fs::write(&path, "\n").unwrap();
        assert!(told(&key).contains("the template is empty"), "{}", told(&key));
        std::fs::write(&path, "<p>{{ entry.html }}</p>{{ mail.foot }}").unwrap();
        assert_eq!(told(&key), "");
        assert!(told("body_html = { fil = 'x' }").contains("unknown key `fil`"));
        assert!(told("body_html = 5").contains("`body_html` must be a template in quotes, or `{ file = \"…\" }`, not a number"));
    }
}
