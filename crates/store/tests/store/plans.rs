//! How statements are served: by the index that their comment names, and without a full scan.

use std::cell::RefCell;
use std::collections::BTreeMap;

use domain::account::Scopes;
use domain::id::{AccountId, MailId, MaintenanceId, NodeId, SessionId, TokenId};
use domain::listing::Listing;
use domain::maintenance::Window;
use domain::money::Percent;
use domain::month::Month;
use domain::offering::{Seen, Wanted};
use domain::payout::PayoutState;
use domain::provisioning::Owed;
use domain::rental::Renewal;
use domain::term::Term;
use rusqlite::{StatementStatus, params_from_iter, types::Value as SqlValue};
use store::challenges::{ChallengeKind, NewChallenge};
use store::limits::Use;
use store::offers::{Filter, Sort};
use store::rentals::Which;
use store::renting::Basis;
use store::sessions::NewSession;
use store::statements::AccountKind;
use store::{
    Db, Row, Rows, RusqliteDb, StoreError, Value, accounts, audit, challenges, comparisons,
    dashboard, disputes, due, events, farm_pages, farm_tasks, farms, future_times, jobs, leaving,
    ledger, ledger_chain, limits, listings, machine_actions, machines, mails, maintenance, nodes,
    notifications, observations, offering, offers, outages, payouts, quotes, receipts, rentals,
    responses, revenue, samples, saved_searches, sessions, sla_alerts, sla_results, ssh_keys,
    statements, sync, sync_runs, tokens, top_ups, transfers, unprovisioned, waitlist, webhooks,
};
use strum::VariantArray;

use crate::NO_MACHINES;
use crate::market::{
    AIDA, Attempt, FARMER, NODE, OMAR, OTHER_FARMER, account, attempt, by_hand, carries, count,
    credit, email, extend, fund, intention, market, now, open_account, order, order_id, pass,
    publish, quote, quote_id, random, register, rent, rent_all, rental_id, report, save, some,
    terms, usd, whole,
};
use crate::top_ups::{begin, id, offer_once, pay};

fn plan(db: &RusqliteDb, sql: &str) -> Vec<String> {
    let mut statement = db.connection().prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
    let mut rows = statement.raw_query();
    let mut lines = vec![];
    while let Some(row) = rows.next().unwrap() {
        lines.push(row.get(3).unwrap());
    }
    lines
}

/// Every statement that names its index.
fn indexed() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    offers::SEARCHES
        .iter()
        .chain(&rentals::INDEXED)
        .chain(&responses::INDEXED)
        .chain(&quotes::INDEXED)
        .chain(&future_times::INDEXED)
        .chain(&transfers::INDEXED)
        .chain(&due::INDEXED)
        .chain(&leaving::INDEXED)
        .chain(&listings::INDEXED)
        .chain(&events::INDEXED)
        .chain(&top_ups::INDEXED)
        .chain(&farms::INDEXED)
        .chain(&offering::INDEXED)
        .chain(&machine_actions::INDEXED)
        .chain(&machines::INDEXED)
        .chain(&outages::INDEXED)
        .chain(&maintenance::INDEXED)
        .chain(&comparisons::INDEXED)
        .chain(&samples::INDEXED)
        .chain(&saved_searches::INDEXED)
        .chain(&observations::INDEXED)
        .chain(&sla_results::INDEXED)
        .chain(&disputes::INDEXED)
        .chain(&payouts::INDEXED)
        .chain(&revenue::INDEXED)
        .chain(&dashboard::INDEXED)
        .chain(&farm_pages::INDEXED)
        .chain(&farm_tasks::INDEXED)
        .chain(&sla_alerts::INDEXED)
        .chain(&waitlist::INDEXED)
        .chain(&webhooks::INDEXED)
        .chain(&jobs::INDEXED)
        .chain(&ssh_keys::INDEXED)
        .chain(&unprovisioned::INDEXED)
        .chain(&sync::INDEXED)
        .chain(&sync_runs::INDEXED)
}

