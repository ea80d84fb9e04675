//! The evaluation: 90 days of use.

use seatpool_agent::Profile;

use crate::script::{check, check_with};

#[test]
fn it_counts_only_while_licences_are_in_use_and_ends_in_enforcement_at_once() {
    check(
        "unified-ccx",
        "5d show
         5d use CCX_FLEX_STANDARD 1
         15d use CCX_FLEX_STANDARD 0
         15d show
         50d show evaluation
         50d use CCX_FLEX_STANDARD 3
         130d show evaluation
         130d show
         130d may user-sync",
        "",
    );
}

#[test]
fn counted_always_it_runs_from_installation() {
    let text = Profile::SHIPPED[0].1.replace("counted = \"in_use\"", "counted = \"always\"");
    check_with(
        Profile::from_toml(&text).unwrap(),
        "1d show evaluation
         1d show
         2d restart
         3d show evaluation
         4d register
         9d show evaluation
         9d deregister
         10d show evaluation",
        "",
    );
}

#[test]
fn it_survives_restarts_without_counting_the_time_between() {
    check(
        "unified-ccx",
        "0 use CCX_FLEX_STANDARD 1
         10d show evaluation
         10d restart
         20d show evaluation",
        "0 evaluation_started
         10d evaluation runs 80d
         20d evaluation runs 70d",
    );
}
