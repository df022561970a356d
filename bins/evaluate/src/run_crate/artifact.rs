//! One artifact: what its header and the record beside it say.

use super::time::utc;
use anyhow::Context as _;
use panfoma_core::artifact::cells::Cells;
use panfoma_core::artifact::provenance::Input;
use panfoma_core::artifact::table::Table;
use panfoma_core::artifact::{Header, Provenance};
use panfoma_core::stage::UserError;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::Path;

/// Files that hold the header of a directory.
const INDICES: [&str; 3] = ["_index.json", "config.json", "metrics.json"];

/// An artifact of the crate.
pub struct Artifact {
    /// Its path from the crate's root; that of a directory ends with a slash.
    pub id: String,
    /// How it is referred to by what was made from it.
    pub digests: Vec<String>,
    /// How it was made.
    pub provenance: Provenance,
    /// When, and by which command, if the record is there.
    pub run: Option<Run>,
    format: String,
    is_directory: bool,
}

/// What `<artifact>.run.json` says.
pub struct Run {
    /// RFC 3339.
    pub started: String,
    /// RFC 3339.
    pub ended: String,
    /// As it was typed.
    pub command: String,
}

#[derive(Deserialize)]
struct Record {
    started_unix: u64,
    seconds: f64,
    command: Vec<String>,
}

impl Artifact {
    /// Reads the header and digests the bytes. root: of the crate, canonical
    pub fn read(path: &Path, root: &Path) -> anyhow::Result<Self> {
        if !path.exists() {
            return Err(UserError::missing(path).into());
        }
        let whole = path.canonicalize()?;
        let inside = whole.strip_prefix(root).map_err(|_| {
            UserError::usage(format!("`{}` lies outside `{}`", path.display(), root.display()))
                .hint("write the crate's description into a directory that holds every artifact")
        })?;
        let header = header(path)?;
        let mut digests = vec![Input::digest(path)?.blake3];
        // What is made from tokens names their index.
        let index = path.join("_index.json");
        if index.is_file() {
            digests.push(Input::digest(&index)?.blake3);
        }
        let is_directory = path.is_dir();
        let id = inside.to_string_lossy().into_owned() + if is_directory { "/" } else { "" };
        Ok(Self {
            id,
            digests,
            provenance: header.provenance,
            run: run(path)?,
            format: header.format,
            is_directory,
        })
    }

    /// As RO-Crate names it.
    pub fn entity(&self) -> Value {
        json!({
            "@id": self.id,
            "@type": if self.is_directory { "Dataset" } else { "File" },
            "name": self.id.trim_end_matches('/'),
            "description": format!("{} artifact", self.format),
            "encodingFormat": self.format,
            "identifier": format!("blake3:{}", self.digests[0]),
        })
    }
}

/// The header of any artifact.
fn header(path: &Path) -> anyhow::Result<Header> {
    if path.join("zarr.json").is_file() {
        return Ok(Cells::open(path)?.header().clone());
    }
    if path.is_file() && path.extension().is_some_and(|extension| extension == "parquet") {
        return Table::open(path)?.header();
    }
    let index = INDICES.iter().map(|name| path.join(name)).find(|file| file.is_file());
    let Some(index) = index else {
        return Err(UserError::bad_data(format!("`{}` is no artifact of this toolkit", path.display()))
            .hint("name cells.zarr, tokens, models, tables and evaluations")
            .into());
    };
    let text = std::fs::read_to_string(&index).with_context(|| format!("reading `{}`", index.display()))?;
    serde_json::from_str(&text)
        .map_err(|error| UserError::bad_data(format!("`{}`: {error}", index.display())).into())
}

fn run(path: &Path) -> anyhow::Result<Option<Run>> {
    let mut name = path.as_os_str().to_owned();
    name.push(".run.json");
    let Ok(text) = std::fs::read_to_string(&name) else { return Ok(None) };
    let Record { started_unix, seconds, command } = serde_json::from_str(&text)
        .map_err(|error| UserError::bad_data(format!("`{}`: {error}", Path::new(&name).display())))?;
    let ended = started_unix + seconds.ceil() as u64;
    Ok(Some(Run { started: utc(started_unix), ended: utc(ended), command: command.join(" ") }))
}
