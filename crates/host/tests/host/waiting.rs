//! Clients that send slowly, and requests that wait: neither takes a place that others need.

use std::time::{Duration, Instant};

use crate::support::{Answer, Client, TestApp, get, start_with, text};
use host::{Host, HostOptions};
use tokio::net::TcpSocket;

/// An address of this machine that is not that of the other clients.
const OTHER: &str = "127.0.0.2";

/// Longer than a test takes.
const LONG: &str = "GET /sleep?60000 HTTP/1.1\r\nhost: a\r\n\r\n";

/// A host on an app with a second component, whose requests mostly wait, at `/sleep` and `/now`.
async fn start_waiting(change: impl FnOnce(&mut HostOptions)) -> (TestApp, Host) {
    let app = TestApp::new();
    let waiting = "[[trigger.http]]\nroute = \"/sleep\"\ncomponent = \"waiting\"\n\n\
                   [[trigger.http]]\nroute = \"/now\"\ncomponent = \"waiting\"\n\n\
                   [component.waiting]\nsource = \"guest.wasm\"\n\
                   tool.mycelium-host.waits = true\n\n[component.guest]";
    app.edit("[component.guest]", waiting);
    let mut options = app.options();
    options.limits.concurrent_requests = 2;
    options.limits.queue_wait = Duration::from_millis(200);
    change(&mut options);
    let host = Host::start(options).await.unwrap();
    (app, host)
}

/// Sends the same on so many connections.
async fn send_all(host: &Host, count: usize, request: &str) -> Vec<Client> {
    let mut clients = Vec::new();
    for _ in 0..count {
        let mut client = Client::connect(host.addr()).await;
        client.write(request).await;
        clients.push(client);
    }
    clients
}

/// A connection from another address of this machine.
async fn connect_from(host: &Host, address: &str) -> Client {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(format!("{address}:0").parse().unwrap()).unwrap();
    Client::on(socket.connect(host.addr()).await.unwrap())
}

async fn get_from(host: &Host, address: &str, path: &str) -> Answer {
    connect_from(host, address).await.get(path).await
}

#[tokio::test]
async fn a_body_that_does_not_come_takes_no_place() {
    let (_app, host) = start_waiting(|_| {}).await;
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n";
    let mut slow = send_all(&host, 8, head).await;
    slow.extend(send_all(&host, 8, &format!("{head}x")).await);
    for _ in 0..3 {
        assert_eq!(text(&host, "/hello").await, "hello");
    }
    // Whoever sends the rest is answered all the same.
    let mut last = slow.pop().unwrap();
    last.write("y").await;
    assert_eq!(last.read(false).await.body, "xy");
}

#[tokio::test]
async fn requests_that_wait_take_no_place() {
    let (_app, host) = start_waiting(|_| {}).await;
    let _waiting = send_all(&host, 100, LONG).await;
    for _ in 0..3 {
        assert_eq!(text(&host, "/hello").await, "hello");
        text(&host, "/now").await;
    }
}

#[tokio::test]
async fn a_body_that_is_slow_is_a_408() {
    let (_app, host) =
        start_with(|options| options.limits.request_body_wait = Duration::from_millis(100)).await;
    let mut client = Client::connect(host.addr()).await;
    client.write("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx").await;
    client.read(false).await.assert_problem(408);
    assert_eq!(client.line().await, "", "the connection is closed");
}

