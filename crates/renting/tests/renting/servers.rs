//! A slice as a server: how its machine is after it was set up, as its agent reports it.

use domain::event::EventKind;
use domain::recurring::{EARN, EXPIRE_MACHINE_ACTIONS, NOTIFY_OF_OUTAGES};
use serde_json::{Value, json};
use stage::{ADA, BEN, Caller, FARMER, Stage, User};
use store::{events, sla_results};

use crate::{RENT, slice};

const LEASE: &str = "/api/agent/jobs/lease";
const REPORT: &str = "/api/agent/machines";
pub(crate) const KEY: &str = "ssh-ed25519 \
                   AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

/// A market in which Ada's machine is ready, and the farm's agent.
pub(crate) struct Server<'a> {
    pub(crate) stage: &'a Stage,
    pub(crate) agent: Caller<'a>,
    pub(crate) rental: String,
}

impl<'a> Server<'a> {
    pub(crate) fn new(stage: &'a Stage) -> Server<'a> {
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
    pub(crate) fn report(&self, how: &Value) -> Value {
        let mut machine = json!({ "rental_id": self.rental, "slice_id": "node32_slice_1" });
        for (name, value) in how.as_object().unwrap() {
            machine[name] = value.clone();
        }
        let body = json!({ "agent": "rack-7", "machines": [machine] });
        self.agent.post(machines::ROUTES, REPORT, body).ok(200)
    }

    /// The same, half a minute after the last one.
    pub(crate) fn report_next(&self, how: &Value) {
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

    /// What the API says can be done with it.
    pub(crate) fn can(&self) -> Value {
        let path = format!("/api/rentals/{}/access", self.rental);
        let access = self.stage.as_user(ADA).get(renting::ROUTES, &path).ok(200);
        access["machines"][0]["can"].clone()
    }

    /// What the pages say of it: the list, and the rental's own.
    pub(crate) fn pages(&self) -> [String; 2] {
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

pub(crate) fn answers() -> Value {
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
    let down = || (EventKind::MachineDown, "unreachable".to_owned());
    assert_eq!(server.events(ADA), [down()]);
    assert_eq!(server.events(FARMER), [down()]);
    server.report_next(&answers());
    server.is("running");
    let up = (EventKind::MachineUp, "running".to_owned());
    assert_eq!(server.events(ADA), [down(), up]);
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
fn a_machine_that_a_full_disk_has_paused_is_shown_so_and_both_sides_hear_of_it() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report_next(&answers());
    server.report_next(&json!({ "state": "paused" }));
    server.is("paused");
    let [list, page] = server.pages();
    assert!(list.contains("paused"), "{list}");
    assert!(page.contains("because its server's disk is full"), "{page}");
    let down = || (EventKind::MachineDown, "paused".to_owned());
    assert_eq!(server.events(ADA), [down()]);
    assert_eq!(server.events(FARMER), [down()]);
    // There is room again.
    server.report_next(&silent());
    server.is("starting");
    server.report_next(&answers());
    server.is("running");
    let up = (EventKind::MachineUp, "running".to_owned());
    assert_eq!(server.events(FARMER), [down(), up]);
    stage.check_invariants();
}

#[test]
fn without_reports_the_state_is_unknown_and_nobody_is_notified() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report(&answers());
    let reported_at = stage.now().to_string();
    stage.pass_seconds(180);
    server.is("running");
    stage.pass_seconds(1);
    assert_eq!(server.machine(), json!({ "status": "unknown", "since": reported_at }));
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
    let body = json!({ "agent": "rack-7", "machines": [] });
    let farmer = stage.as_user(FARMER);
    farmer.post(machines::ROUTES, REPORT, body).problem(403, "missing-scope");
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
    check(json!({ "state": "asleep" }), "state");
    check(json!({ "state": "running" }), "ssh");
    check(json!({ "ssh": true }), "ssh");
    check(json!({ "usage": { "memory_bytes": -1 } }), "usage");
    check(json!({ "usage": { "network_in_bytes": -1 } }), "usage");
    check(json!({ "usage": { "file_system_bytes": -1 } }), "usage");
    check(json!({ "can": ["fly"] }), "can");
    let machine =
        json!({ "rental_id": server.rental, "slice_id": "node32_slice_1", "state": "off" });
    let disk = json!({ "bytes": 1, "free_bytes": 1, "growth_bytes": -1 });
    let many = json!({ "agent": "", "machines": vec![machine; 401], "disk": disk });
    let answer = server.agent.post(machines::ROUTES, REPORT, many);
    assert_eq!(answer.wrong_fields(), ["agent", "disk", "machines"]);
}

impl Server<'_> {
    fn actions(&self) -> String {
        format!("/api/rentals/{}/actions", self.rental)
    }

    /// Ada asks for an action.
    pub(crate) fn ask(&self, action: &str) -> stage::Answer {
        self.stage.as_user(ADA).post(machines::ROUTES, &self.actions(), json!({ "action": action }))
    }

    /// What the API says of the latest action: kind and state.
    pub(crate) fn latest(&self) -> (String, String) {
        let answer = self.stage.as_user(ADA).get(machines::ROUTES, &self.actions()).ok(200);
        let text = |name: &str| answer["actions"][0][name].as_str().unwrap().to_owned();
        (text("action"), text("state"))
    }

    /// The agent leases what is due.
    pub(crate) fn lease(&self) -> Value {
        self.agent.post(machines::ROUTES, LEASE, json!({ "agent": "rack-7" })).ok(200)["job"]
            .clone()
    }

    pub(crate) fn has_nothing_to_do(&self, agent: &str) {
        let answer = self.agent.post(machines::ROUTES, LEASE, json!({ "agent": agent }));
        assert_eq!(answer.status(), 204, "{answer}");
    }

    /// The agent reports on what it leased.
    pub(crate) fn tell(&self, job: &Value, what: &str, body: Value) -> stage::Answer {
        let path = format!("/api/agent/jobs/{}/{what}", job["id"].as_str().unwrap());
        let mut body = body;
        body["fence"] = job["fence"].clone();
        self.agent.post(machines::ROUTES, &path, body)
    }
}

#[test]
fn a_renter_shuts_a_machine_down_and_starts_it_again() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let asked = server.ask("shutdown").ok(201);
    assert_eq!(
        (&asked["state"], &asked["slice_id"]),
        (&json!("waiting"), &json!("node32_slice_1"))
    );
    server.ask("restart").problem(409, "machine-action-open");
    server.has_nothing_to_do("rack-8");
    let job = server.lease();
    assert_eq!((&job["kind"], &job["id"]), (&json!("shutdown"), &asked["id"]));
    assert_eq!((&job["rental_id"], &job["ssh_keys"]), (&json!(server.rental), &json!([])));
    server.has_nothing_to_do("rack-7");
    assert!(server.pages()[1].contains("Shutting down, requested on 29 July 2026, 12:00 UTC."));
    server.tell(&job, "progress", json!({ "step": "accepted" })).ok(200);
    server.tell(&job, "complete", json!({})).ok(200);
    server.tell(&job, "complete", json!({})).ok(200);
    assert_eq!(server.latest(), ("shutdown".into(), "done".into()));
    // That it is off is no news to whoever has shut it down.
    stage.pass_seconds(30);
    let expected = server.report(&json!({ "state": "off" }));
    assert_eq!(expected["machines"][0]["should_run"], false);
    assert_eq!(server.events(ADA), []);
    server.is("off");
    let page = server.pages()[1].clone();
    assert!(page.contains("Shut down on 29 July 2026, 12:00 UTC. Start"), "{page}");
    assert!(!page.contains("Restart"), "{page}");

    server.ask("start").ok(201);
    let job = server.lease();
    server.tell(&job, "complete", json!({})).ok(200);
    stage.pass_seconds(30);
    assert_eq!(server.report(&answers())["machines"][0]["should_run"], true);
    server.is("running");
    // Nor is it that it runs again.
    assert_eq!(server.events(ADA), []);
    assert!(server.pages()[1].contains("Machine started"));
    stage.check_invariants();
}

#[test]
fn a_retry_and_a_form_that_is_sent_twice_act_once() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let ada = stage.as_user(ADA).key("k1");
    let ask = || ada.post(machines::ROUTES, &server.actions(), json!({ "action": "reset" }));
    assert_eq!(ask().bytes(), ask().bytes());
    let job = server.lease();
    server.tell(&job, "complete", json!({})).ok(200);
    assert_eq!(ask().status(), 201);
    server.has_nothing_to_do("rack-7");
    let form = format!("/dashboard/slices/{}/actions", server.rental);
    let fields = [("action", "restart"), ("slice", "1"), ("idempotency_key", "f1")];
    let send = || stage.as_user(ADA).form(renting::ROUTES, &form, &fields).see_other();
    assert_eq!(send(), send());
    assert_eq!(server.latest(), ("restart".into(), "waiting".into()));
}

/// A retry means the same machine, whether it names the slice or not; and whatever has become of
/// the rental meanwhile.
#[test]
fn a_retry_may_name_the_slice_or_leave_it_out() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let mut how = answers();
    how["can"] = json!(["power", "rebuild", "user-data", "set-keys"]);
    server.report(&how);
    let post = |key: &str, what: &str, body: Value| {
        let url = format!("/api/rentals/{}/{what}", server.rental);
        stage.as_user(ADA).key(key).post(machines::ROUTES, &url, body)
    };
    let retries = |first: (&str, &str), what: &str, without: &Value, others: &[Value]| {
        let mut with = without.clone();
        with["slice"] = json!(1);
        let pairs = [(first.0, without, &with), (first.1, &with, without)];
        for (key, asked, retried) in pairs {
            let answer = post(key, what, asked.clone());
            answer.ok(201);
            let job = server.lease();
            server.tell(&job, "fail", json!({ "reason": "no", "retry": false })).ok(200);
            for again in [asked, retried] {
                assert_eq!(post(key, what, again.clone()).bytes(), answer.bytes(), "{again}");
            }
            for other in others {
                post(key, what, other.clone()).problem(422, "idempotency-key-reused");
            }
        }
    };
    let others = [json!({ "action": "restart" }), json!({ "action": "reset", "slice": 2 })];
    retries(("k1", "k2"), "actions", &json!({ "action": "reset" }), &others);
    let others = [json!({ "template": "web" }), json!({ "slice": 2 })];
    retries(("k3", "k4"), "rebuild", &json!({}), &others);
    // Which keys get in does not depend on how often and in which order they are named.
    let keys = stage.as_user(ADA).get(machines::ROUTES, "/api/account/ssh-keys").ok(200);
    let id = keys["items"][0]["id"].clone();
    let set = |ids: Value| {
        let url = format!("/api/rentals/{}/keys", server.rental);
        let body = json!({ "ssh_key_ids": ids });
        stage.as_user(ADA).key("k5").call(machines::ROUTES, http::Method::PUT, &url, body)
    };
    assert_eq!(set(json!([id])).bytes(), set(json!([id, id])).bytes());
    // The rental has ended.
    let url = format!("/api/rentals/{}/cancel", server.rental);
    stage.as_user(ADA).post(renting::ROUTES, &url, json!({})).ok(200);
    for body in [json!({ "action": "reset" }), json!({ "action": "reset", "slice": 1 })] {
        assert_eq!(post("k1", "actions", body).status(), 201);
    }
}

