//! Doublets as users ask for them, against known ones and scanpy's scores.

mod stage;

use panfoma_core::artifact::cells::Cells;
use panfoma_core::stage::error::classify;
use serde_json::Value;
use stage::{data, fixture, report};
use std::path::Path;

fn qc(output: &Path, input: &Path, flags: &[&str], seed: u64) -> anyhow::Result<Cells> {
    stage::qc_seeded(output, &[input.to_owned()], flags, seed)?;
    Cells::open(output)
}

/// Of all pairs of a doublet and a single cell, the share in which the doublet scores higher.
fn auroc(scores: &[f64], doublet: &[bool]) -> f64 {
    let of = |is: bool| scores.iter().zip(doublet).filter(move |(_, d)| **d == is).map(|(score, _)| *score);
    let wins: f64 = of(true)
        .map(|high| {
            of(false)
                .map(|low| f64::from(u8::from(high > low)) + f64::from(u8::from(high == low)) / 2.0)
                .sum::<f64>()
        })
        .sum();
    wins / (of(true).count() * of(false).count()) as f64
}

/// 1,408 cells of five lung cancer lines in five batches, 387 of them doublets that their genotypes betray
/// (Tian et al. 2019). Which pairs are drawn decides as much as 0.04, so the mean of several seeds is compared.
#[test]
fn known_doublets_score_as_high_as_in_scanpy() {
    let Some(data) = data() else { return };
    let golden: Value =
        serde_json::from_str(&std::fs::read_to_string(fixture("qc/scrublet.json")).unwrap()).unwrap();
    let scanpy: Vec<f64> = golden["scmixology"]["per_batch"]
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["auroc"].as_f64().unwrap())
        .collect();
    let scanpy_mean = scanpy.iter().sum::<f64>() / scanpy.len() as f64;
    let directory = tempfile::tempdir().unwrap();
    let seeds = 4;
    let mut areas = Vec::new();
    for seed in 0..seeds {
        let output = directory.path().join(format!("{seed}.zarr"));
        let input = data.join("tumor_lung_celllines_scmixology.h5ad");
        let flags = ["--doublets", "--sample-column", "batch", "--min-genes", "1", "--max-pct-mt", "100"];
        let cells = qc(&output, &input, &flags, seed).unwrap();
        assert_eq!(cells.n_cells(), 1_408);
        let (score, truth) = (cells.obs("doublet_score").unwrap(), cells.obs("doublet").unwrap());
        let scores: Vec<f64> = (0..cells.n_cells()).map(|cell| score.number(cell)).collect();
        let truth: Vec<bool> =
            (0..cells.n_cells()).map(|cell| truth.text(cell).as_deref() == Some("DBL")).collect();
        areas.push(auroc(&scores, &truth));
    }
    let mean = areas.iter().sum::<f64>() / seeds as f64;
    println!("AUROC {mean:.4} (scanpy {scanpy_mean:.4}); {areas:.3?}");
    // Three standard errors of a mean of four, by the spread of scanpy's own seeds.
    let squares: f64 = scanpy.iter().map(|area| (area - scanpy_mean).powi(2)).sum();
    let deviation = (squares / (scanpy.len() - 1) as f64).sqrt();
    let noise = 3.0 * deviation / (seeds as f64).sqrt();
    assert!(mean > scanpy_mean - noise, "{mean}, scanpy {scanpy_mean} (noise {noise}): {areas:?}");
}

#[test]
fn called_doublets_are_marked_or_removed_with_their_rule() {
    let directory = tempfile::tempdir().unwrap();
    let at = |name: &str| directory.path().join(name);
    let flags = ["--max-pct-mt", "100", "--max-doublet-score", "0.15"];
    let with = |more: &[&'static str]| [&flags[..], more].concat();
    let marked = qc(&at("marked.zarr"), &fixture("qc/counts300.h5ad"), &with(&["--doublets"]), 0).unwrap();
    let (score, called) = (marked.obs("doublet_score").unwrap(), marked.obs("predicted_doublet").unwrap());
    let mut n_called = 0;
    for cell in 0..marked.n_cells() {
        let expected = if score.number(cell) > 0.15 { "True" } else { "False" };
        assert_eq!(called.text(cell).as_deref(), Some(expected));
        n_called += usize::from(expected == "True");
    }
    assert!(0 < n_called && n_called < 50, "{n_called}");
    let sample = report(&at("marked.zarr"))["studies"][0]["doublets"]["counts300:b0"].clone();
    let samples = report(&at("marked.zarr"))["studies"][0]["doublets"].as_object().unwrap().clone();
    let n: u64 = samples.values().map(|sample| sample["called"].as_u64().unwrap()).sum();
    assert_eq!(n as usize, n_called, "{sample}");

    let removed =
        qc(&at("removed.zarr"), &fixture("qc/counts300.h5ad"), &with(&["--remove-doublets"]), 0).unwrap();
    assert_eq!(removed.n_cells(), marked.n_cells() - n_called);
    assert_eq!(report(&at("removed.zarr"))["studies"][0]["cells"]["removed"]["doublet"], n_called);
    let text = std::fs::read_to_string(format!("{}.removed.tsv", at("removed.zarr").display())).unwrap();
    assert_eq!(text.lines().filter(|line| line.split('\t').nth(3) == Some("doublet")).count(), n_called);

    let without = qc(&at("without.zarr"), &fixture("qc/counts300.h5ad"), &flags[..2], 0).unwrap();
    assert!(without.obs("doublet_score").is_err());
}

#[test]
fn flags_that_need_scores_are_refused_without_them() {
    let directory = tempfile::tempdir().unwrap();
    let refused = |flags: &[&str]| {
        let error =
            qc(&directory.path().join("a.zarr"), &fixture("qc/counts300.h5ad"), flags, 0).err().unwrap();
        (classify(&error).0, error.to_string())
    };
    let (code, text) = refused(&["--max-doublet-score", "0.2"]);
    assert!(code == 64 && text.contains("--max-doublet-score"), "{text}");
    let (code, text) = refused(&["--doublets", "--expected-doublet-rate", "1"]);
    assert!(code == 64 && text.contains("--expected-doublet-rate"), "{text}");
}

#[test]
fn scores_do_not_depend_on_threads() {
    let directory = tempfile::tempdir().unwrap();
    let scores = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let output = directory.path().join(format!("{threads}.zarr"));
        let cells = pool.install(|| qc(&output, &fixture("qc/counts300.h5ad"), &["--doublets"], 0)).unwrap();
        let score = cells.obs("doublet_score").unwrap();
        (0..cells.n_cells()).map(|cell| score.number(cell).to_bits()).collect::<Vec<u64>>()
    };
    let one = scores(1);
    assert!(one.iter().any(|&bits| !f64::from_bits(bits).is_nan()));
    assert_eq!(one, scores(3));
}
