//! Whatever a document says, reading it does not panic, spoils no other document, and promises no
//! slice that its own numbers do not carry.

use std::path::Path;
use std::sync::LazyLock;

use domain::node::{
    NodeReport, SLICE_MEMORY_BYTES, SLICE_SSD_BYTES, SLICES_PER_NODE_MAX, capacity,
};
use grid::{parse_error, parse_node, parse_nodes};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// Documents of both forms, with and without the fields of newer servers.
static DOCUMENTS: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let names = [
        "server_single_32.json",
        "server_single_600.json",
        "server_single_4002.json",
        "recorded_devnet_node_1_2022_listform.json",
        "recorded_testnet_node_198_2022_singleform.json",
    ];
    names.iter().map(|name| serde_json::from_slice(&read(name)).unwrap()).collect()
});

fn read(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/grid").join(name))
        .unwrap()
}

/// A change of one place of a document.
#[derive(Clone, Debug)]
enum Change {
    Remove(Index),
    Replace(Index, Value),
    /// The value of one place at another.
    Copy(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), value()).prop_map(|(at, value)| Change::Replace(at, value)),
        any::<(Index, Index)>().prop_map(|(from, to)| Change::Copy(from, to)),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        (0..1_000_u64).prop_map(Value::from),
        (0..1_000_000_000_000_000_u64).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        "(up|down|standby|zmachine|-1|NaN|Infinity)".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec(("(cru|mru|sru|total_resources|used_resources|x)", inner), 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// The JSON pointers of every place of a document but the whole.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut go = |key: &str, inner: &Value| {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(pointer.clone());
        places(inner, &pointer, found);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, inner)| go(key, inner)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, inner)| go(&index.to_string(), inner));
        }
        _ => {}
    }
}

fn apply(document: &mut Value, change: &Change) {
    let mut found = Vec::new();
    places(document, "", &mut found);
    if found.is_empty() {
        return;
    }
    let place = |at: &Index| found[at.index(found.len())].as_str();
    match change {
        Change::Replace(at, value) => set(document, place(at), value.clone()),
        Change::Copy(from, to) => {
            let value = document.pointer(place(from)).cloned().unwrap_or_default();
            set(document, place(to), value);
        }
        Change::Remove(at) => {
            let (parent, key) = place(at).rsplit_once('/').unwrap();
            if let Some(Value::Object(fields)) = document.pointer_mut(parent) {
                fields.remove(key);
            }
        }
    }
}

fn set(document: &mut Value, pointer: &str, value: Value) {
    if let Some(place) = document.pointer_mut(pointer) {
        *place = value;
    }
}

fn mutated() -> impl Strategy<Value = Value> {
    (any::<Index>(), vec(change(), 1..6)).prop_map(|(which, changes)| {
        let mut document = which.get(&DOCUMENTS).clone();
        for change in &changes {
            apply(&mut document, change);
        }
        document
    })
}

/// The most slices that anybody could read out of the document: everything it has, nothing in use.
fn honest_bound(document: &Value) -> u64 {
    let amount = |field: &str| {
        let forms = ["/total_resources/", "/capacity/total_resources/"];
        let amounts = forms.iter().filter_map(|form| document.pointer(&format!("{form}{field}")));
        amounts.filter_map(Value::as_f64).fold(0.0, f64::max)
    };
    #[expect(clippy::cast_precision_loss, reason = "both are powers of two times a small number")]
    let (memory, ssd) = (SLICE_MEMORY_BYTES as f64, SLICE_SSD_BYTES as f64);
    let slices = amount("cru").min(amount("mru") / memory).min(amount("sru") / ssd);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "not negative, and a cast stops at the type's limit"
    )]
    (slices as u64).min(u64::from(SLICES_PER_NODE_MAX))
}

fn is_fit_to_show(node: &NodeReport) -> bool {
    [&node.farm_name, &node.country, &node.city]
        .into_iter()
        .all(|text| text.chars().count() <= 80 && !text.chars().any(char::is_control))
}

/// A number as a document might have it: small, huge, negative, with a point.
fn number() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-64..64_i64).prop_map(Value::from),
        (-64..64_i64).prop_map(|slices| Value::from(slices * SLICE_SSD_BYTES)),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-64..64_i32).prop_map(|cores| Value::from(f64::from(cores) / 2.0)),
        any::<f64>().prop_map(Value::from),
    ]
}

proptest! {
    #[test]
    fn no_numbers_promise_more_than_the_totals(
        total in [number(), number(), number()],
        used in [number(), number(), number()],
    ) {
        let resources = |[cru, mru, sru]: [Value; 3]| json!({"cru": cru, "mru": mru, "sru": sru});
        let mut document = DOCUMENTS[3].clone();
        document["total_resources"] = resources(total);
        document["used_resources"] = resources(used);
        if let Ok(node) = parse_node(document.to_string().as_bytes()) {
            prop_assert!(u64::from(capacity(&node).slices) <= honest_bound(&document));
            prop_assert!(node.used.cpu_cores >= 0 && node.total.cpu_cores >= 0);
        }
    }

    #[test]
    fn a_changed_document_promises_no_more_than_it_says(document in mutated()) {
        if let Ok(node) = parse_node(document.to_string().as_bytes()) {
            prop_assert!(u64::from(capacity(&node).slices) <= honest_bound(&document));
            prop_assert!(is_fit_to_show(&node));
        }
    }

    #[test]
    fn a_changed_document_spoils_no_other(document in mutated()) {
        let good = |id: u32| {
            let mut node = DOCUMENTS[0].clone();
            node["nodeId"] = json!(id);
            node
        };
        let list = json!([good(4_000_000_001), document, good(4_000_000_002)]);
        let page = parse_nodes(list.to_string().as_bytes()).unwrap();
        prop_assert_eq!(page.nodes.len() + page.refused.len(), 3);
        let ids: Vec<u32> = page.nodes.iter().map(|node| node.id.0).collect();
        prop_assert!(ids.contains(&4_000_000_001) && ids.contains(&4_000_000_002));
        for refused in page.refused {
            prop_assert!(refused.reason.chars().count() <= 200);
            prop_assert!(refused.excerpt.chars().count() <= 200);
        }
    }

    #[test]
    fn changed_bytes_are_read_or_refused(
        which in any::<Index>(),
        changes in vec((any::<Index>(), any::<u8>()), 0..8),
        end in any::<Index>(),
    ) {
        let mut bytes = which.get(&DOCUMENTS).to_string().into_bytes();
        for (at, byte) in changes {
            let index = at.index(bytes.len());
            bytes[index] = byte;
        }
        if let Ok(node) = parse_node(&bytes) {
            prop_assert!(is_fit_to_show(&node));
        }
        bytes.truncate(end.index(bytes.len()));
        prop_assert!(parse_node(&bytes).is_err());
        let _ = parse_error(&bytes);
        bytes.insert(0, b'[');
        prop_assert!(parse_nodes(&bytes).is_err());
    }
}
