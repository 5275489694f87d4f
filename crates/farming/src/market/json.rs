//! A farmer's node beside similar ones.

use domain::account::Scope;
use domain::comparison::TooFew;
use domain::field::FieldError;
use domain::id::NodeId;
use domain::money::Usd;
use schemars::JsonSchema;
use serde::Serialize;
use store::comparisons::Found;
use web::api::CURRENCY;
use web::form::keep;
use web::operation::{Access, Form, Operation, Parameter, schema_of};
use web::{Context, Kind, Problem, json};

use crate::market::study::{Simulated, Study, no_suggestion_reason, parts, settled, slice_days};

/// `GET /api/farm/market`
pub(crate) const COMPARE_NODE: Operation = Operation {
    id: "compareNode",
    group: "Farm",
    path: "/api/farm/market",
    summary: "Compares your node with similar nodes, suggests a price, and estimates the revenue \
              at a given price.",
    access: Access::Account(Scope::Read),
    query: &[
        Parameter {
            name: "node",
            form: Form::Text(NODE_CHARS_MAX),
            about: "One of your nodes. Required.",
            example: "node32",
        },
        Parameter {
            name: "price",
            form: Form::Decimal(json::DOLLARS),
            about: "The price per slice per month to simulate, in dollars. Defaults to the node's \
                    price.",
            example: "22",
        },
    ],
    about_answer: "The comparison.",
    answer: Some(schema_of::<MarketView>),
    problems: &[Kind::NotFound],
    ..Operation::READ
};

/// The longest id of a node that is read.
const NODE_CHARS_MAX: usize = 20;

/// The node and the price that a request asks about, or every field that is wrong.
pub(crate) fn read_question(cx: &Context<'_>) -> Result<(NodeId, Option<Usd>), Problem> {
    let mut wrong = Vec::new();
    let node = cx.query("node").filter(|text| text.len() <= NODE_CHARS_MAX);
    if node.is_none() {
        wrong.push(FieldError::new("node", "one of your nodes, such as node32"));
    }
    let price = keep(&mut wrong, read_price(cx));
    match (node, price) {
        (Some(node), Some(price)) if wrong.is_empty() => {
            Ok((NodeId::parse(&node).ok_or_else(Problem::not_found)?, price))
        }
        _ => Err(Problem::fields(wrong)),
    }
}

/// The price that a request asks about, if it names one.
pub(crate) fn read_price(cx: &Context<'_>) -> Result<Option<Usd>, FieldError> {
    let limits = cx.config.price_limits;
    cx.query("price").map(|text| limits.parse("price", &text)).transpose()
}

/// A node beside similar ones.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MarketView {
    /// The node.
    pub node_id: String,
    /// What it asks per slice, as decimal text; null for a draft without a price.
    pub price_per_month: Option<String>,
    /// Of every amount here.
    pub currency: &'static str,
    /// What similar nodes ask, in a sentence.
    pub summary: String,
    /// What that rests on, in sentences.
    pub notes: Vec<String>,
    /// What they ask; null where even the world has too few of them.
    pub comparison: Option<ComparisonView>,
    /// The narrower circles, which have too few of them.
    pub skipped_circles: Vec<CircleView>,
    /// How they are rented; null where there are too few of them.
    pub observed: Option<ObservedView>,
    /// A price; null where it is not known.
    pub suggestion: Option<SuggestionView>,
    /// Why no price is suggested; null where one is.
    pub no_suggestion_reason: Option<String>,
    /// What the asked price would bring; null where none is asked and the node has none.
    pub simulation: Option<SimulatedView>,
    /// What some prices around it would bring.
    pub nearby_prices: Vec<SimulatedView>,
    /// Prices beside measured uptime: of similar nodes, evenly picked if they are many, and yours.
    pub points: Vec<PointView>,
}

impl MarketView {
    /// Shows a node beside similar ones.
    pub(crate) fn new(study: &Study) -> MarketView {
        MarketView {
            node_id: study.own.node.to_string(),
            price_per_month: study.own.price.map(|price| price.to_string()),
            currency: CURRENCY,
            summary: study.summary(),
            notes: study.notes(),
            comparison: study.found().map(ComparisonView::new),
            skipped_circles: study.picture.narrower.iter().map(CircleView::too_few).collect(),
            observed: study.found().map(ObservedView::new),
            suggestion: SuggestionView::new(study),
            no_suggestion_reason: no_suggestion_reason(study),
            simulation: study.asked.map(|price| SimulatedView::new(&study.at(price))),
            nearby_prices: study.nearby_prices().iter().map(SimulatedView::new).collect(),
            points: study
                .points()
                .iter()
                .map(|point| PointView {
                    price_per_month: point.price.to_string(),
                    measured_uptime: point.uptime.percent(),
                    is_own: point.is_own,
                })
                .collect(),
        }
    }
}

/// A circle around a node, and how many similar nodes are in it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CircleView {
    /// `country`, `region` or `world`.
    pub reach: &'static str,
    /// Such as `Belgium`, `Western Europe` or `the world`.
    pub name: String,
    /// How many similar nodes there are.
    pub nodes: u32,
    /// Of how many farms.
    pub farms: u32,
}

