//! The stage as a whole, on a corpus of two studies whose every count is known.

use panfoma_core::artifact::cells::{CellsWriter, FORMAT, Gene, VERSION, Var};
use panfoma_core::artifact::provenance::Input;
use panfoma_core::artifact::tokens::{Columns, Split, Tokens};
use panfoma_core::artifact::vocabulary::{self, Vocabulary};
use panfoma_core::artifact::{Header, Provenance};
use panfoma_core::matrix::{Column, Kind, Rows};
use panfoma_core::rng::Philox;
use panfoma_core::stage::{Context, Stage, error};
use panfoma_tokenize::Args;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const N_CELLS: usize = 2200;
const N_GENES: usize = 60;
const N_PATIENTS: usize = 24;

/// What a test may break.
#[derive(Default)]
struct Corpus {
    patient_missing_at: Option<usize>,
    same_id_at: Option<usize>,
    fails_qc: Option<fn(usize) -> bool>,
    empty: Option<fn(usize) -> bool>,
    /// Counts of these patients are drawn anew.
    other_counts_of: Option<fn(usize) -> bool>,
    /// The second study says it did not measure a gene that its cells express.
    wrong_mask: bool,
    /// Cells of the first study carry counts of three proteins.
    proteins: bool,
    gene_prefix: Option<&'static str>,
}

fn patient(cell: usize) -> usize {
    // Runs of thirteen cells, neighbours far apart in number.
    cell / 13 * 7 % N_PATIENTS
}

/// Patients 0, 3, 6, … have melanoma, the others glioma.
fn cancer(patient: usize) -> &'static str {
    if patient.is_multiple_of(3) { "melanoma" } else { "glioma" }
}

/// The last fifteen genes are measured in the first study only.
fn measured(gene: usize, study: usize) -> bool {
    study == 0 || gene < N_GENES - 15
}

fn study(patient: usize) -> usize {
    patient % 2
}

/// The third protein is in every third cell of the first study.
fn proteins(cell: usize) -> Vec<(u32, f32)> {
    match study(patient(cell)) {
        0 => [(0, 1 + cell % 400), (2, usize::from(cell.is_multiple_of(3)))]
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(protein, count)| (protein, count as f32))
            .collect(),
        _ => Vec::new(),
    }
}

impl Corpus {
    fn counts(&self, cell: usize) -> Vec<(u32, f32)> {
        if self.empty.is_some_and(|empty| empty(cell)) {
            return Vec::new();
        }
        let anew = self.other_counts_of.is_some_and(|others| others(patient(cell)));
        let mut stream = Philox::new(u64::from(anew)).stream(cell as u64, 0);
        let mut genes = Vec::new();
        for gene in 0..N_GENES {
            let draw = stream.below(10);
            // Gene 7 is in one cell in a hundred, the others in four of ten.
            let expressed = if gene == 7 { cell % 100 == 3 } else { draw < 4 };
            if expressed && measured(gene, study(patient(cell))) {
                genes.push((gene as u32, (1 + stream.below(1 + gene as u32)) as f32));
            }
        }
        genes
    }

