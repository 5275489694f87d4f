//! How the sync and recurring jobs go, for the API and the pages alike.

pub(crate) mod json;
pub(crate) mod page;

use http::StatusCode;
use store::{job_runs, sync, sync_runs};
use ui::visit::Visit;
use web::api::{self, PageOf};
use web::{Context, Problem, Response, respond};

use crate::background::json::{
    OversoldView, QuarantineView, RecurringJobsView, RunView, SyncRunsView, UpstreamView,
};
use crate::background::page::{OperatorJobs, OperatorSync, SYNC_RUNS_PER_PAGE, SyncStanding};

/// How many documents in quarantine, and how many oversold nodes are shown.
pub(crate) const SHOWN: u32 = 100;

pub(crate) fn list_sync_runs(cx: &Context<'_>) -> Result<Response, Problem> {
    let limit = api::page_size(cx)?;
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let found = sync_runs::list(cx.db, before, limit + 1)?;
    let page = PageOf::new(cx.search(), found, limit, |run| run.id.to_string(), RunView::new);
    let upstreams = sync_runs::upstreams(cx.db)?;
    let view = SyncRunsView {
        runs: page.items,
        next_cursor: page.next_cursor,
        upstreams: upstreams.iter().map(|server| UpstreamView::new(server, cx.now)).collect(),
        quarantine: sync::refused(cx.db, SHOWN)?.iter().map(QuarantineView::new).collect(),
        oversold: sync::oversold(cx.db, SHOWN)?.iter().map(OversoldView::new).collect(),
    };
    respond::json(StatusCode::OK, &view)
}

pub(crate) fn list_recurring_jobs(cx: &Context<'_>) -> Result<Response, Problem> {
    let (runs, backlog) = (job_runs::all(cx.db)?, job_runs::backlog(cx.db, cx.now)?);
    let done = |name: &str| runs.get(name).cloned();
    let waits = |name: &str| backlog.get(name).copied();
    respond::json(StatusCode::OK, &RecurringJobsView::new(done, waits, cx.now))
}

pub(crate) fn sync_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let before = api::cursor(cx, |text| text.parse().ok())?;
    let standing = SyncStanding {
        upstreams: sync_runs::upstreams(cx.db)?,
        oversold: sync::oversold(cx.db, SHOWN)?,
        quarantine: sync::refused(cx.db, SHOWN)?,
        runs: sync_runs::list(cx.db, before, SYNC_RUNS_PER_PAGE + 1)?,
    };
    respond::page(StatusCode::OK, &OperatorSync::new(&Visit::of(cx)?, standing))
}

pub(crate) fn jobs_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let (runs, backlog) = (job_runs::all(cx.db)?, job_runs::backlog(cx.db, cx.now)?);
    respond::page(StatusCode::OK, &OperatorJobs::new(&Visit::of(cx)?, &runs, &backlog))
}
