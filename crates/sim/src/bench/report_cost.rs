//! What one report costs the manager at 10 instances and at many: loading, deciding and committing it, as the
//! ledger does for a batch of one.

use core::time::Duration;
use std::path::Path;

use anyhow::{Context as _, anyhow, bail, ensure};
use jiff::{SignedDuration, Timestamp};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use seatpool_domain::command::Action;
use seatpool_domain::instance::{CertificateRecord, Conversation};
use seatpool_domain::opening::Opening;
use seatpool_domain::{
    Actor, Catalogue, Command, Context, Instance, Outcome, Policy, PoolTotal, Touches, Usage, apply,
};
use seatpool_manager::clock::{Clock, NewIds};
use seatpool_proto::message::{AuthorizationRequest, Interval, TagUsage};
use seatpool_proto::{
    AccountId, IdCertificate, Nonce, ProductInstanceId, Quantity, Request, RequestBody, RequestId, Sha256,
    Tag, Udi, VirtualAccountId,
};
use seatpool_store::{Batch, Options, Store};
use uuid::Uuid;

use super::clock::{median, now, time_async};
use super::table::Table;

/// Instances of the small account.
const FEW: u64 = 10;
/// Instances written in one transaction while the account is filled.
const CHUNK: u64 = 1_000;

/// Measures both accounts on one processor: between several, what the system takes to wake a thread on another one
/// comes and goes by tens of microseconds for each statement, and hides what is asked.
pub(super) fn measure(folder: &Path, many: u64, reports: u64, table: &mut Table) -> anyhow::Result<()> {
    let (few, many_span) = std::thread::scope(|scope| {
        scope
            .spawn(|| {
                stay_on_one_processor()?;
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
                runtime.block_on(medians(folder, many, reports))
            })
            .join()
            .map_err(|_| anyhow!("the measurement panicked"))?
    })?;
    table.line(
        &format!("one report at {many} instances, median of {reports}, one processor"),
        format!("{many_span:.1?}"),
        format!("{few:.1?} at {FEW} instances (limit 1.2)"),
        many_span.as_secs_f64() / few.as_secs_f64(),
    );
    Ok(())
}

/// Keeps this thread, and those that it starts, on the last of its processors.
fn stay_on_one_processor() -> anyhow::Result<()> {
    let allowed = sched_getaffinity(None)?;
    let last = (0..CpuSet::MAX_CPU).rfind(|cpu| allowed.is_set(*cpu)).context("there is a processor")?;
    let mut one = CpuSet::new();
    one.set(last);
    Ok(sched_setaffinity(None, &one)?)
}

/// Both accounts in turns, so that a change of the machine's speed meets both alike.
async fn medians(folder: &Path, many: u64, reports: u64) -> anyhow::Result<(Duration, Duration)> {
    let mut small = Filled::new(&folder.join("few"), FEW).await?;
    let mut large = Filled::new(&folder.join("many"), many).await?;
    let (mut few_spans, mut many_spans) = (Vec::new(), Vec::new());
    for round in 0..reports {
        // Who comes second pays for what the first left to the disk.
        if round % 2 == 0 {
            few_spans.push(small.report(round).await?);
            many_spans.push(large.report(round).await?);
        } else {
            many_spans.push(large.report(round).await?);
            few_spans.push(small.report(round).await?);
        }
    }
    Ok((median(few_spans), median(many_spans)))
}

/// An account with registered, counted instances in a store of its own.
struct Filled {
    store: Store,
    account: AccountId,
    catalogue: Catalogue,
    instances: u64,
    heads: Vec<Option<Sha256>>,
    tag: Tag,
    start: Timestamp,
}

