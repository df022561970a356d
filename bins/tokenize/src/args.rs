//! The flags of `panfoma-tokenize`.

use crate::held_out::HeldOut;
use clap::ValueHint;
use clap::builder::{PossibleValuesParser, TypedValueParser as _};
use panfoma_core::artifact::Shard;
use panfoma_core::artifact::tokens::Binning;
use panfoma_core::stage::UserError;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::str::FromStr;

/// The flags as given.
#[derive(clap::Args, Clone, Debug, Serialize)]
pub struct Args {
    /// Cells to tokenize: a `cells.zarr` of panfoma-qc, or several, joined in this order (not with `--merge`)
    #[arg(
        short,
        long,
        value_name = "CELLS.ZARR",
        num_args = 1..,
        value_hint = ValueHint::DirPath,
        help_heading = "Files"
    )]
    #[serde(skip)]
    pub input: Vec<PathBuf>,

    /// Directory to write: Parquet parts, vocabulary, panels, index; with `--fit-only` the vocabulary file
    #[arg(short, long, value_name = "TOKENS", value_hint = ValueHint::AnyPath, help_heading = "Files")]
    #[serde(skip)]
    pub output: PathBuf,

    /// Column whose groups stay together, and the fractions train,valid,test; `cell` draws each cell alone
    /// (scores on such a split flatter every method)
    #[arg(long, value_name = "COLUMN:F,F,F", default_value = "patient:0.8,0.1,0.1", help_heading = "Split")]
    pub split: SplitSpec,

    /// Groups of the split's column that test, by name, such as a study or patients; the others are drawn among train and
    /// valid by their fractions
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help_heading = "Split")]
    pub test_groups: Vec<String>,

    /// Groups of the split's column that validate, by name
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help_heading = "Split")]
    pub valid_groups: Vec<String>,

    /// Apportion the groups within each level of this label (a group counts for the level most of its cells have)
    #[arg(long, value_name = "LABEL", help_heading = "Split")]
    pub stratify: Option<String>,

    /// Tokenize the I-th of N equal parts of the cells only, as one job of an array; `--merge` joins them. The split and
    /// the genes are those of all cells, so without `--vocabulary` each shard reads the whole input to choose genes
    #[arg(long, value_name = "I/N", help_heading = "Shards")]
    #[serde(skip)]
    pub shard: Option<Shard>,

    /// Join these shards, in any order, to the tokens that a run without `--shard` writes, byte for byte
    #[arg(
        long,
        value_name = "SHARD",
        num_args = 1..,
        value_hint = ValueHint::DirPath,
        conflicts_with_all = [
            "input", "shard", "fit_only", "split", "stratify", "labels", "groups", "modalities", "vocabulary", "n_top_genes",
            "min_cells", "min_gene_coverage", "n_bins", "binning"
        ],
        help_heading = "Shards"
    )]
    #[serde(skip)]
    pub merge: Vec<PathBuf>,

    /// Choose the genes (and fit what the binning needs) by the training cells, write them to `--output` as a vocabulary
    /// file, and stop: every shard is then given it by `--vocabulary`, with the same `--split`, `--stratify` and `--seed`
    /// (else genes would be chosen by cells that a shard holds out)
    #[arg(long, conflicts_with_all = ["shard", "vocabulary"], help_heading = "Shards")]
    #[serde(skip)]
    pub fit_only: bool,

    /// Columns to carry as labels [default: every text column of at most 1000 levels that is no group column]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Columns")]
    pub labels: Option<Vec<String>>,

    /// Columns to carry as groups [default: study, sample and patient, as far as they are there, and the split's]
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',', help_heading = "Columns")]
    pub groups: Option<Vec<String>>,

    /// Modalities to carry beside genes, e.g. protein,atac; `none` for genes only [default: all there are]
    #[arg(long, value_name = "NAME,…", value_delimiter = ',', help_heading = "Columns")]
    pub modalities: Option<Vec<String>>,

    /// Use the genes of a model, of other tokens or of a vocabulary file instead of choosing them here
    #[arg(
        long,
        value_name = "PATH",
        value_hint = ValueHint::AnyPath,
        conflicts_with_all = ["n_top_genes", "min_cells"],
        help_heading = "Genes"
    )]
    #[serde(skip)]
    pub vocabulary: Option<PathBuf>,

    /// Keep the N most variable genes of the training cells only. The score: in each study the dispersion
    /// (variance / mean of counts per 10,000), log, standardised among genes of like mean (20 bins; Seurat's rule);
    /// then averaged over all studies with weight sqrt(training cells), where a study that did not measure the gene
    /// counts as 0, so genes measured in many studies come first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Genes")]
    pub n_top_genes: Option<u32>,

    /// Keep genes that at least N training cells express [default: 3]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Genes")]
    pub min_cells: Option<u32>,

    /// With `--vocabulary`: refuse an input that shares fewer of its genes with it than this (a fraction of the
    /// smaller of the two)
    #[arg(long, value_name = "F", default_value_t = 0.1, help_heading = "Genes")]
    pub min_gene_coverage: f64,

    /// Number of expression bins, the zero bin included
    #[arg(
        long,
        value_name = "N",
        default_value_t = 51,
        value_parser = clap::value_parser!(u16).range(3..=256),
        help_heading = "Bins"
    )]
    pub n_bins: u16,

    /// How a cell's non-zero counts of vocabulary genes become bins
    ///
    /// quantile: by rank, ties share a bin.
    /// scgpt: scGPT's, where ties are spread over the bins they span; drawn by (seed, cell id, gene), so neither
    /// order nor shards nor threads change a bin.
    /// scgpt-midpoint: the middle of those bins, without draws.
    /// rank: by rank of the count over the gene's median (Geneformer's order; the medians are fitted to training cells
    /// and stored with the vocabulary); the column `ranks` is written too
    #[arg(
        long,
        value_name = "RULE",
        default_value = "quantile",
        value_parser = PossibleValuesParser::new(Binning::ALL.map(Binning::name))
            .map(|name| name.parse::<Binning>().expect("a possible value")),
        help_heading = "Bins"
    )]
    pub binning: Binning,
}

