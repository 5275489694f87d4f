//! What the farmer's pages show of slices and revenue, beside the nodes themselves.

use std::collections::BTreeMap;

use domain::id::NodeId;
use domain::money::Usd;
use domain::month::Month;
use domain::slice::SliceState;
use domain::time::Timestamp;
use store::dashboard::NodeStanding;
use store::nodes::{FarmNode, FarmSlice};
use store::offers::Offer;
use store::revenue::Line;
use ui::moment;
use ui::uptime::UptimeRecord;
use ui::wording::{bandwidth, mbps};
use web::text::counted;

use crate::plot::bars::{Bar, Columns, Head, Rows};

/// What a farm earns, in three plots.
#[derive(Clone, Debug)]
pub(crate) struct FarmRevenue {
    /// By day; `None` where nothing was earned on any of them.
    pub by_day: Option<Columns>,
    /// By month; `None` where nothing was earned in any of them.
    pub by_month: Option<Columns>,
    /// By node, those that earned most first.
    pub by_node: Rows,
}

/// What a node earns and how it stands against its SLA.
#[derive(Clone, Debug)]
pub(crate) struct NodeRevenue {
    /// Earned this month, such as `$4.20`.
    pub earned: String,
    /// Paid by renters and not earned yet.
    pub pending: String,
    /// Rented of all slices, such as `33%`; `None` without slices.
    pub utilization: Option<String>,
    /// Uptime and bandwidth against the SLA; `None` before there is one.
    pub record: Option<NodeRecord>,
    /// By month; `None` where nothing was earned in any of them.
    pub by_month: Option<Columns>,
}

/// What was measured of a node against what its farmer guarantees.
#[derive(Clone, Debug)]
pub(crate) struct NodeRecord {
    /// Uptime.
    pub uptime: UptimeRecord,
    /// Bandwidth.
    pub bandwidth: BandwidthRecord,
}

/// A measured bandwidth against a guaranteed one.
#[derive(Clone, Debug)]
pub(crate) struct BandwidthRecord {
    /// The lesser of what the grid measured each way, such as `940 Mbit/s`.
    pub measured: Option<String>,
    /// Such as `1,000 Mbit/s`.
    pub guaranteed: String,
    /// Whether less was measured than guaranteed.
    pub is_below: bool,
}

/// The slices of a node, a cell for each, and the same in words.
#[derive(Clone, Debug, Default)]
pub(crate) struct SliceGrid {
    /// In the order of their numbers; those that are kept back have none, and come last.
    pub cells: Vec<GridCell>,
    /// Such as `3 rented, 1 held, 4 available, 2 kept back`.
    pub words: String,
    /// Who rents which slices, and until when.
    pub rented: Vec<RentedSlices>,
    /// What is not among these, such as `and 8 more on the node's page`.
    pub more: Option<String>,
}

/// A slice as a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GridCell {
    /// Its number; empty for one that is kept back.
    pub number: String,
    /// The class that colors it: `cell-rented`, `cell-held`, `cell-open` or `cell-withheld`.
    pub class: &'static str,
}

/// Slices that one renter has until one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RentedSlices {
    /// Such as `Slices 1, 2 and 7`.
    pub slices: String,
    /// The renter, as they chose to be seen.
    pub renter: String,
    /// When the rental ends.
    pub until: web::page::Moment,
}

/// How many lines of who rents what a list of nodes has for each; the node's page has every slice.
const RENTED_SHOWN: usize = 24;

/// How many nodes the plot of nodes draws; its table has all.
const NODES_DRAWN: usize = 10;

impl FarmRevenue {
    /// What a farm earned in `months` and on `days`, which are in order.
    pub(crate) fn new(months: &[Month], lines: &[Line], days: &[(Timestamp, Usd)]) -> FarmRevenue {
        FarmRevenue {
            by_day: by_day(days),
            by_month: by_month("revenue-months", months, lines),
            by_node: by_node(lines),
        }
    }
}

/// Every so many columns of days, one has its date below it.
const DAYS_PER_LABEL: usize = 7;

