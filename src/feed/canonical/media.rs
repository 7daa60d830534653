//! What is to be heard and seen beside an entry's words: how long its files play, and its own picture.

use super::super::entry::Enclosure;
use super::draft::EntryDraft;
use super::links::absolute;
use super::reader::Context;
use super::soup::Tag;

/// A picture that says to be no wider is a sign for its author or its site.
const WIDEST_SIGN: u32 = 100;
/// Where such pictures are kept.
const SIGNS: &[&str] = &["gravatar.com/avatar"];
/// What nothing plays any more.
const DEAD: &[&str] = &["application/x-shockwave-flash"];
/// The longest that a file may claim to play, in seconds: a month.
const LONGEST: u64 = 31 * 86_400;

/// How long something plays, in seconds: written as such, or as hours, minutes and seconds.
pub(crate) fn duration(text: &str) -> Option<u64> {
    let whole = text.trim().split(['.', ',']).next().unwrap_or_default();
    let parts: Vec<u64> = whole.split(':').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
    let seconds = match parts[..] {
        [seconds] => seconds,
        [minutes, seconds] => minutes.checked_mul(60)?.checked_add(seconds)?,
        [hours, minutes, seconds] => hours.checked_mul(3_600)?.checked_add(minutes.checked_mul(60)?)?.checked_add(seconds)?,
        _ => return None,
    };
    (1..=LONGEST).contains(&seconds).then_some(seconds)
}

impl<'a> Context<'a> {
    /// A picture of the entry itself.
    pub(crate) fn picture(&self, rank: u8, tag: &Tag<'a>, names: &[&str], entry: &mut EntryDraft) {
        let width = self.attribute(tag, "width").and_then(|width| width.parse::<u32>().ok());
        let url = names.iter().find_map(|name| self.attribute(tag, name)).and_then(|url| absolute(&url, self.around()));
        let url = url.filter(|url| width.is_none_or(|width| width > WIDEST_SIGN) && !SIGNS.iter().any(|sign| url.contains(sign)));
        if let Some(url) = url {
            entry.image.offer(rank, url);
        }
    }
}

impl EntryDraft {
    /// Puts its files together: without what nothing plays, each with how long it plays.
    pub(crate) fn settle_files(&mut self) {
        std::mem::take(&mut self.others).0.into_iter().for_each(|file| self.enclosures.add(file));
        let files = &mut self.enclosures.0;
        let is_of = |file: &Enclosure, kinds: &[&str]| {
            let named = file.r#type.as_deref().unwrap_or_default().to_ascii_lowercase();
            kinds.iter().any(|kind| named.starts_with(kind))
        };
        files.retain(|file| !is_of(file, DEAD));
        let is_alone = files.len() == 1;
        // An entry plays as long in each of its forms.
        for file in files.iter_mut().filter(|file| is_of(file, &["audio/", "video/"]) || (is_alone && file.r#type.is_none())) {
            file.duration = file.duration.or(self.duration);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::duration;
    use crate::feed::{Entry, parse};

    fn entry(namespaces: &str, inside: &str) -> Entry {
        let text = format!(
            "<rss version='2.0' {namespaces}><channel><title>t</title><itunes:image href='https://h.example/show.jpg'/>\
             <item><title>one</title><link>https://h.example/1</link>{inside}</item></channel></rss>"
        );
        parse(text.as_bytes(), None, None).unwrap().document.entries.remove(0)
    }

    #[test]
    fn a_length_in_time_is_written_in_many_ways() {
        let table = [
            ("3753", Some(3753)),
            (" 1:02:33 ", Some(3753)),
            ("62:33", Some(3753)),
            ("185.4", Some(185)),
            ("00:00", None),
            ("1:2:3:4", None),
            ("an hour", None),
            ("18446744073709551615:00", None),
        ];
        for (written, seconds) in table {
            assert_eq!(duration(written), seconds, "{written}");
        }
    }

    #[test]
    fn an_episode_plays_as_long_in_each_of_its_forms_and_has_a_picture_of_its_own() {
        let episode = entry(
            "",
            "<enclosure url='https://h.example/1.mp3' type='audio/mpeg'/><enclosure url='https://h.example/1.pdf' type='application/pdf'/>\
             <media:content url='https://h.example/1.mp4' type='video/mp4' duration='60'/>\
             <itunes:duration>1:02:33</itunes:duration><itunes:image href='/1.jpg'/><media:thumbnail url='/small.jpg'/>",
        );
        let lengths: Vec<_> = episode.enclosures.iter().map(|file| file.duration).collect();
        assert_eq!(lengths, [Some(3753), None, Some(60)]);
        assert!(episode.image.is_some_and(|image| image.ends_with("/1.jpg")));
    }

    #[test]
    fn neither_the_feeds_picture_nor_its_authors_is_the_entrys() {
        assert_eq!(entry("", "<itunes:image href='https://h.example/show.jpg'/>").image, None);
        assert_eq!(entry("", "<media:thumbnail width='30' url='https://h.example/me.png'/>").image, None);
    }

    #[test]
    fn a_film_on_youtube_has_its_thumbnail_and_no_file_that_nothing_plays() {
        let film = entry(
            "xmlns:media='http://search.yahoo.com/mrss/'",
            "<media:group><media:content url='https://www.youtube.com/v/Zx9?version=3' type='application/x-shockwave-flash'/>\
             <media:thumbnail url='https://i.ytimg.com/vi/Zx9/hqdefault.jpg' width='480'/></media:group>",
        );
        assert_eq!((film.image.as_deref(), film.enclosures.len()), (Some("https://i.ytimg.com/vi/Zx9/hqdefault.jpg"), 0));
    }

    #[test]
    fn an_item_of_a_json_feed_has_its_image_and_its_attachments_their_length() {
        let text = r#"{"version":"https://jsonfeed.org/version/1.1","title":"t","items":[{"id":"1","content_text":"a","banner_image":"https://h.example/b.png",
            "image":"https://h.example/a.png","attachments":[{"url":"https://h.example/1.mp3","mime_type":"audio/mpeg","duration_in_seconds":3753}]}]}"#;
        let item = parse(text.as_bytes(), None, None).unwrap().document.entries.remove(0);
        assert_eq!((item.image.as_deref(), item.enclosures[0].duration), (Some("https://h.example/a.png"), Some(3753)));
    }
}
