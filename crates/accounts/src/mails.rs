//! Mails about accounts: signing up, passwords, addresses, second factors.

use domain::account::Email;
use mail::{Mail, one_line};
use ui::limits::LINK_HOURS;

/// Whoever signed up follows the link, and has an account.
pub fn sign_up(to: &Email, url: &str) -> Mail {
    let text = format!(
        "Welcome to Mycelium.\n\n\
         Open this link to confirm your address. It works once, for {LINK_HOURS} hours:\n\n\
         {url}\n\n\
         If the link has expired, sign up again. If you didn't sign up, ignore this email; no \
         account\n\
         is created without the link.\n"
    );
    Mail::new("sign-up", to, "Confirm your address", text)
}

/// Somebody signed up with an address that has an account already.
pub fn address_taken(to: &Email, login_url: &str, reset_url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, tried to sign up at Mycelium with this address. It already has an\n\
         account, and nothing about it has changed.\n\n\
         Sign in here:\n\n{login_url}\n\n\
         If you forgot your password, reset it here:\n\n{reset_url}\n\n\
         If this wasn't you, ignore this email.\n"
    );
    Mail::new("address-taken", to, "You already have an account", text)
}

/// Whoever forgot the password follows the link, and chooses another one.
pub fn password_reset(to: &Email, url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, requested a password reset at Mycelium.\n\n\
         Open this link to choose a new password. It works once, for {LINK_HOURS} hours:\n\n\
         {url}\n\n\
         If the link has expired, request a new one. If this wasn't you, ignore this email; your\n\
         password has not changed.\n"
    );
    Mail::new("password-reset", to, "Reset your password", text)
}

/// Somebody asked for a new password for an address that has no account.
pub fn no_account(to: &Email, signup_url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, requested a password reset at Mycelium. This address has no\n\
         account; you may have signed up with a different one.\n\n\
         To create an account, sign up here:\n\n{signup_url}\n\n\
         If this wasn't you, ignore this email.\n"
    );
    Mail::new("no-account", to, "No account has this address", text)
}

/// To the new address of an account: whoever reads it follows the link, and the address changes.
pub fn email_change(to: &Email, url: &str) -> Mail {
    let text = format!(
        "Someone, probably you, wants to use this address for a Mycelium account.\n\n\
         Open this link to confirm it. It works once, for {LINK_HOURS} hours:\n\n\
         {url}\n\n\
         If the link has expired, change the address again. If this wasn't you, ignore this \
         email;\n\
         without the link nothing changes.\n"
    );
    Mail::new("email-change", to, "Confirm your new address", text)
}

/// To the old address of an account, once it has another one.
pub fn email_changed(to: &Email) -> Mail {
    let text =
        "The email address of your Mycelium account was changed. You now sign in with the new\n\
         address, and this address gets no more email about the account.\n\n\
         If this wasn't you, someone else has access to your account: contact the marketplace\n\
         operator immediately.\n"
            .to_owned();
    Mail::new("email-changed", to, "Your address was changed", text)
}

/// The password was changed, and so many API tokens ended and stayed.
pub fn password_changed(to: &Email, ended: usize, kept: usize) -> Mail {
    let ended = match ended {
        0 => String::new(),
        ended => format!(
            "API tokens that were ended: {ended}. Programs and agents that used them need new \
             ones.\n\n"
        ),
    };
    let kept = match kept {
        0 => String::new(),
        kept => format!("API tokens that were kept: {kept}.\n\n"),
    };
    let text = format!(
        "The password of your Mycelium account was changed, and all other browsers were signed\n\
         out.\n\n\
         {ended}{kept}\
         If this wasn't you, reset your password immediately with \"Forgot your password?\"\n\
         on the sign-in page, and contact the marketplace operator.\n"
    );
    Mail::new("password-changed", to, "Your password was changed", text)
}

/// A second factor came or went; `description` says it in a clause, such as "a passkey was added".
pub fn factor_changed(to: &Email, description: &str) -> Mail {
    let description = one_line(description);
    let text = format!(
        "Two-factor authentication of your Mycelium account was changed: {description}.\n\n\
         If this wasn't you, change your password immediately, review your passkeys and devices,\n\
         and contact the marketplace operator.\n"
    );
    Mail::new("factor-changed", to, "Two-factor authentication was changed", text)
}
