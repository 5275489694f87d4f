//! The operator's token: made once for each data folder, kept in a file that only its owner reads.

use std::fmt::Write as _;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The file in the data folder, in the form of `NAME=value` lines.
pub(crate) const FILE_NAME: &str = "secrets.env";

/// Where Spin looks for the variable `operator_token`.
const OPERATOR_TOKEN: &str = "SPIN_VARIABLE_OPERATOR_TOKEN";

/// How many random bytes a secret has.
const SECRET_BYTES: usize = 24;

/// The path of the data folder's secrets, which are made if they are not there.
pub(crate) fn ensure_file(data: &Path) -> Result<PathBuf> {
    // The database beside it is for nobody else either.
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data)
        .with_context(|| format!("creating {}", data.display()))?;
    let path = data.join(FILE_NAME);
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
        Ok(mut file) => {
            let line = format!("{OPERATOR_TOKEN}={}\n", random_secret()?);
            file.write_all(line.as_bytes())
                .with_context(|| format!("writing {}", path.display()))?;
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error).with_context(|| format!("creating {}", path.display())),
    }
    Ok(path)
}

/// The operator's token, out of the file with secrets.
pub(crate) fn operator_token(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let mut lines = text.lines();
    lines
        .find_map(|line| line.strip_prefix(OPERATOR_TOKEN)?.strip_prefix('='))
        .map(|value| value.trim().to_owned())
        .with_context(|| format!("{} has no {OPERATOR_TOKEN}", file.display()))
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

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
}
