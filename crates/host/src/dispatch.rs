//! Gives a request to an instance of its component, and stops the instance that takes too long.

use std::fmt;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use anyhow::Result;
use http::{Request, Response};
use http_body_util::BodyExt;
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
use crate::manifest::ComponentDeclaration;
use crate::options::Limits;
use crate::problem::Problem;
use crate::room::Room;
use crate::sqlite::Sessions;
use crate::state::State;

/// How long after its deadline a request is given up even if its instance was not seen to stop.
const DEADLINE_SLACK: Duration = Duration::from_secs(2);

/// The pause before a request that found no instance with room looks again.
const ROOM_PAUSE: Duration = Duration::from_millis(10);

/// Instances of a component that waits beyond those that all waits together fill: some end while
/// their last clients still wait.
const SPARE_INSTANCES: usize = 16;

/// How many instances of a component there may be.
pub(crate) fn instances_max(declaration: &ComponentDeclaration, limits: Limits) -> usize {
    if declaration.waits {
        limits.waiting_requests.div_ceil(limits.waiting_requests_per_instance) + SPARE_INSTANCES
    } else {
        limits.concurrent_requests.into()
    }
}

/// Where the requests of a component get their instances.
pub(crate) enum Places {
    /// Each request has an instance of its own while the component works on it.
    Working {
        /// Shared by all components of a host that work.
        all: Arc<Room>,
        /// This component's own, of which there are fewer.
        own: Arc<Semaphore>,
    },
    /// Requests mostly wait, many in one instance. They take none of the places above.
    Waiting {
        /// Shared by all components of a host that wait.
        all: Arc<Room>,
        instances: Arc<Semaphore>,
    },
}

impl Places {
    pub(crate) fn working(all: &Arc<Room>, limits: Limits) -> Places {
        let own = Semaphore::new(limits.concurrent_requests_per_component.into());
        Places::Working { all: Arc::clone(all), own: Arc::new(own) }
    }

    pub(crate) fn waiting(all: &Arc<Room>, limits: Limits) -> Places {
        let instances = limits.waiting_requests.div_ceil(limits.waiting_requests_per_instance);
        let instances = Arc::new(Semaphore::new(instances + SPARE_INSTANCES));
        Places::Waiting { all: Arc::clone(all), instances }
    }
}

/// A component that answers HTTP.
pub(crate) struct Dispatcher {
    component: Arc<Component>,
    handler: ProxyHandler<Instances>,
    places: Places,
}

impl Dispatcher {
    /// Fails if the component exports no HTTP handler.
    pub(crate) fn new(
        component: Arc<Component>,
        pre: InstancePre<State>,
        places: Places,
    ) -> Result<Dispatcher> {
        let engine = pre.engine().clone();
        let pre = match p3::bindings::ServicePre::new(pre.clone()) {
            Ok(service) => ProxyPre::P3(service),
            Err(_) => ProxyPre::P2(p2::bindings::ProxyPre::new(pre)?),
        };
        let shared = match &places {
            Places::Working { .. } => None,
            Places::Waiting { instances, .. } => Some(Arc::clone(instances)),
        };
        let instances = Instances { component: Arc::clone(&component), engine, pre, shared };
        Ok(Dispatcher { component, handler: ProxyHandler::new(instances), places })
    }

    /// The component's answer to a request of a client.
    pub(crate) async fn answer(
        &self,
        request: Request<WasiBody>,
        client: IpAddr,
    ) -> Result<Response<WasiBody>, Problem> {
        let asking =
            Asking { component: Arc::clone(&self.component), handler: self.handler.clone() };
        match &self.places {
            Places::Working { all, own } => {
                // Whoever waits for its own share, or for one of its component's places, takes none
                // of the others' meanwhile.
                let places = async {
                    let share = all.share(client).acquire_owned().await?;
                    let own = Arc::clone(own).acquire_owned().await?;
                    Ok::<_, AcquireError>([share, own, all.all().acquire_owned().await?])
                };
                let places = tokio::time::timeout(self.component.limits.queue_wait, places);
                let Ok(Ok(places)) = places.await else { return Err(Problem::Busy) };
                asking.ask(request, Hold::Places { _places: places }).await
            }
            Places::Waiting { all, .. } => {
                let place = all.try_take(client, 1).ok_or(Problem::Busy)?;
                let seat = Arc::new(OnceLock::new());
                let hold = Hold::Seat(Arc::downgrade(&seat));
                // The guest goes on waiting if its client hangs up, and keeps its place meanwhile.
                let answer = tokio::spawn(async move {
                    let response = asking.ask(request, hold).await?;
                    let kept = (place, seat);
                    let body = response.map(|body| {
                        let body = body.map_frame(move |frame| {
                            let _kept = &kept;
                            frame
                        });
                        body.boxed_unsync()
                    });
                    Ok(body)
                });
                answer.await.unwrap_or(Err(Problem::Failed))
            }
        }
    }
}

/// What it takes to ask a component.
struct Asking {
    component: Arc<Component>,
    handler: ProxyHandler<Instances>,
}

