//! PURE. Bytes to text. A document's encoding is told by its byte order mark, its server, its XML declaration and its bytes, in
//! this order, and each of them is wrong at times: a claim that the bytes contradict gives way to the next. Goes in: bytes and
//! the content type. Comes out: [`Decoded`], without a byte order mark, and with the XML declaration left where it is.

mod label;
mod mended;
mod page;
mod shifted;
mod wide;

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};

use label::Charset;

/// A document's text.
#[derive(Debug)]
pub(super) struct Decoded<'a> {
    /// The text; borrowed where the bytes are UTF-8.
    pub(super) text: Cow<'a, str>,
    /// What was odd about its encoding, in words.
    pub(super) remark: Option<String>,
}

/// How far into a document its XML declaration is looked for; junk may stand before it.
const HEAD: usize = 1024;
/// How much of a document is looked at to guess its encoding.
const GUESSED_FROM: usize = 256 * 1024;
/// Of this many characters beyond ASCII one may be broken, and the claim is still believed.
const MOSTLY: usize = 20;

/// The text of a document. `content_type` is what its server called it.
pub(super) fn decode<'a>(bytes: &'a [u8], content_type: Option<&str>) -> Decoded<'a> {
    let (mark, rest) = wide::marked(bytes);
    let declared = || declared(rest);
    let text = match mark.or_else(|| wide::unmarked(rest)) {
        Some(Charset::Ebcdic) => page::ebcdic(rest, declared().as_deref()).into(),
        Some(Charset::Rs(encoding)) if encoding == encoding_rs::UTF_8 => return narrow(rest, &[Charset::Rs(encoding)]),
        Some(charset) => decoded(rest, charset).map_or_else(String::new, |(text, _)| text).into(),
        None => {
            let http = content_type.and_then(charset_of).and_then(|name| label::charset(&name));
            let xml = declared().and_then(|name| label::charset(&name));
            let mut claims: Vec<Charset> = http.into_iter().chain(xml).collect();
            // Wide text looks otherwise: the claim is that of a template, or of a database that the text came from.
            claims.retain(|charset| !charset.is_wide() || wide::is_likely(rest));
            claims.dedup();
            return narrow(rest, &claims);
        }
    };
    Decoded { text: without_marks(text), remark: None }
}

/// Text of which each ASCII character is a byte, by what is claimed of it.
fn narrow<'a>(bytes: &'a [u8], claims: &[Charset]) -> Decoded<'a> {
    let shifts = |charset: &&Charset| charset.is_seven_bit();
    if let Ok(text) = std::str::from_utf8(bytes) {
        let shifted = claims.iter().find(shifts).copied().or_else(|| shifted::unclaimed(text));
        let text = match shifted.filter(|_| text.is_ascii()).and_then(|charset| decoded(bytes, charset)) {
            Some((text, 0)) => text.into(),
            Some(_) | None => text.into(),
        };
        return Decoded { text: without_marks(text), remark: None };
    }
    let state = mended::State::of(bytes);
    let utf8 = Charset::Rs(encoding_rs::UTF_8);
    let says_utf8 = claims.first().is_none_or(|first| *first == utf8);
    if let Some(whole) = state.cut_off(bytes).filter(|_| says_utf8 || state.sequences > 0) {
        let remark = Some("it ends within a character".to_owned());
        return Decoded { text: without_marks(whole.into()), remark };
    }
    if state.is_mostly_utf8(says_utf8) {
        let remark = format!("{} bytes of it are not UTF-8, and are taken for windows-1252", state.broken);
        return Decoded { text: without_marks(mended::mend(bytes, &state).into()), remark: Some(remark) };
    }
    let mut fewest: Option<(usize, Charset, String)> = None;
    for charset in claims.iter().copied().filter(|charset| *charset != utf8) {
        let Some((text, broken)) = decoded(bytes, charset) else { continue };
        if broken * MOSTLY <= text.chars().filter(|c| !c.is_ascii()).count() {
            let remark = disagrees(claims, charset);
            return Decoded { text: without_marks(text.into()), remark };
        }
        if fewest.as_ref().is_none_or(|(least, ..)| broken < *least) {
            fewest = Some((broken, charset, text));
        }
    }
    let guess = guess(bytes);
    let (charset, text) = match (decoded(bytes, guess), fewest) {
        (Some((text, broken)), fewest) if fewest.is_none() || broken == 0 => (guess, text),
        (_, Some((_, charset, text))) => (charset, text),
        (_, None) => (utf8, String::from_utf8_lossy(bytes).into_owned()),
    };
    Decoded { text: without_marks(text.into()), remark: disagrees(claims, charset) }
}

