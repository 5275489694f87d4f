//! A renter's rentals.

use domain::account::Scope;
use domain::field::FieldError;
use domain::id::TokenId;
use domain::money::Usd;
use domain::period::Period;
use domain::rental::{Renewal, RentalState};
use domain::term::Term;
use domain::text::parse_line;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::rentals::{RenewalSetter, Rental, RentalSettings};
use ui::machine::MachineStatusView;
use web::Kind;
use web::api::{CURRENCY, PAGING, PageOf};
use web::form::keep;
use web::json::Decimal;
use web::operation::{Access, Form, Operation, Parameter, schema_of};

use crate::renting::view::DryRunView;

pub(crate) const GROUP: &str = "Rentals and wallet";

const LISTING: [Parameter; 3] = [
    Parameter {
        name: "state",
        form: Form::OneOf(&["all", "running", "ended"]),
        about: "`all` (the default), `running` or `ended`.",
        example: "running",
    },
    PAGING[0],
    PAGING[1],
];

/// `GET /api/rentals`
pub(crate) const LIST_RENTALS: Operation = Operation {
    id: "listRentals",
    group: GROUP,
    path: "/api/rentals",
    summary: "Lists your rentals, newest first.",
    access: Access::Account(Scope::Read),
    query: &LISTING,
    about_answer: "A page of rentals.",
    answer: Some(schema_of::<PageOf<RentalView>>),
    ..Operation::READ
};

/// `GET /api/rentals/{rental}`
pub(crate) const SHOW_RENTAL: Operation = Operation {
    id: "showRental",
    group: GROUP,
    path: "/api/rentals/{rental}",
    summary: "Shows one of your rentals.",
    access: Access::Account(Scope::Read),
    about_answer: "The rental.",
    answer: Some(schema_of::<RentalView>),
    ..Operation::READ
};

/// `PATCH /api/rentals/{rental}`
pub(crate) const CHANGE_RENTAL: Operation = Operation {
    id: "changeRental",
    group: GROUP,
    method: Method::PATCH,
    path: "/api/rentals/{rental}",
    summary: "Sets a rental's name, labels and auto-renew settings.",
    access: Access::Account(Scope::Rent),
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<ChangeRentalBody>),
    about_answer: "The updated rental.",
    answer: Some(schema_of::<RentalView>),
    problems: &[Kind::NotFound, Kind::OverSpendingLimit],
    ..Operation::READ
};

/// `POST /api/rentals/{rental}/extend`
pub(crate) const EXTEND_RENTAL: Operation = Operation {
    id: "extendRental",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/extend",
    summary: "Extends a rental by a term, at its guaranteed price while that is valid.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<ExtendBody>),
    status: 201,
    about_answer: "The extended rental. A retry with the same key returns the same response.",
    answer: Some(schema_of::<RentalView>),
    problems: &[
        Kind::NotFound,
        Kind::RentalEnded,
        Kind::TooFarAhead,
        Kind::PriceRaised,
        Kind::NotOffered,
        Kind::TermBeyondLeaveDate,
        Kind::InsufficientFunds,
        Kind::OverSpendingLimit,
    ],
    ..Operation::READ
};

/// `POST /api/rentals/{rental}/cancel`
pub(crate) const CANCEL_RENTAL: Operation = Operation {
    id: "cancelRental",
    group: GROUP,
    method: Method::POST,
    path: "/api/rentals/{rental}/cancel",
    summary: "Ends a rental now and refunds the unused time.",
    access: Access::Account(Scope::Rent),
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<CancelBody>),
    is_body_optional: true,
    about_answer: "The ended rental and the refund. Its data is deleted.",
    answer: Some(schema_of::<CancelAnswer>),
    problems: &[Kind::NotFound, Kind::RentalEnded, Kind::RefundChanged],
    ..Operation::READ
};

