//! Named tensors of f32 in safetensors files.

use crate::device::{Cpu, Tensor};
use crate::model::{ModelConfig, PanFoMa};
use crate::stage::UserError;
use anyhow::Context as _;
use arrow_buffer::ToByteSlice;
use safetensors::tensor::{Dtype, SafeTensors, View};
use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Writes the tensors of several models into one file, each model's names behind its prefix.
pub fn write(path: &Path, models: &[(&str, &PanFoMa<Cpu>)]) -> anyhow::Result<()> {
    let tensors = models.iter().flat_map(|(prefix, model)| {
        model.params().into_iter().map(move |(name, tensor)| (format!("{prefix}{name}"), Stored(tensor)))
    });
    // No metadata: the library stores it as a hash map, whose order would change the bytes.
    safetensors::serialize_to_file(tensors, None, path)
        .with_context(|| format!("writing `{}`", path.display()))
}

struct Stored<'a>(&'a Tensor<Cpu>);

impl View for Stored<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let values = self.0.as_slice();
        match cfg!(target_endian = "little") {
            true => Cow::Borrowed(values.to_byte_slice()),
            false => Cow::Owned(values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        }
    }

    fn data_len(&self) -> usize {
        4 * self.0.n_elements()
    }
}

/// The tensors of a file that no model has taken yet.
pub struct Tensors {
    path: PathBuf,
    left: RefCell<BTreeMap<String, (Vec<usize>, Vec<f32>)>>,
}

/// A model with what is left of its file.
pub struct Taken {
    model: PanFoMa<Cpu>,
    /// The tensors of other models.
    pub rest: Tensors,
}

impl Tensors {
    /// Reads the whole file. Errors: not safetensors, or a tensor that is not f32.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let bytes = std::fs::read(path).with_context(|| format!("reading `{}`", path.display()))?;
        let refuse = |what: String| UserError::bad_data(format!("`{}`: {what}", path.display()));
        let file = SafeTensors::deserialize(&bytes)
            .map_err(|error| refuse(format!("no whole safetensors: {error}")))?;
        let mut left = BTreeMap::new();
        for (name, tensor) in file.iter() {
            if tensor.dtype() != Dtype::F32 {
                return Err(refuse(format!("tensor `{name}` is {:?}, expected F32", tensor.dtype())).into());
            }
            let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().expect("chunks of four"));
            let values = tensor.data().chunks_exact(4).map(number).collect();
            left.insert(name.to_owned(), (tensor.shape().to_vec(), values));
        }
        Ok(Self { path: path.to_owned(), left: RefCell::new(left) })
    }

    /// Leaves out the tensors whose names begin with `prefix`.
    pub fn without(self, prefix: &str) -> Self {
        self.left.borrow_mut().retain(|name, _| !name.starts_with(prefix));
        self
    }

    /// Takes the model whose names stand behind `prefix`. Errors: a tensor is missing or has another shape.
    pub fn model(self, prefix: &str, config: &ModelConfig) -> anyhow::Result<Taken> {
        let take = |name: &str| self.left.borrow_mut().remove(&format!("{prefix}{name}"));
        let model = PanFoMa::load(config.clone(), take, &Cpu::new())
            .map_err(|error| UserError::bad_data(format!("`{}`: {error}", self.path.display())))?;
        Ok(Taken { model, rest: self })
    }
}

impl Taken {
    /// The model and the rest of the file.
    pub fn split(self) -> (PanFoMa<Cpu>, Tensors) {
        (self.model, self.rest)
    }

    /// The model. Errors: the file has tensors that no parameter took.
    pub fn exhausted(self) -> anyhow::Result<PanFoMa<Cpu>> {
        match self.rest.left.borrow().keys().next() {
            None => {}
            Some(name) => {
                let path = self.rest.path.display();
                return Err(
                    UserError::bad_data(format!("`{path}`: the model has no parameter `{name}`")).into()
                );
            }
        }
        Ok(self.model)
    }
}
