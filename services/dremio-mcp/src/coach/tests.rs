//! The coach against failing queries as agents write them; the catalog is the stand-in's.

mod cases;
mod corpus;
pub(super) mod demo;
mod hostile;
mod unparsed;

use super::advise;
use demo::catalog;

/// Checks that the advice on `sql` holds each of `needs`.
fn check(sql: &str, said: &str, needs: &[&str]) {
    let advice = advise(sql, said, Some(catalog()));
    let missing: Vec<_> = needs.iter().filter(|need| !advice.fix.contains(**need)).collect();
    assert!(missing.is_empty(), "{sql}\n{said}\nlacks {missing:?}: {}", advice.fix);
}
