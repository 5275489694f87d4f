//! Second factors, as functions of bytes: passkeys (`WebAuthn` level 3), codes of an authenticator
//! app (RFC 6238), and the recovery codes for when both are lost.
//!
//! Nothing here knows who asks or where anything is kept.

pub mod passkey;
pub mod qr;
pub mod recovery;
pub mod totp;
