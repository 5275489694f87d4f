//! The page of SSH keys, asked for natively on SQLite.

use expect_test::expect;
use stage::{ADA, Answer, HOSTILE, Stage, reading};

const KEYS: &str = "/dashboard/settings/ssh-keys";
const KEY: &str = "ssh-ed25519 \
                   AAAAC3NzaC1lZDI1NTE5AAAAICSc46/QB3lnD6yiO80SczJsysrwuHR7UMtpui3hDPtl \
                   ada@laptop";

fn show(stage: &Stage) -> Answer {
    stage.as_user(ADA).get(machines::ROUTES, KEYS)
}

fn add(stage: &Stage, key: &str, name: &str) -> Answer {
    let fields = [("public_key", key), ("name", name)];
    stage.as_user(ADA).form(machines::ROUTES, KEYS, &fields)
}

#[test]
fn a_key_is_added_and_removed() {
    let stage = Stage::without_nodes();
    show(&stage).reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            SSH keys
            Only these keys can log in to your machines; password login is off. Your private key
              never leaves your computer.
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            No keys yet. Machines you rent are set up once you add one.
            post /dashboard/settings/ssh-keys
            Add SSH key
            Public key
            The contents of your .pub file, such as ~/.ssh/id_ed25519.pub. To create a key, run
              ssh-keygen -t ed25519.
            Name
            Leave empty to use the key&#39;s comment. [text name=]
            (Add key)"#]],
    );
    assert!(add(&stage, KEY, "").see_other().starts_with(KEYS));
    let page = reading(&show(&stage).html(200));
    expect![[r#"
        Settings </dashboard/settings>
        SSH keys
        Only these keys can log in to your machines; password login is off. Your private key
          never leaves your computer.
        Profile </dashboard/settings/profile>
        Security </dashboard/settings/security>
        API tokens </dashboard/settings/tokens>
        SSH keys </dashboard/settings/ssh-keys>
        Notifications </dashboard/notifications/settings>
        Webhooks </dashboard/notifications/webhooks>
        Activity </dashboard/settings/activity>
        Delete account </dashboard/settings/delete>
        ada@laptop default
        ssh-ed25519 SHA256:UMrMUBWB7jd//ntB9OkfIaakoDNUV/nWlWfbwHvhrDU, since 29 July 2026,
          12:00 UTC.
        post /dashboard/settings/ssh-keys/019fadbe-f200-7b74-a851-6a89391beaa2/remove
        (Remove)
        To add a key to a machine that is already running, choose SSH keys on the machine's
          page. Removing a key here doesn't remove it from machines that already have it,
          unless you choose so. A machine keeps its last key. SSH sessions that are open go
          on until they are closed or the machine restarts: if a key was stolen, restart the
          machine afterward.
        post /dashboard/settings/ssh-keys
        Add SSH key
        Public key
        The contents of your .pub file, such as ~/.ssh/id_ed25519.pub. To create a key, run
          ssh-keygen -t ed25519.
        Name
        Leave empty to use the key&#39;s comment. [text name=]
        (Add key)"#]]
    .assert_eq(&page);
    let (_, rest) = page.split_once(&format!("post {KEYS}/")).unwrap_or_default();
    let (removal, _) = rest.split_once('\n').unwrap_or_default();
    let removed = stage.as_user(ADA).form(machines::ROUTES, &format!("{KEYS}/{removal}"), &[]);
    assert!(removed.see_other().starts_with(KEYS));
    assert!(show(&stage).page(200).contains("No keys yet."));
}

#[test]
fn what_is_no_key_is_refused_at_its_field() {
    let stage = Stage::without_nodes();
    add(&stage, "ssh-rsa x", "a").reads(
        400,
        expect![[r#"
            Settings </dashboard/settings>
            SSH keys
            Only these keys can log in to your machines; password login is off. Your private key
              never leaves your computer.
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            No keys yet. Machines you rent are set up once you add one.
            post /dashboard/settings/ssh-keys
            Add SSH key
            Public key
            The contents of your .pub file, such as ~/.ssh/id_ed25519.pub. To create a key, run
              ssh-keygen -t ed25519.
            ssh-rsa x
            One public key in OpenSSH format, such as ssh-ed25519 AAAA… you@laptop.
            Name
            Leave empty to use the key&#39;s comment. [text name=a]
            (Add key)"#]],
    );
}

#[test]
fn names_are_text() {
    let stage = Stage::without_nodes();
    add(&stage, HOSTILE, HOSTILE).escapes_hostile_text();
    add(&stage, KEY, HOSTILE).see_other();
    show(&stage).escapes_hostile_text();
}
