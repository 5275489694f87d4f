//! Binds handlers to methods and paths, and calls the one that a request asks for.

use http::Method;
use http::header::{ALLOW, SET_COOKIE};

use crate::confirmation::Destination;
use crate::context::{Context, Response};
use crate::form::Form;
use crate::limit;
use crate::operation::{Access, Operation, Parameter};
use crate::problem::{Kind, Problem};
use crate::{kept, respond, session};

/// The page of an account's settings.
pub const SETTINGS: &str = "/dashboard/settings";

/// What a handler is: a function of the context.
pub type Handler = fn(&Context<'_>) -> Result<Response, Problem>;

/// A method and path, who may ask, and what answers.
pub struct Route {
    method: Method,
    path: &'static str,
    access: Access,
    /// Whether it takes a form, which carries the token of its session.
    is_form: bool,
    /// The fields of the query that an operation has; pages ignore others.
    query: Option<&'static [Parameter]>,
    handler: Handler,
}

impl Route {
    /// A route of the JSON API: the operation says everything but the handler.
    pub const fn api(operation: &'static Operation, handler: Handler) -> Route {
        Route {
            method: match operation.method {
                Method::POST => Method::POST,
                Method::PUT => Method::PUT,
                Method::PATCH => Method::PATCH,
                Method::DELETE => Method::DELETE,
                _ => Method::GET,
            },
            path: operation.path,
            access: operation.access,
            is_form: false,
            query: Some(operation.query),
            handler,
        }
    }

    /// A route that shows a page.
    pub const fn page(path: &'static str, access: Access, handler: Handler) -> Route {
        Route { method: Method::GET, path, access, is_form: false, query: None, handler }
    }

    /// A route that takes a form.
    pub const fn form(path: &'static str, access: Access, handler: Handler) -> Route {
        Route { method: Method::POST, path, access, is_form: true, query: None, handler }
    }

    /// The method that it answers.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// Its path, placeholders and all.
    pub const fn path(&self) -> &'static str {
        self.path
    }
}

/// What came of a request, for the log.
pub struct Outcome {
    /// The complete answer.
    pub response: Response,
    /// The path of the route, placeholders and all; `None` where no route fits.
    pub route: Option<&'static str>,
    /// The problem that was answered, if one was.
    pub problem: Option<Problem>,
}

