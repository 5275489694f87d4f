//! Just enough of an HTML reader to check a page and to say what a person reads on it.

use std::collections::BTreeSet;

use web::session::FORM_TOKEN;

/// Elements that have no end tag.
const VOID: [&str; 5] = ["input", "link", "meta", "br", "img"];

/// Elements that stand in a line of text; all others begin a new line.
const IN_LINE: [&str; 8] = ["a", "code", "option", "output", "small", "span", "strong", "time"];

/// Where a line of a reading is broken.
const WIDTH: usize = 86;

enum Token<'a> {
    Open { name: &'a str, attributes: &'a str, is_closed: bool },
    Close(&'a str),
    Text(&'a str),
}

/// Splits a page. A `>` inside an attribute would be an escaping mistake, so none is expected.
fn tokens(html: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = html;
    while let Some(start) = rest.find('<') {
        tokens.push(Token::Text(&rest[..start]));
        let end = start + rest[start..].find('>').expect("a tag that ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            tokens.push(Token::Close(name));
        } else if !tag.starts_with('!') {
            let is_closed = tag.ends_with('/');
            let tag = tag.trim_end_matches('/');
            let (name, attributes) = tag.split_once([' ', '\n']).unwrap_or((tag, ""));
            tokens.push(Token::Open { name, attributes, is_closed });
        }
    }
    tokens.push(Token::Text(rest));
    tokens
}

/// The name and value of each attribute; one without a value has an empty one.
fn attributes(text: &str) -> Vec<(&str, &str)> {
    let mut found = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(['=', ' ', '\n']).unwrap_or(rest.len());
        let name = &rest[..end];
        let mut value = "";
        if let Some(quoted) = rest[end..].strip_prefix("=\"") {
            let close = quoted.find('"').expect("a value that ends");
            value = &quoted[..close];
            rest = &quoted[close + 1..];
        } else {
            rest = &rest[end..];
        }
        found.push((name, value));
        rest = rest.trim_start();
    }
    found
}

fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    attributes(text).into_iter().find(|(key, _)| *key == name).map(|(_, value)| value)
}

/// Fails unless the page is well formed, keeps to the content security policy, every reference
/// inside it leads somewhere, and every form that changes something carries the session's token.
#[track_caller]
pub(crate) fn check_html(page: &str, html: &str, form_token: Option<&str>) {
    let mut open = Vec::new();
    let mut without_token = Vec::new();
    let mut ids = BTreeSet::new();
    let mut references = BTreeSet::new();
    for token in tokens(html) {
        match token {
            Token::Text(_) => {}
            Token::Close(name) => {
                assert_eq!(open.pop(), Some(name), "{page}: </{name}>");
                assert!(name != "form" || without_token.is_empty(), "{page}: {without_token:?}");
            }
            Token::Open { name, attributes: text, is_closed } => {
                if !is_closed && !VOID.contains(&name) {
                    open.push(name);
                }
                assert!(name != "style", "{page}: inline style");
                let source = attribute(text, "src").unwrap_or_default();
                let is_ours = source.starts_with("/static/");
                assert!(name != "script" || is_ours, "{page}: a script that is not ours");
                if name == "form" && attribute(text, "method") == Some("post") {
                    without_token.extend(form_token.map(|_| text));
                } else if attribute(text, "name") == Some(FORM_TOKEN) {
                    assert_eq!(attribute(text, "value"), form_token, "{page}: another token");
                    without_token.clear();
                }
                for (key, value) in attributes(text) {
                    assert!(key != "style" && !key.starts_with("on"), "{page}: {key} in <{name}>");
                    match key {
                        "id" => assert!(ids.insert(value), "{page}: two of the id {value}"),
                        "for" | "list" | "data-opens" | "data-closes" => {
                            references.insert(value);
                        }
                        "aria-labelledby" | "aria-describedby" => {
                            references.extend(value.split(' '));
                        }
                        "href" => references.extend(value.strip_prefix('#')),
                        _ => {}
                    }
                }
            }
        }
    }
    assert!(open.is_empty(), "{page}: not closed: {open:?}");
    let lost: Vec<_> = references.difference(&ids).collect();
    assert!(lost.is_empty(), "{page}: leads nowhere: {lost:?}");
}

