//! Agents report how their machines are, and learn which machines they should have.

pub(crate) mod json;

use domain::id::ActionId;
use domain::machine::Observation;
use http::StatusCode;
use store::jobs::{self, Agent};
use store::machine_actions;
use store::machines::{self, Report, Watched};
use web::{Context, Problem, Response, respond};

use crate::reports::json::{MachinesAnswer, ReportBody, ReportedMachine};
use crate::waiting::farm_of;

pub(crate) fn report(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ReportBody = web::json::body(cx.request)?;
    let (name, reported) = body.read().map_err(Problem::fields)?;
    let identity = cx.account()?;
    let (farm, token) = (farm_of(cx)?, identity.token());
    let agent = Agent { farmer: identity.account, farm, name, token };
    jobs::see(cx.db, &agent, cx.now)?;
    let watched = machines::watched(cx.db, &agent)?;
    // A machine that is not the agent's any more, such as one that is being removed, is left out.
    let reports: Vec<_> = reported.iter().filter_map(|it| report_of(&watched, it)).collect();
    machines::report(cx.db, &reports, cx.now)?;
    for off in reports.iter().filter(|it| it.observation == Observation::Off) {
        let id = ActionId::from_random(cx.now, cx.random.id());
        machine_actions::start_again(cx.db, id, &off.watched.job, cx.now)?;
    }
    respond::json(StatusCode::OK, &MachinesAnswer::new(&watched))
}

fn report_of<'a>(watched: &'a [Watched], reported: &ReportedMachine) -> Option<Report<'a>> {
    let is_it = |it: &&Watched| it.rental == reported.rental && it.slice == reported.slice;
    let watched = watched.iter().find(is_it)?;
    Some(Report { watched, observation: reported.observation, can: reported.can })
}
