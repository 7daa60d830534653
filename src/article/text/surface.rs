//! PURE. What text is written on: the paragraph that is under way, what it stands in, and the lines that are done.

use super::wrap::{width, wrap};
use super::{End, Line, NARROWEST};

/// Deeper lists and quotations are not moved further to the right.
const MOST_INDENT: usize = 40;
const MOST_QUOTES: usize = 12;
/// The indent of what is said of a term.
const DETAIL: usize = 4;

/// A list that is open.
#[derive(Debug, Clone, Copy)]
pub(super) struct List {
    /// The number of the next item and the step to the one after it; nothing for bullets.
    numbers: Option<(i64, i64)>,
}

impl List {
    pub(super) fn bullets() -> Self {
        Self { numbers: None }
    }

    pub(super) fn numbers(first: i64, step: i64) -> Self {
        Self { numbers: Some((first, step)) }
    }

    fn marker(&mut self, value: Option<i64>) -> String {
        let Some((next, step)) = &mut self.numbers else { return "- ".to_owned() };
        let number = value.unwrap_or(*next);
        *next = number.saturating_add(*step);
        format!("{number}. ")
    }
}

/// What indents the lines in it.
#[derive(Debug)]
struct Frame {
    /// What stands before its first line, until that is written.
    marker: Option<String>,
    width: usize,
    /// It is a quotation in a list: every line of it has the mark.
    is_quote: bool,
}

/// What stands before what is quoted.
const QUOTE: &str = "> ";

#[derive(Debug)]
pub(super) struct Surface {
    lines: Vec<Line>,
    paragraph: String,
    /// A blank comes before the next word.
    blank: bool,
    /// An empty line comes before the next one.
    gap: bool,
    frames: Vec<Frame>,
    lists: Vec<List>,
    quote: usize,
    width: usize,
    /// How often the paragraph was written: whether an earlier place in it still is one.
    written: usize,
    links: Vec<(usize, usize)>,
    raised: Vec<(usize, usize)>,
    heading: usize,
}

impl Surface {
    pub(super) fn new(width: usize) -> Self {
        Self {
            lines: Vec::new(),
            paragraph: String::new(),
            blank: false,
            gap: false,
            frames: Vec::new(),
            lists: Vec::new(),
            quote: 0,
            width,
            written: 0,
            links: Vec::new(),
            raised: Vec::new(),
            heading: 0,
        }
    }

    /// How many columns a line has here.
    pub(super) fn room(&self) -> usize {
        let taken = self.indent() + 2 * self.quote.min(MOST_QUOTES);
        self.width.saturating_sub(taken).max(NARROWEST)
    }

    fn indent(&self) -> usize {
        self.frames.iter().map(|frame| frame.width).sum::<usize>().min(MOST_INDENT)
    }

    /// Adds words; white space is folded.
    pub(super) fn push(&mut self, text: &str) {
        for c in text.chars() {
            if matches!(c, ' ' | '\n' | '\t' | '\r' | '\u{c}') {
                self.blank = !self.paragraph.is_empty() && !self.paragraph.ends_with('\n');
            } else {
                if std::mem::take(&mut self.blank) {
                    self.paragraph.push(' ');
                }
                self.paragraph.push(c);
            }
        }
    }

    pub(super) fn push_verbatim(&mut self, text: &str) {
        self.paragraph.push_str(text);
    }

    /// Adds a mark right after the last word.
    pub(super) fn push_mark(&mut self, mark: &str) {
        match self.lines.last_mut() {
            Some(line) if self.paragraph.is_empty() => line.text.push_str(mark),
            _ => self.paragraph.push_str(mark),
        }
    }

    pub(super) fn line_break(&mut self) {
        self.blank = false;
        self.paragraph.push('\n');
    }

    /// Begins a block; after a gap where that is wanted, but not right behind the mark of an item.
    pub(super) fn begin(&mut self, apart: bool) {
        self.flush();
        self.gap |= apart && self.frames.iter().all(|frame| frame.marker.is_none());
    }

    pub(super) fn end(&mut self, apart: bool) {
        self.flush();
        self.gap |= apart;
    }

    pub(super) fn is_in_list(&self) -> bool {
        !self.lists.is_empty()
    }

    pub(super) fn begin_list(&mut self, list: List) {
        self.lists.push(list);
    }

    /// Ends a list; whether it is in another.
    pub(super) fn end_list(&mut self) -> bool {
        self.flush();
        self.lists.pop();
        self.is_in_list()
    }

    pub(super) fn begin_item(&mut self, value: Option<i64>) {
        self.flush();
        let marker = self.lists.last_mut().map_or_else(|| "- ".to_owned(), |list| list.marker(value));
        self.frames.push(Frame { width: marker.len(), marker: Some(marker), is_quote: false });
    }

    pub(super) fn begin_indented(&mut self) {
        self.flush();
        self.frames.push(Frame { width: DETAIL, marker: None, is_quote: false });
    }

    pub(super) fn end_frame(&mut self) {
        self.flush();
        self.frames.pop();
    }

