//! Looks up what a name means in Dremio's catalog, and says what helps where it means nothing.

use std::time::Duration;

use dremio_client::Error;
use service_kit::runtime::aside;

use super::ToolRoom;
use super::failure::Failure;
use super::names::Names;
use crate::catalog::{Entity, Kind, Snapshot, nearest, quoted};
use crate::coach;
use crate::dremio::DremioError;
use crate::guard::TableName;

/// Room that one look takes: for what Dremio says of an object, and for the answer made of it.
pub(super) const ROOM_BYTES: usize = 10 * 1024 * 1024;

/// How many paths a failure offers.
const NEAREST_MAX: usize = 3;

/// How long a failure waits for the catalog to be read; after that it has no paths to offer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Longest list of a function's arguments that is passed on, in characters.
const ARGUMENTS_CHARS_MAX: usize = 500;

/// What a name means.
#[derive(Debug)]
pub(super) enum Object {
    /// What the catalog shows: a table or view, or what holds them.
    Entity(Box<Entity>),
    /// A table of `sys` or `INFORMATION_SCHEMA`, which the catalog need not show: its path, and its
    /// columns with their types.
    System { path: Vec<String>, columns: Vec<(String, String)> },
}

/// Why a name means nothing.
#[derive(Debug)]
pub(super) struct Missing {
    pub(super) failure: Failure,
    /// Dremio has answered, and has no such object: another reading of the name may be right.
    is_unknown: bool,
}

/// What each name means: one object for one path, or else one for each of several names.
///
/// # Errors
/// When there is one name, and it means nothing.
pub(super) async fn all(
    room: &ToolRoom,
    names: &Names,
) -> Result<Vec<Result<Object, Failure>>, Failure> {
    let first = match one(room, &names.path).await {
        Ok(object) => return Ok(vec![Ok(object)]),
        Err(missing) if names.several.is_empty() || !missing.is_unknown => {
            return Err(missing.failure);
        }
        Err(missing) => missing.failure,
    };
    let mut found = Vec::with_capacity(names.several.len());
    for name in &names.several {
        found.push(one(room, name).await.map_err(|missing| missing.failure));
    }
    // Single words were meant as the parts of one path, unless one of them means something.
    let are_parts = names.several.iter().all(|name| name.parts().len() == 1);
    if are_parts && found.iter().all(Result::is_err) { Err(first) } else { Ok(found) }
}

/// What `name` means.
///
/// # Errors
/// When it means nothing that has columns or holds something.
pub(super) async fn one(room: &ToolRoom, name: &TableName) -> Result<Object, Missing> {
    let certain = |failure| Missing { failure, is_unknown: false };
    let cause = match room.catalog.entity(name.parts()).await {
        Ok(entity) if entity.is_dataset() || entity.is_container() => {
            return Ok(Object::Entity(Box::new(entity)));
        }
        Ok(entity) => return Err(certain(not_a_table(name, &entity))),
        Err(cause) => cause,
    };
    let DremioError::Dremio(error) = &cause else { return Err(certain(cause.into())) };
    if let Some(advice) = error.remote_message().and_then(coach::broken_view) {
        return Err(certain(Failure::from(advice).permitted(&room.gate)));
    }
    // Dremio has three answers for a path that does not exist: 404 below spaces and homes, 400
    // below databases, 500 below file systems (contract §5.2). Only the first is certain.
    let asked = quoted(name.parts());
    let what_happened = match error {
        Error::NotFound { .. } => format!("there is no table {asked}"),
        Error::Refused { status: 400, .. } | Error::ServerStatus { status: 500, .. } => {
            let said = error
                .remote_message()
                .map_or_else(String::new, |it| format!("; Dremio says: {it}"));
            format!("there is no table {asked}, or its source does not answer{said}")
        }
        _ => return Err(certain(cause.into())),
    };
    let snapshot = room.catalog.snapshot(PATIENCE).await;
    if let Some(object) = snapshot.as_deref().and_then(|snapshot| system_table(snapshot, name)) {
        return Ok(object);
    }
    let failure = Failure::new(what_happened, advice(snapshot.as_deref(), name));
    Err(Missing { failure, is_unknown: true })
}

fn system_table(snapshot: &Snapshot, name: &TableName) -> Option<Object> {
    let is_it = |path: &[String]| {
        let pairs = path.iter().zip(name.parts());
        path.len() == name.parts().len()
            && pairs.into_iter().all(|(a, b)| a.eq_ignore_ascii_case(b))
    };
    let table = snapshot.tables().find(|it| it.kind == Kind::System && is_it(&it.path))?;
    let columns = table.columns.iter().map(|it| (it.name.to_string(), it.data_type.to_string()));
    Some(Object::System { path: table.path.clone(), columns: columns.collect() })
}

fn advice(snapshot: Option<&Snapshot>, name: &TableName) -> String {
    let near = snapshot.map(|snapshot| aside(|| nearest(snapshot, name.parts(), NEAREST_MAX)));
    let near: Vec<String> =
        near.unwrap_or_default().iter().map(|table| quoted(&table.path)).collect();
    let rule = "Give the whole path from the top, and put a part that contains dots in double \
                quotes: \"source\".\"folder\".\"table\".";
    match near.as_slice() {
        [] => format!("{rule} Find tables with SearchTableAndViews."),
        near => format!("Nearest: {}. {rule}", near.join(", ")),
    }
}

fn not_a_table(name: &TableName, entity: &Entity) -> Failure {
    let asked = quoted(name.parts());
    let error = format!("{asked} is a {}, not a table or view", entity.entity_type);
    if entity.entity_type != "function" {
        return Failure::new(
            error,
            "A file must be formatted as a table in Dremio (promoted) before it can be queried.",
        );
    }
    let call = if entity.is_scalar {
        format!("SELECT {asked}(…)")
    } else {
        format!("SELECT * FROM TABLE({asked}(…))")
    };
    let arguments = entity.function_arg_list.as_deref().map_or_else(String::new, |list| {
        format!(" with ({})", super::lines::one_line(list, ARGUMENTS_CHARS_MAX))
    });
    Failure::new(
        error,
        format!("Call it in a query, {call}{arguments}; DESCRIBE FUNCTION {asked} shows more."),
    )
}
