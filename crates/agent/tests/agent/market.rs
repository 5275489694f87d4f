//! The market's side of the contract: leases with fences, long polls, and reports. It stands in for
//! the real one, so that the agent can be tested alone, and can be told to misbehave.

use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

/// The token that the market knows.
pub(crate) const TOKEN: &str = "myc_agent_0123456789";

/// How long anything may take in a test.
pub(crate) const LIMIT: Duration = Duration::from_mins(2);

/// How a job ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Outcome {
    Open,
    Complete(Value),
    Failed { reason: String, retry: bool },
}

/// A job at the market.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) document: Value,
    pub(crate) fence: u64,
    lease_until: Option<Instant>,
    pub(crate) outcome: Outcome,
    /// How often it went from open to an outcome.
    pub(crate) outcomes: u32,
    /// Each step that was new, with when it came.
    pub(crate) steps: Vec<(String, Instant)>,
    pub(crate) leased_at: Option<Instant>,
}

/// When the agent is killed: as the market hears of it, or when it has heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum When {
    Before,
    After,
}

/// What happens at a report.
#[derive(Clone, Debug)]
pub(crate) enum Trap {
    /// The agent is killed with SIGKILL.
    Kill(When),
    /// Somebody else gets the job.
    GiveAway,
    /// The market is away for so long.
    Away(Duration),
}

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) jobs: Vec<Job>,
    pub(crate) trap: Option<(String, Trap)>,
    pub(crate) agent: Option<u32>,
    away_until: Option<Instant>,
    lease: Duration,
    /// Answers other than 200 and 204 that were given to jobs.
    pub(crate) refusals: Vec<(u16, String)>,
    /// The logs of setups that failed.
    pub(crate) logs: Vec<String>,
    /// The machines that are expected at the agent.
    expected: Vec<Value>,
    /// What it has reported of machines, the newest last.
    pub(crate) reports: Vec<Vec<Value>>,
    /// What it has reported last of the disk that they are on.
    pub(crate) disk: Value,
    /// How often it is to report them, in seconds.
    pub(crate) report_seconds: u32,
}

/// The market, on a port of this machine.
#[derive(Clone)]
pub(crate) struct Market {
    inner: Arc<Mutex<Inner>>,
    pub(crate) address: String,
}

