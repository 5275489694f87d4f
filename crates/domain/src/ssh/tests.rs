//! What is an SSH key, and what is not.

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
const RSA_2047: &str = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAGPd0ZZBjT2Kp26IQkbXnLqGu6GTgSxi\
    lRcOYFdQN/z9VkPCJ5sxcGvKtkVx/6/aO19GRMcJ8n5Hlt1qn+A6ol3liyX+PEKZ1GvsnCDR\
    x8cgjzdqxP+xAunbFA72jkxsKc1uJSlVNE/Ke1rzFVrzKLrn4HMQ5nh5hkXeLDtiNb\
    4vpCynazYN+qpchXlIoSBamIAcmHXDpJN50zT5HsiEkfhaYuNWOsBvS6giRoXDOUpZ\
    qS4Rpj5upKBs9Ayqx/f+eT/uT+asVXJfRk1klZ7Lv54haKJ0wlEgChH9f2dTU3BLMs\
    BU2nLmE80oDwO90oJloWEuIO2XiTJnod89VYRR3qM= x";
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
fn what_happens_to_keys_on_the_way_is_undone() {
    const PRINT: &str = "SHA256:UMrMUBWB7jd//ntB9OkfIaakoDNUV/nWlWfbwHvhrDU";
    let (kind, rest) = ED25519.split_once(' ').unwrap();
    let (base64, comment) = rest.split_once(' ').unwrap();
    let (head, tail) = base64.split_at(30);
    for text in [
        format!("{kind}  {base64}  {comment}"),
        format!("{kind}\t{base64}\t{comment}"),
        format!("\u{feff}{ED25519}\r\n"),
        format!("{kind} {head}\r\n{tail} {comment}"),
        format!("{kind}\n{head}\n{tail}\n{comment}"),
        format!("{kind} {head} {tail} {comment}"),
        format!(
            "---- BEGIN SSH2 PUBLIC KEY ----\nComment: \"{comment}\"\nSubject: a very \\\nlong \
             one\n{head}\n{tail}\n---- END SSH2 PUBLIC KEY ----\n"
        ),
    ] {
        let key = SshKey::parse("key", &text).unwrap();
        assert_eq!((key.fingerprint.as_str(), key.line.as_str()), (PRINT, ED25519), "{text:?}");
    }
    check("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA\n---- END SSH2 PUBLIC KEY ----", FORM);
    check("---- BEGIN SSH2 PUBLIC KEY ----\nAAAA", FORM);
    check(&format!("{kind} {head}"), FORM);
    check(&format!("{kind}{}", " AAAA".repeat(500)), FORM);
}

/// `ssh-keygen -b 2047` makes such keys.
#[test]
fn a_bit_less_than_was_asked_for_is_enough() {
    check(RSA_2047, "SHA256:");
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
    let was = Endpoint { address: "a".into(), port: 2201, ports: vec![port(80, 1), port(443, 2)] };
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
