//! One training run of a stage, from its first or last checkpoint to the model.

use super::checkpoints::Checkpoints;
use super::flags::CheckpointFlags;
use super::ranks::{Order, RankFlags, Team, World};
use super::trainer::{Ended, Plan, Trainer};
use super::{Backend, Model, Objective};
use crate::artifact::checkpoint::state::Restored;
use crate::artifact::checkpoint::{
    Config, Description, FORMAT, Kind, Training, VERSION, VocabularyReference,
};
use crate::artifact::provenance::{self, Provenance};
use crate::artifact::tokens::Tokens;
use crate::artifact::{Header, atomic};
use crate::engine::{Machine, Moments};
use crate::model::ModelConfig;
use crate::model::peers::Peers;
use crate::stage::{Context, Interrupt, interrupt};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

/// One training run.
pub struct Session<'a> {
    /// The stage.
    pub context: &'a Context,
    /// The model to write.
    pub output: &'a Path,
    /// How the run saves itself.
    pub flags: &'a CheckpointFlags,
    /// Configuration, genes, classes.
    pub description: Description,
    /// What the loop is to do.
    pub plan: Plan,
    /// Where the model learns.
    pub machine: &'a Machine,
    /// Cells of one model call; as suits the device if absent.
    pub micro_batch: Option<usize>,
    /// Whether other processes take part.
    pub ranks: &'a RankFlags,
}

/// What distinguishes one model's description from another's.
pub struct Made {
    /// How it is made.
    pub provenance: Provenance,
    /// What it is trained for.
    pub kind: Kind,
    /// Its shape.
    pub model: ModelConfig,
    /// The column whose values are the classes.
    pub label_column: Option<String>,
    /// The classes, sorted.
    pub classes: Vec<String>,
    /// The resolved numbers of the run.
    pub training: Training,
}

/// The description of a model trained on `tokens`.
pub fn describe(tokens: &Tokens, made: Made) -> Description {
    let index = tokens.index();
    let config = Config {
        header: Header::new(FORMAT, VERSION, made.provenance),
        kind: made.kind,
        model: made.model,
        n_bins: index.n_bins,
        binning: index.binning,
        vocabulary: VocabularyReference {
            n_genes: index.vocabulary.n_genes,
            digest: index.vocabulary.digest.clone(),
        },
        label_column: made.label_column,
        training: made.training,
    };
    Description { config, vocabulary: tokens.vocabulary().clone(), classes: made.classes }
}

impl Session<'_> {
    /// Trains and writes the model; `init` makes the weights of a run that begins anew. Of several processes only rank 0
    /// reads and writes checkpoints and the model.
    ///
    /// Errors: 128 + signal or 140 after the state was saved; a checkpoint of another run; a loss that is not a number; those
    /// of [`World::discover`] and [`Team::meet`]; 74 if another process of the run is gone.
    pub fn run(
        self,
        objective: &mut dyn Objective,
        init: impl FnOnce() -> anyhow::Result<Model>,
    ) -> anyhow::Result<()> {
        let started = Instant::now();
        let identity = self.identity()?;
        let world = World::discover(self.ranks, |name| std::env::var(name).ok())?;
        let meet = |world| Team::meet(world, &identity, &self.context.interrupt).map(Arc::new);
        let team = world.map(meet).transpose()?;
        if let Some(team) = team.as_ref().filter(|team| !team.leads()) {
            return self.follow(objective, team);
        }
        let interrupt = self.context.interrupt.clone().with_budget(self.flags.max_walltime);
        let mut checkpoints = Checkpoints::new(self.output, self.flags);
        let restored = checkpoints.restore(&self.flags.resume, &identity)?;
        checkpoints.clear(restored.is_none())?;
        let mut trainer = match restored {
            Some(restored) => {
                let Restored { history, model, first, second, best, state } = restored;
                tracing::info!("going on from step {}", state.step);
                let moments = Some(Moments { first, second, best });
                let learner = self.machine.learner(model, moments, self.micro_batch, peers(&team))?;
                Trainer::restore(self.plan, learner, history, state)
            }
            None => {
                let learner = self.machine.learner(init()?, None, self.micro_batch, peers(&team))?;
                Trainer::new(self.plan, learner, identity)
            }
        }
        .with_team(team.clone());
        let ended = trainer.run(objective, &self.description, &mut checkpoints, &interrupt)?;
        if let Some(team) = &team {
            let kind = if let Ended::Stopped(kind) = ended { Some(kind) } else { None };
            // One that is gone by now is not missed.
            let _ = team.order(Order::End(kind), None);
        }
        match ended {
            Ended::Stopped(kind) => {
                let (step, directory) = (trainer.step(), checkpoints.directory().display());
                let state = format!("step {step} is saved in `{directory}`");
                Err(interrupt::stopped(kind, &state).hint("repeat the command to go on").into())
            }
            Ended::Finished => self.finish(&trainer, &checkpoints, started),
        }
    }

    /// Computes what rank 0 asks for, until it ends.
    fn follow(&self, objective: &mut dyn Objective, team: &Arc<Team>) -> anyhow::Result<()> {
        // Rank 0 sends the weights before it asks for anything.
        let b = Backend::new();
        let mut model = Model::init(self.description.config.model.clone(), self.context.seed, &b);
        let own = model.zeros_like(&b);
        let peers = peers(&Some(team.clone()));
        let mut learner = self.machine.learner(own, None, self.micro_batch, peers)?;
        let agreed = team.clone();
        let interrupt = Interrupt::never().agreed(move |own| agreed.agree(own));
        loop {
            let (order, new_weights) = team.follow(&mut model)?;
            if new_weights {
                learner.set_weights(&model)?;
            }
            match order {
                Order::Step(step) => {
                    objective.step(&mut *learner, step)?;
                }
                Order::Validate => {
                    objective.validate(learner.engine(), &interrupt)?;
                }
                Order::End(None) => return Ok(()),
                Order::End(Some(kind)) => {
                    return Err(interrupt::stopped(kind, "rank 0 has saved the state").into());
                }
            }
        }
    }

    fn finish(&self, trainer: &Trainer, checkpoints: &Checkpoints, started: Instant) -> anyhow::Result<()> {
        let (model, history) = trainer.result()?;
        atomic::write_directory(self.output, |temporary| self.description.write(temporary, &model, history))?;
        provenance::write_run_record(self.output, self.context, started)?;
        if !self.flags.keep_checkpoints {
            checkpoints.remove()?;
        }
        let (steps, best) = (trainer.step(), trainer.best_step());
        tracing::info!(steps, best_validation_at = best, "wrote `{}`", self.output.display());
        Ok(())
    }

    /// What must agree for a run to go on from a checkpoint: everything that decides the model's bytes.
    fn identity(&self) -> anyhow::Result<String> {
        let Provenance { tool, tool_version, config, inputs, seed, .. } =
            &self.description.config.header.provenance;
        let inputs: Vec<&str> = inputs.iter().map(|input| input.blake3.as_str()).collect();
        Ok(serde_json::to_string(&serde_json::json!({
            "tool": tool,
            "release": tool_version,
            "config": config,
            "digests of the inputs": inputs,
            "seed": seed,
        }))?)
    }
}

/// The processes as lanes see them.
fn peers(team: &Option<Arc<Team>>) -> Option<Arc<dyn Peers>> {
    team.clone().map(|team| team as Arc<dyn Peers>)
}
