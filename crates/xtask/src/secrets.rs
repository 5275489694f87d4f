//! The app's secrets: made once for each data folder, kept in a file that only its owner reads.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

/// The file in the data folder, in the form of `NAME=value` lines.
pub(crate) const FILE_NAME: &str = "secrets.env";

/// Where Spin looks for the variable `operator_token`.
const OPERATOR_TOKEN: &str = "SPIN_VARIABLE_OPERATOR_TOKEN";
/// The same for `encryption_keys`: without them, nobody opens what they sealed.
pub(crate) const ENCRYPTION_KEYS: &str = "SPIN_VARIABLE_ENCRYPTION_KEYS";
/// The same for `password_pepper`: without it, no password is right any more.
const PASSWORD_PEPPER: &str = "SPIN_VARIABLE_PASSWORD_PEPPER";

/// How many random bytes a secret has.
const SECRET_BYTES: usize = 24;
/// How many random bytes an encryption key has.
const KEY_BYTES: usize = 32;

/// Makes a secret's text.
type Make = fn() -> Result<String>;

/// Every secret, and how one is made.
const SECRETS: [(&str, Make); 3] = [
    (OPERATOR_TOKEN, random_secret),
    (ENCRYPTION_KEYS, encryption_key),
    (PASSWORD_PEPPER, random_secret),
];

/// The path of the data folder's secrets. Those that are not there are made, and the others stay
/// as they are.
pub(crate) fn ensure_file(data: &Path) -> Result<PathBuf> {
    // The database beside it is for nobody else either.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("creating {}", data.display()))?;
    let path = data.join(FILE_NAME);
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("opening {}", path.display()))?;
    let mut text = String::new();
    file.read_to_string(&mut text).with_context(|| format!("reading {}", path.display()))?;
    let mut lines = String::new();
    if !text.is_empty() && !text.ends_with('\n') {
        lines.push('\n');
    }
    for (name, make) in SECRETS {
        if find(&text, name).is_none() {
            lines.extend([name, "=", &make()?, "\n"]);
        }
    }
    // All at once: a file that was half written would keep a part of a key.
    file.write_all(lines.as_bytes()).with_context(|| format!("writing {}", path.display()))?;
    Ok(path)
}

/// The value of a name, in the form that the host reads.
fn find<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (found, value) = line.split_once('=')?;
        (found.trim() == name).then(|| value.trim())
    })
}

/// The operator's token, out of the file with secrets.
pub(crate) fn operator_token(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    find(&text, OPERATOR_TOKEN)
        .map(str::to_owned)
        .with_context(|| format!("{} has no {OPERATOR_TOKEN}", file.display()))
}

/// The encryption keys, out of the file with secrets.
pub(crate) fn encryption_keys(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    find(&text, ENCRYPTION_KEYS)
        .map(str::to_owned)
        .with_context(|| format!("{} has no {ENCRYPTION_KEYS}", file.display()))
}

/// Puts a new key before the others in the file with secrets; answers all of them.
pub(crate) fn add_key(file: &Path) -> Result<String> {
    let old = encryption_keys(file)?;
    let ids = old.split(',').filter_map(|key| key.trim().split(':').next()?.parse::<u32>().ok());
    let next = ids.max().context("the keys have no numbers")? + 1;
    let keys = format!("{},{old}", new_key(next)?);
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    // Whole or not at all: a file that was half written would keep a part of a key.
    let beside = file.with_extension("new");
    let mut options = OpenOptions::new();
    let mut written = options
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .with_context(|| format!("creating {}", beside.display()))?;
    written.write_all(text.replace(&old, &keys).as_bytes()).context("writing the keys")?;
    written.sync_all().context("writing the keys")?;
    fs::rename(&beside, file).with_context(|| format!("writing {}", file.display()))?;
    Ok(keys)
}

/// A secret that nobody guesses, as hexadecimal digits.
pub(crate) fn random_secret() -> Result<String> {
    let mut bytes = [0; SECRET_BYTES];
    getrandom::fill(&mut bytes).context("reading random bytes")?;
    Ok(bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    }))
}

/// The first key of `seal`.
fn encryption_key() -> Result<String> {
    new_key(1)
}

/// A key of `seal`, as `Keys::parse` reads it.
fn new_key(id: u32) -> Result<String> {
    let mut bytes = [0; KEY_BYTES];
    getrandom::fill(&mut bytes).context("reading random bytes")?;
    Ok(format!("{id}:{}", BASE64_STANDARD.encode(bytes)))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_new_key_stands_before_the_others_and_nothing_else_changes() {
        let data = tempfile::tempdir().unwrap();
        let file = ensure_file(data.path()).unwrap();
        let (before, token) = (encryption_keys(&file).unwrap(), operator_token(&file).unwrap());
        let keys = add_key(&file).unwrap();
        assert!(keys.starts_with("2:") && keys.ends_with(&format!(",{before}")), "{keys}");
        assert_eq!(encryption_keys(&file).unwrap(), keys);
        assert_eq!(operator_token(&file).unwrap(), token);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(add_key(&file).unwrap().starts_with("3:"));
    }

    #[test]
    fn a_data_folder_keeps_its_token() {
        let data = tempfile::tempdir().unwrap();
        let file = ensure_file(&data.path().join("new")).unwrap();
        let token = operator_token(&file).unwrap();
        assert_eq!(token.len(), 2 * SECRET_BYTES);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

        assert_eq!(ensure_file(&data.path().join("new")).unwrap(), file);
        assert_eq!(operator_token(&file).unwrap(), token);
        let other = ensure_file(&data.path().join("other")).unwrap();
        assert_ne!(operator_token(&other).unwrap(), token);
    }
    #[test]
    fn a_file_that_lacks_a_secret_gets_it_and_keeps_the_rest() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE_NAME);
        let old = "# mine\nexport SPIN_VARIABLE_OPERATOR_TOKEN=0123456789012345678901\nOTHER=1";
        fs::write(&path, old).unwrap();
        ensure_file(data.path()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        let added: Vec<&str> =
            text.strip_prefix(old).unwrap().strip_prefix('\n').unwrap().lines().collect();
        assert_eq!(added.len(), 2, "{text}");
        let key = added[0].strip_prefix("SPIN_VARIABLE_ENCRYPTION_KEYS=1:").unwrap();
        assert_eq!(BASE64_STANDARD.decode(key).unwrap().len(), KEY_BYTES);
        let pepper = added[1].strip_prefix("SPIN_VARIABLE_PASSWORD_PEPPER=").unwrap();
        assert_eq!(pepper.len(), 2 * SECRET_BYTES);
        assert_eq!(operator_token(&path).unwrap(), "0123456789012345678901");

        ensure_file(data.path()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}
