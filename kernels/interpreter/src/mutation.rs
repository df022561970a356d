//! Kernels with one synchronisation removed: a test that still passes does not test it.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// A text with one statement removed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mutant {
    /// Line of the statement, from 1.
    pub line: u32,
    /// The statement.
    pub removed: String,
    /// The text without it; all lines keep their numbers.
    pub text: String,
}

/// What orders threads or waits for copies, as the first letters of a statement behind its guard.
const SYNCHRONISATIONS: &[&str] = &["bar.", "barrier.", "cp.async.wait_group", "cp.async.wait_all"];

/// The text of an entry's module without each of the entry's barriers and waits in turn.
pub fn without_each_synchronisation(ptx: &str, entry: &str) -> Vec<Mutant> {
    let mut mutants = Vec::new();
    let mut inside = false;
    let mut start = 0;
    for (number, line) in (1..).zip(ptx.split_inclusive('\n')) {
        let code = line.split("//").next().unwrap_or_default();
        if let Some((_, rest)) = code.split_once(".entry") {
            let name = rest.split(|c: char| c == '(' || c.is_whitespace()).find(|word| !word.is_empty());
            inside = name == Some(entry);
        }
        for statement in statements(code).filter(|_| inside) {
            let text = code[statement.clone()].trim();
            let unguarded = if text.starts_with('@') {
                text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest.trim_start())
            } else {
                text
            };
            if SYNCHRONISATIONS.iter().any(|opcode| unguarded.starts_with(opcode)) {
                let range = start + statement.start..start + statement.end;
                let without = format!("{}{}", &ptx[..range.start], &ptx[range.end..]);
                mutants.push(Mutant { line: number, removed: text.to_owned(), text: without });
            }
        }
        start += line.len();
    }
    mutants
}

/// Where a line's statements are, with their semicolons.
fn statements(code: &str) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    code.char_indices().filter_map(move |(at, c)| match c {
        ';' => {
            let range = from..at + 1;
            from = at + 1;
            Some(range)
        }
        ':' | '}' => {
            from = at + 1;
            None
        }
        _ => None,
    })
}

/// Mutants of an entry that a check does not notice; empty if the check proves every barrier and wait needed.
///
/// `check` is given a PTX text and fails by an error or a panic. It must pass for the text itself.
///
/// Errors: what the check says of the text itself; an entry without any synchronisation.
pub fn survivors(
    ptx: &str,
    entry: &str,
    check: impl Fn(&str) -> Result<(), String>,
) -> Result<Vec<Mutant>, String> {
    check(ptx).map_err(|error| format!("the check fails for `{entry}` as it is: {error}"))?;
    let mutants = without_each_synchronisation(ptx, entry);
    if mutants.is_empty() {
        return Err(format!("`{entry}` has no barrier and no wait"));
    }
    let survives =
        |mutant: &Mutant| matches!(catch_unwind(AssertUnwindSafe(|| check(&mutant.text))), Ok(Ok(())));
    Ok(mutants.into_iter().filter(survives).collect())
}
