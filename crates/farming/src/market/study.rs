//! A farmer's node beside similar ones: what the API tells and the page shows, in the same words.

use domain::comparison::{Comparison, FARMS_MIN, NODES_MIN, TooFew, evenly};
use domain::money::{PriceLimits, Usd};
use domain::simulation::{
    Demand, Expected, NEAR_NODES_MIN, NEAR_PERCENT, NEAR_WEEKS_MIN, NotKnown,
};
use domain::suggestion::{
    Bound, Market, NODE_WEEKS_MIN, STEP_PERCENT, Suggestion, TooFewObservations, WEEKS,
};
use domain::uptime::Uptime;
use store::comparisons::{Found, Picture};
use store::offers::Offer;
use web::text::{counted, grouped};

/// The most dots of a plot, the farmer's own among them.
pub(crate) const POINTS_MAX: usize = 200;

/// The prices that are tried beside the asked one, in percent of it.
const AROUND_PERCENT: [i64; 4] = [80, 90, 110, 120];

/// What these prices are rounded to, in micro-dollars: half a dollar.
const AROUND_ROUNDED_TO: i64 = 500_000;

/// A node beside similar ones, and what follows for its price.
pub(crate) struct Study {
    /// The farmer's node.
    pub own: Offer,
    /// What the platform allows.
    pub limits: PriceLimits,
    /// Which nodes are similar, and how they are rented.
    pub picture: Picture,
    /// The price that is suggested; `None` where there are too few similar nodes.
    pub suggestion: Option<Result<Suggestion, TooFewObservations>>,
    /// The price that is asked about: the farmer's own, unless another one is given; the suggested
    /// one or the median where the node has none.
    pub asked: Option<Usd>,
    demand: Demand,
}

impl Study {
    /// Looks at a node beside similar ones, and asks about a price.
    pub(crate) fn new(
        own: &Offer,
        picture: Picture,
        asked: Option<Usd>,
        limits: PriceLimits,
    ) -> Study {
        let found = picture.found.as_ref();
        let suggestion = found.map(|found| found.suggest(own.price, limits));
        let weeks = found.map_or(&[][..], |found| &found.weeks);
        let suggested = suggestion.and_then(Result::ok).map(|suggestion| suggestion.price);
        let median = found.map(|found| found.comparison.median);
        Study {
            own: own.clone(),
            limits,
            demand: Demand::of(weeks),
            asked: asked.or(own.price).or(suggested).or(median),
            suggestion,
            picture,
        }
    }

    /// Similar nodes, and how they are rented.
    pub(crate) fn found(&self) -> Option<&Found> {
        self.picture.found.as_ref()
    }

    /// What a price would bring.
    pub(crate) fn at(&self, price: Usd) -> Simulated {
        Simulated { price, slices: self.own.total_slices(), expected: self.demand.at(price) }
    }

    /// What some prices around the asked one would bring, the suggested one among them.
    pub(crate) fn nearby_prices(&self) -> Vec<Simulated> {
        let Some(asked) = self.asked else { return Vec::new() };
        let rounded = |percent: &i64| {
            let micros = asked.micros() * percent / 100 + AROUND_ROUNDED_TO / 2;
            Usd::from_micros(micros / AROUND_ROUNDED_TO * AROUND_ROUNDED_TO)
        };
        let mut prices: Vec<Usd> = AROUND_PERCENT.iter().map(rounded).collect();
        prices.extend(self.suggestion.and_then(Result::ok).map(|suggestion| suggestion.price));
        prices.retain(|price| {
            *price != asked && *price >= self.limits.min && *price <= self.limits.max
        });
        prices.sort_unstable();
        prices.dedup();
        prices.into_iter().map(|price| self.at(price)).collect()
    }

    /// The nodes of the plot, the farmer's own last: those with a measured uptime.
    pub(crate) fn points(&self) -> Vec<Point> {
        let nodes = self.found().map_or(&[][..], |found| &found.comparison.nodes);
        let measured: Vec<Point> = nodes
            .iter()
            .filter_map(|node| {
                Some(Point { price: node.price, uptime: node.uptime?, is_own: false })
            })
            .collect();
        let mut points = evenly(&measured, POINTS_MAX - 1);
        if let (Some(price), Some(uptime)) = (self.own.price, self.own.measured_uptime()) {
            points.push(Point { price, uptime, is_own: true });
        }
        points
    }

    /// `Similar nodes in Belgium cost $22–31 (median $25, 14 nodes).`
    pub(crate) fn summary(&self) -> String {
        match self.found() {
            Some(Found { comparison, .. }) => asked_by(comparison),
            None => "There are too few similar nodes to compare prices.".to_owned(),
        }
    }

