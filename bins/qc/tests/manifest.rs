//! Many studies at once by a manifest, their labels in one scheme: real tumours of skin, lung and breast.

mod stage;

use panfoma_core::artifact::cells::Cells;
use panfoma_core::stage::error::classify;
use stage::{data, report, run, table};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A directory with these files beside a link to the real sets.
fn write(data: &Path, files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink(data.canonicalize().unwrap(), directory.path().join("data")).unwrap();
    for (name, text) in files {
        std::fs::write(directory.path().join(name), text).unwrap();
    }
    directory
}

fn qc(directory: &Path, flags: &[&str]) -> anyhow::Result<PathBuf> {
    let output = directory.join("cells.zarr");
    let file = |flag: &&str| match flag.ends_with(".csv") {
        true => directory.join(flag).into_os_string(),
        false => flag.into(),
    };
    run(&output, flags.iter().map(file))?;
    Ok(output)
}

fn count(cells: &Cells, column: &str) -> BTreeMap<String, usize> {
    let column = cells.obs(column).unwrap();
    let mut counts = BTreeMap::new();
    for cell in 0..cells.n_cells() {
        let text = column.text(cell).map_or_else(|| "missing".to_owned(), |text| text.into_owned());
        *counts.entry(text).or_default() += 1;
    }
    counts
}

fn counts(expected: &[(&str, usize)]) -> BTreeMap<String, usize> {
    expected.iter().map(|(value, n)| ((*value).to_owned(), *n)).collect()
}

const MANIFEST: &str = "\
study,path,sample_column,patient_column,patient,label:cell_type,label:compartment,tissue,site
skin,data/tumor_ctcl_skin_gaydosik2019.h5ad,batch,patient,,,malignant,,trunk
lung,data/tumor_lung_luad_kim2020_T34.h5ad,,,T34,cell_type,malignant,lung lobe,
breast,data/tumor_breast_tnbc_wu2021.h5ad,,,,cell_type_minor,malignant,,\"breast, left\"
";

const LABELS: &str = "\
column,from,to,study
compartment,malignant,tumour,
compartment,normal,stroma,
compartment,unknown,,
tissue,breast,breast,
tissue,lung lobe,lung,lung
";

#[test]
fn studies_meet_in_one_scheme() {
    let Some(data) = data() else { return };
    let directory = write(&data, &[("studies.csv", MANIFEST), ("labels.csv", LABELS)]);
    let flags = ["--manifest", "studies.csv", "--label-map", "labels.csv", "--keep-removed"];
    let output = qc(directory.path(), &flags).unwrap();
    let cells = Cells::open(&output).unwrap();
    assert_eq!(count(&cells, "study"), counts(&[("skin", 1_800), ("lung", 397), ("breast", 1_564)]));
    // By the sets' own README: 124 malignant; normal 900 + 277 + 1,440; unknown 900 + 120.
    assert_eq!(
        count(&cells, "compartment"),
        counts(&[("tumour", 124), ("stroma", 2_617), ("missing", 1_020)])
    );
    assert_eq!(
        count(&cells, "input_compartment"),
        counts(&[("malignant", 124), ("normal", 2_617), ("unknown", 1_020)])
    );
    // The manifest's tissue of one study, the file's own of the others; the displaced one is kept.
    assert_eq!(count(&cells, "tissue")["lung"], 397);
    assert_eq!(count(&cells, "site"), counts(&[("trunk", 1_800), ("breast, left", 1_564), ("missing", 397)]));
    let patients: BTreeSet<String> = count(&cells, "patient").into_keys().collect();
    assert!(
        patients.contains("skin:CTCL-5")
            && patients.contains("lung:T34")
            && patients.contains("breast:CID4465")
    );
    assert_eq!(patients.len(), 8);
    let types = count(&cells, "cell_type");
    // `T-cells` and `T lymphocytes` are of columns that the map leaves alone; breast's is its finer column.
    assert_eq!(
        (types["T lymphocytes"], types["unknown"], types.contains_key("T-cells")),
        (120, 1_800, false)
    );
    assert_eq!(count(&cells, "input_cell_type")["T-cells"], 116);
    let unmapped = &report(&output)["studies"];
    let of = |study: usize| unmapped[study]["unmapped_labels"]["tissue"].as_object().unwrap().clone();
    assert_eq!(of(0).values().filter_map(serde_json::Value::as_u64).sum::<u64>(), 1_800);
    assert!(of(1).is_empty());
    // Seven samples, each with its cells in and passed.
    let samples = table(&output, "samples.tsv");
    assert_eq!((samples.len(), samples[1][..3].join(" ").as_str()), (9, "skin skin:CTCL-5 300"));
    // The header names the tables as inputs.
    let names: Vec<&str> = cells.header().provenance.inputs.iter().map(|input| input.name.as_str()).collect();
    assert_eq!(names[3..], ["studies.csv", "labels.csv"]);
}

