//! The filters and sort fields of each list, by the server's names for them.

use serde_json::Value;

use crate::documents::Collection;
use crate::field::{contains, flag, free, has_text, is_one_of, is_true, number, price, same, text};
use crate::select::{Filter, Listing, Rule, Scope};

pub(crate) const NODES: Listing = Listing {
    collection: Collection::Nodes,
    kind: "Node",
    filters: &[(Scope::Document, NODE_FILTERS), (Scope::Gpu, GPU_FILTERS)],
    sorts: &[
        ("node_id", "/nodeId"),
        ("farm_id", "/farmId"),
        ("twin_id", "/twinId"),
        ("country", "/country"),
        ("city", "/city"),
        ("uptime", "/uptime"),
        ("created", "/created"),
        ("updated_at", "/updatedAt"),
        ("total_cru", "/total_resources/cru"),
        ("total_sru", "/total_resources/sru"),
        ("total_hru", "/total_resources/hru"),
        ("total_mru", "/total_resources/mru"),
        ("used_cru", "/used_resources/cru"),
        ("used_sru", "/used_resources/sru"),
        ("used_hru", "/used_resources/hru"),
        ("used_mru", "/used_resources/mru"),
        ("status", "/status"),
        ("dedicated_farm", "/inDedicatedFarm"),
        ("rent_contract_id", "/rentContractId"),
        ("rented", "/rented"),
        ("rentable", "/rentable"),
        ("num_gpu", "/num_gpu"),
        ("extra_fee", "/extraFee"),
        ("price_usd", "/price_usd"),
        ("free_cru", "free_cru"),
    ],
};

const NODE_FILTERS: &[Filter] = &[
    ("status", Rule::Status),
    ("free_mru", Rule::Number(|it, least| free(it, "mru") >= least)),
    ("free_hru", Rule::Number(|it, least| free(it, "hru") >= least)),
    ("free_sru", Rule::Number(|it, least| free(it, "sru") >= least)),
    ("total_mru", Rule::Number(|it, least| total(it, "mru") >= least)),
    ("total_hru", Rule::Number(|it, least| total(it, "hru") >= least)),
    ("total_sru", Rule::Number(|it, least| total(it, "sru") >= least)),
    ("total_cru", Rule::Number(|it, least| total(it, "cru") >= least)),
    ("country", Rule::Text(|it, name| same(it, "/country", name))),
    ("country_contains", Rule::Text(|it, part| contains(it, "/country", part))),
    ("city", Rule::Text(|it, name| same(it, "/city", name))),
    ("city_contains", Rule::Text(|it, part| contains(it, "/city", part))),
    ("region", Rule::NotInDocuments),
    ("farm_name", Rule::Text(|it, name| same(it, "/farmName", name))),
    ("farm_name_contains", Rule::Text(|it, part| contains(it, "/farmName", part))),
    ("farm_ids", Rule::Numbers(|it, ids| is_one_of(it, "/farmId", ids))),
    ("free_ips", Rule::Number(|it, least| number(it, "/farm_free_ips") >= least)),
    ("ipv4", Rule::Flag(|it| Some(has_text(it, "/publicConfig/ipv4")))),
    ("ipv6", Rule::Flag(|it| Some(has_text(it, "/publicConfig/ipv6")))),
    ("domain", Rule::Flag(|it| Some(has_text(it, "/publicConfig/domain")))),
    ("has_ipv6", Rule::NotInDocuments),
    // The filter leaves the extra fee out, which the field of this name counts in.
    ("dedicated", Rule::Flag(|it| Some(is_true(it, "/rentable") || is_true(it, "/rented")))),
    ("in_dedicated_farm", Rule::Flag(|it| flag(it, "/inDedicatedFarm"))),
    ("rentable", Rule::Flag(|it| flag(it, "/rentable"))),
    ("rented", Rule::Flag(|it| flag(it, "/rented"))),
    ("owned_by", Rule::Owner),
    ("rented_by", Rule::Number(is_rented_by)),
    (
        "rentable_or_rented_by",
        Rule::Number(|it, twin| is_true(it, "/rentable") || is_rented_by(it, twin)),
    ),
    ("available_for", Rule::Number(is_available_for)),
    ("node_id", Rule::Number(|it, id| number(it, "/nodeId") == id)),
    ("node_ids", Rule::Numbers(|it, ids| is_one_of(it, "/nodeId", ids))),
    ("excluded", Rule::Numbers(|it, ids| !is_one_of(it, "/nodeId", ids))),
    ("twin_id", Rule::Number(|it, id| number(it, "/twinId") == id)),
    ("certification_type", Rule::Text(|it, name| same(it, "/certificationType", name))),
    ("num_gpu", Rule::Number(|it, least| number(it, "/num_gpu") >= least)),
    ("healthy", Rule::Flag(|it| flag(it, "/healthy"))),
    ("price_min", Rule::Price(|it, least| price(it) >= least)),
    ("price_max", Rule::Price(|it, most| price(it) <= most)),
    ("features", Rule::Features),
];

const GPU_FILTERS: &[Filter] = &[
    ("has_gpu", Rule::Flag(|it| Some(has_text(it, "/id")))),
    ("gpu_device_id", Rule::Text(|it, part| contains(it, "/id", part))),
    ("gpu_device_name", Rule::Text(|it, part| contains(it, "/device", part))),
    ("gpu_vendor_id", Rule::Text(|it, part| contains(it, "/id", part))),
    ("gpu_vendor_name", Rule::Text(|it, part| contains(it, "/vendor", part))),
    ("gpu_available", Rule::Flag(|it| Some(number(it, "/contract") == 0))),
];

