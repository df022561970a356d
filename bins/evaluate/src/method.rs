//! What one method says of the held-out cells.

use crate::cells::Cells;
use crate::factor::{Factor, MISSING};
use panfoma_core::artifact::predictions::Reader;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::{Context, UserError};
use std::path::Path;

/// The held-out cells with a known label: what every method is scored on.
pub struct Scored {
    /// Their rows, ascending.
    pub rows: Vec<usize>,
    /// Their labels, as codes of the label column.
    pub truth: Vec<u32>,
    positions: Vec<u32>,
}

impl Scored {
    /// Cells of `valid` and `test`.
    pub fn new(cells: &Cells, label: &Factor) -> Self {
        let held_out = |row: &usize| cells.split[*row] != Split::Train && label.codes[*row] != MISSING;
        let rows: Vec<usize> = (0..cells.len()).filter(held_out).collect();
        let mut positions = vec![u32::MAX; cells.len()];
        rows.iter().zip(0..).for_each(|(&row, at)| positions[row] = at);
        Self { truth: rows.iter().map(|&row| label.codes[row]).collect(), rows, positions }
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// True without held-out cells.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Where a row stands among them.
    pub fn position(&self, row: usize) -> Option<usize> {
        self.positions.get(row).filter(|&&at| at != u32::MAX).map(|&at| at as usize)
    }

    /// Positions of the cells of one split.
    pub fn of_split(&self, cells: &Cells, split: Split) -> Vec<usize> {
        (0..self.len()).filter(|&at| cells.split[self.rows[at]] == split).collect()
    }
}

/// What one method says of the held-out cells.
pub struct Method {
    /// As in the `method` column of the metrics.
    pub name: &'static str,
    /// For people.
    pub title: String,
    /// A code of the label column, the likeliest, also where the method abstains; one a scored cell.
    pub predicted: Vec<Option<u32>>,
    /// Did it leave the cell `unassigned`? One a scored cell.
    pub abstained: Vec<bool>,
    /// Probability given to the true label; one a scored cell.
    pub of_truth: Vec<f64>,
}

impl Method {
    /// No cell has a prediction so far.
    pub fn new(name: &'static str, title: &str, n: usize) -> Self {
        Self {
            name,
            title: title.to_owned(),
            predicted: vec![None; n],
            abstained: vec![false; n],
            of_truth: vec![0.0; n],
        }
    }

    /// Writes down one cell.
    pub fn set(&mut self, at: usize, predicted: Option<u32>, of_truth: f64) {
        self.predicted[at] = predicted;
        self.of_truth[at] = of_truth;
    }
}

/// The model's own predictions. Errors: a held-out cell is missing, or a label contradicts the embeddings.
pub fn read_predictions(
    reader: &Reader,
    path: &Path,
    cells: &Cells,
    label: &Factor,
    scored: &Scored,
    context: &Context,
) -> anyhow::Result<Method> {
    let metadata = &reader.metadata;
    let code =
        |class: &String| label.levels.binary_search(class).expect("the levels hold every class") as u32;
    let codes: Vec<u32> = metadata.classes.iter().map(code).collect();
    let mut method = Method::new("panfoma", "PanFoMa", scored.len());
    let mut seen = vec![false; scored.len()];
    for block in reader.blocks()? {
        context.interrupt.check()?;
        let block = block?;
        let probabilities = block.block.probabilities.chunks_exact(codes.len());
        for (i, (id, p)) in block.block.obs.cell_id.iter().zip(probabilities).enumerate() {
            let Some(row) = cells.row_of(id) else {
                let message = format!("`{}` lists cell `{id}`, which has no embedding", path.display());
                return Err(UserError::bad_data(message)
                    .hint("pass files of one run of `panfoma-embed`")
                    .into());
            };
            let Some(at) = scored.position(row) else { continue };
            if block.block.label[i].as_deref() != label.get(row)
                || block.block.obs.split[i] != cells.split[row]
            {
                let message = format!(
                    "cell `{id}` is {:?} in `{}` of the predictions, {:?} in `{}` of the embeddings",
                    block.block.label[i],
                    block.block.obs.split[i].name(),
                    label.get(row),
                    cells.split[row].name()
                );
                return Err(UserError::bad_data(message)
                    .hint("pass files of one run of `panfoma-embed`")
                    .into());
            }
            let class = codes.iter().position(|&code| code == scored.truth[at]);
            // The baselines must decide, so the model is compared by what it thinks likeliest; abstaining is told apart.
            let likeliest = (0..codes.len()).max_by(|&a, &b| p[a].total_cmp(&p[b]).then(b.cmp(&a)));
            method.set(
                at,
                likeliest.map(|class| codes[class]),
                class.map_or(0.0, |class| f64::from(p[class])),
            );
            method.abstained[at] = block.predicted[i].is_none();
            seen[at] = true;
        }
    }
    match seen.iter().filter(|seen| !**seen).count() {
        0 => Ok(method),
        n => {
            let message = format!("`{}` lacks {n} of the {} held-out cells", path.display(), scored.len());
            Err(UserError::bad_data(message).hint("pass files of one run of `panfoma-embed`").into())
        }
    }
}
