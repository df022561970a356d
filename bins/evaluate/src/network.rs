//! Ranked edges, and how they stand against a reference network.

use crate::metrics::Undefined;
use crate::metrics::network::{Reference, Scored, Universe};
use anyhow::Context as _;
use panfoma_core::artifact::edges::{Edge, Reader};
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::stage::{Context, UserError};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Edges shown in the report.
const TOP: usize = 20;

/// The names of a header's two columns, in lower case.
const HEADERS: [(&str, &str); 5] =
    [("gene1", "gene2"), ("tf", "target"), ("regulator", "target"), ("source", "target"), ("from", "to")];

/// What the report says of a network.
pub struct Network {
    /// Metrics by group and method.
    pub metrics: Vec<Metric>,
    /// The best edges of each (group, method), and whether the reference, if there is one, has them.
    pub top: Vec<((String, String), Vec<(Edge, Option<bool>)>)>,
    /// Genes and edges of the reference, and how many of its genes the ranking names at all; none without a reference.
    pub coverage: Option<String>,
}

type Rankings = BTreeMap<(String, String), Vec<Edge>>;

/// Reads the edges and, with a reference, scores every (group, method).
pub fn evaluate(
    reader: &Reader,
    reference: Option<&Path>,
    universe: Universe,
    context: &Context,
) -> anyhow::Result<Network> {
    let pairs = reference.map(read_reference).transpose()?;
    let known: Option<BTreeSet<(&str, &str)>> =
        pairs.as_ref().map(|pairs| pairs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect());
    let mut rankings = Rankings::new();
    for block in reader.blocks()? {
        context.interrupt.check()?;
        for edge in block? {
            rankings.entry((edge.group.clone(), edge.method.clone())).or_default().push(edge);
        }
    }
    let (metrics, coverage) = match &known {
        Some(known) => {
            let (metrics, coverage) = score(&rankings, known, universe);
            (metrics, Some(coverage))
        }
        None => (Vec::new(), None),
    };
    let top = rankings.into_iter().map(|(key, edges)| (key, best(edges, known.as_ref()))).collect();
    Ok(Network { metrics, top, coverage })
}

/// The first edges of a ranking, and whether the reference has each.
fn best(mut edges: Vec<Edge>, known: Option<&BTreeSet<(&str, &str)>>) -> Vec<(Edge, Option<bool>)> {
    edges.sort_by(|a, b| a.rank.cmp(&b.rank).then(b.score.total_cmp(&a.score)));
    edges.truncate(TOP);
    let is_known =
        |edge: &Edge| known.map(|known| known.contains(&(edge.regulator.as_str(), edge.target.as_str())));
    edges.into_iter().map(|edge| (edge.clone(), is_known(&edge))).collect()
}

