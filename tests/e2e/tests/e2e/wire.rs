//! What every route has in common: tags, heads, methods, and what is said where there is nothing.

use e2e::{Call, Market};
use http::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_public_answer_has_a_tag_that_changes_with_it() {
    let market = Market::start().await;
    market.sign_up("farmer@example.org").await.publish(32, "25").await;
    let visitor = market.visitor();
    let ada = market.sign_up_with("ada@example.org", "100").await;
    for path in
        ["/api/marketplace/nodes", "/marketplace/compute", "/api/openapi.json", "/static/style.css"]
    {
        let answer = visitor.get(path).await;
        assert_eq!(answer.status, 200);
        let tag = answer.header("etag").unwrap().to_owned();
        let ask = |tags: &str| Call::get(path).with("if-none-match", tags);
        for known in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()]
        {
            let unchanged = visitor.send(ask(&known)).await;
            assert_eq!((unchanged.status, unchanged.body.len()), (304, 0), "{path}");
            assert_eq!(unchanged.header("etag"), Some(tag.as_str()));
        }
        assert_eq!(visitor.send(ask("\"other\"")).await.text(), answer.text());
    }
    let before = visitor.get("/api/marketplace/nodes").await.header("etag").map(str::to_owned);
    ada.rent("node32", 1).await.ok(201);
    let after = visitor.get("/api/marketplace/nodes").await.header("etag").map(str::to_owned);
    assert_ne!(before, after);

    // What an account is shown is kept nowhere.
    for path in ["/api/wallet", "/dashboard/wallet", "/marketplace/compute"] {
        let answer = ada.get(path).await;
        assert_eq!(
            (answer.header("etag"), answer.header("cache-control")),
            (None, Some("no-store"))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_is_the_answer_without_its_body() {
    let market = Market::start().await;
    let visitor = market.visitor();
    for path in ["/", "/marketplace/compute", "/api/marketplace/nodes", "/api/health", "/nothing"] {
        let answer = visitor.get(path).await;
        let head = visitor.send(Call::new(Method::HEAD, path)).await;
        assert_eq!(head.status, answer.status, "{path}");
        assert!(head.body.is_empty(), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), answer.header(name), "{path}: {name}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_nothing_a_page_or_a_problem_says_so() {
    let market = Market::start().await;
    let visitor = market.visitor();
    for path in [
        "/nothing",
        "/dashboard/nothing",
        "/marketplace/nothing",
        "/static/nothing.css",
        "/docs/nothing",
        "/static/../spin.toml",
        "/%00",
    ] {
        visitor.get(path).await.page(404).says(&["Not found"]);
    }
    let slash = visitor.get("/login/?next=%2F").await;
    assert_eq!((slash.status, slash.header("location")), (308, Some("/login?next=%2F")), "{slash}");
    for path in [
        "/api",
        "/api/nothing",
        "/api/rentals/a/b",
        "/api/admin/nothing",
        "/api/farm/nothing",
        "/api/account/nothing",
        "/api/wallet/nothing",
        "/api/marketplace/nothing",
    ] {
        let answer = visitor.get(path).await;
        if path == "/api" {
            answer.page(404);
        } else {
            answer.problem(404, "not-found");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_method_that_is_not_offered_is_told_which_are() {
    let market = Market::start().await;
    let visitor = market.visitor();
    let check = async |method: &str, path: &str, allow: &str| {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let answer = visitor.send(Call::new(method, path)).await;
        assert_eq!((answer.status, answer.header("allow")), (405, Some(allow)), "{path}");
    };
    check("PUT", "/api/wallet", "GET").await;
    check("GET", "/api/marketplace/rent-slice", "POST").await;
    check("DELETE", "/api/farm/nodes/node32", "GET, PATCH").await;
    check("GET", "/api/account/reset", "POST").await;
    check("POST", "/", "GET").await;
    check("PUT", "/dashboard/slices", "GET, POST").await;
    check("BREW", "/login", "GET, POST").await;
    check("OPTIONS", "/api/health", "GET").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_tells_nothing_of_the_machine() {
    let market = Market::start().await;
    let ada = market.sign_up_with("ada@example.org", "100").await;
    // Ids, cursors and queries of every wrong kind: refused, never a failure of ours.
    for path in [
        "/api/marketplace/nodes/node99999999999999999999",
        "/api/marketplace/nodes/node-1",
        "/api/marketplace/nodes/%F0%9F%8D%84",
        "/api/marketplace/nodes/node32'--",
        "/api/rentals/00000000-0000-0000-0000-000000000000",
        "/dashboard/slices/'",
        "/dashboard/farm/nodes/node0",
    ] {
        assert_eq!(ada.get(path).await.status, 404, "{path}");
    }
    for query in ["cursor=%00", "cursor=LTE", "limit=1e9", "country=%27%20OR%201%3D1", "sort=%FF"] {
        let status = ada.get(&format!("/api/marketplace/nodes?{query}")).await.status;
        assert!(matches!(status, 200 | 400), "{query}: {status}");
    }
    let farm = json!({ "grid_node_id": -1 });
    assert_eq!(ada.post("/api/farm/nodes", &farm).await.wrong_fields(), ["grid_node_id"]);
}
