//! Notifications, webhooks, the event stream.

pub mod mails;

mod deliver;
mod message;
mod notifications;
mod notify;
mod stream;
mod webhooks;

use domain::account::Scope;
use domain::recurring;
use store::{sla_alerts, webhooks as kept};
use web::operation::{Access, Operation};
use web::{Env, Job, JobError, Route};

use crate::notifications::json::{
    LIST_NOTIFICATIONS, READ_NOTIFICATIONS, SET_CHOICES, SHOW_CHOICES,
};
use crate::stream::json::FOLLOW_EVENTS;
use crate::webhooks::json::{
    ADD_WEBHOOK, LIST_DELIVERIES, LIST_WEBHOOKS, REMOVE_WEBHOOK, REPLAY_DELIVERY, ROTATE_SECRET,
    TEST_WEBHOOK,
};

const FARM: Access = Access::Account(Scope::Farm);
const READ: Access = Access::Account(Scope::Read);

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[EVENTS, NOTICES];

/// The stream of events.
pub const EVENTS: &[Route] = &[Route::api(&FOLLOW_EVENTS, stream::answer)];

/// Notifications and webhooks.
pub const NOTICES: &[Route] = &[
    Route::api(&LIST_NOTIFICATIONS, notifications::list),
    Route::api(&READ_NOTIFICATIONS, notifications::read),
    Route::api(&SHOW_CHOICES, notifications::show_choices),
    Route::api(&SET_CHOICES, notifications::set_choices),
    Route::api(&LIST_WEBHOOKS, webhooks::list),
    Route::api(&ADD_WEBHOOK, webhooks::add_one),
    Route::api(&REMOVE_WEBHOOK, webhooks::remove_one),
    Route::api(&ROTATE_SECRET, webhooks::rotate_secret),
    Route::api(&TEST_WEBHOOK, webhooks::test_one),
    Route::api(&LIST_DELIVERIES, webhooks::list_deliveries),
    Route::api(&REPLAY_DELIVERY, webhooks::replay_one),
    Route::page("/dashboard/notifications", READ, notifications::page),
    Route::form("/dashboard/notifications/read", FARM, notifications::mark_read),
    Route::page("/dashboard/notifications/settings", READ, notifications::settings),
    Route::form("/dashboard/notifications/settings", FARM, notifications::save_settings),
    Route::page("/dashboard/notifications/webhooks", READ, webhooks::page),
    Route::form("/dashboard/notifications/webhooks", FARM, webhooks::add_from_page),
    Route::page("/dashboard/notifications/webhooks/{webhook}", READ, webhooks::one_page),
    Route::form(
        "/dashboard/notifications/webhooks/{webhook}/secret",
        FARM,
        webhooks::rotate_from_page,
    ),
    Route::form("/dashboard/notifications/webhooks/{webhook}/test", FARM, webhooks::test_from_page),
    Route::form(
        "/dashboard/notifications/webhooks/{webhook}/remove",
        FARM,
        webhooks::remove_from_page,
    ),
    Route::form(
        "/dashboard/notifications/webhooks/{webhook}/deliveries/{delivery}/replay",
        FARM,
        webhooks::replay_from_page,
    ),
];

/// Every recurring job of this feature. What is at risk is found before people are notified of it.
pub const JOBS: &[Job] = &[
    Job { about: &recurring::CHECK_SLA_AT_RISK, run: check_sla_at_risk },
    Job { about: &recurring::CREATE_NOTIFICATIONS, run: notify::notify },
    Job { about: &recurring::DELIVER_MESSAGES, run: deliver::deliver },
    Job { about: &recurring::SWEEP_MESSAGES, run: |env| Ok(kept::sweep(env.db, env.now)?) },
];

fn check_sla_at_risk(env: &Env<'_>) -> Result<(), JobError> {
    let at_once = recurring::MONTHS_PER_STATEMENT.count;
    for _ in 0..recurring::CHECK_SLA_AT_RISK.limit() / at_once {
        if sla_alerts::evaluate(env.db, at_once, env.now)? == 0 {
            break;
        }
    }
    Ok(())
}

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &FOLLOW_EVENTS,
    &LIST_NOTIFICATIONS,
    &READ_NOTIFICATIONS,
    &SHOW_CHOICES,
    &SET_CHOICES,
    &LIST_WEBHOOKS,
    &ADD_WEBHOOK,
    &REMOVE_WEBHOOK,
    &ROTATE_SECRET,
    &TEST_WEBHOOK,
    &LIST_DELIVERIES,
    &REPLAY_DELIVERY,
];
