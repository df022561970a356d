//! The differences as tables.

use super::{Difference, MAX_Q};
use panfoma_core::artifact::atomic;
use panfoma_core::artifact::vocabulary::Vocabulary;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// One method's comparison of two groups.
pub struct Finding {
    /// The method's name.
    pub method: String,
    /// The groups' names.
    pub groups: [String; 2],
    /// Cells of each.
    pub cells: [usize; 2],
    /// All pairs tested, the surest first.
    pub differences: Vec<Difference>,
    /// Pairs that the same test calls different between random halves of the same cells.
    pub n_between_halves: usize,
}

impl Finding {
    /// Pairs called different.
    pub fn n_different(&self) -> usize {
        self.differences.iter().take_while(|difference| difference.q < MAX_Q).count()
    }
}

/// Writes the `top` differences of each finding to `path`, and the counts to `<path>.summary.tsv`.
///
/// regulators: gene ids of the rows
pub fn write(
    path: &Path,
    findings: &[Finding],
    regulators: &[u32],
    vocabulary: &Vocabulary,
    top: usize,
) -> anyhow::Result<()> {
    let symbol = |id: u32| vocabulary.gene(id).map_or("", |gene| gene.symbol.as_str());
    let n_columns = vocabulary.n_genes() + 1;
    let mut rows =
        "method\tgroup_a\tgroup_b\tregulator\ttarget\tscore_a\tscore_b\tz\tp_value\tq_value\n".to_owned();
    let mut summary =
        "method\tgroup_a\tgroup_b\tcells_a\tcells_b\tpairs_tested\tdifferent\tdifferent_between_random_halves\n"
            .to_owned();
    for finding in findings {
        let Finding { method, groups: [a, b], cells, differences, n_between_halves } = finding;
        let (tested, different) = (differences.len(), finding.n_different());
        let _ = writeln!(
            summary,
            "{method}\t{a}\t{b}\t{}\t{}\t{tested}\t{different}\t{n_between_halves}",
            cells[0], cells[1]
        );
        tracing::info!(
            "{method}, `{a}` against `{b}`: {different} of {tested} pairs differ, {n_between_halves} between random halves"
        );
        for found in differences.iter().take(top) {
            let Difference { at, values, z, p, q } = found;
            let (regulator, target) = (symbol(regulators[at / n_columns]), symbol((at % n_columns) as u32));
            let _ = writeln!(
                rows,
                "{method}\t{a}\t{b}\t{regulator}\t{target}\t{:.6}\t{:.6}\t{z:.3}\t{p:.3e}\t{q:.3e}",
                values[0], values[1]
            );
        }
    }
    atomic::write_file(path, |file| std::fs::write(file, rows))?;
    let beside = PathBuf::from(format!("{}.summary.tsv", path.display()));
    Ok(atomic::write_file(&beside, |file| std::fs::write(file, summary))?)
}
