//! Several evaluations side by side: `--compare`.

mod page;
mod run;

use crate::args::NamedFile;
use crate::{Args, report};
use anyhow::Context as _;
use panfoma_core::artifact::{Header, Provenance, atomic, metrics, provenance};
use panfoma_core::report::command;
use panfoma_core::stage::{Context, UserError};
pub use run::Run;
use serde_json::json;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;

/// What a comparison shows.
pub struct Comparison {
    /// Format, version, provenance.
    pub header: Header,
    /// The command with file names only.
    pub command: String,
    /// The runs in the order in which they were given.
    pub runs: Vec<Run>,
}

/// Reads the evaluations and writes `metrics.json`, `comparison.tsv` and `report.html`.
pub fn compare(args: &Args, context: &Context, started: Instant) -> anyhow::Result<()> {
    if let Some((flag, _)) = args.inputs().into_iter().find(|(flag, _)| *flag != "--compare") {
        let message = format!("`--compare` shows finished evaluations; `{flag}` is for a new one");
        return Err(UserError::usage(message).hint("evaluate first, then compare the outputs").into());
    }
    let names = names(&args.compare);
    if let Some(name) = repeated(&names) {
        return Err(UserError::usage(format!("two evaluations would be called `{name}`"))
            .hint("name them, `--compare a=DIR b=DIR`")
            .into());
    }
    let runs = names.into_iter().zip(&args.compare).map(|(name, file)| Run::read(name, &file.path));
    let runs: Vec<Run> = runs.collect::<anyhow::Result<_>>()?;
    if context.dry_run {
        let listed: Vec<&str> = runs.iter().map(|run| run.name.as_str()).collect();
        println!("would compare {} and write {}", listed.join(", "), args.output.display());
        return Ok(());
    }
    let inputs: Vec<_> = args.compare.iter().map(|file| file.path.join(run::FILE)).collect();
    let provenance = Provenance::new(context, inputs.iter().map(|path| path.as_path()))?;
    let comparison = Comparison {
        command: command::line(&provenance, &args.words(), &crate::args::NAMED, &args.output),
        header: Header::new(metrics::FORMAT, metrics::VERSION, provenance),
        runs,
    };
    atomic::write_directory(&args.output, |directory| comparison.write(directory))?;
    provenance::write_run_record(&args.output, context, started)
}

/// Those given; else the directory's name, and its parent's where all would be called alike (`*/evaluation`).
fn names(runs: &[NamedFile]) -> Vec<String> {
    let part = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned());
    let own = |file: &NamedFile| part(&file.path).unwrap_or_default();
    let distinct: BTreeSet<String> = runs.iter().map(own).collect();
    let parents = runs.len() > 1 && distinct.len() == 1;
    let parent = |file: &NamedFile| file.path.parent().and_then(part);
    let name = |file: &NamedFile| {
        let found = if parents { parent(file) } else { None };
        file.name.clone().or(found).unwrap_or_else(|| own(file))
    };
    runs.iter().map(name).collect()
}

fn repeated(names: &[String]) -> Option<&String> {
    let mut seen = BTreeSet::new();
    names.iter().find(|name| !seen.insert(*name))
}

impl Comparison {
    fn write(&self, directory: &Path) -> anyhow::Result<()> {
        let mut whole = serde_json::to_value(&self.header)?;
        whole["runs"] = self
            .runs
            .iter()
            .map(|run| json!({"name": run.name, "headline": run.headline, "warnings": run.warnings, "metrics": run.rows}))
            .collect();
        let mut text = serde_json::to_string_pretty(&whole)?;
        text.push('\n');
        std::fs::write(directory.join("metrics.json"), text).context("writing `metrics.json`")?;
        std::fs::write(directory.join("comparison.tsv"), self.tsv()).context("writing `comparison.tsv`")?;
        report::write(directory, |figures| page::page(self, figures)).map(drop)
    }

    /// Every number of every run, one a row.
    fn tsv(&self) -> String {
        let columns =
            ["run", "metric", "method", "split", "group", "value", "ci_low", "ci_high", "ci_over", "n"];
        let mut data = panfoma_core::report::figure::Data::new(&columns);
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for run in &self.runs {
            for row in &run.rows {
                let interval = row.interval.as_ref();
                data.push(vec![
                    run.name.clone(),
                    row.metric.clone(),
                    row.method.clone(),
                    row.split.clone(),
                    row.group.clone(),
                    number(row.value),
                    number(interval.map(|i| i.low)),
                    number(interval.map(|i| i.high)),
                    interval.map_or_else(String::new, |i| i.over.to_string()),
                    row.n.to_string(),
                ]);
            }
        }
        data.tsv()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evaluations_are_called_by_what_tells_them_apart() {
        let found =
            |paths: &[&str]| names(&paths.iter().map(|path| path.parse().unwrap()).collect::<Vec<_>>());
        assert_eq!(found(&["a/evaluation", "b/evaluation"]), ["a", "b"]);
        assert_eq!(found(&["a/one", "a/two"]), ["one", "two"]);
        assert_eq!(found(&["x=a/evaluation", "b/evaluation"]), ["x", "b"]);
        assert_eq!(found(&["a/evaluation"]), ["evaluation"]);
        assert_eq!(repeated(&found(&["x=a", "x=b"])).map(String::as_str), Some("x"));
    }
}
