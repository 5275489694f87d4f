//! The walk through the API, from nothing to a rented slice, as commands to copy.

use crate::docs::WalkStep;

/// Stands in the commands for where the API is reached.
const URL: &str = "URL";

/// Each step: what it does, the command, and what comes back where that helps.
const STEPS: [(&str, &str, &str); 6] = [
    (
        "Create an account and save its session cookie to a file.",
        r#"curl -c cookies.txt URL/api/account \
  -H 'content-type: application/json' \
  -d '{"email": "ada@example.org", "password": "a few words of my own"}'"#,
        r#"{"id": "0199f0a0-…", "email": "ada@example.org"}"#,
    ),
    (
        "Create an API token and save it. It is shown only once.",
        r#"TOKEN=$(curl -s -b cookies.txt URL/api/account/tokens \
  -H 'content-type: application/json' \
  -d '{"name": "my laptop", "scopes": ["read", "rent", "farm"]}' |
  sed 's/.*"token":"\([^"]*\)".*/\1/')"#,
        "",
    ),
    (
        "List nodes with free slices.",
        "curl 'URL/api/marketplace/nodes?max_price=30&sort=uptime'",
        r#"{
  "items": [
    {"id": "node32", "price_per_month": "25.00", "available_slices": 9, "offer_version": 3, …}
  ],
  "next_cursor": null
}"#,
    ),
    (
        "Check your wallet balance. The operator adds credit for you.",
        r#"curl -H "authorization: Bearer $TOKEN" URL/api/wallet"#,
        r#"{"balance": "100.00", "currency": "USD"}"#,
    ),
    (
        "Rent a slice for three months at the listed offer version. Retrying with the same \
         idempotency key returns the same response and rents nothing more.",
        r#"curl URL/api/marketplace/rent-slice \
  -H "authorization: Bearer $TOKEN" -H 'idempotency-key: my-first-slice' \
  -H 'content-type: application/json' \
  -d '{"node_id": "node32", "duration_months": 3, "offer_version": 3}'"#,
        r#"{
  "success": true,
  "message": "node32_slice_1 is yours until …; $71.25 was charged.",
  "rental": {"id": "0199f0a2-…", "total_cost": "71.25", …},
  …
}"#,
    ),
    (
        "Or offer your own node: register it by its grid ID, set a price and an SLA, and publish \
         it.",
        r#"curl URL/api/farm/nodes \
  -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
  -d '{"grid_node_id": 32}'
curl -X PATCH URL/api/farm/nodes/node32 \
  -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' \
  -d '{"price_per_month": "25.00", "min_uptime": "99.5", "min_bandwidth_mbps": 100}'
curl -X POST -H "authorization: Bearer $TOKEN" URL/api/farm/nodes/node32/publish"#,
        "",
    ),
];

/// The walk, where the API is reached at `url`.
pub fn steps(url: &str) -> Vec<WalkStep> {
    let step = |(text, command, answer): (&str, &str, &str)| WalkStep {
        text: text.to_owned(),
        command: command.replace(URL, url),
        answer: Some(answer.to_owned()).filter(|answer| !answer.is_empty()),
    };
    STEPS.map(step).into()
}
