//! What obs says of the cells: labels, groups, studies, and the split that follows.

use crate::args::{Config, SplitSpec};
use crate::cell_ids::CellIds;
use crate::cohort::Cohort;
use crate::split::{Group, Tally};
use anyhow::Result;
use panfoma_core::artifact::cells::CellsModality;
use panfoma_core::artifact::tokens::{Categories, Split, SplitRecord, modalities};
use panfoma_core::matrix::{Column, Kind};
use panfoma_core::rng;
use panfoma_core::stage::{Context, UserError};
use std::collections::{BTreeMap, BTreeSet};

/// A text column of more levels is no label unless it is asked for: it names cells, not classes.
const MAX_DEFAULT_LEVELS: usize = 1000;
/// What quality control says of cells: no labels unless asked for.
const NO_LABELS: [&str; 3] = ["passes_qc", "qc_removed_by", "predicted_doublet"];
/// The tokens' own columns.
const RESERVED: [&str; 9] =
    ["cell_id", "split", "panel", "total_counts", "n_genes", "gene_ids", "counts", "bins", "ranks"];
/// The tokens' own columns are theirs, and so are those of modalities.
fn is_reserved(cells: &Cohort, name: &str) -> bool {
    let of_modality =
        |modality: &CellsModality| modalities::columns(&modality.name).iter().any(|c| c == name);
    RESERVED.contains(&name) || cells.modalities().iter().any(of_modality)
}

/// What is known of every cell before a count is read.
pub struct Annotations {
    /// The ids.
    pub cell_ids: CellIds,
    /// The columns to train on.
    pub label_columns: Vec<String>,
    /// The columns to split and score by.
    pub group_columns: Vec<String>,
    /// Values of the label columns, then of the group columns that are no labels.
    pub columns: Vec<Categories>,
    /// Which of the input's modalities are carried.
    pub modalities: Vec<usize>,
    /// Row of the panels: the cell's study.
    pub panels: Vec<u16>,
    /// Did the cell pass quality control?
    pub kept: Vec<bool>,
    /// The split of every cell; of those not kept it means nothing.
    pub splits: Vec<Split>,
    /// For the index.
    pub record: SplitRecord,
    /// Cells and groups by stratum: for the log.
    pub tallies: BTreeMap<String, Tally>,
}

impl Annotations {
    /// Reads obs and divides the cells. Errors: a column that is not there, a cell without its group, two cells of
    /// one id.
    pub fn read(cells: &Cohort, config: &Config, context: &Context) -> Result<Self> {
        let kept = match cells.obs_columns().iter().any(|column| column.name == "passes_qc") {
            true => truth(&cells.obs("passes_qc")?, "passes_qc")?,
            false => vec![true; cells.n_cells()],
        };
        let panels = panels(cells)?;
        let modalities = carried_modalities(cells, config)?;
        let group_columns = group_columns(cells, config);
        let label_columns = label_columns(cells, config, &group_columns)?;
        let mut columns = BTreeMap::new();
        // Patients are looked at whatever is carried: a split that divides one is optimistic.
        let patient = cells.obs_columns().iter().find(|c| c.name == "patient" && c.kind != Kind::Float);
        let patient = patient.map(|column| &column.name);
        for name in label_columns.iter().chain(&group_columns).chain(&config.stratify).chain(patient) {
            if !columns.contains_key(name) {
                columns.insert(name.clone(), categories(cells, name)?);
            }
        }
        let cell_ids = CellIds::read(cells)?;
        let hashes = cell_ids.hashes(cells)?;
        let (splits, record, tallies) = divide(config, context.seed, &columns, &kept, &hashes)?;
        let carried = label_columns.iter().chain(group_columns.iter().filter(|c| !label_columns.contains(c)));
        let columns = carried.map(|name| columns[name].clone()).collect();
        Ok(Self {
            cell_ids,
            label_columns,
            group_columns,
            columns,
            modalities,
            panels,
            kept,
            splits,
            record,
            tallies,
        })
    }

    /// Number of cells that passed quality control.
    pub fn n_kept(&self) -> usize {
        self.kept.iter().filter(|&&kept| kept).count()
    }

    /// Is this a training cell that passed quality control?
    pub fn trains(&self, cell: usize) -> bool {
        self.kept[cell] && self.splits[cell] == Split::Train
    }
}

fn truth(column: &Column, name: &str) -> Result<Vec<bool>> {
    match column {
        Column::Bool(values) => Ok(values.clone()),
        // anndata writes bools with a missing value, or after concatenation, as texts.
        Column::Categorical { .. } => (0..column.len())
            .map(|cell| match column.text(cell).as_deref() {
                Some("True" | "true") => Ok(true),
                Some("False" | "false") => Ok(false),
                other => {
                    let found = other.unwrap_or("missing");
                    let what = format!("obs `{name}` of cell {cell} is {found}, expected True or False");
                    Err(UserError::bad_data(what).into())
                }
            })
            .collect(),
        _ => Err(UserError::bad_data(format!("obs `{name}` holds numbers, expected True or False")).into()),
    }
}

