//! What a run needs besides its model to go on as if it had never stopped.
//!
//! `state.json` below, `state.safetensors` (Adam's moments, `first.` and `second.` before each parameter's name) and,
//! once a validation was the best so far and its weights are wanted, `best.safetensors`.

use super::{Checkpoint, Description, History, weights, write_json};
use crate::artifact::atomic;
use crate::device::Cpu;
use crate::model::PanFoMa;
use crate::stage::UserError;
use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// `state.json`.
///
/// ```json
/// {"format": "panfoma.training-state", "version": 1, "identity": "{…}", "step": 100, "epoch": 1, "validated": 100,
///  "best": {"step": 50, "score": "3ff0000000000000", "misses": 1}, "window": {"weight": "0000000000000000", "sums": []}}
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// `panfoma.training-state`
    pub format: String,
    /// 1
    pub version: u32,
    /// Configuration, seed and input digests as JSON text: a run goes on only if they agree.
    pub identity: String,
    /// Steps done.
    pub step: u64,
    /// Passes over the training cells begun, from 0; with `step` it says where in the data the run stands.
    pub epoch: u32,
    /// The step at which the last finished validation was made.
    pub validated: Option<u64>,
    /// The best validation so far.
    pub best: Option<Best>,
    /// Training measurements since the last record in the history.
    pub window: Window,
}

/// The best validation so far.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its step.
    pub step: u64,
    /// What was compared; lower is better.
    pub score: Exact,
    /// Validations since then that were not better.
    pub misses: u32,
}

/// Weighted sums of measurements.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// Sum of the weights.
    pub weight: Exact,
    /// Sum of weight times value, by metric, in the order they are reported.
    pub sums: Vec<(String, Exact)>,
}

impl Window {
    /// Adds means with a weight.
    pub fn add<'a>(&mut self, weight: f64, means: impl IntoIterator<Item = (&'a str, f64)>) {
        self.weight.0 += weight;
        for (name, mean) in means {
            match self.sums.iter_mut().find(|(known, _)| known == name) {
                Some((_, sum)) => sum.0 += mean * weight,
                None => self.sums.push((name.to_owned(), Exact(mean * weight))),
            }
        }
    }

    /// The means of everything added.
    pub fn means(&self) -> impl Iterator<Item = (&str, f64)> {
        self.sums.iter().map(|(name, sum)| (name.as_str(), sum.0 / self.weight.0))
    }
}

/// A number stored by its bits: JSON's decimal digits may come back as a neighbour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Exact(pub f64);

impl From<Exact> for String {
    fn from(Exact(value): Exact) -> Self {
        format!("{:016x}", value.to_bits())
    }
}

impl TryFrom<String> for Exact {
    type Error = std::num::ParseIntError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        u64::from_str_radix(&text, 16).map(|bits| Self(f64::from_bits(bits)))
    }
}

/// Everything a run holds in memory.
pub struct Snapshot<'a> {
    /// Configuration, genes, classes.
    pub description: &'a Description,
    /// What was measured so far.
    pub history: &'a History,
    /// The weights.
    pub model: &'a PanFoMa<Cpu>,
    /// Adam's mean of the gradient.
    pub first: &'a PanFoMa<Cpu>,
    /// Adam's mean of its square.
    pub second: &'a PanFoMa<Cpu>,
    /// The weights of the best validation, if they are wanted and not `model`.
    pub best: Option<&'a PanFoMa<Cpu>>,
    /// Where it stands.
    pub state: &'a State,
}

/// A snapshot read back.
pub struct Restored {
    /// What was measured so far.
    pub history: History,
    /// The weights.
    pub model: PanFoMa<Cpu>,
    /// Adam's mean of the gradient.
    pub first: PanFoMa<Cpu>,
    /// Adam's mean of its square.
    pub second: PanFoMa<Cpu>,
    /// The weights of the best validation.
    pub best: Option<PanFoMa<Cpu>>,
    /// Where it stands.
    pub state: State,
}

const FORMAT: &str = "panfoma.training-state";
const VERSION: u32 = 1;

impl State {
    /// A run that has not begun.
    pub fn new(identity: String) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            identity,
            step: 0,
            epoch: 0,
            validated: None,
            best: None,
            window: Window::default(),
        }
    }

    /// Reads `state.json` of a checkpoint directory.
    pub fn read(directory: &Path) -> anyhow::Result<Self> {
        let path = directory.join("state.json");
        let text = std::fs::read_to_string(&path).with_context(|| format!("reading `{}`", path.display()))?;
        let refuse = |what: String| UserError::bad_data(format!("`{}`: {what}", path.display()));
        let state: Self = serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if (state.format.as_str(), state.version) != (FORMAT, VERSION) {
            let (format, version) = (&state.format, state.version);
            return Err(refuse(format!(
                "`{format}` version {version}, expected `{FORMAT}` version {VERSION}"
            ))
            .into());
        }
        Ok(state)
    }
}

/// Writes a snapshot as a directory: whole or absent.
pub fn write(directory: &Path, snapshot: &Snapshot<'_>) -> anyhow::Result<()> {
    atomic::write_directory(directory, |temporary| {
        snapshot.description.write(temporary, snapshot.model, snapshot.history)?;
        let moments = [("first.", snapshot.first), ("second.", snapshot.second)];
        weights::write(&temporary.join("state.safetensors"), &moments)?;
        if let Some(best) = snapshot.best {
            weights::write(&temporary.join("best.safetensors"), &[("", best)])?;
        }
        write_json(&temporary.join("state.json"), snapshot.state)
    })
    .with_context(|| format!("writing the checkpoint `{}`", directory.display()))
}

/// Reads a snapshot. Errors: a file is missing, damaged or does not fit the others.
pub fn read(directory: &Path) -> anyhow::Result<Restored> {
    let checkpoint = Checkpoint::open(directory)?;
    let config = &checkpoint.description.config.model;
    let moments = weights::Tensors::read(&directory.join("state.safetensors"))?;
    let (first, rest) = moments.model("first.", config)?.split();
    let second = rest.model("second.", config)?.exhausted()?;
    let best = directory.join("best.safetensors");
    let best = match best.exists() {
        true => Some(weights::Tensors::read(&best)?.model("", config)?.exhausted()?),
        false => None,
    };
    Ok(Restored {
        history: checkpoint.history()?,
        model: checkpoint.weights()?,
        first,
        second,
        best,
        state: State::read(directory)?,
    })
}
