//! The program `mycelium-host`, as xtask and people start it.

use std::net::SocketAddr;
use std::process::Stdio;

use crate::support::{Client, TestApp};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, Command};

/// The program on an app, with an action and what follows it.
fn command(app: &TestApp, action: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mycelium-host"));
    command.arg(action).arg("--manifest").arg(app.path("spin.toml"));
    command.arg("--data").arg(app.path("data")).args(["--variable", "password=pa55word"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Waits for the line that says where it listens.
async fn listening(child: &mut Child) -> SocketAddr {
    let mut lines = BufReader::new(child.stdout.as_mut().unwrap()).lines();
    let line = lines.next_line().await.unwrap().expect("it prints a line");
    line.strip_prefix("listening on http://").expect("the line says where").parse().unwrap()
}

fn send_signal(child: &Child, signal: &str) {
    let id = child.id().expect("it runs").to_string();
    let sent = std::process::Command::new("kill").args(["-s", signal, &id]).status().unwrap();
    assert!(sent.success());
}

#[tokio::test]
async fn a_signal_lets_requests_finish() {
    for signal in ["TERM", "INT"] {
        let app = TestApp::new();
        let mut host = command(&app, "up").args(["--listen", "127.0.0.1:0"]).spawn().unwrap();
        let addr = listening(&mut host).await;
        let mut client = Client::connect(addr).await;
        client.write("POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nx").await;
        assert_eq!(Client::connect(addr).await.get("/hello").await.body, "hello");
        send_signal(&host, signal);
        // It has taken notice once nobody listens any more.
        while tokio::net::TcpStream::connect(addr).await.is_ok() {
            tokio::task::yield_now().await;
        }
        client.write("y").await;
        assert_eq!(client.read(false).await.body, "xy");
        assert!(host.wait().await.unwrap().success(), "SIG{signal}");
    }
}

#[tokio::test]
async fn the_terminal_shows_what_guests_print_unless_told_not_to() {
    for (quiet, expected) in [(false, "[guest] out: words\n"), (true, "")] {
        let app = TestApp::new();
        let mut command = command(&app, "up");
        command.args(["--listen", "127.0.0.1:0"]).args(quiet.then_some("--quiet"));
        let mut host = command.spawn().unwrap();
        let addr = listening(&mut host).await;
        Client::connect(addr).await.get("/print?words").await;
        send_signal(&host, "TERM");
        let mut errors = String::new();
        host.stderr.take().unwrap().read_to_string(&mut errors).await.unwrap();
        assert!(errors.starts_with(expected), "{errors}");
        assert_eq!(errors.is_empty(), quiet, "{errors}");
        assert!(app.log("guest").contains("out: words"));
    }
}

#[tokio::test]
async fn cron_runs_in_the_host_or_alone() {
    let app = TestApp::new();
    let alone = command(&app, "cron").arg("guest-cron").output().await.unwrap();
    assert!(alone.status.success(), "{alone:?}");

    let mut host = command(&app, "up")
        .args(["--listen", "127.0.0.1:0", "--variable", "cron_action=fail"])
        .spawn()
        .unwrap();
    listening(&mut host).await;
    // The variables of the running host count, not those of this call.
    let asked = command(&app, "cron").arg("guest-cron").output().await.unwrap();
    assert!(!asked.status.success());
    assert_eq!(String::from_utf8_lossy(&asked.stderr), "error: failed on purpose\n");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_secrets_are_not() {
    let app = TestApp::new();
    app.edit("[component.guest]", "[component.guest]\nsauce = 1");
    let done = command(&app, "up").output().await.unwrap();
    assert!(!done.status.success());
    let errors = String::from_utf8_lossy(&done.stderr);
    assert!(errors.starts_with("error: spin.toml: [component.guest]: unknown key `sauce`"));
    assert!(!errors.contains("pa55word"), "{errors}");

    let done = command(&app, "up").args(["--variable", "pa55word"]).output().await.unwrap();
    assert!(!done.status.success());
}