/// `--split`: what stays together, and how much goes where.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SplitSpec {
    /// A column of obs, or `cell`.
    pub by: String,
    /// Train, valid, test; they sum to 1.
    pub fractions: [f64; 3],
}

impl FromStr for SplitSpec {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        // The column's name may hold colons itself.
        let (by, numbers) =
            text.rsplit_once(':').ok_or("expected COLUMN:TRAIN,VALID,TEST, e.g. patient:0.8,0.1,0.1")?;
        let parsed: Option<Vec<f64>> = numbers.split(',').map(|number| number.trim().parse().ok()).collect();
        let fractions: [f64; 3] = parsed
            .and_then(|numbers| numbers.try_into().ok())
            .ok_or_else(|| format!("`{numbers}` is not three numbers with commas"))?;
        if by.is_empty() {
            return Err("no column before the colon".to_owned());
        }
        if !fractions.iter().all(|fraction| (0.0..=1.0).contains(fraction)) {
            return Err(format!("`{numbers}`: each fraction must lie in 0 to 1"));
        }
        let sum: f64 = fractions.iter().sum();
        if (sum - 1.0).abs() > 1e-6 {
            return Err(format!("`{numbers}` sums to {sum}, expected 1"));
        }
        Ok(Self { by: by.to_owned(), fractions })
    }
}

/// Where the genes come from.
#[derive(Clone, Debug, PartialEq)]
pub enum GeneSource {
    /// From an artifact made earlier.
    Given {
        /// A model, tokens or a vocabulary file.
        path: PathBuf,
        /// The least share of genes in common.
        min_coverage: f64,
    },
    /// Chosen by the training cells.
    Fitted {
        /// Cells that must express a gene.
        min_cells: u32,
        /// How many of the most variable genes; `None` keeps all.
        n_top_genes: Option<u32>,
    },
}

