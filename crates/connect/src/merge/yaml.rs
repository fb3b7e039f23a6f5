//! YAML. No editor of YAML keeps a file as it is in all cases, so a parser says where things are,
//! lines are put in or replaced, and the new text is read again: it must say what the old one said,
//! and the entry.

mod node;

use self::node::{Kind, Node, parse};
use super::{Broken, Entry, Problem};
use crate::clients::Place;
use crate::template;

pub(super) fn merged(text: &str, entry: &Entry<'_>) -> Result<String, Broken> {
    let old = Servers::read(text, entry)?;
    let wanted = old.wanted(entry)?;
    if old.ours.as_ref().is_some_and(|ours| ours.value == wanted) {
        return Ok(text.to_owned());
    }
    let new = old.edited(text, entry, &wanted)?;
    let read = Servers::read(&new, entry).map_err(|_| unclear())?;
    let is_wanted = read.ours.as_ref().is_some_and(|ours| ours.value == wanted);
    if is_wanted && read.rest == old.rest && read.others == old.others {
        Ok(new)
    } else {
        Err(unclear())
    }
}

fn unclear() -> Broken {
    let why = "it is written in a way that cannot be changed here without a doubt";
    Broken { line: None, problem: Problem::Unclear(why) }
}

/// What a file says, and where.
struct Servers {
    /// All members but the servers.
    rest: Vec<(Node, Node)>,
    /// The name of the member that holds the servers, and what that is.
    member: Option<(Node, Node)>,
    /// The other servers.
    others: Vec<(Option<Node>, Node)>,
    ours: Option<Ours>,
}

/// Our entry: the line and column, from 0, where it begins, and what it says.
struct Ours {
    line: usize,
    column: usize,
    value: Node,
}

impl Servers {
    fn read(text: &str, entry: &Entry<'_>) -> Result<Self, Broken> {
        let mut servers = Self { rest: Vec::new(), member: None, others: Vec::new(), ours: None };
        let Some(root) = parse(text)? else { return Ok(servers) };
        let Kind::Map(members) = root.kind else {
            let problem = Problem::NotAMap("the file".to_owned());
            return Err(Broken { line: Some(root.line + 1), problem });
        };
        for (name, value) in members {
            if !name.is_text(entry.at) {
                servers.rest.push((name, value));
            } else if servers.member.is_some() {
                let problem = Problem::Twice(entry.at.to_owned());
                return Err(Broken { line: Some(name.line + 1), problem });
            } else {
                servers.member = Some((name, value));
            }
        }
        let Some((name, value)) = servers.member.clone() else { return Ok(servers) };
        let line = Some(name.line + 1);
        match (value.kind, entry.place) {
            (Kind::Map(found), Place::Map) => {
                for (name, value) in found {
                    servers.push(Some(name), value, entry)?;
                }
            }
            (Kind::List(found), Place::List) => {
                for value in found {
                    servers.push(None, value, entry)?;
                }
            }
            (kind, _) if kind.is_nothing() => {}
            (_, Place::Map) => {
                return Err(Broken { line, problem: Problem::NotAMap(entry.at.to_owned()) });
            }
            (_, Place::List) => {
                return Err(Broken { line, problem: Problem::NotAList(entry.at.to_owned()) });
            }
        }
        Ok(servers)
    }

    /// Takes a server: with `key` from a map; in a list, its name is one of its members.
    fn push(&mut self, key: Option<Node>, value: Node, entry: &Entry<'_>) -> Result<(), Broken> {
        let name = key.as_ref().or_else(|| value.member("name"));
        let is_ours = name.is_some_and(|it| it.is_text(entry.name));
        let Node { line, column, .. } = *key.as_ref().unwrap_or(&value);
        if !is_ours {
            self.others.push((key, value));
        } else if self.ours.is_some() {
            let problem = Problem::Twice(entry.name.to_owned());
            return Err(Broken { line: Some(line + 1), problem });
        } else {
            self.ours = Some(Ours { line, column, value });
        }
        Ok(())
    }

    /// What our entry should say.
    fn wanted(&self, entry: &Entry<'_>) -> Result<Node, Broken> {
        let Some(Ours { line, value, .. }) = &self.ours else {
            return Ok(Node::from_json(&template::entry(entry.members)));
        };
        if value.has_references() {
            let why = "the entry has anchors, aliases or tags";
            return Err(Broken { line: Some(line + 1), problem: Problem::Unclear(why) });
        }
        let mut wanted = value.clone();
        for way in entry.other_ways() {
            wanted.set(&[way.to_owned()], None);
        }
        for member in entry.members {
            wanted.set(&member.path, member.value.as_ref());
        }
        Ok(wanted)
    }

    fn edited(&self, text: &str, entry: &Entry<'_>, wanted: &Node) -> Result<String, Broken> {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let block = |column: usize| match entry.place {
            Place::Map => wanted.lines_below(entry.name, column),
            Place::List => wanted.lines_of_item(column),
        };
        if let Some(Ours { line, column, .. }) = &self.ours {
            // An item begins behind its dash.
            let shown = lines.get(*line).map_or("", String::as_str);
            let column = match entry.place {
                Place::Map => *column,
                Place::List => shown.find('-').ok_or_else(unclear)?,
            };
            let end = end_of(&lines, *line, column);
            lines.splice(*line..end, block(column));
        } else if let Some((name, value)) = &self.member {
            let first = match &value.kind {
                Kind::Map(found) => found.first().map(|(name, _)| (name.line, name.column)),
                Kind::List(found) => found.first().map(|item| (item.line, item.column)),
                _ => None,
            };
            let column = match first {
                None => {
                    let line = lines.get_mut(name.line).ok_or_else(unclear)?;
                    without_value(line)?;
                    name.column + 2
                }
                Some((line, column)) if line > name.line => match entry.place {
                    Place::Map => column,
                    Place::List => {
                        lines.get(line).and_then(|line| line.find('-')).ok_or_else(unclear)?
                    }
                },
                Some(_) => return Err(unclear()),
            };
            // Right below the name: what comments say stays with what they speak of.
            lines.splice(name.line + 1..name.line + 1, block(column));
        } else {
            lines.push(format!("{}:", entry.at));
            lines.extend(block(2));
        }
        Ok(lines.join("\n") + "\n")
    }
}

/// The line behind the block that begins at `start`, whose content stands right of `column`. Blank
/// lines and comments at its end are not part of it.
fn end_of(lines: &[String], start: usize, column: usize) -> usize {
    let mut end = start + 1;
    for (index, line) in lines.iter().enumerate().skip(start + 1) {
        let content = line.trim_start();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        if line.len() - content.len() <= column {
            break;
        }
        end = index + 1;
    }
    end
}

/// Takes an empty value away, so that others can stand below the name.
fn without_value(line: &mut String) -> Result<(), Broken> {
    let (name, behind) = line.split_once(':').ok_or_else(unclear)?;
    let (value, comment) = match behind.split_once(" #") {
        Some((value, comment)) => (value, format!(" #{comment}")),
        None => (behind, String::new()),
    };
    if !["", "{}", "[]", "~", "null"].contains(&value.trim()) {
        return Err(unclear());
    }
    *line = format!("{name}:{comment}");
    Ok(())
}
