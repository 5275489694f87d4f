//! What the operator sets: Spin's variables, read and checked.

use domain::time::Timestamp;
use url::{Host, Url};

use crate::signature::{self, SignatureError};

/// What is posted to Stripe.
pub struct Post {
    /// Where.
    pub url: String,
    /// Its headers; one of them is the secret key.
    pub headers: Vec<(&'static str, String)>,
    /// A form.
    pub body: Vec<u8>,
}

/// How Stripe is reached, and what identifies us and it. It cannot be printed: it holds secrets.
pub struct StripeConfig {
    /// Identifies us.
    pub(crate) secret_key: String,
    /// What Stripe signs events with.
    webhook_secret: String,
    /// Its API, without a slash at the end.
    pub(crate) url: String,
    /// Where people pay: scheme, host and port.
    checkout_origin: String,
}

/// The fewest characters of a secret. Stripe's have more than 30.
const SECRET_CHARS_MIN: usize = 16;

impl StripeConfig {
    /// Reads the variables with `get`; `None` where neither secret is set, and then payments are
    /// off. The error names the variable and never holds its value.
    pub fn read(
        get: impl Fn(&str) -> Result<String, String>,
    ) -> Result<Option<StripeConfig>, String> {
        let (secret_key, webhook_secret) =
            (get("stripe_secret_key")?, get("stripe_webhook_secret")?);
        if secret_key.is_empty() && webhook_secret.is_empty() {
            return Ok(None);
        }
        for (name, secret) in
            [("stripe_secret_key", &secret_key), ("stripe_webhook_secret", &webhook_secret)]
        {
            let is_plain = secret.bytes().all(|byte| byte.is_ascii_graphic());
            if secret.len() < SECRET_CHARS_MIN || !is_plain {
                return Err(format!("{name}: expected the whole secret, and both of them or none"));
            }
        }
        let url = read_url("stripe_url", &get("stripe_url")?)?;
        let checkout = read_url("stripe_checkout_url", &get("stripe_checkout_url")?)?;
        Ok(Some(StripeConfig {
            secret_key,
            webhook_secret,
            url: url.as_str().trim_end_matches('/').to_owned(),
            checkout_origin: checkout.origin().ascii_serialization(),
        }))
    }

    /// Where people pay, such as `https://checkout.stripe.com`.
    pub fn checkout_origin(&self) -> &str {
        &self.checkout_origin
    }

    /// Checks that Stripe has signed `body`, and not long before or after `now`. `header` is the
    /// value of `Stripe-Signature`.
    pub fn verify(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), SignatureError> {
        signature::verify(self.webhook_secret.as_bytes(), header, body, now)
    }
}

/// An address that a secret may be sent to: over TLS, or on this machine.
fn read_url(name: &str, text: &str) -> Result<Url, String> {
    let is_safe = |url: &Url| match (url.scheme(), url.host()) {
        ("https", Some(_)) => true,
        ("http", Some(Host::Domain(name))) => name == "localhost",
        ("http", Some(Host::Ipv4(address))) => address.is_loopback(),
        ("http", Some(Host::Ipv6(address))) => address.is_loopback(),
        _ => false,
    };
    let url = Url::parse(text).ok().filter(is_safe);
    url.filter(|url| url.query().is_none() && url.fragment().is_none() && url.username() == "")
        .ok_or_else(|| format!("{name}: expected an https address, or a local one"))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const KEY: &str = "sk_test_0123456789";
    pub(crate) const SECRET: &str = "whsec_0123456789";

    fn read(name: &str, value: &str) -> Result<Option<StripeConfig>, String> {
        let default = |name: &str| match name {
            "stripe_secret_key" => KEY,
            "stripe_webhook_secret" => SECRET,
            "stripe_url" => "https://api.stripe.com",
            "stripe_checkout_url" => "https://checkout.stripe.com",
            other => panic!("nobody has told of {other}"),
        };
        StripeConfig::read(
            |asked| Ok(if asked == name { value } else { default(asked) }.to_owned()),
        )
    }

    pub(crate) fn config() -> StripeConfig {
        read("", "").unwrap().unwrap()
    }

    #[test]
    fn payments_are_off_without_secrets() {
        assert!(StripeConfig::read(|_| Ok(String::new())).unwrap().is_none());
        assert!(read("", "").unwrap().is_some());
    }

    #[test]
    fn each_wrong_value_names_its_variable() {
        for (name, value) in [
            ("stripe_secret_key", ""),
            ("stripe_secret_key", "sk_short"),
            ("stripe_secret_key", "sk_test_0123456789\r\nx: y"),
            ("stripe_webhook_secret", ""),
            ("stripe_webhook_secret", "whsec_ 0123456789"),
            ("stripe_url", "http://api.stripe.example"),
            ("stripe_url", "api.stripe.example"),
            ("stripe_url", "http://127.0.0.1.evil.example"),
            ("stripe_checkout_url", "javascript:alert(1)"),
            ("stripe_checkout_url", "https://a.example/?next="),
        ] {
            let error = read(name, value).err().unwrap_or_default();
            assert!(error.starts_with(name), "{value}: {error:?}");
            assert!(value.is_empty() || !error.contains(value), "{error}");
        }
    }

    #[test]
    fn an_address_of_this_machine_needs_no_tls() {
        for (value, origin) in [
            ("http://127.0.0.1:8420/", "http://127.0.0.1:8420"),
            ("http://localhost:8420", "http://localhost:8420"),
            ("http://[::1]:8420", "http://[::1]:8420"),
            ("https://pay.example.org/path", "https://pay.example.org"),
        ] {
            let config = read("stripe_checkout_url", value).unwrap().unwrap();
            assert_eq!(config.checkout_origin(), origin);
        }
    }
}
