//! How often somebody may do something, and the headers that say so.
//!
//! Limited is what changes something, computes a lot, or stays open. Reads are not: each is one
//! bounded query, public ones can be cached, and counting them would make every read a write.
//!
//! Nobody uses up what others need. A request is counted by all of its limits or by none. Sessions
//! of an account are counted apart from its tokens, and one token gets half of what its tokens get
//! together. Guesses from elsewhere do not count for browsers in which the account has signed in
//! before.

use sha2::{Digest, Sha256};
use store::StoreError;
use store::accounts::Identity;
use store::limits::{self, Consumption, Use};

use crate::context::Context;
use crate::problem::{Kind, Problem};

/// The largest body that a request may have, in bytes. The largest form is a few hundred.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// So many uses at once, and as many again over `seconds`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Its name, in headers and in the database.
    pub name: &'static str,
    /// How many uses.
    pub quota: u32,
    /// In how many seconds.
    pub seconds: u32,
    /// Whom it counts, for the documentation.
    pub about: &'static str,
}

/// Changes, by client address.
pub const CHANGES_BY_ADDRESS: Policy = Policy {
    name: "changes-by-address",
    quota: 3_000,
    seconds: 60,
    about: "Requests other than GET and HEAD from one network address, with an account and without \
            one apart.",
};
/// Changes, by account.
pub const CHANGES_BY_ACCOUNT: Policy = Policy {
    name: "changes-by-account",
    quota: 1_200,
    seconds: 60,
    about: "Requests other than GET and HEAD from one account: in all of its sessions and, apart \
            from these, with all of its API tokens.",
};
/// Changes, by token.
pub const CHANGES_BY_TOKEN: Policy = Policy {
    name: "changes-by-token",
    quota: 600,
    seconds: 60,
    about: "Requests other than GET and HEAD with one API token.",
};
/// Accounts made, by client address.
pub const SIGN_UPS: Policy = Policy {
    name: "sign-ups",
    quota: 300,
    seconds: 60 * 60,
    about: "Sign-ups from one network address.",
};
/// Failed sign-ins, by client address.
pub const FAILURES_BY_ADDRESS: Policy = Policy {
    name: "sign-in-failures-by-address",
    quota: 50,
    seconds: 15 * 60,
    about: "Failed sign-ins from one network address. Above it, no passwords are checked, except \
            in browsers that the account has signed in from.",
};
/// Failed sign-ins, by account and client address.
pub const FAILURES_BY_PAIR: Policy = Policy {
    name: "sign-in-failures-by-account-and-address",
    quota: 10,
    seconds: 15 * 60,
    about: "Failed sign-ins to one account from one network address.",
};
/// Failed sign-ins, by account.
pub const FAILURES_BY_ACCOUNT: Policy = Policy {
    name: "sign-in-failures-by-account",
    quota: 100,
    seconds: 60 * 60,
    about: "Failed sign-ins to one account from all addresses. Passkeys, password resets and \
            browsers that the account has signed in from still work.",
};
/// Failed sign-ins in a browser that the account has signed in from.
pub const FAILURES_BY_DEVICE: Policy = Policy {
    name: "sign-in-failures-by-browser",
    quota: 10,
    seconds: 15 * 60,
    about: "Failed sign-ins to one account in a browser that it has signed in from since its \
            password last changed. Counts instead of the three above.",
};
/// Wrong codes of a second factor, by account; of a browser that has shown one before, by browser.
pub const CODES: Policy = Policy {
    name: "second-factor-codes",
    quota: 10,
    seconds: 15 * 60,
    about: "Authenticator and recovery codes tried for one account. A browser that has signed in \
            with a second factor is counted apart.",
};
/// Passwords of somebody who is signed in, by session.
pub const VERIFICATIONS: Policy = Policy {
    name: "verifications",
    quota: 10,
    seconds: 15 * 60,
    about: "Password confirmations in one session for protected changes.",
};
/// Mails that somebody makes us send, by recipient and kind: sign-ups do not use up resets.
pub const MAILS: Policy = Policy {
    name: "mails-by-recipient",
    quota: 5,
    seconds: 60 * 60,
    about: "Emails of one kind to one address: sign-up, password reset, address change. Browsers \
            that the account has signed in from are counted apart.",
};

