//! What a renter reads whose node leaves, or whose machine could not be set up.

use domain::id::{NodeId, RANDOM_ID_BYTES, SshKeyId};
use domain::listing::Listing;
use domain::provisioning::Report;
use domain::ssh::SshKey;
use expect_test::expect;
use serde_json::Value;
use stage::{ADA, Answer, FARMER, Stage, reading, report};
use store::jobs::{self, Agent, JobReport};
use store::{leaving, ssh_keys};

const AGENT: &str = "rack-7";

fn ask(stage: &Stage, path: &str) -> Answer {
    stage.as_user(ADA).get(renting::ROUTES, path)
}

#[test]
fn a_renter_chooses() {
    let stage = Stage::three_slices();
    let path = format!("/dashboard/slices/{}", stage.rent().life.id);
    leaving::withdraw(&stage.db, FARMER.account(), NodeId(32), None, stage.now()).unwrap();
    stage.register("node33", &report(33, 2));
    stage.offer(33, "Mill", Listing::Published);
    let page = reading(&ask(&stage, &path).html(200));
    let (notice, _) = page.split_once("Access").unwrap();
    expect![[r#"
        My slices </dashboard/slices>
        node32_slice_1
        On Canal house </marketplace/compute/node32>, Ghent, Belgium until 29 October 2026,
          12:00 UTC active
        Machine </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
        Billing </dashboard/slices/019fadbe-f200-7000-8000-000000000000/billing>
        Node leaves the market on 28 August 2026, 12:00 UTC
        The farmer is taking this node off the market. Until that day, you can choose:
        Keep it until 28 August 2026: you are refunded $48.02 for the unused time
          automatically. The farmer pays you $2.53 for the term discount that you lose.
        End rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000/cancel>: you are
          refunded $71.25.
        Move to another node </dashboard/slices/019fadbe-f200-7000-8000-000000000000/move>:
          your remaining credit moves with you at no charge. Your data is not moved.
    "#]]
    .assert_eq(notice);
    let choose = format!("{path}/move");
    ask(&stage, &choose).reads(
        200,
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another node
            This rental's node leaves the market on 28 August 2026, 12:00 UTC. Each slice below
              costs no more and guarantees at least the same uptime and bandwidth. The unused
              $71.25 of your payment moves with the rental, and you pay nothing more until you
              extend it at the price shown.
            Your data is not moved, and the new machine is set up from scratch. Copy what you
              need first.
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/move
            [hidden node_id=node33] [hidden slice_id=node33_slice_1] [hidden offer_version=2]
            Mill
            node33_slice_1, Ghent, Belgium
            Monthly price: $25.00
            Guaranteed: 99.5% uptime, 1,000 Mbit/s
            (Move to node33_slice_1)
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
    stage.offer(33, "Mill", Listing::Paused);
    let fields = [("node_id", "node33"), ("slice_id", "node33_slice_1"), ("offer_version", "2")];
    let send = || stage.as_user(ADA).form(renting::ROUTES, &choose, &fields);
    send().reads(
        409,
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another node
            This node is no longer on the market; choose another node.
            This rental's node leaves the market on 28 August 2026, 12:00 UTC. Each slice below
              costs no more and guarantees at least the same uptime and bandwidth. The unused
              $71.25 of your payment moves with the rental, and you pay nothing more until you
              extend it at the price shown.
            Your data is not moved, and the new machine is set up from scratch. Copy what you
              need first.
            No equivalent slice is free right now. Check again later, or end the rental for a
              refund.
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
    stage.offer(33, "Mill", Listing::Published);
    let changed = "The offer has changed since you opened it; review the current offer.";
    let page = send();
    assert!(page.page(409).contains(changed), "{page}");
}

#[test]
fn a_machine_that_failed_is_made_elsewhere_with_a_word_of_its_renter() {
    let stage = Stage::three_slices();
    let agent = Agent { farmer: FARMER.account(), farm: 1, name: AGENT, token: None };
    jobs::see(&stage.db, &agent, stage.now()).unwrap();
    let id = SshKeyId::from_random(stage.now(), [0; RANDOM_ID_BYTES]);
    let key = SshKey {
        line: "ssh-ed25519 AAAA".into(),
        fingerprint: "SHA256:A".into(),
        comment: String::new(),
    };
    let added = ssh_keys::add(&stage.db, ADA.account(), id, "laptop", &key, stage.now());
    added.unwrap().unwrap();
    let rental = stage.rent().life.id;
    let access = || ask(&stage, &format!("/api/rentals/{rental}/access")).ok(200);
    let path = format!("/dashboard/slices/{rental}");
    let leads_on = || {
        let html = ask(&stage, &path).html(200);
        html.contains("/move\">Move to another slice</a>")
            && html.contains("/cancel\">End rental</a>")
    };
    stage.pass_seconds(299);
    assert!(!leads_on() && access()["can_move"] == Value::Bool(false), "{}", access());
    stage.pass_seconds(1);
    assert!(leads_on() && access()["can_move"] == Value::Bool(true), "{}", access());
    assert_eq!(access()["state"], "setting-up");

    let job = jobs::lease(&stage.db, &agent, stage.now()).unwrap().unwrap();
    let report = Report::Fail { retry: false };
    let told =
        JobReport { job: &job.id, fence: job.fence, report, sealed: None, reason: None, log: None };
    jobs::report(&stage.db, &agent, &told, stage.now()).unwrap();
    assert!(leads_on());
    let page = reading(&ask(&stage, &path).html(200));
    let (_, access) = page.split_once("\nAccess").unwrap();
    // Nobody pays for more of what can't be set up.
    assert!(!page.contains("Extend") && !page.contains("Auto-renew"), "{page}");
    let (access, _) = access.split_once("\nName and labels").unwrap();
    expect![[r#"
         setup failed
        The farm couldn&#39;t set up the machine. Move it to another slice or end the rental
          now for a full refund; otherwise you are refunded automatically within a day. Setup
          is taking longer than expected, and the operator has been notified. If you have no
          access by 30 July 2026, 11:50 UTC, you are refunded in full.
        Move to another slice </dashboard/slices/019fadbe-f200-7000-8000-000000000000/move>
          End rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000/cancel>
        Paid 29 July 2026, 12:00 UTC
        Accepted by agent not yet
        Disk created not yet
        Booting not yet
        Reachable not yet
        Connection verified not yet"#]]
    .assert_eq(access);
    ask(&stage, &format!("{path}/move")).reads(
        200,
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another slice
            This rental's machine is overdue or couldn't be set up. You can have it set up on
              another slice, with the same key and setup. Each slice below costs no more and
              guarantees at least the same uptime and bandwidth. The current farmer earns
              nothing: all $71.25 you paid moves with the rental, and you pay nothing more until
              you extend it at the price shown.
            If you have no access by 30 July 2026, 11:50 UTC, you are refunded in full
              automatically, on this slice or another.
            post /dashboard/slices/019fadbe-f200-7000-8000-000000000000/move
            [hidden node_id=node32] [hidden slice_id=node32_slice_2] [hidden offer_version=2]
            Canal house
            node32_slice_2, Ghent, Belgium
            Monthly price: $25.00
            Guaranteed: 99.5% uptime, 1,000 Mbit/s
            (Move to node32_slice_2)
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
}

#[test]
fn a_rental_that_is_well_stays() {
    let stage = Stage::three_slices();
    let rental = stage.rent().life.id;
    ask(&stage, &format!("/dashboard/slices/{rental}/move")).reads(
        200,
        expect![[r#"
            node32_slice_1 </dashboard/slices/019fadbe-f200-7000-8000-000000000000>
            Move to another node
            You can move a rental only when its node leaves the market, its access is overdue, or
              it has been down for 24 hours. None of these applies to this one.
            Back to rental </dashboard/slices/019fadbe-f200-7000-8000-000000000000>"#]],
    );
}
