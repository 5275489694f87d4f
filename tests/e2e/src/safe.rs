//! What makes an answer safe for a browser, whatever the answer is.

use serde::Serialize;

use crate::answer::Answer;

/// What the policy must say of what a page may load and do.
const POLICY: [(&str, &str); 6] = [
    ("default-src", "'none'"),
    ("script-src", "'self'"),
    ("style-src", "'self'"),
    ("base-uri", "'none'"),
    ("form-action", "'self'"),
    ("frame-ancestors", "'none'"),
];

/// A year, in seconds: what browsers want before they keep to TLS on their own.
const HSTS_SECONDS_MIN: u64 = 31_536_000;

/// Everything about an answer that is not safe; `signed_in` says whether the request said who asks.
pub fn check(answer: &Answer, signed_in: bool, path: &str) -> Vec<String> {
    let mut wrong = headers(answer);
    // Static files and farms' badges are the same for everybody.
    let is_private = signed_in && !path.starts_with("/static/") && !path.ends_with("/badge.svg");
    let caching = answer.header("cache-control").unwrap_or_default();
    if is_private && caching != "no-store" {
        wrong.push(format!("may be kept: cache-control is {caching:?}"));
    }
    if answer.status >= 500 {
        wrong.push(format!("fails with {}", answer.status));
    }
    let kind = answer.header("content-type").unwrap_or_default();
    if kind.is_empty() && !answer.body.is_empty() {
        wrong.push("has no content-type".to_owned());
    }
    if kind.starts_with("text/") && !kind.ends_with("; charset=utf-8") {
        wrong.push(format!("does not say its charset: {kind}"));
    }
    if kind.starts_with("text/") && std::str::from_utf8(&answer.body).is_err() {
        wrong.push("is no UTF-8".to_owned());
    }
    if kind.starts_with("text/html") {
        wrong.extend(page(&answer.text()));
    }
    wrong
}

/// What is wrong with the headers that every answer must have.
pub fn headers(answer: &Answer) -> Vec<String> {
    let mut wrong = Vec::new();
    let policy = answer.header("content-security-policy").unwrap_or_default();
    for (directive, expected) in POLICY {
        let found = policy.split(';').find_map(|part| part.trim().strip_prefix(directive));
        if found.map(str::trim) != Some(expected) {
            wrong.push(format!("{directive} is not {expected}: {policy:?}"));
        }
    }
    let is = |name: &str, expected: &[&str]| {
        let found = answer.header(name);
        let is_right = found.is_some_and(|value| expected.contains(&value));
        (!is_right).then(|| format!("{name} is {found:?}"))
    };
    wrong.extend(is("x-content-type-options", &["nosniff"]));
    let referrer =
        ["same-origin", "no-referrer", "strict-origin", "strict-origin-when-cross-origin"];
    wrong.extend(is("referrer-policy", &referrer));
    wrong.extend(is("cross-origin-opener-policy", &["same-origin"]));
    // A farm's badge is there to be shown by other sites.
    let is_picture = answer.header("content-type") == Some("image/svg+xml");
    let resource = if is_picture { &["same-origin", "cross-origin"][..] } else { &["same-origin"] };
    wrong.extend(is("cross-origin-resource-policy", resource));
    let hsts = answer.header("strict-transport-security").unwrap_or_default();
    let age = hsts.split(';').find_map(|part| part.trim().strip_prefix("max-age=")?.parse().ok());
    if age.is_none_or(|age: u64| age < HSTS_SECONDS_MIN) || !hsts.contains("includeSubDomains") {
        wrong.push(format!("strict-transport-security is {hsts:?}"));
    }
    if let Some(origin) = answer.header("access-control-allow-origin") {
        wrong.push(format!("lets {origin} read it"));
    }
    wrong
}

/// What a page must not have: scripts and styles of its own, and links that are code.
pub fn page(html: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for tag in tags(html) {
        let attributes = attributes(tag.attributes);
        let value = |name: &str| attributes.iter().find(|(given, _)| given == name);
        if tag.name == "style" || (tag.name == "script" && value("src").is_none()) {
            wrong.push(format!("has an inline <{}>", tag.name));
        }
        for (name, text) in &attributes {
            if name == "style" || name.starts_with("on") || name == "srcdoc" {
                wrong.push(format!("<{}> has the attribute {name}", tag.name));
            }
            let is_target = ["href", "src", "action", "formaction"].contains(&name.as_str());
            if is_target && !is_harmless(text) {
                wrong.push(format!("<{}> leads to {text:?}", tag.name));
            }
        }
    }
    wrong
}

/// Whether a link leads to a page rather than to code.
fn is_harmless(target: &str) -> bool {
    let target = target.trim();
    let scheme = target.split(['/', '?', '#']).next().unwrap_or_default();
    !scheme.contains(':')
        || scheme == "https:"
        || scheme == "http:"
        || scheme.starts_with("mailto:")
}

/// Where links, images, scripts and forms that read lead to.
pub(crate) fn targets(html: &str) -> Vec<String> {
    let mut targets = Vec::new();
    for tag in tags(html) {
        let attributes = attributes(tag.attributes);
        let posts = attributes.iter().any(|(name, value)| name == "method" && value == "post");
        let names: &[&str] = if posts { &[] } else { &["href", "src", "action"] };
        let found = attributes.into_iter().filter(|(name, _)| names.contains(&name.as_str()));
        targets.extend(found.map(|(_, value)| value));
    }
    targets
}

