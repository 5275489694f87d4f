//! The agent's loop: goes on with what the journal has, then takes jobs while there is room. The
//! watch over machines runs beside it.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::backoff::Backoff;
use crate::client::{Client, Step};
use crate::config::Config;
use crate::console::{self, Consoles};
use crate::driver::Driver;
use crate::job::{Shared, Work};
use crate::journal::{Journal, Phase, Record, make_folder};
use crate::log::say;
use crate::stop::Stop;
use crate::turns::{Turn, Turns};
use crate::watch::Watch;

/// How often a job that waits for its slice looks, and a full agent for room.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Runs the agent until it is asked to stop.
pub fn run(config: Config) -> Result<()> {
    let ssh = Command::new("ssh").arg("-V").stdin(Stdio::null()).stderr(Stdio::null()).status();
    if !ssh.is_ok_and(|status| status.success()) {
        bail!("machines are checked with the program `ssh`: `apt-get install openssh-client`");
    }
    make_folder(&config.state_folder)?;
    let stop = Stop::on_signals(config.stop_grace)?;
    let journal = Journal::open(&config.state_folder)?;
    let consoles = Consoles::open(&config.state_folder)?;
    if let Some(settings) = &config.console {
        console::start(settings, consoles.clone())?;
    }
    let shared = Shared {
        client: Client::new(&config),
        driver: Driver::new(config.driver.clone(), &config.state_folder)?,
        journal,
        consoles,
        stop: stop.clone(),
        config,
    };
    let mut agent = Running { shared: Arc::new(shared), turns: Arc::default(), jobs: Vec::new() };
    let unfinished = agent.shared.journal.read()?;
    say!("agent: {} unfinished jobs in the journal", unfinished.len());
    for record in unfinished {
        agent.start(record)?;
    }
    let watch = Watch::new(Arc::clone(&agent.shared), Arc::clone(&agent.turns));
    let watch = thread::Builder::new().name("watch".to_owned()).spawn(|| watch.run());
    let watch = watch.context("starting a thread")?;
    let taken = agent.take_jobs();
    if taken.is_err() {
        stop.ask();
    }
    let ended = agent.wait_for(0);
    if watch.join().is_err() {
        bail!("the watch over machines panicked");
    }
    say!("agent: stopped");
    taken.and(ended)
}

struct Running {
    shared: Arc<Shared>,
    turns: Arc<Turns>,
    jobs: Vec<JoinHandle<Result<()>>>,
}

impl Running {
    /// Takes jobs, as many at a time as is allowed, until the agent is asked to stop.
    fn take_jobs(&mut self) -> Result<()> {
        let mut backoff = Backoff::default();
        loop {
            self.wait_for(self.shared.config.jobs - 1)?;
            if self.shared.stop.is_asked() {
                return Ok(());
            }
            match self.shared.client.lease(self.shared.config.poll) {
                Ok(job) => {
                    backoff.reset();
                    let Some(job) = job else { continue };
                    say!(
                        "job {} (fence {}, attempt {}): {:?} of {} for rental {}",
                        job.id,
                        job.fence,
                        job.attempt,
                        job.kind,
                        job.slice.id,
                        job.rental_id
                    );
                    let record = Record { job, phase: Phase::Leased, step: Step::Accepted };
                    self.shared.journal.save(&record)?;
                    self.start(record)?;
                }
                Err(error) => {
                    let wait = backoff.next(error.wait());
                    say!("agent: can't get jobs: {error}; retrying in {wait:.1?}");
                    Stop::wait(wait, || self.shared.stop.is_asked());
                }
            }
        }
    }

    /// Waits until at most so many jobs run. An error of a job is one of the journal.
    fn wait_for(&mut self, most: usize) -> Result<()> {
        loop {
            let (done, running) = std::mem::take(&mut self.jobs)
                .into_iter()
                .partition::<Vec<_>, _>(JoinHandle::is_finished);
            self.jobs = running;
            for job in done {
                match job.join() {
                    Ok(result) => result?,
                    Err(_) => bail!("a job panicked; it is in the journal"),
                }
            }
            if self.jobs.len() <= most {
                return Ok(());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    fn start(&mut self, record: Record) -> Result<()> {
        let work = Work::new(Arc::clone(&self.shared), record);
        let turn = self.turns.join(&work.job().slice.id);
        let turns = Arc::clone(&self.turns);
        let thread = thread::Builder::new().name(work.job().id.clone());
        let job =
            thread.spawn(move || run_job(work, &turn, &turns)).context("starting a thread")?;
        self.jobs.push(job);
        Ok(())
    }
}

/// Runs a job when every earlier one of its slice is over: what an older attempt has made is gone
/// before a newer one makes it anew.
fn run_job(mut work: Work, turn: &Turn, turns: &Turns) -> Result<()> {
    while !turns.has_come(turn) {
        // A job that has lost its lease meanwhile finds out by itself when it is its turn.
        work.renew();
        thread::sleep(POLL_INTERVAL);
    }
    let result = work.run();
    turns.leave(turn);
    result
}
