//! Product instances.

use seatpool_domain::Instance;
use seatpool_domain::instance::Ended;
use seatpool_proto::Udi;

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::{Reader, json, word};
use crate::table::{Stored, Table, table};

table! {
    instance_columns, INSTANCES = "instances", key 1, false:
    id Text, virtual_account Text, udi_pid Text, udi_sn Text, udi_uuid Text, host_name Text,
    product_name Text, product_type Text, product_version Text, first_registered_at Int, registered_at Int,
    last_contact_at Int, export_controlled Flag, certificate Text, previous_certificate Text, pending Text,
    authorized_until Int, counted Flag, conversation Text, ended_at Int, end_reason Text,
    registered Flag, sort_name Text,
}

/// The name that people know it by: its host name, or where that is withheld its serial number.
fn sort_name(instance: &Instance) -> String {
    instance.host_name.as_ref().unwrap_or(&instance.udi.sn).to_lowercase()
}

impl Stored for Instance {
    fn table() -> &'static Table {
        &INSTANCES
    }

    fn write(&self, grid: &mut Grid) {
        grid.text(self.id)
            .text(self.virtual_account)
            .text(&self.udi.pid)
            .text(&self.udi.sn)
            .text(self.udi.uuid.as_deref().unwrap_or_default())
            .maybe_text(self.host_name.as_ref())
            .text(&self.product_name)
            .text(&self.product_type)
            .maybe_text(self.product_version.as_ref())
            .time(self.first_registered_at)
            .time(self.registered_at)
            .time(self.last_contact_at)
            .flag(self.export_controlled)
            .text(json(&self.certificate))
            .maybe_text(self.previous_certificate.as_ref().map(json))
            .maybe_text(self.pending.as_ref().map(json))
            .maybe_time(self.authorized_until)
            .flag(self.counted)
            .text(json(&self.conversation))
            .maybe_time(self.ended.as_ref().map(|ended| ended.at))
            .maybe_text(self.ended.as_ref().map(|ended| word(&ended.reason)))
            .flag(self.is_registered())
            .text(sort_name(self));
    }

    fn read(reader: &mut Reader<'_>) -> Result<Self, StoreError> {
        Ok(Self {
            id: reader.parsed()?,
            virtual_account: reader.parsed()?,
            udi: Udi {
                pid: reader.text()?,
                sn: reader.text()?,
                uuid: Some(reader.text()?).filter(|uuid| !uuid.is_empty()),
            },
            host_name: reader.maybe_text()?,
            product_name: reader.text()?,
            product_type: reader.text()?,
            product_version: reader.maybe_text()?,
            first_registered_at: reader.time()?,
            registered_at: reader.time()?,
            last_contact_at: reader.time()?,
            export_controlled: reader.flag()?,
            certificate: reader.json()?,
            previous_certificate: reader.maybe_json()?,
            pending: reader.maybe_json()?,
            authorized_until: reader.maybe_time()?,
            counted: reader.flag()?,
            conversation: reader.json()?,
            ended: match (reader.maybe_time()?, reader.maybe_word()?) {
                (Some(at), Some(reason)) => Some(Ended { at, reason }),
                _ => None,
            },
        })
    }
}
