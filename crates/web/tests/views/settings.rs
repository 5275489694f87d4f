//! What an account's owner sees of its settings, and of the pages that lead through a mail.

use domain::account::Scopes;
use domain::factor;
use domain::id::{RANDOM_ID_BYTES, SessionId, TokenId};
use domain::money::Usd;
use expect_test::expect;
use store::sessions::Session;
use store::tokens::Token;
use web::page::{
    Activity, ConfirmCode, Factors, Limits, MailSent, Payout, Reset, ResetConfirm, Settings,
};
use web::view::read_token;
use web::{Kind, Problem};

use crate::market::{Who, empty, form, now, shown, usd, wrong};
use crate::{check, check_frame};

const PATH: &str = "/dashboard/settings";

fn session(number: u8, user_agent: &str) -> Session {
    Session {
        id: SessionId::from_random(now(), [number; RANDOM_ID_BYTES]),
        created_at: now().plus_seconds(-3_600),
        seen_at: now(),
        is_strong: number == 1,
        address: "192.0.2.7".to_owned(),
        user_agent: user_agent.to_owned(),
    }
}

/// Omar's own session, as `market` makes it, and another one.
fn sessions() -> Vec<Session> {
    let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36";
    vec![session(1, chrome), session(Who::Omar as u8, "")]
}

fn token() -> Token {
    Token {
        id: TokenId::from_random(now(), [7; RANDOM_ID_BYTES]),
        hint: "myc_4fTz".to_owned(),
        name: "backup".to_owned(),
        scopes: Scopes::parse(["read", "rent"]).unwrap(),
        farm: Some(1),
        ceiling: Some(usd("100")),
        spent: usd("12.5"),
        created_at: now(),
        used_at: None,
        expires_at: now().plus_seconds(90 * 24 * 3_600),
    }
}

/// Of somebody who has none.
fn factors() -> Factors {
    let none = factor::Factors { passkeys: 0, has_totp: false, recovery_codes: 0 };
    Factors::new(none, &[], None)
}

