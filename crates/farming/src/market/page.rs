//! The market around a farmer's node, `/dashboard/farm/nodes/{node}/market`.

use askama::Template;
use domain::field::FieldError;
use domain::money::Usd;
use store::offers::Offer;
use ui::visit::Visit;
use ui::wording::uptime;
use web::page::{Fact, Field, Frame, Section};
use web::text::{counted, sentence};

use crate::market::study::{
    FORMULA, OBSERVATION, Point, Simulated, Study, no_suggestion_reason, parts, settled,
};
use crate::plot::scatter::{Scale, Scatter, Value};

/// What `farm_market.html` shows: what similar nodes ask, a price with its reason, and what other
/// prices would bring.
#[derive(Clone, Debug, Template)]
#[template(path = "market/farm_market.html")]
pub(crate) struct FarmMarket {
    /// What surrounds the page.
    pub frame: Frame,
    /// The node's id, as the routes of its forms carry it.
    pub id: String,
    /// The name that the farmer gave it.
    pub name: String,
    /// `Similar nodes in Belgium cost $22–31 (median $25, 14 nodes).`
    pub summary: String,
    /// What the summary rests on, in sentences.
    pub notes: Vec<String>,
    /// Price beside measured uptime; `None` where there is nothing to compare with.
    pub plot: Option<Scatter>,
    /// The same as a table.
    pub points: Vec<PointRow>,
    /// A price with its reason, if there is one.
    pub suggestion: Option<SuggestedPrice>,
    /// Why no price is suggested.
    pub no_suggestion_reason: Option<String>,
    /// How a price is found, in words.
    pub formula: &'static str,
    /// `price`: what the simulator is asked.
    pub price: Field,
    /// What the asked price would bring, in a sentence.
    pub simulated: Option<String>,
    /// What some prices around it would bring.
    pub nearby_prices: Vec<SimulatedRow>,
    /// What the simulator rests on.
    pub observation: &'static str,
}

/// A node of the plot, as a row.
#[derive(Clone, Debug)]
pub(crate) struct PointRow {
    /// Such as `$25.00`.
    pub price: String,
    /// Such as `99.87%`.
    pub uptime: String,
    /// Whether it is the farmer's own.
    pub is_own: bool,
}

/// A price that is suggested.
#[derive(Clone, Debug)]
pub(crate) struct SuggestedPrice {
    /// Such as `$22.50`.
    pub price: String,
    /// What was seen, and what it adds.
    pub parts: Vec<Fact>,
    /// What was done to the sum.
    pub settled: String,
    /// The form that sets it; `None` where it is the node's price already.
    pub form: Option<SetPriceForm>,
}

/// The form that sets a node's price and leaves the rest as it is: the hidden fields of the form
/// that changes a node.
#[derive(Clone, Debug)]
pub(crate) struct SetPriceForm {
    /// `version`
    pub version: String,
    /// `price_per_month`
    pub price_per_month: String,
    /// `min_uptime`
    pub min_uptime: String,
    /// `min_bandwidth_mbps`
    pub min_bandwidth_mbps: String,
    /// `name`
    pub name: String,
}

/// What a price would bring.
#[derive(Clone, Debug)]
pub(crate) struct SimulatedRow {
    /// Such as `$22.00`.
    pub price: String,
    /// The same as the simulator's form sends it, such as `22.00`.
    pub query: String,
    /// Such as `8.1 of 10`; `None` where it is not known.
    pub rented: Option<String>,
    /// Such as `$178.20`.
    pub revenue: String,
    /// How many observations are near that price.
    pub observations: u32,
}

