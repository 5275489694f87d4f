//! A small client of the app's own HTTP API.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;
use ureq::http::{Request, Response, header};
use ureq::{Agent, Body};

/// How long the app may take for one answer: hashing a password takes a part of a second.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The app, at an address.
pub(crate) struct Api {
    agent: Agent,
    address: String,
}

/// Who asks.
#[derive(Clone, Copy)]
pub(crate) enum Caller<'a> {
    Nobody,
    /// Somebody with a bearer token.
    Token(&'a str),
    /// Somebody with a session's cookie, `name=value`.
    Cookie(&'a str),
}

/// What the app answered.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The cookie that it set, as `name=value`.
    pub(crate) cookie: Option<String>,
    pub(crate) body: Value,
}

impl Api {
    pub(crate) fn new(address: &str) -> Api {
        let config = Agent::config_builder()
            .timeout_global(Some(ANSWER_TIMEOUT))
            .http_status_as_error(false)
            .build();
        Api { agent: Agent::new_with_config(config), address: address.to_owned() }
    }

    /// Calls the API and expects success.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        caller: Caller<'_>,
        body: &Value,
    ) -> Result<Answer> {
        self.ask(method, path, caller, body)?.success(method, path)
    }

    /// Calls the API and expects success; it happens once for each key, however often it is called.
    pub(crate) fn call_once(
        &self,
        method: &str,
        path: &str,
        caller: Caller<'_>,
        body: &Value,
        key: &str,
    ) -> Result<Answer> {
        self.send(method, path, caller, body, Some(key))?.success(method, path)
    }

    /// Calls the API, whatever it answers.
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        caller: Caller<'_>,
        body: &Value,
    ) -> Result<Answer> {
        self.send(method, path, caller, body, None)
    }

    fn send(
        &self,
        method: &str,
        path: &str,
        caller: Caller<'_>,
        body: &Value,
        key: Option<&str>,
    ) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header(header::CONTENT_TYPE, "application/json")
            // Sent by every browser; a session is good only for requests from the app's own pages.
            .header(header::ORIGIN, &self.address);
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        request = match caller {
            Caller::Nobody => request,
            Caller::Token(token) => {
                request.header(header::AUTHORIZATION, format!("Bearer {token}"))
            }
            Caller::Cookie(cookie) => request.header(header::COOKIE, cookie),
        };
        let request = request.body(body.to_string()).context("building a request")?;
        let response =
            self.agent.run(request).with_context(|| format!("calling {method} {path}"))?;
        Answer::read(response).with_context(|| format!("reading the answer of {method} {path}"))
    }
}

impl Answer {
    fn read(mut response: Response<Body>) -> Result<Answer> {
        let cookie = response.headers().get(header::SET_COOKIE).and_then(|cookie| {
            let (pair, _attributes) = cookie.to_str().ok()?.split_once(';')?;
            Some(pair.to_owned())
        });
        let status = response.status().as_u16();
        let text = response.body_mut().read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer { status, cookie, body })
    }

    fn success(self, method: &str, path: &str) -> Result<Answer> {
        if !(200..300).contains(&self.status) {
            bail!("{method} {path} answered {}: {}", self.status, self.reason());
        }
        Ok(self)
    }

    /// A text of the body.
    pub(crate) fn text(&self, field: &str) -> Result<&str> {
        let value = self.body.get(field).and_then(Value::as_str);
        value.with_context(|| format!("the answer has no `{field}`: {}", self.body))
    }

    /// Why the app refused, in its words.
    pub(crate) fn reason(&self) -> String {
        self.text("detail").map_or_else(|_| self.body.to_string(), str::to_owned)
    }
}