/// A form as a page has it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Form {
    /// `get` or `post`.
    pub method: String,
    /// Where it goes.
    pub action: String,
    /// The names of its fields, and what they hold.
    pub fields: Vec<(String, String)>,
}

/// Every form of a page.
pub(crate) fn forms(html: &str) -> Vec<Form> {
    let mut forms = Vec::new();
    for text in html.split("<form").skip(1) {
        let text = format!("<form{}", text.split("</form>").next().unwrap_or_default());
        let mut tags = tags(&text).map(|tag| (tag.name, attributes(tag.attributes)));
        let value = |attributes: &[(String, String)], name: &str| {
            attributes.iter().find(|(given, _)| given == name).map(|(_, value)| value.clone())
        };
        let Some((_, form)) = tags.next() else { continue };
        let fields = tags
            .filter(|(name, _)| ["input", "select", "textarea", "button"].contains(&name.as_str()));
        let fields = fields.filter_map(|(_, field)| {
            Some((value(&field, "name")?, value(&field, "value").unwrap_or_default()))
        });
        forms.push(Form {
            method: value(&form, "method").unwrap_or_else(|| "get".to_owned()),
            action: value(&form, "action").unwrap_or_default(),
            fields: fields.collect(),
        });
    }
    forms
}

struct Tag<'a> {
    name: String,
    attributes: &'a str,
}

/// The opening tags of a page. A `>` in quotes does not end one.
fn tags(html: &str) -> impl Iterator<Item = Tag<'_>> {
    html.split('<').skip(1).filter(|tag| tag.starts_with(|c: char| c.is_ascii_alphabetic())).map(
        |tag| {
            let mut quote = None;
            let end = tag.find(|c: char| {
                if let Some(open) = quote {
                    quote = Some(open).filter(|open| *open != c);
                    return false;
                }
                quote = Some(c).filter(|c| ['"', '\''].contains(c));
                c == '>'
            });
            let whole = &tag[..end.unwrap_or(tag.len())];
            let end = whole.find(|c| is_space(c) || c == '/').unwrap_or(whole.len());
            let (name, attributes) = whole.split_at(end);
            Tag { name: name.to_ascii_lowercase(), attributes }
        },
    )
}

fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}

/// Names and values of attributes; a name alone has an empty value.
fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(|c| is_space(c) || c == '/');
    while !rest.is_empty() {
        let end = rest.find(|c| is_space(c) || c == '=').unwrap_or(rest.len()).max(1);
        let name = rest[..end].to_ascii_lowercase();
        rest = &rest[end..];
        let mut value = String::new();
        if let Some(after) = rest.strip_prefix('=') {
            let (raw, next) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => {
                    after[1..].split_once(quote).unwrap_or((&after[1..], ""))
                }
                _ => after.split_at(after.find(is_space).unwrap_or(after.len())),
            };
            value = unescape(raw);
            rest = next;
        }
        found.push((name, value));
        rest = rest.trim_start_matches(|c| is_space(c) || c == '/');
    }
    found
}

/// The text that an attribute stands for, where our templates write it.
pub(crate) fn unescape(raw: &str) -> String {
    let named = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&quot;", "\"")];
    let text = named.iter().fold(raw.to_owned(), |text, (from, to)| text.replace(from, to));
    text.replace("&#38;", "&").replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn finds(html: &str, count: usize) {
        let wrong = page(html);
        assert_eq!(wrong.len(), count, "{wrong:?}");
    }

    #[test]
    fn what_a_page_must_not_have_is_found() {
        finds("<p class=\"a>b\" id=c>onload=1 <a href=\"/a?b=c:d\">javascript:</a></p>", 0);
        finds("<script src=\"/a.js\" defer></script><script>alert(1)</script>", 1);
        finds("<style>a{}</style><p style='a'>", 2);
        finds("<img src=x onerror=alert(1)>", 1);
        finds("<img title='>' OnError=alert(1)>", 1);
        finds("<svg/onload=alert(1)>", 1);
        finds("<a href=\"javascript:alert(1)\"><a href=' JavaScript:alert(1)'>", 2);
        finds("<a href=\"data:text/html,x\"><iframe srcdoc=x>", 2);
    }

    #[test]
    fn a_form_is_found_with_its_fields() {
        let html = "<form method=\"post\" action=\"/a\"><input name=\"b\" value=\"c\"><input>\
                    <select name='d'></select></form><form action=\"/e\"></form>";
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let form = |method: &str, action: &str, fields| Form {
            method: method.to_owned(),
            action: action.to_owned(),
            fields,
        };
        let first = form("post", "/a", vec![field("b", "c"), field("d", "")]);
        assert_eq!(forms(html), [first, form("get", "/e", Vec::new())]);
    }

    #[test]
    fn targets_are_what_a_browser_asks_for() {
        let html = "<a href=\"/a?b=1&amp;c=2\"><form action=\"/b\"><form method=\"post\" \
                    action=\"/c\"><script src=/d></script>";
        assert_eq!(targets(html), ["/a?b=1&c=2", "/b", "/d"]);
    }
}
