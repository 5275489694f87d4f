//! The SSH server of one machine of `driver-process`: it lets the machine's keys in, on loopback,
//! and nobody else.

use std::collections::HashMap;
use std::fs;
use std::net::{Shutdown, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use pty_process::Size;
use russh::keys::{HashAlg, PrivateKey, PublicKey};
use russh::server::{
    Auth, ChannelOpenHandle, Config, Handler, Msg, PublicKeyOffer, Session as Connection,
    VerifiedPublicKey, run_stream,
};
use russh::{Channel, ChannelId, MethodKind, MethodSet, Pty};
use rustix::process::{getpid, setsid};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{sleep, timeout};

use super::ports::Ports;
use super::session::Session;
use super::{AUTHORIZED_KEYS, PID_FILE};
use crate::journal::write_whole;
use crate::log::say;

/// How many connections there are at a time.
const CONNECTIONS_MAX: usize = 32;

/// How many sessions one connection has at a time: as OpenSSH's `MaxSessions`.
const SESSIONS_MAX: usize = 10;

/// How long a client may take to log in.
const LOGIN_LIMIT: Duration = Duration::from_secs(20);

/// How many keys a client may try: as OpenSSH's `MaxAuthTries`.
const TRIES_MAX: usize = 6;

/// How long no connection is accepted when one could not be: files may have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a machine until the process is ended.
pub fn serve(folder: &Path, address: SocketAddr) -> Result<()> {
    ensure!(address.ip().is_loopback(), "{address}: loopback only");
    // In a session of its own it outlives its driver. A shell has given it one already.
    let _ = setsid();
    let machine = Arc::new(Machine::open(folder)?);
    let key = fs::read_to_string(folder.join("host_key")).context("reading the host key")?;
    let config = Arc::new(config(PrivateKey::from_openssh(key).context("reading the host key")?));
    let runtime = Builder::new_current_thread().enable_all().build().context("starting")?;
    runtime.block_on(async {
        let listener = TcpListener::bind(address).await;
        let listener = listener.with_context(|| format!("listening on {address}"))?;
        let mut ports = Ports::new(folder, address.ip());
        let mut changed = signal(SignalKind::hangup()).context("waiting for signals")?;
        ports.update();
        // Written last: it says that the server is there.
        let pid = getpid().as_raw_nonzero().to_string();
        write_whole(&folder.join(PID_FILE), pid.as_bytes(), 0o600)?;
        tokio::spawn(async move {
            while changed.recv().await.is_some() {
                ports.update();
            }
        });
        accept(&machine, &config, &listener).await
    })
}

fn config(host_key: PrivateKey) -> Config {
    Config {
        keys: vec![host_key],
        methods: MethodSet::from(&[MethodKind::PublicKey][..]),
        max_auth_attempts: TRIES_MAX,
        // There is no secret to guess, so a refusal tells nothing by the time that it takes.
        auth_rejection_time: Duration::ZERO,
        // A shell may be left alone for as long as somebody likes.
        inactivity_timeout: None,
        nodelay: true,
        ..Config::default()
    }
}

async fn accept(
    machine: &Arc<Machine>,
    config: &Arc<Config>,
    listener: &TcpListener,
) -> Result<()> {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // A connection too many is closed.
        let Ok(place) = Arc::clone(&room).try_acquire_owned() else { continue };
        let (machine, config) = (Arc::clone(machine), Arc::clone(config));
        tokio::spawn(async move {
            if let Err(error) = connection(machine, config, stream).await
                && !is_gone(&error)
            {
                say!("connection: {error:#}");
            }
            drop(place);
        });
    }
}

async fn connection(machine: Arc<Machine>, config: Arc<Config>, stream: TcpStream) -> Result<()> {
    let stream = stream.into_std()?;
    let socket = stream.try_clone()?;
    let stream = TcpStream::from_std(stream)?;
    let (logged_in, login) = oneshot::channel();
    let login_limit = async {
        // It is over as well when the connection is.
        if timeout(LOGIN_LIMIT, login).await.is_err() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    };
    let client = Client { machine, logged_in: Some(logged_in), sessions: HashMap::new() };
    let served = async { run_stream(config, stream, client).await?.await };
    let (served, ()) = tokio::join!(served, login_limit);
    served
}

/// Whether a client just went away, as one does that only looks.
fn is_gone(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(russh::Error::IO(_) | russh::Error::HUP))
}

/// What the server knows of its machine.
pub(super) struct Machine {
    pub(super) folder: PathBuf,
}

impl Machine {
    /// The machine of a folder, whose keys can be read.
    fn open(folder: &Path) -> Result<Machine> {
        // Without the slash at its end it is the mark of the machine's processes.
        let machine = Machine { folder: folder.components().collect() };
        machine.keys()?;
        Ok(machine)
    }

    /// The keys that get in now: they are changed while the server runs.
    fn keys(&self) -> Result<Vec<PublicKey>> {
        let path = self.folder.join(AUTHORIZED_KEYS);
        let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
        let read = |line: &str| {
            PublicKey::from_openssh(line).with_context(|| format!("not a key: {line:.40}"))
        };
        text.lines().map(read).collect()
    }

