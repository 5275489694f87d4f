//! Which documents of a list a request asks for, and in which order.

use std::cmp::Ordering;
use std::collections::HashSet;
use std::hash::{BuildHasher as _, RandomState};

use serde_json::Value;

use crate::documents::Collection;
use crate::field::{flag, free, number, text};
use crate::grid::{Entry, Grid};
use crate::query::{self, Limit, ParamError, Params};

/// The features that a node may have, and that a request may ask for.
const FEATURES: &str = "zmount zdb volume ipv4 ip gateway-name-proxy gateway-fqdn-proxy qsfs zlogs \
    network zmachine zmachine-light network-light wireguard yggdrasil mycelium";

/// The states that a node may have, in the order in which the server sorts by them.
const STATUSES: [&str; 3] = ["up", "standby", "down"];

/// What a parameter holds, and whether a document fits it.
pub(crate) enum Rule {
    /// A boolean; `None` is a document that fits neither of the two.
    Flag(fn(&Value) -> Option<bool>),
    Number(fn(&Value, i128) -> bool),
    Price(fn(&Value, f64) -> bool),
    Numbers(fn(&Value, &HashSet<u64>) -> bool),
    Text(fn(&Value, &str) -> bool),
    Words(fn(&Value, &[String]) -> bool),
    Status,
    Features,
    /// The twin that owns the farm.
    Owner,
    /// Only the server's database could tell.
    NotInDocuments,
}

/// What the rules of a parameter look at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    Document,
    /// One GPU of the node meets all rules of this scope.
    Gpu,
    /// One node of the farm meets all rules of this scope.
    Node,
}

/// A filter: its name, and what it asks.
pub(crate) type Filter = (&'static str, Rule);

/// How one collection is listed.
pub(crate) struct Listing {
    pub(crate) collection: Collection,
    /// The server's name for a document of this kind.
    pub(crate) kind: &'static str,
    pub(crate) filters: &'static [(Scope, &'static [Filter])],
    /// The sort fields, and where a document has them.
    pub(crate) sorts: &'static [(&'static str, &'static str)],
}

type Test<'grid> = Box<dyn Fn(&Value) -> bool + 'grid>;

impl Listing {
    /// The documents that the parameters ask for, in order, before paging.
    pub(crate) fn select<'grid>(
        &self,
        grid: &'grid Grid,
        params: &Params,
    ) -> Result<(Vec<&'grid Entry>, Limit), ParamError> {
        let is_sort_field = |field: &str| self.sorts.iter().any(|(name, _)| *name == field);
        let limit = Limit::parse(params, self.kind, is_sort_field);
        let (tests, limit) = match (self.tests(grid, params), limit) {
            (Ok(tests), Ok(limit)) => (tests, limit),
            // The server decodes all filters, then checks the limit, then what filters mean.
            (Err(error), Err(_)) if error.is_in_decoding() => return Err(error),
            (_, Err(error)) | (Err(error), Ok(_)) => return Err(error),
        };
        let mut entries: Vec<_> = grid
            .entries(self.collection)
            .filter(|entry| fits(grid, &tests, &entry.value))
            .collect();
        let rented_first = params.iter().any(|(name, _)| {
            ["available_for", "rentable_or_rented_by", "node_available_for"].contains(&name)
        });
        self.sort(&mut entries, &limit, rented_first);
        Ok((entries, limit))
    }

    fn tests<'grid>(
        &self,
        grid: &'grid Grid,
        params: &Params,
    ) -> Result<Vec<(Scope, Test<'grid>)>, ParamError> {
        let given = || params.iter().filter(|(name, _)| !Limit::is_name(name));
        let known = |wanted: &str| {
            let mut filters = self.filters.iter().flat_map(|(scope, filters)| {
                filters.iter().map(|(name, rule)| (*scope, *name, rule))
            });
            filters.find(|(_, known, _)| *known == wanted)
        };
        if let Some((name, _)) = given().find(|(name, _)| known(name).is_none()) {
            return Err(ParamError::Unknown(name.to_owned()));
        }
        let tests = given().filter_map(|(name, values)| {
            let (scope, _, rule) = known(name)?;
            Some(rule.test(grid, name, values).map(|test| (scope, test)))
        });
        tests.collect()
    }

    fn sort(&self, entries: &mut [&Entry], limit: &Limit, rented_first: bool) {
        if limit.randomize {
            let state = RandomState::new();
            entries.sort_by_key(|entry| state.hash_one(entry.list_text()));
            return;
        }
        let field = limit.sort_by.as_deref();
        if let Some((_, pointer)) = self.sorts.iter().find(|(name, _)| Some(*name) == field) {
            entries.sort_by(|a, b| {
                let order = compare(pointer, &a.value, &b.value);
                if limit.descending { order.reverse() } else { order }
            });
        }
        if rented_first {
            entries.sort_by_key(|entry| number(&entry.value, "/rentedByTwinId") == 0);
        }
    }
}

