//! The model against the reference: outputs and all gradients of `data/goldens`, made by a float64 PyTorch program.

use std::collections::HashMap;
use std::path::Path;

use panfoma_core::device::{Cpu, Device, Real};
use panfoma_core::model::{CellBatch, ModelConfig, PanFoMa, PretrainBatch, TrainScope};
use panfoma_core::ops::Sequences;
use panfoma_core::ops::attention::{Attention, Heads};
use panfoma_core::ops::causal_conv::{CausalConv, Direction};
use panfoma_core::ops::selective_scan::{Scan, ScanGrad, SelectiveScan};
use safetensors::{Dtype, SafeTensors};

/// Tensors of one golden file.
struct Golden {
    floats: HashMap<String, (Vec<usize>, Vec<f32>)>,
    ids: HashMap<String, Vec<u32>>,
    config: Option<ModelConfig>,
}

impl Golden {
    fn read(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("data/goldens").join(format!("{name}.safetensors"));
        let bytes = std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let config = header.metadata().as_ref().and_then(|m| m.get("config"));
        let config = config.map(|json| serde_json::from_str(json).unwrap());
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
                Dtype::U8 => {
                    golden.ids.insert(name.into(), data.iter().map(|&b| u32::from(b)).collect());
                }
                other => panic!("{name} is {other:?}"),
            }
        }
        golden
    }

    fn shape(&self, name: &str) -> &[usize] {
        &self.floats[name].0
    }

    fn floats(&self, name: &str) -> &[f32] {
        &self.floats[name].1
    }

    /// |found - expected| <= tolerance (1 + |expected|), everywhere.
    fn check(&self, name: &str, found: &[f32], tolerance: f64) {
        let expected = self.floats(name);
        assert_eq!(found.len(), expected.len(), "{name}");
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let error = f64::from((found - expected).abs());
            assert!(
                error <= tolerance * (1.0 + f64::from(expected.abs())),
                "{name}[{i}]: expected {expected}, found {found}"
            );
        }
    }
}

/// f32 arithmetic is held to the reference's own tolerance; f64 to the rounding of the stored f32.
const F32: f64 = 1e-4;
const F64: f64 = 1e-6;

fn batch(golden: &Golden, config: &ModelConfig) -> PretrainBatch {
    let genes = golden.ids["input.genes"].clone();
    PretrainBatch {
        cells: CellBatch {
            n_cells: genes.len() / config.seq_len(),
            seq_len: config.seq_len(),
            values: golden.ids["input.values"].clone(),
            genes,
        },
        target: golden.ids["input.target"].clone(),
        masked: golden.ids["input.masked"].iter().map(|&m| m != 0).collect(),
    }
}

fn check_model<T: Real>(name: &str, tolerance: f64) {
    let golden = Golden::read(name);
    let config = golden.config.clone().expect("a model's golden names its configuration");
    let b = Cpu::<T>::new();
    let source = |name: &str| golden.floats.get(&format!("param.{name}")).cloned();
    let model = PanFoMa::load(config.clone(), source, &b).unwrap();
    assert_eq!(
        model.params().iter().map(|(_, t)| t.n_elements()).sum::<usize>(),
        config.n_params(),
        "ModelConfig::n_params counts what the model has"
    );
    let n_stored = golden.floats.keys().filter(|name| name.starts_with("param.")).count();
    assert_eq!(model.params().len(), n_stored, "every stored parameter is read");

    let batch = batch(&golden, &config);
    let trace = model.trace(&b, &batch.cells).unwrap();
    assert_eq!(trace.order, golden.ids["output.order"], "order");
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
        golden.check(name, found, tolerance);
    }
    let embeddings = model.embed(&b, &batch.cells).unwrap();
    golden.check("output.cell", &embeddings.cell, tolerance);
    golden.check("output.global_state", &embeddings.cls_mean, tolerance);
    golden.check("output.class_logits", &embeddings.class_logits.unwrap(), tolerance);

    let n_masked = batch.n_masked() as f64;
    let mut grad = model.zeros_like(&b);
    let sums = model.pretrain_step(&b, &batch, 1.0 / n_masked, &mut grad).unwrap();
    let loss = (sums.expression_nll + sums.cell_expression_nll) / n_masked;
    golden.check("loss.pretrain", &[loss as f32], tolerance);
    check_gradients(&golden, "pretrain", &b, &grad, tolerance);
    assert_eq!(model.pretrain_eval(&b, &batch).unwrap(), sums);

    let labels = &golden.ids["input.label"];
    let mut grad = model.zeros_like(&b);
    let scale = 1.0 / labels.len() as f64;
    let sums = model.class_step(&b, &batch.cells, labels, None, scale, TrainScope::Full, &mut grad).unwrap();
    golden.check("loss.class", &[(sums.nll * scale) as f32], tolerance);
    check_gradients(&golden, "class", &b, &grad, tolerance);
    let mut head = model.zeros_like(&b);
    model.class_step(&b, &batch.cells, labels, None, scale, TrainScope::HeadOnly, &mut head).unwrap();
    for ((name, full), (_, head)) in grad.params().into_iter().zip(head.params()) {
        let zeros = vec![0.0; full.n_elements()];
        let expected = if name.starts_with("head.class") { b.download(full).unwrap() } else { zeros };
        assert_eq!(b.download(head).unwrap(), expected, "{name} with a frozen body");
    }
}

