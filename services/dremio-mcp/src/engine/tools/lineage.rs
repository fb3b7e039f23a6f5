//! `GetTableOrViewLineage`: what a view is made of, and which views are made of a table.

use std::collections::HashSet;

use serde::Deserialize;

use super::ToolCall;
use super::failure::Failure;
use super::lines::Lines;
use super::names::NameArgument;
use super::object::{self, Object};
use super::tool_call::{BadArguments, parse};
use crate::catalog::{Kind, Lineage, quoted};

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    table_name: NameArgument<'a>,
}

/// Answers a call.
pub(super) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let arguments = parse::<Arguments<'_>>(call.arguments).ok_or(BadArguments {
        tool: call.tool,
        expected: "arguments {\"table_name\": …}: the path of a table or view, as a dotted string \
                   or a list",
    })?;
    let names = arguments.table_name.read("table_name")?;
    let _room = call.progress.room(object::ROOM_BYTES).await?;
    let mut lines = Lines::new(call.room.answers.tokens_max);
    for object in object::all(call.room, &names).await? {
        match object {
            Ok(Object::Entity(entity)) if entity.is_dataset() => {
                show(&mut lines, &call.room.catalog.lineage(&entity).await);
            }
            Ok(Object::Entity(entity)) => lines.push(&format!(
                "[{} is a {}: it has no lineage, but what is in it has]",
                quoted(&entity.path()),
                entity.word()
            )),
            Ok(Object::System { path, .. }) => {
                lines.push(&format!("{} system table, made by Dremio itself", quoted(&path)));
            }
            Err(failure) => lines.push(&format!("[{}]", failure.sentence())),
        }
    }
    Ok(lines.finish("ask for the lineage of one of these"))
}

/// The graph as two trees, above and below the table that was asked for.
fn show(lines: &mut Lines, lineage: &Lineage) {
    lines.push(&node(lineage, 0));
    for (title, nothing, direction) in [
        ("reads:", "reads no table", Direction::Read),
        ("read by:", "read by no view", Direction::Readers),
    ] {
        if neighbours(lineage, 0, direction).is_empty() {
            let is_table = lineage.nodes.first().is_none_or(|node| node.kind != Kind::View);
            if !(is_table && direction == Direction::Read) {
                lines.push(nothing);
            }
        } else {
            lines.push(title);
            show_tree(lines, lineage, (0, 1), direction, &mut HashSet::from([0]));
        }
    }
    for unread in &lineage.unread {
        lines.push(&format!("[{unread}]"));
    }
    if lineage.is_cut {
        lines.push("[the graph goes on beyond what is here]");
    }
}

/// What is shown of a graph.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Direction {
    Read,
    Readers,
}

fn neighbours(lineage: &Lineage, of: usize, direction: Direction) -> Vec<usize> {
    let edges = lineage.edges.iter().filter_map(|edge| match direction {
        Direction::Read => (edge.reader == of).then_some(edge.read),
        Direction::Readers => (edge.read == of).then_some(edge.reader),
    });
    edges.collect()
}

/// What is around a node, each level two blanks further in; what was shown before is not shown
/// again with all that is behind it. A graph has 50 nodes, so this ends soon.
fn show_tree(
    lines: &mut Lines,
    lineage: &Lineage,
    (of, level): (usize, usize),
    direction: Direction,
    seen: &mut HashSet<usize>,
) {
    for next in neighbours(lineage, of, direction) {
        let is_new = seen.insert(next);
        let again = if is_new { "" } else { " (see above)" };
        lines.push(&format!("{}{}{again}", "  ".repeat(level), node(lineage, next)));
        if is_new {
            show_tree(lines, lineage, (next, level + 1), direction, seen);
        }
    }
}

fn node(lineage: &Lineage, place: usize) -> String {
    let Some(node) = lineage.nodes.get(place) else { return String::new() };
    let kind = match node.kind {
        Kind::Table => "table",
        Kind::View => "view",
        Kind::System => "system table",
    };
    format!("{} {kind}", quoted(&node.path))
}

#[cfg(test)]
mod tests {
    use super::{Lines, show};
    use crate::catalog::{Edge, Kind, Lineage, Node};

    #[test]
    fn a_graph_is_shown_as_trees_that_end() {
        let node = |name: &str, kind| Node { path: vec![name.to_owned()], kind };
        let edge = |(reader, read)| Edge { reader, read };
        let lineage = Lineage {
            nodes: vec![
                node("v", Kind::View),
                node("w", Kind::View),
                node("t", Kind::Table),
                node("x", Kind::View),
            ],
            // A circle cannot be made in Dremio, but read from changing views.
            edges: [(0, 1), (1, 2), (0, 2), (1, 0), (3, 0)].map(edge).to_vec(),
            unread: vec!["The SQL of \"y\" cannot be read.".to_owned()],
            is_cut: true,
        };
        let mut lines = Lines::new(1000);
        show(&mut lines, &lineage);
        assert_eq!(
            lines.finish(""),
            "\"v\" view\nreads:\n  \"w\" view\n    \"t\" table\n    \"v\" view (see above)\n\
             \x20 \"t\" table (see above)\n\
             read by:\n  \"w\" view\n    \"v\" view (see above)\n  \"x\" view\n\
             [The SQL of \"y\" cannot be read.]\n[the graph goes on beyond what is here]"
        );
    }
}
