//! Further ports of machines, and machines whose address changes.

use domain::event::EventKind;
use domain::recurring::EXPIRE_MACHINE_ACTIONS;
use http::Method;
use serde_json::{Value, json};
use stage::{ADA, BEN, Stage, User};
use store::{Db as _, events};

use crate::servers::{KEY, Server, answers};
use crate::{RENT, slice};

fn tcp(port: u16) -> Value {
    json!({ "protocol": "tcp", "port": port })
}

fn open(port: u16, public_port: u16) -> Value {
    json!({ "protocol": "tcp", "port": port, "public_port": public_port })
}

/// A running machine that is reached so, and can have its ports changed.
fn at(address: &str, port: u16, ports: &[Value]) -> Value {
    let mut report = answers();
    report["can"] = json!(["power", "set-keys", "set-ports"]);
    report["endpoint"] = json!({ "address": address, "port": port, "ports": ports });
    report
}

impl Server<'_> {
    fn set_ports(&self, who: User, ports: &[Value]) -> stage::Answer {
        let path = format!("/api/rentals/{}/ports", self.rental);
        self.stage.as_user(who).call(
            machines::ROUTES,
            Method::PUT,
            &path,
            json!({ "ports": ports }),
        )
    }

    /// How Ada reaches the machine.
    fn access(&self) -> Value {
        let path = format!("/api/rentals/{}/access", self.rental);
        let access = self.stage.as_user(ADA).get(renting::ROUTES, &path).ok(200);
        access["machines"][0]["access"].clone()
    }

    fn html(&self) -> String {
        let path = format!("/dashboard/slices/{}", self.rental);
        self.stage.as_user(ADA).get(renting::ROUTES, &path).html(200)
    }

    /// The times that Ada was told of another address.
    fn moves(&self) -> usize {
        let all = events::since(&self.stage.db, ADA.account(), 0, 100).unwrap();
        all.iter().filter(|event| event.kind == EventKind::AccessChanged).count()
    }
}

/// The job that the agent gets for a machine that is rented so.
fn rented(body: &Value) -> Value {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let mut rent = slice(32, 1);
    for (name, value) in body.as_object().unwrap() {
        rent[name] = value.clone();
    }
    stage.as_user(ADA).post(renting::ROUTES, RENT, rent).ok(201);
    let job = server.lease();
    stage.check_invariants();
    job["ports"].clone()
}

#[test]
fn a_slice_is_rented_with_the_ports_of_its_template_and_ones_own() {
    assert_eq!(rented(&json!({})), json!([]));
    assert_eq!(rented(&json!({ "template": "web" })), json!([tcp(80)]));
    let udp = json!({ "protocol": "udp", "port": 51820 });
    let ports = json!([udp, tcp(443)]);
    let all = json!([tcp(80), tcp(443), udp]);
    assert_eq!(rented(&json!({ "template": "web", "ports": ports })), all);
}

#[test]
fn wrong_ports_are_refused_at_their_field() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report(&at("203.0.113.7", 22007, &[]));
    let many: Vec<Value> = (1..=11).map(tcp).collect();
    for ports in [vec![tcp(0)], vec![tcp(22)], vec![json!({"protocol": "sctp", "port": 1})], many] {
        assert_eq!(server.set_ports(ADA, &ports).wrong_fields(), ["ports"], "{ports:?}");
        let mut rent = slice(32, 1);
        rent["ports"] = ports.into();
        let answer = stage.as_user(ADA).post(renting::ROUTES, RENT, rent);
        assert_eq!(answer.wrong_fields(), ["ports"]);
    }
}

#[test]
fn ports_are_opened_while_the_machine_runs_and_shown_with_their_public_ones() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    // Its agent has not said yet that it can do so.
    server.set_ports(ADA, &[tcp(80)]).problem(409, "machine-action-unsupported");
    assert!(!server.pages()[1].contains("Save ports"));
    server.report_next(&at("203.0.113.7", 22007, &[]));
    server.set_ports(BEN, &[tcp(80)]).problem(404, "not-found");
    let answer = server.set_ports(ADA, &[tcp(443), tcp(80)]).ok(200);
    assert_eq!(answer, json!({ "ports": [tcp(80), tcp(443)] }));
    // The same again is the same, anything else waits.
    server.set_ports(ADA, &[tcp(80), tcp(443)]).ok(200);
    server.set_ports(ADA, &[tcp(80)]).problem(409, "machine-action-open");
    let closed = json!({ "protocol": "tcp", "port": 80, "public_port": null });
    assert_eq!(server.access()["ports"][0], closed);

    let job = server.lease();
    assert_eq!((&job["kind"], &job["ports"]), (&json!("set-ports"), &json!([tcp(80), tcp(443)])));
    server.tell(&job, "complete", json!({})).ok(200);
    server.report_next(&at("203.0.113.7", 22007, &[open(80, 24001), open(443, 24002)]));
    assert_eq!(server.access()["ports"], json!([open(80, 24001), open(443, 24002)]));
    let page = server.html();
    assert!(page.contains("href=\"http://203.0.113.7:24001\""), "{page}");
    assert!(page.contains("href=\"https://203.0.113.7:24002\""), "{page}");
    // Who asked for it is not told of it as of a change.
    assert_eq!(server.moves(), 0);

    let form = format!("/dashboard/slices/{}/ports", server.rental);
    let wrong = stage.as_user(ADA).form(renting::ROUTES, &form, &[("ports", "80, ssh")]).html(400);
    assert!(wrong.contains("value=\"80, ssh\""), "{wrong}");
    assert!(wrong.contains("Numbers from 1 to 65535, separated by commas"), "{wrong}");
    let fields = [("ports", "443 53/udp")];
    stage.as_user(ADA).form(renting::ROUTES, &form, &fields).see_other();
    let udp = json!({ "protocol": "udp", "port": 53 });
    assert_eq!(server.lease()["ports"], json!([tcp(443), udp]));
    assert!(server.html().contains("value=\"443, 53/udp\""));
    stage.check_invariants();
}

