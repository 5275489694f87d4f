//! The life of one job under one lease: each step is in the journal before it is taken.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::backoff::Backoff;
use crate::client::{Access, Client, ClientError, Job, Kind, Step};
use crate::config::Config;
use crate::console::{self, Consoles, Offer};
use crate::driver::{Driver, Go};
use crate::journal::{Journal, Phase, Record};
use crate::log::say;
use crate::protocol::{Action, Machine, Outcome, Reach, Refusal, Setup};
use crate::reach::{self, Unreached};
use crate::stop::Stop;

/// How often a machine that starts is looked at.
const POLL_INTERVAL: Duration = Duration::from_millis(500);

/// How often it is looked how far a machine's setup is.
const SETUP_INTERVAL: Duration = Duration::from_secs(2);

/// The most of a setup's log that is reported, in bytes.
const LOG_TAIL_MAX: usize = 3000;

/// How often the driver's `remove` is tried before a person has to look.
const REMOVE_ATTEMPTS: u32 = 5;

/// How long an outcome is reported to the market, again and again. It refunds a renter after 24
/// hours, and then answers that the lease is lost.
const REPORT_FOR: Duration = Duration::from_hours(25);

/// What is said to the market of a job that is given back.
const STOPPING: &str = "the agent is stopping";

/// What all jobs share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) client: Client,
    pub(crate) driver: Driver,
    pub(crate) journal: Journal,
    pub(crate) consoles: Consoles,
    pub(crate) stop: Stop,
}

/// Where the market's view of a lease stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lease {
    Held,
    Lost,
    /// The market does not know the job: a person has to look.
    Unknown,
}

/// A job that is being worked on.
pub(crate) struct Work {
    shared: Arc<Shared>,
    record: Record,
    lease: Lease,
    reported_at: Option<Instant>,
    /// It was begun by an agent that has ended since.
    is_resumed: bool,
}

/// The end of a log: whole lines of plain text.
fn log_tail(log: &str) -> String {
    let plain = |c: char| if c == '\t' { ' ' } else { c };
    let is_plain = |c: &char| *c == '\n' || !c.is_control();
    let text: String = log.chars().map(plain).filter(is_plain).collect();
    let mut start = text.len().saturating_sub(LOG_TAIL_MAX);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    let tail = &text[start..];
    match tail.split_once('\n') {
        Some((_, rest)) if start > 0 => rest.trim().to_owned(),
        _ => tail.trim().to_owned(),
    }
}

/// Whether there is more to do.
enum Next {
    Step,
    Finished,
    /// It stays in the journal: the next start goes on.
    Kept,
}

impl Work {
    pub(crate) fn new(shared: Arc<Shared>, record: Record) -> Work {
        let is_resumed = record.phase != Phase::Leased;
        Work { shared, record, lease: Lease::Held, reported_at: None, is_resumed }
    }

    /// The job.
    pub(crate) fn job(&self) -> &Job {
        &self.record.job
    }

    /// Works until the market knows the outcome, or the agent stops. An error is one of the
    /// journal: without it nothing may go on.
    pub(crate) fn run(mut self) -> Result<()> {
        loop {
            let next = match self.record.phase.clone() {
                Phase::Leased => self.begin()?,
                Phase::Creating => self.create()?,
                Phase::Created(reach) => self.check(reach)?,
                Phase::SettingUp(reach) => self.wait_for_setup(reach)?,
                Phase::Checked(reach) => self.complete(Some(&reach))?,
                Phase::Undoing(refusal) => self.undo(refusal)?,
                Phase::Rebuilding => self.rebuild()?,
                Phase::Removing => self.remove()?,
                Phase::Powering => self.power()?,
                Phase::Removed | Phase::Powered => self.complete(None)?,
                Phase::Failed(refusal) => self.fail(&refusal)?,
            };
            match next {
                Next::Step => {}
                Next::Finished => return Ok(()),
                Next::Kept => {
                    self.say("saved in the journal; resumes at the next start");
                    return Ok(());
                }
            }
        }
    }

