//! The cron trigger: runs on demand, at its times, and from another process.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use crate::support::{TestApp, sql, start_with, wait_for};
use host::{Clock, Host, HostOptions};

const RUNS: &str = "SELECT timestamp FROM runs ORDER BY timestamp";

fn action(options: &mut HostOptions, action: &str) {
    options.variables.insert("cron_action".into(), action.into());
}

#[tokio::test]
async fn a_run_sees_the_set_time() {
    let time = Arc::new(AtomicI64::new(1_700_000_000));
    let (_app, host) = start_with(|options| options.clock = Clock::Set(Arc::clone(&time))).await;
    host.fire_cron("guest-cron").await.unwrap();
    time.store(1_700_000_060, Ordering::Relaxed);
    host.fire_cron("guest-cron").await.unwrap();
    let runs = sql(&host, "default", RUNS).await;
    assert_eq!(runs, "[timestamp] 1700000000;1700000060");
}

#[tokio::test]
async fn a_schedule_follows_the_clock() {
    // Ten seconds before the full hour, when the manifest's schedule has its next run.
    let time = Arc::new(AtomicI64::new(1_699_999_190));
    let (app, host) = start_with(|options| {
        options.clock = Clock::Set(Arc::clone(&time));
        options.run_schedules = true;
    })
    .await;
    time.store(1_699_999_200, Ordering::Relaxed);
    let database = rusqlite::Connection::open(app.path("data/mycelium.db")).unwrap();
    let timestamp = wait_for(|| database.query_row(RUNS, [], |row| row.get::<_, i64>(0)).ok());
    assert_eq!(timestamp.await, 1_699_999_200);
    host.shutdown().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_a_run_for_ever() {
    let time = Arc::new(AtomicI64::new(1_699_999_190));
    let (app, host) = start_with(|options| {
        action(options, "loop");
        options.clock = Clock::Set(Arc::clone(&time));
        options.run_schedules = true;
        options.limits.shutdown_wait = Duration::from_millis(50);
    })
    .await;
    time.store(1_699_999_200, Ordering::Relaxed);
    wait_for(|| app.log("guest-cron").contains("looping").then_some(())).await;
    let start = Instant::now();
    host.shutdown().await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
}

#[tokio::test]
async fn what_fails_is_returned_and_logged() {
    for (name, words) in [("fail", "failed on purpose"), ("trap", "wasm trap")] {
        let (app, host) = start_with(|options| action(options, name)).await;
        let error = format!("{:#}", host.fire_cron("guest-cron").await.unwrap_err());
        assert!(error.contains(words), "{name}: {error}");
        let log = app.log("guest-cron");
        assert!(log.contains("host: the run failed") && log.contains(words), "{log}");
    }
}

#[tokio::test]
async fn a_run_has_a_deadline() {
    let (_app, host) = start_with(|options| {
        action(options, "loop");
        options.limits.cron_deadline = Duration::from_millis(200);
    })
    .await;
    let error = host.fire_cron("guest-cron").await.unwrap_err().to_string();
    assert!(error.contains("the run took longer than"), "{error}");
}

#[tokio::test]
async fn an_unknown_component_is_named() {
    let (_app, host) = start_with(|_| {}).await;
    let error = host.fire_cron("guest").await.unwrap_err().to_string();
    assert_eq!(error, "no cron trigger runs `guest`; there are: guest-cron");
}

#[tokio::test]
async fn the_control_socket_reaches_the_running_host() {
    let (app, host) = start_with(|options| action(options, "fail")).await;
    let data = app.path("data");
    let ask = async |component| host::ask_to_fire(&data, component).await;
    let error = ask("guest-cron").await.expect("a host runs").unwrap_err().to_string();
    assert_eq!(error, "failed on purpose");
    let error = ask("nobody").await.expect("a host runs").unwrap_err().to_string();
    assert!(error.contains("no cron trigger runs `nobody`"), "{error}");

    // A second host on the same folder leaves the socket to the first.
    let second = Host::start(app.options()).await.unwrap();
    assert!(ask("guest-cron").await.expect("a host runs").is_err());
    second.shutdown().await;
    assert!(ask("guest-cron").await.is_some());
    host.shutdown().await;
    assert!(ask("guest-cron").await.is_none(), "no host runs any more");
}

#[tokio::test]
async fn without_a_host_a_run_is_made_alone() {
    let app = TestApp::new();
    Host::run_cron_once(app.options(), "guest-cron").await.unwrap();
    let database = rusqlite::Connection::open(app.path("data/mycelium.db")).unwrap();
    let runs = database.query_row("SELECT count(*) FROM runs", [], |row| row.get(0));
    assert_eq!(runs, Ok(1));
}
