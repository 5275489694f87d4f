//! From a request of Spin to its answer.

use std::time::Duration;

use domain::time::Timestamp;
use http_body_util::{BodyExt, Limited};
use store::{Db, NoDatabase, StoreError};
use web::env::Clock;
use web::limit::BODY_BYTES_MAX;
use web::route::{Outcome, Route};
use web::{Context, Env, Kind, Problem, Request, Response, dispatch, respond};

use crate::body::{Body, prepare};
use crate::database::current_database;
use crate::env::{HostClock, with_env, with_nothing};

/// Answers a request by the routes of a component, and writes one line of log.
pub async fn serve(
    routes: &[&'static [Route]],
    request: spin_sdk::http::Request,
) -> http::Response<Body> {
    serve_with(current_database, routes, request).await
}

/// The same in a component that has no database: its routes are for [`Access::Anonymous`].
///
/// [`Access::Anonymous`]: web::operation::Access::Anonymous
pub async fn serve_without_database(
    routes: &[&'static [Route]],
    request: spin_sdk::http::Request,
) -> http::Response<Body> {
    serve_with(|_| Ok(NoDatabase), routes, request).await
}

/// What opens the database of a request.
type Open<D> = fn(Timestamp) -> Result<D, StoreError>;

async fn serve_with<D: Db>(
    open: Open<D>,
    routes: &[&'static [Route]],
    request: spin_sdk::http::Request,
) -> http::Response<Body> {
    let clock = HostClock::start();
    let (request, is_whole) = read(request).await;
    let (outcome, request_id) = answer(open, routes, &clock, &request, is_whole);
    log(&request, &outcome, &request_id, clock.elapsed());
    prepare(outcome.response).await
}

/// Reads the body; `false` if it is too large or was cut off, and then it is empty.
async fn read(request: spin_sdk::http::Request) -> (Request, bool) {
    let (head, body) = request.into_parts();
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(whole) => (Request::from_parts(head, whole.to_bytes().into()), true),
        Err(_) => (Request::from_parts(head, Vec::new()), false),
    }
}

fn answer<D: Db>(
    open: Open<D>,
    routes: &[&'static [Route]],
    clock: &HostClock,
    request: &Request,
    is_whole: bool,
) -> (Outcome, String) {
    let now = clock.now();
    let handle = |env: &Env<'_>| {
        let mut cx = Context::new(env, request);
        let outcome = if is_whole {
            dispatch(routes, &mut cx)
        } else {
            refuse(&cx, Problem::plain(Kind::TooLarge))
        };
        (outcome, cx.request_id)
    };
    with_env(open, clock, now, handle).unwrap_or_else(|problem| {
        with_nothing(clock, now, |env| {
            let cx = Context::new(env, request);
            (refuse(&cx, problem), cx.request_id)
        })
    })
}

/// Answers with a problem that was found before any handler was called.
fn refuse(cx: &Context<'_>, problem: Problem) -> Outcome {
    let response: Response = respond::finish(cx, respond::problem(cx, &problem));
    Outcome { response, route: None, problem: Some(problem) }
}

/// One line a request: route, status, problem, milliseconds, id. No path, for it may hold anything;
/// no body, token or address. Causes are quoted, so that they cannot forge a line.
#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(request: &Request, outcome: &Outcome, request_id: &str, took: Duration) {
    let method = request.method();
    let route = outcome.route.unwrap_or("-");
    let status = outcome.response.status().as_u16();
    let millis = took.as_millis();
    let kind = outcome.problem.as_ref().map_or("-", |problem| problem.kind.into_str());
    match outcome.problem.as_ref().and_then(|problem| problem.cause.as_ref()) {
        None => eprintln!("{method} {route} {status} {kind} {millis}ms {request_id}"),
        Some(cause) => {
            eprintln!("{method} {route} {status} {kind} {millis}ms {request_id} {cause:?}");
        }
    }
}
