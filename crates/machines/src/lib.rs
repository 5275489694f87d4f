//! Agent jobs, SSH keys, sealed access.

pub mod access;
pub mod mails;

mod actions;
mod agent;
mod console_password;
mod late;
mod machine_keys;
mod manual_setup;
pub mod ports;
mod rebuild;
mod reports;
mod ssh_keys;
mod waiting;

use domain::account::Scope;
use domain::recurring;
use store::{job_runs, jobs, machine_actions, outages};
use web::operation::{Access, Operation};
use web::{Job, Route};

pub use crate::actions::json::choose;
pub use crate::actions::{check_restart, restart, send_form as send_action};
pub use crate::console_password::send_form as send_console_password;
pub use crate::machine_keys::{Exchange, NewRenterKeys, handover, need_key};
pub use crate::ssh_keys::use_key;

use crate::actions::json::{LIST_ACTIONS, REQUEST_ACTION};
use crate::agent::json::{COMPLETE_JOB, FAIL_JOB, LEASE_JOB, REPORT_PROGRESS};
use crate::console_password::json::SET_CONSOLE_PASSWORD;
use crate::machine_keys::json::{LIST_MACHINE_KEYS, SET_MACHINE_KEYS};
use crate::manual_setup::json::{CONFIRM_SETUP, LIST_MANUAL_SETUPS};
use crate::ports::json::SET_PORTS;
use crate::rebuild::json::REBUILD_MACHINE;
use crate::reports::json::REPORT_MACHINES;
use crate::ssh_keys::json::{ADD_SSH_KEY, LIST_SSH_KEYS, REMOVE_SSH_KEY};
use crate::ssh_keys::page::SSH_KEYS;

/// Who is signed in; what is theirs.
const SIGNED_IN: Access = Access::Account(Scope::Read);
/// Who may say what gets into their machines.
const RENT: Access = Access::Account(Scope::Rent);
/// Who may say how what they set up by hand is reached.
const FARM: Access = Access::Account(Scope::Farm);
/// The page of a machine that is set up by hand.
const SETUP: &str = "/dashboard/farm/nodes/{node}/slices/{number}/setup";

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[AGENTS, MANUAL_SETUPS, SSH_KEY_ROUTES, ACTIONS];

/// What farmers set up by hand.
pub const MANUAL_SETUPS: &[Route] = &[
    Route::api(&LIST_MANUAL_SETUPS, manual_setup::list),
    Route::api(&CONFIRM_SETUP, manual_setup::confirm),
    Route::page(SETUP, FARM, manual_setup::show),
    Route::form(SETUP, FARM, manual_setup::send_form),
];

/// SSH keys of an account.
pub const SSH_KEY_ROUTES: &[Route] = &[
    Route::api(&LIST_SSH_KEYS, ssh_keys::list),
    Route::api(&ADD_SSH_KEY, ssh_keys::add),
    Route::api(&REMOVE_SSH_KEY, ssh_keys::remove),
    Route::page(SSH_KEYS, SIGNED_IN, ssh_keys::show),
    Route::form(SSH_KEYS, RENT, ssh_keys::send_form),
    Route::form("/dashboard/settings/ssh-keys/{key}/remove", RENT, ssh_keys::send_removal),
];

/// What renters have done with their machines.
pub const ACTIONS: &[Route] = &[
    Route::api(&REQUEST_ACTION, actions::request),
    Route::api(&LIST_ACTIONS, actions::list),
    Route::api(&SET_PORTS, ports::set),
    Route::api(&LIST_MACHINE_KEYS, machine_keys::list),
    Route::api(&SET_MACHINE_KEYS, machine_keys::set),
    Route::page("/dashboard/slices/{rental}/keys", SIGNED_IN, machine_keys::show),
    Route::form("/dashboard/slices/{rental}/keys", RENT, machine_keys::send_form),
    Route::api(&REBUILD_MACHINE, rebuild::request),
    Route::page("/dashboard/slices/{rental}/rebuild", SIGNED_IN, rebuild::show),
    Route::form("/dashboard/slices/{rental}/rebuild", RENT, rebuild::send_form),
    Route::api(&SET_CONSOLE_PASSWORD, console_password::request),
];

/// What agents of farms do.
pub const AGENTS: &[Route] = &[
    Route::api(&LEASE_JOB, agent::lease),
    Route::api(&REPORT_PROGRESS, agent::progress),
    Route::api(&COMPLETE_JOB, agent::complete),
    Route::api(&FAIL_JOB, agent::fail),
    Route::api(&REPORT_MACHINES, reports::report),
];

/// Every recurring job of this feature.
pub const JOBS: &[Job] = &[
    Job { about: &recurring::GIVE_UP_JOBS, run: |env| Ok(jobs::give_up(env.db, env.now)?) },
    Job { about: &recurring::NOTIFY_OF_LATE_JOBS, run: late::notify },
    Job {
        about: &recurring::SWEEP_AGENTS,
        run: |env| Ok(job_runs::sweep_agents(env.db, env.now)?),
    },
    Job {
        about: &recurring::EXPIRE_MACHINE_ACTIONS,
        run: |env| Ok(machine_actions::expire(env.db, env.now)?),
    },
    Job {
        about: &recurring::SWEEP_MACHINE_ACTIONS,
        run: |env| Ok(machine_actions::sweep(env.db, env.now)?),
    },
    Job { about: &recurring::NOTIFY_OF_OUTAGES, run: |env| Ok(outages::notify(env.db, env.now)?) },
    Job { about: &recurring::SWEEP_OUTAGES, run: |env| Ok(outages::sweep(env.db, env.now)?) },
];

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &LEASE_JOB,
    &REPORT_PROGRESS,
    &COMPLETE_JOB,
    &FAIL_JOB,
    &REPORT_MACHINES,
    &LIST_MANUAL_SETUPS,
    &CONFIRM_SETUP,
    &REQUEST_ACTION,
    &LIST_ACTIONS,
    &SET_PORTS,
    &LIST_MACHINE_KEYS,
    &SET_MACHINE_KEYS,
    &REBUILD_MACHINE,
    &SET_CONSOLE_PASSWORD,
    &LIST_SSH_KEYS,
    &ADD_SSH_KEY,
    &REMOVE_SSH_KEY,
];
