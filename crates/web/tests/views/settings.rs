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
            E-mail address
            You sign in with it. Renters to whom you offer a rental see it, and farmers, unless
              you choose a name.
            post /dashboard/settings/email
            New address
            It counts at once. [email email= required]
            Your password [password password= required]
            (Change the address)
            How farmers see you
            Where you rent. Now: o&#39;mar&#38;co@example.org
            post /dashboard/settings/display-name
            Name
            Up to 80 characters. Empty: your e-mail address. [text display_name=]
            (Save)
            Password
            Changing it signs out every other browser.
            post /dashboard/settings/password
            Password now [password current_password= required]
            New password
            At least 8 characters. A few words work well. [password password= required]
            (Change the password)
            Passkeys
            A passkey signs you in with your fingerprint, your face or the lock of your device.
              It needs no password, and no other site can ask for it.
            You have no passkey yet.
            Adding a passkey needs JavaScript, and a browser of 2024 or later.
            Authenticator app
            A second step after your password: a code of your phone.
            An app on your phone shows a code of six digits, which is asked for after your
              password.
            post /dashboard/settings/totp
            (Set up an app)
            Recovery codes
            A recovery code gets you in once where you have neither passkey nor app.
            They come with a passkey or an app: add one of them first.
            Signed in
            Every browser that is signed in to this account. End what you do not know, and change
              your password.
            Chrome on Windows second factor
            From 192.0.2.7, since 29 July 2026, 11:00 UTC. Last used around 29 July 2026, 12:00
              UTC.
            post /dashboard/settings/sessions/019fadbe-f200-7101-8101-010101010101/end
            (End)
            A program without a name this browser password only
            From 192.0.2.7, since 29 July 2026, 11:00 UTC. Last used around 29 July 2026, 12:00
              UTC.
            post /dashboard/settings/sessions/end-others
            (End all others)
            API tokens
            With a token, a program does what you allow it, through the API </docs/api>. Revoke
              one that got into other hands: it is worth nothing at once.
            backup myc_4fTz…
            May read, rent; farm 1 only. Spent $12.50 of $100.00. Never used. Ends 27 October
              2026.
            post /dashboard/settings/tokens/019fadbe-f200-7707-8707-070707070707/revoke
            (Revoke)
            post /dashboard/settings/tokens
            Make a token
            Name
            To know it by, such as the program that uses it. [text name=]
            It may
            [checkbox scopes=read checked] Read what you see read
            [checkbox scopes=rent] Rent slices, and pay from the wallet rent
            [checkbox scopes=farm] Register nodes, and set their prices farm
            [checkbox scopes=agent] Set up and remove slices on a farm agent
            It may spend at most
            In all. Empty: no ceiling. $[text ceiling_usd=]
            It ends in
            1 to 365. [text expires_in_days=90]days
            Only for the farm
            On the grid. Empty: any. [text farm_id=]
            (Make the token)
            SSH keys
            The public keys that get into the machines that you rent.
            See the keys </dashboard/settings/ssh-keys>
            Activity
            What was done in this account and with it. Nobody can change this list, not even the
              operator.
            See the activity </dashboard/settings/activity>
            Delete the account
            For good: nobody can bring it back.
            post /dashboard/settings/delete
            First: Your rentals have ended, and your nodes are off the market with none of their
              slices rented. No payout is under way.
            Goes: Your address, password, sessions, tokens, and where you are paid to.
            Stays: Rentals, bookings and the log of what was done, under a number that says
              nothing of you.
            Your wallet holds $100.00. Once the account is deleted, nobody can spend it.
            Your password [password password= required]
            (Delete the account)"#]],
    );
    let page = settings(&sessions()[1..], &[]);
    check_frame(&page, &["There is no token yet."], &["End all others", "value=\"admin\""]);
}

