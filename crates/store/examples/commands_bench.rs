//! How long each command takes on a database file as a host keeps it: WAL, each commit on the disk.
//!
//! `cargo run --release -p store --features rusqlite --example commands_bench [FILE]` makes the
//! file (`commands_bench.db` where none is named; it must not be there yet), fills it with 1,000
//! nodes, and prints the median and the slowest of some hundred runs of each command.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::cell::Cell;
use std::time::{Duration, Instant};

use domain::account::Email;
use domain::id::{AccountId, NodeId, OrderId, QuoteId, RANDOM_ID_BYTES, RentalId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::node::{Capacity, NodeReport, NodeStatus, Resources};
use domain::offering::Offering;
use domain::order::{IdempotencyKey, RentRequest, SLICES_PER_ORDER_MAX, Wanted};
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use store::audit::{Actor, NewEntry};
use store::ledger::Credit;
use store::quotes::NewQuote;
use store::rentals::Extension;
use store::renting::{Basis, Order, Ordered, Setup};
use store::responses::{Intention, StoredResponse};
use store::ssh_keys::KeyLines;
use store::transfers::Handover;
use store::{
    RusqliteDb, accounts, due, ledger, migrate, nodes, offering, quotes, rentals, renting,
    transfers,
};

/// How many nodes there are, with so many slices each.
const NODES: u32 = 1_000;
const SLICES: u32 = 16;
/// How often each command runs.
const RUNS: u32 = 300;
const RENTER: u32 = 1;
const OTHER: u32 = 2;
const FARMER: u32 = 3;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_367_321)
}

