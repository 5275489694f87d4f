//! A machine in the demo: rented for a renter whose key is in the data folder.

use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::farm::{self, AGENT};
use super::{Files, NODES, keep_token};
use crate::api::{Api, Caller};
use crate::process;
use crate::progress::Step;

/// The renter's private key; the public one is beside it.
const KEY_FILE: &str = "renter-key";

/// The renter's token.
const TOKEN_FILE: &str = "renter-token";

/// The id of the rental.
const RENTAL_FILE: &str = "rental";

/// The machine's host keys.
const KNOWN_HOSTS_FILE: &str = "known_hosts";

/// Marks the request to rent, so that the demo rents once.
const RENT_KEY: &str = "demo-machine";

/// How often the marketplace is asked whether the machine is ready.
const POLL_INTERVAL: Duration = Duration::from_millis(250);

/// How to log in to a machine that is ready.
pub(super) struct Login {
    /// What to type.
    pub(super) line: String,
}

/// Makes the renter's key pair and registers it.
pub(super) fn introduce(api: &Api, renter: Caller<'_>, files: &Files) -> Result<()> {
    if process::find_program("ssh-keygen").is_none() {
        // The farm says it when it is started.
        return Ok(());
    }
    let path = files.path(KEY_FILE);
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "demo", "-f"]).arg(&path);
    process::output(&mut keygen).context("making the renter's key")?;
    let public_key = files.read(&format!("{KEY_FILE}.pub"))?;
    let body = json!({ "name": "demo", "public_key": public_key.trim() });
    api.call("POST", "/api/account/ssh-keys", renter, &body)?;
    keep_token(api, renter, json!({ "scopes": ["read", "rent"] }), files, TOKEN_FILE)
}

/// Rents the machine, unless that was done, and waits until somebody can log in.
pub(super) fn rent(api: &Api, files: &Files, limit: Duration) -> Result<Login> {
    let mut step = Step::start("setting up a machine");
    let token = files.read(TOKEN_FILE)?;
    let renter = Caller::Token(&token);
    let rental = if files.has(RENTAL_FILE) {
        files.read(RENTAL_FILE)?
    } else {
        rent_slice(api, renter, files)?
    };
    let access = wait_for_access(api, renter, &rental, &mut step, limit)?;
    let known_hosts = text(&access, "known_hosts")?;
    let known_hosts = files.write(KNOWN_HOSTS_FILE, known_hosts)?;
    step.done();
    let line = login_line(text(&access, "command")?, &files.path(KEY_FILE), &known_hosts)?;
    Ok(Login { line })
}

fn rent_slice(api: &Api, renter: Caller<'_>, files: &Files) -> Result<String> {
    // A slice gets a machine if an agent has asked for jobs before it is rented. The farm's own has
    // just been started, so this asks in its name. There is no job yet that it could be given.
    let token = files.read(farm::TOKEN_FILE)?;
    let body = json!({ "agent": AGENT, "wait_seconds": 0 });
    api.call("POST", "/api/agent/jobs/lease", Caller::Token(&token), &body)?;
    let body = json!({ "node_id": format!("node{}", NODES[0].grid_node_id), "duration_months": 1 });
    let path = "/api/marketplace/rent-slice";
    let answer = api.call_once("POST", path, renter, &body, RENT_KEY)?;
    let rental = text(&answer.body["rental"], "id")?.to_owned();
    files.write(RENTAL_FILE, &rental)?;
    Ok(rental)
}

fn wait_for_access(
    api: &Api,
    renter: Caller<'_>,
    rental: &str,
    step: &mut Step,
    limit: Duration,
) -> Result<Value> {
    let path = format!("/api/rentals/{rental}/access");
    let end = Instant::now() + limit;
    loop {
        let mut body = api.call("GET", &path, renter, &Value::Null)?.body;
        let machine = body["machines"][0].take();
        match body["state"].as_str() {
            Some("ready") => return Ok(machine["access"].clone()),
            Some("setting-up") => {}
            _ => bail!("the rental {rental}: {}", text(&body, "detail")?),
        }
        let told = machine["steps"].as_array().and_then(|steps| steps.last()?["step"].as_str());
        step.note(told.unwrap_or("waiting for the agent"));
        if Instant::now() >= end {
            let reason = machine["reason"].as_str().unwrap_or("see agent.log in the data folder");
            bail!("the machine is not ready after {} seconds: {reason}", limit.as_secs());
        }
        thread::sleep(POLL_INTERVAL);
    }
}

/// The marketplace's line, with the demo's key, and with no other host than the machine.
fn login_line(command: &str, key: &Path, known_hosts: &Path) -> Result<String> {
    let rest = command.strip_prefix("ssh ").with_context(|| format!("not ssh: {command}"))?;
    Ok(format!(
        "ssh -i {} -o IdentitiesOnly=yes -o UserKnownHostsFile={} {rest}",
        key.display(),
        known_hosts.display()
    ))
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("there is no `{field}` in {value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_the_marketplaces_with_the_demos_files() {
        let line = login_line("ssh -p 22000 demo@127.0.0.1", Path::new("/d/k"), Path::new("/d/h"));
        let expected = "ssh -i /d/k -o IdentitiesOnly=yes -o UserKnownHostsFile=/d/h -p 22000 \
                        demo@127.0.0.1";
        assert_eq!(line.unwrap(), expected);
        assert!(login_line("rm -rf /", Path::new("/d/k"), Path::new("/d/h")).is_err());
    }
}
