//! What operators say on the status page of something that went wrong; for the API and the page.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::field::FieldError;
use domain::id::IncidentId;
use domain::time::Timestamp;
use http::StatusCode;
use store::incidents::{self, INCIDENTS_MAX, Incident};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Problem, Response, respond};

use crate::incidents::json::{IncidentBody, IncidentView, IncidentsView, incident_id};
use crate::incidents::page::{IncidentForm, OperatorIncidents};

/// Where the operator's page is.
const PAGE: &str = "/operator/incidents";

fn all(cx: &Context<'_>) -> Result<Vec<Incident>, Problem> {
    Ok(incidents::since(cx.db, Timestamp::from_seconds(0))?)
}

fn create(cx: &Context<'_>, body: &IncidentBody) -> Result<Incident, Problem> {
    let incident = body.read(IncidentId::from_random(cx.now, cx.random.id()), cx.now)?;
    if !incidents::add(cx.db, &incident)? {
        let rule = format!("one of at most {INCIDENTS_MAX} incidents; remove old ones first");
        return Err(Problem::fields(vec![FieldError { field: "title", rule }]));
    }
    cx.audit(Action::IncidentPublished, None, &incident.id.to_string())?;
    Ok(incident)
}

fn change(cx: &Context<'_>, body: &IncidentBody) -> Result<Incident, Problem> {
    let incident = body.read(incident_id(cx.param("incident"))?, cx.now)?;
    if !incidents::change(cx.db, &incident)? {
        return Err(Problem::not_found());
    }
    cx.audit(Action::IncidentPublished, None, &incident.id.to_string())?;
    Ok(incident)
}

fn remove(cx: &Context<'_>) -> Result<(), Problem> {
    let id = incident_id(cx.param("incident"))?;
    if !incidents::remove(cx.db, id)? {
        return Err(Problem::not_found());
    }
    Ok(cx.audit(Action::IncidentRemoved, None, &id.to_string())?)
}

pub(crate) fn list_incidents(cx: &Context<'_>) -> Result<Response, Problem> {
    let items = all(cx)?.iter().map(IncidentView::new).collect();
    respond::json(StatusCode::OK, &IncidentsView { items })
}

pub(crate) fn create_incident(cx: &Context<'_>) -> Result<Response, Problem> {
    let incident = create(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &IncidentView::new(&incident))
}

pub(crate) fn change_incident(cx: &Context<'_>) -> Result<Response, Problem> {
    let incident = change(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::OK, &IncidentView::new(&incident))
}

pub(crate) fn remove_incident(cx: &Context<'_>) -> Result<Response, Problem> {
    remove(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &OperatorIncidents::new(&Visit::of(cx)?, &all(cx)?))
}

pub(crate) fn create_form(cx: &Context<'_>) -> Result<Response, Problem> {
    saved(cx, "", create)
}

pub(crate) fn change_form(cx: &Context<'_>) -> Result<Response, Problem> {
    saved(cx, cx.param("incident"), change)
}

/// Saves the form of an incident, whose id is empty for a new one.
fn saved(
    cx: &Context<'_>,
    id: &str,
    save: fn(&Context<'_>, &IncidentBody) -> Result<Incident, Problem>,
) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body: IncidentForm| save(cx, &body.body())) {
        Ok(_) => Ok(respond::see_other(&Done::IncidentPublished.at(PAGE))),
        Err(problem) => form::refused(problem, |problem| {
            Ok(OperatorIncidents::new(&Visit::of(cx)?, &all(cx)?).refused(id, &form, problem))
        }),
    }
}

pub(crate) fn remove_form(cx: &Context<'_>) -> Result<Response, Problem> {
    remove(cx)?;
    Ok(respond::see_other(&Done::IncidentRemoved.at(PAGE)))
}
