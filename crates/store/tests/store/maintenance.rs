//! Maintenance: announced a day ahead, told to who rents there, canceled, and recalled once.

use domain::id::{MaintenanceId, NodeId};
use domain::maintenance::{MaintenanceError, Window};
use domain::offering::{Locker, OfferingError};
use domain::time::Timestamp;
use store::maintenance::{Cursor, MaintenanceFailure, announce, cancel, list, open, remind};
use store::offering::{lock, unlock};
use store::{Db, RusqliteDb};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, by_hand,
    market, now, pass, random, register, rent,
};

const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;

fn id(number: u32) -> MaintenanceId {
    MaintenanceId::from_random(now(), random(number))
}

fn at(seconds: i64) -> Timestamp {
    now().plus_seconds(seconds)
}

/// Announces a window of `hours` on `NODE`.
fn begin(db: &dyn Db, number: u32, starts: i64, hours: i64) -> Result<(), MaintenanceFailure> {
    let window =
        Window { starts_at: at(starts), ends_at: at(starts + hours * HOUR), note: "Disks".into() };
    announce(db, account(FARMER), NodeId(NODE), id(number), window, now()).map(drop)
}

/// Who was told of what: the kind and the last character of the account or the rental.
fn told(db: &RusqliteDb, kind: &str) -> Vec<String> {
    let sql = "SELECT coalesce(substr(farmer_id, -1), substr(renter_id, -1) || ' ' || slice_number)
                 FROM events WHERE kind = ?1 AND node_id = 32 AND subject IS NOT NULL ORDER BY id";
    let rows = db.run(sql, &[kind.into()]).unwrap();
    rows.iter().map(|row| row.read().unwrap()).collect()
}

#[test]
fn windows_are_told_to_the_farmer_and_to_each_rental() {
    let db = market();
    rent(&db, attempt(OMAR, "key")).unwrap();
    rent(&db, Attempt { id: 9, ..attempt(OMAR, "more") }).unwrap();
    begin(&db, 1, 2 * DAY, 8).unwrap();
    let everybody = ["1", "3 1", "3 2"];
    assert_eq!(told(&db, "maintenance-announced"), everybody);
    let found = open(&db, NodeId(NODE), now()).unwrap();
    assert_eq!((found.len(), found[0].id, found[0].window.note.as_str()), (1, id(1), "Disks"));

    remind(&db, at(DAY - 1)).unwrap();
    assert_eq!(told(&db, "maintenance-due"), [""; 0]);
    rent(&db, Attempt { id: 10, at: at(DAY), ..attempt(AIDA, "key") }).unwrap();
    remind(&db, at(DAY)).unwrap();
    remind(&db, at(DAY + HOUR)).unwrap();
    assert_eq!(told(&db, "maintenance-due"), ["1", "3 1", "3 2", "4 3"]);

    let late = at(2 * DAY + HOUR);
    assert_eq!(cancel(&db, account(FARMER), NodeId(NODE), id(1), late), Ok(true));
    assert_eq!(cancel(&db, account(FARMER), NodeId(NODE), id(1), late), Ok(false));
    assert_eq!(told(&db, "maintenance-canceled"), ["1", "3 1", "3 2", "4 3"]);
    assert_eq!(open(&db, NodeId(NODE), now()), Ok(vec![]));
    assert_sound(&db);
}

#[test]
fn nobody_is_told_of_what_is_over_or_who_rents_no_more() {
    let db = market();
    let rental = rent(&db, attempt(OMAR, "key")).unwrap();
    begin(&db, 1, DAY, 1).unwrap();
    begin(&db, 2, 40 * DAY, 1).unwrap();
    assert_eq!(open(&db, NodeId(NODE), at(DAY + HOUR)).unwrap().len(), 1);
    remind(&db, at(DAY + HOUR)).unwrap();
    assert_eq!(told(&db, "maintenance-due"), [""; 0]);
    let over = at(DAY + HOUR);
    assert_eq!(cancel(&db, account(FARMER), NodeId(NODE), id(1), over), Ok(false));
    pass(&db, rental.life.grace_until(), 10);
    remind(&db, at(39 * DAY)).unwrap();
    assert_eq!(told(&db, "maintenance-due"), ["1"]);
}

