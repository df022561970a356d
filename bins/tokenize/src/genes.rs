//! The vocabulary: chosen by the training cells, or given.

use crate::annotations::Annotations;
use crate::args::{Config, GeneSource};
use crate::cohort::Cohort;
use crate::dispersion;
use crate::medians::Medians;
use crate::statistics::Statistics;
use anyhow::{Context as _, Result};
use panfoma_core::artifact::tokens::{Binning, Panel};
use panfoma_core::artifact::vocabulary::{Gene, Vocabulary};
use panfoma_core::data::binning::Rule;
use panfoma_core::stage::{Context, UserError};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::Path;

/// The vocabulary and what the input's genes are in it.
pub struct Genes {
    /// The genes.
    pub vocabulary: Vocabulary,
    /// Vocabulary id of each gene of the input, 0 if it is outside.
    pub ids: Vec<u32>,
    /// How the genes were chosen, for people.
    pub selection: String,
}

impl Genes {
    /// Chooses genes by the training cells (reads the counts once), or takes those that are given.
    pub fn choose(
        cells: &Cohort,
        of_cells: &Annotations,
        config: &Config,
        context: &Context,
    ) -> Result<Self> {
        let (vocabulary, selection) = match &config.genes {
            GeneSource::Given { path, .. } => (Vocabulary::open(path)?, "given by `--vocabulary`".to_owned()),
            GeneSource::Fitted { min_cells, n_top_genes } => {
                let mut medians =
                    (config.binning == Binning::Rank).then(|| Medians::new(cells.genes().len()));
                let by_study = n_top_genes.is_some();
                let statistics = Statistics::gather(cells, of_cells, by_study, medians.as_mut(), context)?;
                let vocabulary = fit(cells, of_cells, &statistics, *min_cells, *n_top_genes)?;
                (with_medians(vocabulary, cells, medians)?, describe(*min_cells, *n_top_genes))
            }
        };
        let known = vocabulary.ids();
        let ids = cells
            .genes()
            .iter()
            .map(|gene| known.get(gene.ensembl_id.as_str()).copied().unwrap_or(0))
            .collect();
        Ok(Self { vocabulary, ids, selection })
    }

    /// Genes of the input outside the vocabulary.
    pub fn n_outside(&self) -> usize {
        self.ids.iter().filter(|&&id| id == 0).count()
    }

    /// The vocabulary genes each study measured.
    pub fn panels(&self, cells: &Cohort) -> Vec<Panel> {
        let panel = |(study, name): (usize, &String)| {
            let measured =
                (0..self.ids.len()).filter(|&gene| self.ids[gene] > 0 && cells.measured(gene, study));
            let mut gene_ids: Vec<u32> = measured.map(|gene| self.ids[gene]).collect();
            gene_ids.sort_unstable();
            Panel { study: name.clone(), gene_ids }
        };
        cells.studies().iter().enumerate().map(panel).collect()
    }
}

fn describe(min_cells: u32, n_top_genes: Option<u32>) -> String {
    let expressed = format!("expressed in at least {min_cells} training cells");
    match n_top_genes {
        None => format!("every gene {expressed}"),
        Some(n) => format!(
            "the {n} genes of largest normalised dispersion (counts per 10,000, 20 bins of the mean, averaged over \
             studies with weight sqrt(training cells), 0 where not measured) among those {expressed}"
        ),
    }
}

/// The genes that enough training cells express, or the most variable of them; in the order of their Ensembl ids.
fn fit(
    cells: &Cohort,
    of_cells: &Annotations,
    statistics: &Statistics,
    min_cells: u32,
    n_top_genes: Option<u32>,
) -> Result<Vocabulary, UserError> {
    let n_genes = cells.genes().len();
    let sums: Vec<_> = (0..n_genes).map(|gene| statistics.over_studies(gene)).collect();
    let mut chosen: Vec<usize> =
        (0..n_genes).filter(|&gene| sums[gene].n_expressing >= f64::from(min_cells)).collect();
    if chosen.is_empty() {
        let n_train = (0..cells.n_cells()).filter(|&cell| of_cells.trains(cell)).count();
        let what = format!("no gene is expressed in {min_cells} of the {n_train} training cells");
        return Err(
            UserError::bad_data(what).hint("lower `--min-cells`, or give training more cells by `--split`")
        );
    }
    if let Some(n) = n_top_genes.map(|n| n as usize).filter(|&n| n < chosen.len()) {
        let scores =
            dispersion::scores(statistics, n_genes, |gene, panel| cells.measured(gene, panel.into()));
        // Equal scores in the order of the ids, so that the input's order decides nothing.
        let id = |gene: usize| &cells.genes()[gene].ensembl_id;
        chosen.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]).then_with(|| id(a).cmp(id(b))));
        chosen.truncate(n);
    }
    let mut n_train = vec![0u64; cells.studies().len()];
    (0..cells.n_cells())
        .filter(|&cell| of_cells.trains(cell))
        .for_each(|cell| n_train[usize::from(of_cells.panels[cell])] += 1);
    let genes = chosen.into_iter().map(|gene| {
        let n_measured: u64 =
            (0..n_train.len()).filter(|&study| cells.measured(gene, study)).map(|study| n_train[study]).sum();
        Gene {
            ensembl_id: cells.genes()[gene].ensembl_id.clone(),
            symbol: cells.genes()[gene].symbol.clone(),
            n_cells: sums[gene].n_expressing as u64,
            mean: (sums[gene].sum_of_logs / n_measured.max(1) as f64) as f32,
        }
    });
    let mut genes: Vec<Gene> = genes.collect();
    genes.sort_by(|a, b| a.ensembl_id.cmp(&b.ensembl_id));
    Vocabulary::new(genes)
}

