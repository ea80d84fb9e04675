//! What a person prefers of the portal: the time zone.

use jiff::tz::{TimeZone, db};
use seatpool_domain::Actor;
use seatpool_domain::access::OauthScope;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::access::Principal;
use super::accounts::invalid;
use super::{App, AppError};

/// The time zones that can be chosen, as the time zone database names them (IANA), in order.
pub fn time_zones() -> Vec<String> {
    let mut names: Vec<_> =
        db().available().map(|name| name.to_string()).filter(|name| is_place(name)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whether a name is of the database's places: `UTC`, or a region with a slash; its old abbreviations and
/// copies under `posix/` and `right/` are left out.
fn is_place(name: &str) -> bool {
    let is_copy = ["posix/", "right/", "Etc/", "SystemV/"].iter().any(|copy| name.starts_with(copy));
    name == "UTC" || (name.contains('/') && !is_copy)
}

/// The zone with this name, in any case.
pub fn time_zone_named(name: &str) -> Option<TimeZone> {
    if name.eq_ignore_ascii_case("UTC") {
        return Some(TimeZone::UTC);
    }
    db().get(name).ok().filter(|zone| zone.iana_name().is_some_and(is_place))
}

/// What a person prefers, as the REST API tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PreferencesView {
    /// The zone in which the portal shows times, as the time zone database names it.
    #[schema(example = "Europe/Vienna")]
    pub time_zone: String,
}

/// What the person prefers in whose name a request was made; none if it was made in a client's own name.
pub async fn own(app: &App, principal: &Principal) -> Result<Option<PreferencesView>, AppError> {
    let Actor::User(login) = &principal.actor else { return Ok(None) };
    Ok(Some(PreferencesView { time_zone: name(&time_zone(app, login).await?) }))
}

/// Changes what that person prefers; none if it is a client.
pub async fn change_own(
    app: &App,
    principal: &Principal,
    new: &PreferencesView,
) -> Result<Option<PreferencesView>, AppError> {
    let Actor::User(_) = &principal.actor else { return Ok(None) };
    if principal.scopes == [OauthScope::Read] {
        return Err(AppError::OutOfScope { scope: OauthScope::Inventory.as_str() });
    }
    let zone = choose_time_zone(app, principal, &new.time_zone).await?;
    Ok(Some(PreferencesView { time_zone: name(&zone) }))
}

fn name(zone: &TimeZone) -> String {
    zone.iana_name().unwrap_or("UTC").to_owned()
}

/// The zone that whoever signs in with `login` chose; UTC until they choose one.
pub async fn time_zone(app: &App, login: &str) -> Result<TimeZone, AppError> {
    let chosen = app.store().time_zone(login).await?;
    // A zone that the database has lost is shown as UTC, not as an error.
    Ok(chosen.and_then(|name| time_zone_named(&name)).unwrap_or(TimeZone::UTC))
}

/// Keeps the zone that a person chose. It concerns nobody else, so no event is written.
pub async fn choose_time_zone(app: &App, principal: &Principal, zone: &str) -> Result<TimeZone, AppError> {
    let zone = time_zone_named(zone.trim())
        .ok_or_else(|| invalid("time_zone", "is not known: choose one of the list, such as Europe/Vienna"))?;
    app.store().set_time_zone(principal.actor.name(), &name(&zone)).await?;
    Ok(zone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_places_and_utc() {
        let zones = time_zones();
        for known in ["UTC", "Europe/Vienna", "Asia/Kolkata", "America/Argentina/Buenos_Aires"] {
            assert!(zones.iter().any(|zone| zone == known), "{known}");
        }
        for strange in ["posix/Europe/Vienna", "EST5EDT", "Etc/GMT+3"] {
            assert!(!zones.iter().any(|zone| zone == strange), "{strange}");
            assert!(time_zone_named(strange).is_none(), "{strange}");
        }
        assert_eq!(time_zone_named("europe/vienna").unwrap().iana_name(), Some("Europe/Vienna"));
        assert!(
            time_zone_named("").is_none()
                && time_zone_named("Europe/<b>").is_none()
                && time_zone_named("../../etc/passwd").is_none()
        );
    }
}
