//! SSH: the public keys of renters, and how a machine is reached. What is read here goes into lines
//! that people paste into shells, so that each part has a list of what may be in it.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv6Addr};

use ssh_key::public::KeyData;
use ssh_key::{HashAlg, PublicKey};

use crate::field::FieldError;
use crate::port::{PORTS_MAX, Port, PublicPort};
use crate::text::parse_line;

/// The most keys of an account.
pub const KEYS_MAX: u32 = 20;
/// The longest key that is read, in bytes: RSA with 16,384 bits.
const KEY_BYTES_MAX: usize = 4_096;
/// The fewest bits of an RSA key: some programs make one bit less than they are asked for.
const RSA_BITS_MIN: u32 = 2_047;
/// The most words that the base64 of a key may be broken into.
const WORDS_MAX: usize = 100;
/// Around a key in the form of RFC 4716.
const RFC4716: [&str; 2] = ["---- BEGIN SSH2 PUBLIC KEY ----", "---- END SSH2 PUBLIC KEY ----"];
/// The kinds of keys, whose names the form of RFC 4716 leaves out.
const KINDS: [&str; 8] = [
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "ssh-rsa",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
    "ssh-dss",
];
/// The most characters of a key's name and of its comment.
const NAME_CHARS_MAX: usize = 80;
/// The most host keys of a machine.
const HOST_KEYS_MAX: usize = 8;
/// The most characters of notes on a machine.
const NOTES_CHARS_MAX: usize = 1_000;
/// The longest address of a console, in bytes.
const CONSOLE_BYTES_MAX: usize = 500;

/// What an access calls the parts of an endpoint.
const FIELDS: EndpointFields =
    EndpointFields { address: "access.address", port: "access.port", ports: "access.ports" };

/// A public key in OpenSSH's form, parsed and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshKey {
    /// One line: its kind, its bytes in base64, and the comment, if there is one.
    pub line: String,
    /// `SHA256:…`, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// What its maker calls it; may be empty.
    pub comment: String,
}

impl SshKey {
    /// Reads a public key that somebody registers.
    pub fn parse(field: &'static str, text: &str) -> Result<SshKey, FieldError> {
        read(text).map_err(|rule| FieldError::new(field, rule))
    }
}

const PRIVATE: &str = "a public key. This looks like a PRIVATE key, which only you should have. \
                       It was not saved; create a new key pair and send the .pub file";
const FORM: &str = "one public key in OpenSSH format, such as ssh-ed25519 AAAA… you@laptop";

fn read(text: &str) -> Result<SshKey, &'static str> {
    // Editors put a byte order mark before it.
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.contains("PRIVATE KEY") || text.starts_with("PuTTY-User-Key-File") {
        return Err(PRIVATE);
    }
    if text.len() > KEY_BYTES_MAX {
        return Err("a public key of at most 4,096 characters");
    }
    let key = if text.starts_with(RFC4716[0]) { read_rfc4716(text)? } else { read_line(text)? };
    check_kind(key.key_data())?;
    let comment: String =
        key.comment().chars().filter(|c| is_plain(*c)).take(NAME_CHARS_MAX).collect();
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let bare = PublicKey::new(key.key_data().clone(), "").to_openssh().map_err(|_| FORM)?;
    let line = format!("{} {comment}", bare.trim_end()).trim_end().to_string();
    Ok(SshKey { line, fingerprint, comment })
}

/// Reads a key as `ssh-keygen` writes it, whatever white space is between its parts, and if its
/// base64 was wrapped on the way here.
fn read_line(text: &str) -> Result<PublicKey, &'static str> {
    let is_kind = |line: &str| ["ssh-", "ecdsa-", "sk-"].iter().any(|kind| line.starts_with(kind));
    if text.lines().skip(1).any(|line| is_kind(line.trim_start())) {
        return Err("one key on one line; add keys one at a time");
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    if !is_kind(text) && words.iter().any(|word| is_kind(word)) {
        return Err("a key without options; start with its type, such as ssh-ed25519");
    }
    let (kind, rest) = words.split_first().ok_or(FORM)?;
    // Only the whole base64 is a key: what follows is the comment.
    let key = |count: usize| {
        let (base64, comment) = rest.split_at_checked(count)?;
        let line = format!("{kind} {} {}", base64.concat(), comment.join(" "));
        PublicKey::from_openssh(line.trim_end()).ok()
    };
    (1..=WORDS_MAX.min(rest.len())).find_map(key).ok_or(FORM)
}

