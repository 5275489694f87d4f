//! What the tests share: a market, its people, and one line for each thing that they do.

use std::cell::RefCell;
use std::path::PathBuf;

use domain::account::Email;
use domain::id::{
    AccountId, NodeId, OrderId, QuoteId, RANDOM_ID_BYTES, RentalId, SliceId, TokenId,
};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::{Capacity, NodeReport, NodeStatus, Refusal, Resources};
use domain::offering::{Offering, Raise};
use domain::order::{IdempotencyKey, RentRequest, SLICES_PER_ORDER_MAX, Wanted};
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use store::audit::{Actor, NewEntry};
use store::ledger::{Credit, CreditFailure, SlaCredit};
use store::quotes::{NewQuote, Quote};
use store::rentals::{ChangeFailure, Extension, Rental};
use store::renting::{Basis, Order, Ordered, RentFailure, Setup};
use store::responses::{self, Earlier, Intention, StoredResponse};
use store::{
    Db, RusqliteDb, StoreError, accounts, due, invariants, leaving, ledger, migrate, nodes,
    offering, offers, quotes, rentals, renting, sla_results,
};
use tempfile::TempDir;

use crate::trigger_order;

/// The farmer of `NODE`.
pub(crate) const FARMER: u32 = 1;
/// A farmer of other nodes.
pub(crate) const OTHER_FARMER: u32 = 2;
/// A renter with $100.
pub(crate) const OMAR: u32 = 3;
/// A renter with $100.
pub(crate) const AIDA: u32 = 4;

/// The published node of a market.
pub(crate) const NODE: u32 = 32;
/// How many slices it has.
pub(crate) const SLICES: u32 = 9;

/// 2026-11-22T17:08:41Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_367_321)
}

/// Long enough ago for payouts to an address.
pub(crate) fn last_week() -> Timestamp {
    now().plus_seconds(-7 * 86_400)
}

pub(crate) fn usd(text: &str) -> Usd {
    Usd::parse("amount", text).unwrap()
}

pub(crate) fn account(number: u32) -> AccountId {
    AccountId::from_random(now(), random(number))
}

pub(crate) fn rental_id(number: u32) -> RentalId {
    let mut bytes = random(number);
    // No account has the same id.
    bytes[0] = 1;
    RentalId::from_random(now(), bytes)
}

