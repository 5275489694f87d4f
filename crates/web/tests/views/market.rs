//! A small market in memory, and who looks at it.

use std::cell::RefCell;

use domain::account::{Email, Scopes};
use domain::field::FieldError;
use domain::id::{AccountId, NodeId, OrderId, RANDOM_ID_BYTES, RentalId, SessionId};
use domain::listing::Listing;
use domain::money::{Percent, PriceLimits, Usd};
use domain::node::{NodeReport, NodeStatus, Resources, capacity};
use domain::offering::Offering;
use domain::order::{RentRequest, Wanted};
use domain::promise::{Bandwidth, Uptime};
use domain::term::{self, Term};
use domain::time::Timestamp;
use stage::{Network, SeededRandom, SetClock, Settings};
use store::accounts::{self, Grant, Identity};
use store::audit::{Actor, NewEntry};
use store::ledger::{self, Credit};
use store::nodes;
use store::rentals::Rental;
use store::renting::{self, Basis, Order, Ordered, RentFailure};
use store::{RusqliteDb, migrate, offering};
use web::form::Form;
use web::view::Visit;
use web::{Config, Context, Env, Request, stored};

/// Who looks.
#[derive(Clone, Copy)]
pub(crate) enum Who {
    /// Nobody that is known.
    Visitor,
    /// The owner of every node.
    Fatima,
    /// Has $100.
    Omar,
    /// Has nothing.
    Aida,
}

impl Who {
    pub(crate) fn email(self) -> &'static str {
        match self {
            Who::Visitor => "visitor@example.org",
            Who::Fatima => "fatima@example.org",
            Who::Omar => "o'mar&co@example.org",
            Who::Aida => "aida@example.org",
        }
    }

    pub(crate) fn account(self) -> AccountId {
        AccountId::from_random(now(), [self as u8; RANDOM_ID_BYTES])
    }

    fn identity(self) -> Option<Identity> {
        let (account, email) = (self.account(), self.email().to_owned());
        let session = SessionId::from_random(now(), [self as u8; RANDOM_ID_BYTES]);
        match self {
            Who::Visitor => None,
            Who::Fatima | Who::Omar | Who::Aida => Some(Identity {
                account,
                email,
                display_name: None,
                is_operator: false,
                scopes: Scopes::ALL,
                grant: Grant::Session { id: session, is_strong: false, proved_at: now() },
            }),
        }
    }
}

/// 2026-07-29T12:00:00Z.
pub(crate) fn now() -> Timestamp {
    Timestamp::from_seconds(1_785_326_400)
}

pub(crate) fn usd(text: &str) -> Usd {
    Usd::parse("amount", text).unwrap()
}

/// A market with nobody but its people in it.
pub(crate) fn empty() -> RusqliteDb {
    let db = RusqliteDb::in_memory().unwrap();
    migrate::apply(&db, now()).unwrap();
    for who in [Who::Fatima, Who::Omar, Who::Aida] {
        let email = Email::parse(who.email()).unwrap();
        assert!(accounts::create(&db, who.account(), &email, "$argon2id$", now()).unwrap());
    }
    credit(&db, Who::Omar, "100", "bank transfer");
    db
}

/// Credits a wallet, for a reason in the operator's words.
pub(crate) fn credit(db: &RusqliteDb, who: Who, amount: &str, reason: &str) {
    let audit = NewEntry {
        action: "credit-granted",
        actor: Actor::Operator,
        actor_id: String::new(),
        account: None,
        subject: reason,
        address: "",
        request_id: "",
    };
    let (email, amount) = (&Email::parse(who.email()).unwrap(), usd(amount));
    let (reference, intention) = (reason, None);
    let credit = Credit { email, amount, reason, reference, intention, audit: &audit };
    ledger::credit(db, &credit, &|_| stored::no_content("/"), now()).unwrap();
}

/// A market with node 32 on it, whose three slices cost $25.
pub(crate) fn market() -> RusqliteDb {
    let db = empty();
    register(&db, "Canal house", &report(32, 3));
    offer(&db, 32, "Canal house", Listing::Published);
    db
}

