//! The class head a run begins with.

use crate::labels::Labels;
use panfoma_core::artifact::tokens::{Split, Tokens};
use panfoma_core::data::FIXED_EPOCH;
use panfoma_core::data::draw::Drawer;
use panfoma_core::engine::Engine;
use panfoma_core::stage::Interrupt;
use panfoma_core::train::class_head::ClassHead;
use panfoma_core::train::{Model, feed};

/// Most training cells the head is fitted to; said in `--head-init`.
const MAX_CELLS: usize = 2_000;
/// Cells of a batch: between two of them the stage can stop.
const BATCH: usize = 64;

/// A class head fitted to the embeddings of labelled training cells, the first of a shuffled order.
///
/// priors: [n_classes]. Errors: unreadable tokens, or `interrupt`.
pub fn fit(
    engine: &dyn Engine,
    tokens: &Tokens,
    labels: &Labels,
    priors: &[f64],
    seed: u64,
    interrupt: &Interrupt,
) -> anyhow::Result<ClassHead> {
    let (dim, seq_len) = (engine.config().d_model, engine.config().seq_len());
    let drawer = Drawer::new(seed, FIXED_EPOCH, tokens.panels(), tokens.index().n_bins);
    let (mut embeddings, mut classes) = (Vec::new(), Vec::new());
    for batch in feed::fixed(tokens, Split::Train, seed, MAX_CELLS, BATCH) {
        interrupt.check()?;
        let batch = batch?;
        let (cells, _) = feed::sequences(&drawer, &batch.rows, seq_len);
        let embedded = engine.embed(&cells.into())?.cell;
        for (embedding, &cell) in embedded.chunks_exact(dim).zip(&batch.cells) {
            let Some(class) = labels.class[cell].filter(|_| classes.len() < MAX_CELLS) else { continue };
            embeddings.extend_from_slice(embedding);
            classes.push(class);
        }
        if classes.len() == MAX_CELLS {
            break;
        }
    }
    let head = ClassHead::fit(&embeddings, dim, &classes, priors, seed);
    tracing::info!("the class head is fitted to {} training cells", classes.len());
    Ok(head)
}

/// Gives a model this class head.
pub fn set(model: &mut Model, head: &ClassHead) {
    for (name, tensor) in model.params_mut() {
        for (end, values) in head.parameters() {
            if name.strip_prefix("head.class.") == Some(end) {
                tensor.as_mut_slice().copy_from_slice(values);
            }
        }
    }
}
