//! Renters have a password set for the console of a machine, to repair one that lost its network.
//!
//! It is shown once. The database has what it comes to by crypt(3), until the agent has set it.

pub(crate) mod json;

use askama::Template;
use data_encoding::BASE32_NOPAD;
use domain::audit::Action;
use domain::capability::Capability;
use domain::id::{ActionId, RentalId, SliceId};
use domain::machine_action::MachineAction;
use http::StatusCode;
use sha_crypt::{PasswordHasher, ShaCrypt};
use store::machine_actions::{self, NewAction};
use ui::visit::Visit;
use web::page::{Frame, Section};
use web::{Context, Problem, Response, form, respond};

use crate::actions::chosen_machine;
use crate::actions::json::{ActionView, own_rental};
use crate::console_password::json::{PasswordAnswer, PasswordBody};

/// The randomness of a password, in bytes: 80 bits, which are typed as 16 letters and digits.
const PASSWORD_BYTES: usize = 10;

/// The randomness of a salt, in bytes: crypt(3) takes 16 characters.
const SALT_BYTES: usize = 12;

/// What `console_password.html` shows: a password, this once.
#[derive(Clone, Debug, Template)]
#[template(path = "console_password/console_password.html")]
struct PasswordPage {
    /// What surrounds the page.
    frame: Frame,
    /// The rental's page.
    rental_url: String,
    /// Such as `node32_slice_1`.
    slice_id: String,
    /// The password.
    password: String,
}

pub(crate) fn request(cx: &Context<'_>) -> Result<Response, Problem> {
    let (_, view, password) = set(cx, &web::json::optional_body(cx.request)?)?;
    let answer = PasswordAnswer { password, action: view };
    respond::json(StatusCode::CREATED, &answer)
}

/// Takes the form that sets a password, which is on the rental's page.
pub fn send_form(cx: &Context<'_>) -> Result<Response, Problem> {
    let (slice, _, password) = set(cx, &form::body(cx.request)?)?;
    let page = PasswordPage {
        frame: Visit::of(cx)?.frame("Console password", Section::Slices),
        rental_url: format!("/dashboard/slices/{}", own_rental(cx)?),
        slice_id: slice.to_string(),
        password,
    };
    respond::page(StatusCode::OK, &page)
}

/// Has a password set for the console of one of the machines of a rental of whoever is signed in.
/// That they asked is written down.
fn set(cx: &Context<'_>, body: &PasswordBody) -> Result<(SliceId, ActionView, String), Problem> {
    let rental: RentalId = own_rental(cx)?;
    let machine = chosen_machine(cx, rental, body.slice, Capability::SetPassword)?;
    let password = new_password(cx);
    let salt: [u8; SALT_BYTES] = cx.random.bytes();
    let hash = ShaCrypt::default().hash_password_with_salt(password.as_bytes(), &salt);
    let hash = hash.map_err(Problem::internal)?;
    let (renter, kind) = (cx.account()?.account, MachineAction::SetPassword);
    let id = ActionId::from_random(cx.now, cx.random.id());
    let subject = rental.to_string();
    let audit = &cx.audit_entry(Action::MachineActionRequested, Some(renter), &subject);
    let action = NewAction { id, job: &machine.job, kind, renter, intention: None, audit };
    machine_actions::set_password(cx.db, &action, hash.as_str(), cx.now)?;
    let view = ActionView::requested(id, kind, machine.slice, cx.now);
    Ok((machine.slice, view, password))
}

/// Such as `h5qk-3zbd-xw2m-7jat`.
fn new_password(cx: &Context<'_>) -> String {
    let letters = BASE32_NOPAD.encode(&cx.random.bytes::<PASSWORD_BYTES>()).to_lowercase();
    let groups: Vec<_> = (0..letters.len()).step_by(4).map(|at| &letters[at..at + 4]).collect();
    groups.join("-")
}
