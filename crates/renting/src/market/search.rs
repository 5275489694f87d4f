//! A search of the market, as the query of a page or of the API asks for it.

use domain::field::FieldError;
use domain::money::Usd;
use domain::order::SLICES_PER_ORDER_MAX;
use domain::place::Places;
use domain::region;
use domain::template::{self, Template};
use domain::term::Term;
use domain::text::fold;
use domain::uptime::{Bandwidth, Uptime};
use store::StoreError;
use store::offers::{self, Cursor, Filter, Offer, Sort};
use strum::VariantNames;
use url::form_urlencoded;
use web::api::{cursor, page_size};
use web::form::keep;
use web::{Context, Problem};

/// The longest name of a country or place that is looked for.
pub(crate) const COUNTRY_CHARS_MAX: usize = 80;
/// The most places of one search.
const PLACES_MAX: usize = 20;
/// The longest list of places.
pub(crate) const PLACES_CHARS_MAX: usize = 400;
/// What separates places in one value.
const SEPARATOR: char = ';';

/// A search, read from the query of a page or of the API.
#[derive(Default)]
pub(crate) struct Search {
    /// What it is narrowed by.
    pub filter: Filter,
    /// The places that it names, as they were typed.
    pub places: Vec<String>,
    /// In which order it answers.
    pub sort: Sort,
    /// Behind which place it goes on.
    pub behind: Option<Cursor>,
    /// Whether it goes back from there instead.
    pub is_backward: bool,
    /// How many items a page has.
    pub limit: u32,
}

/// The fields of a query, without white space around them; those that are empty are left out.
#[derive(Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of an address.
    pub(crate) fn parse(text: &str) -> Query {
        let fields = form_urlencoded::parse(text.as_bytes());
        let trimmed = fields.map(|(field, value)| (field.into_owned(), value.trim().to_owned()));
        Query(trimmed.filter(|(_, value)| !value.is_empty()).collect())
    }

    fn of(cx: &Context<'_>) -> Query {
        Query::parse(cx.request.uri().query().unwrap_or_default())
    }

    /// The value of a field, if it was sent.
    pub(crate) fn first(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every value of a field that can be sent several times.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.0.iter().filter(move |(field, _)| field == name);
        values.map(|(_, value)| value.as_str())
    }
}

/// What is wrong with a query; each field is read by itself, so that all of it is found.
struct Reader<'a> {
    query: &'a Query,
    wrong: Vec<FieldError>,
}

impl Reader<'_> {
    fn read<T>(
        &mut self,
        field: &'static str,
        parse: impl FnOnce(&str) -> Result<T, FieldError>,
    ) -> Option<T> {
        keep(&mut self.wrong, parse(self.query.first(field)?))
    }

    fn flag(&mut self, field: &'static str) -> bool {
        self.read(field, |text| flag(field, text)).unwrap_or(false)
    }

    fn filter(&mut self) -> Filter {
        Filter {
            country: self.read("country", country),
            max_price: self.read("max_price", |text| Usd::parse("max_price", text)),
            min_uptime: self.read("min_uptime", |text| Uptime::parse("min_uptime", text)),
            min_bandwidth: self
                .read("min_bandwidth", |text| Bandwidth::parse("min_bandwidth", text)),
            certified_only: self.flag("certified"),
            automatic_setup: self.flag("automatic_setup"),
            verified_farm: self.flag("verified_farm"),
            min_free: self.read("count", count),
            min_measured: self
                .read("min_measured_uptime", |text| Uptime::parse("min_measured_uptime", text)),
            term: self.read("months", months),
            places: None,
        }
    }

    fn places(&mut self) -> Vec<String> {
        let places = self.query.places("place");
        let is_long = |name: &String| name.chars().count() > COUNTRY_CHARS_MAX;
        if places.len() > PLACES_MAX || places.iter().any(is_long) {
            let rule = "at most 20 places of at most 80 characters each";
            self.wrong.push(FieldError::new("place", rule));
        }
        places
    }

    /// What is looked for, wherever in the list.
    fn search(&mut self) -> Search {
        let filter = self.filter();
        let places = self.places();
        Search {
            filter,
            places,
            sort: self.read("sort", sort).unwrap_or_default(),
            ..Search::default()
        }
    }

    /// What a page makes of a search: a country is one of the places, and what is to run on the
    /// machine is a reason for where it can.
    fn as_page(&mut self, mut search: Search) -> Search {
        let template = self.read("template", template_of);
        search.places.extend(search.filter.country.take());
        // What is set up by hand is set up plainly.
        search.filter.automatic_setup |= template.is_some_and(|it| it.name != "plain");
        search
    }
}

