//! Webhooks and their messages: taken once, tried again by the schedule, given up, and replayed.

use domain::id::{DeliveryId, WebhookId};
use store::webhooks::{
    ATTEMPTS_MAX, Claimed, DeliveryState, FAILING_SECONDS, Failure, KEPT_SECONDS, LEASE_SECONDS,
    NewWebhook, WAITS_SECONDS, WEBHOOKS_MAX, add, claim, deliveries, failed_attempt, find,
    make_test, of_account, remove, replay, rotate, sent, sweep,
};
use store::{Db, RusqliteDb, Value};

use crate::market::{AIDA, OMAR, account, by_hand, count, empty, now, open_account, random};
use crate::notifications::add_webhook;

fn accounts() -> RusqliteDb {
    let db = empty();
    open_account(&db, OMAR);
    open_account(&db, AIDA);
    db
}

fn message(number: u32) -> DeliveryId {
    DeliveryId::from_random(now(), random(number))
}

/// A message of an event, due now.
fn put(db: &dyn Db, webhook: WebhookId, number: u32) -> DeliveryId {
    let sql = "INSERT INTO webhook_deliveries
                      (id, webhook_id, event_id, kind, body, due_at, created_at)
               VALUES (?1, ?2, ?3, 'slice-rented', '{}', ?4, ?4)";
    let params = [Value::text(message(number)), Value::text(webhook), number.into(), now().into()];
    db.run(sql, &params).unwrap();
    message(number)
}

/// What is taken so many seconds later.
fn taken(db: &dyn Db, seconds: i64) -> Vec<Claimed> {
    claim(db, &[], 9, now().plus_seconds(seconds)).unwrap()
}

fn fail(db: &dyn Db, claimed: &Claimed, status: Option<u16>, seconds: i64) {
    let failure = Failure { status, why: "a\nreason".to_owned() };
    failed_attempt(db, claimed, &failure, now().plus_seconds(seconds)).unwrap();
}

#[test]
fn an_account_has_a_few_webhooks_of_its_own() {
    let db = accounts();
    for number in 0..WEBHOOKS_MAX {
        add_webhook(&db, OMAR, number);
    }
    let id = WebhookId::from_random(now(), random(99));
    let one_more =
        NewWebhook { id, account: account(OMAR), url: "https://x.example/", sealed: b"s" };
    assert_eq!(add(&db, &one_more, now()), Ok(false));
    let first = of_account(&db, account(OMAR)).unwrap().remove(0);
    assert_eq!(first.url, "https://hook0.example/in");
    assert_eq!(of_account(&db, account(AIDA)), Ok(vec![]));
    assert_eq!(find(&db, account(AIDA), first.id), Ok(None));
    assert_eq!(rotate(&db, account(AIDA), first.id, b"sealed", b"new"), Ok(false));
    assert_eq!(rotate(&db, account(OMAR), first.id, b"other", b"new"), Ok(false));
    assert_eq!(rotate(&db, account(OMAR), first.id, b"sealed", b"new"), Ok(true));
    assert_eq!(find(&db, account(OMAR), first.id).unwrap().unwrap().1, b"new");
    put(&db, first.id, 1);
    assert_eq!(remove(&db, account(AIDA), first.id), Ok(false));
    assert_eq!(remove(&db, account(OMAR), first.id), Ok(true));
    assert_eq!(count(&db, "SELECT count(*) FROM webhook_deliveries"), 0);
    assert_eq!(add(&db, &one_more, now()), Ok(true));
}

#[test]
fn one_message_of_each_webhook_is_taken_at_a_time() {
    let db = accounts();
    let (omars, aidas) = (add_webhook(&db, OMAR, 1), add_webhook(&db, AIDA, 2));
    for number in 0..3 {
        put(&db, omars, 10 + number);
        put(&db, aidas, 20 + number);
    }
    let first = taken(&db, 0);
    let mut ids: Vec<_> = first.iter().map(|claimed| claimed.id).collect();
    ids.sort_unstable();
    assert_eq!(ids, [message(10), message(20)]);
    assert!(first.iter().all(|claimed| claimed.attempt == 1 && claimed.sealed == b"sealed"));
    // Another sender takes others, and none of a webhook that has failed in this run.
    let second: Vec<_> = claim(&db, &[aidas], 9, now()).unwrap();
    assert_eq!(second.iter().map(|claimed| claimed.id).collect::<Vec<_>>(), [message(11)]);
    assert_eq!(claim(&db, &[], 1, now()).unwrap().len(), 1, "no more than asked for");
    // Whoever died with a message leaves it to the next, once the lease is over.
    for claimed in first {
        sent(&db, claimed.id, 200, now()).unwrap();
    }
    let later = taken(&db, LEASE_SECONDS);
    assert!(later.iter().any(|claimed| claimed.id == message(11) && claimed.attempt == 2));
}

