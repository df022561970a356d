//! A text column as levels and codes.

use std::collections::{BTreeMap, HashMap};

/// A text column over all cells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Categories {
    /// The distinct values, sorted.
    pub levels: Vec<String>,
    /// One a cell: an index into `levels`, -1 for a missing value.
    pub codes: Vec<i32>,
}

impl Categories {
    /// A cell's value.
    pub fn get(&self, cell: usize) -> Option<&str> {
        usize::try_from(self.codes[cell]).ok().map(|code| self.levels[code].as_str())
    }

    /// From codes into names in any order; names that no cell has, and the empty one, are left out.
    pub fn from_codes(codes: &[i32], names: &[String]) -> Self {
        let mut used = vec![false; names.len()];
        codes.iter().filter(|&&code| code >= 0).for_each(|&code| used[code as usize] = true);
        let occurring = names.iter().zip(&used).filter(|(name, used)| **used && !name.is_empty());
        let mut levels: Vec<String> = occurring.map(|(name, _)| name.clone()).collect();
        levels.sort_unstable();
        levels.dedup();
        let renumbered: Vec<i32> =
            names.iter().map(|name| levels.binary_search(name).map_or(-1, |level| level as i32)).collect();
        let renumber = |&code: &i32| usize::try_from(code).map_or(-1, |code| renumbered[code]);
        Self { codes: codes.iter().map(renumber).collect(), levels }
    }

    /// From values in order of appearance.
    pub fn from_values<'a>(values: impl IntoIterator<Item = Option<&'a str>>) -> Self {
        let mut interner = Interner::default();
        values.into_iter().for_each(|value| interner.push(value));
        interner.finish()
    }
}

/// Collects values in order of appearance and sorts the levels at the end.
#[derive(Default)]
pub(super) struct Interner {
    codes: Vec<i32>,
    known: HashMap<String, i32>,
}

impl Interner {
    pub fn push(&mut self, value: Option<&str>) {
        let Some(value) = value else { return self.codes.push(-1) };
        let code = match self.known.get(value) {
            Some(&code) => code,
            None => {
                let code = self.known.len() as i32;
                self.known.insert(value.to_owned(), code);
                code
            }
        };
        self.codes.push(code);
    }

    pub fn finish(mut self) -> Categories {
        let sorted: BTreeMap<String, i32> = self.known.into_iter().collect();
        let mut renumbered = vec![0; sorted.len()];
        sorted.values().zip(0..).for_each(|(&old, new)| renumbered[old as usize] = new);
        self.codes.iter_mut().filter(|code| **code >= 0).for_each(|code| *code = renumbered[*code as usize]);
        Categories { levels: sorted.into_keys().collect(), codes: self.codes }
    }
}
