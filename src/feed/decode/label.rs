//! The names of encodings: those of the Encoding Standard, and those that software writes beside them.

use encoding_rs::Encoding;

use super::page;

/// A way to write text as bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Charset {
    /// One of the Encoding Standard.
    Rs(&'static Encoding),
    /// A code page of DOS or the Macintosh: its characters from 0x80 on.
    Page(&'static str),
    /// A code page of mainframes; which one, only its own declaration tells.
    Ebcdic,
    /// UTF-16 of either byte order.
    Utf16,
    /// UTF-32.
    Utf32 { big: bool },
    /// HZ (RFC 1843).
    Hz,
    /// ISO-2022-KR (RFC 1557).
    Korean,
    /// UTF-7 (RFC 2152).
    Utf7,
}

impl Charset {
    /// Whether each of its characters has two bytes or more.
    pub(super) fn is_wide(self) -> bool {
        match self {
            Self::Utf16 | Self::Utf32 { .. } => true,
            Self::Rs(encoding) => encoding == encoding_rs::UTF_16BE || encoding == encoding_rs::UTF_16LE,
            Self::Page(_) | Self::Ebcdic | Self::Hz | Self::Korean | Self::Utf7 => false,
        }
    }

    /// Whether it writes everything in the bytes of ASCII.
    pub(super) fn is_seven_bit(self) -> bool {
        match self {
            Self::Hz | Self::Korean | Self::Utf7 => true,
            Self::Rs(encoding) => encoding == encoding_rs::ISO_2022_JP,
            Self::Page(_) | Self::Ebcdic | Self::Utf16 | Self::Utf32 { .. } => false,
        }
    }

    /// Its name, for a remark.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Rs(encoding) => encoding.name(),
            Self::Page(_) => "a code page",
            Self::Ebcdic => "EBCDIC",
            Self::Utf16 => "UTF-16",
            Self::Utf32 { .. } => "UTF-32",
            Self::Hz => "HZ-GB-2312",
            Self::Korean => "ISO-2022-KR",
            Self::Utf7 => "UTF-7",
        }
    }
}

/// Longer than this, and it is no name of an encoding.
const LONGEST: usize = 60;

/// The encoding of a name as it was written, junk around it included.
pub(super) fn charset(written: &str) -> Option<Charset> {
    let junk = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '\\' | '=' | ':' | '&');
    let name = written.trim_start_matches(junk);
    let name = name.split(|c: char| junk(c) || matches!(c, ';' | ',' | '?' | '>' | '<' | '/')).next()?;
    if name.is_empty() || name.len() > LONGEST {
        return None;
    }
    // Only letters and digits tell names apart: `UTF_8`, `utf 8` and `utf8` are one.
    let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if let Some(charset) = own(&plain) {
        return Some(charset);
    }
    let known = |label: &str| Encoding::for_label_no_replacement(label.as_bytes()).map(Charset::Rs);
    let by_number = |prefix: &str| {
        let number = plain.strip_prefix(prefix).filter(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))?;
        known(&format!("windows-{number}")).or_else(|| page::named(&format!("cp{number}")))
    };
    // `iso_8859_1_1987`: a standard with its year.
    let without_year = || {
        let year = plain.len().checked_sub(4).filter(|at| plain[*at..].bytes().all(|b| b.is_ascii_digit()))?;
        let (name, year) = plain.split_at(year);
        known(name).or_else(|| own(name)).filter(|_| year.starts_with("19") || year.starts_with("20"))
    };
    let without = |prefix: &str| plain.strip_prefix(prefix).and_then(&known);
    known(name)
        .or_else(|| known(&name.replace('_', "-")))
        .or_else(|| known(&plain))
        .or_else(|| known(&format!("iso{plain}")))
        .or_else(|| page::named(&plain))
        .or_else(|| ["windows", "win", "cp", "ms", "ibm", "xcp", "oem", "codepage", "dos", ""].into_iter().find_map(by_number))
        .or_else(|| ["x", "cs", "iso", "charset", "encoding"].into_iter().find_map(without))
        .or_else(without_year)
}