#[test]
fn strict_labels_refuse_what_the_scheme_lacks() {
    let Some(data) = data() else { return };
    let directory = write(&data, &[("studies.csv", MANIFEST), ("labels.csv", LABELS)]);
    let flags = ["--manifest", "studies.csv", "--label-map", "labels.csv", "--strict-labels"];
    let error = qc(directory.path(), &flags).unwrap_err();
    assert_eq!(classify(&error).0, 65);
    assert!(error.to_string().contains("(1800 cells) of `tissue` in `skin`"), "{error}");
    assert!(!directory.path().join("cells.zarr").exists());
}

/// The two files hold the same 200 cells of the same names.
#[test]
fn a_study_of_several_files_keeps_its_cells_apart_and_its_patients_together() {
    let Some(data) = data() else { return };
    let manifest = "\
study,path,patient
tnbc,data/odd/derived/csc_counts.h5ad,P1
tnbc,data/odd/derived/csr_int64_counts.h5ad,P1
other,data/odd/derived/raw_in_raw_X_more_genes.h5ad,P1
";
    let directory = write(&data, &[("m.csv", manifest)]);
    let output =
        qc(directory.path(), &["--manifest", "m.csv", "--keep-removed", "--min-cells", "3"]).unwrap();
    let cells = Cells::open(&output).unwrap();
    assert_eq!((cells.n_cells(), cells.studies()), (600, &["tnbc", "other"].map(str::to_owned)[..]));
    let ids: BTreeSet<String> = cells.cell_ids(0..600).unwrap().into_iter().collect();
    assert_eq!(ids.len(), 600);
    assert_eq!(ids.iter().filter(|id| id.starts_with("tnbc:csr_int64_counts:")).count(), 200);
    assert_eq!(count(&cells, "patient"), counts(&[("tnbc:P1", 400), ("other:P1", 200)]));
    assert!((0..cells.genes().len()).all(|gene| cells.measured(gene, 0)));
    // One line a name of the study, though two files have it.
    let genes = table(&output, "genes.tsv");
    assert_eq!(genes.iter().filter(|gene| gene[0] == "tnbc").count(), 600);
}

#[test]
fn errors_name_the_manifests_line_and_column() {
    let Some(data) = data() else { return };
    let gone = "study,path,label:type\na,data/tumor_pancancer_tcells_wu2020.h5ad,\nb,data/odd/derived/csc_counts.h5ad,nowhere\n";
    let sample = "study,path,sample_column\na,data/odd/derived/csc_counts.h5ad,lane\n";
    let directory = write(&data, &[("gone.csv", gone), ("sample.csv", sample)]);
    for (flags, code, expected) in [
        (&["--manifest", "gone.csv"][..], 65, "gone.csv` line 3: column `label:type`"),
        (&["--manifest", "sample.csv"], 65, "sample.csv` line 2: `"),
        (&["--manifest", "none.csv"], 66, "none.csv` does not exist"),
        (&["--manifest", "gone.csv", "-i", "x.h5ad"], 64, "exclude each other"),
        (&["--manifest", "gone.csv", "--study", "x"], 64, "exclude each other"),
        (&["--manifest", "sample.csv", "--strict-labels"], 64, "needs a `--label-map`"),
        (&[], 64, "no input is named"),
    ] {
        let error = qc(directory.path(), flags).unwrap_err();
        assert_eq!(classify(&error).0, code, "{error:#}");
        assert!(format!("{error:#}").contains(expected), "{flags:?}: {error:#}");
    }
}
