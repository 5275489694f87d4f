//! What the stand-in knows at the moment: its documents, by kind and id, with their texts.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use crate::documents::{Collection, DOCUMENTS_MAX, Documents};
use crate::wire::{self, Form};

/// One document in list form, and its text in both forms, made when it is first asked for.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) value: Value,
    /// Whether its last report stands still: somebody has said when it was.
    is_still: bool,
    list_text: OnceLock<String>,
    single_text: OnceLock<String>,
}

impl Entry {
    fn new(document: Map<String, Value>) -> Entry {
        Entry {
            value: Value::Object(document),
            is_still: false,
            list_text: OnceLock::new(),
            single_text: OnceLock::new(),
        }
    }

    pub(crate) fn list_text(&self) -> &str {
        self.list_text.get_or_init(|| wire::render(&self.value, Form::List))
    }

    pub(crate) fn single_text(&self) -> &str {
        self.single_text.get_or_init(|| wire::render(&self.value, Form::Single))
    }

    /// The same, where `change` says when it has reported.
    fn changed(document: Map<String, Value>, is_still: bool) -> Entry {
        Entry { is_still, ..Entry::new(document) }
    }

    /// A text field of the document, or nothing.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.value.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// All documents. The farm of a node, and the twin of a farm, exist even if no document says so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grid {
    tables: BTreeMap<Collection, BTreeMap<u64, Entry>>,
    /// Seconds that have passed since nodes last reported.
    passed: i64,
    /// Whether no node reports by itself.
    stands_still: bool,
}

/// When a node has last reported, by the name of the field.
const REPORTED: &str = "updatedAt";
/// Nodes report again once so many seconds have passed.
const REPORT_SECONDS: i64 = 60;

impl Grid {
    pub(crate) fn new(documents: &Documents) -> Grid {
        let mut grid = Grid::default();
        for collection in Collection::ALL {
            let table = documents.table(collection);
            let entries = table.map(|(id, document)| (id, Entry::new(document.clone())));
            grid.tables.insert(collection, entries.collect());
        }
        grid.invent_missing(Collection::Nodes, "farmId", Collection::Farms, invented_farm);
        grid.invent_missing(Collection::Farms, "twinId", Collection::Twins, |id, _| {
            invented_twin(id)
        });
        grid
    }

    pub(crate) fn entries(&self, collection: Collection) -> impl Iterator<Item = &Entry> {
        self.tables.get(&collection).into_iter().flat_map(BTreeMap::values)
    }

    pub(crate) fn get(&self, collection: Collection, id: u64) -> Option<&Entry> {
        self.tables.get(&collection)?.get(&id)
    }

    /// Puts a document in place of the one with this id, or adds it. False if there is no room.
    pub(crate) fn put(
        &mut self,
        collection: Collection,
        id: u64,
        document: Map<String, Value>,
    ) -> bool {
        let table = self.tables.entry(collection).or_default();
        if table.len() >= DOCUMENTS_MAX && !table.contains_key(&id) {
            return false;
        }
        let is_still = document.contains_key(REPORTED);
        table.insert(id, Entry::changed(wire::list_form(document), is_still));
        true
    }

    /// Applies a JSON merge patch (RFC 7396) in either form. False if there is no such document.
    pub(crate) fn patch(
        &mut self,
        collection: Collection,
        id: u64,
        patch: Map<String, Value>,
    ) -> bool {
        let Some(entry) = self.tables.get_mut(&collection).and_then(|table| table.get_mut(&id))
        else {
            return false;
        };
        let is_still = entry.is_still || patch.contains_key(REPORTED);
        let mut document = entry.value.as_object().cloned().unwrap_or_default();
        merge(&mut document, wire::list_form(patch));
        *entry = Entry::changed(document, is_still);
        true
    }

    /// Removes a document. False if there is no such document.
    pub(crate) fn remove(&mut self, collection: Collection, id: u64) -> bool {
        self.tables.get_mut(&collection).is_some_and(|table| table.remove(&id).is_some())
    }

    /// Time passes: every node that is up goes on reporting, but those of which somebody has said
    /// when they did.
    pub(crate) fn pass(&mut self, seconds: i64) {
        self.passed += seconds;
        if self.stands_still || self.passed.abs() < REPORT_SECONDS {
            return;
        }
        let passed = std::mem::take(&mut self.passed);
        let nodes = self.tables.entry(Collection::Nodes).or_default();
        for entry in nodes.values_mut().filter(|entry| !entry.is_still) {
            let Some(at) = entry.value[REPORTED].as_i64() else { continue };
            if entry.text("status") == "up"
                && let Value::Object(mut document) = entry.value.take()
            {
                document.insert(REPORTED.to_owned(), at.saturating_add(passed).into());
                *entry = Entry::new(document);
            }
        }
    }

    /// From now on no node reports by itself.
    pub(crate) fn stand_still(&mut self) {
        self.stands_still = true;
    }

