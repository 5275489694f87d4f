//! Words that several pages share: sentences, counts, places, promises, and what is wrong.

use std::fmt::Display;

use domain::confidence::lower_bound;
use domain::field::FieldError;
use domain::level::LOOKS_MIN;
use domain::money::{Percent, Usd};
use domain::promise::{Bandwidth, Uptime};
use domain::rental::Rental;
use domain::term::Term;
use store::offers::Offer;

use crate::form::Form;
use crate::page::{Field, MeasuredUptime};
use crate::problem::{Kind, Problem};

/// A sentence: with a capital letter at its start, unless an id stands there, and a period at its
/// end.
pub(super) fn sentence(text: impl Display) -> String {
    let text = text.to_string();
    let period = if text.is_empty() || text.ends_with(['.', '?', '!']) { "" } else { "." };
    let mut letters = text.chars();
    let begins_with_id = text.split(' ').next().is_some_and(|word| word.contains(is_of_an_id));
    match letters.next() {
        Some(first) if !begins_with_id => {
            first.to_uppercase().chain(letters).chain(period.chars()).collect()
        }
        _ => text + period,
    }
}

/// Whether a letter is one that ids have and words have not: `node32_slice_1`, `max_price`.
fn is_of_an_id(letter: char) -> bool {
    letter.is_ascii_digit() || letter == '_'
}

/// A number and what it counts: `1 slice`, `9 slices`, `2,016 observations`.
pub(crate) fn counted(number: impl Into<i64>, noun: &str) -> String {
    let number = number.into();
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(number))
}

