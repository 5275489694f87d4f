//! What can be done with a machine. Its driver says so, and some of it depends on the machine, such
//! as whether its guest agent answers.

use strum::VariantArray;

/// Something that can be done with a machine, or not.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr, strum::VariantArray,
)]
#[strum(serialize_all = "kebab-case", const_into_str)]
pub enum Capability {
    /// It can be started, shut down, restarted and reset.
    Power,
    /// It has a serial console.
    Console,
    /// It can start with its renter's own user data.
    UserData,
    /// The SSH keys that get in can be changed.
    SetKeys,
    /// A password for the console can be set.
    SetPassword,
    /// It can be made anew, with the same address and ports.
    Rebuild,
    /// Further ports can be opened and closed.
    SetPorts,
}

/// All that can be done with a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

impl Capabilities {
    /// Whether this can be done.
    pub fn has(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }

    /// Each thing that can be done, in the order of the enum.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::VARIANTS.iter().copied().filter(move |it| self.has(*it))
    }
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(each: I) -> Capabilities {
        Capabilities(each.into_iter().fold(0, |bits, capability| bits | bit(capability)))
    }
}

fn bit(capability: Capability) -> u8 {
    1 << capability as u8
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    #[test]
    fn each_capability_is_there_or_not() {
        for &one in Capability::VARIANTS {
            let can: Capabilities = [one, one].into_iter().collect();
            assert_eq!(can.iter().collect::<Vec<_>>(), [one]);
            assert!(!Capabilities::default().has(one));
        }
        let all: Capabilities = Capability::VARIANTS.iter().copied().collect();
        assert_eq!(all.iter().collect::<Vec<_>>(), Capability::VARIANTS);
    }
}
