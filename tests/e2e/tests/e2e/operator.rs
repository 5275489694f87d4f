//! The operator's pages, through the real forms, and that they do not exist for others.

use e2e::{Call, Market, PASSWORD};

use crate::browser::Browser;

const OPERATOR: &str = "operator@example.org";
const PAGES: [&str; 8] = [
    "/operator",
    "/operator/accounts",
    "/operator/audit",
    "/operator/payouts",
    "/operator/disputes",
    "/operator/incidents",
    "/operator/sync",
    "/operator/jobs",
];

/// Somebody whose account is an operator's, with a second factor.
async fn operator(market: &Market) -> Browser {
    let mut operator = Browser::new(market);
    operator.sign_up(OPERATOR).await;
    let id = account(&operator).await;
    let grant = format!("/api/admin/accounts/{id}/grant-operator");
    market.operator().post_empty(&grant).await.ok(204);
    operator
}

/// The id of a browser's account.
async fn account(browser: &Browser) -> String {
    let account = browser.client.get("/api/account").await.ok(200);
    account["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_pages_are_for_operators_with_a_second_factor() {
    let market = Market::start().await;
    let operator = operator(&market).await;
    let mut ada = Browser::new(&market);
    ada.sign_up("ada@example.org").await;
    market.strengthen(&ada.client);
    let own = account(&ada).await;
    let action = format!("/operator/accounts/{own}/grant-operator");
    for path in PAGES {
        ada.client.get(path).await.page(404);
        let weak = operator.client.get(path).await.see_other();
        assert!(weak.starts_with("/dashboard/verify?next=%2Foperator"), "{weak}");
    }
    assert!(!ada.open("/").await.links().contains(&"/operator".to_owned()));
    for path in [action.as_str(), "/operator/mails/0/retry"] {
        let forged = Call::form(path, []);
        ada.send(forged).await.page(404);
    }
    market.strengthen(&operator.client);
    for path in PAGES {
        let page = operator.open(path).await;
        assert_eq!(page.html().matches("<h1").count(), 1, "{path}");
    }
    let token = operator.client.token(&["read"]).await;
    token.get("/operator").await.page(403);
    let account = ada.client.get("/api/account").await.ok(200);
    assert_eq!(account["is_operator"], false, "{account}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_is_found_suspended_and_let_in() {
    let market = Market::start().await;
    let mut operator = operator(&market).await;
    market.strengthen(&operator.client);
    let mut ada = Browser::new(&market);
    ada.sign_up("ada@example.org").await;
    let id = account(&ada).await;
    let own = account(&operator).await;
    let action = |name: &str| format!("/operator/accounts/{id}/{name}");

    let found = operator.open("/operator/accounts?prefix=ADA").await;
    found.says(&["ada@example.org"]);
    assert!(!found.words().contains(&format!("{OPERATOR} you")), "only what begins so");
    let all = operator.open("/operator/accounts").await;
    all.says(&["operator@example.org operator you"]);
    assert!(!all.html().contains(&format!("/operator/accounts/{own}/")), "not to oneself");
    let none = operator.open("/operator/accounts?prefix=zz").await;
    none.says(&["No matching accounts."]);

    let ask = operator.open(&format!("{}?prefix=ada", action("suspend"))).await;
    ask.says(&["Suspend account", "ada@example.org", "nobody can sign in to it"]);
    let refused = operator.send(ask.submit(&action("suspend"), &[("reason", " ")])).await;
    refused.page(400).says(&["1 to 200 visible characters on one line."]);
    let why = [("reason", "sends spam")];
    let (path, page) = operator.submit(&ask, &action("suspend"), &why).await;
    assert_eq!(path, "/operator/accounts?prefix=ada&done=account-suspended");
    page.says(&["Account suspended. All its sessions have ended.", "suspended"]);
    ada.client.get("/api/account").await.problem(401, "not-signed-in");
    let login = ada.open("/login").await;
    let fields = [("email", "ada@example.org"), ("password", PASSWORD)];
    ada.send(login.submit("/login", &fields)).await.page(401);

    let (_, page) = operator.submit(&page, &action("reactivate"), &[]).await;
    page.says(&["Account reactivated."]);
    ada.sign_in("ada@example.org", PASSWORD).await;
    let ask = operator.open(&action("grant-operator")).await;
    let (_, page) = operator.submit(&ask, &action("grant-operator"), &why).await;
    page.says(&["Operator access granted.", "ada@example.org operator"]);
    page.says(&["More actions for ada@example.org"]);
    let ask = operator.open(&action("revoke-operator")).await;
    let (_, page) = operator.submit(&ask, &action("revoke-operator"), &why).await;
    page.says(&["Operator access revoked."]);
    let foreign = ada.open("/dashboard/settings/profile").await;
    let token = foreign.html().split("name=\"form_token\" value=\"").nth(1).unwrap();
    let token = token.split('"').next().unwrap();
    let ask = operator.open(&action("suspend")).await;
    let forged = ask.submit(&action("suspend"), &[("form_token", token)]);
    operator.send(forged).await.page(403).says(&["so nothing was sent"]);
    ada.client.get("/api/account").await.ok(200);
    let (_, page) = operator.submit(&page, &action("end-sessions"), &[]).await;
    page.says(&["All sessions of the account have ended."]);
    ada.client.get("/api/account").await.problem(401, "not-signed-in");

    let audit = operator.open("/operator/audit").await;
    audit.says(&["Account suspended", "sends spam", "Account reactivated", &own, &id]);
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operator_sees_how_the_marketplace_stands() {
    let market = Market::start().await;
    let mut operator = operator(&market).await;
    market.strengthen(&operator.client);
    let page = operator.open("/operator").await;
    page.says(&[
        "all checks pass",
        "A slice has at most one live rental",
        "The sync hasn't run yet.",
    ]);
    page.says(&["No failed emails.", "No mail transport is configured, so no email is sent."]);

    market.sync().await;
    let mail = market.put_failed_mail("ada@example.org");
    let page = operator.open("/operator").await;
    page.says(&["complete", "0 nodes, 0 changed, 0 missing, 0 rejected", "a test", "1 attempt"]);
    assert!(!page.html().contains("ada@example.org"), "whom it goes to is nobody's business");
    let retry = format!("/operator/mails/{mail}/retry");
    let (path, page) = operator.submit(&page, &retry, &[]).await;
    assert_eq!(path, "/operator?done=mail-retried");
    page.says(&["Email queued for resending.", "No failed emails."]);
    operator.open("/operator/audit").await.says(&["Email resent", &mail.to_string()]);
}
