//! Where a farmer is paid to, `/dashboard/farm/payout`.

use askama::Template;
use domain::factor::Verification;
use store::accounts::Grant;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, sent};
use web::page::{Field, Frame, Section};

/// What `payout.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "payout/payout.html")]
pub(crate) struct Payout {
    /// What surrounds the page.
    pub frame: Frame,
    /// `payout_address`: where the farmer is paid to.
    pub payout_address: Field,
    /// Whether a second factor has to be shown first.
    pub is_locked: bool,
    /// Why nothing was set, when it is not about the field.
    pub error: Option<String>,
}

impl Payout {
    /// Where the farmer is paid to now. A browser that has shown a second factor lately can set it.
    pub(crate) fn new(visit: &Visit<'_>, address: Option<String>) -> Payout {
        let grant = visit.viewer.map(|viewer| &viewer.identity.grant);
        let is_recent = |verified_at, is_strong| {
            is_strong && Verification { verified_at, is_strong }.is_recent(visit.now)
        };
        let may_set = matches!(grant, Some(Grant::Session { verified_at, is_strong, .. })
            if is_recent(*verified_at, *is_strong));
        Payout {
            frame: visit.frame("Payout address", Section::Farm),
            payout_address: Field::new(address.unwrap_or_default()),
            is_locked: !may_set,
            error: None,
        }
    }

    /// The same after nothing was set.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Payout {
        self.payout_address = sent(form, "payout_address", &problem.fields);
        self.error = error_above(problem, &["payout_address"]);
        self
    }
}
