//! What a farm earns: as JSON, and as tables to take along.

pub(crate) mod json;

use domain::month::Month;
use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use store::dashboard::{self, NodeStanding};
use store::payouts;
use store::revenue::{self, MONTHS_MAX};
use web::{Context, Problem, Response, csv, respond};

use crate::revenue::json::{
    PayableView, RevenueView, months_asked, revenue_table, slices_table, uptime_table,
};

/// How many nodes the tables of nodes have at most.
const TABLE_NODES_MAX: u32 = 1_000;

pub(crate) fn show_revenue(cx: &Context<'_>) -> Result<Response, Problem> {
    let farmer = cx.whole_farm()?.account;
    let month = Month::of(cx.now);
    let months: Vec<Month> = month.last(months_asked(cx.query("months").as_deref())?).collect();
    let figures = dashboard::figures(cx.db, farmer, month)?;
    let lines = revenue::of_farm(cx.db, farmer, months[0], month)?;
    let funds = payouts::funds(cx.db, farmer, cx.now)?;
    let payable = PayableView::new(&funds, &payouts::unproven(cx.db, farmer)?);
    let view = RevenueView::new(month, &months, &figures, &lines, payable);
    respond::json(StatusCode::OK, &view)
}

pub(crate) fn revenue_csv(cx: &Context<'_>) -> Result<Response, Problem> {
    let (farmer, month) = (cx.whole_farm()?.account, Month::of(cx.now));
    let lines = revenue::of_farm(cx.db, farmer, month.minus(MONTHS_MAX - 1), month)?;
    Ok(attached("revenue", revenue_table(&lines)?))
}

pub(crate) fn slices_csv(cx: &Context<'_>) -> Result<Response, Problem> {
    Ok(attached("slices", slices_table(&all_nodes(cx)?)?))
}

pub(crate) fn uptime_csv(cx: &Context<'_>) -> Result<Response, Problem> {
    Ok(attached("uptime", uptime_table(&all_nodes(cx)?)?))
}

fn all_nodes(cx: &Context<'_>) -> Result<Vec<NodeStanding>, Problem> {
    let month = Month::of(cx.now);
    Ok(dashboard::nodes(cx.db, cx.account()?, month, None, TABLE_NODES_MAX)?)
}

/// A table that the browser saves.
fn attached(name: &str, table: Vec<u8>) -> Response {
    let response = respond::answer(StatusCode::OK, csv::TYPE, table);
    let file = format!("attachment; filename=\"mycelium-{name}.csv\"");
    respond::with_header(response, CONTENT_DISPOSITION, &file)
}
