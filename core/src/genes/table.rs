//! The table itself and the lookup of one name.

use std::collections::HashMap;
use std::sync::OnceLock;

/// Rows of `number, symbol, previous, aliases, flags`, sorted by number.
static BYTES: &[u8] = include_bytes!("../../data/genes.tsv.zst");

/// What a gene makes, coarsely.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Biotype {
    /// A protein.
    ProteinCoding,
    /// A long non-coding RNA.
    LncRna,
    /// An immunoglobulin or T-cell receptor segment.
    ImmuneSegment,
    /// Nothing, or a transcript without product.
    Pseudogene,
    /// Anything else.
    Other,
}

/// A human gene.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TableGene {
    number: u64,
    symbol: &'static str,
    /// What it makes.
    pub biotype: Biotype,
    /// Is it in the 10x GRCh38 2024-A reference?
    pub in_10x_reference: bool,
    /// Does the mitochondrial genome encode it?
    pub mitochondrial: bool,
}

impl TableGene {
    /// `ENSG00000141510`.
    pub fn ensembl_id(&self) -> String {
        format!("ENSG{:011}", self.number)
    }

    /// The approved symbol; the Ensembl id where there is none.
    pub fn symbol(&self) -> String {
        if self.symbol.is_empty() { self.ensembl_id() } else { self.symbol.to_owned() }
    }
}

/// How a name was understood; the number is the gene's position in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// An Ensembl id.
    Ensembl(u32),
    /// An approved symbol.
    Approved(u32),
    /// A symbol that was approved before.
    Previous(u32),
    /// An alias.
    Alias(u32),
    /// A previous symbol or alias of several genes.
    Ambiguous,
    /// No name of a human gene.
    Unknown,
}

impl Match {
    /// Position in the table.
    pub fn gene(self) -> Option<u32> {
        match self {
            Match::Ensembl(gene) | Match::Approved(gene) | Match::Previous(gene) | Match::Alias(gene) => {
                Some(gene)
            }
            Match::Ambiguous | Match::Unknown => None,
        }
    }
}

/// Human genes and all their names.
pub struct GeneTable {
    genes: Vec<TableGene>,
    by_number: HashMap<u64, u32>,
    approved: HashMap<&'static str, u32>,
    previous: HashMap<&'static str, Option<u32>>,
    aliases: HashMap<&'static str, Option<u32>>,
}

impl GeneTable {
    /// The table that is part of this program.
    pub fn bundled() -> &'static Self {
        static TABLE: OnceLock<GeneTable> = OnceLock::new();
        TABLE.get_or_init(|| {
            let bytes = zstd::decode_all(BYTES).expect("the bundled table is whole");
            Self::parse(String::from_utf8(bytes).expect("the bundled table is text").leak())
        })
    }

    fn parse(text: &'static str) -> Self {
        let mut table = Self {
            genes: Vec::new(),
            by_number: HashMap::new(),
            approved: HashMap::new(),
            previous: HashMap::new(),
            aliases: HashMap::new(),
        };
        for line in text.lines() {
            table.add(line);
        }
        table
    }

    fn add(&mut self, line: &'static str) {
        let fields: Vec<&'static str> = line.split('\t').collect();
        let [number, symbol, previous, aliases, flags] = fields[..] else {
            panic!("a row of five fields: {line}")
        };
        let position = self.genes.len() as u32;
        let gene = TableGene {
            number: number.parse().expect("a number"),
            symbol,
            biotype: match flags.as_bytes()[0] {
                b'p' => Biotype::ProteinCoding,
                b'l' => Biotype::LncRna,
                b'i' => Biotype::ImmuneSegment,
                b's' => Biotype::Pseudogene,
                _ => Biotype::Other,
            },
            in_10x_reference: flags.as_bytes()[1] == b'r',
            mitochondrial: flags.as_bytes()[2] == b'm',
        };
        self.by_number.insert(gene.number, position);
        self.genes.push(gene);
        if !symbol.is_empty() {
            // A few symbols stand for several ids: the one references use wins, then the one that makes a protein,
            // then the older id.
            let genes = &self.genes;
            let rank = |at: u32| {
                let gene = &genes[at as usize];
                (!gene.in_10x_reference, gene.biotype != Biotype::ProteinCoding, gene.number)
            };
            let holder = self.approved.entry(symbol).or_insert(position);
            if rank(position) < rank(*holder) {
                *holder = position;
            }
        }
        for (names, map) in [(previous, &mut self.previous), (aliases, &mut self.aliases)] {
            for name in names.split('|').filter(|name| !name.is_empty()) {
                map.entry(name)
                    .and_modify(|gene| *gene = gene.filter(|&gene| gene == position))
                    .or_insert(Some(position));
            }
        }
    }

    /// BLAKE3 of the bundled table, for provenance.
    pub fn digest() -> String {
        blake3::hash(BYTES).to_hex().to_string()
    }

    /// The gene at a position.
    pub fn gene(&self, position: u32) -> &TableGene {
        &self.genes[position as usize]
    }

    /// Number of genes.
    pub fn len(&self) -> usize {
        self.genes.len()
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.genes.is_empty()
    }

    /// What a name means. A genome prefix (`GRCh38_`) and the version of an Ensembl id are stripped.
    pub fn find(&self, name: &str) -> Match {
        let name = strip_genome(name.trim());
        if let Some(number) = ensembl_number(name) {
            return self
                .by_number
                .get(&number)
                .map_or(Match::Unknown, |&gene| Match::Ensembl(self.current(gene)));
        }
        let found = self.find_symbol(name);
        if found != Match::Unknown {
            return found;
        }
        // Tables that passed through an upper-casing tool: C1ORF112 for C1orf112.
        match name.strip_prefix('C').and_then(|rest| rest.split_once("ORF")) {
            Some((chromosome, rest)) => match self.find_symbol(&format!("C{chromosome}orf{rest}")) {
                Match::Approved(gene) | Match::Previous(gene) => Match::Alias(gene),
                found => found,
            },
            None => Match::Unknown,
        }
    }

    /// Where GENCODE gave a gene a new id, the one of the reference: SOD2 by its old id and by symbol is one gene.
    fn current(&self, position: u32) -> u32 {
        let gene = self.gene(position);
        match self.approved.get(gene.symbol) {
            Some(&holder) if !gene.in_10x_reference && self.gene(holder).in_10x_reference => holder,
            _ => position,
        }
    }

    fn find_symbol(&self, name: &str) -> Match {
        if let Some(&gene) = self.approved.get(name) {
            return Match::Approved(gene);
        }
        if let Some(gene) = self.previous.get(name) {
            return gene.map_or(Match::Ambiguous, Match::Previous);
        }
        self.aliases.get(name).map_or(Match::Unknown, |gene| gene.map_or(Match::Ambiguous, Match::Alias))
    }
}

