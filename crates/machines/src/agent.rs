//! What agents of farms do: they lease jobs, report on them, and complete or fail them.

pub(crate) mod json;

use domain::provisioning::{JobKind, Report};
use http::StatusCode;
use store::jobs::{self, Agent, JobReport};
use web::{Context, Problem, Response, respond};

use crate::access::seal_access;
use crate::agent::json::{CompleteBody, FailBody, LeaseBody, ProgressBody, ReportAnswer, job_id};
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
    let job = job_id(cx.param("job"))?;
    let report = Report::Progress(step);
    report_job(cx, &JobReport { job: &job, fence: body.fence, report, sealed: None, reason: None })
}

pub(crate) fn complete(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: CompleteBody = web::json::body(cx.request)?;
    let job = job_id(cx.param("job"))?;
    let known = jobs::find(cx.db, &agent(cx)?, &job)?.ok_or_else(Problem::not_found)?;
    let sealed = match (known.kind, &body.access) {
        (JobKind::Create, Some(access)) => {
            let access = access.read().map_err(Problem::fields)?;
            Some(seal_access(&cx.keys()?, &job, &access, cx.random.bytes())?)
        }
        (JobKind::Remove, None) => None,
        (JobKind::Create, None) => return Err(wrong_access("how the machine is reached")),
        (JobKind::Remove, Some(_)) => return Err(wrong_access("none: the machine is gone")),
    };
    let (fence, report) = (body.fence, Report::Complete);
    report_job(cx, &JobReport { job: &job, fence, report, sealed: sealed.as_deref(), reason: None })
}

fn wrong_access(rule: &str) -> Problem {
    domain::field::FieldError::new("access", rule).into()
}

pub(crate) fn fail(cx: &Context<'_>) -> Result<Response, Problem> {
    let body: FailBody = web::json::body(cx.request)?;
    let job = job_id(cx.param("job"))?;
    let (reason, report) = (body.short_reason(), Report::Fail { retry: body.retry });
    let reason = Some(reason.as_str());
    report_job(cx, &JobReport { job: &job, fence: body.fence, report, sealed: None, reason })
}

fn report_job(cx: &Context<'_>, job_report: &JobReport<'_>) -> Result<Response, Problem> {
    let until = jobs::report(cx.db, &agent(cx)?, job_report, cx.now)?;
    respond::json(StatusCode::OK, &ReportAnswer { lease_expires_at: until.to_string() })
}

/// Who reports: the fence tells which agent of the farm it is.
fn agent<'a>(cx: &Context<'_>) -> Result<Agent<'a>, Problem> {
    let identity = cx.account()?;
    let (farm, token) = (farm_of(cx)?, identity.token());
    Ok(Agent { farmer: identity.account, farm, name: "", token })
}
