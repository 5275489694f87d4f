//! QEMU: how it is started, and asked.

use std::io::{BufRead, BufReader, Lines, Write as _};
use std::net::IpAddr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::linux::config::Linux;
use crate::linux::guest;

/// QEMU's own socket, in the machine's folder.
pub(super) const QMP: &str = "qmp.sock";

/// The machine's serial console.
pub(super) const SERIAL: &str = "serial.sock";

/// What QEMU calls the port of the guest agent.
const GUEST: &str = "guest";

/// The number of QEMU's process.
pub(super) const PID: &str = "qemu.pid";

/// The machine's disk. A full disk of the server pauses the machine, until it is reset; any other
/// error is one that the machine sees.
const DISK: &str = "if=virtio,format=qcow2,discard=unmap,werror=enospc,rerror=report";

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

/// QEMU's arguments for a machine.
pub(super) fn arguments(linux: &Linux, folder: &Path, size: Size, port: u16) -> Vec<String> {
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
    add("-drive", format!("{DISK},file={}", file("disk.qcow2")));
    add("-drive", format!("if=virtio,format=raw,readonly=on,file={}", file("seed.iso")));
    add("-netdev", format!("user,id=net,hostfwd=tcp:{bind}:{port}-:22"));
    add("-device", "virtio-net-pci,netdev=net,romfile=".to_owned());
    add("-device", "virtio-rng-pci".to_owned());
    add("-chardev", format!("socket,id=serial,server=on,wait=off,path={}", file(SERIAL)));
    add("-serial", "chardev:serial".to_owned());
    let socket = file(guest::SOCKET);
    add("-chardev", format!("socket,id={GUEST},server=on,wait=off,path={socket}"));
    add("-device", "virtio-serial-pci".to_owned());
    add("-device", format!("virtserialport,chardev={GUEST},name={}", guest::PORT));
    add("-qmp", format!("unix:{},server=on,wait=off", file(QMP)));
    add("-pidfile", file(PID));
    add("-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny".to_owned());
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
