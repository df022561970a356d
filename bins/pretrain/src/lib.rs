//! `panfoma-pretrain`: tokens in, a model that knows how genes are expressed together out.

mod args;
mod objective;
mod start;

pub use args::Args;

use objective::{MaskedExpression, Settings};
use panfoma_core::artifact::checkpoint::{Kind, Training};
use panfoma_core::artifact::tokens::{Split, Tokens};
use panfoma_core::data::frequency::BinFrequencies;
use panfoma_core::engine::Machine;
use panfoma_core::model::ModelConfig;
use panfoma_core::stage::{Context, Stage, UserError};
use panfoma_core::train::session::{self, Made};
use panfoma_core::train::{Feed, Plan, Session, estimate};
use start::Start;

/// Training cells that the baseline is fitted on; more change its loss by less than anyone reads.
const BASELINE_CELLS: usize = 20_000;

impl Stage for Args {
    const NAME: &'static str = "panfoma-pretrain";
    const ABOUT: &'static str = "Train PanFoMa on masked expression";
    const EXAMPLES: &'static str = "  \
  # a small trial on a laptop; `baseline` in the log is the loss of bin frequencies alone
  panfoma-pretrain -i tokens -o model --preset tiny --epochs 20

  # a Slurm job of 24 hours that is submitted again until it ends with 0
  panfoma-pretrain -i tokens -o model --preset base --checkpoint-dir $SCRATCH/ckpt --max-walltime 23h30m";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let machine = Machine::open(context.device)?;
        context.refuse_existing(&self.output)?;
        let tokens = Tokens::open(&self.input)?;
        let start = Start::new(&self, &tokens)?;
        let feed = Feed::new(&tokens, context.seed, self.run.batch_cells(), None);
        if feed.n_cells() == 0 {
            return Err(
                UserError::bad_data(format!("`{}` has no training cell", self.input.display())).into()
            );
        }
        let plan = self.plan(feed.steps_per_epoch());
        if context.dry_run {
            return self.print_plan(context, &machine, &start.config, &plan, &tokens);
        }
        let frequencies = BinFrequencies::fit(&tokens, context.seed, start.config.seq_len(), BASELINE_CELLS)?;
        let description = session::describe(
            &tokens,
            Made {
                provenance: start.provenance(context, &tokens)?,
                kind: Kind::Pretrain,
                model: start.config.clone(),
                label_column: None,
                classes: Vec::new(),
                training: self.training(&plan, &feed, &tokens),
            },
        );
        let settings = Settings {
            seed: context.seed,
            seq_len: start.config.seq_len(),
            mask_ratio: self.run.mask_ratio,
            max_valid_cells: self.run.max_valid_cells,
            steps: plan.steps,
        };
        let logarithms = frequencies.global_logarithms();
        let mut objective = MaskedExpression::new(&tokens, feed, frequencies, settings);
        let session = Session {
            context,
            output: &self.output,
            flags: &self.checkpoints,
            description,
            plan,
            machine: &machine,
            micro_batch: self.run.micro_batch_size,
            ranks: &self.ranks,
        };
        session.run(&mut objective, || start.weights(context, &tokens, &logarithms))
    }
}

impl Args {
    fn plan(&self, steps_per_epoch: u64) -> Plan {
        let steps = self.run.steps(steps_per_epoch);
        Plan {
            steps,
            steps_per_epoch,
            log_every: self.run.log_every,
            validate_every: self.run.validate_every(steps_per_epoch),
            patience: None,
            keep_best: self.run.keep_best,
            optimizer: self.optimizer.settings(self.run.lr, steps),
        }
    }

    fn training(&self, plan: &Plan, feed: &Feed<'_>, tokens: &Tokens) -> Training {
        Training {
            steps: plan.steps,
            steps_per_epoch: plan.steps_per_epoch,
            batch_cells: self.run.batch_cells(),
            n_train: feed.n_cells(),
            n_valid: tokens.index().split.cells.get(Split::Valid) as usize,
            learning_rate: self.run.lr,
            warmup_steps: plan.optimizer.schedule.warmup,
            weights: if plan.keep_best { "best" } else { "last" }.to_owned(),
        }
    }

    fn print_plan(
        &self,
        context: &Context,
        machine: &Machine,
        config: &ModelConfig,
        plan: &Plan,
        tokens: &Tokens,
    ) -> anyhow::Result<()> {
        let estimate = estimate::measure(machine, config)?;
        let cells = tokens.index().split.cells;
        let n_valid = (cells.valid as usize).min(self.run.max_valid_cells) as f64;
        let validations = (plan.steps / plan.validate_every + 2) as f64;
        // A forward pass is a third of a step.
        let visits = (plan.steps as usize * self.run.batch_cells()) as f64 + validations * n_valid / 3.0;
        println!("cells       {} train, {} valid, {} test (not read)", cells.train, cells.valid, cells.test);
        println!("model       {} parameters, {} genes a cell", estimate.n_params, config.seq_len());
        println!(
            "run         {} steps of {} cells, {} an epoch",
            plan.steps,
            self.run.batch_cells(),
            plan.steps_per_epoch
        );
        println!("time        {}", estimate.time(visits, context.threads));
        println!("memory      about {} MiB besides activations and a window of cells", estimate.bytes >> 20);
        Ok(())
    }
}
