//! MuData: an AnnData a modality. RNA is the matrix, the others are its modalities, joined by the names of cells.

use super::file::File;
use super::{dataframe, h5ad};
use crate::matrix::counts::Counts;
use crate::matrix::modality::{self, FEATURE_TYPES, Modality};
use crate::matrix::{Frame, Matrix, Rows, Source};
use crate::stage::UserError;
use anyhow::Result;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Names of the modality of genes, best first.
const RNA: [&str; 6] = ["rna", "gex", "gene expression", "gene_expression", "expression", "transcriptome"];
/// What `feature_types` calls genes.
const GENES: &str = "gene expression";

/// Opens the matrix of genes; `wanted` names one of RNA's own matrices.
///
/// Errors: 65 if no modality is RNA.
pub(super) fn open(file: &Arc<File>, wanted: Option<&Source>) -> Result<Matrix> {
    let names = file.names("mod")?;
    let rna = find_rna(file, &names)?;
    let mut matrix = h5ad::open(file, &format!("mod/{rna}/"), wanted)?;
    let of_genes = Positions::of(&matrix.cells.index);
    join_obs(file, &rna, &mut matrix)?;
    for name in names.iter().filter(|name| **name != rna) {
        match h5ad::open_features(file, &format!("mod/{name}/"))? {
            Ok(features) => add(name, features, &of_genes, &mut matrix),
            Err(reason) => leave_out(&mut matrix, name, reason),
        }
    }
    Ok(matrix)
}

