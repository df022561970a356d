//! The obs columns of the output: the stage's own, and the union of the inputs'.

use crate::Measured;
use crate::filters::Rule;
use crate::study::Groups;
use panfoma_core::matrix::{Column, Frame, Kind};

/// Columns the stage writes; an input's column of such a name is carried over as `input_NAME`.
const OWN: [(&str, Kind); 16] = [
    ("study", Kind::Categorical),
    ("sample", Kind::Categorical),
    ("patient", Kind::Categorical),
    ("n_genes_by_counts", Kind::Int),
    ("log1p_n_genes_by_counts", Kind::Float),
    ("total_counts", Kind::Float),
    ("log1p_total_counts", Kind::Float),
    ("pct_counts_in_top_50_genes", Kind::Float),
    ("pct_counts_in_top_100_genes", Kind::Float),
    ("pct_counts_in_top_200_genes", Kind::Float),
    ("pct_counts_in_top_500_genes", Kind::Float),
    ("total_counts_mt", Kind::Float),
    ("pct_counts_mt", Kind::Float),
    ("total_counts_ribo", Kind::Float),
    ("pct_counts_ribo", Kind::Float),
    ("passes_qc", Kind::Bool),
];
/// Written only where removed cells are kept.
const REMOVED_BY: (&str, Kind) = ("qc_removed_by", Kind::Categorical);
/// Written only where doublets are looked for.
const DOUBLETS: [(&str, Kind); 2] =
    [("doublet_score", Kind::Float), ("predicted_doublet", Kind::Categorical)];

/// A column carried over from the inputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// Its name in the inputs.
    pub input_name: String,
    /// Its name in the output.
    pub name: String,
    /// One kind that holds what all inputs bring.
    pub kind: Kind,
}

/// The union of the columns of all studies, in order of appearance; where a study lacks one, it is missing.
pub fn union<'a>(
    studies: impl Iterator<Item = &'a [(String, Kind)]> + Clone,
    doublets: bool,
) -> Vec<Carried> {
    let mut union: Vec<Carried> = Vec::new();
    for (name, kind) in studies.clone().flatten() {
        match union.iter_mut().find(|carried| carried.input_name == *name) {
            Some(carried) => carried.kind = common(carried.kind, *kind),
            None => {
                let name_out = output_name(name, &union, doublets);
                union.push(Carried { input_name: name.clone(), name: name_out, kind: *kind });
            }
        }
    }
    for carried in &mut union {
        let everywhere =
            studies.clone().all(|columns| columns.iter().any(|(name, _)| *name == carried.input_name));
        // Integers and bools have no missing value.
        carried.kind = match carried.kind {
            Kind::Int if !everywhere => Kind::Float,
            Kind::Bool if !everywhere => Kind::Categorical,
            kind => kind,
        };
    }
    union
}

fn common(a: Kind, b: Kind) -> Kind {
    match (a, b) {
        (a, b) if a == b => a,
        (Kind::Int, Kind::Float) | (Kind::Float, Kind::Int) => Kind::Float,
        _ => Kind::Categorical,
    }
}

/// AnnData keys hold no slash; names of our own are taken.
fn output_name(name: &str, taken: &[Carried], doublets: bool) -> String {
    let mut key = name.replace('/', "_");
    let of_doublets = DOUBLETS.iter().filter(|_| doublets);
    let own = OWN.iter().chain([&REMOVED_BY]).chain(of_doublets).any(|(own, _)| *own == key);
    if own || key == "_index" || key.starts_with("__") || key.trim_matches('.').is_empty() {
        key = format!("input_{key}");
    }
    while taken.iter().any(|other| other.name == key) {
        key.push('_');
    }
    key
}

/// Names and kinds of all columns, in the order of [`block`].
pub fn schema(carried: &[Carried], keep_removed: bool, doublets: bool) -> Vec<(String, Kind)> {
    let of_doublets = DOUBLETS.iter().filter(|_| doublets);
    let own = OWN.iter().chain(of_doublets).chain(keep_removed.then_some(&REMOVED_BY));
    let own = own.map(|(name, kind)| ((*name).to_owned(), *kind));
    own.chain(carried.iter().map(|column| (column.name.clone(), column.kind))).collect()
}

