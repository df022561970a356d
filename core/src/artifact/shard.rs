//! Which part of a whole an artifact holds, as one job of an array makes it (`--shard I/N`).

use crate::stage::UserError;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// One of several equal parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    /// From 1 to `of`.
    pub number: u32,
    /// How many shards make the whole.
    pub of: u32,
}

impl Shard {
    /// Its share of `n` things; cuts lie at multiples of `unit`.
    pub fn range(self, n: usize, unit: usize) -> Range<usize> {
        let units = n.div_ceil(unit) as u64;
        let end = |number: u32| ((units * u64::from(number) / u64::from(self.of)) as usize * unit).min(n);
        end(self.number - 1)..end(self.number)
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Self { number, of }),
            _ => Err("expected I/N with I from 1 to N, e.g. 3/8".to_owned()),
        }
    }
}

/// Refuses shards that do not make one whole: cut into other numbers of shards, there twice, or missing. `shards` by number.
pub fn expect_whole(shards: &[(Shard, &Path)]) -> Result<(), UserError> {
    let Some(&(Shard { of, .. }, first)) = shards.first() else {
        return Err(UserError::usage("no shard to merge"));
    };
    if let Some((shard, path)) = shards.iter().find(|(shard, _)| shard.of != of) {
        let (path, first) = (path.display(), first.display());
        let what = format!("`{path}` is shard {shard}, and `{first}` is one of {of}");
        return Err(UserError::bad_data(what).hint("merge the shards of one run"));
    }
    if let Some([(a, at), (_, other)]) = shards.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        let (at, other) = (at.display(), other.display());
        return Err(UserError::bad_data(format!("`{at}` and `{other}` are both shard {a}")));
    }
    let there = |number: &u32| shards.iter().any(|(shard, _)| shard.number == *number);
    let missing: Vec<String> =
        (1..=of).filter(|number| !there(number)).map(|number| Shard { number, of }.to_string()).collect();
    if !missing.is_empty() {
        let what = format!("{} of {of} shards are missing: {}", missing.len(), missing.join(", "));
        return Err(UserError::bad_data(what).hint("name every shard, in any order"));
    }
    Ok(())
}

/// Those paths that are no run records: `shard-*` names the records beside the shards, too.
pub fn without_records(paths: &[PathBuf]) -> Vec<PathBuf> {
    let is_record = |path: &&PathBuf| path.to_string_lossy().ends_with(".run.json");
    paths.iter().filter(|path| !is_record(path)).cloned().collect()
}

/// Refuses a shard where all cells are wanted.
pub fn refuse(shard: Option<Shard>, path: &Path, stage: &str) -> Result<(), UserError> {
    let Some(shard) = shard else { return Ok(()) };
    let what = format!("`{}` is only shard {shard}", path.display());
    Err(UserError::bad_data(what).hint(format!("join all of them by `{stage} --merge`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shard_is_a_number_up_to_that_of_all() {
        assert_eq!("3/8".parse(), Ok(Shard { number: 3, of: 8 }));
        assert_eq!("1/1".parse(), Ok(Shard { number: 1, of: 1 }));
        for wrong in ["0/8", "9/8", "3", "3/", "a/b", "-1/2", "1/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn shards_cover_everything_once_and_are_cut_at_units() {
        for (n, of, unit) in [(10, 3, 1), (10, 3, 4), (0, 2, 4), (3, 5, 1), (4096, 4, 1024), (5000, 3, 1024)]
        {
            let ranges: Vec<_> = (1..=of).map(|number| Shard { number, of }.range(n, unit)).collect();
            let all: Vec<usize> = ranges.iter().cloned().flatten().collect();
            assert_eq!(all, (0..n).collect::<Vec<_>>(), "{n} in {of} by {unit}");
            assert!(ranges.iter().all(|range| range.end % unit == 0 || range.end == n), "{ranges:?}");
        }
    }

    #[test]
    fn what_is_no_whole_is_refused_by_name() {
        let check = |names: &[(&str, &str)], expected: &str| {
            let shards: Vec<(Shard, &Path)> =
                names.iter().map(|(shard, path)| (shard.parse().unwrap(), Path::new(*path))).collect();
            let error = expect_whole(&shards).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&[], "no shard");
        check(&[("1/2", "a"), ("2/3", "b")], "`b` is shard 2/3, and `a` is one of 2");
        check(&[("1/2", "a"), ("1/2", "b")], "`a` and `b` are both shard 1/2");
        check(&[("1/4", "a"), ("3/4", "b")], "2 of 4 shards are missing: 2/4, 4/4");
    }
}
