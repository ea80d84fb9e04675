//! Paths and methods.

use core::time::Duration;
use std::collections::BTreeMap;

use http::{Method, Response, StatusCode};
use hyper::body::{Bytes, Incoming};
use seatpool_agent::status::RegistrationState;
use seatpool_agent::{Command, Secret, TransportMode};
use seatpool_proto::{Quantity, Tag};
use tokio::sync::broadcast::error::RecvError;

use super::request::{PrivacyRequest, ProxyRequest, RegistrationRequest, TransportRequest, json as read};
use super::{Body, Refusal, reservation, shapes};
use crate::runtime::{Change, ChangeError, Handle, ProxyChange, Setting, TransportChange};
use crate::show;
use crate::transport::Destination;

/// Longest wait for something to look different (`wait_seconds`), in seconds.
const WAIT_SECONDS_MAX: u64 = 60;
/// How long a deregistration is waited for before it is said to go on in the background.
const DEREGISTRATION_WAIT: Duration = Duration::from_secs(90);

pub(super) type Answer = Result<Response<Body>, Refusal>;

/// Answers one request.
pub(super) async fn route(request: http::Request<Incoming>, handle: &Handle) -> Answer {
    let path = request.uri().path().trim_matches('/').to_owned();
    let method = request.method().clone();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let parts: Vec<&str> = path.split('/').collect();
    match (&method, parts.as_slice()) {
        (&Method::GET, ["licensing"]) => Ok(shapes::json(StatusCode::OK, &shapes::licensing(handle))),
        (&Method::GET, ["licensing", "features"]) => {
            Ok(shapes::json(StatusCode::OK, &shapes::features(&handle.status())))
        }
        (&Method::GET, ["licensing", "status"]) => status(handle, &query).await,
        (&Method::GET, ["licensing", "banner"]) => {
            Ok(shapes::json(StatusCode::OK, &show::banner(&handle.status())))
        }
        (&Method::GET, ["licensing", "clock"]) => Ok(shapes::json(StatusCode::OK, &shapes::clock(handle))),
        (&Method::GET, ["licensing", "alerts"]) => Ok(alerts(handle)),
        (&Method::GET, ["licensing", "tech_support"]) => {
            Ok(shapes::text(show::tech_support(&handle.status())))
        }
        (&Method::GET, ["licensing", "may-i", feature]) => {
            let decision = handle
                .may_i(feature)
                .map_err(|error| Refusal::new(StatusCode::NOT_FOUND, "unknown_feature", error.to_string()))?;
            Ok(shapes::json(StatusCode::OK, &shapes::decision(decision)))
        }
        (&Method::POST, ["licensing", "registration"]) => {
            let RegistrationRequest { token, reregister } = read(request).await?;
            change(handle, Change::Register { token, force: reregister }).await
        }
        (&Method::PUT, ["licensing", "registration", "renew"]) => {
            change(handle, Change::Command(Command::RenewRegistration { new_key: None })).await
        }
        (&Method::PUT, ["licensing", "authorization", "renew"]) => {
            change(handle, Change::Command(Command::RenewAuthorization)).await
        }
        (&Method::PUT, ["licensing", "usage", "update"]) => {
            change(handle, Change::Command(Command::UpdateUsageNow)).await
        }
        (&Method::DELETE, ["licensing", "deregistration"]) => deregister(handle).await,
        (&Method::PUT | &Method::PATCH, ["licensing", "transport"]) => {
            change(handle, transport(read(request).await?)?).await
        }
        (_, ["licensing", "reservation", rest @ ..]) => reservation::route(request, rest, handle).await,
        (&Method::POST, ["licensing", "export", "request"]) => {
            change(handle, Change::Command(Command::RequestExport(read(request).await?))).await
        }
        (&Method::POST, ["licensing", "export", "return"]) => {
            change(handle, Change::Command(Command::ReturnExport(read(request).await?))).await
        }
        (&Method::DELETE, ["licensing", "export", "cancel"]) => {
            change(handle, Change::Command(Command::CancelExport)).await
        }
        (&Method::PUT, ["licensing", "export", feature]) => {
            let (feature, on) = ((*feature).to_owned(), read(request).await?);
            change(handle, Change::Command(Command::SetExportFeature { feature, on })).await
        }
        (&Method::PUT, ["licensing", "privacy"]) => {
            let PrivacyRequest { hostname, version } = read(request).await?;
            change(handle, Change::Privacy { hostname, version }).await
        }
        (&Method::PATCH, ["licensing", "features"]) => {
            let usage: BTreeMap<Tag, Quantity> = read(request).await?;
            change(handle, Change::Usage(usage)).await
        }
        (&Method::PUT, ["licensing", "product_license"]) => {
            change(handle, Change::Command(Command::SetLicenseType(read(request).await?))).await
        }
        (&Method::POST, ["licensing", "factory_reset"]) => {
            change(handle, Change::Command(Command::FactoryReset { force: false })).await
        }
        (&Method::POST, ["licensing", "factory_reset", "force"]) => {
            change(handle, Change::Command(Command::FactoryReset { force: true })).await
        }
        _ => Err(no_such(&method, &path)),
    }
}

