//! What an account's owner sees of its settings.

use domain::account::Scopes;
use domain::id::{RANDOM_ID_BYTES, SessionId, TokenId};
use domain::listing::Listing;
use domain::money::Usd;
use domain::recurring::NOTIFY_OF_EXPIRING_TOKENS;
use expect_test::expect;
use stage::{ADA, Answer, BEN, FARMER, HOSTILE, Stage, reading, report};
use store::Db;
use store::sessions::{self, NewSession};
use store::tokens::{self, NewToken};

use crate::{PASSWORD, ask, send, set_password};

const SETTINGS: &str = "/dashboard/settings";

/// ADA signed in with a second factor, on another computer.
fn open_session(stage: &Stage) {
    let session = NewSession {
        id: SessionId::from_random(stage.now(), [1; RANDOM_ID_BYTES]),
        hash: &[1; 32],
        account: ADA.account(),
        is_strong: true,
        address: "192.0.2.7",
        user_agent: "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140.0.0.0 Safari/537.36",
        expires_at: stage.now().plus_seconds(86_400),
    };
    assert!(sessions::open(&stage.db, &session, stage.now()).unwrap());
}

fn create_token(stage: &Stage, nth: u8) {
    let token = NewToken {
        id: TokenId::from_random(stage.now(), [nth; RANDOM_ID_BYTES]),
        hash: &[nth; 32],
        hint: "myc_4fTz",
        account: ADA.account(),
        name: "backup",
        scopes: Scopes::parse(["read", "rent"]).unwrap(),
        farm: Some(1),
        spending_limit: Some(Usd::whole(100)),
        expires_at: stage.now().plus_seconds(90 * 24 * 3_600),
    };
    assert!(tokens::create(&stage.db, &token, stage.now()).unwrap());
}

