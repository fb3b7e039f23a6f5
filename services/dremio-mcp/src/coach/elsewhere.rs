//! Failures that are not the query's fault: what went wrong, and who can mend it.

/// What Dremio says in lower case, and what that means.
struct Failure {
    /// Any of these stands in it.
    signs: &'static [&'static str],
    advice: &'static str,
}

/// The texts are those of Dremio 25.2: `UserException`, `FragmentTracker`, `ManagedStoragePlugin`,
/// `MemoryAllocationUtilities`, `BasicResourceAllocator`, `Foreman`, `CatalogImpl`,
/// `ExecutionPlanCreator`. The first that fits counts.
const FAILURES: &[Failure] = &[
    Failure {
        signs: &[
            "lost connectivity",
            "nodes lost",
            "node lost",
            "connection reset",
            "no executor",
            "executors available",
            "executors are available",
            "engine is not online",
            "terminated unexpectedly",
            "connection closed unexpectedly",
            "channelclosedexception",
            "failure while starting fragment",
            "fragment initialization",
            "work fragments to remote nodes",
        ],
        advice: "Nothing is wrong with the query: Dremio lost one of its nodes, or has none to \
                 run it. Try it again in a minute; if it fails again, this needs the operator of \
                 Dremio.",
    },
    Failure {
        signs: &[
            "queue resources",
            "queue is full",
            "waiting in queue",
            "in queue",
            "enqueued time",
            "workload manager",
            "too many queries",
            "too many concurrent",
            "resource unavailable",
            "number of live queries",
            "exceeded timeout",
            "within timeout",
            "slots available",
        ],
        advice: "Nothing is wrong with the query: Dremio is busy. Try it again in a minute, as it \
                 is; if it goes on, this needs the operator of Dremio.",
    },
    Failure {
        signs: &[
            "memory limit",
            "job memory",
            "out of memory",
            "out_of_memory",
            "outofmemory",
            "outofdirectmemory",
            "heap monitor",
            "enough memory",
            "memory requirement",
            "allocate memory",
            "unable to allocate",
            "java heap space",
            "gc overhead",
            "direct buffer memory",
            "failed to spill",
            "while spilling",
            "to spill",
            "merge spilled",
            "no space left",
            "disk space",
        ],
        advice: "Nothing is wrong with the SQL: Dremio has not enough memory for it. Ask for less \
                 (filter early with WHERE, fewer columns, fewer groups, no ORDER BY over \
                 everything), or try it again later; the operator of Dremio can give it more.",
    },
    Failure {
        signs: &[
            "view your query is dependent upon",
            "view the query is dependent upon",
            "failure while constructing the viewtable",
        ],
        advice: "Nothing is wrong with the query: the SQL of a view that it reads cannot be \
                 parsed any more. The view's owner must mend it in Dremio; until then, query the \
                 tables below it. VIEW_DEFINITION in INFORMATION_SCHEMA.\"VIEWS\" names them.",
    },
    Failure {
        signs: &[
            "new schema found",
            "schema_change",
            "schema change",
            "multiple attempts may be necessary",
        ],
        advice: "Nothing is wrong with the query: the table's files have changed, and Dremio is \
                 learning their columns. Run the same query again, perhaps several times.",
    },
    Failure {
        signs: &[
            "re-promote",
            "refresh metadata",
            "metadata is out of date",
            "metadata out of date",
            "metadata is not valid",
            "invalid_dataset_metadata",
            "invalid metadata",
            "metadata has changed",
            "metadata may be stale",
            "unable to refresh metadata",
            "no longer exists",
            "file has been modified",
            "file not found",
            "filenotfoundexception",
            "path not found",
            "directory not found",
            "nosuchkey",
            "missing last modified times metadata",
            "schema is currently unavailable",
            "dataset definition is missing",
        ],
        advice: "Nothing is wrong with the query: what Dremio knows of the table is out of date, \
                 because its files have changed. Somebody who may must refresh the table's \
                 metadata in Dremio (ALTER TABLE ... REFRESH METADATA), or its operator; try it \
                 again then.",
    },
    Failure {
        signs: &[
            "is currently unavailable",
            "source is unavailable",
            "source_bad_state",
            "unable to connect to source",
            "could not connect",
            "cannot connect to",
            "unable to connect",
            "connection refused",
            "connection attempt failed",
            "connection timed out",
            "unknownhostexception",
            "communications link failure",
            "the authentication failed",
            "login failed for user",
            "password authentication failed",
            "access denied (service",
            "is not reachable",
            "sockettimeoutexception",
            "the network adapter could not",
        ],
        advice: "Nothing is wrong with the query: the source behind the table does not answer. \
                 Try it again later; if it fails again, this needs the operator of Dremio.",
    },
    Failure {
        signs: &["planning time exceeded", "planner ran out of", "planning phase"],
        advice: "The query is too much for Dremio's planner: ask for less in one query, with \
                 fewer joins, views and OR conditions. If simple queries fail like this, tell the \
                 operator of Dremio.",
    },
    Failure {
        signs: &["number of splits", "number of files", "exceeds dataset split limit"],
        advice: "The query reads too many files: filter by the columns that the table is \
                 partitioned by, so that it reads fewer.",
    },
    Failure {
        signs: &[
            "not authorized",
            "permission denied",
            "access denied",
            "not allowed to",
            "no privilege",
            "does not have permission",
            "lacks permission",
        ],
        advice: "Nothing is wrong with the SQL: Dremio's user may not read this. Use another \
                 table, or ask the operator of Dremio for the right.",
    },
    Failure {
        signs: &["query cancelled by user", "query was cancelled", "query canceled"],
        advice: "Nothing is wrong with the query: somebody or some limit stopped it. Try it \
                 again, or ask for less.",
    },
    Failure {
        signs: &[
            "system error",
            "internal error",
            "nullpointerexception",
            "unexpected error occurred",
            "illegalstateexception",
            "unexpected exception",
            "assertionerror",
        ],
        advice: "Nothing in the query explains this failure inside Dremio. Try it again; if it \
                 fails again, write it more simply, or tell the operator of Dremio.",
    },
];

/// How many of the failures leave open that the query has to do with them.
const UNSURE: usize = 1;

/// What to do about a failure that has nothing to do with how the query is written; `None` where
/// it may have. Names and values in `said` count for nothing.
pub(super) fn advice(said: &str) -> Option<&'static str> {
    search(said, FAILURES.get(..FAILURES.len() - UNSURE)?)
}

/// The same of a failure that nothing else explains.
pub(super) fn unexplained(said: &str) -> Option<&'static str> {
    search(said, FAILURES)
}

fn search(said: &str, failures: &[Failure]) -> Option<&'static str> {
    let said = without_names(said).to_lowercase();
    let fits = |failure: &&Failure| failure.signs.iter().any(|sign| said.contains(sign));
    failures.iter().find(fits).map(|failure| failure.advice)
}

/// The text without what stands in quotes. An apostrophe within a word is none.
fn without_names(said: &str) -> String {
    let (mut text, mut quote, mut last) = (String::new(), None, ' ');
    for c in said.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => {}
            None if c == '"' || c == '\'' && !last.is_alphanumeric() => quote = Some(c),
            None => text.push(c),
        }
        last = c;
    }
    text
}