impl Query {
    /// The places that a field names, each once.
    pub(crate) fn places(&self, field: &str) -> Vec<String> {
        let named = self.all(field).flat_map(|text| text.split(SEPARATOR)).map(str::trim);
        let mut places: Vec<String> = Vec::new();
        for name in named.filter(|name| !name.is_empty()) {
            if !places.iter().any(|place| place == name) {
                places.push(name.to_owned());
            }
        }
        places
    }
}

impl Search {
    /// Reads a search, or every field that is wrong.
    pub(crate) fn read(cx: &Context<'_>) -> Result<Search, Vec<FieldError>> {
        let query = Query::of(cx);
        let mut reader = Reader { query: &query, wrong: Vec::new() };
        let search = reader.search();
        search.within(cx, reader.wrong)
    }

    /// The same at the place in the list that the request names, if nothing is wrong.
    fn within(
        self,
        cx: &Context<'_>,
        mut wrong: Vec<FieldError>,
    ) -> Result<Search, Vec<FieldError>> {
        let behind = keep(&mut wrong, cursor(cx, parse_cursor));
        let limit = keep(&mut wrong, page_size(cx));
        match (behind, limit) {
            (Some(behind), Some(limit)) if wrong.is_empty() => Ok(Search {
                behind: behind.map(|(at, _)| at),
                is_backward: behind.is_some_and(|(_, is_backward)| is_backward),
                limit,
                ..self
            }),
            _ => Err(wrong),
        }
    }

    /// Reads what a query of the market's page looks for, wherever in the list, or every field that
    /// is wrong.
    pub(crate) fn of_query(query: &Query) -> Result<Search, Vec<FieldError>> {
        let mut reader = Reader { query, wrong: Vec::new() };
        let search = reader.search();
        let search = reader.as_page(search);
        if reader.wrong.is_empty() { Ok(search) } else { Err(reader.wrong) }
    }

    /// Reads a search of the API.
    pub(crate) fn of_api(cx: &Context<'_>) -> Result<Search, Problem> {
        let mut search = Search::read(cx).map_err(Problem::fields)?;
        search.filter.country = match search.filter.country {
            Some(name) if region::country(&name).is_none() => {
                Some(as_offered(name, &offers::countries(cx.db)?))
            }
            known => known,
        };
        if !search.places.is_empty() {
            let found = offers::places(cx.db, &search.filter, cx.now)?;
            search.locate(&pairs(&found));
        }
        Ok(search)
    }

    /// Reads a search of a page, where a country is one of the places, and what is to run on the
    /// machine is a reason for where it can.
    pub(crate) fn of_page(cx: &Context<'_>) -> Result<Search, Vec<FieldError>> {
        let query = Query::of(cx);
        let mut reader = Reader { query: &query, wrong: Vec::new() };
        let search = reader.search();
        let search = reader.as_page(search);
        search.within(cx, reader.wrong)
    }

    /// Finds the places that it names on the market; answers those that are nowhere.
    pub(crate) fn locate(&mut self, market: &[(String, String)]) -> Vec<String> {
        if self.places.is_empty() {
            return Vec::new();
        }
        let mut places = Places::default();
        let mut unknown = Vec::new();
        for name in &self.places {
            let found = Places::named(name, market);
            if found.is_empty() {
                unknown.push(name.clone());
            }
            places.extend(found);
        }
        // One country has an index of its own.
        let is_country = places.countries.len() == 1 && places.cities.is_empty();
        if is_country && self.filter.country.is_none() {
            self.filter.country = places.countries.pop_first();
        } else {
            self.filter.places = Some(places);
        }
        unknown
    }

