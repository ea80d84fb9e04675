//! Reservations by codes that people carry to and from products that are never in contact.

use axum::Json;
use axum::extract::FromRequestParts;
use http::StatusCode;
use http::request::Parts;
use seatpool_domain::command::RehostStep;
use seatpool_proto::ProductInstanceId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::extract::{Body, InAccount, InPlace, PlaceParams, Query, part_of_path};
use super::refusals::{OfManager, OfReader};
use crate::app::App;
use crate::app::access::unknown;
use crate::app::reservations::{self, ReservationView, Reserve};
use crate::rest::problem::Problem;

/// A reservation of the path: the id of the product instance that it made.
pub(crate) struct OfInstance {
    at: InAccount,
    instance: ProductInstanceId,
}

impl FromRequestParts<App> for OfInstance {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Problem> {
        let at = InAccount::from_request_parts(parts, app).await?;
        let text = part_of_path(parts, "reservation").await?;
        let instance = text.parse().map_err(|_| unknown("reservation"))?;
        Ok(Self { at, instance })
    }
}

/// A request code with what to reserve for it.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReservation {
    /// The line that `license smart reservation request` printed, or its form to be read aloud.
    request_code: String,
    /// What to reserve; nothing for a universal reservation.
    #[serde(default)]
    licenses: Vec<Reserve>,
}

/// All that a reservation is to hold.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReservationChange {
    licenses: Vec<Reserve>,
}

/// A code that the product printed.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct EnteredCode {
    /// As it was printed, or its form to be read aloud.
    code: String,
}

/// Towards the release of a failed product's licences.
#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RehostWord {
    /// At once (vendor operators).
    Release,
    /// Ask for it; a second person is to approve.
    Ask,
    /// Approve what another person asked for (approvers).
    Approve,
    /// Refuse it (approvers).
    Refuse,
}

/// A step towards the release of a failed product's licences.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Rehosting {
    step: RehostWord,
    /// What happened to the product; an approval needs none.
    #[serde(default)]
    reason: String,
}

/// A reservation with the code that is to be carried to its product.
#[derive(Serialize, Deserialize, ToSchema)]
pub(crate) struct WithCode {
    #[serde(flatten)]
    pub(crate) reservation: ReservationView,
    /// XML, in one line; the product takes it as it is.
    pub(crate) authorization_code: String,
}

async fn with_code(at: &InAccount, reservation: ReservationView) -> Result<WithCode, Problem> {
    let authorization_code =
        reservations::authorization_code(&at.app, &at.principal, at.account, reservation.instance).await?;
    Ok(WithCode { reservation, authorization_code })
}

/// Reserve licences for a request code
///
/// The same request code with the same licences again gives the same reservation.
#[utoipa::path(
    post, path = "/accounts/{account}/virtual-accounts/{virtual_account}/reservations", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account whose licences are reserved, by name or id"),
    ),
    request_body = NewReservation,
    responses(
        (status = 201, description = "The reservation with its authorization code", body = WithCode),
        OfManager,
    )
)]
pub(crate) async fn reserve_licenses(
    InPlace { at, place }: InPlace,
    Body(new): Body<NewReservation>,
) -> Result<(StatusCode, Json<WithCode>), Problem> {
    let InAccount { app, principal, account } = &at;
    let made =
        reservations::reserve(app, principal, *account, place, &new.request_code, &new.licenses).await?;
    Ok((StatusCode::CREATED, Json(with_code(&at, made).await?)))
}

/// List reservations that have not ended
#[utoipa::path(
    get, path = "/accounts/{account}/reservations", tag = "seatpool",
    params(("account" = String, Path, description = "The smart account's domain"), PlaceParams),
    responses((status = 200, description = "By virtual account", body = Vec<ReservationView>), OfReader)
)]
pub(crate) async fn list_reservations(
    at: InAccount,
    Query(params): Query<PlaceParams>,
) -> Result<Json<Vec<ReservationView>>, Problem> {
    let places = at.places(&params).await?;
    Ok(Json(reservations::list(&at.app, &at.principal, at.account, &places).await?))
}