fn find_rna(file: &File, names: &[String]) -> Result<String> {
    let named = |wanted: &str| names.iter().find(|name| name.to_lowercase() == wanted);
    if let Some(name) = RNA.iter().find_map(|wanted| named(wanted)) {
        return Ok(name.clone());
    }
    for name in names {
        let genes = dataframe::read(file, &format!("mod/{name}/var"), &format!("mod/{name}/uns"))?;
        let typed = genes.column(FEATURE_TYPES).or_else(|| genes.column("feature_type"));
        let is_gene =
            |i| typed.and_then(|kinds| kinds.text(i)).is_some_and(|kind| kind.to_lowercase() == GENES);
        if (0..genes.len()).any(is_gene) {
            return Ok(name.clone());
        }
    }
    let found = match names {
        [] => "none".to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let message = format!("`{}` holds no RNA: its modalities are {found}", file.path.display());
    Err(UserError::bad_data(message)
        .hint("name the modality of gene counts `rna` and write the file again")
        .into())
}

/// Where each name stands, if no name repeats.
struct Positions(Option<HashMap<String, u32>>);

impl Positions {
    fn of(names: &[String]) -> Self {
        let positions: HashMap<String, u32> = names.iter().cloned().zip(0..).collect();
        Self((positions.len() == names.len()).then_some(positions))
    }
}

/// Adds the columns that the MuData keeps for all its modalities.
fn join_obs(file: &File, rna: &str, matrix: &mut Matrix) -> Result<()> {
    if !file.has("obs")? {
        return Ok(());
    }
    let path = file.path.display();
    let shared = dataframe::read(file, "obs", "uns")?;
    let Positions(Some(positions)) = Positions::of(&shared.index) else {
        tracing::warn!("`{path}`: names repeat in `obs`, so its columns are not joined to those of `{rna}`");
        return Ok(());
    };
    let found: Option<Vec<usize>> =
        matrix.cells.index.iter().map(|name| positions.get(name).map(|&at| at as usize)).collect();
    let Some(found) = found else {
        tracing::warn!("`{path}`: `obs` lacks cells of `{rna}`, so its columns are not joined");
        return Ok(());
    };
    let absent = shared.len().saturating_sub(found.len());
    if absent > 0 {
        tracing::info!("`{path}`: {absent} of {} cells have no RNA and are left out", shared.len());
    }
    for (name, column) in &shared.columns {
        // MuData copies a modality's columns with its name in front.
        let own = name.strip_prefix(&format!("{rna}:")).unwrap_or(name);
        if matrix.cells.column(own).is_none() && matrix.cells.column(name).is_none() {
            matrix.cells.columns.push((own.to_owned(), column.select(&found)));
        }
    }
    matrix.cells.skipped.extend(shared.skipped);
    Ok(())
}

/// Joins a modality to the cells of the matrix.
fn add(name: &str, features: Matrix, of_genes: &Positions, matrix: &mut Matrix) {
    let called = modality::name_of(name);
    if matrix.modalities.iter().any(|modality| modality.name == called) {
        return leave_out(matrix, name, format!("there is another `{called}`"));
    }
    let rows = rows_of(&matrix.cells, &features.cells, of_genes);
    let Some(rows) = rows else {
        return leave_out(matrix, name, "names of cells repeat, so it cannot be joined to RNA".to_owned());
    };
    let absent = rows.iter().filter(|row| row.is_none()).count();
    if absent > 0 {
        tracing::info!(
            "`{}`: {absent} of {} cells were not measured by `{name}`",
            matrix.path.display(),
            rows.len()
        );
    }
    let in_order = rows.len() == features.cells.len() && (0..).zip(&rows).all(|(i, row)| *row == Some(i));
    let counts: Box<dyn Counts> =
        if in_order { features.counts } else { Box::new(Joined { counts: features.counts, rows }) };
    matrix.modalities.push(Modality::new(name, features.genes, counts));
}

/// Of each cell its row in the modality; `None` if names repeat.
fn rows_of(cells: &Frame, measured: &Frame, of_genes: &Positions) -> Option<Vec<Option<u32>>> {
    if cells.index == measured.index {
        return Some((0..cells.len() as u32).map(Some).collect());
    }
    let (Positions(Some(_)), Positions(Some(rows))) = (of_genes, Positions::of(&measured.index)) else {
        return None;
    };
    Some(cells.index.iter().map(|name| rows.get(name).copied()).collect())
}

fn leave_out(matrix: &mut Matrix, name: &str, reason: String) {
    tracing::warn!("`{}`: the modality `{name}` is left out: {reason}", matrix.path.display());
    matrix.dropped_modalities.push((name.to_owned(), reason));
}

/// Counts whose rows stand in another order, or lack cells.
struct Joined {
    counts: Box<dyn Counts>,
    /// Of each cell its row.
    rows: Vec<Option<u32>>,
}

impl Counts for Joined {
    fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
        let wanted = &self.rows[cells];
        // Rows are read as the file stores them, in runs, and then dealt out.
        let mut order: Vec<usize> = (0..wanted.len()).filter(|&cell| wanted[cell].is_some()).collect();
        order.sort_by_key(|&cell| wanted[cell]);
        let mut read = Rows::default();
        for run in order.chunk_by(|&a, &b| wanted[a].map(|row| row + 1) == wanted[b]) {
            let Some(start) = wanted[run[0]] else { continue };
            let rows = self.counts.read(start as usize..start as usize + run.len())?;
            for row in 0..rows.len() {
                let (indices, data) = rows.row(row);
                read.push(indices.iter().copied().zip(data.iter().copied()));
            }
        }
        let mut place = vec![None; wanted.len()];
        order.iter().enumerate().for_each(|(at, &cell)| place[cell] = Some(at));
        let mut rows = Rows::default();
        for at in place {
            let (indices, data) = at.map_or((&[][..], &[][..]), |at| read.row(at));
            rows.push(indices.iter().copied().zip(data.iter().copied()));
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Row `i` holds the count `i + 1` in column 0; row 2 holds nothing.
    struct Numbered(Vec<Range<usize>>);

    impl Counts for Numbered {
        fn read(&mut self, cells: Range<usize>) -> Result<Rows> {
            self.0.push(cells.clone());
            let mut rows = Rows::default();
            cells.for_each(|cell| rows.push((cell != 2).then_some((0, cell as f32 + 1.0))));
            Ok(rows)
        }
    }

    #[test]
    fn rows_are_joined_in_the_order_of_the_cells() {
        let rows = vec![Some(3), None, Some(0), Some(1), Some(2), Some(4)];
        let mut joined = Joined { counts: Box::new(Numbered(Vec::new())), rows };
        let read = joined.read(0..6).unwrap();
        let values: Vec<&[f32]> = (0..6).map(|cell| read.row(cell).1).collect();
        assert_eq!(values, [&[4.0][..], &[], &[1.0], &[2.0], &[], &[5.0]]);
        let read = joined.read(1..3).unwrap();
        assert_eq!((read.row(0).1, read.row(1).1), (&[][..], &[1.0][..]));
    }
}
