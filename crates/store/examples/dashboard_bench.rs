//! How long the farmer's dashboard takes on a farm of 200 nodes with 16 slices each, half of them
//! rented for a year of which every month has been earned.
//!
//! `cargo run --release -p store --features rusqlite --example dashboard_bench` makes the farm in
//! memory, by the commands that a marketplace runs, and prints the median and the slowest of 100
//! runs of each statement and of the whole.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a tool for developers")]

use std::time::{Duration, Instant};

use domain::account::Email;
use domain::id::{AccountId, NodeId, OrderId, RANDOM_ID_BYTES, RentalId};
use domain::listing::Listing;
use domain::money::{Percent, Usd};
use domain::month::Month;
use domain::node::{Capacity, NodeReport, NodeStatus, Resources};
use domain::offering::Offering;
use domain::order::{RentRequest, SLICES_PER_ORDER_MAX, Wanted};
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use store::audit::{Actor, NewEntry};
use store::ledger::Credit;
use store::nodes::Farmer;
use store::renting::{Basis, Order, Setup};
use store::responses::StoredResponse;
use store::{
    RusqliteDb, accounts, dashboard, due, ledger, migrate, nodes, offering, renting, revenue,
};

const NODES: u32 = 200;
const SLICES: u32 = 16;
const RENTED: u32 = SLICES / 2;
const MONTHS: u32 = 12;
const RUNS: usize = 100;
const FARMER: u8 = 1;
const RENTER: u8 = 2;

fn now() -> Timestamp {
    Timestamp::from_seconds(1_795_367_321)
}

fn random(kind: u8, number: u32) -> [u8; RANDOM_ID_BYTES] {
    let mut bytes = [0; RANDOM_ID_BYTES];
    bytes[0] = kind;
    bytes[RANDOM_ID_BYTES - 4..].copy_from_slice(&number.to_be_bytes());
    bytes
}

fn account(kind: u8) -> AccountId {
    AccountId::from_random(now(), random(kind, 0))
}

fn main() {
    let db = RusqliteDb::in_memory().unwrap();
    migrate::apply(&db, now()).unwrap();
    for kind in [FARMER, RENTER] {
        let email = Email::parse(&format!("account{kind}@example.org")).unwrap();
        accounts::create(&db, account(kind), &email, "$", now()).unwrap();
    }
    let renter = Email::parse("account2@example.org").unwrap();
    let amount = Usd::from_micros(9_000_000_000_000);
    let (email, reason, reference, intention) = (&renter, "Bench", "a", None);
    let audit = &by_operator();
    let credit = Credit { email, amount, reason, reference, intention, audit };
    ledger::credit(&db, &credit, &|_| response(), now()).unwrap();
    for node in 1..=NODES {
        add_node(&db, node);
        rent(&db, node);
    }
    let mut booked = Duration::ZERO;
    for month in 1..=MONTHS {
        let began = Instant::now();
        assert_eq!(due::earn(&db, now().plus_months(month), 10_000).unwrap(), []);
        booked += began.elapsed();
    }
    let bookings = NODES * RENTED * MONTHS;
    println!("{bookings} earnings booked: {:.0} µs each", micros(booked) / f64::from(bookings));
    measure(&db);
}

fn measure(db: &RusqliteDb) {
    let farmer = Farmer::from(account(FARMER));
    let month = Month::of(now().plus_months(MONTHS));
    let first = month.minus(MONTHS - 1);
    time("figures", || drop(dashboard::figures(db, farmer.account, month).unwrap()));
    time("50 nodes", || drop(dashboard::nodes(db, farmer, month, None, 50).unwrap()));
    time("200 nodes", || drop(dashboard::nodes(db, farmer, month, None, 200).unwrap()));
    time("12 months", || drop(revenue::of_farm(db, farmer.account, first, month).unwrap()));
    time("the page of 50", || {
        drop(dashboard::load(db, farmer, month, MONTHS, None, 51).unwrap());
    });
    time("the page of 200", || {
        drop(dashboard::load(db, farmer, month, MONTHS, None, 201).unwrap());
    });
    time("one node", || drop(dashboard::node(db, farmer, month, NodeId(7)).unwrap()));
    let of_node = || revenue::of_node(db, farmer.account, NodeId(7), first, month).unwrap();
    time("12 months of one node", || drop(of_node()));
}

fn time(what: &str, run: impl Fn()) {
    let once = || {
        let began = Instant::now();
        run();
        began.elapsed()
    };
    let mut times: Vec<Duration> = (0..RUNS).map(|_| once()).collect();
    times.sort_unstable();
    let (median, slowest) = (times[RUNS / 2], times[RUNS - 1]);
    println!("{what:<24}{:>8.2} ms{:>8.2} ms", micros(median) / 1e3, micros(slowest) / 1e3);
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
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
        upload_mbps: Some(940),
        download_mbps: Some(810),
        reported_at: now(),
    };
    let (by_cpu, by_memory, by_ssd) = (SLICES, SLICES, SLICES);
    let capacity = Capacity { slices: SLICES, by_cpu, by_memory, by_ssd, refusal: None };
    let name = format!("Node {node}");
    nodes::register(db, account(FARMER), &name, &report, &capacity, now()).unwrap();
    let offering = Offering {
        name,
        price: Some(Usd::whole(25)),
        raise: None,
        min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        min_bandwidth: Bandwidth::from_mbps(100),
        terms: domain::term::Terms::ALL,
        withheld_slices: 0,
        listing: Listing::Published,
    };
    assert!(offering::save(db, account(FARMER), NodeId(node), 1, &offering, now()).unwrap());
}

fn rent(db: &RusqliteDb, node: u32) {
    let request = RentRequest {
        wanted: Wanted::OfNode(NodeId(node), RENTED),
        term: Term::Year,
        offer_version: None,
        max_price: None,
    };
    let ids: Vec<RentalId> = (0..SLICES_PER_ORDER_MAX)
        .map(|nth| RentalId::from_random(now(), random(3, node * 100 + nth)))
        .collect();
    let order = Order {
        id: OrderId::from_random(now(), random(4, node)),
        rentals: &ids,
        basis: Basis::Request(&request),
        setup: &Setup::default(),
        renter: account(RENTER),
        token: None,
        intention: None,
        platform_fee: Percent::whole(10),
        slices_max: u32::MAX,
    };
    renting::rent(db, &order, &|_| response(), now()).unwrap();
}

fn response() -> StoredResponse {
    StoredResponse { status: 201, location: "/api/rentals".into(), body: String::new() }
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
