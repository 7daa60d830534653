//! PURE. Whether HTML nests too deeply to be parsed into a tree. Building one is quadratic in depth, whatever the parser,
//! so depth is bounded before; this counts tokens and builds nothing.

use std::cell::Cell;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// The deepest nesting that is parsed; real posts stay below 40.
const DEEPEST: usize = 256;

/// Elements that hold nothing, or that the next one of their sort closes.
const SHALLOW: &[&str] = &[
    "area", "base", "br", "col", "dd", "dt", "embed", "hr", "img", "input", "li", "link", "meta", "option", "p", "param",
    "source", "tbody", "td", "tfoot", "th", "thead", "tr", "track", "wbr",
];

#[derive(Default)]
struct Depth {
    now: Cell<usize>,
    deepest: Cell<usize>,
}

impl TokenSink for Depth {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if let Token::TagToken(tag) = token
            && !SHALLOW.contains(&&*tag.name)
        {
            match tag.kind {
                TagKind::StartTag => self.now.set(self.now.get() + 1),
                TagKind::EndTag => self.now.set(self.now.get().saturating_sub(1)),
            }
            self.deepest.set(self.deepest.get().max(self.now.get()));
        }
        TokenSinkResult::Continue
    }
}

/// Whether HTML nests deeper than a tree of it may be built.
#[must_use]
pub(super) fn is_too_deep(html: &str) -> bool {
    // A tag takes three bytes at least: short texts cannot be deep.
    if html.len() < DEEPEST * 3 {
        return false;
    }
    let input = BufferQueue::default();
    input.push_back(StrTendril::from(html));
    let tokenizer = Tokenizer::new(Depth::default(), TokenizerOpts::default());
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    tokenizer.sink.deepest.get() > DEEPEST
}

#[cfg(test)]
mod tests {
    use super::is_too_deep;

    #[test]
    fn depth_is_counted_and_length_is_not() {
        assert!(is_too_deep(&"<div>".repeat(1_000)));
        assert!(is_too_deep(&"<ul><li>".repeat(1_000)));
        assert!(!is_too_deep(&"<div>a</div>".repeat(10_000)));
        assert!(!is_too_deep(&"<p>a<br>b".repeat(10_000)));
    }
}
