//! The four terms that a slice is rented for, and what each costs.

use strum::VariantArray;

use crate::field::FieldError;
use crate::money::{Percent, Usd};

/// How long a slice is rented for, in calendar months.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, VariantArray)]
pub enum Term {
    /// One month, at the full price.
    Month,
    /// Three months.
    Quarter,
    /// Six months.
    HalfYear,
    /// Twelve months.
    Year,
}

impl Term {
    /// The term of this many months.
    pub fn from_months(months: i64) -> Result<Term, FieldError> {
        Term::VARIANTS
            .iter()
            .copied()
            .find(|term| i64::from(term.months()) == months)
            .ok_or_else(|| FieldError::new("duration_months", "1, 3, 6 or 12"))
    }

    /// Calendar months.
    pub fn months(self) -> u32 {
        match self {
            Term::Month => 1,
            Term::Quarter => 3,
            Term::HalfYear => 6,
            Term::Year => 12,
        }
    }

    /// What is taken off the monthly price, in percent.
    pub fn discount_percent(self) -> u8 {
        match self {
            Term::Month => 0,
            Term::Quarter => 5,
            Term::HalfYear => 10,
            Term::Year => 15,
        }
    }

    /// What the whole term costs at `price` a month: the discount is taken off the exact product,
    /// and the result is rounded once.
    pub fn total(self, price: Usd) -> Usd {
        let full = price.times(self.months());
        (full - full.percent(Percent::whole(self.discount_percent()))).to_cents()
    }
}

/// The terms that a farmer offers: at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms(u8);

impl Terms {
    /// Every term.
    pub const ALL: Terms = Terms(0b1111);

    /// Of these terms; `None` if there are none.
    pub fn of(terms: impl IntoIterator<Item = Term>) -> Option<Terms> {
        let bits = terms.into_iter().fold(0, |bits, term| bits | Terms::bit(term));
        (bits != 0).then_some(Terms(bits))
    }

    /// From the sum of 1 for a month, 2 for three, 4 for six and 8 for twelve, as SQL keeps it.
    pub fn from_bits(bits: i64) -> Option<Terms> {
        u8::try_from(bits).ok().filter(|bits| (1..=Terms::ALL.0).contains(bits)).map(Terms)
    }

    /// The sum that SQL keeps.
    pub fn bits(self) -> i64 {
        self.0.into()
    }

    /// Whether a term is among them.
    pub fn has(self, term: Term) -> bool {
        self.0 & Terms::bit(term) != 0
    }

    /// The terms, the shortest first.
    pub fn iter(self) -> impl Iterator<Item = Term> {
        Term::VARIANTS.iter().copied().filter(move |term| self.has(*term))
    }

    fn bit(term: Term) -> u8 {
        match term {
            Term::Month => 1,
            Term::Quarter => 2,
            Term::HalfYear => 4,
            Term::Year => 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(price: &str, totals: [&str; 4]) {
        let price = Usd::parse("price", price).unwrap();
        assert!(Term::VARIANTS.iter().map(|term| term.total(price).to_string()).eq(totals));
    }

    #[test]
    fn longer_terms_cost_less_a_month() {
        check("25", ["25.00", "71.25", "135.00", "255.00"]);
        check("0.01", ["0.01", "0.03", "0.05", "0.10"]);
        check("19.99", ["19.99", "56.97", "107.95", "203.90"]);
    }

    #[test]
    fn terms_are_a_set_of_at_least_one() {
        for bits in 1..=15 {
            let terms = Terms::from_bits(bits).unwrap();
            assert_eq!((terms.bits(), Terms::of(terms.iter())), (bits, Some(terms)));
        }
        assert_eq!((Terms::from_bits(0), Terms::from_bits(16), Terms::of([])), (None, None, None));
        let ends = Terms::of([Term::Year, Term::Month]).unwrap();
        assert!(ends.has(Term::Year) && !ends.has(Term::Quarter));
    }

    #[test]
    fn there_are_four_terms() {
        assert_eq!(Term::from_months(12), Ok(Term::Year));
        for months in [i64::MIN, -1, 0, 2, 4, 13, i64::MAX] {
            assert!(Term::from_months(months).is_err(), "{months}");
        }
    }

    proptest! {
        #[test]
        fn a_longer_term_never_costs_more_a_month(cents in 1..100_000_000_i64) {
            let price = Usd::from_micros(cents * 10_000);
            for pair in Term::VARIANTS.windows(2) {
                // Compared without division: total × the other's months, within a cent of rounding.
                let shorter = pair[0].total(price).times(pair[1].months());
                let longer = pair[1].total(price).times(pair[0].months());
                prop_assert!(longer <= shorter + Usd::from_micros(10_000 * 12));
            }
        }
    }
}