/// Gradients by name; a parameter the reference gives none for must have a gradient of zero.
fn check_gradients<T: Real>(golden: &Golden, loss: &str, b: &Cpu<T>, grad: &PanFoMa<Cpu<T>>, tolerance: f64) {
    for (name, tensor) in grad.params() {
        let found = b.download(tensor).unwrap();
        let key = format!("grad.{loss}.{name}");
        if golden.floats.contains_key(&key) {
            golden.check(&key, &found, tolerance);
        } else {
            assert!(found.iter().all(|&x| x == 0.0), "{key} is not in the golden file and not zero");
        }
    }
}

#[test]
fn model_tiny_agrees_with_the_reference() {
    check_model::<f32>("model_tiny", F32);
    check_model::<f64>("model_tiny", F64);
}

#[test]
fn model_unshared_agrees_with_the_reference() {
    check_model::<f32>("model_unshared", F32);
    check_model::<f64>("model_unshared", F64);
}

#[test]
fn model_small_agrees_with_the_reference() {
    check_model::<f32>("model_small", F32);
    check_model::<f64>("model_small", F64);
}

/// [B, H, T, d] of q, k, v as packed rows [B T, 3 H d].
fn pack(parts: [&[f32]; 3], [n, h, t, d]: [usize; 4]) -> Vec<f32> {
    let mut rows = vec![0.0; n * t * 3 * h * d];
    for (p, part) in parts.into_iter().enumerate() {
        for (i, &x) in part.iter().enumerate() {
            let (s, head, token, c) = (i / (d * t * h), i / (d * t) % h, i / d % t, i % d);
            rows[((s * t + token) * 3 + p) * h * d + head * d + c] = x;
        }
    }
    rows
}

/// Part p of packed rows of `parts` parts as [B, H, T, d].
fn unpack(rows: &[f32], parts: usize, p: usize, [n, h, t, d]: [usize; 4]) -> Vec<f32> {
    let at = |i: usize| {
        let (s, head, token, c) = (i / (d * t * h), i / (d * t) % h, i / d % t, i % d);
        rows[((s * t + token) * parts + p) * h * d + head * d + c]
    };
    (0..n * h * t * d).map(at).collect()
}

fn check_attention<T: Real>(name: &str, tolerance: f64) {
    let golden = Golden::read(name);
    let b = Cpu::<T>::new();
    let shape: [usize; 4] = golden.shape("input.q").try_into().unwrap();
    let [n, h, t, d] = shape;
    let qkv = pack(["input.q", "input.k", "input.v"].map(|name| golden.floats(name)), shape);
    let qkv = b.upload(&[n * t, 3 * h * d], &qkv).unwrap();
    let keys: Vec<u32> = golden.ids["input.key_pad"].iter().map(|&pad| 1 - pad).collect();
    let heads = Heads { n_sequences: n, len: t, n_heads: h, keys: &keys };
    let (o, log_sum) = b.attention(&qkv, &heads).unwrap();
    golden.check("output.y", &unpack(&b.download(&o).unwrap(), 1, 0, shape), tolerance);
    let mut d_o = vec![0.0; n * t * h * d];
    for (i, &x) in golden.floats("output.dy").iter().enumerate() {
        let (s, head, token, c) = (i / (d * t * h), i / (d * t) % h, i / d % t, i % d);
        d_o[(s * t + token) * h * d + head * d + c] = x;
    }
    let d_o = b.upload(&[n * t, h * d], &d_o).unwrap();
    let d_qkv = b.attention_backward(&qkv, &o, &log_sum, &d_o, &heads).unwrap();
    let d_qkv = b.download(&d_qkv).unwrap();
    for (p, name) in ["grad.q", "grad.k", "grad.v"].into_iter().enumerate() {
        golden.check(name, &unpack(&d_qkv, 3, p, shape), tolerance);
    }
}