/// What can't be set up is refunded, and there is nothing to extend on its page.
#[test]
fn what_cannot_be_set_up_is_not_offered_to_be_extended() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let rental = begin(&stage, None);
    let list = || stage.as_user(ADA).get(renting::ROUTES, "/dashboard/slices").html(200);
    let page = |rental: &str| {
        let url = format!("/dashboard/slices/{rental}");
        stage.as_user(ADA).get(renting::ROUTES, &url).html(200)
    };
    let links = |rental: &str| {
        let is_linked = list().contains(&format!("/dashboard/slices/{rental}/billing#extend"));
        assert_eq!(
            is_linked,
            page(&format!("{rental}/billing")).contains("id=\"extend\""),
            "{rental}"
        );
        is_linked
    };
    assert!(links(&rental) && links(&server.rental));
    let job = server.lease();
    server.tell(&job, "fail", json!({ "reason": "no disk", "retry": false })).ok(200);
    assert_eq!((links(&rental), links(&server.rental)), (false, true));
}

/// Ids have a random part: it says nothing of the order.
#[test]
fn actions_of_one_instant_are_listed_by_what_was_begun_last() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let mut asked: Vec<String> = Vec::new();
    for nth in 0..12 {
        let action = ["reset", "restart"][nth % 2];
        asked.insert(0, server.ask(action).ok(201)["id"].as_str().unwrap().to_owned());
        let job = server.lease();
        server.tell(&job, "complete", json!({})).ok(200);
    }
    let found = stage.as_user(ADA).get(machines::ROUTES, &server.actions()).ok(200);
    let ids = found["actions"].as_array().unwrap().iter();
    let ids: Vec<&str> = ids.map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, asked);
}

