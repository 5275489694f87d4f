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

#[test]
fn a_form_sent_after_the_session_ended_comes_back_filled_in() {
    let stage = Stage::without_nodes();
    set_password(&stage, &[ADA]);
    let path = "/dashboard/settings/display-name";
    let entered = ("display_name", "Ada & Co.");
    let secret = ("current_password", "typed again");

    let login = send(&stage.as_visitor(), path, &[entered, secret]);
    assert_eq!(login.status(), 307, "the browser sends the form again");
    let login = login.headers()["location"].to_str().unwrap().to_owned();
    let page = send(&stage.as_visitor(), &login, &[entered, secret]).html(200);
    assert!(page.contains("your entries are filled in"), "{page}");
    assert!(!page.contains("typed again"), "{page}");
    let kept = hidden(&page, "kept");

    // A wrong password loses nothing.
    let sign_in = |password| {
        let fields = [("email", ADA.email), ("password", password), ("kept", kept.as_str())];
        send(&stage.as_visitor(), "/login", &fields)
    };
    assert_eq!(hidden(&sign_in("wrong").html(401), "kept"), kept);
    sign_in(PASSWORD).reads(
        200,
        expect![[r#"
            Continue
            Nothing was sent yet. Your entries are filled in on the next page: check them and
              send them there.
            post /dashboard/settings/display-name
            [hidden kept_from=] [hidden display_name=Ada &#38; Co.]
            (Continue)"#]],
    );

    // The next page sends it without the token of a session, and nothing is done.
    let again = send(&stage.as_user(ADA), path, &[("form_token", ""), entered]);
    let page = again.html(403);
    assert!(page.contains("so nothing was sent"), "{page}");
    assert!(page.contains("value=\"Ada &#38; Co.\""), "{page}");
    let settings = ask(&stage.as_user(ADA), "/dashboard/settings").html(200);
    assert!(!settings.contains("Ada &#38; Co."), "{settings}");
}

#[test]
fn a_button_pressed_after_the_session_ended_leads_back_to_its_page() {
    let stage = Stage::without_nodes();
    let from = stage.as_visitor().header("referer", "http://localhost:3000/dashboard/settings");
    let path = "/dashboard/settings/sessions/end-others";
    let login = send(&from, path, &[]);
    let login = login.headers()["location"].to_str().unwrap().to_owned();
    let page = send(&from, &login, &[]).html(200);
    assert_eq!(hidden(&page, "next"), "/dashboard/settings");
    assert!(!page.contains("name=\"kept\""), "{page}");
}

/// The value of a hidden field.
#[track_caller]
fn hidden(page: &str, name: &str) -> String {
    let field = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.split_once(&field).unwrap_or_else(|| panic!("no {name} in {page}"));
    rest.split_once('"').unwrap().0.replace("&#38;", "&")
}
