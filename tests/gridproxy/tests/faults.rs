//! The stand-in fails as it is told to, through both of its faces, and recovers.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::io;
use std::time::{Duration, Instant};

use gridproxy::{Documents, Effect, Fault, FaultError, Standin};
use serde_json::{Value, json};
use support::Raw;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn example() -> Standin {
    Standin::start(Documents::example().unwrap()).await.unwrap()
}

async fn under(standin: &Standin, effect: Effect) -> io::Result<Raw> {
    standin.set_fault(Fault::new(effect)).await.unwrap();
    support::get(&format!("{}/nodes/32", standin.url())).await
}

#[tokio::test]
async fn each_effect_is_what_it_says() {
    let standin = example().await;
    let right = under(&standin, Effect::None).await.unwrap();

    let raw = under(&standin, Effect::Status { code: 429 }).await.unwrap();
    assert_eq!(raw.status, "HTTP/1.1 429 Too Many Requests");
    assert_eq!(raw.text(), "{\"error\":\"the stand-in was told to say this\"}\n");

    let raw = under(&standin, Effect::Cut { after_bytes: 100 }).await.unwrap();
    assert_eq!(raw.body, right.body[..100]);
    assert_eq!(raw.header("Content-Length"), Some(right.body.len().to_string().as_str()));

    let raw = under(&standin, Effect::Drip { bytes: 700, pause_ms: 1 }).await.unwrap();
    assert_eq!(raw.body, right.body);

    let raw = under(&standin, Effect::Garbage).await.unwrap();
    assert!(std::str::from_utf8(&raw.body).is_err());
    assert_eq!(raw.header("Content-Type"), Some("application/json"));

    let raw = under(&standin, Effect::Html).await.unwrap();
    assert!(raw.status.contains("200") && raw.text().contains("<h1>502 Bad Gateway</h1>"));

    let raw = under(&standin, Effect::Huge { bytes: 3 << 20 }).await.unwrap();
    assert_eq!((raw.body[0], raw.body.len()), (b'[', (3 << 20) + 1));

    let raw = under(&standin, Effect::BadGzip).await.unwrap();
    assert_eq!(raw.header("Content-Encoding"), Some("gzip"));
    assert!(unpacked(&raw).is_err());

    let raw = under(&standin, Effect::GzipBomb { bytes: 5 << 20 }).await.unwrap();
    assert!(raw.body.len() < 10_000);
    assert_eq!(unpacked(&raw).unwrap(), 5 << 20);

    let location = "http://127.0.0.1:1/".to_owned();
    let raw = under(&standin, Effect::Redirect { location: location.clone() }).await.unwrap();
    assert_eq!(
        (raw.status.as_str(), raw.header("Location")),
        ("HTTP/1.1 302 Found", Some(&*location))
    );

    let (content_type, body) = ("text/plain".to_owned(), "{\"cru\":1e999}".to_owned());
    let raw = under(&standin, Effect::Body { status: 200, content_type, body }).await.unwrap();
    assert_eq!(raw.text(), "{\"cru\":1e999}");

    let error = under(&standin, Effect::Close).await.err().unwrap();
    assert_ne!(error.kind(), io::ErrorKind::ConnectionRefused);

    standin.clear_fault().await;
    let again = support::get(&format!("{}/nodes/32", standin.url())).await.unwrap();
    assert_eq!(again.body, right.body);
}

fn unpacked(raw: &Raw) -> io::Result<u64> {
    io::copy(&mut flate2::read::GzDecoder::new(&raw.body[..]), &mut io::sink())
}

#[tokio::test]
async fn a_closed_port_refuses_ends_connections_and_opens_again() {
    let standin = example().await;
    let mut held = TcpStream::connect(standin.address()).await.unwrap();
    held.write_all(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    held.read_u8().await.unwrap();
    let refused = under(&standin, Effect::Refuse).await.err().unwrap();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    let mut rest = Vec::new();
    // It ends, in one way or the other.
    let _ = held.read_to_end(&mut rest).await;
    standin.reset().await;
    let raw = support::get(&format!("{}/ping", standin.url())).await.unwrap();
    assert_eq!(raw.text(), "{\"ping\":\"pong\"}\n");
}

#[tokio::test]
async fn a_port_belongs_to_one_stand_in() {
    let standin = example().await;
    let any = "127.0.0.1:0".parse().unwrap();
    assert!(Standin::start_on(Documents::default(), standin.address(), any).await.is_err());
}

#[tokio::test]
async fn a_fault_can_be_for_some_requests_only() {
    let standin = example().await;
    let fault = Fault::new(Effect::Status { code: 500 }).on("/nodes/3").times(2);
    standin.set_fault(fault).await.unwrap();
    let mut seen = Vec::new();
    for target in ["/nodes/1", "/nodes/32", "/nodes/32", "/nodes/32"] {
        let raw = support::get(&format!("{}{target}", standin.url())).await.unwrap();
        seen.push(raw.status.contains("500"));
    }
    assert_eq!(seen, [false, true, true, false]);
}

#[tokio::test]
async fn a_delay_is_waited_for() {
    let standin = example().await;
    standin.set_fault(Fault::slow(Duration::from_millis(80))).await.unwrap();
    let start = Instant::now();
    support::get(&format!("{}/ping", standin.url())).await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(80));
}

