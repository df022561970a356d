use super::lanes::Lanes;
use super::*;
use crate::device::{Cpu, Device};
use crate::rng::Philox;

const B: Cpu<f32> = Cpu::new();

fn config() -> ModelConfig {
    ModelConfig {
        d_model: 32,
        d_ff: 48,
        chunk_len: 10,
        n_chunks: 3,
        n_classes: 4,
        ..ModelConfig::preset(Preset::Tiny, 60, 9)
    }
}

/// Cells of random genes of which the last `padding` are padding; every third real gene is masked.
fn batch(config: &ModelConfig, n_cells: usize, padding: usize) -> PretrainBatch {
    let mut batch = PretrainBatch::default();
    batch.cells.n_cells = n_cells;
    batch.cells.seq_len = config.seq_len();
    let mut stream = Philox::new(5).stream(0, 0);
    for _ in 0..n_cells {
        let mut genes: Vec<u32> = (1..config.n_genes as u32).collect();
        stream.shuffle(&mut genes);
        for (i, &gene) in genes[..config.seq_len()].iter().enumerate() {
            let target = stream.below(config.n_bins as u32);
            let real = i < config.seq_len() - padding;
            let masked = real && i % 3 == 0;
            batch.cells.genes.push(if real { gene } else { PAD_GENE });
            let value = if masked { config.mask_value() } else { target };
            batch.cells.values.push(if real { value } else { config.pad_value() });
            batch.target.push(target);
            batch.masked.push(masked);
        }
    }
    batch
}

fn bits(model: &PanFoMa<Cpu<f32>>) -> Vec<u32> {
    model.params().iter().flat_map(|(_, t)| t.as_slice().iter().map(|x| x.to_bits())).collect()
}

#[test]
fn init_depends_on_the_seed_and_the_name_alone() {
    let a = PanFoMa::init(config(), 1, &B);
    let more_layers = PanFoMa::init(ModelConfig { n_decoder_layers: 3, n_classes: 0, ..config() }, 1, &B);
    let of_more: std::collections::HashMap<_, _> = more_layers.params().into_iter().collect();
    for (name, tensor) in a.params().into_iter().filter(|(name, _)| !name.starts_with("head.class")) {
        assert_eq!(tensor.as_slice(), of_more[&name].as_slice(), "{name}");
    }
    assert_ne!(bits(&a), bits(&PanFoMa::init(config(), 2, &B)));
}

#[test]
fn load_reads_what_params_names_and_refuses_anything_else() {
    let model = PanFoMa::init(config(), 1, &B);
    let stored: std::collections::HashMap<String, (Vec<usize>, Vec<f32>)> = model
        .params()
        .into_iter()
        .map(|(name, t)| (name, (t.shape().to_vec(), t.as_slice().to_vec())))
        .collect();
    let again = PanFoMa::load(config(), |name| stored.get(name).cloned(), &B).unwrap();
    assert_eq!(bits(&model), bits(&again));
    let refuse = |tensors: &dyn Fn(&str) -> Option<(Vec<usize>, Vec<f32>)>, expected: &str| {
        let error = PanFoMa::load(config(), tensors, &B).err().unwrap().to_string();
        assert_eq!(error, expected);
    };
    refuse(
        &|name| stored.get(name).filter(|_| name != "decoder.norm.weight").cloned(),
        "the weights lack tensor `decoder.norm.weight`",
    );
    refuse(
        &|name| match name {
            "embed.cls" => Some((vec![32, 3], vec![0.0; 96])),
            _ => stored.get(name).cloned(),
        },
        "tensor `embed.cls` has shape [32, 3], expected [3, 32]",
    );
}

#[test]
fn with_class_head_keeps_the_body_and_resizes_the_head() {
    let model = PanFoMa::init(ModelConfig { n_classes: 0, ..config() }, 1, &B);
    let body = bits(&model);
    let model = model.with_class_head(7, 3, &B);
    assert_eq!(model.config.n_classes, 7);
    assert_eq!(model.params().last().unwrap().1.shape(), [7]);
    assert_eq!(bits(&model)[..body.len()], body);
    assert_eq!(bits(&model.with_class_head(0, 3, &B)), body);
}

/// Lanes are part of the arithmetic, threads are not: 7 micro-batches on 4 lanes, on pools of 1, 2 and 3 threads.
#[test]
fn lanes_give_the_same_bits_on_any_number_of_threads() {
    let model = PanFoMa::init(config(), 1, &B);
    let batch = batch(&config(), 13, 2);
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let mut lanes = Lanes::new(4, 2);
            let mut grad = model.zeros_like(&B);
            let first =
                lanes.pretrain_step(&B, &model, &batch, &Brought::default(), 0.01, &mut grad).unwrap();
            // A second step on the same lanes starts from zero again.
            let mut again = model.zeros_like(&B);
            let second =
                lanes.pretrain_step(&B, &model, &batch, &Brought::default(), 0.01, &mut again).unwrap();
            assert_eq!((bits(&grad), first), (bits(&again), second));
            (bits(&grad), first)
        })
    };
    let one = run(1);
    assert!(one.0.iter().any(|&bits| bits != 0));
    assert_eq!(one, run(2));
    assert_eq!(one, run(3));
}

