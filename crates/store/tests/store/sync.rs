//! What a sync leaves: slices that follow capacity, and everything else as it was.

use domain::id::NodeId;
use domain::node::{NodeStatus, Refusal};
use store::RusqliteDb;
use store::farms::{GridFarm, VerificationMethod, verify};
use store::nodes::{FarmNode, find};
use store::sync::{RefusedDocument, refused, registered, save_missing, save_refused, save_reports};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, carries,
    count, empty, market, now, open_account, register, rent, report, states,
};

fn farm_node(db: &RusqliteDb, node: u32) -> FarmNode {
    find(db, account(FARMER), NodeId(node)).unwrap().unwrap().0
}

#[test]
fn slices_follow_capacity_and_rented_ones_stay() {
    let db = market();
    let check = |capacity, expected: &str| {
        save_reports(&db, &[(report(NODE), carries(capacity))], now()).unwrap();
        assert_eq!(states(&db, NODE), expected, "{capacity}");
        assert_sound(&db);
    };
    check(3, "aaa------");
    rent(&db, Attempt { slice: Some(2), ..attempt(OMAR, "key") }).unwrap();
    check(3, "aRa------");
    check(2, "aR-------");
    check(1, "-R-------");
    check(0, "-R-------");
    check(1, "-R-------");
    check(2, "aR-------");
    check(9, "aRaaaaaaa");
    check(11, "aRaaaaaaaaa");
    check(1, "-R---------");
    check(12, "aRaaaaaaaaaa");
    check(512, &format!("aR{}", "a".repeat(510)));
    check(0, &format!("-R{}", "-".repeat(510)));
    check(512, &format!("aR{}", "a".repeat(510)));
}

#[test]
fn a_report_is_taken_over_whole() {
    let db = market();
    let before = farm_node(&db, NODE);
    let hostile = "'\"); DROP TABLE nodes; --\u{0}\u{1F980}\u{202E}\\u0000 ${x} <script>";
    let mut report = report(NODE);
    report.farm_id = 77;
    report.farm_name = hostile.into();
    report.country = hostile.into();
    report.city = String::new();
    report.status = NodeStatus::Standby;
    report.healthy = None;
    report.certified = true;
    report.upload_mbps = None;
    report.download_mbps = Some(u32::MAX);
    report.reported_at = now().plus_seconds(30);
    // Its farmer owns that farm, too; otherwise the node would go off the market.
    let farm = GridFarm { id: 77, name: String::new(), twin: 1, account: "5G".into() };
    verify(&db, &farm, account(FARMER), VerificationMethod::Operator, now()).unwrap();
    save_reports(&db, &[(report, carries(0))], now().plus_seconds(60)).unwrap();

    let node = farm_node(&db, NODE);
    let offer = &node.offer;
    assert_eq!((offer.farm_name.as_str(), offer.country.as_str()), (hostile, hostile));
    assert_eq!(
        (offer.city.as_str(), offer.status, offer.certified),
        ("", NodeStatus::Standby, true)
    );
    assert_eq!((offer.upload_mbps, offer.download_mbps), (None, Some(u32::MAX)));
    assert_eq!(
        (offer.reported_at, offer.synced_at),
        (now().plus_seconds(30), now().plus_seconds(60))
    );
    assert_eq!((node.healthy, node.capacity), (None, carries(0)));
    // The farmer's part is not the grid's to change.
    let farmers_part = |node: &FarmNode| {
        let offer = node.offer.clone();
        (
            offer.name,
            offer.price,
            offer.min_uptime,
            offer.min_bandwidth,
            offer.version,
            offer.listing,
        )
    };
    assert_eq!(farmers_part(&node), farmers_part(&before));
}

#[test]
fn uptime_is_measured_by_looking() {
    let db = market();
    let check = |observed, observed_up| {
        let offer = farm_node(&db, NODE).offer;
        assert_eq!((offer.observed, offer.observed_up), (observed, observed_up));
    };
    check(0, 0);
    save_reports(&db, &[(report(NODE), carries(9))], now()).unwrap();
    check(1, 1);
    let mut unhealthy = report(NODE);
    unhealthy.healthy = Some(false);
    save_reports(&db, &[(unhealthy, carries(0))], now()).unwrap();
    check(2, 1);
    assert_eq!(farm_node(&db, NODE).healthy, Some(false));
    // The first time, nobody knows whether it is the node that is gone, or the grid's list.
    save_missing(&db, &[NodeId(NODE)], now()).unwrap();
    check(2, 1);
    save_missing(&db, &[NodeId(NODE)], now()).unwrap();
    check(3, 1);
}

#[test]
fn nodes_that_nobody_registered_change_nothing() {
    let db = market();
    let before = dump(&db);
    save_reports(&db, &[(report(99), carries(5))], now()).unwrap();
    save_reports(&db, &[], now()).unwrap();
    save_missing(&db, &[NodeId(98)], now()).unwrap();
    save_missing(&db, &[], now()).unwrap();
    save_refused(&db, &[document(97, "no status")], now()).unwrap();
    save_refused(&db, &[], now()).unwrap();
    assert_eq!(dump(&db), before);
    // In a page with others, they are passed over.
    let page = [(report(99), carries(5)), (report(NODE), carries(2)), (report(98), carries(5))];
    save_reports(&db, &page, now()).unwrap();
    assert_eq!(states(&db, NODE), "aa-------");
    assert_eq!(count(&db, "SELECT count(*) FROM nodes"), 1);
}

