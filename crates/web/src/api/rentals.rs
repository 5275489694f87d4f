//! Renting, the renter's rentals, and the wallet.

use domain::field::FieldError;
use domain::id::{NodeId, RentalId, SliceId};
use domain::rental::{RentRequest, RentalState};
use domain::term::Term;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::ledger::WalletEntry;
use store::rentals::Rental;

use crate::api::{CURRENCY, PAGING, PageOf};
use crate::form::keep;
use crate::json;
use crate::operation::{Access, Operation, schema_of};
use crate::problem::{Kind, Problem};
use domain::account::Scope;

const GROUP: &str = "Rentals and wallet";

/// `POST /api/marketplace/rent-slice`
pub const RENT_SLICE: Operation = Operation {
    id: "rentSlice",
    group: GROUP,
    method: Method::POST,
    path: "/api/marketplace/rent-slice",
    summary: "Rents a slice and charges the wallet for the whole term.",
    access: Access::Account(Scope::Rent),
    takes_key: true,
    body: Some(schema_of::<RentBody>),
    status: 201,
    about_answer: "The rental. A retry with the same key gets the same answer.",
    answer: Some(schema_of::<RentAnswer>),
    problems: &[
        Kind::NotFound,
        Kind::InsufficientFunds,
        Kind::OverCeiling,
        Kind::OwnSlice,
        Kind::SliceTaken,
        Kind::SoldOut,
        Kind::NotOffered,
        Kind::OfferChanged,
        Kind::KeyReused,
    ],
    ..Operation::READ
};

/// `GET /api/rentals`
pub const LIST_RENTALS: Operation = Operation {
    id: "listRentals",
    group: GROUP,
    path: "/api/rentals",
    summary: "Lists your rentals, the newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of rentals.",
    answer: Some(schema_of::<PageOf<RentalView>>),
    ..Operation::READ
};

/// `GET /api/rentals/{rental}`
pub const SHOW_RENTAL: Operation = Operation {
    id: "showRental",
    group: GROUP,
    path: "/api/rentals/{rental}",
    summary: "Shows one of your rentals.",
    access: Access::Account(Scope::Read),
    about_answer: "The rental.",
    answer: Some(schema_of::<RentalView>),
    ..Operation::READ
};

/// `GET /api/wallet`
pub const SHOW_WALLET: Operation = Operation {
    id: "showWallet",
    group: GROUP,
    path: "/api/wallet",
    summary: "Shows what your wallet holds.",
    access: Access::Account(Scope::Read),
    about_answer: "The balance.",
    answer: Some(schema_of::<WalletView>),
    ..Operation::READ
};

/// `GET /api/wallet/entries`
pub const LIST_WALLET_ENTRIES: Operation = Operation {
    id: "listWalletEntries",
    group: GROUP,
    path: "/api/wallet/entries",
    summary: "Lists what moved through your wallet, the newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of entries.",
    answer: Some(schema_of::<PageOf<EntryView>>),
    ..Operation::READ
};

/// What a request to rent says.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RentBody {
    /// The node, such as `node32`.
    #[schemars(regex(pattern = r"^(node)?[1-9][0-9]{0,8}$"))]
    pub node_id: String,
    /// The slice, such as `node32_slice_1`; left out for any free one of the node.
    #[schemars(regex(pattern = r"^(node[1-9][0-9]{0,8}_slice_[1-9][0-9]{0,2})?$"))]
    pub slice_id: Option<String>,
    /// 1, 3, 6 or 12 calendar months.
    #[schemars(extend("enum" = [1, 3, 6, 12]))]
    #[serde(deserialize_with = "json::whole")]
    pub duration_months: i64,
    /// The `offer_version` that you saw: if price or promise have changed since, nothing is rented.
    #[serde(default, deserialize_with = "json::optional_whole")]
    pub offer_version: Option<i64>,
}

impl RentBody {
    /// Reads what is asked for, or every field that is wrong.
    pub fn read(&self) -> Result<RentRequest, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let node_rule = "a node's id, such as node32";
        let node = keep(
            &mut wrong,
            NodeId::parse(&self.node_id).ok_or_else(|| FieldError::new("node_id", node_rule)),
        );
        let slice = match self.slice_id.as_deref().filter(|id| !id.is_empty()) {
            None => Some(None),
            Some(id) => keep(&mut wrong, slice_of(node, id)).map(Some),
        };
        let term = keep(&mut wrong, Term::from_months(self.duration_months));
        match (node, slice, term) {
            (Some(node), Some(slice), Some(term)) => {
                Ok(RentRequest { node, slice, term, offer_version: self.offer_version })
            }
            _ => Err(wrong),
        }
    }
}

fn slice_of(node: Option<NodeId>, id: &str) -> Result<u32, FieldError> {
    let slice = SliceId::parse(id)
        .ok_or_else(|| FieldError::new("slice_id", "a slice's id, such as node32_slice_1"))?;
    if node.is_some_and(|node| node != slice.node) {
        return Err(FieldError::new("slice_id", "a slice of the node in `node_id`"));
    }
    Ok(slice.number)
}

