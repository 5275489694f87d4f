//! Words that several pages share: sentences, counts, places, SLAs, and what is wrong.

use domain::money::{Percent, Usd};
use domain::rental::Rental;
use domain::term::Term;
use domain::uptime::{Bandwidth, Uptime};
use web::text::{counted, grouped};

/// City and country, as far as the grid knows them.
pub fn place(city: &str, country: &str) -> String {
    match (city, country) {
        ("", "") => "Unknown location".to_owned(),
        ("", place) | (place, "") => place.to_owned(),
        (city, country) => format!("{city}, {country}"),
    }
}

/// Such as `99.5%`.
pub fn uptime(uptime: Uptime) -> String {
    format!("{uptime}%")
}

/// Such as `1,000 Mbit/s`.
pub fn bandwidth(bandwidth: Bandwidth) -> String {
    mbps(bandwidth.mbps())
}

/// Such as `1,000 Mbit/s`.
pub fn mbps(mbps: u32) -> String {
    format!("{} Mbit/s", grouped(mbps))
}

/// The price of an hour, to a tenth of a cent: `$0.034`. For show: nothing is charged by the hour.
pub fn price_per_hour(price_per_month: Usd) -> String {
    const TENTH_OF_A_CENT: i64 = 1_000;
    let micros = price_per_month.per_hour().micros();
    let rounded = (micros + TENTH_OF_A_CENT / 2) / TENTH_OF_A_CENT * TENTH_OF_A_CENT;
    Usd::from_micros(rounded).for_people()
}

/// Such as `3 months`.
pub fn term(term: Term) -> String {
    counted(term.months(), "month")
}

/// Such as `5% off`; `None` where nothing is taken off.
pub fn discount(term: Term) -> Option<String> {
    Some(term.discount_percent()).filter(|percent| *percent > 0).map(|p| format!("{p}% off"))
}

/// What a month of a term costs after the discount.
pub fn monthly_cost(price: Usd, term: Term) -> String {
    let saved = price.percent(Percent::whole(term.discount_percent()));
    (price - saved).to_cents().for_people()
}

/// What a month of a rental costs, after the discount of its last term.
pub fn monthly_cost_of(rental: &Rental) -> String {
    let price = rental.price.times(rental.slices);
    let last = rental.periods.last().and_then(|last| Term::from_months(last.months.into()).ok());
    last.map_or_else(|| price.for_people(), |last| monthly_cost(price, last))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
