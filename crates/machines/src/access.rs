//! How machines are reached, and what they start with, as the database keeps it: sealed, each bound
//! to its row. And links to their consoles, which are signed when somebody asks for one.

use domain::id::{JobId, RentalId, SliceId};
use domain::port::{Port, PublicPort};
use domain::ssh::{Access, Endpoint};
use domain::time::Timestamp;
use hmac::{Hmac, KeyInit, Mac};
use seal::{Keys, NONCE_BYTES, Place, SealError};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use store::StoreError;
use store::chain::hex;
use web::Problem;

/// How long a link to a console works. The agent takes one that works for at most 300 seconds.
const CONSOLE_LINK_SECONDS: i64 = 60;

/// What is sealed of an access.
#[derive(Serialize, Deserialize)]
struct Kept {
    address: String,
    port: u16,
    user: String,
    host_keys: Vec<String>,
    console_url: Option<String>,
    /// Left out by accesses from before there was one.
    #[serde(default)]
    console_secret: Option<String>,
    /// The same.
    #[serde(default)]
    ports: Vec<KeptPort>,
    notes: Option<String>,
}

/// What is sealed of a further port.
#[derive(Serialize, Deserialize)]
struct KeptPort {
    protocol: String,
    port: u16,
    public_port: u16,
}

impl KeptPort {
    fn new(PublicPort { port, public }: PublicPort) -> KeptPort {
        let protocol = port.transport.into_str().to_owned();
        KeptPort { protocol, port: port.number, public_port: public }
    }

    fn open(&self) -> Option<PublicPort> {
        let port = Port::read(&self.protocol, self.port.into())?;
        Some(PublicPort { port, public: self.public_port })
    }
}

fn place_of_access(row: &str) -> Place<'_> {
    Place { table: "jobs", column: "sealed", row }
}

fn place_of_user_data(row: &str) -> Place<'_> {
    Place { table: "setups", column: "sealed", row }
}

/// Seals how the machine of a job is reached.
pub fn seal_access(
    keys: &Keys,
    job: &JobId,
    access: &Access,
    nonce: [u8; NONCE_BYTES],
) -> Result<Vec<u8>, Problem> {
    let Access { endpoint, user, host_keys, console_url, console_secret, notes } = access.clone();
    let kept = Kept {
        address: endpoint.address,
        port: endpoint.port,
        user,
        host_keys,
        console_url,
        console_secret,
        ports: endpoint.ports.into_iter().map(KeptPort::new).collect(),
        notes,
    };
    let text = serde_json::to_vec(&kept).map_err(Problem::internal)?;
    keys.seal(place_of_access(job.as_str()), &text, nonce).map_err(Problem::internal)
}

/// Opens how the machine of a job is reached.
pub fn open_access(keys: &Keys, job: &JobId, sealed: &[u8]) -> Result<Access, Problem> {
    let text = keys.open(place_of_access(job.as_str()), sealed).map_err(Problem::internal)?;
    let corrupt = || StoreError::Corrupt("a job's access cannot be read".to_owned());
    let kept: Kept = serde_json::from_slice(&text).map_err(|_| corrupt())?;
    let Kept { address, port, user, host_keys, console_url, console_secret, ports, notes } = kept;
    let ports = ports.iter().map(KeptPort::open).collect::<Option<_>>().ok_or_else(corrupt)?;
    let endpoint = Endpoint { address, port, ports };
    Ok(Access { endpoint, user, host_keys, console_url, console_secret, notes })
}

/// A link that opens a machine's console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleLink {
    /// Its address.
    pub url: String,
    /// Until when it works; `None` where it is somebody else's, and was not signed here.
    pub expires_at: Option<Timestamp>,
}

impl ConsoleLink {
    /// The link to the console of a rental's machine, if it has one.
    pub fn new(
        access: &Access,
        slice: SliceId,
        rental: RentalId,
        now: Timestamp,
    ) -> Option<ConsoleLink> {
        let url = access.console_url.clone()?;
        let Some(secret) = &access.console_secret else {
            return Some(ConsoleLink { url, expires_at: None });
        };
        let expires_at = now.plus_seconds(CONSOLE_LINK_SECONDS);
        let expires = expires_at.seconds();
        let mac = Hmac::<Sha256>::new_from_slice(&from_hex(secret)?).ok()?;
        let mac = mac.chain_update(format!("{slice}/{rental}\n{expires}"));
        let signature = hex(&mac.finalize().into_bytes());
        let url = format!("{url}?expires={expires}&signature={signature}");
        Some(ConsoleLink { url, expires_at: Some(expires_at) })
    }
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(digit(*high)? * 16 + digit(*low)?).ok(),
        _ => None,
    };
    text.as_bytes().chunks(2).map(byte).collect()
}

