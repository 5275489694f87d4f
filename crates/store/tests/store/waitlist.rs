//! Waitlists: who is in line, whose turn it is, and that no slice is held twice.

use domain::id::{NodeId, RentalId};
use domain::listing::Listing;
use domain::money::Percent;
use domain::order::{RentRequest, Wanted};
use domain::term::Term;
use domain::time::Timestamp;
use domain::waitlist::{ENTRIES_MAX, JoinError, TURN_SECONDS, WAITING_SECONDS};
use store::quotes::{self, NewQuote, Quote};
use store::renting::{Basis, RentFailure};
use store::waitlist::{Turn, join, leave, next, of_account, pass, sweep};
use store::{Db, RusqliteDb, StoreError, migrate, rentals};

use crate::dump::dump;
use crate::market::{
    AIDA, Attempt, Disk, FARMER, NODE, OMAR, SLICES_MAX, account, assert_sound, attempt, count,
    fund, furnish, market, now, open_account, order, publish, quote_id, register, rent, request,
    set, states, usd,
};
use crate::races::at_once;

const EVE: u32 = 90;
const SMALL: NodeId = NodeId(40);

/// Node 40 has one slice, and it is rented: answers the rental.
fn fill(db: &RusqliteDb) -> RentalId {
    register(db, FARMER, 40, 1);
    publish(db, 40, "20");
    open_account(db, EVE);
    fund(db, EVE, "500");
    let rental = rent(db, Attempt { id: 900, node: 40, ..attempt(EVE, "full") }).unwrap();
    assert_eq!(states(db, 40), "R");
    rental.life.id
}

fn full() -> (RusqliteDb, RentalId) {
    let db = market();
    let rental = fill(&db);
    (db, rental)
}

/// What was rented of node 40 is free again.
fn free(db: &RusqliteDb, rental: RentalId) {
    rentals::end(db, account(EVE), rental, None, now()).unwrap();
    assert_eq!(states(db, 40), "a");
}

fn turn(db: &dyn Db, number: u32, turn: &Turn, at: Timestamp) -> Result<Quote, RentFailure> {
    let request = request(Wanted::OfNode(turn.node, 1));
    let new = NewQuote {
        id: quote_id(number),
        request: &RentRequest { term: turn.term, ..request },
        account: turn.account,
        token: None,
        slices_max: SLICES_MAX,
        platform_fee: Percent::whole(10),
        is_held: true,
        sign: &|_| None,
    };
    quotes::make_for_turn(db, &new, turn.entry, at)
}

fn wait(db: &dyn Db, who: u32) -> Result<(), JoinError> {
    join(db, account(who), SMALL, Term::Month, now()).unwrap()
}

fn place(db: &dyn Db, who: u32) -> (u32, u32) {
    let entries = of_account(db, account(who)).unwrap();
    (entries[0].position, entries[0].waiting)
}

fn events(db: &RusqliteDb, kind: &str) -> i64 {
    count(db, &format!("SELECT count(*) FROM events WHERE kind = '{kind}'"))
}

#[test]
fn a_line_is_joined_once_and_left() {
    let (db, _) = full();
    assert_eq!(wait(&db, AIDA), Ok(()));
    assert_eq!(wait(&db, OMAR), Ok(()));
    assert_eq!((place(&db, AIDA), place(&db, OMAR)), ((1, 2), (2, 2)));
    // Another term keeps the place.
    let longer = join(&db, account(AIDA), SMALL, Term::Quarter, now()).unwrap();
    assert_eq!((longer, place(&db, AIDA)), (Ok(()), (1, 2)));
    assert_eq!(of_account(&db, account(AIDA)).unwrap()[0].term, Term::Quarter);
    assert_sound(&db);
    assert!(leave(&db, account(AIDA), SMALL, now()).unwrap());
    assert!(!leave(&db, account(AIDA), SMALL, now()).unwrap());
    assert_eq!(place(&db, OMAR), (1, 1));
    assert_eq!(wait(&db, AIDA), Ok(()));
    assert_eq!(place(&db, AIDA), (2, 2), "at the end");
    assert_sound(&db);
}

#[test]
fn only_full_nodes_of_others_have_a_line() {
    let (db, _) = full();
    let node = |node, who| join(&db, account(who), NodeId(node), Term::Month, now()).unwrap();
    let before = dump(&db);
    assert_eq!(node(NODE, AIDA), Err(JoinError::SlicesFree));
    assert_eq!(node(40, FARMER), Err(JoinError::OwnNode));
    assert_eq!(node(41, AIDA), Err(JoinError::NoSuchNode));
    assert_eq!(dump(&db), before);
    set(&db, 40, Some(usd("20")), Listing::Paused);
    assert_eq!(node(40, AIDA), Err(JoinError::NotOffered));
}

#[test]
fn an_account_waits_in_a_few_lines() {
    let (db, _) = full();
    for number in 0..=ENTRIES_MAX {
        let node = 50 + number;
        register(&db, FARMER, node, 1);
        publish(&db, node, "1");
        let id = 950 + number;
        rent(&db, Attempt { node, id, ..attempt(EVE, &format!("full-{node}")) }).unwrap();
        let joined = join(&db, account(AIDA), NodeId(node), Term::Month, now()).unwrap();
        let expected = if number < ENTRIES_MAX { Ok(()) } else { Err(JoinError::TooManyEntries) };
        assert_eq!(joined, expected);
    }
}

