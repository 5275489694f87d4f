//! Mail in development: taken and shown where the host was told to, on this machine only.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use crate::support::{Answer, Client, TestApp, get, start};
use host::{Clock, Host};

const MESSAGE: &str = "From: a@b.org\r\nTo: <ada@b.org>\r\nSubject: Hello\r\n\r\nA text.\r\n";

/// A host that takes mail, and its folder, which is not there yet.
async fn start_with_mail() -> (TestApp, Host, PathBuf) {
    let app = TestApp::new();
    let folder = app.path("data/mail");
    let mut options = app.options();
    options.dev_mail = Some(folder.clone());
    // 2026-11-22T17:20:00Z.
    options.clock = Clock::Set(Arc::new(AtomicI64::new(1_795_368_000)));
    let host = Host::start(options).await.unwrap();
    (app, host, folder)
}

async fn ask(host: &Host, method: &str, path: &str, name: &str, body: Option<&str>) -> Answer {
    let mut client = Client::connect(host.addr()).await;
    let length = body.map(|body| format!("content-length: {}\r\n", body.len()));
    client
        .write(&format!(
            "{method} {path} HTTP/1.1\r\nhost: {name}\r\ncontent-type: message/rfc822\r\n{}\r\n{}",
            length.unwrap_or_default(),
            body.unwrap_or_default()
        ))
        .await;
    client.read(method == "HEAD").await
}

async fn send(host: &Host, message: &str) -> Answer {
    ask(host, "POST", "/dev/mail", "127.0.0.1", Some(message)).await
}

async fn read(host: &Host, path: &str) -> Answer {
    ask(host, "GET", path, "localhost:3000", None).await
}

#[tokio::test]
async fn a_message_is_kept_and_shown() {
    let (_app, host, folder) = start_with_mail().await;
    let empty = read(&host, "/dev/mail").await;
    assert_eq!((empty.status, empty.body.contains("No mail was sent yet")), (200, true));

    for number in ["0001", "0002"] {
        let kept = send(&host, MESSAGE).await;
        let name = format!("20261122T172000Z-{number}.eml");
        assert_eq!((kept.status, kept.body.as_str()), (201, name.as_str()));
        assert_eq!(fs::read_to_string(folder.join(&name)).unwrap(), MESSAGE);
        let mode = fs::metadata(folder.join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let shown = read(&host, &format!("/dev/mail/{name}")).await;
        assert_eq!((shown.status, shown.body.as_str()), (200, MESSAGE));
        assert_eq!(shown.header("content-type"), Some("text/plain; charset=utf-8"));
        shown.assert_guarded();
    }
    let list = read(&host, "/dev/mail").await;
    assert_eq!(list.header("content-type"), Some("text/html; charset=utf-8"));
    list.assert_guarded();
    let place = |text: &str| list.body.find(text).expect(text);
    assert!(place("-0002.eml\">") < place("-0001.eml\">"), "the newest one comes first");
    place("<td>&lt;ada@b.org&gt;</td><td>Hello</td>");
    assert_eq!(ask(&host, "HEAD", "/dev/mail", "[::1]", None).await.status, 200);
}

#[tokio::test]
async fn a_hundred_messages_are_listed_and_no_text_breaks_the_list() {
    let (_app, host, folder) = start_with_mail().await;
    fs::create_dir_all(&folder).unwrap();
    for number in 1..=101 {
        let name = folder.join(format!("20250101T000000Z-{number:04}.eml"));
        fs::write(name, "Subject: <script>alert('\"&')</script>\r\n\r\n").unwrap();
    }
    fs::write(folder.join("a<b>.eml"), "Subject: a name of somebody else").unwrap();
    let list = read(&host, "/dev/mail").await.body;
    assert_eq!(list.matches("<tr><td>").count(), 100);
    assert!(list.contains("-0002.eml") && !list.contains("-0001.eml"));
    assert!(list.contains("&lt;script&gt;alert(&#39;&quot;&amp;&#39;)&lt;/script&gt;"), "{list}");
    assert!(!list.contains("<script") && !list.contains("a<b"));
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let (app, host, folder) = start_with_mail().await;
    fs::write(app.path("data/secret.eml"), "a secret").unwrap();
    for path in
        ["/dev/mail/x.eml", "/dev/mail/..%2fsecret.eml", "/dev/mail/../secret.eml", "/dev/mail/a/b"]
    {
        read(&host, path).await.assert_problem(404);
    }
    ask(&host, "DELETE", "/dev/mail", "localhost", None).await.assert_problem(405);
    ask(&host, "POST", "/dev/mail/x.eml", "localhost", Some("x")).await.assert_problem(405);
    send(&host, &"x".repeat((1 << 20) + 1)).await.assert_problem(413);
    // What a form of another site can send is no message.
    let mut client = Client::connect(host.addr()).await;
    client
        .write("POST /dev/mail HTTP/1.1\r\nhost: localhost\r\ncontent-type: text/plain\r\n")
        .await;
    client.write("content-length: 1\r\n\r\nx").await;
    client.read(false).await.assert_problem(415);
    assert!(!folder.exists());
    assert_eq!(send(&host, &"x".repeat(1 << 20)).await.status, 201);
}

/// A name of somebody else that leads to this machine: the browser takes the page for theirs.
#[tokio::test]
async fn another_name_reads_nothing() {
    let (_app, host, _folder) = start_with_mail().await;
    send(&host, MESSAGE).await;
    for name in
        ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:3000", "10.0.0.1"]
    {
        ask(&host, "GET", "/dev/mail", name, None).await.assert_problem(400);
        ask(&host, "POST", "/dev/mail", name, Some(MESSAGE)).await.assert_problem(400);
    }
}

#[tokio::test]
async fn it_is_there_only_where_it_was_asked_for() {
    let (_app, host) = start().await;
    // The guest answers every path that is not the host's.
    assert_eq!(get(&host, "/dev/mail").await.body, "no action for /dev/mail");
    let (_app, host, _folder) = start_with_mail().await;
    assert_eq!(get(&host, "/dev/mailbox").await.body, "no action for /dev/mailbox");

    let app = TestApp::new();
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let mut options = app.options();
        options.dev_mail = Some(app.path("mail"));
        options.listen = address.parse().unwrap();
        let error = Host::start(options).await.err().unwrap().to_string();
        assert!(error.starts_with("mail is shown on this machine only: listen on"), "{error}");
    }
}