#[test]
fn why_nothing_was_done_with_a_machine_is_said_beside_it() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let url = format!("/dashboard/slices/{}", server.rental);
    let fields = |action, key| [("action", action), ("slice", "1"), ("idempotency_key", key)];
    let press = |action, key| {
        let form = format!("{url}/actions");
        stage.as_user(ADA).form(renting::ROUTES, &form, &fields(action, key))
    };
    press("restart", "k1").see_other();
    let refused = [
        (press("reset", "k2"), 409, "Another action of this machine is still in progress."),
        (press("explode", "k3"), 400, "start, shutdown, restart or reset"),
    ];
    for (answer, status, why) in refused {
        let page = answer.html(status);
        let (_, machine) = page.split_once("class=\"machine\"").unwrap();
        let (_, alert) = machine.split_once("role=\"alert\"").unwrap();
        assert!(alert.split_once("</p>").unwrap().0.contains(why), "{alert}");
    }
    let form = format!("{url}/console-password");
    let answer = stage.as_user(ADA).form(renting::ROUTES, &form, &[("slice", "1")]);
    let page = answer.page(409);
    assert!(page.contains("A console password can't be set on this machine now"), "{page}");
    // What is not about a machine that is shown is said above them.
    let answer = stage.as_user(ADA).form(renting::ROUTES, &form, &[("slice", "7")]);
    assert!(answer.html(400).contains("role=\"alert\""), "{answer}");
}

