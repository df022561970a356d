//! The same for MultiQC: a row of the general statistics, the methods, the confusion matrix, integration, networks, maps.

use crate::integration::{CONTROL, EMBEDDING};
use crate::metrics::classification::Confusion;
use crate::outcome::Outcome;
use anyhow::Result;
use panfoma_core::artifact::metrics::Metric;
use panfoma_core::report::figure::{self, Figures};
use panfoma_core::report::multiqc::{Group, versions};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Where the files lie, beside the page.
const DIRECTORY: &str = "multiqc";

const GROUP: Group = Group {
    id: "panfoma_evaluate",
    name: "PanFoMa evaluation",
    description: "The model beside baselines on held-out cells, by panfoma-evaluate",
};

/// Metrics in the table of methods: name, head, MultiQC's colour scale.
const METHODS: [(&str, &str, &str); 6] = [
    ("macro_f1", "Macro-F1", "Greens"),
    ("accuracy", "Accuracy", "Greens"),
    ("auroc", "AUROC", "Blues"),
    ("auprc", "AUPRC", "Blues"),
    ("brier", "Brier", "Oranges"),
    ("ece", "ECE", "Oranges"),
];
const INTEGRATION: [&str; 6] = ["avg_bio", "avg_batch", "scib_total", "ilisi", "clisi", "kbet"];

/// Writes the files beside the report in `report`; `run` names the row.
pub fn write(report: &Path, run: &str, outcome: &Outcome, figures: &Figures) -> Result<()> {
    let directory = report.join(DIRECTORY);
    std::fs::create_dir(&directory)?;
    let save = |name: &str, content: Value| {
        std::fs::write(directory.join(format!("panfoma_{name}_evaluate_mqc.json")), format!("{content}\n"))
    };
    if let Some(split) = outcome.splits.first().filter(|_| !outcome.methods.is_empty()) {
        let rows: Vec<&Metric> = split
            .metrics
            .iter()
            .filter(|m| m.group == "all" && METHODS.iter().any(|c| c.0 == m.metric))
            .collect();
        save("general", general(run, outcome))?;
        let description = format!("{} cells of the {} split of {run}.", split.n_cells, split.split.name());
        let headers: Map<String, Value> = METHODS
            .iter()
            .map(|(name, head, scale)| {
                (
                    (*name).to_owned(),
                    json!({"title": head, "format": "{:,.3f}", "scale": scale, "min": 0, "max": 1}),
                )
            })
            .collect();
        let mut table = GROUP.section(
            "methods",
            "Methods",
            &description,
            "table",
            json!({"namespace": GROUP.name, "col1_header": "Method"}),
            by_method(&rows),
        );
        table["headers"] = json!(headers);
        save("methods", table)?;
        if let (Some((_, label)), Some(confusion)) = (&outcome.inputs.label, split.confusions.first()) {
            save("confusion", heatmap(&outcome.methods[0].title, confusion, &label.levels))?;
        }
    }
    let integration: Vec<&Metric> = outcome
        .clustering
        .iter()
        .filter(|m| {
            m.group == "all"
                && INTEGRATION.contains(&&*m.metric)
                && [EMBEDDING, CONTROL].contains(&&*m.method)
        })
        .collect();
    if integration.iter().any(|m| m.value.is_some()) {
        let description = "The embedding beside principal components of the counts; 1 is best.";
        let config = json!({"namespace": GROUP.name, "col1_header": "Embedding", "min": 0});
        save(
            "integration",
            GROUP.section(
                "integration",
                "Integration",
                description,
                "table",
                config,
                by_method(&integration),
            ),
        )?;
    }
    for map in figures.names().into_iter().filter(|name| name.starts_with("umap_")) {
        let picture = report.join(figure::DIRECTORY).join(format!("{map}.png"));
        std::fs::copy(picture, directory.join(format!("panfoma_{map}_evaluate_mqc.png")))?;
    }
    let made = &outcome.header.provenance;
    Ok(std::fs::write(
        directory.join("panfoma_evaluate_mqc_versions.yml"),
        versions(&made.tool, &made.tool_version),
    )?)
}

/// One row of the general statistics: the first method beside the best rival.
fn general(run: &str, outcome: &Outcome) -> Value {
    let split = outcome.splits.first().expect("a split was scored");
    let value = |which: usize| split.get("macro_f1", &outcome.methods[which].name).and_then(|m| m.value);
    let rival = split.best(&outcome.methods, |method| method.role == crate::method::Role::Rival);
    let head = |title: &str, description: &str, scale: &str| json!({"title": title, "description": description, "format": "{:,.3f}", "min": 0, "max": 1, "scale": scale, "namespace": GROUP.name});
    json!({
        "id": format!("{}_general", GROUP.id),
        "plot_type": "generalstats",
        "headers": [
            {"macro_f1": head("Macro-F1", "Macro-F1 of the model on held-out cells", "Greens")},
            {"best_rival": head("Best baseline", "Macro-F1 of the best other method on the same cells", "Greys")},
        ],
        "data": {run: {"macro_f1": value(0), "best_rival": rival.and_then(value)}},
    })
}

/// {method: {metric: value}}; what is undefined is left out.
fn by_method(rows: &[&Metric]) -> Value {
    let mut table = Map::new();
    for row in rows {
        let Some(value) = row.value else { continue };
        let entry = table.entry(row.method.clone()).or_insert_with(|| json!({}));
        entry[&row.metric] = json!(value);
    }
    Value::Object(table)
}

fn heatmap(title: &str, confusion: &Confusion, classes: &[String]) -> Value {
    let scores = confusion.per_class();
    let used: Vec<usize> =
        (0..classes.len()).filter(|&c| scores[c].support + scores[c].predicted > 0).collect();
    let rows: Vec<usize> = used.iter().copied().filter(|&class| scores[class].support > 0).collect();
    let names = |codes: &[usize]| codes.iter().map(|&code| classes[code].clone()).collect::<Vec<_>>();
    let share = |truth: usize, predicted: usize| {
        confusion.count(truth, predicted) as f64 / scores[truth].support as f64
    };
    let data: Vec<Vec<f64>> =
        rows.iter().map(|&truth| used.iter().map(|&predicted| share(truth, predicted)).collect()).collect();
    let description = format!("{title}: share of each true class (rows) by prediction.");
    let config = json!({"min": 0, "max": 1, "square": false, "xlab": "predicted", "ylab": "true", "cluster_rows": false, "cluster_cols": false});
    let mut section = GROUP.section("confusion", "Confusion", &description, "heatmap", config, json!(data));
    section["xcats"] = json!(names(&used));
    section["ycats"] = json!(names(&rows));
    section
}
