//! The page of saved searches, `/dashboard/searches`.

use askama::Template;
use store::saved_searches::{SAVED_SEARCHES_MAX, SavedSearch};
use store::waitlist::Entry;
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::page::{Frame, Moment, Section};
use web::text::sentence;

use crate::searches::json::market_url;
use crate::searches::normal::NormalSearch;
use crate::waitlist::page::WaitlistRow;

/// What `searches.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "searches/searches.html")]
pub(crate) struct Searches {
    /// What surrounds the page.
    pub frame: Frame,
    /// The searches, the latest first.
    pub searches: Vec<SearchRow>,
    /// The lines that its account is in.
    pub waitlist: Vec<WaitlistRow>,
    /// How many can be saved.
    pub searches_max: u32,
    /// Why nothing was saved.
    pub error: Option<String>,
}

/// A saved search.
#[derive(Clone, Debug)]
pub(crate) struct SearchRow {
    /// Its id, to name its fields.
    pub id: String,
    /// The page of the market that shows what it finds.
    pub market_url: String,
    /// Where its forms post.
    pub url: String,
    /// What its account calls it.
    pub name: String,
    /// What it looks for.
    pub about: String,
    /// Whether its account is notified.
    pub is_on: bool,
    /// When it was saved.
    pub since: Moment,
    /// Why its name was not changed.
    pub error: Option<String>,
}

impl Searches {
    /// The searches of an account.
    pub(crate) fn new(visit: &Visit<'_>, searches: &[SavedSearch], waitlist: &[Entry]) -> Searches {
        Searches {
            frame: visit.frame("Saved searches", Section::Marketplace),
            searches: searches.iter().map(SearchRow::new).collect(),
            waitlist: waitlist.iter().map(WaitlistRow::new).collect(),
            searches_max: SAVED_SEARCHES_MAX,
            error: None,
        }
    }

    /// The same after nothing was saved: of the search `id`, or of a new one.
    pub(crate) fn refused(mut self, id: &str, problem: &Problem) -> Searches {
        let error = match problem.fields.first() {
            Some(wrong) => sentence(&wrong.rule),
            None => sentence(&problem.detail),
        };
        match self.searches.iter_mut().find(|search| search.id == id) {
            Some(search) => search.error = Some(error),
            None => self.error = Some(error),
        }
        self
    }
}

impl SearchRow {
    fn new(search: &SavedSearch) -> SearchRow {
        let about = NormalSearch::parse(&search.query).map(|normal| normal.about);
        SearchRow {
            id: search.id.to_string(),
            market_url: market_url(&search.query),
            url: format!("/dashboard/searches/{}", search.id),
            name: search.name.clone(),
            about: about.unwrap_or_default(),
            is_on: search.is_on,
            since: moment::on_day(search.created_at),
            error: None,
        }
    }
}
