//! Edges from attention: whom does a target ask when its state is made?
//!
//! The encoder's attention has a row for every querying token and a column for every key token. An edge regulator →
//! target is read where the **target queries** and the **regulator is the key**: the target's state is made from the
//! regulator's. For one head of one layer over one chunk, with E the genes of the chunk that the cell expresses:
//!
//! ```text
//! q[i, j]    = p[i, j] / sum over k in E, k != i of p[i, k]     the row's attention among expressed genes
//! c[j]       = mean over i in E, i != j of q[i, j]              what j gets from anyone
//! lift[i, j] = q[i, j] / c[j]                                   1: no more than from anyone
//! ```
//!
//! Without the first step a target that looks at [CLS] or at itself would seem to have no regulator; without the
//! second a gene that everyone looks at (a highly expressed one) would regulate everything. Lifts are averaged over
//! layers, heads, draws and cells, each pair over the times it met: two genes meet where both were drawn into one
//! chunk and both are expressed. Rare pairs are drawn towards 1 as if they had met `PRIOR_MEETINGS` times more.

use panfoma_core::model::{AttentionView, CellBatch};

/// Meetings without preference that every pair starts with, against chance peaks of pairs that hardly ever met.
pub const PRIOR_MEETINGS: f64 = 10.0;

/// Row of each vocabulary gene among the regulators.
pub struct RegulatorRows {
    /// [V + 1] by gene id; `NONE` for genes that are no regulators.
    row: Vec<u32>,
}

const NONE: u32 = u32::MAX;

impl RegulatorRows {
    /// `regulators` are gene ids; `n_genes` is the size of the vocabulary.
    pub fn new(regulators: &[u32], n_genes: usize) -> Self {
        let mut row = vec![NONE; n_genes + 1];
        regulators.iter().zip(0..).for_each(|(&id, at)| row[id as usize] = at);
        Self { row }
    }
}

/// Mean lift of one pair that met in one chunk of one cell.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Meeting {
    /// Row among the regulators.
    pub regulator: u32,
    /// Gene id of the target.
    pub target: u32,
    /// Averaged over layers and heads.
    pub lift: f32,
}

/// Collects the meetings of one cell from the blocks that `PanFoMa::encoder_attention` shows.
pub struct CellMeetings {
    chunks: Vec<ChunkLifts>,
}

/// Sums over the layers and heads of one chunk.
#[derive(Default)]
struct ChunkLifts {
    n_blocks: u32,
    /// Positions in the chunk of expressed genes, and their ids.
    expressed: Vec<(usize, u32)>,
    /// Which of `expressed` are regulators, and their rows.
    regulators: Vec<(usize, u32)>,
    /// [regulators x expressed]
    sum: Vec<f64>,
}

impl CellMeetings {
    /// `cells` holds one cell of `n_chunks` chunks; a value from 1 to `n_bins` - 1 is an expressed gene.
    pub fn new(rows: &RegulatorRows, cells: &CellBatch, n_chunks: usize, n_bins: usize) -> Self {
        assert_eq!(cells.n_cells, 1, "one cell at a time");
        let chunk_len = cells.seq_len / n_chunks;
        let n_bins = n_bins as u32;
        let chunk = |(genes, values): (&[u32], &[u32])| {
            let expressed: Vec<(usize, u32)> = (0..genes.len())
                .filter(|&at| genes[at] != 0 && (1..n_bins).contains(&values[at]))
                .map(|at| (at, genes[at]))
                .collect();
            let regulators: Vec<(usize, u32)> = (0..expressed.len())
                .map(|at| (at, rows.row[expressed[at].1 as usize]))
                .filter(|&(_, row)| row != NONE)
                .collect();
            let sum = vec![0.0; regulators.len() * expressed.len()];
            ChunkLifts { n_blocks: 0, expressed, regulators, sum }
        };
        let chunks = cells.genes.chunks(chunk_len).zip(cells.values.chunks(chunk_len)).map(chunk).collect();
        Self { chunks }
    }

    /// Adds one head of one layer over one chunk.
    pub fn add(&mut self, view: &AttentionView) {
        self.chunks[view.chunk].add(view.probabilities, view.genes.len() + 1);
    }

    /// The pairs of the cell, chunk after chunk.
    pub fn finish(self) -> Vec<Meeting> {
        self.chunks.into_iter().flat_map(ChunkLifts::finish).collect()
    }
}

impl ChunkLifts {
    /// probabilities: [width x width], token 0 = [CLS]
    fn add(&mut self, probabilities: &[f32], width: usize) {
        self.n_blocks += 1;
        let n = self.expressed.len();
        // Two genes have nobody to be compared with.
        if n < 3 || self.regulators.is_empty() {
            return;
        }
        let p = |query: usize, key: usize| {
            f64::from(probabilities[(self.expressed[query].0 + 1) * width + self.expressed[key].0 + 1])
        };
        let row_sums: Vec<f64> =
            (0..n).map(|query| (0..n).filter(|&key| key != query).map(|key| p(query, key)).sum()).collect();
        let uniform = 1.0 / (n - 1) as f64;
        let mut share = vec![0.0; n];
        for (row, &(key, _)) in self.regulators.iter().enumerate() {
            for query in 0..n {
                share[query] = match row_sums[query] {
                    _ if query == key => 0.0,
                    sum if sum > 0.0 => p(query, key) / sum,
                    _ => uniform,
                };
            }
            let mean = share.iter().sum::<f64>() * uniform;
            let sums = &mut self.sum[row * n..(row + 1) * n];
            for (query, sum) in sums.iter_mut().enumerate().filter(|&(query, _)| query != key) {
                *sum += if mean > 0.0 { share[query] / mean } else { 1.0 };
            }
        }
    }

