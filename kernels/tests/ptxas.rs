//! Every kernel assembles for every architecture without a warning and stays within the budget of its header.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs};

use panfoma_kernels::assembler::{self, ARCHITECTURES, Assembler, Budget, Costs, Usage};
use panfoma_kernels::entries::{ENTRIES, MODULES};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The assembler; without one a run under `CI=true` fails, and any other says what it skips.
fn ptxas(skipped: &str) -> Option<Assembler> {
    let found = Assembler::find();
    if found.is_none() {
        assert!(env::var("CI").as_deref() != Ok("true"), "`PANFOMA_PTXAS` names no assembler");
        eprintln!("skipped: {skipped}; `PANFOMA_PTXAS` names no assembler");
    }
    found
}

#[test]
fn every_kernel_declares_a_budget_for_every_architecture() {
    for module in MODULES {
        let budgets =
            assembler::budgets(module.ptx).unwrap_or_else(|e| panic!("ptx/{}.ptx: {e}", module.name));
        for budget in &budgets {
            let known = ARCHITECTURES.contains(&budget.architecture.as_str());
            assert!(known, "ptx/{}.ptx has a budget for {}", module.name, budget.architecture);
            let own = |name: &str| ENTRIES.iter().any(|e| e.module == module && e.name == name);
            assert!(budget.entry.as_deref().is_none_or(own), "ptx/{}.ptx: {budget:?}", module.name);
        }
        for entry in ENTRIES.iter().filter(|entry| entry.module == module) {
            for architecture in ARCHITECTURES {
                let budget = assembler::budget_of(&budgets, entry.name, architecture);
                let name = entry.name;
                assert!(
                    budget.is_some_and(|b| b.spills == 0),
                    "`{name}` has no budget without spills for {architecture}"
                );
            }
        }
    }
}

/// Every kernel's costs, assembled once for all tests.
fn costs(ptxas: &Assembler) -> &'static Costs {
    static COSTS: OnceLock<Result<Costs, String>> = OnceLock::new();
    match COSTS.get_or_init(|| assembler::assemble_all(ptxas, root())) {
        Ok(costs) => costs,
        Err(log) => panic!("{log}"),
    }
}

