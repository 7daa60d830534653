//! Text that is UTF-8 but for some bytes: pieces of another encoding that were pasted in, characters cut in two, and the
//! surrogates of Java and old databases (CESU-8).

/// How far bytes are UTF-8.
#[derive(Debug, Default)]
pub(super) struct State {
    /// How many characters have two bytes.
    pairs: usize,
    /// How many characters have two bytes or more.
    pub(super) sequences: usize,
    /// How many bytes belong to no character.
    pub(super) broken: usize,
}

impl State {
    /// Looks at all of it.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut state = Self::default();
        for chunk in bytes.utf8_chunks() {
            for byte in chunk.valid().bytes() {
                state.pairs += usize::from(matches!(byte, 0xc0..=0xdf));
                state.sequences += usize::from(byte >= 0xc0);
            }
            state.broken += chunk.invalid().len();
        }
        state
    }

    /// The text, where nothing is wrong with it but that it ends within a character.
    pub(super) fn cut_off<'a>(&self, bytes: &'a [u8]) -> Option<&'a str> {
        let whole = bytes.utf8_chunks().next()?.valid();
        let end = &bytes[whole.len()..];
        let is_beginning = matches!(end, [0xc2..=0xf4] | [0xe0..=0xf4, 0x80..=0xbf] | [0xf0..=0xf4, 0x80..=0xbf, 0x80..=0xbf]);
        (self.broken == end.len() && is_beginning).then_some(whole)
    }

    /// Whether it is UTF-8 all the same. Other encodings make up a valid sequence now and then, but not most of the time.
    pub(super) fn is_mostly_utf8(&self, claimed: bool) -> bool {
        let factor = if claimed { 1 } else { 4 };
        self.sequences > 0 && self.sequences >= self.broken * factor
    }
}

/// The text, with the bytes that are not UTF-8 read as windows-1252.
pub(super) fn mend(bytes: &[u8], state: &State) -> String {
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 16);
    let mut rest = bytes;
    loop {
        let (valid, error) = match std::str::from_utf8(rest) {
            Ok(valid) => (valid.len(), None),
            Err(error) => (error.valid_up_to(), Some(error.error_len())),
        };
        let (good, bad) = rest.split_at(valid);
        text.push_str(std::str::from_utf8(good).unwrap_or_default());
        let Some(length) = error else { break };
        if let Some(c) = surrogates(bad) {
            text.push(c);
            rest = &bad[6..];
            continue;
        }
        // Without a length it is the end, which was cut off.
        let Some(length) = length else { break };
        let (piece, after) = bad.split_at(length);
        rest = after;
        match piece {
            // The end of what somebody cut by bytes, in a language that has three bytes a character.
            [0xe2..=0xf4, _, ..] if state.pairs * 2 < state.sequences => {}
            // NUL, as Java writes it.
            [0xc0] if after.starts_with(&[0x80]) => rest = &after[1..],
            _ => text.push_str(&encoding_rs::WINDOWS_1252.decode_without_bom_handling(piece).0),
        }
    }
    text
}

/// A character that was written as the two halves of its UTF-16 form.
fn surrogates(bytes: &[u8]) -> Option<char> {
    let [0xed, a @ 0xa0..=0xaf, b @ 0x80..=0xbf, 0xed, c @ 0xb0..=0xbf, d @ 0x80..=0xbf, ..] = bytes else { return None };
    let half = |high: &u8, low: &u8| 0xd000 | (u16::from(high & 0x3f) << 6) | u16::from(low & 0x3f);
    char::decode_utf16([half(a, b), half(c, d)]).next()?.ok()
}
