//! Every operation at small awkward sizes, within the tolerances of its kernels: an output in bf16 is off by 1.7e-3 for
//! rounding alone.

use crate::compare::{EXACT, activations, near, on_device, parameters, random};
use crate::interpreted::rounded;
use panfoma_core::device::cuda::{Cuda, Driver};
use panfoma_core::device::{Device, Tensor};
use panfoma_core::ops::Sequences;
use panfoma_core::ops::adamw::{AdamW, Constants, Parameter, Step};
use panfoma_core::ops::attention::{Attention, Heads};
use panfoma_core::ops::causal_conv::CausalConv;
use panfoma_core::ops::cross_entropy::CrossEntropy;
use panfoma_core::ops::gated_fusion::GatedFusion;
use panfoma_core::ops::gelu::Gelu;
use panfoma_core::ops::layer_norm::LayerNorm;
use panfoma_core::ops::linear::Linear;
use panfoma_core::ops::matmul::{Matmul, Matrix};
use panfoma_core::ops::mean_pool::MeanPool;
use panfoma_core::ops::rms_norm::RmsNorm;
use panfoma_core::ops::rows::Rows;
use panfoma_core::ops::selective_scan::{Direction, Scan, ScanGrad, SelectiveScan};
use panfoma_core::ops::sort_genes::{Chunks, SortGenes};
use panfoma_core::ops::token_embedding::{Tables, TablesMut, TokenEmbedding};

/// One rounding to bf16 is off by 2^-8 at most, 1.7e-3 on average.
const ROUNDED: f64 = 4e-3;
/// Sums in f32.
const SUMMED: f64 = 1e-5;

fn check_products<D: Driver>(b: &Cuda<D>) {
    let (x, x64) = activations(b, &[7, 10], &random(70, 1));
    let (w, w64) = parameters(b, &[5, 8], &random(40, 2));
    // A window of columns, transposes, an f32 tensor read as bf16, and accumulation in both types.
    let y = b.matmul(Matrix::cols(&x, 1..9), Matrix::of(&w).t()).unwrap();
    let y64 = EXACT.matmul(Matrix::cols(&x64, 1..9), Matrix::of(&w64).t()).unwrap();
    near(b, "window times transpose", &y, &y64, ROUNDED);
    let (mut grad, mut grad64) = parameters(b, &[5, 8], &random(40, 3));
    b.matmul_add(Matrix::of(&y).t(), Matrix::cols(&x, 2..10), &mut grad).unwrap();
    let y64 = EXACT.upload(&[7, 5], &b.download(&y).unwrap()).unwrap();
    EXACT.matmul_add(Matrix::of(&y64).t(), Matrix::cols(&x64, 2..10), &mut grad64).unwrap();
    near(b, "gradient of a weight", &grad, &grad64, SUMMED);
    let (mut wide, mut wide64) = activations(b, &[7, 10], &random(70, 4));
    b.matmul_into(Matrix::of(&y), Matrix::of(&w), true, &mut wide, 1..9).unwrap();
    EXACT.matmul_into(Matrix::of(&y64), Matrix::of(&w64), true, &mut wide64, 1..9).unwrap();
    near(b, "added to a window", &wide, &wide64, ROUNDED);
}

#[test]
fn products_read_windows_transposes_and_copies_of_parameters() {
    on_device!(check_products);
}

fn check_changed_parameter<D: Driver>(b: &Cuda<D>) {
    let (x, _) = activations(b, &[3, 8], &random(24, 1));
    let (mut w, _) = parameters(b, &[4, 8], &random(32, 2));
    let before = b.download(&b.matmul(Matrix::of(&x), Matrix::of(&w).t()).unwrap()).unwrap();
    assert!(before.iter().any(|&x| x != 0.0));
    b.set_zero(vec![&mut w]).unwrap();
    let after = b.download(&b.matmul(Matrix::of(&x), Matrix::of(&w).t()).unwrap()).unwrap();
    assert_eq!(after, [0.0; 12]);
}

#[test]
fn a_product_sees_the_parameter_as_it_is_now() {
    on_device!(check_changed_parameter);
}

