//! Virtual accounts: create, rename, describe, delete when empty.

use seatpool_proto::VirtualAccountId;
use uuid::Uuid;

use super::{By, Context, Outcome, Refused, known};
use crate::account::{VirtualAccount, VirtualAccountWords};
use crate::command::words;
use crate::event::{Event, EventKind};
use crate::workset::{Touches, Workset};

pub(super) fn touches(virtual_account: Option<VirtualAccountId>, name: Option<&String>) -> Touches {
    Touches {
        virtual_accounts: virtual_account.into_iter().collect(),
        virtual_account_names: name.map(|name| name.trim().to_owned()).into_iter().collect(),
        ..Touches::default()
    }
}

pub(super) fn create(
    name: &str,
    description: &str,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let name = place_name(name)?;
    let description = words::description(description)?;
    unused(workset, &name, None)?;
    let id = VirtualAccountId(context.ids.uuid());
    let message = format!("The virtual account {name} was created.");
    workset
        .virtual_accounts
        .insert(id, VirtualAccount { id, name, description, is_default: false, created_at: context.now });
    workset.record(Event {
        virtual_account: Some(id),
        ..by.event(EventKind::VirtualAccountCreated, context.now, message)
    });
    Ok(Outcome::VirtualAccount(id))
}

pub(super) fn change(
    id: VirtualAccountId,
    name: Option<&str>,
    description: Option<&str>,
    seen: Option<&VirtualAccountWords>,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let before = known(workset, id)?.clone();
    let name = name.map_or_else(|| Ok(before.name.clone()), place_name)?;
    let description = description.map_or_else(|| Ok(before.description.clone()), words::description)?;
    unused(workset, &name, Some(id))?;
    let after = VirtualAccount { name, description, ..before.clone() };
    if after == before {
        return Ok(Outcome::Done);
    }
    if let Some(seen) = seen {
        unchanged(&seen.name, &before.name, &after.name)?;
        unchanged(&seen.description, &before.description, &after.description)?;
    }
    if after.name != before.name {
        let message = format!("The virtual account {} was renamed to {}.", before.name, after.name);
        workset.record(Event {
            virtual_account: Some(id),
            before: Some(before.name),
            after: Some(after.name.clone()),
            ..by.event(EventKind::VirtualAccountChanged, context.now, message)
        });
    }
    if after.description != before.description {
        let message = format!("The description of the virtual account {} was changed.", after.name);
        workset.record(Event {
            virtual_account: Some(id),
            before: Some(before.description),
            after: Some(after.description.clone()),
            ..by.event(EventKind::VirtualAccountChanged, context.now, message)
        });
    }
    workset.virtual_accounts.insert(id, after);
    Ok(Outcome::Done)
}

/// Refuses to change what is not what was seen.
fn unchanged(seen: &str, before: &str, after: &str) -> Result<(), Refused> {
    if seen == before || after == before {
        return Ok(());
    }
    Err(Refused::ChangedMeanwhile { seen: format!("{seen:?}"), present: format!("{before:?}") })
}

pub(super) fn delete(
    id: VirtualAccountId,
    by: &By,
    workset: &mut Workset,
    context: &mut Context<'_>,
) -> Result<Outcome, Refused> {
    let virtual_account = known(workset, id)?;
    if virtual_account.is_default {
        return Err(Refused::DefaultVirtualAccount);
    }
    // Nothing was counted where there is nothing.
    let contents = workset.contents.get(&id).copied().unwrap_or_default();
    if contents.instances > 0 || contents.lots > 0 {
        return Err(Refused::NotEmpty { instances: contents.instances, lots: contents.lots });
    }
    let message = format!("The virtual account {} was deleted.", virtual_account.name);
    workset.virtual_accounts.delete(&id);
    workset.record(Event {
        virtual_account: Some(id),
        ..by.event(EventKind::VirtualAccountDeleted, context.now, message)
    });
    Ok(Outcome::Done)
}

/// A name that can't be taken for an id, nor lost from an address.
fn place_name(text: &str) -> Result<String, Refused> {
    let name = words::name("name", text)?;
    if name.parse::<Uuid>().is_ok() {
        let problem = format!("{name:?} is written like an id: choose a name that can't be taken for one");
        return Err(words::invalid("name", problem));
    }
    if matches!(name.as_str(), "." | "..") {
        return Err(words::invalid("name", format!("{name:?} can't stand in an address: choose another")));
    }
    Ok(name)
}

/// Refuses a name that another virtual account has.
fn unused(workset: &Workset, name: &str, except: Option<VirtualAccountId>) -> Result<(), Refused> {
    let key = VirtualAccount::name_key(name);
    let mut others = workset.virtual_accounts.values().filter(|other| Some(other.id) != except);
    match others.find(|other| VirtualAccount::name_key(&other.name) == key) {
        Some(other) => Err(Refused::Exists { what: "virtual account", name: other.name.clone() }),
        None => Ok(()),
    }
}
