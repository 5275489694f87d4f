//! Whatever happens to a rental, no amount is lost.

use super::*;

#[derive(Clone, Debug)]
enum Step {
    Earn,
    Expire,
    Release,
    Extend(Term, Option<i64>),
    End,
    Price(i64),
}

fn step() -> impl Strategy<Value = Step> {
    let term = prop::sample::select(Term::VARIANTS);
    prop_oneof![
        6 => Just(Step::Earn),
        3 => Just(Step::Expire),
        2 => Just(Step::Release),
        4 => (term, proptest::option::of(1..60_i64))
            .prop_map(|(term, max)| Step::Extend(term, max)),
        1 => Just(Step::End),
        1 => (1..60_i64).prop_map(Step::Price),
    ]
}

proptest! {
    #[test]
    fn no_micro_dollar_is_lost_whatever_happens(
        term in prop::sample::select(Term::VARIANTS),
        cents in 1..6_000_i64,
        slices in prop_oneof![3 => Just(1_u32), 1 => 1..20_u32],
        steps in prop::collection::vec((step(), -40_000..3_000_000_i64), 0..30),
    ) {
        let mut life = rental(term, "1", slices);
        life.price = Usd::from_micros(cents * 10_000);
        life.periods = vec![period(term, life.price, slices, start())];
        let mut purse = Purse::of(&life);
        let all = purse.sum();
        let (mut now, mut context) = (start(), context("25"));
        for (step, seconds) in steps {
            now = now.plus_seconds(seconds);
            let change = match step {
                Step::Earn => earn(&life, now),
                Step::Expire => expire(&life, now),
                Step::Release => release(&life, now),
                Step::End => end(&life, now).ok().map(|ending| ending.change),
                Step::Extend(term, max) => {
                    let max = max.map(|dollars| Usd::from_micros(dollars * 1_000_000));
                    extend(&life, term, max, &context, order(), now).ok()
                }
                Step::Price(dollars) => {
                    context.market.price = Some(Usd::from_micros(dollars * 1_000_000));
                    None
                }
            };
            let Some(change) = change else { continue };
            purse.book(&change);
            prop_assert_eq!(purse.sum(), all);
            prop_assert!(purse.escrow >= Usd::ZERO && purse.platform <= purse.earnings);
            prop_assert!(life.state != RentalState::Ended, "it ended once");
            life = change.after;
            prop_assert!(life.state == RentalState::Active || life.held() == Usd::ZERO);
            for period in &life.periods {
                prop_assert!(period.earned + period.refunded <= period.total);
            }
            prop_assert_eq!(life.ends_at, start().plus_months(life.months()));
        }
    }

    #[test]
    fn ending_right_after_the_start_costs_an_hour(
        term in prop::sample::select(Term::VARIANTS),
        cents in 1..60_000_i64,
        seconds in 1..=3_600_i64,
    ) {
        let mut life = rental(term, "1", 1);
        life.price = Usd::from_micros(cents * 10_000);
        life.periods = vec![period(term, life.price, 1, start())];
        let ending = end(&life, start().plus_seconds(seconds)).unwrap();
        // November 22 to December 22: 720 hours.
        let hour = life.price.part(1, 720).to_cents();
        prop_assert_eq!(ending.refund, paid(&life) - hour);
        prop_assert_eq!(ending.used.map(|used| (used.months, used.hours)), Some((0, 1)));
    }

    #[test]
    fn what_is_due_next_is_worth_a_cent(
        term in prop::sample::select(Term::VARIANTS),
        cents in 1..9_000_i64,
        seconds in 0..40_000_000_i64,
    ) {
        let period = period(term, Usd::from_micros(cents * 10_000), 1, start());
        let now = start().plus_seconds(seconds);
        match period.earns_next(now) {
            None => prop_assert!(now >= period.ends_at),
            Some(next) => {
                prop_assert!(next > now && next <= period.ends_at);
                let earned = |at| period.earned_at(&Outages::NONE, at);
                prop_assert!(earned(next) > earned(now));
                let day_before = next.plus_seconds(-DAY).max(now);
                prop_assert_eq!(earned(day_before), earned(now));
            }
        }
    }
}
