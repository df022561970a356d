//! The page and MultiQC's files of studies made up for it.

use super::*;
use crate::args::Args;
use crate::filters::Rule;
use crate::genes::StudyGenes;
use crate::input::Input;
use crate::metrics::Metrics;
use crate::stash::{Stash, StashFile};
use crate::study::{Groups, Study};
use clap::Parser;
use panfoma_core::matrix::Frame;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Samples of ten cells; of sample i the first i % 7 cells have too few genes.
fn study(name: &str, n_samples: usize) -> Measured {
    let n = 10 * n_samples;
    let rules: Vec<Option<Rule>> =
        (0..n).map(|cell| (cell % 10 < (cell / 10) % 7).then_some(Rule::MinGenes)).collect();
    let names = (0..n_samples).map(|sample| format!("{name}:s<{sample}>")).collect();
    let samples = Groups {
        column: Some("sample".to_owned()),
        names,
        codes: (0..n as i32).map(|cell| cell / 10).collect(),
    };
    let genes = Frame { index: ["TP53", "EGFR", "nothing"].map(str::to_owned).to_vec(), ..Frame::default() };
    Measured {
        study: Study {
            name: name.to_owned(),
            input: Input::new(name.to_owned(), "a.h5ad".into()),
            source: "X".to_owned(),
            n_cells: n,
            genes: StudyGenes::map(&genes),
            patients: samples.clone(),
            samples,
            columns: Vec::new(),
            modalities: Vec::new(),
            dropped_modalities: Vec::new(),
            skipped_columns: Vec::new(),
            unmapped_labels: Default::default(),
            notes: Vec::new(),
        },
        metrics: Metrics {
            n_genes: (0..n as u32).map(|cell| 100 + cell % 97 * 11).collect(),
            total: (0..n).map(|cell| (300 + cell % 89 * 37) as f64).collect(),
            mt: (0..n).map(|cell| (cell % 50) as f64).collect(),
            ribo: vec![1.0; n],
            pct_top: Vec::new(),
            of_genes: Vec::new(),
        },
        rules,
        rounding: None,
        doublets: None,
        cells: Frame { index: (0..n).map(|cell| format!("cell\t{cell}")).collect(), ..Frame::default() },
        counts: Stash::new(&StashFile::create(&std::env::temp_dir()).unwrap()),
        modalities: Vec::new(),
        block_len: 64,
    }
}

fn made_with(config: serde_json::Value) -> Provenance {
    Provenance {
        tool: "panfoma-qc".to_owned(),
        tool_version: "9.8.7".to_owned(),
        commit: "c".to_owned(),
        config,
        inputs: Vec::new(),
        seed: 5,
    }
}

fn made(studies: &[Measured]) -> (String, tempfile::TempDir) {
    let config = Config::new(&Line::parse_from(["qc", "-i", "a.h5ad", "-o", "out/cells.zarr"]).args).unwrap();
    let flags =
        serde_json::json!({"layer": "my counts", "keep_removed": true, "min_genes": null, "study": []});
    let provenance = made_with(flags);
    let skipped = [Skipped { study: "broken".to_owned(), reason: "no <counts>".to_owned() }];
    let shown = Shown { studies, skipped: &skipped, n_genes: 2, provenance: &provenance, config: &config };
    let directory = tempfile::tempdir().unwrap();
    let html = directory.path().join("qc.html");
    let [figures, multiqc] = ["c.zarr.qc_figures", "mqc"].map(|name| directory.path().join(name));
    write(&Paths { html: &html, figures: &figures, multiqc: &multiqc }, &shown).unwrap();
    (std::fs::read_to_string(html).unwrap(), directory)
}

#[test]
fn the_page_needs_no_other_file_and_escapes_names() {
    let (page, _directory) = made(&[study("one", 3)]);
    for outside in ["http://", "https://", "<script ", "<link", "src=", "@import", "url("] {
        assert!(!page.contains(outside), "the page holds `{outside}`");
    }
    assert!(page.contains("one:s&lt;1&gt;") && !page.contains("s<1>"));
    assert!(page.contains("no &lt;counts&gt;"));
    // 0 + 1 + 2 cells are removed.
    assert!(page.contains("27 of 30 cells pass (90.0 %), in 3 samples of 1 study; 2 genes"), "{page}");
    for part in ["panfoma-qc -i ", " --keep-removed", " --layer 'my counts'", " --seed 5 -o cells.zarr</pre>"]
    {
        assert!(page.contains(part), "the command lacks `{part}`");
    }
    assert!(!page.contains("--min-genes ") && !page.contains("--study"));
}

#[test]
fn the_command_of_a_manifest_names_the_tables_and_not_their_inputs() {
    let directory = tempfile::tempdir().unwrap();
    let [manifest, map] = ["studies.csv", "my labels.csv"].map(|name| directory.path().join(name));
    std::fs::write(&manifest, "study,path\none,studies.csv\n").unwrap();
    std::fs::write(&map, "column,from,to\n").unwrap();
    let line =
        ["qc".as_ref(), "--manifest".as_ref(), manifest.as_os_str(), "--label-map".as_ref(), map.as_os_str()];
    let config =
        Config::new(&Line::parse_from(line.into_iter().chain(["-o".as_ref(), "c.zarr".as_ref()])).args)
            .unwrap();
    let command = command(&made_with(serde_json::json!({})), &config);
    assert_eq!(command, "panfoma-qc --manifest studies.csv --label-map 'my labels.csv' --seed 5 -o c.zarr");
}

