//! `cargo xtask boot`: makes a small image from Debian's packages, and lets a machine really boot.

use std::fs;
use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use crate::apt;
use crate::process;
use crate::progress::{Step, say};
use crate::target::remove_folder;
use crate::test::Outcome;
use crate::workspace::Workspace;

/// What the test is called.
const NAME: &str = "boot";

/// Debian packages, and a program of each.
const TOOLS: [(&str, &str); 2] = [("mmdebstrap", "mmdebstrap"), ("e2fsprogs", "mke2fs")];

/// The release of Debian that the image has.
const RELEASE: &str = "bookworm";

/// What it has beyond the smallest system: a start, a kernel, cloud-init and SSH; and `dbus`,
/// without which nothing listens to the power button.
const PACKAGES: &str = "systemd-sysv,dbus,linux-image-cloud-amd64,cloud-init,openssh-server,\
                        iproute2,netbase,ifupdown,isc-dhcp-client,ca-certificates";

/// What is there in place of cloud-init's own locale, which a first start would compile.
const CLOUD_CONFIG: &str = "locale: C.UTF-8";

/// The size of its file system, in MiB. A machine's start makes it as large as its disk.
const SIZE_MIB: u64 = 1500;

/// The file that says what an image was made from.
const RECIPE: &str = "recipe";

/// How long KVM may take to run the image's kernel to its end, which takes seconds.
const KVM_LIMIT: Duration = Duration::from_mins(1);

/// How often it is looked whether it has ended.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// The image with what starts it.
pub(crate) struct Image {
    pub(crate) disk: PathBuf,
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
}

impl Image {
    /// The image, if it has been made, from what it is made from now.
    pub(crate) fn find(workspace: &Workspace) -> Option<Image> {
        let folder = folder(workspace);
        let [disk, kernel, initrd] =
            ["debian.qcow2", "vmlinuz", "initrd.img"].map(|name| folder.join(name));
        let made_from = fs::read_to_string(folder.join(RECIPE)).ok()?;
        (made_from == recipe() && disk.is_file()).then_some(Image { disk, kernel, initrd })
    }

    /// Has KVM run the image's kernel, as machines do. It finds no disk, and ends QEMU by a reset.
    pub(crate) fn check_kvm(&self) -> Result<()> {
        let mut qemu = Command::new("qemu-system-x86_64");
        qemu.args(["-machine", "q35,accel=kvm", "-cpu", "host", "-m", "256M", "-nodefaults"]);
        qemu.args(["-display", "none", "-serial", "stdio", "-no-reboot"]);
        qemu.args(["-append", "console=ttyS0 panic=-1", "-kernel"]).arg(&self.kernel);
        runs_linux(qemu, KVM_LIMIT).context("KVM can't run machines here")
    }
}

/// What an image is made from.
fn recipe() -> String {
    format!("{RELEASE}\n{PACKAGES}\n{CLOUD_CONFIG}\n{SIZE_MIB} MiB\n")
}

/// Whether a machine's console shows that a kernel runs, and the machine ends in time.
fn runs_linux(mut qemu: Command, limit: Duration) -> Result<()> {
    let (mut reader, writer) = io::pipe().context("a pipe")?;
    qemu.stdin(Stdio::null()).stdout(writer.try_clone().context("a pipe")?).stderr(writer);
    let mut child = qemu.spawn().context("starting QEMU")?;
    // It has the other end of the pipe.
    drop(qemu);
    let said = thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is all there is to say.
        let _ = reader.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    });
    let end = Instant::now() + limit;
    while matches!(child.try_wait(), Ok(None)) && Instant::now() < end {
        thread::sleep(POLL_INTERVAL);
    }
    let is_over = matches!(child.try_wait(), Ok(Some(_)));
    // An error here means that it has ended. What it would say to a signal is of no use.
    let _ = child.kill();
    let _ = child.wait();
    let said = said.join().unwrap_or_default();
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    ensure!(is_over, "it was still at it after {} s; the last it said: {last:?}", limit.as_secs());
    ensure!(said.contains("Linux version"), "no kernel has run; the last it said: {last:?}");
    Ok(())
}

fn folder(workspace: &Workspace) -> PathBuf {
    workspace.component_target().join("boot")
}

/// Whether this computer's processor runs virtual machines, for whoever this is.
pub(crate) fn has_kvm() -> Result<()> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let flags = processors.lines().find(|line| line.starts_with("flags")).unwrap_or_default();
    // In a machine that is itself virtual the device may be there without the processor's help.
    let helps = flags.split_whitespace().any(|flag| flag == "vmx" || flag == "svm");
    ensure!(helps, "there is no KVM here");
    let opened = fs::OpenOptions::new().read(true).write(true).open("/dev/kvm");
    opened.context("/dev/kvm can't be opened").map(drop)
}

/// Makes the image, if it is not there, and runs the test that boots it.
pub(crate) fn run(workspace: &Workspace) -> Result<Outcome> {
    prepare(workspace)?;
    test(workspace)
}

