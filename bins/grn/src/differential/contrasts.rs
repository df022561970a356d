//! Which groups are compared, and their random halves.

use crate::groups::Group;
use panfoma_core::rng::{Philox, name_hash};
use panfoma_core::stage::UserError;
use std::str::FromStr;

/// Purpose of the stream that cuts halves.
const HALVES: u32 = u32::from_be_bytes(*b"half");
/// Pairs of groups that are compared unasked.
const MOST_UNASKED: usize = 10;

/// Two groups by name: `A:B`.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Contrast {
    /// Positive differences are larger here.
    pub a: String,
    /// And negative ones here.
    pub b: String,
}

impl FromStr for Contrast {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            Some((a, b)) if !a.is_empty() && !b.is_empty() && a != b => {
                Ok(Self { a: a.to_owned(), b: b.to_owned() })
            }
            _ => Err("expected two groups as A:B, e.g. `tumour:healthy`".to_owned()),
        }
    }
}

impl Contrast {
    /// Places of the groups to compare; every pair where none is named.
    ///
    /// Errors: 64 for an unknown group, for one group only, or too many pairs to compare unasked.
    pub fn places(named: &[Self], groups: &[Group]) -> Result<Vec<(usize, usize)>, UserError> {
        let names = || groups.iter().map(|group| format!("`{}`", group.name)).collect::<Vec<_>>().join(", ");
        if groups.len() < 2 {
            return Err(UserError::usage(format!(
                "`--differential` compares groups, and there is only {}",
                names()
            ))
            .hint("pass `--group-by COLUMN` with two groups of enough cells"));
        }
        let all = || (0..groups.len()).flat_map(|a| (a + 1..groups.len()).map(move |b| (a, b)));
        if named.is_empty() && all().count() > MOST_UNASKED {
            return Err(UserError::usage(format!("{} groups make {} pairs", groups.len(), all().count()))
                .hint("name those to compare by `--contrast A:B`"));
        }
        if named.is_empty() {
            return Ok(all().collect());
        }
        let place = |name: &str| {
            groups.iter().position(|group| group.name == name).ok_or_else(|| {
                UserError::usage(format!("`--contrast` names `{name}`, which is no group"))
                    .hint(format!("the groups of enough cells are {}", names()))
            })
        };
        named.iter().map(|contrast| Ok((place(&contrast.a)?, place(&contrast.b)?))).collect()
    }
}

/// The cells of both groups, shuffled and dealt out anew, as many to each as before.
pub fn halves(a: &Group, b: &Group, seed: u64) -> (Group, Group) {
    let mut cells: Vec<usize> = a.cells.iter().chain(&b.cells).copied().collect();
    cells.sort_unstable();
    let contrast = name_hash(&format!("{}:{}", a.name, b.name));
    Philox::new(seed).stream(contrast, HALVES).shuffle(&mut cells);
    let half = |like: &Group, cells: &[usize]| {
        let mut cells = cells.to_vec();
        cells.sort_unstable();
        Group { name: like.name.clone(), n_cells: like.n_cells, cells }
    };
    (half(a, &cells[..a.cells.len()]), half(b, &cells[a.cells.len()..]))
}
