//! The API document, and that each of its operations does what it is for.

use e2e::{Market, PASSWORD};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_operation_of_the_document_succeeds_once() {
    let market = Market::start().await;
    let visitor = market.visitor();
    visitor.get("/api/openapi.json").await.ok(200);
    assert_eq!(visitor.get("/api/health").await.ok(200), json!({ "status": "ok" }));

    let farmer = market.sign_up("farmer@example.org").await;
    let body = json!({ "email": "farmer@example.org", "password": PASSWORD });
    visitor.post("/api/account/sessions", &body).await.ok(201);
    farmer.get("/api/account").await.ok(200);
    farmer.publish(32, "25").await;
    farmer.get("/api/farm/nodes").await.ok(200);
    farmer.get("/api/farm/nodes/node32").await.ok(200);

    let ada = market.sign_up_with("ada@example.org", "100").await;
    visitor.get("/api/marketplace/nodes").await.ok(200);
    visitor.get("/api/marketplace/nodes/node32").await.ok(200);
    visitor.get("/api/marketplace/slices").await.ok(200);
    let rental = ada.token(&["rent"]).await.rent("node32", 1).await.ok(201)["rental"].clone();
    ada.get("/api/rentals").await.ok(200);
    ada.get(&format!("/api/rentals/{}", rental["id"].as_str().unwrap())).await.ok(200);
    ada.get("/api/wallet").await.ok(200);
    ada.get("/api/wallet/entries").await.ok(200);

    farmer.post_empty("/api/farm/nodes/node32/pause").await.ok(200);
    market.sync().await;
    market.check_invariants().await;
    let mail = market.put_failed_mail("ada@example.org");
    market.mails().await;
    market.operator().post_empty(&format!("/api/admin/mails/{mail}/retry")).await.ok(204);
    farmer.delete("/api/account/sessions").await.ok(204);

    let (succeeded, all) = market.operations().await;
    assert_eq!(succeeded, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_the_document_begin_where_the_operator_says() {
    let market = Market::start().await;
    let document = market.visitor().get("/api/openapi.json").await.ok(200);
    assert_eq!(document["servers"], json!([{ "url": "/" }]));
    assert_eq!(document["info"]["title"], "Mycelium");
    drop(market);

    let grid = gridproxy::Standin::start(gridproxy::Documents::default()).await.unwrap();
    let public = [("public_url", "https://mycelium.example/")];
    let market = Market::start_with(grid, public).await;
    let document = market.visitor().get("/api/openapi.json").await.ok(200);
    assert_eq!(document["servers"], json!([{ "url": "https://mycelium.example" }]));
}