/// A rental.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RentalView {
    /// Its id.
    pub id: String,
    /// The slice; null for a whole node.
    pub slice_id: Option<String>,
    /// The node that it is on.
    pub node_id: String,
    /// Whether it is the whole node.
    pub whole_node: bool,
    /// How many slices are paid for.
    pub slices: u32,
    /// Your own name for it; empty if there is none.
    pub name: String,
    /// Your own labels.
    pub labels: Vec<String>,
    /// The farmer's name for the node.
    pub node_name: String,
    /// The node's country.
    pub country: String,
    /// The node's city.
    pub city: String,
    /// `active`; `grace` for 48 hours after the end, in which you alone can extend it; or `ended`.
    pub status: &'static str,
    /// Calendar months, of all terms.
    pub duration_months: u32,
    /// The start (RFC 3339).
    pub started_at: String,
    /// The end of what is paid for (RFC 3339).
    pub ends_at: String,
    /// When it ended (RFC 3339); null while it has not.
    pub ended_at: Option<String>,
    /// Until when the data is kept after the end (RFC 3339); null once it has ended.
    pub grace_until: Option<String>,
    /// The price per month before the discount, of all its slices, as decimal text.
    pub monthly_cost: String,
    /// Extensions that begin before this cost the same (RFC 3339).
    pub price_guaranteed_until: String,
    /// What was taken off the last term, in percent.
    pub discount_percent: u8,
    /// What was charged for all terms, as decimal text.
    pub total_cost: String,
    /// What was refunded, as decimal text.
    pub refunded: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// Its terms, in order.
    pub terms: Vec<TermView>,
    /// How it is extended by itself; null where it is not.
    pub auto_renew: Option<RenewalView>,
    /// Whether a machine that was shut down inside is started again.
    pub auto_start: bool,
    /// The guaranteed uptime as sold, in percent.
    pub min_uptime: f64,
    /// The guaranteed bandwidth as sold, in Mbit/s.
    pub min_bandwidth_mbps: u32,
    /// The uptime measured by us, in percent; null before the first observation.
    pub measured_uptime: Option<f64>,
    /// When its node leaves the market (RFC 3339): no extension goes beyond that. Null where the
    /// node stays.
    pub node_leaves_at: Option<String>,
    /// Since when it is down through its farm's side (RFC 3339); null where it is not. Once that is
    /// 24 hours ago, the time is refunded day by day, and the rental can be moved.
    pub down_since: Option<String>,
    /// How its machine is; of several, the worst. Null until one is set up.
    pub machine: Option<MachineStatusView>,
}

impl RentalView {
    /// Shows a rental.
    pub(crate) fn new(rental: &Rental, now: Timestamp) -> RentalView {
        let life = &rental.life;
        let sum = |part: fn(&Period) -> Usd| {
            life.periods.iter().map(part).fold(Usd::ZERO, |sum, part| sum + part).to_string()
        };
        let is_over = life.state == RentalState::Ended;
        RentalView {
            id: life.id.to_string(),
            slice_id: rental.slice().map(|slice| slice.to_string()),
            node_id: life.node.to_string(),
            whole_node: life.slice.is_none(),
            slices: life.slices,
            name: rental.name.clone(),
            labels: rental.labels.clone(),
            node_name: rental.node_name.clone(),
            country: rental.country.clone(),
            city: rental.city.clone(),
            status: life.state.into_str(),
            duration_months: life.months(),
            started_at: life.started_at.to_string(),
            ends_at: life.ends_at.to_string(),
            ended_at: life.ended_at.map(|at| at.to_string()),
            grace_until: (!is_over).then(|| life.grace_until().to_string()),
            monthly_cost: life.price.times(life.slices).to_string(),
            price_guaranteed_until: life.price_until.to_string(),
            discount_percent: life.periods.last().map_or(0, discount_percent),
            total_cost: sum(|period| period.total),
            refunded: sum(|period| period.refunded),
            currency: CURRENCY,
            terms: life.periods.iter().map(TermView::new).collect(),
            auto_renew: rental.renewal.as_ref().map(RenewalView::new),
            auto_start: rental.auto_start,
            min_uptime: rental.min_uptime.percent(),
            min_bandwidth_mbps: rental.min_bandwidth.mbps(),
            measured_uptime: rental.measured_uptime().map(Uptime::percent),
            node_leaves_at: rental.market.leaves_at.map(|at| at.to_string()),
            down_since: life.outages.current(now).filter(|_| !is_over).map(|at| at.to_string()),
            machine: rental.machine(now).map(MachineStatusView::new),
        }
    }
}

/// What was taken off a period's price, in percent.
fn discount_percent(period: &Period) -> u8 {
    Term::from_months(period.months.into()).map_or(0, Term::discount_percent)
}

/// A term of a rental.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TermView {
    /// Its number, from 1.
    pub number: u32,
    /// Calendar months.
    pub duration_months: u32,
    /// The start (RFC 3339).
    pub starts_at: String,
    /// The end (RFC 3339).
    pub ends_at: String,
    /// Per slice, before the discount, as decimal text.
    pub price_per_month: String,
    /// What was taken off, in percent.
    pub discount_percent: u8,
    /// What was charged, as decimal text.
    pub total_cost: String,
    /// What of it was earned by farmer and platform, as decimal text.
    pub earned: String,
    /// What of it was refunded, as decimal text.
    pub refunded: String,
}

impl TermView {
    pub(crate) fn new(period: &Period) -> TermView {
        TermView {
            number: period.number,
            duration_months: period.months,
            starts_at: period.starts_at.to_string(),
            ends_at: period.ends_at.to_string(),
            price_per_month: period.price.to_string(),
            discount_percent: discount_percent(period),
            total_cost: period.total.to_string(),
            earned: period.earned.to_string(),
            refunded: period.refunded.to_string(),
        }
    }
}

