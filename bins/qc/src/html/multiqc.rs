//! The same for MultiQC.

use super::summary::{Group, rules};
use super::{Shown, knee, scatter};
use crate::Measured;
use crate::tsv::plain;
use anyhow::Result;
use panfoma_core::report::multiqc;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;

/// Evenly spaced quantiles that stand for the cells of a sample: a box of them is the box of all.
const QUANTILES: usize = 101;
/// Cells of the scatter plot: beyond 2,000 MultiQC draws a picture instead of a plot.
const MOST_CELLS: usize = 1_800;

const GROUP: multiqc::Group = multiqc::Group {
    id: "panfoma_qc",
    name: "PanFoMa QC",
    description: "Quality control of cells by panfoma-qc, by sample",
};

/// Fills the directory.
pub fn write(directory: &Path, shown: &Shown, samples: &[Group]) -> Result<()> {
    let save = |name: &str, text: String| std::fs::write(directory.join(name), text);
    save("panfoma_general_qc_mqc.tsv", general(samples))?;
    save("panfoma_samples_qc_mqc.tsv", table(samples))?;
    save("panfoma_removed_qc_mqc.tsv", removed(samples))?;
    let json =
        |name: &str, content: Value| save(&format!("panfoma_{name}_qc_mqc.json"), format!("{content}\n"));
    json("knee", knee_lines(samples))?;
    json("counts_genes", counts_and_genes(shown, &super::summary::studies(shown.studies)))?;
    let metric = |name: &str, title: &str, value: &dyn Fn(&Measured, usize) -> f64| -> Result<()> {
        match boxes(samples, name, title, value) {
            Some(content) => Ok(json(name, content)?),
            None => Ok(()),
        }
    };
    metric("n_genes", "Genes a cell", &|input, cell| f64::from(input.metrics.n_genes[cell]))?;
    metric("total_counts", "Counts a cell", &|input, cell| input.metrics.total[cell])?;
    metric("pct_mt", "Mitochondrial counts (%)", &|input, cell| input.metrics.pct_mt(cell))?;
    metric("pct_ribo", "Ribosomal counts (%)", &|input, cell| input.metrics.pct_ribo(cell))?;
    metric("doublet_score", "Doublet score", &|input, cell| {
        input.doublets.as_ref().map_or(f64::NAN, |found| found.scores[cell])
    })?;
    let made = shown.provenance;
    Ok(save("panfoma_qc_mqc_versions.yml", multiqc::versions(&made.tool, &made.tool_version))?)
}

fn cell(value: f64) -> String {
    if value.is_nan() { String::new() } else { format!("{}", (value * 1e4).round() / 1e4) }
}

fn general(samples: &[Group]) -> String {
    let mut text = "# plot_type: 'generalstats'\n# headers:\n".to_owned();
    let columns = [
        ("cells_kept", "Cells kept", "Cells that pass every rule", "'{:,.0f}'", "Greens"),
        ("pct_kept", "% kept", "Percent of the cells read that pass every rule", "'{:,.1f}'", "RdYlGn"),
        ("median_genes", "Genes", "Median genes of the cells kept", "'{:,.0f}'", "Blues"),
        ("median_counts", "Counts", "Median counts of the cells kept", "'{:,.0f}'", "Purples"),
        (
            "median_pct_mt",
            "% mt",
            "Median percent of mitochondrial counts of the cells kept",
            "'{:,.1f}'",
            "OrRd",
        ),
    ];
    for (name, title, description, format, scale) in columns {
        let _ = writeln!(
            text,
            "#   {name}:\n#     title: '{title}'\n#     description: '{description}'\n#     format: {format}\n#     scale: '{scale}'\n#     namespace: 'PanFoMa QC'"
        );
        if name.starts_with("pct") {
            text.push_str("#     max: 100\n#     min: 0\n#     suffix: '%'\n");
        }
    }
    text.push_str("Sample\tcells_kept\tpct_kept\tmedian_genes\tmedian_counts\tmedian_pct_mt\n");
    for group in samples {
        let medians = &group.medians;
        let kept = 100.0 * (1.0 - group.removed_share());
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}",
            plain(group.name),
            group.passed,
            cell(kept),
            cell(medians.n_genes),
            cell(medians.total),
            cell(medians.pct_mt)
        );
    }
    text
}

