//! The genes of the cohort: real names, invented rates.

use super::programs::{HOUSEKEEPING, PROGRAMS};
use super::random::{Purpose, log_normal};
use panfoma_core::genes::{Biotype, GeneTable, Match};
use panfoma_core::rng::{Philox, name_hash};
use std::collections::BTreeMap;

/// Rates do not depend on the cohort's seed: GAPDH is high in every cohort.
const SEED_OF_RATES: u64 = 0x6765_6e65;

/// Blocks of genes whose copies change together, as many as there are autosomes. The gene table has no positions, so a
/// block is a fixed random set of genes and not a chromosome.
pub const N_BLOCKS: usize = 22;

/// What a gene is for in the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Encoded by the mitochondrion.
    Mitochondrial,
    /// A protein of the ribosome.
    Ribosomal,
    /// High in every cell.
    Housekeeping,
    /// A transcription factor of the network.
    Regulator,
    /// A gene that a program is known by.
    Marker,
    /// Any other protein-coding gene.
    Ordinary,
}

/// One gene of the universe.
#[derive(Clone, Debug)]
pub struct Gene {
    /// `ENSG00000141510`.
    pub ensembl_id: String,
    /// Approved symbol.
    pub symbol: String,
    /// What it is for.
    pub role: Role,
    /// Its program in `PROGRAMS`, of regulators and markers.
    pub program: Option<usize>,
    /// Genes of one block gain and lose copies together; none for the mitochondrion's.
    pub block: Option<usize>,
    /// Natural logarithm of its rate in a cell that neither drives nor represses it.
    pub log_rate: f64,
    /// Of its negative binomial.
    pub dispersion: f64,
}

impl Gene {
    /// Stream of the gene.
    pub fn key(&self) -> u64 {
        name_hash(&self.ensembl_id)
    }
}

/// All named genes of the programs, housekeeping, ribosomal and mitochondrial ones, filled up to `n_genes` with
/// protein-coding genes of the 10x reference chosen by the hash of their Ensembl id; ordered by Ensembl id.
pub fn universe(n_genes: usize) -> anyhow::Result<Vec<Gene>> {
    let table = GeneTable::bundled();
    let mut named: BTreeMap<&str, (Role, Option<usize>)> = BTreeMap::new();
    for (program, genes) in PROGRAMS.iter().enumerate() {
        named.extend(genes.regulators.iter().map(|&name| (name, (Role::Regulator, Some(program)))));
        named.extend(genes.markers.iter().map(|&name| (name, (Role::Marker, Some(program)))));
    }
    named.extend(HOUSEKEEPING.iter().map(|&name| (name, (Role::Housekeeping, None))));
    let (mut chosen, mut others) = (Vec::new(), Vec::new());
    for position in 0..table.len() as u32 {
        let known = table.gene(position);
        let symbol = known.symbol();
        // A symbol that stands for several ids names one of them.
        if !known.in_10x_reference || table.find(&symbol) != Match::Approved(position) {
            continue;
        }
        let role = match named.remove(symbol.as_str()) {
            Some(role) => role,
            None if known.biotype != Biotype::ProteinCoding => continue,
            None if known.mitochondrial => (Role::Mitochondrial, None),
            None if is_ribosomal_protein(&symbol) => (Role::Ribosomal, None),
            None => (Role::Ordinary, None),
        };
        let genes = if role.0 == Role::Ordinary { &mut others } else { &mut chosen };
        genes.push(gene(known.ensembl_id(), symbol, role));
    }
    anyhow::ensure!(named.is_empty(), "not in the gene table: {:?}", named.keys().collect::<Vec<_>>());
    others.sort_by_key(Gene::key);
    others.truncate(n_genes.saturating_sub(chosen.len()));
    chosen.extend(others);
    chosen.sort_by(|a, b| a.ensembl_id.cmp(&b.ensembl_id));
    Ok(chosen)
}

fn gene(ensembl_id: String, symbol: String, (role, program): (Role, Option<usize>)) -> Gene {
    let key = name_hash(&ensembl_id);
    let mut draws = Philox::new(SEED_OF_RATES).stream(key, Purpose::Gene as u32);
    let (location, scale) = match role {
        // Only their shares of one another count: the cell sets their sum.
        Role::Mitochondrial => (0.0, 0.6),
        Role::Ribosomal => (4.3, 0.5),
        Role::Housekeeping => (4.0, 0.8),
        Role::Regulator => (1.3, 0.4),
        Role::Marker => (1.2, 0.6),
        Role::Ordinary => (0.0, 1.5),
    };
    let log_rate = location + scale * draws.normal();
    let dispersion = log_normal(&mut draws, libm::log(0.25), 0.4).clamp(0.05, 1.5);
    let block = (role != Role::Mitochondrial).then_some((key % N_BLOCKS as u64) as usize);
    Gene { ensembl_id, symbol, role, program, block, log_rate, dispersion }
}

/// RPL and RPS and a digit, without the kinases (RPS6K...), fusions and testis copies.
fn is_ribosomal_protein(symbol: &str) -> bool {
    let number = symbol.strip_prefix("RPL").or_else(|| symbol.strip_prefix("RPS"));
    number.is_some_and(|n| {
        let digits = n.trim_end_matches(['A', 'X']);
        !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())
    })
}
