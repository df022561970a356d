//! Writes what every kernel costs to `docs/benchmarks/ptxas.md`.
//!
//!     PANFOMA_PTXAS=… cargo run -p panfoma-kernels --example ptxas_report

use std::path::Path;
use std::{fs, process};

use panfoma_kernels::assembler::{Assembler, assemble_all, table};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(assembler) = Assembler::find() else {
        eprintln!("error: `PANFOMA_PTXAS` names no assembler");
        eprintln!("hint: `pip install --no-deps nvidia-cuda-nvcc-cu12` brings one");
        process::exit(69);
    };
    if let Err(error) = write(&assembler, root) {
        eprintln!("error: {error}");
        process::exit(65);
    }
}

fn write(assembler: &Assembler, root: &Path) -> Result<(), String> {
    let text = table(&assembler.version()?, &assemble_all(assembler, root)?);
    fs::write(root.join("../docs/benchmarks/ptxas.md"), text).map_err(|e| e.to_string())
}
