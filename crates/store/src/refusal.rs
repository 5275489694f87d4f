//! Why the database refuses a statement: each reason has a name.
//!
//! A trigger raises `refused: slice_taken`, a `CHECK` has a name, and unique keys are known by
//! their columns.

use std::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// What a command or a rule of the schema refuses. A test holds these names against `schema.sql`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case", const_into_str)]
pub enum Refusal {
    /// Access to a rental is owed where it was not when it was decided, or the other way around.
    AccessChanged,
    /// Access to the rental is not owed: a refund in full has no reason.
    AccessNotOwed,
    /// The account was deleted.
    AccountGone,
    /// A payout of the account is under way.
    AccountHasOpenPayout,
    /// The account rents something, or has a node on the market, held or rented.
    AccountInUse,
    /// The farm has no agent that could make the machine.
    AgentGone,
    /// The archive does not hold what was to be archived: its last row has another seal, or is an
    /// event that is not a notification yet.
    ArchiveNotSealed,
    /// Another run has archived rows of the chain.
    ArchiveOutOfOrder,
    /// What was archived stays so.
    ArchivesAppendOnly,
    /// The audit log, and its seals, only grow, unless they are archived.
    AuditAppendOnly,
    /// The wallet does not hold what it was to hold then.
    BalanceChanged,
    /// The ledger account does not have that much.
    BalanceNeverNegative,
    /// There is a booking of this kind and reference.
    BookingExists,
    /// The entries of a booking do not sum to zero.
    BookingNotBalanced,
    /// The SLA credit is not as it was seen.
    CreditChanged,
    /// The operator has decided the dispute.
    DisputeDecided,
    /// This side disputes the month already.
    DisputeExists,
    /// Disputes are decided, not deleted.
    DisputesNeverDeleted,
    /// What would be left of the earnings is less than what is withheld.
    EarningsWithheld,
    /// Another account has this email address.
    EmailTaken,
    /// An event of this kind does not concern renters, or farmers.
    EventAudienceMatchesKind,
    /// Events only come, unless they are archived.
    EventsAppendOnly,
    /// Another account has verified the node's farm.
    FarmOfAnotherAccount,
    /// Whoever takes a node over rents something on it.
    FarmerRentsOnNode,
    /// The account holds as many slices with quotes as it may.
    HoldLimitReached,
    /// The wallet does not hold what all that the account holds would cost.
    HoldNotCovered,
    /// The account has used the idempotency key.
    IdempotencyKeyUsed,
    /// Jobs are ended, not deleted.
    JobsNeverDeleted,
    /// The ledger, its months and its seals only grow, unless they are archived.
    LedgerAppendOnly,
    /// The action of the machine is not leased, or not by this agent, any more.
    MachineActionChanged,
    /// Another action of the machine is still to be done.
    MachineActionOpen,
    /// The machine is not there, or is not the renter's, any more.
    MachineGone,
    /// Maintenance is canceled, not deleted.
    MaintenanceNeverDeleted,
    /// Another maintenance window of the node is at that time.
    MaintenanceOverlaps,
    /// Something on the node is rented or held.
    NodeInUse,
    /// The node is registered.
    NodeRegistered,
    /// The node's owner or offer is not as it was seen.
    NodeTakeoverOutdated,
    /// Another run has made the notifications of these events.
    NoticeCursorMoved,
    /// The offer is not as it was seen, or the node cannot carry more.
    OfferChanged,
    /// The history of offers only grows.
    OfferHistoryAppendOnly,
    /// The total of an order is not the sum of its rentals.
    OrderTotalWrong,
    /// The account is paid to another address by now.
    PayoutAddressChanged,
    /// The payout is not at the version that was seen.
    PayoutChanged,
    /// The account has as many payouts under way as it may.
    PayoutLimitReached,
    /// Payouts are finished, not deleted.
    PayoutsNeverDeleted,
    /// The payment was refused before, or has paid another top-up.
    PaymentKnown,
    /// The quote was used or has expired, or is somebody else's.
    QuoteUnusable,
    /// The rental is not at the version that was seen.
    RentalChanged,
    /// A rental that has ended stays so.
    RentalEndsOnce,
    /// A rental has one job of a kind on a slice: it does not come back to one that it left.
    RentalNeverReturnsToSlice,
    /// Rentals are ended, not deleted.
    RentalsNeverDeleted,
    /// The saved search is not as it was seen: another run has looked for it, or it was changed.
    SavedSearchChanged,
    /// Another run has sealed the row.
    SealExists,
    /// The evidence of SLA months stays as it is.
    SlaEvidenceAppendOnly,
    /// The account has held one of the slices as often as it may.
    SliceHeldTooOften,
    /// The account rents as many slices as it may.
    SliceLimitReached,
    /// Too few slices are free.
    SliceTaken,
    /// Slices are retired, not deleted.
    SlicesNeverDeleted,
    /// The account has registered this key.
    SshKeyExists,
    /// The account has as many keys as it may.
    SshKeyLimitReached,
    /// Another run of the sync has begun.
    SyncRunSuperseded,
    /// The tenure was evaluated further, or its rental has changed.
    TenureChanged,
    /// The token was revoked.
    TokenGone,
    /// The token may not spend that much.
    TokenWithinCeiling,
    /// The top-up was paid, or is not what was paid, or has a page to pay on.
    TopUpChanged,
    /// The account has as many top-ups waiting as it may.
    TopUpLimitReached,
    /// The secret of the authenticator app is another one, or is confirmed.
    TotpSecretChanged,
    /// There is no such transaction to post an entry of.
    TransactionMissing,
    /// The rental is not offered to this account any more.
    TransferGone,
    /// The line for a node is not as it was seen.
    WaitlistChanged,
    /// The wallet of whom a payout pays is below zero.
    WalletBelowZero,
}

