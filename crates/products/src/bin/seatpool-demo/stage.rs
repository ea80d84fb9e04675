//! The processes on the stage: started, spoken to, watched, and ended.

use core::time::Duration;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use jiff::Timestamp;
use seatpool_agent::Status;
use seatpool_agentd::api::shapes::StatusAnswer;
use seatpool_agentd::client::Client;
use seatpool_proto::TimeLapse;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use crate::narrate;

/// The licence that the seats of all centres use.
pub(crate) const LICENSE: &str = "CCX Flex Standard Agent";
/// Its tag.
pub(crate) const TAG: &str = "CCX_FLEX_STANDARD";
/// The sign-in of the demonstration's administrator; the manager listens on loopback alone and is gone afterwards.
const ADMINISTRATOR: &str = "admin";
const PASSWORD: &str = "only for this demonstration";
/// How often the agents are looked at, in real time.
const GLANCE: Duration = Duration::from_millis(150);
/// How long anything may take before the demonstration gives up, in real time.
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that runs.
pub(crate) struct Stage {
    bin_dir: PathBuf,
    folder: PathBuf,
    lapse: TimeLapse,
    /// The three contact centres.
    pub(crate) centres: Vec<Centre>,
    manager: Option<Child>,
}

/// One contact centre with its agent.
pub(crate) struct Centre {
    /// Where it is.
    pub(crate) name: &'static str,
    client: Client,
    product: Child,
    lines: ChildStdin,
    agent: Child,
    signed_in: u64,
}

impl Stage {
    /// Starts a manager, orders 100 seats, and registers three contact centres.
    pub(crate) async fn set(bin_dir: &Path, factor: u32, port: u16) -> anyhow::Result<Self> {
        let folder = std::env::temp_dir().join(format!("seatpool-demo-{}", std::process::id()));
        std::fs::create_dir_all(&folder).with_context(|| format!("{} can't be made", folder.display()))?;
        let anchor = Timestamp::from_second(now().as_second())?;
        let lapse = TimeLapse::new(factor, anchor)?;
        let mut stage =
            Self { bin_dir: bin_dir.to_owned(), folder, lapse, centres: Vec::new(), manager: None };
        narrate::chapter("A manager");
        narrate::say(&format!(
            "Time runs {factor} times as fast as it does: a 15-minute reporting interval takes {} seconds.",
            15 * 60 / factor
        ));
        let url = stage.start_manager(port).await?;
        narrate::say(&format!("  portal   {url}\n  sign in  {ADMINISTRATOR} / {PASSWORD}"));
        narrate::say(
            "  (your browser will warn: the certificate leads to the demonstration's own vendor root)",
        );

        narrate::chapter("100 seats, and a token");
        stage.order("DEMO-1", LICENSE, 100).await?;
        stage.order("DEMO-2", "CCX Server", 1).await?;
        let token = stage
            .seatpool(&[
                "token",
                "create",
                "--virtual-account",
                "Default",
                "--description",
                "Contact centres",
                "--json",
            ])
            .await?;
        let token = token["token"].as_str().context("the answer has a token")?.to_owned();

        narrate::chapter("Three contact centres register");
        for name in ["London", "Berlin", "Madrid"] {
            let centre = stage.start_centre(name, &url).await?;
            narrate::command("license", &["smart", "register", "idtoken", "<token>"]);
            stage.license(&centre, &["smart", "register", "idtoken", &token]).await?;
            narrate::at(stage.now(), &format!("{name} is registered"));
            stage.centres.push(centre);
        }
        Ok(stage)
    }

    /// The lapsed time.
    pub(crate) fn now(&self) -> Timestamp {
        self.lapse.at(now())
    }

    async fn start_manager(&mut self, port: u16) -> anyhow::Result<String> {
        let data_dir = self.data_dir();
        let password_file = self.folder.join("password");
        std::fs::write(&password_file, PASSWORD)?;
        let (data_dir, password_file) = (path(&data_dir)?, path(&password_file)?);
        let listen = format!("127.0.0.1:{port}");
        let init = [
            "init",
            "--demonstration",
            "--data-dir",
            data_dir,
            "--name",
            "localhost",
            "--listen",
            &listen,
            "--ops-listen",
            "off",
            "--account-domain",
            "centres.example",
            "--account-name",
            "Contact Centres",
            "--admin",
            ADMINISTRATOR,
            "--admin-password-file",
            password_file,
        ];
        narrate::command("seatpool", &init);
        self.run("seatpool", &init).await?;
        let lapse = self.lapse.to_string();
        let serve = ["serve", "--data-dir", data_dir, "--time-lapse", &lapse];
        narrate::command("seatpool", &serve);
        let mut manager = self
            .program("seatpool")
            .args(serve)
            .stdout(Stdio::piped())
            .stderr(self.log("manager")?)
            .spawn()
            .context("the manager can't be started")?;
        let out = manager.stdout.take().context("the manager's output is piped")?;
        self.manager = Some(manager);
        let mut lines = BufReader::new(out).lines();
        let url = loop {
            let line = tokio::time::timeout(PATIENCE, lines.next_line()).await??;
            let line = line.with_context(|| {
                format!("the manager ended at once; its log is {}", self.folder.join("manager.log").display())
            })?;
            if let Some(ready) = line.strip_prefix("seatpool: ready at ") {
                break ready.split(' ').next().unwrap_or(ready).to_owned();
            }
        };
        // The pipe stays open as long as the manager may write to it.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.point_client_to(&url)?;
        Ok(url)
    }

