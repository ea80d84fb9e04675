//! Reservations: what an administrator does with the codes that people carry to and from products that are never in
//! contact (features.md, D2 to D5 and A12).
//!
//! What the ledger has on record is signed when it is asked for: an authorization code is lost by no crash, and two
//! copies of one code say the same.

mod entry;
pub mod preview;
mod signed;
mod view;

use seatpool_domain::command::{Action, Outcome, RehostStep, ReserveLine};
use seatpool_domain::lot::DeclarationState;
use seatpool_domain::reservation::is_coverable;
use seatpool_domain::{Refused, Reservation};
use seatpool_proto::code::{
    ConfirmationCode, ConfirmationRefused, InvalidConfirmationCode, InvalidRequestCode, InvalidReturnCode,
    RequestCode, ReservationKind, ReturnCode, ReturnRefused, picture,
};
use seatpool_proto::{AccountId, LotId, ProductInstanceId, Quantity, VirtualAccountId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::{self, Permission, Principal, allows, check, unknown};
use super::accounts::{self, invalid};
use super::inventory::{self, LicenseView, LotStatus, LotView};
use super::{App, AppError};
pub(crate) use entry::Entries;
pub(crate) use signed::Signed;
pub use view::{CodeView, HeldView, RehostView, ReservationView};

/// One license to reserve, as people give it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Reserve {
    /// The licence, by name or tag.
    pub license: String,
    /// Which lot; if absent, those that last longest first.
    #[serde(default)]
    #[schema(value_type = Option<Uuid>)]
    pub lot: Option<LotId>,
    /// How many, at least one.
    #[schema(value_type = u64)]
    pub quantity: Quantity,
}

/// What a request code asks for, and what it was answered with before.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The code.
    pub request: RequestCode,
    /// The reservation that was made for it, if one was; perhaps of the past.
    pub reservation: Option<Reservation>,
    /// What can be reserved.
    pub offers: Vec<Offer>,
}

/// What can be reserved of one licence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The licence with its lots.
    pub license: LicenseView,
    /// How many can be reserved now: neither in use, nor reserved, nor moved out.
    pub available: Quantity,
    /// Whether it stands in for lower licences of its family.
    pub supports_substitution: bool,
}

fn unreadable(field: &'static str, error: &impl core::fmt::Display) -> AppError {
    AppError::Refused(Refused::Invalid { field, problem: format!("can't be taken: {error}") })
}

/// Reads a request code: in one piece, as it is read aloud, or as the numbered parts of its pictures.
pub fn request_code(text: &str) -> Result<RequestCode, AppError> {
    let parts = picture::joined_solid(text).transpose();
    let whole = parts.map_err(|error| unreadable("request code", &error))?;
    whole
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|error: InvalidRequestCode| unreadable("request code", &error))
}

/// The same, with a device key that confirmation and return codes can be checked by.
fn usable_request(app: &App, text: &str) -> Result<RequestCode, AppError> {
    let request = request_code(text)?;
    if app.ca().reservation_key()?.authenticate(&request.public_key, b"").is_err() {
        return Err(unreadable("request code", &"its key is none: make a new one on the product"));
    }
    Ok(request)
}

/// Looks at a request code before anything is reserved for it.
pub async fn look_at(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    code: &str,
) -> Result<Asked, AppError> {
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
    let request = usable_request(app, code)?;
    let before = app.store().reservation_of_request(account, request.digest()).await?;
    let readable =
        |row: &Reservation| allows(principal, account, Permission::ReadVirtualAccount(row.virtual_account));
    let reservation = before.filter(readable);
    Ok(Asked { offers: offers(app, principal, account, virtual_account).await?, reservation, request })
}

/// What can be reserved in a virtual account, by name.
pub async fn offers(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
) -> Result<Vec<Offer>, AppError> {
    check(principal, account, Permission::ReadVirtualAccount(virtual_account))?;
    let licenses = inventory::licenses(app, principal, account, &[virtual_account]).await?;
    let now = app.now();
    let offer = |mut license: LicenseView| {
        // What waits for the vendor to confirm it is not reserved, nor what no code could cover.
        license.lots.retain(|lot| !waits(lot) && is_coverable(lot.ends_at, now));
        let active = license.lots.iter().filter(|lot| lot.status == LotStatus::Active);
        let left: Quantity = active.map(|lot| lot.quantity.minus(lot.reserved).minus(lot.moved_out)).sum();
        license.purchased = license.purchased.minus(license.declared);
        let family = app.catalogue().family_of(&license.tag);
        let tier = family.and_then(|family| Some((family.licenses.len(), family.tier(&license.tag)?)));
        let available = Quantity::of(u64::try_from(license.balance).unwrap_or_default())
            .minus(license.declared)
            .min(left);
        Offer {
            supports_substitution: tier.is_some_and(|(tiers, tier)| tier + 1 < tiers),
            available,
            license,
        }
    };
    let counts = |offer: &Offer| offer.license.lots.iter().any(|lot| lot.status == LotStatus::Active);
    Ok(licenses.into_iter().map(offer).filter(counts).collect())
}

