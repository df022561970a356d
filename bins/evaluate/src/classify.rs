//! Every method on the same held-out cells: scores, paired intervals, and the sentence that says who wins.

use crate::cells::Cells;
use crate::factor::MISSING;
use crate::method::{Method, Scored};
use crate::metrics::Undefined;
use crate::metrics::bootstrap::{self, Draws, Predictions};
use crate::metrics::classification::{Confusion, log_loss};
use panfoma_core::artifact::metrics::{Interval, Metric};
use panfoma_core::artifact::tokens::Split;

/// The methods on the cells of one split.
pub struct SplitScores {
    /// `test` or `valid`.
    pub split: Split,
    /// Cells scored.
    pub n_cells: usize,
    /// Patients among them, if known.
    pub n_patients: Option<usize>,
    /// One a method, in the order of the methods.
    pub confusions: Vec<Confusion>,
    /// The rows of the metrics table.
    pub metrics: Vec<Metric>,
    draws: Draws,
}

/// Scores all methods on one split; `None` without labelled cells.
pub fn score(
    cells: &Cells,
    scored: &Scored,
    methods: &[Method],
    classes: &[String],
    split: Split,
    seed: u64,
) -> Option<SplitScores> {
    let at = scored.of_split(cells, split);
    if at.is_empty() {
        return None;
    }
    let truth: Vec<u32> = at.iter().map(|&at| scored.truth[at]).collect();
    let predicted: Vec<Vec<Option<u32>>> =
        methods.iter().map(|method| at.iter().map(|&at| method.predicted[at]).collect()).collect();
    let patients: Option<Vec<u32>> = cells.column("patient").and_then(|column| {
        let codes: Vec<u32> = at.iter().map(|&at| column.codes[scored.rows[at]]).collect();
        (!codes.contains(&MISSING)).then_some(codes)
    });
    let n_patients = patients.as_ref().map(|codes| {
        let mut distinct = codes.clone();
        distinct.sort_unstable();
        distinct.dedup();
        distinct.len()
    });
    let input = Predictions {
        truth: &truth,
        predicted: predicted.iter().map(Vec::as_slice).collect(),
        n_classes: classes.len(),
    };
    let draws = bootstrap::draw(&input, patients.as_deref(), seed);
    let confusions: Vec<Confusion> =
        predicted.iter().map(|predicted| Confusion::of(&truth, predicted, classes.len())).collect();
    let mut metrics = Vec::new();
    for (which, (method, confusion)) in methods.iter().zip(&confusions).enumerate() {
        let of_truth = at.iter().map(|&at| method.of_truth[at]);
        let table = Table { split, method: method.name, n: at.len() as u64 };
        metrics.extend(table.overall(confusion, log_loss(of_truth, f64::from(f32::EPSILON)), &draws, which));
        metrics.extend(table.per_class(confusion, classes));
    }
    Some(SplitScores { split, n_cells: at.len(), n_patients, confusions, metrics, draws })
}

struct Table {
    split: Split,
    method: &'static str,
    n: u64,
}

impl Table {
    fn row(&self, metric: &str, group: &str, value: Result<f64, Undefined>, definition: &str) -> Metric {
        let (value, reason) = match value {
            Ok(value) => (Some(value), None),
            Err(Undefined(reason)) => (None, Some(reason.to_owned())),
        };
        Metric {
            metric: metric.to_owned(),
            value,
            reason,
            interval: None,
            n: self.n,
            split: self.split.name().to_owned(),
            group: group.to_owned(),
            method: self.method.to_owned(),
            definition: definition.to_owned(),
        }
    }

    fn overall(
        &self,
        c: &Confusion,
        log_loss: Result<f64, Undefined>,
        draws: &Draws,
        which: usize,
    ) -> Vec<Metric> {
        let with = |mut metric: Metric, draws: &Draws, values: &[Vec<f64>]| {
            let (low, high) = bootstrap::interval(values.iter().map(|draw| draw[which]).collect());
            metric.interval = Some(Interval { low, high, over: draws.over });
            metric
        };
        let all = |metric, value, definition| self.row(metric, "all", value, definition);
        let unassigned = Ok(c.n_unassigned() as f64 / self.n as f64);
        vec![
            with(
                all(
                    "accuracy",
                    c.accuracy(),
                    "Share of cells predicted right; unassigned cells count as wrong",
                ),
                draws,
                &draws.accuracy,
            ),
            with(
                all(
                    "macro_f1",
                    c.macro_f1(),
                    "Mean F1 over the classes present in truth or prediction; unassigned costs recall and is no class",
                ),
                draws,
                &draws.macro_f1,
            ),
            all("balanced_accuracy", c.balanced_accuracy(), "Mean recall over the classes that have cells"),
            all("weighted_f1", c.weighted_f1(), "Mean F1 weighted by the classes' numbers of cells"),
            all("kappa", c.kappa(), "Cohen's kappa: agreement beyond chance"),
            all("mcc", c.mcc(), "Matthews' correlation coefficient for several classes"),
            all("log_loss", log_loss, "Mean of -ln p(true class) in nats, p clipped to 1.2e-7 from 0 and 1"),
            all("unassigned", unassigned, "Share of cells left unassigned"),
        ]
    }

