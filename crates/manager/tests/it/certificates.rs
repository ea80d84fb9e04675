//! What the manager issues follows the profile, in the eyes of an independent linter.

use std::path::Path;
use std::process::Command;

use crate::support::{Agent, World};

#[tokio::test]
async fn a_linter_finds_no_error_in_any_certificate() {
    let world = World::new().await;
    let token = world.token().await;
    let manager = world.start();
    let mut agent = Agent::new("SN1");
    agent.register(&manager, &token.text).await;
    let issued = tempfile::tempdir().unwrap();
    let id = issued.path().join("id.der");
    std::fs::write(&id, &agent.certificates[0]).unwrap();
    let certificates = world.data_dir().join("certificates");
    let mut files = vec![id];
    files.extend(
        ["vendor-root.pem", "issuing.pem", "signing.pem", "tls.pem"].map(|file| certificates.join(file)),
    );
    // At once: the linter takes seconds to start.
    std::thread::scope(|scope| {
        for file in &files {
            scope.spawn(|| lint(file));
        }
    });
}

/// pkilint (PKIX profile) reports no error.
fn lint(certificate: &Path) {
    if std::env::var_os("SEATPOOL_TEST_WITHOUT_PKILINT").is_some() {
        eprintln!("skipped: SEATPOOL_TEST_WITHOUT_PKILINT is set");
        return;
    }
    let output = Command::new("lint_pkix_cert")
        .args(["lint", "--severity", "ERROR"])
        .arg(certificate)
        .output()
        .expect("pkilint (PyPI) is in PATH, or SEATPOOL_TEST_WITHOUT_PKILINT=1 is set");
    let findings = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{}: {findings}{}",
        certificate.display(),
        String::from_utf8_lossy(&output.stderr)
    );
}
