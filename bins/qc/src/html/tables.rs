//! The page's tables.

use super::number;
use super::summary::{Group, rules};
use crate::Measured;
use crate::report::Skipped;
use maud::{Markup, html};

/// Cells in, removed by each rule, kept, and medians of the kept.
pub fn cells(groups: &[Group], first: &str) -> Markup {
    let rules = rules(groups);
    html! {
        table {
            thead { tr {
                th { (first) } th.n { "cells read" }
                @for rule in &rules { th.n { (rule.name()) } }
                th.n { "kept" } th.n { "kept, %" } th.n { "median genes" } th.n { "median counts" } th.n { "median % mt" }
            } }
            @for group in groups {
                tr {
                    td { (group.name) } td.n { (group.cells.len()) }
                    @for rule in &rules { td.n { (group.removed.get(rule).map_or("–".to_owned(), usize::to_string)) } }
                    td.n { (group.passed) } td.n { (format!("{:.1}", 100.0 * (1.0 - group.removed_share()))) }
                    td.n { (number(group.medians.n_genes)) } td.n { (number(group.medians.total)) }
                    td.n { (number(group.medians.pct_mt)) }
                }
            }
        }
    }
}

/// What was found in each sample.
pub fn doublets(groups: &[Group]) -> Markup {
    let share = |share: Option<f64>| share.map_or("–".to_owned(), |share| format!("{:.1}", 100.0 * share));
    html! {
        table {
            thead { tr {
                th { "sample" } th.n { "cells scored" } th.n { "called" } th.n { "called, %" } th.n { "threshold" }
                th.n { "detectable, %" } th.n { "estimated rate, %" } th { "remark" }
            } }
            @for group in groups {
                @for found in &group.doublets {
                    tr {
                        td { (group.name) } td.n { (found.scored) }
                        @if let Some(threshold) = found.threshold {
                            td.n { (found.called) } td.n { (share(Some(found.called as f64 / found.scored.max(1) as f64))) }
                            td.n { (format!("{threshold:.3}")) }
                        } @else { td.n { "–" } td.n { "–" } td.n { "–" } }
                        td.n { (share(found.detectable_share)) } td.n { (share(found.estimated_rate)) }
                        td { (found.reason.as_deref().unwrap_or_default()) }
                    }
                }
            }
        }
    }
}

/// How the gene names of each study were understood.
pub fn genes(studies: &[Measured]) -> Markup {
    html! {
        table {
            thead { tr {
                th { "study" } th { "counts from" } th { "names from" } th.n { "genes" } th.n { "mapped" } th.n { "mapped, %" } th.n { "Ensembl ids" }
                th.n { "symbols" } th.n { "previous" } th.n { "aliases" } th.n { "added to another" } th.n { "ambiguous" } th.n { "unmapped" } th { "unmapped, first" }
            } }
            @for study in studies {
                @let (genes, counts) = (&study.study.genes, &study.study.genes.counts);
                @let unmapped = genes.names.iter().zip(&genes.known).filter(|(_, known)| known.is_none());
                @let unmapped: Vec<&str> = unmapped.map(|(name, _)| name.as_str()).take(5).collect();
                tr {
                    td { (study.study.name) } td { (study.study.source) } td { (genes.column) } td.n { (counts.genes) }
                    td.n { (counts.mapped()) } td.n { (format!("{:.1}", 100.0 * counts.coverage())) }
                    td.n { (counts.ensembl) } td.n { (counts.approved) } td.n { (counts.previous) } td.n { (counts.alias) }
                    td.n { (counts.duplicated) } td.n { (counts.ambiguous) } td.n { (counts.unmapped) }
                    td { (unmapped.join(", ")) }
                }
            }
        }
    }
}

/// Inputs left out.
pub fn skipped(skipped: &[Skipped]) -> Markup {
    html! {
        table {
            tr { th { "study" } th { "reason" } }
            @for skipped in skipped { tr { td { (skipped.study) } td { (skipped.reason) } } }
        }
    }
}