impl Rule {
    /// Decodes the values of a parameter into a test of one document.
    fn test<'grid>(
        &self,
        grid: &'grid Grid,
        name: &str,
        values: &[String],
    ) -> Result<Test<'grid>, ParamError> {
        let last = values.last().map(String::as_str).unwrap_or_default();
        let wrong = || ParamError::Value(name.to_owned());
        Ok(match *self {
            Rule::Flag(of) => {
                let wanted = query::boolean(last).ok_or_else(wrong)?;
                Box::new(move |it| of(it) == Some(wanted))
            }
            Rule::Number(fits) => {
                let wanted = query::unsigned(last).map(i128::from).ok_or_else(wrong)?;
                Box::new(move |it| fits(it, wanted))
            }
            Rule::Price(fits) => {
                let wanted = query::float(last).ok_or_else(wrong)?;
                Box::new(move |it| fits(it, wanted))
            }
            Rule::Numbers(fits) => {
                let wanted = query::numbers(name, values)?.into_iter().collect();
                Box::new(move |it| fits(it, &wanted))
            }
            Rule::Text(fits) => {
                let wanted = last.to_owned();
                Box::new(move |it| fits(it, &wanted))
            }
            Rule::Words(fits) => {
                let wanted = query::words(last);
                Box::new(move |it| fits(it, &wanted))
            }
            Rule::Status => {
                let wanted = query::words(last);
                if wanted.iter().any(|word| !STATUSES.contains(&word.as_str())) {
                    return Err(ParamError::Status);
                }
                Box::new(move |it| wanted.iter().any(|word| word == text(it, "/status")))
            }
            Rule::Features => {
                let wanted = query::words(last);
                let is_known = |word: &&String| !FEATURES.split(' ').any(|known| known == *word);
                if let Some(word) = wanted.iter().find(is_known) {
                    return Err(ParamError::Feature(word.clone()));
                }
                Box::new(move |it| wanted.iter().all(|word| has_feature(it, word)))
            }
            Rule::Owner => {
                let wanted = query::unsigned(last).map(i128::from).ok_or_else(wrong)?;
                Box::new(move |it| owner(grid, it) == Some(wanted))
            }
            Rule::NotInDocuments => return Err(ParamError::NotInDocuments(name.to_owned())),
        })
    }
}

fn fits(grid: &Grid, tests: &[(Scope, Test<'_>)], document: &Value) -> bool {
    let all = |scope: Scope, value: &Value| {
        tests.iter().filter(|(of, _)| *of == scope).all(|(_, test)| test(value))
    };
    let has = |scope: Scope| tests.iter().any(|(of, _)| *of == scope);
    let mut gpus = document["gpus"].as_array().into_iter().flatten();
    let mut nodes = grid.entries(Collection::Nodes).map(|node| &node.value);
    all(Scope::Document, document)
        && (!has(Scope::Gpu) || gpus.any(|gpu| all(Scope::Gpu, gpu)))
        && (!has(Scope::Node)
            || nodes.any(|it| it["farmId"] == document["farmId"] && all(Scope::Node, it)))
}

fn has_feature(node: &Value, word: &str) -> bool {
    node["features"].as_array().is_some_and(|features| features.iter().any(|it| it == word))
}

fn owner(grid: &Grid, node: &Value) -> Option<i128> {
    let farm = grid.get(Collection::Farms, node["farmId"].as_u64()?)?;
    Some(number(&farm.value, "/twinId"))
}

/// Orders two documents by a field; one that lacks it comes last.
fn compare(pointer: &str, a: &Value, b: &Value) -> Ordering {
    match pointer {
        "free_cru" => free(a, "cru").cmp(&free(b, "cru")),
        "/status" => {
            let rank = |it| STATUSES.iter().position(|status| *status == text(it, "/status"));
            rank(a).cmp(&rank(b))
        }
        _ => match (a.pointer(pointer), b.pointer(pointer)) {
            (Some(Value::String(a)), Some(Value::String(b))) => a.cmp(b),
            (Some(Value::Bool(_)), Some(Value::Bool(_))) => flag(a, pointer).cmp(&flag(b, pointer)),
            (Some(Value::Number(a)), Some(Value::Number(b))) => {
                a.as_f64().unwrap_or_default().total_cmp(&b.as_f64().unwrap_or_default())
            }
            (a, b) => a.is_none().cmp(&b.is_none()),
        },
    }
}
