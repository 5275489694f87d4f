//! A passkey, from a real browser: made, used in place of a password, used to confirm, removed. And
//! an authenticator app beside it.

use std::sync::Arc;

use browser::{Tab, journey};
use e2e::{MORNING, Market, PASSWORD, app_code};

const EMAIL: &str = "ada@example.org";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_35_somebody_signs_in_with_a_passkey_and_without_a_password() {
    let market = Arc::new(Market::start().await);
    // An address of numbers has no passkeys.
    let url = market.url().replace("127.0.0.1", "localhost");
    journey(&url, |tab| async move {
        tab.add_authenticator().await;
        sign_up(&tab).await;
        add_a_passkey(&tab).await;
        sign_out(&tab).await;
        sign_in_with_the_passkey(&tab).await;
        set_up_an_app(&tab).await;
        sign_out(&tab).await;
        show_the_passkey_after_the_password(&tab).await;
        // What is protected asks again after a quarter of an hour.
        market.pass(16 * 60);
        remove_the_passkey(&tab).await;
        sign_out(&tab).await;
        find_no_passkey(&tab).await;
    })
    .await;
}

async fn sign_up(tab: &Tab) {
    tab.open("/signup").await;
    tab.fill("email", EMAIL).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.see("Your account is ready.").await;
}

async fn sign_out(tab: &Tab) {
    tab.press("Sign out").await;
    tab.see("You are signed out.").await;
}

async fn add_a_passkey(tab: &Tab) {
    tab.open("/dashboard/settings/security").await;
    tab.see("No passkeys yet.").await;
    tab.take_pictures("20-settings").await;
    tab.fill("passkey_name", "Ada’s phone").await;
    tab.press("Add passkey").await;
    tab.see("Passkey added.").await;
    tab.see("Ada’s phone").await;
    tab.see("You have no recovery codes.").await;
    tab.take_pictures("21-settings-passkey").await;
}

async fn sign_in_with_the_passkey(tab: &Tab) {
    tab.open("/login?next=%2Fdashboard%2Fsettings%2Fsecurity").await;
    tab.see("Sign in with a passkey").await;
    tab.take_pictures("22-sign-in-passkey").await;
    tab.press("Sign in with a passkey").await;
    tab.arrive("Sign-in and security").await;
    tab.see(EMAIL).await;
    tab.check_console().await;
}

async fn set_up_an_app(tab: &Tab) {
    tab.press("Set up app").await;
    tab.arrive("Set up an authenticator app").await;
    tab.take_pictures("23-app").await;
    let code = app_code(&tab.text(".secret").await, MORNING);
    tab.fill("code", &code).await;
    tab.submit().await;
    tab.arrive("Your recovery codes").await;
    tab.take_pictures("24-recovery-codes").await;
    tab.press("I've saved my codes").await;
    tab.see("You have 10 recovery codes left.").await;
    tab.take_pictures("25-settings-factors").await;
}

async fn show_the_passkey_after_the_password(tab: &Tab) {
    tab.open("/login").await;
    tab.fill("email", EMAIL).await;
    tab.fill("password", PASSWORD).await;
    tab.submit().await;
    tab.arrive("Two-factor authentication").await;
    tab.take_pictures("26-second-step").await;
    tab.press("Use a passkey").await;
    tab.arrive("Slices for rent").await;
}

async fn remove_the_passkey(tab: &Tab) {
    tab.open("/dashboard/settings/security").await;
    tab.press("Remove Ada’s phone").await;
    tab.arrive("Verify it's you").await;
    tab.take_pictures("27-confirm").await;
    tab.press("Use a passkey").await;
    tab.arrive("Sign-in and security").await;
    tab.press("Remove Ada’s phone").await;
    tab.see("Passkey removed.").await;
    tab.check_console().await;
}

/// The browser still holds it; the market does not know it any more, and says so.
async fn find_no_passkey(tab: &Tab) {
    tab.open("/login").await;
    tab.press("Sign in with a passkey").await;
    tab.see("The passkey was not accepted").await;
    tab.clear_console().await;
    tab.take_pictures("28-passkey-refused").await;
}
