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

/// The most keys of an account.
pub const KEYS_MAX: u32 = 20;
/// The longest key that is read, in bytes: RSA with 16,384 bits.
const KEY_BYTES_MAX: usize = 4_096;
/// The fewest bits of an RSA key.
const RSA_BITS_MIN: u32 = 2_048;
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
    let text = text.trim();
    if text.contains("PRIVATE KEY") || text.starts_with("PuTTY-User-Key-File") {
        return Err(PRIVATE);
    }
    if text.len() > KEY_BYTES_MAX {
        return Err("a public key of at most 4,096 characters");
    }
    if text.lines().count() > 1 {
        return Err("one key on one line; add keys one at a time");
    }
    let kind = text.split(' ').next().unwrap_or_default();
    let is_kind = kind.starts_with("ssh-") || kind.starts_with("ecdsa-") || kind.starts_with("sk-");
    if !is_kind && [" ssh-", " ecdsa-", " sk-"].iter().any(|kind| text.contains(kind)) {
        return Err("a key without options; start with its type, such as ssh-ed25519");
    }
    let key = PublicKey::from_openssh(text).map_err(|_| FORM)?;
    check_kind(key.key_data())?;
    let comment: String =
        key.comment().chars().filter(|c| is_plain(*c)).take(NAME_CHARS_MAX).collect();
    let fingerprint = key.fingerprint(HashAlg::Sha256).to_string();
    let bare = PublicKey::new(key.key_data().clone(), "").to_openssh().map_err(|_| FORM)?;
    let line = format!("{} {comment}", bare.trim_end()).trim_end().to_string();
    Ok(SshKey { line, fingerprint, comment })
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
    if name.chars().count() <= NAME_CHARS_MAX && !name.chars().any(char::is_control) {
        return Ok(name.to_string());
    }
    Err(FieldError::new(field, "at most 80 characters on one line"))
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
mod tests {
    use alloc::string::ToString;
    use alloc::vec;

    use proptest::prelude::*;

    use super::*;

