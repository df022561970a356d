//! Writes what is committed: `ptx/` from `templates/`, and `entries.rs` from `ptx/`.
//!
//! `cargo run -p panfoma-kernels --example expand` writes; a test compares.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::entry::{Declaration, declarations};
use crate::template;

/// Every file that is generated, and its text. `root`: the directory of this crate.
///
/// Errors: unreadable directories, templates that do not expand, entries that have no Rust form.
pub fn files(root: &Path) -> Result<Vec<(PathBuf, String)>, String> {
    let mut modules = Vec::new();
    for name in names(&root.join("templates"), ".ptx.in")? {
        modules.push((name.clone(), expand(root, &name)?));
    }
    let entries = entries(&modules)?;
    let mut files: Vec<_> =
        modules.into_iter().map(|(name, text)| (PathBuf::from(format!("ptx/{name}.ptx")), text)).collect();
    files.push((PathBuf::from("src/entries.rs"), entries));
    Ok(files)
}

/// Names of a directory's files without their ending, sorted.
pub fn names(directory: &Path, ending: &str) -> Result<Vec<String>, String> {
    let listing = fs::read_dir(directory).map_err(|e| format!("{}: {e}", directory.display()))?;
    let names: Result<BTreeSet<String>, String> = listing
        .map(|entry| {
            entry.map_err(|e| e.to_string())?.file_name().into_string().map_err(|n| format!("{n:?}"))
        })
        .collect();
    Ok(names?.iter().filter_map(|name| name.strip_suffix(ending)).map(str::to_owned).collect())
}

fn expand(root: &Path, name: &str) -> Result<String, String> {
    let file = format!("templates/{name}.ptx.in");
    let text = fs::read_to_string(root.join(&file)).map_err(|e| format!("{file}: {e}"))?;
    let include = |name: &str| fs::read_to_string(root.join("include").join(name)).ok();
    let expanded = template::expand(&file, &text, &include).map_err(|e| e.to_string())?;
    Ok(format!("// Expanded from {file}: change that.\n{expanded}"))
}

/// The Rust text that describes every entry of the modules (name, PTX).
fn entries(modules: &[(String, String)]) -> Result<String, String> {
    let mut out = String::from(
        "//! A struct for the arguments of each kernel.\n\
         //!\n\
         //! Written from the `.entry` lines of `ptx/` by `cargo run -p panfoma-kernels --example expand`.\n\n\
         use crate::{Arguments, Entry, Module, Param, Pointer};\n\n\
         /// Every PTX text, by name.\n\
         pub const MODULES: &[Module] = &[\n",
    );
    for (name, _) in modules {
        out += &format!("    Module {{ name: {name:?}, ptx: include_str!(\"../ptx/{name}.ptx\") }},\n");
    }
    out += "];\n\n/// Every kernel of every module.\npub const ENTRIES: &[Entry] = &[\n";
    let mut structs = String::new();
    let mut seen = BTreeSet::new();
    for (at, (module, text)) in modules.iter().enumerate() {
        for declaration in declarations(text).map_err(|e| format!("ptx/{module}.ptx: {e}"))? {
            if !seen.insert(declaration.name.clone()) {
                return Err(format!("two kernels are named `{}`", declaration.name));
            }
            out += &format!("    {}::ENTRY,\n", rust_name(&declaration.name));
            structs += &arguments(&declaration, at).map_err(|e| format!("`{}`: {e}", declaration.name))?;
        }
    }
    Ok(out + "];\n" + &structs)
}

/// The struct of a kernel's arguments.
fn arguments(kernel: &Declaration, module: usize) -> Result<String, String> {
    let name = rust_name(&kernel.name);
    let (mut fields, mut params, mut writes) = (String::new(), String::new(), String::new());
    let mut end = 0;
    for param in &kernel.params {
        let (ty, bytes) = rust_type(&param.ty).ok_or_else(|| format!("no Rust type for `.{}`", param.ty))?;
        let (ty, value) = if param.pointer { ("Pointer", ".0") } else { (ty, "") };
        let field = field_name(&param.name);
        let offset = usize::next_multiple_of(end, bytes);
        end = offset + bytes;
        fields += &format!("    /// `{}`\n    pub {field}: {ty},\n", param.name);
        params +=
            &format!("            Param {{ name: {:?}, offset: {offset}, bytes: {bytes} }},\n", param.name);
        writes +=
            &format!("        block[{offset}..{end}].copy_from_slice(&self.{field}{value}.to_le_bytes());\n");
    }
    Ok(format!(
        "\n/// Arguments of `{entry}`.\n\
         #[derive(Clone, Copy, Debug, PartialEq)]\n\
         pub struct {name} {{\n{fields}}}\n\n\
         impl Arguments for {name} {{\n    \
             const ENTRY: Entry = Entry {{\n        \
                 name: {entry:?},\n        \
                 module: &MODULES[{module}],\n        \
                 threads: {threads:?},\n        \
                 params: &[\n{params}        ],\n    \
             }};\n\n    \
             fn bytes(&self) -> Vec<u8> {{\n        \
                 let mut block = vec![0; {end}];\n{writes}        \
                 block\n    \
             }}\n\
         }}\n",
        entry = kernel.name,
        threads = kernel.threads,
    ))
}

/// `pf_attn_fwd_d64` as `AttnFwdD64`.
fn rust_name(entry: &str) -> String {
    let words = entry.strip_prefix("pf_").unwrap_or(entry).split('_');
    words
        .map(|word| {
            let (first, rest) = word.split_at(1.min(word.len()));
            first.to_uppercase() + rest
        })
        .collect()
}

/// `p_Dm` as `dm`.
fn field_name(param: &str) -> String {
    let name = param.strip_prefix("p_").unwrap_or(param).to_lowercase();
    match name.as_str() {
        "in" | "type" | "ref" | "move" | "loop" | "fn" | "mod" => format!("{name}_"),
        _ => name,
    }
}

fn rust_type(ptx: &str) -> Option<(&'static str, usize)> {
    Some(match ptx {
        "u8" | "b8" => ("u8", 1),
        "u16" | "b16" => ("u16", 2),
        "u32" | "b32" => ("u32", 4),
        "s32" => ("i32", 4),
        "f32" => ("f32", 4),
        "u64" | "b64" => ("u64", 8),
        "s64" => ("i64", 8),
        "f64" => ("f64", 8),
        _ => return None,
    })
}