pub(crate) const FARMS: Listing = Listing {
    collection: Collection::Farms,
    kind: "Farm",
    filters: &[(Scope::Document, FARM_FILTERS), (Scope::Node, NODE_OF_FARM_FILTERS)],
    sorts: &[
        ("name", "/name"),
        ("farm_id", "/farmId"),
        ("twin_id", "/twinId"),
        ("dedicated", "/dedicated"),
    ],
};

const FARM_FILTERS: &[Filter] = &[
    ("free_ips", Rule::NotInDocuments),
    ("total_ips", Rule::NotInDocuments),
    ("stellar_address", Rule::Text(|it, is| text(it, "/stellarAddress") == is)),
    ("pricing_policy_id", Rule::Number(|it, id| number(it, "/pricingPolicyId") == id)),
    ("farm_id", Rule::Number(|it, id| number(it, "/farmId") == id)),
    ("twin_id", Rule::Number(|it, id| number(it, "/twinId") == id)),
    ("name", Rule::Text(|it, name| same(it, "/name", name))),
    ("name_contains", Rule::Text(|it, part| contains(it, "/name", part))),
    ("certification_type", Rule::Text(|it, is| text(it, "/certificationType") == is)),
    ("dedicated", Rule::Flag(|it| flag(it, "/dedicated"))),
];

const NODE_OF_FARM_FILTERS: &[Filter] = &[
    ("node_free_mru", Rule::Number(|it, least| free(it, "mru") >= least)),
    ("node_free_hru", Rule::Number(|it, least| free(it, "hru") >= least)),
    ("node_free_sru", Rule::Number(|it, least| free(it, "sru") >= least)),
    ("node_total_cru", Rule::Number(|it, least| total(it, "cru") >= least)),
    ("node_status", Rule::Status),
    ("node_rented_by", Rule::Number(is_rented_by)),
    ("node_available_for", Rule::Number(is_available_for)),
    ("node_has_gpu", Rule::Flag(|it| Some(number(it, "/num_gpu") > 0))),
    ("node_has_ipv6", Rule::NotInDocuments),
    ("node_certified", Rule::Flag(|it| Some(text(it, "/certificationType") == "Certified"))),
    ("node_features", Rule::Features),
    ("country", Rule::Text(|it, name| same(it, "/country", name))),
    ("region", Rule::NotInDocuments),
];

pub(crate) const TWINS: Listing = Listing {
    collection: Collection::Twins,
    kind: "Twin",
    filters: &[(Scope::Document, TWIN_FILTERS)],
    sorts: &[
        ("twin_id", "/twinId"),
        ("account_id", "/accountId"),
        ("relay", "/relay"),
        ("public_key", "/publicKey"),
    ],
};

const TWIN_FILTERS: &[Filter] = &[
    ("twin_id", Rule::Number(|it, id| number(it, "/twinId") == id)),
    ("account_id", Rule::Text(|it, is| text(it, "/accountId") == is)),
    ("relay", Rule::Text(|it, is| text(it, "/relay") == is)),
    ("public_key", Rule::Text(|it, is| text(it, "/publicKey") == is)),
];

pub(crate) const CONTRACTS: Listing = Listing {
    collection: Collection::Contracts,
    kind: "Contract",
    filters: &[(Scope::Document, CONTRACT_FILTERS)],
    sorts: &[
        ("contract_id", "/contract_id"),
        ("twin_id", "/twin_id"),
        ("state", "/state"),
        ("created_at", "/created_at"),
        ("type", "/type"),
    ],
};

const CONTRACT_FILTERS: &[Filter] = &[
    ("contract_id", Rule::Number(|it, id| number(it, "/contract_id") == id)),
    ("twin_id", Rule::Number(|it, id| number(it, "/twin_id") == id)),
    ("node_id", Rule::Number(|it, id| number(it, "/details/nodeId") == id)),
    ("type", Rule::Text(|it, is| text(it, "/type") == is)),
    ("state", Rule::Words(|it, words| words.iter().any(|word| same(it, "/state", word)))),
    ("name", Rule::Text(|it, is| text(it, "/details/name") == is)),
    (
        "number_of_public_ips",
        Rule::Number(|it, least| number(it, "/details/number_of_public_ips") >= least),
    ),
    ("deployment_data", Rule::Text(|it, is| text(it, "/details/deployment_data") == is)),
    ("deployment_hash", Rule::Text(|it, is| text(it, "/details/deployment_hash") == is)),
    ("farm_name", Rule::Text(|it, name| same(it, "/details/farm_name", name))),
    ("farm_id", Rule::Number(|it, id| number(it, "/details/farm_id") == id)),
];

fn total(node: &Value, resource: &str) -> i128 {
    number(node, &format!("/total_resources/{resource}"))
}

fn is_rented_by(node: &Value, twin: i128) -> bool {
    number(node, "/rentedByTwinId") == twin
}

/// Whether the twin may deploy on the node.
fn is_available_for(node: &Value, twin: i128) -> bool {
    let is_for_all = !is_true(node, "/rented")
        && !is_true(node, "/inDedicatedFarm")
        && number(node, "/extraFee") == 0;
    is_for_all || is_rented_by(node, twin)
}
