//! Quotes and renting: a slice, several, or a whole node.

use domain::account::Scope;
use domain::booking::{Booking, Entry};
use domain::field::FieldError;
use domain::id::{NodeId, QuoteId, SliceId, SshKeyId};
use domain::money::Usd;
use domain::order::{Filter, Item, RentRequest, SLICES_PER_ORDER_MAX, Spread, Wanted};
use domain::port::{Port, check_ports};
use domain::template::{Template, parse_user_data};
use domain::term::Term;
use domain::time::Timestamp;
use domain::uptime::{Bandwidth, Uptime};
use http::Method;
use machines::ports::{PortBody, read_ports};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::offers::Offer;
use store::quotes::Quote;
use store::renting::Ordered;
use web::api::CURRENCY;
use web::form::keep;
use web::json::Decimal;
use web::operation::{Access, Operation, schema_of};
use web::{Kind, Problem};

use crate::rentals::json::{AccessInfo, RentalView};

const GROUP: &str = "Renting";

/// What a request for slices can be refused for.
macro_rules! choice {
    ($($more:ident),*) => {
        &[
            Kind::NotFound,
            Kind::OwnSlice,
            Kind::SliceTaken,
            Kind::SoldOut,
            Kind::NodeDown,
            Kind::NotOffered,
            Kind::OfferChanged,
            Kind::AboveMaxPrice,
            Kind::TermNotOffered,
            $(Kind::$more,)*
        ]
    };
}

const QUOTING: &[Kind] = choice!(TooManyHolds);

const RENTING: &[Kind] =
    choice!(InsufficientFunds, OverSpendingLimit, OverLimit, QuoteUsed, QuoteExpired);

/// `POST /api/marketplace/quotes`
pub(crate) const MAKE_QUOTE: Operation = Operation {
    id: "makeQuote",
    group: GROUP,
    method: Method::POST,
    path: "/api/marketplace/quotes",
    summary: "Returns the price of slices and, with `hold`, reserves them for five minutes.",
    access: Access::Account(Scope::Rent),
    body: Some(schema_of::<QuoteBody>),
    status: 201,
    about_answer: "The quote. It works once, within five minutes. Holding slices is free.",
    answer: Some(schema_of::<QuoteView>),
    problems: QUOTING,
    ..Operation::READ
};

/// `GET /api/marketplace/quotes/{quote}`
pub(crate) const SHOW_QUOTE: Operation = Operation {
    id: "showQuote",
    group: GROUP,
    path: "/api/marketplace/quotes/{quote}",
    summary: "Shows one of your quotes.",
    access: Access::Account(Scope::Read),
    about_answer: "The quote.",
    answer: Some(schema_of::<QuoteView>),
    ..Operation::READ
};

/// `DELETE /api/marketplace/quotes/{quote}`
pub(crate) const RELEASE_QUOTE: Operation = Operation {
    id: "releaseQuote",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/marketplace/quotes/{quote}",
    summary: "Releases a quote and the slices it holds.",
    access: Access::Account(Scope::Rent),
    status: 204,
    about_answer: "The quote was released.",
    ..Operation::READ
};

/// `POST /api/marketplace/rent-slice`
pub(crate) const RENT_SLICE: Operation = Operation {
    id: "rentSlice",
    group: GROUP,
    method: Method::POST,
    path: "/api/marketplace/rent-slice",
    summary: "Rents slices, all or none, and charges the wallet for the full term.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<RentBody>),
    status: 201,
    about_answer: "The rentals. A retry with the same key returns the same response.",
    answer: Some(schema_of::<RentAnswer>),
    problems: RENTING,
    ..Operation::READ
};

/// `POST /api/marketplace/rent-node`
pub(crate) const RENT_NODE: Operation = Operation {
    id: "rentNode",
    group: GROUP,
    method: Method::POST,
    path: "/api/marketplace/rent-node",
    summary: "Rents all slices of a node as one rental.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    dry_run: Some(schema_of::<DryRunView>),
    body: Some(schema_of::<RentNodeBody>),
    status: 201,
    about_answer: "The rental. A retry with the same key returns the same response.",
    answer: Some(schema_of::<RentAnswer>),
    problems: RENTING,
    ..Operation::READ
};

