//! What the audit log records beside events.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// What people and operators do, beside what the market writes itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
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
    Verification,
    /// A new password was asked for by mail.
    PasswordResetRequested,
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
    RecoveryCodesGenerated,
    /// A recovery code was used.
    RecoveryCodeUsed,
    /// A token was made.
    TokenCreated,
    /// A token was revoked.
    TokenRevoked,
    /// An SSH key was registered.
    SshKeyAdded,
    /// An SSH key was removed.
    SshKeyRemoved,
    /// A renter looked at how to get in.
    AccessViewed,
    /// A renter was given a link to a machine's console.
    ConsoleOpened,
    /// A renter had a machine started, shut down, restarted or reset.
    MachineActionRequested,
    /// A farmer said that they have set a machine up by hand, or how it is reached now.
    SetupConfirmed,
    /// A farmer confirmed that a machine is gone.
    RemovalConfirmed,
    /// A farmer said where to be paid.
    PayoutSet,
    /// Somebody has verified a farm.
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
    WebhookSecretRotated,
    /// An account was deleted by its owner.
    AccountDeleted,
    /// An operator credited a wallet.
    CreditGranted,
    /// The database refused a payment that does not match its top-up.
    PaymentRefused,
    /// A payment by card was taken back from a wallet, or given back to it.
    PaymentReversed,
    /// An operator credited a renter for a missed SLA.
    SlaCreditGranted,
    /// An operator decided a dispute about an SLA.
    DisputeDecided,
    /// An operator published an incident, or rewrote it.
    IncidentPublished,
    /// An operator removed an incident.
    IncidentRemoved,
    /// An operator shut an account out.
    AccountSuspended,
    /// An operator let an account in again.
    AccountReactivated,
    /// An operator ended the sessions of an account.
    SessionsEnded,
    /// An account became an operator's.
    OperatorGranted,
    /// An account is no operator's any more.
    OperatorRevoked,
    /// An operator had a mail sent again.
    MailRetried,
}
