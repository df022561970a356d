//! The command behind a report, as it can be typed again.

use crate::artifact::Provenance;
use serde_json::Value;
use std::path::Path;

/// The tool, `inputs` (flags with their values), every flag of the recorded configuration that was set or has a value by
/// default, seed and output. Paths are file names: a report does not depend on where files lie. `apart` names entries of
/// the configuration that are no flags.
pub fn line(made: &Provenance, inputs: &[(&str, Vec<String>)], apart: &[&str], output: &Path) -> String {
    let mut words = vec![made.tool.clone()];
    for (flag, values) in inputs {
        words.push((*flag).to_owned());
        words.extend(values.iter().map(|value| quoted(value)));
    }
    let flags = made.config.as_object().into_iter().flatten();
    for (name, value) in flags.filter(|(name, _)| !apart.contains(&name.as_str())) {
        let flag = format!("--{}", name.replace('_', "-"));
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => words.push(flag),
            Value::Array(values) if values.is_empty() => {}
            Value::Array(values) => {
                words.push(flag);
                words.extend(values.iter().map(|value| quoted(&text(value))));
            }
            value => words.extend([flag, quoted(&text(value))]),
        }
    }
    words.extend(["--seed".to_owned(), made.seed.to_string(), "-o".to_owned(), quoted(&file_name(output))]);
    words.join(" ")
}

/// A path's last part.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned())
}

/// As a shell takes it for one word.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,+@%=".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn flags_are_those_that_were_set_and_words_are_quoted() {
        let made = Provenance {
            tool: "panfoma-qc".to_owned(),
            tool_version: "1".to_owned(),
            commit: "c".to_owned(),
            config: json!({"layer": "it's", "keep_removed": true, "strict": false, "min": null, "study": [], "keep": ["a", "b c"], "gene_table": "x"}),
            inputs: Vec::new(),
            seed: 5,
        };
        let inputs = [("-i", vec!["a.h5ad".to_owned(), "my file".to_owned()])];
        let line = line(&made, &inputs, &["gene_table"], Path::new("/x/cells.zarr"));
        assert_eq!(
            line,
            r"panfoma-qc -i a.h5ad 'my file' --layer 'it'\''s' --keep-removed --keep a 'b c' --seed 5 -o cells.zarr"
        );
    }
}
