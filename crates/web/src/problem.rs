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
use store::leaving::{MoveFailure, WithdrawFailure};
use store::maintenance::MaintenanceFailure;
use store::offering::OfferingFailure;
use store::payouts::{self, RequestFailure};
use store::rentals::ChangeFailure;
use store::renting::RentFailure;
use store::transfers::TransferFailure;

use crate::env::NoKeys;

/// Declares the kinds of problems, each with its stable name, status, title and advice.
macro_rules! kinds {
    ($($variant:ident, $name:literal, $status:ident, $title:literal, $advice:literal;)*) => {
        /// What went wrong, by its stable name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $(#[doc = $title] $variant,)*
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Kind] = &[$(Kind::$variant),*];

            /// The stable name, for programs.
            pub fn as_str(self) -> &'static str {
                match self { $(Kind::$variant => $name,)* }
            }

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
    Unreadable, "unreadable-request", BAD_REQUEST, "The request cannot be read",
        "Send what the API document describes; the detail says where reading stopped.";
    InvalidFields, "invalid-fields", BAD_REQUEST, "Some fields cannot be used",
        "Correct the fields listed in errors and send the request again.";
    WrongSignature, "wrong-signature", BAD_REQUEST, "This event is not signed as it must be",
        "The operator has to set stripe_webhook_secret to the secret of this very endpoint.";
    NotSignedIn, "not-signed-in", UNAUTHORIZED, "You are not signed in",
        "Sign in, or send a valid token as Authorization: Bearer ….";
    WrongPassword, "wrong-password", FORBIDDEN, "The password is wrong",
        "Send the password that the account has now.";
    WrongCredentials, "wrong-credentials", UNAUTHORIZED, "E-mail or password is wrong",
        "Check both; letters of a password count as they are typed.";
    WrongCode, "wrong-code", UNAUTHORIZED, "The code is wrong",
        "Use the code that your app shows now, or a recovery code; each is good once.";
    PasskeyRefused, "passkey-refused", UNAUTHORIZED, "The passkey was not accepted",
        "Try again, or use another passkey; each try begins anew.";
    InsufficientFunds, "insufficient-funds", PAYMENT_REQUIRED, "The wallet does not hold enough",
        "Add the credit named in missing, then try again with the same Idempotency-Key.";
    MissingScope, "missing-scope", FORBIDDEN, "This token may not do that",
        "Use a token with the scope named in the detail.";
    CrossSite, "cross-site-request", FORBIDDEN, "The request came from another site",
        "Open the page on this site and send the form from there.";
    OverCeiling, "over-token-ceiling", FORBIDDEN, "This token may not spend that much",
        "Use a token with a higher ceiling, or none.";
    StaleForm, "stale-form", FORBIDDEN, "This form is not from your session",
        "Open the page again and send the form from there.";
    ProveFirst, "prove-first", FORBIDDEN, "Confirm first that it is you",
        "Sign in again with a second factor, or confirm with POST /api/account/sessions/prove.";
    ExpiredCode, "expired-code", FORBIDDEN, "This code is no longer good",
        "A code is good once and for ten minutes. Ask for a new one.";
    OwnSlice, "own-slice", FORBIDDEN, "This is your own node",
        "Rent a slice of another farmer's node.";
    FarmNotProven, "farm-not-proven", FORBIDDEN, "You have not proven that this farm is yours",
        "Claim the farm first: sign a message with the key of its twin's account, at \
         /dashboard/farm/claims or with POST /api/farm/claims.";
    FarmOfAnother, "farm-of-another", FORBIDDEN, "Somebody else has proven to own this farm",
        "If the farm is yours now, claim it: whoever proves it last owns it.";
    WrongClaim, "wrong-claim-signature", FORBIDDEN, "This signature does not prove it",
        "Sign exactly the message that is shown, with the key of the account that is named.";
    NotFound, "not-found", NOT_FOUND, "There is nothing here",
        "Check the address; what belongs to somebody else is not shown either.";
    NoSuchGridNode, "no-such-grid-node", NOT_FOUND, "The grid does not know this node",
        "Check the node id; the grid's dashboard lists the nodes of a farm.";
    NoSuchGridFarm, "no-such-grid-farm", NOT_FOUND, "The grid does not know this farm",
        "Check the farm id; the grid's dashboard lists the farms of an account.";
    NoSuchAccount, "no-such-account", NOT_FOUND, "There is no account with this e-mail",
        "Check the address, or ask its owner to sign up first.";
    MethodNotAllowed, "method-not-allowed", METHOD_NOT_ALLOWED, "This method is not offered here",
        "Use a method named in the Allow header.";
    EmailTaken, "email-taken", CONFLICT, "This e-mail has an account already",
        "Sign in instead, or use another address.";
    NodeTaken, "node-taken", CONFLICT, "This node is registered already",
        "A node is registered once. If it is yours, tell the operator who registered it.";
    NothingAdded, "nothing-added", CONFLICT, "None of these nodes was added",
        "Look at nodes: each says why.";
    RentsThere, "rents-there", CONFLICT, "You rent on this node",
        "End your rentals on it, or hand them over, then take the node over.";
    SliceTaken, "slice-taken", CONFLICT, "This slice is no longer available",
        "Choose another slice; the market shows what is free.";
    SoldOut, "sold-out", CONFLICT, "Not enough slices are free",
        "Take fewer, or look at alternatives: the nearest nodes that have what is wanted.";
    NodeDown, "node-down", CONFLICT, "This node is not running now",
        "Choose another node, or try again once it is back; alternatives lists the nearest.";
    AboveMaxPrice, "above-max-price", CONFLICT, "The price is above your ceiling",
        "Raise max_price, or choose another node; nothing was charged.";
    TermNotOffered, "term-not-offered", CONFLICT, "The node is not offered for this term",
        "Choose another term, or another node.";
    OverLimit, "over-account-limit", CONFLICT, "The account would rent more than it may",
        "End rentals that are not needed, or ask the operator.";
    TooManyHolds, "too-many-holds", CONFLICT, "The account holds as many quotes as it may",
        "Use one of them or release it; each is released by itself after five minutes.";
    QuoteUsed, "quote-used", CONFLICT, "This quote was used",
        "Ask for a new quote; a quote is good once.";
    QuoteExpired, "quote-expired", CONFLICT, "This quote is over",
        "Ask for a new quote; a quote is good for five minutes.";
    RentalEnded, "rental-ended", CONFLICT, "This rental has ended",
        "Rent a slice anew.";
    TooFarAhead, "too-far-ahead", CONFLICT, "The rental would be paid for too far ahead",
        "Extend it later.";
    PriceRaised, "price-raised", CONFLICT, "The agreed price holds no longer",
        "Agree to the new price with max_price, or let the rental end.";
    RefundChanged, "refund-changed", CONFLICT, "The refund is not the one that was confirmed",
        "Look at the refund again and confirm it; nothing has changed.";
    NotOffered, "not-offered", CONFLICT, "This node is not on the market",
        "Choose another node.";
    OfferChanged, "offer-changed", CONFLICT, "The offer has changed",
        "Read the offer again and decide anew; nothing was charged.";
    PromiseAboveMeasured, "promise-above-measured", CONFLICT,
        "The promise is above what the node has shown",
        "Promise less, or confirm the cost with confirm_cost_per_month; nothing was set.";
    NodeLocked, "node-locked", CONFLICT, "The node is locked",
        "Unlock it first; what the operator has locked, the operator alone unlocks.";
    MaintenanceOverlaps, "maintenance-overlaps", CONFLICT,
        "Another maintenance of this node is at that time",
        "Choose another time, or cancel the other one.";
    TooManyWindows, "too-many-windows", CONFLICT,
        "As much maintenance as can be is announced already",
        "Wait until one of the four windows is over, or cancel one.";
    NotEarned, "not-earned", CONFLICT, "The farmer has not earned that much",
        "Credit less, or wait until more is earned.";
    TooLateToDispute, "too-late-to-dispute", CONFLICT, "It is too late to dispute this month",
        "A month can be disputed for 30 days after it was judged.";
    NothingCharged, "nothing-charged", CONFLICT, "Nothing was taken from your earnings",
        "There is nothing to dispute: this month has cost you nothing.";
    AlreadyDisputed, "already-disputed", CONFLICT, "This month is disputed already",
        "Each side disputes a month once; the operator decides.";
    DisputeDecided, "dispute-decided", CONFLICT, "This dispute is decided",
        "Look at it again; it is decided once.";
    NotCovered, "not-covered", CONFLICT, "Who is to give it does not have that much",
        "Decide for less, wait, or credit the other side by hand.";
    NoPayoutAddress, "no-payout-address", CONFLICT, "Nobody knows where to pay you",
        "Say first where you are paid to, then ask again.";
    OverEarnings, "over-earnings", CONFLICT, "The account has not earned that much",
        "Ask for no more than balance, or wait until more is earned.";
    TooManyPayouts, "too-many-payouts", CONFLICT, "Too many payouts are on their way",
        "Wait until one of them is done, or withdraw one.";
    WrongPayoutState, "wrong-payout-state", CONFLICT, "It is not this payout's turn",
        "Look at the payout again: it is in another state, or was changed meanwhile.";
    PriceMissing, "price-missing", CONFLICT, "The node has no price",
        "Set a price per slice and month, then publish.";
    NeverPublished, "never-published", CONFLICT, "The node was never published",
        "A draft is not on the market; there is nothing to pause.";
    NodeLeaving, "node-leaving", CONFLICT, "The node leaves the market",
        "Take the notice back first, where that is what you want.";
    BeyondLeaving, "beyond-leaving", CONFLICT, "The node leaves before that term would be over",
        "Choose a shorter term, or move the rental to another node.";
    NotLeaving, "not-leaving", CONFLICT, "The node stays on the market",
        "There is no notice to take back, and nothing to leave for; nothing has changed.";
    NotEquivalent, "not-equivalent", CONFLICT, "That slice is not as good as the rental's",
        "Choose one of the rental's alternatives: they cost no more and promise no less.";
    NotMovable, "not-movable", CONFLICT, "This rental cannot be moved",
        "End it for its refund, and rent what is needed anew.";
    TooManyTokens, "too-many-tokens", CONFLICT, "The account has as many tokens as it can have",
        "Wait until tokens expire, or reuse one.";
    TooManyWebhooks, "too-many-webhooks", CONFLICT,
        "The account has as many webhooks as it can have",
        "Remove one first.";
    TooManyTopUps, "too-many-top-ups", CONFLICT, "Too many top-ups wait for their payment",
        "Pay one of those that wait, or try again tomorrow.";
    PaymentsOff, "payments-off", CONFLICT, "This marketplace takes no payments",
        "The operator adds credit: tell them the address that you sign in with, and the amount.";
    InUse, "account-in-use", CONFLICT, "The account still rents, offers or awaits something",
        "Wait until its rentals and payouts are over, and take its nodes off the market.";
    NoFactor, "second-factor-needed", CONFLICT, "The account has no second factor",
        "Add a passkey or an authenticator app in the settings.";
    PasskeyTaken, "passkey-taken", CONFLICT, "This passkey is registered already",
        "Use it to sign in, or make another one.";
    TooManyPasskeys, "too-many-passkeys", CONFLICT,
        "The account has as many passkeys as it can have",
        "Remove one first.";
    NoPasskeysHere, "no-passkeys-here", CONFLICT, "Passkeys do not work at this address",
        "Open the marketplace at its name over TLS, or on localhost; the operator sets the name as \
         public_url.";
    LeaseLost, "lease-lost", CONFLICT, "This lease is over",
        "Stop the job: another agent has it, or nobody needs it any more. Ask for a job anew.";
    SshKeyTaken, "ssh-key-taken", CONFLICT, "The account has this SSH key already",
        "Use the one that is there, or another key.";
    TooManySshKeys, "too-many-ssh-keys", CONFLICT,
        "The account has as many SSH keys as it can have",
        "Remove one first.";
    TotpThere, "totp-there", CONFLICT, "An authenticator app is set up already",
        "Remove it first, then set up the other one.";
    TooLarge, "body-too-large", PAYLOAD_TOO_LARGE, "The request is too large",
        "Send a shorter body.";
    KeyReused, "idempotency-key-reused", UNPROCESSABLE_ENTITY,
        "The Idempotency-Key was used for another request",
        "Use a new key for a new request.";
    TooManyRequests, "too-many-requests", TOO_MANY_REQUESTS, "Too many requests",
        "Wait for the time in Retry-After, then try again.";
    UnusableDocument, "unusable-grid-document", BAD_GATEWAY,
        "What the grid says of this node cannot be used",
        "Try again later; if it stays, report the node to the grid's support.";
    GridUnreachable, "grid-unreachable", BAD_GATEWAY, "The grid does not answer",
        "Try again in a few minutes; nothing was changed.";
    PaymentProvider, "payment-provider", BAD_GATEWAY, "The payment provider does not answer",
        "Try again in a few minutes, with the same Idempotency-Key; nothing was charged.";
    NoMail, "no-mail", CONFLICT, "This marketplace sends no mail",
        "Ask the operator, who has to set an outlet for mail.";
    Internal, "internal-error", INTERNAL_SERVER_ERROR, "Something went wrong on our side",
        "Try again; if it stays, tell the operator the request id.";
    Busy, "busy", SERVICE_UNAVAILABLE, "The marketplace is busy",
        "Try again after the time in Retry-After, with the same Idempotency-Key.";
    NoEncryptionKeys, "no-encryption-keys", SERVICE_UNAVAILABLE,
        "Nothing can be kept in secret here",
        "The operator has to set encryption_keys; passkeys work without.";
    WrongSchema, "wrong-schema", SERVICE_UNAVAILABLE, "The database is of another version",
        "The operator has to run the version of Mycelium that the database belongs to.";
}

