//! The SSH public keys of an account: in the API, and on a page of the settings.

pub(crate) mod json;
pub(crate) mod page;

use domain::audit::Action;
use domain::id::SshKeyId;
use domain::ssh::{SshKey, parse_key_name};
use http::StatusCode;
use store::ssh_keys::{self, Refused, RegisteredKey};
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::{Context, Kind, Problem, Response, respond};

use crate::machine_keys;
use crate::ssh_keys::json::{SshKeyBody, SshKeyView, SshKeys as SshKeysView, ssh_key_id};
use crate::ssh_keys::page::{SSH_KEYS, SshKeys};

pub(crate) fn list(cx: &Context<'_>) -> Result<Response, Problem> {
    let account = cx.account()?.account;
    let keys = ssh_keys::of_account(cx.db, account)?;
    let on_machines = ssh_keys::on_machines(cx.db, account)?;
    let items = keys.iter().map(|key| SshKeyView::new(key, &on_machines)).collect();
    respond::json(StatusCode::OK, &SshKeysView { items })
}

pub(crate) fn add(cx: &Context<'_>) -> Result<Response, Problem> {
    let key = register(cx, &web::json::body(cx.request)?)?;
    respond::json(StatusCode::CREATED, &SshKeyView::new(&key, &[]))
}

/// A key of whoever is signed in, by its text: it is registered unless they have it already.
pub fn use_key(cx: &Context<'_>, field: &'static str, text: &str) -> Result<SshKeyId, Problem> {
    let key = SshKey::parse(field, text)?;
    let own = ssh_keys::of_account(cx.db, cx.account()?.account)?;
    match own.iter().find(|own| own.fingerprint == key.fingerprint) {
        Some(own) => Ok(own.id),
        None => Ok(register_as(cx, "", key)?.id),
    }
}

fn register(cx: &Context<'_>, body: &SshKeyBody) -> Result<RegisteredKey, Problem> {
    register_as(cx, &body.name, SshKey::parse("public_key", &body.public_key)?)
}

fn register_as(cx: &Context<'_>, name: &str, key: SshKey) -> Result<RegisteredKey, Problem> {
    let account = cx.account()?.account;
    let name = parse_key_name("name", name, &key)?;
    let id = SshKeyId::from_random(cx.now, cx.random.id());
    match ssh_keys::add(cx.db, account, id, &name, &key, cx.now)? {
        Err(Refused::There) => return Err(Problem::plain(Kind::SshKeyTaken)),
        Err(Refused::TooMany) => return Err(Problem::plain(Kind::TooManySshKeys)),
        Ok(()) => {}
    }
    cx.audit(Action::SshKeyAdded, Some(account), &key.fingerprint)?;
    let SshKey { line, fingerprint, .. } = key;
    Ok(RegisteredKey { id, name, line, fingerprint, created_at: cx.now })
}

pub(crate) fn remove(cx: &Context<'_>) -> Result<Response, Problem> {
    forget(cx, false)?;
    Ok(respond::no_content())
}

/// Forgets a key, also on the machines that have it and can change their keys if that is asked for.
fn forget(cx: &Context<'_>, from_machines: bool) -> Result<(), Problem> {
    let (account, id) = (cx.account()?.account, ssh_key_id(cx.param("key"))?);
    if from_machines {
        let key = ssh_keys::find(cx.db, account, id)?.ok_or_else(Problem::not_found)?;
        machine_keys::take_off(cx, &key)?;
    }
    if !ssh_keys::remove(cx.db, account, id)? {
        return Err(Problem::not_found());
    }
    Ok(cx.audit(Action::SshKeyRemoved, Some(account), &id.to_string())?)
}

pub(crate) fn show(cx: &Context<'_>) -> Result<Response, Problem> {
    respond::page(StatusCode::OK, &page(cx)?)
}

fn page(cx: &Context<'_>) -> Result<SshKeys, Problem> {
    let account = cx.account()?.account;
    let keys = ssh_keys::of_account(cx.db, account)?;
    let on_machines = ssh_keys::on_machines(cx.db, account)?;
    Ok(SshKeys::new(&Visit::of(cx)?, &keys, &on_machines))
}

pub(crate) fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    match form.body().and_then(|body| register(cx, &body)) {
        Ok(_) => Ok(respond::see_other(&Done::KeyAdded.at(SSH_KEYS))),
        Err(problem) => form::refused(problem, |problem| Ok(page(cx)?.refused(&form, problem))),
    }
}

pub(crate) fn send_removal(cx: &Context<'_>) -> Result<Response, Problem> {
    let from_machines = Form::read(cx.request).text("from_machines") == "true";
    forget(cx, from_machines)?;
    let done = if from_machines { Done::KeyRemovedFromMachines } else { Done::KeyRemoved };
    Ok(respond::see_other(&done.at(SSH_KEYS)))
}