    /// Prolongs the lease while the job waits for its slice.
    pub(crate) fn renew(&mut self) {
        self.renew_if_due();
    }

    fn begin(&mut self) -> Result<Next> {
        let kind = self.record.job.kind;
        if let Err(why) = self.record.job.request(kind.action()) {
            return self
                .save(Phase::Failed(Refusal::never(format!("rejected by the agent: {why}"))));
        }
        if self.shared.stop.is_asked() {
            return self.save(Phase::Failed(Refusal::later(STOPPING)));
        }
        self.reach_step(Step::Accepted)?;
        match self.lease {
            Lease::Held => self.save(match kind {
                Kind::Create => Phase::Creating,
                Kind::Remove => Phase::Removing,
                Kind::Rebuild => Phase::Rebuilding,
                Kind::Start
                | Kind::Shutdown
                | Kind::Restart
                | Kind::Reset
                | Kind::SetKeys
                | Kind::SetPassword
                | Kind::SetPorts => Phase::Powering,
            }),
            Lease::Lost => self.drop_lost(),
            Lease::Unknown => self.put_aside(),
        }
    }

    fn create(&mut self) -> Result<Next> {
        if self.is_resumed {
            self.renew_now();
        }
        // After a crash the driver may have made it already.
        if self.is_resumed
            && self.lease == Lease::Held
            && let Ok(Machine::Running(reach)) = self.drive(Action::Status)
        {
            return self.created(reach);
        }
        match self.lease {
            Lease::Held => {}
            Lease::Lost => return self.save(Phase::Undoing(None)),
            Lease::Unknown => return self.put_aside(),
        }
        let made = self.drive(Action::Create);
        match (self.lease, made) {
            (Lease::Lost, _) => self.save(Phase::Undoing(None)),
            (Lease::Unknown, _) => self.put_aside(),
            (Lease::Held, Ok(Machine::Running(reach))) => self.created(reach),
            (Lease::Held, Ok(Machine::Paused | Machine::Off | Machine::Absent)) => {
                let why = "the driver's create returned no machine that runs";
                self.save(Phase::Undoing(Some(Refusal::later(why))))
            }
            (Lease::Held, Err(refusal)) => self.save(Phase::Undoing(Some(refusal))),
        }
    }

    fn created(&mut self, reach: Reach) -> Result<Next> {
        match reach::check_answer(&reach) {
            Ok(()) => self.save(Phase::Created(reach)),
            Err(why) => self.give_up(Some(Refusal::never(why))),
        }
    }

    /// Removes what was created. A machine that was there before stays: what is on it is the
    /// renter's, or was made for them. Without a reason the lease is lost.
    fn give_up(&mut self, why: Option<Refusal>) -> Result<Next> {
        match (self.record.job.kind, why) {
            (Kind::Create, why) => self.save(Phase::Undoing(why)),
            (_, Some(why)) => self.save(Phase::Failed(why)),
            (_, None) => self.drop_lost(),
        }
    }

    /// Has the driver make the machine anew. Cut off in the middle, it does so once more: nobody
    /// has been told yet that there is a new one.
    fn rebuild(&mut self) -> Result<Next> {
        self.renew_now();
        match self.lease {
            Lease::Held => {}
            Lease::Lost => return self.drop_lost(),
            Lease::Unknown => return self.put_aside(),
        }
        let made = self.drive(Action::Rebuild);
        if made.is_ok() {
            self.end_console_sessions()?;
        }
        match made {
            Ok(Machine::Running(reach)) => self.created(reach),
            Ok(Machine::Absent) => {
                self.save(Phase::Failed(Refusal::never("the machine doesn't exist")))
            }
            Ok(Machine::Off | Machine::Paused) => {
                let why = "the driver's rebuild returned no machine that runs";
                self.save(Phase::Failed(Refusal::later(why)))
            }
            Err(refusal) => self.save(Phase::Failed(refusal)),
        }
    }

