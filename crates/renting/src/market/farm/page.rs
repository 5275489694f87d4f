//! Fills the page of a farm that everybody may see.

use askama::Template;
use domain::money::Usd;
use domain::outlook::Observations;
use domain::time::Timestamp;
use domain::uptime::Uptime;
use store::farm_pages::{Credits, MONTHS, NODES_MAX, NodeMonth};
use store::listings::Days;
use store::offers::Offer;
use ui::visit::Visit;
use ui::wording::{place, uptime};
use web::page::{Frame, Section};
use web::text::counted;

use crate::market::ribbon::Ribbon;

/// What is known of a farm.
pub(super) struct Found {
    /// Its number on the grid.
    pub farm: u32,
    /// Its nodes on the market, by number; at least one.
    pub offers: Vec<Offer>,
    /// The last days of each.
    pub days: Days,
    /// The last days of all.
    pub all_days: Vec<Option<Observations>>,
    /// The last whole months.
    pub months: Vec<NodeMonth>,
    /// The median price at the end of each of the last weeks.
    pub prices: Vec<(Timestamp, Usd)>,
    /// What was credited in the last year.
    pub credits: Credits,
}

/// What `farm.html` shows.
#[derive(Clone, Debug, Template)]
#[template(path = "market/farm/farm.html")]
pub(super) struct FarmPage {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farm's name on the grid, or `Farm 1`.
    pub name: String,
    /// Its number.
    pub farm: u32,
    /// Whether all its farmers on the market have shown that they own it.
    pub is_verified: bool,
    /// Such as `3 nodes on the market, 12 of 27 slices free`.
    pub summary: String,
    /// The last days of all nodes.
    pub ribbon: Ribbon,
    /// Such as `Measured uptime reached the guarantee in 11 of 12 months of its nodes.`
    pub guarantees: String,
    /// What was credited, as a sentence.
    pub credits: String,
    /// Such as `$24.00 a month and slice now; $22.00 12 weeks ago`; `None` without prices.
    pub price: Option<String>,
    /// The median price of each of the last weeks.
    pub prices: Vec<PriceRow>,
    /// Its nodes.
    pub nodes: Vec<FarmPageNode>,
    /// Whether it has more than are shown.
    pub has_more: bool,
    /// Shows the badge on a page of another site.
    pub html: String,
    /// The same for Markdown.
    pub markdown: String,
}

/// The median price at the end of a week.
#[derive(Clone, Debug)]
pub(super) struct PriceRow {
    /// Such as `22 November 2026`.
    pub day: String,
    /// Such as `$24.00`.
    pub price: String,
    /// How it stands to the dearest: a part of 100.
    pub height: i64,
}

/// A node of the farm.
#[derive(Clone, Debug)]
pub(super) struct FarmPageNode {
    /// Its page.
    pub url: String,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub place: String,
    /// Its last days.
    pub ribbon: Ribbon,
    /// Such as `99.5%`.
    pub guaranteed: String,
    /// Such as `$25.00`.
    pub price: Option<String>,
    /// Such as `3 of 9 slices free`.
    pub free: String,
}

impl FarmPage {
    pub(super) fn new(visit: &Visit<'_>, found: &Found) -> FarmPage {
        let Found { farm, offers, .. } = found;
        let given = offers.iter().map(|offer| offer.farm_name.as_str()).find(|it| !it.is_empty());
        let name = given.map_or_else(|| format!("Farm {farm}"), str::to_owned);
        let url = format!("{}/farms/{farm}", visit.base_url);
        let total: u32 = offers.iter().map(Offer::total_slices).sum();
        let free: u32 = offers.iter().map(|offer| offer.available_slices).sum();
        let count = i64::try_from(offers.len()).unwrap_or(i64::MAX);
        FarmPage {
            frame: visit.frame(&name, Section::Marketplace),
            farm: *farm,
            is_verified: offers.iter().all(|offer| offer.is_farm_verified),
            summary: format!(
                "{} on the market, {free} of {} free",
                counted(count, "node"),
                counted(total, "slice")
            ),
            ribbon: Ribbon::new(&found.all_days),
            guarantees: guarantees(&found.months),
            credits: credits(found.credits),
            price: price(&found.prices),
            prices: price_rows(&found.prices),
            nodes: offers.iter().map(|offer| FarmPageNode::new(offer, &found.days)).collect(),
            has_more: count >= i64::from(NODES_MAX),
            html: format!(
                "<a href=\"{url}\"><img src=\"{url}/badge.svg\" alt=\"Uptime of farm {farm} on \
                 Mycelium\" height=\"20\"></a>"
            ),
            markdown: format!("[![Uptime of farm {farm} on Mycelium]({url}/badge.svg)]({url})"),
            name,
        }
    }
}

