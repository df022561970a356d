//! Cells as the model reads them.

use std::ops::Range;

use super::{ModelConfig, ModelError};

/// Gene id of padding.
pub const PAD_GENE: u32 = 0;

/// Cells of one sequence length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CellBatch {
    /// Cells.
    pub n_cells: usize,
    /// S, tokens of a cell; the model's `seq_len()`.
    pub seq_len: usize,
    /// [n_cells, seq_len] gene ids, 0 = padding.
    pub genes: Vec<u32>,
    /// [n_cells, seq_len] bins, or the configuration's `mask_value()` or `pad_value()`.
    pub values: Vec<u32>,
}

/// Cells with hidden values to predict.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PretrainBatch {
    /// The cells as the model sees them: masked genes have the mask value.
    pub cells: CellBatch,
    /// [n_cells, seq_len] true bins; read where `masked`.
    pub target: Vec<u32>,
    /// [n_cells, seq_len] genes whose value is to be predicted; never padding.
    pub masked: Vec<bool>,
}

impl CellBatch {
    /// A range of the cells.
    pub fn slice(&self, cells: Range<usize>) -> Self {
        let tokens = cells.start * self.seq_len..cells.end * self.seq_len;
        Self {
            n_cells: cells.len(),
            seq_len: self.seq_len,
            genes: self.genes[tokens.clone()].to_vec(),
            values: self.values[tokens].to_vec(),
        }
    }

    pub(super) fn validate(&self, config: &ModelConfig) -> Result<(), ModelError> {
        let refuse = |message: String| Err(ModelError::Batch(message));
        let n = self.n_cells * config.seq_len();
        if self.n_cells == 0
            || self.seq_len != config.seq_len()
            || self.genes.len() != n
            || self.values.len() != n
        {
            return refuse(format!(
                "expected {} cells x {} tokens, found sequences of {} with {} gene ids and {} values",
                self.n_cells,
                config.seq_len(),
                self.seq_len,
                self.genes.len(),
                self.values.len()
            ));
        }
        if let Some(gene) = self.genes.iter().find(|&&gene| gene as usize >= config.n_genes) {
            return refuse(format!("gene id {gene} in a vocabulary of {}", config.n_genes));
        }
        if let Some(value) = self.values.iter().find(|&&value| value > config.pad_value()) {
            return refuse(format!("value id {value} above the padding value {}", config.pad_value()));
        }
        if let Some(cell) = (0..self.n_cells).find(|cell| {
            self.genes[cell * self.seq_len..][..self.seq_len].iter().all(|&gene| gene == PAD_GENE)
        }) {
            return refuse(format!("cell {cell} of the batch holds padding only"));
        }
        Ok(())
    }
}

impl PretrainBatch {
    /// A range of the cells.
    pub fn slice(&self, cells: Range<usize>) -> Self {
        let tokens = cells.start * self.cells.seq_len..cells.end * self.cells.seq_len;
        Self {
            cells: self.cells.slice(cells),
            target: self.target[tokens.clone()].to_vec(),
            masked: self.masked[tokens].to_vec(),
        }
    }

    /// Genes to predict.
    pub fn n_masked(&self) -> usize {
        self.masked.iter().filter(|&&masked| masked).count()
    }

    pub(super) fn validate(&self, config: &ModelConfig) -> Result<(), ModelError> {
        self.cells.validate(config)?;
        let n = self.cells.genes.len();
        if self.target.len() != n || self.masked.len() != n {
            return Err(ModelError::Batch(format!(
                "{n} tokens with {} targets and {} mask flags",
                self.target.len(),
                self.masked.len()
            )));
        }
        for token in (0..n).filter(|&token| self.masked[token]) {
            if self.cells.genes[token] == PAD_GENE {
                return Err(ModelError::Batch(format!("token {token} is masked and padding")));
            }
            if self.target[token] as usize >= config.n_bins {
                return Err(ModelError::Batch(format!(
                    "target {} of token {token} is not one of {} bins",
                    self.target[token], config.n_bins
                )));
            }
        }
        Ok(())
    }
}
