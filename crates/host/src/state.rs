//! What an instance owns on the host's side, and how it answers the guest's imports.

use std::sync::Arc;
use std::time::Duration;

use wasmtime::StoreLimits;
use wasmtime::component::{Resource, ResourceTable};
use wasmtime_wasi::{HostWallClock, WasiCtx, WasiCtxView, WasiView};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

use crate::bindings::imports::fermyon::spin::variables;
use crate::bindings::imports::spin::sqlite::sqlite;
use crate::component::Component;
use crate::options::Clock;
use crate::outbound::OutboundHooks;
use crate::sqlite::{Session, Sessions};

/// Database connections that one instance may hold; it needs one, and one more to migrate.
const CONNECTIONS_PER_INSTANCE_MAX: usize = 8;

/// The data of a store: one instance, for all its requests.
pub(crate) struct State {
    pub(crate) component: Arc<Component>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) wasi: WasiCtx,
    pub(crate) http: WasiHttpCtx,
    pub(crate) hooks: OutboundHooks,
    pub(crate) limits: StoreLimits,
    pub(crate) table: ResourceTable,
    /// Ticks of the engine's clock at which this request was seen to compute.
    pub(crate) busy_ticks: u32,
}

impl WasiView for State {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView { ctx: &mut self.wasi, table: &mut self.table }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView { hooks: &mut self.hooks, table: &mut self.table, ctx: &mut self.http }
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        match self {
            Clock::System => Duration::from_nanos(1),
            Clock::Set(_) => Duration::from_secs(1),
        }
    }

    fn now(&self) -> Duration {
        Clock::now(self)
    }
}

impl variables::Host for State {
    fn get(&mut self, name: String) -> wasmtime::Result<Result<String, variables::Error>> {
        Ok(match self.component.variables.get(&name) {
            Some(variable) => Ok(variable.expose().to_owned()),
            None => Err(variables::Error::Undefined(format!(
                "no variable `{name}` in [component.{}]",
                self.component.name
            ))),
        })
    }
}

impl sqlite::Host for State {}

impl sqlite::HostConnection for State {
    async fn open(
        &mut self,
        database: String,
    ) -> wasmtime::Result<Result<Resource<Session>, sqlite::Error>> {
        let Some(database) = self.component.databases.get(&database) else {
            return Ok(Err(sqlite::Error::AccessDenied));
        };
        if self.sessions.count() >= CONNECTIONS_PER_INSTANCE_MAX {
            return Ok(Err(sqlite::Error::Io("too many connections opened".into())));
        }
        match Session::open(database).await {
            Ok(session) => {
                self.sessions.add(&session);
                Ok(Ok(self.table.push(session)?))
            }
            Err(error) => Ok(Err(sqlite::Error::Io(format!("{error:#}")))),
        }
    }

    async fn execute(
        &mut self,
        connection: Resource<Session>,
        statement: String,
        parameters: Vec<sqlite::Value>,
    ) -> wasmtime::Result<Result<sqlite::QueryResult, sqlite::Error>> {
        let session = self.table.get(&connection)?.clone();
        Ok(session.execute(statement, parameters).await.map_err(sqlite::Error::Io))
    }

    fn last_insert_rowid(&mut self, connection: Resource<Session>) -> wasmtime::Result<i64> {
        Ok(self.table.get(&connection)?.last_insert_rowid())
    }

    fn changes(&mut self, connection: Resource<Session>) -> wasmtime::Result<u64> {
        Ok(self.table.get(&connection)?.changes())
    }

    fn drop(&mut self, connection: Resource<Session>) -> wasmtime::Result<()> {
        self.table.delete(connection)?;
        Ok(())
    }
}