impl Asking {
    async fn ask(
        &self,
        request: Request<WasiBody>,
        hold: Hold,
    ) -> Result<Response<WasiBody>, Problem> {
        let is_late = Arc::new(AtomicBool::new(false));
        let ticket = Ticket { is_late: Arc::clone(&is_late), hold };
        let wait = self.component.limits.request_deadline + DEADLINE_SLACK;
        let answer = tokio::time::timeout(wait, self.ask_with_room(ticket, request)).await;
        let error = match answer {
            Ok(Ok(response)) => return Ok(response),
            Ok(Err(error)) => error,
            Err(_) => return Err(Problem::Deadline),
        };
        if is_late.load(Ordering::Relaxed) || error.is::<ExpirationError>() {
            return Err(Problem::Deadline);
        }
        if let Some(start) = error.downcast_ref::<InstantiationError<Ticket>>() {
            if start.error.is::<PoolConcurrencyLimitError>() || start.error.is::<NoRoom>() {
                return Err(Problem::Busy);
            }
            self.component.log.host_line(&format!("did not start: {:#}", start.error));
            return Err(Problem::Failed);
        }
        self.component.log.host_line(&format!("gave no answer: {error:#}"));
        Err(Problem::Failed)
    }

    /// Asks again where all instances are there and none was ready to take one more request.
    async fn ask_with_room(
        &self,
        mut ticket: Ticket,
        mut request: Request<WasiBody>,
    ) -> wasmtime::Result<Response<WasiBody>> {
        let until = Instant::now() + self.component.limits.queue_wait;
        loop {
            let error = match self.handler.handle(ticket, request).await {
                Ok(response) => return Ok(response),
                Err(error) => error,
            };
            let start = error.downcast::<InstantiationError<Ticket>>()?;
            if !start.error.is::<NoRoom>() || Instant::now() >= until {
                return Err(start.into());
            }
            ticket = start.request_data;
            request = start.request.into_inner().unwrap_or_else(PoisonError::into_inner);
            tokio::time::sleep(ROOM_PAUSE).await;
        }
    }
}

/// All instances of a component that waits are there.
#[derive(Debug)]
struct NoRoom;

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("there is no room for one more instance")
    }
}

impl std::error::Error for NoRoom {}

/// What a request takes.
enum Hold {
    /// Given back when the guest is done, also when nobody waits for the answer any more.
    Places { _places: [OwnedSemaphorePermit; 3] },
    /// To be filled with a seat in the instance that takes it.
    Seat(Weak<OnceLock<Seat>>),
}

/// One of the requests that an instance has at once, until it is dropped.
#[derive(Debug)]
struct Seat(Arc<AtomicUsize>);

impl Seat {
    fn take(seats: &Arc<AtomicUsize>) -> Seat {
        seats.fetch_add(1, Ordering::Relaxed);
        Seat(Arc::clone(seats))
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What a request carries to the instance that takes it.
struct Ticket {
    /// Tells the one who waits why there is no answer.
    is_late: Arc<AtomicBool>,
    hold: Hold,
}

/// Makes instances of one component.
struct Instances {
    component: Arc<Component>,
    engine: Engine,
    pre: ProxyPre<State>,
    /// Where several requests share an instance, how many more instances there may be.
    shared: Option<Arc<Semaphore>>,
}

impl HandlerState for Instances {
    type StoreData = State;
    type WorkerExpiration = Expiration;
    type WorkerState = Worker;

    async fn instantiate(&self) -> wasmtime::Result<Instance<State, Expiration, Worker>> {
        let room = match &self.shared {
            Some(instances) => Some(Arc::clone(instances).try_acquire_owned().map_err(|_| NoRoom)?),
            None => None,
        };
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
            state: Worker { limits, desk, seats: Arc::default(), room },
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
    /// How many requests it has.
    seats: Arc<AtomicUsize>,
    /// For an instance that has several requests at once.
    room: Option<OwnedSemaphorePermit>,
}

impl WorkerState for Worker {
    type StoreData = State;
    type RequestData = Ticket;

    /// One request at a time: a panic then fails only one, and a loop holds up nobody. Requests
    /// that mostly wait are many at a time, and those that a panic fails are sent again.
    fn should_accept_request(&self, concurrent_count: usize, total_count: usize) -> ShouldAccept {
        let Limits { requests_per_instance, waiting_requests_per_instance, .. } = self.limits;
        if self.room.is_some() {
            if total_count >= requests_per_instance.saturating_mul(waiting_requests_per_instance) {
                ShouldAccept::Never
            } else if self.seats.load(Ordering::Relaxed) >= waiting_requests_per_instance {
                ShouldAccept::No
            } else {
                ShouldAccept::Yes
            }
        } else if total_count >= requests_per_instance {
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
        if let Hold::Seat(seat) = &ticket.hold
            && let Some(seat) = seat.upgrade()
        {
            seat.get_or_init(|| Seat::take(&self.seats));
        }
        let is_late = Arc::clone(&ticket.is_late);
        *self.desk.ticket() = Some(ticket);
        let deadline = tokio::time::sleep(self.limits.request_deadline);
        Box::pin(async move {
            deadline.await;
            is_late.store(true, Ordering::Relaxed);
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