fn waits(lot: &LotView) -> bool {
    lot.declaration.as_ref().is_some_and(|declaration| declaration.state == DeclarationState::Declared)
}

/// Reserves for a request code. The same code again gives what it gave before.
pub async fn reserve(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_account: VirtualAccountId,
    code: &str,
    lines: &[Reserve],
) -> Result<ReservationView, AppError> {
    check(principal, account, Permission::ManageVirtualAccount(virtual_account))?;
    let request = usable_request(app, code)?;
    let manager = app.ca().reservation_point()?;
    let lines = lines_of(app, lines)?;
    let action = Action::Reserve { virtual_account, request, manager, lines };
    let made = access::submit(app, principal, account, action).await;
    let Outcome::Reserved(instance) = made.map_err(|error| discreet(error, principal, account))? else {
        return Err(AppError::Internal);
    };
    get(app, principal, account, instance).await
}

/// What is said of the device to who may not read the whole account names no other virtual account.
fn discreet(error: AppError, principal: &Principal, account: AccountId) -> AppError {
    match error {
        AppError::Refused(Refused::Reservation {
            code: code @ ("request_used" | "already_reserved" | "registered"),
            ..
        }) if !allows(principal, account, Permission::ReadAccount) => {
            let detail = "this product instance is registered in this smart account, or holds a reservation, or its request \
                          code was used: ask an account administrator, or make a new request code on the product";
            AppError::Refused(Refused::Reservation { code, detail: detail.to_owned() })
        }
        other => other,
    }
}

fn lines_of(app: &App, lines: &[Reserve]) -> Result<Vec<ReserveLine>, AppError> {
    let line = |line: &Reserve| {
        let tag = inventory::known_tag(app, &line.license)?;
        Ok(ReserveLine { tag, lot: line.lot, quantity: line.quantity })
    };
    lines.iter().map(line).collect()
}

/// The reservation of a product instance, if `principal` may see it; also one that has ended.
async fn found(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
) -> Result<Reservation, AppError> {
    check(principal, account, Permission::SeeAccount)?;
    let found = app.store().reservation(account, instance).await?;
    let readable =
        |row: &Reservation| allows(principal, account, Permission::ReadVirtualAccount(row.virtual_account));
    found.filter(readable).ok_or_else(|| unknown("reservation"))
}

/// A reservation.
pub async fn get(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
) -> Result<ReservationView, AppError> {
    let row = found(app, principal, account, instance).await?;
    let place = accounts::virtual_account(app, principal, account, &row.virtual_account.to_string()).await?;
    Ok(view::of(app, row, place))
}

/// The reservations of these virtual accounts (of all that `principal` may read, if none are given) that have not ended.
pub async fn list(
    app: &App,
    principal: &Principal,
    account: AccountId,
    virtual_accounts: &[VirtualAccountId],
) -> Result<Vec<ReservationView>, AppError> {
    let readable = accounts::virtual_accounts(app, principal, account).await?;
    let chosen = inventory::chosen(readable, virtual_accounts)?;
    let ids: Vec<_> = chosen.iter().map(|row| row.id).collect();
    let rows = app.store().reservations(account, &ids).await?;
    let view = |row: Reservation| {
        let place = chosen.iter().find(|place| place.id == row.virtual_account)?.clone();
        Some(view::of(app, row, place))
    };
    Ok(rows.into_iter().filter_map(view).collect())
}

/// The authorization code that the product is to install, signed now or lately; of a reservation that has not ended.
pub async fn authorization_code(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
) -> Result<String, AppError> {
    let row = found(app, principal, account, instance).await?;
    check(principal, account, Permission::ManageVirtualAccount(row.virtual_account))?;
    if !row.is_open() {
        return Err(unknown("reservation"));
    }
    let code = (instance, row.latest().sequence);
    app.signed().text(code, app.clock().real(), || {
        Ok(app.ca().authorize(row.grant(), row.udi.clone(), row.request)?.to_text())
    })
}