    fn write(&self, directory: &Path) -> PathBuf {
        let path = directory.join("cells.zarr");
        std::fs::create_dir(&path).unwrap();
        let obs: Vec<(String, Kind)> =
            ["study", "sample", "patient", "cancer_type", "cell_type", "lane", "split"]
                .map(|name| (name.to_owned(), Kind::Categorical))
                .into_iter()
                .chain([("passes_qc".to_owned(), Kind::Bool), ("age".to_owned(), Kind::Float)])
                .collect();
        let mut writer = CellsWriter::create(&path, N_GENES, &obs).unwrap();
        let protein = self
            .proteins
            .then(|| writer.add_modality("protein", &["CD3", "CD19", "CD45RA"].map(str::to_owned)).unwrap());
        let cells = || 0..N_CELLS;
        let mut rows = Rows::default();
        cells().for_each(|cell| rows.push(self.counts(cell)));
        let texts = |text: &dyn Fn(usize) -> Option<String>| {
            let values: Vec<Option<String>> = cells().map(text).collect();
            Column::from_texts(values.iter().map(Option::as_deref))
        };
        let columns = [
            texts(&|cell| Some(["s0", "s1"][study(patient(cell))].to_owned())),
            texts(&|cell| Some(format!("sample {}", patient(cell)))),
            texts(&|cell| {
                (self.patient_missing_at != Some(cell)).then(|| format!("patient {}", patient(cell)))
            }),
            texts(&|cell| Some(cancer(patient(cell)).to_owned())),
            texts(&|cell| (cell % 7 > 0).then(|| ["T cell", "B cell"][cell % 2].to_owned())),
            texts(&|cell| Some(format!("lane {}", cell % 5))),
            // A column of the tokens' own name is left behind.
            texts(&|_| Some("theirs".to_owned())),
            Column::Bool(cells().map(|cell| !self.fails_qc.is_some_and(|fails| fails(cell))).collect()),
            Column::Float(cells().map(|cell| cell as f64 / 7.0).collect()),
        ];
        let id =
            |cell: usize| format!("cell {}", if self.same_id_at == Some(cell) { cell - 1 } else { cell });
        writer.append(&[rows], cells().map(id).collect(), &columns).unwrap();
        if let Some(protein) = protein {
            let mut rows = Rows::default();
            cells().for_each(|cell| rows.push(proteins(cell)));
            writer.append_modality(protein, &[rows]).unwrap();
        }
        let genes: Vec<Gene> = (0..N_GENES)
            .map(|gene| Gene {
                // Not in the order of the ids, and as many digits as Ensembl's.
                ensembl_id: format!("{}{:011}", self.gene_prefix.unwrap_or("ENSG"), gene * 37 % N_GENES),
                symbol: format!("S{gene}"),
                input_name: format!("S{gene}"),
                ..Gene::default()
            })
            .collect();
        let broken = |gene: usize, study: usize| self.wrong_mask && gene == 20 && study == 1;
        let mask: Vec<bool> = (0..N_GENES)
            .flat_map(|gene| [0, 1].map(|study| measured(gene, study) && !broken(gene, study)))
            .collect();
        let studies = ["s0".to_owned(), "s1".to_owned()];
        let provenance = Provenance {
            tool: "test".into(),
            tool_version: "0".into(),
            commit: "0".into(),
            config: serde_json::Value::Null,
            inputs: Vec::new(),
            seed: 0,
        };
        let header = Header::new(FORMAT, VERSION, provenance);
        writer.finish(&Var { genes: &genes, studies: &studies, measured: &mask }, &header).unwrap();
        path
    }
}

#[derive(clap::Parser)]
struct Line {
    #[command(flatten)]
    args: Args,
}

/// Runs the stage on a corpus with more flags; the tokens' path even if it failed.
fn tokenize(corpus: &Corpus, flags: &str) -> (tempfile::TempDir, PathBuf, anyhow::Result<()>) {
    let directory = tempfile::tempdir().unwrap();
    let input = corpus.write(directory.path());
    let output = directory.path().join("tokens");
    let result = run(&input, &output, flags);
    (directory, output, result)
}

fn run(input: &Path, output: &Path, flags: &str) -> anyhow::Result<()> {
    run_seeded(input, output, flags, 0)
}

fn run_seeded(input: &Path, output: &Path, flags: &str, seed: u64) -> anyhow::Result<()> {
    let mut line = vec!["tokenize".to_owned(), "-i".to_owned(), input.display().to_string()];
    line.extend(["-o".to_owned(), output.display().to_string()]);
    line.extend(flags.split_whitespace().map(str::to_owned));
    let args = <Line as clap::Parser>::parse_from(line).args;
    let mut context = Context::for_library("panfoma-tokenize", seed);
    context.config = serde_json::to_value(&args)?;
    args.run(&context)
}

fn merge(shards: &[&Path], output: &Path) -> anyhow::Result<()> {
    let mut line = vec!["tokenize".to_owned(), "-o".to_owned(), output.display().to_string()];
    line.push("--merge".to_owned());
    line.extend(shards.iter().map(|shard| shard.display().to_string()));
    let args = <Line as clap::Parser>::parse_from(line).args;
    args.run(&Context::for_library("panfoma-tokenize", 0))
}

