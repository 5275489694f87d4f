//! Somebody who does one thing after another, each at random.

use std::sync::Arc;
use std::time::Duration;

use e2e::{Answer, Call, Client, Random};
use http::Method;
use serde_json::{Value, json};

use super::journal::{Journal, Kind};
use super::{Ground, OFFERS};

/// How many rentals somebody has before they rather end one.
const RENTALS_MANY: usize = 3;
/// What is added to a wallet that does not hold enough, in dollars.
const TOP_UP: u32 = 300;
/// How often something is tried while there is no time for it.
const TRIES: usize = 20;

/// Somebody with a wallet.
pub(crate) struct Renter {
    ground: Arc<Ground>,
    client: Client,
    email: String,
    random: Random,
    /// How many keys were used.
    keys: u32,
    /// Their rentals, as far as they know.
    rentals: Vec<String>,
    /// Their quotes that were not used.
    quotes: Vec<String>,
    /// The last request to rent that was granted, its key, and the first rental.
    last: Option<(Call, String)>,
}

impl Renter {
    pub(crate) fn new(ground: Arc<Ground>, number: usize, client: Client) -> Renter {
        let email = ground.emails[number].clone();
        let random = Random::new(u64::try_from(number).unwrap());
        let (rentals, quotes) = (Vec::new(), Vec::new());
        Renter { ground, client, email, random, keys: 0, rentals, quotes, last: None }
    }

    /// Does things until it is enough.
    pub(crate) async fn run(mut self) -> Renter {
        while self.ground.goes_on() {
            self.step().await;
        }
        self
    }

    async fn step(&mut self) {
        let choice = self.random.below(100);
        if self.rentals.len() >= RENTALS_MANY && choice < 45 {
            return self.end().await;
        }
        match choice {
            0..18 => self.rent_one().await,
            18..26 => self.rent_several().await,
            26..34 => self.rent_node().await,
            34..46 => self.use_a_quote().await,
            46..50 => self.release_a_quote().await,
            50..53 => self.rent_again().await,
            53..56 => self.plan().await,
            56..65 => self.extend().await,
            65..77 => self.end().await,
            77..81 => self.change().await,
            81..86 => self.hand_over().await,
            86..91 => self.take_over().await,
            _ => self.search().await,
        }
    }

    fn journal(&self) -> &Journal {
        &self.ground.journal
    }

