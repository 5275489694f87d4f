//! A stream of what happens, look by look.

use domain::account::Email;
use domain::id::{AccountId, SessionId};
use domain::money::Usd;
use domain::time::Timestamp;
use http::header::{ACCEPT, COOKIE, HOST};
use store::ledger::{self, Credit};
use store::sessions::{self, NewSession};
use store::{RusqliteDb, accounts, migrate};
use web::live::{self, Feed};
use web::{Config, Context, session};

use crate::market::now;

const SECRET: &str = "the-secret-of-a-session";

/// An account that is signed in.
fn signed_in() -> (RusqliteDb, AccountId) {
    let db = RusqliteDb::in_memory().unwrap();
    migrate::apply(&db, now()).unwrap();
    let account = AccountId::from_random(now(), [7; 10]);
    let email = Email::parse("ada@example.org").unwrap();
    assert!(accounts::create(&db, account, &email, "$", now()).unwrap());
    let session = NewSession {
        id: SessionId::from_random(now(), [7; 10]),
        hash: &session::hash(SECRET),
        account,
        is_strong: false,
        address: "",
        user_agent: "",
        expires_at: now().plus_months(1),
    };
    assert!(sessions::open(&db, &session, now()).unwrap());
    (db, account)
}

fn credit(db: &RusqliteDb, key: &str) {
    let email = &Email::parse("ada@example.org").unwrap();
    let amount = Usd::from_micros(1_000_000);
    ledger::credit(db, &Credit { email, amount, reason: "Gift", key }, now()).unwrap();
}

/// The stream that a request opens.
fn open(db: &RusqliteDb, target: &str, more: &[(&str, &str)]) -> Feed {
    let mut request = http::Request::get(target)
        .header(HOST, "localhost:3000")
        .header(ACCEPT, "application/json;q=0.5, Text/Event-Stream; charset=utf-8")
        .header(COOKIE, format!("session={SECRET}"));
    for (name, value) in more {
        request = request.header(*name, *value);
    }
    let request = request.body(Vec::new()).unwrap();
    let config = Config::unset();
    let mut cx = Context::new(db, &config, &request, now());
    cx.identity = session::identify(db, &request, now()).ok().unwrap();
    let mut response = live::answer(&cx).ok().unwrap();
    response.extensions_mut().remove().unwrap()
}

fn look(feed: &mut Feed, db: &RusqliteDb, now: Timestamp) -> (String, bool) {
    let look = feed.look(db, now).unwrap();
    (look.text, look.is_last)
}

#[test]
fn a_stream_says_what_is_new_and_that_it_is_alive() {
    let (db, _) = signed_in();
    credit(&db, "first");
    let mut feed = open(&db, "/api/events", &[]);
    let begun = "retry: 3000\nevent: begun\nid: 1\ndata: {}\n\n";
    assert_eq!(look(&mut feed, &db, now()), (begun.to_owned(), false));
    credit(&db, "second");
    let told = "id: 2\ndata: {\"id\":2,\"kind\":\"wallet-credited\",\"rental_id\":null,\
                \"node_id\":null,\"slice_id\":null,\"subject\":null,\
                \"at\":\"2026-07-29T12:00:00Z\"}\n\n";
    assert_eq!(look(&mut feed, &db, now()), (told.to_owned(), false));
    let said: Vec<_> = (3..=50).map(|_| look(&mut feed, &db, now())).collect();
    let alive = (":\n\n".to_owned(), false);
    let quiet = (String::new(), false);
    assert_eq!(said[..5], [quiet.clone(), quiet.clone(), quiet.clone(), quiet, alive]);
    assert_eq!(said.iter().filter(|(text, _)| !text.is_empty()).count(), 9);
    assert_eq!(said.iter().map(|(_, is_last)| *is_last).collect::<Vec<_>>(), {
        let mut expected = vec![false; 48];
        expected[47] = true;
        expected
    });
}

#[test]
fn a_stream_begins_where_its_client_left() {
    let (db, _) = signed_in();
    for key in ["first", "second", "third"] {
        credit(&db, key);
    }
    let ids = |target: &str, more: &[(&str, &str)]| {
        let mut feed = open(&db, target, more);
        let (text, _) = look(&mut feed, &db, now());
        let ids = text.lines().filter_map(|line| line.strip_prefix("id: "));
        ids.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids("/api/events", &[]), "3");
    assert_eq!(ids("/api/events?after=1", &[]), "1 2 3");
    assert_eq!(ids("/api/events?after=1", &[("last-event-id", "2")]), "2 3");
    assert_eq!(ids("/api/events?after=99", &[]), "3");
}

#[test]
fn a_stream_ends_when_its_session_does() {
    let (db, account) = signed_in();
    let mut feed = open(&db, "/api/events", &[]);
    look(&mut feed, &db, now());
    sessions::close(&db, &session::hash(SECRET)).unwrap();
    credit(&db, "unseen");
    assert_eq!(look(&mut feed, &db, now()), (String::new(), true));

    // Where nothing happens it is seen at the tenth look.
    let (db, _) = signed_in();
    let mut feed = open(&db, "/api/events", &[]);
    look(&mut feed, &db, now());
    accounts::disable(&db, account, Some(now())).unwrap();
    let looks = (2..=10).map(|_| look(&mut feed, &db, now()).1).collect::<Vec<_>>();
    assert_eq!(looks, [false, false, false, false, false, false, false, false, true]);
}