/// Columns of what was earned on each day; `None` where that is nothing.
fn by_day(days: &[(Timestamp, Usd)]) -> Option<Columns> {
    let bar = |(nth, (day, amount)): (usize, &(Timestamp, Usd))| {
        let name = day.day_for_people();
        // `22 Nov` of `22 November 2026`.
        let short = name.rsplit_once(' ').map_or("", |(date, _)| date);
        let length = short.find(' ').map_or(0, |blank| blank + 4).min(short.len());
        let has_label = nth % DAYS_PER_LABEL == DAYS_PER_LABEL / 2;
        let label = if has_label { &short[..length] } else { "" };
        Bar { label: label.to_owned(), amount: *amount, name }
    };
    let bars: Vec<Bar> = days.iter().enumerate().map(bar).collect();
    let sum = bars.iter().fold(Usd::ZERO, |sum, bar| sum + bar.amount);
    let best = bars.iter().max_by_key(|bar| bar.amount.micros());
    let best = best.filter(|bar| bar.amount > Usd::ZERO)?;
    let in_days = counted(i64::try_from(days.len()).unwrap_or(i64::MAX), "day");
    let about = format!("{} in {in_days}; most on {}.", sum.for_people(), best.name);
    let title = "Revenue by day".to_owned();
    let head = Head { id: "revenue-days", title, about, names: "Day", amounts: "Earned" };
    Some(Columns::new(head, &bars))
}

/// Columns of what was earned in each month; `None` where that is nothing.
fn by_month(id: &'static str, months: &[Month], lines: &[Line]) -> Option<Columns> {
    let bar = |month: &Month| {
        let name = month.for_people();
        let own = lines.iter().filter(|line| line.month == *month);
        Bar {
            // `Nov` of `November 2026`; every month has more than three letters, or three.
            label: name.chars().take(3).collect(),
            amount: own.fold(Usd::ZERO, |sum, line| sum + line.earned),
            name,
        }
    };
    let bars: Vec<Bar> = months.iter().map(bar).collect();
    let sum = bars.iter().fold(Usd::ZERO, |sum, bar| sum + bar.amount).for_people();
    let best = bars.iter().max_by_key(|bar| bar.amount.micros());
    let best = best.filter(|bar| bar.amount > Usd::ZERO)?;
    let in_months = counted(i64::try_from(months.len()).unwrap_or(i64::MAX), "month");
    let about = format!("{sum} in {in_months}; most in {}.", best.name);
    let title = "Revenue by month".to_owned();
    let head = Head { id, title, about, names: "Month", amounts: "Earned" };
    Some(Columns::new(head, &bars))
}

/// Rows of what each node earned, those that earned most first.
fn by_node(lines: &[Line]) -> Rows {
    let mut sums: BTreeMap<NodeId, (&str, Usd)> = BTreeMap::new();
    for line in lines {
        let sum = sums.entry(line.node).or_insert((&line.name, Usd::ZERO));
        sum.1 = sum.1 + line.earned;
    }
    let mut bars: Vec<Bar> = sums
        .into_values()
        .map(|(name, amount)| Bar { name: name.to_owned(), label: String::new(), amount })
        .collect();
    bars.sort_by_key(|bar| std::cmp::Reverse(bar.amount.micros()));
    let count = counted(i64::try_from(bars.len()).unwrap_or(i64::MAX), "node");
    let about = match bars.first() {
        None => "No revenue yet.".to_owned(),
        Some(best) if bars.len() > NODES_DRAWN => {
            format!("{} earned the most. The top {NODES_DRAWN} of {count} are shown.", best.name)
        }
        Some(best) => format!("{} earned the most of {count}.", best.name),
    };
    let title = "Revenue by node".to_owned();
    let head = Head { id: "revenue-nodes", title, about, names: "Node", amounts: "Earned" };
    Rows::new(head, &bars, NODES_DRAWN)
}

