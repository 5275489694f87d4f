//! Every failure that a client can see, and its status. Problem details as of RFC 9457.

use std::fmt::Display;

use domain::field::FieldError;
use domain::leaving::{MoveError, NoticeError};
use domain::maintenance::MaintenanceError;
use domain::offering::{AboveMeasured, OfferingError};
use domain::order::RentError;
use domain::payout::RequestError;
use domain::rental::ExtendError;
use http::StatusCode;
use serde_json::{Map, Value, json};
use store::StoreError;
use store::disputes::{DecideFailure, DisputeFailure};
use store::jobs::ReportFailure;
use store::leaving::{LeaveFailure, MoveFailure};
use store::ledger::CreditFailure;
use store::machine_actions::ActionFailure;
use store::maintenance::MaintenanceFailure;
use store::offering::OfferingFailure;
use store::payouts::{self, RequestFailure};
use store::rentals::ChangeFailure;
use store::renting::RentFailure;
use store::top_ups::BeginFailure;
use store::transfers::TransferFailure;
use strum::{IntoStaticStr, VariantArray};

use crate::env::NoKeys;

/// Declares the kinds of problems, each with its stable name, status, title and advice.
macro_rules! kinds {
    ($($variant:ident, $name:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        /// What went wrong, by its stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
        #[strum(const_into_str)]
        pub enum Kind {
            $(#[doc = $title] #[strum(serialize = $name)] $variant,)*
        }

        impl Kind {
            /// The status that it is answered with.
            pub fn status(self) -> StatusCode {
                match self { $(Kind::$variant => StatusCode::$status,)* }
            }

            /// What happened, in a few words.
            pub fn title(self) -> &'static str {
                match self { $(Kind::$variant => $title,)* }
            }

            /// What to do about it.
            pub fn advice(self) -> &'static str {
                match self { $(Kind::$variant => $advice,)* }
            }
        }
    };
}

