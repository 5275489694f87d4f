//! `driver-linux` where machines have addresses of their own, in a network of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};

use crate::linux::{configured, first_user, output, qemu};
use crate::setup::{Farm, drive_logged, request};

/// A server in a network of its own, and somebody outside who reaches it, until this is dropped.
struct Network {
    server: String,
    outside: String,
}

impl Network {
    /// Nothing where networks can't be made.
    fn begin(number: &str) -> Option<Network> {
        let network =
            Network { server: format!("server{number}"), outside: format!("outside{number}") };
        let Network { server, outside } = &network;
        let lines = format!(
            "netns add {server}\nnetns add {outside}\n\
             link add wan netns {server} type veth peer name lan netns {outside}\n\
             -n {server} link set lo up\n-n {server} link set wan up\n\
             -n {server} address add 203.0.113.1/24 dev wan\n\
             -n {outside} link set lan up\n-n {outside} address add 203.0.113.2/24 dev lan"
        );
        let ip = |line: &str| Command::new("ip").args(line.split(' ')).status().unwrap().success();
        lines.lines().all(ip).then_some(network)
    }

    /// A command in one of them.
    fn enter(network: &str) -> Command {
        let mut command = Command::new("nsenter");
        command.arg(format!("--net=/var/run/netns/{network}"));
        command
    }

    /// Whether somebody answers there to each of both: the server itself, and who is outside.
    fn reach(&self, address: &str, port: u64) -> (bool, bool) {
        let line = format!("exec 3<>/dev/tcp/{address}/{port}");
        let reach = |from: &str| {
            let mut command = Network::enter(from);
            let command = command.args(["timeout", "5", "bash", "-c", &line]);
            command.stderr(Stdio::null()).status().unwrap().success()
        };
        (reach(&self.server), reach(&self.outside))
    }

    /// Takes away what the driver has set up, as the server's own end does.
    fn forget(&self) {
        let line = "ip address flush dev wan && ip address add 203.0.113.1/24 dev wan && \
                    nft flush ruleset";
        output(Network::enter(&self.server).args(["bash", "-c", line]));
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        for network in [&self.server, &self.outside] {
            // It may not have come to it.
            let _ = Command::new("ip").args(["netns", "delete", network]).status();
        }
    }
}

/// A farm with two addresses for machines.
struct Addressed {
    farm: Farm,
    config: PathBuf,
    /// The driver, in the server's network.
    driver: String,
    network: Network,
}

impl Addressed {
    /// Nothing for those who can add no addresses.
    fn begin() -> Option<Addressed> {
        let farm = Farm::new();
        let config = configured(&farm);
        let network = Network::begin(&first_user(&config)?.to_string())?;
        let driver = farm.path("driver-in-network");
        let line = format!(
            "#!/bin/sh\nexec nsenter --net=/var/run/netns/{} {} \"$@\"\n",
            network.server,
            env!("CARGO_BIN_EXE_driver-linux")
        );
        fs::write(&driver, line).unwrap();
        fs::set_permissions(&driver, fs::Permissions::from_mode(0o700)).unwrap();
        let driver = driver.display().to_string();
        let text = fs::read_to_string(&config).unwrap();
        let own = "addresses = ['203.0.113.8/30']\ninterface = 'wan'\n";
        fs::write(&config, format!("{text}{own}")).unwrap();
        Some(Addressed { farm, config, driver, network })
    }

    /// Asks for something of the machine on a slice, and answers the log as well.
    fn ask_logged(&self, action: &str, slice: u32, ports: &Value) -> (Value, String) {
        let keys = [self.farm.public_key("renter")];
        let mut request = request(action, &format!("r{slice}"), &keys);
        request["slice_id"] = json!(format!("node32_slice_{slice}"));
        request["ports"] = ports.clone();
        drive_logged(&self.driver, &self.config, &request)
    }

    fn ask(&self, action: &str, slice: u32, ports: &Value) -> Value {
        self.ask_logged(action, slice, ports).0
    }

    fn folder(&self, slice: u32) -> PathBuf {
        self.farm.path(&format!("d/m/node32_slice_{slice}.r{slice}"))
    }

    /// The server's own end: nothing is left but files.
    fn fail(&self, slices: &[u32]) {
        for slice in slices {
            kill_process(qemu(&self.folder(*slice)).unwrap().0, Signal::KILL).unwrap();
            while qemu(&self.folder(*slice)).is_some() {
                thread::sleep(Duration::from_millis(10));
            }
        }
        self.network.forget();
    }

    /// Whether an address is reached at a port, by its last number.
    fn reach(&self, address: u32, port: u64) -> (bool, bool) {
        self.network.reach(&format!("203.0.113.{address}"), port)
    }
}

