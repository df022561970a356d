//! How results were made, as a Process Run Crate: `--run-crate`.
//!
//! Every artifact says which tool made it, with which configuration, from inputs of which digests; `<artifact>.run.json` says
//! when and by which command. Put together by the digests they make one graph from raw matrix to report, in the words of
//! RO-Crate 1.1 and the profile Process Run Crate 0.5 (w3id.org/ro/wfrun/process/0.5).

mod artifact;
mod time;

use crate::Args;
use anyhow::Context as _;
use artifact::Artifact;
use panfoma_core::artifact::atomic;
use panfoma_core::stage::{Context, UserError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;

/// The file's name by the specification.
const FILE: &str = "ro-crate-metadata.json";
const PROFILE: &str = "https://w3id.org/ro/wfrun/process/0.5";

/// Reads the artifacts and writes the crate's description.
///
/// Errors: 64 if the output has another name or an artifact lies outside its directory; 65 for what is no artifact.
pub fn write(args: &Args, context: &Context) -> anyhow::Result<()> {
    if let Some((flag, _)) = args.inputs().first() {
        let message = format!("`--run-crate` describes finished artifacts; `{flag}` is for a new evaluation");
        return Err(UserError::usage(message).into());
    }
    if args.output.file_name().is_none_or(|name| name != FILE) {
        return Err(UserError::usage(format!(
            "`{}` is no name of a crate's description",
            args.output.display()
        ))
        .hint(format!("pass `--output RESULTS/{FILE}`: crates are found by that name"))
        .into());
    }
    let root = args.output.parent().filter(|root| !root.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let root = root.canonicalize().with_context(|| format!("opening `{}`", root.display()))?;
    let artifacts: Vec<Artifact> =
        args.run_crate.iter().map(|path| Artifact::read(path, &root)).collect::<anyhow::Result<_>>()?;
    if context.dry_run {
        println!("would describe {} artifacts in {}", artifacts.len(), args.output.display());
        return Ok(());
    }
    Ok(atomic::write_json(&args.output, &describe(&artifacts))?)
}

/// The whole graph.
fn describe(artifacts: &[Artifact]) -> Value {
    let by_digest: BTreeMap<&str, &str> = artifacts
        .iter()
        .flat_map(|artifact| artifact.digests.iter().map(|digest| (digest.as_str(), artifact.id.as_str())))
        .collect();
    let mut graph: BTreeMap<String, Value> = BTreeMap::new();
    for artifact in artifacts {
        graph.insert(artifact.id.clone(), artifact.entity());
    }
    // What one command made has the same provenance.
    let mut runs: Vec<Vec<&Artifact>> = Vec::new();
    for artifact in artifacts {
        match runs.iter_mut().find(|run| run[0].provenance == artifact.provenance) {
            Some(run) => run.push(artifact),
            None => runs.push(vec![artifact]),
        }
    }
    let mut actions = Vec::new();
    for results in &runs {
        let made = &results[0].provenance;
        let tool = format!("#{}-{}", made.tool, made.tool_version);
        graph.insert(
            tool.clone(),
            json!({
                "@id": tool, "@type": "SoftwareApplication", "name": made.tool, "version": made.tool_version,
                "softwareVersion": format!("{} (commit {})", made.tool_version, made.commit),
                "url": "https://arxiv.org/abs/2512.03111",
            }),
        );
        let mut objects = Vec::new();
        for input in &made.inputs {
            let id = by_digest.get(input.blake3.as_str()).map_or_else(
                || format!("#input-{}", &input.blake3[..16.min(input.blake3.len())]),
                |&id| id.to_owned(),
            );
            graph.entry(id.clone()).or_insert_with(|| json!({
                "@id": id, "@type": "CreativeWork", "name": input.name, "identifier": format!("blake3:{}", input.blake3),
            }));
            objects.push(json!({ "@id": id }));
        }
        let id = format!("#run-{}", results[0].id.trim_end_matches('/'));
        let record = results.iter().find_map(|artifact| artifact.run.as_ref());
        let mut action = json!({
            "@id": id, "@type": "CreateAction", "name": format!("{} of {}", made.tool, results[0].id),
            "description": record.map_or_else(
                || format!("configuration {}, seed {}", made.config, made.seed),
                |run| run.command.clone(),
            ),
            "instrument": { "@id": tool },
            "object": objects,
            "result": results.iter().map(|artifact| json!({ "@id": artifact.id })).collect::<Vec<_>>(),
            "actionStatus": { "@id": "http://schema.org/CompletedActionStatus" },
        });
        if let Some(run) = record {
            action["startTime"] = run.started.clone().into();
            action["endTime"] = run.ended.clone().into();
        }
        graph.insert(id.clone(), action);
        actions.push(json!({ "@id": id }));
    }
    let published = artifacts.iter().filter_map(|artifact| artifact.run.as_ref()).map(|run| &run.ended).max();
    let root = json!({
        "@id": "./", "@type": "Dataset", "name": "Results of the PanFoMa toolkit",
        "description": "What the toolkit's stages made, each from which inputs, by which command",
        "datePublished": published.map_or("1970-01-01T00:00:00Z", String::as_str),
        "license": "not stated: results belong to those whose cells they are made of",
        "conformsTo": { "@id": PROFILE },
        "hasPart": artifacts.iter().map(|artifact| json!({ "@id": artifact.id })).collect::<Vec<_>>(),
        "mentions": actions,
    });
    let about = json!({
        "@id": FILE, "@type": "CreativeWork", "about": { "@id": "./" },
        "conformsTo": [{ "@id": "https://w3id.org/ro/crate/1.1" }],
    });
    let profile =
        json!({ "@id": PROFILE, "@type": "CreativeWork", "name": "Process Run Crate", "version": "0.5" });
    let graph: Vec<Value> = [about, root, profile].into_iter().chain(graph.into_values()).collect();
    json!({ "@context": "https://w3id.org/ro/crate/1.1/context", "@graph": graph })
}
