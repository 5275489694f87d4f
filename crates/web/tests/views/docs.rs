//! What a programmer reads.

use askama::Template;
use expect_test::expect;
use web::page::{ApiDocs, ErrorPage, Home, Problems};
use web::{Kind, Problem};

use crate::market::{Who, empty, shown};
use crate::{check_frame, html};

#[test]
fn the_landing_page_names_terms_and_fee() {
    let page = shown(&empty(), Who::Visitor, "/?done=signed-out", |_, visit| Home::new(visit));
    let terms: Vec<_> = page.terms.iter().map(|t| (t.term.as_str(), t.discount.as_str())).collect();
    let expected = [
        ("1 month", "full price"),
        ("3 months", "5% off"),
        ("6 months", "10% off"),
        ("12 months", "15% off"),
    ];
    assert_eq!((page.platform_fee.as_str(), terms), ("10%", expected.to_vec()));
    check_frame(&page, &["You are signed out.", "/login"], &["/logout"]);
}

#[test]
fn every_problem_has_its_place() {
    let page = shown(&empty(), Who::Visitor, "/docs/problems", |_, visit| Problems::new(visit));
    let html = page.render().unwrap();
    for kind in Kind::ALL {
        assert!(html.contains(&format!("id=\"{}\"", kind.as_str())), "{kind:?}");
    }
}