#[tokio::test]
async fn a_fault_has_limits() {
    let standin = example().await;
    for (fault, error) in [
        (Fault::slow(Duration::from_hours(1)), FaultError::Delay),
        (Fault::new(Effect::Refuse).times(1), FaultError::RefuseSome),
        (Fault::new(Effect::Status { code: 99 }), FaultError::Status),
        (Fault::new(Effect::Drip { bytes: 0, pause_ms: 1 }), FaultError::EmptyPiece),
        (Fault::new(Effect::Huge { bytes: u64::MAX }), FaultError::Size),
        (Fault::new(Effect::Redirect { location: "a\nb".to_owned() }), FaultError::Header),
    ] {
        assert_eq!(standin.set_fault(fault).await, Err(error));
    }
    assert_eq!(standin.fault(), Fault::default());
}

#[tokio::test]
async fn nodes_change_appear_and_go() {
    let standin = example().await;
    assert!(standin.patch_node(32, json!({"total_resources": {"cru": 2}, "healthy": null})));
    let node = node(&standin, 32).await;
    assert_eq!(node["capacity"]["total_resources"]["cru"], 2);
    assert_eq!(node.get("healthy"), None);
    assert!(standin.put_node(90_000, json!({"nodeId": 90_000, "status": "up"})));
    assert!(standin.remove_node(32));
    let ids = ids(&standin).await;
    assert!(ids.contains(&90_000) && !ids.contains(&32));
    standin.reset().await;
    assert_eq!(self::ids(&standin).await.len(), 16);
}

async fn node(standin: &Standin, id: u32) -> Value {
    let raw = support::get(&format!("{}/nodes/{id}", standin.url())).await.unwrap();
    serde_json::from_slice(&raw.body).unwrap()
}

async fn ids(standin: &Standin) -> Vec<u64> {
    let raw = support::get(&format!("{}/nodes", standin.url())).await.unwrap();
    let nodes: Vec<Value> = serde_json::from_slice(&raw.body).unwrap();
    nodes.iter().map(|node| node["nodeId"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn requests_are_logged_and_can_be_waited_for() {
    let standin = example().await;
    let control = standin.control();
    let wait = tokio::spawn(async move { control.until_received(2).await });
    for _ in 0..2 {
        support::get(&format!("{}/nodes?size=1", standin.url())).await.unwrap();
    }
    wait.await.unwrap();
    let requests = standin.requests();
    let last = requests.newest.back().unwrap();
    assert_eq!((requests.total, last.number), (2, 2));
    assert_eq!((last.method.as_str(), last.target.as_str()), ("GET", "/nodes?size=1"));
    assert_eq!(last.user_agent, "raw test");
}

#[tokio::test]
async fn the_control_port_does_the_same() {
    let standin = example().await;
    let call = async |method: &str, path: &str, body: Value| {
        let url = format!("{}{path}", standin.control_url());
        let raw = support::send(&url, method, &body.to_string()).await.unwrap();
        raw.status.split(' ').nth(1).unwrap().to_owned()
    };
    let fault = json!({"effect": {"kind": "cut", "after_bytes": 9}, "delay_ms": 1, "times": 3});
    assert_eq!(call("PUT", "/fault", fault).await, "204");
    let expected = Fault { delay_ms: 1, ..Fault::new(Effect::Cut { after_bytes: 9 }).times(3) };
    assert_eq!(standin.fault(), expected);
    assert_eq!(call("DELETE", "/fault", Value::Null).await, "204");
    assert_eq!(standin.fault(), Fault::default());
    assert_eq!(call("PUT", "/fault", json!({"effect": {"kind": "melt"}})).await, "422");
    assert_eq!(call("PUT", "/fault", json!({"delay_ms": u64::MAX})).await, "400");
    assert_eq!(call("PATCH", "/nodes/32", json!({"status": "down"})).await, "204");
    assert_eq!(node(&standin, 32).await["status"], "down");
    assert_eq!(call("PUT", "/nodes/8", json!({"nodeId": 8})).await, "204");
    assert_eq!(call("DELETE", "/nodes/8", Value::Null).await, "204");
    assert_eq!(call("DELETE", "/nodes/8", Value::Null).await, "404");
    assert_eq!(call("PATCH", "/farms/2997", json!({"twinId": 90})).await, "204");
    assert_eq!(call("POST", "/reset", Value::Null).await, "204");
    assert_eq!(node(&standin, 32).await["status"], "up");

    let raw = support::get(&format!("{}/requests", standin.control_url())).await.unwrap();
    let requests: Value = serde_json::from_slice(&raw.body).unwrap();
    assert_eq!(requests["total"], 1);
    assert_eq!(requests["newest"][0]["target"], "/nodes/32");
    let help = support::get(&standin.control_url()).await.unwrap();
    assert!(help.text().starts_with("The control port of the gridproxy stand-in."));
}
