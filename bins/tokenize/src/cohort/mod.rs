//! Several `cells.zarr` as one: their cells one after another, their genes, studies, columns and modalities united.

mod columns;

use anyhow::Result;
use panfoma_core::artifact::cells::{Cells, CellsModality, CountsReader, Gene, ObsColumn};
use panfoma_core::matrix::{Column, Rows};
use panfoma_core::stage::UserError;
use std::collections::HashMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

/// The opened inputs. With one of them everything is as that one says.
pub struct Cohort {
    parts: Vec<Part>,
    genes: Vec<Gene>,
    studies: Vec<String>,
    /// [genes × studies]
    measured: Vec<bool>,
    columns: Vec<ObsColumn>,
    modalities: Vec<CellsModality>,
}

/// One input, and where it stands among all.
struct Part {
    cells: Cells,
    /// Of its first cell.
    start: usize,
    /// Number of each of its genes among all genes.
    genes: Vec<u32>,
    /// Its number of each modality, if it has that one, and the number of each of its features among all.
    modalities: Vec<Option<(usize, Vec<u32>)>>,
}

impl Part {
    fn range(&self) -> Range<usize> {
        self.start..self.start + self.cells.n_cells()
    }
}

impl Cohort {
    /// Opens and unites them, in this order. A gene is measured in a study if any input of the study measured it.
    ///
    /// Errors: those of [`Cells::open`].
    pub fn open(paths: &[PathBuf]) -> Result<Self> {
        let inputs = paths.iter().map(|path| Cells::open(path)).collect::<Result<Vec<_>>>()?;
        let genes = united(inputs.iter().map(|cells| cells.genes()), |gene| gene.ensembl_id.as_str());
        let studies = united(inputs.iter().map(|cells| cells.studies()), |study| study.as_str());
        let modalities = unite_modalities(&inputs);
        let columns = columns::unite(&inputs);
        let mut measured = vec![false; genes.len() * studies.len()];
        let gene_places = numbered(genes.iter().map(|gene| gene.ensembl_id.as_str()));
        let study_places = numbered(studies.iter().map(String::as_str));
        let feature_places: Vec<_> =
            modalities.iter().map(|all| numbered(all.features.iter().map(String::as_str))).collect();
        let mut parts = Vec::with_capacity(inputs.len());
        let mut start = 0;
        for cells in inputs {
            let of_genes: Vec<u32> =
                cells.genes().iter().map(|gene| gene_places[gene.ensembl_id.as_str()]).collect();
            let of_studies = places(cells.studies(), &study_places);
            for (gene, &place) in of_genes.iter().enumerate() {
                for (study, &column) in of_studies.iter().enumerate() {
                    measured[place as usize * studies.len() + column as usize] |= cells.measured(gene, study);
                }
            }
            let of_modalities = modalities.iter().zip(&feature_places).map(|(all, all_features)| {
                let at = cells.modalities().iter().position(|own| own.name == all.name)?;
                let features = &cells.modalities()[at].features;
                Some((at, places(features, all_features)))
            });
            let modalities = of_modalities.collect();
            let n_cells = cells.n_cells();
            parts.push(Part { cells, start, genes: of_genes, modalities });
            start += n_cells;
        }
        drop((gene_places, study_places, feature_places));
        Ok(Self { parts, genes, studies, measured, columns, modalities })
    }