/// Calls the handler that the request asks for, and completes its answer.
pub fn dispatch(routes: &[&'static [Route]], cx: &mut Context<'_>) -> Outcome {
    let route = find(routes, cx);
    let result = match &route {
        Ok(route) => admit_and_call(route, cx),
        Err(allowed) if allowed.is_empty() => {
            without_slash(cx.path_and_query()).ok_or_else(Problem::not_found)
        }
        Err(allowed) => Err(not_allowed(allowed)),
    };
    let (mut response, problem) = match result {
        Ok(response) => (response, None),
        Err(problem) if problem.kind == Kind::VerificationRequired && !cx.is_api() => {
            (ask_verification(cx), Some(problem))
        }
        Err(problem) => (respond::problem(cx, &problem), Some(problem)),
    };
    if let Err(allowed) = &route
        && !allowed.is_empty()
    {
        response = respond::with_header(response, ALLOW, &allowed.join(", "));
    }
    let response = respond::finish(cx, response);
    Outcome { response, route: route.ok().map(|route| route.path), problem }
}

/// The route of a request, or the methods that its path is offered with.
fn find(
    routes: &[&'static [Route]],
    cx: &mut Context<'_>,
) -> Result<&'static Route, Vec<&'static str>> {
    // Whoever can be read can be asked for the head of it.
    let method = match *cx.request.method() {
        Method::HEAD => &Method::GET,
        ref method => method,
    };
    let path = cx.request.uri().path();
    // A path without placeholders wins, for every method: what it offers is all there is.
    let is_exact = routes.iter().copied().flatten().any(|route| route.path == path);
    let mut allowed = Vec::new();
    for route in routes.iter().copied().flatten().filter(|route| !is_exact || route.path == path) {
        let Some(params) = matches(route.path, path) else { continue };
        if route.method == method {
            cx.params = params;
            return Ok(route);
        }
        allowed.push(route.method.as_str());
    }
    Err(allowed)
}

fn not_allowed(allowed: &[&str]) -> Problem {
    let detail = format!("use {} here", allowed.join(" or "));
    Problem::new(Kind::MethodNotAllowed, detail)
}

/// Leads to where there is no slash at the end of the path; `None` for a path that has none. It
/// leads to no other host: a browser takes two slashes, of either kind, for the beginning of one.
fn without_slash(path_and_query: &str) -> Option<Response> {
    let (path, query) = match path_and_query.split_once('?') {
        Some((path, query)) => (path, format!("?{query}")),
        None => (path_and_query, String::new()),
    };
    let trimmed = path.strip_suffix('/')?.trim_end_matches('/');
    let is_local = !trimmed.get(1..2).is_none_or(|second| second == "/" || second == "\\");
    is_local.then(|| respond::moved(&format!("{trimmed}{query}")))
}

/// What the placeholders of `pattern` match in `path`; `None` if it does not fit.
fn matches(pattern: &'static str, path: &str) -> Option<Vec<(&'static str, String)>> {
    let mut params = Vec::new();
    let mut given = path.split('/');
    for segment in pattern.split('/') {
        let value = given.next()?;
        match segment.strip_prefix('{').and_then(|name| name.strip_suffix('}')) {
            Some(name) if !value.is_empty() => params.push((name, value.to_owned())),
            None if segment == value => {}
            Some(_) | None => return None,
        }
    }
    given.next().is_none().then_some(params)
}

/// Finds out who asks, refuses who may not, and calls the handler.
fn admit_and_call(route: &Route, cx: &mut Context<'_>) -> Result<Response, Problem> {
    session::refuse_cross_site(cx.request, &cx.config.public_url)?;
    if route.access == Access::Anonymous {
        refuse_unknown_fields(route, cx)?;
        return (route.handler)(cx);
    }
    let is_bootstrap = session::is_operator(cx.config, cx.request);
    if !(is_bootstrap && route.access == Access::Operator) {
        cx.identity = session::identify(cx.db, cx.request, cx.now)?;
        cx.is_identified = true;
        if cx.identity.is_none() && route.access != Access::Public && !cx.is_api() {
            return Ok(sign_in_first(cx));
        }
        let is_safe = matches!(*cx.request.method(), Method::GET | Method::HEAD);
        if !is_safe {
            limit::spend(cx, &limit::on_changes(cx))?;
        }
        match route.access {
            Access::Anonymous | Access::Public => {}
            Access::Account(scope) => cx.require(scope)?,
            Access::Operator => cx.require_operator()?,
        }
    }
    let is_session = cx.identity.as_ref().is_some_and(|identity| identity.session().is_some());
    // A form that everybody may send was perhaps opened before its sender signed in.
    if route.is_form && is_session && route.access != Access::Public {
        let token = Form::read(cx.request).text(session::FORM_TOKEN).to_owned();
        if session::refuse_foreign_form(cx.request, &token).is_err() {
            return kept::show_again(route.handler, cx);
        }
    }
    refuse_unknown_fields(route, cx)?;
    (route.handler)(cx)
}

/// Refuses fields of the query that an operation does not have, or that are sent twice: whoever
/// mistypes a filter must not get what it would have left out.
fn refuse_unknown_fields(route: &Route, cx: &Context<'_>) -> Result<(), Problem> {
    let Some(known) = route.query else { return Ok(()) };
    let mut seen = Vec::new();
    for field in cx.query_fields() {
        let Some(parameter) = known.iter().find(|parameter| parameter.name == field) else {
            let shown: String =
                field.chars().filter(char::is_ascii_graphic).take(FIELD_CHARS_MAX).collect();
            let detail = format!("the query has an unknown field `{shown}`; {}", listed(known));
            return Err(Problem::new(Kind::MalformedRequest, detail));
        };
        if seen.contains(&parameter.name) {
            let detail = format!("the query has `{}` twice", parameter.name);
            return Err(Problem::new(Kind::MalformedRequest, detail));
        }
        seen.push(parameter.name);
    }
    Ok(())
}

/// The most characters of an unknown field that are shown.
const FIELD_CHARS_MAX: usize = 40;

fn listed(known: &[Parameter]) -> String {
    let names: Vec<_> = known.iter().map(|parameter| format!("`{}`", parameter.name)).collect();
    if names.is_empty() {
        "this operation has none".to_owned()
    } else {
        format!("this operation has {}", names.join(", "))
    }
}

/// Leads to where somebody confirms who they are and, where a page was asked for, back again. A
/// form is kept meanwhile.
fn ask_verification(cx: &Context<'_>) -> Response {
    lead_back(cx, "/dashboard/verify", "/dashboard/verify/kept")
}

/// Leads to the sign-in page and, where a page was asked for, back again. A form is kept meanwhile.
fn sign_in_first(cx: &Context<'_>) -> Response {
    lead_back(cx, "/login", "/login/kept")
}

fn lead_back(cx: &Context<'_>, page: &str, page_of_forms: &str) -> Response {
    if !matches!(*cx.request.method(), Method::GET | Method::HEAD) {
        return kept::keep_at(page_of_forms, cx);
    }
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("next", cx.path_and_query())
        .finish();
    respond::see_other(&format!("{page}?{query}"))
}

/// Goes on to a path with a cookie set.
pub fn see_other_with_cookie<'a>(to: impl Into<Destination<'a>>, cookie: &str) -> Response {
    respond::with_header(respond::see_other(to), SET_COOKIE, cookie)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slash_at_the_end_leads_to_the_path_without_it() {
        let location = |path| {
            let response = without_slash(path)?;
            Some(response.headers()[http::header::LOCATION].to_str().unwrap().to_owned())
        };
        assert_eq!(location("/login/").as_deref(), Some("/login"));
        assert_eq!(location("/login///?a=/").as_deref(), Some("/login?a=/"));
        for path in ["/", "//", "///", "/login", "//evil.example/", "/\\evil.example/", "/?a=/"] {
            assert_eq!(location(path), None, "{path}");
        }
    }

    #[test]
    fn placeholders_match_one_segment() {
        let node = |path| {
            matches("/api/farm/nodes/{node}/publish", path).map(|params| params[0].1.clone())
        };
        assert_eq!(node("/api/farm/nodes/node32/publish").as_deref(), Some("node32"));
        for path in [
            "/api/farm/nodes//publish",
            "/api/farm/nodes/node32",
            "/api/farm/nodes/node32/publish/",
            "/api/farm/nodes/a/b/publish",
            "/api/farm/nodes/node32/PUBLISH",
        ] {
            assert_eq!(node(path), None, "{path}");
        }
    }
}
