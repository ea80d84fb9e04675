//! Alerts: what raises each, how much it matters, and what dismissal hides.

use jiff::{SignedDuration, Timestamp};
use seatpool_domain::alert::{self, Alert, Dismissal, Ending, Kind, Likeness};
use seatpool_domain::command::{Action, TransferLine, Verdict};
use seatpool_domain::event::Severity;
use seatpool_domain::explain::Place;
use seatpool_domain::{EventKind, Outcome, Refused};

use crate::agent::Agent;
use crate::world::{World, q, tag};

fn days(n: i64) -> SignedDuration {
    SignedDuration::from_hours(24 * n)
}

fn line(alert: &Alert) -> String {
    let due = alert.due.map(|due| format!(" (due {due})")).unwrap_or_default();
    format!("{:?} {}: {}{due}", alert.severity, alert.kind.title(), alert.message)
}

#[test]
fn an_instance_raises_an_alert_of_each_kind_in_its_time() {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    let mut agent = Agent::new(1);
    agent.register(&mut world, token).unwrap();
    let place = Place::new(va, "Default");
    let raised = |world: &World, day: i64| -> Vec<String> {
        let row = &world.instances[&agent.id()];
        let watches = alert::watches(&world.policy, world.now + days(day));
        let held = watches.iter().filter(|watch| watch.condition.holds(row));
        held.map(|watch| line(&alert::raised(watch, row, &place, &world.policy))).collect()
    };
    let mut told = vec!["# registered, and never reported".to_owned()];
    for day in [0, 1, 2] {
        told.push(format!("day {day}: {:?}", raised(&world, day)));
    }
    let mut reported = world.clone();
    agent.clone().report(&mut reported, &[("PORT", 1, None)]).unwrap();
    told.push("# reported once, and silent since".to_owned());
    for day in [0, 30, 31, 32, 60, 61, 89] {
        told.push(format!("day {day}: {:?}", raised(&reported, day)));
    }
    reported.advance(91 * 86_400);
    told.push("# its authorization was dropped on day 91".to_owned());
    for day in [91, 186, 187, 188, 334, 335, 336, 365, 366, 367] {
        told.push(format!("day {day}: {:?}", raised(&reported, day - 91)));
    }
    insta::assert_snapshot!(told.join("\n"));
}

/// The alerts of lots that end, by licence and end.
fn of_lots(world: &World, place: &Place, at: Timestamp) -> Vec<Alert> {
    let raised = |watch: &alert::LotWatch| -> Vec<_> {
        let endings = Ending::all(world.lots.values(), &watch.ends);
        let here = endings.into_iter().filter(|row| row.virtual_account == place.id);
        here.map(|row| {
            assert!(watch.holds(&row));
            let alert = alert::ending(watch, &row, place, &world.catalogue);
            assert_eq!(alert.key(), format!("{}:{}", watch.kind.as_str(), row.name()));
            alert
        })
        .collect()
    };
    let mut alerts: Vec<_> = alert::lot_watches(at).iter().flat_map(raised).collect();
    alerts.sort_by_key(|alert| (alert.subject.name().to_owned(), alert.since.or(alert.due)));
    alerts
}

