//! Counts of the cells of one study.

use super::design::{self, CANCER_TYPES, CELL_TYPES, MALIGNANT, Sample, Study};
use super::gene_list::{Gene, Role};
use super::network::Network;
use super::random::{Purpose, choose, log_normal, negative_binomial};
use panfoma_core::rng::{Philox, Stream};

/// Standard deviation of a regulator's activity within a cell type.
const REGULATOR_NOISE: f64 = 0.7;
/// Standard deviation of a patient's shift of a regulator, malignant and other cells.
const PATIENT_SHIFT: [f64; 2] = [0.3, 0.12];
/// Standard deviation of the gene-wise efficiency (natural log) of a study and of a batch in it.
const STUDY_EFFECT: f64 = 0.35;
const BATCH_EFFECT: f64 = 0.1;
/// Standard deviation of the logarithm of depth within a study.
const DEPTH_SPREAD: f64 = 0.42;
const DAMAGED: f64 = 0.05;
const DOUBLETS: f64 = 0.05;
/// Share of malignant and of other cells in cycle.
const CYCLING: [f64; 2] = [0.25, 0.04];
/// Regulators move a gene's log rate by at most this.
const SATURATION: f64 = 3.2;

/// What became of a droplet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quality {
    /// One whole cell.
    Good,
    /// A leaking cell: little depth, much mitochondrial RNA.
    Damaged,
    /// Two cells under one barcode, labelled as the first.
    Doublet,
}

/// One simulated cell.
pub struct Cell {
    /// `S1_P2_T1_AAACCTGAGAAACCAT-1`.
    pub id: String,
    /// Position of its sample in the study.
    pub sample: usize,
    /// Study of the cell.
    pub study: usize,
    /// Row in `CELL_TYPES`.
    pub cell_type: usize,
    /// What became of the droplet.
    pub quality: Quality,
    /// Row in `CELL_TYPES` of the second cell of a doublet.
    pub partner: Option<usize>,
    /// Genes with counts, ascending positions in the universe.
    pub counts: Vec<(u32, u32)>,
    /// Sum of the counts.
    pub total: u32,
}

impl Cell {
    /// The same cell for the ground truth, which needs no counts.
    pub fn without_counts(self) -> Self {
        Self { counts: Vec::new(), ..self }
    }
}

/// All cells of a study, sample after sample.
pub fn simulate(study: &Study, genes: &[Gene], network: &Network, philox: &Philox) -> Vec<Cell> {
    let model = StudyModel::new(study, genes, network, philox);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let per_thread = study.samples.len().div_ceil(threads).max(1);
    let indices: Vec<usize> = (0..study.samples.len()).collect();
    std::thread::scope(|scope| {
        let workers: Vec<_> = indices
            .chunks(per_thread)
            .map(|chunk| scope.spawn(|| chunk.iter().flat_map(|&i| model.sample(i)).collect::<Vec<Cell>>()))
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker does not panic")).collect()
    })
}

struct StudyModel<'a> {
    study: &'a Study,
    genes: &'a [Gene],
    network: &'a Network,
    philox: &'a Philox,
    /// Gene-wise log efficiency by batch, -infinity where the panel misses the gene.
    effect: Vec<Vec<f64>>,
}

impl<'a> StudyModel<'a> {
    fn new(study: &'a Study, genes: &'a [Gene], network: &'a Network, philox: &'a Philox) -> Self {
        let effect = (0..2)
            .map(|batch| genes.iter().map(|gene| efficiency(study, batch, gene, philox)).collect())
            .collect();
        Self { study, genes, network, philox, effect }
    }

    fn sample(&self, index: usize) -> Vec<Cell> {
        let sample = &self.study.samples[index];
        let ambient = self.ambient(sample);
        (0..sample.n_cells).map(|cell| self.cell(index, sample, cell, &ambient)).collect()
    }

    /// The mean expression of the sample, weighted by composition and depth, with a leak of mitochondrial RNA.
    fn ambient(&self, sample: &Sample) -> Vec<f64> {
        let mut ambient = vec![0.0; self.genes.len()];
        for (cell_type, kind) in CELL_TYPES.iter().enumerate() {
            let share = self.share(sample, cell_type, &vec![0.0; self.network.regulators.len()], 0.08);
            let weight = sample.composition[cell_type] * kind.depth;
            ambient.iter_mut().zip(share).for_each(|(sum, share)| *sum += weight * share);
        }
        let total: f64 = ambient.iter().sum();
        ambient.iter_mut().for_each(|rate| *rate /= total);
        ambient
    }

    fn cell(&self, sample_index: usize, sample: &Sample, cell: usize, ambient: &[f64]) -> Cell {
        let key = sample.first_cell + cell as u64;
        let mut draws = self.philox.stream(key, Purpose::Cell as u32);
        let quality = match draws.uniform() {
            u if u < DAMAGED => Quality::Damaged,
            u if u < DAMAGED + DOUBLETS => Quality::Doublet,
            _ => Quality::Good,
        };
        let barcode = barcode(&mut draws);
        let (cell_type, mut depth, mut share) = self.whole_cell(sample, &mut draws, quality);
        let mut partner = None;
        if quality == Quality::Doublet {
            let mut draws = self.philox.stream(key, Purpose::Partner as u32);
            let (other, other_depth, other_share) = self.whole_cell(sample, &mut draws, Quality::Good);
            // One droplet's reagents catch less of two cells than two droplets would.
            let both = depth + other_depth;
            share.iter_mut().zip(other_share).for_each(|(a, b)| *a = (depth * *a + other_depth * b) / both);
            depth = 0.85 * both;
            partner = Some(other);
        }
        let mut draws = self.philox.stream(key, Purpose::Counts as u32);
        let mut counts = Vec::new();
        for (gene, (share, ambient)) in share.iter().zip(ambient).enumerate() {
            let mean = depth * ((1.0 - sample.soup) * share + sample.soup * ambient);
            let count = negative_binomial(draws.uniform(), mean, self.genes[gene].dispersion);
            if count > 0 {
                counts.push((gene as u32, count));
            }
        }
        let total = counts.iter().map(|&(_, count)| count).sum();
        let id = format!("{}_{barcode}-1", sample.name);
        Cell { id, sample: sample_index, study: self.study.index, cell_type, quality, partner, counts, total }
    }

