//! The sentence that searches the market: how many slices, where, for how long, with what, and at
//! what price. The form around it leads to the marketplace.

use domain::field::FieldError;
use domain::template::TEMPLATES;
use domain::term::Term;
use strum::VariantArray;
use web::form::error_of;
use web::page::{Choice, Field};

use crate::visit::Visit;
use crate::wording::term;

/// What `composer.html` shows; its names are those of the query string.
#[derive(Clone, Debug, Default)]
pub struct Composer {
    /// `count`: slices on one node.
    pub count: Field,
    /// `place`: a continent, country or city.
    pub place: Field,
    /// Places to suggest while typing.
    pub suggestions: Vec<String>,
    /// `months`: every term, and any.
    pub months: Vec<Choice>,
    /// `template`: every template, and any.
    pub templates: Vec<Choice>,
    /// `max_price`: US dollars per slice and month.
    pub max_price: Field,
}

impl Composer {
    /// The sentence of a visit, with `place` in it.
    pub fn new(
        visit: &Visit<'_>,
        place: String,
        suggestions: Vec<String>,
        wrong: &[FieldError],
    ) -> Composer {
        let field = |name| Field { value: visit.query(name), error: error_of(wrong, name) };
        let wrong_place = error_of(wrong, "place").or_else(|| error_of(wrong, "country"));
        let chosen = |name: &str, value: &str| visit.query(name) == value;
        let any = |name: &str, label: &str| Choice {
            value: String::new(),
            label: label.to_owned(),
            is_chosen: chosen(name, ""),
        };
        let of_term = |of: &Term| {
            let value = of.months().to_string();
            Choice { is_chosen: chosen("months", &value), value, label: term(*of) }
        };
        let of_template = |template: &domain::template::Template| Choice {
            value: template.name.to_owned(),
            label: template.title.to_owned(),
            is_chosen: chosen("template", template.name),
        };
        Composer {
            count: field("count"),
            place: Field { value: place, error: wrong_place },
            suggestions,
            months: [any("months", "any term")]
                .into_iter()
                .chain(Term::VARIANTS.iter().map(of_term))
                .collect(),
            templates: [any("template", "anything")]
                .into_iter()
                .chain(TEMPLATES.iter().map(of_template))
                .collect(),
            max_price: field("max_price"),
        }
    }

    /// Whether something in it could not be used.
    pub fn has_error(&self) -> bool {
        [&self.count, &self.place, &self.max_price].iter().any(|field| field.error.is_some())
    }
}
