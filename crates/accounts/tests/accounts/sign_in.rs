//! What somebody sees who makes an account or signs in.

use expect_test::expect;
use stage::{ADA, HOSTILE, Stage, reading};

use crate::{PASSWORD, ask, send, set_password};

#[test]
fn forms_lead_on_to_where_the_person_wanted() {
    let stage = Stage::without_nodes();
    let visitor = stage.as_visitor();
    ask(&visitor, "/signup?next=%2Fdashboard%2Ffarm").reads(
        200,
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
    ask(&visitor, "/login").reads(
        200,
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
    let stage = Stage::without_nodes();
    let sign_up = |email, password| {
        send(&stage.as_visitor(), "/signup", &[("email", email), ("password", password)])
    };
    sign_up("omar", "short").reads(
        400,
        expect![[r#"
            Create an account
            Use one account to rent slices and to offer nodes.
            post /signup
            Email address [email email=omar required]
            An email address, such as ada@example.org.
            Password
            At least 8 characters. A few random words work well. [password password= required]
            At least 8 characters, at most 512 bytes.
            (Create account)
            Already have an account? Sign in </login>"#]],
    );
    let page = reading(&sign_up(ADA.email, PASSWORD).html(409));
    expect![[r#"
        Create an account
        Use one account to rent slices and to offer nodes.
        post /signup
        Email address [email email=o&#39;ada&#38;co@example.org required]
        This email address already has an account. Sign in instead, or use another address.
    "#]]
    .assert_eq(page.split_once("Password").unwrap().0);
}

#[test]
fn a_failed_sign_in_does_not_say_which_of_the_two_was_wrong() {
    let stage = Stage::without_nodes();
    set_password(&stage, &[ADA]);
    let sign_in = |email| {
        let fields = [("email", email), ("password", "wrong")];
        reading(&send(&stage.as_visitor(), "/login", &fields).html(401))
    };
    let page = sign_in("nobody@example.org");
    assert_eq!(sign_in(ADA.email).replace("o&#39;ada&#38;co@", "nobody@"), page);
    expect![[r#"
        Sign in
        post /login
        Incorrect email address or password. Check both. Passwords are case-sensitive.
        Email address [email email=nobody@example.org required]
        Password [password password= required]
        (Sign in)
        No account yet? Create one </signup>"#]]
    .assert_eq(&page);
}

#[test]
fn what_a_form_says_is_text() {
    let stage = Stage::without_nodes();
    let fields = [("email", HOSTILE), ("password", HOSTILE), ("next", "/a")];
    for path in ["/signup", "/login"] {
        send(&stage.as_visitor(), path, &fields).escapes_hostile_text();
    }
}