impl Market {
    /// Starts a market whose leases last so long.
    pub(crate) fn start(lease: Duration) -> Market {
        let inner = Arc::new(Mutex::new(Inner { lease, report_seconds: 1, ..Inner::default() }));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let routes = Router::new()
            .route("/api/agent/jobs/lease", post(lease_job))
            .route("/api/agent/jobs/{job}/{what}", post(report))
            .route("/api/agent/machines", post(report_machines))
            .with_state(Arc::clone(&inner));
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.unwrap().block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, routes).await.unwrap();
            });
        });
        Market { inner, address }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// Adds a job, and answers its number.
    pub(crate) fn add(&self, kind: &str, rental: &str, slice: &str, change: Value) -> usize {
        let mut inner = self.lock();
        let number = inner.jobs.len();
        let mut document = json!({
            "id": format!("job-{number}"), "kind": kind, "attempt": 1, "rental_id": rental,
            "slice": { "id": slice, "grid_node_id": 32, "number": 1,
                       "cpu_cores": 1, "memory_gb": 4, "storage_gb": 200 },
            "ssh_keys": [], "user_data": null, "template": null,
            "deadline_at": "2030-01-01T00:00:00Z",
        });
        for (name, value) in change.as_object().unwrap() {
            document[name] = value.clone();
        }
        inner.jobs.push(Job {
            document,
            fence: 0,
            lease_until: None,
            outcome: Outcome::Open,
            outcomes: 0,
            steps: Vec::new(),
            leased_at: None,
        });
        number
    }

    /// Expects a machine at the agent from now on, or expects something else of it.
    pub(crate) fn expect(&self, rental: &str, slice: &str, should_run: bool) {
        let expected = &mut self.lock().expected;
        expected.retain(|machine| machine["rental_id"] != rental || machine["slice_id"] != slice);
        expected.push(json!({
            "rental_id": rental, "slice_id": slice, "should_run": should_run, "later": "a field",
        }));
    }

    /// What the newest report says of a rental's machine: its state, and whether SSH answers.
    pub(crate) fn sighting(&self, rental: &str) -> Option<(String, Option<bool>)> {
        let inner = self.lock();
        let report = inner.reports.last()?;
        let machine = report.iter().find(|machine| machine["rental_id"] == rental)?;
        let ssh = machine.get("ssh").map(|ssh| ssh.as_bool().unwrap());
        Some((machine["state"].as_str().unwrap().to_owned(), ssh))
    }

    /// What the newest report says of a rental's machine.
    fn reported(&self, rental: &str) -> Option<Value> {
        let inner = self.lock();
        let report = inner.reports.last()?;
        report.iter().find(|machine| machine["rental_id"] == rental).cloned()
    }

    /// What the newest report says that can be done with a rental's machine.
    pub(crate) fn capabilities(&self, rental: &str) -> Option<Vec<String>> {
        let machine = self.reported(rental)?;
        let can = machine["can"].as_array()?.iter();
        Some(can.map(|name| name.as_str().unwrap().to_owned()).collect())
    }

    /// What the newest report says that a rental's machine uses.
    pub(crate) fn used(&self, rental: &str, name: &str) -> Option<u64> {
        self.reported(rental)?["usage"][name].as_u64()
    }

    /// Waits until the newest report says so of a rental's machine; `None`: it is left out.
    #[track_caller]
    pub(crate) fn wait_for(&self, rental: &str, expected: Option<(&str, Option<bool>)>) {
        let expected = expected.map(|(state, ssh)| (state.to_owned(), ssh));
        self.wait("a report", |inner| !inner.reports.is_empty());
        let end = Instant::now() + LIMIT;
        while self.sighting(rental) != expected {
            let last = self.lock().reports.last().cloned();
            assert!(Instant::now() < end, "{rental}: {expected:?}; {last:#?}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until machines have been looked at and reported from now on.
    #[track_caller]
    pub(crate) fn wait_for_round(&self) {
        let before = self.lock().reports.len();
        // The first report may be of a round that had begun before.
        self.wait("two reports", |inner| inner.reports.len() >= before + 2);
    }

    pub(crate) fn job(&self, number: usize) -> Job {
        self.lock().jobs[number].clone()
    }

    /// Waits until something holds of the market.
    #[track_caller]
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Inner) -> bool) {
        let end = Instant::now() + LIMIT;
        while !holds(&self.lock()) {
            assert!(Instant::now() < end, "not within {LIMIT:?}: {what}; {:#?}", self.lock().jobs);
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits for a job's outcome.
    #[track_caller]
    pub(crate) fn outcome(&self, number: usize) -> Outcome {
        self.wait("an outcome", |inner| inner.jobs[number].outcome != Outcome::Open);
        let job = self.job(number);
        assert_eq!(job.outcomes, 1, "a job ends once");
        job.outcome
    }
}

impl Inner {
    /// Springs the trap for an event, if there is one; answers whether the market hears it.
    fn spring(&mut self, event: &str, when: When) -> bool {
        let is_ours = self.trap.as_ref().is_some_and(|(at, trap)| {
            at == event
                && match trap {
                    Trap::Kill(at) => *at == when,
                    Trap::GiveAway | Trap::Away(_) => when == When::Before,
                }
        });
        if !is_ours {
            return true;
        }
        let trap = self.trap.take().map(|(_, trap)| trap);
        match trap {
            Some(Trap::Kill(_)) => {
                let agent = Pid::from_raw(i32::try_from(self.agent.unwrap()).unwrap()).unwrap();
                kill_process(agent, Signal::KILL).unwrap();
                when == When::After
            }
            Some(Trap::GiveAway) => {
                self.jobs.last_mut().unwrap().fence += 1;
                true
            }
            Some(Trap::Away(span)) => {
                self.away_until = Some(Instant::now() + span);
                false
            }
            None => true,
        }
    }

    fn is_away(&self) -> bool {
        self.away_until.is_some_and(|until| Instant::now() < until)
    }

    fn refuse(&mut self, status: u16, kind: &str) -> Response {
        self.refusals.push((status, kind.to_owned()));
        let body = json!({"kind": kind, "status": status, "detail": "no"}).to_string();
        let content_type = [("content-type", "application/problem+json")];
        (StatusCode::from_u16(status).unwrap(), content_type, body).into_response()
    }
}

fn is_known(headers: &HeaderMap) -> bool {
    headers.get("authorization").is_some_and(|value| *value == format!("Bearer {TOKEN}"))
}

async fn lease_job(
    State(market): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let wait = body["wait_seconds"].as_u64().filter(|wait| *wait <= 20).expect("0 to 20 seconds");
    assert!(body["agent"].is_string());
    let end = Instant::now() + Duration::from_secs(wait);
    loop {
        {
            let mut inner = market.lock().unwrap();
            if !is_known(&headers) {
                return inner.refuse(401, "sign-in-first");
            }
            if inner.is_away() {
                return inner.refuse(503, "busy");
            }
            let now = Instant::now();
            let lease = inner.lease;
            let job = inner.jobs.iter_mut().find(|job| {
                job.outcome == Outcome::Open && job.lease_until.is_none_or(|until| until <= now)
            });
            if let Some(job) = job {
                job.fence += 1;
                job.lease_until = Some(now + lease);
                job.leased_at.get_or_insert(now);
                let mut document = job.document.clone();
                document["fence"] = job.fence.into();
                if !inner.spring("lease", When::Before) {
                    return inner.refuse(503, "busy");
                }
                inner.spring("lease", When::After);
                return axum::Json(json!({"job": document})).into_response();
            }
        }
        if Instant::now() >= end {
            return StatusCode::NO_CONTENT.into_response();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn report(
    State(market): State<Arc<Mutex<Inner>>>,
    Path((id, what)): Path<(String, String)>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut inner = market.lock().unwrap();
    if !is_known(&headers) {
        return inner.refuse(401, "sign-in-first");
    }
    if inner.is_away() {
        return inner.refuse(503, "busy");
    }
    let event = body["step"].as_str().unwrap_or(&what).to_owned();
    if !inner.spring(&event, When::Before) {
        return inner.refuse(503, "busy");
    }
    let lease = inner.lease;
    let Some(job) = inner.jobs.iter_mut().find(|job| job.document["id"] == id.as_str()) else {
        return inner.refuse(404, "not-found");
    };
    if body["fence"] != job.fence {
        return inner.refuse(409, "lease-lost");
    }
    let outcome = match what.as_str() {
        "progress" => None,
        "complete" => Some(Outcome::Complete(body["access"].clone())),
        "fail" => Some(Outcome::Failed {
            reason: body["reason"].as_str().unwrap().to_owned(),
            retry: body["retry"].as_bool().unwrap(),
        }),
        _ => return inner.refuse(404, "not-found"),
    };
    if job.outcome != Outcome::Open {
        // The same again is fine, another outcome is not.
        let is_same = outcome.is_none_or(|outcome| outcome == job.outcome);
        if !is_same {
            return inner.refuse(409, "job-is-over");
        }
    } else if let Some(outcome) = outcome {
        job.outcome = outcome;
        job.outcomes += 1;
        inner.logs.extend(body["log"].as_str().map(str::to_owned));
    } else {
        job.lease_until = Some(Instant::now() + lease);
        if job.steps.last().is_none_or(|(step, _)| *step != event) {
            job.steps.push((event.clone(), Instant::now()));
        }
    }
    inner.spring(&event, When::After);
    axum::Json(json!({"lease_expires_at": "2030-01-01T00:00:00Z"})).into_response()
}

async fn report_machines(
    State(market): State<Arc<Mutex<Inner>>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let mut inner = market.lock().unwrap();
    if !is_known(&headers) {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    if inner.is_away() || !inner.spring("machines", When::Before) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    assert_eq!(body["agent"], "rack-7");
    let machines = body["machines"].as_array().unwrap().clone();
    assert!(machines.len() <= 400, "{} machines", machines.len());
    for machine in &machines {
        let is_running = machine["state"] == "running";
        assert!(is_running || machine["state"] == "off" || machine["state"] == "absent");
        assert_eq!(machine.get("ssh").is_some(), is_running, "{machine}");
        assert!(machine["rental_id"].is_string() && machine["slice_id"].is_string());
    }
    inner.reports.push(machines);
    inner.disk = body["disk"].clone();
    inner.spring("machines", When::After);
    let report_seconds = inner.report_seconds;
    axum::Json(json!({"machines": inner.expected, "report_seconds": report_seconds}))
        .into_response()
}
