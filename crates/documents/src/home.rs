//! The landing page, `/`.

use askama::Template;
use domain::region::CONTINENTS;
use domain::term::Term;
use strum::VariantArray;
use ui::composer::Composer;
use ui::visit::Visit;
use ui::wording::{discount, term};
use web::page::{Frame, Section};

/// What `home.html` shows: what a slice is, how renting and farming work, what they cost.
#[derive(Clone, Debug, Template)]
#[template(path = "home.html")]
pub(crate) struct Home {
    /// What surrounds the page.
    pub frame: Frame,
    /// The sentence that searches the market.
    pub composer: Composer,
    /// The share of each payment that the marketplace keeps, such as `10%`.
    pub platform_fee: String,
    /// The terms on offer, shortest first.
    pub terms: Vec<TermFact>,
}

/// A term and what choosing it saves.
#[derive(Clone, Debug)]
pub(crate) struct TermFact {
    /// Such as `3 months`.
    pub term: String,
    /// Such as `5% off`, or `full price`.
    pub discount: String,
}

impl Home {
    /// The landing page.
    pub(crate) fn new(visit: &Visit<'_>) -> Home {
        let fact = |of: Term| TermFact {
            term: term(of),
            discount: discount(of).unwrap_or_else(|| "full price".to_owned()),
        };
        // Countries are known to the market alone: this page asks no database.
        let places = CONTINENTS.iter().map(|name| (*name).to_owned()).collect();
        Home {
            frame: visit.frame("Servers, by the slice", Section::Elsewhere),
            composer: Composer::new(visit, String::new(), places, &[]),
            platform_fee: format!("{}%", visit.platform_fee),
            terms: Term::VARIANTS.iter().copied().map(fact).collect(),
        }
    }
}
