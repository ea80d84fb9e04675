//! The agent's directory: its lock, its state in two generations, its private keys and its serial number.
//!
//! Everything is written to a temporary file, synced, renamed, and the directory synced, so that a
//! process that is killed at any instant leaves either the old file or the new one. The directory is
//! readable by its owner only.

mod aside;
mod atomic;
mod generation;
mod keys;

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

pub use atomic::replace_file;
pub use generation::{Damage, Generation};
pub use keys::{KeyError, Keys};

/// The two files that generations alternate between.
const SLOTS: [&str; 2] = ["state.0", "state.1"];

/// Why a directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// A file or directory could not be made, read or written.
    #[error("{path}: {source}; {action}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
        /// What to do.
        action: &'static str,
    },
    /// Others may read or change the directory.
    #[error(
        "{path} is open to others than its owner (mode {mode:o}), and it holds private keys: chmod 700 {path}"
    )]
    Open {
        /// The directory.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Another agent runs in the directory.
    #[error(
        "another seatpool-agentd (process {holder}) is using {path}: stop it, or give this one a state_dir of its own"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// Its process id, as it wrote it.
        holder: String,
    },
    /// No generation is whole.
    #[error(
        "the agent's state in {path} is damaged, and no whole generation is left ({damage}): restore the directory from a backup; or, to begin anew, move state.0 and state.1 away, start, and register again with force"
    )]
    Damaged {
        /// The directory.
        path: PathBuf,
        /// Both files with what is wrong with them.
        damage: String,
    },
    /// Written by a newer version.
    #[error("the agent's state in {path} was written by a newer version ({damage}): start that version")]
    Newer {
        /// The directory.
        path: PathBuf,
        /// Which file, which format.
        damage: String,
    },
}

/// An agent's directory, held by this process until it is dropped.
#[derive(Debug)]
pub struct StateDir {
    path: PathBuf,
    generation: u64,
    _lock: File,
}

/// What was found in a directory.
#[derive(Debug)]
pub struct Found {
    /// The newest whole state, if there is any.
    pub state: Option<Vec<u8>>,
    /// What was wrong with a newer generation, where an older one had to be used.
    pub fallback: Option<String>,
}

impl StateDir {
    /// Opens the directory (made with mode 0700 if it is missing), takes its lock and reads the state.
    pub fn open(path: &Path) -> Result<(Self, Found), DiskError> {
        make_directory(path)?;
        let lock = lock(path)?;
        let mut whole: Option<Generation> = None;
        let mut damaged = Vec::new();
        let mut missing = 0;
        for slot in SLOTS {
            let file = path.join(slot);
            let bytes = match std::fs::read(&file) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    missing += 1;
                    continue;
                }
                Err(error) => return Err(io_error(&file, "check its owner and mode")(error)),
            };
            match Generation::from_bytes(&bytes) {
                Ok(found) if whole.as_ref().is_none_or(|best| best.number < found.number) => {
                    whole = Some(found);
                }
                Ok(_) => {}
                Err(damage @ Damage::Newer(_)) => {
                    let damage = format!("{slot}: {damage}");
                    return Err(DiskError::Newer { path: path.to_owned(), damage });
                }
                Err(damage) => damaged.push(format!("{slot}: {damage}")),
            }
        }
        if whole.is_none() && !damaged.is_empty() {
            return Err(DiskError::Damaged { path: path.to_owned(), damage: damaged.join("; ") });
        }
        // From the second store on there are two files; one that is gone may have been the newer.
        if missing == 1 && damaged.is_empty() && whole.as_ref().is_some_and(|w| w.number > 1) {
            damaged.push("one of state.0 and state.1 is missing".into());
        }
        let generation = whole.as_ref().map_or(0, |whole| whole.number);
        let found = Found {
            state: whole.map(|whole| whole.state),
            fallback: (!damaged.is_empty()).then(|| damaged.join("; ")),
        };
        Ok((Self { path: path.to_owned(), generation, _lock: lock }, found))
    }

    /// The directory.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores `state` as the next generation; durable when it returns. It replaces the older of the two,
    /// so that the newest whole one stays until this one is.
    pub fn store(&mut self, state: &[u8]) -> Result<(), DiskError> {
        let number = self.generation + 1;
        let file = self.path.join(SLOTS[(number % 2) as usize]);
        replace_file(&file, &Generation::to_bytes(number, state), 0o600)
            .map_err(io_error(&file, "free space or mend the disk; it is tried again by itself"))?;
        self.generation = number;
        Ok(())
    }

    /// Stores `state` in both files; durable when it returns. Whichever of the two is lost then, the other says the
    /// same: for what must not be undone by falling back to the generation before.
    pub fn store_in_both(&mut self, state: &[u8]) -> Result<(), DiskError> {
        self.store(state)?;
        self.store(state)
    }
}

