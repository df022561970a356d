//! The shipped binaries with `--device cuda`, on a `libcuda` whose device is the PTX interpreter: flags, launches, kernels,
//! training, checkpoints and artifacts together, on a machine without a GPU.

use panfoma_core::artifact::embeddings::Reader;
use panfoma_tests::binary::{command, digest};
use panfoma_tests::corpus::Corpus;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Two steps, the second of which goes on from the first's checkpoint where that is asked for.
const PRETRAIN: &str = "pretrain -i tokens -o OUT --d-model 16 --n-heads 2 --d-ff 32 --n-chunks 2 --chunk-len 12 \
    --n-encoder-layers 1 --n-decoder-layers 1 --d-state 4 --max-steps 3 --batch-size 6 --micro-batch-size 4 \
    --max-valid-cells 4 --checkpoint-every-steps 1";
const FINETUNE: &str = "finetune -i tokens -m model -o OUT --label cell_type --max-steps 2 --batch-size 6 \
    --max-valid-cells 4";
const EMBED: &str = "embed -i tokens -m annotator -o OUT";
const GRN: &str = "grn -i tokens -m model -o OUT --method attention --max-cells-per-group 4";

/// A folder with the libraries that a driver would have.
fn libraries() -> (tempfile::TempDir, PathBuf) {
    let library = std::env::current_exe().unwrap().with_file_name("libpanfoma_fake_cuda.so");
    assert!(library.is_file(), "`{}` was not built", library.display());
    let folder = tempfile::tempdir().unwrap();
    for name in ["libcuda.so", "libcublasLt.so"] {
        symlink(&library, folder.path().join(name)).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

fn line_of(directory: &Path, line: &str, output: &str, device: &str, libraries: &Path) -> Command {
    let line = format!("{line} --device {device}");
    let words: Vec<String> = line.split_whitespace().map(|word| word.replace("OUT", output)).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let mut command = command(words[0], &words[1..]);
    command.current_dir(directory).env("LD_LIBRARY_PATH", libraries);
    command
}

fn run(directory: &Path, line: &str, output: &str, device: &str, libraries: &Path) -> Output {
    line_of(directory, line, output, device, libraries).output().unwrap()
}

#[track_caller]
fn succeed(directory: &Path, line: &str, output: &str, device: &str, libraries: &Path) {
    let ended = run(directory, line, output, device, libraries);
    let log = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{line} on {device} ended with {}\n{log}", ended.status);
    if device != "cpu" {
        assert!(log.contains("the model runs on PTX interpreter"), "{log}");
    }
}

fn embeddings(path: &Path) -> Vec<f32> {
    Reader::open(path).unwrap().blocks().unwrap().flat_map(|block| block.unwrap().1).collect()
}

#[test]
fn every_stage_with_a_model_runs_on_a_gpu() {
    let (_held, libraries) = libraries();
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    Corpus { n_cells: 30, ..Corpus::default() }.write(&directory.join("tokens")).unwrap();
    let on = |line: &str, output: &str, device: &str| succeed(directory, line, output, device, &libraries);
    on(PRETRAIN, "model", "cuda");
    on(FINETUNE, "annotator", "cuda:0");
    // `auto` takes a GPU that is there.
    on(EMBED, "gpu.parquet", "auto");
    on(EMBED, "cpu.parquet", "cpu");
    on(GRN, "edges.parquet", "cuda");

    let (gpu, cpu) = (embeddings(&directory.join("gpu.parquet")), embeddings(&directory.join("cpu.parquet")));
    let norm = |x: &mut dyn Iterator<Item = f32>| x.map(|x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    let off = norm(&mut gpu.iter().zip(&cpu).map(|(a, b)| a - b)) / norm(&mut cpu.iter().copied());
    // bf16: off by 4e-3 where it was measured.
    assert!(!cpu.is_empty() && off < 2e-2 && gpu != cpu, "{} numbers, off by {off:.1e}", cpu.len());

    // Twice the same bytes, though copies now happen early and not late, and once more over a checkpoint: three steps of a run
    // that stopped after the first.
    let again =
        line_of(directory, PRETRAIN, "again", "cuda", &libraries).env("PANFOMA_FAKE_CUDA", "eager").output();
    let again = again.unwrap();
    assert!(again.status.success(), "{}", String::from_utf8_lossy(&again.stderr));
    assert_eq!(digest(&directory.join("again")), digest(&directory.join("model")));
    let stopped = format!("{PRETRAIN} --max-walltime 0s");
    let ended = run(directory, &stopped, "resumed", "cuda", &libraries);
    assert_eq!(ended.status.code(), Some(140), "{}", String::from_utf8_lossy(&ended.stderr));
    on(PRETRAIN, "resumed", "cuda");
    assert_eq!(digest(&directory.join("resumed")), digest(&directory.join("model")));
}

#[test]
fn a_shape_without_kernels_is_78_and_says_what_runs_it() {
    let (_held, libraries) = libraries();
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    Corpus { n_cells: 30, ..Corpus::default() }.write(&directory.join("tokens")).unwrap();
    let line = PRETRAIN.replace("--d-state 4", "--d-state 17");
    let ended = run(directory, &line, "model", "cuda", &libraries);
    let log = String::from_utf8_lossy(&ended.stderr);
    assert_eq!(ended.status.code(), Some(78), "{log}");
    assert!(log.contains("`d_state` at most 16") && log.contains("--device cpu"), "{log}");
}
