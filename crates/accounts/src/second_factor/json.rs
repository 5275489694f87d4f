//! Second factors: passkeys, authenticator apps, recovery codes, and what is signed in with them.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use domain::account::Scope;
use domain::factor::Factors;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::factors::Passkey;
use web::Kind;
use web::operation::{Access, Operation, schema_of};

use crate::account::json::AccountView;

const GROUP: &str = "Second factors";

/// `POST /api/account/sessions/second-factor`
pub(crate) const FINISH_SESSION: Operation = Operation {
    id: "finishSession",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/sessions/second-factor",
    summary: "Completes a sign-in with a code after the password. The response sets a session \
              cookie.",
    body: Some(schema_of::<SecondFactorBody>),
    status: 201,
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    problems: &[Kind::WrongCode, Kind::ExpiredCode, Kind::WrongCredentials],
    ..Operation::READ
};

/// `POST /api/account/passkeys/sign-in`
pub(crate) const BEGIN_PASSKEY_SIGN_IN: Operation = Operation {
    id: "beginPasskeySignIn",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/passkeys/sign-in",
    summary: "Starts a passkey sign-in or verification.",
    about_answer: "The options for the browser's WebAuthn call.",
    answer: Some(schema_of::<CeremonyView>),
    problems: &[Kind::PasskeysUnavailable],
    ..Operation::READ
};

/// `POST /api/account/sessions/passkey`
pub(crate) const OPEN_SESSION_BY_PASSKEY: Operation = Operation {
    id: "openSessionByPasskey",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/sessions/passkey",
    summary: "Signs in with a passkey. The response sets a session cookie.",
    body: Some(schema_of::<ShownPasskeyBody>),
    status: 201,
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    problems: &[
        Kind::PasskeyRefused,
        Kind::ExpiredCode,
        Kind::PasskeysUnavailable,
        Kind::WrongCredentials,
    ],
    ..Operation::READ
};

/// `POST /api/account/sessions/verify`
pub(crate) const VERIFY_SESSION: Operation = Operation {
    id: "verifySession",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/sessions/verify",
    summary: "Verifies the session for 15 minutes. The response sets a new session cookie.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<VerificationBody>),
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    problems: &[
        Kind::WrongPassword,
        Kind::WrongCode,
        Kind::PasskeyRefused,
        Kind::ExpiredCode,
        Kind::VerificationRequired,
        Kind::PasskeysUnavailable,
    ],
    ..Operation::READ
};

/// `GET /api/account/factors`
pub(crate) const SHOW_FACTORS: Operation = Operation {
    id: "showFactors",
    group: GROUP,
    path: "/api/account/factors",
    summary: "Returns the account's second factors.",
    access: Access::Account(Scope::Read),
    about_answer: "The factors.",
    answer: Some(schema_of::<FactorsView>),
    ..Operation::READ
};

/// `GET /api/account/passkeys`
pub(crate) const LIST_PASSKEYS: Operation = Operation {
    id: "listPasskeys",
    group: GROUP,
    path: "/api/account/passkeys",
    summary: "Lists the account's passkeys. Requires a session.",
    access: Access::Account(Scope::Read),
    about_answer: "The passkeys, oldest first.",
    answer: Some(schema_of::<PasskeysView>),
    ..Operation::READ
};

/// `POST /api/account/passkeys/options`
pub(crate) const BEGIN_PASSKEY: Operation = Operation {
    id: "beginPasskey",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/passkeys/options",
    summary: "Starts adding a passkey. Requires a recently verified session.",
    access: Access::Account(Scope::Read),
    about_answer: "The options for the browser's WebAuthn call.",
    answer: Some(schema_of::<CeremonyView>),
    problems: &[Kind::VerificationRequired, Kind::PasskeysUnavailable, Kind::TooManyPasskeys],
    ..Operation::READ
};

/// `POST /api/account/passkeys`
pub(crate) const ADD_PASSKEY: Operation = Operation {
    id: "addPasskey",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/passkeys",
    summary: "Adds the passkey created by the browser. The response sets a new session cookie.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<NewPasskeyBody>),
    status: 201,
    about_answer: "The passkey.",
    answer: Some(schema_of::<PasskeyView>),
    problems: &[
        Kind::VerificationRequired,
        Kind::PasskeyRefused,
        Kind::ExpiredCode,
        Kind::PasskeysUnavailable,
        Kind::PasskeyTaken,
        Kind::TooManyPasskeys,
    ],
    ..Operation::READ
};

/// `DELETE /api/account/passkeys/{passkey}`
pub(crate) const REMOVE_PASSKEY: Operation = Operation {
    id: "removePasskey",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/passkeys/{passkey}",
    summary: "Removes a passkey.",
    access: Access::Account(Scope::Read),
    status: 204,
    about_answer: "The passkey was removed.",
    problems: &[Kind::VerificationRequired],
    ..Operation::READ
};

/// `POST /api/account/totp`
pub(crate) const BEGIN_TOTP: Operation = Operation {
    id: "beginTotp",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/totp",
    summary: "Starts the setup of an authenticator app. Confirm it with the app's first code.",
    access: Access::Account(Scope::Read),
    about_answer: "The secret, returned only once.",
    answer: Some(schema_of::<TotpView>),
    problems: &[Kind::VerificationRequired, Kind::TotpAlreadySetUp, Kind::NoEncryptionKeys],
    ..Operation::READ
};

