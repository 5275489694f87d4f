//! Quotes and renting: a slice, several, or a whole node.

use domain::account::Scope;
use http::Method;
use machines::ports::PortBody;
use schemars::JsonSchema;
use serde::Deserialize;
use web::Kind;
use web::json::Decimal;
use web::operation::{Access, Operation, schema_of};

use crate::renting::input::OrderInput;
use crate::renting::view::{DryRunView, QuoteView, RentAnswer};

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

const QUOTING: &[Kind] = choice!(TooManyHolds, InsufficientFunds, OverSpendingLimit, OverLimit);

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
    /// The country's English name or code (ISO 3166-1), without regard to case and accents.
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
    /// Whether only farms count whose farmer has shown that they own it.
    pub verified_farm: Option<bool>,
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
            pub(super) fn wanted(&self) -> OrderInput<'_> {
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
