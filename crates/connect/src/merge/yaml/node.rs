//! What a YAML file says, and where it says it.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span};
use serde_json::Value;

use crate::merge::{Broken, Problem};

/// Deeper files are not settings of a program.
const DEPTH_MAX: usize = 64;

/// A value and where it begins, both from 0. Two are equal if they say the same.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) kind: Kind,
    pub(super) line: usize,
    pub(super) column: usize,
    marked: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// Text, or what a reader takes for something else: a number, a truth value, nothing.
    Scalar {
        text: String,
        is_text: bool,
    },
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
    Alias(usize),
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

impl Kind {
    /// Whether it holds nothing that could be lost.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Scalar { text, is_text } => {
                !is_text && ["", "~", "null"].contains(&text.as_str())
            }
            Self::List(items) => items.is_empty(),
            Self::Map(members) => members.is_empty(),
            Self::Alias(_) => false,
        }
    }
}

/// The one document of a file. Nothing, if there is none.
pub(super) fn parse(text: &str) -> Result<Option<Node>, Broken> {
    let broken = |cause: &ScanError| Broken {
        line: Some(cause.marker().line()),
        problem: Problem::Syntax(cause.info().to_owned()),
    };
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        events.push(event.map_err(|cause| broken(&cause))?);
    }
    let documents = events.iter().filter(|(event, _)| matches!(event, Event::DocumentStart(_)));
    if documents.count() > 1 {
        return Err(unclear("the file holds several documents"));
    }
    let mut events = events.into_iter().filter(|(event, _)| {
        !matches!(
            event,
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd
        )
    });
    match events.next() {
        None => Ok(None),
        Some((event, span)) => {
            let root = Node::read(event, span, &mut events, 0)?;
            let empty = root.kind.is_nothing() && matches!(root.kind, Kind::Scalar { .. });
            Ok((!empty).then_some(root))
        }
    }
}

fn unclear(why: &'static str) -> Broken {
    Broken { line: None, problem: Problem::Unclear(why) }
}

impl Node {
    fn read<'e>(
        event: Event<'e>,
        span: Span,
        events: &mut impl Iterator<Item = (Event<'e>, Span)>,
        depth: usize,
    ) -> Result<Self, Broken> {
        if depth > DEPTH_MAX {
            return Err(unclear("the file is nested too deep"));
        }
        let (line, column) = (span.start.line().saturating_sub(1), span.start.col());
        let mut marked = false;
        let next = |events: &mut _| -> Result<Option<Self>, Broken> {
            match Iterator::next(events) {
                None | Some((Event::SequenceEnd | Event::MappingEnd, _)) => Ok(None),
                Some((event, span)) => Self::read(event, span, events, depth + 1).map(Some),
            }
        };
        let kind = match event {
            Event::Scalar(text, style, anchor, tag) => {
                marked = anchor != 0 || tag.is_some();
                let is_text = style != ScalarStyle::Plain || !is_special(&text);
                Kind::Scalar { text: text.into_owned(), is_text }
            }
            Event::SequenceStart(anchor, tag) => {
                marked = anchor != 0 || tag.is_some();
                let mut items = Vec::new();
                while let Some(item) = next(events)? {
                    items.push(item);
                }
                Kind::List(items)
            }
            Event::MappingStart(anchor, tag) => {
                marked = anchor != 0 || tag.is_some();
                let mut members = Vec::new();
                while let Some(name) = next(events)? {
                    let Some(value) = next(events)? else { break };
                    members.push((name, value));
                }
                Kind::Map(members)
            }
            Event::Alias(anchor) => Kind::Alias(anchor),
            _ => return Err(unclear("the file is not what it seems")),
        };
        Ok(Self { kind, line, column, marked })
    }

    pub(super) fn from_json(value: &Value) -> Self {
        let kind = match value {
            Value::String(text) => Kind::Scalar { text: text.clone(), is_text: true },
            Value::Array(items) => Kind::List(items.iter().map(Self::from_json).collect()),
            Value::Object(members) => {
                let text = |name: &str| Kind::Scalar { text: name.to_owned(), is_text: true };
                let members = members
                    .iter()
                    .map(|(name, value)| (Self::new(text(name)), Self::from_json(value)));
                Kind::Map(members.collect())
            }
            other => Kind::Scalar { text: other.to_string(), is_text: false },
        };
        Self::new(kind)
    }

    fn new(kind: Kind) -> Self {
        Self { kind, line: 0, column: 0, marked: false }
    }

    pub(super) fn is_text(&self, wanted: &str) -> bool {
        matches!(&self.kind, Kind::Scalar { text, is_text: true } if text == wanted)
    }

