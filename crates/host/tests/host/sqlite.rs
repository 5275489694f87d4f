//! SQL from a guest to the file and back, alone and among others.

use std::time::{Duration, Instant};

use crate::support::{Client, TestApp, get, sql, start, start_with, text};

const TABLE: &str = "CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT";

/// A second writer, as another process would be.
fn other_process(app: &TestApp) -> rusqlite::Connection {
    let connection = rusqlite::Connection::open(app.path("data/mycelium.db")).unwrap();
    connection.busy_timeout(Duration::from_secs(5)).unwrap();
    connection
}

#[tokio::test]
async fn values_go_in_and_come_out() {
    let (_app, host) = start().await;
    let script = format!(
        "{TABLE}\n\
         INSERT INTO t (name) VALUES (?1), (?2) RETURNING id, name\tone\ttwo\n\
         changes\n\
         rowid\n\
         SELECT 1 AS a, 2.5 AS b, 'x' AS c, x'00ff' AS d, NULL AS e\n\
         SELECT name FROM t WHERE id > 5"
    );
    assert_eq!(
        sql(&host, "default", &script).await,
        "[] \n\
         [id,name] 1,'one';2,'two'\n\
         2\n\
         2\n\
         [a,b,c,d,e] 1,2.5,'x',[00, ff],null\n\
         [name] "
    );
}

#[tokio::test]
async fn errors_have_sqlites_words() {
    let (_app, host) = start().await;
    sql(&host, "default", TABLE).await;
    let trigger = "CREATE TRIGGER no BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'not-you'); END";
    sql(&host, "default", &format!("{trigger}\nINSERT INTO t VALUES (1, 'a')")).await;
    for (statement, words) in [
        ("DELETE FROM t", "Error::Io(\"not-you\")"),
        ("INSERT INTO t VALUES (2, 'a')", "UNIQUE constraint failed: t.name"),
        ("SELEC 1", "near \\\"SELEC\\\": syntax error in SELEC 1 at offset 0"),
        ("SELECT 1; SELECT 2", "Multiple statements provided"),
        ("SELECT ?1", "Wrong number of parameters passed to query. Got 0, needed 1"),
        ("ATTACH 'x.db' AS x", "not authorized"),
        ("PRAGMA journal_mode = DELETE", "not authorized"),
        ("SELECT CAST(x'ff' AS TEXT)", "invalid utf-8"),
    ] {
        let answer = sql(&host, "default", statement).await;
        assert!(answer.starts_with("error: ") && answer.contains(words), "{statement}: {answer}");
    }
    let granted = sql(&host, "other", "SELECT 1").await;
    assert_eq!(granted, "[1] 1");
    assert_eq!(sql(&host, "third", "SELECT 1").await, "error: Error::AccessDenied");
}

#[tokio::test]
async fn a_large_answer_is_refused() {
    let (_app, host) = start_with(|options| options.limits.query_result_bytes = 1 << 20).await;
    let answer = sql(&host, "default", "SELECT zeroblob(2000000)").await;
    assert!(answer.contains("query result exceeds limit of 1048576 bytes"), "{answer}");
}

#[tokio::test]
async fn what_a_request_leaves_open_is_undone() {
    let (app, host) = start().await;
    sql(&host, "default", TABLE).await;
    let begin = "BEGIN IMMEDIATE\nINSERT INTO t VALUES (1, 'a')\nSELECT count(*) FROM t";
    assert!(sql(&host, "default", begin).await.ends_with("[count(*)] 1"));
    // The write lock is free again at once, although the instance lives on with its connection.
    other_process(&app).execute("INSERT INTO t VALUES (2, 'b')", []).unwrap();
    assert_eq!(sql(&host, "default", "SELECT id FROM t").await, "[id] 2");
    let log = app.log("guest");
    assert!(log.contains("left a transaction open; it was rolled back"), "{log}");
}

#[tokio::test]
async fn a_transaction_in_one_request_works() {
    let (_app, host) = start().await;
    let script = format!(
        "{TABLE}\nBEGIN IMMEDIATE\nINSERT INTO t VALUES (1, 'a')\nCOMMIT\nSELECT id FROM t"
    );
    assert!(sql(&host, "default", &script).await.ends_with("[id] 1"));
    assert_eq!(sql(&host, "default", "SELECT id FROM t").await, "[id] 1");
}

#[tokio::test]
async fn the_next_user_of_a_connection_finds_nothing_of_the_last() {
    let (_app, host) = start().await;
    let leave = format!(
        "{TABLE}\nINSERT INTO t VALUES (7, 'a')\nCREATE TEMP TABLE mine (id INTEGER)\n\
         PRAGMA foreign_keys = OFF"
    );
    sql(&host, "default!", &leave).await;
    let look = "changes\nrowid\nSELECT count(*) FROM sqlite_temp_master\nPRAGMA foreign_keys";
    assert_eq!(sql(&host, "default!", look).await, "0\n0\n[count(*)] 0\n[foreign_keys] 1");
}

