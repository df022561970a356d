use super::super::components::connected;
use super::*;

/// Zachary's karate club (Zachary 1977), 34 members, 78 friendships, numbered from 1.
const KARATE: &str = "2-1 3-1 3-2 4-1 4-2 4-3 5-1 6-1 7-1 7-5 7-6 8-1 8-2 8-3 8-4 9-1 9-3 10-3 11-1 11-5 11-6 12-1 \
    13-1 13-4 14-1 14-2 14-3 14-4 17-6 17-7 18-1 18-2 20-1 20-2 22-1 22-2 26-24 26-25 28-3 28-24 28-25 29-3 30-24 \
    30-27 31-2 31-9 32-1 32-25 32-26 32-29 33-3 33-9 33-15 33-16 33-19 33-21 33-23 33-24 33-30 33-31 33-32 34-9 \
    34-10 34-14 34-15 34-16 34-19 34-20 34-21 34-23 34-24 34-27 34-28 34-29 34-30 34-31 34-32 34-33";

fn karate(weight: f64) -> Graph {
    let edges = KARATE.split_whitespace().map(|pair| {
        let (a, b) = pair.split_once('-').unwrap();
        (a.parse::<u32>().unwrap() - 1, b.parse::<u32>().unwrap() - 1, weight)
    });
    Graph::from_edges(34, edges)
}

/// The largest modularity of any partition is 0.4198, of four communities (Brandes et al. 2008, table 1).
#[test]
fn the_karate_club_falls_into_the_four_communities_of_largest_modularity() {
    let graph = karate(1.0);
    assert_eq!(graph.n_edges(), 78);
    for seed in 0..10 {
        let found = communities(&graph, &Leiden { seed, ..Leiden::default() });
        let modularity = modularity(&graph, &found, 1.0);
        assert!((modularity - 0.4198).abs() < 5e-5, "seed {seed}: {modularity}");
        assert_eq!(found.iter().max(), Some(&3));
    }
}

#[test]
fn the_unit_of_the_weights_does_not_matter() {
    let options = Leiden::default();
    assert_eq!(communities(&karate(1.0), &options), communities(&karate(2f64.powi(-20)), &options));
}

/// Traag et al. 2019: unlike those of Louvain, communities are connected. A sparse random graph tempts to the contrary.
#[test]
fn communities_are_connected_and_a_larger_resolution_finds_more() {
    let n = 400u32;
    let mut stream = Philox::new(5).stream(0, 0);
    let edges: Vec<_> =
        (0..900).map(|_| (stream.below(n), stream.below(n), 0.1 + stream.uniform())).collect();
    let graph = Graph::from_edges(n as usize, edges);
    let mut before = 0;
    for resolution in [0.2, 1.0, 5.0] {
        let found = communities(&graph, &Leiden { resolution, rounds: 10, seed: 3 });
        let parts = connected(&graph.links.within(&found));
        assert_eq!(count(&parts), count(&found), "resolution {resolution}");
        assert!(count(&found) > before);
        before = count(&found);
    }
}

/// 30 cliques of five in a ring, one edge between neighbours: at resolution 1 modularity joins pairs of them (Fortunato
/// & Barthélemy 2007, the resolution limit: cliques merge where their number exceeds √(2m) = 25.7); at 2 it does not.
#[test]
fn a_ring_of_cliques_shows_the_resolution_limit() {
    let (n_cliques, size) = (30u32, 5u32);
    let within = (0..n_cliques)
        .flat_map(|c| (0..size).flat_map(move |i| (0..i).map(move |j| (c * size + i, c * size + j, 1.0))));
    let between = (0..n_cliques).map(|c| (c * size, (c + 1) % n_cliques * size + 1, 1.0));
    let graph = Graph::from_edges((n_cliques * size) as usize, within.chain(between));
    let found = |resolution| communities(&graph, &Leiden { resolution, ..Leiden::default() });
    assert_eq!(count(&found(2.0)), 30);
    assert!(count(&found(1.0)) < 30);
}

#[test]
fn a_graph_without_edges_or_nodes_is_no_trouble() {
    assert!(communities(&Graph::default(), &Leiden::default()).is_empty());
    let alone = Graph::from_edges(3, []);
    assert_eq!(communities(&alone, &Leiden::default()), [0, 1, 2]);
    assert_eq!(modularity(&alone, &[0, 1, 2], 1.0), 0.0);
}