/// Where slices are looked for; what is left out does not matter.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct WhereBody {
    /// The country's English name, in any case.
    #[schemars(length(max = 80))]
    pub country: Option<String>,
    /// The lowest guaranteed uptime in percent.
    #[schemars(schema_with = "web::json::optional_percent")]
    pub min_uptime: Option<Decimal>,
    /// The lowest guaranteed bandwidth in Mbit/s.
    #[schemars(schema_with = "web::json::optional_mbps")]
    pub min_bandwidth: Option<Decimal>,
    /// Whether only certified hardware counts.
    pub certified: Option<bool>,
    /// Whether only slices count that the farm's agent sets up automatically.
    pub automatic_setup: Option<bool>,
}

/// Declares a body that says which slices are wanted, with fields of its own besides. (Serde cannot
/// refuse unknown fields of a struct that is made of others.)
macro_rules! wanted_body {
    ($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$about])*
        #[derive(Clone, Default, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name {
            /// The node, such as `node32`; left out for the whole market.
            #[schemars(regex(pattern = r"^((node)?[1-9][0-9]{0,8})?$"))]
            pub node_id: Option<String>,
            /// The slice, such as `node32_slice_1`; left out for any free one.
            #[schemars(regex(pattern = r"^(node[1-9][0-9]{0,8}_slice_[1-9][0-9]{0,2})?$"))]
            pub slice_id: Option<String>,
            /// How many slices, all or none; 1 if not given.
            #[schemars(range(min = 1, max = 50))]
            #[serde(deserialize_with = "web::json::optional_whole")]
            pub count: Option<i64>,
            /// How several slices lie to each other, where no node is named.
            #[schemars(extend("enum" = ["any", "same-node", "different-nodes", "different-farms",
                                        "different-countries", null]))]
            pub spread: Option<String>,
            /// Where to look, where no node is named.
            pub r#where: Option<WhereBody>,
            /// 1, 3, 6 or 12 calendar months; needed unless there is a quote.
            #[schemars(extend("enum" = [1, 3, 6, 12, null]))]
            #[serde(deserialize_with = "web::json::optional_whole")]
            pub duration_months: Option<i64>,
            /// The `offer_version` that you saw: if price or SLA have changed since, nothing is
            /// rented.
            #[serde(deserialize_with = "web::json::optional_whole")]
            pub offer_version: Option<i64>,
            /// The highest price per slice and month that you pay, in dollars.
            #[schemars(schema_with = "web::json::optional_dollars")]
            pub max_price: Option<Decimal>,
            $($(#[$field_about])* pub $field: $type,)*
        }

        impl $name {
            fn wanted(&self) -> OrderInput<'_> {
                OrderInput {
                    node_id: self.node_id.as_deref().filter(|text| !text.is_empty()),
                    slice_id: self.slice_id.as_deref().filter(|text| !text.is_empty()),
                    count: self.count,
                    spread: self.spread.as_deref(),
                    r#where: self.r#where.as_ref(),
                    duration_months: self.duration_months,
                    offer_version: self.offer_version,
                    max_price: self.max_price.as_ref(),
                }
            }
        }
    };
}

wanted_body! {
    /// What a request for a quote says.
    QuoteBody {
        /// Whether the whole node is wanted.
        whole_node: bool,
        /// Whether the slices are held for five minutes.
        hold: bool,
    }
}

