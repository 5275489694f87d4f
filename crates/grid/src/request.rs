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

/// The path of the nodes of a farm: `count` of them at most, the lowest numbers first.
pub fn farm_nodes_path(farm: u32, count: usize) -> String {
    format!("/nodes?farm_ids={farm}&size={count}")
}

/// The path of the node that reported last of all that are up.
pub fn newest_report_path() -> String {
    "/nodes?status=up&sort_by=updated_at&sort_order=desc&size=1".into()
}

/// The path of a farm, as a list of one or none.
pub fn farm_path(farm: u32) -> String {
    format!("/farms?farm_id={farm}")
}

/// The path of a twin, as a list of one or none.
pub fn twin_path(twin: u32) -> String {
    format!("/twins?twin_id={twin}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_asked_for_in_batches() {
        assert_eq!(node_path(NodeId(32)), "/nodes/32");
        assert_eq!(farm_nodes_path(50, 201), "/nodes?farm_ids=50&size=201");
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