#[test]
fn an_action_that_fails_says_why_and_one_that_nobody_does_ends() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.ask("start").ok(201);
    let job = server.lease();
    let failed = json!({ "reason": "no disk space left", "retry": false });
    server.tell(&job, "fail", failed).ok(200);
    assert!(server.pages()[1].contains("Start failed: no disk space left."));
    let failure = (EventKind::MachineActionFailed, "start".to_owned());
    let events = events::since(&stage.db, ADA.account(), 0, 100).unwrap();
    let last = events.into_iter().last().unwrap();
    assert_eq!((last.kind, last.subject.unwrap()), failure);

    server.ask("restart").ok(201);
    stage.pass_seconds(599);
    stage.run(machines::JOBS, &EXPIRE_MACHINE_ACTIONS).unwrap();
    assert_eq!(server.latest(), ("restart".into(), "waiting".into()));
    stage.pass_seconds(1);
    server.has_nothing_to_do("rack-7");
    stage.run(machines::JOBS, &EXPIRE_MACHINE_ACTIONS).unwrap();
    assert_eq!(server.latest(), ("restart".into(), "failed".into()));
    server.ask("restart").ok(201);
}

#[test]
fn an_agent_that_lost_its_lease_is_not_heard() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.ask("restart").ok(201);
    let first = server.lease();
    stage.pass_seconds(60);
    let second = server.lease();
    server.tell(&first, "complete", json!({})).problem(409, "lease-lost");
    server.tell(&second, "fail", json!({ "reason": "busy", "retry": true })).ok(200);
    server.has_nothing_to_do("rack-7");
    stage.pass_seconds(30);
    let third = server.lease();
    // Whoever ends the rental ends what is done with its machine.
    let end = format!("/api/rentals/{}/cancel", server.rental);
    stage.as_user(ADA).post(renting::ROUTES, &end, json!({})).ok(200);
    server.tell(&third, "complete", json!({})).problem(409, "lease-lost");
    assert_eq!(server.latest(), ("restart".into(), "canceled".into()));
    stage.check_invariants();
}