    /// Asks; again while there is no time for it, with the same key, as the answer says.
    async fn ask(&self, kind: Kind, call: Call) -> Answer {
        for tries in 1..=TRIES {
            let answer = self.client.send(call.clone()).await;
            self.journal().note(kind, &answer);
            if answer.status != 503 {
                return answer;
            }
            self.journal().busy(tries, &call);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{TRIES} times busy: {call:?}");
    }

    fn key(&mut self) -> String {
        self.keys += 1;
        format!("{}-{}", self.email, self.keys)
    }

    fn months(&mut self) -> u32 {
        *self.random.one_of(&[1, 1, 1, 3, 6, 12])
    }

    fn node(&mut self) -> String {
        format!("node{}", self.random.one_of(&OFFERS[..5]).0)
    }

    async fn rent(&mut self, kind: Kind, path: &str, body: &Value) -> bool {
        let key = self.key();
        let call = Call::post(path, body).key(&key);
        let answer = self.ask(kind, call.clone()).await;
        if answer.status == 402 {
            self.add_credit().await;
        }
        if answer.status != 201 {
            return false;
        }
        let answer = answer.json();
        for rental in answer["rentals"].as_array().unwrap() {
            self.journal().rented(rental, &self.email, &key);
            self.rentals.push(rental["id"].as_str().unwrap().to_owned());
        }
        self.last = Some((call, answer["rental"]["id"].as_str().unwrap().to_owned()));
        true
    }

    async fn rent_one(&mut self) {
        let mut body = json!({ "duration_months": self.months() });
        match self.random.below(4) {
            0 => {
                let (node, number) = (self.node(), 1 + self.random.below(4));
                body["slice_id"] = json!(format!("{node}_slice_{number}"));
            }
            1 => body["max_price"] = json!("20"),
            _ => body["node_id"] = json!(self.node()),
        }
        // Node 7002 has three.
        if body.get("slice_id").is_none_or(|slice| *slice != json!("node7002_slice_4")) {
            self.rent(Kind::RentOne, "/api/marketplace/rent-slice", &body).await;
        }
    }

    async fn rent_several(&mut self) {
        let mut body =
            json!({ "duration_months": self.months(), "count": 2 + self.random.below(3) });
        if self.random.below(2) == 0 {
            body["node_id"] = json!(self.node());
        } else {
            let spreads = ["any", "same-node", "different-nodes", "different-countries"];
            body["spread"] = json!(self.random.one_of(&spreads));
        }
        self.rent(Kind::RentSeveral, "/api/marketplace/rent-slice", &body).await;
    }

    async fn rent_node(&mut self) {
        let node = self.random.one_of(&["node17", "node198"]);
        let body = json!({ "node_id": node, "duration_months": self.months() });
        self.rent(Kind::RentNode, "/api/marketplace/rent-node", &body).await;
    }

    async fn use_a_quote(&mut self) {
        let is_held = self.random.below(3) > 0;
        let mut body = json!({ "duration_months": self.months(), "hold": is_held });
        match self.random.below(4) {
            0 => body["count"] = json!(2),
            1 => {
                body["node_id"] = json!(self.random.one_of(&["node17", "node198"]));
                body["whole_node"] = json!(true);
            }
            _ => body["node_id"] = json!(self.node()),
        }
        let kind = if is_held { Kind::QuoteWithHold } else { Kind::Quote };
        let answer = self.ask(kind, Call::post("/api/marketplace/quotes", &body)).await;
        if answer.status == 201 {
            self.quotes.push(answer.json()["id"].as_str().unwrap().to_owned());
        }
        if self.random.below(3) > 0 && !self.quotes.is_empty() {
            let quote = self.quotes.pop().unwrap();
            let body = json!({ "quote_id": quote });
            self.rent(Kind::RentByQuote, "/api/marketplace/rent-slice", &body).await;
        }
    }

    async fn release_a_quote(&mut self) {
        if let Some(quote) = self.quotes.pop() {
            let path = format!("/api/marketplace/quotes/{quote}");
            self.ask(Kind::ReleaseQuote, Call::new(Method::DELETE, &path)).await;
        }
    }

    /// Sends the last request again: it has one effect, and names the same rental.
    async fn rent_again(&mut self) {
        if let Some((call, rental)) = self.last.clone() {
            let answer = self.ask(Kind::RentAgain, call).await;
            assert_eq!(answer.json()["rental"]["id"], rental, "{answer}");
        }
    }

    async fn plan(&mut self) {
        let key = self.key();
        let body = json!({ "count": 2, "duration_months": 1, "dry_run": true });
        let call = Call::post("/api/marketplace/rent-slice", &body).key(&key);
        self.ask(Kind::DryRun, call).await;
    }

    /// One of their rentals, which they keep or do not keep in mind.
    fn some_rental(&mut self) -> Option<String> {
        (!self.rentals.is_empty()).then(|| self.random.one_of(&self.rentals).clone())
    }

    async fn extend(&mut self) {
        let Some(rental) = self.some_rental() else { return };
        let key = self.key();
        let path = format!("/api/rentals/{rental}/extend");
        let body = json!({ "duration_months": self.months() });
        let answer = self.ask(Kind::Extend, Call::post(&path, &body).key(&key)).await;
        match answer.status {
            201 => self.journal().extended(&answer.json(), &key),
            402 => self.add_credit().await,
            404 => self.forget(&rental),
            _ => {}
        }
    }

    fn forget(&mut self, rental: &str) {
        self.rentals.retain(|own| own != rental);
    }

    async fn end(&mut self) {
        let Some(rental) = self.some_rental() else { return };
        let path = format!("/api/rentals/{rental}/cancel");
        let mut body = json!({});
        if self.random.below(2) == 0 {
            let dry = json!({ "dry_run": true });
            let answer = self.ask(Kind::End, Call::post(&path, &dry)).await;
            if answer.status != 200 {
                return self.forget(&rental);
            }
            let entries = answer.json()["bookings"].as_array().unwrap().clone();
            let refund = entries.iter().find(|booking| booking["kind"] == "refund");
            let back = refund.and_then(|booking| {
                let entries = booking["entries"].as_array()?;
                entries.iter().find(|entry| entry["account"] == "wallet")
            });
            body["refund"] = back.map_or(json!("0"), |entry| entry["amount"].clone());
        }
        self.journal().ending(&rental);
        let answer = self.ask(Kind::End, Call::post(&path, &body)).await;
        if answer.status == 200 {
            self.journal().ended(&answer.json());
        }
        if !answer.text().contains("refund-changed") {
            self.forget(&rental);
        }
    }

    async fn change(&mut self) {
        let Some(rental) = self.some_rental() else { return };
        let months = *self.random.one_of(&[0, 0, 1, 3]);
        let body = json!({
            "name": format!("mine {}", self.keys),
            "labels": ["soak"],
            "auto_renew": { "duration_months": months, "max_price": "30" },
        });
        let call = Call::new(Method::PATCH, &format!("/api/rentals/{rental}")).json(&body);
        self.ask(Kind::Change, call).await;
    }

    async fn hand_over(&mut self) {
        let Some(rental) = self.some_rental() else { return };
        let path = format!("/api/rentals/{rental}/transfer");
        let others: Vec<&String> =
            self.ground.emails.iter().filter(|email| **email != self.email).collect();
        let to = (*self.random.one_of(&others)).clone();
        self.ask(Kind::OfferTransfer, Call::post(&path, &json!({ "email": to }))).await;
        if self.random.below(5) == 0 {
            self.ask(Kind::CancelTransfer, Call::new(Method::DELETE, &path)).await;
        }
    }

    async fn take_over(&mut self) {
        let answer = self.ask(Kind::Observation, Call::get("/api/transfers")).await.json();
        let Some(offered) = answer.as_array().and_then(|all| all.first()) else { return };
        let rental = offered["rental"]["id"].as_str().unwrap().to_owned();
        if self.random.below(4) == 0 {
            let path = format!("/api/rentals/{rental}/transfer");
            self.ask(Kind::CancelTransfer, Call::new(Method::DELETE, &path)).await;
            return;
        }
        let path = format!("/api/transfers/{rental}/accept");
        let answer = self.ask(Kind::AcceptTransfer, Call::new(Method::POST, &path)).await;
        if answer.status == 200 && !self.rentals.contains(&rental) {
            self.rentals.push(rental);
        }
    }

    async fn search(&mut self) {
        let searches = [
            "/api/marketplace/nodes",
            "/api/marketplace/slices?limit=100",
            "/api/marketplace/nodes?max_price=20&sort=price",
            "/marketplace/compute",
            "/marketplace/compute/node32",
        ];
        let target = *self.random.one_of(&searches);
        self.ask(Kind::Search, Call::get(target)).await;
        let own = ["/api/rentals?state=running", "/api/wallet", "/api/wallet/entries"];
        let target = *self.random.one_of(&own);
        self.ask(Kind::Observation, Call::get(target)).await;
    }

    async fn add_credit(&mut self) {
        let key = self.key();
        let body = json!({
            "email": self.email,
            "amount_usd": TOP_UP.to_string(),
            "reason": "bank transfer",
        });
        let call = Call::post("/api/admin/credits", &body).key(&key);
        let operator = self.ground.market.operator();
        let answer = operator.send(call).await;
        self.journal().note(Kind::Credit, &answer);
        answer.ok(201);
        self.journal().funded(TOP_UP);
    }

    /// What the wallet holds.
    pub(crate) async fn balance(&self) -> String {
        self.client.balance().await
    }

    /// Ends whatever still runs.
    pub(crate) async fn end_all(&self) {
        loop {
            let page =
                self.ask(Kind::Observation, Call::get("/api/rentals?state=running")).await.json();
            let rentals = page["items"].as_array().unwrap().clone();
            if rentals.is_empty() {
                return;
            }
            for rental in rentals {
                let id = rental["id"].as_str().unwrap();
                let call = Call::new(Method::POST, &format!("/api/rentals/{id}/cancel"));
                assert_eq!(self.ask(Kind::End, call).await.status, 200);
            }
        }
    }
}
