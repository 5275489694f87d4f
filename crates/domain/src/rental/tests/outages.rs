//! Outages: what is not paid for, and that no cent is lost or paid twice.

use alloc::vec::Vec;

use super::*;
use crate::outage::Outage;

fn hours(hours: i64) -> Timestamp {
    start().plus_seconds(hours * 3_600)
}

/// A rental with outages from and to such hours after its start.
fn down(rental: Rental, outages: &[(i64, Option<i64>)]) -> Rental {
    let of = |(from, until): &(i64, Option<i64>)| Outage {
        from: hours(*from),
        until: until.map(hours),
        seen_at: None,
    };
    Rental { outages: Outages::join(outages.iter().map(of)), ..rental }
}

/// What farmer and platform have, and what went back, at `now`.
fn settled(rental: &Rental, now: Timestamp) -> (String, String) {
    let after = earn(rental, now).map_or_else(|| rental.clone(), |change| change.after);
    let period = &after.periods[0];
    (period.earned.to_string(), period.refunded.to_string())
}

/// A month of 30 days at $30.
fn month() -> Rental {
    let mut month = rental(Term::Month, "30", 1);
    assert_eq!(month.ends_at, hours(720));
    month.periods[0].fee = Usd::ZERO;
    month
}

#[test]
fn days_of_an_outage_are_refunded_and_not_earned() {
    // Gone from the end of the second day on.
    let gone = down(month(), &[(48, None)]);
    for (hour, earned, refunded) in [
        (47, "1.00", "0.00"),
        (48, "2.00", "0.00"),
        (71, "2.00", "0.00"),
        (72, "2.00", "1.00"),
        (240, "2.00", "8.00"),
        (720, "2.00", "28.00"),
    ] {
        let found = settled(&gone, hours(hour));
        assert_eq!(found, (earned.into(), refunded.into()), "{hour}");
    }
    // It came back after ten days.
    let back = down(month(), &[(48, Some(288))]);
    assert_eq!(settled(&back, hours(288)), ("2.00".into(), "10.00".into()));
    assert_eq!(settled(&back, hours(312)), ("3.00".into(), "10.00".into()));
    assert_eq!(settled(&back, hours(720)), ("20.00".into(), "10.00".into()));
}

#[test]
fn less_than_a_day_is_paid_for() {
    let short = down(month(), &[(30, Some(53))]);
    assert_eq!(settled(&short, hours(49)), ("2.00".into(), "0.00".into()));
    let open = down(month(), &[(30, None)]);
    // Nobody has its days before it is over or a day old.
    assert_eq!(settled(&open, hours(49)), ("1.00".into(), "0.00".into()));
    assert_eq!(open.earns_at(hours(49)), Some(hours(49)), "the first day is due");
    let earned = earn(&open, hours(49)).unwrap().after;
    assert_eq!(earned.earns_at(hours(49)), Some(hours(54)));
}

#[test]
fn a_dead_server_that_is_ended_costs_what_it_worked() {
    // M4: dead after an hour, ended on the 29th day.
    let dead = down(month(), &[(1, None)]);
    let ending = end(&dead, hours(29 * 24)).unwrap();
    assert_eq!(ending.refund, usd("29.96"));
    let daily = earn(&dead, hours(20 * 24)).unwrap().after;
    let ending = end(&daily, hours(29 * 24)).unwrap();
    assert_eq!(daily.periods[0].refunded + ending.refund, usd("29.96"));
    assert_eq!(ending.paid - ending.used.unwrap().cost, ending.refund);
}

#[test]
fn the_end_of_a_term_does_not_decide_an_outage() {
    // It fell silent five hours before the end.
    let mut life = down(month(), &[(715, None)]);
    life = expire(&life, hours(720)).unwrap().after;
    assert_eq!(life.held(), usd("1.00"));
    assert_eq!(life.earns_at(hours(721)), Some(hours(739)));
    let dead = earn(&life, hours(740)).unwrap().after;
    assert_eq!((dead.held(), dead.periods[0].refunded.to_string()), (Usd::ZERO, "0.20".into()));
    let back = down(life, &[(715, Some(725))]);
    let earned = earn(&back, hours(725)).unwrap().after;
    assert_eq!((earned.held(), earned.periods[0].earned.to_string()), (Usd::ZERO, "30.00".into()));
}

