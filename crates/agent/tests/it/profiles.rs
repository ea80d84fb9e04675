//! Profiles: the shipped ones, and what is refused.

use seatpool_agent::Profile;
use seatpool_agent::profile::{Counted, InvalidProfile};

#[test]
fn the_profiles_of_the_contact_centre_differ_in_interval_and_tolerance_alone() {
    let new = Profile::shipped("unified-ccx").unwrap();
    let old = Profile::shipped("unified-ccx-12.5").unwrap();
    assert_eq!((new.reporting.interval_minutes, new.out_of_compliance.after_overages), (15, 5));
    assert_eq!((old.reporting.interval_minutes, old.out_of_compliance.after_overages), (480, 1));
    assert_eq!((&new.license_types, &new.licenses), (&old.license_types, &old.licenses));
    for profile in [new, old] {
        assert!(profile.out_of_compliance.locked_usage);
        assert_eq!(profile.evaluation.counted, Counted::InUse);
        assert_eq!(profile.enforcement.blocked, ["user-sync"]);
        let flex = profile.license_type("Flex").unwrap();
        assert!(flex.tags().any(|tag| profile.license(tag).unwrap().required_present));
    }
}

#[test]
fn the_call_managers_profile_restricts_at_the_end_of_the_evaluation_alone() {
    let profile = Profile::shipped("unified-cm").unwrap();
    assert_eq!((profile.reporting.interval_minutes, profile.out_of_compliance.after_overages), (24 * 60, 1));
    assert_eq!((profile.evaluation.days, profile.evaluation.counted), (90, Counted::Always));
    assert_eq!(profile.evaluation.enforced_after_days.span(), Some(jiff::SignedDuration::ZERO));
    assert_eq!(profile.authorization.enforced_after_days.span(), None);
    assert_eq!(profile.out_of_compliance.enforced_after_days.span(), None);
    assert!(!profile.out_of_compliance.locked_usage && !profile.reservation.borrowing);
    assert_eq!(profile.enforcement.blocked, ["add-user", "add-device"]);
    assert_eq!(profile.export_features.len(), 1);
}

#[test]
fn a_profile_with_a_mistake_is_refused_with_the_mistake() {
    let shipped = Profile::SHIPPED[0].1;
    let cases = [
        (
            "interval_minutes = 15",
            "interval_minutes = 15\ninterval_hours = 1",
            "unknown field `interval_hours`",
        ),
        ("interval_minutes = 15", "interval_minutes = 0", "interval_minutes must be at least 1"),
        ("after_overages = 5", "after_overages = 0", "after_overages must be at least 1"),
        ("renew_days = 30", "renew_days = 91", "renew_days must be at most"),
        (
            "default_license_type = \"Flex\"",
            "default_license_type = \"Lab\"",
            "\"Lab\" is not a licence type",
        ),
        ("name = \"IP-IVR\"", "name = \"Flex\"", "\"Flex\" stands twice"),
        ("tiers = [\"CCX_IVR_PORT\"]", "tiers = [\"CCX_IVR\"]", "CCX_IVR is not in licenses"),
        ("tiers = [\"CCX_IVR_PORT\"]", "tiers = [\"CCX_SERVER\"]", "a tag stands twice"),
        ("tiers = [\"CCX_IVR_PORT\"]", "tiers = []", "has no tier"),
        ("counted = \"in_use\"", "counted = \"sometimes\"", "unknown variant"),
    ];
    for (from, to, expect) in cases {
        let error = Profile::from_toml(&shipped.replace(from, to)).unwrap_err().to_string();
        assert!(error.contains(expect), "{to}: {error}");
    }
    assert_eq!(Profile::shipped("unified-sip"), Err(InvalidProfile::Unknown("unified-sip".to_owned())));
}

#[test]
fn every_licence_of_the_profiles_is_in_the_managers_catalogue() {
    // The crates do not know each other; the file does.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/catalogue/shipped.toml");
    let catalogue = std::fs::read_to_string(path).unwrap();
    for (name, _) in Profile::SHIPPED {
        let profile = Profile::shipped(name).unwrap();
        for feature in profile.export_features {
            let line = catalogue.lines().find(|line| line.contains(&format!("tag = \"{}\"", feature.tag)));
            assert!(line.is_some_and(|line| line.contains("export_restricted = true")), "{feature:?}");
        }
        for license in profile.licenses {
            assert!(
                catalogue.contains(&format!("tag = \"{}\", name = \"{}\"", license.tag, license.name)),
                "{license:?}"
            );
        }
    }
}