kinds! {
    MalformedRequest, "malformed-request", BAD_REQUEST, "The request can't be parsed",
        "Check the request against the API reference. The detail says where parsing stopped.";
    InvalidFields, "invalid-fields", BAD_REQUEST, "Some fields are invalid",
        "Correct the fields listed in errors and send the request again.";
    WrongSignature, "wrong-signature", BAD_REQUEST, "The event signature is invalid",
        "Set stripe_webhook_secret to the signing secret of this Stripe endpoint.";
    NotSignedIn, "not-signed-in", UNAUTHORIZED, "You are not signed in",
        "Sign in, or send a valid token as Authorization: Bearer ….";
    WrongPassword, "wrong-password", FORBIDDEN, "Incorrect password",
        "Send the account's current password.";
    WrongCredentials, "wrong-credentials", UNAUTHORIZED, "Incorrect email address or password",
        "Check both. Passwords are case-sensitive.";
    WrongCode, "wrong-code", UNAUTHORIZED, "Incorrect code",
        "Use the code your app currently shows, or an unused recovery code.";
    PasskeyRefused, "passkey-refused", UNAUTHORIZED, "The passkey was not accepted",
        "Try again or use another passkey.";
    InsufficientFunds, "insufficient-funds", PAYMENT_REQUIRED, "Your wallet balance is too low",
        "Add the amount given in missing, then retry with the same Idempotency-Key.";
    MissingScope, "missing-scope", FORBIDDEN, "The token lacks the required scope",
        "Use a token with the scope named in the detail.";
    CrossSite, "cross-site-request", FORBIDDEN, "The request came from another site",
        "Open the page on this site and submit the form there.";
    OverSpendingLimit, "over-token-spending-limit", FORBIDDEN,
        "The token's spending limit is too low",
        "Use a token with a higher spending limit, or without one.";
    StaleForm, "stale-form", FORBIDDEN, "This form belongs to another session",
        "Reload the page and submit the form again.";
    VerificationRequired, "verification-required", FORBIDDEN, "Verify it's you",
        "Sign in with a second factor, or verify with POST /api/account/sessions/verify.";
    ExpiredCode, "expired-code", FORBIDDEN, "This code has expired",
        "Codes work once, within ten minutes. Request a new one.";
    OwnSlice, "own-slice", FORBIDDEN, "This is your own node",
        "Choose another farmer's node.";
    FarmNotVerified, "farm-not-verified", FORBIDDEN, "You haven't verified this farm",
        "Verify the farm first, at /dashboard/farm/claims or with POST /api/farm/claims.";
    FarmVerifiedByAnother, "farm-verified-by-another", FORBIDDEN,
        "Another account has verified this farm",
        "If you own the farm, verify it yourself. The latest verification counts.";
    WrongClaim, "wrong-claim-signature", FORBIDDEN, "The signature is invalid",
        "Sign the exact message shown, with the key of the account shown.";
    NotFound, "not-found", NOT_FOUND, "Not found",
        "Check the URL. You also get this response for resources of other accounts.";
    NoSuchGridNode, "no-such-grid-node", NOT_FOUND, "The grid has no such node",
        "Check the node ID. The grid's dashboard lists a farm's nodes.";
    NoSuchGridFarm, "no-such-grid-farm", NOT_FOUND, "The grid has no such farm",
        "Check the farm ID. The grid's dashboard lists an account's farms.";
    NoSuchAccount, "no-such-account", NOT_FOUND, "No account has this email address",
        "Check the address, or ask the recipient to sign up first.";
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "Method not allowed",
        "Use a method named in the Allow header.";
    EmailTaken, "email-taken", CONFLICT, "This email address already has an account",
        "Sign in instead, or use another address.";
    NodeTaken, "node-taken", CONFLICT, "This node is already registered",
        "If you own the node, verify its farm and take the node over, or contact the operator.";
    NothingAdded, "nothing-added", CONFLICT, "No nodes were added",
        "The nodes field gives the reason for each node.";
    HasRentalsOnNode, "has-rentals-on-node", CONFLICT, "You rent slices on this node",
        "End or transfer your rentals on it first, then take the node over.";
    SliceTaken, "slice-taken", CONFLICT, "This slice is no longer available",
        "Choose another slice from the marketplace.";
    SoldOut, "sold-out", CONFLICT, "Not enough free slices",
        "Rent fewer slices, or choose one of the nodes listed in alternatives.";
    NodeDown, "node-down", CONFLICT, "This node is not running",
        "Choose one of the nodes listed in alternatives, or try again once this node is back up.";
    AboveMaxPrice, "above-max-price", CONFLICT, "The price is above your maximum",
        "Nothing was charged. Raise max_price or choose another node.";
    TermNotOffered, "term-not-offered", CONFLICT, "This term is not offered",
        "Choose another term or another node.";
    OverLimit, "over-account-limit", CONFLICT, "Slice limit reached",
        "End rentals you don't need, or ask the operator for a higher limit.";
    TooManyHolds, "too-many-holds", CONFLICT, "Quote limit reached",
        "Use or release a quote. Quotes are released automatically after five minutes.";
    QuoteUsed, "quote-used", CONFLICT, "This quote has been used",
        "Request a new quote. Each quote works once.";
    QuoteExpired, "quote-expired", CONFLICT, "This quote has expired",
        "Request a new quote. Quotes are valid for five minutes.";
    RentalEnded, "rental-ended", CONFLICT, "This rental has ended",
        "Rent a new slice.";
    TooFarAhead, "too-far-ahead", CONFLICT, "The rental would extend too far ahead",
        "Extend it later.";
    PriceRaised, "price-raised", CONFLICT, "The guaranteed price has expired",
        "Accept the current price with max_price, or let the rental end.";
    RefundChanged, "refund-changed", CONFLICT, "The refund amount has changed",
        "Nothing was ended. Review the new refund amount and confirm again.";
    NotOffered, "not-offered", CONFLICT, "This node is not on the market",
        "Choose another node.";
    OfferChanged, "offer-changed", CONFLICT, "The offer has changed",
        "Nothing was charged. Review the current offer and try again.";
    SlaAboveMeasured, "sla-above-measured", CONFLICT,
        "The SLA is above the measured values",
        "Nothing was changed. Lower the SLA, or accept the cost with confirm_cost_per_month.";
    NodeLocked, "node-locked", CONFLICT, "The node is locked",
        "Unlock the node first. If the operator locked it, contact the operator.";
    MaintenanceOverlaps, "maintenance-overlaps", CONFLICT,
        "Maintenance overlaps with another window",
        "Choose another time, or cancel the other window.";
    TooManyWindows, "too-many-windows", CONFLICT,
        "Maintenance limit reached for this month",
        "Wait until one of the four windows is over, or cancel one.";
    InsufficientFarmerEarnings, "insufficient-farmer-earnings", CONFLICT,
        "The farmer's earnings are too low",
        "Credit a smaller amount, or wait until the farmer has earned more.";
    TooLateToDispute, "too-late-to-dispute", CONFLICT, "The dispute period has ended",
        "You can dispute a month within 30 days of its evaluation.";
    NothingToDispute, "nothing-to-dispute", CONFLICT, "Nothing to dispute",
        "No credit was taken from your earnings for this month.";
    AlreadyDisputed, "already-disputed", CONFLICT, "This month is already disputed",
        "Each party can dispute a month once. The operator decides.";
    DisputeDecided, "dispute-decided", CONFLICT, "This dispute has been decided",
        "Reload the dispute. A decision is final.";
    InsufficientPayerBalance, "insufficient-payer-balance", CONFLICT,
        "The paying account's balance is too low",
        "Decide on a smaller amount, wait, or credit the other party by hand.";
    NoPayoutAddress, "no-payout-address", CONFLICT, "No payout address set",
        "Set a payout address, then request the payout again.";
    InsufficientEarnings, "insufficient-earnings", CONFLICT, "Earnings are too low",
        "Request at most the available balance, or wait until you have earned more.";
    TooManyPayouts, "too-many-payouts", CONFLICT, "Too many payouts in progress",
        "Wait until one is completed, or cancel a request.";
    WrongPayoutState, "wrong-payout-state", CONFLICT, "The payout's state doesn't allow this",
        "Reload the payout. Its state has changed.";
    PriceMissing, "price-missing", CONFLICT, "The node has no price",
        "Set a price per slice per month, then publish the node.";
    NeverPublished, "never-published", CONFLICT, "The node was never published",
        "Drafts are not on the market, so they can't be paused.";
    NodeLeaving, "node-leaving", CONFLICT, "The node is leaving the market",
        "Cancel leaving first.";
    TermBeyondLeaveDate, "term-beyond-leave-date", CONFLICT, "The node leaves before the term ends",
        "Choose a shorter term, or move the rental to another node.";
    NotLeaving, "not-leaving", CONFLICT, "The node stays on the market",
        "The node is not leaving, so there is nothing to cancel or move.";
    NotEquivalent, "not-equivalent", CONFLICT, "The slice is not equivalent",
        "Choose one of the rental's alternatives. They cost no more and guarantee at least as \
         much.";
    NotMovable, "not-movable", CONFLICT, "This rental can't be moved",
        "End the rental for a refund, and rent a new slice.";
    TooManyTokens, "too-many-tokens", CONFLICT, "Token limit reached",
        "Revoke a token, or reuse an existing one.";
    TooManyWebhooks, "too-many-webhooks", CONFLICT,
        "Webhook limit reached",
        "Remove one first.";
    TooManyTopUps, "too-many-top-ups", CONFLICT, "Too many unpaid top-ups",
        "Pay one of your open top-ups, or try again tomorrow.";
    PaymentsUnavailable, "payments-unavailable", CONFLICT, "Payments are not available",
        "The operator adds credit for you. Send them your email address and the amount.";
    InUse, "account-in-use", CONFLICT, "The account is still in use",
        "End all rentals, take all nodes off the market, and wait for pending payouts.";
    SecondFactorRequired, "second-factor-required", CONFLICT, "The account has no second factor",
        "Add a passkey or an authenticator app in Settings.";
    PasskeyTaken, "passkey-taken", CONFLICT, "This passkey is already registered",
        "Sign in with it, or create another passkey.";
    TooManyPasskeys, "too-many-passkeys", CONFLICT,
        "Passkey limit reached",
        "Remove one first.";
    PasskeysUnavailable, "passkeys-unavailable", CONFLICT, "Passkeys don't work at this URL",
        "Open the marketplace over HTTPS at its public_url, or on localhost.";
    LeaseLost, "lease-lost", CONFLICT, "The lease has expired",
        "Stop this job, because another agent may have it or it was canceled. Then lease a new \
         job.";
    MachineActionOpen, "machine-action-open", CONFLICT,
        "Another action of this machine is in progress",
        "Wait until it is done, or has failed after ten minutes.";
    MachineNotReady, "machine-not-ready", CONFLICT, "The machine is not set up",
        "Wait until the rental's access is ready.";
    SshKeyTaken, "ssh-key-taken", CONFLICT, "This SSH key already exists",
        "Use the existing key, or add a different one.";
    TooManySshKeys, "too-many-ssh-keys", CONFLICT,
        "SSH key limit reached",
        "Remove one first.";
    TotpAlreadySetUp, "totp-already-set-up", CONFLICT, "An authenticator app is already set up",
        "Remove the current app before you set up another one.";
    ResponseDeleted, "response-deleted", GONE, "The response is no longer stored",
        "The request succeeded when it was first sent, and was not repeated. Responses are stored \
         for 30 days.";
    TooLarge, "body-too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "Send a smaller request body.";
    KeyReused, "idempotency-key-reused", UNPROCESSABLE_ENTITY,
        "The Idempotency-Key was used for another request",
        "Use a new key for each new request.";
    TooManyRequests, "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Wait for the time in Retry-After, then retry.";
    UnusableDocument, "unusable-grid-document", BAD_GATEWAY,
        "The grid's data for this node is invalid",
        "Try again later. If the problem persists, report the node to grid support.";
    GridUnreachable, "grid-unreachable", BAD_GATEWAY, "The grid is not responding",
        "Nothing was changed. Try again in a few minutes.";
    PaymentProvider, "payment-provider", BAD_GATEWAY, "The payment provider is not responding",
        "Nothing was charged. Try again in a few minutes with the same Idempotency-Key.";
    MailNotConfigured, "mail-not-configured", CONFLICT, "This marketplace doesn't send email",
        "Ask the operator to configure a mail transport.";
    Internal, "internal-error", INTERNAL_SERVER_ERROR, "Internal error",
        "Try again. If the problem persists, send the request ID to the operator.";
    Busy, "busy", SERVICE_UNAVAILABLE, "The marketplace is busy",
        "Retry after the time in Retry-After, with the same Idempotency-Key.";
    NoEncryptionKeys, "no-encryption-keys", SERVICE_UNAVAILABLE,
        "Encryption is not configured",
        "Ask the operator to set encryption_keys. Passkeys work without it.";
    WrongSchema, "wrong-schema", SERVICE_UNAVAILABLE, "Database version mismatch",
        "Ask the operator to run the Mycelium version that matches the database.";
}

