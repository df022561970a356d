//! Files of known edges.

use crate::metrics::network::Sign;
use anyhow::Context as _;
use panfoma_core::stage::UserError;
use std::path::Path;

/// The names of a header's two columns, in lower case.
const HEADERS: [(&str, &str); 5] =
    [("gene1", "gene2"), ("tf", "target"), ("regulator", "target"), ("source", "target"), ("from", "to")];
/// Columns that say what a regulator does: BEELINE's `Type`, DoRothEA's `mor`, and others' names.
const SIGNS: [&str; 5] = ["type", "mor", "sign", "effect", "mode"];

/// A known edge.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The regulating gene.
    pub regulator: String,
    /// The regulated gene.
    pub target: String,
    /// What the file says of it.
    pub sign: Option<Sign>,
}

/// Edges of a CSV or TSV file with a header, in the order of the file.
pub fn read(path: &Path) -> anyhow::Result<Vec<Known>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header = lines.next().map_or("", |(_, line)| line).trim_start_matches('\u{feff}');
    let separator = if header.contains('\t') { '\t' } else { ',' };
    let split = |line: &str| -> Vec<String> {
        line.split(separator).map(|field| field.trim().trim_matches('"').to_owned()).collect()
    };
    let names: Vec<String> = split(header).iter().map(|name| name.to_lowercase()).collect();
    let position = |name: &str| names.iter().position(|found| found == name);
    let columns = HEADERS.iter().find_map(|(a, b)| Some((position(a)?, position(b)?)));
    let Some((regulator, target)) = columns else {
        let message =
            format!("`{}` begins with `{header}`, which names no pair of gene columns", path.display());
        return Err(UserError::bad_data(message)
            .hint("the header must hold `Gene1,Gene2` or `tf,target`")
            .into());
    };
    let sign_column = SIGNS.iter().find_map(|name| position(name));
    let mut edges = Vec::new();
    for (number, line) in lines {
        let fields = split(line);
        match (fields.get(regulator), fields.get(target)) {
            (Some(a), Some(b)) if !a.is_empty() && !b.is_empty() => edges.push(Known {
                regulator: a.clone(),
                target: b.clone(),
                sign: sign_column.and_then(|at| sign(fields.get(at)?)),
            }),
            _ => {
                let message =
                    format!("`{}`, line {}: `{line}` holds no pair of genes", path.display(), number + 1);
                return Err(UserError::bad_data(message).into());
            }
        }
    }
    if edges.is_empty() {
        return Err(UserError::bad_data(format!("`{}` holds no edge", path.display())).into());
    }
    Ok(edges)
}

/// `+`, `activation`, a positive number; `-`, `inhibition`, `repression`, a negative number; else not known.
fn sign(text: &str) -> Option<Sign> {
    let number = || text.parse::<f64>().ok().filter(|&value| value != 0.0).map(|value| value > 0.0);
    let activates = match text.to_lowercase().as_str() {
        "+" | "activation" | "activating" | "up" => Some(true),
        "-" | "inhibition" | "inhibiting" | "repression" | "down" => Some(false),
        _ => number(),
    };
    activates.map(|activates| if activates { Sign::Activation } else { Sign::Inhibition })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> anyhow::Result<Vec<Known>> {
        let path =
            std::env::temp_dir().join(format!("panfoma-network-{}-{}", std::process::id(), text.len()));
        std::fs::write(&path, text).unwrap();
        let edges = read(&path);
        std::fs::remove_file(&path).unwrap();
        edges
    }

    #[test]
    fn columns_are_found_by_header_in_csv_and_tsv() {
        let edge = |sign| vec![Known { regulator: "STAT1".into(), target: "IRF1".into(), sign }];
        let (up, down) = (Some(Sign::Activation), Some(Sign::Inhibition));
        assert_eq!(parse("Gene1,Gene2,Type\nSTAT1,IRF1,+\n").unwrap(), edge(up));
        assert_eq!(parse("tf,target,mor\nSTAT1,IRF1,-1.0\n").unwrap(), edge(down));
        assert_eq!(parse("tf,target,mor\nSTAT1,IRF1,0.0\n").unwrap(), edge(None));
        assert_eq!(parse("tf\tconfidence\ttarget\nSTAT1\tA\tIRF1\n\n").unwrap(), edge(None));
        assert_eq!(parse("\"\",\"tf\",\"target\"\n\"1\",\"STAT1\",\"IRF1\"\n").unwrap(), edge(None));
    }

    #[test]
    fn a_file_without_known_columns_or_with_half_a_pair_is_refused() {
        assert!(
            parse("a,b\nSTAT1,IRF1\n").unwrap_err().to_string().contains("names no pair of gene columns")
        );
        assert!(parse("tf,target\nSTAT1,\n").unwrap_err().to_string().contains("line 2"));
    }
}