#[test]
fn statements_are_served_by_the_index_that_they_name() {
    let db = market();
    for (sql, index) in indexed() {
        let plan = plan(&db, sql);
        let is_named = |line: &String| line.split(' ').any(|word| word == *index);
        assert!(plan.iter().any(is_named), "{index}: {plan:#?}");
        check_reads(index, &plan);
    }
}

/// What the database finds when it looks at its tables, as it is asked to once an hour, may lead
/// it to another index where that is better, and to no scan.
#[test]
fn statements_scan_nothing_after_the_database_has_looked() {
    let db = market();
    for (who, node) in (200..).zip(100..200) {
        let (farmer, renter) = (who, who + 1_000);
        open_account(&db, farmer);
        open_account(&db, renter);
        fund(&db, renter, "50");
        register(&db, farmer, node, 3);
        publish(&db, node, "20");
        rent(&db, Attempt { id: who, node, ..attempt(renter, "key") }).unwrap();
    }
    pass(&db, now().plus_seconds(3 * 86_400), 100);
    by_hand(&db, "ANALYZE").unwrap();
    assert!(count(&db, "SELECT count(*) FROM sqlite_stat1") > 20);
    for (sql, index) in indexed() {
        check_reads(index, &plan(&db, sql));
    }
}

/// It reads no table from its beginning to its end, and sorts nothing.
#[track_caller]
fn check_reads(index: &str, plan: &[String]) {
    for line in plan {
        assert!(!line.contains("TEMP B-TREE"), "{index}: {plan:#?}");
        let reads_nothing = !line.starts_with("SCAN") || line == "SCAN CONSTANT ROW";
        assert!(reads_nothing || line.contains(" INDEX "), "{index}: {plan:#?}");
    }
}

/// A list of notices looks through a bounded number of an account's own events, and the next batch
/// through those behind the cursor: none through all of them.
#[test]
fn notices_are_read_from_an_accounts_own_events() {
    let db = market();
    for (sql, index) in &notifications::INDEXED {
        let plan = plan(&db, sql);
        let is_named = |line: &String| line.split(' ').any(|word| word == *index);
        assert!(plan.iter().any(is_named), "{index}: {plan:#?}");
        let scans = |table: &str| plan.iter().any(|line| line == &format!("SCAN {table}"));
        assert!(!["events", "accounts", "webhooks"].into_iter().any(scans), "{plan:#?}");
    }
}

/// What a page of slices needs, besides its nodes: the free slices of each in their order.
#[test]
fn slices_are_found_by_their_state() {
    let db = market();
    for (sql, _) in offers::SEARCHES.iter().filter(|(sql, _)| sql.contains("JOIN slices")) {
        let plan = plan(&db, sql);
        let served = "SEARCH s USING COVERING INDEX slices_by_state (node_id=? AND state=?)";
        assert!(plan.iter().any(|line| line == served), "{plan:#?}");
    }
}

/// What counts all that is on offer reads an index that holds what it compares, once, and sorts
/// nothing.
#[test]
fn the_market_is_counted_in_an_index_alone() {
    let db = market();
    for sql in offers::COUNTS {
        let plan = plan(&db, sql);
        let is_index = |line: &&String| *line == "SCAN n USING COVERING INDEX nodes_by_place";
        assert_eq!(plan.iter().filter(is_index).count(), 1, "{plan:#?}");
        let is_other =
            |line: &String| line.contains("TEMP B-TREE") || line.starts_with("SCAN nodes");
        assert!(!plan.iter().any(is_other), "{plan:#?}");
    }
}

/// A connection that counts the steps of each statement through a whole table or index, those of
/// its triggers included.
struct Metered<'a> {
    db: &'a RusqliteDb,
    scans: RefCell<BTreeMap<&'static str, i32>>,
}

