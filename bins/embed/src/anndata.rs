//! An AnnData Zarr with the embeddings beside the counts.

use anyhow::Context as _;
use panfoma_core::artifact::cells::{Cells, ObsmWriter};
use panfoma_core::artifact::{atomic, embeddings};
use panfoma_core::stage::{Interrupt, UserError};
use std::fs;
use std::path::Path;

/// The key of the embeddings in `obsm`.
pub const KEY: &str = "X_panfoma";

/// Cells whose ids are in memory at once.
const CELLS_AT_ONCE: usize = 65_536;

/// Copies `cells` to `output` and adds `obsm/X_panfoma` from `embedded`, a table of the same cells in the same order.
///
/// A cell that the tokens left out gets NaN. Returns how many did. Errors: the order differs.
pub fn write(cells: &Path, embedded: &Path, output: &Path, interrupt: &Interrupt) -> anyhow::Result<usize> {
    let reader = embeddings::Reader::open(embedded)?;
    atomic::write_directory(output, |temporary| {
        copy_directory(cells, temporary).with_context(|| format!("copying `{}`", cells.display()))?;
        let dim = reader.metadata.dim;
        let mut rows =
            Rows { blocks: Box::new(reader.blocks()?), ids: Vec::new().into_iter(), values: Vec::new(), dim };
        let source = Cells::open(temporary)?;
        let mut obsm = ObsmWriter::create(temporary, KEY, dim)?;
        let (mut next, mut missing) = (rows.next()?, 0);
        for start in (0..source.n_cells()).step_by(CELLS_AT_ONCE) {
            interrupt.check()?;
            for id in source.cell_ids(start..(start + CELLS_AT_ONCE).min(source.n_cells()))? {
                match &next {
                    Some((found, values)) if *found == id => {
                        obsm.append(values)?;
                        next = rows.next()?;
                    }
                    _ => {
                        obsm.append(&vec![f32::NAN; dim])?;
                        missing += 1;
                    }
                }
            }
        }
        obsm.finish()?;
        match next {
            None => Ok(missing),
            Some((id, _)) => Err(UserError::bad_data(format!(
                "`{}` does not hold the cells of the tokens in their order: `{id}` is not where it was expected",
                cells.display()
            ))
            .hint("pass the `cells.zarr` that the tokens were made from")
            .into()),
        }
    })
}

/// The cells of the embeddings one by one.
struct Rows {
    blocks: Box<dyn Iterator<Item = anyhow::Result<(panfoma_core::artifact::obs::Obs, Vec<f32>)>>>,
    ids: std::vec::IntoIter<String>,
    values: Vec<f32>,
    dim: usize,
}

impl Rows {
    fn next(&mut self) -> anyhow::Result<Option<(String, Vec<f32>)>> {
        loop {
            if let Some(id) = self.ids.next() {
                let left = self.ids.len();
                let row = self.values.len() / self.dim - left - 1;
                return Ok(Some((id, self.values[row * self.dim..(row + 1) * self.dim].to_vec())));
            }
            let Some(block) = self.blocks.next() else { return Ok(None) };
            let (obs, values) = block?;
            self.ids = obs.cell_id.into_iter();
            self.values = values;
        }
    }
}

fn copy_directory(from: &Path, to: &Path) -> std::io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            fs::create_dir(&target)?;
            copy_directory(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target)?;
        }
    }
    Ok(())
}
