//! What to ask the server for: the paths of its API.

use alloc::format;
use alloc::string::{String, ToString as _};
use alloc::vec::Vec;

use domain::id::NodeId;

/// The most nodes that one request asks for: about 400 kB of answer, and a short enough path.
pub const NODES_PER_REQUEST_MAX: usize = 200;

/// The path of one node, in the single form.
pub fn node_path(id: NodeId) -> String {
    format!("/nodes/{}", id.0)
}

/// The paths of these nodes in the list form, with the nodes that each of them asks for.
///
/// Without nodes there is no path: a filter without a value would list the whole grid.
pub fn nodes_paths(ids: &[NodeId]) -> impl Iterator<Item = (&[NodeId], String)> {
    ids.chunks(NODES_PER_REQUEST_MAX).map(|batch| {
        let numbers: Vec<String> = batch.iter().map(|id| id.0.to_string()).collect();
        (batch, format!("/nodes?node_ids={}&size={}", numbers.join(","), batch.len()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_asked_for_in_batches() {
        assert_eq!(node_path(NodeId(32)), "/nodes/32");
        let path = |ids: &[u32]| {
            let ids: Vec<NodeId> = ids.iter().copied().map(NodeId).collect();
            nodes_paths(&ids).map(|(_, path)| path).collect::<Vec<_>>()
        };
        assert!(path(&[]).is_empty());
        assert_eq!(path(&[1, 2, 3]), ["/nodes?node_ids=1,2,3&size=3"]);
        let ids: Vec<NodeId> = (1..=450).map(NodeId).collect();
        let sizes: Vec<usize> = nodes_paths(&ids).map(|(batch, _)| batch.len()).collect();
        assert_eq!(sizes, [200, 200, 50]);
    }
}