/// How a rental is extended by itself.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RenewalView {
    /// By 1, 3, 6 or 12 calendar months.
    pub duration_months: u32,
    /// At most at this price per slice and month, as decimal text.
    pub max_price: String,
}

impl RenewalView {
    pub(crate) fn new(renewal: &Renewal) -> RenewalView {
        RenewalView {
            duration_months: renewal.term.months(),
            max_price: renewal.max_price.to_string(),
        }
    }
}

/// How to get into a slice, as far as it is known of the rental alone.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccessInfo {
    /// `pending` while the rental runs; `closed` after its end.
    pub state: &'static str,
    /// In words.
    pub detail: &'static str,
}

impl AccessInfo {
    /// The access to a rental's slice.
    pub(crate) fn new(state: RentalState) -> AccessInfo {
        match state {
            RentalState::Active => AccessInfo {
                state: "pending",
                detail: "The slice is yours. If its farm has an agent, the machine is set up \
                         within minutes; see the rental's access for progress.",
            },
            RentalState::Grace => AccessInfo {
                state: "closed",
                detail: "The term has ended. Your data is kept for 48 hours; extend the rental to \
                         get access again.",
            },
            RentalState::Ended => {
                AccessInfo { state: "closed", detail: "Access ended with the rental." }
            }
        }
    }
}

/// What a request to extend a rental says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExtendBody {
    /// 1, 3, 6 or 12 calendar months.
    #[schemars(extend("enum" = [1, 3, 6, 12]))]
    #[serde(deserialize_with = "web::json::whole")]
    pub duration_months: i64,
    /// The highest price per slice and month, in dollars, once the agreed price holds no longer;
    /// left out for the agreed one.
    #[serde(default)]
    #[schemars(schema_with = "web::json::optional_dollars")]
    pub max_price: Option<Decimal>,
    /// Whether to tell what would be booked, and change nothing.
    #[serde(default)]
    pub dry_run: bool,
}

impl ExtendBody {
    /// Reads the term and the ceiling, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Term, Option<Usd>), Vec<FieldError>> {
        let mut wrong = Vec::new();
        let term = keep(&mut wrong, Term::from_months(self.duration_months));
        let max = self.max_price.as_ref().map(|max| Usd::parse("max_price", &max.text()));
        let max = max.and_then(|read| keep(&mut wrong, read));
        match term {
            Some(term) if wrong.is_empty() => Ok((term, max)),
            _ => Err(wrong),
        }
    }
}

/// What a request to end a rental says.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CancelBody {
    /// What must go back to the wallet, in dollars, as a dry run says; left out to take what it
    /// is.
    #[schemars(schema_with = "optional_refund")]
    pub refund: Option<Decimal>,
    /// Whether to tell what would be booked, and change nothing.
    pub dry_run: bool,
}

impl CancelBody {
    /// Reads the refund that was confirmed, which may be nothing.
    pub(crate) fn read(&self) -> Result<Option<Usd>, FieldError> {
        let Some(refund) = &self.refund else { return Ok(None) };
        let text = refund.text();
        let is_nothing = text.trim().bytes().all(|byte| matches!(byte, b'0' | b'.'));
        if is_nothing && !text.trim().is_empty() {
            return Ok(Some(Usd::ZERO));
        }
        Usd::parse("refund", &text).map(Some)
    }
}

fn optional_refund(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "description": "Dollars and cents, as text (exact) or as a number. Can be 0.",
        "type": "string",
        "pattern": "^(0|[1-9][0-9]{0,5})(\\.[0-9]{2})?$",
        "nullable": true,
    })
}

/// What ending a rental answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CancelAnswer {
    /// Always true.
    pub success: bool,
    /// In words.
    pub message: String,
    /// What went back to the wallet, as decimal text.
    pub refund: String,
    /// What the farmer pays you beside that, because the node leaves the market and you lose a term
    /// discount, as decimal text.
    pub compensation: String,
    /// Whether the farmer's earnings don't cover the compensation yet. It is paid once they do.
    pub is_compensation_owed: bool,
    /// Of every amount here.
    pub currency: &'static str,
    /// The rental, ended.
    pub rental: RentalView,
}

impl CancelAnswer {
    /// Shows a rental that was ended, with what its farmer pays for that, and whether it is owed.
    pub(crate) fn new(
        rental: &Rental,
        refund: Usd,
        compensation: Option<(Usd, bool)>,
        now: Timestamp,
    ) -> CancelAnswer {
        let (compensation, is_owed) = compensation.unwrap_or((Usd::ZERO, false));
        CancelAnswer {
            success: true,
            message: format!(
                "{} has ended; {} was refunded to your wallet.{}",
                rental.life.place(),
                refund.for_people(),
                compensated(compensation, if is_owed { "owes" } else { "paid" })
            ),
            refund: refund.to_string(),
            compensation: compensation.to_string(),
            is_compensation_owed: is_owed,
            currency: CURRENCY,
            rental: RentalView::new(rental, now),
        }
    }
}