    const ED25519: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuH\
        R7UMtpui3hDPtl ada@laptop";
    const P256: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNT\
        YAAABBBF3TWr0Fl0arcjRsr/3uCyMni73xzm+F3gkA4vrU9++0nfZDRVC59lB30jcn\
        iaNwb8H6wCAK02dVmYuYRlQZJWg= ada@laptop";
    const P521: &str = "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1Mj\
        EAAACFBAAxdNbu386GlcKS+dzHmJNJw6Je/mpT+1a0AW2bcOWO+ggSTs02KMc7TS8c\
        EwQ2gVM8+YezG0JHpxxRksfkxoLobQHahbb6AJB/JVbIHHtMOH7lQHlnj8DERtwTCR\
        oSJ4tTrtJX5SY65SVKi8IiisqV9RBB8LRvQ3mXFnt4kDA77QpS2A== ada@laptop";
    const RSA: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQCrkIvkS+YK2PLtFahA7Odx5/Wa+U\
        sW37YgemLwMDaf/pFTHGxd7fUNM4AGzB5RHGzfFx327hbO52wFmKqir0kDY0YnAbZ9\
        A89HFMMM5muUtTfowiLAXfbFRqjd1tDTxkE5MnVu306czmZrbQwalsxQvS39Jo3Yho\
        pPaXjLsDy4qCIsuVzejl2F1iJqgfGDFHScX8sYMZH/0jXdNRNPftnQaEoQDHWmaXZ3\
        8ejqc4SmUh3OWuRLdmvL2+iNOjUKUJO5bJfTOpbAytWZJjEksYtXtj8xLE2qNCTybT\
        ZSCMKXWl4nghb0KxhEgVjPuZu3bS9H7RnXs9uZH7HqZt8KJemJ ada@laptop";
    const RSA_1024: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQCifqwHIFLUNjXlk/wCrfPCWkgFU3\
        M7qJPDtTta1XF1ibHfSgRIbSfv1B/tIH9Nhw5PhHnGYQ9k+O/gpzWZhGvcU7xM08+/\
        uV1Ng2YF0wF99dY87q3RcY4RcuD1SE+bMCrAne4ryBsvHPS3HQWpMIImXvIUU+B8ah\
        LOv1WQwKUHjw== x";
    const DSA: &str = "ssh-dss AAAAB3NzaC1kc3MAAACBAMgKb83yiinju3fgaITJJVMd2KhliiawxijOVC\
        nHChHup7zRysMaY1FTbqv8eAtTmX1nGlO+yUIMcwf+cpHxSxqwULPmLNLR56hJKkID\
        bkGu7QBs/iRsUyJfCXSDaxtBblMNC795f3p0CksPZXh/uR9fX2Zpbr050o11BHXIsf\
        cHAAAAFQCQPef/YzbynSGt+Pcgvn3hailLewAAAIEAnRgRf5Q/B1OVOAruuS+LXc+c\
        gxlyYI4FYhMMlQi/bhosE5cKID1vzAZ5Z3ELnkuhYZuNHPTlZrhTcwqI6M6VwxG0ZF\
        lokTgzakqiKOuM3AQhxRhUCz/OnMUBaa0vhUe050G4R2XONK9A7frUSMDXjaDhPCsZ\
        mBsaiKCixv+tuiwAAACAEAy2G81EA9t3D2nTmfQnAq5i5mxEU3oKCVBZFqkhmaIgvu\
        4aYZUGvdHRM4lySpr5ljMf2YHQlVEq71XjfXSymVmxLZ06vTHYJqA8P7WNceiUmSZ2\
        nd1QvtjwdwGFuq0pq2MgT1E3gxmOKSpJqiLfiipomL55EiO5wJ3YAqQo32s= x";
    const SK: &str = "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29\
        tAAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gAAAABHNzaDo= key@\
        token";

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let found = match SshKey::parse("key", text) {
            Ok(key) => key.fingerprint,
            Err(error) => error.rule,
        };
        assert!(found.starts_with(expected), "{text:.60}: {found}");
    }

    #[test]
    fn keys_have_the_fingerprints_that_ssh_keygen_prints() {
        check(ED25519, "SHA256:UMrMUBWB7jd//ntB9OkfIaakoDNUV/nWlWfbwHvhrDU");
        check(P256, "SHA256:6RX2qZoG9f7jEBhF5D628iJYhfJ2r1qbeOkUpqvh4dE");
        check(P521, "SHA256:p/ZD6Hw819+JUiOAQqhv9PUh2yYr8UvpKFtml984i5Q");
        check(RSA, "SHA256:XsMGvKGOZ4rx74snXuxeujza7T8IAiBdyMW6TI0JNaY");
        check(SK, "SHA256:");
        check(&format!("  {ED25519}\r\n"), "SHA256:UMrM");
    }

    #[test]
    fn what_is_no_good_key_says_why() {
        check(RSA_1024, "an RSA key of at least 2,048 bits");
        check(DSA, "a key type other than DSA");
        check("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==", "a public key. This looks like");
        check("-----BEGIN RSA PRIVATE KEY-----", "a public key. This looks like a PRIVATE key");
        check("PuTTY-User-Key-File-3: ssh-ed25519", "a public key. This looks like a PRIVATE key");
        check(&format!("{ED25519}\n{P256}"), "one key on one line");
        check(&format!("command=\"id\" {ED25519}"), "a key without options");
        check(&format!("restrict,pty {RSA}"), "a key without options");
        check("", "one public key in OpenSSH format");
        check("ssh-ed25519", "one public key in OpenSSH format");
        check("ssh-ed25519 AAAA", "one public key in OpenSSH format");
        check(&ED25519.replace("ssh-ed25519", "ssh-rsa"), "one public key in OpenSSH format");
        check(&ED25519[..60], "one public key in OpenSSH format");
        check(&"x".repeat(5_000), "a public key of at most 4,096 characters");
    }

    #[test]
    fn a_comment_is_plain_and_names_its_key() {
        let bare = ED25519.split(" ada").next().unwrap();
        let key = SshKey::parse("key", &format!("{bare} a $(id) `b` \u{202e}c")).unwrap();
        assert_eq!((key.comment.as_str(), key.line), ("a id b c", format!("{bare} a id b c")));
        let key = SshKey::parse("key", bare).unwrap();
        assert_eq!((key.comment.as_str(), key.line.as_str()), ("", bare));
        let name = |text: &str| parse_key_name("name", text, &key);
        assert_eq!((name(""), name(" Laptop ")), (Ok("key".into()), Ok("Laptop".into())));
        assert!(name(&"x".repeat(81)).is_err() && name("a\nb").is_err());
        let named = SshKey::parse("key", ED25519).unwrap();
        assert_eq!(parse_key_name("name", "", &named).as_deref(), Ok("ada@laptop"));
    }

    fn reported(keys: &[String]) -> ReportedAccess<'_> {
        let (console_url, notes) = (Some("https://console.example:8443/a?b=c"), Some("a\nb"));
        let endpoint = ReportedEndpoint { address: "203.0.113.7", port: 2201, ports: &[] };
        let (user, console_secret) = ("root", None);
        ReportedAccess { endpoint, user, host_keys: keys, console_url, console_secret, notes }
    }

    /// The same somewhere else.
    fn at<'a>(
        good: ReportedAccess<'a>,
        change: impl FnOnce(ReportedEndpoint<'a>) -> ReportedEndpoint<'a>,
    ) -> ReportedAccess<'a> {
        ReportedAccess { endpoint: change(good.endpoint), ..good }
    }

    #[test]
    fn access_becomes_lines_to_copy() {
        let access = Access::read(&reported(&[ED25519.to_string(), P256.to_string()])).unwrap();
        assert_eq!(access.command(), "ssh -p 2201 root@203.0.113.7");
        let config = access.config("web", "m1");
        assert!(config.starts_with("Host web\n    HostName 203.0.113.7\n    Port 2201\n"));
        // An earlier machine at this address and port does not matter to it.
        assert!(config.contains("\n    HostKeyAlias m1\n"));
        let known = access.known_hosts("m1");
        let mut lines = known.lines();
        let bare = ED25519.split(" ada").next().unwrap();
        assert_eq!(lines.next(), Some(format!("m1,[203.0.113.7]:2201 {bare}").as_str()));
        let second = lines.next().unwrap();
        assert!(second.starts_with("m1,[203.0.113.7]:2201 ecdsa-sha2-nistp256 AAAA"), "{second}");
        assert!(access.fingerprints()[0].starts_with("SHA256:UMrM"));
        let plain = Access { endpoint: Endpoint { port: 22, ..access.endpoint }, ..access };
        assert!(plain.known_hosts("m1").starts_with("m1,203.0.113.7 ssh-ed25519 "));
    }

    #[test]
    fn an_address_of_the_mycelium_network_is_known() {
        let check = |address: &str, expected: bool| {
            let keys = [ED25519.to_string()];
            let access = at(reported(&keys), |endpoint| ReportedEndpoint { address, ..endpoint });
            let access = Access::read(&access).unwrap();
            assert_eq!(access.is_on_mycelium(), expected, "{address}");
        };
        check("59c:1234::1", true);
        check("400::1", true);
        check("5ff:ffff::1", true);
        check("600::1", false);
        check("2001:db8::1", false);
        check("203.0.113.7", false);
        check("farm.example", false);
    }

    #[test]
    fn a_machine_has_moved_where_what_was_known_of_it_leads_nowhere() {
        let port = |number, public| PublicPort {
            port: Port { transport: crate::port::Transport::Tcp, number },
            public,
        };
        let was =
            Endpoint { address: "a".into(), port: 2201, ports: vec![port(80, 1), port(443, 2)] };
        let check = |change: fn(&mut Endpoint), expected: bool| {
            let mut now = was.clone();
            change(&mut now);
            assert_eq!(was.has_moved(&now), expected, "{now:?}");
        };
        check(|_| {}, false);
        check(|now| now.address = "b".into(), true);
        check(|now| now.port = 22, true);
        check(|now| now.ports[1].public = 3, true);
        // Its renter has closed one, or opened another.
        check(|now| now.ports.truncate(1), false);
        check(|now| now.ports.push(now.ports[0]), false);
    }

    fn wrong_fields(reported: &ReportedAccess<'_>) -> Vec<&'static str> {
        let wrong = Access::read(reported).err().unwrap_or_default();
        wrong.iter().map(|error| error.field).collect()
    }

    #[test]
    fn a_console_is_over_tls_or_in_a_private_network() {
        let keys = vec![ED25519.to_string()];
        let good = reported(&keys);
        for url in [
            "https://console.example:8443/a?b=c",
            "https://[2001:db8::7]:8443/a",
            "https://203.0.113.7",
            "http://10.249.2.0:20002",
            "http://[fd00::7]:20002/",
            "http://127.0.0.1:7681/console",
        ] {
            assert!(
                wrong_fields(&ReportedAccess { console_url: Some(url), ..good }).is_empty(),
                "{url}"
            );
        }
        for url in [
            "http://a",
            "http://203.0.113.7",
            "http://10.249.2.0.example",
            "http://localhost",
            "https://",
            "https://a:b",
            "https://a:0",
            "https://a:99999",
            "https://2001:db8::7",
            "javascript:x",
            "https://a b",
            "https://u@h",
            "//a",
        ] {
            let console_url = Some(url);
            let found = wrong_fields(&ReportedAccess { console_url, ..good });
            assert_eq!(found, ["access.console_url"], "{url}");
        }
        let secret = "0a".repeat(32);
        let (plain, query) = ("https://a/console/b", "https://a/console/b?c");
        for (url, secret, is_good) in [
            (Some(plain), secret.as_str(), true),
            (Some(query), &secret, false),
            (None, &secret, false),
            (Some(plain), &secret[1..], false),
            (Some(plain), &"g".repeat(64), false),
            (Some(plain), "", false),
        ] {
            let found = wrong_fields(&ReportedAccess {
                console_url: url,
                console_secret: Some(secret),
                ..good
            });
            let expected: &[&str] = if is_good { &[] } else { &["access.console_secret"] };
            assert_eq!(found, expected, "{url:?} {secret}");
        }
    }

    #[test]
    fn what_an_agent_says_is_on_the_lists_or_refused() {
        let keys = vec![ED25519.to_string()];
        let fields = wrong_fields;
        let good = reported(&keys);
        for address in ["2001:db8::7", "slice.example", "a-b.c", "localhost", "127.0.0.1"] {
            let reported = at(good, |endpoint| ReportedEndpoint { address, ..endpoint });
            assert!(fields(&reported).is_empty(), "{address}");
        }
        for address in [
            "",
            "a b",
            "a;id",
            "-oProxyCommand=id",
            "a_b",
            "a..b",
            ".a",
            "a-",
            "1.2.3",
            "$(id)",
            "a\nb",
            "[::1]",
            "user@host",
            "fe80::1%eth0",
        ] {
            let reported = at(good, |endpoint| ReportedEndpoint { address, ..endpoint });
            assert_eq!(fields(&reported), ["access.address"], "{address}");
        }
        for user in ["", "-l", "Root", "root;id", "a b", "9a", "é", &"a".repeat(33)] {
            assert_eq!(fields(&ReportedAccess { user, ..good }), ["access.user"], "{user}");
        }
        for port in [0, -1, 65_536, i64::MAX] {
            let reported = at(good, |endpoint| ReportedEndpoint { port, ..endpoint });
            assert_eq!(fields(&reported), ["access.port"], "{port}");
        }
        let port = |protocol, port, public_port| ReportedPort { protocol, port, public_port };
        for ports in [
            vec![port("sctp", 80, 8080)],
            vec![port("tcp", 0, 8080)],
            vec![port("tcp", 80, 65_536)],
            vec![port("tcp", 80, 8080); 11],
        ] {
            let reported = at(good, |endpoint| ReportedEndpoint { ports: &ports, ..endpoint });
            assert_eq!(fields(&reported), ["access.ports"], "{ports:?}");
        }
        let long = "x".repeat(1_001);
        for notes in ["\u{1b}[2J", "a\r\nb", &long] {
            assert_eq!(fields(&ReportedAccess { notes: Some(notes), ..good }), ["access.notes"]);
        }
        let many = vec![ED25519.to_string(); 9];
        let none: Vec<String> = Vec::new();
        let bad = vec![ED25519.to_string(), "ssh-ed25519 AAAA".to_string()];
        for keys in [&many, &none, &bad] {
            let found = fields(&ReportedAccess { host_keys: keys, ..good });
            assert_eq!(found, ["access.host_keys"]);
        }
    }

    proptest! {
        #[test]
        fn no_address_means_anything_to_a_shell(text in ".{0,40}", user in ".{0,10}") {
            let keys = vec![ED25519.to_string()];
            let reported = ReportedAccess { user: &user, ..reported(&keys) };
            let address = text.as_str();
            let reported = at(reported, |endpoint| ReportedEndpoint { address, ..endpoint });
            if let Ok(access) = Access::read(&reported) {
                let is_plain = |c: char| c.is_ascii_alphanumeric() || " -.:@_".contains(c);
                prop_assert!(access.command().chars().all(is_plain));
            }
        }
    }
}