#[test]
fn a_machine_that_powers_itself_off_is_started_again_where_its_renter_wants_that() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let off = json!({ "state": "off" });
    server.report_next(&off);
    server.has_nothing_to_do("rack-7");
    let toggle = format!("/dashboard/slices/{}/auto-start", server.rental);
    let yes = [("auto_start", "true")];
    stage.as_user(ADA).form(renting::ROUTES, &toggle, &yes).see_other();
    server.report_next(&off);
    let job = server.lease();
    assert_eq!(job["kind"], "start");
    server.tell(&job, "complete", json!({})).ok(200);
    // A machine that goes off again and again is started every five minutes.
    server.report_next(&off);
    server.has_nothing_to_do("rack-7");
    stage.pass_seconds(270);
    server.report(&off);
    let again = server.lease();
    server.tell(&again, "complete", json!({})).ok(200);
    // What its renter has shut down stays off.
    server.ask("shutdown").ok(201);
    let job = server.lease();
    server.tell(&job, "complete", json!({})).ok(200);
    stage.pass_seconds(600);
    server.report(&off);
    server.has_nothing_to_do("rack-7");
}

#[test]
fn only_a_machine_that_is_set_up_and_ones_own_can_be_acted_on() {
    let stage = Stage::market();
    let answer = stage.as_user(BEN).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    let rental = answer["rental"]["id"].as_str().unwrap();
    let actions = format!("/api/rentals/{rental}/actions");
    let (ada, ben) = (stage.as_user(ADA), stage.as_user(BEN));
    let start = json!({ "action": "start" });
    ben.post(machines::ROUTES, &actions, start.clone()).problem(409, "machine-not-ready");
    let server = Server::new(&stage);
    stage.as_user(BEN).post(machines::ROUTES, &server.actions(), start).problem(404, "not-found");
    stage.as_user(BEN).get(machines::ROUTES, &server.actions()).problem(404, "not-found");
    assert_eq!(server.ask("explode").wrong_fields(), ["action"]);
    let other = json!({ "action": "start", "slice": 7 });
    assert_eq!(ada.post(machines::ROUTES, &server.actions(), other).wrong_fields(), ["slice"]);
}

const KEYS: &str = "/dashboard/settings/ssh-keys";

#[test]
fn a_key_that_is_removed_from_the_account_says_which_machines_still_have_it() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let ada = stage.as_user(ADA);
    let keys = ada.get(machines::ROUTES, "/api/account/ssh-keys").ok(200);
    assert_eq!(keys["items"][0]["machines"], json!(["node32_slice_1"]));
    let page = ada.get(machines::ROUTES, KEYS).page(200);
    assert!(page.contains("On node32_slice_1") && !page.contains("can still log in"), "{page}");
    let remove = format!("/api/account/ssh-keys/{}", keys["items"][0]["id"].as_str().unwrap());
    assert_eq!(ada.delete(machines::ROUTES, &remove).status(), 204);
    let page = ada.get(machines::ROUTES, KEYS).page(200);
    assert!(page.contains("can still log in to node32_slice_1"), "{page}");
    let other = stage.as_user(BEN).get(machines::ROUTES, KEYS).page(200);
    assert!(!other.contains("can still log in"), "{other}");
    let end = format!("/api/rentals/{}/cancel", server.rental);
    ada.post(renting::ROUTES, &end, json!({})).ok(200);
    let page = ada.get(machines::ROUTES, KEYS).page(200);
    assert!(!page.contains("can still log in"), "{page}");
}

#[test]
fn the_page_says_what_to_do_about_an_earlier_machine_at_the_same_address() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let page = server.pages()[1].clone();
    let alias = format!("HostKeyAlias {}_32_1", server.rental);
    assert!(page.contains(&alias), "{page}");
    assert!(page.contains("ssh-keygen -R '[203.0.113.7]:22007'"), "{page}");
    assert!(!page.contains("Mycelium network"), "{page}");
}