#[test]
fn a_free_slice_is_held_for_the_first_in_line() {
    let (db, rental) = full();
    wait(&db, AIDA).unwrap();
    wait(&db, OMAR).unwrap();
    assert_eq!(next(&db, NodeId(1)).unwrap(), None, "nothing is free");
    free(&db, rental);
    let first = next(&db, NodeId(1)).unwrap().unwrap();
    assert_eq!((first.node, first.account), (SMALL, account(AIDA)));
    assert_eq!(next(&db, NodeId(41)).unwrap(), None);
    let held = turn(&db, 1, &first, now()).unwrap();
    assert_eq!(states(&db, 40), "h");
    assert_eq!(held.held_until, Some(now().plus_seconds(TURN_SECONDS)));
    let entry = &of_account(&db, account(AIDA)).unwrap()[0];
    assert_eq!((entry.position, entry.quote, entry.waiting), (0, Some(held.id), 1));
    assert_eq!(place(&db, OMAR), (1, 1));
    assert_eq!(events(&db, "waitlist-offered"), 1);
    assert_eq!(wait(&db, AIDA), Err(JoinError::Offered));
    assert_sound(&db);
    // Nobody else rents it, and the next in line has no turn yet.
    let other = Attempt { id: 7, node: 40, ..attempt(EVE, "other") };
    assert!(rent(&db, other).is_err());
    assert_eq!(next(&db, NodeId(1)).unwrap(), None);
    // It is good for all of its 15 minutes.
    let last = now().plus_seconds(TURN_SECONDS - 1);
    order(&db, &Attempt { at: last, ..attempt(AIDA, "mine") }, Basis::Quote(&held)).unwrap();
    assert_eq!((states(&db, 40), of_account(&db, account(AIDA)).unwrap()), ("R".into(), vec![]));
    assert_eq!(place(&db, OMAR), (1, 1));
    assert_sound(&db);
}

#[test]
fn a_turn_that_is_not_used_goes_to_the_next() {
    let (db, rental) = full();
    wait(&db, AIDA).unwrap();
    wait(&db, OMAR).unwrap();
    free(&db, rental);
    let first = next(&db, NodeId(1)).unwrap().unwrap();
    turn(&db, 1, &first, now()).unwrap();
    let over = now().plus_seconds(TURN_SECONDS);
    quotes::release_due(&db, over).unwrap();
    assert_eq!(of_account(&db, account(AIDA)).unwrap(), [], "the turn is over");
    let second = next(&db, NodeId(1)).unwrap().unwrap();
    assert_eq!(second.account, account(OMAR));
    let held = turn(&db, 2, &second, over).unwrap();
    assert_sound(&db);
    // Leaving gives it back.
    assert!(leave(&db, account(OMAR), SMALL, over).unwrap());
    assert_eq!((states(&db, 40), events(&db, "waitlist-offered")), ("a".into(), 2));
    assert_eq!(quotes::find(&db, account(OMAR), held.id).unwrap().unwrap().held_until, None);
    assert_sound(&db);
}

#[test]
fn who_cannot_pay_is_told_and_passed_over() {
    let (db, rental) = full();
    let poor = 91;
    open_account(&db, poor);
    wait(&db, poor).unwrap();
    wait(&db, OMAR).unwrap();
    free(&db, rental);
    let first = next(&db, NodeId(1)).unwrap().unwrap();
    let refused = turn(&db, 1, &first, now()).unwrap_err();
    assert!(refused.to_string().contains("20.00 short"), "{refused}");
    // Whoever is not first is neither offered a slice nor passed over.
    let second = Turn { entry: first.entry + 1, account: account(OMAR), ..first };
    let before = dump(&db);
    assert_eq!(turn(&db, 2, &second, now()), Err(RentFailure::Store(StoreError::Busy)));
    pass(&db, &second, "why", now()).unwrap();
    assert_eq!(dump(&db), before);
    pass(&db, &first, "why", now()).unwrap();
    pass(&db, &first, "why", now()).unwrap();
    assert_eq!(events(&db, "waitlist-passed"), 1);
    assert_eq!(next(&db, NodeId(1)).unwrap().unwrap().account, account(OMAR));
    assert_sound(&db);
}

#[test]
fn nobody_waits_forever() {
    let (db, _) = full();
    wait(&db, AIDA).unwrap();
    let end = now().plus_seconds(WAITING_SECONDS);
    sweep(&db, end.plus_seconds(-1)).unwrap();
    assert_eq!(place(&db, AIDA), (1, 1));
    sweep(&db, end).unwrap();
    assert_eq!(of_account(&db, account(AIDA)).unwrap(), []);
    assert_sound(&db);
}

/// One free slice, and sixteen runs of the job at once: one of them has it held, for the first in
/// line.
#[test]
fn of_many_runs_one_offers_a_slice() {
    for journal_mode in Disk::JOURNAL_MODES {
        let disk = Disk::new(journal_mode);
        let db = disk.open();
        migrate::apply(&db, now()).unwrap();
        furnish(&db);
        let rental = fill(&db);
        wait(&db, AIDA).unwrap();
        wait(&db, OMAR).unwrap();
        free(&db, rental);
        let first = next(&db, NodeId(1)).unwrap().unwrap();
        let outcomes = at_once(&disk, 16, |db, number| turn(db, number, &first, now()).is_ok());
        assert_eq!(outcomes.iter().filter(|is_held| **is_held).count(), 1, "{journal_mode}");
        assert_eq!((states(&db, 40), events(&db, "waitlist-offered")), ("h".into(), 1));
        assert_sound(&db);
    }
}