    /// When a node has reported last of all.
    pub(crate) fn newest_report(&self) -> Option<i64> {
        self.entries(Collection::Nodes).filter_map(|entry| entry.value[REPORTED].as_i64()).max()
    }

    fn invent_missing(
        &mut self,
        from: Collection,
        field: &str,
        to: Collection,
        invent: fn(u64, &Value) -> Value,
    ) {
        let mut invented = BTreeMap::new();
        for entry in self.entries(from) {
            if let Some(id) = entry.value.get(field).and_then(Value::as_u64)
                && self.get(to, id).is_none()
            {
                invented.entry(id).or_insert_with(|| invent(id, &entry.value));
            }
        }
        for (id, document) in invented {
            if let Value::Object(document) = document {
                self.put(to, id, document);
            }
        }
    }
}

/// The farm of a node without a farm document, in the pattern of the generated documents.
fn invented_farm(id: u64, node: &Value) -> Value {
    json!({
        "name": node.get("farmName").and_then(Value::as_str).unwrap_or_default(),
        "farmId": id,
        "twinId": id.saturating_add(2),
        "pricingPolicyId": 1,
        "certificationType": "NotCertified",
        "stellarAddress": "",
        "dedicated": node.get("inDedicatedFarm").and_then(Value::as_bool).unwrap_or_default(),
        "publicIps": [],
    })
}

/// A twin without a document, in the pattern of the generated documents.
fn invented_twin(id: u64) -> Value {
    json!({
        "twinId": id,
        "accountId": format!("account-id-{id}"),
        "relay": format!("relay-{id}"),
        "publicKey": format!("public-key-{id}"),
    })
}

fn merge(target: &mut Map<String, Value>, patch: Map<String, Value>) {
    for (name, change) in patch {
        match change {
            Value::Null => {
                target.remove(&name);
            }
            Value::Object(change) => {
                let mut inner = match target.remove(&name) {
                    Some(Value::Object(inner)) => inner,
                    _ => Map::new(),
                };
                merge(&mut inner, change);
                target.insert(name, Value::Object(inner));
            }
            other => {
                target.insert(name, other);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_merge_patch_changes_adds_and_removes_in_either_form() {
        let mut documents = Documents::default();
        let node = json!({"nodeId": 7, "farmId": 1, "power": {"state": "Up", "target": "Up"},
            "total_resources": {"cru": 8, "mru": 9}});
        documents.add(node).unwrap();
        let mut grid = Grid::new(&documents);
        let patch = json!({"power": {"state": null, "target": "Down"}, "farmId": null,
            "capacity": {"total_resources": {"cru": 4}}, "healthy": true});
        assert!(grid.patch(Collection::Nodes, 7, patch.as_object().unwrap().clone()));
        assert_eq!(
            grid.get(Collection::Nodes, 7).unwrap().list_text(),
            r#"{"nodeId":7,"total_resources":{"cru":4,"mru":9},"power":{"target":"Down"},"#
                .to_owned()
                + r#""healthy":true}"#
        );
        let patch = json!({"capacity": null, "power": null});
        assert!(grid.patch(Collection::Nodes, 7, patch.as_object().unwrap().clone()));
        let text = grid.get(Collection::Nodes, 7).unwrap().single_text();
        assert_eq!(text, r#"{"nodeId":7,"healthy":true}"#);
        assert!(!grid.patch(Collection::Nodes, 8, Map::new()));
        assert!(grid.remove(Collection::Nodes, 7) && !grid.remove(Collection::Nodes, 7));
    }

    #[test]
    fn nodes_report_while_time_passes() {
        let mut documents = Documents::default();
        let node = |id, status| json!({"nodeId": id, "status": status, "updatedAt": 1_000});
        documents.add(json!([node(1, "up"), node(2, "down"), node(3, "up")])).unwrap();
        let mut grid = Grid::new(&documents);
        let still = json!({"updatedAt": 900}).as_object().unwrap().clone();
        assert!(grid.patch(Collection::Nodes, 3, still));
        let reported = |grid: &Grid| {
            [1, 2, 3].map(|id| {
                grid.get(Collection::Nodes, id).unwrap().value[REPORTED].as_i64().unwrap()
            })
        };
        grid.pass(59);
        assert_eq!(reported(&grid), [1_000, 1_000, 900]);
        grid.pass(3_541);
        assert_eq!(reported(&grid), [4_600, 1_000, 900]);
        assert_eq!(grid.newest_report(), Some(4_600));
    }

    #[test]
    fn a_node_has_a_farm_and_a_farm_has_a_twin() {
        let mut documents = Documents::default();
        documents.add(json!([{"nodeId": 1, "farmId": 5, "farmName": "duck farm"}])).unwrap();
        let grid = Grid::new(&documents);
        assert_eq!(grid.get(Collection::Farms, 5).unwrap().text("name"), "duck farm");
        assert_eq!(grid.get(Collection::Twins, 7).unwrap().text("accountId"), "account-id-7");
    }
}
