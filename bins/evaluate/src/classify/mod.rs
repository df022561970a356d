//! Every method on the same held-out cells, one after the other: scores, paired intervals, calibration.

mod headline;
mod rows;

use crate::cells::Cells;
use crate::factor::MISSING;
use crate::method::{Method, Role, Scored};
use crate::metrics::bootstrap::{self, N_DRAWS, Resamples};
use crate::metrics::calibration::{self, Bin, Point};
use crate::metrics::classification::Confusion;
use crate::metrics::scores::{HEADLINE, Scorer, index};
use panfoma_core::artifact::metrics::{Interval, Metric};
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::Context;
use rayon::prelude::*;

/// The methods on the cells of one split.
pub struct SplitScores {
    /// `test` or `valid`.
    pub split: Split,
    /// Cells scored.
    pub n_cells: usize,
    /// Patients among them, if known, with their cells.
    pub patients: Option<Vec<(String, u64)>>,
    /// What the intervals are over: `patients` or `cells`.
    pub over: &'static str,
    /// One a method, in the order of the methods; so are the next.
    pub confusions: Vec<Confusion>,
    /// Reliability curves.
    pub reliability: Vec<Vec<Bin>>,
    /// Accuracy against coverage.
    pub coverage: Vec<Vec<Point>>,
    /// The rows of the metrics table; what knows no gene comes first.
    pub metrics: Vec<Metric>,
    /// Macro-F1 in every resample, [methods][draws].
    macro_f1: Vec<Vec<f64>>,
}

/// Scores all methods on one split; `None` without labelled cells. Errors: interrupted.
pub fn score(
    cells: &Cells,
    scored: &Scored,
    methods: &[Method],
    classes: &[String],
    split: Split,
    context: &Context,
) -> anyhow::Result<Option<SplitScores>> {
    let at = scored.of_split(cells, split);
    if at.is_empty() {
        return Ok(None);
    }
    let truth: Vec<u32> = at.iter().map(|&at| scored.truth[at]).collect();
    let patients = Patients::of(cells, scored, &at);
    let resamples = Resamples::new(at.len(), patients.complete(), context.seed);
    let mut found = SplitScores {
        split,
        n_cells: at.len(),
        patients: patients.counted(),
        over: resamples.over,
        confusions: Vec::new(),
        reliability: Vec::new(),
        coverage: Vec::new(),
        metrics: Vec::new(),
        macro_f1: Vec::new(),
    };
    let mut rows: Vec<(Role, Vec<Metric>)> = Vec::new();
    for method in methods {
        context.interrupt.check()?;
        let scorer = Scorer::new(&truth, &method.of(&at), classes.len());
        let draws: Vec<Vec<f64>> = (0..N_DRAWS)
            .into_par_iter()
            .map(|draw| {
                let weights = resamples.weights(draw);
                scorer.weighted(|cell| weights[cell]).map(|score| score.unwrap_or(f64::NAN)).to_vec()
            })
            .collect();
        let of = |which: usize| draws.iter().map(|draw| draw[which]).collect::<Vec<f64>>();
        let intervals = (0..HEADLINE.len())
            .map(|which| bootstrap::interval(of(which)))
            .map(|interval| interval.map(|(low, high)| Interval { low, high, over: resamples.over.into() }))
            .collect();
        let right = scorer.right();
        let abstained: Vec<bool> = at.iter().map(|&at| method.abstained[at]).collect();
        let table = rows::Table { split, method: &method.name, n: at.len() as u64 };
        let mut of_method = table.overall(scorer.scores(), intervals);
        of_method.extend(table.abstention(&right, &abstained));
        of_method.extend(table.per_class(&scorer, classes));
        of_method.extend(table.per_patient(&scorer, &truth, classes.len(), &patients));
        rows.push((method.role, of_method));
        found.confusions.push(scorer.confusion());
        found.reliability.push(calibration::reliability(&scorer.confidence, &right));
        found.coverage.push(calibration::coverage(&scorer.confidence, &right));
        found.macro_f1.push(of(index("macro_f1")));
    }
    // What gives the label away without a gene is to be read before any score.
    rows.sort_by_key(|(role, _)| *role != Role::Confounder);
    found.metrics = rows.into_iter().flat_map(|(_, rows)| rows).collect();
    Ok(Some(found))
}

/// The patients of the scored cells.
pub(crate) struct Patients<'a> {
    /// Sorted names.
    pub levels: &'a [String],
    /// One a cell; [`MISSING`] where unknown.
    pub codes: Vec<u32>,
}

impl<'a> Patients<'a> {
    fn of(cells: &'a Cells, scored: &Scored, at: &[usize]) -> Self {
        match cells.column("patient") {
            Some(column) => Self {
                levels: &column.levels,
                codes: at.iter().map(|&at| column.codes[scored.rows[at]]).collect(),
            },
            None => Self { levels: &[], codes: vec![MISSING; at.len()] },
        }
    }

    /// The codes, if every cell's patient is known.
    fn complete(&self) -> Option<&[u32]> {
        (!self.codes.contains(&MISSING)).then_some(&self.codes)
    }

    /// Names and numbers of cells of the patients that have any, if every cell's patient is known.
    fn counted(&self) -> Option<Vec<(String, u64)>> {
        let mut counts = vec![0; self.levels.len()];
        self.complete()?.iter().for_each(|&code| counts[code as usize] += 1);
        let counted = self.levels.iter().cloned().zip(counts);
        Some(counted.filter(|(_, n)| *n > 0).collect())
    }
}

impl SplitScores {
    /// Value and interval of one metric of one method over all cells.
    pub fn get(&self, metric: &str, method: &str) -> Option<&Metric> {
        self.of_group(metric, "all", method)
    }

    /// Value of one metric of one method in one class or patient.
    pub fn of_group(&self, metric: &str, group: &str, method: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.metric == metric && m.method == method && m.group == group)
    }

    /// Macro-F1 of a method.
    pub fn macro_f1(&self, which: usize) -> f64 {
        self.confusions[which].macro_f1().unwrap_or(0.0)
    }

    /// The best of these methods by macro-F1; the first of equals.
    pub fn best(&self, methods: &[Method], among: impl Fn(&Method) -> bool) -> Option<usize> {
        (0..methods.len()).filter(|&which| among(&methods[which])).fold(None, |best, which| match best {
            Some(best) if self.macro_f1(best) >= self.macro_f1(which) => Some(best),
            _ => Some(which),
        })
    }

    /// Difference in macro-F1 of two methods on the same resamples, with its 95 % interval.
    pub fn difference(&self, a: usize, b: usize) -> (f64, (f64, f64)) {
        let draws = self.macro_f1[a].iter().zip(&self.macro_f1[b]).map(|(a, b)| a - b).collect();
        let interval = bootstrap::interval(draws).expect("macro-F1 of cells is defined in every resample");
        (self.macro_f1(a) - self.macro_f1(b), interval)
    }
}
