//! The operator's page of incidents, `/operator/incidents`.

use askama::Template;
use domain::time::Timestamp;
use serde::Deserialize;
use store::incidents::Incident;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, sent};
use web::page::{Field, Frame, Section};

use crate::incidents::json::IncidentBody;

/// What `operator_incidents.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "incidents/operator_incidents.html")]
pub(crate) struct OperatorIncidents {
    /// What surrounds the page.
    pub frame: Frame,
    /// A form for a new one, and behind it one for each incident, the latest first.
    pub forms: Vec<IncidentFields>,
}

/// The form of an incident.
#[derive(Clone, Debug)]
pub(crate) struct IncidentFields {
    /// Its id; empty for a new one.
    pub id: String,
    /// Where it posts.
    pub url: String,
    /// Whether it goes on.
    pub is_open: bool,
    /// Whether it is shown unfolded, as a new one and one that was refused are.
    pub is_unfolded: bool,
    /// `title`
    pub title: Field,
    /// `text`
    pub text: Field,
    /// `started_at`, as a browser's field for date and time has it.
    pub started_at: Field,
    /// `ended_at`, the same; empty while it goes on.
    pub ended_at: Field,
    /// Why nothing was saved, when it is not about one field.
    pub error: Option<String>,
}

const FIELDS: [&str; 4] = ["title", "text", "started_at", "ended_at"];

impl OperatorIncidents {
    /// Every incident, and a form for a new one that begins now.
    pub(crate) fn new(visit: &Visit<'_>, incidents: &[Incident]) -> OperatorIncidents {
        let new = IncidentFields {
            id: String::new(),
            url: "/operator/incidents".to_owned(),
            is_open: true,
            is_unfolded: true,
            title: Field::default(),
            text: Field::default(),
            started_at: Field::new(local(visit.now)),
            ended_at: Field::default(),
            error: None,
        };
        let known = incidents.iter().map(IncidentFields::new);
        OperatorIncidents {
            frame: visit.frame("Incidents", Section::Operator),
            forms: [new].into_iter().chain(known).collect(),
        }
    }

    /// The same after the form of one was refused.
    pub(crate) fn refused(mut self, id: &str, form: &Form, problem: &Problem) -> OperatorIncidents {
        if let Some(fields) = self.forms.iter_mut().find(|fields| fields.id == id) {
            let wrong = &problem.fields;
            fields.is_unfolded = true;
            fields.title = sent(form, "title", wrong);
            fields.text = sent(form, "text", wrong);
            fields.started_at = sent(form, "started_at", wrong);
            fields.ended_at = sent(form, "ended_at", wrong);
            fields.error = error_above(problem, &FIELDS);
        }
        self
    }
}

impl IncidentFields {
    fn new(incident: &Incident) -> IncidentFields {
        IncidentFields {
            id: incident.id.to_string(),
            url: format!("/operator/incidents/{}", incident.id),
            is_open: incident.ended_at.is_none(),
            is_unfolded: false,
            title: Field::new(incident.title.clone()),
            text: Field::new(incident.text.clone()),
            started_at: Field::new(local(incident.started_at)),
            ended_at: Field::new(incident.ended_at.map(local).unwrap_or_default()),
            error: None,
        }
    }
}

/// A time in UTC as a browser's field for date and time has it, such as `2026-07-29T12:00`.
fn local(at: Timestamp) -> String {
    at.to_string().get(.."2026-07-29T12:00".len()).unwrap_or_default().to_owned()
}

/// The form of an incident, with its times as a browser's field has them.
#[derive(Deserialize)]
pub(crate) struct IncidentForm {
    title: String,
    text: String,
    started_at: String,
    #[serde(default)]
    ended_at: String,
}

impl IncidentForm {
    /// What the API takes.
    pub(crate) fn body(self) -> IncidentBody {
        let instant = |text: &str| {
            let seconds = if text.matches(':').count() == 1 { ":00" } else { "" };
            format!("{text}{seconds}Z")
        };
        IncidentBody {
            title: self.title,
            text: self.text,
            started_at: instant(self.started_at.trim()),
            ended_at: Some(self.ended_at.trim()).filter(|it| !it.is_empty()).map(instant),
        }
    }
}