impl NodeRevenue {
    /// What a node earned in `months`, which are in order, and how it stands.
    pub(crate) fn new(standing: &NodeStanding, months: &[Month], lines: &[Line]) -> NodeRevenue {
        let offer = &standing.node.offer;
        NodeRevenue {
            earned: standing.earned.for_people(),
            pending: standing.pending.for_people(),
            utilization: utilization(offer.allocated_slices, offer.total_slices()),
            record: NodeRecord::new(offer),
            by_month: by_month("node-months", months, lines),
        }
    }
}

/// Rented of all slices: `33%`, rounded down, so that only a full node is 100 %. `None` where there
/// are none.
pub(crate) fn utilization(rented: u32, all: u32) -> Option<String> {
    let percent = (u64::from(rented) * 100).checked_div(u64::from(all))?;
    Some(format!("{percent}%"))
}

impl NodeRecord {
    /// What was measured of a node against its SLA; `None` before it has a price, for nothing
    /// is guaranteed then.
    pub(crate) fn new(offer: &Offer) -> Option<NodeRecord> {
        offer.price?;
        let least = match (offer.upload_mbps, offer.download_mbps) {
            (Some(up), Some(down)) => Some(up.min(down)),
            (one, other) => one.or(other),
        };
        Some(NodeRecord {
            uptime: UptimeRecord::for_farmer(offer),
            bandwidth: BandwidthRecord {
                measured: least.map(mbps),
                guaranteed: bandwidth(offer.min_bandwidth),
                is_below: least.is_some_and(|least| least < offer.min_bandwidth.mbps()),
            },
        })
    }
}

impl SliceGrid {
    /// The class that colors the cell of a slice.
    pub(crate) fn class(state: SliceState) -> &'static str {
        match state {
            SliceState::Allocated => "cell-rented",
            SliceState::Reserved => "cell-held",
            SliceState::Available | SliceState::Retired => "cell-open",
        }
    }

    /// The slices of a node. What its capacity allows beyond its slices and those that are being
    /// removed is kept back.
    pub(crate) fn new(node: &FarmNode, slices: &[FarmSlice], removed: u32) -> SliceGrid {
        let kept = kept_back(node).saturating_sub(removed);
        let cell = |slice: &FarmSlice| GridCell {
            number: slice.number.to_string(),
            class: SliceGrid::class(slice.state),
        };
        let mut cells: Vec<GridCell> = slices.iter().map(cell).collect();
        let kept_cell = || GridCell { number: String::new(), class: "cell-withheld" };
        cells.extend((0..kept).map(|_| kept_cell()));
        let mut rented = rented(slices);
        let more = rented.len().saturating_sub(RENTED_SHOWN);
        rented.truncate(RENTED_SHOWN);
        let more = (more > 0).then(|| format!("and {more} more on the node's page"));
        SliceGrid { cells, words: in_words(&node.offer, removed, kept), rented, more }
    }
}

/// How many slices a node could have beyond those that it has. One that is rented whole follows its
/// capacity later.
fn kept_back(node: &FarmNode) -> u32 {
    if node.offer.is_rented_whole {
        return 0;
    }
    node.capacity.slices.saturating_sub(node.offer.total_slices())
}

fn in_words(offer: &Offer, removed: u32, kept: u32) -> String {
    let parts = [
        (offer.allocated_slices, "rented"),
        (offer.reserved_slices, "held"),
        (offer.available_slices, "available"),
        (removed, "being removed"),
        (kept, "withheld"),
    ];
    let said = parts.iter().filter(|(count, _)| *count > 0);
    let said: Vec<String> = said.map(|(count, word)| format!("{count} {word}")).collect();
    if said.is_empty() { "no slices".to_owned() } else { said.join(", ") }
}