impl Db for Metered<'_> {
    fn run(&self, sql: &'static str, params: &[Value]) -> Result<Rows, StoreError> {
        let mut statement = self.db.connection().prepare(sql).unwrap();
        let mut answer = Rows::new();
        let columns = statement.column_count();
        let mut rows = statement.query(params_from_iter(params)).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let value = |column| match row.get_unwrap(column) {
                SqlValue::Integer(value) => Value::Integer(value),
                SqlValue::Text(value) => Value::Text(value),
                SqlValue::Blob(value) => Value::Blob(value),
                SqlValue::Null | SqlValue::Real(_) => Value::Null,
            };
            answer.push(Row((0..columns).map(value).collect()));
        }
        drop(rows);
        let steps = statement.get_status(StatementStatus::FullscanStep)
            + statement.get_status(StatementStatus::AutoIndex);
        let mut scans = self.scans.borrow_mut();
        let most = scans.entry(sql).or_default();
        *most = steps.max(*most);
        Ok(answer)
    }
}

/// What accounts do: sign in, ask with tokens, and change.
fn a_day_of_accounts(db: &dyn Db, renter: AccountId) {
    accounts::credentials(db, &email(OMAR)).unwrap();
    accounts::credentials_of(db, renter).unwrap();
    accounts::list(db, "omar", "", 20).unwrap();
    accounts::payout(db, renter).unwrap();
    let session = NewSession {
        id: SessionId::from_random(now(), random(1)),
        hash: &[1; 32],
        account: renter,
        is_strong: false,
        address: "",
        user_agent: "",
        expires_at: now().plus_months(1),
    };
    sessions::open(db, &session, now()).unwrap();
    sessions::find(db, &[1; 32], now().plus_seconds(sessions::SEEN_SECONDS)).unwrap();
    sessions::of_account(db, renter, now()).unwrap();
    sessions::verify(db, session.id, &[1; 32], true, now()).unwrap();
    sessions::end_others(db, renter, Some(session.id)).unwrap();
    sessions::end(db, renter, session.id).unwrap();
    sessions::sweep(db, now()).unwrap();
    sessions::close(db, &[1; 32]).unwrap();
    let token = tokens::NewToken {
        id: TokenId::from_random(now(), random(1)),
        hash: &[1; 32],
        hint: "myc_",
        account: renter,
        name: "laptop",
        scopes: Scopes::ALL,
        farm: None,
        spending_limit: None,
        expires_at: now().plus_months(1),
    };
    tokens::create(db, &token, now()).unwrap();
    tokens::find(db, &[1; 32], now()).unwrap();
    tokens::of_account(db, renter, now()).unwrap();
    tokens::revoke(db, renter, token.id).unwrap();
    tokens::sweep(db, now()).unwrap();
    accounts::change_password(db, renter, "$", None, &[]).unwrap();
    accounts::rehash(db, renter, "$", "$").unwrap();
    accounts::change_email(db, renter, &email(OMAR)).unwrap();
    accounts::disable(db, renter, None).unwrap();
    accounts::set_operator(db, renter, false).unwrap();
    accounts::set_payout(db, renter, "BE71", None, now()).unwrap();
    a_day_of_guards(db, renter);
}

/// What watches over them: challenges, limits and the audit log.
fn a_day_of_guards(db: &dyn Db, renter: AccountId) {
    responses::find(db, &intention(AIDA, "key", "rent", "")).unwrap();
    responses::sweep(db, now().plus_months(2)).unwrap();
    let challenge = NewChallenge {
        hash: &[1; 32],
        kind: ChallengeKind::PasswordReset,
        account: Some(renter),
        payload: b"",
    };
    challenges::open(db, &challenge, now()).unwrap();
    challenges::find(db, &[1; 32], challenge.kind, now()).unwrap();
    challenges::take(db, &[1; 32], challenge.kind, now()).unwrap();
    challenges::sweep(db, now()).unwrap();
    let limit = Use { policy: "changes", key: "a", span: 60_000, cost: 1 };
    limits::consume(db, &[limit], now()).unwrap();
    limits::consume(db, &[Use { cost: 60_000, ..limit }], now()).unwrap();
    limits::give_back(db, &limit).unwrap();
    limits::clear(db, limit.policy, "b").unwrap();
    limits::sweep(db, now()).unwrap();
    future_times::reset(db, now()).unwrap();
    let view = audit::NewEntry {
        action: "access-viewed",
        actor: audit::Actor::Account,
        actor_id: String::new(),
        account: Some(renter),
        subject: "rental",
        address: "",
        request_id: "",
    };
    audit::write_view(db, &view, now()).unwrap();
    audit::of_account(db, renter, None, 20).unwrap();
    audit::all(db, None, 20).unwrap();
    audit::seal(db).unwrap();
    audit::broken(db, 0, 1).unwrap();
    ledger_chain::seal(db).unwrap();
    ledger_chain::broken(db, 0, 1).unwrap();
}