fn open(corpus: &Corpus, flags: &str) -> (tempfile::TempDir, Tokens) {
    let (directory, output, result) = tokenize(corpus, flags);
    result.unwrap();
    (directory, Tokens::open(&output).unwrap())
}

fn refusal(corpus: &Corpus, flags: &str) -> (u8, String, String) {
    let (_directory, output, result) = tokenize(corpus, flags);
    let error = result.unwrap_err();
    assert!(!output.exists(), "nothing is left of a run that failed");
    let (code, hint) = error::classify(&error);
    (code, format!("{error:#}"), hint.unwrap_or_default().to_owned())
}

/// The splits that the cells of each value of a column have.
fn splits_of(tokens: &Tokens, column: &str) -> BTreeMap<String, BTreeSet<Split>> {
    let values = tokens.column(column).unwrap();
    let mut splits: BTreeMap<String, BTreeSet<Split>> = BTreeMap::new();
    for (cell, &split) in tokens.splits().iter().enumerate() {
        splits.entry(values.get(cell).unwrap_or("missing").to_owned()).or_default().insert(split);
    }
    splits
}

#[test]
fn no_patient_is_in_two_splits_and_each_cancer_type_is_in_all() {
    let (_directory, tokens) = open(&Corpus::default(), "--stratify cancer_type");
    let patients = splits_of(&tokens, "patient");
    assert!(patients.values().all(|splits| splits.len() == 1), "{patients:?}");
    assert!(splits_of(&tokens, "cancer_type").values().all(|splits| splits.len() == 3));
    let record = &tokens.index().split;
    assert!(!record.optimistic);
    // 8 melanoma patients: 6.4, 0.8, 0.8; 16 glioma patients: 12.8, 1.6, 1.6 with the tie to test.
    assert_eq!([record.groups.train, record.groups.valid, record.groups.test], [6 + 13, 1 + 1, 1 + 2]);
}

#[test]
fn a_split_that_divides_patients_is_called_optimistic() {
    let optimistic = |flags: &str| open(&Corpus::default(), flags).1.index().split.optimistic;
    assert!(optimistic("--split cell:0.8,0.1,0.1"));
    assert!(optimistic("--split lane:0.5,0,0.5 --groups study"));
    assert!(!optimistic("--split study:0.5,0,0.5"));
    assert!(!optimistic("--split sample:0.8,0.1,0.1"));
}

#[test]
fn a_column_that_is_named_twice_is_carried_once() {
    let flags = "--groups study,patient,study --labels cancer_type,cancer_type";
    let (_directory, tokens) = open(&Corpus::default(), flags);
    assert_eq!(tokens.index().group_columns, ["study", "patient"]);
    assert_eq!(tokens.index().label_columns, ["cancer_type"]);
}

#[test]
fn a_study_is_held_out_by_name() {
    let names: Vec<String> = splits_of(&open(&Corpus::default(), "").1, "study").into_keys().collect();
    for name in &names {
        let flags = format!("--split study:0.8,0.1,0.1 --test-groups {name}");
        let (_directory, tokens) = open(&Corpus::default(), &flags);
        for (study, splits) in splits_of(&tokens, "study") {
            let expected = if study == *name { Split::Test } else { Split::Train };
            assert_eq!(splits.into_iter().collect::<Vec<_>>(), [expected], "{study}, held out: {name}");
        }
        assert_eq!(tokens.index().split.test_groups, [name.as_str()]);
    }
    let (code, error, hint) = refusal(&Corpus::default(), "--split study:1,0,0 --test-groups elsewhere");
    assert!(code == 65 && error.contains("`elsewhere`") && hint.contains(&names[0]), "{error} {hint}");
    let (code, ..) = refusal(&Corpus::default(), "--split cell:1,0,0 --test-groups a");
    assert_eq!(code, 64);
}

