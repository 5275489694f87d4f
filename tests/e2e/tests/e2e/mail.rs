//! Mail on its way: the outbox, the mailer, both mail transports, and what the operator sees of it.

use accounts::mails::{password_changed, password_reset};
use domain::account::Email;
use domain::id::MailId;
use domain::time::Timestamp;
use e2e::{Behavior, MORNING, Market, Postmark};
use mail::Mail;
use serde_json::{Value, json};
use store::mails::{self, ATTEMPTS_MAX, FIRST_WAIT_SECONDS};

const ADA: &str = "ada@example.org";
const LINK: &str = "https://mycelium.example/reset?code=c0ffee0123456789c0ffee0123456789c0ffee";

fn to(address: &str) -> Mail {
    password_reset(&Email::parse(address).unwrap(), LINK)
}

/// A market that sends mail by a stand-in of Postmark.
async fn market() -> (Postmark, Market) {
    let postmark = Postmark::start().await;
    let market = Market::start_with_postmark(&postmark, &[]).await;
    // The first request of all makes the database.
    market.mails().await;
    (postmark, market)
}

/// When a market starts.
fn morning() -> Timestamp {
    Timestamp::from_seconds(MORNING)
}

/// Runs the mailer so often that whatever is due is sent.
async fn run(market: &Market) {
    for _ in 0..3 {
        market.run_mailer().await.unwrap();
    }
}

/// Fails unless the outbox shows so many mails that wait, and these errors of failed ones.
async fn check(market: &Market, waiting: u64, errors: &[&str]) {
    let mails = market.mails().await;
    let found: Vec<&str> = failed(&mails).map(|mail| mail["error"].as_str().unwrap()).collect();
    assert_eq!((mails["waiting"].as_u64().unwrap(), found.as_slice()), (waiting, errors));
}

