//! The settings of an account, `/dashboard/settings` and the pages below it.

use askama::Template;
use domain::account::Scope;
use domain::money::Usd;
use store::sessions::Session;
use store::tokens::Token;
use strum::VariantArray;
use ui::moment;
use ui::visit::{Viewer, Visit};
use web::form::{Form, error_above, error_of, sent};
use web::page::{Badge, Field, Frame, Moment, Section, Tone};
use web::text::sentence;
use web::{Kind, Problem};

use crate::account::json::NewTokenView;
use crate::account::page::password_rule;
use crate::second_factor::page::Factors;
use crate::settings::browser::browser;

/// What `settings.html` shows: a section for each thing that can be set, each with its own forms.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/settings.html")]
pub(crate) struct Settings {
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

/// An API token.
#[derive(Clone, Debug)]
pub(crate) struct TokenRow {
    /// Its id.
    pub id: String,
    /// Where the button posts that revokes it.
    pub revoke_url: String,
    /// What stops when it ends with the password, if it is an agent's.
    pub agent_warning: Option<String>,
    /// Whether it was to be kept when the password was not changed.
    pub is_kept: bool,
    /// What its owner calls it.
    pub name: String,
    /// How its text begins, such as `myc_4fTz`.
    pub hint: String,
    /// What it may do, such as `read, rent`.
    pub scopes: String,
    /// Such as `farm 32 only` or `any farm`.
    pub farm: String,
    /// Such as `$12.50 of $100.00` or `$12.50, no spending_limit`.
    pub spent: String,
    /// When it was last used.
    pub used: Option<Moment>,
    /// When it ends.
    pub ends: Moment,
}

/// The form that makes a token.
#[derive(Clone, Debug, Default)]
pub(crate) struct TokenForm {
    /// `name`
    pub name: Field,
    /// `scopes`: what it may do.
    pub scopes: Vec<ScopeBox>,
    /// What is wrong with the scopes.
    pub scopes_error: Option<String>,
    /// `farm_id`
    pub farm_id: Field,
    /// `spending_limit_usd`
    pub spending_limit_usd: Field,
    /// `expires_in_days`
    pub expires_in_days: Field,
    /// Why no token was made, when it is not about one field.
    pub error: Option<String>,
}

/// Something that a token may do, to tick.
#[derive(Clone, Debug)]
pub(crate) struct ScopeBox {
    /// What the form sends.
    pub value: &'static str,
    /// What it allows, in a few words.
    pub label: &'static str,
    /// Whether it is ticked.
    pub is_chosen: bool,
}

/// What `token_created.html` shows, once.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/token_created.html")]
pub(crate) struct TokenCreated {
    /// What surrounds the page.
    pub frame: Frame,
    /// What its owner calls it.
    pub name: String,
    /// The token.
    pub token: String,
    /// A command that uses it.
    pub command: String,
}

const TOKEN_FIELDS: [&str; 5] =
    ["name", "scopes", "farm_id", "spending_limit_usd", "expires_in_days"];

impl Settings {
    /// The settings of the account that looks.
    pub(crate) fn new(
        visit: &Visit<'_>,
        factors: Factors,
        sessions: &[Session],
        tokens: &[Token],
        earnings: Usd,
    ) -> Settings {
        let own = visit.viewer.and_then(|viewer| viewer.identity.session());
        let is_operator = visit.viewer.is_some_and(|viewer| viewer.identity.is_operator);
        let show = |session: &Session| SessionRow::new(session, own == Some(session.id));
        Settings {
            frame: visit.frame("Settings", Section::Settings),
            email: EmailForm::new(visit),
            shown: ShownForm::new(visit),
            password: PasswordForm { rule: password_rule(), ..PasswordForm::default() },
            factors,
            sessions: sessions.iter().map(show).collect(),
            tokens: tokens.iter().map(TokenRow::new).collect(),
            token_form: TokenForm::new(is_operator),
            wallet_warning: visit.viewer.and_then(wallet_warning),
            earnings_warning: earnings_warning(earnings),
            delete_password_error: None,
            delete_error: None,
        }
    }