wanted_body! {
    /// What a request to rent says.
    RentBody {
        /// A quote of yours, which says everything else: it is used, and costs what it says.
        #[schemars(regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
        quote_id: Option<String>,
        /// One of your SSH keys, which gets in; your oldest one where it is left out.
        #[schemars(regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
        ssh_key_id: Option<String>,
        /// What the machine starts with, where the farm has an agent: a document of ours.
        #[schemars(extend("enum" = ["plain", "docker", "k3s", "postgresql", "web", null]))]
        template: Option<String>,
        /// The same: a document of your own for cloud-init, at most 16 KiB.
        #[schemars(length(max = 16384))]
        user_data: Option<String>,
        /// Which ports of the machine are to be reachable beside that of SSH, at most 10 with those
        /// of the template: `web` has 80.
        #[schemars(length(max = 10))]
        ports: Vec<PortBody>,
        /// Whether to tell what would be booked, and change nothing.
        dry_run: bool,
    }
}

/// What a request to rent a whole node says.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct RentNodeBody {
    /// The node, such as `node32`; needed unless there is a quote.
    #[schemars(regex(pattern = r"^((node)?[1-9][0-9]{0,8})?$"))]
    pub node_id: Option<String>,
    /// 1, 3, 6 or 12 calendar months; needed unless there is a quote.
    #[schemars(extend("enum" = [1, 3, 6, 12, null]))]
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub duration_months: Option<i64>,
    /// The `offer_version` that you saw: if price or SLA have changed since, nothing is rented.
    #[serde(deserialize_with = "web::json::optional_whole")]
    pub offer_version: Option<i64>,
    /// The highest price per slice and month that you pay, in dollars.
    #[schemars(schema_with = "web::json::optional_dollars")]
    pub max_price: Option<Decimal>,
    /// A quote of yours, which says everything else: it is used, and costs what it says.
    #[schemars(regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub quote_id: Option<String>,
    /// One of your SSH keys, which gets in; your oldest one where it is left out.
    #[schemars(regex(pattern = r"^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"))]
    pub ssh_key_id: Option<String>,
    /// What the machines start with, where the farm has an agent: a document of ours.
    #[schemars(extend("enum" = ["plain", "docker", "k3s", "postgresql", "web", null]))]
    pub template: Option<String>,
    /// The same: a document of your own for cloud-init, at most 16 KiB.
    #[schemars(length(max = 16384))]
    pub user_data: Option<String>,
    /// Which ports of each machine are to be reachable beside that of SSH, at most 10 with those of
    /// the template: `web` has 80.
    #[schemars(length(max = 10))]
    pub ports: Vec<PortBody>,
    /// Whether to tell what would be booked, and change nothing.
    pub dry_run: bool,
}

impl RentNodeBody {
    /// Reads what is asked for, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Basis, Start), Vec<FieldError>> {
        let wanted = OrderInput {
            node_id: self.node_id.as_deref(),
            duration_months: self.duration_months,
            offer_version: self.offer_version,
            max_price: self.max_price.as_ref(),
            ..OrderInput::default()
        };
        let basis = match &self.quote_id {
            Some(quote) => wanted.read_quote(quote),
            None => wanted.read_whole().map(Basis::Request),
        };
        let RentNodeBody { ssh_key_id, template, user_data, ports, .. } = self;
        let start = Start::read(ssh_key_id.as_deref(), template.as_deref(), user_data.as_deref());
        both(basis, start.and_then(|start| start.with_ports(read_ports("ports", ports))))
    }
}

/// What machines are to start with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Start {
    /// Which of the renter's keys gets in; `None` for the oldest one.
    pub ssh_key: Option<SshKeyId>,
    /// A document of ours.
    pub template: Option<Template>,
    /// One of the renter's own.
    pub user_data: Option<String>,
    /// What is to be reachable beside SSH and the template's ports.
    pub ports: Vec<Port>,
}