/// What the grid says of a healthy node that can carry so many slices, by its SSD storage.
pub(crate) fn report(node: u32, slices: i64) -> NodeReport {
    const GIB: i64 = 1 << 30;
    NodeReport {
        id: NodeId(node),
        farm_id: 1,
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        status: NodeStatus::Up,
        healthy: Some(true),
        certified: false,
        total: Resources {
            cpu_cores: 32,
            memory_bytes: 122 * GIB,
            ssd_bytes: (slices * 200 + 60) * GIB,
        },
        used: Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 },
        in_dedicated_farm: false,
        extra_fee_musd: 0,
        rented_whole: false,
        runs_machines: Some(true),
        upload_mbps: Some(940),
        download_mbps: None,
        reported_at: now(),
    }
}

pub(crate) fn register(db: &RusqliteDb, name: &str, report: &NodeReport) {
    let farmer = Who::Fatima.account();
    assert!(nodes::register(db, farmer, name, report, &capacity(report), now()).unwrap());
}

/// Offers a node for $25, and promises 99.5 % and 1000 Mbit/s.
pub(crate) fn offer(db: &RusqliteDb, node: u32, name: &str, listing: Listing) {
    let terms = Offering {
        name: name.to_owned(),
        price: Some(usd("25")),
        min_uptime: Uptime::parse("uptime", "99.5").unwrap(),
        min_bandwidth: Bandwidth::from_mbps(1000),
        raise: None,
        terms: term::Terms::ALL,
        kept_slices: 0,
        listing,
    };
    let (farmer, node) = (Who::Fatima.account(), NodeId(node));
    let (seen, _) = nodes::find(db, farmer, node).unwrap().unwrap();
    assert!(offering::save(db, farmer, node, seen.offer.version, &terms, now()).unwrap());
}

/// Omar rents a slice of node 32 for three months.
pub(crate) fn rent(db: &RusqliteDb) -> Rental {
    try_to_rent(db, Who::Omar).unwrap()
}

pub(crate) fn try_to_rent(db: &RusqliteDb, who: Who) -> Result<Rental, RentFailure> {
    let request = RentRequest {
        wanted: Wanted::OfNode(NodeId(32), 1),
        term: Term::Quarter,
        offer_version: None,
        max_price: None,
    };
    let order = Order {
        id: OrderId::from_random(now(), [0; RANDOM_ID_BYTES]),
        rentals: &[RentalId::from_random(now(), [0; RANDOM_ID_BYTES])],
        basis: Basis::Request(&request),
        renter: who.account(),
        token: None,
        intention: None,
        platform_fee: Percent::whole(10),
        slices_max: 100,
        setup: &store::renting::Setup::default(),
    };
    let made = RefCell::new(None);
    let respond = |ordered: &Ordered| {
        made.replace(ordered.rentals.first().cloned());
        stored::no_content("/")
    };
    renting::rent(db, &order, &respond, now())?;
    Ok(made.take().unwrap())
}

/// Shows something to `who`, who asks for `path`.
pub(crate) fn shown<T>(
    db: &RusqliteDb,
    who: Who,
    path: &str,
    show: impl FnOnce(&Context<'_>, &Visit<'_>) -> T,
) -> T {
    let limits = PriceLimits { min: usd("1"), max: usd("500") };
    let fee = Percent::whole(10);
    let config = Config { price_limits: limits, platform_fee: fee, ..Config::unset() };
    let (clock, random) = (SetClock::new(now()), SeededRandom::new(0));
    let env = Env {
        db,
        outbound: &Network::default(),
        random: &random,
        clock: &clock,
        variables: &Settings::of_tests(),
        config: &config,
        now: now(),
    };
    let request = get(path);
    let mut cx = Context::new(&env, &request);
    cx.identity = who.identity();
    cx.request_id = String::from("request-1");
    show(&cx, &Visit::of(&cx).unwrap())
}

fn get(path: &str) -> Request {
    http::Request::get(path).body(Vec::new()).unwrap()
}

/// A form as a browser sends it.
pub(crate) fn form(body: &str) -> Form {
    Form::read(&http::Request::post("/").body(body.as_bytes().to_vec()).unwrap())
}

/// A field that was refused.
pub(crate) fn wrong(field: &'static str, rule: &str) -> FieldError {
    FieldError::new(field, rule)
}
