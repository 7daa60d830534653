//! PURE. A tree as HTML, in linear time, in the very form in which other programs of this sort write it: what is read again
//! and written again is the same.

use super::{Data, Id, Step, Tree};

/// Elements that hold nothing and need no end.
const VOID: &[&str] = &["br", "hr", "img", "wbr"];

impl Tree {
    /// The HTML of all that the tree holds. `style` says what an element is dressed in.
    pub(in crate::article) fn write(&self, style: impl Fn(&Self, Id) -> Option<&'static str>) -> String {
        let mut html = String::with_capacity(self.nodes.len() * 24);
        for step in self.walk(self.root) {
            match step {
                Step::Enter(id) => match &self.node(id).data {
                    Data::Text(text) => escape(&mut html, text, false),
                    Data::Element { name, attributes, .. } => {
                        html.push('<');
                        html.push_str(&name.local);
                        for attribute in attributes {
                            push_attribute(&mut html, &attribute.name.local, &attribute.value);
                        }
                        if let Some(style) = style(self, id) {
                            push_attribute(&mut html, "style", style);
                        }
                        html.push('>');
                    }
                    Data::Nothing => {}
                },
                Step::Leave(id) => {
                    let name = self.name(id);
                    if !name.is_empty() && !VOID.contains(&name) {
                        html.push_str("</");
                        html.push_str(name);
                        html.push('>');
                    }
                }
            }
        }
        html
    }
}

fn push_attribute(html: &mut String, name: &str, value: &str) {
    html.push(' ');
    html.push_str(name);
    html.push_str("=\"");
    escape(html, value, true);
    html.push('"');
}

fn escape(html: &mut String, text: &str, in_attribute: bool) {
    let special = |c: char| matches!(c, '&' | '<' | '>' | '\u{a0}') || (in_attribute && c == '"');
    let mut rest = text;
    while let Some(at) = rest.find(special) {
        html.push_str(&rest[..at]);
        let c = rest[at..].chars().next().unwrap_or_default();
        html.push_str(match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '"' => "&quot;",
            _ => "&nbsp;",
        });
        rest = &rest[at + c.len_utf8()..];
    }
    html.push_str(rest);
}

/// The largest sum of the products of each text's length and its characters that are escaped: the guard's writer looks from each
/// of them to the end of the text.
const MOST_LOOKED_AT: usize = 5_000_000_000;

impl Tree {
    /// Whether others would take long to write this tree.
    pub(in crate::article) fn is_slow_to_guard(&self) -> bool {
        let cost = |text: &str| {
            let escaped = text.bytes().filter(|b| matches!(b, b'&' | b'<' | b'>' | 0xc2)).count();
            text.len().saturating_mul(escaped)
        };
        let mut looked_at = 0_usize;
        for id in self.below(self.root) {
            let here = match &self.node(id).data {
                Data::Text(text) => cost(text),
                Data::Element { attributes, .. } => attributes.iter().map(|attribute| cost(&attribute.value)).sum(),
                Data::Nothing => 0,
            };
            looked_at = looked_at.saturating_add(here);
        }
        looked_at > MOST_LOOKED_AT
    }
}
