//! An agent on a thread of the test, and a contact centre as a process beside it.

use core::time::Duration;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use clap::Parser as _;
use seatpool_agent::Profile;
use seatpool_agentd::api::Api;
use seatpool_agentd::config::{Config, Flags};
use seatpool_agentd::runtime;
use seatpool_crypto::P256Key;
use seatpool_proto::certificate::DEMONSTRATION_UNIT;
use seatpool_proto::code::{AuthorizationCode, Entitlement, Grant, RequestCode};
use seatpool_proto::{ProductInstanceId, Quantity};
use serde_json::Value;
use tempfile::TempDir;

/// Longest that a test waits for something that should come soon, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// An agent of `unified-ccx`, unregistered, and its folder.
pub(crate) struct Place {
    folder: TempDir,
    root: rcgen::CertificateParams,
    root_key: rcgen::KeyPair,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self::start(&[], None)
    }

    /// The evaluation is over after one day, and a day takes less than a second.
    pub(crate) fn soon_restricted() -> Self {
        let now = seatpool_agentd::clock::Clock::real().now();
        let (_, text) = Profile::SHIPPED.iter().find(|(name, _)| *name == "unified-ccx").unwrap();
        let text = text.replacen("days = 90", "days = 1", 1);
        assert_eq!(Profile::from_toml(&text).unwrap().evaluation.days, 1);
        Self::start(&["--time-lapse".into(), format!("100000@{now}")], Some(text))
    }

    /// The profile restricts `feature` alone.
    pub(crate) fn restricting(feature: &str) -> Self {
        let (_, text) = Profile::SHIPPED.iter().find(|(name, _)| *name == "unified-ccx").unwrap();
        let text = text.replacen("[\"user-sync\"]", &format!("[{feature:?}]"), 1);
        assert_eq!(Profile::from_toml(&text).unwrap().enforcement.blocked, [feature]);
        Self::start(&[], Some(text))
    }

    fn start(more: &[String], profile: Option<String>) -> Self {
        let (root, root_key) = root();
        let place = Self { folder: tempfile::tempdir().unwrap(), root, root_key };
        let pem = place.root.self_signed(&place.root_key).unwrap().pem();
        std::fs::write(place.path("root.pem"), pem).unwrap();
        let profile = profile.map_or_else(
            || "unified-ccx".to_owned(),
            |text| {
                let file = place.path("profile.toml");
                std::fs::write(&file, text).unwrap();
                file.display().to_string()
            },
        );
        let mut words: Vec<String> = vec!["agent".into(), "--profile".into(), profile];
        for (flag, file) in [("--state-dir", "state"), ("--socket", "s"), ("--trust-anchor", "root.pem")] {
            words.extend([flag.into(), place.path(file).display().to_string()]);
        }
        words.extend_from_slice(more);
        let config = Config::load(Flags::try_parse_from(words).unwrap()).unwrap();
        let (ready, started) = channel();
        // Ends with the test's process.
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (handle, turns) = runtime::start(config).unwrap();
                let api = Api::open(handle).await.unwrap();
                ready.send(()).unwrap();
                tokio::join!(api.serve(), turns.run())
            });
        });
        started.recv_timeout(PATIENCE).unwrap();
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The authorization code of a manager under this place's root, for so many of each licence.
    pub(crate) fn authorization(
        &self,
        request: &RequestCode,
        sequence: u64,
        licenses: &[(&str, u64)],
    ) -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.key_usages =
            vec![rcgen::KeyUsagePurpose::DigitalSignature, rcgen::KeyUsagePurpose::KeyAgreement];
        let document_signing = rcgen::ExtendedKeyUsagePurpose::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]);
        params.extended_key_usages = vec![document_signing];
        let issuer = rcgen::Issuer::from_params(&self.root, &self.root_key);
        let leaf = params.signed_by(&key, &issuer).unwrap().der().to_vec();
        let entitlement = |(tag, count): &(&str, u64)| Entitlement {
            tag: tag.parse().unwrap(),
            count: Quantity::of(*count),
            start: None,
            end: None,
            license_type: "PERPETUAL".to_owned(),
            display_name: (*tag).to_owned(),
            tag_description: String::new(),
            subscription_id: String::new(),
        };
        let grant = Grant {
            kind: request.kind,
            product_instance_id: ProductInstanceId(uuid::Uuid::from_u128(1)),
            sequence,
            entitlements: licenses.iter().map(entitlement).collect(),
        };
        let signer = P256Key::from_pkcs8(&key.serialize_der()).unwrap();
        AuthorizationCode::issue(grant, request.udi.clone(), request.digest(), &signer, vec![leaf])
            .unwrap()
            .to_text()
    }

    /// Opens a contact centre.
    pub(crate) fn open(&self, flags: &[&str]) -> Centre {
        let mut child = Command::new(env!("CARGO_BIN_EXE_contact-centre"))
            .arg("--agent")
            .arg(self.path("s"))
            .arg("--json")
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(serde_json::from_str(&line).unwrap()).is_err() {
                    return;
                }
            }
        });
        Centre { child, input, lines }
    }
}

fn root() -> (rcgen::CertificateParams, rcgen::KeyPair) {
    let mut params = rcgen::CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params.distinguished_name.push(rcgen::DnType::OrganizationalUnitName, DEMONSTRATION_UNIT);
    (params, rcgen::KeyPair::generate().unwrap())
}

/// A contact centre, ended with the test.
pub(crate) struct Centre {
    child: Child,
    input: Option<ChildStdin>,
    lines: Receiver<Value>,
}

impl Centre {
    /// Says a line, and returns what was done.
    pub(crate) fn say(&mut self, line: &str) -> Value {
        writeln!(self.input.as_mut().unwrap(), "{line}").unwrap();
        self.until(|value| value.get("agent").is_none())
    }

    /// Waits for an event of the agent that is passed on.
    pub(crate) fn hear(&self, code: &str) -> Value {
        self.until(|value| value["agent"]["code"] == code)
    }

    pub(crate) fn until(&self, is_it: impl Fn(&Value) -> bool) -> Value {
        loop {
            let value = self.lines.recv_timeout(PATIENCE).unwrap();
            if is_it(&value) {
                return value;
            }
        }
    }

    /// Nobody says anything any more.
    pub(crate) fn leave(&mut self) {
        self.input = None;
    }

    pub(crate) fn ended_well(&mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Centre {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
