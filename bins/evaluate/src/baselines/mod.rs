//! What any method must beat: fitted on the same training cells, scored on the same held-out cells.

pub mod features;
pub mod knn;
pub mod logistic;

use crate::cells::{Cells, gather};
use crate::factor::Factor;
use crate::method::{Method, Scored};
use crate::metrics::classification::log_loss;
use features::Features;
use knn::PcaKnn;
use logistic::Logistic;
use panfoma_core::artifact::embeddings::Reader;
use panfoma_core::artifact::tokens::{CellRows, Columns, Split, Tokens};
use panfoma_core::stage::{Context, Progress, UserError};
use std::collections::HashMap;

/// Training cells a baseline is fitted on at most; more are sampled, and the report says so.
pub const MAX_TRAIN_CELLS: usize = 20_000;
/// Validation cells that choose the strength of the penalty.
const MAX_TUNING_CELLS: usize = 4_000;
/// Penalties tried, strongest first: each fit begins at the one before.
const PENALTIES: [f64; 3] = [0.1, 0.01, 0.001];
/// The penalty without validation cells to choose by.
const DEFAULT_PENALTY: f64 = 0.01;
/// Held-out cells predicted at once.
const BLOCK: usize = 1_024;

/// The training cells and their labels as codes 0, 1, … of the classes that occur among them.
pub struct Training {
    /// Rows of the sampled training cells, ascending.
    pub rows: Vec<usize>,
    /// Labelled training cells there are.
    pub n_available: usize,
    /// Rows of the cells that tune, ascending.
    tuning: Vec<usize>,
    y: Vec<u32>,
    /// Codes of the label column, by class.
    classes: Vec<u32>,
    label: Vec<u32>,
}

impl Training {
    /// Samples from the labelled training cells; `None` if there are none.
    pub fn new(cells: &Cells, label: &Factor, max: usize, seed: u64) -> Option<Self> {
        let available = cells.labelled(Split::Train, label);
        let n_available = available.len();
        let rows = cells.sample(available, max, seed);
        let mut classes: Vec<u32> = rows.iter().map(|&row| label.codes[row]).collect();
        classes.sort_unstable();
        classes.dedup();
        let class_of = |row: &usize| classes.binary_search(&label.codes[*row]).ok();
        let y = rows.iter().filter_map(class_of).map(|class| class as u32).collect();
        let tuning =
            cells.labelled(Split::Valid, label).into_iter().filter(|row| class_of(row).is_some()).collect();
        let tuning = cells.sample(tuning, MAX_TUNING_CELLS, seed);
        (!rows.is_empty()).then(|| Self { rows, n_available, tuning, y, classes, label: label.codes.clone() })
    }

    fn class(&self, row: usize) -> Option<usize> {
        self.classes.binary_search(&self.label[row]).ok()
    }

    /// The most frequent class for every cell.
    pub fn majority(&self, scored: &Scored) -> Method {
        let mut counts = vec![0usize; self.classes.len()];
        self.y.iter().for_each(|&class| counts[class as usize] += 1);
        let most =
            (1..counts.len()).fold(0, |best, class| if counts[class] > counts[best] { class } else { best });
        let mut method =
            Method::new("majority", "The most frequent label of the training cells", scored.len());
        let shares: Vec<f32> = counts.iter().map(|&count| count as f32 / self.y.len() as f32).collect();
        for (at, &row) in scored.rows.iter().enumerate() {
            let of_truth = self.class(row).map_or(0.0, |class| shares[class]);
            method.set(at, Some(self.classes[most]), f64::from(of_truth));
        }
        method
    }

