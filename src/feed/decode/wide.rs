//! Text of two or four bytes a unit, with a byte order mark or without one, and what else the first bytes tell.

use encoding_rs::Encoding;

use super::label::Charset;

/// How many bytes tell whether text is wide.
const LOOKED_AT: usize = 512;

/// What a byte order mark says, and the bytes after it. A mark before bytes that contradict it says nothing.
pub(super) fn marked(bytes: &[u8]) -> (Option<Charset>, &[u8]) {
    let begins_narrow = |rest: &[u8]| matches!(rest, [b'<' | b'{' | b'[', b'\t'..=b'~', ..]);
    match bytes {
        [0xef, 0xbb, 0xbf, rest @ ..] => {
            // A tool that adds marks adds them to anything.
            let (inner, after) =
                if rest.starts_with(&[0xff, 0xfe]) || rest.starts_with(&[0xfe, 0xff]) { marked(rest) } else { (None, rest) };
            (inner.or_else(|| unmarked(after)).or(Some(Charset::Rs(encoding_rs::UTF_8))), after)
        }
        [0xff, 0xfe, 0, 0, rest @ ..] => (Some(Charset::Utf32 { big: false }), rest),
        [0, 0, 0xfe, 0xff, rest @ ..] => (Some(Charset::Utf32 { big: true }), rest),
        [0xff, 0xfe, rest @ ..] | [0xfe, 0xff, rest @ ..] if begins_narrow(rest) => (None, rest),
        [0xff, 0xfe, rest @ ..] => (Some(Charset::Rs(encoding_rs::UTF_16LE)), rest),
        [0xfe, 0xff, rest @ ..] => (Some(Charset::Rs(encoding_rs::UTF_16BE)), rest),
        _ => (None, bytes),
    }
}

/// What the first bytes say without a mark.
pub(super) fn unmarked(bytes: &[u8]) -> Option<Charset> {
    let first = |b: &u8| matches!(b, b'<' | b'{' | b'[' | b'\t' | b'\n' | b'\r' | b' ');
    let next = |b: &u8| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    match bytes {
        [a, 0, 0, 0, ..] if first(a) => Some(Charset::Utf32 { big: false }),
        [0, 0, 0, a, ..] if first(a) => Some(Charset::Utf32 { big: true }),
        [a, 0, b, 0, ..] if first(a) && next(b) => Some(Charset::Rs(encoding_rs::UTF_16LE)),
        [0, a, 0, b, ..] if first(a) && next(b) => Some(Charset::Rs(encoding_rs::UTF_16BE)),
        // `<?xm`, `<rss`, `<fee` and `<rdf` of mainframes.
        [0x4c, 0x6f, 0xa7, 0x94, ..]
        | [0x4c, 0x99, 0xa2, 0xa2, ..]
        | [0x4c, 0x86, 0x85, 0x85, ..]
        | [0x4c, 0x99, 0x84, 0x86, ..] => Some(Charset::Ebcdic),
        _ => None,
    }
}

/// Whether bytes may be wide text, as is claimed: markup has many zeros then.
pub(super) fn is_likely(bytes: &[u8]) -> bool {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let zeros: usize = head.iter().map(|b| usize::from(*b == 0)).sum();
    zeros * 4 >= head.len()
}

/// The byte order of UTF-16: of markup, the zeros stand first or second.
pub(super) fn sixteen(bytes: &[u8]) -> &'static Encoding {
    let head = &bytes[..bytes.len().min(LOOKED_AT)];
    let zeros = |from: usize| head.iter().skip(from).step_by(2).filter(|b| **b == 0).count();
    if zeros(0) > zeros(1) { encoding_rs::UTF_16BE } else { encoding_rs::UTF_16LE }
}

/// UTF-32. What the claim says of the byte order gives way to what the first character shows.
pub(super) fn thirty_two(bytes: &[u8], big: bool) -> String {
    let big = match bytes {
        [_, _, 0, 0, ..] => false,
        [0, 0, ..] => true,
        _ => big,
    };
    let unit = |unit: &[u8; 4]| {
        let number = if big { u32::from_be_bytes(*unit) } else { u32::from_le_bytes(*unit) };
        char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER)
    };
    bytes.as_chunks::<4>().0.iter().map(unit).collect()
}
