//! Fills what is said about a farmer's offer around the form: raises, locks, maintenance, history.

use domain::maintenance::{AHEAD_SECONDS, WINDOW_SECONDS_MAX};
use domain::money::Usd;
use domain::offering::{Locker, Raise};
use domain::sla::{
    BAD_PERCENT, BAD_UPTIME, BELOW_PROMISE_PERCENT, POOR_PERCENT, POOR_UPTIME, SLOW_PERCENT,
};
use domain::term::Term;
use domain::time::Timestamp;
use store::maintenance;
use store::nodes::FarmNode;
use store::offering::Version;

use crate::api::PageOf;
use crate::api::offering::{MaintenanceBody, print_cursor};
use crate::form::Form;
use crate::page::{
    Badge, Choice, CostConsent, FarmOffer, Field, Link, Maintenance, OfferHistory, OfferLock,
    Section, Tone, VersionRow, WaitingRaise, WindowNotice, WindowRow,
};
use crate::problem::{Kind, Problem};
use crate::view::visit::Visit;
use crate::view::wording::{bandwidth, counted, error_above, error_of, sent, sentence, uptime};
use crate::view::{badge, moment};

/// How many versions one page of a history shows, and how many windows.
pub const HISTORY_PER_PAGE: u32 = 50;

const HOUR_SECONDS: i64 = 3_600;

impl FarmOffer {
    /// What is said about a node's offer.
    pub(super) fn new(node: &FarmNode) -> FarmOffer {
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
                    Locker::Farmer => OfferLock::Own,
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
    /// What a promise costs that was refused for it; `None` for another problem.
    pub(super) fn new(problem: &Problem) -> Option<CostConsent> {
        if problem.kind != Kind::PromiseAboveMeasured {
            return None;
        }
        let cost = problem.extra.get("cost_per_month")?.as_str()?.to_owned();
        let text = sentence(&problem.detail);
        Some(CostConsent { text, cost_in_words: format!("${cost}"), cost })
    }
}

/// What a promise costs that is not kept: the published scale.
pub(super) fn scale() -> String {
    format!(
        "If a month misses the uptime SLA, the renter is credited {BELOW_PROMISE_PERCENT}% of its \
         price: {POOR_PERCENT}% below {POOR_UPTIME}% uptime, and {BAD_PERCENT}% below \
         {BAD_UPTIME}%. Missing the bandwidth SLA adds {SLOW_PERCENT}%."
    )
}

/// The terms as boxes, those of `is_chosen` ticked.
pub(super) fn term_boxes(is_chosen: impl Fn(Term) -> bool) -> Vec<Choice> {
    let choice = |term: Term| Choice {
        value: term.months().to_string(),
        label: counted(term.months(), "month"),
        is_chosen: is_chosen(term),
    };
    Term::ALL.into_iter().map(choice).collect()
}

/// Maintenance that is announced and not over.
pub(super) fn notices(
    visit: &Visit<'_>,
    windows: &[maintenance::Maintenance],
) -> Vec<WindowNotice> {
    let notice = |it: &maintenance::Maintenance| WindowNotice {
        from: moment::to_the_minute(it.window.starts_at),
        until: moment::to_the_minute(it.window.ends_at),
        note: note(it),
        is_now: it.window.starts_at <= visit.now,
    };
    windows.iter().map(notice).collect()
}

fn note(it: &maintenance::Maintenance) -> Option<String> {
    Some(it.window.note.clone()).filter(|note| !note.is_empty())
}

fn node_link(node: &FarmNode) -> Link {
    Link::new(format!("/dashboard/farm/nodes/{}", node.offer.node), &node.offer.name)
}

impl Maintenance {
    /// A page of a node's windows: one more than it holds, if there are more.
    pub fn new(
        visit: &Visit<'_>,
        node: &FarmNode,
        found: Vec<maintenance::Maintenance>,
    ) -> Maintenance {
        let link = node_link(node);
        let is_locked = node.lock.is_some();
        let show =
            |it: &maintenance::Maintenance| WindowRow::new(it, &link.url, is_locked, visit.now);
        let page = PageOf::new(found, HISTORY_PER_PAGE, print_cursor, show);
        let path = format!("{}/maintenance", link.url);
        Maintenance {
            frame: visit.frame("Scheduled maintenance", Section::Farm),
            is_locked,
            starts_at: Field::default(),
            example: to_local(visit.now.plus_seconds(2 * AHEAD_SECONDS)),
            hours: hours("2"),
            note: Field::default(),
            error: None,
            windows: page.items,
            next_page: visit.next_page(&path, page.next_cursor),
            node: link,
        }
    }

