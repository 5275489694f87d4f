//! The invariants: each finds what breaks it, and none finds anything in a healthy market.

use domain::evaluation::DisputeSide;
use domain::id::NodeId;
use domain::month::Month;
use domain::rental::GRACE_SECONDS;
use domain::term::Term;
use domain::time::Timestamp;
use store::invariants::{Finding, INVARIANTS, check, check_everything};
use store::leaving::{Destination, move_rental, withdraw};
use store::rentals::end;
use store::renting::Basis;
use store::{RusqliteDb, disputes};

use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, assert_sound, attempt, by_hand,
    evaluate, extend, fund, market, now, one, order, pass, publish, quote, register, rent,
    rent_all, rental_id, states, usd, version, whole,
};
use crate::observations::{Seen, observe};
use crate::payouts;
use crate::sla_results::{dispute, dispute_id};
use crate::top_ups::{begin, pay};

/// A bit of everything. On `NODE`: slice 1 runs and was extended, 2 has ended, 3 was ended early, 4
/// was rented with a quote, 5 is held by another. Node 33 is rented whole.
/// A top-up is paid, and one is not. Node 34 leaves, and its rental was moved to 35. One payout is
/// held, one is sent, and one is back.
pub(crate) fn healthy() -> RusqliteDb {
    let db = market();
    fund(&db, OMAR, "900");
    let first = rent(&db, Attempt { term: Term::Quarter, ..attempt(OMAR, "key") }).unwrap();
    rent(&db, attempt(AIDA, "key")).unwrap();
    let third = rent(&db, Attempt { id: 51, ..attempt(OMAR, "third") }).unwrap();
    pass(&db, now().plus_months(1), 10);
    let grace = now().plus_months(1).plus_seconds(GRACE_SECONDS);
    let more = Attempt { id: 52, at: now().plus_months(1), ..attempt(OMAR, "more") };
    extend(&db, &more, third.life.id, None).unwrap();
    end(&db, account(OMAR), third.life.id, None, grace).unwrap();
    pass(&db, grace, 10);
    extend(&db, &Attempt { id: 53, ..attempt(OMAR, "again") }, first.life.id, None).unwrap();
    let told = quote(&db, 1, OMAR, &one(4), true, grace).unwrap();
    let by_quote = Attempt { id: 54, at: grace, ..attempt(OMAR, "quote") };
    order(&db, &by_quote, Basis::Quote(&told)).unwrap();
    register(&db, OTHER_FARMER, 33, 3);
    publish(&db, 33, "20");
    rent_all(&db, &Attempt { id: 55, at: grace, ..attempt(OMAR, "whole") }, &whole(33)).unwrap();
    quote(&db, 2, AIDA, &one(5), true, grace).unwrap();
    assert_eq!((states(&db, NODE).as_str(), states(&db, 33).as_str()), ("RaaRhaaaa", "RRR"));
    pay(&db, begin(&db, OMAR, 1, "25"), "pi_1", 2_500);
    begin(&db, OMAR, 2, "30");
    one_moves(&db, grace);
    one_is_compensated(&db, grace);
    payouts::one_of_each(&db);
    sla_result(&db, now().plus_months(1), grace);
    store::audit::seal(&db).unwrap();
    store::ledger_chain::seal(&db).unwrap();
    db
}

/// Slice 2 was down before its rental ended, and its renter was credited and has disputed that.
fn sla_result(db: &RusqliteDb, before: Timestamp, at: Timestamp) {
    for minutes in (1..=20).rev() {
        observe(db, NODE, before.plus_seconds(-60 * minutes), Seen::Down);
    }
    observe(db, NODE, at, Seen::Up);
    evaluate(db, at);
    let of_aida = disputes::Key { rental: rental_id(AIDA), month: Month::of(before), tenure: 1 };
    dispute(db, 1, of_aida, DisputeSide::Renter, AIDA, at).unwrap();
    disputes::decide(db, dispute_id(1), usd("12"), "Granted", at).unwrap();
    dispute(db, 2, of_aida, DisputeSide::Farmer, FARMER, at).unwrap();
}

