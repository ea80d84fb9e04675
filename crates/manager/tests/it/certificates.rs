//! What the manager issues follows the profile, in the eyes of an independent linter.

use std::path::Path;
use std::process::Command;

use seatpool_crypto::Purpose;
use seatpool_manager::App;

use crate::support::manager::{in_days, pem_certificate};
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
    // The linter takes one certificate at a time.
    let tls = issued.path().join("tls.der");
    let chain = std::fs::read(certificates.join("tls.pem")).unwrap();
    std::fs::write(&tls, pem_certificate(&chain)).unwrap();
    let mut files = vec![id, tls];
    files.extend(
        ["vendor-root.pem", "issuing.pem", "signing.pem", "reservation.pem"]
            .map(|file| certificates.join(file)),
    );
    // At once: the linter takes seconds to start.
    std::thread::scope(|scope| {
        for file in &files {
            scope.spawn(|| lint(file));
        }
    });
}

#[tokio::test]
async fn the_managers_own_certificates_are_renewed_in_their_last_third() {
    let world = World::new().await;
    let read = |file: &str| std::fs::read(world.data_dir().join("certificates").join(file)).unwrap();
    let all = || ["vendor-root.pem", "issuing.pem", "signing.pem", "tls.pem"].map(read);
    let first = all();
    world.offline(in_days(200), async |_: App| ()).await;
    assert_eq!(all(), first, "none is in its last third");

    world.offline(in_days(270), async |_: App| ()).await;
    let second = all();
    assert_eq!(second[..3], first[..3]);
    assert_ne!(second[3], first[3], "TLS: two thirds of 397 days are over");
    world.offline(in_days(270), async |_: App| ()).await;
    assert_eq!(all(), second, "once");

    world
        .offline(in_days(4 * 365), async |app: App| {
            let third = all();
            assert_eq!(third[0], first[0]);
            assert!((1..4).all(|i| third[i] != second[i]));
            // What was issued under the older issuing certificate and what is under the new one both stand.
            let anchors = app.ca().anchors();
            let signed = app.ca().sign_response("{}".into()).unwrap();
            anchors.verify(&signed.signature.certificates, Purpose::Manager, app.now()).unwrap();
        })
        .await;
    // By the machine's clock, too: a peer that knows nothing of the future accepts it.
    let manager = world.start();
    assert_eq!(manager.get(&manager.url, "/healthz").await.0, 200);
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
