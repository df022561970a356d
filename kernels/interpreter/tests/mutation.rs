//! The mutation test itself: it finds a barrier that nothing needs, and only that.

use panfoma_ptx_interpreter::mutation::{survivors, without_each_synchronisation};
use panfoma_ptx_interpreter::{Arg, Launch, Memory, Module, Options, launch};

/// Sums of tiles of 128 floats: copied asynchronously, two tiles in flight, summed by a tree in shared memory.
const SUM: &str = include_str!("tile_sums.ptx");

const TILE: usize = 128;

fn check(text: &str) -> Result<(), String> {
    let module = Module::parse(text).map_err(|e| e.to_string())?;
    let kernel = module.entry("tile_sums").ok_or("no entry")?;
    for seed in 1..=3 {
        let mut memory = Memory::new();
        let x: Vec<f32> = (0..4 * TILE).map(|i| ((i * 37) % 101) as f32).collect();
        let (px, py) = (memory.alloc_f32(&x), memory.alloc(16));
        let shape = Launch { grid: [1, 1, 1], block: [TILE as u32, 1, 1], dynamic_shared: 0 };
        let options = Options { seed, ..Options::default() };
        launch(&mut memory, kernel, &shape, &[Arg::Ptr(px), Arg::Ptr(py), Arg::U32(4)], &options)
            .map_err(|finding| finding.to_string())?;
        let sums: Vec<f32> = x.chunks(TILE).map(|tile| tile.iter().sum()).collect();
        if memory.read_f32(py, 4) != sums {
            return Err(format!("{:?}, not {sums:?}", memory.read_f32(py, 4)));
        }
    }
    Ok(())
}

#[test]
fn every_barrier_and_wait_of_the_right_kernel_is_needed() {
    let mutants = without_each_synchronisation(SUM, "tile_sums");
    let removed: Vec<&str> = mutants.iter().map(|mutant| mutant.removed.as_str()).collect();
    assert_eq!(removed, ["cp.async.wait_group 1;", "bar.sync 0;", "bar.sync 0;"]);
    assert!(mutants.iter().all(|mutant| mutant.text.lines().count() == SUM.lines().count()));
    let left = survivors(SUM, "tile_sums", check).unwrap();
    assert!(left.is_empty(), "nothing notices the loss of {left:#?}");
}

#[test]
fn a_barrier_that_nothing_needs_survives() {
    let planted = SUM.replace("    ret;", "    bar.sync 0; // nothing follows\n    ret;");
    let left = survivors(&planted, "tile_sums", check).unwrap();
    let lines: Vec<&str> = planted.lines().collect();
    assert_eq!(left.len(), 1);
    assert!(lines[left[0].line as usize - 1].contains("nothing follows"), "{:?}", left[0]);
}

#[test]
fn a_check_that_panics_has_noticed() {
    let left = survivors(SUM, "tile_sums", |text| {
        assert_eq!(text.matches("bar.").count(), SUM.matches("bar.").count());
        Ok(())
    });
    // Only the waits are not barriers.
    assert_eq!(left.unwrap().iter().filter(|m| m.removed.starts_with("bar")).count(), 0);
}

#[test]
fn a_check_that_fails_without_a_mutation_proves_nothing() {
    assert!(survivors(SUM, "tile_sums", |_| Err("always".to_owned())).unwrap_err().contains("always"));
    assert!(survivors(SUM, "another", |_| Ok(())).unwrap_err().contains("no barrier"));
}

#[test]
fn statements_are_found_wherever_they_stand_on_a_line() {
    let text = ".entry a() {\nbar.sync 0;\n}\n.entry b() {\ncp.async.wait_group 1; bar.sync 0; // bar.sync 7;\nL: @%p bar.sync 1;\n\
                mov.u32 %bar, 0;\n}\n";
    let found: Vec<(u32, String)> =
        without_each_synchronisation(text, "b").into_iter().map(|m| (m.line, m.removed)).collect();
    let expected = [(5, "cp.async.wait_group 1;"), (5, "bar.sync 0;"), (6, "@%p bar.sync 1;")];
    assert_eq!(found, expected.map(|(line, removed)| (line, removed.to_owned())));
}
