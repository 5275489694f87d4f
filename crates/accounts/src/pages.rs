//! The pages that make an account, sign in and sign out.

pub(crate) mod factors;

use http::StatusCode;
use ui::done::Done;
use ui::visit::Visit;
use web::form::{self, Form};
use web::route::see_other_with_cookie;
use web::{Context, Problem, Response, respond, session};

use crate::account::json::CredentialsBody;
use crate::account::page::{HOME, Login, Signup, next as next_page};
use crate::account::way_on::WayOn;
use crate::credentials::{self, SignIn, SignedUp};

pub(crate) fn signup(cx: &Context<'_>) -> Result<Response, Problem> {
    let next = cx.query("next");
    let next = next_page(next.as_deref());
    if cx.identity.is_some() {
        return Ok(respond::see_other(next.unwrap_or(HOME)));
    }
    respond::page(StatusCode::OK, &Signup::new(&Visit::of(cx)?, next))
}

pub(crate) fn sign_up(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let next = next_page(Some(form.text("next")));
    let sign_up = |body: CredentialsBody| credentials::sign_up(cx, &body.email, &body.password);
    match form.body().and_then(sign_up) {
        Ok(SignedUp::In(signed_in)) => {
            let welcome = Done::SignedUp.at(next.unwrap_or(HOME));
            Ok(see_other_with_cookie(&welcome, &signed_in.cookie))
        }
        Ok(SignedUp::ByMail) => Ok(respond::see_other("/mail-sent")),
        Err(problem) => form::refused(problem, |problem| {
            Ok(Signup::new(&Visit::of(cx)?, next).refused(&form, problem))
        }),
    }
}

pub(crate) fn login(cx: &Context<'_>) -> Result<Response, Problem> {
    show_login(cx, WayOn::of_query(cx))
}

/// Takes a form that came when nobody was signed in any more.
pub(crate) fn keep_form(cx: &Context<'_>) -> Result<Response, Problem> {
    show_login(cx, WayOn::of_redirect(cx))
}

fn show_login(cx: &Context<'_>, way_on: WayOn) -> Result<Response, Problem> {
    if cx.identity.is_some() {
        return way_on.resume(cx, HOME);
    }
    respond::page(StatusCode::OK, &Login::new(&Visit::of(cx)?, way_on))
}

pub(crate) fn sign_in(cx: &Context<'_>) -> Result<Response, Problem> {
    let form = Form::read(cx.request);
    let way_on = WayOn::of_form(&form);
    let sign_in = |body: CredentialsBody| credentials::sign_in(cx, &body.email, &body.password);
    match form.body().and_then(sign_in) {
        Ok(SignIn::Done(signed_in)) => way_on.go(cx, HOME, &signed_in.cookie),
        Ok(SignIn::Waits(waiting)) => factors::second_step(cx, &waiting, way_on),
        Err(problem) => form::refused(problem, |problem| {
            Ok(Login::new(&Visit::of(cx)?, way_on).refused(&form, problem))
        }),
    }
}

pub(crate) fn sign_out(cx: &Context<'_>) -> Result<Response, Problem> {
    credentials::sign_out(cx)?;
    Ok(see_other_with_cookie(&Done::SignedOut.at("/"), &session::sign_out_cookie(cx.request)))
}
