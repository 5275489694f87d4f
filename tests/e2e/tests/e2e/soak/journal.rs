//! What the clients were told, and whether it is so.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use domain::money::Usd;
use domain::time::Timestamp;
use e2e::{Answer, Call};
use rusqlite::Connection;
use serde_json::Value;

/// Something that is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    RentOne,
    RentSeveral,
    RentNode,
    RentByQuote,
    RentAgain,
    DryRun,
    Quote,
    QuoteWithHold,
    ReleaseQuote,
    Extend,
    End,
    Change,
    OfferTransfer,
    CancelTransfer,
    AcceptTransfer,
    Search,
    Observation,
    Credit,
    Offer,
}

use Kind::{
    AcceptTransfer, CancelTransfer, Change, Credit, DryRun, End, Extend, Observation, Offer,
    OfferTransfer, Quote, QuoteWithHold, ReleaseQuote, RentAgain, RentByQuote, RentNode, RentOne,
    RentSeveral, Search,
};

impl Kind {
    const ALL: [Kind; 19] = [
        RentOne,
        RentSeveral,
        RentNode,
        RentByQuote,
        RentAgain,
        DryRun,
        Quote,
        QuoteWithHold,
        ReleaseQuote,
        Extend,
        End,
        Change,
        OfferTransfer,
        CancelTransfer,
        AcceptTransfer,
        Search,
        Observation,
        Credit,
        Offer,
    ];

    /// What the market may say against it, whatever the others do.
    fn refusals(self) -> &'static [&'static str] {
        match self {
            RentOne | RentSeveral | RentNode | DryRun => {
                &["sold-out", "slice-taken", "not-offered", "insufficient-funds", "above-max-price"]
            }
            RentByQuote => &[
                // A week later the quote has been deleted.
                "not-found",
                "quote-expired",
                "offer-changed",
                "sold-out",
                "slice-taken",
                "not-offered",
                "insufficient-funds",
            ],
            Quote => &["sold-out", "slice-taken", "not-offered"],
            QuoteWithHold => &[
                "sold-out",
                "slice-taken",
                "not-offered",
                "too-many-holds",
                "insufficient-funds",
                "over-account-limit",
            ],
            Extend => &[
                "rental-ended",
                "not-found",
                "too-far-ahead",
                "price-raised",
                "not-offered",
                "insufficient-funds",
            ],
            End => &["rental-ended", "not-found", "refund-changed"],
            OfferTransfer => &["rental-ended", "not-found"],
            Change | ReleaseQuote | CancelTransfer | AcceptTransfer => &["not-found"],
            RentAgain | Search | Observation | Credit | Offer => &[],
        }
    }
}

/// A slice, or a whole node.
type Place = (String, Option<String>);

/// A rental that surely has its place: it was acknowledged, and nobody has asked to end it.
struct Held {
    rental: String,
    /// When it ends by itself if nobody extends it, in RFC 3339.
    until: String,
}

#[derive(Default)]
struct Notes {
    held: BTreeMap<Place, Held>,
    /// The time of the market.
    now: String,
    /// Rental, address and key of each rental that was acknowledged.
    rented: Vec<(String, String, String)>,
    /// Rental, key, and the end that it was extended to.
    extended: Vec<(String, String, String)>,
    /// Rental and refund, in micro-dollars.
    ended: Vec<(String, i64)>,
    funded: i64,
    answers: BTreeMap<(Kind, u16, String), Vec<Duration>>,
    /// How often the same was asked in vain for want of time, at most, and what it was.
    busiest: (usize, String),
}

/// What was told, by everybody.
#[derive(Default)]
pub(crate) struct Journal {
    notes: Mutex<Notes>,
}

/// The micro-dollars of a decimal text.
#[track_caller]
pub(crate) fn micros(text: &str) -> i64 {
    if text == "0.00" { 0 } else { Usd::parse("amount", text).unwrap().micros() }
}

