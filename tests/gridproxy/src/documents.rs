//! The documents that a stand-in starts with, and where they are read from.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};
use flate2::read::GzDecoder;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire;

/// The most documents of one kind. The real grid has had fewer than ten thousand nodes.
pub const DOCUMENTS_MAX: usize = 200_000;

/// The most bytes of one file, after it is unpacked.
pub const FILE_BYTES_MAX: u64 = 512 << 20;

/// The most files in one folder.
pub const FILES_MAX: usize = 1_000;

/// A kind of document, as the path that lists it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Collection {
    Nodes,
    Farms,
    Twins,
    Contracts,
}

impl Collection {
    pub const ALL: [Collection; 4] =
        [Collection::Nodes, Collection::Farms, Collection::Twins, Collection::Contracts];

    /// The field that holds the id of a document of this kind.
    pub fn id_field(self) -> &'static str {
        match self {
            Collection::Nodes => "nodeId",
            Collection::Farms => "farmId",
            Collection::Twins => "twinId",
            Collection::Contracts => "contract_id",
        }
    }

    /// The kind of a document, told by fields that no other kind has.
    fn of(document: &Map<String, Value>) -> Option<Collection> {
        let has = |name| document.contains_key(name);
        if has("nodeId") {
            Some(Collection::Nodes)
        } else if has("contract_id") {
            Some(Collection::Contracts)
        } else if has("accountId") {
            Some(Collection::Twins)
        } else if has("farmId") {
            Some(Collection::Farms)
        } else {
            None
        }
    }
}

/// A set of documents: nodes, farms, twins and contracts by their ids.
#[derive(Clone, Debug, Default)]
pub struct Documents {
    tables: BTreeMap<Collection, BTreeMap<u64, Map<String, Value>>>,
    skipped: Vec<PathBuf>,
}

impl Documents {
    /// The 16 nodes that each show one trap, with their farms, twins and contracts.
    pub fn example() -> anyhow::Result<Documents> {
        Documents::load(&[
            recorded("server_list_all.json"),
            recorded("server_farms.json"),
            recorded("server_contracts.json"),
            recorded("twins.json"),
        ])
    }

    /// The 6,000 generated nodes: for size, not for realism.
    pub fn generated() -> anyhow::Result<Documents> {
        Documents::load(&[recorded("nodes_6000_generated.json.gz")])
    }

    /// Reads `.json` and `.json.gz` files, each one document or a list of them.
    ///
    /// A folder stands for the files in it, by name; those that hold no document of the server
    /// are left out, and named by [`Documents::skipped`]. Of two documents with one id, the
    /// later one counts.
    pub fn load(paths: &[PathBuf]) -> anyhow::Result<Documents> {
        let mut documents = Documents::default();
        for path in paths {
            if path.is_dir() {
                for file in files_in(path)? {
                    if documents.add_file(&file).is_err() {
                        documents.skipped.push(file);
                    }
                }
            } else {
                documents.add_file(path)?;
            }
        }
        Ok(documents)
    }

    /// The files of folders that hold no document of the server.
    pub fn skipped(&self) -> &[PathBuf] {
        &self.skipped
    }

    /// Adds one document, or a list of them, in any form. It adds all or nothing.
    pub fn add(&mut self, value: Value) -> anyhow::Result<()> {
        let items = match value {
            Value::Array(items) => items,
            one => vec![one],
        };
        let mut read = Vec::with_capacity(items.len());
        for item in items {
            let Value::Object(document) = item else { bail!("a document is not an object") };
            let collection =
                Collection::of(&document).context("a document is none of the server's")?;
            let id = document.get(collection.id_field()).and_then(Value::as_u64);
            let id = id.with_context(|| format!("{} is not an id", collection.id_field()))?;
            read.push((collection, id, document));
        }
        for (collection, id, document) in read {
            self.put(collection, id, document)?;
        }
        Ok(())
    }

    pub(crate) fn table(
        &self,
        collection: Collection,
    ) -> impl Iterator<Item = (u64, &Map<String, Value>)> {
        self.tables.get(&collection).into_iter().flatten().map(|(id, document)| (*id, document))
    }

    fn put(
        &mut self,
        collection: Collection,
        id: u64,
        document: Map<String, Value>,
    ) -> anyhow::Result<()> {
        let table = self.tables.entry(collection).or_default();
        ensure!(table.len() < DOCUMENTS_MAX, "more than {DOCUMENTS_MAX} documents");
        table.insert(id, wire::list_form(document));
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> anyhow::Result<()> {
        read_json(path)
            .and_then(|value| self.add(value))
            .with_context(|| format!("cannot use {}", path.display()))
    }
}

/// The path of a file in `tests/grid`.
pub fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../grid").join(name)
}

fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in folder.read_dir().with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.to_string_lossy();
        if path.is_file() && (name.ends_with(".json") || name.ends_with(".json.gz")) {
            ensure!(files.len() < FILES_MAX, "more than {FILES_MAX} files");
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_json(path: &Path) -> anyhow::Result<Value> {
    let file = File::open(path)?;
    let packed = path.extension().is_some_and(|extension| extension == "gz");
    let mut bytes = Vec::new();
    if packed {
        GzDecoder::new(file).take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    } else {
        file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)?;
    }
    ensure!(bytes.len() as u64 <= FILE_BYTES_MAX, "larger than {FILE_BYTES_MAX} bytes");
    Ok(serde_json::from_slice(&bytes)?)
}
