//! `cargo xtask up --demo`: the app on recorded grid documents, with somebody and something in it.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::{Api, Caller};
use crate::artifact::Programs;
use crate::progress::{Step, say};
use crate::secrets;
use crate::server::Server;
use crate::workspace::Workspace;

/// Says, in the data folder, that the demo was made.
const MADE: &str = "demo-made";

/// The one who offers the nodes.
const FARMER: &str = "farmer@demo.example";

/// Those who have money to rent them.
const RENTERS: [&str; 2] = ["ada@demo.example", "ben@demo.example"];

/// What each renter starts with, in US dollars.
const CREDIT_USD: &str = "250.00";

/// The nodes on offer: grid node ids of recorded documents with free capacity.
const NODES: [DemoNode; 3] = [
    DemoNode { grid_node_id: 32, name: "Alpine one", price_usd: "25.00", uptime: "99.5" },
    DemoNode { grid_node_id: 600, name: "Harbor rack", price_usd: "18.00", uptime: "99.0" },
    DemoNode { grid_node_id: 17, name: "Old mill", price_usd: "12.50", uptime: "98.0" },
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

/// Whether a data folder has the demo.
pub(crate) fn is_made(data: &Path) -> bool {
    data.join(MADE).exists()
}

/// Makes the demo's accounts and nodes, unless they are there.
pub(crate) fn create(url: &str, data: &Path, operator_token: &str) -> Result<()> {
    if is_made(data) {
        say("The demo already exists. Its passwords were printed when it was created.");
        return Ok(());
    }
    let mut step = Step::start("creating the demo");
    let api = Api::new(url);
    let mut accounts = Vec::new();
    for email in [FARMER].into_iter().chain(RENTERS) {
        step.note(email);
        accounts.push((email, sign_up(&api, email)?));
    }
    for email in RENTERS {
        let body = json!({ "email": email, "amount_usd": CREDIT_USD, "reason": "demo" });
        api.call("POST", "/api/admin/credits", Caller::Token(operator_token), &body)?;
    }
    let farmer = sign_in(&api, FARMER, &accounts[0].1)?;
    for node in &NODES {
        step.note(node.name);
        publish(&api, &farmer, node)?;
    }
    let mark = data.join(MADE);
    fs::write(&mark, "").with_context(|| format!("writing {}", mark.display()))?;
    step.done();
    say("Demo accounts (these passwords are not shown again):");
    for (email, password) in &accounts {
        say(&format!("  {email:<20} {password}"));
    }
    Ok(())
}

/// Makes an account; answers its password.
fn sign_up(api: &Api, email: &str) -> Result<String> {
    let password = secrets::random_secret()?;
    let body = json!({ "email": email, "password": password });
    let answer = api.ask("POST", "/api/account", Caller::Nobody, &body)?;
    match answer.status {
        200..300 => Ok(password),
        CONFLICT => bail!(
            "{email} already exists, but the demo is incomplete; start again with an empty --data \
             folder"
        ),
        status => bail!("signing up {email} answered {status}: {}", answer.reason()),
    }
}

/// Signs in; answers a bearer token.
fn sign_in(api: &Api, email: &str, password: &str) -> Result<String> {
    let body = json!({ "email": email, "password": password });
    let session = api.call("POST", "/api/account/sessions", Caller::Nobody, &body)?;
    let cookie = session.cookie.context("signing in set no cookie")?;
    let body = json!({ "name": "demo", "scopes": ["read", "farm"] });
    let answer = api.call("POST", "/api/account/tokens", Caller::Cookie(&cookie), &body)?;
    answer.text("token").map(str::to_owned)
}

/// Registers a node, sets its price and SLA, and publishes it.
fn publish(api: &Api, token: &str, node: &DemoNode) -> Result<()> {
    let caller = Caller::Token(token);
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
