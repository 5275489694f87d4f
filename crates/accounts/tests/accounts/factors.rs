//! What somebody sees of second factors: the second step, confirming, and their part of the
//! settings.

use domain::factor::PasskeyName;
use expect_test::expect;
use stage::{ADA, Answer, Stage, User, reading};
use store::factors::{self as kept, NewPasskey};

use crate::{PASSWORD, ask, send, set_password};

const SETTINGS: &str = "/dashboard/settings";
const SECURITY: &str = "/dashboard/settings/security";

/// Somebody has an app, and so many recovery codes.
fn add_app(stage: &Stage, user: User, recovery_codes: u8) {
    let (account, now) = (user.account(), stage.now());
    let codes: Vec<_> = (0..recovery_codes).map(|nth| [nth; 32]).collect();
    assert!(kept::begin_totp(&stage.db, account, b"sealed", now).unwrap());
    assert!(kept::confirm_totp(&stage.db, account, b"sealed", 1, &codes, now).unwrap());
}

fn add_passkey(stage: &Stage, user: User) {
    let name = PasskeyName::parse("<3>").unwrap();
    let passkey =
        NewPasskey { id: &[7; 16], account: user.account(), name: &name, fixed: &[], moving: &[] };
    assert!(kept::add_passkey(&stage.db, &passkey, stage.now()).unwrap());
}

/// ADA's second step, after the password.
fn second_step(stage: &Stage) -> Answer {
    let fields = [("email", ADA.email), ("password", PASSWORD), ("next", "/dashboard/farm")];
    send(&stage.as_visitor(), "/login", &fields)
}

fn with_password() -> Stage {
    let stage = Stage::without_nodes();
    set_password(&stage, &[ADA]);
    stage
}

#[test]
fn the_second_step_asks_for_what_there_is() {
    let stage = with_password();
    add_app(&stage, ADA, 9);
    let html = second_step(&stage).html(200);
    let (_, rest) = html.split_once("name=\"challenge\" value=\"").unwrap();
    let (challenge, _) = rest.split_once('"').unwrap();
    let fields = [("challenge", challenge), ("next", "/dashboard/farm"), ("code", "wrong")];
    let page = send(&stage.as_visitor(), "/login/second-factor", &fields).html(401);
    expect![[r#"
        Two-factor authentication
        Enter a code.
        post /login/second-factor
        [hidden challenge=secret][hidden
          next=/dashboard/farm]
        Incorrect code. Use the code your app currently shows, or an unused recovery code.
        Code
        Six digits from your authenticator app, or a recovery code. [text code= required]
        (Sign in)
        Start over </login>"#]]
    .assert_eq(&reading(&page).replace(challenge, "secret"));

    add_passkey(&stage, ADA);
    let both = second_step(&stage).html(200);
    assert!(both.contains("name=\"code\"") && both.contains("data-next=\"/dashboard/farm\""));

    let stage = with_password();
    add_passkey(&stage, ADA);
    let html = second_step(&stage).html(200);
    assert!(!html.contains("name=\"code\"") && html.contains("data-next=\"/dashboard/farm\""));
    assert!(reading(&html).contains("\nUse a passkey."), "{html}");
}

/// What ADA is asked for, some time after she signed in.
fn asked(stage: &Stage) -> Answer {
    ask(&stage.as_user(ADA), SETTINGS).html(200);
    stage.pass_seconds(3_600);
    ask(&stage.as_user(ADA), "/dashboard/verify?next=%2Fdashboard%2Fwallet")
}

#[test]
fn a_password_confirms_only_where_there_is_no_factor() {
    let stage = with_password();
    asked(&stage).reads(
        200,
        expect![[r#"
            Verify it's you
            The next page is protected. Your verification is valid for 15 minutes.
            post /dashboard/verify
            [hidden next=/dashboard/wallet]
            Password [password password= required]
            (Verify)"#]],
    );
    let takes = |stage: &Stage| {
        let html = asked(stage).html(200);
        let has = |text| html.contains(text);
        (has("name=\"password\""), has("name=\"code\""), has("data-passkey=\"verify\""))
    };
    assert_eq!(takes(&stage), (true, false, false));
    add_app(&stage, ADA, 9);
    assert_eq!(takes(&stage), (false, true, false));
    let stage = with_password();
    add_passkey(&stage, ADA);
    assert_eq!(takes(&stage), (false, false, true));
}

#[test]
fn the_way_back_is_a_page_of_this_site() {
    let verify = |next| {
        let fields = [("password", PASSWORD), ("next", next)];
        send(&with_password().as_user(ADA), "/dashboard/verify", &fields)
    };
    assert_eq!(verify("/dashboard/farm").see_other(), "/dashboard/farm");
    assert_eq!(verify("//evil.example").see_other(), SETTINGS);
    assert_eq!(verify("").see_other(), SETTINGS);
}

#[test]
fn the_settings_list_passkeys_and_say_what_is_left() {
    let stage = Stage::without_nodes();
    add_passkey(&stage, ADA);
    ask(&stage.as_user(ADA), SECURITY).reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            Sign-in and security
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            Password
            Changing your password signs out all other browsers and ends your API tokens, except
              those you keep.
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
            Unknown program this browser password only
            From 192.0.2.7, since 29 July 2026, 12:00 UTC. Last active around 29 July 2026, 12:00
              UTC."#]],
    );
    kept::replace_recovery_codes(&stage.db, ADA.account(), &[[1; 32]]).unwrap();
    let page = ask(&stage.as_user(ADA), SECURITY).page(200);
    assert!(page.contains("You have 1 recovery code left."), "{page}");

    let stage = Stage::without_nodes().with("encryption_keys", "");
    let page = ask(&stage.as_user(ADA), SECURITY).page(200);
    assert!(page.contains("This marketplace doesn't support authenticator apps."), "{page}");
    assert!(!page.contains("recovery codes left") && !page.contains("You have no recovery"));
}

#[test]
fn an_app_is_set_up_with_a_code() {
    let stage = Stage::without_nodes();
    let ada = stage.as_user(ADA);
    let path = "/dashboard/settings/totp";
    assert_eq!(ask(&ada, path).see_other(), SECURITY);
    assert_eq!(send(&ada, path, &[]).see_other(), path);
    assert!(ask(&ada, path).html(200).contains("name=\"code\""));
    let page = send(&ada, "/dashboard/settings/totp/confirm", &[("code", "wrong")]);
    assert!(page.page(401).contains("Incorrect code."), "{page}");
}
