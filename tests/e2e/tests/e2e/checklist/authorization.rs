//! Authorization: every operation, as everybody, on what is theirs and on what is not.

use e2e::{Answer, Call, Cast, Client, OPERATOR_TOKEN, Snapshot};
use serde_json::{Value, json};

/// Who asks.
struct Asker {
    name: &'static str,
    client: Client,
    /// Whose they are: ids that belong to them.
    owns: Vec<String>,
    is_account: bool,
}

/// Scopes of tokens, and the operations' need of them as the document says it in words.
const SCOPES: [&str; 3] = ["read", "rent", "farm"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_45_everybody_has_their_own_only() {
    let cast = Cast::meet().await;
    let document = cast.market.visitor().get("/api/openapi.json").await.ok(200);
    let nodes = ["node32", "node11"].map(str::to_owned);
    let mut tokens = Vec::new();
    for scope in SCOPES {
        tokens.push(cast.ada.token(&[scope]).await);
    }
    let [of_farmer, of_ada, of_ben] = Cast::EMAILS.map(|email| things_of(&cast, email));
    let of_farmer: Vec<String> = of_farmer.into_iter().chain(nodes).collect();
    let of_ada: Vec<String> = of_ada.into_iter().chain([cast.ada_rental.clone()]).collect();
    let of_ben: Vec<String> = of_ben.into_iter().chain([cast.ben_rental.clone()]).collect();
    let ids = [&of_farmer[..], &of_ada, &of_ben].concat();
    let account = |name, client: &Client, owns: Vec<String>| Asker {
        name,
        client: client.clone(),
        owns,
        is_account: true,
    };
    let nobody = |name, client| Asker { name, client, owns: Vec::new(), is_account: false };
    let visitor = cast.market.visitor();
    let mut askers = vec![
        account("farmer", &cast.farmer, of_farmer.clone()),
        account("ada", &cast.ada, of_ada.clone()),
        account("ben", &cast.ben, of_ben.clone()),
        nobody("visitor", visitor.clone()),
        nobody("a token of nobody", visitor.with_token("myc_0123456789abcdef0123456789abcdef")),
        nobody("a cookie of nobody", visitor.with_cookie("session=0123456789abcdef0123456789")),
        nobody("almost the operator", visitor.with_token(&OPERATOR_TOKEN[1..])),
        nobody("the operator", cast.market.operator()),
    ];
    for token in &tokens {
        askers.push(account("a token of ada", token, of_ada.clone()));
    }
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            for asker in &askers {
                for id in targets(path, &ids) {
                    asked += ask(&cast, asker, path, method, operation, id.as_deref()).await;
                }
            }
        }
    }
    assert!(asked > 300, "{asked}");
    cast.market.check_invariants().await;
}

/// The ids of an account, of its sessions and tokens, and of what moved its wallet.
fn things_of(cast: &Cast, email: &str) -> Vec<String> {
    let db = cast.market.open_database();
    let sql = "WITH a AS (SELECT id FROM accounts WHERE email = ?1)
               SELECT id FROM a
               UNION SELECT s.id FROM sessions s JOIN a ON a.id = s.account_id
               UNION SELECT t.id FROM tokens t JOIN a ON a.id = t.account_id
               UNION SELECT CAST(e.transaction_id AS TEXT) FROM ledger_entries e
                       JOIN ledger_accounts w ON w.id = e.ledger_account_id
                       JOIN a ON a.id = w.owner_id WHERE w.kind = 'wallet'";
    let mut statement = db.connection().prepare(sql).unwrap();
    let ids = statement.query_map([email], |row| row.get(0)).unwrap();
    ids.map(Result::unwrap).collect()
}

/// The ids to put into a path: all there are, and one of nothing; none where it takes none.
fn targets(path: &str, ids: &[String]) -> Vec<Option<String>> {
    if !path.contains('{') {
        return vec![None];
    }
    let nothing = ["node4294967295", "01936f2c-0000-7000-8000-000000000000"].map(str::to_owned);
    ids.iter().cloned().chain(nothing).map(Some).collect()
}

