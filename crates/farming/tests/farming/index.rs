//! What is believed of an index of the grid that fails.

use domain::recurring::SYNC;
use serde_json::{Value, json};
use stage::{FARMER, Stage};
use store::events;

const FIRST: &str = "https://one.example";
const SECOND: &str = "https://two.example";
const NODES: std::ops::Range<u32> = 101..121;

/// A market of twenty nodes, and two servers of the grid.
fn market() -> Stage {
    let stage = Stage::without_nodes().with("gridproxy_urls", &format!("{FIRST},{SECOND}"));
    for node in NODES {
        stage.register(&format!("Node {node}"), &stage::report(node, 3));
        stage.offer(node, &format!("Node {node}"), domain::listing::Listing::Published);
    }
    stage
}

fn document(node: u32, status: &str, reported_at: i64) -> Value {
    json!({
        "nodeId": node, "farmId": 1, "farmName": "Freefarm", "country": "Belgium", "city": "Ghent",
        "status": status, "healthy": status == "up", "updatedAt": reported_at,
        "total_resources": { "cru": 32, "mru": 130_996_502_528_i64, "sru": 708_669_603_840_i64 },
        "used_resources": { "cru": 0, "mru": 0, "sru": 0 },
        "features": ["zmachine"],
    })
}

/// From now on, a server says this of the nodes; `newest` is the report that it had last of all.
fn says(stage: &Stage, base: &str, status: impl Fn(u32) -> &'static str, newest: Option<i64>) {
    let ids: Vec<String> = NODES.map(|node| node.to_string()).collect();
    let url = format!("{base}/nodes?node_ids={}&size={}", ids.join(","), ids.len());
    let at = stage.now().seconds() - 600;
    let all: Vec<Value> = NODES.map(|node| document(node, status(node), at)).collect();
    stage.network.answer(&url, 200, Value::from(all).to_string());
    let newest: Vec<Value> = newest.into_iter().map(|at| document(7, "up", at)).collect();
    let url = format!("{base}{}", grid::newest_report_path());
    stage.network.answer(&url, 200, Value::from(newest).to_string());
}

/// The sync runs; answers how many nodes were observed to be up and down since the market began,
/// and why the run failed.
fn sync(stage: &Stage) -> (i64, i64, Option<String>) {
    stage.pass_seconds(300);
    stage.run(farming::JOBS, &SYNC).unwrap();
    let (observed, up): (i64, i64) = stage
        .db
        .connection()
        .query_row("SELECT sum(observed), sum(observed_up) FROM nodes", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let failure = stage
        .db
        .connection()
        .query_row("SELECT failure FROM sync_runs ORDER BY id DESC LIMIT 1", [], |row| row.get(0))
        .unwrap();
    (up, observed - up, failure)
}

/// M11: all of them go down, for forty hours, with `updatedAt` standing still.
#[test]
fn an_index_that_stands_still_is_not_believed() {
    let stage = market();
    let frozen_at = stage.now().seconds();
    for base in [FIRST, SECOND] {
        says(&stage, base, |_| "up", Some(frozen_at));
    }
    let (up, down, failure) = sync(&stage);
    assert_eq!((down, failure), (0, None));
    for base in [FIRST, SECOND] {
        says(&stage, base, |_| "down", None);
    }
    for _ in 0..40 {
        stage.pass_seconds(3_300);
        let (up_now, down, failure) = sync(&stage);
        assert_eq!((up_now, down), (up, 0));
        let failure = failure.unwrap();
        assert!(failure.contains("most nodes went down at once"), "{failure}");
    }
    assert!(
        events::since(&stage.db, FARMER.account(), 0, 100)
            .unwrap()
            .iter()
            .all(|event| event.kind != domain::event::EventKind::NodeDown)
    );
    stage.check_invariants();
}

/// Something between the market and the index answers the same again and again.
#[test]
fn an_answer_of_hours_ago_is_not_believed() {
    let stage = market();
    let frozen_at = stage.now().seconds();
    for base in [FIRST, SECOND] {
        says(&stage, base, |_| "up", Some(frozen_at));
    }
    let (up, down, failure) = sync(&stage);
    assert_eq!((down, failure), (0, None));
    stage.pass_seconds(2 * 3_600);
    let (up_now, down, failure) = sync(&stage);
    assert_eq!((up_now, down), (up, 0));
    let failure = failure.unwrap();
    assert!(failure.contains("no node has reported to it since"), "{failure}");
    // The other server's index goes on.
    says(&stage, SECOND, |_| "up", Some(stage.now().seconds()));
    assert_eq!(sync(&stage), (2 * up, 0, None));
    stage.check_invariants();
}

#[test]
fn another_server_is_asked_where_one_says_that_most_are_down() {
    let stage = market();
    let frozen_at = stage.now().seconds() - 7_200;
    says(&stage, FIRST, |_| "down", Some(frozen_at));
    says(&stage, SECOND, |_| "up", Some(frozen_at));
    assert_eq!(sync(&stage), (20, 0, None));
}

#[test]
fn what_happens_to_our_nodes_alone_is_believed_of_an_index_that_goes_on() {
    let stage = market();
    says(&stage, FIRST, |_| "down", Some(stage.now().seconds()));
    assert_eq!(sync(&stage), (0, 20, None));
    // Few nodes do go down at once.
    let stage = market();
    says(&stage, FIRST, |node| if node < 104 { "down" } else { "up" }, None);
    assert_eq!(sync(&stage), (17, 3, None));
}
