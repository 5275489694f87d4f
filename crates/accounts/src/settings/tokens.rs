//! API tokens, `/dashboard/settings/tokens`.

use askama::Template;
use domain::account::Scope;
use store::tokens::Token;
use strum::VariantArray;
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, error_of, sent};
use web::page::{Field, Frame, Moment, Section};

use crate::account::json::NewTokenView;

/// What `tokens.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "settings/tokens.html")]
pub(crate) struct Tokens {
    /// What surrounds the page.
    pub frame: Frame,
    /// Every API token, the newest first.
    pub tokens: Vec<TokenRow>,
    /// The form that makes a token.
    pub form: TokenForm,
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

impl Tokens {
    /// The tokens of the account that looks.
    pub(crate) fn new(visit: &Visit<'_>, tokens: &[Token]) -> Tokens {
        let is_operator = visit.viewer.is_some_and(|viewer| viewer.identity.is_operator);
        Tokens {
            frame: visit.frame("API tokens", Section::Settings),
            tokens: tokens.iter().map(TokenRow::new).collect(),
            form: TokenForm::new(is_operator),
        }
    }

    /// The same after no token was made.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Tokens {
        let wrong = &problem.fields;
        let fields = &mut self.form;
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