#[test]
fn a_failure_is_told_once_and_leads_on() {
    let shown = |problem: Problem| {
        let page = shown(&empty(), Who::Aida, "/x", |cx, _| ErrorPage::new(cx, &problem));
        html::check_form("error", &page.render().unwrap());
        (page.status, page.detail, page.ways_on[0].url.clone())
    };
    let advice = "Check the URL. You also get this response for resources of other accounts.";
    let (market, login) = ("/marketplace/compute".to_owned(), "/login".to_owned());
    assert_eq!(shown(Problem::not_found()), (404, advice.to_owned(), market.clone()));
    let problem = Problem::new(Kind::Busy, "the market is <busy>");
    assert_eq!(shown(problem), (503, "The market is <busy>.".to_owned(), market));
    assert_eq!(shown(Problem::plain(Kind::NotSignedIn)).2, login);
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is the whole page, in its words")]
fn the_api_page_is_made_from_what_is_served() {
    let page = shown(&empty(), Who::Visitor, "/docs/api", |_, visit| ApiDocs::new(visit));
    html::check_form("api", &page.render().unwrap());
    let operations: String = page
        .groups
        .iter()
        .flat_map(|group| &group.operations)
        .map(|o| format!("{} {} [{}]\n", o.method, o.path, o.access))
        .collect();
    expect![[r#"
    GET /api/marketplace/slices [anybody]
    GET /api/marketplace/nodes [anybody]
    GET /api/marketplace/nodes/{node} [anybody]
    GET /api/marketplace/nodes/{node}/record [anybody]
    GET /api/marketplace/nodes/{node}/samples [anybody]
    GET /api/status [anybody]
    POST /api/marketplace/quotes [signed in, scope rent]
    GET /api/marketplace/quotes/{quote} [signed in, scope read]
    DELETE /api/marketplace/quotes/{quote} [signed in, scope rent]
    POST /api/marketplace/rent-slice [signed in, scope rent]
    POST /api/marketplace/rent-node [signed in, scope rent]
    GET /api/rentals [signed in, scope read]
    GET /api/rentals/{rental} [signed in, scope read]
    PATCH /api/rentals/{rental} [signed in, scope rent]
    POST /api/rentals/{rental}/extend [signed in, scope rent]
    POST /api/rentals/{rental}/cancel [signed in, scope rent]
    GET /api/rentals/{rental}/access [signed in, scope read]
    POST /api/rentals/{rental}/console [signed in, scope rent]
    GET /api/rentals/{rental}/alternatives [signed in, scope read]
    POST /api/rentals/{rental}/move [signed in, scope rent]
    GET /api/rentals/{rental}/months [signed in, scope read]
    POST /api/rentals/{rental}/months/{month}/dispute [signed in, scope rent]
    POST /api/rentals/{rental}/transfer [signed in, scope rent]
    DELETE /api/rentals/{rental}/transfer [signed in, scope rent]
    GET /api/transfers [signed in, scope read]
    POST /api/transfers/{rental}/accept [signed in, scope rent]
    GET /api/wallet [signed in, scope read]
    GET /api/wallet/entries [signed in, scope read]
    GET /api/wallet/statements [signed in, scope read]
    GET /api/wallet/statements/{month} [signed in, scope read]
    GET /api/wallet/receipts/{transaction} [signed in, scope read]
    POST /api/wallet/top-ups [signed in, scope rent]
    GET /api/wallet/top-ups [signed in, scope read]
    GET /api/wallet/top-ups/{top_up} [signed in, scope read]
    GET /api/events [signed in, scope read]
    POST /api/payments/stripe/webhook [anybody]
    GET /api/farm/nodes [signed in, scope read]
    POST /api/farm/nodes [signed in, scope farm]
    GET /api/farm/nodes/{node} [signed in, scope read]
    PATCH /api/farm/nodes/{node} [signed in, scope farm]
    POST /api/farm/nodes/{node}/publish [signed in, scope farm]
    POST /api/farm/nodes/{node}/pause [signed in, scope farm]
    GET /api/farm/grid-nodes [signed in, scope read]
    GET /api/farm/claims [signed in, scope read]
    POST /api/farm/claims [signed in, scope farm]
    POST /api/farm/claims/prove [signed in, scope farm]
    POST /api/farm/nodes/{node}/take-over [signed in, scope farm]
    GET /api/farm/market [signed in, scope read]
    POST /api/farm/nodes/{node}/withdraw [signed in, scope farm]
    POST /api/farm/nodes/{node}/stay [signed in, scope farm]
    POST /api/farm/nodes/{node}/lock [signed in, scope farm]
    POST /api/farm/nodes/{node}/unlock [signed in, scope farm]
    GET /api/farm/nodes/{node}/history [signed in, scope read]
    GET /api/farm/nodes/{node}/maintenance [signed in, scope read]
    POST /api/farm/nodes/{node}/maintenance [signed in, scope farm]
    DELETE /api/farm/nodes/{node}/maintenance/{maintenance} [signed in, scope farm]
    GET /api/farm/payout [signed in, scope read]
    PUT /api/farm/payout [signed in, scope farm]
    GET /api/farm/revenue [signed in, scope read]
    GET /api/farm/payouts [signed in, scope read]
    POST /api/farm/payouts [signed in, scope farm]
    GET /api/farm/payouts/{payout} [signed in, scope read]
    POST /api/farm/payouts/{payout}/withdraw [signed in, scope farm]
    GET /api/farm/credits [signed in, scope read]
    POST /api/farm/credits/{rental}/{month}/dispute [signed in, scope farm]
    GET /api/notifications [signed in, scope read]
    POST /api/notifications/read [signed in, scope farm]
    GET /api/notifications/choices [signed in, scope read]
    PUT /api/notifications/choices [signed in, scope farm]
    GET /api/notifications/webhooks [signed in, scope read]
    POST /api/notifications/webhooks [signed in, scope farm]
    DELETE /api/notifications/webhooks/{webhook} [signed in, scope farm]
    POST /api/notifications/webhooks/{webhook}/secret [signed in, scope farm]
    POST /api/notifications/webhooks/{webhook}/test [signed in, scope farm]
    GET /api/notifications/webhooks/{webhook}/deliveries [signed in, scope read]
    POST /api/notifications/webhooks/{webhook}/deliveries/{delivery}/replay [signed in, scope farm]
    POST /api/farm/nodes/{node}/slices/{number}/confirm-removed [signed in, scope farm]
    POST /api/agent/jobs/lease [signed in, scope agent]
    POST /api/agent/jobs/{job}/progress [signed in, scope agent]
    POST /api/agent/jobs/{job}/complete [signed in, scope agent]
    POST /api/agent/jobs/{job}/fail [signed in, scope agent]
    GET /api/account/ssh-keys [signed in, scope read]
    POST /api/account/ssh-keys [signed in, scope rent]
    DELETE /api/account/ssh-keys/{key} [signed in, scope rent]
    POST /api/account [anybody]
    POST /api/account/confirm [anybody]
    GET /api/account [signed in, scope read]
    PATCH /api/account [signed in, scope read]
    POST /api/account/delete [signed in, scope read]
    POST /api/account/password [signed in, scope read]
    POST /api/account/email [signed in, scope read]
    POST /api/account/email/confirm [anybody]
    POST /api/account/reset [anybody]
    POST /api/account/reset/confirm [anybody]
    POST /api/account/sessions [anybody]
    DELETE /api/account/sessions [anybody]
    GET /api/account/sessions [signed in, scope read]
    DELETE /api/account/sessions/{session} [signed in, scope read]
    POST /api/account/sessions/end-others [signed in, scope read]
    POST /api/account/tokens [signed in, scope read]
    GET /api/account/tokens [signed in, scope read]
    DELETE /api/account/tokens/{token} [signed in, scope read]
    GET /api/account/audit [signed in, scope read]
    POST /api/account/sessions/second-factor [anybody]
    POST /api/account/passkeys/sign-in [anybody]
    POST /api/account/sessions/passkey [anybody]
    POST /api/account/sessions/prove [signed in, scope read]
    GET /api/account/factors [signed in, scope read]
    GET /api/account/passkeys [signed in, scope read]
    POST /api/account/passkeys/options [signed in, scope read]
    POST /api/account/passkeys [signed in, scope read]
    DELETE /api/account/passkeys/{passkey} [signed in, scope read]
    POST /api/account/totp [signed in, scope read]
    POST /api/account/totp/confirm [signed in, scope read]
    DELETE /api/account/totp [signed in, scope read]
    POST /api/account/recovery-codes [signed in, scope read]
    POST /api/admin/credits [operator]
    POST /api/admin/sla-credits [operator]
    GET /api/admin/invariants [operator]
    GET /api/admin/sync-runs [operator]
    GET /api/admin/jobs [operator]
    GET /api/admin/accounts [operator]
    POST /api/admin/accounts/{account}/disable [operator]
    POST /api/admin/accounts/{account}/enable [operator]
    POST /api/admin/accounts/{account}/end-sessions [operator]
    POST /api/admin/accounts/{account}/grant-operator [operator]
    POST /api/admin/accounts/{account}/revoke-operator [operator]
    GET /api/admin/farms [operator]
    POST /api/admin/farms/{farm} [operator]
    DELETE /api/admin/farms/{farm} [operator]
    POST /api/admin/nodes/{node}/lock [operator]
    POST /api/admin/nodes/{node}/unlock [operator]
    GET /api/admin/audit [operator]
    GET /api/admin/mails [operator]
    POST /api/admin/mails/{mail}/retry [operator]
    GET /api/admin/refused-payments [operator]
    GET /api/admin/payouts [operator]
    GET /api/admin/payouts/export [operator]
    POST /api/admin/payouts/{payout}/approve [operator]
    POST /api/admin/payouts/{payout}/send [operator]
    POST /api/admin/payouts/{payout}/done [operator]
    POST /api/admin/payouts/{payout}/fail [operator]
    GET /api/admin/disputes [operator]
    POST /api/admin/disputes/{dispute}/decide [operator]
    GET /api/health [anybody]
    GET /api/openapi.json [anybody]
    "#]]
    .assert_eq(&operations);
}
