//! An agent that waits for a job: a long poll, which looks again and again until one is due.

use std::time::Duration;

use domain::id::{AccountId, TokenId};
use domain::provisioning::WAIT_SECONDS_MAX;
use http::StatusCode;
use store::StoreError;
use store::jobs::{self, Agent};
use store::machine_actions;
use web::body::{Body, Wait};
use web::{Context, Env, Kind, Problem, Request, Response, respond, session};

use crate::agent::json::{JobView, LeaseAnswer};

/// An agent that waits. Nothing of it is kept anywhere: whoever hangs up asks again.
pub(crate) struct JobWait {
    /// Shows who asks.
    request: Request,
    farmer: AccountId,
    farm: u32,
    name: String,
    token: Option<TokenId>,
    /// For how long it looks again and again.
    seconds: u32,
}

impl JobWait {
    /// The wait of an agent that calls itself `name`, for at most so many seconds. Its token is for
    /// one farm, or it is refused.
    pub(crate) fn new(cx: &Context<'_>, name: &str, seconds: u32) -> Result<JobWait, Problem> {
        let identity = cx.account()?;
        Ok(JobWait {
            request: cx.request.clone(),
            farmer: identity.account,
            farm: farm_of(cx)?,
            name: name.to_owned(),
            token: identity.token(),
            seconds: seconds.min(WAIT_SECONDS_MAX),
        })
    }

    /// The agent that waits.
    pub(crate) fn agent(&self) -> Agent<'_> {
        Agent { farmer: self.farmer, farm: self.farm, name: &self.name, token: self.token }
    }

    /// Whether there is something to lease.
    fn is_due(&self, env: &Env<'_>) -> Result<bool, StoreError> {
        Ok(jobs::is_due(env.db, &self.agent(), env.now)?
            || machine_actions::is_due(env.db, &self.agent(), env.now)?)
    }

    /// Looks once more; leases the job that is due.
    fn try_lease(&self, env: &Env<'_>) -> Result<Option<LeaseAnswer>, Problem> {
        // A token that was revoked meanwhile is worth nothing at once.
        if session::still(env.db, &self.request, env.now)?.is_none() {
            return Err(Problem::plain(Kind::NotSignedIn));
        }
        match self.is_due(env) {
            Ok(true) => {}
            // The next look finds what this one did not.
            Ok(false) | Err(StoreError::Busy) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let leased = match jobs::lease(env.db, &self.agent(), env.now) {
            Ok(leased) => leased,
            Err(StoreError::Busy) => None,
            Err(error) => return Err(error.into()),
        };
        if let Some(leased) = leased {
            return Ok(Some(LeaseAnswer { job: JobView::new(&leased, env)? }));
        }
        match machine_actions::lease(env.db, &self.agent(), env.now) {
            Ok(Some(leased)) => Ok(Some(LeaseAnswer { job: JobView::of_action(&leased, env)? })),
            Ok(None) | Err(StoreError::Busy) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Answers at once where a job is due or the agent does not wait; else goes on looking.
    pub(crate) fn begin(self, cx: &Context<'_>) -> Result<Response, Problem> {
        if let Some(answer) = self.try_lease(cx)? {
            return respond::json(StatusCode::OK, &answer);
        }
        let mut response = respond::no_content();
        if !self.is_over(Duration::ZERO) {
            *response.body_mut() = Body::Wait(Box::new(self));
        }
        Ok(response)
    }
}

impl Wait for JobWait {
    fn is_over(&self, waited: Duration) -> bool {
        waited >= Duration::from_secs(self.seconds.into())
    }

    fn poll(&mut self, env: &Env<'_>) -> Result<Option<Vec<u8>>, Problem> {
        let leased = self.try_lease(env)?;
        leased.map(|answer| serde_json::to_vec(&answer).map_err(Problem::internal)).transpose()
    }
}

/// The farm that the token of an agent is for.
pub(crate) fn farm_of(cx: &Context<'_>) -> Result<u32, Problem> {
    cx.account()?.farm().ok_or_else(|| {
        let detail =
            "an agent needs a token with the scope `agent` for one farm; create one with `farm_id`";
        Problem::new(Kind::MissingScope, detail)
    })
}
