//! OAuth2 clients.

use jiff::Timestamp;

use super::super::{Outcome, Refused, words};
use super::{Desk, previous};
use crate::access::{Client, OauthScope, Role};
use crate::event::EventKind;

pub(super) fn create(
    desk: &mut Desk<'_>,
    id: String,
    name: &str,
    secret_hash: String,
    roles: Vec<Role>,
    mut scopes: Vec<OauthScope>,
) -> Result<Outcome, Refused> {
    let roles = desk.known_roles(roles)?;
    let name = words::name("name", name)?;
    // A vendor operator may give an account its first client.
    let operator = desk.held.contains(&Role::VendorOperator);
    let first = desk.workset.clients.values().all(|client| client.deleted_at.is_some());
    if !(operator && first) {
        desk.may_handle(&roles)?;
    }
    if scopes.is_empty() {
        return Err(words::invalid("scopes", "name none: give at least one, or leave them out for all"));
    }
    scopes.sort_unstable();
    scopes.dedup();
    let message = format!("The client {name} was created as {} ({id}).", desk.words(&roles));
    let (account, created_at) = (desk.workset.account_id(), desk.now);
    let client = Client {
        id: id.clone(),
        account,
        name,
        secret_hash,
        roles,
        scopes,
        created_at,
        previous_secret: None,
        deleted_at: None,
    };
    desk.workset.clients.insert(id, client);
    desk.record(EventKind::ClientCreated, message);
    Ok(Outcome::Done)
}

pub(super) fn rotate(
    desk: &mut Desk<'_>,
    id: &str,
    secret_hash: String,
    overlap_until: Timestamp,
) -> Result<Outcome, Refused> {
    let client = known(desk, id)?;
    let until = overlap_until.max(desk.now);
    let message =
        format!("The client {} got a new secret; the one before is taken until {until}.", client.name);
    desk.record(EventKind::ClientSecretRotated, message);
    let previous_secret = Some(previous(client.secret_hash.clone(), until));
    desk.workset.clients.insert(id.to_owned(), Client { secret_hash, previous_secret, ..client });
    Ok(Outcome::Done)
}

pub(super) fn delete(desk: &mut Desk<'_>, id: &str) -> Result<Outcome, Refused> {
    let client = known(desk, id)?;
    desk.record(EventKind::ClientDeleted, format!("The client {} was deleted ({id}).", client.name));
    let gone = Client { deleted_at: Some(desk.now), previous_secret: None, ..client };
    desk.workset.clients.insert(id.to_owned(), gone);
    Ok(Outcome::Done)
}

fn known(desk: &Desk<'_>, id: &str) -> Result<Client, Refused> {
    let client = desk.workset.clients.get(&id.to_owned()).filter(|client| client.deleted_at.is_none());
    let client = client.ok_or(Refused::Unknown { what: "client" })?.clone();
    desk.may_handle(&client.roles)?;
    Ok(client)
}
