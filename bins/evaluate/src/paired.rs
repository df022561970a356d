//! Another modality's embedding of the same cells in the same space.

use crate::Args;
use crate::baselines::probe::Other;
use crate::cells::gather;
use crate::factor::MISSING;
use crate::inputs::Inputs;
use crate::metrics::pairing::pairing;
use crate::predictions::{expect_all, other_cells};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::{Context, UserError};
use std::collections::HashMap;

/// How well test cells (all cells if there are none) find themselves in each paired embedding.
pub fn evaluate(args: &Args, inputs: &Inputs, context: &Context) -> anyhow::Result<Vec<Metric>> {
    let cells = &inputs.cells;
    let of_test: Vec<usize> = (0..cells.len()).filter(|&row| cells.split[row] == Split::Test).collect();
    let (rows, split) =
        if of_test.is_empty() { ((0..cells.len()).collect(), "all") } else { (of_test, "test") };
    let rows = cells.sample(rows, args.max_cluster_cells as usize, context.seed);
    let wide = |values: Vec<f32>| values.into_iter().map(f64::from).collect::<Vec<f64>>();
    let mut metrics = Vec::new();
    for paired in &inputs.paired {
        let dim = inputs.embeddings.metadata.dim;
        if paired.reader.metadata.dim != dim {
            let (file, found) = (paired.path.display(), paired.reader.metadata.dim);
            return Err(UserError::bad_data(format!(
                "`{file}` has {found} dimensions, the embeddings {dim}"
            ))
            .hint("paired embeddings lie in one space")
            .into());
        }
        let own = wide(gather(&inputs.embeddings, &rows, context)?);
        let other = wide(vectors(paired, inputs, &rows, context)?);
        let label = inputs.label.as_ref().map(|(_, label)| label);
        let known = label.filter(|label| rows.iter().all(|&row| label.codes[row] != MISSING));
        let labels = known
            .map_or_else(|| vec![0; rows.len()], |label| rows.iter().map(|&row| label.codes[row]).collect());
        let found = pairing(&own, &other, dim, &labels);
        let row = |metric: &str, value: Option<f64>, definition: &str| Metric {
            metric: metric.to_owned(),
            value,
            reason: value.is_none().then(|| "not every cell has a label".to_owned()),
            interval: None,
            n: rows.len() as u64,
            split: split.to_owned(),
            group: "all".to_owned(),
            method: paired.name.clone(),
            definition: definition.to_owned(),
        };
        metrics.extend([
            row(
                "foscttm",
                Some(found.foscttm),
                "Fraction of cells closer than the true match in the other embedding, mean of both directions; 0.5 by chance",
            ),
            row("recall_at_1", Some(found.recall_1), "Share of cells whose nearest in the other embedding is themselves"),
            row("recall_at_10", Some(found.recall_10), "Share of cells among their ten nearest in the other embedding"),
            row(
                "label_transfer_1nn",
                known.map(|_| found.label_transfer),
                "Share of cells whose nearest in the other embedding has their label",
            ),
        ]);
    }
    Ok(metrics)
}

/// The other embedding of these rows, in their order.
fn vectors(paired: &Other, inputs: &Inputs, rows: &[usize], context: &Context) -> anyhow::Result<Vec<f32>> {
    let dim = paired.reader.metadata.dim;
    let wanted: HashMap<usize, usize> = rows.iter().copied().zip(0..).collect();
    let (mut found, mut seen) = (vec![0.0; rows.len() * dim], vec![false; rows.len()]);
    for block in paired.reader.blocks()? {
        context.interrupt.check()?;
        let (obs, values) = block?;
        for (i, id) in obs.cell_id.iter().enumerate() {
            let Some(row) = inputs.cells.row_of(id) else { continue };
            if obs.split[i] != inputs.cells.split[row] {
                let what = format!("cell `{id}` is in another split in `{}`", paired.path.display());
                return Err(other_cells(what).into());
            }
            if let Some(&at) = wanted.get(&row) {
                found[at * dim..(at + 1) * dim].copy_from_slice(&values[i * dim..(i + 1) * dim]);
                seen[at] = true;
            }
        }
    }
    expect_all(&seen, &paired.path)?;
    Ok(found)
}
