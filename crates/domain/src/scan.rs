//! Going through a list page by page and around, from where somebody stopped.

use alloc::vec::Vec;

use crate::id::NodeId;

/// One scan of the nodes: from behind the one where the last scan stopped to the end of the
/// list, and from its beginning up to there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScanCursor {
    began: Option<NodeId>,
    behind: Option<NodeId>,
    is_second_half: bool,
}

/// What comes next in a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<T> {
    /// These, which are not empty.
    Page(Vec<T>),
    /// The list begins anew.
    Around,
    /// Nothing: it has come around.
    Over,
}

impl ScanCursor {
    /// Begins behind a node; `None` begins with the first.
    pub fn begin(behind: Option<NodeId>) -> ScanCursor {
        ScanCursor { began: behind, behind, is_second_half: behind.is_none() }
    }

    /// The node behind which the next page begins, now or in another scan; `None` for the first.
    pub fn behind(&self) -> Option<NodeId> {
        self.behind
    }

    /// Goes on with what was found behind there, in order; `id` tells the node of one of them.
    ///
    /// The place moves behind the page before anybody has looked at it: a page that cannot be
    /// looked at does not keep the others waiting, and comes last in the next scan.
    pub fn advance<T>(&mut self, mut found: Vec<T>, id: impl Fn(&T) -> NodeId) -> Step<T> {
        if let (true, Some(began)) = (self.is_second_half, self.began) {
            found.retain(|one| id(one) <= began);
        }
        self.behind = found.last().map(id);
        if !found.is_empty() {
            return Step::Page(found);
        }
        if self.is_second_half {
            return Step::Over;
        }
        self.is_second_half = true;
        Step::Around
    }
}

#[cfg(test)]
mod tests {
    use alloc::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;

    /// Goes through `nodes` in pages of `size`, for `pages_max` pages at most, until a page with
    /// `poison`. Answers where the next scan begins, and how often each node was looked at.
    fn run(
        nodes: &BTreeSet<u32>,
        behind: Option<NodeId>,
        size: usize,
        pages_max: usize,
        poison: Option<u32>,
    ) -> (Option<NodeId>, BTreeMap<u32, usize>) {
        let mut cursor = ScanCursor::begin(behind);
        let mut seen = BTreeMap::new();
        let mut pages = 0;
        while pages < pages_max {
            let after = cursor.behind().map_or(0, |node| node.0);
            let found: Vec<u32> = nodes.range(after + 1..).take(size).copied().collect();
            match cursor.advance(found, |node| NodeId(*node)) {
                Step::Over => break,
                Step::Around => {}
                Step::Page(page) => {
                    pages += 1;
                    if poison.is_some_and(|poison| page.contains(&poison)) {
                        break;
                    }
                    for node in page {
                        *seen.entry(node).or_default() += 1;
                    }
                }
            }
        }
        (cursor.behind(), seen)
    }

    fn any_nodes() -> impl Strategy<Value = BTreeSet<u32>> {
        prop::collection::btree_set(1..200_u32, 0..120)
    }

    proptest! {
        /// A whole scan sees every node once, wherever it began, and the next one begins at the
        /// beginning.
        #[test]
        fn a_scan_sees_every_node_once(
            nodes in any_nodes(),
            behind in prop::option::of(1..210_u32),
            size in 1..30_usize,
        ) {
            let (end, seen) = run(&nodes, behind.map(NodeId), size, usize::MAX, None);
            prop_assert_eq!(end, None);
            prop_assert!(seen.keys().eq(nodes.iter()) && seen.values().all(|times| *times == 1));
        }

        /// Scans that are cut short go on where they stopped: in as many as it takes, all are seen.
        #[test]
        fn what_is_cut_short_is_gone_on_with(
            nodes in any_nodes(),
            behind in prop::option::of(1..210_u32),
            size in 1..30_usize,
            pages_max in 1..5_usize,
        ) {
            let mut behind = behind.map(NodeId);
            let mut all = BTreeSet::new();
            // One more for the end of the list, which cuts a page short.
            for _ in 0..=nodes.len().div_ceil(size * pages_max) {
                let (end, seen) = run(&nodes, behind, size, pages_max, None);
                all.extend(seen.into_keys());
                behind = end;
            }
            prop_assert_eq!(all, nodes);
        }

        /// A page that can never be looked at keeps no other one waiting.
        #[test]
        fn a_page_that_fails_keeps_no_other_waiting(
            nodes in any_nodes(),
            behind in prop::option::of(1..210_u32),
            size in 1..10_usize,
            poison in 1..200_u32,
        ) {
            let mut behind = behind.map(NodeId);
            let mut all = BTreeSet::new();
            for _ in 0..3 {
                let (end, seen) = run(&nodes, behind, size, usize::MAX, Some(poison));
                all.extend(seen.into_keys());
                behind = end;
            }
            let before = nodes.range(..=poison).rev().take(size);
            let near: BTreeSet<u32> =
                before.chain(nodes.range(poison..).take(size)).copied().collect();
            let far: Vec<&u32> = nodes.difference(&near).collect();
            prop_assert!(far.into_iter().all(|node| all.contains(node)));
        }
    }
}
