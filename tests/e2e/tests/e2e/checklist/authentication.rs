//! Authentication and sessions: what there is before anybody has signed up, and what secrets are.

use std::collections::BTreeSet;

use e2e::{Call, Market, PASSWORD, Snapshot};
use gridproxy::{Documents, Standin};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_34_nobody_has_an_account_at_first() {
    let grid = Standin::start(Documents::default()).await.unwrap();
    let market = Market::start_with(grid, [("operator_token", "")]).await;
    let visitor = market.visitor();
    visitor.get("/").await.page(200);
    for table in ["accounts", "sessions", "tokens"] {
        assert_eq!(Snapshot::of(&market.database()).count(table), 0, "{table}");
    }
    for (email, password) in [
        ("admin@example.org", "admin"),
        ("admin@localhost.localdomain", "password"),
        ("root@example.org", "changeme"),
        ("operator@example.org", ""),
        ("farmer@demo.example", "demo"),
    ] {
        let body = json!({ "email": email, "password": password });
        let refused = visitor.post("/api/account/sessions", &body).await;
        refused.problem(401, "wrong-credentials");
    }
    // Without a token of the operator's, nobody is the operator, and an empty one is no token.
    for header in ["Bearer ", "Bearer", "Bearer operator", "Basic YWRtaW46YWRtaW4=", ""] {
        let call = Call::get("/api/admin/invariants").with("authorization", header);
        visitor.send(call).await.problem(401, "not-signed-in");
    }
}

/// 128 bits, in the characters of base64: six bits each.
const SECRET_CHARS_MIN: usize = 128_usize.div_ceil(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn item_39_secrets_are_random_and_kept_as_hashes() {
    let market = Market::start().await;
    let mut secrets = BTreeSet::new();
    let ada = market.sign_up("ada@example.org").await;
    let credential = |client: &e2e::Client| {
        let (_, text) = client.role("somebody").credential.unwrap();
        let text = text.trim_start_matches("Bearer ").trim_start_matches("myc_");
        text.split_once('=').map_or(text, |(_, secret)| secret).to_owned()
    };
    secrets.insert(credential(&ada));
    for _ in 0..8 {
        secrets.insert(credential(&market.sign_in("ada@example.org").await));
        secrets.insert(credential(&ada.token(&["read"]).await));
    }
    assert_eq!(secrets.len(), 17, "each is another one");
    let kept = Snapshot::of(&market.database());
    let whole: Vec<_> = secrets.iter().collect();
    for secret in &whole {
        assert!(secret.len() >= SECRET_CHARS_MIN, "{secret} is short");
        let letters: BTreeSet<_> = secret.bytes().collect();
        assert!(letters.len() > 12, "{secret} is not random");
        assert!(!kept.holds(secret), "the database holds {secret}");
        let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
        assert!(!kept.holds(&hex), "the database holds the bytes of {secret}");
    }
    assert!(!kept.holds(PASSWORD), "the database holds a password");
    // Nothing of one tells anything of the next: no place has the same letter in all of them.
    let length = whole.iter().map(|secret| secret.len()).min().unwrap();
    for place in 0..length {
        let letters: BTreeSet<_> = whole.iter().map(|secret| secret.as_bytes()[place]).collect();
        assert!(letters.len() > 1, "place {place} never changes");
    }
    for (component, log) in market.logs() {
        assert!(whole.iter().all(|secret| !log.contains(secret.as_str())), "{component}");
    }
}
