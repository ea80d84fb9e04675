//! The steps of a reservation in the agent itself, with real keys and codes: what each is refused for, what a
//! reservation allows, and what survives.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use seatpool_agent::reservation::{GIVEN_UP_MAX, ReservationRefused as Refused, Step, Taken};
use seatpool_agent::status::{AuthorizationState, EntitlementState, RegistrationState};
use seatpool_agent::{Agent, Chance, Command, CommandRefused, Identity, KeyId, Keyring, NewKey, Profile};
use seatpool_crypto::{Anchors, P256Key, P256ReservationKey, P256Verifier, Purpose};
use seatpool_proto::code::{
    AuthorizationRefused, ConfirmationCode, InvalidAuthorizationCode, RequestCode, ReservationKey,
    ReservationKind, ReturnCode, Returned,
};
use seatpool_proto::{Nonce, Quantity, RequestId, Signer as _, Tag, Udi, Verifier};
use uuid::Uuid;

use crate::reserving::{Desk, SPECIFIC, UNIVERSAL};
use crate::vendor::{Days, Vendor};

struct NoChance;

impl Chance for NoChance {
    fn request_id(&mut self) -> RequestId {
        RequestId(Uuid::nil())
    }
    fn nonce(&mut self) -> Nonce {
        Nonce([0; 16])
    }
    fn jitter(&mut self) -> f64 {
        0.5
    }
}

/// Keys in memory, and the vendor's anchors.
struct Ring {
    anchors: Anchors,
    keys: RefCell<BTreeMap<KeyId, Rc<P256Key>>>,
}

impl Keyring for Ring {
    fn verifier(&self) -> &dyn Verifier {
        &P256Verifier
    }
    fn trusts(&self, chain: &[Vec<u8>], now: Timestamp) -> Result<(), String> {
        self.anchors.verify(chain, Purpose::Reservation, now).map_err(|error| error.to_string())
    }
    fn reservation_key(&self, id: KeyId) -> Result<Box<dyn ReservationKey>, String> {
        let key = self.keys.borrow().get(&id).cloned().ok_or("no such key")?;
        Ok(Box::new(P256ReservationKey::of(&key).unwrap()))
    }
}

struct World {
    agent: Agent,
    ring: Ring,
    desk: Desk,
    vendor: Vendor,
    now: Timestamp,
    profile: &'static str,
}

fn udi() -> Udi {
    Udi::new("UCCX", "edb16", Some("d9a2c661-8fe1-4ce7-9e6f-bbc68a3edb16".into())).unwrap()
}

fn identity() -> Identity {
    Identity { udi: udi(), product_name: "CCX".into(), product_version: None, host_name: None }
}

/// The call manager's rule on a small scale: no borrowing inside a reservation, and a feature for export.
const CALL_MANAGER: &str = r#"
name = "test-cm"
title = "Call Manager"
default_license_type = "Users"
[reporting]
interval_minutes = 1440
[evaluation]
days = 90
counted = "always"
enforced_after_days = 0
[authorization]
days = 90
renew_days = 30
enforced_after_days = "never"
[out_of_compliance]
after_overages = 1
enforced_after_days = "never"
locked_usage = false
[enforcement]
blocked = ["add-user"]
description = "No users are added."
[[export_features]]
name = "mixed-mode"
tag = "CM_EXPORT"
description = "Encrypted signalling and media"
[[licenses]]
tag = "CM_TOP"
name = "Top"
description = "-"
[[licenses]]
tag = "CM_BASE"
name = "Base"
description = "-"
[[license_types]]
name = "Users"
[[license_types.families]]
family = "CM"
tiers = ["CM_TOP", "CM_BASE"]
[words]
"#;

fn profile(name: &str) -> Profile {
    if name == "test-cm" {
        Profile::from_toml(CALL_MANAGER).unwrap()
    } else {
        Profile::shipped(name).unwrap()
    }
}

impl World {
    fn new() -> Self {
        Self::with("unified-ccx")
    }

    fn with(name: &'static str) -> Self {
        let vendor = Vendor::demonstration();
        let now = present();
        let ring =
            Ring { anchors: Anchors::new([vendor.root().to_vec()]).unwrap(), keys: RefCell::default() };
        let desk = Desk::new(&vendor);
        let agent = Agent::new(profile(name), identity(), None, now);
        Self { agent, ring, desk, vendor, now, profile: name }
    }

    fn step(&mut self, step: Step) -> Result<Taken, Refused> {
        let taken = self.agent.handle_reservation(step, &self.ring, self.now);
        self.quiet();
        taken
    }

    /// Stores what is to be stored, and sees that nothing is ever sent.
    fn quiet(&mut self) {
        while self.agent.poll_persist().is_some() {
            self.agent.persisted();
        }
        assert_eq!(self.agent.poll_transmit(), None, "a reserved product is never in contact");
    }

