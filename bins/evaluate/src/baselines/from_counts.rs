//! What learns from the counts themselves: logistic regression on genes, and on or beside principal components.

use super::counts::Counts;
use super::features::Features;
use super::knn::{self, Knn};
use super::logistic::Logistic;
use super::training::{Family, Training, penalty_name};
use crate::method::{Method, Role, Scored};
use crate::pca::Pca;
use panfoma_core::stage::Context;

/// Principal components.
pub const COMPONENTS: usize = 50;
/// Held-out cells predicted at once.
const BLOCK: usize = 1_024;

/// Every baseline on the counts, and the control that learnt from shuffled labels; none if no gene varies.
pub fn methods(
    training: &Training,
    counts: &Counts,
    scored: &Scored,
    context: &Context,
) -> anyhow::Result<Vec<Method>> {
    let train = counts.read(&training.rows, context)?;
    let features = Features::fit(&train, counts.n_genes());
    if features.is_empty() {
        return Ok(Vec::new());
    }
    let x = features.matrix(&train, 0..train.n_cells());
    drop(train);
    let tuning = counts.read(&training.tuning, context)?;
    let tuning = features.matrix(&tuning, 0..tuning.n_cells());
    let n_classes = training.n_classes();
    let (ridge, l2) = training.logistic(&x, &tuning, Family::L2);
    context.interrupt.check()?;
    let (lasso, l1) = training.logistic(&x, &tuning, Family::L1);
    context.interrupt.check()?;
    let shuffled = Logistic::fit(&x, &training.shuffled(context.seed), n_classes, l2, None);
    context.interrupt.check()?;
    let pca = Pca::fit(&x, features.len(), COMPONENTS, context.seed);
    let scores = pca.scores(&x);
    drop(x);
    // One factor for all components, so that penalties of the usual strengths fit and their proportions stay.
    let variance = pca.variance.iter().sum::<f64>() / pca.n_components as f64;
    let scale = 1.0 / variance.sqrt().max(1e-12);
    let scaled = |scores: &[f64]| scores.iter().map(|score| (score * scale) as f32).collect::<Vec<f32>>();
    let tuning = scaled(&pca.scores(&tuning));
    let (on_components, of_components) = training.logistic(&scaled(&scores), &tuning, Family::L2);
    context.interrupt.check()?;
    let knn = Knn::new(scores, &training.y, n_classes);

    let genes = features.len();
    let components = pca.n_components;
    let new = |name, title: String, role| Method::new(name, &title, role, scored);
    let rival = |name, title| new(name, title, Role::Rival);
    let mut methods = [
        rival(
            "logistic",
            format!("Logistic regression on log counts of {genes} genes ({})", penalty_name(l2)),
        ),
        rival(
            "logistic_l1",
            format!(
                "Sparse logistic regression, {} of {genes} genes used ({})",
                lasso.n_used(),
                penalty_name(l1)
            ),
        ),
        rival(
            "pca_logistic",
            format!(
                "PCA ({components} components of {genes} variable genes) and logistic regression ({})",
                penalty_name(of_components)
            ),
        ),
        rival(
            "pca_knn",
            format!(
                "PCA ({components} components of {genes} variable genes) and {} nearest neighbours",
                knn::NEIGHBORS
            ),
        ),
        new(
            "shuffled_labels",
            format!("Logistic regression on log counts, labels shuffled ({})", penalty_name(l2)),
            Role::Control,
        ),
    ];
    counts.each_row_group(context, |rows, cells| {
        if rows.iter().all(|&row| scored.position(row).is_none()) {
            return;
        }
        for start in (0..rows.len()).step_by(BLOCK) {
            let range = start..(start + BLOCK).min(rows.len());
            let x = features.matrix(cells, range.clone());
            let scores = pca.scores(&x);
            let probabilities = [
                ridge.probabilities(&x),
                lasso.probabilities(&x),
                on_components.probabilities(&scaled(&scores)),
                knn.probabilities(&scores),
                shuffled.probabilities(&x),
            ];
            for (method, probabilities) in methods.iter_mut().zip(probabilities) {
                training.note(method, scored, &rows[range.clone()], &probabilities);
            }
        }
    })?;
    Ok(methods.into())
}
