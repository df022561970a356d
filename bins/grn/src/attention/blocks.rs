//! One head of one layer over one chunk, read in several forms.

use super::{Channels, Meetings};
use crate::args::Form;
use panfoma_core::model::{AttentionView, CellBatch};

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

/// Collects the meetings of one cell from the blocks that `PanFoMa::encoder_attention` shows.
pub struct CellMeetings<'a> {
    channels: &'a Channels,
    chunks: Vec<Chunk>,
}

/// Sums over the layers and heads of one chunk.
struct Chunk {
    /// Keys that are no padding, [CLS] among them.
    n_keys: usize,
    /// Positions in the chunk of expressed genes, and their ids.
    expressed: Vec<(usize, u32)>,
    /// Which of `expressed` are regulators, and their rows.
    regulators: Vec<(usize, u32)>,
    /// Blocks added to each channel.
    n_blocks: Vec<u32>,
    /// [channels x regulators x expressed]
    sum: Vec<f64>,
}

impl<'a> CellMeetings<'a> {
    /// `cells` holds one cell of `n_chunks` chunks; a value from 1 to `n_bins` - 1 is an expressed gene.
    pub fn new(
        channels: &'a Channels,
        rows: &RegulatorRows,
        cells: &CellBatch,
        n_chunks: usize,
        n_bins: usize,
    ) -> Self {
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
            let n_channels = channels.n_channels();
            Chunk {
                n_keys: 1 + genes.iter().filter(|&&gene| gene != 0).count(),
                sum: vec![0.0; n_channels * regulators.len() * expressed.len()],
                n_blocks: vec![0; n_channels],
                expressed,
                regulators,
            }
        };
        let chunks = cells.genes.chunks(chunk_len).zip(cells.values.chunks(chunk_len)).map(chunk).collect();
        Self { channels, chunks }
    }

    /// Adds one head of one layer over one chunk.
    pub fn add(&mut self, view: &AttentionView) {
        let chunk = &mut self.chunks[view.chunk];
        // Two genes have nobody to be compared with.
        if chunk.expressed.len() < 3 || chunk.regulators.is_empty() {
            return;
        }
        for (at, form) in self.channels.forms.iter().enumerate() {
            let Some((average, own)) = self.channels.of(at, view.layer, view.head) else { return };
            let values = chunk.read(*form, view.probabilities, view.genes.len() + 1);
            chunk.add(average, &values);
            own.into_iter().for_each(|own| chunk.add(own, &values));
        }
    }

    /// The pairs of the cell, chunk after chunk.
    pub fn finish(self) -> Meetings {
        let mut meetings = Meetings::default();
        self.chunks.into_iter().for_each(|chunk| chunk.finish(&mut meetings));
        meetings
    }
}

impl Chunk {
    /// probabilities: [width x width], token 0 = [CLS]. Returns [regulators x expressed].
    fn read(&self, form: Form, probabilities: &[f32], width: usize) -> Vec<f64> {
        let p = |query: usize, key: usize| {
            f64::from(probabilities[(self.expressed[query].0 + 1) * width + self.expressed[key].0 + 1])
        };
        match form {
            Form::Lift => self.lift(p),
            Form::Softmax => self.softmax(p),
            Form::Rank => self.rank(p),
        }
    }

    fn lift(&self, p: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let n = self.expressed.len();
        let row_sums: Vec<f64> =
            (0..n).map(|query| (0..n).filter(|&key| key != query).map(|key| p(query, key)).sum()).collect();
        let uniform = 1.0 / (n - 1) as f64;
        let mut lifts = Vec::with_capacity(self.regulators.len() * n);
        let mut share = vec![0.0; n];
        for &(key, _) in &self.regulators {
            for query in 0..n {
                share[query] = match row_sums[query] {
                    _ if query == key => 0.0,
                    sum if sum > 0.0 => p(query, key) / sum,
                    _ => uniform,
                };
            }
            let mean = share.iter().sum::<f64>() * uniform;
            lifts.extend(share.iter().map(|share| if mean > 0.0 { share / mean } else { 1.0 }));
        }
        lifts
    }

    fn softmax(&self, p: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let queries = 0..self.expressed.len();
        let keys = self.n_keys as f64;
        self.regulators
            .iter()
            .flat_map(|&(key, _)| queries.clone().map(|query| p(query, key) * keys).collect::<Vec<_>>())
            .collect()
    }

    /// Ties, of which columns have many, share their mean rank: the order of genes in a chunk means nothing.
    fn rank(&self, p: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let n = self.expressed.len();
        let by_row: Vec<Vec<f64>> =
            (0..n).map(|query| ranks(&(0..n).map(|key| p(query, key)).collect::<Vec<_>>())).collect();
        let column = |key: usize| ranks(&(0..n).map(|query| by_row[query][key]).collect::<Vec<_>>());
        self.regulators.iter().flat_map(|&(key, _)| column(key)).collect()
    }

    fn add(&mut self, channel: usize, values: &[f64]) {
        self.n_blocks[channel] += 1;
        let sums = &mut self.sum[channel * values.len()..(channel + 1) * values.len()];
        sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }

