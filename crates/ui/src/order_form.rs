//! The form of the sheet that rents, where it takes a way around: by a page on which a card is
//! charged. It goes along in addresses, which are of this site and hold no secret.

use url::form_urlencoded::Serializer;
use web::form::Form;

/// What the sheet asks for.
pub const FIELDS: [&str; 11] = [
    "node_id",
    "offer_version",
    "idempotency_key",
    "total",
    "duration_months",
    "count",
    "whole_node",
    "ssh_key_id",
    "public_key",
    "template",
    "ports",
];

/// The fields of an order that are filled in, as a query.
pub fn query(form: &Form) -> String {
    filled(form, FIELDS.map(|name| (name, name)).as_slice())
}

/// What was chosen, as the query with which the page of a node opens the sheet.
pub fn choices(form: &Form) -> String {
    let same = ["count", "whole_node", "template", "ports"].map(|name| (name, name));
    filled(form, &[&[("duration_months", "months")], &same[..]].concat())
}

/// These fields, each under another name, where they are filled in.
fn filled(form: &Form, names: &[(&str, &str)]) -> String {
    let mut query = Serializer::new(String::new());
    for (field, name) in names {
        if !form.text(field).is_empty() {
            query.append_pair(name, form.text(field));
        }
    }
    query.finish()
}
