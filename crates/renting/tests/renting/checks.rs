//! Templates are checked before their machine is handed over.

use serde_json::{Value, json};
use stage::{ADA, Stage};

use crate::servers::Server;
use crate::{RENT, slice};

const HOST_KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

/// Rents a slice with a template; answers the rental and the job that the agent gets.
fn rented(server: &Server<'_>, template: &str) -> (String, Value) {
    let mut rent = slice(32, 1);
    rent["template"] = template.into();
    let answer = server.stage.as_user(ADA).post(renting::ROUTES, RENT, rent).ok(201);
    (answer["rental"]["id"].as_str().unwrap().to_owned(), server.lease())
}

#[test]
fn the_agent_is_told_how_a_template_is_checked() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let (_, job) = rented(&server, "docker");
    assert_eq!(job["check"], "docker info");
    let stage = Stage::market();
    let server = Server::new(&stage);
    assert_eq!(rented(&server, "plain").1["check"], Value::Null);
}

#[test]
fn a_renter_sees_the_end_of_the_log_of_a_setup_that_does_not_work() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let (rental, job) = rented(&server, "docker");
    let machine = || {
        let path = format!("/api/rentals/{rental}/access");
        stage.as_user(ADA).get(renting::ROUTES, &path).ok(200)["machines"][0].clone()
    };
    let page = || {
        let path = format!("/dashboard/slices/{rental}");
        stage.as_user(ADA).get(renting::ROUTES, &path).page(200)
    };
    let log = format!("{}E: \u{1b}[31mno network\r\n", "x\n".repeat(2_000));
    let failed = json!({ "reason": "it doesn't work", "retry": true, "log": log });
    server.tell(&job, "fail", failed).ok(200);
    let shown = machine();
    assert_eq!((&shown["state"], &shown["attempts"]), (&json!("waiting"), &json!(1)));
    let kept = shown["log"].as_str().unwrap();
    assert!(kept.ends_with("x\nE: [31mno network") && kept.len() <= 3_000, "{kept}");
    assert!(page().contains("E: [31mno network"), "{}", page());

    // The next attempt fails for something else, and the one after that works.
    stage.pass_seconds(30);
    let job = server.lease();
    server.tell(&job, "fail", json!({ "reason": "no disk", "retry": true })).ok(200);
    assert_eq!(machine()["log"], Value::Null);
    stage.pass_seconds(60);
    let job = server.lease();
    let access = json!({
        "address": "203.0.113.7", "port": 22009, "user": "root", "host_keys": [HOST_KEY],
    });
    server.tell(&job, "complete", json!({ "access": access })).ok(200);
    assert_eq!(machine()["state"], "done");
    assert!(!page().contains("setup log"));
    stage.check_invariants();
}
