//! The averages that papers print.

use super::table::Score;
use crate::metrics::Undefined;

/// Enters scib-metrics' total in place of `isolated_labels`.
pub const ISOLATED_OR_ALL: &str = "isolated_labels_or_all";

/// scib-metrics 0.6: what its Benchmarker averages by default.
const BIO: [&str; 5] = [ISOLATED_OR_ALL, "nmi_kmeans", "ari_kmeans", "silhouette_label", "clisi"];
const BATCH: [&str; 5] = ["bras", "ilisi", "kbet_per_label", "graph_connectivity", "pcr_comparison"];

/// Averages of the scores of one embedding of `n` cells; undefined if one of their parts is.
pub fn summaries(scores: &[Score], has_batches: bool, n: usize) -> Vec<Score> {
    let mean = |names: &[&str]| -> Result<f64, Undefined> {
        let of = |name: &&str| {
            let score = scores.iter().find(|score| score.metric == *name && score.label.is_none());
            match score {
                Some(Score { value: Ok(value), .. }) => Ok(*value),
                _ => Err(Undefined("a metric it averages is undefined")),
            }
        };
        let values: Vec<f64> = names.iter().map(of).collect::<Result<_, _>>()?;
        Ok(values.iter().sum::<f64>() / values.len() as f64)
    };
    let row = |metric, value, definition: &str| Score {
        metric,
        label: None,
        value,
        n,
        definition: definition.to_owned(),
    };
    let mut rows = vec![row(
        "avg_bio",
        mean(&["nmi_leiden", "ari_leiden", "silhouette_label"]),
        "AvgBIO of scGPT: mean of nmi_leiden, ari_leiden and silhouette_label",
    )];
    if !has_batches {
        return rows;
    }
    let (bio, batch) = (mean(&BIO), mean(&BATCH));
    let total = match (&bio, &batch) {
        (Ok(bio), Ok(batch)) => Ok(0.6 * bio + 0.4 * batch),
        (Err(reason), _) | (_, Err(reason)) => Err(reason.clone()),
    };
    rows.extend([
        row(
            "avg_batch",
            mean(&["graph_connectivity_undirected", "silhouette_batch"]),
            "AvgBATCH of scGPT: mean of graph_connectivity_undirected and silhouette_batch",
        ),
        row(
            "scib_bio_conservation",
            bio,
            "Bio conservation of scib-metrics: mean of isolated_labels_or_all, nmi_kmeans, ari_kmeans, silhouette_label, clisi",
        ),
        row(
            "scib_batch_correction",
            batch,
            "Batch correction of scib-metrics: mean of bras, ilisi, kbet_per_label, graph_connectivity, pcr_comparison",
        ),
        row("scib_total", total, "Total of scib-metrics: 0.6 bio conservation + 0.4 batch correction"),
    ]);
    rows
}
