//! Accounts, sessions and tokens.

use domain::account::Scope;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::json::{EMAIL, ONE_LINE_OF_80};
use crate::operation::{Access, Operation, schema_of};
use crate::problem::Kind;

const GROUP: &str = "Account";

/// `POST /api/account`
pub const CREATE_ACCOUNT: Operation = Operation {
    id: "createAccount",
    group: GROUP,
    method: Method::POST,
    path: "/api/account",
    summary: "Signs up. The answer sets the cookie of a session.",
    body: Some(schema_of::<CredentialsBody>),
    status: 201,
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    problems: &[Kind::EmailTaken],
    ..Operation::READ
};

/// `GET /api/account`
pub const SHOW_ACCOUNT: Operation = Operation {
    id: "showAccount",
    group: GROUP,
    path: "/api/account",
    summary: "Shows whose session or token this is.",
    access: Access::Account(Scope::Read),
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    ..Operation::READ
};

/// `POST /api/account/sessions`
pub const OPEN_SESSION: Operation = Operation {
    id: "openSession",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/sessions",
    summary: "Signs in. The answer sets the cookie of a session.",
    body: Some(schema_of::<CredentialsBody>),
    status: 201,
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    problems: &[Kind::WrongCredentials],
    ..Operation::READ
};

/// `DELETE /api/account/sessions`
pub const CLOSE_SESSION: Operation = Operation {
    id: "closeSession",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/sessions",
    summary: "Signs out: ends the session of this request's cookie.",
    status: 204,
    about_answer: "The session has ended.",
    ..Operation::READ
};

/// `POST /api/account/tokens`
pub const CREATE_TOKEN: Operation = Operation {
    id: "createToken",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/tokens",
    summary: "Makes an API token, shown once. It needs a session: a token makes no tokens.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<TokenBody>),
    status: 201,
    about_answer: "The token.",
    answer: Some(schema_of::<TokenView>),
    problems: &[Kind::TooManyTokens],
    ..Operation::READ
};

/// E-mail and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialsBody {
    /// The account's e-mail address.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// At least 8 characters.
    #[schemars(length(min = 8, max = 512))]
    pub password: String,
}

/// An account.
#[derive(Serialize, JsonSchema)]
pub struct AccountView {
    /// Its id.
    pub id: String,
    /// Its e-mail address.
    pub email: String,
}

/// A token to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenBody {
    /// What you call it, 1 to 80 characters.
    #[schemars(regex(pattern = ONE_LINE_OF_80))]
    pub name: String,
    /// What it may do: any of `read`, `rent`, `farm`.
    #[schemars(length(min = 1), inner(regex(pattern = "^(read|rent|farm)$")))]
    pub scopes: Vec<String>,
}

/// A token that was made.
#[derive(Serialize, JsonSchema)]
pub struct TokenView {
    /// Its id.
    pub id: String,
    /// The token itself. It is not kept: write it down now.
    pub token: String,
    /// What you call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// When it ends (RFC 3339).
    pub expires_at: String,
}
