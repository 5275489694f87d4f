//! A slice as a server: how its machine is after it was set up, as its agent reports it.

use domain::event::EventKind;
use serde_json::{Value, json};
use stage::{ADA, Caller, FARMER, Stage, User};
use store::events;

use crate::{RENT, slice};

const LEASE: &str = "/api/agent/jobs/lease";
const REPORT: &str = "/api/agent/machines";
const KEY: &str = "ssh-ed25519 \
                   AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

/// A market in which Ada's machine is ready, and the farm's agent.
struct Server<'a> {
    stage: &'a Stage,
    agent: Caller<'a>,
    rental: String,
}

impl<'a> Server<'a> {
    fn new(stage: &'a Stage) -> Server<'a> {
        let agent = stage.as_agent();
        let nothing = agent.post(machines::ROUTES, LEASE, json!({ "agent": "rack-7" }));
        assert_eq!(nothing.status(), 204);
        let key = json!({ "public_key": KEY });
        stage.as_user(ADA).post(machines::ROUTES, "/api/account/ssh-keys", key).ok(201);
        let answer = stage.as_user(ADA).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
        let rental = answer["rental"]["id"].as_str().unwrap().to_owned();
        let job = agent.post(machines::ROUTES, LEASE, json!({ "agent": "rack-7" })).ok(200);
        let access = json!({
            "address": "203.0.113.7", "port": 22007, "user": "root", "host_keys": [KEY],
        });
        let path = format!("/api/agent/jobs/{}/complete", job["job"]["id"].as_str().unwrap());
        let done = json!({ "fence": job["job"]["fence"], "access": access });
        agent.post(machines::ROUTES, &path, done).ok(200);
        Server { stage, agent, rental }
    }

    /// The agent reports the machine, as a part of its JSON; answers what it should have.
    #[track_caller]
    fn report(&self, how: &Value) -> Value {
        let mut machine = json!({ "rental_id": self.rental, "slice_id": "node32_slice_1" });
        for (name, value) in how.as_object().unwrap() {
            machine[name] = value.clone();
        }
        let body = json!({ "agent": "rack-7", "machines": [machine] });
        self.agent.post(machines::ROUTES, REPORT, body).ok(200)
    }

    /// The same, half a minute after the last one.
    fn report_next(&self, how: &Value) {
        self.stage.pass_seconds(30);
        self.report(how);
    }

    /// What the API says of the machine.
    fn machine(&self) -> Value {
        let path = format!("/api/rentals/{}", self.rental);
        let rental = self.stage.as_user(ADA).get(renting::ROUTES, &path).ok(200);
        let access = self.stage.as_user(ADA).get(renting::ROUTES, &format!("{path}/access"));
        assert_eq!(access.ok(200)["machines"][0]["machine"], rental["machine"]);
        rental["machine"].clone()
    }

    #[track_caller]
    fn is(&self, status: &str) {
        assert_eq!(self.machine()["status"], status);
    }

    /// What the pages say of it: the list, and the rental's own.
    fn pages(&self) -> [String; 2] {
        let page = |path: &str| self.stage.as_user(ADA).get(renting::ROUTES, path).page(200);
        [page("/dashboard/slices"), page(&format!("/dashboard/slices/{}", self.rental))]
    }

    /// The events about the machine's state that somebody has, with what each is about.
    fn events(&self, who: User) -> Vec<(EventKind, String)> {
        let all = events::since(&self.stage.db, who.account(), 0, 100).unwrap();
        let of_machine = [EventKind::MachineDown, EventKind::MachineUp];
        let state = |event: events::Event| (event.kind, event.subject.unwrap_or_default());
        all.into_iter().filter(|event| of_machine.contains(&event.kind)).map(state).collect()
    }
}

fn answers() -> Value {
    json!({ "state": "running", "ssh": true })
}

fn silent() -> Value {
    json!({ "state": "running", "ssh": false })
}

#[test]
fn a_machine_that_was_set_up_is_shown_as_running() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.is("running");
    for page in server.pages() {
        assert!(page.contains("running") && !page.contains("not set up"), "{page}");
    }
    let expected = server.report(&answers());
    let machine = json!({
        "rental_id": server.rental, "slice_id": "node32_slice_1", "should_run": true,
    });
    assert_eq!(expected, json!({ "machines": [machine], "report_seconds": 30 }));
}