fn check_linear<D: Driver>(b: &Cuda<D>, rows: usize) {
    let (inputs, outputs) = (16, 24);
    let (x, x64) = activations(b, &[rows, inputs], &random(rows * inputs, 1));
    let (w, w64) = parameters(b, &[outputs, inputs], &random(outputs * inputs, 2));
    let (bias, bias64) = parameters(b, &[outputs], &random(outputs, 3));
    let (residual, residual64) = activations(b, &[rows, outputs], &random(rows * outputs, 4));
    for (with_bias, with_residual) in [(false, false), (true, false), (false, true), (true, true)] {
        let y = b.linear(&x, &w, with_bias.then_some(&bias), with_residual.then_some(&residual)).unwrap();
        let y64 = EXACT
            .linear(&x64, &w64, with_bias.then_some(&bias64), with_residual.then_some(&residual64))
            .unwrap();
        near(b, "linear", &y, &y64, ROUNDED);
    }
    let (mut db, mut db64) = parameters(b, &[outputs], &random(outputs, 5));
    b.bias_backward(&residual, &mut db).unwrap();
    EXACT.bias_backward(&residual64, &mut db64).unwrap();
    near(b, "dbias", &db, &db64, SUMMED);
}

#[test]
fn linear_maps_add_bias_and_residual() {
    for rows in [1, 31, 33, 130] {
        on_device!(check_linear, rows);
    }
}

fn check_elementwise<D: Driver>(b: &Cuda<D>, n: usize) {
    let (x, x64) = activations(b, &[1, n], &random(n, 1));
    let (dy, dy64) = activations(b, &[1, n], &random(n, 2));
    near(b, "gelu", &b.gelu(&x).unwrap(), &EXACT.gelu(&x64).unwrap(), ROUNDED);
    let (dx, dx64) =
        (b.gelu_backward(&x, dy).unwrap(), EXACT.gelu_backward(&x64, EXACT.copy(&dy64).unwrap()).unwrap());
    near(b, "gelu backward", &dx, &dx64, ROUNDED);
    let inputs: Vec<_> = (3..7).map(|seed| activations(b, &[1, n], &random(n, seed))).collect();
    let [h, gate, f, r] = inputs.try_into().unwrap_or_else(|_| unreachable!());
    let y = b.gated_fusion(&h.0, &gate.0, &f.0, &r.0).unwrap();
    near(b, "fusion", &y, &EXACT.gated_fusion(&h.1, &gate.1, &f.1, &r.1).unwrap(), ROUNDED);
    let found = b.gated_fusion_backward(gate.0, f.0, r.0, &h.0).unwrap();
    let expected = EXACT.gated_fusion_backward(gate.1, f.1, r.1, &h.1).unwrap();
    near(b, "dgate", &found.0, &expected.0, ROUNDED);
    near(b, "df", &found.1, &expected.1, ROUNDED);
    near(b, "db", &found.2, &expected.2, ROUNDED);
    for parameter in [false, true] {
        let make = if parameter { parameters } else { activations };
        let ((mut y, mut y64), (x, x64)) = (make(b, &[1, n], &random(n, 8)), make(b, &[1, n], &random(n, 9)));
        b.add_assign(&mut y, &x).unwrap();
        EXACT.add_assign(&mut y64, &x64).unwrap();
        near(b, "sum", &y, &y64, if parameter { SUMMED } else { ROUNDED });
    }
}

#[test]
fn elementwise_operations_agree_at_any_length() {
    for n in [1, 7, 33, 2049] {
        on_device!(check_elementwise, n);
    }
}

