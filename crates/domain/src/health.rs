//! How the marketplace is, as everybody may know it.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::time::Timestamp;

/// What is known of the grid is old after this. Seconds: three runs of the sync.
pub const OLD_AFTER_SECONDS: i64 = 15 * 60;
/// A mail is late after this. Seconds.
pub const MAIL_LATE_AFTER_SECONDS: i64 = 10 * 60;
/// What was written down about the market, or checked, says nothing of now after this. Seconds.
pub const STALE_AFTER_SECONDS: i64 = 60 * 60;

/// For how many days it is kept how each part was.
pub const KEPT_DAYS: i64 = 90;

/// A part of the marketplace, of which is kept how it was on each day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Part {
    /// The sync with the grid.
    Sync,
    /// The outbox.
    Mail,
    /// Setting machines up and removing them.
    Setup,
    /// What must always hold.
    Checks,
    /// The nodes, as they were observed.
    Nodes,
}

/// What a job has seen. Instants are POSIX seconds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Health {
    /// How the last run of the sync went; `None` before the first.
    pub sync: Option<Sync>,
    /// The nodes of the market, by region.
    pub regions: Vec<Region>,
    /// Since when the oldest mail waits; `None` where none does.
    pub mail_waits_since: Option<i64>,
    /// How many jobs of agents are late.
    pub late_jobs: u32,
}

/// A run of the sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sync {
    /// When it was done.
    pub finished_at: i64,
    /// Whether nothing went wrong.
    pub is_whole: bool,
}

/// The nodes of a region.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its name.
    pub name: String,
    /// How many nodes.
    pub nodes: u64,
    /// How many of them are up, by the grid's last word.
    pub up: u64,
    /// When the grid was asked about the node of which it was asked longest ago.
    pub oldest_at: i64,
    /// When it was last asked about one.
    pub newest_at: i64,
}

impl Region {
    /// Takes other nodes of the same region in.
    pub fn add(&mut self, other: &Region) {
        self.nodes += other.nodes;
        self.up += other.up;
        self.oldest_at = self.oldest_at.min(other.oldest_at);
        self.newest_at = self.newest_at.max(other.newest_at);
    }

    /// Whether what is known of it is old.
    pub fn is_old(&self, now: Timestamp) -> bool {
        now.seconds() - self.oldest_at > OLD_AFTER_SECONDS
    }
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Verdict {
    /// As it should be.
    #[strum(serialize = "ok")]
    Good,
    /// It works, and something is late, old or unknown.
    Degraded,
    /// Something that must hold does not.
    #[strum(serialize = "trouble")]
    Bad,
}

impl Health {
    /// How the sync with the grid is, on a market that has been there since `since`.
    pub fn sync_verdict(&self, since: Timestamp, now: Timestamp) -> Verdict {
        let is_good = match self.sync {
            Some(sync) => sync.is_whole && now.seconds() - sync.finished_at <= OLD_AFTER_SECONDS,
            None => now.seconds_since(since) <= OLD_AFTER_SECONDS,
        };
        if is_good { Verdict::Good } else { Verdict::Degraded }
    }

    /// How the outbox is.
    pub fn mail_verdict(&self, now: Timestamp) -> Verdict {
        let is_late = |since: i64| now.seconds() - since > MAIL_LATE_AFTER_SECONDS;
        if self.mail_waits_since.is_some_and(is_late) { Verdict::Degraded } else { Verdict::Good }
    }

    /// How setting machines up is.
    pub fn access_verdict(&self) -> Verdict {
        if self.late_jobs > 0 { Verdict::Degraded } else { Verdict::Good }
    }

