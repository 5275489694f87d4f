//! Filters, sorting and paging, on the sixteen example nodes.

mod support;

use gridproxy::{Documents, Standin};
use serde_json::Value;

/// Each request against the ids of its answer, in order.
const CASES: &[(&str, &str)] = &[
    ("/nodes?status=standby", "5001 5002"),
    ("/nodes?status=down,standby", "5001 5002 5003"),
    ("/nodes?healthy=false", "5001 5002 5003 5004"),
    ("/nodes?country=germany", "534 4002"),
    ("/nodes?country_contains=stri", "11"),
    ("/nodes?farm_ids=50,77", "11 4001"),
    ("/nodes?farm_name=DUCK%20FARM&rented=true", "4000"),
    ("/nodes?in_dedicated_farm=true", "4001"),
    ("/nodes?rentable=false", "1 198 4000 7002"),
    ("/nodes?dedicated=false", "1 198 7002"),
    ("/nodes?rented_by=44", "4000"),
    ("/nodes?available_for=44&size=3", "4000 1 11"),
    ("/nodes?available_for=45&node_ids=4000,4001,4002,7001", "7001"),
    ("/nodes?rentable_or_rented_by=44&size=2", "4000 11"),
    ("/nodes?owned_by=112", "4001"),
    ("/nodes?node_ids=7002,1,32&node_ids=11", "1 11 32 7002"),
    ("/nodes?node_ids=1,2,32", "1 32"),
    ("/nodes?excluded=1,11,17,32,198,534,600,4000,4001,4002,5001,5002,5003,5004", "7001 7002"),
    ("/nodes?certification_type=certified", "11"),
    ("/nodes?features=zmachine-light,network-light", "7001"),
    ("/nodes?gpu_vendor_name=amd&gpu_available=true", "4002"),
    ("/nodes?gpu_vendor_name=amd&gpu_available=false", ""),
    ("/nodes?free_sru=1000000000000&status=up", "32 600 4000 4001 4002"),
    ("/nodes?total_cru=100", "4000"),
    ("/nodes?price_max=100&status=up", "11 7001"),
    ("/nodes?ipv4=true", "1"),
    ("/nodes?sort_by=total_cru&sort_order=DESC&size=3", "4000 4002 4001"),
    ("/nodes?sort_by=status&node_ids=1,5001,5003,11", "1 11 5001 5003"),
    ("/nodes?size=3&page=2", "32 198 534"),
    ("/nodes?foo=&size=1", "1"),
    ("/gateways/1", "1"),
    ("/farms?twin_id=4653", "2997"),
    ("/farms?country=belgium", "1 2997"),
    ("/farms?node_certified=true", "50"),
    ("/farms?name_contains=FARM&sort_by=twin_id&sort_order=desc", "2997 77 50 1"),
    ("/twins?twin_id=4653", "4653"),
    ("/contracts?node_id=7002&state=graceperiod", "7101"),
    ("/contracts?type=rent", "4400"),
    ("/contracts/4401", "4401"),
];

#[tokio::test]
async fn a_request_selects_what_the_server_would() {
    let standin = Standin::start(Documents::example().unwrap()).await.unwrap();
    for (target, expected) in CASES {
        let raw = support::get(&format!("{}{target}", standin.url())).await.unwrap();
        let answer: Value = serde_json::from_slice(&raw.body).unwrap();
        let items = answer.as_array().cloned().unwrap_or_else(|| vec![answer]);
        let field = match target.as_bytes()[1] {
            b'f' => "farmId",
            b't' => "twinId",
            b'c' => "contract_id",
            _ => "nodeId",
        };
        let ids: Vec<String> = items.iter().map(|item| item[field].to_string()).collect();
        assert_eq!(ids.join(" "), *expected, "{target}");
    }
}

/// Each request against the status and the text of its error.
const ERRORS: &[(&str, &str, &str)] = &[
    ("/nodes?foo=1&size=x", "400", "failed to decode params: schema: invalid path \"foo\""),
    (
        "/nodes?node_ids=1,x&sort_by=bogus",
        "400",
        "failed to decode params: schema: error converting value for index 0 of \"node_ids\"",
    ),
    ("/nodes?features=xyz&sort_by=bogus", "400", "\"bogus\" is not a sort field for Node type"),
    ("/farms?sort_by=uptime", "400", "\"uptime\" is not a sort field for Farm type"),
    ("/nodes?status=up,UP", "500", "ERROR: syntax error at or near \")\" (SQLSTATE 42601)"),
    ("/nodes?region=Europe", "501", "the stand-in's documents do not say what \"region\" asks for"),
    ("/nodes/5003/statistics", "500", "cannot fetch statistics from node 5003 with status: down"),
    ("/stats", "501", "the stand-in does not answer this route of the real server"),
];

#[tokio::test]
async fn an_error_is_told_in_the_servers_words() {
    let standin = Standin::start(Documents::example().unwrap()).await.unwrap();
    for (target, status, expected) in ERRORS {
        let raw = support::get(&format!("{}{target}", standin.url())).await.unwrap();
        let answer: Value = serde_json::from_slice(&raw.body).unwrap();
        assert_eq!(answer["error"], *expected, "{target}");
        assert!(raw.status.contains(status), "{target}: {}", raw.status);
    }
}

#[tokio::test]
async fn a_trailing_slash_is_redirected_with_the_query() {
    let standin = Standin::start(Documents::example().unwrap()).await.unwrap();
    let raw = support::get(&format!("{}/nodes/?size=1&page=2", standin.url())).await.unwrap();
    assert_eq!(raw.status, "HTTP/1.1 301 Moved Permanently");
    assert_eq!(raw.header("Location"), Some("/nodes?size=1&page=2"));
    assert_eq!(raw.text(), "<a href=\"/nodes?size=1&amp;page=2\">Moved Permanently</a>.\n\n");
}
