//! Top-ups: money that a renter pays in, and whether a payment is the one that was meant.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::booking::{Booking, BookingKind, LedgerAccount};
use crate::field::FieldError;
use crate::id::{AccountId, TopUpId};
use crate::money::Usd;
use crate::time::Timestamp;

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

/// How long money that came by card can be taken back without anybody having been paid with it, in
/// seconds: 30 days. What is earned with it is not paid out before. Most disputes come within that
/// time, and refunds that were a mistake do.
pub const SETTLING_SECONDS: i64 = 30 * 86_400;

/// When money that came in `now` by card is settled: at the beginning of a day of UTC, so that what
/// is not settled yet of an account is a sum for each of 31 days at most.
pub fn settles_at(now: Timestamp) -> Timestamp {
    const DAY: i64 = 86_400;
    let seconds = now.seconds() + SETTLING_SECONDS + DAY - 1;
    Timestamp::from_seconds(seconds - seconds.rem_euclid(DAY))
}

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

/// How a payment goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum ReversalKind {
    /// The operator has refunded it: by all refunds together, as the provider adds them up.
    Refund,
    /// One of these refunds, which may fail.
    SingleRefund,
    /// The payer disputes it at their bank.
    Dispute,
}

/// The stage of a single refund that failed, or was canceled: its money is back. Before, it is 1.
pub const REFUND_FAILED: i64 = 2;

/// What a provider says was taken back of a payment: by refunds in all, by one refund, or by one
/// dispute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reversal {
    /// The provider's id of the payment.
    pub payment: String,
    /// The provider's id of the charge that was refunded, of the refund, or of the dispute.
    pub id: String,
    /// How it goes back.
    pub kind: ReversalKind,
    /// How far it is: what is told later, or before, counts where this is higher.
    pub stage: i64,
    /// How much is gone by it, in the smallest unit of `currency`; nothing where it is back, except
    /// of a single refund, of which it is how much came back.
    pub amount: i64,
    /// Of how much in the same currency, where that is told: of a single refund, by what is told of
    /// all refunds.
    pub of: Option<i64>,
    /// Its currency, three small letters.
    pub currency: String,
    /// How it stands, as the provider calls it.
    pub status: String,
}

impl Reversal {
    /// How much of a top-up of `amount` is gone by it, in whole cents.
    ///
    /// What was refunded of a charge in another currency is the same share of the top-up. A dispute
    /// does not say of how much: one in another currency takes all of it.
    pub fn of_top_up(&self, amount: Usd) -> Usd {
        if self.is_failed() { Usd::ZERO } else { self.share(self.amount, amount) }
    }

    fn share(&self, gone: i64, amount: Usd) -> Usd {
        let all = cents(amount);
        let gone = match self.of {
            Some(of) if of > 0 && gone < of => {
                let share = i128::from(all) * i128::from(gone) / i128::from(of);
                i64::try_from(share).unwrap_or(all)
            }
            None if gone == 0 => 0,
            None if self.currency == "usd" => gone.clamp(0, all),
            Some(_) | None => all,
        };
        Usd::from_micros(gone * MICROS_PER_CENT)
    }

    /// Whether it is a refund that failed.
    fn is_failed(&self) -> bool {
        self.kind == ReversalKind::SingleRefund && self.stage >= REFUND_FAILED
    }
}

/// How much of a top-up of `amount` is gone by refunds: what the provider has added up, which says
/// nothing of refunds that fail, without these; and at least those that are told and have not
/// failed, for a refund after one that failed need not raise the sum.
fn refunded(amount: Usd, reversals: &[Reversal]) -> Usd {
    let singles = || reversals.iter().filter(|it| it.kind == ReversalKind::SingleRefund);
    let sum_of = |is_failed: bool| {
        singles().filter(|it| it.is_failed() == is_failed).map(|it| it.amount).sum::<i64>()
    };
    let all = reversals.iter().filter(|it| it.kind == ReversalKind::Refund);
    let told = all.map(|it| it.share((it.amount - sum_of(true)).max(0), amount));
    let held = singles().next().map(|it| it.share(sum_of(false), amount));
    told.chain(held).max().unwrap_or(Usd::ZERO)
}

/// How much of a top-up of `amount` is gone by all that was taken back of it.
pub fn reversed(amount: Usd, reversals: &[Reversal]) -> Usd {
    let disputes = reversals.iter().filter(|it| it.kind == ReversalKind::Dispute);
    let sum = disputes.fold(refunded(amount, reversals), |sum, it| sum + it.of_top_up(amount));
    sum.min(amount)
}

