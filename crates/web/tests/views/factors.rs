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
            Two-factor authentication
            Enter a code.
            post /login/second-factor
            [hidden challenge=secret][hidden next=/dashboard/farm]
            Incorrect code. Use the code your app currently shows, or an unused recovery code.
            Code
            Six digits from your authenticator app, or a recovery code. [text code= required]
            (Sign in)
            Start over </login>"#]],
    );
    let page = second_factor(PASSKEY);
    assert_eq!((page.takes_code, page.passkey_next.as_deref()), (false, Some("/dashboard/farm")));
    assert_eq!(page.lede, "Use a passkey.");
    let both = second_factor(factor::Factors { passkeys: 1, ..APP });
    assert!(both.takes_code && both.passkey_next.is_some());
}

#[test]
fn a_password_confirms_only_where_there_is_no_factor() {
    check(
        &prove(NONE),
        expect![[r#"
            Verify it's you
            The next page is protected. Your verification is valid for 15 minutes.
            post /dashboard/prove
            [hidden next=/dashboard/wallet]
            Password [password password= required]
            (Verify)"#]],
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
            | Name | Added | Last used | Remove
            | &#60;3&#62; | 29 July 2026, 12:00 UTC | Never |
            post /dashboard/settings/passkeys/remove
            [hidden passkey=BwcHBwcHBwcHBwcHBwcHBw]
            (Remove &#60;3&#62;)
            To add a passkey, you need JavaScript and a browser from 2024 or later.
            Authenticator app
            Enter a code from your phone after your password.
            An app on your phone generates six-digit codes that you enter after your password.
            post /dashboard/settings/totp
            (Set up app)
            Recovery codes
            Use a recovery code once to sign in when you don't have your passkey or app.
            You have no recovery codes.
            post /dashboard/settings/recovery-codes
            (Generate new codes)
            Sessions
            Browsers signed in to your account. If you don't recognize one, sign it out and
              change your password.
            API tokens
            A token lets a program use the API </docs/api> within the scopes you choose. If a
              token leaks, revoke it; it stops working immediately.
            No tokens yet.
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
