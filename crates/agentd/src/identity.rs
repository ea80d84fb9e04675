//! Who this installation is: the UDI, with defaults that stay the same across restarts.

use std::path::Path;

use anyhow::Context as _;
use seatpool_crypto::random_bytes;
use seatpool_proto::{Sha256, Udi};
use uuid::Uuid;

use crate::config::Config;
use crate::disk::{StateDir, replace_file};

/// The machine's id, made at installation (machine-id(5)).
const MACHINE_ID: &str = "/etc/machine-id";
/// Characters of a serial number: no vowels and none that look alike.
const SERIAL_ALPHABET: &[u8; 32] = b"0123456789BCDFGHJKLMNPQRSTVWXYZA";
const SERIAL_CHARS: usize = 11;

/// The UDI of the configuration, with `default_pid`, a serial number that was drawn once, and a UUID from
/// the machine's id where it leaves them out. So two agents on one machine differ in their serial numbers,
/// and a state directory that was copied to another machine finds another UUID there.
pub fn udi(config: &Config, default_pid: &str, state: &StateDir) -> anyhow::Result<Udi> {
    let pid = config.udi_pid.clone().unwrap_or_else(|| default_pid.to_owned());
    let sn = match &config.udi_sn {
        Some(sn) => sn.clone(),
        None => serial(&state.path().join("serial"))?,
    };
    let uuid = config.udi_uuid.clone().or_else(|| machine_uuid(Path::new(MACHINE_ID)));
    Udi::new(pid, sn, uuid).context("the UDI")
}

/// This machine's name, as the kernel has it.
pub fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn serial(file: &Path) -> anyhow::Result<String> {
    match std::fs::read_to_string(file) {
        Ok(serial) => Ok(serial.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let serial: String = random_bytes::<SERIAL_CHARS>()
                .iter()
                .map(|byte| char::from(SERIAL_ALPHABET[usize::from(byte % 32)]))
                .collect();
            replace_file(file, serial.as_bytes(), 0o600)
                .with_context(|| format!("the serial number can't be stored in {}", file.display()))?;
            Ok(serial)
        }
        Err(error) => {
            Err(error).with_context(|| format!("the serial number in {} can't be read", file.display()))
        }
    }
}

/// A UUID (version 8, RFC 9562) from the machine's id, which itself is not to be shown to others.
fn machine_uuid(file: &Path) -> Option<String> {
    let id = std::fs::read_to_string(file).ok()?;
    let id = id.trim();
    if id.is_empty() {
        return None;
    }
    let digest = Sha256::of(format!("seatpool-agentd udi\n{id}"));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.0[..16]);
    Some(uuid::Builder::from_custom_bytes(bytes).into_uuid()).map(|uuid: Uuid| uuid.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_is_drawn_once() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("serial");
        let drawn = serial(&file).unwrap();
        assert_eq!(drawn.len(), SERIAL_CHARS);
        assert_eq!(serial(&file).unwrap(), drawn);
        assert_ne!(serial(&home.path().join("other")).unwrap(), drawn);
    }

    #[test]
    fn the_uuid_follows_the_machine_and_does_not_show_its_id() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("machine-id");
        assert_eq!(machine_uuid(&file), None);
        std::fs::write(&file, "0123456789abcdef0123456789abcdef\n").unwrap();
        let first = machine_uuid(&file).unwrap();
        assert!(!first.replace('-', "").contains("0123456789abcdef"));
        std::fs::write(&file, "1123456789abcdef0123456789abcdef\n").unwrap();
        assert_ne!(machine_uuid(&file).unwrap(), first);
    }
}
