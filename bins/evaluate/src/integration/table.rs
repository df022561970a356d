//! Every integration metric of one embedding.

use super::clustering::{NEIGHBORS as GRAPH_NEIGHBORS, best_leiden};
use super::of_cells::Neighborhoods;
use super::summary::summaries;
use crate::metrics::integration::groups::{count, rows};
use crate::metrics::integration::{
    bras, connectivity, isolated, kbet, kbet_per_label, lisi, pcr, silhouette,
};
use crate::metrics::{Undefined, agreement, kmeans};
use panfoma_core::graph::{EXACT_UP_TO, Knn, fuzzy};
use panfoma_core::stage::Context;

/// Restarts of k-means; the best is kept.
const RESTARTS: u64 = 10;

/// An embedding and what is known of its cells.
pub struct Space<'a> {
    /// [cells × dim].
    pub points: &'a [f32],
    /// Dimensions.
    pub dim: usize,
    /// Codes from 0 without gaps.
    pub labels: &'a [u32],
    /// Codes from 0 without gaps.
    pub batches: Option<&'a [u32]>,
    /// Cells that silhouettes are computed on, ascending.
    pub sampled: &'a [usize],
    /// Share of the counts' variance that the batch explains.
    pub before: Result<f64, Undefined>,
}

/// One number.
pub struct Score {
    /// Its name.
    pub metric: &'static str,
    /// A label, or none for all.
    pub label: Option<u32>,
    /// The number, or why there is none.
    pub value: Result<f64, Undefined>,
    /// Cells it is computed on.
    pub n: usize,
    /// In one sentence.
    pub definition: String,
}

/// All of them: labels first, then batches, then the averages that papers print; and what the first two of LISI and kBET
/// say of single cells.
pub fn table(space: &Space, context: &Context) -> anyhow::Result<(Vec<Score>, Neighborhoods)> {
    let mut table =
        Table { n: space.labels.len(), scores: Vec::new(), neighborhoods: Neighborhoods::default() };
    let knn = Knn::search(space.points, space.dim, lisi::NEIGHBORS, context.seed);
    context.interrupt.check()?;
    let widths = table.silhouettes(space);
    context.interrupt.check()?;
    table.k_means(space, context);
    context.interrupt.check()?;
    table.lisi_of_cells(space, &knn);
    table.neighbours_and_labels(space, &knn, context);
    context.interrupt.check()?;
    if let Some(batches) = space.batches {
        table.isolated(space, batches, &widths);
        table.batches(space, batches);
        table.neighbours_and_batches(space, batches, &knn);
        context.interrupt.check()?;
        table.kbet_of_labels(space, batches, knn);
    }
    let summaries = summaries(&table.scores, space.batches.is_some(), table.n);
    table.scores.extend(summaries);
    Ok((table.scores, table.neighborhoods))
}

/// How the neighbours were found.
fn found(knn: &Knn) -> &'static str {
    if knn.n_points() <= EXACT_UP_TO { "exact" } else { "approximate (inverted lists)" }
}

/// Widths of the sampled cells, or why there are none.
type Widths = Result<Vec<f64>, Undefined>;

struct Table {
    n: usize,
    scores: Vec<Score>,
    neighborhoods: Neighborhoods,
}

impl Table {
    fn push(&mut self, metric: &'static str, value: Result<f64, Undefined>, definition: impl Into<String>) {
        self.scores.push(Score { metric, label: None, value, n: self.n, definition: definition.into() });
    }

    /// As [`Self::push`], of the sampled cells.
    fn push_sampled(
        &mut self,
        metric: &'static str,
        space: &Space,
        value: Result<f64, Undefined>,
        definition: &str,
    ) {
        let n = space.sampled.len();
        let note = if n < self.n { format!("; of {n} cells, sampled") } else { String::new() };
        self.scores.push(Score { metric, label: None, value, n, definition: format!("{definition}{note}") });
    }

    fn silhouettes(&mut self, space: &Space) -> Widths {
        let points = rows(space.points, space.dim, space.sampled);
        let of = |codes: &[u32]| -> Vec<u32> { space.sampled.iter().map(|&cell| codes[cell]).collect() };
        let labels = of(space.labels);
        let widths = silhouette::samples(&points, space.dim, &labels);
        let score = widths.as_ref().map(|widths| silhouette::label_score(widths)).map_err(Clone::clone);
        self.push_sampled(
            "silhouette_label",
            space,
            score,
            "Mean Euclidean silhouette of the labels, (s + 1) / 2",
        );
        if let Some(batches) = space.batches {
            let score = silhouette::batch_score(&points, space.dim, &labels, &of(batches));
            self.push_sampled(
                "silhouette_batch",
                space,
                score,
                "Mean over labels of 1 - |silhouette of the batches|, 1 = well mixed (scib); it can mislead, read BRAS",
            );
        }
        widths
    }