/// `POST /api/account/totp/confirm`
pub(crate) const CONFIRM_TOTP: Operation = Operation {
    id: "confirmTotp",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/totp/confirm",
    summary: "Confirms an authenticator app with a code. The response sets a new session cookie.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<AppCodeBody>),
    about_answer: "New recovery codes, returned only once. Earlier codes stop working.",
    answer: Some(schema_of::<RecoveryCodesView>),
    problems: &[
        Kind::VerificationRequired,
        Kind::WrongCode,
        Kind::NotFound,
        Kind::TotpAlreadySetUp,
        Kind::NoEncryptionKeys,
    ],
    ..Operation::READ
};

/// `DELETE /api/account/totp`
pub(crate) const REMOVE_TOTP: Operation = Operation {
    id: "removeTotp",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/totp",
    summary: "Removes the authenticator app.",
    access: Access::Account(Scope::Read),
    status: 204,
    about_answer: "The app's codes no longer work.",
    problems: &[Kind::VerificationRequired, Kind::NotFound],
    ..Operation::READ
};

/// `POST /api/account/recovery-codes`
pub(crate) const MAKE_RECOVERY_CODES: Operation = Operation {
    id: "makeRecoveryCodes",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/recovery-codes",
    summary: "Generates recovery codes. Each works once in place of a lost second factor.",
    access: Access::Account(Scope::Read),
    status: 201,
    about_answer: "The codes, returned only once. Earlier codes stop working.",
    answer: Some(schema_of::<RecoveryCodesView>),
    problems: &[Kind::VerificationRequired, Kind::SecondFactorRequired],
    ..Operation::READ
};

/// The longest id of a credential, in base64url (`WebAuthn`: 1,023 bytes).
const PASSKEY_ID_CHARS_MAX: usize = 1_364;

/// A passkey's id as it is shown.
pub(crate) fn passkey_id(id: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(id)
}

/// The passkey's id that a text shows; `None` if it shows none.
pub(crate) fn parse_passkey_id(text: &str) -> Option<Vec<u8>> {
    let text = Some(text).filter(|text| text.len() <= PASSKEY_ID_CHARS_MAX)?;
    BASE64_URL_SAFE_NO_PAD.decode(text).ok()
}

/// A code, after the password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondFactorBody {
    /// The `challenge` of the answer to the password.
    pub challenge: String,
    /// A code of the authenticator app, or a recovery code.
    pub code: String,
}

/// A code of the authenticator app.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AppCodeBody {
    /// Six digits.
    pub code: String,
}

/// A passkey that was shown.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShownPasskeyBody {
    /// The `challenge` of the options.
    pub challenge: String,
    /// `PublicKeyCredential.toJSON()` of what `navigator.credentials.get` gave.
    pub credential: Value,
}

/// A passkey that was made.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPasskeyBody {
    /// The `challenge` of the options.
    pub challenge: String,
    /// What you call it, 1 to 80 characters.
    pub name: String,
    /// `PublicKeyCredential.toJSON()` of what `navigator.credentials.create` gave.
    pub credential: Value,
}

/// Who holds the session: the password where the account has no second factor; else a code, or a
/// passkey.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct VerificationBody {
    /// The password.
    pub password: Option<String>,
    /// A code of the authenticator app, or a recovery code.
    pub code: Option<String>,
    /// The `challenge` of a passkey's options.
    pub challenge: Option<String>,
    /// `PublicKeyCredential.toJSON()` of what `navigator.credentials.get` gave.
    pub credential: Option<Value>,
}

/// The password was right, and a second factor is still to be shown.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SecondFactorView {
    /// To send along with the code; good for ten minutes.
    pub challenge: String,
    /// What can be shown: any of `totp`, `recovery-code`, `passkey`.
    pub factors: Vec<&'static str>,
}

/// The first half of a passkey's ceremony.
#[derive(Serialize, JsonSchema)]
pub(crate) struct CeremonyView {
    /// To send along with the credential; good once, for five minutes.
    pub challenge: String,
    /// For `PublicKeyCredential.parseCreationOptionsFromJSON` or `parseRequestOptionsFromJSON`.
    pub options: Value,
}

/// A passkey.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PasskeyView {
    /// The credential's id, in base64url.
    pub id: String,
    /// What you call it.
    pub name: String,
    /// When it was added (RFC 3339).
    pub created_at: String,
    /// When it was last shown (RFC 3339).
    pub used_at: Option<String>,
}

impl From<&Passkey> for PasskeyView {
    fn from(passkey: &Passkey) -> PasskeyView {
        PasskeyView {
            id: passkey_id(&passkey.id),
            name: passkey.name.clone(),
            created_at: passkey.created_at.to_string(),
            used_at: passkey.used_at.map(|at| at.to_string()),
        }
    }
}

/// The passkeys of an account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct PasskeysView {
    /// At most 20.
    pub passkeys: Vec<PasskeyView>,
}

/// The second factors of an account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct FactorsView {
    /// How many passkeys.
    pub passkeys: u32,
    /// Whether an authenticator app is set up.
    pub totp: bool,
    /// How many recovery codes are left.
    pub recovery_codes: u32,
}

impl From<Factors> for FactorsView {
    fn from(factors: Factors) -> FactorsView {
        FactorsView {
            passkeys: factors.passkeys,
            totp: factors.has_totp,
            recovery_codes: factors.recovery_codes,
        }
    }
}

/// The secret that the account shares with an authenticator app.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TotpView {
    /// In base 32, in groups of four, for typing.
    pub secret: String,
    /// For a QR code: `otpauth://totp/…`.
    pub url: String,
}

/// Recovery codes.
#[derive(Serialize, JsonSchema)]
pub(crate) struct RecoveryCodesView {
    /// Ten codes. They are not kept: write them down now.
    pub recovery_codes: Vec<String>,
}
