//! How the marketplace is and was, for everybody.

use expect_test::expect;
use stage::{Answer, Stage, reading};
use store::invariants::INVARIANTS;
use store::{Db, status};

const STATUS: &str = "/status";

fn ask(stage: &Stage, path: &str) -> Answer {
    stage.as_visitor().get(renting::ROUTES, path)
}

fn verdict(stage: &Stage) -> String {
    ask(stage, "/api/status").ok(200)["status"].as_str().unwrap().to_owned()
}

/// What the job does, without the limit of one run.
fn look(stage: &Stage) {
    status::check(&stage.db, stage.now(), u32::MAX).unwrap();
    status::write(&stage.db, stage.now()).unwrap();
}

#[test]
fn a_new_market_is_starting_and_not_late() {
    let stage = Stage::empty();
    ask(&stage, STATUS).reads(
        200,
        expect![[r#"
            Status
            Starting No checks have run yet.
            Components
            Grid sync starting
            Not looked at yet.
            Last 90 days: No data yet.
            Machine setup starting
            Not looked at yet.
            Last 90 days: No data yet.
            Email starting
            Not looked at yet.
            Last 90 days: No data yet.
            Integrity checks starting
            0 of 43 integrity checks have run so far. See each check </status/checks>
            Last 90 days: No data yet.
            Nodes
            Not looked at yet.
            Last 90 days: No data yet.
            Grid data by region
            No nodes on the market yet."#]],
    );
    assert_eq!(verdict(&stage), "ok");
    // A run that is cut short checks some of them.
    status::check(&stage.db, stage.now(), 8).unwrap();
    status::write(&stage.db, stage.now()).unwrap();
    assert_eq!(verdict(&stage), "ok");
    let page = reading(&ask(&stage, STATUS).html(200));
    let count = INVARIANTS.len();
    assert!(page.contains(&format!("8 of {count} integrity checks have run so far.")), "{page}");
    // What is still not done after an hour is late.
    stage.pass_seconds(3_601);
    assert_eq!(verdict(&stage), "degraded");
    look(&stage);
    assert_eq!(verdict(&stage), "degraded", "the grid was never asked");
}

#[test]
fn each_part_has_a_ribbon_of_days() {
    let stage = Stage::three_slices();
    look(&stage);
    stage.pass(1);
    look(&stage);
    stage.db.run("UPDATE nodes SET available_slices = 2", &[]).unwrap();
    stage.pass_seconds(300);
    look(&stage);
    let html = ask(&stage, STATUS).html(200);
    assert_eq!(html.matches("class=\"ribbon\"").count(), 5);
    let page = reading(&html);
    let (_, parts) = page.split_once("Components\n").unwrap();
    let (parts, _) = parts.split_once("Grid data by region").unwrap();
    expect![[r#"
        Grid sync late
        The first sync hasn&#39;t run yet.
        Last 90 days: No data yet.
        Machine setup works
        No machines are overdue.
        Last 90 days: 100% on time over 2 days with data.
        Email works
        No emails are queued.
        Last 90 days: 100% on time over 2 days with data.
        Integrity checks broken
        1 of 43 integrity checks failed. See each check </status/checks>
        Last 90 days: 66.66% on time over 2 days with data; 1 day with problems.
        Nodes
        1 of 1 up.
        Last 90 days: No data yet.
    "#]]
    .assert_eq(parts);
    // After 90 days, nothing is known of them.
    stage.pass(91);
    look(&stage);
    let days = status::days(&stage.db, stage.now()).unwrap();
    let today = stage.now().seconds() / 86_400;
    assert!(days.iter().all(|day| day.day == today), "{days:?}");
}

#[test]
fn every_check_is_on_a_page_of_its_own() {
    let stage = Stage::three_slices();
    look(&stage);
    let html = ask(&stage, "/status/checks").html(200);
    for invariant in INVARIANTS {
        let claim = invariant.claim.replace('\'', "&#39;");
        assert!(html.contains(&claim), "{}", invariant.id);
    }
    assert!(!ask(&stage, STATUS).html(200).contains(INVARIANTS[0].claim));
}

#[test]
fn everybody_reads_what_the_operator_says() {
    let stage = Stage::three_slices();
    let add = |title: &str, text: &str, days_ago: i64, ended: Option<i64>| {
        let started_at = stage.now().plus_seconds(-86_400 * days_ago);
        let id = u8::try_from(days_ago).unwrap();
        let incident = store::incidents::Incident {
            id: domain::id::IncidentId::from_bytes([id; 16]),
            title: title.to_owned(),
            text: text.to_owned(),
            started_at,
            ended_at: ended.map(|seconds| started_at.plus_seconds(seconds)),
            changed_at: stage.now(),
        };
        assert!(store::incidents::add(&stage.db, &incident).unwrap());
    };
    add("No <b>emails</b>", "We are moving.\n\nNothing is lost.", 1, None);
    add("Slow sync", "New nodes came late.", 20, Some(7_200));
    add("Long ago", "Old.", 91, Some(60));
    let page = reading(&ask(&stage, STATUS).html(200));
    let (now, rest) = page.split_once("Components\n").unwrap();
    let (_, past) = rest.split_once("Past incidents\n").unwrap();
    expect![[r#"
        Status
        Starting No checks have run yet.
        Current incidents
        No &#60;b&#62;emails&#60;/b&#62;
        Since 28 July 2026, 12:00 UTC
        We are moving.
        Nothing is lost.
    "#]]
    .assert_eq(now);
    expect![[r#"
        Slow sync
        9 July 2026, 12:00 UTC to 9 July 2026, 14:00 UTC
        New nodes came late."#]]
    .assert_eq(past);
    let shown = ask(&stage, "/api/status").ok(200)["incidents"].clone();
    assert_eq!(shown.as_array().unwrap().len(), 2);
    assert_eq!(
        (&shown[0]["title"], &shown[0]["ended_at"]),
        (&"No <b>emails</b>".into(), &().into())
    );
}
