//! A component of the manifest, compiled, with all that an instance of it is given.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, Result, bail};
use rand::SeedableRng;
use rand::rngs::StdRng;
use wasmtime::component::{InstancePre, Linker, ResourceTable};
use wasmtime::{Engine, Store, StoreLimitsBuilder};
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxBuilder};
use wasmtime_wasi_http::WasiHttpCtx;

use crate::files::Files;
use crate::logs::{ComponentLog, LineStream};
use crate::manifest::{ComponentDeclaration, Manifest};
use crate::networks::BlockedNetworks;
use crate::options::{HostOptions, Limits, Outbound, Randomness};
use crate::outbound::{AllowedHost, OutboundHooks};
use crate::sqlite::{Database, Databases, Sessions};
use crate::state::State;
use crate::turns::LongTurns;
use crate::variables::{Variable, Variables};

/// What all instances of one component share.
pub(crate) struct Component {
    pub(crate) name: Arc<str>,
    pub(crate) log: Arc<ComponentLog>,
    pub(crate) limits: Limits,
    pub(crate) variables: BTreeMap<String, Variable>,
    pub(crate) databases: BTreeMap<String, Arc<Database>>,
    environment: Vec<(String, Variable)>,
    files: Files,
    hooks: OutboundHooks,
    options: Arc<HostOptions>,
    turns: LongTurns,
    /// How many instances there were: each has randomness of its own, also from a seed.
    instances: AtomicU64,
}

/// What the components of one host have in common.
pub(crate) struct Shared<'a> {
    pub(crate) manifest: &'a Manifest,
    pub(crate) options: &'a Arc<HostOptions>,
    pub(crate) variables: &'a Variables,
    pub(crate) databases: &'a Databases,
    pub(crate) network: &'a Arc<Outbound>,
    pub(crate) blocked: &'a Arc<BlockedNetworks>,
    pub(crate) turns: &'a LongTurns,
}

impl Component {
    /// Checks and resolves a declaration.
    pub(crate) fn new(
        name: &str,
        declaration: &ComponentDeclaration,
        shared: &Shared<'_>,
    ) -> Result<Component> {
        let place = || format!("{}: [component.{name}]", shared.manifest.file.display());
        let options = shared.options;
        let log = ComponentLog::open(
            &options.data.join("logs"),
            name,
            options.terminal_logs,
            options.clock.clone(),
        )?;
        let allowed = allowed_hosts(declaration, shared.variables)
            .with_context(|| format!("{} allowed_outbound_hosts", place()))?;
        let name: Arc<str> = name.into();
        let hooks = OutboundHooks {
            component: Arc::clone(&name),
            allowed: allowed.into(),
            network: Arc::clone(shared.network),
            blocked: Arc::clone(shared.blocked),
            log: Arc::clone(&log),
            wait: options.limits.outbound_wait,
        };
        let databases = declaration.sqlite_databases.iter().map(|label| {
            let database = shared.databases.get(label).context("every label was opened")?;
            Ok((label.clone(), database))
        });
        Ok(Component {
            limits: options.limits,
            variables: expand_all(&declaration.variables, shared.variables)
                .with_context(|| format!("{} variables", place()))?
                .into_iter()
                .collect(),
            databases: databases.collect::<Result<_>>()?,
            environment: expand_all(&declaration.environment, shared.variables)
                .with_context(|| format!("{} environment", place()))?,
            files: Files::prepare(declaration, &shared.manifest.folder, &options.data)
                .with_context(place)?,
            options: Arc::clone(options),
            turns: shared.turns.clone(),
            instances: AtomicU64::new(0),
            name,
            log,
            hooks,
        })
    }