/// The flags, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// Each a `cells.zarr`.
    pub inputs: Vec<PathBuf>,
    /// `tokens/`.
    pub output: PathBuf,
    /// How cells are divided.
    pub split: SplitSpec,
    /// Groups held out by name.
    pub held_out: HeldOut,
    /// Label within whose levels groups are apportioned.
    pub stratify: Option<String>,
    /// Labels asked for.
    pub labels: Option<Vec<String>>,
    /// Group columns asked for.
    pub groups: Option<Vec<String>>,
    /// Modalities asked for.
    pub modalities: Option<Vec<String>>,
    /// Where the genes come from.
    pub genes: GeneSource,
    /// Number of bins.
    pub n_bins: u16,
    /// How counts become bins.
    pub binning: Binning,
    /// Which part of the cells; `None` for all.
    pub shard: Option<Shard>,
    /// Write the vocabulary only.
    pub fit_only: bool,
}

impl Args {
    /// Errors: flags that cannot hold together.
    pub fn config(self) -> Result<Config, UserError> {
        if !(0.0..=1.0).contains(&self.min_gene_coverage) {
            let found = self.min_gene_coverage;
            return Err(UserError::usage(format!("`--min-gene-coverage` is {found}, expected 0 to 1")));
        }
        if self.vocabulary.is_none() && self.split.fractions[0] == 0.0 {
            return Err(UserError::usage("no training cells to choose genes by: the first fraction is 0")
                .hint("pass `--vocabulary MODEL` to tokenize cells for a model that is already trained"));
        }
        let held_out = HeldOut { valid: self.valid_groups, test: self.test_groups };
        if self.split.by == "cell" && !held_out.is_empty() {
            return Err(UserError::usage("`--split cell` has no groups to hold out by name")
                .hint("name the groups' column, such as `--split study:0.9,0.1,0`"));
        }
        let genes = match self.vocabulary {
            Some(path) => GeneSource::Given { path, min_coverage: self.min_gene_coverage },
            None => {
                GeneSource::Fitted { min_cells: self.min_cells.unwrap_or(3), n_top_genes: self.n_top_genes }
            }
        };
        if self.input.is_empty() {
            return Err(UserError::usage("no `--input`")
                .hint("name a cells.zarr of panfoma-qc, or the shards to `--merge`"));
        }
        Ok(Config {
            inputs: self.input,
            output: self.output,
            split: self.split,
            held_out,
            stratify: self.stratify,
            labels: self.labels.map(distinct),
            groups: self.groups.map(distinct),
            modalities: self.modalities,
            genes,
            n_bins: self.n_bins,
            binning: self.binning,
            shard: self.shard,
            fit_only: self.fit_only,
        })
    }
}

/// Each name once, where it stands first.
fn distinct(names: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    names.into_iter().filter(|name| seen.insert(name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_is_a_column_and_three_fractions_of_one() {
        let check = |text: &str, expected: Result<(&str, [f64; 3]), &str>| match (
            text.parse::<SplitSpec>(),
            expected,
        ) {
            (Ok(found), Ok((by, fractions))) => {
                assert_eq!((found.by.as_str(), found.fractions), (by, fractions))
            }
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{found}"),
            (found, _) => panic!("`{text}` gave {found:?}"),
        };
        check("patient:0.8,0.1,0.1", Ok(("patient", [0.8, 0.1, 0.1])));
        check("a:b:0,0,1", Ok(("a:b", [0.0, 0.0, 1.0])));
        check("patient", Err("expected COLUMN:TRAIN,VALID,TEST"));
        check("patient:0.8,0.2", Err("not three numbers"));
        check("patient:0.8,0.1,x", Err("not three numbers"));
        check("patient:0.8,0.1,0.2", Err("sums to 1.1"));
        check("patient:1.2,-0.1,-0.1", Err("must lie in 0 to 1"));
        check("patient:NaN,0.5,0.5", Err("must lie in 0 to 1"));
        check(":1,0,0", Err("no column"));
    }
}