impl CircleView {
    fn too_few(few: &TooFew) -> CircleView {
        let TooFew { reach, name, nodes, farms } = few;
        CircleView { reach: reach.into_str(), name: name.clone(), nodes: *nodes, farms: *farms }
    }
}

/// What similar nodes ask per slice and month, as decimal text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ComparisonView {
    /// Where they are.
    #[serde(flatten)]
    pub circle: CircleView,
    /// A quarter of them asks less.
    pub low: String,
    /// Half of them ask less.
    pub median: String,
    /// A quarter of them asks more.
    pub high: String,
}

impl ComparisonView {
    pub(crate) fn new(found: &Found) -> ComparisonView {
        let comparison = &found.comparison;
        ComparisonView {
            circle: CircleView {
                reach: comparison.reach.into_str(),
                name: comparison.name.clone(),
                nodes: u32::try_from(comparison.nodes.len()).unwrap_or(u32::MAX),
                farms: comparison.farms,
            },
            low: comparison.low.to_string(),
            median: comparison.median.to_string(),
            high: comparison.high.to_string(),
        }
    }
}

/// How similar nodes were rented in the last eight weeks.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ObservedView {
    /// How many weeks of nodes were observed.
    pub node_weeks: u32,
    /// Slice-days that they offered.
    pub offered_slice_days: u64,
    /// Slice-days of these that were rented.
    pub rented_slice_days: u64,
    /// The share of these in percent; null where nothing was offered.
    pub utilization: Option<f64>,
    /// How many rentals of their slices began.
    pub rentals: u32,
    /// How long a slice waited for its rental, in seconds: the median; null where there was none.
    pub seconds_to_rent: Option<i64>,
    /// Searches of the market for such a slice that found nothing.
    pub unmet_searches: u32,
}

impl ObservedView {
    pub(crate) fn new(found: &Found) -> ObservedView {
        let market = &found.market;
        ObservedView {
            node_weeks: market.node_weeks,
            offered_slice_days: slice_days(market.offered),
            rented_slice_days: slice_days(market.rented),
            utilization: market.utilization().map(percent),
            rentals: market.waits,
            seconds_to_rent: market.wait_seconds,
            unmet_searches: market.unmet,
        }
    }
}

/// A price, and why.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SuggestionView {
    /// Per slice, as decimal text.
    pub price_per_month: String,
    /// What the formula says before bounds and rounding, as decimal text.
    pub target: String,
    /// What utilization adds to the median, in percent of it.
    pub by_utilization: f64,
    /// What the wait adds to it; null where too few slices were rented.
    pub by_wait: Option<f64>,
    /// What searches in vain add to it.
    pub by_unmet: f64,
    /// The same in words, part by part.
    pub reason: Vec<String>,
}

impl SuggestionView {
    pub(crate) fn new(study: &Study) -> Option<SuggestionView> {
        let (found, suggestion) = (study.found()?, study.suggestion?.ok()?);
        let said = parts(&found.market, &suggestion);
        let mut reason: Vec<String> =
            said.into_iter().map(|(seen, adds)| format!("{seen}: {adds}")).collect();
        reason.push(settled(&suggestion, study.own.price, study.limits));
        Some(SuggestionView {
            price_per_month: suggestion.price.to_string(),
            target: suggestion.target.to_string(),
            by_utilization: percent(suggestion.by_utilization),
            by_wait: suggestion.by_wait.map(percent),
            by_unmet: percent(suggestion.by_unmet),
            reason,
        })
    }
}

/// What a price would bring.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SimulatedView {
    /// Per slice, as decimal text.
    pub price_per_month: String,
    /// How many slices the node has.
    pub total_slices: u32,
    /// How many of them are rented, to a tenth, as decimal text; null where it is not known.
    pub rented_slices: Option<String>,
    /// What they bring a month before the platform's fee, as decimal text.
    pub revenue_per_month: Option<String>,
    /// How many weeks of similar nodes are near that price.
    pub observations: u32,
    /// The same in a sentence.
    pub summary: String,
}

impl SimulatedView {
    pub(crate) fn new(simulated: &Simulated) -> SimulatedView {
        SimulatedView {
            price_per_month: simulated.price.to_string(),
            total_slices: simulated.slices,
            rented_slices: simulated.rented(),
            revenue_per_month: simulated.revenue().map(|usd| usd.to_string()),
            observations: simulated
                .expected
                .map_or_else(|not_known| not_known.weeks, |expected| expected.weeks),
            summary: simulated.words(),
        }
    }
}

/// A node in a plot of price beside measured uptime.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PointView {
    /// Per slice, as decimal text.
    pub price_per_month: String,
    /// In percent.
    pub measured_uptime: f64,
    /// Whether it is yours.
    pub is_own: bool,
}

/// Percent, from hundredths of it.
fn percent(hundredths: i64) -> f64 {
    f64::from(i32::try_from(hundredths).unwrap_or(i32::MAX)) / 100.0
}
