//! The page `/dashboard/slices/{rental}/keys`.

use askama::Template;
use domain::id::RentalId;
use store::ssh_keys::{KeyLines, RegisteredKey};
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above};
use web::page::{Frame, Section};
use web::text::sentence;

use crate::machine_keys::json::fingerprint;

/// What `machine_keys.html` shows: the keys of the account, of which some get in.
#[derive(Clone, Debug, Template)]
#[template(path = "machine_keys/machine_keys.html")]
pub(crate) struct KeysPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The rental's page.
    pub rental_url: String,
    /// Hidden field `idempotency_key`.
    pub idempotency_key: String,
    /// Boxes of `ssh_key_ids`: each key of the account.
    pub keys: Vec<KeyChoice>,
    /// Fingerprints of keys that get in and are none of the account's any more.
    pub removed: Vec<String>,
    /// Why nothing was changed.
    pub error: Option<String>,
}

/// A key that can be chosen.
#[derive(Clone, Debug)]
pub(crate) struct KeyChoice {
    /// What the form sends.
    pub value: String,
    /// What its owner calls it.
    pub name: String,
    /// Such as `SHA256:…`.
    pub fingerprint: String,
    /// Whether it can log in.
    pub is_chosen: bool,
}

impl KeysPage {
    /// The keys of an account, and which of them get in to the machines of a rental.
    pub(crate) fn new(
        visit: &Visit<'_>,
        rental: RentalId,
        own: &[RegisteredKey],
        KeyLines(present): &KeyLines,
    ) -> KeysPage {
        let choice = |key: &RegisteredKey| KeyChoice {
            value: key.id.to_string(),
            name: key.name.clone(),
            fingerprint: key.fingerprint.clone(),
            is_chosen: present.contains(&key.line),
        };
        let is_removed = |line: &&String| own.iter().all(|key| key.line != **line);
        KeysPage {
            frame: visit.frame("SSH keys of the machine", Section::Slices),
            rental_url: format!("/dashboard/slices/{rental}"),
            idempotency_key: visit.request_id.to_owned(),
            keys: own.iter().map(choice).collect(),
            removed: present.iter().filter(is_removed).map(|line| fingerprint(line)).collect(),
            error: None,
        }
    }

    /// The same after nothing was changed.
    #[must_use]
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> KeysPage {
        for key in &mut self.keys {
            key.is_chosen = form.all("ssh_key_ids").any(|id| id == key.value);
        }
        let is_about_keys = problem.fields.iter().any(|field| field.field == "ssh_key_ids");
        self.error = if is_about_keys {
            Some("Choose 1 to 16 keys.".to_owned())
        } else {
            error_above(problem, &[]).or_else(|| Some(sentence(problem.detail.clone())))
        };
        self
    }
}
