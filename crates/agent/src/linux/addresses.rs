//! Addresses of machines' own. Each machine gets one of a list, which is added to an interface of
//! the server. QEMU listens there on ports of the driver's, because its user may use none below
//! 1024, and rules of nftables lead the machine's own ports to these.

use std::fmt::Write as _;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use ipnet::Ipv4Net;

use crate::drive::note;
use crate::linux::firewall::{self, PATH};
use crate::linux::qemu::SSH;
use crate::machine::{self, ADDRESS, Local, Machine};
use crate::protocol::{PublicPort, Reach, Transport};

/// The longest name of an interface, in bytes (netdevice(7)).
const INTERFACE_MAX: usize = 15;

/// The addresses that there are.
#[derive(Clone, Debug)]
pub(super) struct Addresses {
    ranges: Vec<RangeInclusive<u32>>,
    /// What they are added to, such as `eth0`.
    interface: String,
    /// What the table of nftables is called.
    table: String,
}

impl Addresses {
    /// Reads addresses, ranges such as `203.0.113.16-203.0.113.31`, and networks such as
    /// `203.0.113.16/28`, of which the first and the last address are left out. The server's own is
    /// none of them.
    pub(super) fn read(list: &[String], interface: &str, own: &str, table: u32) -> Result<Self> {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
        let is_name = (1..=INTERFACE_MAX).contains(&interface.len())
            && interface.bytes().all(is_plain)
            && !interface.starts_with('-');
        ensure!(is_name, "interface: the name of the one that `addresses` are added to");
        let read = |text: &String| read_range(text).with_context(|| format!("addresses: {text}"));
        let ranges: Vec<_> = list.iter().map(read).collect::<Result<_>>()?;
        if let Ok(own) = own.parse::<Ipv4Addr>() {
            let is_own = ranges.iter().any(|range| range.contains(&own.to_bits()));
            ensure!(!is_own, "addresses: {own} is the server's own, by `address`");
        }
        let table = format!("mycelium_{table}_addresses");
        Ok(Addresses { ranges, interface: interface.to_owned(), table })
    }

    /// Gives the machine one of its own, unless it has one. Two machines never have the same.
    pub(super) fn allot(&self, machine: &Machine, local: &Local) -> Result<()> {
        let all = self.ranges.iter().cloned().flatten();
        machine.allot(&local.state_folder, ADDRESS, all, |_| true).map(drop)
    }

    /// Sees to it that machines' addresses are the server's and that their ports lead to QEMU, also
    /// where somebody has removed that, such as a network or a firewall that was set up anew.
    pub(super) fn ensure(&self, local: &Local) -> Result<()> {
        // Nobody else's ports change meanwhile, or are set as they were before.
        let _lock = machine::lock_numbers(&local.state_folder)?;
        let present = self.present()?;
        let mut forwards = Vec::new();
        for folder in machine::folders(&local.state_folder)? {
            let Some(address) = machine::read_number(&folder.join(ADDRESS)) else { continue };
            let address = Ipv4Addr::from_bits(address);
            if !present.iter().any(|it| it.split('/').next() == Some(&address.to_string())) {
                self.ip("replace", address)?;
            }
            let ssh = machine::read_number(&folder.join(machine::PORT));
            let ssh = ssh.and_then(|port| port.try_into().ok()).map(ssh_port);
            let ports = ssh.into_iter().chain(machine::read_ports(&folder));
            forwards.extend(ports.map(|port| (address, port)));
        }
        firewall::load(&self.table, &rules(&mut forwards))
    }

    /// Takes the address of a machine that has ended away from it, and from the server.
    pub(super) fn release(&self, machine: &Machine, local: &Local) -> Result<()> {
        let _lock = machine::lock_numbers(&local.state_folder)?;
        let present = self.present()?;
        // It is in the other folder if a rebuild was cut off.
        for folder in [&machine.folder, &machine.successor(local)?] {
            let file = folder.join(ADDRESS);
            let Some(address) = machine::read_number(&file) else { continue };
            let address = Ipv4Addr::from_bits(address);
            // What somebody else has added is with its network.
            if present.contains(&format!("{address}/32")) {
                self.ip("delete", address)?;
            }
            fs::remove_file(&file).context("releasing an address")?;
        }
        Ok(())
    }

