//! The watch over machines: asks the driver how each machine is that the market expects here, looks
//! at it from outside, and tells the market. It changes nothing, except that it starts what should
//! run and is off when the agent looks first: that is how machines come back with their server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::backoff::Backoff;
use crate::client::{ClientError, Endpoint, Expected, Sighting, Used, Watchlist};
use crate::console::Name;
use crate::driver::Go;
use crate::job::Shared;
use crate::log::say;
use crate::protocol::{self, Action, Disk, Machine, Outcome, Reach, Refusal, Request, Usage};
use crate::reach::{self, Unreached};
use crate::stop::Stop;
use crate::turns::Turns;

/// How many machines are looked at at a time.
const LOOKS_AT_A_TIME: usize = 4;

/// How long a round may go on to further machines. It begins with those that the last one left out.
const ROUND_LIMIT: Duration = Duration::from_secs(45);

/// How long the driver may take to say how a machine is, at most: another run of it may be at work
/// on the same machine.
const STATUS_LIMIT: Duration = Duration::from_secs(20);

/// A machine that answers has its host key checked every so many rounds: each check is a failed
/// login in the machine's log.
const HOST_KEY_EVERY: u32 = 20;

/// How often the agent tries to start a machine at first.
const START_ATTEMPTS: u32 = 5;

/// The most machines of one report: the market's limit.
const REPORT_MAX: usize = 400;

/// The most bytes of machines in one report: the market takes 64 KiB, with the agent's name.
const REPORT_BYTES_MAX: usize = 60 * 1024;

/// How often machines are reported unless the market says otherwise, and what it may say.
const REPORT_EVERY: Duration = Duration::from_secs(30);
const REPORT_EVERY_LEAST: Duration = Duration::from_secs(5);
const REPORT_EVERY_MOST: Duration = Duration::from_mins(5);

/// The least between two rounds.
const ROUND_PAUSE: Duration = Duration::from_secs(1);

/// The watch, on a thread of its own.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    turns: Arc<Turns>,
    /// What the market expects here, as it said last. It begins with nothing.
    machines: HashMap<Name, Watched>,
    /// Whether the market has said it since the agent's start.
    is_listed: bool,
    rounds: u64,
    /// Why the driver did not tell last how full its disk is.
    disk_refusal: Option<Refusal>,
}

/// A machine that the market expects here.
struct Watched {
    name: Name,
    should_run: bool,
    /// How often the agent may still start it by itself.
    starts_left: u32,
    /// The round in which it was looked at last.
    round: u64,
    /// How it was reached when its host key was checked last; nothing once it was not.
    checked: Option<Reach>,
    rounds_since_check: u32,
    /// The processor time that it had used when it was last looked at.
    cpu: Option<(Instant, u64)>,
    /// What was said of it last.
    said: String,
}

/// What was seen of a machine, and the last job of its slice when the look began.
struct Look {
    sighting: Sighting,
    last_job: u64,
}

impl Watch {
    pub(crate) fn new(shared: Arc<Shared>, turns: Arc<Turns>) -> Watch {
        let machines = HashMap::new();
        Watch { shared, turns, machines, is_listed: false, rounds: 0, disk_refusal: None }
    }

    /// Watches until the agent is asked to stop.
    pub(crate) fn run(mut self) {
        let shared = Arc::clone(&self.shared);
        let is_asked = || shared.stop.is_asked();
        let mut backoff = Backoff::default();
        let mut failure: Option<String> = None;
        while !is_asked() {
            let began_at = Instant::now();
            let left = self.turns.left();
            let (looks, disk) = self.round();
            if is_asked() {
                return;
            }
            let wait = match self.report(&looks, disk) {
                Ok(every) => {
                    backoff.reset();
                    if failure.take().is_some() {
                        say!("agent: machines are reported again");
                    }
                    let wait = every.saturating_sub(began_at.elapsed()).max(ROUND_PAUSE);
                    // The answer to a report says what there is to look at.
                    if self.has_unseen() { Duration::ZERO } else { wait }
                }
                Err(error) => {
                    let why = error.to_string();
                    if failure.as_ref() != Some(&why) {
                        say!("agent: can't report machines: {why}; retrying");
                        failure = Some(why);
                    }
                    backoff.next(error.wait())
                }
            };
            Stop::wait(wait.min(ROUND_PAUSE), is_asked);
            // What a job has done is reported at once.
            let wait = wait.saturating_sub(ROUND_PAUSE);
            Stop::wait(wait, || is_asked() || self.turns.left() != left);
        }
    }

