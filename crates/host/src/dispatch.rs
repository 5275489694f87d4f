//! Gives a request to an instance of its component, and stops the instance that takes too long.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Result;
use http::{Request, Response};
use tokio::sync::{AcquireError, OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;
use wasmtime::component::{GuestTaskId, InstancePre};
use wasmtime::{Engine, PoolConcurrencyLimitError, Store, StoreContextMut};
use wasmtime_wasi_http::handler::{
    ExpirationError, HandlerState, Instance, InstantiationError, ProxyHandler, ProxyPre,
    ShouldAccept, WorkerExpiration, WorkerState, WorkerStatus,
};
use wasmtime_wasi_http::{WasiBody, WasiHttpView, p2, p3};

use crate::component::Component;
use crate::options::Limits;
use crate::problem::Problem;
use crate::sqlite::Sessions;
use crate::state::State;

/// How long after its deadline a request is given up even if its instance was not seen to stop.
const DEADLINE_SLACK: Duration = Duration::from_secs(2);

/// A component that answers HTTP.
pub(crate) struct Dispatcher {
    component: Arc<Component>,
    handler: ProxyHandler<Instances>,
    /// This component's own, of which there are fewer.
    own_places: Arc<Semaphore>,
    /// Shared by all components of a host.
    places: Arc<Semaphore>,
}

impl Dispatcher {
    /// Fails if the component exports no HTTP handler.
    pub(crate) fn new(
        component: Arc<Component>,
        pre: InstancePre<State>,
        places: Arc<Semaphore>,
    ) -> Result<Dispatcher> {
        let engine = pre.engine().clone();
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(service) => ProxyPre::P3(service),
            Err(_) => ProxyPre::P2(p2::bindings::ProxyPre::new(pre)?),
        };
        let instances = Instances { component: Arc::clone(&component), engine, pre };
        let own_places = usize::from(component.limits.concurrent_requests_per_component);
        let own_places = Arc::new(Semaphore::new(own_places));
        Ok(Dispatcher { component, handler: ProxyHandler::new(instances), own_places, places })
    }

    /// The component's answer.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
    ) -> Result<Response<WasiBody>, Problem> {
        let limits = self.component.limits;
        // Whoever waits for one of its component's places takes none of the others' meanwhile.
        let places = async {
            let own = Arc::clone(&self.own_places).acquire_owned().await?;
            Ok::<_, AcquireError>([own, Arc::clone(&self.places).acquire_owned().await?])
        };
        let Ok(Ok(places)) = tokio::time::timeout(limits.queue_wait, places).await else {
            return Err(Problem::Busy);
        };
        let is_late = Arc::new(AtomicBool::new(false));
        let ticket = Ticket { is_late: Arc::clone(&is_late), _places: places };
        let answer = self.handler.handle(ticket, request);
        let answer =
            match tokio::time::timeout(limits.request_deadline + DEADLINE_SLACK, answer).await {
                Ok(Ok(response)) => return Ok(response),
                Ok(Err(error)) => Some(error),
                Err(_) => None,
            };
        let Some(error) = answer else { return Err(Problem::Deadline) };
        if is_late.load(Ordering::Relaxed) || error.is::<ExpirationError>() {
            return Err(Problem::Deadline);
        }
        if let Some(start) = error.downcast_ref::<InstantiationError<Ticket>>() {
            if start.error.is::<PoolConcurrencyLimitError>() {
                return Err(Problem::Busy);
            }
            self.component.log.host_line(&format!("did not start: {:#}", start.error));
            return Err(Problem::Failed);
        }
        self.component.log.host_line(&format!("gave no answer: {error:#}"));
        Err(Problem::Failed)
    }
}

/// What a request carries to the instance that takes it.
struct Ticket {
    /// Tells the one who waits why there is no answer.
    is_late: Arc<AtomicBool>,
    /// Given back when the guest is done, also when nobody waits for the answer any more.
    _places: [OwnedSemaphorePermit; 2],
}

