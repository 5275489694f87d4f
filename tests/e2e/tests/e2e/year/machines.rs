//! What the reports of a machine come to: calculated from what the test's agent has reported, and
//! sharing nothing with the market.

/// A machine that runs may be silent for so long before it counts as down. Seconds.
const SILENT: i64 = 60;
/// The same of one that has just been started. Seconds.
const STARTING: i64 = 300;

/// What an agent reports of a machine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reported {
    Answers,
    /// It runs, and can't be reached.
    Silent,
    /// It runs and can be reached, but something inside of it is wrong.
    PortOpen,
    /// It is off, as its renter wants it or by itself.
    Off,
    /// It is gone, paused or can't be started: that is its farm's fault.
    Down,
}

/// A report on a machine.
pub(crate) struct Report {
    pub(crate) at: i64,
    pub(crate) reported: Reported,
}

/// A machine of a rental.
pub(crate) struct Machine {
    pub(crate) made_at: i64,
    pub(crate) reports: Vec<Report>,
}

impl Machine {
    /// When it was down by its farm's fault, as far as that was reported before an instant. What
    /// goes on lasts until then.
    pub(crate) fn outages(&self, known: i64) -> Vec<(i64, i64)> {
        let (mut outages, mut open) = (vec![], None);
        // When it fell silent, how long that may last, and whether it has lasted longer.
        let mut silence: Option<(i64, i64, bool)> = None;
        let mut patience = SILENT;
        for Report { at, reported } in self.reports.iter().filter(|it| it.at < known) {
            let down_since = match reported {
                Reported::Answers | Reported::Off => None,
                Reported::Down => Some(*at),
                Reported::Silent | Reported::PortOpen => {
                    let (since, may_last, was_long) = silence.unwrap_or((*at, patience, false));
                    let is_long = at - since >= may_last;
                    silence = Some((since, may_last, is_long));
                    let since = if was_long { *at } else { since };
                    (is_long && *reported == Reported::Silent).then_some(since)
                }
            };
            if !matches!(reported, Reported::Silent | Reported::PortOpen) {
                silence = None;
                patience = if *reported == Reported::Answers { SILENT } else { STARTING };
            }
            match (open, down_since) {
                (None, since) => open = since,
                (Some(from), None) => {
                    outages.push((from, *at));
                    open = None;
                }
                (Some(_), Some(_)) => {}
            }
        }
        outages.extend(open.map(|from| (from, known)));
        outages
    }
}
