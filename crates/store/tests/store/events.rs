//! Who sees what of what happened, and from where on; which kinds of events there are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use domain::event::EventKind;
use domain::id::{NodeId, SliceId};
use domain::listing::Listing;
use domain::notification::Side;
use store::{Db, RusqliteDb, events};
use strum::VariantArray;

use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, attempt, empty, fund, market, now,
    rent, rental_id, set, usd,
};

/// What an account sees after an event: number, kind, slice, and whether it sees the rental.
fn seen(db: &RusqliteDb, who: u32, after: i64, limit: u32) -> Vec<String> {
    let show = |event: events::Event| {
        assert_eq!(event.at, now());
        assert!(event.slice.is_none_or(|slice| Some(slice.node) == event.node));
        let slice = event.slice.map_or_else(|| "-".to_owned(), |slice| slice.to_string());
        let rental = if event.rental.is_some() { "its own" } else { "-" };
        format!("{} {} {slice} {rental}", event.id, event.kind)
    };
    events::since(db, account(who), after, limit).unwrap().into_iter().map(show).collect()
}

/// After the market's own beginning: Omar rents, Aida rents, the farmer pauses, Omar gets money.
fn busy_market() -> (RusqliteDb, i64) {
    let db = market();
    let before = [OMAR, AIDA, FARMER].map(|who| events::last(&db, account(who)).unwrap());
    let before = before.into_iter().max().unwrap();
    rent(&db, attempt(OMAR, "omar")).unwrap();
    rent(&db, Attempt { slice: Some(7), ..attempt(AIDA, "aida") }).unwrap();
    set(&db, NODE, Some(usd("25")), Listing::Paused);
    fund(&db, OMAR, "5");
    (db, before)
}

#[test]
fn everybody_sees_their_own() {
    let (db, before) = busy_market();
    let id = |behind: i64| before + behind;
    let rented = |behind, slice| format!("{} slice-rented node32_slice_{slice}", id(behind));
    assert_eq!(
        seen(&db, OMAR, before, 9),
        [format!("{} its own", rented(1, 1)), format!("{} wallet-credited - -", id(4))]
    );
    assert_eq!(seen(&db, AIDA, before, 9), [format!("{} its own", rented(2, 7))]);
    // A farm's owner sees that a slice is rented, and not whose rental that is.
    assert_eq!(
        seen(&db, FARMER, before, 9),
        [
            format!("{} -", rented(1, 1)),
            format!("{} -", rented(2, 7)),
            format!("{} node-paused - -", id(3))
        ]
    );
    assert!(seen(&db, OTHER_FARMER, 0, 9).is_empty());

    let first = &events::since(&db, account(OMAR), before, 1).unwrap()[0];
    assert_eq!(first.rental, Some(rental_id(OMAR)));
    assert_eq!(first.slice, Some(SliceId { node: NodeId(NODE), number: 1 }));
}

#[test]
fn whoever_goes_on_from_the_last_one_misses_nothing_and_sees_nothing_twice() {
    let (db, _) = busy_market();
    for (who, least) in [(FARMER, 5), (OMAR, 3), (AIDA, 2)] {
        let whole = seen(&db, who, 0, 100);
        assert!(whole.len() >= least, "{whole:?}");
        for limit in 1..=6 {
            let (mut after, mut all) = (0, vec![]);
            loop {
                let part = events::since(&db, account(who), after, limit).unwrap();
                let Some(last) = part.last() else { break };
                assert!(part.len() <= usize::try_from(limit).unwrap() && last.id > after);
                all.extend(seen(&db, who, after, limit));
                after = last.id;
            }
            assert_eq!(all, whole);
            assert_eq!(after, events::last(&db, account(who)).unwrap());
        }
    }
    assert_eq!(events::last(&db, account(OTHER_FARMER)), Ok(0));
}

/// The market does not let a farmer rent from themselves; what is both is still told once.
#[test]
fn what_concerns_somebody_twice_is_notified_once() {
    let (db, _) = busy_market();
    let sql = "INSERT INTO events (kind, renter_id, farmer_id, node_id, slice_number, rental_id,
                                   created_at)
               SELECT kind, farmer_id, farmer_id, node_id, slice_number, rental_id, created_at
                 FROM events WHERE kind = 'slice-rented'";
    let last = events::last(&db, account(FARMER)).unwrap();
    crate::market::by_hand(&db, sql).unwrap();
    assert_eq!(seen(&db, FARMER, last, 9).len(), 2);
}

