//! Fetching the standard library's sources and a C library for wasm from Debian's archive.
//!
//! apt is run on a configuration of its own: its sources, lists and cache are in a folder of ours,
//! so the system's stay as they are and nobody needs to be root. What apt fetches is always
//! authenticated, with the keys that the system trusts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};

use crate::process;
use crate::progress::Step;
use crate::target::{TARGET, remove_folder};

/// The suites that may have the sources of our compiler, the most likely one first.
const SUITES: [&str; 3] = ["trixie-backports", "forky", "sid"];

/// Where the package `debian-archive-keyring` puts the keys of Debian's archive.
const KEYRINGS: &str = "usr/share/keyrings";

/// The names that the file with all keys in use has had.
const KEYRING_NAMES: [&str; 2] = ["debian-archive-keyring.gpg", "debian-archive-keyring.pgp"];

/// What was fetched and unpacked.
pub(crate) struct Sources {
    /// The sources of the standard library: the folder with `std`, `core` and `Cargo.lock`.
    pub(crate) library: PathBuf,
    /// The C library that std stands on: the folder with `libc.a`.
    pub(crate) wasi_libc: PathBuf,
}

/// Fetches what is needed to build the standard library of the compiler `release`.
pub(crate) fn fetch(step: &mut Step, folder: &Path, release: &str) -> Result<Sources> {
    for program in ["apt-get", "dpkg-deb", "tar"] {
        ensure!(
            process::find_program(program).is_some(),
            "this is not a Debian-based system: `{program}` is missing"
        );
    }
    fs::create_dir_all(folder).with_context(|| format!("creating {}", folder.display()))?;
    let mirror = system_mirror()?;
    let mut keyring = match system_keyring() {
        Some(keyring) => keyring,
        None => newer_keyring(step, folder)?,
    };
    let mut reasons = Vec::new();
    for suite in SUITES {
        step.note(&format!("looking into {suite}"));
        let mut fetched = fetch_from(step, folder, &mirror, suite, &keyring, release);
        if fetched.as_ref().is_err_and(lacks_key) {
            keyring = newer_keyring(step, folder)?;
            fetched = fetch_from(step, folder, &mirror, suite, &keyring, release);
        }
        match fetched {
            Ok(sources) => return Ok(sources),
            Err(reason) => reasons.push(format!("{suite}: {reason:#}")),
        }
    }
    bail!("{mirror} has no `rust-src` {release} with `wasi-libc`:\n  {}", reasons.join("\n  "))
}

fn fetch_from(
    step: &mut Step,
    folder: &Path,
    mirror: &str,
    suite: &str,
    keyring: &Path,
    release: &str,
) -> Result<Sources> {
    let apt = Apt::new(folder.join(suite))?;
    let source = format!("deb [signed-by={}] {mirror} {suite} main\n", keyring.display());
    fs::write(apt.folder.join("sources.list"), source).context("writing a sources list")?;
    apt.run(step, &["update"])?;
    apt.run(step, &["download", &format!("rust-src={release}*"), "wasi-libc"])?;
    let sources = Sources {
        library: apt.unpack(step, "rust-src", &format!("usr/src/rustc-{release}/library"))?,
        wasi_libc: apt.unpack(step, "wasi-libc", &format!("usr/lib/{TARGET}"))?,
    };
    ensure!(sources.library.join("std/Cargo.toml").is_file(), "its rust-src contains no library");
    ensure!(sources.wasi_libc.join("libc.a").is_file(), "its wasi-libc doesn't support {TARGET}");
    Ok(sources)
}

/// Keys newer than the system's, out of the package that the system's own sources offer: it is
/// authenticated like any other, so trust is handed on and never assumed.
fn newer_keyring(step: &mut Step, folder: &Path) -> Result<PathBuf> {
    let mut fetched = || {
        let apt = Apt::with_system_sources(folder.join("keyring"))?;
        apt.run(step, &["update"])?;
        apt.run(step, &["download", "debian-archive-keyring"])?;
        find_keyring(&apt.unpack(step, "debian-archive-keyring", KEYRINGS)?)
            .context("the package has no keys")
    };
    fetched().context("getting the keys of Debian's archive (package debian-archive-keyring)")
}