#[test]
fn every_figure_is_also_a_picture_and_a_table() {
    let (page, directory) = made(&[study("one", 3)]);
    let at = directory.path().join("c.zarr.qc_figures");
    let names = ["violins_genes", "violins_total_counts", "violins_mitochondrial", "violins_ribosomal"];
    for name in names.into_iter().chain(["knee", "counts_and_genes_one"]) {
        for extension in ["svg", "png", "tsv"] {
            let file = format!("{name}.{extension}");
            assert!(page.contains(&format!("href=\"c.zarr.qc_figures/{file}\"")), "no link to {file}");
            assert!(std::fs::metadata(at.join(&file)).unwrap().len() > 100, "{file}");
        }
    }
    assert_eq!(std::fs::read_dir(&at).unwrap().count(), 18);
    let rows = |name: &str| -> Vec<Vec<String>> {
        let text = std::fs::read_to_string(at.join(name)).unwrap();
        text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect()
    };
    // Cell 1 of 30, with a tab in its name: 337 counts of 111 genes, 1 of them mitochondrial; too few genes only in s<1>.
    let cells = rows("counts_and_genes_one.tsv");
    assert_eq!(cells.len(), 31);
    assert_eq!(cells[2], ["one:s<0>", "cell 1", "337", "111", "0.296736", ""]);
    assert_eq!(cells[11][5], "min_genes");
    // The ten cells of s<0> have 100, 111, ..., 199 genes.
    let violins = rows("violins_genes.tsv");
    let median = violins.iter().find(|row| row[0] == "one:s<0>" && row[2] == "median").unwrap();
    assert_eq!(median[1..4], ["10", "median", "155"]);
    let outline = violins.iter().filter(|row| row[0] == "one:s<0>" && row[2] == "outline");
    let most = outline.map(|row| row[4].parse::<f64>().unwrap()).fold(0.0, f64::max);
    assert_eq!(most, 1.0);
    assert_eq!(rows("knee.tsv")[1], ["one:s<0>", "1", "633"]);
}

/// A study may come in several files, and a sample in more than one of them.
#[test]
fn inputs_of_one_study_make_one_row() {
    let (page, _directory) = made(&[study("one", 3), study("one", 2)]);
    assert!(page.contains("46 of 50 cells pass (92.0 %), in 3 samples of 1 study; 2 genes"), "{page}");
    assert!(page.contains("<title>one:s&lt;1&gt;: 20 cells"));
}

#[test]
fn of_many_samples_those_that_lose_most_are_drawn_and_the_page_says_so() {
    let (page, _directory) = made(&[study("one", 100), study("two", 114)]);
    assert!(
        page.contains("24</strong> of 214 samples") || page.contains("24 of 214 samples"),
        "the cap is named"
    );
    // Four metrics have values; each violin has its name in a title.
    let violins = page.matches("cells, median ").count();
    assert_eq!(violins, 4 * MOST_SAMPLES);
    // Every seventh sample loses six of ten cells; the least that is drawn loses as many.
    assert!(
        page.contains("<title>one:s&lt;6&gt;: 10 cells") && !page.contains("<title>one:s&lt;1&gt;: 10 cells")
    );
    assert!(page.contains("190 other samples, grey"));
    // All are in the table.
    assert_eq!(page.matches("<td>two:s").count(), 114);
    assert!(page.len() < 2 << 20, "{} bytes", page.len());
}

#[test]
fn multiqc_files_hold_a_row_for_every_sample() {
    let (_, directory) = made(&[study("one", 3)]);
    let read = |name: &str| std::fs::read_to_string(directory.path().join("mqc").join(name)).unwrap();
    for name in ["general", "samples", "removed"] {
        let text = read(&format!("panfoma_{name}_qc_mqc.tsv"));
        let rows: Vec<Vec<&str>> = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .map(|line| line.split('\t').collect())
            .collect();
        assert!(rows.len() == 4 && rows.iter().all(|row| row.len() == rows[0].len()), "{text}");
        assert!(text.starts_with("# "), "{text}");
    }
    assert!(
        read("panfoma_removed_qc_mqc.tsv")
            .ends_with("Sample\tkept\tmin_genes\none:s<0>\t10\t0\none:s<1>\t9\t1\none:s<2>\t8\t2\n")
    );
    let knee: serde_json::Value = serde_json::from_str(&read("panfoma_knee_qc_mqc.json")).unwrap();
    // The ten cells of the first sample have 300, 337, ..., 633 counts.
    assert_eq!(knee["data"]["one:s<0>"][0], serde_json::json!([1, 633.0]));
    assert_eq!(knee["data"]["one:s<0>"].as_array().unwrap().last().unwrap(), &serde_json::json!([10, 300.0]));
    assert_eq!(read("panfoma_qc_mqc_versions.yml"), "panfoma-qc: \"9.8.7\"\n");
    assert!(!directory.path().join("mqc/panfoma_doublet_score_qc_mqc.json").exists());
}
