//! The farmer's pages, `/dashboard/farm` and `/dashboard/farm/nodes/{node}`.

use askama::Template;
use domain::field::FieldError;
use domain::id::SliceId;
use domain::listing::Listing;
use domain::machine::MachineStatus;
use domain::money::Usd;
use domain::month::Month;
use domain::node::{Capacity, NodeStatus, Refusal};
use domain::outage::UNPAID_AFTER_SECONDS;
use domain::provisioning::{AGENT_SECONDS, JobState};
use domain::slice::SliceState;
use domain::term::Term;
use domain::time::Timestamp;
use serde::Deserialize;
use store::dashboard::NodeStanding;
use store::farm_tasks::AGENT_QUIET_SECONDS;
use store::jobs::{ManualSetup, Removal, SeenAgent};
use store::maintenance::Maintenance;
use store::nodes;
use store::revenue::Line;
use store::sla_alerts::NodeMonth;
use ui::maintenance::notifications;
use ui::node::{CPU_CORES, MEMORY_GB, STORAGE_GB};
use ui::uptime::measured;
use ui::visit::Visit;
use ui::wording::{bandwidth, place};
use ui::{badge, moment};
use web::form::{Form, error_above, error_of, sent};
use web::page::{Badge, Choice, Field, Frame, Moment, Notice, Section, Tone};
use web::text::{counted, grouped, sentence};
use web::{Kind, Problem};

use crate::farm::dashboard::{NodeRevenue, SliceGrid};
use crate::farm::json::{ChangeNodeBody, reason};
use crate::farm::sla;
use crate::offering::page::{CostConsent, FarmOffer, OfferLock, scale, term_boxes};
use crate::starting::page::PriceControl;

/// What `farm_node.html` shows: one node, as its farmer sees it.
#[derive(Clone, Debug, Template)]
#[template(path = "farm/farm_node.html")]
pub(crate) struct FarmNode {
    /// What surrounds the page.
    pub frame: Frame,
    /// The node's id, as the routes of its forms carry it.
    pub id: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// Its number on the grid.
    pub grid_node_id: String,
    /// City and country.
    pub place: String,
    /// Such as `published`, `draft` or `paused`.
    pub status: Badge,
    /// `This node can provide 9 slices, up to $225.00 a month at your price.`
    pub headline: String,
    /// Why it can provide none, as a sentence.
    pub reason: Option<String>,
    /// What each resource would allow; the smallest decides. May be empty.
    pub limits: Vec<ResourceLimit>,
    /// How much downtime this month's SLA still allows.
    pub sla: Option<Notice>,
    /// Price, SLA, terms and name.
    pub form: FarmNodeForm,
    /// What is said about the offer around the form.
    pub offer: FarmOffer,
    /// Whether its form can publish it, too: it then comes first on the page.
    pub can_offer: bool,
    /// The price as a slider, where the form can publish.
    pub price: Option<PriceControl>,
    /// Whether the node can be published now.
    pub can_publish: bool,
    /// Whether the node can be paused now.
    pub can_pause: bool,
    /// What publishing or pausing would do, or what is missing first, as a sentence.
    pub publish_hint: String,
    /// Every slice, in the order of its number.
    pub slices: Vec<FarmSlice>,
    /// The same in words, with those that are kept back.
    pub grid: SliceGrid,
    /// The agents of its farm, the last seen first.
    pub agents: Vec<AgentRow>,
    /// What it earns.
    pub revenue: NodeRevenue,
    /// What the grid said last, if it ever did.
    pub report: Option<GridReport>,
    /// The node's page in the marketplace, while it is published.
    pub market_url: Option<String>,
}

/// How many slices one resource would allow.
#[derive(Clone, Debug)]
pub(crate) struct ResourceLimit {
    /// Such as `SSD`.
    pub resource: String,
    /// What is free, such as `1,863 GB`.
    pub free: String,
    /// What that makes.
    pub slices: u32,
    /// Whether it is what decides.
    pub is_limiting: bool,
}