/// Streams opened, by account. Each is open for less than a minute, so that this also bounds how
/// many are.
pub const STREAMS: Policy = Policy {
    name: "streams-by-account",
    quota: 16,
    seconds: 60,
    about: "Event streams opened by one account in its sessions, or with one API token; with all \
            of its tokens, twice as many. Above it, poll events as JSON.",
};

/// Streams opened, by client address: of whoever has many accounts, too.
pub const STREAMS_BY_ADDRESS: Policy = Policy {
    name: "streams-by-address",
    quota: 240,
    seconds: 60,
    about: "Event streams opened from one network address. Above it, poll events as JSON.",
};

/// Messages of claims asked for and signatures tried, by account: the grid is asked for each claim.
pub const CLAIMS: Policy = Policy {
    name: "farm-claims",
    quota: 60,
    seconds: 60 * 60,
    about: "Farm verifications started, and signatures tried, by one account in its \
            sessions, or with one API token; with all of its tokens, twice as many.",
};

/// Looks at documents of the grid, by account: each asks the grid, which is not ours.
pub const NODE_PREVIEWS: Policy = Policy {
    name: "node-previews",
    quota: 60,
    seconds: 60,
    about: "Node previews by one account in its sessions, or with one API token; with all of its \
            tokens, twice as many.",
};

/// Changes of what one node offers: each stays in its history for good.
pub const OFFER_CHANGES: Policy = Policy {
    name: "offer-changes-by-node",
    quota: 120,
    seconds: 60 * 60,
    about: "Changes of the offer, lock, listing, maintenance or leaving of one node.",
};
/// Changes of what an account offers.
pub const OFFER_CHANGES_BY_ACCOUNT: Policy = Policy {
    name: "offer-changes-by-account",
    quota: 3_000,
    seconds: 60 * 60,
    about: "The same for all nodes of one account, in its sessions or with one API token; with all \
            of its tokens, twice as many.",
};

/// Every limit, for the documentation.
pub const POLICIES: [Policy; 17] = [
    CHANGES_BY_ADDRESS,
    CHANGES_BY_ACCOUNT,
    CHANGES_BY_TOKEN,
    SIGN_UPS,
    FAILURES_BY_ADDRESS,
    FAILURES_BY_PAIR,
    FAILURES_BY_ACCOUNT,
    FAILURES_BY_DEVICE,
    CODES,
    VERIFICATIONS,
    MAILS,
    STREAMS,
    STREAMS_BY_ADDRESS,
    CLAIMS,
    NODE_PREVIEWS,
    OFFER_CHANGES,
    OFFER_CHANGES_BY_ACCOUNT,
];

/// What is left of the limit that is closest to its end: what the `RateLimit` headers say
/// (draft-ietf-httpapi-ratelimit-headers-10).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    policy: Policy,
    /// The quota in force.
    quota: u32,
    /// Uses that are left now.
    left: u32,
    /// Seconds until all of the quota is back.
    reset_seconds: i64,
}

impl Budget {
    /// Uses that are left now.
    pub(crate) fn left(&self) -> u32 {
        self.left
    }

    /// The value of `RateLimit-Policy`.
    pub(crate) fn policy_header(&self) -> String {
        format!("\"{}\";q={};w={}", self.policy.name, self.quota, self.policy.seconds)
    }

    /// The value of `RateLimit`.
    pub(crate) fn limit_header(&self) -> String {
        format!("\"{}\";r={};t={}", self.policy.name, self.left, self.reset_seconds)
    }
}

/// A limit and whom it counts.
pub struct Limit {
    policy: Policy,
    quota: u32,
    key: String,
}

impl Limit {
    /// The limit of `policy` on `who`.
    pub fn new(cx: &Context<'_>, policy: Policy, who: &str) -> Limit {
        let quota = policy.quota.saturating_mul(cx.config.limit_factor);
        Limit { policy, quota, key: key(who) }
    }

    fn usage(&self) -> Use<'_> {
        let span = i64::from(self.policy.seconds) * 1000;
        let cost = (span / i64::from(self.quota)).max(1);
        Use { policy: self.policy.name, key: &self.key, span, cost }
    }

    fn budget(&self, level: i64) -> Budget {
        let used = self.usage();
        let left = ((used.span - level) / used.cost).clamp(0, self.quota.into());
        Budget {
            policy: self.policy,
            quota: self.quota,
            left: u32::try_from(left).unwrap_or(0),
            reset_seconds: seconds(level),
        }
    }

    /// Twice as much.
    fn twice(self) -> Limit {
        Limit { quota: self.quota.saturating_mul(2), ..self }
    }

    /// Takes a use back, because it turned out to be none of those that are limited.
    pub fn give_back(&self, cx: &Context<'_>) -> Result<(), StoreError> {
        limits::give_back(cx.db, &self.usage())
    }

    /// Takes every use back.
    pub fn clear(&self, cx: &Context<'_>) -> Result<(), StoreError> {
        limits::clear(cx.db, self.policy.name, &self.key)
    }
}

