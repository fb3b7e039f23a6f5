//! Functions over text that look at what it is: sounds, distances, spellings, addresses.

use rusqlite::types::Value;
use unicode_normalization::UnicodeNormalization as _;
use url::Url;

use super::call::Call;
use super::row::{Function, Rule, row};
use super::texts::{size, within};
use super::{FunctionError, Outcome, unsupported};

pub(super) const ROWS: &[Function] = &[
    row("CHR", "int", Rule::Varchar, |call| {
        let number = call.integer(0)?;
        let char = u32::try_from(number).ok().and_then(char::from_u32);
        char.map(|char| Value::Text(char.to_string())).ok_or_else(|| {
            FunctionError(format!("Input {number} is not a valid Unicode code point"))
        })
    }),
    row("SOUNDEX", "text", Rule::Varchar, |call| Ok(soundex(&call.text(0)))).with_nulls(),
    row("LEVENSHTEIN", "text, text", Rule::Integer, |call| {
        Ok(size(distance(&call.text(0), &call.text(1))?))
    }),
    row("QUOTE", "text", Rule::Varchar, |call| {
        let text = call.text(0);
        let quoted =
            if text.is_empty() { text } else { format!("'{}'", text.replace('\'', "\\'")) };
        Ok(Value::Text(quoted))
    }),
    row("NORMALIZE_STRING", "text, text", Rule::Varchar, normalized),
    row("PARSE_URL", "text, text, text?", Rule::Varchar, |call| {
        Ok(part_of_url(call).map_or(Value::Null, Value::Text))
    }),
    row("TOASCII", "text, text", Rule::Varchar, from_charset),
    row("TO_UTF8", "text, text", Rule::Varchar, from_charset),
    row("ENCODE", "text, text", Rule::Varbinary, |call| {
        let (text, charset) = (call.text(0), call.text(1));
        let unknown = || unsupported(&format!("ENCODE with '{charset}'"));
        Ok(Value::Blob(match charset.to_uppercase().as_str() {
            "UTF-8" => text.into_bytes(),
            "US-ASCII" if text.is_ascii() => text.into_bytes(),
            "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            _ => return Err(unknown()),
        }))
    }),
];

/// The first letter and three digits for the consonants after it.
fn soundex(text: &str) -> Value {
    const DIGITS: &[u8; 26] = b"01230120022455012623010202";
    let letters: Vec<u8> = text
        .bytes()
        .filter(u8::is_ascii_alphabetic)
        .map(|byte| byte.to_ascii_uppercase())
        .collect();
    let digit = |letter: u8| DIGITS.get(usize::from(letter - b'A')).copied().unwrap_or(b'0');
    let Some((first, rest)) = letters.split_first() else {
        return if text.is_empty() { Value::Text(String::new()) } else { Value::Null };
    };
    let mut digits: Vec<u8> = rest.iter().map(|letter| digit(*letter)).collect();
    digits.dedup();
    if digits.first() == Some(&digit(*first)) {
        digits.remove(0);
    }
    digits.retain(|digit| *digit != b'0');
    digits.resize(3, b'0');
    let code = std::iter::once(*first).chain(digits).map(char::from);
    Value::Text(code.collect())
}

/// How many letters are put in, taken out or replaced between two texts.
fn distance(one: &str, other: &str) -> Result<usize, FunctionError> {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    within(one.len().saturating_mul(other.len()))?;
    let mut costs: Vec<usize> = (0..=other.len()).collect();
    for (row, left) in one.iter().enumerate() {
        let mut diagonal = row;
        let mut before = row + 1;
        let mut next = vec![before];
        for (right, above) in other.iter().zip(costs.iter().skip(1)) {
            let replaced = diagonal + usize::from(left != right);
            before = replaced.min(above + 1).min(before + 1);
            diagonal = *above;
            next.push(before);
        }
        costs = next;
    }
    Ok(costs.last().copied().unwrap_or(0))
}

fn normalized(call: &Call<'_>) -> Outcome {
    let text = call.text(0);
    Ok(Value::Text(match call.text(1).to_uppercase().as_str() {
        "NFC" => text.nfc().collect(),
        "NFD" => text.nfd().collect(),
        "NFKC" => text.nfkc().collect(),
        "NFKD" => text.nfkd().collect(),
        _ => {
            return Err(FunctionError(
                "Unknown normalization form specified, valid values are: NFD, NFC, NFKD, NFKC"
                    .to_owned(),
            ));
        }
    }))
}

/// A part of an address by its name; with a third argument, the value of that key in the query.
fn part_of_url(call: &Call<'_>) -> Option<String> {
    let text = call.text(0);
    let url = Url::parse(&text).ok()?;
    // An address without a path has none in Java, where it is "/" here.
    let is_bare = text.split_once("://").is_some_and(|(_, rest)| !rest.contains('/'));
    let path = if is_bare { "" } else { url.path() };
    let query = url.query().map(str::to_owned);
    let part = call.text(1).to_uppercase();
    if call.len() > 2 {
        let key = format!("{}=", call.text(2));
        let query = query.filter(|_| part == "QUERY")?;
        return query.split('&').find_map(|pair| pair.strip_prefix(&key)).map(str::to_owned);
    }
    let user = || match url.password() {
        Some(password) => format!("{}:{password}", url.username()),
        None => url.username().to_owned(),
    };
    match part.as_str() {
        "HOST" => url.host_str().map(str::to_owned),
        "PATH" => Some(path.to_owned()),
        "QUERY" => query,
        "REF" => url.fragment().map(str::to_owned),
        "PROTOCOL" => Some(url.scheme().to_owned()),
        "FILE" => Some(match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        }),
        "AUTHORITY" => {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            let user = Some(user()).filter(|user| !user.is_empty());
            let user = user.map(|user| format!("{user}@")).unwrap_or_default();
            Some(format!("{user}{}{port}", url.host_str().unwrap_or_default()))
        }
        "USERINFO" => Some(user()).filter(|user| !user.is_empty()),
        _ => None,
    }
}

/// The bytes of a text, read in another character set; ASCII is the same in most.
fn from_charset(call: &Call<'_>) -> Outcome {
    let (text, charset) = (call.text(0), call.text(1));
    let upper = charset.to_uppercase();
    let has_ascii = ["US-ASCII", "UTF-8"].contains(&upper.as_str())
        || upper.starts_with("ISO-8859-")
        || upper.starts_with("WINDOWS-125");
    if text.is_ascii() && has_ascii || upper == "UTF-8" {
        return Ok(Value::Text(text));
    }
    Err(unsupported(&format!("Text in the character set '{charset}'")))
}
