//! Sign-up, sign-in, second factors, tokens, settings.

pub mod mails;

mod account;
mod api;
mod changes;
mod codes;
mod credentials;
mod device;
mod mailed;
mod mailing;
mod making;
mod pages;
mod passkeys;
mod password;
mod second_factor;
mod settings;
mod verification;

use domain::account::Scope;
use domain::recurring;
use store::{challenges, sessions, tokens};
use web::operation::{Access, Operation};
use web::{Job, Route};

use crate::account::json::{
    ASK_RESET, CHANGE_ACCOUNT, CHANGE_EMAIL, CHANGE_PASSWORD, CLOSE_SESSION, CONFIRM_ACCOUNT,
    CONFIRM_EMAIL, CREATE_ACCOUNT, CREATE_TOKEN, DELETE_ACCOUNT, END_OTHER_SESSIONS, END_SESSION,
    LIST_AUDIT, LIST_SESSIONS, LIST_TOKENS, OPEN_SESSION, RESET_PASSWORD, REVOKE_TOKEN,
    SHOW_ACCOUNT,
};
use crate::second_factor::json::{
    ADD_PASSKEY, BEGIN_PASSKEY, BEGIN_PASSKEY_SIGN_IN, BEGIN_TOTP, CONFIRM_TOTP, FINISH_SESSION,
    LIST_PASSKEYS, MAKE_RECOVERY_CODES, OPEN_SESSION_BY_PASSKEY, REMOVE_PASSKEY, REMOVE_TOTP,
    SHOW_FACTORS, VERIFY_SESSION,
};

/// Who is signed in; what is theirs.
const SIGNED_IN: Access = Access::Account(Scope::Read);

/// Every route of this feature.
pub const ROUTES: &[&[Route]] = &[ACCOUNTS];

/// Sign-up, sign-in, second factors, tokens, settings.
pub const ACCOUNTS: &[Route] = &[
    Route::api(&CREATE_ACCOUNT, api::create_account),
    Route::api(&CONFIRM_ACCOUNT, api::confirm_account),
    Route::api(&SHOW_ACCOUNT, api::show_account),
    Route::api(&CHANGE_ACCOUNT, api::change_account),
    Route::api(&DELETE_ACCOUNT, api::delete_account),
    Route::api(&CHANGE_PASSWORD, api::change_password),
    Route::api(&CHANGE_EMAIL, api::change_email),
    Route::api(&CONFIRM_EMAIL, api::confirm_email),
    Route::api(&ASK_RESET, api::ask_reset),
    Route::api(&RESET_PASSWORD, api::reset_password),
    Route::api(&OPEN_SESSION, api::open_session),
    Route::api(&CLOSE_SESSION, api::close_session),
    Route::api(&LIST_SESSIONS, api::list_sessions),
    Route::api(&END_OTHER_SESSIONS, api::end_other_sessions),
    Route::api(&END_SESSION, api::end_session),
    Route::api(&CREATE_TOKEN, api::create_token),
    Route::api(&LIST_TOKENS, api::list_tokens),
    Route::api(&REVOKE_TOKEN, api::revoke_token),
    Route::api(&LIST_AUDIT, api::list_audit),
    Route::api(&FINISH_SESSION, api::factors::finish_session),
    Route::api(&BEGIN_PASSKEY_SIGN_IN, api::factors::begin_passkey_sign_in),
    Route::api(&OPEN_SESSION_BY_PASSKEY, api::factors::open_session_by_passkey),
    Route::api(&VERIFY_SESSION, api::factors::verify_session),
    Route::api(&SHOW_FACTORS, api::factors::show_factors),
    Route::api(&LIST_PASSKEYS, api::factors::list_passkeys),
    Route::api(&BEGIN_PASSKEY, api::factors::begin_passkey),
    Route::api(&ADD_PASSKEY, api::factors::add_passkey),
    Route::api(&REMOVE_PASSKEY, api::factors::remove_passkey),
    Route::api(&BEGIN_TOTP, api::factors::begin_totp),
    Route::api(&CONFIRM_TOTP, api::factors::confirm_totp),
    Route::api(&REMOVE_TOTP, api::factors::remove_totp),
    Route::api(&MAKE_RECOVERY_CODES, api::factors::make_recovery_codes),
    Route::page("/signup", Access::Public, pages::signup),
    Route::form("/signup", Access::Public, pages::sign_up),
    Route::page("/login", Access::Public, pages::login),
    Route::form("/login", Access::Public, pages::sign_in),
    Route::form("/login/kept", Access::Public, pages::keep_form),
    Route::page("/login/second-factor", Access::Public, pages::factors::begin_again),
    Route::form("/login/second-factor", Access::Public, pages::factors::finish_sign_in),
    Route::page("/dashboard/verify", SIGNED_IN, pages::factors::ask_verification),
    Route::form("/dashboard/verify/kept", SIGNED_IN, pages::factors::keep_form),
    Route::form("/dashboard/verify", SIGNED_IN, pages::factors::verify),
    Route::form("/dashboard/settings/passkeys/remove", SIGNED_IN, pages::factors::remove_passkey),
    Route::page("/dashboard/settings/totp", SIGNED_IN, pages::factors::show_totp),
    Route::form("/dashboard/settings/totp", SIGNED_IN, pages::factors::begin_totp),
    Route::form("/dashboard/settings/totp/confirm", SIGNED_IN, pages::factors::confirm_totp),
    Route::form("/dashboard/settings/totp/remove", SIGNED_IN, pages::factors::remove_totp),
    Route::form(
        "/dashboard/settings/recovery-codes",
        SIGNED_IN,
        pages::factors::make_recovery_codes,
    ),
    Route::form("/logout", SIGNED_IN, pages::sign_out),
    Route::page("/mail-sent", Access::Public, mailed::mail_sent),
    Route::page("/signup/confirm", Access::Public, mailed::sign_up),
    Route::form("/signup/confirm", Access::Public, mailed::confirm_sign_up),
    Route::page("/email/confirm", Access::Public, mailed::email),
    Route::form("/email/confirm", Access::Public, mailed::confirm_email),
    Route::page("/reset", Access::Public, mailed::reset),
    Route::form("/reset", Access::Public, mailed::ask_reset),
    Route::page("/reset/confirm", Access::Public, mailed::reset_form),
    Route::form("/reset/confirm", Access::Public, mailed::confirm_reset),
    Route::page("/dashboard/settings", SIGNED_IN, settings::settings),
    Route::page(settings::PROFILE, SIGNED_IN, settings::profile),
    Route::page(settings::SECURITY, SIGNED_IN, settings::security),
    Route::page(settings::TOKENS, SIGNED_IN, settings::tokens),
    Route::page(settings::DELETE, SIGNED_IN, settings::deletion),
    Route::form("/dashboard/settings/display-name", SIGNED_IN, settings::change_name),
    Route::form("/dashboard/settings/email", SIGNED_IN, settings::change_email),
    Route::form("/dashboard/settings/password", SIGNED_IN, settings::change_password),
    Route::form("/dashboard/settings/sessions/end-others", SIGNED_IN, settings::end_other_sessions),
    Route::form("/dashboard/settings/sessions/{session}/end", SIGNED_IN, settings::end_session),
    Route::form(settings::TOKENS, SIGNED_IN, settings::create_token),
    Route::form("/dashboard/settings/tokens/{token}/revoke", SIGNED_IN, settings::revoke_token),
    Route::page("/dashboard/settings/activity", SIGNED_IN, settings::activity),
    Route::form(settings::DELETE, SIGNED_IN, settings::delete),
];

