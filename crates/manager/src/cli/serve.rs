//! `seatpool serve`.

use std::io::Write as _;
use std::net::SocketAddr;

use anyhow::Context as _;
use axum::Router;
use clap::Args;
use http::StatusCode;
use seatpool_domain::{Catalogue, Policy};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower_http::catch_panic::CatchPanicLayer;
use tracing_subscriber::EnvFilter;

use super::database;
use crate::app::{App, Parts};
use crate::ca::Ca;
use crate::clock::Clock;
use crate::config::{Config, ConfigArgs, LogFormat, Purpose};
use crate::server::{self, Server};
use crate::{ops, portal, rest, wire};

/// Run the manager.
#[derive(Args, Debug)]
pub(super) struct Serve {
    #[command(flatten)]
    config: ConfigArgs,
}

impl Serve {
    pub(super) async fn run(&self) -> anyhow::Result<()> {
        let mut config = Config::load(&self.config, Purpose::Serve)?;
        start_logging(&config)?;
        ops::metrics::install();
        // Before anything is opened, so that a signal during start-up is not lost.
        let mut stop_signals = StopSignals::listen()?;
        let clock = Clock::new(config.time_lapse);
        let catalogue = read_catalogue(&config)?;
        let ca = Ca::open(&config, clock).context("the keys or certificates can't be used")?;
        let store = database::open_own(&config).await?;
        let version = store.migrate().await.context("the database can't be brought up to date")?;

        let listeners = config
            .listen
            .iter()
            .map(|address| server::bind(*address).with_context(|| {
                format!("{address} can't be listened on; stop what else listens there, or choose another with listen")
            }))
            .collect::<anyhow::Result<Vec<_>>>()?;
        let bound: Vec<SocketAddr> =
            listeners.iter().map(tokio::net::TcpListener::local_addr).collect::<Result<_, _>>()?;
        let ops_listener = config
            .ops_listen
            .map(|address| {
                server::bind(address).with_context(|| {
                    format!("{address} (ops_listen) can't be listened on; choose another, or off")
                })
            })
            .transpose()?;
        config.settle_port(&bound);
        let tls = server::tls_config(ca.tls()).context("TLS can't be set up")?;

        let lapse = config.time_lapse;
        let app =
            App::new(Parts { config, clock, store: store.clone(), catalogue, policy: Policy::default(), ca });
        let (stop, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let router = router(app.clone());
        let mut lines = Vec::new();
        for (listener, address) in listeners.into_iter().zip(&bound) {
            lines.push(format!("listening on https://{address}"));
            let server = Server { listener, tls: Some(tls.clone()), router: router.clone() };
            tasks.spawn(server.run(stopping.clone()));
        }
        if let Some(listener) = ops_listener {
            lines.push(format!("metrics and health on http://{}", listener.local_addr()?));
            let router = ops::operator_router().with_state(app.clone());
            tasks.spawn(Server { listener, tls: None, router }.run(stopping.clone()));
        }
        tasks.spawn(ops::jobs::run(app.clone(), stopping));
        if let Some(lapse) = lapse {
            lines.push(format!(
                "DEMONSTRATION: time runs {} times as fast as it does, since {lapse}",
                lapse.factor()
            ));
        }
        lines.push(format!("ready at {} (database schema {version})", app.config().public_url));
        for line in &lines {
            tracing::info!("{line}");
        }
        announce(&lines)?;

        let signal = stop_signals.wait().await;
        tracing::info!(signal, "stopping: open requests are answered first");
        stop.send_replace(true);
        while tasks.join_next().await.is_some() {}
        match store.close().await {
            Ok(()) => tracing::info!("stopped"),
            // Everything is durable all the same.
            Err(error) => tracing::warn!(%error, "stopped; the database's files were left as they are"),
        }
        Ok(())
    }
}

/// All routes of the main listeners.
pub(crate) fn router(app: App) -> Router {
    wire::router()
        .merge(rest::served(&app))
        .merge(portal::router(app.clone()))
        .merge(ops::router())
        .fallback(|| async { nowhere(StatusCode::NOT_FOUND, "nothing is served at this address") })
        .method_not_allowed_fallback(|| async {
            nowhere(StatusCode::METHOD_NOT_ALLOWED, "this address does not take this method")
        })
        .layer(CatchPanicLayer::new())
        .with_state(app)
}

/// An answer where nothing else answers.
fn nowhere(status: StatusCode, what: &str) -> (StatusCode, String) {
    (status, format!("{what}; people go to /portal, programs find what there is at /openapi.json\n"))
}

/// The shipped catalogue united with the configured ones.
pub(super) fn read_catalogue(config: &Config) -> anyhow::Result<Catalogue> {
    let mut texts = vec![Catalogue::SHIPPED.to_owned()];
    for path in &config.catalogues {
        texts.push(
            std::fs::read_to_string(path).with_context(|| format!("{} can't be read", path.display()))?,
        );
    }
    Catalogue::from_toml(texts.iter().map(String::as_str)).context("the catalogues can't be used together")
}

fn start_logging(config: &Config) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&config.log).context("log")?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A log that can't be written (its disk is full, say) must not stop the service.
        .log_internal_errors(false);
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|e| anyhow::anyhow!("logging can't be started: {e}"))
}

/// Tells whoever started the manager where it is. A closed standard output is no reason to stop.
fn announce(lines: &[String]) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in lines {
        match writeln!(out, "seatpool: {line}").and_then(|()| out.flush()) {
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => return Ok(()),
            other => other?,
        }
    }
    Ok(())
}

/// `SIGXFSZ` of Linux and the BSDs (signal(7)); tokio has no name for it.
const SIGXFSZ: i32 = 25;

struct StopSignals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl StopSignals {
    fn listen() -> anyhow::Result<Self> {
        // A write beyond a file size limit is to fail like one to a full disk, not to end the process
        // (setrlimit(2)). Once caught, a signal stays caught.
        drop(signal(SignalKind::from_raw(SIGXFSZ))?);
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}
