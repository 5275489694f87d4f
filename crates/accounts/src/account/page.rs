//! Making an account and signing in, `/signup` and `/login`.

use askama::Template;
use domain::account::PASSWORD_CHARS_MIN;
use ui::visit::Visit;
use url::form_urlencoded::Serializer;
use web::form::{Form, error_above, error_of, sent};
use web::page::{Field, Frame, Section};
use web::session::local_path;
use web::text::sentence;
use web::{Kind, Problem};

use crate::account::way_on::WayOn;

/// What `signup.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "account/signup.html")]
pub(crate) struct Signup {
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
#[template(path = "account/login.html")]
pub(crate) struct Login {
    /// What surrounds the page.
    pub frame: Frame,
    /// `email`
    pub email: Field,
    /// What is wrong with the password field, such as that it is empty.
    pub password_error: Option<String>,
    /// Why signing in failed; does not say whether the account exists.
    pub error: Option<String>,
    /// Where to go afterwards.
    pub way_on: WayOn,
    /// The link to the other page, with the same `next`.
    pub signup_url: String,
    /// Whether a forgotten password can be replaced by mail.
    pub can_reset: bool,
}

/// Where to go after signing in, if no page has asked for it.
pub(crate) const HOME: &str = "/marketplace/compute";

const FIELDS: [&str; 2] = ["email", "password"];

impl Signup {
    /// The empty form.
    pub(crate) fn new(visit: &Visit<'_>, next: Option<&str>) -> Signup {
        Signup {
            frame: visit.frame("Create an account", Section::Elsewhere),
            email: Field::default(),
            password_error: None,
            password_rule: password_rule(),
            error: None,
            next: next.map(str::to_owned),
            login_url: with_next("/login", next),
        }
    }

    /// The form as it was sent, after no account was made.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Signup {
        self.email = sent(form, "email", &problem.fields);
        self.password_error = error_of(&problem.fields, "password");
        if problem.kind == Kind::EmailTaken {
            self.email.error = Some(sentence(&problem.detail));
        } else {
            self.error = error_above(problem, &FIELDS);
        }
        self
    }
}

impl Login {
    /// The empty form.
    pub(crate) fn new(visit: &Visit<'_>, way_on: WayOn) -> Login {
        Login {
            frame: visit.frame("Sign in", Section::Elsewhere),
            email: Field::default(),
            password_error: None,
            error: None,
            signup_url: with_next("/signup", way_on.next.as_deref()),
            way_on,
            can_reset: visit.has_mail,
        }
    }

    /// The form as it was sent, after nobody was signed in.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Login {
        self.email = sent(form, "email", &problem.fields);
        self.password_error = error_of(&problem.fields, "password");
        self.error = error_above(problem, &FIELDS);
        self
    }
}

/// Where to go after signing in, if that is a path on this site.
pub(crate) fn next(path: Option<&str>) -> Option<&str> {
    Some(local_path(path, "")).filter(|path| !path.is_empty())
}

/// What is asked of a password.
pub(crate) fn password_rule() -> String {
    format!("At least {PASSWORD_CHARS_MIN} characters. A few random words work well.")
}

fn with_next(page: &str, next: Option<&str>) -> String {
    let Some(next) = next else { return page.to_owned() };
    let query = Serializer::new(String::new()).append_pair("next", next).finish();
    format!("{page}?{query}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_is_kept_from_page_to_page() {
        assert_eq!(with_next("/login", None), "/login");
        let path = next(Some("/marketplace/compute?country=Egypt&sort=price"));
        let url = with_next("/login", path);
        assert_eq!(url, "/login?next=%2Fmarketplace%2Fcompute%3Fcountry%3DEgypt%26sort%3Dprice");
        assert_eq!(next(Some("//evil.example")), None);
        assert_eq!(next(None), None);
    }
}