    /// The key decides. Whoever logs in is the driver's user, whatever name it comes with.
    fn admits(&self, key: &PublicKey) -> Auth {
        match self.keys() {
            Ok(keys) if keys.iter().any(|known| known.key_data() == key.key_data()) => Auth::Accept,
            Ok(_) => Auth::reject(),
            Err(error) => {
                say!("login: {error:#}");
                Auth::reject()
            }
        }
    }
}

/// One client and its sessions.
struct Client {
    machine: Arc<Machine>,
    logged_in: Option<oneshot::Sender<()>>,
    sessions: HashMap<ChannelId, Session>,
}

impl Client {
    fn session(&mut self, channel: ChannelId) -> Result<&mut Session> {
        self.sessions.get_mut(&channel).context("there is no such session")
    }

    /// Starts what a session asks for, and tells the client whether it runs.
    fn start(
        &mut self,
        channel: ChannelId,
        command: Option<&[u8]>,
        connection: &mut Connection,
    ) -> Result<()> {
        let machine = Arc::clone(&self.machine);
        match self.session(channel)?.start(&machine, command) {
            Ok(()) => connection.channel_success(channel)?,
            Err(error) => {
                say!("session: {error:#}");
                connection.channel_failure(channel)?;
            }
        }
        Ok(())
    }
}

impl Handler for Client {
    type Error = anyhow::Error;

    async fn auth_publickey_offered(&mut self, _: &str, offer: PublicKeyOffer<'_>) -> Result<Auth> {
        Ok(self.machine.admits(offer.public_key))
    }

    async fn auth_publickey(&mut self, _: &str, key: VerifiedPublicKey<'_>) -> Result<Auth> {
        let admitted = self.machine.admits(key.public_key);
        if matches!(admitted, Auth::Accept) {
            say!("login with {}", key.public_key.fingerprint(HashAlg::Sha256));
        }
        Ok(admitted)
    }

    async fn auth_succeeded(&mut self, _: &mut Connection) -> Result<()> {
        if let Some(logged_in) = self.logged_in.take() {
            let _ = logged_in.send(());
        }
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Connection,
    ) -> Result<()> {
        // Without an answer the session is refused.
        if self.sessions.len() < SESSIONS_MAX {
            // What comes in is taken here, and not from the channel: it holds a number of packets,
            // and when they are there, the connection stands still in both directions.
            let (_, output) = channel.split();
            self.sessions.insert(output.id(), Session::new(output));
            reply.accept().await;
        }
        Ok(())
    }

    async fn channel_close(&mut self, channel: ChannelId, _: &mut Connection) -> Result<()> {
        self.sessions.remove(&channel);
        Ok(())
    }

    async fn pty_request(
        &mut self,
        channel: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &[(Pty, u32)],
        connection: &mut Connection,
    ) -> Result<()> {
        self.session(channel)?.set_terminal(term, size(columns, rows));
        Ok(connection.channel_success(channel)?)
    }

    async fn window_change_request(
        &mut self,
        channel: ChannelId,
        columns: u32,
        rows: u32,
        _: u32,
        _: u32,
        _: &mut Connection,
    ) -> Result<()> {
        self.session(channel)?.resize(size(columns, rows));
        Ok(())
    }

    async fn shell_request(
        &mut self,
        channel: ChannelId,
        connection: &mut Connection,
    ) -> Result<()> {
        self.start(channel, None, connection)
    }

    async fn exec_request(
        &mut self,
        channel: ChannelId,
        command: &[u8],
        connection: &mut Connection,
    ) -> Result<()> {
        self.start(channel, Some(command), connection)
    }

    async fn data(
        &mut self,
        channel: ChannelId,
        bytes: &[u8],
        connection: &mut Connection,
    ) -> Result<()> {
        if self.session(channel)?.input(bytes) {
            return Ok(());
        }
        say!("session: its program does not read what it is sent");
        self.sessions.remove(&channel);
        Ok(connection.close(channel)?)
    }

    async fn channel_eof(&mut self, channel: ChannelId, _: &mut Connection) -> Result<()> {
        self.session(channel)?.end_input();
        Ok(())
    }

    // A request that is not answered would take the answer of the next one.

    async fn env_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        _: &str,
        connection: &mut Connection,
    ) -> Result<()> {
        Ok(connection.channel_failure(channel)?)
    }

    async fn subsystem_request(
        &mut self,
        channel: ChannelId,
        _: &str,
        connection: &mut Connection,
    ) -> Result<()> {
        Ok(connection.channel_failure(channel)?)
    }

    async fn x11_request(
        &mut self,
        channel: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        connection: &mut Connection,
    ) -> Result<()> {
        Ok(connection.channel_failure(channel)?)
    }
}

fn size(columns: u32, rows: u32) -> Size {
    let cells = |count: u32| u16::try_from(count).unwrap_or(u16::MAX);
    Size::new(cells(rows), cells(columns))
}