/// Reads a key in the form of RFC 4716, as `PuTTY` exports it.
fn read_rfc4716(text: &str) -> Result<PublicKey, &'static str> {
    let [begin, end] = RFC4716;
    let inner = text.strip_prefix(begin).and_then(|text| text.split_once(end));
    let (inner, _) = inner.filter(|(_, after)| after.trim().is_empty()).ok_or(FORM)?;
    let (mut base64, mut comment, mut is_continued) = (String::new(), "", false);
    for line in inner.lines().map(str::trim) {
        let header = line.split_once(':');
        match header {
            Some((name, value)) if name.eq_ignore_ascii_case("comment") => {
                comment = value.trim().trim_matches('"');
            }
            _ => {}
        }
        if !is_continued && header.is_none() {
            base64.push_str(line);
        }
        // A header goes on after a backslash.
        is_continued = (is_continued || header.is_some()) && line.ends_with('\\');
    }
    let key = |kind: &&str| PublicKey::from_openssh(&format!("{kind} {base64} {comment}")).ok();
    KINDS.iter().find_map(key).ok_or(FORM)
}

/// What a comment may hold: nothing that means something to a shell or ends a line.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ' ' | '@' | '.' | '-' | '_' | '+' | ':' | '/' | ',')
}

fn check_kind(data: &KeyData) -> Result<(), &'static str> {
    match data {
        KeyData::Ed25519(_)
        | KeyData::Ecdsa(_)
        | KeyData::SkEd25519(_)
        | KeyData::SkEcdsaSha2NistP256(_) => Ok(()),
        KeyData::Rsa(rsa) if rsa_bits(rsa) >= RSA_BITS_MIN => Ok(()),
        KeyData::Rsa(_) => Err("an RSA key of at least 2,048 bits; ed25519 is recommended"),
        KeyData::Dsa(_) => {
            Err("a key type other than DSA, which is no longer supported; ed25519 is recommended")
        }
        _ => Err("an ed25519, ecdsa, rsa or sk- key"),
    }
}

fn rsa_bits(rsa: &ssh_key::public::RsaPublicKey) -> u32 {
    let bytes = rsa.n.as_positive_bytes().unwrap_or_default();
    let leading = bytes.first().map_or(0, |byte| byte.leading_zeros());
    u32::try_from(bytes.len() * 8).unwrap_or(u32::MAX).saturating_sub(leading)
}

/// Reads what somebody calls a key; its comment where they call it nothing.
pub fn parse_key_name(field: &'static str, text: &str, key: &SshKey) -> Result<String, FieldError> {
    let named = if text.trim().is_empty() { key.comment.trim() } else { text.trim() };
    let name = if named.is_empty() { "key" } else { named };
    parse_line(field, name, 1..=NAME_CHARS_MAX)
}

/// What an agent says of a machine's access, before it is checked.
#[derive(Clone, Copy, Debug)]
pub struct ReportedAccess<'a> {
    /// Where it is.
    pub endpoint: ReportedEndpoint<'a>,
    /// Whom to log in as.
    pub user: &'a str,
    /// The machine's public host keys.
    pub host_keys: &'a [String],
    /// Where its console is.
    pub console_url: Option<&'a str>,
    /// What links to it are signed with.
    pub console_secret: Option<&'a str>,
    /// Anything else.
    pub notes: Option<&'a str>,
}

/// Where a machine is, as an agent says it.
#[derive(Clone, Copy, Debug)]
pub struct ReportedEndpoint<'a> {
    /// An IP address or a host name.
    pub address: &'a str,
    /// The port of SSH.
    pub port: i64,
    /// Its further ports.
    pub ports: &'a [ReportedPort<'a>],
}

/// A further port of a machine, as an agent says it.
#[derive(Clone, Copy, Debug)]
pub struct ReportedPort<'a> {
    /// `tcp` or `udp`.
    pub protocol: &'a str,
    /// Its number in the machine.
    pub port: i64,
    /// Its number at the machine's address.
    pub public_port: i64,
}

/// Where a machine is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// An IP address or a host name.
    pub address: String,
    /// The port of SSH.
    pub port: u16,
    /// Its further ports, in order.
    pub ports: Vec<PublicPort>,
}