    fn isolated(&mut self, space: &Space, batches: &[u32], widths: &Widths) {
        let labels: Vec<u32> = space.sampled.iter().map(|&cell| space.labels[cell]).collect();
        let isolated = isolated::find(space.labels, batches);
        let value = |any: bool| match widths {
            Ok(widths) if any => Ok(isolated.score_of_listed(widths, &labels)),
            Ok(widths) => isolated.score(widths, &labels),
            Err(reason) => Err(reason.clone()),
        };
        let which = format!("{} labels found in {} batches", isolated.labels.len(), isolated.n_batches);
        let definition = format!("Mean of (silhouette + 1) / 2 over isolated labels, here {which}");
        self.push_sampled("isolated_labels", space, value(false), &definition);
        self.push_sampled(
            super::summary::ISOLATED_OR_ALL,
            space,
            value(true),
            "As isolated_labels, but of all labels if none is isolated: what scib-metrics puts into its total",
        );
    }

    fn k_means(&mut self, space: &Space, context: &Context) {
        let k = count(space.labels);
        let found = (k > 1).then(|| kmeans::cluster(space.points, space.dim, k, RESTARTS, context.seed));
        let how = format!(
            "labels and k-means clusters (k = {k}, the number of labels: that peeks; {RESTARTS} restarts)"
        );
        self.agreement(["nmi_kmeans", "ari_kmeans"], space.labels, found.as_deref(), &how);
    }