/// A rental.
#[derive(Serialize, JsonSchema)]
pub struct RentalView {
    /// Its id.
    pub id: String,
    /// The slice.
    pub slice_id: String,
    /// The node that the slice is a part of.
    pub node_id: String,
    /// The farmer's name for the node.
    pub node_name: String,
    /// The node's country.
    pub country: String,
    /// The node's city.
    pub city: String,
    /// `active` or `ended`.
    pub status: &'static str,
    /// Calendar months.
    pub duration_months: u32,
    /// The start (RFC 3339).
    pub started_at: String,
    /// The end (RFC 3339).
    pub ends_at: String,
    /// The price per month before the discount, as decimal text.
    pub monthly_cost: String,
    /// What was taken off, in percent.
    pub discount_percent: u8,
    /// What was charged, as decimal text.
    pub total_cost: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// The promised uptime as sold, in percent.
    pub min_uptime: f64,
    /// The promised bandwidth as sold, in Mbit/s.
    pub min_bandwidth_mbps: u32,
}

impl RentalView {
    /// Shows a rental.
    pub fn new(rental: &Rental) -> RentalView {
        RentalView {
            id: rental.id.to_string(),
            slice_id: rental.slice.to_string(),
            node_id: rental.slice.node.to_string(),
            node_name: rental.node_name.clone(),
            country: rental.country.clone(),
            city: rental.city.clone(),
            status: rental.state.as_str(),
            duration_months: rental.term.months(),
            started_at: rental.started_at.to_string(),
            ends_at: rental.ends_at.to_string(),
            monthly_cost: rental.price.to_string(),
            discount_percent: rental.term.discount_percent(),
            total_cost: rental.total.to_string(),
            currency: CURRENCY,
            min_uptime: rental.min_uptime.percent(),
            min_bandwidth_mbps: rental.min_bandwidth.mbps(),
        }
    }
}

/// How to get into a slice.
#[derive(Serialize, JsonSchema)]
pub struct AccessInfo {
    /// `pending` until the slice's machine has been set up; `closed` after the rental's end.
    pub state: &'static str,
    /// In words.
    pub detail: &'static str,
}

impl AccessInfo {
    /// The access to a rental's slice.
    pub fn new(state: RentalState) -> AccessInfo {
        match state {
            RentalState::Active => AccessInfo {
                state: "pending",
                detail: "The slice is yours. Its machine has not been set up yet: this \
                         version of the marketplace does not set up machines by itself.",
            },
            RentalState::Ended => {
                AccessInfo { state: "closed", detail: "The rental has ended, and its access." }
            }
        }
    }
}

/// What a successful request to rent answers.
#[derive(Serialize, JsonSchema)]
pub struct RentAnswer {
    /// Always true.
    pub success: bool,
    /// In words.
    pub message: String,
    /// How to get into the slice.
    pub access_info: AccessInfo,
    /// The rental as it was made.
    pub rental: RentalView,
}

impl RentAnswer {
    /// Shows a rental that was just made, or made by an earlier try.
    pub fn new(rental: &Rental) -> RentAnswer {
        let (slice, total) = (rental.slice, rental.total);
        RentAnswer {
            success: true,
            message: format!(
                "{slice} is yours until {}; {} was charged.",
                rental.ends_at.date(),
                total.for_people()
            ),
            access_info: AccessInfo::new(rental.state),
            rental: RentalView::new(rental),
        }
    }
}

/// A wallet.
#[derive(Serialize, JsonSchema)]
pub struct WalletView {
    /// What it holds, as decimal text.
    pub balance: String,
    /// Of every amount here.
    pub currency: &'static str,
}

/// An entry of a wallet.
#[derive(Serialize, JsonSchema)]
pub struct EntryView {
    /// Its number.
    pub id: i64,
    /// `credit` or `rental`.
    pub kind: String,
    /// Why money moved, in words.
    pub reason: String,
    /// How much, as decimal text; negative where money left the wallet.
    pub amount: String,
    /// What the wallet held then, as decimal text.
    pub balance_after: String,
    /// Of every amount here.
    pub currency: &'static str,
    /// The rental that it was for; null for a credit.
    pub rental_id: Option<String>,
    /// When (RFC 3339).
    pub created_at: String,
}

impl EntryView {
    /// Shows an entry.
    pub fn new(entry: &WalletEntry) -> EntryView {
        EntryView {
            id: entry.id,
            kind: entry.kind.clone(),
            reason: entry.reason.clone(),
            amount: entry.amount.to_string(),
            balance_after: entry.balance_after.to_string(),
            currency: CURRENCY,
            rental_id: Some(entry.reference.clone()).filter(|_| entry.kind == "rental"),
            created_at: entry.created_at.to_string(),
        }
    }
}

/// A rental's id in a path; what is not one does not exist.
pub fn rental_id(text: &str) -> Result<RentalId, Problem> {
    RentalId::parse(text).ok_or_else(Problem::not_found)
}
