//! What a renter has done with a machine: it is started, shut down, restarted or reset, or brought
//! to what the market has in its tables.

use crate::capability::Capability;
use crate::machine::MachineStatus;
use crate::provisioning::{LEASE_SECONDS, LeaseLost, RETRY_FIRST_SECONDS, Report};
use crate::time::Timestamp;

/// An action that is not done by then has failed. Seconds: 10 minutes.
pub const ACTION_SECONDS: i64 = 600;
/// A machine that is not made anew by then has failed to be. Seconds: 30 minutes.
pub const REBUILD_SECONDS: i64 = 1_800;
/// A machine that its renter wants to run is started again at most so often. Seconds: 5 minutes.
pub const AUTO_START_SECONDS: i64 = 300;

/// What is done with a machine.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum MachineAction {
    /// It is started, if it is off.
    Start,
    /// Its power button is pressed; if it still runs after a minute, it is switched off.
    Shutdown,
    /// It is shut down and started.
    Restart,
    /// It is reset at once, without a shutdown.
    Reset,
    /// It lets in the SSH keys that its rental has by now.
    SetKeys,
    /// It is made anew, with what its rental starts with by now; what was on it is deleted.
    Rebuild,
    /// It gets a password for its console.
    SetPassword,
    /// It has the ports that its rental has by now.
    SetPorts,
}

impl MachineAction {
    /// What a machine must be capable of.
    pub fn needs(self) -> Capability {
        match self {
            MachineAction::Start
            | MachineAction::Shutdown
            | MachineAction::Restart
            | MachineAction::Reset => Capability::Power,
            MachineAction::SetKeys => Capability::SetKeys,
            MachineAction::Rebuild => Capability::Rebuild,
            MachineAction::SetPassword => Capability::SetPassword,
            MachineAction::SetPorts => Capability::SetPorts,
        }
    }

    /// Whether it only switches the machine, so that nothing but its name has to be said.
    pub fn is_power(self) -> bool {
        self.needs() == Capability::Power
    }

    /// Whether the machine should run afterwards; `None` where that stays as it is.
    pub fn leaves_running(self) -> Option<bool> {
        match self {
            MachineAction::Start
            | MachineAction::Restart
            | MachineAction::Reset
            | MachineAction::Rebuild => Some(true),
            MachineAction::Shutdown => Some(false),
            MachineAction::SetKeys | MachineAction::SetPassword | MachineAction::SetPorts => None,
        }
    }

    /// Whether it makes sense for a machine that is like this.
    pub fn suits(self, status: MachineStatus) -> bool {
        match status {
            MachineStatus::Running
            | MachineStatus::Starting
            | MachineStatus::Unreachable
            | MachineStatus::Paused => self != MachineAction::Start,
            MachineStatus::Off => self == MachineAction::Start || !self.is_power(),
            MachineStatus::Unknown => true,
            MachineStatus::Lost => false,
        }
    }
}

/// How far an action is.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum ActionState {
    /// It waits for the agent.
    Waiting,
    /// The agent is at it, until its lease is over.
    Leased,
    /// It is done.
    Done,
    /// It could not be done.
    Failed,
    /// The rental left the machine before it was done.
    Canceled,
}

impl ActionState {
    /// Whether it is still to be done: a machine has one such action at a time.
    pub fn is_open(self) -> bool {
        match self {
            ActionState::Waiting | ActionState::Leased => true,
            ActionState::Done | ActionState::Failed | ActionState::Canceled => false,
        }
    }
}

/// An action as far as reports on it are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Where it is.
    pub state: ActionState,
    /// Counts its leases: only the holder of the newest one is heard.
    pub fence: u32,
    /// When it has failed, unless it is done.
    pub expires_at: Timestamp,
}