/// What is read of the books.
fn month_statements(db: &dyn Db, renter: AccountId) {
    let newest = statements::months(db, renter).unwrap()[0];
    for &book in AccountKind::VARIANTS {
        statements::of_month(db, renter, book, newest).unwrap();
    }
    let entry = ledger::entries(db, renter, None, 1).unwrap().remove(0);
    let receipt = receipts::find(db, renter, entry.id).unwrap().unwrap();
    receipts::rented(db, &receipt).unwrap();
}

/// Every statement of a running marketplace but the sums over all of it, once.
/// What a farmer sets and announces.
fn a_day_of_offering(db: &dyn Db) {
    let (farmer, node) = (account(FARMER), NodeId(NODE));
    let cancel_leave = |seen: &Seen| domain::offering::change(seen, Wanted::default(), now());
    offering::change(db, farmer, node, None, cancel_leave, now()).unwrap();
    offering::apply_raises(db, now()).unwrap();
    offering::lock(db, farmer, node, now()).unwrap();
    offering::unlock(db, farmer, node, now()).unwrap();
    offering::lock_by_operator(db, node, "Asked", now()).unwrap();
    offering::unlock_by_operator(db, node, now()).unwrap();
    offering::history(db, farmer, node, None, 20).unwrap();
    let id = MaintenanceId::from_random(now(), random(1));
    let starts_at = now().plus_seconds(86_400);
    let window = Window { starts_at, ends_at: starts_at.plus_seconds(3_600), note: String::new() };
    maintenance::announce(db, farmer, node, id, window, now()).unwrap();
    maintenance::remind(db, now()).unwrap();
    maintenance::list(db, farmer, node, None, 20).unwrap();
    assert!(maintenance::cancel(db, farmer, node, id, now()).unwrap());
}

fn a_day(db: &dyn Db) {
    let (farmer, renter) = (account(FARMER), account(OMAR));
    credit(db, OMAR, usd("1"), "gift", now()).unwrap();
    ledger::balance(db, renter).unwrap();
    ledger::entries(db, renter, None, 20).unwrap();
    month_statements(db, renter);
    a_day_of_accounts(db, renter);
    for sort in Sort::VARIANTS {
        for country in [None, Some("Belgium".to_owned())] {
            let filter = Filter { country, ..Filter::default() };
            offers::nodes(db, &filter, *sort, None, 20, now()).unwrap();
            offers::slices(db, &filter, *sort, None, 20, now()).unwrap();
        }
    }
    listings::days(db, &[NodeId(NODE)], 30, now()).unwrap();
    listings::setup_seconds(db, &[NodeId(NODE)]).unwrap();
    offers::find(db, NodeId(NODE)).unwrap();
    nodes::of_farmer(db, farmer, None, 20).unwrap();
    nodes::farmer_of(db, NodeId(NODE)).unwrap();
    nodes::summary(db, farmer).unwrap();
    let (seen, _) = nodes::find(db, farmer, NodeId(NODE)).unwrap().unwrap();
    let terms = terms(NODE, Some(usd("1")), Listing::Published);
    assert!(save(db, farmer, NODE, seen.offer.version, &terms));
    a_day_of_offering(db);
    let rental = rent(db, Attempt { id: 999, ..attempt(OMAR, "any") }).unwrap();
    let named = Attempt { id: 998, slice: Some(9), term: Term::Quarter, ..attempt(OMAR, "named") };
    rent(db, named).unwrap();
    rentals::of_renter(db, renter, Which::All, None, 20).unwrap();
    assert!(!ledger::of_rental(db, renter, rental.life.id).unwrap().is_empty());
    rentals::events(db, rental.life.id).unwrap();
    assert!(!events::since(db, renter, 0, 200).unwrap().is_empty());
    assert!(events::last(db, renter).unwrap() > 0);
    a_day_of_rentals(db);
    pass(db, now().plus_months(1), 100);
    sync::registered(db, None, 100, now()).unwrap();
    sync::save_reports(db, &[(report(NODE), carries(5)), (report(1), carries(0))], now()).unwrap();
    sync::save_reports(db, &[(report(NODE), carries(12)), (report(1), carries(2))], now()).unwrap();
    let document =
        sync::RefusedDocument { node_id: 1, reason: "no status".into(), excerpt: "{}".into() };
    sync::save_refused(db, &[document], now()).unwrap();
    sync::refused(db, 100).unwrap();
    sync::save_missing(db, &[NodeId(1)], now()).unwrap();
    mail(db);
    top_up(db, renter);
    a_farm(db, farmer);
    a_day_of_farms(db);
}

