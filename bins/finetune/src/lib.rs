//! `panfoma-finetune`: a pretrained model and labelled tokens in, a classifier out.

mod args;
mod head;
mod labels;
mod objective;
mod scores;

pub use args::Args;

use args::{ClassWeights, HeadInit, Mode};
use labels::Labels;
use objective::{Classification, Settings};
use panfoma_core::artifact::Provenance;
use panfoma_core::artifact::checkpoint::{Checkpoint, Kind, Training};
use panfoma_core::artifact::provenance::Input;
use panfoma_core::artifact::tokens::Tokens;
use panfoma_core::engine::Machine;
use panfoma_core::model::ModelConfig;
use panfoma_core::stage::{Context, Stage};
use panfoma_core::train::session::{self, Made};
use panfoma_core::train::{Backend, Feed, Model, Plan, Session, estimate};

impl Stage for Args {
    const NAME: &'static str = "panfoma-finetune";
    const ABOUT: &'static str = "Train a classifier of cells from a pretrained model";
    const EXAMPLES: &'static str = "  \
  # cell types, every weight; the test split is never read
  panfoma-finetune -i tokens -m model -o annotator --label cell_type

  # what pretraining is worth: the same from random weights, and the head alone
  panfoma-finetune -i tokens -m model -o scratch --label cell_type --mode scratch
  panfoma-finetune -i tokens -m model -o frozen --label cell_type --mode frozen";

    fn run(self, context: &Context) -> anyhow::Result<()> {
        let machine = Machine::open(context.device)?;
        context.refuse_existing(&self.output)?;
        let tokens = Tokens::open(&self.input)?;
        let pretrained = Checkpoint::open(&self.model)?;
        pretrained.description.expect_tokens(tokens.index(), &self.input)?;
        let labels = Labels::read(&tokens, self.label.as_deref(), &self.input)?;
        labels.report();
        let config =
            ModelConfig { n_classes: labels.classes.len(), ..pretrained.description.config.model.clone() };
        let feed = Feed::new(&tokens, context.seed, self.run.batch_cells(), Some(labels.labelled()));
        let plan = self.plan(feed.steps_per_epoch(), &labels);
        if context.dry_run {
            return self.print_plan(context, &machine, &config, &plan, &labels);
        }
        let description = session::describe(
            &tokens,
            Made {
                provenance: self.provenance(context, &tokens)?,
                kind: Kind::Finetune,
                model: config.clone(),
                label_column: Some(labels.column.clone()),
                classes: labels.classes.clone(),
                training: self.training(&plan, &feed, &labels),
            },
        );
        let settings = Settings {
            seed: context.seed,
            seq_len: config.seq_len(),
            mode: self.mode,
            score: self.run.score,
            max_valid_cells: self.run.max_valid_cells,
            steps: plan.steps,
        };
        let weights = labels.weights(self.run.class_weights);
        let mut objective = Classification::new(&tokens, &labels, feed, weights, settings);
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
        session.run(&mut objective, || self.weights(&pretrained, config, &tokens, &labels, &machine, context))
    }
}

impl Args {
    /// The weights a run begins with.
    fn weights(
        &self,
        pretrained: &Checkpoint,
        config: ModelConfig,
        tokens: &Tokens,
        labels: &Labels,
        machine: &Machine,
        context: &Context,
    ) -> anyhow::Result<Model> {
        let (b, seed) = (Backend::new(), context.seed);
        let n_classes = config.n_classes;
        let body = match self.mode {
            Mode::Full | Mode::Frozen => pretrained.body()?,
            Mode::Scratch => Model::init(ModelConfig { n_classes: 0, ..config }, seed, &b),
        };
        let model = body.with_class_head(n_classes, seed, &b);
        if self.head_init == HeadInit::Fitted {
            let priors = match self.run.class_weights {
                ClassWeights::None => labels.frequencies(),
                ClassWeights::Balanced => vec![1.0 / n_classes as f64; n_classes],
            };
            let engine = machine.engine(model, self.run.micro_batch_size)?;
            let head = head::fit(&*engine, tokens, labels, &priors, seed, &context.interrupt)?;
            let mut model = engine.into_model()?;
            head::set(&mut model, &head);
            return Ok(model);
        }
        Ok(model)
    }

    fn provenance(&self, context: &Context, tokens: &Tokens) -> anyhow::Result<Provenance> {
        let mut provenance = Provenance::new(context, [])?;
        provenance.inputs.push(tokens.input()?);
        provenance.inputs.push(Input::digest(&self.model)?);
        Ok(provenance)
    }

    fn plan(&self, steps_per_epoch: u64, labels: &Labels) -> Plan {
        let steps = self.run.steps(steps_per_epoch);
        let validates = labels.n_valid > 0;
        Plan {
            steps,
            steps_per_epoch,
            log_every: self.run.log_every,
            validate_every: self.run.validate_every.unwrap_or(steps_per_epoch),
            patience: (validates && self.run.patience > 0).then_some(self.run.patience),
            keep_best: validates,
            optimizer: self.optimizer.settings(self.run.lr, steps),
        }
    }

    fn training(&self, plan: &Plan, feed: &Feed<'_>, labels: &Labels) -> Training {
        Training {
            steps: plan.steps,
            steps_per_epoch: plan.steps_per_epoch,
            batch_cells: self.run.batch_cells(),
            n_train: feed.n_cells(),
            n_valid: labels.n_valid,
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
        labels: &Labels,
    ) -> anyhow::Result<()> {
        let estimate = estimate::measure(machine, config)?;
        let visits = (plan.steps as usize * self.run.batch_cells()) as f64;
        let validations = (plan.steps / plan.validate_every + 2) as f64;
        let validated = validations * labels.n_valid.min(self.run.max_valid_cells) as f64;
        // A forward pass is a third of a step; the head's own backward pass is nothing beside it.
        let cells = validated / 3.0 + if self.mode == Mode::Frozen { visits / 3.0 } else { visits };
        println!("classes     {} of `{}`", labels.classes.len(), labels.column);
        for (class, n) in labels.classes.iter().zip(&labels.n_train) {
            println!("            {n:>8} training cells of {class}");
        }
        println!("model       {} parameters, {} genes a cell", estimate.n_params, config.seq_len());
        println!(
            "run         at most {} steps of {} cells, {} an epoch",
            plan.steps,
            self.run.batch_cells(),
            plan.steps_per_epoch
        );
        println!("time        at most {}", estimate.time(cells, context.threads));
        println!("memory      about {} MiB besides activations and a window of cells", estimate.bytes >> 20);
        Ok(())
    }
}