impl Kind {
    /// Its URI reference: the page that describes every kind.
    pub fn uri(self) -> String {
        format!("/docs/problems#{}", self.into_str())
    }
}

/// A failure, as it is answered.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The stable name.
    pub kind: Kind,
    /// What happened, for people.
    pub detail: String,
    /// The fields that were wrong.
    pub fields: Vec<FieldError>,
    /// Further members of the document, such as `missing`.
    pub extra: Map<String, Value>,
    /// What the operator reads in the log; never sent.
    pub cause: Option<String>,
}

impl Problem {
    /// A problem of this kind with a sentence about this case.
    pub fn new(kind: Kind, detail: impl Display) -> Problem {
        Problem {
            kind,
            detail: detail.to_string(),
            fields: Vec::new(),
            extra: Map::new(),
            cause: None,
        }
    }

    /// A problem of this kind that has nothing to add to its title and advice.
    pub fn plain(kind: Kind) -> Problem {
        Problem::new(kind, format!("{}. {}", kind.title(), kind.advice()))
    }

    /// Nothing there, or nothing that this account may know of.
    pub fn not_found() -> Problem {
        Problem::plain(Kind::NotFound)
    }

    /// A failure of our own, whose cause goes to the log.
    pub fn internal(cause: impl Display) -> Problem {
        Problem { cause: Some(cause.to_string()), ..Problem::plain(Kind::Internal) }
    }

