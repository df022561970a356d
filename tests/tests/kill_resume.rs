//! Training that is killed at any moment, by SIGTERM or SIGKILL, goes on and ends with the bytes of a run nobody
//! touched, and no half-written artifact ever stands under the final name.

use panfoma_core::rng::{Philox, Stream};
use panfoma_tests::binary::{command, digest};
use panfoma_tests::corpus::Corpus;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const KILLS: usize = 10;

/// Enough steps that most kills hit in the middle.
const PRETRAIN: &str = "pretrain -i tokens -o OUT --d-model 16 --n-heads 2 --d-ff 32 --n-chunks 2 --chunk-len 12 \
    --n-encoder-layers 1 --n-decoder-layers 1 --d-state 4 --max-steps 150 --batch-size 8 --validate-every 20 \
    --log-every 7 --checkpoint-every-steps 10 --threads 2";

const FINETUNE: &str = "finetune -i tokens -m pretrained -o OUT --label cell_type --max-steps 150 --batch-size 8 \
    --validate-every 20 --patience 0 --log-every 7 --checkpoint-every-steps 10 --threads 2";

fn arguments(line: &str, output: &str) -> (String, Vec<String>) {
    let mut words = line.split_whitespace().map(|word| word.replace("OUT", output));
    (words.next().unwrap(), words.collect())
}

fn spawn(directory: &Path, line: &str, output: &str) -> Child {
    let (stage, arguments) = arguments(line, output);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = command(&stage, &arguments);
    command.current_dir(directory).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

fn undisturbed(directory: &Path, line: &str, output: &str) -> (String, Duration) {
    let started = Instant::now();
    let status = spawn(directory, line, output).wait().unwrap();
    assert!(status.success(), "the undisturbed run ended with {status}");
    (digest(&directory.join(output)), started.elapsed())
}

/// Kills runs until `KILLS` of them died, each going on where the one before stopped.
fn check(directory: &Path, line: &str, stream: &mut Stream) {
    let stage = line.split_whitespace().next().unwrap();
    let (expected, mut whole) = undisturbed(directory, line, &format!("undisturbed-{stage}"));
    let (mut kills, mut terminated, mut outputs) = (0, 0, 0);
    while kills < KILLS {
        let output = format!("killed-{stage}-{outputs}");
        let path = directory.join(&output);
        loop {
            let mut child = spawn(directory, line, &output);
            let terminates = stream.below(2) == 0;
            std::thread::sleep(whole.mul_f64(stream.uniform() * 0.9));
            if terminates {
                assert!(
                    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success()
                );
            } else {
                child.kill().unwrap();
            }
            let status = child.wait().unwrap();
            if path.exists() {
                assert_eq!(digest(&path), expected, "under the final name stands something else");
            }
            match (status.code(), status.signal()) {
                // It had ended before the signal came: the undisturbed run had shared the machine with other tests.
                (Some(0), _) => {
                    whole = whole.mul_f64(0.8);
                    break;
                }
                // Saved and stopped; or hit before the handlers were there.
                (Some(143), _) => terminated += 1,
                (None, Some(9 | 15)) => {}
                other => panic!("ended with {other:?}"),
            }
            kills += 1;
            // Killed while it tidied up: the model is whole.
            if path.exists() || kills >= KILLS {
                break;
            }
        }
        if !path.exists() {
            let status = spawn(directory, line, &output).wait().unwrap();
            assert!(status.success(), "the last run of `{output}` ended with {status}");
        }
        assert_eq!(digest(&path), expected, "`{output}` after {kills} kills");
        outputs += 1;
    }
    assert!(terminated > 0, "no SIGTERM came while a run could save itself");
}

#[test]
fn twenty_kills_later_the_models_are_the_same() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    Corpus::default().write(&directory.join("tokens")).unwrap();
    let mut stream = Philox::new(20).stream(0, 0);
    check(directory, PRETRAIN, &mut stream);
    undisturbed(directory, PRETRAIN, "pretrained");
    check(directory, FINETUNE, &mut stream);
}

#[test]
fn max_walltime_saves_and_exits_with_140() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    Corpus::default().write(&directory.join("tokens")).unwrap();
    let line = format!("{PRETRAIN} --checkpoint-dir elsewhere");
    let (expected, _) = undisturbed(directory, &line, "undisturbed");
    let status = spawn(directory, &format!("{line} --max-walltime 0s"), "stopped").wait().unwrap();
    assert_eq!(status.code(), Some(140));
    assert!(directory.join("elsewhere").exists() && !directory.join("stopped").exists());
    std::fs::remove_dir_all(directory.join("elsewhere")).unwrap();
    assert_eq!(undisturbed(directory, &line, "again").0, expected);
}

#[test]
fn an_existing_model_is_not_replaced_without_force() {
    let temporary = tempfile::tempdir().unwrap();
    let directory = temporary.path();
    Corpus::default().write(&directory.join("tokens")).unwrap();
    let (expected, _) = undisturbed(directory, PRETRAIN, "model");
    let status = spawn(directory, PRETRAIN, "model").wait().unwrap();
    assert_eq!(status.code(), Some(64));
    let status = spawn(directory, &format!("{PRETRAIN} --force"), "model").wait().unwrap();
    assert!(status.success());
    assert_eq!(digest(&directory.join("model")), expected);
}
