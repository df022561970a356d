//! `--merge`: shards of embeddings, or of predictions, to the table that one run would have written.

use panfoma_core::artifact::streamed::{self, StreamedTable};
use panfoma_core::artifact::table::Table;
use panfoma_core::artifact::{Header, Shard, embeddings, predictions, shard};
use panfoma_core::stage::{Context, Progress, UserError};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// One shard: its place, its table, and what it says of itself besides.
struct Part {
    shard: Shard,
    table: Table,
    header: Value,
}

/// Joins shards, named in any order, to `output`. Row groups are copied: shards are cut where row groups begin, so the bytes are
/// those of a run without `--shard`.
pub fn run(paths: &[PathBuf], output: &Path, context: &Context) -> anyhow::Result<()> {
    context.refuse_existing(output)?;
    let parts = open(&shard::without_records(paths))?;
    let n_cells: usize = parts.iter().map(|part| part.table.n_rows()).sum();
    if context.dry_run {
        println!("{} shards, {n_cells} cells", parts.len());
        return Ok(());
    }
    let schema = parts[0].table.schema().clone();
    let columns: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    let mut merged = StreamedTable::create(output, &schema, &parts[0].header)?;
    let mut progress = Progress::new("cells merged", n_cells as u64);
    for part in parts {
        for batch in streamed::batches(part.table, columns.clone()) {
            context.interrupt.check()?;
            let batch = batch?;
            progress.add(batch.num_rows() as u64);
            merged.write(batch)?;
        }
    }
    progress.finish();
    merged.finish()
}

/// The shards in their order. Errors name the file that is no shard, of another run, there twice, or missing.
fn open(paths: &[PathBuf]) -> anyhow::Result<Vec<Part>> {
    let mut parts = paths.iter().map(|path| Part::open(path)).collect::<anyhow::Result<Vec<_>>>()?;
    parts.sort_by_key(|part| part.shard);
    for other in parts.iter().skip(1) {
        other.expect_kin(&parts[0])?;
    }
    shard::expect_whole(&parts.iter().map(|part| (part.shard, part.table.path())).collect::<Vec<_>>())?;
    Ok(parts)
}

impl Part {
    fn open(path: &Path) -> anyhow::Result<Self> {
        let table = Table::open(path)?;
        let Header { format, .. } = table.header()?;
        if ![embeddings::FORMAT, predictions::FORMAT].contains(&format.as_str()) {
            let what =
                format!("`{}` is a `{format}` artifact, expected shards of this stage", path.display());
            return Err(UserError::bad_data(what).into());
        }
        let mut header: Value = table.header()?;
        let shard = header.as_object_mut().and_then(|fields| fields.remove("shard"));
        let Some(shard) = shard else {
            let what = format!("`{}` holds all cells, no shard of them", path.display());
            return Err(UserError::bad_data(what).hint("`panfoma-embed --shard I/N` makes shards").into());
        };
        Ok(Self { shard: serde_json::from_value(shard)?, table, header })
    }

    /// Refuses a shard that was made from other inputs or with other flags.
    fn expect_kin(&self, first: &Self) -> Result<(), UserError> {
        let differs = |pointer: &str| self.header.pointer(pointer) != first.header.pointer(pointer);
        let what = match () {
            () if differs("/format") => "columns",
            () if differs("/provenance/inputs") => "tokens or model",
            () if differs("/provenance/config") || differs("/provenance/seed") => "flags or seed",
            () if self.header != first.header => "program or classes",
            () => return Ok(()),
        };
        let (path, first) = (self.table.path().display(), first.table.path().display());
        Err(UserError::bad_data(format!(
            "`{path}` is a shard of another run than `{first}`: its {what} differ"
        ))
        .hint("make all shards with one program, one input and the same flags but `--shard`"))
    }
}
