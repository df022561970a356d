//! The first edges of a ranking as a drawing: genes held apart, regulators pulled to their targets.

use crate::network::Ranking;
use maud::html;
use panfoma_core::report::figure::{Data, Figure, file_name};
use panfoma_core::report::short;
use panfoma_core::rng::Philox;
use std::collections::{BTreeMap, BTreeSet};

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 520.0;
const MARGIN: f64 = 46.0;
/// Rounds of the layout; it no longer moves visibly after half of them.
const ROUNDS: usize = 400;
/// Pull to the middle.
const GRAVITY: f64 = 1.2;
/// Pixels across and down that a gene with its name needs.
const ROOM: (f64, f64) = (62.0, 30.0);
/// Letters of a gene's name.
const NAME: usize = 12;
/// Purpose of the stream of first positions; the seed is fixed, for the same edges shall look the same.
const PLACES: u32 = u32::from_be_bytes(*b"draw");

/// Genes and the edges between them.
struct Graph<'a> {
    genes: Vec<&'a str>,
    /// Does it regulate any?
    regulates: Vec<bool>,
    /// Regulator, target, is its score negative?, is it in the reference?
    edges: Vec<(usize, usize, bool, bool)>,
}

impl<'a> Graph<'a> {
    fn new(ranking: &'a Ranking) -> Self {
        let mut at: BTreeMap<&str, usize> = BTreeMap::new();
        let names = ranking.top.iter().flat_map(|(edge, _)| [edge.regulator.as_str(), edge.target.as_str()]);
        names.for_each(|name| _ = at.insert(name, 0));
        at.values_mut().zip(0..).for_each(|(place, next)| *place = next);
        let edges: Vec<(usize, usize, bool, bool)> = ranking
            .top
            .iter()
            .map(|(edge, known)| {
                (at[&*edge.regulator], at[&*edge.target], edge.score < 0.0, known == &Some(true))
            })
            .collect();
        let genes: Vec<&str> = at.into_keys().collect();
        let mut regulates = vec![false; genes.len()];
        edges.iter().for_each(|edge| regulates[edge.0] = true);
        Self { genes, regulates, edges }
    }

    /// Fruchterman & Reingold (1991): genes repel one another, edges pull. A gene of many edges is pulled less by each,
    /// so that hubs do not fall in on themselves, and all are drawn to the middle, so that pieces stay together.
    fn layout(&self) -> Vec<(f64, f64)> {
        let n = self.genes.len();
        let mut stream = Philox::new(0).stream(n as u64, PLACES);
        let mut places: Vec<(f64, f64)> =
            (0..n).map(|_| (stream.uniform() - 0.5, stream.uniform() - 0.5)).collect();
        let ideal = 1.0 / (n as f64).sqrt();
        let pairs: BTreeSet<(usize, usize)> =
            self.edges.iter().map(|edge| (edge.0.min(edge.1), edge.0.max(edge.1))).collect();
        let mut degrees = vec![0.0; n];
        pairs.iter().for_each(|&(a, b)| [a, b].into_iter().for_each(|gene| degrees[gene] += 1.0));
        for round in 0..ROUNDS {
            let mut moves: Vec<(f64, f64)> =
                places.iter().map(|p| (-GRAVITY * p.0, -GRAVITY * p.1)).collect();
            for a in 0..n {
                for b in 0..a {
                    let (dx, dy) = (places[a].0 - places[b].0, places[a].1 - places[b].1);
                    let force = ideal * ideal / (dx * dx + dy * dy).max(1e-6);
                    moves[a] = (moves[a].0 + force * dx, moves[a].1 + force * dy);
                    moves[b] = (moves[b].0 - force * dx, moves[b].1 - force * dy);
                }
            }
            for &(a, b) in &pairs {
                let (dx, dy) = (places[a].0 - places[b].0, places[a].1 - places[b].1);
                let shared: f64 = f64::sqrt(degrees[a] * degrees[b]);
                let force = (dx * dx + dy * dy).sqrt() / ideal / shared.sqrt();
                moves[a] = (moves[a].0 - force * dx, moves[a].1 - force * dy);
                moves[b] = (moves[b].0 + force * dx, moves[b].1 + force * dy);
            }
            let warmth = 0.1 * (1.0 - round as f64 / ROUNDS as f64);
            for (place, by) in places.iter_mut().zip(&moves) {
                let length = (by.0 * by.0 + by.1 * by.1).sqrt().max(1e-12);
                let step = length.min(warmth) / length;
                *place = (place.0 + step * by.0, place.1 + step * by.1);
            }
        }
        apart(fit(&places))
    }
}

/// Each axis stretched to the frame.
fn fit(places: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let axis = |of: fn(&(f64, f64)) -> f64, size: f64| {
        let low = places.iter().map(of).fold(f64::INFINITY, f64::min);
        let high = places.iter().map(of).fold(f64::NEG_INFINITY, f64::max);
        let scale = (size - 2.0 * MARGIN) / (high - low).max(1e-9);
        move |value: f64| size / 2.0 + (value - (low + high) / 2.0) * scale
    };
    let (x, y) = (axis(|p| p.0, WIDTH), axis(|p| p.1, HEIGHT));
    places.iter().map(|p| (x(p.0), y(p.1))).collect()
}

