//! Export-restricted features over the network: asked for, refused, tried again, canceled, given back.

use seatpool_agent::Profile;

use crate::script::check_with;

/// `unified-ccx` with a feature that is restricted for export.
fn check(script: &str, expect: &str) {
    let text = include_str!("../../profiles/unified-ccx.toml");
    let feature = "[[export_features]]\nname = \"mixed-mode\"\ntag = \"CM_EXPORT\"\ndescription = \"Encryption\"\n\n\
        [[licenses]]";
    let profile = Profile::from_toml(&text.replacen("[[licenses]]", feature, 1)).unwrap();
    check_with(profile, script, expect);
}

#[test]
fn a_feature_is_allowed_from_its_authorization_to_its_return() {
    check(
        "0 may mixed-mode
         0 export request mixed-mode
         0 export allowed
         0 register
         1h may mixed-mode
         1h export return mixed-mode
         1h export cancel
         1h export request other
         1h export request mixed-mode
         2h may mixed-mode
         2h export request mixed-mode
         2h restart
         3h may mixed-mode
         3h export return mixed-mode
         4h may mixed-mode",
        "0 mixed-mode refused since 0: ExportNotAuthorized
         0 refused: not_registered
         0 registration_succeeded
         1h mixed-mode refused since 1h: ExportNotAuthorized
         1h refused: export_not_authorized
         1h refused: nothing_to_cancel
         1h refused: unknown_export_feature
         1h export_key_installed CM_EXPORT
         2h mixed-mode allowed
         2h refused: export_authorized
         3h mixed-mode allowed
         3h export_key_removed CM_EXPORT
         4h mixed-mode refused since 4h: ExportNotAuthorized",
    );
}

#[test]
fn a_token_without_the_flag_allows_no_request() {
    check(
        "0 register
         1h export request mixed-mode",
        "0 registration_succeeded
         1h refused: export_not_allowed",
    );
}

#[test]
fn what_is_not_available_is_tried_again_until_it_is_or_until_it_is_canceled() {
    check(
        "0 export allowed
         0 register
         5m refuse export_not_available 1
         5m export request mixed-mode
         21m may mixed-mode
         1h export return mixed-mode
         65m quiet request_refused
         65m refuse export_not_available 1
         65m export request mixed-mode
         66m export cancel
         6h may mixed-mode",
        "0 registration_succeeded
         5m export_request_failed CM_EXPORT
         20m export_key_installed CM_EXPORT
         21m mixed-mode allowed
         1h export_key_removed CM_EXPORT
         1h5m export_request_failed CM_EXPORT
         6h mixed-mode refused since 6h: ExportNotAuthorized",
    );
}

#[test]
fn what_was_to_be_given_back_is_not_counted_on_once_that_is_canceled_and_can_be_given_back_still() {
    // The manager gave the licence away, and its answer was lost.
    check(
        "0 export allowed
         0 register
         5m export request mixed-mode
         10m may mixed-mode
         1h lose 1
         1h export return mixed-mode
         61m export cancel
         62m may mixed-mode
         2h export return mixed-mode
         3h export return mixed-mode
         4h export request mixed-mode
         5h may mixed-mode",
        "0 registration_succeeded
         5m export_key_installed CM_EXPORT
         10m mixed-mode allowed
         1h communication_failed
         1h export_request_failed CM_EXPORT
         1h2m mixed-mode refused since 1h2m: ExportNotAuthorized
         1h15m communication_restored
         2h export_key_removed CM_EXPORT
         3h refused: export_not_authorized
         4h export_key_installed CM_EXPORT
         5h mixed-mode allowed",
    );
}

#[test]
fn what_is_not_permitted_is_not_tried_again() {
    check(
        "0 export allowed
         0 register
         5m refuse export_not_permitted 1
         5m export request mixed-mode
         6h export cancel
         6h may mixed-mode",
        "0 registration_succeeded
         5m export_request_failed CM_EXPORT
         6h refused: nothing_to_cancel
         6h mixed-mode refused since 6h: ExportNotAuthorized",
    );
}

#[test]
fn after_deregistration_a_feature_that_is_still_on_is_an_alert_until_it_is_off() {
    check(
        "0 export allowed
         0 register
         1h export request mixed-mode
         2h feature mixed-mode on
         2h show alerts
         3h deregister
         4h show alerts
         4h restart
         5h show alerts
         5h feature mixed-mode off
         5h show alerts",
        "0 registration_succeeded
         1h export_key_installed CM_EXPORT
         2h alerts
         3h deregistration_succeeded
         3h export_control_not_allowed
         4h alerts export_control_not_allowed
         5h alerts export_control_not_allowed
         5h alerts",
    );
}

#[test]
fn the_authorization_of_a_feature_that_is_on_is_not_given_back() {
    check(
        "0 export allowed
         0 register
         1h export request mixed-mode
         2h feature mixed-mode on
         3h export return mixed-mode
         3h may mixed-mode
         4h feature mixed-mode off
         4h export return mixed-mode
         5h may mixed-mode",
        "0 registration_succeeded
         1h export_key_installed CM_EXPORT
         3h refused: export_in_use
         3h mixed-mode allowed
         4h export_key_removed CM_EXPORT
         5h mixed-mode refused since 5h: ExportNotAuthorized",
    );
}

