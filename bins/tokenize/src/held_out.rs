//! Groups that are held out by name, instead of by lot.

use crate::split::{self, Group};
use panfoma_core::artifact::tokens::Split;
use panfoma_core::stage::UserError;

/// Names listed in a message.
const N_LISTED: usize = 12;

/// Names of groups of the column that is split by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeldOut {
    /// These validate.
    pub valid: Vec<String>,
    /// These test.
    pub test: Vec<String>,
}

impl HeldOut {
    /// True if nothing is named: all groups are drawn.
    pub fn is_empty(&self) -> bool {
        self.valid.is_empty() && self.test.is_empty()
    }

    /// Fractions of the groups that are not named: a split whose groups are named gets no other.
    pub fn fractions_of_others(&self, fractions: [f64; 3]) -> [f64; 3] {
        let [train, valid, test] = fractions;
        let valid = if self.valid.is_empty() { valid } else { 0.0 };
        let test = if self.test.is_empty() { test } else { 0.0 };
        let sum = train + valid + test;
        // Everything left trains if nothing else was asked for it.
        if sum > 0.0 { [train / sum, valid / sum, test / sum] } else { [1.0, 0.0, 0.0] }
    }

    /// The split of every group; `names` are those of `groups`. Errors: a name that no group has, or twice.
    pub fn assign(
        &self,
        groups: &[Group],
        names: &[&str],
        fractions: [f64; 3],
        seed: u64,
    ) -> Result<Vec<Split>, UserError> {
        let mut named: Vec<Option<Split>> = vec![None; groups.len()];
        for (split, flag, list) in
            [(Split::Valid, "--valid-groups", &self.valid), (Split::Test, "--test-groups", &self.test)]
        {
            for name in list {
                let Some(at) = names.iter().position(|other| other == name) else {
                    let message = format!("`{flag}`: no cell is of the group `{name}`");
                    let listed = names[..names.len().min(N_LISTED)].join("`, `");
                    let more = if names.len() > N_LISTED { ", …" } else { "" };
                    return Err(UserError::bad_data(message).hint(format!("the groups are `{listed}`{more}")));
                };
                if named[at].replace(split).is_some() {
                    return Err(UserError::usage(format!("the group `{name}` is held out twice")));
                }
            }
        }
        let others: Vec<usize> = (0..groups.len()).filter(|&at| named[at].is_none()).collect();
        let drawn: Vec<Group> = others.iter().map(|&at| groups[at]).collect();
        let drawn = split::assign(&drawn, self.fractions_of_others(fractions), seed);
        let mut splits: Vec<Split> = named.into_iter().map(|split| split.unwrap_or(Split::Train)).collect();
        others.into_iter().zip(drawn).for_each(|(at, split)| splits[at] = split);
        Ok(splits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::name_hash;

    const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "f"];

    fn assign(valid: &[&str], test: &[&str], fractions: [f64; 3]) -> Result<Vec<Split>, UserError> {
        let held_out = HeldOut {
            valid: valid.iter().map(|&name| name.to_owned()).collect(),
            test: test.iter().map(|&name| name.to_owned()).collect(),
        };
        let groups = NAMES.map(|name| Group { name_hash: name_hash(name), stratum: 0 });
        held_out.assign(&groups, &NAMES, fractions, 0)
    }

    fn number(splits: &[Split], of: Split) -> usize {
        splits.iter().filter(|&&split| split == of).count()
    }

    #[test]
    fn named_groups_are_held_out_and_the_others_are_drawn_among_what_is_left() {
        let splits = assign(&[], &["b", "f"], [0.75, 0.25, 0.0]).unwrap();
        assert!(splits[1] == Split::Test && splits[5] == Split::Test);
        assert_eq!(Split::ALL.map(|split| number(&splits, split)), [3, 1, 2]);
        let splits = assign(&["c"], &["b"], [0.8, 0.1, 0.1]).unwrap();
        assert_eq!(splits[2], Split::Valid);
        assert_eq!(Split::ALL.map(|split| number(&splits, split)), [4, 1, 1]);
    }

    #[test]
    fn without_names_all_are_drawn_as_ever() {
        let groups = NAMES.map(|name| Group { name_hash: name_hash(name), stratum: 0 });
        let drawn = split::assign(&groups, [0.5, 0.25, 0.25], 0);
        assert_eq!(assign(&[], &[], [0.5, 0.25, 0.25]).unwrap(), drawn);
    }

    #[test]
    fn names_that_no_group_has_or_that_stand_twice_are_refused() {
        let error = assign(&[], &["g"], [0.8, 0.1, 0.1]).unwrap_err();
        assert!(error.message.contains("the group `g`") && error.hint.unwrap().contains("`a`, `b`"));
        let error = assign(&["a"], &["a"], [0.8, 0.1, 0.1]).unwrap_err();
        assert!(error.message.contains("`a` is held out twice"), "{}", error.message);
    }
}