    /// What the summary rests on: which nodes are similar, what the range is, and why no narrower
    /// circle was taken.
    pub(crate) fn notes(&self) -> Vec<String> {
        let certified = if self.own.certified { "certified" } else { "not certified" };
        let mut notes = vec![format!(
            "Similar nodes are on the market or rented, are {certified}, like yours, and belong to \
             other farmers: at least {NODES_MIN} nodes of {FARMS_MIN} farms, in your country, else \
             in your region, else in the world."
        )];
        if let Some(too_few) = why_not_narrower(&self.picture) {
            notes.insert(0, too_few);
        }
        if self.found().is_some() {
            let range =
                "The range is the middle half: a quarter of them cost less, a quarter more.";
            notes.insert(0, range.to_owned());
        }
        notes
    }
}

/// What another price would bring.
pub(crate) struct Simulated {
    /// Per slice and month.
    pub price: Usd,
    /// How many slices the node has.
    pub slices: u32,
    /// What is expected, if enough is known.
    pub expected: Result<Expected, NotKnown>,
}

impl Simulated {
    /// How many slices are rented, such as `8.1`.
    pub(crate) fn rented(&self) -> Option<String> {
        let tenths = self.expected.ok()?.tenths_of(self.slices);
        Some(format!("{}.{}", tenths / 10, tenths % 10))
    }

    /// What that brings a month, before the platform's fee.
    pub(crate) fn revenue(&self) -> Option<Usd> {
        Some(self.expected.ok()?.revenue(self.price, self.slices))
    }

    /// `At $22: 8.1 of 10 rented, $178/month, from these 41 observations.`
    pub(crate) fn words(&self) -> String {
        let price = short(self.price);
        match (&self.expected, self.rented(), self.revenue()) {
            (Ok(expected), Some(rented), Some(revenue)) => format!(
                "At {price}: {rented} of {} rented, ${}/month, from these {} observations.",
                self.slices,
                grouped((revenue.micros() + 500_000) / 1_000_000),
                expected.weeks
            ),
            (Ok(_) | Err(_), ..) => format!("At {price}: unknown. {}", self.why_not_known()),
        }
    }

    /// Why it is not known, in a sentence; empty where it is.
    fn why_not_known(&self) -> String {
        let Err(NotKnown { weeks, nodes }) = &self.expected else { return String::new() };
        format!(
            "Within {NEAR_PERCENT}% of that price there are {} of {}. At least {NEAR_WEEKS_MIN} \
             observations of {NEAR_NODES_MIN} nodes are needed.",
            counted(*weeks, "observation"),
            counted(*nodes, "node")
        )
    }
}

/// A node in the plot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    /// Per slice and month.
    pub price: Usd,
    /// The uptime that was measured.
    pub uptime: Uptime,
    /// Whether it is the farmer's own.
    pub is_own: bool,
}

fn asked_by(comparison: &Comparison) -> String {
    let Comparison { low, median, high, name, nodes, .. } = comparison;
    let count = counted(i64::try_from(nodes.len()).unwrap_or(i64::MAX), "node");
    let range = match (short(*low), short(*high)) {
        (low, high) if low == high => low,
        (low, high) => format!("{low}–{}", high.trim_start_matches('$')),
    };
    format!("Similar nodes in {name} cost {range} (median {}, {count}).", short(*median))
}

/// `Only 3 nodes of 2 farms are similar in Belgium, so: Western Europe.`
fn why_not_narrower(picture: &Picture) -> Option<String> {
    let of = |few: &TooFew| {
        let (nodes, farms) = (counted(few.nodes, "node"), counted(few.farms, "farm"));
        format!("{nodes} of {farms} in {}", few.name)
    };
    let narrower: Vec<String> = picture.narrower.iter().map(of).collect();
    let (widest, before) = narrower.split_last()?;
    let all = match before {
        [] => widest.clone(),
        before => format!("{} and {widest}", before.join(", ")),
    };
    let then = match &picture.found {
        Some(found) => format!(", so: {}.", found.comparison.name),
        None => ". That is too few for a comparison.".to_owned(),
    };
    Some(format!("Similar are only {all}{then}"))
}

/// An amount without cents where there are none: `$25`, `$22.50`.
pub(crate) fn short(usd: Usd) -> String {
    let text = usd.for_people();
    text.strip_suffix(".00").map(str::to_owned).unwrap_or(text)
}

/// Hundredths of a percent, signed: `+2%`, `−2.4%`, `0%`.
fn signed(hundredths: i64) -> String {
    let sign = match hundredths {
        1.. => "+",
        0 => "",
        ..=-1 => "\u{2212}",
    };
    format!("{sign}{}%", percent(hundredths.abs()))
}

