//! Answers each path with one action, good or bad, so that the host's tests can see what follows.

mod fetch;
mod sql;

use std::cell::Cell;
use std::fmt::Write as _;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use spin_sdk::http::body::IncomingBodyExt;
use spin_sdk::http::{FullBody, Request, Response, StatusCode};
use spin_sdk::http_service;
use spin_sdk::wasip3::clocks::monotonic_clock;
use spin_sdk::wasip3::random::random::get_random_bytes;

#[expect(clippy::same_length_and_capacity, reason = "wit-bindgen writes it so")]
mod imports {
    wit_bindgen::generate!({
        path: "../../crates/host/wit",
        world: "mycelium:host/imports",
        generate_all,
    });
}

use imports::fermyon::spin::variables;

#[http_service]
async fn handle(request: Request) -> Response<FullBody<Bytes>> {
    let path = request.uri().path().to_owned();
    let argument = request.uri().query().unwrap_or_default().to_owned();
    let text = match path.as_str() {
        "/hello" => "hello".to_owned(),
        "/count" => count(),
        "/trap" => panic!("trapped on purpose"),
        "/loop" => spin(),
        "/grow" => grow(),
        "/sleep" => sleep(&argument).await,
        "/headers" => headers(&request),
        "/env" => std::env::var(&argument).unwrap_or_else(|error| format!("error: {error}")),
        "/variable" => {
            variables::get(&argument).unwrap_or_else(|error| format!("error: {error:?}"))
        }
        "/file" => {
            std::fs::read_to_string(&argument).unwrap_or_else(|error| format!("error: {error}"))
        }
        "/write" => format!("{:?}", std::fs::write(&argument, "x").map_err(|error| error.kind())),
        "/random" => get_random_bytes(16).iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        }),
        "/now" => now().as_secs().to_string(),
        "/print" => print(&argument),
        "/fetch" => fetch::get(&argument),
        "/echo" => return echo(request).await,
        "/sql" => match request.into_body().bytes().await {
            Ok(script) => sql::run(&argument, &String::from_utf8_lossy(&script)),
            Err(error) => format!("error: {error}"),
        },
        other => format!("no action for {other}"),
    };
    answer(StatusCode::OK, text.into())
}

fn answer(status: StatusCode, body: Bytes) -> Response<FullBody<Bytes>> {
    let length = body.len();
    let mut response = Response::new(FullBody::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert("content-length", length.into());
    response
}

async fn echo(request: Request) -> Response<FullBody<Bytes>> {
    match request.into_body().bytes().await {
        Ok(body) => answer(StatusCode::OK, body),
        Err(error) => answer(StatusCode::IM_A_TEAPOT, format!("error: {error}").into()),
    }
}

/// How many requests this instance has counted.
fn count() -> String {
    thread_local! {
        static COUNT: Cell<u32> = const { Cell::new(0) };
    }
    COUNT.set(COUNT.get() + 1);
    COUNT.get().to_string()
}

fn spin() -> ! {
    loop {
        std::hint::black_box(0);
    }
}

fn grow() -> ! {
    let mut pieces = Vec::new();
    loop {
        pieces.push(vec![1_u8; 1 << 20]);
        std::hint::black_box(&pieces);
    }
}

async fn sleep(milliseconds: &str) -> String {
    let milliseconds = milliseconds.parse().unwrap_or(0);
    let nanoseconds = Duration::from_millis(milliseconds).as_nanos();
    monotonic_clock::wait_for(u64::try_from(nanoseconds).unwrap_or(u64::MAX)).await;
    format!("slept {milliseconds} ms")
}

fn headers(request: &Request) -> String {
    request.headers().iter().fold(format!("{}\n", request.uri()), |mut text, (name, value)| {
        let _ = writeln!(text, "{name}: {}", String::from_utf8_lossy(value.as_bytes()));
        text
    })
}

#[expect(clippy::disallowed_methods, reason = "shows the time that the host gives")]
fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "shows where the host puts them")]
fn print(text: &str) -> String {
    println!("out: {text}");
    eprintln!("err: \u{1b}[31m{text}");
    "printed".to_owned()
}
