//! What is read off the states: a gene's expression bin from its own state, the same from the cell alone, and the
//! cell's class.

use super::ModelConfig;
use crate::layers::{CellPrompt, Mlp, ParamError, Source, params};
use crate::ops::Backend;

/// The heads.
pub struct Heads<B: Backend> {
    /// Gene state -> bins.
    pub expression: Mlp<B>,
    /// Gene id and cell embedding -> bins.
    pub cell_expression: CellPrompt<B>,
    /// Cell embedding -> classes.
    pub class: Option<Mlp<B>>,
}

params!(Heads { expression => "expression", cell_expression => "cell_expression", class => "class" });

impl<B: Backend> Heads<B> {
    pub fn new(source: &mut Source<B>, c: &ModelConfig) -> std::result::Result<Self, ParamError> {
        Ok(Self {
            expression: Mlp::new(source, "head.expression", c.n_bins, c.d_model)?,
            cell_expression: CellPrompt::new(source, "head.cell_expression", c.n_bins, c.d_model)?,
            class: Self::class(source, c)?,
        })
    }

    /// The class head of a configuration that has classes.
    pub fn class(source: &mut Source<B>, c: &ModelConfig) -> std::result::Result<Option<Mlp<B>>, ParamError> {
        match c.n_classes {
            0 => Ok(None),
            n => Mlp::new(source, "head.class", n, c.d_model).map(Some),
        }
    }
}