/// Seals a renter's own user data for one rental.
pub fn seal_user_data(
    keys: &Keys,
    rental: RentalId,
    text: &str,
    nonce: [u8; NONCE_BYTES],
) -> Result<Vec<u8>, Problem> {
    let row = rental.to_string();
    keys.seal(place_of_user_data(&row), text.as_bytes(), nonce).map_err(Problem::internal)
}

/// Opens a renter's own user data.
pub(crate) fn open_user_data(
    keys: &Keys,
    rental: RentalId,
    sealed: &[u8],
) -> Result<String, SealError> {
    let text = keys.open(place_of_user_data(&rental.to_string()), sealed)?;
    String::from_utf8(text.to_vec()).map_err(|_| SealError::Damaged)
}

#[cfg(test)]
mod tests {
    use domain::ssh::{ReportedAccess, ReportedEndpoint, ReportedPort};

    use super::*;

    const HOST_KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl";

    fn reported(host_keys: &[String]) -> ReportedAccess<'_> {
        const PORTS: &[ReportedPort<'_>] =
            &[ReportedPort { protocol: "udp", port: 53, public_port: 24_001 }];
        let endpoint = ReportedEndpoint { address: "203.0.113.7", port: 22, ports: PORTS };
        ReportedAccess {
            endpoint,
            user: "root",
            host_keys,
            console_url: Some("https://farm.example:8443/console/node32_slice_1/r"),
            console_secret: Some(
                "0707070707070707070707070707070707070707070707070707070707070707",
            ),
            notes: Some("rack 7"),
        }
    }

    fn job(number: u32) -> JobId {
        let rental = "01a2043b-3da8-7100-8000-000000000003";
        JobId::parse(&format!("{rental}_32_{number}_create")).unwrap()
    }

    #[test]
    fn an_access_opens_in_its_own_row_only() {
        let keys = Keys::parse(&seal::key_text(1, &[7; 32])).unwrap();
        let access = Access::read(&reported(&[HOST_KEY.to_owned()])).unwrap();
        let sealed = seal_access(&keys, &job(1), &access, [7; NONCE_BYTES]).unwrap();
        assert!(!String::from_utf8_lossy(&sealed).contains("203.0.113.7"));
        assert_eq!(open_access(&keys, &job(1), &sealed).unwrap(), access);
        assert!(open_access(&keys, &job(2), &sealed).is_err());
    }

    #[test]
    fn an_access_from_before_consoles_were_signed_still_opens() {
        let keys = Keys::parse(&seal::key_text(1, &[7; 32])).unwrap();
        let text = br#"{"address":"a","port":1,"user":"u","host_keys":[],"console_url":null,
            "notes":null}"#;
        let job = job(1);
        let sealed = keys.seal(place_of_access(job.as_str()), text, [7; NONCE_BYTES]).unwrap();
        let opened = open_access(&keys, &job, &sealed).unwrap();
        assert_eq!((opened.console_secret, opened.endpoint.ports), (None, Vec::new()));
    }

    #[test]
    fn a_link_to_a_console_is_signed_for_a_minute() {
        let rental = RentalId::parse("01a2043b-3da8-7100-8000-000000000003").unwrap();
        let slice = SliceId { node: domain::id::NodeId(32), number: 1 };
        let now = Timestamp::from_seconds(1_800_000_000);
        let host_keys = [HOST_KEY.to_owned()];
        let link = |reported: &ReportedAccess<'_>| {
            ConsoleLink::new(&Access::read(reported).unwrap(), slice, rental, now)
        };
        let signed = link(&reported(&host_keys)).unwrap();
        assert_eq!(signed.expires_at, Some(now.plus_seconds(60)));
        // printf 'node32_slice_1/01a2…\n1800000060' | openssl dgst -sha256 -mac HMAC -macopt
        // hexkey:0707…
        assert_eq!(
            signed.url,
            "https://farm.example:8443/console/node32_slice_1/r?expires=1800000060&signature=\
             3bb1064935f2c015fb22aaf047ab4b815a3ce10e73fd9222d59c1116fd5f7c3b"
        );
        let plain = link(&ReportedAccess { console_secret: None, ..reported(&host_keys) }).unwrap();
        assert_eq!(plain.expires_at, None);
        assert_eq!(plain.url, "https://farm.example:8443/console/node32_slice_1/r");
        let none =
            ReportedAccess { console_url: None, console_secret: None, ..reported(&host_keys) };
        assert_eq!(link(&none), None);
    }
}
