//! Asking Stripe for a page on which somebody pays: a Checkout Session.

use domain::id::TopUpId;
use domain::money::Usd;
use domain::time::Timestamp;
use domain::top_up;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::{Url, form_urlencoded};

use crate::config::{Post, StripeConfig};

/// The version of Stripe's API that this code was written for.
const API_VERSION: &str = "2025-02-24.acacia";
/// What the payer reads that they pay for.
const PRODUCT_NAME: &str = "Credit for your Mycelium wallet";
/// The longest session id and address that are kept. Stripe's are below 100 and 1,000 characters.
const ID_LENGTH_MAX: usize = 255;
const URL_LENGTH_MAX: usize = 4096;

/// What is to be paid, and where the payer comes back to.
pub struct Checkout<'a> {
    /// Names the payment in all that Stripe says of it, and makes asking twice the same as once.
    pub top_up: TopUpId,
    /// How much, in whole cents.
    pub amount: Usd,
    /// The payer's address, so that they need not fill it in.
    pub email: &'a str,
    /// Where the payer comes back to.
    pub success_url: &'a str,
    /// Where who does not pay comes back to.
    pub cancel_url: &'a str,
    /// Until when it can be paid: 30 minutes to 24 hours from now, says the documentation.
    pub expires_at: Timestamp,
}

/// A page on which somebody can pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its id, such as `cs_…`.
    pub id: String,
    /// Its address.
    pub url: String,
}

/// Why there is no session. For the log: it holds nothing that was sent to Stripe.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// Stripe says no.
    #[error("Stripe answers {status}, {code:?}")]
    Refused {
        /// The status.
        status: u16,
        /// The code or type of its error, if it gives one.
        code: String,
    },
    /// What Stripe says is not what is documented.
    #[error("Stripe's answer is not a Checkout Session that can be paid")]
    MalformedRequest,
}

#[derive(Deserialize)]
struct SessionDocument {
    id: String,
    url: String,
}

#[derive(Deserialize)]
struct ErrorDocument {
    error: ErrorMembers,
}

#[derive(Deserialize)]
struct ErrorMembers {
    code: Option<String>,
    r#type: Option<String>,
}

impl StripeConfig {
    /// What to post for a session. The same checkout makes the same request, to the byte, with the
    /// same key. Stripe refuses another request with the key of the first, so that the key is of
    /// the whole request: whoever has another address meanwhile gets a page all the same.
    pub fn post(&self, checkout: &Checkout<'_>) -> Post {
        let id = checkout.top_up.to_string();
        let cents = top_up::cents(checkout.amount).to_string();
        let expires_at = checkout.expires_at.seconds().to_string();
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("mode", "payment")
            .append_pair("line_items[0][quantity]", "1")
            .append_pair("line_items[0][price_data][currency]", "usd")
            .append_pair("line_items[0][price_data][unit_amount]", &cents)
            .append_pair("line_items[0][price_data][product_data][name]", PRODUCT_NAME)
            .append_pair("success_url", checkout.success_url)
            .append_pair("cancel_url", checkout.cancel_url)
            .append_pair("client_reference_id", &id)
            .append_pair("customer_email", checkout.email)
            .append_pair("expires_at", &expires_at)
            .append_pair("metadata[top_up_id]", &id)
            .append_pair("payment_intent_data[metadata][top_up_id]", &id)
            .finish();
        Post {
            url: format!("{}/v1/checkout/sessions", self.url),
            headers: vec![
                ("accept", "application/json".to_owned()),
                ("authorization", format!("Bearer {}", self.secret_key)),
                ("content-type", "application/x-www-form-urlencoded".to_owned()),
                ("idempotency-key", idempotency_key(&id, &body)),
                ("stripe-version", API_VERSION.to_owned()),
            ],
            body: body.into_bytes(),
        }
    }

    /// Reads what Stripe answers. The address leads to where people pay, and to nowhere else.
    pub fn session(&self, status: u16, body: &[u8]) -> Result<Session, ProviderError> {
        if !(200..300).contains(&status) {
            return Err(ProviderError::Refused { status, code: error_code(body) });
        }
        let read: Result<SessionDocument, _> = serde_json::from_slice(body);
        let SessionDocument { id, url } = read.map_err(|_| ProviderError::MalformedRequest)?;
        let is_there = |url: &Url| url.origin().ascii_serialization() == self.checkout_origin();
        let address = Url::parse(&url).ok().filter(is_there);
        let is_id = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_graphic());
        let address = address.filter(|address| {
            is_id && id.len() <= ID_LENGTH_MAX && address.as_str().len() <= URL_LENGTH_MAX
        });
        // As it was parsed: every character can be in a header.
        let url = address.ok_or(ProviderError::MalformedRequest)?.into();
        Ok(Session { id, url })
    }
}

/// The key of a request: of the top-up, and of all that is asked for.
fn idempotency_key(top_up: &str, body: &str) -> String {
    let hash = Sha256::digest(body.as_bytes());
    let half = hash.first_chunk().map_or(0, |half| u128::from_be_bytes(*half));
    format!("{top_up}-{half:032x}")
}

