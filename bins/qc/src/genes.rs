//! The genes of one study, and their union over all.

use crate::cell::Class;
use panfoma_core::artifact::cells::Gene;
use panfoma_core::genes::{GeneTable, MapCounts, Match, Suspicion, map_genes};
use panfoma_core::matrix::{Column, Frame};
use std::collections::BTreeMap;

/// The genes of an input.
pub struct StudyGenes {
    /// `index` or the `var` column whose names were used.
    pub column: String,
    /// Those names, genome prefixes and all.
    pub names: Vec<String>,
    /// Position in the gene table of each gene, if known.
    pub known: Vec<Option<u32>>,
    /// How each name was understood.
    pub matches: Vec<Match>,
    /// Does an earlier gene have the same id?
    pub repeats: Vec<bool>,
    /// Statistics.
    pub counts: MapCounts,
    /// What the unknown ones look like, if they are many.
    pub suspicion: Option<Suspicion>,
    /// Mitochondrial, or named RPS* or RPL*?
    pub classes: Vec<Class>,
}

impl StudyGenes {
    /// Uses the names, of the index and of all columns that may hold gene names, that cover most genes.
    pub fn map(var: &Frame) -> Self {
        let table = GeneTable::bundled();
        let mut candidates = vec![("index".to_owned(), var.index.clone())];
        for (name, column) in &var.columns {
            let lower = name.to_lowercase();
            let fits =
                ["gene", "ensembl", "symbol", "feature_name", "name"].iter().any(|part| lower.contains(part));
            if let (true, Column::Categorical { .. }) = (fits, column) {
                let names =
                    (0..column.len()).map(|i| column.text(i).unwrap_or_default().into_owned()).collect();
                candidates.push((name.clone(), names));
            }
        }
        let mut mapped: Vec<_> =
            candidates.into_iter().map(|(column, names)| (map_genes(table, &names), column, names)).collect();
        // Distinct genes decide; the index wins a tie, since the sort is stable.
        mapped.sort_by_key(|(map, _, _)| std::cmp::Reverse(map.counts.distinct));
        let (map, column, names) = mapped.swap_remove(0);
        let mut genes = Self {
            column,
            classes: Vec::with_capacity(names.len()),
            names,
            known: map.matches.iter().map(|found| found.gene()).collect(),
            matches: map.matches,
            repeats: map.repeats,
            counts: map.counts,
            suspicion: map.suspicion,
        };
        for (name, known) in genes.names.iter().zip(&genes.known) {
            let gene = known.map(|gene| table.gene(gene));
            // Prefixes are read off the name the input uses, as scanpy's users do, and off the symbol behind an id.
            let symbol = match gene {
                Some(gene) if name.contains("ENSG") => gene.symbol(),
                _ => {
                    name.rsplit_once("__").map_or(name.as_str(), |(_, name)| name).replacen("GRCh38_", "", 1)
                }
            };
            let mt = gene.is_some_and(|gene| gene.mitochondrial) || symbol.starts_with("MT-");
            let ribo = symbol.starts_with("RPS") || symbol.starts_with("RPL");
            genes.classes.push(match (mt, ribo) {
                (true, _) => Class::Mt,
                (_, true) => Class::Ribo,
                _ => Class::Other,
            });
        }
        genes
    }
}

/// A gene of the merged matrix.
pub struct MergedGene {
    /// Ensembl id or `input:NAME`.
    pub id: String,
    /// Approved symbol.
    pub symbol: String,
    /// Names in the inputs, sorted.
    pub input_names: Vec<String>,
    /// Mitochondrial?
    pub mt: bool,
    /// Named RPS* or RPL*?
    pub ribo: bool,
    /// Was it in each study's matrix?
    pub measured: Vec<bool>,
}

impl MergedGene {
    /// The gene as the artifact describes it, seen in `n_cells` cells with `total_counts` in all.
    pub fn described(&self, n_cells: u64, total_counts: f64) -> Gene {
        Gene {
            ensembl_id: self.id.clone(),
            symbol: self.symbol.clone(),
            input_name: self.input_names.join("|"),
            mt: self.mt,
            ribo: self.ribo,
            n_cells_by_counts: n_cells,
            total_counts,
        }
    }
}

/// The union of all studies' genes.
pub struct Merged {
    /// Sorted by id.
    pub genes: Vec<MergedGene>,
    /// For each study, the merged position of each of its genes; `None` if it is left out.
    pub positions: Vec<Vec<Option<u32>>>,
}

impl Merged {
    /// Known genes of all studies, and unknown ones as `input:NAME` if asked for.
    pub fn new(studies: &[&StudyGenes], keep_unmapped: bool) -> Self {
        let table = GeneTable::bundled();
        let id = |study: &StudyGenes, gene: usize| match study.known[gene] {
            Some(known) => Some(table.gene(known).ensembl_id()),
            None => keep_unmapped.then(|| format!("input:{}", study.names[gene])),
        };
        let mut merged: BTreeMap<String, MergedGene> = BTreeMap::new();
        for (number, study) in studies.iter().enumerate() {
            for gene in 0..study.names.len() {
                let Some(id) = id(study, gene) else { continue };
                let symbol = study.known[gene]
                    .map_or_else(|| study.names[gene].clone(), |known| table.gene(known).symbol());
                let entry = merged.entry(id.clone()).or_insert_with(|| MergedGene {
                    id,
                    symbol,
                    input_names: Vec::new(),
                    mt: false,
                    ribo: false,
                    measured: vec![false; studies.len()],
                });
                entry.measured[number] = true;
                entry.mt |= study.classes[gene] == Class::Mt;
                entry.ribo |= study.classes[gene] == Class::Ribo;
                if !entry.input_names.contains(&study.names[gene]) {
                    entry.input_names.push(study.names[gene].clone());
                    entry.input_names.sort();
                }
            }
        }
        let order: BTreeMap<&str, u32> = merged.keys().map(String::as_str).zip(0..).collect();
        let positions = studies
            .iter()
            .map(|study| {
                (0..study.names.len()).map(|gene| id(study, gene).map(|id| order[id.as_str()])).collect()
            })
            .collect();
        Self { genes: merged.into_values().collect(), positions }
    }

    /// Drops the genes for which `keep` is false.
    pub fn retain(&mut self, keep: &[bool]) {
        let mut next = 0;
        let renumbered: Vec<Option<u32>> = keep
            .iter()
            .map(|&keep| {
                keep.then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        let mut keep = keep.iter();
        self.genes.retain(|_| *keep.next().unwrap_or(&false));
        for position in self.positions.iter_mut().flatten() {
            *position = position.and_then(|at| renumbered[at as usize]);
        }
    }
}
