//! Accounts: signing up and in, what changes one, sessions, tokens, and what was done.

use domain::account::Scope;
use domain::field::FieldError;
use domain::text::parse_line;
use domain::time::Timestamp;
use http::Method;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use store::accounts::Identity;
use store::sessions::Session;
use store::tokens::Token;
use ui::audit::AuditView;
use web::Kind;
use web::api::{PAGING, PageOf};
use web::json::{Decimal, EMAIL, ONE_LINE_OF_80};
use web::operation::{Access, NextStep, Operation, schema_of};

use crate::second_factor::json::SecondFactorView;

const GROUP: &str = "Account";

/// What an answer says where a mail is on its way.
const MAIL_SENT: NextStep = NextStep {
    about: "An email with a code was sent. The code works once, for six hours.",
    answer: schema_of::<MailSentView>,
};

/// `POST /api/account`
pub(crate) const CREATE_ACCOUNT: Operation = Operation {
    id: "createAccount",
    group: GROUP,
    method: Method::POST,
    path: "/api/account",
    summary: "Signs up. If the marketplace sends email, the response is always 202, whether or \
              not the address has an account. Otherwise, the account is created and signed in.",
    body: Some(schema_of::<CredentialsBody>),
    status: 201,
    about_answer: "The account. The response sets a session cookie.",
    answer: Some(schema_of::<AccountView>),
    next_step: Some(MAIL_SENT),
    problems: &[Kind::EmailTaken],
    ..Operation::READ
};

/// `POST /api/account/confirm`
pub(crate) const CONFIRM_ACCOUNT: Operation = Operation {
    id: "confirmAccount",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/confirm",
    summary: "Confirms a sign-up with the emailed code, creates the account and signs it in.",
    body: Some(schema_of::<CodeBody>),
    status: 201,
    about_answer: "The account. The response sets a session cookie.",
    answer: Some(schema_of::<AccountView>),
    problems: &[Kind::ExpiredCode],
    ..Operation::READ
};

/// `GET /api/account`
pub(crate) const SHOW_ACCOUNT: Operation = Operation {
    id: "showAccount",
    group: GROUP,
    path: "/api/account",
    summary: "Returns the account of the session or token.",
    access: Access::Account(Scope::Read),
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    ..Operation::READ
};

/// `PATCH /api/account`
pub(crate) const CHANGE_ACCOUNT: Operation = Operation {
    id: "changeAccount",
    group: GROUP,
    method: Method::PATCH,
    path: "/api/account",
    summary: "Sets the display name that farmers see, or shows your email address instead. \
              Requires a session.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<ChangeAccountBody>),
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    ..Operation::READ
};

/// `POST /api/account/delete`
pub(crate) const DELETE_ACCOUNT: Operation = Operation {
    id: "deleteAccount",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/delete",
    summary: "Deletes the account permanently. Transactions and history are kept without personal \
              data.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<PasswordBody>),
    status: 204,
    about_answer: "The account was deleted.",
    problems: &[Kind::WrongPassword, Kind::VerificationRequired, Kind::InUse],
    ..Operation::READ
};

/// `POST /api/account/password`
pub(crate) const CHANGE_PASSWORD: Operation = Operation {
    id: "changePassword",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/password",
    summary: "Changes the password, and ends all other sessions and all API tokens that you don't \
              keep.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<NewPasswordBody>),
    status: 204,
    about_answer: "The password was changed. The response sets a new session cookie.",
    problems: &[Kind::WrongPassword, Kind::VerificationRequired],
    ..Operation::READ
};

/// `POST /api/account/email`
pub(crate) const CHANGE_EMAIL: Operation = Operation {
    id: "changeEmail",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/email",
    summary: "Changes the email address. If the marketplace sends email, the new address must \
              be confirmed first.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<NewEmailBody>),
    about_answer: "The account with its new address.",
    answer: Some(schema_of::<AccountView>),
    next_step: Some(MAIL_SENT),
    problems: &[Kind::WrongPassword, Kind::VerificationRequired, Kind::EmailTaken],
    ..Operation::READ
};