impl Kind {
    /// Its URI reference: the page that describes every kind.
    pub fn uri(self) -> String {
        format!("/docs/problems#{}", self.as_str())
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
            RentError::OverCeiling { .. } => Kind::OverCeiling,
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
            RentFailure::KeyReused => Problem::new(Kind::KeyReused, failure),
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
            ExtendError::BeyondLeaving(leaves_at) => {
                Problem::new(Kind::BeyondLeaving, error).with("leaves_at", leaves_at.to_string())
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
            ChangeFailure::KeyReused => Problem::new(Kind::KeyReused, failure),
            ChangeFailure::Store(error) => error.into(),
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
            RequestFailure::KeyReused => return Problem::new(Kind::KeyReused, failure),
            RequestFailure::Store(error) => return error.into(),
        };
        match rule {
            RequestError::NoAddress => Problem::plain(Kind::NoPayoutAddress),
            RequestError::BelowMinimum { min } => {
                let rule = format!("an amount in dollars and cents, {min} at least");
                FieldError::new("amount_usd", &rule).into()
            }
            RequestError::NotEarned { .. } => Problem::new(Kind::OverEarnings, rule),
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
            DisputeFailure::NothingCharged => Problem::new(Kind::NothingCharged, failure),
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
            DecideFailure::NotCovered { .. } => Problem::new(Kind::NotCovered, failure),
            DecideFailure::Store(error) => error.into(),
        }
    }
}

