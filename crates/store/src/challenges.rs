//! Secrets that are good for one thing, once, and for minutes.

use domain::id::{AccountId, MailId};
use domain::recurring::SWEEP_CHALLENGES;
use domain::time::Timestamp;
use strum::{IntoStaticStr, VariantArray};

use crate::accounts::SecretHash;
use crate::db::{Db, StoreError, Value};
use crate::row::{returning, row, select};

/// How long a challenge is good for, in seconds: 10 minutes (OWASP ASVS 5.0.0, 6.6.3).
pub const CHALLENGE_SECONDS: i64 = 10 * 60;
/// How long the link in a mail is good for, in seconds: 6 hours, longer than a mail is tried
/// ([`ATTEMPTS_MAX`]), so that the last attempt brings a link that works.
///
/// [`ATTEMPTS_MAX`]: crate::mails::ATTEMPTS_MAX
pub const LINK_SECONDS: i64 = 6 * 60 * 60;

/// What a challenge is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum ChallengeKind {
    /// Making the account whose address and password hash are its payload.
    SignUp,
    /// Taking on the email address that is its payload.
    EmailChange,
    /// Setting a new password without the old one.
    PasswordReset,
    /// Signing in, after the password, with a second factor.
    SecondFactor,
    /// Registering a passkey.
    PasskeyNew,
    /// Signing in with a passkey.
    PasskeySignIn,
    /// Verifying the farm that is its payload.
    FarmClaim,
}

/// A challenge to record.
pub struct NewChallenge<'a> {
    /// The hash of its secret.
    pub hash: &'a SecretHash,
    /// What it is good for.
    pub kind: ChallengeKind,
    /// Whose it is; `None` where there is no account yet.
    pub account: Option<AccountId>,
    /// What to go on with.
    pub payload: &'a [u8],
}

row! {
    /// A challenge that was met.
    pub struct Challenge {
        /// Whose it is; `None` where there is no account yet.
        pub account: Option<AccountId> = "account_id",
        /// What to go on with.
        pub payload: Vec<u8> = "payload",
    }
}

/// Records a challenge. `?1` hash, `?2` kind, `?3` account, `?4` payload, `?5` now, `?6` end.
const OPEN: &str = "
    INSERT INTO challenges (hash, kind, account_id, payload, created_at, expires_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// Records a challenge whose secret goes to who asks.
pub fn open(db: &dyn Db, challenge: &NewChallenge<'_>, now: Timestamp) -> Result<(), StoreError> {
    db.run(OPEN, &params(challenge, now, CHALLENGE_SECONDS)).map(drop)
}

/// Records a challenge and its mail. `?1` to `?6` as in `OPEN`, `?7` the mail's id, `?8` its kind,
/// `?9` its sealed text.
const OPEN_BY_MAIL: &str = "
    INSERT INTO challenge_by_mail
           (hash, kind, account_id, payload, created_at, expires_at, mail_id, mail_kind, sealed)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";

/// Records a challenge whose secret goes out by mail; an older one of its kind and account ends.
pub fn open_by_mail(
    db: &dyn Db,
    challenge: &NewChallenge<'_>,
    mail: MailId,
    mail_kind: &str,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mail = [Value::text(mail), mail_kind.into(), sealed.into()];
    let params: Vec<Value> = params(challenge, now, LINK_SECONDS).into_iter().chain(mail).collect();
    db.run(OPEN_BY_MAIL, &params).map(drop)
}

fn params(challenge: &NewChallenge<'_>, now: Timestamp, seconds: i64) -> [Value; 6] {
    [
        Value::from(&challenge.hash[..]),
        challenge.kind.into_str().into(),
        challenge.account.map(Value::text).into(),
        challenge.payload.into(),
        now.into(),
        now.plus_seconds(seconds).into(),
    ]
}

/// The challenge with the hash `?1` and the kind `?2`, if it lasts beyond `?3`.
const FIND: &str =
    select!(Challenge, "FROM challenges WHERE hash = ?1 AND kind = ?2 AND expires_at > ?3");

/// Looks at a challenge without using it up.
pub fn find(
    db: &dyn Db,
    hash: &SecretHash,
    kind: ChallengeKind,
    now: Timestamp,
) -> Result<Option<Challenge>, StoreError> {
    let params = [Value::from(&hash[..]), kind.into_str().into(), now.into()];
    db.first(FIND, &params)
}

/// Uses up the challenge with the hash `?1` and the kind `?2`, if it lasts beyond `?3`.
const TAKE: &str = returning!(
    "DELETE FROM challenges WHERE hash = ?1 AND kind = ?2 AND expires_at > ?3",
    Challenge
);

/// Uses a challenge up: of many who try, one gets it. `None` if it is unknown, used or over.
pub fn take(
    db: &dyn Db,
    hash: &SecretHash,
    kind: ChallengeKind,
    now: Timestamp,
) -> Result<Option<Challenge>, StoreError> {
    let params = [Value::from(&hash[..]), kind.into_str().into(), now.into()];
    db.first(TAKE, &params)
}

/// Removes up to `?2` challenges that ended before `?1`. Served by `challenges_by_end`.
const SWEEP: &str = "
    DELETE FROM challenges WHERE hash IN (
        SELECT hash FROM challenges WHERE expires_at <= ?1 ORDER BY expires_at LIMIT ?2)";

/// Removes challenges that have ended; a bounded number each time.
pub fn sweep(db: &dyn Db, now: Timestamp) -> Result<(), StoreError> {
    db.run(SWEEP, &[now.into(), SWEEP_CHALLENGES.limit().into()]).map(drop)
}
