//! The event log: who did what, when, from where.

use jiff::Timestamp;
use seatpool_domain::event::Severity;
use seatpool_domain::{Actor, Event, EventKind};
use seatpool_proto::{AccountId, ProductInstanceId, Tag, VirtualAccountId};
use seatpool_store::{EventQuery, Page, Paged};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{Permission, Principal, check};
use super::accounts::invalid;
use super::{App, AppError, clients};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// 1, 2, 3, … within the account, without gaps.
    pub number: u64,
    /// When.
    pub at: Timestamp,
    /// Stable code.
    #[schema(value_type = String, example = "licenses_ordered")]
    pub kind: EventKind,
    /// How much it matters.
    #[schema(value_type = String, example = "informational")]
    pub severity: Severity,
    /// What happened, as a sentence.
    pub message: String,
    /// Who: a sign-in name, a client's name, a product instance, or `system`.
    pub actor: String,
    /// Of what kind the actor is: `user`, `client`, `instance` or `system`.
    pub actor_kind: String,
    /// The address it came from.
    pub source: Option<String>,
    /// Where, by name; the id of a virtual account that is gone.
    pub virtual_account: Option<String>,
    /// Which licence.
    #[schema(value_type = Option<String>)]
    pub tag: Option<Tag>,
    /// Which product instance.
    #[schema(value_type = Option<Uuid>)]
    pub instance: Option<ProductInstanceId>,
    /// The value before, where a value changed.
    pub before: Option<String>,
    /// The value after.
    pub after: Option<String>,
    /// Hash of this event, which covers the one before it: an altered or missing event shows.
    pub hash: Option<String>,
}

/// Events that match, newest first unless the query says otherwise. The events of one virtual account need a role in
/// it, those of the whole account a role in the account.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    query: EventQuery,
    page: Page,
) -> Result<Paged<EventView>, AppError> {
    readable(principal, account, query.virtual_account)?;
    let names = app.store().virtual_accounts(account).await?;
    let rows = app.store().events(account, query, page).await?;
    let clients = rows.items.iter().filter_map(|row| match &row.actor {
        Actor::Client(id) => Some(id.as_str()),
        _ => None,
    });
    let clients = clients::names(app, clients).await?;
    let view = |row: Event| EventView {
        number: row.number,
        at: row.at,
        kind: row.kind,
        severity: row.kind.severity(),
        message: row.message,
        actor: match &row.actor {
            Actor::Client(id) => clients.get(id).unwrap_or(id).clone(),
            other => other.name().to_owned(),
        },
        actor_kind: actor_kind(&row.actor).to_owned(),
        source: row.source,
        virtual_account: row.virtual_account.map(|id| {
            names.iter().find(|name| name.id == id).map_or_else(|| id.to_string(), |name| name.name.clone())
        }),
        tag: row.tag,
        instance: row.instance,
        before: row.before,
        after: row.after,
        hash: row.hash.map(|hash| hash.to_string()),
    };
    Ok(Paged { items: rows.items.into_iter().map(view).collect(), total: rows.total })
}

/// Refuses who may not read the log of the virtual account, or without one that of the whole account.
fn readable(
    principal: &Principal,
    account: AccountId,
    virtual_account: Option<VirtualAccountId>,
) -> Result<(), AppError> {
    check(principal, account, virtual_account.map_or(Permission::ReadAccount, Permission::ReadVirtualAccount))
}

/// By whom a query asks for events, as the log names it: a client by its id, whether its name or its id is given.
pub async fn actor_named(app: &App, account: AccountId, text: &str) -> Result<String, AppError> {
    let text = text.trim();
    if app.store().user_by_login(&text.to_lowercase()).await?.is_some() {
        return Ok(text.to_lowercase());
    }
    let clients = app.store().clients(account).await?;
    let mut named = clients.into_iter().filter(|client| client.name.eq_ignore_ascii_case(text));
    match (named.next(), named.next()) {
        (Some(_), Some(_)) => Err(invalid("actor", "is the name of several clients: give the client's id")),
        (Some(client), None) => Ok(client.id),
        (None, _) => Ok(text.to_owned()),
    }
}

/// Which product instances a query means by an id, or by a name or serial number as the log shows it: removed ones among
/// them. None, if none is called so; with a virtual account, none that its log says nothing of.
pub async fn instances_named(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: Option<VirtualAccountId>,
    text: &str,
) -> Result<Vec<ProductInstanceId>, AppError> {
    readable(principal, account, virtual_account)?;
    let text = text.trim();
    if let Ok(id) = text.parse() {
        return Ok(vec![id]);
    }
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Ok(app.store().instances_called(account, virtual_account, text).await?)
}

fn actor_kind(actor: &Actor) -> &'static str {
    match actor {
        Actor::User(_) => "user",
        Actor::Client(_) => "client",
        Actor::Instance(_) => "instance",
        Actor::System => "system",
    }
}
