//! Which gene sets a program holds more of than chance would give it.

use super::{GeneSets, Program};
use panfoma_core::artifact::vocabulary::Vocabulary;
use std::collections::HashMap;
use std::fmt::Write as _;

/// Genes of a set in the universe at least and at most: smaller ones show nothing, larger ones say nothing.
const SET_GENES: std::ops::RangeInclusive<usize> = 3..=2_000;

/// A program and a set that share genes.
#[derive(Clone, Debug, PartialEq)]
pub struct Enriched {
    /// Program from 1.
    pub program: usize,
    /// Name of the set.
    pub set: String,
    /// Genes of both, by weight in the program.
    pub shared: Vec<u32>,
    /// Genes of the program.
    pub n_program: usize,
    /// Genes of the set in the universe.
    pub n_set: usize,
    /// Genes that could have been in either.
    pub n_universe: usize,
    /// Probability of as many shared genes or more if the program were drawn blindly (hypergeometric).
    pub p_value: f64,
    /// The share of false finds among all rows up to this one (Benjamini & Hochberg 1995), over every program and set.
    pub q_value: f64,
}

/// Every program beside every set; those that share a gene, the surest first.
pub fn enrichment(programs: &[Program], sets: &GeneSets, n_universe: usize) -> Vec<Enriched> {
    let log_factorials = log_factorials(n_universe);
    // A gene is in one program at most: its program and its place there by weight.
    let mut places: HashMap<u32, (usize, usize)> = HashMap::new();
    for (number, program) in programs.iter().enumerate() {
        places.extend(program.genes.iter().enumerate().map(|(rank, gene)| (gene.0, (number, rank))));
    }
    let tested: Vec<&(String, Vec<u32>)> =
        sets.sets.iter().filter(|(_, genes)| SET_GENES.contains(&genes.len())).collect();
    let mut found = Vec::new();
    for (name, genes) in &tested {
        let mut shared: Vec<((usize, usize), u32)> =
            genes.iter().filter_map(|gene| Some((*places.get(gene)?, *gene))).collect();
        shared.sort_unstable();
        for shared in shared.chunk_by(|a, b| a.0.0 == b.0.0) {
            let at = shared[0].0.0;
            let (n_program, n_set) = (programs[at].genes.len(), genes.len());
            let p_value = upper_tail(shared.len(), n_program, n_set, n_universe, &log_factorials);
            found.push(Enriched {
                program: at + 1,
                set: name.clone(),
                shared: shared.iter().map(|&(_, gene)| gene).collect(),
                n_program,
                n_set,
                n_universe,
                p_value,
                q_value: 1.0,
            });
        }
    }
    found.sort_by(|a, b| {
        a.p_value.total_cmp(&b.p_value).then_with(|| (a.program, &a.set).cmp(&(b.program, &b.set)))
    });
    // Pairs that share nothing were tested, too: their p is 1, and they stand last.
    let n_tests = programs.len() * tested.len();
    let mut least = 1.0f64;
    for (at, row) in found.iter_mut().enumerate().rev() {
        least = least.min(row.p_value * n_tests as f64 / (at + 1) as f64);
        row.q_value = least;
    }
    found
}

fn log_factorials(n: usize) -> Vec<f64> {
    (0..=n).map(|n| libm::lgamma(n as f64 + 1.0)).collect()
}

/// P(at least `shared` of `drawn` genes are among the `marked` of `n`).
fn upper_tail(shared: usize, drawn: usize, marked: usize, n: usize, log_factorials: &[f64]) -> f64 {
    let choose = |n: usize, k: usize| log_factorials[n] - log_factorials[k] - log_factorials[n - k];
    let all = choose(n, drawn);
    // So many must be shared, for the others do not suffice.
    let from = shared.max((drawn + marked).saturating_sub(n));
    let term = |k: usize| libm::exp(choose(marked, k) + choose(n - marked, drawn - k) - all);
    // Smallest first, which loses least.
    (from..=drawn.min(marked)).rev().map(term).sum::<f64>().min(1.0)
}

/// As text: a row a program and set.
pub fn table(rows: &[Enriched], vocabulary: &Vocabulary) -> String {
    let mut text =
        "program\tgene_set\tn_shared\tn_program\tn_set\tn_universe\tp_value\tq_value\tgenes\n".to_owned();
    for row in rows {
        let symbol = |&id: &u32| vocabulary.gene(id).map_or("", |gene| gene.symbol.as_str());
        let genes: Vec<&str> = row.shared.iter().map(symbol).collect();
        let _ = writeln!(
            text,
            "{}\t{}\t{}\t{}\t{}\t{}\t{:.3e}\t{:.3e}\t{}",
            row.program,
            row.set,
            row.shared.len(),
            row.n_program,
            row.n_set,
            row.n_universe,
            row.p_value,
            row.q_value,
            genes.join(",")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// scipy 1.17.1, hypergeom.sf(shared - 1, n, marked, drawn).
    #[test]
    fn tails_are_those_of_scipy() {
        let log_factorials = log_factorials(2_000);
        let check = |(shared, drawn, marked, n), expected: f64| {
            let found = upper_tail(shared, drawn, marked, n, &log_factorials);
            assert!((found / expected - 1.0).abs() < 1e-9, "found {found}, expected {expected}");
        };
        check((3, 10, 20, 100), 0.3187799361823112);
        check((8, 10, 8, 100), 2.4182121125758803e-10);
        check((40, 300, 120, 2000), 1.5691452121299108e-07);
        check((1, 5, 3, 9), 0.9523809523809523);
        check((9, 10, 9, 10), 1.0);
    }

    /// scipy 1.17.1, false_discovery_control, of the p-values with the four pairs that share nothing at 1.
    #[test]
    fn q_values_count_the_tests_that_found_nothing() {
        let program =
            |genes: std::ops::Range<u32>| Program { genes: genes.map(|gene| (gene, 0.5)).collect() };
        let programs = [program(1..11), program(11..31)];
        let set = |name: &str, genes: Vec<u32>| (name.to_owned(), genes);
        let sets = GeneSets {
            sets: vec![
                set("first", (1..9).collect()),
                set("mixed", vec![1, 2, 11, 12, 13, 50, 51, 52]),
                set("second", (20..28).collect()),
                set("elsewhere", (60..70).collect()),
                set("tiny", vec![1, 2]),
            ],
            n_unknown: 0,
        };
        let found = enrichment(&programs, &sets, 100);
        let names: Vec<(usize, &str, usize)> =
            found.iter().map(|row| (row.program, row.set.as_str(), row.shared.len())).collect();
        assert_eq!(names, [(1, "first", 8), (2, "second", 8), (1, "mixed", 2), (2, "mixed", 3)]);
        for (row, expected) in found.iter().zip([
            1.9345696900607042e-09,
            2.7077527095216317e-06,
            0.39197596691812314,
            0.39197596691812314,
        ]) {
            assert!((row.q_value / expected - 1.0).abs() < 1e-6, "{row:?}, expected {expected}");
        }
    }
}
