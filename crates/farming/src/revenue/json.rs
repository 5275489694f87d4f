//! What a farmer has earned: by month, node and day.

use domain::account::Scope;
use domain::field::FieldError;
use domain::money::Usd;
use domain::month::Month;
use domain::payout::{Funds, PROVEN_DAYS};
use schemars::JsonSchema;
use serde::Serialize;
use store::dashboard::{Figures, Money, NodeStanding};
use store::payouts::UnprovenFarm;
use store::revenue::{Line, MONTHS_MAX};
use web::Problem;
use web::api::CURRENCY;
use web::csv::{Field, Table};
use web::operation::{Access, Form, Operation, Parameter, schema_of};

/// How many months are shown when nobody says how many.
pub(crate) const MONTHS_DEFAULT: u32 = 12;

/// `GET /api/farm/revenue`
pub(crate) const SHOW_REVENUE: Operation = Operation {
    id: "showRevenue",
    group: "Farm",
    path: "/api/farm/revenue",
    summary: "Returns your revenue by month, node and day of this month, and your pending, \
              payable and paid amounts.",
    access: Access::Account(Scope::Read),
    query: &[Parameter {
        name: "months",
        form: Form::Whole(1, MONTHS_MAX),
        about: "Number of months, including this one, 1 to 60. Defaults to 12.",
        example: "12",
    }],
    about_answer: "The farm's revenue. Months are in UTC.",
    answer: Some(schema_of::<RevenueView>),
    ..Operation::READ
};

/// How many months are asked for.
pub(crate) fn months_asked(text: Option<&str>) -> Result<u32, FieldError> {
    let Some(text) = text else { return Ok(MONTHS_DEFAULT) };
    let months = text.parse().ok().filter(|months| (1..=MONTHS_MAX).contains(months));
    months.ok_or_else(|| FieldError::new("months", "a whole number, 1 to 60"))
}

/// What a farm earns.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RevenueView {
    /// This month, such as `2026-11`.
    pub month: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// Sums.
    pub totals: TotalsView,
    /// What of the balance can be paid out now, and why the rest is held.
    pub payable: PayableView,
    /// Each month, this one last; a month without earnings has no nodes.
    pub months: Vec<MonthView>,
    /// Each day of this month on which something was earned.
    pub days: Vec<DayView>,
}

impl RevenueView {
    /// Shows the revenue of `months`, which are in order.
    pub(crate) fn new(
        month: Month,
        months: &[Month],
        figures: &Figures,
        lines: &[Line],
        payable: PayableView,
    ) -> RevenueView {
        let of = |month: &Month| {
            // Lines come with the last node first.
            let own: Vec<&Line> = lines.iter().rev().filter(|it| it.month == *month).collect();
            let sum = |of: fn(&Line) -> Usd| {
                own.iter().fold(Usd::ZERO, |sum, line| sum + of(line)).to_string()
            };
            MonthView {
                month: month.to_string(),
                earned: sum(|line| line.earned),
                credited: sum(|line| line.credited),
                nodes: own.iter().map(|line| NodeMonthView::new(line)).collect(),
            }
        };
        let day = |(day, earned): &(String, Usd)| DayView {
            day: day.clone(),
            earned: earned.to_string(),
        };
        RevenueView {
            month: month.to_string(),
            currency: CURRENCY,
            totals: TotalsView::new(&figures.money),
            payable,
            months: months.iter().map(of).collect(),
            days: figures.days.iter().map(day).collect(),
        }
    }
}

/// What a farmer has earned and been paid; every amount is decimal text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TotalsView {
    /// Earned this month.
    pub earned_this_month: String,
    /// Refunded to renters this month for missed SLAs.
    pub credited_this_month: String,
    /// Your share of what renters have paid and that is not earned yet.
    pub pending: String,
    /// What was earned and not paid out yet. `payable` says what of it can be paid out now.
    pub balance: String,
    /// What is on its way in payouts.
    pub in_payout: String,
    /// What was paid out and has arrived.
    pub paid: String,
}

impl TotalsView {
    pub(crate) fn new(money: &Money) -> TotalsView {
        TotalsView {
            earned_this_month: money.earned.to_string(),
            credited_this_month: money.credited.to_string(),
            pending: money.pending.to_string(),
            balance: money.balance.to_string(),
            in_payout: money.in_payout.to_string(),
            paid: money.paid.to_string(),
        }
    }
}

/// What can be paid out now, and what is held; every amount is decimal text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PayableView {
    /// What a payout can be requested for now.
    pub available: String,
    /// Held because it may still go to renters as SLA credits.
    pub held_for_sla: String,
    /// Held for the term discounts that renters lose because a node of yours leaves the market.
    pub held_for_leaving: String,
    /// Held until the payments by card that it comes from have settled.
    pub held_for_card_payments: String,
    /// Held because you have not verified the farms that earned it.
    pub held_for_unverified_farms: String,
    /// The farms to verify. What a farm earned is also released once renters have used it for 30
    /// days.
    pub unverified_farms: Vec<UnverifiedFarmView>,
}