/// What the parts of an [`Endpoint`] are called where they are reported.
#[derive(Clone, Copy, Debug)]
pub struct EndpointFields {
    /// Its address.
    pub address: &'static str,
    /// The port of SSH.
    pub port: &'static str,
    /// Its further ports.
    pub ports: &'static str,
}

impl Endpoint {
    /// Checks what an agent says; every field that is wrong.
    pub fn read(
        fields: EndpointFields,
        reported: &ReportedEndpoint<'_>,
    ) -> Result<Endpoint, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let mut refuse = |field, rule: &str| wrong.push(FieldError::new(field, rule));
        if !is_address(reported.address) {
            refuse(fields.address, "an IP address or a host name");
        }
        let port = u16::try_from(reported.port).ok().filter(|port| *port > 0);
        if port.is_none() {
            refuse(fields.port, "1 to 65535");
        }
        let read = |reported: &ReportedPort<'_>| {
            let public = u16::try_from(reported.public_port).ok().filter(|public| *public > 0)?;
            Some(PublicPort { port: Port::read(reported.protocol, reported.port)?, public })
        };
        let ports: Option<Vec<PublicPort>> = reported.ports.iter().map(read).collect();
        let ports = ports.filter(|ports| ports.len() <= PORTS_MAX);
        if ports.is_none() {
            refuse(fields.ports, "at most 10, each with protocol, port and public_port");
        }
        match (port, ports) {
            (Some(port), Some(mut ports)) if wrong.is_empty() => {
                ports.sort_unstable_by_key(|port| port.port);
                Ok(Endpoint { address: reported.address.to_ascii_lowercase(), port, ports })
            }
            _ => Err(wrong),
        }
    }

    /// Whether whoever knew this machine by `self` finds it elsewhere now: another address or port
    /// of SSH, or another public port of what had one.
    pub fn has_moved(&self, now: &Endpoint) -> bool {
        let is_other = |was: &PublicPort| {
            now.ports.iter().any(|is| is.port == was.port && is.public != was.public)
        };
        self.address != now.address || self.port != now.port || self.ports.iter().any(is_other)
    }
}

/// How a machine is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Where it is.
    pub endpoint: Endpoint,
    /// Whom to log in as.
    pub user: String,
    /// The machine's public host keys, without comments.
    pub host_keys: Vec<String>,
    /// Where its console is: over TLS, or in a private network.
    pub console_url: Option<String>,
    /// What links to it are signed with, as 64 hex digits; `None` where the address is the link.
    pub console_secret: Option<String>,
    /// Anything else, as text.
    pub notes: Option<String>,
}

impl Access {
    /// Checks what an agent says; every field that is wrong.
    pub fn read(reported: &ReportedAccess<'_>) -> Result<Access, Vec<FieldError>> {
        let mut wrong = Vec::new();
        let endpoint = Endpoint::read(FIELDS, &reported.endpoint);
        let endpoint = endpoint.map_err(|errors| wrong.extend(errors)).ok();
        let mut refuse = |field, rule: &str| wrong.push(FieldError::new(field, rule));
        if !is_user(reported.user) {
            refuse("access.user", "a Linux user name: a-z, 0-9, _ and -, at most 32 characters");
        }
        let host_keys: Vec<String> =
            reported.host_keys.iter().take(HOST_KEYS_MAX).filter_map(|key| host_key(key)).collect();
        if host_keys.is_empty() || host_keys.len() != reported.host_keys.len() {
            refuse("access.host_keys", "1 to 8 public keys in OpenSSH format");
        }
        if reported.console_url.is_some_and(|url| !is_console(url)) {
            let rule = "an https:// URL, an http:// URL of a private network address, or null";
            refuse("access.console_url", rule);
        }
        if reported.console_secret.is_some_and(|secret| !is_secret(secret, reported.console_url)) {
            let rule = "64 hex digits, with a console_url that has no ? and no #; or null";
            refuse("access.console_secret", rule);
        }
        if reported.notes.is_some_and(|notes| !is_note(notes)) {
            refuse("access.notes", "text of at most 1,000 characters, or null");
        }
        match endpoint {
            Some(endpoint) if wrong.is_empty() => Ok(Access {
                endpoint,
                user: reported.user.to_string(),
                host_keys,
                console_url: reported.console_url.map(ToString::to_string),
                console_secret: reported.console_secret.map(ToString::to_string),
                notes: reported.notes.map(ToString::to_string).filter(|notes| !notes.is_empty()),
            }),
            _ => Err(wrong),
        }
    }

