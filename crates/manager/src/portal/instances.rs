//! The Product Instances tab, one product instance, moving and removing it.

use askama::Template;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use seatpool_proto::{ProductInstanceId, Tag, VirtualAccountId};
use seatpool_store::{InstanceQuery, InstanceSort};

use super::confirm::{Choice, ConfirmPage};
use super::events::{EventRow, event_row};
use super::form::Field;
use super::frame::{Banner, Frame, Pager, Tab, Va, part_of_list};
use super::guard::Posted;
use super::licenses;
use super::next::{Step, what_next};
use super::page::{Here, ListQuery, base_of, show, show_live, show_with, with_query};
use super::part::{Chip, Count, Icon, Tone, When};
use super::problem::Problem;
use super::table::{ChoiceOption, HeadCell, Sorting};
use crate::app::access::{Permission, allows};
use crate::app::instances::{self, InstanceDetail, InstanceStatus, InstanceView, UsageView};
use crate::app::{App, AppError};

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
    certificate_ends: When,
    certificate_serial: String,
    export_controlled: bool,
    events: Vec<EventRow>,
    events_href: String,
    next: Vec<Step>,
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
    let all_licenses = here.licenses(&app).await?;
    let search = query.q.trim().to_owned();
    let tag: Option<Tag> = query.license.parse().ok();
    let sorting = Sorting::of(&SORTS, &query.sort, &query.order);
    let wanted = InstanceQuery {
        virtual_accounts: Some(vec![here.va.id]),
        text: (!search.is_empty()).then(|| search.clone()),
        tag: tag.clone(),
        sort: match sorting.by {
            "type" => InstanceSort::ProductType,
            "contact" => InstanceSort::LastContact,
            _ => InstanceSort::Name,
        },
        descending: sorting.descending,
        ..InstanceQuery::default()
    };
    let number = query.page();
    let found =
        instances::list(&app, &here.principal, here.account_id(), wanted, part_of_list(number)).await?;
    let tag_word = tag.as_ref().map_or_else(String::new, ToString::to_string);
    let path = format!("{}/instances", here.base);
    let link = |sort: &str, order: &str, page: &str| {
        with_query(
            &path,
            &[("q", &search), ("license", &tag_word), ("sort", sort), ("order", order), ("page", page)],
        )
    };
    let href = |sort: &str, order: &str| link(sort, order, "");
    let notice = match query.done.as_str() {
        "moved" => Some(Banner::new(
            Tone::Good,
            "The product instance is moved",
            "Its use counts in its new virtual account from now on.",
        )),
        "removed" => Some(Banner::new(
            Tone::Good,
            "The product instance is removed",
            "Its licenses are free again. It learns so at its next contact.",
        )),
        _ => None,
    };
    let page = InstancesPage {
        frame: here.frame(true, notice),
        va: here.head(&app, Tab::Instances, &all_licenses).await?,
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
        rows: found.items.into_iter().map(|instance| row(&here.base, instance, now)).collect(),
        may_manage: here.manages,
        pager: Pager::new(number, found.total, |page| link(sorting.by, sorting.order(), &page.to_string())),
        search: search.clone(),
    };
    show_live(&here.visit, &page, &page.as_content())
}

fn row(base: &str, instance: InstanceView, now: Timestamp) -> InstanceRow {
    InstanceRow {
        href: format!("{base}/instances/{}", instance.id),
        key: instance.id.to_string(),
        udi: format!("UDI_PID:{}; UDI_SN:{}", instance.udi.pid, instance.udi.sn),
        chips: chips(&instance),
        usage: instance
            .usage
            .iter()
            .filter(|usage| !usage.quantity.is_zero())
            .map(|usage| format!("{} {}", Count(usage.quantity.count()), usage.name))
            .collect(),
        contact: When::since(instance.last_contact_at, now),
        product: product(&instance),
        name: instance.name,
        product_type: instance.product_type,
    }
}

fn product(instance: &InstanceView) -> String {
    match &instance.product_version {
        Some(version) => format!("{} {version}", instance.product_name),
        None => instance.product_name.clone(),
    }
}

