//! A pool's service by search: a flow network that is filled path by path, and knows no tiers, sums or prefixes.

use std::collections::VecDeque;

/// How many of each tier can be served at most, higher tiers before lower ones: licences of tier `i` may serve
/// demand of tier `k` where `i <= k`.
///
/// What the tiers down to `k` get together is the most that flows with their demand alone; that serving a lower
/// tier never costs a higher one anything is what makes the differences a service (transversal matroids), and
/// `pools` has a test that hands out licences one by one to show it.
pub fn served(owned: &[u64], wanted: &[u64]) -> Vec<u64> {
    let mut before = 0;
    (1..=wanted.len())
        .map(|tiers| {
            let flow = greatest_flow(owned, &wanted[..tiers]);
            let served = flow - before;
            before = flow;
            served
        })
        .collect()
}

/// How many of each tier go without.
pub fn short(owned: &[u64], wanted: &[u64]) -> Vec<u64> {
    wanted.iter().zip(served(owned, wanted)).map(|(wanted, served)| wanted - served).collect()
}

/// Edmonds and Karp: source, one node for each tier's licences, one for each tier's demand, sink.
fn greatest_flow(owned: &[u64], wanted: &[u64]) -> u64 {
    let (lots, demands) = (owned.len(), wanted.len());
    let (source, sink) = (0, lots + demands + 1);
    let mut left = vec![vec![0_u64; sink + 1]; sink + 1];
    for (tier, quantity) in owned.iter().enumerate() {
        left[source][1 + tier] = *quantity;
        for lower in tier..demands {
            left[1 + tier][1 + lots + lower] = u64::MAX / 2;
        }
    }
    for (tier, quantity) in wanted.iter().enumerate() {
        left[1 + lots + tier][sink] = *quantity;
    }
    let mut flow = 0;
    while let Some(path) = shortest_path(&left, source, sink) {
        let steps = || path.windows(2).map(|step| (step[0], step[1]));
        let more = steps().map(|(from, to)| left[from][to]).min().unwrap();
        for (from, to) in steps() {
            left[from][to] -= more;
            left[to][from] += more;
        }
        flow += more;
    }
    flow
}

fn shortest_path(left: &[Vec<u64>], source: usize, sink: usize) -> Option<Vec<usize>> {
    let mut came_from = vec![None; left.len()];
    let mut queue = VecDeque::from([source]);
    while let Some(node) = queue.pop_front() {
        for (next, room) in left[node].iter().enumerate() {
            if *room > 0 && next != source && came_from[next].is_none() {
                came_from[next] = Some(node);
                queue.push_back(next);
            }
        }
    }
    let mut path = vec![sink];
    while *path.last()? != source {
        path.push(came_from[*path.last()?]?);
    }
    path.reverse();
    Some(path)
}

#[test]
fn the_search_finds_what_can_be_seen_at_a_glance() {
    assert_eq!(served(&[10, 40], &[4, 50]), [4, 46]);
    assert_eq!(served(&[10, 40], &[15, 50]), [10, 40]);
    assert_eq!(short(&[9, 0, 1], &[2, 3, 9]), [0, 0, 4]);
    assert_eq!(short(&[0, 5], &[3, 1]), [3, 0]);
}
