//! The genes that may regulate.

use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::stage::UserError;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;

/// Without a list every gene may regulate, but not of more genes: scores grow with the square.
pub const MAX_WITHOUT_LIST: usize = 2_000;

/// Regulators by gene id.
#[derive(Debug, PartialEq)]
pub struct Regulators {
    /// Ascending.
    pub ids: Vec<u32>,
    /// Names of the list that the vocabulary does not have.
    pub unknown: Vec<String>,
}

/// All genes of a small vocabulary. Errors: a usage error if it is large.
pub fn every_gene(vocabulary: &Vocabulary) -> Result<Regulators, UserError> {
    let n_genes = vocabulary.n_genes();
    if n_genes > MAX_WITHOUT_LIST {
        let message =
            format!("{n_genes} genes could all regulate one another, expected at most {MAX_WITHOUT_LIST}");
        return Err(
            UserError::usage(message).hint("pass a list of transcription factors with `--regulators FILE`")
        );
    }
    Ok(Regulators { ids: (1..=n_genes as u32).collect(), unknown: Vec::new() })
}

/// Reads a list: a symbol or Ensembl id (any version) a line; more columns after a tab or comma are ignored.
pub fn read(path: &Path, vocabulary: &Vocabulary) -> anyhow::Result<Regulators> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow::Error::new(error).context(format!("reading `{}`", path.display())))?;
    let regulators = parse(&text, vocabulary);
    if regulators.ids.is_empty() {
        let message = format!(
            "`{}` names {} genes, none of them in the vocabulary of {}",
            path.display(),
            regulators.unknown.len(),
            vocabulary.n_genes()
        );
        return Err(UserError::bad_data(message).hint("give a symbol or an Ensembl id a line").into());
    }
    Ok(regulators)
}

fn parse(text: &str, vocabulary: &Vocabulary) -> Regulators {
    let mut known: HashMap<&str, Vec<u32>> = HashMap::new();
    for (gene, id) in vocabulary.genes().iter().zip(1..) {
        known.entry(gene.symbol.as_str()).or_default().push(id);
        known.entry(gene.ensembl_id.as_str()).or_default().push(id);
    }
    let mut ids = BTreeSet::new();
    let mut unknown = Vec::new();
    for line in text.lines() {
        let name = line.split(['#', '\t', ',']).next().unwrap_or_default().trim().trim_matches('"');
        let without_version =
            if name.starts_with("ENSG") { name.split('.').next().unwrap_or(name) } else { name };
        match known.get(without_version) {
            _ if name.is_empty() => {}
            Some(found) => ids.extend(found),
            None => unknown.push(name.to_owned()),
        }
    }
    Regulators { ids: ids.into_iter().collect(), unknown }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::artifact::vocabulary::Gene;

    fn vocabulary(n: usize) -> Vocabulary {
        let gene =
            |i| Gene { ensembl_id: format!("ENSG{i:011}"), symbol: format!("TF{i}"), n_cells: 1, mean: 0.0 };
        Vocabulary::new((1..=n).map(gene).collect()).unwrap()
    }

    #[test]
    fn a_list_may_hold_symbols_ids_versions_comments_and_strangers() {
        let text = "# my factors\nTF3\nENSG00000000001.12\n\nTF3\r\nGAL4\nTF2,activator\n";
        let found = parse(text, &vocabulary(3));
        assert_eq!(found, Regulators { ids: vec![1, 2, 3], unknown: vec!["GAL4".into()] });
    }

    #[test]
    fn without_a_list_a_large_vocabulary_is_refused() {
        assert_eq!(every_gene(&vocabulary(3)).unwrap().ids, [1, 2, 3]);
        let error = every_gene(&vocabulary(MAX_WITHOUT_LIST + 1)).unwrap_err();
        assert_eq!(error.kind.exit_code(), 64);
    }
}
