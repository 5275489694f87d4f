//! The kinds of problems.

use http::StatusCode;
use strum::{IntoStaticStr, VariantArray};

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
        "Codes work once and for a limited time. Request a new one.";
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
    PayoutAddressChanged, "payout-address-changed", CONFLICT,
        "The payout address was changed recently",
        "Wait until `available_at`: payouts wait 72 hours after a change of the address.";
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
    TooManySavedSearches, "too-many-saved-searches", CONFLICT, "Saved search limit reached",
        "You can save 20 searches. Delete one first.";
    SlicesFree, "slices-free", CONFLICT, "The node has free slices",
        "Rent one instead of waiting.";
    SliceIsHeld, "slice-is-held", CONFLICT, "A slice is held for you",
        "Rent the slice that is held for you, or release it.";
    WaitlistFull, "waitlist-full", CONFLICT, "Waitlist full",
        "100 accounts wait for this node. Save a search for similar nodes instead.";
    TooManyWaitlists, "too-many-waitlists", CONFLICT, "Waitlist limit reached",
        "You can wait for 10 nodes. Leave a waitlist first.";
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
    MachineActionUnsupported, "machine-action-unsupported", CONFLICT,
        "The machine can't do this",
        "The detail says why. Check what the machine can do in the field can of its access.";
    MachineNotReady, "machine-not-ready", CONFLICT, "The machine is not set up",
        "Wait until the rental's access is ready.";
    RebuildRequired, "rebuild-required", CONFLICT, "Accepting rebuilds the machine",
        "Send rebuild: true if all data on the machine may be deleted.";
    SshKeyRequired, "ssh-key-required", CONFLICT, "You have no SSH key",
        "Add an SSH key first. It replaces the current renter's keys on the machine.";
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
    Archived, "archived", GONE, "This has been archived",
        "Ask the operator for it. They keep what happened in earlier years in files.";
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
