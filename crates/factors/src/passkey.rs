//! Passkeys: the two ceremonies of `WebAuthn`, each in two halves.
//!
//! The first half gives options for the browser and a state to keep; the second one takes the state
//! and the browser's answer. A state is good for five minutes, and for one answer: the caller keeps
//! it no longer. Every passkey is discoverable, and verifies its user: it signs in alone.

use serde_json::Value;
use url::{Host, Url};
use webauthn_rp::bin::{Decode, Encode};
use webauthn_rp::request::auth::AuthenticationVerificationOptions;
use webauthn_rp::request::register::{
    CredProtect, PublicKeyCredentialUserEntity, RegistrationVerificationOptions, UserHandle16,
    Username,
};
use webauthn_rp::request::{AsciiDomain, ExtensionInfo, PublicKeyCredentialDescriptor, RpId};
use webauthn_rp::response::register::{CompressedPubKey, DynamicState, StaticState};
use webauthn_rp::response::{AuthTransports, CredentialId};
use webauthn_rp::{
    AuthenticatedCredential, DiscoverableAuthentication, DiscoverableAuthenticationServerState,
    DiscoverableCredentialRequestOptions, PublicKeyCredentialCreationOptions, Registration,
    RegistrationServerState,
};

/// Bytes of a user handle: those of an account's id.
pub const USER_BYTES: usize = 16;

/// What an account is called on an authenticator where its address cannot be a name there.
const NAMELESS: &str = "mycelium";

/// A public key as it is kept: of Ed25519, P-256, P-384, or RSA.
type KeptKey = CompressedPubKey<[u8; 32], [u8; 32], [u8; 48], Vec<u8>>;

/// The site that passkeys are bound to.
pub struct RelyingParty {
    id: RpId,
    origin: String,
}

/// The first half of a ceremony.
pub struct Ceremony {
    /// What to keep until the answer comes.
    pub state: Vec<u8>,
    /// What `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`
    /// reads.
    pub options: Value,
}

/// A passkey that was made.
#[derive(Debug)]
pub struct NewPasskey {
    /// The credential's id.
    pub id: Vec<u8>,
    /// The public key and what never changes.
    pub fixed: Vec<u8>,
    /// The counter and what changes with each use.
    pub moving: Vec<u8>,
}

/// A passkey as it is kept.
#[derive(Clone, Copy, Debug)]
pub struct KeptPasskey<'a> {
    /// The account's id.
    pub user: [u8; USER_BYTES],
    /// As [`NewPasskey`] says.
    pub fixed: &'a [u8],
    /// As [`NewPasskey`] says.
    pub moving: &'a [u8],
}

/// Why a ceremony failed.
#[derive(Debug, thiserror::Error)]
pub enum PasskeyError {
    /// It is not what a browser gives.
    #[error("not a credential as PublicKeyCredential.toJSON() gives it: {0}")]
    MalformedRequest(String),
    /// It is what a browser gives, and does not hold.
    #[error("{0}")]
    Refused(String),
    /// What was kept cannot be read.
    #[error("what is kept of a passkey cannot be read: {0}")]
    Corrupt(String),
}

impl RelyingParty {
    /// The site at this origin, such as `https://mycelium.example`. `None` where browsers have no
    /// passkeys: on an IP address, and without TLS anywhere but on localhost.
    pub fn at(origin: &str) -> Option<RelyingParty> {
        let url = Url::parse(origin).ok()?;
        let Some(Host::Domain(domain)) = url.host() else { return None };
        let is_safe = url.scheme() == "https" || (url.scheme() == "http" && domain == "localhost");
        let id = RpId::Domain(AsciiDomain::try_from(domain.to_owned()).ok()?);
        is_safe.then(|| RelyingParty { id, origin: url.origin().ascii_serialization() })
    }

    /// Whether it is the machine itself, for development.
    pub fn is_local(&self) -> bool {
        self.id.as_ref() == "localhost"
    }

