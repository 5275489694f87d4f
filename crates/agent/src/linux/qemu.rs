//! QEMU: how it is started, and asked.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Lines, Read as _, Write as _};
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
use crate::linux::guest;
use crate::linux::users::{DISK, SEED};
use crate::protocol::{PublicPort, Transport};

/// QEMU's own socket, in the machine's folder.
pub(super) const QMP: &str = "qmp.sock";

/// The machine's serial console.
pub(super) const SERIAL: &str = "serial.sock";

/// What QEMU keeps of the machine's second serial port, and how much.
const RING: &str = "setup";
const RING_BYTES: u32 = 64 * 1024;

/// What QEMU calls the port of the guest agent.
const GUEST: &str = "guest";

/// The machine's disk. A full disk of the server pauses the machine; any other error is one that
/// the machine sees.
const DRIVE: &str = "if=virtio,format=qcow2,discard=unmap,werror=enospc,rerror=report";

/// Calls of the system that QEMU does not need: old ones, those for more rights, for other programs
/// and for more of the processor.
const SANDBOX: &str = "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny";

/// What the machine's network is called.
const NET: &str = "net";

/// The address of its card: QEMU's own choice. Each machine has a network of its own.
pub(super) const MAC: &str = "52:54:00:12:34:56";

/// The port of SSH in the machine.
pub(super) const SSH: u16 = 22;

/// How QEMU is where the machine runs, and where it has paused it for a full disk.
pub(super) const RUNNING: &str = "running";
pub(super) const DISK_FULL: &str = "io-error";

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
    guest: UnixListener,
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
        Ok(Sockets { qmp: open(QMP)?, serial: open(SERIAL)?, guest: open(guest::SOCKET)? })
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
    forwards: &[Forward],
    sockets: &Sockets,
) -> Vec<String> {
    let file = |name: &str| folder.join(name).display().to_string();
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
    let forwards: String = forwards.iter().map(|it| format!(",hostfwd={it}")).collect();
    add("-netdev", format!("user,id={NET}{forwards}"));
    add("-device", format!("virtio-net-pci,netdev={NET},mac={MAC},romfile="));
    add("-device", "virtio-rng-pci".to_owned());
    for (name, socket) in
        [("serial", &sockets.serial), ("qmp", &sockets.qmp), (GUEST, &sockets.guest)]
    {
        let number = socket.as_raw_fd();
        add("-chardev", format!("socket,id={name},server=on,wait=off,fd={number}"));
    }
    add("-serial", "chardev:serial".to_owned());
    add("-chardev", format!("ringbuf,id={RING},size={RING_BYTES}"));
    add("-serial", format!("chardev:{RING}"));
    add("-device", "virtio-serial-pci".to_owned());
    add("-device", format!("virtserialport,chardev={GUEST},name={}", guest::PORT));
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

/// How large a machine thinks that its disk is, which is how large the file may get: at the
/// beginning of a qcow2 file.
pub(super) fn disk_size(disk: &Path) -> Option<u64> {
    let mut header = [0; 32];
    fs::File::open(disk).ok()?.read_exact(&mut header).ok()?;
    let size = header.strip_prefix(b"QFI\xfb")?.get(20..)?;
    Some(u64::from_be_bytes(size.try_into().ok()?))
}

/// Asks QEMU how the machine is: `RUNNING`, `DISK_FULL` or something else.
pub(super) fn status(socket: &Path) -> Result<String> {
    let answer = execute(socket, &["query-status"])?;
    Ok(answer.get("status").and_then(Value::as_str).unwrap_or_default().to_owned())
}

/// A port of the server that leads to one of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forward {
    bind: IpAddr,
    port: PublicPort,
}

impl Forward {
    /// Where it begins.
    fn outside(&self) -> String {
        let (protocol, public) = (self.port.protocol.into_str(), self.port.public_port);
        match self.bind {
            IpAddr::V4(address) => format!("{protocol}:{address}:{public}"),
            IpAddr::V6(address) => format!("{protocol}:[{address}]:{public}"),
        }
    }
}

impl fmt::Display for Forward {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-:{}", self.outside(), self.port.port)
    }
}

/// That of SSH, and these.
pub(super) fn forwards(bind: IpAddr, ssh: u16, ports: &[PublicPort]) -> Vec<Forward> {
    let ssh = PublicPort { protocol: Transport::Tcp, port: SSH, public_port: ssh };
    [ssh].iter().chain(ports).map(|port| Forward { bind, port: *port }).collect()
}

