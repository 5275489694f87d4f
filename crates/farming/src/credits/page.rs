//! The page `/dashboard/farm/credits`: the SLA credits that a farm owes its renters.

use askama::Template;
use domain::evaluation::DisputeSide;
use store::sla_results::{Cursor, SlaResult};
use ui::sla::{CREDITS_PER_PAGE, SlaResultRow, refuse};
use ui::sla_json::print_cursor;
use ui::visit::Visit;
use web::Problem;
use web::api::PageOf;
use web::form::{Form, error_above};
use web::page::{Frame, Section};

/// What `credits.html` shows: the months for which a farmer's renters were credited.
#[derive(Clone, Debug, Template)]
#[template(path = "credits/credits.html")]
pub(crate) struct Credits {
    /// What surrounds the page.
    pub frame: Frame,
    /// Why nothing was disputed, when it is not about the text.
    pub error: Option<String>,
    /// One page of months, the last evaluated first.
    pub months: Vec<SlaResultRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// Where the farmer's list is.
const CREDITS: &str = "/dashboard/farm/credits";

impl Credits {
    /// A page of months for which renters were credited: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<SlaResult>) -> Credits {
        let place = |sla_result: &SlaResult| print_cursor(Cursor::after(sla_result));
        let row = |it: &SlaResult| SlaResultRow::for_side(it, DisputeSide::Farmer, visit.now);
        let page = PageOf::new(visit.search, found, CREDITS_PER_PAGE, place, row);
        Credits {
            frame: visit.frame("SLA credits", Section::Farm),
            error: None,
            months: page.items,
            next_page: visit.next_page(CREDITS, page.next_cursor),
        }
    }

    /// The same after a month was not disputed.
    #[must_use]
    pub(crate) fn not_disputed(mut self, form: &Form, problem: &Problem, path: &str) -> Credits {
        refuse(&mut self.months, form, problem, path);
        self.error = error_above(problem, &["text"]);
        self
    }
}
