//! How the server writes JSON: the order of fields, its escapes, and the two forms of a node.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// The two ways in which the server writes a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In `/nodes`: the resources are fields of the node.
    List,
    /// In `/nodes/{id}`: the resources are inside `capacity`.
    Single,
}

/// Field names in the order in which the server writes them, at every depth of every document.
///
/// `rentedByTwinId` is here twice: the single form writes it at its first place, and the list
/// form at its last. A name that is not here comes after all that are.
const FIELD_ORDER: &str = "\
    name id nodeId farmId farmName twinId accountId relay publicKey country gridVersion city \
    longitude latitude uptime created farmingPolicyId updatedAt total_resources used_resources \
    capacity cru sru hru mru location publicConfig domain gw4 gw6 ipv4 ipv6 status \
    pricingPolicyId certificationType stellarAddress dedicated publicIps inDedicatedFarm \
    rentContractId rentedByTwinId rented rentable rentedByTwinId serialNumber power num_gpu \
    extraFee healthy dmi bios baseboard processor memory speed upload download UpdatedAt \
    cpu_benchmark gpus price_usd farm_free_ips features ip gateway contract_id twin_id state \
    target created_at manufacturer product_name type vendor version thread_count device \
    contract updated_at details deployment_data deployment_hash number_of_public_ips farm_name \
    farm_id";

/// The rank of each name: in the single form, and in the list form.
static RANKS: LazyLock<HashMap<&str, (usize, usize)>> = LazyLock::new(|| {
    let mut ranks = HashMap::new();
    for (rank, name) in FIELD_ORDER.split(' ').enumerate() {
        ranks.entry(name).or_insert((rank, rank)).1 = rank;
    }
    ranks
});

/// What `capacity` holds.
const RESOURCES: [&str; 2] = ["total_resources", "used_resources"];

/// The list form of a node, whichever form it came in. Other fields stay as they are.
pub(crate) fn list_form(mut node: Map<String, Value>) -> Map<String, Value> {
    match node.remove("capacity") {
        None => {}
        Some(Value::Object(capacity)) => node.extend(capacity),
        // A patch that removes both by `null`, or a test that wants nonsense there.
        Some(other) => {
            for name in RESOURCES {
                node.insert(name.to_owned(), other.clone());
            }
        }
    }
    node
}

/// The single form of a node in list form. A resource that the node lacks is lacking here too.
fn single_form(mut node: Map<String, Value>) -> Map<String, Value> {
    let mut capacity = Map::new();
    for name in RESOURCES {
        if let Some(resources) = node.remove(name) {
            capacity.insert(name.to_owned(), resources);
        }
    }
    if !capacity.is_empty() {
        node.insert("capacity".to_owned(), Value::Object(capacity));
    }
    node
}

/// The text of a document that is stored in list form.
pub(crate) fn render(document: &Value, form: Form) -> String {
    let mut text = String::new();
    match (document, form) {
        (Value::Object(node), Form::Single) => {
            write_object(&mut text, &single_form(node.clone()), form);
        }
        (other, _) => write_value(&mut text, other, form),
    }
    escape(text)
}

/// The text of a JSON string, as the server escapes it.
pub(crate) fn quoted(text: &str) -> String {
    escape(Value::from(text).to_string())
}

fn write_object(text: &mut String, object: &Map<String, Value>, form: Form) {
    let mut fields: Vec<_> = object.iter().collect();
    fields.sort_by_key(|(name, _)| (rank(name, form), *name));
    text.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        text.push_str(&Value::from(name.as_str()).to_string());
        text.push(':');
        write_value(text, value, form);
    }
    text.push('}');
}

fn write_value(text: &mut String, value: &Value, form: Form) {
    match value {
        Value::Object(object) => write_object(text, object, form),
        Value::Array(items) => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    text.push(',');
                }
                write_value(text, item, form);
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

fn rank(name: &str, form: Form) -> usize {
    let (single, list) = RANKS.get(name).copied().unwrap_or((usize::MAX, usize::MAX));
    match form {
        Form::List => list,
        Form::Single => single,
    }
}

/// Go's encoder makes JSON safe inside HTML. These characters only occur inside JSON's strings,
/// so the whole text can be searched for them.
fn escape(json: String) -> String {
    // All of them are one of three ASCII bytes, or begin with one byte that is no ASCII.
    if !json.bytes().any(|byte| matches!(byte, b'<' | b'>' | b'&' | 0xe2)) {
        return json;
    }
    let mut escaped = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '<' => escaped.push_str(r"\u003c"),
            '>' => escaped.push_str(r"\u003e"),
            '&' => escaped.push_str(r"\u0026"),
            '\u{2028}' => escaped.push_str(r"\u2028"),
            '\u{2029}' => escaped.push_str(r"\u2029"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_single_form_nests_the_resources_and_moves_the_renter() {
        let node = json!({
            "rented": true, "rentedByTwinId": 44, "nodeId": 7, "rentContractId": 4400,
            "used_resources": {"mru": 4, "cru": 1}, "total_resources": {"cru": 2},
            "unheard_of": null, "rentable": false, "city": "A<B>&C",
        });
        assert_eq!(
            render(&node, Form::List),
            r#"{"nodeId":7,"city":"A\u003cB\u003e\u0026C","total_resources":{"cru":2},"#.to_owned()
                + r#""used_resources":{"cru":1,"mru":4},"rentContractId":4400,"rented":true,"#
                + r#""rentable":false,"rentedByTwinId":44,"unheard_of":null}"#
        );
        assert_eq!(
            render(&node, Form::Single),
            r#"{"nodeId":7,"city":"A\u003cB\u003e\u0026C","capacity":{"total_resources":{"cru":2},"#
                .to_owned()
                + r#""used_resources":{"cru":1,"mru":4}},"rentContractId":4400,"#
                + r#""rentedByTwinId":44,"rented":true,"rentable":false,"unheard_of":null}"#
        );
    }

    #[test]
    fn the_list_form_of_a_single_document_is_the_same_node() {
        let single = json!({"nodeId": 7, "capacity": {"total_resources": {"cru": 2}}});
        let list = Value::Object(list_form(single.as_object().unwrap().clone()));
        assert_eq!(render(&list, Form::List), r#"{"nodeId":7,"total_resources":{"cru":2}}"#);
        assert_eq!(
            render(&list, Form::Single),
            r#"{"nodeId":7,"capacity":{"total_resources":{"cru":2}}}"#
        );
        assert_eq!(render(&json!({"nodeId": 7}), Form::Single), r#"{"nodeId":7}"#);
    }
}