/// Asks for what is not the asker's, and expects that nothing is answered and nothing changes;
/// answers how often it has asked.
async fn ask(
    cast: &Cast,
    asker: &Asker,
    path: &str,
    method: &str,
    operation: &Value,
    id: Option<&str>,
) -> usize {
    let needs = |scheme: &str| {
        operation["security"].as_array().into_iter().flatten().any(|one| one[scheme].is_array())
    };
    let is_operator = asker.name == "the operator";
    let is_public_thing = path.starts_with("/api/marketplace/nodes/");
    let is_own = id.is_some_and(|id| asker.owns.iter().any(|own| own == id));
    let expected: &[u16] = if needs("operator") {
        if is_operator {
            return 0;
        }
        &[401, 403, 404]
    } else if needs("token") {
        match (asker.is_account, id) {
            (false, _) => &[401],
            // What the asker may do is for other tests, but for what is another's.
            (true, None) => return 0,
            (true, Some(_)) if is_own => return 0,
            // A scope that lacks is said first; the node or rental is then not looked for.
            (true, Some(_)) => &[404, 403],
        }
    } else if is_public_thing && method == "get" {
        // A draft is nobody's to see.
        match id {
            Some("node32") => return 0,
            _ => &[404, 401],
        }
    } else {
        return 0;
    };
    let target = match (path.split_once('{'), id) {
        (Some((before, rest)), Some(id)) => {
            let rest = rest.split_once('}').unwrap().1;
            format!("{before}{id}{}", rest.replace("{month}", "2026-11"))
        }
        _ => path.to_owned(),
    };
    let before = Snapshot::of(&cast.market.database());
    let mut call = Call::new(method.to_uppercase().parse().unwrap(), &target);
    if operation["requestBody"].is_object() {
        call = call.json(&body(path));
    }
    let answer = asker.client.send(call).await;
    assert!(expected.contains(&answer.status), "{}: {answer}", asker.name);
    let changes = before.changes(&Snapshot::of(&cast.market.database()));
    assert_eq!(changes, [""; 0], "{}: {answer}", asker.name);
    tells_nothing(cast, asker, &answer);
    1
}

/// A body that the owner would succeed with.
fn body(path: &str) -> Value {
    match path {
        "/api/farm/nodes/{node}" => json!({ "price_per_month": "2" }),
        "/api/farm/nodes/{node}/maintenance" => json!({
            "starts_at": "2026-12-01T10:00:00Z", "ends_at": "2026-12-01T12:00:00Z",
        }),
        "/api/farm/nodes" => json!({ "grid_node_id": 600 }),
        "/api/rentals/{rental}/extend" => json!({ "duration_months": 1 }),
        "/api/rentals/{rental}/actions" => json!({ "action": "start" }),
        "/api/rentals/{rental}/ports" => json!({ "ports": [] }),
        "/api/rentals/{rental}/keys" => json!({ "ssh_key_ids": [] }),
        "/api/rentals/{rental}/move" => json!({ "node_id": "node11", "offer_version": 1 }),
        "/api/rentals/{rental}/transfer" => json!({ "email": "ben@example.org" }),
        "/api/marketplace/rent-slice" => json!({ "node_id": "node32", "duration_months": 1 }),
        "/api/admin/credits" => {
            json!({ "email": "ada@example.org", "amount_usd": "1", "reason": "a" })
        }
        "/api/agent/jobs/{job}/progress" => json!({ "fence": 1, "step": "disk" }),
        "/api/agent/jobs/{job}/complete" => json!({ "fence": 1 }),
        "/api/agent/jobs/{job}/fail" => json!({ "fence": 1, "reason": "a", "retry": true }),
        "/api/farm/credits/{rental}/{month}/dispute"
        | "/api/rentals/{rental}/months/{month}/dispute" => json!({ "text": "a" }),
        "/api/account/tokens" => json!({ "name": "a", "scopes": ["read"] }),
        _ => json!({}),
    }
}

