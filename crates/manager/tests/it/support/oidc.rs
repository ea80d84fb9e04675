//! A real OpenID provider (`oidc-provider` of the npm registry) on loopback over TLS.

use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use tempfile::TempDir;

/// A running provider. Ends when dropped.
pub(crate) struct OpenIdProvider {
    child: Child,
    input: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    dir: TempDir,
    /// `https://127.0.0.1:PORT`
    pub(crate) issuer: String,
}

impl OpenIdProvider {
    pub(crate) fn start() -> Self {
        let web = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/web");
        assert!(
            web.join("node_modules/oidc-provider").exists(),
            "tests/web/node_modules is missing: run `npm ci` in tests/web"
        );
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (dir.path().join("provider.pem"), dir.path().join("provider.key"));
        std::fs::write(&certificate, made.cert.pem()).unwrap();
        std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
        let mut child = Command::new("node")
            .arg("provider.mjs")
            .args([&certificate, &key])
            .current_dir(web)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node is in PATH");
        let input = child.stdin.take();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let issuer = loop {
            let line = lines.next().expect("the provider says where it listens").unwrap();
            if let Some(issuer) = line.strip_prefix("issuer ") {
                break issuer.to_owned();
            }
        };
        Self { child, input, lines, dir, issuer }
    }

    /// The certificate that its TLS certificate chains to.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.dir.path().join("provider.pem")
    }

    /// A file with the manager's secret at the provider.
    pub(crate) fn secret_file(&self) -> PathBuf {
        let path = self.dir.path().join("secret");
        std::fs::write(&path, "a secret: 100%\n").unwrap();
        path
    }

    /// Lets it serve the manager at this address.
    pub(crate) fn serve(&mut self, manager: &str) {
        let input = self.input.as_mut().unwrap();
        writeln!(input, "{manager}/sign-in/oidc/callback").unwrap();
        assert!(self.lines.any(|line| line.unwrap() == "ready"));
    }
}

impl Drop for OpenIdProvider {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
