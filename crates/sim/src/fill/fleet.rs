//! Product instances and what they use.

use std::collections::BTreeMap;

use jiff::Timestamp;
use seatpool_domain::instance::{CertificateRecord, Conversation};
use seatpool_domain::{Instance, PoolTotal, Usage, Workset};
use seatpool_proto::{ProductInstanceId, Quantity, RequestId, Sha256, Tag, Udi, VirtualAccountId};

use super::catalogue::product;
use super::customer::{Customer, id, mixed};

/// Of how many kinds products are.
const KINDS: u64 = 12;
/// How old an ID certificate gets before its agent renews it, in days (features.md, C3).
const RENEWAL_DAYS: i64 = 182;
/// How long the text of a manager's answer to a report is, in bytes.
const ANSWER_BYTES: usize = 900;

/// The instances, with the totals of what they use.
pub(super) struct Fleet<'c> {
    customer: &'c Customer,
    pub(super) totals: BTreeMap<(VirtualAccountId, Tag), PoolTotal>,
}

impl<'c> Fleet<'c> {
    pub(super) fn new(customer: &'c Customer) -> Self {
        Self { customer, totals: BTreeMap::new() }
    }

    /// A quarter of all is in the first virtual account; of the others, low numbers hold more.
    fn place_of(&self, number: u64) -> u64 {
        let chance = mixed(number);
        if chance.is_multiple_of(4) || self.customer.places() == 1 {
            return 0;
        }
        let others = self.customer.places() - 1;
        1 + ((chance >> 8) % others).min((chance >> 24) % others)
    }

    /// Adds one instance.
    pub(super) fn put(&mut self, workset: &mut Workset, number: u64) -> anyhow::Result<()> {
        let place = self.place_of(number);
        let row = self.instance(number, place)?;
        let families = self.customer.families_of(place);
        let family = families[usize::try_from(mixed(number ^ 3) % families.len() as u64)?];
        let mut cumulative = Quantity::ZERO;
        for (tier, license) in (0..3).zip(&family.licenses) {
            let peak = Quantity::of(mixed(number ^ tier << 40) % 20);
            cumulative = cumulative.plus(peak);
            if row.authorized_until.is_none() {
                break;
            }
            let usage = Usage {
                instance: row.id,
                tag: license.tag.clone(),
                peak,
                cumulative_peak: cumulative,
                locked: None,
                reported_at: row.last_contact_at,
            };
            if row.counted {
                self.count(row.virtual_account, &usage);
            }
            workset.usage.insert((row.id, license.tag.clone()), usage);
        }
        workset.instances.insert(row.id, row);
        Ok(())
    }

    fn count(&mut self, place: VirtualAccountId, usage: &Usage) {
        let key = (place, usage.tag.clone());
        let total = self.totals.entry(key).or_insert_with(|| PoolTotal::new(place, usage.tag.clone()));
        total.instances += u64::from(!usage.peak.is_zero());
        total.peak = total.peak.plus(usage.peak);
        total.cumulative_peak = total.cumulative_peak.plus(usage.cumulative_peak);
    }

    fn instance(&self, number: u64, place: u64) -> anyhow::Result<Instance> {
        let customer = self.customer;
        let chance = mixed(number ^ 0xfeed);
        let registered_at = customer.hours(-i64::try_from(chance % 8_000)? - 48);
        // One in fifty was not in contact for long, one in a hundred has not reported yet.
        let silent = number.is_multiple_of(50);
        let contact_hours = if silent { 2_400 } else { i64::try_from((chance >> 16) % 720)? };
        let last_contact_at = customer.hours(-contact_hours.min(8_000)).max(registered_at);
        let authorized_until = (!number.is_multiple_of(100) || silent)
            .then(|| last_contact_at + jiff::SignedDuration::from_hours(24 * 90));
        let counted = authorized_until.is_some_and(|until| until > customer.now);
        // Renewed half a year after it was issued, and then again, as long as the instance is in contact.
        let days = last_contact_at.duration_since(registered_at).as_hours() / 24;
        let issued_at = registered_at + jiff::SignedDuration::from_hours(24 * (days - days % RENEWAL_DAYS));
        let kind = number % KINDS;
        let sn = format!("FTX{:08X}", u32::try_from(mixed(number) >> 32)? ^ u32::try_from(number)?);
        let host = format!(
            "{}-{number:06}.site{place}.large.example",
            product(kind).to_lowercase().replace(' ', "-")
        );
        Ok(Instance {
            id: ProductInstanceId(id(3, number)),
            virtual_account: customer.place(place),
            udi: Udi::new(
                format!("PID-{kind:02}"),
                format!("{sn}{number:06}"),
                Some(id(4, number).to_string()),
            )?,
            host_name: (!number.is_multiple_of(20)).then_some(host),
            product_name: format!("{} {kind}", product(kind)),
            product_type: format!("product-{kind:02}"),
            product_version: Some(format!("12.{}", chance % 7)),
            first_registered_at: registered_at,
            registered_at,
            last_contact_at,
            export_controlled: number.is_multiple_of(2),
            certificate: Some(CertificateRecord {
                serial: format!("{:x}", id(5, number).as_u128()),
                not_before: issued_at,
                not_after: issued_at + jiff::SignedDuration::from_hours(24 * 365),
                key_hash: Sha256::of(number.to_be_bytes()),
            }),
            previous_certificate: None,
            pending: None,
            exports: Vec::new(),
            authorized_until,
            counted,
            conversation: conversation(number, last_contact_at),
            ended: None,
        })
    }
}

/// A conversation after a report, as long as a true one.
fn conversation(number: u64, at: Timestamp) -> Conversation {
    let answer = format!("{{\"for\":\"{}\"}}", "answer ".repeat(ANSWER_BYTES / 7));
    Conversation {
        sequence: 40,
        last_request: Some(RequestId(id(6, number))),
        last_sent_at: Some(at),
        head: Some(Sha256::of(&answer)),
        last_answer: Some(answer),
        previous: Some(Sha256::of(number.to_le_bytes())),
        ..Conversation::default()
    }
}
