//! The JSON API: its operations, what they take and what they answer.
//!
//! Field names are part of the product (`ARCHITECTURE.md`); amounts are decimal text.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::field::FieldError;
use schemars::JsonSchema;
use serde::Serialize;

use crate::context::Context;
use crate::operation::{Form, Operation, Parameter};

pub mod access;
pub mod account;
pub mod admin;
pub mod agent;
pub mod books;
pub mod claims;
pub mod comparison;
pub mod events;
pub mod factors;
pub mod farm;
pub mod grid_nodes;
pub mod leaving;
pub mod levels;
pub mod market;
pub mod notices;
pub mod offering;
pub mod payouts;
pub mod record;
pub mod rentals;
pub mod renting;
pub mod revenue;
pub mod ssh_keys;
pub mod status;
pub mod top_ups;
pub mod transfers;
pub mod upkeep;
pub mod wallet;
pub mod webhooks;

/// The currency of every amount.
pub const CURRENCY: &str = "USD";

/// Every operation, in the order of the API document. A test holds that each is served.
pub const OPERATIONS: &[&Operation] = &[
    &market::SEARCH_SLICES,
    &market::LIST_NODES,
    &market::SHOW_NODE,
    &record::SHOW_NODE_RECORD,
    &record::LIST_NODE_SAMPLES,
    &status::SHOW_STATUS,
    &renting::MAKE_QUOTE,
    &renting::SHOW_QUOTE,
    &renting::RELEASE_QUOTE,
    &renting::RENT_SLICE,
    &renting::RENT_NODE,
    &rentals::LIST_RENTALS,
    &rentals::SHOW_RENTAL,
    &rentals::CHANGE_RENTAL,
    &rentals::EXTEND_RENTAL,
    &rentals::CANCEL_RENTAL,
    &access::SHOW_ACCESS,
    &access::OPEN_CONSOLE,
    &leaving::LIST_ALTERNATIVES,
    &leaving::MOVE_RENTAL,
    &levels::LIST_RENTAL_MONTHS,
    &levels::DISPUTE_MONTH,
    &transfers::OFFER_TRANSFER,
    &transfers::WITHDRAW_TRANSFER,
    &transfers::LIST_TRANSFERS,
    &transfers::ACCEPT_TRANSFER,
    &wallet::SHOW_WALLET,
    &wallet::LIST_WALLET_ENTRIES,
    &events::FOLLOW_EVENTS,
    &books::LIST_STATEMENTS,
    &books::SHOW_STATEMENT,
    &books::SHOW_RECEIPT,
    &top_ups::CREATE_TOP_UP,
    &top_ups::LIST_TOP_UPS,
    &top_ups::SHOW_TOP_UP,
    &top_ups::TAKE_STRIPE_EVENT,
    &farm::LIST_FARM_NODES,
    &farm::ADD_NODE,
    &farm::SHOW_FARM_NODE,
    &farm::CHANGE_NODE,
    &farm::PUBLISH_NODE,
    &farm::PAUSE_NODE,
    &grid_nodes::PREVIEW_NODES,
    &claims::LIST_FARM_CLAIMS,
    &claims::CLAIM_FARM,
    &claims::PROVE_FARM,
    &claims::TAKE_OVER_NODE,
    &comparison::COMPARE_NODE,
    &leaving::WITHDRAW_NODE,
    &leaving::KEEP_NODE,
    &offering::LOCK_NODE,
    &offering::UNLOCK_NODE,
    &offering::LIST_OFFER_HISTORY,
    &offering::LIST_MAINTENANCE,
    &offering::ANNOUNCE_MAINTENANCE,
    &offering::CANCEL_MAINTENANCE,
    &farm::SHOW_PAYOUT,
    &farm::SET_PAYOUT,
    &revenue::SHOW_REVENUE,
    &payouts::LIST_PAYOUTS,
    &payouts::REQUEST_PAYOUT,
    &payouts::SHOW_FARM_PAYOUT,
    &payouts::WITHDRAW_PAYOUT,
    &levels::LIST_CREDITS,
    &levels::DISPUTE_CREDIT,
    &notices::LIST_NOTIFICATIONS,
    &notices::READ_NOTIFICATIONS,
    &notices::SHOW_CHOICES,
    &notices::SET_CHOICES,
    &webhooks::LIST_WEBHOOKS,
    &webhooks::ADD_WEBHOOK,
    &webhooks::REMOVE_WEBHOOK,
    &webhooks::ROTATE_SECRET,
    &webhooks::TEST_WEBHOOK,
    &webhooks::LIST_DELIVERIES,
    &webhooks::REPLAY_DELIVERY,
    &agent::CONFIRM_REMOVED,
    &agent::LEASE_JOB,
    &agent::REPORT_PROGRESS,
    &agent::COMPLETE_JOB,
    &agent::FAIL_JOB,
    &ssh_keys::LIST_SSH_KEYS,
    &ssh_keys::ADD_SSH_KEY,
    &ssh_keys::REMOVE_SSH_KEY,
    &account::CREATE_ACCOUNT,
    &account::CONFIRM_ACCOUNT,
    &account::SHOW_ACCOUNT,
    &account::CHANGE_ACCOUNT,
    &account::DELETE_ACCOUNT,
    &account::CHANGE_PASSWORD,
    &account::CHANGE_EMAIL,
    &account::CONFIRM_EMAIL,
    &account::ASK_RESET,
    &account::RESET_PASSWORD,
    &account::OPEN_SESSION,
    &account::CLOSE_SESSION,
    &account::LIST_SESSIONS,
    &account::END_SESSION,
    &account::END_OTHER_SESSIONS,
    &account::CREATE_TOKEN,
    &account::LIST_TOKENS,
    &account::REVOKE_TOKEN,
    &account::LIST_AUDIT,
    &factors::FINISH_SESSION,
    &factors::BEGIN_PASSKEY_SIGN_IN,
    &factors::OPEN_SESSION_BY_PASSKEY,
    &factors::PROVE_SESSION,
    &factors::SHOW_FACTORS,
    &factors::LIST_PASSKEYS,
    &factors::BEGIN_PASSKEY,
    &factors::ADD_PASSKEY,
    &factors::REMOVE_PASSKEY,
    &factors::BEGIN_TOTP,
    &factors::CONFIRM_TOTP,
    &factors::REMOVE_TOTP,
    &factors::MAKE_RECOVERY_CODES,
    &admin::CREDIT_WALLET,
    &admin::CREDIT_SLA,
    &admin::CHECK_INVARIANTS,
    &upkeep::LIST_SYNC_RUNS,
    &upkeep::LIST_RECURRING_JOBS,
    &admin::LIST_ACCOUNTS,
    &admin::DISABLE_ACCOUNT,
    &admin::ENABLE_ACCOUNT,
    &admin::END_ACCOUNT_SESSIONS,
    &admin::GRANT_OPERATOR,
    &admin::REVOKE_OPERATOR,
    &claims::LIST_PROVEN_FARMS,
    &claims::APPROVE_FARM,
    &claims::REVOKE_FARM,
    &offering::LOCK_ANY_NODE,
    &offering::UNLOCK_ANY_NODE,
    &admin::LIST_ALL_AUDIT,
    &admin::LIST_MAILS,
    &admin::RETRY_MAIL,
    &top_ups::LIST_REFUSED_PAYMENTS,
    &payouts::LIST_ALL_PAYOUTS,
    &payouts::EXPORT_PAYOUTS,
    &payouts::APPROVE_PAYOUT,
    &payouts::SEND_PAYOUT,
    &payouts::FINISH_PAYOUT,
    &payouts::FAIL_PAYOUT,
    &levels::LIST_DISPUTES,
    &levels::DECIDE_DISPUTE,
    &admin::SHOW_HEALTH,
    &admin::SHOW_API_DOCUMENT,
];

