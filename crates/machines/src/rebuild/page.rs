//! The page `/dashboard/slices/{rental}/rebuild`.

use askama::Template;
use domain::capability::Capability;
use domain::id::RentalId;
use domain::template::TEMPLATES;
use store::jobs::Machine;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, sent};
use web::page::{Choice, Field, Frame, Section};
use web::text::sentence;

/// What `rebuild.html` shows: what a machine is made anew with, to confirm.
#[derive(Clone, Debug, Template)]
#[template(path = "rebuild/rebuild.html")]
pub(crate) struct RebuildPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The rental's page.
    pub rental_url: String,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// Hidden field `slice`.
    pub slice: u32,
    /// Hidden field `idempotency_key`.
    pub idempotency_key: String,
    /// `template`: empty for the image as it is; none where the farm takes no documents.
    pub templates: Vec<Choice>,
    /// `user_data`
    pub user_data: Field,
    /// Why nothing was done.
    pub error: Option<String>,
}

impl RebuildPage {
    /// The page of a machine.
    pub(crate) fn new(visit: &Visit<'_>, rental: RentalId, machine: &Machine) -> RebuildPage {
        let image = Choice {
            value: String::new(),
            label: "None: the farm's image, or your own user data".to_owned(),
            is_chosen: true,
        };
        let template = |template: &domain::template::Template| Choice {
            value: template.name.to_owned(),
            label: format!("{}: {}", template.title, template.about),
            is_chosen: false,
        };
        let templates = [image].into_iter().chain(TEMPLATES.iter().map(template));
        let takes_documents = machine.can(Capability::UserData);
        RebuildPage {
            frame: visit.frame("Rebuild machine", Section::Slices),
            rental_url: format!("/dashboard/slices/{rental}"),
            slice_id: machine.slice.to_string(),
            slice: machine.slice.number,
            idempotency_key: visit.request_id.to_owned(),
            templates: if takes_documents { templates.collect() } else { Vec::new() },
            user_data: Field::new(""),
            error: None,
        }
    }

    /// The same after nothing was done.
    #[must_use]
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> RebuildPage {
        for template in &mut self.templates {
            template.is_chosen = template.value == form.text("template");
        }
        self.user_data = sent(form, "user_data", &problem.fields);
        self.error = error_above(problem, &["user_data"]);
        if problem.fields.is_empty() {
            self.error = Some(sentence(problem.detail.clone()));
        }
        self
    }
}
