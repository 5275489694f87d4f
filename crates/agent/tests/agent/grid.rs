//! `driver-tfgrid`, against a stand-in for the grid's HTTP server that is built from its documented
//! bodies: `POST /machines/deploy`, `/machines/get` and `/machines/delete`. The machine that it
//! makes is a real SSH server on this machine.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::extract::{Json, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use serde_json::{Value, json};

use crate::setup::{Farm, drive, log_in, request};

#[derive(Default)]
struct Grid {
    /// What was deployed, by name.
    deployed: Option<Value>,
    /// How often something was deployed.
    deployments: u32,
    /// What the node says of it.
    state: String,
    /// What every `deploy` is answered, although it works if it says that it exists already.
    refusal: Option<String>,
    /// Every name that was asked for.
    names: Vec<String>,
}

type Shared = Arc<Mutex<Grid>>;

fn refuse(said: &str) -> Response {
    (StatusCode::BAD_REQUEST, axum::Json(json!({"error": said}))).into_response()
}

async fn machines(
    State(grid): State<Shared>,
    Path(method): Path<String>,
    Json(body): Json<Value>,
) -> Response {
    let mut grid = grid.lock().unwrap();
    let name = body["name"].as_str().unwrap().to_owned();
    grid.names.push(name.clone());
    let is_there = grid.deployed.as_ref().is_some_and(|deployed| deployed["name"] == body["name"]);
    let result = match method.as_str() {
        "deploy" if is_there => {
            let said = "Another machine deployment with the same name";
            return refuse(&format!("{said} {name} already exists."));
        }
        "deploy" => {
            let refusal = grid.refusal.clone();
            if refusal.as_ref().is_none_or(|said| said.contains("already exists")) {
                grid.deployed = Some(body);
                grid.deployments += 1;
            }
            if let Some(said) = refusal {
                return refuse(&said);
            }
            let created = json!([{"contractId": 71, "twinId": 9}]);
            json!({"contracts": {"created": created, "updated": [], "deleted": []},
                   "wireguard_config": ""})
        }
        "get" if is_there => deployments(&grid.state),
        "get" => json!([]),
        "delete" => {
            grid.deployed = None;
            json!({"created": [], "updated": [], "deleted": [{"contractId": 71}]})
        }
        _ => return refuse("is not exposed"),
    };
    axum::Json(json!({"result": result})).into_response()
}

fn deployments(state: &str) -> Value {
    let result = |kind: &str, data: Value| {
        let message = if state == "error" { "no storage pool has room" } else { "" };
        json!({"version": 0, "name": "w", "type": kind, "data": {}, "metadata": "",
               "result": {"created": 1, "state": state, "message": message, "data": data}})
    };
    let machine = json!({"id": "9-71-vm", "ip": "10.249.2.2", "planetary_ip": "",
                         "mycelium_ip": "127.0.0.1", "console_url": "10.249.2.0:20002"});
    let workloads = [result("zmount", json!({"volume_id": "v"})), result("zmachine", machine)];
    json!([{"version": 0, "twin_id": 9, "contract_id": 71, "metadata": "", "description": "",
            "expiration": 0, "workloads": workloads}])
}

/// The grid, a machine of it, and the driver's configuration.
fn grid() -> (Shared, Farm, PathBuf) {
    let grid = Shared::default();
    "ok".clone_into(&mut grid.lock().unwrap().state);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let routes =
        Router::new().route("/machines/{method}", post(machines)).with_state(Arc::clone(&grid));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.unwrap().block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, routes).await.unwrap();
        });
    });
    let farm = Farm::new();
    let process = env!("CARGO_BIN_EXE_driver-process");
    let keys = [farm.public_key("renter")];
    let machine = drive(process, &farm.path("driver.toml"), &request("create", "vm", &keys));
    let config = farm.path("grid.toml");
    let text = format!(
        "server = 'http://{address}'\nstate_folder = '{}'\nssh_port = {}\nstart_seconds = 3\n",
        farm.path("g").display(),
        machine["port"]
    );
    fs::write(&config, text).unwrap();
    (grid, farm, config)
}

#[track_caller]
fn ask(farm: &Farm, config: &std::path::Path, action: &str) -> Value {
    let keys = [farm.public_key("renter")];
    drive(env!("CARGO_BIN_EXE_driver-tfgrid"), config, &request(action, "r1", &keys))
}

