//! Who this installation is: the UDI, with defaults that stay the same across restarts.

use std::path::Path;

use anyhow::{Context as _, bail};
use seatpool_agent::State;
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

/// The UDI of the configuration. What it leaves out is taken from the stored state; for a new installation the
/// product id is `default_pid` and the serial number is drawn, and both are kept in the state directory, so
/// that neither changes with the profile. The UUID comes from the machine's id. So two agents on one machine
/// differ in their serial numbers, and a state directory that was copied to another machine finds another
/// UUID there.
///
/// Refused when the configuration gives another product id or serial number than a registration on this
/// machine has: starting with it would lose the registration.
pub fn udi(
    config: &Config,
    default_pid: &str,
    dir: &StateDir,
    stored: Option<&State>,
) -> anyhow::Result<Udi> {
    let uuid = config.udi_uuid.clone().or_else(|| machine_uuid(Path::new(MACHINE_ID)));
    let ours = stored.filter(|state| state.udi.uuid == uuid);
    let pid = match (&config.udi_pid, ours) {
        (Some(pid), _) => pid.clone(),
        (None, Some(state)) => state.udi.pid.clone(),
        (None, None) => kept(&dir.path().join("pid"), "product id", || default_pid.to_owned())?,
    };
    let sn = match (&config.udi_sn, ours) {
        (Some(sn), _) => sn.clone(),
        (None, Some(state)) => state.udi.sn.clone(),
        (None, None) => kept(&dir.path().join("serial"), "serial number", draw)?,
    };
    let udi = Udi::new(pid, sn, uuid).context("the UDI")?;
    match ours {
        Some(state) if state.udi != udi && state.is_bound() => bail!(
            "the agent in {} is registered as {}, and the configuration makes it {udi}: set udi_pid to {:?} \
            and udi_sn to {:?}, or leave both out; to change them, start with the former ones, run \
            `license smart deregister` (or `license smart factory reset`), and start with the new ones",
            dir.path().display(),
            state.udi,
            state.udi.pid,
            state.udi.sn,
        ),
        _ => Ok(udi),
    }
}

/// This machine's name, as the kernel has it.
pub fn host_name() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    let name = name.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn draw() -> String {
    random_bytes::<SERIAL_CHARS>()
        .iter()
        .map(|byte| char::from(SERIAL_ALPHABET[usize::from(byte % 32)]))
        .collect()
}

/// What `file` holds, or what is made now and stored there.
fn kept(file: &Path, what: &str, make: impl FnOnce() -> String) -> anyhow::Result<String> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(text.trim().to_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let text = make();
            replace_file(file, text.as_bytes(), 0o600)
                .with_context(|| format!("the {what} can't be stored in {}", file.display()))?;
            Ok(text)
        }
        Err(error) => Err(error).with_context(|| format!("the {what} in {} can't be read", file.display())),
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
        let serial = |file: &Path| kept(file, "serial number", draw).unwrap();
        let drawn = serial(&file);
        assert_eq!(drawn.len(), SERIAL_CHARS);
        assert_eq!(serial(&file), drawn);
        assert_ne!(serial(&home.path().join("other")), drawn);
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
