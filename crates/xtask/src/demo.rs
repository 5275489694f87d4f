//! `cargo xtask up --demo`: the app on recorded grid documents, with somebody and something in it,
//! and machines to log in to.

mod farm;
mod machine;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::{Api, Caller};
use crate::artifact::{FarmPrograms, Programs};
use crate::demo::farm::Farm;
use crate::demo::machine::Login;
use crate::progress::Step;
use crate::secrets;
use crate::server::Server;
use crate::workspace::Workspace;

/// Says, in the data folder, that the demo was made.
const MADE: &str = "demo-made";

/// The one who offers the nodes.
const FARMER: &str = "farmer@demo.example";

/// Those who have money to rent them.
const RENTERS: [&str; 2] = ["ada@demo.example", "ben@demo.example"];

/// The renter who has a machine and a key to log in with.
const RENTER: &str = RENTERS[0];

/// What each renter starts with, in US dollars.
const CREDIT_USD: &str = "250.00";

/// The farm of all nodes.
const FARM_ID: u32 = 2997;

/// The nodes on offer: grid node ids of recorded documents with free capacity.
const NODES: [DemoNode; 3] = [
    DemoNode { grid_node_id: 32, name: "Alpine one", price_usd: "25.00", uptime: "99.5" },
    DemoNode { grid_node_id: 600, name: "Harbor rack", price_usd: "18.00", uptime: "99.0" },
    DemoNode { grid_node_id: 7001, name: "Old mill", price_usd: "12.50", uptime: "98.0" },
];

/// The status of an answer that says that something exists already.
const CONFLICT: u16 = 409;

struct DemoNode {
    grid_node_id: u32,
    name: &'static str,
    /// For one slice and month.
    price_usd: &'static str,
    /// The SLA, in percent.
    uptime: &'static str,
}

/// The stand-in for the grid's server, running.
pub(crate) struct Grid {
    pub(crate) url: String,
    _server: Server,
}

/// Starts the stand-in on its recorded documents.
pub(crate) fn start_grid(workspace: &Workspace, programs: &Programs) -> Result<Grid> {
    let mut command = Command::new(&programs.gridproxy);
    command.current_dir(workspace.root());
    let (server, addresses) =
        Server::start("the grid's stand-in", &mut command, "gridproxy on ", |_| ())?;
    let url = addresses.split(',').next().unwrap_or_default().to_owned();
    Ok(Grid { url, _server: server })
}

/// Whether a line of the host's is only about an agent that asks, every few seconds, and is
/// answered: such lines would push away how to log in.
pub(crate) fn is_noise(line: &str) -> bool {
    line.starts_with("[provisioner] ") && line.contains(" /api/agent/") && line.contains(" 20")
}

/// Whether a data folder has the demo.
pub(crate) fn is_made(data: &Path) -> bool {
    data.join(MADE).exists()
}

/// The demo, with all that is running for it.
pub(crate) struct Demo {
    accounts: Vec<Account>,
    /// The farm, and how to log in to the renter's machine.
    machines: Result<(Farm, Result<Login>)>,
}

impl Demo {
    /// Makes the demo's accounts and nodes, unless they are there, and starts its farm.
    pub(crate) fn start(
        workspace: &Workspace,
        programs: &FarmPrograms,
        url: &str,
        data: &Path,
        operator_token: &str,
    ) -> Result<Demo> {
        let api = Api::new(url);
        let files = Files(data.join("demo"));
        let accounts =
            if is_made(data) { Vec::new() } else { create(&api, data, &files, operator_token)? };
        let machines = Farm::start(workspace, programs, url, &files).map(|farm| {
            let login = machine::rent(&api, &files, farm.ready_limit());
            (farm, login)
        });
        Ok(Demo { accounts, machines })
    }

    /// Who there is, and how to log in.
    pub(crate) fn summary(&self) -> String {
        let accounts = if self.accounts.is_empty() {
            "The demo's passwords were printed when it was created.".to_owned()
        } else {
            let row = |account: &Account| format!("\n  {:<20} {}", account.email, account.password);
            let rows: String = self.accounts.iter().map(row).collect();
            format!("Demo accounts (these passwords are not shown again):{rows}")
        };
        let machine = match &self.machines {
            Ok((farm, Ok(login))) => {
                let what = farm.description();
                format!("{RENTER} has a machine, {what}. To log in:\n  {}", login.line)
            }
            Ok((_, Err(error))) => format!("The demo has machines, but not {RENTER}: {error:#}"),
            Err(error) => format!("The demo goes on without machines: {error:#}"),
        };
        format!("{accounts}\n{machine}")
    }
}

