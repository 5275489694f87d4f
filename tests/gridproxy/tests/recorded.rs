//! The stand-in answers what the real server was recorded to answer.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod support;

use std::fs;

use gridproxy::{Documents, Standin, recorded};
use serde_json::Value;

/// Requests whose recorded answer rests on data that was not recorded with it.
const NOT_RECORDED_IN_FULL: [&str; 11] = [
    "/farms?size=1&ret_count=true",
    "/contracts?size=1&ret_count=true",
    "/contracts?type=node&state=Created,GracePeriod&size=1&ret_count=true",
    "/contracts/1",
    "/contracts/1/bills?size=2&ret_count=true",
    "/stats",
    "/stats?status=up",
    "/public_ips?size=1&ret_count=true",
    "/twins?size=1",
    "/twins/1100/consumption",
    "HEAD /nodes",
];

/// One recorded answer; the recording keeps the beginning of long bodies.
struct Recorded {
    request: String,
    status: String,
    headers: Vec<String>,
    body: String,
}

fn recordings() -> Vec<Recorded> {
    let text = fs::read_to_string(recorded("server_behaviours.txt")).unwrap().replace('\r', "");
    text.split("### ").skip(1).map(recording).collect()
}

fn recording(text: &str) -> Recorded {
    let mut lines = text.lines();
    let request = lines.next().unwrap().to_owned();
    let status = lines.next().unwrap().to_owned();
    let mut headers = Vec::new();
    let mut body = String::new();
    for line in lines.filter(|line| !line.is_empty()) {
        if body.is_empty() && line.split_once(": ").is_some_and(|(name, _)| is_header(name)) {
            headers.push(line.to_owned());
        } else {
            line.clone_into(&mut body);
        }
    }
    Recorded { request, status, headers, body }
}

fn is_header(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-')
}

/// The generated documents and the recorded answers were taken minutes apart, and the server
/// counts this field on.
fn without_report_times(json: &str) -> String {
    let mut parts = json.split("\"updatedAt\":");
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        text.push_str(part.trim_start_matches(|character: char| character.is_ascii_digit()));
    }
    text
}

#[tokio::test]
async fn every_recorded_answer_is_given_again() {
    let standin = Standin::start(Documents::generated().unwrap()).await.unwrap();
    let mut compared = 0;
    for recorded in recordings() {
        if NOT_RECORDED_IN_FULL.contains(&recorded.request.as_str()) {
            continue;
        }
        let (method, target) =
            recorded.request.split_once(' ').unwrap_or(("GET", &recorded.request));
        let url = format!("{}{target}", standin.url());
        let raw = support::send(&url, method, "").await.unwrap();
        let request = &recorded.request;
        assert_eq!(raw.status, recorded.status, "{request}");
        for header in &recorded.headers {
            let (name, value) = header.split_once(": ").unwrap();
            match name {
                "Date" => assert!(raw.header(name).is_some(), "{request}"),
                // Recorded with one node in the list; ours is as long as its own body.
                "Content-Length" => {}
                _ => assert_eq!(raw.header(name), Some(value), "{request} {name}"),
            }
        }
        let has_count = recorded.headers.iter().any(|header| header.starts_with("Count: "));
        assert_eq!(raw.header("Count").is_some(), has_count, "{request}");
        // The recording keeps the beginning of a long body; the field left out has ten digits.
        let seen = &raw.body[..raw.body.len().min(recorded.body.len() + 10)];
        let seen = without_report_times(&String::from_utf8_lossy(seen));
        let expected = without_report_times(&recorded.body);
        assert!(seen.starts_with(&expected), "{request}\n{seen}\n{expected}");
        compared += 1;
    }
    assert_eq!(compared, 41);
}

#[tokio::test]
async fn a_list_is_the_recorded_text_byte_for_byte() {
    let standin = Standin::start(Documents::generated().unwrap()).await.unwrap();
    let raw = support::get(&format!("{}/nodes?size=20000", standin.url())).await.unwrap();
    let mut expected = Vec::new();
    let file = fs::File::open(recorded("nodes_6000_generated.json.gz")).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut expected).unwrap();
    assert!(raw.body == expected, "6,000 nodes differ from the recorded text");
}

#[tokio::test]
async fn a_node_of_the_list_is_served_as_its_recorded_single_form() {
    let standin = Standin::start(Documents::example().unwrap()).await.unwrap();
    for id in [1, 11, 17, 32, 198, 534, 600, 4000, 4001, 4002, 5001, 5002, 5003, 5004, 7001, 7002] {
        let raw = support::get(&format!("{}/nodes/{id}", standin.url())).await.unwrap();
        let path = recorded(&format!("server_single_{id}.json"));
        let expected = fs::read_to_string(path).unwrap();
        assert_eq!(raw.text(), compact(&expected), "node {id}");
    }
    for id in [1, 5001, 5003] {
        let raw = support::get(&format!("{}/nodes/{id}/status", standin.url())).await.unwrap();
        let path = recorded(&format!("server_status_{id}.json"));
        assert_eq!(raw.text(), fs::read_to_string(path).unwrap());
    }
}

/// The file without its layout, which keeps the order of its fields, with the server's line end.
fn compact(pretty: &str) -> String {
    let mut text = String::new();
    let (mut is_in_string, mut is_escaped) = (false, false);
    for character in pretty.chars() {
        if is_in_string || !character.is_whitespace() {
            text.push(character);
        }
        is_in_string ^= character == '"' && !is_escaped;
        is_escaped = is_in_string && character == '\\' && !is_escaped;
    }
    text + "\n"
}

#[tokio::test]
async fn an_old_document_keeps_its_missing_fields_in_both_forms() {
    let documents = Documents::load(&[
        recorded("recorded_devnet_node_1_2022_listform.json"),
        recorded("recorded_testnet_node_198_2022_singleform.json"),
    ]);
    let standin = Standin::start(documents.unwrap()).await.unwrap();
    let single: Value = fetch(&standin, "/nodes/198").await;
    assert_eq!(single["capacity"]["total_resources"]["cru"], 24);
    assert_eq!(single.get("healthy"), None);
    assert_eq!(single.get("total_resources"), None);
    let list: Value = fetch(&standin, "/nodes").await;
    assert_eq!(list[1]["used_resources"], single["capacity"]["used_resources"]);
    assert_eq!(list[1].get("capacity"), None);
    assert_eq!(list[0].get("features"), None);
}

#[tokio::test]
async fn the_owner_of_a_node_is_found_through_its_farm() {
    let standin = Standin::start(Documents::example().unwrap()).await.unwrap();
    let node = fetch(&standin, "/nodes/32").await;
    let farm = fetch(&standin, &format!("/farms?farm_id={}", node["farmId"])).await;
    assert_eq!(farm[0]["name"], "duck farm");
    let twin = fetch(&standin, &format!("/twins?twin_id={}", farm[0]["twinId"])).await;
    assert!(twin[0]["accountId"].as_str().unwrap().starts_with('5'));
}

async fn fetch(standin: &Standin, target: &str) -> Value {
    let raw = support::get(&format!("{}{target}", standin.url())).await.unwrap();
    serde_json::from_slice(&raw.body).unwrap()
}
