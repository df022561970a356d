//! Dependencies point one way: the edges that `ARCHITECTURE.md` draws, and no others.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Core's modules, each with those it may use. Every module stands below the ones it names, so there is no cycle.
const ALLOWED: &[(&str, &[&str])] = &[
    ("vectors", &[]),
    ("rng", &["vectors"]),
    ("stage", &[]),
    ("subspace", &[]),
    ("dense", &[]),
    ("frames", &["rng"]),
    ("neighbors", &["dense"]),
    ("graph", &["rng", "dense", "neighbors"]),
    ("genes", &["stage"]),
    ("matrix", &["rng", "stage", "genes", "frames", "vectors"]),
    ("artifact", &["rng", "stage", "matrix", "frames", "vectors"]),
    ("report", &["artifact"]),
    ("data", &["rng", "stage", "artifact", "vectors"]),
    ("device", &[]),
    ("ops", &["device"]),
    ("layers", &["device", "ops", "rng"]),
    ("model", &["device", "ops", "layers", "rng"]),
    ("engine", &["stage", "device", "ops", "layers", "model"]),
    (CHECKPOINT, &["stage", "artifact", "device", "model"]),
    (
        "train",
        &["rng", "stage", "subspace", "artifact", "data", "device", "ops", "layers", "model", "engine"],
    ),
];

/// The one artifact that holds a model; the others know nothing of it.
const CHECKPOINT: &str = "artifact/checkpoint";

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn core_modules_use_only_what_the_architecture_allows() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let source = workspace().join("core/src");
    let mut files = Vec::new();
    rust_files(&source, &mut files);
    assert!(files.len() > 10, "`{}` holds {} files", source.display(), files.len());
    let mut violations = Vec::new();
    for file in files {
        let relative = file.strip_prefix(&source).unwrap();
        let Some(module) = module_of(relative) else { continue };
        let Some(uses) = allowed.get(module.as_str()) else {
            violations.push(format!("{}: module `{module}` is not in the architecture", relative.display()));
            continue;
        };
        for used in modules_used(&fs::read_to_string(&file).unwrap(), relative) {
            if used != module && !uses.contains(&used.as_str()) {
                violations.push(format!("{}: `{module}` uses `{used}`", relative.display()));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn the_allowed_edges_have_no_cycle() {
    for (row, (module, uses)) in ALLOWED.iter().enumerate() {
        for used in *uses {
            let position = ALLOWED.iter().position(|(name, _)| name == used);
            assert!(
                position.is_some_and(|p| p < row),
                "`{module}` uses `{used}`, which does not stand above it"
            );
        }
    }
}

#[test]
fn no_crate_depends_on_a_stage_and_the_kernels_stand_alone() {
    let root = workspace();
    let stages: BTreeSet<String> = fs::read_dir(root.join("bins"))
        .unwrap()
        .map(|entry| format!("panfoma-{}", entry.unwrap().file_name().into_string().unwrap()))
        .collect();
    assert_eq!(stages.len(), 7, "{stages:?}");
    let kernels = [root.join("kernels"), root.join("kernels/interpreter")];
    let mut manifests = vec![root.join("core"), root.join("core/build-info"), root.join("core/picture")];
    manifests.extend(kernels.clone());
    manifests.extend(fs::read_dir(root.join("bins")).unwrap().map(|entry| entry.unwrap().path()));
    for directory in manifests {
        let text = fs::read_to_string(directory.join("Cargo.toml")).unwrap();
        let depends = dependencies(&text);
        let on_stage: Vec<_> = depends.intersection(&stages).collect();
        assert!(on_stage.is_empty(), "`{}` depends on {on_stage:?}", directory.display());
        let shipped = shipped_dependencies(&text);
        assert!(!shipped.contains(INTERPRETER), "`{}` ships the interpreter", directory.display());
        if kernels.contains(&directory) {
            let own = shipped.iter().find(|name| name.starts_with("panfoma"));
            assert_eq!(own, None, "`{}` does not stand alone", directory.display());
        }
    }
}

/// Runs kernels on the CPU, for tests: no binary holds it.
const INTERPRETER: &str = "panfoma-ptx-interpreter";

#[test]
fn dependencies_of_tests_are_told_from_what_ships() {
    let manifest = "[dependencies]\na.workspace = true\n[dev-dependencies]\nb = \"1\"\n[features]\nc = []\n";
    let names = |set: BTreeSet<String>| set.into_iter().collect::<Vec<_>>();
    assert_eq!(names(dependencies(manifest)), ["a", "b"]);
    assert_eq!(names(shipped_dependencies(manifest)), ["a"]);
}

#[test]
fn the_scanner_sees_every_way_of_naming_a_module() {
    let check = |file: &str, text: &str, expected: &[&str]| {
        let found = modules_used(text, Path::new(file));
        assert_eq!(found.iter().map(String::as_str).collect::<Vec<_>>(), expected, "in `{text}`");
    };
    check("ops/mod.rs", "use crate::train::step;", &["train"]);
    check("ops/mod.rs", "let x = crate::model::PanFoMa::init();", &["model"]);
    check(
        "ops/gelu/cpu.rs",
        "use crate::{device::Tensor, rng, stage::{Kind, UserError}};",
        &["device", "rng", "stage"],
    );
    check("ops/mod.rs", "use super::artifact::Header;", &["artifact"]);
    check("ops/gelu/mod.rs", "use super::super::data::draw;", &["data"]);
    check("ops/gelu/mod.rs", "use super::data::draw;", &[]);
    check("ops/mod.rs", "pub(crate) use self::gelu::Gelu; // as crate::train does\n/// [`crate::data`]", &[]);
    check("ops/mod.rs", "use crate::device;\nuse crate::rng::Philox as train;", &["device", "rng"]);
}

fn rust_files(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            rust_files(&path, files);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
}

/// The module a file of core belongs to; none for `lib.rs`.
fn module_of(relative: &Path) -> Option<String> {
    if relative.starts_with(CHECKPOINT) {
        return Some(CHECKPOINT.to_owned());
    }
    let first = Path::new(relative.components().next()?.as_os_str());
    let name = first.file_stem()?.to_str()?;
    (name != "lib").then(|| name.to_owned())
}

/// Top-level modules that a file names: through `crate::`, or through as many `super::` as lead to the root.
fn modules_used(text: &str, relative: &Path) -> BTreeSet<String> {
    let code: String =
        text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n");
    let mut used = BTreeSet::new();
    let is_module_file = relative.file_name().is_some_and(|name| name == "mod.rs");
    let depth = relative.components().count() - usize::from(is_module_file);
    let to_root = "super::".repeat(depth);
    let known: BTreeSet<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    for prefix in ["crate::", to_root.as_str()] {
        for (at, _) in code.match_indices(prefix) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '$' | ':')) {
                continue;
            }
            let after = &code[at + prefix.len()..];
            let names = if after.starts_with('{') { first_names(after) } else { vec![identifier(after)] };
            used.extend(names.into_iter().filter(|name| known.contains(name)).map(str::to_owned));
        }
    }
    used
}

