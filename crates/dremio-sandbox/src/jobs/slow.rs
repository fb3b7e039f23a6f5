//! Queries whose jobs take long.

use std::str::FromStr;
use std::time::Duration;

use service_kit::parse_duration;

/// Which queries are slow, and how long their jobs take at least. Read from text like
/// `Sales.orders=30s`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlowQuery {
    /// Queries that contain this, whatever the case and the space between the words.
    pub containing: String,
    /// From submission to COMPLETED, through all states of a job.
    pub duration: Duration,
}

impl SlowQuery {
    pub(super) fn covers(&self, sql: &str) -> bool {
        bare(sql).contains(&bare(&self.containing))
    }
}

/// A text without what a client may change on the way: case and space.
fn bare(text: &str) -> String {
    text.split_whitespace().collect::<String>().to_lowercase()
}

impl FromStr for SlowQuery {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (containing, duration) =
            text.rsplit_once('=').ok_or("give a text and a duration, as in Sales.orders=30s")?;
        let duration = parse_duration(duration.trim())?;
        Ok(Self { containing: containing.to_owned(), duration })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_found_in_any_spelling() {
        let slow: SlowQuery = "from Sales.Orders = 30s".parse().unwrap();
        assert_eq!(slow.duration, Duration::from_secs(30));
        assert!(slow.covers("SELECT *\n FROM sales . orders"));
        assert!(!slow.covers("SELECT * FROM Sales.products"));
        assert!("30s".parse::<SlowQuery>().is_err());
        assert!("orders=soon".parse::<SlowQuery>().is_err());
    }
}
