//! The Product Instances tab, one product instance, moving and removing it.

use std::collections::BTreeMap;

use askama::Template;
use axum::extract::{Query, State};
use axum::response::Response;
use jiff::Timestamp;
use seatpool_proto::{ProductInstanceId, Tag};
use seatpool_store::{InstanceQuery, InstanceSort};

use super::csv;
use super::events::{EventRow, event_row};
use super::explained::Explained;
use super::form::Field;
use super::frame::{Banner, Frame, Pager, Tab, Va, part_of_list};
use super::licenses;
use super::page::{Here, ListQuery, show_live, with_query};
use super::part::{Chip, Count, Icon, Tone, When};
use super::problem::Problem;
use super::reservation::{self, Held};
use super::table::{ChoiceOption, HeadCell, Sorting};
use crate::app::instances::{self, InstanceDetail, InstanceStatus, InstanceView, UsageView};
use crate::app::{App, explain, reservations};

#[derive(Template)]
#[template(path = "instances.html", blocks = ["content"])]
struct InstancesPage {
    frame: Frame,
    va: Va,
    search: String,
    license: Option<String>,
    license_tag: String,
    sort: &'static str,
    order: &'static str,
    heads: Vec<HeadCell>,
    rows: Vec<InstanceRow>,
    may_manage: bool,
    product_type: Field,
    product_types: Vec<ChoiceOption>,
    csv: String,
    /// Where ticked rows are moved and removed.
    selected: String,
    pager: Pager,
}

struct InstanceRow {
    key: String,
    href: String,
    name: String,
    udi: String,
    product_type: String,
    product: String,
    usage: Vec<String>,
    chips: Vec<Chip>,
    contact: When,
    reserved: bool,
}

#[derive(Template)]
#[template(path = "instance.html", blocks = ["content"])]
struct InstancePage {
    frame: Frame,
    va: Va,
    base: String,
    name: String,
    product: String,
    chips: Vec<Chip>,
    usage: Vec<UsageRow>,
    pid: String,
    sn: String,
    uuid: Option<String>,
    host: Option<String>,
    product_type: String,
    version: Option<String>,
    registered: When,
    first_registered: Option<When>,
    contact: When,
    authorized_until: Option<When>,
    ended: Option<When>,
    /// When its certificate ends, and its serial number.
    certificate: Option<(When, String)>,
    export_controlled: bool,
    usage_csv: String,
    events: Vec<EventRow>,
    time_head: HeadCell,
    events_href: String,
    events_csv: String,
    /// None where a reservation says it all.
    explained: Explained,
    held: Option<Held>,
    may_manage: bool,
}

struct UsageRow {
    href: String,
    name: String,
    tag: String,
    quantity: Count,
    locked: Option<Count>,
    status: Chip,
    reported: When,
}

/// What the list can be sorted by, and which way first.
const SORTS: [(&str, bool); 3] = [("name", false), ("type", false), ("contact", true)];

/// `GET …/instances`.
pub(crate) async fn show_instances(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let search = query.q.trim().to_owned();
    let tag: Option<Tag> = query.license.parse().ok();
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let wanted = InstanceQuery {
        virtual_accounts: Some(vec![here.va.id]),
        text: (!search.is_empty()).then(|| search.clone()),
        tag: tag.clone(),
        product_type: Some(query.product_type.trim().to_owned()).filter(|kind| !kind.is_empty()),
        sort: match sorting.by {
            "type" => InstanceSort::ProductType,
            "contact" => InstanceSort::LastContact,
            _ => InstanceSort::Name,
        },
        descending: sorting.descending,
    };
    let path = format!("{}/instances", here.base);
    if query.wants_file() {
        let (app, principal, account) = (app.clone(), here.principal.clone(), here.account_id());
        return csv::streamed(&format!("instances-{}", here.va.name), &HEAD, move |page| {
            let (app, principal, wanted) = (app.clone(), principal.clone(), wanted.clone());
            async move {
                let found = instances::list(&app, &principal, account, wanted, page).await?;
                Ok(found.items.into_iter().map(cells).collect())
            }
        })
        .await;
    }
    let number = query.page();
    let found =
        instances::list(&app, &here.principal, here.account_id(), wanted, part_of_list(number)).await?;
    let tag_word = tag.as_ref().map_or_else(String::new, ToString::to_string);
    let href = |sort: &str, order: &str| query.href(&path, &[("sort", sort), ("order", order)]);
    let notice = notice(&query.done);
    let holds = holds_of(&app, &here, &found.items).await?;
    let page = InstancesPage {
        frame: here.frame(true, notice),
        va: here.head(&app, Tab::Instances).await?,
        license: tag.as_ref().map(|tag| crate::app::inventory::name_of(&app, tag)),
        license_tag: tag_word.clone(),
        sort: sorting.by,
        order: sorting.order(),
        heads: vec![
            sorting.head("Name", "name", false, href),
            sorting.head("Product type", "type", false, href),
            HeadCell::plain("Licenses in use"),
            HeadCell::plain("Alerts"),
            sorting.head("Last contact", "contact", true, href),
        ],
        rows: found.items.into_iter().map(|instance| row(&here.base, instance, &holds, now)).collect(),
        may_manage: here.manages,
        pager: Pager::new(number, found.total, |page| query.page_href(&path, page))?,
        csv: query.file_href(&path),
        selected: format!("{path}/selected"),
        product_type: Field::of(query.product_type.trim()),
        product_types: product_types(&app),
        search,
    };
    show_live(&here.visit, &page, &page.as_content())
}