    /// Wrong fields, all of them.
    pub fn fields(fields: Vec<FieldError>) -> Problem {
        let list: Vec<String> = fields
            .iter()
            .map(|wrong| format!("{}: expected {}", wrong.field, wrong.rule))
            .collect();
        Problem { fields, ..Problem::new(Kind::InvalidFields, list.join("; ")) }
    }

    /// The document that is sent. `message` repeats the detail for older clients.
    pub fn document(&self, request_id: &str) -> Value {
        let mut document = json!({
            "type": self.kind.uri(),
            "title": self.kind.title(),
            "status": self.kind.status().as_u16(),
            "detail": self.detail,
            "instance": format!("urn:uuid:{request_id}"),
            "success": false,
            "message": self.detail,
        });
        if let Some(members) = document.as_object_mut() {
            if !self.fields.is_empty() {
                let field = |wrong: &FieldError| json!({"field": wrong.field, "rule": wrong.rule});
                members.insert("errors".into(), self.fields.iter().map(field).collect());
            }
            members.extend(self.extra.clone());
        }
        document
    }
}

impl From<FieldError> for Problem {
    fn from(wrong: FieldError) -> Problem {
        Problem::fields(vec![wrong])
    }
}

impl From<NoKeys> for Problem {
    fn from(error: NoKeys) -> Problem {
        match error {
            NoKeys::Unset => Problem::plain(Kind::NoEncryptionKeys),
            NoKeys::Wrong(_) => Problem::internal(error),
        }
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        let cause = Some(error.to_string());
        match error {
            StoreError::Busy => Problem { cause, ..Problem::plain(Kind::Busy) },
            // Somebody was faster, where no handler expects it: the next try sees it.
            StoreError::Refused(refusal) if refusal.is_race() => {
                Problem { cause, ..Problem::plain(Kind::Busy) }
            }
            StoreError::WrongSchema { .. }
            | StoreError::DevelopmentDatabase
            | StoreError::MigrationChanged { .. }
            | StoreError::UpgradeTooLarge { .. } => {
                Problem { cause, ..Problem::plain(Kind::WrongSchema) }
            }
            StoreError::Refused(_)
            | StoreError::Violation(_)
            | StoreError::Corrupt(_)
            | StoreError::Failed(_) => Problem { cause, ..Problem::plain(Kind::Internal) },
        }
    }
}