/// Pushes genes apart until no name lies on another, along the axis where less is missing.
fn apart(mut places: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    for _ in 0..ROUNDS {
        let mut moved = false;
        for a in 0..places.len() {
            for b in 0..a {
                let (dx, dy) = (places[a].0 - places[b].0, places[a].1 - places[b].1);
                let (missing_x, missing_y) = (ROOM.0 - dx.abs(), ROOM.1 - dy.abs());
                if missing_x <= 0.0 || missing_y <= 0.0 {
                    continue;
                }
                moved = true;
                if missing_x * ROOM.1 < missing_y * ROOM.0 {
                    let by = (missing_x / 4.0).copysign(dx);
                    (places[a].0, places[b].0) = (places[a].0 + by, places[b].0 - by);
                } else {
                    let by = (missing_y / 4.0).copysign(dy);
                    (places[a].1, places[b].1) = (places[a].1 + by, places[b].1 - by);
                }
            }
        }
        for place in &mut places {
            *place =
                (place.0.clamp(MARGIN, WIDTH - MARGIN), place.1.clamp(MARGIN / 2.0, HEIGHT - MARGIN / 2.0));
        }
        if !moved {
            break;
        }
    }
    places
}

/// The ranking's first edges; `None` without any.
pub fn figure(ranking: &Ranking, has_reference: bool) -> Option<Figure> {
    if ranking.top.is_empty() {
        return None;
    }
    let graph = Graph::new(ranking);
    let places = graph.layout();
    let has_signs = graph.edges.iter().any(|edge| edge.2);
    let mut caption = format!(
        "The first {} edges of {}, {}: from regulators (filled) to targets.",
        graph.edges.len(),
        ranking.method,
        ranking.group
    );
    caption.push_str(if has_reference { " Blue and thick: in the reference." } else { "" });
    caption.push_str(if has_signs { " Dashed: a negative score." } else { "" });
    let px = |value: f64| format!("{value:.1}");
    let drawing = html! {
                rect x="0.5" y="0.5" width=(WIDTH - 1.0) height=(HEIGHT - 1.0) fill="#fff" stroke="#d8dee4" {}
                @for &(a, b, inhibits, known) in &graph.edges {
                    @let (from, to, head) = arrow(places[a], places[b]);
                    @let colour = if known { "#0072b2" } else { "#9aa4ae" };
                    path d={ "M" (px(from.0)) " " (px(from.1)) "L" (px(to.0)) " " (px(to.1)) } fill="none" stroke=(colour)
                        stroke-width=(if known { "2.2" } else { "1.2" }) stroke-dasharray=[inhibits.then_some("5 3")] {}
                    path d={ "M" (px(head[0].0)) " " (px(head[0].1)) "L" (px(head[1].0)) " " (px(head[1].1)) "L" (px(head[2].0)) " " (px(head[2].1)) "Z" } fill=(colour) {}
                }
                @for (gene, &(x, y)) in places.iter().enumerate() {
                    circle cx=(px(x)) cy=(px(y)) r=(RADIUS) fill=(if graph.regulates[gene] { "#d55e00" } else { "#fff" }) stroke="#d55e00" stroke-width="1.5" {}
                }
                @for (gene, &(x, y)) in places.iter().enumerate() {
                    text x=(px(x)) y=(px(y - 9.0)) text-anchor="middle" font-size="12" font-weight=(if graph.regulates[gene] { "600" } else { "400" })
                        stroke="#fff" stroke-width="3.5" stroke-linejoin="round" paint-order="stroke" { (short(graph.genes[gene], NAME)) }
                }
    };
    let mut data = Data::new(&["rank", "regulator", "target", "score", "in_reference"]);
    for (edge, known) in &ranking.top {
        let known = known.map_or("", |known| if known { "yes" } else { "no" });
        let row = [&edge.rank.to_string(), &edge.regulator, &edge.target, &edge.score.to_string(), known];
        data.push(row.map(str::to_owned).to_vec());
    }
    Some(Figure {
        name: format!("network_{}", file_name(&format!("{} {}", ranking.method, ranking.group))),
        size: (WIDTH, HEIGHT),
        drawing,
        legend: Vec::new(),
        caption,
        data,
    })
}

const RADIUS: f64 = 5.0;

/// Ends of the line outside the circles, and the corners of the arrow's head.
fn arrow(from: (f64, f64), to: (f64, f64)) -> ((f64, f64), (f64, f64), [(f64, f64); 3]) {
    let (dx, dy) = (to.0 - from.0, to.1 - from.1);
    let length = (dx * dx + dy * dy).sqrt().max(1e-9);
    let (ux, uy) = (dx / length, dy / length);
    let tip = (to.0 - (RADIUS + 1.5) * ux, to.1 - (RADIUS + 1.5) * uy);
    let base = (tip.0 - 8.0 * ux, tip.1 - 8.0 * uy);
    let start = (from.0 + RADIUS * ux, from.1 + RADIUS * uy);
    (start, base, [tip, (base.0 - 3.5 * uy, base.1 + 3.5 * ux), (base.0 + 3.5 * uy, base.1 - 3.5 * ux)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_do_not_lie_on_one_another() {
        // Forty genes on one spot, all but.
        let crowded: Vec<(f64, f64)> =
            (0..40).map(|i| (350.0 + f64::from(i % 7), 260.0 + f64::from(i / 7))).collect();
        let places = apart(crowded);
        for a in 0..places.len() {
            for b in 0..a {
                let (dx, dy) = (places[a].0 - places[b].0, places[a].1 - places[b].1);
                assert!(
                    dx.abs() > 0.8 * ROOM.0 || dy.abs() > 0.8 * ROOM.1,
                    "{:?} {:?}",
                    places[a],
                    places[b]
                );
            }
            assert!((0.0..WIDTH).contains(&places[a].0) && (0.0..HEIGHT).contains(&places[a].1));
        }
    }
}