    fn agreement(&mut self, names: [&'static str; 2], labels: &[u32], clusters: Option<&[u32]>, how: &str) {
        let of = |score: fn(&[u32], &[u32]) -> f64| {
            clusters.map(|clusters| score(labels, clusters)).ok_or(Undefined("all cells have one label"))
        };
        let (nmi, ari) = (of(agreement::normalized_mutual_information), of(agreement::adjusted_rand_index));
        self.push(names[0], nmi, format!("Normalised mutual information (arithmetic mean) of {how}"));
        self.push(names[1], ari, format!("Adjusted Rand index of {how}"));
    }

    fn lisi_of_cells(&mut self, space: &Space, knn: &Knn) {
        if enough(knn, lisi::NEIGHBORS).is_err() {
            return;
        }
        let (of_labels, of_batches) = match space.batches {
            Some(batches) => {
                let [of_labels, of_batches] = lisi::of_cells(knn, [space.labels, batches]);
                (of_labels, Some(of_batches))
            }
            None => {
                let [of_labels] = lisi::of_cells(knn, [space.labels]);
                (of_labels, None)
            }
        };
        self.neighborhoods.lisi_label = Some(of_labels);
        self.neighborhoods.lisi_batch = of_batches;
    }

    fn neighbours_and_labels(&mut self, space: &Space, knn: &Knn, context: &Context) {
        let clisi = known(&self.neighborhoods.lisi_label, knn).and_then(|of| lisi::purity(of, space.labels));
        self.push("clisi", clisi, format!("cLISI: (labels - median LISI of labels) / (labels - 1), 90 {} neighbours, perplexity 30 (scib-metrics)", found(knn)));
        let enough = enough(knn, GRAPH_NEIGHBORS);
        let near = knn.truncated(GRAPH_NEIGHBORS);
        let graph = fuzzy::simplicial_set(&near);
        self.push(
            "graph_connectivity",
            enough.clone().map(|()| connectivity::directed(&near, space.labels)),
            "Mean over labels of the share of cells in the largest strong component of the directed 15-neighbour graph (scib-metrics); blind to batches",
        );
        self.push(
            "graph_connectivity_undirected",
            enough.clone().map(|()| connectivity::undirected(&graph, space.labels)),
            "The same in UMAP's undirected graph of 15 neighbours (scib, scGPT)",
        );
        let best = enough.is_ok() && count(space.labels) > 1;
        let best = best.then(|| best_leiden(&graph, space.labels, context.seed));
        let how = match &best {
            Some(best) => format!(
                "labels and Leiden clusters at the resolution of 0.2, 0.4 .. 2.0 whose NMI is best, {:.1}: that peeks",
                best.resolution
            ),
            None => "labels and Leiden clusters".to_owned(),
        };
        self.agreement(
            ["nmi_leiden", "ari_leiden"],
            space.labels,
            best.as_ref().map(|best| &*best.clusters),
            &how,
        );
    }

    fn batches(&mut self, space: &Space, batches: &[u32]) {
        let bras = bras::score(space.points, space.dim, space.labels, batches);
        self.push("bras", bras, "BRAS: mean over labels of 1 - |cosine silhouette of batches against all other batches|, 1 = well mixed (Rautenstrauch & Ohler 2025)");
        let after = pcr::explained_variance(space.points, space.dim, batches);
        let compared = match (&space.before, &after) {
            (Ok(before), Ok(after)) => pcr::comparison(*before, *after),
            (_, Err(reason)) | (Err(reason), _) => Err(reason.clone()),
        };
        self.push(
            "pcr_before",
            space.before.clone(),
            "Share of the variance of 50 principal components of log counts that lies between batches",
        );
        self.push("pcr_after", after, "Share of the embedding's variance that lies between batches");
        self.push(
            "pcr_comparison",
            compared,
            "(before - after) / before of that share, 0 if it grew (scib-metrics)",
        );
    }

    fn neighbours_and_batches(&mut self, space: &Space, batches: &[u32], knn: &Knn) {
        let ilisi = known(&self.neighborhoods.lisi_batch, knn).and_then(|of| lisi::mixing(of, batches));
        self.push("ilisi", ilisi, format!("iLISI: (median LISI of batches - 1) / (batches - 1), 90 {} neighbours, perplexity 30 (scib-metrics)", found(knn)));
        let within = lisi::mixing_within_labels(space.points, space.dim, space.labels, batches);
        self.push("cilisi", within, "CiLISI: the same among the cells of one label, mean over cells; labels of two batches and ten cells");
        let test =
            enough(knn, kbet::NEIGHBORS).and_then(|()| kbet::test(&knn.truncated(kbet::NEIGHBORS), batches));
        let of = |value: fn(&kbet::Kbet) -> f64| test.as_ref().map(value).map_err(Clone::clone);
        self.push(
            "kbet",
            of(|kbet| kbet.acceptance),
            "kBET: share of cells whose 50 neighbours hold batches as all cells do (chi-square, alpha 0.05)",
        );
        self.push(
            "kbet_effect_size",
            of(|kbet| kbet.effect),
            "Mean over cells of sqrt(chi-square / 50) of the same test, Cohen's w: 0 = as in all cells",
        );
        self.neighborhoods.kbet_p_value = test.ok().map(|kbet| kbet.p_values);
    }

    fn kbet_of_labels(&mut self, space: &Space, batches: &[u32], knn: Knn) {
        let definition = "kBET within each label on neighbours by diffusion, k a quarter of a batch's cells, 10 to 70 (scib-metrics, with its order of labels)";
        if let Err(reason) = enough(&knn, kbet::NEIGHBORS) {
            return self.push("kbet_per_label", Err(reason), definition);
        }
        let near = knn.truncated(kbet::NEIGHBORS);
        drop(knn);
        let graph = fuzzy::simplicial_set(&near);
        drop(near);
        let found = kbet_per_label::of_labels(&graph, space.labels, batches);
        self.push("kbet_per_label", kbet_per_label::mean(&found), format!("Mean over labels: {definition}"));
        self.scores.extend(found.into_iter().map(|found| Score {
            metric: "kbet_per_label",
            label: Some(found.label),
            value: found.acceptance,
            n: found.n_cells,
            definition: definition.to_owned(),
        }));
    }
}

/// LISI of single cells, or why there is none.
fn known<'a>(of_cells: &'a Option<Vec<f64>>, knn: &Knn) -> Result<&'a [f64], Undefined> {
    enough(knn, lisi::NEIGHBORS).map(|()| of_cells.as_deref().expect("computed with enough cells"))
}

fn enough(knn: &Knn, neighbors: usize) -> Result<(), Undefined> {
    match (knn.n_points() >= neighbors, neighbors) {
        (true, _) => Ok(()),
        (false, lisi::NEIGHBORS) => Err(Undefined("fewer than 90 cells")),
        (false, kbet::NEIGHBORS) => Err(Undefined("fewer than 50 cells")),
        (false, _) => Err(Undefined("fewer than 15 cells")),
    }
}
