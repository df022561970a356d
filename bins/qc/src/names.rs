//! `<output>.genes.tsv`: what became of every gene name of every study.

use crate::Measured;
use crate::genes::{Merged, StudyGenes};
use crate::tsv::plain;
use anyhow::Result;
use panfoma_core::genes::{GeneTable, Match};
use std::collections::HashMap;
use std::io::Write;

/// How a name was understood, as the table says it.
fn class(genes: &StudyGenes, gene: usize) -> &'static str {
    match genes.matches[gene] {
        _ if genes.repeats[gene] => "duplicated",
        Match::Ensembl(_) => "ensembl",
        Match::Approved(_) => "approved",
        Match::Previous(_) => "previous",
        Match::Alias(_) => "alias",
        Match::Ambiguous => "ambiguous",
        Match::Unknown => "unmapped",
    }
}

/// One line of the table.
#[derive(Clone, Copy)]
struct Line<'a> {
    name: &'a str,
    class: &'static str,
    known: Option<u32>,
    cells: u64,
    in_output: bool,
}

/// Writes the table: one line a name of a study, in the order of its inputs; a name that inputs share is one line.
///
/// `cells` counts the cells read that express the gene, before any is removed.
pub fn write(to: &mut dyn Write, studies: &[Measured], merged: &Merged) -> Result<()> {
    writeln!(to, "study\tinput_name\tclass\tensembl_id\tsymbol\tcells\tin_output")?;
    for name in &merged.studies {
        let inputs = studies.iter().zip(&merged.positions).filter(|(input, _)| input.study.name == *name);
        write_study(to, name, inputs)?;
    }
    Ok(())
}

fn write_study<'a>(
    to: &mut dyn Write,
    study: &str,
    inputs: impl Iterator<Item = (&'a Measured, &'a Vec<Option<u32>>)>,
) -> Result<()> {
    let mut lines: Vec<Line<'_>> = Vec::new();
    // A name may stand several times in one input: its nth time there is its nth time everywhere.
    let mut at: HashMap<(&str, &str, usize), usize> = HashMap::new();
    for (input, positions) in inputs {
        let genes = &input.study.genes;
        let mut times: HashMap<(&str, &str), usize> = HashMap::new();
        for (gene, name) in genes.names.iter().enumerate() {
            let class = class(genes, gene);
            let nth = times.entry((name, class)).and_modify(|n| *n += 1).or_insert(0);
            let line = *at.entry((name, class, *nth)).or_insert_with(|| {
                lines.push(Line { name, class, known: genes.known[gene], cells: 0, in_output: false });
                lines.len() - 1
            });
            lines[line].cells += input.metrics.of_genes[gene].n_cells;
            lines[line].in_output |= positions[gene].is_some();
        }
    }
    let table = GeneTable::bundled();
    let study = plain(study);
    for Line { name, class, known, cells, in_output } in lines {
        let gene = known.map(|known| table.gene(known));
        let (id, symbol) = gene.map_or_else(Default::default, |gene| (gene.ensembl_id(), gene.symbol()));
        writeln!(to, "{study}\t{}\t{class}\t{id}\t{symbol}\t{cells}\t{in_output}", plain(name))?;
    }
    Ok(())
}