fn settings(sessions: &[Session], tokens: &[Token]) -> Settings {
    shown(&empty(), Who::Omar, PATH, |_, visit| {
        Settings::new(visit, factors(), sessions, tokens, Usd::ZERO)
    })
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the whole page, in its words")]
fn everything_that_can_be_set_is_there() {
    check(
        &settings(&sessions(), &[token()]),
        expect![[r#"
            Settings
            o&#39;mar&#38;co@example.org
            Email address
            You sign in with this address. Accounts you transfer a rental to see it, and farmers
              see it unless you set a display name.
            post /dashboard/settings/email
            New address
            Takes effect immediately. [email email= required]
            Your password [password password= required]
            (Change email address)
            Display name
            Farmers see this name when you rent from them. Current: o&#39;mar&#38;co@example.org
            post /dashboard/settings/display-name
            Name
            Up to 80 characters. Leave empty to show your email address. [text display_name=]
            (Save)
            Password
            Changing your password signs out all other browsers.
            post /dashboard/settings/password
            Current password [password current_password= required]
            New password
            At least 8 characters. A few random words work well. [password password= required]
            (Change password)
            Passkeys
            A passkey signs you in with your fingerprint, face or screen lock. It replaces your
              password and works only on this site.
            No passkeys yet.
            To add a passkey, you need JavaScript and a browser from 2024 or later.
            Authenticator app
            Enter a code from your phone after your password.
            An app on your phone generates six-digit codes that you enter after your password.
            post /dashboard/settings/totp
            (Set up app)
            Recovery codes
            Use a recovery code once to sign in when you don't have your passkey or app.
            Add a passkey or an authenticator app first. You then get recovery codes.
            Sessions
            Browsers signed in to your account. If you don't recognize one, sign it out and
              change your password.
            Chrome on Windows second factor
            From 192.0.2.7, since 29 July 2026, 11:00 UTC. Last active around 29 July 2026, 12:00
              UTC.
            post /dashboard/settings/sessions/019fadbe-f200-7101-8101-010101010101/end
            (Sign out)
            Unknown program this browser password only
            From 192.0.2.7, since 29 July 2026, 11:00 UTC. Last active around 29 July 2026, 12:00
              UTC.
            post /dashboard/settings/sessions/end-others
            (Sign out all others)
            API tokens
            A token lets a program use the API </docs/api> within the scopes you choose. If a
              token leaks, revoke it; it stops working immediately.
            backup myc_4fTz…
            Scopes: read, rent; farm 1 only. Spent $12.50 of $100.00. Never used. Expires 27
              October 2026.
            post /dashboard/settings/tokens/019fadbe-f200-7707-8707-070707070707/revoke
            (Revoke)
            post /dashboard/settings/tokens
            Create token
            Name
            For example, the program that uses it. [text name=]
            Scopes
            [checkbox scopes=read checked] Read everything you can see read
            [checkbox scopes=rent] Rent slices and pay from your wallet rent
            [checkbox scopes=farm] Register nodes and set their prices farm
            [checkbox scopes=agent] Set up and remove slices on a farm agent
            Spending limit
            Total. Leave empty for no limit. $[text ceiling_usd=]
            Expires in
            1 to 365 days. [text expires_in_days=90]days
            Limit to farm
            Grid farm ID. Leave empty for all farms. [text farm_id=]
            (Create token)
            SSH keys
            Public keys that can log in to the machines you rent.
            Manage SSH keys </dashboard/settings/ssh-keys>
            Activity
            A tamper-evident log of your account's activity. Nobody can change it, not even the
              operator.
            View activity </dashboard/settings/activity>
            Delete account
            This is permanent and cannot be undone.
            post /dashboard/settings/delete
            Before you delete: End your rentals, take your nodes off the market once none of
              their slices are rented, and wait for pending payouts.
            Deleted: Your email address, password, sessions, tokens and payout address.
            Kept: Rentals, transactions and the activity log, under an anonymous ID.
            Your wallet balance of $100.00 is lost if you delete your account.
            Your password [password password= required]
            (Delete account)"#]],
    );
    let page = settings(&sessions()[1..], &[]);
    check_frame(&page, &["No tokens yet."], &["Sign out all others", "value=\"admin\""]);
}

#[test]
fn a_refusal_is_said_where_it_belongs() {
    let page = || settings(&sessions(), &[]);
    let sent = form("email=x&password=secret&name=a&scopes=farm&farm_id=mine");
    let password = Problem::plain(Kind::WrongPassword);
    let refused = page().email_refused(&sent, &password).email;
    assert_eq!(refused.password_error.as_deref(), Some("Incorrect password."));
    assert_eq!((refused.error, refused.email.value.as_str()), (None, "x"));
    let refused = page().password_refused(&Problem::from(wrong("password", "long"))).password;
    assert_eq!((refused.password_error.as_deref(), refused.error), (Some("Long."), None));
    let refused = page().token_refused(&sent, &Problem::plain(Kind::TooManyTokens)).token_form;
    assert!(refused.error.unwrap().starts_with("Token limit reached"));
    assert_eq!(refused.farm_id.value, "mine");
    let chosen: Vec<_> = refused.scopes.iter().filter(|s| s.is_chosen).map(|s| s.value).collect();
    assert_eq!(chosen, ["farm"]);
    let refused = page().delete_refused(&Problem::plain(Kind::InUse));
    assert!(refused.delete_error.unwrap().contains("take all nodes off the market"));
}

#[test]
fn what_is_no_number_is_not_taken_for_nothing() {
    let body = read_token(&form("name=a&scopes=read&scopes=rent&farm_id=x&expires_in_days=+7+"));
    assert_eq!((body.farm_id, body.expires_in_days), (Some(0), Some(7)));
    assert_eq!(body.scopes, ["read", "rent"]);
    let body = read_token(&form("farm_id=&expires_in_days=&ceiling_usd="));
    assert_eq!((body.farm_id, body.expires_in_days), (None, None));
    assert!(body.ceiling_usd.is_none());
}

#[test]
fn a_mail_says_nothing_of_who_asked() {
    let page = shown(&empty(), Who::Visitor, "/mail-sent", |_, visit| MailSent::new(visit));
    check(
        &page,
        expect![[r#"
            Check your email
            We sent an email to the address you entered. Open the link in it to continue.
            The link works once and expires after 10 minutes.
            No email? Check your spam folder and the address you entered, then try again in a few
              minutes."#]],
    );
}

#[test]
fn a_link_of_a_mail_leads_to_one_button() {
    let page = shown(&empty(), Who::Visitor, "/signup/confirm?code=a", |_, visit| {
        ConfirmCode::of_sign_up(visit, "a\"b")
    });
    check(
        &page,
        expect![[r#"
            Confirm your email address
            Confirm your address to create your account.
            post /signup/confirm
            [hidden code=a&#34;b]
            (Create account)
            If you didn't request this, close this page. Nothing has changed."#]],
    );
    let page = shown(&empty(), Who::Omar, "/email/confirm?code=a", |_, visit| {
        ConfirmCode::of_email(visit, "a")
    });
    check(
        &page,
        expect![[r#"
            Confirm your new email address
            After this, you sign in with your new address.
            post /email/confirm
            [hidden code=a]
            (Change email address)
            If you didn't request this, close this page. Nothing has changed."#]],
    );
}

#[test]
fn a_new_password_is_asked_for() {
    let page = shown(&empty(), Who::Visitor, "/reset", |_, visit| Reset::new(visit));
    check(
        &page,
        expect![[r#"
            Reset your password
            This marketplace doesn't send email. To reset your password, contact the operator and
              tell them the address you sign in with.
            Remembered your password? Sign in </login>"#]],
    );
    let page = Reset { has_mail: true, ..page };
    let problem = Problem::from(wrong("email", "an address"));
    check(
        &page.refused(&form("email=omar"), &problem),
        expect![[r#"
            Reset your password
            Enter the address you sign in with, and we'll send you a reset link.
            post /reset
            Email address [email email=omar required]
            An address.
            (Send reset link)
            Remembered your password? Sign in </login>"#]],
    );
    let page = shown(&empty(), Who::Visitor, "/", |_, visit| ResetConfirm::new(visit, "a"));
    check(
        &page.refused(&Problem::from(wrong("password", "longer"))),
        expect![[r#"
            Choose a new password
            Your new password works immediately. All browsers are signed out.
            post /reset/confirm
            [hidden code=a]
            New password
            At least 8 characters. A few random words work well. [password password= required]
            Longer.
            (Set password)"#]],
    );
}

#[test]
fn an_account_without_activity_says_so() {
    let path = "/dashboard/settings/activity";
    let page = shown(&empty(), Who::Aida, path, |_, visit| Activity::new(visit, Vec::new()));
    check(
        &page,
        expect![[r#"
            Settings </dashboard/settings>
            Activity
            Recent activity in your account. If you don't recognize something, change your
              password </dashboard/settings>.
            No activity yet."#]],
    );
}

#[test]
fn a_payout_is_locked_without_a_second_factor() {
    let path = "/dashboard/farm/payout";
    let address = || Some("BE71 0961 2345 6769".to_owned());
    let page = shown(&empty(), Who::Fatima, path, |_, visit| Payout::new(visit, address()));
    check(
        &page,
        expect![[r#"
            Farm </dashboard/farm>
            Payout address
            The operator sends your earnings to this address.
            Current: BE71 0961 2345 6769
            To change the payout address, verify it's you with a passkey or an authenticator app.
              If you have neither, add one in Settings </dashboard/settings> first.
            Verify it's you </dashboard/prove?next=%2Fdashboard%2Ffarm%2Fpayout>"#]],
    );
    let open = Payout { is_locked: false, ..page };
    let problem = Problem::from(wrong("payout_address", "shorter"));
    check(
        &open.refused(&form("payout_address=x"), &problem),
        expect![[r#"
            Farm </dashboard/farm>
            Payout address
            The operator sends your earnings to this address.
            post /dashboard/farm/payout
            Payout address [text payout_address=x]
            Shorter.
            (Save payout address)"#]],
    );
}

#[test]
fn limits_are_said_in_full() {
    let page = shown(&empty(), Who::Visitor, "/docs/limits", |_, visit| Limits::new(visit));
    check(
        &page,
        expect![[r#"
            API </docs/api>
            Limits
            Read requests are not limited, except event streams. Requests that change something
              are limited, to keep the service fair and to protect passwords.
            Rate limits
            Each limit is the burst size, and refills over the given time. Responses report the
              closest limit and its remaining quota in RateLimit-Policy and RateLimit. Above a
              limit you get too-many-requests </docs/problems#too-many-requests>, with
              Retry-After.
            | Limit | Quota | Applies to
            | changes-by-address | 3,000 in a minute | Requests other than GET and HEAD from one
              network address.
            | changes-by-account | 1,200 in a minute | Requests other than GET and HEAD from one
              account.
            | changes-by-token | 600 in a minute | Requests other than GET and HEAD with one API
              token.
            | sign-ups | 300 in an hour | Sign-ups from one network address.
            | sign-in-failures-by-address | 50 in 15 minutes | Failed sign-ins from one network
              address. Above it, no passwords are checked.
            | sign-in-failures-by-account-and-address | 10 in 15 minutes | Failed sign-ins to one
              account from one network address.
            | sign-in-failures-by-account | 100 in an hour | Failed sign-ins to one account from
              all addresses. Passkeys and password resets still work.
            | second-factor-codes | 10 in 15 minutes | Authenticator and recovery codes tried for
              one account.
            | proofs | 10 in 15 minutes | Password confirmations by one account for protected
              changes.
            | mails-by-recipient | 5 in an hour | Sign-up, password reset and address change
              emails to one address.
            | streams-by-account | 16 in a minute | Event streams opened by one account. Above
              it, poll events as JSON.
            | farm-claims | 60 in an hour | Farm verifications started, and signatures tried, by
              one account.
            | grid-looks | 60 in a minute | Node previews by one account.
            Size limits
            | Limit | Maximum | When exceeded
            | Request body | 64 KiB | Rejected with body-too-large.
            | JSON nesting depth | 127 levels | Rejected with unreadable-request, like unknown
              fields.
            | Items per page | 100 | A larger limit is rejected. Use next_cursor to get the next
              page.
            | Password length | 8 characters to 512 bytes | Shorter, longer and commonly used
              passwords are rejected.
            | Node and token names | 80 characters | Longer or multi-line names are rejected.
            | Payout address | 200 characters | Longer or multi-line text is rejected.
            | API tokens per account | 100 | Rejected until a token is revoked or expires.
            | Sessions per account | 50 | The oldest session is signed out.
            | Lifetime of email links | 10 minutes | Rejected with expired-code. Each link works
              once."#]],
    );
}
