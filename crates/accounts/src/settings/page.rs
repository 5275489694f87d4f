//! The settings of an account, `/dashboard/settings`: where they are, the profile and the end.

use askama::Template;
use domain::money::Usd;
use ui::visit::{Viewer, Visit};
use web::form::{Form, error_above, sent};
use web::page::{Field, Frame, Section};
use web::text::sentence;
use web::{Kind, Problem};

/// What `settings.html` shows: where everything is that can be set.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/settings.html")]
pub(crate) struct Settings {
    /// What surrounds the page.
    pub frame: Frame,
    /// Whose settings they are.
    pub email: String,
}

/// What `profile.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/profile.html")]
pub(crate) struct Profile {
    /// What surrounds the page.
    pub frame: Frame,
    /// The address and the form that changes it.
    pub email: EmailForm,
    /// How farmers see the account.
    pub shown: ShownForm,
}

/// What `delete.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/delete.html")]
pub(crate) struct Deletion {
    /// What surrounds the page.
    pub frame: Frame,
    /// Whose password is asked for.
    pub email: String,
    /// What stays of a wallet that holds something, as a sentence.
    pub wallet_warning: Option<String>,
    /// What was earned and not paid out, as a sentence.
    pub earnings_warning: Option<String>,
    /// What is wrong with the password that allows it.
    pub password_error: Option<String>,
    /// Why the account was not deleted, when it is not about the password.
    pub error: Option<String>,
}

/// The form that changes the email address.
#[derive(Clone, Debug, Default)]
pub(crate) struct EmailForm {
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
pub(crate) struct ShownForm {
    /// What they see now.
    pub current: String,
    /// `display_name`
    pub name: Field,
    /// Why nothing was changed, when it is not about the name.
    pub error: Option<String>,
}

impl Settings {
    /// Where everything is.
    pub(crate) fn new(visit: &Visit<'_>) -> Settings {
        Settings { frame: visit.frame("Settings", Section::Settings), email: own_email(visit) }
    }
}

impl Profile {
    /// The profile of the account that looks.
    pub(crate) fn new(visit: &Visit<'_>) -> Profile {
        Profile {
            frame: visit.frame("Profile", Section::Settings),
            email: EmailForm::new(visit),
            shown: ShownForm::new(visit),
        }
    }

    /// The same after the address was not changed.
    pub(crate) fn email_refused(mut self, form: &Form, problem: &Problem) -> Profile {
        let [beside, above] = beside_password(problem, &["email"]);
        self.email.email = sent(form, "email", &problem.fields);
        self.email.password_error = beside;
        if problem.kind == Kind::EmailTaken {
            self.email.email.error = Some(sentence(&problem.detail));
        } else {
            self.email.error = above;
        }
        self
    }

    /// The same after it was not set how farmers see the account.
    pub(crate) fn name_refused(mut self, form: &Form, problem: &Problem) -> Profile {
        self.shown.name = sent(form, "display_name", &problem.fields);
        self.shown.error = error_above(problem, &["display_name"]);
        self
    }
}

impl Deletion {
    /// What is lost with the account that looks, which has earned this and was not paid it.
    pub(crate) fn new(visit: &Visit<'_>, earnings: Usd) -> Deletion {
        Deletion {
            frame: visit.frame("Delete account", Section::Settings),
            email: own_email(visit),
            wallet_warning: visit.viewer.and_then(wallet_warning),
            earnings_warning: earnings_warning(earnings),
            password_error: None,
            error: None,
        }
    }

    /// The same after the account was not deleted.
    pub(crate) fn refused(mut self, problem: &Problem) -> Deletion {
        [self.password_error, self.error] = beside_password(problem, &[]);
        self
    }
}

/// The address of the account that looks.
pub(crate) fn own_email(visit: &Visit<'_>) -> String {
    visit.viewer.map(|viewer| viewer.identity.email.clone()).unwrap_or_default()
}

/// What is said beside the field of the password that allows something, and what above the form.
pub(crate) fn beside_password(problem: &Problem, shown: &[&str]) -> [Option<String>; 2] {
    match problem.kind {
        Kind::WrongPassword => [Some("Incorrect password.".to_owned()), None],
        _ => [None, error_above(problem, shown)],
    }
}

fn wallet_warning(viewer: Viewer<'_>) -> Option<String> {
    let held = Some(viewer.balance).filter(|balance| *balance > Usd::ZERO)?.for_people();
    Some(format!("Your wallet balance of {held} is lost if you delete your account."))
}

fn earnings_warning(earnings: Usd) -> Option<String> {
    let held = Some(earnings).filter(|earnings| *earnings > Usd::ZERO)?.for_people();
    Some(format!(
        "You have {held} in earnings that you haven't been paid. Request a payout before you \
         delete your account."
    ))
}

impl ShownForm {
    fn new(visit: &Visit<'_>) -> ShownForm {
        let identity = visit.viewer.map(|viewer| viewer.identity);
        let name = identity.and_then(|identity| identity.display_name.clone());
        ShownForm {
            current: identity.map(|it| it.shown_as().to_owned()).unwrap_or_default(),
            name: Field::new(name.unwrap_or_default()),
            error: None,
        }
    }
}

impl EmailForm {
    fn new(visit: &Visit<'_>) -> EmailForm {
        let hint = if visit.has_mail {
            "We'll send a confirmation link to this address. The change takes effect when you \
             open it."
        } else {
            "Takes effect immediately."
        };
        EmailForm { current: own_email(visit), hint: hint.to_owned(), ..EmailForm::default() }
    }
}
