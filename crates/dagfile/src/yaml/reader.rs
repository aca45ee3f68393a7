//! Events of the YAML parser -> trees.
//!
//! A stack machine, not a recursion: what a file can make it do is bounded by [`MAX_NODES`],
//! [`MAX_TEXT`] and [`MAX_DEPTH`], counted after aliases are expanded.

use std::{
    borrow::Cow,
    collections::{BTreeMap, HashMap},
    rc::Rc,
};

use granit_parser::{Event, Parser, ScalarStyle, ScanError, StrInput, StructureStyle, Tag};

use super::{
    hints,
    node::{Entry, Key, Mapping, Node, Scalar, Span, Style, Value, shorten},
};
use crate::sink::Sink;

/// How many keys and values a file may have once its aliases are expanded.
pub(crate) const MAX_NODES: usize = 2_000_000;
/// How many bytes of text a file may have once its aliases are expanded.
pub(crate) const MAX_TEXT: usize = 64 << 20;
/// How deep collections may be nested once aliases are expanded.
const MAX_DEPTH: usize = 64;

/// What a node amounts to once its aliases are expanded.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Size {
    pub(crate) nodes: usize,
    pub(crate) text: usize,
    depth: usize,
}

impl Size {
    fn add(&mut self, other: Self) {
        self.nodes = self.nodes.saturating_add(other.nodes);
        self.text = self.text.saturating_add(other.text);
        self.depth = self.depth.max(other.depth);
    }
}

/// One document of a file.
pub(crate) struct Document<'s> {
    /// Where its content starts.
    pub(crate) start: usize,
    pub(crate) root: Node<'s>,
    /// What it amounts to.
    pub(crate) size: Size,
    /// Whether reading it gave an error already (a key twice).
    pub(crate) broken: bool,
}

/// All documents of a file that have content and can be read. What can't goes to `sink`.
pub(crate) fn read<'s>(text: &'s str, sink: &mut Sink<'s>) -> Vec<Document<'s>> {
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    let mut reader = Reader {
        parser: Parser::new_from_str_with_options(text, options),
        sink,
        total: Size::default(),
        anchors: BTreeMap::new(),
        stack: Vec::new(),
    };
    let mut documents = Vec::new();
    while !reader.sink.is_full() {
        match reader.next_document() {
            Ok(Some(document)) => documents.push(document),
            Ok(None) => break,
            Err(Stop::Document) => {
                if !matches!(reader.parser.proceed_next_document(), Ok(true)) {
                    break;
                }
            }
            Err(Stop::File) => break,
        }
    }
    documents
}

/// Why reading stopped; said in the sink already.
enum Stop {
    /// This document is lost, the next may be fine.
    Document,
    /// The file is too much.
    File,
}

struct Reader<'s, 'k> {
    parser: Parser<'s, StrInput<'s>>,
    sink: &'k mut Sink<'s>,
    total: Size,
    anchors: BTreeMap<usize, (Node<'s>, Size)>,
    stack: Vec<Open<'s>>,
}

/// A collection whose end is not reached yet.
struct Open<'s> {
    anchor: usize,
    start: Span,
    size: Size,
    content: Content<'s>,
}

