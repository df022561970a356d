//! Logistic regression on an embedding: what a linear reader gets out of it.

use super::standard::Standard;
use super::training::{Family, Training, penalty_name};
use crate::cells::Cells;
use crate::factor::Factor;
use crate::method::{Method, Role, Scored};
use crate::predictions::{expect_all, other_cells};
use panfoma_core::artifact::embeddings::Reader;
use panfoma_core::stage::Context;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// An embedding of the evaluated cells and what its probe is called.
pub struct Embedding<'a> {
    /// As in the `method` column.
    pub name: &'a str,
    /// `the PanFoMa embedding`.
    pub about: &'a str,
    /// The model's own, or a rival's.
    pub role: Role,
    /// Where it lies.
    pub path: &'a Path,
    /// The open table.
    pub reader: &'a Reader,
}

/// Another embedding as it was given: name, file, open table.
pub struct Other {
    /// As in the `method` column.
    pub name: String,
    /// Where it lies.
    pub path: PathBuf,
    /// The open table.
    pub reader: Reader,
}

impl Embedding<'_> {
    /// Fits on the training cells and predicts the scored ones. Errors: cells are missing, or of another split or label.
    pub fn probe(
        &self,
        cells: &Cells,
        label: (&str, &Factor),
        training: &Training,
        scored: &Scored,
        context: &Context,
    ) -> anyhow::Result<Method> {
        let dim = self.reader.metadata.dim;
        let mut x = self.gather(cells, label, &training.rows, context)?;
        let standard = Standard::fit(&x, dim);
        standard.apply(&mut x);
        let mut tuning = self.gather(cells, label, &training.tuning, context)?;
        standard.apply(&mut tuning);
        let (model, penalty) = training.logistic(&x, &tuning, Family::L2);
        let title = format!("Logistic regression on {} ({})", self.about, penalty_name(penalty));
        let mut method = Method::new(self.name, &title, self.role, scored);
        let mut seen = vec![false; scored.len()];
        for block in self.reader.blocks()? {
            context.interrupt.check()?;
            let (obs, mut values) = block?;
            let rows: Vec<usize> =
                obs.cell_id.iter().map(|id| cells.row_of(id).unwrap_or(usize::MAX)).collect();
            let here: Vec<usize> = rows.iter().filter_map(|&row| scored.position(row)).collect();
            if here.is_empty() {
                continue;
            }
            here.iter().for_each(|&at| seen[at] = true);
            standard.apply(&mut values);
            training.note(&mut method, scored, &rows, &model.probabilities(&values));
        }
        expect_all(&seen, self.path)?;
        Ok(method)
    }

    /// The vectors of these rows in their order, [rows × dim]; checks split and label of every evaluated cell.
    fn gather(
        &self,
        cells: &Cells,
        (column, label): (&str, &Factor),
        rows: &[usize],
        context: &Context,
    ) -> anyhow::Result<Vec<f32>> {
        let dim = self.reader.metadata.dim;
        let wanted: HashMap<usize, usize> = rows.iter().copied().zip(0..).collect();
        let at = self.reader.metadata.columns.iter().position(|name| name == column);
        let (mut found, mut seen) = (vec![0.0; rows.len() * dim], vec![false; rows.len()]);
        for block in self.reader.blocks()? {
            context.interrupt.check()?;
            let (obs, values) = block?;
            for (i, id) in obs.cell_id.iter().enumerate() {
                let Some(row) = cells.row_of(id) else { continue };
                let same_label = at.is_none_or(|at| obs.columns[at][i].as_deref() == label.get(row));
                if obs.split[i] != cells.split[row] || !same_label {
                    let what = format!("cell `{id}` has another split or label in `{}`", self.path.display());
                    return Err(other_cells(what).into());
                }
                if let Some(&at) = wanted.get(&row) {
                    found[at * dim..(at + 1) * dim].copy_from_slice(&values[i * dim..(i + 1) * dim]);
                    seen[at] = true;
                }
            }
        }
        expect_all(&seen, self.path)?;
        Ok(found)
    }
}
