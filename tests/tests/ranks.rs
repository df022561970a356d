//! One training run over several processes: the bytes of one process, however it is stopped.

use panfoma_tests::binary::{command, digest};
use panfoma_tests::corpus::Corpus;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const PRETRAIN: &str = "pretrain -i tokens --d-model 16 --n-heads 2 --d-ff 32 --n-chunks 2 --chunk-len 12 \
    --n-encoder-layers 1 --n-decoder-layers 1 --d-state 4 --batch-size 20 --validate-every 20 --log-every 7 \
    --checkpoint-every-steps 10 --threads 1";
const FINETUNE: &str = "finetune -i tokens -m alone-pretrain --label cell_type --batch-size 20 \
    --validate-every 20 --patience 0 --threads 1";

fn spawn(directory: &Path, line: &str, output: &str, flags: &[&str]) -> Child {
    let mut words = line.split_whitespace();
    let stage = words.next().unwrap();
    let arguments: Vec<&str> = words.chain(["-o", output]).chain(flags.iter().copied()).collect();
    let mut command = command(stage, &arguments);
    command.current_dir(directory).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Every rank of a run, rank 0 first; it begins last, as happens.
fn ranks(directory: &Path, line: &str, output: &str, size: usize, flags: &[&str]) -> Vec<Child> {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let (master, size_text) = (format!("localhost:{port}"), size.to_string());
    let rank = |rank: usize| {
        let number = rank.to_string();
        let own = ["--rank", &number, "--world-size", &size_text, "--master", &master];
        spawn(directory, line, output, &[&own, flags].concat())
    };
    let mut children: Vec<Child> = (1..size).map(rank).collect();
    children.insert(0, rank(0));
    children
}

#[track_caller]
fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

fn corpus() -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    Corpus::default().write(&directory.path().join("tokens")).unwrap();
    directory
}

/// Waits for a checkpoint, so that what follows hits in the middle.
fn wait_for_checkpoint(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(120);
    while !path.exists() {
        assert!(Instant::now() < deadline, "no checkpoint at `{}`", path.display());
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn several_processes_train_the_model_of_one() {
    let directory = corpus();
    let at = directory.path();
    for (name, line, steps) in [("pretrain", PRETRAIN, "60"), ("finetune", FINETUNE, "40")] {
        let alone = format!("alone-{name}");
        let (code, error) = end(spawn(at, line, &alone, &["--max-steps", steps]));
        assert_eq!(code, Some(0), "{error}");
        for size in [2, 4] {
            let output = format!("{name}-of-{size}");
            for (rank, child) in
                ranks(at, line, &output, size, &["--max-steps", steps]).into_iter().enumerate()
            {
                let (code, error) = end(child);
                assert_eq!(code, Some(0), "rank {rank} of {size}: {error}");
            }
            assert_eq!(digest(&at.join(&output)), digest(&at.join(&alone)), "{name}, {size} ranks");
        }
    }
}

#[test]
fn a_signal_to_any_rank_saves_and_stops_all_and_one_process_goes_on() {
    let directory = corpus();
    let at = directory.path();
    // Far more steps than are done before the signal.
    let steps = ["--max-steps", "4000"];
    for victim in [0, 1] {
        let output = format!("stopped-{victim}");
        let children = ranks(at, PRETRAIN, &output, 2, &[&steps[..], &["--status", "status.json"]].concat());
        wait_for_checkpoint(&at.join(format!("{output}.ckpt")));
        let pid = children[victim].id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        for (rank, child) in children.into_iter().enumerate() {
            let (code, error) = end(child);
            assert_eq!(code, Some(143), "rank {rank}: {error}");
        }
        assert!(!at.join(&output).exists());
        let status = std::fs::read_to_string(at.join("status.json")).unwrap();
        assert!(status.contains(r#""status": "stopped""#) && status.contains("143"), "{status}");
        // What is saved says where the run stands; a shorter run of the same bytes cannot be compared, so go on to a stop.
        let (code, error) =
            end(spawn(at, PRETRAIN, &output, &[&steps[..], &["--max-walltime", "1s"]].concat()));
        assert_eq!(code, Some(140), "{error}");
        assert!(error.contains("going on from step"), "{error}");
    }
}

#[test]
fn a_rank_that_dies_ends_the_run_by_name_and_the_run_goes_on_to_the_same_bytes() {
    let directory = corpus();
    let at = directory.path();
    let steps = ["--max-steps", "300"];
    let (code, error) = end(spawn(at, PRETRAIN, "undisturbed", &steps));
    assert_eq!(code, Some(0), "{error}");
    let mut children = ranks(at, PRETRAIN, "bereft", 2, &steps);
    wait_for_checkpoint(&at.join("bereft.ckpt"));
    children[1].kill().unwrap();
    let (code, error) = end(children.remove(0));
    if code != Some(0) {
        assert!(code == Some(74) && error.contains("rank 1 of 2 is gone"), "{code:?}: {error}");
        for child in ranks(at, PRETRAIN, "bereft", 2, &steps) {
            let (code, error) = end(child);
            assert_eq!(code, Some(0), "{error}");
        }
    }
    assert_eq!(digest(&at.join("bereft")), digest(&at.join("undisturbed")));
}