/// The random part of an id that is not random in tests.
pub(crate) fn random(number: u32) -> [u8; RANDOM_ID_BYTES] {
    let mut bytes = [0; RANDOM_ID_BYTES];
    bytes[RANDOM_ID_BYTES - 4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

pub(crate) fn email(number: u32) -> Email {
    Email::parse(&format!("account{number}@example.org")).unwrap()
}

/// SQLite in memory, with every migration and nothing else.
pub(crate) fn empty() -> RusqliteDb {
    let db = RusqliteDb::in_memory().unwrap();
    migrate::apply(&db, now()).unwrap();
    trigger_order::apply(&db);
    // The tests look at everything after each step, with more statements than a component has.
    db.connection().set_prepared_statement_cache_capacity(400);
    db
}

/// Two farmers, two renters with $100 each, and `NODE` with `SLICES` slices at $25.
pub(crate) fn market() -> RusqliteDb {
    let db = empty();
    furnish(&db);
    db
}

/// Rentals of farms without an agent have their machines, as those from before there were jobs:
/// most tests are about the market, and no farmer does anything by hand in them.
const NOTHING_BY_HAND: &str = "
    CREATE TRIGGER tests_set_up_nothing_by_hand BEFORE INSERT ON jobs WHEN NEW.is_by_hand = 1 BEGIN
        SELECT RAISE(IGNORE);
    END";

/// Farmers without an agent have to set machines up by hand from now on, as they really have to.
pub(crate) fn set_up_by_hand(db: &dyn Db) {
    db.run("DROP TRIGGER tests_set_up_nothing_by_hand", &[]).unwrap();
}

/// See [`NOTHING_BY_HAND`].
pub(crate) fn set_up_nothing_by_hand(db: &dyn Db) {
    db.run(NOTHING_BY_HAND, &[]).unwrap();
}

pub(crate) fn furnish(db: &dyn Db) {
    set_up_nothing_by_hand(db);
    for number in [FARMER, OTHER_FARMER, OMAR, AIDA] {
        open_account(db, number);
    }
    fund(db, OMAR, "100");
    fund(db, AIDA, "100");
    register(db, FARMER, NODE, SLICES);
    publish(db, NODE, "25");
}

pub(crate) fn open_account(db: &dyn Db, number: u32) {
    let opened = accounts::create(db, account(number), &email(number), "$argon2id$", now());
    assert!(opened.unwrap());
}

pub(crate) fn fund(db: &dyn Db, number: u32, amount: &str) {
    credit(db, number, usd(amount), &format!("fund-{number}-{amount}"), now()).unwrap();
}

/// What the audit log says of what operators do.
pub(crate) fn by_operator() -> NewEntry<'static> {
    NewEntry {
        action: "credit-granted",
        actor: Actor::Operator,
        actor_id: String::new(),
        account: None,
        subject: "",
        address: "",
        request_id: "",
    }
}

/// An operator credits a wallet, once for each key; answers what it holds then.
pub(crate) fn credit(
    db: &dyn Db,
    to: u32,
    amount: Usd,
    key: &str,
    at: Timestamp,
) -> Result<String, CreditFailure> {
    let intention =
        Intention { owner: None, ..intention(1, key, "credit", &format!("{to} {amount}")) };
    let credit = Credit {
        email: &email(to),
        amount,
        reason: "Test",
        reference: key,
        intention: Some(&intention),
        audit: &by_operator(),
    };
    let respond = |balance: Usd| response(&balance.to_string());
    once(db, &intention, || ledger::credit(db, &credit, &respond, at))
}

/// An operator credits the renter of a rental, once for each key.
pub(crate) fn credit_sla(
    db: &dyn Db,
    rental: RentalId,
    amount: &str,
    key: &str,
    at: Timestamp,
) -> Result<(), CreditFailure> {
    let intention =
        Intention { owner: None, ..intention(1, key, "sla", &format!("{rental} {amount}")) };
    let credit = SlaCredit {
        rental,
        amount: usd(amount),
        reason: "By hand",
        reference: key,
        intention: Some(&intention),
        audit: &by_operator(),
    };
    let act = || ledger::credit_sla(db, &credit, response(""), at);
    once(db, &intention, act).map(drop)
}

/// A report of a healthy node.
pub(crate) fn report(node: u32) -> NodeReport {
    let nothing = Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 };
    NodeReport {
        id: NodeId(node),
        farm_id: 1,
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        status: NodeStatus::Up,
        healthy: Some(true),
        certified: false,
        total: nothing,
        used: nothing,
        in_dedicated_farm: false,
        extra_fee_musd: 0,
        rented_whole: false,
        runs_machines: Some(true),
        upload_mbps: Some(940),
        download_mbps: Some(810),
        reported_at: now(),
    }
}

/// A capacity of so many slices.
pub(crate) fn carries(slices: u32) -> Capacity {
    let refusal = (slices == 0).then_some(Refusal::Memory);
    Capacity { slices, by_cpu: slices + 7, by_memory: slices, by_ssd: slices + 1, refusal }
}

pub(crate) fn register(db: &dyn Db, farmer: u32, node: u32, slices: u32) {
    let (report, capacity) = (report(node), carries(slices));
    let name = format!("Node {node}");
    assert!(nodes::register(db, account(farmer), &name, &report, &capacity, now()).unwrap());
}

/// A farmer has verified a farm: what it earns is paid out.
pub(crate) fn prove_farm(db: &dyn Db, farmer: u32, farm: u32) {
    let sql = "INSERT INTO farms
                      (id, name, twin_id, twin_account, owner_id, verified_by, verified_at,
                       checked_at)
               VALUES (?1, 'Freefarm', ?1, '5Grwva', ?2, 'operator', ?3, ?3)";
    let owner = account(farmer).to_string();
    db.run(sql, &[farm.into(), owner.as_str().into(), now().into()]).unwrap();
}

