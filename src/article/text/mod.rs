//! PURE. An article's tree as text that reads well in a terminal: quiet marks, links as numbered notes, code as it was written.
//! What goes in is tidy; what comes out are lines that know where they were only wrapped.

mod fallback;
mod flow;
mod inline;
mod notes;
mod surface;
mod table;
mod wrap;

#[cfg(test)]
mod tests;

use url::Url;

pub(super) use self::fallback::rendered;
use self::notes::Notes;
use self::surface::{List, Surface};
use self::table::Table;
use super::dom::{Id, Step, Tree};
use crate::feed::file_name;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Where its author ended it.
    Hard,
    /// Where it was wrapped, at a blank.
    Space,
    /// Where it was wrapped between two signs of a script without blanks.
    Join,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// How many quotations it stands in.
    quote: usize,
    /// What stands before it: blanks, and the mark of an item.
    lead: String,
    text: String,
    end: End,
    /// It belongs to code.
    verbatim: bool,
}

/// A text, laid out.
#[derive(Debug, Default)]
pub(super) struct Text {
    lines: Vec<Line>,
}

/// The text of a tree, no line longer than `width` columns where words allow that; 0: not wrapped. Links to places on `page`
/// itself get no note.
pub(super) fn render(tree: &Tree, width: usize, page: Option<&Url>) -> Text {
    let width = if width == 0 { usize::MAX } else { width.max(NARROWEST) };
    let mut renderer = Renderer {
        tree,
        page,
        surfaces: Vec::new(),
        here: Surface::new(width),
        tables: Vec::new(),
        notes: Notes::default(),
        unnamed: Vec::new(),
        is_wordless: false,
        pre: 0,
        hidden: 0,
    };
    for step in tree.walk(tree.root()) {
        match step {
            Step::Enter(id) => renderer.enter(id),
            Step::Leave(id) => renderer.leave(id),
        }
    }
    renderer.finish()
}

/// The longest name of a file, in bytes, that stands for an image.
const LONGEST_NAME: usize = 60;
/// Text is never wrapped narrower than that, however deep it is indented.
const NARROWEST: usize = 20;

struct Renderer<'a> {
    tree: &'a Tree,
    page: Option<&'a Url>,
    /// The surfaces around this one, outermost first.
    surfaces: Vec<Surface>,
    /// What is written on: the page, or a cell of a table.
    here: Surface,
    tables: Vec<Table>,
    notes: Notes,
    /// Images that nothing describes.
    unnamed: Vec<String>,
    /// Whether it is in a link that shows images alone, of which none has words.
    is_wordless: bool,
    pre: usize,
    /// What is not shown, such as the brackets around a reading.
    hidden: usize,
}

