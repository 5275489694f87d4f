//! A host from its start to its end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::component::{Component, Shared, compile};
use crate::control::ControlSocket;
use crate::cron::{CronComponent, Schedule};
use crate::dev_mail::DevMail;
use crate::dispatch::{Dispatcher, Places, instances_max};
use crate::http::Server;
use crate::manifest::{HttpTarget, Manifest};
use crate::networks::BlockedNetworks;
use crate::options::{HostOptions, Outbound};
use crate::room::Room;
use crate::route::{Route, Router};
use crate::sqlite::Databases;
use crate::turns::LongTurns;
use crate::variables::{Sources, Variables, read_env_file};
use crate::{engine, linker};

/// How much longer the server has to close connections after its own wait for requests.
const SHUTDOWN_SLACK: Duration = Duration::from_secs(1);

/// A running host. Dropping it stops at once; [`Host::shutdown`] lets requests finish.
pub struct Host {
    addr: SocketAddr,
    running: Arc<Running>,
    stop: watch::Sender<bool>,
    /// The server and the schedules, which end by themselves after `stop`.
    tasks: JoinSet<()>,
    control: JoinSet<()>,
    shutdown_wait: Duration,
    turns: LongTurns,
}

/// The parts that its tasks share.
pub(crate) struct Running {
    crons: BTreeMap<String, Arc<CronComponent>>,
}

/// Everything that a manifest asks for, ready to run.
struct App {
    server: Server,
    crons: BTreeMap<String, Arc<CronComponent>>,
    schedules: Vec<(Arc<CronComponent>, Schedule)>,
    turns: LongTurns,
}

impl Host {
    /// Reads the manifest, compiles what it names, and listens.
    pub async fn start(options: HostOptions) -> Result<Host> {
        let options = Arc::new(options);
        // Mail has links in it that let people in.
        ensure!(
            options.dev_mail.is_none() || options.listen.ip().is_loopback(),
            "mail is shown on this machine only: listen on 127.0.0.1, not on {}",
            options.listen.ip()
        );
        // A time of a schedule that passes while we compile is not missed.
        let start = options.clock.now();
        let loaded = Arc::clone(&options);
        let app = tokio::task::spawn_blocking(move || App::load(&loaded)).await??;
        let listener = TcpListener::bind(options.listen)
            .await
            .with_context(|| format!("cannot listen on {}", options.listen))?;
        let addr = listener.local_addr()?;
        let control = ControlSocket::bind(&options.data).await?;

        let (stop, stopped) = watch::channel(false);
        let running = Arc::new(Running { crons: app.crons });
        let mut tasks = JoinSet::new();
        tasks.spawn(Arc::new(app.server).serve(listener, stopped.clone()));
        if options.run_schedules {
            for (cron, schedule) in app.schedules {
                let stopped = stopped.clone();
                tasks.spawn(async move { cron.follow(&schedule, start, stopped).await });
            }
        }
        let mut control_tasks = JoinSet::new();
        if let Some(socket) = control {
            control_tasks.spawn(socket.serve(Arc::clone(&running)));
        }
        let shutdown_wait = options.limits.shutdown_wait;
        let turns = app.turns;
        Ok(Host { addr, running, stop, tasks, control: control_tasks, shutdown_wait, turns })
    }

    /// Where it listens.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Runs a cron component now, and waits for it.
    pub async fn fire_cron(&self, component: &str) -> Result<()> {
        self.running.fire_cron(component).await
    }

    /// Runs a cron component once, without a server.
    pub async fn run_cron_once(options: HostOptions, component: &str) -> Result<()> {
        let options = Arc::new(options);
        let app = tokio::task::spawn_blocking(move || App::load(&options)).await??;
        Running { crons: app.crons }.fire_cron(component).await
    }

