//! A market for native tests: handlers and jobs are called as components call them, on SQLite in
//! memory, with a played network, a set clock and randomness that is the same in each run.
//!
//! ```ignore
//! let stage = Stage::market();
//! let rent = || stage.as_user(ADA).key("k1").post(renting::ROUTES, RENT, slice(32, 1));
//! assert_eq!(rent().bytes(), rent().bytes());
//! assert_eq!(stage.balance(ADA), "75.00");
//! ```

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod answer;
mod caller;
mod environment;
mod fixture;
mod html;
mod network;
mod people;
mod plot;

use domain::money::Usd;
use domain::recurring::RecurringJob;
use domain::time::Timestamp;
use store::{RusqliteDb, invariants, ledger};
use web::{Config, Env, Job, JobError};

pub use answer::{Answer, HOSTILE, words};
pub use caller::Caller;
pub use environment::{SeededRandom, SetClock, Settings};
pub use html::reading;
pub use network::{Network, Posted};
pub use people::{ADA, BEN, FARMER, OPERATOR_TOKEN, User};
pub use plot::report;

/// When every market begins: 2026-07-29T12:00:00Z.
pub fn morning() -> Timestamp {
    Timestamp::from_seconds(1_785_326_400)
}

const DAY_SECONDS: i64 = 24 * 60 * 60;

/// A market.
pub struct Stage {
    /// Its database, to look into and to change behind the market's back.
    pub db: RusqliteDb,
    /// What is outside.
    pub network: Network,
    clock: SetClock,
    random: SeededRandom,
    settings: Settings,
    config: Config,
}

impl Stage {
    /// A market with nobody in it.
    pub fn empty() -> Stage {
        Stage::on(plot::empty())
    }

    /// A market with a farmer, whose node 32 has nine slices at $25 a month, and two renters with
    /// $100 each.
    pub fn market() -> Stage {
        Stage::on(plot::market())
    }

    fn on(db: RusqliteDb) -> Stage {
        let settings = Settings::of_tests();
        Stage {
            db,
            network: Network::default(),
            clock: SetClock::new(morning()),
            random: SeededRandom::new(0),
            config: settings.config(),
            settings,
        }
    }

    /// The same where the operator has set a variable.
    pub fn with(mut self, name: &str, value: &str) -> Stage {
        self.settings.set(name, value);
        self.config = self.settings.config();
        self
    }

    /// What handlers and jobs are given now.
    pub fn env(&self) -> Env<'_> {
        Env {
            db: &self.db,
            outbound: &self.network,
            random: &self.random,
            clock: &self.clock,
            variables: &self.settings,
            config: &self.config,
            now: self.now(),
        }
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.clock.time()
    }

    /// Days go by.
    pub fn pass(&self, days: i64) {
        self.pass_seconds(days * DAY_SECONDS);
    }

    /// Seconds go by.
    pub fn pass_seconds(&self, seconds: i64) {
        self.clock.pass(seconds);
    }

    /// Runs a recurring job of a feature now.
    pub fn run(&self, jobs: &[Job], about: &RecurringJob) -> Result<(), JobError> {
        let job = jobs.iter().find(|job| job.about == about);
        (job.expect("the feature has this job").run)(&self.env())
    }

    /// Somebody who is not signed in.
    pub fn as_visitor(&self) -> Caller<'_> {
        Caller::new(self)
    }

    /// Somebody who is signed in, in a browser of their own.
    pub fn as_user(&self, user: User) -> Caller<'_> {
        self.as_visitor().signed_in(user, false)
    }

    /// The same, who has just shown a second factor.
    pub fn as_strong(&self, user: User) -> Caller<'_> {
        self.as_visitor().signed_in(user, true)
    }

    /// The operator, by the token of the variable `operator_token`.
    pub fn as_operator(&self) -> Caller<'_> {
        self.as_visitor().header("authorization", &format!("Bearer {OPERATOR_TOKEN}"))
    }

    /// A program of somebody's, by a token with one scope.
    pub fn as_token(&self, user: User, scope: &str) -> Caller<'_> {
        self.as_visitor().with_token(user, scope, None, None)
    }

    /// The agent of the farm of node 32, by a token for that farm.
    pub fn as_agent(&self) -> Caller<'_> {
        self.as_visitor().with_token(FARMER, "agent", Some(plot::FARM), None)
    }

    /// Somebody's program, by a new token that may spend so many dollars.
    pub fn as_limited_token(&self, user: User, scope: &str, limit: &str) -> Caller<'_> {
        let limit = Usd::parse("spending_limit", limit).unwrap();
        self.as_visitor().with_token(user, scope, None, Some(limit))
    }

    /// What somebody's wallet holds, in dollars.
    pub fn balance(&self, user: User) -> String {
        ledger::balance(&self.db, user.account()).unwrap().to_string()
    }

    /// Credits somebody's wallet.
    pub fn credit(&self, user: User, dollars: &str) {
        let amount = Usd::parse("dollars", dollars).unwrap();
        let key = format!("{:?}", self.env().random.id());
        plot::credit(&self.db, user, amount, &key, self.now());
    }

    /// Fails unless everything holds that must always hold.
    #[track_caller]
    pub fn check_invariants(&self) {
        let broken = invariants::check_everything(&self.db).unwrap();
        let broken = broken.iter().filter(|finding| finding.violations > 0);
        let broken: Vec<_> = broken.map(|finding| finding.invariant.claim).collect();
        assert!(broken.is_empty(), "{broken:?}");
    }
}