/// The code of an error, or its type. Its message is left out: it may repeat what was sent.
fn error_code(body: &[u8]) -> String {
    /// The longest code that is kept; the documented ones are shorter.
    const CODE_LENGTH_MAX: usize = 60;
    let read: Option<ErrorDocument> = serde_json::from_slice(body).ok();
    let code = read.and_then(|document| document.error.code.or(document.error.r#type));
    let is_word = |code: &String| {
        let is_plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
        code.len() <= CODE_LENGTH_MAX && code.bytes().all(is_plain)
    };
    code.filter(is_word).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::tests::{KEY, config};

    fn top_up() -> TopUpId {
        TopUpId::parse("01936f2c-0000-7000-8000-000000000001").unwrap()
    }

    #[test]
    fn what_is_asked_for_is_as_documented() {
        let checkout = Checkout {
            top_up: top_up(),
            amount: Usd::parse("amount", "25.50").unwrap(),
            email: "ada+x@example.org",
            success_url: "https://mycelium.example/dashboard/wallet?paid=1",
            cancel_url: "https://mycelium.example/dashboard/wallet?canceled=1",
            expires_at: Timestamp::from_seconds(1_795_368_000),
        };
        let post = config().post(&checkout);
        assert_eq!(post.url, "https://api.stripe.com/v1/checkout/sessions");
        let header = |name| {
            let found = post.headers.iter().find(|(given, _)| *given == name);
            found.map(|(_, value)| value.as_str())
        };
        let id = top_up().to_string();
        assert_eq!(header("authorization"), Some(format!("Bearer {KEY}").as_str()));
        let key = header("idempotency-key").unwrap();
        assert!(key.starts_with(&id) && key.len() <= 255, "{key}");
        // Another address is another request.
        let other = config().post(&Checkout { email: "ada@example.net", ..checkout });
        let (_, other) = other.headers.iter().find(|(name, _)| *name == "idempotency-key").unwrap();
        assert!(other.starts_with(&id) && other != key, "{other}");
        assert_eq!(header("stripe-version"), Some(API_VERSION));
        let fields: Vec<_> = form_urlencoded::parse(&post.body).into_owned().collect();
        let expected = [
            ("mode", "payment"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", "2550"),
            ("line_items[0][price_data][product_data][name]", PRODUCT_NAME),
            ("success_url", "https://mycelium.example/dashboard/wallet?paid=1"),
            ("cancel_url", "https://mycelium.example/dashboard/wallet?canceled=1"),
            ("client_reference_id", &id),
            ("customer_email", "ada+x@example.org"),
            ("expires_at", "1795368000"),
            ("metadata[top_up_id]", &id),
            ("payment_intent_data[metadata][top_up_id]", &id),
        ];
        let fields: Vec<_> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        assert_eq!(fields, expected);
    }

    #[test]
    fn an_answer_is_a_page_of_the_provider_or_nothing() {
        let check = |body: &str, expected: Option<&str>| {
            let found = config().session(200, body.as_bytes());
            assert_eq!(found.map(|session| session.url).ok().as_deref(), expected, "{body}");
        };
        let url = "https://checkout.stripe.com/c/pay/cs_test_1#fid";
        check(&format!(r#"{{"id": "cs_test_1", "url": "{url}", "livemode": false}}"#), Some(url));
        for wrong in [
            "",
            "[]",
            "{}",
            r#"{"id": "cs_1", "url": null}"#,
            r#"{"id": "", "url": "https://checkout.stripe.com/c"}"#,
            r#"{"id": "cs 1", "url": "https://checkout.stripe.com/c"}"#,
            r#"{"id": "cs_1", "url": "https://evil.example/c"}"#,
            r#"{"id": "cs_1", "url": "http://checkout.stripe.com/c"}"#,
            r#"{"id": "cs_1", "url": "https://checkout.stripe.com:444/c"}"#,
            r#"{"id": "cs_1", "url": "https://checkout.stripe.com@evil.example/c"}"#,
            r#"{"id": "cs_1", "url": "javascript:alert(1)"}"#,
        ] {
            check(wrong, None);
        }
    }

    #[test]
    fn a_refusal_is_known_by_its_code_only() {
        let check = |status, body: &str, expected: &str| {
            let error = config().session(status, body.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected);
        };
        let message = r#""message": "Invalid email: ada@example.org""#;
        check(
            400,
            &format!(r#"{{"error": {{"type": "invalid_request_error", {message}}}}}"#),
            "Stripe answers 400, \"invalid_request_error\"",
        );
        check(
            402,
            r#"{"error": {"code": "card_declined"}}"#,
            "Stripe answers 402, \"card_declined\"",
        );
        check(401, r#"{"error": {"code": "a\nb"}}"#, "Stripe answers 401, \"\"");
        check(503, "<html>", "Stripe answers 503, \"\"");
        check(302, "", "Stripe answers 302, \"\"");
    }

    proptest! {
        #[test]
        fn reading_never_panics(
            status in any::<u16>(), body in proptest::collection::vec(any::<u8>(), 0..99),
        ) {
            let _ = config().session(status, &body);
        }
    }
}