#[test]
fn single_cells_are_divided_by_exact_fractions() {
    let (_directory, tokens) = open(&Corpus::default(), "--split cell:0.8,0.1,0.1");
    let cells = tokens.index().split.cells;
    assert_eq!([cells.train, cells.valid, cells.test], [1760, 220, 220]);
}

#[test]
fn the_vocabulary_learns_nothing_from_validation_and_test_cells() {
    let (_directory, tokens) = open(&Corpus::default(), "--n-top-genes 30");
    let trained = splits_of(&tokens, "patient");
    static HELD_OUT: std::sync::OnceLock<BTreeSet<usize>> = std::sync::OnceLock::new();
    HELD_OUT.get_or_init(|| {
        let held_out = trained.iter().filter(|(_, splits)| !splits.contains(&Split::Train));
        held_out.map(|(name, _)| name.trim_start_matches("patient ").parse().unwrap()).collect()
    });
    assert!(HELD_OUT.get().unwrap().len() >= 4);
    let changed = Corpus {
        other_counts_of: Some(|patient| HELD_OUT.get().unwrap().contains(&patient)),
        ..Corpus::default()
    };
    let (_directory, other) = open(&changed, "--n-top-genes 30");
    assert_eq!(tokens.vocabulary(), other.vocabulary());
    // The change was there to be seen.
    let all = Corpus { other_counts_of: Some(|_| true), ..Corpus::default() };
    assert_ne!(open(&all, "--n-top-genes 30").1.vocabulary(), tokens.vocabulary());
}

#[test]
fn rare_genes_are_left_out_and_counted() {
    let (_directory, tokens) = open(&Corpus::default(), "--min-cells 100");
    // Gene 7 is expressed in 22 cells of 2,200.
    assert_eq!(tokens.vocabulary().n_genes(), N_GENES - 1);
    assert_eq!(tokens.index().dropped.genes_outside_vocabulary, 1);
    assert!(tokens.vocabulary().genes().iter().all(|gene| gene.symbol != "S7"));
    assert!(tokens.vocabulary().genes().is_sorted_by(|a, b| a.ensembl_id < b.ensembl_id));
}

#[test]
fn cells_that_fail_and_empty_cells_are_left_out_and_counted() {
    let corpus = Corpus {
        fails_qc: Some(|cell| cell % 10 == 0),
        empty: Some(|cell| cell % 100 == 51),
        ..Corpus::default()
    };
    let (_directory, tokens) = open(&corpus, "");
    assert_eq!(tokens.index().dropped.cells_failing_qc, 220);
    assert_eq!(tokens.index().dropped.cells_without_vocabulary_gene, 22);
    assert_eq!(tokens.n_cells(), N_CELLS - 242);
    let ids: Vec<String> = tokens.cell_ids().flat_map(|ids| ids.unwrap()).collect();
    let expected = (0..N_CELLS).filter(|cell| cell % 10 != 0 && cell % 100 != 51);
    assert_eq!(ids, expected.map(|cell| format!("cell {cell}")).collect::<Vec<_>>());
}

#[test]
fn the_same_bytes_for_any_number_of_threads() {
    let directory = tempfile::tempdir().unwrap();
    let input = Corpus::default().write(directory.path());
    let digest = |threads: usize, flags: &str| {
        let output = directory.path().join(format!("tokens-{threads}"));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| run(&input, &output, flags)).unwrap();
        let digest = Input::digest(&output).unwrap().blake3;
        std::fs::remove_dir_all(&output).unwrap();
        digest
    };
    for flags in [
        "--stratify cancer_type",
        "--n-top-genes 20 --binning rank",
        "--split cell:0.5,0.2,0.3",
        "--binning scgpt",
    ] {
        let one = digest(1, flags);
        assert_eq!(digest(2, flags), one, "{flags}");
        assert_eq!(digest(7, flags), one, "{flags}");
    }
}