    /// Begins to make a passkey for an account; an authenticator that holds one of the `existing`
    /// credentials makes none.
    pub fn begin_new(
        &self,
        user: [u8; USER_BYTES],
        email: &str,
        existing: &[Vec<u8>],
    ) -> Result<Ceremony, PasskeyError> {
        let user = UserHandle16::from(user);
        let name = Username::try_from(email).or_else(|_| Username::try_from(NAMELESS));
        let entity = PublicKeyCredentialUserEntity {
            name: name.map_err(corrupt)?,
            id: &user,
            display_name: None,
        };
        let descriptor = |id: &Vec<u8>| {
            let id = CredentialId::try_from(id.clone()).map_err(corrupt)?;
            Ok(PublicKeyCredentialDescriptor { id, transports: AuthTransports::NONE })
        };
        let existing = existing.iter().map(descriptor).collect::<Result<_, _>>()?;
        let mut options = PublicKeyCredentialCreationOptions::passkey(&self.id, entity, existing);
        // Asked for, not insisted on: few phones know it, and the flags say who was verified.
        options.extensions.cred_protect =
            CredProtect::UserVerificationRequired(ExtensionInfo::AllowDontEnforceValue);
        let (state, options) = options.start_ceremony().map_err(corrupt)?;
        ceremony(state.encode(), serde_json::to_value(&options))
    }

    /// Takes the passkey that the browser has made for `user`.
    pub fn finish_new(
        &self,
        state: &[u8],
        user: [u8; USER_BYTES],
        credential: &[u8],
    ) -> Result<NewPasskey, PasskeyError> {
        let state = RegistrationServerState::<USER_BYTES>::decode(state).map_err(corrupt)?;
        let made = Registration::from_json_relaxed(credential).map_err(unreadable)?;
        let options = RegistrationVerificationOptions::<&str, &str> {
            allowed_origins: &[&self.origin],
            // Some password managers answer extensions that nobody asked for.
            error_on_unsolicited_extensions: false,
            ..RegistrationVerificationOptions::default()
        };
        let passkey = state.verify(&self.id, &made, &options).map_err(refused)?;
        if *passkey.user_id() != UserHandle16::from(user) {
            return Err(PasskeyError::Refused("it was made for another account".to_owned()));
        }
        let Ok(moving) = passkey.dynamic_state().encode();
        let Ok(fixed) = passkey.static_state().encode();
        Ok(NewPasskey { id: passkey.id().as_ref().to_vec(), fixed, moving: moving.to_vec() })
    }

    /// Begins to show a passkey; the browser asks which one.
    pub fn begin_use(&self) -> Result<Ceremony, PasskeyError> {
        let options = DiscoverableCredentialRequestOptions::passkey(&self.id);
        let (state, options) = options.start_ceremony().map_err(corrupt)?;
        ceremony(state.encode(), serde_json::to_value(&options))
    }

    /// Checks what a passkey has signed, and answers what to keep as its `moving` from now on.
    pub fn finish_use(
        &self,
        state: &[u8],
        shown: &ShownPasskey,
        kept: KeptPasskey<'_>,
    ) -> Result<Vec<u8>, PasskeyError> {
        let state = DiscoverableAuthenticationServerState::decode(state).map_err(corrupt)?;
        let fixed = StaticState::<KeptKey>::decode(kept.fixed).map_err(corrupt)?;
        let moving = kept.moving.try_into().map_err(corrupt)?;
        let moving = DynamicState::decode(moving).map_err(corrupt)?;
        let user = UserHandle16::from(kept.user);
        let mut passkey = AuthenticatedCredential::new(shown.0.raw_id(), &user, fixed, moving)
            .map_err(corrupt)?;
        let options = AuthenticationVerificationOptions::<&str, &str> {
            allowed_origins: &[&self.origin],
            error_on_unsolicited_extensions: false,
            ..AuthenticationVerificationOptions::default()
        };
        state.verify(&self.id, &shown.0, &mut passkey, &options).map_err(refused)?;
        let Ok(moving) = passkey.dynamic_state().encode();
        Ok(moving.to_vec())
    }
}

