//! Where a farmer is paid.

use expect_test::expect;
use stage::{FARMER, HOSTILE, Stage};

const PAYOUT: &str = "/dashboard/farm/payout";

#[test]
fn a_payout_is_locked_without_a_second_factor() {
    let stage = Stage::without_nodes();
    let save = |address: &str| {
        stage.as_strong(FARMER).form(billing::ROUTES, PAYOUT, &[("payout_address", address)])
    };
    assert_eq!(save("BE71 0961 2345 6769").see_other(), "/dashboard/farm/payout?done=payout-set");
    stage.as_user(FARMER).get(billing::ROUTES, PAYOUT).reads(
        200,
        expect![[r#"
            Farm </dashboard/farm>
            Payout address
            The operator sends your earnings to this address.
            Current: BE71 0961 2345 6769
            To change the payout address, verify it's you with a passkey or an authenticator app.
              If you have neither, add one in Settings </dashboard/settings> first.
            Verify it's you </dashboard/verify?next=%2Fdashboard%2Ffarm%2Fpayout>"#]],
    );
    save("BE71\tx").reads(
        400,
        expect![[r#"
            Farm </dashboard/farm>
            Payout address
            The operator sends your earnings to this address.
            post /dashboard/farm/payout
            Payout address [text payout_address=BE71 x]
            1 to 200 visible characters on one line.
            (Save payout address)"#]],
    );
}

#[test]
fn an_address_is_text() {
    let stage = Stage::without_nodes();
    let fields = [("payout_address", HOSTILE)];
    stage.as_strong(FARMER).form(billing::ROUTES, PAYOUT, &fields).see_other();
    for path in [PAYOUT, "/dashboard/farm/payouts"] {
        stage.as_strong(FARMER).get(billing::ROUTES, path).escapes_hostile_text();
    }
}
