//! Putting a state aside that is not this machine's, so that nothing of it is lost.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{DiskError, SLOTS, StateDir, io_error, replace_file};

/// The name of the copy; further ones are numbered from 2.
const NAME: &str = "state.foreign";
/// What a state directory holds besides its state and keys that makes it the agent that it is.
const IDENTITY: [&str; 2] = ["serial", "pid"];

impl StateDir {
    /// Copies the state, its keys and its identity to `state.foreign` in this directory, whole or not at all.
    /// The copy can be used as a `state_dir` of its own.
    pub fn set_aside(&self) -> Result<PathBuf, DiskError> {
        let made = self.path().join("state.foreign.new");
        let aside = free_name(self.path());
        copy(self.path(), &made).and_then(|()| std::fs::rename(&made, &aside)).map_err(io_error(
            &aside,
            "free space or mend the disk: the other machine's state is kept there",
        ))?;
        Ok(aside)
    }
}

fn free_name(directory: &Path) -> PathBuf {
    let first = directory.join(NAME);
    if !first.exists() {
        return first;
    }
    let mut number = 2_u32;
    loop {
        let path = directory.join(format!("{NAME}.{number}"));
        if !path.exists() {
            return path;
        }
        number += 1;
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    // Left over from a copy that was interrupted.
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    DirBuilder::new().recursive(true).mode(0o700).create(to.join("keys"))?;
    for name in SLOTS.into_iter().chain(IDENTITY) {
        if from.join(name).exists() {
            copy_file(&from.join(name), &to.join(name))?;
        }
    }
    for entry in std::fs::read_dir(from.join("keys"))? {
        let entry = entry?;
        copy_file(&entry.path(), &to.join("keys").join(entry.file_name()))?;
    }
    Ok(())
}

fn copy_file(from: &Path, to: &Path) -> io::Result<()> {
    let bytes = Zeroizing::new(std::fs::read(from)?);
    replace_file(to, &bytes, 0o600)
}