/// A farm that its farmer has not verified was used for a month: what it earns is paid out.
pub(crate) fn use_farm(db: &dyn Db, farmer: u32, farm: u32) {
    let sql = "INSERT INTO farm_uses (owner_id, farm_id, days, counted_on)
               VALUES (?1, ?2, 30, '2026-11-21')
                   ON CONFLICT (owner_id, farm_id) DO UPDATE SET days = 30";
    let owner = account(farmer).to_string();
    db.run(sql, &[owner.as_str().into(), farm.into()]).unwrap();
    let release = "INSERT INTO release_earnings VALUES (?1, ?2, 0)";
    db.run(release, &[owner.as_str().into(), farm.into()]).unwrap();
}

/// What the market's farmers ask and SLA.
pub(crate) fn terms(node: u32, price: Option<Usd>, listing: Listing) -> Offering {
    Offering {
        name: format!("Node {node}"),
        price,
        raise: None,
        min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        min_bandwidth: Bandwidth::from_mbps(100),
        terms: domain::term::Terms::ALL,
        withheld_slices: 0,
        listing,
    }
}

/// Puts a node on the market, or changes its price.
pub(crate) fn publish(db: &dyn Db, node: u32, price: &str) {
    set(db, node, Some(usd(price)), Listing::Published);
}

/// Sets a node's price and listing, at the version that it has. A raise that has to wait is over
/// at once.
pub(crate) fn set(db: &dyn Db, node: u32, price: Option<Usd>, listing: Listing) {
    let farmer = nodes::farmer_of(db, NodeId(node)).unwrap().unwrap();
    let (found, _) = nodes::find(db, farmer, NodeId(node)).unwrap().unwrap();
    let (version, seen) = (found.offer.version, found.seen());
    let mut terms = terms(node, price, listing);
    if seen.occupied_slices > 0 && seen.offering.price < price {
        terms.price = seen.offering.price;
        terms.raise = price.map(|price| Raise { price, at: now() });
    }
    assert!(save(db, farmer, node, version, &terms), "{node} at {version}");
    offering::apply_raises(db, now()).unwrap();
}

/// Sets what a node is offered for, at the version `seen`.
pub(crate) fn save(db: &dyn Db, farmer: AccountId, node: u32, seen: i64, terms: &Offering) -> bool {
    offering::save(db, farmer, NodeId(node), seen, terms, now()).unwrap()
}

/// One try to rent a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt<'a> {
    pub(crate) renter: u32,
    pub(crate) node: u32,
    pub(crate) slice: Option<u32>,
    pub(crate) term: Term,
    pub(crate) offer_version: Option<i64>,
    pub(crate) key: &'a str,
    /// The id that the rental gets if this try makes it.
    pub(crate) id: u32,
    pub(crate) at: Timestamp,
    pub(crate) fee_percent: u8,
    pub(crate) token: Option<TokenId>,
    pub(crate) slices_max: u32,
}

/// A try to rent any slice of `NODE` for a month.
pub(crate) fn attempt(renter: u32, key: &str) -> Attempt<'_> {
    Attempt {
        renter,
        node: NODE,
        slice: None,
        term: Term::Month,
        offer_version: None,
        key,
        id: renter,
        at: now(),
        fee_percent: 10,
        token: None,
        slices_max: SLICES_MAX,
    }
}

impl Attempt<'_> {
    /// The request of it: a slice, or any one of the node.
    pub(crate) fn request(&self) -> RentRequest {
        let wanted = match self.slice {
            Some(number) => Wanted::Slice(SliceId { node: NodeId(self.node), number }),
            None => Wanted::OfNode(NodeId(self.node), 1),
        };
        RentRequest { wanted, term: self.term, offer_version: self.offer_version, max_price: None }
    }
}

/// The most slices that an account of the tests may rent.
pub(crate) const SLICES_MAX: u32 = 150;

/// What tells two requests of the tests apart: letters, so that a dump can be read.
fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    let mut sum: u64 = 7;
    for (index, byte) in text.bytes().enumerate() {
        sum = sum.wrapping_add(byte.into()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let letter = u8::try_from((sum >> 40) % 26).unwrap();
        hash[index % 32] = b'a' + (hash[index % 32] + letter) % 26;
    }
    hash
}

