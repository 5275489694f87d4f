//! How much downtime a node's SLA still allows this month, in a sentence.

use domain::outlook::Outlook;
use domain::time::Timestamp;
use store::sla_alerts::NodeMonth;
use ui::wording::uptime;
use web::page::{Notice, Tone};
use web::text::counted;

/// From how many minutes on the time that is left is said in hours.
const MINUTES_MAX: u64 = 120;

pub(crate) fn sentence(month: &NodeMonth, now: Timestamp) -> Option<Notice> {
    let guaranteed = uptime(month.sla?);
    let (tone, text) = match month.outlook(now)? {
        Outlook::Met => (
            Tone::Good,
            format!(
                "This month meets the {guaranteed} uptime SLA, whatever happens in the rest of it."
            ),
        ),
        Outlook::Open { minutes_left: 0 } | Outlook::AtRisk { minutes_left: 0 } => (
            Tone::Warn,
            format!("No downtime left this month before the {guaranteed} uptime SLA is missed."),
        ),
        Outlook::Open { minutes_left } => (
            Tone::Plain,
            format!(
                "The {guaranteed} uptime SLA allows {} of downtime this month.",
                more(minutes_left)
            ),
        ),
        Outlook::AtRisk { minutes_left } => (
            Tone::Warn,
            format!(
                "The {guaranteed} uptime SLA is at risk: it allows only {} of downtime this month.",
                more(minutes_left)
            ),
        ),
        Outlook::Missed => {
            let down = month.observations.observed.saturating_sub(month.observations.up);
            let down = counted(i64::try_from(down).unwrap_or(i64::MAX), "check");
            (
                Tone::Bad,
                format!(
                    "This month misses the {guaranteed} uptime SLA: {down} found the node down."
                ),
            )
        }
    };
    Some(Notice { text, tone })
}

/// Such as `41 more minutes`, or `3 more hours`, rounded down.
fn more(minutes: u64) -> String {
    let (number, noun) =
        if minutes < MINUTES_MAX { (minutes, "minute") } else { (minutes / 60, "hour") };
    counted(i64::try_from(number).unwrap_or(i64::MAX), &format!("more {noun}"))
}

#[cfg(test)]
mod tests {
    use domain::id::NodeId;
    use domain::month::Month;
    use domain::outlook::Observations;
    use domain::uptime::Uptime;

    use super::*;

    #[track_caller]
    fn check(sla: i64, observed: u64, up: u64, expected: &str) {
        let month = NodeMonth {
            node: NodeId(32),
            month: Month::parse("2026-11").unwrap(),
            observations: Observations { observed, up },
            sla: Uptime::from_hundredths(sla),
        };
        // 2026-11-16T00:00:00Z.
        let at = Timestamp::from_seconds(1_794_787_200);
        let said = sentence(&month, at).map(|notice| notice.text).unwrap_or_default();
        assert_eq!(said, expected);
    }

    #[test]
    fn a_farmer_reads_how_long_the_node_may_be_down() {
        check(0, 9, 0, "");
        check(
            4_000,
            4_320,
            4_320,
            "This month meets the 40% uptime SLA, whatever happens in the rest of it.",
        );
        check(
            9_950,
            4_320,
            4_320,
            "The 99.5% uptime SLA allows 3 more hours of downtime this month.",
        );
        check(
            9_950,
            4_320,
            4_287,
            "The 99.5% uptime SLA is at risk: it allows only 50 more minutes of downtime this \
             month.",
        );
        check(
            9_950,
            4_320,
            4_200,
            "This month misses the 99.5% uptime SLA: 120 checks found the node down.",
        );
    }
}
