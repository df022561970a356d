//! What a reader must know before believing a number.

use crate::classify::SplitScores;
use crate::confounders::{CONFOUNDED, Confounding};
use crate::honesty::SplitKind;
use crate::method::{Method, Role};
use panfoma_core::artifact::tokens::Split;

/// A control that learnt from shuffled labels may be this much better than chance by luck.
const LUCK: f64 = 0.1;

/// In the order in which they should be read: confounding first.
pub fn of(
    label: &str,
    split_kind: &SplitKind,
    split: &SplitScores,
    methods: &[Method],
    confounding: &[Confounding],
) -> Vec<String> {
    let mut warnings: Vec<String> =
        confounding.iter().filter_map(|found| confounded(label, found, split, methods)).collect();
    if split_kind.optimistic {
        warnings.push(format!(
            "The split is {}: cells of one patient may lie on both sides, which flatters every method.",
            split_kind.name
        ));
    }
    if split.split == Split::Valid {
        warnings.push(
            "There are no labelled test cells: the scores are on the validation cells, by which the model was chosen."
                .to_owned(),
        );
    }
    let accuracy = |name: &str| split.get("accuracy", name).and_then(|metric| metric.value);
    if let Some(majority) = accuracy("majority").filter(|&accuracy| accuracy >= 0.95) {
        warnings.push(format!(
            "One label makes up {:.1} % of the held-out cells: accuracy says little, read macro-F1.",
            100.0 * majority
        ));
    }
    warnings.extend(control(split, methods));
    warnings
}

/// Does a column that is not biology give the label away?
fn confounded(label: &str, found: &Confounding, split: &SplitScores, methods: &[Method]) -> Option<String> {
    let column = &found.column;
    let alone = methods.iter().position(|method| method.name == found.method)?;
    let accuracy = split.confusions[alone].accuracy().ok()?;
    // A label of the patient is always pure within samples; within studies that is a flaw of the design.
    let by_design = column == "study" && found.lambda >= CONFOUNDED;
    let model = methods.iter().position(|method| method.role == Role::Model);
    let rest = match model {
        Some(model) => {
            let (difference, (low, _)) = split.difference(model, alone);
            if low > 0.0 {
                format!(
                    " The model's macro-F1 is {difference:.3} above that: only this can be more than the {column}."
                )
            } else {
                let (reached, known) = (split.macro_f1(model), split.macro_f1(alone));
                format!(" The model does not do better than that: macro-F1 {reached:.3} against {known:.3}.")
            }
        }
        None => String::new(),
    };
    let held_out = !found.unseen && beats_guessing(split, alone, methods);
    if held_out {
        Some(format!(
            "The label is confounded with {column}: knowing only its {column} predicts a held-out cell's {label} with \
             accuracy {accuracy:.3} (macro-F1 {:.3}). A high score may mean that the method recognises the {column}.{rest}",
            split.macro_f1(alone)
        ))
    } else if by_design {
        Some(format!(
            "The label is confounded with {column}: {:.1} % of cells bear the most frequent {label} of their {column}, so \
             biology and batch cannot be told apart here. A high score may mean that the method recognises the {column}.",
            100.0 * found.purity
        ))
    } else {
        None
    }
}

/// Are three quarters of the errors of guessing the most frequent label avoided?
fn beats_guessing(split: &SplitScores, alone: usize, methods: &[Method]) -> bool {
    let majority = methods.iter().position(|method| method.name == "majority");
    let accuracy = |which: usize| split.confusions[which].accuracy().unwrap_or(0.0);
    let guessing = majority.map_or(0.0, accuracy);
    accuracy(alone) - guessing > CONFOUNDED * (1.0 - guessing)
}

/// A classifier of shuffled labels that finds the true ones has seen them elsewhere.
fn control(split: &SplitScores, methods: &[Method]) -> Option<String> {
    let control = methods.iter().find(|method| method.role == Role::Control)?;
    let metric = split.get("balanced_accuracy", &control.name)?;
    let (value, interval) = (metric.value?, metric.interval.as_ref()?);
    let n_classes = split.confusions[0].per_class().iter().filter(|class| class.support > 0).count();
    let chance = 1.0 / n_classes as f64;
    (interval.low > chance + LUCK).then(|| {
        format!(
            "Control failed: logistic regression that learnt from shuffled labels reaches a balanced accuracy of {value:.3}, \
             by chance {chance:.3}. Something gives the labels away."
        )
    })
}