impl Filled {
    async fn new(folder: &Path, instances: u64) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder)?;
        let url = format!("sqlite:{}", folder.join("seatpool.db").display());
        let store = Store::open(&Options { url, connections: 2, create: true }).await?;
        store.migrate().await?;
        let account = AccountId(Uuid::from_u128(1));
        let start = now();
        let opening = Opening {
            id: account,
            default_virtual_account: virtual_account(),
            domain: "bench.example".to_owned(),
            name: "Bench".to_owned(),
            export_permitted: false,
            universal_permitted: false,
            administrator: None,
            actor: Actor::System,
            source: None,
        };
        store.create_account(opening.into_workset(start)?).await?;
        let catalogue = Catalogue::from_toml([Catalogue::SHIPPED])?;
        let tag: Tag = "CCX_PREMIUM".parse()?;
        let heads = vec![None; usize::try_from(instances)?];
        let mut filled = Self { store, account, catalogue, instances, heads, tag, start };
        let chunks = (0..instances).step_by(usize::try_from(CHUNK)?);
        for first in chunks.clone() {
            filled.fill(first, (first + CHUNK).min(instances)).await?;
        }
        for first in chunks {
            filled.report_each(first, (first + CHUNK).min(instances)).await?;
        }
        Ok(filled)
    }

    /// Writes the instances `first..end`, each with a usage of one.
    async fn fill(&self, first: u64, end: u64) -> anyhow::Result<()> {
        let mut batch = self.store.begin(self.account, &Touches::default(), &self.catalogue).await?;
        let workset = &mut batch.workset;
        for number in first..end {
            workset.instances.insert(instance_id(number), instance(number, self.start)?);
            let usage = Usage {
                instance: instance_id(number),
                tag: self.tag.clone(),
                peak: Quantity::of(1),
                cumulative_peak: Quantity::of(1),
                locked: None,
                reported_at: self.start,
            };
            workset.usage.insert((instance_id(number), self.tag.clone()), usage);
        }
        if end == self.instances {
            let total = PoolTotal {
                instances: end,
                peak: Quantity::of(end),
                cumulative_peak: Quantity::of(end),
                ..PoolTotal::new(virtual_account(), self.tag.clone())
            };
            workset.totals.insert((virtual_account(), self.tag.clone()), total);
        }
        Ok(batch.commit().await?)
    }

    /// A first report of each instance in `first..end`: from then on its row holds an answer, as in a fleet at work.
    async fn report_each(&mut self, first: u64, end: u64) -> anyhow::Result<()> {
        let touches = Touches { instances: (first..end).map(instance_id).collect(), ..Touches::default() };
        let mut batch = self.store.begin(self.account, &touches, &self.catalogue).await?;
        for number in first..end {
            let command = self.command(number, 0)?;
            self.decide(number, command, &mut batch)?;
        }
        Ok(batch.commit().await?)
    }

    /// How long the `round`th report takes. Each comes from another instance, spread over the whole account.
    async fn report(&mut self, round: u64) -> anyhow::Result<Duration> {
        // A step that shares no factor with the number of instances visits all of them.
        let number = (round * 7_919) % self.instances;
        let command = self.command(number, round + 1)?;
        let touches = command.touches();
        let (span, done) = time_async(async {
            let mut batch = self.store.begin(self.account, &touches, &self.catalogue).await?;
            self.decide(number, command, &mut batch)?;
            anyhow::Ok(batch.commit().await?)
        })
        .await;
        done?;
        Ok(span)
    }

    /// Applies a report and keeps the hash of its answer for the next one.
    fn decide(&mut self, number: u64, command: Command, batch: &mut Batch) -> anyhow::Result<()> {
        let Action::Ask { request, .. } = &command.action else { bail!("a report asks") };
        let (policy, mut ids) = (Policy::default(), NewIds(Clock::default()));
        let mut context =
            Context { now: request.sent_at, catalogue: &self.catalogue, policy: &policy, ids: &mut ids };
        let outcome = apply(command, &mut batch.workset, &mut context)?;
        let Outcome::Answer { text, .. } = outcome else { bail!("a report is answered") };
        self.heads[usize::try_from(number)?] = Some(Sha256::of(text));
        Ok(())
    }

    /// The `round`th report of an instance.
    fn command(&self, number: u64, round: u64) -> anyhow::Result<Command> {
        let request = self.request(number, round, self.heads[usize::try_from(number)?])?;
        Ok(Command {
            actor: Actor::Instance(instance_id(number).to_string()),
            source: None,
            action: Action::Ask { request, certificate: certificate(number, self.start) },
        })
    }

    fn request(&self, number: u64, round: u64, last_answer: Option<Sha256>) -> anyhow::Result<Request> {
        let end = self.start.checked_add(SignedDuration::from_millis(i64::try_from(round + 1)?))?;
        Ok(Request {
            version: seatpool_proto::message::VERSION,
            request_id: RequestId(Uuid::from_u128(u128::from(round) << 64 | u128::from(number))),
            nonce: Nonce([0; 16]),
            sequence: round + 2,
            sent_at: end,
            last_answer,
            unanswered: Vec::new(),
            account_id: Some(self.account),
            product_instance_id: Some(instance_id(number)),
            udi: udi(number)?,
            body: RequestBody::Authorization(AuthorizationRequest {
                interval: Interval { start: self.start, end },
                scheduled: true,
                usage: vec![TagUsage {
                    tag: self.tag.clone(),
                    peak: Quantity::of(1 + round % 3),
                    locked: None,
                }],
                families: Vec::new(),
            }),
        })
    }
}

fn virtual_account() -> VirtualAccountId {
    VirtualAccountId(Uuid::from_u128(2))
}

fn instance_id(number: u64) -> ProductInstanceId {
    // Spread over the index as random ids are.
    ProductInstanceId(Uuid::from_u128(
        u128::from(number.wrapping_mul(0x9e37_79b9_7f4a_7c15)) << 64 | u128::from(number),
    ))
}

fn udi(number: u64) -> anyhow::Result<Udi> {
    Udi::new("UCCX", format!("SN{number}"), None).context("the UDI is in shape")
}

fn certificate(number: u64, start: Timestamp) -> IdCertificate {
    IdCertificate {
        product_instance_id: instance_id(number),
        product: "Bench".to_owned(),
        serial: format!("{:x}", number + 1),
        not_before: start,
        not_after: start + SignedDuration::from_hours(24 * 365),
        public_key: vec![4; 91],
    }
}

fn instance(number: u64, start: Timestamp) -> anyhow::Result<Instance> {
    let certificate = certificate(number, start);
    let record = CertificateRecord {
        serial: certificate.serial,
        not_before: certificate.not_before,
        not_after: certificate.not_after,
        key_hash: Sha256::of(&certificate.public_key),
    };
    let until = start + SignedDuration::from_hours(24 * 90);
    ensure!(until > start, "the authorization lies ahead");
    Ok(Instance {
        id: instance_id(number),
        virtual_account: virtual_account(),
        udi: udi(number)?,
        host_name: Some(format!("ccx-{number}.example")),
        product_name: "Bench".to_owned(),
        product_type: "unified-ccx".to_owned(),
        product_version: Some("12.5".to_owned()),
        first_registered_at: start,
        registered_at: start,
        last_contact_at: start,
        export_controlled: false,
        certificate: Some(record),
        previous_certificate: None,
        pending: None,
        exports: Vec::new(),
        authorized_until: Some(until),
        counted: true,
        conversation: Conversation { sequence: 1, ..Conversation::default() },
        ended: None,
    })
}
