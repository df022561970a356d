//! Is an input human, and does it lie the right way round?

use crate::genes::StudyGenes;
use anyhow::Result;
use panfoma_core::genes::{GeneTable, Suspicion, map_genes};
use panfoma_core::matrix::{Column, Frame};
use panfoma_core::stage::UserError;
use std::collections::BTreeMap;

/// obs columns that name a cell's species, in lower case.
const SPECIES: [&str; 5] =
    ["species", "organism", "organism_ontology_term_id", "organism_label", "species_ontology_term_id"];
/// What they hold for human cells, in lower case.
const HUMAN: [&str; 7] =
    ["human", "homo sapiens", "homo_sapiens", "h. sapiens", "hsapiens", "ncbitaxon:9606", "9606"];
/// Names of cells that are looked up as genes, to see whether the matrix is turned.
const N_LOOKED_UP: usize = 2000;

/// Refuses an input of which a smaller share than `floor` of the genes is known, saying what its genes look like.
pub fn refuse_foreign_genes(path: &str, genes: &StudyGenes, cells: &Frame, floor: f64) -> Result<()> {
    let counts = &genes.counts;
    if counts.coverage() >= floor {
        return Ok(());
    }
    let names = &cells.index[..cells.len().min(N_LOOKED_UP)];
    let turned = map_genes(GeneTable::bundled(), names).counts.coverage() >= 0.5;
    let (reason, hint) = match &genes.suspicion {
        _ if turned => {
            let example = cells.index.first().map_or("", String::as_str);
            let reason = format!(
                ": its cells are named like genes (such as `{example}`), so cells and genes are swapped"
            );
            (reason, "transpose the matrix, so that cells are rows: `adata = adata.T`")
        }
        Some(suspicion) => (format!(": {suspicion}"), suspicion.remedy()),
        None => {
            (String::new(), "name the genes by Ensembl id or symbol in `var`, or lower `--min-gene-coverage`")
        }
    };
    let (known, n_genes, column) = (counts.mapped(), counts.genes, &genes.column);
    Err(UserError::bad_data(format!(
        "`{path}`: {known} of {n_genes} gene names (in `{column}`) are known human genes, expected a share of at least {floor}{reason}"
    ))
    .hint(hint)
    .into())
}

/// What a reader of the report should know: genes of other species beside the human ones, cells of other species.
pub fn notes(genes: &StudyGenes, cells: &Frame) -> Vec<String> {
    let mut notes = Vec::new();
    if let Some(Suspicion::Foreign(species)) = &genes.suspicion {
        let names: Vec<&str> = species.iter().map(|species| species.species).collect();
        notes.push(format!(
            "human and {} genes are mixed: {}; they are left out, but cells that are not human are not: remove them from the input",
            names.join(" and "),
            Suspicion::Foreign(species.clone())
        ));
    }
    for (name, column) in &cells.columns {
        if SPECIES.contains(&name.to_lowercase().as_str()) {
            notes.extend(foreign_cells(name, column));
        }
    }
    notes
}

fn foreign_cells(name: &str, column: &Column) -> Option<String> {
    let mut foreign: BTreeMap<String, usize> = BTreeMap::new();
    for cell in 0..column.len() {
        let Some(value) = column.text(cell) else { continue };
        if !HUMAN.contains(&value.trim().to_lowercase().as_str()) {
            *foreign.entry(value.into_owned()).or_default() += 1;
        }
    }
    if foreign.is_empty() {
        return None;
    }
    let values: Vec<String> = foreign.iter().map(|(value, n)| format!("{n} `{value}`")).collect();
    Some(format!(
        "not all cells are human by their `{name}`: {} of {}; they are kept, since their genes bear human names",
        values.join(", "),
        column.len()
    ))
}