#[track_caller]
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no text")).to_owned()
}

impl Journal {
    /// Notes an answer, and fails if there is no reason for it.
    pub(crate) fn note(&self, kind: Kind, answer: &Answer) {
        let problem = match answer.status {
            200..=399 => String::new(),
            _ => text(&answer.json()["type"]).replace("/docs/problems#", ""),
        };
        let is_busy = answer.status == 503 && problem == "busy";
        if is_busy {
            assert!(answer.header("retry-after").is_some(), "{answer}");
        } else if !problem.is_empty() {
            assert!(kind.refusals().contains(&problem.as_str()), "{kind:?}: {answer}");
        }
        let mut notes = self.notes.lock().unwrap();
        notes.answers.entry((kind, answer.status, problem)).or_default().push(answer.took);
    }

    /// Notes that something was asked so many times in vain, for want of time.
    pub(crate) fn busy(&self, tries: usize, call: &Call) {
        let mut notes = self.notes.lock().unwrap();
        if tries > notes.busiest.0 {
            notes.busiest = (tries, call.to_string());
        }
    }

    /// Notes that so many dollars were credited.
    pub(crate) fn funded(&self, dollars: u32) {
        self.notes.lock().unwrap().funded += i64::from(dollars) * 1_000_000;
    }

    pub(crate) fn funding(&self) -> i64 {
        self.notes.lock().unwrap().funded
    }

    /// Notes that somebody was notified of a rental, and fails if another one surely has its place.
    pub(crate) fn rented(&self, rental: &Value, email: &str, key: &str) {
        let (id, node) = (text(&rental["id"]), text(&rental["node_id"]));
        let slice = rental["slice_id"].as_str().map(str::to_owned);
        let held = Held { rental: id.clone(), until: text(&rental["grace_until"]) };
        let mut notes = self.notes.lock().unwrap();
        for ((other_node, other_slice), other) in &notes.held {
            let is_apart = slice.is_some() && other_slice.is_some() && slice != *other_slice;
            let is_elsewhere = *other_node != node || is_apart || other.rental == id;
            assert!(is_elsewhere, "{rental:#} has the place of {}", other.rental);
        }
        if held.until > notes.now {
            notes.held.insert((node, slice), held);
        }
        notes.rented.push((id, email.to_owned(), key.to_owned()));
    }

    /// Notes that somebody was notified of an extension.
    pub(crate) fn extended(&self, rental: &Value, key: &str) {
        let (id, until) = (text(&rental["id"]), text(&rental["grace_until"]));
        let mut notes = self.notes.lock().unwrap();
        for held in notes.held.values_mut().filter(|held| held.rental == id) {
            held.until.clone_from(&until);
        }
        notes.extended.push((id, key.to_owned(), text(&rental["ends_at"])));
    }

    /// Notes that a rental is about to be ended: from here on, its place may be another's.
    pub(crate) fn ending(&self, rental: &str) {
        self.notes.lock().unwrap().held.retain(|_, held| held.rental != rental);
    }

    /// Notes that somebody was notified of an end.
    pub(crate) fn ended(&self, answer: &Value) {
        let refund = micros(answer["refund"].as_str().unwrap());
        self.notes.lock().unwrap().ended.push((text(&answer["rental"]["id"]), refund));
    }

    /// Notes that it will be `now`: whatever is over by then may be another's.
    pub(crate) fn pass(&self, now: Timestamp) {
        let mut notes = self.notes.lock().unwrap();
        notes.now = now.to_string();
        let now = notes.now.clone();
        notes.held.retain(|_, held| held.until > now);
    }

