//! Names of cells that are unique over all studies.

use panfoma_core::rng::name_hash;
use std::collections::HashMap;

/// `study:name` for every cell of an input; names that appear again are numbered (`study:name#2`).
///
/// Made one by one: millions of texts are not held beside the names they come from.
pub struct CellIds {
    prefix: String,
    /// Of the cells whose name is an earlier cell's, the name with its number.
    numbered: HashMap<usize, String>,
}

impl CellIds {
    /// For the cells of these names.
    pub fn new(prefix: String, names: &[String]) -> Self {
        let mut hashes: Vec<u64> = names.iter().map(|name| name_hash(name)).collect();
        hashes.sort_unstable();
        let unique = hashes.windows(2).all(|pair| pair[0] != pair[1]);
        Self { prefix, numbered: if unique { HashMap::new() } else { number(names) } }
    }

    /// The id of a cell, whose name is given again.
    pub fn of(&self, cell: usize, name: &str) -> String {
        format!("{}:{}", self.prefix, self.numbered.get(&cell).map_or(name, String::as_str))
    }

    /// How many cells bear the name of an earlier one.
    pub fn n_repeated(&self) -> usize {
        self.numbered.len()
    }
}

fn number(names: &[String]) -> HashMap<usize, String> {
    // The number that the next cell of the same name gets.
    let mut next: HashMap<String, usize> = HashMap::with_capacity(names.len());
    let mut numbered = HashMap::new();
    for (cell, name) in names.iter().enumerate() {
        let mut id = name.clone();
        if let Some(mut number) = next.get(&id).copied() {
            while next.contains_key(&id) {
                id = format!("{name}#{number}");
                number += 1;
            }
            next.insert(name.clone(), number);
            numbered.insert(cell, id.clone());
        }
        next.insert(id, 2);
    }
    numbered
}

#[cfg(test)]
mod tests {
    use super::CellIds;

    fn check(names: &[&str], expected: &[&str], n_repeated: usize) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let ids = CellIds::new("s".to_owned(), &names);
        let found: Vec<String> = names.iter().enumerate().map(|(cell, name)| ids.of(cell, name)).collect();
        assert_eq!(found, expected);
        assert_eq!(ids.n_repeated(), n_repeated);
    }

    #[test]
    fn repeated_names_are_numbered_and_stay_unique() {
        check(&["a", "b", "c"], &["s:a", "s:b", "s:c"], 0);
        check(&["a", "b", "a", "a#2", "a"], &["s:a", "s:b", "s:a#2", "s:a#2#2", "s:a#3"], 3);
    }
}
