//! PURE. A tree of HTML in one vector, its links indexes: no counted references, nothing that recurs when it is dropped, every
//! walk a loop. What goes in is a feed's HTML, bounded while it is parsed; what comes out is changed in place and written.

mod edit;
mod parse;
mod write;

use std::num::NonZeroU32;

use html5ever::tendril::StrTendril;
use html5ever::{Attribute, Namespace, QualName, ns};

/// The place of a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Id(NonZeroU32);

/// What a node is.
#[derive(Debug)]
enum Data {
    /// The document, the content of a template, a comment: nothing that is seen.
    Nothing,
    Text(StrTendril),
    Element {
        name: QualName,
        attributes: Vec<Attribute>,
        /// Inside of formulas: HTML may begin here.
        integration_point: bool,
    },
}

#[derive(Debug)]
struct Node {
    parent: Option<Id>,
    first: Option<Id>,
    last: Option<Id>,
    before: Option<Id>,
    after: Option<Id>,
    /// How deep it was when it was put where it is; its subtree may have been moved since.
    depth: u32,
    data: Data,
}

/// HTML as a tree.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    root: Id,
}

/// A step of a walk through a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    Enter(Id),
    Leave(Id),
}

impl Id {
    const FIRST: Self = Self(NonZeroU32::MIN);

    fn index(self) -> usize {
        self.0.get() as usize - 1
    }
}

impl Tree {
    /// What holds the whole.
    pub(super) fn root(&self) -> Id {
        self.root
    }

    fn node(&self, id: Id) -> &Node {
        &self.nodes[id.index()]
    }

    fn node_mut(&mut self, id: Id) -> &mut Node {
        &mut self.nodes[id.index()]
    }

    pub(super) fn parent(&self, id: Id) -> Option<Id> {
        self.node(id).parent
    }

    pub(super) fn first(&self, id: Id) -> Option<Id> {
        self.node(id).first
    }

    pub(super) fn last(&self, id: Id) -> Option<Id> {
        self.node(id).last
    }

    /// The sibling before it.
    pub(super) fn before(&self, id: Id) -> Option<Id> {
        self.node(id).before
    }

    /// The sibling after it.
    pub(super) fn after(&self, id: Id) -> Option<Id> {
        self.node(id).after
    }

    pub(super) fn children(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.first(id), |child| self.after(*child))
    }

    pub(super) fn ancestors(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        std::iter::successors(self.parent(id), |up| self.parent(*up))
    }

    /// The name of an element; nothing for all else.
    pub(super) fn name(&self, id: Id) -> &str {
        match &self.node(id).data {
            Data::Element { name, .. } => &name.local,
            Data::Nothing | Data::Text(_) => "",
        }
    }

    /// Whether it is part of a drawing or a formula.
    pub(super) fn is_foreign(&self, id: Id) -> bool {
        matches!(&self.node(id).data, Data::Element { name: QualName { ns, .. }, .. } if *ns != ns!(html))
    }

    pub(super) fn text(&self, id: Id) -> Option<&str> {
        match &self.node(id).data {
            Data::Text(text) => Some(text),
            Data::Nothing | Data::Element { .. } => None,
        }
    }

    fn attributes(&self, id: Id) -> &[Attribute] {
        match &self.node(id).data {
            Data::Element { attributes, .. } => attributes,
            Data::Nothing | Data::Text(_) => &[],
        }
    }

    pub(super) fn attribute(&self, id: Id, name: &str) -> Option<&str> {
        let own = |attribute: &&Attribute| &*attribute.name.local == name && attribute.name.ns == Namespace::default();
        self.attributes(id).iter().find(own).map(|attribute| &*attribute.value)
    }

    pub(super) fn has_attributes(&self, id: Id) -> bool {
        !self.attributes(id).is_empty()
    }

    /// Whether the class of an element has one of these words.
    pub(super) fn has_class(&self, id: Id, words: &[&str]) -> bool {
        self.attribute(id, "class").is_some_and(|class| class.split_ascii_whitespace().any(|word| words.contains(&word)))
    }

    /// Enters and leaves everything below a node, in the order in which it was written.
    pub(super) fn walk(&self, below: Id) -> impl Iterator<Item = Step> + '_ {
        let mut next = self.first(below).map(Step::Enter);
        std::iter::from_fn(move || {
            let step = next?;
            next = match step {
                Step::Enter(id) => self.first(id).map_or(Some(Step::Leave(id)), |child| Some(Step::Enter(child))),
                Step::Leave(id) => match self.after(id) {
                    Some(sibling) => Some(Step::Enter(sibling)),
                    None => self.parent(id).filter(|up| *up != below).map(Step::Leave),
                },
            };
            Some(step)
        })
    }

    /// Everything below a node, in the order in which it was written.
    pub(super) fn below(&self, id: Id) -> impl Iterator<Item = Id> + '_ {
        self.walk(id).filter_map(|step| match step {
            Step::Enter(id) => Some(id),
            Step::Leave(_) => None,
        })
    }

    /// The first element of a name below a node.
    pub(super) fn find(&self, id: Id, name: &str) -> Option<Id> {
        self.below(id).find(|inner| self.name(*inner) == name)
    }

    /// Whether no text below a node is seen.
    pub(super) fn is_blank(&self, id: Id) -> bool {
        self.below(id).filter_map(|inner| self.text(inner)).all(|text| text.trim().is_empty())
    }

    /// All text below a node, as it stands.
    pub(super) fn text_of(&self, id: Id) -> String {
        self.below(id).filter_map(|inner| self.text(inner)).collect()
    }

    /// How deep the deepest node lies.
    fn depth(&self) -> usize {
        let (mut depth, mut deepest) = (0_usize, 0);
        for step in self.walk(self.root) {
            match step {
                Step::Enter(_) => depth += 1,
                Step::Leave(_) => depth -= 1,
            }
            deepest = deepest.max(depth);
        }
        deepest
    }
}