/// The form that sets what a node is offered for.
#[derive(Clone, Debug, Default)]
pub(crate) struct FarmNodeForm {
    /// Hidden field `version`: the configuration that the farmer saw.
    pub version: String,
    /// `price_per_month`: US dollars per slice.
    pub price_per_month: Field,
    /// The allowed range, such as `From $1.00 to $500.00.`
    pub price_hint: String,
    /// What arrives of that price, such as `You receive $22.50 of $25.00 a month and slice.`
    pub payout_hint: Option<String>,
    /// `min_uptime`: percent.
    pub min_uptime: Field,
    /// What the node has shown, such as `Measured: 99.95% in 2,016 observations.`
    pub uptime_hint: String,
    /// `min_bandwidth_mbps`
    pub min_bandwidth_mbps: Field,
    /// Such as `Measured: 810 Mbit/s.`
    pub bandwidth_hint: String,
    /// What a missed SLA costs, as a sentence or two.
    pub scale: String,
    /// What an SLA above that costs, where it has to be confirmed.
    pub consent: Option<CostConsent>,
    /// `terms`: the terms that are offered.
    pub terms: Vec<Choice>,
    /// What is wrong with them.
    pub terms_error: Option<String>,
    /// `withheld_slices`: how many are not offered.
    pub withheld_slices: Field,
    /// `name`: what renters read.
    pub name: Field,
    /// Why nothing was saved, when it is not about one field.
    pub error: Option<String>,
}

/// A slice, with whom it is rented to.
#[derive(Clone, Debug)]
pub(crate) struct FarmSlice {
    /// Such as `node32_slice_1`.
    pub id: String,
    /// Its number on the node.
    pub number: u32,
    /// Such as `available`, `held` or `rented`.
    pub state: &'static str,
    /// The class that colors its cell.
    pub class: &'static str,
    /// The renter, as they chose to be seen.
    pub renter: Option<String>,
    /// When the rental ends.
    pub until: Option<Moment>,
    /// How its machine is, where one was set up.
    pub machine: Option<Badge>,
    /// What its farmer has to do about that, as a sentence or two.
    pub to_do: Option<&'static str>,
    /// Where the farmer says how its machine is reached, where they set it up by hand.
    pub setup: Option<SliceSetup>,
    /// What is still there of the rental before.
    pub removal: Option<SliceRemoval>,
}

/// The machine of a slice is set up by hand.
#[derive(Clone, Debug)]
pub(crate) struct SliceSetup {
    /// How far that is.
    pub status: Badge,
    /// When the renter is refunded, while it is waited for.
    pub refund_at: Option<Moment>,
    /// Such as `Set up`.
    pub text: &'static str,
    /// The page for it.
    pub url: String,
}

/// The machine of a rental that has ended is being removed from a slice.
#[derive(Clone, Debug)]
pub(crate) struct SliceRemoval {
    /// Since when.
    pub since: Moment,
    /// Why the farmer has to do it, such as `the agent failed`; `None` while an agent does it.
    pub by_hand: Option<&'static str>,
    /// Where the form posts to that says that it is gone.
    pub url: String,
}

/// An agent that makes machines on the nodes of a farm, and removes them.
#[derive(Clone, Debug)]
pub(crate) struct AgentRow {
    /// What it calls itself.
    pub name: String,
    /// When it last asked for work, such as `2 minutes ago`.
    pub seen: String,
    /// Whether it has asked within the last minutes.
    pub is_here: bool,
    /// Whether that is too long ago for what is rented now.
    pub is_gone: bool,
    /// What is free on its server's disk, such as `120 GB of 2000 GB`, if it says so.
    pub disk_free: Option<String>,
    /// Whether that is low.
    pub is_disk_low: bool,
}

/// What the grid reported last about a node.
#[derive(Clone, Debug)]
pub(crate) struct GridReport {
    /// Such as `up` or `down`.
    pub status: Badge,
    /// Such as `healthy`, `not healthy` or `not known`.
    pub health: Badge,
    /// When we read it.
    pub at: Moment,
}

