//! Failures that are not the query's fault: what went wrong, and who can mend it.

/// What Dremio says in lower case, and what that means.
struct Trouble {
    /// Any of these stands in it.
    signs: &'static [&'static str],
    advice: &'static str,
}

/// The texts are those of Dremio 25.2 (`UserException`, `FragmentTracker`, `ManagedStoragePlugin`,
/// `MemoryAllocationUtilities`, `Foreman`, `CatalogImpl`, `ExecutionPlanCreator`), and of its
/// resource manager. The first that fits counts.
const TROUBLES: &[Trouble] = &[
    Trouble {
        signs: &[
            "lost connectivity",
            "nodes lost",
            "node lost",
            "connection reset",
            "connection refused",
            "no executor",
            "executors available",
            "engine is not online",
            "terminated unexpectedly",
        ],
        advice: "Nothing is wrong with the query: Dremio lost one of its nodes, or has none to \
                 run it. Try it again in a minute; if it fails again, this needs the operator of \
                 Dremio.",
    },
    Trouble {
        signs: &[
            "queue resources",
            "queue is full",
            "waiting in queue",
            "too many queries",
            "resource unavailable",
            "number of live queries",
            "exceeded timeout",
        ],
        advice: "Nothing is wrong with the query: Dremio is busy. Try it again in a minute.",
    },
    Trouble {
        signs: &[
            "memory limit",
            "out of memory",
            "out_of_memory",
            "outofmemory",
            "heap monitor",
            "enough memory",
            "initial memory requirement",
            "failed to spill",
            "while spilling",
            "attempting to spill",
            "no space left",
        ],
        advice: "Nothing is wrong with the SQL: Dremio has not enough memory for it. Ask for less \
                 (filter early, fewer columns, fewer groups, no ORDER BY over everything), or try \
                 it again later; the operator of Dremio can give it more.",
    },
];

/// What to do about a failure that has nothing to do with how the query is written; `None` where
/// it may have. `said` is in lower case.
pub(super) fn advice(said: &str) -> Option<&'static str> {
    let fits = |trouble: &&Trouble| trouble.signs.iter().any(|sign| said.contains(sign));
    TROUBLES.iter().find(fits).map(|trouble| trouble.advice)
}
