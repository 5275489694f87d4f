//! Machines on slices, as the page of a rental shows them, and the SSH keys that get in.

use super::{Badge, Field, Frame, Moment};
use askama::Template;

/// A machine on a slice.
#[derive(Clone, Debug)]
pub struct Machine {
    /// Such as `node32_slice_1`; `None` where the rental has one only.
    pub slice_id: Option<String>,
    /// Such as `being set up`.
    pub status: Badge,
    /// From payment to the check from outside.
    pub steps: Vec<StepLine>,
    /// What went wrong last, as a sentence.
    pub reason: Option<String>,
    /// How to get in, once that was checked.
    pub ready: Option<Ready>,
}

/// A step on the way to a machine.
#[derive(Clone, Debug)]
pub struct StepLine {
    /// Such as `Disk made`.
    pub what: &'static str,
    /// When it was done; `None` while it is not.
    pub at: Option<Moment>,
}

/// How to get into a machine: lines to copy.
#[derive(Clone, Debug)]
pub struct Ready {
    /// The line that logs in.
    pub command: String,
    /// For `~/.ssh/config`.
    pub config: String,
    /// For `~/.ssh/known_hosts`.
    pub known_hosts: String,
    /// What `ssh` shows at the first login.
    pub fingerprints: Vec<String>,
    /// The form that opens its console; `None` where it has none.
    pub console: Option<ConsoleForm>,
    /// What the farm says besides.
    pub notes: Option<String>,
}

/// The form that opens a machine's console.
#[derive(Clone, Debug)]
pub struct ConsoleForm {
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// Hidden field `slice`: the number of the slice.
    pub slice: u32,
}

/// What `console.html` shows: a link to a machine's console, which is elsewhere. A link and no
/// redirect: a page's forms lead nowhere else, and whoever goes elsewhere sees where.
#[derive(Clone, Debug, Template)]
#[template(path = "console.html")]
pub struct Console {
    /// What surrounds the page.
    pub frame: Frame,
    /// The rental's page.
    pub rental_url: String,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// The link.
    pub url: String,
    /// The host that it leads to.
    pub host: String,
    /// Whether it works once, for a minute.
    pub is_signed: bool,
}

/// What `ssh_keys.html` shows: the keys of an account, and the form that registers one.
#[derive(Clone, Debug, Template)]
#[template(path = "ssh_keys.html")]
pub struct SshKeys {
    /// What surrounds the page.
    pub frame: Frame,
    /// The oldest first.
    pub keys: Vec<SshKeyRow>,
    /// `name`
    pub key_name: Field,
    /// `public_key`
    pub public_key: Field,
    /// Why nothing was registered, when it is not about one field.
    pub error: Option<String>,
}

/// A key that is registered.
#[derive(Clone, Debug)]
pub struct SshKeyRow {
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
    /// Where the button posts that removes it.
    pub remove_url: String,
}
