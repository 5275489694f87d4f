//! A form that is sent after the session has ended comes back, filled in.

use browser::journey;
use e2e::{Market, PASSWORD};

const EMAIL: &str = "ada@example.org";
const KEYS: &str = "/dashboard/settings/ssh-keys";
const KEY: &str = "ssh-ed25519 \
                   AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsABgH5C9okWi0dh2l9GKJl";
/// In seconds. A session is good for 14 days without a request.
const FIFTEEN_DAYS: i64 = 15 * 24 * 60 * 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_sent_after_the_session_ended_comes_back_filled_in() {
    let market = Market::start().await;
    market.sign_up(EMAIL).await;
    let url = market.url();
    journey(&url, |tab| async move {
        let sign_in = async || {
            tab.fill("email", EMAIL).await;
            tab.fill("password", PASSWORD).await;
            tab.submit().await;
        };
        tab.open("/login?next=%2Fdashboard%2Fsettings%2Fssh-keys").await;
        sign_in().await;
        tab.arrive("SSH keys").await;
        tab.fill("public_key", KEY).await;
        tab.fill("name", "Laptop & co.").await;
        market.pass(FIFTEEN_DAYS);
        tab.press("Add key").await;
        tab.see("Your session has ended.").await;
        tab.take_pictures("95-session-ended").await;
        sign_in().await;
        tab.arrive("SSH keys").await;
        tab.see("so nothing was sent").await;
        tab.see("No keys yet.").await;
        let entered = "return [document.querySelector('[name=public_key]').value,
                               document.querySelector('main [name=name]').value].join(' ')";
        assert_eq!(tab.script(entered).await, format!("{KEY} Laptop & co."));
        // The answer is a refusal, which a browser notes.
        tab.clear_console().await;
        tab.take_pictures("96-form-kept").await;
        tab.press("Add key").await;
        tab.see("Laptop & co.").await;
        assert_eq!(tab.path().await.split('?').next(), Some(KEYS));
    })
    .await;
}
