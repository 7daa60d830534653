//! PURE. HTML as tokens, bounded. html5ever compares each attribute of a tag with all before it, so a tag that does not end
//! is not read to its end. No tree is built: nesting costs nothing here.

use std::cell::Cell;

use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts};

/// How much is read before it is looked whether the tag that is open has ended.
const STEP: usize = 2 * 1024;
/// How many comparisons of attributes a piece of HTML may cost, over all its tags. The places of an open tag that may begin an
/// attribute are counted, not the attributes: the path of a drawing has some thousand such places in its quotes.
const MOST_COMPARED: usize = 200_000_000;

/// Passes every token on, and remembers that one came.
struct Watched<S> {
    sink: S,
    moved: Cell<bool>,
}

impl<S: TokenSink> TokenSink for Watched<S> {
    type Handle = S::Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<S::Handle> {
        if !matches!(token, Token::ParseError(_)) {
            self.moved.set(true);
        }
        match self.sink.process_token(token, line) {
            // Nobody runs a script here, nor changes the encoding of what is text already.
            TokenSinkResult::Script(_) | TokenSinkResult::EncodingIndicator(_) => TokenSinkResult::Continue,
            other => other,
        }
    }

    fn end(&self) {
        self.sink.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.sink.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// Hands the tokens of a piece of HTML to a sink. `None` where a tag has more attributes than any tag should: what comes of
/// such HTML is not worth its time, here or in a parser.
pub fn tokens<S: TokenSink>(html: &str, sink: S) -> Option<S> {
    let tokenizer = Tokenizer::new(Watched { sink, moved: Cell::new(false) }, TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = html;
    let (mut open, mut compared) = (0_usize, 0_usize);
    while !rest.is_empty() {
        let end = (STEP.min(rest.len())..=rest.len()).find(|at| rest.is_char_boundary(*at)).unwrap_or(rest.len());
        let (step, after) = rest.split_at(end);
        rest = after;
        tokenizer.sink.moved.set(false);
        input.push_back(StrTendril::from(step));
        // It stops early only where the sink asks for that.
        let _ = tokenizer.feed(&input);
        let beginnings = step.bytes().filter(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'/')).count();
        if tokenizer.sink.moved.get() {
            compared += open * open;
            open = 0;
        } else {
            open += beginnings;
        }
        if compared + open * open > MOST_COMPARED {
            return None;
        }
    }
    tokenizer.end();
    Some(tokenizer.sink.sink)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Nothing;

    impl TokenSink for Nothing {
        type Handle = ();

        fn process_token(&self, _: Token, _: u64) -> TokenSinkResult<()> {
            TokenSinkResult::Continue
        }
    }

    #[test]
    fn a_tag_with_attributes_without_end_is_given_up() {
        let attributes: Vec<String> = (0..50_000).map(|number| format!(" a{number}=1")).collect();
        let hostile = format!("<a{}>", attributes.concat());
        assert!(tokens(&hostile, Nothing).is_none());
        let long_value = format!("<img alt=\"{}\" src=x>", "word".repeat(10_000));
        assert!(tokens(&long_value, Nothing).is_some());
        let drawing = format!("<path d=\"{}\">", "1 2 ".repeat(3_000));
        assert!(tokens(&drawing.repeat(3), Nothing).is_some());
        assert!(tokens(&hostile[..20_000].repeat(300), Nothing).is_none());
        assert!(tokens(&"<p class=a id=b>text</p>".repeat(10_000), Nothing).is_some());
    }
}