/// Where the demo keeps what is its own.
struct Files(PathBuf);

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    fn has(&self, name: &str) -> bool {
        self.path(name).exists()
    }

    fn read(&self, name: &str) -> Result<String> {
        let path = self.path(name);
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }

    /// Writes a file that its owner alone reads.
    fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.path(name);
        let mut options = OpenOptions::new();
        let opened = options.write(true).create(true).truncate(true).mode(0o600).open(&path);
        opened
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .with_context(|| format!("writing {}", path.display()))?;
        Ok(path)
    }
}

/// A new account, signed in.
struct Account {
    email: &'static str,
    password: String,
    cookie: String,
}

fn create(api: &Api, data: &Path, files: &Files, operator_token: &str) -> Result<Vec<Account>> {
    let mut step = Step::start("creating the demo");
    fs::create_dir_all(&files.0).with_context(|| format!("creating {}", files.0.display()))?;
    let mut accounts = Vec::new();
    for email in [FARMER].into_iter().chain(RENTERS) {
        step.note(email);
        accounts.push(sign_up(api, email)?);
    }
    for email in RENTERS {
        let body = json!({ "email": email, "amount_usd": CREDIT_USD, "reason": "demo" });
        api.call("POST", "/api/admin/credits", Caller::Token(operator_token), &body)?;
    }
    let farmer = Caller::Cookie(&accounts[0].cookie);
    for node in &NODES {
        step.note(node.name);
        publish(api, farmer, node)?;
    }
    // An operator's word, for the demo's farmer has no key of the farm.
    let body = json!({ "email": FARMER, "reason": "demo" });
    let path = format!("/api/admin/farms/{FARM_ID}");
    api.call("POST", &path, Caller::Token(operator_token), &body)?;
    farm::introduce(api, farmer, files)?;
    machine::introduce(api, Caller::Cookie(&accounts[1].cookie), files)?;
    let mark = data.join(MADE);
    fs::write(&mark, "").with_context(|| format!("writing {}", mark.display()))?;
    step.done();
    Ok(accounts)
}

/// Makes an account.
fn sign_up(api: &Api, email: &'static str) -> Result<Account> {
    let password = secrets::random_secret()?;
    let body = json!({ "email": email, "password": password });
    let answer = api.ask("POST", "/api/account", Caller::Nobody, &body)?;
    match answer.status {
        200..300 => {
            let cookie = answer.cookie.context("signing up set no cookie")?;
            Ok(Account { email, password, cookie })
        }
        CONFLICT => bail!(
            "{email} already exists, but the demo is incomplete; start again with an empty --data \
             folder"
        ),
        status => bail!("signing up {email} answered {status}: {}", answer.reason()),
    }
}

/// Makes an API token of an account, and keeps it in a file.
fn keep_token(
    api: &Api,
    caller: Caller<'_>,
    mut body: Value,
    files: &Files,
    name: &str,
) -> Result<()> {
    body["name"] = "demo".into();
    let answer = api.call("POST", "/api/account/tokens", caller, &body)?;
    files.write(name, answer.text("token")?).map(drop)
}

/// Registers a node, sets its price and SLA, and publishes it.
fn publish(api: &Api, caller: Caller<'_>, node: &DemoNode) -> Result<()> {
    let body = json!({ "grid_node_id": node.grid_node_id });
    let registered = api.call("POST", "/api/farm/nodes", caller, &body)?;
    let path = format!("/api/farm/nodes/{}", path_segment(&registered.body)?);
    let body = json!({
        "name": node.name,
        "price_per_month": node.price_usd,
        "min_uptime": node.uptime,
        "min_bandwidth_mbps": 100,
    });
    api.call("PATCH", &path, caller, &body)?;
    api.call("POST", &format!("{path}/publish"), caller, &json!({}))?;
    Ok(())
}

/// The id of a node as the app answered it.
fn path_segment(node: &Value) -> Result<String> {
    match &node["id"] {
        Value::String(id) => Ok(id.clone()),
        Value::Number(id) => Ok(id.to_string()),
        _ => bail!("the node has no `id`: {node}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_agent_asks_is_noise_unless_it_is_refused() {
        let line =
            "[provisioner] POST /api/agent/jobs/lease 204 - 18ms 01a22add-9b40-72e9-be82-2931";
        assert!(is_noise(line));
        assert!(!is_noise(&line.replace(" 204 ", " 401 ")));
        assert!(!is_noise(&line.replace("[provisioner]", "[account]")));
        assert!(!is_noise("[rent-slice] GET /api/rentals/{rental}/access 200 - 7ms 01a22add-9f28"));
    }
}