    /// How all of that is that was seen at `written_at`.
    pub fn verdict(&self, written_at: Timestamp, since: Timestamp, now: Timestamp) -> Verdict {
        let is_stale = now.seconds_since(written_at) > STALE_AFTER_SECONDS;
        let old = self.regions.iter().any(|region| region.is_old(now));
        let known = if is_stale || old { Verdict::Degraded } else { Verdict::Good };
        known
            .max(self.sync_verdict(since, now))
            .max(self.mail_verdict(now))
            .max(self.access_verdict())
    }
}

/// How something is that was not looked at yet, on a market that has been there since `since`: a
/// new one has not had the time for it.
pub fn unseen_verdict(since: Timestamp, now: Timestamp) -> Verdict {
    let is_new = now.seconds_since(since) <= STALE_AFTER_SECONDS;
    if is_new { Verdict::Good } else { Verdict::Degraded }
}

/// How an invariant is that was checked at `checked_at`, with so many violations.
pub fn check_verdict(violations: u64, checked_at: Timestamp, now: Timestamp) -> Verdict {
    if violations > 0 {
        Verdict::Bad
    } else if now.seconds_since(checked_at) > STALE_AFTER_SECONDS {
        Verdict::Degraded
    } else {
        Verdict::Good
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    const NOW: i64 = 1_795_367_321;

    fn healthy() -> Health {
        let region = Region {
            name: "Europe".into(),
            nodes: 7,
            up: 6,
            oldest_at: NOW - 300,
            newest_at: NOW - 10,
        };
        Health {
            sync: Some(Sync { finished_at: NOW - 200, is_whole: true }),
            regions: vec![region],
            mail_waits_since: Some(NOW - 20),
            late_jobs: 0,
        }
    }

    #[track_caller]
    fn check(health: &Health, expected: Verdict) {
        let now = Timestamp::from_seconds(NOW);
        let since = now.plus_seconds(-86_400);
        let verdict = health.verdict(now.plus_seconds(-120), since, now);
        assert_eq!(verdict, expected, "{health:?}");
    }

    #[test]
    fn what_is_late_or_old_is_said() {
        check(&healthy(), Verdict::Good);
        check(&Health::default(), Verdict::Degraded);
        let sync = Some(Sync { finished_at: NOW - 200, is_whole: false });
        check(&Health { sync, ..healthy() }, Verdict::Degraded);
        let sync = Some(Sync { finished_at: NOW - 901, is_whole: true });
        check(&Health { sync, ..healthy() }, Verdict::Degraded);
        check(&Health { late_jobs: 1, ..healthy() }, Verdict::Degraded);
        check(&Health { mail_waits_since: Some(NOW - 601), ..healthy() }, Verdict::Degraded);
        check(&Health { mail_waits_since: None, ..healthy() }, Verdict::Good);
        let mut old = healthy();
        old.regions[0].oldest_at = NOW - 901;
        check(&old, Verdict::Degraded);
        let now = Timestamp::from_seconds(NOW);
        let long_ago = healthy().verdict(now.plus_seconds(-3_601), now, now);
        assert_eq!(long_ago, Verdict::Degraded);
    }

    #[test]
    fn a_new_market_is_not_late() {
        let now = Timestamp::from_seconds(NOW);
        let after = |seconds: i64| now.plus_seconds(-seconds);
        let none = Health::default();
        assert_eq!(none.verdict(now, after(900), now), Verdict::Good);
        assert_eq!(none.verdict(now, after(901), now), Verdict::Degraded);
        assert_eq!(unseen_verdict(after(3_600), now), Verdict::Good);
        assert_eq!(unseen_verdict(after(3_601), now), Verdict::Degraded);
        // What failed has not just not been done yet.
        let sync = Some(Sync { finished_at: NOW, is_whole: false });
        assert_eq!(Health { sync, ..none }.verdict(now, now, now), Verdict::Degraded);
    }

    #[test]
    fn a_broken_invariant_is_trouble_and_an_old_check_is_no_proof() {
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(check_verdict(0, now, now), Verdict::Good);
        assert_eq!(check_verdict(0, now.plus_seconds(-3_601), now), Verdict::Degraded);
        assert_eq!(check_verdict(1, now.plus_seconds(-3_601), now), Verdict::Bad);
    }

    #[test]
    fn regions_are_taken_together() {
        let mut europe = healthy().regions.remove(0);
        let other = Region { oldest_at: NOW - 900, nodes: 1, ..europe.clone() };
        europe.add(&other);
        assert_eq!((europe.nodes, europe.up, europe.oldest_at), (8, 12, NOW - 900));
    }
}
