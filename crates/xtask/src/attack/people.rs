//! Somebody of each role, with something of theirs in the app.

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::api::{Api, Caller};
use crate::secrets;

/// What a renter starts with, in US dollars: enough for every request of a tool.
const CREDIT_USD: &str = "100000";

/// The farmer's nodes, by their numbers on the grid's stand-in.
const NODES: [u32; 3] = [32, 600, 17];

/// Somebody who asks.
pub(crate) struct Person {
    pub(crate) name: &'static str,
    /// A session's cookie, `name=value`.
    pub(crate) cookie: Option<String>,
    /// A bearer token.
    pub(crate) token: Option<String>,
}

impl Person {
    /// The header that shows who this is, by name and value; a cookie if there is one.
    pub(crate) fn credential(&self) -> Option<(&'static str, String)> {
        let cookie = self.cookie.as_ref().map(|cookie| ("Cookie", cookie.clone()));
        cookie.or_else(|| self.bearer())
    }

    /// The header with the token.
    pub(crate) fn bearer(&self) -> Option<(&'static str, String)> {
        self.token.as_ref().map(|token| ("Authorization", format!("Bearer {token}")))
    }
}

/// Everybody.
pub(crate) struct People {
    pub(crate) visitor: Person,
    pub(crate) farmer: Person,
    pub(crate) renter: Person,
    pub(crate) other_renter: Person,
    pub(crate) operator: Person,
    /// The renter's rental.
    pub(crate) rental: String,
}

impl People {
    /// Makes accounts of each role, offers nodes, and rents a slice for each renter.
    pub(super) fn meet(url: &str, operator_token: &str) -> Result<People> {
        let api = Api::new(url);
        let farmer = sign_up(&api, "farmer")?;
        let caller = Caller::Token(farmer.token.as_deref().unwrap_or_default());
        for node in NODES {
            api.call("POST", "/api/farm/nodes", caller, &json!({ "grid_node_id": node }))?;
            let path = format!("/api/farm/nodes/node{node}");
            api.call("PATCH", &path, caller, &json!({ "price_per_month": "2.50" }))?;
            api.call("POST", &format!("{path}/publish"), caller, &json!({}))?;
        }
        let mut renters = Vec::new();
        for name in ["renter", "other-renter"] {
            let renter = sign_up(&api, name)?;
            let operator = Caller::Token(operator_token);
            let body = json!({
                "email": email(name), "amount_usd": CREDIT_USD, "reason": "to be attacked",
            });
            api.call("POST", "/api/admin/credits", operator, &body)?;
            let caller = Caller::Token(renter.token.as_deref().unwrap_or_default());
            let body = json!({ "node_id": "node32", "duration_months": 1 });
            let answer = api.call("POST", "/api/marketplace/rent-slice", caller, &body)?;
            renters.push((renter, answer.body));
        }
        let (other_renter, _) = renters.pop().context("there are two renters")?;
        let (renter, answer) = renters.pop().context("there are two renters")?;
        let rental = answer["rental"]["id"].as_str().context("a rental has an id")?.to_owned();
        let visitor = Person { name: "visitor", cookie: None, token: None };
        let token = Some(operator_token.to_owned());
        let operator = Person { name: "operator", cookie: None, token };
        Ok(People { visitor, farmer, renter, other_renter, operator, rental })
    }

    pub(crate) fn all(&self) -> [&Person; 5] {
        [&self.visitor, &self.farmer, &self.renter, &self.other_renter, &self.operator]
    }

    /// Everybody, by cookie and by token, as the crawler reads it.
    pub(crate) fn roles(&self) -> Value {
        let roles = self.all().into_iter().flat_map(|person| {
            let both = [person.credential(), person.bearer()];
            both.map(|credential| json!({ "name": person.name, "credential": credential }))
        });
        roles.collect()
    }
}

fn email(name: &str) -> String {
    format!("{name}@attack.example")
}

/// Makes an account, and a token that may do everything.
fn sign_up(api: &Api, name: &'static str) -> Result<Person> {
    let body = json!({ "email": email(name), "password": secrets::random_secret()? });
    let account = api.call("POST", "/api/account", Caller::Nobody, &body)?;
    let cookie = account.cookie.context("signing up set no cookie")?;
    let body = json!({ "name": "attack", "scopes": ["read", "rent", "farm"] });
    let made = api.call("POST", "/api/account/tokens", Caller::Cookie(&cookie), &body)?;
    let token = Some(made.text("token")?.to_owned());
    Ok(Person { name, cookie: Some(cookie), token })
}
