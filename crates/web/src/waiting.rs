//! An agent that waits for a job: a long poll, which looks again and again until one is due.

use domain::id::{AccountId, TokenId};
use domain::provisioning::WAIT_SECONDS_MAX;
use domain::time::Timestamp;
use http::StatusCode;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use seal::Keys;
use store::jobs::{self, Agent};
use store::{Db, StoreError};

use crate::api::agent::{JobView, LeaseAnswer};
use crate::context::{Context, Request, Response};
use crate::problem::{Kind, Problem};
use crate::session;

/// Gives the operator's keys, to open what renters have sealed.
pub type GetKeys<'a> = &'a dyn Fn() -> Result<Keys, Problem>;

/// An agent that waits. Nothing of it is kept anywhere: whoever hangs up asks again.
#[derive(Clone)]
pub struct Wait {
    /// Shows who asks.
    request: Request,
    farmer: AccountId,
    farm: u32,
    name: String,
    token: Option<TokenId>,
    /// How often it looks yet, a second apart.
    looks: u32,
}

impl Wait {
    /// The wait of an agent that calls itself `name`, for at most so many seconds. Its token is for
    /// one farm, or it is refused.
    pub fn new(cx: &Context<'_>, name: &str, seconds: u32) -> Result<Wait, Problem> {
        let identity = cx.account()?;
        Ok(Wait {
            request: cx.request.clone(),
            farmer: identity.account,
            farm: farm_of(cx)?,
            name: name.to_owned(),
            token: identity.token(),
            looks: seconds.min(WAIT_SECONDS_MAX),
        })
    }

    /// The agent that waits.
    pub fn agent(&self) -> Agent<'_> {
        Agent { farmer: self.farmer, farm: self.farm, name: &self.name, token: self.token }
    }

    /// Whether it does not look any more.
    pub fn is_over(&self) -> bool {
        self.looks == 0
    }

    /// Looks once more; leases the job that is due.
    pub fn look(
        &mut self,
        db: &dyn Db,
        keys: GetKeys<'_>,
        now: Timestamp,
    ) -> Result<Option<LeaseAnswer>, Problem> {
        self.looks = self.looks.saturating_sub(1);
        // A token that was revoked meanwhile is worth nothing at once.
        if session::still(db, &self.request, now)?.is_none() {
            return Err(Problem::plain(Kind::NotSignedIn));
        }
        let leased = match jobs::lease(db, &self.agent(), now) {
            Ok(leased) => leased,
            // The next look finds what this one did not.
            Err(StoreError::Busy) => None,
            Err(error) => return Err(error.into()),
        };
        let show = |leased| JobView::new(&leased, keys).map(|job| LeaseAnswer { job });
        leased.map(show).transpose()
    }

    /// Gives the job with the answer that was nothing so far.
    pub fn answered(mut response: Response, answer: &LeaseAnswer) -> Response {
        // Text and numbers can always be written.
        let body = serde_json::to_vec(answer).unwrap_or_default();
        *response.status_mut() = StatusCode::OK;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
        *response.body_mut() = body;
        response
    }
}

/// The farm that the token of an agent is for.
pub fn farm_of(cx: &Context<'_>) -> Result<u32, Problem> {
    cx.account()?.farm().ok_or_else(|| {
        let detail =
            "an agent needs a token with the scope `agent` for one farm; create one with `farm_id`";
        Problem::new(Kind::MissingScope, detail)
    })
}
