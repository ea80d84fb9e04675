//! The use case behind the agents' endpoints: bytes in, checks, ledger, signed bytes out.
//!
//! Each refusal has its documented code, is logged once (without anything of the body) and counted, and leaves
//! everything as it was. Where the request's id and nonce could be read, the refusal is signed and repeats them.

mod checks;
pub(crate) mod limiter;

use core::fmt::Display;
use core::time::Duration;
use std::net::IpAddr;

use seatpool_domain::command::Action;
use seatpool_domain::{Actor, Command, Outcome, Refused};
use seatpool_proto::message::{Refusal, RequestHeader, VERSION};
use seatpool_proto::{
    AccountId, Nonce, ProblemCode, Request, RequestBody, RequestId, Response, ResponseBody, SignedRequest,
    limits,
};

use super::{App, AppError};
use crate::ops::metrics;

/// Most of a refusal's detail that goes into the log, in bytes.
const LOGGED_BYTES_MAX: usize = 300;

/// What goes back to the agent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The bytes of a signed answer, or of an unsigned `application/problem+json`.
    pub body: Vec<u8>,
    /// Whether the body is a signed answer.
    pub signed: bool,
    /// Seconds after which to try again, where that is known.
    pub retry_after_seconds: Option<u64>,
}

/// Why a request is not answered with what it asks for.
#[derive(Debug)]
pub(super) struct Refusing {
    code: ProblemCode,
    detail: String,
    sequence: u64,
    retry_after: Option<Duration>,
}

impl Refusing {
    pub(super) fn new(code: ProblemCode, detail: impl Display) -> Self {
        Self { code, detail: detail.to_string(), sequence: 0, retry_after: None }
    }
}

impl From<AppError> for Refusing {
    fn from(error: AppError) -> Self {
        match error {
            AppError::Refused(Refused::Agent { code, detail, sequence }) => {
                Self { code, detail, sequence, retry_after: None }
            }
            AppError::Refused(other) => {
                tracing::error!(
                    code = other.code(),
                    "an agent's request was refused for a reason that is none of an agent's"
                );
                Self::new(ProblemCode::Internal, "")
            }
            AppError::Unavailable { reason } => Self::new(ProblemCode::Unavailable, reason),
            // Roles and passwords are people's and programs'; no agent is refused for one.
            AppError::Forbidden { .. }
            | AppError::OutOfScope { .. }
            | AppError::Busy { .. }
            | AppError::Internal => Self::new(ProblemCode::Internal, ""),
        }
    }
}

/// The part of a request by which an answer is bound to it.
struct Header {
    request_id: RequestId,
    nonce: Nonce,
}

impl From<&RequestHeader> for Header {
    fn from(header: &RequestHeader) -> Self {
        Self { request_id: header.request_id, nonce: header.nonce }
    }
}

impl App {
    /// Answers one request of an agent, as it came over the network from `source`.
    pub async fn answer_agent(&self, body: &[u8], source: Option<IpAddr>) -> Reply {
        let envelope = match SignedRequest::from_bytes(body) {
            Ok(envelope) => envelope,
            Err(e) => return refuse_unsigned(e.code, &e.detail, None, source),
        };
        let request = match Request::from_text(&envelope.request) {
            Ok(request) => request,
            Err(e) => {
                let kind = e.header.as_ref().map(|header| known_kind(&header.kind));
                return match &e.header {
                    Some(header) => {
                        self.refuse(&header.into(), kind, source, &Refusing::new(e.code, &e.detail))
                    }
                    None => refuse_unsigned(e.code, &e.detail, kind, source),
                };
            }
        };
        let header = Header { request_id: request.request_id, nonce: request.nonce };
        let kind = request.body.kind();
        let answered = match self.decide(envelope, request, source).await {
            Ok(text) => self.ca().sign_response(text).map_err(|e| AppError::from(e).into()),
            Err(refusing) => Err(refusing),
        };
        match answered {
            Ok(signed) => {
                metrics::agent_request(kind, "ok");
                Reply { status: 200, body: signed.to_bytes(), signed: true, retry_after_seconds: None }
            }
            Err(refusing) => self.refuse(&header, Some(kind), source, &refusing),
        }
    }

    /// The text of the successful answer, already recorded.
    async fn decide(
        &self,
        envelope: SignedRequest,
        request: Request,
        source: Option<IpAddr>,
    ) -> Result<String, Refusing> {
        let (account, action, actor) = if let RequestBody::Registration(registration) = &request.body {
            if let Some(wait) = source.and_then(|source| self.token_failures().must_wait(source)) {
                let detail = "Too many registration tokens from this address were wrong.";
                return Err(Refusing {
                    retry_after: Some(wait),
                    ..Refusing::new(ProblemCode::RateLimited, detail)
                });
            }
            checks::own_signature(&envelope, registration)?;
            let (account, token) = self.ca().read_token(&registration.token).map_err(|_| {
                self.count_token_failure(source);
                Refusing::new(ProblemCode::TokenUnknown, "")
            })?;
            let proof = checks::proof(&envelope, self.ca().anchors(), self.now())?;
            let actor = Actor::Instance(request.udi.to_string());
            (account, Action::Register { request: request.clone(), token, proof }, actor)
        } else {
            let certificate =
                checks::certified_signature(&envelope, &request, self.ca().anchors(), self.now())?;
            let actor = Actor::Instance(certificate.product_instance_id.to_string());
            let account = request.account_id.ok_or_else(|| {
                Refusing::new(
                    ProblemCode::Malformed,
                    "account_id is missing, and this request type needs it.",
                )
            })?;
            (account, Action::Ask { request: request.clone(), certificate }, actor)
        };
        let source_text = source.map(|source| source.to_string());
        let command = |action| Command { actor: actor.clone(), source: source_text.clone(), action };
        let registers = matches!(action, Action::Register { .. });
        let domain = self.account_domain(account, registers).await?;
        let outcome = match self.submit(account, command(action)).await {
            Err(AppError::Refused(refused)) => {
                if is_token_failure(&refused) {
                    self.count_token_failure(source);
                }
                return Err(AppError::Refused(refused).into());
            }
            other => other?,
        };
        match outcome {
            Outcome::Answer { text, .. } => Ok(text),
            Outcome::Issue { instance, pending, product } => {
                let certificates =
                    self.ca().issue(&pending, instance, &product, &domain).map_err(AppError::from)?;
                let finish = Action::FinishIssuance { instance, request, certificates };
                match self.submit(account, command(finish)).await? {
                    Outcome::Answer { text, .. } => Ok(text),
                    other => Err(unexpected(&other)),
                }
            }
            other => Err(unexpected(&other)),
        }
    }

