//! What operators watch: `/healthz`, `/readyz`, `/metrics`; and the jobs that the manager does by itself.

pub mod jobs;
pub mod metrics;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;

use crate::app::App;

/// The routes of the main listeners.
pub fn router() -> Router<App> {
    Router::new().route("/healthz", get(healthz)).route("/readyz", get(readyz))
}

/// The routes of the operator's own listener.
pub fn operator_router() -> Router<App> {
    router().route("/metrics", get(render_metrics))
}

/// The process runs and answers.
async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests can be served: something small was stored durably just now.
async fn readyz(State(app): State<App>) -> impl IntoResponse {
    match app.probe().await {
        Ok(()) => {
            metrics::ready(true);
            (StatusCode::OK, "ready\n".to_owned())
        }
        Err(error) => {
            metrics::ready(false);
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {error}\n"))
        }
    }
}

async fn render_metrics() -> impl IntoResponse {
    let handle = metrics::install();
    handle.run_upkeep();
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], handle.render())
}