    /// A store for a new instance.
    pub(crate) fn store(
        self: &Arc<Self>,
        engine: &Engine,
        sessions: Arc<Sessions>,
    ) -> Result<Store<State>> {
        let limits = StoreLimitsBuilder::new()
            .memory_size(self.limits.instance_memory_bytes)
            .trap_on_grow_failure(true)
            .build();
        let state = State {
            component: Arc::clone(self),
            sessions,
            wasi: self.wasi()?,
            http: WasiHttpCtx::new(),
            hooks: self.hooks.clone(),
            limits,
            table: ResourceTable::new(),
            busy_ticks: 0,
        };
        let mut store = Store::new(engine, state);
        store.limiter(|state| &mut state.limits);
        // At each tick of the engine's clock the guest lets others run, among them its deadline.
        let turns = self.turns.clone();
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |mut store| {
            let ticks = &mut store.data_mut().busy_ticks;
            *ticks += 1;
            Ok(turns.at_tick(*ticks))
        });
        Ok(store)
    }

    fn wasi(&self) -> Result<WasiCtx> {
        let mut wasi = WasiCtxBuilder::new();
        wasi.stdout(LineStream::new(Arc::clone(&self.log)))
            .stderr(LineStream::new(Arc::clone(&self.log)))
            .wall_clock(self.options.clock.clone());
        for (name, value) in &self.environment {
            wasi.env(name, value.expose());
        }
        for mount in &self.files.mounts {
            wasi.preopened_dir(&mount.source, &mount.destination, FsPerms::ReadOnly)
                .map_err(anyhow::Error::from)
                .with_context(|| format!("cannot open {}", mount.source.display()))?;
        }
        if let Randomness::Seed(seed) = self.options.randomness {
            let number = self.instances.fetch_add(1, Ordering::Relaxed);
            let stream = |kind: u8| StdRng::from_seed(seed_of(&self.name, seed, number, kind));
            wasi.secure_random(stream(0))
                .insecure_random(stream(1))
                .insecure_random_seed(u128::from(seed) << 64 | u128::from(number));
        }
        Ok(wasi.build())
    }
}

/// A seed that differs for each component, instance and kind of randomness.
fn seed_of(name: &str, seed: u64, number: u64, kind: u8) -> [u8; 32] {
    let mut bytes = [kind; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    for (index, byte) in name.bytes().enumerate() {
        let place = &mut bytes[16 + index % 15];
        *place = place.rotate_left(3) ^ byte;
    }
    bytes
}

fn allowed_hosts(
    declaration: &ComponentDeclaration,
    variables: &Variables,
) -> Result<Vec<AllowedHost>> {
    let mut allowed = Vec::new();
    for template in &declaration.allowed_outbound_hosts {
        let host = variables.expand(template)?;
        // As on Spin, an address that is not set allows nothing.
        if matches!(host.expose(), "" | "http://" | "https://") {
            continue;
        }
        match AllowedHost::parse(host.expose()) {
            Ok(host) => allowed.push(host),
            Err(_) if host.is_secret() => bail!("what `{template}` stands for is no host"),
            Err(error) => return Err(error),
        }
    }
    Ok(allowed)
}

fn expand_all(
    templates: &BTreeMap<String, String>,
    variables: &Variables,
) -> Result<Vec<(String, Variable)>> {
    templates
        .iter()
        .map(|(name, template)| {
            let value = variables.expand(template).with_context(|| name.clone())?;
            Ok((name.clone(), value))
        })
        .collect()
}

/// Compiles a component, or takes it from the cache, and links its imports. Blocks.
pub(crate) fn compile(
    engine: &Engine,
    linker: &Linker<State>,
    name: &str,
    declaration: &ComponentDeclaration,
) -> Result<InstancePre<State>> {
    let file = declaration.source.display();
    if !declaration.source.is_file() {
        bail!("[component.{name}] source: there is no {file}; is it built?");
    }
    let component = wasmtime::component::Component::from_file(engine, &declaration.source)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("[component.{name}] source: {file} is no component"))?;
    linker
        .instantiate_pre(&component)
        .map_err(anyhow::Error::from)
        .with_context(|| format!("[component.{name}] source: {file} needs what is not offered"))
}
