//! How orders, quotes and dry runs are shown in the API.

use domain::booking::{Booking, Entry};
use domain::id::SliceId;
use domain::money::Usd;
use domain::order::Item;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use store::offers::Offer;
use store::quotes::Quote;
use store::renting::Ordered;
use web::api::CURRENCY;

use crate::rentals::json::{AccessInfo, RentalView};

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
