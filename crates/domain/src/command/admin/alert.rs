//! Dismissing alerts and bringing them back.

use seatpool_proto::VirtualAccountId;

use super::{By, Context, Outcome, Refused, known, words};
use crate::alert::{Dismissal, parse_key};
use crate::event::{Event, EventKind};
use crate::workset::{Touches, Workset};

pub(super) fn touches(virtual_account: VirtualAccountId, key: &str) -> Touches {
    Touches {
        virtual_accounts: [virtual_account].into(),
        dismissals: [key.to_owned()].into(),
        ..Touches::default()
    }
}

/// Dismisses an alert for the state that the fingerprint names; `about` says in words which.
pub(super) fn dismiss(
    virtual_account: VirtualAccountId,
    key: &str,
    fingerprint: &str,
    about: &str,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Result<Outcome, Refused> {
    known(workset, virtual_account)?;
    let (kind, ..) = parse_key(key).ok_or(Refused::Unknown { what: "alert" })?;
    if !kind.is_dismissible() {
        return Err(words::invalid(
            "alert",
            format!("is {}: it goes when its cause is mended, and can't be dismissed", kind.title()),
        ));
    }
    let id = key.to_owned();
    if workset.dismissals.get(&id).is_some_and(|known| known.fingerprint == fingerprint) {
        return Ok(Outcome::Done);
    }
    let dismissal = Dismissal {
        key: id.clone(),
        virtual_account,
        fingerprint: fingerprint.to_owned(),
        at: context.now,
        by: by.actor.name().to_owned(),
    };
    workset.dismissals.insert(id, dismissal);
    let message = format!("The alert {:?} was dismissed: {about}", kind.title());
    workset.record(Event {
        virtual_account: Some(virtual_account),
        before: Some("raised".into()),
        after: Some("dismissed".into()),
        ..by.event(EventKind::AlertDismissed, context.now, message)
    });
    Ok(Outcome::Done)
}

/// Brings a dismissed alert back.
pub(super) fn restore(
    virtual_account: VirtualAccountId,
    key: &str,
    by: &By,
    workset: &mut Workset,
    context: &Context<'_>,
) -> Result<Outcome, Refused> {
    known(workset, virtual_account)?;
    let (kind, ..) = parse_key(key).ok_or(Refused::Unknown { what: "alert" })?;
    let found = workset.dismissals.get(&key.to_owned());
    let Some(found) = found.filter(|found| found.virtual_account == virtual_account).cloned() else {
        return Err(Refused::Unknown { what: "dismissed alert" });
    };
    workset.dismissals.delete(&found.key);
    let message = format!("The alert {:?}, which {} had dismissed, is raised again.", kind.title(), found.by);
    workset.record(Event {
        virtual_account: Some(virtual_account),
        before: Some("dismissed".into()),
        after: Some("raised".into()),
        ..by.event(EventKind::AlertRestored, context.now, message)
    });
    Ok(Outcome::Done)
}
