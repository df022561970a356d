//! How the losses went.

use super::curves::{self, Line};
use crate::outcome::Outcome;
use maud::{Markup, html};
use panfoma_core::artifact::checkpoint::History;
use panfoma_core::report::figure::{Figures, file_name};

/// A figure for each model.
pub fn section(outcome: &Outcome, figures: &Figures) -> Markup {
    let lines = |history: &History| -> Vec<Line> {
        let line = |name: &str, split, metric, colour, dashed| Line {
            name: name.to_owned(),
            colour,
            dashed,
            points: history
                .values(split, metric)
                .into_iter()
                .map(|(step, value)| (step as f64, value))
                .collect(),
        };
        let lines = vec![
            line("train loss", "train", "loss", "#56b4e9", false),
            line("validation loss", "valid", "loss", "#d55e00", false),
            line("bin- or class-frequency baseline, validation", "valid", "baseline", "#57606a", true),
        ];
        let mut lines: Vec<Line> = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
        if !lines.iter().any(|line| line.dashed) {
            lines.push(line(
                "bin- or class-frequency baseline, training",
                "train",
                "baseline",
                "#57606a",
                true,
            ));
            lines.retain(|line| !line.points.is_empty());
        }
        lines
    };
    html! {
        @if !outcome.inputs.histories.is_empty() { h2 { "Training" } }
        @for (name, history) in &outcome.inputs.histories {
            @let lines = lines(history);
            h3 { (name) }
            @if lines.is_empty() { p { "The model's history holds no loss." } }
            @else { (figures.show(curves::figure(&format!("training_{}", file_name(name)), &lines, "step", "loss (nats)", &format!("{name}: below the dashed line, the model knows more than the frequencies alone.")))) }
        }
    }
}
