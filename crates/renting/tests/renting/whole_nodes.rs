//! A whole node, whose machines live and die one by one.

use domain::event::EventKind;
use domain::id::NodeId;
use domain::recurring::{EARN, NOTIFY_OF_OUTAGES, RENEW};
use http::Method;
use serde_json::{Value, json};
use stage::{ADA, Caller, FARMER, Stage};
use store::{events, sync};

use crate::servers::KEY;

const HOUR: i64 = 3_600;
/// A month in which node 32 is rented: from 29 July to 29 August. Hours.
const MONTH: i64 = 31 * 24;
/// Its slices.
const SLICES: usize = 9;

/// Ada rents node 32, and an agent has made its machines.
struct Node<'a> {
    stage: &'a Stage,
    agent: Caller<'a>,
    rental: String,
}

impl<'a> Node<'a> {
    fn new(stage: &'a Stage) -> Node<'a> {
        stage.credit(ADA, "1000");
        let agent = stage.as_agent();
        let lease =
            || agent.post(machines::ROUTES, "/api/agent/jobs/lease", json!({ "agent": "rack-7" }));
        assert_eq!(lease().status(), 204);
        let key = json!({ "public_key": KEY });
        stage.as_user(ADA).post(machines::ROUTES, "/api/account/ssh-keys", key).ok(201);
        let wish = json!({ "node_id": "node32", "duration_months": 1 });
        let answer =
            stage.as_user(ADA).post(renting::ROUTES, "/api/marketplace/rent-node", wish).ok(201);
        for _ in 0..SLICES {
            let job = lease().ok(200)["job"].clone();
            let access = json!({
                "address": "203.0.113.7", "port": 22007, "user": "root", "host_keys": [KEY],
            });
            let path = format!("/api/agent/jobs/{}/complete", job["id"].as_str().unwrap());
            let done = json!({ "fence": job["fence"], "access": access });
            agent.post(machines::ROUTES, &path, done).ok(200);
        }
        let rental = answer["rentals"][0]["id"].as_str().unwrap().to_owned();
        Node { stage, agent, rental }
    }

    /// The agent reports all machines, of which these are gone.
    fn report(&self, gone: impl Fn(usize) -> bool) {
        let machine = |nth: usize| {
            let mut machine = if gone(nth) {
                json!({ "state": "absent" })
            } else {
                json!({ "state": "running", "ssh": true })
            };
            machine["rental_id"] = json!(self.rental);
            machine["slice_id"] = json!(format!("node32_slice_{}", nth + 1));
            machine
        };
        let machines: Vec<Value> = (0..SLICES).map(machine).collect();
        let body = json!({ "agent": "rack-7", "machines": machines });
        self.agent.post(machines::ROUTES, "/api/agent/machines", body).ok(200);
    }

    /// So many hours go by, in which these machines are gone.
    fn pass(&self, hours: i64, gone: impl Fn(usize) -> bool) {
        for _ in 0..hours {
            self.report(&gone);
            self.stage.pass_seconds(HOUR);
        }
        self.settle();
    }

    fn settle(&self) {
        self.stage.run(renting::JOBS, &EARN).unwrap();
        self.stage.run(machines::JOBS, &NOTIFY_OF_OUTAGES).unwrap();
    }

    fn find(&self) -> Value {
        let path = format!("/api/rentals/{}", self.rental);
        self.stage.as_user(ADA).get(renting::ROUTES, &path).ok(200)
    }

    fn page(&self) -> String {
        let path = format!("/dashboard/slices/{}", self.rental);
        self.stage.as_user(ADA).get(renting::ROUTES, &path).page(200)
    }

    /// What was refunded and what was earned.
    fn money(&self) -> (String, String) {
        let found = self.find();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        (text(&found["refunded"]), text(&found["terms"][0]["earned"]))
    }

    fn renew(&self) {
        let wish = json!({ "auto_renew": { "duration_months": 1, "max_price": 30 } });
        let path = format!("/api/rentals/{}", self.rental);
        self.stage.as_user(ADA).call(renting::ROUTES, Method::PATCH, &path, wish).ok(200);
    }

    /// The slices that somebody was told are down for a day.
    fn told(&self) -> [Vec<Option<u32>>; 2] {
        [ADA, FARMER].map(|who| {
            let all = events::since(&self.stage.db, who.account(), 0, 500).unwrap();
            let down = all.into_iter().filter(|it| it.kind == EventKind::RentalDown);
            down.map(|it| it.slice.map(|slice| slice.number)).collect()
        })
    }
}

#[test]
fn a_dead_machine_of_a_whole_node_is_not_paid_for_by_its_share() {
    let stage = Stage::market();
    let node = Node::new(&stage);
    node.renew();
    node.pass(24, |_| false);
    let is_third = |nth: usize| nth == 2;
    node.pass(23, is_third);
    // 225.00 for 31 days of nine slices: its hours are undecided.
    assert_eq!(node.money(), ("0.00".into(), "7.25".into()));
    assert_eq!(node.told(), [vec![], vec![]]);
    let page = node.page();
    assert!(page.contains("1 of 9 machines down since 30 July 2026, 12:00"), "{page}");
    assert!(page.contains("you aren't charged for its share of any of that time"), "{page}");
    node.pass(1, is_third);
    assert_eq!(node.money(), ("0.80".into(), "13.70".into()));
    assert_eq!(node.told(), [vec![Some(3)], vec![Some(3)]]);
    let page = node.page();
    assert!(page.contains("You aren't charged for the share of 1 machine that has been"), "{page}");
    assert!(page.contains("$0.80 has been refunded so far") && page.contains("end the rental"));
    // The node is not down: it can be renewed.
    assert_eq!(node.find()["down_since"], Value::Null);
    assert!(!page.contains("isn't auto-renewed"), "{page}");
    node.pass(MONTH - 48 - 2, is_third);
    stage.run(renting::JOBS, &RENEW).unwrap();
    assert_eq!(node.find()["duration_months"], 2);
    node.pass(26, |_| false);
    // 718 hours of one of nine machines.
    assert_eq!(node.money(), ("24.12".into(), "200.88".into()));
    stage.check_invariants();
}

#[test]
fn a_node_of_which_every_machine_is_dead_is_not_renewed() {
    let stage = Stage::market();
    let node = Node::new(&stage);
    node.renew();
    node.pass(MONTH - 30, |_| false);
    node.pass(29, |_| true);
    stage.run(renting::JOBS, &RENEW).unwrap();
    let found = node.find();
    assert_eq!((&found["duration_months"], found["down_since"].is_null()), (&json!(1), false));
    let page = node.page();
    assert!(page.contains("isn't auto-renewed while it is down"), "{page}");
    stage.check_invariants();
}

#[test]
fn an_early_end_refunds_the_dead_share_and_the_unused_time() {
    let stage = Stage::market();
    let node = Node::new(&stage);
    let before = stage.balance(ADA);
    node.pass(10 * 24, |nth| nth < 3);
    let path = format!("/api/rentals/{}/cancel", node.rental);
    stage.as_user(ADA).post(renting::ROUTES, &path, json!({})).ok(200);
    // A third of ten days was not used: 160 hours of 744 are paid for.
    let spent = |balance: String| balance.replace('.', "").parse::<i64>().unwrap();
    assert_eq!(spent(stage.balance(ADA)) - spent(before), 22_500 - 4_839);
    stage.check_invariants();
}

/// The hours in which each machine was gone, from which the refund follows without the market.
struct Reckoning {
    dead: Vec<Vec<bool>>,
}

impl Reckoning {
    /// Hours of outages of a day or more, of all machines together.
    fn unpaid_hours(&self) -> usize {
        let of_machine = |hours: &Vec<bool>| -> usize {
            let runs = hours.chunk_by(|one, next| one == next);
            runs.filter(|run| run[0] && run.len() >= 24).map(<[bool]>::len).sum()
        };
        self.dead.iter().map(of_machine).sum()
    }
}

/// Numbers that look random.
fn below(seed: &mut u64, bound: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % bound
}

/// Machines die alone, several at once, and while their whole node is down: what is refunded agrees
/// to the cent with what the hours say.
#[test]
fn no_dead_hour_is_refunded_twice_or_forgotten() {
    for mut seed in [3, 14, 15] {
        let stage = Stage::market();
        let node = Node::new(&stage);
        let mut reckoning = Reckoning { dead: vec![vec![]; SLICES] };
        let (mut gone_until, mut node_until) = ([0; SLICES], 0);
        for hour in 0..MONTH {
            let chance = below(&mut seed, 90);
            let long = i64::try_from(1 + below(&mut seed, 120)).unwrap();
            match chance {
                // Never at the end, so that all is decided then.
                _ if hour + long > MONTH - 26 => {}
                0 => node_until = node_until.max(hour + long),
                1 => gone_until = gone_until.map(|until: i64| until.max(hour + long)),
                2..=6 => {
                    let nth = usize::try_from(below(&mut seed, SLICES as u64)).unwrap();
                    gone_until[nth] = gone_until[nth].max(hour + long);
                }
                _ => {}
            }
            // What is gone while nobody can tell is said to be so later.
            let is_node_down = hour < node_until;
            if is_node_down {
                sync::save_missing(&stage.db, &[NodeId(32)], stage.now()).unwrap();
                sync::save_missing(&stage.db, &[NodeId(32)], stage.now()).unwrap();
                gone_until = gone_until.map(|until| {
                    if until > hour && until <= node_until { node_until } else { until }
                });
            } else {
                let report = stage::report(32, 9);
                let capacity = domain::node::capacity(&report);
                sync::save_reports(&stage.db, &[(report, capacity)], stage.now()).unwrap();
                node.report(|nth| hour < gone_until[nth]);
            }
            for (nth, dead) in reckoning.dead.iter_mut().enumerate() {
                dead.push(is_node_down || hour < gone_until[nth]);
            }
            if below(&mut seed, 9) == 0 {
                node.settle();
            }
            stage.pass_seconds(HOUR);
        }
        node.settle();
        let hours = reckoning.unpaid_hours();
        assert!(hours > 500, "{hours}");
        let cents = 22_500 * hours / (usize::try_from(MONTH).unwrap() * SLICES);
        let (refunded, earned) = node.money();
        assert_eq!(refunded, format!("{}.{:02}", cents / 100, cents % 100), "{seed}");
        let earned: usize = earned.replace('.', "").parse().unwrap();
        assert_eq!(earned + cents, 22_500);
        stage.check_invariants();
    }
}