    /// The account's domain; a request that names an account that is not here is refused.
    async fn account_domain(&self, account: AccountId, registers: bool) -> Result<String, Refusing> {
        let unknown = || {
            if registers {
                Refusing::new(ProblemCode::TokenUnknown, "Its account is not on this manager any more.")
            } else {
                Refusing::new(ProblemCode::InstanceUnknown, "Its account is not on this manager.")
            }
        };
        self.known_domain(account).await?.ok_or_else(unknown)
    }

    fn count_token_failure(&self, source: Option<IpAddr>) {
        if let Some(source) = source {
            self.token_failures().count(source);
        }
    }

    /// A signed refusal.
    fn refuse(
        &self,
        header: &Header,
        kind: Option<&'static str>,
        source: Option<IpAddr>,
        refusing: &Refusing,
    ) -> Reply {
        note(refusing.code, &refusing.detail, kind, Some(header.request_id), source);
        let response = Response {
            version: VERSION,
            request_id: header.request_id,
            nonce: header.nonce,
            signed_at: self.now(),
            sequence: refusing.sequence,
            body: ResponseBody::Refusal(bounded(Refusal::new(refusing.code, &refusing.detail))),
        };
        let status = refusing.code.http_status();
        let retry_after_seconds = refusing.retry_after.map(|wait| wait.as_secs().max(1));
        match self.ca().sign_response(response.to_text()) {
            Ok(signed) => Reply { status, body: signed.to_bytes(), signed: true, retry_after_seconds },
            Err(error) => {
                tracing::error!(%error, "a refusal could not be signed");
                problem(ProblemCode::Internal, "")
            }
        }
    }
}

fn unexpected(outcome: &Outcome) -> Refusing {
    tracing::error!(outcome = ?core::mem::discriminant(outcome), "an agent's request came to an outcome that is none of an agent's");
    Refusing::new(ProblemCode::Internal, "")
}

fn is_token_failure(refused: &Refused) -> bool {
    matches!(
        refused,
        Refused::Agent {
            code: ProblemCode::TokenUnknown
                | ProblemCode::TokenExpired
                | ProblemCode::TokenExhausted
                | ProblemCode::TokenRevoked,
            ..
        }
    )
}

/// A refusal that can't be bound to a request: unsigned `application/problem+json`, logged and counted.
pub(crate) fn refuse_unsigned(
    code: ProblemCode,
    detail: &str,
    kind: Option<&'static str>,
    source: Option<IpAddr>,
) -> Reply {
    note(code, detail, kind, None, source);
    problem(code, detail)
}

fn problem(code: ProblemCode, detail: &str) -> Reply {
    let Refusal { code, message, action } = bounded(Refusal::new(code, detail));
    let body = serde_json::json!({
        "type": format!("urn:seatpool:problem:{code}"),
        "title": code.meaning(),
        "status": code.http_status(),
        "code": code,
        "detail": message,
        "action": action,
    });
    Reply {
        status: code.http_status(),
        body: body.to_string().into_bytes(),
        signed: false,
        retry_after_seconds: None,
    }
}

/// Once per refused request. What a parser says of a malformed body may quote it, so it is left out.
fn note(
    code: ProblemCode,
    detail: &str,
    kind: Option<&'static str>,
    request: Option<RequestId>,
    source: Option<IpAddr>,
) {
    let kind = kind.unwrap_or("unreadable");
    metrics::agent_request(kind, code.as_str());
    let detail = if code == ProblemCode::Malformed { "" } else { detail };
    // A sender decides how long some of it is.
    let detail = &detail[..detail.floor_char_boundary(LOGGED_BYTES_MAX)];
    let request = request.map(tracing::field::display);
    let source = source.map(tracing::field::display);
    match code {
        ProblemCode::Internal | ProblemCode::Unavailable => {
            tracing::error!(%code, kind, request, source, detail, "agent's request refused");
        }
        _ => tracing::warn!(%code, kind, request, source, detail, "agent's request refused"),
    }
}

/// The type as a metric's label: a sender can't make up new ones.
fn known_kind(kind: &str) -> &'static str {
    RequestBody::TYPES.iter().copied().find(|known| *known == kind).unwrap_or("unknown")
}

/// Texts within the protocol's limit.
fn bounded(mut refusal: Refusal) -> Refusal {
    if refusal.message.len() > limits::TEXT_BYTES_MAX {
        let end = refusal.message.floor_char_boundary(limits::TEXT_BYTES_MAX - '…'.len_utf8());
        refusal.message.truncate(end);
        refusal.message.push('…');
    }
    refusal
}