/// Makes instances of one component.
struct Instances {
    component: Arc<Component>,
    engine: Engine,
    pre: ProxyPre<State>,
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let sessions = Arc::new(Sessions::default());
        let mut store = self
            .component
            .store(&self.engine, Arc::clone(&sessions))
            .map_err(wasmtime::Error::from_anyhow)?;
        let start = self.pre.instantiate_async(&mut store);
        let proxy = tokio::time::timeout(self.component.limits.request_deadline, start).await??;
        let component = Arc::clone(&self.component);
        let limits = component.limits;
        let desk = Arc::new(Desk { component, sessions, ticket: Mutex::default() });
        Ok(Instance {
            store,
            proxy,
            view: |state| state.http(),
            expiration: Expiration {
                limits,
                desk: Arc::clone(&desk),
                sleep: Box::pin(tokio::time::sleep(limits.request_deadline)),
            },
            state: Worker { limits, desk },
        })
    }
}

/// The request that an instance works on, as all parts of its worker see it.
struct Desk {
    component: Arc<Component>,
    sessions: Arc<Sessions>,
    ticket: Mutex<Option<Ticket>>,
}

impl Desk {
    fn ticket(&self) -> MutexGuard<'_, Option<Ticket>> {
        self.ticket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_late(&self) -> bool {
        self.ticket().as_ref().is_some_and(|ticket| ticket.is_late.load(Ordering::Relaxed))
    }

    fn set_late(&self) {
        if let Some(ticket) = &*self.ticket() {
            ticket.is_late.store(true, Ordering::Relaxed);
        }
    }

    /// If a request has ended, frees its place, and undoes what it left uncommitted.
    fn clear(&self) -> bool {
        let has_ended = self.ticket().take().is_some();
        if has_ended && self.sessions.roll_back() {
            self.component.log.host_line("left a transaction open; it was rolled back");
        }
        has_ended
    }
}

/// Decides how many requests an instance takes.
struct Worker {
    limits: Limits,
    desk: Arc<Desk>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Ticket;

    /// One request at a time: a panic then fails only one, and a loop holds up nobody.
    fn should_accept_request(&self, concurrent_count: usize, total_count: usize) -> ShouldAccept {
        if total_count >= self.limits.requests_per_instance {
            ShouldAccept::Never
        } else if concurrent_count > 0 || self.desk.ticket().is_some() {
            ShouldAccept::No
        } else {
            ShouldAccept::Yes
        }
    }

    fn on_request_start(
        &self,
        mut store: StoreContextMut<'_, State>,
        ticket: Ticket,
        _task: GuestTaskId,
    ) -> Pin<Box<dyn Future<Output = ()> + 'static + Send + Sync>> {
        store.data_mut().busy_ticks = 0;
        *self.desk.ticket() = Some(ticket);
        let desk = Arc::clone(&self.desk);
        let deadline = tokio::time::sleep(self.limits.request_deadline);
        Box::pin(async move {
            deadline.await;
            desk.set_late();
        })
    }

    fn drop(&self, store: Store<State>, result: Result<(), wasmtime::Error>) {
        // An idle instance also ends with an error, when its runtime does: that is no news.
        if let (Err(error), Some(_)) = (result, self.desk.ticket().take()) {
            self.desk.component.log.host_lines(&format!("stopped: {error:#}"));
        }
        drop(store);
    }
}

/// Ends an instance that is late, or has been idle for long.
struct Expiration {
    limits: Limits,
    desk: Arc<Desk>,
    sleep: Pin<Box<Sleep>>,
}

impl WorkerExpiration for Expiration {
    /// Asked also while the guest computes, because it yields at each tick of the engine's clock.
    fn poll(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        status: WorkerStatus,
        start: Instant,
    ) -> Poll<()> {
        let allowed = match status {
            WorkerStatus::Idle => {
                if self.desk.clear() {
                    // The worker asks again whether it may take a request, and now it may.
                    cx.waker().wake_by_ref();
                }
                self.limits.instance_idle
            }
            WorkerStatus::Requests => self.limits.request_deadline,
            WorkerStatus::PostReturn if self.desk.is_late() => return Poll::Ready(()),
            WorkerStatus::PostReturn => self.limits.response_deadline,
        };
        let end = (start + allowed).into();
        if self.sleep.deadline() != end {
            self.sleep.as_mut().reset(end);
        }
        let is_over = self.sleep.as_mut().poll(cx);
        if is_over.is_ready() && status == WorkerStatus::Requests {
            self.desk.set_late();
        }
        is_over
    }
}
