//! How a market begins. What is the same in many tests is made once for each process, and copied.

use std::sync::OnceLock;

use domain::id::{NodeId, RANDOM_ID_BYTES};
use domain::listing::Listing;
use domain::money::Usd;
use domain::node::{NodeReport, NodeStatus, Resources, capacity};
use domain::offering::Offering;
use domain::term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use store::audit::{Actor, NewEntry};
use store::ledger::{self, Credit};
use store::{RusqliteDb, accounts, migrate, nodes, offering};

use crate::morning;
use crate::people::{ADA, BEN, FARMER, User};

/// The node that is on the market.
pub(crate) const NODE: NodeId = NodeId(32);
/// Its farm, by the grid's number.
pub(crate) const FARM: u32 = 1;
/// Its name.
const NAME: &str = "Canal house";
/// More than is measured of any node.
pub(crate) const FAST_MBPS: u32 = 1000;

const GIB: i64 = 1 << 30;

pub(crate) fn empty() -> RusqliteDb {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    copy(IMAGE.get_or_init(|| {
        let db = RusqliteDb::in_memory().unwrap();
        migrate::apply(&db, morning()).unwrap();
        db.into_image().unwrap()
    }))
}

/// Three people, of whom ADA has $100.
pub(crate) fn without_nodes() -> RusqliteDb {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    copy(IMAGE.get_or_init(|| {
        let db = empty();
        for user in [FARMER, ADA, BEN] {
            sign_up(&db, user);
        }
        credit(&db, ADA, Usd::whole(100), "ada", morning());
        db.into_image().unwrap()
    }))
}

pub(crate) fn market() -> RusqliteDb {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    copy(IMAGE.get_or_init(|| {
        let db = without_nodes();
        credit(&db, BEN, Usd::whole(100), "ben", morning());
        register(&db, NAME, &report(NODE.0, 9), morning());
        offer(&db, NODE, NAME, 100, Listing::Published, morning());
        db.into_image().unwrap()
    }))
}

pub(crate) fn three_slices() -> RusqliteDb {
    static IMAGE: OnceLock<Vec<u8>> = OnceLock::new();
    copy(IMAGE.get_or_init(|| {
        let db = without_nodes();
        register(&db, NAME, &report(NODE.0, 3), morning());
        offer(&db, NODE, NAME, FAST_MBPS, Listing::Published, morning());
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

/// The farmer registers a node.
pub(crate) fn register(db: &RusqliteDb, name: &str, report: &NodeReport, now: Timestamp) {
    let farmer = FARMER.account();
    assert!(nodes::register(db, farmer, name, report, &capacity(report), now).unwrap());
}

/// The farmer offers a node at $25 a month.
pub(crate) fn offer(
    db: &RusqliteDb,
    node: NodeId,
    name: &str,
    min_mbps: u32,
    listing: Listing,
    now: Timestamp,
) {
    let farmer = FARMER.account();
    let terms = Offering {
        name: name.to_owned(),
        price: Some(Usd::whole(25)),
        min_uptime: Uptime::parse("uptime", "99.5").unwrap(),
        min_bandwidth: Bandwidth::from_mbps(min_mbps),
        raise: None,
        terms: term::Terms::ALL,
        withheld_slices: 0,
        listing,
    };
    let (seen, _) = nodes::find(db, farmer, node).unwrap().unwrap();
    let version = seen.offer.version;
    assert!(offering::save(db, farmer, node, version, &terms, now).unwrap());
}

/// What the grid says of a healthy node with storage for so many slices.
pub fn report(node: u32, slices: i64) -> NodeReport {
    NodeReport {
        id: NodeId(node),
        farm_id: FARM,
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
        reported_at: morning(),
    }
}

/// The random part of an id that is somebody's own.
pub(crate) fn own_id(user: User) -> [u8; RANDOM_ID_BYTES] {
    [user.number; RANDOM_ID_BYTES]
}
