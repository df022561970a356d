//! `--differential`: each contrast beside random halves of the same cells.

use crate::attention::Network;
use crate::correlation::{self, Kind};
use crate::differential::{self, Errors, Estimates, Finding, differences, halves};
use crate::expression::Expression;
use crate::plan::Plan;
use crate::{Known, Method, attention};
use panfoma_core::engine::Machine;
use panfoma_core::stage::{Context, Progress};
use std::collections::BTreeMap;
use std::path::Path;

/// The correlation of every pair, of which edges are the highest.
pub fn correlations(
    plan: &Plan,
    expression: &Expression,
    kind: Kind,
    context: &Context,
) -> anyhow::Result<Estimates> {
    let n_columns = plan.vocabulary().n_genes() + 1;
    let mut values = vec![f32::NAN; plan.regulators.ids.len() * n_columns];
    let each = |regulator: u32, target: u32, r| values[regulator as usize * n_columns + target as usize] = r;
    correlation::scores(expression, kind, &plan.regulators.ids, each, &context.interrupt)?;
    Ok(Estimates { values, errors: Errors::OfAtanh(kind.error(expression.n_cells)) })
}

/// Which edges differ between the groups of each contrast, beside what differs between random halves of the same cells.
pub fn write_differences(
    plan: &Plan,
    machine: &Machine,
    known: &Known,
    path: &Path,
    context: &Context,
) -> anyhow::Result<()> {
    let engine = match plan.channels {
        Some(_) => Some(machine.engine(plan.model().weights()?, None)?),
        None => None,
    };
    let mut findings = Vec::new();
    for &(a, b) in &plan.contrasts {
        let (group_a, group_b) = (&plan.groups[a], &plan.groups[b]);
        let (half_a, half_b) = halves(group_a, group_b, context.seed);
        let mut of_halves: BTreeMap<String, [Estimates; 2]> = BTreeMap::new();
        if let (Some(channels), Some(engine)) = (&plan.channels, &engine) {
            let mut progress =
                Progress::new("cells of halves", (half_a.cells.len() + half_b.cells.len()) as u64);
            let mut network = |half| attention(plan, &**engine, channels, half, context, &mut progress);
            let (one, other) = (network(&half_a)?, network(&half_b)?);
            progress.finish();
            for (channel, name) in channels.names().into_iter().enumerate() {
                let estimates = |network: &Network| network.estimates(channel, plan.args.draws.get());
                of_halves.insert(name, [estimates(&one), estimates(&other)]);
            }
        }
        if plan.has(Method::Correlation) {
            let (one, other) = (plan.expression(&half_a, context)?, plan.expression(&half_b, context)?);
            for kind in Kind::ALL {
                let both =
                    [correlations(plan, &one, kind, context)?, correlations(plan, &other, kind, context)?];
                of_halves.insert(kind.name().to_owned(), both);
            }
        }
        for (method, [one, other]) in of_halves {
            let of = |place| &known[&(method.clone(), place)];
            let between_halves = differences(&one, &other);
            findings.push(Finding {
                differences: differences(of(a), of(b)),
                n_between_halves: between_halves.iter().filter(|found| found.q < differential::MAX_Q).count(),
                method,
                groups: [group_a.name.clone(), group_b.name.clone()],
                cells: [group_a.cells.len(), group_b.cells.len()],
            });
        }
    }
    let top = plan.args.top_edges.get();
    differential::write(path, &findings, &plan.regulators.ids, plan.vocabulary(), top)
}
