//! The pages of accounts, asked for natively on SQLite.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod confirmations;
mod factors;
mod lockout;
mod mailed;
mod settings;
mod sign_in;
mod tokens;

use domain::account::Email;
use stage::{Answer, Caller, Stage, User};
use store::accounts as kept;

const PASSWORD: &str = "a few words of my own";

fn ask(who: &Caller<'_>, path: &str) -> Answer {
    who.get(accounts::ROUTES, path)
}

fn send(who: &Caller<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    who.form(accounts::ROUTES, path, fields)
}

/// From now on, this is the password of these.
fn set_password(stage: &Stage, users: &[User]) {
    let email = "somebody@example.org";
    let fields = [("email", email), ("password", PASSWORD)];
    send(&stage.as_visitor(), "/signup", &fields).see_other();
    let known = kept::credentials(&stage.db, &Email::parse(email).unwrap()).unwrap().unwrap();
    for user in users {
        kept::change_password(&stage.db, user.account(), &known.password_hash, None, &[]).unwrap();
    }
}

#[test]
fn every_page_is_well_formed() {
    let stage = Stage::without_nodes();
    stage.as_visitor().get_every_page(accounts::ROUTES, &[]);
    stage.as_user(stage::ADA).get_every_page(accounts::ROUTES, &[]);
}
