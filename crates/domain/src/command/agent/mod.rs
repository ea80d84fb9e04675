//! What agents ask: register, renew, report, deregister. Signatures and chains are checked before; identity,
//! order and content are decided here.

mod ask;
pub(super) mod export;
mod figures;
mod issuance;
mod order;
mod register;
mod report;
mod told;

use jiff::{SignedDuration, Timestamp};
use seatpool_proto::message::{Home, VERSION};
use seatpool_proto::{
    ProblemCode, Request, RequestBody, Response, ResponseBody, Sha256, VirtualAccountId, limits,
};

use super::{Action, By, Context, Outcome, Refused};
use crate::event::{Event, EventKind};
use crate::instance::{ABANDONED_MAX, Conversation, Instance};
use crate::workset::{Touches, Workset};

pub(super) fn touches(action: &Action) -> Touches {
    match action {
        Action::Register { request, token, .. } => {
            Touches { udis: [request.udi.clone()].into(), tokens: [*token].into(), ..Touches::default() }
        }
        Action::Ask { request, .. } => {
            let mut touches = Touches {
                instances: request.product_instance_id.into_iter().collect(),
                ..Touches::default()
            };
            match &request.body {
                RequestBody::Authorization(report) => touches.tags = report::tags(report).cloned().collect(),
                RequestBody::ExportRequest(asked) => touches.tags = [asked.tag.clone()].into(),
                _ => {}
            }
            touches
        }
        Action::FinishIssuance { instance, request, .. } => {
            let mut touches = Touches { instances: [*instance].into(), ..Touches::default() };
            if let RequestBody::Registration(_) = &request.body {
                // The older registration that it replaces, with what that still uses.
                touches.udis.insert(request.udi.clone());
            }
            touches
        }
        _ => Touches::default(),
    }
}

pub(super) fn apply(
    action: Action,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    match action {
        Action::Register { request, token, proof } => {
            register::begin(&request, token, proof.as_ref(), workset, context)
        }
        Action::Ask { request, certificate } => ask::answer(&request, &certificate, by, workset, context),
        Action::FinishIssuance { instance, request, certificates } => {
            issuance::finish(instance, &request, certificates, by, workset, context)
        }
        _ => Ok(Outcome::Done),
    }
}

/// A refusal of an agent's request.
fn refuse(code: ProblemCode, detail: impl Into<String>, sequence: u64) -> Refused {
    Refused::Agent { code, detail: detail.into(), sequence }
}

/// Refuses a request whose claimed time is more than a day off either way (behaviour.md, "Clocks").
fn check_clock(request: &Request, sequence: u64, now: Timestamp) -> Result<(), Refused> {
    let off = request.sent_at.duration_since(now).abs();
    if off > SignedDuration::from_secs(limits::CLOCK_SKEW_SECONDS_MAX) {
        let detail = format!("The request says {}, the manager's clock {now}.", request.sent_at);
        return Err(refuse(ProblemCode::ClockSkew, detail, sequence));
    }
    Ok(())
}

/// The answer that was given to this very request before.
fn given_before(instance: &Instance, request: &Request) -> Option<Outcome> {
    let conversation = &instance.conversation;
    let text = conversation.last_answer.as_ref()?;
    (conversation.last_request == Some(request.request_id))
        .then(|| Outcome::Answer { text: text.clone(), repeated: true })
}

/// Answers a request that was taken, and moves the conversation on.
///
/// `previous` becomes what the agent named, not what the manager said last: an agent that misses several answers
/// in a row names the same one until it gets one.
fn conclude(
    conversation: &mut Conversation,
    request: &Request,
    place: order::Place,
    body: ResponseBody,
    now: Timestamp,
) -> Outcome {
    if let (order::Place::Rewound, Some(head)) = (place, conversation.head) {
        keep_newest(&mut conversation.abandoned, head);
    }
    let sequence = conversation.sequence.max(request.sequence);
    let response = Response {
        version: VERSION,
        request_id: request.request_id,
        nonce: request.nonce,
        signed_at: now,
        sequence,
        body,
    };
    let text = response.to_text();
    conversation.sequence = sequence;
    conversation.last_request = Some(request.request_id);
    conversation.last_sent_at = Some(request.sent_at);
    conversation.previous = request.last_answer;
    conversation.head = Some(Sha256::of(&text));
    conversation.last_answer = Some(text.clone());
    Outcome::Answer { text, repeated: false }
}

/// Adds to a short memory that forgets the oldest.
fn keep_newest<T>(memory: &mut Vec<T>, newest: T) {
    if memory.len() >= ABANDONED_MAX {
        memory.remove(0);
    }
    memory.push(newest);
}

/// The accounts that an instance is told it belongs to.
fn home(virtual_account: VirtualAccountId, workset: &Workset) -> Home {
    Home {
        account_id: workset.account.id,
        smart_account: workset.account.name.clone(),
        virtual_account: workset.name_of(virtual_account),
    }
}

/// Says that an instance went on from an older state.
fn record_rewind(instance: &Instance, by: &By, workset: &mut Workset, now: Timestamp) {
    let message = format!(
        "{} went on from an older state, as a restored snapshot does; it was synchronised again.",
        instance.label()
    );
    workset.record(Event {
        virtual_account: Some(instance.virtual_account),
        instance: Some(instance.id),
        ..by.event(EventKind::InstanceRewound, now, message)
    });
}
