//! How many reports a manager answers in a second: the whole use case from bytes to signed bytes (all checks, ledger,
//! SQLite, signature), with many agents at once; TLS and HTTP stand outside.

use std::path::Path;

use anyhow::{Context as _, ensure};
use jiff::{SignedDuration, Timestamp};
use seatpool_crypto::P256Key;
use seatpool_domain::command::Action;
use seatpool_domain::{Actor, Catalogue, Command, Outcome, Policy};
use seatpool_manager::app::{App, Parts};
use seatpool_manager::ca::Ca;
use seatpool_manager::clock::Clock;
use seatpool_manager::config::{Config, ConfigArgs, Purpose};
use seatpool_proto::message::{AuthorizationRequest, Interval, Product, Registration, TagUsage, VERSION};
use seatpool_proto::{
    AccountId, Nonce, ProductInstanceId, Quantity, Request, RequestBody, RequestId, Response, ResponseBody,
    Sha256, SignedRequest, SignedResponse, Signer as _, Udi,
};
use seatpool_store::Store;
use uuid::Uuid;

use super::Options;
use super::clock::{now, time_async};
use super::limits::Limits;
use super::table::Table;

/// Reports of each agent.
const ROUNDS: u32 = 30;

pub(super) async fn measure(
    folder: &Path,
    bin_dir: &Path,
    options: &Options,
    limits: &Limits,
    table: &mut Table,
) -> anyhow::Result<()> {
    let app = manager(&folder.join("manager"), bin_dir).await?;
    let mut agents = Vec::new();
    let token = token(&app).await?;
    for number in 0..options.agents {
        agents.push(BenchAgent::register(&app, &token, number).await?);
    }
    let (span, result) = time_async(async {
        let mut running = tokio::task::JoinSet::new();
        for mut agent in agents {
            let app = app.clone();
            running.spawn(async move {
                for round in 0..ROUNDS {
                    agent.report(&app, round).await?;
                }
                anyhow::Ok(())
            });
        }
        while let Some(done) = running.join_next().await {
            done??;
        }
        anyhow::Ok(())
    })
    .await;
    result?;
    let reports = u32::try_from(options.agents)? * ROUNDS;
    let rate = f64::from(reports) / span.as_secs_f64();
    let what = format!("reports answered, {} agents at once", options.agents);
    table.line(
        &what,
        format!("{rate:.0}/s"),
        format!(
            "{:.0}/s: their signatures on one core (agents sign on the same machine)",
            limits.signed_answers
        ),
        rate / limits.signed_answers,
    );
    table.line(
        &what,
        format!("{rate:.0}/s"),
        format!("{:.0}/s: durable writes (above 1: commits are shared)", limits.durable_writes),
        rate / limits.durable_writes,
    );
    Ok(())
}

/// A manager as `seatpool init` makes it, without its listeners.
async fn manager(data_dir: &Path, bin_dir: &Path) -> anyhow::Result<App> {
    let made = tokio::process::Command::new(bin_dir.join("seatpool"))
        .args(["init", "--name", "localhost", "--account-domain", "bench.example", "--data-dir"])
        .arg(data_dir)
        .output()
        .await
        .context("seatpool can't be run: build it beside this program")?;
    ensure!(made.status.success(), "seatpool init: {}", String::from_utf8_lossy(&made.stderr));
    let args = ConfigArgs { data_dir: data_dir.to_str().map(str::to_owned), ..ConfigArgs::default() };
    let config = Config::load(&args, Purpose::Serve)?;
    let clock = Clock::default();
    let ca = Ca::open(&config, clock)?;
    let store = Store::open(&config.database).await?;
    store.migrate().await?;
    let catalogue = Catalogue::from_toml([Catalogue::SHIPPED])?;
    Ok(App::new(Parts { config, clock, store, catalogue, policy: Policy::default(), ca }))
}

async fn token(app: &App) -> anyhow::Result<String> {
    let account = app.store().account_by_domain("bench.example").await?.context("the account is there")?.id;
    let virtual_account =
        app.store().virtual_accounts(account).await?.first().context("it has a virtual account")?.id;
    let action = Action::CreateToken {
        virtual_account,
        description: "Bench".to_owned(),
        expires_after_days: 1,
        uses_max: None,
        export_controlled: false,
    };
    match app.submit(account, Command { actor: Actor::System, source: None, action }).await? {
        Outcome::Token(token) => Ok(app.ca().token_text(account, token)),
        _ => anyhow::bail!("a token is made"),
    }
}

/// The least that an agent is: a key, a certificate, a conversation.
struct BenchAgent {
    key: P256Key,
    certificates: Vec<Vec<u8>>,
    account: Option<AccountId>,
    instance: Option<ProductInstanceId>,
    udi: Udi,
    sequence: u64,
    head: Option<Sha256>,
    began: Timestamp,
}

impl BenchAgent {
    async fn register(app: &App, token: &str, number: usize) -> anyhow::Result<Self> {
        let mut agent = Self {
            key: P256Key::generate()?,
            certificates: Vec::new(),
            account: None,
            instance: None,
            udi: Udi::new("UCCX", format!("BENCH-{number}"), None)?,
            sequence: 0,
            head: None,
            began: now(),
        };
        let body = RequestBody::Registration(Registration {
            token: token.to_owned(),
            public_key: agent.key.public_key().to_vec(),
            force: false,
            product: Product { name: "Bench".to_owned(), kind: "unified-ccx".to_owned(), version: None },
            host_name: None,
        });
        match agent.ask(app, body).await? {
            ResponseBody::Registration(registered) => {
                agent.account = Some(registered.home.account_id);
                agent.instance = Some(registered.product_instance_id);
                agent.certificates = registered.certificate.certificates;
                Ok(agent)
            }
            other => anyhow::bail!("a registration was answered with {other:?}"),
        }
    }

    async fn report(&mut self, app: &App, round: u32) -> anyhow::Result<()> {
        let tag = "CCX_PREMIUM".parse()?;
        let end = self.began + SignedDuration::from_secs(i64::from(round) + 1);
        let body = RequestBody::Authorization(AuthorizationRequest {
            interval: Interval { start: self.began, end },
            scheduled: true,
            usage: vec![TagUsage { tag, peak: Quantity::of(u64::from(round % 5)), locked: None }],
            families: Vec::new(),
        });
        match self.ask(app, body).await? {
            ResponseBody::Authorization(_) => Ok(()),
            other => anyhow::bail!("a report was answered with {other:?}"),
        }
    }

    async fn ask(&mut self, app: &App, body: RequestBody) -> anyhow::Result<ResponseBody> {
        self.sequence += 1;
        let request = Request {
            version: VERSION,
            request_id: RequestId(Uuid::from_bytes(seatpool_crypto::random_bytes())),
            nonce: Nonce(seatpool_crypto::random_bytes()),
            sequence: self.sequence,
            sent_at: now(),
            last_answer: self.head,
            unanswered: Vec::new(),
            account_id: self.account,
            product_instance_id: self.instance,
            udi: self.udi.clone(),
            body,
        };
        let signed = SignedRequest::sign(request.to_text(), &self.key, self.certificates.clone())?;
        let reply = app.answer_agent(&signed.to_bytes(), None).await;
        let answer = SignedResponse::from_bytes(&reply.body)?;
        let response = Response::from_text(&answer.response)?;
        if response.is_success() {
            self.head = Some(Sha256::of(&answer.response));
        }
        Ok(response.body)
    }
}
