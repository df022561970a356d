//! All the gene names of a matrix to Ensembl ids.

use super::table::{GeneTable, Match, strip_genome};
use serde::Serialize;
use std::collections::BTreeMap;

/// How many of a matrix's genes were understood, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MapCounts {
    /// Genes of the matrix.
    pub genes: usize,
    /// By Ensembl id.
    pub ensembl: usize,
    /// By approved symbol.
    pub approved: usize,
    /// By a previous symbol.
    pub previous: usize,
    /// By an alias.
    pub alias: usize,
    /// Names that several genes have had, or that would collide with a better-named gene of the matrix.
    pub ambiguous: usize,
    /// Names of no human gene.
    pub unmapped: usize,
    /// Mapped genes whose counts are added to those of another with the same id.
    pub duplicated: usize,
    /// Distinct Ensembl ids.
    pub distinct: usize,
}

impl MapCounts {
    /// Genes that were understood.
    pub fn mapped(&self) -> usize {
        self.ensembl + self.approved + self.previous + self.alias
    }

    /// Share of the genes that were understood; 0 for no genes.
    pub fn coverage(&self) -> f64 {
        if self.genes == 0 { 0.0 } else { self.mapped() as f64 / self.genes as f64 }
    }
}

/// What each gene of a matrix is.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneMap {
    /// Position in the table of each gene, if understood.
    pub genes: Vec<Option<u32>>,
    /// Statistics.
    pub counts: MapCounts,
    /// Does it look like another species, or like human symbols in another case? With an example.
    pub suspicion: Option<String>,
}

/// Looks up every name; the order is that of `names`.
pub fn map_genes<S: AsRef<str>>(table: &GeneTable, names: &[S]) -> GeneMap {
    let mut matches: Vec<Match> = names.iter().map(|name| table.find(name.as_ref())).collect();
    resolve_collisions(&mut matches);
    let mut counts = MapCounts { genes: names.len(), ..MapCounts::default() };
    let mut seen: BTreeMap<u32, usize> = BTreeMap::new();
    for found in &matches {
        match found {
            Match::Ensembl(_) => counts.ensembl += 1,
            Match::Approved(_) => counts.approved += 1,
            Match::Previous(_) => counts.previous += 1,
            Match::Alias(_) => counts.alias += 1,
            Match::Ambiguous => counts.ambiguous += 1,
            Match::Unknown => counts.unmapped += 1,
        }
        if let Some(gene) = found.gene() {
            *seen.entry(gene).or_default() += 1;
        }
    }
    counts.distinct = seen.len();
    counts.duplicated = counts.mapped() - seen.len();
    let suspicion = suspicion(table, names, &counts);
    GeneMap { genes: matches.into_iter().map(Match::gene).collect(), counts, suspicion }
}

/// A matrix that has a gene under its present name as well as under an old name or alias means two genes by them: the
/// old name or alias is left out. Equals are added up.
fn resolve_collisions(matches: &mut [Match]) {
    let rank = |found: &Match| match found {
        Match::Ensembl(_) | Match::Approved(_) => 0,
        Match::Previous(_) => 1,
        Match::Alias(_) => 2,
        Match::Ambiguous | Match::Unknown => 3,
    };
    let mut best: BTreeMap<u32, u8> = BTreeMap::new();
    for found in matches.iter() {
        if let Some(gene) = found.gene() {
            let held = best.entry(gene).or_insert(3);
            *held = (*held).min(rank(found));
        }
    }
    for found in matches.iter_mut() {
        if found.gene().is_some_and(|gene| rank(found) > best[&gene]) {
            *found = Match::Ambiguous;
        }
    }
}

/// Why few names were understood.
fn suspicion<S: AsRef<str>>(table: &GeneTable, names: &[S], counts: &MapCounts) -> Option<String> {
    let names = || names.iter().map(|name| strip_genome(name.as_ref()));
    if let Some(name) = names().find(|name| name.starts_with("ENS") && !name.starts_with("ENSG0")) {
        let species = if name.starts_with("ENSMUSG") { "mouse" } else { "another species" };
        return Some(format!("`{name}` is an Ensembl id of {species}"));
    }
    let other_case =
        |name: &&str| table.find(name) == Match::Unknown && table.find(&name.to_uppercase()).gene().is_some();
    let n = names().filter(other_case).count();
    if n * 2 <= counts.unmapped || n == 0 {
        return None;
    }
    let example = names().find(other_case)?;
    Some(format!(
        "{n} names are human symbols but for their case, such as `{example}` for `{}`: mouse genes look like this",
        example.to_uppercase()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(names: &[&str]) -> MapCounts {
        map_genes(GeneTable::bundled(), names).counts
    }

    #[test]
    fn every_name_falls_into_one_class() {
        let counts = counts(&["TP53", "ENSG00000146648", "SEPT2", "T245", "no gene", "TP53"]);
        let expected = MapCounts {
            genes: 6,
            ensembl: 1,
            approved: 2,
            previous: 1,
            alias: 1,
            ambiguous: 0,
            unmapped: 1,
            duplicated: 1,
            distinct: 4,
        };
        assert_eq!(counts, expected);
    }

    #[test]
    fn an_alias_beside_the_gene_itself_is_left_out() {
        let map = map_genes(GeneTable::bundled(), &["LFS1", "TP53"]);
        assert_eq!((map.genes[0], map.counts.ambiguous, map.counts.approved), (None, 1, 1));
    }

    #[test]
    fn mouse_genes_are_suspected() {
        for names in [["Actb", "Gapdh", "Cd3e"], ["ENSMUSG00000029580", "Gapdh", "Xist"]] {
            let suspicion = map_genes(GeneTable::bundled(), &names).suspicion.unwrap();
            assert!(suspicion.contains("mouse"), "{suspicion}");
        }
        assert_eq!(map_genes(GeneTable::bundled(), &["ACTB", "AP000000.99"]).suspicion, None);
    }
}
