//! Rewrites `ptx/` and `src/entries.rs` from the templates.
//!
//!     cargo run -p panfoma-kernels --example expand

use std::path::Path;
use std::{fs, process};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Err(error) = write(root) {
        eprintln!("error: {error}");
        process::exit(65);
    }
}

/// Writes the files that differ, and removes texts whose template is gone.
fn write(root: &Path) -> Result<(), String> {
    let files = panfoma_kernels::generate::files(root)?;
    fs::create_dir_all(root.join("ptx")).map_err(|e| e.to_string())?;
    for (path, text) in &files {
        let full = root.join(path);
        if fs::read_to_string(&full).ok().as_ref() != Some(text) {
            fs::write(&full, text).map_err(|e| format!("{}: {e}", path.display()))?;
            eprintln!("wrote {}", path.display());
        }
    }
    for name in panfoma_kernels::generate::names(&root.join("ptx"), ".ptx")? {
        let path = Path::new("ptx").join(format!("{name}.ptx"));
        if !files.iter().any(|(generated, _)| *generated == path) {
            fs::remove_file(root.join(&path)).map_err(|e| format!("{}: {e}", path.display()))?;
            eprintln!("removed {}", path.display());
        }
    }
    Ok(())
}
