//! The page of a farm that everybody may see, `/farms/{farm}`, and its badge for other sites.

mod badge;
mod page;

use domain::id::NodeId;
use domain::outlook::Observations;
use http::StatusCode;
use http::header::{CACHE_CONTROL, HeaderName};
use store::offers::Offer;
use store::{farm_pages, listings};
use ui::visit::Visit;
use web::{Context, Problem, Response, respond};

use crate::market::farm::badge::Badge;
use crate::market::farm::page::{FarmPage, Found};

/// How many days of uptime the page and the badge show.
const DAYS: u32 = 30;

/// How long a badge is kept by those who show it.
///
/// Seconds: an hour, in which 12 checks change it little.
const BADGE_SECONDS: u32 = 3_600;

/// Lets pages of other sites show an answer as a picture.
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

/// The farm of the path, in the one spelling that it is printed in.
fn farm_number(cx: &Context<'_>) -> Result<u32, Problem> {
    let text = cx.param("farm");
    let farm = text.parse().ok().filter(|farm: &u32| *farm > 0 && farm.to_string() == text);
    farm.ok_or_else(Problem::not_found)
}

/// The nodes of the farm of the path that are on the market; without any there is no page.
fn nodes(cx: &Context<'_>, farm: u32) -> Result<Vec<Offer>, Problem> {
    let found = farm_pages::nodes(cx.db, farm)?;
    if found.is_empty() { Err(Problem::not_found()) } else { Ok(found) }
}

/// The last days of all nodes together, the oldest first.
fn days_of_all(days: &listings::Days) -> Vec<Option<Observations>> {
    let length = usize::try_from(DAYS).unwrap_or_default();
    let day = |nth: usize| {
        let seen = days.values().filter_map(|days| days.get(nth).copied().flatten());
        let sum = |sum: Option<Observations>, day: Observations| {
            let Observations { observed, up } = sum.unwrap_or_default();
            Some(Observations { observed: observed + day.observed, up: up + day.up })
        };
        seen.fold(None, sum)
    };
    (0..length).map(day).collect()
}

pub(super) fn page(cx: &Context<'_>) -> Result<Response, Problem> {
    let farm = farm_number(cx)?;
    let offers = nodes(cx, farm)?;
    let ids: Vec<NodeId> = offers.iter().map(|offer| offer.node).collect();
    let days = listings::days(cx.db, &ids, DAYS, cx.now)?;
    let found = Found {
        farm,
        all_days: days_of_all(&days),
        days,
        months: farm_pages::months(cx.db, &ids, cx.now)?,
        prices: farm_pages::prices(cx.db, &ids, cx.now)?,
        credits: farm_pages::credits(cx.db, farm, &offers, cx.now)?,
        offers,
    };
    respond::page(StatusCode::OK, &FarmPage::new(&Visit::of(cx)?, &found))
}

pub(super) fn badge(cx: &Context<'_>) -> Result<Response, Problem> {
    let offers = nodes(cx, farm_number(cx)?)?;
    let ids: Vec<NodeId> = offers.iter().map(|offer| offer.node).collect();
    let days = days_of_all(&listings::days(cx.db, &ids, DAYS, cx.now)?);
    let picture = Badge::new(&days).picture().map_err(Problem::internal)?;
    let answer = respond::answer(StatusCode::OK, "image/svg+xml", picture.into_bytes());
    let kept = format!("public, max-age={BADGE_SECONDS}");
    let answer = respond::with_header(answer, CACHE_CONTROL, &kept);
    Ok(respond::with_header(answer, RESOURCE_POLICY, "cross-origin"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_farms_day_is_that_of_all_its_nodes() {
        let seen = |observed, up| Some(Observations { observed, up });
        let length = usize::try_from(DAYS).unwrap_or_default();
        let mut one = vec![None; length];
        let mut other = one.clone();
        one[0] = seen(10, 10);
        one[1] = seen(10, 5);
        other[1] = seen(20, 20);
        let all = days_of_all(&[(NodeId(1), one), (NodeId(2), other)].into_iter().collect());
        assert_eq!((all.len(), all[0], all[1], all[2]), (length, seen(10, 10), seen(30, 25), None));
    }
}
