//! Markets for tests of pages, and what people did in them before a test begins.

use std::cell::RefCell;

use domain::id::{NodeId, OrderId, RANDOM_ID_BYTES, RentalId};
use domain::listing::Listing;
use domain::money::Percent;
use domain::node::NodeReport;
use domain::order::{RentRequest, Wanted};
use domain::term::Term;
use store::rentals::Rental;
use store::renting::{self, Basis, Order, Ordered, Setup};

use crate::people::ADA;
use crate::{Stage, plot};

impl Stage {
    /// A market without a node, where only ADA has money: $100.
    pub fn without_nodes() -> Stage {
        Stage::on(plot::without_nodes())
    }

    /// The same with a node 32, whose three slices cost $25 a month. It SLAs 1,000 Mbit/s,
    /// which is more than is measured.
    pub fn three_slices() -> Stage {
        Stage::on(plot::three_slices())
    }

    /// The farmer registers a node.
    pub fn register(&self, name: &str, report: &NodeReport) {
        plot::register(&self.db, name, report, self.now());
    }

    /// The farmer offers a node for $25 a month, and guarantees 99.5 % and 1,000 Mbit/s.
    pub fn offer(&self, node: u32, name: &str, listing: Listing) {
        plot::offer(&self.db, NodeId(node), name, plot::FAST_MBPS, listing, self.now());
    }

    /// ADA rents a slice of node 32 for three months.
    pub fn rent(&self) -> Rental {
        self.rent_another(0)
    }

    /// The same once more; `nth` tells such rentals apart.
    pub fn rent_another(&self, nth: u8) -> Rental {
        let request = RentRequest {
            wanted: Wanted::OfNode(plot::NODE, 1),
            term: Term::Quarter,
            offer_version: None,
            max_price: None,
        };
        let order = Order {
            id: OrderId::from_random(self.now(), [nth; RANDOM_ID_BYTES]),
            rentals: &[RentalId::from_random(self.now(), [nth; RANDOM_ID_BYTES])],
            basis: Basis::Request(&request),
            renter: ADA.account(),
            token: None,
            intention: None,
            platform_fee: Percent::whole(10),
            slices_max: 100,
            setup: &Setup::default(),
        };
        let made = RefCell::new(None);
        let respond = |ordered: &Ordered| {
            made.replace(ordered.rentals.first().cloned());
            web::stored::no_content("/")
        };
        renting::rent(&self.db, &order, &respond, self.now()).unwrap();
        made.take().unwrap()
    }
}
