//! Predictions from files: the model's own, and those of others on the same cells.

use crate::cells::Cells;
use crate::factor::Factor;
use crate::method::{Method, Role, Scored};
use panfoma_core::artifact::predictions::Reader;
use panfoma_core::stage::{Context, UserError};
use std::path::{Path, PathBuf};

/// A table of predictions and what it is called in the comparison.
pub struct Named {
    /// As in the `method` column.
    pub name: String,
    /// For people.
    pub title: String,
    /// The model, or a rival.
    pub role: Role,
    /// Where it lies.
    pub path: PathBuf,
    /// The open table.
    pub reader: Reader,
}

impl Named {
    /// What it says of the scored cells. Errors: a held-out cell is missing, or its label or split is another one.
    pub fn method(
        &self,
        cells: &Cells,
        label: &Factor,
        scored: &Scored,
        context: &Context,
    ) -> anyhow::Result<Method> {
        let metadata = &self.reader.metadata;
        let code =
            |class: &String| label.levels.binary_search(class).expect("the levels hold every class") as u32;
        let codes: Vec<u32> = metadata.classes.iter().map(code).collect();
        let mut method = Method::new(&self.name, &self.title, self.role, scored);
        let mut seen = vec![false; scored.len()];
        for block in self.reader.blocks()? {
            context.interrupt.check()?;
            let block = block?;
            let probabilities = block.block.probabilities.chunks_exact(codes.len());
            for (i, (id, p)) in block.block.obs.cell_id.iter().zip(probabilities).enumerate() {
                let Some(row) = cells.row_of(id) else {
                    let what = format!("`{}` lists cell `{id}`, which has no embedding", self.path.display());
                    return Err(other_cells(what).into());
                };
                let Some(at) = scored.position(row) else { continue };
                let split = block.block.obs.split[i];
                if block.block.label[i].as_deref() != label.get(row) || split != cells.split[row] {
                    let what = format!(
                        "cell `{id}` is {} of `{}` in `{}`, {} of `{}` in the embeddings",
                        text(block.block.label[i].as_deref()),
                        split.name(),
                        self.path.display(),
                        text(label.get(row)),
                        cells.split[row].name()
                    );
                    return Err(other_cells(what).into());
                }
                method.set(at, &codes, p);
                method.abstained[at] = block.predicted[i].is_none();
                seen[at] = true;
            }
        }
        expect_all(&seen, &self.path)?;
        Ok(method)
    }
}

/// Refuses a file that lacks cells that are scored.
pub fn expect_all(seen: &[bool], path: &Path) -> Result<(), UserError> {
    match seen.iter().filter(|seen| !**seen).count() {
        0 => Ok(()),
        n => Err(other_cells(format!(
            "`{}` lacks {n} of {} cells that are needed",
            path.display(),
            seen.len()
        ))),
    }
}

/// A file is of other cells, labels or another split than the embeddings.
pub fn other_cells(what: String) -> UserError {
    UserError::bad_data(what).hint("pass files that `panfoma-embed` made of the same tokens")
}

fn text(label: Option<&str>) -> String {
    label.map_or_else(|| "without a label".to_owned(), |label| format!("`{label}`"))
}
