//! Profiles: the shipped ones, and what is refused.

use seatpool_agent::Profile;
use seatpool_agent::profile::{Counted, InvalidProfile};

#[test]
fn the_shipped_profiles_differ_in_interval_and_tolerance_alone() {
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
    assert_eq!(Profile::shipped("unified-cm"), Err(InvalidProfile::Unknown("unified-cm".to_owned())));
}

#[test]
fn every_licence_of_the_profiles_is_in_the_managers_catalogue() {
    // The crates do not know each other; the file does.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../domain/catalogue/shipped.toml");
    let catalogue = std::fs::read_to_string(path).unwrap();
    for (name, _) in Profile::SHIPPED {
        for license in Profile::shipped(name).unwrap().licenses {
            assert!(
                catalogue.contains(&format!("tag = \"{}\", name = \"{}\"", license.tag, license.name)),
                "{license:?}"
            );
        }
    }
}
