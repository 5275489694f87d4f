//! Forms that were sent when nobody was signed in any more: they are kept in the pages that sign
//! in, and shown again, filled in, before anything is done.
//!
//! Nothing is stored: `307` has the browser send the form once more to the page that signs in,
//! which carries it as a hidden field to its last step. From there it is sent to where it was
//! meant for, without the token of a session, and `show_again` has its handler show it.

use store::db::ReadOnly;
use url::form_urlencoded::{self, Serializer};

use crate::context::{Context, Response};
use crate::env::{Answer, Env, Message, Outbound};
use crate::form::{Form, IsStale, KEY_FIELD};
use crate::problem::{Kind, Problem};
use crate::session::{FORM_TOKEN, local_path};
use crate::{respond, route, session};

/// The hidden field of the pages that sign in.
pub const FIELD: &str = "kept";

/// The hidden field of a form that was kept: the page that it is of.
pub const SENDER: &str = "kept_from";

/// The most bytes of a form that are kept.
const BYTES_MAX: usize = 64 * 1024;

/// A form, and where it was sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptForm {
    /// The path that it is for, on this site.
    pub path: String,
    /// The page that it was sent from, if the browser said so.
    pub sender: String,
    /// Its fields, without secrets.
    pub fields: Vec<(String, String)>,
}

impl KeptForm {
    /// The form that a redirect brings, for the path in the query.
    pub fn of_redirect(cx: &Context<'_>) -> Option<KeptForm> {
        let path = cx.query("path")?;
        let fields = form_urlencoded::parse(cx.request.body()).into_owned();
        KeptForm::new(&path, sender(cx), fields.collect())
    }

    /// Reads the hidden field of a page.
    pub fn parse(text: &str) -> Option<KeptForm> {
        let mut fields = form_urlencoded::parse(text.as_bytes()).into_owned();
        let ((_, path), (_, sender)) = (fields.next()?, fields.next()?);
        KeptForm::new(&path, Some(&sender), fields.collect())
    }

    /// `None` where nothing was entered, or more than is kept.
    fn new(
        path: &str,
        sender: Option<&str>,
        mut fields: Vec<(String, String)>,
    ) -> Option<KeptForm> {
        let path = Some(local_path(Some(path), "")).filter(|path| !path.is_empty())?.to_owned();
        let sender = local_path(sender, "").to_owned();
        fields.retain(|(name, _)| name != FORM_TOKEN && !is_secret(name));
        let is_entered = fields.iter().any(|(name, _)| name != KEY_FIELD);
        let bytes: usize = fields.iter().map(|(name, value)| name.len() + value.len()).sum();
        (is_entered && bytes <= BYTES_MAX).then_some(KeptForm { path, sender, fields })
    }

    /// The text of the hidden field.
    pub fn text(&self) -> String {
        Serializer::new(String::new())
            .append_pair("path", &self.path)
            .append_pair("sender", &self.sender)
            .extend_pairs(&self.fields)
            .finish()
    }
}

/// Whether a field is typed again rather than kept in a page.
fn is_secret(name: &str) -> bool {
    name.contains("password") || name.contains("secret") || name == "code"
}

/// The page of this site that a form was sent from, if the browser says so.
pub fn sender<'a>(cx: &'a Context<'_>) -> Option<&'a str> {
    session::referring_path(cx.request, &cx.config.public_url)
}

/// Has the browser send a form to a page that signs in or verifies, for the path of this request.
pub(crate) fn keep_at(page: &str, cx: &Context<'_>) -> Response {
    let query = Serializer::new(String::new()).append_pair("path", cx.path_and_query()).finish();
    respond::same_method_at(&format!("{page}?{query}"))
}

/// Shows a form that does not carry the token of its session, filled in. The handler is called as
/// ever; what it is given can be read and not changed, and to it the form is a wrong one. A form
/// that its handler does not show again for that reason, such as a button, has done nothing: if it
/// was kept it leads back to its page, where what was asked for may not be needed any more.
pub(crate) fn show_again(handler: route::Handler, cx: &Context<'_>) -> Result<Response, Problem> {
    let mut request = cx.request.clone();
    request.extensions_mut().insert(IsStale);
    let db = ReadOnly(cx.db);
    let env = Env { db: &db, outbound: &NoOutbound, ..**cx };
    let mut again = Context::new(&env, &request);
    again.identity.clone_from(&cx.identity);
    again.is_identified = true;
    again.address.clone_from(&cx.address);
    again.request_id.clone_from(&cx.request_id);
    again.params.clone_from(&cx.params);
    match handler(&again) {
        Ok(response) if response.status() == Kind::StaleForm.status() => Ok(response),
        Ok(_) | Err(_) => match local_path(Some(Form::read(cx.request).text(SENDER)), "") {
            "" => Err(Problem::plain(Kind::StaleForm)),
            page => Ok(respond::see_other(page)),
        },
    }
}

/// Asks nobody.
struct NoOutbound;

impl Outbound for NoOutbound {
    fn get(&self, _: &str) -> Result<Answer, String> {
        Err("nothing is asked for a form that is shown again".to_owned())
    }

    fn post(&self, _: &Message<'_>) -> Result<Answer, String> {
        Err("nothing is sent for a form that is shown again".to_owned())
    }

    fn post_all(&self, messages: &[Message<'_>]) -> Vec<Result<u16, String>> {
        messages.iter().map(|message| self.post(message).map(|answer| answer.status)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_kept_with_its_path_and_without_secrets() {
        let kept = KeptForm::parse(
            "path=%2Fdashboard%2Fslices%3Fa%3D1&sender=%2Fb&form_token=t&idempotency_key=k\
             &name=A+%26+B&label=x&label=y&new_password=p&code=123456",
        )
        .unwrap();
        assert_eq!((kept.path.as_str(), kept.sender.as_str()), ("/dashboard/slices?a=1", "/b"));
        let names: Vec<_> = kept.fields.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["idempotency_key", "name", "label", "label"]);
        assert_eq!(KeptForm::parse(&kept.text()), Some(kept));
    }

    #[test]
    fn what_is_no_form_of_this_site_or_too_long_is_not_kept() {
        for text in [
            "",
            "path=",
            "path=%2F%2Fevil.example&sender=&a=b",
            "path=%2Fa&sender=",
            "path=%2Fa&sender=&code=1",
        ] {
            assert_eq!(KeptForm::parse(text), None, "{text}");
        }
        let long = format!("path=%2Fa&sender=&note={}", "x".repeat(BYTES_MAX));
        assert_eq!(KeptForm::parse(&long), None);
    }
}
