//! What needs a person today, and the marketplace in figures: the top of the operator's page.

use domain::payout::PayoutState;
use store::overview::Overview;
use web::page::{Badge, Fact, Tone};
use web::text::{counted, grouped};

use crate::operator::page::Standing;

/// Something that needs a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Task {
    /// Such as `2 payout requests`.
    pub what: Badge,
    /// What to do about it, as a sentence.
    pub advice: &'static str,
    /// Where.
    pub url: &'static str,
}

/// Everything that needs a person, the worst first.
pub(crate) fn tasks(standing: &Standing) -> Vec<Task> {
    let broken = standing.findings.iter().filter(|finding| finding.violations > 0).count();
    let overdrawn =
        standing.reversed.iter().filter(|it| it.balance < domain::money::Usd::ZERO).count();
    let late = usize::try_from(standing.late_jobs).unwrap_or(usize::MAX);
    let payouts = |state| {
        let of = standing.payouts.iter().find(|count| count.state == state);
        of.map_or(0, |count| usize::try_from(count.payouts).unwrap_or(usize::MAX))
    };
    let (requested, approved) = (payouts(PayoutState::Requested), payouts(PayoutState::Approved));
    let oversold = standing.oversold;
    let lines = [
        (broken, "failed integrity check", Tone::Bad, "Find the cause at once.", "#invariants"),
        (oversold, "oversold node", Tone::Bad, "Ask the farmer to add capacity.", "/operator/sync"),
        (late, "overdue job", Tone::Bad, "Ask the farmer or agent why.", "#jobs"),
        (standing.failing_jobs, "failing recurring job", Tone::Bad, "Read why.", "/operator/jobs"),
        (overdrawn, "wallet below zero", Tone::Bad, "Ask its owner to pay.", "#reversed"),
        (
            standing.payments.len(),
            "uncredited payment",
            Tone::Warn,
            "Refund it, or add the credit.",
            "#payments",
        ),
        (requested, "payout request", Tone::Warn, "Approve or refuse it.", "/operator/payouts"),
        (
            approved,
            "approved payout",
            Tone::Warn,
            "Send the money.",
            "/operator/payouts?state=approved",
        ),
        (standing.disputes, "open dispute", Tone::Warn, "Decide it.", "/operator/disputes"),
        (standing.failed.len(), "failed email", Tone::Warn, "Resend it.", "#mail"),
        (
            standing.quarantined,
            "document in quarantine",
            Tone::Warn,
            "See what the grid reports.",
            "/operator/sync",
        ),
    ];
    let some = lines.into_iter().filter(|(count, ..)| *count > 0);
    some.map(|(count, noun, tone, advice, url)| {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        Task { what: Badge::new(counted(count, noun), tone), advice, url }
    })
    .collect()
}

/// The marketplace in figures.
pub(crate) fn figures(overview: &Overview) -> Vec<Fact> {
    let used = match overview.slices {
        0 => "no slices on the market".to_owned(),
        all => format!(
            "{}% ({} of {} slices)",
            overview.rented * 100 / all,
            grouped(overview.rented),
            grouped(all)
        ),
    };
    let this_month = overview.fees - overview.fees_before;
    vec![
        Fact::new("Fees this month", this_month.for_people()),
        Fact::new("Fees in total", overview.fees.for_people()),
        Fact::new("Running rentals", grouped(overview.rentals)),
        Fact::new("Utilization", used),
        Fact::new("Nodes on the market", grouped(overview.nodes)),
        Fact::new("Accounts", grouped(overview.accounts)),
        Fact::new("In escrow", overview.in_escrow.for_people()),
        Fact::new("In wallets", overview.in_wallets.for_people()),
    ]
}
