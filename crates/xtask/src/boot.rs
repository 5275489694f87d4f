//! `cargo xtask boot`: makes a small image from Debian's packages, and lets a machine really boot.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::apt;
use crate::process;
use crate::progress::{Step, say};
use crate::target::remove_folder;
use crate::workspace::Workspace;

/// Debian packages, and a program of each.
const TOOLS: [(&str, &str); 2] = [("mmdebstrap", "mmdebstrap"), ("e2fsprogs", "mke2fs")];

/// The release of Debian that the image has.
const RELEASE: &str = "bookworm";

/// What it has beyond the smallest system: a start, a kernel, cloud-init and SSH; and `dbus`,
/// without which nothing listens to the power button.
const PACKAGES: &str = "systemd-sysv,dbus,linux-image-cloud-amd64,cloud-init,openssh-server,\
                        iproute2,netbase,ifupdown,isc-dhcp-client,ca-certificates";

/// The size of its file system, in MiB. A machine's start makes it as large as its disk.
const SIZE_MIB: u64 = 1500;

/// The image with what starts it.
pub(crate) struct Image {
    pub(crate) disk: PathBuf,
    pub(crate) kernel: PathBuf,
    pub(crate) initrd: PathBuf,
}

impl Image {
    /// The image, if it has been made.
    pub(crate) fn find(workspace: &Workspace) -> Option<Image> {
        let folder = folder(workspace);
        let [disk, kernel, initrd] =
            ["debian.qcow2", "vmlinuz", "initrd.img"].map(|name| folder.join(name));
        disk.is_file().then_some(Image { disk, kernel, initrd })
    }
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
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    prepare(workspace)?;
    test(workspace)
}

/// Installs what machines need, and makes the image, if it is not there.
pub(crate) fn prepare(workspace: &Workspace) -> Result<()> {
    apt::ensure_programs(&crate::test::MACHINES).context("machines need QEMU")?;
    crate::test::firewall().context("machines need nftables")?;
    let folder = folder(workspace);
    if Image::find(workspace).is_some() {
        say(&format!("Using the image in {}", folder.display()));
    } else {
        apt::ensure_programs(&TOOLS).context("mmdebstrap builds the image")?;
        make_image(&folder)?;
    }
    Ok(())
}

/// Runs the test that boots the image.
pub(crate) fn test(workspace: &Workspace) -> Result<()> {
    let mut command = process::cargo();
    command.args(["test", "--package", "agent", "--features", "boot", "--test", "boot"]);
    command.args(["--", "--nocapture"]);
    command.env("MYCELIUM_IMAGE", folder(workspace)).current_dir(workspace.root());
    let status = command.status().context("starting cargo")?;
    ensure!(status.success(), "the machine test failed; see above");
    Ok(())
}

fn make_image(folder: &Path) -> Result<()> {
    let mut step = Step::start("building an image from Debian packages");
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let root = folder.join("root");
    remove_folder(&root)?;
    let mut bootstrap = Command::new("mmdebstrap");
    bootstrap.args(["--variant=minbase", "--format=directory", RELEASE]).arg(&root);
    bootstrap.arg(format!("--include={PACKAGES}"));
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
    step.done();
    Ok(())
}
