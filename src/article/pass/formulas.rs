//! PURE. Formulas and drawings by their text: no mail program shows the one, and few the other.

use super::{Go, Pass};
use crate::article::dom::{Id, Tree};
use crate::feed::text::one_line;

impl Pass<'_> {
    /// A drawing or a formula becomes what it says of itself.
    pub(super) fn foreign(&mut self, id: Id) -> Go {
        let text = match self.tree.name(id) {
            "math" => formula(&self.tree, id),
            "svg" => drawing(&self.tree, id),
            _ => one_line(&self.tree.text_of(id)),
        };
        if text.is_empty() { self.drop(id) } else { self.replace_by_text(id, &text) }
    }

    /// A script is nothing, but one that holds a formula is its text.
    pub(super) fn script(&mut self, id: Id) -> Go {
        if self.tree.attribute(id, "type").is_some_and(|sort| sort.starts_with("math/tex")) {
            let text = one_line(&self.tree.text_of(id));
            return self.replace_by_text(id, &text);
        }
        self.drop(id)
    }

    /// A span says nothing by itself; some of those that highlighters and writers of formulas make are for the eye alone.
    pub(super) fn span(&mut self, id: Id) -> Go {
        if self.tree.has_class(id, &["katex-html", "MathJax_Preview", "MJX_Assistive_MathML"]) {
            return self.drop(id);
        }
        if self.pre > 0 && self.is_line_number(id) {
            return self.drop(id);
        }
        let says = |name| self.tree.attribute(id, name).is_some_and(|value| !value.is_empty());
        if says("lang") || says("dir") { Go::Into } else { self.unwrap(id) }
    }
}

/// A formula by what it says of itself, else by its source, else by its signs.
fn formula(tree: &Tree, id: Id) -> String {
    let alt = tree.attribute(id, "alttext").map(one_line).filter(|text| !text.is_empty());
    let source = || {
        let is_tex = |inner: &Id| {
            tree.name(*inner) == "annotation" && tree.attribute(*inner, "encoding").is_some_and(|kind| kind.contains("tex"))
        };
        tree.below(id).find(is_tex).map(|inner| one_line(&tree.text_of(inner))).filter(|text| !text.is_empty())
    };
    alt.or_else(source).unwrap_or_else(|| seen_of(tree, id, &["annotation", "annotation-xml"]))
}

/// A drawing by its title, else its description, else the words in it.
fn drawing(tree: &Tree, id: Id) -> String {
    let label = tree.attribute(id, "aria-label").map(one_line).filter(|text| !text.is_empty());
    let named = |name| tree.find(id, name).map(|inner| one_line(&tree.text_of(inner))).filter(|text| !text.is_empty());
    label.or_else(|| named("title")).or_else(|| named("desc")).unwrap_or_else(|| seen_of(tree, id, &["style", "script", "defs"]))
}

/// The text below a node apart from that of some elements.
fn seen_of(tree: &Tree, id: Id, hidden: &[&str]) -> String {
    let (mut text, mut within) = (String::new(), 0_u32);
    for step in tree.walk(id) {
        use crate::article::dom::Step;
        match step {
            Step::Enter(inner) => {
                within += u32::from(hidden.contains(&tree.name(inner)));
                if within == 0 {
                    text.push_str(tree.text(inner).unwrap_or_default());
                }
            }
            Step::Leave(inner) => {
                within -= u32::from(hidden.contains(&tree.name(inner)));
                if tree.name(inner) == "text" {
                    text.push(' ');
                }
            }
        }
    }
    one_line(&text)
}
