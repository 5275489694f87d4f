//! What a farmer offers, beside the form: raises, locks, maintenance, and the history.

use askama::Template;
use domain::money::Usd;
use domain::offering::{Locker, Raise};
use domain::sla::{
    BAD_PERCENT, BAD_UPTIME, BELOW_SLA_PERCENT, POOR_PERCENT, POOR_UPTIME, SLOW_PERCENT,
};
use domain::term::Term;
use store::nodes::FarmNode;
use store::offering::Version;
use strum::VariantArray;
use ui::maintenance::WindowNotice;
use ui::visit::Visit;
use ui::wording::{bandwidth, uptime};
use ui::{badge, moment};
use web::api::PageOf;
use web::page::{Badge, Choice, Frame, Link, Moment, Section};
use web::text::{counted, sentence};
use web::{Kind, Problem};

/// What the page of a farmer's node says about its offer, around the form.
#[derive(Clone, Debug, Default)]
pub(crate) struct FarmOffer {
    /// The raise that waits, if one does.
    pub raise: Option<WaitingRaise>,
    /// Whether the offer can be changed.
    pub lock: OfferLock,
    /// The maintenance that is announced and not over.
    pub windows: Vec<WindowNotice>,
}

/// A raise that waits.
#[derive(Clone, Debug)]
pub(crate) struct WaitingRaise {
    /// The price now, such as `$25.00`.
    pub price: String,
    /// The same, as the form sends it: `25.00`.
    pub price_value: String,
    /// The price that comes, such as `$30.00`.
    pub raised: String,
    /// From when on.
    pub at: Moment,
}

/// Whether an offer can be changed.
#[derive(Clone, Debug, Default)]
pub(crate) enum OfferLock {
    /// It can.
    #[default]
    Open,
    /// The farmer has locked it.
    Farmer,
    /// The operator has.
    Operator {
        /// Why, as a sentence.
        reason: Option<String>,
    },
}

impl OfferLock {
    /// Whether nothing can be changed.
    pub(crate) fn is_locked(&self) -> bool {
        match self {
            OfferLock::Open => false,
            OfferLock::Farmer | OfferLock::Operator { .. } => true,
        }
    }
}

/// The cost of an SLA above what was measured: the checkbox `confirm_cost_per_month`.
#[derive(Clone, Debug)]
pub(crate) struct CostConsent {
    /// The SLA and measured, and what that costs, as a sentence.
    pub text: String,
    /// What the form sends, such as `2.50`.
    pub cost: String,
    /// Such as `$2.50`.
    pub cost_in_words: String,
}

