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
        "",
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
        "",
    );
}