impl FarmMarket {
    /// A node beside similar ones. `wrong` is what is wrong with the price that is asked about.
    pub(crate) fn new(visit: &Visit<'_>, study: &Study, wrong: Option<&FieldError>) -> FarmMarket {
        let own = &study.own;
        let points = study.points();
        let asked = study.asked.map(|price| price.to_string()).unwrap_or_default();
        let sent = visit.query("price");
        FarmMarket {
            frame: visit.frame(format!("Price comparison: {}", own.name), Section::Farm),
            id: own.node.to_string(),
            name: own.name.clone(),
            summary: study.summary(),
            notes: study.notes(),
            plot: study.found().map(|_| plot(study, &points)),
            points: points.iter().map(PointRow::new).collect(),
            suggestion: SuggestedPrice::new(study),
            no_suggestion_reason: no_suggestion_reason(study),
            formula: FORMULA,
            price: Field {
                value: if sent.is_empty() { asked } else { sent },
                error: wrong.map(|wrong| sentence(&wrong.rule)),
            },
            simulated: study.asked.filter(|_| wrong.is_none()).map(|price| study.at(price).words()),
            nearby_prices: match wrong {
                None => study.nearby_prices().iter().map(SimulatedRow::new).collect(),
                Some(_) => Vec::new(),
            },
            observation: OBSERVATION,
        }
    }
}

/// Prices are below this, in dollars: the plot's axis ends somewhere.
const PRICE_MAX: f64 = 1_000_000.0;

fn plot(study: &Study, points: &[Point]) -> Scatter {
    let value = |point: &Point| Value {
        // For the eye: no money is counted by this.
        x: dollars(point.price.micros()),
        y: point.uptime.percent(),
        is_marked: point.is_own,
    };
    let values: Vec<Value> = points.iter().map(value).collect();
    let price = Scale {
        label: "Price per slice per month",
        before: "$",
        after: "",
        bounds: (0.0, PRICE_MAX),
    };
    let measured = Scale { label: "Measured uptime", before: "", after: "%", bounds: (0.0, 100.0) };
    let others = points.iter().filter(|point| !point.is_own).count();
    let others = counted(i64::try_from(others).unwrap_or(i64::MAX), "similar node");
    let yours = match points.iter().find(|point| point.is_own) {
        Some(own) => format!("yours costs {} at {}", own.price.for_people(), uptime(own.uptime)),
        None => "yours is not shown because it has no price or no measured uptime".to_owned(),
    };
    Scatter {
        title: format!("Price and measured uptime of nodes like {}", study.own.name),
        description: format!("{others}; {yours}. The table below has the same figures."),
        mark: "yours".to_owned(),
        ..Scatter::new(&values, price, measured)
    }
}

fn dollars(micros: i64) -> f64 {
    let cents = i32::try_from(micros / 10_000).unwrap_or(i32::MAX);
    f64::from(cents) / 100.0
}

impl PointRow {
    pub(crate) fn new(point: &Point) -> PointRow {
        PointRow {
            price: point.price.for_people(),
            uptime: uptime(point.uptime),
            is_own: point.is_own,
        }
    }
}

impl SuggestedPrice {
    pub(crate) fn new(study: &Study) -> Option<SuggestedPrice> {
        let (found, suggestion) = (study.found()?, study.suggestion?.ok()?);
        let fact = |(seen, adds): (String, String)| Fact::new(seen, adds);
        let price = suggestion.price;
        let is_own = study.own.price == Some(price);
        Some(SuggestedPrice {
            price: price.for_people(),
            parts: parts(&found.market, &suggestion).into_iter().map(fact).collect(),
            settled: settled(&suggestion, study.own.price, study.limits),
            form: (!is_own).then(|| SetPriceForm::new(&study.own, price.to_string())),
        })
    }
}

impl SetPriceForm {
    pub(crate) fn new(own: &Offer, price_per_month: String) -> SetPriceForm {
        SetPriceForm {
            version: own.version.to_string(),
            price_per_month,
            min_uptime: own.min_uptime.to_string(),
            min_bandwidth_mbps: own.min_bandwidth.mbps().to_string(),
            name: own.name.clone(),
        }
    }
}

impl SimulatedRow {
    pub(crate) fn new(simulated: &Simulated) -> SimulatedRow {
        SimulatedRow {
            price: simulated.price.for_people(),
            query: simulated.price.to_string(),
            rented: simulated.rented().map(|rented| format!("{rented} of {}", simulated.slices)),
            revenue: simulated.revenue().map(Usd::for_people).unwrap_or_default(),
            observations: simulated.expected.map_or_else(|not| not.weeks, |known| known.weeks),
        }
    }
}