/// In how many months the measured uptime reached the guarantee.
fn guarantees(months: &[NodeMonth]) -> String {
    let share = |month: &NodeMonth| {
        let Observations { observed, up } = month.observations;
        Uptime::measured(up, observed).map(|share| share >= month.min_uptime)
    };
    let known: Vec<bool> = months.iter().filter_map(share).collect();
    if known.is_empty() {
        return "No whole month was measured yet.".to_owned();
    }
    let kept = known.iter().filter(|kept| **kept).count();
    let all = counted(i64::try_from(known.len()).unwrap_or(i64::MAX), "node-month");
    format!(
        "Measured uptime reached today's guarantee in {kept} of {all} of the last {MONTHS} months."
    )
}

fn credits(credits: Credits) -> String {
    match credits.months {
        0 => "No SLA credit was due in the last year.".to_owned(),
        months => format!(
            "{} credited to renters in the last year, for {} below the SLA.",
            credits.paid.for_people(),
            counted(months, "rental month")
        ),
    }
}

fn price(prices: &[(Timestamp, Usd)]) -> Option<String> {
    let (first, last) = (prices.first()?, prices.last()?);
    let now = last.1.for_people();
    Some(if prices.len() < 2 {
        format!("{now} per slice per month")
    } else {
        let (then, day) = (first.1.for_people(), first.0.day_for_people());
        format!("{now} per slice per month; {then} on {day}")
    })
}

fn price_rows(prices: &[(Timestamp, Usd)]) -> Vec<PriceRow> {
    let top = prices.iter().map(|(_, price)| price.micros()).max().unwrap_or(1).max(1);
    let row = |(day, price): &(Timestamp, Usd)| PriceRow {
        day: day.day_for_people(),
        price: price.for_people(),
        height: price.micros() * 100 / top,
    };
    prices.iter().map(row).collect()
}

impl FarmPageNode {
    fn new(offer: &Offer, days: &Days) -> FarmPageNode {
        FarmPageNode {
            url: format!("/marketplace/compute/{}", offer.node),
            name: offer.name.clone(),
            place: place(&offer.city, &offer.country),
            ribbon: Ribbon::new(days.get(&offer.node).map_or(&[], |days| &days[..])),
            guaranteed: uptime(offer.min_uptime),
            price: offer.price.map(Usd::for_people),
            free: format!(
                "{} of {} free",
                offer.available_slices,
                counted(offer.total_slices(), "slice")
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::month::Month;

    use super::*;

    #[test]
    fn a_farm_says_how_it_kept_its_guarantees() {
        let month = |observed, up| NodeMonth {
            month: Month::parse("2026-10").unwrap(),
            observations: Observations { observed, up },
            min_uptime: Uptime::from_hundredths(9_950).unwrap(),
        };
        assert_eq!(guarantees(&[month(0, 0)]), "No whole month was measured yet.");
        assert_eq!(
            guarantees(&[month(1_000, 995), month(1_000, 994), month(0, 0)]),
            "Measured uptime reached today's guarantee in 1 of 2 node-months of the last 12 months."
        );
        let missed = Credits { months: 2, paid: Usd::whole(5) };
        assert_eq!(
            credits(missed),
            "$5.00 credited to renters in the last year, for 2 rental months below the SLA."
        );
    }

    #[test]
    fn prices_are_compared_with_the_first_week() {
        let at = |day, dollars| (Timestamp::of_day(day).unwrap(), Usd::whole(dollars));
        assert_eq!(price(&[]), None);
        let both = [at("2026-09-01", 20), at("2026-11-24", 25)];
        assert_eq!(price(&both).unwrap(), "$25.00 per slice per month; $20.00 on 1 September 2026");
        let heights: Vec<i64> = price_rows(&both).iter().map(|row| row.height).collect();
        assert_eq!(heights, [80, 100]);
    }
}
