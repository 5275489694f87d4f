//! Reads the form of the rental dialog.

use domain::field::FieldError;
use domain::rental::{IdempotencyKey, RentRequest};

use crate::api::rentals::RentBody;
use crate::form::{Form, keep};

/// What the rental dialog sends.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// What is asked for.
    pub request: RentRequest,
    /// Marks the intention.
    pub key: IdempotencyKey,
}

/// Reads the form of the rental dialog, or every field that is wrong.
///
/// The version of the offer must be there: a person pays the price that the page showed.
pub fn read_order(form: &Form) -> Result<Order, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let version_rule = "the version of the offer that was shown";
    let version = form.text("offer_version").parse();
    let version =
        keep(&mut wrong, version.map_err(|_| FieldError::new("offer_version", version_rule)));
    let body = RentBody {
        node_id: form.text("node_id").to_owned(),
        slice_id: form.filled("slice_id").map(str::to_owned),
        // No term has zero months, so a text that is no number is refused as a term.
        duration_months: form.text("duration_months").trim().parse().unwrap_or(0),
        offer_version: version,
    };
    let key = keep(&mut wrong, IdempotencyKey::parse(form.text("idempotency_key")));
    match (body.read(), key) {
        (Ok(request), Some(key)) if wrong.is_empty() => Ok(Order { request, key }),
        (read, _) => {
            wrong.extend(read.err().into_iter().flatten());
            Err(wrong)
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::id::NodeId;
    use domain::term::Term;

    use super::*;

    const GOOD: &str = "node_id=node32&offer_version=4&idempotency_key=k&duration_months=3";

    fn read(body: &str) -> Result<Order, Vec<&'static str>> {
        let request = http::Request::post("/").body(body.as_bytes().to_vec()).unwrap();
        let fields = |wrong: Vec<FieldError>| wrong.iter().map(|error| error.field).collect();
        read_order(&Form::read(&request)).map_err(fields)
    }

    #[test]
    fn the_dialog_asks_for_what_it_showed() {
        let request = RentRequest {
            node: NodeId(32),
            slice: None,
            term: Term::Quarter,
            offer_version: Some(4),
        };
        let order = read(GOOD).unwrap();
        assert_eq!((order.request, order.key.as_str()), (request, "k"));
        let order = read(&format!("{GOOD}&slice_id=node32_slice_7")).unwrap();
        assert_eq!(order.request.slice, Some(7));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let all = ["offer_version", "Idempotency-Key", "node_id", "duration_months"];
        assert_eq!(read("").unwrap_err(), all);
        let check = |field: &str, value: &str| {
            let body = format!("{field}={value}&{GOOD}");
            assert_eq!(read(&body).unwrap_err(), [field], "{body}");
        };
        check("offer_version", "");
        check("offer_version", "4.0");
        check("duration_months", "2");
        check("duration_months", "9223372036854775808");
        check("node_id", "node0");
        check("slice_id", "node33_slice_1");
    }
}
