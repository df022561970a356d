//! Gene sets in GMT (MSigDB, Enrichr): a line a set, tab-separated: name, description or address, genes.

use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::genes::GeneTable;
use panfoma_core::stage::UserError;
use std::collections::HashMap;
use std::path::Path;

/// Named sets of gene ids.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GeneSets {
    /// Name and gene ids, ascending, of each set that has any.
    pub sets: Vec<(String, Vec<u32>)>,
    /// Distinct names that mean no gene of the universe.
    pub n_unknown: usize,
}

impl GeneSets {
    /// Reads the file; genes are symbols, of today or of before, or Ensembl ids; those outside `universe` (ascending) are
    /// left out.
    pub fn read(path: &Path, vocabulary: &Vocabulary, universe: &[u32]) -> anyhow::Result<Self> {
        if !path.is_file() {
            return Err(UserError::missing(path).into());
        }
        let bytes = std::fs::read(path)
            .map_err(|error| anyhow::Error::new(error).context(format!("reading `{}`", path.display())))?;
        // Descriptions of old files are Latin-1; genes never are.
        let found = Self::parse(&String::from_utf8_lossy(&bytes), vocabulary, universe)
            .map_err(|line| bad(path, format!("line {line} is no gene set")))?;
        if found.sets.is_empty() {
            return Err(bad(path, "no set has a gene that the cells express".to_owned()).into());
        }
        Ok(found)
    }

    /// Errors: the number of a line with fewer than three fields.
    fn parse(text: &str, vocabulary: &Vocabulary, universe: &[u32]) -> Result<Self, usize> {
        let names = Names::new(vocabulary, universe);
        let mut known: HashMap<&str, Option<u32>> = HashMap::new();
        let mut found = Self::default();
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let is_set = |line: &str| !line.trim().is_empty() && !line.starts_with('#');
        for (line, number) in text.lines().zip(1..).filter(|(line, _)| is_set(line)) {
            let mut fields = line.split('\t').map(str::trim);
            let (Some(name), Some(_), Some(first)) = (fields.next(), fields.next(), fields.next()) else {
                return Err(number);
            };
            // Enrichr writes weights behind a comma.
            let genes = [first].into_iter().chain(fields).map(|gene| gene.split(',').next().unwrap_or(gene));
            let named = genes.filter(|gene| !gene.is_empty());
            let mut genes: Vec<u32> =
                named.filter_map(|gene| *known.entry(gene).or_insert_with(|| names.find(gene))).collect();
            genes.sort_unstable();
            genes.dedup();
            if !genes.is_empty() {
                found.sets.push((name.to_owned(), genes));
            }
        }
        found.n_unknown = known.values().filter(|gene| gene.is_none()).count();
        Ok(found)
    }
}

/// What genes of the universe are called.
struct Names<'a> {
    ids: HashMap<&'a str, u32>,
}

impl<'a> Names<'a> {
    fn new(vocabulary: &'a Vocabulary, universe: &[u32]) -> Self {
        let mut ids: HashMap<&str, u32> = HashMap::new();
        for &id in universe {
            let gene = vocabulary.gene(id).expect("the universe is of the vocabulary");
            ids.insert(&gene.ensembl_id, id);
            // Of two genes of one symbol the first counts.
            ids.entry(&gene.symbol).or_insert(id);
        }
        Self { ids }
    }

    /// By the vocabulary's own names, else by any name the gene table has for one gene alone.
    fn find(&self, name: &str) -> Option<u32> {
        let by_table = || {
            let table = GeneTable::bundled();
            let gene = table.gene(table.find(name).gene()?);
            self.ids.get(gene.ensembl_id().as_str()).copied()
        };
        self.ids.get(name).copied().or_else(by_table)
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

    fn parse(text: &str, genes: &[(&str, &str)], universe: &[u32]) -> Result<GeneSets, usize> {
        let gene = |(id, symbol): &(&str, &str)| Gene {
            ensembl_id: (*id).to_owned(),
            symbol: (*symbol).to_owned(),
            n_cells: 1,
            mean: 0.0,
        };
        GeneSets::parse(text, &Vocabulary::new(genes.iter().map(gene).collect()).unwrap(), universe)
    }

    const MADE_UP: [(&str, &str); 4] = [
        ("ENSG00000000001", "G1"),
        ("ENSG00000000002", "G2"),
        ("ENSG00000000003", "G3"),
        ("ENSG00000000004", "G4"),
    ];

    #[test]
    fn sets_hold_the_genes_of_the_universe_once() {
        let text = "A\tabout A\tG3\tENSG00000000001\tG3\tGAL4\r\nNONE\t\tG4\tGAL4\n\n";
        let found = parse(text, &MADE_UP, &[1, 2, 3]).unwrap();
        assert_eq!(found, GeneSets { sets: vec![("A".into(), vec![1, 3])], n_unknown: 2 });
        assert_eq!(parse("A\tno genes\n", &MADE_UP, &[1]), Err(1));
    }

    /// As Windows' editors, MSigDB, Enrichr and people write them.
    #[test]
    fn marks_comments_addresses_weights_and_empty_fields_do_no_harm() {
        let text = "\u{feff}HALLMARK_A\thttp://www.gsea-msigdb.org/gsea/msigdb/cards/HALLMARK_A\tG1\tG2\t\t\r\n\
                    # a comment\r\nEnrichr set (GO:0006915)\t\tG3,1.0\tG2,0.5\t\r\n";
        let sets = vec![("HALLMARK_A".into(), vec![1, 2]), ("Enrichr set (GO:0006915)".into(), vec![2, 3])];
        assert_eq!(parse(text, &MADE_UP, &[1, 2, 3, 4]), Ok(GeneSets { sets, n_unknown: 0 }));
    }

    /// MSigDB before 2020 has SEPT7 (SEPTIN7) and MLL (KMT2A); Ensembl's files have versions.
    #[test]
    fn former_symbols_and_versions_of_ids_are_understood() {
        let genes =
            [("ENSG00000118058", "KMT2A"), ("ENSG00000122545", "SEPTIN7"), ("ENSG00000141510", "TP53")];
        let found = parse("OLD\t\tSEPT7\tMLL\tENSG00000141510.17\tNOT_A_GENE\n", &genes, &[1, 2, 3]).unwrap();
        assert_eq!(found, GeneSets { sets: vec![("OLD".into(), vec![1, 2, 3])], n_unknown: 1 });
    }
}
