//! One training run of a stage, from its first or last checkpoint to the model.

use super::checkpoints::Checkpoints;
use super::flags::CheckpointFlags;
use super::ranks::{Order, RankFlags, Team, World};
use super::trainer::{Ended, Plan, Trainer};
use super::{Backend, Model, Objective, clear};
use crate::artifact::checkpoint::{
    Config, Description, FORMAT, Kind, Training, VERSION, VocabularyReference,
};
use crate::artifact::provenance::{self, Provenance};
use crate::artifact::tokens::Tokens;
use crate::artifact::{Header, atomic};
use crate::model::ModelConfig;
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
    /// Meets the other processes of the run, if there are any: what the objective shares its lanes with.
    ///
    /// Errors: those of [`World::discover`] and [`Team::meet`].
    pub fn meet(&self, flags: &RankFlags) -> anyhow::Result<Option<Arc<Team>>> {
        let world = World::discover(flags, |name| std::env::var(name).ok())?;
        let meet =
            |world| anyhow::Ok(Arc::new(Team::meet(world, &self.identity()?, &self.context.interrupt)?));
        world.map(meet).transpose()
    }

    /// Trains and writes the model; `init` makes the weights of a run that begins anew. Only the process that leads
    /// `team` reads and writes checkpoints and the model.
    ///
    /// Errors: 128 + signal or 140 after the state was saved; a checkpoint of another run; a loss that is not a number; 74
    /// if another process of the run is gone.
    pub fn run(
        self,
        objective: &mut dyn Objective,
        team: Option<Arc<Team>>,
        init: impl FnOnce() -> anyhow::Result<Model>,
    ) -> anyhow::Result<()> {
        if let Some(team) = team.as_ref().filter(|team| !team.leads()) {
            return self.follow(objective, team);
        }
        let started = Instant::now();
        let interrupt = self.context.interrupt.clone().with_budget(self.flags.max_walltime);
        let mut checkpoints = Checkpoints::new(self.output, self.flags);
        let identity = self.identity()?;
        let restored = checkpoints.restore(&self.flags.resume, &identity)?;
        checkpoints.clear(restored.is_none())?;
        let mut trainer = match restored {
            Some(restored) => {
                tracing::info!("going on from step {}", restored.state.step);
                Trainer::restore(self.plan, restored)
            }
            None => Trainer::new(self.plan, init()?, identity),
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
        let b = Backend::new();
        let mut model = Model::init(self.description.config.model.clone(), self.context.seed, &b);
        let mut grad = model.zeros_like(&b);
        let agreed = team.clone();
        let interrupt = Interrupt::never().agreed(move |own| agreed.agree(own));
        loop {
            match team.follow(&mut model)? {
                Order::Step(step) => {
                    clear(&mut grad);
                    objective.step(&model, step, &mut grad)?;
                }
                Order::Validate => {
                    objective.validate(&model, &interrupt)?;
                }
                Order::End(None) => return Ok(()),
                Order::End(Some(kind)) => {
                    return Err(interrupt::stopped(kind, "rank 0 has saved the state").into());
                }
            }
        }
    }

    fn finish(&self, trainer: &Trainer, checkpoints: &Checkpoints, started: Instant) -> anyhow::Result<()> {
        let (model, history) = trainer.result();
        atomic::write_directory(self.output, |temporary| self.description.write(temporary, model, history))?;
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
