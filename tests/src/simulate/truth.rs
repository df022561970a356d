//! What is true of the cohort, beside it.
//!
//! `truth/network.csv` (`Gene1,Gene2,Type`, BEELINE's reference network, and the weight) · `truth/regulators.txt` (a
//! symbol a line) · `truth/programs.gmt` (regulators and markers of each program) · `truth/cells.tsv` (what every droplet holds) · `truth/genes.tsv` · `truth/parameters.json`.

use super::Parameters;
use super::cells::{Cell, Quality, cancer_type};
use super::design::{CELL_TYPES, Design, MALIGNANT};
use super::gene_list::Gene;
use super::network::Network;
use super::programs::{PROGRAMS, Program};
use panfoma_core::artifact::atomic;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Writes the directory.
pub fn write(
    directory: &Path,
    parameters: &Parameters,
    design: &Design,
    genes: &[Gene],
    network: &Network,
    cells: &[Cell],
) -> anyhow::Result<()> {
    fs::create_dir(directory)?;
    let regulators: Vec<&str> = network.regulators.iter().map(|&gene| genes[gene].symbol.as_str()).collect();
    fs::write(directory.join("regulators.txt"), regulators.join("\n") + "\n")?;
    fs::write(directory.join("network.csv"), network_csv(genes, network)?)?;
    fs::write(directory.join("programs.gmt"), programs_gmt(genes))?;
    fs::write(directory.join("cells.tsv"), cells_tsv(design, cells)?)?;
    fs::write(directory.join("genes.tsv"), genes_tsv(genes)?)?;
    atomic::write_json(&directory.join("parameters.json"), parameters)?;
    Ok(())
}

fn network_csv(genes: &[Gene], network: &Network) -> anyhow::Result<String> {
    let mut text = String::from("Gene1,Gene2,Type,Weight\n");
    for edge in &network.edges {
        let (regulator, target) = (&genes[network.regulators[edge.regulator]], &genes[edge.target]);
        let sign = if edge.weight > 0.0 { '+' } else { '-' };
        writeln!(text, "{},{},{sign},{:.4}", regulator.symbol, target.symbol, edge.weight)?;
    }
    Ok(text)
}

fn programs_gmt(genes: &[Gene]) -> String {
    let line = |(at, program): (usize, &Program)| {
        let members = genes.iter().filter(|gene| gene.program == Some(at));
        let symbols: Vec<&str> = members.map(|gene| gene.symbol.as_str()).collect();
        format!("{}\tsimulated\t{}\n", program.name, symbols.join("\t"))
    };
    PROGRAMS.iter().enumerate().map(line).collect()
}

fn cells_tsv(design: &Design, cells: &[Cell]) -> anyhow::Result<String> {
    let mut text = String::from(
        "cell_id\tstudy\tpatient\tsample\tbatch\tcancer_type\tcell_type\tmalignant\tquality\tpartner\ttotal_counts\n",
    );
    for cell in cells {
        let study = &design.studies[cell.study];
        let sample = &study.samples[cell.sample];
        let quality = match cell.quality {
            Quality::Good => "good",
            Quality::Damaged => "damaged",
            Quality::Doublet => "doublet",
        };
        writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{quality}\t{}\t{}",
            cell.id,
            study.name,
            sample.patient,
            sample.name,
            sample.batch + 1,
            cancer_type(sample),
            CELL_TYPES[cell.cell_type].name,
            cell.cell_type == MALIGNANT,
            cell.partner.map_or("", |partner| CELL_TYPES[partner].name),
            cell.total
        )?;
    }
    Ok(text)
}

fn genes_tsv(genes: &[Gene]) -> anyhow::Result<String> {
    let mut text = String::from("ensembl_id\tsymbol\trole\tprogram\n");
    for gene in genes {
        let program = gene.program.map_or("", |program| PROGRAMS[program].name);
        writeln!(text, "{}\t{}\t{:?}\t{program}", gene.ensembl_id, gene.symbol, gene.role)?;
    }
    Ok(text)
}
