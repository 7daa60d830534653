//! Bytes in every encoding, and the text that they are.

use encoding_rs::Encoding;
use proptest::prelude::*;

use super::*;

fn text(bytes: &[u8], content_type: Option<&str>) -> String {
    decode(bytes, content_type).text.into_owned()
}

fn xml(declared: &str, title: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"{declared}\"?><rss><title>{title}</title></rss>")
}

/// A document written in an encoding of the Encoding Standard.
fn written(label: &str, declared: &str, title: &str) -> Vec<u8> {
    let (bytes, _, failed) =
        Encoding::for_label(label.as_bytes()).unwrap().encode(&*Box::leak(xml(declared, title).into_boxed_str()));
    assert!(!failed, "{label} has no {title}");
    bytes.into_owned()
}

fn wide(text: &str, unit: fn(char) -> Vec<u8>) -> Vec<u8> {
    text.chars().flat_map(unit).collect()
}

const LE16: fn(char) -> Vec<u8> = |c| c.encode_utf16(&mut [0; 2]).iter().flat_map(|u| u.to_le_bytes()).collect();
const BE16: fn(char) -> Vec<u8> = |c| c.encode_utf16(&mut [0; 2]).iter().flat_map(|u| u.to_be_bytes()).collect();
const LE32: fn(char) -> Vec<u8> = |c| u32::from(c).to_le_bytes().to_vec();
const BE32: fn(char) -> Vec<u8> = |c| u32::from(c).to_be_bytes().to_vec();

#[test]
fn what_the_declaration_says_is_so() {
    let table = [
        ("iso-8859-1", "ISO-8859-1", "café"),
        ("windows-1252", "iso-8859-1", "“smart” – 5 €"),
        ("windows-1252", "cp1252", "“x”"),
        ("windows-1252", "latin-1", "é"),
        ("windows-1252", "ISO_8859-1:1987", "é"),
        ("windows-1251", "win-1251", "Привет"),
        ("windows-1251", "CP-1251", "Привет"),
        ("koi8-r", "KOI8-R", "Привет"),
        ("shift_jis", "x-sjis", "日本語"),
        ("shift_jis", "Shift-JIS", "日本語"),
        ("euc-jp", "EUC_JP", "日本語"),
        ("iso-2022-jp", "iso-2022-jp", "日本語"),
        ("iso-2022-jp", "utf-8", "日本語"),
        ("gbk", "gb2312", "中文标题"),
        ("gbk", "cp936", "中文标题"),
        ("gb18030", "GB18030", "中文😀"),
        ("big5", "big5-hkscs", "中文標題"),
        ("euc-kr", "ks_c_5601-1987", "한국어 제목"),
        ("euc-kr", "cp949", "한국어 제목"),
        ("iso-8859-2", "iso8859-2", "Žluťoučký kůň"),
        ("iso-8859-7", "iso-8859-7", "Ελληνικά"),
        ("windows-1254", "iso-8859-9", "İstanbul ğ"),
        ("windows-874", "tis620", "ภาษาไทย"),
        ("windows-1255", "windows-1255", "עברית"),
        ("macintosh", "x-mac-roman", "café"),
    ];
    for (label, declared, title) in table {
        let bytes = written(label, declared, title);
        let read = decode(&bytes, None);
        assert_eq!(read.text, xml(declared, title), "{label} as {declared}");
        assert_eq!(read.remark, None, "{label}");
    }
}

#[test]
fn names_of_encodings_are_known_however_they_are_spelled() {
    let table = [
        ("utf_8", "UTF-8"),
        ("UTF 8", "UTF-8"),
        ("\"utf-8\";", "UTF-8"),
        ("iso_8859_1_1987", "windows-1252"),
        ("ISO8859-11-2001", "windows-874"),
        ("8859-2", "ISO-8859-2"),
        ("us_ascii", "windows-1252"),
        ("Windows1251", "windows-1251"),
        ("shiftjis", "Shift_JIS"),
        ("ks_c_5601_1987", "EUC-KR"),
        ("latin10", "ISO-8859-16"),
        ("csucs4", "UTF-32"),
        ("IBM850", "a code page"),
        ("ebcdic-cp-us", "EBCDIC"),
    ];
    for (written, name) in table {
        assert_eq!(label::charset(written).map(Charset::name), Some(name), "{written}");
    }
    for nothing in ["", "none", "\u{e9}\u{e9}\u{e9}2001", "1999", "xml"] {
        assert_eq!(label::charset(nothing), None, "{nothing}");
    }
}

