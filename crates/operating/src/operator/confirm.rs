//! The page that asks once more before an account is shut out or is given the operator's rights.

use askama::Template;
use domain::field::FieldError;
use domain::id::AccountId;
use domain::text::parse_line;
use serde::Deserialize;
use ui::visit::Visit;
use web::Problem;
use web::form::{Form, error_above, sent};
use web::page::{Field, Frame, Section};

use crate::operating::AccountAction;
use crate::operator::page::accounts_url;

/// The longest reason, in characters.
const REASON_CHARS_MAX: usize = 200;

/// What `operator_confirm.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "operator/operator_confirm.html")]
pub(crate) struct Confirm {
    /// What surrounds the page.
    pub frame: Frame,
    /// What is to be done, such as `Suspend account`.
    pub title: &'static str,
    /// To whom.
    pub email: String,
    /// What follows, in sentences.
    pub consequences: &'static str,
    /// What the button says.
    pub button: &'static str,
    /// Where it posts.
    pub url: String,
    /// `reason`
    pub reason: Field,
    /// Why nothing was done, when it is not about the reason.
    pub error: Option<String>,
    /// The list to go back to.
    pub back_url: String,
    /// How the addresses of that list begin.
    pub prefix: String,
}

/// Why an operator does something to an account.
#[derive(Deserialize)]
pub(crate) struct ReasonForm {
    reason: String,
}

impl ReasonForm {
    /// The reason, which the audit log keeps.
    pub(crate) fn read(&self) -> Result<String, FieldError> {
        parse_line("reason", &self.reason, 1..=REASON_CHARS_MAX)
    }
}

impl Confirm {
    /// The question; `None` for what is done without one.
    pub(crate) fn new(
        visit: &Visit<'_>,
        action: AccountAction,
        account: AccountId,
        email: String,
        prefix: &str,
    ) -> Option<Confirm> {
        let (title, button, name, consequences) = match action {
            AccountAction::Suspend => (
                "Suspend account",
                "Suspend account",
                "suspend",
                "All its sessions end now, and nobody can sign in to it. Running rentals and \
                 nodes continue. You can reactivate it at any time.",
            ),
            AccountAction::GrantOperator => (
                "Grant operator access",
                "Grant operator access",
                "grant-operator",
                "This person can then do everything you can: see every account, suspend people, \
                 add credit, and appoint operators, including to revoke your own access.",
            ),
            AccountAction::RevokeOperator => (
                "Revoke operator access",
                "Revoke operator access",
                "revoke-operator",
                "This person can no longer open these pages. Their own account stays as it is.",
            ),
            AccountAction::Reactivate | AccountAction::EndSessions => return None,
        };
        Some(Confirm {
            frame: visit.frame(title, Section::Operator),
            title,
            email,
            consequences,
            button,
            url: format!("/operator/accounts/{account}/{name}"),
            reason: Field::default(),
            error: None,
            back_url: accounts_url(prefix),
            prefix: prefix.to_owned(),
        })
    }

    /// The same after nothing was done.
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> Confirm {
        self.reason = sent(form, "reason", &problem.fields);
        self.error = error_above(problem, &["reason"]);
        self
    }
}
