//! Every recorded document, with what must come of it.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use domain::node::{Capacity, NodeReport, Refusal, capacity};
use domain::potential::limit;
use grid::{DocumentError, parse_node, parse_nodes};

/// Each of the sixteen nodes: the slices it carries, what refuses them, and why, in words.
const NODES: [(u32, u32, Option<Refusal>, &str); 16] = [
    (1, 0, Some(Refusal::Ssd), "52 of 24 vCPUs and 739 of 477 GiB SSD are in use"),
    (11, 4, None, "911 GiB of SSD are free; memory and CPU would allow more"),
    (17, 2, None, "empty, but its SSD has 477 GiB, of which the system keeps 20"),
    (32, 9, None, "2 TB as vendors count are 1863 GiB; the system keeps 20"),
    (198, 1, None, "225 GiB of SSD are free; with hard disks counted in it would be 20"),
    (534, 0, Some(Refusal::Ssd), "hard disks only: the system's 20 GiB make free SSD negative"),
    (600, 9, None, "four disks together; disk by disk it is 8, which the server cannot say"),
    (4000, 0, Some(Refusal::RentedWhole), "104 free vCPUs, all rented whole by twin 44"),
    (4001, 0, Some(Refusal::DedicatedFarm), "56 free vCPUs in a farm that rents whole nodes"),
    (4002, 0, Some(Refusal::ExtraFee), "64 free vCPUs, a GPU, and 30 dollars a month on top"),
    (5001, 0, Some(Refusal::Standby), "asleep"),
    (5002, 0, Some(Refusal::Standby), "waking up"),
    (5003, 0, Some(Refusal::Down), "no report for five days"),
    (5004, 0, Some(Refusal::Unhealthy), "up, but the health check does not reach it"),
    (7001, 4, None, "a light node runs machines too; its SSD decides"),
    (7002, 3, None, "4 of 16 vCPUs and 200 GiB of SSD are used by a contract in its grace period"),
];

#[test]
fn each_recorded_node_gives_the_slices_it_must() {
    let page = parse_nodes(&read("server_list_all.json")).unwrap();
    assert_eq!(page.refused, []);
    let ids: Vec<u32> = page.nodes.iter().map(|node| node.id.0).collect();
    assert_eq!(ids, NODES.map(|(id, ..)| id));
    for (node, (id, slices, refusal, why)) in page.nodes.iter().zip(NODES) {
        let capacity = capacity(node);
        assert_eq!((capacity.slices, capacity.refusal), (slices, refusal), "node {id}: {why}");
    }
}

/// What limits each of them, in the words that its farmer reads.
const LIMITS: [(u32, &str); 16] = [
    (1, "SSD and CPU allow no slice; memory would allow 19"),
    (11, "SSD allows 4 slices; CPU would allow 8 and memory 7"),
    (17, "SSD allows 2 slices; CPU would allow 24 and memory 42"),
    (32, "SSD allows 9 slices; CPU would allow 32 and memory 28"),
    (198, "SSD allows 1 slice; CPU would allow 20 and memory 40"),
    (534, "SSD allows no slice; CPU would allow 16 and memory 14"),
    (600, "SSD allows 9 slices; CPU would allow 32 and memory 28"),
    (4000, "SSD would allow 34 slices; CPU 104 and memory 117"),
    (4001, "SSD would allow 17 slices; CPU 56 and memory 60"),
    (4002, "SSD would allow 17 slices; CPU 64 and memory 57"),
    (5001, "SSD would allow 4 slices; CPU 16 and memory 14"),
    (5002, "SSD would allow 4 slices; CPU 16 and memory 14"),
    (5003, "SSD would allow 4 slices; CPU 16 and memory 14"),
    (5004, "SSD would allow 4 slices; CPU 16 and memory 14"),
    (7001, "SSD allows 4 slices; CPU would allow 16 and memory 7"),
    (7002, "SSD allows 3 slices; CPU would allow 12 and memory 12"),
];

#[test]
fn each_recorded_node_says_what_limits_it() {
    let page = parse_nodes(&read("server_list_all.json")).unwrap();
    let said: Vec<(u32, String)> =
        page.nodes.iter().map(|node| (node.id.0, limit(&capacity(node)))).collect();
    assert_eq!(said, LIMITS.map(|(id, words)| (id, words.to_owned())));
}

#[test]
fn the_single_form_says_the_same() {
    let page = parse_nodes(&read("server_list_all.json")).unwrap();
    for node in page.nodes {
        let single = read(&format!("server_single_{}.json", node.id.0));
        assert_eq!(parse_node(&single), Ok(node));
    }
}

#[test]
fn the_fields_of_a_document_arrive() {
    let node = parse_node(&read("server_single_11.json")).unwrap();
    assert_eq!((node.farm_id, node.farm_name.as_str()), (50, "Mix Certified Farm"));
    assert_eq!((node.country.as_str(), node.city.as_str()), ("Austria", "Vienna"));
    assert!(node.certified && node.is_up());
    assert_eq!((node.upload_mbps, node.download_mbps), (Some(940), Some(810)));
    assert_eq!(node.reported_at.to_string(), "2026-11-22T17:08:41Z");
    let capacity = capacity(&node);
    assert_eq!(capacity, Capacity { slices: 4, by_cpu: 8, by_memory: 7, by_ssd: 4, refusal: None });
    let unmeasured = parse_node(&read("server_single_5004.json")).unwrap();
    assert_eq!((unmeasured.bandwidth_mbps(), unmeasured.country.as_str()), (None, ""));
}

#[test]
fn documents_of_old_servers_are_read() {
    let check = |name: &str, id: u32, slices: u32, refusal: Option<Refusal>| {
        let node: NodeReport = parse_node(&read(name)).unwrap();
        assert_eq!((node.id.0, node.healthy, node.runs_machines), (id, None, None));
        assert_eq!((capacity(&node).slices, capacity(&node).refusal), (slices, refusal));
    };
    check("recorded_devnet_node_1_2022_listform.json", 1, 0, Some(Refusal::Ssd));
    check("recorded_testnet_node_198_2022_singleform.json", 198, 1, None);
    // What a node says of itself is no document of the server.
    let statistics = parse_node(&read("recorded_devnet_node_17_2021_statistics.json"));
    assert_eq!(statistics, Err(DocumentError::Missing("nodeId")));
}

#[test]
fn both_forms_may_be_in_one_list() {
    let old = String::from_utf8(read("recorded_testnet_node_198_2022_singleform.json")).unwrap();
    let new = String::from_utf8(read("server_single_32.json")).unwrap();
    let page = parse_nodes(format!("[{old},{new}]").as_bytes()).unwrap();
    let slices: Vec<u32> = page.nodes.iter().map(|node| capacity(node).slices).collect();
    assert_eq!(slices, [1, 9]);
}

#[test]
fn six_thousand_generated_nodes_are_read() {
    let mut body = Vec::new();
    flate2::read::GzDecoder::new(&read("nodes_6000_generated.json.gz")[..])
        .read_to_end(&mut body)
        .unwrap();
    let page = parse_nodes(&body).unwrap();
    assert_eq!((page.nodes.len(), page.refused.len()), (6_000, 0));
    assert_eq!(page.nodes.iter().filter(|node| node.is_up()).count(), 1_185);
}

fn read(name: &str) -> Vec<u8> {
    fs::read(grid_folder().join(name)).unwrap()
}

fn grid_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/grid")
}