/// What `reach` answers, of the server itself and of who is outside.
const OPEN: (bool, bool) = (true, true);
const CLOSED: (bool, bool) = (false, false);

fn web() -> Value {
    json!([{"protocol": "tcp", "port": 80}])
}

#[test]
fn each_machine_has_an_address_of_its_own_until_it_is_removed() {
    let Some(addressed) = Addressed::begin() else { return };
    let ask = |action: &str, slice, ports: Value| addressed.ask(action, slice, &ports);
    let reach = |address, port| addressed.reach(address, port);
    let one = ask("create", 1, web());
    assert_eq!((&one["address"], &one["port"]), (&json!("203.0.113.9"), &json!(22)), "{one}");
    let port = json!([{"protocol": "tcp", "port": 80, "public_port": 80}]);
    assert_eq!(one["ports"], port);
    assert_eq!(ask("create", 2, json!([]))["address"], "203.0.113.10");
    let three = ask("create", 3, json!([]));
    assert_eq!((&three["ok"], &three["retry"]), (&json!(false), &json!(true)), "{three}");
    assert_eq!(three["error"], "no free address");
    assert_eq!((reach(9, 22), reach(9, 80)), (OPEN, OPEN));
    assert_eq!((reach(10, 22), reach(10, 80)), (OPEN, CLOSED));
    // Nothing else of the server is reached there, such as the port that QEMU listens on.
    let inner = fs::read_to_string(addressed.folder(1).join("port")).unwrap();
    assert_eq!(reach(9, inner.parse().unwrap()), CLOSED);

    ask("set_ports", 2, web());
    ask("set_ports", 1, json!([]));
    assert_eq!((reach(9, 80), reach(10, 80)), (CLOSED, OPEN));
    let again = ask("rebuild", 1, web());
    assert_eq!((&again["address"], &again["ports"]), (&one["address"], &port), "{again}");
    assert_eq!(reach(9, 80), OPEN);

    // What is removed leaves its address to the next one.
    for _ in 0..2 {
        assert_eq!(ask("remove", 1, json!([]))["state"], "absent");
    }
    assert_eq!((reach(9, 22), reach(10, 22)), (CLOSED, OPEN));
    let listed = output(Network::enter(&addressed.network.server).args(["ip", "address"]));
    assert!(!listed.contains("203.0.113.9/32") && listed.contains("203.0.113.10/32"), "{listed}");
    assert_eq!(ask("create", 3, json!([]))["address"], "203.0.113.9");
    assert_eq!(reach(9, 22), OPEN);
    for slice in [2, 3] {
        assert_eq!(ask("remove", slice, json!([]))["state"], "absent");
    }
}

#[test]
fn addresses_are_there_again_after_the_servers_own_end_and_a_network_that_was_set_up_anew() {
    let Some(addressed) = Addressed::begin() else { return };
    let reach = |address, port| addressed.reach(address, port);
    for slice in [1, 2] {
        assert_eq!(addressed.ask("create", slice, &web())["state"], "running");
    }
    addressed.fail(&[1, 2]);
    assert_eq!(reach(9, 22), CLOSED);
    let start = || output(Command::new(&addressed.driver).arg(&addressed.config).arg("start"));
    assert_eq!(start(), "2 machines started\n");
    assert_eq!((reach(9, 22), reach(10, 22), reach(10, 80)), (OPEN, OPEN, OPEN));
    // Somebody sets the network up anew while they run.
    addressed.network.forget();
    assert_eq!(reach(9, 22), CLOSED);
    let status = addressed.ask("status", 1, &json!([]));
    assert_eq!((&status["state"], &status["address"]), (&json!("running"), &json!("203.0.113.9")));
    assert_eq!((reach(9, 22), reach(10, 80)), (OPEN, OPEN));
    let (_, log) = addressed.ask_logged("status", 2, &json!([]));
    assert!(!log.contains("ip address") && !log.contains("firewall"), "{log}");
    // The driver was killed in the middle of a rebuild, and then the machine is to be removed.
    addressed.fail(&[1]);
    fs::create_dir_all(addressed.farm.path("d/new")).unwrap();
    let new = addressed.farm.path("d/new/node32_slice_1.r1");
    fs::rename(addressed.folder(1), new).unwrap();
    assert_eq!(addressed.ask("status", 2, &json!([]))["state"], "running");
    for slice in [1, 2] {
        assert_eq!(addressed.ask("remove", slice, &json!([]))["state"], "absent");
    }
    let listed = output(Network::enter(&addressed.network.server).args(["ip", "address"]));
    assert!(!listed.contains("/32"), "{listed}");
}
