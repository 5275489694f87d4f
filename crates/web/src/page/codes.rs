//! What leads through a mail: a sign-up, a forgotten password, a change of address.

use super::{Field, Frame};
use askama::Template;

/// What `mail_sent.html` shows: the same, whoever asked and for whatever address.
#[derive(Clone, Debug, Template)]
#[template(path = "mail_sent.html")]
pub struct MailSent {
    /// What surrounds the page.
    pub frame: Frame,
    /// How long the link in the mail works, such as `10 minutes`.
    pub lasts: String,
}

/// What `confirm_code.html` shows: one button, which uses the code of a mail. Looking changes
/// nothing, because programs look at the links of mails, too.
#[derive(Clone, Debug, Template)]
#[template(path = "confirm_code.html")]
pub struct ConfirmCode {
    /// What surrounds the page.
    pub frame: Frame,
    /// The page's name.
    pub heading: String,
    /// What the button does, in a sentence.
    pub text: String,
    /// Where the button leads.
    pub action: String,
    /// What the button says.
    pub button: String,
    /// Hidden field `code`.
    pub code: String,
}

/// What `reset.html` shows: who has forgotten their password says for which account.
#[derive(Clone, Debug, Template)]
#[template(path = "reset.html")]
pub struct Reset {
    /// What surrounds the page.
    pub frame: Frame,
    /// Whether this marketplace can send a mail; without, there is no form.
    pub has_mail: bool,
    /// `email`
    pub email: Field,
    /// Why no mail was sent, when it is not about the field.
    pub error: Option<String>,
}

/// What `reset_confirm.html` shows: the form for a new password.
#[derive(Clone, Debug, Template)]
#[template(path = "reset_confirm.html")]
pub struct ResetConfirm {
    /// What surrounds the page.
    pub frame: Frame,
    /// Hidden field `code`.
    pub code: String,
    /// The rule for passwords.
    pub password_rule: String,
    /// What is wrong with the password, as a sentence.
    pub password_error: Option<String>,
    /// Why nothing was set, when it is not about the password.
    pub error: Option<String>,
}