/// Expects that a refusal holds nothing that is not the asker's.
fn tells_nothing(cast: &Cast, asker: &Asker, answer: &Answer) {
    let text = answer.text();
    for email in Cast::EMAILS {
        assert!(!text.contains(email), "{}: {answer}", asker.name);
    }
    for id in [&cast.ada_rental, &cast.ben_rental] {
        let is_own = asker.owns.contains(id);
        assert!(is_own || !text.contains(id.as_str()), "{}: {answer}", asker.name);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_45_pages_show_everybody_their_own_only() {
    let cast = Cast::meet().await;
    let before = Snapshot::of(&cast.market.database());
    let of_ada = cast.ada.get("/api/wallet/entries").await.ok(200)["items"][0]["id"].clone();
    for (client, path) in [
        (&cast.ben, format!("/dashboard/slices/{}", cast.ada_rental)),
        (&cast.farmer, format!("/dashboard/slices/{}", cast.ada_rental)),
        (&cast.ben, format!("/dashboard/wallet/receipts/{of_ada}")),
        (&cast.farmer, format!("/dashboard/wallet/receipts/{of_ada}")),
        (&cast.ada, "/dashboard/farm/nodes/node32".to_owned()),
        (&cast.ben, "/dashboard/farm/nodes/node11".to_owned()),
        (&cast.ada, "/dashboard/farm/nodes/node32/history".to_owned()),
        (&cast.ada, "/dashboard/farm/nodes/node32/maintenance".to_owned()),
        (&cast.ada, "/marketplace/compute/node11".to_owned()),
    ] {
        client.get(&path).await.page(404);
    }
    let visitor = cast.market.visitor();
    for path in [
        "/dashboard/slices",
        "/dashboard/farm",
        "/dashboard/wallet",
        "/dashboard/wallet/statements",
        "/dashboard/wallet/statements/2026-11",
        "/dashboard/wallet/statements/2026-11/csv",
        "/dashboard/wallet/receipts/1",
    ] {
        assert!(visitor.get(path).await.see_other().starts_with("/login?"), "{path}");
    }
    // The forms of a node that is another's do nothing.
    let page = cast.farmer.get("/dashboard/farm/nodes/node32").await.page(200);
    for action in page.actions() {
        if action.contains("node32") {
            let call = page.submit(&action, &[("price_per_month", "2")]);
            let answer = cast.ada.send_unchecked(&call).await;
            assert!(matches!(answer.status, 403 | 404), "{answer}");
        }
    }
    assert_eq!(before.changes(&Snapshot::of(&cast.market.database())), [""; 0]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_46_nobody_is_shown_who_rents() {
    let cast = Cast::meet().await;
    let visitor = cast.market.visitor();
    let [farmer, ada, ben] = Cast::EMAILS;
    let shown = async |client: &Client, path: &str| client.get(path).await.text();
    for path in [
        "/",
        "/marketplace/compute",
        "/marketplace/compute/node32",
        "/api/marketplace/nodes",
        "/api/marketplace/nodes/node32",
        "/api/marketplace/slices",
        "/api/openapi.json",
    ] {
        let text = shown(&visitor, path).await;
        for email in Cast::EMAILS {
            assert!(!text.contains(email), "{path} shows {email}");
        }
        let text = shown(&cast.ada, path).await;
        assert!(!text.contains(ben) && !text.contains(farmer), "{path}");
    }
    for path in [
        "/api/rentals",
        "/api/wallet/entries",
        "/api/wallet/statements/2026-11",
        "/dashboard/slices",
        "/dashboard/wallet",
        "/dashboard/wallet/statements/2026-11",
        "/dashboard/wallet/statements/2026-11/csv",
    ] {
        let text = shown(&cast.ada, path).await;
        assert!(!text.contains(ben) && !text.contains(farmer), "{path}");
        assert!(!text.contains(&cast.ben_rental), "{path}");
    }
    // The farmer is notified of who rents now, and of nothing else of theirs.
    let text = shown(&cast.farmer, "/api/farm/nodes/node32").await;
    assert!(text.contains(ada) && text.contains(ben), "{text}");
    assert!(!text.contains(&cast.ada_rental), "{text}");
    // That every answer has documented members only is checked with every answer of these tests.
}