/// What a used key is refused with.
pub(crate) const KEY_USED: StoreError = StoreError::Refused(store::Refusal::IdempotencyKeyUsed);

/// A request that acts once.
pub(crate) fn intention(of: u32, key: &str, operation: &str, asked: &str) -> Intention {
    Intention {
        owner: Some(account(of)),
        key: IdempotencyKey::parse(key).unwrap(),
        operation: operation.into(),
        fingerprint: hash(asked),
    }
}

pub(crate) fn response(body: &str) -> StoredResponse {
    StoredResponse { status: 201, location: "/api".into(), body: body.into() }
}

/// What a request is answered: what `act` answers, once for each key.
pub(crate) fn once<E: From<StoreError>>(
    db: &dyn Db,
    intention: &Intention,
    act: impl FnOnce() -> Result<StoredResponse, E>,
) -> Result<String, E> {
    let earlier = || match responses::find(db, intention)? {
        None | Some(Earlier::Begun) => Ok(None),
        Some(Earlier::Response(response)) => Ok(Some(response)),
        Some(Earlier::Deleted { .. } | Earlier::OtherRequest) => Err(E::from(KEY_USED)),
    };
    let response = match earlier()? {
        Some(response) => Ok(response),
        None => act().or_else(|error| earlier()?.ok_or(error)),
    };
    response.map(|response| response.body)
}

fn intention_to_rent(attempt: &Attempt<'_>, basis: Basis<'_>) -> Intention {
    let asked = match basis {
        Basis::Request(request) => format!("{request:?}"),
        Basis::Quote(quote) => quote.id.to_string(),
    };
    intention(attempt.renter, attempt.key, "rent", &asked)
}

/// What an order is answered: its rentals, once for each key.
pub(crate) fn order_once(
    db: &dyn Db,
    attempt: &Attempt<'_>,
    basis: Basis<'_>,
) -> Result<String, RentFailure> {
    let intention = intention_to_rent(attempt, basis);
    once(db, &intention, || order(db, attempt, basis).map(|made| response(&shown(&made))))
}

/// An order's rentals as the tests answer them.
pub(crate) fn shown(ordered: &Ordered) -> String {
    let place = |rental: &Rental| (rental.life.node.0, rental.life.slice, rental.life.slices);
    format!("{:?}", (ordered.rentals.iter().map(place).collect::<Vec<_>>(), ordered.total.micros()))
}

/// Orders something as an attempt says, whatever it is. A used key is refused.
pub(crate) fn order(
    db: &dyn Db,
    attempt: &Attempt<'_>,
    basis: Basis<'_>,
) -> Result<Ordered, RentFailure> {
    let mut next = attempt.id * 100;
    let rentals: Vec<RentalId> = (0..SLICES_PER_ORDER_MAX)
        .map(|nth| {
            let number = if nth == 0 { attempt.id } else { next };
            next += 1;
            rental_id(number)
        })
        .collect();
    let order = Order {
        id: order_id(attempt.id),
        rentals: &rentals,
        basis,
        renter: account(attempt.renter),
        token: attempt.token,
        intention: Some(&intention_to_rent(attempt, basis)),
        platform_fee: Percent::whole(attempt.fee_percent),
        slices_max: attempt.slices_max,
        setup: &Setup::default(),
    };
    let made = RefCell::new(None);
    let respond = |ordered: &Ordered| {
        made.replace(Some(ordered.clone()));
        response(&shown(ordered))
    };
    renting::rent(db, &order, &respond, attempt.at).map(|_| made.take().unwrap())
}

pub(crate) fn rent(db: &dyn Db, attempt: Attempt<'_>) -> Result<Rental, RentFailure> {
    let ordered = order(db, &attempt, Basis::Request(&attempt.request()))?;
    assert_eq!(ordered.rentals.len(), 1);
    Ok(ordered.rentals.into_iter().next().unwrap())
}

pub(crate) fn order_id(number: u32) -> OrderId {
    let mut bytes = random(number);
    bytes[0] = 2;
    OrderId::from_random(now(), bytes)
}

