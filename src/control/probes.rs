//! Figures and health for monitoring: asked without a token, and answered while jobs fill the API.

use axum::Router;
use axum::extract::State;
use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use std::sync::Arc;

use crate::watch::{Form, Watch};

/// The paths, with what they are for.
pub const PATHS: [(&str, &str); 3] = [
    ("/metrics", "Figures, as OpenMetrics or Prometheus' text, as the client accepts"),
    ("/healthz", "200 while the process answers"),
    (
        "/readyz",
        "200 when the store is loaded and the listeners are open, else 503 with the reason",
    ),
];

/// The paths, and what answers them.
pub fn router(watch: Arc<Watch>) -> Router {
    let [(figures, _), (health, _), (readiness, _)] = PATHS;
    Router::new()
        .route(figures, get(tell_figures))
        .route(health, get(async || "ok\n"))
        .route(readiness, get(tell_readiness))
        .with_state(watch)
}

async fn tell_figures(State(watch): State<Arc<Watch>>, headers: HeaderMap) -> Response {
    let accept = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    let form = Form::of(accept.unwrap_or_default());
    ([(CONTENT_TYPE, form.media_type())], watch.figures(form)).into_response()
}

async fn tell_readiness(State(watch): State<Arc<Watch>>) -> Response {
    match watch.readiness() {
        Ok(()) => "ready\n".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("{reason}\n")).into_response(),
    }
}