#[tokio::test]
async fn a_locked_file_is_waited_for() {
    let (app, host) = start().await;
    sql(&host, "default", TABLE).await;
    let other = other_process(&app);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut writer = Client::connect(host.addr()).await;
    let insert = "INSERT INTO t VALUES (1, 'a')";
    writer.write(&post(insert)).await;
    // Reads, also those of other instances, do not wait with it.
    assert_eq!(sql(&host, "default", "SELECT count(*) FROM t").await, "[count(*)] 0");
    other.execute_batch("COMMIT").unwrap();
    assert_eq!(writer.read(false).await.body, "[] ");
    assert_eq!(sql(&host, "default", "SELECT count(*) FROM t").await, "[count(*)] 1");
}

#[tokio::test]
async fn a_file_that_stays_locked_is_an_error() {
    let (app, host) =
        start_with(|options| options.limits.busy_wait = Duration::from_millis(100)).await;
    sql(&host, "default", TABLE).await;
    let other = other_process(&app);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let insert = "INSERT INTO t VALUES (1, 'a')";
    let answer = sql(&host, "default", insert).await;
    assert_eq!(answer, "error: Error::Io(\"database is locked\")");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(sql(&host, "default", insert).await, "[] ");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_all_get_their_turn() {
    const WRITERS: usize = 32;
    const WRITES: usize = 10;
    let (app, host) = start().await;
    sql(&host, "default", TABLE).await;
    let insert = "INSERT INTO t DEFAULT VALUES\n".repeat(WRITES);
    let mut clients = Vec::new();
    for _ in 0..WRITERS {
        let mut client = Client::connect(host.addr()).await;
        client.write(&post(insert.trim_end())).await;
        clients.push(client);
    }
    for mut client in clients {
        let body = client.read(false).await.body;
        assert!(!body.contains("error"), "{body}");
    }
    let count = other_process(&app).query_row("SELECT count(*) FROM t", [], |row| row.get(0));
    assert_eq!(count, Ok(i64::try_from(WRITERS * WRITES).unwrap()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hosts_share_a_file() {
    const WRITES: usize = 100;
    let (app, first) = start().await;
    let second = host::Host::start(app.options()).await.unwrap();
    sql(&first, "default", TABLE).await;
    let insert = "INSERT INTO t DEFAULT VALUES\n".repeat(WRITES);
    let mut clients = Vec::new();
    for host in [&first, &second] {
        for _ in 0..4 {
            let mut client = Client::connect(host.addr()).await;
            client.write(&post(insert.trim_end())).await;
            clients.push(client);
        }
    }
    for mut client in clients {
        let body = client.read(false).await.body;
        assert!(!body.contains("error"), "{body}");
    }
    let count = sql(&second, "default", "SELECT count(*) FROM t").await;
    assert_eq!(count, format!("[count(*)] {}", 8 * WRITES));
}

/// Counts to more than any deadline allows.
const ENDLESS: &str =
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

#[tokio::test]
async fn a_long_query_holds_up_nobody_and_ends() {
    let (_app, host) =
        start_with(|options| options.limits.statement_deadline = Duration::from_millis(500)).await;
    let mut slow = Vec::new();
    for _ in 0..3 {
        let mut client = Client::connect(host.addr()).await;
        client.write(&post(ENDLESS)).await;
        slow.push(client);
    }
    let start = Instant::now();
    assert_eq!(text(&host, "/hello").await, "hello");
    assert_eq!(sql(&host, "default", "SELECT 1").await, "[1] 1");
    // One thread runs this test and the host, so both answers came while the queries ran.
    assert!(start.elapsed() < Duration::from_millis(450), "{:?}", start.elapsed());
    for mut client in slow {
        let body = client.read(false).await.body;
        assert_eq!(body, "error: Error::Io(\"interrupted: the statement took too long\")");
    }
    // Long, but not too long: it runs again, away from the runtime, and gives its answer.
    let long = ENDLESS.replace("FROM n)", "FROM n WHERE i < 200000)");
    assert_eq!(sql(&host, "default", &long).await, "[count(*)] 200000");
}

#[tokio::test]
async fn a_trap_undoes_its_transaction() {
    let (app, host) = start().await;
    sql(&host, "default", TABLE).await;
    let other = other_process(&app);
    other.busy_timeout(Duration::from_secs(5)).unwrap();
    sql(&host, "default", "BEGIN IMMEDIATE\nINSERT INTO t VALUES (1, 'a')").await;
    get(&host, "/trap").await.assert_problem(500);
    other.execute("INSERT INTO t VALUES (1, 'b')", []).unwrap();
    assert_eq!(sql(&host, "default", "SELECT name FROM t").await, "[name] 'b'");
}

fn post(script: &str) -> String {
    format!(
        "POST /sql?default HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{script}",
        script.len()
    )
}