/// A page of a list.
#[derive(Serialize, JsonSchema)]
pub struct PageOf<T> {
    /// The items of this page.
    pub items: Vec<T>,
    /// What to send as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl<T> PageOf<T> {
    /// A page out of one item more than it holds: the extra one only tells that there is a next
    /// page. `cursor` names the place behind an item.
    pub fn new<S>(
        mut found: Vec<S>,
        limit: u32,
        cursor: impl Fn(&S) -> String,
        show: impl Fn(&S) -> T,
    ) -> PageOf<T> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next_cursor = found.last().filter(|_| has_more).map(|last| seal_cursor(&cursor(last)));
        PageOf { items: found.iter().map(show).collect(), next_cursor }
    }
}

/// How many items a page has when the client does not say.
const PAGE_SIZE_DEFAULT: u32 = 20;
/// How many items a page has at most.
pub(crate) const PAGE_SIZE_MAX: u32 = 100;
/// The longest cursor that is read.
const CURSOR_LENGTH_MAX: usize = 200;

/// The fields of the query by which a list is paged.
pub const PAGING: [Parameter; 2] = [
    Parameter {
        name: "limit",
        form: Form::Whole(1, PAGE_SIZE_MAX),
        about: "Number of items, 1 to 100. Defaults to 20.",
        example: "50",
    },
    Parameter {
        name: "cursor",
        form: Form::Text(CURSOR_LENGTH_MAX),
        about: "The `next_cursor` of the previous page.",
        example: "OTk1MC4yNTAwMDAwMC4zMi4w",
    },
];

/// The page size that a request asks for.
pub fn page_size(cx: &Context<'_>) -> Result<u32, FieldError> {
    let Some(text) = cx.query("limit") else { return Ok(PAGE_SIZE_DEFAULT) };
    let size = text.parse().ok().filter(|size| (1..=PAGE_SIZE_MAX).contains(size));
    size.ok_or_else(|| FieldError::new("limit", "a whole number, 1 to 100"))
}

/// What the request's cursor holds, read by `parse`; `None` for the first page.
pub fn cursor<T>(
    cx: &Context<'_>,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Result<Option<T>, FieldError> {
    let Some(sealed) = cx.query("cursor") else { return Ok(None) };
    let opened = Some(sealed)
        .filter(|text| text.len() <= CURSOR_LENGTH_MAX)
        .and_then(|text| BASE64_URL_SAFE_NO_PAD.decode(text).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| parse(&text));
    let wrong = || FieldError::new("cursor", "the `next_cursor` of the previous page, unchanged");
    opened.map(Some).ok_or_else(wrong)
}

/// A cursor says nothing to clients, so that its contents can change.
fn seal_cursor(place: &str) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(place)
}
