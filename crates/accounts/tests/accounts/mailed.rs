//! The pages that lead through a mail.

use expect_test::expect;
use stage::{ADA, Stage};

use crate::{ask, send};

#[test]
fn a_mail_says_nothing_of_who_asked() {
    ask(&Stage::without_nodes().as_visitor(), "/mail-sent").reads(
        200,
        expect![[r#"
            Check your email
            We sent an email to the address you entered. Open the link in it to continue.
            The link works once and expires after 6 hours.
            No email? Check your spam folder and the address you entered, then try again in a few
              minutes."#]],
    );
}

#[test]
fn a_link_of_a_mail_leads_to_one_button() {
    let stage = Stage::without_nodes();
    ask(&stage.as_visitor(), "/signup/confirm?code=a%22b").reads(
        200,
        expect![[r#"
            Confirm your email address
            Confirm your address to create your account.
            post /signup/confirm
            [hidden code=a&#34;b]
            (Create account)
            If you didn't request this, close this page. Nothing has changed."#]],
    );
    ask(&stage.as_user(ADA), "/email/confirm?code=a").reads(
        200,
        expect![[r#"
            Confirm your new email address
            After this, you sign in with your new address.
            post /email/confirm
            [hidden code=a]
            (Change email address)
            If you didn't request this, close this page. Nothing has changed."#]],
    );
}

#[test]
fn a_new_password_is_asked_for() {
    let stage = Stage::without_nodes();
    ask(&stage.as_visitor(), "/reset").reads(
        200,
        expect![[r#"
            Reset your password
            This marketplace doesn't send email. To reset your password, contact the operator
              </help/contact> and tell them the address you sign in with.
            Remembered your password? Sign in </login>"#]],
    );
    let stage = stage.with("mail_transport", "folder");
    send(&stage.as_visitor(), "/reset", &[("email", "omar")]).reads(
        400,
        expect![[r#"
            Reset your password
            Enter the address you sign in with, and we'll send you a reset link.
            post /reset
            Email address [email email=omar required]
            An email address, such as ada@example.org.
            (Send reset link)
            Remembered your password? Sign in </login>"#]],
    );
    let fields = [("code", "a"), ("password", "short")];
    send(&stage.as_visitor(), "/reset/confirm", &fields).reads(
        400,
        expect![[r#"
            Choose a new password
            Your new password works immediately. All browsers are signed out, and your API tokens
              end, except those you keep.
            post /reset/confirm
            [hidden code=a]
            New password
            At least 8 characters. A few random words work well. [password password= required]
            At least 8 characters, at most 512 bytes.
            (Set password)"#]],
    );
}