/// Does all that time does to rentals until `at`, grace and all; nothing fails.
pub(crate) fn pass(db: &dyn Db, at: Timestamp, limit: u32) {
    for due in leaving::overdue(db, at, limit).unwrap() {
        let ending = leaving::plan_end(&due, at).unwrap();
        leaving::end(db, &due, &ending, None, at).unwrap();
    }
    leaving::leave(db, at, limit).unwrap();
    let nothing: Vec<(RentalId, StoreError)> = Vec::new();
    assert_eq!(due::expire(db, at, limit).unwrap(), nothing);
    assert_eq!(due::earn(db, at, limit).unwrap(), nothing);
}

/// Compares every SLA that is due at `at`; nothing fails.
pub(crate) fn evaluate(db: &dyn Db, at: Timestamp) {
    let due = "SELECT 1 FROM tenures WHERE evaluate_at <= ?1 LIMIT 1";
    while !db.run(due, &[at.into()]).unwrap().is_empty() {
        let nothing: Vec<(RentalId, StoreError)> = Vec::new();
        assert_eq!(sla_results::evaluate(db, at, 100).unwrap(), nothing);
    }
}

/// What the first term of a rental cost.
pub(crate) fn charged(rental: &Rental) -> Usd {
    rental.life.periods[0].total
}

/// The slice that a rental has.
pub(crate) fn slice(rental: &Rental) -> u32 {
    rental.life.slice.unwrap()
}

/// A node's slices in order: `a` available, `h` held, `R` rented, `-` retired.
pub(crate) fn states(db: &RusqliteDb, node: u32) -> String {
    let sql = "SELECT group_concat(
                          CASE state WHEN 'available' THEN 'a' WHEN 'allocated' THEN 'R'
                                     WHEN 'reserved' THEN 'h' ELSE '-' END, '')
                 FROM (SELECT state FROM slices WHERE node_id = ?1 ORDER BY number)";
    let read = |row: &rusqlite::Row<'_>| row.get::<_, Option<String>>(0);
    db.connection().query_row(sql, [node], read).unwrap().unwrap_or_default()
}

/// The single number that a query answers with.
pub(crate) fn count(db: &RusqliteDb, sql: &str) -> i64 {
    db.connection().query_row(sql, [], |row| row.get(0)).unwrap()
}

/// Breaks something, or does by hand what no function of the store does.
pub(crate) fn by_hand(db: &RusqliteDb, sql: &str) -> rusqlite::Result<()> {
    db.connection().execute_batch(sql)
}

#[track_caller]
pub(crate) fn assert_sound(db: &dyn Db) {
    for finding in invariants::check_everything(db).unwrap() {
        assert_eq!(finding.violations, 0, "{}", finding.invariant.claim);
    }
}

/// What a farmer has earned.
pub(crate) fn earned(db: &dyn Db, farmer: u32) -> Usd {
    nodes::summary(db, account(farmer)).unwrap().earned
}

pub(crate) fn balance(db: &dyn Db, number: u32) -> Usd {
    ledger::balance(db, account(number)).unwrap()
}

/// The version of a node's offer.
pub(crate) fn version(db: &dyn Db, node: u32) -> i64 {
    offers::find(db, NodeId(node)).unwrap().unwrap().0.version
}

/// A database file of its own, for several connections.
pub(crate) struct Disk {
    folder: TempDir,
    journal_mode: &'static str,
}

impl Disk {
    /// The journal modes that a host may have set: Spin's default, and our own host's.
    pub(crate) const JOURNAL_MODES: [&str; 2] = ["delete", "wal"];

    pub(crate) fn new(journal_mode: &'static str) -> Disk {
        let disk = Disk { folder: TempDir::new().unwrap(), journal_mode };
        // Here once, because a change of mode excludes every other connection.
        let mode = format!("PRAGMA journal_mode = {}", disk.journal_mode);
        disk.open().connection().query_row(&mode, [], |_| Ok(())).unwrap();
        disk
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("market.db")
    }

    /// Another connection. It does not wait for the disk: nothing here is about power cuts.
    pub(crate) fn open(&self) -> RusqliteDb {
        let db = RusqliteDb::open(&self.path()).unwrap();
        by_hand(&db, "PRAGMA synchronous = OFF").unwrap();
        db
    }
}