impl Problem {
    /// The same with another member of the document.
    #[must_use]
    pub fn with(mut self, member: &str, value: impl Into<Value>) -> Problem {
        self.extra.insert(member.into(), value.into());
        self
    }
}

impl From<RentError> for Problem {
    fn from(error: RentError) -> Problem {
        let kind = match error {
            RentError::NoSuchNode | RentError::NoSuchSlice => Kind::NotFound,
            RentError::NotOffered => Kind::NotOffered,
            RentError::NodeDown => Kind::NodeDown,
            RentError::SliceTaken => Kind::SliceTaken,
            RentError::SoldOut { .. } => Kind::SoldOut,
            RentError::OfferChanged => Kind::OfferChanged,
            RentError::AboveMaxPrice { .. } => Kind::AboveMaxPrice,
            RentError::TermNotOffered(_) => Kind::TermNotOffered,
            RentError::OwnSlice => Kind::OwnSlice,
            RentError::OverSpendingLimit { .. } => Kind::OverSpendingLimit,
            RentError::OverLimit { .. } => Kind::OverLimit,
            RentError::TooManyHolds(_) => Kind::TooManyHolds,
            RentError::InsufficientFunds { total, missing } => {
                return Problem::new(Kind::InsufficientFunds, error)
                    .with("total_cost", total.to_string())
                    .with("missing", missing.to_string())
                    .with("top_up", TOP_UP);
            }
        };
        Problem::new(kind, error)
    }
}