#[test]
fn every_kernel_assembles_within_its_budget() {
    let Some(ptxas) = ptxas("assembling the kernels") else { return };
    let mut problems = Vec::new();
    let mut assembled = 0;
    for (name, architecture, usages) in costs(&ptxas) {
        let module = MODULES.iter().find(|module| module.name == *name).unwrap();
        let budgets = assembler::budgets(module.ptx).unwrap();
        for usage in usages {
            assert!(ENTRIES.iter().any(|e| e.module == module && e.name == usage.entry), "{usage:?}");
            let budget = assembler::budget_of(&budgets, &usage.entry, architecture).unwrap();
            problems.extend(assembler::exceeds(usage, budget));
            assembled += 1;
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert_eq!(assembled, ENTRIES.len() * ARCHITECTURES.len());
}

#[test]
fn the_committed_table_is_what_the_assembler_says() {
    let Some(ptxas) = ptxas("comparing docs/benchmarks/ptxas.md") else { return };
    let committed = fs::read_to_string(root().join("../docs/benchmarks/ptxas.md")).unwrap();
    let version = ptxas.version().unwrap();
    if !committed.contains(&version) {
        eprintln!("skipped: docs/benchmarks/ptxas.md is of another version than {version}");
        return;
    }
    let table = assembler::table(&version, costs(&ptxas));
    let missing: Vec<&str> = table.lines().filter(|line| !committed.contains(line)).collect();
    let hint = "run `cargo run -p panfoma-kernels --example ptxas_report`";
    assert!(committed == table, "docs/benchmarks/ptxas.md lacks {missing:#?}; {hint}");
}

#[test]
fn the_gate_refuses_bad_opcodes_and_spills() {
    let Some(ptxas) = ptxas("planted mistakes for the assembler") else { return };
    let assemble = |name: &str, body: &str| {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let head = ".version 7.0\n.target sm_80\n.address_size 64\n";
        fs::write(
            &path,
            format!("{head}.visible .entry k(.param .u64 p_x) .maxntid 1024, 1, 1\n{{\n{body}\nret;\n}}\n"),
        )
        .unwrap();
        ptxas.assemble(&path, "sm_80")
    };
    let error = assemble("wrong_type.ptx", ".reg .b32 %a;\nadd.f32 %a, %a, 7;").unwrap_err();
    assert!(error.contains("line 7"), "{error}");
    // 200 values that all live across a loop, in a block whose threads may have 64 registers each.
    let each = |f: &dyn Fn(usize) -> String| (0..200).map(f).collect::<Vec<_>>().join("\n");
    let body = format!(
        ".reg .b64 %p;\n.reg .pred %q;\n.reg .b32 %n;\n.reg .f32 %x<200>;\nld.param.u64 %p, [p_x];\nld.global.u32 %n, [%p];\n{}\n\
         AGAIN:\n{}\nsub.u32 %n, %n, 1;\nsetp.ne.u32 %q, %n, 0;\n@%q bra AGAIN;\n{}",
        each(&|i| format!("ld.global.f32 %x{i}, [%p+{}];", 4 * i)),
        each(&|i| format!("fma.rn.f32 %x{i}, %x{i}, %x{}, %x{};", (i * 7 + 37) % 200, (i * 11 + 61) % 200)),
        each(&|i| format!("st.global.f32 [%p+{}], %x{i};", 4 * i)),
    );
    let error = assemble("spills.ptx", &body).unwrap_err();
    assert!(error.contains("spill"), "{error}");
}

/// A log of `ptxas` 12.9.86.
const LOG: &str = "ptxas info    : 0 bytes gmem
ptxas info    : Compiling entry function 'pf_a' for 'sm_80'
ptxas info    : Function properties for pf_a
    0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads
ptxas info    : Used 136 registers, used 1 barriers, 24832 bytes smem, 420 bytes cmem[0]
ptxas info    : Compile time = 112.916 ms
ptxas info    : Compiling entry function 'pf_b' for 'sm_80'
ptxas info    : Function properties for pf_b
    128 bytes stack frame, 124 bytes spill stores, 96 bytes spill loads
ptxas info    : Used 64 registers, used 0 barriers
";

#[test]
fn logs_and_budgets_are_read() {
    let usages = assembler::usages(LOG);
    let a = Usage { entry: "pf_a".to_owned(), registers: 136, shared: 24832, spills: 0, stack: 0 };
    let b = Usage { entry: "pf_b".to_owned(), registers: 64, shared: 0, spills: 220, stack: 128 };
    assert_eq!(usages, [a.clone(), b.clone()]);

    let text = "// formula\n// budget sm_80 regs<=136 spills=0 smem=24832\n// budget sm_80 pf_b regs<=63 spills=0 smem=0\n.version 7.0";
    let budgets = assembler::budgets(text).unwrap();
    let common =
        Budget { architecture: "sm_80".to_owned(), entry: None, registers: 136, spills: 0, shared: 24832 };
    assert_eq!(assembler::budget_of(&budgets, "pf_a", "sm_80"), Some(&common));
    assert_eq!(assembler::budget_of(&budgets, "pf_b", "sm_80").unwrap().registers, 63);
    assert_eq!(assembler::budget_of(&budgets, "pf_a", "sm_90"), None);
    assert_eq!(assembler::exceeds(&a, &common), None);
    let why = assembler::exceeds(&b, &budgets[1]).unwrap();
    assert_eq!(why, "`pf_b` on sm_80: 64 registers, at most 63; 220 bytes of spills (stack 128), not 0");
    assert!(assembler::exceeds(&Usage { shared: 24836, ..a }, &common).unwrap().contains("24836"));
    for bad in [
        "// budget sm_80 regs<=1 spills=0",
        "// budget regs<=1 spills=0 smem=0",
        "// budget sm_80 regs<=x spills=0 smem=0",
    ] {
        assert!(assembler::budgets(bad).is_err(), "{bad}");
    }
}
