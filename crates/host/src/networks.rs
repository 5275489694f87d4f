//! Networks that components must not reach, whatever the manifest allows: `block_networks` in the
//! runtime configuration, as Spin has it.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use anyhow::{Context, Result, bail};
use ipnet::IpNet;
use toml::{Table, Value};

/// The word for every network that is not of the public internet.
const PRIVATE: &str = "private";

/// Networks that are refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct BlockedNetworks {
    /// Every address that is not of the public internet.
    is_private_blocked: bool,
    networks: Vec<IpNet>,
}

impl BlockedNetworks {
    /// Whatever is not of the public internet.
    pub(crate) fn private() -> BlockedNetworks {
        BlockedNetworks { is_private_blocked: true, networks: Vec::new() }
    }

    /// Reads `[outbound_networking] block_networks` of a runtime configuration. This host knows no
    /// other key of it, and says which one it does not.
    pub(crate) fn read(file: &Path) -> Result<BlockedNetworks> {
        let place = || format!("the runtime configuration {}", file.display());
        let text = std::fs::read_to_string(file).with_context(place)?;
        BlockedNetworks::parse(&text).with_context(place)
    }

    fn parse(text: &str) -> Result<BlockedNetworks> {
        let mut blocked = BlockedNetworks::default();
        for (name, value) in text.parse::<Table>()? {
            let Value::Table(section) = value else { bail!("`{name}` is not known here") };
            if name != "outbound_networking" {
                bail!("[{name}] is not known to this host");
            }
            for (key, value) in section {
                if key != "block_networks" {
                    bail!("[outbound_networking]: `{key}` is not known to this host");
                }
                let Value::Array(networks) = value else { bail!("`{key}` must be an array") };
                for network in networks {
                    blocked.add(network.as_str().unwrap_or_default())?;
                }
            }
        }
        Ok(blocked)
    }

    fn add(&mut self, network: &str) -> Result<()> {
        if network == PRIVATE {
            self.is_private_blocked = true;
        } else {
            let wrong =
                || format!("`{network}`: expected a network such as 10.0.0.0/8, or private");
            let network: IpNet = network.parse().with_context(wrong)?;
            self.networks.push(network.trunc());
        }
        Ok(())
    }

    /// The same, and the networks of another list.
    pub(crate) fn and(mut self, other: BlockedNetworks) -> BlockedNetworks {
        self.is_private_blocked |= other.is_private_blocked;
        self.networks.extend(other.networks);
        self
    }

    /// Whether an address is refused. One of IPv4 in the clothes of IPv6 is what it is inside.
    pub(crate) fn blocks(&self, ip: IpAddr) -> bool {
        let inner = ip.to_canonical();
        let is_listed = self.networks.iter().any(|net| net.contains(&ip) || net.contains(&inner));
        is_listed || (self.is_private_blocked && !is_public(inner))
    }
}

/// Whether an address is one of the public internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => {
            if let Some(mapped) = ip.to_ipv4_mapped() {
                return is_public_v4(mapped);
            }
            let [first, second, ..] = ip.segments();
            // Only 2000::/3 is handed out (IANA, "IPv6 Global Unicast Address Assignments"); of
            // it, 2001:db8::/32 is for documents, and 2002::/16 and Teredo's 2001::/32 carry an
            // IPv4 address.
            let is_carrier = first == 0x2002 || (first == 0x2001 && second == 0);
            first & 0xe000 == 0x2000 && !is_carrier && !(first == 0x2001 && second == 0x0db8)
        }
    }
}

/// RFC 6890: what is for one machine, one network, documents or nothing yet is not public.
fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [first, second, third, _] = ip.octets();
    let is_special = ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_documentation()
        || first == 0
        || (first == 100 && (64..128).contains(&second))
        || (first == 192 && second == 0 && third == 0)
        || (first == 198 && (18..20).contains(&second))
        || first >= 224;
    !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for ip in ["1.1.1.1", "185.206.122.1", "100.128.0.1", "2a10:b600::1", "2606:4700::1111"] {
            assert!(is_public(ip.parse().unwrap()), "{ip}");
        }
        for ip in [
            "127.0.0.1",
            "127.8.8.8",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.100.100.200",
            "192.0.0.192",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "::ffff:169.254.169.254",
            "::127.0.0.1",
            "fd00:ec2::254",
            "fe80::1",
            "ff02::1",
            "64:ff9b::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(ip.parse().unwrap()), "{ip}");
        }
    }

    #[track_caller]
    fn check(config: &str, blocked: &[&str], open: &[&str]) {
        let networks = BlockedNetworks::parse(config).unwrap();
        for ip in blocked {
            assert!(networks.blocks(ip.parse().unwrap()), "{ip} with {config}");
        }
        for ip in open {
            assert!(!networks.blocks(ip.parse().unwrap()), "{ip} with {config}");
        }
    }

    #[test]
    fn networks_are_refused_as_the_runtime_configuration_says() {
        check("", &[], &["127.0.0.1", "1.1.1.1"]);
        check("[outbound_networking]", &[], &["127.0.0.1"]);
        check("[outbound_networking]\nblock_networks = []", &[], &["127.0.0.1"]);
        check(
            "[outbound_networking]\nblock_networks = [\"1.1.1.1/32\", \"8.8.8.8/16\", \"private\"]",
            &["1.1.1.1", "8.8.0.1", "::ffff:8.8.4.4", "127.0.0.1", "fd00::1", "169.254.169.254"],
            &["1.1.1.2", "8.9.0.1", "2606:4700::1111"],
        );
        check(
            "[outbound_networking]\nblock_networks = [\"127.0.0.0/8\", \"2a00::/16\"]",
            &["127.9.9.9", "::ffff:127.0.0.1", "2a00::1"],
            &["10.0.0.1", "::1", "2a01::1"],
        );
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (config, words) in [
            ("[sqlite_database.default]\ntype = \"libsql\"", "[sqlite_database]"),
            ("state_dir = \"x\"", "`state_dir`"),
            ("[outbound_networking]\nmax_total_connections = 5", "`max_total_connections`"),
            ("[outbound_networking]\nblock_networks = \"private\"", "must be an array"),
            ("[outbound_networking]\nblock_networks = [\"home\"]", "`home`: expected a network"),
            ("[outbound_networking]\nblock_networks = [7]", "expected a network"),
            ("[outbound_networking", "TOML parse error"),
        ] {
            let error = format!("{:#}", BlockedNetworks::parse(config).unwrap_err());
            assert!(error.contains(words), "{config}: {error}");
        }
    }

    #[test]
    fn two_lists_refuse_what_either_does() {
        let one = BlockedNetworks::parse("[outbound_networking]\nblock_networks=[\"1.1.1.1/32\"]");
        let both = one.unwrap().and(BlockedNetworks::private());
        assert!(both.blocks("1.1.1.1".parse().unwrap()) && both.blocks("::1".parse().unwrap()));
    }
}