    fn new_key(&self) -> NewKey {
        let key = P256Key::generate().unwrap();
        let id = KeyId(RequestId(Uuid::from_u128(self.ring.keys.borrow().len() as u128 + 1)));
        let public_key = key.public_key().to_vec();
        self.ring.keys.borrow_mut().insert(id, Rc::new(key));
        NewKey { id, public_key }
    }

    fn request(&mut self, kind: ReservationKind) -> Result<RequestCode, Refused> {
        let key = self.new_key();
        match self.step(Step::Request { kind, key, nonce: seatpool_crypto::random_bytes() })? {
            Taken::Requested(code) => Ok(code),
            other => panic!("{other:?}"),
        }
    }

    fn enabled(&mut self) -> RequestCode {
        self.step(Step::Enable).unwrap();
        self.request(SPECIFIC).unwrap()
    }

    fn install(&mut self, text: impl Into<String>) -> Result<Option<ConfirmationCode>, Refused> {
        match self.step(Step::Install(text.into()))? {
            Taken::Installed(code) => Ok(Some(code)),
            other => panic!("{other:?}"),
        }
    }

    fn give_back(&mut self, step: Step) -> Result<ReturnCode, Refused> {
        match self.step(step)? {
            Taken::Returned(code) => Ok(code),
            other => panic!("{other:?}"),
        }
    }

    fn reserved(&mut self, entitlements: &[&str]) -> RequestCode {
        let request = self.enabled();
        let code = self.desk.authorize(&request, 100, entitlements).to_text();
        assert!(self.install(code).is_ok());
        request
    }

    fn uses(&mut self, tag: &str, count: u64) -> Result<(), CommandRefused> {
        let tag: Tag = tag.parse().unwrap();
        let taken = self.agent.handle_usage(&tag, Quantity::of(count), self.now);
        self.quiet();
        taken
    }

    fn command(&mut self, command: Command) -> Result<(), CommandRefused> {
        let taken = self.agent.handle_command(command, self.now, &mut NoChance);
        self.quiet();
        taken
    }

    fn pass(&mut self, days: i64) {
        self.now = self.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        self.agent.handle_timeout(self.now, &mut NoChance);
        self.quiet();
    }

    fn states(&self) -> (RegistrationState, AuthorizationState) {
        let status = self.agent.status(self.now);
        (status.registration.state, status.authorization.state)
    }

    /// The process ends, and another goes on from what was stored, as JSON.
    fn restart(&mut self) {
        let stored = serde_json::to_string(self.agent.state()).unwrap();
        let state = serde_json::from_str(&stored).unwrap();
        self.agent = Agent::new(profile(self.profile), identity(), Some(state), self.now);
        self.quiet();
    }
}

fn present() -> Timestamp {
    // The vendor's certificates for tests are made around the real present.
    #[allow(clippy::disallowed_methods, reason = "as said")]
    Timestamp::now()
}

#[test]
fn every_step_out_of_turn_is_refused_with_the_step_that_is_missing() {
    let mut world = World::new();
    let key = world.new_key();
    let request = Step::Request { kind: SPECIFIC, key, nonce: [0; 8] };
    let install = || Step::Install("<a></a>".into());
    let discard = || Step::ReturnAuthorization("<a></a>".into());
    let refused = |world: &mut World, step: Step, words: &str| {
        let before = world.agent.state().clone();
        let error = world.step(step).unwrap_err();
        assert!(error.is_out_of_turn(), "{error:?}");
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(world.agent.state().reservation, before.reservation, "nothing was changed");
    };
    for step in [request, install(), discard(), Step::Cancel, Step::Return, Step::Disable] {
        refused(&mut world, step, "`license smart reservation enable` first");
    }
    world.step(Step::Enable).unwrap();
    assert_eq!(world.states().0, RegistrationState::ReservationInProgress);
    for step in [install(), Step::Cancel] {
        refused(&mut world, step, "`license smart reservation request` first");
    }
    refused(&mut world, Step::Return, "`license smart reservation install` first");
    let code = world.request(SPECIFIC).unwrap();
    assert_eq!(world.request(SPECIFIC).unwrap(), code, "one in progress is shown again");
    let key = world.new_key();
    refused(
        &mut world,
        Step::Request { kind: UNIVERSAL, key, nonce: [0; 8] },
        "`license smart reservation cancel` first",
    );
    refused(&mut world, Step::Disable, "`license smart reservation cancel` first");
    refused(&mut world, Step::Return, "`license smart reservation install` first");
    world.step(Step::Cancel).unwrap();
    world.step(Step::Disable).unwrap();
    world.reserved(&["CCX_FLEX_PREMIUM 10"]);
    let key = world.new_key();
    for step in [Step::Cancel, Step::Disable, Step::Request { kind: SPECIFIC, key, nonce: [0; 8] }] {
        refused(&mut world, step, "`license smart reservation return` first");
    }
    let new_key = world.new_key();
    let register = Command::Register { token: "abc".into(), force: false, new_key };
    assert_eq!(world.command(register), Err(CommandRefused::ReservationEnabled));
    assert_eq!(world.command(Command::RenewAuthorization), Err(CommandRefused::ReservationEnabled));
    world.step(Step::Return).unwrap();
    world.step(Step::Disable).unwrap();
    assert_eq!(world.states().0, RegistrationState::Unregistered);
}

