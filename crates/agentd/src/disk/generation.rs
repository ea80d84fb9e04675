//! One stored generation of the state: a header that proves it whole, then the state's bytes.
//!
//! ```text
//! offset  0  magic, "SPAGENT\n"
//! offset  8  format version, u32 little-endian
//! offset 12  generation, u64 little-endian: rises by one with every store
//! offset 20  length of the state in bytes, u64 little-endian
//! offset 28  SHA-256 of bytes 0 to 28 and the state
//! offset 60  the state
//! ```

use seatpool_proto::Sha256;

const MAGIC: &[u8; 8] = b"SPAGENT\n";
const VERSION: u32 = 1;
const DIGEST_AT: usize = 28;
const HEADER_BYTES: usize = 60;

/// A generation that was read whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generation {
    /// Rises by one with every store.
    pub number: u64,
    /// The state's bytes.
    pub state: Vec<u8>,
}

/// Why bytes are no whole generation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Damage {
    /// Shorter than a header, or than its header says.
    #[error("it is cut short: {found} bytes of {wanted}")]
    Short {
        /// Bytes that are there.
        found: usize,
        /// Bytes that should be.
        wanted: u64,
    },
    /// Longer than its header says.
    #[error("it has bytes after its end")]
    Long,
    /// Does not begin as a state file does.
    #[error("it does not begin as a state file does")]
    Magic,
    /// The checksum does not match.
    #[error("its checksum does not match its bytes")]
    Checksum,
    /// Written by a newer version.
    #[error("its format {0} is newer than this version's {VERSION}")]
    Newer(u32),
}

impl Generation {
    /// The file of a state.
    pub fn to_bytes(number: u64, state: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER_BYTES + state.len());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.extend_from_slice(&(state.len() as u64).to_le_bytes());
        let digest = digest(&bytes, state);
        bytes.extend_from_slice(&digest.0);
        bytes.extend_from_slice(state);
        bytes
    }

    /// Reads a file; only one that is whole.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damage> {
        let short = |wanted| Damage::Short { found: bytes.len(), wanted };
        if !bytes.starts_with(&MAGIC[..bytes.len().min(MAGIC.len())]) {
            return Err(Damage::Magic);
        }
        let (header, state) = bytes.split_at_checked(HEADER_BYTES).ok_or(short(HEADER_BYTES as u64))?;
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(word)
        };
        let version = (word(8) & u64::from(u32::MAX)) as u32;
        if version > VERSION {
            return Err(Damage::Newer(version));
        }
        let length = word(20);
        match (state.len() as u64).cmp(&length) {
            core::cmp::Ordering::Less => return Err(short(length.saturating_add(HEADER_BYTES as u64))),
            core::cmp::Ordering::Greater => return Err(Damage::Long),
            core::cmp::Ordering::Equal => {}
        }
        if digest(&header[..DIGEST_AT], state).0 != header[DIGEST_AT..] {
            return Err(Damage::Checksum);
        }
        Ok(Self { number: word(12), state: state.to_vec() })
    }
}

fn digest(head: &[u8], state: &[u8]) -> Sha256 {
    Sha256::of([head, state].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let bytes = Generation::to_bytes(7, b"{}");
        assert_eq!(Generation::from_bytes(&bytes), Ok(Generation { number: 7, state: b"{}".to_vec() }));
    }

    #[test]
    fn every_cut_and_every_changed_bit_is_noticed() {
        let bytes = Generation::to_bytes(7, br#"{"registration":"none"}"#);
        for cut in 0..bytes.len() {
            assert!(Generation::from_bytes(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for at in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[at / 8] ^= 1 << (at % 8);
            assert!(Generation::from_bytes(&changed).is_err(), "bit {at}");
        }
        assert_eq!(Generation::from_bytes(&[bytes, vec![0]].concat()), Err(Damage::Long));
    }
}
