//! Pretrain, fine-tune and embed on a corpus with something to learn.

use panfoma_core::artifact::checkpoint::Checkpoint;
use panfoma_core::artifact::{embeddings, predictions};
use panfoma_tests::binary::{digest, run, succeed};
use panfoma_tests::corpus::Corpus;
use std::path::{Path, PathBuf};

const SIZE: [&str; 16] = [
    "--d-model",
    "16",
    "--n-heads",
    "2",
    "--n-chunks",
    "2",
    "--chunk-len",
    "12",
    "--n-encoder-layers",
    "1",
    "--n-decoder-layers",
    "1",
    "--d-state",
    "4",
    "--batch-size",
    "8",
];

struct Place(tempfile::TempDir);

impl Place {
    fn new(corpus: Corpus) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        corpus.write(&place.path("tokens")).unwrap();
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    fn pretrain(&self, output: &str, more: &[&str]) {
        let (tokens, output) = (self.text("tokens"), self.text(output));
        succeed("pretrain", &[&["-i", &tokens, "-o", &output], SIZE.as_slice(), more].concat());
    }

    fn finetune(&self, output: &str, more: &[&str]) {
        let [tokens, model, output] = ["tokens", "model", output].map(|name| self.text(name));
        let arguments =
            ["-i", &tokens, "-m", &model, "-o", &output, "--label", "cell_type", "--batch-size", "8"];
        succeed("finetune", &[arguments.as_slice(), more].concat());
    }
}

fn last(model: &Path, split: &str, metric: &str) -> f64 {
    let history = Checkpoint::open(model).unwrap().history().unwrap();
    history.values(split, metric).last().unwrap().1
}

#[test]
fn pretraining_beats_what_bin_frequencies_know() {
    let place = Place::new(Corpus::default());
    place.pretrain("model", &["--max-steps", "400", "--lr", "5e-3"]);
    let model = place.path("model");
    let history = Checkpoint::open(&model).unwrap().history().unwrap();
    let (first, loss) = (history.values("valid", "loss")[0].1, last(&model, "valid", "loss"));
    let baseline = last(&model, "valid", "baseline");
    assert!(loss < 0.9 * baseline, "loss {loss}, baseline {baseline}");
    // The biases start at the bins' frequencies: uniform guessing would cost 2 ln 9 = 4.39.
    assert!(first < 1.3 * baseline, "first loss {first}, baseline {baseline}");
}

#[test]
fn fine_tuning_learns_the_types_and_embed_writes_them() {
    let place = Place::new(Corpus::default());
    place.pretrain("model", &["--max-steps", "100"]);
    for mode in ["full", "frozen", "scratch"] {
        place.finetune(mode, &["--mode", mode, "--epochs", "15", "--lr", "5e-3"]);
        let checkpoint = Checkpoint::open(&place.path(mode)).unwrap();
        assert_eq!(checkpoint.description.classes, ["B cell", "NK cell", "T cell"]);
    }
    let best = |mode: &str| {
        let history = Checkpoint::open(&place.path(mode)).unwrap().history().unwrap();
        history.values("valid", "macro_f1").into_iter().map(|(_, value)| value).fold(0.0, f64::max)
    };
    assert!(best("full") > 0.9, "macro F1 {}", best("full"));
    frozen_changes_the_head_only(&place);
    embed(&place);
}

fn frozen_changes_the_head_only(place: &Place) {
    let bodies = ["model", "frozen"].map(|name| {
        let bytes = std::fs::read(place.path(name).join("model.safetensors")).unwrap();
        let tensors = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let body = tensors.iter().filter(|(name, _)| !name.starts_with("head.class."));
        let mut body: Vec<(String, Vec<u8>)> =
            body.map(|(name, x)| (name.to_owned(), x.data().to_vec())).collect();
        body.sort();
        body
    });
    assert!(bodies[0] == bodies[1], "frozen training moved the body");
}

