//! The settings of an account, `/dashboard/settings` and the pages below it.

use super::{Badge, Factors, Field, Frame, Moment};
use askama::Template;

/// What `settings.html` shows: a section for each thing that can be set, each with its own forms.
#[derive(Clone, Debug, Template)]
#[template(path = "settings.html")]
pub struct Settings {
    /// What surrounds the page.
    pub frame: Frame,
    /// The address and the form that changes it.
    pub email: EmailForm,
    /// How farmers see the account.
    pub shown: ShownForm,
    /// The form that changes the password.
    pub password: PasswordForm,
    /// Passkeys, the authenticator app, recovery codes.
    pub factors: Factors,
    /// Every browser that is signed in, the newest first.
    pub sessions: Vec<SessionRow>,
    /// Every API token, the newest first.
    pub tokens: Vec<TokenRow>,
    /// The form that makes a token.
    pub token_form: TokenForm,
    /// What stays of a wallet that holds something, as a sentence.
    pub wallet_warning: Option<String>,
    /// What was earned and not paid out, as a sentence.
    pub earnings_warning: Option<String>,
    /// What is wrong with the password that allows deleting the account.
    pub delete_password_error: Option<String>,
    /// Why the account was not deleted, when it is not about the password.
    pub delete_error: Option<String>,
}

/// The form that changes the email address.
#[derive(Clone, Debug, Default)]
pub struct EmailForm {
    /// The address now.
    pub current: String,
    /// What happens when the form is sent, as a sentence.
    pub hint: String,
    /// `email`
    pub email: Field,
    /// What is wrong with the password that allows it.
    pub password_error: Option<String>,
    /// Why nothing was changed, when it is not about one field.
    pub error: Option<String>,
}

/// The form that sets how farmers see somebody.
#[derive(Clone, Debug, Default)]
pub struct ShownForm {
    /// What they see now.
    pub current: String,
    /// `display_name`
    pub name: Field,
    /// Why nothing was changed, when it is not about the name.
    pub error: Option<String>,
}

/// The form that changes the password. No password is ever shown again.
#[derive(Clone, Debug, Default)]
pub struct PasswordForm {
    /// The rule for passwords.
    pub rule: String,
    /// What is wrong with the password that allows it.
    pub current_error: Option<String>,
    /// What is wrong with the new password.
    pub password_error: Option<String>,
    /// Why nothing was changed, when it is not about one field.
    pub error: Option<String>,
}

/// A browser that is signed in.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// Where the button posts that ends it; `None` for the browser that looks.
    pub end_url: Option<String>,
    /// Such as `Firefox on Windows`.
    pub browser: String,
    /// From which network address it was opened.
    pub address: String,
    /// Whether a second factor was shown.
    pub strength: Badge,
    /// When it was opened.
    pub since: Moment,
    /// When it was last used, to the hour.
    pub seen: Moment,
}

/// An API token.
#[derive(Clone, Debug)]
pub struct TokenRow {
    /// Where the button posts that revokes it.
    pub revoke_url: String,
    /// What its owner calls it.
    pub name: String,
    /// How its text begins, such as `myc_4fTz`.
    pub hint: String,
    /// What it may do, such as `read, rent`.
    pub scopes: String,
    /// Such as `farm 32 only` or `any farm`.
    pub farm: String,
    /// Such as `$12.50 of $100.00` or `$12.50, no ceiling`.
    pub spent: String,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it ends.
    pub ends: Moment,
}

/// The form that makes a token.
#[derive(Clone, Debug, Default)]
pub struct TokenForm {
    /// `name`
    pub name: Field,
    /// `scopes`: what it may do.
    pub scopes: Vec<ScopeBox>,
    /// What is wrong with the scopes.
    pub scopes_error: Option<String>,
    /// `farm_id`
    pub farm_id: Field,
    /// `ceiling_usd`
    pub ceiling_usd: Field,
    /// `expires_in_days`
    pub expires_in_days: Field,
    /// Why no token was made, when it is not about one field.
    pub error: Option<String>,
}

/// Something that a token may do, to tick.
#[derive(Clone, Debug)]
pub struct ScopeBox {
    /// What the form sends.
    pub value: &'static str,
    /// What it allows, in a few words.
    pub label: &'static str,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

/// What `token_made.html` shows, once.
#[derive(Clone, Debug, Template)]
#[template(path = "token_made.html")]
pub struct TokenMade {
    /// What surrounds the page.
    pub frame: Frame,
    /// What its owner calls it.
    pub name: String,
    /// The token.
    pub token: String,
    /// A command that uses it.
    pub command: String,
}

/// What `activity.html` shows: a page of what was done in an account and with it.
#[derive(Clone, Debug, Template)]
#[template(path = "activity.html")]
pub struct Activity {
    /// What surrounds the page.
    pub frame: Frame,
    /// The newest first.
    pub entries: Vec<ActivityRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
}

/// Something that was done.
#[derive(Clone, Debug)]
pub struct ActivityRow {
    /// When.
    pub at: Moment,
    /// Such as `Signed in`.
    pub what: String,
    /// What it was done to, such as a rental's id; may be empty.
    pub subject: String,
    /// Who, such as `You` or `A token of yours`.
    pub who: String,
    /// From which network address; may be empty.
    pub address: String,
}