#[test]
fn the_server_is_believed_before_the_document() {
    let cyrillic = written("windows-1251", "iso-8859-1", "Привет");
    for content_type in [
        "text/xml; charset=windows-1251",
        "text/xml;CHARSET = \"Windows-1251\" ; x=y",
        "text/xml; charset='cp1251",
        "a; charset=win1251,",
    ] {
        assert_eq!(text(&cyrillic, Some(content_type)), xml("iso-8859-1", "Привет"), "{content_type}");
    }
    for none in ["text/xml", "text/xml; charset=", "text/xml; charset=nonsense", "; ="] {
        let latin = written("iso-8859-1", "iso-8859-1", "é");
        assert_eq!(text(&latin, Some(none)), xml("iso-8859-1", "é"), "{none}");
    }
}

#[test]
fn utf_8_is_utf_8_whatever_is_said_of_it() {
    for claim in ["iso-8859-1", "gbk", "us-ascii", "utf-16", "ucs-4", "nonsense", ""] {
        let document = xml(claim, "日本 é");
        let read = decode(document.as_bytes(), Some(&*format!("text/xml; charset={claim}")).filter(|_| true));
        assert!(matches!(read.text, Cow::Borrowed(_)), "{claim}");
        assert_eq!(read.text, document);
    }
}

#[test]
fn wide_text_is_known_with_a_mark_and_without() {
    for declared in ["utf-16", "utf-8", "iso-8859-1", "UTF-16LE", "utf-16be", "csucs4", "ucs-4", "iso-10646-ucs-2"] {
        let document = xml(declared, "ü – 日本 😀");
        for unit in [LE16, BE16, LE32, BE32] {
            for mark in ["", "\u{feff}", "\u{feff}\u{feff}"] {
                let bytes = wide(&format!("{mark}{document}"), unit);
                assert_eq!(text(&bytes, Some("text/xml; charset=utf-8")), document, "{declared} {mark:?}");
            }
        }
    }
    for unit in [LE16, BE16, LE32, BE32] {
        assert_eq!(text(&wide("{\"version\": 1}", unit), None), "{\"version\": 1}");
    }
    assert_eq!(text("\u{feff}{\"items\": []}".as_bytes(), None), "{\"items\": []}");
}

#[test]
fn a_false_mark_and_lone_zeros_make_no_wide_text() {
    assert_eq!(text(b"\xff\xfe<?xml version='1.0'?><rss/>", None), "<?xml version='1.0'?><rss/>");
    assert_eq!(text(b"<a>x\0y</a>", None), "<a>x\0y</a>");
    assert_eq!(text(b"\xef\xbb\xbf<a>caf\xe9</a>", None), "<a>café</a>");
}

#[test]
fn a_false_claim_gives_way_to_the_next() {
    let table: &[(&[u8], Option<&str>, &str)] = &[
        (b"<?xml version='1.0' encoding='utf-8'?><a>caf\xe9</a>", None, "café"),
        (b"<?xml version='1.0' encoding='utf-8'?><a>caf\xe9</a>", Some("text/xml; charset=iso-8859-1"), "café"),
        (b"<?xml version='1.0' encoding='windows-1251'?><a>\xcf\xf0\xe8</a>", Some("text/xml; charset=utf-8"), "При"),
        (b"<?xml version='1.0' encoding='utf-16'?><a>caf\xe9</a>", Some("text/xml; charset=utf-16"), "café"),
        (
            b"<?xml version='1.0' encoding='euc-jp'?><a>\x93\xfa\x96\x7b\x8c\xea\x82\xcc</a>",
            Some("a; charset=shift_jis"),
            "日本語の",
        ),
        (b"<a>\x83j\x83\x85\x81[\x83X\x82\xcc\x93\xfa\x96{\x8c\xea</a>", Some("a; charset=euc-jp"), "ニュースの日本語"),
    ];
    for (bytes, content_type, title) in table {
        let read = decode(bytes, *content_type);
        assert!(read.text.contains(&format!("<a>{title}</a>")), "{title}: {}", read.text);
    }
    let remark = decode(table[2].0, table[2].1).remark.unwrap();
    assert_eq!(remark, "it is said to be UTF-8, which it is not; read as windows-1251");
}

#[test]
fn one_broken_character_does_not_discredit_a_claim() {
    let mut bytes = written("gbk", "gbk", &"中文标题".repeat(20));
    bytes.extend(b"\xff<x/>");
    assert!(text(&bytes, None).contains("中文标题中文标题"));
}

