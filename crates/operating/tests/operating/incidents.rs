//! What operators publish of something that went wrong.

use expect_test::expect;
use serde_json::{Value, json};
use stage::{ADA, Answer, FARMER, HOSTILE, Stage};

use crate::{appoint, ask};

const API: &str = "/api/admin/incidents";
const PAGE: &str = "/operator/incidents";

fn body(ended_at: Option<&str>) -> Value {
    json!({
        "title": "Slow grid sync",
        "text": "New nodes appear late.\nWe are on it.",
        "started_at": "2026-07-29T10:00:00Z",
        "ended_at": ended_at,
    })
}

fn send(stage: &Stage, path: &str, fields: &[(&str, &str)]) -> Answer {
    stage.as_strong(FARMER).form(operating::ROUTES, path, fields)
}

fn actions(stage: &Stage) -> Vec<String> {
    let sql = "SELECT action FROM audit WHERE action LIKE 'incident%' ORDER BY id";
    let db: &dyn store::Db = &stage.db;
    db.all(sql, &[]).unwrap()
}

#[test]
fn an_incident_is_published_rewritten_and_removed() {
    let stage = Stage::without_nodes();
    let operator = stage.as_operator();
    let made = operator.post(operating::ROUTES, API, body(None)).ok(201);
    assert_eq!(made["ended_at"], Value::Null);
    let path = format!("{API}/{}", made["id"].as_str().unwrap());
    let over = body(Some("2026-07-29T11:00:00Z"));
    let changed = operator.call(operating::ROUTES, http::Method::PUT, &path, over).ok(200);
    assert_eq!(changed["ended_at"], "2026-07-29T11:00:00Z");
    let listed = operator.get(operating::ROUTES, API).ok(200);
    assert_eq!(listed["items"], json!([changed]));
    assert_eq!(operator.delete(operating::ROUTES, &path).status(), 204);
    operator.delete(operating::ROUTES, &path).problem(404, "not-found");
    let gone = operator.call(operating::ROUTES, http::Method::PUT, &path, body(None));
    gone.problem(404, "not-found");
    let wrong = json!({ "title": "", "text": " ", "started_at": "now", "ended_at": "then" });
    let wrong = operator.post(operating::ROUTES, API, wrong).wrong_fields();
    assert_eq!(wrong, ["title", "text", "started_at", "ended_at"]);
    let early = operator.post(operating::ROUTES, API, body(Some("2026-07-29T09:59:59Z")));
    assert_eq!(early.wrong_fields(), ["ended_at"]);
    let published = "incident-published";
    assert_eq!(actions(&stage), [published, published, "incident-removed"]);
    stage.as_user(ADA).get(operating::ROUTES, API).problem(404, "not-found");
}

#[test]
fn there_are_at_most_two_hundred() {
    let stage = Stage::without_nodes();
    let add = || stage.as_operator().post(operating::ROUTES, API, body(None));
    for _ in 0..store::incidents::INCIDENTS_MAX {
        add().ok(201);
    }
    assert_eq!(add().wrong_fields(), ["title"]);
}

#[test]
fn the_form_of_an_incident_says_what_is_wrong_with_it() {
    let stage = Stage::without_nodes();
    appoint(&stage);
    ask(&stage, PAGE).reads(
        200,
        expect![[r#"
        Operator </operator>
        Incidents
        Everybody reads these on the status page </status>: those that go on, and those of
          the last 90 days.
        New incident
        post /operator/incidents
        Title [text title= required]
        What it means, and what you do about it
        Start (UTC) [datetime-local started_at=2026-07-29T12:00 required]
        End (UTC), if it is over [datetime-local ended_at=]
        (Publish incident)"#]],
    );
    let fields = [
        ("title", "Slow grid sync"),
        ("text", "New nodes appear late."),
        ("started_at", "2026-07-29T10:00"),
        ("ended_at", ""),
    ];
    assert_eq!(send(&stage, PAGE, &fields).see_other(), format!("{PAGE}?done=incident-published"));
    let listed = stage.as_operator().get(operating::ROUTES, API).ok(200);
    assert_eq!(listed["items"][0]["started_at"], "2026-07-29T10:00:00Z");
    let path = format!("{PAGE}/{}", listed["items"][0]["id"].as_str().unwrap());
    let wrong = [("title", HOSTILE), ("text", "a"), ("started_at", ""), ("ended_at", "")];
    let refused = send(&stage, &path, &wrong);
    assert!(refused.page(400).contains("An RFC 3339 timestamp"), "{refused}");
    refused.escapes_hostile_text();
    let over = [fields[0], fields[1], fields[2], ("ended_at", "2026-07-29T11:30")];
    send(&stage, &path, &over).see_other();
    let page = ask(&stage, PAGE).html(200);
    assert!(page.contains("value=\"2026-07-29T11:30\"") && !page.contains("ongoing"), "{page}");
    assert_eq!(
        send(&stage, &format!("{path}/remove"), &[]).see_other(),
        format!("{PAGE}?done=incident-removed")
    );
}
