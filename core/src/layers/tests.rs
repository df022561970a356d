//! Every layer's backward pass against central differences, in f64.

use super::mamba::Widths;
use super::*;
use crate::device::Cpu;
use crate::ops::Sequences;
use crate::ops::attention::Heads;
use crate::rng::Philox;

type B = Cpu<f64>;

fn random(shape: &[usize], seed: u64) -> Tensor<B> {
    let mut stream = Philox::new(seed).stream(0, 0);
    let mut x = B::new().zeros(shape).unwrap();
    x.as_mut_slice().iter_mut().for_each(|x| *x = stream.normal());
    x
}

/// Parameters of ordinary size, far from any symmetry.
fn build<L>(new: impl Fn(&mut Source<B>) -> std::result::Result<L, ParamError>) -> L {
    let mut seed = 100;
    new(&mut |_, shape, _| {
        seed += 1;
        let mut x = random(shape, seed);
        x.as_mut_slice().iter_mut().for_each(|x| *x *= 0.5);
        Ok(x)
    })
    .unwrap()
}

fn zeros<L>(new: impl Fn(&mut Source<B>) -> std::result::Result<L, ParamError>) -> L {
    new(&mut |_, shape, _| Ok(B::new().zeros(shape)?)).unwrap()
}

/// The gradient of sum(y r), r fixed and random, for the input and every parameter, against central differences.
///
/// 1e-7: the differences are good to about 1e-9 at this step, and a wrong term is wrong by far more.
fn check_gradients<L: Layer<B>>(
    new: impl Fn(&mut Source<B>) -> std::result::Result<L, ParamError>,
    context: &L::Context<'_>,
    x: Tensor<B>,
) {
    let b = B::new();
    let mut layer = build(&new);
    let mut grad = zeros(&new);
    let (y, saved) = layer.forward(&b, context, b.copy(&x).unwrap()).unwrap();
    let r = random(y.shape(), 99);
    let dx = layer.backward(&b, context, saved, b.copy(&r).unwrap(), &mut grad).unwrap();
    let loss = |layer: &L, x: &Tensor<B>| -> f64 {
        let y = layer.forward(&b, context, b.copy(x).unwrap()).unwrap().0;
        y.as_slice().iter().zip(r.as_slice()).map(|(y, r)| y * r).sum()
    };
    let step = 1e-5;
    let agree = |name: &str, i: usize, found: f64, up: f64, down: f64| {
        let expected = (up - down) / (2.0 * step);
        let error = (found - expected).abs() / (1.0 + expected.abs());
        assert!(error < 1e-7, "d{name}[{i}]: differences give {expected}, backward {found}");
    };
    let mut x = x;
    for i in 0..x.n_elements() {
        let value = x.as_slice()[i];
        let mut at = |value| {
            x.as_mut_slice()[i] = value;
            loss(&layer, &x)
        };
        let (up, down) = (at(value + step), at(value - step));
        x.as_mut_slice()[i] = value;
        agree("x", i, dx.as_slice()[i], up, down);
    }
    let mut gradients = Vec::new();
    grad.visit("", &mut gradients);
    assert!(!gradients.is_empty());
    for (p, (name, gradient)) in gradients.into_iter().enumerate() {
        for i in 0..gradient.n_elements() {
            let mut at = |by: f64| {
                let mut params = Vec::new();
                layer.visit_mut("", &mut params);
                params[p].1.as_mut_slice()[i] += by;
                loss(&layer, &x)
            };
            let (up, down) = (at(step), at(-2.0 * step));
            at(step);
            agree(&name, i, gradient.as_slice()[i], up, down);
        }
    }
}

#[test]
fn linear_has_the_gradients_of_its_forward_pass() {
    check_gradients(|s| Linear::new(s, "", 4, 3), &(), random(&[5, 3], 1));
    check_gradients(|s| Linear::without_bias(s, "", 4, 3), &(), random(&[5, 3], 1));
}

#[test]
fn norms_have_the_gradients_of_their_forward_passes() {
    check_gradients(|s| LayerNorm::new(s, "", 5, 1e-5), &(), random(&[4, 5], 2));
    check_gradients(|s| RmsNorm::new(s, "", 5, 1e-5), &(), random(&[4, 5], 2));
}

#[test]
fn feed_forward_has_the_gradients_of_its_forward_pass() {
    check_gradients(|s| FeedForward::new(s, "", 4, 6, 1e-5), &(), random(&[3, 4], 3));
}

#[test]
fn mlp_has_the_gradients_of_its_forward_pass() {
    check_gradients(|s| Mlp::new(s, "", 3, 4), &(), random(&[3, 4], 4));
}

#[test]
fn self_attention_has_the_gradients_of_its_forward_pass() {
    // Two sequences, padding inside the first.
    let keys = vec![1, 0, 1, 1, 1, 1, 1, 1];
    let heads = Heads { n_sequences: 2, len: 4, n_heads: 2, keys: &keys };
    check_gradients(|s| SelfAttention::new(s, "", 6, 1e-5), &heads, random(&[8, 6], 5));
}