/// A farm that is verified by one, then by another, who takes a node over, and moves.
fn a_day_of_farms(db: &dyn Db) {
    let farm = |twin| farms::GridFarm { id: 1, name: "F".into(), twin, account: "5G".into() };
    for who in [FARMER, AIDA] {
        farms::verify(db, &farm(2), account(who), farms::VerificationMethod::Signature, now())
            .unwrap();
    }
    register(db, AIDA, 402, 3);
    farms::verify(db, &farm(2), account(FARMER), farms::VerificationMethod::Operator, now())
        .unwrap();
    farms::of_owner(db, account(FARMER), None, 20).unwrap();
    farms::owner_of_node(db, NodeId(402)).unwrap().unwrap();
    assert_eq!(farms::farmers(db, &[NodeId(402), NodeId(9_999)]).unwrap().len(), 1);
    assert_eq!(farms::owners(db, [1, 2].into_iter()).unwrap().len(), 1);
    farms::all(db, None, 20).unwrap();
    assert!(!farms::foreign(db, account(FARMER), 20).unwrap().is_empty());
    let taken = farms::take_over(db, NodeId(402), account(FARMER), now()).unwrap();
    assert_eq!(taken, farms::TakeOver::Done);
    assert_eq!(farms::unchecked(db, now(), 20).unwrap()[0].0, 1);
    let moved = farms::Checked { id: 1, name: Some("F".into()), twin: Some(3) };
    farms::check(db, &[moved], now().plus_seconds(1)).unwrap();
    farms::verify(db, &farm(2), account(FARMER), farms::VerificationMethod::Signature, now())
        .unwrap();
    farms::revoke(db, 1, now()).unwrap();
}

/// What a farmer looks at, and payouts.
fn a_farm(db: &dyn Db, farmer: AccountId) {
    let month = Month::of(now());
    dashboard::figures(db, farmer, month).unwrap();
    dashboard::nodes(db, farmer, month, None, 50).unwrap();
    dashboard::node(db, farmer, month, NodeId(NODE)).unwrap().unwrap();
    farm_tasks::of(db, farmer, now()).unwrap();
    let offers = farm_pages::nodes(db, 1).unwrap();
    let nodes = [NodeId(NODE)];
    farm_pages::months(db, &nodes, now()).unwrap();
    farm_pages::prices(db, &nodes, now()).unwrap();
    farm_pages::credits(db, 1, &offers, now()).unwrap();
    revenue::by_day(db, farmer, 30, now()).unwrap();
    revenue::of_farm(db, farmer, month, month).unwrap();
    revenue::of_node(db, farmer, NodeId(NODE), month, month).unwrap();
    accounts::set_display_name(db, farmer, Some("Freya")).unwrap();
    crate::payouts::one_of_each(db);
    crate::payouts::withdraw(db, crate::payouts::ask(db, 9, "10").unwrap().life.id).unwrap();
    payouts::of_account(db, farmer, None, 20).unwrap();
    payouts::in_state(db, PayoutState::Approved, None, 20).unwrap();
}