fn system_keyring() -> Option<PathBuf> {
    find_keyring(&Path::new("/").join(KEYRINGS))
}

fn find_keyring(folder: &Path) -> Option<PathBuf> {
    KEYRING_NAMES.iter().map(|name| folder.join(name)).find(|keyring| keyring.is_file())
}

fn lacks_key(error: &anyhow::Error) -> bool {
    let text = format!("{error:#}");
    text.contains("NO_PUBKEY") || text.contains("Missing key")
}

/// apt, on lists and a cache in a folder of its own.
struct Apt {
    folder: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn new(folder: PathBuf) -> Result<Apt> {
        let mut apt = Apt::with_system_sources(folder)?;
        let sources = apt.folder.join("sources.list");
        apt.options.extend([
            format!("Dir::Etc::SourceList={}", sources.display()),
            "Dir::Etc::SourceParts=/dev/null".to_owned(),
            // A pin of the system's says nothing about packages that are never installed.
            "Dir::Etc::Preferences=/dev/null".to_owned(),
            "Dir::Etc::PreferencesParts=/dev/null".to_owned(),
            "Dir::State::Status=/dev/null".to_owned(),
        ]);
        Ok(apt)
    }

    fn with_system_sources(folder: PathBuf) -> Result<Apt> {
        // What an earlier attempt has left may be of another version.
        remove_folder(&folder)?;
        for part in ["lists/partial", "cache/archives/partial", "packages"] {
            let path = folder.join(part);
            fs::create_dir_all(&path).with_context(|| format!("creating {}", path.display()))?;
        }
        let options = vec![
            format!("Dir::State::Lists={}", folder.join("lists").display()),
            format!("Dir::Cache={}", folder.join("cache").display()),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::AllowInsecureRepositories=false".to_owned(),
            "APT::Get::AllowUnauthenticated=false".to_owned(),
            // A list that cannot be fetched or verified is an error, not a warning.
            "APT::Update::Error-Mode=any".to_owned(),
            // As root, apt would fetch as a user of its own, who may not enter our folder.
            "APT::Sandbox::User=root".to_owned(),
        ];
        Ok(Apt { folder, options })
    }

    fn run(&self, step: &mut Step, arguments: &[&str]) -> Result<()> {
        let mut command = Command::new("apt-get");
        for option in &self.options {
            command.arg(format!("-o{option}"));
        }
        command.args(arguments).current_dir(self.folder.join("packages"));
        // The reader looks for messages in the complaint, in the language that it knows.
        command.env("LC_ALL", "C.UTF-8");
        step.note(&format!("apt-get {}", arguments.join(" ")));
        process::output(&mut command).map(|_| ())
    }

    /// Unpacks one folder of a package that was downloaded: the sources of the whole compiler are
    /// in there too, and take longer to write and to remove than to fetch.
    fn unpack(&self, step: &mut Step, package: &str, part: &str) -> Result<PathBuf> {
        step.note(&format!("unpacking {package}"));
        let file = self.downloaded(package)?;
        let unpacked = self.folder.join("unpacked");
        fs::create_dir_all(&unpacked).context("creating a folder to unpack to")?;
        let mut reader = Command::new("dpkg-deb")
            .arg("--fsys-tarfile")
            .arg(&file)
            .stdout(Stdio::piped())
            .spawn()
            .context("starting dpkg-deb")?;
        let contents = reader.stdout.take().context("dpkg-deb has no stdout")?;
        let mut writer = Command::new("tar");
        writer.arg("-xC").arg(&unpacked).arg(format!("./{part}")).stdin(contents);
        let written = process::output(&mut writer);
        let read = reader.wait().context("waiting for dpkg-deb")?;
        written.with_context(|| format!("{} has no {part}", file.display()))?;
        ensure!(read.success(), "{} cannot be read ({read})", file.display());
        Ok(unpacked.join(part))
    }

