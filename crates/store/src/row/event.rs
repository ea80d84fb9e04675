//! The event log.

use seatpool_domain::{Actor, Event, EventKind};

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::Reader;
use crate::table::{Stored, Table, table};

table! {
    event_columns, EVENTS = "events", key 1, true:
    number Int, at Int, actor_kind Text, actor_name Text, source Text, kind Text, virtual_account Text,
    tag Text, instance Text, message Text, value_before Text, value_after Text, previous_hash Text, hash Text,
}

impl Stored for Event {
    fn table() -> &'static Table {
        &EVENTS
    }

    fn write(&self, grid: &mut Grid) {
        let (actor_kind, actor_name) = match &self.actor {
            Actor::User(name) => ("user", Some(name)),
            Actor::Client(name) => ("client", Some(name)),
            Actor::Instance(name) => ("instance", Some(name)),
            Actor::System => ("system", None),
        };
        grid.count(self.number)
            .time(self.at)
            .text(actor_kind)
            .maybe_text(actor_name)
            .maybe_text(self.source.as_ref())
            .text(self.kind.as_str())
            .maybe_text(self.virtual_account)
            .maybe_text(self.tag.as_ref())
            .maybe_text(self.instance)
            .text(&self.message)
            .maybe_text(self.before.as_ref())
            .maybe_text(self.after.as_ref())
            .maybe_text(self.previous_hash)
            .maybe_text(self.hash);
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            number: reader.count()?,
            at: reader.time()?,
            actor: read_actor(reader)?,
            source: reader.maybe_text()?,
            kind: {
                let code = reader.text()?;
                EventKind::parse(&code)
                    .ok_or_else(|| StoreError::Corrupt(format!("{code:?} is no kind of event")))?
            },
            virtual_account: reader.maybe_parsed()?,
            tag: reader.maybe_parsed()?,
            instance: reader.maybe_parsed()?,
            message: reader.text()?,
            before: reader.maybe_text()?,
            after: reader.maybe_text()?,
            previous_hash: reader.maybe_hash()?,
            hash: reader.maybe_hash()?,
        })
    }
}

fn read_actor(reader: &mut Reader<'_>) -> Result<Actor, StoreError> {
    let kind = reader.text()?;
    let name = reader.maybe_text()?.unwrap_or_default();
    match kind.as_str() {
        "user" => Ok(Actor::User(name)),
        "client" => Ok(Actor::Client(name)),
        "instance" => Ok(Actor::Instance(name)),
        "system" => Ok(Actor::System),
        _ => Err(StoreError::Corrupt(format!("{kind:?} is no kind of actor"))),
    }
}
