//! The pages of notifications and webhooks.

use expect_test::expect;
use stage::{ADA, Answer, FARMER, HOSTILE, Stage, User, reading};

const NOTICES: &str = "/dashboard/notifications";
const WEBHOOKS: &str = "/dashboard/notifications/webhooks";

fn ask(stage: &Stage, who: User, path: &str) -> Answer {
    stage.as_user(who).get(notifying::ROUTES, path)
}

fn send(stage: &Stage, path: &str, fields: &[(&str, &str)]) -> Answer {
    stage.as_user(FARMER).form(notifying::ROUTES, path, fields)
}

#[test]
fn somebody_who_was_told_nothing_reads_so() {
    ask(&Stage::three_slices(), ADA, NOTICES).reads(
        200,
        expect![[r#"
        Notifications
        Notification settings </dashboard/notifications/settings> Webhooks
          </dashboard/notifications/webhooks>
        No notifications yet."#]],
    );
}

#[test]
fn a_farmer_reads_that_a_slice_was_rented() {
    let stage = Stage::three_slices();
    stage.rent();
    ask(&stage, FARMER, NOTICES).reads(
        200,
        expect![[r#"
        Notifications
        Notification settings </dashboard/notifications/settings> Webhooks
          </dashboard/notifications/webhooks>
        post /dashboard/notifications/read
        [hidden through=5]
        (Mark all as read)
        node32_slice_1 was rented </dashboard/farm/nodes/node32> new
        Rented, 29 July 2026, 12:00 UTC"#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "most of them are what a page reads")]
fn a_webhook_is_added_tested_and_removed() {
    let stage = Stage::without_nodes();
    ask(&stage, FARMER, WEBHOOKS).reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            Webhooks
            Send your notifications to your own programs as JSON, signed according to Standard
              Webhooks <https://www.standardwebhooks.com/>. Failed deliveries are retried for
              three days.
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            No webhooks yet.
            post /dashboard/notifications/webhooks
            Add webhook
            URL
            Must start with https:// and point to a public host. [text url=]
            (Add webhook)"#]],
    );
    send(&stage, WEBHOOKS, &[("url", "http://x")]).reads(
        400,
        expect![[r#"
            Settings </dashboard/settings>
            Webhooks
            Send your notifications to your own programs as JSON, signed according to Standard
              Webhooks <https://www.standardwebhooks.com/>. Failed deliveries are retried for
              three days.
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            No webhooks yet.
            post /dashboard/notifications/webhooks
            Add webhook
            URL [text url=http://x]
            A URL that starts with https://.
            (Add webhook)"#]],
    );
    let made =
        reading(&send(&stage, WEBHOOKS, &[("url", "https://hooks.example.org/a")]).html(201));
    assert!(made.contains("whsec_"), "{made}");
    let html = ask(&stage, FARMER, WEBHOOKS).html(200);
    let (_, rest) = html.split_once(&format!("href=\"{WEBHOOKS}/")).unwrap();
    let id = rest.split_once('"').unwrap().0.to_owned();
    let path = format!("{WEBHOOKS}/{id}");
    assert!(send(&stage, &format!("{path}/test"), &[]).see_other().starts_with(&path));
    let page = reading(&ask(&stage, FARMER, &path).html(200));
    let (page, request) = page.split_once("\nRequest\n").unwrap();
    expect![[r#"
        Webhooks </dashboard/notifications/webhooks>
        https://hooks.example.org/a
        on since 29 July 2026
        post /dashboard/notifications/webhooks/019fadbe-f200-7132-851f-be9a822c3cab/test
        (Send test)
        post /dashboard/notifications/webhooks/019fadbe-f200-7132-851f-be9a822c3cab/secret
        (Rotate secret)
        post /dashboard/notifications/webhooks/019fadbe-f200-7132-851f-be9a822c3cab/remove
        (Remove webhook)
        Deliveries
        test waiting
        29 July 2026, 12:00 UTC. Not attempted yet."#]]
    .assert_eq(page);
    assert!(request.contains("{&#34;type&#34;:&#34;test&#34;,"), "{request}");
    let renewed = reading(&send(&stage, &format!("{path}/secret"), &[]).html(200));
    assert!(renewed.contains("whsec_") && renewed != made, "{renewed}");
    assert!(send(&stage, &format!("{path}/remove"), &[]).see_other().starts_with(WEBHOOKS));
    ask(&stage, FARMER, &path).html(404);
}

const SETTINGS: &str = "/dashboard/notifications/settings";

#[test]
fn a_renter_is_offered_what_can_reach_a_renter() {
    let stage = Stage::three_slices();
    ask(&stage, ADA, SETTINGS).reads(
        200,
        expect![[r#"
            Settings </dashboard/settings>
            Notification settings
            Choose how you get each kind of notification: in the list </dashboard/notifications>.
            Profile </dashboard/settings/profile>
            Security </dashboard/settings/security>
            API tokens </dashboard/settings/tokens>
            SSH keys </dashboard/settings/ssh-keys>
            Notifications </dashboard/notifications/settings>
            Webhooks </dashboard/notifications/webhooks>
            Activity </dashboard/settings/activity>
            Delete account </dashboard/settings/delete>
            This marketplace doesn't send email.
            post /dashboard/notifications/settings
            Channels per kind of notification
            | Kind | List
            | Rented |
            [checkbox on=rented/page checked]
            | Rental ended |
            [checkbox on=released/page checked]
            | Rental extended |
            [checkbox on=extended/page checked]
            | Machine access |
            [checkbox on=access/page checked]
            | Machine down or back up, disk almost full |
            [checkbox on=machine/page checked]
            | Saved searches |
            [checkbox on=saved-search/page checked]
            | Waitlists |
            [checkbox on=waitlist/page checked]
            | SLA credits |
            [checkbox on=credit/page checked]
            | Card payments refunded or disputed |
            [checkbox on=payment/page checked]
            | Node down or back up |
            [checkbox on=node-down/page checked]
            | Maintenance |
            [checkbox on=maintenance/page checked]
            | Node leaving the market |
            [checkbox on=leaving/page checked]
            | Webhook disabled |
            [checkbox on=webhook/page checked]
            To send notifications to a program of yours, add a webhook
              </dashboard/notifications/webhooks>.
            (Save notification settings)"#]],
    );
    let farmer = ask(&stage, FARMER, SETTINGS).html(200);
    for kind in ["payout/page", "price-suggestion/page", "farm/page", "rented/page"] {
        assert!(farmer.contains(&format!("value=\"{kind}\"")), "{kind}: {farmer}");
    }
    assert!(!farmer.contains("/mail\"") && !farmer.contains("/webhook\""), "{farmer}");
    let stage = stage.with("mail_transport", "folder");
    send(&stage, WEBHOOKS, &[("url", "https://example.org/hook")]).html(201);
    let farmer = ask(&stage, FARMER, SETTINGS).html(200);
    assert!(farmer.contains("/mail\"") && farmer.contains("/webhook\""), "{farmer}");
    assert!(farmer.contains("value=\"rented/mail\""), "{farmer}");
    let ada = ask(&stage, ADA, SETTINGS).html(200);
    assert!(!ada.contains("value=\"rented/mail\"") && ada.contains("value=\"access/mail\""));
}

/// What a page did not offer is as it was chosen before.
#[test]
fn a_form_changes_no_box_that_it_does_not_show() {
    let stage = Stage::three_slices();
    let list = || {
        let answer = stage.as_user(ADA).get(notifying::ROUTES, "/api/notifications/settings");
        let settings = answer.ok(200)["settings"].clone();
        settings.as_array().unwrap().clone()
    };
    let before = list();
    stage.as_user(ADA).form(notifying::ROUTES, SETTINGS, &[("on", "rented/page")]).see_other();
    for (was, is) in before.iter().zip(list()) {
        let category = was["category"].as_str().unwrap();
        assert_eq!((&is["mail"], &is["webhook"]), (&was["mail"], &was["webhook"]), "{category}");
        let farmers = ["payout", "farm", "oversold", "price-suggestion", "agent-token"];
        let is_on = farmers.contains(&category) || category == "rented";
        if is_on {
            assert_eq!(is["page"], true, "{category}");
        }
    }
    assert_eq!(list()[1]["page"], false);
}

#[test]
fn what_a_form_says_is_text() {
    send(&Stage::without_nodes(), WEBHOOKS, &[("url", HOSTILE)]).escapes_hostile_text();
}

#[test]
fn every_page_is_well_formed() {
    let stage = Stage::three_slices();
    stage.rent();
    let settings = [notifying::NOTICES];
    let none = "01a2043b-3da8-7100-8000-000000000003";
    for path in [NOTICES, "/dashboard/notifications/settings", WEBHOOKS] {
        stage.as_user(FARMER).get(&settings, path).html(200);
    }
    stage.as_user(FARMER).get(&settings, &format!("{WEBHOOKS}/{none}")).html(404);
}
