//! What was measured of a node, and how the marketplace is: for everybody.

pub(crate) mod json;

use domain::health::KEPT_DAYS;
use domain::id::NodeId;
use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use store::observations::{self, Record};
use store::{incidents, offers, status};
use ui::ids::node_id;
use ui::visit::Visit;
use web::{Context, Problem, Response, csv, respond};

use crate::market::record::json::{
    DAYS_SHOWN, MONTHS_SHOWN, NodeRecordView, WINDOW_DAYS, month_asked, observations_table,
};
use crate::status::checks::Checks;
use crate::status::json::{Known, StatusView};
use crate::status::page::Status;

/// The last day and the last 30 of a node.
pub(super) fn windows(cx: &Context<'_>, node: NodeId) -> Result<[Record; 2], Problem> {
    let day = observations::last_day(cx.db, node, cx.now)?;
    Ok([day, observations::last_days(cx.db, node, WINDOW_DAYS, cx.now)?])
}

/// The node of the path, if the market shows it.
fn shown(cx: &Context<'_>) -> Result<NodeId, Problem> {
    let found = offers::find(cx.db, node_id(cx.param("node"))?)?;
    let (offer, _) = found.ok_or_else(Problem::not_found)?;
    Ok(offer.node)
}

pub(super) fn show_record(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = shown(cx)?;
    let months = observations::months(cx.db, node, MONTHS_SHOWN)?;
    let days = observations::days(cx.db, node, DAYS_SHOWN, cx.now)?;
    let view = NodeRecordView::new(node, windows(cx, node)?, &months, &days);
    respond::json(StatusCode::OK, &view)
}

pub(super) fn list_samples(cx: &Context<'_>) -> Result<Response, Problem> {
    let node = shown(cx)?;
    let month = month_asked(cx.query("month").as_deref(), cx.now)?;
    let table = observations_table(&observations::of_month(cx.db, node, month)?)?;
    let response = respond::answer(StatusCode::OK, csv::TYPE, table);
    let file = format!("attachment; filename=\"{node}-{month}.csv\"");
    Ok(respond::with_header(response, CONTENT_DISPOSITION, &file))
}

pub(super) fn show_status(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::json(StatusCode::OK, &StatusView::new(&known(cx)?, cx.now))
}

/// What is known of the market's state.
fn known(cx: &Context<'_>) -> Result<Known, Problem> {
    Ok(Known {
        health: status::read(cx.db)?,
        checks: status::checks(cx.db)?,
        since: status::since(cx.db)?,
        incidents: incidents::since(cx.db, cx.now.plus_seconds(-KEPT_DAYS * 86_400))?,
    })
}

pub(super) fn status_page(cx: &Context<'_>) -> Result<Response, Problem> {
    let days = status::days(cx.db, cx.now)?;
    respond::page(StatusCode::OK, &Status::new(&Visit::of(cx)?, &known(cx)?, &days))
}

pub(super) fn checks_page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &Checks::new(&Visit::of(cx)?, &known(cx)?))
}
