//! Encodings that write everything in the bytes of ASCII, and shift between sets of characters.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::label::Charset;

/// The encoding that ASCII text shows by itself: nothing but ISO-2022-JP has these escapes (RFC 1468).
pub(super) fn unclaimed(text: &str) -> Option<Charset> {
    let escapes = ["\u{1b}$B", "\u{1b}$@", "\u{1b}(J", "\u{1b}(I"].iter().any(|escape| text.contains(escape));
    escapes.then_some(Charset::Rs(encoding_rs::ISO_2022_JP))
}

/// HZ: `~{` to `~}` hold GB 2312 without its high bits.
pub(super) fn hz(bytes: &[u8]) -> String {
    let mut gbk = Vec::with_capacity(bytes.len());
    let (mut rest, mut shifted) = (bytes, false);
    loop {
        rest = match (rest, shifted) {
            ([b'~', b'{', rest @ ..], false) => {
                shifted = true;
                rest
            }
            ([b'~', b'}', rest @ ..], true) => {
                shifted = false;
                rest
            }
            ([b'~', b'~', rest @ ..], false) => {
                gbk.push(b'~');
                rest
            }
            ([b'~', b'\n', rest @ ..], _) => rest,
            ([high @ 0x21..=0x7d, low @ 0x21..=0x7e, rest @ ..], true) => {
                gbk.extend([high | 0x80, low | 0x80]);
                rest
            }
            // A line ends a shift, whatever was forgotten.
            ([byte, rest @ ..], _) => {
                shifted = shifted && *byte != b'\n';
                gbk.push(*byte);
                rest
            }
            ([], _) => break,
        };
    }
    encoding_rs::GBK.decode_without_bom_handling(&gbk).0.into_owned()
}

/// ISO-2022-KR: between SO and SI stands KS X 1001 without its high bits.
pub(super) fn korean(bytes: &[u8]) -> String {
    let mut euc = Vec::with_capacity(bytes.len());
    let (mut rest, mut shifted) = (bytes, false);
    while let [byte, after @ ..] = rest {
        rest = after;
        match byte {
            0x0e => shifted = true,
            0x0f => shifted = false,
            0x1b => rest = rest.strip_prefix(b"$)C").unwrap_or(rest),
            0x21..=0x7e if shifted => euc.push(byte | 0x80),
            _ => euc.push(*byte),
        }
    }
    encoding_rs::EUC_KR.decode_without_bom_handling(&euc).0.into_owned()
}

/// UTF-7: `+` to `-` hold UTF-16 in base64. `None` where it is not.
pub(super) fn utf7(bytes: &[u8]) -> Option<String> {
    let config = GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::RequireNone);
    let base64 = GeneralPurpose::new(&STANDARD, config);
    let mut text = String::with_capacity(bytes.len());
    let mut rest = std::str::from_utf8(bytes).ok()?;
    while let Some((plain, shifted)) = rest.split_once('+') {
        text.push_str(plain);
        let end = shifted.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/')).unwrap_or(shifted.len());
        let (run, after) = shifted.split_at(end);
        rest = after.strip_prefix('-').unwrap_or(after);
        if run.is_empty() {
            text.push('+');
            continue;
        }
        let units = base64.decode(run).ok()?;
        text.push_str(&encoding_rs::UTF_16BE.decode_without_bom_handling(&units[..units.len() / 2 * 2]).0);
    }
    text.push_str(rest);
    Some(text)
}