impl Start {
    /// Reads what machines are to start with; an empty text is none.
    pub(crate) fn read(
        ssh_key_id: Option<&str>,
        template: Option<&str>,
        user_data: Option<&str>,
    ) -> Result<Start, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let key = |text: &str| {
            let rule = || FieldError::new("ssh_key_id", "the id of one of your SSH keys");
            SshKeyId::parse(text).ok_or_else(rule)
        };
        let given = |text: Option<&str>| text.filter(|text| !text.is_empty()).map(str::to_owned);
        let ssh_key = given(ssh_key_id).and_then(|text| keep(&mut wrong, key(&text)));
        let template =
            given(template).and_then(|text| keep(&mut wrong, Template::parse("template", &text)));
        let user_data =
            given(user_data).and_then(|text| keep(&mut wrong, parse_user_data("user_data", &text)));
        if template.is_some() && user_data.is_some() {
            wrong.push(FieldError::new("user_data", "no template in the same request"));
        }
        if wrong.is_empty() {
            Ok(Start { ssh_key, template, user_data, ports: Vec::new() })
        } else {
            Err(wrong)
        }
    }

    /// The same with ports that are to be reachable.
    pub(crate) fn with_ports(
        self,
        ports: Result<Vec<Port>, FieldError>,
    ) -> Result<Start, Vec<FieldError>> {
        let start = Start { ports: ports.map_err(|error| vec![error])?, ..self };
        // The template's count as well.
        check_ports("ports", &start.all_ports()).map_err(|error| vec![error])?;
        Ok(start)
    }

    /// What is to be reachable beside SSH, in order.
    pub(crate) fn all_ports(&self) -> Vec<Port> {
        let template = self.template.map_or(&[][..], |template| template.ports);
        let mut all = [template, &self.ports].concat();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// Both, or what is wrong with either.
fn both<A, B>(
    first: Result<A, Vec<FieldError>>,
    second: Result<B, Vec<FieldError>>,
) -> Result<(A, B), Vec<FieldError>> {
    match (first, second) {
        (Ok(first), Ok(second)) => Ok((first, second)),
        (first, second) => {
            let wrong = [first.err(), second.err()];
            Err(wrong.into_iter().flatten().flatten().collect())
        }
    }
}

/// What a request to rent is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    /// What it says.
    Request(RentRequest),
    /// A quote.
    Quote(QuoteId),
}

impl QuoteBody {
    /// Reads what is asked for, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<RentRequest, Vec<FieldError>> {
        let wanted = self.wanted();
        if !self.whole_node {
            return wanted.read();
        }
        if wanted.slice_id.is_some() || wanted.count.is_some() || wanted.spread.is_some() {
            let rule = "no slice_id, count or spread in the same request";
            return Err(vec![FieldError::new("whole_node", rule)]);
        }
        wanted.read_whole()
    }
}

impl RentBody {
    /// Reads what is asked for, or every field that is wrong.
    pub(crate) fn read(&self) -> Result<(Basis, Start), Vec<FieldError>> {
        let basis = match &self.quote_id {
            Some(quote) => self.wanted().read_quote(quote),
            None => self.wanted().read().map(Basis::Request),
        };
        let RentBody { ssh_key_id, template, user_data, ports, .. } = self;
        let start = Start::read(ssh_key_id.as_deref(), template.as_deref(), user_data.as_deref());
        both(basis, start.and_then(|start| start.with_ports(read_ports("ports", ports))))
    }
}

/// Slices that are wanted, as a body says it: one by its id, or some of a node, or of the market.
#[derive(Clone, Copy, Default)]
struct OrderInput<'a> {
    node_id: Option<&'a str>,
    slice_id: Option<&'a str>,
    count: Option<i64>,
    spread: Option<&'a str>,
    r#where: Option<&'a WhereBody>,
    duration_months: Option<i64>,
    offer_version: Option<i64>,
    max_price: Option<&'a Decimal>,
}