fn check_norms<D: Driver>(b: &Cuda<D>, rows: usize, cols: usize) {
    let (x, x64) = activations(b, &[rows, cols], &random(rows * cols, 1));
    let (w, w64) = parameters(b, &[cols], &random(cols, 2));
    let (bias, bias64) = parameters(b, &[cols], &random(cols, 3));
    let (dy, dy64) = activations(b, &[rows, cols], &random(rows * cols, 4));
    let fresh = |seed| parameters(b, &[cols], &random(cols, seed));
    let onto = || activations(b, &[rows, cols], &random(rows * cols, 5));

    let (y, stats) = b.layer_norm(&x, &w, &bias, 1e-5).unwrap();
    let (y64, stats64) = EXACT.layer_norm(&x64, &w64, &bias64, 1e-5).unwrap();
    near(b, "layer norm", &y, &y64, ROUNDED);
    near(b, "its statistics", &stats, &stats64, SUMMED);
    let ((mut dw, mut dw64), (mut db, mut db64), (mut dx, mut dx64)) = (fresh(6), fresh(7), onto());
    b.layer_norm_backward(&x, &stats, &w, &dy, &mut dw, &mut db, &mut dx).unwrap();
    EXACT.layer_norm_backward(&x64, &stats64, &w64, &dy64, &mut dw64, &mut db64, &mut dx64).unwrap();
    near(b, "layer norm dx", &dx, &dx64, ROUNDED);
    near(b, "layer norm dw", &dw, &dw64, SUMMED);
    near(b, "layer norm db", &db, &db64, SUMMED);

    let (y, r) = b.rms_norm(&x, &w, 1e-5).unwrap();
    let (y64, r64) = EXACT.rms_norm(&x64, &w64, 1e-5).unwrap();
    near(b, "rms norm", &y, &y64, ROUNDED);
    near(b, "its r", &r, &r64, SUMMED);
    let ((mut dw, mut dw64), (mut dx, mut dx64)) = (fresh(8), onto());
    b.rms_norm_backward(&x, &r, &w, &dy, &mut dw, &mut dx).unwrap();
    EXACT.rms_norm_backward(&x64, &r64, &w64, &dy64, &mut dw64, &mut dx64).unwrap();
    near(b, "rms norm dx", &dx, &dx64, ROUNDED);
    near(b, "rms norm dw", &dw, &dw64, SUMMED);
}

#[test]
fn norms_agree_at_every_width_of_kernel() {
    for (rows, cols) in [(1, 16), (33, 64), (9, 264), (3, 520)] {
        on_device!(check_norms, rows, cols);
    }
}

fn check_rows<D: Driver>(b: &Cuda<D>) {
    let (x, x64) = activations(b, &[5, 8], &random(40, 1));
    let (table, table64) = parameters(b, &[5, 8], &random(40, 2));
    // Row 2 three times, row 4 never.
    let rows = [2, 0, 2, 3, 1, 2];
    let (at, at64) = (b.index(&rows).unwrap(), EXACT.index(&rows).unwrap());
    let y = b.gather_rows(&x, &at).unwrap();
    near(b, "rows", &y, &EXACT.gather_rows(&x64, &at64).unwrap(), 0.0);
    near(
        b,
        "rows of f32",
        &b.gather_rows(&table, &at).unwrap(),
        &EXACT.gather_rows(&table64, &at64).unwrap(),
        0.0,
    );
    let y64 = EXACT.gather_rows(&x64, &at64).unwrap();
    let ((mut to, mut to64), (mut half, mut half64)) =
        (parameters(b, &[5, 8], &random(40, 3)), activations(b, &[5, 8], &random(40, 4)));
    b.scatter_add_rows(&y, &at, &mut to).unwrap();
    EXACT.scatter_add_rows(&y64, &at64, &mut to64).unwrap();
    near(b, "scattered to f32", &to, &to64, SUMMED);
    b.scatter_add_rows(&y, &at, &mut half).unwrap();
    EXACT.scatter_add_rows(&y64, &at64, &mut half64).unwrap();
    near(b, "scattered to bf16", &half, &half64, ROUNDED);
    // A choice of places that comes from the device names no row twice.
    let which = b.select(&b.index(&[4, 3, 2, 1, 0]).unwrap(), &b.index(&[3, 0]).unwrap()).unwrap();
    assert_eq!(b.index_to_host(&which).unwrap(), [1, 4]);
    let (y, y64) = activations(b, &[2, 8], &random(16, 5));
    b.scatter_add_rows(&y, &which, &mut half).unwrap();
    EXACT.scatter_add_rows(&y64, &vec![1, 4], &mut half64).unwrap();
    near(b, "scattered to places", &half, &half64, ROUNDED);
}

#[test]
fn rows_are_gathered_and_added_back() {
    on_device!(check_rows);
}