/// The first identifier of every entry of a `{a::b, c, d::{e, f}}` list.
fn first_names(list: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut depth = 0;
    let mut expects_name = false;
    for (at, c) in list.char_indices() {
        match c {
            '{' => {
                depth += 1;
                expects_name = depth == 1;
            }
            '}' => {
                depth -= 1;
                if depth == 0 {
                    break;
                }
            }
            ',' => expects_name = depth == 1,
            c if expects_name && !c.is_whitespace() => {
                names.push(identifier(&list[at..]));
                expects_name = false;
            }
            _ => {}
        }
    }
    names
}

fn identifier(text: &str) -> &str {
    &text[..text.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(text.len())]
}

/// Names in the dependency sections of a manifest.
fn dependencies(manifest: &str) -> BTreeSet<String> {
    names_in_sections(manifest, |section| section.contains("dependencies"))
}

/// As [`dependencies`], without those of tests alone.
fn shipped_dependencies(manifest: &str) -> BTreeSet<String> {
    names_in_sections(manifest, |section| section.contains("dependencies") && !section.contains("dev-"))
}

fn names_in_sections(manifest: &str, wanted: impl Fn(&str) -> bool) -> BTreeSet<String> {
    let mut inside = false;
    let mut names = BTreeSet::new();
    for line in manifest.lines() {
        if line.starts_with('[') {
            inside = wanted(line);
        } else if inside
            && let Some(name) = line.split(['.', '=', ' ']).next().filter(|name| !name.is_empty())
        {
            names.insert(name.to_owned());
        }
    }
    names
}
