//! Asks the grid: its servers in turn, without those that fail again and again, and not for long.

use std::time::Duration;

use domain::breaker::{Breaker, to_ask};
use domain::reconciliation::INDEX_STALE_SECONDS;
use domain::recurring::{SYNC, SYNC_SECONDS};
use grid::Upstreams;
use store::StoreError;
use store::sync_runs::{self, Upstream};
use web::env::Answer;
use web::{Env, JobError};

/// The grid's servers, and what it took to ask them.
pub(crate) struct Grid<'a> {
    env: &'a Env<'a>,
    /// By its clock.
    started: Duration,
    servers: Vec<Upstream>,
    /// Requests that were sent.
    pub(crate) requests: u32,
    /// How long was waited for answers.
    pub(crate) waited: Duration,
    /// How long answers were read.
    pub(crate) read: Duration,
}

/// What an answer is worth.
pub(crate) enum Quality<T> {
    /// It is what was asked for.
    Good(T),
    /// It may be, if no other server knows better; the server looks as if it had failed.
    Doubtful(T),
    /// It may be, if no other server says otherwise; the server is as good as before.
    Unconfirmed(T),
    /// It is, unless the server's index stands still: it says that most nodes are down.
    Alarming(T),
}

impl<'a> Grid<'a> {
    /// The servers that the operator has set, with what earlier runs have found of them.
    pub(crate) fn new(env: &'a Env<'a>) -> Result<Grid<'a>, JobError> {
        let upstreams = Upstreams::parse(&env.config.gridproxy_urls);
        let upstreams = upstreams.map_err(|error| JobError(error.to_string()))?;
        let known = sync_runs::upstreams(env.db)?;
        let server = |base: &str| {
            let found = known.iter().find(|server| server.base == base);
            found.cloned().unwrap_or_else(|| Upstream::new(base))
        };
        let servers = upstreams.bases().map(server).collect();
        let none = Duration::ZERO;
        let started = env.clock.elapsed();
        Ok(Grid { env, started, servers, requests: 0, waited: none, read: none })
    }

    /// Whether this run has asked for long enough: the next one goes on.
    pub(crate) fn is_spent(&self) -> bool {
        let asking_time = Duration::from_secs(SYNC_SECONDS.count.into());
        self.requests >= SYNC.limit() || self.since(self.started) >= asking_time
    }

    fn since(&self, moment: Duration) -> Duration {
        self.env.clock.elapsed().saturating_sub(moment)
    }

    /// Asks one server after the other for `path`, until one gives what `read` finds good. Answers
    /// that, and whose it is.
    pub(crate) fn ask<T>(
        &mut self,
        path: &str,
        read: impl Fn(&[u8]) -> Result<Quality<T>, String>,
    ) -> Result<(T, String), String> {
        let breakers: Vec<Breaker> = self.servers.iter().map(|server| server.breaker).collect();
        let mut failures = Vec::new();
        let mut doubtful = None;
        for index in to_ask(&breakers, self.env.now) {
            if self.is_spent() {
                failures.push("the time of this run is over".to_owned());
                break;
            }
            let base = self.servers[index].base.clone();
            let failure = match self.ask_one(&format!("{base}{path}"), &read) {
                Ok(Quality::Good(found)) => {
                    self.has_answered(index);
                    return Ok((found, base));
                }
                Ok(Quality::Alarming(found)) => match self.check_index(&base) {
                    Ok(()) => {
                        self.has_answered(index);
                        return Ok((found, base));
                    }
                    Err(why) => {
                        format!("most nodes went down at once, and {why}; nothing of it was stored")
                    }
                },
                Ok(Quality::Unconfirmed(found)) => {
                    self.has_answered(index);
                    doubtful.get_or_insert((found, base));
                    continue;
                }
                Ok(Quality::Doubtful(found)) => {
                    doubtful.get_or_insert((found, base.clone()));
                    "it knows none of what it was asked for".to_owned()
                }
                Err(failure) => failure,
            };
            self.has_failed(index, &failure).map_err(|error| error.to_string())?;
            failures.push(format!("{base}: {failure}"));
        }
        doubtful.ok_or_else(|| failures.join("; "))
    }

    /// Whether the server's index goes on: some node of the grid has reported within an hour.
    fn check_index(&mut self, base: &str) -> Result<(), String> {
        let now = self.env.now;
        let read = |body: &[u8]| {
            let page = grid::parse_nodes(body).map_err(|error| error.to_string())?;
            Ok(Quality::Good(page.nodes.iter().map(|node| node.reported_at).max()))
        };
        let newest = self.ask_one(&format!("{base}{}", grid::newest_report_path()), read)?;
        match newest {
            Quality::Good(Some(at)) if now.seconds_since(at) <= INDEX_STALE_SECONDS => Ok(()),
            Quality::Good(Some(at)) => Err(format!("no node has reported to it since {at}")),
            _ => Err("no node of the grid is up".to_owned()),
        }
    }

    fn ask_one<T>(
        &mut self,
        url: &str,
        read: impl Fn(&[u8]) -> Result<Quality<T>, String>,
    ) -> Result<Quality<T>, String> {
        self.requests += 1;
        let asked = self.env.clock.elapsed();
        let answer = self.env.outbound.get(url);
        self.waited += self.since(asked);
        match answer? {
            Answer { status: 200, body } => {
                let began = self.env.clock.elapsed();
                let found = read(&body);
                self.read += self.since(began);
                found
            }
            Answer { status, .. } => Err(format!("status {status}")),
        }
    }

    fn has_answered(&mut self, index: usize) {
        let server = &mut self.servers[index];
        server.breaker = Breaker::closed();
        server.succeeded_at = Some(self.env.now);
    }

    /// Kept at once: the run may not live to tell.
    fn has_failed(&mut self, index: usize, failure: &str) -> Result<(), StoreError> {
        let server = &mut self.servers[index];
        server.breaker = server.breaker.after_failure(self.env.now);
        server.failed_at = Some(self.env.now);
        server.failure = Some(failure.to_owned());
        sync_runs::save_upstreams(self.env.db, std::slice::from_ref(server))
    }

    /// Keeps which servers have answered.
    pub(crate) fn end(&self) -> Result<(), StoreError> {
        let has_answered = |server: &&Upstream| server.succeeded_at == Some(self.env.now);
        let answered: Vec<Upstream> = self.servers.iter().filter(has_answered).cloned().collect();
        if answered.is_empty() { Ok(()) } else { sync_runs::save_upstreams(self.env.db, &answered) }
    }
}
