//! What the operator sees and does, and what watches the app.

mod admin;
mod background;
mod deliver;
mod disputes;
mod incidents;
mod jobs;
mod operating;
mod operator;

use domain::recurring;
use store::{future_times, job_runs, limits, mails, responses};
use web::operation::{Access, Operation};
use web::{Job, Route};

use crate::admin::json::{
    CHECK_INVARIANTS, END_ACCOUNT_SESSIONS, GRANT_OPERATOR, LIST_ACCOUNTS, LIST_ALL_AUDIT,
    LIST_MAILS, REACTIVATE_ACCOUNT, RETRY_MAIL, REVOKE_OPERATOR, SHOW_HEALTH, SUSPEND_ACCOUNT,
};
use crate::background::json::{LIST_RECURRING_JOBS, LIST_SYNC_RUNS};
use crate::disputes::json::{DECIDE_DISPUTE, LIST_DISPUTES};
use crate::incidents::json::{CHANGE_INCIDENT, CREATE_INCIDENT, LIST_INCIDENTS, REMOVE_INCIDENT};

const SUSPEND: &str = "/operator/accounts/{account}/suspend";
const REACTIVATE: &str = "/operator/accounts/{account}/reactivate";
const END_SESSIONS: &str = "/operator/accounts/{account}/end-sessions";
const GRANT: &str = "/operator/accounts/{account}/grant-operator";
const REVOKE: &str = "/operator/accounts/{account}/revoke-operator";

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[OPERATOR];

/// What the operator sees and does.
pub const OPERATOR: &[Route] = &[
    Route::api(&CHECK_INVARIANTS, admin::check_invariants),
    Route::api(&LIST_SYNC_RUNS, background::list_sync_runs),
    Route::api(&LIST_RECURRING_JOBS, background::list_recurring_jobs),
    Route::api(&LIST_ACCOUNTS, operating::list_accounts),
    Route::api(&SUSPEND_ACCOUNT, operating::suspend_account),
    Route::api(&REACTIVATE_ACCOUNT, operating::reactivate_account),
    Route::api(&END_ACCOUNT_SESSIONS, operating::end_account_sessions),
    Route::api(&GRANT_OPERATOR, operating::grant_operator),
    Route::api(&REVOKE_OPERATOR, operating::revoke_operator),
    Route::api(&LIST_ALL_AUDIT, operating::list_audit),
    Route::api(&LIST_MAILS, admin::list_mails),
    Route::api(&RETRY_MAIL, admin::retry_mail),
    Route::api(&LIST_DISPUTES, disputes::list_disputes),
    Route::api(&DECIDE_DISPUTE, disputes::decide_dispute),
    Route::api(&LIST_INCIDENTS, incidents::list_incidents),
    Route::api(&CREATE_INCIDENT, incidents::create_incident),
    Route::api(&CHANGE_INCIDENT, incidents::change_incident),
    Route::api(&REMOVE_INCIDENT, incidents::remove_incident),
    Route::api(&SHOW_HEALTH, admin::show_health),
    Route::page("/operator", Access::Operator, operator::standing),
    Route::page("/operator/accounts", Access::Operator, operator::accounts),
    Route::page(SUSPEND, Access::Operator, operator::ask_suspend),
    Route::page(GRANT, Access::Operator, operator::ask_grant),
    Route::page(REVOKE, Access::Operator, operator::ask_revoke),
    Route::form(SUSPEND, Access::Operator, operator::suspend_account),
    Route::form(REACTIVATE, Access::Operator, operator::reactivate_account),
    Route::form(END_SESSIONS, Access::Operator, operator::end_account_sessions),
    Route::form(GRANT, Access::Operator, operator::grant_operator),
    Route::form(REVOKE, Access::Operator, operator::revoke_operator),
    Route::form("/operator/mails/{mail}/retry", Access::Operator, operator::retry_mail),
    Route::page("/operator/audit", Access::Operator, operator::audit),
    Route::page("/operator/sync", Access::Operator, background::sync_page),
    Route::page("/operator/jobs", Access::Operator, background::jobs_page),
    Route::page("/operator/disputes", Access::Operator, disputes::page),
    Route::page("/operator/incidents", Access::Operator, incidents::page),
    Route::form("/operator/incidents", Access::Operator, incidents::create_form),
    Route::form("/operator/incidents/{incident}", Access::Operator, incidents::change_form),
    Route::form("/operator/incidents/{incident}/remove", Access::Operator, incidents::remove_form),
    Route::form("/operator/disputes/{dispute}/decide", Access::Operator, disputes::decide_form),
];

/// Every recurring job of this feature.
pub const JOBS: &[Job] = &[
    Job { about: &recurring::CHECK_INTEGRITY, run: jobs::check_integrity },
    Job { about: &recurring::SEAL_AUDIT, run: jobs::seal_audit },
    Job { about: &recurring::SEAL_LEDGER, run: jobs::seal_ledger },
    Job { about: &recurring::SWEEP_LIMITS, run: |env| Ok(limits::sweep(env.db, env.now)?) },
    Job {
        about: &recurring::RESET_FUTURE_TIMES,
        run: |env| Ok(future_times::reset(env.db, env.now)?),
    },
    Job { about: &recurring::SWEEP_RESPONSES, run: |env| Ok(responses::sweep(env.db, env.now)?) },
    Job { about: &recurring::CHECKPOINT, run: |env| Ok(job_runs::checkpoint(env.db).map(drop)?) },
    Job { about: &recurring::OPTIMIZE, run: |env| Ok(job_runs::optimize(env.db).map(drop)?) },
    Job { about: &recurring::DELIVER_MAILS, run: deliver::deliver },
    Job { about: &recurring::SWEEP_MAILS, run: |env| Ok(mails::sweep(env.db, env.now)?) },
];

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &CHECK_INVARIANTS,
    &LIST_SYNC_RUNS,
    &LIST_RECURRING_JOBS,
    &LIST_ACCOUNTS,
    &SUSPEND_ACCOUNT,
    &REACTIVATE_ACCOUNT,
    &END_ACCOUNT_SESSIONS,
    &GRANT_OPERATOR,
    &REVOKE_OPERATOR,
    &LIST_ALL_AUDIT,
    &LIST_MAILS,
    &RETRY_MAIL,
    &LIST_DISPUTES,
    &DECIDE_DISPUTE,
    &LIST_INCIDENTS,
    &CREATE_INCIDENT,
    &CHANGE_INCIDENT,
    &REMOVE_INCIDENT,
    &SHOW_HEALTH,
];
