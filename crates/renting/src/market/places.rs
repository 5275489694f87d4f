//! The places of the market to choose from: continents, countries, and the cities of those that are
//! chosen, each with how many nodes match there.

use std::collections::BTreeMap;

use domain::place::Places;
use domain::region::{CONTINENTS, continent, flag};
use domain::text::fold;
use store::offers::OfferedPlace;

use crate::market::search::{Search, pairs};

/// How many cities of a country are shown at once, those with the most nodes.
const CITIES_MAX: usize = 30;
/// Where countries are listed that the table of regions does not know.
const ELSEWHERE: &str = "Elsewhere";

/// A place to choose.
#[derive(Clone, Debug)]
pub(crate) struct PlaceChoice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// The flag, for those who see it; empty where there is none.
    pub flag: String,
    /// How many nodes match there.
    pub count: u32,
    /// Whether it is chosen.
    pub is_chosen: bool,
}

/// A country, and its cities where it is chosen.
#[derive(Clone, Debug)]
pub(crate) struct CountryChoice {
    /// The country.
    pub country: PlaceChoice,
    /// Its cities.
    pub cities: Vec<PlaceChoice>,
}

/// A continent with its countries.
#[derive(Clone, Debug)]
pub(crate) struct ContinentChoice {
    /// The continent.
    pub continent: PlaceChoice,
    /// Whether it can be chosen as a whole.
    pub is_place: bool,
    /// Its countries, by name.
    pub countries: Vec<CountryChoice>,
}

/// Every place of the market by continent. `alone` is what stands in the sentence, and is not
/// chosen a second time.
pub(crate) fn choices(
    found: &[OfferedPlace],
    search: &Search,
    alone: Option<&str>,
) -> Vec<ContinentChoice> {
    let market = pairs(found);
    let named = search.places.iter().filter(|name| alone != Some(&***name));
    let chosen: Vec<String> = named.map(|name| fold(&canonical(name, &market))).collect();
    let is_chosen = |value: &str| chosen.contains(&fold(value));
    let mut by_country = BTreeMap::<&str, Vec<&OfferedPlace>>::new();
    for place in found.iter().filter(|place| !place.country.is_empty()) {
        by_country.entry(&place.country).or_default().push(place);
    }
    let mut by_continent = BTreeMap::<&str, Vec<CountryChoice>>::new();
    for (country, cities) in by_country {
        let choice = PlaceChoice {
            value: country.to_owned(),
            label: country.to_owned(),
            flag: flag(country).unwrap_or_default(),
            count: cities.iter().map(|city| city.matching).sum(),
            is_chosen: is_chosen(country),
        };
        let is_searched = !search.places.is_empty()
            && cities.iter().any(|city| search.has_place(country, &city.city));
        let cities = if is_searched { of_country(&cities, &is_chosen) } else { Vec::new() };
        let continent = continent(country).unwrap_or(ELSEWHERE);
        by_continent.entry(continent).or_default().push(CountryChoice { country: choice, cities });
    }
    let whole = |(name, countries): (&str, Vec<CountryChoice>)| ContinentChoice {
        continent: PlaceChoice {
            value: name.to_owned(),
            label: name.to_owned(),
            flag: String::new(),
            count: countries.iter().map(|it| it.country.count).sum(),
            is_chosen: is_chosen(name),
        },
        is_place: name != ELSEWHERE,
        countries,
    };
    by_continent.into_iter().map(whole).collect()
}

fn of_country(cities: &[&OfferedPlace], is_chosen: &impl Fn(&str) -> bool) -> Vec<PlaceChoice> {
    let mut cities: Vec<_> = cities.iter().filter(|place| !place.city.is_empty()).collect();
    cities.sort_by_key(|place| std::cmp::Reverse(place.matching));
    let choice = |place: &&&OfferedPlace| {
        let value = format!("{}, {}", place.city, place.country);
        PlaceChoice {
            is_chosen: is_chosen(&value),
            value,
            label: place.city.clone(),
            flag: String::new(),
            count: place.matching,
        }
    };
    cities.iter().take(CITIES_MAX).map(choice).collect()
}

/// What a text names, if that is one place, as the choices spell it; otherwise the text.
pub(crate) fn canonical(text: &str, market: &[(String, String)]) -> String {
    let wanted = fold(text);
    if let Some(continent) = CONTINENTS.iter().find(|name| fold(name) == wanted) {
        return (*continent).to_owned();
    }
    let Places { countries, cities } = Places::named(text, market);
    match (countries.len(), cities.len()) {
        (1, 0) => countries.into_iter().next(),
        (0, 1) => cities.into_iter().next().map(|(country, city)| format!("{city}, {country}")),
        _ => None,
    }
    .unwrap_or_else(|| text.to_owned())
}
