//! Product instances.

use std::sync::OnceLock;

use jiff::Timestamp;
use seatpool_domain::Instance;
use seatpool_domain::instance::{Ended, ExportGrant};
use seatpool_proto::{Udi, VirtualAccountId};

use crate::error::StoreError;
use crate::grid::Grid;
use crate::sql::{Reader, Sql, json, word};
use crate::table::{Stored, Table, table};

table! {
    instance_columns, INSTANCES = "instances", key 1, false:
    id Text, virtual_account Text, udi_pid Text, udi_sn Text, udi_uuid Text, host_name Text,
    product_name Text, product_type Text, product_version Text, first_registered_at Int, registered_at Int,
    last_contact_at Int, export_controlled Flag, certificate Text, previous_certificate Text, pending Text,
    authorized_until Int, counted Flag, conversation Text, exports Text, ended_at Int, end_reason Text,
    registered Flag, sort_name Text, authorization_day Int, search_text Text, contact_day Int,
    certificate_day Int,
}

/// Writes instances that were only in contact: it sets the columns that no index holds, so that a
/// report costs the same whether few instances are known or many.
pub(crate) fn upsert_after_contact() -> &'static Sql {
    static UPSERT: OnceLock<Sql> = OnceLock::new();
    UPSERT.get_or_init(|| {
        INSTANCES.upsert_setting(&[
            "last_contact_at",
            "certificate",
            "previous_certificate",
            "pending",
            "authorized_until",
            "counted",
            "conversation",
        ])
    })
}

/// What [`upsert_after_contact`] leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rest {
    virtual_account: VirtualAccountId,
    udi: Udi,
    host_name: Option<String>,
    product: (String, String, Option<String>),
    registered: (Timestamp, Timestamp, bool),
    export_controlled: bool,
    ended: Option<Ended>,
    exports: Vec<ExportGrant>,
    authorization_day: Option<u64>,
    contact_day: u64,
    certificate_day: u64,
}

impl From<&Instance> for Rest {
    fn from(instance: &Instance) -> Self {
        // Names every field, so that a new one is not forgotten here.
        let Instance {
            id: _,
            virtual_account,
            udi,
            host_name,
            product_name,
            product_type,
            product_version,
            first_registered_at,
            registered_at,
            last_contact_at: _,
            export_controlled,
            certificate: _,
            previous_certificate: _,
            pending: _,
            authorized_until: _,
            counted: _,
            conversation: _,
            exports,
            ended,
        } = instance;
        Self {
            virtual_account: *virtual_account,
            udi: udi.clone(),
            host_name: host_name.clone(),
            product: (product_name.clone(), product_type.clone(), product_version.clone()),
            registered: (*first_registered_at, *registered_at, instance.is_registered()),
            export_controlled: *export_controlled,
            ended: ended.clone(),
            exports: exports.clone(),
            authorization_day: authorization_day(instance),
            contact_day: day(instance.last_contact_at),
            certificate_day: certificate_day(instance),
        }
    }
}

/// The day of an instant, counted from the Unix epoch.
pub(crate) fn day(instant: Timestamp) -> u64 {
    u64::try_from(instant.as_second()).unwrap_or(0) / 86_400
}

/// The day on which its authorization ends, while its usage counts.
fn authorization_day(instance: &Instance) -> Option<u64> {
    instance.authorized_until.filter(|_| instance.counted).map(day)
}

/// The day on which its ID certificate ends; one that never comes for an instance that has none.
fn certificate_day(instance: &Instance) -> u64 {
    instance.certificate_ends().map_or(NEVER, day)
}

/// A day that never comes.
const NEVER: u64 = 1 << 40;

/// What a search looks through, in lower case as far as ASCII goes.
fn search_text(instance: &Instance) -> String {
    let udi = &instance.udi;
    let parts = [
        instance.host_name.as_deref().unwrap_or_default(),
        &instance.product_name,
        &instance.product_type,
        &udi.sn,
        udi.uuid.as_deref().unwrap_or_default(),
    ];
    parts.join(" ").to_ascii_lowercase()
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
            .text(json(&self.exports))
            .maybe_time(self.ended.as_ref().map(|ended| ended.at))
            .maybe_text(self.ended.as_ref().map(|ended| word(&ended.reason)))
            .flag(self.is_registered())
            .text(sort_name(self))
            .maybe_count(authorization_day(self))
            .text(search_text(self))
            .count(day(self.last_contact_at))
            .count(certificate_day(self));
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
            exports: reader.json()?,
            ended: match (reader.maybe_time()?, reader.maybe_word()?) {
                (Some(at), Some(reason)) => Some(Ended { at, reason }),
                _ => None,
            },
        })
    }
}