    /// The addresses of the interface, such as `203.0.113.9/32`.
    fn present(&self) -> Result<Vec<String>> {
        let mut command = Command::new("ip");
        command.args(["-4", "-oneline", "address", "show", "dev", &self.interface]);
        let listed = command.env_clear().env("PATH", PATH).output();
        let listed = listed.context("`ip` can't be started (package iproute2)")?;
        let said = String::from_utf8_lossy(&listed.stderr);
        ensure!(listed.status.success(), "interface {}: {}", self.interface, said.trim());
        let text = String::from_utf8_lossy(&listed.stdout);
        let address = |line: &str| {
            let mut words = line.split_whitespace().skip_while(|word| *word != "inet");
            words.nth(1).map(str::to_owned)
        };
        Ok(text.lines().filter_map(address).collect())
    }

    /// Adds an address to the interface, or takes it away.
    fn ip(&self, what: &str, address: Ipv4Addr) -> Result<()> {
        note(format_args!("ip address {what} {address}/32 dev {}", self.interface));
        let mut command = Command::new("ip");
        command.args(["address", what, &format!("{address}/32"), "dev", &self.interface]);
        machine::run(command.env_clear().env("PATH", PATH))
    }
}

/// The address of a machine's own, if it has one.
pub(super) fn address_of(machine: &Machine) -> Option<Ipv4Addr> {
    machine.allotted(ADDRESS).map(Ipv4Addr::from_bits)
}

/// How a machine is reached that has an address of its own: SSH at its usual port, and others at
/// their own numbers.
pub(super) fn own_reach(address: Ipv4Addr, reach: Reach) -> Reach {
    let own = |port: &PublicPort| PublicPort { public_port: port.port, ..*port };
    let ports = reach.ports.iter().map(own).collect();
    Reach { address: address.to_string(), port: SSH, ports, ..reach }
}

/// That of SSH, at a port of the driver's.
fn ssh_port(public_port: u16) -> PublicPort {
    PublicPort { protocol: Transport::Tcp, port: SSH, public_port }
}

fn read_range(text: &str) -> Result<RangeInclusive<u32>> {
    let address = |text: &str| -> Result<u32> {
        match text.trim().parse()? {
            IpAddr::V4(address) => Ok(address.to_bits()),
            IpAddr::V6(_) => bail!("QEMU's user network leads only IPv4 to a machine"),
        }
    };
    if text.contains('/') {
        address(text.split('/').next().unwrap_or_default())?;
        let hosts = text.parse::<Ipv4Net>()?.hosts();
        let (first, last) = hosts.clone().next().zip(hosts.last()).context("no address")?;
        return Ok(first.to_bits()..=last.to_bits());
    }
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (address(first)?, address(last)?);
    ensure!(first <= last, "the first address of a range comes first");
    Ok(first..=last)
}