enum Content<'s> {
    Sequence(Vec<Node<'s>>),
    Mapping { entries: Vec<Entry<'s>>, merges: Vec<Node<'s>>, key: PendingKey<'s>, flow: bool, broken: bool },
}

enum PendingKey<'s> {
    None,
    Some(Key<'s>),
    Merge,
    /// A key that is no scalar, said already; its value is dropped.
    Unusable,
}

impl<'s> Reader<'s, '_> {
    fn next_document(&mut self) -> Result<Option<Document<'s>>, Stop> {
        self.anchors.clear();
        self.stack.clear();
        let errors = self.sink.errors();
        let before = self.total;
        let mut root: Option<Node<'s>> = None;
        loop {
            let (event, span) = match self.parser.next_event() {
                None => return Ok(None),
                Some(Ok((event, span))) => {
                    self.check_tag(event.tag(), &span);
                    (event, Span::new(span.byte_range().unwrap_or_default()))
                }
                Some(Err(error)) => return Err(self.syntax_error(&error)),
            };
            let finished = match event {
                Event::StreamEnd => return Ok(None),
                Event::DocumentEnd => {
                    let Some(root) = root.take().filter(|root| !root.is_null()) else { continue };
                    let size = Size { nodes: self.total.nodes - before.nodes, text: self.total.text - before.text, depth: 0 };
                    return Ok(Some(Document { start: root.span.start(), root, size, broken: self.sink.errors() > errors }));
                }
                Event::Scalar(text, style, anchor, tag) => Some(self.scalar(text, style, anchor, is_text_tag(tag.as_deref()), span)?),
                Event::Alias(id) => Some(self.alias(id, span)?),
                Event::SequenceStart(_, anchor, _) => self.open(anchor, span, Content::Sequence(Vec::new()))?,
                Event::MappingStart(style, anchor, _) => {
                    let flow = style == StructureStyle::Flow;
                    let content = Content::Mapping { entries: Vec::new(), merges: Vec::new(), key: PendingKey::None, flow, broken: false };
                    self.open(anchor, span, content)?
                }
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
                _ => None,
            };
            if let Some((node, size)) = finished {
                match self.stack.pop() {
                    None => root = Some(node),
                    Some(mut parent) => {
                        parent.size.add(size);
                        self.add_child(&mut parent.content, node);
                        self.stack.push(parent);
                    }
                }
            }
        }
    }

    fn syntax_error(&mut self, error: &ScanError) -> Stop {
        let innermost = self.stack.last().map(|open| open.start.start());
        let unclosed = innermost.and_then(|at| hints::unclosed(self.sink.source(), at, error));
        let (span, message, help) = unclosed.unwrap_or_else(|| hints::syntax_error(self.sink.source(), error));
        match help {
            // What was said about this line is why the parser stumbled over it.
            _ if self.sink.blames_line_of(span) => {}
            Some(help) => self.sink.error_with_help(span, message, help),
            None => self.sink.error(span, message),
        }
        Stop::Document
    }

    fn scalar(
        &mut self,
        text: Cow<'s, str>,
        style: ScalarStyle,
        anchor: usize,
        is_text: bool,
        span: Span,
    ) -> Result<(Node<'s>, Size), Stop> {
        let style = match style {
            ScalarStyle::Plain if is_text => Style::Quoted,
            ScalarStyle::Plain => Style::Plain,
            ScalarStyle::Literal => Style::Literal,
            ScalarStyle::Folded => Style::Folded,
            _ => Style::Quoted,
        };
        let size = Size { nodes: 1, text: text.len(), depth: 0 };
        self.spend(size, span)?;
        let node = Node { span, value: Value::Scalar(Scalar { text, style }) };
        self.remember(anchor, &node, size);
        Ok((node, size))
    }

    /// Other tags than YAML's own have no meaning here.
    fn check_tag(&mut self, tag: Option<&Tag>, span: &granit_parser::Span) {
        let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema() && tag.original() != "!") else { return };
        let place = span.tag_span().and_then(|tag| tag.byte_range()).or(span.byte_range()).unwrap_or_default();
        self.sink.error_with_help(Span::new(place), format!("unknown YAML tag `{}`", tag.original()), "leave it out");
    }

    fn alias(&mut self, id: usize, span: Span) -> Result<(Node<'s>, Size), Stop> {
        let Some((node, size)) = self.anchors.get(&id).cloned() else {
            self.sink.error(span, "this alias stands for a value that contains it");
            return Err(Stop::Document);
        };
        self.spend(size, span)?;
        // A collection keeps its own place, where its keys are; a scalar's place is here, where it is used.
        let span = if node.as_scalar().is_some() { span } else { node.span };
        Ok((Node { span, ..node }, size))
    }

    /// Counts what is added to the file and refuses what is too much.
    fn spend(&mut self, size: Size, span: Span) -> Result<(), Stop> {
        self.total.add(size);
        if self.total.nodes > MAX_NODES || self.total.text > MAX_TEXT {
            let message = format!("the file is too large: more than {MAX_NODES} values or {MAX_TEXT} bytes of text, aliases expanded");
            self.sink.error_with_help(span, message, "split it into several DAGs, or use fewer aliases");
            return Err(Stop::File);
        }
        Ok(())
    }

    fn remember(&mut self, anchor: usize, node: &Node<'s>, size: Size) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), size));
        }
    }

    fn open(&mut self, anchor: usize, start: Span, content: Content<'s>) -> Result<Option<(Node<'s>, Size)>, Stop> {
        let size = Size { nodes: 1, text: 0, depth: 0 };
        self.spend(size, start)?;
        self.stack.push(Open { anchor, start, size, content });
        Ok(None)
    }

    fn close(&mut self, end: Span) -> Result<Option<(Node<'s>, Size)>, Stop> {
        let Some(mut open) = self.stack.pop() else { return Ok(None) };
        open.size.depth += 1;
        let span = open.start.to(end);
        if open.size.depth > MAX_DEPTH {
            self.sink.error(open.start, format!("nested more than {MAX_DEPTH} deep"));
            return Err(Stop::Document);
        }
        let value = match open.content {
            Content::Sequence(items) => Value::Sequence(Rc::new(items)),
            Content::Mapping { entries, merges, flow, broken, .. } => {
                Value::Mapping(Rc::new(Mapping { entries: self.resolve(entries, merges), flow, broken }))
            }
        };
        let node = Node { span, value };
        self.remember(open.anchor, &node, open.size);
        Ok(Some((node, open.size)))
    }

    fn add_child(&mut self, content: &mut Content<'s>, node: Node<'s>) {
        let (entries, merges, key, flow, broken) = match content {
            Content::Sequence(items) => return items.push(node),
            Content::Mapping { entries, merges, key, flow, broken } => (entries, merges, key, *flow, broken),
        };
        match std::mem::replace(key, PendingKey::None) {
            PendingKey::None => *key = self.key(node, flow),
            PendingKey::Some(key) => entries.push(Entry { key, value: node }),
            PendingKey::Merge => merges.push(node),
            PendingKey::Unusable => *broken = true,
        }
    }

    fn key(&mut self, node: Node<'s>, flow: bool) -> PendingKey<'s> {
        match node.value {
            Value::Scalar(scalar) if scalar.style == Style::Plain && scalar.text == "<<" => PendingKey::Merge,
            Value::Scalar(scalar) => PendingKey::Some(Key { text: scalar.text, span: node.span }),
            Value::Mapping(_) if flow => {
                let (message, help) = hints::braces_as_key(self.sink.source(), node.span);
                self.sink.error_with_help(node.span, message, help);
                PendingKey::Unusable
            }
            _ => {
                self.sink.error(node.span, "a key must be a text, not a list or a mapping");
                PendingKey::Unusable
            }
        }
    }

    /// Finds keys that are there twice and resolves `<<`: explicit keys win, then earlier mappings.
    fn resolve(&mut self, explicit: Vec<Entry<'s>>, merges: Vec<Node<'s>>) -> Vec<Entry<'s>> {
        let mut seen: HashMap<Cow<'s, str>, Span> = HashMap::with_capacity(explicit.len());
        let mut entries = Vec::with_capacity(explicit.len());
        for entry in explicit {
            if let Some(first) = seen.get(&entry.key.text) {
                let (line, _) = self.sink.source().line_and_column(first.start());
                let message = format!("`{}` is here twice; first on line {line}", shorten(&entry.key.text));
                self.sink.error_with_help(entry.key.span, message, "give each its own name, or remove one");
            } else {
                seen.insert(entry.key.text.clone(), entry.key.span);
                entries.push(entry);
            }
        }
        for merged in merges.into_iter().flat_map(|node| self.merged_mappings(node)) {
            for entry in &merged.entries {
                if !seen.contains_key(&entry.key.text) {
                    seen.insert(entry.key.text.clone(), entry.key.span);
                    entries.push(entry.clone());
                }
            }
        }
        entries
    }

    fn merged_mappings(&mut self, node: Node<'s>) -> Vec<Rc<Mapping<'s>>> {
        match node.value {
            Value::Mapping(mapping) => vec![mapping],
            Value::Sequence(items) => items.iter().flat_map(|item| self.merged_mappings(item.clone())).collect(),
            Value::Scalar(_) => {
                let help = "write `<<: *name`, where `&name` marks a mapping further up";
                self.sink.error_with_help(node.span, "`<<` takes a mapping or a list of mappings", help);
                Vec::new()
            }
        }
    }
}

/// Whether a tag says "this is a text".
fn is_text_tag(tag: Option<&Tag>) -> bool {
    tag.is_some_and(|tag| tag.core_suffix() == Some("str") || tag.original() == "!")
}