    /// Waits until the machine can be logged in to, looking from outside.
    fn check(&mut self, reach: Reach) -> Result<Next> {
        let end = Instant::now() + self.shared.config.ready_limit;
        let name = format!("{}.{}.known_hosts", self.record.job.id, self.record.job.fence);
        let known_hosts = self.shared.config.state_folder.join(name);
        self.renew_now();
        loop {
            match self.lease {
                Lease::Held => {}
                Lease::Lost => return self.give_up(None),
                Lease::Unknown => return self.put_aside(),
            }
            if self.shared.stop.is_over() {
                return self.give_up(Some(Refusal::later(STOPPING)));
            }
            match self.look(&reach, &known_hosts)? {
                Ok(()) if self.lease == Lease::Held => return self.save(Phase::SettingUp(reach)),
                Ok(()) => continue,
                Err(Unreached::Wrong(why)) => {
                    return self.give_up(Some(Refusal::later(why)));
                }
                Err(Unreached::Closed(why) | Unreached::NotYet(why)) if Instant::now() >= end => {
                    let limit = self.shared.config.ready_limit.as_secs();
                    let why = format!("not reachable within {limit} seconds: {why}");
                    return self.give_up(Some(Refusal::later(why)));
                }
                Err(Unreached::Closed(_) | Unreached::NotYet(_)) => {}
            }
            self.renew_if_due();
            Stop::wait(POLL_INTERVAL, || self.shared.stop.is_over());
        }
    }

    /// Waits until what the template sets up works, if the driver can say.
    fn wait_for_setup(&mut self, reach: Reach) -> Result<Next> {
        if self.record.job.check.is_none() {
            return self.save(Phase::Checked(reach));
        }
        let end = Instant::now() + self.shared.config.setup_limit;
        self.renew_now();
        loop {
            match self.lease {
                Lease::Held => {}
                Lease::Lost => return self.give_up(None),
                Lease::Unknown => return self.put_aside(),
            }
            if self.shared.stop.is_over() {
                return self.give_up(Some(Refusal::later(STOPPING)));
            }
            match self.ask(Action::Status) {
                Ok(Outcome { setup: Some(Setup::Failed { log }), .. }) => {
                    let error = "what the template sets up doesn't work".to_owned();
                    let refusal = Refusal { error, retry: true, log: Some(log_tail(&log)) };
                    return self.give_up(Some(refusal));
                }
                Ok(Outcome {
                    setup: Some(Setup::Done) | None,
                    machine: Machine::Running(_),
                    ..
                }) if self.lease == Lease::Held => {
                    return self.save(Phase::Checked(reach));
                }
                // One that is off for a moment may be restarting for its setup.
                Ok(_) | Err(_) if Instant::now() >= end => {
                    let limit = self.shared.config.setup_limit.as_secs();
                    let why = format!("its setup took longer than {limit} seconds");
                    return self.give_up(Some(Refusal::later(why)));
                }
                Ok(_) | Err(_) => {}
            }
            self.renew_if_due();
            Stop::wait(SETUP_INTERVAL, || self.shared.stop.is_over());
        }
    }

    fn look(
        &mut self,
        reach: &Reach,
        known_hosts: &std::path::Path,
    ) -> Result<Result<(), Unreached>> {
        if let Err(unreached) = reach::banner(reach) {
            return Ok(Err(unreached));
        }
        self.reach_step(Step::Reachable)?;
        if let Err(unreached) = reach::host_key(reach, known_hosts) {
            return Ok(Err(unreached));
        }
        self.reach_step(Step::Checked)?;
        Ok(Ok(()))
    }

