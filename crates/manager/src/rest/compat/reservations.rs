//! Reservations by codes that people carry: made, changed and confirmed. Each request of a body stands for itself; a
//! request that fails says why beside those that succeed.

use seatpool_proto::Quantity;
use seatpool_proto::code::ReservationKind;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::devices::{Sudi, find};
use super::extract::{Body, InVirtualAccount};
use super::lenient;
use super::shape::{Answer, Failure, OfManagedAccount, Reply};
use crate::app::reservations::{self, ReservationView, Reserve};

/// Requests for reservations.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservationRequests {
    #[serde(deserialize_with = "lenient::rows")]
    reservation_requests: Vec<ReservationRequest>,
}

/// One request code with what to reserve for it.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservationRequest {
    /// The request code that the product printed.
    #[serde(deserialize_with = "lenient::text")]
    reservation_code: Option<String>,
    /// `SPECIFIC` or `UNIVERSAL`; as the request code says if absent.
    #[serde(deserialize_with = "lenient::text")]
    reservation_type: Option<String>,
    #[serde(deserialize_with = "lenient::rows")]
    licenses: Vec<ReservedLicense>,
}

/// So many of one licence.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservedLicense {
    /// Its tag, or its name.
    #[serde(deserialize_with = "lenient::text")]
    entitlement_tag: Option<String>,
    /// How many, as a number or as text.
    #[serde(deserialize_with = "lenient::number")]
    #[schema(value_type = Option<u64>)]
    quantity: Option<i64>,
    /// `LONGEST_TERM_FIRST`, which is what is done.
    #[serde(deserialize_with = "lenient::text")]
    precedence: Option<String>,
}

/// Authorization codes.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct AuthorizationCodes {
    authorization_codes: Vec<CodeOutcome>,
}

/// What came of one request.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct CodeOutcome {
    /// `SUCCESS` or `ERROR`.
    status: &'static str,
    status_message: String,
    /// The request code, of a new reservation.
    #[serde(skip_serializing_if = "Option::is_none")]
    reservation_code: Option<String>,
    /// The product instance, of a change.
    #[serde(skip_serializing_if = "Option::is_none")]
    sudi: Option<Sudi>,
    /// To be carried to the product.
    authorization_code: Option<String>,
}

impl CodeOutcome {
    fn of(result: Result<Option<String>, Failure>) -> Self {
        let (status, status_message, authorization_code) = match result {
            Ok(code) => ("SUCCESS", String::new(), code),
            Err(failure) => ("ERROR", failure.message().to_owned(), None),
        };
        Self { status, status_message, reservation_code: None, sudi: None, authorization_code }
    }
}

/// All outcomes; `ERROR` if any of them is.
fn answer(codes: Vec<CodeOutcome>, what: &str) -> Answer<AuthorizationCodes> {
    let failed = codes.iter().filter(|outcome| outcome.status == "ERROR").count();
    let body = AuthorizationCodes { authorization_codes: codes };
    match failed {
        0 => Answer::success(body),
        _ => {
            let count = body.authorization_codes.len();
            Answer::failing(body, format!("{failed} of {count} {what} failed; each says why"))
        }
    }
}

/// Reserve licences for request codes
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/reserve-licenses", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account whose licences are reserved"),
    ),
    request_body = ReservationRequests,
    responses(
        (status = 200, description = "An authorization code for each request code, or why not", body = Answer<AuthorizationCodes>),
        OfManagedAccount,
    )
)]
pub(crate) async fn reserve_licenses(
    here: InVirtualAccount,
    Body(body): Body<ReservationRequests>,
) -> Reply<AuthorizationCodes> {
    here.check_managed()?;
    if body.reservation_requests.is_empty() {
        return Err(Failure::refused("reservationRequests is empty: name at least one reservationCode"));
    }
    let mut codes = Vec::with_capacity(body.reservation_requests.len());
    for request in body.reservation_requests {
        let reservation_code = request.reservation_code.clone();
        let made = reserve(&here, request).await;
        codes.push(CodeOutcome { reservation_code, ..CodeOutcome::of(made.map(Some)) });
    }
    Ok(answer(codes, "reservations"))
}

async fn reserve(here: &InVirtualAccount, request: ReservationRequest) -> Result<String, Failure> {
    let (at, place) = (&here.at, here.place.id);
    let text = request.reservation_code.filter(|text| !text.trim().is_empty());
    let text = text.ok_or_else(|| Failure::refused("reservationCode is missing: give the request code"))?;
    let code = reservations::request_code(&text)?;
    if let Some(word) = request.reservation_type.filter(|word| !word.trim().is_empty()) {
        let kind = reservations::kind_of(&word)?;
        if kind != code.kind {
            let (asked, is) = (kind.as_str(), code.kind.as_str());
            let message = format!(
                "reservationType is {asked}, and the request code is for a {is} reservation: make it so"
            );
            return Err(Failure::refused(message));
        }
    }
    // What scripts send along with a universal reservation says nothing.
    let licenses = if code.kind == ReservationKind::Universal { Vec::new() } else { request.licenses };
    let lines = lines(licenses)?;
    let made = reservations::reserve(&at.app, &at.principal, at.account, place, &text, &lines).await?;
    authorization_code(here, &made).await
}

async fn authorization_code(here: &InVirtualAccount, of: &ReservationView) -> Result<String, Failure> {
    let at = &here.at;
    Ok(reservations::authorization_code(&at.app, &at.principal, at.account, of.instance).await?)
}

