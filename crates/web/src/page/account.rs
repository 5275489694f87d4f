//! Making an account and signing in, `/signup` and `/login`.

use super::{Field, Frame};
use askama::Template;

/// What `signup.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "signup.html")]
pub struct Signup {
    /// What surrounds the page.
    pub frame: Frame,
    /// `email`
    pub email: Field,
    /// What is wrong with the password, as a sentence. The password itself is never shown again.
    pub password_error: Option<String>,
    /// The rule for passwords, such as `At least 12 characters.`
    pub password_rule: String,
    /// Why no account was made, when it is not about one field.
    pub error: Option<String>,
    /// Hidden field `next`: where to go afterwards.
    pub next: Option<String>,
    /// The link to the other page, with the same `next`, such as `/login?next=%2Fdashboard%2Ffarm`.
    pub login_url: String,
}

/// What `login.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "login.html")]
pub struct Login {
    /// What surrounds the page.
    pub frame: Frame,
    /// `email`
    pub email: Field,
    /// What is wrong with the password field, such as that it is empty.
    pub password_error: Option<String>,
    /// Why signing in failed; does not say whether the account exists.
    pub error: Option<String>,
    /// Hidden field `next`: where to go afterwards.
    pub next: Option<String>,
    /// Where a passkey leads to.
    pub passkey_next: String,
    /// The link to the other page, with the same `next`.
    pub signup_url: String,
}