/// Decides a report of whoever holds the lease of this `fence`: the state, and when it can be
/// leased next. `None` is a report that was heard already.
pub fn report(
    action: &Progress,
    fence: u32,
    report: Report,
    now: Timestamp,
) -> Result<Option<(ActionState, Timestamp)>, LeaseLost> {
    if fence != action.fence || fence == 0 {
        return Err(LeaseLost);
    }
    let lease_ends_at = now.plus_seconds(LEASE_SECONDS);
    let next_try_at = now.plus_seconds(RETRY_FIRST_SECONDS);
    match (action.state, report) {
        (ActionState::Done, Report::Complete)
        | (ActionState::Waiting | ActionState::Failed, Report::Fail { .. }) => Ok(None),
        (ActionState::Leased, Report::Progress(_)) => {
            Ok(Some((ActionState::Leased, lease_ends_at)))
        }
        (ActionState::Leased, Report::Complete) => Ok(Some((ActionState::Done, now))),
        (ActionState::Leased, Report::Fail { retry: true }) if next_try_at < action.expires_at => {
            Ok(Some((ActionState::Waiting, next_try_at)))
        }
        (ActionState::Leased, Report::Fail { .. }) => Ok(Some((ActionState::Failed, now))),
        (
            ActionState::Waiting | ActionState::Done | ActionState::Failed | ActionState::Canceled,
            Report::Progress(_) | Report::Complete | Report::Fail { .. },
        ) => Err(LeaseLost),
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::string::String;

    use expect_test::expect;
    use strum::VariantArray;

    use super::*;
    use crate::provisioning::Step;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_800_000_000)
    }

    #[test]
    fn every_report_in_every_state() {
        let reports = [
            Report::Progress(Step::Accepted),
            Report::Complete,
            Report::Fail { retry: true },
            Report::Fail { retry: false },
        ];
        let row = |state: &ActionState| {
            let action = Progress {
                state: *state,
                fence: 2,
                expires_at: now().plus_seconds(ACTION_SECONDS),
            };
            let next = |it: &Report| match report(&action, 2, *it, now()) {
                Ok(None) => format!("  {it:?}: heard already\n"),
                Ok(Some((state, at))) => {
                    format!("  {it:?}: {} {}\n", state.into_str(), at.seconds_since(now()))
                }
                Err(LeaseLost) => format!("  {it:?}: lost\n"),
            };
            format!("{}\n{}", state.into_str(), reports.iter().map(next).collect::<String>())
        };
        let table: String = ActionState::VARIANTS.iter().map(row).collect();
        expect![[r"
            waiting
              Progress(Accepted): lost
              Complete: lost
              Fail { retry: true }: heard already
              Fail { retry: false }: heard already
            leased
              Progress(Accepted): leased 60
              Complete: done 0
              Fail { retry: true }: waiting 30
              Fail { retry: false }: failed 0
            done
              Progress(Accepted): lost
              Complete: heard already
              Fail { retry: true }: lost
              Fail { retry: false }: lost
            failed
              Progress(Accepted): lost
              Complete: lost
              Fail { retry: true }: heard already
              Fail { retry: false }: heard already
            canceled
              Progress(Accepted): lost
              Complete: lost
              Fail { retry: true }: lost
              Fail { retry: false }: lost
        "]]
        .assert_eq(&table);
    }

    #[test]
    fn only_the_newest_lease_counts_and_time_ends_the_tries() {
        let action = |fence, seconds| Progress {
            state: ActionState::Leased,
            fence,
            expires_at: now().plus_seconds(seconds),
        };
        assert_eq!(report(&action(2, 600), 1, Report::Complete, now()), Err(LeaseLost));
        assert_eq!(report(&action(0, 600), 0, Report::Complete, now()), Err(LeaseLost));
        let retry = Report::Fail { retry: true };
        assert_eq!(report(&action(1, 30), 1, retry, now()), Ok(Some((ActionState::Failed, now()))));
    }

    #[test]
    fn what_is_offered_suits_the_machine() {
        let row = |status: &MachineStatus| {
            let suits = |action: &&MachineAction| action.suits(*status);
            let names = MachineAction::VARIANTS.iter().filter(suits).map(MachineAction::into_str);
            let names: alloc::vec::Vec<_> = names.collect();
            format!("{}: {}\n", status.into_str(), names.join(" "))
        };
        let table: String = MachineStatus::VARIANTS.iter().map(row).collect();
        expect![[r"
            running: shutdown restart reset set-keys rebuild set-password set-ports
            starting: shutdown restart reset set-keys rebuild set-password set-ports
            unknown: start shutdown restart reset set-keys rebuild set-password set-ports
            unreachable: shutdown restart reset set-keys rebuild set-password set-ports
            paused: shutdown restart reset set-keys rebuild set-password set-ports
            off: start set-keys rebuild set-password set-ports
            lost: 
        "]]
        .assert_eq(&table);
    }
}
