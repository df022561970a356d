//! All the gene names of a matrix to Ensembl ids.

use super::species::{Suspicion, suspicion};
use super::table::{GeneTable, Match};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// How each name was understood.
    pub matches: Vec<Match>,
    /// Does an earlier gene of the matrix have the same id? Its counts are added to that one's.
    pub repeats: Vec<bool>,
    /// Statistics.
    pub counts: MapCounts,
    /// What the other names look like, if they are many.
    pub suspicion: Option<Suspicion>,
}

/// Looks up every name; the order is that of `names`.
///
/// A name of no gene that is another name of the matrix with a number behind it (`TBCE-1` beside `TBCE`, as AnnData and
/// Seurat make names unique) repeats that gene.
pub fn map_genes<S: AsRef<str>>(table: &GeneTable, names: &[S]) -> GeneMap {
    let mut matches: Vec<Match> = names.iter().map(|name| table.find(name.as_ref())).collect();
    find_numbered(names, &mut matches);
    resolve_collisions(&mut matches);
    let mut counts = MapCounts { genes: names.len(), ..MapCounts::default() };
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut repeats = vec![false; names.len()];
    for (found, repeats) in matches.iter().zip(&mut repeats) {
        match found {
            Match::Ensembl(_) => counts.ensembl += 1,
            Match::Approved(_) => counts.approved += 1,
            Match::Previous(_) => counts.previous += 1,
            Match::Alias(_) => counts.alias += 1,
            Match::Ambiguous => counts.ambiguous += 1,
            Match::Unknown => counts.unmapped += 1,
        }
        *repeats = found.gene().is_some_and(|gene| !seen.insert(gene));
    }
    counts.distinct = seen.len();
    counts.duplicated = counts.mapped() - seen.len();
    let suspicion = suspicion(table, names, &matches);
    GeneMap { matches, repeats, counts, suspicion }
}

fn find_numbered<S: AsRef<str>>(names: &[S], matches: &mut [Match]) {
    if !matches.contains(&Match::Unknown) {
        return;
    }
    let known: HashMap<&str, Match> = names.iter().map(AsRef::as_ref).zip(matches.iter().copied()).collect();
    for (name, found) in names.iter().zip(matches.iter_mut()).filter(|(_, found)| **found == Match::Unknown) {
        let Some((base, number)) = name.as_ref().rsplit_once(['-', '.']) else { continue };
        let numbered = (1..=3).contains(&number.len()) && number.bytes().all(|byte| byte.is_ascii_digit());
        if let (true, Some(&base)) = (numbered, known.get(base)) {
            *found = base;
        }
    }
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
        assert_eq!((map.matches[0], map.counts.ambiguous, map.counts.approved), (Match::Ambiguous, 1, 1));
    }

    #[test]
    fn names_that_were_made_unique_repeat_their_gene() {
        let map =
            map_genes(GeneTable::bundled(), &["TP53", "TP53-1", "TP53.2", "MIR1302-2", "EGFR-1", "HLA-A"]);
        assert_eq!(map.repeats, [false, true, true, false, false, false]);
        // Without `EGFR` beside it `EGFR-1` is no gene; `HLA-A` and `MIR1302-2` are names of their own.
        assert_eq!((map.matches[4], map.counts.duplicated, map.counts.unmapped), (Match::Unknown, 2, 1));
    }
}