/// What came of moving or removing, which the path says as a word and how many.
fn notice(done: &str) -> Option<Banner> {
    if done == "none" {
        let text = "Tick the product instances that you mean, then choose what to do with them.";
        return Some(Banner::new(Tone::Warn, "Nothing is chosen", text));
    }
    let (word, count) = done.split_once('-')?;
    let count: u64 = count.parse().ok()?;
    let (what, has, its) = if count == 1 {
        ("The product instance".to_owned(), "is", "Its")
    } else {
        (format!("{count} product instances"), "are", "Their")
    };
    match word {
        "moved" => Some(Banner::new(
            Tone::Good,
            format!("{what} {has} moved"),
            format!("{its} use counts in this virtual account from now on."),
        )),
        "removed" => Some(Banner::new(
            Tone::Good,
            format!("{what} {has} removed"),
            format!("{its} licenses are free again. At the next contact that is told."),
        )),
        "returned" => Some(Banner::new(
            Tone::Good,
            format!("{what} {has} removed"),
            "Its return code is entered: the licenses that it held are free again.",
        )),
        "released" => Some(Banner::new(
            Tone::Good,
            format!("{what} {has} removed"),
            "The licenses that it held are free again, without its return code.",
        )),
        _ => None,
    }
}

/// The product types that the catalogue knows.
fn product_types(app: &App) -> Vec<ChoiceOption> {
    let families = app.catalogue().families();
    let types = families.flat_map(|family| &family.licenses).flat_map(|license| &license.product_types);
    let mut types: Vec<_> = types.map(|kind| ChoiceOption::new(kind, kind)).collect();
    types.sort_by(|a, b| a.value.cmp(&b.value));
    types.dedup();
    types
}

/// What the reserved ones of a list hold, in lines.
type Holds = BTreeMap<ProductInstanceId, Vec<String>>;

async fn holds_of(app: &App, here: &Here, listed: &[InstanceView]) -> Result<Holds, Problem> {
    let mut holds = Holds::new();
    for row in listed.iter().filter(|row| row.status == InstanceStatus::Reserved) {
        let found = reservations::get(app, &here.principal, here.account_id(), row.id).await?;
        holds.insert(row.id, reservation::brief(&found));
    }
    Ok(holds)
}

fn row(base: &str, instance: InstanceView, holds: &Holds, now: Timestamp) -> InstanceRow {
    InstanceRow {
        reserved: instance.status == InstanceStatus::Reserved,
        href: format!("{base}/instances/{}", instance.id),
        key: instance.id.to_string(),
        udi: format!("UDI_PID:{}; UDI_SN:{}", instance.udi.pid, instance.udi.sn),
        chips: chips(&instance),
        usage: instance
            .usage
            .iter()
            .filter(|usage| !usage.quantity.is_zero())
            .map(|usage| format!("{} {}", Count(usage.quantity.count()), usage.name))
            .chain(holds.get(&instance.id).into_iter().flatten().cloned())
            .collect(),
        contact: When::since(instance.last_contact_at, now),
        product: product(&instance),
        name: instance.name,
        product_type: instance.product_type,
    }
}

pub(crate) fn product(instance: &InstanceView) -> String {
    match &instance.product_version {
        Some(version) => format!("{} {version}", instance.product_name),
        None => instance.product_name.clone(),
    }
}

pub(crate) fn chips(instance: &InstanceView) -> Vec<Chip> {
    let tone = match instance.status {
        InstanceStatus::InCompliance | InstanceStatus::Reserved => Tone::Good,
        InstanceStatus::Waiting => Tone::Note,
        InstanceStatus::Ended => Tone::Plain,
        InstanceStatus::OutOfCompliance
        | InstanceStatus::AuthorizationExpired
        | InstanceStatus::RegistrationExpired => Tone::Bad,
    };
    let mut chips = vec![Chip::new(tone, instance.status.words())];
    if instance.usage.iter().any(|usage| usage.locked.is_some()) {
        chips.push(Chip::new(Tone::Warn, "Usage locked"));
    }
    chips
}

/// The instance that the path names, if it is in this virtual account.
async fn found(app: &App, here: &Here) -> Result<InstanceDetail, Problem> {
    let id: ProductInstanceId = here.id("instance")?;
    let detail = instances::detail(app, &here.principal, here.account_id(), id).await?;
    if detail.instance.virtual_account.id == here.va.id { Ok(detail) } else { Err(Problem::not_found()) }
}