/// What the Encoding Standard does not know, does not read, or knows as something else.
fn own(plain: &str) -> Option<Charset> {
    let charset = match plain {
        "utf" | "u8" | "utf8mb4" | "utf8mb3" | "utf8bom" | "utf8n" | "utf8sig" | "unicode11utf8" | "cp65001" | "al32utf8"
        | "utf81" | "utf8utf8" => Charset::Rs(encoding_rs::UTF_8),
        "utf16"
        | "u16"
        | "ucs2"
        | "iso10646ucs2"
        | "csunicode"
        | "unicode"
        | "unicode11"
        | "csunicode11"
        | "iso10646"
        | "utf16le"
        | "utf16be"
        | "ucs2le"
        | "ucs2be"
        | "unicodefffe"
        | "unicodefeff"
        | "unicodelittle"
        | "unicodebig"
        | "unicodebigunmarked"
        | "unicodelittleunmarked" => Charset::Utf16,
        "utf32" | "u32" | "ucs4" | "csucs4" | "iso10646ucs4" | "utf32be" | "ucs4be" => Charset::Utf32 { big: true },
        "utf32le" | "ucs4le" => Charset::Utf32 { big: false },
        "utf7" | "u7" | "unicode11utf7" | "csunicode11utf7" => Charset::Utf7,
        "hz" | "hzgb" | "hzgb2312" => Charset::Hz,
        "iso2022kr" | "csiso2022kr" => Charset::Korean,
        "us" | "cp367" | "ibm367" | "ansix341968" | "ansix341986" | "iso646us" | "iso646irv1991" | "isoir6" | "ansi"
        | "msansi" | "latin" | "western" | "646" | "usascii" | "asciiusa" | "default" | "iso8859" | "8859" | "isolatin" => {
            Charset::Rs(encoding_rs::WINDOWS_1252)
        }
        "latin7" => Charset::Rs(encoding_rs::ISO_8859_13),
        "latin8" | "isoceltic" | "isoir199" => Charset::Rs(encoding_rs::ISO_8859_14),
        "latin9" => Charset::Rs(encoding_rs::ISO_8859_15),
        "latin10" | "isoir226" => Charset::Rs(encoding_rs::ISO_8859_16),
        "thai" | "isoir166" | "tis62025290" | "tis62025291" | "tis6200" | "tis620" | "iso885911" => {
            Charset::Rs(encoding_rs::WINDOWS_874)
        }
        "msee" | "easteurope" => Charset::Rs(encoding_rs::WINDOWS_1250),
        "mscyrl" | "cyrillicwindows" => Charset::Rs(encoding_rs::WINDOWS_1251),
        "msgreek" => Charset::Rs(encoding_rs::WINDOWS_1253),
        "msturk" => Charset::Rs(encoding_rs::WINDOWS_1254),
        "mshebr" => Charset::Rs(encoding_rs::WINDOWS_1255),
        "msarab" => Charset::Rs(encoding_rs::WINDOWS_1256),
        "winbaltrim" => Charset::Rs(encoding_rs::WINDOWS_1257),
        "koi" | "koi8ru" => Charset::Rs(encoding_rs::KOI8_U),
        "macroman" | "macwestern" => Charset::Rs(encoding_rs::MACINTOSH),
        "maccyrillic" => Charset::Rs(encoding_rs::X_MAC_CYRILLIC),
        "shiftjis" | "932" | "shiftjis2004" | "shiftjisx0213" | "sjis2004" | "sjisx0213" | "mskanji" | "cp932" | "ms932"
        | "windows932" | "shiftjs" | "sjiswin" | "xmscp932" => Charset::Rs(encoding_rs::SHIFT_JIS),
        "eucjp" | "ujis" | "eucjis2004" | "jisx0213" | "eucjisx0213" | "eucjpms" | "eucjpwin" | "cp51932" => {
            Charset::Rs(encoding_rs::EUC_JP)
        }
        "jis" | "iso2022jp" | "iso2022jp1" | "iso2022jp2" | "iso2022jp3" | "iso2022jp2004" | "iso2022jpext" | "cp50220"
        | "cp50221" => Charset::Rs(encoding_rs::ISO_2022_JP),
        "euccn" | "936" | "gb231280" | "cp936" | "ms936" | "windows936" | "gb23121980" | "eucgb2312cn" | "gbk2312" => {
            Charset::Rs(encoding_rs::GBK)
        }
        "gb180302000" | "gb180302005" | "cp54936" => Charset::Rs(encoding_rs::GB18030),
        "big5tw" | "950" | "hkscs" | "big5hkscs" | "cp950" | "ms950" | "windows950" | "big5eten" | "big5hkscs2004" | "euctw" => {
            Charset::Rs(encoding_rs::BIG5)
        }
        "cp949" | "ms949" | "uhc" | "ksx1001" | "949" | "euckr" => Charset::Rs(encoding_rs::EUC_KR),
        _ => return None,
    };
    Some(charset)
}