#[test]
fn a_given_vocabulary_keeps_its_ids_and_unmeasured_genes_stay_out_of_the_panel() {
    let (trained, first) = open(&Corpus::default(), "--n-top-genes 30");
    let path = trained.path().join("tokens");
    let flags = format!("--vocabulary {} --split cell:0,0,1", path.display());
    let (_directory, query) = open(&Corpus::default(), &flags);
    assert_eq!(query.vocabulary(), first.vocabulary());
    assert_eq!(query.index().vocabulary.digest, first.index().vocabulary.digest);
    assert!(query.splits().iter().all(|&split| split == Split::Test));
    let (code, error, hint) = refusal(&Corpus::default(), &format!("{flags} --n-bins 20"));
    assert_eq!((code, hint.as_str()), (64, "pass `--n-bins 51`"));
    assert!(error.ends_with("was made with 51 bins, `--n-bins` is 20"), "{error}");
    // One split holds all patients: nothing leaks.
    assert!(!query.index().split.optimistic);
    let [whole, part] = query.panels() else { panic!("two studies") };
    assert_eq!(whole.gene_ids, (1..=30).collect::<Vec<u32>>());
    let number = |id: u32| query.vocabulary().gene(id).unwrap().symbol[1..].parse::<usize>().unwrap();
    let expected: Vec<u32> = (1..=30).filter(|&id| measured(number(id), 1)).collect();
    assert!(expected.len() < 30, "a gene of the first study only is among the chosen");
    assert_eq!(part.gene_ids, expected);
}

#[test]
fn ranks_need_the_medians_that_the_vocabulary_was_fitted_with() {
    let (ranked, first) = open(&Corpus::default(), "--binning rank");
    let given = |directory: &tempfile::TempDir, flags: &str| {
        format!("--vocabulary {} --split cell:0,0,1 {flags}", directory.path().join("tokens").display())
    };
    let (_directory, query) = open(&Corpus::default(), &given(&ranked, "--binning rank"));
    assert_eq!(query.vocabulary(), first.vocabulary());
    let columns = Columns { ranks: true, ..Columns::default() };
    assert_eq!(query.read_row_group(0, columns).unwrap(), first.read_row_group(0, columns).unwrap());
    // A cell's ranks are 1, 2, 3, ….
    let rows = first.read_row_group(0, columns).unwrap();
    let mut ranks = rows.ranks[rows.range(5)].to_vec();
    ranks.sort_unstable();
    assert_eq!(ranks, (1..=ranks.len() as u16).collect::<Vec<_>>());
    // Another binning than that of the tokens whose genes are used.
    let (code, error, hint) = refusal(&Corpus::default(), &given(&ranked, ""));
    assert_eq!((code, hint.as_str()), (64, "pass `--binning rank`"));
    assert!(error.ends_with("was made with the binning `rank`, `--binning` is quantile"), "{error}");
    // A vocabulary alone says nothing of bins, but without medians it cannot rank.
    let (plain, _) = open(&Corpus::default(), "");
    let file = plain.path().join("tokens/_vocabulary.parquet");
    let (code, error, hint) =
        refusal(&Corpus::default(), &format!("--vocabulary {} --binning rank", file.display()));
    assert_eq!(code, 65);
    assert!(error.contains("_vocabulary.parquet`: the vocabulary holds no medians"), "{error}");
    assert!(hint.contains("--binning rank"), "{hint}");
}

#[test]
fn scgpts_draws_depend_on_the_seed_and_no_other_rule_does() {
    let bins = |seed: u64, flags: &str| {
        let directory = tempfile::tempdir().unwrap();
        let input = Corpus::default().write(directory.path());
        let output = directory.path().join("tokens");
        run_seeded(&input, &output, &format!("{flags} --split study:1,0,0"), seed).unwrap();
        Tokens::open(&output).unwrap().read_row_group(0, Columns::default()).unwrap().bins
    };
    assert_ne!(bins(0, "--binning scgpt"), bins(1, "--binning scgpt"));
    assert_eq!(bins(0, "--binning scgpt-midpoint"), bins(1, "--binning scgpt-midpoint"));
    assert_ne!(bins(0, "--binning scgpt-midpoint"), bins(0, "--binning scgpt"));
}