#[test]
fn licences_raise_alerts_by_how_soon_they_end() {
    let mut world = World::new();
    let va = world.default_va();
    for (n, (quantity, end)) in [(1, 20), (2, 20), (4, 45), (8, 75), (16, 120)].into_iter().enumerate() {
        let line = world.term("PORT", quantity, 0, end);
        world.order_line(va, &format!("PO-{n}"), line);
    }
    let place = Place::new(va, "Default");
    let at = |day: i64| -> Vec<String> {
        let alerts = of_lots(&world, &place, world.now + days(day));
        alerts.iter().map(line).collect()
    };
    let told: Vec<_> =
        [0, 19, 20, 49, 50, 90, 121].map(|day| format!("day {day}:\n  {}", at(day).join("\n  "))).to_vec();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_declaration_waits_until_the_vendor_decides_and_a_rejected_one_has_not_expired() {
    let mut world = World::new();
    let (va, graz) = (world.default_va(), world.create_va("Graz"));
    let declare = |world: &mut World, quantity, note: &str| {
        let action = Action::Declare {
            virtual_account: va,
            tag: tag("PORT"),
            quantity: q(quantity),
            note: note.into(),
        };
        let Ok(Outcome::Lots(lots)) = world.submit(action) else { panic!() };
        world.lots[&lots[0]].clone()
    };
    let decide = |world: &mut World, declaration: &str, verdict, reason: &str| {
        let action = Action::Decide { declaration: declaration.into(), verdict, reason: reason.into() };
        world.submit(action).unwrap();
    };
    let first = declare(&mut world, 5, "contract 7");
    let second = declare(&mut world, 7, "contract 8");
    let part = TransferLine { tag: tag("PORT"), lot: Some(first.id), kind: None, quantity: q(2), to: graz };
    world.submit(Action::TransferLicenses { from: va, lines: vec![part] }).unwrap();
    let told = |world: &World, day: i64| -> Vec<String> {
        let at = world.now + days(day);
        let of = |id, name: &str| {
            let place = Place::new(id, name);
            let mut alerts = alert::declarations(world.lots.values(), &place, &world.catalogue, at);
            alerts.extend(of_lots(world, &place, at));
            alerts.iter().map(line).collect::<Vec<_>>()
        };
        [of(va, "Default"), of(graz, "Graz")].concat()
    };
    let waiting = |quantity: u64, place: &str| {
        format!(
            "Minor Declared Licenses Waiting: {quantity} of IVR Port in {place} were declared as owned by anna, and count \
             until the vendor confirms or rejects that."
        )
    };
    assert_eq!(told(&world, 400), [waiting(3, "Default"), waiting(7, "Default"), waiting(2, "Graz")]);
    decide(&mut world, &second.order_id, Verdict::Confirm, "");
    assert_eq!(told(&world, 0), [waiting(3, "Default"), waiting(2, "Graz")]);
    decide(&mut world, &first.order_id, Verdict::Reject, "Contract 7 ended in 2019.");
    let rejected = |place: &str| {
        format!(
            "Minor Declared Licenses Rejected: The vendor rejected IVR Port declared as owned in {place} on {}: Contract 7 \
             ended in 2019.",
            world.now
        )
    };
    assert_eq!(told(&world, 29), [rejected("Default"), rejected("Graz")]);
    assert_eq!(told(&world, 30), [""; 0]);
}

#[test]
fn shortages_tokens_and_doubled_deposits_raise_alerts() {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, Some(1));
    let place = Place::new(va, "Default");
    let mut agent = Agent::new(1);
    let near = world.now + days(24);
    let of_token = |world: &World, at| alert::token(&world.tokens[&token], &place, at).map(|a| line(&a));
    assert_eq!(of_token(&world, world.now), None, "it lasts for long");
    assert!(of_token(&world, near).unwrap().starts_with("Informational Registration Token Expiring"));
    assert_eq!(of_token(&world, world.now + days(31)), None, "it is over");
    agent.register(&mut world, token).unwrap();
    assert_eq!(of_token(&world, near), None, "it was used up");

    agent.report(&mut world, &[("PORT", 3, None), ("SRV", 0, None)]).unwrap();
    let short = |name| alert::short(world.total(va, name), &place, &world.catalogue).map(|a| line(&a));
    assert_eq!(
        short("PORT").unwrap(),
        "Major Insufficient Licenses: 3 of IVR Port are short in Default: more are in use than are covered."
    );
    assert_eq!(
        short("SRV").unwrap(),
        "Major Insufficient Licenses: Server is needed in Default, and none is owned."
    );
    let twice = Likeness { tag: tag("PORT"), subscription_id: "S/1: x".into(), latest: "lot".into() };
    let alert = alert::alike(&twice, &place, &world.catalogue);
    assert_eq!((alert.kind, alert.severity), (Kind::DuplicateLicenses, Severity::Minor));
    assert!(alert.message.to_string().contains("subscription S/1: x in Default"), "{}", alert.message);
    assert!(!alert.key().contains('/') && !alert.key().contains(' '), "{}", alert.key());
}