#[test]
fn self_attention_has_its_gradients_across_blocks_of_query_rows() {
    let keys = vec![1; 134];
    let heads = Heads { n_sequences: 1, len: 134, n_heads: 1, keys: &keys };
    check_gradients(|s| SelfAttention::new(s, "", 4, 1e-5), &heads, random(&[134, 4], 6));
}

#[test]
fn cell_prompt_has_the_gradients_of_its_forward_pass() {
    let embeddings = random(&[2, 4], 7);
    let cells = cell_prompt::Cells { embeddings: &embeddings, cell_of: &vec![0, 1, 1] };
    check_gradients(|s| CellPrompt::new(s, "", 3, 4), &cells, random(&[3, 4], 8));
}

/// `CellPrompt` with the roles changed: a map of the cells' embeddings, the genes given.
struct PromptedCells(CellPrompt<B>);

impl Params<B> for PromptedCells {
    fn visit<'a>(&'a self, name: &str, to: &mut Vec<(String, &'a Tensor<B>)>) {
        self.0.visit(name, to);
    }
    fn visit_mut<'a>(&'a mut self, name: &str, to: &mut Vec<(String, &'a mut Tensor<B>)>) {
        self.0.visit_mut(name, to);
    }
}

impl Layer<B> for PromptedCells {
    type Context<'a> = (Tensor<B>, Vec<u32>);
    type Saved = (<CellPrompt<B> as Layer<B>>::Saved, Tensor<B>);

    fn forward(
        &self,
        b: &B,
        (genes, cell_of): &Self::Context<'_>,
        x: Tensor<B>,
    ) -> Result<(Tensor<B>, Self::Saved)> {
        let (y, saved) =
            self.0.forward(b, &cell_prompt::Cells { embeddings: &x, cell_of }, b.copy(genes)?)?;
        Ok((y, (saved, x)))
    }

    fn backward(
        &self,
        b: &B,
        (_, cell_of): &Self::Context<'_>,
        (saved, x): Self::Saved,
        dy: Tensor<B>,
        grad: &mut Self,
    ) -> Result<Tensor<B>> {
        Ok(self.0.backward(b, &cell_prompt::Cells { embeddings: &x, cell_of }, saved, dy, &mut grad.0)?.1)
    }
}

#[test]
fn cell_prompt_has_the_gradients_of_the_cells_too() {
    let context = (random(&[4, 3], 9), vec![1, 0, 1, 1]);
    check_gradients(|s| CellPrompt::new(s, "", 5, 3).map(PromptedCells), &context, random(&[2, 3], 10));
}

#[test]
fn bidirectional_mamba_has_the_gradients_of_its_forward_pass() {
    let widths = Widths { d_model: 4, d_inner: 6, d_state: 3, dt_rank: 2, d_conv: 4 };
    let new = |s: &mut Source<B>| BidirectionalMamba::new(s, "", widths, 1e-5);
    // Fewer steps than taps, one checkpoint, several checkpoints; with and without padding.
    check_gradients(new, &Sequences::new(&B::new(), 2, &[2]).unwrap(), random(&[2, 4], 11));
    check_gradients(new, &Sequences::new(&B::new(), 7, &[7, 7]).unwrap(), random(&[14, 4], 12));
    check_gradients(new, &Sequences::new(&B::new(), 37, &[37]).unwrap(), random(&[37, 4], 13));
}

/// Real rows of padded sequences have the outputs and gradients of the sequences without their padding.
#[test]
fn bidirectional_mamba_ignores_padding() {
    let b = B::new();
    let widths = Widths { d_model: 4, d_inner: 6, d_state: 3, dt_rank: 2, d_conv: 4 };
    let new = |s: &mut Source<B>| BidirectionalMamba::new(s, "", widths, 1e-5);
    let layer = build(new);
    let run = |len: usize, n_valid: usize| {
        let mut x = random(&[len, 4], 14);
        let mut r = random(&[len, 4], 15);
        for x in [&mut x, &mut r] {
            x.as_mut_slice()[n_valid * 4..].fill(if n_valid == 5 { 0.0 } else { 9.0 });
        }
        // A loss never reads padding.
        r.as_mut_slice()[n_valid * 4..].fill(0.0);
        let sequences = Sequences::new(&b, len, &[n_valid as u32]).unwrap();
        let mut grad = zeros(new);
        let (y, saved) = layer.forward(&b, &sequences, x).unwrap();
        let dx = layer.backward(&b, &sequences, saved, r, &mut grad).unwrap();
        let mut found = vec![y.as_slice()[..n_valid * 4].to_vec(), dx.as_slice()[..n_valid * 4].to_vec()];
        let mut params = Vec::new();
        grad.visit("", &mut params);
        found.extend(params.into_iter().map(|(_, t)| t.as_slice().to_vec()));
        found
    };
    for (alone, padded) in run(5, 5).into_iter().zip(run(24, 5)) {
        for (a, p) in alone.into_iter().zip(padded) {
            assert!((a - p).abs() < 1e-12, "{a} alone, {p} with padding");
        }
    }
}