/// A price per slice and month, in micro-dollars, by which a farmer who has set none yet sees what
/// a node could earn.
const EXAMPLE_PRICE_MICROS: i64 = 25_000_000;

/// The fields of the form that sets what a node is offered for.
const FIELDS: [&str; 6] =
    ["price_per_month", "min_uptime", "min_bandwidth_mbps", "withheld_slices", "name", "terms"];

impl FarmNode {
    /// A node as its farmer sees it. `lines` are what it earned in `months`, which are in order.
    pub(crate) fn new(
        visit: &Visit<'_>,
        standing: &NodeStanding,
        months: &[Month],
        lines: &[Line],
    ) -> FarmNode {
        let NodeStanding { node, slices, .. } = standing;
        let offer = &node.offer;
        let is_offered = offer.listing == Listing::Published;
        FarmNode {
            frame: visit.frame(&offer.name, Section::Farm),
            id: offer.node.to_string(),
            name: offer.name.clone(),
            grid_node_id: offer.node.0.to_string(),
            place: place(&offer.city, &offer.country),
            status: badge::farm_node(node),
            headline: headline(visit, node),
            reason: reason(node).map(|why| [sentence(why), consequence(node)].concat()),
            limits: limits(&node.capacity),
            sla: None,
            form: FarmNodeForm::new(visit, node),
            offer: FarmOffer::new(node),
            can_offer: !is_offered && node.lock.is_none() && node.leaves_at.is_none(),
            price: None,
            can_publish: !is_offered
                && offer.price.is_some()
                && node.lock.is_none()
                && node.leaves_at.is_none(),
            can_pause: is_offered && node.lock.is_none(),
            publish_hint: publish_hint(node),
            slices: slices.iter().map(|slice| FarmSlice::new(node, slice, visit.now)).collect(),
            grid: SliceGrid::new(node, slices, 0),
            agents: Vec::new(),
            revenue: NodeRevenue::new(standing, months, lines),
            report: Some(GridReport {
                status: badge::status(offer.status),
                health: badge::health(node.healthy),
                at: moment::to_the_minute(offer.synced_at),
            }),
            market_url: is_offered.then(|| format!("/marketplace/compute/{}", offer.node)),
        }
    }

