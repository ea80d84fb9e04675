//! What an agent makes of a manager's refusals.

use jiff::SignedDuration;
use seatpool_agent::Command;
use seatpool_proto::{ProblemCode, Request};

use crate::script::check;
use crate::world::{World, hours};

#[test]
fn a_removed_instance_is_unregistered_with_the_reason() {
    for code in ["instance_unknown", "instance_removed", "certificate_revoked"] {
        check(
            "unified-ccx",
            &format!(
                "0 register
                 14m refuse {code} 1
                 15m show
                 15m show alerts
                 16m use CCX_FLEX_STANDARD 5
                 16m show
                 17m register
                 17m show alerts"
            ),
            "0 registration_succeeded
             15m registration_ended
             15m Unregistered/Unauthorized
             15m alerts registration_ended
             16m evaluation_started
             16m Unregistered/Evaluation
             17m registration_succeeded
             17m alerts",
        );
    }
}

#[test]
fn a_clone_is_told_so_once_and_keeps_its_authorization_to_its_end() {
    check(
        "unified-ccx",
        "0 register
         14m refuse clone_detected 2
         31m show
         31m show alerts
         46m show alerts",
        "0 registration_succeeded
         15m clone_detected
         31m Registered/NoLicensesInUse
         31m alerts clone_detected
         46m alerts",
    );
}

#[test]
fn a_refused_time_is_corrected_and_asked_again_at_once() {
    check(
        "unified-ccx",
        "0 register
         10m clock 3d
         16m show
         31m show last",
        "0 registration_succeeded
         15m clock_out_of_range
         16m Registered/NoLicensesInUse
         31m last contact succeeded at 30m",
    );
}

#[test]
fn a_manager_that_can_store_nothing_is_asked_again_by_the_grid() {
    check(
        "unified-ccx",
        "0 register
         14m refuse unavailable 2
         31m show last
         46m show last",
        "0 registration_succeeded
         15m request_refused
         30m request_refused
         31m last contact failed unavailable at 30m
         46m last contact succeeded at 45m",
    );
}

#[test]
fn a_refused_deregistration_is_done_here() {
    check(
        "unified-ccx",
        "0 register
         1m refuse internal 1
         1m deregister
         20m show jobs",
        "0 registration_succeeded
         1m deregistered_locally
         16m deregistration_succeeded
         20m jobs",
    );
}

#[test]
fn a_move_is_told_and_shown() {
    check(
        "unified-ccx",
        "0 register
         5m move Berlin
         16m show",
        "0 registration_succeeded
         15m moved_virtual_account
         16m Registered/NoLicensesInUse",
    );
}

#[test]
fn an_answer_that_does_not_fit_its_request_is_a_failed_contact() {
    for what in ["nonce", "version", "type"] {
        check(
            "unified-ccx",
            &format!(
                "0 register
                 14m garble {what}
                 16m show
                 16m show last
                 20m back
                 31m show last"
            ),
            "0 registration_succeeded
             15m communication_failed
             16m Registered/NoLicensesInUse
             16m last contact failed bad_answer at 15m
             30m communication_restored
             31m last contact succeeded at 30m",
        );
    }
}

/// The requests that were given out.
fn sent(world: &World) -> Vec<&Request> {
    world.sent.iter().map(|(_, transmit)| &transmit.request).collect()
}

#[test]
fn what_a_manager_in_trouble_refused_may_have_been_applied_and_stays_unanswered() {
    for (code, stays) in [
        (ProblemCode::Unavailable, true),
        (ProblemCode::Internal, true),
        (ProblemCode::RateLimited, false),
        (ProblemCode::CloneDetected, false),
    ] {
        let mut world = World::new("unified-ccx");
        world.register(false).unwrap();
        world.manager.refusing = Some((code, 1));
        world.run(SignedDuration::from_mins(50));
        let [_, _, refused, next, after] = sent(&world)[..] else { panic!("{:?}", sent(&world)) };
        let expected = if stays { vec![refused.request_id] } else { vec![] };
        assert_eq!(next.unanswered, expected, "{code}");
        assert!(after.unanswered.is_empty(), "{code}: a successful answer empties it");
    }
}

#[test]
fn no_refusal_makes_a_request_forgotten_whose_answer_was_lost() {
    for code in [ProblemCode::Unavailable, ProblemCode::Internal, ProblemCode::RateLimited] {
        let mut world = World::new("unified-ccx-12.5");
        world.register(false).unwrap();
        world.run(hours(1));
        let before = world.sent.len();
        world.manager.losing = 1;
        world.command(Command::RenewRegistration { new_key: None }).unwrap();
        // The retry comes before the manager finds out that it has applied the request.
        world.manager.refusing = Some((code, 1));
        world.run(SignedDuration::from_mins(40));
        let [lost, retry, again] = sent(&world)[before..] else { panic!("{:?}", sent(&world)) };
        assert_eq!((lost, lost), (retry, again), "{code}: sent as it was until it is answered");
    }
}

#[test]
fn a_registration_whose_answer_was_lost_ends_registered_whatever_its_retry_meets() {
    for code in [ProblemCode::Unavailable, ProblemCode::Internal, ProblemCode::RateLimited] {
        let mut world = World::new("unified-ccx");
        world.manager.losing = 1;
        world.register(false).unwrap();
        world.manager.refusing = Some((code, 1));
        world.run(hours(1));
        let [lost, retry, again, ..] = sent(&world)[..] else { panic!("{:?}", sent(&world)) };
        assert_eq!((lost, lost), (retry, again), "{code}");
        let registration = world.status().registration;
        assert_eq!(registration.product_instance_id.unwrap().0.as_u128(), 1, "{code}: registered once");
    }
}

#[test]
fn a_new_request_refused_by_a_manager_in_trouble_is_sent_again_as_it_was() {
    for (code, same) in
        [(ProblemCode::Unavailable, true), (ProblemCode::Internal, true), (ProblemCode::RateLimited, false)]
    {
        let mut world = World::new("unified-ccx");
        world.manager.refusing = Some((code, 1));
        world.register(false).unwrap();
        world.run(hours(1));
        let [refused, next, ..] = sent(&world)[..] else { panic!("{:?}", sent(&world)) };
        assert_eq!(refused == next, same, "{code}");
    }
}
