//! What a page confirms of the form that led to it: once, and never because of a link.

use http::header::SET_COOKIE;
use stage::{ADA, Answer, Stage};

use crate::{PASSWORD, ask, send, set_password};

const PROFILE: &str = "/dashboard/settings/profile";
const SAID: &str = "Display name saved.";

/// The cookies that an answer sets.
fn cookies(answer: &Answer) -> Vec<String> {
    let set = answer.headers().get_all(SET_COOKIE).iter();
    set.map(|cookie| cookie.to_str().unwrap().to_owned()).collect()
}

#[test]
fn a_page_says_once_what_was_done() {
    let stage = Stage::without_nodes();
    let ada = stage.as_user(ADA);
    let fields = [("display_name", "Ada")];
    let done = send(&ada, "/dashboard/settings/display-name", &fields);
    assert_eq!(done.see_other(), format!("{PROFILE}?done=name-set"));
    assert_eq!(done.headers()["location"], PROFILE);
    let cookie = cookies(&done).pop().unwrap();
    assert_eq!(cookie, "done=name-set; Path=/; Max-Age=60; HttpOnly; SameSite=Lax");

    // A script that looks at a page meanwhile takes nothing away from the one that is opened.
    let back = stage.as_user(ADA).header("cookie", "done=name-set");
    let looked = ask(&back.clone().header("sec-fetch-mode", "cors"), PROFILE);
    assert!(!looked.page(200).contains(SAID) && cookies(&looked).is_empty(), "{looked}");
    let shown = ask(&back.header("sec-fetch-mode", "navigate"), PROFILE);
    assert!(shown.page(200).contains(SAID), "{shown}");
    assert_eq!(cookies(&shown), ["done=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax"]);
    let again = ask(&ada, PROFILE);
    assert!(!again.page(200).contains(SAID) && cookies(&again).is_empty(), "{again}");
}

#[test]
fn no_link_has_a_page_say_that_something_was_done() {
    let stage = Stage::without_nodes();
    set_password(&stage, &[ADA]);
    for path in ["/dashboard/settings?done=account-deleted", "/login?done=email-changed"] {
        let page = ask(&stage.as_user(ADA), path);
        assert!(!page.text().contains("role=\"status\"") && page.confirms().is_none(), "{page}");
    }
    // Neither does a link to the page that signs in.
    let next = "/dashboard/settings?done=account-deleted";
    let fields = [("email", ADA.email), ("password", PASSWORD), ("next", next)];
    let signed_in = send(&stage.as_visitor(), "/login", &fields);
    assert_eq!(signed_in.confirms(), None);
    let other = stage.as_user(ADA).header("cookie", "done=everything");
    assert!(!ask(&other, PROFILE).text().contains("role=\"status\""));
}

#[test]
fn what_a_visitor_is_told_once_is_kept_nowhere() {
    let stage = Stage::without_nodes();
    let visitor = stage.as_visitor().header("cookie", "done=password-set");
    let page = ask(&visitor, "/login");
    assert!(page.page(200).contains("Password set."), "{page}");
    assert_eq!(page.headers()["cache-control"], "no-store");
}
