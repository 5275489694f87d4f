//! What somebody sees who makes an account or signs in.

use expect_test::expect;
use web::page::{Login, Signup};
use web::{Kind, Problem};

use crate::check;
use crate::market::{Who, empty, form, shown, wrong};

const NEXT: Option<&str> = Some("/dashboard/farm");

pub(crate) fn signup(next: Option<&str>) -> Signup {
    shown(&empty(), Who::Visitor, "/signup", |_, visit| Signup::new(visit, next))
}

pub(crate) fn login(next: Option<&str>) -> Login {
    shown(&empty(), Who::Visitor, "/login", |_, visit| Login::new(visit, next))
}

#[test]
fn forms_lead_on_to_where_the_person_wanted() {
    check(
        &signup(NEXT),
        expect![[r#"
            Create an account
            Use one account to rent slices and to offer nodes.
            post /signup
            [hidden next=/dashboard/farm]
            Email address [email email= required]
            Password
            At least 8 characters. A few random words work well. [password password= required]
            (Create account)
            Already have an account? Sign in </login?next=%2Fdashboard%2Ffarm>"#]],
    );
    check(
        &login(None),
        expect![[r#"
            Sign in
            post /login
            Email address [email email= required]
            Password [password password= required]
            (Sign in)
            No account yet? Create one </signup>"#]],
    );
}

#[test]
fn what_is_wrong_is_said_beside_its_field() {
    let sent = form("email=omar&password=short");
    let problem = Problem::fields(vec![wrong("email", "an address"), wrong("password", "long")]);
    check(
        &signup(None).refused(&sent, &problem),
        expect![[r#"
            Create an account
            Use one account to rent slices and to offer nodes.
            post /signup
            Email address [email email=omar required]
            An address.
            Password
            At least 8 characters. A few random words work well. [password password= required]
            Long.
            (Create account)
            Already have an account? Sign in </login>"#]],
    );
    let taken = signup(None).refused(&sent, &Problem::plain(Kind::EmailTaken));
    let error =
        "This email address already has an account. Sign in instead, or use another address.";
    assert_eq!((taken.email.error.as_deref(), taken.error), (Some(error), None));
}

#[test]
fn a_failed_sign_in_does_not_say_which_of_the_two_was_wrong() {
    let sent = form("email=omar@example.org&password=wrong");
    let page = login(None).refused(&sent, &Problem::plain(Kind::WrongCredentials));
    assert_eq!((page.email.error, page.password_error), (None, None));
    assert_eq!(page.email.value, "omar@example.org");
    assert!(page.error.unwrap().starts_with("Incorrect email address or password."));
}