    /// The same after a change was refused: the form holds what was sent.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> FarmNode {
        let [price_per_month, min_uptime, min_bandwidth_mbps, withheld_slices, name, _] =
            FIELDS.map(|field| sent(form, field, &problem.fields));
        let is_chosen = |term: Term| form.all("terms").any(|it| it == term.months().to_string());
        self.form = FarmNodeForm {
            price_per_month,
            min_uptime,
            min_bandwidth_mbps,
            name,
            withheld_slices,
            terms: term_boxes(is_chosen),
            terms_error: error_of(&problem.fields, "terms"),
            consent: CostConsent::new(problem),
            error: why_not(problem),
            ..self.form
        };
        self
    }

    /// The same with the price as a slider. A node without one begins with that of the market.
    #[must_use]
    pub(crate) fn with_price(mut self, control: PriceControl) -> FarmNode {
        if self.form.price_per_month.value.is_empty() {
            self.form.price_per_month.value.clone_from(&control.price);
        }
        self.price = Some(control);
        self
    }

    /// The same with what was announced of it.
    #[must_use]
    pub(crate) fn with_maintenance(
        mut self,
        visit: &Visit<'_>,
        windows: &[Maintenance],
    ) -> FarmNode {
        self.offer.windows = notifications(visit, windows);
        self
    }

    /// The same with the agents of its farm, and what they are removing.
    #[must_use]
    pub(crate) fn with_agents(
        mut self,
        visit: &Visit<'_>,
        standing: &NodeStanding,
        agents: &[SeenAgent],
        removals: &[Removal],
    ) -> FarmNode {
        let row = |agent: &SeenAgent| AgentRow {
            name: agent.name.clone(),
            seen: moment::ago(agent.seen_at, visit.now),
            is_here: visit.now.seconds_since(agent.seen_at) < AGENT_QUIET_SECONDS,
            is_gone: visit.now.seconds_since(agent.seen_at) >= AGENT_SECONDS,
            disk_free: agent
                .disk_free_bytes
                .zip(agent.disk_bytes)
                .map(|(free, bytes)| format!("{} GB of {} GB", free >> 30, bytes >> 30)),
            is_disk_low: agent.is_disk_low,
        };
        self.agents = agents.iter().map(row).collect();
        let being_removed = |removal: &Removal| FarmSlice {
            id: format!("{}_slice_{}", self.id, removal.number),
            number: removal.number,
            state: "being removed",
            class: SliceGrid::class(SliceState::Retired),
            renter: None,
            until: None,
            machine: None,
            to_do: None,
            setup: None,
            removal: Some(SliceRemoval {
                since: moment::to_the_minute(removal.since),
                by_hand: match removal.state {
                    JobState::Failed => Some("the agent failed"),
                    _ if removal.is_by_hand => Some("remove it by hand"),
                    _ => None,
                },
                url: format!(
                    "/dashboard/farm/nodes/{}/slices/{}/confirm-removed",
                    self.id, removal.number
                ),
            }),
        };
        // They are none of the node's slices until what is on them is gone.
        self.slices.extend(removals.iter().map(being_removed).collect::<Vec<_>>());
        self.slices.sort_by_key(|slice| slice.number);
        let removed = u32::try_from(removals.len()).unwrap_or(u32::MAX);
        self.grid = SliceGrid::new(&standing.node, &standing.slices, removed);
        self
    }

    /// The same with what its farmer sets up by hand.
    #[must_use]
    pub(crate) fn with_manual_setups(mut self, setups: &[ManualSetup]) -> FarmNode {
        for slice in &mut self.slices {
            let found = setups.iter().find(|setup| setup.slice.number == slice.number);
            slice.setup = found.map(SliceSetup::new);
        }
        self
    }

    /// The same after it was not published, paused, locked or unlocked.
    pub(crate) fn not_listed(mut self, problem: &Problem) -> FarmNode {
        self.form.error = why_not(problem);
        self
    }
}

/// Why nothing was set, unless it is said beside the fields.
fn why_not(problem: &Problem) -> Option<String> {
    match problem.kind {
        Kind::OfferChanged => Some(
            "The node was changed in the meantime, so nothing was saved. Review the current \
             values and try again."
                .to_owned(),
        ),
        // It is said beside the SLA.
        Kind::SlaAboveMeasured => None,
        _ => error_above(problem, &FIELDS),
    }
}

/// The change that the form asks for. What it does not send stays; what it sends cannot be empty.
pub(crate) fn read_change(form: &Form) -> Result<ChangeNodeBody, Problem> {
    let mut change: ChangeNodeBody = form.clone().without_empty(&["terms"]).body()?;
    // An empty one is always sent, so that no term differs from a form without them.
    if form.all("terms").next().is_some() {
        change.terms.get_or_insert_default();
    }
    let rule = "the version of the offer shown";
    let version = change.offer_version.filter(|version| *version > 0);
    version.ok_or_else(|| FieldError::new("offer_version", rule))?;
    Ok(change)
}

/// A form that changes the offer that its page shows.
#[derive(Deserialize)]
pub(crate) struct ListingForm {
    /// The version of that offer.
    pub offer_version: i64,
}

/// What the node can provide, and what that would earn.
fn headline(visit: &Visit<'_>, node: &nodes::FarmNode) -> String {
    let count = node.offer.total_slices();
    let kept = match node.offer.withheld_slices {
        0 => String::new(),
        kept => format!(" {} withheld.", counted(kept, "slice")),
    };
    if count == 0 {
        return format!("This node can't provide any slices right now.{kept}");
    }
    let slices = counted(count, "slice");
    if let Some(price) = node.offer.price {
        let most = price.times(count).for_people();
        return format!(
            "This node can provide {slices}, up to {most} per month at your price.{kept}"
        );
    }
    let limits = visit.price_limits;
    let example = Usd::from_micros(EXAMPLE_PRICE_MICROS).clamp(limits.min, limits.max);
    let (most, each) = (example.times(count).for_people(), example.for_people());
    format!("This node can provide {slices}. At {each} each, that is up to {most} per month.{kept}")
}

