//! A machine after it was set up: what its farm's agent observes of it, and what follows.
//!
//! The table of observations is printed by a test below.

use core::cmp::Reverse;

use crate::disk::FileSystem;
use crate::event::EventKind;
use crate::time::Timestamp;

/// An agent reports its machines so often. Seconds.
pub const REPORT_SECONDS: u32 = 30;
/// The most machines in one report: with 64 KiB of JSON there is room for about 480.
pub const REPORT_MACHINES_MAX: usize = 400;
/// Without a report for so long, nobody knows how a machine is. Seconds: six reports.
pub const SILENCE_SECONDS: i64 = 180;
/// A machine whose SSH port has not answered for so long is unreachable. Seconds: two reports, so
/// that one lost packet notifies nobody.
pub const UNREACHABLE_SECONDS: i64 = 60;
/// A machine that was started has so long until its SSH port answers. Seconds: 5 minutes.
pub const START_SECONDS: i64 = 300;

/// What an agent observed of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::VariantArray)]
pub enum Observation {
    /// It runs, and its SSH port answers with its host key.
    Answers,
    /// It runs, and its SSH port cannot be reached.
    Silent,
    /// It runs, and its SSH port is open, but SSH does not answer with its host key: something
    /// inside of it is not right.
    PortOpen,
    /// It has been paused, because its server's disk is full.
    Paused,
    /// It is there and does not run.
    Off,
    /// It is not there.
    Absent,
}

/// The state of a machine, as its agent last reported it.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum MachineState {
    /// It runs, and its SSH port answers.
    Running,
    /// It runs again, and its SSH port does not answer yet.
    Starting,
    /// It runs, and its SSH port does not answer.
    Unreachable,
    /// It has been paused, because its server's disk is full.
    Paused,
    /// It does not run.
    Off,
    /// It should be on its host, and is not.
    Lost,
}

impl MachineState {
    /// Whether its renter can use it.
    pub fn is_up(self) -> bool {
        match self {
            MachineState::Running => true,
            MachineState::Starting
            | MachineState::Unreachable
            | MachineState::Paused
            | MachineState::Off
            | MachineState::Lost => false,
        }
    }

    /// What people are notified of when a machine comes to this state from another one.
    pub fn event(self) -> Option<EventKind> {
        match self {
            MachineState::Running => Some(EventKind::MachineUp),
            MachineState::Starting => None,
            MachineState::Unreachable
            | MachineState::Paused
            | MachineState::Off
            | MachineState::Lost => Some(EventKind::MachineDown),
        }
    }
}

/// How a machine is, for people: its state, unless that is too old.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum MachineStatus {
    /// It runs, and its SSH port answers.
    Running,
    /// It runs again, and its SSH port does not answer yet.
    Starting,
    /// Its agent does not report.
    Unknown,
    /// It runs, and its SSH port does not answer.
    Unreachable,
    /// It has been paused, because its server's disk is full.
    Paused,
    /// It does not run.
    Off,
    /// It should be on its host, and is not.
    Lost,
}

/// What a machine uses of its server, as far as its agent knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of one processor, in percent.
    pub cpu_percent: Option<u32>,
    /// Memory.
    pub memory_bytes: Option<u64>,
    /// Disk.
    pub disk_bytes: Option<u64>,
    /// Received by its network since its start.
    pub network_in_bytes: Option<u64>,
    /// Sent by its network since its start.
    pub network_out_bytes: Option<u64>,
    /// The size of its fullest file system, as the machine says itself.
    pub file_system_bytes: Option<u64>,
    /// What is used of that.
    pub file_system_used_bytes: Option<u64>,
}

impl Usage {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Usage::default()
    }

    /// Its fullest file system, if it says how full that is.
    pub fn file_system(&self) -> Option<FileSystem> {
        let (bytes, used_bytes) = (self.file_system_bytes?, self.file_system_used_bytes?);
        Some(FileSystem { bytes, used_bytes })
    }
}

