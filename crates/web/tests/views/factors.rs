//! What somebody sees of second factors: the second step, confirming, and their part of the
//! settings.

use domain::factor::{self, PasskeyName};
use domain::money::Usd;
use expect_test::expect;
use store::factors::{self as kept, NewPasskey};
use web::page::{Factors, Prove, SecondFactor, Settings};
use web::view::back;
use web::{Kind, Problem};

use crate::check;
use crate::market::{Who, empty, now, shown};

const NONE: factor::Factors = factor::Factors { passkeys: 0, has_totp: false, recovery_codes: 0 };
const APP: factor::Factors = factor::Factors { has_totp: true, recovery_codes: 9, ..NONE };
const PASSKEY: factor::Factors = factor::Factors { passkeys: 1, ..NONE };

fn second_factor(factors: factor::Factors) -> SecondFactor {
    let next = Some("/dashboard/farm");
    shown(&empty(), Who::Visitor, "/login", |_, visit| {
        SecondFactor::new(visit, "secret", factors, next)
    })
}

fn prove(factors: factor::Factors) -> Prove {
    shown(&empty(), Who::Omar, "/dashboard/prove", |_, visit| {
        Prove::new(visit, factors, "/dashboard/wallet")
    })
}

#[test]
fn the_second_step_asks_for_what_there_is() {
    let page = second_factor(APP).refused(&Problem::plain(Kind::WrongCode));
    check(
        &page,
        expect![[r#"
        One more step
        Enter a code.
        post /login/second-factor
        [hidden challenge=secret][hidden next=/dashboard/farm]
        The code is wrong. Use the code that your app shows now, or a recovery code; each is
          good once.
        Code
        Six digits from your authenticator app, or a recovery code. [text code= required]
        (Sign in)
        Begin again </login>"#]],
    );
    let page = second_factor(PASSKEY);
    assert_eq!((page.takes_code, page.passkey_next.as_deref()), (false, Some("/dashboard/farm")));
    assert_eq!(page.lede, "Show a passkey.");
    let both = second_factor(factor::Factors { passkeys: 1, ..APP });
    assert!(both.takes_code && both.passkey_next.is_some());
}

#[test]
fn a_password_confirms_only_where_there_is_no_factor() {
    check(
        &prove(NONE),
        expect![[r#"
        Confirm that it is you
        What comes next is protected. You are asked again after 15 minutes.
        post /dashboard/prove
        [hidden next=/dashboard/wallet]
        Password [password password= required]
        (Confirm)"#]],
    );
    let asked = |page: Prove| (page.takes_password, page.takes_code, page.takes_passkey);
    assert_eq!(asked(prove(NONE)), (true, false, false));
    assert_eq!(asked(prove(APP)), (false, true, false));
    assert_eq!(asked(prove(PASSKEY)), (false, false, true));
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the whole page, in its words")]
fn the_settings_list_passkeys_and_say_what_is_left() {
    let page = shown(&empty(), Who::Omar, "/dashboard/settings", |cx, visit| {
        let account = Who::Omar.account();
        let name = PasskeyName::parse("<3>").unwrap();
        let id = [7; 16];
        let passkey = NewPasskey { id: &id, account, name: &name, fixed: &[], moving: &[] };
        assert!(kept::add_passkey(cx.db, &passkey, now()).unwrap());
        let passkeys = kept::passkeys(cx.db, account).unwrap();
        let factors = kept::of_account(cx.db, account).unwrap();
        Settings::new(visit, Factors::new(factors, &passkeys, None), &[], &[], Usd::ZERO)
    });
    check(
        &page,
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
            | Name | Added | Last used | Remove
            | &#60;3&#62; | 29 July 2026, 12:00 UTC | Never |
            post /dashboard/settings/passkeys/remove
            [hidden passkey=BwcHBwcHBwcHBwcHBwcHBw]
            (Remove &#60;3&#62;)
            Adding a passkey needs JavaScript, and a browser of 2024 or later.
            Authenticator app
            A second step after your password: a code of your phone.
            An app on your phone shows a code of six digits, which is asked for after your
              password.
            post /dashboard/settings/totp
            (Set up an app)
            Recovery codes
            A recovery code gets you in once where you have neither passkey nor app.
            You have no recovery codes.
            post /dashboard/settings/recovery-codes
            (Make new codes)
            Signed in
            Every browser that is signed in to this account. End what you do not know, and change
              your password.
            API tokens
            With a token, a program does what you allow it, through the API </docs/api>. Revoke
              one that got into other hands: it is worth nothing at once.
            There is no token yet.
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
    let empty = Factors::new(NONE, &[], Some("not offered"));
    assert_eq!(empty.totp_note.as_deref(), Some("Not offered."));
    assert_eq!(empty.recovery_codes, None);
    let left = |recovery_codes| {
        Factors::new(factor::Factors { recovery_codes, ..APP }, &[], None).recovery_codes.unwrap()
    };
    assert_eq!(left(0), "You have no recovery codes.");
    assert_eq!(left(1), "You have 1 recovery code left.");
}

#[test]
fn the_way_back_is_a_page_of_this_site() {
    assert_eq!(back(Some("/dashboard/farm")), "/dashboard/farm");
    assert_eq!(back(Some("//evil.example")), "/dashboard/settings");
    assert_eq!(back(None), "/dashboard/settings");
}