fn embed(place: &Place) {
    let [tokens, model] = ["tokens", "full"].map(|name| place.text(name));
    let write = |embeddings: &str, predictions: &str, more: &[&str]| {
        let (embeddings, predictions) = (place.text(embeddings), place.text(predictions));
        let arguments = ["-i", &tokens, "-m", &model, "-o", &embeddings, "--predictions", &predictions];
        succeed("embed", &[arguments.as_slice(), more].concat());
    };
    write("e1.parquet", "p1.parquet", &["--threads", "1"]);
    write("e2.parquet", "p2.parquet", &["--threads", "2"]);
    assert_eq!(digest(&place.path("e1.parquet")), digest(&place.path("e2.parquet")));
    assert_eq!(digest(&place.path("p1.parquet")), digest(&place.path("p2.parquet")));
    let reader = embeddings::Reader::open(&place.path("e1.parquet")).unwrap();
    assert_eq!((reader.n_cells, reader.metadata.dim), (240, 16));
    let reader = predictions::Reader::open(&place.path("p1.parquet")).unwrap();
    let (mut right, mut labelled) = (0, 0);
    for block in reader.blocks().unwrap() {
        let block = block.unwrap().block;
        for (label, (class, ..)) in block.label.iter().zip(block.best(3)) {
            labelled += usize::from(label.is_some());
            right += usize::from(label.as_deref() == Some(&reader.metadata.classes[class]));
        }
    }
    // Every thirteenth cell has no label.
    assert_eq!(labelled, 222);
    assert!(right as f64 > 0.9 * labelled as f64, "{right} of {labelled}");
    // What stands for a cell: of a fine-tuned model what its head reads, of a pretrained one the global state.
    write("mean.parquet", "p5.parquet", &["--pool", "mean"]);
    assert_eq!(digest(&place.path("mean.parquet")), digest(&place.path("e1.parquet")));
    let body = place.text("model");
    let [unsaid, cls] = ["unsaid.parquet", "cls.parquet"].map(|name| place.text(name));
    succeed("embed", &["-i", &tokens, "-m", &body, "-o", &unsaid]);
    succeed("embed", &["-i", &tokens, "-m", &body, "-o", &cls, "--pool", "cls"]);
    assert_eq!(digest(unsaid.as_ref()), digest(cls.as_ref()));
    write("concat.parquet", "p3.parquet", &["--pool", "concat", "--draws", "3"]);
    assert_eq!(embeddings::Reader::open(&place.path("concat.parquet")).unwrap().metadata.dim, 32);
    let [output, pretrained, wanted] = ["e4.parquet", "model", "p4.parquet"].map(|name| place.text(name));
    let refused = run("embed", &["-i", &tokens, "-m", &pretrained, "-o", &output, "--predictions", &wanted]);
    assert_eq!(refused.status.code(), Some(65));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("has no class head"));
}

/// 2,500 cells are three row groups: of four shards, one is empty.
#[test]
fn merged_shards_are_the_tables_of_one_run() {
    const TABLES: [&str; 3] = ["embeddings", "predictions", "transferred"];
    let place = Place::new(Corpus { n_cells: 2_500, ..Corpus::default() });
    place.pretrain("model", &["--max-steps", "0"]);
    place.finetune("classifier", &["--max-steps", "1"]);
    let [tokens, model, reference] =
        ["tokens", "classifier", "embeddings.parquet"].map(|name| place.text(name));
    let embed = |suffix: &str, more: &[&str]| {
        let tables = TABLES.map(|table| place.text(&format!("{table}{suffix}.parquet")));
        let outputs = ["-o", &tables[0], "--predictions", &tables[1], "--transfer", &tables[2]];
        let arguments = ["-i", &tokens, "-m", &model, "--reference", &reference];
        run("embed", &[&arguments, outputs.as_slice(), more].concat())
    };
    succeed("embed", &["-i", &tokens, "-m", &model, "-o", &reference]);
    assert!(embed("-whole", &[]).status.success());
    for number in 1..=4 {
        let ended = embed(&format!("-{number}"), &["--shard", &format!("{number}/4")]);
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    }
    let merge = |names: &[String], output: &str| {
        let (shards, output): (Vec<String>, _) =
            (names.iter().map(|name| place.text(name)).collect(), place.text(output));
        let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
        run("embed", &[&["-o", &output, "--merge"], shards.as_slice()].concat())
    };
    for table in TABLES {
        // The record of a shard is there if `*` named the shards.
        let names = ["3.parquet", "1.parquet", "embeddings-1.parquet.run.json", "4.parquet", "2.parquet"];
        let names = names
            .map(|name| if name.ends_with("json") { name.to_owned() } else { format!("{table}-{name}") });
        let ended = merge(&names, &format!("{table}-merged.parquet"));
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        let of = |which: &str| std::fs::read(place.path(&format!("{table}-{which}.parquet"))).unwrap();
        assert!(of("merged") == of("whole"), "{table}");
    }
    let refusal = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("{name}.parquet")).collect();
        let ended = merge(&names, "refused.parquet");
        assert_eq!(ended.status.code(), Some(65));
        assert!(!place.path("refused.parquet").exists());
        String::from_utf8_lossy(&ended.stderr).replace(&format!("{}/", place.0.path().display()), "")
    };
    let check = |names: &[&str], expected: &str| {
        let log = refusal(names);
        assert!(log.contains(expected), "{log}");
    };
    check(&["embeddings-1", "embeddings-3"], "2 of 4 shards are missing: 2/4, 4/4");
    check(
        &["embeddings-1", "predictions-2"],
        "of another run than `embeddings-1.parquet`: its columns differ",
    );
    check(&["embeddings-whole"], "`embeddings-whole.parquet` holds all cells");
    assert!(embed("-other", &["--shard", "2/4", "--seed", "1"]).status.success());
    check(&["embeddings-1", "embeddings-other"], "its flags or seed differ");

    let [shard, output] = ["embeddings-1.parquet", "evaluation"].map(|name| place.text(name));
    let refused = run("evaluate", &["-i", &shard, "-o", &output]);
    let log = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(65));
    assert!(log.contains("is only shard 1/4") && log.contains("`panfoma-embed --merge`"), "{log}");
}

