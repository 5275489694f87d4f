//! Notifications: what is in the page, what is chosen, and what goes out once for each event.

use std::sync::Barrier;
use std::thread;

use domain::event::EventKind;
use domain::id::{DeliveryId, MailId, WebhookId};
use domain::notification::{Channel, NotificationCategory, NotificationSettings, Side};
use store::accounts::delete;
use store::notifications::{
    Batch, NewDelivery, NotificationMail, PendingNotification, choose, dispatch, list, mark_read,
    next, read_up_to, settings, unread,
};
use store::webhooks::{self, NewWebhook};
use store::{Db, RusqliteDb, Value, migrate, rentals};

use crate::market::{
    AIDA, Disk, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, by_hand, count,
    email, empty, market, now, open_account, random, rent,
};

/// Adds a webhook of an account.
pub(crate) fn add_webhook(db: &dyn Db, who: u32, number: u32) -> WebhookId {
    let id = WebhookId::from_random(now(), random(number));
    let url = format!("https://hook{number}.example/in");
    let new = NewWebhook { id, account: account(who), url: &url, sealed: b"sealed" };
    assert!(webhooks::add(db, &new, now()).unwrap());
    id
}

/// What an account finds in its page: kinds of events and its side.
fn found(db: &dyn Db, who: u32) -> Vec<(EventKind, Side)> {
    let notifications = list(db, account(who), None, 9).unwrap();
    notifications.into_iter().map(|notice| (notice.event.kind, notice.side)).collect()
}

/// Mails and messages as the notifier would make them: one of each telling.
fn make(batch: &Batch) -> (Vec<NotificationMail>, Vec<NewDelivery>) {
    let mut number = u32::try_from(batch.last).unwrap() * 100;
    let mut next = || {
        number += 1;
        random(number)
    };
    let mut mails = Vec::new();
    let mut messages = Vec::new();
    for pending in &batch.pending {
        if pending.mail_to.is_some() {
            let id = MailId::from_random(now(), next());
            let (kind, sealed) = ("notices".to_owned(), b"sealed".to_vec());
            mails.push(NotificationMail { id, account: pending.account, kind, sealed });
        }
        for webhook in &pending.webhooks {
            let event = &pending.notice.event;
            messages.push(NewDelivery {
                id: DeliveryId::from_random(now(), next()),
                webhook: *webhook,
                event: event.id,
                kind: event.kind,
                body: "{}".to_owned(),
            });
        }
    }
    (mails, messages)
}

fn send_all(db: &dyn Db) -> usize {
    let mut batches = 0;
    while let Some(batch) = next(db, 3).unwrap() {
        let (mails, messages) = make(&batch);
        assert!(dispatch(db, &batch, &mails, &messages, now()).unwrap());
        batches += 1;
    }
    batches
}

fn made(db: &RusqliteDb) -> (i64, i64) {
    let mails = count(db, "SELECT count(*) FROM mails");
    (mails, count(db, "SELECT count(*) FROM webhook_deliveries"))
}

#[test]
fn each_side_is_told_of_what_it_may_see_and_nobody_else() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!(found(&db, FARMER), [(EventKind::SliceRented, Side::Farmer)]);
    assert_eq!(found(&db, OMAR), [(EventKind::SliceRented, Side::Renter)]);
    assert_eq!(found(&db, OTHER_FARMER), []);
    rentals::end(&db, account(OMAR), rental.life.id, None, now().plus_seconds(9)).unwrap();
    assert_eq!(found(&db, FARMER)[0].0, EventKind::RentalEnded);
    let notifications = list(&db, account(FARMER), None, 9).unwrap();
    assert!(
        notifications.iter().all(|notice| notice.event.rental.is_none()),
        "a renter's is not told"
    );
    let notifications = list(&db, account(OMAR), None, 1).unwrap();
    assert_eq!(notifications[0].event.rental, Some(rental.life.id));
    let older = list(&db, account(OMAR), Some(notifications[0].event.id), 9).unwrap();
    assert_eq!(older.len(), 1, "the next page");
}