impl OrderInput<'_> {
    fn read(self) -> Result<RentRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let wanted = self.slices(&mut wrong);
        self.finish(wanted, wrong)
    }

    fn read_whole(self) -> Result<RentRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let node = keep(&mut wrong, node_of(self.node_id.unwrap_or_default()));
        self.finish(node.map(Wanted::WholeNode), wrong)
    }

    fn finish(
        self,
        wanted: Option<Wanted>,
        mut wrong: Vec<FieldError>,
    ) -> Result<RentRequest, Vec<FieldError>> {
        // No term has zero months, so that a missing one is refused as a term.
        let term = keep(&mut wrong, Term::from_months(self.duration_months.unwrap_or(0)));
        let max_price = self.max_price(&mut wrong);
        match (wanted, term) {
            (Some(wanted), Some(term)) if wrong.is_empty() => {
                Ok(RentRequest { wanted, term, offer_version: self.offer_version, max_price })
            }
            _ => Err(wrong),
        }
    }

    fn max_price(self, wrong: &mut Vec<FieldError>) -> Option<Usd> {
        keep(wrong, Usd::parse("max_price", &self.max_price?.text()))
    }

    fn slices(self, wrong: &mut Vec<FieldError>) -> Option<Wanted> {
        let count = keep(wrong, count(self.count.unwrap_or(1)));
        let node = self.node_id.map(|text| keep(wrong, node_of(text)));
        let spread = match self.spread {
            None => Some(Spread::Any),
            Some(text) => keep(wrong, spread_of(text)),
        };
        if let Some(id) = self.slice_id {
            let slice = keep(wrong, slice_of(node.flatten(), id));
            if count != Some(1) {
                wrong.push(FieldError::new("count", "1 if slice_id is given"));
            }
            return slice.map(Wanted::Slice);
        }
        if let Some(node) = node {
            if self.r#where.is_some() || self.spread.is_some() {
                wrong.push(FieldError::new("node_id", "no where or spread in the same request"));
            }
            return Some(Wanted::OfNode(node?, count?));
        }
        let filter = self.filter(wrong);
        Some(Wanted::OnMarket { filter, count: count?, spread: spread? })
    }

    fn filter(self, wrong: &mut Vec<FieldError>) -> Filter {
        let r#where = self.r#where.cloned().unwrap_or_default();
        let country = r#where.country.map(|text| text.trim().to_owned());
        if country.as_ref().is_some_and(|text| text.chars().count() > COUNTRY_CHARS_MAX) {
            wrong.push(FieldError::new("country", "at most 80 characters"));
        }
        let uptime = r#where.min_uptime.map(|text| Uptime::parse("min_uptime", &text.text()));
        let bandwidth =
            r#where.min_bandwidth.map(|text| Bandwidth::parse("min_bandwidth", &text.text()));
        Filter {
            country: country.filter(|text| !text.is_empty()),
            // What is wrong with it is said once, where the request is finished.
            max_price: self.max_price(&mut Vec::new()),
            min_uptime: uptime.and_then(|read| keep(wrong, read)),
            min_bandwidth: bandwidth.and_then(|read| keep(wrong, read)),
            certified_only: r#where.certified.unwrap_or(false),
            automatic_setup: r#where.automatic_setup.unwrap_or(false),
        }
    }

    fn read_quote(self, quote: &str) -> Result<Basis, Vec<FieldError>> {
        let is_alone = self.node_id.is_none()
            && self.slice_id.is_none()
            && self.count.is_none()
            && self.spread.is_none()
            && self.r#where.is_none()
            && self.duration_months.is_none()
            && self.offer_version.is_none()
            && self.max_price.is_none();
        if !is_alone {
            let rule = "no other fields except dry_run";
            return Err(vec![FieldError::new("quote_id", rule)]);
        }
        let rule = || vec![FieldError::new("quote_id", "the id of a quote")];
        QuoteId::parse(quote).map(Basis::Quote).ok_or_else(rule)
    }
}

/// The longest name of a country.
const COUNTRY_CHARS_MAX: usize = 80;

fn count(number: i64) -> Result<u32, FieldError> {
    let fits = |count: &u32| (1..=SLICES_PER_ORDER_MAX).contains(count);
    let rule = || FieldError::new("count", "a whole number, 1 to 50");
    u32::try_from(number).ok().filter(fits).ok_or_else(rule)
}

fn node_of(text: &str) -> Result<NodeId, FieldError> {
    NodeId::parse(text).ok_or_else(|| FieldError::new("node_id", "a node's id, such as node32"))
}

fn spread_of(text: &str) -> Result<Spread, FieldError> {
    text.parse().map_err(|_| {
        let rule = "any, same-node, different-nodes, different-farms or different-countries";
        FieldError::new("spread", rule)
    })
}