fn chips(instance: &InstanceView) -> Vec<Chip> {
    let tone = match instance.status {
        InstanceStatus::InCompliance => Tone::Good,
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

/// The same, if it is still registered.
async fn registered(app: &App, here: &Here) -> Result<InstanceView, Problem> {
    here.must_manage()?;
    let instance = found(app, here).await?.instance;
    if instance.ended.is_none() { Ok(instance) } else { Err(Problem::not_found()) }
}

/// `GET …/instances/{instance}`.
pub(crate) async fn show_instance(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let now = app.now();
    let InstanceDetail { instance, events, .. } = found(&app, &here).await?;
    let id = instance.id.to_string();
    let page = InstancePage {
        frame: here.frame(true, None),
        va: here.plain_head(),
        base: format!("{}/instances/{id}", here.base),
        product: product(&instance),
        chips: chips(&instance),
        usage: instance.usage.iter().map(|usage| usage_row(&here.base, usage, now)).collect(),
        next: what_next(&instance, app.policy(), now),
        pid: instance.udi.pid.clone(),
        sn: instance.udi.sn.clone(),
        uuid: instance.udi.uuid.clone(),
        registered: When::since(instance.registered_at, now),
        first_registered: (instance.first_registered_at != instance.registered_at)
            .then(|| When::since(instance.first_registered_at, now)),
        contact: When::since(instance.last_contact_at, now),
        authorized_until: instance.authorized_until.map(|at| When::since(at, now)),
        certificate_ends: When::since(instance.certificate.not_after, now),
        certificate_serial: instance.certificate.serial,
        export_controlled: instance.export_controlled,
        events: events.into_iter().map(|event| event_row(&here.base, event, now)).collect(),
        events_href: with_query(&format!("{}/events", here.base), &[("instance", &id)]),
        may_manage: here.manages && instance.ended.is_none(),
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

/// What an instance holds, for the sentences of a confirmation.
fn holdings(instance: &InstanceView) -> String {
    let lines: Vec<_> = instance
        .usage
        .iter()
        .filter(|usage| !usage.quantity.is_zero())
        .map(|usage| format!("{} {}", Count(usage.quantity.count()), usage.name))
        .collect();
    if lines.is_empty() { "no licenses".into() } else { lines.join(", ") }
}

fn transfer_page(here: &Here, instance: &InstanceView, field: Field) -> ConfirmPage {
    let may_receive = |id: VirtualAccountId| {
        id != here.va.id && allows(&here.principal, here.account_id(), Permission::ManageVirtualAccount(id))
    };
    let options = here.all.iter().filter(|va| may_receive(va.id));
    let own = format!("{}/instances/{}", here.base, instance.id);
    let title = format!("Transfer {}", instance.name);
    let question = "Move this product instance to another virtual account.";
    ConfirmPage {
        consequences: vec![
            format!("It uses {}: that counts in the other virtual account at once, and no longer in {}.", holdings(instance), here.va.name),
            "If the other virtual account owns too few, every product instance there that uses the license goes out of compliance.".into(),
            "It stays registered and need not be told: it keeps its identity and its certificate.".into(),
        ],
        choice: Some(Choice {
            label: "To virtual account",
            field,
            options: options.map(|va| ChoiceOption::new(va.id.to_string(), &va.name)).collect(),
        }),
        action: format!("{own}/transfer"),
        button: "Transfer".into(),
        cancel: own,
        ..ConfirmPage::new(here.frame(false, None), &here.plain_head(), title, question)
    }
}

/// `GET …/instances/{instance}/transfer`.
pub(crate) async fn confirm_transfer(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let instance = registered(&app, &here).await?;
    show(&transfer_page(&here, &instance, Field::default()))
}

/// `POST …/instances/{instance}/transfer`.
pub(crate) async fn transfer(State(app): State<App>, here: Here, form: Posted) -> Result<Response, Problem> {
    let instance = registered(&app, &here).await?;
    let mut field = Field::of(form.text("to"));
    let to: Option<VirtualAccountId> = field.value.parse().ok();
    match to.filter(|to| here.all.iter().any(|va| va.id == *to)) {
        None => field.refuse("Choose the virtual account that it goes to"),
        Some(to) => {
            match instances::transfer(&app, &here.principal, here.account_id(), instance.id, to).await {
                Ok(()) => {
                    let to = format!("{}/instances?done=moved", base_of(&here.account.domain, to));
                    return Ok(Redirect::to(&to).into_response());
                }
                Err(AppError::Refused(refused)) => field.refuse(refused.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
    }
    show_with(StatusCode::UNPROCESSABLE_ENTITY, &transfer_page(&here, &instance, field))
}

/// `GET …/instances/{instance}/remove`.
pub(crate) async fn confirm_remove(State(app): State<App>, here: Here) -> Result<Response, Problem> {
    let instance = registered(&app, &here).await?;
    let own = format!("{}/instances/{}", here.base, instance.id);
    let title = format!("Remove {}?", instance.name);
    let question = format!("UDI_PID:{}; UDI_SN:{}", instance.udi.pid, instance.udi.sn);
    show(&ConfirmPage {
        consequences: vec![
            format!("It uses {}: these are free for others at once.", holdings(&instance)),
            "Its certificate is revoked. At its next contact it is told so, and runs on what is left of its evaluation.".into(),
            "To come back it has to register again with a token. Its events stay in the event log.".into(),
        ],
        action: format!("{own}/remove"),
        button: "Remove product instance".into(),
        tone: "danger",
        cancel: own,
        ..ConfirmPage::new(here.frame(false, None), &here.plain_head(), title, question)
    })
}

/// `POST …/instances/{instance}/remove`.
pub(crate) async fn remove(State(app): State<App>, here: Here, _form: Posted) -> Result<Response, Problem> {
    let instance = registered(&app, &here).await?;
    instances::remove(&app, &here.principal, here.account_id(), instance.id).await?;
    Ok(Redirect::to(&format!("{}/instances?done=removed", here.base)).into_response())
}
