//! Journeys of a person, in real Chromium: the browser, driven over WebDriver.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod chromium;
mod picture;

pub use chromium::{ENTER, ESCAPE, SPACE, Tab, journey};