fn panels(cells: &Cohort) -> Result<Vec<u16>> {
    if cells.studies().len() > usize::from(u16::MAX) {
        let n = cells.studies().len();
        return Err(UserError::bad_data(format!("{n} studies, at most {} are possible", u16::MAX)).into());
    }
    let column = categories(cells, "study")?;
    let panels: Vec<Option<u16>> = column
        .levels
        .iter()
        .map(|level| cells.studies().iter().position(|study| study == level).map(|panel| panel as u16))
        .collect();
    let panel = |cell: usize| {
        let found = usize::try_from(column.codes[cell]).ok().and_then(|code| panels[code]);
        found.ok_or_else(|| {
            let study = column.get(cell).unwrap_or("missing");
            let what = format!("cell {cell} is of study `{study}`, which `varm/measured` does not know");
            UserError::bad_data(what).into()
        })
    };
    (0..cells.n_cells()).map(panel).collect()
}

fn carried_modalities(cells: &Cohort, config: &Config) -> Result<Vec<usize>, UserError> {
    let all = cells.modalities();
    let Some(names) = &config.modalities else { return Ok((0..all.len()).collect()) };
    if names.iter().any(|name| name == "none") {
        return Ok(Vec::new());
    }
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|modality| modality.name != **name)) {
        let there: Vec<String> = all.iter().map(|modality| format!("`{}`", modality.name)).collect();
        let hint = match there.is_empty() {
            true => "it holds genes only".to_owned(),
            false => format!("its modalities are {}", there.join(", ")),
        };
        let what = format!("{} has no modality `{unknown}`", cells.names());
        return Err(UserError::bad_data(what).hint(hint));
    }
    Ok((0..all.len()).filter(|&at| names.contains(&all[at].name)).collect())
}

fn group_columns(cells: &Cohort, config: &Config) -> Vec<String> {
    let there = |name: &str| cells.obs_columns().iter().any(|column| column.name == name);
    let usual = || ["study", "sample", "patient"].into_iter().filter(|name| there(name)).map(str::to_owned);
    let mut names = config.groups.clone().unwrap_or_else(|| usual().collect());
    if config.split.by != "cell" && !names.contains(&config.split.by) {
        names.push(config.split.by.clone());
    }
    names
}

fn label_columns(cells: &Cohort, config: &Config, groups: &[String]) -> Result<Vec<String>> {
    if let Some(labels) = &config.labels {
        return Ok(labels.clone());
    }
    let mut names = Vec::new();
    for column in cells.obs_columns() {
        let name = column.name.as_str();
        if column.kind != Kind::Categorical || groups.contains(&column.name) || NO_LABELS.contains(&name) {
            continue;
        }
        if is_reserved(cells, name) {
            tracing::warn!(
                "obs column `{name}` is not carried: tokens have a column of their own of that name"
            );
            continue;
        }
        let n_levels = categories(cells, &column.name)?.levels.len();
        if (1..=MAX_DEFAULT_LEVELS).contains(&n_levels) {
            names.push(column.name.clone());
        } else {
            tracing::info!("column `{}` has {n_levels} levels and is not carried as a label", column.name);
        }
    }
    Ok(names)
}

fn categories(cells: &Cohort, name: &str) -> Result<Categories> {
    if is_reserved(cells, name) {
        return Err(UserError::bad_data(format!("a column of the name `{name}` is the tokens' own"))
            .hint("rename the obs column, or leave it out with `--labels`")
            .into());
    }
    let column = cells.obs(name)?;
    if let Column::Categorical { codes, categories } = &column {
        return Ok(Categories::from_codes(codes, categories));
    }
    if column.kind() == Kind::Float {
        return Err(UserError::bad_data(format!(
            "obs `{name}` holds numbers with fractions, expected texts"
        ))
        .hint("labels and groups are texts, integers or truth values")
        .into());
    }
    let texts: Vec<String> = (0..column.len()).filter_map(|cell| column.text(cell)).map(Into::into).collect();
    Ok(Categories::from_values(texts.iter().map(|text| Some(text.as_str()))))
}

type Divided = (Vec<Split>, SplitRecord, BTreeMap<String, Tally>);

