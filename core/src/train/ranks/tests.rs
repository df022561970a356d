use super::{Order, Team, World};
use crate::engine::LANES;
use crate::model::lanes::Lanes;
use crate::model::{Brought, CellBatch, ModelConfig, Preset, PretrainBatch, PretrainSums};
use crate::rng::Philox;
use crate::stage::{Interrupt, Kind, error};
use crate::train::{Backend, Model};
use std::net::TcpListener;
use std::sync::Arc;

fn config() -> ModelConfig {
    ModelConfig {
        d_model: 8,
        n_heads: 2,
        d_ff: 16,
        n_chunks: 2,
        chunk_len: 6,
        n_encoder_layers: 1,
        n_decoder_layers: 1,
        d_state: 4,
        ..ModelConfig::preset(Preset::Tiny, 41, 11)
    }
}

fn batch(n_cells: usize) -> PretrainBatch {
    let seq_len = config().seq_len();
    let mut stream = Philox::new(5).stream(n_cells as u64, 0);
    let n = n_cells * seq_len;
    let genes = (0..n).map(|_| 1 + stream.below(40)).collect();
    let values: Vec<u32> = (0..n).map(|_| stream.below(10)).collect();
    let masked = (0..n).map(|_| stream.below(3) == 0).collect();
    PretrainBatch { target: values.clone(), cells: CellBatch { n_cells, seq_len, genes, values }, masked }
}

/// An address nobody listens at.
fn master() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// What each of `size` ranks makes of it, in threads that speak over the loopback device.
fn in_ranks<R: Send>(size: usize, each: impl Fn(anyhow::Result<Team>) -> R + Sync) -> Vec<R> {
    let master = master();
    std::thread::scope(|scope| {
        let (master, each) = (&master, &each);
        let ranks: Vec<_> = (0..size)
            .map(|rank| {
                scope.spawn(move || {
                    let world = World { rank, size, master: master.clone() };
                    each(Team::meet(world, "the same", &Interrupt::never()))
                })
            })
            .collect();
        ranks.into_iter().map(|rank| rank.join().unwrap()).collect()
    })
}

type Step = (Vec<u32>, PretrainSums, Vec<PretrainSums>);

/// Gradient, sums and a validation of one step of `n_cells`.
fn step(mut lanes: Lanes<Backend>, n_cells: usize) -> Step {
    let b = Backend::new();
    let model = Model::init(config(), 1, &b);
    let batch = batch(n_cells);
    let mut grad = model.zeros_like(&b);
    let sums = lanes.pretrain_step(&b, &model, &batch, &Brought::default(), 0.01, &mut grad).unwrap();
    let valid = lanes.map(n_cells, |cells| model.pretrain_eval(&b, &batch.slice(cells)), Ok).unwrap();
    let params = grad.params();
    let bits = params.iter().flat_map(|(_, tensor)| tensor.as_slice()).map(|x| x.to_bits());
    (bits.collect(), sums, valid)
}

#[test]
fn any_number_of_ranks_gives_the_bits_of_one() {
    // Less cells than lanes, as many, more: some ranks have no lane, some lanes several cells.
    for n_cells in [1, 5, 16, 37] {
        let alone = step(Lanes::new(LANES, 1), n_cells);
        assert!(alone.0.iter().any(|&bits| bits != 0));
        for size in [2, 4, 8] {
            let ranks = in_ranks(size, |team| {
                step(Lanes::new(LANES, 1).with_peers(Some(Arc::new(team.unwrap()))), n_cells)
            });
            assert!(ranks[0] == alone, "{size} ranks, {n_cells} cells");
            assert!(ranks[1].2.is_empty(), "only rank 0 has the results");
        }
    }
}

#[test]
fn ranks_follow_the_orders_of_rank_0_with_its_weights() {
    let heard = in_ranks(2, |team| {
        let team = team.unwrap();
        let mut model = Model::init(config(), u64::from(team.leads()), &Backend::new());
        if team.leads() {
            team.order(Order::Validate, Some((&model, 3))).unwrap();
            team.order(Order::Step(3), Some((&model, 3))).unwrap();
            assert_eq!(team.agree(Some(Kind::Walltime)), Some(Kind::Walltime));
            team.order(Order::End(Some(Kind::Signal(15))), None).unwrap();
        } else {
            assert_eq!(team.follow(&mut model).unwrap(), (Order::Validate, true));
            assert_eq!(team.follow(&mut model).unwrap(), (Order::Step(3), false));
            assert_eq!(team.agree(None), Some(Kind::Walltime));
            assert_eq!(team.follow(&mut model).unwrap(), (Order::End(Some(Kind::Signal(15))), false));
            assert!(team.follow(&mut model).is_err(), "rank 0 is gone");
        }
        let params = model.params();
        params.iter().flat_map(|(_, tensor)| tensor.as_slice().to_vec()).collect::<Vec<f32>>()
    });
    assert_eq!(heard[0], heard[1]);
}

#[test]
fn a_rank_with_other_flags_is_refused_on_both_sides() {
    let master = master();
    let meet = |rank: usize, identity: &str| {
        let world = World { rank, size: 2, master: master.clone() };
        Team::meet(world, identity, &Interrupt::never()).map(drop).unwrap_err()
    };
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(|| meet(1, "lr 0.1"));
        (meet(0, "lr 0.2"), other.join().unwrap())
    });
    for error in [one, other] {
        assert_eq!(error::classify(&error).0, 64);
        assert!(error.to_string().contains("rank 1 of 2"), "{error}");
    }
}