#[tokio::test]
async fn bodies_of_one_address_leave_memory_for_others() {
    let (_app, host) = start_with(|options| options.limits.request_bodies_bytes = 1_000).await;
    let head = "POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 400\r\n\r\n";
    let slow = send_all(&host, 1, &format!("{head}{}", "x".repeat(200))).await;
    let body = "y".repeat(200);
    // Another request on a second connection shows that the first one has been read by now.
    assert_eq!(text(&host, "/hello").await, "hello");
    let mut client = Client::connect(host.addr()).await;
    let refused = client.send("POST", "/echo", &[], Some(&body)).await;
    refused.assert_problem(503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    let mut other = connect_from(&host, OTHER).await;
    assert_eq!(other.send("POST", "/echo", &[], Some(&body)).await.body, body);
    drop(slow);
    let mut client = Client::connect(host.addr()).await;
    while client.send("POST", "/echo", &[], Some(&body)).await.status == 503 {}
}

#[tokio::test]
async fn one_address_gets_its_share_of_places() {
    let (_app, host) = start_waiting(|options| {
        options.limits.concurrent_requests = 4;
        options.limits.parts_per_address = 2;
        options.limits.queue_wait = Duration::from_millis(100);
    })
    .await;
    let busy = "GET /loop HTTP/1.1\r\nhost: a\r\n\r\n";
    let _busy = send_all(&host, 4, busy).await;
    while get(&host, "/hello").await.status == 200 {}
    get(&host, "/hello").await.assert_problem(503);
    assert_eq!(get_from(&host, OTHER, "/hello").await.body, "hello");
}

#[tokio::test]
async fn one_address_gets_its_share_of_waits() {
    let (_app, host) = start_waiting(|options| {
        options.limits.waiting_requests = 6;
        options.limits.parts_per_address = 2;
    })
    .await;
    let _waiting = send_all(&host, 3, LONG).await;
    while get(&host, "/now").await.status == 200 {}
    let refused = get(&host, "/sleep?1").await;
    refused.assert_problem(503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(get_from(&host, OTHER, "/sleep?1").await.body, "slept 1 ms");
}

#[tokio::test]
async fn behind_a_proxy_each_client_gets_its_share() {
    let (_app, host) = start_waiting(|options| {
        options.client_address_header = Some("x-forwarded-for".parse().unwrap());
        options.limits.waiting_requests = 4;
        options.limits.connections = 8;
    })
    .await;
    let from = |client| format!("{}\r\nx-forwarded-for: {client}\r\n\r\n", LONG.trim_end());
    let mut waiting = send_all(&host, 1, &from("192.0.2.1")).await;
    let mut client = Client::connect(host.addr()).await;
    let ada = [("x-forwarded-for", "192.0.2.1")];
    while client.send("GET", "/now", &ada, None).await.status == 200 {}
    // What a client says itself stands before what the proxy says.
    let ben = [("x-forwarded-for", "192.0.2.1, 192.0.2.2")];
    assert_eq!(client.send("GET", "/now", &ben, None).await.status, 200);
    // The proxy itself may have all connections.
    waiting.extend(send_all(&host, 5, &from("192.0.2.3")).await);
    assert_eq!(text(&host, "/hello").await, "hello");
}

#[tokio::test]
async fn one_address_gets_its_share_of_connections() {
    let (_app, host) = start_with(|options| options.limits.connections = 8).await;
    let mut kept = Vec::new();
    for _ in 0..2 {
        let mut client = Client::connect(host.addr()).await;
        assert_eq!(client.get("/hello").await.body, "hello");
        kept.push(client);
    }
    let mut refused = Client::connect(host.addr()).await;
    let answer = refused.read(false).await;
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")));
    assert_eq!(refused.line().await, "", "the connection is closed");
    assert_eq!(get_from(&host, OTHER, "/hello").await.body, "hello");
    kept.pop();
    let client = async || {
        let mut client = Client::connect(host.addr()).await;
        client.write("GET /hello HTTP/1.1\r\nhost: a\r\n\r\n").await;
        client.read(false).await.status
    };
    while client().await == 503 {}
}

#[tokio::test]
async fn many_waits_share_few_instances() {
    let (app, host) = start_waiting(|options| {
        options.limits.waiting_requests = 100;
        options.limits.waiting_requests_per_instance = 10;
        options.limits.parts_per_address = 1;
    })
    .await;
    let waiting = send_all(&host, 100, "GET /sleep?500 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    for mut client in waiting {
        assert_eq!(client.read(false).await.body, "slept 500 ms");
    }
    assert!(!app.log("waiting").contains("host: "), "{}", app.log("waiting"));
}

#[tokio::test]
async fn a_wait_that_was_left_keeps_its_place_until_it_is_over() {
    let (_app, host) = start_waiting(|options| {
        options.limits.waiting_requests = 2;
        options.limits.parts_per_address = 1;
    })
    .await;
    let waiting = send_all(&host, 2, "GET /sleep?3000 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    while get(&host, "/now").await.status == 200 {}
    drop(waiting);
    let left = Instant::now();
    while get(&host, "/now").await.status == 503 {}
    assert!(left.elapsed() > Duration::from_millis(500), "{:?}", left.elapsed());
}
