//! Recovery codes: written down, and good once each.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::totp::grouped;

/// Random bytes of a code: 80 bits, which nobody guesses, so that a plain hash of it can be kept.
pub const CODE_BYTES: usize = 10;
/// Characters of a code without its dashes.
const CODE_CHARS: usize = 16;
/// Characters in a group.
const GROUP_CHARS: usize = 4;

/// A recovery code.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl RecoveryCode {
    /// The code of these random bytes.
    pub fn from_random(bytes: [u8; CODE_BYTES]) -> RecoveryCode {
        RecoveryCode(BASE32_NOPAD.encode(&bytes))
    }

    /// Reads what somebody typed: in any case, with any dashes and spaces, and with the digits that
    /// people take some letters for; base 32 has none of those.
    pub fn parse(text: &str) -> Option<RecoveryCode> {
        let read = |c: char| match c.to_ascii_uppercase() {
            '0' => 'O',
            '1' => 'I',
            '8' => 'B',
            other => other,
        };
        let plain = text.chars().filter(|c| *c != '-' && !c.is_whitespace());
        let code: String = plain.take(CODE_CHARS + 1).map(read).collect();
        let is_code = code.len() == CODE_CHARS && BASE32_NOPAD.decode(code.as_bytes()).is_ok();
        is_code.then_some(RecoveryCode(code))
    }

    /// What is kept of it.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// What its owner writes down.
    pub fn text(&self) -> String {
        grouped(&self.0, GROUP_CHARS, '-')
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = RecoveryCode::from_random([0x73; CODE_BYTES]);
        assert_eq!(code.text(), "ONZX-G43T-ONZX-G43T");
        let hash = code.hash();
        for typed in ["ONZX-G43T-ONZX-G43T", " onzxg43tonzxg43t ", "0nzx g43t 0NZX\tG43T"] {
            assert_eq!(RecoveryCode::parse(typed).unwrap().hash(), hash, "{typed}");
        }
        for typed in ["", "ONZX-G43T-ONZX-G43", "ONZX-G43T-ONZX-G43TT", "ONZX-G43T-ONZX-G439", "é"]
        {
            assert!(RecoveryCode::parse(typed).is_none(), "{typed}");
        }
    }

    proptest! {
        #[test]
        fn each_code_is_read_as_itself(bytes: [u8; CODE_BYTES]) {
            let code = RecoveryCode::from_random(bytes);
            prop_assert!(RecoveryCode::parse(&code.text()) == Some(code));
        }

        #[test]
        fn any_text_is_read_or_refused(text: String) {
            RecoveryCode::parse(&text);
        }
    }
}
