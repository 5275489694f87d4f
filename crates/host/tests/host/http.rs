//! What a request and its answer look like on their way through the host.

use crate::support::{Client, get, start, start_with, text};

#[tokio::test]
async fn a_component_answers() {
    let (_app, host) = start().await;
    let mut client = Client::connect(host.addr()).await;
    for _ in 0..3 {
        let answer = client.get("/hello").await;
        assert_eq!((answer.status, answer.body.as_str()), (200, "hello"));
        assert_eq!(answer.header("content-length"), Some("5"));
    }
    let head = client.send("HEAD", "/hello", &[], None).await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("5")));
    assert_eq!(client.get("/hello").await.body, "hello");
}

#[tokio::test]
async fn bodies_arrive_whole() {
    let (_app, host) = start().await;
    let body = "0123456789".repeat(50_000);
    let mut client = Client::connect(host.addr()).await;
    let answer = client.send("POST", "/echo", &[], Some(&body)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body, body);
}

#[tokio::test]
async fn the_headers_are_spins() {
    let (_app, host) = start().await;
    let mut client = Client::connect(host.addr()).await;
    let forged = [("spin-client-addr", "1.2.3.4:5"), ("connection", "keep-alive"), ("x-own", "1")];
    let answer = client.send("GET", "/headers?a=1&b=%20", &forged, None).await;
    let client_addr = client.stream.get_ref().local_addr().unwrap();
    let (uri, headers) = answer.body.split_once('\n').unwrap();
    assert_eq!(uri, "http://market.test/headers?a=1&b=%20");
    let mut headers: Vec<&str> = headers.lines().collect();
    headers.sort_unstable();
    assert_eq!(
        headers,
        [
            "host: market.test".to_owned(),
            "spin-base-path: /".to_owned(),
            "spin-client-addr: 1.2.3.4:5".to_owned(),
            format!("spin-client-addr: {client_addr}"),
            "spin-component-route: ".to_owned(),
            "spin-full-url: http://market.test/headers?a=1&b=%20".to_owned(),
            "spin-matched-route: /...".to_owned(),
            "spin-path-info: /headers".to_owned(),
            "spin-raw-component-route: /...".to_owned(),
            "x-own: 1".to_owned(),
        ]
    );
    let last = answer.body.lines().rfind(|line| line.starts_with("spin-client-addr"));
    assert_eq!(last, Some(format!("spin-client-addr: {client_addr}").as_str()));
}

#[tokio::test]
async fn routes_decide_who_answers() {
    let (app, host) = start().await;
    drop(host);
    app.edit("route = \"/...\"", "route = \"/only/...\"");
    let host = host::Host::start(app.options()).await.unwrap();
    assert_eq!(text(&host, "/.well-known/spin/health").await, "OK");
    get(&host, "/.well-known/spin/info").await.assert_problem(404);
    get(&host, "/elsewhere").await.assert_problem(404);
    let fixed = get(&host, "/fixed").await;
    assert_eq!((fixed.status, fixed.body.as_str()), (418, "fixed"));
    assert_eq!(fixed.header("x-fixed"), Some("yes"));
    assert_eq!(text(&host, "/named/7/x").await, "no action for /named/7/x");
}

#[tokio::test]
async fn a_request_without_a_clear_host_is_refused() {
    let (_app, host) = start().await;
    for head in [
        "GET /hello HTTP/1.1\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a b\r\n\r\n",
        "GET /hello HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n",
        "GET http://a/hello HTTP/1.1\r\nhost: b\r\n\r\n",
    ] {
        let mut client = Client::connect(host.addr()).await;
        client.write(head).await;
        client.read(false).await.assert_problem(400);
    }
}

#[tokio::test]
async fn large_bodies_are_refused() {
    let (_app, host) = start_with(|options| options.limits.request_body_bytes = 1_000).await;
    let mut client = Client::connect(host.addr()).await;
    let answer = client.send("POST", "/echo", &[], Some(&"x".repeat(1_000))).await;
    assert_eq!((answer.status, answer.body.len()), (200, 1_000));

    // The announced length is enough: no byte of the body is waited for.
    client.write("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 1001\r\n\r\n").await;
    client.read(false).await.assert_problem(413);

    let mut client = Client::connect(host.addr()).await;
    client.write("POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..2 {
        client.write(&format!("1f4\r\n{}\r\n", "x".repeat(500))).await;
    }
    client.write("1\r\nx\r\n").await;
    client.read(false).await.assert_problem(413);
    assert_eq!(text(&host, "/hello").await, "hello");
}