/// Whom a limit counts, so that the table of limits holds no address.
fn key(who: &str) -> String {
    store::chain::hex(&Sha256::digest(who)[..16])
}

/// Whole seconds, rounded up.
fn seconds(millis: i64) -> i64 {
    (millis.max(0) + 999) / 1000
}

/// The limits of `policy` on an account: on its sessions together or, apart from them, on a token
/// and on all of its tokens, which get twice as much as one. So one token that runs away stops
/// neither the others nor who would revoke it.
pub fn by_account(cx: &Context<'_>, policy: Policy, identity: &Identity) -> Vec<Limit> {
    let account = identity.account.to_string();
    match identity.token() {
        None => vec![Limit::new(cx, policy, &account)],
        Some(token) => vec![
            Limit::new(cx, policy, &token.to_string()),
            Limit::new(cx, policy, &of_tokens(&account)).twice(),
        ],
    }
}

/// The limits on requests that may change something.
pub(crate) fn on_changes(cx: &Context<'_>) -> Vec<Limit> {
    let Some(identity) = &cx.identity else {
        return vec![Limit::new(cx, CHANGES_BY_ADDRESS, &cx.address)];
    };
    let account = identity.account.to_string();
    // Whoever has no account does not use up what accounts at the same address have.
    let by_address = Limit::new(cx, CHANGES_BY_ADDRESS, &format!("accounts at {}", cx.address));
    match identity.token() {
        None => vec![Limit::new(cx, CHANGES_BY_ACCOUNT, &account), by_address],
        Some(token) => vec![
            Limit::new(cx, CHANGES_BY_TOKEN, &token.to_string()),
            Limit::new(cx, CHANGES_BY_ACCOUNT, &of_tokens(&account)),
            by_address,
        ],
    }
}

/// The tokens of an account, as one who is counted.
fn of_tokens(account: &str) -> String {
    format!("tokens of {account}")
}

/// Uses limits: all of them, or none if one is used up. That one is the problem, which says when to
/// try again. The narrowest comes first.
pub fn spend(cx: &Context<'_>, limits: &[Limit]) -> Result<(), Problem> {
    let uses: Vec<Use<'_>> = limits.iter().map(Limit::usage).collect();
    match limits::consume(cx.db, &uses, cx.now)? {
        Consumption::Counted(levels) => {
            for (limit, level) in limits.iter().zip(levels) {
                cx.note_budget(limit.budget(level));
            }
            Ok(())
        }
        Consumption::Refused { place, level, wait } => {
            if let Some(limit) = limits.get(place) {
                cx.note_budget(limit.budget(level));
            }
            let seconds = seconds(wait).max(1);
            let detail = format!("too many requests of this kind; try again in {seconds} seconds");
            let mut problem = Problem::new(Kind::TooManyRequests, detail);
            problem.extra.insert("retry_after_seconds".into(), seconds.into());
            Err(problem)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(quota: u32) -> Limit {
        Limit { policy: CHANGES_BY_TOKEN, quota, key: key("somebody") }
    }

    #[test]
    fn headers_say_what_is_left() {
        let budget = limit(600).budget(1_500);
        assert_eq!(budget.policy_header(), "\"changes-by-token\";q=600;w=60");
        assert_eq!(budget.limit_header(), "\"changes-by-token\";r=585;t=2");
        assert_eq!(limit(600).budget(60_000).limit_header(), "\"changes-by-token\";r=0;t=60");
    }

    #[test]
    fn names_are_unique_and_no_quota_is_free() {
        let mut names: Vec<&str> = POLICIES.iter().map(|policy| policy.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), POLICIES.len());
        assert_eq!(limit(u32::MAX).usage().cost, 1);
        let span = |policy: &Policy| i64::from(policy.seconds) * 1000;
        assert!(POLICIES.iter().all(|policy| span(policy) <= limits::SPAN_MAX));
        assert!(!key("192.0.2.7").contains("192"));
    }
}
