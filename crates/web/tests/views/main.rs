//! The pages, filled from a real store: what each person reads who may look.

#![expect(clippy::unwrap_used, reason = "what fails in a test fails the test")]

mod account;
mod books;
mod comparison;
mod docs;
mod factors;
mod farmer;
mod hostile;
#[path = "../pages/html.rs"]
mod html;
mod leaving;
mod market;
mod operator;
mod renter;
mod settings;

use askama::Template;
use expect_test::Expect;

/// Compares what a person reads on a page, and holds that it is well formed.
#[track_caller]
fn check(page: &impl Template, expected: Expect) {
    let html = page.render().expect("templates print fields only");
    html::check_form("page", &html);
    expected.assert_eq(&html::reading(&html));
}

/// What the frame of a page says of who looks at it.
#[track_caller]
fn check_frame(page: &impl Template, expected: &[&str], absent: &[&str]) {
    let html = page.render().expect("templates print fields only");
    for text in expected {
        assert!(html.contains(text), "{text} is missing");
    }
    for text in absent {
        assert!(!html.contains(text), "{text} is there");
    }
}