#[test]
fn ports_end_with_the_rental_and_stay_with_a_transfer() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report_next(&at("203.0.113.7", 22007, &[]));
    server.set_ports(ADA, &[tcp(80)]).ok(200);
    let job = server.lease();
    server.tell(&job, "complete", json!({})).ok(200);
    server.report_next(&at("203.0.113.7", 22007, &[open(80, 24001)]));
    let count = || {
        let rows = stage.db.run("SELECT count(*) FROM rental_ports", &[]).unwrap();
        rows[0].0[0].clone()
    };
    assert_eq!(count(), store::Value::Integer(1));
    let transfer = format!("/api/rentals/{}/transfer", server.rental);
    let to = json!({ "email": BEN.email });
    stage.as_user(ADA).post(renting::ROUTES, &transfer, to).ok(201);
    let key = json!({ "public_key": KEY });
    stage.as_user(BEN).post(machines::ROUTES, "/api/account/ssh-keys", key).ok(201);
    let accept = format!("/api/transfers/{}/accept", server.rental);
    stage.as_user(BEN).post(renting::ROUTES, &accept, json!({})).ok(200);
    assert_eq!(count(), store::Value::Integer(1));
    let access = format!("/api/rentals/{}/access", server.rental);
    let access = stage.as_user(BEN).get(renting::ROUTES, &access).ok(200);
    assert_eq!(access["machines"][0]["access"]["ports"], json!([open(80, 24001)]));
    let end = format!("/api/rentals/{}/cancel", server.rental);
    stage.as_user(BEN).post(renting::ROUTES, &end, json!({})).ok(200);
    assert_eq!(count(), store::Value::Integer(0));
    stage.check_invariants();
}

#[test]
fn a_change_that_failed_can_be_asked_for_again() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report(&at("203.0.113.7", 22007, &[]));
    server.set_ports(ADA, &[tcp(80)]).ok(200);
    stage.pass_seconds(600);
    stage.run(machines::JOBS, &EXPIRE_MACHINE_ACTIONS).unwrap();
    assert_eq!(server.latest(), ("set-ports".into(), "failed".into()));
    assert!(server.pages()[1].contains("failed: the farm"), "{}", server.pages()[1]);
    server.set_ports(ADA, &[tcp(80)]).ok(200);
    assert_eq!(server.latest(), ("set-ports".into(), "waiting".into()));
}

#[test]
fn a_renter_hears_of_a_new_address_with_the_next_report() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    server.report_next(&at("203.0.113.7", 22007, &[]));
    assert_eq!((server.access()["port"].clone(), server.moves()), (json!(22007), 0));
    server.report_next(&at("198.51.100.9", 22008, &[]));
    let access = server.access();
    assert_eq!(access["command"], "ssh -p 22008 root@198.51.100.9");
    assert!(access["known_hosts"].as_str().unwrap().contains("[198.51.100.9]:22008"));
    assert_eq!(server.moves(), 1);
    let page = server.pages()[1].clone();
    assert!(page.contains("ssh -p 22008 root@198.51.100.9"), "{page}");
    assert!(page.contains("Machine has a new address"), "{page}");
    // Once is enough.
    server.report_next(&at("198.51.100.9", 22008, &[]));
    assert_eq!(server.moves(), 1);
    // One that is off, or whose agent does not say where it is, stays where it was.
    server.report_next(&json!({ "state": "off" }));
    server.report_next(&answers());
    assert_eq!(server.access()["command"], "ssh -p 22008 root@198.51.100.9");
    stage.check_invariants();
}

#[test]
fn an_address_that_is_none_is_refused() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let check = |address: &str, port: u32, ports: Value, field: &str| {
        let endpoint = json!({ "address": address, "port": port, "ports": ports });
        let machine = json!({
            "rental_id": server.rental, "slice_id": "node32_slice_1", "state": "running",
            "ssh": true, "endpoint": endpoint,
        });
        let body = json!({ "agent": "rack-7", "machines": [machine] });
        let answer = stage.as_agent().post(machines::ROUTES, "/api/agent/machines", body);
        assert_eq!(answer.wrong_fields(), [field], "{endpoint}");
    };
    check("-oProxyCommand=id", 22, json!([]), "endpoint.address");
    check("203.0.113.7", 0, json!([]), "endpoint.port");
    check("203.0.113.7", 22, json!([open(80, 0)]), "endpoint.ports");
    assert_eq!(server.moves(), 0);
}