    fn undo(&mut self, refusal: Option<Refusal>) -> Result<Next> {
        match &refusal {
            Some(refusal) => self.say(&format!("undoing it: {}", refusal.error)),
            None => self.say("lease lost; removing the machine"),
        }
        match (self.removed_for_good(), refusal) {
            (Ok(()), Some(refusal)) => self.save(Phase::Failed(refusal)),
            (Ok(()), None) => self.drop_lost(),
            (Err(_), _) if self.shared.stop.is_over() => Ok(Next::Kept),
            (Err(left), Some(refusal)) => {
                let error = format!("{}; the machine still exists: {left}", refusal.error);
                self.save(Phase::Failed(Refusal { error, retry: false, ..refusal }))
            }
            (Err(left), None) => {
                self.say(&format!("the machine still exists: {left}"));
                self.put_aside()
            }
        }
    }

    fn remove(&mut self) -> Result<Next> {
        self.renew_now();
        match self.lease {
            Lease::Held => {}
            // Whoever has the job now removes it; twice does no harm, but is not ours.
            Lease::Lost => return self.drop_lost(),
            Lease::Unknown => return self.put_aside(),
        }
        match self.removed_for_good() {
            Ok(()) => self.save(Phase::Removed),
            Err(_) if self.shared.stop.is_over() => Ok(Next::Kept),
            Err(left) => self.save(Phase::Failed(Refusal::later(left))),
        }
    }

    /// Has the driver switch the machine, or change something on it. Whatever comes of it, the
    /// machine stays: the renter's data is on it.
    fn power(&mut self) -> Result<Next> {
        self.renew_now();
        match self.lease {
            Lease::Held => {}
            // Whoever has the job now does it.
            Lease::Lost => return self.drop_lost(),
            Lease::Unknown => return self.put_aside(),
        }
        let kind = self.record.job.kind;
        let action = kind.action().into_str();
        let may_be_off = matches!(kind, Kind::Shutdown | Kind::SetKeys);
        let found = self.drive(kind.action());
        if kind == Kind::SetKeys && found.is_ok() {
            self.end_console_sessions()?;
        }
        match found {
            Ok(Machine::Off | Machine::Paused | Machine::Running(_)) if kind == Kind::SetPorts => {
                self.save(Phase::Powered)
            }
            Ok(Machine::Off) if may_be_off => self.save(Phase::Powered),
            Ok(Machine::Running(_)) if kind != Kind::Shutdown => self.save(Phase::Powered),
            Ok(Machine::Absent) => {
                self.save(Phase::Failed(Refusal::never("the machine doesn't exist")))
            }
            Ok(Machine::Paused) => {
                let why = format!("its server's disk is full: it is paused after {action}");
                self.save(Phase::Failed(Refusal::later(why)))
            }
            Ok(Machine::Off) => {
                let why = format!("the driver reports that it is off after {action}");
                self.save(Phase::Failed(Refusal::later(why)))
            }
            Ok(Machine::Running(_)) => {
                let why = format!("the driver reports that it runs after {action}");
                self.save(Phase::Failed(Refusal::later(why)))
            }
            Err(refusal) => self.save(Phase::Failed(refusal)),
        }
    }

    /// Whoever could log in may not be who can now.
    fn end_console_sessions(&self) -> Result<()> {
        let Job { slice, rental_id, .. } = &self.record.job;
        self.shared.consoles.end_sessions(&slice.id, rental_id, console::now())
    }

    /// Runs the driver's `remove` until it says that nothing is left.
    fn removed_for_good(&mut self) -> Result<(), String> {
        self.shared.consoles.forget(&self.record.job.slice.id, &self.record.job.rental_id);
        let mut backoff = Backoff::default();
        let mut why = String::new();
        for attempt in 1..=REMOVE_ATTEMPTS {
            match self.drive(Action::Remove) {
                Ok(Machine::Absent) => return Ok(()),
                Ok(Machine::Running(_) | Machine::Paused | Machine::Off) => {
                    "the driver reports that it is still there".clone_into(&mut why);
                }
                Err(refusal) => {
                    why = refusal.error;
                    if !refusal.retry {
                        break;
                    }
                }
            }
            self.say(&format!("removal failed: {why}"));
            if attempt < REMOVE_ATTEMPTS && !self.shared.stop.is_over() {
                Stop::wait(backoff.next(None), || self.shared.stop.is_over());
                self.renew_if_due();
            }
        }
        Err(why)
    }