/// Rents a slice; an agent begins with its machine where one is asked. Answers the rental's id.
fn begin(stage: &Stage, agent: Option<&Caller<'_>>) -> String {
    let answer = stage.as_user(ADA).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    let rental = answer["rental"]["id"].as_str().unwrap().to_owned();
    if let Some(agent) = agent {
        let lease = || agent.post(machines::ROUTES, LEASE, json!({ "agent": "rack-7" })).ok(200);
        while lease()["job"]["rental_id"] != rental.as_str() {}
    }
    rental
}

#[test]
fn nobody_computes_for_free_by_ending_rentals_during_setup() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let path = |rental: &str, rest: &str| format!("/api/rentals/{rental}/{rest}");
    let end = |rental: &str| {
        let answer = stage.as_user(ADA).post(renting::ROUTES, &path(rental, "cancel"), json!({}));
        answer.ok(200)["refund"].clone()
    };
    for _ in 0..3 {
        let rental = begin(&stage, Some(&server.agent));
        stage.pass_seconds(200);
        assert_eq!(end(&rental), "25.00");
    }
    // No agent has begun with it; or it is late.
    assert_eq!(end(&begin(&stage, None)), "25.00");
    let late = begin(&stage, Some(&server.agent));
    stage.pass_seconds(301);
    assert_eq!(end(&late), "25.00");
    let rental = begin(&stage, Some(&server.agent));
    stage.pass_seconds(200);
    let plan = json!({ "dry_run": true });
    let plan = stage.as_user(ADA).post(renting::ROUTES, &path(&rental, "cancel"), plan).ok(200);
    let message = plan["message"].as_str().unwrap();
    assert!(message.contains("ended 3 rentals during setup within 24 hours"), "{message}");
    let page = format!("/dashboard/slices/{rental}/cancel");
    let page = stage.as_user(ADA).get(renting::ROUTES, &page).page(200);
    assert!(page.contains("You ended 3 rentals during setup"), "{page}");
    assert_eq!(end(&rental), "24.97");
    // A day later all is forgotten.
    stage.pass(1);
    let rental = begin(&stage, Some(&server.agent));
    assert_eq!(end(&rental), "25.00");
}

#[test]
fn a_farm_without_an_agent_says_so_before_payment() {
    let stage = Stage::market();
    let pages = || {
        let page = |path: &str| stage.as_user(ADA).get(renting::ROUTES, path).page(200);
        [page("/marketplace/compute"), page("/marketplace/compute/node32")]
    };
    let api = |path: &str| stage.as_visitor().get(renting::ROUTES, path).ok(200);
    let is_automatic = || {
        let node = api("/api/marketplace/nodes/node32")["automatic_setup"].clone();
        let listed = &api("/api/marketplace/nodes")["items"][0]["automatic_setup"];
        assert_eq!(listed, &node);
        node
    };
    let found = |path: &str| api(path)["items"].as_array().unwrap().len();
    let only = || {
        let page =
            stage.as_user(ADA).get(renting::ROUTES, "/marketplace/compute?automatic_setup=true");
        let shown = page.page(200).contains("Canal house");
        let nodes = found("/api/marketplace/nodes?automatic_setup=true&sort=uptime");
        (shown, nodes > 0, found("/api/marketplace/slices?automatic_setup=true") > 0)
    };
    let rents = || {
        let only = json!({ "automatic_setup": true });
        let wish = json!({ "where": only, "duration_months": 1, "dry_run": true });
        stage.as_user(ADA).post(renting::ROUTES, RENT, wish).status()
    };
    let [market, node] = pages();
    assert!(market.contains("manual setup"), "{market}");
    assert!(node.contains("This farm has no automatic setup"), "{node}");
    assert_eq!(is_automatic(), false);
    assert_eq!((only(), rents()), ((false, false, false), 409));
    stage.as_agent().post(machines::ROUTES, LEASE, json!({ "agent": "rack-7" }));
    let [market, node] = pages();
    assert!(!market.contains("manual setup"), "{market}");
    assert!(!node.contains("no automatic setup"), "{node}");
    assert_eq!(is_automatic(), true);
    assert_eq!((only(), rents()), ((true, true, true), 200));
    stage.pass(30);
    assert_eq!(is_automatic(), false);
    assert_eq!((only(), rents()), ((false, false, false), 409));
}

