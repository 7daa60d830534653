//! PURE. HTML into a tree, bounded while it is built: by depth, by what stays open, and by the number of its nodes, since
//! formatting that is never closed is built again in every block. Where one is exceeded there is no tree.

use std::borrow::Cow;
use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{Token, TokenSink, TokenSinkResult};
use html5ever::tree_builder::{ElemName, ElementFlags, NodeOrText, QuirksMode, Tracer, TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{Attribute, LocalName, Namespace, QualName, local_name, ns};

use super::{Data, Id, Tree};
use crate::feed::markup::tokens;

/// The deepest nesting that is read; real posts stay below 40.
const DEEPEST: usize = 256;
/// The most nodes, which take about 100 bytes each; the longest of real posts have some ten thousand.
const MOST_NODES: usize = 250_000;
/// After how many tags it is looked how much is open. A parser looks through all of that at each tag.
const STRIDE: usize = 512;
/// Of what may be open: elements, and formatting that is built again in the next block.
const MOST_OPEN: usize = 2 * DEEPEST + 8;

impl Tree {
    /// The tree of a piece of HTML; `None` where it would be too deep or too large, or a tag is too long to be read.
    pub(in crate::article) fn parse(html: &str) -> Option<Self> {
        let sink = Growing { tree: RefCell::new(Self::empty()), over: Cell::new(false) };
        let name = QualName::new(None, ns!(html), local_name!("div"));
        let context = sink.create_element(name, Vec::new(), ElementFlags::default());
        // As in a mail program, scripts do not run: what stands for them is content.
        let options = TreeBuilderOpts { scripting_enabled: false, ..TreeBuilderOpts::default() };
        let builder = TreeBuilder::new_for_fragment(sink, context, None, options);
        let read = tokens(html, Bounded { builder, tags: Cell::new(0) })?;
        let Growing { tree, over } = read.builder.sink;
        let mut tree = tree.into_inner();
        tree.root = tree.first(tree.root)?;
        let fits = !over.get() && tree.depth() <= DEEPEST;
        fits.then_some(tree)
    }
}

/// Passes tokens on until the tree is too much.
struct Bounded {
    builder: TreeBuilder<Id, Growing>,
    tags: Cell<usize>,
}

/// How much a parser has open.
struct Open(Cell<usize>);

impl Tracer for Open {
    type Handle = Id;

    fn trace_handle(&self, _: &Id) {
        self.0.set(self.0.get() + 1);
    }
}

impl TokenSink for Bounded {
    type Handle = Id;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Id> {
        if self.builder.sink.over.get() {
            return TokenSinkResult::Continue;
        }
        if matches!(token, Token::TagToken(_)) {
            self.tags.set(self.tags.get() + 1);
            if self.tags.get().is_multiple_of(STRIDE) {
                let open = Open(Cell::new(0));
                self.builder.trace_handles(&open);
                if open.0.get() > MOST_OPEN {
                    self.builder.sink.over.set(true);
                }
            }
        }
        self.builder.process_token(token, line)
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder.adjusted_current_node_present_but_not_in_html_namespace()
    }
}

/// A tree while it is built.
struct Growing {
    tree: RefCell<Tree>,
    /// It is too deep or too large.
    over: Cell<bool>,
}

/// The name of an element, apart from the tree, which may change while it is looked at.
#[derive(Debug)]
struct Name(Namespace, LocalName);

impl ElemName for Name {
    fn ns(&self) -> &Namespace {
        &self.0
    }

    fn local_name(&self) -> &LocalName {
        &self.1
    }
}

impl Growing {
    fn add(&self, data: Data) -> Id {
        let mut tree = self.tree.borrow_mut();
        if tree.nodes.len() >= MOST_NODES {
            self.over.set(true);
        }
        tree.add(data)
    }

    /// The node that comes there, or nothing where its text went into the one before.
    fn node_or_text(&self, before: Option<Id>, new: NodeOrText<Id>) -> Option<Id> {
        let text = match new {
            NodeOrText::AppendNode(node) => {
                self.tree.borrow_mut().detach(node);
                return Some(node);
            }
            NodeOrText::AppendText(text) => text,
        };
        if let Some(before) = before
            && let Data::Text(longer) = &mut self.tree.borrow_mut().node_mut(before).data
        {
            longer.push_tendril(&text);
            return None;
        }
        Some(self.add(Data::Text(text)))
    }
}

impl TreeSink for Growing {
    type Handle = Id;
    type Output = ();
    type ElemName<'a> = Name;

    fn finish(self) {}

    fn parse_error(&self, _: Cow<'static, str>) {}

    fn get_document(&self) -> Id {
        Id::FIRST
    }

    fn elem_name<'a>(&'a self, target: &'a Id) -> Name {
        match &self.tree.borrow().node(*target).data {
            Data::Element { name, .. } => Name(name.ns.clone(), name.local.clone()),
            Data::Nothing | Data::Text(_) => Name(ns!(), local_name!("")),
        }
    }

    fn create_element(&self, name: QualName, attributes: Vec<Attribute>, flags: ElementFlags) -> Id {
        let integration_point = flags.mathml_annotation_xml_integration_point;
        self.add(Data::Element { name, attributes, integration_point })
    }

    fn create_comment(&self, _: StrTendril) -> Id {
        self.add(Data::Nothing)
    }

    fn create_pi(&self, _: StrTendril, _: StrTendril) -> Id {
        self.add(Data::Nothing)
    }

    fn append(&self, parent: &Id, child: NodeOrText<Id>) {
        let last = self.tree.borrow().node(*parent).last;
        let Some(child) = self.node_or_text(last, child) else { return };
        let mut tree = self.tree.borrow_mut();
        tree.append(*parent, child);
        if tree.node(child).depth as usize > 2 * DEEPEST {
            self.over.set(true);
        }
    }

    fn append_based_on_parent_node(&self, element: &Id, previous: &Id, child: NodeOrText<Id>) {
        let has_parent = self.tree.borrow().parent(*element).is_some();
        if has_parent { self.append_before_sibling(element, child) } else { self.append(previous, child) }
    }

    fn append_doctype_to_document(&self, _: StrTendril, _: StrTendril, _: StrTendril) {}

    /// What is in a template is never seen: it is put where nothing reaches it.
    fn get_template_contents(&self, _: &Id) -> Id {
        self.add(Data::Nothing)
    }

    fn same_node(&self, x: &Id, y: &Id) -> bool {
        x == y
    }

    fn set_quirks_mode(&self, _: QuirksMode) {}

    fn append_before_sibling(&self, sibling: &Id, new: NodeOrText<Id>) {
        let before = self.tree.borrow().before(*sibling);
        if let Some(new) = self.node_or_text(before, new) {
            self.tree.borrow_mut().insert_before(*sibling, new);
        }
    }

    fn add_attrs_if_missing(&self, target: &Id, more: Vec<Attribute>) {
        if let Data::Element { attributes, .. } = &mut self.tree.borrow_mut().node_mut(*target).data {
            for attribute in more {
                if !attributes.iter().any(|own| own.name == attribute.name) {
                    attributes.push(attribute);
                }
            }
        }
    }

    fn remove_from_parent(&self, target: &Id) {
        self.tree.borrow_mut().detach(*target);
    }

    fn reparent_children(&self, node: &Id, new_parent: &Id) {
        self.tree.borrow_mut().move_children(*node, *new_parent);
    }

    fn is_mathml_annotation_xml_integration_point(&self, handle: &Id) -> bool {
        matches!(self.tree.borrow().node(*handle).data, Data::Element { integration_point: true, .. })
    }

    fn allow_declarative_shadow_roots(&self, _: &Id) -> bool {
        false
    }
}
