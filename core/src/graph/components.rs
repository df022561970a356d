//! Components: sets of nodes that reach each other.

use super::Links;

/// The component of each node, links read in both directions; numbered in the order of their first nodes.
pub fn connected(links: &Links) -> Vec<u32> {
    let mut parent: Vec<u32> = (0..links.n_nodes() as u32).collect();
    for node in 0..links.n_nodes() {
        for &other in links.of(node) {
            let (a, b) = (root(&mut parent, node as u32), root(&mut parent, other));
            // The smaller number stays root, so that a root is its component's first node.
            parent[a.max(b) as usize] = a.min(b);
        }
    }
    let roots = (0..links.n_nodes() as u32).map(|node| root(&mut parent, node)).collect();
    numbered_by_first_node(roots)
}

fn root(parent: &mut [u32], mut node: u32) -> u32 {
    while parent[node as usize] != node {
        let above = parent[parent[node as usize] as usize];
        parent[node as usize] = above;
        node = above;
    }
    node
}

/// The strong component of each node: every member reaches every other along the links' direction. Numbered in the
/// order of their first nodes.
///
/// Source: Tarjan 1972, with a stack of its own instead of recursion.
pub fn strong(links: &Links) -> Vec<u32> {
    const UNSEEN: u32 = u32::MAX;
    let n = links.n_nodes();
    // When a node was first seen; the earliest node it reaches that is still on the stack; its component.
    let mut seen = vec![UNSEEN; n];
    let mut low = vec![0; n];
    let mut component = vec![UNSEEN; n];
    let (mut clock, mut n_components) = (0, 0);
    let mut stack: Vec<u32> = Vec::new();
    // The path from the start to the current node, and how many links of each were followed.
    let mut path: Vec<(u32, usize)> = Vec::new();
    for start in 0..n {
        if seen[start] == UNSEEN {
            path.push((start as u32, 0));
        }
        while let Some(&mut (node, ref mut followed)) = path.last_mut() {
            let at = node as usize;
            if *followed == 0 {
                (seen[at], low[at]) = (clock, clock);
                clock += 1;
                stack.push(node);
            }
            let next = links.of(at).get(*followed).copied();
            *followed += 1;
            if let Some(next) = next {
                let next_at = next as usize;
                if seen[next_at] == UNSEEN {
                    path.push((next, 0));
                } else if component[next_at] == UNSEEN {
                    low[at] = low[at].min(seen[next_at]);
                }
                continue;
            }
            path.pop();
            if let Some(&(above, _)) = path.last() {
                low[above as usize] = low[above as usize].min(low[at]);
            }
            if low[at] == seen[at] {
                while let Some(member) = stack.pop() {
                    component[member as usize] = n_components;
                    if member == node {
                        break;
                    }
                }
                n_components += 1;
            }
        }
    }
    numbered_by_first_node(component)
}

/// Groups renumbered 0, 1, … in the order in which they first occur.
pub fn numbered_by_first_node(groups: Vec<u32>) -> Vec<u32> {
    let n = groups.iter().max().map_or(0, |&max| max as usize + 1);
    let mut number = vec![u32::MAX; n];
    let mut next = 0;
    let renumber = |group: u32| {
        let slot = &mut number[group as usize];
        if *slot == u32::MAX {
            *slot = next;
            next += 1;
        }
        *slot
    };
    groups.into_iter().map(renumber).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(rows: &[&[u32]]) -> Links {
        let mut links = Links { offsets: vec![0], targets: Vec::new() };
        for row in rows {
            links.targets.extend_from_slice(row);
            links.offsets.push(links.targets.len());
        }
        links
    }

    #[test]
    fn direction_matters_to_strong_components_only() {
        // 0 -> 1 -> 2 -> 0 is a cycle; 3 points into it; 4 stands alone with a link to itself.
        let graph = links(&[&[1], &[2], &[0], &[0], &[4]]);
        assert_eq!(strong(&graph), [0, 0, 0, 1, 2]);
        assert_eq!(connected(&graph), [0, 0, 0, 0, 1]);
    }

    /// Whoever reaches each other, found by walking from every node.
    #[test]
    fn strong_components_are_mutual_reach() {
        let n = 60usize;
        let mut stream = crate::rng::Philox::new(4).stream(0, 0);
        // One link and a half a node: some cycles, but far from one component.
        let rows: Vec<Vec<u32>> =
            (0..n).map(|i| (0..1 + i % 2).map(|_| stream.below(n as u32)).collect()).collect();
        let graph = links(&rows.iter().map(Vec::as_slice).collect::<Vec<_>>());
        let reach: Vec<Vec<bool>> = (0..n)
            .map(|start| {
                let (mut reached, mut todo) = (vec![false; n], vec![start as u32]);
                while let Some(node) = todo.pop() {
                    if !std::mem::replace(&mut reached[node as usize], true) {
                        todo.extend(graph.of(node as usize));
                    }
                }
                reached
            })
            .collect();
        let found = strong(&graph);
        for (i, j) in (0..n).flat_map(|i| (0..n).map(move |j| (i, j))) {
            assert_eq!(found[i] == found[j], reach[i][j] && reach[j][i], "{i} {j}");
        }
        let n_found = found.iter().max().unwrap() + 1;
        assert!(1 < n_found && n_found < n as u32, "{n_found} components");
    }

    #[test]
    fn a_long_chain_does_not_overflow_the_stack() {
        let n = 200_000u32;
        let rows = Links { offsets: (0..=n as usize).collect(), targets: (1..=n).map(|i| i % n).collect() };
        assert!(strong(&rows).iter().all(|&component| component == 0));
        assert!(connected(&rows).iter().all(|&component| component == 0));
    }
}