#[test]
fn a_reservation_goes_from_request_to_return_through_restarts() {
    let mut world = World::new();
    let request = world.enabled();
    world.restart();
    let first = world.desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10", "CCX_SERVER 1"]);
    assert!(world.install(first.to_text()).is_ok());
    world.restart();
    assert_eq!(
        world.states(),
        (RegistrationState::ReservedSpecific, AuthorizationState::ReservedInCompliance)
    );
    world.pass(400);
    assert_eq!(world.states().1, AuthorizationState::ReservedInCompliance, "no contact is needed");
}

#[test]
fn an_update_gives_a_confirmation_code_and_a_return_code_ends_it() {
    let mut world = World::new();
    let request = world.reserved(&["CCX_FLEX_PREMIUM 10"]);
    // The chain is known from the first code.
    let update = world.desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 5"]).to_bare_text();
    let confirmation = world.install(update).unwrap().unwrap();
    assert_eq!(confirmation.check(&world.desk.facts(&request, 200), &world.desk.key), Ok(()));
    world.restart();
    let shown = world.agent.status(world.now).reservation;
    assert_eq!(shown.last_confirmation_code, Some(confirmation.to_string()));
    let code = world.give_back(Step::Return).unwrap();
    assert_eq!((code.returned, code.sequence), (Returned::Whole, 200));
    assert_eq!(code.check(&world.desk.facts(&request, 200), &world.desk.key), Ok(()));
    world.restart();
    assert_eq!(world.states().0, RegistrationState::ReservationInProgress);
    let shown = world.agent.status(world.now).reservation;
    assert_eq!((shown.last_return_code, shown.sequence), (Some(code.to_string()), 200));
    assert_eq!(world.step(Step::Return), Err(Refused::NothingInstalled), "once");
}

#[test]
fn each_code_that_is_not_the_right_one_is_told_apart() {
    let mut world = World::new();
    let canceled = world.enabled();
    let late = world.desk.authorize(&canceled, 50, &["CCX_FLEX_PREMIUM 1"]).to_text();
    world.step(Step::Cancel).unwrap();
    assert_eq!(world.install(late.clone()), Err(Refused::Canceled), "though there is no other request yet");
    let request = world.request(SPECIFIC).unwrap();
    assert_eq!(world.install(late), Err(Refused::Canceled));

    let good = world.desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]).to_text();
    let altered = good.replace("<count>10<", "<count>99<");
    assert_eq!(world.install(altered), Err(Refused::Signature(AuthorizationRefused::Signature)));
    let cut = &good[..good.len() / 2];
    assert_eq!(world.install(cut), Err(Refused::Unreadable(InvalidAuthorizationCode::Cut)));
    let doubled = format!("{good}{good}");
    assert_eq!(world.install(doubled), Err(Refused::Unreadable(InvalidAuthorizationCode::Doubled)));

    let other = RequestCode { udi: Udi::new("UCCX", "other", None).unwrap(), ..request.clone() };
    let code = world.desk.authorize(&other, 100, &[]).to_text();
    assert!(matches!(world.install(code), Err(Refused::OtherDevice { .. })));
    let unrelated = RequestCode { nonce: [9; 8], ..request.clone() };
    let code = world.desk.authorize(&unrelated, 100, &[]).to_text();
    let refused = world.install(code).unwrap_err();
    assert_eq!(refused, Refused::OtherRequest);
    assert!(
        refused
            .to_string()
            .starts_with("The Reservation Authorization Code does not match the Reservation Request Code")
    );
    let forger = Desk::new(&Vendor::demonstration()).authorize(&request, 100, &[]).to_text();
    assert!(matches!(world.install(forger), Err(Refused::Untrusted(_))), "an unrelated root");
    let expired = Desk::of(world.vendor.reservation(Days(-20, -10))).authorize(&request, 100, &[]).to_text();
    assert!(matches!(world.install(expired), Err(Refused::Untrusted(reason)) if reason.contains("ended")));

    assert!(world.install(good.clone()).is_ok());
    assert_eq!(world.install(good), Err(Refused::UsedTwice));
    let older = world.desk.authorize(&request, 99, &["CCX_FLEX_PREMIUM 99"]).to_text();
    assert_eq!(world.install(older), Err(Refused::Older { found: 99, last: 100 }));
    let another = Desk::new(&world.vendor).authorize(&request, 300, &["CCX_FLEX_PREMIUM 99"]).to_text();
    assert_eq!(world.install(another), Err(Refused::OtherManager));
    let status = world.agent.status(world.now);
    assert_eq!(status.reservation.installed.unwrap().sequence, 100, "none of these changed anything");
}