    /// The line that logs in.
    pub fn command(&self) -> String {
        let Endpoint { address, port, .. } = &self.endpoint;
        format!("ssh -p {port} {}@{address}", self.user)
    }

    /// A block for `~/.ssh/config`, under which `ssh <name>` logs in.
    pub fn config(&self, name: &str, alias: &str) -> String {
        let (Endpoint { address, port, .. }, user) = (&self.endpoint, &self.user);
        format!(
            "Host {name}\n    HostName {address}\n    Port {port}\n    User {user}\n    \
             HostKeyAlias {alias}\n    StrictHostKeyChecking yes\n"
        )
    }

    /// Lines for `~/.ssh/known_hosts`, by the alias of [`Access::config`] and by the address.
    pub fn known_hosts(&self, alias: &str) -> String {
        let host = self.host();
        self.host_keys.iter().map(|key| format!("{alias},{host} {key}\n")).collect()
    }

    /// The host, as `ssh` calls it in `~/.ssh/known_hosts` if it has no alias.
    pub fn host(&self) -> String {
        let Endpoint { address, port, .. } = &self.endpoint;
        match port {
            22 => address.clone(),
            port => format!("[{address}]:{port}"),
        }
    }

    /// Whether it is reached through the Mycelium network, whose addresses are in `400::/7`
    /// (<https://github.com/threefoldtech/mycelium>).
    pub fn is_on_mycelium(&self) -> bool {
        let address: Option<Ipv6Addr> = self.endpoint.address.parse().ok();
        address.is_some_and(|address| address.segments()[0] & 0xfe00 == 0x0400)
    }

    /// The fingerprints of the host keys, as `ssh` shows them at the first login.
    pub fn fingerprints(&self) -> Vec<String> {
        let print = |line: &String| Some(read(line).ok()?.fingerprint);
        self.host_keys.iter().filter_map(print).collect()
    }
}

/// A host key: only its kind and its bytes are kept.
fn host_key(text: &str) -> Option<String> {
    let line = read(text).ok()?.line;
    let (kind, rest) = line.split_once(' ')?;
    Some(format!("{kind} {}", rest.split(' ').next()?))
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_host_name(text)
}

fn is_host_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    // The last label of a name is not a number: 1.2.3 would be read as an address.
    let is_numeric = |label: &str| label.bytes().all(|b| b.is_ascii_digit());
    text.len() <= 253
        && text.split('.').all(is_label)
        && !text.rsplit('.').next().is_some_and(is_numeric)
}

fn is_user(text: &str) -> bool {
    (1..=32).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c == '_')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

fn is_console(text: &str) -> bool {
    let is_part = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&()*+,;=%".contains(&b);
    let is_host = match text.split_once("://") {
        Some(("https", rest)) => host_of(rest).is_some_and(is_host),
        // The grid's consoles are in its private network, which encrypts by itself.
        Some(("http", rest)) => host_of(rest).is_some_and(is_private),
        Some(_) | None => false,
    };
    text.len() <= CONSOLE_BYTES_MAX && is_host && text.bytes().all(is_part)
}

/// The host of what follows `https://`, with the brackets of an IPv6 address.
fn host_of(rest: &str) -> Option<&str> {
    let authority = rest.split(['/', '?', '#']).next()?;
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            port.parse::<u16>().is_ok_and(|port| port > 0).then_some(host)
        }
        Some(_) | None => Some(authority),
    }
}

fn bracketed(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

fn is_host(host: &str) -> bool {
    bracketed(host).is_some() || (!host.contains(':') && is_address(host))
}

fn is_private(host: &str) -> bool {
    match bracketed(host).map(IpAddr::V6).or_else(|| host.parse().ok()) {
        Some(IpAddr::V4(address)) => address.is_private() || address.is_loopback(),
        Some(IpAddr::V6(address)) => address.is_unique_local() || address.is_loopback(),
        None => false,
    }
}

/// Whether links to the console at `url` can be signed with this: a query is put after the address.
fn is_secret(text: &str, url: Option<&str>) -> bool {
    text.len() == 64
        && text.bytes().all(|b| b.is_ascii_hexdigit())
        && url.is_some_and(|url| !url.contains(['?', '#']))
}

fn is_note(text: &str) -> bool {
    text.chars().count() <= NOTES_CHARS_MAX && !text.chars().any(|c| c.is_control() && c != '\n')
}

#[cfg(test)]
mod tests;
