//! The cron trigger: runs components at their times, each run in a fresh instance.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use chrono::{DateTime, Utc};
use croner::Cron;
use croner::parser::{CronParser, Seconds};
use tokio::sync::watch;
use wasmtime::component::InstancePre;

use crate::bindings::cron::{Error, Metadata, SpinCronPre};
use crate::component::Component;
use crate::options::Clock;
use crate::sqlite::Sessions;
use crate::state::State;

/// How long to sleep at most before looking at the clock again, since somebody may set it.
const CLOCK_CHECK: Duration = Duration::from_secs(30);

/// The same with a clock that a test sets.
const SET_CLOCK_CHECK: Duration = Duration::from_millis(10);

/// A component that runs at times.
pub(crate) struct CronComponent {
    component: Arc<Component>,
    pre: SpinCronPre<State>,
    clock: Clock,
}

impl CronComponent {
    /// Fails if the component does not export the cron world.
    pub(crate) fn new(
        component: Arc<Component>,
        pre: InstancePre<State>,
        clock: Clock,
    ) -> Result<CronComponent> {
        Ok(CronComponent { component, pre: SpinCronPre::new(pre)?, clock })
    }

    /// One run, now. A failure is logged, and returned.
    pub(crate) async fn fire(&self) -> Result<()> {
        let deadline = self.component.limits.cron_deadline;
        let done = match tokio::time::timeout(deadline, self.run()).await {
            Ok(done) => done,
            Err(_) => Err(anyhow!("the run took longer than {} s", deadline.as_secs())),
        };
        done.inspect_err(|error| {
            self.component.log.host_lines(&format!("the run failed: {error:#}"));
        })
    }

    async fn run(&self) -> Result<()> {
        let sessions = Arc::new(Sessions::default());
        let mut store = self.component.store(self.pre.engine(), Arc::clone(&sessions))?;
        let instance = self.pre.instantiate_async(&mut store).await;
        let instance = instance.map_err(anyhow::Error::from).context("did not start")?;
        let metadata = Metadata { timestamp: self.clock.now().as_secs() };
        match instance.call_handle_cron_event(&mut store, metadata).await? {
            Ok(()) => Ok(()),
            Err(Error::Other(text)) => Err(anyhow!(text)),
        }
    }

    /// Runs at each time of the schedule after `start`, until `stop` turns true. A run that is
    /// still going on at the next time lets that one pass.
    pub(crate) async fn follow(
        &self,
        schedule: &Schedule,
        start: Duration,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut now = start;
        while let Some(next) = schedule.next_after(now) {
            tokio::select! {
                () = self.wait_until(next) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
            // The log has it.
            let _ = self.fire().await;
            now = self.clock.now();
        }
    }

    async fn wait_until(&self, time: Duration) {
        let check = match self.clock {
            Clock::System => CLOCK_CHECK,
            Clock::Set(_) => SET_CLOCK_CHECK,
        };
        loop {
            let left = time.saturating_sub(self.clock.now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left.min(check)).await;
        }
    }
}

/// A parsed cron expression.
#[derive(Debug)]
pub(crate) struct Schedule(Cron);

impl Schedule {
    /// Six fields, seconds first, as Spin's trigger wants them.
    pub(crate) fn parse(expression: &str) -> Result<Schedule> {
        let wrong = || format!("`{expression}` is no cron expression of six fields, seconds first");
        // The parser also knows nicknames and a field for years, which Spin's trigger does not.
        ensure!(expression.split_whitespace().count() == 6, wrong());
        let parser = CronParser::builder().seconds(Seconds::Required).build();
        Ok(Schedule(parser.parse(expression).with_context(wrong)?))
    }

    /// The first time after `now`, both since 1970; `None` if there will be none.
    fn next_after(&self, now: Duration) -> Option<Duration> {
        let seconds = i64::try_from(now.as_secs()).ok()?;
        let now: DateTime<Utc> = DateTime::from_timestamp(seconds, 0)?;
        let next = self.0.find_next_occurrence(&now, false).ok()?;
        u64::try_from(next.timestamp()).ok().map(Duration::from_secs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(expression: &str, now: &str, next: &str) {
        let seconds = |text: &str| {
            let time = DateTime::parse_from_rfc3339(text).unwrap();
            Duration::from_secs(u64::try_from(time.timestamp()).unwrap())
        };
        let schedule = Schedule::parse(expression).unwrap();
        assert_eq!(schedule.next_after(seconds(now)), Some(seconds(next)));
    }

    #[test]
    fn schedules_count_in_utc_with_seconds_first() {
        check("0 */5 * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:05:00Z");
        check("30 0 0 * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:00:30Z");
        check("30 0 0 * * *", "2026-01-01T00:00:30Z", "2026-01-02T00:00:30Z");
        check("0 0 12 1 * *", "2026-01-31T23:00:00Z", "2026-02-01T12:00:00Z");
    }

    #[test]
    fn other_forms_are_refused() {
        for expression in ["*/5 * * * *", "", "0 61 * * * *", "@hourly", "0 0 0 1 1 * 2030"] {
            let error = Schedule::parse(expression).unwrap_err().to_string();
            assert!(error.contains("six fields"), "{expression}: {error}");
        }
    }
}