/// `POST /api/account/email/confirm`
pub(crate) const CONFIRM_EMAIL: Operation = Operation {
    id: "confirmEmail",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/email/confirm",
    summary: "Confirms a new email address with the emailed code.",
    body: Some(schema_of::<CodeBody>),
    status: 204,
    about_answer: "The address was changed.",
    problems: &[Kind::ExpiredCode, Kind::EmailTaken],
    ..Operation::READ
};

/// `POST /api/account/reset`
pub(crate) const ASK_RESET: Operation = Operation {
    id: "askPasswordReset",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/reset",
    summary: "Sends a password reset email. The response is the same whether or not the address \
              has an account.",
    body: Some(schema_of::<EmailBody>),
    status: 202,
    about_answer: "The email was sent.",
    answer: Some(schema_of::<MailSentView>),
    problems: &[Kind::MailNotConfigured],
    ..Operation::READ
};

/// `POST /api/account/reset/confirm`
pub(crate) const RESET_PASSWORD: Operation = Operation {
    id: "resetPassword",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/reset/confirm",
    summary: "Sets a new password with the emailed code, and ends all sessions and all API tokens \
              that you don't keep. You then sign in as usual, including any second factor.",
    body: Some(schema_of::<ResetBody>),
    status: 204,
    about_answer: "The password was set.",
    problems: &[Kind::ExpiredCode],
    ..Operation::READ
};

/// `POST /api/account/sessions`
pub(crate) const OPEN_SESSION: Operation = Operation {
    id: "openSession",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/sessions",
    summary: "Signs in. The response sets a session cookie.",
    body: Some(schema_of::<CredentialsBody>),
    status: 201,
    about_answer: "The account.",
    answer: Some(schema_of::<AccountView>),
    next_step: Some(NextStep {
        about: "The password is correct, and a second factor is required.",
        answer: schema_of::<SecondFactorView>,
    }),
    problems: &[Kind::WrongCredentials],
    ..Operation::READ
};

/// `DELETE /api/account/sessions`
pub(crate) const CLOSE_SESSION: Operation = Operation {
    id: "closeSession",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/sessions",
    summary: "Signs out and ends the session of the request's cookie.",
    status: 204,
    about_answer: "The session was ended.",
    ..Operation::READ
};

/// `GET /api/account/sessions`
pub(crate) const LIST_SESSIONS: Operation = Operation {
    id: "listSessions",
    group: GROUP,
    path: "/api/account/sessions",
    summary: "Lists signed-in browsers, newest first, up to 50.",
    access: Access::Account(Scope::Read),
    about_answer: "The sessions.",
    answer: Some(schema_of::<PageOf<SessionView>>),
    ..Operation::READ
};

/// `DELETE /api/account/sessions/{session}`
pub(crate) const END_SESSION: Operation = Operation {
    id: "endSession",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/sessions/{session}",
    summary: "Ends a session of the account.",
    access: Access::Account(Scope::Read),
    status: 204,
    about_answer: "The session was ended.",
    ..Operation::READ
};

/// `POST /api/account/sessions/end-others`
pub(crate) const END_OTHER_SESSIONS: Operation = Operation {
    id: "endOtherSessions",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/sessions/end-others",
    summary: "Ends all other sessions of the account.",
    access: Access::Account(Scope::Read),
    status: 204,
    about_answer: "The other sessions were ended.",
    ..Operation::READ
};

/// `POST /api/account/tokens`
pub(crate) const CREATE_TOKEN: Operation = Operation {
    id: "createToken",
    group: GROUP,
    method: Method::POST,
    path: "/api/account/tokens",
    summary: "Creates an API token, which is returned only once. Requires a session; tokens can't \
              create tokens.",
    access: Access::Account(Scope::Read),
    body: Some(schema_of::<TokenBody>),
    status: 201,
    about_answer: "The token.",
    answer: Some(schema_of::<NewTokenView>),
    problems: &[Kind::TooManyTokens, Kind::VerificationRequired],
    ..Operation::READ
};