#[test]
fn a_node_that_is_missing_offers_nothing_until_it_is_back() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    save_missing(&db, &[NodeId(NODE)], now().plus_seconds(60)).unwrap();
    let node = farm_node(&db, NODE);
    assert_eq!(states(&db, NODE), "R--------");
    assert_eq!(
        (node.offer.status, node.capacity.refusal),
        (NodeStatus::Down, Some(Refusal::Unlisted))
    );
    assert_eq!((node.offer.available_slices, node.offer.allocated_slices), (0, 1));
    assert_eq!(node.offer.synced_at, now().plus_seconds(60));
    assert_sound(&db);
    // A run that was overtaken by the one above changes nothing; the next one does.
    save_reports(&db, &[(report(NODE), carries(9))], now().plus_seconds(59)).unwrap();
    assert_eq!(states(&db, NODE), "R--------");
    save_reports(&db, &[(report(NODE), carries(9))], now().plus_seconds(61)).unwrap();
    assert_eq!(states(&db, NODE), "Raaaaaaaa");
    assert_eq!(farm_node(&db, NODE).capacity.refusal, None);
}

fn document(node_id: u32, reason: &str) -> RefusedDocument {
    RefusedDocument { node_id, reason: reason.into(), excerpt: "{\"nodeId\": \u{0}…".into() }
}

#[test]
fn a_document_in_quarantine_changes_nothing_else() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 2);
    let before = farm_node(&db, NODE);
    let page = [document(NODE, "no status"), document(33, "no id"), document(99, "no node")];
    save_refused(&db, &page, now()).unwrap();
    assert_eq!(refused(&db, 10), Ok(page[..2].to_vec()));
    assert_eq!(refused(&db, 1).unwrap().len(), 1);
    let reason = Some("no status".to_owned());
    assert_eq!(farm_node(&db, NODE), FarmNode { refused_document: reason, ..before });
    // The latest reason counts, also twice in one page.
    let page = [document(NODE, "no total"), document(NODE, "no used")];
    save_refused(&db, &page, now()).unwrap();
    assert_eq!(refused(&db, 10).unwrap()[0].reason, "no used");
    // A report that can be used ends it; that of another node does not.
    save_reports(&db, &[(report(33), carries(2))], now()).unwrap();
    assert_eq!(refused(&db, 10), Ok(vec![document(NODE, "no used")]));
    save_reports(&db, &[(report(NODE), carries(9))], now()).unwrap();
    assert_eq!(refused(&db, 10), Ok(vec![]));
    assert_eq!(farm_node(&db, NODE).refused_document, None);
}

#[test]
fn five_hundred_nodes_are_saved_in_one_call() {
    let db = empty();
    open_account(&db, FARMER);
    let nodes = 1..=500;
    for node in nodes.clone() {
        register(&db, FARMER, node, 2);
    }
    let page: Vec<_> = nodes.clone().map(|node| (report(node), carries(node % 5))).collect();
    save_reports(&db, &page, now()).unwrap();
    assert_eq!(count(&db, "SELECT sum(available_slices) FROM nodes"), 1000);
    assert_eq!(count(&db, "SELECT count(*) FROM slices WHERE state = 'retired'"), 300);
    assert_sound(&db);
    let ids: Vec<_> = nodes.map(NodeId).collect();
    save_missing(&db, &ids, now()).unwrap();
    assert_eq!(count(&db, "SELECT sum(available_slices) FROM nodes"), 0);
    assert_sound(&db);
}

#[test]
fn registered_nodes_come_in_pages() {
    let db = market();
    for node in [7, 4_294_967_295, 33] {
        register(&db, OTHER_FARMER, node, 1);
    }
    let page = |behind: Option<u32>| {
        let found = registered(&db, behind.map(NodeId), 2, now()).unwrap();
        found.iter().map(|known| known.id.0).collect::<Vec<_>>()
    };
    assert_eq!(page(None), [7, NODE]);
    assert_eq!(page(Some(NODE)), [33, u32::MAX]);
    assert_eq!(page(Some(u32::MAX)), [] as [u32; 0]);
}

/// Renting and syncing touch the same rows; each is one statement, so none sees half of the other.
#[test]
fn the_last_slice_is_rented_or_retired() {
    let db = market();
    save_reports(&db, &[(report(NODE), carries(1))], now()).unwrap();
    rent(&db, attempt(OMAR, "key")).unwrap();
    save_reports(&db, &[(report(NODE), carries(0))], now()).unwrap();
    assert!(rent(&db, attempt(AIDA, "key")).is_err());
    assert_eq!(states(&db, NODE), "R--------");
    assert_sound(&db);
}
