//! Writes what was done to the audit log, with who asked and from where.

use domain::id::AccountId;
use store::StoreError;
use store::audit::{self, Actor, NewEntry};

use crate::context::Context;
use crate::session;

/// What people and operators do, beside what the market writes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[cfg_attr(test, derive(strum::VariantArray))]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Action {
    /// An account was made.
    SignUp,
    /// Somebody signed in.
    SignIn,
    /// A password or code was wrong.
    SignInFailed,
    /// Somebody signed out.
    SignOut,
    /// A session was ended from another one.
    SessionEnded,
    /// Somebody confirmed who they are.
    Proof,
    /// A new password was asked for by mail.
    ResetAsked,
    /// A password was set.
    PasswordChanged,
    /// An email address was set.
    EmailChanged,
    /// A passkey was added.
    PasskeyAdded,
    /// A passkey was removed.
    PasskeyRemoved,
    /// An authenticator app was set up.
    TotpAdded,
    /// An authenticator app was removed.
    TotpRemoved,
    /// Recovery codes were made.
    RecoveryCodesMade,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A token was made.
    TokenMade,
    /// A token was revoked.
    TokenRevoked,
    /// An SSH key was registered.
    SshKeyAdded,
    /// An SSH key was removed.
    SshKeyRemoved,
    /// A renter looked at how to get in.
    AccessShown,
    /// A renter was given a link to a machine's console.
    ConsoleOpened,
    /// A farmer confirmed that a machine is gone.
    RemovalConfirmed,
    /// A farmer said where to be paid.
    PayoutSet,
    /// Somebody has proven to own a farm.
    FarmClaimed,
    /// A signature did not prove it.
    FarmClaimFailed,
    /// A farmer took a node over that somebody else had registered.
    NodeTakeOver,
    /// An operator approved by hand whose a farm is.
    FarmApproved,
    /// An operator took back whose a farm is.
    FarmApprovalRevoked,
    /// How farmers see the account was set.
    DisplayNameSet,
    /// An operator approved, sent, finished or refused a payout.
    PayoutChanged,
    /// A node was locked.
    LockSet,
    /// The lock of a node was lifted.
    LockLifted,
    /// A webhook was added.
    WebhookAdded,
    /// A webhook was removed.
    WebhookRemoved,
    /// A webhook got a new secret.
    WebhookSecretMade,
    /// An account was deleted by its owner.
    AccountDeleted,
    /// An operator credited a wallet.
    CreditGranted,
    /// The database refused a payment that does not match its top-up.
    PaymentRefused,
    /// An operator credited a renter for a broken promise.
    SlaCreditGranted,
    /// An operator decided a dispute about a promise.
    DisputeDecided,
    /// An operator shut an account out.
    AccountDisabled,
    /// An operator let an account in again.
    AccountEnabled,
    /// An operator ended the sessions of an account.
    SessionsEnded,
    /// An account became an operator's.
    OperatorGranted,
    /// An account is no operator's any more.
    OperatorRevoked,
    /// An operator had a mail sent again.
    MailRetried,
}

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
