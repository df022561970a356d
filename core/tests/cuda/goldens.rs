//! The whole model on the device against the reference: outputs and all gradients of `tests/data/goldens`.

use crate::compare::{error, on_device};
use panfoma_core::device::Device;
use panfoma_core::device::cuda::{Cuda, Driver};
use panfoma_core::model::{CellBatch, ModelConfig, PanFoMa, PretrainBatch, TrainScope};
use safetensors::{Dtype, SafeTensors};
use std::collections::HashMap;
use std::path::Path;

/// Tensors of one golden file.
struct Golden {
    floats: HashMap<String, (Vec<usize>, Vec<f32>)>,
    ids: HashMap<String, Vec<u32>>,
    config: ModelConfig,
}

impl Golden {
    fn read(name: &str) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/data/goldens");
        let path = directory.join(format!("{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let config = &header.metadata().as_ref().expect("a model's golden names its configuration")["config"];
        let config = serde_json::from_str(config).unwrap();
        let mut golden = Self { floats: HashMap::new(), ids: HashMap::new(), config };
        for (name, view) in SafeTensors::deserialize(&bytes).unwrap().iter() {
            let data = view.data();
            match view.dtype() {
                Dtype::F32 => {
                    let values = data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
                    golden.floats.insert(name.into(), (view.shape().into(), values.collect()));
                }
                Dtype::I64 => {
                    let ids = data.chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as u32);
                    golden.ids.insert(name.into(), ids.collect());
                }
                _ => {
                    golden.ids.insert(name.into(), data.iter().map(|&b| u32::from(b)).collect());
                }
            }
        }
        golden
    }

    fn batch(&self) -> PretrainBatch {
        let genes = self.ids["input.genes"].clone();
        PretrainBatch {
            cells: CellBatch {
                n_cells: genes.len() / self.config.seq_len(),
                seq_len: self.config.seq_len(),
                values: self.ids["input.values"].clone(),
                genes,
            },
            target: self.ids["input.target"].clone(),
            masked: self.ids["input.masked"].iter().map(|&m| m != 0).collect(),
        }
    }

    /// Relative error over all numbers of a tensor.
    fn error(&self, name: &str, found: &[f32]) -> f64 {
        error(found, &self.floats[name].1)
    }

    /// The relative error of the whole gradient, and of its worst tensor.
    fn gradient_errors<D: Driver>(
        &self,
        loss: &str,
        b: &Cuda<D>,
        grad: &PanFoMa<Cuda<D>>,
    ) -> (f64, f64, String) {
        let (mut all, mut all_expected) = (Vec::new(), Vec::new());
        let mut worst = (0.0, String::new());
        for (name, tensor) in grad.params() {
            let found = b.download(tensor).unwrap();
            let Some((_, expected)) = self.floats.get(&format!("grad.{loss}.{name}")) else {
                assert!(found.iter().all(|&x| x == 0.0), "{name} has a gradient and the reference none");
                continue;
            };
            let of_tensor = error(&found, expected);
            if std::env::var_os("PANFOMA_SHOW").is_some() {
                eprintln!("{loss} {name}: {of_tensor:.2e}");
            }
            if of_tensor > worst.0 {
                worst = (of_tensor, name.clone());
            }
            all.extend(found);
            all_expected.extend(expected);
        }
        (error(&all, &all_expected), worst.0, worst.1)
    }
}

fn check_model<D: Driver>(b: &Cuda<D>, name: &str) {
    let golden = Golden::read(name);
    let source = |name: &str| golden.floats.get(&format!("param.{name}")).cloned();
    let model = PanFoMa::load(golden.config.clone(), source, b).unwrap();
    let batch = golden.batch();
    let trace = model.trace(b, &batch.cells).unwrap();
    for (name, found) in [
        ("output.encoder_states", &trace.encoder_states),
        ("output.cls", &trace.cls),
        ("output.global_state", &trace.global_state),
        ("output.scores", &trace.scores),
        ("output.gene_states", &trace.gene_states),
        ("output.cell", &trace.cell),
        ("output.expression", &trace.expression),
        ("output.cell_expression", &trace.cell_expression),
        ("output.class_logits", trace.class_logits.as_ref().unwrap()),
    ] {
        eprintln!("{name}: {:.2e}", golden.error(name, found));
    }
    let moved = trace.order.iter().zip(&golden.ids["output.order"]).filter(|(a, b)| a != b).count();
    eprintln!("places of another gene: {moved} of {}", trace.order.len());

    let n_masked = batch.n_masked() as f64;
    let mut grad = model.zeros_like(b);
    let sums = model.pretrain_step(b, &batch, 1.0 / n_masked, &mut grad).unwrap();
    let loss = (sums.expression_nll + sums.cell_expression_nll) / n_masked;
    eprintln!("loss {:.2e}", golden.error("loss.pretrain", &[loss as f32]));
    eprintln!("{:?}", golden.gradient_errors("pretrain", b, &grad));
    assert_eq!(model.pretrain_eval(b, &batch).unwrap(), sums);

    let labels = &golden.ids["input.label"];
    let mut grad = model.zeros_like(b);
    let scale = 1.0 / labels.len() as f64;
    let sums = model.class_step(b, &batch.cells, labels, None, scale, TrainScope::Full, &mut grad).unwrap();
    eprintln!("class loss {:.2e}", golden.error("loss.class", &[(sums.nll * scale) as f32]));
    eprintln!("{:?}", golden.gradient_errors("class", b, &grad));
}

#[test]
fn model_tiny_agrees_with_the_reference() {
    on_device!(check_model, "model_tiny");
}

#[test]
fn model_small_agrees_with_the_reference() {
    on_device!(check_model, "model_small");
}
