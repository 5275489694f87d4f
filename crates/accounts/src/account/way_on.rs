//! What somebody was about to do before they had to sign in or verify: the page that they go on to,
//! or the form that they had sent.

use askama::Template;
use http::StatusCode;
use http::header::SET_COOKIE;
use ui::visit::Visit;
use web::form::Form;
use web::kept::{self, KeptForm};
use web::page::{Frame, Section};
use web::session::local_path;
use web::{Context, Problem, Response, respond};

/// What somebody was about to do. The pages that sign in carry it to their last step.
#[derive(Clone, Debug, Default)]
pub(crate) struct WayOn {
    /// The path to go on to, if a page has asked for one.
    pub next: Option<String>,
    /// The form to send once more.
    pub kept: Option<KeptForm>,
}

/// What `kept.html` shows: the form on its way to where it is shown.
#[derive(Clone, Debug, Template)]
#[template(path = "account/kept.html")]
struct Kept {
    frame: Frame,
    kept: KeptForm,
}

impl WayOn {
    /// As the query says.
    pub(crate) fn of_query(cx: &Context<'_>) -> WayOn {
        WayOn { next: local(cx.query("next").as_deref()), kept: None }
    }

    /// As a page says that carries it.
    pub(crate) fn of_form(form: &Form) -> WayOn {
        let next = local(Some(form.text("next")));
        WayOn { next, kept: KeptForm::parse(form.text(kept::FIELD)) }
    }

    /// As a redirect brings it. A form without anything entered is not worth another question: from
    /// its page it can be sent again.
    pub(crate) fn of_redirect(cx: &Context<'_>) -> WayOn {
        WayOn { next: kept::sender(cx).map(str::to_owned), kept: KeptForm::of_redirect(cx) }
    }

    /// The path to go on to.
    pub(crate) fn next_or<'a>(&'a self, default: &'a str) -> &'a str {
        self.next.as_deref().unwrap_or(default)
    }

    /// Goes on, with a cookie set.
    pub(crate) fn go(
        self,
        cx: &Context<'_>,
        default: &str,
        cookie: &str,
    ) -> Result<Response, Problem> {
        let response = self.resume(cx, default)?;
        Ok(respond::with_header(response, SET_COOKIE, cookie))
    }

    /// Goes on.
    pub(crate) fn resume(self, cx: &Context<'_>, default: &str) -> Result<Response, Problem> {
        let Some(kept) = self.kept else {
            return Ok(respond::see_other(self.next.as_deref().unwrap_or(default)));
        };
        let frame = Visit::of(cx)?.frame("Continue", Section::Elsewhere);
        respond::page(StatusCode::OK, &Kept { frame, kept })
    }
}

fn local(path: Option<&str>) -> Option<String> {
    Some(local_path(path, "").to_owned()).filter(|path| !path.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_on_leads_to_this_site_only() {
        assert_eq!(local(Some("/marketplace?a=b")).as_deref(), Some("/marketplace?a=b"));
        for path in [Some("//evil.example"), Some(""), None] {
            assert_eq!(local(path), None);
        }
    }
}
