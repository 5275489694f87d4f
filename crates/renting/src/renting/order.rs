//! Reads the form of the rental dialog.

use domain::field::FieldError;
use domain::id::NodeId;
use domain::order::IdempotencyKey;
use web::form::{Form, keep};

use crate::renting::json::{Basis, RentBody, RentNodeBody, Start};

/// What the rental dialog sends.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Order {
    /// What is asked for.
    pub basis: Basis,
    /// What its machines start with.
    pub start: Start,
    /// Marks the intention.
    pub key: IdempotencyKey,
}

/// Reads the form of the rental dialog, or every field that is wrong.
///
/// The version of the offer must be there: a person pays the price that the page showed.
pub(crate) fn read_order(form: &Form) -> Result<Order, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let version_rule = "the version of the offer shown";
    let version = form.text("offer_version").parse();
    let version =
        keep(&mut wrong, version.map_err(|_| FieldError::new("offer_version", version_rule)));
    let read = read_basis(form, version);
    let key = keep(&mut wrong, IdempotencyKey::parse(form.text("idempotency_key")));
    match (read, key) {
        (Ok((basis, start)), Some(key)) if wrong.is_empty() => Ok(Order { basis, start, key }),
        (read, _) => {
            for error in read.err().into_iter().flatten() {
                if !wrong.iter().any(|other| other.field == error.field) {
                    wrong.push(error);
                }
            }
            Err(wrong)
        }
    }
}

fn read_basis(form: &Form, offer_version: Option<i64>) -> Result<(Basis, Start), Vec<FieldError>> {
    let text = |name: &str| form.filled(name).map(str::to_owned);
    // Browsers end the lines of a form with carriage returns as well.
    let user_data = text("user_data").map(|text| text.replace("\r\n", "\n"));
    let (ssh_key_id, template) = (text("ssh_key_id"), text("template"));
    let node_id = Some(form.text("node_id").to_owned());
    // No term has zero months, so a text that is no number is refused as a term.
    let duration_months = Some(form.text("duration_months").trim().parse().unwrap_or(0));
    if form.text("whole_node") == "yes" {
        let body =
            RentNodeBody { node_id, duration_months, offer_version, ..RentNodeBody::default() };
        return RentNodeBody { ssh_key_id, template, user_data, ..body }.read();
    }
    let body = RentBody {
        node_id,
        slice_id: form.filled("slice_id").map(str::to_owned),
        // A text that is no number is no number of slices either.
        count: form.filled("count").map(|text| text.trim().parse().unwrap_or(0)),
        duration_months,
        offer_version,
        ssh_key_id,
        template,
        user_data,
        ..RentBody::default()
    };
    let read = body.read();
    // The dialog names its node; a program may leave it out, to rent on the whole market.
    if NodeId::parse(form.text("node_id")).is_some() {
        return read;
    }
    let mut wrong = read.err().unwrap_or_default();
    wrong.push(FieldError::new("node_id", "a node's id, such as node32"));
    Err(wrong)
}

#[cfg(test)]
mod tests {
    use domain::id::SliceId;
    use domain::order::{RentRequest, Wanted};
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
        let asked = |wanted| {
            let (term, offer_version) = (Term::Quarter, Some(4));
            Basis::Request(RentRequest { wanted, term, offer_version, max_price: None })
        };
        let node = NodeId(32);
        let order = read(GOOD).unwrap();
        assert_eq!((order.basis, order.key.as_str()), (asked(Wanted::OfNode(node, 1)), "k"));
        let order = read(&format!("{GOOD}&slice_id=node32_slice_7")).unwrap();
        assert_eq!(order.basis, asked(Wanted::Slice(SliceId { node, number: 7 })));
        let order = read(&format!("{GOOD}&count=3&whole_node=")).unwrap();
        assert_eq!(order.basis, asked(Wanted::OfNode(node, 3)));
        let order = read(&format!("{GOOD}&count=3&whole_node=yes")).unwrap();
        assert_eq!(order.basis, asked(Wanted::WholeNode(node)));
        assert_eq!(order.start, Start::default());
        let id = "019f0000-0000-7000-8000-000000000005";
        let order = read(&format!("{GOOD}&template=docker&ssh_key_id={id}")).unwrap();
        assert_eq!(order.start.template.map(|template| template.name), Some("docker"));
        assert_eq!(order.start.ssh_key.map(|key| key.to_string()).as_deref(), Some(id));
        let own = "user_data=%23!/bin/sh%0D%0Aid%0D%0A";
        let order = read(&format!("{GOOD}&template=&{own}")).unwrap();
        assert_eq!(order.start.user_data.as_deref(), Some("#!/bin/sh\nid\n"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let all = ["offer_version", "Idempotency-Key", "duration_months", "node_id"];
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
        check("count", "0");
        check("count", "two");
        check("template", "windows");
        check("ssh_key_id", "mine");
        check("user_data", "hello");
        let body = format!("template=web&user_data=%23!/bin/sh&{GOOD}");
        assert_eq!(read(&body).unwrap_err(), ["user_data"]);
    }
}
