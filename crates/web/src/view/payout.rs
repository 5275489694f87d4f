//! Fills the page that says where a farmer is paid to.

use store::accounts::Grant;

use crate::form::Form;
use crate::page::{Field, Payout, Section};
use crate::problem::Problem;
use crate::view::visit::Visit;
use crate::view::wording::{error_above, sent};

impl Payout {
    /// Where the farmer is paid to now. A browser that has shown a second factor can set it.
    pub fn new(visit: &Visit<'_>, address: Option<String>) -> Payout {
        let grant = visit.viewer.map(|viewer| &viewer.identity.grant);
        let is_strong = matches!(grant, Some(Grant::Session { is_strong: true, .. }));
        Payout {
            frame: visit.frame("Payout address", Section::Farm),
            payout_address: Field::new(address.unwrap_or_default()),
            is_locked: !is_strong,
            error: None,
        }
    }

    /// The same after nothing was set.
    pub fn refused(mut self, form: &Form, problem: &Problem) -> Payout {
        self.payout_address = sent(form, "payout_address", &problem.fields);
        self.error = error_above(problem, &["payout_address"]);
        self
    }
}