/// Groups, their strata, their splits, and what came of it.
fn divide(
    config: &Config,
    seed: u64,
    columns: &BTreeMap<String, Categories>,
    kept: &[bool],
    cell_hashes: &[u64],
) -> Result<Divided> {
    let SplitSpec { by, fractions } = config.split.clone();
    let grouped = (by != "cell").then(|| &columns[&by]);
    if let Some(column) = grouped {
        refuse_missing(&by, column, kept)?;
    }
    let group_of = |cell: usize| grouped.map_or(cell, |column| column.codes[cell].max(0) as usize);
    let n_groups = grouped.map_or(kept.len(), |column| column.levels.len());
    let mut sizes = vec![0u64; n_groups];
    (0..kept.len()).filter(|&cell| kept[cell]).for_each(|cell| sizes[group_of(cell)] += 1);
    let stratum = config.stratify.as_ref().map(|name| &columns[name]);
    let strata = strata(stratum, n_groups, kept, &group_of);
    // Groups of removed cells only take no part.
    let present: Vec<usize> = (0..n_groups).filter(|&group| sizes[group] > 0).collect();
    let groups: Vec<Group> = present
        .iter()
        .map(|&group| Group {
            name_hash: grouped
                .map_or_else(|| cell_hashes[group], |column| rng::name_hash(&column.levels[group])),
            stratum: strata[group],
        })
        .collect();
    let mut of_group = vec![Split::Train; n_groups];
    let names: Vec<&str> = grouped
        .map_or_else(Vec::new, |column| present.iter().map(|&at| column.levels[at].as_str()).collect());
    let assigned = config.held_out.assign(&groups, &names, fractions, seed)?;
    present.iter().zip(assigned).for_each(|(&group, split)| of_group[group] = split);
    let splits: Vec<Split> = (0..kept.len()).map(|cell| of_group[group_of(cell)]).collect();

    let mut record = SplitRecord {
        by: by.clone(),
        fractions,
        seed,
        stratify: config.stratify.clone(),
        valid_groups: config.held_out.valid.clone(),
        test_groups: config.held_out.test.clone(),
        optimistic: shares_patients(grouped.is_none(), columns.get("patient"), &splits, kept),
        cells: Default::default(),
        groups: Default::default(),
    };
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for &group in &present {
        let (split, n_cells) = (of_group[group], sizes[group]);
        record.cells.add(split, n_cells);
        record.groups.add(split, 1);
        let level = stratum.map_or("all", |column| level_name(column, strata[group]));
        let tally = tallies.entry(level.to_owned()).or_default();
        tally.cells.add(split, n_cells);
        tally.groups.add(split, 1);
    }
    Ok((splits, record, tallies))
}

fn level_name(column: &Categories, stratum: u32) -> &str {
    column.levels.get(stratum as usize).map_or("missing", String::as_str)
}

/// The stratum of each group: the level most of its cells have, the first of equals; groups without any come last.
fn strata(
    column: Option<&Categories>,
    n_groups: usize,
    kept: &[bool],
    group_of: &impl Fn(usize) -> usize,
) -> Vec<u32> {
    let Some(column) = column else { return vec![0; n_groups] };
    let missing = column.levels.len() as u32;
    let mut pairs: Vec<(usize, u32)> = (0..kept.len())
        .filter(|&cell| kept[cell])
        .map(|cell| (group_of(cell), u32::try_from(column.codes[cell]).unwrap_or(missing)))
        .collect();
    pairs.sort_unstable();
    let mut strata = vec![missing; n_groups];
    let mut n_mixed = 0;
    for group in pairs.chunk_by(|a, b| a.0 == b.0) {
        let runs = group.chunk_by(|a, b| a.1 == b.1);
        n_mixed += usize::from(runs.clone().count() > 1);
        // max_by_key keeps the last of equals, so the runs are taken from the end.
        let largest = runs.rev().max_by_key(|run| run.len()).expect("a chunk has a run");
        strata[largest[0].0] = largest[0].1;
    }
    if n_mixed > 0 {
        tracing::warn!(
            "{n_mixed} groups hold several levels of the stratifying label; each counts for its largest"
        );
    }
    strata
}

fn refuse_missing(by: &str, column: &Categories, kept: &[bool]) -> Result<(), UserError> {
    let n = (0..kept.len()).filter(|&cell| kept[cell] && column.codes[cell] < 0).count();
    if n == 0 {
        return Ok(());
    }
    let total = kept.iter().filter(|&&kept| kept).count();
    Err(UserError::bad_data(format!(
        "{n} of {total} cells have no `{by}`, so they cannot be kept with their group"
    ))
    .hint(format!(
        "fill the column, split by another (`--split study:…`), or remove the cells without `{by}`"
    )))
}

/// Do cells of one patient (or, without such a column, of an unknown one) fall into two splits?
fn shares_patients(
    single_cells: bool,
    patients: Option<&Categories>,
    splits: &[Split],
    kept: &[bool],
) -> bool {
    let cells = || (0..kept.len()).filter(|&cell| kept[cell]);
    if let Some(patients) = patients {
        let pairs: BTreeSet<(i32, Split)> =
            cells().map(|cell| (patients.codes[cell], splits[cell])).filter(|(code, _)| *code >= 0).collect();
        let distinct: BTreeSet<i32> = pairs.iter().map(|pair| pair.0).collect();
        if pairs.len() > distinct.len() {
            return true;
        }
    }
    single_cells && cells().map(|cell| splits[cell]).collect::<BTreeSet<_>>().len() > 1
}
