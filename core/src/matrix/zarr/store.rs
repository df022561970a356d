//! A Zarr directory: its groups, arrays and attributes, of either version.

use super::array::Array;
use super::metadata::Metadata;
use crate::stage::UserError;
use anyhow::{Context as _, Result};
use serde_json::Value as Json;
use std::io;
use std::path::{Path, PathBuf};

/// An opened store that knows its path for messages.
pub(super) struct Store {
    pub path: PathBuf,
}

/// A group or an array, with its attributes.
pub(super) enum Node {
    Group(Json),
    Array(Box<Array>),
}

impl Store {
    /// What stands at this path; `None` if nothing does.
    ///
    /// Errors: 65 if its metadata are not understood.
    pub fn node(&self, path: &str) -> Result<Option<Node>> {
        // A name that leads out of the store names nothing.
        if path.split('/').any(|part| part == "..") {
            return Ok(None);
        }
        let directory = self.path.join(path.trim_matches('/'));
        if let Some(json) = self.json(&directory.join("zarr.json"))? {
            let attributes = json["attributes"].clone();
            return match json["node_type"].as_str() {
                Some("array") => self.array(path, directory, &json, attributes, false).map(Some),
                _ => Ok(Some(Node::Group(attributes))),
            };
        }
        let attributes = self.json(&directory.join(".zattrs"))?.unwrap_or(Json::Null);
        if let Some(json) = self.json(&directory.join(".zarray"))? {
            return self.array(path, directory, &json, attributes, true).map(Some);
        }
        let group = directory.join(".zgroup").exists() || !attributes.is_null();
        Ok(group.then_some(Node::Group(attributes)))
    }

    fn array(&self, path: &str, directory: PathBuf, json: &Json, attributes: Json, v2: bool) -> Result<Node> {
        let metadata =
            Metadata::parse(json, v2).map_err(|what| self.bad(format!("`{path}` cannot be read: {what}")))?;
        Ok(Node::Array(Box::new(Array { path: path.to_owned(), directory, metadata, attributes })))
    }

    fn json(&self, path: &Path) -> Result<Option<Json>> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) if [io::ErrorKind::NotFound, io::ErrorKind::NotADirectory].contains(&error.kind()) => {
                return Ok(None);
            }
            Err(error) => return Err(error).with_context(|| format!("reading `{}`", path.display())),
        };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| {
            let name = path.strip_prefix(&self.path).unwrap_or(path).display();
            self.bad(format!("`{name}` is not valid JSON: {error}"))
        })
    }

    /// The array at this path.
    pub fn array_at(&self, path: &str) -> Result<Array> {
        match self.node(path)? {
            Some(Node::Array(array)) => Ok(*array),
            Some(Node::Group(_)) => Err(self.bad(format!("`{path}` is a group, expected an array"))),
            None => Err(self.bad(format!("`{path}` is missing"))),
        }
    }

    /// Names of a group's children, sorted; none if there is no such group.
    pub fn names(&self, path: &str) -> Result<Vec<String>> {
        let Ok(entries) = std::fs::read_dir(self.path.join(path)) else { return Ok(Vec::new()) };
        let mut names = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.path().is_dir() && self.node(&format!("{path}/{name}"))?.is_some() {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// 65 with the path in front.
    pub fn bad(&self, message: String) -> anyhow::Error {
        UserError::bad_data(format!("`{}`: {message}", self.path.display())).into()
    }

    /// 65: what `work` says of the array at `path`.
    pub fn checked<T>(&self, path: &str, work: Result<T, String>) -> Result<T> {
        work.map_err(|what| {
            UserError::bad_data(format!("`{}`: cannot read `{path}`: {what}", self.path.display()))
                .hint("the store is damaged or was not copied whole: fetch it again")
                .into()
        })
    }
}

/// A text among attributes.
pub(super) fn text<'a>(attributes: &'a Json, name: &str) -> Option<&'a str> {
    attributes.get(name).and_then(Json::as_str)
}
