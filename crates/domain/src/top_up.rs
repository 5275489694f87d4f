//! Top-ups: money that a renter pays in, and whether a payment is the one that was meant.

use alloc::string::String;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::field::FieldError;
use crate::id::TopUpId;
use crate::money::Usd;

/// The least and the most that one top-up can be.
const AMOUNT_MIN: Usd = Usd::whole(5);
const AMOUNT_MAX: Usd = Usd::whole(5_000);

/// How many top-ups of one account can wait for their payment at once.
pub const OPEN_MAX: u32 = 10;
/// For how long a top-up counts as waiting, in seconds: a day.
pub const OPEN_SECONDS: i64 = 24 * 60 * 60;
/// How long the page to pay on is good, in seconds: an hour less than the most that Stripe takes,
/// because its clock is not ours.
pub const PAYABLE_SECONDS: i64 = 23 * 60 * 60;

/// Micro-dollars of a cent, in which payments in dollars are counted.
const MICROS_PER_CENT: i64 = 10_000;

/// An amount of whole cents, in cents: as payments in dollars are counted.
pub fn cents(amount: Usd) -> i64 {
    amount.micros() / MICROS_PER_CENT
}

/// Reads the amount of a top-up.
pub fn parse_amount(field: &'static str, text: &str) -> Result<Usd, FieldError> {
    let inside = |amount: &Usd| (AMOUNT_MIN..=AMOUNT_MAX).contains(amount);
    let rule = "an amount from 5 to 5000 dollars, with at most two decimals, such as 25.00";
    let amount = Usd::parse(field, text).ok().filter(inside);
    amount.ok_or_else(|| FieldError::new(field, rule))
}

/// What came of a top-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum TopUpState {
    /// Nothing yet.
    Pending,
    /// It was paid, and the wallet credited.
    Paid,
    /// It was not paid in time.
    Expired,
    /// A payment came that is not the one that was meant; the operator knows.
    Refused,
}

/// A payment that has come in, as its provider says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payment {
    /// The top-up that it is for.
    pub top_up: TopUpId,
    /// The provider's id of it.
    pub id: String,
    /// How much, in the smallest unit of its currency.
    pub amount: i64,
    /// Its currency, three small letters.
    pub currency: String,
}

/// What is true now, as far as a payment depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// How much was meant.
    pub amount: Usd,
    /// What came of it so far.
    pub state: TopUpState,
    /// The payment that paid it; `None` while it is not paid.
    pub payment_id: Option<String>,
    /// Whether the wallet has an owner who can use it.
    pub has_owner: bool,
}

/// What follows from a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The wallet is to be credited.
    Credit,
    /// It was credited with this very payment.
    Credited,
    /// Nothing is credited.
    Refuse(Mismatch),
}

/// Why a payment credits nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Mismatch {
    /// There is no such top-up.
    #[strum(serialize = "unknown-top-up")]
    Unknown,
    /// It is another amount than was meant.
    #[strum(serialize = "other-amount")]
    Amount,
    /// It is not in US dollars.
    #[strum(serialize = "other-currency")]
    Currency,
    /// Another payment has paid the top-up.
    #[strum(serialize = "paid-twice")]
    Twice,
    /// The account was deleted.
    NoOwner,
}

/// Decides what follows from a payment; `seen` is `None` where there is no such top-up.
///
/// Money that has come in and is what was meant is credited, however late: also after the page has
/// expired, or after another payment was refused.
pub fn settle(seen: Option<&Snapshot>, payment: &Payment) -> Verdict {
    let Some(seen) = seen else { return Verdict::Refuse(Mismatch::Unknown) };
    if seen.state == TopUpState::Paid {
        let is_same = seen.payment_id.as_ref() == Some(&payment.id);
        return if is_same { Verdict::Credited } else { Verdict::Refuse(Mismatch::Twice) };
    }
    if payment.currency != "usd" {
        return Verdict::Refuse(Mismatch::Currency);
    }
    if payment.amount != cents(seen.amount) {
        return Verdict::Refuse(Mismatch::Amount);
    }
    if !seen.has_owner {
        return Verdict::Refuse(Mismatch::NoOwner);
    }
    Verdict::Credit
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn payment(amount: i64, currency: &str) -> Payment {
        let top_up = TopUpId::parse("01936f2c-0000-7000-8000-000000000001").unwrap();
        Payment { top_up, id: "pi_1".into(), amount, currency: currency.into() }
    }

    fn seen(state: TopUpState) -> Snapshot {
        let payment_id = (state == TopUpState::Paid).then(|| "pi_1".into());
        Snapshot { amount: Usd::whole(25), state, payment_id, has_owner: true }
    }

    #[test]
    fn amounts_have_limits() {
        for text in ["5", "5.00", "4999.99", "5000"] {
            assert!(parse_amount("amount_usd", text).is_ok(), "{text}");
        }
        for text in ["4.99", "5000.01", "0", "-5", "5.001", "1e3", ""] {
            let error = parse_amount("amount_usd", text).unwrap_err();
            assert!(error.rule.contains("5 to 5000"), "{text}");
        }
    }

    #[test]
    fn a_payment_pays_what_was_meant_once() {
        let refused = Verdict::Refuse;
        for state in [TopUpState::Pending, TopUpState::Expired, TopUpState::Refused] {
            let check = |amount, currency, expected| {
                assert_eq!(settle(Some(&seen(state)), &payment(amount, currency)), expected);
            };
            check(2_500, "usd", Verdict::Credit);
            check(2_499, "usd", refused(Mismatch::Amount));
            check(250_000, "usd", refused(Mismatch::Amount));
            check(i64::MAX, "usd", refused(Mismatch::Amount));
            check(0, "usd", refused(Mismatch::Amount));
            check(2_500, "eur", refused(Mismatch::Currency));
        }
        let paid = seen(TopUpState::Paid);
        assert_eq!(settle(Some(&paid), &payment(2_500, "usd")), Verdict::Credited);
        let other = Payment { id: "pi_2".into(), ..payment(2_500, "usd") };
        assert_eq!(settle(Some(&paid), &other), refused(Mismatch::Twice));
        assert_eq!(settle(None, &other), refused(Mismatch::Unknown));
        let orphan = Snapshot { has_owner: false, ..seen(TopUpState::Pending) };
        assert_eq!(settle(Some(&orphan), &other), refused(Mismatch::NoOwner));
    }

    proptest! {
        #[test]
        fn nothing_else_than_what_was_meant_is_credited(
            cents in any::<i64>(), meant in 500..=500_000_i64,
        ) {
            let amount = Usd::from_micros(meant * MICROS_PER_CENT);
            let snapshot = Snapshot { amount, ..seen(TopUpState::Pending) };
            let verdict = settle(Some(&snapshot), &payment(cents, "usd"));
            prop_assert_eq!(verdict == Verdict::Credit, cents == meant);
            prop_assert_eq!(settle(Some(&snapshot), &payment(meant, "usd")), Verdict::Credit);
        }
    }
}