/// `GET …/instances/{instance}`.
pub(crate) async fn show_instance(
    State(app): State<App>,
    here: Here,
    Query(query): Query<ListQuery>,
) -> Result<Response, Problem> {
    let now = app.now();
    let InstanceDetail { instance, events, .. } = found(&app, &here).await?;
    let id = instance.id.to_string();
    let held = Held::of(&app, &here, instance.id).await?;
    if let Some(held) = held.as_ref().filter(|_| query.wants_file()) {
        return Ok(held.as_file(&instance.name));
    }
    if query.wants_file() {
        let rows = instance.usage.iter().map(usage_cells);
        return Ok(csv::whole(&format!("licenses-in-use-{}", instance.name), &USAGE_HEAD, rows));
    }
    let own = format!("{}/instances/{id}", here.base);
    let explanation = explain::instance(&app, &here.principal, here.account_id(), instance.id).await?;
    let explained = Explained::new(&explanation, &here.doors(), &own, now);
    let mut chips = chips(&instance);
    chips.extend(held.as_ref().and_then(|held| held.chip.clone()));
    let page = InstancePage {
        frame: here.frame(true, reservation::notice(&query.done)),
        va: here.plain_head(),
        base: format!("{}/instances/{id}", here.base),
        product: product(&instance),
        chips,
        usage: instance.usage.iter().map(|usage| usage_row(&here.base, usage, now)).collect(),
        explained,
        pid: instance.udi.pid.clone(),
        sn: instance.udi.sn.clone(),
        uuid: instance.udi.uuid.clone(),
        registered: When::since(instance.registered_at, now),
        first_registered: (instance.first_registered_at != instance.registered_at)
            .then(|| When::since(instance.first_registered_at, now)),
        contact: When::since(instance.last_contact_at, now),
        authorized_until: instance.authorized_until.map(|at| When::since(at, now)),
        ended: instance.ended.as_ref().map(|ended| When::since(ended.at, now)),
        certificate: instance
            .certificate
            .map(|certificate| (When::since(certificate.not_after, now), certificate.serial)),
        export_controlled: instance.export_controlled,
        events: events.into_iter().map(|event| event_row(Some(&here.base), event, now)).collect(),
        time_head: HeadCell::plain("Time"),
        usage_csv: with_query(&own, &[("format", "csv")]),
        events_href: with_query(&format!("{}/events", here.base), &[("instance", &id)]),
        events_csv: with_query(&format!("{}/events", here.base), &[("instance", &id), ("format", "csv")]),
        may_manage: here.manages && instance.ended.is_none() && held.is_none(),
        held,
        name: instance.name,
        host: instance.host_name,
        product_type: instance.product_type,
        version: instance.product_version,
    };
    show_live(&here.visit, &page, &page.as_content())
}

fn usage_row(base: &str, usage: &UsageView, now: Timestamp) -> UsageRow {
    UsageRow {
        href: licenses::href(base, &usage.tag),
        name: usage.name.clone(),
        tag: usage.tag.to_string(),
        quantity: Count(usage.quantity.count()),
        locked: usage.locked.map(|_| Count(usage.peak.count())),
        status: if usage.short {
            Chip::new(Tone::Bad, "Out Of Compliance")
        } else {
            Chip::new(Tone::Good, "In Compliance")
        },
        reported: When::since(usage.reported_at, now),
    }
}

/// Heads of the file of what an instance uses.
const USAGE_HEAD: [&str; 6] = ["license", "tag", "in use", "really", "status", "reported"];

fn usage_cells(usage: &UsageView) -> csv::Row {
    let status = if usage.short { "Out Of Compliance" } else { "In Compliance" };
    vec![
        usage.name.clone(),
        usage.tag.to_string(),
        usage.quantity.to_string(),
        usage.peak.to_string(),
        status.to_owned(),
        csv::instant(usage.reported_at),
    ]
}

/// What an instance holds, in a line.
pub(crate) fn holdings(instance: &InstanceView) -> String {
    let lines: Vec<_> = instance
        .usage
        .iter()
        .filter(|usage| !usage.quantity.is_zero())
        .map(|usage| format!("{} {}", Count(usage.quantity.count()), usage.name))
        .collect();
    if lines.is_empty() { "no licenses".into() } else { lines.join(", ") }
}

/// Heads of the file.
const HEAD: [&str; 15] = [
    "name",
    "product id",
    "serial number",
    "uuid",
    "product",
    "product type",
    "version",
    "status",
    "virtual account",
    "licenses in use",
    "registered",
    "last contact",
    "authorized until",
    "certificate expires",
    "id",
];

fn cells(row: InstanceView) -> csv::Row {
    let usage = holdings(&row).replace('\u{202f}', "");
    vec![
        row.name,
        row.udi.pid,
        row.udi.sn,
        row.udi.uuid.unwrap_or_default(),
        row.product_name,
        row.product_type,
        row.product_version.unwrap_or_default(),
        row.status.words().to_owned(),
        row.virtual_account.name,
        usage,
        csv::instant(row.registered_at),
        csv::instant(row.last_contact_at),
        row.authorized_until.map_or_else(String::new, csv::instant),
        row.certificate.map(|certificate| csv::instant(certificate.not_after)).unwrap_or_default(),
        row.id.to_string(),
    ]
}
