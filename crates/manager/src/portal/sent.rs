//! What a request that changes something holds: its fields, read once for all that look at them.

use std::sync::Arc;

use axum::Form;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest as _, OriginalUri, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, Method};
use seatpool_proto::Sha256;

use super::{FORM_BYTES_MAX, resume, upload};

/// A form as it came in. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Sent(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    path: String,
    fields: Option<Vec<(String, String)>>,
    is_from_elsewhere: bool,
}

impl Sent {
    /// Reads the body of a request that is no mere question; the request goes on without it.
    pub(super) async fn read(request: Request) -> (Option<Self>, Request) {
        if request.method() != Method::POST {
            return (None, request);
        }
        let (parts, body) = request.into_parts();
        let uri = parts.extensions.get::<OriginalUri>().map_or(&parts.uri, |uri| &uri.0);
        let (path, _) = resume::split(uri.path_and_query().map_or("/portal", |path| path.as_str()));
        let fields = match to_bytes(body, FORM_BYTES_MAX).await {
            Ok(body) => Some(read_fields(&parts.headers, body).await),
            Err(_) => None,
        };
        let is_from_elsewhere = is_from_elsewhere(&parts.headers);
        let sent = Self(Arc::new(Inner { path, fields, is_from_elsewhere }));
        let mut request = Request::from_parts(parts, Body::empty());
        request.extensions_mut().insert(sent.clone());
        (Some(sent), request)
    }

    /// Where it was sent to: path and query.
    pub(super) fn path(&self) -> &str {
        &self.0.path
    }

    /// Its fields in their order; none if it is too large. What can't be read as a form has no fields.
    pub(super) fn fields(&self) -> Option<&[(String, String)]> {
        self.0.fields.as_deref()
    }

    /// A field as it was typed; empty if absent.
    pub(super) fn field(&self, name: &str) -> &str {
        let fields = self.0.fields.as_deref().unwrap_or_default();
        fields.iter().rfind(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Whether another site's page sends it.
    pub(super) fn is_from_elsewhere(&self) -> bool {
        self.0.is_from_elsewhere
    }

    /// The same for the same fields at the same place, however the browser wrote them.
    pub(super) fn digest(&self) -> Sha256 {
        Sha256::of(serde_json::to_vec(&(&self.0.path, &self.0.fields)).unwrap_or_default())
    }
}

async fn read_fields(headers: &HeaderMap, body: Bytes) -> Vec<(String, String)> {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if let Some(boundary) = upload::boundary(kind) {
        return upload::fields(&body, boundary);
    }
    let request = Request::post("/").header(CONTENT_TYPE, kind).body(Body::from(body));
    let Ok(request) = request else { return Vec::new() };
    Form::from_request(request, &()).await.map(|form| form.0).unwrap_or_default()
}

/// Whether the browser says that another site's page sends this (Fetch Metadata).
fn is_from_elsewhere(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}