fn slice_of(node: Option<NodeId>, id: &str) -> Result<SliceId, FieldError> {
    let slice = SliceId::parse(id)
        .ok_or_else(|| FieldError::new("slice_id", "a slice's id, such as node32_slice_1"))?;
    if node.is_some_and(|node| node != slice.node) {
        return Err(FieldError::new("slice_id", "a slice of the node in `node_id`"));
    }
    Ok(slice)
}

/// A rental to be, of a quote or a dry run.
#[derive(Serialize, JsonSchema)]
pub(crate) struct ItemView {
    /// The node.
    pub node_id: String,
    /// The slice; null for any free one, or for the whole node.
    pub slice_id: Option<String>,
    /// Whether it is the whole node.
    pub whole_node: bool,
    /// How many slices it is.
    pub slices: u32,
    /// The version of the offer.
    pub offer_version: i64,
    /// Calendar months.
    pub duration_months: u32,
    /// Per slice, before the discount, as decimal text.
    pub price_per_month: String,
    /// What is taken off, in percent.
    pub discount_percent: u8,
    /// What is taken off, as decimal text.
    pub discount: String,
    /// What it costs, as decimal text.
    pub total_cost: String,
    /// The guaranteed uptime in percent.
    pub min_uptime: f64,
    /// The guaranteed bandwidth in Mbit/s.
    pub min_bandwidth_mbps: u32,
}

impl ItemView {
    pub(crate) fn new(item: &Item) -> ItemView {
        let full = item.price.times(item.slices()).times(item.term.months());
        let slice = |number| SliceId { node: item.node, number }.to_string();
        ItemView {
            node_id: item.node.to_string(),
            slice_id: item.slice.map(slice),
            whole_node: item.whole.is_some(),
            slices: item.slices(),
            offer_version: item.offer_version,
            duration_months: item.term.months(),
            price_per_month: item.price.to_string(),
            discount_percent: item.term.discount_percent(),
            discount: (full - item.total).to_string(),
            total_cost: item.total.to_string(),
            min_uptime: item.min_uptime.percent(),
            min_bandwidth_mbps: item.min_bandwidth.mbps(),
        }
    }
}

/// A quote.
#[derive(Serialize, JsonSchema)]
pub(crate) struct QuoteView {
    /// Its id: send it as `quote_id` to rent.
    pub id: String,
    /// `open`, `used` or `expired`.
    pub state: &'static str,
    /// What, one for each rental.
    pub items: Vec<ItemView>,
    /// What all of it costs, as decimal text.
    pub total_cost: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// Whether its slices are held for you.
    pub is_held: bool,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// Until when it is good, and holds what it holds (RFC 3339).
    pub expires_at: String,
    /// What was signed, word for word.
    pub document: String,
    /// The number of the operator's key and HMAC-SHA256 over the document, in base64; null where
    /// the operator has set no key.
    pub signature: Option<String>,
}

impl QuoteView {
    /// Shows a quote as it stands at `now`.
    pub(crate) fn new(quote: &Quote, now: domain::time::Timestamp) -> QuoteView {
        let state = match quote.used_at {
            Some(_) => "used",
            None if now >= quote.expires_at => "expired",
            None => "open",
        };
        QuoteView {
            id: quote.id.to_string(),
            state,
            items: quote.items.iter().map(ItemView::new).collect(),
            total_cost: quote.total().to_string(),
            currency: CURRENCY,
            is_held: state == "open" && quote.held_until.is_some(),
            created_at: quote.created_at.to_string(),
            expires_at: quote.expires_at.to_string(),
            document: quote.document.clone(),
            signature: quote.signature.clone(),
        }
    }
}

/// What a successful request to rent answers.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RentAnswer {
    /// Always true.
    pub success: bool,
    /// In words.
    pub message: String,
    /// How to get into the first slice.
    pub access_info: AccessInfo,
    /// The first rental as it was made.
    pub rental: RentalView,
    /// Every rental as it was made.
    pub rentals: Vec<RentalView>,
    /// What was charged for all of them, as decimal text.
    pub total_cost: String,
    /// Of every amount here.
    pub currency: &'static str,
}

