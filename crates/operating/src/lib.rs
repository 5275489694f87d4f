//! What the operator sees and does, and what watches the app.

mod admin;
mod deliver;
mod disputes;
mod jobs;
mod operating;
mod operator;
mod upkeep;

use domain::recurring;
use store::{job_runs, limits, mails, responses};
use web::api::admin::{
    CHECK_INVARIANTS, DISABLE_ACCOUNT, ENABLE_ACCOUNT, END_ACCOUNT_SESSIONS, GRANT_OPERATOR,
    LIST_ACCOUNTS, LIST_ALL_AUDIT, LIST_MAILS, RETRY_MAIL, REVOKE_OPERATOR, SHOW_HEALTH,
};
use web::api::levels::{DECIDE_DISPUTE, LIST_DISPUTES};
use web::api::upkeep::{LIST_RECURRING_JOBS, LIST_SYNC_RUNS};
use web::operation::Access;
use web::{Job, Route};

const DISABLE: &str = "/operator/accounts/{account}/disable";
const ENABLE: &str = "/operator/accounts/{account}/enable";
const END_SESSIONS: &str = "/operator/accounts/{account}/end-sessions";
const GRANT: &str = "/operator/accounts/{account}/grant-operator";
const REVOKE: &str = "/operator/accounts/{account}/revoke-operator";

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[OPERATOR];

/// What the operator sees and does.
pub const OPERATOR: &[Route] = &[
    Route::api(&CHECK_INVARIANTS, admin::check_invariants),
    Route::api(&LIST_SYNC_RUNS, upkeep::list_sync_runs),
    Route::api(&LIST_RECURRING_JOBS, upkeep::list_recurring_jobs),
    Route::api(&LIST_ACCOUNTS, operating::list_accounts),
    Route::api(&DISABLE_ACCOUNT, operating::disable_account),
    Route::api(&ENABLE_ACCOUNT, operating::enable_account),
    Route::api(&END_ACCOUNT_SESSIONS, operating::end_account_sessions),
    Route::api(&GRANT_OPERATOR, operating::grant_operator),
    Route::api(&REVOKE_OPERATOR, operating::revoke_operator),
    Route::api(&LIST_ALL_AUDIT, operating::list_audit),
    Route::api(&LIST_MAILS, admin::list_mails),
    Route::api(&RETRY_MAIL, admin::retry_mail),
    Route::api(&LIST_DISPUTES, disputes::list_disputes),
    Route::api(&DECIDE_DISPUTE, disputes::decide_dispute),
    Route::api(&SHOW_HEALTH, admin::show_health),
    Route::page("/operator", Access::Operator, operator::standing),
    Route::page("/operator/accounts", Access::Operator, operator::accounts),
    Route::form(DISABLE, Access::Operator, operator::disable_account),
    Route::form(ENABLE, Access::Operator, operator::enable_account),
    Route::form(END_SESSIONS, Access::Operator, operator::end_account_sessions),
    Route::form(GRANT, Access::Operator, operator::grant_operator),
    Route::form(REVOKE, Access::Operator, operator::revoke_operator),
    Route::form("/operator/mails/{mail}/retry", Access::Operator, operator::retry_mail),
    Route::page("/operator/audit", Access::Operator, operator::audit),
    Route::page("/operator/sync", Access::Operator, upkeep::sync_page),
    Route::page("/operator/jobs", Access::Operator, upkeep::jobs_page),
    Route::page("/operator/disputes", Access::Operator, disputes::page),
    Route::form("/operator/disputes/{dispute}/decide", Access::Operator, disputes::decide_form),
];

/// Mail that is due.
pub const DELIVER_MAILS: Job = Job { about: &recurring::DELIVER_MAILS, run: deliver::deliver };

/// Mail that was sent long ago.
pub const SWEEP_MAILS: Job =
    Job { about: &recurring::SWEEP_MAILS, run: |env| Ok(mails::sweep(env.db, env.now)?) };

/// What was written to the audit log.
pub const SEAL_AUDIT: Job = Job { about: &recurring::SEAL_AUDIT, run: jobs::seal_audit };

/// What was booked.
pub const SEAL_LEDGER: Job = Job { about: &recurring::SEAL_LEDGER, run: jobs::seal_ledger };

/// Invariants and the market's state.
pub const CHECK_MARKET: Job = Job { about: &recurring::CHECK_MARKET, run: jobs::check };

/// Limits that nobody is near to.
pub const SWEEP_LIMITS: Job =
    Job { about: &recurring::SWEEP_LIMITS, run: |env| Ok(limits::sweep(env.db, env.now)?) };

/// Responses that nobody waits for any more.
pub const SWEEP_RESPONSES: Job =
    Job { about: &recurring::SWEEP_RESPONSES, run: |env| Ok(responses::sweep(env.db, env.now)?) };

/// The write-ahead log.
pub const CHECKPOINT: Job =
    Job { about: &recurring::CHECKPOINT, run: |env| Ok(job_runs::checkpoint(env.db).map(drop)?) };

/// The planner's statistics.
pub const OPTIMIZE: Job =
    Job { about: &recurring::OPTIMIZE, run: |env| Ok(job_runs::optimize(env.db).map(drop)?) };
