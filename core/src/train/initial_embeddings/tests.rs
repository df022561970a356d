use super::*;

const N_GENES: usize = 12;

/// Genes 1 to 6 rise and fall together, so do 7 to 11 on their own; gene 12 is in no cell. Study 1 measured only
/// genes 1 to 8.
fn cells() -> (CellRows, Vec<Panel>) {
    let mut stream = Philox::new(5).stream(0, 0);
    let mut rows = CellRows::new();
    for cell in 0..200u16 {
        let panel = cell % 2;
        let (first, second) = (stream.uniform(), stream.uniform());
        let genes: Vec<(u32, f32, u8)> = (1..=if panel == 0 { 11 } else { 8 })
            .filter_map(|gene| {
                let program = if gene <= 6 { first } else { second };
                let count = (20.0 * program + 3.0 * stream.uniform()).floor() as f32;
                (count > 0.0).then_some((gene, count, 1))
            })
            .collect();
        rows.push(&format!("c{cell}"), panel, 1e4, &genes);
    }
    let panel =
        |genes: std::ops::RangeInclusive<u32>| Panel { study: String::new(), gene_ids: genes.collect() };
    (rows, vec![panel(1..=12), panel(1..=8)])
}

/// [n_cells, n_genes + 1], written out from the definition: a gene that was not measured is 0.
fn dense(rows: &CellRows, panels: &[Panel]) -> Vec<f64> {
    let mut matrix = vec![f64::NAN; rows.n_cells() * (N_GENES + 1)];
    for cell in 0..rows.n_cells() {
        let row = &mut matrix[cell * (N_GENES + 1)..][..N_GENES + 1];
        panels[usize::from(rows.panels[cell])].gene_ids.iter().for_each(|&gene| row[gene as usize] = 0.0);
        for at in rows.range(cell) {
            row[rows.gene_ids[at] as usize] = f64::from(rows.counts[at]).ln_1p();
        }
    }
    for gene in 0..=N_GENES {
        let column = || (0..rows.n_cells()).map(|cell| cell * (N_GENES + 1) + gene);
        let known: Vec<f64> = column().map(|at| matrix[at]).filter(|x| !x.is_nan()).collect();
        let mean = known.iter().sum::<f64>() / known.len().max(1) as f64;
        let variance = known.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / known.len().max(1) as f64;
        for at in column() {
            let known = !matrix[at].is_nan() && variance > 0.0;
            matrix[at] = if known { (matrix[at] - mean) / variance.sqrt() } else { 0.0 };
        }
    }
    matrix
}

#[test]
fn components_are_the_eigenvectors_of_the_dense_correlation() {
    let (rows, panels) = cells();
    let matrix = dense(&rows, &panels);
    let width = N_GENES + 1;
    let mut covariance = vec![0.0; width * width];
    for row in matrix.chunks(width) {
        for at in 0..width * width {
            covariance[at] += row[at / width] * row[at % width] / rows.n_cells() as f64;
        }
    }
    let (values, vectors) = eigen(covariance, width);
    let found = Standardized::new(&rows, &panels, N_GENES).components(2, 3);
    for component in 0..2 {
        let relative = found.variance[component] / values[component];
        assert!((relative - 1.0).abs() < 1e-4, "variance {component}: {relative}");
        let cosine: f64 = (0..width)
            .map(|gene| f64::from(found.directions[gene * 2 + component]) * vectors[gene * width + component])
            .sum();
        assert!((cosine.abs() - 1.0).abs() < 1e-4, "direction {component}: cosine {cosine}");
    }
}

#[test]
fn genes_expressed_together_begin_close_and_a_gene_without_cells_stays_at_zero() {
    let (rows, panels) = cells();
    let components = Standardized::new(&rows, &panels, N_GENES).components(2, 3);
    let genes = turned(&components, 8, 3);
    let cosine = |a: usize, b: usize| {
        let dot = |a: usize, b: usize| (0..8).map(|i| genes[a * 8 + i] * genes[b * 8 + i]).sum::<f32>();
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    };
    assert!(cosine(1, 6) > 0.9 && cosine(7, 8) > 0.9, "{} {}", cosine(1, 6), cosine(7, 8));
    assert!(cosine(1, 7) < 0.5, "{}", cosine(1, 7));
    assert!(genes[12 * 8..].iter().all(|x| x.abs() < 1e-6));
}

#[test]
fn neighbouring_bins_begin_closer_than_distant_ones() {
    let curve = smooth_curve(51, 16, 0);
    let apart =
        |a: usize, b: usize| (0..16).map(|i| (curve[a * 16 + i] - curve[b * 16 + i]).powi(2)).sum::<f32>();
    for bin in 1..50 {
        let far = if bin < 25 { bin + 25 } else { bin - 25 };
        assert!(apart(bin, bin + 1) < 0.5 * apart(bin, far), "bin {bin}");
    }
}

#[test]
fn one_thread_and_three_give_the_same_bits() {
    let (rows, panels) = cells();
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let fit = || turned(&Standardized::new(&rows, &panels, N_GENES).components(4, 3), 8, 3);
        pool.install(fit).into_iter().map(f32::to_bits).collect::<Vec<_>>()
    };
    assert_eq!(run(1), run(3));
}