/// Where credit is added.
const TOP_UP: &str = "/dashboard/wallet";

impl From<RentFailure> for Problem {
    fn from(failure: RentFailure) -> Problem {
        match failure {
            RentFailure::Rule(error) => error.into(),
            RentFailure::QuoteUsed => Problem::new(Kind::QuoteUsed, failure),
            RentFailure::QuoteExpired => Problem::new(Kind::QuoteExpired, failure),
            RentFailure::Store(error) => error.into(),
        }
    }
}

impl From<ExtendError> for Problem {
    fn from(error: ExtendError) -> Problem {
        match error {
            ExtendError::Ended => Problem::new(Kind::RentalEnded, error),
            ExtendError::TooFarAhead => Problem::new(Kind::TooFarAhead, error),
            ExtendError::NotOffered => Problem::new(Kind::NotOffered, error),
            ExtendError::TermBeyondLeaveDate(leaves_at) => {
                Problem::new(Kind::TermBeyondLeaveDate, error)
                    .with("leaves_at", leaves_at.to_string())
            }
            ExtendError::PriceRaised { agreed, price } => Problem::new(Kind::PriceRaised, error)
                .with("agreed", agreed.to_string())
                .with("price", price.to_string()),
            ExtendError::Money(error) => error.into(),
        }
    }
}

impl From<ChangeFailure> for Problem {
    fn from(failure: ChangeFailure) -> Problem {
        match failure {
            ChangeFailure::NoSuchRental => Problem::not_found(),
            ChangeFailure::Extend(error) => error.into(),
            ChangeFailure::Ended(error) => Problem::new(Kind::RentalEnded, error),
            ChangeFailure::RefundChanged { refund, .. } => {
                Problem::new(Kind::RefundChanged, failure).with("refund", refund.to_string())
            }
            ChangeFailure::Store(error) => error.into(),
        }
    }
}

impl From<CreditFailure> for Problem {
    fn from(failure: CreditFailure) -> Problem {
        match failure {
            CreditFailure::NoSuchAccount => Problem::plain(Kind::NoSuchAccount),
            CreditFailure::NoSuchRental => Problem::not_found(),
            CreditFailure::InsufficientFarmerEarnings => {
                Problem::plain(Kind::InsufficientFarmerEarnings)
            }
            CreditFailure::ReferenceUsed => Problem::plain(Kind::KeyReused),
            CreditFailure::Store(error) => error.into(),
        }
    }
}

impl From<BeginFailure> for Problem {
    fn from(failure: BeginFailure) -> Problem {
        match failure {
            BeginFailure::TooMany => Problem::plain(Kind::TooManyTopUps),
            BeginFailure::Store(error) => error.into(),
        }
    }
}

impl From<ReportFailure> for Problem {
    fn from(failure: ReportFailure) -> Problem {
        match failure {
            ReportFailure::NoSuchJob => Problem::new(Kind::NotFound, failure),
            ReportFailure::Lost(error) => Problem::new(Kind::LeaseLost, error),
            ReportFailure::Store(error) => error.into(),
        }
    }
}

impl From<ActionFailure> for Problem {
    fn from(failure: ActionFailure) -> Problem {
        match failure {
            ActionFailure::Open => Problem::new(Kind::MachineActionOpen, failure),
            ActionFailure::Gone => Problem::new(Kind::MachineNotReady, failure),
            ActionFailure::Store(error) => error.into(),
        }
    }
}

impl From<TransferFailure> for Problem {
    fn from(failure: TransferFailure) -> Problem {
        match failure {
            TransferFailure::NotOffered => Problem::new(Kind::NotFound, failure),
            TransferFailure::Rule(error) => error.into(),
            TransferFailure::Store(error) => error.into(),
        }
    }
}