    /// Where the inputs were opened.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.parts.iter().map(|part| part.cells.path())
    }

    /// The inputs, for a message.
    pub fn names(&self) -> String {
        let names: Vec<String> = self.paths().map(|path| format!("`{}`", path.display())).collect();
        match names.as_slice() {
            [few @ .., last] if names.len() <= 3 && !few.is_empty() => {
                format!("{} and {last}", few.join(", "))
            }
            [first, _, ..] => format!("{first} and {} more inputs", names.len() - 1),
            _ => names.concat(),
        }
    }

    /// Number of cells.
    pub fn n_cells(&self) -> usize {
        self.parts.last().map_or(0, |part| part.range().end)
    }

    /// Number of stored counts.
    pub fn n_values(&self) -> usize {
        self.parts.iter().map(|part| part.cells.n_values()).sum()
    }

    /// Number of stored counts of these cells.
    pub fn n_values_of(&self, cells: Range<usize>) -> usize {
        self.overlapping(cells).map(|(part, own)| part.cells.n_values_of(own)).sum()
    }

    /// The columns of the counts.
    pub fn genes(&self) -> &[Gene] {
        &self.genes
    }

    /// The studies, in the order of [`Cohort::measured`].
    pub fn studies(&self) -> &[String] {
        &self.studies
    }

    /// Was this gene in a matrix of that study?
    pub fn measured(&self, gene: usize, study: usize) -> bool {
        self.measured[gene * self.studies.len() + study]
    }

    /// The columns of obs; one that differs in kind between inputs, or is not in all of them, holds texts.
    pub fn obs_columns(&self) -> &[ObsColumn] {
        &self.columns
    }

    /// Ids of these cells.
    pub fn cell_ids(&self, cells: Range<usize>) -> Result<Vec<String>> {
        let mut ids = Vec::with_capacity(cells.len());
        for (part, own) in self.overlapping(cells) {
            ids.extend(part.cells.cell_ids(own)?);
        }
        Ok(ids)
    }

    /// Values of an obs column for all cells; missing for those of an input without it.
    ///
    /// Errors: 65 naming the columns there are, if no input has such a column.
    pub fn obs(&self, name: &str) -> Result<Column> {
        if let [only] = self.parts.as_slice() {
            return only.cells.obs(name);
        }
        let Some(column) = self.columns.iter().find(|column| column.name == name) else {
            let there: Vec<String> = self.columns.iter().map(|column| format!("`{}`", column.name)).collect();
            return Err(UserError::bad_data(format!("{} have no obs column `{name}`", self.names()))
                .hint(format!("the columns are {}", there.join(", ")))
                .into());
        };
        let has = |part: &Part| part.cells.obs_columns().iter().any(|own| own.name == name);
        let own = |part: &Part| has(part).then(|| part.cells.obs(name)).transpose();
        let columns = self.parts.iter().map(own).collect::<Result<Vec<_>>>()?;
        Ok(columns::joined(&columns, column.kind, &self.parts))
    }

    /// Something to read blocks of cells with, one after another.
    pub fn counts(&self) -> CohortCounts<'_> {
        CohortCounts { cohort: self, readers: self.parts.iter().map(|part| part.cells.counts()).collect() }
    }

    /// What was measured beside genes.
    pub fn modalities(&self) -> &[CellsModality] {
        &self.modalities
    }

    /// Counts of these cells in one of [`Cohort::modalities`]; cells without it have no entries.
    pub fn read_modality(&self, modality: usize, cells: Range<usize>) -> Result<Rows> {
        let mut pieces = Vec::new();
        for (part, own) in self.overlapping(cells) {
            pieces.push(match &part.modalities[modality] {
                Some((at, places)) => placed(part.cells.read_modality(*at, own)?, places),
                None => Rows { indptr: vec![0; own.len() + 1], ..Rows::default() },
            });
        }
        Ok(stacked(pieces))
    }

    /// The inputs that hold these cells, and which of their own cells those are.
    fn overlapping(&self, cells: Range<usize>) -> impl Iterator<Item = (&Part, Range<usize>)> {
        self.parts.iter().filter_map(move |part| own_cells(part, &cells).map(|own| (part, own)))
    }
}

fn own_cells(part: &Part, cells: &Range<usize>) -> Option<Range<usize>> {
    let all = part.range();
    let (start, end) = (cells.start.max(all.start), cells.end.min(all.end));
    (start < end).then(|| start - part.start..end - part.start)
}

/// Reads blocks of cells of all inputs.
pub struct CohortCounts<'a> {
    cohort: &'a Cohort,
    readers: Vec<CountsReader<'a>>,
}

impl CohortCounts<'_> {
    /// Counts of these cells; columns are [`Cohort::genes`].
    ///
    /// Errors: those of [`Cells::read_rows`].
    pub fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let mut pieces = Vec::new();
        for (part, reader) in self.cohort.parts.iter().zip(&mut self.readers) {
            if let Some(own) = own_cells(part, &cells) {
                pieces.push(placed(reader.read(own)?, &part.genes));
            }
        }
        Ok(stacked(pieces))
    }
}

/// The rows with each column's number among all.
fn placed(mut rows: Rows, places: &[u32]) -> Rows {
    if places.iter().zip(0..).any(|(&place, own)| place != own) {
        rows.indices.iter_mut().for_each(|column| *column = places[*column as usize]);
    }
    rows
}

fn stacked(mut pieces: Vec<Rows>) -> Rows {
    if pieces.len() == 1 {
        return pieces.remove(0);
    }
    let mut whole = Rows::default();
    for piece in pieces {
        let before = whole.data.len();
        whole.indptr.extend(piece.indptr[1..].iter().map(|end| before + end));
        whole.indices.extend(piece.indices);
        whole.data.extend(piece.data);
    }
    whole
}

/// Each of one name once, in the order of their first appearance.
fn united<'a, T: Clone + 'a>(lists: impl Iterator<Item = &'a [T]>, name: impl Fn(&T) -> &str) -> Vec<T> {
    let mut seen = std::collections::HashSet::new();
    let mut all = Vec::new();
    for item in lists.flatten() {
        if seen.insert(name(item).to_owned()) {
            all.push(item.clone());
        }
    }
    all
}

fn places(names: &[String], all: &HashMap<&str, u32>) -> Vec<u32> {
    names.iter().map(|name| all[name.as_str()]).collect()
}

fn numbered<'a>(names: impl Iterator<Item = &'a str>) -> HashMap<&'a str, u32> {
    names.zip(0..).collect()
}

fn unite_modalities(inputs: &[Cells]) -> Vec<CellsModality> {
    let names = united(inputs.iter().map(|cells| cells.modalities()), |modality| modality.name.as_str());
    let mut modalities: Vec<CellsModality> = names
        .into_iter()
        .map(|CellsModality { name, .. }| {
            let own = inputs.iter().flat_map(|cells| cells.modalities()).filter(|own| own.name == name);
            let features = united(own.map(|own| own.features.as_slice()), String::as_str);
            CellsModality { name, features }
        })
        .collect();
    modalities.sort_by(|a, b| a.name.cmp(&b.name));
    modalities
}
