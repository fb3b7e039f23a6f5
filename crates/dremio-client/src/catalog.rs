//! Catalog objects with their wiki and tags (contract §5).

use http::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::exchange::{Call, Credential};
use crate::segment::{encode_query, encode_segment};
use crate::{DremioClient, Error};

/// Largest catalog object. A folder lists all its children, about 250 bytes each: room for about
/// 16,000 of them.
const ENTITY_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Largest wiki or list of tags. Dremio's own limit for a wiki is 100,000 characters.
const COLLABORATION_BYTES_MAX: usize = 1024 * 1024;

#[derive(Deserialize)]
struct WikiAnswer {
    text: String,
}

#[derive(Deserialize)]
struct TagsAnswer {
    tags: Vec<String>,
}

impl DremioClient {
    /// The object at `path`, one unquoted element per name (`GET /api/v3/catalog/by-path/…`), as
    /// sent by Dremio.
    ///
    /// # Errors
    /// [`Error::NotFound`] for a missing name below a space or a home, and for a path that no
    /// object can have (empty, or with an empty or dot-only name). Below a source Dremio answers
    /// differently: [`Error::Refused`] (databases) or [`Error::ServerStatus`] with 500 (files).
    /// [`Error::remote_message`] has Dremio's message.
    pub async fn catalog_by_path(
        &self,
        token: &SecretString,
        path: &[String],
    ) -> Result<Box<RawValue>, Error> {
        const OPERATION: &str = "catalog lookup by path";
        let segments: Option<Vec<String>> = path.iter().map(|name| encode_segment(name)).collect();
        let Some(segments) = segments.filter(|segments| !segments.is_empty()) else {
            return Err(Error::NotFound { operation: OPERATION, message: None });
        };
        self.entity(OPERATION, token, &format!("/api/v3/catalog/by-path/{}", segments.join("/")))
            .await
    }

    /// The object with this id (`GET /api/v3/catalog/{id}`), as sent by Dremio.
    ///
    /// # Errors
    /// As for [`catalog_by_path`](Self::catalog_by_path).
    pub async fn catalog_by_id(
        &self,
        token: &SecretString,
        id: &str,
    ) -> Result<Box<RawValue>, Error> {
        const OPERATION: &str = "catalog lookup by id";
        let Some(id) = encode_segment(id) else {
            return Err(Error::NotFound { operation: OPERATION, message: None });
        };
        self.entity(OPERATION, token, &format!("/api/v3/catalog/{id}")).await
    }

    /// The objects on the top level, `{"data":[…]}` as sent by Dremio (`GET /api/v3/catalog`): the
    /// caller's home, spaces and sources (contract §5.1).
    ///
    /// # Errors
    /// Those of any call.
    pub async fn catalog_top(&self, token: &SecretString) -> Result<Box<RawValue>, Error> {
        self.entity("catalog listing", token, "/api/v3/catalog").await
    }

    /// At most 50 objects whose names, tags, path parts or columns match `text`, `{"data":[…]}` as
    /// sent by Dremio (`GET /api/v3/catalog/search`, contract §5.3). New objects appear late.
    ///
    /// # Errors
    /// Those of any call.
    pub async fn catalog_search(
        &self,
        token: &SecretString,
        text: &str,
    ) -> Result<Box<RawValue>, Error> {
        let path = format!("/api/v3/catalog/search?query={}", encode_query(text));
        self.entity("catalog search", token, &path).await
    }

    /// The wiki text of the object with this id; `None` if it has none. The first read of a home's
    /// wiki makes Dremio store a default one.
    ///
    /// # Errors
    /// [`Error::Refused`] (400) for an unknown id, and for an object that cannot have a wiki.
    pub async fn wiki(&self, token: &SecretString, id: &str) -> Result<Option<String>, Error> {
        let answer: WikiAnswer =
            self.collaboration("wiki lookup", token, id, "wiki", "no text in it").await?;
        Ok(Some(answer.text).filter(|text| !text.is_empty()))
    }

    /// The tags of the table or view with this id.
    ///
    /// # Errors
    /// [`Error::Refused`] (400) for an unknown id, and for anything that is not a table or a view.
    pub async fn tags(&self, token: &SecretString, id: &str) -> Result<Vec<String>, Error> {
        let answer: TagsAnswer =
            self.collaboration("tag lookup", token, id, "tag", "no tags in it").await?;
        Ok(answer.tags)
    }

    async fn entity(
        &self,
        operation: &'static str,
        token: &SecretString,
        path: &str,
    ) -> Result<Box<RawValue>, Error> {
        let entity: Box<RawValue> = self
            .transport
            .exchange(call(operation, token, path, ENTITY_BYTES_MAX))
            .await?
            .json("not a complete object")?;
        if !entity.get().starts_with('{') {
            return Err(Error::BadAnswer { operation, problem: "not an object" });
        }
        Ok(entity)
    }

    async fn collaboration<T: serde::de::DeserializeOwned>(
        &self,
        operation: &'static str,
        token: &SecretString,
        id: &str,
        what: &str,
        problem: &'static str,
    ) -> Result<T, Error> {
        let Some(id) = encode_segment(id) else {
            return Err(Error::NotFound { operation, message: None });
        };
        let path = format!("/api/v3/catalog/{id}/collaboration/{what}");
        self.transport
            .exchange(call(operation, token, &path, COLLABORATION_BYTES_MAX))
            .await?
            .json(problem)
    }
}

fn call<'a>(
    operation: &'static str,
    token: &'a SecretString,
    path_and_query: &'a str,
    answer_bytes_max: usize,
) -> Call<'a> {
    Call {
        operation,
        method: Method::GET,
        path_and_query,
        credential: Some(Credential::Bearer(token)),
        body: None,
        answer_bytes_max,
        is_bulk: false,
        keeps_message: true,
    }
}