impl From<RequestFailure> for Problem {
    fn from(failure: RequestFailure) -> Problem {
        let rule = match failure {
            RequestFailure::Rule(rule) => rule,
            RequestFailure::Store(error) => return error.into(),
        };
        match rule {
            RequestError::NoAddress => Problem::plain(Kind::NoPayoutAddress),
            RequestError::BelowMinimum { min } => {
                let rule = format!("an amount in dollars and cents, {min} at least");
                FieldError::new("amount_usd", &rule).into()
            }
            RequestError::InsufficientFarmerEarnings { .. } => {
                Problem::new(Kind::InsufficientEarnings, rule)
            }
            RequestError::TooMany => Problem::new(Kind::TooManyPayouts, rule),
        }
    }
}

impl From<payouts::ChangeFailure> for Problem {
    fn from(failure: payouts::ChangeFailure) -> Problem {
        match failure {
            payouts::ChangeFailure::NoSuchPayout => Problem::not_found(),
            payouts::ChangeFailure::WrongOrder(wrong) => {
                Problem::new(Kind::WrongPayoutState, wrong)
            }
            payouts::ChangeFailure::Store(error) => error.into(),
        }
    }
}

impl From<DisputeFailure> for Problem {
    fn from(failure: DisputeFailure) -> Problem {
        match failure {
            DisputeFailure::NoSuchMonth => Problem::not_found(),
            DisputeFailure::TooLate => Problem::new(Kind::TooLateToDispute, failure),
            DisputeFailure::NothingToDispute => Problem::new(Kind::NothingToDispute, failure),
            DisputeFailure::Already => Problem::new(Kind::AlreadyDisputed, failure),
            DisputeFailure::Store(error) => error.into(),
        }
    }
}

impl From<DecideFailure> for Problem {
    fn from(failure: DecideFailure) -> Problem {
        match failure {
            DecideFailure::NoSuchDispute => Problem::not_found(),
            DecideFailure::Decided => Problem::new(Kind::DisputeDecided, failure),
            DecideFailure::AboveBase { base } => {
                let rule = format!("an amount in dollars and cents, from 0 to {base}");
                FieldError::new("credit_usd", &rule).into()
            }
            DecideFailure::InsufficientPayerBalance { .. } => {
                Problem::new(Kind::InsufficientPayerBalance, failure)
            }
            DecideFailure::Store(error) => error.into(),
        }
    }
}

impl From<LeaveFailure> for Problem {
    fn from(failure: LeaveFailure) -> Problem {
        match failure {
            LeaveFailure::NoSuchNode => Problem::not_found(),
            LeaveFailure::Rule(NoticeError::Leaving(_)) => Problem::new(Kind::NodeLeaving, failure),
            LeaveFailure::Rule(NoticeError::TooSoon(_) | NoticeError::TooLate(_)) => {
                FieldError::new("leaves_at", &failure).into()
            }
            LeaveFailure::Locked(error) => error.into(),
            LeaveFailure::Store(error) => error.into(),
        }
    }
}

impl From<MoveFailure> for Problem {
    fn from(failure: MoveFailure) -> Problem {
        let error = match failure {
            MoveFailure::NoSuchRental => return Problem::not_found(),
            MoveFailure::Store(error) => return error.into(),
            MoveFailure::Rule(error) => error,
        };
        let kind = match error {
            MoveError::NotLeaving => Kind::NotLeaving,
            MoveError::Over | MoveError::WholeNode => Kind::NotMovable,
            MoveError::Dearer { .. }
            | MoveError::WeakerSla
            | MoveError::NoAgent
            | MoveError::LeftBefore => Kind::NotEquivalent,
            MoveError::Offer(error) => return error.into(),
        };
        Problem::new(kind, error)
    }
}

