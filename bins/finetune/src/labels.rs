//! Which cells have which class, and which cannot be used.

use crate::args::ClassWeights;
use panfoma_core::artifact::tokens::{Categories, Split, Tokens};
use panfoma_core::stage::UserError;
use std::path::Path;

/// The classes that training cells have, and every cell's.
///
/// Test cells take part in nothing: a class that only they have does not exist here.
#[derive(Clone, Debug, PartialEq)]
pub struct Labels {
    /// The label column.
    pub column: String,
    /// The classes, sorted.
    pub classes: Vec<String>,
    /// One a corpus cell: the index of its class; `None` without a label, of the test split, or of another class.
    pub class: Vec<Option<u32>>,
    /// Training cells of each class.
    pub n_train: Vec<usize>,
    /// Labelled validation cells of a known class.
    pub n_valid: usize,
    /// Training and validation cells without a label.
    pub n_unlabelled: usize,
    /// Classes that only validation cells have, with their cells.
    pub only_in_valid: Vec<(String, usize)>,
}

impl Labels {
    /// Reads the column, or the only label column there is. Errors: no such column, or fewer than two classes.
    pub fn read(tokens: &Tokens, column: Option<&str>, path: &Path) -> anyhow::Result<Self> {
        let column = match (column, tokens.index().label_columns.as_slice()) {
            (Some(column), _) => column.to_owned(),
            (None, [only]) => only.clone(),
            (None, several) => {
                let what = format!(
                    "`{}` has {} label columns: {}",
                    path.display(),
                    several.len(),
                    several.join(", ")
                );
                return Err(UserError::usage(what).hint("name one with `--label COLUMN`").into());
            }
        };
        let categories = tokens.column(&column)?;
        let labels = Self::of(column, &categories, tokens.splits());
        if labels.classes.len() < 2 {
            let (column, n) = (&labels.column, labels.classes.len());
            let what = format!(
                "the training cells of `{}` have {n} class{} of `{column}`, expected at least 2",
                path.display(),
                if n == 1 { "" } else { "es" }
            );
            let hint = "choose another `--label`, or tokenize with a split that puts every class among training cells";
            return Err(UserError::bad_data(what).hint(hint).into());
        }
        Ok(labels)
    }

    fn of(column: String, categories: &Categories, splits: &[Split]) -> Self {
        let count = |split: Split| {
            let mut n = vec![0usize; categories.levels.len()];
            let cells =
                categories.codes.iter().zip(splits).filter(|(code, found)| **found == split && **code >= 0);
            cells.for_each(|(&code, _)| n[code as usize] += 1);
            n
        };
        let (train, valid) = (count(Split::Train), count(Split::Valid));
        let known: Vec<usize> = (0..train.len()).filter(|&level| train[level] > 0).collect();
        let index_of =
            |code: i32| known.binary_search(&usize::try_from(code).ok()?).ok().map(|index| index as u32);
        let cells = || categories.codes.iter().zip(splits).filter(|(_, split)| **split != Split::Test);
        Self {
            column,
            classes: known.iter().map(|&level| categories.levels[level].clone()).collect(),
            class: categories
                .codes
                .iter()
                .zip(splits)
                .map(|(&code, &split)| match split {
                    Split::Test => None,
                    Split::Train | Split::Valid => index_of(code),
                })
                .collect(),
            n_train: known.iter().map(|&level| train[level]).collect(),
            n_valid: known.iter().map(|&level| valid[level]).sum(),
            n_unlabelled: cells().filter(|(code, _)| **code < 0).count(),
            only_in_valid: (0..valid.len())
                .filter(|&level| valid[level] > 0 && train[level] == 0)
                .map(|level| (categories.levels[level].clone(), valid[level]))
                .collect(),
        }
    }

    /// Says what was left out.
    pub fn report(&self) {
        let (classes, train, valid) = (self.classes.len(), self.n_train.iter().sum::<usize>(), self.n_valid);
        tracing::info!(
            "{classes} classes of `{}` on {train} training and {valid} validation cells",
            self.column
        );
        if self.n_unlabelled > 0 {
            tracing::info!(
                "{} training and validation cells have no label and are left out",
                self.n_unlabelled
            );
        }
        for (class, n) in &self.only_in_valid {
            tracing::warn!("no training cell has class `{class}`: its {n} validation cells are left out");
        }
        if valid == 0 {
            tracing::warn!("no validation cell: every epoch is run and the last weights are kept");
        }
    }

    /// One flag a corpus cell: does it have a class?
    pub fn labelled(&self) -> Vec<bool> {
        self.class.iter().map(Option::is_some).collect()
    }

    /// [n_classes] what a cell of each class counts in the loss.
    pub fn weights(&self, weights: ClassWeights) -> Option<Vec<f32>> {
        let all = self.n_train.iter().sum::<usize>() as f64 / self.classes.len() as f64;
        let balanced = || self.n_train.iter().map(|&n| (all / n as f64) as f32).collect();
        (weights == ClassWeights::Balanced).then(balanced)
    }

    /// [n_classes] share of each class among training cells.
    pub fn frequencies(&self) -> Vec<f64> {
        let all = self.n_train.iter().sum::<usize>() as f64;
        self.n_train.iter().map(|&n| n as f64 / all).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Split::{Test, Train, Valid};

    fn labels(cells: &[(Option<&str>, Split)]) -> Labels {
        let categories = Categories::from_values(cells.iter().map(|(label, _)| *label));
        let splits: Vec<Split> = cells.iter().map(|(_, split)| *split).collect();
        Labels::of("type".to_owned(), &categories, &splits)
    }

    #[test]
    fn classes_are_those_of_training_cells_sorted() {
        let found = labels(&[
            (Some("T"), Train),
            (Some("B"), Train),
            (Some("A"), Test),
            (Some("C"), Valid),
            (Some("T"), Valid),
            (None, Train),
            (None, Test),
        ]);
        assert_eq!(found.classes, ["B", "T"]);
        assert_eq!(found.class, [Some(1), Some(0), None, None, Some(1), None, None]);
        assert_eq!((found.n_train.as_slice(), found.n_valid, found.n_unlabelled), ([1, 1].as_slice(), 1, 1));
        assert_eq!(found.only_in_valid, [("C".to_owned(), 1)]);
    }

    #[test]
    fn balanced_weights_let_every_class_count_alike() {
        let found = labels(&[(Some("A"), Train), (Some("B"), Train), (Some("B"), Train), (Some("B"), Train)]);
        // sklearn.utils.class_weight.compute_class_weight("balanced") gives 4 / (2 * 1) and 4 / (2 * 3).
        assert_eq!(found.weights(ClassWeights::Balanced), Some(vec![2.0, 2.0 / 3.0]));
        assert_eq!(found.weights(ClassWeights::None), None);
    }
}