/// The same, where KVM works: it takes a quarter of an hour in software, and whoever changes
/// drivers runs it with `cargo xtask boot`. Elsewhere it is skipped.
pub(crate) fn run_with_kvm(workspace: &Workspace) -> Result<Outcome> {
    let ready = has_kvm().and_then(|()| prepare(workspace)).and_then(|image| image.check_kvm());
    let Err(why) = ready else { return test(workspace) };
    let why = format!("{why:#}");
    say(&format!("skipping the test that boots a machine: {why}"));
    let mut outcome = Outcome::default();
    outcome.skip(1, NAME, &why);
    Ok(outcome)
}

/// Installs what machines need, and makes the image, if it is not there.
fn prepare(workspace: &Workspace) -> Result<Image> {
    apt::ensure_programs(&crate::test::MACHINES).context("machines need QEMU")?;
    crate::test::firewall().context("machines need nftables")?;
    let folder = folder(workspace);
    if Image::find(workspace).is_some() {
        say(&format!("Using the image in {}", folder.display()));
    } else {
        apt::ensure_programs(&TOOLS).context("mmdebstrap builds the image")?;
        make_image(&folder)?;
    }
    Image::find(workspace).context("the image is not there")
}

/// Runs the test that boots the image. It says how long each part took.
fn test(workspace: &Workspace) -> Result<Outcome> {
    let mut command = process::cargo();
    command.args(["test", "--package", "agent", "--features", "boot", "--test", "boot"]);
    command.args(["--", "--nocapture"]);
    command.env("MYCELIUM_IMAGE", folder(workspace)).current_dir(workspace.root());
    let mut child = command.stdout(Stdio::piped()).spawn().context("starting cargo")?;
    let mut outcome = Outcome::default();
    let stdout = child.stdout.take().into_iter().map(BufReader::new);
    for line in stdout.flat_map(BufRead::lines).map_while(io::Result::ok) {
        outcome.add_line(&line);
        // A closed stdout is no reason to stop.
        let _ = writeln!(io::stdout(), "{line}");
    }
    let status = child.wait().context("waiting for cargo")?;
    if !status.success() && outcome.is_success() {
        outcome.fail_silently(NAME);
    }
    Ok(outcome)
}

fn make_image(folder: &Path) -> Result<()> {
    let mut step = Step::start("building an image from Debian packages");
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let root = folder.join("root");
    remove_folder(&root)?;
    let mut bootstrap = Command::new("mmdebstrap");
    bootstrap.args(["--variant=minbase", "--format=directory", RELEASE]).arg(&root);
    bootstrap.arg(format!("--include={PACKAGES}"));
    let hook = format!("echo '{CLOUD_CONFIG}' > \"$1/etc/cloud/cloud.cfg.d/90-image.cfg\"");
    bootstrap.arg(format!("--customize-hook={hook}"));
    process::run(&mut step, &mut bootstrap)?;
    for (start, name) in [("vmlinuz-", "vmlinuz"), ("initrd.img-", "initrd.img")] {
        let entries = fs::read_dir(root.join("boot")).context("reading the image's boot folder")?;
        let mut paths = entries.flatten().map(|entry| entry.path());
        let is_it = |path: &PathBuf| {
            path.file_name().is_some_and(|found| found.to_string_lossy().starts_with(start))
        };
        let path = paths.find(is_it).with_context(|| format!("the image has no {start}"))?;
        fs::copy(path, folder.join(name)).context("copying the image's kernel")?;
    }
    let raw = folder.join("root.raw");
    let empty = fs::File::create(&raw).context("creating the image")?;
    empty.set_len(SIZE_MIB * 1024 * 1024).context("creating the image")?;
    let mut fill = Command::new("mke2fs");
    fill.args(["-q", "-F", "-t", "ext4", "-d"]).arg(&root).arg(&raw);
    process::run(&mut step, &mut fill)?;
    let part = folder.join("debian.part");
    let mut convert = Command::new("qemu-img");
    convert.args(["convert", "-O", "qcow2"]).arg(&raw).arg(&part);
    process::run(&mut step, &mut convert)?;
    remove_folder(&root)?;
    fs::remove_file(&raw).context("removing temporary image files")?;
    fs::rename(&part, folder.join("debian.qcow2")).context("keeping the image")?;
    fs::write(folder.join(RECIPE), recipe()).context("keeping the image")?;
    step.done();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(script: &str, limit: Duration) -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        runs_linux(command, limit)
    }

    #[test]
    fn kvm_works_once_a_kernel_has_run_and_ended() {
        let limit = Duration::from_secs(20);
        check("echo '[    0.000000] Linux version 6.1'; echo '[    1.0] reboot'", limit).unwrap();
        let error = check("echo 'failed to set MSR 0x10a' >&2; kill -ABRT $$", limit).unwrap_err();
        assert!(error.to_string().contains("failed to set MSR"), "{error}");
    }

    #[test]
    fn kvm_that_hangs_does_not_work() {
        let error = check("echo Booting; exec sleep 600", Duration::from_millis(200)).unwrap_err();
        assert!(error.to_string().ends_with("the last it said: \"Booting\""), "{error}");
    }
}