    /// Fits with the penalty that the validation cells prefer. x: the training cells, tuning: the validation cells.
    fn logistic(&self, x: &[f32], tuning: &[f32]) -> (Logistic, f64) {
        let fit = |l2, start: Option<&Logistic>| Logistic::fit(x, &self.y, self.classes.len(), l2, start);
        if self.tuning.is_empty() {
            return (fit(DEFAULT_PENALTY, None), DEFAULT_PENALTY);
        }
        let mut best: Option<(f64, Logistic, f64)> = None;
        let mut last: Option<Logistic> = None;
        for l2 in PENALTIES {
            let model = fit(l2, last.as_ref());
            let probabilities = model.probabilities(tuning);
            let rows = self.tuning.iter().zip(probabilities.chunks_exact(self.classes.len()));
            let of_truth = rows.map(|(&row, p)| self.class(row).map_or(0.0, |class| f64::from(p[class])));
            let loss = log_loss(of_truth, f64::from(f32::EPSILON)).unwrap_or(f64::INFINITY);
            if best.as_ref().is_none_or(|(least, ..)| loss < *least) {
                best = Some((loss, model.clone(), l2));
            }
            last = Some(model);
        }
        let (_, model, l2) = best.expect("at least one penalty");
        (model, l2)
    }

    /// Writes down the predictions of some scored cells. probabilities: [cells × classes].
    fn note(&self, method: &mut Method, scored: &Scored, rows: &[usize], probabilities: &[f32]) {
        for (&row, p) in rows.iter().zip(probabilities.chunks_exact(self.classes.len())) {
            let Some(at) = scored.position(row) else { continue };
            let best = (1..p.len()).fold(0, |best, class| if p[class] > p[best] { class } else { best });
            let of_truth = self.class(row).map_or(0.0, |class| f64::from(p[class]));
            method.set(at, Some(self.classes[best]), of_truth);
        }
    }

    /// Logistic regression on the model's own embedding: what a linear reader gets out of it.
    pub fn linear_probe(
        &self,
        reader: &Reader,
        scored: &Scored,
        context: &Context,
    ) -> anyhow::Result<Method> {
        let dim = reader.metadata.dim;
        let mut x = gather(reader, &self.rows, context)?;
        let standard = Standard::fit(&x, dim);
        standard.apply(&mut x);
        let mut tuning = gather(reader, &self.tuning, context)?;
        standard.apply(&mut tuning);
        let (model, l2) = self.logistic(&x, &tuning);
        let title = format!("Logistic regression on the PanFoMa embedding (L2 {l2})");
        let mut method = Method::new("embedding_logistic", &title, scored.len());
        let mut first = 0;
        for block in reader.blocks()? {
            context.interrupt.check()?;
            let (obs, mut values) = block?;
            standard.apply(&mut values);
            let rows: Vec<usize> = (first..first + obs.len()).collect();
            if rows.iter().any(|&row| scored.position(row).is_some()) {
                self.note(&mut method, scored, &rows, &model.probabilities(&values));
            }
            first += obs.len();
        }
        Ok(method)
    }

    /// Logistic regression and PCA + nearest neighbours on the counts themselves.
    pub fn from_counts(
        &self,
        counts: &Counts,
        scored: &Scored,
        context: &Context,
    ) -> anyhow::Result<Vec<Method>> {
        let train = counts.read(&self.rows, context)?;
        let features = Features::fit(&train, counts.n_genes());
        if features.is_empty() {
            return Ok(Vec::new());
        }
        let x = features.matrix(&train, 0..train.n_cells());
        let tuning = counts.read(&self.tuning, context)?;
        let tuning = features.matrix(&tuning, 0..tuning.n_cells());
        let (logistic, l2) = self.logistic(&x, &tuning);
        drop(tuning);
        let knn = PcaKnn::fit(&x, &self.y, self.classes.len(), context.seed);
        drop(x);
        let genes = features.len();
        let title = format!("Logistic regression on log counts of {genes} genes (L2 {l2})");
        let mut by_logistic = Method::new("logistic", &title, scored.len());
        let title = format!(
            "PCA ({} components) and {} nearest neighbours",
            knn::COMPONENTS.min(genes),
            knn::NEIGHBORS
        );
        let mut by_knn = Method::new("pca_knn", &title, scored.len());
        counts.each_row_group(context, |rows, cells| {
            if rows.iter().all(|&row| scored.position(row).is_none()) {
                return;
            }
            for start in (0..rows.len()).step_by(BLOCK) {
                let range = start..(start + BLOCK).min(rows.len());
                let x = features.matrix(cells, range.clone());
                self.note(&mut by_logistic, scored, &rows[range.clone()], &logistic.probabilities(&x));
                self.note(&mut by_knn, scored, &rows[range], &knn.probabilities(&x));
            }
        })?;
        Ok(vec![by_logistic, by_knn])
    }
}