proptest! {
    /// However often days are settled, whatever outages come to light meanwhile: every booking sums
    /// to zero, all is earned or refunded at the end, and the refund is the share of the outages.
    #[test]
    fn nothing_is_lost_or_paid_twice(
        cents in 100..60_000_i64,
        gaps in prop::collection::vec((0..300_i64, 0..200_i64), 0..6),
        settles in prop::collection::vec(0..800_i64, 0..40),
        fee in 0..30_u8,
    ) {
        let mut at = 0;
        let outages: Vec<(i64, i64)> = gaps.iter().map(|(alive, dead)| {
            let from = at + alive + 1;
            at = from + dead;
            (from, at)
        }).collect();
        // What is known of them at an hour.
        let known = |hour: i64| -> Vec<(i64, Option<i64>)> {
            let begun = outages.iter().filter(|(from, _)| *from <= hour);
            let until = |until: i64| Some(until).filter(|until| *until <= hour);
            begun.map(|(from, to)| (*from, until(*to))).collect()
        };
        let price = Usd::from_micros(cents * 10_000);
        let mut life = month();
        life.price = price;
        life.periods = vec![period(Term::Month, price, 1, start())];
        life.periods[0].fee = life.periods[0].total.percent(Percent::whole(fee)).to_cents();
        let total = life.periods[0].total;
        let mut hours_of: Vec<i64> = settles;
        hours_of.sort_unstable();
        hours_of.push(720 + 200);
        for hour in hours_of {
            life = down(life, &known(hour));
            let Some(change) = earn(&life, hours(hour)) else {
                prop_assert!(life.earns_at(hours(hour)).is_none_or(|next| next > hours(hour)));
                continue;
            };
            for booking in &change.bookings {
                let sum = booking.entries.iter().fold(Usd::ZERO, |sum, entry| sum + entry.amount);
                prop_assert_eq!(sum, Usd::ZERO);
            }
            let (before, after) = (&life.periods[0], &change.after.periods[0]);
            prop_assert!(after.earned >= before.earned && after.refunded >= before.refunded);
            life = change.after;
        }
        let period = &life.periods[0];
        prop_assert_eq!(period.earned + period.refunded, total);
        let dead: i64 = outages.iter().filter(|(from, until)| until - from >= 24)
            .map(|(from, until)| (*until.min(&720) - *from.min(&720)).max(0)).sum();
        let refunded = total.micros() / 10_000 * dead / 720;
        prop_assert_eq!(period.refunded, Usd::from_micros(refunded * 10_000));
    }
    /// The same of several slices, whose machines have outages of their own beside those of their
    /// node: no hour of a slice is refunded twice, and each slice counts for its share.
    #[test]
    fn each_slice_counts_for_its_share(
        cents in 100..60_000_i64,
        of_node in prop::collection::vec((0..700_i64, 1..100_i64), 0..3),
        of_machines in prop::collection::vec((1..5_u32, 0..700_i64, 1..200_i64), 0..8),
        settles in prop::collection::vec(0..900_i64, 0..20),
        slices in 4..7_u32,
        ended in prop::option::of(1..720_i64),
    ) {
        // An outage that begins while another one goes on is reported once that is over.
        let apart = |mut all: Vec<(i64, i64)>| -> Vec<(i64, i64)> {
            all.sort_unstable();
            let mut at = 0;
            let mut next = |(from, long): (i64, i64)| {
                let from = from.max(at);
                at = from + long + 1;
                (from, from + long)
            };
            all.into_iter().map(&mut next).collect()
        };
        let of_node = apart(of_node);
        let machine = |slice: u32| {
            let own = of_machines.iter().filter(|(of, ..)| *of == slice);
            apart(own.map(|(_, from, long)| (*from, *long)).collect())
        };
        let known = |hour: i64| {
            let known = |(from, until): &(i64, i64)| Outage {
                from: hours(*from),
                until: Some(*until).filter(|until| *until <= hour).map(hours),
                seen_at: None,
            };
            let begun = |all: &[(i64, i64)]| -> Vec<Outage> {
                all.iter().filter(|(from, _)| *from <= hour).map(known).collect()
            };
            let own = (1..5).flat_map(|slice| {
                begun(&machine(slice)).into_iter().map(move |outage| (slice, outage))
            });
            Outages::of_slices(slices, begun(&of_node), own.collect::<Vec<_>>())
        };
        let price = Usd::from_micros(cents * 10_000);
        let mut life = month();
        life.slices = slices;
        life.periods = vec![period(Term::Month, price, slices, start())];
        let total = life.periods[0].total;
        let last = ended.unwrap_or(720 + 300);
        let mut settles: Vec<i64> = settles.into_iter().filter(|hour| *hour < last).collect();
        settles.sort_unstable();
        let at_once = Rental { outages: known(last), ..life.clone() };
        for hour in settles {
            life.outages = known(hour);
            if let Some(change) = earn(&life, hours(hour)) {
                life = change.after;
            } else {
                prop_assert!(life.earns_at(hours(hour)).is_none_or(|next| next > hours(hour)));
            }
        }
        life.outages = known(last);
        let [at_once, settled] = [at_once, life].map(|life| match ended {
            Some(hour) => end(&life, hours(hour)).unwrap().change.after,
            None => earn(&life, hours(last)).map_or(life, |change| change.after),
        });
        let period = &settled.periods[0];
        prop_assert_eq!(&at_once.periods[0], period);
        prop_assert_eq!(period.earned + period.refunded, total);
        // By hours: a run of 24 or more of them is not paid for.
        let dead = |slice: u32| -> i64 {
            let machine = machine(slice);
            let is_in = |all: &[(i64, i64)], hour: i64| {
                all.iter().any(|(from, until)| (*from..*until).contains(&hour))
            };
            let until = ended.unwrap_or(1_100);
            let all: Vec<(i64, bool)> = (0..until)
                .map(|hour| (hour, is_in(&of_node, hour) || is_in(&machine, hour)))
                .collect();
            let runs = all.chunk_by(|(_, one), (_, next)| one == next);
            let unpaid = runs.filter(|run| run[0].1 && run.len() >= 24).flatten();
            i64::try_from(unpaid.filter(|(hour, _)| *hour < 720).count()).unwrap()
        };
        let dead: i64 = (1..=slices).map(dead).sum();
        let share = total.micros() / 10_000 * dead / (720 * i64::from(slices));
        let share = Usd::from_micros(share * 10_000);
        if ended.is_some() {
            prop_assert!(period.refunded >= share);
        } else {
            prop_assert_eq!(period.refunded, share);
        }
    }

    /// What an early end costs does not depend on when its days were settled before.
    #[test]
    fn an_early_end_costs_the_same_however_it_was_settled(
        cents in 100..60_000_i64,
        outages in prop::collection::vec((0..7_000_i64, 24..900_i64), 0..4),
        settles in prop::collection::vec(0..8_760_i64, 0..20),
        ended in 1..8_760_i64,
    ) {
        let price = Usd::from_micros(cents * 10_000);
        let mut year = rental(Term::Year, "30", 1);
        year.periods = vec![period(Term::Year, price, 1, start())];
        let known = |hour: i64| -> Vec<(i64, Option<i64>)> {
            let begun = outages.iter().filter(|(from, _)| *from <= hour);
            begun.map(|(from, long)| (*from, Some(from + long).filter(|at| *at <= hour))).collect()
        };
        let mut settles: Vec<i64> = settles.into_iter().filter(|hour| *hour < ended).collect();
        settles.sort_unstable();
        let mut daily = year.clone();
        for hour in settles {
            daily = down(daily, &known(hour));
            daily = earn(&daily, hours(hour)).map_or(daily, |change| change.after);
        }
        let [at_once, daily] = [year, daily].map(|life| {
            end(&down(life, &known(ended)), hours(ended)).unwrap().change.after.periods[0].clone()
        });
        prop_assert_eq!(daily.earned, at_once.earned);
        prop_assert_eq!(daily.refunded, at_once.refunded);
    }
}
