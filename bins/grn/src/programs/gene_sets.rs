//! Gene sets in GMT: a line a set, tab-separated: name, description, genes.

use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::stage::UserError;
use std::collections::HashMap;
use std::path::Path;

/// Named sets of gene ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneSets {
    /// Name and gene ids, ascending, of each set that has any.
    pub sets: Vec<(String, Vec<u32>)>,
    /// Genes named that the universe does not have, counted with repeats.
    pub n_unknown: usize,
}

impl GeneSets {
    /// Reads the file; genes are symbols or Ensembl ids, those outside `universe` (ascending) are left out.
    pub fn read(path: &Path, vocabulary: &Vocabulary, universe: &[u32]) -> anyhow::Result<Self> {
        if !path.is_file() {
            return Err(UserError::missing(path).into());
        }
        let text = std::fs::read_to_string(path)
            .map_err(|error| anyhow::Error::new(error).context(format!("reading `{}`", path.display())))?;
        let found = Self::parse(&text, vocabulary, universe)
            .map_err(|line| bad(path, format!("line {line} is no gene set")))?;
        if found.sets.is_empty() {
            return Err(bad(path, "no set has a gene that the cells express".to_owned()).into());
        }
        Ok(found)
    }

    fn parse(text: &str, vocabulary: &Vocabulary, universe: &[u32]) -> Result<Self, usize> {
        let mut ids: HashMap<&str, u32> = HashMap::new();
        for &id in universe {
            let gene = vocabulary.gene(id).expect("the universe is of the vocabulary");
            ids.insert(&gene.ensembl_id, id);
            // Of two genes of one symbol the first counts.
            ids.entry(&gene.symbol).or_insert(id);
        }
        let mut found = Self::default();
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| !line.trim().is_empty()) {
            let mut fields = line.split('\t').map(str::trim);
            let (Some(name), Some(_), Some(first)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(number);
            };
            let named: Vec<&str> =
                [first].into_iter().chain(fields).filter(|gene| !gene.is_empty()).collect();
            let mut genes: Vec<u32> = named.iter().filter_map(|gene| ids.get(gene).copied()).collect();
            found.n_unknown += named.len() - genes.len();
            genes.sort_unstable();
            genes.dedup();
            if !genes.is_empty() {
                found.sets.push((name.to_owned(), genes));
            }
        }
        Ok(found)
    }
}

fn bad(path: &Path, what: String) -> UserError {
    UserError::bad_data(format!("`{}`: {what}", path.display()))
        .hint("GMT has a set a line, separated by tabs: name, description, symbols or Ensembl ids")
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::artifact::vocabulary::Gene;

    #[test]
    fn sets_hold_the_genes_of_the_universe_once() {
        let gene =
            |i| Gene { ensembl_id: format!("ENSG{i:011}"), symbol: format!("G{i}"), n_cells: 1, mean: 0.0 };
        let vocabulary = Vocabulary::new((1..=4).map(gene).collect()).unwrap();
        let text = "A\tabout A\tG3\tENSG00000000001\tG3\tGAL4\r\nNONE\t\tG4\n\n";
        let found = GeneSets::parse(text, &vocabulary, &[1, 2, 3]).unwrap();
        assert_eq!(found, GeneSets { sets: vec![("A".into(), vec![1, 3])], n_unknown: 2 });
        assert_eq!(GeneSets::parse("A\tno genes\n", &vocabulary, &[1]), Err(1));
    }
}
