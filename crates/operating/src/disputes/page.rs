//! The page `/operator/disputes`.

use askama::Template;
use store::disputes::Case;
use ui::sla::{CREDITS_PER_PAGE, SlaResultRow};
use ui::visit::Visit;
use web::Problem;
use web::api::PageOf;
use web::page::{Frame, Section};
use web::text::sentence;

/// What `operator_disputes.html` shows: the disputes that are open.
#[derive(Clone, Debug, Template)]
#[template(path = "disputes/operator_disputes.html")]
pub(crate) struct OperatorDisputes {
    /// What surrounds the page.
    pub frame: Frame,
    /// Why a dispute was not decided.
    pub error: Option<String>,
    /// One page of disputes, the oldest first.
    pub cases: Vec<CaseRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// A dispute, as the operator decides it.
#[derive(Clone, Debug)]
pub(crate) struct CaseRow {
    /// What it is about.
    pub sla_result: SlaResultRow,
    /// Where the form posts.
    pub url: String,
    /// The dispute's id.
    pub id: String,
    /// `credit_usd`: what the renter has by now.
    pub credit: String,
    /// The most that can be credited, such as `$25.00`.
    pub most: String,
}

/// Where the operator's list is.
const DISPUTES: &str = "/operator/disputes";

impl OperatorDisputes {
    /// A page of the disputes that are open: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<Case>) -> OperatorDisputes {
        let place = |case: &Case| case.dispute.id.to_string();
        let page = PageOf::new(visit.search, found, CREDITS_PER_PAGE, place, CaseRow::new);
        OperatorDisputes {
            frame: visit.frame("Disputes", Section::Operator),
            error: None,
            cases: page.items,
            next_page: visit.next_page(DISPUTES, page.next_cursor),
        }
    }

    /// The same after a dispute was not decided.
    #[must_use]
    pub(crate) fn refused(mut self, problem: &Problem) -> OperatorDisputes {
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl CaseRow {
    pub(crate) fn new(case: &Case) -> CaseRow {
        let id = case.dispute.id.to_string();
        CaseRow {
            sla_result: SlaResultRow::new(&case.sla_result),
            url: format!("{DISPUTES}/{id}/decide"),
            credit: case.sla_result.paid.to_string(),
            most: case.sla_result.base.for_people(),
            id,
        }
    }
}
