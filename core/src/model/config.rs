//! The numbers that define a model, and the three sizes offered by name.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use super::ModelError;

/// Everything that decides the shapes and the arithmetic of a model; stored as `config.json` beside its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    /// V, gene ids including 0, which is padding.
    pub n_genes: usize,
    /// Q, expression bins; bin 0 = zero counts. Value ids Q and Q + 1 are masked and padding.
    pub n_bins: usize,
    /// D, width of a gene's state.
    pub d_model: usize,
    /// Attention heads; they divide `d_model`.
    pub n_heads: usize,
    /// Inner width of the feed-forward layers.
    pub d_ff: usize,
    /// Applications of the local encoder's layer.
    pub n_encoder_layers: usize,
    /// One set of encoder weights applied `n_encoder_layers` times, as in the paper.
    pub share_encoder_layers: bool,
    /// C, chunks of a cell.
    pub n_chunks: usize,
    /// M, genes of a chunk.
    pub chunk_len: usize,
    /// Layers of the global decoder.
    pub n_decoder_layers: usize,
    /// N, state size of a channel of the selective scan.
    pub d_state: usize,
    /// Inner width of Mamba over `d_model`.
    pub expand: usize,
    /// Taps of Mamba's causal convolution.
    pub d_conv: usize,
    /// Added to the variance in both norms.
    pub norm_eps: f64,
    /// Classes of the class head; 0 = no head.
    pub n_classes: usize,
}

/// Sizes offered by name; every number can be overridden.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// D 64, 2 + 2 layers, 4 x 128 genes: tests, the demo.
    Tiny,
    /// D 128, 4 + 4 layers, 4 x 384 genes: a CPU node.
    Small,
    /// D 512, 6 + 6 layers, 4 x 768 genes: the paper's shape, a GPU.
    Base,
}

impl ModelConfig {
    /// A named size for a vocabulary of `n_genes` ids (including padding) and `n_bins` bins; no class head.
    pub fn preset(preset: Preset, n_genes: usize, n_bins: usize) -> Self {
        let (d_model, n_heads, layers, chunk_len) = match preset {
            Preset::Tiny => (64, 2, 2, 128),
            Preset::Small => (128, 4, 4, 384),
            Preset::Base => (512, 8, 6, 768),
        };
        Self {
            n_genes,
            n_bins,
            d_model,
            n_heads,
            d_ff: 4 * d_model,
            n_encoder_layers: layers,
            share_encoder_layers: true,
            n_chunks: 4,
            chunk_len,
            n_decoder_layers: layers,
            d_state: 16,
            expand: 2,
            d_conv: 4,
            norm_eps: 1e-5,
            n_classes: 0,
        }
    }

    /// Refuses numbers no model can have.
    pub fn validate(&self) -> Result<(), ModelError> {
        let positive = [
            ("d_model", self.d_model),
            ("n_heads", self.n_heads),
            ("d_ff", self.d_ff),
            ("n_encoder_layers", self.n_encoder_layers),
            ("n_chunks", self.n_chunks),
            ("chunk_len", self.chunk_len),
            ("n_decoder_layers", self.n_decoder_layers),
            ("d_state", self.d_state),
            ("expand", self.expand),
            ("d_conv", self.d_conv),
        ];
        let refuse = |message: String| Err(ModelError::InvalidConfig(message));
        for (name, value) in positive {
            if value == 0 {
                return refuse(format!("`{name}` is 0"));
            }
        }
        if self.n_genes < 2 {
            return refuse(format!(
                "`n_genes` is {}: padding and at least one gene are needed",
                self.n_genes
            ));
        }
        if self.n_bins < 2 {
            return refuse(format!("`n_bins` is {}: bin 0 and at least one other are needed", self.n_bins));
        }
        if !self.d_model.is_multiple_of(self.n_heads) {
            return refuse(format!(
                "`n_heads` ({}) does not divide `d_model` ({})",
                self.n_heads, self.d_model
            ));
        }
        // Ids and row numbers are u32.
        if self.n_genes > u32::MAX as usize || self.seq_len() > u32::MAX as usize / 64 {
            return refuse("ids do not fit 32 bits".into());
        }
        if !(self.norm_eps > 0.0 && self.norm_eps < 1.0) {
            return refuse(format!("`norm_eps` is {}, not between 0 and 1", self.norm_eps));
        }
        Ok(())
    }