#[test]
fn a_code_that_was_not_installed_is_given_back_also_after_cancel() {
    let mut world = World::new();
    let canceled = world.enabled();
    world.step(Step::Cancel).unwrap();
    let first = world.desk.authorize(&canceled, 50, &["CCX_FLEX_PREMIUM 1"]).to_text();
    let code = world.give_back(Step::ReturnAuthorization(first.clone())).unwrap();
    assert_eq!((code.returned, code.sequence), (Returned::Whole, 50));
    assert_eq!(code.check(&world.desk.facts(&canceled, 50), &world.desk.key), Ok(()));
    assert_eq!(world.give_back(Step::ReturnAuthorization(first)), Ok(code), "a lost code is made again");

    let request = world.request(SPECIFIC).unwrap();
    let second = world.desk.authorize(&request, 60, &["CCX_FLEX_PREMIUM 1"]).to_text();
    let code = world.give_back(Step::ReturnAuthorization(second.clone())).unwrap();
    assert_eq!(code.check(&world.desk.facts(&request, 60), &world.desk.key), Ok(()));
    assert_eq!(world.install(second), Err(Refused::GivenBack), "what was given back is never installed");

    let request = world.request(SPECIFIC).unwrap();
    let third = world.desk.authorize(&request, 70, &["CCX_FLEX_PREMIUM 1"]).to_text();
    world.install(third.clone()).unwrap();
    assert_eq!(world.step(Step::ReturnAuthorization(third)), Err(Refused::IsInstalled));
    let update = world.desk.authorize(&request, 80, &["CCX_FLEX_PREMIUM 2"]).to_text();
    let code = world.give_back(Step::ReturnAuthorization(update.clone())).unwrap();
    assert_eq!((code.returned, code.sequence), (Returned::Change, 80));
    assert_eq!(
        world.give_back(Step::ReturnAuthorization(update.clone())),
        Ok(code),
        "a lost code is made again"
    );
    assert_eq!(world.install(update), Err(Refused::Older { found: 80, last: 80 }));
    let next = world.desk.authorize(&request, 90, &["CCX_FLEX_PREMIUM 3"]).to_text();
    assert!(world.install(next).unwrap().is_some());
    let superseded = world.desk.authorize(&request, 85, &["CCX_FLEX_PREMIUM 2"]).to_text();
    assert_eq!(
        world.step(Step::ReturnAuthorization(superseded)),
        Err(Refused::Older { found: 85, last: 90 })
    );
    let whole = world.give_back(Step::Return).unwrap();
    assert_eq!((whole.returned, whole.sequence), (Returned::Whole, 90));
}

#[test]
fn more_than_is_reserved_is_refused_and_borrowing_is_the_profiles_to_say() {
    let check = |name, entitlements: &[&str], steps: &[(&str, u64, bool)]| {
        let mut world = World::with(name);
        world.reserved(entitlements);
        for &(tag, count, taken) in steps {
            let found = world.uses(tag, count);
            assert_eq!(found.is_ok(), taken, "{tag} {count}: {found:?}");
            assert_eq!(world.states().1, AuthorizationState::ReservedInCompliance);
        }
    };
    // License Usage in Specific License Reservation, 001_b583da3d9b0e1a1f.txt: 10 Premium and 40 Standard.
    check(
        "unified-ccx",
        &["CCX_FLEX_PREMIUM 10", "CCX_FLEX_STANDARD 40", "CCX_SERVER 1"],
        &[
            ("CCX_FLEX_PREMIUM", 11, false),
            ("CCX_FLEX_STANDARD", 50, true),
            ("CCX_FLEX_STANDARD", 51, false),
            ("CCX_FLEX_PREMIUM", 1, false),
            ("CCX_FLEX_STANDARD", 45, true),
            ("CCX_FLEX_PREMIUM", 5, true),
            ("CCX_FLEX_PREMIUM", 6, false),
        ],
    );
    // "License borrowing from a higher tier does not happen automatically", 002_b6f558b851efedf5.txt.
    check(
        "test-cm",
        &["CM_TOP 10", "CM_BASE 40"],
        &[("CM_BASE", 40, true), ("CM_BASE", 41, false), ("CM_TOP", 10, true), ("CM_TOP", 11, false)],
    );
}