    fn downloaded(&self, package: &str) -> Result<PathBuf> {
        let files = fs::read_dir(self.folder.join("packages")).context("reading packages")?;
        let is_package = |file: &PathBuf| {
            file.file_name().is_some_and(|name| {
                name.to_string_lossy()
                    .strip_prefix(package)
                    .is_some_and(|rest| rest.starts_with('_'))
            })
        };
        let mut files = files.flatten().map(|file| file.path());
        files.find(is_package).with_context(|| format!("{package} was not downloaded"))
    }
}

/// The mirror of Debian's archive that the system uses.
fn system_mirror() -> Result<String> {
    Archive::of_system().map(|archive| archive.mirror).context(
        "no Debian mirror is configured in apt to get the compiler's sources from; add one, or \
         run `rustup target add wasm32-wasip2`",
    )
}

/// Debian's archive, as the system takes its packages from it.
pub(crate) struct Archive {
    /// The name of the system's release, such as `bookworm`.
    pub(crate) codename: String,
    mirror: String,
}

impl Archive {
    /// The archive of the system. An error where the system is not Debian itself.
    pub(crate) fn of_system() -> Result<Archive> {
        let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
        let codename = debian_codename(&release).context("this system is not Debian")?;
        let texts = source_files().into_iter().filter_map(|file| fs::read_to_string(file).ok());
        let mirror = texts
            .flat_map(|text| source_entries(&text))
            .find_map(|entry| entry.mirror_for(&codename))
            .context("apt's sources name no mirror of Debian")?;
        Ok(Archive { codename, mirror })
    }

    /// A line of a sources list: newer packages, built for this release.
    pub(crate) fn backports(&self) -> String {
        let signed_by = system_keyring()
            .map(|keyring| format!("[signed-by={}] ", keyring.display()))
            .unwrap_or_default();
        format!("deb {signed_by}{} {}-backports main\n", self.mirror, self.codename)
    }
}

/// The name of the system's release, if the system is Debian itself: a derivative's mirrors do not
/// have Debian's suites.
fn debian_codename(os_release: &str) -> Option<String> {
    let value = |key: &str| {
        let mut lines = os_release.lines();
        lines
            .find_map(|line| line.strip_prefix(key))
            .map(|value| value.trim_matches('"').to_owned())
    };
    value("ID=").filter(|id| id == "debian")?;
    value("VERSION_CODENAME=")
}

fn source_files() -> Vec<PathBuf> {
    let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten();
    let is_read = |file: &PathBuf| {
        file.extension().is_some_and(|extension| extension == "list" || extension == "sources")
    };
    files.extend(parts.map(|part| part.path()).filter(is_read));
    files.sort();
    files
}

/// One place that apt gets packages from.
#[derive(Debug, Default, PartialEq)]
struct SourceEntry {
    addresses: Vec<String>,
    suites: Vec<String>,
    components: Vec<String>,
}

impl SourceEntry {
    /// Its address, if it is the archive that the release itself comes from.
    fn mirror_for(&self, codename: &str) -> Option<String> {
        let names = [codename, "stable", "testing", "unstable", "sid"];
        let fits = self.suites.iter().any(|suite| names.contains(&suite.as_str()))
            && self.components.iter().any(|component| component == "main");
        self.addresses.first().filter(|_| fits).cloned()
    }
}

/// The entries of a sources file, in the one-line form or in stanzas of fields.
fn source_entries(text: &str) -> Vec<SourceEntry> {
    let text: String = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#'))
        .fold(String::new(), |text, line| text + line + "\n");
    let one_line = text.lines().filter_map(one_line_entry);
    let stanzas = text.split("\n\n").filter_map(stanza_entry);
    one_line.chain(stanzas).collect()
}