#[test]
fn a_machine_without_an_ssh_server_is_unreachable_within_two_minutes_and_both_sides_hear_of_it() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report_next(&answers());
    let began = stage.now().plus_seconds(30).to_string();
    server.report_next(&silent());
    // One report is no proof.
    server.is("running");
    assert_eq!(server.events(ADA), []);
    server.report_next(&silent());
    server.report_next(&silent());
    assert_eq!(server.machine(), json!({ "status": "unreachable", "since": began }));
    for page in server.pages() {
        assert!(page.contains("unreachable"), "{page}");
    }
    server.report_next(&silent());
    let down = (EventKind::MachineDown, "unreachable".to_owned());
    assert_eq!(server.events(ADA), [down.clone()]);
    assert_eq!(server.events(FARMER), [down.clone()]);
    server.report_next(&answers());
    server.is("running");
    let up = (EventKind::MachineUp, "running".to_owned());
    assert_eq!(server.events(ADA), [down, up]);
    stage.check_invariants();
}

#[test]
fn a_machine_that_was_shut_down_inside_is_off_and_one_that_is_missing_is_lost() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report_next(&json!({ "state": "off" }));
    server.is("off");
    assert!(server.pages()[1].contains("Your machine has been off since"));
    server.report_next(&silent());
    server.is("starting");
    server.report_next(&json!({ "state": "absent" }));
    server.is("lost");
    let states: Vec<_> = server.events(ADA).into_iter().map(|(_, state)| state).collect();
    assert_eq!(states, ["off", "lost"]);
}

#[test]
fn without_reports_the_state_is_unknown_and_nobody_is_notified() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report(&answers());
    let last = stage.now().to_string();
    stage.pass_seconds(180);
    server.is("running");
    stage.pass_seconds(1);
    assert_eq!(server.machine(), json!({ "status": "unknown", "since": last }));
    assert_eq!(server.events(ADA), []);
    let [list, page] = server.pages();
    assert!(list.contains("unknown"), "{list}");
    assert!(page.contains("The farm's agent has not reported since"), "{page}");
}

#[test]
fn a_farmer_sees_how_the_machines_on_a_node_are() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report_next(&json!({ "state": "off" }));
    let (_, slices) =
        store::nodes::find(&stage.db, FARMER.account(), domain::id::NodeId(32)).unwrap().unwrap();
    let off = slices.iter().filter_map(|slice| slice.machine).map(|it| it.status(stage.now()).0);
    assert_eq!(off.collect::<Vec<_>>(), [domain::machine::MachineStatus::Off]);
}

#[test]
fn an_agent_reports_its_own_machines_only() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let machine = json!({
        "rental_id": server.rental, "slice_id": "node32_slice_1", "state": "absent",
    });
    let report = |agent: &str, machine: &Value| {
        let body = json!({ "agent": agent, "machines": [machine] });
        server.agent.post(machines::ROUTES, REPORT, body).ok(200)
    };
    // Another agent of the farm has other machines.
    assert_eq!(report("rack-8", &machine)["machines"], json!([]));
    server.is("running");
    // So has a slice of the same rental that it is not on.
    let mut other = machine.clone();
    other["slice_id"] = "node32_slice_2".into();
    report("rack-7", &other);
    server.is("running");
    report("rack-7", &machine);
    server.is("lost");
    stage.as_user(FARMER).post(machines::ROUTES, REPORT, json!({})).problem(403, "missing-scope");
}

#[test]
fn a_machine_is_not_watched_any_more_once_its_rental_has_ended() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let end = format!("/api/rentals/{}/cancel", server.rental);
    stage.as_user(ADA).post(renting::ROUTES, &end, json!({})).ok(200);
    assert_eq!(server.report(&json!({ "state": "absent" }))["machines"], json!([]));
    assert_eq!(server.machine(), Value::Null);
    assert_eq!(server.events(ADA), []);
    stage.check_invariants();
}

#[test]
fn every_wrong_field_of_a_report_is_named() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let check = |change: Value, field: &str| {
        let mut machine = json!({
            "rental_id": server.rental, "slice_id": "node32_slice_1", "state": "off",
        });
        for (name, value) in change.as_object().unwrap() {
            machine[name] = value.clone();
        }
        let body = json!({ "agent": "rack-7", "machines": [machine] });
        let answer = server.agent.post(machines::ROUTES, REPORT, body);
        assert_eq!(answer.wrong_fields(), [field], "{machine}");
    };
    check(json!({ "rental_id": "x" }), "rental_id");
    check(json!({ "slice_id": "node32" }), "slice_id");
    check(json!({ "state": "paused" }), "state");
    check(json!({ "state": "running" }), "ssh");
    check(json!({ "ssh": true }), "ssh");
    let machine =
        json!({ "rental_id": server.rental, "slice_id": "node32_slice_1", "state": "off" });
    let many = json!({ "agent": "", "machines": vec![machine; 401] });
    let answer = server.agent.post(machines::ROUTES, REPORT, many);
    assert_eq!(answer.wrong_fields(), ["agent", "machines"]);
}
