//! The manager as a process, and its data directory between runs.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use seatpool_domain::command::{Action, CoTermination, OrderLine};
use seatpool_domain::{Actor, Catalogue, Outcome, Policy};
use seatpool_manager::app::{App, Parts};
use seatpool_manager::ca::Ca;
use seatpool_manager::clock::Clock;
use seatpool_manager::config::{Config, ConfigArgs, Loaded, Purpose};
use seatpool_proto::{AccountId, LotKind, Quantity, Term, TimeLapse, VirtualAccountId};
use seatpool_store::{Store, StoreError};
use tempfile::TempDir;

use super::{TAG, TestToken, now};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_seatpool");

/// A data directory that `seatpool init` made.
pub(crate) struct World {
    dir: TempDir,
    pub(crate) account: AccountId,
    pub(crate) default: VirtualAccountId,
}

/// The binary with nothing of our own environment that would configure it.
pub(crate) fn seatpool() -> Command {
    let mut command = Command::new(BINARY);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("SEATPOOL_")) {
        command.env_remove(name);
    }
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `seatpool init` into `dir` with what every test needs.
pub(crate) fn init(dir: &Path, more: &[&str]) -> Output {
    let password = dir.with_extension("password");
    std::fs::write(&password, "correct horse battery\n").unwrap();
    seatpool()
        .args(["init", "--account-domain", "example.com", "--account-name", "Example"])
        .args(["--name", "127.0.0.1", "--name", "manager.example.com"])
        .args(["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"])
        .args(["--admin", "alice", "--export-permitted"])
        .arg("--admin-password-file")
        .arg(&password)
        .arg("--data-dir")
        .arg(dir)
        .args(more)
        .output()
        .unwrap()
}

pub(crate) fn config(data_dir: &Path) -> Config {
    let args = ConfigArgs { data_dir: Some(data_dir.display().to_string()), ..ConfigArgs::default() };
    Loaded::read(&args, [], Purpose::Serve).into_config().unwrap()
}

impl World {
    /// A manager for example.com with its virtual account Default.
    pub(crate) async fn new() -> Self {
        Self::with(tempfile::tempdir().unwrap(), &[]).await
    }

