//! The page `/dashboard/farm/nodes/{node}/slices/{number}/setup`.

use askama::Template;
use domain::provisioning::JobState;
use domain::ssh::Access;
use serde::Deserialize;
use store::jobs::ManualSetup;
use store::ssh_keys::KeyLines;
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, sent};
use web::page::{Field, Frame, Moment, Section};

use crate::agent::json::AccessBody;
use crate::manual_setup::json::ManualSetupBody;

/// The fields of the form, as the body of the operation calls them.
const FIELDS: [&str; 5] =
    ["access.address", "access.port", "access.user", "access.host_keys", "access.notes"];

/// What `setup.html` shows: what a machine needs, and the form that says how it is reached.
#[derive(Clone, Debug, Template)]
#[template(path = "manual_setup/setup.html")]
pub(crate) struct SetupPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The node's page.
    pub node_url: String,
    /// Such as `node32`.
    pub node_id: String,
    /// Such as `node32_slice_1`.
    pub slice_id: String,
    /// Where the form posts to.
    pub url: String,
    /// Hidden field `rental_id`.
    pub rental_id: String,
    /// Whether the renter has no SSH key yet, so that nothing can be set up.
    pub needs_key: bool,
    /// Whether it was set up, so that the form changes how it is reached.
    pub is_done: bool,
    /// The public keys to let in, also as hidden fields `ssh_keys`.
    pub ssh_keys: Vec<String>,
    /// The template that the renter has chosen.
    pub template: Option<String>,
    /// The ports that the renter has asked for, such as `80/tcp, 51820/udp`.
    pub ports: String,
    /// When the renter is refunded in full.
    pub refund_at: Option<Moment>,
    /// `access.address`
    pub address: Field,
    /// `access.port`
    pub port: Field,
    /// `access.user`
    pub user: Field,
    /// `access.host_keys`: one on each line.
    pub host_keys: Field,
    /// `access.notes`
    pub notes: Field,
    /// Why nothing was saved, where that is not about one field.
    pub error: Option<String>,
}

impl SetupPage {
    /// The page of a machine, which is reached by `access` if it was set up.
    pub(crate) fn new(
        visit: &Visit<'_>,
        setup: &ManualSetup,
        access: Option<&Access>,
    ) -> SetupPage {
        let ManualSetup { slice, state, ssh_keys: KeyLines(ssh_keys), .. } = setup;
        let node_url = format!("/dashboard/farm/nodes/{}", slice.node);
        let ports: Vec<String> = setup.ports.iter().map(ToString::to_string).collect();
        let known =
            |value: fn(&Access) -> String| Field::new(access.map_or_else(String::new, value));
        SetupPage {
            frame: visit.frame("Set up machine", Section::Farm),
            url: format!("{node_url}/slices/{}/setup", slice.number),
            node_url,
            node_id: slice.node.to_string(),
            slice_id: slice.to_string(),
            rental_id: setup.rental.to_string(),
            needs_key: *state == JobState::NeedsKey,
            is_done: *state == JobState::Done,
            ssh_keys: ssh_keys.clone(),
            template: setup.template.clone(),
            ports: ports.join(", "),
            refund_at: state.is_owed().then(|| moment::to_the_minute(setup.refund_at)),
            address: known(|access| access.endpoint.address.clone()),
            port: access
                .map_or_else(|| Field::new("22"), |it| Field::new(it.endpoint.port.to_string())),
            user: access.map_or_else(|| Field::new("root"), |access| Field::new(&access.user)),
            host_keys: known(|access| access.host_keys.join("\n")),
            notes: known(|access| access.notes.clone().unwrap_or_default()),
            error: None,
        }
    }

    /// The same after nothing was saved: the form holds what was sent.
    #[must_use]
    pub(crate) fn refused(self, form: &Form, problem: &Problem) -> SetupPage {
        let [address, port, user, host_keys, notes] =
            FIELDS.map(|field| sent(form, field, &problem.fields));
        let error = error_above(problem, &FIELDS);
        SetupPage { address, port, user, host_keys, notes, error, ..self }
    }
}

/// The form of the page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SetupForm {
    rental_id: String,
    ssh_keys: Vec<String>,
    #[serde(rename = "access.address")]
    address: String,
    #[serde(rename = "access.port")]
    port: i64,
    #[serde(rename = "access.user")]
    user: String,
    #[serde(rename = "access.host_keys")]
    host_keys: String,
    #[serde(rename = "access.notes")]
    notes: Option<String>,
}

impl SetupForm {
    /// The body of the operation that does the same.
    pub(crate) fn body(self) -> ManualSetupBody {
        ManualSetupBody {
            rental_id: self.rental_id,
            ssh_keys: self.ssh_keys,
            access: AccessBody {
                address: self.address.trim().to_owned(),
                port: self.port,
                user: self.user.trim().to_owned(),
                host_keys: host_keys(&self.host_keys),
                console_url: None,
                console_secret: None,
                ports: Vec::new(),
                notes: self.notes,
            },
        }
    }
}

/// The host keys in what a farmer has pasted: the files of the machine, or what `ssh-keyscan` says,
/// which puts the host's name before each.
fn host_keys(pasted: &str) -> Vec<String> {
    let lines = pasted.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| {
            let is_kind = |word: &str| word.starts_with("ssh-") || word.starts_with("ecdsa-");
            match line.split_once(' ') {
                Some((host, key)) if !is_kind(host) && is_kind(key) => key.to_owned(),
                _ => line.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_keys_are_read_from_files_and_from_a_scan() {
        let pasted = "# 203.0.113.7:22 SSH-2.0-OpenSSH_10\n203.0.113.7 ssh-ed25519 AAAA1\n\n \
                      ecdsa-sha2-nistp256 AAAA2 root@host\nrubbish\n";
        let expected = ["ssh-ed25519 AAAA1", "ecdsa-sha2-nistp256 AAAA2 root@host", "rubbish"];
        assert_eq!(host_keys(pasted), expected);
    }
}
