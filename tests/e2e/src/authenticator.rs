//! An authenticator in software: it makes passkeys and shows them, and lies where a test wants it.
//!
//! It writes what `WebAuthn` level 3 describes (6.1 authenticator data, 6.5.1 attested credential
//! data, 5.8.1 client data) with a library of its own, so that it shares no mistake with the app.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use totp_rs::{Builder, Secret};
use url::Url;

/// Flags of authenticator data: the user is there, was verified, and data of a credential follow.
const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const CREDENTIAL_FOLLOWS: u8 = 0x40;

/// An authenticator and the browser around it.
#[derive(Clone, Debug)]
pub struct Authenticator {
    /// Where the browser says that it is.
    pub origin: String,
    /// What the authenticator takes the site for.
    pub rp_id: String,
    /// Whether it asks for a fingerprint or a PIN.
    pub verifies_user: bool,
}

/// A passkey.
#[derive(Clone, Debug)]
pub struct Passkey {
    /// The credential's id.
    pub id: Vec<u8>,
    /// What it signs with.
    pub key: SigningKey,
    /// Whose it is, as the site has said.
    pub user: String,
    /// How often it was used.
    pub counter: u32,
}

impl Authenticator {
    /// An honest one in a browser at this origin.
    pub fn at(origin: &str) -> Authenticator {
        let rp_id = Url::parse(origin).unwrap().host_str().unwrap().to_owned();
        Authenticator { origin: origin.to_owned(), rp_id, verifies_user: true }
    }

    /// Makes a passkey from the options of the site; `number` tells it from others.
    pub fn make(&self, options: &Value, number: u8) -> (Passkey, Value) {
        let key = SigningKey::from_slice(&[number; 32]).unwrap();
        let user = options["user"]["id"].as_str().unwrap().to_owned();
        let passkey = Passkey { id: vec![number; 32], key, user, counter: 1 };
        let mut data = self.data(CREDENTIAL_FOLLOWS, passkey.counter);
        data.extend([0; 16]);
        data.extend(u16::try_from(passkey.id.len()).unwrap().to_be_bytes());
        data.extend(&passkey.id);
        data.extend(cose(&passkey.key));
        let made = json!({
            "id": base64(&passkey.id),
            "rawId": base64(&passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64(&self.client_data("webauthn.create", options)),
                "attestationObject": base64(&attestation(&data)),
                "transports": ["internal"],
            },
        });
        (passkey, made)
    }

    /// Shows a passkey for the options of the site, and counts that up.
    pub fn show(&self, passkey: &mut Passkey, options: &Value) -> Value {
        passkey.counter += 1;
        let data = self.data(0, passkey.counter);
        let client_data = self.client_data("webauthn.get", options);
        let signed = [data.as_slice(), &Sha256::digest(&client_data)].concat();
        let signature: Signature = passkey.key.sign(&signed);
        json!({
            "id": base64(&passkey.id),
            "rawId": base64(&passkey.id),
            "type": "public-key",
            "authenticatorAttachment": "platform",
            "clientExtensionResults": {},
            "response": {
                "clientDataJSON": base64(&client_data),
                "authenticatorData": base64(&data),
                "signature": base64(signature.to_der().as_bytes()),
                "userHandle": passkey.user,
            },
        })
    }

    fn data(&self, flags: u8, counter: u32) -> Vec<u8> {
        let verified = if self.verifies_user { USER_VERIFIED } else { 0 };
        let mut data = Sha256::digest(&self.rp_id).to_vec();
        data.push(USER_PRESENT | verified | flags);
        data.extend(counter.to_be_bytes());
        data
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data = json!({
            "type": kind,
            "challenge": options["challenge"],
            "origin": self.origin,
            "crossOrigin": false,
        });
        data.to_string().into_bytes()
    }
}

/// The code that an authenticator app with this secret shows at a time.
pub fn app_code(secret: &str, seconds: i64) -> String {
    let secret = Secret::try_from_base32(secret.replace(' ', "")).unwrap();
    let totp = Builder::new().with_secret(secret).build().unwrap();
    totp.generate(u64::try_from(seconds).unwrap()).to_string()
}

/// A public key for ES256 (RFC 9053, 7.1), in CBOR.
fn cose(key: &SigningKey) -> Vec<u8> {
    let point = key.verifying_key().to_encoded_point(false);
    let mut cbor = vec![0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20];
    cbor.extend(point.x().unwrap());
    cbor.extend([0x22, 0x58, 0x20]);
    cbor.extend(point.y().unwrap());
    cbor
}

/// An attestation of the format `none`, in CBOR.
fn attestation(data: &[u8]) -> Vec<u8> {
    let mut cbor = vec![0xa3];
    cbor.extend(b"\x63fmt\x64none\x67attStmt\xa0\x68authData\x58");
    cbor.push(u8::try_from(data.len()).unwrap());
    cbor.extend(data);
    cbor
}

fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