    fn complete(&mut self, reach: Option<&Reach>) -> Result<Next> {
        let console = reach.map(|reach| self.console(reach)).transpose()?.unwrap_or_default();
        let access = reach.map(|reach| Access::new(reach, &console));
        match self.tell(|client, job| client.complete(job, access.as_ref())) {
            Ok(()) => {
                self.say("done");
                self.forget()
            }
            Err(ClientError::LeaseLost) if reach.is_some() => self.give_up(None),
            Err(ClientError::LeaseLost) => self.drop_lost(),
            Err(ClientError::Refused(why)) if reach.is_some() => {
                self.give_up(Some(Refusal::never(format!("marketplace: {why}"))))
            }
            Err(ClientError::Refused(why) | ClientError::Unknown(why)) => {
                self.say(&format!("the marketplace rejected the result: {why}"));
                self.put_aside()
            }
            Err(ClientError::Later { .. }) => Ok(Next::Kept),
        }
    }

    /// Where the machine's console is. A driver that has none refuses: that is no failure.
    fn console(&mut self, reach: &Reach) -> Result<Offer> {
        let said = match (&reach.console_url, self.drive(Action::Console)) {
            (_, Ok(Machine::Running(Reach { console_url: Some(url), .. }))) => Some(url),
            (known, _) => known.clone(),
        };
        Offer::new(&self.shared.config, &self.shared.consoles, &self.record.job, said)
    }

    fn fail(&mut self, refusal: &Refusal) -> Result<Next> {
        match self.tell(|client, job| client.fail(job, refusal)) {
            Ok(()) => {
                self.say(&format!("failed: {}", refusal.error));
                self.forget()
            }
            Err(ClientError::LeaseLost) => self.drop_lost(),
            Err(ClientError::Refused(why) | ClientError::Unknown(why)) => {
                self.say(&format!("the marketplace rejected the result: {why}"));
                self.put_aside()
            }
            Err(ClientError::Later { .. }) => Ok(Next::Kept),
        }
    }

    /// Tells the market an outcome, until it has heard it.
    fn tell(
        &mut self,
        report: impl Fn(&Client, &Job) -> Result<(), ClientError>,
    ) -> Result<(), ClientError> {
        let mut backoff = Backoff::default();
        let end = Instant::now() + REPORT_FOR;
        loop {
            let Err(error) = report(&self.shared.client, &self.record.job) else { return Ok(()) };
            let ClientError::Later { wait, .. } = &error else { return Err(error) };
            let wait = backoff.next(*wait);
            self.say(&format!("couldn't report to the marketplace yet: {error}"));
            if self.shared.stop.is_over() || Instant::now() + wait >= end {
                return Err(error);
            }
            Stop::wait(wait, || self.shared.stop.is_over());
        }
    }

    /// Runs the driver, and answers how the machine is.
    fn drive(&mut self, action: Action) -> Result<Machine, Refusal> {
        self.ask(action).map(|outcome| outcome.machine)
    }

    /// Runs the driver, telling the market of its steps and keeping the lease meanwhile.
    fn ask(&mut self, action: Action) -> Result<Outcome, Refusal> {
        let request = self.record.job.request(action).map_err(Refusal::never)?;
        let limit = match action {
            Action::Create | Action::Rebuild => self.shared.config.create_limit,
            Action::Remove => self.shared.config.remove_limit,
            Action::Status | Action::Console => self.shared.config.status_limit,
            Action::Start
            | Action::Shutdown
            | Action::Restart
            | Action::Reset
            | Action::SetKeys
            | Action::SetPassword
            | Action::SetPorts => self.shared.config.power_limit,
        };
        let shared = Arc::clone(&self.shared);
        let name = format!("{}.{}", self.record.job.id, self.record.job.fence);
        shared.driver.run(&request, Some(&name), limit, |step| {
            if let (Action::Create | Action::Rebuild, Some(step)) =
                (action, step.and_then(Step::of_driver))
            {
                self.move_on(step);
            }
            self.renew_if_due();
            // What is removed is removed to the end, and no machine is left between on and off:
            // their limits are the only ones.
            let is_making = action == Action::Create;
            let is_lost = self.lease == Lease::Lost;
            if is_making && (is_lost || self.shared.stop.is_over()) { Go::Stop } else { Go::On }
        })
    }