pub(super) fn no_such(method: &Method, path: &str) -> Refusal {
    let words = format!("there is no {method} /{path}: see docs/agent.md, \"Local API\"");
    Refusal::new(StatusCode::NOT_FOUND, "not_found", words)
}

async fn change(handle: &Handle, change: Change) -> Answer {
    handle.change(change).await.map_err(refused)?;
    Ok(shapes::empty(StatusCode::NO_CONTENT))
}

pub(super) fn refused(error: ChangeError) -> Refusal {
    let status = match &error {
        ChangeError::Refused(refused) => match refused.code() {
            "not_registered"
            | "already_registered"
            | "registration_expired"
            | "busy"
            | "license_type_fixed"
            | "reservation_enabled"
            | "beyond_reservation"
            | "reserved"
            | "export_not_allowed"
            | "export_authorized"
            | "export_not_authorized"
            | "export_in_use"
            | "nothing_to_cancel" => StatusCode::CONFLICT,
            _ => StatusCode::BAD_REQUEST,
        },
        ChangeError::Reservation(refused) if refused.is_out_of_turn() => StatusCode::CONFLICT,
        ChangeError::Reservation(_) => StatusCode::BAD_REQUEST,
        ChangeError::NoProxyHost => StatusCode::CONFLICT,
        ChangeError::Key(_) | ChangeError::NotStored(_) | ChangeError::Ending => {
            StatusCode::SERVICE_UNAVAILABLE
        }
    };
    Refusal::new(status, error.code(), error.to_string())
}

fn transport(request: TransportRequest) -> Result<Change, Refusal> {
    let TransportRequest { ssms: url, mode, proxy } = request;
    if let Setting::To(url) = &url {
        Destination::parse(url).map_err(|error| Refusal::bad_request("invalid_url", error.to_string()))?;
    }
    let proxy = match proxy {
        Setting::Keep => Setting::Keep,
        Setting::Reset => Setting::Reset,
        Setting::To(proxy) => proxy_change(proxy)?,
    };
    // A URL of one's own is a gateway, unless it is said otherwise; going back to the default is direct.
    let mode = mode.or(match &url {
        Setting::To(_) => Some(TransportMode::Gateway),
        Setting::Reset => Some(TransportMode::Direct),
        Setting::Keep => None,
    });
    Ok(Change::Transport(TransportChange { mode, url, proxy }))
}