#[test]
fn what_is_short_of_a_higher_tier_is_not_short_of_the_lower_ones() {
    let mut world = World::new();
    let day = |days: i64| {
        let at = world.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        at.strftime("%Y-%b-%d").to_string()
    };
    let term = format!("CCX_FLEX_PREMIUM 5 {} {}", day(-10), day(10));
    let held = ["CCX_FLEX_PREMIUM 5", &term, "CCX_FLEX_STANDARD 10", "CCX_SERVER 1"];
    let request = world.reserved(&held);
    world.uses("CCX_FLEX_PREMIUM", 10).unwrap();
    world.uses("CCX_FLEX_STANDARD", 9).unwrap();
    world.pass(11);
    let state = |world: &World, tag: &str| {
        let status = world.agent.status(world.now);
        status.entitlements.iter().find(|entitlement| entitlement.tag.as_str() == tag).unwrap().state
    };
    assert_eq!(state(&world, "CCX_FLEX_PREMIUM"), EntitlementState::NotAuthorized);
    assert_eq!(state(&world, "CCX_FLEX_STANDARD"), EntitlementState::ReservationInCompliance);
    world.uses("CCX_FLEX_STANDARD", 10).unwrap();
    assert!(world.uses("CCX_FLEX_STANDARD", 11).is_err());
    let moved = [("CCX_FLEX_PREMIUM", 5), ("CCX_FLEX_STANDARD", 15)];
    let moved = moved.into_iter().map(|(tag, count)| (tag.parse().unwrap(), Quantity::of(count))).collect();
    assert!(world.command(Command::SetUsage(moved)).is_err(), "Premium that is missing is none for Standard");
    let swapped = ["CCX_FLEX_PREMIUM 10", "CCX_FLEX_STANDARD 5", "CCX_SERVER 1"];
    let swapped = world.desk.authorize(&request, 200, &swapped).to_text();
    assert!(matches!(world.install(swapped), Err(Refused::InUse { .. })));
}

#[test]
fn a_license_that_must_be_held_is_not_authorized_unless_it_is_reserved_too() {
    let mut world = World::new();
    let request = world.reserved(&["CCX_FLEX_PREMIUM 10"]);
    world.uses("CCX_FLEX_PREMIUM", 10).unwrap();
    assert_eq!(world.states().1, AuthorizationState::NotAuthorizedReserved);
    let alert = world.agent.status(world.now).alerts.remove(0);
    assert_eq!(alert.tag.unwrap().as_str(), "CCX_SERVER");
    let update = world.desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 10", "CCX_SERVER 1"]).to_text();
    world.install(update).unwrap();
    assert_eq!(world.states().1, AuthorizationState::ReservedInCompliance);
}

#[test]
fn lots_of_a_term_end_by_their_dates_and_use_beyond_them_is_not_authorized() {
    let mut world = World::with("test-cm");
    let day = |days: i64| {
        let at = world.now.checked_add(SignedDuration::from_hours(24 * days)).unwrap();
        at.strftime("%Y-%b-%d").to_string()
    };
    let term = format!("CM_BASE 5 {} {}", day(-10), day(10));
    world.reserved(&["CM_BASE 2", &term]);
    world.uses("CM_BASE", 7).unwrap();
    let deadline = world.agent.poll_deadline().unwrap();
    assert!(deadline <= world.now.checked_add(SignedDuration::from_hours(24 * 10)).unwrap());
    world.pass(11);
    assert_eq!(world.states().1, AuthorizationState::NotAuthorizedReserved);
    let status = world.agent.status(world.now);
    let base = status.entitlements.iter().find(|e| e.tag.as_str() == "CM_BASE").unwrap();
    assert_eq!((base.state, base.reserved), (EntitlementState::NotAuthorized, Some(Quantity::of(2))));
    assert!(status.alerts.iter().any(|alert| alert.message.starts_with("The reservation does not cover")));
    world.uses("CM_BASE", 6).unwrap();
    assert!(world.uses("CM_BASE", 7).is_err(), "less is taken, more is not");
    world.uses("CM_BASE", 2).unwrap();
    assert_eq!(world.states().1, AuthorizationState::ReservedInCompliance);
}

#[test]
fn a_universal_reservation_covers_all_but_what_the_law_asks_for() {
    let mut world = World::with("test-cm");
    world.step(Step::Enable).unwrap();
    let request = world.request(UNIVERSAL).unwrap();
    let code = world.desk.authorize(&request, 100, &[]).to_text();
    assert!(code.contains("<universalPLR>"));
    world.install(code).unwrap();
    world.uses("CM_TOP", 1_000_000).unwrap();
    assert_eq!(
        world.states(),
        (RegistrationState::ReservedUniversal, AuthorizationState::ReservedInCompliance)
    );
    assert!(!world.agent.may_i("mixed-mode", world.now).is_allowed());
}