impl RentAnswer {
    /// Shows what is rented by an order, which has one rental at least.
    pub(crate) fn new(ordered: &Ordered, now: Timestamp) -> RentAnswer {
        let first = &ordered.rentals[0];
        let description = match ordered.rentals.len() {
            1 => format!("{} is", first.life.place()),
            count => format!("{count} slices are"),
        };
        let (until, charged) = (first.life.ends_at.date(), ordered.total.for_people());
        RentAnswer {
            success: true,
            message: format!("{description} yours until {until}; {charged} was charged."),
            access_info: AccessInfo::new(first.life.state),
            rental: RentalView::new(first, now),
            rentals: ordered.rentals.iter().map(|it| RentalView::new(it, now)).collect(),
            total_cost: ordered.total.to_string(),
            currency: CURRENCY,
        }
    }
}

/// What a request with `dry_run` answers: nothing has changed.
#[derive(Serialize, JsonSchema)]
pub(crate) struct DryRunView {
    /// Always true.
    pub dry_run: bool,
    /// In words.
    pub message: String,
    /// What would be rented.
    pub items: Vec<ItemView>,
    /// What would be booked, entry by entry.
    pub bookings: Vec<BookingView>,
    /// What your wallet would hold then, as decimal text.
    pub balance_after: String,
    /// Of every amount here.
    pub currency: &'static str,
}

impl DryRunView {
    /// Shows what would be.
    pub(crate) fn new(
        message: &str,
        items: &[Item],
        bookings: &[Booking],
        balance_after: Usd,
    ) -> DryRunView {
        DryRunView {
            dry_run: true,
            message: message.to_owned(),
            items: items.iter().map(ItemView::new).collect(),
            bookings: bookings.iter().map(BookingView::new).collect(),
            balance_after: balance_after.to_string(),
            currency: CURRENCY,
        }
    }
}

/// A booking: its entries sum to zero.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BookingView {
    /// Such as `rental`, `extension`, `earning` or `refund`.
    pub kind: &'static str,
    /// Why, in words.
    pub reason: String,
    /// What moves.
    pub entries: Vec<BookingEntryView>,
}

impl BookingView {
    pub(crate) fn new(booking: &Booking) -> BookingView {
        let entry = |entry: &Entry| BookingEntryView {
            account: entry.account.into_str(),
            amount: entry.amount.to_string(),
        };
        BookingView {
            kind: booking.kind.into_str(),
            reason: booking.reason.clone(),
            entries: booking.entries.iter().map(entry).collect(),
        }
    }
}

/// An amount that comes to a ledger account, or leaves it.
#[derive(Serialize, JsonSchema)]
pub(crate) struct BookingEntryView {
    /// `wallet`, `escrow`, `earnings` or `platform`.
    pub account: &'static str,
    /// As decimal text; negative where it leaves.
    pub amount: String,
}

/// A node that has what another one has not.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AlternativeView {
    /// The node.
    pub node_id: String,
    /// The farmer's name for it.
    pub name: String,
    /// Its country.
    pub country: String,
    /// Its city.
    pub city: String,
    /// Per slice, as decimal text; null for a draft without a price.
    pub price_per_month: Option<String>,
    /// Free slices.
    pub available_slices: u32,
}

impl AlternativeView {
    /// Shows an offer.
    pub(crate) fn new(offer: &Offer) -> AlternativeView {
        AlternativeView {
            node_id: offer.node.to_string(),
            name: offer.name.clone(),
            country: offer.country.clone(),
            city: offer.city.clone(),
            price_per_month: offer.price.map(|price| price.to_string()),
            available_slices: offer.available_slices,
        }
    }
}

/// A quote's id in a path; what is not one does not exist.
pub(crate) fn quote_id(text: &str) -> Result<QuoteId, Problem> {
    QuoteId::parse(text).ok_or_else(Problem::not_found)
}
