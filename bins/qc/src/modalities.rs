//! What the studies measured beside genes, over the union of their features.

use crate::Measured;
use crate::places::{Places, merge};
use anyhow::Result;
use panfoma_core::matrix::Rows;
use std::collections::HashMap;

/// A modality of a study: its name and the names of its features.
pub type Brought = (String, Vec<String>);

/// A modality of the output.
#[derive(Debug, PartialEq)]
pub struct Modality {
    /// `protein`, `atac`, ...
    pub name: String,
    /// The union of the studies' features, in order of appearance.
    pub features: Vec<String>,
    /// Of each study that measured it, where each of its features stands; equal names are added up.
    positions: Vec<Option<Vec<Option<u32>>>>,
}

/// The modalities of all studies, sorted by name.
pub fn union(studies: &[&[Brought]]) -> Vec<Modality> {
    let mut names: Vec<&str> = studies.iter().copied().flatten().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.into_iter().map(|name| Modality::new(name, studies)).collect()
}

impl Modality {
    fn new(name: &str, studies: &[&[Brought]]) -> Self {
        let mut union = Vec::new();
        let mut places: HashMap<&str, u32> = HashMap::new();
        let mut positions = Vec::with_capacity(studies.len());
        for study in studies {
            let features = study.iter().find(|(other, _)| other == name).map(|(_, features)| features);
            positions.push(features.map(|features| {
                let place = |feature| {
                    Some(*places.entry(feature).or_insert_with(|| {
                        union.push(feature.to_owned());
                        union.len() as u32 - 1
                    }))
                };
                features.iter().map(String::as_str).map(place).collect()
            }));
        }
        Self { name: name.to_owned(), features: union, positions }
    }

    /// Counts of the `kept` cells in blocks; no entries if the study did not measure it.
    pub fn read(&self, number: usize, study: &Measured, kept: &[usize]) -> Result<Vec<Rows>> {
        let own = study.study.modalities.iter().position(|(name, _)| *name == self.name);
        match (&self.positions[number], own) {
            (Some(positions), Some(own)) => merge(&study.modalities[own], kept, &Places::new(positions)),
            _ => Ok(vec![Rows { indptr: vec![0; kept.len() + 1], ..Rows::default() }]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brought(name: &str, features: &[&str]) -> Brought {
        (name.to_owned(), features.iter().map(|&feature| feature.to_owned()).collect())
    }

    #[test]
    fn features_of_several_studies_share_a_place_by_name() {
        let studies = [
            vec![brought("protein", &["CD3", "CD19"]), brought("atac", &["chr1:1-2"])],
            vec![],
            vec![brought("protein", &["CD4", "CD19", "CD4"])],
        ];
        let union = union(&[&studies[0], &studies[1], &studies[2]]);
        let names: Vec<_> = union.iter().map(|modality| modality.name.as_str()).collect();
        assert_eq!(names, ["atac", "protein"]);
        assert_eq!(union[1].features, ["CD3", "CD19", "CD4"]);
        let places = |list: &[u32]| Some(list.iter().copied().map(Some).collect());
        assert_eq!(union[1].positions, [places(&[0, 1]), None, places(&[2, 1, 2])]);
    }
}