/// Test cells with other labels and other genes: if anything of them were read, some byte would differ.
#[test]
fn the_test_split_is_never_read() {
    let [clean, poisoned] = [false, true].map(|poison_test| {
        let place = Place::new(Corpus { poison_test, ..Corpus::default() });
        place.pretrain("model", &["--max-steps", "30"]);
        place.finetune("classifier", &["--epochs", "2"]);
        place
    });
    assert_ne!(digest(&clean.path("tokens")), digest(&poisoned.path("tokens")), "the poison is there");
    for model in ["model", "classifier"] {
        // The configuration names the tokens' digest, so it alone differs.
        for file in ["model.safetensors", "metrics.parquet", "vocabulary.parquet"] {
            let of = |place: &Place| digest(&place.path(model).join(file));
            assert_eq!(of(&clean), of(&poisoned), "{model}/{file}");
        }
    }
    let labels = |place: &Place| digest(&place.path("classifier").join("label_map.json"));
    assert_eq!(labels(&clean), labels(&poisoned));
}

#[test]
fn without_validation_cells_every_epoch_is_run_and_the_last_weights_kept() {
    let place = Place::new(Corpus { no_valid: true, ..Corpus::default() });
    place.pretrain("model", &["--max-steps", "10"]);
    place.finetune("classifier", &["--epochs", "3", "--patience", "1"]);
    let training = Checkpoint::open(&place.path("classifier")).unwrap().description.config.training;
    assert_eq!((training.n_valid, training.weights.as_str()), (0, "last"));
    assert_eq!(training.steps, 3 * training.steps_per_epoch);
}

#[test]
fn one_thread_and_two_give_the_same_model() {
    let place = Place::new(Corpus::default());
    for threads in ["1", "2"] {
        place.pretrain(&format!("model-{threads}"), &["--max-steps", "20", "--threads", threads]);
    }
    assert_eq!(digest(&place.path("model-1")), digest(&place.path("model-2")));
}

#[test]
fn a_model_of_another_vocabulary_is_refused() {
    let (place, other) =
        (Place::new(Corpus::default()), Place::new(Corpus { n_genes: 30, ..Corpus::default() }));
    place.pretrain("model", &["--max-steps", "5"]);
    let [model, tokens, output] = [place.text("model"), other.text("tokens"), other.text("classifier")];
    let refused = run("finetune", &["-i", &tokens, "-m", &model, "-o", &output]);
    let message = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(65));
    assert!(message.contains("its vocabulary is 30 genes") && message.contains("hint:"), "{message}");
}

#[test]
fn a_dry_run_prints_the_plan_and_writes_nothing() {
    let place = Place::new(Corpus::default());
    let (tokens, output) = (place.text("tokens"), place.text("model"));
    let planned = run("pretrain", &[&["-i", &tokens, "-o", &output, "--dry-run"], SIZE.as_slice()].concat());
    let plan = String::from_utf8_lossy(&planned.stdout).into_owned();
    assert!(planned.status.success() && plan.contains("24 genes a cell") && plan.contains("time"), "{plan}");
    assert_eq!(std::fs::read_dir(place.0.path()).unwrap().count(), 1, "only the tokens are there");
}
