//! Fills the landing page.

use domain::term::Term;

use crate::page::{Home, Section, TermFact};
use crate::view::visit::Visit;
use crate::view::wording::{discount, term};

impl Home {
    /// The landing page.
    pub fn new(visit: &Visit<'_>) -> Home {
        let fact = |of: Term| TermFact {
            term: term(of),
            discount: discount(of).unwrap_or_else(|| "full price".to_owned()),
        };
        Home {
            frame: visit.frame("Servers, by the slice", Section::Elsewhere),
            platform_fee: format!("{}%", visit.platform_fee),
            terms: Term::ALL.map(fact).into(),
        }
    }
}