#[test]
fn windows_are_four_at_most_and_never_overlap() {
    let db = market();
    begin(&db, 1, 2 * DAY, 2).unwrap();
    let before = dump(&db);
    let refused = |error| Err(MaintenanceFailure::Rule(error));
    assert_eq!(begin(&db, 9, 2 * DAY + HOUR, 2), refused(MaintenanceError::Overlaps));
    assert_eq!(begin(&db, 9, 2 * DAY - HOUR, 2), refused(MaintenanceError::Overlaps));
    assert_eq!(dump(&db), before);
    for number in 2..=4 {
        begin(&db, number, 2 * DAY + i64::from(number - 1) * 2 * HOUR, 2).unwrap();
    }
    assert_eq!(begin(&db, 9, 9 * DAY, 1), refused(MaintenanceError::TooMany));
    // The database itself lets no two windows overlap.
    let (from, to) = (at(2 * DAY + HOUR).seconds(), at(2 * DAY + 2 * HOUR).seconds());
    let sql = format!(
        "INSERT INTO maintenance (id, node_id, starts_at, ends_at, note, announced_at)
         VALUES ('x', 32, {from}, {to}, '', {})",
        now().seconds()
    );
    let refused = by_hand(&db, &sql).unwrap_err().to_string();
    assert!(refused.contains("maintenance_overlaps"), "{refused}");
    assert_eq!(cancel(&db, account(FARMER), NodeId(NODE), id(3), now()), Ok(true));
    begin(&db, 9, 2 * DAY + 4 * HOUR, 2).unwrap();
    assert_sound(&db);
    let page = |behind, limit| {
        let found = list(&db, account(FARMER), NodeId(NODE), behind, limit).unwrap();
        found.iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 10), [id(4), id(9), id(3), id(2), id(1)]);
    let behind = Cursor { starts_at: at(2 * DAY + 4 * HOUR).seconds(), id: id(9) };
    assert_eq!(page(Some(behind), 2), [id(3), id(2)]);
}

#[test]
fn only_the_farmer_announces_and_only_while_it_is_not_locked() {
    let db = market();
    register(&db, OTHER_FARMER, 33, 3);
    let window = Window { starts_at: at(DAY), ends_at: at(DAY + HOUR), note: String::new() };
    let by = |farmer, node| {
        announce(&db, account(farmer), NodeId(node), id(1), window.clone(), now()).map(drop)
    };
    assert_eq!(by(OTHER_FARMER, NODE), Err(MaintenanceFailure::NoSuchNode));
    assert_eq!(by(FARMER, 33), Err(MaintenanceFailure::NoSuchNode));
    lock(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    let locked = || MaintenanceFailure::Locked(OfferingError::Locked(Locker::Farmer));
    assert_eq!(by(FARMER, NODE), Err(locked()));
    unlock(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    by(FARMER, NODE).unwrap();
    let cancel_by = |farmer, node| cancel(&db, account(farmer), NodeId(node), id(1), now());
    assert_eq!(cancel_by(OTHER_FARMER, NODE), Err(MaintenanceFailure::NoSuchNode));
    assert_eq!(cancel_by(OTHER_FARMER, 33), Ok(false));
    lock(&db, account(FARMER), NodeId(NODE), now()).unwrap();
    assert_eq!(cancel_by(FARMER, NODE), Err(locked()));
    assert_eq!(list(&db, account(OTHER_FARMER), NodeId(NODE), None, 10), Ok(vec![]));
    let refused = by_hand(&db, "DELETE FROM maintenance").unwrap_err().to_string();
    assert!(refused.contains("never_deleted"), "{refused}");
}
