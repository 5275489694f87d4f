//! What every mail keeps to, whichever feature writes it.

use accounts::mails::{
    address_taken, email_change, email_changed, factor_changed, no_account, password_changed,
    password_reset, sign_up,
};
use billing::mails::payout_address_changed;
use domain::account::Email;
use domain::time::Timestamp;
use mail::Mail;
use notifying::mails::{NOTICES_MAX, NoticeLine, notifications};
use proptest::prelude::*;
use renting::mails::{EndOf, node_leaves, node_left, renewal_at_risk, renewal_failed, rental_ends};

const URL: &str = "https://mycelium.example/confirm?code=0123456789";

const END: EndOf<'_> = EndOf { place: "node32_slice_1", day: "2026-12-22", url: URL };

fn ada() -> Email {
    Email::parse("ada@example.org").unwrap()
}

/// Every mail, to `to`, with `text` wherever a text from outside is repeated.
fn every_mail(to: &Email, text: &str) -> Vec<Mail> {
    vec![
        sign_up(to, URL),
        address_taken(to, URL, URL),
        password_reset(to, URL),
        no_account(to, URL),
        email_change(to, URL),
        email_changed(to),
        password_changed(to, 1, 2),
        payout_address_changed(to, text, Timestamp::from_seconds(1_800_000_000)),
        factor_changed(to, text),
        rental_ends(to, END),
        renewal_at_risk(to, END, text),
        renewal_failed(to, END, text),
        node_leaves(to, END),
        node_left(to, END, "$204.00", Some("$12.00")),
    ]
}

#[test]
fn every_mail_says_what_to_do_if_it_was_not_you() {
    let mails = every_mail(&ada(), "a passkey was added");
    let mut kinds: Vec<&str> = mails.iter().map(Mail::kind).collect();
    for mail in &mails {
        assert!(
            mail.text().contains("f this wasn't you")
                || mail.text().contains("f you didn't")
                || mail.text().contains("If you don't")
                || mail.text().contains("If nothing changes,"),
            "{}",
            mail.text()
        );
        assert!(
            mail.text().contains("Mycelium") && mail.text().ends_with(".\n"),
            "{}",
            mail.text()
        );
        let long = mail.text().lines().find(|line| line.len() > 100);
        assert_eq!(long, None);
        assert!(mail.subject().len() < 60 && mail.text().len() < 700, "short: {}", mail.kind());
    }
    kinds.sort_unstable();
    kinds.dedup();
    assert_eq!(kinds.len(), mails.len());
}

#[test]
fn several_notifications_come_in_one_mail_that_has_an_end() {
    let line = |number: usize| NoticeLine {
        title: format!("node{number}_slice_1 was rented"),
        at: "22 November 2026, 17:20 UTC".to_owned(),
        url: URL.to_owned(),
    };
    let one = notifications(&ada(), "Rented", &[line(1)], URL);
    assert_eq!(one.subject(), "node1_slice_1 was rented");
    let many: Vec<NoticeLine> = (0..NOTICES_MAX + 7).map(line).collect();
    let many = notifications(&ada(), "Rented", &many, URL);
    assert_eq!(many.subject(), "Rented: 27 notifications");
    assert!(many.text().contains("node19_slice_1") && !many.text().contains("node20_slice_1"));
    assert!(many.text().contains("And 7 more.\n"));
    for mail in [one, many] {
        let links = mail.text().lines().filter(|line| line.contains("https://"));
        assert!(links.into_iter().all(|line| line == URL), "{}", mail.text());
        assert!(!mail.text().chars().any(|c| c.is_control() && c != '\n'));
    }
}

#[test]
fn links_stand_alone_on_their_line() {
    for mail in every_mail(&ada(), "") {
        let links = mail.text().lines().filter(|line| line.contains("https://"));
        assert!(links.into_iter().all(|line| line == URL), "{}", mail.text());
    }
    let mail = password_reset(&ada(), URL);
    assert!(mail.text().contains(URL) && mail.text().contains("for 6 hours"));
}

proptest! {
    #[test]
    fn item_13_no_header_ever_has_a_control_character(to in ".{0,20}@.{0,20}", text: String) {
        let Ok(to) = Email::parse(&to) else { return Ok(()) };
        for mail in every_mail(&to, &text) {
            let headers = [mail.kind(), mail.to(), mail.subject()];
            prop_assert!(!headers.iter().any(|text| text.chars().any(char::is_control)));
            prop_assert!(!mail.text().chars().any(|c| c.is_control() && c != '\n'));
        }
    }

    #[test]
    fn a_text_from_outside_stays_on_its_line(text: String) {
        let lines = factor_changed(&ada(), "x").text().lines().count();
        prop_assert_eq!(factor_changed(&ada(), &text).text().lines().count(), lines);
    }
}