    /// Whether a city of a country is where it looks.
    pub(crate) fn has_place(&self, country: &str, city: &str) -> bool {
        let is_country = |name: &String| name.eq_ignore_ascii_case(country);
        self.filter.country.as_ref().is_none_or(is_country)
            && self.filter.places.as_ref().is_none_or(|places| places.has(country, city))
    }

    /// A page of nodes: one more than `limit`, at its far end, if there are more.
    pub(crate) fn nodes(&self, cx: &Context<'_>, limit: u32) -> Result<Vec<Offer>, StoreError> {
        let Search { filter, sort, .. } = self;
        match self.behind {
            Some(before) if self.is_backward => {
                offers::nodes_before(cx.db, filter, *sort, before, limit + 1, cx.now)
            }
            behind => offers::nodes(cx.db, filter, *sort, behind, limit + 1, cx.now),
        }
    }
}

/// A country that only the grid knows, as it is on offer, in any case and with any accents.
fn as_offered(name: String, countries: &[String]) -> String {
    let wanted = fold(&name);
    countries.iter().find(|country| fold(country) == wanted).cloned().unwrap_or(name)
}

fn country(name: &str) -> Result<String, FieldError> {
    if name.chars().count() > COUNTRY_CHARS_MAX {
        return Err(FieldError::new("country", "at most 80 characters"));
    }
    Ok(region::country(name).unwrap_or(name).to_owned())
}

fn flag(field: &'static str, text: &str) -> Result<bool, FieldError> {
    text.parse().map_err(|_| FieldError::new(field, "true or false"))
}

/// How many slices are wanted on one node.
pub(crate) fn count(text: &str) -> Result<u32, FieldError> {
    let count = text.parse().ok().filter(|count| (1..=SLICES_PER_ORDER_MAX).contains(count));
    count.ok_or_else(|| FieldError::new("count", "a whole number, 1 to 50"))
}

/// The term that is wanted.
pub(crate) fn months(text: &str) -> Result<Term, FieldError> {
    let term = text.parse().ok().and_then(|months| Term::from_months(months).ok());
    term.ok_or_else(|| FieldError::new("months", "1, 3, 6 or 12"))
}

/// The template that is wanted.
pub(crate) fn template_of(name: &str) -> Result<&'static Template, FieldError> {
    let found = template::TEMPLATES.iter().find(|template| template.name == name);
    found.ok_or_else(|| FieldError::new("template", "the name of a template"))
}

fn sort(text: &str) -> Result<Sort, FieldError> {
    let rule = || format!("one of {}", Sort::VARIANTS.join(", "));
    text.parse().map_err(|_| FieldError::new("sort", &rule()))
}

/// What a cursor begins with that goes back.
const BACKWARD: char = '<';

/// The place that a cursor names, as text.
pub(crate) fn print_cursor(cursor: Cursor) -> String {
    let Cursor { rank, price_micros, node, slice } = cursor;
    format!("{rank}.{price_micros}.{node}.{slice}")
}

/// The same for the page that ends before it.
pub(crate) fn print_backward(cursor: Cursor) -> String {
    format!("{BACKWARD}{}", print_cursor(cursor))
}

/// Reads a cursor, and whether it goes back.
fn parse_cursor(text: &str) -> Option<(Cursor, bool)> {
    let (text, is_backward) = match text.strip_prefix(BACKWARD) {
        Some(text) => (text, true),
        None => (text, false),
    };
    let mut parts = text.split('.');
    let cursor = Cursor {
        rank: parts.next()?.parse().ok()?,
        price_micros: parts.next()?.parse().ok()?,
        node: parts.next()?.parse().ok()?,
        slice: parts.next()?.parse().ok()?,
    };
    parts.next().is_none().then_some((cursor, is_backward))
}

/// The pairs of country and city of a market.
pub(crate) fn pairs(found: &[offers::OfferedPlace]) -> Vec<(String, String)> {
    found.iter().map(|it| (it.country.clone(), it.city.clone())).collect()
}
