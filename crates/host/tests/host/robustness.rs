//! A component that misbehaves: it is stopped, its client gets an answer, and others notice
//! nothing.

use std::time::{Duration, Instant};

use crate::support::{Client, TestApp, get, start, start_with, text, wait_for};
use host::{Host, HostOptions};

fn short_deadline(options: &mut HostOptions) {
    options.limits.request_deadline = Duration::from_millis(400);
}

#[tokio::test]
async fn a_trap_is_a_500_and_a_line_in_the_log() {
    let (app, host) = start().await;
    let mut client = Client::connect(host.addr()).await;
    client.get("/trap").await.assert_problem(500);
    assert_eq!(client.get("/hello").await.body, "hello");
    let log = app.log("guest");
    assert!(log.contains("trapped on purpose"), "{log}");
    assert!(log.contains("host: stopped: "), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_loop_is_a_504_and_others_are_answered_meanwhile() {
    let deadline = Duration::from_secs(2);
    let (_app, host) = start_with(|options| options.limits.request_deadline = deadline).await;
    let start = Instant::now();
    let mut loops: Vec<Client> = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(host.addr()).await;
        client.write("GET /loop HTTP/1.1\r\nhost: a\r\n\r\n").await;
        loops.push(client);
    }
    for _ in 0..3 {
        assert_eq!(text(&host, "/hello").await, "hello");
    }
    assert!(start.elapsed() < deadline, "others waited until the loops were stopped");
    for mut client in loops {
        client.read(false).await.assert_problem(504);
    }
    assert_eq!(text(&host, "/hello").await, "hello");
}

#[tokio::test]
async fn waiting_for_too_long_is_a_504() {
    let (_app, host) = start_with(short_deadline).await;
    get(&host, "/sleep?60000").await.assert_problem(504);
    assert_eq!(text(&host, "/sleep?1").await, "slept 1 ms");
}

#[tokio::test]
async fn more_memory_than_allowed_is_a_500() {
    let (app, host) = start_with(|options| options.limits.instance_memory_bytes = 16 << 20).await;
    get(&host, "/grow").await.assert_problem(500);
    assert_eq!(text(&host, "/hello").await, "hello");
    let log = app.log("guest");
    assert!(log.contains("host: stopped") && log.contains("growing memory"), "{log}");
}

#[tokio::test]
async fn more_requests_than_instances_are_a_503() {
    let (_app, host) = start_with(|options| {
        options.limits.concurrent_requests = 1;
        options.limits.queue_wait = Duration::from_millis(50);
    })
    .await;
    let mut slow = Client::connect(host.addr()).await;
    slow.write("GET /sleep?2000 HTTP/1.1\r\nhost: a\r\n\r\n").await;
    let answer = loop {
        let answer = get(&host, "/hello").await;
        if answer.status != 200 {
            break answer;
        }
    };
    answer.assert_problem(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    assert_eq!(slow.read(false).await.body, "slept 2000 ms");
    assert_eq!(text(&host, "/hello").await, "hello");
}

#[tokio::test]
async fn a_component_that_is_busy_leaves_room_for_the_others() {
    let app = TestApp::new();
    let other = "[[trigger.http]]\nroute = \"/hello\"\ncomponent = \"other\"\n\n\
                 [component.other]\nsource = \"guest.wasm\"\n\n[component.guest]";
    app.edit("[component.guest]", other);
    let mut options = app.options();
    options.limits.concurrent_requests = 4;
    options.limits.concurrent_requests_per_component = 3;
    options.limits.parts_per_address = 1;
    options.limits.queue_wait = Duration::from_millis(200);
    let host = Host::start(options).await.unwrap();
    let mut busy = Vec::new();
    for _ in 0..6 {
        let mut client = Client::connect(host.addr()).await;
        client.write("GET /sleep?2000 HTTP/1.1\r\nhost: a\r\n\r\n").await;
        busy.push(client);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..3 {
        assert_eq!(text(&host, "/hello").await, "hello");
    }
    get(&host, "/count").await.assert_problem(503);
    let mut statuses = Vec::new();
    for mut client in busy {
        statuses.push(client.read(false).await.status);
    }
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 200, 200, 503, 503, 503]);
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_no_place_taken() {
    let (_app, host) = start_with(|options| {
        short_deadline(options);
        options.limits.concurrent_requests = 1;
    })
    .await;
    for _ in 0..3 {
        let mut client = Client::connect(host.addr()).await;
        client.write("GET /loop HTTP/1.1\r\nhost: a\r\n\r\n").await;
    }
    assert_eq!(text(&host, "/hello").await, "hello");
}

#[tokio::test]
async fn an_instance_serves_several_requests_but_not_for_ever() {
    let (_app, host) = start_with(|options| options.limits.requests_per_instance = 3).await;
    let mut counts = Vec::new();
    for _ in 0..30 {
        counts.push(text(&host, "/count").await);
    }
    assert!(counts.iter().all(|count| ["1", "2", "3"].contains(&count.as_str())), "{counts:?}");
    assert!(counts.contains(&"2".into()), "no instance was used twice: {counts:?}");
}

#[tokio::test]
async fn a_shutdown_finishes_what_runs() {
    let (_app, host) = start().await;
    let addr = host.addr();
    let mut idle = Client::connect(addr).await;
    idle.get("/hello").await;
    let mut busy = Client::connect(addr).await;
    busy.write("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx").await;
    // Another request on a second connection shows that the first one has been read by now.
    assert_eq!(text(&host, "/hello").await, "hello");

    let shutdown = tokio::spawn(host.shutdown());
    assert_eq!(idle.line().await, "", "an idle connection is closed");
    busy.write("y").await;
    let answer = busy.read(false).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "xy"));
    shutdown.await.unwrap();
    assert!(tokio::net::TcpStream::connect(addr).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let (app, host) =
        start_with(|options| options.limits.shutdown_wait = Duration::from_millis(100)).await;
    let mut client = Client::connect(host.addr()).await;
    client.write("GET /loop HTTP/1.1\r\nhost: a\r\n\r\n").await;
    assert_eq!(text(&host, "/hello").await, "hello");
    host.shutdown().await;
    assert_eq!(client.line().await, "", "the connection was cut");
    // The guest does not go on in the background either.
    wait_for(|| app.log("guest").contains("host: stopped").then_some(())).await;
}