/// A rental of node 34 goes on with node 35, because 34 leaves.
fn one_moves(db: &RusqliteDb, at: Timestamp) {
    register(db, FARMER, 34, 2);
    register(db, OTHER_FARMER, 35, 2);
    publish(db, 34, "20");
    publish(db, 35, "20");
    let rented = Attempt { id: 56, node: 34, at, ..attempt(OMAR, "moves") };
    let id = rent(db, rented).unwrap().life.id;
    withdraw(db, account(FARMER), NodeId(34), None, at).unwrap();
    let to = Destination { node: NodeId(35), slice: None, offer_version: version(db, 35) };
    move_rental(db, account(OMAR), id, &to, at.plus_seconds(60)).unwrap();
}

/// A year on node 36 ends early, because 36 leaves.
fn one_is_compensated(db: &RusqliteDb, at: Timestamp) {
    register(db, FARMER, 36, 2);
    publish(db, 36, "5");
    let year = Attempt { id: 57, node: 36, term: Term::Year, at, ..attempt(AIDA, "year") };
    let id = rent(db, year).unwrap().life.id;
    withdraw(db, account(FARMER), NodeId(36), None, at).unwrap();
    end(db, account(AIDA), id, None, at.plus_seconds(6 * 86_400)).unwrap();
}

/// Takes away what keeps the database from being broken.
fn defenseless(db: &RusqliteDb) {
    let drops = "SELECT coalesce(group_concat('DROP TRIGGER ' || name, ';'), '')
                   FROM sqlite_schema WHERE type = 'trigger'";
    let drops: String = db.connection().query_row(drops, [], |row| row.get(0)).unwrap();
    by_hand(db, &drops).unwrap();
    by_hand(
        db,
        "DROP INDEX rentals_one_live_per_slice;
         DROP INDEX rentals_one_live_per_whole_node;
         PRAGMA foreign_keys = OFF;
         PRAGMA ignore_check_constraints = ON;",
    )
    .unwrap();
}