/// What takes back `taken` of a top-up from its wallet, or gives it back where that is negative, as
/// the `nth` booking of this top-up. The wallet may be below zero then, and in no other way.
pub fn reversal_booking(
    top_up: TopUpId,
    nth: i64,
    account: AccountId,
    taken: Usd,
) -> Option<Booking> {
    let reason = if taken > Usd::ZERO {
        "Card payment refunded or disputed"
    } else {
        "Reversed card payment returned"
    };
    Booking::new(
        BookingKind::CardReversal,
        format!("top-up {top_up}/{nth}"),
        reason.to_owned(),
        LedgerAccount::Wallet(account),
        &[(LedgerAccount::Funding, taken)],
    )
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

    fn reversal(kind: ReversalKind, amount: i64, of: Option<i64>, currency: &str) -> Reversal {
        Reversal {
            payment: "pi_1".into(),
            id: "x_1".into(),
            kind,
            stage: 1,
            amount,
            of,
            currency: currency.into(),
            status: "lost".into(),
        }
    }

    #[test]
    fn what_is_taken_back_is_a_share_of_the_top_up() {
        let refund = |amount, of, currency| {
            reversal(ReversalKind::Refund, amount, Some(of), currency).of_top_up(Usd::whole(25))
        };
        assert_eq!(refund(2_500, 2_500, "usd"), Usd::whole(25));
        assert_eq!(refund(1_000, 2_500, "usd"), Usd::whole(10));
        assert_eq!(refund(0, 2_500, "usd"), Usd::ZERO);
        // The payer was shown another currency.
        assert_eq!(refund(1_150, 2_300, "eur"), Usd::from_micros(12_500_000));
        assert_eq!(refund(4_000, 4_000, "jpy"), Usd::whole(25));
        let dispute = |amount, currency| {
            reversal(ReversalKind::Dispute, amount, None, currency).of_top_up(Usd::whole(25))
        };
        assert_eq!(dispute(2_500, "usd"), Usd::whole(25));
        assert_eq!(dispute(9_900, "usd"), Usd::whole(25));
        assert_eq!(dispute(700, "usd"), Usd::whole(7));
        assert_eq!(dispute(700, "eur"), Usd::whole(25));
        assert_eq!(dispute(0, "eur"), Usd::ZERO);
        let both = [
            reversal(ReversalKind::Refund, 1_000, Some(2_500), "usd"),
            reversal(ReversalKind::Dispute, 2_500, None, "usd"),
        ];
        assert_eq!(reversed(Usd::whole(25), &both), Usd::whole(25));
        assert_eq!(reversed(Usd::whole(25), &both[..1]), Usd::whole(10));
        assert_eq!(reversed(Usd::whole(25), &[]), Usd::ZERO);
    }

    #[test]
    fn a_refund_that_fails_is_back() {
        let all = |amount| reversal(ReversalKind::Refund, amount, Some(2_500), "usd");
        let single = |stage, amount| Reversal {
            stage,
            ..reversal(ReversalKind::SingleRefund, amount, Some(2_500), "usd")
        };
        let gone = |told: &[Reversal]| reversed(Usd::whole(25), told).micros() / 10_000;
        assert_eq!(gone(&[all(2_500), single(2, 2_500)]), 0);
        // Told before the sum, or without it.
        assert_eq!(gone(&[single(1, 1_000)]), 1_000);
        assert_eq!(gone(&[single(2, 1_000)]), 0);
        // The same refund, told in both ways, counts once.
        assert_eq!(gone(&[all(1_000), single(1, 1_000)]), 1_000);
        // A second one beside a failed one, whether the provider takes the failed one from its sum
        // or not.
        for sum in [1_000, 1_500] {
            assert_eq!(gone(&[all(sum), single(2, 1_000), single(1, 500)]), 500, "{sum}");
        }
        // The second one is not told by itself.
        assert_eq!(gone(&[all(1_500), single(2, 1_000)]), 500);
        let dispute = reversal(ReversalKind::Dispute, 700, None, "usd");
        assert_eq!(gone(&[all(1_000), single(2, 1_000), dispute]), 700);
        // In another currency it is a share of the charge.
        let euros = |stage| Reversal {
            stage,
            ..reversal(ReversalKind::SingleRefund, 1_150, Some(2_300), "eur")
        };
        let charge = reversal(ReversalKind::Refund, 2_300, Some(2_300), "eur");
        assert_eq!(gone(&[charge.clone(), euros(2)]), 1_250);
        assert_eq!(gone(&[charge, euros(1)]), 2_500);
        assert_eq!(gone(&[Reversal { of: None, ..euros(1) }]), 2_500);
        assert_eq!(euros(2).of_top_up(Usd::whole(25)), Usd::ZERO);
    }

    #[test]
    fn money_by_card_settles_at_the_end_of_a_day() {
        let day = |days: i64| Timestamp::from_seconds(days * 86_400);
        assert_eq!(settles_at(day(5)), day(35));
        assert_eq!(settles_at(day(5).plus_seconds(1)), day(36));
        assert_eq!(settles_at(day(6).plus_seconds(-1)), day(36));
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
