//! Pages and forms, as a browser without scripts uses them.

use std::collections::BTreeSet;

use e2e::{Call, Market, PASSWORD};
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::browser::Browser;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_main_path_needs_no_scripts() {
    let market = Market::start().await;
    let mut farmer = Browser::new(&market);
    farmer.sign_up("farmer@example.org").await;

    let farm = farmer.open("/dashboard/farm").await;
    farm.says(&["No nodes yet"]);
    let (path, node) =
        farmer.submit(&farm, "/dashboard/farm/nodes", &[("grid_node_id", "32")]).await;
    assert_eq!(path, "/dashboard/farm/nodes/node32?done=added");
    node.says(&[
        "This node can provide 9 slices. At $25.00 each, that is up to $225.00 per month.",
    ]);
    node.says(&["Only you can see this node. Set a price to publish it.", "At least 1,800 GB"]);
    let own = "/dashboard/farm/nodes/node32";
    let fields = [("price_per_month", "25"), ("min_uptime", "99.5"), ("min_bandwidth_mbps", "100")];
    let (_, node) = farmer.submit(&node, own, &fields).await;
    node.says(&[
        "Offer saved.",
        "up to $225.00 per month at your price",
        "you earn up to $202.50 a month after the fee if all slices are rented",
    ]);
    let (_, node) = farmer.submit(&node, "/dashboard/farm/nodes/node32/publish", &[]).await;
    node.says(&["Node published.", "published"]);

    let mut renter = Browser::new(&market);
    renter.sign_up("ada@example.org").await;
    market.credit("ada@example.org", "100").await.ok(201);
    renter.open("/marketplace/compute?country=Belgium&max_price=30").await.says(&["node32"]);
    let node = renter.open("/marketplace/compute/node32").await;
    node.says(&["9 of 9 free.", "3 months 5% off $71.25", "Saves $3.75"]);
    let order = [("duration_months", "3"), ("total", "71.25")];
    let (path, rental) = renter.submit(&node, "/dashboard/slices", &order).await;
    assert!(path.starts_with("/dashboard/slices/") && path.ends_with("?done=rented"), "{path}");
    rental.says(&["Rented and paid for the full term.", "node32_slice_", "$28.75"]);
    renter.open("/dashboard/slices").await.says(&["node32_slice_", "active", "$23.75"]);
    renter.open("/dashboard/wallet").await.says(&["$28.75 USD Available balance"]);

    farmer.open(own).await.says(&["1 rented, 8 available.", "ada@example.org"]);
    let node = farmer.open(own).await;
    let (_, node) = farmer.submit(&node, "/dashboard/farm/nodes/node32/pause", &[]).await;
    node.says(&["Node paused. Existing rentals continue.", "paused"]);

    let wallet = renter.open("/dashboard/wallet").await;
    let (path, home) = renter.submit(&wallet, "/logout", &[]).await;
    assert_eq!(path, "/?done=signed-out");
    home.says(&["You are signed out.", "Sign in"]);
    let away = renter.client.get("/dashboard/wallet").await;
    assert_eq!(away.see_other(), "/login?next=%2Fdashboard%2Fwallet");
    market.check_invariants().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dialog_sent_twice_rents_once() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let mut ada = Browser::new(&market);
    ada.sign_up("ada@example.org").await;
    market.credit("ada@example.org", "100").await.ok(201);
    let dialog = ada.open("/marketplace/compute/node32").await;
    let order = dialog.submit("/dashboard/slices", &[("duration_months", "1")]);
    let first = ada.send(order.clone()).await.see_other();
    assert_eq!(ada.send(order).await.see_other(), first);
    assert_eq!(ada.client.balance().await, "75.00");
    let other = [("duration_months", "3"), ("total", "71.25")];
    let other = dialog.submit("/dashboard/slices", &other);
    assert_eq!(ada.send(other).await.status, 422);
    assert_eq!(ada.client.balance().await, "75.00");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_leads_back_to_where_one_was() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    market.sign_up("ada@example.org").await;
    let mut ada = Browser::new(&market);
    let node = ada.open("/marketplace/compute/node32").await;
    assert!(node.html().contains("href=\"/login?next=%2Fmarketplace%2Fcompute%2Fnode32%23rent\""));
    let login = ada.open("/login?next=%2Fmarketplace%2Fcompute%2Fnode32").await;
    let right = [("email", "ada@example.org"), ("password", PASSWORD)];

    let wrong = [("email", "ada@example.org"), ("password", "not this one")];
    let refused = ada.send(login.submit("/login", &wrong)).await.page(401);
    refused.says(&["Incorrect email address or password"]);
    assert!(
        refused.html().contains("value=\"ada@example.org\"")
            && !refused.html().contains("not this one")
    );
    // The way back survives the mistake.
    let (path, node) = ada.submit(&refused, "/login", &right).await;
    assert_eq!(path, "/marketplace/compute/node32");
    node.says(&["ada@example.org", "Rent a slice"]);

    // It leads to no other site.
    for next in
        ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
    {
        let encoded: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
        let mut visitor = Browser::new(&market);
        let login = visitor.open(&format!("/login?next={encoded}")).await;
        let (path, _) = visitor.submit(&login, "/login", &right).await;
        assert_eq!(path, "/marketplace/compute", "{next}");
        let forged = [("email", right[0].1), ("password", PASSWORD), ("next", next)];
        let sent = visitor.send(Call::form("/login", forged)).await;
        assert_eq!(sent.see_other(), "/marketplace/compute", "{next}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_refused_says_why_and_keeps_what_was_typed() {
    let market = Market::start().await;
    let mut farmer = Browser::new(&market);
    let signup = farmer.open("/signup").await;
    let refused = farmer
        .send(signup.submit("/signup", &[("email", "ada"), ("password", "short")]))
        .await
        .page(400);
    refused.says(&["An email address, such as ada@example.org.", "At least 8 characters"]);
    assert!(refused.html().contains("value=\"ada\"") && !refused.html().contains("short"));
    farmer.sign_up("farmer@example.org").await;
    let mut other = Browser::new(&market);
    let fields = [("email", "farmer@example.org"), ("password", PASSWORD)];
    other.send(signup.submit("/signup", &fields)).await.page(409);

    let farm = farmer.open("/dashboard/farm").await;
    for (id, status, words) in [
        ("", 400, "A positive whole number, such as 32."),
        ("x", 400, "A positive whole number, such as 32."),
        ("99999999", 404, "The grid has no node 99999999."),
    ] {
        let refused =
            farmer.send(farm.submit("/dashboard/farm/nodes", &[("grid_node_id", id)])).await;
        refused.page(status).says(&[words]);
    }
    let (_, node) = farmer.submit(&farm, "/dashboard/farm/nodes", &[("grid_node_id", "32")]).await;
    let wrong = [("price_per_month", "0"), ("min_uptime", "101"), ("min_bandwidth_mbps", "fast")];
    let page = farmer.send(node.submit("/dashboard/farm/nodes/node32", &wrong)).await.page(400);
    page.says(&["A percentage from 0 to 100", "A whole number of Mbit/s"]);
    assert!(page.html().contains("value=\"fast\""));
    let right = [("price_per_month", "25"), ("min_uptime", "99"), ("min_bandwidth_mbps", "10")];
    farmer.submit(&node, "/dashboard/farm/nodes/node32", &right).await;
    // The page that was open in another window is old now.
    let late = farmer.send(node.submit("/dashboard/farm/nodes/node32", &right)).await;
    late.page(409).says(&["The node was changed in the meantime"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_order_says_why_and_charges_nothing() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let mut poor = Browser::new(&market);
    poor.sign_up("poor@example.org").await;
    let node = poor.open("/marketplace/compute/node32").await;
    node.says(&["Your balance is $25.00 short of this total."]);
    let order = node.submit("/dashboard/slices", &[("duration_months", "1")]);
    let refused = poor.send(order.clone()).await.page(402);
    refused.says(&["Nothing was rented or charged: your balance is $25.00 short"]);

    market.credit("poor@example.org", "100").await.ok(201);
    let terms = json!({ "price_per_month": "30" });
    farmer.patch("/api/farm/nodes/node32", &terms).await.ok(200);
    let refused = poor.send(order).await.page(409);
    refused.says(&["the offer has changed since you opened it", "$30.00 per month"]);
    assert_eq!(poor.client.balance().await, "100.00");
}

/// Pages that a visitor is asked to sign in for.
const PRIVATE: [&str; 24] = [
    "/dashboard/slices",
    "/dashboard/wallet",
    "/dashboard/farm",
    "/dashboard/farm/nodes/node600",
    "/dashboard/farm/payout",
    "/dashboard/farm/claims",
    "/dashboard/farm/add",
    "/dashboard/farm/payouts",
    "/dashboard/farm/credits",
    "/dashboard/settings",
    "/dashboard/settings/profile",
    "/dashboard/settings/security",
    "/dashboard/settings/tokens",
    "/dashboard/settings/delete",
    "/dashboard/settings/activity",
    "/operator",
    "/operator/accounts",
    "/operator/farms",
    "/operator/audit",
    "/operator/payouts",
    "/operator/sync",
    "/operator/jobs",
    "/operator/disputes",
    "/operator/incidents",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_has_a_title_a_heading_and_a_way_to_its_content() {
    let market = Market::start().await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    ada.add_node(600).await.ok(201);
    let rental = ada.rent("node32", 1).await.ok(201)["rental"]["id"].clone();
    let rental = format!("/dashboard/slices/{}", rental.as_str().unwrap());
    let visitor = market.visitor();
    for (client, path, title) in [
        (&visitor, "/", "Mycelium"),
        (&visitor, "/marketplace/compute", "Slices for rent"),
        (&visitor, "/marketplace/compute/node32", "node32"),
        (&visitor, "/signup", "Create an account"),
        (&visitor, "/login", "Sign in"),
        (&visitor, "/docs/api", "API"),
        (&visitor, "/docs/problems", "API errors"),
        (&visitor, "/docs/limits", "Limits"),
        (&visitor, "/docs/sla", "SLA"),
        (&visitor, "/status", "Status"),
        (&visitor, "/status/checks", "Integrity checks"),
        (&visitor, "/help", "Help"),
        (&visitor, "/help/slices", "How slices work"),
        (&visitor, "/help/contact", "Contact"),
        (&visitor, "/mail-sent", "Check your email"),
        (&visitor, "/reset", "Reset your password"),
        (&visitor, "/reset/confirm?code=c0ffee", "Reset your password"),
        (&visitor, "/signup/confirm?code=c0ffee", "Create account"),
        (&visitor, "/email/confirm?code=c0ffee", "Change email address"),
        (&ada, "/dashboard/settings", "Settings"),
        (&ada, "/dashboard/settings/profile", "Profile"),
        (&ada, "/dashboard/settings/security", "Sign-in and security"),
        (&ada, "/dashboard/settings/tokens", "API tokens"),
        (&ada, "/dashboard/settings/delete", "Delete account"),
        (&ada, "/dashboard/settings/activity", "Activity"),
        (&ada, "/dashboard/farm/payout", "Payout"),
        (&ada, "/dashboard/farm/claims", "Verified farms"),
        (&ada, "/dashboard/farm/add", "Add nodes"),
        (&ada, "/dashboard/farm/payouts", "Payouts"),
        (&ada, "/dashboard/farm/credits", "SLA credits"),
        (&ada, "/", "Mycelium"),
        (&ada, "/dashboard/slices", "My slices"),
        (&ada, &rental, "node32_slice_"),
        (&ada, "/dashboard/wallet", "Wallet"),
        (&ada, "/dashboard/farm", "Farm"),
        (&ada, "/dashboard/farm/nodes/node600", "node600"),
    ] {
        let page = client.get(path).await.page(200);
        assert!(page.title().contains(title), "{path}: {}", page.title());
        assert_eq!(page.html().matches("<h1").count(), 1, "{path}");
        assert!(page.html().contains("<html lang=\"en\">"), "{path}");
        assert!(
            page.html().contains("href=\"#content\"") && page.html().contains("id=\"content\"")
        );
        // The picture of a shared page has a whole address.
        let html = page.html().lines().filter(|line| !line.contains("og:image\""));
        let html: String = html.collect();
        for inline in ["<style", " style=", "<script>", " onclick=", "javascript:", "http://"] {
            assert!(!html.contains(inline) || path == "/docs/api", "{path}: {inline}");
        }
    }
    for path in PRIVATE {
        let away = visitor.get(path).await.see_other();
        let next: String = form_urlencoded::byte_serialize(path.as_bytes()).collect();
        assert_eq!(away, format!("/login?next={next}"));
    }
}

/// The component has no database: it knows that there is a session, and not whose.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn documents_look_nobody_up() {
    let market = Market::start().await;
    // An address that no example of the documents has.
    let ada = market.sign_up_with("lovelace@example.org", "100").await;
    for path in ["/", "/docs/api", "/docs/limits"] {
        let page = ada.get(path).await.page(200);
        for link in ["/dashboard/wallet", "/dashboard/settings"] {
            assert!(page.links().contains(&link.to_owned()), "{path}: {link}");
        }
        for known in ["$100.00", "lovelace@example.org"] {
            assert!(!page.html().contains(known), "{path}: {known}");
        }
    }
    let home = ada.get("/").await.page(200);
    ada.send(home.submit("/logout", &[])).await.see_other();
    ada.get("/api/account").await.problem(401, "not-signed-in");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_link_and_file_of_a_page_leads_somewhere() {
    let market = Market::start().await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    ada.rent("node32", 1).await.ok(201);
    let mut seen = BTreeSet::from(["/".to_owned(), "/dashboard/farm".to_owned()]);
    let mut left: Vec<String> = seen.iter().cloned().collect();
    while let Some(path) = left.pop() {
        let answer = ada.get(&path).await;
        if answer.status == 303 {
            let on = answer.see_other();
            left.extend(seen.insert(on.clone()).then_some(on));
            continue;
        }
        assert_eq!(answer.status, 200, "{path}");
        if answer.header("content-type") == Some("text/html; charset=utf-8") {
            let links = answer.page(200).links();
            left.extend(links.into_iter().filter(|link| seen.insert(link.clone())));
        }
    }
    for path in
        ["/docs/api", "/docs/problems", "/static/style.css", "/static/app.js", "/dashboard/wallet"]
    {
        // A static file is named with its version.
        let is_seen = seen.iter().any(|link| link.split('?').next() == Some(path));
        assert!(is_seen, "no page leads to {path}: {seen:?}");
    }
    ada.get("/favicon.ico").await.see_other();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn static_files_have_their_types() {
    let market = Market::start().await;
    for (path, content_type) in [
        ("/static/style.css", "text/css; charset=utf-8"),
        ("/static/app.js", "text/javascript; charset=utf-8"),
        ("/static/icons/favicon.svg", "image/svg+xml"),
    ] {
        let answer = market.visitor().get(path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)));
        assert_eq!(answer.header("cache-control"), Some("public, max-age=3600"));
        let version = format!("{:016x}", web::assets::version(&answer.body));
        let kept = market.visitor().get(&format!("{path}?v={version}")).await;
        let for_good = "public, max-age=31536000, immutable";
        assert_eq!(kept.header("cache-control"), Some(for_good));
        let other = market.visitor().get(&format!("{path}?v=0123456789abcdef")).await;
        assert_eq!(other.header("cache-control"), Some("public, max-age=3600"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_problem_of_the_api_document_is_explained() {
    let market = Market::start().await;
    let visitor = market.visitor();
    let page = visitor.get("/docs/problems").await.page(200);
    let document = visitor.get("/api/openapi.json").await.ok(200);
    let mut kinds = BTreeSet::new();
    collect_kinds(&document["paths"], &mut kinds);
    assert!(kinds.len() > 20, "{kinds:?}");
    for kind in kinds {
        let name = kind.strip_prefix("/docs/problems#").unwrap();
        assert!(page.html().contains(&format!("id=\"{name}\"")), "{name}");
    }
}

/// Every text of the document that names a kind of problem.
fn collect_kinds(value: &Value, kinds: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.starts_with("/docs/problems#") => {
            kinds.insert(text.clone());
        }
        Value::Array(items) => items.iter().for_each(|item| collect_kinds(item, kinds)),
        Value::Object(members) => members.values().for_each(|item| collect_kinds(item, kinds)),
        _ => {}
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_is_kept_where_somebody_signs_in_or_verifies() {
    let market = Market::start().await;
    let mut ada = Browser::new(&market);
    let name = || Call::form("/dashboard/settings/display-name", [("display_name", "Ada")]);
    let sent = ada.send(name()).await;
    let login = sent.header("location").unwrap_or_default().to_owned();
    assert_eq!((sent.status, login.split('?').next()), (307, Some("/login/kept")), "{sent}");
    let page = ada.send(Call::form(&login, [("display_name", "Ada")])).await.page(200);
    page.says(&["Your session has ended. Nothing was sent."]);

    // Who is signed in already goes on at once, from wherever the form is kept.
    ada.sign_up("ada@example.org").await;
    let page = ada.send(Call::form(&login, [("display_name", "Ada")])).await.page(200);
    page.says(&["Nothing was sent yet."]);
    let again = ada.send(page.submit("/dashboard/settings/display-name", &[])).await.page(403);
    again.says(&["so nothing was sent; check what you entered and send it now"]);

    market.pass(16 * 60);
    let verify = "/dashboard/verify/kept?path=%2Fdashboard%2Fsettings%2Fdisplay-name";
    let settings = ada.open("/dashboard/settings/profile").await;
    let (_, token) = settings.html().split_once("name=\"form_token\" value=\"").unwrap();
    let token = token.split('"').next().unwrap();
    let fields = [("form_token", token), ("display_name", "Ada")];
    ada.send(Call::form(verify, fields)).await.page(200).says(&["Verify it's you"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_search_is_saved_and_a_full_node_is_waited_for() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    farmer.publish(32, "25").await;
    let mut renter = Browser::new(&market);
    renter.sign_up("ada@example.org").await;
    let list = renter.open("/marketplace/compute?max_price=30").await;
    let (path, searches) = renter.submit(&list, "/dashboard/searches", &[]).await;
    assert_eq!(path, "/dashboard/searches?done=search-saved");
    searches.says(&["up to $30.00", "notifications on"]);
    let saved = renter.client.get("/api/saved-searches").await.ok(200);
    let search = format!("/dashboard/searches/{}", saved["items"][0]["id"].as_str().unwrap());
    let (_, searches) = renter.submit(&searches, &search, &[("name", "Cheap")]).await;
    searches.says(&["Saved search changed.", "Cheap"]);
    let (_, searches) = renter.submit(&searches, &format!("{search}/remove"), &[]).await;
    searches.says(&["No saved searches yet"]);

    let withheld = json!({ "withheld_slices": 512 });
    farmer.patch("/api/farm/nodes/node32", &withheld).await.ok(200);
    let node = renter.open("/marketplace/compute/node32").await;
    let (_, node) = renter.submit(&node, "/dashboard/waitlist", &[("duration_months", "1")]).await;
    node.says(&["You're on the waitlist.", "You're number 1 of 1 in line"]);
    let (path, _) = renter.submit(&node, "/dashboard/waitlist/node32/leave", &[]).await;
    assert_eq!(path, "/dashboard/searches?done=waitlist-left");
}