fn check_embedding<D: Driver>(b: &Cuda<D>) {
    let (n_cells, n_chunks, chunk_len, d) = (3, 2, 50, 16);
    let n = n_cells * n_chunks * chunk_len;
    let (gene, gene64) = parameters(b, &[20, d], &random(20 * d, 1));
    let (value, value64) = parameters(b, &[5, d], &random(5 * d, 2));
    let (cls, cls64) = parameters(b, &[n_chunks, d], &random(n_chunks * d, 3));
    // Most tokens are padding: its rows are a long list.
    let genes: Vec<u32> = (0..n as u32).map(|i| if i % 3 == 0 { i % 20 } else { 0 }).collect();
    let values: Vec<u32> = (0..n as u32).map(|i| i * 7 % 5).collect();
    let (at, at64) = ([&genes, &values].map(|ids| b.index(ids).unwrap()), [genes.clone(), values.clone()]);
    let tables = Tables { gene: &gene, value: &value, cls: &cls };
    let tables64 = Tables { gene: &gene64, value: &value64, cls: &cls64 };
    let x = b.embed_tokens(tables, &at[0], &at[1], n_cells).unwrap();
    near(b, "tokens", &x, &EXACT.embed_tokens(tables64, &at64[0], &at64[1], n_cells).unwrap(), ROUNDED);
    let (dx, dx64) = activations(b, x.shape(), &random(x.n_elements(), 4));
    let (mut d_gene, mut d_gene64) = parameters(b, &[20, d], &random(20 * d, 5));
    let (mut d_value, mut d_value64) = parameters(b, &[5, d], &random(5 * d, 6));
    let (mut d_cls, mut d_cls64) = parameters(b, &[n_chunks, d], &random(n_chunks * d, 7));
    let grad = TablesMut { gene: &mut d_gene, value: &mut d_value, cls: &mut d_cls };
    let to = b.destinations(&at[0], &at[1], n_chunks, chunk_len).unwrap();
    b.embed_tokens_backward(&dx, &at[0], &at[1], &to, grad).unwrap();
    let grad = TablesMut { gene: &mut d_gene64, value: &mut d_value64, cls: &mut d_cls64 };
    let to = EXACT.destinations(&at64[0], &at64[1], n_chunks, chunk_len).unwrap();
    EXACT.embed_tokens_backward(&dx64, &at64[0], &at64[1], &to, grad).unwrap();
    near(b, "d gene", &d_gene, &d_gene64, SUMMED);
    near(b, "d value", &d_value, &d_value64, SUMMED);
    near(b, "d cls", &d_cls, &d_cls64, SUMMED);
}

#[test]
fn tokens_are_embedded_and_their_gradients_come_back() {
    on_device!(check_embedding);
}

fn check_pool<D: Driver>(b: &Cuda<D>) {
    let (len, d) = (37, 24);
    let n_valid = [37, 1, 20];
    let (sequences, sequences64) =
        (Sequences::new(b, len, &n_valid).unwrap(), Sequences::new(&EXACT, len, &n_valid).unwrap());
    let (x, x64) = activations(b, &[3 * len, d], &random(3 * len * d, 1));
    let y64 = EXACT.mean_pool(&x64, &sequences64).unwrap();
    near(b, "mean", &b.mean_pool(&x, &sequences).unwrap(), &y64, ROUNDED);
    let (dy, dy64) = activations(b, &[3, d], &random(3 * d, 2));
    let (mut dx, mut dx64) = activations(b, &[3 * len, d], &random(3 * len * d, 3));
    b.mean_pool_backward(&dy, &sequences, &mut dx).unwrap();
    EXACT.mean_pool_backward(&dy64, &sequences64, &mut dx64).unwrap();
    near(b, "mean backward", &dx, &dx64, ROUNDED);
}

#[test]
fn sequences_are_averaged_over_their_real_rows() {
    on_device!(check_pool);
}

fn check_attention<D: Driver>(b: &Cuda<D>, n_sequences: usize, len: usize, n_heads: usize, width: usize) {
    let (rows, d) = (n_sequences * len, n_heads * width);
    let (qkv, qkv64) = activations(b, &[rows, 3 * d], &random(rows * 3 * d, 1));
    // The first key is a [CLS]; some of the others are padding.
    let keys: Vec<u32> = (0..rows).map(|i| u32::from(i % len == 0 || i % 7 != 3)).collect();
    let (at, at64) = (b.index(&keys).unwrap(), EXACT.index(&keys).unwrap());
    let heads = Heads { n_sequences, len, n_heads, keys: &at };
    let heads64 = Heads { n_sequences, len, n_heads, keys: &at64 };
    let (o, logs) = b.attention(&qkv, &heads).unwrap();
    let (o64, logs64) = EXACT.attention(&qkv64, &heads64).unwrap();
    near(b, "O", &o, &o64, 3e-3);
    near(b, "log of the sum", &logs, &logs64, 1e-5);
    let (d_o, d_o64) = activations(b, &[rows, d], &random(rows * d, 2));
    let found = b.attention_backward(&qkv, &o, &logs, &d_o, &heads).unwrap();
    let expected = EXACT.attention_backward(&qkv64, &o64, &logs64, &d_o64, &heads64).unwrap();
    near(b, "dqkv", &found, &expected, 6e-3);
    let p = b.attention_probabilities(&qkv, &heads, n_sequences - 1, n_heads - 1).unwrap();
    let p64 = EXACT.attention_probabilities(&qkv64, &heads64, n_sequences - 1, n_heads - 1).unwrap();
    let p64: Vec<f64> = p64.into_iter().map(f64::from).collect();
    crate::compare::close("P", &p, &p64, 1e-5);
}

