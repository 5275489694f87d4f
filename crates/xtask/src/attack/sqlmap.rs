//! sqlmap: every parameter of every operation and form, with what could reach SQL.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use crate::api::{Api, Caller};
use crate::progress::Step;
use crate::python::Python;

use super::people::Person;
use super::tools;
use super::{Ground, Report, crawl};

/// How thorough it is: of its five levels and three risks. The risk above uses OR, which can change
/// every row; nothing of ours takes that into account.
const HOW: [&str; 3] = ["--level=3", "--risk=2", "--dbms=SQLite"];

/// How long one request may be worked on, in seconds.
const REQUEST_SECONDS: u64 = 180;

/// How long all of them may.
const TIME_MAX: Duration = Duration::from_hours(1);

/// Marks a place to inject at, behind a value.
const MARK: char = '*';

/// Works on every request, beginning with the one numbered `from`.
pub(super) fn run(crawler: &Path, tools: &Python, ground: &Ground, from: usize) -> Result<Report> {
    let api = Api::new(&ground.url);
    let document = api.call("GET", "/api/openapi.json", Caller::Nobody, &json!(null))?.body;
    let mut requests = operations(&document, ground);
    requests.extend(forms(&crawl::forms(crawler, ground)?, ground));
    let started = Instant::now();
    let mut findings = Vec::new();
    for (index, request) in requests.iter().enumerate().skip(from.saturating_sub(1)) {
        let name = format!("{:02}-{}", index + 1, request.name);
        if started.elapsed() > TIME_MAX {
            findings.push(format!("{name} and later requests were skipped because time ran out"));
            break;
        }
        let mut step = Step::start(&format!("sqlmap on {}", request.name));
        findings.extend(attack(&mut step, tools, ground, &name, &request.text)?);
        step.done();
    }
    let done = format!("requests {from} to {}, every parameter of them", requests.len());
    Ok(Report { done, findings })
}

/// Works on one request; answers what it found.
fn attack(
    step: &mut Step,
    tools: &Python,
    ground: &Ground,
    name: &str,
    request: &str,
) -> Result<Vec<String>> {
    let file = |ending: &str| ground.folder.join(format!("{name}.{ending}"));
    fs::write(file("http"), request).context("writing a request")?;
    let mut command = tools.command("sqlmap");
    command.arg("-r").arg(file("http")).args(HOW);
    command.args(["--batch", "--disable-coloring", "--flush-session", "--drop-set-cookie"]);
    // A refusal is an answer too.
    command.arg("--ignore-code=*").arg(format!("--time-limit={REQUEST_SECONDS}"));
    command.arg("--output-dir").arg(ground.folder.join("sqlmap"));
    command.arg("--report-json").arg(file("json"));
    let limit = Duration::from_secs(REQUEST_SECONDS + 30);
    let end = tools::run(step, &mut command, &file("txt"), limit)?;
    let report = fs::read_to_string(file("json")).ok();
    let report: Option<Value> = report.and_then(|text| serde_json::from_str(&text).ok());
    let Some(report) = report.filter(|report| report["success"] == true) else {
        bail!("sqlmap failed ({end}): see {}", file("txt").display());
    };
    let found = report["data"].as_array().map_or(&[][..], Vec::as_slice);
    Ok(found.iter().map(|finding| format!("{name}: {finding}")).collect())
}

/// A request that is worked on.
struct Request {
    name: String,
    text: String,
}

/// A request for each operation of the API document, with a place to inject at in each parameter.
fn operations(document: &Value, ground: &Ground) -> Vec<Request> {
    let mut requests = Vec::new();
    for (path, methods) in members(document, "paths") {
        for (method, operation) in methods.as_object().into_iter().flatten() {
            let person = who_calls(path, operation, ground);
            requests.push(operation_request(document, path, method, operation, person, ground));
        }
    }
    requests
}

fn who_calls<'a>(path: &str, operation: &Value, ground: &'a Ground) -> &'a Person {
    let is_for_operator = operation["security"][0]["operator"].is_array();
    if is_for_operator {
        &ground.people.operator
    } else if path.starts_with("/api/farm/") {
        &ground.people.farmer
    } else {
        &ground.people.renter
    }
}

fn operation_request(
    document: &Value,
    path: &str,
    method: &str,
    operation: &Value,
    person: &Person,
    ground: &Ground,
) -> Request {
    let parameters = operation["parameters"].as_array().map_or(&[][..], Vec::as_slice);
    let mut target = path.to_owned();
    let mut query = Vec::new();
    let mut headers: Vec<(String, String)> = Vec::new();
    for parameter in parameters {
        let name = parameter["name"].as_str().unwrap_or_default();
        let value = match (name, parameter["example"].as_str()) {
            ("rental", _) => ground.people.rental.clone(),
            ("node", _) => "node32".to_owned(),
            (_, Some(example)) => example.to_owned(),
            (_, None) => "1".to_owned(),
        };
        match parameter["in"].as_str() {
            Some("path") => {
                target = target.replace(&format!("{{{name}}}"), &format!("{value}{MARK}"));
            }
            Some("query") => query.push(format!("{name}={value}")),
            _ => headers.push((name.to_owned(), format!("{value}{MARK}"))),
        }
    }
    if !query.is_empty() {
        target = format!("{target}?{}", query.join("&"));
    }
    // Half of them show a cookie: it is a parameter as well. A token that is changed is another's.
    let credential = if method == "get" { person.credential() } else { person.bearer() };
    // Where there is nothing else to inject at, there is who asks.
    let has_body = operation["requestBody"].is_object();
    let is_bare = parameters.is_empty() && !has_body;
    let mark = if is_bare { String::from(MARK) } else { String::new() };
    headers.extend(credential.map(|(name, value)| (name.to_owned(), format!("{value}{mark}"))));
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    let body = has_body.then(|| sample(document, schema, "").to_string());
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let name = operation["operationId"].as_str().unwrap_or("operation").to_owned();
    let text = http_request(ground, &method.to_uppercase(), &target, &headers, body.as_deref());
    Request { name, text }
}

