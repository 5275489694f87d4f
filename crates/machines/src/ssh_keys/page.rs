//! The page `/dashboard/settings/ssh-keys`.

use std::collections::BTreeSet;

use askama::Template;
use domain::ssh::SshKey;
use store::ssh_keys::{KeyOnMachine, RegisteredKey};
use ui::moment;
use ui::visit::Visit;
use web::form::{Form, error_above, sent};
use web::page::{Field, Frame, Link, Moment, Section};
use web::text::sentence;
use web::{Kind, Problem};

/// What `ssh_keys.html` shows: the keys of an account, and the form that registers one.
#[derive(Clone, Debug, Template)]
#[template(path = "ssh_keys/ssh_keys.html")]
pub(crate) struct SshKeys {
    /// What surrounds the page.
    pub frame: Frame,
    /// The oldest first.
    pub keys: Vec<SshKeyRow>,
    /// Keys that are not registered any more and are still on machines.
    pub removed: Vec<RemovedKey>,
    /// `name`
    pub key_name: Field,
    /// `public_key`
    pub public_key: Field,
    /// Why nothing was registered, when it is not about one field.
    pub error: Option<String>,
}

/// A key that is registered.
#[derive(Clone, Debug)]
pub(crate) struct SshKeyRow {
    /// What its owner calls it.
    pub name: String,
    /// `SHA256:…`
    pub fingerprint: String,
    /// Such as `ssh-ed25519`.
    pub kind: String,
    /// When it was registered.
    pub since: Moment,
    /// Whether it is taken where none is chosen.
    pub is_first: bool,
    /// The machines that have it.
    pub machines: Vec<Link>,
    /// Where the button posts that removes it.
    pub remove_url: String,
}

/// A key that is still on machines.
#[derive(Clone, Debug)]
pub(crate) struct RemovedKey {
    /// `SHA256:…`
    pub fingerprint: String,
    /// The machines that have it.
    pub machines: Vec<Link>,
}

/// The page of an account's SSH keys.
pub(crate) const SSH_KEYS: &str = "/dashboard/settings/ssh-keys";

impl SshKeys {
    /// The keys of the account that looks.
    pub(crate) fn new(
        visit: &Visit<'_>,
        keys: &[RegisteredKey],
        on_machines: &[KeyOnMachine],
    ) -> SshKeys {
        let machines_with = |line: &str| {
            let has_it = |machine: &&KeyOnMachine| machine.line == line;
            let link = |it: &KeyOnMachine| {
                Link::new(format!("/dashboard/slices/{}", it.rental), &it.place)
            };
            on_machines.iter().filter(has_it).map(link).collect()
        };
        let is_removed = |line: &&str| keys.iter().all(|key| key.line != **line);
        let lines: BTreeSet<&str> = on_machines.iter().map(|it| it.line.as_str()).collect();
        let removed = |line: &str| RemovedKey {
            fingerprint: SshKey::parse("key", line)
                .map_or_else(|_| line.to_owned(), |key| key.fingerprint),
            machines: machines_with(line),
        };
        let row = |(nth, key): (usize, &RegisteredKey)| SshKeyRow {
            name: key.name.clone(),
            fingerprint: key.fingerprint.clone(),
            kind: key.line.split(' ').next().unwrap_or_default().to_owned(),
            since: moment::to_the_minute(key.created_at),
            is_first: nth == 0,
            machines: machines_with(&key.line),
            remove_url: format!("{SSH_KEYS}/{}/remove", key.id),
        };
        SshKeys {
            frame: visit.frame("SSH keys", Section::Settings),
            keys: keys.iter().enumerate().map(row).collect(),
            removed: lines.into_iter().filter(is_removed).map(removed).collect(),
            key_name: Field::new(""),
            public_key: Field::new(""),
            error: None,
        }
    }

    /// The same after nothing was registered. What may be a private key is not shown again.
    #[must_use]
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> SshKeys {
        self.key_name = sent(form, "name", &problem.fields);
        self.public_key = sent(form, "public_key", &problem.fields);
        if form.text("public_key").contains("PRIVATE") {
            self.public_key.value = String::new();
        }
        match problem.kind {
            Kind::SshKeyTaken | Kind::TooManySshKeys => {
                self.error = Some(sentence(problem.detail.clone()));
            }
            _ => self.error = error_above(problem, &["name", "public_key"]),
        }
        self
    }
}