    /// Whether the market expects a machine that nobody has looked at yet.
    fn has_unseen(&self) -> bool {
        self.machines.values().any(|machine| machine.round == 0)
    }

    /// Looks at every machine, as far as there is time, and at the disk that they are on.
    fn round(&mut self) -> (Vec<Look>, Option<Disk>) {
        self.rounds += 1;
        let round = self.rounds;
        let end = Instant::now() + ROUND_LIMIT;
        let (shared, turns) = (&*self.shared, &*self.turns);
        let mut machines: Vec<_> = self.machines.values_mut().collect();
        machines.sort_by_key(|machine| machine.round);
        let queue = Mutex::new(machines.into_iter());
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
        let look_on = || {
            let mut looks = Vec::new();
            while Instant::now() < end && !shared.stop.is_asked() {
                let Some(machine) = next() else { break };
                machine.round = round;
                looks.extend(machine.look(shared, turns));
            }
            looks
        };
        let refusal = &mut self.disk_refusal;
        thread::scope(|scope| {
            let threads: Vec<_> = (0..LOOKS_AT_A_TIME).map(|_| scope.spawn(look_on)).collect();
            let disk = disk(shared, refusal);
            let looks = threads.into_iter().flat_map(|thread| thread.join().unwrap_or_default());
            (looks.collect(), disk)
        })
    }

    /// Reports to the market what was seen, and takes over what it expects. Answers how often it
    /// wants reports.
    fn report(&mut self, looks: &[Look], disk: Option<Disk>) -> Result<Duration, ClientError> {
        // What a job has changed meanwhile is not reported as it was before.
        let is_current =
            |look: &&Look| self.turns.last_job(&look.sighting.slice_id) == Some(look.last_job);
        let sightings: Vec<_> =
            looks.iter().filter(is_current).map(|look| look.sighting.clone()).collect();
        let mut every = REPORT_EVERY;
        for part in parts(&sightings) {
            let Watchlist { machines, report_seconds } = self.shared.client.machines(part, disk)?;
            self.expect(machines);
            every = report_seconds.map_or(REPORT_EVERY, Duration::from_secs);
        }
        Ok(every.clamp(REPORT_EVERY_LEAST, REPORT_EVERY_MOST))
    }

    fn expect(&mut self, expected: Vec<Expected>) {
        let mut known = std::mem::take(&mut self.machines);
        let starts_left = if self.is_listed { 0 } else { START_ATTEMPTS };
        for Expected { rental_id, slice_id, should_run } in expected {
            // Ids become parts of paths.
            let Some(name) = Name::read(&slice_id, &rental_id) else { continue };
            let watched =
                known.remove(&name).unwrap_or_else(|| Watched::new(name.clone(), starts_left));
            self.machines.insert(name, Watched { should_run, ..watched });
        }
        self.is_listed = true;
    }
}

/// How full the disk is that machines are on, if the driver can tell. One that never can is not
/// asked again.
fn disk(shared: &Shared, refusal: &mut Option<Refusal>) -> Option<Disk> {
    if refusal.as_ref().is_some_and(|refusal| !refusal.retry) {
        return None;
    }
    let found = shared.driver.disk(status_limit(shared), |_| go_on(shared));
    let failed = found.as_ref().err().cloned();
    let is_new = failed.is_some() && failed != *refusal && !shared.stop.is_asked();
    if let Some(failed) = failed.as_ref().filter(|_| is_new) {
        say!("agent: the driver doesn't tell how full its disk is: {}", failed.error);
    }
    *refusal = failed;
    found.ok()
}

