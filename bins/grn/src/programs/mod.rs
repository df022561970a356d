//! Gene programs: communities of the graph in which each gene is linked to those the model places nearest to it.
//!
//! scGPT's recipe (Cui et al., Nat Methods 2024): cosine similarity of gene embeddings, nearest neighbours, Leiden.
//! Only genes that some training cell expresses take part: the others' embeddings were never learnt.

mod enrichment;
mod gene_sets;

pub use enrichment::{enrichment, table};
pub use gene_sets::GeneSets;

use panfoma_core::artifact::programs::Member;
use panfoma_core::artifact::vocabulary::Vocabulary;
use panfoma_core::graph::leiden::{self, Leiden};
use panfoma_core::graph::{Graph, Knn};

/// Genes of a program at least; what is smaller is no program.
const MIN_GENES: usize = 3;

/// Genes that lie together.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Gene ids and weights, the mean cosine to the program's other genes; the highest first.
    pub genes: Vec<(u32, f32)>,
}

/// How the graph is cut.
#[derive(Clone, Copy, Debug)]
pub struct Cut {
    /// Neighbours each gene is linked to.
    pub neighbors: usize,
    /// Larger finds more and smaller programs.
    pub resolution: f64,
    /// Of Leiden's order.
    pub seed: u64,
}

/// Genes that some training cell expresses: what programs are made of, and the universe of enrichment.
pub fn expressed(vocabulary: &Vocabulary) -> Vec<u32> {
    (1..).zip(vocabulary.genes()).filter(|(_, gene)| gene.n_cells > 0).map(|(id, _)| id).collect()
}

/// Programs of these genes, the largest first.
///
/// embeddings: [V + 1, D], row 0 = padding
pub fn programs(embeddings: &[f32], d_model: usize, genes: &[u32], cut: &Cut) -> Vec<Program> {
    let points: Vec<f32> = genes
        .iter()
        .flat_map(|&gene| unit(&embeddings[gene as usize * d_model..(gene as usize + 1) * d_model]))
        .collect();
    // On the unit sphere the nearest by distance are the nearest by cosine. The first neighbour is the gene itself.
    let knn = Knn::exact(&points, d_model, cut.neighbors + 1);
    let point = |at: usize| &points[at * d_model..(at + 1) * d_model];
    let edges = (0..genes.len()).flat_map(|gene| {
        let others = knn.of(gene).iter().filter(move |&&other| other as usize != gene);
        others.map(move |&other| {
            (gene as u32, other, cosine(point(gene), point(other as usize)).max(0.0) / 2.0)
        })
    });
    let graph = Graph::from_edges(genes.len(), edges);
    let options = Leiden { resolution: cut.resolution, seed: cut.seed, ..Leiden::default() };
    let communities = leiden::communities(&graph, &options);
    let n = communities.iter().max().map_or(0, |&last| last as usize + 1);
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); n];
    communities.iter().enumerate().for_each(|(gene, &community)| members[community as usize].push(gene));
    let members = members.into_iter().filter(|members| members.len() >= MIN_GENES);
    members.map(|members| weighted(&members, genes, &point, d_model)).collect()
}

/// As rows of the artifact.
pub fn members(programs: &[Program], vocabulary: &Vocabulary) -> Vec<Member> {
    let rows = programs.iter().zip(1..).flat_map(|(program, number)| {
        program.genes.iter().map(move |&(id, weight)| {
            let gene = vocabulary.gene(id).expect("programs are of the vocabulary");
            Member { program: number, gene: gene.symbol.clone(), ensembl_id: gene.ensembl_id.clone(), weight }
        })
    });
    rows.collect()
}

/// The mean cosine to the others is that to their sum.
fn weighted<'p>(
    members: &[usize],
    genes: &[u32],
    point: &impl Fn(usize) -> &'p [f32],
    d_model: usize,
) -> Program {
    let mut sum = vec![0.0f64; d_model];
    for &gene in members {
        sum.iter_mut().zip(point(gene)).for_each(|(sum, &x)| *sum += f64::from(x));
    }
    let weight = |gene: usize| {
        let own = point(gene);
        let to_all: f64 = own.iter().zip(&sum).map(|(&x, sum)| f64::from(x) * sum).sum();
        ((to_all - cosine(own, own)) / (members.len() - 1) as f64) as f32
    };
    let mut genes: Vec<(u32, f32)> = members.iter().map(|&gene| (genes[gene], weight(gene))).collect();
    genes.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Program { genes }
}

/// Of length 1; nothing stays nothing.
fn unit(vector: &[f32]) -> Vec<f32> {
    let length = cosine(vector, vector).sqrt();
    vector.iter().map(|&x| if length > 0.0 { (f64::from(x) / length) as f32 } else { 0.0 }).collect()
}

/// Of vectors of length 1.
fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use panfoma_core::rng::Philox;

    /// Thirty genes about each of three directions, one more in between, and one that no cell expresses.
    #[test]
    fn genes_about_one_direction_are_one_program() {
        let mut stream = Philox::new(5).stream(0, 0);
        let mut embeddings = vec![0.0; 4];
        for gene in 0..90 {
            let length = 0.5 + stream.uniform();
            embeddings.extend((0..4).map(|axis| {
                let centre = if axis == gene % 3 { 1.0 } else { 0.0 };
                (length * (centre + 0.1 * stream.normal())) as f32
            }));
        }
        embeddings.extend([1.0, 0.0, 0.0, 0.0]);
        let genes: Vec<u32> = (1..=90).collect();
        let found = programs(&embeddings, 4, &genes, &Cut { neighbors: 10, resolution: 0.5, seed: 1 });
        assert_eq!(found.len(), 3, "{found:?}");
        for program in &found {
            let first = program.genes[0].0 % 3;
            assert!(program.genes.len() == 30 && program.genes.iter().all(|gene| gene.0 % 3 == first));
            assert!(program.genes.is_sorted_by(|a, b| a.1 >= b.1));
            // Cosine about one direction with noise of a tenth in three others: 1 - 0.03, twice.
            assert!((0.9..1.0).contains(&program.genes[15].1), "{:?}", program.genes[15]);
        }
    }
}