#[test]
fn lanes_sum_to_the_gradient_of_the_whole_batch() {
    let model = PanFoMa::init(config(), 1, &B);
    let batch = batch(&config(), 5, 2);
    let mut whole = model.zeros_like(&B);
    let sums = model.pretrain_step(&B, &batch, 0.01, &mut whole).unwrap();
    let mut laned = model.zeros_like(&B);
    let laned_sums =
        Lanes::new(3, 1).pretrain_step(&B, &model, &batch, &Brought::default(), 0.01, &mut laned).unwrap();
    assert_eq!(sums.n_masked, laned_sums.n_masked);
    assert!((sums.expression_nll - laned_sums.expression_nll).abs() < 1e-4 * sums.expression_nll);
    for ((name, whole), (_, laned)) in whole.params().into_iter().zip(laned.params()) {
        for (a, b) in whole.as_slice().iter().zip(laned.as_slice()) {
            // Sums in another order.
            assert!((a - b).abs() < 1e-5, "{name}: {a} whole, {b} in lanes");
        }
    }
}

/// The same genes in a longer sequence whose last chunk is padding: no real gene's state may notice.
#[test]
fn padding_changes_no_real_gene() {
    let short = ModelConfig { n_chunks: 2, ..config() };
    let long = ModelConfig { n_chunks: 2, chunk_len: 14, ..config() };
    let model = PanFoMa::init(short.clone(), 1, &B);
    let params: std::collections::HashMap<String, (Vec<usize>, Vec<f32>)> = model
        .params()
        .into_iter()
        .map(|(name, t)| (name, (t.shape().to_vec(), t.as_slice().to_vec())))
        .collect();
    let padded_model = PanFoMa::load(long.clone(), |name| params.get(name).cloned(), &B).unwrap();
    let cells = batch(&short, 2, 0).cells;
    // Each chunk of 10 genes gets 4 paddings; which end of the chunk they stand at must not matter either.
    for at_front in [false, true] {
        let mut padded = CellBatch { n_cells: 2, seq_len: long.seq_len(), ..CellBatch::default() };
        for (genes, values) in cells.genes.chunks(10).zip(cells.values.chunks(10)) {
            let (pads, pad_values) = ([PAD_GENE; 4], [long.pad_value(); 4]);
            let both = |real: &[u32], pad: &[u32]| {
                if at_front { [pad, real].concat() } else { [real, pad].concat() }
            };
            padded.genes.extend(both(genes, &pads));
            padded.values.extend(both(values, &pad_values));
        }
        let expected = model.trace(&B, &cells).unwrap();
        let found = padded_model.trace(&B, &padded).unwrap();
        let real: Vec<usize> = (0..padded.genes.len()).filter(|&i| padded.genes[i] != PAD_GENE).collect();
        for (i, &token) in real.iter().enumerate() {
            for c in 0..32 {
                let (a, b) = (expected.gene_states[i * 32 + c], found.gene_states[token * 32 + c]);
                assert!((a - b).abs() < 1e-5, "state {c} of gene {i}: {a} alone, {b} with padding");
            }
        }
        for (a, b) in expected.cell.iter().zip(&found.cell) {
            assert!((a - b).abs() < 1e-5, "cell: {a} alone, {b} with padding");
        }
    }
}

/// Rows sum to 1, padding keys get nothing, and the first layer agrees with softmax written out naively.
#[test]
fn encoder_attention_is_the_softmax_of_the_layer() {
    let config = config();
    let model = PanFoMa::init(config.clone(), 1, &B);
    let cells = batch(&config, 2, 3).cells;
    let tokens = model.tokens(&B, &cells).unwrap();
    let x = model.embed.forward(&B, &tokens.genes, &tokens.values, 2).unwrap();
    let qkv = model.encoder.layers[0].attention.queries_keys_values(&B, &x).unwrap();
    let (len, d, d_head) = (config.chunk_len + 1, config.d_model, config.d_model / config.n_heads);
    let mut seen = 0;
    let mut check = |view: AttentionView| {
        seen += 1;
        let sequence = view.cell * config.n_chunks + view.chunk;
        assert_eq!(view.genes, &cells.genes[sequence * 10..][..10]);
        for query in 0..len {
            let row = &view.probabilities[query * len..][..len];
            assert!((row.iter().sum::<f32>() - 1.0).abs() < 1e-5);
            let at = |token: usize, part: usize, c: usize| {
                f64::from(
                    qkv.as_slice()[(sequence * len + token) * 3 * d + part * d + view.head * d_head + c],
                )
            };
            let e = |key: usize| {
                let is_padding = key > 0 && view.genes[key - 1] == PAD_GENE;
                let score: f64 = (0..d_head).map(|c| at(query, 0, c) * at(key, 1, c)).sum();
                if is_padding { 0.0 } else { (score / (d_head as f64).sqrt()).exp() }
            };
            let sum: f64 = (0..len).map(e).sum();
            for key in 0..len {
                if key > 0 && view.genes[key - 1] == PAD_GENE {
                    assert_eq!(row[key], 0.0);
                }
                if view.layer == 0 {
                    assert!((f64::from(row[key]) - e(key) / sum).abs() < 1e-5);
                }
            }
        }
    };
    model.encoder_attention(&B, &cells, &mut check).unwrap();
    assert_eq!(seen, 2 * config.n_chunks * config.n_encoder_layers * config.n_heads);
}

