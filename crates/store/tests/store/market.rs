//! What the tests share: a market, its people, and one line for each thing that they do.

use std::path::PathBuf;

use domain::account::Email;
use domain::id::{AccountId, NodeId, RANDOM_ID_BYTES, RentalId, TokenId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::{Capacity, NodeReport, NodeStatus, Refusal, Resources};
use domain::promise::{Bandwidth, Uptime};
use domain::rental::{IdempotencyKey, RentRequest};
use domain::term::Term;
use domain::time::Timestamp;
use store::ledger::{Credit, Credited};
use store::nodes::Terms;
use store::rentals::{Order, RentFailure, Rental};
use store::{Db, RusqliteDb, accounts, invariants, ledger, migrate, nodes, offers, rentals};
use tempfile::TempDir;

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
    // The tests look at everything after each step, with more statements than a component has.
    db.connection().set_prepared_statement_cache_capacity(200);
    db
}

/// Two farmers, two renters with $100 each, and `NODE` with `SLICES` slices at $25.
pub(crate) fn market() -> RusqliteDb {
    let db = empty();
    furnish(&db);
    db
}

pub(crate) fn furnish(db: &impl Db) {
    for number in [FARMER, OTHER_FARMER, OMAR, AIDA] {
        open_account(db, number);
    }
    fund(db, OMAR, "100");
    fund(db, AIDA, "100");
    register(db, FARMER, NODE, SLICES);
    publish(db, NODE, "25");
}

pub(crate) fn open_account(db: &impl Db, number: u32) {
    let opened = accounts::create(db, account(number), &email(number), "$argon2id$", now());
    assert!(opened.unwrap());
}

pub(crate) fn fund(db: &impl Db, number: u32, amount: &str) {
    let key = format!("fund-{number}-{amount}");
    let credit = Credit { email: &email(number), amount: usd(amount), reason: "Test", key: &key };
    assert!(matches!(ledger::credit(db, &credit, now()).unwrap(), Credited::Done(_)));
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

pub(crate) fn register(db: &impl Db, farmer: u32, node: u32, slices: u32) {
    let (report, capacity) = (report(node), carries(slices));
    let name = format!("Node {node}");
    assert!(nodes::register(db, account(farmer), &name, &report, &capacity, now()).unwrap());
}

/// What the market's farmers ask and promise.
pub(crate) fn terms(node: u32, price: Option<Usd>) -> Terms {
    Terms {
        name: format!("Node {node}"),
        price,
        min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        min_bandwidth: Bandwidth::from_mbps(100),
    }
}

/// Puts a node on the market, or changes its price.
pub(crate) fn publish(db: &impl Db, node: u32, price: &str) {
    set(db, node, Some(usd(price)), Listing::Published);
}

/// Sets a node's price and listing, at the version that it has.
pub(crate) fn set(db: &impl Db, node: u32, price: Option<Usd>, listing: Listing) {
    let farmer = nodes::farmer_of(db, NodeId(node)).unwrap().unwrap();
    let (seen, _) = nodes::find(db, farmer, NodeId(node)).unwrap().unwrap();
    let (version, terms) = (seen.offer.version, terms(node, price));
    let done = nodes::set(db, farmer, NodeId(node), version, &terms, listing, now()).unwrap();
    assert!(done, "{node} at {version}");
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
    }
}

pub(crate) fn rent(db: &impl Db, attempt: Attempt<'_>) -> Result<Rental, RentFailure> {
    let Attempt { node, slice, term, offer_version, .. } = attempt;
    let request = RentRequest { node: NodeId(node), slice, term, offer_version };
    let mut request_hash = [0; 32];
    let text = format!("{node} {slice:?} {} {offer_version:?}", term.months());
    request_hash[..text.len()].copy_from_slice(text.as_bytes());
    let order = Order {
        request: &request,
        renter: account(attempt.renter),
        token: attempt.token,
        key: &IdempotencyKey::parse(attempt.key).unwrap(),
        request_hash,
        platform_fee: Percent::whole(attempt.fee_percent),
    };
    rentals::rent(db, &order, rental_id(attempt.id), attempt.at)
}

/// A node's slices in order: `a` available, `R` rented, `-` retired.
pub(crate) fn states(db: &RusqliteDb, node: u32) -> String {
    let sql = "SELECT group_concat(
                          CASE state WHEN 'available' THEN 'a' WHEN 'allocated' THEN 'R'
                                     ELSE '-' END, '')
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
pub(crate) fn assert_sound(db: &impl Db) {
    for finding in invariants::check(db).unwrap() {
        assert_eq!(finding.violations, 0, "{}", finding.invariant.claim);
    }
}

/// What a farmer has earned.
pub(crate) fn earned(db: &impl Db, farmer: u32) -> Usd {
    nodes::summary(db, account(farmer)).unwrap().earned
}

pub(crate) fn balance(db: &impl Db, number: u32) -> Usd {
    ledger::balance(db, account(number)).unwrap()
}

/// The version of a node's offer.
pub(crate) fn version(db: &impl Db, node: u32) -> i64 {
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
