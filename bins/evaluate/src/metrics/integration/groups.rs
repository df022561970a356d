//! Codes of labels and batches: how many, how large, which cells.

/// Number of cells of each code, [largest code + 1].
pub fn sizes(groups: &[u32]) -> Vec<f64> {
    let mut sizes = vec![0.0; groups.iter().max().map_or(0, |&max| max as usize + 1)];
    groups.iter().for_each(|&group| sizes[group as usize] += 1.0);
    sizes
}

/// Number of different codes.
pub fn count(groups: &[u32]) -> usize {
    sizes(groups).iter().filter(|&&size| size > 0.0).count()
}

/// The cells of each code that occurs, in the order of codes.
pub fn members(groups: &[u32]) -> Vec<Vec<usize>> {
    let mut members = vec![Vec::new(); sizes(groups).len()];
    groups.iter().enumerate().for_each(|(cell, &group)| members[group as usize].push(cell));
    members.retain(|cells| !cells.is_empty());
    members
}

/// Some rows of a matrix. points: [n × dim]
pub fn rows(points: &[f32], dim: usize, cells: &[usize]) -> Vec<f32> {
    cells.iter().flat_map(|&cell| &points[cell * dim..(cell + 1) * dim]).copied().collect()
}

/// Codes renumbered from 0 without gaps, in their order.
pub fn compact(codes: &[u32]) -> Vec<u32> {
    let mut used = codes.to_vec();
    used.sort_unstable();
    used.dedup();
    codes.iter().map(|code| used.binary_search(code).expect("every code was collected") as u32).collect()
}

/// The middle value, the mean of the middle two of an even number; NaN are left out, of none it is NaN.
pub fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if sorted.is_empty() {
        return f64::NAN;
    }
    sorted.sort_unstable_by(f64::total_cmp);
    let middle = &sorted[(sorted.len() - 1) / 2..=sorted.len() / 2];
    middle.iter().sum::<f64>() / middle.len() as f64
}
