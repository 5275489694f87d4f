//! A market with somebody of each role in it, and something of each of them.

use gridproxy::{Documents, Standin};

use crate::client::Client;
use crate::crawl::{Role, Site};
use crate::market::Market;

/// A farmer with two nodes, a renter with a rental, another renter with one, and the operator.
pub struct Cast {
    /// Where they meet.
    pub market: Market,
    /// Who offers node 32, and has node 11 as a draft.
    pub farmer: Client,
    /// Who rents a slice of node 32.
    pub ada: Client,
    /// Who rents another.
    pub ben: Client,
    /// Ada's rental.
    pub ada_rental: String,
    /// Ben's rental.
    pub ben_rental: String,
}

impl Cast {
    /// Everybody's address.
    pub const EMAILS: [&str; 3] = ["farmer@example.org", "ada@example.org", "ben@example.org"];

    /// A market with everybody in it.
    pub async fn meet() -> Cast {
        let grid = Standin::start(Documents::example().unwrap()).await.unwrap();
        Cast::meet_on(grid).await
    }

    /// The same on a grid that has nodes 32 and 11. Limits do not keep anybody from anything.
    pub async fn meet_on(grid: Standin) -> Cast {
        let url = grid.url();
        let variables = [("gridproxy_urls", url.as_str()), ("limit_factor", "10000")];
        let market = Market::start_with(grid, variables).await;
        let [farmer, ada, ben] = Cast::EMAILS;
        let farmer = market.sign_up(farmer).await;
        farmer.publish(32, "25").await;
        farmer.add_node(11).await.ok(201);
        let ada = market.sign_up_with(ada, "100").await;
        let ben = market.sign_up_with(ben, "100").await;
        let ada_rental = rent(&ada).await;
        let ben_rental = rent(&ben).await;
        Cast { market, farmer, ada, ben, ada_rental, ben_rental }
    }

    /// Everybody, by cookie and by token.
    pub async fn roles(&self) -> Vec<Role> {
        let all = ["read", "rent", "farm"];
        let mut roles = vec![self.market.visitor().role("visitor")];
        for (name, client) in [("farmer", &self.farmer), ("ada", &self.ada), ("ben", &self.ben)] {
            roles.push(client.role(name));
            roles.push(client.token(&all).await.role(&format!("{name}'s token")));
        }
        roles.push(self.market.operator().role("operator"));
        roles
    }

    /// Where a walk begins.
    pub fn site(&self) -> Site {
        Site { address: self.market.address(), database: self.market.database() }
    }
}

async fn rent(renter: &Client) -> String {
    let made = renter.rent("node32", 1).await.ok(201);
    made["rental"]["id"].as_str().unwrap().to_owned()
}