#[test]
fn a_machine_is_deployed_once_as_it_was_rented_and_deleted() {
    let (grid, farm, config) = grid();
    assert_eq!(ask(&farm, &config, "status"), json!({"ok": true, "state": "absent"}));
    let made = ask(&farm, &config, "create");
    assert_eq!(made["state"], "running", "{made}");
    assert_eq!(made["address"], "127.0.0.1");
    assert_eq!(made["user"], "root");
    assert_eq!(made["console_url"], "http://10.249.2.0:20002");
    let login = log_in(farm.folder.path(), &made, "renter", "nproc");
    assert!(login.status.success(), "the host keys are the machine's: {login:?}");
    assert_eq!(ask(&farm, &config, "create"), made, "once more changes nothing");
    let mut known = made.clone();
    known["can"] = json!(["console", "set-ports"]);
    assert_eq!(ask(&farm, &config, "status"), known);
    for action in ["start", "shutdown", "restart", "reset"] {
        let refused = ask(&farm, &config, action);
        assert_eq!((&refused["ok"], &refused["retry"]), (&json!(false), &json!(false)));
        assert!(refused["error"].as_str().unwrap().contains("has no calls"), "{refused}");
    }
    assert_eq!(ask(&farm, &config, "status"), known, "it stays as it is");
    assert_eq!(ask(&farm, &config, "console")["console_url"], "http://10.249.2.0:20002");
    // All ports are open at the machine's own address.
    let mut set = request("set_ports", "r1", &[]);
    set["ports"] = json!([{ "protocol": "udp", "port": 53 }]);
    let open = json!([{ "protocol": "udp", "port": 53, "public_port": 53 }]);
    assert_eq!(drive(env!("CARGO_BIN_EXE_driver-tfgrid"), &config, &set)["ports"], open);
    assert_eq!(ask(&farm, &config, "status")["ports"], open);
    {
        let grid = grid.lock().unwrap();
        assert_eq!(grid.deployments, 1);
        let deployed = grid.deployed.as_ref().unwrap();
        let machine = &deployed["machines"][0];
        assert_eq!(machine["node_id"], 32);
        assert_eq!(machine["cpu"], 1);
        assert_eq!(machine["memory"], 4096);
        assert_eq!(machine["rootfs_size"], 20);
        assert_eq!(machine["disks"][0]["size"], 180);
        assert_eq!(machine["disks"][0]["mountpoint"], "/data");
        assert_eq!(machine["mycelium"], true);
        assert_eq!(machine["public_ip"], false);
        assert_eq!(machine["env"]["SSH_KEY"], farm.public_key("renter").as_str());
        let plain =
            |text: &Value| text.as_str().unwrap().bytes().all(|b| b.is_ascii_alphanumeric());
        assert!(plain(&machine["name"]) && plain(&deployed["network"]["name"]));
        assert!(grid.names.iter().all(|name| *name == grid.names[0]));
    }
    assert_eq!(ask(&farm, &config, "remove"), json!({"ok": true, "state": "absent"}));
    assert!(grid.lock().unwrap().deployed.is_none());
    assert_eq!(ask(&farm, &config, "remove"), json!({"ok": true, "state": "absent"}));
    assert_eq!(ask(&farm, &config, "status"), json!({"ok": true, "state": "absent"}));
}

#[test]
fn refusals_of_the_grid_are_handed_on() {
    let (grid, farm, config) = grid();
    let check = |change: &dyn Fn(&mut Grid), words: &str, retry: bool| {
        change(&mut grid.lock().unwrap());
        let answer = ask(&farm, &config, "create");
        assert_eq!((&answer["ok"], &answer["retry"]), (&json!(false), &json!(retry)), "{answer}");
        assert!(answer["error"].as_str().unwrap().contains(words), "{answer}");
        ask(&farm, &config, "remove");
        assert!(grid.lock().unwrap().deployed.is_none(), "nothing is left");
    };
    let refused = |said: &'static str| move |grid: &mut Grid| grid.refusal = Some(said.to_owned());
    check(&refused("balance is not enough"), "balance is not enough", true);
    check(&refused("ValidationError: memory must be at least"), "ValidationError", false);
    let node_says = |state: &'static str| {
        move |grid: &mut Grid| {
            grid.refusal = None;
            state.clone_into(&mut grid.state);
        }
    };
    check(&node_says("error"), "the node refuses it: no storage pool has room", true);
    check(&node_says("init"), "its state is \"init\"", true);
}

#[test]
fn an_answer_that_was_lost_makes_no_second_machine() {
    let (grid, farm, config) = grid();
    grid.lock().unwrap().refusal = Some("Another … with the same name already exists.".to_owned());
    assert_eq!(ask(&farm, &config, "create")["state"], "running");
    assert_eq!(grid.lock().unwrap().deployments, 1);
}

#[test]
fn a_grid_that_is_away_may_come_back() {
    let (_, farm, config) = grid();
    let text = fs::read_to_string(&config).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let server = text.lines().next().unwrap();
    fs::write(&config, text.replace(server, &format!("server = 'http://{free}'"))).unwrap();
    for action in ["create", "remove", "status"] {
        let answer = ask(&farm, &config, action);
        assert_eq!((&answer["ok"], &answer["retry"]), (&json!(false), &json!(true)), "{answer}");
    }
    // The server asks nobody for a password: it is never somewhere else without TLS.
    fs::write(&config, text.replace(server, "server = 'http://grid.example:3000'")).unwrap();
    let answer = ask(&farm, &config, "status");
    assert!(answer["error"].as_str().unwrap().contains("loopback only"), "{answer}");
}
