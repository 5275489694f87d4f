//! What a farm earns: as JSON, and as tables to take along.

use domain::month::Month;
use edge::Context;
use http::StatusCode;
use http::header::CONTENT_DISPOSITION;
use store::accounts::Identity;
use store::dashboard::{self, NodeStanding};
use store::revenue::{self, MONTHS_MAX};
use web::api::revenue::{RevenueView, months_asked, revenue_table, slices_table, uptime_table};
use web::{Kind, Problem, Response, csv, respond};

/// How many nodes the tables of nodes have at most.
const TABLE_NODES_MAX: u32 = 1_000;

/// Who asks, for money of all their farms: a token for one farm may not see it.
pub(crate) fn whole_farm<'a>(cx: &'a Context<'_>) -> Result<&'a Identity, Problem> {
    let identity = cx.account()?;
    match identity.farm() {
        None => Ok(identity),
        Some(farm) => {
            let detail =
                format!("this token is limited to farm {farm}, and this covers all your farms");
            Err(Problem::new(Kind::MissingScope, detail))
        }
    }
}

pub(crate) fn show_revenue(cx: &Context<'_>) -> Result<Response, Problem> {
    let farmer = whole_farm(cx)?.account;
    let month = Month::of(cx.now);
    let months: Vec<Month> = month.last(months_asked(cx.query("months").as_deref())?).collect();
    let figures = dashboard::figures(cx.db, farmer, month)?;
    let lines = revenue::of_farm(cx.db, farmer, months[0], month)?;
    respond::json(StatusCode::OK, &RevenueView::new(month, &months, &figures, &lines))
}

pub(crate) fn revenue_csv(cx: &Context<'_>) -> Result<Response, Problem> {
    let (farmer, month) = (whole_farm(cx)?.account, Month::of(cx.now));
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