/// The columns of these cells of one study.
pub fn block(
    study: &Measured,
    obs: &Frame,
    carried: &[Carried],
    cells: &[usize],
    keep_removed: bool,
) -> Vec<Column> {
    let metrics = &study.metrics;
    let floats =
        |value: &dyn Fn(usize) -> f64| Column::Float(cells.iter().map(|&cell| value(cell)).collect());
    let mut columns = vec![
        Column::Categorical { codes: vec![0; cells.len()], categories: vec![study.study.name.clone()] },
        group(&study.study.samples, cells),
        group(&study.study.patients, cells),
        Column::Int(cells.iter().map(|&cell| i64::from(metrics.n_genes[cell])).collect()),
        floats(&|cell| f64::from(metrics.n_genes[cell]).ln_1p()),
        floats(&|cell| metrics.total[cell]),
        floats(&|cell| metrics.total[cell].ln_1p()),
        floats(&|cell| f64::from(metrics.pct_top[cell][0])),
        floats(&|cell| f64::from(metrics.pct_top[cell][1])),
        floats(&|cell| f64::from(metrics.pct_top[cell][2])),
        floats(&|cell| f64::from(metrics.pct_top[cell][3])),
        floats(&|cell| metrics.mt[cell]),
        floats(&|cell| metrics.pct_mt(cell)),
        floats(&|cell| metrics.ribo[cell]),
        floats(&|cell| metrics.pct_ribo(cell)),
        Column::Bool(cells.iter().map(|&cell| study.rules[cell].is_none()).collect()),
    ];
    if let Some(doublets) = &study.doublets {
        columns.push(floats(&|cell| doublets.scores[cell]));
        let called = |cell: usize| doublets.called[cell].map(|called| if called { "True" } else { "False" });
        columns.push(Column::from_texts(cells.iter().map(|&cell| called(cell))));
    }
    if keep_removed {
        columns.push(Column::from_texts(cells.iter().map(|&cell| study.rules[cell].map(Rule::name))));
    }
    // A column that this study brings but was not asked for is not in `carried`.
    columns.extend(carried.iter().map(|column| take(obs.column(&column.input_name), cells, column.kind)));
    columns
}

fn group(groups: &Groups, cells: &[usize]) -> Column {
    let codes = cells.iter().map(|&cell| groups.codes[cell]).collect();
    Column::Categorical { codes, categories: groups.names.clone() }
}

fn take(column: Option<&Column>, cells: &[usize], kind: Kind) -> Column {
    match (column, kind) {
        (Some(column), kind) if column.kind() == kind => column.select(cells),
        (None, Kind::Categorical) => {
            Column::Categorical { codes: vec![-1; cells.len()], categories: Vec::new() }
        }
        (None, _) => Column::Float(vec![f64::NAN; cells.len()]),
        (Some(column), Kind::Categorical) => {
            let texts: Vec<_> = cells.iter().map(|&cell| column.text(cell)).collect();
            Column::from_texts(texts.iter().map(|text| text.as_deref()))
        }
        (Some(column), _) => Column::Float(cells.iter().map(|&cell| column.number(cell)).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(list: &[(&str, Kind)]) -> Vec<(String, Kind)> {
        list.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect()
    }

    #[test]
    fn a_column_that_a_study_lacks_can_be_missing() {
        let studies = [
            columns(&[
                ("label", Kind::Categorical),
                ("n", Kind::Int),
                ("all", Kind::Int),
                ("flag", Kind::Bool),
            ]),
            columns(&[("all", Kind::Int), ("label", Kind::Int)]),
        ];
        let union = union(studies.iter().map(Vec::as_slice), false);
        let kinds: Vec<_> = union.iter().map(|column| (column.name.as_str(), column.kind)).collect();
        let expected = [
            ("label", Kind::Categorical),
            ("n", Kind::Float),
            ("all", Kind::Int),
            ("flag", Kind::Categorical),
        ];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn names_of_our_own_and_slashes_are_moved_aside() {
        let studies =
            [columns(&[("patient", Kind::Int), ("a/b", Kind::Int), ("a_b", Kind::Int), ("__x", Kind::Int)])];
        let union = union(studies.iter().map(Vec::as_slice), false);
        let names: Vec<_> = union.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["input_patient", "a_b", "a_b_", "input___x"]);
    }
}