/// In words that a claim was not followed.
fn disagrees(claims: &[Charset], found: Charset) -> Option<String> {
    let first = claims.first().filter(|first| **first != found)?;
    Some(format!("it is said to be {}, which it is not; read as {}", first.name(), found.name()))
}

fn guess(bytes: &[u8]) -> Charset {
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(&bytes[..bytes.len().min(GUESSED_FROM)], bytes.len() <= GUESSED_FROM);
    Charset::Rs(detector.guess(None, Utf8Detection::Deny))
}

/// The text in one encoding, and how many of its characters were broken. `None` where it cannot be that encoding at all.
fn decoded(bytes: &[u8], charset: Charset) -> Option<(String, usize)> {
    let text = match charset {
        Charset::Rs(encoding) => page::with_companion(encoding.decode_without_bom_handling(bytes).0.into_owned(), encoding),
        Charset::Page(table) => page::decode(bytes, table),
        Charset::Ebcdic => return None,
        Charset::Utf16 => return decoded(bytes, Charset::Rs(wide::sixteen(bytes))),
        Charset::Utf32 { big } => wide::thirty_two(bytes, big),
        Charset::Hz => shifted::hz(bytes),
        Charset::Korean => shifted::korean(bytes),
        Charset::Utf7 => shifted::utf7(bytes)?,
    };
    // What is broken at the very end was cut off, there or by us.
    let whole = text.trim_end_matches('\u{fffd}').len();
    let mut text = text;
    if whole + 3 == text.len() {
        text.truncate(whole);
    }
    let broken = text.matches('\u{fffd}').count();
    Some((text, broken))
}

/// The encoding that a `Content-Type` names.
fn charset_of(content_type: &str) -> Option<String> {
    let parameters = content_type.split([';', ',']).skip(1).filter_map(|parameter| parameter.split_once('='));
    let named = parameters.into_iter().find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))?.1;
    Some(named.to_owned())
}

/// The encoding that an XML declaration names, at the beginning or after some junk.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = &bytes[..bytes.len().min(HEAD)];
    let head = match wide::unmarked(bytes) {
        Some(Charset::Ebcdic) => page::ebcdic(head, None),
        _ => head.iter().filter(|b| **b != 0).map(|b| char::from(*b)).collect(),
    };
    let lower = head.to_ascii_lowercase();
    let from = lower.find("<?xml")?;
    let declaration = lower[from..].split(['>']).next()?;
    let value = declaration.split_once("encoding")?.1.trim_start().strip_prefix('=')?.trim_start();
    let value = match value.chars().next()? {
        quote @ ('"' | '\'') => value[1..].split(quote).next()?,
        _ => value.split([' ', '?', '\t', '\r', '\n']).next()?,
    };
    Some(value.to_owned())
}

/// A mark may have been put before another one.
fn without_marks(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim_start_matches('\u{feff}')),
        Cow::Owned(text) if text.starts_with('\u{feff}') => Cow::Owned(text.trim_start_matches('\u{feff}').to_owned()),
        Cow::Owned(text) => Cow::Owned(text),
    }
}

#[cfg(test)]
mod tests;
