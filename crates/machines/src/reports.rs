//! Agents report how their machines are, and learn which machines they should have.

pub(crate) mod json;

use domain::id::ActionId;
use domain::machine::Observation;
use domain::ssh::{Access, Endpoint};
use http::StatusCode;
use store::access::{self, AccessChange};
use store::agents;
use store::jobs::{self, Agent};
use store::machine_actions;
use store::machines::{self, Report, Watched};
use web::{Context, Problem, Response, respond};

use crate::access::{open_access, seal_access};
use crate::reports::json::{MachinesAnswer, ReportBody, Reported, ReportedMachine};
use crate::waiting::farm_of;

pub(crate) fn report(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ReportBody = web::json::body(cx.request)?;
    let Reported { name, disk, machines: reported } = body.read().map_err(Problem::fields)?;
    let identity = cx.account()?;
    let (farm, token) = (farm_of(cx)?, identity.token());
    let agent = Agent { farmer: identity.account, farm, name, token };
    jobs::see(cx.db, &agent, cx.now)?;
    if let Some(disk) = disk {
        agents::report_disk(cx.db, &agent, disk, cx.now)?;
    }
    let watched = machines::watched(cx.db, &agent)?;
    // A machine that is not the agent's any more, such as one that is being removed, is left out.
    let reports: Vec<_> = reported.iter().filter_map(|it| report_of(&watched, it)).collect();
    machines::report(cx.db, &reports, cx.now)?;
    change_access(cx, &watched, &reported)?;
    for off in reports.iter().filter(|it| it.observation == Observation::Off) {
        let id = ActionId::from_random(cx.now, cx.random.id());
        machine_actions::start_again(cx.db, id, &off.watched.job, cx.now)?;
    }
    respond::json(StatusCode::OK, &MachinesAnswer::new(&watched))
}

/// Takes over how machines are reached now, and notifies the renters of those that have moved.
fn change_access(
    cx: &Context<'_>,
    watched: &[Watched],
    reported: &[ReportedMachine],
) -> Result<(), Problem> {
    let mut changes = Vec::new();
    for machine in reported {
        if let (Some(watched), Some(endpoint)) = (find(watched, machine), &machine.endpoint) {
            changes.extend(access_change(cx, watched, endpoint)?);
        }
    }
    Ok(access::change(cx.db, &changes, cx.now)?)
}

fn access_change<'a>(
    cx: &Context<'_>,
    watched: &'a Watched,
    endpoint: &Endpoint,
) -> Result<Option<AccessChange<'a>>, Problem> {
    let Watched { job, sealed: Some(was), .. } = watched else { return Ok(None) };
    let keys = cx.keys()?;
    let known = open_access(&keys, job, was)?;
    if known.endpoint == *endpoint {
        return Ok(None);
    }
    let has_moved = known.endpoint.has_moved(endpoint);
    let access = Access { endpoint: endpoint.clone(), ..known };
    let sealed = seal_access(&keys, job, &access, cx.random.bytes())?;
    Ok(Some(AccessChange { job, was, sealed, has_moved }))
}

fn find<'a>(watched: &'a [Watched], reported: &ReportedMachine) -> Option<&'a Watched> {
    watched.iter().find(|it| it.rental == reported.rental && it.slice == reported.slice)
}

fn report_of<'a>(watched: &'a [Watched], reported: &ReportedMachine) -> Option<Report<'a>> {
    let watched = find(watched, reported)?;
    Some(Report {
        watched,
        observation: reported.observation,
        can: reported.can,
        usage: reported.usage,
    })
}
