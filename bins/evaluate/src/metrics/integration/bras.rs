//! BRAS, the batch removal adapted silhouette (Rautenstrauch & Ohler, Nature Biotechnology 2025).

use super::groups::sizes;
use super::silhouette::mixing;
use crate::metrics::Undefined;

/// Within each label the mean of 1 − |silhouette|, by cosine distance, b the mean distance to all cells of other batches;
/// averaged over labels; 1 is well mixed.
///
/// Mean cosine distances are products with sums of unit vectors, so the cost is O(n · dim · batches). The only cell of a
/// batch has width 0; a cell at the origin is at distance 1 from all. Labels with one batch, or as many batches as cells,
/// do not count. Source: scib-metrics 0.6, `bras`. Errors: no label counts.
pub fn score(points: &[f32], dim: usize, labels: &[u32], batches: &[u32]) -> Result<f64, Undefined> {
    mixing(labels, batches, |cells, batches| Ok(widths(points, dim, cells, batches)))
}

/// Widths of the cells of one label. batches: [cells]
fn widths(points: &[f32], dim: usize, cells: &[usize], batches: &[u32]) -> Vec<f64> {
    let sizes = sizes(batches);
    // Sums of the unit vectors of each batch, and of all.
    let mut sums = vec![vec![0.0; dim]; sizes.len()];
    let units = cells.iter().map(|&cell| unit(&points[cell * dim..(cell + 1) * dim]));
    for (unit, &batch) in units.clone().zip(batches) {
        sums[batch as usize].iter_mut().zip(&unit).for_each(|(sum, x)| *sum += x);
    }
    let total: Vec<f64> = (0..dim).map(|j| sums.iter().map(|sum| sum[j]).sum()).collect();
    let width = |(unit, &batch): (Vec<f64>, &u32)| {
        let (size, own) = (sizes[batch as usize], &sums[batch as usize]);
        if size < 2.0 {
            return 0.0;
        }
        let similarity_to = |sum: &[f64]| -> f64 { unit.iter().zip(sum).map(|(a, b)| a * b).sum() };
        let (to_own, to_all) = (similarity_to(own), similarity_to(&total));
        let to_itself = if unit.iter().any(|&x| x != 0.0) { 1.0 } else { 0.0 };
        let within = 1.0 - (to_own - to_itself) / (size - 1.0);
        let between = 1.0 - (to_all - to_own) / (cells.len() as f64 - size);
        let larger = within.max(between);
        if larger > 0.0 { (between - within) / larger } else { 0.0 }
    };
    units.zip(batches).map(width).collect()
}

fn unit(point: &[f32]) -> Vec<f64> {
    let length = point.iter().map(|&x| f64::from(x).powi(2)).sum::<f64>().sqrt();
    point.iter().map(|&x| if length > 0.0 { f64::from(x) / length } else { 0.0 }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::goldens::{close, json, pbmc_cells};

    #[test]
    fn bras_is_that_of_scib_metrics() {
        let (points, labels, batches) = pbmc_cells();
        close(score(&points, 50, &labels, &batches).unwrap(), &json("integration_pbmc.json")["bras"], 1e-9);
    }

    #[test]
    fn one_batch_gives_a_reason_and_cells_at_the_origin_do_no_harm() {
        let (points, labels, _) = pbmc_cells();
        assert!(score(&points, 50, &labels, &[0; 700]).is_err());
        assert_eq!(score(&[0.0; 8], 2, &[0; 4], &[0, 1, 0, 1]), Ok(1.0));
    }
}