/// How to break each invariant, in each of its clauses.
const BREAKS: [(&str, &str); 134] = [
    (
        "one-rental-per-slice",
        "UPDATE rentals SET slice_number = 1, state = 'grace', ended_at = NULL
          WHERE slice_number = 2",
    ),
    ("one-rental-per-slice", "UPDATE rentals SET slice_number = NULL WHERE slice_number = 4"),
    ("one-rental-per-slice", "UPDATE rentals SET node_id = 33 WHERE slice_number = 4"),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('slice-rented', 32, 1, 'another', 0)",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('rental-ended', 32, 2, 'again', 0)",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('rental-ended', 32, 9, 'never begun', 0)",
    ),
    (
        "rentals-never-overlap",
        "UPDATE events SET slice_number = NULL WHERE node_id = 32 AND slice_number = 1",
    ),
    (
        "rentals-never-overlap",
        "UPDATE events SET node_id = 33, slice_number = 1 WHERE slice_number = 4",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('rental-moved-in', 32, 1, 'another', 0)",
    ),
    (
        "rentals-never-overlap",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         VALUES ('rental-moved-out', 32, 9, 'never begun', 0)",
    ),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'rental-moved-out'"),
    ("who-leaves-offers-nothing", "UPDATE nodes SET listing = 'published' WHERE id = 34"),
    ("who-leaves-offers-nothing", "UPDATE nodes SET left_at = leaves_at WHERE id = 34"),
    (
        "who-leaves-offers-nothing",
        "UPDATE nodes SET left_at = 1, available_slices = 0 WHERE id = 34",
    ),
    ("capacity-is-kept", "UPDATE nodes SET kept_slices = 5 WHERE id = 32"),
    ("offers-have-a-history", "UPDATE nodes SET terms = 1 WHERE id = 32"),
    ("offers-have-a-history", "UPDATE nodes SET offer_version = 1 WHERE id = 32"),
    (
        "maintenance-is-apart",
        "INSERT INTO maintenance (id, node_id, starts_at, ends_at, note, announced_at)
         VALUES ('w1', 32, 90000, 97200, '', 0), ('w2', 32, 93600, 97200, '', 0)",
    ),
    ("audit-chain", "UPDATE audit SET action = 'sign-in' WHERE id = 2"),
    ("audit-chain", "DELETE FROM audit WHERE id = 2"),
    ("audit-chain", "DELETE FROM audit_seals WHERE audit_id = 2"),
    ("ledger-chain", "UPDATE ledger_transactions SET created_at = 0 WHERE id = 2"),
    ("ledger-chain", "UPDATE ledger_entries SET amount_micros = 1 WHERE transaction_id = 2"),
    ("ledger-chain", "DELETE FROM ledger_seals WHERE transaction_id = 2"),
    ("no-violations", "INSERT INTO violations VALUES ('order_total_wrong', 1, 5)"),
    (
        "balances-run-on",
        "UPDATE ledger_entries SET balance_after_micros = balance_after_micros + 1
          WHERE transaction_id = 3",
    ),
    ("balances-run-on", "UPDATE ledger_entries SET amount_micros = 1 WHERE transaction_id = 1"),
    ("entries-have-a-month", "DELETE FROM ledger_months WHERE month = '2026-11'"),
    ("entries-have-a-month", "UPDATE ledger_months SET first_transaction_id = 9"),
    ("allocated-means-rented", "UPDATE slices SET state = 'allocated' WHERE number = 9"),
    (
        "allocated-means-rented",
        "UPDATE slices SET state = 'available', rental_id = NULL WHERE number = 1 AND node_id = 32",
    ),
    (
        "allocated-means-rented",
        "UPDATE slices SET state = 'available' WHERE number = 1 AND node_id = 32",
    ),
    (
        "allocated-means-rented",
        "UPDATE slices SET state = 'allocated', rental_id = (
                SELECT id FROM rentals WHERE state = 'ended' AND slice_number = 2)
          WHERE number = 2 AND node_id = 32",
    ),
    (
        "allocated-means-rented",
        "UPDATE slices SET state = 'allocated', rental_id = (
                SELECT id FROM rentals WHERE state <> 'ended' AND slice_number = 1)
          WHERE number = 9",
    ),
    (
        "allocated-means-rented",
        "UPDATE slices SET state = 'allocated', rental_id = (
                SELECT id FROM rentals WHERE slice_number IS NULL)
          WHERE number = 9",
    ),
    ("allocated-means-rented", "UPDATE rentals SET slice_number = 9 WHERE slice_number = 1"),
    ("allocated-means-rented", "UPDATE nodes SET whole_rental_id = NULL"),
    (
        "allocated-means-rented",
        "UPDATE nodes SET whole_rental_id = (SELECT id FROM rentals WHERE slice_number = 1)
          WHERE id = 32",
    ),
    ("allocated-means-rented", "UPDATE nodes SET whole_rental_id = 'another' WHERE id = 33"),
    ("reserved-means-held", "UPDATE slices SET state = 'reserved' WHERE number = 9"),
    (
        "reserved-means-held",
        "UPDATE slices SET state = 'available' WHERE number = 5 AND node_id = 32",
    ),
    (
        "reserved-means-held",
        "UPDATE slices SET state = 'available', quote_id = NULL WHERE number = 5",
    ),
    ("reserved-means-held", "UPDATE quotes SET held_until = NULL"),
    ("reserved-means-held", "UPDATE quotes SET used_at = 5 WHERE held_until IS NOT NULL"),
    (
        "reserved-means-held",
        "UPDATE slices SET state = 'reserved',
                quote_id = (SELECT id FROM quotes WHERE held_until IS NOT NULL)
          WHERE number = 9",
    ),
    (
        "turns-are-holds",
        "INSERT INTO waitlist (node_id, account_id, months, quote_id, joined_at)
         SELECT 32, account_id, 1, id, 1 FROM quotes WHERE used_at IS NOT NULL",
    ),
    ("turns-are-holds", "UPDATE nodes SET waiting = 1 WHERE id = 32"),
    ("quotes-are-kept-to", "UPDATE orders SET total_micros = 1 WHERE quote_id IS NOT NULL"),
    ("quotes-are-kept-to", "UPDATE quotes SET used_at = NULL"),
    ("quotes-are-kept-to", "UPDATE quotes SET used_at = expires_at WHERE used_at IS NOT NULL"),
    ("quotes-are-kept-to", "UPDATE quotes SET account_id = 'another' WHERE used_at IS NOT NULL"),
    ("counters-are-counts", "UPDATE nodes SET available_slices = available_slices + 1"),
    ("counters-are-counts", "UPDATE nodes SET allocated_slices = 0"),
    ("counters-are-counts", "UPDATE nodes SET reserved_slices = 0"),
    ("capacity-is-kept", "UPDATE nodes SET capacity = 8"),
    (
        "transactions-sum-to-zero",
        "UPDATE ledger_entries SET amount_micros = amount_micros + 1 WHERE transaction_id = 1
            AND amount_micros > 0",
    ),
    ("transactions-sum-to-zero", "DELETE FROM ledger_entries WHERE transaction_id = 1"),
    ("balances-are-sums", "UPDATE ledger_accounts SET balance_micros = balance_micros + 1"),
    ("no-negative-balance", "UPDATE ledger_accounts SET balance_micros = -1 WHERE kind = 'escrow'"),
    (
        "no-negative-balance",
        "UPDATE ledger_accounts SET balance_micros = -1, owed_micros = 1 WHERE kind = 'wallet'",
    ),
    (
        "reversals-are-debited",
        "INSERT INTO top_up_reversals SELECT id, 1, 1 FROM top_ups WHERE state = 'paid'",
    ),
    (
        "proven-farms-hold-nothing",
        "INSERT INTO unproven_earnings
         SELECT owner_id, farm_id, 0, 1 FROM farm_uses WHERE days = 30",
    ),
    (
        "proven-farms-hold-nothing",
        "INSERT INTO unproven_earnings SELECT owner_id, 7, 0, 1 FROM farm_uses WHERE days = 30;
         INSERT INTO farms
         SELECT 7, 'Freefarm', 1, '5Grwva', owner_id, 'operator', 0, 0, NULL
           FROM farm_uses WHERE days = 30",
    ),
    (
        "proven-farms-hold-nothing",
        "INSERT INTO unproven_earnings
         SELECT owner_id, 7, 0, 1000000000000 FROM farm_uses WHERE days = 30",
    ),
    ("compensations-are-booked", "UPDATE leaving_compensations SET micros = micros + 1"),
    ("compensations-are-booked", "UPDATE leaving_compensations SET owed_at = 1"),
    ("compensations-are-booked", "UPDATE leaving_compensations SET farmer_id = renter_id"),
    ("compensations-are-booked", "DELETE FROM leaving_compensations"),
    ("rentals-are-paid", "UPDATE rental_periods SET total_micros = total_micros + 1"),
    ("rentals-are-paid", "UPDATE rental_periods SET payer_id = 'another'"),
    (
        "rentals-are-paid",
        "UPDATE ledger_transactions SET rental_id = 'another' WHERE kind = 'extension'",
    ),
    (
        "rentals-are-paid",
        "UPDATE ledger_transactions SET reference = 'x' || reference WHERE kind = 'rental'",
    ),
    ("terms-follow-one-another", "UPDATE rentals SET started_at = started_at + 1"),
    ("terms-follow-one-another", "UPDATE rentals SET ends_at = ends_at + 1"),
    (
        "terms-follow-one-another",
        "UPDATE rental_periods SET starts_at = starts_at + 1 WHERE number = 2",
    ),
    ("terms-follow-one-another", "UPDATE rental_periods SET number = 3 WHERE number = 2"),
    ("terms-follow-one-another", "DELETE FROM rental_periods"),
    ("orders-are-sums", "UPDATE orders SET total_micros = total_micros + 1"),
    (
        "orders-are-sums",
        "UPDATE rental_periods SET order_id = (SELECT order_id FROM rentals WHERE slice_number = 4)
          WHERE number = 2",
    ),
    (
        "escrow-holds-what-is-not-earned",
        "UPDATE ledger_accounts SET balance_micros = 0 WHERE kind = 'escrow'",
    ),
    ("escrow-holds-what-is-not-earned", "UPDATE rental_periods SET earned_micros = 0"),
    ("escrow-holds-what-is-not-earned", "UPDATE rental_periods SET refunded_micros = 0"),
    (
        "escrow-holds-what-is-not-earned",
        "UPDATE rentals SET state = 'grace' WHERE slice_number = 1",
    ),
    (
        "earnings-are-split",
        "UPDATE rental_periods SET fee_micros = fee_micros + 1000000 WHERE earned_micros > 0",
    ),
    ("earnings-are-split", "UPDATE rental_periods SET earned_micros = earned_micros + 10000"),
    ("earnings-are-split", "UPDATE events SET farmer_id = 'another' WHERE slice_number = 2"),
    (
        "earnings-are-split",
        "UPDATE events SET farmer_id = 'another' WHERE kind = 'rental-moved-out'
            OR (kind = 'slice-rented' AND node_id = 34)",
    ),
    ("refunds-are-paid-back", "UPDATE rental_periods SET refunded_micros = 0"),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'slice-rented'"),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'node-rented'"),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'rental-ended'"),
    ("rentals-are-events", "UPDATE rentals SET slice_number = 9 WHERE state = 'ended'"),
    ("rentals-are-events", "UPDATE rentals SET farmer_id = 'another' WHERE slice_number = 2"),
    ("rentals-are-events", "DELETE FROM events WHERE kind = 'rental-moved-in'"),
    ("rentals-are-events", "UPDATE events SET node_id = 35 WHERE kind = 'rental-moved-out'"),
    (
        "rentals-are-events",
        "UPDATE rentals SET node_id = 34, slice_number = 1 WHERE id = (
                SELECT rental_id FROM events WHERE kind = 'rental-moved-in')",
    ),
    (
        "rentals-are-events",
        "INSERT INTO events (kind, node_id, slice_number, rental_id, created_at)
         SELECT 'rental-ended', node_id, slice_number, id, 0 FROM rentals WHERE slice_number = 1",
    ),
    (
        "own-slices-are-not-rented",
        "UPDATE rentals SET renter_id = farmer_id WHERE state = 'active'",
    ),
    (
        "top-ups-are-credited",
        "UPDATE ledger_transactions SET reference = 'key' WHERE reference LIKE 'top-up %'",
    ),
    ("top-ups-are-credited", "UPDATE top_ups SET amount_micros = 24000000 WHERE state = 'paid'"),
    ("top-ups-are-credited", "UPDATE top_ups SET state = 'paid'"),
    (
        "farms-are-offered-by-owners",
        "INSERT INTO farms VALUES (1, '', 1, '', 'another', 'operator', 0, 0, NULL)",
    ),
    (
        "rentals-earn-for-the-farmer",
        "UPDATE rentals SET farmer_id = 'another' WHERE slice_number = 1",
    ),
    ("top-ups-are-credited", "DELETE FROM top_ups WHERE state = 'paid'"),
    ("revenue-is-the-ledgers", "UPDATE farm_months SET earned_micros = earned_micros + 1"),
    ("revenue-is-the-ledgers", "UPDATE farm_months SET credited_micros = 1"),
    ("revenue-is-the-ledgers", "UPDATE farm_months SET node_id = 99 WHERE node_id = 32"),
    ("revenue-is-the-ledgers", "DELETE FROM farm_days"),
    ("payouts-are-booked", "UPDATE payouts SET amount_micros = amount_micros + 10000"),
    ("payouts-are-booked", "UPDATE payouts SET state = 'sent' WHERE state = 'approved'"),
    ("payouts-are-booked", "UPDATE payouts SET state = 'done' WHERE state = 'failed'"),
    ("payouts-are-booked", "DELETE FROM payouts WHERE state = 'sent'"),
    (
        "payouts-are-booked",
        "INSERT INTO ledger_accounts (kind, owner_id) VALUES ('escrow', 'nobody')",
    ),
    ("stays-are-the-rental", "UPDATE tenures SET min_uptime = 1 WHERE ended_at IS NULL"),
    ("stays-are-the-rental", "DELETE FROM tenures WHERE number = 1 AND ended_at IS NOT NULL"),
    ("stays-are-the-rental", "UPDATE tenures SET evaluated_until = started_at - 1"),
    ("stays-are-the-rental", "UPDATE tenures SET ended_at = 9999999999 WHERE ended_at IS NULL"),
    (
        "stays-are-the-rental",
        "UPDATE tenures SET evaluated_until = ended_at - 1 WHERE evaluate_at IS NULL",
    ),
    (
        "credits-are-the-evidence",
        "UPDATE sla_months SET measured_uptime = 9990 WHERE measured_uptime < 9900",
    ),
    (
        "credits-are-the-evidence",
        "UPDATE sla_months SET credit_micros = credit_micros + 10000 WHERE credit_micros > 0",
    ),
    ("credits-are-the-evidence", "UPDATE sla_months SET percent = 25 WHERE percent = 50"),
    ("credits-are-the-evidence", "UPDATE sla_months SET until_at = until_at + 9999999"),
    (
        "credits-are-booked",
        "UPDATE sla_months SET paid_micros = 0, owed_at = 5 WHERE credit_micros > 0",
    ),
    ("credits-are-booked", "UPDATE sla_months SET owed_at = 5"),
    ("credits-are-booked", "DELETE FROM sla_disputes WHERE decided_at IS NOT NULL"),
    (
        "credits-are-booked",
        "UPDATE ledger_transactions SET reference = 'month x/' || id
                             WHERE kind = 'sla-credit'",
    ),
    ("removed-before-offered", "UPDATE slices SET removing_job = 'job' WHERE number = 9"),
    (
        "removed-before-offered",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           due_at, late_at, refund_at, created_at, changed_at)
         SELECT 'job', id, 32, 2, 'remove', 'waiting', farmer_id, 1, 0, 0, NULL, 0, 0
           FROM rentals WHERE slice_number = 2 AND node_id = 32",
    ),
    (
        "removed-before-offered",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           due_at, late_at, refund_at, created_at, changed_at)
         SELECT 'job', id, 32, 9, 'remove', 'waiting', farmer_id, 1, 0, 0, NULL, 0, 0
           FROM rentals WHERE slice_number = 2 AND node_id = 32;
         UPDATE slices SET removing_job = 'job' WHERE number = 9",
    ),
    (
        "access-before-earning",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           due_at, late_at, refund_at, created_at, changed_at)
         SELECT 'job', id, 32, 1, 'create', 'waiting', farmer_id, 1, 0, 0, NULL, 0, 0
           FROM rentals WHERE slice_number = 1 AND node_id = 32 AND state = 'active'",
    ),
    (
        "one-access-at-a-time",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           due_at, late_at, refund_at, created_at, changed_at)
         SELECT 'job', id, 32, 9, 'create', 'waiting', farmer_id, 1, 0, 0, NULL, 0, 0
           FROM rentals WHERE slice_number = 2 AND node_id = 32",
    ),
    (
        "machines-are-of-rentals",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           fence, attempts, due_at, late_at, refund_at, sealed, created_at,
                           changed_at)
         SELECT 'job', id, 32, 1, 'create', 'done', farmer_id, 1, 1, 1, 0, 0, 0, x'00', 0, 0
           FROM rentals WHERE slice_number = 1 AND node_id = 32 AND state = 'active'",
    ),
    (
        "machines-are-of-rentals",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           fence, attempts, due_at, late_at, refund_at, sealed, created_at,
                           changed_at)
         SELECT 'job', id, 32, 2, 'create', 'done', farmer_id, 1, 1, 1, 0, 0, 0, x'00', 0, 0
           FROM rentals WHERE slice_number = 2 AND node_id = 32 AND state = 'ended';
         INSERT INTO machines (job_id, node_id, agent, state, since, reported_at)
         VALUES ('job', 32, 'rack-7', 'running', 0, 0)",
    ),
    (
        "no-access-no-pay",
        "INSERT INTO jobs (id, rental_id, node_id, slice_number, kind, state, farmer_id, farm_id,
                           due_at, late_at, refund_at, created_at, changed_at)
         SELECT 'job', id, 32, 1, 'create', 'refunded', farmer_id, 1, 0, 0, NULL, 0, 0
           FROM rentals WHERE slice_number = 1 AND node_id = 32 AND state = 'active'",
    ),
];