fn table(samples: &[Group]) -> String {
    let (rules, parent) = (rules(samples), GROUP.comments());
    let doublets = samples.iter().any(|group| !group.doublets.is_empty());
    let mut text = format!(
        "# id: 'panfoma_qc_samples'\n# section_name: 'Cells by sample'\n# description: 'Cells read, removed by the first rule that applies, and kept.'\n{parent}# plot_type: 'table'\n# pconfig:\n#   id: 'panfoma_qc_samples_table'\n#   namespace: 'PanFoMa QC'\nSample\tcells_read"
    );
    rules.iter().for_each(|rule| text.extend(["\t", rule.name()]));
    text.push_str(if doublets { "\tcells_kept\tdoublets_called\n" } else { "\tcells_kept\n" });
    for group in samples {
        let _ = write!(text, "{}\t{}", plain(group.name), group.cells.len());
        for rule in &rules {
            let _ = write!(text, "\t{}", group.removed.get(rule).unwrap_or(&0));
        }
        let _ = write!(text, "\t{}", group.passed);
        if doublets {
            let called: Vec<usize> = group
                .doublets
                .iter()
                .filter(|found| found.threshold.is_some())
                .map(|found| found.called)
                .collect();
            let sum: usize = called.iter().sum();
            let _ = write!(text, "\t{}", if called.is_empty() { String::new() } else { sum.to_string() });
        }
        text.push('\n');
    }
    text
}

fn removed(samples: &[Group]) -> String {
    let (rules, parent) = (rules(samples), GROUP.comments());
    let mut text = format!(
        "# id: 'panfoma_qc_removed'\n# section_name: 'Removed cells'\n# description: 'Cells kept, and removed by the first rule that applies.'\n{parent}# plot_type: 'bargraph'\n# pconfig:\n#   id: 'panfoma_qc_removed_plot'\n#   title: 'PanFoMa QC: kept and removed cells'\n#   ylab: 'cells'\nSample\tkept"
    );
    rules.iter().for_each(|rule| text.extend(["\t", rule.name()]));
    text.push('\n');
    for group in samples {
        let _ = write!(text, "{}\t{}", plain(group.name), group.passed);
        for rule in &rules {
            let _ = write!(text, "\t{}", group.removed.get(rule).unwrap_or(&0));
        }
        text.push('\n');
    }
    text
}

fn knee_lines(samples: &[Group]) -> Value {
    let line = |group: &Group| -> Value {
        let points = knee::ranked(group).into_iter().filter(|point| point.1 > 0.0);
        points.map(|(rank, total)| json!([rank, total])).collect()
    };
    let data: serde_json::Map<String, Value> =
        samples.iter().map(|group| (plain(group.name), line(group))).collect();
    let config = json!({"xlab": "rank of the cell", "ylab": "total counts", "xlog": true, "ylog": true});
    GROUP.section(
        "knee",
        "Knee",
        "Ranked total counts of the cells of each sample.",
        "linegraph",
        config,
        data.into(),
    )
}

fn boxes(samples: &[Group], id: &str, title: &str, value: &dyn Fn(&Measured, usize) -> f64) -> Option<Value> {
    let quantiles = |group: &Group| -> Vec<f64> {
        let mut values = group.values(value);
        values.sort_by(f64::total_cmp);
        if values.len() <= QUANTILES {
            return values;
        }
        let at = |i: usize| {
            values[((values.len() - 1) as f64 * i as f64 / (QUANTILES - 1) as f64).round() as usize]
        };
        (0..QUANTILES).map(at).map(|value| (value * 1e4).round() / 1e4).collect()
    };
    let data: serde_json::Map<String, Value> = samples
        .iter()
        .map(|group| (plain(group.name), quantiles(group)))
        .filter(|(_, values)| !values.is_empty())
        .map(|(name, values)| (name, json!(values)))
        .collect();
    let description =
        "Of all cells read; of doublet scores, of those that have one. Each sample by its percentiles.";
    (!data.is_empty())
        .then(|| GROUP.section(id, title, description, "box", json!({"xlab": title}), data.into()))
}

fn counts_and_genes(shown: &Shown, studies: &[Group]) -> Value {
    let mut data = serde_json::Map::new();
    for study in studies {
        let point = |&cell: &(u32, u32)| {
            let (metrics, at) = (&study.input(cell).metrics, cell.1 as usize);
            let share = metrics.pct_mt(at);
            let colour =
                scatter::COLOURS.iter().rfind(|(from, _)| share >= *from).unwrap_or(&scatter::COLOURS[0]);
            json!({"x": metrics.total[at], "y": metrics.n_genes[at], "color": colour.1})
        };
        let cells = scatter::sampled(study, shown.provenance.seed);
        let step = cells.len().div_ceil(MOST_CELLS / studies.len()).max(1);
        let points: Value = cells
            .iter()
            .step_by(step)
            .filter(|&&cell| study.input(cell).metrics.total[cell.1 as usize] > 0.0)
            .map(point)
            .collect();
        data.insert(plain(study.name), points);
    }
    let config =
        json!({"xlab": "total counts", "ylab": "genes", "xlog": true, "ylog": true, "marker_size": 4});
    GROUP.section(
        "counts_genes",
        "Counts and genes",
        "At most 1,800 cells, as many of each study, from dark to bright by their percentage of mitochondrial counts (below 2.5, 5, 10, 20, 40, above).",
        "scatter",
        config,
        data.into(),
    )
}
