//! The wallet: what it holds, what moved it, and how credit is added.

use domain::id::{RANDOM_ID_BYTES, TopUpId};
use domain::money::Usd;
use domain::top_up::{OPEN_MAX, Payment, TopUpState};
use expect_test::expect;
use stage::{ADA, Answer, BEN, Stage, User};
use store::top_ups::{self, NewTopUp, PaymentPage, TopUp};
use strum::VariantArray;
use web::stored::no_content;

use crate::with_stripe;

const WALLET: &str = "/dashboard/wallet";

fn wallet(stage: &Stage, who: User) -> Answer {
    stage.as_user(who).get(billing::ROUTES, WALLET)
}

#[test]
fn the_wallet_says_what_a_rental_cost() {
    let stage = Stage::three_slices();
    stage.rent();
    wallet(&stage, ADA).reads(
        200,
        expect![[r#"
            Wallet
            $28.75 USD
            Available balance
            Add credit
            The marketplace operator adds credit for you. Contact the operator </help/contact>
              with your email address and the amount.
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            | Date | Description | Amount | Balance after
            | 29 July 2026, 12:00 UTC | Rental of node32_slice_1
              </dashboard/slices/019fadbe-f200-7000-8000-000000000000> Receipt R-00000002
              </dashboard/wallet/receipts/2> | −$71.25 | $28.75
            | 29 July 2026, 12:00 UTC | Credit: bank transfer Receipt R-00000001
              </dashboard/wallet/receipts/1> | +$100.00 | $100.00"#]],
    );
}

#[test]
fn an_empty_wallet_leads_to_credit_and_to_the_market() {
    wallet(&Stage::three_slices(), BEN).reads(
        200,
        expect![[r#"
            Wallet
            $0.00 USD
            Available balance
            Add credit
            The marketplace operator adds credit for you. Contact the operator </help/contact>
              with your email address and the amount.
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            No transactions yet. Your first credit appears here."#]],
    );
}

/// BEN begins a top-up of $20 and as many dollars more, which comes to this.
fn top_up(stage: &Stage, number: u8, outcome: TopUpState) {
    let db = &stage.db;
    let at = stage.now();
    // Of those at the same time, the one with the lowest number is shown first.
    let id = TopUpId::from_random(at, [9 - number; RANDOM_ID_BYTES]);
    let amount = Usd::whole(20 + u32::from(number));
    let new = NewTopUp { id, account: BEN.account(), amount, intention: None };
    let top_up = top_ups::begin(db, &new, at).unwrap();
    let (session, url) =
        (format!("cs_{number}"), format!("https://checkout.stripe.com/c/pay/cs_{number}"));
    let page = PaymentPage { session: &session, url: &url };
    let respond = |_: &TopUp| no_content("/");
    top_ups::offer(db, &top_up, Some(page), None, &respond, at).unwrap();
    let pay = |cents: i64| {
        let id = format!("pi_{number}");
        let payment = Payment { top_up: new.id, id, amount: cents, currency: "usd".to_owned() };
        top_ups::settle(db, &payment, at).unwrap();
    };
    match outcome {
        TopUpState::Pending => {}
        TopUpState::Paid => pay(100 * (20 + i64::from(number))),
        TopUpState::Refused => pay(1),
        TopUpState::Expired => assert!(top_ups::expire(db, id).unwrap()),
    }
}

#[test]
fn a_wallet_that_can_be_paid_into_shows_what_is_not_credited_yet() {
    let stage = with_stripe(Stage::without_nodes());
    top_up(&stage, 4, TopUpState::Pending);
    stage.pass(1);
    for (number, state) in (0..).zip(TopUpState::VARIANTS.iter().copied()) {
        top_up(&stage, number, state);
    }
    let ben = stage.as_user(BEN).header("cookie", "done=topped-up");
    ben.get(billing::ROUTES, "/dashboard/wallet").reads(
        200,
        expect![[r#"
            Thank you. The credit appears here once the payment is confirmed.
            Wallet
            $21.00 USD
            Available balance
            Add credit
            post /dashboard/wallet/top-ups
            [hidden idempotency_key=019fb2e5-4e00-7fcd-9d7b-39a820e2f465]
            Amount
            $5 to $5,000, by card through Stripe. $[text amount_usd=]
            (Continue to payment)
            $20.00 awaiting confirmation Pay <https://checkout.stripe.com/c/pay/cs_0> 30 July
              2026, 12:00 UTC
            $23.00 a different amount was paid; contact the operator 30 July 2026, 12:00 UTC
            $24.00 awaiting confirmation 29 July 2026, 12:00 UTC
            Find a slice </marketplace/compute>
            Transactions
            Monthly statements </dashboard/wallet/statements>
            | Date | Description | Amount | Balance after
            | 30 July 2026, 12:00 UTC | Credit: Top-up by card Receipt R-00000002
              </dashboard/wallet/receipts/2> | +$21.00 | $21.00"#]],
    );
}

/// Who comes back from where a top-up is paid is led to the wallet, which says so once.
#[test]
fn only_who_began_a_top_up_is_told_that_it_was_paid() {
    let stage = with_stripe(Stage::without_nodes());
    for (number, state) in (0..).zip(TopUpState::VARIANTS.iter().copied()) {
        top_up(&stage, number, state);
    }
    let id = |number: u8| TopUpId::from_random(stage.now(), [9 - number; RANDOM_ID_BYTES]);
    let back = |who, field: &str, id: &str| {
        stage.as_user(who).get(billing::ROUTES, &format!("/dashboard/wallet?{field}={id}"))
    };
    for (number, state) in (0..).zip(TopUpState::VARIANTS.iter().copied()) {
        let id = id(number).to_string();
        let paid = back(BEN, "paid", &id);
        assert_eq!(paid.see_other(), "/dashboard/wallet?done=topped-up");
        let canceled = back(BEN, "canceled", &id);
        if state == TopUpState::Paid {
            assert_eq!(canceled.confirms(), None);
            canceled.html(200);
        } else {
            assert_eq!(canceled.see_other(), "/dashboard/wallet?done=top-up-canceled");
        }
        assert_eq!(back(ADA, "paid", &id).confirms(), None);
        back(ADA, "canceled", &id).html(200);
    }
    back(BEN, "paid", "mine").html(200);
}

#[test]
fn a_top_up_that_was_refused_says_why_at_its_form() {
    let stage = with_stripe(Stage::without_nodes());
    let send = |amount: &str, key: &str| {
        let fields = [("amount_usd", amount), ("idempotency_key", key)];
        stage.as_user(BEN).form(billing::ROUTES, "/dashboard/wallet/top-ups", &fields)
    };
    let is_kept = |page: &Answer| page.text().contains("name=\"idempotency_key\" value=\"k");
    let page = stage::reading(&send("4", "k1").html(400));
    let (_, form) = page.split_once("post /dashboard/wallet/top-ups\n").unwrap();
    let (form, _) = form.split_once("(Continue to payment)").unwrap();
    expect![[r#"
        [hidden idempotency_key=019fadbe-f200-7fcd-9d7b-39a820e2f465]
        Amount $[text amount_usd=4]
        An amount from 5 to 5000 dollars, with at most two decimals, such as 25.00.
    "#]]
    .assert_eq(form);
    // What failed on the way may have worked all the same: it is tried again with the same key.
    let page = send("25", "k1");
    assert!(page.status() == 502 && is_kept(&page), "{page}");
    // One was begun already.
    for number in 1..OPEN_MAX {
        top_up(&stage, u8::try_from(number).unwrap(), TopUpState::Pending);
    }
    let page = send("25", "k2");
    assert!(page.page(409).contains("top-ups") && !is_kept(&page), "{page}");
}
