use super::*;
use crate::groups::Group;

/// scipy 1.17.1, `ttest_ind(equal_var=False)` for z; `2 * norm.sf(|z|)`; `false_discovery_control` of the three.
#[test]
fn means_are_compared_as_by_scipy() {
    let draws: [[&[f64]; 3]; 2] = [
        [
            &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 10.0],
            &[1.0, 1.5, 1.0, 1.5, 1.0, 1.5, 1.0, 1.5, 1.0, 1.5],
            &[3.0; 10],
        ],
        [
            &[2.0, 2.0, 3.0, 1.0, 2.0, 2.0, 1.0, 3.0, 2.0, 2.0, 2.0, 2.0],
            &[1.25, 1.5, 1.0, 1.5, 1.0, 1.5, 1.0, 1.5, 1.0, 1.5],
            &[1.0, 2.0],
        ],
    ];
    let estimates = draws.map(|pairs| {
        let sums = pairs.iter().map(|values| values.iter().sum());
        let squares = pairs.iter().map(|values| values.iter().map(|x| x * x).sum());
        let meetings: Vec<u32> = pairs.iter().map(|values| values.len() as u32).collect();
        Estimates::of_means(sums, squares, &meetings, 1)
    });
    let found = differences(&estimates[0], &estimates[1]);
    // The third pair met in two cells of the second group only.
    assert_eq!(found.iter().map(|found| found.at).collect::<Vec<_>>(), [0, 1]);
    for (found, (z, p, q)) in found
        .iter()
        .zip([(3.596_665_1, 3.223_230e-4, 6.446_460e-4), (-0.218_217_9, 0.827_259_3, 0.827_259_3)])
    {
        assert!((found.z - z).abs() < 1e-5 * z.abs(), "{found:?}, expected {z}");
        assert!(
            (found.p - p).abs() < 1e-4 * p && (found.q - q).abs() < 1e-4 * q,
            "{found:?}, expected {p} {q}"
        );
    }
}

/// By hand: (atanh 0.5 - atanh 0.1) / sqrt(1/97 + 1/47)
#[test]
fn correlations_are_compared_by_fishers_transformation() {
    let of =
        |r: f32, n: f64| Estimates { values: vec![r, f32::NAN], errors: Errors::OfAtanh(1.0 / (n - 3.0)) };
    let found = differences(&of(0.5, 100.0), &of(0.1, 50.0));
    assert_eq!(found.len(), 1);
    let expected = (0.549_306_144_334 - 0.100_335_347_731) / (1.0f64 / 97.0 + 1.0 / 47.0).sqrt();
    assert!((found[0].z - expected).abs() < 1e-6, "{found:?}");
}

#[test]
fn halves_hold_the_cells_of_both_groups_once() {
    let group = |name: &str, cells: std::ops::Range<usize>| Group {
        name: name.to_owned(),
        n_cells: cells.len(),
        cells: cells.collect(),
    };
    let (a, b) = (group("a", 0..40), group("b", 40..100));
    let (one, other) = halves(&a, &b, 3);
    assert_eq!((one.cells.len(), other.cells.len()), (40, 60));
    assert!(one.cells.is_sorted() && other.cells.is_sorted());
    let mut all = [one.cells.clone(), other.cells].concat();
    all.sort_unstable();
    assert_eq!(all, (0..100).collect::<Vec<_>>());
    assert!(one.cells.iter().any(|&cell| cell >= 40));
    assert_eq!(halves(&a, &b, 3).0, one);
    assert_ne!(halves(&a, &b, 4).0, one);
}

#[test]
fn groups_to_compare_are_named_or_all_of_few() {
    let groups: Vec<Group> = ["x", "y", "z"]
        .map(|name| Group { name: name.to_owned(), n_cells: 9, cells: (0..9).collect() })
        .to_vec();
    assert_eq!(Contrast::places(&[], &groups).unwrap(), [(0, 1), (0, 2), (1, 2)]);
    let named = ["z:x".parse().unwrap()];
    assert_eq!(Contrast::places(&named, &groups).unwrap(), [(2, 0)]);
    let unknown = ["z:w".parse().unwrap()];
    assert!(Contrast::places(&unknown, &groups).unwrap_err().message.contains("`w`"));
    assert!(Contrast::places(&[], &groups[..1]).is_err());
    let many: Vec<Group> = (0..6).map(|i| Group { name: i.to_string(), ..groups[0].clone() }).collect();
    assert!(Contrast::places(&[], &many).unwrap_err().message.contains("15 pairs"));
    assert!("x".parse::<Contrast>().is_err() && "x:x".parse::<Contrast>().is_err());
}