    fn per_class(&self, confusion: &Confusion, classes: &[String]) -> Vec<Metric> {
        let scores = confusion.per_class().into_iter().zip(classes);
        scores
            .filter(|(score, _)| score.support + score.predicted > 0)
            .flat_map(|(score, class)| {
                let row = |metric, value, definition| Metric {
                    n: score.support,
                    ..self.row(metric, class, Ok(value), definition)
                };
                [
                    row("precision", score.precision, "Right among the cells predicted as this class"),
                    row("recall", score.recall, "Found among the cells of this class"),
                    row("f1", score.f1, "Harmonic mean of precision and recall"),
                ]
            })
            .collect()
    }
}

impl SplitScores {
    /// Value and interval of one metric of one method.
    pub fn get(&self, metric: &str, method: &str) -> Option<&Metric> {
        self.metrics.iter().find(|m| m.metric == metric && m.method == method && m.group == "all")
    }

    /// The best of these methods by macro-F1; the first of equals.
    pub fn best(&self, methods: &[Method], among: impl Fn(&Method) -> bool) -> Option<usize> {
        let f1 = |which: usize| self.confusions[which].macro_f1().unwrap_or(0.0);
        (0..methods.len()).filter(|&which| among(&methods[which])).fold(None, |best, which| match best {
            Some(best) if f1(best) >= f1(which) => Some(best),
            _ => Some(which),
        })
    }

    /// Difference in macro-F1 of two methods on the same resamples, with its 95 % interval.
    pub fn difference(&self, a: usize, b: usize) -> (f64, (f64, f64)) {
        let f1 = |which: usize| self.confusions[which].macro_f1().unwrap_or(0.0);
        let draws = self.draws.macro_f1.iter().map(|draw| draw[a] - draw[b]).collect();
        (f1(a) - f1(b), bootstrap::interval(draws))
    }

    /// Who wins, with intervals, in sentences.
    pub fn headline(&self, methods: &[Method], split_name: &str) -> String {
        let is_model = |method: &Method| matches!(method.name, "panfoma" | "embedding_logistic");
        let Some(model) = (0..methods.len()).find(|&which| is_model(&methods[which])) else {
            return "Neither predictions nor training labels were given: there is no classifier to score."
                .to_owned();
        };
        let on = format!(
            "On {} {} cells{} (split {split_name}), ",
            self.n_cells,
            match self.split {
                Split::Valid => "validation",
                _ => "held-out test",
            },
            self.n_patients
                .map_or_else(String::new, |n| format!(" of {n} patient{}", if n == 1 { "" } else { "s" }))
        );
        let says = |which: usize| {
            let title = lower_first(&methods[which].title);
            format!("{title} reaches a macro-F1 of {}", self.value_with_interval(which, methods))
        };
        let Some(rival) = self.best(methods, |method| !is_model(method)) else {
            return format!(
                "{on}{}. No baseline could be fitted, so nothing says whether that is good.",
                says(model)
            );
        };
        let (difference, (low, high)) = self.difference(model, rival);
        let verdict = match (low > 0.0, high < 0.0) {
            (true, _) => format!("PanFoMa is better by {difference:.3} [{low:.3}, {high:.3}]."),
            (_, true) => {
                format!("The baseline is better by {:.3} [{:.3}, {:.3}].", -difference, -high, -low)
            }
            _ => format!(
                "The difference of {difference:+.3} [{low:+.3}, {high:+.3}] does not tell them apart: neither wins."
            ),
        };
        let (value, title) = (self.value_with_interval(rival, methods), lower_first(&methods[rival].title));
        format!("{on}{}. The best baseline is {title}, with {value}. {verdict}", says(model))
    }

    /// `0.873 [0.854, 0.884]`, the macro-F1 of a method.
    fn value_with_interval(&self, which: usize, methods: &[Method]) -> String {
        let metric = self.get("macro_f1", methods[which].name);
        let interval = metric.and_then(|metric| metric.interval.as_ref());
        let interval = interval.map_or_else(String::new, |i| format!(" [{:.3}, {:.3}]", i.low, i.high));
        format!("{:.3}{interval}", metric.and_then(|metric| metric.value).unwrap_or(0.0))
    }

    /// What the intervals are over.
    pub fn over(&self) -> &'static str {
        self.draws.over
    }
}

/// A title inside a sentence; names with capitals of their own (`PanFoMa`, `PCA`) stay.
fn lower_first(text: &str) -> String {
    let word = text.split(' ').next().unwrap_or_default();
    match word.chars().skip(1).any(char::is_uppercase) {
        true => text.to_owned(),
        false => {
            let mut letters = text.chars();
            letters.next().into_iter().flat_map(char::to_lowercase).chain(letters).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_lose_their_capital_inside_a_sentence_and_names_do_not() {
        assert_eq!(lower_first("Logistic regression"), "logistic regression");
        assert_eq!(lower_first("PCA (50 components)"), "PCA (50 components)");
        assert_eq!(lower_first("PanFoMa"), "PanFoMa");
    }
}
