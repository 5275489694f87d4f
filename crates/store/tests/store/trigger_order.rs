//! The order of triggers carries no meaning: `SQLite` defines none.
//!
//! Every test has its triggers created in one of three orders, by its name, or in that of the
//! variable `TRIGGER_ORDER`: `forward`, `backward` or `shuffled`.

use std::cell::Cell;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::{env, thread};

use store::{Db, RusqliteDb};

use crate::dump::dump;
use crate::invariants::healthy;
use crate::market::by_hand;

/// In which order triggers are created.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// As the files have them.
    Forward,
    Backward,
    /// By a hash of their names.
    Shuffled,
}

impl Order {
    pub(crate) const ALL: [Order; 3] = [Order::Forward, Order::Backward, Order::Shuffled];

    /// The order of this test.
    fn of_test() -> Order {
        match env::var("TRIGGER_ORDER").as_deref() {
            Ok("forward") => Order::Forward,
            Ok("backward") => Order::Backward,
            Ok("shuffled") => Order::Shuffled,
            Ok(other) => panic!("TRIGGER_ORDER is {other}"),
            Err(_) => Order::ALL[usize::from(hash(thread::current().name().unwrap_or(""))) % 3],
        }
    }
}

fn hash(text: &str) -> u8 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish().to_be_bytes()[0]
}

thread_local! {
    static ORDER: Cell<Option<Order>> = const { Cell::new(None) };
}

/// Does something with databases whose triggers are created in an order.
pub(crate) fn with<T>(order: Order, does: impl FnOnce() -> T) -> T {
    let before = ORDER.replace(Some(order));
    let done = does();
    ORDER.set(before);
    done
}

/// Creates all triggers of a new database again.
pub(crate) fn apply(db: &RusqliteDb) {
    let order = ORDER.get().unwrap_or_else(Order::of_test);
    if order == Order::Forward {
        return;
    }
    let sql = "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid";
    let mut triggers: Vec<(String, String)> = (db as &dyn Db).all(sql, &[]).unwrap();
    match order {
        Order::Forward => {}
        Order::Backward => triggers.reverse(),
        Order::Shuffled => triggers.sort_by_key(|(name, _)| (hash(name), name.clone())),
    }
    let drops = triggers.iter().map(|(name, _)| format!("DROP TRIGGER {name};\n"));
    let creates = triggers.iter().map(|(_, sql)| format!("{sql};\n"));
    by_hand(db, &format!("BEGIN; {} COMMIT", drops.chain(creates).collect::<String>())).unwrap();
}

#[test]
fn a_market_is_the_same_to_the_row_in_every_order() {
    let [forward, backward, shuffled] = Order::ALL.map(|order| with(order, || dump(&healthy())));
    assert_eq!(forward, backward);
    assert_eq!(forward, shuffled);
}

/// Two triggers on the same change that write to one table would swap what they write.
#[test]
fn triggers_are_created_in_the_order_that_was_asked_for() {
    let names = |order| {
        let db = with(order, crate::market::empty);
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid";
        (&db as &dyn Db).all::<String>(sql, &[]).unwrap()
    };
    let [forward, backward, shuffled] = Order::ALL.map(names);
    assert_eq!(forward.iter().rev().collect::<Vec<_>>(), backward.iter().collect::<Vec<_>>());
    assert!(shuffled != forward && shuffled != backward);
}
