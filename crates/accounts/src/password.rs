//! Hashing of passwords: the only place that does.
//!
//! A hash takes tens of milliseconds on purpose, so whoever calls has asked a limit first.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, KeyId, ParamsBuilder, PasswordHasher, PasswordVerifier, Version};
use domain::account::Password;
use domain::field::FieldError;
use icu_normalizer::ComposingNormalizerBorrowed;
use passwords::analyzer::is_common_password;
use web::env::Random;
use web::{Env, Problem};

/// Memory of one hash in KiB: the least that OWASP's password storage sheet (2026) accepts with two
/// passes and one lane.
const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
const PASSES: u32 = 2;
/// Lanes.
const LANES: u32 = 1;
/// Bytes of salt, as RFC 9106 recommends.
const SALT_BYTES: usize = 16;
/// The fewest characters of a pepper: 128 bits in any usual encoding.
const PEPPER_CHARS_MIN: usize = 22;
/// Names the pepper in a hash, so that a hash from before there was one is known.
const PEPPER_ID: &str = "p1";

/// What came of comparing a password with a hash.
pub(crate) enum Comparison {
    /// Another password.
    Wrong,
    /// The password.
    Right,
    /// The password, in a hash that is weaker than new ones.
    Outdated,
}

/// Hashes with Argon2id and the pepper, a key that is not in the database (RFC 9106, 3.1, `K`).
pub(crate) struct Hasher<'a> {
    pepper: String,
    random: &'a dyn Random,
}

impl<'a> Hasher<'a> {
    /// With the pepper of the variable `password_pepper`; empty is none.
    pub(crate) fn new(env: &Env<'a>) -> Result<Hasher<'a>, Problem> {
        let pepper = env.variable("password_pepper").map_err(Problem::internal)?;
        if (1..PEPPER_CHARS_MIN).contains(&pepper.len()) {
            let rule = format!("password_pepper: expected at least {PEPPER_CHARS_MIN} characters");
            return Err(Problem::internal(rule));
        }
        Ok(Hasher { pepper, random: env.random })
    }

    /// The hash of a password, in PHC form.
    pub(crate) fn hash(&self, password: &Password) -> Result<String, Problem> {
        let salt: [u8; SALT_BYTES] = self.random.bytes();
        let hash = self
            .argon2(!self.pepper.is_empty())?
            .hash_password_with_salt(normal(password).as_bytes(), &salt)
            .map_err(Problem::internal)?;
        Ok(hash.to_string())
    }

    /// Takes as long as to find that no hash is of this password, where there is no account: nobody
    /// learns from the time whether there is one.
    pub(crate) fn compare_with_none(&self, password: &Password) -> Result<(), Problem> {
        self.hash(password)?;
        if normal(password) != password.as_str() {
            self.hash(password)?;
        }
        Ok(())
    }

    /// Whether `hash` is of this password.
    pub(crate) fn compare(&self, password: &Password, hash: &str) -> Result<Comparison, Problem> {
        let expected = PasswordHash::new(hash).map_err(Problem::internal)?;
        let is_peppered = expected.params.get("keyid").is_some();
        if is_peppered && self.pepper.is_empty() {
            return Err(Problem::internal("password_pepper: empty, but passwords have one"));
        }
        let argon2 = self.argon2(is_peppered)?;
        let is_right = |text: &str| argon2.verify_password(text.as_bytes(), &expected).is_ok();
        let normal = normal(password);
        if !is_right(&normal) {
            // Hashes from before passwords were normalized are of what was typed.
            let is_right = normal != password.as_str() && is_right(password.as_str());
            return Ok(if is_right { Comparison::Outdated } else { Comparison::Wrong });
        }
        let cost = |name| expected.params.get_decimal(name).unwrap_or(0);
        let is_as_new =
            is_peppered != self.pepper.is_empty() && cost("m") >= MEMORY_KIB && cost("t") >= PASSES;
        Ok(if is_as_new { Comparison::Right } else { Comparison::Outdated })
    }

    fn argon2(&self, is_peppered: bool) -> Result<Argon2<'_>, Problem> {
        let mut params = ParamsBuilder::new();
        params.m_cost(MEMORY_KIB).t_cost(PASSES).p_cost(LANES);
        let secret = if is_peppered { self.pepper.as_bytes() } else { &[] };
        if is_peppered {
            params.keyid(KeyId::new(PEPPER_ID.as_bytes()).map_err(Problem::internal)?);
        }
        let params = params.build().map_err(Problem::internal)?;
        Argon2::new_with_secret(secret, Algorithm::Argon2id, Version::V0x13, params)
            .map_err(Problem::internal)
    }
}

/// A password as it is hashed: composed (NFC), and with the usual space in the place of every other
/// one, for keyboards and systems differ in both (RFC 8265, 4.2).
fn normal(password: &Password) -> String {
    let is_space = |c: char| c.is_whitespace() && !c.is_control();
    let spaced: String =
        password.as_str().chars().map(|c| if is_space(c) { ' ' } else { c }).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&spaced).into_owned()
}

/// Reads a password that somebody chooses: long enough, and not one of the 100,000 that are tried
/// first. The field `field` is named if it is not.
pub(crate) fn read_new(field: &'static str, text: &str) -> Result<Password, FieldError> {
    let password = Password::parse(text).map_err(|wrong| FieldError { field, ..wrong })?;
    if is_common_password(text) || is_common_password(text.to_lowercase()) {
        let rule =
            "a password that isn't on a list of common passwords; a few random words work well";
        return Err(FieldError::new(field, rule));
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use stage::Stage;

    use super::*;

    fn password(text: &str) -> Password {
        Password::parse(text).unwrap()
    }

    #[test]
    fn a_password_is_the_same_from_every_keyboard() {
        let stage = Stage::empty();
        let env = stage.env();
        let hasher = Hasher::new(&env).unwrap();
        let composed = "Z\u{fc}rich am See";
        for typed in ["Zu\u{308}rich am See", "Z\u{fc}rich\u{a0}am\u{3000}See", composed] {
            let hash = hasher.hash(&password(typed)).unwrap();
            let found = hasher.compare(&password(composed), &hash).unwrap();
            assert!(matches!(found, Comparison::Right), "{typed:?}");
        }
        let hash = hasher.hash(&password(composed)).unwrap();
        for other in ["Zurich am See", "Z\u{fc}rich am  See", "z\u{fc}rich am See"] {
            let found = hasher.compare(&password(other), &hash).unwrap();
            assert!(matches!(found, Comparison::Wrong), "{other:?}");
        }
    }

    #[test]
    fn a_hash_from_before_passwords_were_normalized_still_works() {
        let stage = Stage::empty();
        let env = stage.env();
        let hasher = Hasher::new(&env).unwrap();
        let typed = "Zu\u{308}rich am\u{a0}See";
        let old = hasher.argon2(false).unwrap();
        let old = old.hash_password_with_salt(typed.as_bytes(), &[7; SALT_BYTES]).unwrap();
        let compare = |text: &str| hasher.compare(&password(text), &old.to_string()).unwrap();
        assert!(matches!(compare(typed), Comparison::Outdated));
        assert!(matches!(compare("Z\u{fc}rich am See"), Comparison::Wrong));
    }
}