/// A top-up that is paid, one that is not, and a payment that is refused.
fn top_up(db: &dyn Db, renter: AccountId) {
    let (paid, other) = (id(9_001), begin(db, OMAR, 9_002, "25"));
    offer_once(db, OMAR, 9_001, "25", "https://checkout.stripe.com/1").unwrap();
    pay(db, paid, "pi_9001", 2_500);
    pay(db, other, "pi_9002", 2_499);
    top_ups::expire(db, other).unwrap();
    top_ups::find(db, renter, paid).unwrap().unwrap();
    top_ups::of_account(db, renter, None, 20).unwrap();
    top_ups::refused(db, 100).unwrap();
}

/// What becomes of rentals: held, several, whole, extended, transferred, reminded and ended.
fn a_day_of_rentals(db: &dyn Db) {
    let (aida, omar) = (account(AIDA), account(OMAR));
    let held = quote(db, 1, AIDA, &some(2), true, now()).unwrap();
    quote(db, 2, AIDA, &some(1), true, now()).unwrap();
    quotes::release(db, aida, quote_id(2), now()).unwrap();
    quotes::find(db, aida, held.id).unwrap();
    let by_quote = Attempt { id: 700, ..attempt(AIDA, "by-quote") };
    let ordered = order(db, &by_quote, Basis::Quote(&held)).unwrap();
    quote(db, 3, AIDA, &some(1), true, now()).unwrap();
    quotes::release_due(db, now().plus_seconds(400)).unwrap();
    quotes::sweep(db, now().plus_months(1)).unwrap();
    let all = rent_all(db, &Attempt { id: 710, ..attempt(AIDA, "whole") }, &whole(101)).unwrap();
    let own = rentals::RentalSettings {
        name: "mine".into(),
        labels: vec![],
        renewal: Some(Renewal { term: Term::Month, max_price: usd("25") }),
        renewal_by: rentals::RenewalSetter::Renter,
        auto_start: true,
    };
    let id = ordered.rentals[0].life.id;
    rentals::change_settings(db, aida, id, &own).unwrap();
    extend(db, &Attempt { id: 720, ..attempt(AIDA, "more") }, id, None).unwrap();
    rentals::end(db, aida, all.rentals[0].life.id, None, now().plus_seconds(9)).unwrap();
    let other = ordered.rentals[1].life.id;
    transfers::offer(db, aida, other, &email(OMAR), None, now()).unwrap();
    transfers::of_rental(db, aida, other, now()).unwrap();
    transfers::to_account(db, omar, now()).unwrap();
    transfers::accept(db, omar, other, 200, &NO_MACHINES, now()).unwrap();
    transfers::offer(db, omar, other, &email(AIDA), None, now()).unwrap();
    transfers::withdraw(db, aida, other).unwrap();
    transfers::sweep(db, now().plus_months(1)).unwrap();
    let near_end = now().plus_months(1).plus_seconds(-80_000);
    for notice in due::unreminded(db, near_end, 10).unwrap() {
        due::remind(db, &notice, None, near_end).unwrap();
        due::is_reminded(db, &notice).unwrap();
    }
    let near_end = now().plus_months(2).plus_seconds(-80_000);
    let due = due::renewing(db, near_end, 10).unwrap();
    assert_eq!(due.len(), 1);
    due::renew(db, &due[0], Percent::whole(10), order_id(730), near_end).unwrap();
    rentals::find(db, aida, id).unwrap().unwrap();
    a_day_of_imports(db);
    a_day_of_leaving(db);
}

