//! Reads the form of the rental dialog.

use domain::field::FieldError;
use domain::id::NodeId;
use domain::order::IdempotencyKey;
use domain::port::parse_ports;
use web::Problem;
use web::form::{Form, keep};

use crate::renting::input::{Basis, Start};
use crate::renting::json::{RentBody, RentNodeBody};

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

/// Fields of the dialog that no body has.
const OF_PAGE: [&str; 6] = ["whole_node", "ports", "total", "public_key", "update", "paid"];

/// Reads the form of the rental dialog, or every field that is wrong.
///
/// The version of the offer must be there: a person pays the price that the page showed. So must
/// the node: a program may leave it out, to rent on the whole market.
pub(crate) fn read_order(form: &Form) -> Result<Order, Problem> {
    if !form.text("quote_id").is_empty() {
        return read_held(form);
    }
    let optional = ["slice_id", "count", "ssh_key_id", "template", "user_data"];
    let fields = form.clone().without(&OF_PAGE).without_empty(&optional);
    let (version, read) = if form.text("whole_node") == "yes" {
        let body: RentNodeBody = fields.without(&["slice_id", "count"]).body()?;
        (body.offer_version, body.read())
    } else {
        let body: RentBody = fields.body()?;
        (body.offer_version, body.read())
    };
    let mut wrong = Vec::new();
    let ports = parse_ports("ports", form.text("ports"));
    let read = read.and_then(|(basis, start)| Ok((basis, start.with_ports(ports)?)));
    let read = read.map_err(|errors| wrong.extend(errors)).ok();
    let node = NodeId::parse(form.text("node_id"));
    for (is_there, field, rule) in [
        (version.is_some_and(|it| it > 0), "offer_version", "the version of the offer shown"),
        (node.is_some(), "node_id", "a node's id, such as node32"),
    ] {
        if !is_there && !wrong.iter().any(|error| error.field == field) {
            wrong.push(FieldError::new(field, rule));
        }
    }
    match (read, keep(&mut wrong, form.idempotency_key())) {
        (Some((basis, start)), Some(key)) if wrong.is_empty() => Ok(Order { basis, start, key }),
        _ => Err(Problem::fields(wrong)),
    }
}

/// Reads the form that rents what a quote holds.
fn read_held(form: &Form) -> Result<Order, Problem> {
    let fields = form.clone().without(&["node_id"]).without_empty(&["ssh_key_id", "template"]);
    let (basis, start) = fields.body::<RentBody>()?.read().map_err(Problem::fields)?;
    Ok(Order {
        basis,
        start,
        key: form.idempotency_key().map_err(|wrong| Problem::fields(vec![wrong]))?,
    })
}

#[cfg(test)]
mod tests {
    use domain::id::SliceId;
    use domain::order::{RentRequest, Wanted};
    use domain::port::ports_text;
    use domain::term::Term;

    use super::*;

    const GOOD: &str = "node_id=node32&offer_version=4&idempotency_key=k&duration_months=3";

    fn read(body: &str) -> Result<Order, Vec<&'static str>> {
        let request = http::Request::post("/").body(body.as_bytes().to_vec()).unwrap();
        let fields = |problem: Problem| problem.fields.iter().map(|error| error.field).collect();
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
        let order = read(&format!("{GOOD}&template=web&ports=443,+53/udp")).unwrap();
        assert_eq!(ports_text(&order.start.all_ports()), "80, 443, 53/udp");
        let own = "user_data=%23!/bin/sh%0D%0Aid%0D%0A";
        let order = read(&format!("{GOOD}&template=&{own}")).unwrap();
        assert_eq!(order.start.user_data.as_deref(), Some("#!/bin/sh\nid\n"));
    }

    #[test]
    fn every_wrong_field_is_named() {
        let all = ["duration_months", "offer_version", "node_id", "Idempotency-Key"];
        assert_eq!(read("").unwrap_err(), all);
        let check = |field: &str, value: &str| {
            let others = GOOD.split('&').filter(|it| !it.starts_with(field));
            let body = others.fold(format!("{field}={value}"), |body, it| format!("{body}&{it}"));
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
        check("ports", "http");
        check("ports", "22");
        let ten = "ports=1,2,3,4,5,6,7,8,9,10";
        assert!(read(&format!("{GOOD}&{ten}")).is_ok());
        assert_eq!(read(&format!("template=web&{ten}&{GOOD}")).unwrap_err(), ["ports"]);
        let body = format!("template=web&user_data=%23!/bin/sh&{GOOD}");
        assert_eq!(read(&body).unwrap_err(), ["user_data"]);
    }
}
