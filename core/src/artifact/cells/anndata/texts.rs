//! Writing arrays of texts.

use super::{TEXTS, plain};
use anyhow::{Context as _, Result};
use zarrs::array::Array;
use zarrs::filesystem::FilesystemStore;

/// An array of texts being written; holds at most one chunk in memory.
pub struct TextStream {
    array: Array<FilesystemStore>,
    buffer: Vec<String>,
    written: usize,
    at: String,
}

impl TextStream {
    pub(super) fn new(array: Array<FilesystemStore>, at: String) -> Self {
        Self { array, buffer: Vec::new(), written: 0, at }
    }

    /// Adds texts.
    pub fn push(&mut self, texts: impl IntoIterator<Item = String>) -> Result<()> {
        for text in texts {
            self.buffer.push(text);
            if self.buffer.len() == TEXTS {
                self.store_chunk()?;
            }
        }
        Ok(())
    }

    fn store_chunk(&mut self) -> Result<()> {
        let number = (self.written / TEXTS) as u64;
        self.written += self.buffer.len();
        self.buffer.resize(TEXTS, String::new());
        self.array.set_shape(vec![self.written as u64]).with_context(|| self.at.clone())?;
        self.array.store_chunk(&[number], std::mem::take(&mut self.buffer)).with_context(|| self.at.clone())
    }

    /// Writes what is left.
    pub fn finish(mut self) -> Result<()> {
        if !self.buffer.is_empty() {
            self.store_chunk()?;
        }
        self.array.store_metadata_opt(&plain()).with_context(|| self.at.clone())
    }
}