/// A rental as its renter sees it.
#[track_caller]
pub(crate) fn rental_of(db: &dyn Db, renter: u32, id: RentalId) -> Rental {
    rentals::find(db, account(renter), id).unwrap().unwrap()
}

/// A request for something, for a month, at any price.
pub(crate) fn request(wanted: Wanted) -> RentRequest {
    RentRequest { wanted, term: Term::Month, offer_version: None, max_price: None }
}

/// So many free slices of `NODE`.
pub(crate) fn some(count: u32) -> RentRequest {
    request(Wanted::OfNode(NodeId(NODE), count))
}

/// A named slice of `NODE`.
pub(crate) fn one(number: u32) -> RentRequest {
    request(Wanted::Slice(SliceId { node: NodeId(NODE), number }))
}

/// All of a node.
pub(crate) fn whole(node: u32) -> RentRequest {
    request(Wanted::WholeNode(NodeId(node)))
}

pub(crate) fn quote_id(number: u32) -> QuoteId {
    let mut bytes = random(number);
    bytes[0] = 3;
    QuoteId::from_random(now(), bytes)
}

/// Asks for a quote with this number as its id.
pub(crate) fn quote(
    db: &dyn Db,
    number: u32,
    of: u32,
    request: &RentRequest,
    is_held: bool,
    at: Timestamp,
) -> Result<Quote, RentFailure> {
    quote_up_to(SLICES_MAX, db, number, of, request, is_held, at)
}

/// The same where an account may have so many slices.
pub(crate) fn quote_up_to(
    slices_max: u32,
    db: &dyn Db,
    number: u32,
    of: u32,
    request: &RentRequest,
    is_held: bool,
    at: Timestamp,
) -> Result<Quote, RentFailure> {
    let new = NewQuote {
        id: quote_id(number),
        request,
        account: account(of),
        token: None,
        slices_max,
        platform_fee: Percent::whole(10),
        is_held,
        sign: &|document| Some(format!("signed {}", document.len())),
    };
    quotes::make(db, &new, at)
}

/// Rents what a request says; the ids come from the attempt.
pub(crate) fn rent_all(
    db: &dyn Db,
    attempt: &Attempt<'_>,
    request: &RentRequest,
) -> Result<Ordered, RentFailure> {
    order(db, attempt, Basis::Request(request))
}

/// Extends a rental by a term, and a used key is refused; the key, the id, the time and the token
/// are those of the attempt.
pub(crate) fn extend(
    db: &dyn Db,
    attempt: &Attempt<'_>,
    rental: RentalId,
    max_price: Option<&str>,
) -> Result<Rental, ChangeFailure> {
    let extension = Extension {
        renter: account(attempt.renter),
        rental,
        term: attempt.term,
        max_price: max_price.map(usd),
        platform_fee: Percent::whole(attempt.fee_percent),
        order: order_id(attempt.id),
        token: attempt.token,
        intention: Some(&intention_to_extend(attempt, rental, max_price)),
    };
    let extended = RefCell::new(None);
    let respond = |rental: &Rental| {
        extended.replace(Some(rental.clone()));
        response(&rental.life.ends_at.to_string())
    };
    rentals::extend(db, &extension, &respond, attempt.at).map(|_| extended.take().unwrap())
}

fn intention_to_extend(
    attempt: &Attempt<'_>,
    rental: RentalId,
    max_price: Option<&str>,
) -> Intention {
    let asked = format!("{rental} {:?} {max_price:?}", attempt.term);
    intention(attempt.renter, attempt.key, "extend", &asked)
}

/// What an extension is answered: the end, once for each key.
pub(crate) fn extend_once(
    db: &dyn Db,
    attempt: &Attempt<'_>,
    rental: RentalId,
    max_price: Option<&str>,
) -> Result<String, ChangeFailure> {
    once(db, &intention_to_extend(attempt, rental, max_price), || {
        let extended = extend(db, attempt, rental, max_price)?;
        Ok(response(&extended.life.ends_at.to_string()))
    })
}