fn failed(mails: &Value) -> impl Iterator<Item = &Value> {
    mails["failed"].as_array().unwrap().iter()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_is_posted_once_and_forgotten() {
    let (postmark, market) = market().await;
    assert_eq!(
        market.mails().await,
        json!({ "waiting": 0, "oldest_waiting_seconds": null, "failed": [] })
    );
    for number in 1..=3 {
        market.put_mail(&to(&format!("ada{number}@example.org")));
        market.pass(1);
    }
    assert_eq!(
        market.mails().await,
        json!({ "waiting": 3, "oldest_waiting_seconds": 3, "failed": [] })
    );
    run(&market).await;
    let mail = postmark.taken()[0].clone();
    assert_eq!(mail["From"], "\"Mycelium\" <no-reply@mycelium.example>");
    assert_eq!(mail["To"], "ada1@example.org");
    assert_eq!(mail["Subject"], "Reset your password");
    assert!(mail["TextBody"].as_str().unwrap().contains(&format!("\n{LINK}\n")));
    check(&market, 0, &[]).await;
    market.pass(365 * 24 * 60 * 60);
    run(&market).await;
    assert_eq!((postmark.taken().len(), postmark.received().len()), (3, 3));
    let log = market.log("mailer");
    assert_eq!(log.matches("password-reset attempt=1 sent").count(), 3, "{log}");
    assert!(!log.contains("example.org") && !log.contains("c0ffee"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_to_a_folder_can_be_read_there_and_by_the_browser() {
    let market = Market::start_with_folder().await;
    market.mails().await;
    market.put_mail(&to(ADA));
    run(&market).await;
    let names: Vec<String> = std::fs::read_dir(market.mail_folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(names, ["20261122T172000Z-0001.eml"]);
    let message = std::fs::read_to_string(market.mail_folder().join(&names[0])).unwrap();
    for line in [
        "From: \"Mycelium\" <no-reply@mycelium.example>",
        "To: <ada@example.org>",
        "Subject: Reset your password",
        "Date: Sun, 22 Nov 2026 17:20:00 +0000",
        LINK,
    ] {
        assert!(message.lines().any(|found| found == line), "{line} in {message}");
    }
    let list = market.dev_mail(None).await;
    assert_eq!(list.status, 200);
    let row = "<td>&lt;ada@example.org&gt;</td><td>Reset your password</td>";
    assert!(list.text().contains(row) && list.text().contains(&names[0]), "{list}");
    assert_eq!(market.dev_mail(Some(&names[0])).await.text(), message);
    check(&market, 0, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_goes_wrong_on_the_way_the_mail_is_sent_later() {
    let (postmark, market) = market().await;
    for behavior in [
        Behavior::Fail { status: 500, code: 0 },
        Behavior::Fail { status: 503, code: 100 },
        Behavior::Fail { status: 429, code: 429 },
        Behavior::Fail { status: 401, code: 10 },
        // The sender is not confirmed yet: the operator's to do.
        Behavior::Fail { status: 422, code: 400 },
        Behavior::Nonsense,
        Behavior::Hang,
        Behavior::Close,
    ] {
        let before = (postmark.received().len(), postmark.taken().len());
        let since = || (postmark.received().len() - before.0, postmark.taken().len() - before.1);
        market.put_mail(&to(ADA));
        postmark.set(behavior);
        run(&market).await;
        check(&market, 1, &[]).await;
        assert_eq!(since(), (1, 0), "{behavior:?}");
        market.pass(FIRST_WAIT_SECONDS - 1);
        run(&market).await;
        assert_eq!(since(), (1, 0), "{behavior:?}: too early");

        postmark.set(Behavior::Documented);
        market.pass(1);
        run(&market).await;
        check(&market, 0, &[]).await;
        assert_eq!(since(), (2, 1), "{behavior:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_transport_that_is_down_is_asked_once_in_a_run() {
    let (postmark, market) = market().await;
    for _ in 0..5 {
        market.put_mail(&to(ADA));
    }
    postmark.set(Behavior::Fail { status: 500, code: 0 });
    market.run_mailer().await.unwrap();
    assert_eq!(postmark.received().len(), 1);
    postmark.set(Behavior::Documented);
    market.run_mailer().await.unwrap();
    assert_eq!(postmark.taken().len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_that_keeps_failing_is_left_to_the_operator() {
    let (postmark, market) = market().await;
    let id = market.put_mail(&to(ADA));
    postmark.set(Behavior::Fail { status: 500, code: 0 });
    for attempt in 1..=ATTEMPTS_MAX {
        check(&market, 1, &[]).await;
        market.run_mailer().await.unwrap();
        assert_eq!(postmark.received().len(), usize::try_from(attempt).unwrap());
        market.pass(FIRST_WAIT_SECONDS << (attempt - 1));
    }
    let mails = market.mails().await;
    let listed = failed(&mails).next().unwrap();
    assert_eq!(listed["id"], id.to_string());
    assert_eq!((&listed["kind"], &listed["attempts"]), (&json!("password-reset"), &json!(10)));
    assert_eq!(listed["error"], "status 500, code 0");
    assert_eq!(listed["created_at"], "2026-11-22T17:20:00Z");
    assert_eq!(listed["failed_at"], "2026-11-22T21:35:30Z");
    assert!(!mails.to_string().contains("example.org"), "{mails:#}");
    market.run_mailer().await.unwrap();
    assert_eq!(postmark.received().len(), 10);

    // The operator has seen to it, and tries again.
    postmark.set(Behavior::Documented);
    let path = format!("/api/admin/mails/{id}/retry");
    market.operator().post_empty(&path).await.ok(204);
    check(&market, 1, &[]).await;
    run(&market).await;
    check(&market, 0, &[]).await;
    assert_eq!((postmark.received().len(), postmark.taken().len()), (11, 1));
    assert_eq!(postmark.taken()[0]["To"], ADA);
    // Sent is sent.
    market.operator().post_empty(&path).await.problem(404, "not-found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_that_is_never_taken_fails_at_once_and_holds_up_nothing() {
    let (postmark, market) = market().await;
    market.put_mail(&to(&format!("ben{}", Postmark::INACTIVE_HOST)));
    market.put_mail(&to(ADA));
    market.run_mailer().await.unwrap();
    assert_eq!(postmark.taken()[0]["To"], ADA);
    let why = "status 422, code 406: recipient inactive after a bounce or complaint";
    check(&market, 0, &[why]).await;
    // Postmark's own words name the address; ours do not.
    assert!(!market.mails().await.to_string().contains("ben@"));
    assert!(!market.log("mailer").contains("ben@"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_of_a_mailer_that_died_is_sent_by_the_next() {
    let (postmark, market) = market().await;
    let id = market.put_mail(&to(ADA));
    let taken = mails::claim(&market.open_database(), morning()).unwrap().unwrap();
    assert_eq!(taken.id, id);
    run(&market).await;
    assert_eq!(postmark.received().len(), 0);
    market.pass(FIRST_WAIT_SECONDS);
    run(&market).await;
    assert_eq!(postmark.taken().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_47_a_copy_of_the_database_shows_no_mail() {
    let (_postmark, market) = market().await;
    let id = market.put_failed_mail("nor.me@example.org").to_string();
    market.put_mail(&to("nobody.knows.me@example.org"));
    let bytes = market.database_bytes();
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has(&id) && has("password-reset"), "the outbox is in these bytes");
    for text in ["nobody.knows.me", "nor.me", "c0ffee", "Choose a new", "somebody else"] {
        assert!(!has(text), "{text}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mail_sealed_with_another_key_waits_until_the_key_is_back() {
    let postmark = Postmark::start().await;
    let other = format!("2:{}", "Ag".repeat(21) + "I=");
    let market = Market::start_with_postmark(&postmark, &[("encryption_keys", &other)]).await;
    market.mails().await;
    market.put_mail(&to(ADA));
    market.run_mailer().await.unwrap();
    check(&market, 1, &[]).await;
    assert_eq!(postmark.received().len(), 0);
    let log = market.log("mailer");
    assert!(log.contains("sealed with key 1, which is not among the encryption keys"), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_47_mail_that_is_not_what_was_sealed_for_its_row_is_never_sent() {
    let (postmark, market) = market().await;
    let (first, second) = (market.put_mail(&to(ADA)), market.put_mail(&to("ben@example.org")));
    let swap = "UPDATE mails SET sealed = (SELECT sealed FROM mails WHERE id = ?2) WHERE id = ?1";
    let db = market.open_database();
    db.connection().execute(swap, [first.to_string(), second.to_string()]).unwrap();
    run(&market).await;
    let taken = postmark.taken();
    assert_eq!((taken.len(), &taken[0]["To"]), (1, &json!("ben@example.org")));
    check(&market, 0, &["not what was sealed for this row"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_transport_nothing_is_sent_and_a_wrong_variable_is_named() {
    let postmark = Postmark::start().await;
    for (change, expected) in [
        (("mail_transport", ""), Ok(())),
        (("mail_from", ""), Err("mail_from: required if mail_transport is set")),
        (("public_url", ""), Err("public_url: required if mail_transport is set")),
        (("encryption_keys", ""), Err("encryption_keys: required if mail_transport is set")),
        (("mail_token", ""), Err("mail_token: required if mail_transport is set")),
        (("mail_from", "nobody"), Err("mail_from: expected an address, or Name <address>")),
    ] {
        let market = Market::start_with_postmark(&postmark, &[change]).await;
        market.mails().await;
        market.put_mail(&to(ADA));
        let expected = expected.map_err(|error| format!("deliver mails: {error}"));
        assert_eq!(market.run_mailer().await, expected, "{change:?}");
        check(&market, 1, &[]).await;
    }
    assert_eq!(postmark.received().len(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_long_ago_is_swept() {
    let (_postmark, market) = market().await;
    market.put_failed_mail("ben@example.org");
    market.put_mail(&password_changed(&Email::parse(ADA).unwrap(), 0, 0));
    run(&market).await;
    let count = || {
        let sql = "SELECT count(*) FROM mails";
        let db = market.open_database();
        let count: i64 = db.connection().query_row(sql, [], |row| row.get(0)).unwrap();
        count
    };
    market.pass(mails::KEPT_SECONDS - 1);
    run(&market).await;
    assert_eq!(count(), 2);
    market.pass(1);
    run(&market).await;
    assert_eq!(count(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_outbox_is_the_operators() {
    let market = Market::start().await;
    let ada = market.sign_up(ADA).await;
    let id = market.put_failed_mail(ADA);
    let path = format!("/api/admin/mails/{id}/retry");
    // For somebody who is no operator, there is none of it.
    for (client, status, kind) in
        [(market.visitor(), 401, "not-signed-in"), (ada, 404, "not-found")]
    {
        client.get("/api/admin/mails").await.problem(status, kind);
        client.post_empty(&path).await.problem(status, kind);
    }
    check(&market, 0, &["a test"]).await;
    let operator = market.operator();
    let unknown = MailId::from_random(morning(), [9; 10]);
    for id in ["mail-not-configured".to_owned(), unknown.to_string()] {
        let path = format!("/api/admin/mails/{id}/retry");
        operator.post_empty(&path).await.problem(404, "not-found");
    }
}