/// Parses `deb [signed-by=…] http://a.example/debian bookworm main contrib`.
fn one_line_entry(line: &str) -> Option<SourceEntry> {
    let mut rest = line.trim().strip_prefix("deb ")?.trim_start();
    if rest.starts_with('[') {
        rest = rest.split_once(']')?.1;
    }
    let mut words = rest.split_whitespace().map(str::to_owned);
    let addresses = vec![words.next()?];
    let suites = vec![words.next()?];
    Some(SourceEntry { addresses, suites, components: words.collect() })
}

/// Parses a stanza with `Types:`, `URIs:`, `Suites:` and `Components:`.
fn stanza_entry(stanza: &str) -> Option<SourceEntry> {
    let field = |name: &str| {
        let values = stanza.lines().find_map(|line| line.strip_prefix(name))?;
        Some(values.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
    };
    let is_binary = field("Types:")?.iter().any(|kind| kind == "deb");
    let is_enabled = field("Enabled:").is_none_or(|values| values != ["no"]);
    (is_binary && is_enabled).then_some(())?;
    Some(SourceEntry {
        addresses: field("URIs:")?,
        suites: field("Suites:")?,
        components: field("Components:")?,
    })
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[track_caller]
    fn check(sources: &str, expected: Option<&str>) {
        let mut entries = source_entries(sources).into_iter();
        let mirror = entries.find_map(|entry| entry.mirror_for("bookworm"));
        assert_eq!(mirror.as_deref(), expected);
    }

    #[test]
    fn the_mirror_is_the_one_that_the_release_comes_from() {
        check("", None);
        check("deb http://a.example/debian bookworm main", Some("http://a.example/debian"));
        check("# deb http://a.example/debian bookworm main", None);
        check("deb-src http://a.example/debian bookworm main", None);
        check("deb http://a.example/debian-security bookworm-security main", None);
        check("deb http://a.example/tools bookworm contrib", None);
        check(
            "deb https://a.example/sdk sdk main\n\
             deb [arch=amd64 signed-by=/k.gpg] mirror+file:/etc/m.list bookworm contrib main",
            Some("mirror+file:/etc/m.list"),
        );
    }

    #[test]
    fn stanzas_are_read_too() {
        let stanza = "Types: deb deb-src\n# a comment\nURIs: http://a.example/debian\n\
                      Suites: bookworm bookworm-updates\nComponents: main\n";
        check(stanza, Some("http://a.example/debian"));
        check(&stanza.replace("deb deb-src", "deb-src"), None);
        check(&format!("{stanza}Enabled: no\n"), None);
        let security = stanza.replace("bookworm bookworm-updates", "bookworm-security");
        let security = security.replace("/debian", "/debian-security");
        check(&format!("{security}\n{stanza}"), Some("http://a.example/debian"));
    }

    #[test]
    fn only_debian_itself_has_a_mirror_with_debians_suites() {
        let check = |release: &str, expected: Option<&str>| {
            assert_eq!(debian_codename(release).as_deref(), expected);
        };
        check("ID=debian\nVERSION_CODENAME=bookworm\n", Some("bookworm"));
        check("ID=\"debian\"\nVERSION_CODENAME=\"trixie\"\n", Some("trixie"));
        check("ID=ubuntu\nID_LIKE=debian\nVERSION_CODENAME=noble\n", None);
        check("", None);
    }

    #[test]
    fn a_missing_key_is_told_apart_from_other_failures() {
        let check = |text: &str, expected| assert_eq!(lacks_key(&anyhow!("{text}")), expected);
        check("The following signatures couldn't be verified: NO_PUBKEY 0E98404D386FA1D9", true);
        check("Missing key B8B80B5B623EAB6AD8775C45B7C5D7D6350947F8, needed to verify", true);
        check("Could not resolve 'a.example'", false);
    }
}