    /// Type, depth and expected share of every gene of one cell.
    fn whole_cell(&self, sample: &Sample, draws: &mut Stream, quality: Quality) -> (usize, f64, Vec<f64>) {
        let cell_type = choose(draws, &sample.composition);
        let kind = &CELL_TYPES[cell_type];
        let mut depth = log_normal(draws, self.study.log_depth + libm::log(kind.depth), DEPTH_SPREAD);
        let mut mt_logit = kind.mt_logit + 0.45 * draws.normal();
        if quality == Quality::Damaged {
            depth *= 0.08 + 0.17 * draws.uniform();
            mt_logit = -0.3 + 0.6 * draws.normal();
        }
        let mut noise: Vec<f64> =
            self.network.regulators.iter().map(|_| REGULATOR_NOISE * draws.normal()).collect();
        let cycling = draws.uniform() < CYCLING[usize::from(cell_type != MALIGNANT)];
        for (regulator, &gene) in self.network.regulators.iter().enumerate() {
            if cycling && self.genes[gene].program == Some(super::programs::index("proliferation")) {
                noise[regulator] += 2.4;
            }
        }
        let mt_share = 1.0 / (1.0 + libm::exp(-mt_logit));
        (cell_type, depth, self.share(sample, cell_type, &noise, mt_share))
    }

    /// Expected share of every gene in a cell's own RNA; sums to 1.
    fn share(&self, sample: &Sample, cell_type: usize, noise: &[f64], mt_share: f64) -> Vec<f64> {
        let activity = self.activity(sample, cell_type, noise);
        let mut shift = vec![0.0; self.genes.len()];
        for edge in &self.network.edges {
            shift[edge.target] += edge.weight * activity[edge.regulator];
        }
        // A regulator's messenger follows its activity, which already holds what is upstream.
        for (&gene, &activity) in self.network.regulators.iter().zip(&activity) {
            shift[gene] = activity;
        }
        let effect = &self.effect[sample.batch];
        let (mut nuclear, mut mitochondrial) = (0.0, 0.0);
        let mut rates: Vec<f64> = Vec::with_capacity(self.genes.len());
        for (gene, (shift, effect)) in self.genes.iter().zip(shift.iter().zip(effect)) {
            let copies = match gene.block {
                Some(block) if cell_type == MALIGNANT => sample.copies[block],
                _ => 0.0,
            };
            let saturated = SATURATION * libm::tanh(shift / SATURATION);
            let rate = libm::exp(gene.log_rate + saturated + copies + effect);
            if gene.role == Role::Mitochondrial {
                mitochondrial += rate
            } else {
                nuclear += rate
            }
            rates.push(rate);
        }
        for (gene, rate) in self.genes.iter().zip(&mut rates) {
            let (part, whole) = if gene.role == Role::Mitochondrial {
                (mt_share, mitochondrial)
            } else {
                (1.0 - mt_share, nuclear)
            };
            *rate *= part / whole;
        }
        rates
    }

    fn activity(&self, sample: &Sample, cell_type: usize, noise: &[f64]) -> Vec<f64> {
        let mut activity = design::state(cell_type, sample.cancer_type, self.philox);
        let scale = PATIENT_SHIFT[usize::from(cell_type != MALIGNANT)];
        let mut shift =
            self.philox.stream(sample.patient_key << 4 | cell_type as u64, Purpose::Patient as u32 | 1 << 8);
        activity.iter_mut().for_each(|level| *level += scale * shift.normal());
        activity.iter_mut().zip(noise).for_each(|(level, noise)| *level += noise);
        for edge in &self.network.edges {
            if let Some(downstream) = self.network.regulators.iter().position(|&gene| gene == edge.target) {
                activity[downstream] += edge.weight * noise[edge.regulator];
            }
        }
        activity
    }
}

/// Log efficiency of a gene in a batch of a study; -infinity if the study's panel misses it.
fn efficiency(study: &Study, batch: usize, gene: &Gene, philox: &Philox) -> f64 {
    if !measures(study, gene, philox) {
        return f64::NEG_INFINITY;
    }
    let key = gene.key() ^ (study.index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let of_study = STUDY_EFFECT * philox.stream(key, Purpose::StudyEffect as u32).normal();
    let of_batch =
        BATCH_EFFECT * philox.stream(key ^ (batch as u64 + 1), Purpose::BatchEffect as u32).normal();
    of_study + of_batch
}

/// Is the gene on the study's panel? Regulators, mitochondrial and ribosomal genes always are.
pub fn measures(study: &Study, gene: &Gene, philox: &Philox) -> bool {
    if !matches!(gene.role, Role::Ordinary | Role::Marker) {
        return true;
    }
    let key = gene.key() ^ (study.index as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    philox.stream(key, Purpose::Panel as u32).uniform() >= study.missing
}

/// Sixteen bases, as a 10x barcode.
fn barcode(draws: &mut Stream) -> String {
    let word = draws.next_u32();
    (0..16).map(|i| char::from(b"ACGT"[(word >> (2 * i) & 3) as usize])).collect()
}

/// The label of the cell's tumour.
pub fn cancer_type(sample: &Sample) -> &'static str {
    CANCER_TYPES[sample.cancer_type]
}