    /// The manager took a free port: the credentials that `init` wrote get its address.
    fn point_client_to(&self, url: &str) -> anyhow::Result<()> {
        let file = self.data_dir().join("client.json");
        let mut credentials: Value = serde_json::from_slice(&std::fs::read(&file)?)?;
        credentials["url"] = url.into();
        Ok(std::fs::write(&file, credentials.to_string())?)
    }

    async fn start_centre(&self, name: &'static str, url: &str) -> anyhow::Result<Centre> {
        let folder = self.folder.join(name);
        let socket = folder.join("agentd.sock");
        let root = self.data_dir().join("certificates/vendor-root.pem");
        let lapse = self.lapse.to_string();
        let serial = format!("{}-1", name.to_uppercase());
        let host_name = format!("ccx.{}.example", name.to_lowercase());
        let agent = self
            .program("seatpool-agentd")
            .args(["--state-dir", path(&folder)?, "--profile", "unified-ccx", "--manager-url", url])
            .args(["--trust-anchor", path(&root)?, "--time-lapse", &lapse, "--product-version", "12.5"])
            .args(["--udi-pid", "UCCX", "--udi-sn", &serial, "--host-name", &host_name])
            .stdout(self.log(name)?)
            .stderr(self.log(name)?)
            .spawn()
            .context("an agent can't be started")?;
        let client = Client::new(&socket);
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while client.get::<StatusAnswer>("licensing/status").await.is_err() {
            ensure!(
                tokio::time::Instant::now() < deadline,
                "the agent of {name} does not answer; its log is {}",
                self.folder.join(format!("{name}.log")).display()
            );
            tokio::time::sleep(GLANCE).await;
        }
        let mut product = self
            .program("contact-centre")
            .args(["--agent", path(&socket)?])
            .stdin(Stdio::piped())
            .stdout(self.log(&format!("{name}-centre"))?)
            .stderr(self.log(&format!("{name}-centre"))?)
            .spawn()
            .context("a contact centre can't be started")?;
        let lines = product.stdin.take().context("the centre's input is piped")?;
        Ok(Centre { name, client, product, lines, agent, signed_in: 0 })
    }

    /// Deposits perpetual licences in `Default`.
    pub(crate) async fn order(&self, order_id: &str, license: &str, quantity: u64) -> anyhow::Result<()> {
        let quantity = quantity.to_string();
        self.seatpool(&[
            "order",
            "place",
            "--virtual-account",
            "Default",
            "--order-id",
            order_id,
            "--license",
            license,
            "--quantity",
            &quantity,
            "--perpetual",
            "--json",
        ])
        .await?;
        Ok(())
    }

    /// What the manager shows of [`LICENSE`]: owned, in use.
    pub(crate) async fn pool(&self) -> anyhow::Result<(u64, u64)> {
        let licenses = self.output("seatpool", &["licenses", "list", "--json"]).await?;
        let licenses: Value = serde_json::from_str(&licenses)?;
        let all =
            licenses.as_array().or_else(|| licenses["licenses"].as_array()).context("a list of licences")?;
        let line = all
            .iter()
            .find(|line| line["license"] == LICENSE || line["name"] == LICENSE)
            .context("the licence is listed")?;
        let number = |names: [&str; 2]| {
            names.iter().find_map(|name| line[*name].as_u64()).with_context(|| format!("{names:?} in {line}"))
        };
        Ok((number(["owned", "quantity"])?, number(["in_use", "inUse"])?))
    }