    /// The same in a directory that is there, with more flags.
    pub(crate) async fn with(dir: TempDir, flags: &[&str]) -> Self {
        let output = init(&dir.path().join("data"), flags);
        assert!(output.status.success(), "{}", text(&output.stderr));
        let mut world =
            Self { dir, account: AccountId(uuid::Uuid::nil()), default: VirtualAccountId(uuid::Uuid::nil()) };
        let (account, default) = world
            .offline(Clock::default(), async |app: App| {
                let account = app.store().account_by_domain("example.com").await.unwrap().unwrap();
                let default = app.store().virtual_accounts(account.id).await.unwrap().remove(0);
                (account.id, default.id)
            })
            .await;
        (world.account, world.default) = (account, default);
        world
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    /// Runs use cases on the data directory while no manager serves it.
    pub(crate) async fn offline<T>(&self, clock: Clock, use_cases: impl AsyncFnOnce(App) -> T) -> T {
        let config = config(&self.data_dir());
        let store = Store::open(&config.database).await.unwrap();
        let app = App::new(Parts {
            clock,
            store,
            catalogue: Catalogue::from_toml([Catalogue::SHIPPED]).unwrap(),
            policy: Policy::default(),
            ca: Ca::open(&config, clock).unwrap(),
            config,
        });
        let database = app.config().database.clone();
        let result = use_cases(app).await;
        // A ledger's actor may still be on its way out and hold the database.
        while let Err(StoreError::InUse { .. }) = Store::open(&database).await {
            tokio::task::yield_now().await;
        }
        result
    }

    /// Has one command decided while no manager serves.
    pub(crate) async fn command(&self, action: Action) -> Outcome {
        let account = self.account;
        self.offline(Clock::default(), async |app: App| app.submit(account, by_alice(action)).await.unwrap())
            .await
    }

    /// A token of the virtual account Default, made as if the present time were shown by `clock`.
    pub(crate) async fn token_made_at(&self, clock: Clock, uses_max: Option<u32>) -> TestToken {
        let (account, virtual_account) = (self.account, self.default);
        self.offline(clock, async |app: App| {
            let create = Action::CreateToken {
                virtual_account,
                description: "for tests".into(),
                expires_after_days: 30,
                uses_max,
                export_controlled: true,
            };
            let Outcome::Token(id) = app.submit(account, by_alice(create)).await.unwrap() else { panic!() };
            TestToken { id, text: app.ca().token_text(account, id) }
        })
        .await
    }

    pub(crate) async fn token(&self) -> TestToken {
        self.token_made_at(Clock::default(), None).await
    }

    /// Deposits licences of [`TAG`].
    pub(crate) async fn order(&self, quantity: u64) {
        let line = OrderLine {
            tag: TAG.parse().unwrap(),
            quantity: Quantity::new(quantity).unwrap(),
            kind: LotKind::Perpetual,
            term: Term { starts_at: now(), ends_at: None },
            dates: seatpool_domain::lot::NamedDates::default(),
            subscription_id: None,
            co_termination: CoTermination::Own,
        };
        self.command(Action::Order {
            virtual_account: self.default,
            order_id: format!("order of {quantity}"),
            lines: vec![line],
        })
        .await;
    }

    /// Starts the manager and waits until it says that it is ready.
    pub(crate) fn start(&self) -> Manager {
        let mut command = seatpool();
        command.args(["serve", "--data-dir"]).arg(self.data_dir());
        Manager::start(command, self)
    }
}

pub(crate) fn by_alice(action: Action) -> seatpool_domain::Command {
    seatpool_domain::Command { actor: Actor::User("alice".into()), source: None, action }
}

/// A clock that shows the present time plus so many days.
pub(crate) fn in_days(days: u32) -> Clock {
    // A day ago it showed that day, and it runs so much faster since.
    let anchor = now().checked_sub(jiff::SignedDuration::from_hours(24)).unwrap();
    Clock::new(Some(TimeLapse::new(days + 1, anchor).unwrap()))
}

/// A running manager. Killed when dropped.
pub(crate) struct Manager {
    child: Child,
    log: PathBuf,
    /// `https://127.0.0.1:PORT`
    pub(crate) url: String,
    /// All addresses, in the order of the configuration.
    pub(crate) urls: Vec<String>,
    /// `http://127.0.0.1:PORT`
    pub(crate) ops_url: String,
    pub(crate) root: Vec<u8>,
    pub(crate) http: reqwest::Client,
}

impl Manager {
    pub(crate) fn start(mut command: Command, world: &World) -> Self {
        let log = world.dir.path().join("log");
        let file = std::fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
        let mut child = command.stdout(Stdio::piped()).stderr(file).spawn().unwrap();
        let (mut urls, mut ops_url, mut is_ready) = (Vec::new(), String::new(), false);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while !is_ready {
            let Some(line) = lines.next() else {
                let _ = child.wait();
                panic!("the manager did not start: {}", std::fs::read_to_string(&log).unwrap());
            };
            let line = line.unwrap();
            if let Some(address) = line.strip_prefix("seatpool: listening on ") {
                urls.push(address.to_owned());
            } else if let Some(address) = line.strip_prefix("seatpool: metrics and health on ") {
                address.clone_into(&mut ops_url);
            }
            is_ready = line.starts_with("seatpool: ready");
        }
        let pem = std::fs::read(world.data_dir().join("certificates/vendor-root.pem")).unwrap();
        let root = pem_certificate(&pem);
        Self { child, log, url: urls[0].clone(), urls, ops_url, http: client(&pem), root }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// All log lines so far, of this and earlier runs.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap()
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; the exit code.
    pub(crate) fn stop(mut self) -> Option<i32> {
        self.terminate();
        self.wait()
    }

    pub(crate) fn terminate(&self) {
        let done = Command::new("kill").args(["-TERM", &self.pid().to_string()]).status().unwrap();
        assert!(done.success());
    }

    /// Waits for its end; the exit code.
    pub(crate) fn wait(&mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }

    /// A TLS connection of its own.
    pub(crate) async fn connect(&self) -> tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.root.clone().into()).unwrap();
        let config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(config));
        let tcp = tokio::net::TcpStream::connect(self.url.strip_prefix("https://").unwrap()).await.unwrap();
        connector.connect("127.0.0.1".try_into().unwrap(), tcp).await.unwrap()
    }

    pub(crate) async fn get(&self, base: &str, path: &str) -> (u16, String) {
        let response = self.http.get(format!("{base}{path}")).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    /// The value of a metric's line, 0 if it is not there.
    pub(crate) async fn metric(&self, line: &str) -> u64 {
        let (_, metrics) = self.get(&self.ops_url, "/metrics").await;
        metrics.lines().find_map(|found| found.strip_prefix(line)?.trim().parse().ok()).unwrap_or(0)
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client(root_pem: &[u8]) -> reqwest::Client {
    // A second call finds it installed.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    reqwest::Client::builder()
        .tls_certs_only([reqwest::Certificate::from_pem(root_pem).unwrap()])
        .no_proxy()
        .build()
        .unwrap()
}

pub(crate) fn pem_certificate(pem: &[u8]) -> Vec<u8> {
    use rustls_pki_types::pem::PemObject as _;
    rustls_pki_types::CertificateDer::from_pem_slice(pem).unwrap().to_vec()
}
