//! The endpoint that a client is set up for, and the key that it presents there.

use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

/// Longer names are cut or refused by some clients, which put them before each tool's name.
const NAME_CHARS_MAX: usize = 32;

/// Where clients connect. Whatever it holds can stand in a shell line, in JSON, TOML and YAML
/// without being quoted further.
#[derive(Clone, Debug)]
pub struct Endpoint {
    name: String,
    url: String,
    key: Option<Key>,
}

/// The key that the endpoint wants.
#[derive(Clone, Debug)]
pub struct Key {
    /// The environment variable by which clients that can will find it.
    pub variable: String,
    /// The file that holds it, for lines that people paste.
    pub file: Option<PathBuf>,
    /// The key itself. Only needed for clients that cannot read a variable, and for a check.
    pub value: Option<SecretString>,
}

/// Why this cannot be an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// Not an address.
    #[error("{text:?} is not an address: write for example http://127.0.0.1:8000/mcp")]
    NotAnAddress {
        /// What was given.
        text: String,
    },
    /// An address of something else than a web server.
    #[error("{scheme}: is not http: or https:")]
    NotHttp {
        /// What stands before the colon.
        scheme: String,
    },
    /// Clients ignore or refuse these.
    #[error("an address with a user name or password in it: give the key by --key-file")]
    Credentials,
    /// It would not survive a shell or a file.
    #[error("an address with the character {character:?}: write it percent-encoded")]
    Character {
        /// The first such character.
        character: char,
    },
    /// Clients make parts of tool names of it.
    #[error(
        "the name {text:?}: 1 to {NAME_CHARS_MAX} letters, digits, '-' and '_', a letter first"
    )]
    Name {
        /// What was given.
        text: String,
    },
    /// No shell takes it.
    #[error("{text:?} is not the name of a variable: letters, digits and '_', no digit first")]
    Variable {
        /// What was given.
        text: String,
    },
}

impl Endpoint {
    /// An endpoint under `name`, by which the client lists it.
    ///
    /// # Errors
    /// When the address or a name could be misread somewhere.
    pub fn new(name: &str, url: &str, key: Option<Key>) -> Result<Self, EndpointError> {
        let is_word = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let first_is_letter = name.starts_with(|letter: char| letter.is_ascii_alphabetic());
        if !first_is_letter
            || name.len() > NAME_CHARS_MAX
            || !name.chars().all(|letter| is_word(letter) || letter == '-')
        {
            return Err(EndpointError::Name { text: name.to_owned() });
        }
        if let Some(Key { variable, .. }) = &key
            && (variable.is_empty()
                || variable.starts_with(|letter: char| letter.is_ascii_digit())
                || !variable.chars().all(is_word))
        {
            return Err(EndpointError::Variable { text: variable.clone() });
        }
        let parsed = Url::parse(url)
            .map_err(|_| EndpointError::NotAnAddress { text: url.chars().take(200).collect() })?;
        if !["http", "https"].contains(&parsed.scheme()) {
            return Err(EndpointError::NotHttp { scheme: parsed.scheme().to_owned() });
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        let url = parsed.to_string();
        let harmless = |letter: char| letter.is_ascii_graphic() && !"\"'`$\\{}<>|".contains(letter);
        if let Some(character) = url.chars().find(|letter| !harmless(*letter)) {
            return Err(EndpointError::Character { character });
        }
        Ok(Self { name: name.to_owned(), url, key })
    }

    /// The name under which clients list it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The key that it wants, if it wants one.
    #[must_use]
    pub fn key(&self) -> Option<&Key> {
        self.key.as_ref()
    }
}

/// The first key in the text of a file of keys: one a line, blank lines and `#` comments left out.
#[must_use]
pub fn first_key(text: &str) -> Option<SecretString> {
    let mut lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
    let key = lines.find(|line| !line.is_empty() && !line.starts_with('#'))?;
    key.bytes().all(|byte| byte.is_ascii_graphic()).then(|| key.into())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::{Endpoint, EndpointError, Key, first_key};

    #[test]
    fn what_could_be_misread_is_refused() {
        let with = |name, url| Endpoint::new(name, url, None).map(|it| it.url().to_owned());
        assert_eq!(
            with("dremio", "http://127.0.0.1:8000/mcp").unwrap(),
            "http://127.0.0.1:8000/mcp"
        );
        assert_eq!(with("d", "https://x.example").unwrap(), "https://x.example/");
        for (url, said) in [
            ("127.0.0.1:8000/mcp", "not an address"),
            ("localhost:8000/mcp", "not http: or https:"),
            ("ftp://x/mcp", "not http: or https:"),
            ("http://u:p@x/mcp", "user name"),
            ("http://x/'; rm -rf", "percent-encoded"),
            ("http://x/$(id)", "percent-encoded"),
        ] {
            let cause = with("dremio", url).unwrap_err().to_string();
            assert!(cause.contains(said), "{url}: {cause}");
        }
        for name in ["", "a b", "a.b", "1a", "a\"", &"a".repeat(33)] {
            let cause = with(name, "http://x/mcp").unwrap_err();
            assert_eq!(cause, EndpointError::Name { text: name.to_owned() });
        }
        for variable in ["", "1A", "A-B", "A B", "A$(id)"] {
            let key = Key { variable: variable.to_owned(), file: None, value: None };
            let cause = Endpoint::new("dremio", "http://x/mcp", Some(key)).unwrap_err();
            assert_eq!(cause, EndpointError::Variable { text: variable.to_owned() });
        }
    }

    #[test]
    fn the_first_key_of_a_file() {
        let first = |text| first_key(text).map(|key| key.expose_secret().to_owned());
        assert_eq!(first("# team a\n\n  abc  \ndef\n").as_deref(), Some("abc"));
        assert_eq!(first("\u{feff}abc\r\n").as_deref(), Some("abc"));
        assert_eq!(first("# none\n"), None);
        assert_eq!(first("two words\n"), None);
    }
}