/// A farm whose earnings are held.
#[derive(Serialize, JsonSchema)]
pub(crate) struct UnverifiedFarmView {
    /// The grid's number of the farm.
    pub farm_id: u32,
    /// The farm's name.
    pub name: String,
    /// What is held, as decimal text.
    pub held: String,
    /// On how many days a renter paid for a working machine of the farm and kept it. At
    /// `days_required`, what is held is released.
    pub days_used: u32,
    /// 30.
    pub days_required: u32,
    /// Whether another account has verified the farm.
    pub is_verified_by_another: bool,
}

impl PayableView {
    /// Shows what an account can be paid.
    pub(crate) fn new(funds: &Funds, farms: &[UnprovenFarm]) -> PayableView {
        let farm = |farm: &UnprovenFarm| UnverifiedFarmView {
            farm_id: farm.farm,
            name: farm.name.clone(),
            held: farm.held.to_string(),
            days_used: farm.days,
            days_required: PROVEN_DAYS,
            is_verified_by_another: farm.is_of_another,
        };
        PayableView {
            available: funds.payable().to_string(),
            held_for_sla: (funds.withheld - funds.leaving).to_string(),
            held_for_leaving: funds.leaving.to_string(),
            held_for_card_payments: funds.unsettled.to_string(),
            held_for_unverified_farms: funds.unproven.to_string(),
            unverified_farms: farms.iter().map(farm).collect(),
        }
    }
}

/// What was earned in a month.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MonthView {
    /// Such as `2026-11`.
    pub month: String,
    /// With all nodes, as decimal text.
    pub earned: String,
    /// Refunded to renters, as decimal text.
    pub credited: String,
    /// With each node that earned something.
    pub nodes: Vec<NodeMonthView>,
}

/// What was earned with a node in a month.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NodeMonthView {
    /// Such as `node32`.
    pub node_id: String,
    /// The name that it has now.
    pub name: String,
    /// As decimal text.
    pub earned: String,
    /// Refunded to renters, as decimal text.
    pub credited: String,
}

impl NodeMonthView {
    pub(crate) fn new(line: &Line) -> NodeMonthView {
        NodeMonthView {
            node_id: line.node.to_string(),
            name: line.name.clone(),
            earned: line.earned.to_string(),
            credited: line.credited.to_string(),
        }
    }
}

/// What was earned on a day.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DayView {
    /// Such as `2026-11-22`.
    pub day: String,
    /// As decimal text.
    pub earned: String,
}

/// Revenue by month and node as a table, the newest month first.
pub(crate) fn revenue_table(lines: &[Line]) -> Result<Vec<u8>, Problem> {
    let header = ["month", "node_id", "name", "earned", "credited", "currency"];
    let mut table = Table::new(&header)?;
    for line in lines {
        table.line(&[
            Field::Plain(line.month.to_string()),
            Field::Plain(line.node.to_string()),
            Field::Text(&line.name),
            Field::Plain(line.earned.to_string()),
            Field::Plain(line.credited.to_string()),
            Field::Plain(CURRENCY.to_owned()),
        ])?;
    }
    table.finish()
}

/// Every slice as a table, with who rents it, as they chose to be shown.
pub(crate) fn slices_table(nodes: &[NodeStanding]) -> Result<Vec<u8>, Problem> {
    let header = ["node_id", "name", "slice", "state", "renter", "rented_until"];
    let mut table = Table::new(&header)?;
    for standing in nodes {
        let offer = &standing.node.offer;
        for slice in &standing.slices {
            table.line(&[
                Field::Plain(offer.node.to_string()),
                Field::Text(&offer.name),
                Field::Plain(slice.number.to_string()),
                Field::Plain(slice.state.into_str().to_owned()),
                Field::Text(slice.renter.as_deref().unwrap_or_default()),
                Field::Plain(slice.ends_at.map(|at| at.to_string()).unwrap_or_default()),
            ])?;
        }
    }
    table.finish()
}

/// What was measured of each node against its SLA, as a table: uptime in percent, bandwidth in
/// Mbit/s; empty where nothing was measured.
pub(crate) fn uptime_table(nodes: &[NodeStanding]) -> Result<Vec<u8>, Problem> {
    let header = [
        "node_id",
        "name",
        "observations",
        "observed_up",
        "measured_uptime",
        "min_uptime",
        "upload_mbps",
        "download_mbps",
        "min_bandwidth_mbps",
    ];
    let mut table = Table::new(&header)?;
    for standing in nodes {
        let offer = &standing.node.offer;
        let mbps = |mbps: Option<u32>| mbps.map(|mbps| mbps.to_string()).unwrap_or_default();
        table.line(&[
            Field::Plain(offer.node.to_string()),
            Field::Text(&offer.name),
            Field::Plain(offer.observed.to_string()),
            Field::Plain(offer.observed_up.to_string()),
            Field::Plain(offer.measured_uptime().map(|it| it.to_string()).unwrap_or_default()),
            Field::Plain(offer.min_uptime.to_string()),
            Field::Plain(mbps(offer.upload_mbps)),
            Field::Plain(mbps(offer.download_mbps)),
            Field::Plain(offer.min_bandwidth.mbps().to_string()),
        ])?;
    }
    table.finish()
}
