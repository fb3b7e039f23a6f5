//! Modules that need each other.

use std::collections::{BTreeMap, BTreeSet};

use super::{Import, Place};
use crate::Finding;

/// Which of the modules of one module need which, with one place where that is written.
type Graph<'a> = BTreeMap<&'a str, BTreeMap<&'a str, &'a str>>;

/// All circles, of the crate's own modules first.
pub(super) fn circles(imports: &[Import]) -> Vec<Finding> {
    let mut levels = BTreeMap::<Place, Graph>::new();
    for Import { from, to, at } in imports {
        let common = from.iter().zip(to).take_while(|(one, other)| one == other).count();
        if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
            let level = from.iter().take(common).cloned().collect();
            levels.entry(level).or_default().entry(one).or_default().entry(other).or_insert(at);
        }
    }
    levels.iter().flat_map(|(level, graph)| circles_of(level, graph)).collect()
}

fn circles_of(level: &Place, graph: &Graph) -> Vec<Finding> {
    let reach: BTreeMap<_, _> = graph.keys().map(|name| (*name, reached(graph, name))).collect();
    let reaches = |one: &str, other: &str| reach.get(one).is_some_and(|all| all.contains(other));
    let mut circles = BTreeSet::new();
    for name in graph.keys().filter(|name| reaches(name, name)) {
        let members = graph.keys().filter(|other| reaches(name, other) && reaches(other, name));
        circles.insert(members.copied().collect::<Vec<_>>());
    }
    circles.iter().map(|members| finding(level, graph, members)).collect()
}

/// All that a module needs, directly or through others.
fn reached<'a>(graph: &Graph<'a>, from: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(name) = open.pop() {
        for next in graph.get(name).into_iter().flat_map(BTreeMap::keys) {
            if found.insert(*next) {
                open.push(next);
            }
        }
    }
    found
}

fn finding(level: &Place, graph: &Graph, members: &[&str]) -> Finding {
    let place = match level.join("::") {
        level if level.is_empty() => members.join(" "),
        level => format!("{level}: {}", members.join(" ")),
    };
    let inside = graph.iter().filter(|(from, _)| members.contains(from));
    let edges = inside.flat_map(|(from, to)| to.iter().map(move |(to, at)| (from, to, at)));
    let lines: Vec<_> = edges
        .filter(|(_, to, _)| members.contains(to))
        .map(|(from, to, at)| format!("\n    {at}: {from} needs {to}"))
        .collect();
    let text =
        format!("{place}: a circle; move what two of them share below both{}", lines.concat());
    Finding { place, text }
}
