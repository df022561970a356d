//! Who wins, with intervals, in sentences.

use super::SplitScores;
use crate::method::{Method, Role};
use panfoma_core::artifact::tokens::Split;

impl SplitScores {
    /// The model against the best of all rivals.
    pub fn headline(&self, methods: &[Method], split_name: &str) -> String {
        let Some(model) = methods.iter().position(|method| method.role == Role::Model) else {
            return "Neither predictions nor training labels were given: there is no classifier to score."
                .to_owned();
        };
        let cells = match self.split {
            Split::Valid => "validation",
            _ => "held-out test",
        };
        let of_patients = self.patients.as_ref().map_or_else(String::new, |patients| {
            format!(" of {} patient{}", patients.len(), if patients.len() == 1 { "" } else { "s" })
        });
        let on = format!("On {} {cells} cells{of_patients} (split {split_name}), ", self.n_cells);
        let says = |which: usize| {
            let title = lower_first(&methods[which].title);
            format!("{title} reaches a macro-F1 of {}", self.value_with_interval(which, methods))
        };
        let probe = methods.iter().position(|method| method.role == Role::Probe);
        let probe = probe.filter(|&probe| self.macro_f1(probe) > self.macro_f1(model)).map_or_else(
            String::new,
            |probe| {
                let value = self.value_with_interval(probe, methods);
                format!(" A linear probe of its embedding does better than its own head: {value}.")
            },
        );
        let Some(rival) = self.best(methods, |method| method.role == Role::Rival) else {
            return format!(
                "{on}{}.{probe} No baseline could be fitted, so nothing says whether that is good.",
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
        let n = methods.iter().filter(|method| method.role == Role::Rival).count();
        let best = if n == 1 { "The only baseline".to_owned() } else { format!("The best of {n} baselines") };
        let (value, title) = (self.value_with_interval(rival, methods), lower_first(&methods[rival].title));
        format!("{on}{}. {best} is {title}, with {value}. {verdict}{probe}", says(model))
    }

    /// `0.873 [0.854, 0.884]`, the macro-F1 of a method.
    fn value_with_interval(&self, which: usize, methods: &[Method]) -> String {
        let metric = self.get("macro_f1", &methods[which].name);
        let interval = metric.and_then(|metric| metric.interval.as_ref());
        let interval = interval.map_or_else(String::new, |i| format!(" [{:.3}, {:.3}]", i.low, i.high));
        format!("{:.3}{interval}", self.macro_f1(which))
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
