//! What pages say of waitlists: on the page of a full node, and where saved searches are.

use domain::listing::Listing;
use domain::money::Usd;
use store::StoreError;
use store::offers::Offer;
use store::quotes::{self, Quote};
use store::ssh_keys::RegisteredKey;
use store::waitlist::{self, Entry};
use ui::moment;
use ui::visit::Visit;
use ui::wording::term;
use url::form_urlencoded::Serializer;
use web::Context;
use web::page::{Choice, Moment};
use web::text::counted;

use crate::market::node::templates;

/// What somebody who looks at a full node can do about it.
#[derive(Clone, Debug)]
pub(crate) enum Waitlist {
    /// Signing in comes first; the link leads there and back.
    SignIn {
        /// Such as `/login?next=/marketplace/compute/32`.
        url: String,
    },
    /// The line can be joined.
    Join(JoinForm),
    /// Whoever looks waits.
    Waiting(Waiting),
    /// A slice is held for whoever looks.
    Held(Box<HeldSlice>),
}

/// The form that joins a line.
#[derive(Clone, Debug)]
pub(crate) struct JoinForm {
    /// Hidden field `node_id`.
    pub node_id: String,
    /// `duration_months`
    pub terms: Vec<Choice>,
    /// How many wait, such as `2 people are waiting.`; empty for nobody.
    pub line: String,
}

/// A place in line.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Such as `You're number 2 of 3 in line for a slice for 3 months.`
    pub position: String,
    /// What the wallet lacks of what is waited for, such as `$21.25`.
    pub missing: Option<String>,
    /// Where the button posts that leaves the line.
    pub leave_url: String,
    /// When the place is lost.
    pub until: Moment,
}

/// A slice that is held for a turn.
#[derive(Clone, Debug)]
pub(crate) struct HeldSlice {
    /// Such as `node32_slice_1`.
    pub slice: String,
    /// Hidden field `node_id`.
    pub node_id: String,
    /// Hidden field `quote_id`.
    pub quote_id: String,
    /// Hidden field `idempotency_key`.
    pub idempotency_key: String,
    /// Until when it is held.
    pub until: Moment,
    /// Such as `3 months`.
    pub term: String,
    /// What is charged, such as `$71.25`.
    pub total: String,
    /// `ssh_key_id`
    pub ssh_keys: Vec<Choice>,
    /// `template`; none where machines are set up by hand.
    pub templates: Vec<Choice>,
    /// Where the button posts that gives it back.
    pub leave_url: String,
}

impl Waitlist {
    /// What whoever visits a node can do, if nothing of it is free; `None` where they cannot rent
    /// of it at all.
    pub(crate) fn of(
        cx: &Context<'_>,
        visit: &Visit<'_>,
        offer: &Offer,
        keys: &[RegisteredKey],
    ) -> Result<Option<Waitlist>, StoreError> {
        let is_offered = offer.listing == Listing::Published && offer.price.is_some();
        let Some(viewer) = visit.viewer else {
            let path = format!("/marketplace/compute/{}", offer.node);
            let next = Serializer::new(String::new()).append_pair("next", &path).finish();
            let is_full = is_offered && offer.available_slices == 0;
            return Ok(is_full.then(|| Waitlist::SignIn { url: format!("/login?{next}") }));
        };
        let account = viewer.identity.account;
        let entries = waitlist::of_account(cx.db, account)?;
        if let Some(entry) = entries.into_iter().find(|entry| entry.node == offer.node) {
            let quote = match entry.quote {
                Some(id) => quotes::find(cx.db, account, id)?,
                None => None,
            };
            return Ok(Some(match quote {
                Some(quote) => Waitlist::Held(Box::new(HeldSlice::new(visit, offer, &quote, keys))),
                None => Waitlist::Waiting(Waiting::new(offer, &entry, viewer.balance)),
            }));
        }
        let line = waitlist::line(cx.db, account, offer.node)?;
        let can_join = line.filter(|line| domain::waitlist::join(line).is_ok());
        Ok(can_join.map(|line| Waitlist::Join(JoinForm::new(offer, line.waiting))))
    }
}

