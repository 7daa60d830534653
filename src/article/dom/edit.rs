//! PURE. How a tree is changed. Nothing is freed before the whole: what is taken out is no longer reached.

use std::num::NonZeroU32;

use html5ever::tendril::StrTendril;
use html5ever::{Attribute, LocalName, QualName, ns};

use super::{Data, Id, Node, Tree};

impl Tree {
    /// A tree of nothing.
    pub(super) fn empty() -> Self {
        let mut tree = Self { nodes: Vec::new(), root: Id::FIRST };
        tree.add(Data::Nothing);
        tree
    }

    /// A tree of one paragraph.
    pub(in crate::article) fn of_text(text: &str) -> Self {
        let mut tree = Self::empty();
        if !text.is_empty() {
            let paragraph = tree.add_element("p", &[]);
            let text = tree.add_text(text);
            tree.append(paragraph, text);
            tree.append(Id::FIRST, paragraph);
        }
        tree
    }

    /// A new node, nowhere yet.
    pub(super) fn add(&mut self, data: Data) -> Id {
        self.nodes.push(Node { parent: None, first: None, last: None, before: None, after: None, depth: 0, data });
        // There are never so many: their number is bounded far below.
        let number = u32::try_from(self.nodes.len()).unwrap_or(u32::MAX);
        NonZeroU32::new(number).map_or(Id::FIRST, Id)
    }

    pub(in crate::article) fn add_text(&mut self, text: &str) -> Id {
        self.add(Data::Text(StrTendril::from(text)))
    }

    pub(in crate::article) fn add_element(&mut self, name: &str, attributes: &[(&str, &str)]) -> Id {
        let attribute = |(name, value): &(&str, &str)| Attribute {
            name: QualName::new(None, ns!(), LocalName::from(*name)),
            value: StrTendril::from(*value),
        };
        self.add(Data::Element {
            name: QualName::new(None, ns!(html), LocalName::from(name)),
            attributes: attributes.iter().map(attribute).collect(),
            integration_point: false,
        })
    }

    /// Takes a node out, with all that is in it.
    pub(in crate::article) fn detach(&mut self, id: Id) {
        let Node { parent, before, after, .. } = *self.node(id);
        match before {
            Some(before) => self.node_mut(before).after = after,
            None => {
                if let Some(parent) = parent {
                    self.node_mut(parent).first = after;
                }
            }
        }
        match after {
            Some(after) => self.node_mut(after).before = before,
            None => {
                if let Some(parent) = parent {
                    self.node_mut(parent).last = before;
                }
            }
        }
        let node = self.node_mut(id);
        (node.parent, node.before, node.after) = (None, None, None);
    }

    /// Puts a node that is nowhere at the end of another.
    pub(in crate::article) fn append(&mut self, parent: Id, child: Id) {
        let Node { last, depth, .. } = *self.node(parent);
        let node = self.node_mut(child);
        (node.parent, node.before, node.after, node.depth) = (Some(parent), last, None, depth.saturating_add(1));
        match last {
            Some(last) => self.node_mut(last).after = Some(child),
            None => self.node_mut(parent).first = Some(child),
        }
        self.node_mut(parent).last = Some(child);
    }

    /// Puts a node that is nowhere before another.
    pub(in crate::article) fn insert_before(&mut self, sibling: Id, new: Id) {
        let Node { parent, before, depth, .. } = *self.node(sibling);
        let node = self.node_mut(new);
        (node.parent, node.before, node.after, node.depth) = (parent, before, Some(sibling), depth);
        match (before, parent) {
            (Some(before), _) => self.node_mut(before).after = Some(new),
            (None, Some(parent)) => self.node_mut(parent).first = Some(new),
            (None, None) => {}
        }
        self.node_mut(sibling).before = Some(new);
    }

    pub(in crate::article) fn replace(&mut self, old: Id, new: Id) {
        self.insert_before(old, new);
        self.detach(old);
    }

    /// Moves what is in a node to the end of another.
    pub(in crate::article) fn move_children(&mut self, from: Id, to: Id) {
        while let Some(child) = self.first(from) {
            self.detach(child);
            self.append(to, child);
        }
    }

    /// Puts what is in a node in its place.
    pub(in crate::article) fn unwrap(&mut self, id: Id) {
        while let Some(child) = self.first(id) {
            self.detach(child);
            self.insert_before(id, child);
        }
        self.detach(id);
    }

    /// Gives an element of HTML another name.
    pub(in crate::article) fn rename(&mut self, id: Id, to: &str) {
        if let Data::Element { name, .. } = &mut self.node_mut(id).data {
            name.local = LocalName::from(to);
        }
    }

    pub(in crate::article) fn set_text(&mut self, id: Id, to: &str) {
        if let Data::Text(text) = &mut self.node_mut(id).data {
            *text = StrTendril::from(to);
        }
    }

    pub(in crate::article) fn push_text(&mut self, id: Id, more: &str) {
        if let Data::Text(text) = &mut self.node_mut(id).data {
            text.push_slice(more);
        }
    }

    /// Sets an attribute, or takes it away.
    pub(in crate::article) fn set_attribute(&mut self, id: Id, name: &str, value: Option<&str>) {
        let Data::Element { attributes, .. } = &mut self.node_mut(id).data else { return };
        let place = attributes.iter().position(|attribute| &*attribute.name.local == name);
        match (place, value) {
            (Some(place), Some(value)) => attributes[place].value = StrTendril::from(value),
            (Some(place), None) => drop(attributes.remove(place)),
            (None, Some(value)) => attributes
                .push(Attribute { name: QualName::new(None, ns!(), LocalName::from(name)), value: StrTendril::from(value) }),
            (None, None) => {}
        }
    }

    /// Keeps of an element's attributes what `kept` gives for their names and values.
    pub(in crate::article) fn keep_attributes(&mut self, id: Id, mut kept: impl FnMut(&str, &str) -> Option<String>) {
        let Data::Element { attributes, .. } = &mut self.node_mut(id).data else { return };
        attributes.retain_mut(|attribute| {
            let Some(value) = kept(&attribute.name.local, &attribute.value) else { return false };
            if *value != *attribute.value {
                attribute.value = StrTendril::from(value);
            }
            attribute.name.ns == ns!()
        });
    }
}