#[test]
fn what_is_read_is_read_up_to_an_event_that_there_is() {
    let db = market();
    rent(&db, attempt(OMAR, "1")).unwrap();
    rent(&db, attempt(AIDA, "2")).unwrap();
    let farmer = account(FARMER);
    assert_eq!((unread(&db, farmer), unread(&db, account(OMAR))), (Ok(2), Ok(1)));
    let first = list(&db, farmer, None, 9).unwrap()[1].event.id;
    mark_read(&db, farmer, first).unwrap();
    assert_eq!((unread(&db, farmer), read_up_to(&db, farmer)), (Ok(1), Ok(first)));
    mark_read(&db, farmer, 0).unwrap();
    assert_eq!(unread(&db, farmer), Ok(1), "it stays read");
    mark_read(&db, farmer, i64::MAX).unwrap();
    assert_eq!(unread(&db, farmer), Ok(0));
    rentals::end(&db, account(OMAR), crate::market::rental_id(OMAR), None, now()).unwrap();
    assert_eq!(unread(&db, farmer), Ok(1), "what happens later is new");
}

#[test]
fn choices_are_kept_where_they_differ() {
    let db = market();
    let mut chosen = NotificationSettings::default();
    chosen.set(NotificationCategory::Rented, Channel::Page, false);
    chosen.set(NotificationCategory::Extended, Channel::Mail, true);
    choose(&db, account(FARMER), &chosen).unwrap();
    assert_eq!(settings(&db, account(FARMER)), Ok(chosen));
    assert_eq!(count(&db, "SELECT count(*) FROM notification_settings"), 2);
    assert_eq!(settings(&db, account(OMAR)), Ok(NotificationSettings::default()));
    rent(&db, attempt(OMAR, "key")).unwrap();
    assert_eq!((found(&db, FARMER).len(), unread(&db, account(FARMER))), (0, Ok(0)));
    assert_eq!(found(&db, OMAR).len(), 1);
    choose(&db, account(FARMER), &NotificationSettings::default()).unwrap();
    assert_eq!(count(&db, "SELECT count(*) FROM notification_settings"), 0);
    assert_eq!(found(&db, FARMER).len(), 1);
}

#[test]
fn a_batch_has_whom_to_tell_and_how() {
    let db = market();
    let hook = add_webhook(&db, FARMER, 1);
    let mut chosen = NotificationSettings::default();
    chosen.set(NotificationCategory::Released, Channel::Webhook, false);
    choose(&db, account(FARMER), &chosen).unwrap();
    send_all(&db);
    rent(&db, attempt(OMAR, "key")).unwrap();
    rentals::end(&db, account(OMAR), crate::market::rental_id(OMAR), None, now()).unwrap();
    let batch = next(&db, 9).unwrap().unwrap();
    let short = |t: &PendingNotification| {
        let to = t.mail_to.as_ref().map(ToString::to_string);
        (t.notice.event.kind, to, t.webhooks.clone())
    };
    let pending: Vec<_> = batch.pending.iter().map(short).collect();
    let farmer = Some(email(FARMER).to_string());
    assert_eq!(
        pending,
        [
            (EventKind::SliceRented, farmer.clone(), vec![hook]),
            (EventKind::RentalEnded, farmer, vec![])
        ]
    );
    // Whoever is suspended is told nothing.
    by_hand(&db, "UPDATE accounts SET disabled_at = 1").unwrap();
    assert_eq!(next(&db, 9).unwrap().unwrap().pending, []);
}

#[test]
fn each_event_is_notified_once_whoever_is_at_it() {
    let disk = Disk::new("wal");
    let db = disk.open();
    migrate::apply(&db, now()).unwrap();
    crate::market::furnish(&db);
    add_webhook(&db, FARMER, 1);
    send_all(&db);
    for (number, renter) in [OMAR, AIDA, OMAR, AIDA, OMAR].into_iter().enumerate() {
        let key = format!("key-{number}");
        let id = u32::try_from(number).unwrap() + 10;
        rent(&db, crate::market::Attempt { id, ..attempt(renter, &key) }).unwrap_or_else(|_| {
            crate::market::fund(&db, renter, &format!("{}", 100 + number));
            rent(&db, crate::market::Attempt { id, ..attempt(renter, &key) }).unwrap()
        });
    }
    let barrier = Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let db = disk.open();
                barrier.wait();
                while let Ok(Some(batch)) = next(&db, 2) {
                    let (mails, messages) = make(&batch);
                    // Busy, or somebody was faster: look again.
                    let _ = dispatch(&db, &batch, &mails, &messages, now());
                }
            });
        }
    });
    assert_eq!(made(&db), (5, 5));
    let events = count(&db, "SELECT count(DISTINCT event_id) FROM webhook_deliveries");
    assert_eq!(events, 5);
    assert_sound(&db);
}