    /// The same after the address was not changed.
    pub(crate) fn email_refused(mut self, form: &Form, problem: &Problem) -> Settings {
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
    pub(crate) fn name_refused(mut self, form: &Form, problem: &Problem) -> Settings {
        self.shown.name = sent(form, "display_name", &problem.fields);
        self.shown.error = error_above(problem, &["display_name"]);
        self
    }

    /// The same after the password was not changed.
    pub(crate) fn password_refused(mut self, form: &Form, problem: &Problem) -> Settings {
        TokenRow::keep(&mut self.tokens, form);
        let [beside, above] = beside_password(problem, &["password"]);
        self.password.current_error = beside;
        self.password.password_error = error_of(&problem.fields, "password");
        self.password.error = above;
        self
    }

    /// The same after no token was made.
    pub(crate) fn token_refused(mut self, form: &Form, problem: &Problem) -> Settings {
        let wrong = &problem.fields;
        let fields = &mut self.token_form;
        fields.name = sent(form, "name", wrong);
        for scope in &mut fields.scopes {
            scope.is_chosen = form.all("scopes").any(|name| name == scope.value);
        }
        fields.scopes_error = error_of(wrong, "scopes");
        fields.farm_id = sent(form, "farm_id", wrong);
        fields.spending_limit_usd = sent(form, "spending_limit_usd", wrong);
        fields.expires_in_days = sent(form, "expires_in_days", wrong);
        fields.error = error_above(problem, &TOKEN_FIELDS);
        self
    }

    /// The same after the account was not deleted.
    pub(crate) fn delete_refused(mut self, problem: &Problem) -> Settings {
        [self.delete_password_error, self.delete_error] = beside_password(problem, &[]);
        self
    }
}

/// What is said beside the field of the password that allows something, and what above the form.
fn beside_password(problem: &Problem, shown: &[&str]) -> [Option<String>; 2] {
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
        EmailForm {
            current: visit.viewer.map(|viewer| viewer.identity.email.clone()).unwrap_or_default(),
            hint: hint.to_owned(),
            ..EmailForm::default()
        }
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

impl TokenRow {
    /// A token now.
    pub(crate) fn new(token: &Token) -> TokenRow {
        let spent = token.spent.for_people();
        let is_agents = token.scopes.names().any(|scope| scope == Scope::Agent.into_str());
        TokenRow {
            id: token.id.to_string(),
            agent_warning: is_agents.then(|| {
                let farm =
                    token.farm.map_or("your farms".to_owned(), |farm| format!("farm {farm}"));
                format!(
                    "Without it, the agent of {farm} sets up no machines until you give it a \
                         new token."
                )
            }),
            is_kept: false,
            revoke_url: format!("/dashboard/settings/tokens/{}/revoke", token.id),
            name: token.name.clone(),
            hint: token.hint.clone(),
            scopes: token.scopes.names().collect::<Vec<_>>().join(", "),
            farm: match token.farm {
                Some(farm) => format!("farm {farm} only"),
                None => "any farm".to_owned(),
            },
            spent: match token.spending_limit {
                Some(spending_limit) => format!("{spent} of {}", spending_limit.for_people()),
                None => format!("{spent}, no limit"),
            },
            used: token.used_at.map(moment::to_the_minute),
            ends: moment::on_day(token.expires_at),
        }
    }
}

impl TokenRow {
    /// Chooses again those that a form has chosen to keep.
    pub(crate) fn keep(rows: &mut [TokenRow], form: &Form) {
        for row in rows {
            row.is_kept = form.all("keep_tokens").any(|id| id == row.id);
        }
    }
}

impl TokenForm {
    fn new(is_operator: bool) -> TokenForm {
        let offered = |scope: &Scope| is_operator || *scope != Scope::Admin;
        let show = |scope: Scope| ScopeBox {
            value: scope.into_str(),
            label: scope_label(scope),
            is_chosen: scope == Scope::Read,
        };
        TokenForm {
            scopes: Scope::VARIANTS.iter().copied().filter(offered).map(show).collect(),
            expires_in_days: Field::new("90"),
            ..TokenForm::default()
        }
    }
}

fn scope_label(scope: Scope) -> &'static str {
    match scope {
        Scope::Read => "Read everything you can see",
        Scope::Rent => "Rent slices and pay from your wallet",
        Scope::Farm => "Register nodes and set their prices",
        Scope::Agent => "Set up and remove slices on a farm",
        Scope::Admin => "Operate the marketplace",
    }
}

impl TokenCreated {
    /// A token that was just made.
    pub(crate) fn new(visit: &Visit<'_>, made: &NewTokenView) -> TokenCreated {
        let NewTokenView { token, details } = made;
        TokenCreated {
            frame: visit.frame("Your new token", Section::Settings),
            name: details.name.clone(),
            token: token.clone(),
            command: format!(
                "curl -H 'Authorization: Bearer TOKEN' {}/api/account",
                visit.base_url
            ),
        }
    }
}