fn random(kind: u8, number: u32) -> [u8; RANDOM_ID_BYTES] {
    let mut bytes = [0; RANDOM_ID_BYTES];
    bytes[0] = kind;
    bytes[RANDOM_ID_BYTES - 4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn account(number: u32) -> AccountId {
    AccountId::from_random(now(), random(0, number))
}

fn email(number: u32) -> Email {
    Email::parse(&format!("account{number}@example.org")).unwrap()
}

/// The market, and a number for the next id and key.
struct Bench {
    db: RusqliteDb,
    next: u32,
}

impl Bench {
    fn new(path: &std::path::Path) -> Bench {
        let db = RusqliteDb::open(path).unwrap();
        let mode = "PRAGMA journal_mode = wal";
        db.connection().query_row(mode, [], |_| Ok(())).unwrap();
        // While it is filled; the runs wait for the disk.
        db.connection().execute_batch("PRAGMA synchronous = OFF").unwrap();
        migrate::apply(&db, now()).unwrap();
        for number in [RENTER, OTHER, FARMER] {
            accounts::create(&db, account(number), &email(number), "$", now()).unwrap();
        }
        let amount = Usd::from_micros(9_000_000 * 1_000_000);
        let (audit, intention, reason) = (&by_operator(), None, "Bench");
        for (number, reference) in [(RENTER, "a"), (OTHER, "b")] {
            let email = &email(number);
            let credit = Credit { email, amount, reason, reference, intention, audit };
            ledger::credit(&db, &credit, &|_| response(), now()).unwrap();
        }
        (1..=NODES).for_each(|node| add_node(&db, node));
        db.connection().execute_batch("PRAGMA synchronous = FULL").unwrap();
        Bench { db, next: 0 }
    }

    fn id(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn order(&mut self, basis: Basis<'_>) -> Vec<RentalId> {
        let number = self.id();
        let ids: Vec<RentalId> = (0..SLICES_PER_ORDER_MAX)
            .map(|nth| RentalId::from_random(now(), random(1, number * 100 + nth)))
            .collect();
        let order = Order {
            id: OrderId::from_random(now(), random(2, number)),
            rentals: &ids,
            basis,
            renter: account(RENTER),
            token: None,
            intention: Some(&intention(number)),
            platform_fee: Percent::whole(10),
            slices_max: u32::MAX,
            setup: &Setup::default(),
        };
        let count = Cell::new(0);
        let respond = |ordered: &Ordered| {
            count.set(ordered.rentals.len());
            response()
        };
        renting::rent(&self.db, &order, &respond, now()).unwrap();
        ids[..count.get()].to_vec()
    }

    fn rent(&mut self, wanted: Wanted) -> Vec<RentalId> {
        self.order(Basis::Request(&request(wanted)))
    }

    fn quote(&mut self, wanted: Wanted) -> quotes::Quote {
        let new = NewQuote {
            id: QuoteId::from_random(now(), random(3, self.id())),
            request: &request(wanted),
            account: account(RENTER),
            token: None,
            slices_max: 1_000,
            platform_fee: Percent::whole(10),
            is_held: true,
            sign: &|_| None,
        };
        quotes::make(&self.db, &new, now()).unwrap()
    }

    fn extend(&mut self, rental: RentalId) {
        let number = self.id();
        let extension = Extension {
            renter: account(RENTER),
            rental,
            term: Term::Quarter,
            max_price: None,
            platform_fee: Percent::whole(10),
            order: OrderId::from_random(now(), random(2, number)),
            token: None,
            intention: Some(&intention(number)),
        };
        rentals::extend(&self.db, &extension, &|_| response(), now()).unwrap();
    }

    fn end(&self, rental: RentalId) {
        rentals::end(&self.db, account(RENTER), rental, None, now().plus_seconds(90_000)).unwrap();
    }
}

fn intention(number: u32) -> Intention {
    Intention {
        owner: Some(account(RENTER)),
        key: IdempotencyKey::parse(&format!("key-{number}")).unwrap(),
        operation: "POST /".into(),
        fingerprint: [0; 32],
    }
}

/// A response as long as that of one rental.
fn response() -> StoredResponse {
    StoredResponse { status: 201, location: "/api/rentals".into(), body: "x".repeat(2_500) }
}

fn add_node(db: &RusqliteDb, node: u32) {
    let nothing = Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 };
    let report = NodeReport {
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
        upload_mbps: None,
        download_mbps: None,
        reported_at: now(),
    };
    let capacity =
        Capacity { slices: SLICES, by_cpu: 20, by_memory: SLICES, by_ssd: 20, refusal: None };
    assert!(nodes::register(db, account(FARMER), "Node", &report, &capacity, now()).unwrap());
    let terms = Offering {
        name: "Node".into(),
        price: Some(Usd::parse("price", "25").unwrap()),
        min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        raise: None,
        min_bandwidth: Bandwidth::from_mbps(100),
        terms: domain::term::Terms::ALL,
        withheld_slices: 0,
        listing: Listing::Published,
    };
    let (farmer, id) = (account(FARMER), NodeId(node));
    assert!(offering::save(db, farmer, id, 1, &terms, now()).unwrap());
}

fn request(wanted: Wanted) -> RentRequest {
    RentRequest { wanted, term: Term::Month, offer_version: None, max_price: None }
}

fn print(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
    let ms = |time: Duration| time.as_secs_f64() * 1_000.0;
    println!("{name:<42} {:8.2} ms {:8.2} ms", ms(median), ms(slowest));
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

fn main() {
    let path = std::env::args().nth(1).unwrap_or_else(|| "commands_bench.db".into());
    let mut bench = Bench::new(path.as_ref());
    let [mut one, mut ten, mut whole, mut held, mut used, mut extended, mut ended, mut taken] =
        [const { Vec::new() }; 8];
    for run in 0..RUNS {
        let node = NodeId(run * 3 % NODES + 1);
        let (ids, time) = timed(|| bench.rent(Wanted::OfNode(node, 1)));
        one.push(time);
        extended.push(timed(|| bench.extend(ids[0])).1);
        ended.push(timed(|| bench.end(ids[0])).1);
        let (tens, time) = timed(|| bench.rent(Wanted::OfNode(node, 10)));
        ten.push(time);
        let to = email(OTHER);
        assert!(transfers::offer(&bench.db, account(RENTER), tens[0], &to, None, now()).unwrap());
        let keys = KeyLines::default();
        let nothing = Handover { keys: &keys, actions: &[] };
        let accept =
            || transfers::accept(&bench.db, account(OTHER), tens[0], u32::MAX, &nothing, now());
        let (accepted, time) = timed(accept);
        accepted.unwrap();
        taken.push(time);
        let (quote, time) = timed(|| bench.quote(Wanted::OfNode(node, 1)));
        held.push(time);
        used.push(timed(|| bench.order(Basis::Quote(&quote))).1);
        let node = NodeId(run * 3 % NODES + 2);
        whole.push(timed(|| bench.rent(Wanted::WholeNode(node))).1);
    }
    println!("{:<42} {:>11} {:>11}", "", "median", "slowest");
    print("rent: one slice", one);
    print("rent: ten slices", ten);
    print("rent: a whole node of 16", whole);
    print("keep_quote: hold one slice", held);
    print("rent: by that quote", used);
    print("change_rental: extend", extended);
    print("change_rental: end early, with a refund", ended);
    print("take_over_rental: accept", taken);
    let mut earned = Vec::new();
    for day in 1..=RUNS {
        let at = now().plus_seconds(i64::from(day) * 7_000 + 86_400);
        let (failed, time) = timed(|| due::earn(&bench.db, at, 1).unwrap());
        assert!(failed.is_empty());
        earned.push(time);
    }
    print("change_rental: earn a day", earned);
}

fn by_operator() -> NewEntry<'static> {
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