impl Renderer<'_> {
    fn enter(&mut self, id: Id) {
        if let Some(text) = self.tree.text(id) {
            if self.hidden == 0 {
                if self.pre > 0 { self.here.push_verbatim(text) } else { self.here.push(text) }
            }
            return;
        }
        match self.tree.name(id) {
            "p" | "figure" | "dl" => self.here.begin(true),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.here.begin(true);
                self.here.mark_heading();
            }
            "div" | "figcaption" | "dt" | "caption" => self.here.begin(false),
            "blockquote" => self.here.begin_quote(),
            "ul" => self.list(List::bullets()),
            "ol" => self.list(self.numbers(id)),
            "li" => {
                let value = self.tree.attribute(id, "value").and_then(|value| value.parse().ok());
                self.here.begin_item(value);
            }
            "dd" => self.here.begin_indented(),
            "pre" => {
                self.here.begin(true);
                self.pre += 1;
            }
            "hr" => {
                self.here.begin(true);
                self.here.push("* * *");
                self.here.end(true);
            }
            "br" => self.here.line_break(),
            "table" => {
                self.here.begin(true);
                self.tables.push(Table::default());
            }
            "tr" => {
                if let Some(table) = self.tables.last_mut() {
                    table.begin_row();
                }
            }
            "td" | "th" => {
                let inner = Surface::new(self.here.room());
                self.surfaces.push(std::mem::replace(&mut self.here, inner));
            }
            "img" => self.image(id),
            "a" => {
                self.here.begin_link();
                self.is_wordless = self.tree.below(id).all(|inner| self.says_nothing(inner));
            }
            "sup" | "sub" => self.here.begin_raised(),
            "s" | "del" if self.pre == 0 => self.here.begin_raised(),
            "q" => self.here.push("“"),
            "rt" => self.here.push("("),
            "rp" => self.hidden += 1,
            _ => {}
        }
    }

    fn leave(&mut self, id: Id) {
        match self.tree.name(id) {
            "p" | "figure" | "dl" => self.here.end(true),
            name @ ("h1" | "h2" | "h3" | "h4" | "h5" | "h6") => {
                self.here.flush();
                match name {
                    "h1" => self.here.underline('='),
                    "h2" => self.here.underline('-'),
                    _ => {}
                }
                self.here.end(true);
            }
            "div" | "figcaption" | "dt" | "caption" => self.here.end(false),
            "blockquote" => self.here.end_quote(),
            "ul" | "ol" => {
                let inner = self.here.end_list();
                self.here.end(!inner);
            }
            "li" | "dd" => self.here.end_frame(),
            "pre" => {
                self.pre = self.pre.saturating_sub(1);
                self.here.end_verbatim();
                self.here.end(true);
            }
            "td" | "th" => self.end_cell(id),
            "table" => {
                self.here.flush();
                if let Some(table) = self.tables.pop() {
                    table.lay_out(&mut self.here);
                }
                self.here.end(true);
            }
            "a" => self.end_link(id),
            "sup" => self.here.end_raised(inline::raised),
            "sub" => self.here.end_raised(inline::lowered),
            "s" | "del" if self.pre == 0 => self.here.end_raised(inline::struck),
            "q" => self.here.push("”"),
            "rt" => self.here.push(")"),
            "rp" => self.hidden = self.hidden.saturating_sub(1),
            _ => {}
        }
    }

    fn list(&mut self, list: List) {
        let inner = self.here.is_in_list();
        self.here.begin(!inner);
        self.here.begin_list(list);
    }

    /// How the items of a list are numbered.
    fn numbers(&self, id: Id) -> List {
        let start = self.tree.attribute(id, "start").and_then(|start| start.parse().ok());
        let reversed = self.tree.attribute(id, "reversed").is_some();
        let items = || self.tree.children(id).filter(|child| self.tree.name(*child) == "li").count();
        let first = start.unwrap_or_else(|| if reversed { i64::try_from(items()).unwrap_or(i64::MAX) } else { 1 });
        List::numbers(first, if reversed { -1 } else { 1 })
    }

    fn end_cell(&mut self, id: Id) {
        let span = |name| self.tree.attribute(id, name).and_then(|span| span.parse().ok()).unwrap_or(1);
        let spans = (span("colspan"), span("rowspan"));
        let is_head = self.tree.name(id) == "th";
        let Some(outer) = self.surfaces.pop() else { return };
        let inner = std::mem::replace(&mut self.here, outer);
        if let Some(table) = self.tables.last_mut() {
            table.add_cell(inner.finish(), is_head, spans);
        }
    }

    fn image(&mut self, id: Id) {
        let get = |name| self.tree.attribute(id, name).map(str::trim).filter(|text: &&str| !text.is_empty());
        let described = match (get("alt"), get("title")) {
            (Some(alt), Some(title)) if alt != title => format!("[image: {alt} ({title})]"),
            (Some(text), _) | (None, Some(text)) => format!("[image: {text}]"),
            // Of a link there has to be something to follow.
            (None, None) if std::mem::take(&mut self.is_wordless) => {
                let name = get("src").and_then(file_name).filter(|name| name.len() <= LONGEST_NAME && name.contains('.'));
                name.map_or_else(|| "[image]".to_owned(), |name| format!("[image: {name}]"))
            }
            (None, None) => {
                self.unnamed.extend(get("src").map(str::to_owned));
                return;
            }
        };
        if self.pre == 0 {
            self.here.push(" ");
            self.here.push(&described);
        }
    }

    /// Whether a node shows nothing as text.
    fn says_nothing(&self, id: Id) -> bool {
        let is_blank = |text: Option<&str>| text.is_none_or(|text| text.trim().is_empty());
        let is_image = self.tree.name(id) == "img";
        is_blank(self.tree.text(id))
            && !(is_image && ["alt", "title"].iter().any(|name| !is_blank(self.tree.attribute(id, name))))
    }

    fn end_link(&mut self, id: Id) {
        self.is_wordless = false;
        let text = self.here.end_link();
        let Some(url) = self.tree.attribute(id, "href").filter(|_| self.pre == 0) else { return };
        let text = text.as_deref().map(str::trim);
        if text == Some("") || self.page.is_some_and(|page| super::pass::is_own_page(url, page)) {
            return;
        }
        if let Some(mark) = self.notes.mark(url, text.unwrap_or_default()) {
            self.here.push_mark(&mark);
        }
    }

    fn finish(mut self) -> Text {
        let tree = self.tree;
        // Cells are all closed; what a tree holds is closed by its walk.
        debug_assert!(self.surfaces.is_empty() && self.tables.is_empty(), "{}", tree.name(tree.root()));
        self.here.flush();
        if self.here.is_bare() {
            for url in std::mem::take(&mut self.unnamed) {
                let mark = self.notes.number(&url);
                self.here.push("[image]");
                self.here.push_mark(&mark);
                self.here.line_break();
            }
            self.here.flush();
        }
        let mut lines = self.here.finish();
        let mut notes = self.notes.lines();
        if !notes.is_empty() && !lines.is_empty() {
            lines.push(Line::of(String::new()));
        }
        lines.append(&mut notes);
        Text { lines }
    }
}

impl Line {
    fn of(text: String) -> Self {
        Self { quote: 0, lead: String::new(), text, end: End::Hard, verbatim: false }
    }
}