    fn finish(self, meetings: &mut Meetings) {
        if self.n_blocks.contains(&0) {
            return;
        }
        let (n, n_pairs) = (self.expressed.len(), self.regulators.len() * self.expressed.len());
        for (row, &(key, regulator)) in self.regulators.iter().enumerate() {
            for query in (0..n).filter(|&query| query != key) {
                meetings.pairs.push((regulator, self.expressed[query].1));
                let sums =
                    (0..self.n_blocks.len()).map(|channel| self.sum[channel * n_pairs + row * n + query]);
                meetings
                    .values
                    .extend(sums.zip(&self.n_blocks).map(|(sum, &blocks)| (sum / f64::from(blocks)) as f32));
            }
        }
    }
}

/// Ranks from the least, in the middle of the n-th part of [0, 1] that each takes; ties at their mean.
fn ranks(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_unstable_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0.0;
    for ties in order.chunk_by(|&a, &b| values[a] == values[b]) {
        let next = first + ties.len() as f64;
        ties.iter().for_each(|&at| ranks[at] = (first + next) / 2.0 / n);
        first = next;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One chunk of four tokens after [CLS]: genes 1, 2, 3 expressed, gene 4 at zero; gene 2 is the regulator.
    fn one_chunk() -> (RegulatorRows, CellBatch) {
        let cells = CellBatch { n_cells: 1, seq_len: 4, genes: vec![1, 2, 3, 4], values: vec![5, 1, 9, 0] };
        (RegulatorRows::new(&[2], 4), cells)
    }

    fn channels(form: Form, per_head: bool) -> Channels {
        Channels { layers: vec![0], heads: vec![0, 1], forms: vec![form], per_head }
    }

    /// (target, value) of each pair, by channel.
    fn meetings(channels: &Channels, blocks: &[[[f32; 5]; 5]]) -> Vec<(u32, Vec<f32>)> {
        let (rows, cells) = one_chunk();
        let mut cell = CellMeetings::new(channels, &rows, &cells, 1, 10);
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
        let found = cell.finish();
        assert!(found.pairs.iter().all(|pair| pair.0 == 0));
        let n = channels.n_channels();
        found.pairs.iter().map(|pair| pair.1).zip(found.values.chunks(n).map(<[f32]>::to_vec)).collect()
    }

    /// A head in which gene 1 asks gene 2 most, and gene 3 does not.
    fn block() -> [[f32; 5]; 5] {
        let mut block = [[0.2f32; 5]; 5];
        block[1] = [0.3, 0.2, 0.3, 0.1, 0.1];
        block[3] = [0.1, 0.3, 0.1, 0.2, 0.3];
        block
    }

    const UNIFORM: [[f32; 5]; 5] = [[0.2; 5]; 5];

    #[test]
    fn uniform_attention_prefers_nobody() {
        for (form, indifferent) in [(Form::Lift, 1.0), (Form::Softmax, 1.0), (Form::Rank, 0.5)] {
            assert_eq!(f64::from(indifferent), form.indifferent());
            let found = meetings(&channels(form, false), &[UNIFORM]);
            assert_eq!(found, [(1, vec![indifferent]), (3, vec![indifferent])]);
        }
    }

    /// By hand: gene 1 spends .3 of its .4 among expressed others on gene 2, gene 3 spends .1 of .4: shares .75 and
    /// .25, mean .5, lifts 1.5 and .5; what goes to [CLS], to itself and to the gene at zero does not count.
    #[test]
    fn the_target_queries_and_the_regulator_is_the_key() {
        let found = meetings(&channels(Form::Lift, false), &[block()]);
        assert_eq!(found, [(1, vec![1.5]), (3, vec![0.5])]);
        // A second head without preference halves the preference.
        let found = meetings(&channels(Form::Lift, false), &[block(), UNIFORM]);
        assert_eq!(found, [(1, vec![1.25]), (3, vec![0.75])]);
        // Apart, they are what they are.
        let found = meetings(&channels(Form::Lift, true), &[block(), UNIFORM]);
        assert_eq!(found, [(1, vec![1.25, 1.5, 1.0]), (3, vec![0.75, 0.5, 1.0])]);
    }

    /// Five keys: .3 and .1 are 1.5 and .5 times uniform attention.
    #[test]
    fn softmax_is_probability_over_uniform() {
        assert_eq!(meetings(&channels(Form::Softmax, false), &[block()]), [(1, vec![1.5]), (3, vec![0.5])]);
    }

    /// By hand: over the keys 1, 2, 3, gene 1's row .2 .3 .1 has ranks 2 3 1, gene 2's row ties at 2 2 2, gene 3's row
    /// .3 .1 .2 has 3 1 2. Key 2's column is then 3 2 1: gene 1 ranks third, gene 3 first of three.
    #[test]
    fn ranks_go_along_rows_then_along_columns() {
        let found = meetings(&channels(Form::Rank, false), &[block()]);
        assert_eq!(found, [(1, vec![2.5 / 3.0]), (3, vec![0.5 / 3.0])]);
    }
}
