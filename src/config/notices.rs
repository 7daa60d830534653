//! The key `notices`: the sinks through which `feeds` tells of feeds that cannot be read. They take mails, and know whom theirs
//! go to.

use toml::Spanned;

use super::explain::Mistake;
use super::feeds::{Layers, Resolved};
use super::section::{self, Section};
use super::sinks::SinkEntry;
use crate::words;

/// Reads the key; a mistake for each sink that a notice cannot go to.
pub(super) fn read(root: &mut Section<'_>, layers: &Layers<'_>, sinks: &[SinkEntry], mistakes: &mut Vec<Mistake>) -> Vec<String> {
    let Some(written) = root.read("notices", mistakes, section::texts) else { return Vec::new() };
    let mut found: Vec<String> = Vec::new();
    for name in written.into_inner() {
        let place = name.span();
        match sinks.iter().find(|sink| sink.name.get_ref() == name.get_ref()) {
            None => {
                let help = words::did_you_mean(name.get_ref(), sinks.iter().map(|sink| sink.name.get_ref().as_str()), "sink");
                mistakes.push(Mistake::error(place, format!("there is no sink `{}`", name.get_ref())).help(help));
            }
            // Its own mistakes were told.
            Some(sink) if sink.built.is_none() => {}
            Some(sink) if !sink.takes_mail() => {
                let message = format!("notices cannot go to `{}`: it takes links, and a notice has none", name.get_ref());
                mistakes.push(Mistake::error(place, message).help("name a sink that takes mails"));
            }
            Some(sink) => {
                if let Resolved::WithoutTo = layers.look(&[], sink) {
                    let message = format!("notices cannot go to `{}`: it has no `to`", name.get_ref());
                    mistakes.push(Mistake::error(place, message).help("add `to = \"you@example.net\"` to the sink"));
                }
                if !found.contains(name.get_ref()) {
                    found.push(Spanned::into_inner(name));
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::testing::check;

    const SINKS: &str = "[sinks.inbox]\ntype = \"maildir\"\npath = \"~/Mail\"\n\
        [sinks.mail]\ntype = \"smtp\"\nhost = \"h.example\"\nfrom = \"a@h.example\"\n\
        [sinks.later]\ntype = \"linkding\"\nurl = \"https://l.example\"\ntoken = \"x\"\n";

    #[test]
    fn notices_go_to_sinks_that_take_mails_and_know_whom_theirs_go_to() {
        let read = |list: &str| check(&format!("notices = {list}\n{SINKS}")).map_err(|mistakes| mistakes.to_string());
        assert_eq!(read("[\"inbox\", \"inbox\"]").unwrap().notices, ["inbox"]);
        assert!(read("[]").unwrap().notices.is_empty());
        for (list, words) in [
            ("[\"inbx\"]", "did you mean `inbox`?"),
            ("[\"later\"]", "it takes links"),
            ("[\"mail\"]", "it has no `to`"),
            ("\"inbox\"", "must be a list of texts"),
        ] {
            let told = read(list).unwrap_err();
            assert!(told.contains(words), "no `{words}` in {told}");
        }
    }
}