fn make_directory(path: &Path) -> Result<(), DiskError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(io_error(path, "make the directory, or choose another state_dir"))?;
    let mode =
        std::fs::metadata(path).map_err(io_error(path, "check its owner and mode"))?.permissions().mode()
            & 0o777;
    let others = mode & 0o077;
    if others == 0 { Ok(()) } else { Err(DiskError::Open { path: path.to_owned(), mode }) }
}

fn lock(path: &Path) -> Result<File, DiskError> {
    let file = path.join("lock");
    let action = "check its owner and mode";
    let mut lock = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&file)
        .map_err(io_error(&file, action))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let holder = std::fs::read_to_string(&file).unwrap_or_default();
            let holder = if holder.trim().is_empty() { "unknown" } else { holder.trim() };
            return Err(DiskError::InUse { path: path.to_owned(), holder: holder.to_owned() });
        }
        Err(std::fs::TryLockError::Error(error)) => return Err(io_error(&file, action)(error)),
    }
    // The id is for people; the lock itself ends with the process.
    use std::io::Write as _;
    lock.set_len(0)
        .and_then(|()| writeln!(lock, "{}", std::process::id()))
        .map_err(io_error(&file, "free space or mend the disk"))?;
    Ok(lock)
}

pub(crate) fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> DiskError {
    let path = path.to_owned();
    move |source| DiskError::Io { path, source, action }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generation(found: &Found) -> Option<&str> {
        found.state.as_deref().map(|bytes| core::str::from_utf8(bytes).unwrap())
    }

    #[test]
    fn the_newest_whole_generation_is_used_and_an_older_one_is_said() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent");
        let (mut dir, found) = StateDir::open(&path).unwrap();
        assert_eq!((found.state, found.fallback), (None, None));
        dir.store(b"one").unwrap();
        dir.store(b"two").unwrap();
        dir.store(b"three").unwrap();
        drop(dir);
        let (dir, found) = StateDir::open(&path).unwrap();
        assert_eq!((generation(&found), &found.fallback), (Some("three"), &None));
        drop(dir);
        std::fs::write(path.join(SLOTS[1]), b"SPAGENT\nnonsense").unwrap();
        let (mut dir, found) = StateDir::open(&path).unwrap();
        assert_eq!(generation(&found), Some("two"));
        assert!(found.fallback.unwrap().contains("state.1: it is cut short"));
        // The damaged file is the next to be replaced, never the whole one.
        dir.store(b"four").unwrap();
        drop(dir);
        let (_dir, found) = StateDir::open(&path).unwrap();
        assert_eq!((generation(&found), found.fallback.as_deref()), (Some("four"), None));
    }

    #[test]
    fn what_is_stored_in_both_is_found_whichever_is_lost() {
        for slot in SLOTS {
            for stored in 0..3 {
                let home = tempfile::tempdir().unwrap();
                let path = home.path().join("agent");
                let (mut dir, _) = StateDir::open(&path).unwrap();
                for _ in 0..stored {
                    dir.store(b"before").unwrap();
                }
                dir.store_in_both(b"after").unwrap();
                drop(dir);
                std::fs::remove_file(path.join(slot)).unwrap();
                let (_dir, found) = StateDir::open(&path).unwrap();
                assert_eq!(generation(&found), Some("after"), "{slot} was lost, {stored} were stored before");
            }
        }
    }

    #[test]
    fn nothing_whole_is_refused_with_what_to_do() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent");
        let (mut dir, _) = StateDir::open(&path).unwrap();
        dir.store(b"one").unwrap();
        dir.store(b"two").unwrap();
        drop(dir);
        for slot in SLOTS {
            std::fs::write(path.join(slot), b"").unwrap();
        }
        let error = StateDir::open(&path).unwrap_err().to_string();
        assert!(error.contains("restore the directory from a backup"), "{error}");
        assert!(error.contains("state.0") && error.contains("state.1"), "{error}");
    }

    #[test]
    fn a_lost_newer_file_is_said() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent");
        let (mut dir, _) = StateDir::open(&path).unwrap();
        dir.store(b"one").unwrap();
        drop(dir);
        let (mut dir, found) = StateDir::open(&path).unwrap();
        assert_eq!(found.fallback, None);
        dir.store(b"two").unwrap();
        dir.store(b"three").unwrap();
        drop(dir);
        std::fs::remove_file(path.join(SLOTS[1])).unwrap();
        let (_dir, found) = StateDir::open(&path).unwrap();
        assert_eq!(generation(&found), Some("two"));
        assert!(found.fallback.unwrap().contains("missing"));
    }

    #[test]
    fn a_directory_open_to_others_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("agent");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        assert!(matches!(StateDir::open(&path), Err(DiskError::Open { mode: 0o755, .. })));
    }
}
