//! Webhooks as functions of bytes, by Standard Webhooks (standardwebhooks.com): where one may be,
//! what it is told, and how that is signed.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use domain::field::FieldError;
use domain::id::{DeliveryId, WebhookId};
use domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use seal::{Keys, NONCE_BYTES, Place, SealError};
use serde::Serialize;
use sha2::Sha256;
use store::notifications::Notice;
use url::{Host, Url};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// Random bytes of a secret: 256 bits.
pub(crate) const SECRET_BYTES: usize = 32;

/// How long the secret before the last one still signs, too, in seconds: a day.
pub(crate) const OLD_SECRET_SECONDS: i64 = 24 * 60 * 60;

/// The longest URL.
pub(crate) const URL_LENGTH_MAX: usize = 500;

/// What a secret begins with, so that scanners for leaked secrets can tell what it is.
const SECRET_PREFIX: &str = "whsec_";

/// The first port that needs no privilege: what listens below is some other service.
const PORT_MIN: u16 = 1024;

const HTTPS_PORT: u16 = 443;

/// Last labels of names that mean something inside of one network only.
const INSIDE: [&str; 11] = [
    "arpa",
    "corp",
    "home",
    "internal",
    "intranet",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "onion",
    "private",
];

/// Which addresses a webhook may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Only those of the internet, over TLS.
    Internet,
    /// Any, also this machine's, and without TLS: for development and tests.
    Anywhere,
}

impl Reach {
    /// Reads the variable `webhook_private_addresses`. The error names it.
    pub(crate) fn read(get: impl Fn(&str) -> Result<String, String>) -> Result<Reach, String> {
        const NAME: &str = "webhook_private_addresses";
        match get(NAME)?.as_str() {
            "" => Ok(Reach::Internet),
            "allow" => Ok(Reach::Anywhere),
            _ => Err(format!("{NAME}: expected `allow` or nothing")),
        }
    }
}

/// Reads where a webhook is, in its normal form. What a name resolves to is looked at by the host
/// when it connects.
pub(crate) fn parse_url(
    field: &'static str,
    text: &str,
    reach: Reach,
) -> Result<String, FieldError> {
    let wrong = |rule: &str| Err(FieldError::new(field, rule));
    let Ok(url) = Url::parse(text.trim()) else { return wrong("a URL that starts with https://") };
    if url.as_str().len() > URL_LENGTH_MAX {
        return wrong("a URL of at most 500 characters");
    }
    if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
        return wrong("a URL without a user name, a password or a #");
    }
    let is_http = url.scheme() == "http" && reach == Reach::Anywhere;
    if url.scheme() != "https" && !is_http {
        return wrong("a URL that starts with https://");
    }
    if reach == Reach::Anywhere {
        return Ok(url.into());
    }
    let is_public = match url.host() {
        Some(Host::Domain(name)) => is_public_name(name),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => false,
    };
    if !is_public {
        return wrong("a public host name, not an IP address or an internal name");
    }
    let port = url.port().unwrap_or(HTTPS_PORT);
    if port != HTTPS_PORT && port < PORT_MIN {
        return wrong("port 443, or one from 1024");
    }
    Ok(url.into())
}

/// Whether a name can be one of the internet.
fn is_public_name(name: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    name.rsplit_once('.').is_some_and(|(_, last)| !INSIDE.contains(&last))
}

/// What a webhook signs with. It is never printed, and opens in the row of its webhook only.
#[derive(PartialEq, Eq, Zeroize, ZeroizeOnDrop)]
pub(crate) struct Secret {
    current: [u8; SECRET_BYTES],
    /// The one before, and until when it signs, too, in POSIX seconds.
    old: Option<([u8; SECRET_BYTES], i64)>,
}

impl Secret {
    /// A secret of random bytes.
    pub(crate) fn new(random: [u8; SECRET_BYTES]) -> Secret {
        Secret { current: random, old: None }
    }

    /// The next secret. This one goes on signing for a day, so that the endpoint can be changed
    /// meanwhile.
    pub(crate) fn rotated(&self, random: [u8; SECRET_BYTES], now: Timestamp) -> Secret {
        let until = now.plus_seconds(OLD_SECRET_SECONDS).seconds();
        Secret { current: random, old: Some((self.current, until)) }
    }

    /// What the owner of the webhook gets, once.
    pub(crate) fn text(&self) -> String {
        format!("{SECRET_PREFIX}{}", BASE64_STANDARD.encode(self.current))
    }

    /// Seals it for the row of its webhook. The nonce is random and never used again.
    pub(crate) fn seal(
        &self,
        keys: &Keys,
        id: WebhookId,
        nonce: [u8; NONCE_BYTES],
    ) -> Result<Vec<u8>, SealError> {
        let mut bytes = self.current.to_vec();
        if let Some((old, until)) = &self.old {
            bytes.extend_from_slice(old);
            bytes.extend_from_slice(&until.to_be_bytes());
        }
        let sealed = keys.seal(place(&id.to_string()), &bytes, nonce);
        bytes.zeroize();
        sealed
    }