    /// Begins a quotation. In a list its mark stands where the item's text begins, so it is no more one that mail programs know.
    pub(super) fn begin_quote(&mut self) {
        self.begin(true);
        if self.frames.is_empty() {
            self.quote += 1;
        } else {
            self.frames.push(Frame { width: QUOTE.len(), marker: None, is_quote: true });
        }
    }

    pub(super) fn end_quote(&mut self) {
        self.end(true);
        if self.frames.pop_if(|frame| frame.is_quote).is_none() {
            self.quote = self.quote.saturating_sub(1);
        }
    }

    pub(super) fn begin_link(&mut self) {
        self.links.push((self.written, self.paragraph.len()));
    }

    /// The text of the link that ends; nothing where it goes over several blocks.
    pub(super) fn end_link(&mut self) -> Option<String> {
        let (written, from) = self.links.pop()?;
        if written == self.written { self.paragraph.get(from..).map(str::to_owned) } else { None }
    }

    pub(super) fn begin_raised(&mut self) {
        self.raised.push((self.written, self.paragraph.len()));
    }

    pub(super) fn end_raised(&mut self, changed: impl Fn(&str) -> String) {
        let Some((written, from)) = self.raised.pop() else { return };
        if written != self.written || from >= self.paragraph.len() || !self.paragraph.is_char_boundary(from) {
            return;
        }
        let tail = self.paragraph.split_off(from);
        let begins = tail.len() - tail.trim_start().len();
        self.paragraph.push_str(&tail[..begins]);
        self.paragraph.push_str(&changed(&tail[begins..]));
    }

    pub(super) fn mark_heading(&mut self) {
        self.heading = self.lines.len();
    }

    /// Underlines the heading that was written last.
    pub(super) fn underline(&mut self, with: char) {
        let lines = self.lines.get(self.heading..).unwrap_or_default();
        let longest = lines.iter().map(|line| width(&line.text)).max().unwrap_or_default();
        if longest > 0 {
            let line = with.to_string().repeat(longest.min(self.room()));
            self.line(Line::of(line));
        }
    }

    /// Writes the paragraph that is under way.
    pub(super) fn flush(&mut self) {
        self.blank = false;
        let paragraph = std::mem::take(&mut self.paragraph);
        self.written += 1;
        let paragraph = paragraph.trim_matches([' ', '\n']);
        if paragraph.is_empty() {
            return;
        }
        for piece in paragraph.split('\n') {
            if piece.is_empty() {
                self.gap = true;
                continue;
            }
            for (text, end) in wrap(piece, self.room()) {
                self.line(Line { quote: 0, lead: String::new(), text, end, verbatim: false });
            }
        }
    }

    /// Writes code.
    pub(super) fn end_verbatim(&mut self) {
        let code = std::mem::take(&mut self.paragraph);
        self.written += 1;
        for text in code.trim_end().split('\n') {
            self.line(Line { verbatim: true, ..Line::of(text.trim_end().to_owned()) });
        }
    }

    /// Puts a line where it stands here.
    pub(super) fn line(&mut self, mut line: Line) {
        let quote = self.quote.min(MOST_QUOTES);
        let lead = self.lead();
        if std::mem::take(&mut self.gap)
            && let Some(last) = self.lines.last()
        {
            // What is quoted goes on in the next paragraph.
            let goes_on = lead.ends_with(QUOTE) && last.lead.ends_with(QUOTE) && last.lead.len() == lead.len();
            let (quote, lead) = (quote.min(last.quote), if goes_on { lead.clone() } else { String::new() });
            self.lines.push(Line { quote, lead, ..Line::of(String::new()) });
        }
        line.lead.insert_str(0, &lead);
        line.quote += quote;
        self.lines.push(line);
    }

    /// What stands before the next line.
    fn lead(&mut self) -> String {
        let mut lead = String::new();
        for frame in &mut self.frames {
            match frame.marker.take() {
                Some(marker) => lead.push_str(&marker),
                None if frame.width + lead.len() > MOST_INDENT => {
                    lead.push_str(&" ".repeat(MOST_INDENT.saturating_sub(lead.len())));
                }
                None if frame.is_quote => lead.push_str(QUOTE),
                None => lead.push_str(&" ".repeat(frame.width)),
            }
        }
        lead
    }

    /// Wants an empty line before the next.
    pub(super) fn apart(&mut self) {
        self.gap = true;
    }

    /// Whether nothing was written yet.
    pub(super) fn is_bare(&self) -> bool {
        self.lines.is_empty()
    }

    pub(super) fn finish(mut self) -> Vec<Line> {
        self.flush();
        self.lines
    }
}

/// The first paragraph of some lines as one, and how many lines it has.
pub(super) fn first_paragraph(lines: &[Line]) -> (String, usize) {
    let mut text = String::new();
    for (at, line) in lines.iter().enumerate() {
        text.push_str(&line.text);
        match line.end {
            End::Hard => return (text, at + 1),
            End::Space => text.push(' '),
            End::Join => {}
        }
    }
    (text, lines.len())
}
