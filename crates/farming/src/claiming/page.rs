//! Whose a farm is: `/dashboard/farm/claims` and `/operator/farms`.

use askama::Template;
use domain::field::FieldError;
use serde::Deserialize;
use store::farms::{ForeignNode, VerificationMethod, VerifiedFarm};
use ui::moment;
use ui::visit::Visit;
use web::Problem;
use web::api::PageOf;
use web::form::{Form, error_above, sent};
use web::page::{Badge, Field, Frame, Moment, Section, Tone};
use web::text::{counted, sentence};

use crate::claiming::json::{ApproveBody, ClaimBody, ClaimView, parse_farm};

/// What `farm_claims.html` shows: a farmer's farms, and the form that begins a claim.
#[derive(Clone, Debug, Template)]
#[template(path = "claiming/farm_claims.html")]
pub(crate) struct FarmClaims {
    /// What surrounds the page.
    pub frame: Frame,
    /// One page of the farmer's farms.
    pub farms: Vec<VerifiedFarmRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// Nodes of these farms that others have registered.
    pub foreign: Vec<ForeignNodeRow>,
    /// `farm_id` of the form.
    pub farm_id: Field,
    /// `grid_node_id` of the form.
    pub grid_node_id: Field,
    /// Why no claim was begun, when it is not about one field.
    pub error: Option<String>,
    /// Why a node was not taken over.
    pub not_taken: Option<String>,
}

/// A farm that somebody has verified.
#[derive(Clone, Debug)]
pub(crate) struct VerifiedFarmRow {
    /// Its name and number, such as `Freefarm, farm 1`.
    pub name: String,
    /// `signature` or `operator`.
    pub how: Badge,
    /// The address of the account that it belongs to on the grid.
    pub signer: String,
    /// Whose it is here: an email address.
    pub owner: String,
    /// Since when.
    pub since: Moment,
    /// When the grid was last asked.
    pub checked_at: Moment,
    /// Where its nodes are added.
    pub add_url: String,
    /// Where the operator's button posts to.
    pub revoke_url: String,
}

/// A node that somebody else has registered.
#[derive(Clone, Debug)]
pub(crate) struct ForeignNodeRow {
    /// Its id.
    pub node: String,
    /// What it is called, of which farm, and what is rented on it.
    pub about: String,
    /// Where the button posts to.
    pub take_over_url: String,
}

/// What `farm_claim.html` shows: a message, and how to sign it.
#[derive(Clone, Debug, Template)]
#[template(path = "claiming/farm_claim.html")]
pub(crate) struct FarmClaim {
    /// What surrounds the page.
    pub frame: Frame,
    /// The farm's name and number.
    pub farm: String,
    /// The address that must sign.
    pub signer: String,
    /// The message.
    pub message: String,
    /// Hidden field `challenge`.
    pub challenge: String,
    /// Until when the message is good.
    pub until: Moment,
    /// `signature`
    pub signature: Field,
    /// `signed_as`
    pub signed_as: Field,
    /// Why the signature does not prove it.
    pub error: Option<String>,
    /// The command that signs with `subkey`.
    pub subkey: String,
    /// The command that signs with our own tool.
    pub xtask: String,
}

/// What `operator_farms.html` shows: every verified farm, and the form that approves one by hand.
#[derive(Clone, Debug, Template)]
#[template(path = "claiming/operator_farms.html")]
pub(crate) struct OperatorFarms {
    /// What surrounds the page.
    pub frame: Frame,
    /// One page of farms.
    pub farms: Vec<VerifiedFarmRow>,
    /// The address of the next page, if there is one.
    pub next_page: Option<String>,
    /// `farm`
    pub farm: Field,
    /// `email`
    pub email: Field,
    /// `reason`
    pub reason: Field,
    /// Why nothing was approved, when it is not about one field.
    pub error: Option<String>,
}

/// How many farms one page shows.
pub(crate) const FARMS_PER_PAGE: u32 = 50;

/// The fields of the form that begins a claim, and of the one that approves a farm.
const CLAIM_FIELDS: [&str; 2] = ["farm_id", "grid_node_id"];

const APPROVAL_FIELDS: [&str; 3] = ["farm", "email", "reason"];