#[test]
fn an_export_restricted_feature_comes_with_the_authorization_code() {
    let mut world = World::with("test-cm");
    assert!(!world.agent.may_i("mixed-mode", world.now).is_allowed());
    let request = world.reserved(&["CM_BASE 1", "CM_EXPORT 1"]);
    assert!(world.agent.may_i("mixed-mode", world.now).is_allowed());
    let asked = world.command(Command::RequestExport("mixed-mode".into()));
    assert_eq!(asked, Err(CommandRefused::ExportByReservation));
    world.command(Command::SetExportFeature { feature: "mixed-mode".into(), on: true }).unwrap();
    assert!(world.agent.status(world.now).alerts.is_empty());
    let update = world.desk.authorize(&request, 200, &["CM_BASE 1"]).to_text();
    let refused = Refused::ExportInUse("mixed-mode".into());
    assert!(refused.to_string().contains("turn it off in the product first"), "{refused}");
    assert_eq!((refused.code(), refused.is_out_of_turn()), ("export_in_use", true));
    let before = world.agent.state().reservation.clone();
    assert_eq!(world.install(update.clone()), Err(refused.clone()));
    assert_eq!(world.step(Step::Return), Err(refused.clone()));
    assert_eq!(world.agent.state().reservation, before, "nothing was changed");
    let more = world.desk.authorize(&request, 150, &["CM_BASE 2", "CM_EXPORT 1"]).to_text();
    world.install(more).unwrap();
    world.command(Command::SetExportFeature { feature: "mixed-mode".into(), on: false }).unwrap();
    world.install(update).unwrap();
    assert!(!world.agent.may_i("mixed-mode", world.now).is_allowed());
    world.command(Command::SetExportFeature { feature: "mixed-mode".into(), on: true }).unwrap();
    let alerts = world.agent.status(world.now).alerts;
    assert!(alerts[0].message.starts_with("SmartLicenseExportControlNotAllowed"), "{alerts:?}");
    assert!(world.step(Step::Return).is_ok(), "it loses nothing by that");
}

#[test]
fn a_factory_reset_keeps_the_evaluation_and_refuses_older_codes() {
    let mut world = World::with("test-cm");
    world.pass(10);
    let request = world.reserved(&["CM_BASE 1"]);
    let left = world.agent.status(world.now).evaluation.remaining_seconds;
    world.pass(30);
    assert_eq!(world.agent.status(world.now).evaluation.remaining_seconds, left, "it stands while reserved");
    let before = world.agent.state().clone();
    let refused = world.command(Command::FactoryReset { force: false }).unwrap_err();
    assert_eq!(refused, CommandRefused::Reserved);
    assert!(refused.to_string().contains("`license smart reservation return` first"), "{refused}");
    assert_eq!(world.agent.state().reservation, before.reservation, "nothing was changed");
    world.command(Command::FactoryReset { force: true }).unwrap();
    let status = world.agent.status(world.now);
    assert_eq!((status.evaluation.remaining_seconds, status.reservation.sequence), (left, 100));
    assert!(status.registration.ended.is_some_and(|ended| ended.remove_by_hand));
    let again = world.enabled();
    assert_ne!(again.digest(), request.digest());
    let older = world.desk.authorize(&again, 100, &["CM_BASE 9"]).to_text();
    assert_eq!(world.install(older), Err(Refused::Older { found: 100, last: 100 }));
    let newer = world.desk.authorize(&again, 101, &["CM_BASE 9"]).to_text();
    assert!(world.install(newer).is_ok());
    let forgotten = world.desk.authorize(&request, 100, &["CM_BASE 1"]).to_text();
    let code = world.give_back(Step::ReturnAuthorization(forgotten)).unwrap();
    assert_eq!(
        code.check(&world.desk.facts(&request, 100), &world.desk.key),
        Ok(()),
        "what was forced is mended"
    );
}

#[test]
fn a_factory_reset_loses_no_code_that_is_on_its_way() {
    let mut world = World::new();
    let first = world.enabled();
    world.command(Command::FactoryReset { force: false }).unwrap();
    let late = world.desk.authorize(&first, 50, &["CCX_FLEX_PREMIUM 1"]).to_text();
    assert_eq!(world.step(Step::ReturnAuthorization(late.clone())), Err(Refused::NotEnabled));
    let second = world.enabled();
    assert_eq!(world.install(late.clone()), Err(Refused::Canceled));
    let code = world.give_back(Step::ReturnAuthorization(late.clone())).unwrap();
    assert_eq!(code.check(&world.desk.facts(&first, 50), &world.desk.key), Ok(()));
    assert_eq!(world.install(late), Err(Refused::GivenBack), "not to be given back once more");
    let good = world.desk.authorize(&second, 100, &["CCX_FLEX_PREMIUM 1"]).to_text();
    world.install(good).unwrap();
    let code = world.give_back(Step::Return).unwrap();
    world.command(Command::FactoryReset { force: false }).unwrap();
    world.restart();
    let shown = world.agent.status(world.now).reservation;
    assert_eq!((shown.enabled, shown.last_return_code), (false, Some(code.to_string())));
    let update = world.desk.authorize(&second, 200, &["CCX_FLEX_PREMIUM 2"]).to_bare_text();
    world.step(Step::Enable).unwrap();
    let code = world.give_back(Step::ReturnAuthorization(update)).unwrap();
    assert_eq!((code.returned, code.sequence), (Returned::Whole, 200), "the manager is to hold nothing more");
}