    /// Takes no more requests, and waits for what runs, for as long as the limits say.
    pub async fn shutdown(mut self) {
        self.control.shutdown().await;
        // Nobody listens to `stop` any more only if all tasks have ended.
        let _ = self.stop.send(true);
        let wait = self.shutdown_wait + SHUTDOWN_SLACK;
        let ended = async { while self.tasks.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(wait, ended).await;
        // What still runs now is a cron component.
        self.tasks.shutdown().await;
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.turns.end();
    }
}

impl Running {
    pub(crate) async fn fire_cron(&self, component: &str) -> Result<()> {
        let cron = self.crons.get(component).with_context(|| {
            let known: Vec<&str> = self.crons.keys().map(String::as_str).collect();
            format!("no cron trigger runs `{component}`; there are: {}", known.join(", "))
        })?;
        cron.fire().await
    }
}

impl App {
    /// Blocks while it compiles.
    fn load(options: &Arc<HostOptions>) -> Result<App> {
        let data = &options.data;
        // What people entrust to the app is for its owner's eyes.
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(data.join("logs"))
            .with_context(|| format!("cannot make the data folder {}", data.display()))?;
        let manifest = Manifest::read(&options.manifest)?;
        let file = manifest.file.display().to_string();
        let variables = resolve_variables(options, &manifest)?;
        let databases = open_databases(options, &manifest)?;

        let parsed = manifest.routes.iter().filter_map(|trigger| {
            let route = trigger.route.as_deref()?;
            Some(Route::parse(route).map(|route| (route, trigger.target.clone())))
        });
        let place = || format!("{file}: [[trigger.http]]");
        let parsed = parsed.collect::<Result<_>>().with_context(place)?;
        let router = Router::new(parsed).with_context(place)?;
        let schedules = manifest.schedules.iter().map(|trigger| {
            let schedule = Schedule::parse(&trigger.expression)
                .with_context(|| format!("{file}: [[trigger.cron]]"))?;
            Ok((trigger.component.clone(), schedule))
        });
        let schedules: Vec<(String, Schedule)> = schedules.collect::<Result<_>>()?;

        let clock = options.clock.clone();
        let dev_mail = options.dev_mail.as_ref().map(|folder| DevMail::new(folder, clock));
        let network = Arc::new(options.outbound.clone());
        let blocked = Arc::new(blocked_networks(options)?);
        let turns = LongTurns::new();
        let shared = Shared {
            manifest: &manifest,
            options,
            variables: &variables,
            databases: &databases,
            network: &network,
            blocked: &blocked,
            turns: &turns,
        };
        let (components, crons) = load_components(&shared, &schedules)?;
        let schedules =
            schedules.into_iter().map(|(name, schedule)| (Arc::clone(&crons[&name]), schedule));
        Ok(App {
            schedules: schedules.collect(),
            server: Server::new(router, components, options, dev_mail),
            crons,
            turns,
        })
    }
}

/// What no component may reach: what the runtime configuration says, and private networks where
/// they are not for it.
fn blocked_networks(options: &HostOptions) -> Result<BlockedNetworks> {
    let configured = match &options.runtime_config {
        Some(file) => BlockedNetworks::read(file)?,
        None => BlockedNetworks::default(),
    };
    Ok(match options.outbound {
        Outbound::PublicNetwork => configured.and(BlockedNetworks::private()),
        // Stand-ins are where a test has put them.
        Outbound::Only(_) => BlockedNetworks::default(),
        Outbound::Network => configured,
    })
}

type Loaded = (BTreeMap<String, Dispatcher>, BTreeMap<String, Arc<CronComponent>>);

/// Compiles the components that a trigger names.
fn load_components(shared: &Shared<'_>, schedules: &[(String, Schedule)]) -> Result<Loaded> {
    let Shared { manifest, options, .. } = *shared;
    let file = manifest.file.display();
    let answers = |name: &str| {
        manifest.routes.iter().any(
            |trigger| matches!(&trigger.target, HttpTarget::Component(target) if target == name),
        )
    };
    let runs = |name: &str| schedules.iter().any(|(component, _)| component == name);

    let cache = options.cache.clone().unwrap_or_else(|| options.data.join("cache"));
    let limits = options.limits;
    let instances = manifest.components.values().map(|component| instances_max(component, limits));
    let engine = engine::new(limits, instances.sum(), &cache)?;
    let linker = linker::new(&engine)?;
    let room = |all| Arc::new(Room::new(all, limits.parts_per_address));
    let (places, waits) = (room(limits.concurrent_requests.into()), room(limits.waiting_requests));
    let mut dispatchers = BTreeMap::new();
    let mut crons = BTreeMap::new();
    for (name, declaration) in &manifest.components {
        let component = Arc::new(Component::new(name, declaration, shared)?);
        let pre = compile(&engine, &linker, name, declaration).with_context(|| file.to_string())?;
        let wrong = |what: &str| format!("{file}: [component.{name}] does not export {what}");
        if answers(name) {
            let places = if declaration.waits {
                Places::waiting(&waits, limits)
            } else {
                Places::working(&places, limits)
            };
            let dispatcher = Dispatcher::new(Arc::clone(&component), pre.clone(), places)
                .with_context(|| wrong("an HTTP handler"))?;
            dispatchers.insert(name.clone(), dispatcher);
        }
        if runs(name) {
            let cron = CronComponent::new(component, pre, options.clock.clone())
                .with_context(|| wrong("handle-cron-event"))?;
            crons.insert(name.clone(), Arc::new(cron));
        }
    }
    Ok((dispatchers, crons))
}

fn resolve_variables(options: &HostOptions, manifest: &Manifest) -> Result<Variables> {
    let file = match &options.env_file {
        Some(path) => read_env_file(path)?,
        None => BTreeMap::new(),
    };
    Variables::resolve(
        manifest,
        &Sources {
            given: &options.variables,
            environment: &|name| std::env::var(name).ok(),
            file: &file,
        },
    )
}

fn open_databases(options: &HostOptions, manifest: &Manifest) -> Result<Databases> {
    let labels = manifest.components.values().flat_map(|component| &component.sqlite_databases);
    let labels: BTreeSet<String> = labels.cloned().collect();
    Databases::open(&options.data, labels, options.limits)
}