/// What each resource would allow. The grid's report is kept in whole slices, so memory and storage
/// are known to be at least that much.
fn limits(capacity: &Capacity) -> Vec<ResourceLimit> {
    let fewest = capacity.by_cpu.min(capacity.by_memory).min(capacity.by_ssd);
    let is_by_size =
        matches!(capacity.refusal, None | Some(Refusal::Cpu | Refusal::Memory | Refusal::Ssd));
    let limit = |resource: &str, slices: u32, size: u32, unit: &str| {
        let free = match slices {
            0 => format!("Less than {size} {unit}"),
            // Processors are counted in whole ones, so nothing was rounded off.
            _ if size == 1 => format!("{} {unit}", grouped(slices)),
            _ => format!("At least {} {unit}", grouped(slices * size)),
        };
        let is_limiting = is_by_size && slices == fewest;
        ResourceLimit { resource: resource.to_owned(), free, slices, is_limiting }
    };
    vec![
        limit("Processor", capacity.by_cpu, CPU_CORES, "vCPU"),
        limit("Memory", capacity.by_memory, MEMORY_GB, "GB"),
        limit("SSD", capacity.by_ssd, STORAGE_GB, "GB"),
    ]
}

/// What being down means for those who rent a node.
fn consequence(node: &nodes::FarmNode) -> String {
    let is_down = node.offer.status == NodeStatus::Down;
    if !is_down || node.offer.allocated_slices == 0 {
        return String::new();
    }
    let hours = UNPAID_AFTER_SECONDS / 3_600;
    format!(" Renters aren't charged for an outage of {hours} hours or more.")
}

/// What publishing or pausing would do, or what is missing first.
fn publish_hint(node: &nodes::FarmNode) -> String {
    if node.left_at.is_some() {
        return "This node has left the market. You can bring it back.".to_owned();
    }
    if let Some(leaves_at) = node.leaves_at {
        let day = leaves_at.day_for_people();
        return format!("This node leaves the market on {day}. Rentals continue until then.");
    }
    let later = if node.offer.total_slices() == 0 {
        " Slices appear once the node has capacity for them."
    } else {
        ""
    };
    let hint = match (node.offer.listing, node.offer.price) {
        (Listing::Draft, None) => "Only you can see this node. Set a price to publish it.",
        (Listing::Draft, Some(_)) => {
            "Only you can see this node. Publish it to put its free slices on the market."
        }
        (Listing::Published, _) => {
            "This node is on the market. Pausing hides it; existing rentals continue."
        }
        (Listing::Paused, _) => {
            "This node is hidden from the market; existing rentals continue. Publish it to offer \
             its free slices again."
        }
    };
    format!("{hint}{later}")
}

impl FarmNodeForm {
    pub(crate) fn new(visit: &Visit<'_>, node: &nodes::FarmNode) -> FarmNodeForm {
        let offer = &node.offer;
        let limits = visit.price_limits;
        let (least, most) = (limits.min.for_people(), limits.max.for_people());
        let payout = |price: Usd| {
            let fee = visit.platform_fee;
            let yours = (price - price.percent(fee)).to_cents().for_people();
            format!("You earn {yours} of {} after the {fee}% fee.", price.for_people())
        };
        // Before the first price nothing is guaranteed yet, and nothing is filled in for the
        // farmer.
        let guaranteed = |value: String| {
            let is_set = offer.price.is_some() || value != "0";
            Field::new(Some(value).filter(|_| is_set).unwrap_or_default())
        };
        FarmNodeForm {
            version: offer.version.to_string(),
            // What the farmer wants, which a raise that waits is.
            price_per_month: Field::new(
                offer
                    .raise
                    .map(|raise| raise.price)
                    .or(offer.price)
                    .map(|price| price.to_string())
                    .unwrap_or_default(),
            ),
            price_hint: format!("Between {least} and {most}."),
            payout_hint: offer.price.map(payout),
            min_uptime: guaranteed(offer.min_uptime.to_string()),
            min_bandwidth_mbps: guaranteed(offer.min_bandwidth.mbps().to_string()),
            uptime_hint: measured(offer).map_or_else(
                || "Not measured yet.".to_owned(),
                |it| format!("Measured: {} over {}.", it.percent, it.checks),
            ),
            bandwidth_hint: offer.measured_bandwidth().map_or_else(
                || "Not measured yet.".to_owned(),
                |mbps| format!("Measured: {}.", bandwidth(mbps)),
            ),
            scale: scale(),
            consent: None,
            terms: term_boxes(|term| offer.terms.has(term)),
            terms_error: None,
            withheld_slices: Field::new(offer.withheld_slices.to_string()),
            name: Field::new(&offer.name),
            error: None,
        }
    }
}