/// A node is withdrawn; one rental goes elsewhere, another one ends.
fn a_day_of_leaving(db: &dyn Db) {
    let stays = Attempt { node: 1, id: 750, ..attempt(AIDA, "stays") };
    register(db, OTHER_FARMER, 401, 3);
    publish(db, 401, "1");
    publish(db, 1, "25");
    let rented = [750, 751].map(|id| {
        let key = format!("leaving-{id}");
        rent(db, Attempt { id, key: &key, ..stays }).unwrap()
    });
    leaving::withdraw(db, account(FARMER), NodeId(1), None, now()).unwrap();
    for due in leaving::unnotified(db, 10).unwrap() {
        leaving::notify(db, &due, None, now()).unwrap();
    }
    leaving::alternatives(db, &rented[0], Owed::Overdue, now()).unwrap();
    let offer_version = crate::market::version(db, 401);
    let to = leaving::Destination { node: NodeId(401), slice: None, offer_version };
    leaving::move_rental(db, account(AIDA), rented[0].life.id, &to, now()).unwrap();
    let day = now().plus_seconds(30 * 86_400);
    for due in leaving::overdue(db, day, 10).unwrap() {
        leaving::end(db, &due, &leaving::plan_end(&due, day).unwrap(), None, day).unwrap();
    }
    assert_eq!(leaving::leave(db, day, 10), Ok(1));
    assert_eq!(leaving::cancel_leave(db, account(FARMER), NodeId(1), day), Ok(true));
}

fn a_day_of_imports(db: &dyn Db) {
    register(db, FARMER, 400, 3);
    let import = rentals::Import {
        id: rental_id(740),
        node: NodeId(400),
        renter: account(AIDA),
        started_at: now(),
        months: 1,
        price: usd("1"),
    };
    rentals::import(db, &import, now()).unwrap();
}

/// A mail that is sent, and one that fails and is tried again.
fn mail(db: &dyn Db) {
    let put = |number| {
        let id = MailId::from_random(now(), random(number));
        let mail = mails::NewMail { id, account: None, kind: "sign-up", sealed: b"sealed" };
        mails::enqueue(db, &mail, now()).unwrap();
        mails::claim(db, now()).unwrap().unwrap()
    };
    mails::sent(db, put(9_001).id, now()).unwrap();
    let failed = put(9_002);
    mails::failed_attempt(db, &failed, "status 422", mails::Retry::No, now()).unwrap();
    mails::waiting(db).unwrap();
    mails::failed(db, 100).unwrap();
    mails::retry(db, failed.id, now()).unwrap();
    mails::sweep(db, now().plus_months(2)).unwrap();
}

/// Steps through a whole table that a statement may take: those of a subquery with a single row,
/// or through a list that is shown whole, or through the few items of an order.
const SCAN_STEPS_MAX: i32 = 8;

#[test]
fn no_statement_reads_a_whole_table() {
    let db = market();
    crate::market::fund(&db, AIDA, "5000");
    for node in 100..200 {
        register(&db, FARMER, node, 3);
        publish(&db, node, "25");
        let key = format!("key-{node}");
        if node != 101 {
            rent(&db, Attempt { node, id: node, ..attempt(AIDA, &key) }).unwrap();
        }
    }
    register(&db, FARMER, 1, 3);
    for number in 0..100 {
        pay(
            &db,
            begin(&db, AIDA, number, "25"),
            &format!("pi_{number}"),
            2_500 + i64::from(number == 7),
        );
        // Not due yet, so that taking one has to find its way past them.
        let id = MailId::from_random(now(), random(9_100 + number));
        let mail = mails::NewMail { id, account: None, kind: "sign-up", sealed: b"sealed" };
        mails::enqueue(&db, &mail, now().plus_seconds(1)).unwrap();
    }
    let metered = Metered { db: &db, scans: RefCell::default() };
    a_day(&metered);
    let scans = metered.scans.into_inner();
    assert!(scans.len() >= 43, "{}", scans.len());
    for (sql, steps) in scans {
        assert!(steps <= SCAN_STEPS_MAX, "{steps} steps: {sql}");
    }
}
