//! Accounts: email addresses, passwords' form, and what a token may do.

use alloc::string::{String, ToString};
use core::fmt;

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::field::FieldError;

/// The fewest characters of a password.
///
/// OWASP ASVS 5.0.0, 6.2.1: at least 8, and 15 are advised where there is no second factor.
pub const PASSWORD_CHARS_MIN: usize = 8;
/// The most bytes of a password: enough for any passphrase, bounded because hashing reads it all.
pub const PASSWORD_BYTES_MAX: usize = 512;

/// A farmer is notified so many days before the token of an agent expires: the fewest first.
pub const AGENT_TOKEN_NOTICE_DAYS: [i64; 2] = [3, 14];

/// An email address in lower case, of a form that a mail server could accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    /// The longest address, in bytes (RFC 5321, 4.5.3.1.3).
    const LENGTH_MAX: usize = 254;

    /// The longest part before the `@`, and the longest label after it, in bytes (RFC 5321,
    /// 4.5.3.1.1; RFC 1035, 2.3.4).
    const PART_MAX: usize = 64;

    /// Reads an address; surrounding white space is dropped and letters become lower case.
    ///
    /// Valid is what a browser's field for addresses takes (HTML, "valid email address"), with a
    /// dot in the host. Letters are those of ASCII, as mail transports take them: a host in other
    /// letters is written in its ASCII form, and no two addresses look alike.
    pub fn parse(text: &str) -> Result<Email, FieldError> {
        let email = text.trim().to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..Email::PART_MAX).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_local = |local: &str| {
            (1..=Email::PART_MAX).contains(&local.len())
                && local
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b".!#$%&'*+/=?^_`{|}~-".contains(&b))
        };
        let well_formed = email.len() <= Email::LENGTH_MAX
            && email.rsplit_once('@').is_some_and(|(local, host)| {
                is_local(local) && host.contains('.') && host.split('.').all(is_label)
            });
        if well_formed {
            Ok(Email(email))
        } else {
            Err(FieldError::new("email", "an email address, such as ada@example.org"))
        }
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A password that is long enough and not too long. It is never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Reads a password: any characters, kept as they are.
    pub fn parse(text: &str) -> Result<Password, FieldError> {
        if text.chars().count() < PASSWORD_CHARS_MIN || text.len() > PASSWORD_BYTES_MAX {
            return Err(FieldError::new("password", "at least 8 characters, at most 512 bytes"));
        }
        Ok(Password(text.to_string()))
    }

    /// The text to hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// One thing that an API token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Scope {
    /// Read what its account may see.
    Read,
    /// Rent, and spend from the wallet.
    Rent,
    /// Register and configure nodes.
    Farm,
    /// Work for a farm: take the jobs that set up and remove slices.
    Agent,
    /// Operate the marketplace; counts for an operator's account only.
    Admin,
}

/// What a token, or a session, may do. A session may do everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scopes(u8);

impl Scopes {
    /// Everything: what a person who signed in may do.
    pub const ALL: Scopes = Scopes(0b1_1111);

    /// Reads names of scopes; there must be at least one, and each must exist.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Scopes, FieldError> {
        let rule = "a list of at least one of read, rent, farm, agent, admin";
        let mut bits = 0;
        for name in names {
            let scope = name.parse().map_err(|_| FieldError::new("scopes", rule))?;
            bits |= Scopes::bit(scope);
        }
        if bits == 0 { Err(FieldError::new("scopes", rule)) } else { Ok(Scopes(bits)) }
    }

    /// Whether `scope` is among them.
    pub fn allow(self, scope: Scope) -> bool {
        self.0 & Scopes::bit(scope) != 0
    }

    /// The names, in order, for JSON.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Scope::VARIANTS.iter().filter(move |scope| self.allow(**scope)).map(Scope::into_str)
    }

    fn bit(scope: Scope) -> u8 {
        match scope {
            Scope::Read => 0b0_0001,
            Scope::Rent => 0b0_0010,
            Scope::Farm => 0b0_0100,
            Scope::Agent => 0b0_1000,
            Scope::Admin => 0b1_0000,
        }
    }
}

impl fmt::Display for Scopes {
    /// The names, separated by spaces, as SQL keeps them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            f.write_str(if index == 0 { "" } else { " " })?;
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn addresses_are_normalized() {
        assert_eq!(Email::parse("  Ada@Example.ORG ").unwrap().as_str(), "ada@example.org");
        let long = alloc::format!("{}@example.org", "a".repeat(243));
        for text in [
            "",
            "ada",
            "@b.c",
            "a@b",
            "a@b@c.d",
            "a@.d",
            "a b@c.d",
            "a\r\n@c.d",
            &long,
            "a@b*.c",
            "ä@b.c",
            "a@b_c.d",
            "a<b@c.d",
            "a(b)@c.d",
            "a\\b@c.d",
            "a[1]@c.d",
            "a:b@c.d",
            "a@-b.c",
            "a@b-.c",
        ] {
            assert!(Email::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn passwords_are_long_enough_and_never_printed() {
        let password = Password::parse("päßwörter").unwrap();
        assert_eq!(alloc::format!("{password:?}"), "Password(…)");
        assert!(Password::parse("1234567").is_err());
        assert!(Password::parse(&"x".repeat(513)).is_err());
    }

    #[test]
    fn scopes_are_named() {
        let scopes = Scopes::parse(["farm", "read", "read"]).unwrap();
        assert_eq!(scopes.names().collect::<Vec<_>>(), ["read", "farm"]);
        assert_eq!(Scopes::parse(scopes.to_string().split(' ')), Ok(scopes));
        assert!(Scopes::ALL.allow(Scope::Rent) && !scopes.allow(Scope::Rent));
        assert!(Scopes::parse([]).is_err() && Scopes::parse(["root"]).is_err());
    }
}
