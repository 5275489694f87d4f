//! What a component is given: variables, files, time, randomness, the network, and its log.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::support::{Client, TestApp, start, start_with, text};
use host::{Clock, Host, HostOptions, Outbound, Randomness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

#[tokio::test]
async fn variables_and_environment_arrive() {
    let (_app, host) = start().await;
    assert_eq!(text(&host, "/variable?greeting").await, "hello, you");
    assert_eq!(text(&host, "/variable?password").await, "pa55word");
    let unknown = text(&host, "/variable?peer").await;
    assert!(unknown.contains("Undefined"), "{unknown}");
    assert_eq!(text(&host, "/env?PLACE").await, "here");
    assert!(text(&host, "/env?PATH").await.starts_with("error"));
}

#[tokio::test]
async fn an_env_file_gives_values() {
    let app = TestApp::new();
    std::fs::write(app.path(".env"), "SPIN_VARIABLE_GREETING=moin\n").unwrap();
    let mut options = app.options();
    options.env_file = Some(app.path(".env"));
    let host = Host::start(options).await.unwrap();
    assert_eq!(text(&host, "/variable?greeting").await, "moin, you");
}

#[tokio::test]
async fn secrets_are_not_printed() {
    let app = TestApp::new();
    let options = app.options();
    assert!(!format!("{options:?}").contains("pa55word"));
}

#[tokio::test]
async fn files_can_be_read_and_not_written() {
    let (app, host) = start().await;
    assert_eq!(text(&host, "/file?/static/hello.txt").await, "a static file");
    assert!(text(&host, "/file?/static/../spin.toml").await.starts_with("error"));
    assert!(text(&host, "/file?/etc/passwd").await.starts_with("error"));
    assert!(text(&host, "/write?/static/hello.txt").await.starts_with("Err"));
    assert!(text(&host, "/write?/static/new.txt").await.starts_with("Err"));
    // A folder is used in place, so an edit shows at once.
    std::fs::write(app.path("static/hello.txt"), "edited").unwrap();
    assert_eq!(text(&host, "/file?/static/hello.txt").await, "edited");
}

#[tokio::test]
async fn excluded_files_are_not_there() {
    let app = TestApp::new();
    std::fs::write(app.path("static/draft.md"), "draft").unwrap();
    std::fs::write(app.path("notes.txt"), "notes").unwrap();
    let files = "files = [{ source = \"static\", destination = \"/static\" }";
    app.edit(files, &format!("exclude_files = [\"**/*.md\"]\n{files}, \"*.txt\""));
    let host = Host::start(app.options()).await.unwrap();
    assert_eq!(text(&host, "/file?/static/hello.txt").await, "a static file");
    assert_eq!(text(&host, "/file?/notes.txt").await, "notes");
    assert!(text(&host, "/file?/static/draft.md").await.starts_with("error"));
}

#[tokio::test]
async fn a_set_clock_is_what_the_guest_reads() {
    let clock = Clock::Set(Arc::new(1_700_000_000.into()));
    let (_app, host) = start_with(|options| options.clock = clock).await;
    assert_eq!(text(&host, "/now").await, "1700000000");
}

#[tokio::test]
async fn a_seed_repeats_and_instances_differ() {
    let seeded = |options: &mut HostOptions| {
        options.randomness = Randomness::Seed(7);
        options.limits.requests_per_instance = 1;
    };
    let (_app, host) = start_with(seeded).await;
    let first = [text(&host, "/random").await, text(&host, "/random").await];
    let (_app, host) = start_with(seeded).await;
    let second = [text(&host, "/random").await, text(&host, "/random").await];
    assert_eq!(first, second);
    assert_ne!(first[0], first[1]);
    let (_app, host) = start().await;
    assert_ne!(text(&host, "/random").await, first[0]);
}

/// A server that answers each connection with the head of the request that it got.
async fn mirror() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = vec![0; 4_096];
            let length = stream.read(&mut head).await.unwrap();
            let head = String::from_utf8_lossy(&head[..length]).replace("\r\n", "|");
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{head}", head.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    addr
}

#[tokio::test]
async fn only_allowed_hosts_are_reached() {
    let addr = mirror().await;
    let (app, host) = start().await;
    let answer = text(&host, &format!("/fetch?http://{addr}/path?x=1")).await;
    assert!(answer.starts_with("200 GET /path?x=1 HTTP/1.1|"), "{answer}");
    assert!(answer.contains(&format!("host: {addr}|")), "{answer}");
    assert!(!answer.contains("forged"), "{answer}");

    let port = addr.port();
    let denied = text(&host, &format!("/fetch?http://localhost:{port}/")).await;
    assert_eq!(denied, "error: ErrorCode::HttpRequestDenied");
    let log = app.log("guest");
    let line = format!(
        "host: a request to http://localhost:{port} is denied: `allowed_outbound_hosts` of \
         [component.guest] does not have it"
    );
    assert!(log.contains(&line), "{log}");
}

