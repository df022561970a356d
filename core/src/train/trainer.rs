//! The loop: validate, step, save, stop.

use super::checkpoints::Checkpoints;
use super::objective::{Measured, Objective, Validation};
use super::optimizer::Settings;
use super::ranks::{Order, Team};
use crate::artifact::checkpoint::history::Record;
use crate::artifact::checkpoint::state::{Best, Exact, Snapshot};
use crate::artifact::checkpoint::{Description, History, State};
use crate::engine::{Host, Learner};
use crate::model::ModelError;
use crate::stage::progress::Progress;
use crate::stage::{Interrupt, Kind, UserError};
use std::sync::Arc;

/// What the loop is to do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Plan {
    /// Steps of the run.
    pub steps: u64,
    /// Steps of one pass over the training cells.
    pub steps_per_epoch: u64,
    /// Training measurements are averaged over so many steps.
    pub log_every: u64,
    /// Steps between validations; one more is made before the first step and after the last.
    pub validate_every: u64,
    /// End after so many validations that were not better than the best.
    pub patience: Option<u32>,
    /// Keep the weights of the best validation, not of the last step.
    pub keep_best: bool,
    /// The optimizer's constants and learning rates.
    pub optimizer: Settings,
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The last step is done, or patience is at its end.
    Finished,
    /// It was asked to stop; the state is saved.
    Stopped(Kind),
}

/// A run: its model and where it stands.
pub struct Trainer {
    plan: Plan,
    learner: Box<dyn Learner>,
    history: History,
    state: State,
    /// Processes that this one leads.
    team: Option<Arc<Team>>,
}

impl Trainer {
    /// A run that has not begun.
    pub fn new(plan: Plan, learner: Box<dyn Learner>, identity: String) -> Self {
        Self { plan, learner, history: History::default(), state: State::new(identity), team: None }
    }

    /// A run that goes on: `learner` has its weights and moments.
    pub fn restore(plan: Plan, learner: Box<dyn Learner>, history: History, state: State) -> Self {
        Self { plan, learner, history, state, team: None }
    }

    /// The same run over several processes.
    #[must_use]
    pub fn with_team(self, team: Option<Arc<Team>>) -> Self {
        Self { team, ..self }
    }

    /// Steps done.
    pub fn step(&self) -> u64 {
        self.state.step
    }

    /// The weights and the history that the artifact gets.
    pub fn result(&self) -> Result<(Host<'_>, &History), ModelError> {
        let weights = match self.learner.best()? {
            Some(best) => best,
            None => self.learner.weights()?,
        };
        Ok((weights, &self.history))
    }

    /// The step of the best validation.
    pub fn best_step(&self) -> Option<u64> {
        self.state.best.map(|best| best.step)
    }

    /// Trains to the end, or until `interrupt` asks to stop; then the state is saved before this returns.
    pub fn run(
        &mut self,
        objective: &mut dyn Objective,
        description: &Description,
        checkpoints: &mut Checkpoints,
        interrupt: &Interrupt,
    ) -> anyhow::Result<Ended> {
        let mut progress = Progress::new("steps", self.plan.steps - self.state.step.min(self.plan.steps));
        loop {
            let validated = self.validate_if_due(objective, interrupt)?;
            if validated && self.is_finished() {
                progress.finish();
                return Ok(Ended::Finished);
            }
            if let Some(kind) = interrupt.reason() {
                self.save(checkpoints, description)?;
                return Ok(Ended::Stopped(kind));
            }
            if validated {
                if let Err(error) = self.take_step(objective) {
                    // The weights are those of before the step: another process that is gone costs this step only.
                    if error.chain().any(|cause| cause.is::<std::io::Error>()) && self.team.is_some() {
                        self.save(checkpoints, description)?;
                    }
                    return Err(error);
                }
                progress.add(1);
                if checkpoints.is_due(self.state.step) {
                    self.save(checkpoints, description)?;
                }
            }
        }
    }

    /// Tells the other processes what this one is about to do.
    fn order(&self, order: Order) -> anyhow::Result<()> {
        let Some(team) = &self.team else { return Ok(()) };
        team.order(order, Some((&*self.learner.weights()?, self.state.step)))
    }

    fn save(&self, checkpoints: &mut Checkpoints, description: &Description) -> anyhow::Result<()> {
        let learner = &self.learner;
        let best = learner.best()?;
        checkpoints.save(&Snapshot {
            description,
            history: &self.history,
            model: &*learner.weights()?,
            first: &*learner.first()?,
            second: &*learner.second()?,
            best: best.as_deref(),
            state: &self.state,
        })
    }

    fn at_validation(&self) -> bool {
        self.state.step.is_multiple_of(self.plan.validate_every) || self.state.step >= self.plan.steps
    }