#[test]
fn pieces_of_windows_in_utf_8_are_read_as_such() {
    let read =
        decode(b"<a>\xc3\xa9t\xc3\xa9 \xe2\x80\x93 it\x92s \x93so\x94 caf\xe9, \xc3\xa0 la carte \xc3\xa8 \xc3\xa8</a>", None);
    assert_eq!(read.text, "<a>été – it’s “so” café, à la carte è è</a>");
    assert_eq!(read.remark.as_deref(), Some("4 bytes of it are not UTF-8, and are taken for windows-1252"));
    assert_eq!(text("<a>日本語の記事".as_bytes().split_last().unwrap().1, None), "<a>日本語の記");
    assert_eq!(text(&[b"<a>", &"日本語の記事".as_bytes()[..14], b"...</a>"].concat(), None), "<a>日本語の...</a>");
    assert_eq!(
        text(
            b"<a>\xe2\x80\x99 \xe2\x80\x99 \xe2\x80\x99 \xe2\x80\x99 \xe2\x80\x99 \xe2\x80\x99 \xed\xa0\xbd\xed\xb8\x80</a>",
            None
        ),
        "<a>’ ’ ’ ’ ’ ’ 😀</a>"
    );
}

#[test]
fn quotes_of_windows_in_iso_8859_are_quotes() {
    assert_eq!(text(b"<?xml version='1.0' encoding='iso-8859-15'?>\x93a\x94 \xa4", None).split('>').nth(1), Some("“a” €"));
    assert_eq!(text(b"<?xml version='1.0' encoding='iso-8859-2'?>\x84\xb1\x94 \x9c", None).split('>').nth(1), Some("„ą” ś"));
}

#[test]
fn text_that_shifts_is_read_where_it_is_claimed() {
    let table: &[(&str, &[u8], &str)] = &[
        ("hz-gb-2312", b"<a>~{<:Ky2;S{#,NpJ)l6HK!#~} ~~</a>", "<a>己所不欲，勿施於人。 ~</a>"),
        ("iso-2022-kr", b"\x1b$)C<a>\x0eGQ1[\x0f</a>", "<a>한글</a>"),
        ("utf-7", b"<a>Hi Mom -+Jjo--! 1 +- 1</a>", "<a>Hi Mom -☺-! 1 + 1</a>"),
        ("utf-8", b"<a>~{<:Ky~} 1+1</a>", "<a>~{<:Ky~} 1+1</a>"),
    ];
    for (claim, bytes, read) in table {
        assert_eq!(text(bytes, Some(&format!("text/xml; charset={claim}"))), *read, "{claim}");
    }
}

#[test]
fn code_pages_of_dos_and_mainframes_are_known() {
    assert!(text(b"<?xml version='1.0' encoding='cp437'?><a>\x80</a>", None).ends_with("<a>Ç</a>"));
    assert!(text(b"<?xml version='1.0' encoding='IBM855'?><a>\x80</a>", None).ends_with("<a>ђ</a>"));
    assert!(text(b"<?xml version='1.0' encoding='mac-greek'?><a>\x80</a>", None).ends_with("<a>Ä</a>"));
    let mainframe = b"\x4c\x6f\xa7\x94\x93\x40\x85\x95\x83\x96\x84\x89\x95\x87\x7e\x7f\x83\x97\xf0\xf3\xf7\x7f\x6f\x6e\x4c\x81\x6e\x80\x4c\x61\x81\x6e";
    assert_eq!(text(mainframe, None), "<?xml encoding=\"cp037\"?><a>Ø</a>");
}

#[test]
fn without_a_claim_the_encoding_is_guessed() {
    let guessed = [
        ("windows-1251", "Новости дня: сегодня в Москве прошла встреча министров"),
        ("shift_jis", "今日のニュースをお届けします。日本語の記事です"),
        ("euc-kr", "오늘의 뉴스를 전해 드립니다 한국어 기사입니다"),
        ("windows-1252", "Le café où l’été s’achève"),
    ];
    for (label, words) in guessed {
        let (bytes, ..) = Encoding::for_label(label.as_bytes()).unwrap().encode(words);
        assert_eq!(
            text(&[b"<rss><title>", &*bytes, b"</title></rss>"].concat(), None),
            format!("<rss><title>{words}</title></rss>")
        );
    }
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, content_type in proptest::option::of("text/xml; charset=(utf-7|hz|ucs-4|gbk|cp437|cp037|iso-2022-kr|utf-16|.{0,8})")) {
        decode(&bytes, content_type.as_deref());
    }

    #[test]
    fn what_utf_8_encodes_decodes_as_itself(words in "<[a-z]{1,5}>[^\u{1b}]*") {
        prop_assert_eq!(&*decode(words.as_bytes(), None).text, &*words);
    }
}