    /// Fails unless the database has all that was told.
    pub(crate) fn check(&self, db: &Connection) {
        let notes = self.notes.lock().unwrap();
        let count = |sql: &str, params: &[&str]| -> i64 {
            let params = rusqlite::params_from_iter(params);
            db.query_row(sql, params, |row| row.get(0)).unwrap()
        };
        for (rental, email, key) in &notes.rented {
            let sql = "SELECT count(*) FROM rentals r
                         JOIN orders o ON o.id = r.order_id JOIN accounts a ON a.id = o.account_id
                         JOIN responses s ON s.owner_id = a.id AND s.created_at = o.created_at
                        WHERE r.id = ?1 AND a.email = ?2 AND s.idempotency_key = ?3";
            assert_eq!(count(sql, &[rental, email, key]), 1, "{rental} of {email} with {key}");
        }
        for (rental, key, ends_at) in &notes.extended {
            let sql = "SELECT count(*) FROM rental_periods p JOIN orders o ON o.id = p.order_id
                         JOIN responses s ON s.owner_id = o.account_id
                                         AND s.created_at = o.created_at
                        WHERE p.rental_id = ?1 AND s.idempotency_key = ?2
                          AND s.location = '/api/rentals/' || p.rental_id
                          AND p.ends_at = unixepoch(?3)";
            assert_eq!(count(sql, &[rental, key, ends_at]), 1, "{rental} extended with {key}");
        }
        for (rental, refund) in &notes.ended {
            let sql = "SELECT coalesce(sum(e.amount_micros), 0)
                         FROM ledger_transactions t
                         JOIN ledger_entries e ON e.transaction_id = t.id
                         JOIN ledger_accounts a ON a.id = e.ledger_account_id
                         JOIN rentals r ON r.id = t.rental_id AND r.state = 'ended'
                        WHERE t.rental_id = ?1 AND t.kind = 'refund' AND a.kind = 'wallet'";
            assert_eq!(count(sql, &[rental]), *refund, "the refund of {rental}");
        }
        assert!(!notes.rented.is_empty() && !notes.extended.is_empty() && !notes.ended.is_empty());
    }

    /// Fails if something was never done with success.
    pub(crate) fn check_coverage(&self) {
        let notes = self.notes.lock().unwrap();
        for kind in Kind::ALL {
            let is_done = notes
                .answers
                .keys()
                .any(|(done, status, _)| *done == kind && (200..300).contains(status));
            assert!(is_done, "nobody succeeded with {kind:?}");
        }
    }

    /// Fails if anything failed on our side.
    pub(crate) fn check_failures(&self) {
        let notes = self.notes.lock().unwrap();
        let of = |is_counted: fn(u16) -> bool| -> usize {
            let counted = notes.answers.iter().filter(|((_, status, _), _)| is_counted(*status));
            counted.map(|(_, took)| took.len()).sum()
        };
        let (failed, all) = (of(|status| status >= 500), of(|_| true));
        assert_eq!(failed, 0, "of {all} answers were 5xx");
    }

    /// What was asked and answered, and how fast.
    pub(crate) fn report(&self, took: Duration, renters: usize) -> String {
        let notes = self.notes.lock().unwrap();
        let all: usize = notes.answers.values().map(Vec::len).sum();
        let mut report = format!(
            "{all} requests of {renters} renters in {:.1} s\n\n\
             | what | answer | how often | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|\n",
            took.as_secs_f64()
        );
        for ((kind, status, problem), took) in &notes.answers {
            row(&mut report, &format!("{kind:?} | {status} {problem}"), took.clone());
        }
        let (tries, what) = &notes.busiest;
        row(&mut report, "all |", notes.answers.values().flatten().copied().collect());
        writeln!(report, "\nAt most {tries} times 503 in a row: {what}").unwrap();
        report
    }
}

fn row(report: &mut String, what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let ms = |percent: usize| took[(took.len() - 1) * percent / 100].as_secs_f64() * 1_000.0;
    let (p50, p99, max) = (ms(50), ms(99), ms(100));
    writeln!(report, "| {what} | {} | {p50:.1} | {p99:.1} | {max:.1} |", took.len()).unwrap();
}
