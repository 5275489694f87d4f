//! Several rentals at once: one page shows every amount, and each is done for itself.

use stage::{ADA, Answer, BEN, Stage};

use crate::servers::{Server, answers};
use crate::{RENT, rented, slice};

const REVIEW: &str = "/dashboard/slices/selected/review";
const WORK: &str = "/dashboard/slices/selected/work";

/// Ada rents slices of node 32; answers the ids of the rentals.
fn two(stage: &Stage) -> [String; 2] {
    [(); 2].map(|()| rented(stage).rsplit('/').next().unwrap().to_owned())
}

fn review(stage: &Stage, change: &str, ids: &[String]) -> Answer {
    let ids: String = ids.iter().map(|id| format!("&rental={id}")).collect();
    stage.as_user(ADA).get(renting::ROUTES, &format!("{REVIEW}?change={change}{ids}"))
}

fn work(stage: &Stage, change: &str, lines: &[(&str, &str)]) -> Answer {
    let mut fields = vec![("change", change), ("months", "1"), ("idempotency_key", "k")];
    for (id, amount) in lines {
        fields.extend([("rental", *id), ("amount", *amount)]);
    }
    stage.as_user(ADA).form(renting::ROUTES, WORK, &fields)
}

#[track_caller]
fn check_says(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.page(200).contains(text), "{text}: {page}");
    }
}

#[test]
fn several_are_extended_once_for_what_was_shown() {
    let stage = Stage::market();
    let [a, b] = two(&stage);
    let page = review(&stage, "extend&months=1", &[a.clone(), b.clone()]);
    check_says(&page, &["Extend 2 rentals by 1 month", "Extend for $50.00", "29 September 2026"]);
    assert_eq!(stage.balance(ADA), "50.00");
    let done = || work(&stage, "extend", &[(&a, "25.00"), (&b, "25.00")]);
    check_says(&done(), &["2 of 2 rentals extended", "Extended by 1 month for $25.00."]);
    // The page is loaded again.
    check_says(&done(), &["2 of 2 rentals extended"]);
    assert_eq!(stage.balance(ADA), "0.00");
    stage.check_invariants();
}

#[test]
fn what_the_wallet_lacks_for_all_of_them_is_said_before() {
    let stage = Stage::market();
    let [a, b] = two(&stage);
    stage.as_user(ADA).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    let page = review(&stage, "extend&months=1", &[a, b]);
    check_says(&page, &["Your balance is $25.00 short of this total."]);
    assert!(page.html(200).contains("type=\"submit\" disabled>Extend for $50.00"), "{page}");
}

#[test]
fn several_are_ended_at_the_refund_that_was_shown() {
    let stage = Stage::market();
    let [a, b] = two(&stage);
    let page = review(&stage, "end", &[a.clone(), b.clone()]);
    check_says(&page, &["End 2 rentals", "End and refund $50.00", "deleted immediately"]);
    // Another amount than the page has shown is not agreed to; the other rental ends.
    let page = work(&stage, "end", &[(&a, "24.00"), (&b, "25.00")]);
    check_says(&page, &["1 of 2 rentals ended", "Not done:", "Ended; $25.00 is in your wallet."]);
    assert_eq!(stage.balance(ADA), "75.00");
    let page = review(&stage, "end", &[a, b]);
    check_says(&page, &["End 1 rental", "Left out:"]);
    stage.check_invariants();
}

#[test]
fn only_own_machines_that_are_ready_are_restarted() {
    let stage = Stage::market();
    let server = Server::new(&stage);
    let ready = server.rental.clone();
    server.report(&answers());
    let answer = stage.as_user(ADA).post(renting::ROUTES, RENT, slice(32, 1)).ok(201);
    let waiting = answer["rental"]["id"].as_str().unwrap().to_owned();
    let page = review(&stage, "restart", &[ready.clone(), waiting.clone()]);
    check_says(&page, &["Restart 1 rental", "Left out:"]);
    let page = work(&stage, "restart", &[(&ready, ""), (&waiting, "")]);
    check_says(&page, &["1 of 2 rentals being restarted", "Not done:"]);
    // Nobody else's.
    let path = format!("{REVIEW}?change=end&rental={ready}");
    assert_eq!(stage.as_user(BEN).get(renting::ROUTES, &path).status(), 404);
}

#[test]
fn the_list_is_grouped_by_label() {
    let stage = Stage::market();
    let [a, _] = two(&stage);
    let label = [("name", ""), ("labels", "production")];
    let path = format!("/dashboard/slices/{a}/name");
    stage.as_user(ADA).form(renting::ROUTES, &path, &label).see_other();
    let page = stage.as_user(ADA).get(renting::ROUTES, "/dashboard/slices").html(200);
    let (first, rest) = page.split_once("Without a label").unwrap();
    assert!(first.contains("<bdi>production</bdi>") && first.contains(&a), "{page}");
    assert!(!rest.contains(&format!("value=\"{a}\"")), "{page}");
}

#[test]
fn nothing_chosen_leads_back_and_does_nothing() {
    let stage = Stage::market();
    let bare = stage.as_user(ADA).get(renting::ROUTES, REVIEW);
    assert_eq!(bare.see_other(), "/dashboard/slices");
    check_says(&review(&stage, "end", &[]), &["Choose at least one rental"]);
}