/// Show a reservation
#[utoipa::path(
    get, path = "/accounts/{account}/reservations/{reservation}", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("reservation" = String, Path, description = "The id of its product instance"),
    ),
    responses((status = 200, description = "Also one that has ended", body = ReservationView), OfReader)
)]
pub(crate) async fn show_reservation(
    OfInstance { at, instance }: OfInstance,
) -> Result<Json<ReservationView>, Problem> {
    Ok(Json(reservations::get(&at.app, &at.principal, at.account, instance).await?))
}

/// Show the authorization code that the product is to install
#[utoipa::path(
    get, path = "/accounts/{account}/reservations/{reservation}/authorization-code", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("reservation" = String, Path, description = "The id of its product instance"),
    ),
    responses((status = 200, description = "The reservation with its code", body = WithCode), OfManager)
)]
pub(crate) async fn show_authorization_code(
    OfInstance { at, instance }: OfInstance,
) -> Result<Json<WithCode>, Problem> {
    let reservation = reservations::get(&at.app, &at.principal, at.account, instance).await?;
    Ok(Json(with_code(&at, reservation).await?))
}

/// Change what a reservation holds
///
/// Until the confirmation code is entered, of each licence the larger of the old and the new number is held.
#[utoipa::path(
    post, path = "/accounts/{account}/reservations/{reservation}/update", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("reservation" = String, Path, description = "The id of its product instance"),
    ),
    request_body = ReservationChange,
    responses((status = 200, description = "The reservation with its new code", body = WithCode), OfManager)
)]
pub(crate) async fn update_reservation(
    OfInstance { at, instance }: OfInstance,
    Body(change): Body<ReservationChange>,
) -> Result<Json<WithCode>, Problem> {
    let changed =
        reservations::update(&at.app, &at.principal, at.account, instance, &change.licenses).await?;
    Ok(Json(with_code(&at, changed).await?))
}

/// Enter the confirmation code of a change
#[utoipa::path(
    post, path = "/accounts/{account}/reservations/{reservation}/confirm", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("reservation" = String, Path, description = "The id of its product instance"),
    ),
    request_body = EnteredCode,
    responses((status = 200, description = "The change holds", body = ReservationView), OfManager)
)]
pub(crate) async fn confirm_reservation(
    OfInstance { at, instance }: OfInstance,
    Body(entered): Body<EnteredCode>,
) -> Result<Json<ReservationView>, Problem> {
    let confirmed =
        reservations::confirm(&at.app, &at.principal, at.account, instance, &entered.code).await?;
    Ok(Json(confirmed))
}

/// Enter a return code: the reservation's, or that of a change that was never installed
#[utoipa::path(
    post, path = "/accounts/{account}/reservations/{reservation}/return", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("reservation" = String, Path, description = "The id of its product instance"),
    ),
    request_body = EnteredCode,
    responses((status = 200, description = "What is left of it", body = ReservationView), OfManager)
)]
pub(crate) async fn return_reservation(
    OfInstance { at, instance }: OfInstance,
    Body(entered): Body<EnteredCode>,
) -> Result<Json<ReservationView>, Problem> {
    let left = reservations::give_back(&at.app, &at.principal, at.account, instance, &entered.code).await?;
    Ok(Json(left))
}

/// Release the licences of a failed product without its return code, or take a step towards that
#[utoipa::path(
    post, path = "/accounts/{account}/reservations/{reservation}/rehost", tag = "seatpool",
    params(
        ("account" = String, Path, description = "The smart account's domain"),
        ("reservation" = String, Path, description = "The id of its product instance"),
    ),
    request_body = Rehosting,
    responses((status = 200, description = "How it stands now", body = ReservationView), OfManager)
)]
pub(crate) async fn rehost_licenses(
    OfInstance { at, instance }: OfInstance,
    Body(rehosting): Body<Rehosting>,
) -> Result<Json<ReservationView>, Problem> {
    let step = match rehosting.step {
        RehostWord::Release => RehostStep::Release,
        RehostWord::Ask => RehostStep::Ask,
        RehostWord::Approve => RehostStep::Approve,
        RehostWord::Refuse => RehostStep::Refuse,
    };
    let left =
        reservations::rehost(&at.app, &at.principal, at.account, instance, step, rehosting.reason).await?;
    Ok(Json(left))
}