#[test]
fn what_is_given_back_of_a_request_that_nothing_is_installed_of_is_the_whole() {
    let mut world = World::new();
    let request = world.enabled();
    let first = world.desk.authorize(&request, 50, &["CCX_FLEX_PREMIUM 10"]).to_text();
    let second = world.desk.authorize(&request, 60, &["CCX_FLEX_PREMIUM 25"]).to_text();
    let code = world.give_back(Step::ReturnAuthorization(second.clone())).unwrap();
    assert_eq!(
        (code.returned, code.sequence),
        (Returned::Whole, 60),
        "the first can't be installed any more"
    );
    let refused = world.install(first.clone()).unwrap_err();
    assert_eq!(refused, Refused::GivenBack);
    assert!(refused.to_string().contains("`license show status` shows"), "{refused}");
    world.request(SPECIFIC).unwrap();
    assert_eq!(world.install(first), Err(Refused::GivenBack));

    let mut world = World::new();
    let request = world.reserved(&["CCX_FLEX_PREMIUM 10"]);
    let update = world.desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 12"]).to_text();
    world.install(update.clone()).unwrap();
    let whole = world.give_back(Step::Return).unwrap();
    let again = world.give_back(Step::ReturnAuthorization(update)).unwrap();
    assert_eq!((again.returned, again.sequence), (whole.returned, whole.sequence));
}

#[test]
fn an_update_that_leaves_less_than_is_in_use_waits_until_less_is() {
    let mut world = World::new();
    let request = world.reserved(&["CCX_FLEX_PREMIUM 10", "CCX_FLEX_STANDARD 10", "CCX_SERVER 1"]);
    world.uses("CCX_FLEX_STANDARD", 10).unwrap();
    let lent =
        world.desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 6", "CCX_FLEX_STANDARD 4", "CCX_SERVER 1"]);
    world.install(lent.to_text()).unwrap().expect("Premium serves what Standard lacks");
    let less =
        world.desk.authorize(&request, 300, &["CCX_FLEX_PREMIUM 2", "CCX_FLEX_STANDARD 4", "CCX_SERVER 1"]);
    let refused = world.install(less.to_text()).unwrap_err();
    let standard = || "CCX_FLEX_STANDARD".parse().unwrap();
    let (used, reserved) = (Quantity::of(10), Quantity::of(4));
    assert_eq!(refused, Refused::InUse { tag: standard(), used, reserved });
    assert!(refused.to_string().contains("use less first"), "{refused}");
    let installed = world.agent.status(world.now).reservation.installed.unwrap();
    assert_eq!(installed.sequence, 200, "nothing was changed");
    world.uses("CCX_FLEX_STANDARD", 6).unwrap();
    assert!(world.install(less.to_text()).unwrap().is_some());
    assert_eq!(world.states().1, AuthorizationState::ReservedInCompliance);
}

#[test]
fn a_shortage_of_one_license_does_not_keep_another_from_being_used() {
    let mut world = World::with("test-cm");
    world.uses("CM_BASE", 10).unwrap();
    world.reserved(&["CM_BASE 5", "CM_TOP 2"]);
    assert_eq!(world.states().1, AuthorizationState::NotAuthorizedReserved);
    world.uses("CM_TOP", 2).unwrap();
    let refused = world.uses("CM_TOP", 3).unwrap_err().to_string();
    assert!(refused.contains("CM_TOP") && refused.contains("2 reserved"), "{refused}");
    let refused = world.uses("CM_BASE", 11).unwrap_err().to_string();
    assert!(refused.contains("CM_BASE") && refused.contains("5 reserved"), "{refused}");
    world.uses("CM_BASE", 9).unwrap();
}