/// What a browser answers when a passkey was shown.
pub struct ShownPasskey(DiscoverableAuthentication<USER_BYTES>);

impl ShownPasskey {
    /// Reads `PublicKeyCredential.toJSON()`.
    pub fn parse(credential: &[u8]) -> Result<ShownPasskey, PasskeyError> {
        DiscoverableAuthentication::from_json_relaxed(credential)
            .map(ShownPasskey)
            .map_err(unreadable)
    }

    /// The credential's id.
    pub fn id(&self) -> Vec<u8> {
        self.0.raw_id().as_ref().to_vec()
    }
}

fn ceremony(
    state: Result<Vec<u8>, impl ToString>,
    options: serde_json::Result<Value>,
) -> Result<Ceremony, PasskeyError> {
    Ok(Ceremony { state: state.map_err(corrupt)?, options: options.map_err(corrupt)? })
}

fn unreadable(error: impl ToString) -> PasskeyError {
    PasskeyError::MalformedRequest(error.to_string())
}

fn refused(error: impl ToString) -> PasskeyError {
    PasskeyError::Refused(error.to_string())
}

fn corrupt(error: impl ToString) -> PasskeyError {
    PasskeyError::Corrupt(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> RelyingParty {
        RelyingParty::at("https://mycelium.example").unwrap()
    }

    #[test]
    fn a_site_has_a_domain_and_tls() {
        for (origin, id, expected) in [
            ("https://Mycelium.example/", "mycelium.example", "https://mycelium.example"),
            ("https://a.example:8443", "a.example", "https://a.example:8443"),
            ("http://localhost:3000", "localhost", "http://localhost:3000"),
        ] {
            let site = RelyingParty::at(origin).unwrap();
            assert_eq!((site.id.as_ref(), site.origin.as_str()), (id, expected));
        }
        for origin in
            ["", "http://a.example", "http://127.0.0.1:3000", "https://[::1]", "ftp://a.example"]
        {
            assert!(RelyingParty::at(origin).is_none(), "{origin}");
        }
    }

    #[test]
    fn a_new_passkey_signs_in_alone() {
        let begun = site().begin_new([7; 16], "ada@example.org", &[vec![9; 16]]).unwrap();
        let options = &begun.options;
        assert_eq!(options["rp"]["id"], "mycelium.example");
        assert_eq!(options["user"]["name"], "ada@example.org");
        assert_eq!(options["authenticatorSelection"]["residentKey"], "required");
        assert_eq!(options["authenticatorSelection"]["userVerification"], "required");
        assert_eq!(options["excludeCredentials"].as_array().map(Vec::len), Some(1));
        assert_eq!(options["attestation"], "none");
        assert_eq!(options["extensions"]["enforceCredentialProtectionPolicy"], false);
        let begun = site().begin_use().unwrap();
        assert_eq!(begun.options["userVerification"], "required");
        let odd = site().begin_new([7; 16], "a\u{202e}@b.c", &[]).unwrap();
        assert_eq!(odd.options["user"]["name"], NAMELESS);
    }

    #[test]
    fn what_is_no_credential_is_unreadable() {
        let begun = site().begin_new([7; 16], "ada@example.org", &[]).unwrap();
        for text in ["", "{}", "[]", r#"{"id":"AA"}"#] {
            let error = site().finish_new(&begun.state, [7; 16], text.as_bytes()).unwrap_err();
            assert!(matches!(error, PasskeyError::MalformedRequest(_)), "{text}: {error}");
            assert!(ShownPasskey::parse(text.as_bytes()).is_err(), "{text}");
        }
    }
}