/// `GET /api/account/tokens`
pub(crate) const LIST_TOKENS: Operation = Operation {
    id: "listTokens",
    group: GROUP,
    path: "/api/account/tokens",
    summary: "Lists the account's tokens, newest first, up to 100.",
    access: Access::Account(Scope::Read),
    about_answer: "The tokens, without their secrets.",
    answer: Some(schema_of::<PageOf<TokenView>>),
    ..Operation::READ
};

/// `DELETE /api/account/tokens/{token}`
pub(crate) const REVOKE_TOKEN: Operation = Operation {
    id: "revokeToken",
    group: GROUP,
    method: Method::DELETE,
    path: "/api/account/tokens/{token}",
    summary: "Revokes a token immediately.",
    access: Access::Account(Scope::Read),
    status: 204,
    about_answer: "The token was revoked.",
    ..Operation::READ
};

/// `GET /api/account/audit`
pub(crate) const LIST_AUDIT: Operation = Operation {
    id: "listAccountAudit",
    group: GROUP,
    path: "/api/account/audit",
    summary: "Lists the account's activity, newest first.",
    access: Access::Account(Scope::Read),
    query: &PAGING,
    about_answer: "A page of the audit log.",
    answer: Some(schema_of::<PageOf<AuditView>>),
    ..Operation::READ
};

/// Email and password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CredentialsBody {
    /// The account's email address.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// At least 8 characters.
    #[schemars(length(min = 8, max = 512))]
    pub password: String,
}

/// The code of a mail.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CodeBody {
    /// The code.
    pub code: String,
}

/// The account's password, to show that it is its owner who asks.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PasswordBody {
    /// The account's password.
    pub password: String,
}

/// A password to change to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewPasswordBody {
    /// The password until now.
    pub current_password: String,
    /// The password from now on, at least 8 characters.
    #[schemars(length(min = 8, max = 512))]
    pub password: String,
    /// The API tokens that keep working, by their IDs; all others end. Left out, all end.
    #[serde(default)]
    pub keep_tokens: Vec<String>,
}

/// An email address to change to.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewEmailBody {
    /// The address from now on.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
    /// The account's password.
    pub password: String,
}

/// An email address.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EmailBody {
    /// The account's email address.
    #[schemars(length(max = 254), regex(pattern = EMAIL))]
    pub email: String,
}

/// A code and a new password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResetBody {
    /// The code of the mail.
    pub code: String,
    /// The password from now on, at least 8 characters.
    #[schemars(length(min = 8, max = 512))]
    pub password: String,
    /// The API tokens that keep working, by their IDs; all others end. Left out, all end.
    #[serde(default)]
    pub keep_tokens: Vec<String>,
}

/// A mail is on its way.
#[derive(Serialize, JsonSchema)]
pub(crate) struct MailSentView {
    /// Always `mail-sent`.
    pub status: &'static str,
}

impl MailSentView {
    /// The one thing that it says.
    pub(crate) const SENT: MailSentView = MailSentView { status: "mail-sent" };
}

/// How farmers are to see an account.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChangeAccountBody {
    /// The name that farmers see, 1 to 80 visible characters on one line; null for your email
    /// address.
    #[schemars(required, regex(pattern = ONE_LINE_OF_80))]
    #[serde(deserialize_with = "Option::deserialize")]
    pub display_name: Option<String>,
}

/// The longest name that an account is shown by, in characters.
const DISPLAY_NAME_CHARS_MAX: usize = 80;

/// Reads the name that farmers see.
pub(crate) fn display_name(text: &str) -> Result<String, FieldError> {
    parse_line("display_name", text, 1..=DISPLAY_NAME_CHARS_MAX)
}

/// An account.
#[derive(Serialize, JsonSchema)]
pub(crate) struct AccountView {
    /// Its id.
    pub id: String,
    /// Its email address.
    pub email: String,
    /// What farmers see of it where it rents; null for its email address.
    pub display_name: Option<String>,
    /// Whether it is an operator's.
    pub is_operator: bool,
}