/// A month is judged by the worse of node and machine, and a day without a machine is not paid for.
#[test]
fn time_in_which_a_machine_is_gone_counts_and_is_not_paid_for() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let path = format!("/api/rentals/{}", server.rental);
    let rental = || stage.as_user(ADA).get(renting::ROUTES, &path).ok(200);
    stage.pass(1);
    server.report(&answers());
    // What its renter switches off, or breaks inside, is no outage.
    server.report_next(&json!({ "state": "off" }));
    assert_eq!(rental()["down_since"], Value::Null);
    for _ in 0..5 {
        server.report_next(&json!({ "state": "running", "ssh": false, "port_open": true }));
        assert_eq!(rental()["down_since"], Value::Null);
    }
    server.report_next(&answers());
    let gone_at = stage.now().plus_seconds(30).to_string();
    for _ in 0..30 {
        server.report_next(&json!({ "state": "absent" }));
        assert_eq!(rental()["down_since"], gone_at);
        stage.pass_seconds(3_570);
    }
    stage.run(renting::JOBS, &EARN).unwrap();
    stage.run(machines::JOBS, &NOTIFY_OF_OUTAGES).unwrap();
    let found = rental();
    assert_eq!(
        (&found["refunded"], &found["terms"][0]["earned"]),
        (&json!("1.00"), &json!("0.80"))
    );
    for who in [ADA, FARMER] {
        let all = events::since(&stage.db, who.account(), 0, 100).unwrap();
        assert_eq!(all.iter().filter(|it| it.kind == EventKind::RentalDown).count(), 1);
    }
    server.report_next(&answers());
    assert_eq!(rental()["down_since"], Value::Null);
    stage.pass(5);
    stage.run(renting::JOBS, &EARN).unwrap();
    assert_eq!(sla_results::evaluate(&stage.db, stage.now(), 100).unwrap(), []);
    let months = stage.as_user(ADA).get(renting::ROUTES, &format!("{path}/months")).ok(200);
    let july = &months["items"][0];
    assert_eq!((&july["month"], &july["observations"]), (&json!("2026-07"), &json!(0)));
    assert_eq!(july["machine_down_seconds"], 30 * 3_600);
    assert_eq!(july["credit_percent"], 50);
    stage.check_invariants();
}

#[test]
fn what_a_machine_cannot_do_is_not_offered_and_refused_with_the_reason() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    // An agent of an earlier version does not say what its machines can do.
    server.report(&answers());
    assert_eq!(server.can(), json!(["power"]));
    assert!(server.pages()[1].contains(" Shut down Restart Reset "));
    server.report(&json!({ "state": "running", "ssh": true, "can": ["set-keys", "console"] }));
    assert_eq!(server.can(), json!(["console", "set-keys"]));
    assert!(!server.pages()[1].contains(" Restart "));
    let refused = server.ask("restart").problem(409, "machine-action-unsupported");
    let why = "this farm's driver can't start, shut down, restart or reset its machines";
    assert_eq!(refused["detail"], why);
    // A report that does not say it leaves it as it is.
    server.report(&answers());
    assert_eq!(server.can(), json!(["console", "set-keys"]));
    // What is not just a name is asked for elsewhere.
    let set_keys = server.ask("set-keys");
    assert_eq!(set_keys.wrong_fields(), ["action"]);
}