/// Who rents which slices, those with the lowest numbers first.
fn rented(slices: &[FarmSlice]) -> Vec<RentedSlices> {
    let mut found: Vec<(&str, domain::time::Timestamp, Vec<String>)> = Vec::new();
    for slice in slices {
        let (Some(renter), Some(until)) = (slice.renter.as_deref(), slice.ends_at) else {
            continue;
        };
        let number = slice.number.to_string();
        let same = |it: &&mut (&str, domain::time::Timestamp, Vec<String>)| {
            it.0 == renter && it.1 == until
        };
        match found.iter_mut().find(same) {
            Some((_, _, numbers)) => numbers.push(number),
            None => found.push((renter, until, vec![number])),
        }
    }
    let show = |(renter, until, numbers): (&str, _, Vec<String>)| RentedSlices {
        slices: numbered(&numbers),
        renter: renter.to_owned(),
        until: moment::on_day(until),
    };
    found.into_iter().map(show).collect()
}

/// `Slice 1`, or `Slices 1, 2 and 7`.
fn numbered(numbers: &[String]) -> String {
    match numbers {
        [] => String::new(),
        [one] => format!("Slice {one}"),
        [first @ .., last] => format!("Slices {} and {last}", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use domain::time::Timestamp;

    use super::*;

    fn slice(number: u32, renter: Option<&str>, ends_at: i64) -> FarmSlice {
        FarmSlice {
            number,
            state: if renter.is_some() { SliceState::Allocated } else { SliceState::Available },
            renter: renter.map(str::to_owned),
            ends_at: renter.map(|_| Timestamp::from_seconds(ends_at)),
            machine: None,
        }
    }

    #[test]
    fn what_one_renter_has_until_one_day_is_said_once() {
        let slices = [
            slice(1, Some("Omar"), 86_400),
            slice(2, None, 0),
            slice(3, Some("Aida"), 86_400),
            slice(4, Some("Omar"), 86_400),
            slice(7, Some("Omar"), 86_400),
            slice(8, Some("Omar"), 172_800),
        ];
        let said: Vec<String> = rented(&slices)
            .into_iter()
            .map(|it| format!("{}: {} until {}", it.slices, it.renter, it.until.text))
            .collect();
        assert_eq!(
            said,
            [
                "Slices 1, 4 and 7: Omar until 2 January 1970",
                "Slice 3: Aida until 2 January 1970",
                "Slice 8: Omar until 3 January 1970",
            ]
        );
    }

    #[test]
    fn only_a_full_node_is_used_whole() {
        assert_eq!(utilization(0, 0), None);
        assert_eq!(utilization(1, 3).as_deref(), Some("33%"));
        assert_eq!(utilization(199, 200).as_deref(), Some("99%"));
        assert_eq!(utilization(9, 9).as_deref(), Some("100%"));
    }

    #[test]
    fn plots_say_what_they_show() {
        let month = |text| Month::parse(text).unwrap();
        let line = |month, node, dollars| Line {
            month,
            node: NodeId(node),
            name: format!("Node {node}"),
            earned: Usd::whole(dollars),
            credited: Usd::ZERO,
        };
        let months: Vec<Month> = month("2026-11").last(3).collect();
        let lines = [line(months[2], 33, 5), line(months[2], 32, 7), line(months[1], 33, 9)];
        let day = |day| Timestamp::of_day(day).unwrap();
        let days = [(day("2026-11-01"), Usd::ZERO), (day("2026-11-02"), Usd::whole(2))];
        let revenue = FarmRevenue::new(&months, &lines, &days);
        let by_day = revenue.by_day.unwrap();
        assert_eq!(by_day.head.about, "$2.00 in 2 days; most on 2 November 2026.");
        let by_month = revenue.by_month.unwrap();
        assert_eq!(by_month.head.about, "$21.00 in 3 months; most in November 2026.");
        let labels: Vec<_> = by_month.columns.iter().map(|it| it.label.as_str()).collect();
        assert_eq!(labels, ["Sep", "Oct", "Nov"]);
        assert_eq!(revenue.by_node.head.about, "Node 33 earned the most of 2 nodes.");
        assert_eq!(revenue.by_node.table[0].amount, "$14.00");
        let nothing = FarmRevenue::new(&months, &[], &[]);
        assert_eq!(nothing.by_day, None);
        assert_eq!(nothing.by_month, None);
        assert_eq!(nothing.by_node.head.about, "No revenue yet.");
    }
}
