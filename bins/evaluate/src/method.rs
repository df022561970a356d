//! What one method says of the held-out cells.

use crate::cells::Cells;
use crate::factor::{Factor, MISSING};
use panfoma_core::artifact::tokens::Split;

/// The held-out cells with a known label: what every method is scored on.
pub struct Scored {
    /// Their rows, ascending.
    pub rows: Vec<usize>,
    /// Their labels, as codes of the label column.
    pub truth: Vec<u32>,
    /// Labels there are.
    pub n_classes: usize,
    /// Held-out cells with a label that there are; more than those scored if these are a sample.
    pub n_available: usize,
    positions: Vec<u32>,
}

impl Scored {
    /// At most `max` cells each of `valid` and `test`: whole probability vectors are held of them, four bytes a class
    /// and method.
    pub fn new(cells: &Cells, label: &Factor, max: usize, seed: u64) -> Self {
        let available = [Split::Valid, Split::Test].map(|split| cells.labelled(split, label));
        let n_available = available.iter().map(Vec::len).sum();
        let mut rows: Vec<usize> =
            available.into_iter().flat_map(|rows| cells.sample(rows, max, seed)).collect();
        rows.sort_unstable();
        let mut positions = vec![u32::MAX; cells.len()];
        rows.iter().zip(0..).for_each(|(&row, at)| positions[row] = at);
        debug_assert!(rows.iter().all(|&row| label.codes[row] != MISSING));
        let truth = rows.iter().map(|&row| label.codes[row]).collect();
        Self { truth, rows, n_classes: label.levels.len(), n_available, positions }
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

/// What a method is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// What is evaluated: its predictions, or without any the linear probe of its embedding.
    Model,
    /// The linear probe of the model's embedding, where it has predictions of its own.
    Probe,
    /// What the model must beat: baselines, and other models on the same cells.
    Rival,
    /// Knows one thing that is not biology: study, batch, library size.
    Confounder,
    /// Must fail, else something is wrong.
    Control,
}

/// A method as figures and heads of columns call it.
pub fn short_title(name: &str) -> &str {
    match name {
        "panfoma" => "PanFoMa",
        "embedding_logistic" => "logistic regression, embedding",
        "logistic" => "logistic regression, counts",
        "logistic_l1" => "sparse logistic regression, counts",
        "pca_logistic" => "PCA + logistic regression",
        "shuffled_labels" => "control: shuffled labels",
        "study_only" => "study alone",
        "total_counts_only" => "number of counts alone",
        "n_genes_only" => "number of genes alone",
        "pca_knn" => "PCA + nearest neighbours",
        "majority" => "most frequent label",
        other => other,
    }
}

/// What one method says of the held-out cells.
pub struct Method {
    /// As in the `method` column of the metrics.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it is in the comparison.
    pub role: Role,
    /// [scored × classes] by code of the label column; a class a method does not know has 0.
    pub probabilities: Vec<f32>,
    /// Did it leave the cell `unassigned`? One a scored cell. All are scored by their likeliest class all the same:
    /// baselines must decide, so what a model gains by abstaining is told apart.
    pub abstained: Vec<bool>,
    n_classes: usize,
}

impl Method {
    /// No cell has a prediction so far.
    pub fn new(name: &str, title: &str, role: Role, scored: &Scored) -> Self {
        Self {
            name: name.to_owned(),
            title: title.to_owned(),
            role,
            probabilities: vec![0.0; scored.len() * scored.n_classes],
            abstained: vec![false; scored.len()],
            n_classes: scored.n_classes,
        }
    }

    /// Writes down one cell. codes: the classes that `probabilities` are of, as codes of the label column.
    pub fn set(&mut self, at: usize, codes: &[u32], probabilities: &[f32]) {
        assert_eq!(codes.len(), probabilities.len(), "classes");
        let row = &mut self.probabilities[at * self.n_classes..(at + 1) * self.n_classes];
        codes.iter().zip(probabilities).for_each(|(&code, &p)| row[code as usize] = p);
    }

    /// Probabilities of some scored cells, [cells × classes].
    pub fn of(&self, at: &[usize]) -> Vec<f64> {
        let row = |&at: &usize| &self.probabilities[at * self.n_classes..(at + 1) * self.n_classes];
        at.iter().flat_map(row).map(|&p| f64::from(p)).collect()
    }
}
