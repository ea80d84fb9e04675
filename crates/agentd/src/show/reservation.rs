//! The reservation's parts of the layouts, and those of export-restricted features.

use seatpool_agent::status::{ExportEnds, ExportStatus, ReservationStatus, ReservedEntitlement};
use seatpool_proto::code::ReservationKind;

use super::{Page, date};

/// "Reservation Info" of `license show all`.
pub(super) fn info(page: &mut Page, reservation: &ReservationStatus) {
    page.line(
        0,
        &format!("License reservation: {}", if reservation.enabled { "ENABLED" } else { "DISABLED" }),
    );
    let Some(installed) = &reservation.installed else {
        if let Some(code) = &reservation.request_code {
            page.line(1, "Reservation status: REQUEST IN PROGRESS");
            page.line(1, &format!("Request code: {code}"));
        }
        last_codes(page, reservation);
        return;
    };
    let kind = match reservation.kind {
        Some(ReservationKind::Universal) => "UNIVERSAL",
        _ => "SPECIFIC",
    };
    page.line(1, &format!("Reservation status: {kind} INSTALLED on {}", date(installed.installed_at)));
    last_codes(page, reservation);
    page.line(1, &format!("Product instance: {}", installed.product_instance_id));
    if kind == "UNIVERSAL" {
        page.line(1, "Licenses: all that the product uses");
    }
    if !installed.entitlements.is_empty() {
        page.line(1, "Specified license reservations:");
    }
    for entitlement in &installed.entitlements {
        reserved(page, entitlement);
    }
}

fn reserved(page: &mut Page, reserved: &ReservedEntitlement) {
    let ReservedEntitlement { entitlement, counts } = reserved;
    let name = if entitlement.display_name.is_empty() {
        entitlement.tag.as_str()
    } else {
        &entitlement.display_name
    };
    page.line(2, &format!("{name} ({}):", entitlement.tag));
    if !entitlement.tag_description.is_empty() {
        page.line(3, &format!("Description: {}", entitlement.tag_description));
    }
    page.line(3, &format!("Total reserved count: {}", entitlement.count));
    page.line(3, &format!("License type: {}", entitlement.license_type));
    let day =
        |day: Option<seatpool_proto::code::CodeDate>| day.map_or("None".to_owned(), |day| day.to_string());
    if entitlement.start.is_some() || entitlement.end.is_some() {
        page.line(3, &format!("Start Date: {}", day(entitlement.start)));
        page.line(3, &format!("End Date: {}", day(entitlement.end)));
    }
    if !entitlement.subscription_id.is_empty() {
        page.line(3, &format!("Subscription ID: {}", entitlement.subscription_id));
    }
    if !counts {
        page.line(3, "Counts now: no");
    }
}

fn last_codes(page: &mut Page, reservation: &ReservationStatus) {
    if let Some(code) = &reservation.last_confirmation_code {
        page.line(1, &format!("Last Confirmation code {code}"));
    }
    if let Some(code) = &reservation.last_return_code {
        page.line(1, &format!("Last Return code {code}"));
    }
}

/// What tech-support adds.
pub(super) fn support(page: &mut Page, reservation: &ReservationStatus) {
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "None".to_owned());
    page.line(0, &format!("Request code: {}", or_none(&reservation.request_code)));
    page.line(0, &format!("Requested: {}", reservation.requested_at.map_or("None".into(), date)));
    page.line(0, &format!("Last confirmation code: {}", or_none(&reservation.last_confirmation_code)));
    page.line(0, &format!("Last return code: {}", or_none(&reservation.last_return_code)));
    page.line(0, &format!("Authorization code sequence number: {}", reservation.sequence));
    for code in &reservation.canceled {
        page.line(0, &format!("Canceled request: {code}"));
    }
}

fn until(why: ExportEnds) -> &'static str {
    match why {
        ExportEnds::License => "its license ends then",
        ExportEnds::Authorization => "unless the manager is reached before",
        ExportEnds::Reservation => "the reserved license ends then",
    }
}

/// "Export Authorization Key" of the status.
pub(super) fn exports(page: &mut Page, exports: &[ExportStatus]) {
    page.line(0, "Export Authorization Key:");
    page.line(1, "Features Authorized:");
    let mut any = false;
    for export in exports.iter().filter(|export| export.authorized) {
        any = true;
        let key = export.authorization_key.as_deref().unwrap_or("by reservation");
        page.line(2, &format!("{} ({}): {key}", export.feature, export.tag));
        if let Some((end, why)) = export.authorized_until {
            page.line(3, &format!("Authorized until: {} ({})", date(end), until(why)));
        }
    }
    if !any {
        page.line(2, "<none>");
    }
    for export in exports.iter().filter(|export| export.asking.is_some() || export.failure.is_some()) {
        if let Some(at) = export.next_attempt_at {
            page.line(1, &format!("{}: next attempt {}", export.feature, date(at)));
        }
        if let Some(failure) = &export.failure {
            page.line(1, &format!("{}: Failure reason: {failure}", export.feature));
        }
    }
}