/// Every recurring job of this feature.
pub const JOBS: &[Job] = &[
    Job {
        about: &recurring::NOTIFY_OF_EXPIRING_TOKENS,
        run: |env| Ok(tokens::notify_of_expiry(env.db, env.now)?),
    },
    Job { about: &recurring::SWEEP_SESSIONS, run: |env| Ok(sessions::sweep(env.db, env.now)?) },
    Job { about: &recurring::SWEEP_TOKENS, run: |env| Ok(tokens::sweep(env.db, env.now)?) },
    Job { about: &recurring::SWEEP_CHALLENGES, run: |env| Ok(challenges::sweep(env.db, env.now)?) },
];

/// Every operation of this feature, in the order of the API document.
pub const OPERATIONS: &[&Operation] = &[
    &CREATE_ACCOUNT,
    &CONFIRM_ACCOUNT,
    &SHOW_ACCOUNT,
    &CHANGE_ACCOUNT,
    &DELETE_ACCOUNT,
    &CHANGE_PASSWORD,
    &CHANGE_EMAIL,
    &CONFIRM_EMAIL,
    &ASK_RESET,
    &RESET_PASSWORD,
    &OPEN_SESSION,
    &CLOSE_SESSION,
    &LIST_SESSIONS,
    &END_SESSION,
    &END_OTHER_SESSIONS,
    &CREATE_TOKEN,
    &LIST_TOKENS,
    &REVOKE_TOKEN,
    &LIST_AUDIT,
    &FINISH_SESSION,
    &BEGIN_PASSKEY_SIGN_IN,
    &OPEN_SESSION_BY_PASSKEY,
    &VERIFY_SESSION,
    &SHOW_FACTORS,
    &LIST_PASSKEYS,
    &BEGIN_PASSKEY,
    &ADD_PASSKEY,
    &REMOVE_PASSKEY,
    &BEGIN_TOTP,
    &CONFIRM_TOTP,
    &REMOVE_TOTP,
    &MAKE_RECOVERY_CODES,
];