#[test]
fn tokenize_refuses_a_vocabulary_it_was_not_made_with() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("mouse.parquet");
    let gene = |n: usize| vocabulary::Gene {
        ensembl_id: format!("ENSMUSG{n:011}"),
        symbol: String::new(),
        n_cells: 1,
        mean: 0.0,
    };
    Vocabulary::new((0..500).map(gene).collect()).unwrap().write(&path).unwrap();
    let (code, error, hint) = refusal(&Corpus::default(), &format!("--vocabulary {}", path.display()));
    assert_eq!(code, 65);
    assert_eq!(error, "the input's 60 genes and the vocabulary's 500 have 0 in common, expected at least 6");
    assert!(hint.contains("`ENSG00000000000`") && hint.contains("`ENSMUSG00000000000`"), "{hint}");
    // The tokens themselves hold on to the vocabulary they were made with.
    let (_directory, tokens, result) = tokenize(&Corpus::default(), "");
    result.unwrap();
    std::fs::copy(&path, tokens.join("_vocabulary.parquet")).unwrap();
    let error = Tokens::open(&tokens).unwrap_err();
    assert!(format!("{error:#}").contains("was made with another vocabulary"), "{error:#}");
}

#[test]
fn a_cell_without_its_group_is_refused() {
    let corpus = Corpus { patient_missing_at: Some(99), ..Corpus::default() };
    let (code, error, hint) = refusal(&corpus, "");
    assert_eq!(
        (code, error.as_str()),
        (65, "1 of 2200 cells have no `patient`, so they cannot be kept with their group")
    );
    assert!(hint.contains("--split study"), "{hint}");
    // It is no matter where patients do not decide.
    open(&corpus, "--split study:0.5,0,0.5");
}

#[test]
fn two_cells_of_one_id_are_refused() {
    let (code, error, _) = refusal(&Corpus { same_id_at: Some(1234), ..Corpus::default() }, "");
    assert_eq!(code, 65);
    assert!(error.contains("two cells of") && error.ends_with("have the id `cell 1233`"), "{error}");
}

#[test]
fn a_gene_expressed_where_it_was_not_measured_is_refused() {
    let (code, error, _) = refusal(&Corpus { wrong_mask: true, ..Corpus::default() }, "");
    assert_eq!(code, 65);
    assert!(error.contains("which `varm/measured` says study `s1` did not measure"), "{error}");
}

#[test]
fn columns_that_are_not_there_or_no_labels_are_refused() {
    let (code, error, hint) = refusal(&Corpus::default(), "--split donor:0.8,0.1,0.1");
    assert_eq!(code, 65);
    assert!(error.contains("no obs column `donor`") && hint.contains("`patient`"), "{error}; {hint}");
    assert_eq!(refusal(&Corpus::default(), "--labels age").0, 65);
    assert!(refusal(&Corpus::default(), "--labels split").1.contains("is the tokens' own"));
    let (code, error, hint) = refusal(&Corpus::default(), "--split patient:0,0,1");
    assert_eq!(code, 64);
    assert!(error.contains("no training cells") && hint.contains("--vocabulary"), "{error}; {hint}");
}

#[test]
fn labels_default_to_text_columns_and_carry_missing_values() {
    let (_directory, tokens) = open(&Corpus::default(), "");
    assert_eq!(tokens.index().label_columns, ["cancer_type", "cell_type", "lane"]);
    assert_eq!(tokens.index().group_columns, ["study", "sample", "patient"]);
    let labels = tokens.column("cell_type").unwrap();
    assert_eq!(labels.levels, ["B cell", "T cell"]);
    assert_eq!((labels.get(0), labels.get(1), labels.get(2)), (None, Some("B cell"), Some("T cell")));
}

#[test]
fn counts_are_those_of_the_cells() {
    let corpus = Corpus::default();
    let (_directory, tokens) = open(&corpus, "");
    let rows =
        tokens.read_row_group(1, Columns { counts: true, cell_ids: true, ..Columns::default() }).unwrap();
    let ids = tokens.vocabulary().genes();
    for i in 0..rows.n_cells() {
        let mut expected: Vec<(String, f32)> =
            corpus.counts(1024 + i).iter().map(|&(gene, count)| (format!("S{gene}"), count)).collect();
        let found =
            rows.range(i).map(|at| (ids[rows.gene_ids[at] as usize - 1].symbol.clone(), rows.counts[at]));
        let mut found: Vec<(String, f32)> = found.collect();
        expected.sort_by(|a, b| a.0.cmp(&b.0));
        found.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(found, expected);
        assert_eq!(rows.total_counts[i], f64::from(expected.iter().map(|gene| gene.1).sum::<f32>()));
    }
}

