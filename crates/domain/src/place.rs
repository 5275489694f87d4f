//! The places of the market: continents, regions, countries and cities, by what people type.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeSet;
use alloc::format;
use alloc::string::String;

use crate::region::{self, continent, countries_like, region};
use crate::text::fold;

/// Where a search looks: in whole countries, and in cities of others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Countries, as the market spells them.
    pub countries: BTreeSet<String>,
    /// Country and city.
    pub cities: BTreeSet<(String, String)>,
}

/// The shortest beginning of a name that is looked for: one letter begins too many.
const PREFIX_CHARS_MIN: usize = 2;

impl Places {
    /// Whether a city of a country is in one of these places.
    pub fn has(&self, country: &str, city: &str) -> bool {
        self.countries.iter().any(|it| it.eq_ignore_ascii_case(country))
            || self.cities.iter().any(|it| it.0.eq_ignore_ascii_case(country) && it.1 == city)
    }

    /// Whether nothing is in these places.
    pub fn is_empty(&self) -> bool {
        self.countries.is_empty() && self.cities.is_empty()
    }

    /// The same and those of `other`.
    pub fn extend(&mut self, other: Places) {
        self.countries.extend(other.countries);
        self.cities.extend(other.cities);
    }

    fn of_countries<'a>(countries: impl IntoIterator<Item = &'a str>) -> Places {
        let countries = countries.into_iter().map(str::to_owned).collect();
        Places { countries, cities: BTreeSet::new() }
    }

    /// The places that a text names, without regard to case and accents, among those of the
    /// market, which are pairs of country and city: a continent, a region, a country by its name
    /// or code, or a city, alone or with its country. Where nothing is called that, every country
    /// and city that begins so. Empty where the text names none.
    pub fn named(text: &str, market: &[(String, String)]) -> Places {
        let wanted = fold(text);
        if wanted.is_empty() {
            return Places::default();
        }
        let countries: BTreeSet<&str> = market.iter().map(|(country, _)| &**country).collect();
        if region::CONTINENTS.iter().any(|name| fold(name) == wanted) {
            let is_there = |name: &&str| continent(name).is_some_and(|it| fold(it) == wanted);
            return Places::of_countries(countries.into_iter().filter(is_there));
        }
        if let Some(usual) = region::country(text) {
            return Places::of_countries([usual]);
        }
        if let Some(known) = countries.iter().find(|name| fold(name) == wanted) {
            return Places::of_countries([*known]);
        }
        let bare = |name: &str| fold(name.trim_start_matches("the "));
        let of_region = |name: &&str| {
            region(name).is_some_and(|it| fold(it.name) == wanted || bare(it.name) == wanted)
        };
        let around = Places::of_countries(countries.iter().copied().filter(of_region));
        if !around.is_empty() {
            return around;
        }
        let called = |(country, city): &&(String, String)| {
            let city_folded = fold(city);
            !city.is_empty()
                && (city_folded == wanted || fold(&format!("{city}{country}")) == wanted)
        };
        let cities: BTreeSet<_> = market.iter().filter(called).cloned().collect();
        if !cities.is_empty() {
            return Places { countries: BTreeSet::new(), cities };
        }
        if wanted.chars().count() < PREFIX_CHARS_MIN {
            return Places::default();
        }
        Places::beginning(&wanted, &countries, market)
    }

    fn beginning(wanted: &str, countries: &BTreeSet<&str>, market: &[(String, String)]) -> Places {
        let mut found =
            Places::of_countries(countries_like(wanted).filter(|usual| countries.contains(usual)));
        let more = countries.iter().filter(|name| fold(name).starts_with(wanted));
        found.countries.extend(more.map(|name| (*name).to_owned()));
        let begins = |(country, city): &&(String, String)| {
            !found.countries.contains(country) && fold(city).starts_with(wanted)
        };
        found.cities = market.iter().filter(begins).cloned().collect();
        found
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;
    use alloc::vec::Vec;

    use super::*;

    fn market() -> Vec<(String, String)> {
        [
            ("Belgium", "Ghent"),
            ("Belgium", "Lochristi"),
            ("Belgium", ""),
            ("Germany", "Berlin"),
            ("Bermuda", "Hamilton"),
            ("Canada", "Hamilton"),
            ("Türkiye", "\u{130}stanbul"),
            ("Russia", "Москва"),
            ("Atlantis", "Port"),
            ("Cuba", "Havana"),
        ]
        .map(|(country, city)| (country.to_string(), city.to_string()))
        .into()
    }

    fn named(text: &str) -> (Vec<String>, Vec<String>) {
        let found = Places::named(text, &market());
        let cities = found.cities.iter().map(|(country, city)| format!("{city}, {country}"));
        (found.countries.iter().cloned().collect(), cities.collect())
    }

    #[track_caller]
    fn check(text: &str, countries: &[&str], cities: &[&str]) {
        let (found, found_cities) = named(text);
        assert_eq!(
            (&found[..], &found_cities[..]),
            (
                &countries.iter().map(ToString::to_string).collect::<Vec<_>>()[..],
                &cities.iter().map(ToString::to_string).collect::<Vec<_>>()[..],
            ),
            "{text}"
        );
    }

    #[test]
    fn a_place_is_found_by_what_people_type() {
        check("Europe", &["Belgium", "Germany", "Russia"], &[]);
        check("north america", &["Bermuda", "Canada", "Cuba"], &[]);
        check("Western Europe", &["Belgium", "Germany"], &[]);
        check("caribbean", &["Cuba"], &[]);
        check("BE", &["Belgium"], &[]);
        check("deu", &["Germany"], &[]);
        check("turkey", &["Türkiye"], &[]);
        check("atlantis", &["Atlantis"], &[]);
        check("ghent", &[], &["Ghent, Belgium"]);
        check("Ghent, Belgium", &[], &["Ghent, Belgium"]);
        check("москва", &[], &["Москва, Russia"]);
        check("hamilton", &[], &["Hamilton, Bermuda", "Hamilton, Canada"]);
        check("Hamilton, Canada", &[], &["Hamilton, Canada"]);
        // A country that is not on the market is a place, too.
        check("France", &["France"], &[]);
    }

    #[test]
    fn the_beginning_of_a_name_is_enough() {
        check("belg", &["Belgium"], &[]);
        check("turk", &["Türkiye"], &[]);
        check("ber", &["Bermuda"], &["Berlin, Germany"]);
        check("istanb", &[], &["\u{130}stanbul, Türkiye"]);
        check("atl", &["Atlantis"], &[]);
        for nothing in ["", " ", "b", "?", "xyz", "fran"] {
            check(nothing, &[], &[]);
        }
    }

    #[test]
    fn a_place_has_its_cities() {
        let mut places = Places::named("BE", &market());
        places.extend(Places::named("berlin", &market()));
        assert!(places.has("belgium", "Ghent") && places.has("Germany", "Berlin"));
        assert!(!places.has("Germany", "Bonn") && !places.is_empty());
    }
}