impl From<WithdrawFailure> for Problem {
    fn from(failure: WithdrawFailure) -> Problem {
        match failure {
            WithdrawFailure::NoSuchNode => Problem::not_found(),
            WithdrawFailure::Rule(NoticeError::Leaving(_)) => {
                Problem::new(Kind::NodeLeaving, failure)
            }
            WithdrawFailure::Rule(NoticeError::TooSoon(_) | NoticeError::TooLate(_)) => {
                FieldError::new("leaves_at", &failure).into()
            }
            WithdrawFailure::Locked(error) => error.into(),
            WithdrawFailure::Store(error) => error.into(),
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
            MoveError::NodeStays => Kind::NotLeaving,
            MoveError::Over | MoveError::WholeNode => Kind::NotMovable,
            MoveError::Dearer { .. }
            | MoveError::PromisesLess
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
            OfferingError::PromiseAboveMeasured(above) => above_measured(&above),
            OfferingError::PriceMissing => Problem::plain(Kind::PriceMissing),
            OfferingError::Leaving => Problem::new(Kind::NodeLeaving, error),
            OfferingError::NeverPublished(_) => Problem::new(Kind::NeverPublished, error),
        }
    }
}

/// What the promise costs if the node goes on as it was measured, for programs as well.
fn above_measured(above: &AboveMeasured) -> Problem {
    let mut problem = Problem::new(Kind::PromiseAboveMeasured, above)
        .with("cost_per_month", above.cost_per_month.to_string());
    if let Some(uptime) = above.uptime {
        problem = problem
            .with("promised_uptime", uptime.promised.percent())
            .with("measured_uptime", uptime.measured.percent());
    }
    if let Some(bandwidth) = above.bandwidth {
        problem = problem
            .with("promised_bandwidth_mbps", bandwidth.promised.mbps())
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
        let mut names: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
        assert!(names.iter().all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Kind::ALL.len());
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
            (RentError::OverCeiling { total: usd, left: usd }, 403),
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
