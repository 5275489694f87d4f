//! How somebody signs in, `/dashboard/settings/security`.

use askama::Template;
use store::sessions::Session;
use store::tokens::Token;
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_of};
use web::page::{Badge, Frame, Moment, Section, Tone};

use crate::account::page::password_rule;
use crate::second_factor::page::Factors;
use crate::settings::browser::browser;
use crate::settings::page::{beside_password, own_email};
use crate::settings::tokens::TokenRow;

/// What `security.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/security.html")]
pub(crate) struct Security {
    /// What surrounds the page.
    pub frame: Frame,
    /// Whose password it is.
    pub email: String,
    /// The form that changes the password.
    pub password: PasswordForm,
    /// Every API token that a new password ends or keeps.
    pub tokens: Vec<TokenRow>,
    /// Passkeys, the authenticator app, recovery codes.
    pub factors: Factors,
    /// Every browser that is signed in, the newest first.
    pub sessions: Vec<SessionRow>,
}

/// The form that changes the password. No password is ever shown again.
#[derive(Clone, Debug, Default)]
pub(crate) struct PasswordForm {
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
pub(crate) struct SessionRow {
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

impl Security {
    /// How the account that looks signs in.
    pub(crate) fn new(
        visit: &Visit<'_>,
        factors: Factors,
        sessions: &[Session],
        tokens: &[Token],
    ) -> Security {
        let own = visit.viewer.and_then(|viewer| viewer.identity.session());
        let show = |session: &Session| SessionRow::new(session, own == Some(session.id));
        Security {
            frame: visit.frame("Sign-in and security", Section::Settings),
            email: own_email(visit),
            password: PasswordForm { rule: password_rule(), ..PasswordForm::default() },
            tokens: tokens.iter().map(TokenRow::new).collect(),
            factors,
            sessions: sessions.iter().map(show).collect(),
        }
    }

    /// The same after the password was not changed.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Security {
        TokenRow::keep(&mut self.tokens, form);
        let [beside, above] = beside_password(problem, &["password"]);
        self.password.current_error = beside;
        self.password.password_error = error_of(&problem.fields, "password");
        self.password.error = above;
        self
    }
}

impl SessionRow {
    fn new(session: &Session, is_own: bool) -> SessionRow {
        let end_url = format!("/dashboard/settings/sessions/{}/end", session.id);
        SessionRow {
            end_url: (!is_own).then_some(end_url),
            browser: browser(&session.user_agent),
            address: match session.address.as_str() {
                "" => "an unknown IP address".to_owned(),
                address => address.to_owned(),
            },
            strength: if session.is_strong {
                Badge::new("second factor", Tone::Good)
            } else {
                Badge::new("password only", Tone::Plain)
            },
            since: moment::to_the_minute(session.created_at),
            seen: moment::to_the_minute(session.seen_at),
        }
    }
}