    /// S, genes of a cell: chunks times chunk length.
    pub fn seq_len(&self) -> usize {
        self.n_chunks * self.chunk_len
    }

    /// E, inner width of Mamba.
    pub fn d_inner(&self) -> usize {
        self.expand * self.d_model
    }

    /// R, rank of the step size's projection.
    pub fn dt_rank(&self) -> usize {
        self.d_model.div_ceil(16)
    }

    /// Value id of a masked gene.
    pub fn mask_value(&self) -> u32 {
        self.n_bins as u32
    }

    /// Value id of padding.
    pub fn pad_value(&self) -> u32 {
        self.n_bins as u32 + 1
    }

    /// Floating-point operations of embedding one full cell (a multiply-add is two).
    pub fn forward_flops(&self) -> f64 {
        let [d, ff, e, n, r] =
            [self.d_model, self.d_ff, self.d_inner(), self.d_state, self.dt_rank()].map(|x| x as f64);
        let tokens = (self.n_chunks * (self.chunk_len + 1)) as f64;
        let encoder = 2.0 * (4.0 * d * d + 2.0 * d * ff) + 4.0 * (self.chunk_len + 1) as f64 * d;
        let mamba = 2.0 * (2.0 * d * e + e * (r + 2.0 * n) + r * e + e * d)
            + e * (2.0 * self.d_conv as f64 + 7.0 * n);
        let decoder = 2.0 * mamba + 2.0 * d * d;
        self.n_encoder_layers as f64 * tokens * encoder
            + self.n_decoder_layers as f64 * self.seq_len() as f64 * decoder
    }

    /// Numbers in the model's parameters.
    pub fn n_params(&self) -> usize {
        let [v, q, d, ff, e, n, r] = [
            self.n_genes,
            self.n_bins,
            self.d_model,
            self.d_ff,
            self.d_inner(),
            self.d_state,
            self.dt_rank(),
        ];
        let embed = v * d + (q + 2) * d + self.n_chunks * d;
        let encoder_layer = 4 * d * d + 4 * d + 2 * d * ff + ff + d + 4 * d;
        let n_sets = if self.share_encoder_layers { 1 } else { self.n_encoder_layers };
        let mamba = 2 * e * d + e * (self.d_conv + 1) + e * (r + 2 * n) + e * (r + 1) + e * n + e + d * e;
        let decoder_layer = d + 2 * mamba + d * d + d;
        let heads = d * d + d + q * d + q + 2 * d * d + d + q * d + q;
        let class = if self.n_classes == 0 { 0 } else { d * d + d + self.n_classes * (d + 1) };
        embed + n_sets * encoder_layer + 2 * d + self.n_decoder_layers * decoder_layer + d + heads + class
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn presets_are_valid_and_base_costs_what_the_design_says() {
        for preset in [Preset::Tiny, Preset::Small, Preset::Base] {
            ModelConfig::preset(preset, 20_000, 51).validate().unwrap();
        }
        let flops = ModelConfig::preset(Preset::Base, 20_000, 51).forward_flops();
        // Counted by hand: GEMM 249, attention 29, scan and convolution 5 GFLOP.
        assert!((flops / 283e9 - 1.0).abs() < 0.01, "{flops:e}");
    }

    #[test]
    fn validate_names_the_number_that_is_wrong() {
        let check = |change: fn(&mut ModelConfig), expected: &str| {
            let mut config = ModelConfig::preset(Preset::Tiny, 100, 51);
            change(&mut config);
            let message = config.validate().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        };
        check(|c| c.n_heads = 3, "`n_heads` (3) does not divide `d_model` (64)");
        check(|c| c.d_state = 0, "`d_state` is 0");
        check(|c| c.n_genes = 1, "`n_genes` is 1");
        check(|c| c.norm_eps = f64::NAN, "`norm_eps` is NaN");
    }
}
