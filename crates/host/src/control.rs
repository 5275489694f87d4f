//! The control socket of a data folder: other processes ask its host to run a cron component.
//!
//! One line asks, `cron NAME`; one line answers, `ok` or `error: …`.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use crate::Running;

/// The longest line, asked or answered.
const LINE_BYTES_MAX: u64 = 64 << 10;

/// How long the other side may take for its line.
const LINE_WAIT: Duration = Duration::from_secs(5);

fn socket_of(data: &Path) -> PathBuf {
    data.join("control.sock")
}

/// A socket that goes away with its host.
pub(crate) struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Takes the data folder's socket; `None` if another host that runs has it.
    pub(crate) async fn bind(data: &Path) -> Result<Option<ControlSocket>> {
        let path = socket_of(data);
        if UnixStream::connect(&path).await.is_ok() {
            return Ok(None);
        }
        // What is left of a host that was killed.
        let _ = std::fs::remove_file(&path);
        let listener = UnixListener::bind(&path)
            .with_context(|| format!("cannot open the control socket {}", path.display()))?;
        Ok(Some(ControlSocket { listener, path }))
    }

    /// Answers until the task is aborted. One request at a time: they are rare.
    pub(crate) async fn serve(self, running: Arc<Running>) {
        while let Ok((stream, _)) = self.listener.accept().await {
            // A client that went away needs no answer.
            let _ = answer(stream, &running).await;
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer(mut stream: UnixStream, running: &Running) -> Result<()> {
    let line = tokio::time::timeout(LINE_WAIT, read_line(&mut stream)).await??;
    let done = match line.strip_prefix("cron ") {
        Some(component) => running.fire_cron(component).await,
        None => Err(anyhow!("unknown command")),
    };
    let text = match done {
        Ok(()) => "ok\n".to_owned(),
        Err(error) => format!("error: {}\n", format!("{error:#}").replace('\n', " ")),
    };
    stream.write_all(text.as_bytes()).await?;
    Ok(())
}

async fn read_line(stream: &mut UnixStream) -> Result<String> {
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES_MAX)).read_line(&mut line).await?;
    Ok(line.trim_end().to_owned())
}

/// Asks the host of a data folder to run a component. `None` if no host runs there.
pub async fn ask_to_fire(data: &Path, component: &str) -> Option<Result<()>> {
    let mut stream = UnixStream::connect(socket_of(data)).await.ok()?;
    Some(async move { ask(&mut stream, component).await }.await)
}

async fn ask(stream: &mut UnixStream, component: &str) -> Result<()> {
    stream.write_all(format!("cron {component}\n").as_bytes()).await?;
    // As long as the run itself takes: that has a deadline of its own.
    let answer = read_line(stream).await?;
    match answer.strip_prefix("error: ") {
        None if answer == "ok" => Ok(()),
        None => bail!("the running host hung up"),
        Some(text) => Err(anyhow!(text.to_owned())),
    }
}
