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
        "5d Unregistered/NoLicensesInUse
         5d evaluation_started
         15d Unregistered/NoLicensesInUse
         50d evaluation stands 80d
         50d evaluation_started
         70d evaluation_warning
         100d evaluation_warning
         109d evaluation_warning
         116d evaluation_warning
         123d evaluation_warning
         124d evaluation_warning
         125d evaluation_warning
         126d evaluation_warning
         127d evaluation_warning
         128d evaluation_warning
         129d evaluation_warning
         129d1h evaluation_warning
         129d2h evaluation_warning
         129d3h evaluation_warning
         129d4h evaluation_warning
         129d5h evaluation_warning
         129d6h evaluation_warning
         129d7h evaluation_warning
         129d8h evaluation_warning
         129d9h evaluation_warning
         129d10h evaluation_warning
         129d11h evaluation_warning
         129d12h evaluation_warning
         129d13h evaluation_warning
         129d14h evaluation_warning
         129d15h evaluation_warning
         129d16h evaluation_warning
         129d17h evaluation_warning
         129d18h evaluation_warning
         129d19h evaluation_warning
         129d20h evaluation_warning
         129d21h evaluation_warning
         129d22h evaluation_warning
         129d23h evaluation_warning
         130d evaluation_expired
         130d enforcement_started
         130d evaluation stands 0
         130d Unregistered/EvaluationExpired enforced
         130d user-sync refused since 130d: EvaluationExpired",
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
        "0 evaluation_started
         1d evaluation runs 89d
         1d Unregistered/Evaluation
         3d evaluation runs 87d
         4d registration_succeeded
         9d evaluation stands 86d
         9d deregistration_succeeded
         9d evaluation_started
         10d evaluation runs 85d",
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
