//! `GetDescriptionOfTableOrSchema`: what people wrote about tables, and about what holds them.

use std::collections::HashSet;

use serde::Deserialize;

use super::ToolCall;
use super::failure::Failure;
use super::lines::{Lines, tag_list};
use super::names::NameArgument;
use super::object::{self, Object};
use super::tool_call::{BadArguments, parse};
use crate::catalog::{Entity, Notes, quoted};

#[derive(Deserialize)]
struct Arguments<'a> {
    #[serde(borrow)]
    name: NameArgument<'a>,
}

/// Answers a call.
pub(super) async fn run(mut call: ToolCall<'_>) -> Result<String, Failure> {
    let arguments = parse::<Arguments<'_>>(call.arguments).ok_or(BadArguments {
        tool: call.tool,
        expected: "arguments {\"name\": …}: the path of a table, view, folder, space or source, as \
                   a dotted string or a list; or a list of several",
    })?;
    let names = arguments.name.read("name")?;
    let _room = call.progress.room(object::ROOM_BYTES).await?;
    let found = object::all(call.room, &names).await?;
    let mut lines = Lines::new(call.room.answers.tokens_max);
    let mut seen = HashSet::new();
    for object in found {
        match object {
            Ok(Object::Entity(entity)) => {
                let path = entity.path();
                let notes = call.room.catalog.notes(&entity).await;
                show(&mut lines, &entity, &notes, true);
                seen.insert(path.clone());
                for depth in (1..path.len()).rev() {
                    let Some(above) = path.get(..depth).map(<[String]>::to_vec) else { continue };
                    if !seen.insert(above.clone()) {
                        continue;
                    }
                    if let Ok(entity) = call.room.catalog.entity(&above).await {
                        let notes = call.room.catalog.notes(&entity).await;
                        show(&mut lines, &entity, &notes, false);
                    }
                }
            }
            Ok(Object::System { path, .. }) => {
                lines.push(&format!("{} system table", quoted(&path)));
                lines.push("[no description; see GetUsefulSystemTableNames]");
            }
            Err(failure) => lines.push(&format!("[{}]", failure.sentence())),
        }
    }
    Ok(lines.finish("name fewer"))
}

/// Name, kind and tags, and the wiki below them, each line of it behind `>`. Of what was not asked
/// for, only what has something written about it.
fn show(lines: &mut Lines, entity: &Entity, notes: &Notes, is_asked_for: bool) {
    if !is_asked_for && *notes == Notes::default() {
        return;
    }
    lines.push(&format!("{} {}{}", quoted(&entity.path()), entity.word(), tag_list(notes)));
    match &notes.wiki {
        Some(wiki) => {
            for line in wiki.lines().filter(|line| !line.trim().is_empty()) {
                lines.push(&format!("> {}", line.trim_end()));
            }
        }
        None if is_asked_for => lines.push("[no description]"),
        None => {}
    }
}