/// The statements of triggers that insert events, without comments.
fn inserts(db: &RusqliteDb) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'";
    let connection = db.connection();
    let mut triggers = connection.prepare(sql).unwrap();
    let triggers = triggers.query_map([], |row| row.get(0)).unwrap();
    let statements = |trigger: String| {
        let lines = trigger.lines().map(|line| line.split("--").next().unwrap());
        let trigger = lines.collect::<Vec<_>>().join("\n");
        let statements = trigger.split("INSERT INTO ").skip(1);
        // Commands that pass the name of an event on.
        let targets = ["events", "change_rental", "revoke_farm", "notify_maintenance"];
        let is_event = |statement: &&str| {
            targets.iter().any(|target| statement.split_whitespace().next() == Some(*target))
        };
        let until_end = |statement: &str| statement.split(';').next().unwrap().to_owned();
        statements.filter(is_event).map(until_end).collect::<Vec<_>>()
    };
    triggers.flat_map(|trigger| statements(trigger.unwrap())).collect()
}

/// The kinds that a statement names.
fn named(statement: &str) -> Vec<EventKind> {
    let quoted = statement.split('\'').skip(1).step_by(2);
    let names = quoted.filter(|text| {
        text.contains('-') && text.chars().all(|it| it == '-' || it.is_ascii_lowercase())
    });
    let read = |name: &str| name.parse().unwrap_or_else(|_| panic!("{name} in {statement}"));
    let is_of_listing = statement.contains("'node-' || NEW.listing");
    let of_listing = [EventKind::NodePublished, EventKind::NodePaused];
    let of_listing = of_listing.into_iter().filter(|_| is_of_listing);
    names.filter(|name| *name != "node-").map(read).chain(of_listing).collect()
}

/// The kinds that Rust gives to commands.
fn given() -> Vec<EventKind> {
    let here = env!("CARGO_MANIFEST_DIR");
    let mut sources = String::new();
    for folder in ["src", "../domain/src"] {
        for entry in fs::read_dir(format!("{here}/{folder}")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() && !path.ends_with("domain/src/event.rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }
    let names = sources.split("EventKind::").skip(1);
    let names: BTreeSet<&str> =
        names.map(|rest| rest.split(|it: char| !it.is_alphanumeric()).next().unwrap()).collect();
    let is_given = |kind: &EventKind| names.contains(format!("{kind:?}").as_str());
    EventKind::VARIANTS.iter().copied().filter(is_given).collect()
}

#[test]
fn every_kind_is_written_and_every_kind_that_is_written_is_known() {
    let db = empty();
    let written = inserts(&db).into_iter().flat_map(|statement| named(&statement)).chain(given());
    let known: BTreeSet<EventKind> = EventKind::VARIANTS.iter().copied().collect();
    assert_eq!(written.collect::<BTreeSet<_>>(), known);
    let kept: Vec<String> =
        (&db as &dyn Db).all("SELECT kind FROM event_kinds ORDER BY kind", &[]).unwrap();
    let kept: BTreeSet<EventKind> = kept.iter().map(|kind| kind.parse().unwrap()).collect();
    assert_eq!(kept, known);
}

#[test]
fn an_event_for_somebody_else_is_refused() {
    let db = market();
    let insert = |kind: EventKind, side: Side| {
        let column = match side {
            Side::Renter => "renter_id",
            Side::Farmer => "farmer_id",
        };
        let sql = format!(
            "INSERT INTO events (kind, {column}, created_at)
             SELECT '{kind}', id, 5 FROM accounts LIMIT 1"
        );
        crate::market::by_hand(&db, &sql).is_ok()
    };
    for kind in EventKind::VARIANTS {
        for side in [Side::Renter, Side::Farmer] {
            assert_eq!(insert(*kind, side), kind.audience().has(side), "{kind} {side:?}");
        }
    }
}

#[test]
fn an_event_concerns_whom_its_kind_says() {
    let mut concerned: BTreeMap<EventKind, [bool; 2]> = BTreeMap::new();
    for statement in inserts(&empty()) {
        let (columns, _) = statement.split_once(')').unwrap();
        // What a machine's removal tells of concerns its farmer alone.
        let hides_renter = statement.contains("renter_id, NULL)");
        for kind in named(&statement) {
            let is_removal = matches!(kind, EventKind::SliceRemoved | EventKind::RemovalLate);
            let [renter, farmer] = concerned.entry(kind).or_default();
            *renter |= columns.contains("renter_id") && !(hides_renter && is_removal);
            *farmer |= columns.contains("farmer_id");
        }
    }
    for (kind, concerned) in concerned {
        // Another command inserts it.
        if concerned != [false, false] {
            let audience = kind.audience();
            assert_eq!(
                [Side::Renter, Side::Farmer].map(|side| audience.has(side)),
                concerned,
                "{kind}"
            );
        }
    }
}
