//! A node and its slices, as the API shows them.

use domain::id::SliceId;
use domain::slice::SliceState;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use schemars::JsonSchema;
use serde::Serialize;
use store::maintenance::Maintenance;
use store::offers::Offer;
use web::api::CURRENCY;

/// The vCPUs of a slice.
pub const CPU_CORES: u32 = 1;

/// The memory of a slice in GB (GiB on the machine).
pub const MEMORY_GB: u32 = 4;

/// The SSD storage of a slice in GB (GiB on the machine).
pub const STORAGE_GB: u32 = 200;

/// A node as the market shows it.
#[derive(Serialize, JsonSchema)]
#[expect(clippy::struct_excessive_bools, reason = "each is a field of the API")]
pub struct Node {
    /// Such as `node32`.
    pub id: String,
    /// The grid's number.
    pub grid_node_id: u32,
    /// The farmer's name for it.
    pub name: String,
    /// The name of its farm.
    pub farm_name: String,
    /// English name; empty where it is not known.
    pub country: String,
    /// Empty where it is not known.
    pub city: String,
    /// The grid's last word: `up`, `down` or `standby`.
    pub status: String,
    /// Whether its hardware is certified.
    pub certified: bool,
    /// Per slice, as decimal text; null for a draft without a price.
    pub price_per_month: Option<String>,
    /// The monthly price by 730 hours, as decimal text; nothing is charged by the hour.
    pub price_per_hour: Option<String>,
    /// The higher price that comes, per slice, as decimal text; null where none is set.
    pub pending_price_per_month: Option<String>,
    /// From when on (RFC 3339).
    pub pending_price_at: Option<String>,
    /// Of every amount here.
    pub currency: &'static str,
    /// The guaranteed uptime in percent.
    pub min_uptime: f64,
    /// The guaranteed bandwidth in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The uptime measured by us, in percent; null before the first observation.
    pub measured_uptime: Option<f64>,
    /// The uptime that it has at least, with a confidence of 95 %, in percent; null before the
    /// first observation. `sort=uptime` goes by this.
    pub measured_uptime_lower_bound: Option<f64>,
    /// How many observations the measured uptime rests on.
    pub uptime_observations: u64,
    /// Free slices.
    pub available_slices: u32,
    /// Free and rented slices.
    pub total_slices: u32,
    /// How many slices its farmer keeps back; they are not counted above.
    pub withheld_slices: u32,
    /// The terms that it is offered for, in months.
    pub terms: Vec<u32>,
    /// Whether the whole node is rented as one.
    pub rented_whole: bool,
    /// Counts the changes of price and SLA; send it with a request to rent.
    pub offer_version: i64,
    /// When the grid was last asked about it (RFC 3339).
    pub synced_at: String,
    /// Whether the farm's agent sets machines up within minutes and watches them. Otherwise the
    /// farmer sets them up by hand.
    pub automatic_setup: bool,
    /// Whether its farmer has shown that they own its farm.
    pub verified_farm: bool,
}

impl Node {
    /// Shows an offer.
    pub fn new(offer: &Offer, now: Timestamp) -> Node {
        Node {
            id: offer.node.to_string(),
            grid_node_id: offer.node.0,
            name: offer.name.clone(),
            farm_name: offer.farm_name.clone(),
            country: offer.country.clone(),
            city: offer.city.clone(),
            status: offer.status.into_str().to_owned(),
            certified: offer.certified,
            price_per_month: offer.price.map(|price| price.to_string()),
            price_per_hour: offer.price.map(|price| price.per_hour().to_string()),
            pending_price_per_month: offer.raise.map(|raise| raise.price.to_string()),
            pending_price_at: offer.raise.map(|raise| raise.at.to_string()),
            currency: CURRENCY,
            min_uptime: offer.min_uptime.percent(),
            min_bandwidth_mbps: offer.min_bandwidth.mbps(),
            measured_uptime: offer.measured_uptime().map(Uptime::percent),
            measured_uptime_lower_bound: offer.uptime_lower_bound().map(Uptime::percent),
            uptime_observations: offer.observed,
            available_slices: offer.available_slices,
            total_slices: offer.total_slices(),
            withheld_slices: offer.withheld_slices,
            terms: offer.terms.iter().map(domain::term::Term::months).collect(),
            rented_whole: offer.is_rented_whole,
            offer_version: offer.version,
            synced_at: offer.synced_at.to_string(),
            automatic_setup: offer.has_agent(now),
            verified_farm: offer.is_farm_verified,
        }
    }
}

/// A slice.
#[derive(Serialize, JsonSchema)]
pub struct Slice {
    /// Such as `node32_slice_1`.
    pub id: String,
    /// The node that it is a part of.
    pub node_id: String,
    /// `available` or `allocated`.
    pub state: &'static str,
    /// vCPUs.
    pub cpu_cores: u32,
    /// Memory in GB.
    pub memory_gb: u32,
    /// SSD storage in GB.
    pub storage_gb: u32,
}

impl Slice {
    /// Shows a slice.
    pub fn new(id: SliceId, state: SliceState) -> Slice {
        Slice {
            id: id.to_string(),
            node_id: id.node.to_string(),
            state: state.into_str(),
            cpu_cores: CPU_CORES,
            memory_gb: MEMORY_GB,
            storage_gb: STORAGE_GB,
        }
    }
}

/// Maintenance of a node.
#[derive(Serialize, JsonSchema)]
pub struct MaintenanceView {
    /// Its id.
    pub id: String,
    /// From when (RFC 3339).
    pub starts_at: String,
    /// Until when (RFC 3339).
    pub ends_at: String,
    /// What for, in the farmer's words; may be empty.
    pub note: String,
    /// When it was announced (RFC 3339).
    pub announced_at: String,
    /// When it was canceled (RFC 3339); null where it was not.
    pub canceled_at: Option<String>,
}

impl MaintenanceView {
    /// Shows a window.
    pub fn new(maintenance: &Maintenance) -> MaintenanceView {
        MaintenanceView {
            id: maintenance.id.to_string(),
            starts_at: maintenance.window.starts_at.to_string(),
            ends_at: maintenance.window.ends_at.to_string(),
            note: maintenance.window.note.clone(),
            announced_at: maintenance.announced_at.to_string(),
            canceled_at: maintenance.canceled_at.map(|at| at.to_string()),
        }
    }
}
