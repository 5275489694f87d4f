//! QEMU: how it is started, and asked.

use std::fs;
use std::io::{BufRead, BufReader, Lines, Write as _};
use std::net::IpAddr;
use std::os::fd::AsRawFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::io::{FdFlags, fcntl_setfd};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::linux::config::Linux;
use crate::linux::users::{DISK, SEED};

/// QEMU's own socket, in the machine's folder.
pub(super) const QMP: &str = "qmp.sock";

/// The machine's serial console.
pub(super) const SERIAL: &str = "serial.sock";

/// The machine's disk. A full disk of the server pauses the machine, until it is reset; any other
/// error is one that the machine sees.
const DRIVE: &str = "if=virtio,format=qcow2,discard=unmap,werror=enospc,rerror=report";

/// Calls of the system that QEMU does not need: old ones, those for more rights, for other programs
/// and for more of the processor.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// How long QEMU may take for an answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(5);

/// The most lines of QEMU that are read for one answer: events come in between.
const LINES_MAX: usize = 50;

/// What a machine has of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) cpu_cores: u32,
    pub(crate) memory_mib: u32,
}

/// The machine's sockets. This driver opens them and QEMU takes them over, so that QEMU makes no
/// files.
pub(super) struct Sockets {
    qmp: UnixListener,
    serial: UnixListener,
}

impl Sockets {
    /// Opens them anew.
    pub(super) fn open(folder: &Path) -> Result<Sockets> {
        let open = |name: &str| {
            let path = folder.join(name);
            let _ = fs::remove_file(&path);
            let listener = UnixListener::bind(&path).with_context(|| path.display().to_string())?;
            // Whatever is started next has it, which is QEMU.
            fcntl_setfd(&listener, FdFlags::empty()).context("handing a socket on")?;
            anyhow::Ok(listener)
        };
        Ok(Sockets { qmp: open(QMP)?, serial: open(SERIAL)? })
    }
}

/// What a machine's command line has, and no other's.
pub(super) fn mark(folder: &Path) -> String {
    format!("file={} ", folder.join(DISK).display())
}

/// QEMU's arguments for a machine.
pub(super) fn arguments(
    linux: &Linux,
    folder: &Path,
    size: Size,
    port: u16,
    sockets: &Sockets,
) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
    let bind = match linux.local.bind {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    };
    // "max" is what QEMU's software can do, "host" what the processor can.
    let (acceleration, cpu) = if linux.has_kvm { ("kvm", "host") } else { ("tcg", "max") };
    let mut arguments: Vec<String> = Vec::new();
    let mut add = |name: &str, value: String| arguments.extend([name.to_owned(), value]);
    add("-name", folder.file_name().unwrap_or_default().to_string_lossy().into_owned());
    add("-machine", format!("q35,accel={acceleration},usb=off,vmport=off"));
    add("-cpu", cpu.to_owned());
    add("-smp", size.cpu_cores.to_string());
    add("-m", format!("{}M", size.memory_mib));
    add("-display", "none".to_owned());
    add("-drive", format!("{DRIVE},file={}", file(DISK)));
    add("-drive", format!("if=virtio,format=raw,readonly=on,file={}", file(SEED)));
    add("-netdev", format!("user,id=net,hostfwd=tcp:{bind}:{port}-:22"));
    add("-device", "virtio-net-pci,netdev=net,romfile=".to_owned());
    add("-device", "virtio-rng-pci".to_owned());
    for (name, socket) in [("serial", &sockets.serial), ("qmp", &sockets.qmp)] {
        let number = socket.as_raw_fd();
        add("-chardev", format!("socket,id={name},server=on,wait=off,fd={number}"));
    }
    add("-serial", "chardev:serial".to_owned());
    add("-mon", "chardev=qmp,mode=control".to_owned());
    add("-sandbox", SANDBOX.to_owned());
    if let Some(kernel) = &linux.kernel {
        add("-kernel", kernel.file.display().to_string());
        if let Some(initrd) = &kernel.initrd {
            add("-initrd", initrd.display().to_string());
        }
        add("-append", kernel.arguments.clone());
    }
    let flags = ["-nodefaults", "-no-user-config"];
    arguments.extend(flags.map(str::to_owned));
    arguments
}

/// Asks QEMU whether the machine runs.
pub(super) fn is_running(socket: &Path) -> Result<bool> {
    let answer = execute(socket, &["query-status"])?;
    Ok(answer.get("running").and_then(Value::as_bool) == Some(true))
}

/// Lets QEMU execute commands, and says what it answers to the last.
pub(super) fn execute(socket: &Path, commands: &[&str]) -> Result<Value> {
    let stream = UnixStream::connect(socket).context("connecting to QEMU")?;
    stream.set_read_timeout(Some(ANSWER_LIMIT)).context("QEMU's socket")?;
    stream.set_write_timeout(Some(ANSWER_LIMIT)).context("QEMU's socket")?;
    let mut lines = BufReader::new(stream.try_clone().context("QEMU's socket")?).lines();
    let mut stream = stream;
    let greeting = lines.next().context("QEMU is not responding")?.context("reading QEMU")?;
    ensure!(greeting.contains("QMP"), "this is not QEMU");
    let mut answer = Value::Null;
    for command in ["qmp_capabilities"].iter().chain(commands) {
        writeln!(stream, "{}", json!({"execute": command})).context("asking QEMU")?;
        answer = read_answer(&mut lines).with_context(|| format!("QEMU's {command}"))?;
    }
    Ok(answer)
}

fn read_answer(lines: &mut Lines<impl BufRead>) -> Result<Value> {
    for line in lines.take(LINES_MAX) {
        let mut document: Value = serde_json::from_str(&line?)?;
        if let Some(value) = document.get_mut("return") {
            return Ok(value.take());
        }
        if let Some(error) = document.get("error") {
            bail!("{error}");
        }
    }
    bail!("no answer")
}