/// `GRCh38_TP53`, `GRCh38______TP53` and Seurat's `GRCh38-TP53` are `TP53`.
pub(super) fn strip_genome(name: &str) -> &str {
    ["GRCh38", "GRCh37", "hg38", "hg19"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix).filter(|rest| rest.starts_with(['_', '-'])))
        .map_or(name, |rest| rest.trim_start_matches(['_', '-']))
}

/// The number of `ENSG00000141510`, `ENSG00000141510.17`, `ENSG00000141510_TP53` or `TP53|ENSG00000141510`.
fn ensembl_number(name: &str) -> Option<u64> {
    let at = name.find("ENSG")?;
    let (before, digits) = (&name[..at], &name[at + 4..]);
    let n_digits = digits.bytes().take_while(u8::is_ascii_digit).count();
    let (digits, after) = digits.split_at(n_digits);
    let after = match after.strip_prefix('.') {
        Some(version) if version.starts_with(|c: char| c.is_ascii_digit()) => {
            version.trim_start_matches(|c: char| c.is_ascii_digit())
        }
        _ => after,
    };
    let separates = |c: char| matches!(c, '_' | '|' | '-' | ':' | ';' | ' ' | '(' | ')');
    let stands_alone = (before.is_empty() || before.ends_with(separates))
        && (after.is_empty() || after.starts_with(separates));
    // The second copies of pseudoautosomal genes (`ENSG00000002586.20_PAR_Y`) are other genes.
    (n_digits == 11 && stands_alone && !after.starts_with("_PAR_Y")).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &str, expected: &str) {
        let table = GeneTable::bundled();
        let found = table.find(name);
        let kind = match found {
            Match::Ensembl(_) => "ensembl",
            Match::Approved(_) => "approved",
            Match::Previous(_) => "previous",
            Match::Alias(_) => "alias",
            Match::Ambiguous => "ambiguous",
            Match::Unknown => "unknown",
        };
        let id = found.gene().map_or_else(String::new, |gene| table.gene(gene).ensembl_id());
        assert_eq!(format!("{kind} {id}").trim(), expected, "{name}");
    }

    #[test]
    fn names_of_every_age_are_found() {
        check("ENSG00000141510", "ensembl ENSG00000141510");
        check("ENSG00000141510.17", "ensembl ENSG00000141510");
        check("TP53", "approved ENSG00000141510");
        check("GRCh38_TP53", "approved ENSG00000141510");
        check("hg19_ENSG00000141510", "ensembl ENSG00000141510");
        check("SEPT2", "previous ENSG00000168385");
        check("SEPTIN2", "approved ENSG00000168385");
        check("MALAT1", "approved ENSG00000251562");
        check("C1orf112", "previous ENSG00000000460");
        check("C1ORF112", "alias ENSG00000000460");
        check("CD20", "previous ENSG00000156738");
        check("LFS1", "alias ENSG00000141510");
        check("SOD2", "approved ENSG00000291237");
        check("ENSG00000112096.19", "ensembl ENSG00000291237");
        check("MATR3", "approved ENSG00000015479");
        check("GRCh38-TP53", "approved ENSG00000141510");
        check("ENSG00000141510_TP53", "ensembl ENSG00000141510");
        check("TP53|ENSG00000141510.17", "ensembl ENSG00000141510");
    }

    #[test]
    fn what_is_no_human_gene_is_not_guessed() {
        for name in [
            "Actb",
            "tp53",
            "ENSMUSG00000029580",
            "ENSG00000999999",
            "ENSG1",
            "mm10_TP53",
            "Gm42418",
            "",
            "ENSG00000002586.20_PAR_Y",
            "XENSG00000141510",
        ] {
            check(name, "unknown");
        }
    }

    #[test]
    fn a_gene_tells_what_it_makes() {
        let table = GeneTable::bundled();
        let biotype = |name| table.gene(table.find(name).gene().unwrap()).biotype;
        assert_eq!(
            ["TP53", "MALAT1", "IGKV1-5", "MT-RNR1"].map(biotype),
            [Biotype::ProteinCoding, Biotype::LncRna, Biotype::ImmuneSegment, Biotype::Other]
        );
    }

    #[test]
    fn thirty_seven_genes_are_mitochondrial() {
        let table = GeneTable::bundled();
        let mitochondrial: Vec<_> = table.genes.iter().filter(|gene| gene.mitochondrial).collect();
        assert_eq!(mitochondrial.len(), 37);
        assert!(mitochondrial.iter().all(|gene| gene.symbol.starts_with("MT-")));
    }
}
