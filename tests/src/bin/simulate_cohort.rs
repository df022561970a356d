//! Writes a simulated multi-study tumour cohort with a known regulatory network.

use clap::{Parser, ValueHint};
use panfoma_tests::simulate::{self, Parameters};
use std::path::PathBuf;
use std::process::ExitCode;

/// Write a simulated multi-study tumour cohort: h5ad files as studies publish them, and the truth beside them
#[derive(Parser)]
#[command(name = "panfoma-simulate-cohort", version, max_term_width = 110)]
struct CommandLine {
    /// Directory to write: `study_1.h5ad` ... and `truth/`
    #[arg(short, long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    out: PathBuf,
    /// Studies, a file each; they differ in depth, panel and gene names
    #[arg(long, value_name = "N", default_value_t = Parameters::default().studies)]
    studies: usize,
    /// Patients of a study
    #[arg(long, value_name = "N", default_value_t = Parameters::default().patients_per_study)]
    patients_per_study: usize,
    /// Mean number of cells of a patient
    #[arg(long, value_name = "N", default_value_t = Parameters::default().cells_per_patient)]
    cells_per_patient: usize,
    /// Genes; at least the named ones (regulators, markers, housekeeping, ribosomal, mitochondrial)
    #[arg(long, value_name = "N", default_value_t = Parameters::default().genes)]
    genes: usize,
    /// Seed of every random choice
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Replace the directory if it exists
    #[arg(long)]
    force: bool,
}

fn main() -> ExitCode {
    match run(&CommandLine::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let (code, hint) = panfoma_core::stage::error::classify(&error);
            eprintln!("error: {error:#}");
            hint.into_iter().for_each(|hint| eprintln!("hint: {hint}"));
            ExitCode::from(code)
        }
    }
}

fn run(line: &CommandLine) -> anyhow::Result<()> {
    if line.out.exists() && !line.force {
        let message = format!("the output `{}` exists", line.out.display());
        return Err(panfoma_core::stage::UserError::usage(message)
            .hint("pass `--force` to replace it")
            .into());
    }
    let parameters = Parameters {
        studies: line.studies,
        patients_per_study: line.patients_per_study,
        cells_per_patient: line.cells_per_patient,
        genes: line.genes,
        seed: line.seed,
    };
    let started = std::time::Instant::now();
    let summary = simulate::write(&line.out, &parameters)?;
    eprintln!(
        "{} cells, {} counts in `{}` ({:.1} s)",
        summary.n_cells,
        summary.n_counts,
        line.out.display(),
        started.elapsed().as_secs_f64()
    );
    Ok(())
}