    /// The same after nothing was announced.
    #[must_use]
    pub fn refused(mut self, form: &Form, problem: &Problem) -> Maintenance {
        self.starts_at = sent(form, "starts_at", &problem.fields);
        self.note = sent(form, "note", &problem.fields);
        self.hours = hours(form.text("hours"));
        let length =
            error_of(&problem.fields, "ends_at").filter(|_| self.starts_at.error.is_none());
        self.error = length.or_else(|| error_above(problem, &["starts_at", "ends_at", "note"]));
        self
    }
}

/// An instant as a browser's field for date and time has it, on the hour.
fn to_local(at: Timestamp) -> String {
    at.to_string().get(..13).map(|hour| format!("{hour}:00")).unwrap_or_default()
}

fn hours(chosen: &str) -> Vec<Choice> {
    let choice = |hours: i64| {
        let value = hours.to_string();
        let is_chosen = value == chosen;
        Choice { value, label: counted(hours, "hour"), is_chosen }
    };
    (1..=WINDOW_SECONDS_MAX / HOUR_SECONDS).map(choice).collect()
}

/// The window that the form announces. Its times are in UTC.
pub fn read_window(form: &Form) -> MaintenanceBody {
    let local = form.text("starts_at").trim();
    // Browsers leave out seconds that are zero.
    let seconds = if local.len() == "2026-11-24T10:00".len() { ":00" } else { "" };
    let starts_at = format!("{local}{seconds}Z");
    let hours: i64 = form.text("hours").trim().parse().unwrap_or(0);
    let ends_at = Timestamp::parse(&starts_at)
        .map(|start| start.plus_seconds(hours.clamp(0, 24) * HOUR_SECONDS).to_string());
    let note = form.text("note").to_owned();
    // Where the start cannot be read, that alone is said.
    MaintenanceBody { ends_at: ends_at.unwrap_or_else(|| starts_at.clone()), starts_at, note }
}

impl WindowRow {
    fn new(
        it: &maintenance::Maintenance,
        node_url: &str,
        is_locked: bool,
        now: Timestamp,
    ) -> WindowRow {
        let window = &it.window;
        let status = if it.canceled_at.is_some() {
            Badge::new("canceled", Tone::Plain)
        } else if window.ends_at <= now {
            Badge::new("over", Tone::Plain)
        } else if window.starts_at <= now {
            Badge::new("now", Tone::Warn)
        } else {
            Badge::new("announced", Tone::Good)
        };
        let is_open = it.canceled_at.is_none() && window.ends_at > now && !is_locked;
        WindowRow {
            from: moment::to_the_minute(window.starts_at),
            until: moment::to_the_minute(window.ends_at),
            note: note(it),
            announced_at: moment::to_the_minute(it.announced_at),
            status,
            cancel_url: is_open.then(|| format!("{node_url}/maintenance/{}/cancel", it.id)),
        }
    }
}

impl OfferHistory {
    /// A page of the versions of an offer: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, node: &FarmNode, found: Vec<Version>) -> OfferHistory {
        let link = node_link(node);
        let place = |version: &Version| version.number.to_string();
        let page = PageOf::new(found, HISTORY_PER_PAGE, place, VersionRow::new);
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
    fn new(version: &Version) -> VersionRow {
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
            promise: format!(
                "{}, {}",
                uptime(offering.min_uptime),
                bandwidth(offering.min_bandwidth)
            ),
            terms: terms_in_words(offering.terms),
            kept_slices: offering.kept_slices,
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

    #[test]
    fn a_window_of_the_form_is_in_utc() {
        let read = |text: &str| {
            let request = http::Request::post("/").body(text.as_bytes().to_vec()).unwrap();
            let body = read_window(&Form::read(&request));
            (body.starts_at, body.ends_at)
        };
        for text in ["starts_at=2026-11-24T10:00&hours=2", "starts_at=2026-11-24T10:00:00&hours=2"]
        {
            let expected = ("2026-11-24T10:00:00Z".to_owned(), "2026-11-24T12:00:00Z".to_owned());
            assert_eq!(read(text), expected);
        }
        assert_eq!(read("starts_at=soon&hours=2"), ("soonZ".to_owned(), "soonZ".to_owned()));
    }
}