/// Metrics of every ranking, and how far the rankings cover the reference.
fn score(rankings: &Rankings, known: &BTreeSet<(&str, &str)>, universe: Universe) -> (Vec<Metric>, String) {
    let truth = Reference::new(known.iter().copied());
    let named: BTreeSet<&str> = rankings
        .values()
        .flatten()
        .flat_map(|edge| [edge.regulator.as_str(), edge.target.as_str()])
        .collect();
    let shared = truth.genes().iter().filter(|gene| named.contains(**gene)).count();
    let coverage = format!(
        "The reference has {} genes and {} edges; the ranking names {shared} of these genes.",
        truth.genes().len(),
        known.iter().filter(|(a, b)| a != b).count()
    );
    let mut metrics = Vec::new();
    for (key, edges) in rankings {
        let list: Vec<Scored> = edges
            .iter()
            .map(|edge| (edge.regulator.as_str(), edge.target.as_str(), f64::from(edge.score)))
            .collect();
        let scores = truth.score(universe, &list);
        let pairs = match universe {
            Universe::All => "all ordered pairs of two reference genes",
            Universe::Regulators => "all pairs from a regulator of the reference to another of its genes",
        };
        let about = format!("{pairs}; {} candidates, {} true edges", scores.n_pairs, scores.n_true);
        for (name, value, what) in [
            ("auroc", scores.auroc, "Area under the ROC curve over"),
            ("auprc", scores.auprc, "Area under the precision-recall curve (trapezoids) over"),
            ("auprc_ratio", scores.auprc_ratio, "AUPRC divided by that of a random ranking over"),
            (
                "early_precision",
                scores.early_precision,
                "Precision of the top k, k the number of true edges, over",
            ),
            (
                "early_precision_ratio",
                scores.early_precision_ratio,
                "Early precision divided by the random one over",
            ),
        ] {
            let (value, reason) = match value {
                Ok(value) => (Some(value), None),
                Err(Undefined(reason)) => (None, Some(reason.to_owned())),
            };
            metrics.push(Metric {
                metric: name.to_owned(),
                value,
                reason,
                interval: None,
                n: scores.n_pairs,
                split: "all".to_owned(),
                group: key.0.clone(),
                method: key.1.clone(),
                definition: format!("{what} {about}"),
            });
        }
    }
    (metrics, coverage)
}

/// (regulator, target) pairs of a CSV or TSV file with a header.
fn read_reference(path: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map_or("", |(_, line)| line).trim_start_matches('\u{feff}');
    let separator = if header.contains('\t') { '\t' } else { ',' };
    let split = |line: &str| -> Vec<String> {
        line.split(separator).map(|field| field.trim().trim_matches('"').to_owned()).collect()
    };
    let names: Vec<String> = split(header).iter().map(|name| name.to_lowercase()).collect();
    let position = |name: &str| names.iter().position(|found| found == name);
    let columns = HEADERS.iter().find_map(|(a, b)| Some((position(a)?, position(b)?)));
    let Some((regulator, target)) = columns else {
        let message =
            format!("`{}` begins with `{header}`, which names no pair of gene columns", path.display());
        return Err(UserError::bad_data(message)
            .hint("the header must hold `Gene1,Gene2` or `tf,target`")
            .into());
    };
    let mut pairs = Vec::new();
    for (number, line) in lines {
        let fields = split(line);
        match (fields.get(regulator), fields.get(target)) {
            (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() => pairs.push((a.clone(), b.clone())),
            _ => {
                let message =
                    format!("`{}`, line {}: `{line}` holds no pair of genes", path.display(), number + 1);
                return Err(UserError::bad_data(message).into());
            }
        }
    }
    if pairs.is_empty() {
        return Err(UserError::bad_data(format!("`{}` holds no edge", path.display())).into());
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<(String, String)>> {
        let path =
            std::env::temp_dir().join(format!("panfoma-network-{}-{}", std::process::id(), text.len()));
        std::fs::write(&path, text).unwrap();
        let pairs = read_reference(&path);
        std::fs::remove_file(&path).unwrap();
        pairs
    }

    #[test]
    fn columns_are_found_by_header_in_csv_and_tsv() {
        let pair = [("STAT1".to_owned(), "IRF1".to_owned())];
        assert_eq!(read("Gene1,Gene2,Type\nSTAT1,IRF1,+\n").unwrap(), pair);
        assert_eq!(read("tf\tconfidence\ttarget\nSTAT1\tA\tIRF1\n\n").unwrap(), pair);
        assert_eq!(read("\"\",\"tf\",\"target\"\n\"1\",\"STAT1\",\"IRF1\"\n").unwrap(), pair);
    }

    #[test]
    fn a_file_without_known_columns_or_with_half_a_pair_is_refused() {
        assert!(read("a,b\nSTAT1,IRF1\n").unwrap_err().to_string().contains("names no pair of gene columns"));
        assert!(read("tf,target\nSTAT1,\n").unwrap_err().to_string().contains("line 2"));
    }
}