/// Has a QEMU that runs forward these ports and no others. What is forwarded already is left alone,
/// and so are connections.
pub(super) fn forward(socket: &Path, wanted: &[Forward]) -> Result<()> {
    let mut qemu = Qemu::connect(socket)?;
    let listed = forwarded(&qemu.monitor("info usernet")?);
    let is_listed = |it: &Forward| listed.contains(&it.port);
    let Some(bind) = wanted.first().map(|it| it.bind) else { return Ok(()) };
    let listed = listed.iter().map(|port| Forward { bind, port: *port });
    for gone in listed.clone().filter(|it| !wanted.contains(it)) {
        qemu.monitor(&format!("hostfwd_remove {NET} {}", gone.outside()))?;
    }
    for new in wanted.iter().filter(|it| !is_listed(it)) {
        let said = qemu.monitor(&format!("hostfwd_add {NET} {new}"))?;
        ensure!(said.trim().is_empty(), "port {}: {}", new.port.public_port, said.trim());
    }
    Ok(())
}

/// The ports that QEMU lists as forwarded, such as
/// `TCP[HOST_FORWARD]  14  127.0.0.1 22000  10.0.2.15  22  0  0`.
fn forwarded(listed: &str) -> Vec<PublicPort> {
    let read = |line: &str| {
        let words: Vec<_> = line.split_whitespace().collect();
        let protocol = match *words.first()? {
            "TCP[HOST_FORWARD]" => Transport::Tcp,
            "UDP[HOST_FORWARD]" => Transport::Udp,
            _ => return None,
        };
        let number = |at: usize| words.get(at)?.parse().ok();
        Some(PublicPort { protocol, port: number(5)?, public_port: number(3)? })
    };
    listed.lines().filter_map(read).collect()
}

/// Takes what the machine has said on its second serial port.
pub(super) fn read_ring(socket: &Path) -> Result<String> {
    let arguments = json!({ "device": RING, "size": RING_BYTES, "format": "utf8" });
    let said = Qemu::connect(socket)?.execute("ringbuf-read", &arguments)?;
    Ok(said.as_str().unwrap_or_default().to_owned())
}

/// Whether something in the machine has opened the port of its guest agent. QEMU knows without
/// asking there.
pub(super) fn has_guest(socket: &Path) -> Result<bool> {
    let answer = execute(socket, &["query-chardev"])?;
    let mut devices = answer.as_array().into_iter().flatten();
    let found = devices.find(|it| it.get("label").and_then(Value::as_str) == Some(GUEST));
    Ok(found.is_some_and(|it| it.get("frontend-open") == Some(&Value::Bool(true))))
}

/// Lets QEMU execute commands, and says what it answers to the last.
pub(super) fn execute(socket: &Path, commands: &[&str]) -> Result<Value> {
    let mut qemu = Qemu::connect(socket)?;
    let mut answer = Value::Null;
    for command in commands {
        answer = qemu.execute(command, &json!({}))?;
    }
    Ok(answer)
}

/// A connection to QEMU, which takes one at a time.
struct Qemu {
    stream: UnixStream,
    lines: Lines<BufReader<UnixStream>>,
}

impl Qemu {
    fn connect(socket: &Path) -> Result<Qemu> {
        let stream = UnixStream::connect(socket).context("connecting to QEMU")?;
        stream.set_read_timeout(Some(ANSWER_LIMIT)).context("QEMU's socket")?;
        stream.set_write_timeout(Some(ANSWER_LIMIT)).context("QEMU's socket")?;
        let lines = BufReader::new(stream.try_clone().context("QEMU's socket")?).lines();
        let mut qemu = Qemu { stream, lines };
        let greeting = qemu.lines.next().context("QEMU is not responding")?;
        ensure!(greeting.context("reading QEMU")?.contains("QMP"), "this is not QEMU");
        qemu.execute("qmp_capabilities", &json!({}))?;
        Ok(qemu)
    }

    fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value> {
        let document = json!({"execute": command, "arguments": arguments});
        writeln!(self.stream, "{document}").context("asking QEMU")?;
        read_answer(&mut self.lines).with_context(|| format!("QEMU's {command}"))
    }

    /// What QEMU's monitor for people says.
    fn monitor(&mut self, line: &str) -> Result<String> {
        let said = self.execute("human-monitor-command", &json!({"command-line": line}))?;
        Ok(said.as_str().unwrap_or_default().to_owned())
    }
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