#[test]
fn a_batch_that_somebody_else_has_done_does_nothing() {
    let db = market();
    add_webhook(&db, FARMER, 1);
    rent(&db, attempt(OMAR, "key")).unwrap();
    let batch = next(&db, 99).unwrap().unwrap();
    let (mails, messages) = make(&batch);
    assert_eq!(dispatch(&db, &batch, &mails, &messages, now()), Ok(true));
    assert_eq!(dispatch(&db, &batch, &mails, &messages, now()), Ok(false));
    assert_eq!(made(&db), (1, 1));
    assert_eq!(next(&db, 99), Ok(None));
}

#[test]
fn what_happened_before_notifications_is_not_told() {
    let db = empty();
    open_account(&db, FARMER);
    assert_eq!(next(&db, 9), Ok(None));
    assert_eq!(unread(&db, account(FARMER)), Ok(0));
}

#[test]
fn a_deleted_account_leaves_no_webhook_and_no_choice() {
    let db = market();
    add_webhook(&db, OTHER_FARMER, 1);
    let kept = add_webhook(&db, FARMER, 2);
    let mut chosen = NotificationSettings::default();
    chosen.set(NotificationCategory::Rented, Channel::Mail, false);
    choose(&db, account(OTHER_FARMER), &chosen).unwrap();
    let event = "INSERT INTO events (kind, farmer_id, node_id, created_at)
                 VALUES ('node-down', ?1, ?2, 5)";
    let params = [Value::text(account(OTHER_FARMER)), NODE.into()];
    db.run(event, &params).unwrap();
    let batch = next(&db, 99).unwrap().unwrap();
    let (mails, messages) = make(&batch);
    assert_eq!((mails.len(), messages.len()), (1, 1));
    assert!(delete(&db, account(OTHER_FARMER), now()).is_ok());
    // Whoever made something of it before tells nobody.
    assert_eq!(dispatch(&db, &batch, &mails, &messages, now()), Ok(true));
    assert_eq!(made(&db), (0, 0));
    assert_eq!(count(&db, "SELECT count(*) FROM notification_settings"), 0);
    assert_eq!(count(&db, "SELECT count(*) FROM webhooks"), 1);
    assert!(webhooks::find(&db, account(FARMER), kept).unwrap().is_some());
}

/// What has a mail of its own is told of in the page and to webhooks, and not by a second mail.
#[test]
fn access_is_told_of_with_one_mail() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap().life.id.to_string();
    while let Some(batch) = next(&db, 99).unwrap() {
        assert_eq!(dispatch(&db, &batch, &[], &[], now()), Ok(true));
    }
    let both = [
        EventKind::AccessReady,
        EventKind::AccessFailed,
        EventKind::AccessLate,
        EventKind::RentalRefunded,
    ];
    let of_farmer = [EventKind::RemovalLate, EventKind::SliceRemoved];
    for (kind, renter) in
        both.map(|kind| (kind, Some(OMAR))).into_iter().chain(of_farmer.map(|kind| (kind, None)))
    {
        let event = "INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number,
                                         rental_id, created_at)
                     VALUES (?1, ?2, ?3, 32, 1, iif(?2 IS NULL, NULL, ?4), 5)";
        let renter = renter.map(|number| Value::text(account(number))).into();
        let params = [kind.into(), renter, Value::text(account(FARMER)), rental.as_str().into()];
        db.run(event, &params).unwrap();
    }
    let told = found(&db, OMAR);
    assert_eq!(told.iter().filter(|(kind, _)| both.contains(kind)).count(), 4);
    assert_eq!(found(&db, FARMER).iter().filter(|(kind, _)| of_farmer.contains(kind)).count(), 2);
    let batch = next(&db, 99).unwrap().unwrap();
    let mailed = |who: u32| {
        let pending = batch.pending.iter().filter(|it| it.account == account(who));
        let mailed = pending.filter(|pending| pending.mail_to.is_some());
        mailed.map(|pending| pending.notice.event.kind).collect::<Vec<_>>()
    };
    assert_eq!(mailed(OMAR), [EventKind::AccessReady, EventKind::AccessFailed]);
    assert_eq!(mailed(FARMER), [EventKind::AccessFailed, EventKind::AccessLate]);
}