#[test]
fn attention_agrees_with_the_reference() {
    for name in ["op_attention_769", "op_attention_padded", "op_attention_d32", "op_attention_one"] {
        check_attention::<f32>(name, F32);
        check_attention::<f64>(name, F64);
    }
}

/// z with silu(z) = 1, so that the gated scan is the plain one.
const OPEN_GATE: f64 = 1.278_464_542_761_074;

/// The golden scan takes dt and A; ours takes what softplus and -exp make them of, and the chain rule undoes both.
fn check_scan<T: Real>(name: &str, tolerance: f64) {
    let golden = Golden::read(name);
    let b = Cpu::<T>::new();
    let [n, t, e]: [usize; 3] = golden.shape("input.x").try_into().unwrap();
    let states = golden.shape("input.A")[1];
    let rows = n * t;
    let upload = |shape: &[usize], values: Vec<f64>| {
        let mut tensor = b.zeros(shape).unwrap();
        tensor.as_mut_slice().iter_mut().zip(values).for_each(|(x, v)| *x = T::from_f64(v));
        tensor
    };
    let wide = |name: &str| golden.floats(name).iter().map(|&x| f64::from(x)).collect::<Vec<f64>>();
    let columns = |left: &[f64], right: &[f64], width: usize| -> Vec<f64> {
        let rows = left.chunks_exact(width).zip(right.chunks_exact(width));
        rows.flat_map(|(l, r)| l.iter().chain(r).copied()).collect()
    };
    let (dt, a) = (wide("input.dt"), wide("input.A"));
    let x = upload(&[rows, e], wide("input.x"));
    let dt_raw = upload(&[rows, e], dt.iter().map(|dt| dt + (-(-dt).exp_m1()).ln()).collect());
    let a_log = upload(&[e, states], a.iter().map(|a| (-a).ln()).collect());
    let bc = upload(&[rows, 2 * states], columns(&wide("input.Bm"), &wide("input.Cm"), states));
    let xz = upload(&[rows, 2 * e], columns(&vec![0.0; rows * e], &vec![OPEN_GATE; rows * e], e));
    let (dt_bias, d) = (b.zeros(&[e]).unwrap(), upload(&[e], wide("input.D")));
    let sequences = Sequences::new(&b, t, &vec![t as u32; n]).unwrap();
    let scan = Scan {
        x: &x,
        dt_raw: &dt_raw,
        bc: &bc,
        xz: &xz,
        dt_bias: &dt_bias,
        a_log: &a_log,
        d: &d,
        sequences: &sequences,
        direction: Direction::Forward,
    };
    let (y, kept) = b.selective_scan(&scan).unwrap();
    golden.check("output.y", &b.download(&y).unwrap(), tolerance);
    let dy = upload(&[rows, e], wide("output.dy"));
    let [mut dx, mut d_dt] = [(); 2].map(|()| b.zeros(&[rows, e]).unwrap());
    let mut d_bc = b.zeros(&[rows, 2 * states]).unwrap();
    let mut d_xz = b.zeros(&[rows, 2 * e]).unwrap();
    let [mut d_bias, mut dd] = [(); 2].map(|()| b.zeros(&[e]).unwrap());
    let mut d_a_log = b.zeros(&[e, states]).unwrap();
    let grad = ScanGrad {
        x: &mut dx,
        dt_raw: &mut d_dt,
        bc: &mut d_bc,
        xz: &mut d_xz,
        dt_bias: &mut d_bias,
        a_log: &mut d_a_log,
        d: &mut dd,
    };
    b.selective_scan_backward(&scan, &kept, &dy, grad).unwrap();
    golden.check("grad.x", &b.download(&dx).unwrap(), tolerance);
    golden.check("grad.D", &b.download(&dd).unwrap(), tolerance);
    let d_bc = b.download(&d_bc).unwrap();
    let part = |from: usize| -> Vec<f32> {
        d_bc.chunks_exact(2 * states).flat_map(|row| row[from..from + states].to_vec()).collect()
    };
    golden.check("grad.Bm", &part(0), tolerance);
    golden.check("grad.Cm", &part(states), tolerance);
    let over = |found: Vec<f32>, by: &dyn Fn(usize) -> f64| -> Vec<f32> {
        found.iter().enumerate().map(|(i, &g)| (f64::from(g) / by(i)) as f32).collect()
    };
    // d softplus(r) / dr = 1 - exp(-dt), and d(-exp(l)) / dl = A
    golden.check("grad.dt", &over(b.download(&d_dt).unwrap(), &|i| -(-dt[i]).exp_m1()), tolerance);
    golden.check("grad.A", &over(b.download(&d_a_log).unwrap(), &|i| a[i]), tolerance);
}

