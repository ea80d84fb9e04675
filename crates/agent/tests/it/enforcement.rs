//! Graces, each with its own deadline.

use seatpool_agent::Profile;

use crate::script::{check, check_with};

#[test]
fn each_licence_has_its_own_deadline_and_a_new_one_moves_no_other() {
    check(
        "unified-ccx-12.5",
        "0 own CCX_FLEX_STANDARD 10
         0 own CCX_FLEX_PREMIUM 10
         0 register
         1h use CCX_FLEX_STANDARD 11
         30d1h use CCX_FLEX_PREMIUM 11
         31d show graces
         90d7h may user-sync
         90d9h may user-sync
         90d9h own CCX_FLEX_STANDARD 11
         91d may user-sync
         91d show graces
         120d8h own CCX_FLEX_PREMIUM 11
         121d show graces
         121d may user-sync",
        "0 registration_succeeded
         8h out_of_compliance CCX_FLEX_STANDARD
         30d8h out_of_compliance CCX_FLEX_PREMIUM
         31d graces OutOfCompliance@90d8h OutOfCompliance@120d8h
         90d7h user-sync allowed
         90d8h enforcement_started
         90d9h user-sync refused since 90d8h: OutOfCompliance
         90d16h in_compliance CCX_FLEX_STANDARD
         90d16h enforcement_stopped
         91d user-sync allowed
         91d graces OutOfCompliance@120d8h
         120d8h enforcement_started
         120d16h in_compliance CCX_FLEX_PREMIUM
         120d16h enforcement_stopped
         121d graces
         121d user-sync allowed",
    );
}

#[test]
fn never_is_possible() {
    let text = Profile::SHIPPED[1].1.replace(
        "# License States, Out of Compliance: \"The out-of-compliance period is for 90 days\"\nenforced_after_days = 90",
        "enforced_after_days = \"never\"",
    );
    let profile = Profile::from_toml(&text).unwrap();
    assert!(profile.out_of_compliance.enforced_after_days.span().is_none());
    check_with(
        profile,
        "0 own CCX_FLEX_STANDARD 10
         0 register
         1h use CCX_FLEX_STANDARD 11
         300d may user-sync
         300d show graces",
        "0 registration_succeeded
         8h out_of_compliance CCX_FLEX_STANDARD
         180d renewal_succeeded
         300d user-sync allowed
         300d graces OutOfCompliance@never",
    );
}