#[test]
fn no_canceled_request_is_forgotten_before_that_is_said() {
    let mut world = World::new();
    world.step(Step::Enable).unwrap();
    // Those that were given back make room by themselves.
    for sequence in 1..40 {
        let request = world.request(SPECIFIC).unwrap();
        let code = world.desk.authorize(&request, sequence, &["CCX_FLEX_PREMIUM 1"]).to_text();
        if sequence % 2 == 0 {
            world.install(code).unwrap();
            world.give_back(Step::Return).unwrap();
        } else {
            world.give_back(Step::ReturnAuthorization(code)).unwrap();
        }
    }
    assert_eq!(world.agent.state().reservation.given_up.len(), GIVEN_UP_MAX);
    let canceled: Vec<RequestCode> = (0..GIVEN_UP_MAX)
        .map(|_| {
            let request = world.request(SPECIFIC).unwrap();
            world.step(Step::Cancel).unwrap();
            request
        })
        .collect();
    let refused = world.request(SPECIFIC).unwrap_err();
    assert_eq!(refused, Refused::TooManyCanceled);
    assert!(refused.is_out_of_turn() && refused.to_string().contains("forget-canceled"), "{refused}");
    assert_eq!(world.agent.status(world.now).reservation.canceled.len(), GIVEN_UP_MAX);
    world.restart();
    // Each can still be given back, and each that is makes room for one.
    for (request, sequence) in canceled.iter().zip(100..) {
        let code = world.desk.authorize(request, sequence, &["CCX_FLEX_PREMIUM 1"]).to_text();
        let returned = world.give_back(Step::ReturnAuthorization(code)).unwrap();
        assert_eq!(returned.check(&world.desk.facts(request, sequence), &world.desk.key), Ok(()));
        world.request(SPECIFIC).unwrap();
        world.step(Step::Cancel).unwrap();
    }
    assert_eq!(world.request(SPECIFIC), Err(Refused::TooManyCanceled));
    world.step(Step::ForgetCanceled).unwrap();
    world.request(SPECIFIC).unwrap();
    assert_eq!(world.agent.status(world.now).reservation.canceled.len(), 0);
}

#[test]
fn a_code_is_judged_by_what_was_signed_of_it() {
    let mut world = World::new();
    let request = world.enabled();
    let mut grant = world.desk.authorize(&request, 100, &["CCX_FLEX_PREMIUM 10"]).grant;
    grant.entitlements[0].display_name = "Flex Premium Agent".to_owned();
    let signed = world.desk.sign(&request, grant);
    // A mail program broke it at a space: joined by nothing it says something else, which nobody signed.
    let broken = signed.to_text().replace("Flex Premium Agent", "Flex\nPremium Agent");
    world.install(broken).unwrap();
    let installed = world.agent.state().reservation.installed.clone().unwrap();
    assert_eq!(installed.grant.entitlements[0].display_name, "Flex Premium Agent");
    // What nobody signed is neither old nor used: it is altered.
    let update = world.desk.authorize(&request, 200, &["CCX_FLEX_PREMIUM 5"]).to_text();
    for sequence in ["100", "99"] {
        let altered = update.replace("<timestamp>200<", &format!("<timestamp>{sequence}<"));
        let altered_too = Step::ReturnAuthorization(altered.clone());
        assert_eq!(world.install(altered), Err(Refused::Signature(AuthorizationRefused::Signature)));
        assert_eq!(world.step(altered_too), Err(Refused::Signature(AuthorizationRefused::Signature)));
    }
    world.install(update).unwrap();
}

/// The sample of 002_b6f558b851efedf5.txt, "license smart reservation", third copy of the code (step 5, "Enter
/// Confirmation Code"). The text there was damaged when it was taken from a picture. Mended are tags alone:
/// `</entitlement>` where `<entitlement>` closed one, `</entitlements>` and `</authorizationCode>` where the opening tags
/// stood again, `<udi>` and `</specificPLR>`. Values, their line breaks and `pid` are kept as they stand there.
const SAMPLE: &str = include_str!("../fixtures/reference-authorization.xml");

#[test]
fn the_reference_documents_sample_is_read_and_refused_for_its_signature_alone() {
    let read = seatpool_proto::code::UntrustedAuthorization::from_text(SAMPLE).unwrap();
    let printed: Vec<String> = read
        .grant()
        .entitlements
        .iter()
        .map(|e| format!("{} x {} ({})", e.count, e.display_name, e.license_type))
        .collect();
    assert_eq!(
        printed,
        ["1 x UC Manager CUWL License (12.X) (TERM)", "1 x UC Manager Enhanced License (12.x) (PERPETUAL)"]
    );
    assert_eq!(read.grant().sequence, 1_595_405_336_190);
    assert_eq!(read.udi.to_string(), "PID:UCM,SN:edb16,UUID:d9a2c661-8fe1-4ce7-9e6f-bbc68a3edb16");

    let mut world = World::with("test-cm");
    let identity = Identity { udi: read.udi, ..identity() };
    world.agent = Agent::new(profile("test-cm"), identity, None, world.now);
    world.enabled();
    // It comes without its wrapper; the product knows a chain all the same.
    let chain = world.desk.authorize(&world.agent.state().reservation.request.clone().unwrap().code, 1, &[]);
    let wrapped = {
        let text = chain.to_text();
        let (_, rest) = text.split_once("</specificPLR>").unwrap();
        let (_, certificates) = rest.split_once("</request>").unwrap();
        format!("<smartLicense>{}{certificates}", SAMPLE.trim())
    };
    assert_eq!(world.install(wrapped), Err(Refused::Signature(AuthorizationRefused::Signature)));
    assert_eq!(world.install(SAMPLE), Err(Refused::Signature(AuthorizationRefused::NoCertificate)));
}
