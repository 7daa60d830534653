//! PURE. The HTML part: one column of 680 pixels with inline styles, because most mail programs drop all others. Letters have no
//! colour of their own, so each program's dark or light one holds; what is quieter is more transparent.

use std::fmt::Write as _;

use super::compose::Letter;
use super::direction::{direction, language};
use super::foot::{self, Byline, is_web};
use crate::feed::text::{cut, to_html};

const FONT: &str = "-apple-system,BlinkMacSystemFont,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const QUIET: &str = "font-size:14px;line-height:1.5;opacity:0.75";
const HIDDEN: &str = "display:none;max-height:0;max-width:0;overflow:hidden;opacity:0;font-size:1px;line-height:1px;mso-hide:all";
/// Both colours are set, so that code is legible wherever one of the two rules is dropped: 15.6:1 on light, 12.4:1 on dark.
const CODE: &str = "pre{background-color:#f4f4f4;color:#1f1f1f;direction:ltr;text-align:left}\r\n\
     @media (prefers-color-scheme:dark){pre{background-color:#262626!important;color:#e6e6e6!important}}";
/// How many characters a list of mails shows of a mail's beginning, and how far it goes on for what comes next.
const PREHEADER: usize = 90;
/// See [`PREHEADER`].
const PREVIEW: usize = 150;

/// What a template may place: the parts of the page, ready made.
pub(super) struct Around {
    /// The attributes `lang` and `dir`, with a space before each.
    pub(super) attributes: String,
    /// The hidden beginning that lists of mails show.
    pub(super) preheader: String,
    /// Who, when, where.
    pub(super) byline: String,
    /// What stands below the body.
    pub(super) foot: String,
}

impl Around {
    /// The parts around the body of this letter.
    pub(super) fn of(letter: Letter<'_>, subject: &str) -> Self {
        let Letter { entry, article, facts, .. } = letter;
        let tag = language(entry, facts);
        let lang = tag.map_or(String::new(), |tag| format!(" lang=\"{tag}\""));
        let direction = direction(tag, &format!("{subject} {}", article.summary));
        let byline = Byline::of(entry, facts);
        let feed = if is_web(&facts.feed.link) { anchor(&facts.feed.link, &byline.feed) } else { to_html(&byline.feed) };
        let before = [byline.author.as_deref(), byline.date.as_deref()].into_iter().flatten().map(to_html);
        let apart = |part: String| format!("<span dir=\"auto\">{part}</span>");
        Self {
            attributes: format!("{lang} dir=\"{direction}\""),
            preheader: preheader(subject, &article.summary),
            byline: before.chain([feed]).map(apart).collect::<Vec<_>>().join(" · "),
            foot: foot_of(letter),
        }
    }
}

/// The page around a body.
pub(super) fn html(letter: Letter<'_>, subject: &str, around: &Around, body: &str) -> String {
    let title = match letter.entry.link().filter(|link| is_web(link)) {
        Some(link) => {
            format!("<a href=\"{}\" style=\"color:inherit;text-decoration:none\">{}</a>", to_html(link), to_html(subject))
        }
        None => to_html(subject),
    };
    let Around { attributes, preheader, byline, foot } = around;
    // Outlook on Windows knows no widest width: for it alone there is a table of that width around all.
    format!(
        "<!DOCTYPE html>\r\n<html{attributes}>\r\n<head>\r\n<meta charset=\"utf-8\">\r\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\r\n\
         <meta name=\"color-scheme\" content=\"light dark\">\r\n<meta name=\"supported-color-schemes\" content=\"light dark\">\r\n\
         <title>{title_text}</title>\r\n<style>\r\n:root{{color-scheme:light dark}}\r\n{CODE}\r\n</style>\r\n</head>\r\n\
         <body style=\"margin:0;padding:0\">\r\n\
         <div style=\"{HIDDEN}\">{preheader}</div>\r\n\
         <!--[if mso]><table role=\"presentation\" width=\"680\" align=\"center\" cellpadding=\"0\" cellspacing=\"0\" border=\"0\"><tr><td><![endif]-->\r\n\
         <div{attributes} style=\"max-width:680px;margin:0 auto;padding:24px 16px;font-family:{FONT};font-size:17px;line-height:1.55;\
         overflow-wrap:break-word;word-wrap:break-word\">\r\n\
         <h1 style=\"font-size:26px;line-height:1.25;margin:0 0 8px\">{title}</h1>\r\n\
         <p style=\"margin:0 0 12px;{QUIET}\">{byline}</p>\r\n\
         <div style=\"overflow-x:auto\">\r\n{body}\r\n</div>\r\n\
         <div dir=\"ltr\" style=\"margin:20px 0 0;padding:12px 0 0;border-top:1px solid #999\">\r\n{foot}</div>\r\n\
         </div>\r\n<!--[if mso]></td></tr></table><![endif]-->\r\n</body>\r\n</html>\r\n",
        title_text = to_html(subject),
    )
}