#[test]
fn attention_agrees_at_widths_with_a_kernel_and_without() {
    for (n_sequences, len, n_heads, width) in [(2, 33, 2, 32), (1, 130, 1, 64), (2, 7, 2, 8), (1, 33, 2, 40)]
    {
        on_device!(check_attention, n_sequences, len, n_heads, width);
    }
}

fn check_conv<D: Driver>(b: &Cuda<D>, e: usize, direction: Direction) {
    let (len, n_valid) = (70, [70, 2]);
    let rows = 2 * len;
    let (sequences, sequences64) =
        (Sequences::new(b, len, &n_valid).unwrap(), Sequences::new(&EXACT, len, &n_valid).unwrap());
    let (xz, xz64) = activations(b, &[rows, 2 * e], &random(rows * 2 * e, 1));
    let (w, w64) = parameters(b, &[e, 4], &random(4 * e, 2));
    let (bias, bias64) = parameters(b, &[e], &random(e, 3));
    let y = b.causal_conv_silu(&xz, &w, &bias, &sequences, direction).unwrap();
    let y64 = EXACT.causal_conv_silu(&xz64, &w64, &bias64, &sequences64, direction).unwrap();
    near(b, "convolution", &y, &y64, ROUNDED);
    let (dy, dy64) = activations(b, &[rows, e], &random(rows * e, 4));
    let (mut dw, mut dw64) = parameters(b, &[e, 4], &random(4 * e, 5));
    let (mut db, mut db64) = parameters(b, &[e], &random(e, 6));
    let (mut dxz, mut dxz64) = activations(b, &[rows, 2 * e], &random(rows * 2 * e, 7));
    b.causal_conv_silu_backward(&xz, &w, &bias, &dy, &sequences, direction, &mut dw, &mut db, &mut dxz)
        .unwrap();
    EXACT
        .causal_conv_silu_backward(
            &xz64,
            &w64,
            &bias64,
            &dy64,
            &sequences64,
            direction,
            &mut dw64,
            &mut db64,
            &mut dxz64,
        )
        .unwrap();
    near(b, "dxz", &dxz, &dxz64, ROUNDED);
    near(b, "dw", &dw, &dw64, SUMMED);
    near(b, "db", &db, &db64, SUMMED);
}

#[test]
fn convolution_agrees_in_both_directions() {
    on_device!(check_conv, 32, Direction::Forward);
    on_device!(check_conv, 160, Direction::Backward);
}

fn check_cross_entropy<D: Driver>(b: &Cuda<D>, rows: usize, classes: usize, weighted: bool) {
    let (mut logits, mut logits64) = activations(b, &[rows, classes], &random(rows * classes, 1));
    let targets: Vec<u32> = (0..rows).map(|r| (r * 5 % classes) as u32).collect();
    let weights: Vec<f32> = (0..rows).map(|r| 0.5 + r as f32).collect();
    let weights = weighted.then_some(&weights[..]);
    let found = b.cross_entropy(&mut logits, &b.index(&targets).unwrap(), weights, 0.25).unwrap();
    let found = b.nll_sums(&found).unwrap();
    let expected = EXACT.cross_entropy(&mut logits64, &targets, weights, 0.25).unwrap();
    assert_eq!(found.n_correct, expected.n_correct);
    assert!((found.nll / expected.nll - 1.0).abs() < 1e-6, "{} against {}", found.nll, expected.nll);
    near(b, "dlogits", &logits, &logits64, ROUNDED);
}

#[test]
fn cross_entropy_agrees_with_weights_and_without() {
    on_device!(check_cross_entropy, 33, 51, false);
    on_device!(check_cross_entropy, 7, 3, true);
    on_device!(check_cross_entropy, 1, 130, false);
}

