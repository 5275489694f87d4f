//! Injection and output: what anybody writes is text, wherever it goes.

use e2e::{Call, Cast, Client, Market, Snapshot, check_page, crawl};
use gridproxy::{Documents, Effect, Fault, Standin};
use serde_json::{Value, json};

/// Texts that are code to somebody: HTML, attributes, scripts, templates, SQL, terminals.
const POLYGLOTS: [&str; 8] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg/onload=alert(1)>",
    "javascript:/*--></title></style></textarea></script><svg onload=alert(1)>",
    "</script><script>alert(1)//\u{2028}",
    "{{7*7}}${7*7}<%= 7*7 %>",
    "'; DROP TABLE accounts; --",
    "\u{202e}gpj.exe",
];

/// What would be code if it were printed as it is.
const MARKUP: [&str; 4] = ["<script>alert", "<img src=x", "<svg/onload", "<svg onload"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_09_a_text_is_never_a_statement() {
    let Cast { market, farmer, ada, ada_rental, .. } = Cast::meet().await;
    let all = market.visitor().get("/api/marketplace/nodes").await.ok(200);
    assert_eq!(all["items"].as_array().unwrap().len(), 1);
    let before = Snapshot::of(&market.database());
    for text in [
        "'",
        "' OR '1'='1",
        "\" OR 1=1 --",
        "1); DELETE FROM rentals; --",
        "'; UPDATE ledger_accounts SET balance_micros = 1; --",
        "' UNION SELECT email, password_hash FROM accounts --",
        "x' AND randomblob(100000000) --",
        "%",
        "_",
        "\\",
    ] {
        let encoded: String =
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
        for name in [
            "country",
            "place",
            "count",
            "months",
            "max_price",
            "min_uptime",
            "min_measured_uptime",
            "min_bandwidth",
            "certified",
            "sort",
            "cursor",
        ] {
            for path in ["/api/marketplace/nodes", "/api/marketplace/slices"] {
                let answer = ada.get(&format!("{path}?{name}={encoded}")).await;
                if answer.status == 200 {
                    // No node is in a country of this name, whatever `OR` says.
                    assert_eq!(answer.json()["items"], json!([]), "{answer}");
                } else {
                    assert_eq!(answer.wrong_fields(), [name]);
                }
            }
        }
        for path in ["/api/rentals", "/api/farm/nodes", "/api/marketplace/nodes"] {
            ada.get(&format!("{path}/{encoded}")).await.problem(404, "not-found");
        }
        let suffixed = format!("/api/rentals/{ada_rental}{encoded}");
        ada.get(&suffixed).await.problem(404, "not-found");
        let order = json!({ "node_id": format!("node32{text}"), "duration_months": 1 });
        let refused = ada.post("/api/marketplace/rent-slice", &order).await;
        assert_eq!(refused.wrong_fields(), ["node_id"]);
        let session = json!({ "email": format!("ada@example.org{text}"), "password": text });
        let refused = market.visitor().post("/api/account/sessions", &session).await;
        refused.problem(401, "wrong-credentials");
        let visitor = market.visitor();
        visitor.with_token(text).get("/api/wallet").await.problem(401, "not-signed-in");
        let cookie = format!("session={text}");
        visitor.with_cookie(&cookie).get("/api/wallet").await.problem(401, "not-signed-in");
    }
    // All that it leaves is one count of searches that found nothing, without the text.
    let changes = before.changes(&Snapshot::of(&market.database()));
    assert_eq!(changes, ["unmet_searches: + '', 0, 20779, 1, 1795368000"]);

    // Where any text may stand, it stands there as it was written.
    for text in ["'); DROP TABLE nodes; --", "Robert'); --", "%_\\\"'"] {
        let named = farmer.patch("/api/farm/nodes/node32", &json!({ "name": text })).await;
        assert_eq!(named.ok(200)["name"], text);
        let node = market.visitor().get("/api/marketplace/nodes/node32").await.ok(200);
        assert_eq!(node["name"], text);
    }
    market.check_invariants().await;
}

/// A market whose grid, farmer and renters have written nothing but polyglots.
async fn hostile_cast() -> Cast {
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    for (node, text) in [(32, POLYGLOTS[0]), (11, POLYGLOTS[1])] {
        let patch = json!({
            "farmName": text,
            "country": text,
            "city": POLYGLOTS[2],
            "location": { "country": text, "city": POLYGLOTS[2] },
            "serialNumber": text,
        });
        assert!(grid.patch_node(node, patch));
    }
    let cast = Cast::meet_on(grid).await;
    cast.farmer.patch("/api/farm/nodes/node32", &json!({ "name": POLYGLOTS[3] })).await.ok(200);
    cast
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_10_whatever_anybody_writes_is_text_on_a_page() {
    let cast = hostile_cast().await;
    let eve = "eve+%7bx%7d'&#@example.org";
    cast.market.sign_up_with(eve, "30").await.rent("node32", 1).await.ok(201);
    let roles = cast.roles().await;
    let mut shown = 0;
    for text in POLYGLOTS {
        let name = json!({ "name": text });
        if cast.farmer.patch("/api/farm/nodes/node32", &name).await.status != 200 {
            continue;
        }
        shown += 1;
        for (client, path) in [
            (&cast.market.visitor(), "/marketplace/compute"),
            (&cast.ada, "/marketplace/compute/node32"),
            (&cast.farmer, "/dashboard/farm"),
            (&cast.farmer, "/dashboard/farm/nodes/node32"),
            (&cast.ada, "/dashboard/slices"),
            (&cast.ada, &format!("/dashboard/slices/{}", cast.ada_rental)),
            (&cast.ada, "/dashboard/wallet"),
        ] {
            check(client, path).await;
        }
    }
    assert!(shown > 5, "most of them are names that a node may have");
    // What is asked for comes back in forms and messages.
    for text in POLYGLOTS {
        let query: String =
            url::form_urlencoded::Serializer::new(String::new()).append_pair("", text).finish();
        for path in [
            "/marketplace/compute?country",
            "/marketplace/compute?max_price",
            "/marketplace/compute?cursor",
            "/login?next",
            "/login?done",
        ] {
            check(&cast.ada, &format!("{path}{query}")).await;
            check(&cast.market.visitor(), &format!("{path}{query}")).await;
        }
    }
    let walk = crawl(&cast.site(), &roles).await;
    assert!(walk.findings.is_empty(), "{:#?}", walk.findings);
}

/// Expects a page without markup of anybody but us.
async fn check(client: &Client, path: &str) {
    let answer = client.send_unchecked(&Call::get(path)).await;
    assert!(answer.status < 500, "{answer}");
    let html = answer.text();
    assert_eq!(check_page(&html), [""; 0], "{answer}");
    for markup in MARKUP {
        assert!(!html.contains(markup), "{markup}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_11_no_link_is_code() {
    let cast = hostile_cast().await;
    let visitor = cast.market.visitor();
    for target in ["javascript:alert(1)", "data:text/html,<script>", "vbscript:x", "JaVaScRiPt:x"] {
        cast.farmer.patch("/api/farm/nodes/node32", &json!({ "name": target })).await.ok(200);
        let query: String = url::form_urlencoded::byte_serialize(target.as_bytes()).collect();
        for path in ["/login?next=", "/signup?next=", "/marketplace/compute?country="] {
            check(&visitor, &format!("{path}{query}")).await;
        }
        for path in ["/marketplace/compute", "/marketplace/compute/node32"] {
            check(&visitor, path).await;
        }
        check(&cast.farmer, "/dashboard/farm/nodes/node32").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_12_json_is_never_read_as_a_page() {
    let cast = hostile_cast().await;
    let text = "</script><script>alert(1)</script>\u{1f344}";
    cast.farmer.patch("/api/farm/nodes/node32", &json!({ "name": text })).await.ok(200);
    let answer = cast.market.visitor().get("/api/marketplace/nodes/node32").await;
    assert_eq!(answer.ok(200)["name"], text);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
    // No page has data in a script: scripts come from files, and nothing else is one.
    for path in ["/", "/marketplace/compute", "/marketplace/compute/node32", "/docs/api"] {
        let html = cast.ada.get(path).await.text();
        let scripts: Vec<_> = html.split("<script").skip(1).collect();
        assert!(!scripts.is_empty(), "{path}");
        for script in scripts {
            assert!(script.starts_with(" src=\"/static/"), "{path}: {script:.60}");
            let inner = script.split_once('>').unwrap().1;
            assert!(inner.starts_with("</script>"), "{path}: {inner:.60}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_14_nobody_forges_a_line_of_the_log() {
    let Cast { market, farmer, .. } = Cast::meet().await;
    let forged = "GET /forged 200 - 0ms 01936f2c";
    let hostile = format!("a\r\n{forged}\u{1b}[2J\u{7}");
    for request in [
        format!("GET /%0d%0a{forged} HTTP/1.1\r\nhost: a\r\n\r\n"),
        format!(
            "GET /api/rentals/%0a%1b[2J HTTP/1.1\r\nhost: a\r\nuser-agent: \x1b[2J{forged}\r\n\r\n"
        ),
        format!("GET /?x=%0d%0a{forged} HTTP/1.1\r\nhost: a\r\nreferer: \x1b]0;x\x07\r\n\r\n"),
        format!("{forged}\n\n"),
    ] {
        market.raw(request.as_bytes()).await;
    }
    let body = json!({ "email": hostile, "password": hostile, "\r\nforged": 1 });
    market.visitor().post("/api/account", &body).await.problem(400, "malformed-request");
    farmer.patch("/api/farm/nodes/node32", &json!({ "name": hostile })).await.wrong_fields();
    // What the grid says when it fails is in the log, as a quotation.
    for effect in [
        Effect::Body { status: 500, content_type: "text/plain".into(), body: hostile.clone() },
        Effect::Body {
            status: 200,
            content_type: "application/json".into(),
            body: hostile.clone(),
        },
    ] {
        market.grid.set_fault(Fault::new(effect)).await.unwrap();
        market.sync().await;
        farmer.add_node(600).await;
    }
    market.grid.clear_fault().await;
    for name in ["farmName", "status", "certificationType"] {
        market.grid.patch_node(32, json!({ name: hostile }));
        market.sync().await;
    }
    let logs = market.logs();
    assert!(logs.len() > 3, "{logs:?}");
    for (component, log) in logs {
        assert!(!log.contains('\u{1b}') && !log.contains('\u{7}'), "{component}: {log:?}");
        for line in log.lines() {
            assert!(!line.trim_start().starts_with("GET /forged"), "{component}: {line}");
            let words = line.split_once(": ").map_or(line, |(_, line)| line);
            assert!(!words.starts_with(forged), "{component}: {line}");
        }
    }
}

/// A market whose operator has named this place as the grid's server.
async fn market_asking(url: &str) -> Market {
    let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
    Market::start_with(grid, [("gridproxy_urls", url)]).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_15_nothing_but_the_grid_is_asked() {
    for url in [
        "http://169.254.169.254/latest/meta-data",
        "http://10.0.0.1",
        "http://192.168.1.1:8080",
        "http://[::1]:80",
        "http://[::ffff:169.254.169.254]",
        "http://0.0.0.0",
        "https://evil.example",
        "https://grid.tf.evil.example",
        "https://evilgrid.tf",
        "http://gridproxy.grid.tf",
        "http://127.0.0.1.evil.example",
        "http://2130706433.evil.example",
        "file:///etc/passwd",
        "gopher://127.0.0.1:70",
        "ftp://gridproxy.grid.tf",
    ] {
        let market = market_asking(url).await;
        let farmer = market.sign_up("farmer@example.org").await;
        let add = Call::post("/api/farm/nodes", &json!({ "grid_node_id": 32 }));
        let refused = farmer.send_unchecked(&add).await;
        assert!(matches!(refused.status, 500 | 502), "{url}: {refused}");
        let said = refused.text();
        assert!(!said.contains("root:") && !said.contains(url), "{url}: {said}");
        assert_eq!(market.grid.requests().total, 0, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_15_a_redirect_is_not_followed() {
    let secret = Standin::start(Documents::example().unwrap()).await.unwrap();
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for location in
        [secret.url(), "http://169.254.169.254/".to_owned(), "file:///etc/passwd".into()]
    {
        let redirect = Effect::Redirect { location };
        market.grid.set_fault(Fault::new(redirect)).await.unwrap();
        farmer.add_node(32).await.problem(502, "grid-unreachable");
        market.sync().await;
    }
    assert_eq!(secret.requests().total, 0);
    market.grid.clear_fault().await;
    farmer.add_node(32).await.ok(201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_15_an_id_is_no_address() {
    let market = Market::start().await;
    let farmer = market.sign_up("farmer@example.org").await;
    for id in [
        json!("32/../../status"),
        json!("http://127.0.0.1/"),
        json!("32?x=1"),
        json!("@evil.example"),
        Value::Null,
    ] {
        let body = json!({ "grid_node_id": id });
        farmer.post("/api/farm/nodes", &body).await.problem(400, "malformed-request");
    }
    assert_eq!(market.grid.requests().total, 0);
}
