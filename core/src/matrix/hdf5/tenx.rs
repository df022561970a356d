//! Cell Ranger's HDF5: one group `matrix` (version 3 and later), or a group a genome (version 2).
//!
//! Its CSC of features x barcodes is CSR of cells x genes.

use super::file::File;
use super::{sparse, texts};
use crate::matrix::modality::FEATURE_TYPES;
use crate::matrix::{Column, Frame, Matrix, Source};
use crate::stage::UserError;
use anyhow::Result;
use std::sync::Arc;

/// Beginnings of the names of human genomes.
const HUMAN: [&str; 6] = ["grch3", "hg1", "hg3", "b37", "hs37", "t2t-chm13"];

/// The groups that hold a matrix of Cell Ranger 2.
pub(super) fn genomes(file: &File) -> Result<Vec<String>> {
    let mut genomes = Vec::new();
    for name in file.names("")? {
        if file.has(&format!("{name}/barcodes"))? && file.has(&format!("{name}/indptr"))? {
            genomes.push(name);
        }
    }
    Ok(genomes)
}

/// Opens `matrix` of version 3.
pub(super) fn open_v3(file: &Arc<File>, wanted: Option<&Source>) -> Result<Matrix> {
    if let Some(wanted) = wanted.filter(|wanted| !matches!(wanted, Source::X)) {
        return Err(absent(file, wanted, "its matrix is `X`"));
    }
    let mut genes = Frame { index: names(file, "matrix/features/id")?, ..Frame::default() };
    for (name, member) in [
        ("gene_symbols", "name"),
        (FEATURE_TYPES, "feature_type"),
        ("genome", "genome"),
        ("interval", "interval"),
    ] {
        let path = format!("matrix/features/{member}");
        if file.has(&path)? {
            let texts = names(file, &path)?;
            if texts.len() != genes.len() {
                let (found, expected) = (texts.len(), genes.len());
                return Err(file.bad(format!("`{path}` has {found} entries, expected {expected}")));
            }
            genes.columns.push((name.to_owned(), Column::from_texts(texts.iter().map(|t| Some(t.as_str())))));
        }
    }
    open_group(file, "matrix", genes)
}

/// Opens a genome of version 2: the one asked for, the only one, or the only human one.
pub(super) fn open_v2(file: &Arc<File>, genomes: &[String], wanted: Option<&Source>) -> Result<Matrix> {
    let list = || genomes.iter().map(|genome| format!("`{genome}`")).collect::<Vec<_>>().join(", ");
    let genome = match wanted {
        Some(Source::Layer(name)) if genomes.contains(name) => name,
        Some(wanted) => return Err(absent(file, wanted, &format!("its genomes are {}", list()))),
        None => match (genomes, &human(genomes)[..]) {
            ([genome], _) => genome,
            (_, [genome]) => {
                tracing::info!(
                    "`{}` holds counts of {}: those of `{genome}`, the human one, are read",
                    file.path.display(),
                    list()
                );
                *genome
            }
            _ => {
                let path = file.path.display();
                let message = format!("`{path}` holds counts of {} genomes: {}", genomes.len(), list());
                return Err(UserError::bad_data(message).hint("pick one with `--layer GENOME`").into());
            }
        },
    };
    let mut genes = Frame { index: names(file, &format!("{genome}/genes"))?, ..Frame::default() };
    let path = format!("{genome}/gene_names");
    if file.has(&path)? {
        let symbols = names(file, &path)?;
        if symbols.len() != genes.len() {
            let (found, expected) = (symbols.len(), genes.len());
            return Err(file.bad(format!("`{path}` has {found} entries, expected {expected}")));
        }
        let symbols = Column::from_texts(symbols.iter().map(|symbol| Some(symbol.as_str())));
        genes.columns.push(("gene_symbols".to_owned(), symbols));
    }
    open_group(file, genome, genes)
}

fn human(genomes: &[String]) -> Vec<&String> {
    let is_human = |genome: &&String| {
        let lower = genome.to_lowercase();
        HUMAN.iter().any(|name| lower.starts_with(name))
    };
    genomes.iter().filter(is_human).collect()
}

fn open_group(file: &Arc<File>, group: &str, genes: Frame) -> Result<Matrix> {
    let cells = Frame { index: names(file, &format!("{group}/barcodes"))?, ..Frame::default() };
    let (n_cells, n_genes) = (cells.len(), genes.len());
    let shape_path = format!("{group}/shape");
    if file.has(&shape_path)? {
        let shape: Vec<i64> = file.numbers(&file.dataset(&shape_path)?, &shape_path)?;
        if shape != [n_genes as i64, n_cells as i64] {
            return Err(file.bad(format!(
                "`{shape_path}` is {shape:?}, expected [{n_genes}, {n_cells}] (features x barcodes)"
            )));
        }
    }
    super::matrix(file, group, cells, genes, sparse::by_rows(file, group, n_cells, n_genes)?)
}

fn names(file: &File, path: &str) -> Result<Vec<String>> {
    texts::read(file, &file.dataset(path)?, path)
}

fn absent(file: &File, wanted: &Source, hint: &str) -> anyhow::Error {
    UserError::bad_data(format!("`{}` has no `{wanted}`", file.path.display())).hint(hint).into()
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn human_genomes_are_known_by_their_names() {
        let genomes = ["GRCh38", "GRCm38", "hg19", "hg19_chr21", "mm10", "another_genome"].map(str::to_owned);
        assert_eq!(human(&genomes), ["GRCh38", "hg19", "hg19_chr21"]);
    }
}
