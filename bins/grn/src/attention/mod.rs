//! Edges from attention: whom does a target ask when its state is made?
//!
//! The encoder's attention has a row for every querying token and a column for every key token. An edge regulator →
//! target is read where the **target queries** and the **regulator is the key**: the target's state is made from the
//! regulator's. One head of one layer over one chunk, with E the genes of the chunk that the cell expresses, can be
//! read in three forms (`blocks` has the arithmetic):
//!
//! ```text
//! lift     q[i, j] = p[i, j] / sum over k in E, k != i of p[i, k]     the row's attention among expressed genes
//!          c[j]    = mean over i in E, i != j of q[i, j]              what j gets from anyone
//!          lift    = q[i, j] / c[j]                                   1: no more than from anyone
//! softmax  p[i, j] · keys                                             1: what uniform attention gives
//! rank     ranks of q·k along each row, then along each column, / n   scGPT's recipe (Cui et al., Nat Methods 2024)
//! ```
//!
//! Lift: without the first step a target that looks at [CLS] or at itself would seem to have no regulator; without the
//! second a gene that everyone looks at (a highly expressed one) would regulate everything. Rank: within a row,
//! probabilities have the order of the products q·k they are made of, so the products themselves are not needed.
//!
//! Values are averaged over layers, heads, draws and cells, each pair over the times it met: two genes meet where both
//! were drawn into one chunk and both are expressed. Rare pairs are drawn towards indifference as if they had met
//! `PRIOR_MEETINGS` times more.

mod blocks;
mod network;

pub use blocks::{CellMeetings, RegulatorRows};
pub use network::{Meetings, Network};

use super::args::{Args, Form};
use panfoma_core::model::ModelConfig;
use panfoma_core::stage::UserError;

/// Meetings without preference that every pair starts with, against chance peaks of pairs that hardly ever met.
pub const PRIOR_MEETINGS: f64 = 10.0;

/// Which heads of which layers are read, in which forms.
#[derive(Clone, Debug, PartialEq)]
pub struct Channels {
    /// Ascending.
    layers: Vec<usize>,
    /// Ascending.
    heads: Vec<usize>,
    forms: Vec<Form>,
    per_head: bool,
}

impl Channels {
    /// Those asked for. Errors: 64 if the model has no such layer or head.
    pub fn new(args: &Args, config: &ModelConfig) -> Result<Self, UserError> {
        let mut forms = args.attention_form.clone();
        forms.sort_unstable();
        forms.dedup();
        Ok(Self {
            layers: chosen(&args.layers, config.n_encoder_layers, "--layers")?,
            heads: chosen(&args.heads, config.n_heads, "--heads")?,
            forms,
            per_head: args.per_head,
        })
    }

    /// Names in the `method` column: of each form the average, then each head if they are wanted apart.
    pub fn names(&self) -> Vec<String> {
        let heads = || self.layers.iter().flat_map(|layer| self.heads.iter().map(move |head| (layer, head)));
        let mut names = Vec::new();
        for form in &self.forms {
            names.push(form.method().to_owned());
            if self.per_head {
                names.extend(
                    heads().map(|(layer, head)| format!("{}/layer{layer}/head{head}", form.method())),
                );
            }
        }
        names
    }

    /// What a pair scores that the model is indifferent to, of each channel.
    pub fn indifferent(&self) -> Vec<f64> {
        self.forms.iter().flat_map(|form| vec![form.indifferent(); self.per_form()]).collect()
    }

    /// Channels that one form of this head adds to; none if the head is not read. The first is the average.
    fn of(&self, form: usize, layer: usize, head: usize) -> Option<(usize, Option<usize>)> {
        let layer = self.layers.binary_search(&layer).ok()?;
        let head = self.heads.binary_search(&head).ok()?;
        let first = form * self.per_form();
        Some((first, self.per_head.then(|| first + 1 + layer * self.heads.len() + head)))
    }

    fn per_form(&self) -> usize {
        if self.per_head { 1 + self.layers.len() * self.heads.len() } else { 1 }
    }

    fn n_channels(&self) -> usize {
        self.forms.len() * self.per_form()
    }
}

/// All, or those named.
fn chosen(named: &[usize], n: usize, flag: &str) -> Result<Vec<usize>, UserError> {
    if let Some(missing) = named.iter().find(|&&at| at >= n) {
        return Err(UserError::usage(format!("`{flag} {missing}`: the model has 0 to {}", n - 1)));
    }
    let mut chosen = if named.is_empty() { (0..n).collect() } else { named.to_vec() };
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}