/// A whole number with its thousands set apart: `2,016`.
pub(crate) fn grouped(number: impl Display) -> String {
    let digits = number.to_string();
    let mut grouped = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) && !grouped.ends_with('-') {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// City and country, as far as the grid knows them.
pub(super) fn place(city: &str, country: &str) -> String {
    match (city, country) {
        ("", "") => "Unknown location".to_owned(),
        ("", place) | (place, "") => place.to_owned(),
        (city, country) => format!("{city}, {country}"),
    }
}

/// Such as `99.5%`.
pub(super) fn uptime(uptime: Uptime) -> String {
    format!("{uptime}%")
}

/// Such as `1,000 Mbit/s`.
pub(super) fn bandwidth(bandwidth: Bandwidth) -> String {
    mbps(bandwidth.mbps())
}

/// Such as `1,000 Mbit/s`.
pub(super) fn mbps(mbps: u32) -> String {
    format!("{} Mbit/s", grouped(mbps))
}

/// The measured uptime of an offered node.
pub(super) fn measured(offer: &Offer) -> Option<MeasuredUptime> {
    measured_uptime(offer.observed_up, offer.observed)
}

/// The measured uptime of a node, from its checks.
pub(super) fn measured_uptime(up: u64, observed: u64) -> Option<MeasuredUptime> {
    Some(MeasuredUptime {
        percent: uptime(Uptime::measured(up, observed)?),
        at_least: lower_bound(up, observed).map(uptime).unwrap_or_default(),
        observations: grouped(observed),
        new_node: (observed < LOOKS_MIN).then(|| few_checks(up, observed)),
    })
}

/// Such as `1 check so far, all passed`.
fn few_checks(up: u64, observed: u64) -> String {
    let checks = counted(i64::try_from(observed).unwrap_or(i64::MAX), "check");
    match up {
        0 => format!("{checks} so far, none passed"),
        all if all == observed => format!("{checks} so far, all passed"),
        some => format!("{checks} so far, {} passed", grouped(some)),
    }
}

/// The price of an hour, to a tenth of a cent: `$0.034`. For show: nothing is charged by the hour.
pub(super) fn price_per_hour(price_per_month: Usd) -> String {
    const TENTH_OF_A_CENT: i64 = 1_000;
    let micros = price_per_month.per_hour().micros();
    let rounded = (micros + TENTH_OF_A_CENT / 2) / TENTH_OF_A_CENT * TENTH_OF_A_CENT;
    Usd::from_micros(rounded).for_people()
}

/// Such as `3 months`.
pub(super) fn term(term: Term) -> String {
    counted(term.months(), "month")
}

/// Such as `5% off`; `None` where nothing is taken off.
pub(super) fn discount(term: Term) -> Option<String> {
    Some(term.discount_percent()).filter(|percent| *percent > 0).map(|p| format!("{p}% off"))
}

/// What a month of a term costs after the discount.
pub(super) fn monthly_cost(price: Usd, term: Term) -> String {
    let saved = price.percent(Percent::whole(term.discount_percent()));
    (price - saved).to_cents().for_people()
}

/// What a month of a rental costs, after the discount of its last term.
pub(super) fn monthly_cost_of(rental: &Rental) -> String {
    let price = rental.price.times(rental.slices);
    let last = rental.periods.last().and_then(|last| Term::from_months(last.months.into()).ok());
    last.map_or_else(|| price.for_people(), |last| monthly_cost(price, last))
}

/// What is wrong with a field, as a sentence.
pub(super) fn error_of(wrong: &[FieldError], field: &str) -> Option<String> {
    wrong.iter().find(|error| error.field == field).map(|error| sentence(&error.rule))
}

/// A field of a form as it was sent, with what is wrong with it.
pub(super) fn sent(form: &Form, field: &str, wrong: &[FieldError]) -> Field {
    Field { value: form.text(field).to_owned(), error: error_of(wrong, field) }
}

/// What a problem says above a form: nothing if every wrong field has its own words beside it.
pub(super) fn error_above(problem: &Problem, shown: &[&str]) -> Option<String> {
    let is_beside = |wrong: &FieldError| shown.contains(&wrong.field);
    let is_said = !problem.fields.is_empty() && problem.fields.iter().all(is_beside);
    (!is_said).then(|| sentence(&problem.detail))
}

/// Whether a problem is about what was sent in a form, so that it is said there and the person can
/// try again; the others have a page of their own.
pub fn belongs_to_form(problem: &Problem) -> bool {
    !matches!(
        problem.kind,
        Kind::NotFound
            | Kind::NotSignedIn
            | Kind::MissingScope
            | Kind::ProveFirst
            | Kind::CrossSite
            | Kind::TooLarge
            | Kind::Internal
            | Kind::Busy
            | Kind::WrongSchema
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_begin_and_end_well() {
        for (text, expected) in [
            ("the node is down; wait", "The node is down; wait."),
            ("Éire.", "Éire."),
            ("ßx", "SSx."),
            ("node32 is taken", "node32 is taken."),
            ("1 to 80 characters", "1 to 80 characters."),
            ("", ""),
        ] {
            assert_eq!(sentence(text), expected);
        }
    }

    #[test]
    fn numbers_are_grouped() {
        for (number, expected) in
            [(0, "0"), (999, "999"), (1_000, "1,000"), (-1_000, "-1,000"), (-100, "-100")]
        {
            assert_eq!(grouped(number), expected);
        }
        assert_eq!(counted(1, "slice"), "1 slice");
        assert_eq!(counted(2_016, "observation"), "2,016 observations");
    }

    #[test]
    fn a_place_is_what_is_known_of_it() {
        assert_eq!(place("Ghent", "Belgium"), "Ghent, Belgium");
        assert_eq!(place("", "Belgium"), "Belgium");
        assert_eq!(place("Ghent", ""), "Ghent");
        assert_eq!(place("", ""), "Unknown location");
    }

    #[test]
    fn prices_are_shown_by_month_and_hour() {
        let usd = |text| Usd::parse("price", text).unwrap();
        assert_eq!(price_per_hour(usd("25")), "$0.034");
        assert_eq!(price_per_hour(usd("0.01")), "$0.00");
        assert_eq!(monthly_cost(usd("25"), Term::Quarter), "$23.75");
        assert_eq!(monthly_cost(usd("19.99"), Term::Year), "$16.99");
    }

    #[test]
    fn an_error_is_said_once() {
        let wrong =
            vec![FieldError::new("price", "at most 500"), FieldError::new("node", "a node")];
        assert_eq!(error_of(&wrong, "price").as_deref(), Some("At most 500."));
        let problem = Problem::fields(wrong);
        assert_eq!(error_above(&problem, &["price", "node"]), None);
        let above = error_above(&problem, &["price"]).unwrap();
        assert_eq!(above, "Price: expected at most 500; node: expected a node.");
        let taken = Problem::new(Kind::NodeTaken, "it is taken");
        assert_eq!(error_above(&taken, &[]).as_deref(), Some("It is taken."));
        assert!(belongs_to_form(&taken) && !belongs_to_form(&Problem::internal("x")));
    }
}