#[test]
fn a_message_is_tried_by_the_schedule_and_given_up() {
    let db = accounts();
    let hook = add_webhook(&db, OMAR, 1);
    put(&db, hook, 1);
    let mut at = 0;
    for attempt in 1..=ATTEMPTS_MAX {
        let claimed = taken(&db, at).remove(0);
        assert_eq!(claimed.attempt, attempt);
        fail(&db, &claimed, Some(500), at);
        if let Some(wait) = WAITS_SECONDS.get(usize::try_from(attempt).unwrap() - 1) {
            assert_eq!(taken(&db, at + wait - 1), []);
            at += wait;
        }
    }
    assert_eq!(at, WAITS_SECONDS.iter().sum::<i64>());
    assert_eq!(taken(&db, 1_000_000), []);
    let log = deliveries(&db, account(OMAR), hook, None, 9).unwrap();
    let [delivery] = &log[..] else { panic!("{log:?}") };
    assert_eq!((delivery.state, delivery.attempts), (DeliveryState::Failed, ATTEMPTS_MAX));
    assert_eq!(
        (delivery.last_status, delivery.last_error.as_deref()),
        (Some(500), Some("a reason"))
    );
    assert_eq!(deliveries(&db, account(AIDA), hook, None, 9), Ok(vec![]));
    let webhook = find(&db, account(OMAR), hook).unwrap().unwrap().0;
    assert_eq!((webhook.failing_since, webhook.disabled_at), (Some(now()), None));
    // Replayed, it has all of its attempts again, under the same id.
    assert_eq!(replay(&db, account(AIDA), hook, message(1), now()), Ok(false));
    assert_eq!(replay(&db, account(OMAR), hook, message(9), now()), Ok(false));
    assert_eq!(replay(&db, account(OMAR), hook, message(1), now()), Ok(true));
    assert_eq!(replay(&db, account(OMAR), hook, message(1), now()), Ok(true));
    let claimed = taken(&db, 0).remove(0);
    assert_eq!((claimed.id, claimed.attempt), (message(1), 1));
    sent(&db, claimed.id, 204, now()).unwrap();
    let webhook = find(&db, account(OMAR), hook).unwrap().unwrap().0;
    assert_eq!(webhook.failing_since, None, "it works again");
}

#[test]
fn a_failure_that_comes_late_changes_nothing() {
    let db = accounts();
    let hook = add_webhook(&db, OMAR, 1);
    put(&db, hook, 1);
    let slow = taken(&db, 0).remove(0);
    let fast = taken(&db, LEASE_SECONDS).remove(0);
    sent(&db, fast.id, 200, now()).unwrap();
    fail(&db, &slow, None, 70);
    let log = deliveries(&db, account(OMAR), hook, None, 9).unwrap();
    assert_eq!(log[0].state, DeliveryState::Sent);
    assert_eq!(find(&db, account(OMAR), hook).unwrap().unwrap().0.failing_since, None);
}

#[test]
fn an_endpoint_that_is_gone_is_disabled_at_once_and_its_owner_is_told() {
    let db = accounts();
    let hook = add_webhook(&db, OMAR, 1);
    put(&db, hook, 1);
    put(&db, hook, 2);
    let claimed = taken(&db, 0).remove(0);
    fail(&db, &claimed, Some(410), 0);
    let webhook = find(&db, account(OMAR), hook).unwrap().unwrap().0;
    assert_eq!(webhook.disabled_at, Some(now()));
    assert_eq!(taken(&db, 1_000_000), []);
    let log = deliveries(&db, account(OMAR), hook, None, 9).unwrap();
    assert!(log.iter().all(|delivery| delivery.state == DeliveryState::Failed), "{log:?}");
    let told = "SELECT count(*) FROM events WHERE kind = 'webhook-disabled'";
    assert_eq!(count(&db, told), 1);
    // A test is sent all the same, and once it gets through the webhook is enabled.
    let test = |number| {
        let made = make_test(&db, account(OMAR), hook, message(number), "{}", now()).unwrap();
        assert_eq!(made.unwrap().id, message(number));
        assert_eq!(make_test(&db, account(AIDA), hook, message(98), "{}", now()).unwrap(), None);
        taken(&db, 0).remove(0)
    };
    fail(&db, &test(3), Some(500), 0);
    assert_eq!(taken(&db, 1_000_000), [], "a test is tried once");
    sent(&db, test(4).id, 200, now()).unwrap();
    assert_eq!(find(&db, account(OMAR), hook).unwrap().unwrap().0.disabled_at, None);
    assert_eq!(count(&db, told), 1);
}

#[test]
fn what_fails_for_five_days_is_disabled() {
    let db = accounts();
    let hook = add_webhook(&db, OMAR, 1);
    put(&db, hook, 1);
    fail(&db, &taken(&db, 0)[0], None, 0);
    by_hand(&db, "UPDATE webhook_deliveries SET state = 'failed', finished_at = 5").unwrap();
    put(&db, hook, 2);
    let disabled_at = |db| find(db, account(OMAR), hook).unwrap().unwrap().0.disabled_at;
    fail(&db, &taken(&db, FAILING_SECONDS - 1)[0], None, FAILING_SECONDS - 1);
    assert_eq!(disabled_at(&db), None);
    let at = FAILING_SECONDS + 4;
    fail(&db, &taken(&db, at)[0], None, at);
    assert_eq!(disabled_at(&db), Some(now().plus_seconds(at)));
}

#[test]
fn old_messages_are_swept() {
    let db = accounts();
    let hook = add_webhook(&db, OMAR, 1);
    put(&db, hook, 1);
    put(&db, hook, 2);
    sent(&db, message(1), 200, now()).unwrap();
    sweep(&db, now().plus_seconds(KEPT_SECONDS - 1)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM webhook_deliveries"), 2);
    sweep(&db, now().plus_seconds(KEPT_SECONDS)).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM webhook_deliveries"), 1, "what waits stays");
}
