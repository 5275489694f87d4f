//! From a request of Spin to its answer.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use spin_sdk::time::sleep;
use store::NoDatabase;
use web::api::agent::LeaseAnswer;
use web::limit::BODY_BYTES_MAX;
use web::live::Feed;
use web::route::Outcome;
use web::waiting::Wait;
use web::{Context, Kind, Problem, Request, Response, ambient, dispatch, respond};

use crate::database::current_database;
use crate::live::{FeedBody, LiveBody};
use crate::{Route, config};

/// The pause between two looks for something to do.
const PAUSE: Duration = Duration::from_secs(1);

/// Answers a request by the routes of a component, and writes one line of log.
pub async fn serve(
    routes: &'static [Route],
    request: spin_sdk::http::Request,
) -> http::Response<Full<Bytes>> {
    answer_and_log(routes, request).await.map(|body| Full::new(Bytes::from(body)))
}

/// The same for routes whose answers may be streams.
pub async fn serve_live(
    routes: &'static [Route],
    request: spin_sdk::http::Request,
) -> http::Response<LiveBody> {
    let mut response = answer_and_log(routes, request).await;
    match response.extensions_mut().remove::<Feed>() {
        Some(feed) => response.map(|_| LiveBody::Right(FeedBody::new(feed))),
        None => response.map(|body| LiveBody::Left(Full::new(Bytes::from(body)))),
    }
}

#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log_failed_wait(problem: &Problem) {
    let cause = problem.cause.as_deref().unwrap_or_default();
    eprintln!("a wait fails: {} {cause:?}", problem.kind.as_str());
}

/// The same for routes whose answers may wait for something to do: it looks again once a second,
/// and other requests of the instance go on meanwhile.
pub async fn serve_waiting(
    routes: &'static [Route],
    request: spin_sdk::http::Request,
) -> http::Response<Full<Bytes>> {
    let mut response = answer_and_log(routes, request).await;
    if let Some(mut wait) = response.extensions_mut().remove::<Wait>() {
        while !wait.is_over() {
            sleep(PAUSE).await;
            match look(&mut wait) {
                Ok(None) => {}
                Ok(Some(answer)) => {
                    response = Wait::answered(response, &answer);
                    break;
                }
                // Whoever waits comes back, and is told then what is the matter.
                Err(problem) => {
                    log_failed_wait(&problem);
                    break;
                }
            }
        }
    }
    response.map(|body| Full::new(Bytes::from(body)))
}

fn look(wait: &mut Wait) -> Result<Option<LeaseAnswer>, Problem> {
    let now = ambient::now();
    wait.look(&current_database(now)?, &crate::keys, now)
}

async fn answer_and_log(routes: &'static [Route], request: spin_sdk::http::Request) -> Response {
    let started = Instant::now();
    let (request, is_whole) = read(request).await;
    let (outcome, request_id) = answer(routes, &request, is_whole);
    log(&request, &outcome, &request_id, started);
    outcome.response
}

/// Reads the body; `false` if it is too large or was cut off, and then it is empty.
async fn read(request: spin_sdk::http::Request) -> (Request, bool) {
    let (head, body) = request.into_parts();
    match Limited::new(body, BODY_BYTES_MAX).collect().await {
        Ok(whole) => (Request::from_parts(head, whole.to_bytes().into()), true),
        Err(_) => (Request::from_parts(head, Vec::new()), false),
    }
}

fn answer(routes: &'static [Route], request: &Request, is_whole: bool) -> (Outcome, String) {
    let now = ambient::now();
    let ready = config().map_err(Problem::internal).and_then(|config| {
        let database = current_database(now)?;
        Ok((config, database))
    });
    match ready {
        Ok((config, database)) => {
            let mut cx = Context::new(&database, &config, request, now);
            let outcome = if is_whole {
                dispatch(routes, &mut cx)
            } else {
                refuse(&cx, Problem::plain(Kind::TooLarge))
            };
            (outcome, cx.request_id)
        }
        Err(problem) => {
            let config = web::Config::unset();
            let cx = Context::new(&NoDatabase, &config, request, now);
            (refuse(&cx, problem), cx.request_id)
        }
    }
}

/// Answers with a problem that was found before any handler was called.
fn refuse(cx: &Context<'_>, problem: Problem) -> Outcome {
    let response: Response = respond::finish(cx, respond::problem(cx, &problem));
    Outcome { response, route: None, problem: Some(problem) }
}

/// One line a request: route, status, problem, milliseconds, id. No path, for it may hold anything;
/// no body, token or address. Causes are quoted, so that they cannot forge a line.
#[expect(clippy::print_stderr, reason = "this is the log: the host takes it from here")]
fn log(request: &Request, outcome: &Outcome, request_id: &str, started: Instant) {
    let method = request.method();
    let route = outcome.route.unwrap_or("-");
    let status = outcome.response.status().as_u16();
    let millis = started.elapsed().as_millis();
    let kind = outcome.problem.as_ref().map_or("-", |problem| problem.kind.as_str());
    match outcome.problem.as_ref().and_then(|problem| problem.cause.as_ref()) {
        None => eprintln!("{method} {route} {status} {kind} {millis}ms {request_id}"),
        Some(cause) => {
            eprintln!("{method} {route} {status} {kind} {millis}ms {request_id} {cause:?}");
        }
    }
}
