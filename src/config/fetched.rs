//! The keys that have something fetched for an entry, or done to it, before it goes: `fulltext`, `transform`, `images`, `attach`.

use std::path::Path;

use toml::Spanned;
use toml::de::DeValue;

use super::explain::Mistake;
use super::program;
use super::section::{self, Section, Value, Wrong};
use crate::article::Cut;
use crate::env::Env;
use crate::fetch::Program;
use crate::mail::Images;
use crate::units::ByteSize;
use crate::words;

/// What a layer says of something that a nearer one may turn off.
#[derive(Debug, Clone)]
pub(super) enum Choice<T> {
    /// Not that.
    Off,
    /// That, like this.
    On(T),
}

impl<T> Choice<T> {
    /// What holds.
    pub(super) fn chosen(self) -> Option<T> {
        match self {
            Self::Off => None,
            Self::On(value) => Some(value),
        }
    }
}

/// Whether the pages of entries are fetched, and where their articles stand.
pub(super) fn fulltext(section: &mut Section<'_>, mistakes: &mut Vec<Mistake>) -> Option<Choice<Cut>> {
    let mut within = Vec::new();
    let read = section.read("fulltext", mistakes, |value| match value.get_ref() {
        DeValue::Boolean(wanted) => Ok(if *wanted { Choice::On(Cut::default()) } else { Choice::Off }),
        DeValue::Table(_) => Ok(Choice::On(cut(value, &mut within))),
        _ => Err(Wrong::Type("true, false or a table such as { select = \"article\", remove = [\".ads\"] }")),
    });
    mistakes.append(&mut within);
    read.map(Spanned::into_inner)
}

fn cut(value: &Value<'_>, mistakes: &mut Vec<Mistake>) -> Cut {
    let Some(mut table) = Section::new("fulltext".to_owned(), value.clone(), mistakes) else { return Cut::default() };
    let checked = |text: &str| Cut::check(text).map(|()| text.to_owned());
    let select = table.read("select", mistakes, |value| checked(section::text(value)?).map_err(Wrong::value));
    let remove = table.read("remove", mistakes, |value| {
        let texts = section::texts(value)?;
        let each = |text: &Spanned<String>| checked(text.get_ref()).map_err(|why| Wrong::Within(text.span(), why, None));
        texts.iter().map(each).collect::<Result<Vec<String>, Wrong>>()
    });
    table.finish(&["select", "remove"], mistakes);
    Cut { select: select.map(Spanned::into_inner), remove: remove.map(Spanned::into_inner).unwrap_or_default() }
}

/// The program that entries pass through; an empty list: none.
pub(super) fn transform(value: &Value<'_>, folder: &Path, env: &Env) -> Result<Choice<Program>, Wrong> {
    if let DeValue::Array(words) = value.get_ref()
        && words.is_empty()
    {
        return Ok(Choice::Off);
    }
    program::read(value, "", folder, env).map(Choice::On)
}

/// What becomes of an article's images.
pub(super) fn images(value: &Value<'_>) -> Result<Images, Wrong> {
    let word = section::text(value)?;
    let found = Images::WORDS.iter().find(|(name, _)| *name == word).map(|(_, images)| *images);
    found.ok_or_else(|| {
        let help = words::did_you_mean(word, Images::WORDS.iter().map(|(word, _)| *word), "way");
        Wrong::Value(format!("`{word}` is no way to treat images"), Some(help))
    })
}

/// Up to which size an entry's files come with its mail; `"none"`: they do not.
pub(super) fn attach(value: &Value<'_>) -> Result<Choice<ByteSize>, Wrong> {
    match value.get_ref().as_str() {
        Some("none") => Ok(Choice::Off),
        Some(_) => {
            let size = section::size(value)?;
            let most = ByteSize::from_bytes(MOST_ATTACHED);
            if size.bytes() > MOST_ATTACHED {
                return Err(Wrong::value(format!("the most that a mail carries is {most}")));
            }
            Ok(Choice::On(size))
        }
        None => Err(Wrong::Type("a size in quotes, such as \"10MiB\", or \"none\"")),
    }
}

/// The files of a mail take no more together.
const MOST_ATTACHED: u64 = 20 << 20;

#[cfg(test)]
mod tests {
    use super::super::testing::check;
    use super::*;

    fn feed(lines: &str) -> Result<super::super::Feed, String> {
        let sink = "[sinks.inbox]\ntype = \"maildir\"\npath = \"~/Mail\"\nimages = \"inline\"\n";
        let layers = "[defaults]\nattach = \"2MiB\"\ntransform = [\"all.py\"]\n[tags.long]\nfulltext = true\nimages = \"none\"\n";
        let config = check(&format!("{layers}{sink}[feeds.news]\nurl = \"https://h.example/\"\n{lines}\n"));
        config.map_err(|mistakes| mistakes.to_string())?.feeds.into_iter().next().ok_or_else(String::new)
    }

    #[test]
    fn the_nearest_layer_says_what_is_fetched() {
        let plain = feed("").unwrap();
        assert_eq!((plain.fulltext, plain.transform.map(|program| program.feed)), (None, Some("news".to_owned())));
        assert_eq!((plain.looks["inbox"].images, plain.looks["inbox"].attach), (Images::Inline, Some(2 << 20)));
        let tagged = feed("tags = [\"long\"]\ntransform = []\nattach = \"none\"").unwrap();
        assert_eq!((tagged.fulltext, tagged.transform), (Some(Cut::default()), None));
        assert_eq!((tagged.looks["inbox"].images, tagged.looks["inbox"].attach), (Images::None, None));
        let cut = feed("fulltext = { select = \"article .body\", remove = [\".ads\", \"nav\"] }").unwrap().fulltext.unwrap();
        assert_eq!((cut.select.as_deref(), cut.remove.len()), (Some("article .body"), 2));
    }

    #[test]
    fn each_mistake_is_explained() {
        for (lines, words) in [
            ("fulltext = \"yes\"", "must be true, false or a table"),
            ("fulltext = { select = \"a[\" }", "`a[` is not a CSS selector"),
            ("fulltext = { remove = [\"nav\", \"]\"] }", "`]` is not a CSS selector"),
            ("fulltext = { selcet = \"a\" }", "unknown key `selcet`"),
            ("transform = \"prog\"", "a list of texts, not one text"),
            ("images = \"inlined\"", "did you mean `inline`"),
            ("attach = \"1GiB\"", "the most that a mail carries is 20MiB"),
            ("attach = true", "must be a size in quotes"),
        ] {
            let told = feed(lines).unwrap_err();
            assert!(told.contains(words), "no `{words}` in {told}");
        }
    }
}
