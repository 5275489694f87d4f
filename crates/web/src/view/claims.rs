//! Fills the pages that say whose a farm is.

use store::farms::{ForeignNode, Proof, ProvenFarm};

use crate::api::PageOf;
use crate::api::claims::ClaimView;
use crate::form::Form;
use crate::page::{
    Badge, FarmClaim, FarmClaims, Field, ForeignNodeRow, OperatorFarms, ProvenFarmRow, Section,
    Tone,
};
use crate::problem::Problem;
use crate::view::moment;
use crate::view::visit::Visit;
use crate::view::wording::{counted, error_above, sent, sentence};

/// How many farms one page shows.
pub const FARMS_PER_PAGE: u32 = 50;

/// The fields of the form that begins a claim, and of the one that approves a farm.
const CLAIM_FIELDS: [&str; 2] = ["farm_id", "grid_node_id"];
const APPROVAL_FIELDS: [&str; 3] = ["farm", "email", "reason"];

impl FarmClaims {
    /// A page of a farmer's farms: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<ProvenFarm>, foreign: &[ForeignNode]) -> FarmClaims {
        let (farms, next) = rows(found);
        FarmClaims {
            frame: visit.frame("Verified farms", Section::Farm),
            farms,
            next_page: visit.next_page("/dashboard/farm/claims", next),
            foreign: foreign.iter().map(ForeignNodeRow::new).collect(),
            farm_id: Field::default(),
            grid_node_id: Field::default(),
            error: None,
            not_taken: None,
        }
    }

    /// The same after no claim was begun.
    pub fn refused(mut self, form: &Form, problem: &Problem) -> FarmClaims {
        [self.farm_id, self.grid_node_id] =
            CLAIM_FIELDS.map(|field| sent(form, field, &problem.fields));
        self.error = error_above(problem, &CLAIM_FIELDS);
        self
    }

    /// The same after a node was not taken over.
    pub fn not_taken(mut self, problem: &Problem) -> FarmClaims {
        self.not_taken = Some(sentence(&problem.detail));
        self
    }
}

fn rows(found: Vec<ProvenFarm>) -> (Vec<ProvenFarmRow>, Option<String>) {
    let place = |proven: &ProvenFarm| proven.farm.id.to_string();
    let page = PageOf::new(found, FARMS_PER_PAGE, place, ProvenFarmRow::new);
    (page.items, page.next_cursor)
}

/// A farm's name and number.
pub(super) fn farm_name(name: &str, id: u32) -> String {
    if name.is_empty() { format!("Farm {id}") } else { format!("{name}, farm {id}") }
}

impl ProvenFarmRow {
    fn new(proven: &ProvenFarm) -> ProvenFarmRow {
        let farm = &proven.farm;
        ProvenFarmRow {
            id: farm.id,
            name: farm_name(&farm.name, farm.id),
            how: match proven.proof {
                Proof::Signature => Badge::new("verified by signature", Tone::Good),
                Proof::Operator => Badge::new("approved by the operator", Tone::Good),
            },
            signer: farm.account.clone(),
            owner: proven.email.clone(),
            since: moment::on_day(proven.proven_at),
            checked_at: moment::to_the_minute(proven.checked_at),
            add_url: format!("/dashboard/farm/add?farm={}", farm.id),
            revoke_url: format!("/operator/farms/{}/revoke", farm.id),
        }
    }
}

impl ForeignNodeRow {
    fn new(foreign: &ForeignNode) -> ForeignNodeRow {
        let rented = counted(foreign.allocated_slices, "slice");
        ForeignNodeRow {
            node: foreign.node.to_string(),
            about: format!("{}, farm {}, {rented} rented", foreign.name, foreign.farm),
            take_over_url: format!("/dashboard/farm/nodes/{}/take-over", foreign.node),
        }
    }
}

impl FarmClaim {
    /// A message that is to be signed.
    pub fn new(visit: &Visit<'_>, claim: &ClaimView) -> FarmClaim {
        // The message has no quote: it is made of numbers, ids, an address of the web and words.
        let quoted = format!("'{}'", claim.message.replace('\'', ""));
        FarmClaim {
            frame: visit.frame("Verify farm", Section::Farm),
            farm: farm_name(&claim.farm_name, claim.farm_id),
            signer: claim.signer.clone(),
            message: claim.message.clone(),
            challenge: claim.challenge.clone(),
            until: moment::to_the_minute(claim.until),
            signature: Field::default(),
            signed_as: Field::default(),
            error: None,
            subkey: format!("printf %s {quoted} | subkey sign --suri \"$(cat phrase.txt)\""),
            xtask: format!("cargo xtask sign-claim {quoted} < phrase.txt"),
        }
    }

    /// The same after a signature did not prove it.
    pub fn refused(mut self, form: &Form, problem: &Problem) -> FarmClaim {
        self.signature = sent(form, "signature", &problem.fields);
        self.signed_as = sent(form, "signed_as", &problem.fields);
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl OperatorFarms {
    /// A page of all proven farms: one more than it holds, if there are more.
    pub fn new(visit: &Visit<'_>, found: Vec<ProvenFarm>) -> OperatorFarms {
        let (farms, next) = rows(found);
        OperatorFarms {
            frame: visit.frame("Farms", Section::Operator),
            farms,
            next_page: visit.next_page("/operator/farms", next),
            farm: Field::default(),
            email: Field::default(),
            reason: Field::default(),
            error: None,
        }
    }

    /// The same after nothing was approved.
    pub fn refused(mut self, form: &Form, problem: &Problem) -> OperatorFarms {
        [self.farm, self.email, self.reason] =
            APPROVAL_FIELDS.map(|field| sent(form, field, &problem.fields));
        self.error = error_above(problem, &APPROVAL_FIELDS);
        self
    }
}
