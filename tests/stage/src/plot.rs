//! How a market begins. What is the same in many tests is made once for each process, and copied.

use std::sync::OnceLock;

use domain::id::{NodeId, RANDOM_ID_BYTES};
use domain::listing::Listing;
use domain::money::Usd;
use domain::node::{NodeReport, NodeStatus, Resources, capacity};
use domain::offering::Offering;
use domain::promise::{Bandwidth, Uptime};
use domain::term;
use domain::time::Timestamp;
use store::audit::{Actor, NewEntry};
use store::ledger::{self, Credit};
use store::{RusqliteDb, accounts, migrate, nodes, offering};

use crate::morning;
use crate::people::{ADA, BEN, FARMER, User};

/// The node that is on the market.
const NODE: NodeId = NodeId(32);
const SLICES: i64 = 9;

const GIB: i64 = 1 << 30;

pub(crate) fn empty() -> RusqliteDb {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    copy(IMAGE.get_or_init(|| {
        let db = RusqliteDb::in_memory().unwrap();
        migrate::apply(&db, morning()).unwrap();
        db.into_image().unwrap()
    }))
}

pub(crate) fn market() -> RusqliteDb {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    copy(IMAGE.get_or_init(|| {
        let db = empty();
        for user in [FARMER, ADA, BEN] {
            sign_up(&db, user);
        }
        let dollars = |text| Usd::parse("dollars", text).unwrap();
        credit(&db, ADA, dollars("100"), "ada", morning());
        credit(&db, BEN, dollars("100"), "ben", morning());
        publish(&db, dollars("25"));
        db.into_image().unwrap()
    }))
}

fn copy(image: &[u8]) -> RusqliteDb {
    RusqliteDb::from_image(image).unwrap()
}

fn sign_up(db: &RusqliteDb, user: User) {
    // Nobody signs in with a password here.
    let hash = "$argon2id$";
    assert!(accounts::create(db, user.account(), &user.address(), hash, morning()).unwrap());
}

pub(crate) fn credit(db: &RusqliteDb, user: User, amount: Usd, key: &str, now: Timestamp) {
    let audit = NewEntry {
        action: "credit-granted",
        actor: Actor::Operator,
        actor_id: String::new(),
        account: None,
        subject: key,
        address: "",
        request_id: "",
    };
    let (email, reason, intention) = (&user.address(), "bank transfer", None);
    let credit = Credit { email, amount, reason, reference: key, intention, audit: &audit };
    ledger::credit(db, &credit, &|_| web::stored::no_content("/"), now).unwrap();
}

/// The farmer registers the node, and puts it on the market.
fn publish(db: &RusqliteDb, price: Usd) {
    let report = report();
    let farmer = FARMER.account();
    let name = "Canal house";
    assert!(nodes::register(db, farmer, name, &report, &capacity(&report), morning()).unwrap());
    let terms = Offering {
        name: name.to_owned(),
        price: Some(price),
        min_uptime: Uptime::parse("uptime", "99.5").unwrap(),
        min_bandwidth: Bandwidth::from_mbps(100),
        raise: None,
        terms: term::Terms::ALL,
        kept_slices: 0,
        listing: Listing::Published,
    };
    let (seen, _) = nodes::find(db, farmer, NODE).unwrap().unwrap();
    let version = seen.offer.version;
    assert!(offering::save(db, farmer, NODE, version, &terms, morning()).unwrap());
}

/// What the grid says of the node: healthy, with storage for so many slices.
fn report() -> NodeReport {
    NodeReport {
        id: NODE,
        farm_id: 1,
        farm_name: "Freefarm".into(),
        country: "Belgium".into(),
        city: "Ghent".into(),
        status: NodeStatus::Up,
        healthy: Some(true),
        certified: false,
        total: Resources {
            cpu_cores: 32,
            memory_bytes: 196 * GIB,
            ssd_bytes: (SLICES * 200 + 60) * GIB,
        },
        used: Resources { cpu_cores: 0, memory_bytes: 0, ssd_bytes: 0 },
        in_dedicated_farm: false,
        extra_fee_musd: 0,
        rented_whole: false,
        runs_machines: Some(true),
        upload_mbps: Some(940),
        download_mbps: None,
        reported_at: morning(),
    }
}

/// The random part of an id that is somebody's own.
pub(crate) fn own_id(user: User) -> [u8; RANDOM_ID_BYTES] {
    [user.number; RANDOM_ID_BYTES]
}
