//! `--config FILE.toml`: a flag a line, under the flag's own name; flags on the command line win.

use super::error::UserError;
use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command};
use std::ffi::OsString;
use std::path::Path;

/// The arguments that the file adds to a command line parsed as `matches`.
pub fn arguments(path: &Path, command: &Command, matches: &ArgMatches) -> anyhow::Result<Vec<OsString>> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| anyhow::Error::new(error).context(format!("reading `{}`", path.display())))?;
    let table: toml::Table = text
        .parse()
        .map_err(|error| UserError::config(format!("`{}` is not TOML: {error}", path.display())))?;
    let mut added = Vec::new();
    for (key, value) in &table {
        let Some(arg) =
            command.get_arguments().find(|arg| arg.get_long() == Some(key.replace('_', "-").as_str()))
        else {
            return Err(UserError::config(format!("`{}` sets `{key}`, which is no flag", path.display()))
                .hint("the keys are the long flags that `--help` lists, without dashes in front")
                .into());
        };
        if matches.value_source(arg.get_id().as_str()) == Some(ValueSource::CommandLine) {
            continue;
        }
        let flag = format!("--{}", key.replace('_', "-"));
        if matches!(arg.get_action(), ArgAction::SetTrue) {
            match value {
                toml::Value::Boolean(true) => added.push(flag.into()),
                toml::Value::Boolean(false) => {}
                _ => return Err(wrong(path, key, "true or false")),
            }
            continue;
        }
        for value in value.as_array().map_or(std::slice::from_ref(value), Vec::as_slice) {
            let value = match value {
                toml::Value::String(text) => text.clone(),
                toml::Value::Integer(number) => number.to_string(),
                toml::Value::Float(number) => number.to_string(),
                toml::Value::Boolean(flag) => flag.to_string(),
                _ => return Err(wrong(path, key, "a text, a number or a list of them")),
            };
            added.push(format!("{flag}={value}").into());
        }
    }
    Ok(added)
}

fn wrong(path: &Path, key: &str, expected: &str) -> anyhow::Error {
    UserError::config(format!("`{}`: `{key}` must be {expected}", path.display())).into()
}