    /// Opens what was sealed for the row of a webhook.
    pub(crate) fn open(keys: &Keys, id: WebhookId, sealed: &[u8]) -> Result<Secret, SealError> {
        let bytes = keys.open(place(&id.to_string()), sealed)?;
        let (current, rest) = bytes.split_first_chunk().ok_or(SealError::Damaged)?;
        let old = match rest.split_first_chunk() {
            Some((old, until)) => {
                let until = until.try_into().map_err(|_| SealError::Damaged)?;
                Some((*old, i64::from_be_bytes(until)))
            }
            None => None,
        };
        Ok(Secret { current: *current, old })
    }

    /// The headers of a message that is sent `now`.
    pub(crate) fn headers(
        &self,
        id: DeliveryId,
        body: &str,
        now: Timestamp,
    ) -> Vec<(&'static str, String)> {
        let (id, at) = (id.to_string(), now.seconds());
        let mut signatures = signature(&self.current, &id, at, body);
        if let Some((old, until)) = &self.old
            && at < *until
        {
            signatures.push(' ');
            signatures.push_str(&signature(old, &id, at, body));
        }
        vec![
            ("content-type", "application/json".to_owned()),
            ("user-agent", "Mycelium-Webhooks/1".to_owned()),
            ("webhook-id", id),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signatures),
        ]
    }
}

fn place(row: &str) -> Place<'_> {
    Place { table: "webhooks", column: "sealed", row }
}

/// `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`.
fn signature(key: &[u8], id: &str, at: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of HMAC may have any length");
    let mac = mac.chain_update(format!("{id}.{at}.")).chain_update(body);
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

/// The body of a message: little, so that nothing of it is old by the time it is read.
#[derive(Serialize)]
struct Message<'a, T> {
    #[serde(rename = "type")]
    kind: &'a str,
    timestamp: String,
    data: T,
}

#[derive(Serialize)]
struct NotificationData<'a> {
    /// As `GET /api/events` and `GET /api/notifications` number it.
    event_id: i64,
    category: &'static str,
    rental_id: Option<String>,
    node_id: Option<String>,
    slice_id: Option<String>,
    subject: Option<&'a str>,
}

/// The body of a notification.
pub(crate) fn notification_body(notice: &Notice) -> String {
    let event = &notice.event;
    let data = NotificationData {
        event_id: event.id,
        category: notice.kind.into_str(),
        rental_id: event.rental.map(|id| id.to_string()),
        node_id: event.node.map(|id| id.to_string()),
        slice_id: event.slice.map(|id| id.to_string()),
        subject: event.subject.as_deref(),
    };
    json(&Message { kind: event.kind.into_str(), timestamp: event.at.to_string(), data })
}

/// The body of a test.
pub(crate) fn test_body(webhook: WebhookId, now: Timestamp) -> String {
    #[derive(Serialize)]
    struct TestData {
        webhook_id: String,
    }
    let data = TestData { webhook_id: webhook.to_string() };
    json(&Message { kind: store::webhooks::TEST, timestamp: now.to_string(), data })
}

fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("text and numbers can be written as JSON")
}

#[cfg(test)]
mod tests {
    use domain::event::EventKind;
    use domain::id::{NodeId, SliceId};
    use domain::notification::{NotificationCategory, Side};
    use expect_test::expect;
    use seal::{KEY_BYTES, key_text};
    use store::events::Event;

    use super::*;

    #[track_caller]
    fn check(reach: Reach, url: &str, expected: Option<&str>) {
        assert_eq!(parse_url("url", url, reach).ok().as_deref(), expected, "{url}");
    }

    #[test]
    fn a_webhook_is_on_the_internet_and_speaks_tls() {
        for (url, normal) in [
            ("https://hooks.example.org/in?key=1", "https://hooks.example.org/in?key=1"),
            (" HTTPS://Hooks.Example.org ", "https://hooks.example.org/"),
            ("https://hooks.example.org:443/", "https://hooks.example.org/"),
            ("https://hooks.example.org:8443/", "https://hooks.example.org:8443/"),
            ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ] {
            check(Reach::Internet, url, Some(normal));
        }
        for url in [
            "",
            "hooks.example.org",
            "http://hooks.example.org/",
            "ftp://hooks.example.org/",
            "file:///etc/passwd",
            "gopher://hooks.example.org/",
            "javascript:alert(1)",
            "https://ada@hooks.example.org/",
            "https://ada:pass@hooks.example.org/",
            "https://hooks.example.org/#here",
            "https://hooks.example.org:22/",
            "https://hooks.example.org:80/",
            "https://localhost/",
            "https://localhost./",
            "https://a.localhost/",
            "https://printer/",
            "https://printer.local/",
            "https://metadata.google.internal/",
            "https://metadata.google.internal./",
            "https://router.lan/",
            "https://1.0.0.127.in-addr.arpa/",
            "https://127.0.0.1/",
            "https://127.1/",
            "https://0x7f000001/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://169.254.169.254/latest/meta-data/",
            "https://10.0.0.1/",
            "https://192.168.1.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[fd00::1]/",
            "https://[fe80::1]/",
            "https://1.1.1.1/",
            "https://[2606:4700::1111]/",
        ] {
            check(Reach::Internet, url, None);
        }
        let long = format!("https://hooks.example.org/{}", "x".repeat(URL_LENGTH_MAX));
        check(Reach::Internet, &long, None);
        check(Reach::Anywhere, "http://127.0.0.1:4000/in", Some("http://127.0.0.1:4000/in"));
        for url in ["file:///etc/passwd", "http://ada@localhost/", &long] {
            check(Reach::Anywhere, url, None);
        }
    }

