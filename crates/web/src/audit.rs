//! Writes what was done to the audit log, with who asked and from where.

use domain::audit::Action;
use domain::id::AccountId;
use store::StoreError;
use store::audit::{self, Actor, NewEntry};

use crate::context::Context;
use crate::session;

impl Context<'_> {
    /// Writes to the audit log what was done, to what, and whose account it concerns. A request
    /// whose entry cannot be written fails.
    pub fn audit(
        &self,
        action: Action,
        account: Option<AccountId>,
        subject: &str,
    ) -> Result<(), StoreError> {
        audit::write(self.db, &self.audit_entry(action, account, subject), self.now)
    }

    /// Writes to the audit log that the access to a rental was looked at, once an hour.
    pub fn audit_view(&self, account: AccountId, rental: &str) -> Result<(), StoreError> {
        let entry = self.audit_entry(Action::AccessViewed, Some(account), rental);
        audit::write_view(self.db, &entry, self.now)
    }

    /// The entry of the audit log on what this request does: to what, and whose account it
    /// concerns.
    pub fn audit_entry<'s>(
        &'s self,
        action: Action,
        account: Option<AccountId>,
        subject: &'s str,
    ) -> NewEntry<'s> {
        let (actor, actor_id) = match &self.identity {
            Some(identity) => match identity.token() {
                Some(token) => (Actor::Token, token.to_string()),
                None => (Actor::Account, identity.account.to_string()),
            },
            None if session::is_operator(self.config, self.request) => {
                (Actor::Operator, String::new())
            }
            // Whoever has just signed in was nobody when the request came.
            None if matches!(action, Action::SignIn | Action::SignUp) => {
                (Actor::Account, account.map(|id| id.to_string()).unwrap_or_default())
            }
            None => (Actor::Visitor, String::new()),
        };
        NewEntry {
            action: action.into_str(),
            actor,
            actor_id,
            account,
            subject,
            address: &self.address,
            request_id: &self.request_id,
        }
    }
}
