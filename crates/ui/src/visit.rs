//! A look at a page: who looks, when, and at which address.

use domain::money::{Percent, PriceLimits, Usd};
use domain::time::Timestamp;
use store::accounts::Identity;
use store::notifications::{self, UNREAD_MAX};
use store::{StoreError, events, ledger};
use url::form_urlencoded::{self, Serializer};
use web::api::Search;
use web::page::{Frame, Section};
use web::{Context, confirmation, session};

use crate::done::notice;

/// How many are unread, such as `7` or `99+`; `None` for none.
pub fn unread_words(unread: u32) -> Option<String> {
    match unread {
        0 => None,
        1..=UNREAD_MAX => Some(unread.to_string()),
        _ => Some(format!("{UNREAD_MAX}+")),
    }
}

/// Who looks at a page, when, and at which address: what every page depends on.
pub struct Visit<'a> {
    /// Who looks; `None` for a visitor, and where it is not looked up.
    pub viewer: Option<Viewer<'a>>,
    /// Whether there is a session of which it is not looked up.
    has_session: bool,
    /// When.
    pub now: Timestamp,
    /// The last event before the page's data were read, on a page that is live.
    last_event: Option<i64>,
    /// Names the request.
    pub request_id: &'a str,
    /// What forms of this session carry.
    form_token: Option<String>,
    /// What a farmer may ask for a slice and month.
    pub price_limits: PriceLimits,
    /// What the platform keeps of a rental.
    pub platform_fee: Percent,
    /// Whether mail can be sent.
    pub has_mail: bool,
    /// Multiplies every limit on requests.
    pub limit_factor: u32,
    /// Names what the form did that led here.
    done: Option<&'a str>,
    /// Where the app is reached from outside.
    pub base_url: String,
    /// What is searched.
    pub search: Search,
    query: Vec<(String, String)>,
}

/// An account that looks at a page.
#[derive(Clone, Copy)]
pub struct Viewer<'a> {
    /// Whose account.
    pub identity: &'a Identity,
    /// What its wallet holds.
    pub balance: Usd,
    /// How many notifications it has not read.
    unread: u32,
}

/// The field of a query that belongs to one page of a list and not to the next.
const CURSOR: &str = "cursor";

impl<'a> Visit<'a> {
    /// The visit that a request makes. For an account, it reads what the wallet holds, and how many
    /// notifications are unread.
    pub fn of(cx: &'a Context<'_>) -> Result<Visit<'a>, StoreError> {
        let viewer = match &cx.identity {
            Some(identity) => Some(Viewer {
                identity,
                balance: ledger::balance(cx.db, identity.account)?,
                unread: notifications::unread(cx.db, identity.account)?,
            }),
            None => None,
        };
        let form_token = viewer.and_then(|_| session::form_token(cx.request));
        Ok(Visit { viewer, form_token, has_session: false, ..Visit::anonymous(cx) })
    }

    /// The visit of a page that is the same for everybody: it asks the database nothing.
    pub fn anonymous(cx: &'a Context<'_>) -> Visit<'a> {
        Visit {
            viewer: None,
            has_session: session::has_session(cx.request),
            now: cx.now,
            last_event: None,
            request_id: &cx.request_id,
            form_token: session::form_token(cx.request),
            price_limits: cx.config.price_limits,
            platform_fee: cx.config.platform_fee,
            has_mail: cx.config.has_mail,
            limit_factor: cx.config.limit_factor,
            done: confirmation::of(cx.request),
            base_url: cx.base_url(),
            search: cx.search(),
            query: query(cx.request.uri().query().unwrap_or_default()),
        }
    }

    /// The visit of a page that changes with what happens. Ask for it before the page's own data,
    /// so that nothing happens unseen in between.
    pub fn live(cx: &'a Context<'_>) -> Result<Visit<'a>, StoreError> {
        let last_event = match &cx.identity {
            Some(identity) => Some(events::last(cx.db, identity.account)?),
            None => None,
        };
        Ok(Visit { last_event, ..Visit::of(cx)? })
    }

    /// The frame of a page with this title.
    pub fn frame(&self, title: impl Into<String>, section: Section) -> Frame {
        Frame {
            has_session: self.has_session,
            signed_in: self.viewer.map(|viewer| viewer.identity.email.clone()),
            is_operator: self.viewer.is_some_and(|viewer| viewer.identity.is_operator),
            balance: self.viewer.map(|viewer| viewer.balance.for_people()),
            unread: self.viewer.and_then(|viewer| unread_words(viewer.unread)),
            last_event: self.last_event,
            form_token: self.form_token.clone(),
            shared_from: self.shared_from(),
            notice: self.done.and_then(notice),
            ..Frame::new(title, section)
        }
    }

    /// Where the app is reached from outside, on a page that somebody may share.
    fn shared_from(&self) -> Option<String> {
        let is_visitor = self.viewer.is_none() && !self.has_session;
        Some(self.base_url.clone()).filter(|url| is_visitor && !url.is_empty())
    }

    /// The value of a field of the query, without white space around it; empty if it was not sent.
    pub fn query(&self, name: &str) -> String {
        let found = self.query.iter().find(|(field, _)| field == name);
        found.map(|(_, value)| value.trim().to_owned()).unwrap_or_default()
    }

    /// Every value of a field of the query that can be sent several times.
    pub fn query_all(&self, name: &str) -> impl Iterator<Item = &str> {
        let values = self.query.iter().filter(move |(field, _)| field == name);
        values.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }

    /// The address of `path` with the query of this visit, but for the fields of `without` and
    /// those that belong to one look, and with those of `with`.
    pub fn address(&self, path: &str, without: &[&str], with: &[(&str, &str)]) -> String {
        let stays = |(field, value): &&(String, String)| {
            field != CURSOR && !without.contains(&field.as_str()) && !value.trim().is_empty()
        };
        let kept = self.query.iter().filter(stays);
        let query = Serializer::new(String::new()).extend_pairs(kept).extend_pairs(with).finish();
        if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
    }

    /// The address of the next page of the list at `path`: the same query, behind another place.
    pub fn next_page(&self, path: &str, next_cursor: Option<String>) -> Option<String> {
        Some(self.address(path, &[], &[(CURSOR, &next_cursor?)]))
    }
}

fn query(text: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visit(text: &str) -> Visit<'static> {
        Visit {
            viewer: None,
            has_session: false,
            now: Timestamp::from_seconds(0),
            last_event: None,
            request_id: "",
            form_token: None,
            price_limits: PriceLimits { min: Usd::ZERO, max: Usd::ZERO },
            platform_fee: Percent::whole(0),
            has_mail: false,
            limit_factor: 1,
            done: None,
            base_url: String::new(),
            search: Search::of(&"/".parse().unwrap()),
            query: query(text),
        }
    }

    #[test]
    fn the_next_page_keeps_the_filter_and_nothing_else() {
        let visit = visit("country=C%C3%B4te+d%27Ivoire&max_price=&cursor=old");
        assert_eq!(
            visit.next_page("/list", Some("a b".to_owned())).as_deref(),
            Some("/list?country=C%C3%B4te+d%27Ivoire&cursor=a+b")
        );
        assert_eq!(visit.next_page("/list", None), None);
    }

    #[test]
    fn many_unread_ones_are_not_counted_to_the_end() {
        let words = |unread| unread_words(unread).unwrap_or_default();
        assert_eq!([words(0), words(1), words(99), words(100)], ["", "1", "99", "99+"]);
    }
}