/// The vocabulary with the medians of its genes, if they were gathered.
fn with_medians(
    vocabulary: Vocabulary,
    cells: &Cohort,
    medians: Option<Medians>,
) -> Result<Vocabulary, UserError> {
    let Some(medians) = medians else { return Ok(vocabulary) };
    let by_id: HashMap<&str, usize> =
        cells.genes().iter().zip(0..).map(|(gene, index)| (gene.ensembl_id.as_str(), index)).collect();
    // A training cell expresses every gene that was chosen.
    let median = |gene: &Gene| medians.of(by_id[gene.ensembl_id.as_str()]).unwrap_or_default();
    let medians = vocabulary.genes().iter().map(median).collect();
    vocabulary.with_medians(medians)
}

/// Refuses a given vocabulary that does not fit, before any work: too few genes in common, other bins than those of the
/// model or the tokens it belongs to, no medians for `rank`.
pub fn refuse_unfit(cells: &Cohort, config: &Config) -> Result<()> {
    let GeneSource::Given { path, min_coverage } = &config.genes else { return Ok(()) };
    let vocabulary = Vocabulary::open(path)?;
    refuse_little_coverage(cells, &vocabulary, *min_coverage)?;
    let made_with = |what: String, flag: &str, ours: &str, theirs: &str| {
        let what = format!("`{}` was made with {what}, `{flag}` is {ours}", path.display());
        Err(UserError::usage(what).hint(format!("pass `{flag} {theirs}`")).into())
    };
    match bins_of(path)? {
        Some((n_bins, _)) if n_bins != config.n_bins => {
            return made_with(
                format!("{n_bins} bins"),
                "--n-bins",
                &config.n_bins.to_string(),
                &n_bins.to_string(),
            );
        }
        Some((_, binning)) if binning != config.binning => {
            return made_with(
                format!("the binning `{binning}`"),
                "--binning",
                config.binning.name(),
                binning.name(),
            );
        }
        _ => {}
    }
    let rule = Rule::new(config.binning, config.n_bins, 0, &vocabulary);
    Ok(rule.map(drop).map_err(|error| UserError {
        message: format!("`{}`: {}", path.display(), error.message),
        ..error
    })?)
}

/// Number of bins and binning of the model or the tokens that a vocabulary belongs to, if it stands in their directory.
fn bins_of(path: &Path) -> Result<Option<(u16, Binning)>> {
    #[derive(Deserialize)]
    struct Bins {
        n_bins: u16,
        binning: Binning,
    }
    for name in ["config.json", "_index.json"] {
        let file = path.join(name);
        if file.is_file() {
            let text =
                std::fs::read_to_string(&file).with_context(|| format!("reading `{}`", file.display()))?;
            let bins: Bins = serde_json::from_str(&text)
                .map_err(|error| UserError::bad_data(format!("`{}`: {error}", file.display())))?;
            return Ok(Some((bins.n_bins, bins.binning)));
        }
    }
    Ok(None)
}

fn refuse_little_coverage(
    cells: &Cohort,
    vocabulary: &Vocabulary,
    min_coverage: f64,
) -> Result<(), UserError> {
    let known = vocabulary.ids();
    let n_shared = cells.genes().iter().filter(|gene| known.contains_key(gene.ensembl_id.as_str())).count();
    let (n_input, n_vocabulary) = (cells.genes().len(), vocabulary.n_genes());
    let smaller = n_input.min(n_vocabulary).max(1);
    tracing::info!("{n_shared} of the input's {n_input} genes are among the vocabulary's {n_vocabulary}");
    if n_shared as f64 >= min_coverage * smaller as f64 && n_shared > 0 {
        return Ok(());
    }
    let an_input = cells.genes().first().map_or("", |gene| gene.ensembl_id.as_str());
    let a_known = vocabulary.genes()[0].ensembl_id.as_str();
    Err(UserError::bad_data(format!(
        "the input's {n_input} genes and the vocabulary's {n_vocabulary} have {n_shared} in common, \
         expected at least {:.0}",
        (min_coverage * smaller as f64).ceil()
    ))
    .hint(format!(
        "the input names genes like `{an_input}`, the vocabulary like `{a_known}`: are both human? \
         `--min-gene-coverage` sets the limit"
    )))
}
