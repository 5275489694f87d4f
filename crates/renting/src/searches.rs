//! Searches of the market that people save, for the API and the page alike.

pub(crate) mod json;
pub(crate) mod look;
pub(crate) mod normal;
pub(crate) mod page;

use domain::id::SavedSearchId;
use http::StatusCode;
use store::saved_searches::{self, SavedSearch, SearchChange};
use store::waitlist;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Kind, Problem, Response, respond};

use crate::searches::json::{ChangeBody, SaveBody, SearchView, SearchesView, search_id};
use crate::searches::page::Searches;

/// Where the page is.
const PAGE: &str = "/dashboard/searches";

fn save(cx: &Context<'_>, body: &SaveBody) -> Result<SavedSearch, Problem> {
    let (search, name) = body.read()?;
    let id = SavedSearchId::from_random(cx.now, cx.random.id());
    let account = cx.account()?.account;
    let saved = saved_searches::add(cx.db, account, id, &name, &search.query, cx.now)?;
    saved.ok_or_else(|| Problem::plain(Kind::TooManySavedSearches))
}

fn change(cx: &Context<'_>, body: &ChangeBody) -> Result<SavedSearch, Problem> {
    let (account, id) = (cx.account()?.account, search_id(cx.param("search"))?);
    let name = body.read_name()?;
    let change = SearchChange { name: name.as_deref(), is_on: body.notify };
    let changed = saved_searches::change(cx.db, account, id, change, cx.now)?;
    changed.ok_or_else(Problem::not_found)
}

fn remove(cx: &Context<'_>) -> Result<(), Problem> {
    let (account, id) = (cx.account()?.account, search_id(cx.param("search"))?);
    if saved_searches::remove(cx.db, account, id)? { Ok(()) } else { Err(Problem::not_found()) }
}

pub(crate) fn list_searches(cx: &Context<'_>) -> Result<Response, Problem> {
    let found = saved_searches::of_account(cx.db, cx.account()?.account)?;
    let items = found.iter().map(SearchView::new).collect();
    respond::json(StatusCode::OK, &SearchesView { items })
}

pub(crate) fn save_search(cx: &Context<'_>) -> Result<Response, Problem> {
    let saved = save(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &SearchView::new(&saved))
}

pub(crate) fn change_search(cx: &Context<'_>) -> Result<Response, Problem> {
    let changed = change(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::OK, &SearchView::new(&changed))
}

pub(crate) fn remove_search(cx: &Context<'_>) -> Result<Response, Problem> {
    remove(cx)?;
    Ok(respond::no_content())
}

pub(crate) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &own_page(cx)?)
}

fn own_page(cx: &Context<'_>) -> Result<Searches, Problem> {
    let account = cx.account()?.account;
    let found = saved_searches::of_account(cx.db, account)?;
    Ok(Searches::new(&Visit::of(cx)?, &found, &waitlist::of_account(cx.db, account)?))
}

pub(crate) fn save_form(cx: &Context<'_>) -> Result<Response, Problem> {
    done(cx, Done::SearchSaved, form::body(cx.request).and_then(|body| save(cx, &body)))
}

pub(crate) fn change_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let body = Form::read(cx.request).body();
    done(cx, Done::SearchChanged, body.and_then(|body: ChangeBody| change(cx, &body)))
}

pub(crate) fn remove_form(cx: &Context<'_>) -> Result<Response, Problem> {
    remove(cx)?;
    Ok(respond::see_other(&Done::SearchRemoved.at(PAGE)))
}

/// Back to the page, which says what was done or why nothing was.
fn done(
    cx: &Context<'_>,
    done: Done,
    result: Result<SavedSearch, Problem>,
) -> Result<Response, Problem> {
    match result {
        Ok(_) => Ok(respond::see_other(&done.at(PAGE))),
        Err(problem) => {
            form::refused(problem, |problem| Ok(own_page(cx)?.refused(cx.param("search"), problem)))
        }
    }
}