#[test]
fn modalities_are_carried_and_read_only_if_asked_for() {
    let corpus = Corpus { proteins: true, fails_qc: Some(|cell| cell % 10 == 0), ..Corpus::default() };
    let (directory, tokens) = open(&corpus, "");
    let [protein] = tokens.modalities() else { panic!("{:?}", tokens.modalities()) };
    assert_eq!((protein.name.as_str(), protein.features.len()), ("protein", 3));
    assert!(tokens.read_row_group(0, Columns::default()).unwrap().modalities.is_empty());
    let columns = Columns { cell_ids: true, modalities: true, ..Columns::default() };
    for group in 0..tokens.row_groups().len() {
        let rows = tokens.read_row_group(group, columns).unwrap();
        let lists = &rows.modalities[0];
        for (cell_id, at) in rows.cell_ids.iter().zip(lists.offsets.windows(2)) {
            let cell = cell_id.trim_start_matches("cell ").parse().unwrap();
            let found = lists.ids[at[0]..at[1]].iter().zip(&lists.counts[at[0]..at[1]]);
            let found: Vec<(u32, f32)> = found.map(|(&id, &count)| (id - 1, count)).collect();
            assert_eq!(found, proteins(cell), "{cell_id}");
        }
    }
    // They change nothing else, and may be left out.
    let (_without, genes_only) = open(&corpus, "--modalities none");
    assert!(genes_only.modalities().is_empty());
    assert_eq!(genes_only.vocabulary(), tokens.vocabulary());
    let (code, error, hint) = refusal(&corpus, "--modalities atac");
    assert_eq!((code, hint.as_str()), (65, "its modalities are `protein`"));
    assert!(error.ends_with("has no modality `atac`"), "{error}");
    // A list of features that was tampered with is refused.
    let features = directory.path().join("tokens/_features_protein.parquet");
    let mut bytes = std::fs::read(&features).unwrap();
    bytes[20] ^= 1;
    std::fs::write(&features, bytes).unwrap();
    let error = Tokens::open(&directory.path().join("tokens")).unwrap_err();
    assert!(format!("{error:#}").contains("_features_protein.parquet` is damaged"), "{error:#}");
}

#[test]
fn merged_shards_are_the_tokens_of_one_run_whatever_their_order() {
    let corpus = Corpus {
        proteins: true,
        fails_qc: Some(|cell| cell % 10 == 0),
        // The fourth of four shards holds no cell that is written.
        empty: Some(|cell| cell % 100 == 51 || cell >= 1650),
        ..Corpus::default()
    };
    let directory = tempfile::tempdir().unwrap();
    let input = corpus.write(directory.path());
    let at = |name: &str| directory.path().join(name);
    let genes = at("genes.parquet");
    run(&input, &genes, "--fit-only --binning rank").unwrap();
    let given = format!("--binning rank --vocabulary {}", genes.display());
    for (name, flags) in [("fitted", "--stratify cancer_type"), ("given", given.as_str())] {
        run(&input, &at(name), flags).unwrap();
        let shards: Vec<PathBuf> = (1..=4).map(|number| at(&format!("{name}-{number}"))).collect();
        for (number, shard) in (1..).zip(&shards) {
            run(&input, shard, &format!("{flags} --shard {number}/4")).unwrap();
            let refused = Tokens::open(shard).unwrap_err();
            let (code, hint) = error::classify(&refused);
            assert!(code == 65 && hint.unwrap().contains("--merge"), "{refused:#}");
        }
        for order in [[0, 1, 2, 3], [2, 0, 3, 1]] {
            let merged = at("merged");
            // A pattern that matches the shards matches the records beside them.
            let record = directory.path().join("shard-0.run.json");
            let shards: Vec<&Path> = order.iter().map(|&shard| shards[shard].as_path()).collect();
            merge(&[&[record.as_path()], &shards[..]].concat(), &merged).unwrap();
            let digest = |path: &Path| {
                let files = std::fs::read_dir(path).unwrap().map(|file| file.unwrap().path());
                let digests = files.map(|file| Input::digest(&file).unwrap());
                digests.map(|file| (file.name, file.blake3)).collect::<BTreeMap<_, _>>()
            };
            assert_eq!(digest(&merged), digest(&at(name)), "{name}, shards {order:?}");
            std::fs::remove_dir_all(&merged).unwrap();
        }
    }
    // The genes that were fitted for all shards are those that one run fits.
    let fitted = at("ranked");
    run(&input, &fitted, "--binning rank").unwrap();
    assert_eq!(Vocabulary::read(&genes).unwrap(), *Tokens::open(&fitted).unwrap().vocabulary());
}

