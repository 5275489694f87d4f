//! What somebody sees of second factors: the second step, confirming, and their part of the
//! settings.

use domain::factor::{self, PasskeyName};
use expect_test::expect;
use store::factors::{self as kept, NewPasskey};
use web::page::{Factors, Prove, SecondFactor, Settings};
use web::view::back;
use web::{Kind, Problem};

use crate::check;
use crate::market::{Who, empty, now, shown};

const NONE: factor::Factors = factor::Factors { passkeys: 0, has_totp: false, recovery_codes: 0 };
const APP: factor::Factors = factor::Factors { has_totp: true, recovery_codes: 9, ..NONE };
const PASSKEY: factor::Factors = factor::Factors { passkeys: 1, ..NONE };

fn second_factor(factors: factor::Factors) -> SecondFactor {
    let next = Some("/dashboard/farm");
    shown(&empty(), Who::Visitor, "/login", |_, visit| {
        SecondFactor::new(visit, "secret", factors, next)
    })
}

fn prove(factors: factor::Factors) -> Prove {
    shown(&empty(), Who::Omar, "/dashboard/prove", |_, visit| {
        Prove::new(visit, factors, "/dashboard/wallet")
    })
}

#[test]
fn the_second_step_asks_for_what_there_is() {
    let page = second_factor(APP).refused(&Problem::plain(Kind::WrongCode));
    check(&page, expect![[r#""#]]);
    let page = second_factor(PASSKEY);
    assert_eq!((page.takes_code, page.passkey_next.as_deref()), (false, Some("/dashboard/farm")));
    assert_eq!(page.lede, "Show a passkey.");
    let both = second_factor(factor::Factors { passkeys: 1, ..APP });
    assert!(both.takes_code && both.passkey_next.is_some());
}

#[test]
fn a_password_confirms_only_where_there_is_no_factor() {
    check(&prove(NONE), expect![[r#""#]]);
    let asked = |page: Prove| (page.takes_password, page.takes_code, page.takes_passkey);
    assert_eq!(asked(prove(NONE)), (true, false, false));
    assert_eq!(asked(prove(APP)), (false, true, false));
    assert_eq!(asked(prove(PASSKEY)), (false, false, true));
}

#[test]
fn the_settings_list_passkeys_and_say_what_is_left() {
    let page = shown(&empty(), Who::Omar, "/dashboard/settings", |cx, visit| {
        let account = Who::Omar.account();
        let name = PasskeyName::parse("<3>").unwrap();
        let id = [7; 16];
        let passkey = NewPasskey { id: &id, account, name: &name, fixed: &[], moving: &[] };
        assert!(kept::add_passkey(cx.db, &passkey, now()).unwrap());
        let passkeys = kept::passkeys(cx.db, account).unwrap();
        let factors = kept::of_account(cx.db, account).unwrap();
        Settings::new(visit, Factors::new(factors, &passkeys, None))
    });
    check(&page, expect![[r#""#]]);
    let empty = Factors::new(NONE, &[], Some("not offered"));
    assert_eq!(empty.totp_note.as_deref(), Some("Not offered."));
    assert_eq!(empty.recovery_codes, None);
    let left = |recovery_codes| {
        Factors::new(factor::Factors { recovery_codes, ..APP }, &[], None).recovery_codes.unwrap()
    };
    assert_eq!(left(0), "You have no recovery codes.");
    assert_eq!(left(1), "You have 1 recovery code left.");
}

#[test]
fn the_way_back_is_a_page_of_this_site() {
    assert_eq!(back(Some("/dashboard/farm")), "/dashboard/farm");
    assert_eq!(back(Some("//evil.example")), "/dashboard/settings");
    assert_eq!(back(None), "/dashboard/settings");
}