/// A value that fits a schema, and that the app has something for where its name says so.
fn sample(document: &Value, schema: &Value, name: &str) -> Value {
    match name {
        "email" => return json!("renter@attack.example"),
        "password" => return json!("a few words work well"),
        "node_id" => return json!("node600"),
        "slice_id" => return json!("node600_slice_1"),
        "grid_node_id" => return json!(11),
        _ => {}
    }
    if let Some(target) = schema["$ref"].as_str().and_then(|target| target.strip_prefix('#')) {
        return document.pointer(target).map_or(json!(null), |it| sample(document, it, name));
    }
    for first in [&schema["enum"][0], &schema["examples"][0], &schema["default"]] {
        if !first.is_null() {
            return first.clone();
        }
    }
    if schema["anyOf"].is_array() {
        return sample(document, &schema["anyOf"][0], name);
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"][0].as_str());
    match kind {
        Some("object") => {
            let fields = members(schema, "properties");
            fields.map(|(name, each)| (name.clone(), sample(document, each, name))).collect()
        }
        Some("array") => json!([sample(document, &schema["items"], name)]),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => json!("read"),
    }
}

/// A request for each form that a page has, once for each role and kind of page.
fn forms(forms: &Value, ground: &Ground) -> Vec<Request> {
    let mut seen = BTreeSet::new();
    let mut requests = Vec::new();
    for form in forms.as_array().into_iter().flatten() {
        let [role, page, method, action] = ["role", "page", "method", "action"]
            .map(|name| form[name].as_str().unwrap_or_default());
        let kind = action.replace(|c: char| c.is_ascii_digit(), "");
        if !seen.insert((role.to_owned(), method.to_owned(), kind)) {
            continue;
        }
        let Some(person) = ground.people.all().into_iter().find(|person| person.name == role)
        else {
            continue;
        };
        let fields = form["fields"].as_array().into_iter().flatten();
        let fields: Vec<_> = fields
            .filter_map(|field| Some((field[0].as_str()?, field[1].as_str()?)))
            .map(|(name, value)| format!("{name}={}", form_value(name, value)))
            .collect();
        // The end of the session would be the end of what else is tried with it.
        if fields.is_empty() || action == "/logout" {
            continue;
        }
        let credential = person.credential().map(|(name, value)| (name.to_owned(), value));
        let mut headers: Vec<_> = credential.into_iter().collect();
        headers.push(("origin".to_owned(), ground.url.clone()));
        headers.push(("referer".to_owned(), format!("{}{page}", ground.url)));
        let text = if method == "post" {
            let kind = "application/x-www-form-urlencoded".to_owned();
            headers.push(("content-type".to_owned(), kind));
            http_request(ground, "POST", action, &headers, Some(&fields.join("&")))
        } else {
            let target = format!("{action}?{}", fields.join("&"));
            http_request(ground, "GET", &target, &headers, None)
        };
        let name: String = format!("form-{role}{action}")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        requests.push(Request { name, text });
    }
    requests
}

/// What a field is filled with: what the page has in it, or something that could be right.
fn form_value(name: &str, value: &str) -> String {
    let filled = match (name, value) {
        ("email", "") => "renter@attack.example",
        ("password", "") => "a few words work well",
        (_, "") => "1",
        (_, value) => value,
    };
    let encode = |byte: u8| {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
        if is_plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    filled.bytes().map(encode).collect()
}

fn http_request(
    ground: &Ground,
    method: &str,
    target: &str,
    headers: &[(String, String)],
    body: Option<&str>,
) -> String {
    let host = ground.url.trim_start_matches("http://");
    let headers: String =
        headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = body.unwrap_or_default();
    format!("{method} {target} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n{body}")
}

fn members<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value[name].as_object().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_made_from_its_schema() {
        let document = json!({ "components": { "schemas": {
            "Order": { "type": "object", "properties": {
                "node_id": { "type": "string" },
                "months": { "type": "integer", "enum": [3, 6] },
                "price": { "anyOf": [{ "type": ["number", "null"] }] },
                "scopes": { "type": "array", "items": { "$ref": "#/components/schemas/Scope" } },
            } },
            "Scope": { "type": "string" },
        } } });
        let schema = json!({ "$ref": "#/components/schemas/Order" });
        let expected = json!({
            "node_id": "node600", "months": 3, "price": 1, "scopes": ["read"],
        });
        assert_eq!(sample(&document, &schema, ""), expected);
    }

    #[test]
    fn a_form_is_filled() {
        assert_eq!(form_value("name", "Alpine one*"), "Alpine%20one%2A");
        assert_eq!(
            (form_value("email", "").as_str(), form_value("x", "").as_str()),
            ("renter%40attack.example", "1")
        );
    }
}
