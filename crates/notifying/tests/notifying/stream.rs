//! A stream of what happens, poll by poll.

use serde_json::{Value, json};
use stage::{ADA, Answer, Stage};
use store::{Db as _, accounts, sessions};
use web::body::{Chunk, Stream};
use web::{Body, session};

const EVENTS: &str = "/api/events";

fn ask(stage: &Stage, target: &str, more: &[(&str, &str)]) -> Answer {
    let accept = "application/json;q=0.5, Text/Event-Stream; charset=utf-8";
    let mut caller = stage.as_user(ADA).header("accept", accept);
    for (name, value) in more {
        caller = caller.header(name, value);
    }
    caller.get(notifying::ROUTES, target)
}

/// The stream that a request opens.
fn open(stage: &Stage, target: &str, more: &[(&str, &str)]) -> Box<dyn Stream> {
    match ask(stage, target, more).into_body() {
        Body::Stream(stream) => stream,
        Body::Bytes(_) | Body::Wait(_) => panic!("{target} is no stream"),
    }
}

fn poll(stream: &mut Box<dyn Stream>, stage: &Stage) -> (String, bool) {
    let Chunk { text, is_last } = stream.poll(&stage.env()).ok().unwrap();
    (text, is_last)
}

#[test]
fn a_stream_says_what_is_new_and_that_it_is_alive() {
    let stage = Stage::market();
    let mut stream = open(&stage, EVENTS, &[]);
    let begun = "retry: 3000\nevent: begun\nid: 1\ndata: {}\n\n";
    assert_eq!(poll(&mut stream, &stage), (begun.to_owned(), false));
    stage.credit(ADA, "1");
    let (told, is_last) = poll(&mut stream, &stage);
    let (id, data) = told.strip_prefix("id: ").unwrap().split_once("\ndata: ").unwrap();
    let id: i64 = id.parse().unwrap();
    let event: Value = serde_json::from_str(data.strip_suffix("\n\n").unwrap()).unwrap();
    assert_eq!(
        event,
        json!({
            "id": id, "kind": "wallet-credited", "rental_id": null, "node_id": null,
            "slice_id": null, "subject": null, "at": "2026-07-29T12:00:00Z",
        })
    );
    assert!(!is_last);
    let said: Vec<_> = (3..=50).map(|_| poll(&mut stream, &stage)).collect();
    let alive = (":\n\n".to_owned(), false);
    let quiet = (String::new(), false);
    assert_eq!(said[..5], [quiet.clone(), quiet.clone(), quiet.clone(), quiet, alive]);
    assert_eq!(said.iter().filter(|(text, _)| !text.is_empty()).count(), 9);
    assert_eq!(said.iter().map(|(_, is_last)| *is_last).collect::<Vec<_>>(), {
        let mut expected = vec![false; 48];
        expected[47] = true;
        expected
    });
}

#[test]
fn a_stream_begins_where_its_client_left() {
    let stage = Stage::market();
    for _ in 0..2 {
        stage.pass_seconds(1);
        stage.credit(ADA, "1");
    }
    let all: Vec<_> = ids(&stage, "/api/events?after=0", &[]);
    let [_, first, second, third] = all[..] else { panic!("{all:?}") };
    let after = |id: u32| format!("/api/events?after={id}");
    assert_eq!(ids(&stage, EVENTS, &[]), [third]);
    assert_eq!(ids(&stage, &after(first), &[]), [first, second, third]);
    let known = [("last-event-id", second.to_string())];
    let known = known.each_ref().map(|(name, value)| (*name, value.as_str()));
    assert_eq!(ids(&stage, &after(first), &known), [second, third]);
    assert_eq!(ids(&stage, &after(third + 96), &[]), [third]);

    let refused = ask(&stage, EVENTS, &[("last-event-id", "\u{e9}")]);
    assert_eq!(refused.wrong_fields(), ["Last-Event-ID"]);
}

/// The numbers that a stream says at first.
fn ids(stage: &Stage, target: &str, more: &[(&str, &str)]) -> Vec<u32> {
    let (text, _) = poll(&mut open(stage, target, more), stage);
    let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
    ids.map(|id| id.parse().unwrap()).collect()
}

#[test]
fn a_stream_ends_when_its_session_does() {
    let stage = Stage::market();
    let mut stream = open(&stage, EVENTS, &[]);
    poll(&mut stream, &stage);
    sessions::close(&stage.db, &session::hash("session-of-2-false")).unwrap();
    stage.credit(ADA, "1");
    assert_eq!(poll(&mut stream, &stage), (String::new(), true));

    // Where nothing happens it is seen at the tenth look.
    let stage = Stage::market();
    let mut stream = open(&stage, EVENTS, &[]);
    poll(&mut stream, &stage);
    accounts::disable(&stage.db, ADA.account(), Some(stage.now())).unwrap();
    let polls = (2..=10).map(|_| poll(&mut stream, &stage).1).collect::<Vec<_>>();
    assert_eq!(polls, [false, false, false, false, false, false, false, false, true]);
}

#[test]
fn the_head_of_a_stream_has_no_body() {
    let stage = Stage::market();
    let head = stage.as_user(ADA).header("accept", "text/event-stream");
    let answer = head.call(notifying::ROUTES, http::Method::HEAD, EVENTS, Value::Null);
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    assert!(!answer.headers().contains_key("content-length"));
    assert!(matches!(answer.into_body(), Body::Bytes(bytes) if bytes.is_empty()));
}

/// Nothing is left out without a word.
#[test]
fn a_client_that_knows_only_archived_events_is_told() {
    let stage = Stage::market();
    let archived = "
        INSERT INTO archives (chain, first_id, until_id, closed_at, row_count, seal, file,
                              file_hash, archived_at)
        VALUES ('events', 1, 5, 0, 5, zeroblob(32), 'file', zeroblob(32), 0)";
    stage.db.run(archived, &[]).unwrap();
    let as_json = |target: &str| stage.as_user(ADA).get(notifying::ROUTES, target);
    let problem = as_json("/api/events?after=4").problem(410, "archived");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("Continue with after=5"), "{detail}");
    ask(&stage, EVENTS, &[("last-event-id", "1")]).problem(410, "archived");
    // Who is new to the stream is given a number to go on with.
    assert_eq!(as_json(EVENTS).ok(200)["next_after"], 5);
    for after in [0, 5, 7] {
        as_json(&format!("/api/events?after={after}")).ok(200);
    }
}