/// Hundredths of a percent as a percentage without its sign: `65`, `2.4`.
fn percent(hundredths: i64) -> String {
    let text = format!("{}.{:02}", hundredths / 100, hundredths % 100);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Slices by the hour, as whole days of slices.
pub(crate) fn slice_days(hours: u64) -> u64 {
    (hours + 12) / 24
}

/// A span in days, to a tenth: `12.5 days`, `1 day`.
fn days(seconds: i64) -> String {
    let tenths = (seconds * 10 + 43_200) / 86_400;
    let unit = if tenths == 10 { "day" } else { "days" };
    if tenths % 10 == 0 {
        format!("{} {unit}", tenths / 10)
    } else {
        format!("{}.{} {unit}", tenths / 10, tenths % 10)
    }
}

/// Each part of a suggestion: what was seen, and what it adds to the median.
pub(crate) fn parts(market: &Market, suggestion: &Suggestion) -> Vec<(String, String)> {
    let (offered, rented) = (slice_days(market.offered), slice_days(market.rented));
    let used = format!(
        "{}% of similar nodes' capacity in the last {WEEKS} weeks was rented ({} of {} \
         slice-days); 60% is neutral",
        percent(suggestion.utilization),
        grouped(rented),
        grouped(offered)
    );
    let rentals = counted(market.waits, "rental");
    let wait = match (suggestion.by_wait, market.wait_seconds) {
        (Some(_), Some(wait)) => format!(
            "Their slices took {} to rent (median of {rentals}); 14 days is neutral",
            days(wait)
        ),
        (Some(_) | None, _) => {
            format!("Time to rent is unknown: {rentals} started, and 5 are needed")
        }
    };
    let unmet = format!(
        "{} of the market for such a slice found nothing",
        match market.unmet {
            1 => "1 search".to_owned(),
            other => format!("{} searches", grouped(other)),
        }
    );
    vec![
        ("Half of the similar nodes cost less than".to_owned(), short(market.median)),
        (used, signed(suggestion.by_utilization)),
        (wait, signed(suggestion.by_wait.unwrap_or(0))),
        (unmet, signed(suggestion.by_unmet)),
        ("Result".to_owned(), short(suggestion.target)),
    ]
}

/// What was done to the target of a suggestion, in a sentence.
pub(crate) fn settled(suggestion: &Suggestion, own: Option<Usd>, limits: PriceLimits) -> String {
    let price = short(suggestion.price);
    match (suggestion.bound, own) {
        (Some(Bound::Step), Some(own)) => format!(
            "At most {STEP_PERCENT}% from your current {}, rounded to half a dollar where \
             possible: {price}.",
            short(own)
        ),
        (Some(Bound::Limit | Bound::Step), _) => format!(
            "Within the platform's limits of {} to {}: {price}.",
            short(limits.min),
            short(limits.max)
        ),
        (None, _) => format!("Rounded to half a dollar where possible: {price}."),
    }
}

/// The formula in words.
pub(crate) const FORMULA: &str = "The median of similar nodes, plus 40% of the utilization \
     above 60% (or minus, below it); plus up to 5% if slices rent in under 14 days, or minus \
     up to 5% if they take longer; plus 0.25% per search without results, up to 20 searches. \
     Limited to 15% from your current price and to the platform's limits, and rounded to half \
     a dollar.";

/// Why no price is suggested.
pub(crate) fn no_suggestion_reason(study: &Study) -> Option<String> {
    match &study.suggestion {
        None => Some("There are too few similar nodes to suggest a price.".to_owned()),
        Some(Ok(_)) => None,
        Some(Err(TooFewObservations { node_weeks })) => Some(format!(
            "Not enough data to suggest a price: there are {} of observations from the last \
             {WEEKS} weeks, and {NODE_WEEKS_MIN} are needed.",
            counted(*node_weeks, "node-week")
        )),
    }
}

/// What an observation of the simulator is.
pub(crate) const OBSERVATION: &str = "An observation is one week of a similar node in the last \
     8 weeks: its price, and the share of its slices that was rented. The simulator fits a \
     line to them that never rises with the price. Amounts are before the platform fee.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        assert_eq!(short(Usd::whole(25)), "$25");
        assert_eq!(short(Usd::from_micros(22_500_000)), "$22.50");
        assert_eq!([0, 200, -240, 1_600, 25].map(signed), ["0%", "+2%", "−2.4%", "+16%", "+0.25%"]);
        let spans = [0, 86_400, 1_080_000, 86_400 * 2 + 1_000].map(days);
        assert_eq!(spans, ["0 days", "1 day", "12.5 days", "2 days"]);
    }
}
