//! One finished evaluation, as its `metrics.json` says.

use anyhow::Context as _;
use panfoma_core::artifact::metrics::{self, Metric};
use panfoma_core::stage::UserError;
use serde::Deserialize;
use std::path::Path;

/// What of an evaluation is read.
pub const FILE: &str = "metrics.json";

/// A finished evaluation.
pub struct Run {
    /// What it is called here.
    pub name: String,
    /// The label that was predicted.
    pub label: Option<String>,
    /// What kind of split the scores are on.
    pub split: String,
    /// Who won.
    pub headline: String,
    /// What a reader must know.
    pub warnings: Vec<String>,
    /// Every number.
    pub rows: Vec<Metric>,
    /// BLAKE3 of the tokens that were evaluated: runs of the same cells have the same.
    pub tokens: Option<String>,
}

#[derive(Deserialize)]
struct File {
    format: String,
    version: u32,
    headline: String,
    #[serde(default)]
    label: Option<String>,
    #[serde(default)]
    split: Option<Split>,
    #[serde(default)]
    tokens: Option<String>,
    #[serde(default)]
    warnings: Vec<String>,
    metrics: Vec<Metric>,
}

#[derive(Deserialize)]
struct Split {
    name: String,
}

impl Run {
    /// Reads an evaluation. Errors: 66 without its `metrics.json`, 65 if that is of another program or version.
    pub fn read(name: String, directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join(FILE);
        if !path.is_file() {
            return Err(UserError::missing(&path).hint("name outputs of `panfoma-evaluate`").into());
        }
        let text = std::fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let bad = |what: String| {
            UserError::bad_data(format!("`{}`: {what}", path.display()))
                .hint("name outputs of `panfoma-evaluate`")
        };
        let file: File = serde_json::from_slice(&text).map_err(|error| bad(error.to_string()))?;
        if (file.format.as_str(), file.version) != (metrics::FORMAT, metrics::VERSION) {
            let what = format!(
                "is {} {}, expected {} {}",
                file.format,
                file.version,
                metrics::FORMAT,
                metrics::VERSION
            );
            return Err(bad(what).into());
        }
        Ok(Self {
            name,
            label: file.label,
            split: file.split.map_or_else(|| "–".to_owned(), |split| split.name),
            headline: file.headline,
            warnings: file.warnings,
            tokens: file.tokens,
            rows: file.metrics,
        })
    }

    /// The split that is scored first: test, else valid.
    pub fn primary(&self) -> &str {
        let has = |split: &str| self.rows.iter().any(|row| row.split == split && row.metric == "macro_f1");
        if has("test") || !has("valid") { "test" } else { "valid" }
    }

    /// A number over all cells of a split.
    pub fn get(&self, metric: &str, method: &str, split: &str) -> Option<&Metric> {
        let mut rows = self.rows.iter();
        rows.find(|row| {
            row.metric == metric && row.method == method && row.split == split && row.group == "all"
        })
    }

    /// Methods that have this metric over all cells, in the order of the run.
    pub fn methods(&self, metric: &str) -> Vec<&str> {
        let mut methods: Vec<&str> = Vec::new();
        for row in self.rows.iter().filter(|row| row.metric == metric && row.group == "all") {
            if !methods.contains(&row.method.as_str()) {
                methods.push(&row.method);
            }
        }
        methods
    }
}