impl JoinForm {
    fn new(offer: &Offer, waiting: u32) -> JoinForm {
        let choice = |(nth, of): (usize, domain::term::Term)| Choice {
            value: of.months().to_string(),
            label: format!("{}: {}", term(of), of.total(price(offer)).for_people()),
            is_chosen: nth == 0,
        };
        JoinForm {
            node_id: offer.node.to_string(),
            terms: offer.terms.iter().enumerate().map(choice).collect(),
            line: match waiting {
                0 => String::new(),
                1 => "1 person is waiting.".to_owned(),
                many => format!("{many} people are waiting."),
            },
        }
    }
}

fn price(offer: &Offer) -> Usd {
    offer.price.unwrap_or(Usd::ZERO)
}

fn leave_url(offer: &Offer) -> String {
    format!("/dashboard/waitlist/{}/leave", offer.node)
}

impl Waiting {
    fn new(offer: &Offer, entry: &Entry, balance: Usd) -> Waiting {
        let missing = entry.term.total(price(offer)) - balance;
        Waiting {
            position: format!(
                "You're number {} of {} in line for a slice for {}.",
                entry.position,
                entry.waiting,
                term(entry.term)
            ),
            missing: Some(missing).filter(|usd| *usd > Usd::ZERO).map(Usd::for_people),
            leave_url: leave_url(offer),
            until: moment::on_day(entry.expires_at()),
        }
    }
}

impl HeldSlice {
    fn new(visit: &Visit<'_>, offer: &Offer, quote: &Quote, keys: &[RegisteredKey]) -> HeldSlice {
        let item = quote.items.first();
        let number = item.and_then(|item| item.slice);
        let ssh_keys = keys.iter().enumerate().map(|(nth, key)| Choice {
            value: key.id.to_string(),
            label: key.name.clone(),
            is_chosen: nth == 0,
        });
        let is_automatic = offer.has_agent(visit.now);
        HeldSlice {
            slice: number.map_or(String::new(), |number| format!("{}_slice_{number}", offer.node)),
            node_id: offer.node.to_string(),
            quote_id: quote.id.to_string(),
            idempotency_key: visit.request_id.to_owned(),
            until: moment::to_the_minute(quote.expires_at),
            term: item.map(|item| term(item.term)).unwrap_or_default(),
            total: quote.total().for_people(),
            ssh_keys: ssh_keys.collect(),
            templates: if is_automatic { templates("") } else { Vec::new() },
            leave_url: leave_url(offer),
        }
    }
}

/// A place in line, where saved searches are listed.
#[derive(Clone, Debug)]
pub(crate) struct WaitlistRow {
    /// The page of the node.
    pub node_url: String,
    /// What its farmer calls it.
    pub name: String,
    /// Where whoever waits stands.
    pub state: String,
    /// Whether a slice is held.
    pub is_held: bool,
    /// Where the button posts that leaves the line.
    pub leave_url: String,
}

impl WaitlistRow {
    /// Shows a place.
    pub(crate) fn new(entry: &Entry) -> WaitlistRow {
        let state = match entry.held_until {
            Some(until) => {
                format!("A slice is held for you until {}", moment::to_the_minute(until).text)
            }
            None => format!(
                "Number {} of {} for {}; you keep your place until {}",
                entry.position,
                counted(entry.waiting, "account"),
                term(entry.term),
                moment::on_day(entry.expires_at()).text
            ),
        };
        WaitlistRow {
            node_url: format!("/marketplace/compute/{}", entry.node),
            name: entry.name.clone(),
            state,
            is_held: entry.held_until.is_some(),
            leave_url: format!("/dashboard/waitlist/{}/leave", entry.node),
        }
    }
}
