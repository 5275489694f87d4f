//! Holds every answer against what the app says of itself in its API document.

use std::collections::BTreeSet;
use std::sync::Mutex;

use http::Method;
use serde_json::Value;

use crate::answer::Answer;
use crate::client::Call;
use crate::schema;

/// What every answer carries, whatever it is.
const SECURITY_HEADERS: [(&str, &str); 7] = [
    ("content-security-policy", "default-src 'none'"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
    ("permissions-policy", "camera=()"),
    ("referrer-policy", "same-origin"),
    ("strict-transport-security", "max-age="),
    ("x-content-type-options", "nosniff"),
];

/// The API document, and which of its operations have succeeded.
pub(crate) struct Contract {
    document: Value,
    succeeded: Mutex<BTreeSet<String>>,
}

/// What the document says of a request.
enum Known<'a> {
    Operation(&'a Value),
    OtherMethod,
    Nothing,
}

impl Contract {
    pub(crate) fn new(document: Value) -> Contract {
        assert_eq!(document["openapi"], "3.0.3");
        Contract { document, succeeded: Mutex::default() }
    }

    /// The operations that have succeeded.
    pub(crate) fn succeeded(&self) -> Vec<String> {
        self.succeeded.lock().unwrap().iter().cloned().collect()
    }

    /// Every operation of the document.
    pub(crate) fn operations(&self) -> Vec<String> {
        let paths = self.document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|path| path.as_object().unwrap().values());
        let mut ids: Vec<_> =
            operations.map(|it| it["operationId"].as_str().unwrap().to_owned()).collect();
        ids.sort();
        ids
    }

    /// Fails if the answer is not as the document says, or lacks what every answer must have.
    pub(crate) fn check(&self, call: &Call, answer: &Answer) {
        for (name, beginning) in SECURITY_HEADERS {
            let value = answer.header(name).unwrap_or_default();
            // Where the address has a secret, no path is sent on, not even to ourselves.
            let is_secret = name == "referrer-policy" && call.target.contains("?code=");
            let beginning = if is_secret { "strict-origin" } else { beginning };
            // A farm's badge is there to be shown by other sites.
            let is_badge = call.target.ends_with("/badge.svg") && answer.status < 400;
            let is_shared = is_badge && name == "cross-origin-resource-policy";
            let beginning = if is_shared { "cross-origin" } else { beginning };
            assert!(value.starts_with(beginning), "{name}: {value:?} in {answer}");
        }
        let is_bodiless = matches!(answer.status, 204 | 304);
        let is_head = call.method == Method::HEAD;
        match answer.header("content-length") {
            Some(_) if is_head => assert!(answer.body.is_empty(), "{answer}"),
            Some(length) => assert_eq!(length, answer.body.len().to_string(), "{answer}"),
            None => assert!(is_bodiless, "no content-length in {answer}"),
        }
        assert!(answer.header("cache-control").is_some(), "no cache-control in {answer}");
        assert_ne!(answer.status, 500, "{answer}");
        let says_how = answer.header("www-authenticate").is_some();
        assert_eq!(says_how, answer.status == 401, "{answer}");
        if call.target.starts_with("/api/") && !is_head {
            self.check_api(call, answer);
        }
    }

    fn check_api(&self, call: &Call, answer: &Answer) {
        let operation = match self.find(call) {
            Known::Operation(operation) => operation,
            Known::OtherMethod => {
                assert!(answer.header("allow").is_some(), "no Allow in {answer}");
                answer.problem(405, "method-not-allowed");
                return;
            }
            Known::Nothing => {
                answer.problem(404, "not-found");
                return;
            }
        };
        if answer.status == 204 && operation["x-no-content"].is_string() {
            assert!(answer.body.is_empty(), "{answer}");
            return;
        }
        let listed = &operation["responses"][answer.status.to_string()];
        assert!(listed.is_object(), "{} is not in the API document: {answer}", answer.status);
        if answer.status < 300 {
            let id = operation["operationId"].as_str().unwrap();
            self.succeeded.lock().unwrap().insert(id.to_owned());
        }
        let Some((content_type, content)) = listed["content"].as_object().and_then(|content| {
            let is_given = |kind: &str| answer.header("content-type") == Some(kind);
            content.iter().find(|(kind, _)| is_given(kind)).or(content.iter().next())
        }) else {
            assert!(answer.body.is_empty(), "{answer}");
            return;
        };
        assert_eq!(answer.header("content-type"), Some(content_type.as_str()), "{answer}");
        let is_problem = content_type == "application/problem+json";
        assert_eq!(is_problem, answer.status >= 400, "{answer}");
        if content_type.starts_with("text/csv") {
            assert!(answer.text().ends_with("\r\n"), "{answer}");
            return;
        }
        let body = answer.json();
        let wrong = schema::check(&self.document, &content["schema"], &body);
        assert!(wrong.is_empty(), "{wrong:#?} in {answer}");
        if is_problem {
            let types = listed["x-problem-types"].as_array().unwrap();
            assert!(types.contains(&body["type"]), "{types:?} in {answer}");
            assert_eq!(body["status"], answer.status, "{answer}");
            assert_eq!(body["message"], body["detail"], "{answer}");
            let instance = body["instance"].as_str().unwrap_or_default();
            assert!(instance.starts_with("urn:uuid:"), "{answer}");
        }
    }

    fn find(&self, call: &Call) -> Known<'_> {
        let path = call.target.split('?').next().unwrap_or_default();
        let paths = self.document["paths"].as_object().unwrap();
        // A path without placeholders wins, as it does in the app.
        let mut fitting: Vec<_> =
            paths.iter().filter(|(template, _)| fits(template, path)).collect();
        fitting.sort_by_key(|(template, _)| template.contains('{'));
        match fitting.first() {
            None => Known::Nothing,
            Some((_, methods)) => methods
                .get(call.method.as_str().to_lowercase())
                .map_or(Known::OtherMethod, Known::Operation),
        }
    }
}

/// Whether a path is one of a template such as `/api/rentals/{rental}`.
fn fits(template: &str, path: &str) -> bool {
    let mut given = path.split('/');
    let all_fit = template.split('/').all(|expected| match given.next() {
        Some(segment) if expected.starts_with('{') => !segment.is_empty(),
        Some(segment) => segment == expected,
        None => false,
    });
    all_fit && given.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_fits_its_template_only() {
        assert!(fits("/api/rentals/{rental}", "/api/rentals/7"));
        for path in ["/api/rentals", "/api/rentals/", "/api/rentals/7/end", "/api/wallet/7"] {
            assert!(!fits("/api/rentals/{rental}", path), "{path}");
        }
    }
}
