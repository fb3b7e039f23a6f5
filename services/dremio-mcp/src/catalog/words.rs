//! Words of names and of questions: `CustomerOrders_2024` is `customer`, `order` and `2024`.

/// Words of a question that say nothing about data.
const FILLERS: &[&str] = &[
    "a",
    "about",
    "all",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "by",
    "can",
    "column",
    "contain",
    "data",
    "database",
    "dataset",
    "do",
    "doe",
    "field",
    "find",
    "for",
    "from",
    "get",
    "give",
    "has",
    "have",
    "hold",
    "how",
    "i",
    "in",
    "information",
    "is",
    "it",
    "keep",
    "kept",
    "list",
    "look",
    "me",
    "my",
    "need",
    "of",
    "on",
    "or",
    "our",
    "per",
    "schema",
    "search",
    "show",
    "store",
    "stored",
    "table",
    "tell",
    "that",
    "the",
    "there",
    "these",
    "thi",
    "to",
    "use",
    "view",
    "want",
    "we",
    "what",
    "when",
    "where",
    "which",
    "who",
    "with",
];

/// What people shorten in names, both ways.
const SHORT: &[(&str, &str)] = &[
    ("acct", "account"),
    ("addr", "address"),
    ("amt", "amount"),
    ("avg", "average"),
    ("cat", "category"),
    ("cnt", "count"),
    ("cust", "customer"),
    ("dept", "department"),
    ("desc", "description"),
    ("dt", "date"),
    ("emp", "employee"),
    ("fname", "name"),
    ("inv", "invoice"),
    ("loc", "location"),
    ("mgr", "manager"),
    ("mth", "month"),
    ("nbr", "number"),
    ("num", "number"),
    ("org", "organization"),
    ("pct", "percent"),
    ("prod", "product"),
    ("qty", "quantity"),
    ("rev", "revenue"),
    ("tel", "phone"),
    ("trx", "transaction"),
    ("ts", "time"),
    ("txn", "transaction"),
    ("usr", "user"),
    ("whse", "warehouse"),
    ("yr", "year"),
];

/// The words of `text` in their order, small, and in the singular.
pub(super) fn words(text: &str) -> Vec<String> {
    let (mut words, mut word) = (Vec::new(), String::new());
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let starts = before.is_some_and(|before: char| {
            let next_is_small = chars.peek().is_some_and(|next| next.is_lowercase());
            (before.is_lowercase() && c.is_uppercase())
                || (before.is_uppercase() && c.is_uppercase() && next_is_small)
                || before.is_numeric() != c.is_numeric()
        });
        if !c.is_alphanumeric() || starts {
            push(&mut words, &mut word);
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        before = Some(c).filter(|c| c.is_alphanumeric());
    }
    push(&mut words, &mut word);
    words
}

fn push(words: &mut Vec<String>, word: &mut String) {
    if !word.is_empty() {
        words.push(singular(std::mem::take(word)));
    }
}

/// The words of a question that say what is looked for: all of them, if no other is left.
pub(super) fn asked(question: &str) -> Vec<String> {
    let mut all = words(question);
    let mut seen = std::collections::HashSet::new();
    all.retain(|word| seen.insert(word.clone()));
    let telling: Vec<_> =
        all.iter().filter(|word| !FILLERS.contains(&word.as_str())).cloned().collect();
    if telling.is_empty() { all } else { telling }
}

/// What `word` may be written as, too.
pub(super) fn others(word: &str) -> impl Iterator<Item = &'static str> {
    SHORT.iter().filter_map(move |(short, long)| {
        if *short == word {
            Some(*long)
        } else if *long == word {
            Some(*short)
        } else {
            None
        }
    })
}

fn singular(mut word: String) -> String {
    if word.len() > 4 && word.ends_with("ies") {
        word.truncate(word.len() - 3);
        word.push('y');
    } else if word.len() > 4 && ["sses", "xes", "ches", "shes"].iter().any(|it| word.ends_with(it))
    {
        word.truncate(word.len() - 2);
    } else if word.len() > 3
        && word.ends_with('s')
        && !["ss", "us", "is"].iter().any(|it| word.ends_with(it))
    {
        word.truncate(word.len() - 1);
    }
    word
}

#[cfg(test)]
mod tests {
    use super::{asked, words};

    #[test]
    fn names_are_taken_apart_into_words() {
        let check = |text: &str, expected: &[&str]| assert_eq!(words(text), expected, "{text}");
        check("CustomerOrders_2024", &["customer", "order", "2024"]);
        check("NYC-taxi-trips", &["nyc", "taxi", "trip"]);
        check("HTTPStatusCode", &["http", "status", "code"]);
        check("addresses", &["address"]);
        check("categories boxes", &["category", "box"]);
        check("is_gas", &["is", "gas"]);
        check("Größe@日本", &["größe", "日本"]);
        check("q1sales", &["q", "1", "sale"]);
        check("", &[]);
        check("-- ''", &[]);
    }

    #[test]
    fn fillers_count_only_where_there_is_nothing_else() {
        assert_eq!(asked("Which table has the customers?"), ["customer"]);
        assert_eq!(asked("all data"), ["all", "data"]);
        assert_eq!(asked("orders and Orders"), ["order"]);
    }
}