/// What is known of a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// Its state.
    pub state: MachineState,
    /// Since when.
    pub since: Timestamp,
    /// Since when its SSH port has not answered while it is still held to be running.
    pub silent_since: Option<Timestamp>,
    /// When it was last reported.
    pub reported_at: Timestamp,
    /// Whether its farm's side is why it cannot be used: what its renter switched off or broke from
    /// inside is not.
    pub is_outage: bool,
}

impl Machine {
    /// What is known of it after an observation. `start_failed` says whether the last thing that
    /// was done with it was a start that failed.
    #[must_use]
    pub fn observe(self, observation: Observation, start_failed: bool, now: Timestamp) -> Machine {
        use Observation::{PortOpen, Silent};
        let has_lasted = |since: Timestamp, seconds| now.seconds_since(since) >= seconds;
        let (state, since, silent_since) = match (observation, self.state) {
            (Observation::Answers, MachineState::Running) => {
                (MachineState::Running, self.since, None)
            }
            (Observation::Answers, _) => (MachineState::Running, now, None),
            (Silent | PortOpen, MachineState::Running) => {
                let silent_since = self.silent_since.unwrap_or(now);
                if has_lasted(silent_since, UNREACHABLE_SECONDS) {
                    (MachineState::Unreachable, silent_since, None)
                } else {
                    (MachineState::Running, self.since, Some(silent_since))
                }
            }
            (Silent | PortOpen, MachineState::Starting)
                if has_lasted(self.since, START_SECONDS) =>
            {
                (MachineState::Unreachable, self.since, None)
            }
            (Silent | PortOpen, MachineState::Starting | MachineState::Unreachable)
            | (Observation::Paused, MachineState::Paused)
            | (Observation::Off, MachineState::Off)
            | (Observation::Absent, MachineState::Lost) => (self.state, self.since, None),
            // One that goes on needs a moment, as one that was started.
            (Silent | PortOpen, MachineState::Paused | MachineState::Off | MachineState::Lost) => {
                (MachineState::Starting, now, None)
            }
            (Observation::Paused, _) => (MachineState::Paused, now, None),
            (Observation::Off, _) => (MachineState::Off, now, None),
            (Observation::Absent, _) => (MachineState::Lost, now, None),
        };
        let is_outage = match state {
            MachineState::Running | MachineState::Starting => false,
            MachineState::Unreachable => observation == Silent,
            MachineState::Off => start_failed,
            MachineState::Paused | MachineState::Lost => true,
        };
        Machine { state, since, silent_since, reported_at: now, is_outage }
    }

    /// How it is, and since when.
    pub fn status(&self, now: Timestamp) -> (MachineStatus, Timestamp) {
        if !now.is_near(self.reported_at, SILENCE_SECONDS) {
            return (MachineStatus::Unknown, self.reported_at);
        }
        let status = match self.state {
            MachineState::Running => MachineStatus::Running,
            MachineState::Starting => MachineStatus::Starting,
            MachineState::Unreachable => MachineStatus::Unreachable,
            MachineState::Paused => MachineStatus::Paused,
            MachineState::Off => MachineStatus::Off,
            MachineState::Lost => MachineStatus::Lost,
        };
        (status, self.since)
    }
}