#[test]
fn class_weights_scale_losses_and_gradients() {
    let model = PanFoMa::init(config(), 1, &B);
    let cells = batch(&config(), 3, 0).cells;
    let run = |weights: Option<&[f32]>, scale: f64| {
        let mut grad = model.zeros_like(&B);
        let sums =
            model.class_step(&B, &cells, &[0, 1, 1], weights, scale, TrainScope::Full, &mut grad).unwrap();
        (sums, grad)
    };
    let (plain, plain_grad) = run(None, 1.0);
    let (weighted, weighted_grad) = run(Some(&[2.0; 4]), 0.5);
    assert!((weighted.nll - 2.0 * plain.nll).abs() < 1e-9);
    assert_eq!((plain.weight, weighted.weight, plain.n), (3.0, 6.0, 3));
    for ((name, a), (_, b)) in plain_grad.params().into_iter().zip(weighted_grad.params()) {
        for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
            assert!((a - b).abs() < 1e-6, "{name}: {a} against {b}");
        }
    }
}

#[test]
fn batches_that_do_not_fit_are_refused() {
    let model = PanFoMa::init(config(), 1, &B);
    let check = |change: fn(&mut PretrainBatch), expected: &str| {
        let mut batch = batch(&config(), 2, 2);
        change(&mut batch);
        let error = model.pretrain_eval(&B, &batch).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(|b| b.cells.genes[3] = 60, "gene id 60 in a vocabulary of 60");
    check(|b| b.cells.values[3] = 11, "value id 11 above the padding value 10");
    check(|b| b.cells.seq_len = 29, "expected 2 cells x 30 tokens");
    check(|b| b.cells.genes[..30].fill(PAD_GENE), "cell 0 of the batch holds padding only");
    check(|b| b.masked[29] = true, "token 29 is masked and padding");
    check(|b| b.target[0] = 9, "target 9 of token 0 is not one of 9 bins");
}

#[test]
fn a_model_without_class_head_refuses_labels() {
    let model = PanFoMa::init(ModelConfig { n_classes: 0, ..config() }, 1, &B);
    let cells = batch(&config(), 1, 0).cells;
    let mut grad = model.zeros_like(&B);
    let step = model.class_step(&B, &cells, &[0], None, 1.0, TrainScope::Full, &mut grad);
    assert!(matches!(step, Err(ModelError::NoClassHead)));
    assert_eq!(model.embed(&B, &cells).unwrap().class_logits, None);
}

/// AVX-512 and AVX2 against the baseline, at widths that fill no vector.
#[test]
fn instruction_sets_agree() {
    use crate::device::simd::{FORCED, Level};
    for (d_model, n_heads, d_state, chunk_len) in [(20, 2, 3, 7), (72, 3, 16, 19), (33, 1, 5, 40)] {
        let config = ModelConfig { d_model, n_heads, d_state, chunk_len, d_ff: 37, ..config() };
        let config = ModelConfig { n_genes: 200, ..config };
        let model = PanFoMa::init(config.clone(), 1, &B);
        let batch = batch(&config, 2, 4);
        let run = |level: Level| {
            FORCED.set(Some(level));
            let mut grad = model.zeros_like(&B);
            let sums = model.pretrain_step(&B, &batch, 0.01, &mut grad).unwrap();
            let trace = model.trace(&B, &batch.cells).unwrap();
            FORCED.set(None);
            (sums, trace, grad)
        };
        let (_, trace, grad) = run(Level::Baseline);
        for level in [Level::Avx2, Level::Avx512].into_iter().filter(|&level| level <= Level::detected()) {
            let (_, other, other_grad) = run(level);
            assert_eq!(trace.order, other.order);
            for (a, b) in trace.gene_states.iter().zip(&other.gene_states) {
                assert!((a - b).abs() < 1e-4, "{level:?}, D {d_model}: {a} against {b}");
            }
            for ((name, a), (_, b)) in grad.params().into_iter().zip(other_grad.params()) {
                for (a, b) in a.as_slice().iter().zip(b.as_slice()) {
                    assert!(
                        (a - b).abs() < 1e-4 * (1.0 + a.abs()),
                        "{level:?}, D {d_model}, {name}: {a} against {b}"
                    );
                }
            }
        }
    }
}

#[test]
fn gene_embeddings_are_the_table() {
    let model = PanFoMa::init(config(), 1, &B);
    let table = model.gene_embeddings(&B).unwrap();
    assert_eq!((table.len(), table), (60 * 32, B.download(&model.embed.gene).unwrap()));
}
