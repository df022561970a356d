//! What gene names look like that are not human: another species, numbers, barcodes.

use super::table::{GeneTable, Match, strip_genome};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Species by the letters between `ENS` and `G` of their stable ids (Ensembl's list of prefixes).
const ENSEMBL: [(&str, &str); 25] = [
    ("MUS", "mouse"),
    ("RNO", "rat"),
    ("DAR", "zebrafish"),
    ("MMU", "rhesus macaque"),
    ("MFA", "crab-eating macaque"),
    ("PTR", "chimpanzee"),
    ("PPA", "bonobo"),
    ("GGO", "gorilla"),
    ("PPY", "orangutan"),
    ("CJA", "marmoset"),
    ("MIC", "mouse lemur"),
    ("SSC", "pig"),
    ("BTA", "cow"),
    ("OAR", "sheep"),
    ("ECA", "horse"),
    ("CAF", "dog"),
    ("FCA", "cat"),
    ("OCU", "rabbit"),
    ("CPO", "guinea pig"),
    ("MAU", "golden hamster"),
    ("CGR", "Chinese hamster"),
    ("HGL", "naked mole-rat"),
    ("MOD", "opossum"),
    ("GAL", "chicken"),
    ("XET", "clawed frog"),
];

/// Species by other beginnings: references of mixed-species experiments, databases of model organisms.
const PREFIXES: [(&str, &str); 13] = [
    ("mm10_", "mouse"),
    ("mm10-", "mouse"),
    ("mm39_", "mouse"),
    ("mm9_", "mouse"),
    ("GRCm38_", "mouse"),
    ("GRCm39_", "mouse"),
    ("MGP_", "mouse"),
    ("rn6_", "rat"),
    ("rn7_", "rat"),
    ("mRatBN7", "rat"),
    ("dm6_", "fruit fly"),
    ("FBgn", "fruit fly"),
    ("WBGene", "C. elegans"),
];

/// Share of the genes from which a suspicion is one.
const NOTICEABLE: f64 = 0.05;

/// Genes of a species that is not human.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Foreign {
    /// The species' English name.
    pub species: &'static str,
    /// Number of genes.
    pub genes: usize,
    /// The first of them.
    pub example: String,
}

/// What the names that are not understood look like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Suspicion {
    /// Genes of other species, the most frequent first.
    Foreign(Vec<Foreign>),
    /// Human symbols in lower case.
    LowerCase {
        /// Number of genes.
        genes: usize,
        /// The first of them.
        example: String,
    },
    /// Numbers: the index of a table, not its names.
    Numbers {
        /// The first of them.
        example: String,
    },
    /// Cell barcodes: the matrix lies the other way round.
    Barcodes {
        /// The first of them.
        example: String,
    },
}

impl Suspicion {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Suspicion::Foreign(_) => {
                "keep the human cells and genes of a mixed experiment; map genes of another species to human orthologs first"
            }
            Suspicion::LowerCase { .. } => {
                "if the cells are human, restore the symbols (`adata.var_names = adata.var_names.str.upper()`); if they are not, map the genes to human orthologs first"
            }
            Suspicion::Numbers { .. } => {
                "give the genes their names: `adata.var_names = adata.var[\"gene_name\"]`, or whichever column holds Ensembl ids or symbols"
            }
            Suspicion::Barcodes { .. } => "transpose the matrix, so that cells are rows: `adata = adata.T`",
        }
    }
}

impl fmt::Display for Suspicion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Suspicion::Foreign(species) => {
                for (i, Foreign { species, genes, example }) in species.iter().enumerate() {
                    let comma = if i > 0 { ", " } else { "" };
                    let such = if *genes == 1 { "" } else { "such as " };
                    let verb = if *genes == 1 { "is a name" } else { "are names" };
                    write!(f, "{comma}{genes} {verb} of {species} ({such}`{example}`)")?;
                }
                Ok(())
            }
            Suspicion::LowerCase { genes, example } => {
                write!(f, "{genes} are human symbols in lower case, or zebrafish's (such as `{example}`)")
            }
            Suspicion::Numbers { example } => write!(f, "the names are numbers (such as `{example}`)"),
            Suspicion::Barcodes { example } => {
                write!(f, "the names are barcodes (such as `{example}`): genes and cells are swapped")
            }
        }
    }
}

