//! What the machine can do at most: signatures of one core, durable writes of its disk.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use seatpool_crypto::{P256Key, P256Verifier};
use seatpool_proto::{Algorithm, Signer as _, Verifier as _};

use super::clock::time;
use super::table::Table;

/// Rounds of each limit.
const ROUNDS: u32 = 500;

/// Per second, on one core or one disk.
pub(super) struct Limits {
    /// P-256 verifications of one core.
    pub(super) verifications: f64,
    /// What one report costs at least, on one core: the request's signature and its certificate's two
    /// (leaf and issuing) verified, the answer signed.
    pub(super) signed_answers: f64,
    /// Writes of 4 KiB, each made durable.
    pub(super) durable_writes: f64,
}

/// Measures the limits in `folder`.
pub(super) fn measure(folder: &Path) -> anyhow::Result<Limits> {
    let key = P256Key::generate()?;
    let message = [7; 900];
    let signature = key.sign(&message)?;
    let verify = || P256Verifier.verify(&Algorithm::EcdsaP256Sha256, key.public_key(), &message, &signature);
    let (verified, all) = time(|| (0..ROUNDS).all(|_| verify().is_ok()));
    anyhow::ensure!(all, "a signature verifies");
    let (answered, all) =
        time(|| (0..ROUNDS).all(|_| (0..3).all(|_| verify().is_ok()) && key.sign(&message).is_ok()));
    anyhow::ensure!(all, "a signature verifies and is made");
    let path = folder.join("durable");
    let mut file =
        std::fs::File::create(&path).with_context(|| format!("{} can't be made", path.display()))?;
    let (written, result) = time(|| {
        (0..ROUNDS).try_for_each(|_| {
            file.write_all(&[0; 4096])?;
            file.sync_data()
        })
    });
    result?;
    let rate = |span: core::time::Duration| f64::from(ROUNDS) / span.as_secs_f64();
    Ok(Limits {
        verifications: rate(verified),
        signed_answers: rate(answered),
        durable_writes: rate(written),
    })
}

impl Limits {
    pub(super) fn print(&self, table: &mut Table) {
        table.limit("limit: P-256 verifications, one core", format!("{:.0}/s", self.verifications));
        table.limit(
            "limit: three verifications and a signature, one core",
            format!("{:.0}/s", self.signed_answers),
        );
        table.limit("limit: durable writes of 4 KiB", format!("{:.0}/s", self.durable_writes));
    }
}