    fn finish(self) -> impl Iterator<Item = Meeting> {
        let n = self.expressed.len();
        let enough = n >= 3 && self.n_blocks > 0;
        let blocks = f64::from(self.n_blocks);
        let rows = if enough { self.regulators.len() } else { 0 };
        (0..rows).flat_map(move |row| {
            let (key, regulator) = self.regulators[row];
            let meetings: Vec<Meeting> = (0..n)
                .filter(|&query| query != key)
                .map(|query| Meeting {
                    regulator,
                    target: self.expressed[query].1,
                    lift: (self.sum[row * n + query] / blocks) as f32,
                })
                .collect();
            meetings
        })
    }
}

/// Sums over the cells of one group.
pub struct Network {
    n_columns: usize,
    /// [regulators x (V + 1)]
    sum: Vec<f64>,
    /// [regulators x (V + 1)]
    meetings: Vec<u32>,
}

impl Network {
    /// Bytes of the sums over so many regulators and genes.
    pub fn bytes(n_regulators: usize, n_genes: usize) -> u64 {
        (n_regulators * (n_genes + 1)) as u64 * 12
    }

    /// No meetings yet.
    pub fn new(n_regulators: usize, n_genes: usize) -> Self {
        let n = n_regulators * (n_genes + 1);
        Self { n_columns: n_genes + 1, sum: vec![0.0; n], meetings: vec![0; n] }
    }

    /// Adds what one cell says. The order of cells is part of the arithmetic: keep it fixed.
    pub fn add(&mut self, meetings: &[Meeting]) {
        for meeting in meetings {
            let at = meeting.regulator as usize * self.n_columns + meeting.target as usize;
            self.sum[at] += f64::from(meeting.lift);
            self.meetings[at] += 1;
        }
    }

    /// Every pair that met: row of the regulator, gene id of the target, score.
    pub fn scores(&self) -> impl Iterator<Item = (u32, u32, f32)> + '_ {
        let met = self.meetings.iter().enumerate().filter(|&(_, &n)| n > 0);
        met.map(|(at, &n)| {
            let score = (self.sum[at] + PRIOR_MEETINGS) / (f64::from(n) + PRIOR_MEETINGS);
            ((at / self.n_columns) as u32, (at % self.n_columns) as u32, score as f32)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One chunk of four tokens after [CLS]: genes 1, 2, 3 expressed, gene 4 at zero; gene 2 is the regulator.
    fn one_chunk() -> (RegulatorRows, CellBatch) {
        let cells = CellBatch { n_cells: 1, seq_len: 4, genes: vec![1, 2, 3, 4], values: vec![5, 1, 9, 0] };
        (RegulatorRows::new(&[2], 4), cells)
    }

    fn meetings(blocks: &[[[f32; 5]; 5]]) -> Vec<Meeting> {
        let (rows, cells) = one_chunk();
        let mut cell = CellMeetings::new(&rows, &cells, 1, 10);
        for (head, block) in blocks.iter().enumerate() {
            let probabilities = block.concat();
            let genes = &cells.genes;
            cell.add(&AttentionView {
                cell: 0,
                chunk: 0,
                layer: 0,
                head,
                genes,
                probabilities: &probabilities,
            });
        }
        cell.finish()
    }

    #[test]
    fn uniform_attention_prefers_nobody() {
        let expected = [(1, 1.0), (3, 1.0)].map(|(target, lift)| Meeting { regulator: 0, target, lift });
        assert_eq!(meetings(&[[[0.2; 5]; 5]]), expected);
    }

    /// By hand: gene 1 spends .3 of its .4 among expressed others on gene 2, gene 3 spends .1 of .4: shares .75 and
    /// .25, mean .5, lifts 1.5 and .5; what goes to [CLS], to itself and to the gene at zero does not count.
    #[test]
    fn the_target_queries_and_the_regulator_is_the_key() {
        let mut block = [[0.2f32; 5]; 5];
        block[1] = [0.3, 0.2, 0.3, 0.1, 0.1];
        block[3] = [0.1, 0.3, 0.1, 0.2, 0.3];
        let lifts: Vec<(u32, f32)> = meetings(&[block]).iter().map(|m| (m.target, m.lift)).collect();
        assert_eq!(lifts, [(1, 1.5), (3, 0.5)]);
        // A second head without preference halves the preference.
        let lifts: Vec<f32> = meetings(&[block, [[0.2; 5]; 5]]).iter().map(|m| m.lift).collect();
        assert_eq!(lifts, [1.25, 0.75]);
    }

    #[test]
    fn pairs_that_met_once_are_drawn_towards_one() {
        let mut network = Network::new(1, 3);
        network.add(&[Meeting { regulator: 0, target: 3, lift: 12.0 }]);
        let rare: Vec<_> = network.scores().collect();
        // (12 + 10 * 1) / (1 + 10)
        assert_eq!(rare, [(0, 3, 2.0)]);
        for _ in 0..89 {
            network.add(&[Meeting { regulator: 0, target: 3, lift: 12.0 }]);
        }
        // (90 * 12 + 10) / 100
        assert_eq!(network.scores().next(), Some((0, 3, 10.9)));
    }
}