/// The finding about an invariant.
#[track_caller]
fn of(findings: Vec<Finding>, id: &str) -> Finding {
    findings.into_iter().find(|finding| finding.invariant.id == id).expect(id)
}

#[test]
fn each_invariant_finds_its_violation() {
    for (id, sql) in BREAKS {
        let db = healthy();
        defenseless(&db);
        assert_sound(&db);
        by_hand(&db, sql).unwrap();
        let found = of(check_everything(&db).unwrap(), id);
        assert!(found.violations > 0, "{id} does not find: {sql}");
        // Before the first run every row is an old one.
        let found = of(check(&db).unwrap(), id);
        assert!(found.violations > 0, "{id} does not find in its first run: {sql}");
    }
}

#[test]
fn every_invariant_is_broken_once() {
    for invariant in &INVARIANTS {
        assert!(BREAKS.iter().any(|(id, _)| *id == invariant.id), "{}", invariant.id);
    }
    let mut ids = INVARIANTS.map(|invariant| invariant.id);
    ids.sort_unstable();
    assert!(ids.windows(2).all(|pair| pair[0] != pair[1]), "each has an id of its own");
}

#[test]
fn every_invariant_is_checked() {
    let db = healthy();
    for checked in [check(&db).unwrap(), check_everything(&db).unwrap()] {
        let checked: Vec<&str> = checked.iter().map(|found| found.invariant.id).collect();
        assert_eq!(checked, INVARIANTS.map(|invariant| invariant.id));
    }
}
