//! The pages: one view model and one template each.
//!
//! A view model holds text and small numbers, ready to print; whoever builds it has done all
//! arithmetic, rounding and wording. A template repeats, chooses and prints. Askama escapes every
//! value, and no template switches that off.
//!
//! This module holds what several pages share; each page has a module of its own.

mod error;

pub use error::ErrorPage;
use strum::IntoStaticStr;

/// What surrounds every page: its title, and who is looking at it.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// The page's name, for the browser's tab; the template adds the product's.
    pub title: String,
    /// The navigation entry that is marked as the current one.
    pub section: Section,
    /// The email address of the account that is signed in; `None` for a visitor, and where it is
    /// not looked up.
    pub signed_in: Option<String>,
    /// Whether the request carries a session of which nothing else is known.
    pub has_session: bool,
    /// Whether that account is an operator's.
    pub is_operator: bool,
    /// The wallet's balance, such as `$100.00`.
    pub balance: Option<String>,
    /// How many notifications are unread, such as `7` or `99+`, if there are any.
    pub unread: Option<String>,
    /// The last event that a page shows the effects of, if it is to follow what comes after it.
    pub last_event: Option<i64>,
    /// The value of the hidden field `form_token` in every form that posts, if forms carry one.
    pub form_token: Option<String>,
    /// What the last action did, shown once above the page.
    pub notice: Option<Notice>,
    /// Where the app is reached from outside, for the card that is shown where somebody shares the
    /// page; `None` for a page that a visitor is not shown.
    pub shared_from: Option<String>,
    /// Where the source code is published, linked from the footer.
    pub source_url: Option<String>,
}

impl Frame {
    /// The frame of a page as a visitor sees it. Fill in the rest for an account.
    pub fn new(title: impl Into<String>, section: Section) -> Frame {
        Frame { title: title.into(), section, ..Frame::default() }
    }

    /// Whether the page is in this section.
    pub fn is_in(&self, section: Section) -> bool {
        self.section == section
    }
}

/// The entries of the navigation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Section {
    /// A page outside the navigation: sign-in, errors, the landing page.
    #[default]
    Elsewhere,
    /// `/marketplace/...`
    Marketplace,
    /// `/dashboard/slices...`
    Slices,
    /// `/dashboard/farm...`
    Farm,
    /// `/dashboard/wallet`
    Wallet,
    /// `/dashboard/notifications...`
    Notifications,
    /// `/dashboard/settings...`
    Settings,
    /// `/operator...`
    Operator,
    /// `/docs/...`
    Docs,
}

/// How something stands, as a color beside the words, by its name in the stylesheet. The words
/// alone must say it too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Tone {
    /// Neither good nor bad.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Needs attention soon.
    Warn,
    /// Has gone wrong.
    Bad,
}

/// A word or two about a state, such as `published` or `down`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Badge {
    /// The words.
    pub text: String,
    /// Their color.
    pub tone: Tone,
}

impl Badge {
    /// A badge of these words in this tone.
    pub fn new(text: impl Into<String>, tone: Tone) -> Badge {
        Badge { text: text.into(), tone }
    }
}

/// A message about the last action, such as "The node is published."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// One or two sentences.
    pub text: String,
    /// Whether it went well.
    pub tone: Tone,
}

/// A form field as it is shown again: what was entered, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// The text in the field.
    pub value: String,
    /// What the field expects instead, as a sentence; `None` when it is fine.
    pub error: Option<String>,
}

impl Field {
    /// A field that holds `value` and has nothing wrong.
    pub fn new(value: impl Into<String>) -> Field {
        Field { value: value.into(), error: None }
    }

    /// A field whose `value` was refused.
    pub fn refused(value: impl Into<String>, error: impl Into<String>) -> Field {
        Field { value: value.into(), error: Some(error.into()) }
    }
}

/// One entry of a list to choose from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What the form sends.
    pub value: String,
    /// What the person reads.
    pub label: String,
    /// Whether it is the one that applies now.
    pub is_chosen: bool,
}

/// A label and its value, one row of a list of facts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What the value is, such as `Country`.
    pub label: String,
    /// The value, such as `Belgium`.
    pub value: String,
}

impl Fact {
    /// A fact from its label and value.
    pub fn new(label: impl Into<String>, value: impl Into<String>) -> Fact {
        Fact { label: label.into(), value: value.into() }
    }
}

/// An instant, for people and for programs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// RFC 3339 in UTC, such as `2026-07-29T12:00:00Z`.
    pub iso: String,
    /// For reading, such as `29 July 2026, 12:00 UTC`.
    pub text: String,
}

impl Moment {
    /// A moment from its two texts.
    pub fn new(iso: impl Into<String>, text: impl Into<String>) -> Moment {
        Moment { iso: iso.into(), text: text.into() }
    }
}

/// A link and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Where it leads.
    pub url: String,
    /// What it says.
    pub text: String,
}

impl Link {
    /// A link to `url` that says `text`.
    pub fn new(url: impl Into<String>, text: impl Into<String>) -> Link {
        Link { url: url.into(), text: text.into() }
    }
}
