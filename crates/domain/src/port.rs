//! Further ports of machines: what renters open beside SSH, and where that is reached.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::field::FieldError;

/// The most ports of a machine beside that of SSH.
pub const PORTS_MAX: usize = 10;

const SSH: Port = Port { transport: Transport::Tcp, number: 22 };

/// What a port is of.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    strum::EnumString,
    strum::IntoStaticStr,
    strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
}

/// A port in a machine: `80/tcp`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// TCP or UDP.
    pub transport: Transport,
    /// Its number, at least 1.
    pub number: u16,
}

impl Port {
    /// Reads a port of JSON; `None` if there is no such port.
    pub fn read(protocol: &str, number: i64) -> Option<Port> {
        let number = u16::try_from(number).ok().filter(|number| *number > 0)?;
        Some(Port { transport: protocol.parse().ok()?, number })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.transport.into_str())
    }
}

/// The text is no port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoPort;

impl FromStr for Port {
    type Err = NoPort;

    /// Reads `80`, `80/tcp` or `53/udp`.
    fn from_str(text: &str) -> Result<Port, NoPort> {
        let (number, transport) = text.split_once('/').unwrap_or((text, "tcp"));
        let is_plain = number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|number| is_plain && *number > 0);
        let transport = transport.to_ascii_lowercase().parse();
        Ok(Port { transport: transport.map_err(|_| NoPort)?, number: number.ok_or(NoPort)? })
    }
}

/// A port in a machine, and where it is reached from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicPort {
    /// In the machine.
    pub port: Port,
    /// Its number at the machine's address.
    pub public: u16,
}

/// Checks the ports that a renter wants, and puts them in order.
pub fn check_ports(field: &'static str, ports: &[Port]) -> Result<Vec<Port>, FieldError> {
    let mut sorted = ports.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    if sorted.len() > PORTS_MAX {
        return Err(FieldError::new(field, "at most 10 ports"));
    }
    if sorted.contains(&SSH) {
        return Err(FieldError::new(field, "ports other than 22/tcp, which is reachable as SSH"));
    }
    Ok(sorted)
}

/// Reads the ports of a form: `80, 443, 51820/udp`. The text may be empty.
pub fn parse_ports(field: &'static str, text: &str) -> Result<Vec<Port>, FieldError> {
    let words = text.split([',', ' ', '\t', '\r', '\n']).filter(|word| !word.is_empty());
    let ports: Result<Vec<Port>, NoPort> = words.map(str::parse).collect();
    let rule = "numbers from 1 to 65535, separated by commas, such as 80, 443, 51820/udp";
    check_ports(field, &ports.map_err(|NoPort| FieldError::new(field, rule))?)
}

/// Ports as a form shows them: `80, 443, 51820/udp`.
pub fn ports_text(ports: &[Port]) -> String {
    let text = |port: &Port| match port.transport {
        Transport::Tcp => port.number.to_string(),
        Transport::Udp => port.to_string(),
    };
    ports.iter().map(text).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<String, String> {
        let ports = parse_ports("ports", text).map_err(|error| error.rule)?;
        Ok(ports_text(&ports))
    }

    #[test]
    fn ports_are_read_as_people_write_them() {
        let check = |text: &str, expected: &str| assert_eq!(read(text).as_deref(), Ok(expected));
        check("", "");
        check(" 443,80 ", "80, 443");
        check("51820/udp 80/tcp,80\n", "80, 51820/udp");
        check("53/UDP,53", "53, 53/udp");
    }

    #[test]
    fn wrong_ports_are_refused() {
        let check = |text: &str, words: &str| {
            let rule = read(text).unwrap_err();
            assert!(rule.starts_with(words), "{text}: {rule}");
        };
        for text in ["0", "65536", "-1", "+80", "80/sctp", "80/", "/tcp", "http", "80;443", "8O"] {
            check(text, "numbers from 1");
        }
        check("22", "ports other than 22/tcp");
        check("1 2 3 4 5 6 7 8 9 10 11", "at most 10");
        assert!(read("22/udp").is_ok() && read("1 2 3 4 5 6 7 8 9 10 10").is_ok());
    }

    proptest! {
        #[test]
        fn every_port_is_read_as_it_is_written(number in 1..=u16::MAX, is_tcp: bool) {
            let transport = if is_tcp { Transport::Tcp } else { Transport::Udp };
            let port = Port { transport, number };
            prop_assert_eq!(port.to_string().parse(), Ok(port));
        }
    }
}