impl AccountView {
    /// Shows the account that asks.
    pub(crate) fn new(identity: &Identity) -> AccountView {
        AccountView {
            id: identity.account.to_string(),
            email: identity.email.clone(),
            display_name: identity.display_name.clone(),
            is_operator: identity.is_operator,
        }
    }
}

/// A browser that is signed in.
#[derive(Serialize, JsonSchema)]
pub(crate) struct SessionView {
    /// Its id.
    pub id: String,
    /// Whether it is the one that asks.
    pub is_current: bool,
    /// Whether a second factor was shown.
    pub is_strong: bool,
    /// From which network address it was opened.
    pub address: String,
    /// With which browser it was opened, in its own words.
    pub user_agent: String,
    /// When it was opened (RFC 3339).
    pub created_at: String,
    /// When it was last used, to the hour (RFC 3339).
    pub seen_at: String,
}

impl SessionView {
    /// Shows a session to `identity`.
    pub(crate) fn new(session: &Session, identity: &Identity) -> SessionView {
        SessionView {
            id: session.id.to_string(),
            is_current: identity.session() == Some(session.id),
            is_strong: session.is_strong,
            address: session.address.clone(),
            user_agent: session.user_agent.clone(),
            created_at: session.created_at.to_string(),
            seen_at: session.seen_at.to_string(),
        }
    }
}

/// A token to make.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TokenBody {
    /// What you call it, 1 to 80 characters.
    #[schemars(regex(pattern = ONE_LINE_OF_80))]
    pub name: String,
    /// What it may do: any of `read`, `rent`, `farm`, `agent`, `admin`.
    #[schemars(length(min = 1), inner(regex(pattern = "^(read|rent|farm|agent|admin)$")))]
    #[serde(default)]
    #[schemars(!default)]
    pub scopes: Vec<String>,
    /// The only farm that it may touch, by the grid's number; any where it is left out.
    #[serde(default, deserialize_with = "web::json::optional_whole")]
    #[schemars(!default, with = "Option<u32>")]
    pub farm_id: Option<i64>,
    /// What it may spend in all, in dollars and cents; anything where it is left out.
    #[serde(default)]
    #[schemars(schema_with = "web::json::optional_dollars")]
    pub spending_limit_usd: Option<Decimal>,
    /// In how many days it ends, 1 to 365; 90 where it is left out.
    #[serde(default, deserialize_with = "web::json::optional_whole")]
    #[schemars(!default, with = "Option<u32>", range(min = 1, max = 365))]
    pub expires_in_days: Option<i64>,
}

/// A token that was made.
#[derive(Serialize, JsonSchema)]
pub(crate) struct NewTokenView {
    /// The token itself. It is not kept: write it down now.
    pub token: String,
    /// What is known of it later.
    #[serde(flatten)]
    pub details: TokenView,
}

/// A token, without its text.
#[derive(Serialize, JsonSchema)]
pub(crate) struct TokenView {
    /// Its id.
    pub id: String,
    /// How its text begins.
    pub hint: String,
    /// What you call it.
    pub name: String,
    /// What it may do.
    pub scopes: Vec<&'static str>,
    /// The only farm that it may touch; null for any.
    pub farm_id: Option<u32>,
    /// What it may spend in all, as decimal text; null for anything.
    pub spending_limit_usd: Option<String>,
    /// What it has spent, as decimal text.
    pub spent_usd: String,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// When it was last used, to the minute (RFC 3339); null if it never was.
    pub used_at: Option<String>,
    /// When it ends (RFC 3339).
    pub expires_at: String,
}

impl TokenView {
    /// Shows a token.
    pub(crate) fn new(token: &Token) -> TokenView {
        TokenView {
            id: token.id.to_string(),
            hint: token.hint.clone(),
            name: token.name.clone(),
            scopes: token.scopes.names().collect(),
            farm_id: token.farm,
            spending_limit_usd: token
                .spending_limit
                .map(|spending_limit| spending_limit.to_string()),
            spent_usd: token.spent.to_string(),
            created_at: token.created_at.to_string(),
            used_at: token.used_at.map(|used_at: Timestamp| used_at.to_string()),
            expires_at: token.expires_at.to_string(),
        }
    }
}