    pub(super) fn member(&self, wanted: &str) -> Option<&Self> {
        let Kind::Map(members) = &self.kind else { return None };
        members.iter().find(|(name, _)| name.is_text(wanted)).map(|(_, value)| value)
    }

    /// Whether something in it is named elsewhere, or names something elsewhere.
    pub(super) fn has_references(&self) -> bool {
        self.marked
            || match &self.kind {
                Kind::Alias(_) => true,
                Kind::Scalar { .. } => false,
                Kind::List(items) => items.iter().any(Self::has_references),
                Kind::Map(members) => members
                    .iter()
                    .any(|(name, value)| name.has_references() || value.has_references()),
            }
    }

    /// Gives a member that value, or takes it away.
    pub(super) fn set(&mut self, path: &[String], value: Option<&Value>) {
        let Some((first, rest)) = path.split_first() else {
            if let Some(value) = value {
                *self = Self::from_json(value);
            }
            return;
        };
        if !matches!(self.kind, Kind::Map(_)) && value.is_some() {
            self.kind = Kind::Map(Vec::new());
        }
        let Kind::Map(members) = &mut self.kind else { return };
        let place = members.iter().position(|(name, _)| name.is_text(first));
        match (place, value) {
            (None, None) => {}
            (None, Some(_)) => {
                let name = Kind::Scalar { text: first.clone(), is_text: true };
                let mut inner = Self::new(Kind::Map(Vec::new()));
                inner.set(rest, value);
                members.push((Self::new(name), inner));
            }
            (Some(place), _) => {
                let Some((_, inner)) = members.get_mut(place) else { return };
                inner.set(rest, value);
                let empty = matches!(&inner.kind, Kind::Map(found) if found.is_empty());
                if value.is_none() && (rest.is_empty() || empty) {
                    members.remove(place);
                }
            }
        }
    }

    /// Its lines as the value of a member `name` at `column`.
    pub(super) fn lines_below(&self, name: &str, column: usize) -> Vec<String> {
        let name = Self::new(Kind::Scalar { text: name.to_owned(), is_text: true });
        let mut lines = Vec::new();
        self.write(&format!("{}{}:", " ".repeat(column), name.inline()), column + 2, &mut lines);
        lines
    }

    /// Its lines as an item of a list whose dashes are at `column`.
    pub(super) fn lines_of_item(&self, column: usize) -> Vec<String> {
        let mut lines = Vec::new();
        self.write("", column + 2, &mut lines);
        // The first line of a map is a blank start; its first member stands behind the dash.
        lines.remove(0);
        if let Some(first) = lines.first_mut() {
            *first = format!("{}- {}", " ".repeat(column), first.trim_start());
        }
        lines
    }

    fn write(&self, start: &str, column: usize, lines: &mut Vec<String>) {
        let indent = " ".repeat(column);
        match &self.kind {
            Kind::Map(members) if !members.is_empty() => {
                lines.push(start.to_owned());
                for (name, value) in members {
                    value.write(&format!("{indent}{}:", name.inline()), column + 2, lines);
                }
            }
            Kind::List(items) if items.iter().any(|it| matches!(it.kind, Kind::Map(_))) => {
                lines.push(start.to_owned());
                for item in items {
                    lines.extend(item.lines_of_item(column));
                }
            }
            _ => lines.push(format!("{start} {}", self.inline())),
        }
    }

    fn inline(&self) -> String {
        match &self.kind {
            Kind::Scalar { text, is_text: false } => text.clone(),
            Kind::Scalar { text, is_text: true } if is_plain(text) => text.clone(),
            // A string of JSON is one of YAML.
            Kind::Scalar { text, is_text: true } => Value::String(text.clone()).to_string(),
            Kind::List(items) => {
                let items: Vec<_> = items.iter().map(Self::inline).collect();
                format!("[{}]", items.join(", "))
            }
            Kind::Map(members) => {
                let members = members
                    .iter()
                    .map(|(name, value)| format!("{}: {}", name.inline(), value.inline()));
                format!("{{{}}}", members.collect::<Vec<_>>().join(", "))
            }
            // `has_references` has kept these away.
            Kind::Alias(_) => "null".to_owned(),
        }
    }
}

/// Whether it can stand without quotes.
fn is_plain(text: &str) -> bool {
    let within = |letter: char| letter.is_ascii_alphanumeric() || "_./-".contains(letter);
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.chars().all(within)
        && !is_special(text)
}

/// Whether some reader takes it for something else than text, if it stands without quotes.
fn is_special(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let words = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let digits = lower.trim_start_matches(['+', '-', '.']);
    words.contains(&lower.as_str())
        || [".inf", ".nan"].contains(&lower.trim_start_matches(['+', '-']))
        || digits.starts_with(|first: char| first.is_ascii_digit())
}
