//! Fills the pages that lead through a mail.

use crate::form::Form;
use crate::mail::LINK_MINUTES;
use crate::page::{ConfirmCode, Field, MailSent, Reset, ResetConfirm, Section};
use crate::problem::Problem;
use crate::view::account::password_rule;
use crate::view::visit::Visit;
use crate::view::wording::{counted, error_above, error_of, sent};

impl MailSent {
    /// The same for everybody.
    pub fn new(visit: &Visit<'_>) -> MailSent {
        MailSent {
            frame: visit.frame("Check your email", Section::Elsewhere),
            lasts: counted(LINK_MINUTES, "minute"),
        }
    }
}

impl ConfirmCode {
    /// The button that makes the account.
    pub fn of_sign_up(visit: &Visit<'_>, code: &str) -> ConfirmCode {
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
    pub fn of_email(visit: &Visit<'_>, code: &str) -> ConfirmCode {
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
    pub fn new(visit: &Visit<'_>) -> Reset {
        Reset {
            frame: visit.frame("Reset your password", Section::Elsewhere),
            has_mail: visit.has_mail,
            email: Field::default(),
            error: None,
        }
    }

    /// The form as it was sent, after no mail was.
    pub fn refused(mut self, form: &Form, problem: &Problem) -> Reset {
        self.email = sent(form, "email", &problem.fields);
        self.error = error_above(problem, &["email"]);
        self
    }
}

impl ResetConfirm {
    /// The empty form.
    pub fn new(visit: &Visit<'_>, code: &str) -> ResetConfirm {
        ResetConfirm {
            frame: visit.frame("Reset your password", Section::Elsewhere),
            code: code.to_owned(),
            password_rule: password_rule(),
            password_error: None,
            error: None,
        }
    }

    /// The form after no password was set.
    pub fn refused(mut self, problem: &Problem) -> ResetConfirm {
        self.password_error = error_of(&problem.fields, "password");
        self.error = error_above(problem, &["password"]);
        self
    }
}