/// The beginning of the text without its title, and so much nothing behind it that a list of mails shows no more.
fn preheader(subject: &str, summary: &str) -> String {
    let rest = summary.get(..subject.len()).filter(|start| *start == subject).map_or(summary, |start| &summary[start.len()..]);
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || ".:…–—-|".contains(c));
    let text = cut(rest, PREHEADER);
    let nothing = "&#847;&zwnj;&nbsp;".repeat(PREVIEW - text.chars().count());
    format!("{}{nothing}", to_html(&text))
}

fn foot_of(letter: Letter<'_>) -> String {
    let Letter { entry, facts, .. } = letter;
    let mut foot = String::new();
    let mut line = |html: &str| {
        let _ = write!(foot, "<p style=\"margin:0 0 6px;{QUIET}\">{html}</p>\r\n");
    };
    let page = entry.link().filter(|link| is_web(link)).map(|link| {
        let host = facts.entry.link.split('/').nth(2).unwrap_or_default().trim_start_matches("www.");
        anchor(link, &format!("Read it on {}", host.rsplit('@').next().unwrap_or(host)))
    });
    let comments = entry.comments.as_deref().filter(|url| is_web(url)).map(|url| anchor(url, "Comments"));
    let links: Vec<String> = [page, comments].into_iter().flatten().collect();
    if !links.is_empty() {
        line(&links.join(" · "));
    }
    for file in foot::files(letter) {
        let name = if is_web(file.url) { anchor(file.url, &file.name) } else { to_html(&file.name) };
        let detail = file.detail.map_or(String::new(), |detail| format!(" ({})", to_html(&detail)));
        line(&format!("Enclosure: {name}{detail}"));
    }
    if let Some(tags) = foot::tags(entry) {
        line(&format!("Tags: <span dir=\"auto\">{}</span>", to_html(&tags)));
    }
    if let Some(names) = foot::also_in(facts) {
        line(&format!("Also in: {}", to_html(&names)));
    }
    for note in foot::notes(facts) {
        line(&format!("Note: {}", to_html(&note)));
    }
    let feed = foot::feed(facts);
    let feed = if is_web(&facts.feed.url) { anchor(&facts.feed.url, &feed) } else { to_html(&feed) };
    let stop = foot::stop(facts)
        .map_or(String::new(), |stop| format!(" · to stop it: <code style=\"font-family:monospace\">{}</code>", to_html(&stop)));
    line(&format!("Feed: <span dir=\"auto\">{feed}</span>{stop}"));
    foot
}

fn anchor(url: &str, shown: &str) -> String {
    format!("<a href=\"{}\" style=\"color:inherit\">{}</a>", to_html(url), to_html(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preheader_does_not_repeat_the_title_and_is_followed_by_nothing() {
        let shown = preheader("A title", "A title: and how it began");
        assert!(shown.starts_with("and how it began&#847;"), "{shown}");
        assert_eq!(preheader("größe", "grö").split('&').next(), Some("grö"));
        assert_eq!(shown.matches("&zwnj;").count() + "and how it began".len(), PREVIEW);
    }
}
