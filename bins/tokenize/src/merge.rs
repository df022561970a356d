//! `--merge`: shards to the tokens that one run would have written.

use crate::report;
use anyhow::{Context as _, Result};
use panfoma_core::artifact::tokens::{Index, Shards, TokensWriter};
use panfoma_core::artifact::{atomic, provenance, shard};
use panfoma_core::stage::{Context, Progress, UserError};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Reads every shard once, a row group at a time, and writes the whole.
///
/// Row groups and parts are cut anew, so the bytes are those of a run without `--shard`; the provenance is the shards'
/// own.
pub fn run(paths: &[PathBuf], output: &Path, context: &Context, started: Instant) -> Result<()> {
    context.refuse_existing(output)?;
    let paths = shard::without_records(paths);
    let shards = Shards::open(&paths)?;
    if context.dry_run {
        println!("{} shards, {} cells", paths.len(), shards.n_cells());
        return Ok(());
    }
    if shards.n_cells() == 0 {
        return Err(UserError::bad_data("no cell expresses a gene of the vocabulary").into());
    }
    let write = |directory: &Path| -> Result<Index> {
        let mut writer = TokensWriter::create(directory, shards.content())?;
        let mut progress = Progress::new("cells merged", shards.n_cells() as u64);
        for block in shards.blocks() {
            context.interrupt.check()?;
            let block = block?;
            let n_cells = block.splits.len() as u64;
            writer.push(block)?;
            progress.add(n_cells);
        }
        progress.finish();
        writer.finish()
    };
    let index =
        atomic::write_directory(output, write).with_context(|| format!("writing `{}`", output.display()))?;
    report::log_result(&index, output);
    provenance::write_run_record(output, context, started)
}