/// What `names` look like that were not understood, if they are many; `matches` is how each was understood.
pub(super) fn suspicion<S: AsRef<str>>(
    table: &GeneTable,
    names: &[S],
    matches: &[Match],
) -> Option<Suspicion> {
    let many = |n: usize| n > 0 && n as f64 >= names.len() as f64 * NOTICEABLE;
    let most = |n: usize| n * 2 > names.len();
    let unknown = || {
        names
            .iter()
            .zip(matches)
            .filter(|(_, found)| **found == Match::Unknown)
            .map(|(name, _)| name.as_ref())
    };
    let first = |is: fn(&str) -> bool| unknown().find(|name| is(name)).unwrap_or_default().to_owned();
    if most(unknown().filter(|name| is_number(name)).count()) {
        return Some(Suspicion::Numbers { example: first(is_number) });
    }
    if most(unknown().filter(|name| is_barcode(name)).count()) {
        return Some(Suspicion::Barcodes { example: first(is_barcode) });
    }
    let mut foreign: BTreeMap<&'static str, Foreign> = BTreeMap::new();
    let mut lower: (usize, &str) = (0, "");
    for name in unknown() {
        let is_human = |upper: &str| table.find(upper).gene().is_some();
        if let Some(species) = species_of(name).or_else(|| is_mouse_symbol(name, is_human).then_some("mouse"))
        {
            let entry = foreign.entry(species).or_insert_with(|| Foreign {
                species,
                genes: 0,
                example: name.to_owned(),
            });
            entry.genes += 1;
        } else if !name.contains(|c: char| c.is_ascii_uppercase()) && is_human(&name.to_ascii_uppercase()) {
            lower = (lower.0 + 1, if lower.0 == 0 { name } else { lower.1 });
        }
    }
    let mut foreign: Vec<Foreign> = foreign.into_values().filter(|species| many(species.genes)).collect();
    foreign.sort_by_key(|species| std::cmp::Reverse(species.genes));
    match foreign.is_empty() {
        false => Some(Suspicion::Foreign(foreign)),
        true => many(lower.0).then(|| Suspicion::LowerCase { genes: lower.0, example: lower.1.to_owned() }),
    }
}

/// The species whose stable id or reference a name bears; `None` for human and for names of no such form.
fn species_of(name: &str) -> Option<&'static str> {
    if let Some((_, species)) = PREFIXES.iter().find(|(prefix, _)| name.starts_with(prefix)) {
        return Some(species);
    }
    let id = strip_genome(name).strip_prefix("ENS")?;
    let letters = id.bytes().take_while(u8::is_ascii_uppercase).count();
    let digits = id[letters..].bytes().take_while(u8::is_ascii_digit).count();
    let species = id[..letters].strip_suffix('G').filter(|species| !species.is_empty() && digits == 11)?;
    Some(ENSEMBL.iter().find(|(code, _)| *code == species).map_or("another species", |(_, name)| name))
}

/// `Actb`, `mt-Nd1`, `Gm42418`, `1700001C02Rik`: the Mouse Genome Informatics' style; rat symbols look the same.
fn is_mouse_symbol(name: &str, is_human: impl Fn(&str) -> bool) -> bool {
    let numbered = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    if name.strip_prefix("Gm").is_some_and(numbered) || name.ends_with("Rik") {
        return true;
    }
    let titled = name.strip_prefix("mt-").unwrap_or(name).as_bytes();
    let title = titled.first().is_some_and(u8::is_ascii_uppercase)
        && titled[1..].iter().any(u8::is_ascii_lowercase)
        && !titled[1..].iter().any(u8::is_ascii_uppercase);
    title && is_human(&name.to_ascii_uppercase())
}

fn is_number(name: &str) -> bool {
    name.parse::<f64>().is_ok()
}

/// `AAACCTGAGCATCATC-1`.
fn is_barcode(name: &str) -> bool {
    let bases = name.split(['-', '_', '.']).max_by_key(|part| part.len()).unwrap_or_default();
    bases.len() >= 10 && bases.bytes().all(|base| b"ACGTN".contains(&base))
}

#[cfg(test)]
mod tests {
    use super::super::map_genes;
    use super::*;

    fn check(names: &[&str], expected: &str) {
        let found = map_genes(GeneTable::bundled(), names).suspicion;
        assert_eq!(found.map(|suspicion| suspicion.to_string()).unwrap_or_default(), expected, "{names:?}");
    }

    #[test]
    fn species_are_named() {
        check(&["Actb", "Gapdh", "mt-Nd1", "Gm42418"], "4 are names of mouse (such as `Actb`)");
        check(&["ENSMUSG00000029580.14", "Gapdh"], "2 are names of mouse (such as `ENSMUSG00000029580.14`)");
        check(
            &["ENSDARG00000003732", "ENSDARG00000003733"],
            "2 are names of zebrafish (such as `ENSDARG00000003732`)",
        );
        check(&["ENSXYZG00000003732"], "1 is a name of another species (`ENSXYZG00000003732`)");
        check(
            &["GRCh38_TP53", "mm10___Trp53", "mm10___TP53"],
            "2 are names of mouse (such as `mm10___Trp53`)",
        );
        check(
            &["FBgn0000003", "rn6_Actb", "rn6_Alb"],
            "2 are names of rat (such as `rn6_Actb`), 1 is a name of fruit fly (`FBgn0000003`)",
        );
    }

    #[test]
    fn what_are_no_names_is_recognised() {
        check(&["actb", "gapdh"], "2 are human symbols in lower case, or zebrafish's (such as `actb`)");
        check(&["0", "1", "2"], "the names are numbers (such as `0`)");
        check(
            &["AAACCTGAGCATCATC-1", "AAACCTGAGCATCATG-1"],
            "the names are barcodes (such as `AAACCTGAGCATCATC-1`): genes and cells are swapped",
        );
    }

    #[test]
    fn human_names_raise_no_suspicion() {
        check(
            &["ACTB", "AP000000.99", "ENSG00000141510.17", "C1orf112", "MT-ND1", "ENST00000000233", "GAGA"],
            "",
        );
        // One in thirty is noise.
        let mut names = vec!["Gapdh".to_owned()];
        names.extend((1..30).map(|i| format!("ENSG{i:011}")));
        assert_eq!(map_genes(GeneTable::bundled(), &names).suspicion, None);
    }
}
