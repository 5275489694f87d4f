//! What agents of farms do: they lease jobs, report on them, and complete or fail them.

pub(crate) mod json;

use domain::id::{ActionId, JobId};
use domain::machine_action::MachineAction;
use domain::provisioning::{JobKind, Report};
use domain::ssh::Access;
use http::StatusCode;
use store::jobs::{self, Agent, JobReport};
use store::machine_actions::{self, ActionEnd, ActionReport};
use web::{Context, Problem, Response, respond};

use crate::access::seal_access;
use crate::agent::json::{
    AccessBody, CompleteBody, FailBody, LeaseBody, ProgressBody, ReportAnswer, Subject,
};
use crate::waiting::{JobWait, farm_of};

pub(crate) fn lease(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: LeaseBody = web::json::body(cx.request)?;
    let (name, seconds) = body.read().map_err(Problem::fields)?;
    let wait = JobWait::new(cx, name, seconds)?;
    jobs::see(cx.db, &wait.agent(), cx.now)?;
    wait.begin(cx)
}

pub(crate) fn progress(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: ProgressBody = web::json::body(cx.request)?;
    let step = body.read()?;
    report(cx, body.fence, Report::Progress(step), None, Why::default())
}

pub(crate) fn complete(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CompleteBody = web::json::body(cx.request)?;
    let access = body.access.as_ref().map(AccessBody::read).transpose().map_err(Problem::fields)?;
    report(cx, body.fence, Report::Complete, access.as_ref(), Why::default())
}

pub(crate) fn fail(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: FailBody = web::json::body(cx.request)?;
    let (reason, log) = (body.short_reason(), body.short_log());
    let why = Why { reason: Some(&reason), log: log.as_deref() };
    report(cx, body.fence, Report::Fail { retry: body.retry }, None, why)
}

/// Why a job failed.
#[derive(Clone, Copy, Default)]
struct Why<'a> {
    reason: Option<&'a str>,
    log: Option<&'a str>,
}

/// Takes a report on a job or an action over.
fn report(
    cx: &Context<'_>,
    fence: u32,
    report: Report,
    access: Option<&Access>,
    Why { reason, log }: Why<'_>,
) -> Result<Response, Problem> {
    let agent = agent(cx)?;
    let until = match Subject::parse(cx.param("job"))? {
        Subject::Job(job) => {
            let sealed = match report {
                Report::Complete => sealed(cx, &job, access)?,
                Report::Progress(_) | Report::Fail { .. } => None,
            };
            let sealed = sealed.as_deref();
            let job_report = JobReport { job: &job, fence, report, sealed, reason, log };
            jobs::report(cx.db, &agent, &job_report, cx.now)?
        }
        Subject::Action(action) => {
            let (kind, sealed) = match report {
                Report::Complete => sealed_anew(cx, action, access)?,
                Report::Progress(_) | Report::Fail { .. } => (None, None),
            };
            let end = match (kind, sealed.as_deref()) {
                (_, Some(sealed)) => ActionEnd::Rebuilt(sealed),
                (Some(MachineAction::SetKeys), None) => {
                    ActionEnd::KeysChanged(ActionId::from_random(cx.now, cx.random.id()))
                }
                (_, None) => ActionEnd::Plain,
            };
            let action_report = ActionReport { action, fence, report, end, reason };
            machine_actions::report(cx.db, &agent, &action_report, cx.now)?
        }
    };
    respond::json(StatusCode::OK, &ReportAnswer { lease_expires_at: until.to_string() })
}

/// How the machine of a job that is done is reached, sealed; `None` where it was removed.
fn sealed(
    cx: &Context<'_>,
    job: &JobId,
    access: Option<&Access>,
) -> Result<Option<Vec<u8>>, Problem> {
    let known = jobs::find(cx.db, &agent(cx)?, job)?.ok_or_else(Problem::not_found)?;
    match (known.kind, access) {
        (JobKind::Create, Some(access)) => {
            seal_access(&cx.keys()?, job, access, cx.random.bytes()).map(Some)
        }
        (JobKind::Remove, None) => Ok(None),
        (JobKind::Create, None) => Err(wrong_access("how the machine is reached")),
        (JobKind::Remove, Some(_)) => Err(wrong_access("none: the machine is gone")),
    }
}

/// What is done by an action, and how a machine that was made anew is reached, sealed; `None` of
/// all others.
fn sealed_anew(
    cx: &Context<'_>,
    action: ActionId,
    access: Option<&Access>,
) -> Result<(Option<MachineAction>, Option<Vec<u8>>), Problem> {
    let found = machine_actions::subject(cx.db, &agent(cx)?, action)?;
    let (kind, job) = found.ok_or_else(Problem::not_found)?;
    match (kind, access) {
        (MachineAction::Rebuild, Some(access)) => {
            let sealed = seal_access(&cx.keys()?, &job, access, cx.random.bytes())?;
            Ok((Some(kind), Some(sealed)))
        }
        (MachineAction::Rebuild, None) => Err(wrong_access("how the machine is reached")),
        (_, None) => Ok((Some(kind), None)),
        (_, Some(_)) => Err(wrong_access("none of this action")),
    }
}

fn wrong_access(rule: &str) -> Problem {
    domain::field::FieldError::new("access", rule).into()
}

/// Who reports: the fence tells which agent of the farm it is.
fn agent<'a>(cx: &Context<'_>) -> Result<Agent<'a>, Problem> {
    let identity = cx.account()?;
    let (farm, token) = (farm_of(cx)?, identity.token());
    Ok(Agent { farmer: identity.account, farm, name: "", token })
}
