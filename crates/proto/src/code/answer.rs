//! What both codes that the product gives back stand on: the facts of one installed (or given back)
//! authorization code, authenticated under the key that the device's and the manager's keys agree on.

use super::authorization::udi_text;
use super::key::{AgreementFailed, PublicPoint, ReservationKey};
use crate::digest::Sha256;
use crate::udi::Udi;

/// Which authorization code, of which device, for which request, under which two keys. Both sides hold these
/// facts; none of them is secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeFacts {
    /// The device.
    pub udi: Udi,
    /// SHA-256 of the request code.
    pub request: Sha256,
    /// The authorization code's sequence number: below 2^48.
    pub sequence: u64,
    /// The device's key, from the request code.
    pub device: PublicPoint,
    /// The manager's key, from the authorization code's first certificate.
    pub manager: PublicPoint,
}

impl CodeFacts {
    /// What is authenticated: the label, a zero byte, both keys, the sequence number (8 bytes, big end first),
    /// the SHA-256 of the UDI's text, that of the request code.
    fn message(&self, label: &str) -> Vec<u8> {
        let mut message = label.as_bytes().to_vec();
        message.push(0);
        message.extend(self.device.as_bytes());
        message.extend(self.manager.as_bytes());
        message.extend(self.sequence.to_be_bytes());
        message.extend(self.udi_digest().0);
        message.extend(self.request.0);
        message
    }

    /// The authentication code for `label`. `key` is the device's or the manager's, whichever is here.
    pub(super) fn authenticate(
        &self,
        label: &str,
        key: &dyn ReservationKey,
    ) -> Result<[u8; 32], AgreementFailed> {
        let own = key.public_point();
        let peer = if own == self.device {
            self.manager
        } else if own == self.manager {
            self.device
        } else {
            return Err(AgreementFailed("this key is neither the device's nor the manager's".into()));
        };
        key.authenticate(&peer, &self.message(label))
    }

    pub(super) fn udi_digest(&self) -> Sha256 {
        Sha256::of(udi_text(&self.udi))
    }
}

/// Compares without telling by its time where the first difference is.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}