/// A sentence about what the farmer pays a renter for a lost discount; empty for nothing.
pub(crate) fn compensated(amount: Usd, verb: &str) -> String {
    if amount == Usd::ZERO {
        return String::new();
    }
    format!(" The farmer {verb} you {} for the term discount that you lose.", amount.for_people())
}

/// What is the renter's own; what is left out stays.
#[derive(Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct ChangeRentalBody {
    /// A name of up to 80 visible characters on one line; empty for none.
    #[schemars(regex(pattern = OWN_NAME))]
    pub name: Option<String>,
    /// Up to 10 labels of up to 40 characters each.
    #[schemars(length(max = 10))]
    pub labels: Option<Vec<String>>,
    /// How it is extended by itself. What a token with a spending limit sets counts against it.
    pub auto_renew: Option<AutoRenewBody>,
    /// Whether a machine that was shut down inside is started again.
    pub auto_start: Option<bool>,
    /// Whether to tell what would be booked, which is nothing, and change nothing.
    pub dry_run: bool,
}

impl ChangeRentalBody {
    /// What is the renter's own after this change, or every field that is wrong.
    /// `token` is the one that asks, if one does.
    pub(crate) fn apply(
        &self,
        rental: &Rental,
        token: Option<TokenId>,
    ) -> Result<RentalSettings, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let name = self.name.as_deref().map(own_name);
        let labels = self.labels.as_deref().map(own_labels);
        let renewal = match &self.auto_renew {
            None => rental.renewal,
            Some(body) => keep(&mut wrong, body.read(rental)).flatten(),
        };
        let renewal_by = match (&self.auto_renew, token) {
            (None, _) => RenewalSetter::Nobody,
            (Some(_), None) => RenewalSetter::Renter,
            (Some(_), Some(token)) => RenewalSetter::Token(token),
        };
        let own = RentalSettings {
            name: name
                .map_or(Some(rental.name.clone()), |read| keep(&mut wrong, read))
                .unwrap_or_default(),
            labels: labels
                .map_or(Some(rental.labels.clone()), |read| keep(&mut wrong, read))
                .unwrap_or_default(),
            renewal,
            renewal_by,
            auto_start: self.auto_start.unwrap_or(rental.auto_start),
        };
        if wrong.is_empty() { Ok(own) } else { Err(wrong) }
    }
}

/// How a rental is extended by itself.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AutoRenewBody {
    /// By 1, 3, 6 or 12 calendar months; 0 for not at all.
    #[schemars(extend("enum" = [0, 1, 3, 6, 12]))]
    #[serde(deserialize_with = "web::json::whole")]
    pub duration_months: i64,
    /// At most at this price per slice and month, in dollars; left out for the agreed price.
    #[serde(default)]
    #[schemars(schema_with = "web::json::optional_dollars")]
    pub max_price: Option<Decimal>,
}

impl AutoRenewBody {
    fn read(&self, rental: &Rental) -> Result<Option<Renewal>, FieldError> {
        // Wrong is wrong, also where it is turned off.
        let max = self.max_price.as_ref().map(|max| Usd::parse("max_price", &max.text()));
        let max_price = max.transpose()?.unwrap_or(rental.life.price);
        if self.duration_months == 0 {
            return Ok(None);
        }
        let term = Term::from_months(self.duration_months)?;
        Ok(Some(Renewal { term, max_price }))
    }
}

/// At most 80 characters on one line.
const OWN_NAME: &str = r"^[^\x00-\x1f\x7f-\x9f]{0,80}$";

/// The longest name of a rental.
pub(crate) const OWN_NAME_CHARS_MAX: usize = 80;

/// The most labels of a rental.
pub(crate) const LABELS_MAX: usize = 10;

/// The longest label.
pub(crate) const LABEL_CHARS_MAX: usize = 40;

fn own_name(text: &str) -> Result<String, FieldError> {
    parse_line("name", text, 0..=OWN_NAME_CHARS_MAX)
}

fn own_labels(texts: &[String]) -> Result<Vec<String>, FieldError> {
    let wrong =
        || FieldError::new("labels", "at most 10 labels of at most 40 visible characters each");
    if texts.len() > LABELS_MAX {
        return Err(wrong());
    }
    let mut labels: Vec<String> = Vec::new();
    for text in texts.iter().map(|text| text.trim()).filter(|text| !text.is_empty()) {
        let label = parse_line("labels", text, 1..=LABEL_CHARS_MAX).map_err(|_| wrong())?;
        if !labels.contains(&label) {
            labels.push(label);
        }
    }
    Ok(labels)
}