fn check_sort<D: Driver>(b: &Cuda<D>) {
    let chunks = Chunks { n_cells: 2, n_chunks: 3, chunk_len: 11 };
    let (rows, d) = (2 * 3 * 12, 16);
    let (states, states64) = activations(b, &[rows, d], &random(rows * d, 1));
    let genes: Vec<u32> = (0..66).map(|i| u32::from(i % 5 != 4)).collect();
    let found = b.sort_genes(&states, &b.index(&genes).unwrap(), chunks).unwrap();
    let expected = EXACT.sort_genes(&states64, &genes, chunks).unwrap();
    near(b, "global state", &found.global, &expected.global, SUMMED);
    near(b, "scores", &found.scores, &expected.scores, SUMMED);
    assert_eq!(b.index_to_host(&found.rows).unwrap(), expected.rows);
    assert_eq!(b.index_to_host(&found.places).unwrap(), expected.places);
}

#[test]
fn genes_are_sorted_by_score() {
    on_device!(check_sort);
}

fn check_adamw<D: Driver>(b: &Cuda<D>) {
    // Longer than one part of the norm.
    let n = (1 << 14) + 5;
    let tensors: Vec<_> = (1..5).map(|seed| random(n, seed)).collect();
    let upload = |i: usize| b.upload(&[n], &tensors[i]).unwrap();
    let upload64 = |i: usize| EXACT.upload(&[n], &tensors[i]).unwrap();
    let (mut value, gradient, mut first) = (upload(0), upload(1), upload(2));
    let (mut value64, gradient64, mut first64) = (upload64(0), upload64(1), upload64(2));
    let positive: Vec<f32> = tensors[3].iter().map(|x| x * x).collect();
    let (mut second, mut second64) = parameters(b, &[n], &positive);
    let norm = b.sum_of_squares(&[&gradient, &value]).unwrap();
    let norm64 = EXACT.sum_of_squares(&[&gradient64, &value64]).unwrap();
    assert!((norm / norm64 - 1.0).abs() < 1e-12, "{norm} against {norm64}");
    let constants = Constants { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.1 };
    let step = Step { learning_rate: 1e-3, t: 3, gradient_factor: 0.5 };
    let update = constants.update(step);
    for decays in [true, false] {
        let (value, first, second) = (&mut value, &mut first, &mut second);
        b.adamw(&update, vec![Parameter { decays, value, gradient: &gradient, first, second }]).unwrap();
        let (value, first, second) = (&mut value64, &mut first64, &mut second64);
        let parameter = Parameter { decays, value, gradient: &gradient64, first, second };
        EXACT.adamw(&update, vec![parameter]).unwrap();
    }
    near(b, "value", &value, &value64, 1e-6);
    near(b, "first moment", &first, &first64, 1e-6);
    near(b, "second moment", &second, &second64, 1e-6);
}

#[test]
fn adamw_moves_values_and_moments() {
    on_device!(check_adamw);
}

/// A product that has read a parameter before a step reads the moved one after it.
fn check_copies_move<D: Driver>(b: &Cuda<D>) {
    let identity: Vec<f32> = (0..64).map(|i| if i % 9 == 0 { 1.0 } else { 0.0 }).collect();
    let identity = b.activations(&[8, 8], &identity).unwrap();
    let mut value = b.upload(&[8, 8], &random(64, 1)).unwrap();
    let [gradient, mut first, mut second] =
        [2, 3, 4].map(|seed| b.upload(&[8, 8], &vec![seed as f32; 64]).unwrap());
    let read = |value: &Tensor<Cuda<D>>| {
        b.download(&b.matmul(Matrix::of(&identity), Matrix::of(value)).unwrap()).unwrap()
    };
    let before = read(&value);
    let constants = Constants { beta1: 0.9, beta2: 0.98, eps: 1e-8, weight_decay: 0.1 };
    let update = constants.update(Step { learning_rate: 0.1, t: 1, gradient_factor: 1.0 });
    let (gradient, first, second) = (&gradient, &mut first, &mut second);
    b.adamw(&update, vec![Parameter { decays: false, value: &mut value, gradient, first, second }]).unwrap();
    let moved: Vec<f32> = b.download(&value).unwrap().into_iter().map(rounded).collect();
    assert_ne!(before, moved);
    assert_eq!(read(&value), moved);
}

#[test]
fn products_read_parameters_as_the_optimizer_left_them() {
    on_device!(check_copies_move);
}

