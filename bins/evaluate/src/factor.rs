//! A text column as sorted levels and codes.

use std::collections::{BTreeMap, HashMap};

/// The code of a missing value.
pub const MISSING: u32 = u32::MAX;

/// A text column: its distinct values, sorted, and a code a cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Factor {
    /// The distinct values, sorted.
    pub levels: Vec<String>,
    /// One a cell: an index into `levels`, or [`MISSING`].
    pub codes: Vec<u32>,
}

impl Factor {
    /// A cell's value.
    pub fn get(&self, cell: usize) -> Option<&str> {
        self.levels.get(self.codes[cell] as usize).map(String::as_str)
    }

    /// Number of cells with a value.
    pub fn n_known(&self) -> usize {
        self.codes.iter().filter(|&&code| code != MISSING).count()
    }

    /// The same column with codes into `levels`, which must be sorted and hold every level of this one.
    pub fn recoded(&self, levels: &[String]) -> Self {
        let code =
            |level: &String| levels.binary_search(level).expect("the wider list holds every level") as u32;
        let codes: Vec<u32> = self.levels.iter().map(code).collect();
        let recode = |&old: &u32| codes.get(old as usize).copied().unwrap_or(MISSING);
        Self { levels: levels.to_vec(), codes: self.codes.iter().map(recode).collect() }
    }
}

/// Collects values in order of appearance; sorts the levels at the end.
#[derive(Default)]
pub struct Builder {
    codes: Vec<u32>,
    known: HashMap<String, u32>,
}

impl Builder {
    /// The next cell's value.
    pub fn push(&mut self, value: Option<&str>) {
        let code = match value {
            None => MISSING,
            Some(value) => match self.known.get(value) {
                Some(&code) => code,
                None => {
                    let code = self.known.len() as u32;
                    self.known.insert(value.to_owned(), code);
                    code
                }
            },
        };
        self.codes.push(code);
    }

    /// The column.
    pub fn finish(mut self) -> Factor {
        let sorted: BTreeMap<String, u32> = self.known.into_iter().collect();
        let mut renumbered = vec![0; sorted.len()];
        sorted.values().zip(0..).for_each(|(&old, new)| renumbered[old as usize] = new);
        for code in self.codes.iter_mut().filter(|code| **code != MISSING) {
            *code = renumbered[*code as usize];
        }
        Factor { levels: sorted.into_keys().collect(), codes: self.codes }
    }
}