/// How long the driver may take to say how something is.
fn status_limit(shared: &Shared) -> Duration {
    shared.config.status_limit.min(STATUS_LIMIT)
}

fn go_on(shared: &Shared) -> Go {
    if shared.stop.is_asked() { Go::Stop } else { Go::On }
}

/// What is reported in one request each: no more than the market takes. There is one at least.
fn parts(sightings: &[Sighting]) -> Vec<&[Sighting]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (at, sighting) in sightings.iter().enumerate() {
        // With the comma behind it.
        let more = serde_json::to_vec(sighting).map_or(0, |text| text.len() + 1);
        if at > start && (at - start >= REPORT_MAX || bytes + more > REPORT_BYTES_MAX) {
            parts.push(&sightings[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    parts.push(&sightings[start..]);
    parts
}

impl Watched {
    fn new(name: Name, starts_left: u32) -> Watched {
        Watched {
            name,
            should_run: false,
            starts_left,
            round: 0,
            checked: None,
            rounds_since_check: 0,
            cpu: None,
            said: String::new(),
        }
    }

    /// Looks at the machine. Nothing where it cannot be said how it is.
    fn look(&mut self, shared: &Shared, turns: &Turns) -> Option<Look> {
        // A job that works on it changes it.
        let last_job = turns.last_job(&self.name.slice)?;
        let found = self.status(shared).map(|outcome| {
            if outcome.machine == Machine::Off && self.should_run && self.starts_left > 0 {
                return self.start(shared, turns).into();
            }
            self.starts_left = 0;
            outcome
        });
        let found = found.and_then(|outcome| {
            if let Machine::Running(reach) = &outcome.machine {
                reach::check_answer(reach).map_err(Refusal::never)?;
            }
            Ok(outcome)
        });
        let Outcome { machine, can, usage, .. } = match found {
            Ok(outcome) => outcome,
            Err(refusal) => {
                self.say(format!("unknown: {}", refusal.error));
                return None;
            }
        };
        let usage = self.used(usage);
        let endpoint = match &machine {
            Machine::Running(reach) => Some(Endpoint::new(reach)),
            Machine::Paused | Machine::Off | Machine::Absent => None,
        };
        let (state, found) = match machine {
            Machine::Running(reach) => ("running", Some(self.answers(shared, reach))),
            Machine::Paused => ("paused", None),
            Machine::Off => ("off", None),
            Machine::Absent => ("absent", None),
        };
        let ssh = found.as_ref().map(Result::is_ok);
        let port_open = found.and_then(Result::err).map(|unreached| unreached.is_port_open());
        if ssh.is_none() {
            self.checked = None;
            self.say(state.to_owned());
        }
        let Name { slice, rental } = self.name.clone();
        let (rental_id, slice_id) = (rental, slice);
        let sighting =
            Sighting { rental_id, slice_id, state, ssh, port_open, can, endpoint, usage };
        Some(Look { sighting, last_job })
    }

    /// What the machine uses; of the processor, since the last look.
    fn used(&mut self, usage: Option<Usage>) -> Option<Used> {
        let now = Instant::now();
        let cpu = usage.and_then(|usage| usage.cpu_ms).map(|cpu_ms| (now, cpu_ms));
        let last = std::mem::replace(&mut self.cpu, cpu);
        let Usage {
            cpu_ms: _,
            memory_bytes,
            disk_bytes,
            network_in_bytes,
            network_out_bytes,
            file_system_bytes,
            file_system_used_bytes,
        } = usage?;
        let cpu_percent = last.zip(cpu).and_then(|((then, before), (now, cpu_ms))| {
            let passed = u64::try_from((now - then).as_millis()).ok()?;
            // It begins anew with the machine.
            (cpu_ms.checked_sub(before)? * 100).checked_div(passed)
        });
        Some(Used {
            cpu_percent,
            memory_bytes,
            disk_bytes,
            network_in_bytes,
            network_out_bytes,
            file_system_bytes,
            file_system_used_bytes,
        })
    }

    fn status(&self, shared: &Shared) -> Result<Outcome, Refusal> {
        let request = self.request(Action::Status);
        shared.driver.run(&request, None, status_limit(shared), |_| go_on(shared))
    }

    /// Starts the machine, unless the market has had other work on it: then the market knows what
    /// it wants.
    fn start(&mut self, shared: &Shared, turns: &Turns) -> Machine {
        let Some(turn) = turns.claim(&self.name.slice) else {
            self.starts_left = 0;
            return Machine::Off;
        };
        self.starts_left -= 1;
        self.say("off, and should run; starting it".to_owned());
        let limit = shared.config.power_limit;
        let log = format!("{}.{}", self.name.slice, self.name.rental);
        let request = self.request(Action::Start);
        let started = shared.driver.run(&request, Some(&log), limit, |_| Go::On);
        turns.leave(&turn);
        match started {
            Ok(outcome) => {
                self.starts_left = 0;
                outcome.machine
            }
            Err(refusal) => {
                self.say(format!("can't be started: {}", refusal.error));
                Machine::Off
            }
        }
    }

    /// Whether SSH answers as the machine's own, or why not.
    fn answers(&mut self, shared: &Shared, reach: Reach) -> Result<(), Unreached> {
        let Name { slice, rental } = &self.name;
        let known_hosts = shared.config.state_folder.join(format!("{slice}.{rental}.known_hosts"));
        let is_known =
            self.checked.as_ref() == Some(&reach) && self.rounds_since_check < HOST_KEY_EVERY;
        let answer = reach::banner(&reach)
            .and_then(|()| if is_known { Ok(()) } else { reach::host_key(&reach, &known_hosts) });
        match &answer {
            Ok(()) => {
                self.rounds_since_check = if is_known { self.rounds_since_check + 1 } else { 1 };
                self.checked = Some(reach);
                self.say("running".to_owned());
            }
            Err(Unreached::Closed(why) | Unreached::NotYet(why) | Unreached::Wrong(why)) => {
                self.checked = None;
                self.say(format!("running, but SSH does not answer: {why}"));
            }
        }
        answer
    }

    /// The driver knows the machine: what it was made with does not count any more.
    fn request(&self, action: Action) -> Request {
        Request {
            version: protocol::VERSION,
            action,
            slice_id: self.name.slice.clone(),
            rental_id: self.name.rental.clone(),
            cpu_cores: 1,
            memory_mib: 1,
            disk_gib: 1,
            ssh_keys: Vec::new(),
            user_data: None,
            ports: Vec::new(),
            check: None,
            password_hash: None,
        }
    }

    /// Says how the machine is, if that is new.
    fn say(&mut self, how: String) {
        if self.said != how {
            say!("machine {} (rental {}): {how}", self.name.slice, self.name.rental);
            self.said = how;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::{PublicPort, Transport};

    fn sighting(number: usize, ports: u16) -> Sighting {
        let port = |port| PublicPort { protocol: Transport::Tcp, port, public_port: port };
        let reach = Reach {
            address: "203.0.113.7".to_owned(),
            port: 22_007,
            user: "root".to_owned(),
            host_keys: Vec::new(),
            console_url: None,
            ports: (1..=ports).map(port).collect(),
        };
        Sighting {
            rental_id: "019fadbe-f200-7b74-a851-6a89391beaa2".to_owned(),
            slice_id: format!("node32_slice_{number}"),
            state: "running",
            ssh: Some(true),
            port_open: None,
            can: None,
            endpoint: Some(Endpoint::new(&reach)),
            usage: None,
        }
    }

    #[test]
    fn every_machine_is_in_one_report_and_none_is_larger_than_the_market_takes() {
        for (machines, ports) in [(0, 0), (1, 10), (401, 0), (500, 10)] {
            let all: Vec<_> = (1..=machines).map(|number| sighting(number, ports)).collect();
            let parts = parts(&all);
            assert_eq!(parts.concat(), all);
            assert!(!parts.is_empty() && (parts.len() == 1 || machines > 400));
            for part in parts {
                let bytes = serde_json::to_vec(part).unwrap().len();
                assert!(part.len() <= 400 && bytes < 64 * 1024 - 200, "{bytes}");
            }
        }
    }
}