fn check_scan<D: Driver>(b: &Cuda<D>, e: usize, n: usize, rank: usize, direction: Direction) {
    let (len, n_valid) = (35, [35, 20]);
    let rows = 2 * len;
    let (sequences, sequences64) =
        (Sequences::new(b, len, &n_valid).unwrap(), Sequences::new(&EXACT, len, &n_valid).unwrap());
    let bc_cols = rank + 2 * n;
    let half = |x: Vec<f32>| x.into_iter().map(|x| x * 0.5).collect::<Vec<_>>();
    let (x, x64) = activations(b, &[rows, e], &random(rows * e, 1));
    let (dt_raw, dt_raw64) = activations(b, &[rows, e], &half(random(rows * e, 2)));
    let (bc, bc64) = activations(b, &[rows, bc_cols], &random(rows * bc_cols, 3));
    let (xz, xz64) = activations(b, &[rows, 2 * e], &random(rows * 2 * e, 4));
    let (dt_bias, dt_bias64) = parameters(b, &[e], &random(e, 5));
    let (a_log, a_log64) = parameters(b, &[e, n], &half(random(e * n, 6)));
    let (d, d64) = parameters(b, &[e], &random(e, 7));
    let scan = Scan {
        x: &x,
        dt_raw: &dt_raw,
        bc: &bc,
        xz: &xz,
        dt_bias: &dt_bias,
        a_log: &a_log,
        d: &d,
        sequences: &sequences,
        direction,
    };
    let scan64 = Scan {
        x: &x64,
        dt_raw: &dt_raw64,
        bc: &bc64,
        xz: &xz64,
        dt_bias: &dt_bias64,
        a_log: &a_log64,
        d: &d64,
        sequences: &sequences64,
        direction,
    };
    let (out, states) = b.selective_scan(&scan).unwrap();
    let (out64, states64) = EXACT.selective_scan(&scan64).unwrap();
    near(b, "scan", &out, &out64, ROUNDED);
    let (d_out, d_out64) = activations(b, &[rows, e], &random(rows * e, 8));
    let zeros = |shape: &[usize]| activations(b, shape, &vec![0.0; shape.iter().product()]);
    let ((mut dx, mut dx64), (mut d_dt, mut d_dt64)) = (zeros(&[rows, e]), zeros(&[rows, e]));
    let ((mut d_bc, mut d_bc64), (mut d_xz, mut d_xz64)) = (zeros(&[rows, bc_cols]), zeros(&[rows, 2 * e]));
    let (mut d_bias, mut d_bias64) = parameters(b, &[e], &random(e, 9));
    let (mut d_a, mut d_a64) = parameters(b, &[e, n], &random(e * n, 10));
    let (mut d_d, mut d_d64) = parameters(b, &[e], &random(e, 11));
    let grad = ScanGrad {
        x: &mut dx,
        dt_raw: &mut d_dt,
        bc: &mut d_bc,
        xz: &mut d_xz,
        dt_bias: &mut d_bias,
        a_log: &mut d_a,
        d: &mut d_d,
    };
    b.selective_scan_backward(&scan, &states, &d_out, grad).unwrap();
    let grad64 = ScanGrad {
        x: &mut dx64,
        dt_raw: &mut d_dt64,
        bc: &mut d_bc64,
        xz: &mut d_xz64,
        dt_bias: &mut d_bias64,
        a_log: &mut d_a64,
        d: &mut d_d64,
    };
    EXACT.selective_scan_backward(&scan64, &states64, &d_out64, grad64).unwrap();
    near(b, "dx", &dx, &dx64, 5e-3);
    near(b, "d dt", &d_dt, &d_dt64, 5e-3);
    near(b, "dB, dC", &d_bc, &d_bc64, 5e-3);
    near(b, "dz", &d_xz, &d_xz64, 5e-3);
    near(b, "d bias", &d_bias, &d_bias64, 1e-4);
    near(b, "d a_log", &d_a, &d_a64, 1e-4);
    near(b, "d d", &d_d, &d_d64, 1e-4);
}

#[test]
fn selective_scan_agrees_with_as_many_states_as_the_kernel_has_and_with_fewer() {
    for (e, n, rank, direction) in
        [(32, 16, 4, Direction::Forward), (160, 16, 8, Direction::Backward), (32, 4, 1, Direction::Backward)]
    {
        on_device!(check_scan, e, n, rank, direction);
    }
}