/// Changes what a reservation holds: all that it is to hold is given.
pub async fn update(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
    lines: &[Reserve],
) -> Result<ReservationView, AppError> {
    managed(app, principal, account, instance).await?;
    let action = Action::UpdateReservation { instance, lines: lines_of(app, lines)? };
    access::submit(app, principal, account, action).await?;
    get(app, principal, account, instance).await
}

/// Enters the confirmation code that the product printed when it installed a change.
pub async fn confirm(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
    code: &str,
) -> Result<ReservationView, AppError> {
    let row = managed(app, principal, account, instance).await?;
    let code: ConfirmationCode =
        code.parse().map_err(|error: InvalidConfirmationCode| unreadable("confirmation code", &error))?;
    let sequence = row.latest().sequence;
    // Where nothing waits, there is nothing to guess: the code is the last one once more, or of no use.
    if row.transit.is_some() {
        app.entries().attempt(instance, app.now())?;
    }
    match code.check(&row.facts(sequence), app.ca().reservation_key()?) {
        Ok(()) => app.entries().right(instance),
        Err(ConfirmationRefused::Agreement(error)) => {
            tracing::error!(%error, "a confirmation code can't be checked");
            return Err(AppError::Internal);
        }
        Err(_) if row.transit.is_none() => {
            let detail =
                "no change of this reservation waits for a confirmation code: the last one was entered"
                    .to_owned();
            return Err(AppError::Refused(Refused::Reservation { code: "confirmed", detail }));
        }
        Err(error) => return Err(unreadable("confirmation code", &error)),
    }
    access::submit(app, principal, account, Action::ConfirmReservation { instance, sequence }).await?;
    get(app, principal, account, instance).await
}

/// Enters the return code that the product printed; what is left of the reservation, which is nothing unless a change
/// was given back that had not been installed.
pub async fn give_back(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
    code: &str,
) -> Result<ReservationView, AppError> {
    let row = found(app, principal, account, instance).await?;
    check(principal, account, Permission::ManageVirtualAccount(row.virtual_account))?;
    let code: ReturnCode =
        code.parse().map_err(|error: InvalidReturnCode| unreadable("return code", &error))?;
    app.entries().attempt(instance, app.now())?;
    let sequence = row.code(code.sequence).map_or(row.latest().sequence, |known| known.sequence);
    match code.check(&row.facts(sequence), app.ca().reservation_key()?) {
        Ok(()) => app.entries().right(instance),
        Err(ReturnRefused::Agreement(error)) => {
            tracing::error!(%error, "a return code can't be checked");
            return Err(AppError::Internal);
        }
        Err(error) => return Err(unreadable("return code", &error)),
    }
    let action = Action::ReturnReservation { instance, sequence, returned: code.returned };
    access::submit(app, principal, account, action).await?;
    get(app, principal, account, instance).await
}

/// Releases the licences of a failed product without its return code, or takes a step towards it.
pub async fn rehost(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
    step: RehostStep,
    reason: String,
) -> Result<ReservationView, AppError> {
    let row = found(app, principal, account, instance).await?;
    check(
        principal,
        account,
        match step {
            RehostStep::Release => Permission::Deposit,
            RehostStep::Ask => Permission::ManageVirtualAccount(row.virtual_account),
            RehostStep::Approve | RehostStep::Refuse => Permission::Approve,
        },
    )?;
    access::submit(app, principal, account, Action::Rehost { instance, step, reason }).await?;
    get(app, principal, account, instance).await
}

/// An open reservation that `principal` may change.
async fn managed(
    app: &App,
    principal: &Principal,
    account: AccountId,
    instance: ProductInstanceId,
) -> Result<Reservation, AppError> {
    let row = found(app, principal, account, instance).await?;
    check(principal, account, Permission::ManageVirtualAccount(row.virtual_account))?;
    if row.is_open() { Ok(row) } else { Err(unknown("reservation")) }
}

/// The word that the compatible API uses, as a kind.
pub fn kind_of(word: &str) -> Result<ReservationKind, AppError> {
    match word.trim().to_uppercase().as_str() {
        "SPECIFIC" => Ok(ReservationKind::Specific),
        "UNIVERSAL" => Ok(ReservationKind::Universal),
        other => Err(invalid("reservationType", &format!("is {other:?}: give SPECIFIC or UNIVERSAL"))),
    }
}
