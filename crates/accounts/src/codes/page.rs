//! What leads through a mail: a sign-up, a forgotten password, a change of address.

use askama::Template;
use store::tokens::Token;
use ui::limits::LINK_HOURS;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, error_of, sent};
use web::page::{Field, Frame, Section};
use web::text::counted;

use crate::account::page::password_rule;
use crate::settings::tokens::TokenRow;

/// What `mail_sent.html` shows: the same, whoever asked and for whatever address.
#[derive(Clone, Debug, Template)]
#[template(path = "codes/mail_sent.html")]
pub(crate) struct MailSent {
    /// What surrounds the page.
    pub frame: Frame,
    /// How long the link in the mail works, such as `6 hours`.
    pub lasts: String,
}

/// What `confirm_code.html` shows: one button, which uses the code of a mail. Looking changes
/// nothing, because programs look at the links of mails, too.
#[derive(Clone, Debug, Template)]
#[template(path = "codes/confirm_code.html")]
pub(crate) struct ConfirmCode {
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
#[template(path = "codes/reset.html")]
pub(crate) struct Reset {
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
#[template(path = "codes/reset_confirm.html")]
pub(crate) struct ResetConfirm {
    /// What surrounds the page.
    pub frame: Frame,
    /// Hidden field `code`.
    pub code: String,
    /// The API tokens, to keep or to end.
    pub tokens: Vec<TokenRow>,
    /// The rule for passwords.
    pub password_rule: String,
    /// What is wrong with the password, as a sentence.
    pub password_error: Option<String>,
    /// Why nothing was set, when it is not about the password.
    pub error: Option<String>,
}

impl MailSent {
    /// The same for everybody.
    pub(crate) fn new(visit: &Visit<'_>) -> MailSent {
        MailSent {
            frame: visit.frame("Check your email", Section::Elsewhere),
            lasts: counted(LINK_HOURS, "hour"),
        }
    }
}

impl ConfirmCode {
    /// The button that makes the account.
    pub(crate) fn of_sign_up(visit: &Visit<'_>, code: &str) -> ConfirmCode {
        ConfirmCode {
            frame: visit.frame("Create account", Section::Elsewhere),
            heading: "Confirm your email address".to_owned(),
            text: "Confirm your address to create your account.".to_owned(),
            action: "/signup/confirm".to_owned(),
            button: "Create account".to_owned(),
            code: code.to_owned(),
        }
    }

    /// The button that changes the address.
    pub(crate) fn of_email(visit: &Visit<'_>, code: &str) -> ConfirmCode {
        ConfirmCode {
            frame: visit.frame("Change email address", Section::Elsewhere),
            heading: "Confirm your new email address".to_owned(),
            text: "After this, you sign in with your new address.".to_owned(),
            action: "/email/confirm".to_owned(),
            button: "Change email address".to_owned(),
            code: code.to_owned(),
        }
    }
}

impl Reset {
    /// The empty form.
    pub(crate) fn new(visit: &Visit<'_>) -> Reset {
        Reset {
            frame: visit.frame("Reset your password", Section::Elsewhere),
            has_mail: visit.has_mail,
            email: Field::default(),
            error: None,
        }
    }

    /// The form as it was sent, after no mail was.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Reset {
        self.email = sent(form, "email", &problem.fields);
        self.error = error_above(problem, &["email"]);
        self
    }
}

impl ResetConfirm {
    /// The empty form.
    pub(crate) fn new(visit: &Visit<'_>, code: &str, tokens: &[Token]) -> ResetConfirm {
        ResetConfirm {
            frame: visit.frame("Reset your password", Section::Elsewhere),
            code: code.to_owned(),
            tokens: tokens.iter().map(TokenRow::new).collect(),
            password_rule: password_rule(),
            password_error: None,
            error: None,
        }
    }

    /// The form after no password was set.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> ResetConfirm {
        TokenRow::keep(&mut self.tokens, form);
        self.password_error = error_of(&problem.fields, "password");
        self.error = error_above(problem, &["password"]);
        self
    }
}