fn lines(rows: Vec<ReservedLicense>) -> Result<Vec<Reserve>, Failure> {
    let line = |row: ReservedLicense| {
        let license = row.entitlement_tag.filter(|tag| !tag.trim().is_empty());
        let license =
            license.ok_or_else(|| Failure::refused("entitlementTag is missing: name the license"))?;
        let quantity = row.quantity.and_then(|quantity| u64::try_from(quantity).ok());
        let quantity = quantity.ok_or_else(|| {
            Failure::refused(format!("quantity of {license} is missing or below 0: say how many"))
        })?;
        if let Some(word) = row.precedence.filter(|word| !word.trim().is_empty())
            && !word.trim().eq_ignore_ascii_case("LONGEST_TERM_FIRST")
        {
            let message = format!("precedence is {word:?}: LONGEST_TERM_FIRST is the one that there is");
            return Err(Failure::refused(message));
        }
        Ok(Reserve { license, lot: None, quantity: Quantity::of(quantity) })
    };
    rows.into_iter().map(line).collect()
}

/// Changes of reservations.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservationUpdates {
    #[serde(deserialize_with = "lenient::rows")]
    reservation_update_requests: Vec<ReservationUpdate>,
}

/// One product instance with all that it is to hold.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservationUpdate {
    sudi: Option<Sudi>,
    #[serde(deserialize_with = "lenient::text")]
    product_tag_name: Option<String>,
    #[serde(deserialize_with = "lenient::rows")]
    licenses: Vec<ReservedLicense>,
}

/// Change what product instances hold
///
/// The change is in transit until its confirmation code is entered: of each license the larger number is held.
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/update-licenses", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    request_body = ReservationUpdates,
    responses(
        (status = 200, description = "An authorization code for each, or why not", body = Answer<AuthorizationCodes>),
        OfManagedAccount,
    )
)]
pub(crate) async fn update_licenses(
    here: InVirtualAccount,
    Body(body): Body<ReservationUpdates>,
) -> Reply<AuthorizationCodes> {
    here.check_managed()?;
    if body.reservation_update_requests.is_empty() {
        let message = "reservationUpdateRequests is empty: name at least one product instance";
        return Err(Failure::refused(message));
    }
    let mut codes = Vec::with_capacity(body.reservation_update_requests.len());
    for request in body.reservation_update_requests {
        let sudi = request.sudi.clone();
        let changed = update(&here, request).await;
        codes.push(CodeOutcome { sudi, ..CodeOutcome::of(changed.map(Some)) });
    }
    Ok(answer(codes, "changes"))
}

async fn update(here: &InVirtualAccount, request: ReservationUpdate) -> Result<String, Failure> {
    let at = &here.at;
    let row = find(here, request.sudi.as_ref(), request.product_tag_name.as_deref()).await?;
    let lines = lines(request.licenses)?;
    let changed = reservations::update(&at.app, &at.principal, at.account, row.id, &lines).await?;
    authorization_code(here, &changed).await
}

/// Confirmation codes.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservationConfirmations {
    #[serde(deserialize_with = "lenient::rows")]
    reservation_confirmation_requests: Vec<ReservationConfirmation>,
}

/// The confirmation code of one product instance.
#[derive(Default, Serialize, Deserialize, ToSchema)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ReservationConfirmation {
    sudi: Option<Sudi>,
    #[serde(deserialize_with = "lenient::text")]
    product_tag_name: Option<String>,
    /// Eight hexadecimal digits, as the product printed them.
    #[serde(deserialize_with = "lenient::text")]
    confirmation_code: Option<String>,
}

/// Confirm that product instances have installed their changes
#[utoipa::path(
    post, path = "/v1/accounts/{domain}/virtual-accounts/{virtual_account}/confirm-licenses", tag = "compatible",
    params(
        ("domain" = String, Path, description = "The smart account's domain"),
        ("virtual_account" = String, Path, description = "The virtual account's name"),
    ),
    request_body = ReservationConfirmations,
    responses(
        (status = 200, description = "What came of each code", body = Answer<AuthorizationCodes>),
        OfManagedAccount,
    )
)]
pub(crate) async fn confirm_licenses(
    here: InVirtualAccount,
    Body(body): Body<ReservationConfirmations>,
) -> Reply<AuthorizationCodes> {
    here.check_managed()?;
    if body.reservation_confirmation_requests.is_empty() {
        let message = "reservationConfirmationRequests is empty: give at least one confirmationCode";
        return Err(Failure::refused(message));
    }
    let mut codes = Vec::with_capacity(body.reservation_confirmation_requests.len());
    for request in body.reservation_confirmation_requests {
        let sudi = request.sudi.clone();
        let confirmed = confirm(&here, request).await;
        codes.push(CodeOutcome { sudi, ..CodeOutcome::of(confirmed.map(|()| None)) });
    }
    Ok(answer(codes, "confirmations"))
}

async fn confirm(here: &InVirtualAccount, request: ReservationConfirmation) -> Result<(), Failure> {
    let at = &here.at;
    let row = find(here, request.sudi.as_ref(), request.product_tag_name.as_deref()).await?;
    let code = request.confirmation_code.unwrap_or_default();
    reservations::confirm(&at.app, &at.principal, at.account, row.id, &code).await?;
    Ok(())
}