    #[test]
    fn the_variable_says_where_webhooks_may_be() {
        let read = |value: &str| Reach::read(|_| Ok(value.to_owned()));
        assert_eq!((read(""), read("allow")), (Ok(Reach::Internet), Ok(Reach::Anywhere)));
        assert!(read("yes").is_err_and(|error| error.starts_with("webhook_private_addresses")));
    }

    fn id() -> DeliveryId {
        DeliveryId::parse("01a20445-9a00-7101-8101-010101010101").unwrap()
    }

    fn at() -> Timestamp {
        Timestamp::from_seconds(1_795_368_000)
    }

    const BODY: &str =
        r#"{"type":"slice-rented","timestamp":"2026-11-22T17:20:00Z","data":{"node_id":"node32"}}"#;

    /// Made by `standardwebhooks` 1.1.0 of `PyPI` with the bytes 0 to 31 as the key.
    const BY_ANOTHER: &str = "v1,dAAo6HXTEt4XJMMaUQiSFYDfHBQCtViZOocvTAlYUiU=";

    fn counting(from: u8) -> [u8; SECRET_BYTES] {
        core::array::from_fn(|at| from + u8::try_from(at).unwrap())
    }

    fn signed(secret: &Secret, now: Timestamp) -> String {
        let headers = secret.headers(id(), BODY, now);
        headers.into_iter().find(|(name, _)| *name == "webhook-signature").unwrap().1
    }

    #[test]
    fn signatures_are_those_of_another_implementation() {
        let secret = Secret::new(counting(0));
        assert_eq!(secret.text(), "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
        assert_eq!(signed(&secret, at()), BY_ANOTHER);
        // The example of the specification, signed by the same.
        let key = BASE64_STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap();
        let body = r#"{"test": 2432232314}"#;
        assert_eq!(
            signature(&key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, body),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_changed_secret_and_the_one_before_both_sign_for_a_day() {
        let secret = Secret::new(counting(0)).rotated(counting(9), at());
        let signatures = signed(&secret, at());
        let (new, old) = signatures.split_once(' ').unwrap();
        assert_eq!(old, BY_ANOTHER);
        assert_eq!(new, signed(&Secret::new(counting(9)), at()));
        assert!(!signed(&secret, at().plus_seconds(OLD_SECRET_SECONDS)).contains(' '));
    }

    #[test]
    fn a_secret_opens_in_its_own_row_only() {
        let keys = Keys::parse(&key_text(1, &[7; KEY_BYTES])).unwrap();
        let row = |number| WebhookId::from_random(at(), [number; 10]);
        for secret in
            [Secret::new(counting(0)), Secret::new(counting(0)).rotated(counting(1), at())]
        {
            let sealed = secret.seal(&keys, row(1), [9; NONCE_BYTES]).unwrap();
            assert!(Secret::open(&keys, row(1), &sealed).is_ok_and(|opened| opened == secret));
            assert_eq!(Secret::open(&keys, row(2), &sealed).err(), Some(SealError::Damaged));
        }
    }

    #[test]
    fn a_message_is_thin() {
        let node = NodeId(32);
        let event = Event {
            id: 7,
            kind: EventKind::SliceRented,
            node: Some(node),
            slice: Some(SliceId { node, number: 1 }),
            rental: None,
            subject: None,
            at: at(),
        };
        let notice = Notice { event, kind: NotificationCategory::Rented, side: Side::Farmer };
        let lines = |body: String| body.replace(",\"", ",\n\"") + "\n";
        expect![[r#"
            {"type":"slice-rented",
            "timestamp":"2026-11-22T17:20:00Z",
            "data":{"event_id":7,
            "category":"rented",
            "rental_id":null,
            "node_id":"node32",
            "slice_id":"node32_slice_1",
            "subject":null}}
        "#]]
        .assert_eq(&lines(notification_body(&notice)));
        let webhook = WebhookId::from_random(at(), [1; 10]);
        expect![[r#"
            {"type":"test",
            "timestamp":"2026-11-22T17:20:00Z",
            "data":{"webhook_id":"01a20445-9a00-7101-8101-010101010101"}}
        "#]]
        .assert_eq(&lines(test_body(webhook, at())));
    }
}
