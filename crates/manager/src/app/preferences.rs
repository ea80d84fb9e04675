//! What a person prefers of the portal: the time zone.

use jiff::tz::{TimeZone, db};

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

/// The zone that whoever signs in with `login` chose; UTC until they choose one.
pub async fn time_zone(app: &App, login: &str) -> Result<TimeZone, AppError> {
    let chosen = app.store().time_zone(login).await?;
    // A zone that the database has lost is shown as UTC, not as an error.
    Ok(chosen.and_then(|name| time_zone_named(&name)).unwrap_or(TimeZone::UTC))
}

/// Keeps the zone that a person chose. It concerns nobody else, so no event is written.
pub async fn choose_time_zone(app: &App, principal: &Principal, name: &str) -> Result<TimeZone, AppError> {
    let zone = time_zone_named(name.trim())
        .ok_or_else(|| invalid("time_zone", "is not known: choose one of the list, such as Europe/Vienna"))?;
    let name = zone.iana_name().unwrap_or("UTC").to_owned();
    app.store().set_time_zone(principal.actor.name(), &name).await?;
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