#[test]
fn shards_that_are_missing_there_twice_or_of_another_corpus_are_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let input = Corpus::default().write(directory.path());
    let at = |name: &str| directory.path().join(name);
    for (name, flags) in [
        ("one", "--shard 1/3"),
        ("again", "--shard 1/3"),
        ("three", "--shard 3/3"),
        ("bins", "--shard 2/3 --n-bins 11"),
        ("fewer", "--shard 2/2"),
        ("whole", ""),
    ] {
        run(&input, &at(name), flags).unwrap();
    }
    let refusal = |names: &[&str]| {
        let paths: Vec<PathBuf> = names.iter().map(|name| at(name)).collect();
        let output = at("merged");
        let error = merge(&paths.iter().map(PathBuf::as_path).collect::<Vec<_>>(), &output).unwrap_err();
        assert!(!output.exists());
        format!("{error:#}").replace(&format!("{}/", directory.path().display()), "")
    };
    assert_eq!(refusal(&["one", "three"]), "1 of 3 shards are missing: 2/3");
    assert_eq!(refusal(&["three"]), "2 of 3 shards are missing: 1/3, 2/3");
    assert_eq!(refusal(&["one", "three", "again"]), "`one` and `again` are both shard 1/3");
    assert_eq!(
        refusal(&["one", "bins", "three"]),
        "`bins` is a shard of another corpus than `one`: its flags differ"
    );
    assert_eq!(refusal(&["one", "fewer"]), "`fewer` is shard 2/2, and `one` is one of 3");
    assert_eq!(refusal(&["one", "whole"]), "`whole` holds whole tokens, no shard");
    assert!(refusal(&["one", "nowhere"]).contains("nowhere"));
}

/// Every row, panel, vocabulary statistic and, for one study, scanpy's choice of genes, recomputed in Python.
#[test]
fn anndata_pyarrow_and_scanpy_agree() {
    let Some(interpreter) = std::env::var_os("PANFOMA_PYTHON") else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "CI must set PANFOMA_PYTHON");
        eprintln!("skipped: PANFOMA_PYTHON names no interpreter with anndata, pyarrow and scanpy");
        return;
    };
    let corpus = Corpus { proteins: true, fails_qc: Some(|cell| cell % 10 == 0), ..Corpus::default() };
    for flags in [
        "--stratify cancer_type",
        "--n-top-genes 40 --split cell:0.7,0.1,0.2",
        "--n-bins 256 --labels cell_type",
        "--binning scgpt",
        "--binning scgpt-midpoint --n-bins 20",
        "--binning rank --split cell:0.3,0.1,0.6",
    ] {
        let (directory, output, result) = tokenize(&corpus, flags);
        result.unwrap();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/python/check_tokens.py");
        let mut python = std::process::Command::new(&interpreter);
        let done = python
            .args(["-W", "ignore", script])
            .arg(directory.path().join("cells.zarr"))
            .arg(&output)
            .output();
        let done = done.unwrap();
        assert!(done.status.success(), "{flags}: {}", String::from_utf8_lossy(&done.stderr));
    }
}
