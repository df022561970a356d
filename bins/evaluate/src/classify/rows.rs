//! The rows of the metrics table: all cells, each class, each patient.

use super::Patients;
use crate::factor::MISSING;
use crate::metrics::Undefined;
use crate::metrics::classification::Confusion;
use crate::metrics::scores::{HEADLINE, Scorer, Scores};
use panfoma_core::artifact::metrics::{Interval, Metric};
use panfoma_core::artifact::tokens::Split;

/// Where the rows of one method belong.
pub struct Table<'a> {
    /// The split.
    pub split: Split,
    /// The method.
    pub method: &'a str,
    /// Cells scored.
    pub n: u64,
}

impl Table<'_> {
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

    /// The headline numbers with their intervals.
    pub fn overall(&self, scores: Scores, intervals: Vec<Option<Interval>>) -> Vec<Metric> {
        let named = HEADLINE.into_iter().zip(scores).zip(intervals);
        named
            .map(|(((name, definition), score), interval)| {
                let row = self.row(name, "all", score, definition);
                Metric { interval: interval.filter(|_| row.value.is_some()), ..row }
            })
            .collect()
    }

    /// What a method gains by leaving cells unassigned.
    pub fn abstention(&self, right: &[bool], abstained: &[bool]) -> [Metric; 2] {
        let n_abstained = abstained.iter().filter(|&&abstained| abstained).count();
        let n_right =
            right.iter().zip(abstained).filter(|(right, abstained)| **right && !**abstained).count();
        let selective = match right.len() - n_abstained {
            0 => Err(Undefined("every cell was left unassigned")),
            n => Ok(n_right as f64 / n as f64),
        };
        let share = Ok(n_abstained as f64 / right.len() as f64);
        [
            self.row("unassigned", "all", share, "Share of cells left unassigned"),
            self.row("selective_accuracy", "all", selective, "Accuracy over the cells that were assigned"),
        ]
    }

    /// Precision, recall, F1 and areas of the classes that have cells or predictions.
    pub fn per_class(&self, scorer: &Scorer, classes: &[String]) -> Vec<Metric> {
        let scores = scorer.confusion().per_class().into_iter().zip(scorer.areas()).zip(classes);
        scores
            .filter(|((score, _), _)| score.support + score.predicted > 0)
            .flat_map(|((score, areas), class)| {
                let row = |metric, value, definition| Metric {
                    n: score.support,
                    ..self.row(metric, class, value, definition)
                };
                [
                    row("precision", Ok(score.precision), "Right among the cells predicted as this class"),
                    row("recall", Ok(score.recall), "Found among the cells of this class"),
                    row("f1", Ok(score.f1), "Harmonic mean of precision and recall"),
                    row(
                        "class_auroc",
                        areas.clone().map(|a| a.auroc),
                        "AUROC of this class against the rest",
                    ),
                    row(
                        "class_auprc",
                        areas.map(|a| a.auprc),
                        "Average precision of this class against the rest",
                    ),
                ]
            })
            .collect()
    }

    /// Accuracy and macro-F1 in each patient; the group is the patient.
    pub fn per_patient(
        &self,
        scorer: &Scorer,
        truth: &[u32],
        n_classes: usize,
        patients: &Patients,
    ) -> Vec<Metric> {
        let mut confusions = vec![None; patients.levels.len()];
        for (cell, &patient) in patients.codes.iter().enumerate().filter(|(_, patient)| **patient != MISSING)
        {
            confusions[patient as usize].get_or_insert_with(|| Confusion::new(n_classes)).add(
                truth[cell],
                Some(scorer.predicted[cell]),
                1,
            );
        }
        let named = patients.levels.iter().zip(confusions);
        let known = named.filter_map(|(patient, confusion)| Some((patient, confusion?)));
        known
            .flat_map(|(patient, confusion)| {
                let row = |metric, value, definition| Metric {
                    n: confusion.n_cells(),
                    ..self.row(metric, patient, value, definition)
                };
                [
                    row("patient_accuracy", confusion.accuracy(), "Accuracy over the cells of one patient"),
                    row(
                        "patient_macro_f1",
                        confusion.macro_f1(),
                        "Mean F1 over the classes present in one patient's truth or prediction",
                    ),
                ]
            })
            .collect()
    }
}