fn proxy_change(request: ProxyRequest) -> Result<Setting<ProxyChange>, Refusal> {
    let ProxyRequest { server, port, user, password } = request;
    let host = match server {
        Setting::Reset => return Ok(Setting::Reset),
        Setting::Keep => None,
        Setting::To(host) => {
            let host = host.trim();
            if host.is_empty() || host.contains(['/', ' ', '@']) {
                let words =
                    "a proxy's server is a name or an address, without http:// and without credentials";
                return Err(Refusal::bad_request("invalid_proxy", words));
            }
            Some(host.to_owned())
        }
    };
    if port == Some(0) {
        return Err(Refusal::bad_request("invalid_proxy", "a proxy's port is a number from 1 to 65535"));
    }
    let credentials = match (user, password) {
        (Setting::Keep, None) => Setting::Keep,
        (Setting::Reset, _) => Setting::Reset,
        (Setting::To(user), password) => Setting::To((user, Secret(password.unwrap_or_default()))),
        (Setting::Keep, Some(_)) => {
            return Err(Refusal::bad_request("invalid_proxy", "a proxy's password goes with a user name"));
        }
    };
    Ok(Setting::To(ProxyChange { host, port, credentials }))
}

/// `GET licensing/status[?newer_than=REVISION&wait_seconds=N]`: the whole status with its revision; with
/// `newer_than` only once the revision is another, or the wait is over.
async fn status(handle: &Handle, query: &str) -> Answer {
    let value = |name: &str| {
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')).map(|text| {
            text.parse::<u64>().map_err(|_| {
                Refusal::bad_request("malformed", format!("{name} is {text:?}, and should be a number"))
            })
        })
    };
    let mut revision = handle.revision();
    if let Some(newer_than) = value("newer_than").transpose()? {
        let wait = value("wait_seconds").transpose()?.unwrap_or(WAIT_SECONDS_MAX).min(WAIT_SECONDS_MAX);
        let changed = revision.wait_for(|now| *now != newer_than);
        // Over or not, the status is told as it is then.
        let _ = tokio::time::timeout(Duration::from_secs(wait), changed).await;
    }
    let revision = *revision.borrow_and_update();
    Ok(shapes::json(StatusCode::OK, &shapes::StatusAnswer { revision, status: handle.status() }))
}

/// 204 when the manager ended the registration, 202 when it was ended here alone: the body says what to do.
async fn deregister(handle: &Handle) -> Answer {
    handle.change(Change::Command(Command::Deregister)).await.map_err(refused)?;
    let mut revision = handle.revision();
    let left = async {
        loop {
            revision.mark_unchanged();
            let registration = handle.status().registration;
            if registration.state == RegistrationState::Unregistered && !registration.in_progress {
                return Some(registration);
            }
            revision.changed().await.ok()?;
        }
    };
    match tokio::time::timeout(DEREGISTRATION_WAIT, left).await {
        Ok(Some(registration)) => match registration.ended.filter(|ended| ended.remove_by_hand) {
            None => Ok(shapes::empty(StatusCode::NO_CONTENT)),
            Some(ended) => Ok(shapes::json(StatusCode::ACCEPTED, &shapes::local_only(ended.message))),
        },
        Ok(None) => Err(refused(ChangeError::Ending)),
        Err(_) => {
            let words = "The manager has not answered yet; the deregistration goes on in the background.";
            Ok(shapes::json(StatusCode::ACCEPTED, &shapes::local_only(words.to_owned())))
        }
    }
}

/// The alerts that stand now, then every event as it happens: a stream of JSON lines, until the caller goes away.
fn alerts(handle: &Handle) -> Response<Body> {
    let mut events = handle.events();
    let standing: Vec<Bytes> = handle.status().alerts.iter().map(shapes::line).collect();
    let (lines, body) = shapes::stream();
    tokio::spawn(async move {
        for line in standing {
            if lines.send(line).await.is_err() {
                return;
            }
        }
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = lines.closed() => return,
            };
            let line = match event {
                Ok(event) => shapes::line(&event),
                Err(RecvError::Lagged(missed)) => shapes::line(&shapes::Missed { missed }),
                Err(RecvError::Closed) => return,
            };
            if lines.send(line).await.is_err() {
                return;
            }
        }
    });
    body
}
