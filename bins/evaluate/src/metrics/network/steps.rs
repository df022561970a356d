//! A ranking of candidate pairs as steps of ties, and the areas under its curves.

use crate::metrics::Undefined;

/// Candidate pairs that tie, from the best score down: true ones and false ones of each step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps(Vec<(u64, u64)>);

const NO_EDGE: Undefined = Undefined("the reference has no edge");

impl Steps {
    /// Appends a step of `hits` true and `misses` false pairs.
    pub fn push(&mut self, hits: u64, misses: u64) {
        if (hits, misses) != (0, 0) {
            self.0.push((hits, misses));
        }
    }

    /// Adds to the last step.
    pub fn widen(&mut self, hits: u64, misses: u64) {
        match self.0.last_mut() {
            Some(last) => *last = (last.0 + hits, last.1 + misses),
            None => self.push(hits, misses),
        }
    }

    /// True and false pairs of all steps.
    pub fn totals(&self) -> (u64, u64) {
        self.0.iter().fold((0, 0), |sum, step| (sum.0 + step.0, sum.1 + step.1))
    }

    /// Area under the ROC curve, a step of ties as one straight line.
    pub fn auroc(&self) -> Result<f64, Undefined> {
        let (n_true, n_false) = self.totals();
        match (n_true, n_false) {
            (0, _) => return Err(NO_EDGE),
            (_, 0) => return Err(Undefined("every candidate pair is an edge of the reference")),
            _ => {}
        }
        let (mut hits, mut area) = (0u64, 0.0);
        for &(new_hits, new_misses) in &self.0 {
            area += new_misses as f64 * (hits as f64 + new_hits as f64 / 2.0);
            hits += new_hits;
        }
        Ok(area / (n_true as f64 * n_false as f64))
    }

    /// Area under the precision-recall curve by trapezoids, from (recall 0, precision 1): scikit-learn's
    /// `auc(recall, precision)`, as BEELINE 1.1 has it. Long ties early in the ranking flatter it or spoil it.
    pub fn auprc(&self) -> Result<f64, Undefined> {
        let n_true = self.n_true()?;
        let (mut area, mut last) = (0.0, (0.0, 1.0));
        for (recall, precision) in self.curve(n_true) {
            area += (recall - last.0) * (precision + last.1) / 2.0;
            last = (recall, precision);
        }
        Ok(area)
    }

    /// Mean of the precision at each new recall, weighted by the gain of recall: scikit-learn's
    /// `average_precision_score`.
    pub fn average_precision(&self) -> Result<f64, Undefined> {
        let n_true = self.n_true()?;
        let (mut area, mut last) = (0.0, 0.0);
        for (recall, precision) in self.curve(n_true) {
            area += (recall - last) * precision;
            last = recall;
        }
        Ok(area)
    }

    /// Area under the precision-recall curve, with one point for every true pair of a tie: false ones are met in
    /// proportion (Davis & Goadrich, ICML 2006). What PRROC's `auc.davis.goadrich`, and so BEELINE 1.0, reports.
    pub fn auprc_davis_goadrich(&self) -> Result<f64, Undefined> {
        let n_true = self.n_true()?;
        let precision = |hits: f64, misses: f64| hits / (hits + misses);
        let (mut hits, mut misses, mut area) = (0u64, 0u64, 0.0);
        for &(new_hits, new_misses) in &self.0 {
            let at = |more: u64| {
                let share = more as f64 / new_hits as f64;
                precision((hits + more) as f64, misses as f64 + new_misses as f64 * share)
            };
            // Nothing was selected yet: the curve begins at the height of its first point.
            let mut last = if hits + misses > 0 { precision(hits as f64, misses as f64) } else { f64::NAN };
            for more in 1..=new_hits {
                let here = at(more);
                area += (here + if last.is_nan() { here } else { last }) / 2.0;
                last = here;
            }
            hits += new_hits;
            misses += new_misses;
        }
        Ok(area / n_true as f64)
    }

    /// True and false pairs of every step.
    pub fn iter(&self) -> impl Iterator<Item = &(u64, u64)> {
        self.0.iter()
    }

    /// Recall and precision after each step.
    pub fn curve(&self, n_true: u64) -> impl Iterator<Item = (f64, f64)> + '_ {
        let (mut hits, mut misses) = (0u64, 0u64);
        self.0.iter().map(move |step| {
            hits += step.0;
            misses += step.1;
            (hits as f64 / n_true as f64, hits as f64 / (hits + misses) as f64)
        })
    }

    fn n_true(&self) -> Result<u64, Undefined> {
        match self.totals().0 {
            0 => Err(NO_EDGE),
            n => Ok(n),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, path};

    /// Steps of a golden's whole universe: name of the column with the score.
    fn universe(file: &str) -> Steps {
        let text = std::fs::read_to_string(path("beeline/prroc").join(file)).unwrap();
        let mut rows: Vec<(f64, bool)> = text
            .lines()
            .skip(1)
            .map(|line| {
                let fields: Vec<&str> = line.split(',').collect();
                (fields[3].parse().unwrap(), fields[2] == "1")
            })
            .collect();
        rows.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut steps = Steps::default();
        for ties in rows.chunk_by(|a, b| a.0 == b.0) {
            let hits = ties.iter().filter(|row| row.1).count();
            steps.push(hits as u64, (ties.len() - hits) as u64);
        }
        steps
    }

    /// PRROC 1.4 in R. `gsd_pearson` by the order of its scores as R's `read.csv` has them: R reads decimals to within
    /// one unit in the last place, which parts pairs that tie.
    #[test]
    fn davis_goadrich_areas_are_those_of_prroc() {
        let goldens = json("beeline.json");
        for (case, file) in [
            ("gsd_pearson", "gsd_pearson_order.csv"),
            ("gsd_ties", "gsd_ties_universe.csv"),
            ("gsd_partial", "gsd_partial_universe.csv"),
            ("gsd_selfloops_dups", "gsd_selfloops_dups_universe.csv"),
        ] {
            let area = universe(file).auprc_davis_goadrich().unwrap();
            close(area, &goldens[case]["PRROC_auc_davis_goadrich"], 1e-9);
        }
    }
}