impl From<OfferingError> for Problem {
    fn from(error: OfferingError) -> Problem {
        match error {
            OfferingError::Locked(_) => Problem::new(Kind::NodeLocked, error),
            OfferingError::SlaAboveMeasured(above) => above_measured(&above),
            OfferingError::PriceMissing => Problem::plain(Kind::PriceMissing),
            OfferingError::Leaving => Problem::new(Kind::NodeLeaving, error),
            OfferingError::NeverPublished(_) => Problem::new(Kind::NeverPublished, error),
        }
    }
}

/// What the SLA costs if the node goes on as it was measured, for programs as well.
fn above_measured(above: &AboveMeasured) -> Problem {
    let mut problem = Problem::new(Kind::SlaAboveMeasured, above)
        .with("cost_per_month", above.cost_per_month.to_string());
    if let Some(uptime) = above.uptime {
        problem = problem
            .with("min_uptime", uptime.guaranteed.percent())
            .with("measured_uptime", uptime.measured.percent());
    }
    if let Some(bandwidth) = above.bandwidth {
        problem = problem
            .with("min_bandwidth_mbps", bandwidth.guaranteed.mbps())
            .with("measured_bandwidth_mbps", bandwidth.measured.mbps());
    }
    problem
}

impl From<OfferingFailure> for Problem {
    fn from(failure: OfferingFailure) -> Problem {
        match failure {
            OfferingFailure::NoSuchNode => Problem::not_found(),
            OfferingFailure::Changed => Problem::plain(Kind::OfferChanged),
            OfferingFailure::Rule(error) => error.into(),
            OfferingFailure::Store(error) => error.into(),
        }
    }
}

impl From<MaintenanceFailure> for Problem {
    fn from(failure: MaintenanceFailure) -> Problem {
        match failure {
            MaintenanceFailure::NoSuchNode => Problem::not_found(),
            MaintenanceFailure::Rule(error) => {
                let kind = match error {
                    MaintenanceError::Overlaps => Kind::MaintenanceOverlaps,
                    MaintenanceError::TooMany => Kind::TooManyWindows,
                };
                Problem::new(kind, error)
            }
            MaintenanceFailure::Locked(error) => error.into(),
            MaintenanceFailure::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::money::Usd;

    use super::*;

    #[test]
    fn names_are_unique_and_in_kebab_case() {
        let mut names: Vec<&str> = Kind::VARIANTS.iter().map(Kind::into_str).collect();
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::VARIANTS.len());
    }

    #[test]
    fn each_refusal_to_rent_has_its_status() {
        let usd = Usd::from_micros(1_000_000);
        for (error, status) in [
            (RentError::NoSuchNode, 404),
            (RentError::NoSuchSlice, 404),
            (RentError::NotOffered, 409),
            (RentError::SliceTaken, 409),
            (RentError::NodeDown, 409),
            (RentError::SoldOut { wanted: 1, free: 0 }, 409),
            (RentError::OfferChanged, 409),
            (RentError::AboveMaxPrice { price: usd, max: usd }, 409),
            (RentError::TermNotOffered(3), 409),
            (RentError::OverLimit { slices: 1, max: 1 }, 409),
            (RentError::TooManyHolds(3), 409),
            (RentError::OwnSlice, 403),
            (RentError::InsufficientFunds { total: usd, missing: usd }, 402),
            (RentError::OverSpendingLimit { total: usd, left: usd }, 403),
        ] {
            assert_eq!(Problem::from(error).kind.status().as_u16(), status, "{error}");
        }
    }

    #[test]
    fn the_cause_is_never_sent() {
        let problem = Problem::from(StoreError::Failed("no such table: secrets".into()));
        assert_eq!(problem.kind, Kind::Internal);
        assert!(!problem.document("id").to_string().contains("secrets"));
    }

    #[test]
    fn missing_money_is_a_member() {
        let total = Usd::from_micros(71_250_000);
        let problem = Problem::from(RentError::InsufficientFunds { total, missing: total });
        let document = problem.document("id");
        assert_eq!(document["missing"], "71.25");
        assert_eq!(document["top_up"], "/dashboard/wallet");
        assert_eq!(document["success"], false);
        assert_eq!(document["status"], 402);
    }
}