    /// False if the validation that is due was interrupted: then nothing of it is kept.
    fn validate_if_due(
        &mut self,
        objective: &mut dyn Objective,
        interrupt: &Interrupt,
    ) -> anyhow::Result<bool> {
        if !self.at_validation() || self.state.validated == Some(self.state.step) {
            return Ok(true);
        }
        self.order(Order::Validate)?;
        let interrupt = match self.team.clone() {
            Some(team) => &interrupt.clone().agreed(move |own| team.agree(own)),
            None => interrupt,
        };
        match objective.validate(self.learner.engine(), interrupt)? {
            Validation::Done { metrics, score } => self.record_validation(&metrics, score)?,
            Validation::NoCells => {}
            Validation::Interrupted => return Ok(false),
        }
        self.state.validated = Some(self.state.step);
        Ok(true)
    }

    fn is_finished(&self) -> bool {
        let patience_ends = self
            .plan
            .patience
            .is_some_and(|patience| self.state.best.is_some_and(|best| best.misses >= patience));
        self.state.step >= self.plan.steps || patience_ends
    }

    fn take_step(&mut self, objective: &mut dyn Objective) -> anyhow::Result<()> {
        let step = self.state.step;
        self.order(Order::Step(step))?;
        let measured = objective.step(&mut *self.learner, step)?;
        let norm = self.learner.gradient_norm()?;
        self.refuse_divergence(&measured, norm)?;
        let Settings { adamw, .. } = self.plan.optimizer;
        self.learner.update(&adamw, self.plan.optimizer.step(step, norm), &|name| objective.trains(name))?;
        self.state.step = step + 1;
        self.state.epoch = (self.state.step / self.plan.steps_per_epoch) as u32;
        self.add_to_window(&measured, norm);
        if self.state.step.is_multiple_of(self.plan.log_every) || self.state.step == self.plan.steps {
            self.record_window();
        }
        Ok(())
    }

    /// Ends the run before a step that is not a number reaches the weights.
    fn refuse_divergence(&self, measured: &Measured, norm: f64) -> Result<(), UserError> {
        let what = match (measured.loss().is_finite(), norm.is_finite()) {
            (true, true) => return Ok(()),
            (false, _) => format!("the loss is {}", measured.loss()),
            (true, false) => format!("the gradient's norm is {norm}"),
        };
        let rate = self.plan.optimizer.schedule.learning_rate(self.state.step);
        Err(UserError::new(
            Kind::Config,
            format!(
                "{what} at step {} (epoch {}, learning rate {rate:.2e})",
                self.state.step, self.state.epoch
            ),
        )
        .hint("lower `--lr`, raise `--warmup-steps` or lower `--clip-norm`; the last checkpoint is sound"))
    }

    fn add_to_window(&mut self, measured: &Measured, norm: f64) {
        let means = measured.means.iter().copied().chain([("gradient_norm", norm)]);
        self.state.window.add(measured.weight, means);
    }

    fn record_window(&mut self) {
        let window = std::mem::take(&mut self.state.window);
        let rate = self.plan.optimizer.schedule.learning_rate(self.state.step - 1);
        let metrics: Vec<(&str, f64)> = window.means().chain([("learning_rate", rate)]).collect();
        self.record("train", &metrics);
    }

    fn record_validation(&mut self, metrics: &[(&str, f64)], score: f64) -> Result<(), ModelError> {
        self.record("valid", metrics);
        if self.state.step == 0 {
            // Untrained weights are a point of reference, not a candidate.
            return Ok(());
        }
        // A score that is not a number is beaten by every other.
        let better = |best: Best| score < best.score.0 || best.score.0.is_nan();
        match &mut self.state.best {
            Some(best) if !better(*best) => best.misses += 1,
            _ => {
                self.state.best = Some(Best { step: self.state.step, score: Exact(score), misses: 0 });
                if self.plan.keep_best {
                    self.learner.keep_best()?;
                }
            }
        }
        Ok(())
    }

    fn record(&mut self, split: &str, metrics: &[(&str, f64)]) {
        let State { step, epoch, .. } = self.state;
        self.history.records.extend(metrics.iter().map(|&(metric, value)| Record {
            step,
            epoch,
            split: split.to_owned(),
            metric: metric.to_owned(),
            value,
        }));
        let line: Vec<String> =
            metrics.iter().map(|(name, value)| format!("{name} {}", short(*value))).collect();
        tracing::info!("step {step}, epoch {epoch}, {split}: {}", line.join(", "));
    }
}

/// Four digits for a person; the history holds all.
fn short(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-2 { format!("{value:.2e}") } else { format!("{value:.4}") }
}