#[test]
fn a_refusal_is_said_where_it_belongs() {
    let page = || settings(&sessions(), &[]);
    let sent = form("email=x&password=secret&name=a&scopes=farm&farm_id=mine");
    let password = Problem::plain(Kind::WrongPassword);
    let refused = page().email_refused(&sent, &password).email;
    assert_eq!(refused.password_error.as_deref(), Some("This is not your password."));
    assert_eq!((refused.error, refused.email.value.as_str()), (None, "x"));
    let refused = page().password_refused(&Problem::from(wrong("password", "long"))).password;
    assert_eq!((refused.password_error.as_deref(), refused.error), (Some("Long."), None));
    let refused = page().token_refused(&sent, &Problem::plain(Kind::TooManyTokens)).token_form;
    assert!(refused.error.unwrap().starts_with("The account has as many tokens"));
    assert_eq!(refused.farm_id.value, "mine");
    let chosen: Vec<_> = refused.scopes.iter().filter(|s| s.is_chosen).map(|s| s.value).collect();
    assert_eq!(chosen, ["farm"]);
    let refused = page().delete_refused(&Problem::plain(Kind::InUse));
    assert!(refused.delete_error.unwrap().contains("take its nodes off the market"));
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
        Look into your mail
        A mail is on its way to the address that you entered. Open the link in it to go on.
        The link works once, and for 10 minutes.
        Nothing came? Look among unwanted mail, check that the address was right, and ask
          again after some minutes."#]],
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
        One step left
        Your address is confirmed with this button, and your account is made.
        post /signup/confirm
        [hidden code=a&#34;b]
        (Make the account)
        You did not ask for this? Close the page: nothing was changed."#]],
    );
    let page = shown(&empty(), Who::Omar, "/email/confirm?code=a", |_, visit| {
        ConfirmCode::of_email(visit, "a")
    });
    check(
        &page,
        expect![[r#"
        Your new e-mail address
        From then on you sign in with the address that the mail came to.
        post /email/confirm
        [hidden code=a]
        (Change the address)
        You did not ask for this? Close the page: nothing was changed."#]],
    );
}

#[test]
fn a_new_password_is_asked_for() {
    let page = shown(&empty(), Who::Visitor, "/reset", |_, visit| Reset::new(visit));
    check(
        &page,
        expect![[r#"
        Choose a new password
        This marketplace sends no mail, so it cannot send you a link. Ask its operator for
          help, and name the address that you sign in with.
        You remember it? Sign in </login>"#]],
    );
    let page = Reset { has_mail: true, ..page };
    let problem = Problem::from(wrong("email", "an address"));
    check(
        &page.refused(&form("email=omar"), &problem),
        expect![[r#"
        Choose a new password
        Say which address you sign in with. We send a link to it.
        post /reset
        E-mail address [email email=omar required]
        An address.
        (Send the link)
        You remember it? Sign in </login>"#]],
    );
    let page = shown(&empty(), Who::Visitor, "/", |_, visit| ResetConfirm::new(visit, "a"));
    check(
        &page.refused(&Problem::from(wrong("password", "longer"))),
        expect![[r#"
        Choose a new password
        It takes effect at once, and every browser that is signed in is signed out.
        post /reset/confirm
        [hidden code=a]
        New password
        At least 8 characters. A few words work well. [password password= required]
        Longer.
        (Set the password)"#]],
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
        What was done in this account and with it. If something was not you, change your
          password </dashboard/settings>.
        Nothing was done yet."#]],
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
        Payout
        Where the operator pays your earnings to.
        Now: BE71 0961 2345 6769
        To change it, show a second factor: a passkey, or a code of an authenticator app. If
          you have none yet, add one in the settings </dashboard/settings> first.
        Confirm that it is you </dashboard/prove?next=%2Fdashboard%2Ffarm%2Fpayout>"#]],
    );
    let open = Payout { is_locked: false, ..page };
    let problem = Problem::from(wrong("payout_address", "shorter"));
    check(
        &open.refused(&form("payout_address=x"), &problem),
        expect![[r#"
        Farm </dashboard/farm>
        Payout
        Where the operator pays your earnings to.
        post /dashboard/farm/payout
        Paid to [text payout_address=x]
        Shorter.
        (Save)"#]],
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
            Reading is not limited, but for streams. What changes something is, so that nobody is
              in the way of others or guesses passwords.
            How often
            That many at once, and as many again over the time. An answer says in
              RateLimit-Policy and RateLimit which limit is closest and what is left of it. Past
              a limit, the answer is too-many-requests </docs/problems#too-many-requests>, and
              Retry-After says when to try again.
            | Limit | How many | What it counts
            | changes-by-address | 3,000 in a minute | Requests other than GET and HEAD from one
              network address.
            | changes-by-account | 1,200 in a minute | Requests other than GET and HEAD of one
              account, however it asks.
            | changes-by-token | 600 in a minute | Requests other than GET and HEAD with one API
              token.
            | sign-ups | 300 in an hour | Sign-ups from one network address.
            | sign-in-failures-by-address | 50 in 15 minutes | Failed sign-ins from one network
              address. Past it no password is checked.
            | sign-in-failures-by-account-and-address | 10 in 15 minutes | Failed sign-ins at one
              account from one network address.
            | sign-in-failures-by-account | 100 in an hour | Failed sign-ins at one account from
              everywhere. Passkeys and a reset still work.
            | second-factor-codes | 10 in 15 minutes | Codes of an authenticator app, or recovery
              codes, tried at one account.
            | proofs | 10 in 15 minutes | Times that one account says its password again, to
              change what is protected.
            | mails-by-recipient | 5 in an hour | Mails to one address that anybody can ask for:
              sign-up, reset, change of address.
            | streams-by-account | 16 in a minute | Streams of events that one account opens.
              Past it, ask for them as JSON.
            | farm-claims | 60 in an hour | Claims to farms that one account begins, and
              signatures that it tries.
            | grid-looks | 60 in a minute | Times that one account looks at nodes before it adds
              them.
            How large, how many
            | Of what | At most | What happens past it
            | The body of a request | 64 KiB | It is not read further, and the answer is
              body-too-large.
            | Nesting in a JSON body | 127 levels | The answer is unreadable-request, as it is
              for an unknown field.
            | Items on a page of a list | 100 | A larger limit is refused. next_cursor leads to
              the rest of the list.
            | A password | 8 characters to 512 bytes | A shorter or longer one, and one that many
              people use, is refused.
            | Names of nodes and tokens | 80 characters | A longer one, or one of several lines,
              is refused.
            | Where a farmer is paid to | 200 characters | A longer text, or one of several
              lines, is refused.
            | API tokens of an account | 100 | One more is refused, until one is revoked or ends.
            | Browsers that are signed in to an account | 50 | One more signs the oldest one out.
            | The age of a link in a mail | 10 minutes | The answer is expired-code. A link works
              once."#]],
    );
}