/// What a person reads and can do in the `<main>` of a page, as it is read out: a line for each
/// block of text, links with their address, fields in brackets. What is hidden is left out, and so
/// is the token of each form.
pub fn reading(html: &str) -> String {
    let start = html.find("<main").expect("a main element");
    let end = html.find("</main>").expect("its end");
    let mut text = String::new();
    let mut links = Vec::new();
    let mut open: Vec<bool> = Vec::new();
    for token in tokens(&html[start..end]) {
        match token {
            Token::Open { name, attributes, is_closed } => {
                let is_hidden = open.last() == Some(&true)
                    || attribute(attributes, "aria-hidden") == Some("true")
                    || attribute(attributes, "hidden").is_some();
                if !is_closed && !VOID.contains(&name) {
                    open.push(is_hidden);
                }
                if !is_hidden {
                    text.push_str(&opening(name, attributes));
                }
                if name == "a" {
                    links.push(attribute(attributes, "href").expect("an address"));
                }
            }
            Token::Close(name) => {
                let is_hidden = open.pop() == Some(true);
                match name {
                    "a" => {
                        let url = links.pop().expect("an open link");
                        if !is_hidden {
                            text.extend([" <", url, ">"]);
                        }
                    }
                    "button" if !is_hidden => text.push(')'),
                    "dt" if !is_hidden => text.push(':'),
                    _ => {}
                }
            }
            Token::Text(_) if open.last() == Some(&true) => {}
            Token::Text(part) => text.push_str(&part.replace('\n', " ")),
        }
    }
    tidy(&text)
}

/// What comes before the content of an element.
fn opening(name: &str, attributes: &str) -> String {
    match name {
        "button" => "\n(".into(),
        "dd" | "br" => " ".into(),
        "form" => {
            let action = attribute(attributes, "action").expect("an action");
            let method = attribute(attributes, "method").expect("a method");
            format!("\n{method} {action}\n")
        }
        "input" => field(attributes),
        "td" | "th" => " | ".into(),
        name if IN_LINE.contains(&name) => String::new(),
        _ => "\n".into(),
    }
}

fn field(text: &str) -> String {
    let kind = attribute(text, "type").expect("a type");
    let name = attribute(text, "name").expect("a name");
    if name == FORM_TOKEN {
        return String::new();
    }
    let value = attribute(text, "value").unwrap_or_default();
    let flags: String = ["checked", "disabled", "required"]
        .into_iter()
        .filter(|flag| attribute(text, flag).is_some())
        .map(|flag| format!(" {flag}"))
        .collect();
    format!("[{kind} {name}={value}{flags}]")
}

/// One space between words, no empty line, and lines of a length that a review can show.
fn tidy(text: &str) -> String {
    let mut tidy = String::new();
    for line in text.lines() {
        let mut width = 0;
        for word in line.split_whitespace() {
            let length = word.chars().count();
            if width == 0 {
                tidy.push_str(if tidy.is_empty() { "" } else { "\n" });
            } else if width + length < WIDTH {
                tidy.push(' ');
            } else {
                tidy.push_str("\n  ");
                width = 2;
            }
            tidy.push_str(word);
            width += length + 1;
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "<form method=\"post\" action=\"/a\">";
    const TOKEN: &str = "<input type=\"hidden\" name=\"form_token\" value=\"a\">";

    #[test]
    fn a_page_as_it_must_be() {
        let html = format!("<main><a href=\"#b\">b</a><p id=\"b\">{FORM}{TOKEN}</form></p></main>");
        check_html("page", &html, Some("a"));
        assert_eq!(reading(&html), "b <#b>\npost /a");
        check_html("page", &format!("{FORM}</form>"), None);
    }

    #[test]
    #[should_panic(expected = "action=\\\"/a\\\"")]
    fn a_form_without_its_token() {
        check_html("page", &format!("{FORM}{TOKEN}</form>{FORM}</form>"), Some("a"));
    }

    #[test]
    #[should_panic(expected = "another token")]
    fn a_form_with_another_token() {
        check_html("page", &format!("{FORM}{TOKEN}</form>"), Some("b"));
    }

    #[test]
    #[should_panic(expected = "a script that is not ours")]
    fn an_inline_script() {
        check_html("page", "<script>a</script>", None);
    }

    #[test]
    #[should_panic(expected = "onclick in <p>")]
    fn an_inline_handler() {
        check_html("page", "<p onclick=\"a\"></p>", None);
    }

    #[test]
    #[should_panic(expected = "not closed: [\"p\"]")]
    fn an_element_that_is_not_closed() {
        check_html("page", "<p>", None);
    }

    #[test]
    #[should_panic(expected = "leads nowhere: [\"b\"]")]
    fn a_reference_to_nothing() {
        check_html("page", "<a href=\"#b\"></a>", None);
    }
}