#[tokio::test]
async fn stand_ins_replace_the_network() {
    let addr = mirror().await;
    let names = ["allowed.test:80", "a.grid.test:443", "elsewhere.test:80"];
    let only: BTreeMap<_, _> = names.iter().map(|name| ((*name).to_owned(), addr)).collect();
    let (app, host) = start_with(|options| options.outbound = Outbound::Only(only)).await;
    let answer = text(&host, "/fetch?http://allowed.test/x").await;
    assert!(
        answer.starts_with("200 GET /x ") && answer.contains("host: allowed.test|"),
        "{answer}"
    );
    let answer = text(&host, "/fetch?https://a.grid.test/y").await;
    assert!(answer.starts_with("200 GET /y ") && answer.contains("host: a.grid.test|"), "{answer}");

    assert!(text(&host, "/fetch?https://b.grid.test/").await.starts_with("error"));
    assert!(app.log("guest").contains("there is no stand-in for b.grid.test:443"));
    // The manifest is asked first, as it is without stand-ins.
    let denied = text(&host, "/fetch?http://elsewhere.test/").await;
    assert_eq!(denied, "error: ErrorCode::HttpRequestDenied");
    // Not even a local address is reached around the list.
    assert!(text(&host, &format!("/fetch?http://{addr}/")).await.starts_with("error"));
}

#[tokio::test]
async fn a_silent_server_is_given_up() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let (_app, host) = start_with(|options| {
        options.limits.outbound_wait = std::time::Duration::from_millis(100);
    })
    .await;
    let answer = text(&host, &format!("/fetch?http://{addr}/")).await;
    assert_eq!(answer, "error: ErrorCode::ConnectionReadTimeout");
}

#[tokio::test]
async fn a_variable_can_allow_a_host() {
    let addr = mirror().await;
    let peer = |options: &mut HostOptions| {
        options.variables.insert("peer".into(), format!("http://localhost:{}", addr.port()));
    };
    let (_app, host) = start_with(peer).await;
    let answer = text(&host, &format!("/fetch?http://localhost:{}/", addr.port())).await;
    assert!(answer.starts_with("200 "), "{answer}");
}

#[tokio::test]
async fn what_a_guest_prints_is_in_its_log() {
    let (app, host) = start().await;
    let mut client = Client::connect(host.addr()).await;
    client.get("/print?words").await;
    let log = app.log("guest");
    assert!(log.contains("Z out: words\n"), "{log}");
    assert!(log.contains("Z err: \\u{1b}[31mwords\n"), "{log}");
}

/// A host with this runtime configuration.
async fn start_configured(config: &str) -> (TestApp, Host) {
    start_with(|options| {
        let file = options.data.join("runtime-config.toml");
        std::fs::create_dir_all(&options.data).unwrap();
        std::fs::write(&file, config).unwrap();
        options.runtime_config = Some(file);
    })
    .await
}

#[tokio::test]
async fn blocked_networks_are_not_reached_whatever_the_manifest_allows() {
    let addr = mirror().await;
    let url = format!("/fetch?http://{addr}/");
    let blocks = |network: &str| {
        format!("[outbound_networking]\nblock_networks = [\"10.0.0.0/8\", \"{network}\"]")
    };
    for network in ["private", "127.0.0.0/8"] {
        let (app, host) = start_configured(&blocks(network)).await;
        assert_eq!(text(&host, &url).await, "error: ErrorCode::HttpRequestDenied");
        let log = app.log("guest");
        assert!(log.contains("is denied: 127.0.0.1 is in a blocked network"), "{log}");
    }
    let (_app, host) = start_configured(&blocks("192.168.0.0/16")).await;
    assert!(text(&host, &url).await.starts_with("200 "));
}

/// What a name resolves to is what is looked at, and TLS still speaks to the name.
#[tokio::test]
async fn a_name_is_looked_at_by_its_address_and_greeted_by_its_name() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let greeted = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut hello = vec![0; 4_096];
        let length = stream.read(&mut hello).await.unwrap();
        hello.truncate(length);
        hello
    });
    let allow = move |options: &mut HostOptions| {
        options.variables.insert("peer".into(), format!("https://localhost:{port}"));
    };
    let url = format!("/fetch?https://localhost:{port}/");
    let (_app, host) = start_with(|options| {
        allow(options);
        options.outbound = Outbound::PublicNetwork;
    })
    .await;
    assert_eq!(text(&host, &url).await, "error: ErrorCode::HttpRequestDenied");
    let (_app, host) = start_with(allow).await;
    let answer = text(&host, &url).await;
    assert!(answer.starts_with("error: "), "{answer}");
    let hello = greeted.await.unwrap();
    assert!(hello.windows(9).any(|window| window == b"localhost"), "no name in the greeting");
}
