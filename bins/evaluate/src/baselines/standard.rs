//! Columns shifted and scaled to mean 0 and variance 1 over the training cells.

/// Shift and scale of each column.
pub struct Standard {
    mean: Vec<f32>,
    scale: Vec<f32>,
}

impl Standard {
    /// x: [n × dim]. A column that does not vary becomes 0.
    pub fn fit(x: &[f32], dim: usize) -> Self {
        let n = (x.len() / dim) as f64;
        let column = |j: usize| x.iter().skip(j).step_by(dim).map(|&v| f64::from(v));
        let mean: Vec<f64> = (0..dim).map(|j| column(j).sum::<f64>() / n).collect();
        let deviation = |j: usize| (column(j).map(|v| (v - mean[j]).powi(2)).sum::<f64>() / n).sqrt();
        let scale =
            (0..dim).map(deviation).map(|sd| if sd > 1e-12 { (1.0 / sd) as f32 } else { 0.0 }).collect();
        Self { mean: mean.iter().map(|&m| m as f32).collect(), scale }
    }

    /// In place. x: [n × dim].
    pub fn apply(&self, x: &mut [f32]) {
        for row in x.chunks_exact_mut(self.mean.len()) {
            row.iter_mut().zip(&self.mean).zip(&self.scale).for_each(|((v, m), s)| *v = (*v - m) * s);
        }
    }
}