/// How several machines are, taken together: as the worst of them is.
pub fn worst(
    machines: impl IntoIterator<Item = Machine>,
    now: Timestamp,
) -> Option<(MachineStatus, Timestamp)> {
    let each = machines.into_iter().map(|machine| machine.status(now));
    each.max_by_key(|(status, since)| (*status, Reverse(*since)))
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use expect_test::expect;
    use strum::VariantArray;

    use super::*;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    fn machine(state: MachineState) -> Machine {
        let (since, reported_at) = (start(), start());
        Machine { state, since, silent_since: None, reported_at, is_outage: false }
    }

    fn after(seconds: i64) -> Timestamp {
        start().plus_seconds(seconds)
    }

    #[test]
    fn every_state_after_every_observation() {
        let row = |state: &MachineState| {
            let next = |observation: &Observation| {
                let next = machine(*state).observe(*observation, false, after(30));
                let since = next.since.seconds_since(start());
                let silent = if next.silent_since.is_some() { ", silent" } else { "" };
                let outage = if next.is_outage { ", outage" } else { "" };
                let state = next.state.into_str();
                format!("  {observation:?}: {state} since {since}{silent}{outage}\n")
            };
            let rows: String = Observation::VARIANTS.iter().map(next).collect();
            format!("{} since 0\n{rows}", state.into_str())
        };
        let table: String = MachineState::VARIANTS.iter().map(row).collect();
        expect![[r#"
            running since 0
              Answers: running since 0
              Silent: running since 0, silent
              PortOpen: running since 0, silent
              Paused: paused since 30, outage
              Off: off since 30
              Absent: lost since 30, outage
            starting since 0
              Answers: running since 30
              Silent: starting since 0
              PortOpen: starting since 0
              Paused: paused since 30, outage
              Off: off since 30
              Absent: lost since 30, outage
            unreachable since 0
              Answers: running since 30
              Silent: unreachable since 0, outage
              PortOpen: unreachable since 0
              Paused: paused since 30, outage
              Off: off since 30
              Absent: lost since 30, outage
            paused since 0
              Answers: running since 30
              Silent: starting since 30
              PortOpen: starting since 30
              Paused: paused since 0, outage
              Off: off since 30
              Absent: lost since 30, outage
            off since 0
              Answers: running since 30
              Silent: starting since 30
              PortOpen: starting since 30
              Paused: paused since 30, outage
              Off: off since 0
              Absent: lost since 30, outage
            lost since 0
              Answers: running since 30
              Silent: starting since 30
              PortOpen: starting since 30
              Paused: paused since 30, outage
              Off: off since 30
              Absent: lost since 0, outage
        "#]]
        .assert_eq(&table);
    }

    #[test]
    fn a_port_that_is_silent_for_a_minute_is_unreachable_since_it_fell_silent() {
        let silent = |machine: Machine, at| machine.observe(Observation::Silent, false, after(at));
        let machine = silent(silent(machine(MachineState::Running), 30), 60);
        assert_eq!((machine.state, machine.silent_since), (MachineState::Running, Some(after(30))));
        // One answer in between, and the minute begins anew.
        let answered = machine.observe(Observation::Answers, false, after(75));
        assert_eq!(silent(answered, 90).state, MachineState::Running);
        let machine = silent(machine, 90);
        assert_eq!((machine.state, machine.since), (MachineState::Unreachable, after(30)));
    }

    #[test]
    fn a_machine_that_cannot_be_started_is_the_farms_fault() {
        let off = |start_failed| {
            machine(MachineState::Off).observe(Observation::Off, start_failed, after(30)).is_outage
        };
        assert!(off(true) && !off(false));
    }

    #[test]
    fn a_start_takes_five_minutes_at_most() {
        let silent = |machine: Machine, at| machine.observe(Observation::Silent, false, after(at));
        let started = silent(machine(MachineState::Off), 30);
        assert_eq!(silent(started, 329).state, MachineState::Starting);
        let late = silent(started, 330);
        assert_eq!((late.state, late.since), (MachineState::Unreachable, after(30)));
    }

    #[test]
    fn without_reports_nobody_knows() {
        let machine = machine(MachineState::Off);
        assert_eq!(machine.status(after(180)), (MachineStatus::Off, start()));
        assert_eq!(machine.status(after(181)), (MachineStatus::Unknown, start()));
        let running = Machine { reported_at: after(200), ..self::machine(MachineState::Running) };
        let worst = worst([running, machine], after(210));
        assert_eq!(worst, Some((MachineStatus::Unknown, start())));
    }
}
