//! The price of a node as one control, and the command that starts its farm's agent.

use askama::Template;
use domain::money::{Percent, Usd};
use domain::potential::EXAMPLE_PRICE;
use domain::sla::BELOW_SLA_PERCENT;
use store::nodes::FarmNode;
use ui::visit::Visit;
use web::page::{Frame, Moment, Section};
use web::text::counted;

use crate::market::study::{Simulated, Study};

/// The price of a node: a slider beside its field, what similar nodes cost, and what it brings.
#[derive(Clone, Debug)]
pub(crate) struct PriceControl {
    /// `Similar nodes in Belgium cost $18–24 (median $20, 14 nodes).`
    pub similar: String,
    /// The least price of the slider, in dollars.
    pub least: String,
    /// The greatest.
    pub most: String,
    /// The price to begin with, such as `22.50`.
    pub price: String,
    /// The same for people, such as `$22.50`.
    pub price_in_words: String,
    /// Slices of the node.
    pub slices: u32,
    /// What the farmer earns of a payment, in hundredths of a percent.
    pub share: i64,
    /// What all slices bring a month after the fee.
    pub all: String,
    /// How many are rented at that price, such as `7.2`; `None` where it is not known.
    pub rented: Option<String>,
    /// What these bring a month after the fee.
    pub expected: Option<String>,
    /// For the script: prices in cents and tenths of slices that are rented, such as `2000:72`.
    pub points: String,
    /// What is credited to the renter of one slice for a month below the guarantee.
    pub credit: String,
    /// The same if all slices are rented.
    pub credit_of_all: String,
    /// Percent of the price that is credited at least.
    pub credit_percent: u8,
}

/// How many prices the script is told about.
const POINTS: i64 = 24;

/// The step of the slider, in micro-dollars: half a dollar.
const STEP: i64 = 500_000;

impl PriceControl {
    /// The control of a node, beside similar ones.
    pub(crate) fn new(visit: &Visit<'_>, study: &Study) -> PriceControl {
        let limits = visit.price_limits;
        let price = study.asked.unwrap_or(EXAMPLE_PRICE).clamp(limits.min, limits.max);
        let found = study.found().map(|found| &found.comparison);
        // Around what similar nodes cost: from half of the low end to twice the high one.
        let (low, high) = found.map_or((price, price), |it| (it.low, it.high));
        let step = |usd: Usd| Usd::from_micros(usd.micros() / STEP * STEP);
        let least = step(low.min(price).part(1, 2)).clamp(limits.min, limits.max);
        let most = step(high.max(price).times(2)).clamp(limits.min, limits.max);
        let slices = study.own.total_slices();
        let earned = |paid: Usd| (paid - paid.percent(visit.platform_fee)).to_cents().for_people();
        let simulated = study.at(price);
        let credit = price.percent(Percent::whole(BELOW_SLA_PERCENT)).to_cents();
        PriceControl {
            similar: study.summary(),
            least: least.to_string(),
            most: most.to_string(),
            price: price.to_string(),
            price_in_words: price.for_people(),
            slices,
            share: share(visit.platform_fee),
            all: earned(price.times(slices)),
            rented: simulated.rented(),
            expected: simulated.revenue().map(earned),
            points: points(study, least, most),
            credit: credit.for_people(),
            credit_of_all: credit.times(slices).for_people(),
            credit_percent: BELOW_SLA_PERCENT,
        }
    }
}

/// What is left of a payment after the fee, in hundredths of a percent.
fn share(fee: Percent) -> i64 {
    let whole = Usd::whole(100);
    (whole - whole.percent(fee)).micros() / 10_000
}

/// How many slices are rented at prices from `least` to `most`, where that is known.
fn points(study: &Study, least: Usd, most: Usd) -> String {
    let at = |nth: i64| least + (most - least).part(nth, POINTS);
    let known = |Simulated { price, slices, expected }: Simulated| {
        let tenths = expected.ok()?.tenths_of(slices);
        Some(format!("{}:{tenths}", price.micros() / 10_000))
    };
    let points: Vec<String> =
        (0..=POINTS).map(at).filter_map(|price| known(study.at(price))).collect();
    points.join(" ")
}

/// What `agent_start.html` shows: the command that starts an agent, once.
#[derive(Clone, Debug, Template)]
#[template(path = "starting/agent_start.html")]
pub(crate) struct AgentStart {
    /// What surrounds the page.
    pub frame: Frame,
    /// The node's id.
    pub id: String,
    /// The node's name.
    pub name: String,
    /// Whether it was published in the same step.
    pub is_published: bool,
    /// What is on the market, such as `9 slices`.
    pub slices: String,
    /// The farm's number.
    pub farm: u32,
    /// The command.
    pub command: String,
    /// An agent that asks from then on is the new one, in seconds since 1970.
    pub since: i64,
    /// When the token ends.
    pub ends: Moment,
}

/// How exactly it is known when an agent has asked, in seconds.
const SEEN_SECONDS: i64 = 60;

impl AgentStart {
    pub(crate) fn new(
        visit: &Visit<'_>,
        node: &FarmNode,
        token: &str,
        is_published: bool,
    ) -> AgentStart {
        let farm = node.offer.farm;
        AgentStart {
            frame: visit.frame("Start the agent", Section::Farm),
            id: node.offer.node.to_string(),
            name: node.offer.name.clone(),
            is_published,
            slices: counted(node.offer.total_slices(), "slice"),
            farm,
            command: command(&visit.base_url, token, farm),
            since: visit.now.seconds() - SEEN_SECONDS,
            ends: ui::moment::on_day(visit.now.plus_seconds(super::TOKEN_SECONDS)),
        }
    }
}

/// One command for a shell. It names no secret in its arguments, which others on the server see.
fn command(server: &str, token: &str, farm: u32) -> String {
    format!(
        "MYCELIUM_SERVER={server} MYCELIUM_TOKEN={token} MYCELIUM_AGENT=farm{farm} \
         MYCELIUM_STATE_FOLDER=/var/lib/mycelium-agent \
         MYCELIUM_DRIVER='driver-linux /etc/mycelium/linux.toml' mycelium-agent"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_after_the_fee_is_in_hundredths_of_a_percent() {
        assert_eq!([0, 10, 100].map(|fee| share(Percent::whole(fee))), [10_000, 9_000, 0]);
    }
}
