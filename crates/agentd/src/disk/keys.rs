//! The agent's private keys: made here, kept in files that only their owner can read, never sent.

use std::collections::HashMap;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use seatpool_crypto::P256Key;
use zeroize::Zeroizing;

use super::{StateDir, replace_file};

/// A key that can't be made or used.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// Its file could not be written, read or removed.
    #[error(
        "the key file {path} can't be used: {source}; check its owner, its mode and the disk's free space"
    )]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Its bytes are no key.
    #[error(
        "the key file {path} is damaged ({reason}): restore it from a backup, or register again with force"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

/// The keys of one agent's directory, by id.
#[derive(Debug)]
pub struct Keys {
    directory: PathBuf,
    read: HashMap<String, Arc<P256Key>>,
}

impl Keys {
    /// The keys of a directory; their own directory is made with mode 0700.
    pub fn open(state: &StateDir) -> Result<Self, KeyError> {
        let directory = state.path().join("keys");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&directory)
            .map_err(|source| KeyError::Io { path: directory.clone(), source })?;
        Ok(Self { directory, read: HashMap::new() })
    }

    /// Makes a key and stores it under `id`; durable when it returns.
    pub fn generate(&mut self, id: &str) -> Result<Arc<P256Key>, KeyError> {
        let path = self.file(id);
        let damaged = |reason: String| KeyError::Damaged { path: path.clone(), reason };
        let key = P256Key::generate().map_err(|error| damaged(error.to_string()))?;
        replace_file(&path, &key.to_pkcs8(), 0o600)
            .map_err(|source| KeyError::Io { path: path.clone(), source })?;
        let key = Arc::new(key);
        self.read.insert(id.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    /// The key under `id`.
    pub fn key(&mut self, id: &str) -> Result<Arc<P256Key>, KeyError> {
        if let Some(key) = self.read.get(id) {
            return Ok(Arc::clone(key));
        }
        let path = self.file(id);
        let bytes = std::fs::read(&path)
            .map(Zeroizing::new)
            .map_err(|source| KeyError::Io { path: path.clone(), source })?;
        let key = P256Key::from_pkcs8(&bytes)
            .map(Arc::new)
            .map_err(|error| KeyError::Damaged { path, reason: error.to_string() })?;
        self.read.insert(id.to_owned(), Arc::clone(&key));
        Ok(key)
    }

    /// Removes every key whose id is not in `kept`: those that no state refers to any more.
    pub fn keep_only(&mut self, kept: &[String]) -> Result<(), KeyError> {
        let wrap = |path: PathBuf| move |source| KeyError::Io { path, source };
        for entry in std::fs::read_dir(&self.directory).map_err(wrap(self.directory.clone()))? {
            let path = entry.map_err(wrap(self.directory.clone()))?.path();
            let id = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
            if !kept.iter().any(|keep| keep == id) {
                std::fs::remove_file(&path).map_err(wrap(path.clone()))?;
                self.read.remove(id);
            }
        }
        Ok(())
    }

    /// Ids are made by this process or come from its own checked state; still, none leaves the directory.
    fn file(&self, id: &str) -> PathBuf {
        let safe: String = id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
        self.directory.join(format!("{safe}.p8"))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use seatpool_proto::Signer as _;

    use super::*;

    #[test]
    fn a_key_is_its_owners_alone_and_the_same_after_a_restart() {
        let home = tempfile::tempdir().unwrap();
        let (state, _) = StateDir::open(&home.path().join("agent")).unwrap();
        let made = Keys::open(&state).unwrap().generate("k1").unwrap();
        let mode = |path: PathBuf| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(state.path().join("keys")), 0o700);
        assert_eq!(mode(state.path().join("keys/k1.p8")), 0o600);
        let mut keys = Keys::open(&state).unwrap();
        assert_eq!(keys.key("k1").unwrap().public_key(), made.public_key());
        keys.generate("k2").unwrap();
        keys.keep_only(&["k2".into()]).unwrap();
        assert!(matches!(keys.key("k1"), Err(KeyError::Io { .. })));
        assert!(keys.key("k2").is_ok());
        assert!(matches!(keys.key("../../lock"), Err(KeyError::Io { .. })));
    }
}