impl FarmClaims {
    /// A page of a farmer's farms: one more than it holds, if there are more.
    pub(crate) fn new(
        visit: &Visit<'_>,
        found: Vec<VerifiedFarm>,
        foreign: &[ForeignNode],
    ) -> FarmClaims {
        let (farms, next) = rows(visit, found);
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
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> FarmClaims {
        [self.farm_id, self.grid_node_id] =
            CLAIM_FIELDS.map(|field| sent(form, field, &problem.fields));
        self.error = error_above(problem, &CLAIM_FIELDS);
        self
    }

    /// The same after a node was not taken over.
    pub(crate) fn not_taken(mut self, problem: &Problem) -> FarmClaims {
        self.not_taken = Some(sentence(&problem.detail));
        self
    }
}

fn rows(visit: &Visit<'_>, found: Vec<VerifiedFarm>) -> (Vec<VerifiedFarmRow>, Option<String>) {
    let place = |verified: &VerifiedFarm| verified.farm.id.to_string();
    let page = PageOf::new(visit.search, found, FARMS_PER_PAGE, place, VerifiedFarmRow::new);
    (page.items, page.next_cursor)
}

/// A farm's name and number.
pub(crate) fn farm_name(name: &str, id: u32) -> String {
    if name.is_empty() { format!("Farm {id}") } else { format!("{name}, farm {id}") }
}

impl VerifiedFarmRow {
    pub(crate) fn new(verified: &VerifiedFarm) -> VerifiedFarmRow {
        let farm = &verified.farm;
        VerifiedFarmRow {
            name: farm_name(&farm.name, farm.id),
            how: match verified.method {
                VerificationMethod::Signature => Badge::new("verified by signature", Tone::Good),
                VerificationMethod::Operator => Badge::new("approved by the operator", Tone::Good),
            },
            signer: farm.account.clone(),
            owner: verified.email.clone(),
            since: moment::on_day(verified.verified_at),
            checked_at: moment::to_the_minute(verified.checked_at),
            add_url: format!("/dashboard/farm/add?farm={}", farm.id),
            revoke_url: format!("/operator/farms/{}/revoke", farm.id),
        }
    }
}

impl ForeignNodeRow {
    pub(crate) fn new(foreign: &ForeignNode) -> ForeignNodeRow {
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
    pub(crate) fn new(visit: &Visit<'_>, claim: &ClaimView) -> FarmClaim {
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
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> FarmClaim {
        self.signature = sent(form, "signature", &problem.fields);
        self.signed_as = sent(form, "signed_as", &problem.fields);
        self.error = Some(sentence(&problem.detail));
        self
    }
}

impl OperatorFarms {
    /// A page of all verified farms: one more than it holds, if there are more.
    pub(crate) fn new(visit: &Visit<'_>, found: Vec<VerifiedFarm>) -> OperatorFarms {
        let (farms, next) = rows(visit, found);
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
    pub(crate) fn refused(mut self, form: &Form, problem: &Problem) -> OperatorFarms {
        [self.farm, self.email, self.reason] =
            APPROVAL_FIELDS.map(|field| sent(form, field, &problem.fields));
        self.error = error_above(problem, &APPROVAL_FIELDS);
        self
    }
}

/// The form that claims a farm.
#[derive(Deserialize)]
pub(crate) struct ClaimForm {
    #[serde(default)]
    farm_id: String,
    #[serde(default)]
    grid_node_id: String,
}

impl ClaimForm {
    /// What it claims: a farm by its number, or by one of its nodes, whose name does as well.
    pub(crate) fn body(&self) -> ClaimBody {
        let number = |text: &str| {
            let digits = text.trim().strip_prefix("node").unwrap_or(text.trim());
            // What is no number is refused as 0 is.
            (!digits.is_empty()).then(|| digits.parse().unwrap_or(0))
        };
        ClaimBody { farm_id: number(&self.farm_id), grid_node_id: number(&self.grid_node_id) }
    }
}

/// The form by which the operator approves a farm.
#[derive(Deserialize)]
pub(crate) struct ApproveForm {
    farm: String,
    /// Whose it is, and why.
    #[serde(flatten)]
    pub body: ApproveBody,
}

impl ApproveForm {
    /// The farm's number.
    pub(crate) fn farm(&self) -> Result<u32, FieldError> {
        let farm = parse_farm(self.farm.trim());
        farm.ok_or_else(|| FieldError::new("farm", "a farm ID above 0"))
    }
}