#[test]
fn the_settings_say_where_everything_is() {
    let stage = Stage::without_nodes();
    let page = ask(&stage.as_user(ADA), SETTINGS);
    page.reads(
        200,
        expect![[r#"
        Settings
        o&#39;ada&#38;co@example.org
        Profile Email address and display name </dashboard/settings/profile>
        Sign-in and security Password, passkeys, authenticator app, recovery codes, signed-in
          browsers </dashboard/settings/security>
        API tokens Let your programs use the API </dashboard/settings/tokens>
        SSH keys Who can log in to your machines </dashboard/settings/ssh-keys>
        Notifications What you hear about, and how </dashboard/notifications/settings>
        Webhooks Send notifications to your programs </dashboard/notifications/webhooks>
        Activity A tamper-evident log of your account </dashboard/settings/activity>
        Delete account Permanent, cannot be undone </dashboard/settings/delete>"#]],
    );
    // What was a part of this page once leads on to where that is now.
    let html = page.html(200);
    for was in ["shown", "passkeys", "app", "recovery-codes", "tokens-title", "sessions-title"] {
        assert!(html.contains(&format!("id=\"{was}\"")), "#{was}: {html}");
    }
}

#[test]
fn the_profile_has_the_address_and_the_name() {
    ask(&Stage::without_nodes().as_user(ADA), &format!("{SETTINGS}/profile")).reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            Profile
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            Email address
            You sign in with o&#39;ada&#38;co@example.org. Accounts you transfer a rental to see
              it, and farmers see it unless you set a display name.
            post /dashboard/settings/email
            New address
            Takes effect immediately. [email email= required]
            Your password [password password= required]
            (Change email address)
            Display name
            Farmers see this name when you rent from them. Current: o&#39;ada&#38;co@example.org
            post /dashboard/settings/display-name
            Name
            Up to 80 characters. Leave empty to show your email address. [text display_name=]
            (Save display name)"#]],
    );
}

#[test]
fn the_page_of_security_has_every_way_to_sign_in() {
    let stage = Stage::without_nodes();
    stage.pass_seconds(-3_600);
    open_session(&stage);
    stage.pass_seconds(3_600);
    create_token(&stage, 7);
    let path = format!("{SETTINGS}/security");
    ask(&stage.as_user(ADA), &path).reads(
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
        Keep these API tokens
        Tokens you don't select stop working now. Keep a token only if you know who uses it.
        [checkbox keep_tokens=019fadbe-f200-7707-8707-070707070707] backup myc_4fTz… read,
          rent; farm 1 only.
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
        Unknown program this browser password only
        From 192.0.2.7, since 29 July 2026, 12:00 UTC. Last active around 29 July 2026, 12:00
          UTC.
        Chrome on Windows second factor
        From 192.0.2.7, since 29 July 2026, 11:00 UTC. Last active around 29 July 2026, 11:00
          UTC.
        post /dashboard/settings/sessions/019fad88-0380-7101-8101-010101010101/end
        (Sign out)
        post /dashboard/settings/sessions/end-others
        (Sign out all others)"#]],
    );
    let html = ask(&stage.as_user(BEN), &path).html(200);
    assert!(!html.contains("Sign out all others") && !html.contains("Keep these API tokens"));
}

#[test]
fn tokens_are_listed_and_made() {
    let stage = Stage::without_nodes();
    create_token(&stage, 7);
    stage.db.run("UPDATE tokens SET spent_micros = 12500000", &[]).unwrap();
    let path = format!("{SETTINGS}/tokens");
    ask(&stage.as_user(ADA), &path).reads(
        200,
        expect![[r#"
        Settings </dashboard/settings>
        API tokens
        Profile </dashboard/settings/profile>
        Security </dashboard/settings/security>
        API tokens </dashboard/settings/tokens>
        SSH keys </dashboard/settings/ssh-keys>
        Notifications </dashboard/notifications/settings>
        Webhooks </dashboard/notifications/webhooks>
        Activity </dashboard/settings/activity>
        Delete account </dashboard/settings/delete>
        Your tokens
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
        Total. Leave empty for no limit. $[text spending_limit_usd=]
        Expires in
        1 to 365 days. [text expires_in_days=90]days
        Limit to farm
        Grid farm ID. Leave empty for all farms. [text farm_id=]
        (Create token)"#]],
    );
    let html = ask(&stage.as_user(BEN), &path).html(200);
    assert!(html.contains("No tokens yet.") && !html.contains("value=\"admin\""), "{html}");
}

#[test]
fn deleting_says_what_is_lost() {
    ask(&Stage::without_nodes().as_user(ADA), &format!("{SETTINGS}/delete")).reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            Delete account
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            Delete this account
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
}

/// No page says this: what is read from a text to the end.
const END: &str = "\0";

/// What is read between two texts.
#[track_caller]
fn part(page: &Answer, status: u16, start: &str, end: &str) -> String {
    let page = reading(&page.html(status));
    let (_, rest) = page.split_once(start).unwrap();
    rest.split_once(end).map_or(rest, |(part, _)| part).to_owned()
}

#[test]
#[expect(clippy::too_many_lines, reason = "they are many forms, as they are read")]
fn a_refusal_is_said_where_it_belongs() {
    let stage = Stage::without_nodes();
    set_password(&stage, &[ADA, FARMER]);
    let ada = |form: &str, fields: &[(&str, &str)]| {
        send(&stage.as_user(ADA), &format!("{SETTINGS}/{form}"), fields)
    };
    let page = ada("email", &[("email", "a@example.org"), ("password", "wrong")]);
    expect![[r#"
        New address
        Takes effect immediately. [email email=a@example.org required]
        Your password [password password= required]
        Incorrect password.
        (Change email address)
    "#]]
    .assert_eq(&part(&page, 403, "settings/email\n", "Display name"));
    let page = ada("password", &[("current_password", PASSWORD), ("password", "short")]);
    expect![[r#"
        Current password [password current_password= required]
        New password
        At least 8 characters. A few random words work well. [password password= required]
        At least 8 characters, at most 512 bytes.
        (Change password)
    "#]]
    .assert_eq(&part(&page, 400, "settings/password\n", "Passkeys"));
    let page = ada("display-name", &[("display_name", "A\tda")]);
    expect![[r#"
        Name [text display_name=A da]
        1 to 80 visible characters on one line.
        (Save display name)"#]]
    .assert_eq(&part(&page, 400, "settings/display-name\n", END));
    let token = [("name", "a"), ("scopes", "farm"), ("farm_id", "mine")];
    let page = ada("tokens", &token);
    expect![[r#"
        Name
        For example, the program that uses it. [text name=a]
        Scopes
        [checkbox scopes=read] Read everything you can see read
        [checkbox scopes=rent] Rent slices and pay from your wallet rent
        [checkbox scopes=farm checked] Register nodes and set their prices farm
        [checkbox scopes=agent] Set up and remove slices on a farm agent
        Spending limit
        Total. Leave empty for no limit. $[text spending_limit_usd=]
        Expires in
        1 to 365 days. [text expires_in_days=]days
        Limit to farm [text farm_id=mine]
        A grid farm ID above 0.
        (Create token)"#]]
    .assert_eq(&part(&page, 400, "Create token\n", END));
    let wrong = ["spending_limit_usd", "expires_in_days", "farm_id"].map(|it| (it, "much"));
    let page = ada("tokens", &[&[("name", " ")][..], &wrong].concat());
    expect![[r#"
        Name [text name= ]
        1 to 80 visible characters on one line.
        Scopes
        [checkbox scopes=read] Read everything you can see read
        [checkbox scopes=rent] Rent slices and pay from your wallet rent
        [checkbox scopes=farm] Register nodes and set their prices farm
        [checkbox scopes=agent] Set up and remove slices on a farm agent
        A list of at least one of read, rent, farm, agent, admin.
        Spending limit $[text spending_limit_usd=much]
        An amount of dollars with at most two decimals, above 0, such as 25.00.
        Expires in [text expires_in_days=much]days
        A whole number of days, 1 to 365.
        Limit to farm [text farm_id=much]
        A grid farm ID above 0.
        (Create token)"#]]
    .assert_eq(&part(&page, 400, "Create token\n", END));
    for nth in 0..100 {
        create_token(&stage, nth);
    }
    let token = [("name", "a"), ("scopes", "farm"), ("farm_id", "7")];
    let page = ada("tokens", &token);
    expect![[r#"
        Token limit reached. Revoke a token, or reuse an existing one.
        Name
        For example, the program that uses it. [text name=a]
        Scopes
        [checkbox scopes=read] Read everything you can see read
        [checkbox scopes=rent] Rent slices and pay from your wallet rent
        [checkbox scopes=farm checked] Register nodes and set their prices farm
        [checkbox scopes=agent] Set up and remove slices on a farm agent
        Spending limit
        Total. Leave empty for no limit. $[text spending_limit_usd=]
        Expires in
        1 to 365 days. [text expires_in_days=]days
        Limit to farm
        Grid farm ID. Leave empty for all farms. [text farm_id=7]
        (Create token)"#]]
    .assert_eq(&part(&page, 409, "Create token\n", END));

    stage.register("node32", &report(32, 3));
    stage.offer(32, "node32", Listing::Published);
    let path = format!("{SETTINGS}/delete");
    let page = send(&stage.as_user(FARMER), &path, &[("password", PASSWORD)]);
    assert!(page.page(409).contains("take all nodes off the market"), "{page}");
}

#[test]
fn a_new_token_is_shown_once() {
    let stage = Stage::without_nodes();
    let fields = [("name", "backup"), ("scopes", "read"), ("expires_in_days", " 7 ")];
    let page = reading(&send(&stage.as_user(ADA), "/dashboard/settings/tokens", &fields).html(201));
    assert!(page.contains("myc_"), "{page}");
    let settings = reading(&ask(&stage.as_user(ADA), "/dashboard/settings/tokens").html(200));
    assert!(settings.contains("Expires 5 August 2026."), "{settings}");
}

#[test]
fn an_account_without_activity_says_so() {
    ask(&Stage::without_nodes().as_user(BEN), "/dashboard/settings/activity").reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            Activity
            Recent activity in your account. If you don't recognize something, change your
              password </dashboard/settings/security>.
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            No activity yet."#]],
    );
}

#[test]
fn what_an_account_says_is_text() {
    let stage = Stage::without_nodes();
    let ada = stage.as_user(ADA);
    let form =
        |form: &str, fields: &[(&str, &str)]| send(&ada, &format!("{SETTINGS}/{form}"), fields);
    let token = [("name", HOSTILE), ("scopes", "read"), ("expires_in_days", "7")];
    form("tokens", &token).escapes_hostile_text();
    ask(&ada, &format!("{SETTINGS}/tokens")).escapes_hostile_text();
    ask(&ada, &format!("{SETTINGS}/security")).escapes_hostile_text();
    form("display-name", &[("display_name", HOSTILE)]).see_other();
    ask(&ada, &format!("{SETTINGS}/profile")).escapes_hostile_text();
    form("email", &[("email", HOSTILE), ("password", "")]).escapes_hostile_text();
}

/// The token of an agent that lasts so many days; `is_used` says whether an agent has used it.
fn create_agent_token(stage: &Stage, nth: u8, hint: &str, days: i64, is_used: bool) {
    let token = NewToken {
        id: TokenId::from_random(stage.now(), [nth; RANDOM_ID_BYTES]),
        hash: &[nth; 32],
        hint,
        account: FARMER.account(),
        name: "rack",
        scopes: Scopes::parse(["read", "agent"]).unwrap(),
        farm: Some(1),
        spending_limit: None,
        expires_at: stage.now().plus_seconds(days * 86_400),
    };
    assert!(tokens::create(&stage.db, &token, stage.now()).unwrap());
    if is_used {
        stage
            .db
            .run(
                "UPDATE tokens SET used_at = created_at WHERE id = ?1",
                &[store::Value::text(token.id)],
            )
            .unwrap();
    }
}

#[test]
fn farmers_are_notified_before_the_token_of_an_agent_expires() {
    let stage = Stage::market();
    create_token(&stage, 1);
    create_agent_token(&stage, 2, "myc_4fTz", 90, true);
    create_agent_token(&stage, 3, "myc_x7Qa", 90, false);
    let told = || -> Vec<String> {
        let sql = "SELECT subject FROM events WHERE kind = 'agent-token-expiring' ORDER BY id";
        (0..2).for_each(|_| stage.run(accounts::JOBS, &NOTIFY_OF_EXPIRING_TOKENS).unwrap());
        let db: &dyn Db = &stage.db;
        db.all(sql, &[]).unwrap()
    };
    stage.pass_seconds(76 * 86_400 - 1);
    assert_eq!(told(), [""; 0]);
    // It lasts for less than 14 days anyway.
    create_agent_token(&stage, 4, "myc_oP5K", 10, true);
    stage.pass_seconds(1);
    let (first, second) = ("rack (myc_4fTz…): 14 days", "rack (myc_4fTz…): 3 days");
    assert_eq!(told(), [first]);
    stage.pass_seconds(7 * 86_400);
    let other = "rack (myc_oP5K…): 3 days";
    assert_eq!(told(), [first, other]);
    stage.pass_seconds(4 * 86_400);
    assert_eq!(told(), [first, other, second]);
    stage.pass_seconds(3 * 86_400);
    assert_eq!(told(), [first, other, second]);
    stage.check_invariants();
}
