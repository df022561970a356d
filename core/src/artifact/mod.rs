//! The files that stages pass to one another: one module a schema.
//!
//! Each artifact names its `format`, `version` (breaking) and `revision` (compatible), and says how it was made.
//! Writers work under a temporary name in the same directory and rename; readers validate before use.

pub mod atomic;
pub mod cells;
pub mod checkpoint;
pub mod edges;
pub mod embeddings;
pub mod metrics;
pub mod obs;
pub mod predictions;
pub mod programs;
pub mod provenance;
pub mod shard;
pub mod streamed;
pub mod table;
pub mod tokens;
pub mod vocabulary;

pub use provenance::Provenance;
pub use shard::Shard;

use crate::stage::UserError;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What every artifact begins with.
///
/// ```json
/// {"format": "panfoma.tokens", "version": 1, "revision": 0, "provenance": {"tool": "panfoma-tokenize", "...": 0}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Name of the schema, `panfoma.<artifact>`.
    pub format: String,
    /// Grows when an older reader would misread.
    pub version: u32,
    /// Grows when something is added that older readers may ignore.
    pub revision: u32,
    /// How the artifact was made.
    pub provenance: Provenance,
}

impl Header {
    /// A header of this format and version, revision 0.
    pub fn new(format: &str, version: u32, provenance: Provenance) -> Self {
        Self { format: format.to_owned(), version, revision: 0, provenance }
    }

    /// Refuses another format or a newer breaking version, naming the file.
    pub fn expect(&self, format: &str, version: u32, path: &Path) -> Result<(), UserError> {
        if self.format != format {
            return Err(UserError::bad_data(format!(
                "`{}` is a `{}` artifact, expected `{format}`",
                path.display(),
                self.format
            )));
        }
        if self.version != version {
            return Err(UserError::bad_data(format!(
                "`{}` has version {} of `{format}`, this program reads version {version}",
                path.display(),
                self.version
            ))
            .hint("make the artifact again with this release, or use the release that wrote it"));
        }
        Ok(())
    }
}