#[test]
fn an_answer_that_was_lost_is_asked_for_again() {
    check(
        "0 export allowed
         0 register
         5m quiet communication_failed
         5m quiet communication_restored
         5m lose 1
         5m export request mixed-mode
         21m may mixed-mode",
        "0 registration_succeeded
         5m export_request_failed CM_EXPORT
         15m export_key_installed CM_EXPORT
         21m mixed-mode allowed",
    );
}

#[test]
fn an_authorization_whose_licence_ended_is_asked_for_anew_with_the_next_answer() {
    check(
        "0 export allowed
         0 register
         5m export request mixed-mode
         6m may mixed-mode
         20m export ended mixed-mode
         29m may mixed-mode
         40m may mixed-mode",
        "0 registration_succeeded
         5m export_key_installed CM_EXPORT
         6m mixed-mode allowed
         29m mixed-mode allowed
         30m export_key_removed CM_EXPORT
         30m export_key_installed CM_EXPORT
         40m mixed-mode allowed",
    );
}

#[test]
fn what_is_being_given_back_is_not_used_and_may_be_asked_for_anew() {
    // The manager gave the licence to another while its answer was on the way.
    check(
        "0 export allowed
         0 register
         0 quiet communication_failed
         0 quiet communication_restored
         5m export request mixed-mode
         1h lose 1
         1h export return mixed-mode
         61m may mixed-mode
         62m export request mixed-mode
         63m may mixed-mode",
        "0 registration_succeeded
         5m export_key_installed CM_EXPORT
         1h export_request_failed CM_EXPORT
         1h1m mixed-mode refused since 1h1m: ExportNotAuthorized
         1h2m export_key_installed CM_EXPORT
         1h3m mixed-mode allowed",
    );
}

#[test]
fn a_copy_that_is_refused_asks_by_the_schedule() {
    check(
        "0 export allowed
         0 register
         5m refuse clone_detected 1
         5m export request mixed-mode
         6m may mixed-mode
         21m may mixed-mode",
        "0 registration_succeeded
         5m clone_detected
         5m export_request_failed CM_EXPORT
         6m mixed-mode refused since 6m: ExportNotAuthorized
         20m export_key_installed CM_EXPORT
         21m mixed-mode allowed",
    );
}

#[test]
fn an_authorization_ends_with_its_licence_on_a_machine_that_is_cut_off() {
    check(
        "0 export allowed
         0 register
         0 quiet communication_failed
         0 quiet export_request_failed
         5m export until 2h
         5m export request mixed-mode
         50m away
         119m may mixed-mode
         119m restart
         2h may mixed-mode
         150m back
         150m export until 4h
         3h may mixed-mode
         200m export until 6h
         5h may mixed-mode",
        "0 registration_succeeded
         5m export_key_installed CM_EXPORT
         1h59m mixed-mode allowed
         2h export_key_removed CM_EXPORT
         2h mixed-mode refused since 2h: ExportNotAuthorized
         2h45m communication_restored
         2h45m export_key_installed CM_EXPORT
         3h mixed-mode allowed
         5h mixed-mode allowed",
    );
}

#[test]
fn without_contact_an_authorization_lasts_no_longer_than_the_registrations() {
    check(
        "0 export allowed
         0 register
         0 quiet communication_failed
         0 quiet communication_restored
         0 quiet export_request_failed
         0 quiet authorization_renewal_failed
         5m export request mixed-mode
         1h away
         90d may mixed-mode
         91d may mixed-mode
         92d back
         93d may mixed-mode",
        "0 registration_succeeded
         5m export_key_installed CM_EXPORT
         90d mixed-mode allowed
         90d1h export_key_removed CM_EXPORT
         90d1h authorization_expired
         91d mixed-mode refused since 91d: ExportNotAuthorized
         92d15m authorization_restored
         92d15m export_key_installed CM_EXPORT
         93d mixed-mode allowed",
    );
}

#[test]
fn one_boot_in_2038_takes_no_feature_away_for_good() {
    check(
        "0 use CCX_FLEX_STANDARD 1
         0 export allowed
         1h register
         1h30m export request mixed-mode
         1h40m may mixed-mode
         2h clock 4000d
         3h clock 0
         4h may mixed-mode
         5h show",
        "0 evaluation_started
         1h registration_succeeded
         1h30m export_key_installed CM_EXPORT
         1h40m mixed-mode allowed
         4000d2h15m export_key_removed CM_EXPORT
         4000d2h15m registration_expired
         4000d2h15m authorization_expired
         4000d2h15m enforcement_started
         2h15m authorization_restored
         2h15m enforcement_stopped
         2h15m clock_out_of_range
         2h15m export_key_installed CM_EXPORT
         3h clock_set_back
         3h30m clock_corrected
         4h mixed-mode allowed
         5h Registered/Authorized",
    );
}