#[test]
fn what_was_noticed_of_an_instance_is_an_alert_while_it_is_registered() {
    let mut world = World::new();
    let va = world.default_va();
    let token = world.create_token(va, None);
    let mut agent = Agent::new(1);
    let id = agent.register(&mut world, token).unwrap();
    let place = Place::new(va, "Default");
    let noticed = |world: &World, kind, at| alert::noticed(kind, at, 7, &world.instances[&id], &place);
    let clone = noticed(&world, EventKind::InstanceCloned, world.now).unwrap();
    assert_eq!((clone.kind, clone.severity), (Kind::CloneSuspected, Severity::Major));
    assert!(noticed(&world, EventKind::InstanceForced, world.now).is_some());
    assert!(noticed(&world, EventKind::InstanceRenewed, world.now).is_none());
    assert!(
        noticed(&world, EventKind::InstanceCloned, world.now - days(1)).is_none(),
        "another registration's"
    );
    world.submit(Action::RemoveInstance { instance: id }).unwrap();
    assert!(noticed(&world, EventKind::InstanceCloned, world.now).is_none());
}

#[test]
fn a_dismissal_hides_an_alert_until_its_state_changes() {
    let mut world = World::new();
    let va = world.default_va();
    let place = Place::new(va, "Default");
    let line = world.term("PORT", 4, 0, 45);
    world.order_line(va, "PO-1", line);
    let raised = |world: &World, day| of_lots(world, &place, world.now + days(day)).remove(0);
    let before = raised(&world, 0);
    let dismiss = |alert: &Alert| Action::DismissAlert {
        virtual_account: va,
        key: alert.key(),
        fingerprint: alert.fingerprint.clone(),
        about: alert.message.to_string(),
    };
    let events = world.events.len();
    assert_eq!(world.submit(dismiss(&before)), Ok(Outcome::Done));
    assert_eq!(world.submit(dismiss(&before)), Ok(Outcome::Done), "twice is once");
    assert_eq!(world.kinds_since(events), [EventKind::AlertDismissed]);
    let dismissal: Dismissal = world.dismissals[&before.key()].clone();
    assert!(dismissal.hides(&before) && dismissal.hides(&raised(&world, 10)));
    let nearer = raised(&world, 20);
    assert!(nearer.key() == before.key() && !dismissal.hides(&nearer), "30 days is another state than 60");

    assert_eq!(alert::parse_key(&before.key()).map(|(kind, at, _)| (kind, at)), Some((before.kind, va)));
    let restore = Action::RestoreAlert { virtual_account: va, key: before.key() };
    assert_eq!(world.submit(restore.clone()), Ok(Outcome::Done));
    assert_eq!(world.submit(restore), Err(Refused::Unknown { what: "dismissed alert" }));
    assert!(world.dismissals.is_empty());

    let mut agent = Agent::new(1);
    let token = world.create_token(va, None);
    agent.register(&mut world, token).unwrap();
    agent.report(&mut world, &[("PORT", 9, None)]).unwrap();
    let short = alert::short(world.total(va, "PORT"), &place, &world.catalogue).unwrap();
    assert!(matches!(world.submit(dismiss(&short)), Err(Refused::Invalid { field: "alert", .. })));
    assert_eq!(world.total(va, "PORT").short, q(5));
}

#[test]
fn every_alert_that_administrators_know_has_its_kind() {
    // Those of an on-prem manager, Synchronization Overdue to Authorization File Ready, come with it.
    let known = [
        "Insufficient Licenses",
        "Licenses Expired",
        "Licenses Expiring",
        "Reserved License Expired",
        "Duplicate Licenses",
        "Reserved Licenses Returned to Smart Account",
        "Restricted License Not Available",
        "Product Instance Failed to Renew",
        "Product Instance Failed to Connect",
        "Authorization Pending",
    ];
    for title in known {
        let kinds: Vec<_> = Kind::ALL.iter().filter(|kind| kind.title() == title).collect();
        assert_eq!(kinds.len(), 1, "{title}");
        assert_eq!(Kind::parse(kinds[0].as_str()), Some(*kinds[0]));
    }
}
