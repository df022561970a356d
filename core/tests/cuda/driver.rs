//! The code that drives a GPU, on libraries whose GPU is the interpreter: the tests of this program once more, in a process
//! that finds `panfoma-fake-cuda` where NVIDIA's libraries would be.

use panfoma_core::device::cuda::Gpu;
use std::os::unix::fs::symlink;
use std::process::Command;

#[test]
fn operations_and_a_model_run_through_the_driver() {
    if std::env::var_os("PANFOMA_TEST_DEVICE").is_some() {
        // This is the inner process, or a machine with a GPU.
        return;
    }
    let program = std::env::current_exe().unwrap();
    let library = program.with_file_name("libpanfoma_fake_cuda.so");
    assert!(library.is_file(), "`{}` was not built", library.display());
    let folder = tempfile::tempdir().unwrap();
    for name in ["libcuda.so", "libcublasLt.so"] {
        symlink(&library, folder.path().join(name)).unwrap();
    }
    // Everything as late as may be; then copies as early as may be.
    let all = ["ops::", "learning::", "goldens::model_tiny", "driver::", "queues::"];
    for (mode, tests, at_least) in [("late", &all[..], 18), ("eager", &["learning::", "queues::"], 4)] {
        let output = Command::new(&program)
            .args(tests)
            .env("LD_LIBRARY_PATH", folder.path())
            .env("PANFOMA_TEST_DEVICE", "cuda:0")
            .env("PANFOMA_FAKE_CUDA", mode)
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "{mode}\n{}\n{}", text(&output.stdout), text(&output.stderr));
        let ran = text(&output.stdout).lines().filter(|line| line.ends_with("... ok")).count();
        assert!(ran >= at_least, "{mode}\n{}", text(&output.stdout));
    }
}

#[test]
fn a_device_that_is_not_there_has_a_reason() {
    if std::env::var_os("PANFOMA_TEST_DEVICE").is_none() {
        return;
    }
    let reason = Gpu::open(99).err().unwrap();
    assert!(reason.contains("devices, numbered from 0"), "{reason}");
}