    /// Tells a step that a driver has reached. It is not kept: what the driver did is asked anew
    /// after a crash.
    fn move_on(&mut self, step: Step) {
        if step > self.record.step {
            self.record.step = step;
            self.renew_now();
        }
    }

    /// Tells a step, and keeps it.
    fn reach_step(&mut self, step: Step) -> Result<()> {
        if step > self.record.step {
            self.record.step = step;
            self.shared.journal.save(&self.record)?;
            self.renew_now();
        } else if step == Step::Accepted {
            self.renew_now();
        }
        Ok(())
    }

    fn renew_if_due(&mut self) {
        let every = self.shared.config.renew_every;
        if self.reported_at.is_none_or(|at| at.elapsed() >= every) {
            self.renew_now();
        }
    }

    /// Tells the newest step. Where the market cannot be reached the work goes on: the fence
    /// decides whose work counts.
    fn renew_now(&mut self) {
        if self.lease != Lease::Held {
            return;
        }
        self.reported_at = Some(Instant::now());
        match self.shared.client.progress(&self.record.job, self.record.step) {
            Ok(()) => {}
            Err(ClientError::LeaseLost) => self.lease = Lease::Lost,
            Err(ClientError::Unknown(why)) => {
                self.say(&format!("unknown to the marketplace: {why}"));
                self.lease = Lease::Unknown;
            }
            Err(error @ (ClientError::Refused(_) | ClientError::Later { .. })) => {
                self.say(&format!("couldn't report progress: {error}"));
            }
        }
    }

    fn save(&mut self, phase: Phase) -> Result<Next> {
        self.record.phase = phase;
        self.shared.journal.save(&self.record)?;
        Ok(Next::Step)
    }

    /// Forgets a job that somebody else has now, and of which nothing is to be undone.
    fn drop_lost(&mut self) -> Result<Next> {
        self.say(match self.record.job.kind {
            Kind::Create | Kind::Remove => "lease lost; nothing is left on this farm",
            Kind::Start
            | Kind::Shutdown
            | Kind::Restart
            | Kind::Reset
            | Kind::SetKeys
            | Kind::Rebuild
            | Kind::SetPassword
            | Kind::SetPorts => "lease lost; the machine stays as it is",
        });
        self.forget()
    }

    fn forget(&mut self) -> Result<Next> {
        self.shared.journal.forget(&self.record)?;
        Ok(Next::Finished)
    }

    /// What may have been made stays: only a person can say whether somebody uses it.
    fn put_aside(&mut self) -> Result<Next> {
        self.say("moved to the folder `aside` for inspection");
        self.shared.journal.put_aside(&self.record)?;
        Ok(Next::Finished)
    }

    fn say(&self, what: &str) {
        let Job { id, fence, rental_id, slice, .. } = &self.record.job;
        say!("job {id} (fence {fence}, {}, rental {rental_id}): {what}", slice.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_whole_lines_of_plain_text() {
        assert_eq!(log_tail(" a\tb\r\n\u{1b}[31mc\0\n"), "a b\n[31mc");
        assert_eq!(log_tail(""), "");
        let long = format!("{}\nthe end\n", "\u{e9}\n".repeat(2000));
        let tail = log_tail(&long);
        assert!(tail.ends_with("\nthe end") && tail.len() <= 3000, "{} bytes", tail.len());
        assert!(tail.starts_with('\u{e9}'));
        assert_eq!(log_tail(&"x".repeat(9000)).len(), 3000);
    }
}
