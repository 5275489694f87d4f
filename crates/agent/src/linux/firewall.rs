//! What keeps machines from the server, its network and each other: rules of nftables for the users
//! that machines run as. What they open to the outside is let through, and so is what answers
//! somebody who has come to one of their ports.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use data_encoding::HEXLOWER;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use sha2::{Digest as _, Sha256};

use crate::drive::note;
use crate::linux::users::Users;

/// Networks that are nobody's in the internet: this server, its neighbors, and many at once.
const CLOSED: [&str; 19] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
    "::/96",
    "::ffff:0:0/96",
    "64:ff9b:1::/48",
    "100::/64",
    "2002::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
];

/// Where the server keeps whom it asks for names. QEMU asks the same for its machine.
const RESOLVERS: &str = "/etc/resolv.conf";

/// Where `nft` and `ip` are: the search path of a service often lacks administrators' folders.
pub(super) const PATH: &str = "/usr/sbin:/sbin:/usr/bin:/bin";

/// The rules for a range of users.
#[derive(Clone, Debug)]
pub(super) struct Firewall {
    users: Users,
    closed_v4: Vec<Ipv4Net>,
    closed_v6: Vec<Ipv6Net>,
}

impl Firewall {
    /// Closes these networks beyond those that are closed anyway.
    pub(super) fn new(users: Users, more: &[IpNet]) -> Firewall {
        let (mut closed_v4, mut closed_v6) = (Vec::new(), Vec::new());
        let own = CLOSED.iter().filter_map(|network| network.parse().ok());
        for network in own.chain(more.iter().copied()) {
            match network {
                IpNet::V4(network) => closed_v4.push(network),
                IpNet::V6(network) => closed_v6.push(network),
            }
        }
        // A set takes no network that is in another one.
        let (closed_v4, closed_v6) =
            (Ipv4Net::aggregate(&closed_v4), Ipv6Net::aggregate(&closed_v6));
        Firewall { users, closed_v4, closed_v6 }
    }

    /// Sees to it that the rules are there, and puts them back where somebody has removed them,
    /// such as a firewall that was loaded anew.
    pub(super) fn ensure(&self) -> Result<()> {
        load(&self.table(), &self.rules(&resolvers()))
    }

    /// The name of the table. Other ranges of users are other drivers'.
    fn table(&self) -> String {
        format!("mycelium_{}", self.users.first)
    }

    fn rules(&self, resolvers: &[IpAddr]) -> String {
        let mut rules = "chain closed {\nreject with icmpx admin-prohibited\n}\n\
                         chain machines {\nct state established,related accept\n"
            .to_owned();
        let mut add = |rule: std::fmt::Arguments<'_>| {
            // A string takes all that is written to it.
            let _ = writeln!(rules, "{rule}");
        };
        for resolver in resolvers {
            let family = if resolver.is_ipv4() { "ip" } else { "ip6" };
            for protocol in ["udp", "tcp"] {
                add(format_args!("{family} daddr {resolver} {protocol} dport 53 accept"));
            }
        }
        // Addresses of this server, public ones too, and so the ports of its machines.
        add(format_args!("fib daddr type {{ local, broadcast, anycast, multicast }} goto closed"));
        add(format_args!("ip daddr {{ {} }} goto closed", list(&self.closed_v4)));
        add(format_args!("ip6 daddr {{ {} }} goto closed", list(&self.closed_v6)));
        let Users { first, last } = self.users;
        add(format_args!("}}\nchain output {{\ntype filter hook output priority filter"));
        // What has no user, such as an answer of the system itself, does not match.
        add(format_args!("meta skuid {first}-{last} jump machines\n}}"));
        rules
    }
}

/// Loads a table with these rules, unless it is there.
pub(super) fn load(table: &str, rules: &str) -> Result<()> {
    let mark = HEXLOWER.encode(&Sha256::digest(rules)[..16]);
    let listed = nft().args(["list", "table", "inet", table]).output();
    let listed = listed.context("`nft` can't be started (package nftables)")?;
    if String::from_utf8_lossy(&listed.stdout).contains(&format!("comment \"{mark}\"")) {
        return Ok(());
    }
    note(format_args!("setting the firewall {table}"));
    // One transaction: there is no moment without rules.
    let text = format!(
        "table inet {table}\ndelete table inet {table}\n\
         table inet {table} {{\ncomment \"{mark}\"\n{rules}}}\n"
    );
    let child = nft().args(["-f", "-"]).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let mut child = child.context("starting `nft`")?;
    let mut stdin = child.stdin.take().context("`nft` has no stdin")?;
    stdin.write_all(text.as_bytes()).context("telling `nft` the rules")?;
    drop(stdin);
    let output = child.wait_with_output().context("waiting for `nft`")?;
    let said: String = String::from_utf8_lossy(&output.stderr).chars().take(500).collect();
    ensure!(output.status.success(), "`nft` exited with {}: {}", output.status, said.trim());
    Ok(())
}

fn nft() -> Command {
    let mut command = Command::new("nft");
    command.env_clear().env("PATH", PATH).stdin(Stdio::null());
    command
}

fn list(networks: &[impl ToString]) -> String {
    networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(",\n")
}

/// Whom this server asks for names.
fn resolvers() -> Vec<IpAddr> {
    let text = fs::read_to_string(RESOLVERS).unwrap_or_default();
    let lines = text.lines().filter_map(|line| line.trim().strip_prefix("nameserver"));
    lines.filter_map(|address| address.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn rules_are_for_machines_only() {
        let users = Users::new(1_900_000_000, 64).unwrap();
        let more = ["203.0.113.7/32", "10.1.0.0/16", "2001:db8::/32"];
        let more: Vec<IpNet> = more.iter().map(|network| network.parse().unwrap()).collect();
        let firewall = Firewall::new(users, &more);
        expect![[r"
            chain closed {
            reject with icmpx admin-prohibited
            }
            chain machines {
            ct state established,related accept
            ip daddr 192.168.1.1 udp dport 53 accept
            ip daddr 192.168.1.1 tcp dport 53 accept
            fib daddr type { local, broadcast, anycast, multicast } goto closed
            ip daddr { 0.0.0.0/8,
            10.0.0.0/8,
            100.64.0.0/10,
            127.0.0.0/8,
            169.254.0.0/16,
            172.16.0.0/12,
            192.0.0.0/24,
            192.168.0.0/16,
            198.18.0.0/15,
            203.0.113.7/32,
            224.0.0.0/3 } goto closed
            ip6 daddr { ::/96,
            ::ffff:0.0.0.0/96,
            64:ff9b:1::/48,
            100::/64,
            2001:db8::/32,
            2002::/16,
            fc00::/7,
            fe80::/9,
            ff00::/8 } goto closed
            }
            chain output {
            type filter hook output priority filter
            meta skuid 1900000000-1900000063 jump machines
            }
        "]]
        .assert_eq(&firewall.rules(&["192.168.1.1".parse().unwrap()]));
    }
}