impl Refusal {
    /// Whether it means that somebody was faster: load again and decide again, and the decision
    /// says what follows. Any other refusal is a bug of ours.
    pub fn is_race(self) -> bool {
        matches!(
            self,
            Refusal::AccessChanged
                | Refusal::AccessNotOwed
                | Refusal::AccountGone
                | Refusal::AccountHasOpenPayout
                | Refusal::AccountInUse
                | Refusal::AgentGone
                | Refusal::ArchiveNotSealed
                | Refusal::ArchiveOutOfOrder
                | Refusal::BalanceChanged
                | Refusal::BalanceNeverNegative
                | Refusal::BookingExists
                | Refusal::CreditChanged
                | Refusal::DisputeDecided
                | Refusal::DisputeExists
                | Refusal::EarningsWithheld
                | Refusal::EmailTaken
                | Refusal::FarmOfAnotherAccount
                | Refusal::FarmerRentsOnNode
                | Refusal::HoldLimitReached
                | Refusal::HoldNotCovered
                | Refusal::IdempotencyKeyUsed
                | Refusal::MachineActionChanged
                | Refusal::MachineActionOpen
                | Refusal::MachineGone
                | Refusal::MaintenanceOverlaps
                | Refusal::NodeInUse
                | Refusal::NodeRegistered
                | Refusal::NodeTakeoverOutdated
                | Refusal::NoticeCursorMoved
                | Refusal::OfferChanged
                | Refusal::PayoutAddressChanged
                | Refusal::PayoutChanged
                | Refusal::PayoutLimitReached
                | Refusal::PaymentKnown
                | Refusal::QuoteUnusable
                | Refusal::RentalChanged
                | Refusal::RentalNeverReturnsToSlice
                | Refusal::SavedSearchChanged
                | Refusal::SealExists
                | Refusal::SliceHeldTooOften
                | Refusal::SliceLimitReached
                | Refusal::SliceTaken
                | Refusal::SshKeyExists
                | Refusal::SshKeyLimitReached
                | Refusal::SyncRunSuperseded
                | Refusal::TenureChanged
                | Refusal::TokenGone
                | Refusal::TokenWithinCeiling
                | Refusal::TopUpChanged
                | Refusal::TopUpLimitReached
                | Refusal::TotpSecretChanged
                | Refusal::TransferGone
                | Refusal::WaitlistChanged
                | Refusal::WalletBelowZero
        )
    }
}

/// A rule of the schema, as the database names the one that a statement breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule<'a> {
    /// What a trigger raises, and a `CHECK`, by name.
    Named(&'a str),
    /// A unique key, by its columns, such as `accounts.email`.
    Unique(&'a str),
    /// Any foreign key: the database does not say which.
    ForeignKey,
    /// A column that may not be empty.
    NotNull(&'a str),
}

impl<'a> Rule<'a> {
    /// The rule that a message of the database names. The message may have words around it.
    pub(crate) fn of_message(message: &'a str) -> Option<Rule<'a>> {
        let behind = |marker: &str| message.split_once(marker).map(|(_, rest)| rest);
        let until = |rest: &'a str, is_part: fn(char) -> bool| {
            rest.split(|c| !is_part(c)).next().unwrap_or_default().trim_end_matches([',', ' ', '.'])
        };
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let is_columns = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ',' | ' ');
        if let Some(rest) = behind("refused: ").or_else(|| behind("CHECK constraint failed: ")) {
            Some(Rule::Named(until(rest, is_name)))
        } else if let Some(rest) = behind("UNIQUE constraint failed: ") {
            Some(Rule::Unique(until(rest, is_columns)))
        } else if let Some(rest) = behind("NOT NULL constraint failed: ") {
            Some(Rule::NotNull(until(rest, is_columns)))
        } else {
            message.contains("FOREIGN KEY constraint failed").then_some(Rule::ForeignKey)
        }
    }

    /// What it means, where code knows it.
    pub(crate) fn refusal(self) -> Option<Refusal> {
        match self {
            Rule::Named(name) => name.parse().ok(),
            Rule::Unique(columns) => of_key(columns),
            Rule::ForeignKey | Rule::NotNull(_) => None,
        }
    }
}

/// What it means that a unique key is there, where code knows it.
fn of_key(columns: &str) -> Option<Refusal> {
    const DISPUTE: &str = concat!(
        "sla_disputes.rental_id, sla_disputes.month, sla_disputes.tenure, ",
        "sla_disputes.side"
    );
    match columns {
        "accounts.email" => Some(Refusal::EmailTaken),
        "audit_seals.audit_id" | "ledger_seals.transaction_id" => Some(Refusal::SealExists),
        "ledger_transactions.kind, ledger_transactions.reference" => Some(Refusal::BookingExists),
        "machine_actions.job_id" => Some(Refusal::MachineActionOpen),
        "nodes.id" => Some(Refusal::NodeRegistered),
        "responses.owner_id, responses.idempotency_key" => Some(Refusal::IdempotencyKeyUsed),
        "refused_payments.payment_id, refused_payments.top_up_id" | "top_ups.payment_id" => {
            Some(Refusal::PaymentKnown)
        }
        DISPUTE => Some(Refusal::DisputeExists),
        _ => None,
    }
}

impl fmt::Display for Rule<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Named(name) => f.write_str(name),
            Rule::Unique(columns) => write!(f, "UNIQUE {columns}"),
            Rule::ForeignKey => f.write_str("FOREIGN KEY"),
            Rule::NotNull(column) => write!(f, "NOT NULL {column}"),
        }
    }
}