/// The rules: what comes to a machine's port goes on to QEMU's, and nothing else of the server is
/// reached at machines' addresses.
fn rules(forwards: &mut Vec<(Ipv4Addr, PublicPort)>) -> String {
    forwards.sort_by_key(|(address, port)| (*address, port.public_port));
    forwards.dedup();
    let mut rules = "chain closed {\nreject with icmpx admin-prohibited\n}\n\
                     chain forwards {\n"
        .to_owned();
    let mut add = |rule: std::fmt::Arguments<'_>| {
        // A string takes all that is written to it.
        let _ = writeln!(rules, "{rule}");
    };
    for (address, PublicPort { protocol, port, public_port }) in forwards.iter() {
        let protocol = protocol.into_str();
        add(format_args!(
            "ip daddr {address} {protocol} dport {port} dnat ip to {address}:{public_port}"
        ));
    }
    // What comes from outside, and what the server itself sends, such as the agent's checks.
    for hook in ["prerouting", "output"] {
        add(format_args!("}}\nchain {hook} {{\ntype nat hook {hook} priority -100\njump forwards"));
    }
    add(format_args!("}}\nchain input {{\ntype filter hook input priority filter"));
    add(format_args!("ct state established,related accept\nct status dnat accept"));
    let mut addresses: Vec<_> = forwards.iter().map(|(address, _)| address).collect();
    addresses.dedup();
    for address in addresses {
        add(format_args!("ip daddr {address} icmp type echo-request accept"));
        add(format_args!("ip daddr {address} goto closed"));
    }
    rules.push_str("}\n");
    rules
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Barrier;
    use std::thread;

    use expect_test::expect;

    use super::*;

    fn local(folder: &Path) -> Local {
        Local {
            state_folder: folder.to_owned(),
            address: "198.51.100.7".to_owned(),
            bind: Ipv4Addr::LOCALHOST.into(),
            first_port: 22_000,
            ports: 8,
            first_public_port: 0,
            public_ports: 0,
        }
    }

    fn addresses(list: &[&str]) -> Result<Addresses> {
        let list: Vec<_> = list.iter().map(|&text| text.to_owned()).collect();
        Addresses::read(&list, "eth0", "198.51.100.7", 1_900_000_000)
    }

    /// The machine of a slice, which has its folder.
    fn machine(local: &Local, slice: u32) -> Machine {
        let machine = Machine::lock_named(local, &format!("node32_slice_{slice}.r{slice}"));
        let machine = machine.unwrap();
        machine.make().unwrap();
        machine
    }

    fn allot(addresses: &Addresses, local: &Local, slice: u32) -> Result<String> {
        let machine = machine(local, slice);
        addresses.allot(&machine, local)?;
        Ok(address_of(&machine).unwrap().to_string())
    }

    #[test]
    fn addresses_are_read() {
        let check = |list: &[&str], expected: Result<Vec<(&str, &str)>, &str>| {
            let found = addresses(list).map(|it| it.ranges).map_err(|error| format!("{error:#}"));
            match expected {
                Ok(expected) => {
                    let bits = |text: &str| text.parse::<Ipv4Addr>().unwrap().to_bits();
                    let ranges = expected.into_iter().map(|(a, b)| bits(a)..=bits(b));
                    assert_eq!(found.unwrap(), ranges.collect::<Vec<_>>());
                }
                Err(words) => assert!(found.as_ref().unwrap_err().contains(words), "{found:?}"),
            }
        };
        check(
            &["203.0.113.16/28", "203.0.113.40-203.0.113.41", "203.0.113.9", "192.0.2.1/32"],
            Ok(vec![
                ("203.0.113.17", "203.0.113.30"),
                ("203.0.113.40", "203.0.113.41"),
                ("203.0.113.9", "203.0.113.9"),
                ("192.0.2.1", "192.0.2.1"),
            ]),
        );
        check(&["2001:db8::/64"], Err("addresses: 2001:db8::/64: QEMU's user network leads only"));
        check(&["203.0.113.9-2001:db8::1"], Err("leads only IPv4"));
        check(&["203.0.113.9-203.0.113.8"], Err("the first address of a range comes first"));
        check(&["203.0.113.9/33"], Err("addresses: 203.0.113.9/33"));
        check(&["lan"], Err("invalid IP address"));
        check(&["198.51.100.0/24"], Err("198.51.100.7 is the server's own"));
        let list = ["203.0.113.9".to_owned()];
        for interface in ["", "-x", "eth0 up", "a23456789012345b"] {
            assert!(Addresses::read(&list, interface, "server.example", 1).is_err(), "{interface}");
        }
    }

    #[test]
    fn each_machine_has_an_address_of_its_own_for_as_long_as_it_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let (local, addresses) = (local(folder.path()), addresses(&["203.0.113.8/30"]).unwrap());
        let allot = |slice| allot(&addresses, &local, slice).map_err(|error| error.to_string());
        assert_eq!(allot(1), Ok("203.0.113.9".to_owned()));
        assert_eq!(allot(2), Ok("203.0.113.10".to_owned()));
        assert_eq!(allot(3), Err("no free address".to_owned()));
        assert_eq!(allot(1), Ok("203.0.113.9".to_owned()), "it keeps it");
        // It is made anew, and keeps it.
        machine(&local, 1).port(&local).unwrap();
        assert!(machine(&local, 1).empty(&local).unwrap());
        assert_eq!(allot(3), Err("no free address".to_owned()));
        assert_eq!(allot(1), Ok("203.0.113.9".to_owned()));
        // It is removed, and another one gets it.
        machine(&local, 1).wipe(&local).unwrap();
        assert_eq!(allot(3), Ok("203.0.113.9".to_owned()));
    }

    #[test]
    fn nobody_gets_the_address_of_a_machine_whose_rebuild_was_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let (local, addresses) = (local(folder.path()), addresses(&["203.0.113.9"]).unwrap());
        allot(&addresses, &local, 1).unwrap();
        let port = machine(&local, 1).port(&local).unwrap();
        // The folder that follows is ready, and the old one is gone already.
        let new = folder.path().join("new/node32_slice_1.r1");
        fs::create_dir_all(new.parent().unwrap()).unwrap();
        fs::rename(folder.path().join("m/node32_slice_1.r1"), &new).unwrap();
        assert!(allot(&addresses, &local, 2).is_err());
        assert_ne!(machine(&local, 2).port(&local).unwrap(), port);
        let again = Machine::lock_named(&local, "node32_slice_1.r1").unwrap();
        assert!(again.empty(&local).unwrap());
        assert_eq!(again.known_port(), Some(port));
        drop(again);
        assert_eq!(allot(&addresses, &local, 1).unwrap(), "203.0.113.9");
    }

    #[test]
    fn machines_that_are_made_at_once_get_different_addresses() {
        let folder = tempfile::tempdir().unwrap();
        let (local, addresses) = (local(folder.path()), addresses(&["203.0.113.0/24"]).unwrap());
        let barrier = Barrier::new(8);
        let allot = |slice| {
            barrier.wait();
            allot(&addresses, &local, slice).unwrap()
        };
        let mut given: Vec<_> = thread::scope(|scope| {
            let allot = &allot;
            let threads: Vec<_> = (1..=8).map(|slice| scope.spawn(move || allot(slice))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        given.sort();
        given.dedup();
        assert_eq!(given.len(), 8);
    }

    #[test]
    fn rules_lead_a_machines_own_ports_to_qemu() {
        let web = PublicPort { protocol: Transport::Udp, port: 443, public_port: 23_000 };
        let address = |last| Ipv4Addr::new(203, 0, 113, last);
        let mut forwards = vec![
            (address(10), ssh_port(22_001)),
            (address(9), web),
            (address(9), ssh_port(22_000)),
        ];
        expect![[r#"
            chain closed {
            reject with icmpx admin-prohibited
            }
            chain forwards {
            ip daddr 203.0.113.9 tcp dport 22 dnat ip to 203.0.113.9:22000
            ip daddr 203.0.113.9 udp dport 443 dnat ip to 203.0.113.9:23000
            ip daddr 203.0.113.10 tcp dport 22 dnat ip to 203.0.113.10:22001
            }
            chain prerouting {
            type nat hook prerouting priority -100
            jump forwards
            }
            chain output {
            type nat hook output priority -100
            jump forwards
            }
            chain input {
            type filter hook input priority filter
            ct state established,related accept
            ct status dnat accept
            ip daddr 203.0.113.9 icmp type echo-request accept
            ip daddr 203.0.113.9 goto closed
            ip daddr 203.0.113.10 icmp type echo-request accept
            ip daddr 203.0.113.10 goto closed
            }
        "#]]
        .assert_eq(&rules(&mut forwards));
    }
}