/// Columns shifted and scaled to mean 0 and variance 1.
struct Standard {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

impl Standard {
    fn fit(x: &[f32], dim: usize) -> Self {
        let n = (x.len() / dim) as f64;
        let column = |j: usize| x.iter().skip(j).step_by(dim).map(|&v| f64::from(v));
        let mean: Vec<f64> = (0..dim).map(|j| column(j).sum::<f64>() / n).collect();
        let deviation = |j: usize| (column(j).map(|v| (v - mean[j]).powi(2)).sum::<f64>() / n).sqrt();
        let scale =
            (0..dim).map(deviation).map(|sd| if sd > 1e-12 { (1.0 / sd) as f32 } else { 0.0 }).collect();
        Self { mean: mean.iter().map(|&m| m as f32).collect(), scale }
    }

    fn apply(&self, x: &mut [f32]) {
        for row in x.chunks_exact_mut(self.mean.len()) {
            row.iter_mut().zip(&self.mean).zip(&self.scale).for_each(|((v, m), s)| *v = (*v - m) * s);
        }
    }
}

/// The counts of the evaluated cells, in `tokens/`.
pub struct Counts<'a> {
    tokens: &'a Tokens,
    cells: &'a Cells,
}

impl<'a> Counts<'a> {
    /// Checks that the tokens hold the evaluated cells with the same split.
    pub fn new(tokens: &'a Tokens, cells: &'a Cells) -> anyhow::Result<Self> {
        let mut at = 0;
        let mut found = 0;
        for ids in tokens.cell_ids() {
            for id in ids? {
                if let Some(row) = cells.row_of(&id) {
                    found += 1;
                    let (here, there) = (tokens.splits()[at], cells.split[row]);
                    if here != there {
                        let message = format!(
                            "cell `{id}` is in split `{here}` of the tokens, in `{there}` of the embeddings"
                        );
                        return Err(UserError::bad_data(message)
                            .hint("pass the tokens that `panfoma-embed` read")
                            .into());
                    }
                }
                at += 1;
            }
        }
        if found < cells.len() {
            let message = format!("the tokens hold {found} of the {} cells with embeddings", cells.len());
            return Err(UserError::bad_data(message)
                .hint("pass the tokens that `panfoma-embed` read")
                .into());
        }
        Ok(Self { tokens, cells })
    }

    /// Genes of the vocabulary.
    pub fn n_genes(&self) -> usize {
        self.tokens.vocabulary().n_genes()
    }

    /// The counts of these rows, in their order.
    pub fn read(&self, rows: &[usize], context: &Context) -> anyhow::Result<CellRows> {
        let wanted: HashMap<usize, usize> = rows.iter().copied().zip(0..).collect();
        let mut found = CellRows::new();
        let mut order = vec![0; rows.len()];
        self.each_row_group(context, |rows, cells| {
            for (i, row) in rows.iter().enumerate() {
                if let Some(&at) = wanted.get(row) {
                    order[at] = found.n_cells();
                    found.push_from(cells, i);
                }
            }
        })?;
        if order.iter().enumerate().all(|(at, &i)| at == i) {
            return Ok(found);
        }
        let mut ordered = CellRows::new();
        order.iter().for_each(|&i| ordered.push_from(&found, i));
        Ok(ordered)
    }

    /// Calls `each` with the evaluated rows of every row group (`usize::MAX` for cells that are not evaluated).
    pub fn each_row_group(
        &self,
        context: &Context,
        mut each: impl FnMut(&[usize], &CellRows),
    ) -> anyhow::Result<()> {
        let mut progress = Progress::new("cells", self.tokens.n_cells() as u64);
        for group in 0..self.tokens.row_groups().len() {
            context.interrupt.check()?;
            let cells = self.tokens.read_row_group(group, Columns { counts: true, ..Columns::default() })?;
            let rows: Vec<usize> =
                cells.hashes.iter().map(|&hash| self.cells.row_of_hash(hash).unwrap_or(usize::MAX)).collect();
            each(&rows, &cells);
            progress.add(rows.len() as u64);
        }
        progress.finish();
        Ok(())
    }
}