    /// Waits, in lapsed time, until `is_true` holds of all centres' states; `what` says what is waited for.
    pub(crate) async fn until(
        &mut self,
        what: &str,
        minutes_max: i64,
        mut look: impl FnMut(Timestamp, &[Status]) -> bool,
    ) -> anyhow::Result<()> {
        let deadline = self.now().checked_add(jiff::SignedDuration::from_mins(minutes_max))?;
        loop {
            self.check_alive()?;
            let mut states = Vec::new();
            for centre in &self.centres {
                states.push(centre.client.get::<StatusAnswer>("licensing/status").await?.status);
            }
            let now = self.now();
            if look(now, &states) {
                return Ok(());
            }
            ensure!(
                now < deadline,
                "it did not come true within {minutes_max} minutes of lapsed time: {what}"
            );
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Waits until the manager shows `in_use` of [`LICENSE`] in use: owned, in use.
    pub(crate) async fn until_pool_shows(
        &mut self,
        in_use: u64,
        minutes_max: i64,
    ) -> anyhow::Result<(u64, u64)> {
        let deadline = self.now().checked_add(jiff::SignedDuration::from_mins(minutes_max))?;
        loop {
            self.check_alive()?;
            let pool = self.pool().await?;
            if pool.1 == in_use {
                return Ok(pool);
            }
            ensure!(
                self.now() < deadline,
                "the manager shows {} in use after {minutes_max} minutes of lapsed time, and not {in_use}",
                pool.1
            );
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// Brings the number of seats at a centre to `seats`.
    pub(crate) async fn staff(&mut self, centre: usize, seats: u64) -> anyhow::Result<()> {
        let centre = &mut self.centres[centre];
        let line = if seats > centre.signed_in {
            format!("sign-in {} standard\n", seats - centre.signed_in)
        } else {
            format!("sign-out {} standard\n", centre.signed_in - seats)
        };
        centre.signed_in = seats;
        centre.lines.write_all(line.as_bytes()).await?;
        centre.lines.flush().await?;
        Ok(())
    }

    /// Brings all centres to these numbers of seats, and waits until their agents know.
    pub(crate) async fn staff_all(&mut self, seats: [u64; 3]) -> anyhow::Result<()> {
        for (centre, seats) in seats.into_iter().enumerate() {
            self.staff(centre, seats).await?;
        }
        self.until("the agents know how many seats are signed in", 10, |_, states| {
            states.iter().zip(seats).all(|(state, seats)| entitlement(state).actual.count() == seats)
        })
        .await
    }

    /// Runs `seatpool` against the manager, shows the command, and reads its JSON.
    async fn seatpool(&self, args: &[&str]) -> anyhow::Result<Value> {
        narrate::command("seatpool", args);
        Ok(serde_json::from_str(&self.output("seatpool", args).await?)?)
    }

    async fn license(&self, centre: &Centre, args: &[&str]) -> anyhow::Result<String> {
        let socket = path(centre.client.socket())?.to_owned();
        self.output("license", &[&["--socket", &socket], args].concat()).await
    }

    async fn run(&self, program: &str, args: &[&str]) -> anyhow::Result<()> {
        self.output(program, args).await.map(drop)
    }

    async fn output(&self, program: &str, args: &[&str]) -> anyhow::Result<String> {
        let output = self
            .program(program)
            .args(args)
            .env("SEATPOOL_CREDENTIALS", self.data_dir().join("client.json"))
            .output()
            .await
            .with_context(|| format!("{program} can't be run"))?;
        if !output.status.success() {
            bail!("{program} {} failed: {}", args.join(" "), String::from_utf8_lossy(&output.stderr).trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.bin_dir.join(name));
        command.kill_on_drop(true).stdin(Stdio::null());
        command
    }

    fn log(&self, name: &str) -> anyhow::Result<Stdio> {
        let file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join(format!("{name}.log")))?;
        Ok(file.into())
    }

    fn data_dir(&self) -> PathBuf {
        self.folder.join("manager")
    }

    /// Fails when a process has ended.
    fn check_alive(&mut self) -> anyhow::Result<()> {
        if let Some(status) = self.manager.as_mut().and_then(|manager| manager.try_wait().transpose()) {
            bail!("the manager ended: {}", status?);
        }
        for centre in &mut self.centres {
            for (what, child) in [("contact centre", &mut centre.product), ("agent", &mut centre.agent)] {
                if let Some(status) = child.try_wait()? {
                    bail!("the {what} of {} ended: {status}", centre.name);
                }
            }
        }
        Ok(())
    }

    /// Lets it run, with seats coming and going, until the caller is ended.
    pub(crate) async fn run_on(&mut self) -> anyhow::Result<()> {
        let shifts: [[u64; 3]; 4] = [[30, 30, 20], [40, 35, 30], [45, 40, 35], [35, 25, 25]];
        loop {
            for seats in shifts {
                self.staff_all(seats).await?;
                tokio::time::sleep(self.lapse.real(Duration::from_mins(40))).await;
                self.check_alive()?;
            }
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // The processes are killed as their handles drop; what they left is of no use to anybody.
        self.centres.clear();
        self.manager = None;
        if std::env::var_os("SEATPOOL_DEMO_KEEP").is_none() {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}

/// The standard seats' line of a centre's state.
pub(crate) fn entitlement(state: &Status) -> &seatpool_agent::status::EntitlementStatus {
    state
        .entitlements
        .iter()
        .find(|entitlement| entitlement.tag.as_str() == TAG)
        .unwrap_or(&state.entitlements[0])
}

fn path(path: &Path) -> anyhow::Result<&str> {
    path.to_str().with_context(|| format!("{} is not UTF-8", path.display()))
}

#[expect(clippy::disallowed_methods, reason = "the demonstration's one clock")]
fn now() -> Timestamp {
    Timestamp::now()
}