#[test]
fn what_a_machine_uses_is_shown_as_it_was_reported_last() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let usage = || {
        let path = format!("/api/rentals/{}/access", server.rental);
        stage.as_user(ADA).get(renting::ROUTES, &path).ok(200)["machines"][0]["usage"].clone()
    };
    server.report_next(&answers());
    assert_eq!(usage(), Value::Null);
    let mut report = answers();
    report["usage"] = json!({
        "cpu_percent": 12, "disk_bytes": 5_500_000_000_i64, "network_in_bytes": 3_200_000_000_i64,
        "network_out_bytes": 7_000_000,
    });
    server.report_next(&report);
    let mut shown = report["usage"].clone();
    for unknown in ["memory_bytes", "file_system_bytes", "file_system_used_bytes"] {
        shown[unknown] = Value::Null;
    }
    assert_eq!(usage(), shown);
    let page = server.pages()[1].clone();
    let facts = "CPU used 12% Disk used 5.1 GB Received since its start 2.9 GB Sent since its \
                 start 6 MB";
    assert!(page.contains(facts), "{page}");
    assert!(!page.contains("Memory used"), "{page}");
    server.report_next(&json!({ "state": "off" }));
    assert_eq!(usage(), Value::Null);
    assert!(!server.pages()[1].contains("CPU used"));
    stage.check_invariants();
}

/// Events of a kind that somebody has, with what each is about.
fn events_of(stage: &Stage, who: User, kind: EventKind) -> Vec<String> {
    let all = events::since(&stage.db, who.account(), 0, 100).unwrap();
    let of_kind = all.into_iter().filter(|event| event.kind == kind);
    of_kind.map(|event| event.subject.unwrap_or_default()).collect()
}

#[test]
fn a_renter_hears_once_that_a_machines_disk_is_almost_full_and_the_page_says_so() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let told = || events_of(&stage, ADA, EventKind::MachineDiskFilling);
    let report = |percent: i64| {
        let mut report = answers();
        let bytes = 200_i64 << 30;
        report["usage"] = json!({
            "file_system_bytes": bytes, "file_system_used_bytes": bytes / 100 * percent,
        });
        server.report_next(&report);
        server.pages()[1].contains("% full. Delete what you don't need")
    };
    assert!(!report(89));
    assert_eq!(told(), [""; 0]);
    assert!(report(91));
    assert!(server.pages()[1].contains("Fullest file system 182.0 GB of 200.0 GB, 91%"));
    assert!(report(95));
    assert!(!report(85));
    // Nobody knows, such as after its guest agent was removed, or while it is off.
    server.report_next(&answers());
    server.report_next(&json!({ "state": "off" }));
    report(92);
    assert_eq!(told(), ["91%"]);
    report(79);
    report(90);
    assert_eq!(told(), ["91%", "90%"]);
    assert_eq!(events_of(&stage, FARMER, EventKind::MachineDiskFilling), [""; 0]);
    stage.check_invariants();
}

#[test]
fn a_farmer_hears_once_that_a_servers_disk_is_almost_full_and_sees_it() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let told = || events_of(&stage, FARMER, EventKind::ServerDiskLow);
    let report = |free: i64, growth: Option<i64>| {
        stage.pass_seconds(60);
        let gb = |number: i64| number << 30;
        let disk = json!({
            "bytes": gb(1000), "free_bytes": gb(free), "growth_bytes": growth.map(gb),
        });
        let body = json!({ "agent": "rack-7", "machines": [], "disk": disk });
        server.agent.post(machines::ROUTES, REPORT, body).ok(200);
    };
    let shown = || {
        let agents = store::jobs::agents(&stage.db, FARMER.account(), domain::id::NodeId(32));
        let agent = agents.unwrap().remove(0);
        (agent.disk_free_bytes.map(|bytes| bytes >> 30), agent.is_disk_low)
    };
    // An agent of an earlier version says nothing of it.
    server.report(&answers());
    assert_eq!(shown(), (None, false));
    report(500, Some(5000));
    report(99, Some(99));
    assert_eq!(shown(), (Some(99), false));
    assert_eq!(told(), [""; 0]);
    report(99, Some(100));
    report(60, Some(100));
    assert_eq!(shown(), (Some(60), true));
    server.report(&answers());
    report(120, None);
    report(80, None);
    assert_eq!(told(), ["rack-7: 99 GB"]);
    report(200, None);
    report(12, Some(0));
    assert_eq!(told(), ["rack-7: 99 GB", "rack-7: 12 GB"]);
    assert_eq!(events_of(&stage, ADA, EventKind::ServerDiskLow), [""; 0]);
    stage.check_invariants();
}