/// What `offer_history.html` shows: the versions of an offer.
#[derive(Clone, Debug, Template)]
#[template(path = "offering/offer_history.html")]
pub(crate) struct OfferHistory {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farmer's page of the node.
    pub node: Link,
    /// A page of versions, the newest first.
    pub versions: Vec<VersionRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// One version of an offer.
#[derive(Clone, Debug)]
pub(crate) struct VersionRow {
    /// Counts from 1.
    pub number: String,
    /// When it was set.
    pub changed_at: Moment,
    /// Per slice and month, such as `$25.00`.
    pub price: String,
    /// The raise that waited, such as `$30.00 from 24 November 2026, 10:00 UTC`.
    pub raise: Option<String>,
    /// Such as `99.5%, 100 Mbit/s`.
    pub sla: String,
    /// Such as `1, 3, 6 and 12 months`.
    pub terms: String,
    /// How many slices were kept back.
    pub withheld_slices: u32,
    /// What renters read.
    pub name: String,
    /// Such as `published`.
    pub listing: Badge,
}

/// How many versions one page of a history shows, and how many windows.
pub(crate) const HISTORY_PER_PAGE: u32 = 50;

impl FarmOffer {
    /// What is said about a node's offer.
    pub(crate) fn new(node: &FarmNode) -> FarmOffer {
        let offer = &node.offer;
        let waiting = |raise: Raise| {
            let price = offer.price?;
            Some(WaitingRaise {
                price: price.for_people(),
                price_value: price.to_string(),
                raised: raise.price.for_people(),
                at: moment::to_the_minute(raise.at),
            })
        };
        FarmOffer {
            raise: offer.raise.and_then(waiting),
            lock: match &node.lock {
                None => OfferLock::Open,
                Some(lock) => match lock.by {
                    Locker::Farmer => OfferLock::Farmer,
                    Locker::Operator => {
                        OfferLock::Operator { reason: lock.reason.as_ref().map(sentence) }
                    }
                },
            },
            windows: Vec::new(),
        }
    }
}

impl CostConsent {
    /// What an SLA costs that was refused for it; `None` for another problem.
    pub(crate) fn new(problem: &Problem) -> Option<CostConsent> {
        if problem.kind != Kind::SlaAboveMeasured {
            return None;
        }
        let cost = problem.extra.get("cost_per_month")?.as_str()?.to_owned();
        let text = sentence(&problem.detail);
        Some(CostConsent { text, cost_in_words: format!("${cost}"), cost })
    }
}

/// What a missed SLA costs: the published scale.
pub(crate) fn scale() -> String {
    format!(
        "If a month misses the uptime SLA, the renter is credited {BELOW_SLA_PERCENT}% of its \
         price: {POOR_PERCENT}% below {POOR_UPTIME}% uptime, and {BAD_PERCENT}% below \
         {BAD_UPTIME}%. Missing the bandwidth SLA adds {SLOW_PERCENT}%."
    )
}

/// The terms as boxes, those of `is_chosen` ticked.
pub(crate) fn term_boxes(is_chosen: impl Fn(Term) -> bool) -> Vec<Choice> {
    let choice = |term: Term| Choice {
        value: term.months().to_string(),
        label: counted(term.months(), "month"),
        is_chosen: is_chosen(term),
    };
    Term::VARIANTS.iter().copied().map(choice).collect()
}

pub(crate) fn node_link(node: &FarmNode) -> Link {
    Link::new(format!("/dashboard/farm/nodes/{}", node.offer.node), &node.offer.name)
}

impl OfferHistory {
    /// A page of the versions of an offer: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, node: &FarmNode, found: Vec<Version>) -> OfferHistory {
        let link = node_link(node);
        let place = |version: &Version| version.number.to_string();
        let page = PageOf::new(visit.search, found, HISTORY_PER_PAGE, place, VersionRow::new);
        let path = format!("{}/history", link.url);
        OfferHistory {
            frame: visit.frame("Offer history", Section::Farm),
            versions: page.items,
            next_page: visit.next_page(&path, page.next_cursor),
            node: link,
        }
    }
}

impl VersionRow {
    pub(crate) fn new(version: &Version) -> VersionRow {
        let offering = &version.offering;
        let raise = |raise: Raise| {
            let at = moment::to_the_minute(raise.at).text;
            format!("{} from {at}", raise.price.for_people())
        };
        let price = offering.price.map_or_else(|| "–".to_owned(), Usd::for_people);
        VersionRow {
            number: version.number.to_string(),
            changed_at: moment::to_the_minute(version.changed_at),
            price,
            raise: offering.raise.map(raise),
            sla: format!("{}, {}", uptime(offering.min_uptime), bandwidth(offering.min_bandwidth)),
            terms: terms_in_words(offering.terms),
            withheld_slices: offering.withheld_slices,
            name: offering.name.clone(),
            listing: badge::listing(offering.listing),
        }
    }
}

/// Such as `1, 3 and 12 months`.
fn terms_in_words(terms: domain::term::Terms) -> String {
    let months: Vec<String> = terms.iter().map(|term| term.months().to_string()).collect();
    match months.split_last() {
        None => String::new(),
        Some((last, [])) => counted(last.parse::<i64>().unwrap_or(0), "month"),
        Some((last, first)) => format!("{} and {last} months", first.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use domain::term::Terms;

    use super::*;

    #[test]
    fn terms_are_written_out() {
        let words = |bits| terms_in_words(Terms::from_bits(bits).unwrap());
        assert_eq!(words(15), "1, 3, 6 and 12 months");
        assert_eq!(words(9), "1 and 12 months");
        assert_eq!((words(1), words(2)), ("1 month".to_owned(), "3 months".to_owned()));
    }
}