#[test]
fn selective_scan_agrees_with_the_reference() {
    for name in ["op_scan_257", "op_scan_3072", "op_scan_n4", "op_scan_one"] {
        check_scan::<f32>(name, F32);
        // dy and x are stored as f32, and grad.D sums up to 3072 of their products.
        check_scan::<f64>(name, 1e-5);
    }
}

/// Our convolution ends in SiLU: outputs are compared through it, gradients through its derivative.
#[test]
fn causal_conv_agrees_with_the_reference() {
    let golden = Golden::read("op_conv");
    let b = Cpu::<f64>::new();
    let [n, t, e]: [usize; 3] = golden.shape("input.x").try_into().unwrap();
    let sigmoid = |p: f64| 1.0 / (1.0 + (-p).exp());
    let xz: Vec<f32> = golden.floats("input.x").chunks_exact(e).flat_map(|x| [x, x].concat()).collect();
    let xz = b.upload(&[n * t, 2 * e], &xz).unwrap();
    let w = b.upload(golden.shape("input.w"), golden.floats("input.w")).unwrap();
    let bias = b.upload(&[e], golden.floats("input.b")).unwrap();
    let sequences = Sequences::new(&b, t, &vec![t as u32; n]).unwrap();
    let y = b.causal_conv_silu(&xz, &w, &bias, &sequences, Direction::Forward).unwrap();
    let p: Vec<f64> = golden.floats("output.y").iter().map(|&p| f64::from(p)).collect();
    for (i, (&p, &y)) in p.iter().zip(y.as_slice()).enumerate() {
        assert!((p * sigmoid(p) - y).abs() <= F64, "y[{i}]: silu({p}) is not {y}");
    }
    let mut dy = b.zeros(&[n * t, e]).unwrap();
    for ((dy, &p), &dp) in dy.as_mut_slice().iter_mut().zip(&p).zip(golden.floats("output.dy")) {
        *dy = f64::from(dp) / (sigmoid(p) * (1.0 + p * (1.0 - sigmoid(p))));
    }
    let (mut dw, mut db) = (b.zeros(w.shape()).unwrap(), b.zeros(&[e]).unwrap());
    let mut dxz = b.zeros(xz.shape()).unwrap();
    b.causal_conv_silu_backward(
        &xz,
        &w,
        &bias,
        &dy,
        &sequences,
        Direction::Forward,
        &mut dw,
        &mut db,
        &mut dxz,
    )
    .unwrap();
    // The stored output is rounded to f32 before it enters the derivative, which divides by as little as 0.01.
    let tolerance = 1e-5;
    let dx: Vec<f32> =
        b.download(&dxz).unwrap().chunks_exact(2 * e).flat_map(|row| row[..e].to_vec()).collect();
    golden.check("grad.x", &dx, tolerance);
    golden.check("grad.w", &b.download(&dw).unwrap(), tolerance);
    golden.check("grad.b", &b.download(&db).unwrap(), tolerance);
}