/// What a farmer has to do about a machine that is like this.
fn to_do(machine: MachineStatus) -> Option<&'static str> {
    (machine == MachineStatus::Paused).then_some(
        "The server's disk is full. Free some space on it, and the machine continues. Until then \
         this counts as downtime.",
    )
}

impl SliceSetup {
    fn new(setup: &ManualSetup) -> SliceSetup {
        let SliceId { node, number } = setup.slice;
        let (status, text) = match setup.state {
            JobState::Done => (Badge::new("set up by hand", Tone::Plain), "Change access"),
            JobState::NeedsKey => (Badge::new("renter has no SSH key", Tone::Plain), "View"),
            _ => (Badge::new("waits for you", Tone::Warn), "Set up"),
        };
        SliceSetup {
            status,
            refund_at: setup.state.is_owed().then(|| moment::to_the_minute(setup.refund_at)),
            text,
            url: format!("/dashboard/farm/nodes/{node}/slices/{number}/setup"),
        }
    }
}

impl FarmSlice {
    pub(crate) fn new(
        node: &nodes::FarmNode,
        slice: &nodes::FarmSlice,
        now: Timestamp,
    ) -> FarmSlice {
        let machine = slice.machine.map(|machine| machine.status(now).0);
        FarmSlice {
            id: SliceId { node: node.offer.node, number: slice.number }.to_string(),
            number: slice.number,
            state: match slice.state {
                SliceState::Available => "available",
                SliceState::Reserved => "reserved by a quote",
                SliceState::Allocated => "rented",
                SliceState::Retired => "retired",
            },
            class: SliceGrid::class(slice.state),
            renter: slice.renter.clone(),
            until: slice.ends_at.map(moment::on_day),
            machine: machine.map(badge::machine),
            to_do: machine.and_then(to_do),
            setup: None,
            removal: None,
        }
    }
}

impl FarmNode {
    /// The same with what is left of the SLA, where something is guaranteed and was looked at.
    pub(crate) fn with_sla_outlook(mut self, month: Option<NodeMonth>, now: Timestamp) -> FarmNode {
        self.sla = month.and_then(|month| sla::sentence(&month, now));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(body: &str) -> Form {
        Form::read(&http::Request::post("/").body(body.as_bytes().to_vec()).unwrap())
    }

    #[test]
    fn the_form_sends_every_field_and_what_was_seen() {
        let change = read_change(&form("offer_version=7&name=&price_per_month=")).unwrap();
        assert_eq!((change.offer_version, change.name.as_deref()), (Some(7), Some("")));
        assert_eq!(change.price_per_month.unwrap().text(), "");
        assert_eq!(change.terms, None);
        for body in ["name=a", "name=a&offer_version=x"] {
            assert_eq!(read_change(&form(body)).err().unwrap().fields[0].field, "offer_version");
        }
        let terms = |body| read_change(&form(body)).unwrap().terms;
        assert_eq!(terms("offer_version=7&terms="), Some(vec![]));
        assert_eq!(terms("offer_version=7&terms=&terms=1&terms=12"), Some(vec![1, 12]));
    }
}
